//! Manifests, the key-value store, or both are lost: the files alone bring back what was committed, no row that was
//! deleted, and say so where they cannot tell.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::{Engine, ErrorKind};
use firndb_tests::ask::{ask, fail, run, user};
use firndb_tests::losses::{blobs, lose, manifest, open, recover, recover_by_force, signed, write};

const T: &str = "main/t-00000001";
const SHARED: &str = "main/t-00000001/shared";
const ALL: &str = "SELECT id, v FROM t ORDER BY id";

/// Three flushes: rows, then an update and a delete of some, then only a delete.
async fn three_flushes() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t SELECT v, 'one' FROM generate_series(1, 6) AS g(v)").await;
    engine.flush_all().await.unwrap();
    run(&engine, "UPDATE t SET v = 'two' WHERE id <= 2").await;
    run(&engine, "DELETE FROM t WHERE id = 3").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id = 4").await;
    engine.flush_all().await.unwrap();
    faults
}

const THREE: [&str; 4] = ["1|two", "2|two", "5|one", "6|one"];

/// `t` is as expected, and goes on being so over more writes, flushes and another opening.
async fn expect(faults: &FaultStores, expected: &[&str], when: &str) {
    let engine = open(faults).await;
    assert_eq!(ask(&mut engine.session(), ALL).await, expected, "{when}");
    run(&engine, "INSERT INTO t VALUES (1000, 'more')").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id = 1000").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut engine.session(), ALL).await, expected, "{when}, flushed");
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{when}: {:?}", report.findings);
    drop(engine);
    let engine = open(&faults.survivors()).await;
    assert_eq!(ask(&mut engine.session(), ALL).await, expected, "{when}, opened again");
}

async fn expect_corrupt(faults: &FaultStores, named: &str) {
    let engine = open(faults).await;
    for sql in [ALL, "INSERT INTO t VALUES (9, 'new')", "DELETE FROM t"] {
        let error = fail(&mut engine.session(), sql).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{sql}: {error}");
        assert!(error.to_string().contains(named), "{sql} should name {named}: {error}");
    }
    assert!(!engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn with_the_key_value_store_lost_the_newest_manifest_counts() {
    let lost = three_flushes().await.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.is_empty() && report.rebuilt == 0, "{report}");
    expect(&lost, &THREE, "the key-value store is lost").await;
}

#[tokio::test]
async fn with_the_newest_manifest_lost_too_the_notes_tell_and_no_older_manifest_does() {
    let whole = three_flushes().await;
    for cut in [false, true] {
        let lost = whole.survivors_without_kv();
        let (newest, _) = manifest(&lost, SHARED).await;
        lose(&lost, &[SHARED, "/manifest.json"]);
        match cut {
            false => lost.delete_blob(&newest).unwrap(),
            true => lost.truncate_blob(&newest, 100).unwrap(),
        }
        let report = recover(&lost).await;
        assert_eq!((report.rebuilt, report.problems.len()), (1, 0), "{report}");
        assert!(report.to_string().contains("made again from the files: 1"), "{report}");
        expect(&lost, &THREE, &format!("the newest manifest is lost, cut {cut}")).await;
    }
}

#[tokio::test]
async fn with_every_manifest_lost_too_the_files_alone_are_enough() {
    let lost = three_flushes().await.survivors_without_kv();
    lose(&lost, &[SHARED, "/manifest"]);
    let report = recover(&lost).await;
    assert_eq!((report.rebuilt, report.scopes, report.files, report.rows), (1, 1, 2, 4), "{report}");
    assert!(report.problems.is_empty(), "{report}");
    // Once more, of what the recovery wrote.
    let again = lost.survivors_without_kv();
    expect(&lost, &THREE, "every manifest is lost").await;
    lose(&again, &[SHARED, "/manifest"]);
    recover(&again).await;
    expect(&again, &THREE, "every manifest is lost twice").await;
}

#[tokio::test]
async fn users_come_back_with_their_rows_and_without_those_they_deleted() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE USER TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let long = "z".repeat(100);
    for name in ["alice", "Ünüsual", &long] {
        ask(&mut user(&engine, name).await, "INSERT INTO t VALUES (1, 'kept'), (2, 'deleted')").await;
    }
    engine.flush_all().await.unwrap();
    for name in ["alice", &long] {
        ask(&mut user(&engine, name).await, "DELETE FROM t WHERE id = 2").await;
    }
    // Of this scope no file has a row any more.
    ask(&mut user(&engine, "Ünüsual").await, "DELETE FROM t").await;
    engine.flush_all().await.unwrap();
    let lost = faults.survivors_without_kv();
    lose(&lost, &[T, "/manifest"]);
    let report = recover(&lost).await;
    assert_eq!((report.rebuilt, report.problems.len()), (3, 0), "{report}");
    let engine = open(&lost).await;
    for name in ["alice", &long] {
        assert_eq!(ask(&mut user(&engine, name).await, ALL).await, ["1|kept"]);
    }
    assert_eq!(ask(&mut user(&engine, "Ünüsual").await, ALL).await, [""; 0]);
}

