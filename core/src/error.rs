//! The one public error of the engine, and the kinds a caller can act on.

mod calls;
mod place;
mod planning;
mod sql_types;
mod wording;
mod words;

use std::error::Error as StdError;
use std::fmt;

use datafusion::error::DataFusionError;

use place::Excerpt;
pub use place::Position;
pub(crate) use sql_types::sql_type;
pub use words::quoted;
pub(crate) use words::{edits, nearest};

/// A result whose error is FirnDB's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not SQL that FirnDB reads.
    Syntax,
    /// A table, column, namespace or store that the statement names does not exist.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// A value, option or argument is not acceptable.
    InvalidInput,
    /// A row would break a primary key or NOT NULL.
    Constraint,
    /// The session may not do this.
    PermissionDenied,
    /// FirnDB does not have what the statement asks for.
    Unsupported,
    /// Another transaction was first: run this one again.
    Conflict,
    /// A limit on memory, time, depth or size was met.
    LimitExceeded,
    /// Whoever asked took the statement back; it has had no effect.
    Cancelled,
    /// Another process or tab holds the store.
    Locked,
    /// The store cannot be used now; reopen it, or wait.
    Unavailable,
    /// Bytes at rest are not what was written.
    Corrupt,
    /// A defect of FirnDB.
    Internal,
}

impl ErrorKind {
    /// The name of the kind, as it reaches JavaScript in `err.code`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "Syntax",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::InvalidInput => "InvalidInput",
            Self::Constraint => "Constraint",
            Self::PermissionDenied => "PermissionDenied",
            Self::Unsupported => "Unsupported",
            Self::Conflict => "Conflict",
            Self::LimitExceeded => "LimitExceeded",
            Self::Cancelled => "Cancelled",
            Self::Locked => "Locked",
            Self::Unavailable => "Unavailable",
            Self::Corrupt => "Corrupt",
            Self::Internal => "Internal",
        }
    }

    /// The exit status of the command line for the kind: 2 when the statement must change, 3 to run it
    /// again, 4 for a limit or a statement taken back, 5 when the store cannot be used, 6 for damage, 70 for a defect.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Syntax
            | Self::NotFound
            | Self::AlreadyExists
            | Self::InvalidInput
            | Self::Constraint
            | Self::PermissionDenied
            | Self::Unsupported => 2,
            Self::Conflict => 3,
            Self::LimitExceeded | Self::Cancelled => 4,
            Self::Locked | Self::Unavailable => 5,
            Self::Corrupt => 6,
            Self::Internal => 70,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong: a kind to act on, a message for people, where it happened, and the cause.
///
/// Its text ([`fmt::Display`]) is the message with its place and context, then, as far as they are known,
/// the line of the statement with a caret under the place, and a hint:
///
/// ```text
/// line 2, column 8: there is no column boddy
/// LINE 2: SELECT boddy FROM notes
///                ^
/// hint: did you mean body?
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    help: Option<Box<Help>>,
}

/// What helps to find and mend the mistake.
#[derive(Debug, Clone, Default)]
struct Help {
    position: Option<Position>,
    excerpt: Option<Excerpt>,
    subject: Option<Subject>,
    hint: Option<String>,
}

/// The name or value in a statement that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What stands before its last dot, if that is known.
    pub(crate) qualifier: Option<String>,
    /// The name, or the value as it is written without quotes.
    pub(crate) name: String,
    /// What it is of.
    pub(crate) of: SubjectOf,
}

/// What has the name that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectOf {
    /// Anything.
    Any,
    /// A table.
    Table,
    /// A function, which may be called otherwise in the statement.
    Function,
    /// Nothing: it is a literal.
    Value,
    /// A column that is the condition of WHERE or its like.
    Condition,
}

impl Subject {
    /// What else a function may be called where it is named.
    pub(crate) fn also_called(&self) -> &'static [&'static str] {
        if self.of == SubjectOf::Function { calls::also_called(&self.name) } else { &[] }
    }
}

