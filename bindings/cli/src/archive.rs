//! `firndb dump` and `firndb load`: a whole store as one file, and a store of it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use crate::args::{DumpArgs, LoadArgs};
use crate::export::{publish, temporary};
use crate::failure;
use crate::progress::spinner;
use crate::render::{duration, size};
use crate::store;

/// Runs `firndb dump`.
pub async fn dump(args: DumpArgs) -> failure::Outcome {
    let started = Instant::now();
    let temporary = temporary(&args.file)?;
    let engine = store::open_existing(&args.store).await?;
    let working = spinner(format!("writing {}", args.file.display()));
    let mut out = BufWriter::new(temporary.as_file());
    let dumped = engine.dump(&mut out).await;
    working.finish_and_clear();
    let flushed = out.flush();
    drop(out);
    let closed = engine.close().await;
    dumped?;
    flushed.map_err(|e| failure::file("write", &args.file, &e))?;
    closed?;
    let bytes = publish(temporary, &args.file)?;
    eprintln!("{}: {}, in {}", args.file.display(), size(bytes), duration(started.elapsed()));
    Ok(ExitCode::SUCCESS)
}

/// Runs `firndb load`.
pub async fn load(args: LoadArgs) -> failure::Outcome {
    let started = Instant::now();
    let file = File::open(&args.file).map_err(|e| failure::file("read", &args.file, &e))?;
    let dir = &args.store.dir;
    let config = store::config(Some(dir), &args.store.settings)?;
    let blobs = args.store.blobs.as_deref();
    let working = spinner(format!("loading {}", args.file.display()));
    let loaded = firndb_storage_native::load(dir, blobs, config, &mut BufReader::new(file)).await;
    working.finish_and_clear();
    loaded.map_err(|e| e.context(format!("loading {}", args.file.display())))?;
    eprintln!("{}: loaded from {} in {}", dir.display(), args.file.display(), duration(started.elapsed()));
    Ok(ExitCode::SUCCESS)
}
