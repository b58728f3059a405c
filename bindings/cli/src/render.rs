//! Printing what statements return.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use console::Term;
use firndb_core::{Error, Outcome, array_text, json_rows};

use crate::args::Format;
use crate::failure::{Failure, output};
use crate::grid::{Column, boxed};

/// Prints rows on standard output in one format; what else there is to say goes to standard error.
pub struct Printer {
    format: Format,
    quiet: bool,
    width: Option<usize>,
    out: BufWriter<Stdout>,
    results: usize,
}

impl Printer {
    /// A printer for `format`. `quiet` leaves out what each statement did.
    pub fn new(format: Format, quiet: bool) -> Self {
        let quiet = quiet || format != Format::Table;
        Self { format, quiet, width: terminal_width(), out: BufWriter::new(io::stdout()), results: 0 }
    }

    /// Prints what one statement returned.
    pub fn print(&mut self, outcome: &Outcome, started: Instant) -> Result<(), Failure> {
        match outcome {
            Outcome::Rows { schema, batches } => {
                self.rows(schema, batches)?;
                self.results += 1;
                let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
                self.say(&counted(rows, "row", "rows"), started);
            }
            Outcome::Affected(rows) => {
                self.say(&format!("{} affected", counted(*rows, "row", "rows")), started)
            }
            Outcome::Done(what) => self.say(what, started),
        }
        Ok(())
    }

    /// Says on standard error what a statement did that began at `started`, in the format for people only.
    fn say(&self, what: &str, started: Instant) {
        if !self.quiet {
            eprintln!("{what} ({})", duration(started.elapsed()));
        }
    }

