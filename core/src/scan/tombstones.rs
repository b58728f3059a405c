//! Tombstones that a flush has taken from the hot tier: they are shown to queries that ask for them.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, min};
use arrow::datatypes::Int64Type;
use hashbrown::{HashMap, HashSet};

use crate::cold::state::ColdState;
use crate::error::Result;
use crate::hot::block::Block;
use crate::hot::memtable::Chunk;
use crate::scan::provider::TableReads;
use crate::storage::keys::{scope_key, seq_key};
use crate::storage::{KeyRange, Keyspace};
use crate::types::SeqId;

/// How many blocks are read at a time.
const PAGE: usize = 64;
/// The first step down in search of a block is of so many bits of `_seq`, an hour; each further one has so many
/// more.
const FIRST_STEP_BITS: u32 = 44;
const STEP_BITS: usize = 4;

/// Per key its last tombstone, unless the key has a newer version or a row again; as row versions. Tombstones
/// below `since`, which the query does not want, may be missing.
pub async fn retained(
    table: &TableReads,
    cold: &ColdState,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
    since: SeqId,
) -> Result<Option<RecordBatch>> {
    let Some(rows) = read_blocks(table, since).await? else { return Ok(None) };
    let columns: Vec<ArrayRef> =
        table.def.key_columns().into_iter().filter_map(|i| rows.columns().get(i + 2).cloned()).collect();
    let keys = table.scope.encoder.encode(&columns)?;
    let mut newer: HashSet<&[u8]> = HashSet::new();
    for chunk in chunks {
        newer.extend(chunk.keys.iter().take(chunk.rows_through(table.seq)).map(|k| k.data()));
    }
    newer.extend(overlay.iter().flat_map(|c| c.keys.iter().map(|k| k.data())));
    // Blocks come in the order of their flushes: the last tombstone of a key is the newest.
    let last: HashMap<&[u8], usize> = keys.iter().enumerate().map(|(row, key)| (key.data(), row)).collect();
    // A row that came after its tombstone is in a file that ends after it.
    let first = rows.columns().first().and_then(|seqs| min(seqs.as_primitive_opt::<Int64Type>()?));
    let first = first.map_or(SeqId::ZERO, SeqId::from_i64);
    let within = table.within_since(SeqId::from_i64(first.as_i64().saturating_add(1)));
    let cold_rows = table.find_cold_in(cold, &columns, within).await?.positions;
    let keep: BooleanArray = keys
        .iter()
        .enumerate()
        .map(|(row, key)| {
            let again = cold_rows.get(row).is_some_and(Option::is_some);
            Some(last.get(key.data()) == Some(&row) && !newer.contains(key.data()) && !again)
        })
        .collect();
    Ok(Some(filter_record_batch(&rows, &keep)?))
}

async fn read_blocks(table: &TableReads, since: SeqId) -> Result<Option<RecordBatch>> {
    let def = &table.def;
    let mut range = blocks_since(table, since).await?;
    let mut batches = Vec::new();
    loop {
        let page = table.tiers.stores.kv.page(Keyspace::Tombstones, range.clone(), PAGE).await?;
        for (key, value) in &page {
            let name = format!("tombstones {} {} {key:02x?}", def.full_name(), table.scope.scope);
            table.tiers.stats.tombstone_blocks_read.add(1);
            let block = Block::parse(value.clone(), &name)?;
            let rows = block.decode(def.row_schema_at(block.schema_version)?)?;
            batches.push(def.current_rows(&rows, block.schema_version)?);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
            _ => break,
        }
    }
    if batches.is_empty() {
        return Ok(None);
    }
    Ok(Some(concat_batches(&def.row_schema(), &batches)?))
}

/// The blocks that may hold a tombstone from `since` on. A block goes by its first tombstone, and ends before the
/// next block begins: what is needed starts with the last block that begins at `since` or before. Keys are only
/// found upwards, so ever larger steps are taken down until one meets a block.
async fn blocks_since(table: &TableReads, since: SeqId) -> Result<KeyRange> {
    let (id, scope) = (table.def.id, &table.scope.scope);
    let whole = KeyRange::prefix(scope_key(id, scope));
    let from = |seq: SeqId| Bound::Included(seq_key(id, scope, seq).into());
    for bits in (FIRST_STEP_BITS..i64::BITS).step_by(STEP_BITS) {
        let Some(start) = since.as_i64().checked_sub(1_i64 << bits).filter(|start| *start > 0) else { break };
        let start = from(SeqId::from_i64(start));
        let range = KeyRange { start: start.clone(), end: from(since) };
        if !table.tiers.stores.kv.page(Keyspace::Tombstones, range, 1).await?.is_empty() {
            return Ok(KeyRange { start, end: whole.end });
        }
    }
    Ok(whole)
}
