//! Row 6: one row an INSERT, each acknowledged, against SQLite on the same disk.

use std::path::Path;
use std::time::Instant;

use datafusion::common::ScalarValue;
use firndb_core::Durability;
use firndb_tests::setting;
use rusqlite::Connection;

use crate::Size;
use crate::data::{DDL, open, row};
use crate::report::{Report, Target};

const SQL: &str = "INSERT INTO t (id, g, a, f, s) VALUES ($1, $2, $3, $4, $5)";

/// Runs it.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    for (durability, synchronous) in [(Durability::Strict, "FULL"), (Durability::Relaxed, "OFF")] {
        let name = format!("{durability:?}").to_lowercase();
        let engine = open(&dir.join(&name), setting::durability(durability)).await;
        engine.session().execute(DDL).await.expect("the table is made");
        let mut session = engine.session();
        let peer = sqlite(&dir.join(format!("{name}.sqlite")), synchronous);
        let mut statement = peer.prepare(SQL).expect("a statement of SQLite");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut next = 0;
        for repetition in 0..=size.repetitions {
            let rows: Vec<_> = (next..next + size.statements as i64).map(row).collect();
            next += size.statements as i64;
            let start = Instant::now();
            for r in &rows {
                let values = [
                    ScalarValue::Int64(Some(r.id)),
                    ScalarValue::Int32(Some(r.g)),
                    ScalarValue::Int64(Some(r.a)),
                    ScalarValue::Float64(Some(r.f)),
                    ScalarValue::Utf8(Some(r.s.clone())),
                ];
                session.query(SQL, &values).await.expect("an insert");
            }
            let our_time = start.elapsed();
            let start = Instant::now();
            for r in &rows {
                statement.execute((r.id, r.g, r.a, r.f, &r.s)).expect("an insert of SQLite");
            }
            let peer_time = start.elapsed();
            if repetition > 0 {
                let count = u32::try_from(size.statements).expect("few statements");
                ours.push(our_time / count);
                theirs.push(peer_time / count);
            }
        }
        let peer_name = format!("SQLite, WAL, synchronous = {synchronous}");
        report.line(&format!("one row, {name}"), &peer_name, &mut ours, &mut theirs, Target::TimeAtMost(1.0));
        engine.close().await.expect("a close");
    }
    report.note(format!("{} inserts a repetition, parameters, prepared in SQLite", size.statements));
}

fn sqlite(path: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(path).expect("a file of SQLite");
    let settings = format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};");
    connection.execute_batch(&settings).expect("settings of SQLite");
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, g INTEGER, a INTEGER, f REAL, s TEXT)";
    connection.execute_batch(table).expect("a table of SQLite");
    connection
}
