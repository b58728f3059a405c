//! What a recovery makes of a blob store whose key-value store is lost, when something went wrong before:
//! it invents nothing, loses nothing without a word, and gives out no name twice.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind, RecoveryReport};
use firndb_tests::ask::{ask, fail};
use firndb_tests::lasting::START_MS;

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), Config::default()).await.unwrap()
}

async fn recover(faults: &FaultStores) -> RecoveryReport {
    Engine::recover(stores(faults), Config::default()).await.unwrap()
}

/// Shared tables `a` and `b`, each with a flushed row of its name.
async fn two_tables() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    for table in ["a", "b"] {
        let mut s = engine.session();
        ask(&mut s, &format!("CREATE SHARED TABLE {table} (id INTEGER PRIMARY KEY, v TEXT)")).await;
        ask(&mut s, &format!("INSERT INTO {table} VALUES (1, '{table}')")).await;
    }
    engine.flush_all().await.unwrap();
    faults
}

async fn expect_both(faults: &FaultStores, when: &str) {
    let engine = open(faults).await;
    for table in ["a", "b"] {
        let found = ask(&mut engine.session(), &format!("SELECT * FROM {table}")).await;
        assert_eq!(found, [format!("1|{table}")], "{when}");
    }
    assert!(engine.check().await.unwrap().is_clean(), "{when}");
}

#[tokio::test]
async fn a_drop_that_was_not_committed_is_taken_back() {
    // The definitions of both, then the commit.
    for (n, mode) in [(2, CrashMode::BeforeEffect), (2, CrashMode::AfterEffect), (3, CrashMode::BeforeEffect)]
    {
        let faults = two_tables().await;
        let engine = open(&faults).await;
        faults.crash_after(n, mode);
        fail(&mut engine.session(), "DROP TABLE a, b").await;
        let when = format!("DROP TABLE cut at {n} {mode:?}");

        let lost = faults.survivors_without_kv();
        let report = recover(&lost).await;
        assert!(report.problems.iter().any(|p| p.contains("main.a")), "{when}: {report}");
        // Opening is what removes the files of dropped tables.
        expect_both(&lost, &when).await;
        expect_both(&lost, &when).await;

        let again = lost.survivors_without_kv();
        let report = recover(&again).await;
        assert!(report.problems.is_empty(), "{when}: {report}");
        expect_both(&again, &when).await;
        let engine = open(&again).await;
        ask(&mut engine.session(), "DROP TABLE a, b").await;
        assert!(!again.blob_paths().iter().any(|p| p.starts_with("main/")), "{:?}", again.blob_paths());
    }
}

#[tokio::test]
async fn a_drop_that_fails_leaves_no_definition_behind() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    let before = faults.blob_paths();
    faults.refuse("blob put main/b-00000002/table-2.json", ErrorKind::Unavailable);
    fail(&mut engine.session(), "DROP TABLE a, b").await;
    assert_eq!(faults.blob_paths(), before);
    faults.refuse_nothing();
    faults.refuse("put catalog", ErrorKind::LimitExceeded);
    fail(&mut engine.session(), "DROP TABLE a, b").await;
    assert_eq!(faults.blob_paths(), before);
    faults.refuse_nothing();
    expect_both(&faults, "after a DROP TABLE that failed").await;
}

#[tokio::test]
async fn a_dropped_table_does_not_come_back_beside_its_successor() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    faults.refuse("blob delete main/a-00000001", ErrorKind::Unavailable);
    _ = engine.session().execute("DROP TABLE a").await;
    ask(&mut engine.session(), "CREATE SHARED TABLE a (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut engine.session(), "INSERT INTO a VALUES (1, 'a')").await;
    engine.flush_all().await.unwrap();
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect_both(&lost, "a table dropped and created anew").await;
    assert!(!lost.blob_paths().iter().any(|p| p.starts_with("main/a-00000001/")), "{:?}", lost.blob_paths());
}

#[tokio::test]
async fn the_id_of_a_table_without_a_definition_is_not_given_out_again() {
    let faults = two_tables().await;
    faults.corrupt_blob("main/b-00000002/table-1.json", 10).unwrap();
    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("main/b-00000002")), "{report}");
    let engine = open(&lost).await;
    ask(&mut engine.session(), "CREATE SHARED TABLE b (id INTEGER PRIMARY KEY)").await;
    let made = engine.inspect(Some("b")).await.unwrap();
    assert_eq!(made[0].dir, "main/b-00000003");
}
