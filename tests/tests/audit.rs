//! The audit log: with the effect or not at all, before the rows, and whole.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{KeyRange, Keyspace, ManualClock, SeededRng, Source, Stores, WriteBatch};
use firndb_core::{Config, Engine, ErrorKind, Role, Session, UserId};
use firndb_tests::ask::{ask, expect_clean, fail, run, settle};
use firndb_tests::lasting::{Lasting, START_MS};
use futures::{StreamExt, stream};

const LOG: &str = "SELECT subject, outcome FROM system.audit_log ORDER BY number";
const DAY_MS: i64 = 86_400_000;
const PREPARED: &str = "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT); CREATE USER alice; CREATE USER bob; \
                        CREATE USER desk ROLE service";

fn stores(faults: &FaultStores, clock: &Arc<ManualClock>) -> Stores {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    faults.stores(clock, Arc::new(SeededRng::new(1)))
}

fn desk(engine: &Engine) -> Session {
    engine.session_as(UserId::new("desk").unwrap(), Role::Service)
}

async fn with_entries(engine: &Engine) {
    run(engine, PREPARED).await;
    let mut desk = desk(engine);
    ask(&mut desk, "INSERT INTO m AS USER 'alice' VALUES (1, 'one'), (2, 'two')").await;
    ask(&mut desk, "EXECUTE AS USER 'bob' (SELECT * FROM m)").await;
    fail(&mut desk, "DELETE FROM m AS USER 'root'").await;
    ask(&mut desk, "DELETE FROM m AS USER 'alice' WHERE id = 1").await;
}

const ENTRIES: [&str; 4] = ["alice|written", "bob|read", "root|refused", "alice|written"];

#[tokio::test]
async fn the_log_outlives_the_engine_and_comes_with_a_backup() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    with_entries(&engine).await;
    engine.close().await.unwrap();
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    assert_eq!(run(&engine, LOG).await, ENTRIES);
    ask(&mut desk(&engine), "EXECUTE AS USER 'bob' (SELECT 1)").await;
    let copy = Lasting::new(2);
    engine.backup(&copy.stores(), &mut |_, _| ()).await.unwrap();
    let copied = Engine::open(copy.stores(), Config::default()).await.unwrap();
    assert_eq!(run(&copied, LOG).await.len(), ENTRIES.len() + 1);
    expect_clean(&copied).await;
}

#[tokio::test]
async fn entries_tell_of_the_versions_that_came_with_them() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    with_entries(&engine).await;
    let mut alice = engine.session_as(UserId::new("alice").unwrap(), Role::User);
    let seqs = ask(&mut alice, "SELECT _seq FROM m WHERE _deleted IN (true, false) ORDER BY _seq").await;
    let written =
        "SELECT rows, first_seq, last_seq FROM system.audit_log WHERE outcome = 'written' ORDER BY number";
    let written = run(&engine, written).await;
    // The first statement's versions were of keys 1 and 2, and the second's of key 1.
    let [first, second] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!(second, &format!("1|{}|{}", seqs[1], seqs[1]));
    assert!(first.starts_with("2|") && first.ends_with(&format!("|{}", seqs[0])), "{first} {seqs:?}");
    // Of a transaction each statement has the numbers of its table.
    let mut desk = desk(&engine);
    ask(&mut desk, "BEGIN; INSERT INTO m AS USER 'alice' VALUES (7, 'x'); INSERT INTO m AS USER 'bob' VALUES (7, 'y'); COMMIT")
        .await;
    let last = "SELECT subject, first_seq = last_seq FROM system.audit_log ORDER BY number DESC LIMIT 2";
    assert_eq!(run(&engine, last).await, ["bob|true", "alice|true"]);
}

