//! Which cold rows a snapshot must not see: those a deletion vector marks, and those whose key has a hot
//! version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use roaring::RoaringBitmap;

use crate::cold::locate::Within;
use crate::cold::state::{ColdState, Hidden};
use crate::error::Result;
use crate::hot::memtable::Chunk;
use crate::scan::provider::TableReads;
use crate::types::SeqId;

/// As [`hidden_by_hot`], for a query that wants no row below `since`: files that end before it need not be
/// looked into, and are not, unless all of them were before.
pub async fn hidden_since(
    table: &TableReads,
    cold: &ColdState,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
    since: SeqId,
) -> Result<Arc<BTreeMap<u64, RoaringBitmap>>> {
    let reaches = table.within_since(since);
    let reaching = if since == SeqId::ZERO { cold.files.len() } else { reaches.count(&cold.entries) };
    let through = cold.hidden.lock().through;
    let is_known = last_seq(chunks, table.seq).is_none_or(|last| (last..=table.seq).contains(&through));
    if reaching == cold.files.len() || (is_known && overlay.is_empty()) {
        return hidden_by_hot(table, cold, chunks, overlay).await;
    }
    let mut rows = Arc::default();
    if reaching > 0 {
        for chunk in chunks {
            let versions = chunk.batch.slice(0, chunk.rows_through(table.seq));
            add(table, cold, chunk, &versions, &mut rows, reaches).await?;
        }
        for chunk in overlay {
            add(table, cold, chunk, &chunk.batch, &mut rows, reaches).await?;
        }
    }
    Ok(rows)
}

/// The last `_seq` up to `seq` of the versions in `chunks`.
fn last_seq(chunks: &[Arc<Chunk>], seq: SeqId) -> Option<SeqId> {
    let last = chunks.iter().rev().find_map(|c| c.seqs().get(c.rows_through(seq).checked_sub(1)?).copied());
    last.map(SeqId::from_i64)
}

/// Per batch file the rows hidden by hot versions: by committed ones up to the snapshot, and by the
/// transaction's own. Deletion vectors are not in it.
///
/// Versions are looked up in the cold tier once and remembered with the cold state, so that the second
/// query after an update costs no look-up. What is remembered is cumulative by `_seq`; an older snapshot
/// than that looks its keys up afresh.
async fn hidden_by_hot(
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
            let versions = chunk.batch.slice(from, to - from);
            changed |= add(table, cold, chunk, &versions, &mut rows, table.within()).await?;
        }
    }
    if let Some(last) = last_seq(chunks, table.seq) {
        let mut slot = cold.hidden.lock();
        if slot.through < last {
            let by_batch = if changed { Arc::clone(&rows) } else { Arc::clone(&known.by_batch) };
            *slot = Arc::new(Hidden { through: last, by_batch });
        }
    }
    for chunk in overlay {
        add(table, cold, chunk, &chunk.batch, &mut rows, table.within()).await?;
    }
    Ok(rows)
}

/// Adds the cold positions of the keys of `versions` in the files `within`; whether there was any.
async fn add(
    table: &TableReads,
    cold: &ColdState,
    chunk: &Chunk,
    versions: &RecordBatch,
    rows: &mut Arc<BTreeMap<u64, RoaringBitmap>>,
    within: Within,
) -> Result<bool> {
    let columns: Vec<ArrayRef> =
        chunk.key_columns.iter().filter_map(|i| versions.columns().get(*i).cloned()).collect();
    let found = table.find_cold_in(cold, &columns, within).await?;
    let mut any = false;
    for position in found.positions.into_iter().flatten() {
        any = true;
        Arc::make_mut(rows).entry(position.batch).or_default().insert(position.row);
    }
    Ok(any)
}
