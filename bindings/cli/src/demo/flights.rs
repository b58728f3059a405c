//! The flights of the demo: a real Parquet file, or a small set made up on the spot.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use firndb_core::{Error, Result};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::failure;

/// Rows of a batch as it is read.
const BATCH_ROWS: usize = 65_536;

/// Flights as they come.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Flights that are made up when there is no file.
const MADE_UP: u64 = 60_000;

/// The columns of the table behind its key, and of the file.
const COLUMNS: [(&str, DataType); 5] = [
    ("date", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("delay", DataType::Int64),
    ("distance", DataType::Int64),
    ("origin", DataType::Utf8),
    ("destination", DataType::Utf8),
];

/// Where the flights come from.
#[derive(Debug)]
pub struct Flights {
    file: Option<PathBuf>,
    /// How many there are.
    pub total: u64,
}

impl Flights {
    /// The first `rows` flights of `file`, or of a made-up set.
    ///
    /// # Errors
    /// `NotFound` and `InvalidInput` for a file that is not there or has not the columns.
    pub fn open(file: Option<&Path>, rows: Option<u64>) -> Result<Self> {
        let all = match file {
            Some(path) => {
                let reader = open(path)?;
                columns_of(path, reader.schema())?;
                reader.metadata().file_metadata().num_rows().cast_unsigned()
            }
            None => MADE_UP,
        };
        Ok(Self { file: file.map(Path::to_owned), total: rows.map_or(all, |r| r.min(all)) })
    }

    /// What they are, in a few words.
    pub fn title(&self) -> String {
        match &self.file {
            Some(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                format!("flights of {}", name.to_string_lossy())
            }
            None => "made-up flights (--flights FILE takes real ones)".to_owned(),
        }
    }

    /// The flights, each with a running `id` from 1 before its columns.
    ///
    /// # Errors
    /// As [`Flights::open`].
    pub fn batches(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + use<>> {
        let rows: Batches = match &self.file {
            Some(path) => read(path)?,
            None => Box::new(made_up()),
        };
        let mut left = self.total;
        let mut next = 1;
        let schema = schema();
        Ok(rows.map_while(move |batch| {
            let taken = batch.map(|batch| {
                let rows = usize::try_from(left).unwrap_or(usize::MAX).min(batch.num_rows());
                left -= rows as u64;
                batch.slice(0, rows)
            });
            match taken {
                Ok(batch) if batch.num_rows() == 0 => None,
                taken => Some(taken.and_then(|batch| numbered(&schema, &batch, &mut next))),
            }
        }))
    }
}

fn schema() -> SchemaRef {
    let key = Field::new("id", DataType::Int64, false);
    let others = COLUMNS.map(|(name, kind)| Field::new(name, kind, true));
    Arc::new(Schema::new(std::iter::once(key).chain(others).collect::<Vec<_>>()))
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(|e| failure::file("read", path, &e))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| not_parquet(path, &e))
}

fn not_parquet(path: &Path, e: &parquet::errors::ParquetError) -> Error {
    Error::invalid(format!("cannot read {} as Parquet: {e}", path.display()))
}

/// The flights of a file, in the order of [`COLUMNS`].
fn read(path: &Path) -> Result<Batches> {
    let reader = open(path)?;
    let columns = columns_of(path, reader.schema())?;
    let mask = ProjectionMask::roots(reader.parquet_schema(), columns.iter().copied());
    let reader = reader.with_projection(mask).with_batch_size(BATCH_ROWS).build();
    let reader = reader.map_err(|e| not_parquet(path, &e))?;
    let mut order = columns.clone();
    order.sort_unstable();
    // The reader gives columns in the file's order.
    let places: Vec<_> = columns.iter().filter_map(|c| order.binary_search(c).ok()).collect();
    Ok(Box::new(reader.map(move |batch| Ok(batch?.project(&places)?))))
}

fn columns_of(path: &Path, schema: &Schema) -> Result<Vec<usize>> {
    let found = COLUMNS.iter().map(|(name, _)| schema.index_of(name));
    found.collect::<Result<_, _>>().map_err(|_| {
        let wanted = COLUMNS.map(|(name, _)| name).join(", ");
        Error::invalid(format!("{} has not the columns {wanted}", path.display()))
    })
}

/// The batch with the table's types and the next ids.
fn numbered(schema: &SchemaRef, batch: &RecordBatch, next: &mut i64) -> Result<RecordBatch> {
    let first = *next;
    *next += i64::try_from(batch.num_rows()).unwrap_or_default();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first..*next));
    let others = batch.columns().iter().zip(schema.fields().iter().skip(1));
    let others = others.map(|(column, field)| cast(column, field.data_type()));
    let columns = std::iter::once(Ok(ids)).chain(others).collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Flights that look like real ones: hubs are busy, most leave on time, a few records are misprints.
fn made_up() -> impl Iterator<Item = Result<RecordBatch>> + Send {
    const AIRPORTS: [&str; 12] =
        ["ORD", "DFW", "ATL", "LAX", "PHX", "DEN", "SFO", "LAS", "SEA", "BOS", "SLC", "ANC"];
    /// 2001-01-01T00:00:00Z.
    const START: i64 = 978_307_200_000_000;
    const MINUTE: i64 = 60_000_000;
    let mut random = Random(2001);
    let mut flight = move |at: u64| {
        // The lesser of two draws: the first airports are the busiest.
        let from = random.below(12).min(random.below(12));
        let to = (from + 1 + random.below(11)) % 12;
        let delay = match random.below(1000) {
            0 => -(random.below(900) + 100),
            1..=60 => 60 + random.below(180),
            61..=300 => random.below(60),
            _ => random.below(20) - 12,
        };
        let date = START + i64::try_from(at).unwrap_or_default() * 4 * MINUTE;
        (date, delay, 200 + random.below(2300), airport(&AIRPORTS, from), airport(&AIRPORTS, to))
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let rows = (MADE_UP - at).min(BATCH_ROWS as u64 / 16);
        let flights: Vec<_> = (at..at + rows).map(&mut flight).collect();
        at += rows;
        (rows > 0).then(|| {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(flights.iter().map(|f| Some(f.0)).collect::<TimestampMicrosecondArray>()),
                Arc::new(flights.iter().map(|f| Some(f.1)).collect::<Int64Array>()),
                Arc::new(flights.iter().map(|f| Some(f.2)).collect::<Int64Array>()),
                Arc::new(flights.iter().map(|f| Some(f.3)).collect::<StringArray>()),
                Arc::new(flights.iter().map(|f| Some(f.4)).collect::<StringArray>()),
            ];
            let fields = COLUMNS.map(|(name, kind)| Field::new(name, kind, true));
            Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns)?)
        })
    })
}

fn airport(all: &[&'static str], at: i64) -> &'static str {
    usize::try_from(at).ok().and_then(|at| all.get(at)).copied().unwrap_or("ANC")
}

/// The 64-bit generator of Knuth's MMIX: the same flights on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % limit).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_flights_are_numbered_and_as_many_as_wanted() {
        for (rows, expected) in [(None, MADE_UP), (Some(5000), 5000)] {
            let flights = Flights::open(None, rows).expect("made up");
            let batches: Vec<_> =
                flights.batches().expect("made up").collect::<Result<_>>().expect("made up");
            let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!((total as u64, flights.total), (expected, expected));
            let last = batches.last().expect("a batch").column(0).clone();
            let last = last.as_any().downcast_ref::<Int64Array>().expect("ids");
            assert_eq!(last.value(last.len() - 1).cast_unsigned(), expected);
        }
    }
}
