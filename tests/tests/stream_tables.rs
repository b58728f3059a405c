//! STREAM tables against a clock that the test moves: when a row is gone, what becomes of what is gone, and that nothing
//! of it is ever a file. In memory and on the native storage. Against a model: `stream_model.rs`.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use bytes::Bytes;
use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{ManualClock, SeededRng, Source};
use firndb_core::{Config, Engine, ErrorKind, JobState};
use firndb_tests::ask::{affected, ask, expect_clean, fail, run, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};
use firndb_tests::setting;
use firndb_tests::streamed::{ALL, CREATE, NONE, Place, TTL_MS, blocks};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;

/// The files of the store but for definitions, users and its own.
async fn data_files(blobs: &dyn ObjectStore) -> Vec<String> {
    let listed: Vec<_> = blobs.list(None).try_collect().await.unwrap();
    let names = listed.into_iter().map(|object| object.location.to_string());
    names.filter(|name| name.matches('/').count() > 2 || name.contains("/batch-")).collect()
}

fn seldom() -> Config {
    let mut config = Config::default();
    // Nothing is evicted but by a test that waits so long.
    config.stream.eviction_interval_seconds = 3_600;
    config.stream.eviction_commits = 1_000;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_there_to_the_last_millisecond_and_gone_with_the_next() {
    for place in Place::each() {
        let (engine, stores) = place.open(seldom()).await;
        let mut s = engine.session();
        ask(&mut s, CREATE).await;
        ask(&mut s, "INSERT INTO typing VALUES (1, 'ann'), (2, 'bob'), (3, 'cat')").await;
        ask(&mut s, "DELETE FROM typing WHERE id = 3").await;
        let feed = "SELECT id, _deleted FROM typing WHERE _seq > 0 AND _deleted IN (true, false) ORDER BY id";
        let reads = [
            (ALL, vec!["1|ann", "2|bob"]),
            ("SELECT who FROM typing WHERE id = 1", vec!["ann"]),
            ("SELECT who FROM typing WHERE id IN (1, 2) ORDER BY id", vec!["ann", "bob"]),
            ("SELECT who FROM typing WHERE who > 'b'", vec!["bob"]),
            ("SELECT a.id FROM typing a JOIN typing b ON a.id = b.id ORDER BY 1", vec!["1", "2"]),
            ("SELECT id FROM typing WHERE id = 1 AND _seq > 0", vec!["1"]),
            (feed, vec!["1|false", "2|false", "3|true"]),
        ];
        place.set_ms(TTL_MS - 1);
        for (sql, rows) in &reads {
            assert_eq!(ask(&mut s, sql).await, *rows, "{sql}");
        }
        assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["2"]);
        assert_eq!(fail(&mut s, "INSERT INTO typing VALUES (1, 'x')").await.kind(), ErrorKind::Constraint);
        place.set_ms(TTL_MS);
        for (sql, _) in &reads {
            assert_eq!(ask(&mut s, sql).await, NONE, "{sql}");
        }
        assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["0"]);
        assert_eq!(affected(&mut s, "UPDATE typing SET who = 'x'").await, 0);
        assert_eq!(affected(&mut s, "UPDATE typing SET who = 'x' WHERE id = 1").await, 0);
        assert_eq!(affected(&mut s, "DELETE FROM typing WHERE id = 2").await, 0);
        let mut csv = s.copy_to("COPY typing TO STDOUT (FORMAT csv)", &[]).await.unwrap();
        assert!(csv.next().await.unwrap().is_none());
        let analyzed = ask(&mut s, &format!("EXPLAIN ANALYZE {ALL}")).await.join("\n");
        assert!(analyzed.contains("hot_rows=0"), "{analyzed}");
        // It was all in the store all the time.
        assert_eq!(blocks(stores.kv.as_ref()).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_key_is_free_and_whatever_writes_gives_a_new_life() {
    for place in Place::each() {
        let (engine, _) = place.open(seldom()).await;
        let mut s = engine.session();
        ask(&mut s, CREATE).await;
        ask(&mut s, "INSERT INTO typing VALUES (1, 'first'), (2, 'second'), (3, 'third')").await;
        place.set_ms(20_000);
        assert_eq!(affected(&mut s, "UPDATE typing SET who = 'renewed' WHERE id = 2").await, 1);
        place.set_ms(TTL_MS);
        assert_eq!(ask(&mut s, ALL).await, ["2|renewed"]);
        // An expired row is no conflict, and not the row that DO UPDATE finds.
        let upsert = "INSERT INTO typing VALUES (1, 'again'), (2, 'kept') ON CONFLICT (id) DO NOTHING";
        assert_eq!(affected(&mut s, upsert).await, 1);
        let upsert =
            "INSERT INTO typing VALUES (3, 'new') ON CONFLICT (id) DO UPDATE SET who = typing.who || '!'";
        assert_eq!(affected(&mut s, upsert).await, 1);
        assert_eq!(ask(&mut s, ALL).await, ["1|again", "2|renewed", "3|new"]);
        place.set_ms(49_999);
        assert_eq!(ask(&mut s, ALL).await, ["1|again", "2|renewed", "3|new"]);
        place.set_ms(50_000);
        // The version that 2 had before is not shown in place of the one that is over.
        assert_eq!(ask(&mut s, ALL).await, ["1|again", "3|new"]);
        assert_eq!(affected(&mut s, "INSERT INTO typing VALUES (2, 'anew')").await, 1);
        place.set_ms(60_000);
        assert_eq!(ask(&mut s, ALL).await, ["2|anew"]);
    }
}

#[tokio::test]
async fn each_statement_of_a_transaction_has_its_own_time_and_what_it_wrote_does_not_expire() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, _) = place.open(seldom()).await;
    let (mut s, mut other) = (engine.session(), engine.session());
    ask(&mut s, CREATE).await;
    ask(&mut s, "INSERT INTO typing VALUES (1, 'old'), (2, 'older')").await;
    place.set_ms(10_000);
    ask(&mut s, "BEGIN; INSERT INTO typing VALUES (3, 'own'); UPDATE typing SET who = 'mine' WHERE id = 2")
        .await;
    assert_eq!(ask(&mut s, ALL).await, ["1|old", "2|mine", "3|own"]);
    place.set_ms(100_000);
    assert_eq!(ask(&mut s, ALL).await, ["2|mine", "3|own"]);
    assert_eq!(ask(&mut s, "SELECT who FROM typing WHERE id = 3").await, ["own"]);
    assert_eq!(affected(&mut s, "UPDATE typing SET who = 'x' WHERE id = 1").await, 0);
    assert_eq!(
        fail(&mut other, "INSERT INTO typing VALUES (1, 'a'), (1, 'b')").await.kind(),
        ErrorKind::Constraint
    );
    ask(&mut s, "COMMIT").await;
    // Its life begins with the commit.
    place.set_ms(129_999);
    assert_eq!(ask(&mut s, ALL).await, ["2|mine", "3|own"]);
    place.set_ms(130_000);
    assert_eq!(ask(&mut s, ALL).await, NONE);

    // Who is second still conflicts, though what the first wrote has expired, and would have been evicted.
    ask(&mut s, "INSERT INTO typing VALUES (7, 'base')").await;
    ask(&mut s, "BEGIN; UPDATE typing SET who = 'second' WHERE id = 7").await;
    ask(&mut other, "UPDATE typing SET who = 'first' WHERE id = 7").await;
    place.set_ms(130_000 + 2 * 3_600_000);
    ask(&mut s, "SELECT 1").await;
    settle(&engine).await;
    assert_eq!(fail(&mut s, "COMMIT").await.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn each_user_has_rows_of_its_own() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, _) = place.open(seldom()).await;
    ask(&mut engine.session(), CREATE).await;
    let (mut ann, mut bob) = (user(&engine, "ann").await, user(&engine, "bob").await);
    ask(&mut ann, "INSERT INTO typing VALUES (1, 'ann')").await;
    ask(&mut bob, "INSERT INTO typing VALUES (1, 'bob')").await;
    assert_eq!(ask(&mut ann, ALL).await, ["1|ann"]);
    assert_eq!(ask(&mut bob, ALL).await, ["1|bob"]);
    assert_eq!(ask(&mut engine.session(), ALL).await, NONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_evict_what_has_expired_so_much_at_a_time() {
    for place in Place::each() {
        let mut config = Config::default();
        config.stream.eviction_commits = 4;
        let (engine, stores) = place.open(config.clone()).await;
        let mut s = engine.session();
        ask(&mut s, CREATE).await;
        for id in 0..10 {
            ask(&mut s, &format!("INSERT INTO typing VALUES ({id}, 'x')")).await;
        }
        ask(&mut user(&engine, "ann").await, "INSERT INTO typing VALUES (1, 'ann')").await;
        place.set_ms(20_000);
        ask(&mut s, "INSERT INTO typing VALUES (10, 'late')").await;
        place.set_ms(TTL_MS - 1);
        settle(&engine).await;
        assert_eq!(blocks(stores.kv.as_ref()).await, 12, "nothing has expired");
        // The search comes again after the interval.
        place.set_ms(45_000);
        settle(&engine).await;
        assert_eq!(blocks(stores.kv.as_ref()).await, 12, "it was done lately");
        place.set_ms(49_000);
        let engine = {
            // Scopes that are not in memory are found too.
            engine.close().await.unwrap();
            drop((s, engine, stores));
            let (engine, stores) = place.open(config.clone()).await;
            let mut seen = Vec::new();
            while engine.step().await.unwrap() {
                seen.push(blocks(stores.kv.as_ref()).await);
            }
            assert!(seen.windows(2).all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] <= 4), "{seen:?}");
            assert_eq!(seen.last(), Some(&1), "{seen:?}");
            assert_eq!(engine.stats().blocks_expired, 11);
            engine
        };
        let jobs = engine.jobs().into_iter().map(|job| (job.kind, job.state)).collect::<Vec<_>>();
        assert_eq!(jobs, [("evict_expired".to_owned(), JobState::Done)]);
        assert_eq!(run(&engine, ALL).await, ["10|late"]);
        expect_clean(&engine).await;
        engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn who_only_writes_keeps_the_store_small_without_any_step() {
    let place = Place::Memory(Lasting::new(1));
    let mut config = Config::default();
    config.stream.eviction_commits = 8;
    let (engine, stores) = place.open(config).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    // One a second: thirty are alive, and fewer than eight, or those of a minute, wait for their eviction.
    for second in 0..600 {
        place.set_ms(second * 1000);
        ask(&mut s, &format!("INSERT INTO typing VALUES ({second}, 'x')")).await;
        let kept = blocks(stores.kv.as_ref()).await;
        assert!(kept <= 30 + 8, "{kept} blocks after {second} s");
    }
    assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["30"]);
    let hot = engine.inspect(Some("typing")).await.unwrap().remove(0).scopes.remove(0).hot_rows;
    assert!(hot <= 38, "{hot} versions in memory");
    assert!(engine.jobs().is_empty());
}

#[tokio::test]
async fn few_expired_rows_go_with_a_write_that_comes_long_after() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, stores) = place.open(Config::default()).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    ask(&mut s, "INSERT INTO typing VALUES (1, 'x')").await;
    place.set_ms(TTL_MS + 59_999);
    ask(&mut s, "INSERT INTO typing VALUES (2, 'x')").await;
    assert_eq!(blocks(stores.kv.as_ref()).await, 2);
    place.set_ms(TTL_MS + 60_000);
    ask(&mut s, "INSERT INTO typing VALUES (3, 'x')").await;
    assert_eq!(blocks(stores.kv.as_ref()).await, 2);
    assert_eq!(ask(&mut s, ALL).await, ["2|x", "3|x"]);
}

