//! Files of the command line: what they are, and the types of their columns.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::reader::infer_json_schema;
use firndb_core::{Error, Result};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use regex::Regex;

use crate::failure;
use crate::records::Records;

/// What the extension of a file says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Parquet.
    Parquet,
    /// Values separated by this byte.
    Csv(u8),
    /// A JSON object a line.
    Json,
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
            "json" | "jsonl" | "ndjson" => Ok(Self::Json),
            other => Err(Error::unsupported(format!(
                "{}: the format goes by the extension, which must be .parquet, .csv, .tsv, .json, .jsonl or .ndjson, \
                 not {other:?}",
                path.display()
            ))),
        }
    }

    /// The options of COPY for such a file, with the text that is NULL in CSV.
    pub fn options(self, null: &str) -> String {
        match self {
            Self::Parquet => "FORMAT parquet".to_owned(),
            Self::Json => "FORMAT json".to_owned(),
            Self::Csv(delimiter) => {
                let (delimiter, null) = (text(&char::from(delimiter).to_string()), text(null));
                format!("FORMAT csv, HEADER, DELIMITER {delimiter}, NULL {null}")
            }
        }
    }
}

/// `text` as SQL has it.
pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The columns of a file with types: as the file says, or as all of its values allow.
///
/// # Errors
/// `NotFound`, `PermissionDenied`; `InvalidInput` when it is not what its extension says.
pub fn typed_schema(path: &Path, kind: FileKind, null: &str) -> Result<SchemaRef> {
    let file = File::open(path).map_err(|e| failure::file("read", path, &e))?;
    let schema = match kind {
        FileKind::Parquet => {
            let meta = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
            let meta =
                meta.map_err(|e| Error::invalid(format!("cannot read {} as Parquet: {e}", path.display())))?;
            meta.schema().as_ref().clone()
        }
        FileKind::Csv(delimiter) => {
            let format = Format::default().with_header(true).with_delimiter(delimiter);
            let format = if null.is_empty() { format } else { format.with_null_regex(exactly(null)?) };
            // What is wrong with a record, COPY says, which reads it next.
            match format.infer_schema(file, None) {
                Ok((schema, _)) => schema,
                Err(_) => {
                    let records = Records::of_csv(reopened(path)?, delimiter);
                    format.infer_schema(records, None).map_err(|e| unreadable(path, &e))?.0
                }
            }
        }
        FileKind::Json => match infer_json_schema(BufReader::new(file), None) {
            Ok((schema, _)) => schema,
            Err(_) => {
                let records = BufReader::new(Records::of_json(reopened(path)?));
                infer_json_schema(records, None).map_err(|e| unreadable(path, &e))?.0
            }
        },
    };
    if schema.fields().is_empty() {
        return Err(Error::invalid(format!("{} has no columns", path.display())));
    }
    if kind == FileKind::Parquet {
        return Ok(Arc::new(schema));
    }
    // A column of nothing but NULLs can become anything; text is what loses nothing.
    let fields = schema.fields().iter().map(|f| match f.data_type() {
        DataType::Null => Field::new(f.name(), DataType::Utf8, true),
        other => Field::new(f.name(), other.clone(), true),
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn reopened(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| failure::file("read", path, &e))
}

fn exactly(text: &str) -> Result<Regex> {
    Regex::new(&format!("^{}$", regex::escape(text)))
        .map_err(|e| Error::invalid(format!("--null {text:?} is too long: {e}")))
}

fn unreadable(path: &Path, e: &ArrowError) -> Error {
    let text = match e {
        ArrowError::CsvError(m) | ArrowError::JsonError(m) | ArrowError::ParseError(m) => m.clone(),
        other => other.to_string(),
    };
    // The reader repeats the whole row, which can be of any length.
    let text = text.split(". Row data:").next().unwrap_or_default();
    Error::invalid(format!("{}: its columns cannot be told from its rows: {text}", path.display()))
        .with_hint("CREATE the table, then import without --create: each bad row is told with its line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_goes_by_its_extension() {
        assert_eq!(FileKind::of(Path::new("a/B.PARQUET")).ok(), Some(FileKind::Parquet));
        assert_eq!(FileKind::of(Path::new("a.tsv")).ok(), Some(FileKind::Csv(b'\t')));
        assert_eq!(FileKind::of(Path::new("a.ndjson")).ok(), Some(FileKind::Json));
        assert!(FileKind::of(Path::new("parquet")).is_err());
    }

    #[test]
    fn options_are_those_of_copy() {
        let options = FileKind::Csv(b';').options("it's");
        assert_eq!(options, "FORMAT csv, HEADER, DELIMITER ';', NULL 'it''s'");
    }
}
