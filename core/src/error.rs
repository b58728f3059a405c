//! The one public error of the engine, and the kinds a caller can act on.

use std::error::Error as StdError;
use std::fmt;

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
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`. The message says what was expected, what was found, and where.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: Vec::new(), source: None }
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

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without context and cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
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
        f.write_str(&self.message)?;
        for doing in &self.context {
            write!(f, " ({doing})")?;
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
                Err(other) => Self::internal(other.to_string()).with_source(other),
            },
            E::CastError(m) | E::ParseError(m) | E::InvalidArgumentError(m) | E::ComputeError(m) => {
                Self::invalid(m)
            }
            E::ArithmeticOverflow(m) => Self::invalid(m),
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

impl From<datafusion::error::DataFusionError> for Error {
    fn from(e: datafusion::error::DataFusionError) -> Self {
        use datafusion::common::SchemaError;
        use datafusion::error::DataFusionError as E;
        match e {
            E::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::internal(other.to_string()).with_source(other),
            },
            E::ArrowError(inner, _) => (*inner).into(),
            E::ParquetError(inner) => (*inner).into(),
            E::ObjectStore(inner) => (*inner).into(),
            // What is ours says where it was; DataFusion would add the name of one of its rules.
            E::Context(_, inner) if matches!(&*inner, E::External(e) if e.is::<Self>()) => (*inner).into(),
            E::Context(doing, inner) => Self::from(*inner).context(doing),
            E::Diagnostic(_, inner) => (*inner).into(),
            E::Shared(inner) => Self::shared(&inner),
            E::Collection(mut all) if !all.is_empty() => all.swap_remove(0).into(),
            E::SQL(inner, _) => Self::syntax(inner.to_string()),
            E::SchemaError(inner, _) => {
                let kind = match *inner {
                    SchemaError::FieldNotFound { .. } => ErrorKind::NotFound,
                    _ => ErrorKind::InvalidInput,
                };
                Self::new(kind, inner.to_string())
            }
            E::NotImplemented(m) => Self::unsupported(m),
            E::Plan(m) => Self::invalid(m),
            E::Execution(m) => Self::invalid(m),
            E::ResourcesExhausted(m) => Self::limit(m),
            other => Self::internal(other.to_string()).with_source(other),
        }
    }
}

impl Error {
    /// A copy of an error that several consumers share; only ours keeps its kind and message whole.
    fn shared(e: &datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as E;
        let mut at: &(dyn StdError + 'static) = e;
        loop {
            if let Some(ours) = at.downcast_ref::<Self>() {
                return Self::new(ours.kind, ours.message.clone());
            }
            match at.source() {
                Some(next) => at = next,
                None => break,
            }
        }
        match e.find_root() {
            E::ResourcesExhausted(m) => Self::limit(m.clone()),
            E::Execution(m) | E::Plan(m) => Self::invalid(m.clone()),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(e: Error) -> Self {
        Self::External(Box::new(e))
    }
}

impl From<Error> for parquet::errors::ParquetError {
    fn from(e: Error) -> Self {
        Self::External(Box::new(e))
    }
}
