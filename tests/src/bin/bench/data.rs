//! The table every benchmark works on, made from the number of the row alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use firndb_core::{Config, Engine};

/// Rows handed over at a time.
const CHUNK: usize = 100_000;

/// Its definition in FirnDB.
pub const DDL: &str =
    "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, g INTEGER, a BIGINT, f DOUBLE PRECISION, s TEXT)";

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The key.
    pub id: i64,
    /// One of a hundred groups.
    pub g: i32,
    /// A number below 2^40.
    pub a: i64,
    /// A number from 0 to 1.
    pub f: f64,
    /// One of ten thousand texts.
    pub s: String,
}

/// The row with key `id`.
pub fn row(id: i64) -> Row {
    // SplitMix64's last steps: well spread, and the same everywhere.
    let mut z = id.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    let a = (z >> 24).cast_signed();
    Row { id, g: (a % 100) as i32, a, f: a as f64 / (1u64 << 40) as f64, s: format!("name {}", a % 10_000) }
}

/// The columns of the table.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("g", DataType::Int32, true),
        Field::new("a", DataType::Int64, true),
        Field::new("f", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
    ]))
}

/// The rows with these keys, in their order.
pub fn batch(ids: &[i64]) -> RecordBatch {
    let rows: Vec<Row> = ids.iter().map(|id| row(*id)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.id))),
        Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.g))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.a))),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.f))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.s))),
    ];
    RecordBatch::try_new(schema(), columns).expect("columns of one length")
}

/// How keys follow each other as they are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Ascending: every file has a range of its own.
    Ascending,
    /// Shuffled: every file spans all keys.
    Shuffled,
}

/// The keys `0..rows` in `order`.
pub fn keys(rows: usize, order: Order) -> Vec<i64> {
    let mut keys: Vec<i64> = (0..rows as i64).collect();
    if order == Order::Shuffled {
        use rand::SeedableRng;
        use rand::seq::SliceRandom;
        keys.shuffle(&mut rand::rngs::StdRng::seed_from_u64(7));
    }
    keys
}

/// An engine on RocksDB and files in `dir`.
pub async fn open(dir: &Path, config: Config) -> Engine {
    let stores = firndb_storage_native::open(dir, None).expect("stores open");
    Engine::open(stores, config).await.expect("an empty store opens")
}

/// Inserts the rows with these keys, still hot afterwards.
pub async fn insert(engine: &Engine, ids: &[i64]) {
    let mut session = engine.session();
    for chunk in ids.chunks(CHUNK) {
        session.insert_batches("t", vec![batch(chunk)]).await.expect("rows go in");
    }
}

/// Inserts the rows with these keys and flushes them into `files` files.
pub async fn load(engine: &Engine, ids: &[i64], files: usize) {
    engine.session().execute(DDL).await.expect("the table is made");
    for part in ids.chunks(ids.len().div_ceil(files)) {
        insert(engine, part).await;
        engine.flush_all().await.expect("a flush");
    }
}

/// The directory with the batch files of the one table under `dir`.
pub fn batch_directory(dir: &Path) -> PathBuf {
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).expect("a directory of ours") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "parquet") {
                return dir;
            }
        }
    }
    panic!("no batch file under {}", dir.display());
}