impl Error {
    /// An error of `kind`. The message says what was expected, what was found, and where.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), source: None, help: None }
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what was being done, outermost last.
    #[must_use]
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        self.context.push(doing.into());
        self
    }

    /// Adds what mends it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with_hint_if(Some(hint.into()))
    }

    /// As [`Self::with_hint`], where there is one.
    #[must_use]
    pub(crate) fn with_hint_if(mut self, hint: Option<String>) -> Self {
        if hint.is_some() {
            self.help().hint = hint;
        }
        self
    }

    /// Says where in the text it is.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.help().position = Some(position);
        self
    }

    /// Shows the line of its place, which `text` has: a text that starts at `start` of the whole one.
    #[must_use]
    pub(crate) fn in_text(mut self, text: &str, start: Position) -> Self {
        if let Some(help) = &mut self.help
            && help.excerpt.is_none()
            && let Some(at) = help.position.and_then(|at| at.relative_to(start))
        {
            help.excerpt = Excerpt::of(text, at);
        }
        self
    }

    /// The error as of a larger text, in which the one that it is about starts at `start`.
    #[must_use]
    pub fn within(mut self, start: Position) -> Self {
        if let Some(help) = &mut self.help {
            help.position = help.position.map(|at| at.within(start));
        }
        self
    }

    /// Says which name it is about: its place is that name's.
    #[must_use]
    pub(crate) fn about(self, qualifier: Option<&str>, name: &str) -> Self {
        self.about_name(qualifier, name, SubjectOf::Any)
    }

    /// As [`Self::about`], of a table.
    #[must_use]
    pub(crate) fn about_table(self, name: &str) -> Self {
        self.about_name(None, name, SubjectOf::Table)
    }

    /// As [`Self::about`], of a function.
    #[must_use]
    pub(crate) fn about_function(self, name: &str) -> Self {
        self.about_name(None, name, SubjectOf::Function)
    }

    /// Says which literal it is about, if the statement has it.
    #[must_use]
    pub(crate) fn about_value(self, text: &str) -> Self {
        self.about_name(None, text, SubjectOf::Value)
    }

    /// As [`Self::about`], of a column that is a condition.
    #[must_use]
    pub(crate) fn about_condition(self, name: &str) -> Self {
        self.about_name(None, name, SubjectOf::Condition)
    }

    fn about_name(mut self, qualifier: Option<&str>, name: &str, of: SubjectOf) -> Self {
        let qualifier = qualifier.map(str::to_owned);
        self.help().subject = Some(Subject { qualifier, name: name.to_owned(), of });
        self
    }

    /// The error with `from` in its message said as `to`.
    #[must_use]
    pub(crate) fn saying(mut self, from: &str, to: &str) -> Self {
        self.message = self.message.replace(from, to);
        self
    }

    /// The error with the function that it is about called as `written`.
    #[must_use]
    pub(crate) fn calling(self, written: &str) -> Self {
        let Some(subject) = self.subject() else { return self };
        let (from, to) = (format!("{}(", subject.name), format!("{written}("));
        let takes = (format!("{} takes", subject.name), format!("{written} takes"));
        let hint = self.hint().map(|hint| hint.replace(&from, &to).replace(&takes.0, &takes.1));
        self.saying(&from, &to).with_hint_if(hint)
    }

    fn help(&mut self) -> &mut Help {
        self.help.get_or_insert_default()
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without place, context, hint and cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the text of SQL it is, if that is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.help.as_ref().and_then(|help| help.position)
    }

    /// What mends it, if that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.help.as_ref().and_then(|help| help.hint.as_deref())
    }

    /// The line that it is in, with its number, and in a second line a caret under its place.
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        self.excerpt_within(place::COLUMNS)
    }

    /// As [`Self::excerpt`], which has room in 80 columns, in as many as there are.
    #[must_use]
    pub fn excerpt_within(&self, columns: usize) -> Option<String> {
        let help = self.help.as_ref()?;
        Some(help.excerpt.as_ref()?.shown(help.position?.line, columns))
    }

    /// The first line of its text: place, message and context.
    #[must_use]
    pub fn headline(&self) -> String {
        let mut text = self.position().map(|at| format!("{at}: ")).unwrap_or_default();
        text.push_str(&self.message);
        for doing in &self.context {
            text.push_str(&format!(" ({doing})"));
        }
        text
    }

    /// The name that it is about.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.help.as_ref().and_then(|help| help.subject.as_ref())
    }

    /// The same error without its cause and context.
    fn copy(&self) -> Self {
        Self { help: self.help.clone(), ..Self::new(self.kind, self.message.clone()) }
    }
}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => {
        impl Error {
            $(
                #[doc = concat!("An error of kind [`ErrorKind::", stringify!($kind), "`].")]
                #[must_use]
                pub fn $name(message: impl Into<String>) -> Self {
                    Self::new(ErrorKind::$kind, message)
                }
            )*
        }
    };
}

