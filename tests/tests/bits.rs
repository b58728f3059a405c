//! Damage at every place: each byte of a manifest, each page of a batch file, each of its extents. Right rows or
//! `Corrupt`, nothing else.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;

use firndb_core::storage::fault::FaultStores;
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, run};
use firndb_tests::losses::{blobs, lose, manifest, open, read, stores};
use firndb_tests::setting;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};

const SHARED: &str = "main/t-00000001/shared";
const EXTENT: usize = 64 * 1024;

/// Whether `sql` answers `expected`; if not, it has to be refused as damage.
async fn right_or_corrupt(engine: &Engine, sql: &str, expected: &[String], when: &str) -> bool {
    match engine.session().execute(sql).await {
        Ok(_) => {
            assert_eq!(ask(&mut engine.session(), sql).await, expected, "{when}: {sql}");
            true
        }
        Err(e) => {
            assert!(matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{when}: {sql}: {e}");
            false
        }
    }
}

async fn small() -> FaultStores {
    let faults = FaultStores::new();
    let engine = open(&faults).await;
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    run(&engine, "INSERT INTO t VALUES (1, 'one'), (2, 'gone'), (3, NULL)").await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id = 2").await;
    engine.flush_all().await.unwrap();
    faults
}

#[tokio::test]
async fn a_manifest_with_any_byte_flipped_is_never_believed() {
    let whole = small().await;
    let (newest, _) = manifest(&whole, SHARED).await;
    let expected = ["1|one".to_owned(), "3|NULL".to_owned()];
    let (mut right, mut refused) = (0, 0);
    for at in 0..read(&whole, &newest).await.len() {
        let when = format!("byte {at}");
        // With the pointer there, it is the copy or the files that count.
        let faults = whole.survivors();
        faults.corrupt_blob(&newest, at).unwrap();
        if at % 2 == 0 {
            lose(&faults, &[SHARED, "/manifest.json"]);
        }
        let engine = open(&faults).await;
        match right_or_corrupt(&engine, "SELECT * FROM t ORDER BY id", &expected, &when).await {
            true => right += 1,
            false => refused += 1,
        }
        // Without it, and without the copy, what the files tell, or nothing.
        let lost = whole.survivors_without_kv();
        lost.corrupt_blob(&newest, at).unwrap();
        lose(&lost, &[SHARED, "/manifest.json"]);
        match Engine::recover(stores(&lost), Config::default()).await {
            Ok(_) => {
                let engine = open(&lost).await;
                right_or_corrupt(&engine, "SELECT * FROM t ORDER BY id", &expected, &when).await;
            }
            Err(e) => assert!(matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{when}: {e}"),
        }
    }
    println!("{right} times right, {refused} times refused");
    assert!(right > 50 * refused, "{right} times right, {refused} times refused");
}

/// Rows of a file with several row groups' worth of pages and extents; every third one is dead.
async fn large(rows: u32) -> (FaultStores, Vec<(&'static str, Vec<String>)>) {
    let faults = FaultStores::new();
    let mut config = setting::without_manifest_cache(Config::default());
    config.batch_file.rows = 1_000_000;
    let engine = Engine::open(stores(&faults), config).await.unwrap();
    run(&engine, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT, w DOUBLE PRECISION)").await;
    let made = format!(
        "INSERT INTO t SELECT v, md5(CAST(v AS TEXT)) || md5(CAST(v * 7 AS TEXT)), v / 3.0 FROM generate_series(1, {rows}) AS g(v)"
    );
    run(&engine, &made).await;
    engine.flush_all().await.unwrap();
    run(&engine, "DELETE FROM t WHERE id % 3 = 0").await;
    engine.flush_all().await.unwrap();
    let mut answers = Vec::new();
    for sql in [
        "SELECT count(*), count(v), sum(id), min(v), max(v), sum(w) FROM t",
        "SELECT v FROM t WHERE id = 4000",
        "SELECT count(*) FROM t WHERE id BETWEEN 5000 AND 6000",
        "SELECT count(*) FROM t WHERE v < '1'",
    ] {
        answers.push((sql, ask(&mut engine.session(), sql).await));
    }
    (faults, answers)
}

#[tokio::test]
async fn a_batch_file_cut_at_every_page_has_right_rows_or_is_corrupt() {
    let (whole, answers) = large(20_000).await;
    let path = blobs(&whole, &[SHARED, ".parquet"])[0].clone();
    let bytes = read(&whole, &path).await;
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = reader.parse_and_finish(&bytes).unwrap();
    let mut cuts = BTreeSet::new();
    for group in metadata.offset_index().unwrap() {
        for page in group.iter().flat_map(|column| column.page_locations()) {
            let start = usize::try_from(page.offset).unwrap();
            cuts.extend([start, start + usize::try_from(page.compressed_page_size).unwrap()]);
        }
    }
    assert!(cuts.len() > 15, "{cuts:?}");
    for cut in cuts {
        let faults = whole.survivors();
        faults.truncate_blob(&path, cut).unwrap();
        let engine = open(&faults).await;
        for (sql, expected) in &answers {
            right_or_corrupt(&engine, sql, expected, &format!("cut to {cut}")).await;
        }
        let report = engine.check().await.unwrap();
        assert!(
            report.findings.iter().any(|f| f.contains("batch-1.parquet")),
            "{cut}: {:?}",
            report.findings
        );
        // And where the manifest is lost as well.
        lose(&faults, &[SHARED, "/manifest"]);
        let engine = open(&faults).await;
        for (sql, expected) in &answers {
            assert!(!right_or_corrupt(&engine, sql, expected, &format!("cut to {cut}")).await);
        }
    }
}

#[tokio::test]
async fn a_bit_flipped_in_any_extent_leaves_right_rows_or_is_corrupt() {
    let (whole, answers) = large(60_000).await;
    let path = blobs(&whole, &[SHARED, ".parquet"])[0].clone();
    let extents = read(&whole, &path).await.len().div_ceil(EXTENT);
    assert!(extents > 20, "{extents}");
    let length = read(&whole, &path).await.len();
    let mut refused = 0;
    for extent in 0..extents {
        let faults = whole.survivors();
        let at = (extent * EXTENT + extent * 7919 % EXTENT).min(length - 1);
        faults.corrupt_blob(&path, at).unwrap();
        let engine = open(&faults).await;
        let when = format!("extent {extent} of {extents}");
        for (sql, expected) in &answers {
            refused += u32::from(!right_or_corrupt(&engine, sql, expected, &when).await);
        }
        let report = engine.check().await.unwrap();
        assert!(
            report.findings.iter().any(|f| f.contains("batch-1.parquet")),
            "{when}: {:?}",
            report.findings
        );
    }
    assert!(refused as usize >= extents, "the first statement reads all: {refused} of {extents}");
}
