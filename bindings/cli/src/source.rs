//! Files that rows are read from: Parquet, and CSV with a header line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, BinaryBuilder, RecordBatch, StringArray};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use firndb_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use regex::Regex;

use crate::failure;
use crate::progress::Unit;
use crate::render::is_binary;

/// Rows of a batch as it is read.
pub const BATCH_ROWS: usize = 65_536;

/// What the extension of a file says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Parquet.
    Parquet,
    /// Values separated by this byte.
    Csv(u8),
}

impl FileKind {
    /// The kind of the file at `path`.
    ///
    /// # Errors
    /// `Unsupported` for any other extension.
    pub fn of(path: &Path) -> Result<Self> {
        let extension =
            path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        match extension.as_str() {
            "parquet" => Ok(Self::Parquet),
            "csv" => Ok(Self::Csv(b',')),
            "tsv" => Ok(Self::Csv(b'\t')),
            other => Err(Error::unsupported(format!(
                "{}: the format goes by the extension, which must be .parquet, .csv or .tsv, not {other:?}",
                path.display()
            ))),
        }
    }
}

/// A file to import.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    kind: FileKind,
    null: String,
    schema: SchemaRef,
    total: u64,
}

/// Batches, with how far into the file each reaches, in the source's [`Unit`].
pub type Batches = Box<dyn Iterator<Item = Result<(RecordBatch, u64)>> + Send>;

impl Source {
    /// Opens the file and reads its schema; for CSV that is names only, every column being text.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`; `InvalidInput` when it is not what its extension says.
    pub fn open(path: &Path, null: &str) -> Result<Self> {
        let kind = FileKind::of(path)?;
        let file = open(path)?;
        let (schema, total) = match kind {
            FileKind::Parquet => {
                let meta = ArrowReaderMetadata::load(&file, options()).map_err(|e| not_parquet(path, &e))?;
                let rows = meta.metadata().file_metadata().num_rows();
                (meta.schema().clone(), rows.cast_unsigned())
            }
            FileKind::Csv(delimiter) => {
                let bytes = file.metadata().map_err(|e| failure::file("read", path, &e))?.len();
                let format = Format::default().with_header(true).with_delimiter(delimiter);
                let (schema, _) = format.infer_schema(&file, Some(0)).map_err(|e| bad_csv(path, &e))?;
                (Arc::new(every(&schema, &DataType::Utf8)), bytes)
            }
        };
        let source = Self { path: path.to_owned(), kind, null: null.to_owned(), schema, total };
        source.refuse_twins()?;
        Ok(source)
    }

    fn refuse_twins(&self) -> Result<()> {
        let fields = self.schema.fields();
        if fields.is_empty() {
            return Err(Error::invalid(format!("{} has no columns", self.path.display())));
        }
        let twin = fields
            .iter()
            .enumerate()
            .find(|(at, f)| fields.iter().skip(at + 1).any(|g| g.name() == f.name()));
        match twin {
            Some((_, f)) => {
                Err(Error::invalid(format!("{} has two columns named {:?}", self.path.display(), f.name())))
            }
            None => Ok(()),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How much there is to read, and in what it is counted.
    pub fn total(&self) -> (u64, Unit) {
        match self.kind {
            FileKind::Parquet => (self.total, Unit::Rows),
            FileKind::Csv(_) => (self.total, Unit::Bytes),
        }
    }

    /// The columns with types: as the file says, or for CSV as all of its values allow.
    ///
    /// # Errors
    /// `InvalidInput` for CSV that cannot be read.
    pub fn typed_schema(&self) -> Result<SchemaRef> {
        let FileKind::Csv(delimiter) = self.kind else { return Ok(self.schema.clone()) };
        let format = Format::default().with_header(true).with_delimiter(delimiter);
        let format = if self.null.is_empty() { format } else { format.with_null_regex(exactly(&self.null)?) };
        let (schema, _) =
            format.infer_schema(open(&self.path)?, None).map_err(|e| bad_csv(&self.path, &e))?;
        // A column of nothing but NULLs can become anything; text is what loses nothing.
        let fields = schema.fields().iter().map(|f| match f.data_type() {
            DataType::Null => Field::new(f.name(), DataType::Utf8, true),
            other => Field::new(f.name(), other.clone(), true),
        });
        Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
    }

    /// Reads the columns numbered `columns`, giving the values of CSV the types of `types`, which are
    /// in the same order.
    ///
    /// # Errors
    /// As [`Source::open`]; the batches carry `InvalidInput` for values that do not fit.
    pub fn read(&self, columns: &[usize], types: &[DataType]) -> Result<Batches> {
        match self.kind {
            FileKind::Parquet => self.read_parquet(columns),
            FileKind::Csv(delimiter) => self.read_csv(delimiter, columns, types),
        }
    }

    fn read_parquet(&self, columns: &[usize]) -> Result<Batches> {
        let path = self.path.clone();
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(open(&path)?, options())
            .map_err(|e| not_parquet(&path, &e))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| not_parquet(&path, &e))?;
        let mut done = 0;
        let mut order = columns.to_vec();
        order.sort_unstable();
        // The reader gives columns in the file's order.
        let places: Vec<_> = columns.iter().filter_map(|c| order.binary_search(c).ok()).collect();
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|e| Error::invalid(format!("cannot read {}: {e}", path.display())))?;
            done += batch.num_rows() as u64;
            Ok((batch.project(&places)?, done))
        })))
    }

    fn read_csv(&self, delimiter: u8, columns: &[usize], types: &[DataType]) -> Result<Batches> {
        let mut all = every(&self.schema, &DataType::Utf8).fields().to_vec();
        for (column, kind) in columns.iter().zip(types) {
            let Some(field) = all.get_mut(*column) else { continue };
            // CSV has no bytes; they are read as text and decoded.
            let kind = if is_binary(kind) || is_read_as_text(kind) { DataType::Utf8 } else { kind.clone() };
            *field = Arc::new(Field::new(field.name(), kind, true));
        }
        let path = self.path.clone();
        let done = Arc::new(AtomicU64::new(0));
        let input = Counted { inner: open(&path)?, done: done.clone() };
        let mut builder = ReaderBuilder::new(Arc::new(Schema::new(all)))
            .with_header(true)
            .with_delimiter(delimiter)
            .with_batch_size(BATCH_ROWS);
        if !self.null.is_empty() {
            builder = builder.with_null_regex(exactly(&self.null)?);
        }
        let reader = builder.build(input).map_err(|e| bad_csv(&path, &e))?;
        let (columns, types) = (columns.to_vec(), types.to_vec());
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|e| bad_csv(&path, &e))?.project(&columns)?;
            Ok((decoded(&batch, &types, &path)?, done.load(Ordering::Relaxed)))
        })))
    }
}

