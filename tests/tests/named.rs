//! The promises of the two tiers, each by its name: what was deleted stays gone, what was updated stays
//! updated, whatever is flushed in between.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind, Session};
use firndb_tests::ask::{affected, ask, fail, user};
use firndb_tests::lasting::{Lasting, START_MS};
use firndb_tests::setting;

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(lasting: &Lasting) -> Engine {
    Engine::open(lasting.stores(), Config::default()).await.unwrap()
}

/// An engine with an empty table `t (id, v)`, and a session.
async fn with_table(lasting: &Lasting) -> (Engine, Session) {
    let engine = open(lasting).await;
    let mut session = engine.session();
    ask(&mut session, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    (engine, session)
}

async fn flush(engine: &Engine) {
    engine.flush_all().await.unwrap();
}

#[tokio::test]
async fn insert_flush_delete_insert_another_flush_deleted_row_stays_gone() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'one')").await;
    flush(&engine).await;
    assert_eq!(affected(&mut s, "DELETE FROM t WHERE id = 1").await, 1);
    ask(&mut s, "INSERT INTO t VALUES (2, 'two')").await;
    assert_eq!(ask(&mut s, "SELECT * FROM t").await, ["2|two"]);
    flush(&engine).await;
    assert_eq!(ask(&mut s, "SELECT * FROM t").await, ["2|two"]);
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t WHERE id = 1").await, ["0"]);
    flush(&engine).await;
    assert_eq!(ask(&mut s, "SELECT * FROM t").await, ["2|two"]);
    drop(s);
    engine.close().await.unwrap();

    let engine = open(&lasting).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT * FROM t").await, ["2|two"]);
    assert_eq!(affected(&mut s, "DELETE FROM t WHERE id = 1").await, 0);
    // The key is free, and the row that takes it is the only one.
    ask(&mut s, "INSERT INTO t VALUES (1, 'second life')").await;
    flush(&engine).await;
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, ["1|second life", "2|two"]);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn three_updates_each_flushed_leave_one_row_the_last() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'zero'), (2, 'other')").await;
    flush(&engine).await;
    for word in ["one", "two", "three"] {
        assert_eq!(affected(&mut s, &format!("UPDATE t SET v = '{word}' WHERE id = 1")).await, 1);
        assert_eq!(ask(&mut s, "SELECT v FROM t WHERE id = 1").await, [word]);
        flush(&engine).await;
        assert_eq!(ask(&mut s, "SELECT v FROM t WHERE id = 1").await, [word]);
        assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["2"]);
        // Also where only one of the columns is read, and where the old value is asked for.
        assert_eq!(ask(&mut s, "SELECT id FROM t ORDER BY id").await, ["1", "2"]);
        assert_eq!(ask(&mut s, "SELECT id FROM t WHERE v = 'zero'").await, [""; 0]);
    }
    drop(s);
    engine.close().await.unwrap();
    let engine = open(&lasting).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, ["1|three", "2|other"]);
    assert!(engine.check().await.unwrap().is_clean());
}

/// The operations of a flush, as the fault store describes them, without sizes.
async fn operations_of_a_flush() -> Vec<String> {
    let faults = FaultStores::new();
    let (engine, _session) = before_the_flush(&faults).await;
    let before = faults.log().len();
    flush(&engine).await;
    let log = faults.log();
    let cut = |line: &String| line.split(" (").next().unwrap_or_default().to_owned();
    log[before..].iter().map(cut).collect()
}

/// Key 1 is cold, with a newer version hot; keys 2 and 3 are hot only.
async fn before_the_flush(faults: &FaultStores) -> (Engine, Session) {
    let engine = Engine::open(stores(faults), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'cold')").await;
    flush(&engine).await;
    ask(&mut s, "UPDATE t SET v = 'hot' WHERE id = 1").await;
    ask(&mut s, "INSERT INTO t VALUES (2, 'hot'), (3, 'hot')").await;
    (engine, s)
}

