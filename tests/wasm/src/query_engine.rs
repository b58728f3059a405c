//! What `core` needs of its libraries, without `core`: a query over Arrow memory, and Parquet through a C library.

use std::error::Error;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use bytes::Bytes;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions_aggregate::{count::count_udaf, sum::sum_udaf};
use datafusion::prelude::{SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// A query planned and executed by DataFusion, on a session state that is built from parts: what is not
/// named is dropped by the linker.
pub async fn group_and_aggregate() -> Result<String, Box<dyn Error>> {
    // The operating system's directory for temporary files, the default, panics here.
    let no_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(no_disk).build_arc()?;
    let state = SessionStateBuilder::new()
        // More than one partition would have DataFusion spawn tasks.
        .with_config(SessionConfig::new().with_target_partitions(1))
        .with_runtime_env(runtime)
        .with_aggregate_functions(vec![count_udaf(), sum_udaf()])
        .build();
    let context = SessionContext::new_with_state(state);
    let rows = rows()?;
    context.register_table("t", Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?))?;
    let query =
        "SELECT city, count(n) AS rows, sum(n) AS total FROM t WHERE n > 1 GROUP BY city ORDER BY city";
    let batches = context.sql(query).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

/// A Parquet file written to memory and read back, its pages compressed by zstd.
pub fn parquet_with_zstd() -> Result<String, Box<dyn Error>> {
    let written = rows()?;
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, written.schema(), Some(properties))?;
    writer.write(&written)?;
    writer.close()?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file))?.build()?;
    let read = reader.collect::<Result<Vec<_>, _>>()?;
    if read != [written] {
        return Err("the rows that were read are not those that were written".into());
    }
    Ok(format!("{} rows read as written", read.iter().map(RecordBatch::num_rows).sum::<usize>()))
}

fn rows() -> Result<RecordBatch, Box<dyn Error>> {
    let cities: ArrayRef = Arc::new(StringArray::from(vec!["Oslo", "Bern", "Oslo", "Bern", "Oslo", "Rome"]));
    let numbers: ArrayRef = Arc::new((1..=cities.len() as i64).map(Some).collect::<Int64Array>());
    Ok(RecordBatch::try_from_iter([("city", cities), ("n", numbers)])?)
}