#[tokio::test]
async fn what_is_rolled_back_leaves_what_was_read_and_refused() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, PREPARED).await;
    let mut desk = desk(&engine);
    ask(&mut desk, "BEGIN; INSERT INTO m AS USER 'alice' VALUES (1, 'kept'); SAVEPOINT s").await;
    ask(&mut desk, "INSERT INTO m AS USER 'bob' VALUES (1, 'not kept')").await;
    fail(&mut desk, "INSERT INTO m AS USER 'alice' VALUES (1, 'twice')").await;
    ask(&mut desk, "ROLLBACK TO s; EXECUTE AS USER 'bob' (SELECT count(*) FROM m); COMMIT").await;
    assert_eq!(
        run(&engine, LOG).await,
        ["alice|read", "bob|read", "alice|failed", "bob|read", "alice|written"]
    );
    ask(&mut desk, "BEGIN; INSERT INTO m AS USER 'bob' VALUES (2, 'x')").await;
    fail(&mut desk, "EXECUTE AS USER 'nobody' (SELECT 1)").await;
    ask(&mut desk, "ROLLBACK").await;
    assert_eq!(run(&engine, LOG).await.last().unwrap(), "nobody|refused");
    assert_eq!(run(&engine, LOG).await.len(), 7);
    // Rows that a write answers are read, whatever becomes of it.
    ask(&mut desk, "BEGIN; UPDATE m AS USER 'alice' SET body = 'y' RETURNING body; ROLLBACK").await;
    let last = "SELECT subject, outcome, rows FROM system.audit_log ORDER BY number DESC LIMIT 1";
    assert_eq!(run(&engine, last).await, ["alice|read|1"]);
    // So is how many there are of a kind.
    ask(&mut desk, "BEGIN; UPDATE m AS USER 'alice' SET body = body WHERE body LIKE 'q%'; ROLLBACK").await;
    assert_eq!(run(&engine, last).await, ["alice|read|0"]);
    expect_clean(&engine).await;
}

#[tokio::test]
async fn rows_loaded_in_a_transaction_that_is_rolled_back_were_answered() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, PREPARED).await;
    let mut desk = desk(&engine);
    ask(&mut desk, "BEGIN").await;
    let rows = stream::iter([Ok("1,a\n2,b\n".into())]).boxed();
    let sql = "EXECUTE AS USER 'alice' (COPY m FROM STDIN WITH (FORMAT csv, HEADER false))";
    assert_eq!(desk.copy_from(sql, Source::stream("rows.csv", rows)).await.unwrap().rows, 2);
    ask(&mut desk, "ROLLBACK").await;
    let log = "SELECT subject, outcome, rows FROM system.audit_log ORDER BY number";
    assert_eq!(run(&engine, log).await, ["alice|read|2"]);
}

#[tokio::test]
async fn each_change_that_a_subscription_tells_has_an_entry() {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(&engine, PREPARED).await;
    let mut alice = engine.session_as(UserId::new("alice").unwrap(), Role::User);
    let mut rows = desk(&engine).subscribe("EXECUTE AS USER 'alice' (SELECT * FROM m)", &[]).await.unwrap();
    ask(&mut alice, "INSERT INTO m VALUES (1, 'one')").await;
    rows.next().await.unwrap();
    ask(&mut alice, "INSERT INTO m VALUES (2, 'two')").await;
    rows.next_rows().await.unwrap();
    run(&engine, "DROP TABLE m").await;
    rows.next().await.unwrap_err();
    let log = "SELECT subject, outcome, error, rows FROM system.audit_log ORDER BY number";
    assert_eq!(
        run(&engine, log).await,
        ["alice|read|NULL|0", "alice|read|NULL|1", "alice|read|NULL|2", "alice|failed|NotFound|NULL"]
    );
    expect_clean(&engine).await;
}

#[tokio::test]
async fn nothing_is_done_and_nothing_is_shown_without_its_entry() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let engine = Engine::open(stores(&faults, &clock), Config::default()).await.unwrap();
    with_entries(&engine).await;
    faults.refuse("kv commit", ErrorKind::LimitExceeded);
    for sql in [
        "EXECUTE AS USER 'alice' (SELECT * FROM m)",
        "INSERT INTO m AS USER 'alice' VALUES (9, 'nine')",
        "DELETE FROM m AS USER 'nobody'",
        "UPDATE m AS USER 'alice' SET body = 'x' WHERE id = 77",
    ] {
        let e = fail(&mut desk(&engine), sql).await;
        assert_eq!(e.kind(), ErrorKind::LimitExceeded, "{sql}: {e}");
    }
    assert_eq!(
        desk(&engine).stream("EXECUTE AS USER 'alice' (SELECT * FROM m)", &[]).await.unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
    faults.refuse_nothing();
    assert_eq!(run(&engine, LOG).await, ENTRIES);
    expect_clean(&engine).await;
}

