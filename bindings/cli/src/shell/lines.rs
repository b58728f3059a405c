//! What is typed: a thread of its own edits lines, so that reading them holds nothing else up.

use std::env;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use firndb_core::{Error, Result};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::shell::names::Names;
use crate::shell::typing::Typing;

/// Entries of the history that are kept.
const REMEMBERED: usize = 10_000;

/// What came from the terminal.
#[derive(Debug)]
pub enum Input {
    /// Something that can be run.
    Text(String),
    /// Ctrl-C: what was typed is thrown away.
    Dropped,
    /// Ctrl-D.
    End,
    /// The terminal cannot be read any more.
    Failed(String),
}

/// Reads from the terminal.
#[derive(Debug)]
pub struct Lines {
    prompts: Sender<String>,
    inputs: UnboundedReceiver<Input>,
}

impl Lines {
    /// Starts reading; `names` are those that are completed.
    ///
    /// # Errors
    /// `Unavailable` when there is no thread or terminal for it.
    pub fn start(names: Arc<Mutex<Names>>) -> Result<Self> {
        let (prompts, to_show) = channel();
        let (typed, inputs) = unbounded_channel();
        let editing = move || match editor(names) {
            Ok((editor, history)) => edit(editor, history, &to_show, &typed),
            Err(e) => {
                let _ = typed.send(Input::Failed(e.to_string()));
            }
        };
        thread::Builder::new().name("lines".to_owned()).spawn(editing).map_err(|e| {
            Error::unavailable(format!("cannot start a thread to read from the terminal: {e}"))
        })?;
        Ok(Self { prompts, inputs })
    }

    /// Asks for the next input.
    pub async fn next(&mut self, prompt: String) -> Input {
        // A thread that has ended has said why.
        let _ = self.prompts.send(prompt);
        self.inputs.recv().await.unwrap_or(Input::End)
    }
}

type Edited = Editor<Typing, FileHistory>;

fn editor(names: Arc<Mutex<Names>>) -> rustyline::Result<(Edited, Option<PathBuf>)> {
    let config = Config::builder()
        .max_history_size(REMEMBERED)?
        .completion_type(CompletionType::List)
        .history_ignore_space(true)
        .build();
    let mut editor: Edited = Editor::with_config(config)?;
    editor.set_helper(Some(Typing::new(names)));
    let history = history_file();
    if let Some(path) = &history {
        if let Some(dir) = path.parent() {
            let _ = std::fs::create_dir_all(dir);
        }
        // A history that cannot be read is one that is not there yet.
        let _ = editor.load_history(path);
    }
    Ok((editor, history))
}

fn edit(
    mut editor: Edited,
    history: Option<PathBuf>,
    prompts: &Receiver<String>,
    typed: &UnboundedSender<Input>,
) {
    while let Ok(prompt) = prompts.recv() {
        let input = match editor.readline(&prompt) {
            Ok(text) => {
                remember(&mut editor, history.as_ref(), &text);
                Input::Text(text)
            }
            Err(ReadlineError::Interrupted) => Input::Dropped,
            Err(ReadlineError::Eof) => Input::End,
            Err(e) => Input::Failed(e.to_string()),
        };
        if typed.send(input).is_err() {
            break;
        }
    }
}

/// Adds to the history at once, for whatever happens next.
fn remember(editor: &mut Edited, history: Option<&PathBuf>, text: &str) {
    let text = text.trim();
    if text.is_empty() || !editor.add_history_entry(text).unwrap_or(false) {
        return;
    }
    if let Some(path) = history {
        let _ = editor.append_history(path);
    }
}

/// `$XDG_STATE_HOME/firndb/history`, by default below the home directory.
fn history_file() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local").join("state")));
    Some(state?.join("firndb").join("history"))
}

/// What `names` guards.
pub fn locked(names: &Mutex<Names>) -> std::sync::MutexGuard<'_, Names> {
    // They are replaced as a whole, so a thread that panicked has left nothing half done.
    names.lock().unwrap_or_else(PoisonError::into_inner)
}
