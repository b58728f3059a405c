//! What a recovery makes of a blob store whose key-value store is lost, when something went wrong before:
//! it invents nothing, loses nothing without a word, and gives out no name twice.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use bytes::Bytes;
use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_core::{Config, Engine, ErrorKind, RecoveryReport, Scope, UserId};
use firndb_tests::ask::{ask, fail, user};
use firndb_tests::lasting::{Lasting, START_MS};
use object_store::ObjectStoreExt;
use object_store::path::Path;

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

async fn open(faults: &FaultStores) -> Engine {
    Engine::open(stores(faults), firndb_tests::setting::without_manifest_cache(Config::default()))
        .await
        .unwrap()
}

async fn recover(faults: &FaultStores) -> RecoveryReport {
    Engine::recover(stores(faults), Config::default()).await.unwrap()
}

/// Shared tables `a` and `b`, each with a flushed row of its name.
async fn two_tables() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    for table in ["a", "b"] {
        let mut s = engine.session();
        ask(&mut s, &format!("CREATE SHARED TABLE {table} (id INTEGER PRIMARY KEY, v TEXT)")).await;
        ask(&mut s, &format!("INSERT INTO {table} VALUES (1, '{table}')")).await;
    }
    engine.flush_all().await.unwrap();
    faults
}

/// [`two_tables`], of which `a` had a row deleted and one changed, and was flushed again.
async fn flushed_twice() -> FaultStores {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    let mut s = engine.session();
    ask(&mut s, "INSERT INTO a VALUES (2, 'deleted'), (3, 'old')").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "DELETE FROM a WHERE id = 2").await;
    ask(&mut s, "UPDATE a SET v = 'new' WHERE id = 3").await;
    engine.flush_all().await.unwrap();
    faults
}

const SCOPE: &str = "main/a-00000001/shared";

/// The path of the newest numbered manifest in `dir`.
fn newest_manifest(faults: &FaultStores, dir: &str) -> String {
    let paths = faults.blob_paths();
    paths.into_iter().rfind(|p| p.starts_with(&format!("{dir}/manifest-"))).unwrap()
}

async fn recover_with_older_manifests(faults: &FaultStores) -> RecoveryReport {
    Engine::recover_with_older_manifests(stores(faults), Config::default()).await.unwrap()
}

/// `a` is `Corrupt`, whatever is asked of it, and `b` works.
async fn expect_a_corrupt(faults: &FaultStores, file: &str) {
    let engine = open(faults).await;
    for sql in ["SELECT * FROM a", "INSERT INTO a VALUES (9, 'new')", "DELETE FROM a"] {
        let error = fail(&mut engine.session(), sql).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{sql}: {error}");
        assert!(error.to_string().contains(file), "{sql}: {error}");
    }
    let findings = engine.check().await.unwrap().findings;
    assert!(findings.iter().any(|f| f.contains(file)), "{findings:?}");
    ask(&mut engine.session(), "UPDATE b SET v = 'works'").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM b").await, ["1|works"]);
}

async fn expect_a_corrupt_without_b(faults: &FaultStores) {
    let error = fail(&mut open(faults).await.session(), "SELECT * FROM a").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

/// `a` is empty or as it was, and takes rows and flushes: no name is given out twice.
async fn expect_a_goes_on(faults: &FaultStores, expected: &[&str]) {
    let engine = open(faults).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT * FROM a ORDER BY id").await, expected);
    ask(&mut s, "INSERT INTO a VALUES (100, 'more')").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut s, "SELECT count(*) FROM a").await, [(expected.len() + 1).to_string()]);
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

async fn expect_both(faults: &FaultStores, when: &str) {
    let engine = open(faults).await;
    for table in ["a", "b"] {
        let found = ask(&mut engine.session(), &format!("SELECT * FROM {table}")).await;
        assert_eq!(found, [format!("1|{table}")], "{when}");
    }
    assert!(engine.check().await.unwrap().is_clean(), "{when}");
}