/// Whether values of CSV for a column of this type stay text, for the engine to read.
pub fn is_read_as_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(..) | DataType::Time64(_) | DataType::Timestamp(_, Some(_)))
        || kind.is_nested()
}

/// A reader that counts what it has given.
struct Counted {
    inner: File,
    done: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| failure::file("read", path, &e))?;
    let is_dir = file.metadata().is_ok_and(|m| m.is_dir());
    if is_dir {
        return Err(Error::invalid(format!("cannot read {}: it is a directory", path.display())));
    }
    Ok(file)
}

fn options() -> ArrowReaderOptions {
    ArrowReaderOptions::new()
}

fn every(schema: &Schema, kind: &DataType) -> Schema {
    let fields = schema.fields().iter().map(|f| Field::new(f.name(), kind.clone(), true));
    Schema::new(fields.collect::<Vec<_>>())
}

fn exactly(text: &str) -> Result<Regex> {
    Regex::new(&format!("^{}$", regex::escape(text)))
        .map_err(|e| Error::invalid(format!("--null {text:?} is too long: {e}")))
}

/// The batch with hexadecimal text turned into bytes where `types` wants bytes.
fn decoded(batch: &RecordBatch, types: &[DataType], path: &Path) -> Result<RecordBatch> {
    if !types.iter().any(is_binary) {
        return Ok(batch.clone());
    }
    let schema = batch.schema();
    let mut fields = Vec::with_capacity(types.len());
    let mut columns = Vec::with_capacity(types.len());
    for ((field, column), kind) in schema.fields().iter().zip(batch.columns()).zip(types) {
        let text = column.as_any().downcast_ref::<StringArray>().filter(|_| is_binary(kind));
        let column: ArrayRef = match text {
            Some(text) => bytes_of(text).map_err(|bad| {
                Error::invalid(format!(
                    "{}: column {} holds {bad:?}, which is not hexadecimal digits in pairs",
                    path.display(),
                    field.name()
                ))
            })?,
            None => column.clone(),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// The bytes that hexadecimal texts stand for, with or without PostgreSQL's `\x` before them.
fn bytes_of(texts: &StringArray) -> Result<ArrayRef, String> {
    let mut out = BinaryBuilder::with_capacity(texts.len(), texts.values().len() / 2);
    for text in texts {
        match text {
            Some(text) => {
                let digits = text.strip_prefix("\\x").unwrap_or(text);
                out.append_value(unhex(digits).ok_or_else(|| text.to_owned())?);
            }
            None => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        })
        .collect()
}

fn not_parquet(path: &Path, e: &parquet::errors::ParquetError) -> Error {
    Error::invalid(format!("cannot read {} as Parquet: {e}", path.display()))
}

fn bad_csv(path: &Path, e: &ArrowError) -> Error {
    let text = match e {
        ArrowError::CsvError(m) | ArrowError::ParseError(m) => m.clone(),
        other => other.to_string(),
    };
    // The reader repeats the whole row, which can be of any length.
    let text = text.split(". Row data:").next().unwrap_or_default();
    Error::invalid(format!("{}: {text}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_reads_with_and_without_prefix() {
        assert_eq!(unhex("00fF"), Some(vec![0, 255]));
        assert_eq!(unhex(""), Some(Vec::new()));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
        assert!(bytes_of(&StringArray::from(vec![Some("\\x0a"), None])).is_ok());
        assert_eq!(bytes_of(&StringArray::from(vec!["0"])).err(), Some("0".to_owned()));
    }

    #[test]
    fn the_kind_of_a_file_goes_by_its_extension() {
        assert_eq!(FileKind::of(Path::new("a/B.PARQUET")).ok(), Some(FileKind::Parquet));
        assert_eq!(FileKind::of(Path::new("a.tsv")).ok(), Some(FileKind::Csv(b'\t')));
        assert!(FileKind::of(Path::new("parquet")).is_err());
    }
}
