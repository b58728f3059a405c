//! Damaged files: `Corrupt`, naming the file, never part of the rows, and only where the damage is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, fail, user};
use firndb_tests::lasting::START_MS;

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), firndb_tests::setting::without_manifest_cache(Config::default()))
        .await
        .unwrap()
}

/// `hurt` has two batch files and a deletion vector, `well` one; closed.
async fn two_tables() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    let mut s = engine.session();
    for table in ["hurt", "well"] {
        ask(&mut s, &format!("CREATE SHARED TABLE {table} (id INTEGER PRIMARY KEY, v TEXT)")).await;
        let rows = "SELECT v, 'row ' || v FROM generate_series(1, 2000) AS g(v)";
        ask(&mut s, &format!("INSERT INTO {table} {rows}")).await;
    }
    engine.flush_all().await.unwrap();
    ask(&mut s, "UPDATE hurt SET v = 'changed' WHERE id <= 100").await;
    engine.flush_all().await.unwrap();
    drop(s);
    engine.close().await.unwrap();
    faults
}

/// The path of the first blob of table `hurt` with `part` in its name.
fn blob(faults: &FaultStores, part: &str) -> String {
    let paths = faults.blob_paths();
    let found = paths.iter().find(|p| p.contains("/hurt-") && p.contains(part));
    found.unwrap_or_else(|| panic!("no {part} of hurt among {paths:?}")).clone()
}

/// Reading all of `hurt` says `Corrupt` and names `path`; the other table works, and a check finds it.
async fn expect_corrupt(faults: &FaultStores, path: &str, what: &str) {
    let file = path.rsplit('/').next().unwrap();
    let engine = open(faults).await;
    let mut s = engine.session();
    let error = fail(&mut s, "SELECT count(v), max(v), sum(id) FROM hurt").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
    assert!(error.to_string().contains(file), "{what}: expected {file} to be named: {error}");
    let report = engine.check().await.unwrap();
    assert!(!report.is_clean(), "{what}: a check found nothing");
    assert!(report.findings.iter().any(|f| f.contains(file)), "{what}: {:?}", report.findings);

    assert_eq!(ask(&mut s, "SELECT count(*) FROM well").await, ["2000"], "{what}");
    ask(&mut s, "INSERT INTO well VALUES (9999, 'still writable')").await;
    ask(&mut s, "STORAGE FLUSH TABLE well").await;
    assert_eq!(ask(&mut s, "SELECT v FROM well WHERE id = 9999").await, ["still writable"], "{what}");
}

#[tokio::test]
async fn a_missing_batch_file_is_corrupt_and_other_tables_work() {
    let faults = two_tables().await;
    let path = blob(&faults, "batch-1.parquet");
    faults.delete_blob(&path).unwrap();
    expect_corrupt(&faults, &path, "missing").await;
}

#[tokio::test]
async fn a_truncated_batch_file_is_corrupt_and_other_tables_work() {
    let whole = two_tables().await;
    for keep in [0, 3, 100, 5000] {
        let faults = whole.survivors();
        let path = blob(&faults, "batch-1.parquet");
        faults.truncate_blob(&path, keep).unwrap();
        expect_corrupt(&faults, &path, &format!("cut to {keep} bytes")).await;
    }
}

#[tokio::test]
async fn an_altered_batch_file_is_corrupt_and_other_tables_work() {
    let whole = two_tables().await;
    // In its magic, its pages, and what follows them.
    for offset in [0, 4, 200, 1500, 4000] {
        let faults = whole.survivors();
        let path = blob(&faults, "batch-1.parquet");
        faults.corrupt_blob(&path, offset).unwrap();
        expect_corrupt(&faults, &path, &format!("a bit of byte {offset}")).await;
    }
}

#[tokio::test]
async fn a_damaged_deletion_vector_is_corrupt_and_brings_no_rows_back() {
    let whole = two_tables().await;
    let path = blob(&whole, "deletes-");
    for damage in ["missing", "cut", "altered"] {
        let faults = whole.survivors();
        match damage {
            "missing" => faults.delete_blob(&path).unwrap(),
            "cut" => faults.truncate_blob(&path, 10).unwrap(),
            _ => faults.corrupt_blob(&path, 20).unwrap(),
        }
        expect_corrupt(&faults, &path, damage).await;
    }
}

#[tokio::test]
async fn another_users_damage_is_not_ones_own() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for name in ["alice", "bob"] {
        ask(&mut user(&engine, name).await, &format!("INSERT INTO u VALUES (1, '{name}')")).await;
    }
    engine.flush_all().await.unwrap();
    engine.close().await.unwrap();
    let paths = faults.blob_paths();
    let path = paths.iter().find(|p| p.contains("u-alice") && p.ends_with("batch-1.parquet"));
    faults.delete_blob(path.expect("a batch file of alice")).unwrap();
    let engine = open(&faults).await;
    let error = fail(&mut user(&engine, "alice").await, "SELECT * FROM u").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(ask(&mut user(&engine, "bob").await, "SELECT * FROM u").await, ["1|bob"]);
    ask(&mut user(&engine, "bob").await, "UPDATE u SET v = 'still here'").await;
    assert_eq!(ask(&mut user(&engine, "bob").await, "SELECT * FROM u").await, ["1|still here"]);
}