/// A flush that is cut short after its last file and before its commit. The row it wrote is then deleted, so
/// that later flushes write nothing but that.
async fn orphan_whose_row_was_deleted() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t VALUES (1, 'kept')").await;
    engine.flush_all().await.unwrap();
    run(&engine, "INSERT INTO t VALUES (2, 'deleted')").await;
    faults.refuse("/manifest-", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    faults.refuse_nothing();
    run(&engine, "DELETE FROM t WHERE id = 2").await;
    engine.flush_all().await.unwrap();
    assert_eq!(blobs(&faults, &[SHARED, ".parquet"]).len(), 2, "{:?}", faults.blob_paths());
    faults
}

#[tokio::test]
async fn an_orphan_of_a_flush_that_was_cut_short_brings_no_deleted_row_back() {
    let faults = orphan_whose_row_was_deleted().await;
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect(&lost, &["1|kept"], "the key-value store is lost").await;
    let lost = faults.survivors_without_kv();
    lose(&lost, &[SHARED, "/manifest"]);
    let report = recover(&lost).await;
    assert!(report.problems.is_empty(), "{report}");
    expect(&lost, &["1|kept"], "both are lost").await;
}

#[tokio::test]
async fn a_file_of_which_no_note_tells_leaves_the_scope_corrupt() {
    let faults = three_flushes().await;
    let engine = open(&faults).await;
    // Cut short between the batch file and the vectors, which have the note: it could as well be lost.
    run(&engine, "UPDATE t SET v = 'three' WHERE id = 5").await;
    faults.refuse("put main/t-00000001/shared/deletes-", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect(&lost, &THREE, "the manifests are there").await;

    let lost = faults.survivors_without_kv();
    lose(&lost, &[SHARED, "/manifest"]);
    let forced = lost.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("cannot be told")), "{report}");
    assert!(report.problems.iter().any(|p| p.contains("--force")), "{report}");
    expect_corrupt(&lost, "manifest-").await;
    let report = recover_by_force(&forced).await;
    assert!(!report.problems.is_empty() && report.rebuilt == 1, "{report}");
    expect(&forced, &THREE, "by force").await;
}

#[tokio::test]
async fn a_lost_deletion_vector_brings_no_row_back() {
    let whole = three_flushes().await;
    let engine = open(&whole).await;
    // Were it not for its batch file, nothing would be left of a flush of which the vectors are lost.
    run(&engine, "INSERT INTO t VALUES (7, 'gone'), (8, 'eight')").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id = 7").await;
    run(&engine, "INSERT INTO t VALUES (9, 'nine')").await;
    engine.flush_all().await.unwrap();
    drop(engine);
    let expected: Vec<&str> = THREE.into_iter().chain(["8|eight", "9|nine"]).collect();
    let vectors = blobs(&whole, &[SHARED, ".dv"]);
    assert_eq!(vectors.len(), 3, "{vectors:?}");
    let mut refused = 0;
    for (path, kv_is_lost) in vectors.iter().flat_map(|v| [(v, false), (v, true)]) {
        let lost = if kv_is_lost { whole.survivors_without_kv() } else { whole.survivors() };
        lost.delete_blob(path).unwrap();
        lose(&lost, &[SHARED, "/manifest"]);
        if kv_is_lost {
            recover(&lost).await;
        }
        // The oldest has nothing that a newer one has not, and is not missed.
        let engine = open(&lost).await;
        match engine.session().execute(ALL).await {
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Corrupt, "{path}: {e}");
                refused += 1;
            }
            Ok(_) => assert_eq!(ask(&mut engine.session(), ALL).await, expected, "{path}, {kv_is_lost}"),
        }
    }
    assert_eq!(refused, 4);
}

