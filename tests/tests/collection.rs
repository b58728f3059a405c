//! What a compaction replaced is removed when nothing needs it any more, and not before.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{Clock, ManualClock, SeededRng};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{expect_clean, flushed, run, settle};
use firndb_tests::lasting::{Lasting, START_MS, files};
use firndb_tests::setting;
use object_store::ObjectStoreExt;

const TABLE: &str = "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, v BIGINT)";
const SUM: &str = "SELECT count(*), sum(id), sum(v) FROM t";

#[tokio::test]
async fn a_file_that_cannot_be_removed_is_tried_again() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let opened = faults.stores(Arc::clone(&clock) as _, Arc::new(SeededRng::new(1)));
    let engine = Engine::open(opened, setting::without_grace(Config::default())).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..5 {
        flushed(&engine, &format!("INSERT INTO t VALUES ({n}, 1)")).await;
    }
    faults.refuse("blob delete", ErrorKind::Unavailable);
    let error = engine.compact_all().await.unwrap_err();
    assert!(error.to_string().contains("removing"), "{error}");
    assert_eq!(run(&engine, SUM).await, ["5|10|5"]);
    let count = || faults.blob_paths().into_iter().filter(|path| path.ends_with(".parquet")).count();
    assert_eq!(count(), 6);
    faults.refuse_nothing();
    settle(&engine).await;
    clock.set_ms(clock.now_ms() + 120_000);
    for n in 10..12 {
        flushed(&engine, &format!("INSERT INTO t VALUES ({n}, 1)")).await;
    }
    settle(&engine).await;
    assert_eq!(count(), 3);
    assert_eq!(run(&engine, SUM).await, ["7|31|7"]);
}

#[tokio::test]
async fn replaced_files_stay_for_the_grace_time() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..4 {
        flushed(&engine, &format!("INSERT INTO t VALUES ({n}, 1)")).await;
    }
    settle(&engine).await;
    let statuses = "SELECT status, count(*) FROM system.batches GROUP BY status ORDER BY status";
    assert_eq!(run(&engine, statuses).await, ["active|1", "archived|4"]);
    let grace = i64::try_from(Config::default().compaction.grace_ms).unwrap();
    lasting.clock().set_ms(START_MS + grace - 1);
    settle(&engine).await;
    engine.compact_all().await.unwrap();
    assert_eq!(files(lasting.blobs(), ".parquet").await.len(), 5);
    engine.close().await.unwrap();
    // The time goes on while the store is closed.
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    assert_eq!(run(&engine, SUM).await, ["4|6|4"]);
    lasting.clock().set_ms(START_MS + grace + 1);
    let pin = engine.pin_files();
    settle(&engine).await;
    assert_eq!(files(lasting.blobs(), ".parquet").await.len(), 5, "a copy is being made");
    drop(pin);
    settle(&engine).await;
    assert_eq!(files(lasting.blobs(), ".parquet").await.len(), 1);
    assert_eq!(files(lasting.blobs(), ".sum").await.len(), 1);
    assert_eq!(run(&engine, SUM).await, ["4|6|4"]);
    expect_clean(&engine).await;
}

#[tokio::test]
async fn deletion_vectors_that_no_kept_manifest_needs_go() {
    let lasting = Lasting::new(1);
    let config = setting::without_grace(Config::default());
    let engine = Engine::open(lasting.stores(), config.clone()).await.unwrap();
    run(&engine, TABLE).await;
    flushed(&engine, "INSERT INTO t SELECT x, 0 FROM generate_series(1, 1000) AS g(x)").await;
    for n in 1..20 {
        flushed(&engine, &format!("DELETE FROM t WHERE id = {n}")).await;
    }
    assert_eq!(files(lasting.blobs(), ".dv").await.len(), 19);
    run(&engine, "INSERT INTO t VALUES (-1, 0), (-2, 0)").await;
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    // Older manifests that stay need theirs.
    for n in 20..26 {
        flushed(&engine, &format!("DELETE FROM t WHERE id = {n}")).await;
    }
    engine.compact_all().await.unwrap();
    engine.compact_all().await.unwrap();
    for n in 26..29 {
        flushed(&engine, &format!("INSERT INTO t VALUES (10{n}, 1)")).await;
    }
    engine.compact_all().await.unwrap();
    let left = files(lasting.blobs(), ".dv").await;
    assert!(left.len() <= 4, "{left:?}");
    assert_eq!(run(&engine, "SELECT count(*), min(id) FROM t").await, ["980|-2"]);
    expect_clean(&engine).await;
    engine.close().await.unwrap();
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    assert_eq!(run(&engine, "SELECT count(*), min(id) FROM t").await, ["980|-2"]);
}

