//! A COPY of more rows than are hot at a time: they become batch files at once, in one commit.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{Clock, ManualClock, SeededRng, Source, Stores};
use firndb_core::{Config, Copied, Engine, ErrorKind, Result, Session};
use firndb_tests::ask::{ask, run, user};
use firndb_tests::lasting::START_MS;
use futures::{StreamExt, stream};

const MODES: [CrashMode; 2] = [CrashMode::BeforeEffect, CrashMode::AfterEffect];

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

/// Settings under which a few thousand rows are many.
fn small() -> Config {
    let mut config = Config::default();
    config.load.rows = 1000;
    config.batch_file.rows = 3000;
    config
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), small()).await.unwrap()
}

/// Rows of `keys` in a scattered order, each with `v`.
fn csv(keys: std::ops::Range<u64>, v: &str) -> String {
    let (start, count) = (keys.start, keys.end - keys.start);
    let mut text = String::new();
    for n in 0..count {
        // A step that shares no factor with the counts used here goes round all of them.
        writeln!(text, "{},{v}", start + n * 7919 % count).unwrap();
    }
    text
}

async fn copy(session: &mut Session, table: &str, text: String) -> Result<Copied> {
    let source = Source::ranged("rows.csv", Arc::new(Bytes::from(text)));
    session.copy_from(&format!("COPY {table} FROM STDIN"), source).await
}

/// Names of blobs that nothing refers to: runs, and batch files besides the `expected` ones.
fn strays(faults: &FaultStores, expected: usize) -> Vec<String> {
    let paths = faults.blob_paths();
    let files = paths.iter().filter(|p| p.ends_with(".parquet")).count();
    let runs: Vec<String> = paths.iter().filter(|p| p.starts_with("_runs")).cloned().collect();
    if files == expected { runs } else { paths }
}

const COUNTED: &str = "SELECT v, count(*), min(id), max(id), count(DISTINCT id) FROM t GROUP BY v ORDER BY v";

#[tokio::test]
async fn many_rows_become_sorted_files_in_one_commit() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL DEFAULT 'd')").await;
    run(&engine, "INSERT INTO t VALUES (1, 'hot'), (2, 'cold')").await;
    run(&engine, "STORAGE FLUSH ALL; UPDATE t SET v = 'hot' WHERE id = 1").await;
    let copied = copy(&mut engine.session(), "t", csv(10..30_010, "new")).await.unwrap();
    assert_eq!((copied.rows, copied.rejected), (30_000, 0));
    assert_eq!(run(&engine, COUNTED).await, ["cold|1|2|2|1", "hot|1|1|1|1", "new|30000|10|30009|30000"]);
    assert_eq!(strays(&faults, 1 + 10), [""; 0]);
    // Sorted and cut: a look-up of one key reads one file, and `_seq` ascends with the keys.
    let read = run(&engine, "SELECT v FROM t WHERE id = 5000").await;
    assert_eq!(read, ["new"]);
    let seqs = run(&engine, "SELECT count(DISTINCT _seq), min(_seq) > (SELECT max(_seq) FROM t WHERE id < 10) FROM t WHERE id >= 10").await;
    assert_eq!(seqs, ["30000|true"]);
    run(&engine, "UPDATE t SET v = 'after' WHERE id = 77; DELETE FROM t WHERE id BETWEEN 100 AND 199").await;
    for flushed in [false, true] {
        if flushed {
            run(&engine, "STORAGE FLUSH ALL").await;
        }
        let found = run(&engine, COUNTED).await;
        assert_eq!(found, ["after|1|77|77|1", "cold|1|2|2|1", "hot|1|1|1|1", "new|29899|10|30009|29899"]);
    }
    assert!(engine.check().await.unwrap().is_clean());
    drop(engine);
    let engine = open(&faults.survivors()).await;
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["29902"]);
    drop(engine);
    let lost = faults.survivors_without_kv();
    Engine::recover(stores(&lost), small()).await.unwrap();
    let engine = open(&lost).await;
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["29902"]);
    run(&engine, "INSERT INTO t VALUES (100, 'again')").await;
    let above =
        run(&engine, "SELECT _seq > (SELECT max(_seq) FROM t WHERE id <> 100) FROM t WHERE id = 100").await;
    assert_eq!(above, ["true"]);
}

