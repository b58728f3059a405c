//! INSERT, UPDATE and DELETE: from a statement to the row versions it writes.
//!
//! Every statement reads on its snapshot, checks its rows, and only then has versions to give; nothing is
//! written here. What a WHERE selects is planned as a query of keys and new values, whatever its shape.

mod assign;
mod conflict;
mod delete;
mod describe;
mod insert;
mod keys;
mod query;
mod returning;
mod selected;
mod source;
mod update;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

pub use delete::{delete, delete_query};
pub use describe::describe;
pub use insert::{insert, insert_batch, insert_columns, insert_query, load_columns};
pub use keys::{duplicate, repeated};
pub use source::constants;
pub use update::{update, update_query};

use crate::catalog::TableDef;
use crate::dml::returning::Returned;
use crate::error::Result;
use crate::hot::scope::ScopeState;
use crate::txn::writes::deleted_flags;
use crate::types::{Scope, SeqId, TableId};

/// What a statement writes, and what it answers.
#[derive(Debug)]
pub struct Changes {
    /// The table.
    pub def: Arc<TableDef>,
    /// The scope written to.
    pub scope: Arc<ScopeState>,
    /// The row versions, each key at most once; `_seq` is set by the commit.
    pub versions: RecordBatch,
    /// How many rows were inserted, updated or deleted.
    pub affected: u64,
    /// The rows of RETURNING.
    pub returned: Option<Returned>,
    /// How many of the rows replaced were cold.
    pub cold_rows: u64,
}

impl Changes {
    /// Where it writes, if it writes anything.
    #[must_use]
    pub fn place(&self) -> Option<(TableId, Scope)> {
        (self.versions.num_rows() > 0).then(|| (self.def.id, self.scope.scope.clone()))
    }

    /// Puts the numbers that the versions were committed under where RETURNING asks for them.
    ///
    /// # Errors
    /// `Internal` when there are not as many as versions.
    pub fn stamp(&mut self, seqs: &[SeqId]) -> Result<()> {
        let Some(answer) = self.returned.take() else { return Ok(()) };
        // What a changed key leaves behind stands in front of the rows that the statement is about.
        let rows = usize::try_from(self.affected).unwrap_or(usize::MAX);
        let seqs = seqs.get(seqs.len().saturating_sub(rows)..).unwrap_or_default();
        self.returned = Some(returning::stamped(answer, seqs)?);
        Ok(())
    }
}

/// Rows of `def` as row versions that are all live or all tombstones.
///
/// # Errors
/// `Internal` when the columns are not the table's.
pub fn versions(def: &TableDef, columns: Vec<ArrayRef>, deleted: bool) -> Result<RecordBatch> {
    let rows = columns.first().map_or(0, |c| c.len());
    let mut all: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![0; rows])), deleted_flags(rows, deleted)];
    all.extend(columns);
    Ok(RecordBatch::try_new(def.row_schema(), all)?)
}
