//! Parquet into typed columns.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};

use crate::catalog::{ColumnDef, Misfit, convert};
use crate::copy::rejects::BadRow;
use crate::copy::text::Typed;
use crate::copy::writer::json_row;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Ranged;

/// Reads a file for the Parquet reader.
#[derive(Debug)]
struct Anywhere(Arc<dyn Ranged>);

impl AsyncFileReader for Anywhere {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move {
            if range.start > range.end || range.end > self.0.size() {
                let size = self.0.size();
                return Err(ParquetError::EOF(format!("bytes {range:?} are not in the file's {size}")));
            }
            Ok(self.0.read(range).await?)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.0.size();
            let reader = ParquetMetaDataReader::new();
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

/// Batches of some columns of a Parquet file.
pub struct ParquetRows {
    batches: BoxStream<'static, parquet::errors::Result<RecordBatch>>,
    name: String,
    schema: SchemaRef,
    columns: Vec<ColumnDef>,
    keep_raw: bool,
    rows: u64,
}

/// A Parquet file whose columns are known.
pub struct ParquetFile {
    builder: ParquetRecordBatchStreamBuilder<Anywhere>,
    name: String,
}

impl ParquetFile {
    /// Reads what the file says of itself. Of a row group, which is in memory as a whole, it may have `most_bytes`.
    ///
    /// # Errors
    /// `InvalidInput` when it is no Parquet file, `LimitExceeded` for row groups that are too large.
    pub async fn open(name: &str, bytes: Arc<dyn Ranged>, most_bytes: usize) -> Result<Self> {
        let size = bytes.size();
        let builder = ParquetRecordBatchStreamBuilder::new(Anywhere(bytes)).await;
        let builder = builder.map_err(|e| unreadable(name, e))?;
        check_places(name, builder.metadata(), size)?;
        check_groups(name, builder.metadata(), most_bytes)?;
        Ok(Self { builder, name: name.to_owned() })
    }

    /// The names of its columns.
    pub fn names(&self) -> Vec<String> {
        self.builder.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// Its rows; `columns` are those of the table that its columns go into, in order.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn rows(self, columns: Vec<ColumnDef>, batch_rows: usize, keep_raw: bool) -> Result<ParquetRows> {
        let schema = Arc::clone(self.builder.schema());
        let stream = self
            .builder
            .with_projection(ProjectionMask::all())
            .with_batch_size(batch_rows)
            .build()
            .map_err(|e| unreadable(&self.name, e))?;
        Ok(ParquetRows { batches: stream.boxed(), name: self.name, schema, columns, keep_raw, rows: 0 })
    }
}

impl ParquetRows {
    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// `InvalidInput` when the file cannot be read on.
    pub async fn next(&mut self) -> Result<Option<Typed>> {
        let Some(batch) = self.batches.try_next().await.map_err(|e| unreadable(&self.name, e))? else {
            return Ok(None);
        };
        let first = self.rows + 1;
        self.rows += batch.num_rows() as u64;
        self.typed(&batch, first).map(Some)
    }

    fn typed(&self, batch: &RecordBatch, first: u64) -> Result<Typed> {
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut bad: Vec<(usize, BadRow)> = Vec::new();
        for (column, values) in self.columns.iter().zip(batch.columns()) {
            let given = values;
            let values = plain(given)?;
            let mut found = lost(column, given, &values);
            found.extend(misfits(column, &values));
            bad.extend(found.into_iter().map(|(row, reason, kind)| {
                let bad = BadRow {
                    line: first + row as u64,
                    column: Some((column.name.clone(), None)),
                    reason,
                    kind,
                    raw: String::new(),
                };
                (row, bad)
            }));
            columns.push(values);
        }
        let given = vec![None; columns.len()];
        let rows = batch.num_rows();
        if bad.is_empty() {
            let columns = self.converted(&columns)?;
            return Ok(Typed { columns, given, rows, bad: Vec::new() });
        }
        bad.sort_by_key(|(row, _)| *row);
        bad.dedup_by_key(|(row, _)| *row);
        let mut mask = vec![true; rows];
        for (row, bad) in &mut bad {
            if let Some(slot) = mask.get_mut(*row) {
                *slot = false;
            }
            if self.keep_raw {
                bad.raw = json_row(&self.schema, batch, *row)?;
            }
        }
        let good = BooleanArray::from(mask);
        let kept = columns.iter().map(|c| filter(c, &good)).collect::<Result<Vec<_>, _>>()?;
        let rows = filter_record_batch(batch, &good)?.num_rows();
        let bad = bad.into_iter().map(|(_, bad)| bad).collect();
        Ok(Typed { columns: self.converted(&kept)?, given, rows, bad })
    }