#[tokio::test]
async fn update_of_a_key_during_a_flush() {
    let mut operations = operations_of_a_flush().await;
    assert!(operations.len() >= 3, "a flush writes a file, a manifest and a pointer: {operations:?}");
    operations.dedup();
    for operation in operations {
        let faults = FaultStores::new();
        let (engine, mut s) = before_the_flush(&faults).await;
        let mut pause = faults.pause_at(&operation);
        let meanwhile = async {
            pause.reached().await;
            let statements = async {
                ask(&mut s, "UPDATE t SET v = 'during' WHERE id = 1").await;
                ask(&mut s, "DELETE FROM t WHERE id = 2").await;
            };
            let mut statements = std::pin::pin!(statements);
            // A statement may have to wait for the step that is held; then it goes on after it.
            let early = tokio::time::timeout(Duration::from_millis(100), &mut statements).await;
            pause.release();
            if early.is_err() {
                statements.await;
            }
        };
        let (flushed, ()) = futures::join!(engine.flush_all(), meanwhile);
        flushed.unwrap();
        let expected = ["1|during", "3|hot"];
        assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, expected, "at {operation}");
        flush(&engine).await;
        assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, expected, "flushed, at {operation}");
        drop(s);
        engine.close().await.unwrap();
        let engine = Engine::open(stores(&faults), Config::default()).await.unwrap();
        let mut s = engine.session();
        assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, expected, "reopened, at {operation}");
        assert!(engine.check().await.unwrap().is_clean());
    }
}

#[tokio::test]
async fn two_transactions_on_one_key() {
    // Where the row lies, and whether a flush comes between the two commits.
    for (cold, between) in [(false, false), (true, false), (false, true), (true, true)] {
        let lasting = Lasting::new(1);
        let (engine, mut first) = with_table(&lasting).await;
        let mut second = engine.session();
        ask(&mut first, "INSERT INTO t VALUES (1, 'start'), (2, 'start')").await;
        if cold {
            flush(&engine).await;
        }
        for (a, b) in [
            ("UPDATE t SET v = 'first' WHERE id = 1", "UPDATE t SET v = 'second' WHERE id = 1"),
            ("UPDATE t SET v = 'first' WHERE id = 1", "DELETE FROM t WHERE id = 1"),
            ("INSERT INTO t VALUES (9, 'first')", "INSERT INTO t VALUES (9, 'second')"),
            ("DELETE FROM t WHERE id = 9", "UPDATE t SET v = 'second' WHERE id = 9"),
        ] {
            ask(&mut first, "BEGIN").await;
            ask(&mut second, "BEGIN").await;
            ask(&mut first, a).await;
            ask(&mut second, b).await;
            ask(&mut second, "UPDATE t SET v = 'also second' WHERE id = 2").await;
            ask(&mut first, "COMMIT").await;
            if between {
                flush(&engine).await;
            }
            let lost = fail(&mut second, "COMMIT").await;
            assert_eq!(lost.kind(), ErrorKind::Conflict, "{lost}");
            assert!(!second.in_transaction());
            let seen = ask(&mut second, "SELECT count(*) FROM t WHERE v LIKE '%second'").await;
            assert_eq!(seen, ["0"], "nothing of the loser is applied");
        }
        assert_eq!(ask(&mut second, "SELECT * FROM t ORDER BY id").await, ["1|first", "2|start"]);
        assert_eq!(engine.stats().conflicts, 4);
        flush(&engine).await;
        assert_eq!(ask(&mut second, "SELECT * FROM t ORDER BY id").await, ["1|first", "2|start"]);
    }
}

