//! Power cuts: a flush, a statement, a change of a table, cut short at every operation they do, both
//! before and after it took effect.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, fail, run, user};
use firndb_tests::lasting::START_MS;

const MODES: [CrashMode; 2] = [CrashMode::BeforeEffect, CrashMode::AfterEffect];

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), Config::default()).await.unwrap()
}

/// Two tables and three scopes, each with rows in a file that newer versions in the hot tier update and
/// delete.
async fn two_tiers(engine: &Engine) {
    run(engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(engine, "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(engine, "INSERT INTO t SELECT v, 'cold' FROM generate_series(1, 40) AS g(v)").await;
    ask(&mut user(engine, "alice").await, "INSERT INTO u VALUES (1, 'cold'), (2, 'cold')").await;
    ask(&mut user(engine, "bob").await, "INSERT INTO u VALUES (1, 'bob')").await;
    engine.flush_all().await.unwrap();
    run(engine, "UPDATE t SET v = 'hot' WHERE id <= 10").await;
    run(engine, "DELETE FROM t WHERE id BETWEEN 11 AND 20").await;
    run(engine, "INSERT INTO t SELECT v, 'new' FROM generate_series(41, 50) AS g(v)").await;
    ask(&mut user(engine, "alice").await, "DELETE FROM u WHERE id = 1").await;
    ask(&mut user(engine, "alice").await, "UPDATE u SET v = 'hot' WHERE id = 2").await;
}

const COLD_OR_NEW: &str = "SELECT v, count(*), min(id), max(id) FROM t GROUP BY v ORDER BY v";

async fn expect_two_tiers(engine: &Engine, when: &str) {
    let found = ask(&mut engine.session(), COLD_OR_NEW).await;
    assert_eq!(found, ["cold|20|21|40", "hot|10|1|10", "new|10|41|50"], "{when}");
    assert_eq!(ask(&mut user(engine, "alice").await, "SELECT * FROM u").await, ["2|hot"], "{when}");
    assert_eq!(ask(&mut user(engine, "bob").await, "SELECT * FROM u").await, ["1|bob"], "{when}");
}

/// Updates and flushes twice more, and checks that nothing older shows.
async fn go_on(engine: &Engine, when: &str) {
    for round in ["first", "second"] {
        run(engine, &format!("UPDATE t SET v = '{round}' WHERE id <= 30")).await;
        run(engine, &format!("DELETE FROM t WHERE id = {}", if round == "first" { 1 } else { 2 })).await;
        ask(&mut user(engine, "alice").await, &format!("UPDATE u SET v = '{round}'")).await;
        engine.flush_all().await.unwrap();
        let left = if round == "first" { 19 } else { 18 };
        let lowest = if round == "first" { 2 } else { 3 };
        let expected =
            ["cold|10|31|40".to_owned(), format!("{round}|{left}|{lowest}|30"), "new|10|41|50".to_owned()];
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(ask(&mut engine.session(), COLD_OR_NEW).await, expected, "{round} round after {when}");
        let alice = ask(&mut user(engine, "alice").await, "SELECT * FROM u").await;
        assert_eq!(alice, [format!("2|{round}")], "{round} round after {when}");
    }
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
}

#[tokio::test]
async fn every_step_of_a_flush_cut_short_recovers() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tiers(&engine).await;
    let before = faults.operations();
    engine.flush_all().await.unwrap();
    let steps = faults.operations() - before;
    assert!(steps >= 6, "two scopes are flushed, each with a file, a manifest and a pointer, in {steps}");
    println!("a flush does {steps} operations, cut short before and after each");
    for n in 1..=steps {
        for mode in MODES {
            let faults = FaultStores::new();
            let engine = open(&faults).await;
            two_tiers(&engine).await;
            faults.crash_after(n, mode);
            // The last steps are not part of the commit, and may be left out without a word.
            _ = engine.flush_all().await;
            assert!(faults.crashed());
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            drop(engine);

            let rest = faults.survivors();
            let engine = open(&rest).await;
            expect_two_tiers(&engine, &when).await;
            let report = engine.check().await.unwrap();
            assert!(report.is_clean(), "{when}: {:?}", report.findings);
            go_on(&engine, &when).await;
            drop(engine);
            // Once more from what is synced by now.
            let engine = open(&rest.survivors()).await;
            let found = ask(&mut engine.session(), COLD_OR_NEW).await;
            assert_eq!(found, ["cold|10|31|40", "new|10|41|50", "second|18|3|30"], "{when}");
        }
    }
}

#[tokio::test]
async fn every_step_of_reopening_after_a_flush_cut_anywhere_recovers() {
    let whole = FaultStores::new();
    let engine = open(&whole).await;
    two_tiers(&engine).await;
    let before = whole.operations();
    let start = whole.survivors();
    engine.flush_all().await.unwrap();
    let flush_steps = whole.operations() - before;
    drop(engine);
    let mut most = 0;
    for first in 1..=flush_steps {
        for first_mode in MODES {
            let cut = start.survivors();
            let engine = open(&cut).await;
            let opened = cut.operations();
            cut.crash_after(first, first_mode);
            _ = engine.flush_all().await;
            assert!(cut.crashed(), "{first} of {flush_steps} after {opened}");
            let when = format!("cut at {first}, {first_mode:?}: {:?}", cut.log().last());
            drop(engine);
            let cut = cut.survivors();
            let probe = cut.survivors();
            let engine = open(&probe).await;
            expect_two_tiers(&engine, &when).await;
            let steps = probe.operations();
            most = most.max(steps);
            drop(engine);
            for n in 1..=steps {
                let mode = if (n + first) % 2 == 0 { MODES[0] } else { MODES[1] };
                let again = cut.survivors();
                again.crash_after(n, mode);
                if let Ok(engine) = Engine::open(stores(&again), Config::default()).await {
                    _ = user(&engine, "alice").await.execute("SELECT * FROM u").await;
                    _ = engine.session().execute("SELECT * FROM t").await;
                }
                let when = format!("{when}; operation {n} of {steps} of opening, {mode:?}");
                let engine = open(&again.survivors()).await;
                expect_two_tiers(&engine, &when).await;
                go_on(&engine, &when).await;
            }
        }
    }
    println!("a flush of {flush_steps} operations, opened again in up to {most}");
}

#[tokio::test]
async fn an_acknowledged_statement_survives_and_a_failed_one_is_whole_or_not_there() {
    const INSERT: &str = "INSERT INTO t SELECT v, 'many' FROM generate_series(1, 500) AS g(v)";
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let before = faults.operations();
    run(&engine, INSERT).await;
    let steps = faults.operations() - before;
    for n in 1..=steps {
        for mode in MODES {
            let faults = FaultStores::new();
            let engine = open(&faults).await;
            run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
            run(&engine, "INSERT INTO t VALUES (1000, 'acknowledged')").await;
            faults.crash_after(n, mode);
            let answer = engine.session().execute(INSERT).await;
            drop(engine);
            let engine = open(&faults.survivors()).await;
            let found = ask(&mut engine.session(), "SELECT count(*) FROM t WHERE v = 'many'").await;
            if answer.is_ok() {
                assert_eq!(found, ["500"], "acknowledged, cut at {n} {mode:?}");
            } else {
                assert!(found == ["0"] || found == ["500"], "cut at {n} {mode:?}: {found:?}");
            }
            let found = ask(&mut engine.session(), "SELECT v FROM t WHERE id = 1000").await;
            assert_eq!(found, ["acknowledged"]);
        }
    }
}

#[tokio::test]
async fn a_flush_by_policy_that_fails_does_not_fail_the_statement_before_it() {
    const TABLE: &str = "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)";
    const INSERT: &str = "INSERT INTO t VALUES (1, 'one'), (2, 'two')";
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, TABLE).await;
    let before = faults.operations();
    run(&engine, INSERT).await;
    let of_the_insert = faults.operations() - before;
    // What comes after the insert's own operations is the flush that it makes due.
    for n in of_the_insert + 1..of_the_insert + 4 {
        let faults = FaultStores::new();
        let engine = open(&faults).await;
        run(&engine, &format!("{TABLE} WITH (FLUSH_POLICY = 'rows:2')")).await;
        faults.crash_after(n, CrashMode::BeforeEffect);
        run(&engine, INSERT).await;
        assert!(faults.crashed(), "no flush came at operation {n}");
        drop(engine);
        let engine = open(&faults.survivors()).await;
        assert_eq!(ask(&mut engine.session(), "SELECT * FROM t ORDER BY id").await, ["1|one", "2|two"]);
    }
}

