//! `firndb export`: a table into one file.

use std::fs::{File, Permissions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use firndb_core::{Error, Outcome, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::{Builder, NamedTempFile};

use crate::args::ExportArgs;
use crate::failure;
use crate::progress::{Unit, bar, spinner};
use crate::render::{counted, csv, duration, size};
use crate::source::FileKind;
use crate::store;
use crate::target::TableName;

/// Runs the command.
pub async fn run(args: ExportArgs) -> failure::Outcome {
    let started = Instant::now();
    let table = TableName::parse(&args.table)?;
    let kind = FileKind::of(&args.file)?;
    // Created first: a directory that cannot be written is found before the table is read.
    let temporary = temporary(&args.file)?;
    let engine = store::open_existing(&args.store).await?;
    let rows = {
        let mut session = store::session(&engine, &args.who)?;
        let working = spinner(format!("reading {}", table.sql()));
        let read = session.query(&format!("SELECT * FROM {}", table.sql()), &[]).await;
        working.finish_and_clear();
        read
    };
    let closed = engine.close().await;
    let Outcome::Rows { schema, batches } = rows? else {
        return Err(Error::internal("a SELECT returned no rows").into());
    };
    closed?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    write(&temporary, kind, &args.csv.null, &schema, &batches)
        .map_err(|e| e.context(format!("writing {}", args.file.display())))?;
    let bytes = publish(temporary, &args.file)?;
    let (rows, bytes, took) = (counted(rows, "row", "rows"), size(bytes), duration(started.elapsed()));
    eprintln!("{}: {rows}, {bytes}, in {took}", args.file.display());
    Ok(ExitCode::SUCCESS)
}

/// A file beside `path`, which goes away unless it is published.
pub fn temporary(path: &Path) -> Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".firndb-export-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: for everyone, less what the umask takes away.
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory(path)).map_err(|e| failure::file("write", path, &e))
}

/// Gives the finished file its name, and the name durability; returns its size.
pub fn publish(temporary: NamedTempFile, path: &Path) -> Result<u64> {
    let failed = |e: std::io::Error| failure::file("write", path, &e);
    temporary.as_file().sync_all().map_err(failed)?;
    let file = temporary.persist(path).map_err(|e| failed(e.error))?;
    let bytes = file.metadata().map_err(failed)?.len();
    File::open(directory(path)).and_then(|d| d.sync_all()).map_err(failed)?;
    Ok(bytes)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write(
    to: &NamedTempFile,
    kind: FileKind,
    null: &str,
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> Result<()> {
    let out = BufWriter::new(to.as_file());
    match kind {
        FileKind::Parquet => write_parquet(out, schema, batches),
        FileKind::Csv(delimiter) => {
            let style = WriterBuilder::new().with_delimiter(delimiter).with_null(null.to_owned());
            csv(out, schema, batches, style).map_err(|e| match e {
                ArrowError::IoError(m, e) => Error::unavailable(m).with_source(e),
                other => other.into(),
            })
        }
    }
}

fn write_parquet(out: impl Write + Send, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<()> {
    let failed = |e: parquet::errors::ParquetError| Error::unavailable(format!("Parquet: {e}"));
    let level = ZstdLevel::try_new(1).map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failed)?;
    let total = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    let bar = bar(total, Unit::Rows, "writing");
    for batch in batches {
        writer.write(batch).map_err(failed)?;
        bar.inc(batch.num_rows() as u64);
    }
    writer.close().map_err(failed)?;
    bar.finish_and_clear();
    Ok(())
}