/// A clock that goes back shows again what had expired and is still there; what an eviction has begun on is gone.
#[tokio::test]
async fn a_clock_that_is_set_back_does_not_show_what_is_being_evicted() {
    let place = Place::Memory(Lasting::new(1));
    let mut config = Config::default();
    config.stream.eviction_commits = 4;
    let (engine, _) = place.open(config).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    for id in 0..10 {
        ask(&mut s, &format!("INSERT INTO typing VALUES ({id}, 'x')")).await;
    }
    place.set_ms(TTL_MS);
    assert_eq!(ask(&mut s, ALL).await, NONE);
    place.set_ms(1);
    assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["10"]);
    place.set_ms(TTL_MS);
    while engine.stats().blocks_expired == 0 {
        assert!(engine.step().await.unwrap());
    }
    assert_eq!(engine.stats().blocks_expired, 4, "half way");
    place.set_ms(1);
    assert_eq!(ask(&mut s, ALL).await, NONE);
    assert_eq!(ask(&mut s, "SELECT id FROM typing WHERE id = 9").await, NONE);
    // What is written has a `_seq` above all there were, and so a life no shorter than by the clock.
    ask(&mut s, "INSERT INTO typing VALUES (9, 'again')").await;
    assert_eq!(ask(&mut s, ALL).await, ["9|again"]);
}

