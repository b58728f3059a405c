//! How a command ends when it does not end well: the message, the hint, the exit status.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use console::Term;
use firndb_core::{Error, ErrorKind};

/// The exit status after Ctrl-C: 128 and the number of SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The result of a command; its value is the exit status.
pub type Outcome = Result<ExitCode, Failure>;

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// An error of the engine, or one in its terms.
    Engine(Error),
    /// Whoever reads standard output has gone, which is their right (`firndb sql … | head`).
    OutputClosed,
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Engine(e)
    }
}

/// What a failed write to standard output means.
pub fn output(e: io::Error) -> Failure {
    if e.kind() == io::ErrorKind::BrokenPipe {
        return Failure::OutputClosed;
    }
    Failure::Engine(Error::unavailable(format!("cannot write to standard output: {e}")))
}

/// An input file that cannot be read, or an output file that cannot be written.
pub fn file(doing: &str, path: &std::path::Path, e: &io::Error) -> Error {
    let kind = match e.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidData => ErrorKind::InvalidInput,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot {doing} {}: {e}", path.display()))
}

impl Failure {
    /// The exit status of the process.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Engine(e) => ExitCode::from(e.kind().exit_status()),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }

    /// What to print on standard error, if anything.
    pub fn report(&self) -> Option<String> {
        let Self::Engine(e) = self else { return None };
        let mut text = format!("error: {}", e.headline());
        if let Some(excerpt) = e.excerpt_within(error_width()) {
            let _ = write!(text, "\n{excerpt}");
        }
        let mut said = e.to_string();
        let mut cause = e.source();
        while let Some(at) = cause {
            // Where it was and what mends it belongs to the error that it became.
            let words = at.downcast_ref::<Error>().map_or_else(|| at.to_string(), |e| e.message().to_owned());
            // Errors that wrap others often repeat them; once is enough.
            if !said.contains(&words) {
                let _ = write!(text, "\n  caused by: {words}");
                said.push_str(&words);
            }
            cause = at.source();
        }
        if let Some(hint) = e.hint().or_else(|| hint(e.kind(), &said)) {
            let _ = write!(text, "\n  hint: {hint}");
        }
        Some(text)
    }
}

/// The columns of the terminal on which errors are shown, or those of most.
fn error_width() -> usize {
    let columns = Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0).unwrap_or(80)
}

/// `e`, of a statement that nobody typed, without the place in it.
pub fn without_place(e: Error) -> Error {
    let message = e.message().to_owned();
    with_message(e, message)
}

/// `e` with another message and without the place in a statement.
pub fn with_message(e: Error, message: String) -> Error {
    let other = Error::new(e.kind(), message);
    match e.hint() {
        Some(hint) => other.with_hint(hint.to_owned()),
        None => other,
    }
    .with_source(e)
}

/// The next thing to try, where there is an obvious one.
fn hint(kind: ErrorKind, said: &str) -> Option<&'static str> {
    if said.contains("firndb recover") {
        return None;
    }
    match kind {
        ErrorKind::Corrupt if said.contains("has no store.json") => {
            Some("if the store was made with --blobs URL, it needs the same --blobs URL every time")
        }
        // What is damaged is no store.
        ErrorKind::Corrupt if said.contains("the archive") => Some("dump the store again, and load that"),
        ErrorKind::Conflict => Some("another transaction was first: run this one again"),
        ErrorKind::Locked => Some("a store has one writer: close the other one, or wait for it to end"),
        ErrorKind::Corrupt => Some("`firndb check DIR` lists all that is damaged"),
        ErrorKind::Internal => Some("this is a defect of FirnDB; please report it with the statement"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let e = Error::unavailable("cannot read: disk gone").with_source(io::Error::other("disk gone"));
        let told = Failure::Engine(e).report();
        assert_eq!(told.as_deref(), Some("error: cannot read: disk gone"));
    }

    #[test]
    fn an_error_that_became_another_is_told_once_with_one_hint() {
        let e = Error::invalid("it").with_hint("do that");
        let told = Failure::Engine(with_message(e, "a.csv: it".to_owned())).report();
        assert_eq!(told.as_deref(), Some("error: a.csv: it\n  hint: do that"));
        let e = firndb_core::sql::parse("COPY t TO STDOUT (FORMAT nope)").expect_err("no format");
        let told = Failure::Engine(without_place(e)).report().unwrap_or_default();
        assert!(!told.contains("LINE") && !told.contains("caused by"), "{told}");
    }

    #[test]
    fn a_hint_follows_the_context() {
        let e = Error::conflict("row 1 was changed").context("statement 2");
        let told = Failure::Engine(e).report().unwrap_or_default();
        let expected = "error: row 1 was changed (statement 2)\n  hint: another transaction was first: run this one again";
        assert_eq!(told, expected);
    }

    #[test]
    fn the_place_is_shown_and_the_hint_of_the_error_comes_first() {
        let e = Error::conflict("it").with_hint("do that");
        assert_eq!(Failure::Engine(e).report().as_deref(), Some("error: it\n  hint: do that"));
        let e = firndb_core::sql::parse("SELECT 1;\nSELEKT 2").expect_err("no statement");
        let told = Failure::Engine(e).report().unwrap_or_default();
        let lines: Vec<_> = told.lines().collect();
        assert!(lines[0].starts_with("error: line 2, column 1: expected a statement"), "{told}");
        assert_eq!(
            lines[1..],
            ["LINE 2: SELEKT 2", "        ^", "  hint: did you mean SELECT instead of SELEKT?"]
        );
    }

    #[test]
    fn each_kind_has_the_exit_status_that_the_help_tells() {
        let statuses = [
            (ErrorKind::Syntax, 2),
            (ErrorKind::NotFound, 2),
            (ErrorKind::AlreadyExists, 2),
            (ErrorKind::InvalidInput, 2),
            (ErrorKind::Constraint, 2),
            (ErrorKind::PermissionDenied, 2),
            (ErrorKind::Unsupported, 2),
            (ErrorKind::Conflict, 3),
            (ErrorKind::LimitExceeded, 4),
            (ErrorKind::Cancelled, 4),
            (ErrorKind::Locked, 5),
            (ErrorKind::Unavailable, 5),
            (ErrorKind::Corrupt, 6),
            (ErrorKind::Internal, 70),
        ];
        for (kind, status) in statuses {
            assert_eq!(kind.exit_status(), status, "{kind}");
            let code = Failure::Engine(Error::new(kind, "it")).exit_code();
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(status)), "{kind}");
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(output(io::Error::from(io::ErrorKind::BrokenPipe)).report().is_none());
    }
}