#[tokio::test]
async fn files_are_cut_by_the_bytes_of_their_rows() {
    let faults = FaultStores::new();
    let mut config = small();
    config.batch_file.bytes = 200_000;
    let engine = Engine::open(stores(&faults), config).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL)").await;
    // On average a row is small; but the large ones are next to each other.
    let text = csv(20_000..20_010, &"y".repeat(50_000)) + &csv(0..20_000, "x");
    copy(&mut engine.session(), "t", text).await.unwrap();
    assert_eq!(strays(&faults, 6 + 3), [""; 0]);
    let found = run(&engine, "SELECT count(*), max(id), sum(length(v)) FROM t").await;
    assert_eq!(found, ["20010|20009|520000"]);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_key_that_is_there_or_comes_twice_leaves_nothing() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE USER TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let mut alice = user(&engine, "alice").await;
    ask(&mut alice, "INSERT INTO t VALUES (4000, 'cold')").await;
    engine.flush_all().await.unwrap();
    ask(&mut alice, "INSERT INTO t VALUES (5000, 'hot')").await;
    for (text, key) in [
        (csv(3000..4500, "x"), 4000),
        (csv(4001..9000, "x"), 5000),
        (csv(6000..9001, "x") + "6000,again\n", 6000),
        // In another run than the first time.
        (csv(6000..20_000, "x") + "6000,again\n", 6000),
        (csv(6000..6900, "x") + "6000,again\n" + &csv(7000..9000, "x"), 6000),
    ] {
        let error = copy(&mut alice, "t", text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Constraint, "{error}");
        assert!(error.to_string().contains(&format!("(id) = ({key})")), "{error}");
        assert_eq!(ask(&mut alice, "SELECT * FROM t ORDER BY id").await, ["4000|cold", "5000|hot"]);
        assert_eq!(strays(&faults, 1), [""; 0], "{key}");
    }
    let error = copy(&mut alice, "t", csv(6000..8000, "x") + "no,x\n").await.unwrap_err();
    assert!(error.to_string().contains("line 2001"), "{error}");
    assert_eq!(strays(&faults, 1), [""; 0]);
    // Another user's keys are another matter.
    let mut bob = user(&engine, "bob").await;
    copy(&mut bob, "t", csv(3000..9000, "x")).await.unwrap();
    assert_eq!(ask(&mut bob, "SELECT count(*), count(DISTINCT id) FROM t").await, ["6000|6000"]);
    assert_eq!(ask(&mut alice, "SELECT count(*) FROM t").await, ["2"]);
}

#[tokio::test]
async fn too_many_rows_of_deleted_keys_are_refused_until_a_flush() {
    let faults = FaultStores::new();
    let mut config = small();
    config.load.bytes = 40_000;
    let engine = Engine::open(stores(&faults), config).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    copy(&mut engine.session(), "t", csv(0..2000, "old")).await.unwrap();
    run(&engine, "DELETE FROM t").await;
    let new = "n".repeat(100);
    let error = copy(&mut engine.session(), "t", csv(0..2000, &new)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("STORAGE FLUSH")), "{error}");
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["0"]);
    assert_eq!(strays(&faults, 1), [""; 0]);
    run(&engine, "STORAGE FLUSH ALL").await;
    copy(&mut engine.session(), "t", csv(0..2000, &new)).await.unwrap();
    assert_eq!(run(&engine, "SELECT count(*), sum(length(v)) FROM t").await, ["2000|200000"]);
}

#[tokio::test]
async fn a_transaction_that_waits_for_its_source_does_not_hold_flushes_for_ever() {
    let (faults, clock) = (FaultStores::new(), Arc::new(ManualClock::at_ms(START_MS)));
    let stores = faults.stores(clock.clone(), Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores, small()).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let patience = i64::try_from(Config::default().transaction.idle_ms).unwrap();
    for (waits_ms, ends) in [(patience - 1, false), (patience + 1, true)] {
        run(&engine, "TRUNCATE t; INSERT INTO t VALUES (1, 'old')").await;
        let mut session = engine.session();
        ask(&mut session, "BEGIN").await;
        run(&engine, "UPDATE t SET v = 'new' WHERE id = 1").await;
        let (clock, other) = (Arc::clone(&clock), engine.clone());
        let late = stream::once(async move {
            clock.set_ms(clock.now_ms() + waits_ms);
            other.flush_all().await.unwrap();
            Ok(Bytes::from("11,b\n"))
        });
        let pieces = stream::iter([Ok(Bytes::from("10,a\n"))]).chain(late);
        let source = Source::stream("rows.csv", pieces.boxed());
        let copied = session.copy_from("COPY t FROM STDIN", source).await;
        if ends {
            assert_eq!(copied.unwrap_err().kind(), ErrorKind::Conflict);
            assert_eq!(run(&engine, "SELECT * FROM t").await, ["1|new"]);
            // There is none any more.
            ask(&mut session, "BEGIN; ROLLBACK").await;
        } else {
            assert_eq!(copied.unwrap().rows, 2);
            assert_eq!(ask(&mut session, "SELECT v FROM t ORDER BY id").await, ["old", "a", "b"]);
            ask(&mut session, "ROLLBACK").await;
        }
    }
}

