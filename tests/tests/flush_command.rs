//! Flushes by command while others read.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine};
use firndb_tests::ask::{ask, run};

/// A view of the store that looks again and again made every other flush by command do nothing: its queries read as of
/// before what was to be flushed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_a_moment_do_not_make_a_flush_do_nothing() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, "CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t SELECT value, 'old' FROM generate_series(1, 20000) AS g(value)").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut reader = engine.session();
    let reading = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            while !stop.load(Ordering::Relaxed) {
                ask(&mut reader, "SELECT count(*), max(v) FROM t WHERE length(v) > 2").await;
            }
        }
    });
    let mut writer = engine.session();
    for round in 0..20 {
        ask(&mut writer, &format!("INSERT INTO t VALUES ({}, 'new')", 30_000 + round)).await;
        let command = if round % 2 == 0 { "STORAGE FLUSH TABLE t" } else { "STORAGE FLUSH ALL" };
        assert_eq!(ask(&mut writer, command).await.len(), 1, "round {round}");
        let hot = ask(&mut writer, "SELECT hot_versions FROM system.scopes WHERE table_name = 't'").await;
        assert_eq!(hot, ["0"], "round {round}");
    }
    stop.store(true, Ordering::Relaxed);
    reading.await.unwrap();
}

/// A transaction would be waited for in vain: it is for whoever began it to end it.
#[tokio::test]
async fn a_transaction_is_not_waited_for() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, "CREATE TABLE t (id BIGINT PRIMARY KEY)").await;
    let mut reader = engine.session();
    ask(&mut reader, "BEGIN; SELECT * FROM t").await;
    run(&engine, "INSERT INTO t VALUES (1)").await;
    let begin = std::time::Instant::now();
    assert_eq!(run(&engine, "STORAGE FLUSH TABLE t").await, Vec::<String>::new());
    assert!(begin.elapsed().as_millis() < 500, "{:?}", begin.elapsed());
    ask(&mut reader, "COMMIT").await;
    assert_eq!(run(&engine, "STORAGE FLUSH TABLE t").await.len(), 1);
}