constructors! {
    syntax => Syntax, not_found => NotFound, already_exists => AlreadyExists, invalid => InvalidInput,
    constraint => Constraint, denied => PermissionDenied, unsupported => Unsupported,
    conflict => Conflict, limit => LimitExceeded, locked => Locked, unavailable => Unavailable,
    corrupt => Corrupt, internal => Internal,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        if let Some(excerpt) = self.excerpt() {
            write!(f, "\n{excerpt}")?;
        }
        if let Some(hint) = self.hint() {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

impl From<object_store::Error> for Error {
    fn from(e: object_store::Error) -> Self {
        use object_store::Error as E;
        let kind = match &e {
            E::NotFound { .. } => ErrorKind::NotFound,
            E::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            E::Precondition { .. } | E::NotModified { .. } => ErrorKind::Conflict,
            E::NotSupported { .. } | E::NotImplemented { .. } => ErrorKind::Unsupported,
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => ErrorKind::PermissionDenied,
            // A store of ours says by its own error what `object_store` has no kind for.
            E::Generic { source, .. } => {
                source.downcast_ref::<Self>().map_or(ErrorKind::Unavailable, Self::kind)
            }
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, format!("blob store: {e}")).with_source(e)
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(e: arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError as E;
        match e {
            E::ExternalError(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => match other.downcast::<DataFusionError>() {
                    Ok(theirs) => (*theirs).into(),
                    Err(other) => Self::foreign(other),
                },
            },
            E::CastError(m)
            | E::ParseError(m)
            | E::InvalidArgumentError(m)
            | E::ComputeError(m)
            | E::ArithmeticOverflow(m) => wording::worded(ErrorKind::InvalidInput, &m),
            E::DivideByZero => Self::invalid("division by zero"),
            E::OffsetOverflowError(bytes) => Self::limit(format!(
                "values of one column that are handled together pass 2 GiB: {bytes} bytes"
            )),
            other => Self::internal(other.to_string()).with_source(other),
        }
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(e: parquet::errors::ParquetError) -> Self {
        use parquet::errors::ParquetError as E;
        match e {
            E::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::corrupt(format!("Parquet: {other}")).with_source(other),
            },
            other => Self::corrupt(format!("Parquet: {other}")).with_source(other),
        }
    }
}

impl From<Error> for parquet::errors::ParquetError {
    fn from(e: Error) -> Self {
        Self::External(Box::new(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_has_the_place_the_line_and_the_hint() {
        let place = Position { line: 2, column: 8 };
        let text = "SELECT 1;\nSELECT boddy FROM notes";
        let e = Error::not_found("there is no column boddy").at(place).with_hint("did you mean body?");
        let e = e.in_text(text, Position::START).context("statement 2");
        let expected = "line 2, column 8: there is no column boddy (statement 2)\nLINE 2: SELECT boddy FROM \
                        notes\n               ^\nhint: did you mean body?";
        assert_eq!(e.to_string(), expected);
        let e = e.within(Position { line: 4, column: 3 });
        assert_eq!(e.position(), Some(Position { line: 5, column: 8 }));
        assert!(e.excerpt().is_some_and(|shown| shown.starts_with("LINE 5: ")));
        assert_eq!(Error::internal("x").to_string(), "x");
    }
}
