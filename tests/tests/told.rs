//! What roles above `user`, who see to whole tables, are told of rows that are not theirs.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, ErrorKind, Role, Session, UserId};
use firndb_tests::ask::{ask, fail, run, session_of, user};

const TABLES: &str = "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT); \
                      CREATE SHARED TABLE secret (id BIGINT PRIMARY KEY, name TEXT) WITH (ACCESS_LEVEL = 'private')";

/// A store in which everybody has a row of their own in a file, and another in memory.
async fn filled() -> Engine {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, TABLES).await;
    let roles =
        [("alice", Role::User), ("desk", Role::Service), ("till", Role::Service), ("boss", Role::Dba)];
    for (at, (name, role)) in roles.into_iter().enumerate() {
        let mut session = session_of(&engine, name, role).await;
        ask(&mut session, &format!("INSERT INTO m VALUES ({at}, '{name}')")).await;
    }
    run(&engine, "INSERT INTO m VALUES (9, 'root'); INSERT INTO secret VALUES (7, 'Ann')").await;
    engine.flush_all().await.unwrap();
    run(&engine, "INSERT INTO secret VALUES (8, 'Bob')").await;
    engine
}

fn session(engine: &Engine, name: &str) -> Session {
    engine.session_as(UserId::new(name).unwrap(), Role::System)
}

const SCOPES: &str = "SELECT scope FROM system.scopes ORDER BY scope";
const RANGES: &str =
    "SELECT scope, min_key, max_key FROM system.batches WHERE table_name = 'm' ORDER BY scope";

#[tokio::test]
async fn scopes_of_users_who_may_do_more_are_not_told_of() {
    let engine = filled().await;
    for (name, scopes) in [
        ("alice", ["u-alice"].as_slice()),
        ("desk", &["u-alice", "u-desk", "u-till"]),
        ("boss", &["shared", "u-alice", "u-boss", "u-desk", "u-till"]),
        ("root", &["shared", "u-alice", "u-boss", "u-desk", "u-root", "u-till"]),
    ] {
        let mut session = session(&engine, name);
        assert_eq!(ask(&mut session, SCOPES).await, scopes, "{name}");
        for table in ["batches", "manifests"] {
            let sql = format!("SELECT DISTINCT scope FROM system.{table} ORDER BY scope");
            assert_eq!(ask(&mut session, &sql).await, scopes, "{name} {table}");
        }
    }
    // Also after it was dropped.
    run(&engine, "DROP USER boss").await;
    assert_eq!(ask(&mut session(&engine, "desk"), SCOPES).await, ["u-alice", "u-desk", "u-till"]);
}

#[tokio::test]
async fn values_of_keys_are_for_their_owner() {
    let engine = filled().await;
    assert_eq!(ask(&mut session(&engine, "alice"), RANGES).await, ["u-alice|0|0"]);
    assert_eq!(
        ask(&mut session(&engine, "desk"), RANGES).await,
        ["u-alice|NULL|NULL", "u-desk|1|1", "u-till|NULL|NULL"]
    );
    let mut boss = session(&engine, "boss");
    assert_eq!(
        ask(&mut boss, RANGES).await,
        ["u-alice|NULL|NULL", "u-boss|3|3", "u-desk|NULL|NULL", "u-till|NULL|NULL"]
    );
    let secret = "SELECT min_key, max_key FROM system.batches WHERE table_name = 'secret'";
    assert_eq!(ask(&mut boss, secret).await, ["7|7"]);
}

#[tokio::test]
async fn who_acts_for_somebody_is_told_of_what_is_theirs() {
    let engine = filled().await;
    for (actor, subject, key) in
        [("desk", "alice", 0), ("desk", "till", 2), ("boss", "boss", 3), ("root", "boss", 3)]
    {
        let mut actor = session(&engine, actor);
        let sql = format!("EXECUTE AS USER '{subject}' ({RANGES})");
        assert_eq!(ask(&mut actor, &sql).await, [format!("u-{subject}|{key}|{key}")]);
        let sql =
            format!("EXECUTE AS USER '{subject}' (SELECT scope FROM system.scopes WHERE table_name = 'm')");
        assert_eq!(ask(&mut actor, &sql).await, [format!("u-{subject}")]);
    }
}

