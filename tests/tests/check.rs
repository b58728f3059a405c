//! What `STORAGE CHECK` finds that no checksum tells: a manifest that lies, keys that are visible twice; and what it says
//! of files that nothing refers to.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::storage::fault::FaultStores;
use firndb_core::{CancelToken, ErrorKind};
use firndb_tests::ask::{ask, fail, run};
use firndb_tests::losses::{blobs, lose, manifest, open, read, recover, signed, write};

const SHARED: &str = "main/t-00000001/shared";

/// Two files with two vectors, of which the newer has all.
async fn two_files() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT, f REAL)").await;
    run(&engine, "INSERT INTO t SELECT v, 'row ' || v, v FROM generate_series(10, 40) AS g(v)").await;
    engine.flush_all().await.unwrap();
    run(&engine, "UPDATE t SET v = 'changed' WHERE id = 11").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id = 12").await;
    engine.flush_all().await.unwrap();
    faults
}

/// The findings where the newest manifest says `to` instead of `from`, as if its writer had meant it.
async fn findings(from: &str, to: &str) -> Vec<String> {
    let lost = two_files().await.survivors_without_kv();
    let (newest, _) = manifest(&lost, SHARED).await;
    let text = String::from_utf8(read(&lost, &newest).await.to_vec()).unwrap();
    let altered = text.replacen(from, to, 1);
    assert_ne!(altered, text, "{from} in {text}");
    write(&lost, &newest, signed(&altered)).await;
    let report = recover(&lost).await;
    assert_eq!(report.rebuilt, 0, "{report}");
    let engine = open(&lost).await;
    let report = engine.check().await.unwrap();
    assert_eq!(ask(&mut engine.session(), "STORAGE CHECK TABLE t").await, report.findings);
    // And it is mended.
    let cancel = CancelToken::new();
    assert_eq!(engine.rebuild_manifests(Some("t"), &cancel).await.unwrap(), 1);
    assert_eq!(engine.rebuild_manifests(None, &cancel).await.unwrap(), 0);
    assert!(engine.check().await.unwrap().is_clean());
    let state = ask(&mut engine.session(), "SELECT state, reason FROM system.manifests").await;
    assert!(state[0].starts_with("rebuilt|") && state[0].contains("batch-1.parquet"), "{state:?}");
    report.findings
}

#[tokio::test]
async fn a_whole_store_is_said_to_be_so_file_by_file() {
    let faults = two_files().await;
    let engine = open(&faults).await;
    run(&engine, "INSERT INTO t VALUES (1, 'hot', 1)").await;
    let mut told = Vec::new();
    let report =
        engine.check_with(&CancelToken::new(), &mut |done, all| told.push((done, all))).await.unwrap();
    assert!(report.is_clean() && report.notes.is_empty(), "{report:?}");
    assert_eq!((report.files, report.rows, report.blocks, report.orphans), (2, 32, 1, 0), "{report:?}");
    for name in ["batch-1.parquet", "batch-4.parquet", ".dv", "manifest-"] {
        assert!(report.verified.iter().any(|line| line.contains(name)), "{name}: {:?}", report.verified);
    }
    assert_eq!(told.last().map(|(done, all)| (*done, *all)), Some((report.bytes, report.bytes)));
    let cancel = CancelToken::new();
    cancel.cancel();
    let error = engine.check_with(&cancel, &mut |_, _| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[tokio::test]
async fn a_statistic_that_the_rows_belie_is_found() {
    for (from, to) in [
        ("\"min\": 10", "\"min\": 11"),
        ("\"max\": 40", "\"max\": 39"),
        ("\"min\": 10", "\"min\": 9"),
        ("\"min_exact\": true", "\"min_exact\": false"),
        ("\"nulls\": 0", "\"nulls\": 1"),
        ("\"max\": \"40.0\"", "\"max\": \"39.0\""),
    ] {
        let found = findings(from, to).await;
        assert!(
            found.iter().any(|f| f.contains("batch-1.parquet") && f.contains("says of column")),
            "{to}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_visible_twice_is_found() {
    let lost = two_files().await.survivors_without_kv();
    let (newest, mut json) = manifest(&lost, SHARED).await;
    // The dead rows are forgotten.
    json.get_mut("batches").unwrap()[0].as_object_mut().unwrap().remove("deletes");
    write(&lost, &newest, signed(&serde_json::to_string(&json).unwrap())).await;
    recover(&lost).await;
    let engine = open(&lost).await;
    let found = engine.check().await.unwrap().findings;
    assert!(found.iter().any(|f| f.contains("visible in each of the batches [1, 4]")), "{found:?}");
    assert!(found.iter().any(|f| f.contains("note of the commit lists other files")), "{found:?}");
}

#[tokio::test]
async fn orphans_are_told_with_their_size_and_are_no_damage() {
    let faults = two_files().await;
    let engine = open(&faults).await;
    run(&engine, "INSERT INTO t VALUES (1, 'hot', 1)").await;
    faults.refuse("/manifest-", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    faults.refuse_nothing();
    engine.flush_all().await.unwrap();
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.orphans, 2, "{:?}", report.notes);
    let size: usize = {
        let mut size = 0;
        for path in blobs(&faults, &[SHARED]).iter().filter(|p| report.notes.iter().any(|n| n.contains(*p))) {
            size += read(&faults, path).await.len();
        }
        size
    };
    assert_eq!(report.orphan_bytes, size as u64, "{:?}", report.notes);
}

#[tokio::test]
async fn every_file_that_is_altered_or_lost_is_found() {
    let whole = two_files().await;
    let (newest, _) = manifest(&whole, SHARED).await;
    for path in blobs(&whole, &[SHARED]).into_iter().filter(|p| !p.ends_with("/manifest.json")) {
        let faults = whole.survivors();
        faults.corrupt_blob(&path, 22).unwrap();
        let report = open(&faults).await.check().await.unwrap();
        // No row depends on a manifest before the newest.
        let is_older = path.contains("/manifest-") && path != newest;
        let told = if is_older { &report.notes } else { &report.findings };
        let name = path.rsplit('/').next().unwrap();
        assert!(told.iter().any(|f| f.contains(name)), "{path}: {report:?}");
    }
    let faults = whole.survivors();
    lose(&faults, &[SHARED, "/manifest"]);
    let engine = open(&faults).await;
    assert!(!engine.check().await.unwrap().is_clean());
    // It reads, since the files tell.
    assert_eq!(ask(&mut engine.session(), "SELECT count(*) FROM t").await, ["30"]);
    lose(&faults, &[SHARED, ".dv"]);
    fail(&mut open(&faults).await.session(), "SELECT count(*) FROM t").await;
}
