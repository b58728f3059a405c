//! `firndb backup`: a copy of a store, while others write to it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use crate::args::BackupArgs;
use crate::check::DAMAGED;
use crate::failure::{self, output};
use crate::progress::{Unit, bar};
use crate::render::{counted, duration, size};

/// Runs the command: damage on standard output, a line each.
pub async fn run(args: BackupArgs) -> failure::Outcome {
    let started = Instant::now();
    let (dir, blobs) = (&args.dir, args.blobs.as_deref());
    let bar = bar(0, Unit::Bytes, format!("copying {}", dir.display()));
    let mut show = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let copied = firndb_storage_native::backup(dir, blobs, &args.target, &mut show).await;
    bar.finish_and_clear();
    let report = copied?;
    let mut out = io::stdout().lock();
    for finding in &report.damage {
        writeln!(out, "{finding}").map_err(output)?;
    }
    let target = args.target.display();
    let files = counted(report.files, "file", "files");
    let took = duration(started.elapsed());
    eprintln!("{target}: backup of {} with {files}, {}, in {took}", dir.display(), size(report.bytes));
    if report.damage.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let found = counted(report.damage.len() as u64, "finding", "findings");
    eprintln!("{target}: {found}: the store was damaged before, and its backup is too");
    Ok(ExitCode::from(DAMAGED))
}
