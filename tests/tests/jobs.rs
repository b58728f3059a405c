//! Jobs: run a slice at a time, watched, killed, cut short and gone on with; and what the feed knows after old
//! tombstones were forgotten.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{Keyspace, ManualClock, SeededRng, WriteBatch};
use firndb_core::{
    Config, Durability, Engine, ErrorKind, ExpireTombstonesTask, FlushTask, JobId, JobState, Session, Task,
};
use firndb_tests::ask::{ask, fail, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};
use firndb_tests::setting;
use firndb_tests::yielding::Yields;

const HOUR_MS: i64 = 3_600_000;

async fn open(lasting: &Lasting) -> Engine {
    Engine::open(lasting.stores(), Config::default()).await.unwrap()
}

fn flush() -> Task {
    Task::Flush(FlushTask::default())
}

/// A table with hot rows of so many users.
async fn hot_rows(engine: &Engine, users: usize) {
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY)").await;
    for n in 0..users {
        ask(&mut user(engine, &format!("user{n}")).await, "INSERT INTO u VALUES (1)").await;
    }
}

/// Type, state and attempts of every job.
fn states(engine: &Engine) -> Vec<(u64, String, JobState, u32)> {
    engine.jobs().into_iter().map(|job| (job.id.0, job.kind, job.state, job.attempts)).collect()
}

#[tokio::test]
async fn a_job_is_run_a_slice_at_a_time() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    hot_rows(&engine, 4).await;
    let id = engine.enqueue(&flush()).await.unwrap();
    let later = engine.enqueue(&flush()).await.unwrap();
    assert!(later > id);
    let mut s = engine.session();
    let row = format!(
        "SELECT state, progress, error, started_at IS NULL, finished_at IS NULL FROM system.jobs WHERE id = {id}"
    );
    assert_eq!(ask(&mut s, &row).await, ["queued|0|NULL|true|true"]);
    let mut seen = Vec::new();
    while engine.jobs().iter().any(|job| job.id == id && !job.state.is_over()) {
        assert!(engine.step().await.unwrap());
        seen.push(ask(&mut s, &row).await.concat());
    }
    // It is begun, looks for the scopes, and flushes one after the other.
    let running = |progress| format!("running|{progress}|NULL|false|true");
    let expected = ["0", "0", "0.25", "0.5", "0.75"].map(running).to_vec();
    assert_eq!(seen[..5], expected);
    assert_eq!(seen[5..], ["done|1|NULL|false|false"]);
    assert_eq!(engine.stats().flushes, 4);
    settle(&engine).await;
    let flushed = |id: JobId, attempts| (id.0, "flush".to_owned(), JobState::Done, attempts);
    assert_eq!(states(&engine), [flushed(id, 1), flushed(later, 1)]);
}

#[tokio::test]
async fn a_command_is_a_job_that_can_be_watched() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    hot_rows(&engine, 2).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "STORAGE FLUSH ALL IN main").await.len(), 2);
    let rows = ask(&mut s, "SELECT type, parameters, state, progress, error, node FROM system.jobs").await;
    assert_eq!(rows, [r#"flush|{"namespace":"main"}|done|1|NULL|0"#]);
    // Another one that fails says why, and is one by itself.
    fail(&mut s, "STORAGE FLUSH ALL IN nowhere").await;
    let rows = ask(&mut s, "SELECT state, error FROM system.jobs ORDER BY id DESC LIMIT 1").await;
    assert!(rows[0].starts_with("failed|") && rows[0].contains("nowhere"), "{rows:?}");
    // Rows of jobs are there after a restart.
    drop(s);
    let engine = open(&lasting).await;
    assert_eq!(states(&engine).len(), 2);
    assert_eq!(engine.enqueue(&flush()).await.unwrap(), JobId(3));
}

#[tokio::test]
async fn an_interrupted_job_is_gone_on_with_and_not_for_ever() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    hot_rows(&engine, 3).await;
    let id = engine.enqueue(&flush()).await.unwrap().0;
    drop(engine);
    for _ in 0..3 {
        // It is begun, and its engine is gone without a word.
        assert!(open(&lasting).await.step().await.unwrap());
    }
    let engine = open(&lasting).await;
    assert_eq!(states(&engine), [(id, "flush".to_owned(), JobState::Failed, 3)]);
    assert_eq!(engine.stats().flushes, 0);
    let error = engine.jobs()[0].error.clone().unwrap();
    assert!(error.contains("begun 3 times"), "{error}");

    // Cut short in the middle, and then done.
    let id = engine.enqueue(&flush()).await.unwrap().0;
    for _ in 0..4 {
        assert!(engine.step().await.unwrap());
    }
    assert_eq!(engine.stats().flushes, 2);
    let engine = open(&lasting).await;
    assert_eq!(states(&engine)[1], (id, "flush".to_owned(), JobState::Queued, 1));
    settle(&engine).await;
    assert_eq!(states(&engine)[1], (id, "flush".to_owned(), JobState::Done, 2));
    assert_eq!(engine.stats().flushes, 1);
    assert_eq!(lasting.hot_keys().await, 0);
}

