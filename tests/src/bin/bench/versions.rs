//! Row 11: a query by key, of keys with 1, 10 and 100 hot versions.

use std::path::Path;
use std::time::{Duration, Instant};

use firndb_core::Session;
use firndb_tests::setting;

use crate::Size;
use crate::data::{Order, keys, load, open};
use crate::report::{Report, Target};

/// How many keys have each number of versions.
const KEYS: usize = 100;
const VERSIONS: [usize; 3] = [1, 10, 100];

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let engine = open(dir, setting::flush_by_command()).await;
    load(&engine, &keys(size.rows, Order::Ascending), 10).await;
    let mut session = engine.session();
    // Keys with few and with many versions lie beside each other: id % 3 tells how many they have.
    for (kind, versions) in VERSIONS.into_iter().enumerate() {
        let update = format!("UPDATE t SET a = a + 1 WHERE id < {} AND id % 3 = {kind}", 3 * KEYS);
        for _ in 0..versions {
            session.execute(&update).await.expect("another version");
        }
    }
    let forms = [
        ("SELECT * by key", "SELECT * FROM t WHERE id = $1"),
        (
            "aggregate over a range of keys",
            "SELECT count(*), sum(a) FROM t WHERE id BETWEEN $1 AND $1 AND f >= 0",
        ),
    ];
    for (what, sql) in forms {
        let mut times: Vec<Vec<Duration>> = vec![Vec::new(); VERSIONS.len()];
        for repetition in 0..=size.repetitions {
            for (kind, times) in times.iter_mut().enumerate() {
                let time = look_up(&mut session, sql, kind, size.statements).await;
                if repetition > 0 {
                    times.push(time);
                }
            }
        }
        let Some((one, more)) = times.split_first_mut() else { continue };
        for (times, versions) in more.iter_mut().zip(VERSIONS.iter().skip(1)) {
            let what = format!("{what}, {versions} versions");
            report.line(&what, "1 version", times, one, Target::TimeAtMost(1.2));
        }
    }
    report.note(format!("times of {} statements each", size.statements));
    engine.close().await.expect("a close");
}

/// How long it takes to look up so many keys that have as many versions as `kind` says.
async fn look_up(session: &mut Session, sql: &str, kind: usize, statements: usize) -> Duration {
    let start = Instant::now();
    for statement in 0..statements {
        let key = (statement % KEYS * 3 + kind) as i64;
        session.query(sql, &[key.into()]).await.expect("a row");
    }
    start.elapsed()
}