    fn rows(&mut self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<(), Failure> {
        // Several CSV results are told apart by an empty line; JSON needs nothing.
        if self.format == Format::Csv && self.results > 0 {
            writeln!(self.out).map_err(output)?;
        }
        let written = match self.format {
            Format::Table => {
                let text = if is_plan(schema) { plan(batches)? } else { table(schema, batches, self.width)? };
                return writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(output);
            }
            Format::Csv => csv(&mut self.out, schema, batches, CsvBuilder::new()),
            Format::Json => json(&mut self.out, schema, batches),
            Format::Jsonl => jsonl(&mut self.out, schema, batches),
        };
        written.map_err(writing)?;
        self.out.flush().map_err(output)
    }
}

/// Whether a result is what EXPLAIN answers: parts of a plan and their text.
pub fn is_plan(schema: &Schema) -> bool {
    schema.fields().iter().map(|f| f.name().as_str()).eq(["plan_type", "plan"])
}

/// A plan as it is to be read: long lines, which no box would hold, under the names of its parts.
pub fn plan(batches: &[RecordBatch]) -> Result<String, Error> {
    let parts = cells(batches)?.into_iter().map(|part| {
        let text = part.last().map(|t| t.trim_end().replace('\n', "\n  ")).unwrap_or_default();
        format!("{}\n  {text}", part.first().map(String::as_str).unwrap_or_default())
    });
    Ok(parts.collect::<Vec<_>>().join("\n"))
}

/// The rows of one result as a box, cut to `width` columns if there is one.
pub fn table(schema: &Schema, batches: &[RecordBatch], width: Option<usize>) -> Result<String, Error> {
    Ok(boxed(&columns_of(schema), cells(batches)?, width))
}

/// The columns of a result; numbers stand right.
pub fn columns_of(schema: &Schema) -> Vec<Column> {
    let column = |f: &arrow::datatypes::FieldRef| Column {
        title: f.name().clone(),
        right: f.data_type().is_numeric(),
    };
    schema.fields().iter().map(column).collect()
}

/// The rows of a result as text, NULL as `NULL`.
pub fn cells(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, Error> {
    let options = FormatOptions::default()
        .with_null("NULL")
        .with_display_error(true)
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        rows.extend((0..batch.num_rows()).map(|r| columns.iter().map(|c| c.value(r).to_string()).collect()));
    }
    Ok(rows)
}

/// A header line and the rows, as CSV in the style of `builder`.
pub fn csv(
    out: impl Write,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    builder: CsvBuilder,
) -> Result<(), ArrowError> {
    let flat = batches.iter().map(with_arrays_as_text).collect::<Result<Vec<_>, _>>()?;
    let (schema, batches) = match flat.first() {
        Some(first) => (first.schema(), flat),
        None => (with_arrays_as_text(&RecordBatch::new_empty(schema.clone()))?.schema(), flat),
    };
    let nested = schema.fields().iter().find(|f| f.data_type().is_nested());
    if let Some(field) = nested {
        let (name, kind) = (field.name(), field.data_type());
        return Err(ArrowError::InvalidArgumentError(format!(
            "CSV has no form for column {name} of type {kind}"
        )));
    }
    let mut writer = builder.with_header(true).build(out);
    if batches.is_empty() {
        // The writer takes the header from the first batch it sees.
        writer.write(&RecordBatch::new_empty(schema))?;
    }
    batches.iter().try_for_each(|b| writer.write(b))
}

/// The rows with arrays as `{1,2}`, which an import reads.
fn with_arrays_as_text(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_array =
        |kind: &DataType| matches!(kind, DataType::List(element) if !element.data_type().is_nested());
    if !batch.schema_ref().fields().iter().any(|f| is_array(f.data_type())) {
        return Ok(batch.clone());
    }
    let options = FormatOptions::default();
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let column: ArrayRef = match column.as_list_opt::<i32>().filter(|_| is_array(field.data_type())) {
            None => column.clone(),
            Some(lists) => {
                let texts = lists.iter().map(|list| {
                    let Some(list) = list else { return Ok(None) };
                    let shown = ArrayFormatter::try_new(list.as_ref(), &options)?;
                    let texts =
                        (0..list.len()).map(|at| list.is_valid(at).then(|| shown.value(at).to_string()));
                    Ok(Some(array_text(&texts.collect::<Vec<_>>())))
                });
                Arc::new(texts.collect::<Result<StringArray, ArrowError>>()?)
            }
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// One array of objects.
///
/// # Errors
/// What writing reports, and of a value that has no form in JSON.
pub fn json(out: &mut impl Write, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<(), ArrowError> {
    let mut between = "";
    out.write_all(b"[")?;
    objects(schema, batches, |object| {
        out.write_all(between.as_bytes())?;
        between = ",";
        out.write_all(object.as_bytes())
    })?;
    out.write_all(b"]\n")?;
    Ok(())
}

/// An object a line.
///
/// # Errors
/// As [`json`].
pub fn jsonl(out: &mut impl Write, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<(), ArrowError> {
    objects(schema, batches, |object| writeln!(out, "{object}"))
}

/// Gives each row to `put` as COPY writes it to a file.
fn objects(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    mut put: impl FnMut(&str) -> io::Result<()>,
) -> Result<(), ArrowError> {
    let unwritten = |e: Error| ArrowError::ExternalError(Box::new(e));
    for batch in batches {
        for object in json_rows(schema, batch).map_err(unwritten)? {
            put(&object.map_err(unwritten)?)?;
        }
    }
    Ok(())
}

/// What a failed write of rows means: the pipe, or a value that has no form in the format.
fn writing(e: ArrowError) -> Failure {
    match e {
        ArrowError::IoError(_, e) => output(e),
        ArrowError::CsvError(m) if m.contains("Broken pipe") => Failure::OutputClosed,
        other => Failure::Engine(other.into()),
    }
}

/// The columns of the terminal on standard output, if it is one.
pub fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Term::stdout().size_checked().map(|(_, columns)| usize::from(columns)).filter(|c| *c > 0)
}

/// `n` with its noun, as in `1 row` and `2,000 rows`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `n` with a comma between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `bytes` in a unit that keeps it short: powers of 1000.
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in units {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A duration in a unit that keeps it short.
pub fn duration(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    match ms {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.1} s", ms / 1000.0),
        _ => format!("{} min {:02} s", took.as_secs() / 60, took.as_secs() % 60),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    fn sample() -> (SchemaRef, Vec<RecordBatch>) {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("body", DataType::Utf8, true),
        ]));
        let ids = Arc::new(Int64Array::from(vec![1, 2]));
        let bodies = Arc::new(StringArray::from(vec![Some("a,\"b\""), None]));
        let batch = RecordBatch::try_new(schema.clone(), vec![ids, bodies]).expect("columns fit the schema");
        (schema, vec![batch])
    }

    fn text(write: impl FnOnce(&mut Vec<u8>) -> Result<(), ArrowError>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("writing to memory");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn machine_formats_are_what_other_tools_read() {
        let (schema, batches) = sample();
        assert_eq!(
            text(|o| csv(o, &schema, &batches, CsvBuilder::new())),
            "id,body\n1,\"a,\"\"b\"\"\"\n2,\n"
        );
        assert_eq!(text(|o| csv(o, &schema, &[], CsvBuilder::new())), "id,body\n");
        assert_eq!(
            text(|o| json(o, &schema, &batches)),
            "[{\"id\":1,\"body\":\"a,\\\"b\\\"\"},{\"id\":2,\"body\":null}]\n"
        );
        assert_eq!(text(|o| json(o, &schema, &[])), "[]\n");
        assert_eq!(
            text(|o| jsonl(o, &schema, &batches)),
            "{\"id\":1,\"body\":\"a,\\\"b\\\"\"}\n{\"id\":2,\"body\":null}\n"
        );
        assert_eq!(text(|o| jsonl(o, &schema, &[])), "");
    }

    #[test]
    fn null_is_shown() {
        let (schema, batches) = sample();
        let text = table(&schema, &batches, None).expect("a table");
        assert!(text.contains("│  2 ┆ NULL"), "{text}");
    }

    #[test]
    fn figures_stay_short() {
        let sizes =
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_600, "1.0 MB"), (13_493_022, "13 MB")];
        for (bytes, expected) in sizes {
            assert_eq!(size(bytes), expected);
        }
        let durations = [(0.4, "0.4 ms"), (12.0, "12 ms"), (1500.0, "1.5 s"), (61_000.0, "1 min 01 s")];
        for (ms, expected) in durations {
            assert_eq!(duration(Duration::from_secs_f64(ms / 1000.0)), expected);
        }
        let groups = [(0, "0"), (999, "999"), (1000, "1,000"), (3_000_000, "3,000,000")];
        for (n, expected) in groups {
            assert_eq!(grouped(n), expected);
        }
    }
}
