//! Rows as bytes: CSV, JSON lines or Parquet.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::catalog::ColumnType;
use crate::copy::options::{CopyOptions, Format, Header};
use crate::error::{Error, Result, quoted, sql_type};
use crate::values::array;

/// Rows of a row group: they are in memory until it is full.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Makes bytes of rows.
pub struct Writer {
    form: Form,
    schema: SchemaRef,
    out: Vec<u8>,
}

enum Form {
    Csv(Signs),
    Json,
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    /// Ended.
    Over,
}

struct Signs {
    delimiter: char,
    quote: char,
    escape: char,
    null: String,
}

impl Writer {
    /// A writer of rows of `schema`; the options have a format.
    ///
    /// # Errors
    /// `Unsupported` for a column whose type the format does not have.
    pub fn new(schema: SchemaRef, options: &CopyOptions) -> Result<Self> {
        let mut out = Vec::new();
        let form = match options.format {
            Some(Format::Csv) => {
                let signs = Signs {
                    delimiter: options.delimiter().into(),
                    quote: options.quote().into(),
                    escape: options.escape().into(),
                    null: options.null().to_owned(),
                };
                if options.header != Header::Absent {
                    let mut line = String::new();
                    for (n, field) in schema.fields().iter().enumerate() {
                        signs.put(&mut line, n, Some(field.name()));
                    }
                    line.push('\n');
                    out.extend_from_slice(line.as_bytes());
                }
                Form::Csv(signs)
            }
            Some(Format::Json) => Form::Json,
            Some(Format::Parquet) => {
                let level = ZstdLevel::try_new(1)?;
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(level))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .build();
                check_parquet(&schema)?;
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties));
                Form::Parquet(Box::new(writer.map_err(unwritten)?))
            }
            None => return Err(Error::internal("a COPY without a format")),
        };
        Ok(Self { form, schema, out })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `Internal` when they cannot be written as they are.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.form {
            Form::Csv(signs) => write_csv(signs, batch, &mut self.out),
            Form::Json => {
                for row in json_rows(&self.schema, batch)? {
                    self.out.extend_from_slice(row?.as_bytes());
                    self.out.push(b'\n');
                }
                Ok(())
            }
            Form::Parquet(writer) => {
                writer.write(batch).map_err(unwritten)?;
                drain(writer, &mut self.out)
            }
            Form::Over => Err(Error::internal("rows behind the end of a file")),
        }
    }

    /// Ends the file; what is left of it can then be taken.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(&mut self) -> Result<()> {
        if let Form::Parquet(mut writer) = std::mem::replace(&mut self.form, Form::Over) {
            writer.finish().map_err(unwritten)?;
            drain(&mut writer, &mut self.out)?;
        }
        Ok(())
    }

    /// How many bytes can be taken.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.out.len()
    }

    /// The bytes that there are since the last time.
    #[must_use]
    pub fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }
}

/// Refuses columns whose type is none of Parquet's. Which those are says the library alone, and some only when
/// it is given a value, so that it is given one of each.
fn check_parquet(schema: &SchemaRef) -> Result<()> {
    for field in schema.fields() {
        let one = Arc::new(Schema::new(vec![field.as_ref().clone().with_nullable(true)]));
        let value = new_null_array(field.data_type(), 1);
        let batch = RecordBatch::try_new(Arc::clone(&one), vec![value])?;
        let written = ArrowWriter::try_new(Vec::new(), one, None).and_then(|mut w| w.write(&batch));
        if written.is_err() {
            return Err(Error::unsupported(format!(
                "column {} is of type {}, which Parquet files do not have",
                quoted(field.name()),
                sql_type(field.data_type())
            ))
            .with_hint("write it as text: CAST(… AS TEXT)"));
        }
    }
    Ok(())
}

/// What could not be written was wrong before it was bytes.
fn unwritten(e: ParquetError) -> Error {
    match e {
        ParquetError::NYI(what) => Error::unsupported(format!("Parquet: {what}")),
        other => Error::internal("a Parquet file cannot be written").with_source(other),
    }
}

fn drain(writer: &mut ArrowWriter<Vec<u8>>, out: &mut Vec<u8>) -> Result<()> {
    writer.sync().map_err(|e| Error::internal("a Parquet file cannot be written").with_source(e))?;
    out.append(writer.inner_mut());
    Ok(())
}

impl Signs {
    /// Adds the `n`-th value of a line, from 0.
    fn put(&self, line: &mut String, n: usize, value: Option<&str>) {
        if n > 0 {
            line.push(self.delimiter);
        }
        let Some(value) = value else {
            line.push_str(&self.null);
            return;
        };
        let special = |c: char| c == self.delimiter || c == self.quote || c == '\n' || c == '\r';
        if value != self.null && !value.is_empty() && !value.contains(special) {
            line.push_str(value);
            return;
        }
        line.push(self.quote);
        for c in value.chars() {
            if c == self.quote || c == self.escape {
                line.push(self.escape);
            }
            line.push(c);
        }
        line.push(self.quote);
    }
}