#[tokio::test]
async fn transaction_opened_before_a_flush_first_reads_after_it() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'cold'), (2, 'cold')").await;
    flush(&engine).await;
    ask(&mut s, "INSERT INTO t VALUES (3, 'hot')").await;
    ask(&mut s, "INSERT INTO u VALUES (1, 'hot')").await;

    let mut old = engine.session();
    ask(&mut old, "BEGIN").await;
    ask(&mut s, "UPDATE t SET v = 'later' WHERE id = 1").await;
    ask(&mut s, "DELETE FROM t WHERE id IN (2, 3)").await;
    ask(&mut s, "INSERT INTO t VALUES (4, 'later')").await;
    ask(&mut s, "UPDATE u SET v = 'later'").await;
    flush(&engine).await;
    ask(&mut s, "UPDATE t SET v = 'later still' WHERE id = 1").await;
    flush(&engine).await;

    assert_eq!(ask(&mut old, "SELECT * FROM t ORDER BY id").await, ["1|cold", "2|cold", "3|hot"]);
    assert_eq!(ask(&mut old, "SELECT * FROM u").await, ["1|hot"]);
    assert_eq!(ask(&mut old, "SELECT v FROM t WHERE id = 2").await, ["cold"]);
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, ["1|later still", "4|later"]);
    ask(&mut old, "COMMIT").await;
    assert_eq!(ask(&mut old, "SELECT * FROM t ORDER BY id").await, ["1|later still", "4|later"]);
    flush(&engine).await;
    assert_eq!(ask(&mut old, "SELECT * FROM t ORDER BY id").await, ["1|later still", "4|later"]);
    assert_eq!(ask(&mut old, "SELECT * FROM u").await, ["1|later"]);
    assert!(engine.stats().flushes_under_snapshot > 0);
}

#[tokio::test]
async fn restart_with_clock_set_back_hands_out_higher_seq() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'before')").await;
    let mut highest: i64 = ask(&mut s, "SELECT max(_seq) FROM t").await[0].parse().unwrap();
    drop(s);
    engine.close().await.unwrap();
    for (round, back_ms) in [1, 3_600_000, 10 * 365 * 86_400_000].into_iter().enumerate() {
        lasting.clock().set_ms(START_MS - back_ms);
        let engine = open(&lasting).await;
        let mut s = engine.session();
        ask(&mut s, &format!("UPDATE t SET v = 'round {round}' WHERE id = 1")).await;
        let seq: i64 = ask(&mut s, "SELECT _seq FROM t WHERE id = 1").await[0].parse().unwrap();
        assert!(seq > highest, "{seq} was handed out after {highest}");
        assert_eq!(ask(&mut s, "SELECT v FROM t").await, [format!("round {round}")]);
        // Back also while it is open, and not closed cleanly.
        lasting.clock().set_ms(START_MS - 2 * back_ms);
        ask(&mut s, "UPDATE t SET v = 'again' WHERE id = 1").await;
        highest = ask(&mut s, "SELECT _seq FROM t WHERE id = 1").await[0].parse().unwrap();
        assert!(highest > seq, "{highest} was handed out after {seq}");
        if round == 1 {
            flush(&engine).await;
        }
    }
}

#[tokio::test]
async fn hostile_user_ids_are_disjoint_hot_and_cold() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, owner TEXT)").await;
    let long = "z".repeat(1024);
    let ids = [
        "", "a", "A", "ab", "a:b", "a/b", "..", "../a", ".", "a\0", "a\0b", "\0", "shared", "u-a", "x-a",
        "é", "e\u{301}", "😀", "a'b", "%", "CON", " ", "a ", &long,
    ];
    for id in ids {
        let mut s = user(&engine, id).await;
        assert_eq!(ask(&mut s, "SELECT count(*) FROM u").await, ["0"], "{id:?} sees another's rows");
        let owner = id.escape_default().to_string().replace('\'', "''");
        ask(&mut s, &format!("INSERT INTO u VALUES (1, '{owner}'), (2, 'x')")).await;
        ask(&mut s, "DELETE FROM u WHERE id = 2").await;
    }
    for round in ["hot", "cold", "updated", "reopened"] {
        let engine = if round == "reopened" { open(&lasting).await } else { engine.clone() };
        for id in ids {
            let mut s = user(&engine, id).await;
            let owner = id.escape_default().to_string();
            let shown = if owner.is_empty() { "(empty)".to_owned() } else { owner };
            assert_eq!(ask(&mut s, "SELECT * FROM u").await, [format!("1|{shown}")], "{round}, {id:?}");
            if round == "cold" {
                assert_eq!(affected(&mut s, "UPDATE u SET owner = owner || ''").await, 1);
            }
        }
        flush(&engine).await;
    }
}