#[tokio::test]
async fn a_drop_that_was_not_committed_is_taken_back() {
    // The definitions of both, then the commit.
    for (n, mode) in [(2, CrashMode::BeforeEffect), (2, CrashMode::AfterEffect), (3, CrashMode::BeforeEffect)]
    {
        let faults = two_tables().await;
        let engine = open(&faults).await;
        faults.crash_after(n, mode);
        fail(&mut engine.session(), "DROP TABLE a, b").await;
        let when = format!("DROP TABLE cut at {n} {mode:?}");

        let lost = faults.survivors_without_kv();
        let report = recover(&lost).await;
        assert!(report.problems.iter().any(|p| p.contains("main.a")), "{when}: {report}");
        // Opening is what removes the files of dropped tables.
        expect_both(&lost, &when).await;
        expect_both(&lost, &when).await;

        let again = lost.survivors_without_kv();
        let report = recover(&again).await;
        assert!(report.problems.is_empty(), "{when}: {report}");
        expect_both(&again, &when).await;
        let engine = open(&again).await;
        ask(&mut engine.session(), "DROP TABLE a, b").await;
        assert!(!again.blob_paths().iter().any(|p| p.starts_with("main/")), "{:?}", again.blob_paths());
    }
}

#[tokio::test]
async fn a_drop_that_fails_leaves_no_definition_behind() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    let before = faults.blob_paths();
    faults.refuse("blob put main/b-00000002/table-2.json", ErrorKind::Unavailable);
    fail(&mut engine.session(), "DROP TABLE a, b").await;
    assert_eq!(faults.blob_paths(), before);
    faults.refuse_nothing();
    faults.refuse("put catalog", ErrorKind::LimitExceeded);
    fail(&mut engine.session(), "DROP TABLE a, b").await;
    assert_eq!(faults.blob_paths(), before);
    faults.refuse_nothing();
    expect_both(&faults, "after a DROP TABLE that failed").await;
}

#[tokio::test]
async fn a_dropped_table_does_not_come_back_beside_its_successor() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    faults.refuse("blob delete main/a-00000001", ErrorKind::Unavailable);
    _ = engine.session().execute("DROP TABLE a").await;
    ask(&mut engine.session(), "CREATE SHARED TABLE a (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut engine.session(), "INSERT INTO a VALUES (1, 'a')").await;
    engine.flush_all().await.unwrap();
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect_both(&lost, "a table dropped and created anew").await;
    assert!(!lost.blob_paths().iter().any(|p| p.starts_with("main/a-00000001/")), "{:?}", lost.blob_paths());
}

#[tokio::test]
async fn a_truncated_table_does_not_come_back_beside_what_was_flushed_since() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    faults.refuse("blob delete main/a-00000001", ErrorKind::Unavailable);
    ask(&mut engine.session(), "TRUNCATE a").await;
    // With files of the old table and none of the new one, it cannot be told whether that committed.
    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("main.a")), "{report}");
    expect_both(&lost, "a truncation in doubt").await;
    expect_both(&lost, "a truncation in doubt, opened again").await;

    ask(&mut engine.session(), "INSERT INTO a VALUES (2, 'since')").await;
    engine.flush_all().await.unwrap();
    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.is_empty(), "{report}");
    let engine = open(&lost).await;
    assert_eq!(ask(&mut engine.session(), "SELECT * FROM a").await, ["2|since"]);
    assert!(!lost.blob_paths().iter().any(|p| p.starts_with("main/a-00000001/")), "{:?}", lost.blob_paths());
}

#[tokio::test]
async fn the_id_of_a_table_without_a_definition_is_not_given_out_again() {
    let faults = two_tables().await;
    faults.corrupt_blob("main/b-00000002/table-1.json", 10).unwrap();
    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("main/b-00000002")), "{report}");
    let engine = open(&lost).await;
    ask(&mut engine.session(), "CREATE SHARED TABLE b (id INTEGER PRIMARY KEY)").await;
    let made = engine.inspect(Some("b")).await.unwrap();
    assert_eq!(made[0].dir, "main/b-00000003");
}