#[tokio::test]
async fn jobs_are_killed_where_they_are() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    hot_rows(&engine, 3).await;
    let (first, second) = (engine.enqueue(&flush()).await.unwrap(), engine.enqueue(&flush()).await.unwrap());
    for _ in 0..3 {
        assert!(engine.step().await.unwrap());
    }
    let mut s = engine.session();
    ask(&mut s, &format!("KILL JOB {first}")).await;
    ask(&mut s, &format!("KILL JOB {second}")).await;
    settle(&engine).await;
    let killed = |id: JobId, attempts| (id.0, "flush".to_owned(), JobState::Killed, attempts);
    assert_eq!(states(&engine), [killed(first, 1), killed(second, 0)]);
    assert_eq!(engine.stats().flushes, 1);
    let over = fail(&mut s, &format!("KILL JOB {first}")).await;
    assert_eq!(over.kind(), ErrorKind::InvalidInput);
    assert!(over.message().contains("killed already"), "{over}");
    assert_eq!(fail(&mut s, "KILL JOB 77").await.kind(), ErrorKind::NotFound);
    let alice = fail(&mut user(&engine, "alice").await, "KILL JOB 1").await;
    assert_eq!(alice.kind(), ErrorKind::PermissionDenied);
    // As it is after a restart.
    assert_eq!(states(&open(&lasting).await), [killed(first, 1), killed(second, 0)]);
}

#[tokio::test]
async fn a_command_can_be_killed_from_another_session() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(Yields::new(1).wrap(lasting.stores()), Config::default()).await.unwrap();
    hot_rows(&engine, 20).await;
    let mut flushing = engine.session();
    let kill = async {
        while engine.stats().flushes < 3 {
            tokio::task::yield_now().await;
        }
        ask(&mut engine.session(), "KILL JOB 1").await;
    };
    let (flushed, ()) = tokio::join!(flushing.execute("STORAGE FLUSH ALL"), kill);
    let error = flushed.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(states(&engine), [(1, "flush".to_owned(), JobState::Killed, 1)]);
    assert!((3..20).contains(&engine.stats().flushes));
}

#[tokio::test]
async fn a_command_whose_caller_is_gone_has_failed() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(Yields::new(1).wrap(lasting.stores()), Config::default()).await.unwrap();
    hot_rows(&engine, 20).await;
    let mut s = engine.session();
    let gone = async {
        while engine.stats().flushes < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = s.execute("STORAGE FLUSH ALL") => unreachable!(),
        () = gone => {}
    }
    let job = &engine.jobs()[0];
    assert_eq!((job.state, job.error.as_deref()), (JobState::Failed, Some("it was cut short")));
    // No step goes on with it, and neither does another engine.
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 3);
    let engine = open(&lasting).await;
    settle(&engine).await;
    let job = &engine.jobs()[0];
    assert_eq!((job.state, engine.stats().flushes), (JobState::Failed, 0));
    assert!(job.error.as_deref().unwrap().contains("statement"), "{job:?}");
}

