//! What a scope of many batch files costs those who do not need the files.
//!
//! `FIRNDB_MANY_FILES=5000` (any number) asks for scopes of up to so many files, and prints what flushes took.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Session};
use firndb_tests::ask::ask;
use firndb_tests::counted::Counted;
use firndb_tests::lasting::Lasting;

const ROWS_IN_A_FILE: usize = 2;

/// A table `t` with `files` batch files of ascending keys, all of one flush.
async fn with_files(files: usize) -> (Engine, Session, Counted) {
    let lasting = Lasting::new(1);
    let blobs = Counted::new(lasting.stores().blobs, Duration::ZERO);
    let stores = Stores { blobs: Arc::new(blobs.clone()), ..lasting.stores() };
    let mut config = Config::default();
    config.batch_file.rows = ROWS_IN_A_FILE;
    let engine = Engine::open(stores, config).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, a INTEGER, v TEXT)").await;
    let rows = files * ROWS_IN_A_FILE;
    ask(
        &mut s,
        &format!("INSERT INTO t SELECT g, g % 7, 'row ' || g FROM generate_series(1, {rows}) AS x(g)"),
    )
    .await;
    engine.flush_all().await.unwrap();
    (engine, s, blobs)
}

/// What the blob store was asked for, bytes of the manifest apart, which are given too.
fn requests(blobs: &Counted) -> (Vec<String>, usize) {
    let mut manifest_bytes = 0;
    let kinds = blobs.take().into_iter().map(|request| {
        let mut parts = request.split(' ');
        let (verb, path) = (parts.next().unwrap(), parts.next().unwrap());
        let name = path.rsplit('/').next().unwrap();
        let kind = name.split(['-', '.']).next().unwrap();
        if kind == "manifest" {
            manifest_bytes += parts.next().map_or(0, |bytes| bytes.parse::<usize>().unwrap());
        }
        format!("{verb} {kind}")
    });
    (kinds.collect(), manifest_bytes)
}

fn largest() -> Option<usize> {
    std::env::var("FIRNDB_MANY_FILES").ok()?.parse().ok()
}

/// New rows, and rows of one old file that are changed and deleted: the same requests in a table of ten files and
/// in one of a thousand, of which only the manifest's are larger.
#[tokio::test]
async fn a_flush_asks_for_no_more_in_a_table_of_many_files() {
    let mut seen: Vec<Vec<Vec<String>>> = Vec::new();
    for files in [10, 100, 1000, 5000].into_iter().filter(|n| *n <= largest().unwrap_or(1000)) {
        let (engine, mut s, blobs) = with_files(files).await;
        let mut flushes = Vec::new();
        let first = files * ROWS_IN_A_FILE + 1;
        for change in [
            format!("INSERT INTO t VALUES ({first}, 1, 'new'), ({}, 1, 'new')", first + 1),
            format!("INSERT INTO t VALUES ({}, 1, 'new'), ({}, 1, 'new')", first + 2, first + 3),
            "UPDATE t SET v = 'changed' WHERE id = 3; DELETE FROM t WHERE id = 4".to_owned(),
        ] {
            ask(&mut s, &change).await;
            blobs.forget();
            let started = Instant::now();
            engine.flush_all().await.unwrap();
            let took = started.elapsed();
            let (requests, manifest_bytes) = requests(&blobs);
            if largest().is_some() {
                println!(
                    "{files} files: {took:?}, {} requests, {manifest_bytes} bytes of manifests",
                    requests.len()
                );
            }
            flushes.push(requests);
        }
        assert_eq!(flushes[0], ["put batch", "put batch", "put manifest", "put manifest"]);
        seen.push(flushes);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}
