//! Which versions a flush takes: per key the latest up to the horizon.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, not, take_record_batch};

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::block;
use crate::hot::scope::{ScopeState, ScopeView};
use crate::storage::keys::seq_key;
use crate::storage::{Keyspace, WriteBatch};
use crate::types::SeqId;

/// The versions a flush takes, sorted by key.
#[derive(Debug)]
pub struct Picked {
    /// The rows that live on: `_seq`, `_deleted`, the table's columns.
    pub live: RecordBatch,
    /// The tombstones, with the same columns.
    pub tombstones: RecordBatch,
    /// The keys of both, sorted: one array per key column.
    pub key_columns: Vec<ArrayRef>,
}

/// The latest version per key up to `through`, as rows of `def`; `None` when there is none.
pub fn select(
    def: &TableDef,
    scope: &ScopeState,
    view: &ScopeView,
    through: SeqId,
) -> Result<Option<Picked>> {
    let mut batches = Vec::new();
    for chunk in view.chunks.iter() {
        let mask = chunk.latest_at(through, true);
        if mask.true_count() > 0 {
            let rows = filter_record_batch(&chunk.batch, &mask)?;
            batches.push(def.current_rows(&rows, chunk.schema_version)?);
        }
    }
    if batches.is_empty() {
        return Ok(None);
    }
    let rows = concat_batches(&def.row_schema(), &batches)?;
    drop(batches);
    let rows = sort_by_key(def, scope, &rows)?;
    let key_columns = columns_of(def, &rows);
    let deleted = rows.column(1).as_any().downcast_ref::<BooleanArray>();
    let deleted = deleted.ok_or_else(|| Error::internal("a row version lacks its flag"))?;
    let (live, tombstones) = match deleted.true_count() {
        0 => (rows.clone(), rows.slice(0, 0)),
        _ => (filter_record_batch(&rows, &not(deleted)?)?, filter_record_batch(&rows, deleted)?),
    };
    Ok(Some(Picked { live, tombstones, key_columns }))
}

/// The key columns of row versions of `def`, which start with `_seq` and `_deleted`.
fn columns_of(def: &TableDef, rows: &RecordBatch) -> Vec<ArrayRef> {
    def.key_columns().into_iter().filter_map(|i| rows.columns().get(i + 2).cloned()).collect()
}

fn sort_by_key(def: &TableDef, scope: &ScopeState, rows: &RecordBatch) -> Result<RecordBatch> {
    let keys = scope.encoder.encode(&columns_of(def, rows))?;
    let count = u32::try_from(rows.num_rows())
        .map_err(|_| Error::limit("a scope with more than 4 Gi hot rows cannot be flushed at once"))?;
    let mut order: Vec<u32> = (0..count).collect();
    if order.is_sorted_by_key(|i| keys.row(*i as usize)) {
        return Ok(rows.clone());
    }
    order.sort_unstable_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
    Ok(take_record_batch(rows, &UInt32Array::from(order))?)
}

impl Picked {
    /// Adds the tombstones to `batch`, where the change feed finds them once they have done their work
    /// on the cold tier: one block per flush.
    pub fn put_tombstones(&self, batch: &mut WriteBatch, def: &TableDef, scope: &ScopeState) -> Result<()> {
        if self.tombstones.num_rows() == 0 {
            return Ok(());
        }
        let seqs = arrow::compute::min(
            self.tombstones
                .column(0)
                .as_any()
                .downcast_ref::<arrow::array::Int64Array>()
                .ok_or_else(|| Error::internal("a row version lacks its _seq"))?,
        );
        let first = SeqId::from_i64(seqs.unwrap_or_default());
        let key = seq_key(def.id, &scope.scope, first);
        batch.put(Keyspace::Tombstones, key, block::encode(def.schema_version, &self.tombstones)?);
        Ok(())
    }
}
