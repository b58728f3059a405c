//! Power cuts: a compaction and a collection cut short at every operation, before and after it took effect, and
//! once more while the store is opened and compacted again. No row is lost, none is there twice, none comes back.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine};
use firndb_tests::ask::{flushed, run};
use firndb_tests::lasting::START_MS;
use firndb_tests::losses::lose;
use firndb_tests::setting;

const MODES: [CrashMode; 2] = [CrashMode::BeforeEffect, CrashMode::AfterEffect];
const SHARED: &str = "main/t-00000001/shared";
const ROWS: &str = "SELECT v, count(*), min(id), max(id), sum(id) FROM t GROUP BY v ORDER BY v";
const COLD: [&str; 3] = ["a|36|5|79|1449", "b|20|10|29|390", "c|20|100|119|2190"];

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), setting::without_grace(Config::default())).await.unwrap()
}

/// Five files, of which two have dead rows, and what two collections have left of older ones.
async fn cold_rows(faults: &FaultStores) -> Engine {
    let engine = open(faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    for n in 0..2 {
        flushed(
            &engine,
            &format!("INSERT INTO t SELECT x * 2 + {n}, 'a' FROM generate_series(0, 39) AS g(x)"),
        )
        .await;
    }
    flushed(&engine, "DELETE FROM t WHERE id < 5").await;
    engine.compact_all().await.unwrap();
    flushed(&engine, "UPDATE t SET v = 'b' WHERE id BETWEEN 10 AND 29").await;
    flushed(&engine, "INSERT INTO t SELECT x, 'c' FROM generate_series(100, 119) AS g(x)").await;
    flushed(&engine, "DELETE FROM t WHERE id BETWEEN 61 AND 79 AND v = 'a' AND id <> 79").await;
    flushed(&engine, "DELETE FROM t WHERE id = 60").await;
    engine
}

async fn expect_rows(engine: &Engine, when: &str) {
    assert_eq!(run(engine, ROWS).await, COLD, "{when}");
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
}

/// Changes rows in old and new files, and compacts until only what is read is left.
async fn go_on(faults: &FaultStores, engine: Engine, when: &str) {
    flushed(&engine, "UPDATE t SET v = 'd' WHERE id IN (5, 12, 110)").await;
    flushed(&engine, "DELETE FROM t WHERE id IN (6, 13, 111)").await;
    let expected = ["a|34|7|79|1438", "b|18|10|29|365", "c|18|100|119|1969", "d|3|5|110|127"];
    assert_eq!(run(&engine, ROWS).await, expected, "{when}");
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, ROWS).await, expected, "{when}, compacted");
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
    drop(engine);
    let rest = faults.survivors();
    let engine = open(&rest).await;
    assert_eq!(run(&engine, ROWS).await, expected, "{when}, opened again");
    engine.compact_all().await.unwrap();
    let left = |end: &str| rest.blob_paths().into_iter().filter(|p| p.ends_with(end)).count();
    assert_eq!((left(".parquet"), left(".sum")), (1, 1), "{when}: {:?}", rest.blob_paths());
    assert!(left(".dv") <= 8, "{when}: {:?}", rest.blob_paths());
}

/// What a recovery makes of the files alone: by the manifests, and where those are lost too, by the notes.
async fn expect_recovered(faults: &FaultStores, when: &str) {
    for manifests in [true, false] {
        let rest = faults.survivors_without_kv();
        if !manifests {
            lose(&rest, &[SHARED, "/manifest"]);
        }
        let report = Engine::recover(stores(&rest), Config::default()).await.unwrap();
        assert!(report.problems.is_empty(), "{when}, manifests {manifests}: {report}");
        let engine = open(&rest).await;
        expect_rows(&engine, &format!("{when}, recovered, manifests {manifests}")).await;
    }
}

#[tokio::test]
async fn every_step_of_a_compaction_and_a_collection_cut_short_recovers() {
    let faults = FaultStores::new();
    let engine = cold_rows(&faults).await;
    expect_rows(&engine, "uncut").await;
    let before = faults.operations();
    let report = engine.compact_all().await.unwrap();
    assert!(report[0].replaced.len() == 3 && report[0].removed >= 6, "{report:?}");
    let steps = faults.operations() - before;
    println!(
        "{steps} operations, cut short before and after each: {:#?}",
        faults.log().split_off(before as usize)
    );
    drop(engine);
    for n in 1..=steps {
        for mode in MODES {
            let faults = FaultStores::new();
            let engine = cold_rows(&faults).await;
            faults.crash_after(n, mode);
            // The last steps are not part of a commit, and may be left out without a word.
            _ = engine.compact_all().await;
            assert!(faults.crashed());
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            drop(engine);
            expect_recovered(&faults, &when).await;
            let rest = faults.survivors();
            let engine = open(&rest).await;
            expect_rows(&engine, &when).await;
            go_on(&rest, engine, &when).await;
        }
    }
}

