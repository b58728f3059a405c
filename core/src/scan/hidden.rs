//! Which cold rows a snapshot must not see: those a deletion vector marks, and those whose key has a hot
//! version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use roaring::RoaringBitmap;

use crate::cold::state::{ColdState, Hidden};
use crate::error::Result;
use crate::hot::memtable::Chunk;
use crate::scan::provider::TableReads;
use crate::types::SeqId;

/// Per batch file the rows hidden by hot versions: by committed ones up to the snapshot, and by the
/// transaction's own. Deletion vectors are not in it.
///
/// Versions are looked up in the cold tier once and remembered with the cold state, so that the second
/// query after an update costs no look-up. What is remembered is cumulative by `_seq`; an older snapshot
/// than that looks its keys up afresh.
pub async fn hidden_by_hot(
    table: &TableReads,
    cold: &ColdState,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
) -> Result<Arc<BTreeMap<u64, RoaringBitmap>>> {
    if cold.is_empty() {
        return Ok(Arc::default());
    }
    let known = Arc::clone(&cold.hidden.lock());
    let known = if known.through <= table.seq { known } else { Arc::new(Hidden::default()) };
    let mut rows = Arc::clone(&known.by_batch);
    let mut changed = false;
    for chunk in chunks {
        let from = chunk.rows_through(known.through);
        let to = chunk.rows_through(table.seq);
        if from < to {
            changed |= add(table, cold, chunk, &chunk.batch.slice(from, to - from), &mut rows).await?;
        }
    }
    let last = chunks.iter().rev().find_map(|c| {
        let through = c.rows_through(table.seq);
        c.seqs().get(through.checked_sub(1)?).copied()
    });
    if let Some(last) = last.map(SeqId::from_i64) {
        let mut slot = cold.hidden.lock();
        if slot.through < last {
            let by_batch = if changed { Arc::clone(&rows) } else { Arc::clone(&known.by_batch) };
            *slot = Arc::new(Hidden { through: last, by_batch });
        }
    }
    for chunk in overlay {
        add(table, cold, chunk, &chunk.batch, &mut rows).await?;
    }
    Ok(rows)
}

/// Adds the cold positions of the keys of `versions`; whether there was any.
async fn add(
    table: &TableReads,
    cold: &ColdState,
    chunk: &Chunk,
    versions: &RecordBatch,
    rows: &mut Arc<BTreeMap<u64, RoaringBitmap>>,
) -> Result<bool> {
    let columns: Vec<ArrayRef> =
        chunk.key_columns.iter().filter_map(|i| versions.columns().get(*i).cloned()).collect();
    let found = table.find_cold(cold, &columns).await?;
    let mut any = false;
    for position in found.positions.into_iter().flatten() {
        any = true;
        Arc::make_mut(rows).entry(position.batch).or_default().insert(position.row);
    }
    Ok(any)
}
