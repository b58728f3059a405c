//! `firndb export`: a table into one file by COPY.

use std::fs::{File, Permissions};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use firndb_core::storage::Files;
use firndb_core::{Engine, Result};
use firndb_storage_native::LocalFiles;
use tempfile::{Builder, NamedTempFile};

use crate::args::ExportArgs;
use crate::failure;
use crate::progress::spinner;
use crate::render::{counted, duration, size};
use crate::source::FileKind;
use crate::store;
use crate::target::TableName;

/// Runs the command.
pub async fn run(args: ExportArgs) -> failure::Outcome {
    let started = Instant::now();
    let table = TableName::parse(&args.table)?;
    let kind = FileKind::of(&args.file)?;
    let engine = store::open_existing(&args.store).await?;
    let written = export(&engine, &args, &table, kind).await;
    let closed = engine.close().await;
    let (rows, bytes) = written.map_err(|e| e.context(format!("writing {}", args.file.display())))?;
    closed?;
    let (rows, bytes, took) = (counted(rows, "row", "rows"), size(bytes), duration(started.elapsed()));
    eprintln!("{}: {rows}, {bytes}, in {took}", args.file.display());
    Ok(ExitCode::SUCCESS)
}

/// Writes the rows, as they are read; how many, and their bytes.
async fn export(engine: &Engine, args: &ExportArgs, table: &TableName, kind: FileKind) -> Result<(u64, u64)> {
    // Created first: a directory that cannot be written is found before the table is read.
    let files = LocalFiles::outside_of(&args.store.dir, args.store.blobs.as_deref())?;
    let mut sink = files.create(&args.file.to_string_lossy()).await?;
    let mut session = store::session(engine, &args.who)?;
    let options = kind.options(&args.csv.null);
    let sql = format!("COPY {} TO STDOUT ({options})", table.sql());
    let mut rows = session.copy_to(&sql, &[]).await.map_err(failure::without_place)?;
    let working = spinner(format!("writing {}", args.file.display()));
    let mut bytes = 0;
    while let Some(piece) = rows.next().await? {
        bytes += piece.len() as u64;
        sink.write(piece).await?;
        working.set_message(format!("{}: {}", args.file.display(), counted(rows.rows(), "row", "rows")));
    }
    sink.complete().await?;
    working.finish_and_clear();
    Ok((rows.rows(), bytes))
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