/// What a compaction leaves that is cut short after the operation, of those called so, that `which` counts.
async fn cut_after(what: &str, which: usize) -> FaultStores {
    let faults = FaultStores::new();
    let engine = cold_rows(&faults).await;
    let before = faults.operations() as usize;
    engine.compact_all().await.unwrap();
    let log = faults.log().split_off(before);
    let mut named = log.iter().enumerate().filter(|(_, operation)| operation.contains(what));
    let (at, _) = named.nth(which).unwrap();
    println!("cut after operation {} of {log:#?}", at + 1);
    let faults = FaultStores::new();
    let engine = cold_rows(&faults).await;
    faults.crash_after(at as u64 + 1, CrashMode::AfterEffect);
    _ = engine.compact_all().await;
    assert!(faults.crashed());
    faults.survivors()
}

#[tokio::test]
async fn every_step_of_compacting_again_after_a_cut_recovers() {
    for (what, which) in [
        ("kv commit strict", 1), // the claim
        ("kv commit strict", 2), // what comes before publishing
        ("/deletes-", 0),        // the deletion vectors with the note of a commit that is none
        ("/manifest-", 1),       // the manifest of a commit that is none
        ("kv commit strict", 3), // publishing
        ("kv commit strict", 5), // the files have left the manifest
    ] {
        let cut = cut_after(what, which).await;
        let probe = cut.survivors();
        let engine = open(&probe).await;
        expect_rows(&engine, "cut once").await;
        engine.compact_all().await.unwrap();
        let steps = probe.operations();
        drop(engine);
        for n in 1..=steps {
            let mode = if n % 2 == 0 { CrashMode::BeforeEffect } else { CrashMode::AfterEffect };
            let again = cut.survivors();
            again.crash_after(n, mode);
            let opened = Engine::open(stores(&again), setting::without_grace(Config::default())).await;
            if let Ok(engine) = opened {
                _ = engine.compact_all().await;
            }
            let when =
                format!("after {what} {which}, operation {n} of {steps}, {mode:?}: {:?}", again.log().last());
            expect_recovered(&again, &when).await;
            let rest = again.survivors();
            let engine = open(&rest).await;
            expect_rows(&engine, &when).await;
            go_on(&rest, engine, &when).await;
        }
    }
}

#[tokio::test]
async fn a_stalled_engine_cannot_publish_what_its_successor_removed() {
    let faults = FaultStores::new();
    let engine = cold_rows(&faults).await;
    // It has written its new file, and is about to publish it.
    let mut pause = faults.pause_at("deletes-");
    let stalled = engine.compact_all();
    let successor = async {
        pause.reached().await;
        let engine = open(&faults).await;
        engine.compact_all().await.unwrap();
        let files = |end: &str| faults.blob_paths().into_iter().filter(|p| p.ends_with(end)).count();
        assert_eq!((files(".parquet"), files(".sum")), (1, 1), "{:?}", faults.blob_paths());
        pause.release();
        engine
    };
    let (refused, engine) = futures::join!(stalled, successor);
    assert!(refused.is_err());
    expect_rows(&engine, "beside one that stalled").await;
    go_on(&faults, engine, "beside one that stalled").await;
}

#[tokio::test]
async fn a_stalled_flush_cannot_publish_what_its_successor_removed() {
    let faults = FaultStores::new();
    let engine = cold_rows(&faults).await;
    run(&engine, "UPDATE t SET v = 'd' WHERE id IN (5, 12, 110)").await;
    // It has written its batch file and deletion vectors, and is about to write its manifest.
    let mut pause = faults.pause_at("/manifest-");
    let stalled = engine.flush_all();
    let successor = async {
        pause.reached().await;
        let engine = open(&faults).await;
        let listed = faults.blob_paths();
        engine.compact_all().await.unwrap();
        let left = faults.blob_paths();
        let gone =
            |end: &str| listed.iter().filter(|path| path.ends_with(end) && !left.contains(path)).count();
        // The four that the compaction replaced, and the one that nobody lists.
        assert!(gone(".parquet") >= 4 && gone(".dv") >= 1, "{listed:?} became {left:?}");
        pause.release();
        engine
    };
    let (refused, engine) = futures::join!(stalled, successor);
    assert!(refused.is_err());
    let expected = ["a|35|6|79|1444", "b|19|10|29|378", "c|19|100|119|2080", "d|3|5|110|127"];
    assert_eq!(run(&engine, ROWS).await, expected);
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, ROWS).await, expected);
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    let engine = open(&faults.survivors()).await;
    assert_eq!(run(&engine, ROWS).await, expected);
}
