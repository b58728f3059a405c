//! A manifest is lost while the key-value store is there: queries go on over the files, with right rows or
//! `Corrupt`, and the engine makes the manifest again.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use bytes::Bytes;
use firndb_core::storage::Source;
use firndb_core::storage::fault::{CrashMode, FaultStores};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, fail, run};
use firndb_tests::losses::{lose, manifest, open, read, recover, stores, write};
use firndb_tests::setting;

const SHARED: &str = "main/t-00000001/shared";
const STATE: &str = "SELECT state, reason FROM system.manifests";
const STATS: &str = "SHOW MANIFEST t";

/// Values at the edges of what statistics say of them, over two files, with a column younger than the first.
const TABLE: &str = "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, f DOUBLE PRECISION, r REAL, s TEXT, n TEXT, \
     d DECIMAL(20, 4), z TIMESTAMPTZ, at TIMESTAMP, b BYTEA)";

async fn edges() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, TABLE).await;
    let long = "é".repeat(40);
    let highest = "\u{10FFFF}".repeat(20);
    run(
        &engine,
        &format!(
            "INSERT INTO t VALUES \
             (1, 'NaN', 'NaN', '{long}', NULL, 1.5, '2026-01-01 00:00:00+02', '2026-01-01 00:00:00', '\\x00ff'), \
             (2, '-0.0', '-0.0', '{highest}', NULL, 1.5000, '2025-12-31 22:00:00+00', '1969-12-31 23:59:59', NULL), \
             (3, 0.0, NULL, '', NULL, -0.0001, NULL, NULL, '\\x')"
        ),
    )
    .await;
    engine.flush_all().await.unwrap();
    run(&engine, "ALTER TABLE t ADD COLUMN later TEXT DEFAULT 'then'").await;
    run(&engine, "INSERT INTO t (id, f, later) VALUES (4, NULL, 'now')").await;
    engine.flush_all().await.unwrap();
    faults
}

/// Predicates, and the ids of the rows that they leave.
const QUERIES: &[(&str, &str)] = &[
    ("f = 'NaN'", "1"),
    ("f = 0", "2,3"),
    ("f >= 0", "1,2,3"),
    ("f > 0", "1"),
    ("f < 0", ""),
    ("f IS NULL", "4"),
    ("f IS NOT NULL", "1,2,3"),
    ("r = 0", "2"),
    ("r > 1000", "1"),
    ("r IS NULL", "3,4"),
    ("s > 'é'", "1,2"),
    ("s LIKE 'éé%'", "1"),
    ("s = ''", "3"),
    // Bounds are cut after 64 bytes, 32 of these letters; of the last there is no next one.
    ("s = repeat('é', 40)", "1"),
    ("s >= repeat('é', 32)", "1,2"),
    ("s > repeat('é', 39)", "1,2"),
    ("s > repeat('é', 40)", "2"),
    ("s < repeat('é', 41) AND s > 'a'", "1"),
    ("s = repeat(chr(1114111), 20)", "2"),
    ("s >= repeat(chr(1114111), 16)", "2"),
    ("s > repeat(chr(1114111), 20)", ""),
    ("s IS NULL", "4"),
    ("n IS NULL", "1,2,3,4"),
    ("n IS NOT NULL", ""),
    ("n = 'x'", ""),
    ("d = 1.5", "1,2"),
    ("d = 1.50000", "1,2"),
    ("d < 0", "3"),
    ("d > 1.49999 AND d < 1.50001", "1,2"),
    ("z = '2025-12-31 22:00:00+00'", "1,2"),
    ("z = '2026-01-01 03:00:00+05'", "1,2"),
    ("z > '2026-01-01 00:00:00+00'", ""),
    ("at < '1970-01-01'", "2"),
    ("b = CAST('\\x' AS BYTEA)", "3"),
    ("b IS NULL", "2,4"),
    ("later = 'then'", "1,2,3"),
    ("later = 'now'", "4"),
    ("later IS NULL", ""),
    ("later <> 'then'", "4"),
    ("id = 4", "4"),
    ("id BETWEEN 2 AND 3", "2,3"),
    ("id > 100", ""),
];