#[tokio::test]
async fn only_so_many_jobs_are_remembered() {
    let lasting = Lasting::new(1);
    let mut config = Config::default();
    config.jobs.history_rows = 3;
    let engine = Engine::open(lasting.stores(), config.clone()).await.unwrap();
    let mut s = engine.session();
    for _ in 0..5 {
        ask(&mut s, "STORAGE FLUSH ALL").await;
    }
    let ids = |engine: &Engine| engine.jobs().iter().map(|job| job.id.0).collect::<Vec<_>>();
    assert_eq!(ids(&engine), [3, 4, 5]);
    lasting.clock().set_ms(START_MS + 169 * HOUR_MS);
    ask(&mut s, "STORAGE FLUSH ALL").await;
    assert_eq!(ids(&engine), [6]);
    assert_eq!(ids(&Engine::open(lasting.stores(), config).await.unwrap()), [6]);
}

#[tokio::test]
async fn a_job_of_a_later_version_fails_by_itself() {
    let lasting = Lasting::new(1);
    open(&lasting).await.close().await.unwrap();
    let mut batch = WriteBatch::new();
    let later = r#"{"type":"repaint","parameters":{},"state":"queued","created_ms":1,"colour":"red"}"#;
    batch.put(Keyspace::Jobs, 1_u64.to_be_bytes().to_vec(), later);
    let later = r#"{"type":"flush","parameters":{"colour":"red"},"state":"queued","created_ms":1}"#;
    batch.put(Keyspace::Jobs, 2_u64.to_be_bytes().to_vec(), later);
    batch.put(Keyspace::Jobs, 3_u64.to_be_bytes().to_vec(), "no JSON");
    lasting.stores().kv.commit(batch, Durability::Strict).await.unwrap();
    let engine = open(&lasting).await;
    settle(&engine).await;
    let jobs = engine.jobs();
    assert_eq!(jobs.len(), 2);
    for (job, word) in jobs.iter().zip(["repaint", "colour"]) {
        assert_eq!(job.state, JobState::Failed);
        assert!(job.error.as_deref().unwrap().contains(word), "{job:?}");
    }
}

