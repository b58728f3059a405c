//! What statements answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::copy::Copied;
use crate::compact::CompactReport;
use crate::dml::Changes;
use crate::error::Result;
use crate::flush::FlushReport;

/// What a statement answers.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Rows, of a query or of RETURNING.
    Rows {
        /// Their columns.
        schema: SchemaRef,
        /// The rows, in order.
        batches: Vec<RecordBatch>,
    },
    /// How many rows were inserted, updated or deleted.
    Affected(u64),
    /// A statement without rows, by its name.
    Done(String),
}

/// A table made here, as an answer.
pub fn one_batch((schema, batch): (SchemaRef, RecordBatch)) -> Result<Outcome> {
    Ok(Outcome::Rows { schema, batches: vec![batch] })
}

/// The answer of a statement that wrote.
pub fn answer(changes: Changes) -> Outcome {
    match changes.returned {
        Some((schema, batches)) => Outcome::Rows { schema, batches },
        None => Outcome::Affected(changes.affected),
    }
}

/// The answer of a statement without rows.
pub fn done(verb: &str) -> Outcome {
    Outcome::Done(verb.to_owned())
}

/// One column of names.
pub fn names(column: &str, values: Vec<String>) -> Result<Outcome> {
    let schema = Arc::new(Schema::new(vec![Field::new(column, DataType::Utf8, false)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(StringArray::from(values))])?;
    Ok(Outcome::Rows { schema, batches: vec![batch] })
}

/// What a COPY that skips bad rows did, as one row.
pub fn copied(copied: Copied) -> Result<Outcome> {
    let count = |n: u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values([i64::try_from(n).unwrap_or(i64::MAX)]))
    };
    let batch =
        RecordBatch::try_from_iter([("rows", count(copied.rows)), ("rejected", count(copied.rejected))])?;
    Ok(Outcome::Rows { schema: batch.schema(), batches: vec![batch] })
}

/// What flushes did, a row each.
pub fn flushed(reports: &[FlushReport]) -> Result<Outcome> {
    reported(vec![
        ("table", text(reports, |r| r.table.clone())),
        ("scope", text(reports, |r| r.scope.clone())),
        ("rows", count(reports, |r| r.rows)),
        ("tombstones", count(reports, |r| r.tombstones)),
        ("hidden", count(reports, |r| r.hidden)),
        ("files", text(reports, |r| file_names(&r.files))),
        ("bytes", count(reports, |r| r.bytes)),
    ])
}

/// What compactions did, a row for each scope.
pub fn compacted(reports: &[CompactReport]) -> Result<Outcome> {
    reported(vec![
        ("table", text(reports, |r| r.table.clone())),
        ("scope", text(reports, |r| r.scope.clone())),
        ("replaced", text(reports, |r| file_names(&r.replaced))),
        ("rows", count(reports, |r| r.rows)),
        ("dropped", count(reports, |r| r.dropped)),
        ("files", text(reports, |r| file_names(&r.files))),
        ("bytes", count(reports, |r| r.bytes)),
        ("removed", count(reports, |r| r.removed)),
    ])
}

/// So many files are named, of those of one scope; `system.batches` has them all.
const NAMED: usize = 8;

fn file_names(files: &[String]) -> String {
    let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(" ");
    match files.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn text<T>(reports: &[T], get: fn(&T) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(reports.iter().map(get)))
}

fn count<T>(reports: &[T], get: fn(&T) -> u64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(reports.iter().map(|r| i64::try_from(get(r)).unwrap_or(i64::MAX))))
}

fn reported(columns: Vec<(&str, ArrayRef)>) -> Result<Outcome> {
    let batch = RecordBatch::try_from_iter(columns)?;
    Ok(Outcome::Rows { schema: batch.schema(), batches: vec![batch] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_named_and_the_rest_counted() {
        let names = |count: usize| (0..count).map(|n| format!("f{n}")).collect::<Vec<_>>();
        assert_eq!(file_names(&names(0)), "");
        assert_eq!(file_names(&names(2)), "f0 f1");
        assert_eq!(file_names(&names(NAMED)), "f0 f1 f2 f3 f4 f5 f6 f7");
        assert_eq!(file_names(&names(10_000)), "f0 f1 f2 f3 f4 f5 f6 f7 and 9992 more");
    }
}