    fn converted(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let converted = self.columns.iter().zip(values).map(|(column, values)| {
            convert(values, column.ty).map_err(|why| why.error(&format!("column {}", column.name)))
        });
        converted.collect()
    }
}

/// Refuses what the reader of the library would panic at, or ask memory for: columns outside of the file.
fn check_places(name: &str, metadata: &ParquetMetaData, size: u64) -> Result<()> {
    for (n, group) in metadata.row_groups().iter().enumerate() {
        let rows = group.num_rows();
        let within = |column: &ColumnChunkMetaData| {
            let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
            let start = u64::try_from(start).ok()?;
            let end = start.checked_add(u64::try_from(column.compressed_size()).ok()?)?;
            (end <= size && column.data_page_offset() >= 0 && column.num_values() >= 0).then_some(())
        };
        if let Some(column) = group.columns().iter().find(|column| within(column).is_none()) {
            return Err(Error::invalid(format!(
                "cannot read {name} as Parquet: column {} of row group {n} is not within the file's {size} bytes",
                column.column_path().string()
            )));
        }
        if rows < 0 {
            return Err(Error::invalid(format!(
                "cannot read {name} as Parquet: row group {n} has {rows} rows"
            )));
        }
    }
    Ok(())
}

/// Refuses row groups that take too much memory, compressed as they are.
fn check_groups(name: &str, metadata: &ParquetMetaData, most_bytes: usize) -> Result<()> {
    let size = |group: &RowGroupMetaData| {
        let sizes =
            group.columns().iter().map(|column| u64::try_from(column.compressed_size()).unwrap_or(u64::MAX));
        sizes.fold(0, u64::saturating_add)
    };
    let too_large = |bytes: &u64| usize::try_from(*bytes).map_or(true, |bytes| bytes > most_bytes);
    match metadata.row_groups().iter().map(size).enumerate().find(|(_, bytes)| too_large(bytes)) {
        None => Ok(()),
        Some((n, bytes)) => Err(Error::limit(format!(
            "{name}: row group {n} has {bytes} bytes, more than the {most_bytes} that a statement may hold \
             (query.memory_bytes)"
        ))
        .with_hint("write the file with smaller row groups")),
    }
}

/// The values as the engine converts them: without dictionary, and instants in UTC; one that is out of range is NULL.
fn plain(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Dictionary(_, of) => cast(values, of)?,
        DataType::Timestamp(_, Some(_)) => {
            cast(values, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?
        }
        _ => Arc::clone(values),
    })
}

/// The rows whose instant [`plain`] could not convert and made NULL.
fn lost(column: &ColumnDef, given: &ArrayRef, plain: &ArrayRef) -> Vec<(usize, String, ErrorKind)> {
    if !matches!(given.data_type(), DataType::Timestamp(..)) || plain.null_count() == given.null_count() {
        return Vec::new();
    }
    let rows = (0..given.len()).filter(|row| given.is_valid(*row) && plain.is_null(*row));
    let why = format!("no {}: the instant is out of range", column.ty);
    rows.map(|row| (row, why.clone(), ErrorKind::InvalidInput)).collect()
}

/// The rows whose value is none of `column`, and why.
fn misfits(column: &ColumnDef, values: &ArrayRef) -> Vec<(usize, String, ErrorKind)> {
    let mut found = Vec::new();
    if !column.nullable {
        let nulls = (0..values.len()).filter(|row| values.is_null(*row));
        found.extend(nulls.map(|row| (row, "it may not be NULL".to_owned(), ErrorKind::Constraint)));
    }
    if convert(values, column.ty).is_ok() {
        return found;
    }
    for row in 0..values.len() {
        match convert(&values.slice(row, 1), column.ty) {
            Ok(_) => {}
            Err(Misfit::Value(why)) => {
                found.push((row, format!("no {}: {why}", column.ty), ErrorKind::InvalidInput));
            }
            Err(Misfit::TooLong(why)) => {
                found.push((row, format!("no {}: {why}", column.ty), ErrorKind::Constraint));
            }
        }
    }
    found
}

fn unreadable(name: &str, e: ParquetError) -> Error {
    match e {
        ParquetError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::invalid(format!("cannot read {name} as Parquet: {other}")),
        },
        other => Error::invalid(format!("cannot read {name} as Parquet: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, TimestampMillisecondArray};
    use futures::executor::block_on;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::{ColumnChunkMetaDataBuilder, ParquetMetaDataWriter};

    use super::*;
    use crate::catalog::ColumnType;
    use crate::types::ColumnId;

    fn file(values: ArrayRef) -> Bytes {
        let batch = RecordBatch::try_from_iter_with_nullable([("v", values, true)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes.into()
    }

    /// A file whose only column says otherwise where it is.
    fn altered(alter: impl FnOnce(ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder) -> Bytes {
        let bytes = file(Arc::new(Int64Array::from_iter_values(0..100)));
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
        let group = metadata.row_group(0).clone();
        let column = alter(group.column(0).clone().into_builder()).build().unwrap();
        let group = group.into_builder().set_column_metadata(vec![column]).build().unwrap();
        let metadata = metadata.into_builder().set_row_groups(vec![group]).build();
        let mut bytes = bytes.to_vec();
        ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().unwrap();
        bytes.into()
    }

    fn read(bytes: Bytes, column: &ColumnDef) -> Result<Typed> {
        block_on(async {
            let file = ParquetFile::open("f", Arc::new(bytes), usize::MAX).await?;
            let mut rows = file.rows(vec![column.clone()], 1000, false)?;
            Ok(rows.next().await?.unwrap())
        })
    }

    fn column(ty: ColumnType) -> ColumnDef {
        ColumnDef {
            id: ColumnId(1),
            name: "v".to_owned(),
            ty,
            nullable: true,
            default: None,
            added_in: 1,
            added_value: None,
        }
    }

    #[test]
    fn instants_out_of_range_are_bad_rows() {
        let instants = TimestampMillisecondArray::from(vec![Some(0), Some(i64::MAX), None]);
        let bytes = file(Arc::new(instants.with_timezone("UTC")));
        let typed = read(bytes, &column(ColumnType::TimestampTz)).unwrap();
        assert_eq!((typed.rows, typed.bad.len(), typed.bad[0].line), (2, 1, 2));
        assert!(typed.bad[0].reason.contains("out of range"), "{:?}", typed.bad);
        assert!(typed.columns[0].is_valid(0) && typed.columns[0].is_null(1));
    }

    #[test]
    fn a_row_group_fits_into_memory() {
        let bytes = file(Arc::new(Int64Array::from_iter_values(0..100_000)));
        let open = |most| block_on(ParquetFile::open("f", Arc::new(bytes.clone()), most));
        assert!(open(bytes.len()).is_ok());
        let error = open(bytes.len() / 2).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        assert!(error.to_string().contains("f: row group 0 has"), "{error}");
    }

    #[test]
    fn columns_outside_of_the_file_are_refused() {
        assert_eq!(read(altered(|c| c), &column(ColumnType::BigInt)).unwrap().rows, 100);
        for bytes in [
            altered(|c| c.set_total_compressed_size(-1)),
            altered(|c| c.set_total_compressed_size(i64::MAX)),
            altered(|c| c.set_total_compressed_size(1 << 40)),
            altered(|c| c.set_dictionary_page_offset(None).set_data_page_offset(-4)),
            altered(|c| c.set_dictionary_page_offset(Some(i64::MAX))),
        ] {
            let error = read(bytes, &column(ColumnType::BigInt)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("column v of row group 0 is not within"), "{error}");
        }
    }
}
