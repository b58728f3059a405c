//! What the line editor asks while a statement is typed.

use std::borrow::Cow;
use std::env;
use std::sync::{Arc, Mutex};

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::script::is_complete;
use crate::shell::complete::complete;
use crate::shell::highlight::highlight;
use crate::shell::lines::locked;
use crate::shell::names::Names;

/// Completes, colours, and tells whether a statement is whole.
#[derive(Debug)]
pub struct Typing {
    names: Arc<Mutex<Names>>,
    coloured: bool,
}

impl Typing {
    /// With these names; without colours where `$NO_COLOR` is set or the terminal has none.
    pub fn new(names: Arc<Mutex<Names>>) -> Self {
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { names, coloured: !plain && !dumb }
    }
}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let found = complete(line, pos, &locked(&self.names));
        let only = found.candidates.len() == 1;
        let pair = |text: String| {
            // Behind what is whole comes a space; behind `app.` and `count(` something else.
            let goes_on =
                text.ends_with(['.', '(', '/']) || line.get(pos..).is_some_and(|rest| !rest.is_empty());
            let replacement = if only && !goes_on { format!("{text} ") } else { text.clone() };
            Pair { display: text, replacement }
        };
        Ok((found.start, found.candidates.into_iter().map(pair).collect()))
    }
}

impl Highlighter for Typing {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.coloured { Cow::Owned(highlight(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        if self.coloured && default {
            Cow::Owned(format!("\x1b[1;34m{prompt}\x1b[0m"))
        } else {
            Cow::Borrowed(prompt)
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.coloured
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        if is_complete(context.input()) {
            return Ok(ValidationResult::Valid(None));
        }
        Ok(ValidationResult::Incomplete)
    }
}

impl Hinter for Typing {
    type Hint = String;
}

impl Helper for Typing {}
