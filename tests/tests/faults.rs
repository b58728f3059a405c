//! Stores that fail in one respect: what it does not concern goes on.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::ask;
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

    let elsewhere = Stores { blobs: stores(&FaultStores::new()).blobs, ..first };
    Engine::open(elsewhere, Config::default()).await.unwrap();
}