#[tokio::test]
async fn a_damaged_newest_manifest_does_not_bring_deleted_rows_back() {
    let faults = flushed_twice().await;
    let newest = newest_manifest(&faults, SCOPE);
    let file = newest.rsplit('/').next().unwrap();
    faults.corrupt_blob(&newest, 100).unwrap();
    faults.delete_blob(&format!("{SCOPE}/manifest.json")).unwrap();
    // The note of the flush.
    let vectors = faults.blob_paths().into_iter().rfind(|p| p.starts_with(SCOPE) && p.ends_with(".dv"));
    faults.corrupt_blob(&vectors.unwrap(), 20).unwrap();

    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains(file)), "{report}");
    assert!(report.problems.iter().any(|p| p.contains("--force")), "{report}");
    expect_a_corrupt(&lost, file).await;

    let lost = faults.survivors_without_kv();
    let report = recover_with_older_manifests(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("went back")), "{report}");
    expect_a_goes_on(&lost, &["1|a", "2|deleted", "3|old"]).await;
}

#[tokio::test]
async fn a_newest_manifest_is_restored_from_its_copy() {
    let whole = flushed_twice().await;
    for missing in [false, true] {
        let faults = whole.survivors_without_kv();
        let newest = newest_manifest(&faults, SCOPE);
        if missing {
            faults.delete_blob(&newest).unwrap();
        } else {
            faults.corrupt_blob(&newest, 100).unwrap();
        }
        let report = recover(&faults).await;
        assert!(report.problems.is_empty(), "{report}");
        assert!(report.notes.iter().any(|n| n.contains("restored")), "{report}");
        expect_a_goes_on(&faults, &["1|a", "3|new"]).await;
    }
}

#[tokio::test]
async fn a_scope_whose_only_manifest_is_damaged_is_not_empty() {
    let faults = two_tables().await;
    let only = newest_manifest(&faults, SCOPE);
    faults.truncate_blob(&only, 20).unwrap();
    faults.truncate_blob(&format!("{SCOPE}/manifest.json"), 20).unwrap();
    faults.truncate_blob(&format!("{SCOPE}/batch-1.parquet"), 20).unwrap();
    let lost = faults.survivors_without_kv();
    assert!(!recover(&lost).await.problems.is_empty());
    expect_a_corrupt(&lost, only.rsplit('/').next().unwrap()).await;

    let lost = faults.survivors_without_kv();
    assert!(!recover_with_older_manifests(&lost).await.problems.is_empty());
    expect_a_goes_on(&lost, &[]).await;
}

#[tokio::test]
async fn a_manifest_put_back_makes_a_recovered_scope_whole() {
    let faults = two_tables().await;
    let only = newest_manifest(&faults, SCOPE);
    faults.corrupt_blob(&only, 100).unwrap();
    faults.delete_blob(&format!("{SCOPE}/manifest.json")).unwrap();
    let sums = format!("{SCOPE}/batch-1.sum");
    faults.corrupt_blob(&sums, 20).unwrap();
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect_a_corrupt(&lost, only.rsplit('/').next().unwrap()).await;
    lost.corrupt_blob(&only, 100).unwrap();
    lost.corrupt_blob(&sums, 20).unwrap();
    expect_a_goes_on(&lost, &["1|a"]).await;
}

#[tokio::test]
async fn file_numbers_go_on_past_a_first_flush_that_was_cut_short() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    ask(&mut engine.session(), "CREATE SHARED TABLE a (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut engine.session(), "INSERT INTO a VALUES (1, 'a')").await;
    faults.refuse("batch-1.parquet", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    let lost = faults.survivors_without_kv();
    assert!(lost.blob_paths().iter().any(|path| path.ends_with("batch-1.sum")));
    let report = recover(&lost).await;
    assert!(report.problems.iter().all(|p| p.contains("the first flush was cut short")), "{report}");
    expect_a_goes_on(&lost, &[]).await;

    // With all files there, and only the manifest missing, the rows are certain.
    faults.refuse_nothing();
    faults.refuse("/manifest-", ErrorKind::Unavailable);
    engine.flush_all().await.unwrap_err();
    let lost = faults.survivors_without_kv();
    recover(&lost).await;
    expect_a_goes_on(&lost, &["1|a"]).await;

    // Without the checksums of the file they are not.
    let lost = faults.survivors_without_kv();
    let sums = lost.blob_paths().into_iter().rfind(|path| path.ends_with(".sum")).unwrap();
    lost.delete_blob(&sums).unwrap();
    let forced = lost.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains(SCOPE)), "{report}");
    expect_a_corrupt_without_b(&lost).await;
    recover_with_older_manifests(&forced).await;
    expect_a_goes_on(&forced, &[]).await;
}

