//! Users outlive what the store outlives, are copied with it, and prove who they are.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind, Role, UserId};
use firndb_tests::ask::{ask, fail, run};
use firndb_tests::lasting::{Lasting, START_MS, files};

const ALL: &str = "SELECT id, role, has_password, dropped_at IS NULL FROM system.users ORDER BY id";

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(lasting: &Lasting) -> Engine {
    Engine::open(lasting.stores(), Config::default()).await.unwrap()
}

/// Users of every kind, and what `ALL` says of them.
async fn some(engine: &Engine) -> Vec<String> {
    run(
        engine,
        "CREATE USER alice PASSWORD 'of alice'; CREATE USER 'a/../b' ROLE service; CREATE USER gone; DROP USER gone; \
         ALTER USER root PASSWORD 'of root'",
    )
    .await;
    let all = run(engine, ALL).await;
    assert_eq!(
        all,
        [
            "a/../b|service|false|true",
            "alice|user|true|true",
            "gone|user|false|false",
            "root|system|true|true"
        ]
    );
    all
}

#[tokio::test]
async fn users_are_there_when_the_store_is_opened_again() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    let all = some(&engine).await;
    engine.close().await.unwrap();
    let engine = open(&lasting).await;
    assert_eq!(run(&engine, ALL).await, all);
    assert_eq!(files(lasting.blobs(), "system/users/").await.len(), 4);
}

#[tokio::test]
async fn a_recovery_brings_them_back_and_gives_no_id_out_again() {
    let faults = FaultStores::new();
    let engine = Engine::open(stores(&faults), Config::default()).await.unwrap();
    let all = some(&engine).await;
    engine.close().await.unwrap();
    let rest = faults.survivors_without_kv();
    let report = Engine::recover(stores(&rest), Config::default()).await.unwrap();
    assert_eq!((report.users, report.problems), (4, Vec::new()));
    let engine = Engine::open(stores(&rest), Config::default()).await.unwrap();
    assert_eq!(run(&engine, ALL).await, all);
    let again = fail(&mut engine.session(), "CREATE USER gone").await;
    assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{again}");
    assert!(engine.log_in("alice", "of alice").is_ok());
}

#[tokio::test]
async fn a_user_that_cannot_be_written_is_not_there() {
    let faults = FaultStores::new();
    let engine = Engine::open(stores(&faults), Config::default()).await.unwrap();
    run(&engine, "CREATE USER alice").await;
    faults.refuse("blob put", ErrorKind::LimitExceeded);
    for sql in ["CREATE USER bob", "ALTER USER alice SET ROLE dba", "DROP USER alice"] {
        fail(&mut engine.session(), sql).await;
    }
    faults.refuse_nothing();
    assert_eq!(run(&engine, ALL).await, ["alice|user|false|true", "root|system|false|true"]);
    run(&engine, "CREATE USER bob").await;
    engine.close().await.unwrap();
    let rest = faults.survivors_without_kv();
    Engine::recover(stores(&rest), Config::default()).await.unwrap();
    let engine = Engine::open(stores(&rest), Config::default()).await.unwrap();
    assert_eq!(
        run(&engine, "SELECT id, role FROM system.users ORDER BY id").await,
        ["alice|user", "bob|user", "root|system"]
    );
}

#[tokio::test]
async fn only_the_password_of_a_user_that_is_there_lets_in() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    some(&engine).await;
    let session = engine.log_in("alice", "of alice").unwrap();
    assert_eq!((session.subject().as_str(), session.role()), ("alice", Role::User));
    let mut refusals = Vec::new();
    for (user, password) in [
        ("alice", "of root"),
        ("alice", ""),
        ("Alice", "of alice"),
        ("a/../b", ""),
        ("gone", ""),
        ("nobody", "of alice"),
        (&"x".repeat(5000), "x"),
    ] {
        let e = engine.log_in(user, password).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::PermissionDenied);
        refusals.push(e.to_string());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "nothing tells who there is: {refusals:?}");
    run(&engine, "ALTER USER alice PASSWORD NULL").await;
    assert!(engine.log_in("alice", "of alice").is_err());
}

#[tokio::test]
async fn a_session_does_no_more_than_its_user_may_at_the_moment() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY); CREATE USER ops ROLE dba").await;
    let ops = || UserId::new("ops").unwrap();
    // Whatever the session says, the store decides; and it may say less.
    let mut more = engine.session_as(ops(), Role::System);
    let mut less = engine.session_as(ops(), Role::User);
    ask(&mut more, "STORAGE FLUSH TABLE t").await;
    assert_eq!(more.role(), Role::Dba);
    assert_eq!(fail(&mut less, "STORAGE FLUSH TABLE t").await.kind(), ErrorKind::PermissionDenied);
    run(&engine, "ALTER USER ops SET ROLE user").await;
    assert_eq!(fail(&mut more, "STORAGE FLUSH TABLE t").await.kind(), ErrorKind::PermissionDenied);
    run(&engine, "DROP USER ops").await;
    assert_eq!(fail(&mut less, "SELECT 1").await.kind(), ErrorKind::PermissionDenied);
    // Nor does a transaction that was begun before.
    let mut unknown = engine.session_as(UserId::new("unknown").unwrap(), Role::System);
    assert_eq!(fail(&mut unknown, "BEGIN").await.kind(), ErrorKind::PermissionDenied);
}
