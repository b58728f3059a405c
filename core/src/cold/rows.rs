//! Reading rows of a batch file by their numbers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};

use crate::cold::ColdCaches;
use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::footers::{Footer, named};
use crate::cold::schema::{FileSchema, SEQ_ID, positions};
use crate::cold::selection::RowPick;
use crate::cold::source::ReadCounters;
use crate::error::{Error, Result};
use crate::types::ColumnId;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8 * 1024;

/// The rows of `file` with the numbers `rows`, which ascend, as [`FileSchema::arrow`] of `schema`:
/// columns by id, and the missing value for columns younger than the file. Reads only the pages that
/// hold them.
///
/// # Errors
/// `Corrupt`, naming the file, when it is not as written; `Internal` when `rows` do not ascend or are
/// not in the file.
pub async fn read_rows(
    file: &ColdFile,
    caches: &Arc<ColdCaches>,
    counters: &Arc<ReadCounters>,
    schema: &FileSchema,
    rows: &[u32],
) -> Result<RecordBatch> {
    let pick = picked(file, rows)?;
    let footer = caches.footers.footer(file).await?;
    let wanted: Vec<ColumnId> = std::iter::once(SEQ_ID).chain(schema.columns.iter().map(|c| c.id)).collect();
    let stream = open(file, caches, counters, &footer, &wanted, &pick)?;
    let layout = Arc::clone(stream.schema());
    let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| named(file, e))?;
    let batch = conform(&concat_batches(&layout, &batches)?, schema)?;
    if batch.num_rows() != rows.len() {
        return Err(file.damaged(&format!("expected {} rows, found {}", rows.len(), batch.num_rows())));
    }
    Ok(batch)
}

/// `batch` with the columns of `schema`, found by their ids; absent ones have their missing value.
///
/// # Errors
/// `Internal` when it has no `_seq`.
pub fn conform(batch: &RecordBatch, schema: &FileSchema) -> Result<RecordBatch> {
    let positions = positions(&batch.schema());
    let stored = |id: ColumnId| positions.get(&id).and_then(|at| batch.columns().get(*at));
    let seq = stored(SEQ_ID).ok_or_else(|| Error::internal("rows without a _seq"))?;
    let mut columns = vec![Arc::clone(seq)];
    for column in &schema.columns {
        columns.push(match stored(column.id) {
            Some(found) if *found.data_type() == column.data_type => Arc::clone(found),
            Some(found) => cast(found, &column.data_type)?,
            None => column.missing.to_array_of_size(batch.num_rows())?,
        });
    }
    Ok(RecordBatch::try_new(schema.arrow(), columns)?)
}

/// A stream of the picked rows with those of the columns `wanted` that the file has.
pub(super) fn open(
    file: &ColdFile,
    caches: &Arc<ColdCaches>,
    counters: &Arc<ReadCounters>,
    footer: &Footer,
    wanted: &[ColumnId],
    pick: &RowPick,
) -> Result<ParquetRecordBatchStream<VerifiedReader>> {
    counters.add_file(file);
    let reader = VerifiedReader::new(file.clone(), Arc::clone(caches), Arc::clone(counters));
    let positions = positions(footer.reader().schema());
    let roots = wanted.iter().filter_map(|id| positions.get(id).copied());
    let mask = ProjectionMask::roots(footer.metadata().file_metadata().schema_descr(), roots);
    ParquetRecordBatchStreamBuilder::new_with_metadata(reader, footer.reader().clone())
        .with_projection(mask)
        .with_row_groups(pick.groups.clone())
        .with_row_selection(pick.selection())
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|e| named(file, e))
}

/// The row numbers as ranges by row group.
fn picked(file: &ColdFile, rows: &[u32]) -> Result<RowPick> {
    if !rows.is_sorted_by(|a, b| a < b) {
        return Err(Error::internal("row numbers do not ascend"));
    }
    if rows.last().is_some_and(|last| u64::from(*last) >= file.entry().rows) {
        return Err(Error::internal(format!("row {:?} is past the end of {}", rows.last(), file.path())));
    }
    let mut pick = RowPick::default();
    let mut rest = rows;
    let mut base = 0u64;
    for (group, count) in file.entry().row_groups.iter().enumerate() {
        let end = base + u64::from(*count);
        let (inside, after) = rest.split_at(rest.partition_point(|row| u64::from(*row) < end));
        let ranges: Vec<_> = inside
            .chunk_by(|a, b| a + 1 == *b)
            .filter_map(|run| Some(u64::from(*run.first()?) - base..u64::from(*run.last()?) + 1 - base))
            .collect();
        pick.push(group, base, u64::from(*count), &ranges);
        rest = after;
        base = end;
    }
    Ok(pick)
}