#[tokio::test]
async fn every_step_of_an_alter_cut_short_leaves_the_old_table_or_the_new_one() {
    const ALTER: &str = "ALTER TABLE t ADD COLUMN extra TEXT DEFAULT 'x'";
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tiers(&engine).await;
    let before = faults.operations();
    run(&engine, ALTER).await;
    for n in 1..=faults.operations() - before {
        for mode in MODES {
            let faults = FaultStores::new();
            let engine = open(&faults).await;
            two_tiers(&engine).await;
            faults.crash_after(n, mode);
            _ = engine.session().execute(ALTER).await;
            drop(engine);
            let when = format!("ALTER cut at {n} {mode:?}");
            let engine = open(&faults.survivors()).await;
            expect_two_tiers(&engine, &when).await;
            let columns = ask(&mut engine.session(), "SELECT * FROM t WHERE id = 1").await;
            if columns == ["1|hot"] {
                run(&engine, ALTER).await;
            }
            assert_eq!(
                ask(&mut engine.session(), "SELECT * FROM t WHERE id = 1").await,
                ["1|hot|x"],
                "{when}"
            );
            go_on(&engine, &when).await;
        }
    }
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_written_until_it_is_reopened() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t VALUES (1, 'before')").await;
    faults.fail_sync_once();
    let failed = fail(&mut engine.session(), "INSERT INTO t VALUES (2, 'lost')").await;
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    let refused = fail(&mut engine.session(), "INSERT INTO t VALUES (3, 'refused')").await;
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    // Reading goes on, and shows nothing that was not acknowledged.
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM t").await, ["1|before"]);
    drop(engine);
    let engine = open(&faults.survivors()).await;
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM t").await, ["1|before"]);
    run(&engine, "INSERT INTO t VALUES (3, 'after')").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM t ORDER BY id").await, ["1|before", "3|after"]);
}