#[tokio::test]
async fn who_only_reads_sees_jobs_and_makes_none() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    hot_rows(&engine, 1).await;
    engine.enqueue(&flush()).await.unwrap();
    let reading = Engine::open(lasting.stores(), setting::read_only()).await.unwrap();
    assert_eq!(states(&reading), [(1, "flush".to_owned(), JobState::Queued, 0)]);
    assert!(!reading.step().await.unwrap());
    assert_eq!(reading.enqueue(&flush()).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(reading.kill_job(JobId(1)).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    // The writer goes on.
    settle(&engine).await;
    assert_eq!(engine.stats().flushes, 1);
}

// ---- tombstones ----

const FEED: &str = "SELECT id, _deleted FROM t WHERE _deleted IN (true, false) ORDER BY id";

/// Three rows of which the second was deleted and flushed; the `_seq` of the tombstone, and one before it.
async fn with_tombstone(s: &mut Session, options: &str) -> (i64, i64) {
    ask(s, &format!("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY) {options}")).await;
    ask(s, "INSERT INTO t VALUES (1), (2), (3)").await;
    let before = ask(s, "SELECT max(_seq) FROM t").await;
    ask(s, "DELETE FROM t WHERE id = 2").await;
    ask(s, "STORAGE FLUSH ALL").await;
    assert_eq!(ask(s, FEED).await, ["1|false", "2|true", "3|false"]);
    let tombstone = ask(s, "SELECT max(_seq) FROM t WHERE _deleted").await;
    (before[0].parse().unwrap(), tombstone[0].parse().unwrap())
}

fn since(seq: i64) -> String {
    format!("SELECT id, _deleted FROM t WHERE _seq > {seq} AND _deleted IN (true, false) ORDER BY id")
}

#[tokio::test]
async fn old_tombstones_are_forgotten_and_the_feed_says_so() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    let mut s = engine.session();
    let (before, tombstone) = with_tombstone(&mut s, "").await;
    settle(&engine).await;
    lasting.clock().set_ms(START_MS + 168 * HOUR_MS);
    settle(&engine).await;
    assert_eq!(ask(&mut s, &since(before)).await, ["2|true"]);
    let none: [&str; 0] = [];
    assert_eq!(ask(&mut s, &since(tombstone)).await, none);

    lasting.clock().set_ms(START_MS + 169 * HOUR_MS + 1);
    settle(&engine).await;
    let rows = ask(&mut s, "SELECT type, state FROM system.jobs WHERE type <> 'flush'").await;
    assert_eq!(rows, ["expire_tombstones|done"]);
    for engine in [engine, open(&lasting).await] {
        let mut s = engine.session();
        assert_eq!(ask(&mut s, FEED).await, ["1|false", "3|false"]);
        let error = fail(&mut s, &since(before)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains(&format!("after _seq {tombstone}, not after {before}")), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("read the whole table again")), "{error}");
        // As a parameter too, and where it is written otherwise.
        for (condition, works) in [
            (format!("_seq > {}", tombstone - 1), false),
            (format!("_seq >= {tombstone}"), false),
            (format!("{before} < _seq"), false),
            (format!("_seq BETWEEN {before} AND {tombstone}"), false),
            (format!("_seq > {before} AND id > 1"), false),
            (format!("_seq > {tombstone}"), true),
            (format!("_seq >= {}", tombstone + 1), true),
            ("_seq > 0".to_owned(), true),
            (format!("_seq < {tombstone}"), true),
        ] {
            let sql = format!("SELECT * FROM t WHERE {condition} AND _deleted IN (true, false)");
            assert_eq!(s.execute(&sql).await.is_ok(), works, "{sql}");
        }
        let sql = "SELECT id FROM t WHERE _seq > $1 AND _deleted IN (true, false)";
        for (seq, works) in [(before, false), (tombstone, true)] {
            assert_eq!(s.query(sql, &[seq.into()]).await.is_ok(), works, "$1 = {seq}");
        }
        // Who does not ask for deletions misses none.
        assert_eq!(ask(&mut s, &format!("SELECT id FROM t WHERE _seq > {before} ORDER BY id")).await, none);
    }
}