#[tokio::test]
async fn a_damaged_scope_whose_user_is_not_known_stops_a_recovery() {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    // The names of two directories can be read back, that of the third is a digest.
    let long = "z".repeat(100);
    for name in ["alice", "Ünüsual", &long] {
        ask(&mut user(&engine, name).await, "INSERT INTO u VALUES (1, 'x')").await;
    }
    engine.flush_all().await.unwrap();
    let damage = |faults: &FaultStores, name: &str| {
        let dir = format!("main/u-00000001/{}", Scope::User(UserId::new(name).unwrap()).dir());
        faults.truncate_blob(&newest_manifest(faults, &dir), 20).unwrap();
        faults.delete_blob(&format!("{dir}/manifest.json")).unwrap();
        faults.truncate_blob(&format!("{dir}/batch-1.parquet"), 20).unwrap();
    };
    let faults = faults.survivors_without_kv();
    damage(&faults, "alice");
    damage(&faults, "Ünüsual");
    let lost = faults.survivors_without_kv();
    assert!(!recover(&lost).await.problems.is_empty());
    let engine = open(&lost).await;
    for name in ["alice", "Ünüsual"] {
        assert_eq!(fail(&mut user(&engine, name).await, "SELECT * FROM u").await.kind(), ErrorKind::Corrupt);
    }
    assert_eq!(ask(&mut user(&engine, &long).await, "SELECT * FROM u").await, ["1|x"]);

    damage(&faults, &long);
    let refused = Engine::recover(stores(&faults), Config::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    recover_with_older_manifests(&faults).await;
    assert_eq!(ask(&mut user(&open(&faults).await, "alice").await, "SELECT * FROM u").await, [""; 0]);
}

#[tokio::test]
async fn a_column_id_that_files_have_is_not_given_out_again() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    ask(&mut engine.session(), "ALTER TABLE a ADD COLUMN secret TEXT").await;
    ask(&mut engine.session(), "INSERT INTO a VALUES (2, 'two', 'secret')").await;
    engine.flush_all().await.unwrap();
    faults.corrupt_blob("main/a-00000001/table-2.json", 100).unwrap();

    let lost = faults.survivors_without_kv();
    let report = recover(&lost).await;
    assert!(report.problems.iter().any(|p| p.contains("table-2.json")), "{report}");
    assert!(report.problems.iter().any(|p| p.contains("main.a") && p.contains("columns")), "{report}");
    let engine = open(&lost).await;
    let mut s = engine.session();
    ask(&mut s, "ALTER TABLE a ADD COLUMN other TEXT").await;
    assert_eq!(ask(&mut s, "SELECT * FROM a ORDER BY id").await, ["1|a|NULL", "2|two|NULL"]);
    ask(&mut s, "UPDATE a SET other = 'set' WHERE id = 2").await;
    engine.flush_all().await.unwrap();

    // Once more: the definition it went on from is there as a file.
    let again = lost.survivors_without_kv();
    let report = recover(&again).await;
    assert!(report.problems.is_empty(), "{report}");
    let found = ask(&mut open(&again).await.session(), "SELECT * FROM a ORDER BY id").await;
    assert_eq!(found, ["1|a|NULL", "2|two|set"]);
}

