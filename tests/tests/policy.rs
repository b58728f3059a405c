//! Flushes that nobody commands: a table's policy by rows, bytes and age.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::{Config, Engine, Session};
use firndb_tests::ask::{ask, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};

async fn with_policy(lasting: &Lasting, config: Config, policy: &str) -> (Engine, Session) {
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    let mut session = engine.session();
    let ddl =
        format!("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT) WITH (FLUSH_POLICY = '{policy}')");
    ask(&mut session, &ddl).await;
    (engine, session)
}

async fn insert(session: &mut Session, ids: std::ops::Range<i32>) {
    let rows: Vec<String> = ids.map(|id| format!("({id}, 'row {id}')")).collect();
    ask(session, &format!("INSERT INTO t VALUES {}", rows.join(", "))).await;
}

#[tokio::test]
async fn so_many_rows_are_flushed_and_fewer_are_not() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_policy(&lasting, Config::default(), "rows:100").await;
    insert(&mut s, 0..99).await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 0);
    insert(&mut s, 99..100).await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
    // Versions count, not keys.
    for _ in 0..2 {
        ask(&mut s, "UPDATE t SET v = v || '!' WHERE id < 50").await;
    }
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 2);
    let found = ask(&mut s, "SELECT count(*), count(*) FILTER (WHERE v LIKE '%!!') FROM t").await;
    assert_eq!(found, ["100|50"]);
}

#[tokio::test]
async fn so_many_bytes_are_flushed() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_policy(&lasting, Config::default(), "bytes:100000").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'small')").await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 0);
    ask(&mut s, "INSERT INTO t VALUES (2, repeat('large', 30000))").await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
    assert_eq!(ask(&mut s, "SELECT id, length(v) FROM t ORDER BY id").await, ["1|5", "2|150000"]);
}

#[tokio::test]
async fn old_rows_are_flushed_if_they_are_worth_a_file() {
    let lasting = Lasting::new(1);
    let mut config = Config::default();
    config.flush.min_rows = 10;
    let (engine, mut s) = with_policy(&lasting, config, "interval:60").await;
    insert(&mut s, 0..10).await;
    lasting.clock().set_ms(START_MS + 59_000);
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 0, "they are not old enough");
    lasting.clock().set_ms(START_MS + 61_000);
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
    insert(&mut s, 10..15).await;
    lasting.clock().set_ms(START_MS + 300_000);
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1, "five rows are not worth a file");
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["15"]);
}

#[tokio::test]
async fn a_flush_by_policy_is_of_one_scope() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let ddl = "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT) WITH (FLUSH_POLICY = 'rows:10')";
    ask(&mut engine.session(), ddl).await;
    let (mut alice, mut bob) = (user(&engine, "alice").await, user(&engine, "bob").await);
    ask(&mut bob, "INSERT INTO u VALUES (1, 'bob')").await;
    ask(&mut alice, "INSERT INTO u SELECT v, 'alice' FROM generate_series(1, 10) AS g(v)").await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
    let flushed = engine.flush_all().await.unwrap();
    assert_eq!(flushed.iter().map(|f| f.scope.as_str()).collect::<Vec<_>>(), ["u-bob"]);
    assert_eq!(ask(&mut alice, "SELECT count(*) FROM u").await, ["10"]);
    assert_eq!(ask(&mut bob, "SELECT * FROM u").await, ["1|bob"]);
}

#[tokio::test]
async fn an_open_snapshot_holds_a_flush_by_policy_back_and_the_work_ends() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_policy(&lasting, Config::default(), "rows:10").await;
    let mut old = engine.session();
    ask(&mut old, "BEGIN").await;
    ask(&mut old, "SELECT count(*) FROM t").await;
    insert(&mut s, 0..100).await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 0, "the snapshot is older than all of it");
    ask(&mut old, "COMMIT").await;
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["100"]);
}

/// A file is made in memory, so large rows make more files and not a larger one.
#[tokio::test]
async fn a_batch_file_is_bounded_by_bytes_too() {
    let lasting = Lasting::new(1);
    let mut config = firndb_tests::setting::flush_by_command();
    config.batch_file.bytes = 1 << 20;
    let (engine, mut s) = with_policy(&lasting, config, "rows:1000000").await;
    ask(&mut s, "INSERT INTO t SELECT value, repeat('x', 100000) FROM generate_series(1, 50)").await;
    ask(&mut s, "DELETE FROM t WHERE id = 7").await;
    let reports = engine.flush_all().await.unwrap();
    assert_eq!(reports.iter().map(|r| r.rows).sum::<u64>(), 49);
    assert!(reports.iter().all(|r| (5..=10).contains(&r.files.len())), "{reports:?}");
    let found = ask(&mut s, "SELECT count(*), min(length(v)), max(length(v)), sum(id) FROM t").await;
    assert_eq!(found, ["49|100000|100000|1268"]);
}

/// A transaction that somebody forgot must not keep everything hot for ever.
#[tokio::test]
async fn an_idle_transaction_is_rolled_back_when_a_flush_would_wait_for_it() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_policy(&lasting, Config::default(), "rows:1000000").await;
    let minutes = |n: i64| lasting.clock().set_ms(START_MS + n * 60_000);
    let (mut forgotten, mut busy) = (engine.session(), engine.session());
    for session in [&mut forgotten, &mut busy] {
        ask(session, "BEGIN").await;
        ask(session, "SELECT count(*) FROM t").await;
    }
    ask(&mut forgotten, "INSERT INTO t VALUES (100, 'forgotten')").await;
    insert(&mut s, 0..10).await;
    minutes(4);
    ask(&mut busy, "SELECT count(*) FROM t").await;
    assert_eq!(engine.flush_all().await.unwrap(), []);
    minutes(6);
    // The forgotten one ends; the other still reads what it saw, so nothing newer is flushed.
    assert_eq!(engine.flush_all().await.unwrap(), []);
    assert_eq!(ask(&mut busy, "SELECT count(*) FROM t").await, ["0"]);
    ask(&mut busy, "COMMIT").await;
    assert_eq!(engine.flush_all().await.unwrap().len(), 1);
    let error = firndb_tests::ask::fail(&mut forgotten, "COMMIT").await;
    assert_eq!(error.kind(), firndb_core::ErrorKind::Conflict, "{error}");
    assert_eq!(ask(&mut forgotten, "SELECT count(*) FROM t").await, ["10"]);
}

/// Also one whose last statements failed or were refused: whoever gave up after an error is gone as well.
#[tokio::test]
async fn a_failed_transaction_that_nobody_ends_is_idle_too() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_policy(&lasting, Config::default(), "rows:1000000").await;
    let mut forgotten = engine.session();
    ask(&mut forgotten, "BEGIN").await;
    firndb_tests::ask::fail(&mut forgotten, "INSERT INTO t VALUES (NULL, 'no key')").await;
    firndb_tests::ask::fail(&mut forgotten, "SELECT 1").await;
    assert!(
        forgotten
            .insert_batches(
                "nowhere",
                vec![arrow::array::RecordBatch::new_empty(std::sync::Arc::new(
                    arrow::datatypes::Schema::empty()
                ),)]
            )
            .await
            .is_err()
    );
    insert(&mut s, 0..10).await;
    lasting.clock().set_ms(START_MS + 6 * 60_000);
    assert_eq!(engine.flush_all().await.unwrap().len(), 1);
    ask(&mut forgotten, "ROLLBACK").await;
}