async fn expect_edges(engine: &Engine, when: &str) {
    for (predicate, ids) in QUERIES {
        let sql = format!("SELECT id FROM t WHERE {predicate} ORDER BY id");
        let found = ask(&mut engine.session(), &sql).await;
        assert_eq!(found.join(","), *ids, "{when}: {predicate}");
    }
}

#[tokio::test]
async fn statistics_at_the_edges_are_made_again_as_they_were() {
    let faults = edges().await;
    let engine = open(&faults).await;
    expect_edges(&engine, "the manifest is there").await;
    let stats = ask(&mut engine.session(), STATS).await;
    assert_eq!(ask(&mut engine.session(), STATE).await, ["ok|NULL"]);
    drop(engine);

    lose(&faults, &[SHARED, "/manifest"]);
    let engine = open(&faults).await;
    expect_edges(&engine, "without a manifest").await;
    let state = ask(&mut engine.session(), STATE).await;
    assert!(state.len() == 1 && state[0].starts_with("rebuilding|"), "{state:?}");
    assert!(state[0].contains("manifest-"), "{state:?}");

    assert!(engine.step().await.unwrap());
    assert!(!engine.step().await.unwrap());
    let state = ask(&mut engine.session(), STATE).await;
    assert!(state.len() == 1 && state[0].starts_with("rebuilt|"), "{state:?}");
    assert_eq!(ask(&mut engine.session(), STATS).await, stats);
    expect_edges(&engine, "made again").await;
    let report = engine.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    drop(engine);

    let engine = open(&faults.survivors()).await;
    let state = ask(&mut engine.session(), STATE).await;
    assert!(state[0].starts_with("rebuilt|"), "{state:?}");
    expect_edges(&engine, "opened again").await;
    run(&engine, "INSERT INTO t (id) VALUES (5)").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut engine.session(), STATE).await, ["ok|NULL"]);
}

/// Two files and a deletion vector.
async fn two_files() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t SELECT v, 'one' FROM generate_series(1, 100) AS g(v)").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id <= 10").await;
    run(&engine, "INSERT INTO t SELECT v, 'two' FROM generate_series(101, 110) AS g(v)").await;
    engine.flush_all().await.unwrap();
    run(&engine, "UPDATE t SET v = 'hot' WHERE id = 100").await;
    faults
}

const COUNTS: &str = "SELECT v, count(*), min(id), max(id) FROM t GROUP BY v ORDER BY v";
const TWO_FILES: [&str; 3] = ["hot|1|100|100", "one|89|11|99", "two|10|101|110"];
/// Without the row 11.
const ONE_LESS: [&str; 3] = ["hot|1|100|100", "one|88|12|99", "two|10|101|110"];