#[tokio::test]
async fn after_a_failed_sync_the_engine_itself_asks_the_store_for_nothing_more() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tiers(&engine).await;
    let mut open_before = engine.session();
    ask(&mut open_before, "BEGIN").await;
    ask(&mut open_before, "UPDATE t SET v = 'before' WHERE id = 1").await;
    // This store goes on, and what it takes later survives without what it lost.
    faults.fail_sync_once_and_go_on();
    let failed = fail(&mut engine.session(), "UPDATE t SET v = 'lost' WHERE id = 2").await;
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    let before = faults.operations();
    for sql in [
        "INSERT INTO t VALUES (1000, 'refused')",
        "UPDATE t SET v = 'refused' WHERE id = 3",
        "DELETE FROM t WHERE id = 4",
        "CREATE SHARED TABLE another (id INTEGER PRIMARY KEY)",
        "ALTER TABLE t ADD COLUMN extra TEXT",
        "DROP TABLE u",
        "STORAGE FLUSH ALL",
    ] {
        let refused = fail(&mut engine.session(), sql).await;
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{sql}: {refused}");
    }
    let refused = fail(&mut open_before, "COMMIT").await;
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    assert!(engine.flush_all().await.is_err());
    assert_eq!(faults.operations(), before, "{:?}", faults.log().split_off(before as usize));
    expect_two_tiers(&engine, "reading goes on").await;
    drop((open_before, engine));
    let engine = open(&faults.survivors()).await;
    expect_two_tiers(&engine, "after a failed sync").await;
    go_on(&engine, "a failed sync").await;
}

