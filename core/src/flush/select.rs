//! Which versions a flush takes: per key the latest up to the horizon.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave, interleave_record_batch};
use arrow::row::Rows;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::block;
use crate::hot::scope::{ScopeState, ScopeView};
use crate::storage::keys::seq_key;
use crate::storage::{Keyspace, WriteBatch};
use crate::types::SeqId;

/// The place of a row: a batch, and a row in it.
type Place = (usize, usize);

/// The versions a flush takes, sorted by key.
///
/// They stay in the batches they came in: all rows of a scope in one array could pass what its 32-bit
/// offsets reach, and the scope could never be flushed again.
#[derive(Debug)]
pub struct Picked {
    batches: Vec<RecordBatch>,
    /// The rows that live on.
    live: Vec<Place>,
    /// The tombstones: `_seq`, `_deleted`, the table's columns.
    pub tombstones: RecordBatch,
    /// The keys of both, sorted: one array per key column.
    pub key_columns: Vec<ArrayRef>,
}

/// The latest version per key up to `through`, as rows of `def`; `None` when there is none.
///
/// # Errors
/// `LimitExceeded` when the keys alone pass what an array holds.
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
    let order = sorted_by_key(def, scope, &batches)?;
    let (tombstones, live): (Vec<Place>, Vec<Place>) =
        order.iter().copied().partition(|(batch, row)| is_deleted(&batches, *batch, *row));
    let key_columns = def
        .key_columns()
        .into_iter()
        .map(|place| {
            // `_seq` and `_deleted` stand before the columns.
            let parts: Vec<&dyn Array> =
                batches.iter().filter_map(|b| b.columns().get(place + 2)).map(AsRef::as_ref).collect();
            Ok(interleave(&parts, &order)?)
        })
        .collect::<Result<_>>()?;
    let tombstones = gather(&batches, &tombstones, &def.row_schema())?;
    Ok(Some(Picked { batches, live, tombstones, key_columns }))
}

fn is_deleted(batches: &[RecordBatch], batch: usize, row: usize) -> bool {
    let flags = batches.get(batch).and_then(|b| b.columns().get(1));
    flags.and_then(|f| f.as_boolean_opt()).is_some_and(|f| row < f.len() && f.value(row))
}

fn gather(
    batches: &[RecordBatch],
    places: &[Place],
    schema: &arrow::datatypes::SchemaRef,
) -> Result<RecordBatch> {
    if places.is_empty() {
        return Ok(RecordBatch::new_empty(schema.clone()));
    }
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    Ok(interleave_record_batch(&batches, places)?)
}

/// The places of all rows of `batches` in the order of their keys.
fn sorted_by_key(def: &TableDef, scope: &ScopeState, batches: &[RecordBatch]) -> Result<Vec<Place>> {
    let keys = batches.iter().map(|batch| {
        let columns: Vec<ArrayRef> =
            def.key_columns().into_iter().filter_map(|i| batch.columns().get(i + 2).cloned()).collect();
        scope.encoder.encode(&columns)
    });
    let keys: Vec<Rows> = keys.collect::<Result<_>>()?;
    let mut order: Vec<Place> = keys
        .iter()
        .enumerate()
        .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)))
        .collect();
    let key = |place: &Place| keys.get(place.0).map(|rows| rows.row(place.1));
    if !order.is_sorted_by_key(key) {
        order.sort_unstable_by_key(key);
    }
    Ok(order)
}

impl Picked {
    /// How many rows live on.
    pub fn live_rows(&self) -> usize {
        self.live.len()
    }

    /// Bytes of memory of all rows.
    pub fn bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// The live rows `from..to` in the order of their keys.
    ///
    /// # Errors
    /// `LimitExceeded` when they pass what an array holds.
    pub fn live(&self, from: usize, to: usize) -> Result<RecordBatch> {
        let places = self.live.get(from..to).ok_or_else(|| Error::internal("a flush reads past its rows"))?;
        gather(&self.batches, places, &self.tombstones.schema())
    }

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;
    use crate::error::ErrorKind;

    /// Rows that share one text of a GiB: two fit an array, three pass its 32-bit offsets.
    #[test]
    fn rows_past_what_an_array_holds_are_gathered_in_parts() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat((1 << 30) - 1)]));
        let batch = RecordBatch::try_from_iter([("v", text)]).unwrap();
        let picked = Picked {
            tombstones: batch.slice(0, 0),
            batches: vec![batch.clone(), batch.clone(), batch],
            live: vec![(0, 0), (1, 0), (2, 0)],
            key_columns: Vec::new(),
        };
        assert_eq!(picked.live(0, 1).unwrap().num_rows(), 1);
        assert_eq!(picked.live(0, 3).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
}
