//! The shell's own commands: `.tables`, `.mode csv`, `\d`, and what they are given.

use std::path::PathBuf;

use firndb_core::{Error, Result};

use crate::shell::view::Mode;

/// What is asked of the shell itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The list of commands.
    Help,
    /// The tables.
    Tables,
    /// The definition of one table, or of all.
    Schema(Option<String>),
    /// What lies in which tier, of one table or of all.
    Inspect(Option<String>),
    /// How rows are shown; without a mode, which one that is.
    Mode(Option<Mode>),
    /// Each row on lines of its own, or not any more.
    Expanded,
    /// Whether it is said how long statements take; without a word, the other way.
    Timer(Option<bool>),
    /// Whether long results go through a pager; without a word, the other way.
    Pager(Option<bool>),
    /// How many rows are shown at most; 0 is all of them.
    Rows(Option<usize>),
    /// A file into a table, with the options of `firndb import`.
    Import(Vec<String>),
    /// The statements and commands of a file.
    Read(PathBuf),
    /// The end.
    Quit,
}

/// What can be completed behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The name of a table.
    Table,
    /// The path of a file.
    File,
    /// `on` or `off`.
    Switch,
    /// One of [`MODES`].
    Mode,
}

/// The commands and what follows them, as they are completed.
pub const ARGUMENTS: &[(&str, &[Argument])] = &[
    (".help", &[]),
    (".import", &[Argument::File, Argument::Table]),
    (".inspect", &[Argument::Table]),
    (".mode", &[Argument::Mode]),
    (".pager", &[Argument::Switch]),
    (".quit", &[]),
    (".read", &[Argument::File]),
    (".rows", &[]),
    (".schema", &[Argument::Table]),
    (".tables", &[]),
    (".timer", &[Argument::Switch]),
    ("\\?", &[]),
    ("\\d", &[Argument::Table]),
    ("\\dt", &[]),
    ("\\i", &[Argument::File]),
    ("\\q", &[]),
    ("\\timing", &[Argument::Switch]),
    ("\\x", &[]),
];

/// The modes and their names.
pub const MODES: &[(&str, Mode)] = &[
    ("box", Mode::Box),
    ("csv", Mode::Csv),
    ("json", Mode::Json),
    ("jsonl", Mode::Jsonl),
    ("line", Mode::Line),
    ("markdown", Mode::Markdown),
    ("table", Mode::Table),
];

/// What `.help` says of each command: what it is given, what it does, and what else it is called.
const HELP: &[(&str, &str, &str)] = &[
    (".tables", "the tables", "\\dt"),
    (".schema [TABLE]", "how a table is defined", "\\d"),
    (".inspect [TABLE]", "what lies in which tier", ""),
    (".import FILE TABLE", "load Parquet, CSV or JSON; it makes the table with --create --key COL", ""),
    (".read FILE", "run statements from a file", "\\i"),
    (".mode [MODE]", "box, table, line, markdown, csv, json, jsonl; \\x is line and back", ""),
    (".rows [N]", "show at most N rows; 0 is all", ""),
    (".timer [on|off]", "tell how long each one takes", "\\timing"),
    (".pager [on|off]", "long results in $PAGER or less", ""),
    (".help", "this", "\\?"),
    (".quit", "leave, as Ctrl-D does", "\\q"),
];
const BEFORE_HELP: &str = "Statements end with a semicolon, on as many lines as needed.";
const BEHIND_HELP: &str = "Tab completes, Ctrl-R searches the history, Ctrl-C cancels what runs. The prompt is firn*> in a \
                           transaction, firn!> in one that failed, of which only ROLLBACK is left.";

/// Columns of the help where there is room for them: of all, of what a command is given, and of what it does.
const HELP_COLUMNS: (usize, usize, usize) = (60, 20, 31);

/// What `.help` prints on a terminal of `width` columns; no word of it is broken.
pub fn help(width: Option<usize>) -> String {
    let (widest, left, middle) = HELP_COLUMNS;
    let width = width.map_or(widest, |width| width.min(widest));
    let mut lines = wrapped(BEFORE_HELP, width);
    lines.push(String::new());
    for (command, does, also) in HELP {
        if width < widest {
            let also = if also.is_empty() { String::new() } else { format!("  {also}") };
            lines.push(format!("{command}{also}"));
            lines
                .extend(wrapped(does, width.saturating_sub(4)).into_iter().map(|line| format!("    {line}")));
            continue;
        }
        for (number, line) in wrapped(does, widest - left).into_iter().enumerate() {
            let (command, also) = if number == 0 { (*command, *also) } else { ("", "") };
            lines.push(format!("{command:left$}{line:middle$}{also}").trim_end().to_owned());
        }
    }
    lines.push(String::new());
    lines.extend(wrapped(BEHIND_HELP, width));
    lines.join("\n")
}

/// `text` in lines of at most `width` characters, but for longer words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Reads a line that starts with a dot or a backslash, or a word such as `exit`.
///
/// # Errors
/// `InvalidInput` for a command that there is not, or for what it cannot be given.
pub fn parse(line: &str) -> Result<Command> {
    let words = words(line.trim().trim_end_matches(';'))?;
    let Some((name, arguments)) = words.split_first() else { return Ok(Command::Help) };
    let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let one = || match given.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some((*only).to_owned())),
        _ => Err(Error::invalid(format!("{name} takes one argument, found {}", given.len()))),
    };
    let name = full_name(name)?;
    Ok(match name {
        ".help" | "\\?" => Command::Help,
        ".tables" | "\\dt" => Command::Tables,
        "\\d" => match one()? {
            None => Command::Tables,
            table => Command::Schema(table),
        },
        ".schema" => Command::Schema(one()?),
        ".inspect" => Command::Inspect(one()?),
        ".mode" => Command::Mode(one()?.map(|word| mode(&word)).transpose()?),
        "\\x" => Command::Expanded,
        ".timer" | "\\timing" => Command::Timer(one()?.map(|word| switch(&word)).transpose()?),
        ".pager" => Command::Pager(one()?.map(|word| switch(&word)).transpose()?),
        ".rows" => Command::Rows(one()?.map(|word| count(&word)).transpose()?),
        ".import" if given.len() < 2 => {
            return Err(Error::invalid(".import takes a file and a table").with_hint(".import FILE TABLE"));
        }
        ".import" => Command::Import(arguments.to_vec()),
        ".read" | "\\i" => match one()? {
            Some(path) => Command::Read(PathBuf::from(path)),
            None => return Err(Error::invalid(format!("{name} takes a file")).with_hint(".read FILE")),
        },
        _ => Command::Quit,
    })
}