#[tokio::test]
async fn views_come_back_as_they_were_last_and_dropped_ones_do_not() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    let mut s = engine.session();
    ask(&mut s, "CREATE NAMESPACE \"Ü/x\"; CREATE VIEW \"Ü/x\".\"of a\" AS SELECT v FROM a").await;
    ask(
        &mut s,
        "CREATE VIEW aaa AS SELECT v AS w FROM \"Ü/x\".\"of a\"; CREATE VIEW gone AS SELECT id FROM b",
    )
    .await;
    ask(&mut s, "CREATE VIEW again AS SELECT 1 AS n; CREATE OR REPLACE VIEW again AS SELECT 2 AS n").await;
    ask(&mut s, "CREATE VIEW on_b AS SELECT v FROM b; CREATE VIEW named AS SELECT table_name FROM information_schema.tables").await;
    ask(&mut s, "DROP VIEW gone; DROP TABLE b CASCADE; CREATE VIEW gone AS SELECT 3 AS n; DROP VIEW gone")
        .await;
    // One that is refused leaves the file of the view as it was.
    faults.refuse("put catalog", ErrorKind::LimitExceeded);
    fail(&mut s, "CREATE OR REPLACE VIEW again AS SELECT 9 AS n").await;
    fail(&mut s, "CREATE VIEW never AS SELECT 9 AS n").await;
    faults.refuse_nothing();
    let faults = faults.survivors_without_kv();
    let report = recover(&faults).await;
    assert_eq!(report.problems, [""; 0]);
    let engine = open(&faults).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT w FROM aaa").await, ["a"]);
    assert_eq!(ask(&mut s, "SELECT n FROM again").await, ["2"]);
    let found = ask(&mut s, "SELECT table_name FROM information_schema.views ORDER BY table_name").await;
    assert_eq!(found, ["aaa", "again", "named", "of a"]);
    ask(&mut s, "DROP VIEW aaa; CREATE VIEW aaa AS SELECT 5 AS n").await;
}

#[tokio::test]
async fn a_view_whose_table_is_lost_or_whose_file_is_damaged_is_told() {
    let faults = two_tables().await;
    let engine = open(&faults).await;
    let mut s = engine.session();
    ask(&mut s, "CREATE VIEW on_a AS SELECT v FROM a; CREATE VIEW above AS SELECT v FROM on_a").await;
    ask(&mut s, "CREATE VIEW bad AS SELECT v FROM b; CREATE VIEW on_b AS SELECT v FROM b").await;
    let faults = faults.survivors_without_kv();
    faults.delete_blob("main/a-00000001/table-1.json").unwrap();
    faults.corrupt_blob("main/views/bad.json", 40).unwrap();
    let report = recover(&faults).await;
    let told = |words: &[&str]| report.problems.iter().any(|p| words.iter().all(|word| p.contains(word)));
    assert!(told(&["on_a", "main.a"]) && told(&["above", "main.on_a"]) && told(&["bad.json"]), "{report}");
    let engine = open(&faults).await;
    assert_eq!(ask(&mut engine.session(), "SELECT v FROM on_b").await, ["b"]);
}

#[tokio::test]
async fn opening_mends_what_crashes_leave_of_the_files_of_views() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE VIEW a AS SELECT 1 AS n; CREATE VIEW b AS SELECT 1 AS n; CREATE VIEW gone AS SELECT 1 AS n",
    )
    .await;
    let path = |name: &str| Path::from(format!("main/views/{name}.json"));
    let read = async |name: &str| lasting.blobs().get(&path(name)).await.unwrap().bytes().await.unwrap();
    let put = async |name: &str, bytes: Bytes| lasting.blobs().put(&path(name), bytes.into()).await.unwrap();
    let (a, b, gone) = (read("a").await, read("b").await, read("gone").await);
    ask(&mut s, "DROP VIEW gone; CREATE OR REPLACE VIEW b AS SELECT 2 AS n").await;
    let replaced = read("b").await;
    drop(s);
    engine.close().await.unwrap();
    // Not removed after a commit, written before a commit that did not come, and of a store without such files.
    put("gone", gone).await;
    put("b", b).await;
    lasting.blobs().delete(&path("a")).await.unwrap();
    Engine::open(lasting.stores(), Config::default()).await.unwrap().close().await.unwrap();
    assert_eq!((read("a").await, read("b").await), (a, replaced));
    assert_eq!(lasting.files("main/views/").await, 2);
}
