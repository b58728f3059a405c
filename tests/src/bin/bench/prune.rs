//! Row 9: leave out files by the manifest alone, of 10, 1,000, 10,000 and 100,000 files.
//!
//! A statement is planned, which prunes, and not run: its time less that over a table of one file is what the number
//! of files costs. The manifest is in memory, as it is from the second statement on.

use std::path::Path;
use std::time::{Duration, Instant};

use firndb_core::storage::Stores;
use firndb_core::{Engine, Session};
use firndb_tests::scanned::Scanned;
use firndb_tests::setting;

use crate::Size;
use crate::data::{DDL, batch};
use crate::report::{Report, Target};

/// What ten thousand files may cost.
const LIMIT: Duration = Duration::from_millis(5);

/// A predicate: what it is, its text for a table of so many rows, and how many of them it is about.
type Predicate = (&'static str, fn(usize) -> String, fn(usize) -> usize);
const PREDICATES: [Predicate; 4] = [
    ("a point of the key", |rows| format!("id BETWEEN {at} AND {at} AND a >= 0", at = rows / 2), |_| 1),
    (
        "a range of the key",
        |rows| format!("id >= {} AND id < {}", rows / 2, rows / 2 + rows / 100 + 1),
        |rows| rows / 100 + 1,
    ),
    ("a point of another column", |_| "a = 12345678 AND g >= 0".to_owned(), |_| 0),
    (
        "a list of a thousand keys",
        |rows| {
            let keys: Vec<String> = (0..1000).map(|i| (rows / 2 + i / 100).to_string()).collect();
            format!("id IN ({}) AND a + id >= {}", keys.join(", "), i64::MIN)
        },
        |rows| (rows - rows / 2).min(10),
    ),
];

/// Runs it.
pub async fn run(size: &Size, _: &Path, report: &mut Report) {
    let counts: &[usize] = if size.tiny { &[10, 100] } else { &[10, 1_000, 10_000, 100_000] };
    let mut alone = table(1).await;
    let mut last: Vec<Option<(usize, Vec<Duration>)>> = vec![None; PREDICATES.len()];
    for &files in counts {
        let mut table = table(files).await;
        for ((name, text, about), last) in PREDICATES.iter().zip(&mut last) {
            let (sql, sql_alone) = (select(&text(files)), select(&text(1)));
            skipped(&mut table, &sql, name, (files, about(files)), report).await;
            let (mut ours, mut rest) = (Vec::new(), Vec::new());
            for repetition in 0..=size.repetitions {
                let both = (time(&mut table, &sql, size).await, time(&mut alone, &sql_alone, size).await);
                // The first makes what later ones find made.
                if repetition > 0 {
                    ours.push(both.0);
                    rest.push(both.1);
                }
            }
            ours.sort_unstable();
            rest.sort_unstable();
            let middle = rest.get(rest.len() / 2).copied().unwrap_or_default();
            let mut cost: Vec<Duration> = ours.iter().map(|time| time.saturating_sub(middle)).collect();
            let what = format!("{name}, {files} files");
            if files == 10_000 {
                report.line(&what, "5 ms", &mut cost.clone(), &mut [LIMIT], Target::TimeAtMost(1.0));
            }
            if let Some((fewer, before)) = last {
                let growth = (files / *fewer) as f64;
                let peer = format!("{fewer} files");
                report.line(&what, &peer, &mut cost, before, Target::TimeAtMost(growth));
            }
            // Below this, what is measured is noise.
            let floor = Duration::from_micros(50);
            *last = Some((files, cost.into_iter().map(|time| time.max(floor)).collect()));
        }
    }
}

fn select(condition: &str) -> String {
    format!("EXPLAIN SELECT s FROM t WHERE {condition}")
}

/// A table of so many files of one row each.
async fn table(files: usize) -> Session {
    let mut config = setting::flush_by_command();
    config.batch_file.rows = 1;
    let engine = Engine::open(Stores::memory(), config).await.expect("an empty store opens");
    let mut session = engine.session();
    session.execute(DDL).await.expect("the table is made");
    let ids: Vec<i64> = (0..files as i64).collect();
    for ids in ids.chunks(20_000) {
        session.insert_batches("t", vec![batch(ids)]).await.expect("rows go in");
    }
    engine.flush_all().await.expect("a flush");
    session
}

/// How long one statement takes.
async fn time(session: &mut Session, sql: &str, size: &Size) -> Duration {
    let times = if size.tiny { 1 } else { 20 };
    let start = Instant::now();
    for _ in 0..times {
        session.query(sql, &[]).await.expect("a plan");
    }
    start.elapsed() / times
}

/// Notes how many files were left out, which has to be nine in ten of those that do not matter; each has one row.
async fn skipped(
    session: &mut Session,
    sql: &str,
    name: &str,
    (files, about): (usize, usize),
    report: &mut Report,
) {
    let sql = sql.trim_start_matches("EXPLAIN ");
    let scanned = Scanned::of(session, "main.t", sql, &[]).await;
    assert_eq!(scanned.get("files_total"), files as u64, "{name}");
    let left = scanned.get("files_read");
    report.note(format!("{name}: {left} of {files} files are left, {about} matter"));
    assert!(left <= (about + (files - about) / 10) as u64, "{name}: {left} of {files} files are left");
}