/// A block whose rows were written in different milliseconds goes when the last of them has expired.
#[tokio::test]
async fn a_block_that_reaches_into_what_is_alive_stays_whole() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, stores) = place.open(Config::default()).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    // 4096 numbers are those of one millisecond.
    ask(&mut s, "INSERT INTO typing SELECT v, 'x' FROM generate_series(1, 10000) AS g(v)").await;
    for (after_ms, alive, kept) in [(0, 5904, 1), (1, 1808, 1), (2, 0, 0)] {
        // Each time a search is due, because the store is opened anew.
        place.set_ms(TTL_MS + after_ms);
        let (engine, stores) = place.open(Config::default()).await;
        settle(&engine).await;
        assert_eq!(run(&engine, "SELECT count(*) FROM typing").await, [alive.to_string()]);
        assert_eq!(blocks(stores.kv.as_ref()).await, kept, "{after_ms} ms");
    }
    drop(stores);
}

#[tokio::test]
async fn an_eviction_cut_short_at_any_step_is_gone_on_with() {
    let open = async |faults: &FaultStores, after_ms: i64| {
        let stores =
            faults.stores(Arc::new(ManualClock::at_ms(START_MS + after_ms)), Arc::new(SeededRng::new(1)));
        let mut config = Config::default();
        config.stream.eviction_commits = 3;
        (Engine::open(stores.clone(), config).await, stores)
    };
    let mut halves = 0;
    for n in 1.. {
        let mut came = false;
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let faults = FaultStores::new();
            let engine = open(&faults, 0).await.0.unwrap();
            ask(&mut engine.session(), CREATE).await;
            for id in 0..10 {
                run(&engine, &format!("INSERT INTO typing VALUES ({id}, 'x')")).await;
            }
            engine.close().await.unwrap();
            let engine = open(&faults, 20_000).await.0.unwrap();
            run(&engine, "INSERT INTO typing VALUES (10, 'late')").await;
            engine.close().await.unwrap();
            let engine = open(&faults, 45_000).await.0.unwrap();
            faults.crash_after(n, mode);
            while let Ok(true) = engine.step().await {}
            came |= faults.crashed();
            drop(engine);

            let rest = faults.survivors();
            let (engine, stores) = open(&rest, 45_000).await;
            let engine = engine.unwrap();
            let left = blocks(stores.kv.as_ref()).await;
            halves += usize::from(left > 1 && left < 11);
            assert_eq!(run(&engine, ALL).await, ["10|late"], "crash {n} {mode:?}");
            settle(&engine).await;
            assert_eq!(blocks(stores.kv.as_ref()).await, 1, "crash {n} {mode:?}, {left} blocks left");
            assert_eq!(run(&engine, ALL).await, ["10|late"]);
            expect_clean(&engine).await;
        }
        if !came {
            break;
        }
    }
    assert!(halves > 2, "no eviction was cut short half way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_stream_table_becomes_a_file() {
    for place in Place::each() {
        let mut config = setting::hot_bytes(10_000);
        config.flush.rows = 10;
        config.flush.bytes = 1_000;
        config.flush.min_rows = 1;
        config.load.rows = 50;
        config.hot.scopes = 2;
        let (engine, stores) = place.open(config.clone()).await;
        let mut s = engine.session();
        ask(&mut s, CREATE).await;
        ask(&mut s, "INSERT INTO typing SELECT v, repeat('x', 500) FROM generate_series(1, 100) AS g(v)")
            .await;
        let rows: String = (101..=300).map(|id| format!("{id},copied\n")).collect();
        let source = Source::stream("rows.csv", stream::iter([Ok(Bytes::from(rows))]).boxed());
        assert_eq!(s.copy_from("COPY typing FROM STDIN (FORMAT csv)", source).await.unwrap().rows, 200);
        for n in 0..5 {
            let insert = "INSERT INTO typing SELECT v, repeat('y', 500) FROM generate_series(1, 20) AS g(v)";
            ask(&mut user(&engine, &format!("user{n}")).await, insert).await;
        }
        settle(&engine).await;
        for what in ["STORAGE FLUSH ALL", "STORAGE FLUSH ALL IN main", "STORAGE COMPACT ALL"] {
            assert_eq!(ask(&mut s, what).await, NONE, "{what}");
        }
        assert!(engine.flush_all().await.unwrap().is_empty());
        for what in ["STORAGE FLUSH TABLE typing", "STORAGE COMPACT TABLE typing"] {
            let error = fail(&mut s, what).await;
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().contains("main.typing is a STREAM table and has no files"), "{error}");
        }
        assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["300"]);
        assert_eq!(engine.stats().flushes, 0);
        assert!(engine.stats().scopes_evicted > 0, "the budget of memory asked for nothing");
        assert_eq!(data_files(stores.blobs.as_ref()).await, NONE);
        expect_clean(&engine).await;
        drop(s);
        engine.close().await.unwrap();
        drop((engine, stores));

        let (engine, stores) = place.open(config).await;
        let mut s = engine.session();
        assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["300"]);
        assert_eq!(ask(&mut user(&engine, "user3").await, "SELECT count(*) FROM typing").await, ["20"]);
        ask(&mut s, "ALTER TABLE typing ADD COLUMN more INTEGER DEFAULT 5").await;
        assert_eq!(ask(&mut s, "SELECT sum(more) FROM typing").await, ["1500"]);
        ask(&mut s, "TRUNCATE typing").await;
        assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["0"]);
        assert_eq!(blocks(stores.kv.as_ref()).await, 0);
        ask(&mut s, "INSERT INTO typing VALUES (1, 'a', 1); DROP TABLE typing").await;
        settle(&engine).await;
        assert_eq!(blocks(stores.kv.as_ref()).await, 0);
        assert_eq!(data_files(stores.blobs.as_ref()).await, NONE);
        drop(s);
        engine.close().await.unwrap();
    }
}

