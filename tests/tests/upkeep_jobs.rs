//! The jobs that look after files: each runs to its end, and one that is killed or cancelled leaves what was there.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng};
use firndb_core::{
    CancelToken, CollectGarbageTask, CompactTask, Config, Engine, ErrorKind, EvictManifestsTask, JobId,
    JobState, RebuildManifestTask, Task,
};
use firndb_tests::ask::{ask, fail, settle};
use firndb_tests::lasting::START_MS;
use firndb_tests::setting;

async fn open(faults: &FaultStores) -> Engine {
    let stores = faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)));
    let mut config = setting::without_grace(Config::default());
    config.compaction.automatic = false;
    Engine::open(stores, config).await.unwrap()
}

/// Six files of two tables, of which a third of the rows is dead.
async fn files(engine: &Engine) {
    let mut s = engine.session();
    for table in ["t", "u"] {
        ask(&mut s, &format!("CREATE SHARED TABLE {table} (id INTEGER PRIMARY KEY, v INTEGER)")).await;
        for n in 0..6 {
            let rows =
                format!("INSERT INTO {table} SELECT x * 6 + {n}, 0 FROM generate_series(0, 19) AS g(x)");
            ask(&mut s, &rows).await;
            engine.flush_all().await.unwrap();
        }
        ask(&mut s, &format!("DELETE FROM {table} WHERE id % 9 < 3")).await;
        engine.flush_all().await.unwrap();
    }
}

async fn expect_rows(engine: &Engine) {
    for table in ["t", "u"] {
        let found = ask(&mut engine.session(), &format!("SELECT count(*), sum(id) FROM {table}")).await;
        assert_eq!(found, ["78|4641"], "{table}");
    }
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

async fn batches(engine: &Engine) -> Vec<String> {
    let sql = "SELECT table_name, status, count(*), sum(dead_rows) FROM system.batches GROUP BY table_name, status \
               ORDER BY table_name";
    ask(&mut engine.session(), sql).await
}

fn last(engine: &Engine) -> (String, JobState) {
    engine.jobs().into_iter().next_back().map(|job| (job.kind, job.state)).unwrap()
}

#[tokio::test]
async fn each_runs_to_its_end_in_steps() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    files(&engine).await;
    let mut s = engine.session();
    let id = ask(&mut s, "SELECT id FROM system.tables WHERE name = 't'").await.concat();
    let mut one = CompactTask::default();
    one.table_id = serde_json::from_str(&id).ok();
    assert!(one.table_id.is_some(), "{id}");
    engine.enqueue(&Task::Compact(one)).await.unwrap();
    settle(&engine).await;
    assert_eq!(last(&engine), ("compact".to_owned(), JobState::Done));
    assert_eq!(batches(&engine).await, ["t|active|1|0", "u|active|6|42"]);

    engine.enqueue(&Task::Compact(CompactTask::default())).await.unwrap();
    settle(&engine).await;
    assert_eq!(batches(&engine).await, ["t|active|1|0", "u|active|1|0"]);

    // What is left of a flush that was cut short goes with a collection.
    ask(&mut s, "INSERT INTO t VALUES (1000, 0)").await;
    faults.refuse("/manifest-", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    faults.refuse_nothing();
    ask(&mut s, "DELETE FROM t WHERE id = 1000").await;
    let parquet = || faults.blob_paths().into_iter().filter(|path| path.ends_with(".parquet")).count();
    assert_eq!(parquet(), 3);
    engine.enqueue(&Task::CollectGarbage(CollectGarbageTask::default())).await.unwrap();
    settle(&engine).await;
    assert_eq!(last(&engine), ("collect_garbage".to_owned(), JobState::Done));
    assert_eq!(parquet(), 2, "{:?}", faults.blob_paths());

    // The manifest of the one is damaged, that of the other is as it was.
    let manifests =
        || faults.blob_paths().into_iter().filter(|path| path.contains("/manifest-")).collect::<Vec<_>>();
    let newest = manifests().into_iter().rfind(|path| path.contains("/t-")).unwrap();
    faults.corrupt_blob(&newest, 50).unwrap();
    engine.enqueue(&Task::RebuildManifest(RebuildManifestTask::default())).await.unwrap();
    settle(&engine).await;
    assert_eq!(last(&engine), ("rebuild_manifest".to_owned(), JobState::Done));
    let states = "SELECT table_name, state FROM system.manifests ORDER BY table_name";
    assert_eq!(ask(&mut s, states).await, ["t|rebuilt", "u|ok"]);

    let evicted = engine.stats().manifests_evicted;
    engine.enqueue(&Task::EvictManifests(EvictManifestsTask::default())).await.unwrap();
    settle(&engine).await;
    assert_eq!(last(&engine), ("evict_manifests".to_owned(), JobState::Done));
    assert_eq!(engine.stats().manifests_evicted, evicted, "all were used lately");
    expect_rows(&engine).await;
}

#[tokio::test]
async fn a_compaction_is_killed_or_cancelled_in_the_middle_and_leaves_what_was_there() {
    for kill in [true, false] {
        let faults = FaultStores::new();
        let engine = open(&faults).await;
        files(&engine).await;
        let before = batches(&engine).await;
        let mut pause = faults.pause_at(".parquet");
        let cancel = CancelToken::new();
        let mut s = engine.session();
        s.set_cancel(cancel.clone());
        let compacting = fail(&mut s, "STORAGE COMPACT ALL");
        let meanwhile = async {
            pause.reached().await;
            let running = "SELECT id, state FROM system.jobs WHERE type = 'compact'";
            assert_eq!(ask(&mut engine.session(), running).await, ["1|running"]);
            match kill {
                true => engine.kill_job(JobId(1)).await.unwrap(),
                false => cancel.cancel(),
            }
            pause.release();
        };
        let (error, ()) = futures::join!(compacting, meanwhile);
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        let state = if kill { JobState::Killed } else { JobState::Failed };
        assert_eq!(last(&engine), ("compact".to_owned(), state));
        expect_rows(&engine).await;
        let live =
            |rows: Vec<String>| rows.into_iter().map(|row| row.replace("compacting", "active")).collect();
        let now: Vec<String> = live(batches(&engine).await);
        assert_eq!(now, before);
        ask(&mut engine.session(), "STORAGE COMPACT ALL").await;
        assert_eq!(batches(&engine).await, ["t|active|1|0", "u|active|1|0"]);
        expect_rows(&engine).await;
    }
}
