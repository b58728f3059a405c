//! Reading rows by primary key: memory first, then the one page that can hold the key.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::concat_batches;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use datafusion::scalar::ScalarValue;

use crate::cold::FileOutcome;
use crate::error::Result;
use crate::scan::provider::TableReads;
use crate::scan::report::ScanReport;

/// Where a row with a sought key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundRow {
    /// Its row in the batch returned with it.
    pub row: usize,
    /// Whether it was cold.
    pub cold: bool,
}

/// The rows with the keys `columns` (one array per key column, in key order), as row versions; and per
/// key where its row is, or `None`. Tombstones are rows only when asked for.
///
/// # Errors
/// What reading the cold tier reports.
pub async fn rows_by_key(
    table: &TableReads,
    columns: &[ArrayRef],
    tombstones: bool,
    report: Option<&ScanReport>,
) -> Result<(RecordBatch, Vec<Option<FoundRow>>)> {
    let keys = table.scope.encoder.encode(columns)?;
    let count = keys.num_rows();
    let mut found: Vec<Option<FoundRow>> = vec![None; count];
    let mut batches = Vec::new();
    let mut rows = 0;
    let mut cold_keys = Vec::new();

    let (versions, cold) = table.versions_of(&keys)?;
    for (at, version) in versions.into_iter().enumerate() {
        let Some(version) = version else {
            cold_keys.push(at);
            continue;
        };
        if version.is_deleted() && !tombstones {
            continue;
        }
        let row = version.chunk.batch.slice(version.row, 1);
        batches.push(table.def.current_rows(&row, version.chunk.schema_version)?);
        if let Some(slot) = found.get_mut(at) {
            *slot = Some(FoundRow { row: rows, cold: false });
        }
        rows += 1;
    }
    if !cold_keys.is_empty() && !cold.is_empty() {
        let indices = UInt32Array::from_iter_values(cold_keys.iter().map(|i| *i as u32));
        let sought: Vec<ArrayRef> = columns
            .iter()
            .map(|c| arrow::compute::take(c.as_ref(), &indices, None))
            .collect::<std::result::Result<_, _>>()?;
        let located = match report {
            Some(report) => table.find_cold_for(report, &cold, &sought).await?,
            None => table.find_cold(&cold, &sought).await?,
        };
        let (batch, order) = table.read_cold(&cold, &located.positions).await?;
        for (at, row) in cold_keys.iter().zip(order) {
            if let (Some(slot), Some(row)) = (found.get_mut(*at), row) {
                *slot = Some(FoundRow { row: rows + row, cold: true });
            }
        }
        batches.push(batch);
    }
    let schema = table.def.row_schema();
    Ok((concat_batches(&schema, &batches)?, found))
}

/// Tells `report` which files a look-up of one key, in `columns` as for [`rows_by_key`], would open, and opens none.
///
/// # Errors
/// What reading the manifest and filters reports.
pub async fn consider_key(table: &TableReads, columns: &[ArrayRef], report: &ScanReport) -> Result<()> {
    let keys = table.scope.encoder.encode(columns)?;
    let (versions, cold) = table.versions_of(&keys)?;
    if versions.iter().all(Option::is_some) || cold.is_empty() {
        return Ok(());
    }
    let schema = table.def.file_schema()?;
    let mut equal: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
    for (place, values) in table.def.key_columns().into_iter().zip(columns) {
        let Some(column) = table.def.columns.get(place) else { continue };
        let column = Arc::new(Column::new(&column.name, place));
        let value = Arc::new(Literal::new(ScalarValue::try_from_array(values, 0)?));
        equal.push(Arc::new(BinaryExpr::new(column, Operator::Eq, value)));
    }
    for one in table.choose(&cold, &schema, Some(&conjunction(equal)), report).await? {
        report.note(cold.files.get(one.at), FileOutcome::Kept);
    }
    Ok(())
}