fn write_csv(signs: &Signs, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
    let columns = batch.columns().iter().map(Texts::of).collect::<Result<Vec<_>>>()?;
    let (mut line, mut text) = (String::new(), String::new());
    for row in 0..batch.num_rows() {
        line.clear();
        for (n, column) in columns.iter().enumerate() {
            text.clear();
            let there = column.put(row, &mut text)?;
            signs.put(&mut line, n, there.then_some(text.as_str()));
        }
        line.push('\n');
        out.extend_from_slice(line.as_bytes());
    }
    Ok(())
}

/// The values of a column as the text that is read as them.
struct Texts<'a> {
    values: &'a ArrayRef,
    formatter: ArrayFormatter<'a>,
}

impl<'a> Texts<'a> {
    fn of(values: &'a ArrayRef) -> Result<Self> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        Ok(Self { values, formatter: ArrayFormatter::try_new(values.as_ref(), &OPTIONS)? })
    }

    /// Adds the value of `row` to `text`; `false` for NULL.
    fn put(&self, row: usize, text: &mut String) -> Result<bool> {
        // An array of nothing but NULLs does not say so of each.
        if self.values.is_null(row) || *self.values.data_type() == DataType::Null {
            return Ok(false);
        }
        match self.values.data_type() {
            DataType::List(_) => text.push_str(&list_text(&self.values.as_list::<i32>().value(row))?),
            kind => {
                if matches!(
                    kind,
                    DataType::Binary
                        | DataType::LargeBinary
                        | DataType::BinaryView
                        | DataType::FixedSizeBinary(_)
                ) {
                    text.push_str("\\x");
                }
                write!(text, "{}", self.formatter.value(row))
                    .map_err(|_| Error::from(ArrowError::CastError("a value has no text".to_owned())))?;
            }
        }
        Ok(true)
    }
}

/// The text of an array of these elements.
fn list_text(elements: &ArrayRef) -> Result<String> {
    let texts = Texts::of(elements)?;
    let elements = (0..elements.len()).map(|row| {
        let mut text = String::new();
        Ok(texts.put(row, &mut text)?.then_some(text))
    });
    Ok(array::write(&elements.collect::<Result<Vec<_>>>()?))
}

/// One row as a JSON object.
///
/// # Errors
/// `Internal` for a value without a text.
pub fn json_row(schema: &SchemaRef, batch: &RecordBatch, row: usize) -> Result<String> {
    let one = batch.slice(row, 1);
    json_rows(schema, &one)?.next().unwrap_or_else(|| Ok(String::new()))
}

/// The rows of `batch` as JSON objects, as COPY writes them; the columns are those of `schema`.
///
/// # Errors
/// `Internal` for a value without a text.
pub fn json_rows<'a>(
    schema: &'a SchemaRef,
    batch: &'a RecordBatch,
) -> Result<impl Iterator<Item = Result<String>> + use<'a>> {
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, values)| {
        let name = serde_json::to_string(field.name()).map_err(|e| Error::internal(e.to_string()))?;
        Ok((name, Texts::of(values)?, JsonForm::of(field)))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok((0..batch.num_rows()).map(move |row| {
        let mut object = String::from("{");
        for (n, (name, texts, form)) in columns.iter().enumerate() {
            if n > 0 {
                object.push(',');
            }
            object.push_str(name);
            object.push(':');
            form.put(texts, row, &mut object)?;
        }
        object.push('}');
        Ok(object)
    }))
}

/// How values of a type are written in JSON.
enum JsonForm {
    /// As their text is: numbers, booleans.
    Plain,
    /// As its text is, on one line.
    Json,
    /// As an array of elements of this form.
    List(Box<Self>),
    /// As a string.
    Text,
}

impl JsonForm {
    fn of(field: &Field) -> Self {
        if ColumnType::of_field(field) == Some(ColumnType::Json) {
            return Self::Json;
        }
        match field.data_type() {
            DataType::Boolean => Self::Plain,
            kind if kind.is_numeric() => Self::Plain,
            DataType::List(element) => Self::List(Box::new(Self::of(element))),
            _ => Self::Text,
        }
    }

    fn put(&self, texts: &Texts<'_>, row: usize, out: &mut String) -> Result<()> {
        if let (Self::List(form), DataType::List(_), false) =
            (self, texts.values.data_type(), texts.values.is_null(row))
        {
            let elements = texts.values.as_list::<i32>().value(row);
            let texts = Texts::of(&elements)?;
            out.push('[');
            for element in 0..elements.len() {
                if element > 0 {
                    out.push(',');
                }
                form.put(&texts, element, out)?;
            }
            out.push(']');
            return Ok(());
        }
        let mut text = String::new();
        if !texts.put(row, &mut text)? {
            out.push_str("null");
            return Ok(());
        }
        match self {
            // There is no NaN and no infinity in JSON.
            Self::Plain if !text.ends_with(['N', 'f']) => out.push_str(&text),
            // Line ends are only between the parts of a JSON text.
            Self::Json => out.extend(text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c })),
            _ => out.push_str(&serde_json::to_string(&text).map_err(|e| Error::internal(e.to_string()))?),
        }
        Ok(())
    }
}
