//! Row 8: a flush, against writing the same batch as Parquet with the same properties and syncing it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use firndb_core::Engine;
use firndb_tests::setting;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::Size;
use crate::data::{DDL, Order, batch, batch_directory, insert, keys, open};
use crate::report::{Report, Target};

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let ids = keys(size.rows, Order::Ascending);
    let rows = with_seq(&batch(&ids));
    let (mut fresh, mut over, mut raw) = (Vec::new(), Vec::new(), Vec::new());
    let mut compression = Compression::UNCOMPRESSED;
    for repetition in 0..size.repetitions {
        let store = dir.join(format!("store{repetition}"));
        let engine = open(&store, setting::flush_by_command()).await;
        engine.session().execute(DDL).await.expect("the table is made");
        insert(&engine, &ids).await;
        fresh.push(flush(&engine, size.rows).await);
        compression = written_compression(&batch_directory(&store));
        raw.push(raw_write(&dir.join("raw.parquet"), &rows, compression));
        engine.session().execute("UPDATE t SET a = a + 1").await.expect("an update of every row");
        over.push(flush(&engine, size.rows).await);
        raw.push(raw_write(&dir.join("raw.parquet"), &rows, compression));
        engine.close().await.expect("a close");
        drop(engine);
        std::fs::remove_dir_all(&store).expect("the store is removed");
    }
    let peer = "ArrowWriter, same properties, fsync";
    report.line("flush into an empty table", peer, &mut fresh, &mut raw.clone(), Target::RateAtLeast(0.5));
    report.line("flush into a table with all keys", peer, &mut over, &mut raw, Target::RateAtLeast(0.25));
    report.note(format!("both compress with {compression}"));
}

async fn flush(engine: &Engine, rows: usize) -> Duration {
    let start = Instant::now();
    let reports = engine.flush_all().await.expect("a flush");
    let time = start.elapsed();
    assert_eq!(reports.iter().map(|r| r.rows).sum::<u64>(), rows as u64, "everything is flushed");
    time
}

/// The rows as a batch file has them: `_seq` first.
fn with_seq(rows: &RecordBatch) -> RecordBatch {
    let seq =
        Arc::new(Int64Array::from_iter_values((0..rows.num_rows() as i64).map(|n| (n << 3) + (1 << 60))));
    let mut fields = vec![Arc::new(Field::new("_seq", DataType::Int64, false))];
    fields.extend(rows.schema().fields().iter().cloned());
    let columns: Vec<ArrayRef> = [vec![seq as ArrayRef], rows.columns().to_vec()].concat();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

/// What the batch files are compressed with.
fn written_compression(directory: &Path) -> Compression {
    let entries = std::fs::read_dir(directory).expect("a directory of ours");
    let mut paths = entries.map(|e| e.expect("an entry").path());
    let file = paths.find(|p| p.extension().is_some_and(|e| e == "parquet")).expect("a batch file");
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("it opens")).expect("a footer");
    // The second column is the first that is not `_seq`.
    reader.metadata().row_group(0).column(1).compression()
}

/// Writes `rows` as a batch file is written, and syncs it.
fn raw_write(path: &Path, rows: &RecordBatch, compression: Compression) -> Duration {
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(128 * 1024))
        .set_data_page_row_count_limit(4 * 1024)
        .set_data_page_size_limit(256 * 1024)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_column_bloom_filter_fpp(ColumnPath::from("id"), 0.001)
        .set_column_bloom_filter_max_ndv(ColumnPath::from("id"), 128 * 1024);
    for key in ["_seq", "id"] {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(key), false)
            .set_column_encoding(ColumnPath::from(key), Encoding::DELTA_BINARY_PACKED);
    }
    let start = Instant::now();
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties.build())).expect("a writer");
    writer.write(rows).expect("rows are written");
    let file = writer.into_inner().expect("an end");
    file.sync_all().expect("a sync");
    start.elapsed()
}
