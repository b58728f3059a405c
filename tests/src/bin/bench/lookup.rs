//! Row 4: look a row up by its primary key, warm, in a table of many files, against SQLite and DuckDB.

use std::path::Path;
use std::time::{Duration, Instant};

use datafusion::common::ScalarValue;
use firndb_core::{Engine, Session};
use firndb_tests::setting;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;

use crate::Size;
use crate::data::{Order, keys, load, open, row};
use crate::duckdb::DuckDb;
use crate::report::{Report, Target};

const SQL: &str = "SELECT id, g, a, f, s FROM t WHERE id = $1";

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let sqlite = sqlite(&dir.join("peer.sqlite"), size.rows);
    let mut duckdb = DuckDb::start(&dir.join("peer.duckdb"), size);
    match &duckdb {
        Ok(peer) => report.version("DuckDB", peer.version()),
        Err(why) => report.note(format!("DuckDB is missing: {why}")),
    }
    for (order, what) in
        [(Order::Ascending, "keys in order"), (Order::Shuffled, "keys shuffled over all files")]
    {
        let engine = open(&dir.join(format!("{order:?}")), setting::flush_by_command()).await;
        load(&engine, &keys(size.rows, order), size.files).await;
        let mut session = engine.session();
        let mut statement = sqlite.prepare(SQL).expect("a statement of SQLite");
        let mut rng = StdRng::seed_from_u64(11);
        let (mut ours, mut theirs, mut ducks) = (Vec::new(), Vec::new(), Vec::new());
        for repetition in 0..=size.repetitions {
            let ids: Vec<i64> = (0..size.statements).map(|_| rng.random_range(0..size.rows as i64)).collect();
            let start = Instant::now();
            for id in &ids {
                let found = session.query(SQL, &[ScalarValue::Int64(Some(*id))]).await.expect("a lookup");
                assert_eq!(firndb_tests::render::rows(&found).len(), 1, "row {id}");
            }
            let our_time = start.elapsed();
            let start = Instant::now();
            for id in &ids {
                let a: i64 = statement.query_row([id], |row| row.get(2)).expect("a row of SQLite");
                assert_eq!(a, row(*id).a);
            }
            let peer_time = start.elapsed();
            let duck_time = duckdb.as_mut().ok().map(|d| d.lookups(&ids));
            if repetition > 0 {
                let each = |time: Duration| time / u32::try_from(size.statements).expect("few statements");
                ours.push(each(our_time));
                theirs.push(each(peer_time));
                ducks.extend(duck_time.map(each));
            }
        }
        let files = size.files;
        let read = read_per_lookup(&engine, &mut session, size).await;
        report.note(format!("{what}: {read}"));
        report.line(
            &format!("one row, {files} files, {what}"),
            "SQLite file",
            &mut ours,
            &mut theirs,
            Target::TimeAtMost(1.0),
        );
        report.line(
            &format!("one row, {files} files, {what}"),
            "DuckDB file",
            &mut ours,
            &mut ducks,
            Target::TimeAtMost(1.0),
        );
        engine.close().await.expect("a close");
    }
    report.note("DuckDB is called from Python, whose share of a call is some microseconds");
}

/// What lookups of keys not sought before open and read, each on average.
async fn read_per_lookup(engine: &Engine, session: &mut Session, size: &Size) -> String {
    let mut rng = StdRng::seed_from_u64(13);
    let ids: Vec<i64> = (0..size.statements).map(|_| rng.random_range(0..size.rows as i64)).collect();
    let before = (engine.stats().files_opened, bytes_read());
    for id in &ids {
        session.query(SQL, &[ScalarValue::Int64(Some(*id))]).await.expect("a lookup");
    }
    let files = engine.stats().files_opened - before.0;
    let bytes = bytes_read().zip(before.1).map(|(after, before)| after.saturating_sub(before));
    let each = |count: u64| count as f64 / ids.len() as f64;
    let bytes = bytes.map(|bytes| format!(", {:.1} KiB read", each(bytes) / 1024.0)).unwrap_or_default();
    format!("{:.2} files opened{bytes} per lookup", each(files))
}

/// What this process has read of files so far, where the system tells it.
fn bytes_read() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("rchar:"))?.trim().parse().ok()
}

fn sqlite(path: &Path, rows: usize) -> Connection {
    let mut connection = Connection::open(path).expect("a file of SQLite");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; \
             CREATE TABLE t (id INTEGER PRIMARY KEY, g INTEGER, a INTEGER, f REAL, s TEXT)",
        )
        .expect("a table of SQLite");
    let transaction = connection.transaction().expect("a transaction");
    {
        let mut insert = transaction.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)").expect("an insert");
        for id in 0..rows as i64 {
            let r = row(id);
            insert.execute((r.id, r.g, r.a, r.f, r.s)).expect("a row");
        }
    }
    transaction.commit().expect("a commit");
    connection
}