#[tokio::test]
async fn rows_come_back_whose_tombstones_are_hot() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t VALUES (1, 'cold'), (2, 'cold')").await;
    run(&engine, "STORAGE FLUSH ALL; INSERT INTO t VALUES (3, 'hot')").await;
    run(&engine, "DELETE FROM t WHERE id IN (1, 3)").await;
    copy(&mut engine.session(), "t", csv(3..3003, "new") + "1,new\n").await.unwrap();
    let expected = ["cold|1|2|2|1", "new|3001|1|3002|3001"];
    assert_eq!(run(&engine, COUNTED).await, expected);
    drop(engine);
    let engine = open(&faults.survivors()).await;
    assert_eq!(run(&engine, COUNTED).await, expected);
    let all = "SELECT count(*), count(DISTINCT id) FROM t WHERE _deleted IN (true, false)";
    assert_eq!(run(&engine, all).await, ["3002|3002"]);
    engine.flush_all().await.unwrap();
    assert_eq!(run(&engine, COUNTED).await, expected);
    assert_eq!(run(&engine, all).await, ["3002|3002"]);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn who_reads_on_an_older_snapshot_sees_nothing_of_it() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t VALUES (1, 'old')").await;
    let (mut reader, mut writer) = (engine.session(), engine.session());
    for session in [&mut reader, &mut writer] {
        ask(session, "BEGIN").await;
        assert_eq!(ask(session, "SELECT count(*) FROM t").await, ["1"]);
    }
    let mut rows = engine.session().stream("SELECT id FROM t", &[]).await.unwrap();
    copy(&mut engine.session(), "t", csv(10..5010, "new")).await.unwrap();
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["5001"]);
    for sql in [
        "SELECT * FROM t",
        "SELECT * FROM t WHERE id IN (1, 10)",
        "SELECT * FROM t WHERE _deleted IN (true, false)",
    ] {
        assert_eq!(ask(&mut reader, sql).await, ["1|old"], "{sql}");
    }
    assert_eq!(ask(&mut reader, "SELECT * FROM t WHERE id = 10").await, [""; 0]);
    assert_eq!(rows.next().await.unwrap().unwrap().num_rows(), 1);
    drop(rows);
    // What it had not seen it cannot overwrite: first committer wins.
    ask(&mut writer, "INSERT INTO t VALUES (5009, 'late'), (9999, 'late')").await;
    engine.flush_all().await.unwrap();
    let error = writer.execute("COMMIT").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    ask(&mut reader, "INSERT INTO t VALUES (9999, 'late')").await;
    ask(&mut reader, "COMMIT").await;
    assert_eq!(run(&engine, COUNTED).await, ["late|1|9999|9999|1", "new|5000|10|5009|5000", "old|1|1|1|1"]);
}

#[tokio::test]
async fn an_alter_meanwhile_is_a_conflict() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let altering = engine.clone();
    let text = Bytes::from(csv(0..4000, "x"));
    let pieces = futures::stream::unfold(0, move |n| {
        let (altering, piece) = (altering.clone(), text.clone());
        async move {
            if n == 1 {
                run(&altering, "ALTER TABLE t ADD COLUMN w TEXT").await;
            }
            (n == 0).then_some((Ok(piece), 1))
        }
    });
    let source = Source::stream("rows.csv", Box::pin(pieces));
    // The stream asks for its end when its rows are read, and before they are committed.
    let error = engine.session().copy_from("COPY t FROM STDIN", source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["0"]);
    assert_eq!(strays(&faults, 0), [""; 0]);
}

