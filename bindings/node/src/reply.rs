//! What a call answers, as JavaScript sees it.

use firndb_core::{BackupReport, Error, Outcome, Result, ipc_stream};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// What one statement answered: `kind` is `rows`, with an Arrow IPC stream, `affected` with a count, or
/// `done` with the statement's name.
#[napi(object, object_from_js = false)]
pub struct Answer {
    /// Which of the others is there.
    pub kind: String,
    /// The rows.
    pub ipc: Option<Buffer>,
    /// How many rows were inserted, updated or deleted.
    pub rows: Option<f64>,
    /// The name of a statement without rows.
    pub verb: Option<String>,
}

/// A place in a text of SQL, both from 1.
#[napi(object, object_from_js = false)]
pub struct Place {
    /// The line.
    pub line: f64,
    /// The column.
    pub column: f64,
}

/// What a backup copied.
#[napi(object, object_from_js = false)]
pub struct Backup {
    /// Files.
    pub files: f64,
    /// Their bytes.
    pub bytes: f64,
    /// Damage that was copied as it is, a line each.
    pub damage: Vec<String>,
}

impl Backup {
    /// `report` as JavaScript sees it; counts are below 2^53.
    pub fn of(report: BackupReport) -> Self {
        Self { files: report.files as f64, bytes: report.bytes as f64, damage: report.damage }
    }
}

/// What a call answered: an error with its kind, or what was asked for.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Reply {
    /// The kind of the error.
    pub code: Option<String>,
    /// What the error says.
    pub message: Option<String>,
    /// Where in the text of SQL it is.
    pub position: Option<Place>,
    /// What mends it.
    pub hint: Option<String>,
    /// The answers of the statements, in order.
    pub answers: Option<Vec<Answer>>,
    /// What a question with yes or no has for an answer.
    pub yes: Option<bool>,
    /// An archive, or a piece of an Arrow IPC stream.
    pub bytes: Option<Buffer>,
    /// A count.
    pub count: Option<u32>,
    /// What a load did.
    pub copied: Option<Loaded>,
    /// What a backup copied.
    pub backup: Option<Backup>,
}

/// What a load did.
#[napi(object, object_from_js = false)]
pub struct Loaded {
    /// How many rows went in.
    pub rows: f64,
    /// How many were left out because they are none.
    pub rejected: f64,
}

impl Reply {
    /// The reply to a call that ended with `result`.
    pub fn of(result: Result<Self>) -> Self {
        result.unwrap_or_else(|e| Self::error(&e))
    }

    /// The reply to a call that failed.
    pub fn error(error: &Error) -> Self {
        Self {
            code: Some(error.kind().name().to_owned()),
            message: Some(error.to_string()),
            position: error.position().map(|at| Place { line: at.line as f64, column: at.column as f64 }),
            hint: error.hint().map(str::to_owned),
            ..Self::default()
        }
    }
}

/// The answers of several statements, in order.
///
/// # Errors
/// `Internal` when Arrow cannot write the rows.
pub fn answers(outcomes: &[Outcome]) -> Result<Reply> {
    let answers = outcomes.iter().map(answer).collect::<Result<_>>()?;
    Ok(Reply { answers: Some(answers), ..Reply::default() })
}

fn answer(outcome: &Outcome) -> Result<Answer> {
    let empty = |kind: &str| Answer { kind: kind.to_owned(), ipc: None, rows: None, verb: None };
    Ok(match outcome {
        Outcome::Rows { schema, batches } => {
            Answer { ipc: Some(ipc_stream(schema, batches)?.into()), ..empty("rows") }
        }
        // A count of rows is far below 2^53.
        Outcome::Affected(rows) => Answer { rows: Some(*rows as f64), ..empty("affected") },
        Outcome::Done(verb) => Answer { verb: Some(verb.clone()), ..empty("done") },
    })
}