/// The command that `name` is, or is the beginning of.
fn full_name(name: &str) -> Result<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "exit" | "quit" | ".exit" | ".q" => return Ok(".quit"),
        "help" | ".h" | "\\h" => return Ok(".help"),
        _ => {}
    }
    let names = || ARGUMENTS.iter().map(|(name, _)| *name);
    if let Some(exact) = names().find(|known| *known == name) {
        return Ok(exact);
    }
    let mut longer = names().filter(|known| name.len() > 1 && known.starts_with(name));
    if let (Some(only), None) = (longer.next(), longer.next()) {
        return Ok(only);
    }
    let near = names().map(|known| (strsim::osa_distance(name, known), known)).min();
    let error = Error::invalid(format!("there is no command {name}"));
    Err(match near {
        Some((distance, near)) if distance <= 2 && near.len() > 3 => {
            error.with_hint(format!("did you mean {near}?"))
        }
        _ => error.with_hint(".help lists the commands"),
    })
}

fn mode(word: &str) -> Result<Mode> {
    let found = MODES.iter().find(|(name, _)| *name == word).map(|(_, mode)| *mode);
    found.ok_or_else(|| {
        let names: Vec<&str> = MODES.iter().map(|(name, _)| *name).collect();
        Error::invalid(format!("there is no mode {word}"))
            .with_hint(format!("the modes are {}", names.join(", ")))
    })
}

fn switch(word: &str) -> Result<bool> {
    match word.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "1" => Ok(true),
        "off" | "no" | "false" | "0" => Ok(false),
        _ => Err(Error::invalid(format!("expected on or off, found {word}"))),
    }
}

fn count(word: &str) -> Result<usize> {
    word.parse().map_err(|_| Error::invalid(format!("expected a number of rows, found {word}")))
}

/// The words of a line; quotes of either kind keep spaces together, outside the double quotes of names.
fn words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => {
                quote = None;
                // A name keeps its quotes, for it is read as SQL reads it.
                if c == '"' {
                    word.get_or_insert_default().push(c);
                }
            }
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                let word = word.get_or_insert_default();
                if c == '"' {
                    word.push(c);
                }
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(Error::invalid(format!("the quote {open} has no end")));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands() {
        let cases = [
            (".help", Command::Help),
            (".tables", Command::Tables),
            (".tab", Command::Tables),
            ("\\d", Command::Tables),
            ("\\d app.t;", Command::Schema(Some("app.t".into()))),
            (".schema \"My T\"", Command::Schema(Some("\"My T\"".into()))),
            (".mode csv", Command::Mode(Some(Mode::Csv))),
            (".mode", Command::Mode(None)),
            (".timer off", Command::Timer(Some(false))),
            ("\\timing", Command::Timer(None)),
            (".rows 0", Command::Rows(Some(0))),
            (
                ".import 'my file.csv' t --create --key id",
                Command::Import(vec![
                    "my file.csv".into(),
                    "t".into(),
                    "--create".into(),
                    "--key".into(),
                    "id".into(),
                ]),
            ),
            ("\\i a.sql", Command::Read("a.sql".into())),
            ("exit", Command::Quit),
            ("QUIT;", Command::Quit),
            ("\\q", Command::Quit),
        ];
        for (line, expected) in cases {
            assert_eq!(parse(line).expect(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_there_is() {
        let cases = [
            (".tabels", "there is no command .tabels", Some("did you mean .tables?")),
            (".nothing", "there is no command .nothing", Some(".help lists the commands")),
            (".t", "there is no command .t", Some(".help lists the commands")),
            (
                ".mode xml",
                "there is no mode xml",
                Some("the modes are box, csv, json, jsonl, line, markdown, table"),
            ),
            (".timer maybe", "expected on or off, found maybe", None),
            (".rows many", "expected a number of rows, found many", None),
            (".read", ".read takes a file", Some(".read FILE")),
            (".import a", ".import takes a file and a table", Some(".import FILE TABLE")),
            (".schema a b", ".schema takes one argument, found 2", None),
            (".read 'a", "the quote ' has no end", None),
        ];
        for (line, message, hint) in cases {
            let e = parse(line).expect_err(line);
            assert_eq!((e.message(), e.hint()), (message, hint), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_command_and_breaks_no_word() {
        let wide = help(None);
        for (name, _) in ARGUMENTS.iter().filter(|(name, _)| *name != "\\?") {
            assert!(wide.contains(name), "{name}");
        }
        assert!(wide.contains("\n.tables             the tables                     \\dt\n"), "{wide}");
        let words = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        for width in [26, 40, 59, 60, 200] {
            let narrow = help(Some(width));
            assert!(narrow.lines().all(|line| line.chars().count() <= width.min(60)), "{width}: {narrow}");
            assert_eq!(words(&narrow), words(&wide), "{width}");
        }
    }
}