/// A query that began when a row was alive sees it in each of its parts, whatever is evicted beside it.
#[tokio::test]
async fn a_statement_that_runs_holds_evictions_back() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let stores = faults.stores(Arc::clone(&clock) as _, Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores.clone(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    ask(&mut s, "CREATE SHARED TABLE c (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO c VALUES (5, 'cold'); STORAGE FLUSH TABLE c; UPDATE c SET v = 'hot'").await;
    ask(&mut s, "INSERT INTO typing VALUES (1, 'x')").await;
    clock.set_ms(START_MS + TTL_MS - 1);
    // Which row of the file the hot one hides is read while the query is planned.
    let mut pause = faults.pause_at("blob get main/c-");
    let query = "SELECT id FROM typing UNION ALL SELECT id FROM c UNION ALL SELECT id FROM typing ORDER BY 1";
    let mut reader = engine.session();
    let reading = ask(&mut reader, query);
    let before = blocks(stores.kv.as_ref()).await;
    let meanwhile = async {
        pause.reached().await;
        clock.set_ms(START_MS + TTL_MS + 120_000);
        settle(&engine).await;
        assert_eq!(engine.stats().blocks_expired, 0);
        assert_eq!(blocks(stores.kv.as_ref()).await, before);
        // A statement that begins goes by its own time.
        assert_eq!(run(&engine, ALL).await, NONE);
        pause.release();
    };
    let (rows, ()) = futures::join!(reading, meanwhile);
    assert_eq!(rows, ["1", "1", "5"]);
    clock.set_ms(START_MS + TTL_MS + 240_000);
    settle(&engine).await;
    assert_eq!(engine.stats().blocks_expired, 1);
}

/// A transaction that nobody goes on with does not keep expired rows for ever, also where nobody takes steps.
#[tokio::test]
async fn an_idle_transaction_holds_evictions_back_for_a_time() {
    let place = Place::Memory(Lasting::new(1));
    let mut config = Config::default();
    config.stream.eviction_commits = 8;
    let idle_ms = i64::try_from(config.transaction.idle_ms).unwrap();
    let (engine, stores) = place.open(config).await;
    let (mut s, mut idle) = (engine.session(), engine.session());
    ask(&mut s, CREATE).await;
    ask(&mut idle, "BEGIN").await;
    let mut insert = async |from_ms: i64, count: i64| {
        for n in 0..count {
            place.set_ms(from_ms + n * 1000);
            ask(
                &mut s,
                &format!("INSERT INTO typing VALUES ({n}, 'x') ON CONFLICT (id) DO UPDATE SET who = 'y'"),
            )
            .await;
        }
        blocks(stores.kv.as_ref()).await
    };
    assert_eq!(insert(0, 100).await, 100, "it may still conflict with what was written since");
    assert!(insert(idle_ms + 1_000, 60).await < 60);
    assert_eq!(fail(&mut idle, "SELECT 1").await.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_copy_that_does_not_fit_memory_is_refused_and_loads_nothing() {
    let place = Place::Memory(Lasting::new(1));
    let mut config = Config::default();
    config.query.memory_bytes = 4 << 20;
    config.load.rows = 1_000;
    let (engine, _) = place.open(config).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    let rows =
        |count: i32| -> String { (0..count).map(|id| format!("{id},{}\n", "x".repeat(100))).collect() };
    let source = |rows: String| {
        let pieces = rows
            .into_bytes()
            .chunks(64 << 10)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect::<Vec<_>>();
        Source::stream("rows.csv", stream::iter(pieces).boxed())
    };
    let sql = "COPY typing FROM STDIN (FORMAT csv)";
    let error = s.copy_from(sql, source(rows(100_000))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.message().contains("at once in a STREAM table"), "{error}");
    assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["0"]);
    assert_eq!(s.copy_from(sql, source(rows(10_000))).await.unwrap().rows, 10_000);
    assert_eq!(ask(&mut s, "SELECT count(*) FROM typing").await, ["10000"]);
}

#[tokio::test]
async fn the_life_of_rows_is_changed_and_nothing_comes_back() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, _) = place.open(seldom()).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    ask(&mut s, "INSERT INTO typing VALUES (1, 'x')").await;
    place.set_ms(20_000);
    ask(&mut s, "INSERT INTO typing VALUES (2, 'x')").await;
    place.set_ms(TTL_MS);
    ask(&mut s, "ALTER TABLE typing SET (TTL_SECONDS = 100)").await;
    assert_eq!(ask(&mut s, ALL).await, ["2|x"], "1 had expired");
    place.set_ms(119_999);
    assert_eq!(ask(&mut s, ALL).await, ["2|x"]);
    ask(&mut s, "ALTER TABLE typing SET (TTL_SECONDS = 99)").await;
    assert_eq!(ask(&mut s, ALL).await, NONE);
    ask(&mut s, "ALTER TABLE typing SET (TTL_SECONDS = 1000)").await;
    let (engine, _) = place.open(seldom()).await;
    assert_eq!(run(&engine, ALL).await, NONE, "nor after it is opened again");
    let ttl = "SELECT kind, ttl_seconds, compression FROM system.tables WHERE name = 'typing'";
    assert_eq!(run(&engine, ttl).await, ["STREAM|1000|NULL"]);
}