#[tokio::test]
async fn a_table_says_how_long_its_tombstones_are_retained() {
    for (options, hours, retained) in [
        ("WITH (DELETED_RETENTION_HOURS = 24)", 23, true),
        ("WITH (DELETED_RETENTION_HOURS = 24)", 25, false),
        ("WITH (DELETED_RETENTION_HOURS = '0')", 1, false),
        ("WITH (DELETED_RETENTION_HOURS = 'forever')", 100_000, true),
        ("WITH (DELETED_RETENTION_HOURS = 'default')", 167, true),
    ] {
        let lasting = Lasting::new(1);
        let engine = open(&lasting).await;
        let (before, _) = with_tombstone(&mut engine.session(), options).await;
        lasting.clock().set_ms(START_MS + hours * HOUR_MS);
        settle(&engine).await;
        let found = engine.session().execute(&since(before)).await;
        assert_eq!(found.is_ok(), retained, "{options} after {hours} hours");
    }
    // It can be changed, and it is the last word that counts.
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    let mut s = engine.session();
    let (before, _) = with_tombstone(&mut s, "").await;
    ask(&mut s, "ALTER TABLE t SET (DELETED_RETENTION_HOURS = 1)").await;
    lasting.clock().set_ms(START_MS + 2 * HOUR_MS);
    engine.enqueue(&Task::ExpireTombstones(ExpireTombstonesTask::default())).await.unwrap();
    settle(&engine).await;
    assert_eq!(fail(&mut s, &since(before)).await.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_feed_of_each_user_has_its_own_floor() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    ask(&mut engine.session(), "CREATE USER TABLE t (id INTEGER PRIMARY KEY)").await;
    let (mut alice, mut bob) = (user(&engine, "alice").await, user(&engine, "bob").await);
    for (s, hours) in [(&mut alice, 0), (&mut bob, 100)] {
        lasting.clock().set_ms(START_MS + hours * HOUR_MS);
        ask(s, "INSERT INTO t VALUES (1)").await;
        ask(s, "DELETE FROM t").await;
        engine.flush_all().await.unwrap();
    }
    lasting.clock().set_ms(START_MS + 200 * HOUR_MS);
    settle(&engine).await;
    assert_eq!(fail(&mut alice, &since(1)).await.kind(), ErrorKind::InvalidInput);
    assert_eq!(ask(&mut bob, &since(1)).await, ["1|true"]);
    // A table that nobody flushes or deletes from has none.
    let carol = ask(&mut user(&engine, "carol").await, &since(1)).await;
    assert!(carol.is_empty());
}

/// Tombstones of more flushes than one slice forgets, some of which are not old.
#[tokio::test]
async fn many_tombstones_are_forgotten_in_slices() {
    let lasting = Lasting::new(1);
    let engine = open(&lasting).await;
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    ask(&mut s, "INSERT INTO t SELECT v FROM generate_series(1, 200) g(v)").await;
    for id in 1..=150 {
        if id == 141 {
            lasting.clock().set_ms(START_MS + 100 * HOUR_MS);
        }
        ask(&mut s, &format!("DELETE FROM t WHERE id = {id}")).await;
        engine.flush_all().await.unwrap();
    }
    lasting.clock().set_ms(START_MS + 200 * HOUR_MS);
    settle(&engine).await;
    let deleted = "SELECT count(*), min(id) FROM t WHERE _deleted";
    assert_eq!(ask(&mut s, deleted).await, ["10|141"]);
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["50"]);
    let rows = ask(&mut s, "SELECT state, progress FROM system.jobs WHERE type = 'expire_tombstones'").await;
    assert_eq!(rows, ["done|1"]);
}

#[tokio::test]
async fn forgetting_cut_short_at_any_step_leaves_no_gap() {
    let open = async |faults: &FaultStores, hours: i64| {
        let clock = Arc::new(ManualClock::at_ms(START_MS + hours * HOUR_MS));
        let stores = faults.stores(clock, Arc::new(SeededRng::new(1)));
        Engine::open(stores, Config::default()).await.unwrap()
    };
    let mut floors = Vec::new();
    for n in 1.. {
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let faults = FaultStores::new();
            let engine = open(&faults, 0).await;
            let (before, _) = with_tombstone(&mut engine.session(), "").await;
            drop(engine);
            let engine = open(&faults, 200).await;
            faults.crash_after(n, mode);
            while engine.step().await.unwrap_or(false) {}
            if !faults.crashed() {
                assert!(n > 3, "it takes more than {n} operations");
                assert!(floors.contains(&true) && floors.contains(&false), "{floors:?}");
                return;
            }
            drop(engine);
            let engine = open(&faults.survivors(), 200).await;
            let mut s = engine.session();
            let found = s.execute(&since(before)).await;
            let feed = ask(&mut s, FEED).await;
            // The tombstone is there, or who asks for it is told that it is not.
            assert_eq!(found.is_ok(), feed.contains(&"2|true".to_owned()), "{n} {mode:?}");
            floors.push(found.is_err());
            while engine.step().await.unwrap() {}
            assert_eq!(ask(&mut s, FEED).await, ["1|false", "3|false"], "{n} {mode:?}");
            assert_eq!(fail(&mut s, &since(before)).await.kind(), ErrorKind::InvalidInput);
            assert!(engine.check().await.unwrap().is_clean());
        }
    }
}
