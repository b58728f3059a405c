//! Writing batch files.
//!
//! A batch file is plain Parquet that any reader opens: `_seq` and the table's columns with their ids
//! as field ids, live rows only, sorted by primary key. Key-value metadata says what a rebuild from
//! files alone needs:
//!
//! | key                      | value                                                              |
//! |--------------------------|--------------------------------------------------------------------|
//! | `firndb.format`          | `1`                                                                |
//! | `firndb.table_id`        | number                                                             |
//! | `firndb.table`           | namespace and table name, joined by a dot                          |
//! | `firndb.scope`           | directory name                                                     |
//! | `firndb.user`            | the user's id, when the scope is a user's                          |
//! | `firndb.batch`           | the file's number                                                  |
//! | `firndb.manifest_version`| the manifest that was to list it first; of a compaction its claim  |
//! | `firndb.replaces`        | numbers of the batch files whose rows it took over, comma-separated|
//! | `firndb.schema`          | JSON: schema version; id, name, type of each column; key           |
//! | `firndb.note`            | JSON: the note of the commit (`notes.rs`), if it is noted here        |
//! | `firndb.checksum`        | `crc32c:` of all bytes before the page index, and how many they are|

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::row::OwnedRow;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Encoding;
use parquet::file::metadata::{KeyValue, ParquetMetaData, SortingColumn};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::schema::types::ColumnPath;

use crate::cold::checksums::ExtentSums;
use crate::cold::names;
use crate::cold::notes::{CommitNote, NOTE_KEY};
use crate::cold::schema::{FileSchema, SEQ_COLUMN, positions};
use crate::error::{Error, Result};
use crate::key::KeyEncoder;
use crate::manifest::{BatchEntry, BatchStatus, Checksum, FilterRef, StatisticsBuilder};
use crate::types::{ColumnId, Scope};

/// Rows of a row group: enough for a scan to stream, few enough for one to be skipped.
pub const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows of a page: what a lookup of one key decodes per column.
const PAGE_ROWS: usize = 4 * 1024;

/// Bytes of a page before compression, for columns of wide values.
const PAGE_BYTES: usize = 256 * 1024;

/// Bytes of a dictionary, which every lookup reads before its page; a column with more goes without.
const DICTIONARY_BYTES: usize = 64 * 1024;

/// The version of the layout of batch files.
pub(super) const FILE_FORMAT: &str = "1";
/// Under which key the footer has it.
pub(super) const FORMAT_KEY: &str = "firndb.format";
/// Names the scope in a footer.
pub(super) const SCOPE_KEY: &str = "firndb.scope";

/// A batch file in memory, not stored yet.
#[derive(Debug, Clone)]
pub struct WrittenFile {
    /// The file.
    pub parquet: Bytes,
    /// The checksums of its extents, for the file beside it.
    pub sums: Bytes,
    /// Its manifest entry.
    pub entry: BatchEntry,
}

/// Writes one batch file.
pub struct BatchFileWriter {
    writer: ArrowWriter<Vec<u8>>,
    statistics: StatisticsBuilder,
    encoder: KeyEncoder,
    /// Positions of the key columns in a batch, in key order.
    key: Vec<usize>,
    last_key: Option<OwnedRow>,
    rows: u64,
    number: u64,
    schema_version: u32,
    replaces: Vec<u64>,
}

