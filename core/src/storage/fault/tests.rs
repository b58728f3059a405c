use std::sync::Arc;

use futures::executor::block_on;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

use super::{CrashMode, FaultStores};
use crate::error::ErrorKind;
use crate::storage::conformance::{blob_suite, kv_reopen_suite, kv_suite};
use crate::storage::{Keyspace, KvStore, ManualClock, SeededRng, Stores, WriteBatch};
use crate::types::Durability::{self, Relaxed, Strict};

fn open(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(0)), Arc::new(SeededRng::new(1)))
}

async fn put_kv(stores: &Stores, key: &'static str, durability: Durability) -> crate::Result<()> {
    let mut batch = WriteBatch::new();
    batch.put(Keyspace::Hot, key, key);
    stores.kv.commit(batch, durability).await
}

async fn put_blob(stores: &Stores, path: &str) -> crate::Result<()> {
    stores.blobs.put(&Path::from(path), path.to_owned().into()).await?;
    Ok(())
}

async fn keys(faults: &FaultStores) -> Vec<String> {
    let kv: Arc<dyn KvStore> = open(faults).kv;
    let pairs = kv.page(Keyspace::Hot, crate::storage::KeyRange::all(), 100).await.unwrap();
    pairs.into_iter().map(|(k, _)| String::from_utf8(k.into()).unwrap()).collect()
}

#[test]
fn without_faults_the_stores_keep_the_promises() {
    let faults = FaultStores::new();
    block_on(async {
        let stores = open(&faults);
        kv_suite(&*stores.kv).await;
        blob_suite(&*stores.blobs).await;
        kv_reopen_suite(async || open(&faults).kv).await;
    });
}

#[test]
fn relaxed_commits_survive_once_a_later_commit_is_synced() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        put_kv(&stores, "a", Relaxed).await.unwrap();
        assert_eq!(keys(&faults).await, ["a"]);
        assert_eq!(keys(&faults.survivors()).await, [""; 0]);
        put_kv(&stores, "b", Strict).await.unwrap();
        put_kv(&stores, "c", Relaxed).await.unwrap();
        assert_eq!(keys(&faults.survivors()).await, ["a", "b"]);
        stores.kv.close().await.unwrap();
        assert_eq!(keys(&faults.survivors()).await, ["a", "b", "c"]);
    });
}

#[test]
fn a_crash_comes_at_its_operation_and_leaves_what_was_synced() {
    block_on(async {
        for (mode, survive_kv, survive_blob) in
            [(CrashMode::BeforeEffect, false, false), (CrashMode::AfterEffect, true, true)]
        {
            let faults = FaultStores::new();
            let stores = open(&faults);
            put_blob(&stores, "a").await.unwrap();
            faults.crash_after(2, mode);
            put_kv(&stores, "k", Strict).await.unwrap();
            let failed = put_blob(&stores, "b").await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable);
            assert!(faults.crashed());
            for failed in [put_blob(&stores, "c").await, put_kv(&stores, "l", Strict).await] {
                assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
            }
            assert!(stores.blobs.get(&Path::from("a")).await.is_err(), "reads fail too");
            assert_eq!(faults.operations(), 3, "what comes after the crash is not counted");
            let rest = faults.survivors();
            assert_eq!(rest.blob_paths(), if survive_blob { vec!["a", "b"] } else { vec!["a"] });
            put_blob(&open(&rest), "d").await.unwrap();

            let faults = FaultStores::new();
            faults.crash_after(1, mode);
            let failed = put_kv(&open(&faults), "k", Relaxed).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable);
            assert_eq!(keys(&faults.survivors()).await.len(), usize::from(survive_kv));
        }
    });
}

#[test]
fn the_log_names_each_changing_operation() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        let path = Path::from("app/t/batch-1.parquet");
        stores.blobs.put_opts(&path, "abc".into(), PutMode::Create.into()).await.unwrap();
        stores.blobs.get(&path).await.unwrap();
        put_kv(&stores, "k", Strict).await.unwrap();
        faults.crash_after(1, CrashMode::BeforeEffect);
        stores.blobs.delete(&path).await.unwrap_err();
        let log = faults.log();
        assert_eq!(
            log,
            [
                "blob put app/t/batch-1.parquet (3 bytes, create)",
                "kv commit strict: put hot",
                "blob delete app/t/batch-1.parquet [crash before]",
            ]
        );
    });
}