#[tokio::test]
async fn upkeep_tells_a_role_of_what_it_may_read() {
    let engine = filled().await;
    let mut desk = session(&engine, "desk");
    for verb in ["FLUSH", "COMPACT", "CHECK"] {
        let e = fail(&mut desk, &format!("STORAGE {verb} TABLE secret")).await;
        assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{verb}: {e}");
    }
    run(&engine, "INSERT INTO m VALUES (10, 'root')").await;
    ask(&mut session(&engine, "alice"), "INSERT INTO m VALUES (11, 'alice')").await;
    let flushed = ask(&mut desk, "STORAGE FLUSH ALL").await;
    assert!(matches!(flushed.as_slice(), [one] if one.starts_with("main.m|u-alice|1|")), "{flushed:?}");
    let compacted = ask(&mut desk, "STORAGE COMPACT ALL").await;
    assert!(!compacted.is_empty());
    assert!(compacted.iter().all(|row| row.starts_with("main.m|u-alice|")), "{compacted:?}");
    // All was done that was to be done.
    assert_eq!(run(&engine, "SELECT count(*) FROM system.scopes WHERE hot_rows > 0").await, ["0"]);
}

#[tokio::test]
async fn the_cache_of_manifests_tells_a_user_nothing_of_when_others_read() {
    let engine = filled().await;
    let sql = "SELECT scope, etag, last_refreshed, last_accessed, ttl, source FROM system.manifest_cache";
    assert_eq!(ask(&mut session(&engine, "alice"), sql).await, ["u-alice|NULL|NULL|NULL|NULL|NULL"]);
    let shown = ask(&mut session(&engine, "boss"), sql).await;
    assert!(!shown.is_empty() && shown.iter().all(|row| !row.contains("NULL|NULL")), "{shown:?}");
}

#[tokio::test]
async fn a_view_is_read_and_replaced_by_who_may_read_what_is_under_it() {
    let engine = filled().await;
    run(
        &engine,
        "CREATE VIEW known AS SELECT count(*) AS n FROM secret WHERE name IN ('Ann', 'Bob'); \
         CREATE VIEW above AS SELECT n FROM known; CREATE VIEW plain AS SELECT body FROM m; \
         CREATE VIEW acts AS SELECT actor, subject FROM system.audit_log",
    )
    .await;
    let texts = "SELECT name, definition IS NULL FROM system.tables WHERE kind = 'VIEW' ORDER BY name";
    let standard =
        "SELECT table_name, view_definition IS NULL FROM information_schema.views ORDER BY table_name";
    let hidden = ["above|true", "acts|true", "known|true", "plain|false"];
    let shown = ["above|false", "acts|false", "known|false", "plain|false"];
    for (name, expected) in [("alice", hidden), ("desk", hidden), ("boss", shown)] {
        let mut session = session(&engine, name);
        assert_eq!(ask(&mut session, texts).await, expected, "{name}");
        assert_eq!(ask(&mut session, standard).await, expected, "{name}");
    }
    let mut desk = session(&engine, "desk");
    for sql in [
        "CREATE OR REPLACE VIEW acts AS SELECT 'nobody' AS actor, 'nobody' AS subject",
        "DROP VIEW acts",
        "DROP VIEW above",
    ] {
        let e = fail(&mut desk, sql).await;
        assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{sql}: {e}");
    }
    ask(&mut desk, "DROP VIEW plain").await;
    ask(&mut session(&engine, "boss"), "DROP VIEW acts; DROP VIEW above").await;
}

#[tokio::test]
async fn a_plan_is_for_who_may_read_the_table() {
    let engine = filled().await;
    run(&engine, "CREATE INDEX ON secret (name)").await;
    for sql in
        ["EXPLAIN SELECT * FROM secret WHERE id = 1", "EXPLAIN SELECT * FROM secret WHERE name = 'Ann'"]
    {
        let e = fail(&mut user(&engine, "alice").await, sql).await;
        assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{sql}: {e}");
    }
}
