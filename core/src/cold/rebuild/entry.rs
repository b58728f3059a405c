//! The manifest entry of a batch file, from its footer and its checksums.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Array;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::Deserialize;

use crate::cold::checksums::ExtentSums;
use crate::cold::file::{ColdFile, missing};
use crate::cold::footers::{load_any, named};
use crate::cold::names;
use crate::cold::writer::{filters, row_groups};
use crate::error::Result;
use crate::manifest::{BatchEntry, BatchStatus, ColumnStats};
use crate::types::{ColumnId, SeqId, TableId};

/// A count of NULLs that stands for "perhaps some, perhaps not all" where nothing is known: it rules a file of
/// several rows out neither for IS NULL nor for anything else. It is in memory only.
const SOME: u64 = 1;

/// The field id of `_seq`.
const SEQ_FIELD: i32 = 0;

/// A batch file, as far as its footer tells.
#[derive(Debug)]
pub(super) struct Opened {
    /// The file, of which name, size and checksums are known.
    pub file: ColdFile,
    /// Its footer.
    pub metadata: ParquetMetaData,
}

impl Opened {
    /// Opens batch file `number` in `dir`, all of whose bytes that are read are verified.
    pub(super) async fn read(blobs: &Arc<dyn ObjectStore>, dir: &Path, number: u64) -> Result<Self> {
        let path = dir.clone().join(names::sums(number));
        let bytes = match blobs.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(e) => return Err(missing(&path, e)),
        };
        let sums = ExtentSums::decode(path.as_ref(), &bytes)?;
        let file = ColdFile::new(Arc::clone(blobs), dir, Arc::new(provisional(number, &sums)));
        let metadata = load_any(&file, &sums).await?;
        Ok(Self { file, metadata })
    }

    /// What the footer says under `firndb.{name}`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pairs = self.metadata.file_metadata().key_value_metadata()?;
        let pair = pairs.iter().find(|p| p.key.strip_prefix("firndb.") == Some(name))?;
        pair.value.as_deref()
    }

    fn number(&self, name: &str) -> Result<u64> {
        let found = self.value(name).and_then(|text| text.parse().ok());
        found.ok_or_else(|| self.file.damaged(&format!("expected a number firndb.{name} in its footer")))
    }

    /// Refuses a file of another table, scope or number than its place says.
    pub(super) fn belongs(&self, table: TableId, scope: &str) -> Result<()> {
        let number = self.file.entry().number;
        let found = (self.value("table_id"), self.value("scope"), self.value("batch"));
        if found == (Some(table.to_string().as_str()), Some(scope), Some(number.to_string().as_str())) {
            return Ok(());
        }
        Err(self
            .file
            .damaged(&format!("expected batch {number} of table {table}, scope {scope}, found {found:?}")))
    }

    /// The version of the manifest that was to list it first.
    pub(super) fn manifest_version(&self) -> Result<u64> {
        self.number("manifest_version")
    }

    /// The batch files whose rows it took over.
    pub(super) fn replaces(&self) -> Result<Vec<u64>> {
        let text = self.value("replaces").unwrap_or_default();
        let numbers = text.split(',').filter(|part| !part.is_empty()).map(str::parse);
        numbers
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| self.file.damaged(&format!("expected numbers in firndb.replaces: {e}")))
    }

    fn schema_version(&self) -> Result<u32> {
        #[derive(Deserialize)]
        struct Described {
            version: u32,
        }
        let described = self.value("schema").and_then(|text| serde_json::from_str::<Described>(text).ok());
        described.map(|d| d.version).ok_or_else(|| self.file.damaged("expected firndb.schema in its footer"))
    }
}

