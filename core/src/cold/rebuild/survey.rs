//! Reading all rows of a batch file: what its writer would say of them, and whether they are as they have to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::row::OwnedRow;
use futures::TryStreamExt;

use crate::cold::bloom::{Filters, probe};
use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::footers::{Footer, named};
use crate::cold::rows;
use crate::cold::schema::{FileSchema, SEQ_ID, positions};
use crate::cold::selection::RowPick;
use crate::cold::source::ReadCounters;
use crate::cold::{ColdCaches, footers};
use crate::error::Result;
use crate::key::KeyEncoder;
use crate::manifest::{ColumnStats, StatisticsBuilder};
use crate::pace::Pace;
use crate::types::{ColumnId, SeqId};

/// Bytes of what is kept of one file while it is read.
pub(super) const CACHE_BYTES: usize = 16 << 20;

/// What the rows of a batch file are.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The statistics of its columns, as its writer made them.
    pub columns: BTreeMap<ColumnId, ColumnStats>,
    /// The lowest `_seq`.
    pub min_seq: SeqId,
    /// The highest.
    pub max_seq: SeqId,
    /// What is not as it has to be, each once: keys that do not ascend, values that a Bloom filter denies.
    pub faults: Vec<String>,
}

/// Reads every row of `file`, whose footer has to be as its entry says, from the store. `schema` says which columns
/// are the key.
///
/// # Errors
/// `Corrupt`, naming the file, when bytes are not as written; `Cancelled` by the pace.
pub async fn survey(file: &ColdFile, schema: &FileSchema, pace: &Pace) -> Result<Survey> {
    let caches = Arc::new(ColdCaches::new(CACHE_BYTES, CACHE_BYTES));
    let counters = Arc::new(ReadCounters::default());
    let sums = caches.footers.sums(file).await?;
    let footer = footers::load(file, &sums).await?;
    let ids = file_columns(file, &footer)?;
    let mut reading = Reading {
        encoder: schema.key_encoder()?,
        key: schema.key.clone(),
        statistics: StatisticsBuilder::of(ids.clone()),
        last_key: None,
        rows: 0,
        faults: Vec::new(),
    };
    let wanted: Vec<ColumnId> = std::iter::once(SEQ_ID).chain(ids).collect();
    let filtered: Vec<ColumnId> = file.entry().filters.keys().copied().collect();
    let mut base = 0;
    for (group, count) in (0u32..).zip(&file.entry().row_groups) {
        let reader = VerifiedReader::new(file.clone(), Arc::clone(&caches), Arc::clone(&counters));
        let filters = caches.blooms.load(file, &reader, &filtered, |g| g == group).await?;
        let mut pick = RowPick::default();
        let rows = u64::from(*count);
        pick.push(usize::try_from(group).unwrap_or(usize::MAX), base, rows, std::slice::from_ref(&(0..rows)));
        let mut stream = rows::open(file, &caches, &counters, &footer, &wanted, &pick)?;
        while let Some(batch) = stream.try_next().await.map_err(|e| named(file, e))? {
            reading.take(file, &batch, group, &filters)?;
            pace.step().await?;
        }
        base += rows;
    }
    if reading.rows != file.entry().rows {
        return Err(file.damaged(&format!("expected {} rows, found {}", file.entry().rows, reading.rows)));
    }
    let (columns, min_seq, max_seq) = reading.statistics.finish();
    Ok(Survey { columns, min_seq, max_seq, faults: reading.faults })
}

/// The ids of the columns of the file, in its order, without `_seq`, which has to be the first.
fn file_columns(file: &ColdFile, footer: &Footer) -> Result<Vec<ColumnId>> {
    let schema = footer.reader().schema();
    let by_id = positions(schema);
    let mut ids: Vec<(usize, ColumnId)> = by_id.into_iter().map(|(id, at)| (at, id)).collect();
    ids.sort_unstable();
    let first = ids.first().map(|(_, id)| *id);
    if first != Some(SEQ_ID) || ids.len() != schema.fields().len() {
        return Err(file.damaged("expected _seq and columns with ids, found other columns"));
    }
    Ok(ids.into_iter().skip(1).map(|(_, id)| id).collect())
}

struct Reading {
    encoder: KeyEncoder,
    key: Vec<ColumnId>,
    statistics: StatisticsBuilder,
    last_key: Option<OwnedRow>,
    rows: u64,
    faults: Vec<String>,
}

impl Reading {
    fn take(&mut self, file: &ColdFile, batch: &RecordBatch, group: u32, filters: &Filters) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.statistics.update(batch)?;
        self.check_order(file, batch)?;
        for (id, at) in positions(&batch.schema()) {
            if let Some(column) = batch.columns().get(at) {
                self.check_filter(id, column, group, filters);
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn fault(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Keys are never NULL, ascend, and none comes twice.
    fn check_order(&mut self, file: &ColdFile, batch: &RecordBatch) -> Result<()> {
        let Some(key) = key_of(batch, &self.key) else {
            self.fault("expected the columns of the key, found a file without one".to_owned());
            return Ok(());
        };
        if key.iter().any(|column| column.null_count() > 0) {
            self.fault("expected a key in every row, found NULL".to_owned());
        }
        let types: Vec<_> = key.iter().map(|column| column.data_type().clone()).collect();
        if types != self.encoder.types() {
            return Err(
                file.damaged(&format!("expected keys of {:?}, found {types:?}", self.encoder.types()))
            );
        }
        let keys = self.encoder.encode(&key)?;
        let after_last = self.last_key.as_ref().is_none_or(|last| last.row() < keys.row(0));
        if !after_last || (1..keys.num_rows()).any(|i| keys.row(i - 1) >= keys.row(i)) {
            self.fault("expected keys that ascend, found one that is not above the one before".to_owned());
        }
        self.last_key = Some(keys.row(keys.num_rows() - 1).owned());
        Ok(())
    }

    /// A filter may be wrong about what is not there, never about what is.
    fn check_filter(&mut self, id: ColumnId, column: &ArrayRef, group: u32, filters: &Filters) {
        let denied = (0..column.len()).find(|row| {
            let probes = probe(column, *row);
            !probes.is_empty() && !filters.may_contain(id, group, &probes)
        });
        if denied.is_some() {
            self.fault(format!(
                "the Bloom filter of column {id} in row group {group} denies a value that is there"
            ));
        }
    }
}

/// The key columns of `batch`, in key order, found by their ids.
pub(super) fn key_of(batch: &RecordBatch, key: &[ColumnId]) -> Option<Vec<ArrayRef>> {
    let by_id = positions(&batch.schema());
    key.iter().map(|id| by_id.get(id).and_then(|at| batch.columns().get(*at)).cloned()).collect()
}
