//! Rows 1 and 2: scan and aggregate a cold table, of whose rows 1 % have newer versions that are hot, or 5 % are
//! behind deletion vectors, against DataFusion on the same Parquet files.

use std::path::Path;
use std::time::Instant;

use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use firndb_core::{Engine, Outcome};
use firndb_tests::setting;

use crate::Size;
use crate::data::{Order, batch_directory, keys, load, open};
use crate::report::{Report, Target};

const QUERIES: [(&str, &str); 3] = [
    ("GROUP BY over all rows", "SELECT g, count(*), sum(a), avg(f), min(s) FROM t GROUP BY g"),
    ("aggregate without groups", "SELECT count(*), sum(a), avg(f) FROM t"),
    ("filter on a column", "SELECT count(*), sum(a) FROM t WHERE f < 0.1 AND g <> 7"),
];

/// Row 1: newer versions are hot.
pub async fn overlay(size: &Size, dir: &Path, report: &mut Report) {
    let engine = open(dir, setting::flush_by_command()).await;
    load(&engine, &keys(size.rows, Order::Ascending), 10).await;
    let update = "UPDATE t SET a = a + 1 WHERE id % 100 = 7";
    engine.session().execute(update).await.expect("an update of one row in 100");
    compare(&engine, size, dir, report, Target::TimeAtMost(1.05)).await;
    report.note("10 files; 1 % of their rows have newer versions that are hot");
    engine.close().await.expect("a close");
}

/// Row 2: rows are behind deletion vectors.
pub async fn run(size: &Size, dir: &Path, report: &mut Report) {
    let engine = open(dir, setting::flush_by_command()).await;
    load(&engine, &keys(size.rows, Order::Ascending), 10).await;
    let update = "UPDATE t SET a = a + 1 WHERE id % 20 = 7";
    engine.session().execute(update).await.expect("an update of one row in 20");
    engine.flush_all().await.expect("a flush");
    compare(&engine, size, dir, report, Target::TimeAtMost(1.10)).await;
    report.note("10 files of all rows and one of the updated 5 %");
    report.note("the peer reads the hidden rows too and counts them as rows: it has no deletion vectors");
    engine.close().await.expect("a close");
}

async fn compare(engine: &Engine, size: &Size, dir: &Path, report: &mut Report, target: Target) {
    let mut session = engine.session();
    let counted = session.query("SELECT count(*) FROM t", &[]).await.expect("a count");
    assert_eq!(firndb_tests::ask::lines(&counted), [size.rows.to_string()], "rows were lost or shown twice");

    let partitions = setting::flush_by_command().execution.partitions;
    let peer = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions));
    let files = batch_directory(dir);
    let path = files.to_str().expect("a path of text");
    peer.register_parquet("t", path, ParquetReadOptions::default()).await.expect("the files can be read");

    for (what, sql) in QUERIES {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // The first of each warms what can be warmed, and does not count.
        for repetition in 0..=size.repetitions {
            let start = Instant::now();
            let outcome = session.query(sql, &[]).await.expect("our query");
            let our_time = start.elapsed();
            assert!(matches!(outcome, Outcome::Rows { .. }));
            let start = Instant::now();
            peer.sql(sql).await.expect("the peer's plan").collect().await.expect("the peer's query");
            let peer_time = start.elapsed();
            if repetition > 0 {
                ours.push(our_time);
                theirs.push(peer_time);
            }
        }
        report.line(what, "DataFusion, same files", &mut ours, &mut theirs, target);
    }
    report.note(format!("{partitions} partitions each"));
}
