//! `firndb check` and `firndb recover`: damage found, and a lost key-value store rebuilt.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use firndb_core::{CancelToken, Engine, ErrorKind};

use crate::args::{CheckArgs, RecoverArgs};
use crate::failure::{self, output};
use crate::progress::{Unit, bar, spinner};
use crate::render::{counted, duration, size};
use crate::store;

/// The exit status of a check or a backup that found damage, or a recovery that found a problem.
pub const DAMAGED: u8 = 1;

/// Runs `firndb check`: the findings on standard output, one a line.
pub async fn check(args: CheckArgs) -> failure::Outcome {
    let started = Instant::now();
    let findings = match store::open_existing(&args.store).await {
        Ok(engine) => {
            let working = bar(0, Unit::Bytes, "checking");
            let mut show = |done: u64, total: u64| {
                working.set_length(total);
                working.set_position(done);
            };
            let checked = engine.check_with(&CancelToken::new(), &mut show).await;
            working.finish_and_clear();
            let closed = engine.close().await;
            let report = checked?;
            closed?;
            report.notes.iter().for_each(|note| eprintln!("note: {note}"));
            if args.verbose {
                report.verified.iter().for_each(|file| eprintln!("as written: {file}"));
            }
            eprintln!(
                "read {}, {} of {} with {}, {}",
                counted(report.scopes, "scope", "scopes"),
                counted(report.files, "file", "files"),
                size(report.bytes),
                counted(report.rows, "row", "rows"),
                counted(report.blocks, "hot block", "hot blocks")
            );
            if report.orphans > 0 {
                let orphans = counted(report.orphans, "orphan", "orphans");
                eprintln!("{orphans} of {}", size(report.orphan_bytes));
            }
            report.findings
        }
        // What is too damaged to be opened is damaged.
        Err(e) if e.kind() == ErrorKind::Corrupt => vec![e.to_string()],
        Err(e) => return Err(e.into()),
    };
    let mut out = io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}").map_err(output)?;
    }
    let took = duration(started.elapsed());
    if findings.is_empty() {
        eprintln!("{}: no damage found in {took}", args.store.dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let found = counted(findings.len() as u64, "finding", "findings");
    eprintln!("{}: {found} in {took}", args.store.dir.display());
    Ok(ExitCode::from(DAMAGED))
}

/// Runs `firndb recover`: says what came back.
pub async fn recover(args: RecoverArgs) -> failure::Outcome {
    let started = Instant::now();
    let (stores, config) = store::existing(&args.store)?;
    let working = spinner("recovering");
    let report = if args.force {
        Engine::recover_with_older_manifests(stores, config).await
    } else {
        Engine::recover(stores, config).await
    };
    working.finish_and_clear();
    let report = report?;
    writeln!(io::stdout(), "{}", report.to_string().trim_end()).map_err(output)?;
    let dir = args.store.dir.display();
    let took = duration(started.elapsed());
    if report.problems.is_empty() {
        eprintln!("{dir}: recovered in {took}");
        return Ok(ExitCode::SUCCESS);
    }
    let problems = counted(report.problems.len() as u64, "problem", "problems");
    eprintln!("{dir}: recovered in {took}, with {problems}");
    Ok(ExitCode::from(DAMAGED))
}