impl std::fmt::Debug for BatchFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchFileWriter")
            .field("number", &self.number)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl BatchFileWriter {
    /// A writer for batch file `number` of `scope`, first listed in manifest `manifest_version`, whose
    /// rows come from the batch files `replaces` (none for a flush).
    ///
    /// # Errors
    /// `Internal` when the schema contradicts itself, `Unsupported` when a type cannot be written.
    pub fn new(
        schema: &FileSchema,
        scope: &Scope,
        number: u64,
        manifest_version: u64,
        replaces: Vec<u64>,
    ) -> Result<Self> {
        let arrow = schema.arrow();
        let by_id = positions(&arrow);
        let key: Option<Vec<usize>> = schema.key.iter().map(|id| by_id.get(id).copied()).collect();
        let key = key.filter(|k| !k.is_empty());
        let key =
            key.ok_or_else(|| Error::internal(format!("the key of {} is not in it", schema.table_name)))?;
        let mut metadata = described(schema, scope)?;
        metadata.extend([
            pair("batch", number),
            pair("manifest_version", manifest_version),
            pair("replaces", join(&replaces)),
        ]);
        let properties = properties(schema, &key)?.set_key_value_metadata(Some(metadata)).build();
        // The Arrow schema in the footer would only repeat what the Parquet schema says.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        Ok(Self {
            writer: ArrowWriter::try_new_with_options(Vec::new(), arrow, options)?,
            statistics: StatisticsBuilder::new(schema),
            encoder: schema.key_encoder()?,
            key,
            last_key: None,
            rows: 0,
            number,
            schema_version: schema.schema_version,
            replaces,
        })
    }

    /// Adds rows laid out as [`FileSchema::arrow`], whose keys ascend and are above all before.
    ///
    /// # Errors
    /// `Internal` when the layout or the order is another, `LimitExceeded` past 2^32 - 1 rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.check_order(batch)?;
        self.rows += batch.num_rows() as u64;
        if self.rows > u64::from(u32::MAX) {
            return Err(Error::limit(format!("a batch file holds at most {} rows", u32::MAX)));
        }
        self.statistics.update(batch)?;
        self.writer.write(batch)?;
        Ok(())
    }

    /// Has the footer carry `note`, that of the commit of which this is the last file.
    ///
    /// # Errors
    /// `Internal` when the note cannot be written.
    pub fn set_note(&mut self, note: &CommitNote) -> Result<()> {
        self.writer.append_key_value_metadata(KeyValue::new(NOTE_KEY.to_owned(), note.encode()?));
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// `Internal` when nothing was written.
    pub fn finish(mut self) -> Result<WrittenFile> {
        if self.rows == 0 {
            return Err(Error::internal(format!("batch {} has no rows", self.number)));
        }
        self.writer.flush()?;
        self.writer.sync().map_err(|e| Error::internal("a batch file cannot be written").with_source(e))?;
        let body = self.writer.inner();
        let body = format!("{} {}", Checksum::of(body), body.len());
        self.writer.append_key_value_metadata(pair("checksum", body));
        let metadata = self.writer.finish()?;
        let parquet = Bytes::from(std::mem::take(self.writer.inner_mut()));
        let sums = ExtentSums::of(&parquet);
        let (columns, min_seq, max_seq) = self.statistics.finish();
        let entry = BatchEntry {
            number: self.number,
            path: names::batch(self.number),
            sum: sums.checksum(),
            status: BatchStatus::Active,
            rows: self.rows,
            bytes: parquet.len() as u64,
            checksum: Checksum::of(&parquet),
            schema_version: self.schema_version,
            min_seq,
            max_seq,
            row_groups: row_groups(&metadata)?,
            filters: filters(&metadata),
            columns,
            deletes: None,
            replaces: self.replaces,
            full: false,
            archived_at_ms: None,
        };
        Ok(WrittenFile { parquet, sums: sums.encode(), entry })
    }

    fn check_order(&mut self, batch: &RecordBatch) -> Result<()> {
        let key: Option<Vec<ArrayRef>> = self.key.iter().map(|i| batch.columns().get(*i).cloned()).collect();
        let key = key.ok_or_else(|| Error::internal("a batch without its key columns"))?;
        if key.iter().any(|column| column.null_count() > 0) {
            return Err(Error::internal(format!("batch {}: a key is NULL", self.number)));
        }
        let rows = self.encoder.encode(&key)?;
        let after_last = self.last_key.as_ref().is_none_or(|last| last.row() < rows.row(0));
        if !after_last || (1..rows.num_rows()).any(|i| rows.row(i - 1) >= rows.row(i)) {
            return Err(Error::internal(format!("batch {}: keys do not ascend", self.number)));
        }
        self.last_key = Some(rows.row(rows.num_rows() - 1).owned());
        Ok(())
    }
}

