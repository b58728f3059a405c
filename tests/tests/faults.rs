//! Stores that fail in one respect: what it does not concern goes on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{Keyspace, ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, user};
use firndb_tests::lasting::START_MS;

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), Config::default()).await.unwrap()
}

/// Shared tables `a` and `b`, each with a flushed row of its name.
async fn two_tables(engine: &Engine) {
    for table in ["a", "b"] {
        let mut s = engine.session();
        ask(&mut s, &format!("CREATE SHARED TABLE {table} (id INTEGER PRIMARY KEY, v TEXT)")).await;
        ask(&mut s, &format!("INSERT INTO {table} VALUES (1, '{table}')")).await;
    }
    engine.flush_all().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_fails_neither_the_drop_nor_the_opening() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tables(&engine).await;
    ask(&mut engine.session(), "CREATE SHARED TABLE c (id INTEGER PRIMARY KEY)").await;
    faults.refuse("blob delete main/a-00000001/shared/batch-1.parquet", ErrorKind::Unavailable);
    ask(&mut engine.session(), "DROP TABLE a, c").await;
    let left = |faults: &FaultStores| -> Vec<String> {
        faults.blob_paths().into_iter().filter(|p| p.contains("/a-") || p.contains("/c-")).collect()
    };
    // The definition stays as long as a file does: a recovery has to know whose it is.
    let remains = left(&faults);
    assert!(remains.contains(&"main/a-00000001/shared/batch-1.parquet".to_owned()), "{remains:?}");
    assert!(remains.contains(&"main/a-00000001/table-2.json".to_owned()), "{remains:?}");
    assert!(!remains.iter().any(|p| p.contains("/c-") || p.ends_with(".sum")), "{remains:?}");
    drop(engine);

    let engine = open(&faults).await;
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM b").await, ["1|b"]);
    let reported = engine.step().await.unwrap_err();
    assert!(reported.to_string().contains("main.a"), "{reported}");
    ask(&mut engine.session(), "INSERT INTO b VALUES (2, 'more')").await;
    faults.refuse_nothing();
    assert!(engine.step().await.unwrap());
    assert_eq!(left(&faults), [""; 0]);
    assert!(!engine.step().await.unwrap());
}

/// Stores with a key-value store of their own over the blobs of `faults`.
fn beside(faults: &FaultStores) -> Stores {
    let blobs = stores(faults).blobs;
    Stores { blobs, rng: Arc::new(SeededRng::new(2)), ..stores(&FaultStores::new()) }
}

#[tokio::test]
async fn a_blob_store_is_of_one_key_value_store() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    let second = beside(&faults);
    let refused = Engine::open(second.clone(), Config::default()).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    assert!(refused.to_string().contains("recover"), "{refused}");
    two_tables(&engine).await;

    // The refused one is as empty as it was, and may become another store.
    let elsewhere = Stores { blobs: stores(&FaultStores::new()).blobs, ..second };
    Engine::open(elsewhere, Config::default()).await.unwrap();
}

#[tokio::test]
async fn of_two_stores_made_at_once_over_one_blob_store_one_is_refused() {
    let faults = FaultStores::new();
    let first = beside(&faults);
    // The first has seen that there is no store.json, and waits to create it.
    let mut pause = faults.pause_at("blob put store.json");
    let opening = Engine::open(first.clone(), Config::default());
    let second = async {
        pause.reached().await;
        let engine = open(&faults).await;
        pause.release();
        engine
    };
    let (refused, engine) = futures::join!(opening, second);
    let refused = refused.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    two_tables(&engine).await;
    // A key-value store with an id could not be recovered, as the refusal says that it can.
    assert_eq!(first.kv.get(Keyspace::Meta, b"store_id").await.unwrap(), None);

    let elsewhere = Stores { blobs: stores(&FaultStores::new()).blobs, ..first };
    Engine::open(elsewhere, Config::default()).await.unwrap();
}

/// `a` and `b` with hot versions of their cold rows, those of `a` damaged, and as many users with a hot row;
/// opened with `config`.
async fn damaged(faults: &FaultStores, users: usize, config: Config) -> Engine {
    let engine = open(faults).await;
    two_tables(&engine).await;
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY)").await;
    for n in 0..users {
        ask(&mut user(&engine, &format!("user{n}")).await, "INSERT INTO u VALUES (1)").await;
    }
    for table in ["a", "b"] {
        ask(&mut engine.session(), &format!("UPDATE {table} SET v = 'hot'")).await;
    }
    engine.close().await.unwrap();
    faults.truncate_blob("main/a-00000001/shared/batch-1.parquet", 10).unwrap();
    Engine::open(stores(faults), config).await.unwrap()
}

#[tokio::test]
async fn a_damaged_scope_does_not_keep_others_from_being_flushed() {
    let faults = FaultStores::new();
    let engine = damaged(&faults, 0, Config::default()).await;
    let failed = engine.flush_all().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Corrupt, "{failed}");
    assert!(failed.to_string().contains("main.a"), "{failed}");
    assert_eq!(engine.stats().flushes, 1);
    let inspected = engine.inspect(Some("b")).await.unwrap();
    assert_eq!((inspected[0].scopes[0].hot_rows, inspected[0].scopes[0].batches.len()), (0, 1));
}

#[tokio::test]
async fn a_damaged_scope_does_not_keep_background_work_from_others() {
    let faults = FaultStores::new();
    let mut config = Config::default();
    config.flush.rows = 1;
    // So many that what is damaged comes last by chance only seldom.
    let engine = damaged(&faults, 10, config).await;
    // All are in memory, where policies are looked after.
    engine.inspect(None).await.unwrap();
    let mut worked = 0;
    let failed = loop {
        match engine.step().await {
            Ok(true) => worked += 1,
            Ok(false) => panic!("the damage was passed over"),
            Err(e) => break e,
        }
    };
    assert_eq!((worked, failed.kind()), (11, ErrorKind::Corrupt), "{failed}");
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM b").await, ["1|hot"]);
}

#[tokio::test]
async fn a_copy_of_the_manifest_that_cannot_be_replaced_fails_no_flush() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tables(&engine).await;
    ask(&mut engine.session(), "UPDATE a SET v = 'changed'").await;
    faults.refuse("/manifest.json", ErrorKind::Unavailable);
    assert_eq!(engine.flush_all().await.unwrap().len(), 1);
    drop(engine);
    let engine = open(&faults).await;
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM a").await, ["1|changed"]);
    drop(engine);
    faults.refuse_nothing();
    let engine = open(&faults).await;
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM a").await, ["1|changed"]);
    let report = engine.check().await.unwrap();
    assert!(report.is_clean() && !report.notes.iter().any(|n| n.contains("manifest.json")), "{report:?}");
}

#[tokio::test]
async fn a_damaged_scope_with_nothing_hot_does_not_concern_a_flush() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    two_tables(&engine).await;
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY)").await;
    for name in ["alice", "bob"] {
        ask(&mut user(&engine, name).await, "INSERT INTO u VALUES (1)").await;
    }
    ask(&mut engine.session(), "STORAGE FLUSH TABLE u").await;
    engine.close().await.unwrap();
    faults.truncate_blob("main/u-00000003/u-alice/manifest-00000000000000000003.json", 10).unwrap();
    let engine = open(&faults).await;
    ask(&mut user(&engine, "bob").await, "INSERT INTO u VALUES (2)").await;
    assert_eq!(ask(&mut engine.session(), "STORAGE FLUSH TABLE u").await.len(), 1);
}
