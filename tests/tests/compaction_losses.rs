//! Compactions and collections beside damage: what is lost is told, and what somebody may still want stays.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{fail, run, settle};
use firndb_tests::lasting::START_MS;
use firndb_tests::losses::{blobs, lose, manifest, recover, recover_by_force};
use firndb_tests::setting;

const SHARED: &str = "main/t-00000001/shared";
const SUM: &str = "SELECT count(*), sum(id), sum(v) FROM t";

async fn open_with(faults: &FaultStores, clock: &Arc<ManualClock>, config: Config) -> Engine {
    let stores = faults.stores(Arc::clone(clock) as _, Arc::new(SeededRng::new(1)));
    Engine::open(stores, setting::without_manifest_cache(config)).await.unwrap()
}

async fn open(faults: &FaultStores) -> Engine {
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    open_with(faults, &clock, setting::without_grace(Config::default())).await
}

/// Five files of twenty rows each, of which ten are dead.
async fn five_files(engine: &Engine) {
    run(engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v INTEGER)").await;
    for n in 0..5 {
        run(engine, &format!("INSERT INTO t SELECT x * 5 + {n}, 1 FROM generate_series(0, 19) AS g(x)"))
            .await;
        engine.flush_all().await.unwrap();
    }
    run(engine, "DELETE FROM t WHERE id < 10").await;
    engine.flush_all().await.unwrap();
}

const ROWS: [&str; 1] = ["90|4905|90"];

fn files(faults: &FaultStores, end: &str) -> usize {
    blobs(faults, &[SHARED]).into_iter().filter(|path| path.ends_with(end)).count()
}

#[tokio::test]
async fn rows_in_a_compacted_file_whose_note_is_lost_too_are_not_left_out_in_silence() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    five_files(&engine).await;
    engine.compact_all().await.unwrap();
    assert_eq!(files(&faults, ".parquet"), 1);
    drop(engine);
    let lost = faults.survivors_without_kv();
    lose(&lost, &[SHARED, "/manifest"]);
    lose(&lost, &[SHARED, "/deletes-"]);
    let forced = lost.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("replaces files that are gone")), "{report}");
    let engine = open(&lost).await;
    assert_eq!(fail(&mut engine.session(), SUM).await.kind(), ErrorKind::Corrupt);

    // Who goes on without has the file to look at, until a command compacts the table.
    recover_by_force(&forced).await;
    let engine = open(&forced).await;
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["0"]);
    for n in 0..40 {
        run(&engine, &format!("INSERT INTO t VALUES ({n}, 0)")).await;
        engine.flush_all().await.unwrap();
        settle(&engine).await;
    }
    assert!(engine.stats().files_collected > 0);
    let old = blobs(&forced, &[SHARED, "batch-"]);
    assert!(old.contains(&blobs(&lost, &[SHARED, ".parquet"])[0]), "{old:?}");
    run(&engine, "STORAGE COMPACT TABLE t").await;
    assert_eq!(files(&forced, ".parquet"), 1);
    assert!(!blobs(&forced, &[SHARED]).contains(&blobs(&lost, &[SHARED, ".parquet"])[0]));
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["40"]);
}

#[tokio::test]
async fn a_compaction_that_meets_a_full_disk_leaves_no_note() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    five_files(&engine).await;
    let mut pause = faults.pause_at("/deletes-");
    let full = async {
        pause.reached().await;
        faults.refuse(&format!("blob put {SHARED}/manifest-"), ErrorKind::LimitExceeded);
        pause.release();
    };
    let (compacted, ()) = futures::join!(engine.compact_all(), full);
    assert_eq!(compacted.unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!((files(&faults, ".parquet"), files(&faults, ".sum")), (5, 5));
    drop(engine);
    for manifests in [true, false] {
        let lost = faults.survivors_without_kv();
        if !manifests {
            lose(&lost, &[SHARED, "/manifest"]);
        }
        let report = recover(&lost).await;
        assert!(report.problems.is_empty(), "{report}");
        assert_eq!(run(&open(&lost).await, SUM).await, ROWS);
    }
    let engine = open(&faults.survivors()).await;
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, SUM).await, ROWS);
}

#[tokio::test]
async fn a_manifest_made_again_leaves_replaced_files_their_time() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let engine = open_with(&faults, &clock, Config::default()).await;
    five_files(&engine).await;
    engine.compact_all().await.unwrap();
    assert_eq!(files(&faults, ".parquet"), 6);
    drop(engine);
    lose(&faults, &[SHARED, "/manifest"]);
    let engine = open_with(&faults, &clock, Config::default()).await;
    assert_eq!(run(&engine, SUM).await, ROWS);
    settle(&engine).await;
    let grouped = "SELECT status, count(*) FROM system.batches GROUP BY status ORDER BY status";
    assert_eq!(run(&engine, grouped).await, ["active|1", "archived|5"]);
    run(&engine, "STORAGE COMPACT TABLE t").await;
    assert_eq!(files(&faults, ".parquet"), 6);
    clock.set_ms(START_MS + i64::try_from(Config::default().compaction.grace_ms).unwrap());
    run(&engine, "STORAGE COMPACT TABLE t").await;
    assert_eq!(files(&faults, ".parquet"), 1);
    assert_eq!(run(&engine, SUM).await, ROWS);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_does_not_keep_the_others_from_compaction() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let mut config = setting::without_grace(Config::default());
    config.compaction.automatic = false;
    let engine = open_with(&faults, &clock, config.clone()).await;
    five_files(&engine).await;
    drop(engine);
    let (_, json) = manifest(&faults, SHARED).await;
    assert_eq!(json["batches"].as_array().map(Vec::len), Some(5));
    let broken = blobs(&faults, &[SHARED, ".parquet"]).into_iter().next().unwrap();
    faults.corrupt_blob(&broken, 40).unwrap();
    config.compaction.automatic = true;
    let engine = open_with(&faults, &clock, config).await;
    // It is in memory, and no file was read.
    run(&engine, "SELECT v FROM t WHERE id = -1").await;
    let mut failed = None;
    for _ in 0..10 {
        failed = engine.step().await.err().or(failed);
    }
    assert_eq!(failed.map(|e| e.kind()), Some(ErrorKind::Corrupt));
    for n in 100..104 {
        run(&engine, &format!("INSERT INTO t SELECT x * 5 + {n}000, 1 FROM generate_series(0, 19) AS g(x)"))
            .await;
        engine.flush_all().await.unwrap();
    }
    clock.set_ms(START_MS + 3_600_000);
    settle(&engine).await;
    // The four that came later are one, the five stay until somebody looks.
    assert_eq!(files(&faults, ".parquet"), 6);
    assert_eq!(engine.stats().compactions, 1);
    // By command it is told again.
    assert_eq!(fail(&mut engine.session(), "STORAGE COMPACT TABLE t").await.kind(), ErrorKind::Corrupt);
}