fn pair(name: &str, value: impl ToString) -> KeyValue {
    KeyValue::new(format!("firndb.{name}"), value.to_string())
}

fn join(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}

fn described(schema: &FileSchema, scope: &Scope) -> Result<Vec<KeyValue>> {
    let columns: Vec<_> = schema
        .columns
        .iter()
        .map(|c| serde_json::json!({ "id": c.id, "name": c.name, "type": c.data_type.to_string() }))
        .collect();
    let described =
        serde_json::json!({ "version": schema.schema_version, "columns": columns, "key": schema.key });
    let mut pairs = vec![
        pair("format", FILE_FORMAT),
        pair("table_id", schema.table),
        pair("table", format!("{}.{}", schema.namespace, schema.table_name)),
        pair("scope", scope.dir()),
        pair("schema", described),
    ];
    if let Scope::User(user) = scope {
        pairs.push(pair("user", user));
    }
    Ok(pairs)
}

fn properties(schema: &FileSchema, key: &[usize]) -> Result<WriterPropertiesBuilder> {
    let index = |position: usize| {
        i32::try_from(position)
            .map_err(|_| Error::limit(format!("column {position} is past the format's limit")))
    };
    let sorting = key
        .iter()
        .map(|i| Ok(SortingColumn { column_idx: index(*i)?, descending: false, nulls_first: true }))
        .collect::<Result<Vec<_>>>()?;
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("firndb ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(schema.compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting))
        // Every value is another one: a dictionary would only cost a second page per lookup.
        .set_column_dictionary_enabled(ColumnPath::from(SEQ_COLUMN), false)
        .set_column_encoding(ColumnPath::from(SEQ_COLUMN), Encoding::DELTA_BINARY_PACKED);
    for column in &schema.columns {
        let path = ColumnPath::new(vec![column.name.clone()]);
        if schema.key == [column.id] {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
            if column.data_type.is_integer() {
                builder = builder.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            }
        }
        if column.data_type.is_floating() {
            // Parquet's bounds leave NaN out and do not say so, where SQL orders it above all numbers:
            // a reader that trusts them drops rows.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        let fpp = schema.bloom.iter().find(|(id, _)| *id == column.id).map(|(_, fpp)| *fpp);
        if let Some(fpp) = fpp
            && column.data_type != DataType::Boolean
        {
            let fpp = if fpp.is_nan() { 0.01 } else { fpp.clamp(0.0001, 0.5) };
            builder = builder
                .set_column_bloom_filter_fpp(path.clone(), fpp)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
        }
    }
    Ok(builder)
}

pub(super) fn row_groups(metadata: &ParquetMetaData) -> Result<Vec<u32>> {
    let rows = metadata.row_groups().iter().map(|g| u32::try_from(g.num_rows()));
    rows.collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::internal("a row group without a count of rows"))
}

/// Where the Bloom filters lie, by the field ids of their columns.
pub(super) fn filters(metadata: &ParquetMetaData) -> BTreeMap<ColumnId, Vec<FilterRef>> {
    let mut found = BTreeMap::<ColumnId, Vec<FilterRef>>::new();
    for (group, row_group) in (0u32..).zip(metadata.row_groups()) {
        for column in row_group.columns() {
            let field = column.column_descr().self_type().get_basic_info().clone();
            let id = field.has_id().then(|| u32::try_from(field.id()).ok()).flatten();
            let place = column.bloom_filter_offset().zip(column.bloom_filter_length());
            if let Some((id, (offset, length))) = id.zip(place)
                && let (Ok(offset), Ok(length)) = (u64::try_from(offset), u32::try_from(length))
            {
                found.entry(ColumnId(id)).or_default().push(FilterRef { row_group: group, offset, length });
            }
        }
    }
    found
}
