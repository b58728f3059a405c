//! The rows a transaction has written and not yet committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use parking_lot::RwLock;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::memtable::{Chunk, Memtable};
use crate::hot::scope::ScopeState;
use crate::types::{Scope, SeqId, TableId};

/// Versions that are not committed have `_seq` from here: after every snapshot.
const PROVISIONAL: i64 = i64::MAX / 2;

/// Row versions of one scope, all of one schema version.
#[derive(Debug)]
pub struct ScopeWrites {
    /// The table as the statement saw it.
    pub def: Arc<TableDef>,
    /// The scope they go to.
    pub state: Arc<ScopeState>,
    /// The versions, newest last, with provisional `_seq`.
    overlay: Arc<RwLock<Memtable>>,
    next: i64,
}

impl ScopeWrites {
    /// No writes yet.
    #[must_use]
    pub fn new(def: Arc<TableDef>, state: Arc<ScopeState>) -> Self {
        let overlay = Arc::new(RwLock::new(Memtable::new(Arc::clone(&state.encoder))));
        Self { def, state, overlay, next: PROVISIONAL }
    }

    /// Adds `rows` (a row version each, whatever their `_seq`).
    ///
    /// # Errors
    /// As [`Memtable::append`].
    pub fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        let count = i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        let seqs = Int64Array::from_iter_values(self.next..self.next + count);
        self.next += count;
        let rows = with_column(rows, 0, Arc::new(seqs))?;
        let key_columns = self.def.row_key_columns(self.def.schema_version)?;
        self.overlay.write().append(rows, self.def.schema_version, key_columns)
    }

    /// The versions, for readers of the same transaction.
    #[must_use]
    pub fn overlay(&self) -> Arc<RwLock<Memtable>> {
        Arc::clone(&self.overlay)
    }

    /// The versions as chunks, for a scan.
    #[must_use]
    pub fn chunks(&self) -> Arc<Vec<Arc<Chunk>>> {
        self.overlay.read().chunks()
    }

    /// One version per key: what the transaction leaves.
    ///
    /// # Errors
    /// `Internal` when chunks do not fit together.
    pub fn collapse(&self) -> Result<RecordBatch> {
        let schema = self.def.row_schema();
        let chunks = self.chunks();
        let mut latest = Vec::with_capacity(chunks.len());
        for chunk in chunks.iter() {
            let mask = chunk.latest_at(SeqId::MAX, true);
            latest.push(match mask.false_count() {
                0 => chunk.batch.clone(),
                _ => filter_record_batch(&chunk.batch, &mask)?,
            });
        }
        match latest.as_slice() {
            [only] => Ok(only.clone()),
            many => Ok(concat_batches(&schema, many)?),
        }
    }

    /// Takes back the versions whose provisional number is `next` or later.
    fn roll_back_to(&mut self, next: i64) -> Result<()> {
        if self.next == next {
            return Ok(());
        }
        let mut kept = Memtable::new(Arc::clone(&self.state.encoder));
        for chunk in self.chunks().iter() {
            let rows = chunk.rows_through(SeqId::from_i64(next - 1));
            kept.append(chunk.batch.slice(0, rows), chunk.schema_version, Arc::clone(&chunk.key_columns))?;
        }
        self.overlay = Arc::new(RwLock::new(kept));
        self.next = next;
        Ok(())
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.overlay.read().rows() == 0
    }
}

/// A moment of a transaction: per scope the next provisional number.
#[derive(Debug, Clone)]
pub struct Mark(BTreeMap<(TableId, Scope), i64>);

/// All that a transaction has written, by scope.
#[derive(Debug, Default)]
pub struct WriteSet {
    scopes: BTreeMap<(TableId, Scope), ScopeWrites>,
}

impl WriteSet {
    /// The writes to `scope` of `table`.
    #[must_use]
    pub fn get(&self, table: TableId, scope: &Scope) -> Option<&ScopeWrites> {
        self.scopes.get(&(table, scope.clone()))
    }

    /// Adds row versions of one scope.
    ///
    /// # Errors
    /// `Conflict` when the table was altered since the transaction first wrote to it.
    pub fn push(&mut self, def: &Arc<TableDef>, state: &Arc<ScopeState>, rows: &RecordBatch) -> Result<()> {
        let writes = self
            .scopes
            .entry((def.id, state.scope.clone()))
            .or_insert_with(|| ScopeWrites::new(Arc::clone(def), Arc::clone(state)));
        if writes.def.schema_version != def.schema_version {
            return Err(altered(def));
        }
        writes.push(rows)
    }

    /// This moment, to come back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.scopes.iter().map(|(scope, writes)| (scope.clone(), writes.next)).collect())
    }

    /// Takes back what was written since `mark`.
    ///
    /// # Errors
    /// As [`Memtable::append`].
    pub fn roll_back_to(&mut self, mark: &Mark) -> Result<()> {
        self.scopes.retain(|scope, _| mark.0.contains_key(scope));
        for (scope, next) in &mark.0 {
            if let Some(writes) = self.scopes.get_mut(scope) {
                writes.roll_back_to(*next)?;
            }
        }
        Ok(())
    }

    /// The scopes written to, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &ScopeWrites> + Clone {
        self.scopes.values().filter(|w| !w.is_empty())
    }
}

/// The error of a transaction whose table was altered under it.
#[must_use]
pub fn altered(def: &TableDef) -> Error {
    Error::conflict(format!(
        "table {}.{} was altered while the transaction used it; run the transaction again",
        def.namespace, def.name
    ))
}

/// `batch` with column `index` replaced.
///
/// # Errors
/// `Internal` when the column does not fit.
pub fn with_column(batch: &RecordBatch, index: usize, column: ArrayRef) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    let slot = columns.get_mut(index).ok_or_else(|| Error::internal("a row version lacks a column"))?;
    *slot = column;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// Flags of a batch of `rows` row versions that are all live, or all tombstones.
#[must_use]
pub fn deleted_flags(rows: usize, deleted: bool) -> ArrayRef {
    Arc::new(BooleanArray::from(vec![deleted; rows]))
}
