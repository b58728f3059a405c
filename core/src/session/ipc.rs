//! Rows as Arrow IPC streams (Arrow columnar format, "IPC Streaming Format"), as bindings hand them on.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::writer::StreamWriter;

use super::Rows;
use crate::error::Result;

/// How pieces of rows belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceForm {
    /// One after the other they are one stream: the columns, then rows, last the end of the stream.
    OneStream,
    /// Each has rows, and is a stream of its own.
    StreamEach,
}

/// The rows of a statement as bytes, made as they are asked for.
pub struct Pieces {
    rows: Rows,
    next: Next,
}

enum Next {
    Columns,
    RowsOf(Box<StreamWriter<Vec<u8>>>),
    Stream,
    Nothing,
}

impl Pieces {
    /// The pieces of `rows`.
    #[must_use]
    pub fn of(rows: Rows, form: PieceForm) -> Self {
        let next = match form {
            PieceForm::OneStream => Next::Columns,
            PieceForm::StreamEach => Next::Stream,
        };
        Self { rows, next }
    }

    /// The next piece; `None` when there are no more.
    ///
    /// # Errors
    /// As [`Rows::next`]; there are no more pieces after it.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Columns => {
                let mut writer = Box::new(StreamWriter::try_new(Vec::new(), self.rows.schema())?);
                let piece = std::mem::take(writer.get_mut());
                self.next = Next::RowsOf(writer);
                Ok(Some(piece))
            }
            Next::RowsOf(mut writer) => {
                let rows = self.rows.next().await?;
                match &rows {
                    Some(rows) => writer.write(rows)?,
                    None => writer.finish()?,
                }
                let piece = std::mem::take(writer.get_mut());
                if rows.is_some() {
                    self.next = Next::RowsOf(writer);
                }
                Ok(Some(piece))
            }
            Next::Stream => {
                let Some(rows) = self.rows.next().await? else { return Ok(None) };
                self.next = Next::Stream;
                Ok(Some(ipc_stream(self.rows.schema(), &[rows])?))
            }
            Next::Nothing => Ok(None),
        }
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// `batches`, whose columns are those of `schema`, as one stream.
///
/// # Errors
/// `Internal` when Arrow cannot write them.
pub fn ipc_stream(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(batch)?;
    }
    Ok(writer.into_inner()?)
}
