//! A COPY of many rows in no order: how long it takes, and how much memory at its highest.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use firndb_core::storage::Source;
use firndb_core::{Config, Outcome};
use futures::StreamExt;
use futures::stream;

use crate::Size;
use crate::data::{DDL, open, row};
use crate::report::Report;

/// Rows of a piece of CSV.
const PIECE: u64 = 10_000;

/// Goes round the keys of any table in scattered order: a prime, and more than a table has rows.
const STEP: u64 = 2_147_483_647;

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let rows = size.rows as u64;
    let engine = open(&dir.join("copy"), Config::default()).await;
    let mut session = engine.session();
    session.execute(DDL).await.expect("the table is made");
    let before = memory();
    let start = Instant::now();
    let pieces = stream::iter((0..rows).step_by(PIECE as usize)).map(move |from| Ok(piece(rows, from)));
    let source = Source::stream("rows.csv", pieces.boxed());
    let copied = session.copy_from("COPY t FROM STDIN", source).await.expect("the rows go in");
    let took = start.elapsed();
    let after = memory();
    assert_eq!(copied.rows, rows);
    let counted = session.query("SELECT count(*), count(DISTINCT id) FROM t WHERE id < 1000", &[]).await;
    assert!(matches!(counted, Ok(Outcome::Rows { .. })));
    report.note(format!(
        "{rows} rows of CSV in {:.1} s, {:.0} rows/s",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64()
    ));
    report.note(format!("resident memory at its highest: {after} MiB, {before} MiB before"));
    engine.close().await.expect("a close");
}

fn piece(rows: u64, from: u64) -> Bytes {
    let mut text = String::new();
    for n in from..rows.min(from + PIECE) {
        let r = row(i64::try_from(n * STEP % rows).expect("few rows"));
        writeln!(text, "{},{},{},{},{}", r.id, r.g, r.a, r.f, r.s).expect("a string takes text");
    }
    text.into()
}

/// The most memory that the process had, in MiB; 0 where the system does not say.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
