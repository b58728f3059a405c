//! Row 10: the changes after a `_seq`, half of them hot and half cold, of a table whose other files end before it.

use std::path::Path;
use std::time::{Duration, Instant};

use firndb_core::{Outcome, Session};
use firndb_tests::ask::lines;
use firndb_tests::scanned::Scanned;
use firndb_tests::setting;

use crate::Size;
use crate::data::{Order, keys, load, open};
use crate::report::{Report, Target};

/// How many files the table has before the changes.
const FILES: usize = 20;
/// What a query for the changes may take.
const LIMIT: Duration = Duration::from_millis(50);

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let changes = if size.tiny { 100 } else { 10_000 };
    let engine = open(dir, setting::flush_by_command()).await;
    load(&engine, &keys(size.rows, Order::Shuffled), FILES).await;
    let mut session = engine.session();
    let since = one(&mut session, "SELECT max(_seq) FROM t").await;
    let apart = size.rows / changes;
    let change = |rest: usize| format!("UPDATE t SET a = a + 1 WHERE id % {} = {}", 2 * apart, rest * apart);
    session.execute(&change(0)).await.expect("changes that become cold");
    engine.flush_all().await.expect("a flush");
    session.execute(&change(1)).await.expect("changes that stay hot");

    let rows = format!("SELECT * FROM t WHERE _seq > {since}");
    let with_deleted = format!("SELECT *, _seq, _deleted FROM t WHERE _seq > {since}");
    let scanned = Scanned::of(&mut session, "main.t", &rows, &[]).await;
    let read = scanned.get("files_read");
    assert!(read <= 1, "{read} files are read for changes that are in one");
    report.note(format!("{read} of {} files are read", scanned.get("files_total")));
    for (what, sql) in [("10 k changes after a _seq", &rows), ("the same with _deleted", &with_deleted)] {
        let mut times = Vec::new();
        for repetition in 0..=size.repetitions {
            let start = Instant::now();
            let outcome = session.query(sql, &[]).await.expect("the changes");
            let time = start.elapsed();
            let found: usize = match outcome {
                Outcome::Rows { batches, .. } => batches.iter().map(|batch| batch.num_rows()).sum(),
                _ => 0,
            };
            assert!(found.abs_diff(changes) <= changes / 100 + 2, "{found} of {changes} changes");
            if repetition > 0 {
                times.push(time);
            }
        }
        report.line(what, "50 ms", &mut times, &mut [LIMIT], Target::TimeAtMost(1.0));
    }
    engine.close().await.expect("a close");
}

async fn one(session: &mut Session, sql: &str) -> String {
    lines(&session.query(sql, &[]).await.expect("a query")).concat()
}