#[tokio::test]
async fn missing_torn_and_stale_manifests_are_made_again() {
    let whole = two_files().await;
    let (newest, _) = manifest(&whole, SHARED).await;
    let copy = format!("{SHARED}/manifest.json");
    let older = firndb_tests::losses::blobs(&whole, &[SHARED, "/manifest-"])[0].clone();
    let stale = read(&whole, &older).await;
    for how in ["missing", "torn", "altered", "stale", "of its own making"] {
        for copy_too in [false, true] {
            let faults = whole.survivors();
            for path in std::iter::once(&newest).chain(copy_too.then_some(&copy)) {
                match how {
                    "missing" => faults.delete_blob(path).unwrap(),
                    "torn" => faults.truncate_blob(path, 300).unwrap(),
                    "altered" => faults.corrupt_blob(path, 200).unwrap(),
                    "stale" => write(&faults, path, stale.clone()).await,
                    _ => {
                        let text = String::from_utf8(read(&faults, path).await.to_vec()).unwrap();
                        let lie = text.replacen("\"nulls\": 0", "\"nulls\": 10", 1);
                        assert_ne!(lie, text);
                        write(&faults, path, firndb_tests::losses::signed(&lie)).await;
                    }
                }
            }
            let when = format!("{how}, copy {copy_too}");
            let engine = open(&faults).await;
            assert_eq!(ask(&mut engine.session(), COUNTS).await, TWO_FILES, "{when}");
            assert_eq!(ask(&mut engine.session(), "SELECT v FROM t WHERE id = 5").await, [""; 0], "{when}");
            assert_eq!(ask(&mut engine.session(), "SELECT v FROM t WHERE id = 50").await, ["one"], "{when}");
            assert!(engine.step().await.unwrap(), "{when}");
            assert_eq!(ask(&mut engine.session(), COUNTS).await, TWO_FILES, "{when}");
            run(&engine, "DELETE FROM t WHERE id = 11").await;
            engine.flush_all().await.unwrap();
            drop(engine);
            let engine = open(&faults.survivors()).await;
            assert_eq!(ask(&mut engine.session(), COUNTS).await, ONE_LESS, "{when}");
            let report = engine.check().await.unwrap();
            assert!(report.is_clean(), "{when}: {:?}", report.findings);
        }
    }
}

fn vectors(faults: &FaultStores) -> usize {
    firndb_tests::losses::blobs(faults, &[SHARED, ".dv"]).len()
}

/// A COPY of more rows than are hot at a time.
async fn copy_ten(engine: &Engine) {
    let rows = (111..=120).map(|id| format!("{id},two\n")).collect::<String>();
    let source = Source::ranged("rows.csv", Arc::new(Bytes::from(rows)));
    engine.session().copy_from("COPY t FROM STDIN", source).await.unwrap();
}