#[tokio::test]
async fn copies_have_what_is_alive_and_it_goes_on_expiring_there() {
    let place = Place::Memory(Lasting::new(1));
    let (engine, _) = place.open(seldom()).await;
    let mut s = engine.session();
    ask(&mut s, CREATE).await;
    ask(&mut s, "INSERT INTO typing VALUES (1, 'x')").await;
    place.set_ms(20_000);
    ask(&mut s, "INSERT INTO typing VALUES (2, 'x')").await;
    let target = Lasting::new(2);
    let report = engine.backup(&target.stores(), &mut |_, _| ()).await.unwrap();
    assert_eq!((report.files, report.damage.len()), (1, 0), "the definition: {report:?}");
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    let loaded = Lasting::new(3);
    loaded.clock().set_ms(START_MS + TTL_MS);
    target.clock().set_ms(START_MS + TTL_MS);
    let copy = Engine::open(target.stores(), seldom()).await.unwrap();
    assert_eq!(run(&copy, ALL).await, ["2|x"]);
    let copy = Engine::load(loaded.stores(), seldom(), &mut archive.as_slice()).await.unwrap();
    assert_eq!(run(&copy, ALL).await, ["2|x"]);
    loaded.clock().set_ms(START_MS + 50_000);
    assert_eq!(run(&copy, ALL).await, NONE);
}

#[tokio::test]
async fn a_recovery_brings_the_table_back_empty_and_says_so() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let stores = |faults: &FaultStores| faults.stores(Arc::clone(&clock) as _, Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores(&faults), Config::default()).await.unwrap();
    run(&engine, CREATE).await;
    run(&engine, "INSERT INTO typing VALUES (1, 'x'); ALTER TABLE typing SET (TTL_SECONDS = 60)").await;
    let rest = faults.survivors_without_kv();
    let report = Engine::recover(stores(&rest), Config::default()).await.unwrap();
    assert_eq!((report.tables, report.problems), (vec!["main.typing".to_owned()], Vec::new()));
    let note = "main.typing: rows of a STREAM table are never in files; it is empty";
    assert_eq!(report.notes, [note]);
    let engine = Engine::open(stores(&rest), Config::default()).await.unwrap();
    assert_eq!(run(&engine, ALL).await, NONE);
    assert_eq!(run(&engine, "SELECT kind, ttl_seconds FROM system.tables").await, ["STREAM|60"]);
    run(&engine, "INSERT INTO typing VALUES (1, 'again')").await;
    assert_eq!(run(&engine, ALL).await, ["1|again"]);
}
