//! DROP USER … ERASE: nothing of the user's rows is left in either store, wherever it is cut short.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{KeyRange, Keyspace, ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind, Role, Session, UserId};
use firndb_tests::ask::{ask, expect_clean, fail, flushed, run, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), Config::default()).await.unwrap()
}

fn session(engine: &Engine, id: &str) -> Session {
    engine.session_as(UserId::new(id).unwrap(), Role::User)
}

/// Rows of three users, hot and cold, with deletions, in three tables of two kinds.
async fn filled(engine: &Engine) {
    run(
        engine,
        "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT); CREATE USER TABLE n (id BIGINT PRIMARY KEY); \
         CREATE STREAM TABLE s (id BIGINT PRIMARY KEY) WITH (TTL_SECONDS = 3600); \
         CREATE SHARED TABLE all_of_us (id BIGINT PRIMARY KEY); INSERT INTO all_of_us VALUES (1)",
    )
    .await;
    for id in ["a", "ab", "b"] {
        let mut session = user(engine, id).await;
        ask(
            &mut session,
            "INSERT INTO m VALUES (1, 'one'), (2, 'two'), (3, 'three'); INSERT INTO s VALUES (1)",
        )
        .await;
    }
    flushed(engine, "SELECT 1").await;
    for id in ["a", "ab", "b"] {
        let mut session = session(engine, id);
        ask(
            &mut session,
            "DELETE FROM m WHERE id = 1; UPDATE m SET body = 'x' WHERE id = 2; INSERT INTO n VALUES (1)",
        )
        .await;
    }
    flushed(engine, "SELECT 1").await;
    for id in ["a", "ab", "b"] {
        ask(
            &mut session(engine, id),
            "UPDATE m SET body = 'hot' WHERE id = 3; INSERT INTO m VALUES (4, 'hot')",
        )
        .await;
    }
}

/// Keys and paths of the rows of user `a`.
async fn remains(stores: &Stores, paths: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = paths.into_iter().filter(|path| path.contains("/u-a/")).collect();
    for space in [Keyspace::Hot, Keyspace::Manifest, Keyspace::Tombstones] {
        for (key, _) in stores.kv.page(space, KeyRange::all(), 10_000).await.unwrap() {
            // table ‖ 02 ‖ text ‖ 00 00
            if key[4..].starts_with(&[2, b'a', 0, 0]) {
                found.push(format!("{} {key:02x?}", space.name()));
            }
        }
    }
    found
}

async fn expect_others(engine: &Engine) {
    for id in ["ab", "b"] {
        let rows = ask(&mut session(engine, id), "SELECT id, body FROM m ORDER BY id").await;
        assert_eq!(rows, ["2|x", "3|hot", "4|hot"], "{id}");
        assert_eq!(ask(&mut session(engine, id), "SELECT id FROM n").await, ["1"]);
        assert_eq!(ask(&mut session(engine, id), "SELECT id FROM s").await, ["1"]);
    }
    assert_eq!(run(engine, "SELECT id FROM all_of_us").await, ["1"]);
    expect_clean(engine).await;
}

const STATE: &str = "SELECT dropped_at IS NOT NULL, erased_at IS NOT NULL FROM system.users WHERE id = 'a'";

#[tokio::test]
async fn nothing_of_the_rows_is_left_and_everything_of_the_others() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    filled(&engine).await;
    assert!(remains(&stores(&faults), faults.blob_paths()).await.len() > 8);
    run(&engine, "DROP USER a ERASE").await;
    assert_eq!(remains(&stores(&faults), faults.blob_paths()).await, Vec::<String>::new());
    assert_eq!(run(&engine, STATE).await, ["true|true"]);
    expect_others(&engine).await;
    // Whatever upkeep does brings nothing back.
    run(&engine, "STORAGE FLUSH ALL; STORAGE COMPACT ALL").await;
    settle(&engine).await;
    assert_eq!(remains(&stores(&faults), faults.blob_paths()).await, Vec::<String>::new());
    assert_eq!(fail(&mut session(&engine, "a"), "SELECT 1").await.kind(), ErrorKind::PermissionDenied);
    assert_eq!(fail(&mut engine.session(), "CREATE USER a").await.kind(), ErrorKind::AlreadyExists);
    engine.close().await.unwrap();
    // Nor does a recovery from the blob store.
    let rest = faults.survivors_without_kv();
    Engine::recover(stores(&rest), Config::default()).await.unwrap();
    let engine = open(&rest).await;
    assert_eq!(run(&engine, STATE).await, ["true|true"]);
    assert_eq!(remains(&stores(&rest), rest.blob_paths()).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_cut_short_at_any_step_is_gone_on_with() {
    let mut steps = 0;
    for n in 1.. {
        let mut was_cut = false;
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let faults = FaultStores::new();
            let engine = open(&faults).await;
            filled(&engine).await;
            faults.crash_after(n, mode);
            let erased = engine.session().execute("DROP USER a ERASE").await;
            was_cut |= faults.crashed();
            assert_eq!(erased.is_err(), faults.crashed(), "{n}, {mode:?}");
            let rest = faults.survivors();
            let engine = open(&rest).await;
            settle(&engine).await;
            let state = run(&engine, STATE).await;
            match state[0].as_str() {
                // It never was.
                "false|false" => assert!(remains(&stores(&rest), rest.blob_paths()).await.len() > 8),
                state => {
                    assert_eq!(state, "true|true", "{n}, {mode:?}");
                    assert_eq!(remains(&stores(&rest), rest.blob_paths()).await, Vec::<String>::new(), "{n}");
                }
            }
            expect_others(&engine).await;
        }
        if !was_cut {
            break;
        }
        steps = n;
    }
    assert!(steps > 10, "{steps} steps");
}

#[tokio::test]
async fn who_reads_reads_to_the_end_and_who_writes_does_not() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    filled(&engine).await;
    let mut desk = engine.session();
    let mut a = session(&engine, "a");
    let mut rows = a.stream("SELECT id, body FROM m ORDER BY id", &[]).await.unwrap();
    ask(&mut desk, "BEGIN; INSERT INTO m AS USER 'a' VALUES (9, 'nine')").await;
    run(&engine, "DROP USER a ERASE").await;
    assert_eq!(run(&engine, STATE).await, ["true|false"]);
    // A transaction that wrote for the user before does not commit what would be left.
    let e = fail(&mut desk, "COMMIT").await;
    assert_eq!(
        (e.kind(), e.to_string().as_str()),
        (ErrorKind::PermissionDenied, "there is no user a in this store")
    );
    let mut count = 0;
    while let Some(batch) = rows.next().await.unwrap() {
        count += batch.num_rows();
    }
    assert_eq!(count, 3);
    drop(rows);
    settle(&engine).await;
    assert_eq!(run(&engine, STATE).await, ["true|true"]);
    assert!(lasting.files("main/m").await > 0);
    assert_eq!(
        remains(&lasting.stores(), firndb_tests::lasting::files(lasting.blobs(), "").await).await,
        Vec::<String>::new()
    );
    expect_others(&engine).await;
}