#[tokio::test]
async fn byte_budget_evicts_scopes_and_rows_are_still_there() {
    const USERS: usize = 300;
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), setting::hot_bytes(64 * 1024)).await.unwrap();
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for n in 0..USERS {
        let mut s = user(&engine, &format!("user{n}")).await;
        let filler = "x".repeat(500);
        ask(&mut s, &format!("INSERT INTO u VALUES (1, '{n}'), (2, '{filler}'), (3, 'gone')")).await;
        ask(&mut s, "DELETE FROM u WHERE id = 3").await;
    }
    for round in 0..2 {
        for n in 0..USERS {
            let mut s = user(&engine, &format!("user{n}")).await;
            let seen = ask(&mut s, "SELECT v, (SELECT count(*) FROM u) FROM u WHERE id = 1").await;
            assert_eq!(seen, [format!("{}|2", n + round)]);
            ask(&mut s, &format!("UPDATE u SET v = '{}' WHERE id = 1", n + round + 1)).await;
        }
        if round == 0 {
            flush(&engine).await;
        }
    }
    // An open transaction keeps its snapshot, however many other scopes are used meanwhile.
    let mut s = user(&engine, "user0").await;
    ask(&mut s, "BEGIN; UPDATE u SET v = 'mine' WHERE id = 1").await;
    for n in 1..USERS {
        ask(&mut user(&engine, &format!("user{n}")).await, "SELECT * FROM u").await;
    }
    assert_eq!(ask(&mut s, "SELECT v FROM u WHERE id = 1").await, ["mine"]);
    ask(&mut s, "COMMIT").await;
    assert_eq!(ask(&mut s, "SELECT v FROM u WHERE id = 1").await, ["mine"]);
}

#[tokio::test]
async fn scopes_that_are_only_cold_leave_memory_when_there_are_too_many() {
    let lasting = Lasting::new(1);
    let mut config = Config::default();
    config.hot.scopes = 4;
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    let names: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    for name in &names {
        ask(&mut user(&engine, name).await, &format!("INSERT INTO u VALUES (1, '{name}')")).await;
    }
    flush(&engine).await;
    let before = engine.stats().scopes_evicted;
    for name in &names {
        assert_eq!(ask(&mut user(&engine, name).await, "SELECT * FROM u").await, [format!("1|{name}")]);
    }
    assert!(engine.stats().scopes_evicted - before >= 16, "{:?}", engine.stats());
}

#[tokio::test]
async fn a_dropped_session_rolls_its_transaction_back() {
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'kept')").await;
    let mut lost = engine.session();
    ask(&mut lost, "BEGIN; UPDATE t SET v = 'lost'; INSERT INTO t VALUES (2, 'lost')").await;
    assert!(lost.in_transaction());
    drop(lost);
    assert_eq!(ask(&mut s, "SELECT * FROM t").await, ["1|kept"]);
    // It holds nothing back: what is hot goes to a file, and the key is free to write.
    assert_eq!(affected(&mut s, "UPDATE t SET v = 'mine'").await, 1);
    let flushed = engine.flush_all().await.unwrap();
    assert_eq!(flushed.iter().map(|f| f.rows).sum::<u64>(), 1);
}

#[tokio::test]
async fn a_row_counts_as_hidden_by_a_deletion_vector_only_once_one_hides_it() {
    const ALL: &str = "SELECT count(*), sum(id) FROM t";
    let lasting = Lasting::new(1);
    let (engine, mut s) = with_table(&lasting).await;
    ask(&mut s, "INSERT INTO t SELECT v, 'cold' FROM generate_series(1, 10) AS g(v)").await;
    flush(&engine).await;
    ask(&mut s, "UPDATE t SET v = 'hot' WHERE id <= 3").await;
    assert_eq!(ask(&mut s, ALL).await, ["10|55"]);
    assert_eq!(engine.stats().deletion_vector_rows_hidden, 0);
    let plan = ask(&mut s, &format!("EXPLAIN ANALYZE {ALL}")).await.join("\n");
    assert!(plan.contains("rows_hidden=3"), "{plan}");
    flush(&engine).await;
    let before = engine.stats().deletion_vector_rows_hidden;
    assert_eq!(ask(&mut s, ALL).await, ["10|55"]);
    assert_eq!(engine.stats().deletion_vector_rows_hidden - before, 3);
}