#[tokio::test]
async fn power_that_fails_takes_effect_and_entry_or_neither() {
    for (n, mode) in (1..60).flat_map(|n| [(n, CrashMode::BeforeEffect), (n, CrashMode::AfterEffect)]) {
        let faults = FaultStores::new();
        let clock = Arc::new(ManualClock::at_ms(START_MS));
        let engine = Engine::open(stores(&faults, &clock), Config::default()).await.unwrap();
        run(&engine, PREPARED).await;
        faults.crash_after(n, mode);
        let (mut desk, mut seen) = (desk(&engine), 0);
        for id in 0.. {
            if desk.execute(&format!("INSERT INTO m AS USER 'alice' VALUES ({id}, 'x')")).await.is_err()
                || desk.execute("EXECUTE AS USER 'bob' (SELECT 1)").await.is_err()
            {
                break;
            }
            seen += 1;
        }
        assert!(faults.crashed());
        let rest = faults.survivors();
        let engine = Engine::open(stores(&rest, &clock), Config::default()).await.unwrap();
        let mut alice = engine.session_as(UserId::new("alice").unwrap(), Role::User);
        let rows = ask(&mut alice, "SELECT count(*) FROM m").await;
        let written = run(&engine, "SELECT count(*) FROM system.audit_log WHERE outcome = 'written'").await;
        assert_eq!(rows, written, "cut at {n}, {mode:?}");
        let read = run(&engine, "SELECT count(*) FROM system.audit_log WHERE outcome = 'read'").await;
        assert!(read.concat().parse::<i32>().unwrap() >= seen, "cut at {n}, {mode:?}");
        expect_clean(&engine).await;
    }
}

#[tokio::test]
async fn a_check_finds_what_is_missing_or_changed() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    with_entries(&engine).await;
    expect_clean(&engine).await;
    let kv = lasting.stores().kv;
    let all = kv.page(Keyspace::Audit, KeyRange::all(), 100).await.unwrap();
    assert_eq!(all.len(), 5, "a head and four entries");
    for (at, (key, value)) in all.iter().enumerate() {
        for change in [
            None,
            Some(
                String::from_utf8(value.to_vec())
                    .unwrap()
                    .replace("alice", "carol")
                    .replace("bob", "eve")
                    .replace("root", "ruth")
                    .replace("\"next\":5", "\"next\":4"),
            ),
        ] {
            let mut batch = WriteBatch::new();
            match &change {
                Some(text) => batch.put(Keyspace::Audit, key.clone(), text.clone()),
                None => batch.delete(Keyspace::Audit, key.clone()),
            };
            kv.commit(batch, firndb_core::Durability::Strict).await.unwrap();
            let found = engine.check().await.unwrap().findings;
            // A head that is gone is one of an empty log, behind which nothing may lie.
            assert!(!found.is_empty(), "{at} {change:?}");
            assert!(found.iter().all(|f| f.contains("audit")), "{found:?}");
            let mut batch = WriteBatch::new();
            batch.put(Keyspace::Audit, key.clone(), value.clone());
            kv.commit(batch, firndb_core::Durability::Strict).await.unwrap();
        }
    }
    expect_clean(&engine).await;
}

#[tokio::test]
async fn entries_past_their_time_go_by_a_job_and_the_rest_stays_whole() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let mut config = Config::default();
    config.audit.retention_days = 30;
    let engine = Engine::open(stores(&faults, &clock), config).await.unwrap();
    run(&engine, PREPARED).await;
    let mut desk = desk(&engine);
    for _ in 0..1500 {
        ask(&mut desk, "EXECUTE AS USER 'bob' (SELECT 1)").await;
    }
    clock.set_ms(START_MS + 29 * DAY_MS);
    settle(&engine).await;
    ask(&mut desk, "INSERT INTO m AS USER 'alice' VALUES (1, 'kept')").await;
    assert_eq!(run(&engine, LOG).await.len(), 1501);
    clock.set_ms(START_MS + 31 * DAY_MS);
    settle(&engine).await;
    assert_eq!(run(&engine, "SELECT count(*), min(subject) FROM system.audit_log").await, ["1|alice"]);
    expect_clean(&engine).await;
    ask(&mut desk, "EXECUTE AS USER 'bob' (SELECT 1)").await;
    assert_eq!(run(&engine, "SELECT number FROM system.audit_log ORDER BY 1").await, ["1501", "1502"]);
    clock.set_ms(START_MS + 91 * DAY_MS);
    settle(&engine).await;
    assert!(run(&engine, LOG).await.is_empty());
    expect_clean(&engine).await;
}