/// A table with hot and cold rows and a hot tombstone, and a load that meets all of them.
async fn before_load(engine: &Engine) {
    run(engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(engine, "INSERT INTO t VALUES (1, 'cold'), (2, 'cold')").await;
    run(engine, "STORAGE FLUSH ALL; UPDATE t SET v = 'hot' WHERE id = 2; DELETE FROM t WHERE id = 1").await;
}

fn loaded() -> String {
    csv(10..9010, "new") + "1,new\n"
}

#[tokio::test]
async fn every_step_of_a_load_cut_short_leaves_all_rows_or_none() {
    let steps = {
        let faults = FaultStores::new();
        let engine = open(&faults).await;
        before_load(&engine).await;
        let before = faults.operations();
        copy(&mut engine.session(), "t", loaded()).await.unwrap();
        faults.operations() - before
    };
    assert!(steps > 12, "two runs, four files, a manifest and a pointer in {steps}");
    let (mut all, mut none) = (0, 0);
    for n in 1..=steps {
        for mode in MODES {
            let faults = FaultStores::new();
            let engine = open(&faults).await;
            before_load(&engine).await;
            faults.crash_after(n, mode);
            let answer = copy(&mut engine.session(), "t", loaded()).await;
            assert!(faults.crashed());
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            drop(engine);
            let rest = faults.survivors();
            let engine = open(&rest).await;
            let found = run(&engine, COUNTED).await;
            let is_there = found == ["hot|1|2|2|1", "new|9001|1|9009|9001"];
            assert!(is_there || found == ["hot|1|2|2|1"], "{when}: {found:?}");
            assert!(is_there || answer.is_err(), "{when}: acknowledged and lost");
            assert!(
                !rest.blob_paths().iter().any(|p| p.starts_with("_runs")),
                "{when}: {:?}",
                rest.blob_paths()
            );
            if is_there {
                all += 1;
            } else {
                none += 1;
                copy(&mut engine.session(), "t", loaded()).await.unwrap();
            }
            run(&engine, "UPDATE t SET v = 'after' WHERE id BETWEEN 10 AND 19").await;
            engine.flush_all().await.unwrap();
            let expected = ["after|10|10|19|10", "hot|1|2|2|1", "new|8991|1|9009|8991"];
            assert_eq!(run(&engine, COUNTED).await, expected, "{when}");
            let report = engine.check().await.unwrap();
            assert!(report.is_clean(), "{when}: {:?}", report.findings);
            drop(engine);
            assert_eq!(run(&open(&rest.survivors()).await, COUNTED).await, expected, "{when}");
        }
    }
    println!("{steps} operations: {none} times no row was there, {all} times all");
    assert!(all > 0 && none > 0);
}

#[tokio::test]
async fn where_names_cannot_be_synced_rows_go_through_the_key_value_store() {
    let faults = FaultStores::new();
    let engine = Engine::open(stores(&faults).with_unsynced_names(), small()).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    copy(&mut engine.session(), "t", csv(0..5000, "x")).await.unwrap();
    assert_eq!(strays(&faults, 0), [""; 0]);
    assert_eq!(run(&engine, COUNTED).await, ["x|5000|0|4999|5000"]);
    drop(engine);
    let mut config = small();
    config.query.memory_bytes = 200_000;
    let engine = Engine::open(stores(&faults).with_unsynced_names(), config).await.unwrap();
    let error = copy(&mut engine.session(), "t", csv(5000..25_000, "x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["5000"]);
}

#[tokio::test]
async fn a_load_and_a_drop_of_its_table_do_not_wait_for_each_other() {
    for load_first in [true, false] {
        let faults = FaultStores::new();
        let engine = open(&faults).await;
        run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
        run(&engine, "INSERT INTO t VALUES (1, 'hot')").await;
        let mut pause = faults.pause_at("/manifest-");
        let flushing = engine.flush_all();
        let both = async {
            pause.reached().await;
            let mut session = engine.session();
            let load = copy(&mut session, "t", csv(10..2010, "new"));
            let drop = async { engine.session().execute("DROP TABLE t").await };
            let release = async {
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                pause.release();
            };
            match load_first {
                true => futures::join!(load, drop, release).1.is_ok(),
                false => futures::join!(drop, load, release).0.is_ok(),
            }
        };
        let wait = std::time::Duration::from_secs(20);
        let (_, dropped) =
            tokio::time::timeout(wait, async { futures::join!(flushing, both) }).await.unwrap();
        assert!(dropped, "load first {load_first}");
        assert_eq!(run(&engine, "SELECT count(*) FROM system.tables WHERE name = 't'").await, ["0"]);
        run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
        run(&engine, "INSERT INTO t VALUES (2, 'again')").await;
        engine.flush_all().await.unwrap();
        assert_eq!(run(&engine, "SELECT id FROM t").await, ["2"]);
    }
}