/// The newest file of deletion vectors: how many there are in it, and the number of the file before it.
async fn newest_vectors(lasting: &Lasting) -> (u32, u64) {
    let number = |path: &String| path.trim_end_matches(".dv").rsplit('-').next()?.parse::<u64>().ok();
    let newest = files(lasting.blobs(), ".dv").await.into_iter().max_by_key(number).unwrap();
    let bytes = lasting.blobs().get(&newest.into()).await.unwrap().bytes().await.unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    (u32::from_le_bytes(bytes[12..16].try_into().unwrap()), number(24))
}

#[tokio::test]
async fn the_way_back_along_deletion_vectors_ends_where_a_compaction_has_them_all() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), setting::without_grace(Config::default())).await.unwrap();
    run(&engine, TABLE).await;
    flushed(&engine, "INSERT INTO t VALUES (1, 1), (2, 2)").await;
    flushed(&engine, "DELETE FROM t").await;
    assert_eq!(newest_vectors(&lasting).await, (1, u64::MAX), "the first");
    engine.compact_all().await.unwrap();
    assert_eq!(files(lasting.blobs(), ".parquet").await, [""; 0]);
    let first = files(lasting.blobs(), ".dv").await;
    flushed(&engine, "INSERT INTO t VALUES (3, 3), (4, 4), (5, 5)").await;
    flushed(&engine, "DELETE FROM t WHERE id = 3").await;
    let (vectors, previous) = newest_vectors(&lasting).await;
    assert_eq!((vectors, first), (1, vec![format!("main/t-00000001/shared/deletes-{previous}.dv")]));
    // A compaction has a vector for every live file, also for its own, which has no dead row.
    flushed(&engine, "INSERT INTO t VALUES (6, 6)").await;
    engine.compact_all().await.unwrap();
    assert_eq!(newest_vectors(&lasting).await, (1, u64::MAX));
    assert_eq!(run(&engine, SUM).await, ["3|15|15"]);
}

#[tokio::test]
async fn files_whose_names_may_be_lost_have_those_they_replaced_beside_them() {
    let settings = setting::without_grace(Config::default());
    let opened = |lasting: &Lasting| {
        let stores = lasting.stores().with_unsynced_names();
        Engine::open(stores, settings.clone())
    };
    let expected = ["80|8280|40"];
    for lose in ["nothing", "batch", "sum", "deletes", "manifest"] {
        let lasting = Lasting::new(1);
        let engine = opened(&lasting).await.unwrap();
        run(&engine, TABLE).await;
        for n in 0..4 {
            let insert = "INSERT INTO t SELECT x * 4 + $n, 0 FROM generate_series(0, 19) AS g(x)";
            flushed(&engine, &insert.replace("$n", &n.to_string())).await;
        }
        engine.close().await.unwrap();
        lasting.clock().set_ms(START_MS + 120_000);
        let engine = opened(&lasting).await.unwrap();
        assert_eq!(run(&engine, SUM).await, ["80|3160|0"]);
        let kept = files(lasting.blobs(), "").await;
        flushed(&engine, "UPDATE t SET v = 1 WHERE id < 40").await;
        engine.compact_all().await.unwrap();
        engine.compact_all().await.unwrap();
        settle(&engine).await;
        run(&engine, "DELETE FROM t WHERE id = 41").await;
        run(&engine, "INSERT INTO t VALUES (5161, 0)").await;
        assert_eq!(run(&engine, SUM).await, expected);
        engine.close().await.unwrap();
        let now = files(lasting.blobs(), "").await;
        let gone: Vec<&String> = kept.iter().filter(|f| f.contains("batch") && !now.contains(f)).collect();
        assert_eq!(gone, Vec::<&String>::new(), "the scope may have to go back to them");
        let new = now.iter().filter(|f| !kept.contains(f));
        for path in new.filter(|f| f.rsplit('/').next().unwrap().contains(lose)) {
            lasting.blobs().delete(&path.as_str().into()).await.unwrap();
        }
        for _ in 0..2 {
            let engine = opened(&lasting).await.unwrap();
            assert_eq!(run(&engine, SUM).await, expected, "{lose} lost");
            engine.flush_all().await.unwrap();
            engine.compact_all().await.unwrap();
            assert_eq!(run(&engine, SUM).await, expected, "{lose} lost");
            expect_clean(&engine).await;
            engine.close().await.unwrap();
            lasting.clock().set_ms(lasting.clock().now_ms() + 120_000);
        }
        // In the end nothing is doubtful any more, and only what is read is left.
        let engine = opened(&lasting).await.unwrap();
        run(&engine, SUM).await;
        engine.compact_all().await.unwrap();
        assert_eq!(files(lasting.blobs(), ".parquet").await.len(), 1, "{lose} lost");
    }
}
