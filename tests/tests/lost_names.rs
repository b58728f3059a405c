//! Platforms that cannot sync a directory: after a power failure files of a flush can be gone, although
//! the commit that refers to them is not.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, fail};
use firndb_tests::lasting::{Lasting, START_MS};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

async fn open(lasting: &Lasting) -> Engine {
    Engine::open(lasting.stores().with_unsynced_names(), Config::default()).await.unwrap()
}

/// A store whose first flush is beyond doubt and whose second and third are not: what a power failure can
/// take is whatever was written after `kept` was listed.
async fn flushed_thrice(lasting: &Lasting) -> Vec<Path> {
    let engine = open(lasting).await;
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')").await;
    engine.flush_all().await.unwrap();
    engine.close().await.unwrap();
    lasting.clock().set_ms(START_MS + 120_000);
    let engine = open(lasting).await;
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["3"]);
    let kept = files(lasting).await;
    ask(&mut s, "UPDATE t SET v = 'b2' WHERE id = 2").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "DELETE FROM t WHERE id = 1").await;
    ask(&mut s, "INSERT INTO t VALUES (4, 'd')").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, ["2|b2", "3|c", "4|d"]);
    engine.close().await.unwrap();
    kept
}

async fn files(lasting: &Lasting) -> Vec<Path> {
    let listed: Vec<_> = lasting.blobs().list(None).try_collect().await.unwrap();
    listed.into_iter().map(|o| o.location).collect()
}

#[tokio::test]
async fn rows_of_files_that_lost_their_names_are_hot_again() {
    // Every file alone, and all together, of those whose names may be lost.
    let count = {
        let lasting = Lasting::new(1);
        let kept = flushed_thrice(&lasting).await;
        files(&lasting).await.len() - kept.len()
    };
    assert!(count >= 6, "{count} files of two flushes");
    for lost in 0..=count {
        let lasting = Lasting::new(1);
        let kept = flushed_thrice(&lasting).await;
        let mut doubtful: Vec<Path> =
            files(&lasting).await.into_iter().filter(|f| !kept.contains(f)).collect();
        doubtful.sort();
        let gone = if lost == count { doubtful.as_slice() } else { &doubtful[lost..=lost] };
        for path in gone {
            lasting.blobs().delete(path).await.unwrap();
        }
        for flush_again in [true, false] {
            let engine = open(&lasting).await;
            let mut s = engine.session();
            let rows = ask(&mut s, "SELECT * FROM t ORDER BY id").await;
            assert_eq!(rows, ["2|b2", "3|c", "4|d"], "{gone:?} lost, flushed again: {}", !flush_again);
            ask(&mut s, "UPDATE t SET v = v WHERE id > 2").await;
            if flush_again {
                engine.flush_all().await.unwrap();
            }
            assert!(engine.check().await.unwrap().is_clean());
            assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, rows);
            engine.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn blocks_go_only_once_a_later_opening_has_found_the_files() {
    let lasting = Lasting::new(1);
    flushed_thrice(&lasting).await;
    // Reopened at once, names may still be lost: the rows of the flushes are kept twice.
    let engine = open(&lasting).await;
    assert_eq!(ask(&mut engine.session(), "SELECT count(*) FROM t").await, ["3"]);
    engine.close().await.unwrap();
    let hot = || async { lasting.hot_keys().await };
    assert!(hot().await > 0);
    // A minute later they are not, and what is lost from then on is damage.
    lasting.clock().set_ms(START_MS + 240_000);
    let engine = open(&lasting).await;
    assert_eq!(ask(&mut engine.session(), "SELECT count(*) FROM t").await, ["3"]);
    engine.close().await.unwrap();
    assert_eq!(hot().await, 0);
    for path in files(&lasting).await.into_iter().filter(|p| p.as_ref().ends_with(".parquet")) {
        lasting.blobs().delete(&path).await.unwrap();
    }
    let engine = open(&lasting).await;
    let error = fail(&mut engine.session(), "SELECT * FROM t").await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}
