//! Tombstones that a flush has taken from the hot tier: they are shown to queries that ask for them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use hashbrown::{HashMap, HashSet};

use crate::cold::state::ColdState;
use crate::error::Result;
use crate::hot::block::Block;
use crate::hot::memtable::Chunk;
use crate::scan::provider::TableReads;
use crate::storage::keys::scope_key;
use crate::storage::{KeyRange, Keyspace};

/// How many blocks are read at a time.
const PAGE: usize = 64;

/// Per key its last tombstone, unless the key has a newer version or a row again; as row versions.
pub async fn retained(
    table: &TableReads,
    cold: &ColdState,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
) -> Result<Option<RecordBatch>> {
    let Some(rows) = read_blocks(table).await? else { return Ok(None) };
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
    let cold_rows = table.find_cold(cold, &columns).await?.positions;
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

async fn read_blocks(table: &TableReads) -> Result<Option<RecordBatch>> {
    let def = &table.def;
    let mut range = KeyRange::prefix(scope_key(def.id, &table.scope.scope));
    let mut batches = Vec::new();
    loop {
        let page = table.tiers.stores.kv.page(Keyspace::Tombstones, range.clone(), PAGE).await?;
        for (key, value) in &page {
            let name = format!("tombstones {} {} {key:02x?}", def.full_name(), table.scope.scope);
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
