//! The hot part of a read: versions in memory, as rows of the table's current schema.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::SchemaRef;
use hashbrown::HashSet;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::hot::memtable::Chunk;
use crate::types::SeqId;

/// The versions visible at `seq` that `overlay` (a transaction's own writes) does not replace, then the
/// overlay's own; each batch in the schema of a row version of `def`.
pub fn visible_rows(
    def: &TableDef,
    chunks: &[Arc<Chunk>],
    overlay: &[Arc<Chunk>],
    seq: SeqId,
    tombstones: bool,
) -> Result<Vec<RecordBatch>> {
    let replaced: HashSet<&[u8]> = overlay.iter().flat_map(|c| c.keys.iter().map(|k| k.data())).collect();
    let mut batches = Vec::new();
    for chunk in chunks {
        let mut mask = chunk.latest_at(seq, tombstones);
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