#[tokio::test]
async fn a_lost_batch_file_is_corrupt_and_by_force_what_is_whole_comes_back() {
    let whole = three_flushes().await;
    for part in ["batch-1.parquet", "batch-1.sum"] {
        let lost = whole.survivors_without_kv();
        lose(&lost, &[SHARED, "/manifest"]);
        lose(&lost, &[SHARED, part]);
        let forced = lost.survivors_without_kv();
        let report = recover(&lost).await;
        assert!(report.problems.iter().any(|p| p.contains(part)), "{report}");
        expect_corrupt(&lost, "manifest-").await;
        let report = recover_by_force(&forced).await;
        assert!(report.problems.iter().any(|p| p.contains("left out")), "{report}");
        expect(&forced, &["1|two", "2|two"], part).await;
    }
}

#[tokio::test]
async fn a_manifest_that_lies_about_its_files_is_not_believed() {
    let whole = three_flushes().await;
    for (name, value) in [
        ("min_seq", serde_json::json!("1")),
        ("row_groups", serde_json::json!([5, 1])),
        ("bytes", serde_json::json!(10_000)),
        ("schema_version", serde_json::json!(9)),
        ("sum", serde_json::json!("crc32c:00000000")),
    ] {
        let lost = whole.survivors_without_kv();
        let (newest, mut json) = manifest(&lost, SHARED).await;
        let entry = json.get_mut("batches").unwrap()[0].as_object_mut().unwrap();
        assert_ne!(entry.insert(name.to_owned(), value.clone()), Some(value), "{name}");
        // As if whoever wrote it had meant it.
        write(&lost, &newest, signed(&serde_json::to_string(&json).unwrap())).await;
        lose(&lost, &[SHARED, "/manifest.json"]);
        let report = recover(&lost).await;
        assert_eq!(report.rebuilt, 1, "{name}: {report}");
        expect(&lost, &THREE, name).await;
    }
}

#[tokio::test]
async fn a_recovery_that_is_cut_short_can_be_done_again() {
    let whole = three_flushes().await.survivors_without_kv();
    lose(&whole, &[SHARED, "/manifest"]);
    let probe = whole.survivors();
    recover(&probe).await;
    let steps = probe.operations();
    assert!(steps >= 3, "a note, a manifest, a commit: {:?}", probe.log());
    for n in 1..=steps {
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let lost = whole.survivors();
            lost.crash_after(n, mode);
            let stores = firndb_tests::losses::stores(&lost);
            let cut = Engine::recover(stores, firndb_core::Config::default()).await;
            let rest = lost.survivors();
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", lost.log().last());
            if cut.is_err() && n < steps {
                let again = rest.survivors_without_kv();
                recover(&again).await;
                expect(&again, &THREE, &when).await;
            } else if n == steps && mode == CrashMode::AfterEffect {
                expect(&rest, &THREE, &when).await;
            }
        }
    }
}

/// A flush is cut short at every operation, and the key-value store and every manifest are lost with it.
#[tokio::test]
async fn every_step_of_a_flush_cut_short_leaves_a_state_that_was_or_says_that_it_cannot_be_told() {
    let probe = three_flushes().await;
    let engine = open(&probe).await;
    let change = "UPDATE t SET v = 'three' WHERE id >= 5";
    run(&engine, change).await;
    let before = probe.operations();
    engine.flush_all().await.unwrap();
    let steps = probe.operations() - before;
    let (mut kept, mut changed, mut unsure) = (0, 0, 0);
    for n in 1..=steps {
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let faults = three_flushes().await;
            let engine = open(&faults).await;
            run(&engine, change).await;
            faults.crash_after(n, mode);
            _ = engine.flush_all().await;
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            let lost = faults.survivors_without_kv();
            lose(&lost, &[SHARED, "/manifest"]);
            recover(&lost).await;
            let engine = open(&lost).await;
            match engine.session().execute(ALL).await {
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::Corrupt, "{when}: {e}");
                    unsure += 1;
                }
                Ok(_) => {
                    let found = ask(&mut engine.session(), ALL).await;
                    if found == THREE {
                        kept += 1;
                    } else {
                        assert_eq!(found, ["1|two", "2|two", "5|three", "6|three"], "{when}");
                        changed += 1;
                    }
                }
            }
        }
    }
    println!("{kept} as before, {changed} as after, {unsure} that cannot be told, of {steps} operations");
    assert!(kept > 0 && changed > 0 && unsure > 0);
}