/// All rows or none, whichever store survives; and the table goes on as it then is.
#[tokio::test]
async fn every_step_of_a_truncate_cut_short_leaves_all_rows_or_none() {
    let steps = steps_of_a_truncate().await;
    let (mut kept, mut emptied, mut unsure, mut damaged) = (0, 0, 0, 0);
    for n in 1..=steps {
        for mode in MODES {
            let faults = cut_truncate(n, mode).await;
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            if is_empty_after_truncate(&faults.survivors(), &when).await {
                emptied += 1;
            } else {
                kept += 1;
            }
            match rows_without_kv(&faults.survivors_without_kv(), &when).await {
                Some(0) => {}
                Some(_) => unsure += 1,
                None => damaged += 1,
            }
        }
    }
    println!("{kept} kept, {emptied} emptied; without the key-value store {unsure} kept, {damaged} damaged");
    assert!(kept > 0 && emptied > 0 && unsure > 0 && damaged < emptied);
}

async fn steps_of_a_truncate() -> u64 {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tiers(&engine).await;
    let before = faults.operations();
    run(&engine, "TRUNCATE t, u").await;
    assert!(!faults.blob_paths().iter().any(|p| p.contains(".parquet")), "{:?}", faults.blob_paths());
    faults.operations() - before
}

async fn cut_truncate(n: u64, mode: CrashMode) -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tiers(&engine).await;
    faults.crash_after(n, mode);
    // Removing the files is not part of the commit.
    _ = engine.session().execute("TRUNCATE t, u").await;
    assert!(faults.crashed());
    faults
}

async fn is_empty_after_truncate(rest: &FaultStores, when: &str) -> bool {
    let engine = open(rest).await;
    let empty = ask(&mut user(&engine, "alice").await, "SELECT * FROM u").await.is_empty();
    if empty {
        assert!(ask(&mut engine.session(), "SELECT * FROM t").await.is_empty(), "{when}");
        run(&engine, "INSERT INTO t VALUES (1, 'after')").await;
        engine.flush_all().await.unwrap();
        assert_eq!(ask(&mut engine.session(), "SELECT * FROM t").await, ["1|after"], "{when}");
        let files = rest.blob_paths().into_iter().filter(|p| p.ends_with(".parquet")).count();
        assert_eq!(files, 1, "{when}: {:?}", rest.blob_paths());
    } else {
        expect_two_tiers(&engine, when).await;
        go_on(&engine, when).await;
    }
    assert!(engine.check().await.unwrap().is_clean(), "{when}");
    empty
}

/// How many rows are left where the key-value store is gone; `None` when they are damaged.
async fn rows_without_kv(lost: &FaultStores, when: &str) -> Option<usize> {
    Engine::recover(stores(lost), Config::default()).await.unwrap();
    let engine = open(lost).await;
    let sql = "SELECT v FROM t";
    if let Err(e) = engine.session().execute(sql).await {
        // As after a DROP TABLE: once some of its files are removed, the table that is taken back is damaged,
        // and says so.
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{when}: {e}");
        return None;
    }
    let found = ask(&mut engine.session(), sql).await;
    assert!(found.is_empty() || found == vec!["cold"; 40], "{when}: {found:?}");
    run(&engine, "INSERT INTO t VALUES (1000, 'recovered')").await;
    engine.flush_all().await.unwrap();
    let findings = engine.check().await.unwrap().findings;
    // The other table may be damaged in the same way.
    assert!(findings.iter().all(|f| f.contains("main/u-")), "{when}: {findings:?}");
    Some(found.len())
}

#[tokio::test]
async fn every_step_of_making_a_store_cut_short_is_completed() {
    let faults = FaultStores::new();
    open(&faults).await;
    for n in 1..=faults.operations() {
        for mode in MODES {
            let faults = FaultStores::new();
            faults.crash_after(n, mode);
            Engine::open(stores(&faults), Config::default()).await.map(drop).unwrap_err();
            let when = format!("operation {n} of making a store, {mode:?}");
            let rest = faults.survivors();
            let engine = open(&rest).await;
            two_tiers(&engine).await;
            drop(engine);
            let engine = open(&rest.survivors()).await;
            expect_two_tiers(&engine, &when).await;
        }
    }
}