#[test]
fn a_failed_sync_leaves_a_handle_that_only_reads() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        put_kv(&stores, "a", Strict).await.unwrap();
        faults.fail_sync_once();
        for key in ["b", "c"] {
            let failed = put_kv(&stores, key, Strict).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unavailable);
        }
        assert_eq!(keys(&faults).await, ["a", "b"]);
        stores.kv.close().await.unwrap();
        let rest = faults.survivors();
        assert_eq!(keys(&rest).await, ["a"]);
        put_kv(&open(&rest), "d", Strict).await.unwrap();
    });
}

#[test]
fn a_handle_may_go_on_after_a_failed_sync_without_what_it_lost() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        put_kv(&stores, "a", Strict).await.unwrap();
        faults.fail_sync_once_and_go_on();
        put_kv(&stores, "b", Strict).await.unwrap_err();
        put_kv(&stores, "c", Strict).await.unwrap();
        assert_eq!(keys(&faults).await, ["a", "b", "c"]);
        assert_eq!(keys(&faults.survivors()).await, ["a", "c"]);
    });
}

#[test]
fn what_is_refused_has_no_effect_and_the_rest_works() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        faults.refuse("put hot", ErrorKind::LimitExceeded);
        faults.refuse("blob put a", ErrorKind::Unavailable);
        let refused = put_kv(&stores, "k", Strict).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
        put_blob(&stores, "a").await.unwrap_err();
        put_blob(&stores, "b").await.unwrap();
        assert_eq!(keys(&faults).await, [""; 0]);
        assert_eq!((faults.blob_paths(), faults.operations()), (vec!["b".to_owned()], 1));
        faults.refuse_nothing();
        put_kv(&stores, "k", Strict).await.unwrap();
        put_blob(&stores, "a").await.unwrap();
    });
}

#[test]
fn blobs_can_be_damaged() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        let read =
            async |path: &str| stores.blobs.get(&Path::from(path)).await.unwrap().bytes().await.unwrap();
        put_blob(&stores, "abc").await.unwrap();
        put_blob(&stores, "def").await.unwrap();
        faults.corrupt_blob("abc", 1).unwrap();
        assert_eq!(read("abc").await, "arc");
        faults.truncate_blob("abc", 2).unwrap();
        assert_eq!(read("abc").await, "ar");
        assert_eq!(faults.corrupt_blob("abc", 2).unwrap_err().kind(), ErrorKind::InvalidInput);
        faults.delete_blob("abc").unwrap();
        assert_eq!(faults.delete_blob("abc").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(faults.blob_paths(), ["def"]);
    });
}

#[test]
fn a_pause_holds_one_operation_until_it_is_released() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        let mut pause = faults.pause_at("batch-1");
        let flush = put_blob(&stores, "batch-1.parquet");
        let update = async {
            pause.reached().await;
            put_kv(&stores, "during", Strict).await.unwrap();
            assert_eq!(faults.blob_paths(), [""; 0]);
            pause.release();
        };
        let (flushed, ()) = futures::join!(flush, update);
        flushed.unwrap();
        assert_eq!(faults.log(), ["kv commit strict: put hot", "blob put batch-1.parquet (15 bytes)"]);
        put_blob(&stores, "batch-1.parquet").await.unwrap();
        drop(faults.pause_at("never"));
        put_blob(&stores, "never").await.unwrap();
    });
}

#[test]
fn the_keys_can_be_lost_alone() {
    block_on(async {
        let faults = FaultStores::new();
        let stores = open(&faults);
        put_kv(&stores, "k", Strict).await.unwrap();
        put_blob(&stores, "b").await.unwrap();
        let rest = faults.survivors_without_kv();
        assert_eq!(keys(&rest).await, [""; 0]);
        assert_eq!(rest.blob_paths(), ["b"]);
    });
}
