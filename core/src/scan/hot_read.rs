//! The hot part of a read: versions in memory, as rows of the table's current schema.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{and, filter_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use hashbrown::HashSet;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::memtable::Chunk;
use crate::hot::ordered::Hits;
use crate::types::SeqId;

/// The versions above `expired` visible at `seq` that `overlay` (a transaction's own writes) does not replace, then
/// the overlay's own; each batch in the schema of a row version of `def`.
pub fn visible_rows(
    def: &TableDef,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
    (expired, seq): (SeqId, SeqId),
    tombstones: bool,
) -> Result<Vec<RecordBatch>> {
    let replaced: HashSet<&[u8]> = overlay.iter().flat_map(|c| c.keys.iter().map(|k| k.data())).collect();
    let mut batches = Vec::new();
    for chunk in chunks {
        let mut mask = chunk.latest_after(expired, seq, tombstones);
        if !replaced.is_empty() {
            let kept: BooleanArray = chunk.keys.iter().map(|k| Some(!replaced.contains(k.data()))).collect();
            mask = and(&mask, &kept)?;
        }
        push(&mut batches, def, chunk, &mask)?;
    }
    for chunk in overlay {
        push(&mut batches, def, chunk, &chunk.latest_at(SeqId::MAX, tombstones))?;
    }
    Ok(batches)
}

/// The rows of `hits` that `overlay` (a transaction's own writes) does not replace, then the overlay's own; as
/// [`visible_rows`].
pub fn found_rows(def: &TableDef, hits: &[Hits], overlay: &[Arc<Chunk>]) -> Result<Vec<RecordBatch>> {
    let replaced: HashSet<&[u8]> = overlay.iter().flat_map(|c| c.keys.iter().map(|k| k.data())).collect();
    let mut batches = Vec::new();
    for Hits { chunk, rows } in hits {
        let is_kept =
            |row: &u32| replaced.is_empty() || !replaced.contains(chunk.keys.row(*row as usize).data());
        let rows: Vec<u32> = rows.iter().copied().filter(is_kept).collect();
        if !rows.is_empty() {
            let rows = take_record_batch(&chunk.batch, &UInt32Array::from(rows))?;
            batches.push(def.current_rows(&rows, chunk.schema_version)?);
        }
    }
    for chunk in overlay {
        push(&mut batches, def, chunk, &chunk.latest_at(SeqId::MAX, false))?;
    }
    Ok(batches)
}

fn push(batches: &mut Vec<RecordBatch>, def: &TableDef, chunk: &Chunk, mask: &BooleanArray) -> Result<()> {
    let visible = mask.true_count();
    if visible == 0 {
        return Ok(());
    }
    let rows =
        if visible == mask.len() { chunk.batch.clone() } else { filter_record_batch(&chunk.batch, mask)? };
    batches.push(def.current_rows(&rows, chunk.schema_version)?);
    Ok(())
}

/// `rows` (row versions of a table) as rows of `schema`, columns by name.
pub fn shown(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns: Option<Vec<_>> =
        schema.fields().iter().map(|f| rows.column_by_name(f.name()).cloned()).collect();
    let columns = columns.ok_or_else(|| Error::internal("a row version lacks a column of its table"))?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