#[tokio::test]
async fn the_rows_of_a_load_are_in_the_notes_once_it_is_committed() {
    let faults = two_files().await;
    let mut config = setting::without_manifest_cache(Config::default());
    config.load.rows = 5;
    let engine = Engine::open(stores(&faults), config).await.unwrap();
    engine.flush_all().await.unwrap();
    let before = faults.operations();
    copy_ten(&engine).await;
    let steps = faults.operations() - before;
    drop(engine);
    for n in 1..=steps {
        let faults = two_files().await;
        let mut config = setting::without_manifest_cache(Config::default());
        config.load.rows = 5;
        let engine = Engine::open(stores(&faults), config).await.unwrap();
        engine.flush_all().await.unwrap();
        faults.crash_after(n, CrashMode::AfterEffect);
        let rows = (111..=120).map(|id| format!("{id},two\n")).collect::<String>();
        let source = Source::ranged("rows.csv", Arc::new(Bytes::from(rows)));
        let before = vectors(&faults);
        _ = engine.session().copy_from("COPY t FROM STDIN", source).await;
        let noted = vectors(&faults) > before;
        let when = format!("operation {n} of {steps}: {:?}", faults.log().last());
        let lost = faults.survivors_without_kv();
        lose(&lost, &[SHARED, "/manifest"]);
        recover(&lost).await;
        let engine = open(&lost).await;
        match engine.session().execute("SELECT count(*) FROM t").await {
            // A load is noted after its commit, so that what was cut short is not taken for one.
            Err(e) => assert!(e.kind() == ErrorKind::Corrupt && !noted, "{when}: {e}"),
            Ok(_) => {
                let found = ask(&mut engine.session(), "SELECT count(*) FROM t").await;
                assert_eq!(found == ["110"], noted, "{when}: {found:?}");
                assert!(found == ["110"] || found == ["100"], "{when}: {found:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_flush_and_a_load_mend_before_they_write() {
    for load in [false, true] {
        let faults = two_files().await;
        lose(&faults, &[SHARED, "/manifest"]);
        let mut config = setting::without_manifest_cache(Config::default());
        config.load.rows = 5;
        let engine = Engine::open(stores(&faults), config).await.unwrap();
        if load {
            copy_ten(&engine).await;
        } else {
            run(&engine, "DELETE FROM t WHERE id = 11").await;
            engine.flush_all().await.unwrap();
        }
        assert_eq!(ask(&mut engine.session(), STATE).await, ["ok|NULL"]);
        let expected = if load { ["hot|1|100|100", "one|89|11|99", "two|20|101|120"] } else { ONE_LESS };
        assert_eq!(ask(&mut engine.session(), COUNTS).await, expected);
        let report = engine.check().await.unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
    }
}

#[tokio::test]
async fn every_step_of_mending_cut_short_recovers() {
    let whole = two_files().await;
    lose(&whole, &[SHARED, "/manifest"]);
    let probe = whole.survivors();
    let engine = open(&probe).await;
    ask(&mut engine.session(), COUNTS).await;
    let before = probe.operations();
    assert!(engine.step().await.unwrap());
    let steps = probe.operations() - before;
    assert!(steps >= 4, "numbers, a note, a manifest, a commit: {:?}", probe.log());
    drop(engine);
    for n in 1..=steps {
        for mode in [CrashMode::BeforeEffect, CrashMode::AfterEffect] {
            let faults = whole.survivors();
            let engine = open(&faults).await;
            ask(&mut engine.session(), COUNTS).await;
            faults.crash_after(n, mode);
            _ = engine.step().await;
            let when = format!("operation {n} of {steps}, {mode:?}: {:?}", faults.log().last());
            drop(engine);
            let rest = faults.survivors();
            let engine = open(&rest).await;
            assert_eq!(ask(&mut engine.session(), COUNTS).await, TWO_FILES, "{when}");
            _ = engine.step().await.unwrap();
            run(&engine, "DELETE FROM t WHERE id = 11").await;
            engine.flush_all().await.unwrap();
            let report = engine.check().await.unwrap();
            assert!(report.is_clean(), "{when}: {:?}", report.findings);
            drop(engine);
            let engine = open(&rest.survivors()).await;
            assert_eq!(ask(&mut engine.session(), COUNTS).await, ONE_LESS, "{when}");
        }
    }
}

#[tokio::test]
async fn where_the_files_do_not_tell_either_it_is_corrupt_and_shown_as_damaged() {
    let whole = two_files().await;
    for part in [".dv", "batch-1.parquet", "batch-1.sum"] {
        let faults = whole.survivors();
        lose(&faults, &[SHARED, "/manifest"]);
        lose(&faults, &[SHARED, part]);
        let engine = open(&faults).await;
        let error = fail(&mut engine.session(), COUNTS).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("manifest-"), "{error}");
        let state = ask(&mut engine.session(), STATE).await;
        assert!(state.len() == 1 && state[0].starts_with("damaged|"), "{state:?}");
        let mut steps = 0;
        while engine.step().await.unwrap() {
            steps += 1;
            assert!(steps < 10, "{part}: what cannot be mended keeps nobody at work");
        }
        assert_eq!(ask(&mut engine.session(), STATE).await, state);
        assert!(!engine.check().await.unwrap().is_clean());
    }
}

#[tokio::test]
async fn who_only_reads_has_right_rows_and_mends_nothing() {
    let faults = two_files().await;
    lose(&faults, &[SHARED, "/manifest"]);
    let mut config = setting::without_manifest_cache(Config::default());
    config.writer.read_only = true;
    let engine = Engine::open(stores(&faults), config).await.unwrap();
    assert_eq!(ask(&mut engine.session(), COUNTS).await, TWO_FILES);
    assert!(!engine.step().await.unwrap());
    assert!(firndb_tests::losses::blobs(&faults, &[SHARED, "/manifest"]).is_empty());
}