/// An entry of which only what the checksums say is right.
fn provisional(number: u64, sums: &ExtentSums) -> BatchEntry {
    BatchEntry {
        number,
        path: names::batch(number),
        sum: sums.checksum(),
        status: BatchStatus::Active,
        rows: 0,
        bytes: sums.total(),
        checksum: sums.whole(),
        schema_version: 0,
        min_seq: SeqId::ZERO,
        max_seq: SeqId::ZERO,
        row_groups: Vec::new(),
        columns: BTreeMap::new(),
        filters: BTreeMap::new(),
        deletes: None,
        replaces: Vec::new(),
        full: false,
        archived_at_ms: None,
    }
}

/// The entry of batch file `number` in the directory `dir` of `scope`. Of the ranges of values nothing is known,
/// which keeps the file wherever a range would be asked; of a file with a single row, not even the NULLs.
///
/// # Errors
/// `Corrupt`, naming the file, when it is missing, not as written, or of another table or scope.
pub async fn read_entry(
    blobs: &Arc<dyn ObjectStore>,
    dir: &Path,
    number: u64,
    table: TableId,
    scope: &str,
) -> Result<BatchEntry> {
    let opened = Opened::read(blobs, dir, number).await?;
    opened.belongs(table, scope)?;
    let (file, metadata) = (&opened.file, &opened.metadata);
    let row_groups = row_groups(metadata)?;
    let rows = row_groups.iter().map(|rows| u64::from(*rows)).sum();
    let seqs = seq_range(metadata).ok_or_else(|| file.damaged("expected the range of _seq in its footer"))?;
    Ok(BatchEntry {
        rows,
        schema_version: opened.schema_version()?,
        min_seq: SeqId::from_i64(seqs.0),
        max_seq: SeqId::from_i64(seqs.1),
        row_groups,
        columns: columns(file, metadata, rows)?,
        filters: filters(metadata),
        replaces: opened.replaces()?,
        ..file.entry().as_ref().clone()
    })
}

fn seq_range(metadata: &ParquetMetaData) -> Option<(i64, i64)> {
    let mut range: Option<(i64, i64)> = None;
    for group in metadata.row_groups() {
        let is_seq = |info: &parquet::schema::types::BasicTypeInfo| info.has_id() && info.id() == SEQ_FIELD;
        let column =
            group.columns().iter().find(|c| is_seq(c.column_descr().self_type().get_basic_info()))?;
        let Some(Statistics::Int64(stats)) = column.statistics() else { return None };
        let (low, high) = (*stats.min_opt()?, *stats.max_opt()?);
        let (l, h) = range.unwrap_or((low, high));
        range = Some((l.min(low), h.max(high)));
    }
    range
}

/// The columns of the file, without bounds.
fn columns(
    file: &ColdFile,
    metadata: &ParquetMetaData,
    rows: u64,
) -> Result<BTreeMap<ColumnId, ColumnStats>> {
    let descriptor = metadata.file_metadata().schema_descr();
    let arrow = parquet::arrow::parquet_to_arrow_schema(descriptor, None).map_err(|e| named(file, e))?;
    let mut found = BTreeMap::new();
    for (field, root) in arrow.fields().iter().zip(descriptor.root_schema().get_fields()) {
        let info = root.get_basic_info();
        let id = info.has_id().then(|| u32::try_from(info.id()).ok()).flatten();
        let id = id.ok_or_else(|| file.damaged(&format!("column {} has no field id", field.name())))?;
        if id == 0 {
            continue;
        }
        let counted = StatisticsConverter::try_new(field.name(), &arrow, descriptor)
            .map(|c| c.with_missing_null_counts_as_zero(false))
            .and_then(|c| c.row_group_null_counts(metadata.row_groups().iter()));
        // A nested column has no count of its own.
        let counts = counted.ok().filter(|c| c.null_count() == 0 && !field.data_type().is_nested());
        let nulls = counts.map(|counts| counts.values().iter().sum());
        found.insert(
            ColumnId(id),
            ColumnStats { nulls: nulls.unwrap_or(SOME.min(rows)), ..Default::default() },
        );
    }
    Ok(found)
}
