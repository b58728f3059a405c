//! Stores on disk: RocksDB and files in a directory.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::Path;

use firndb_core::{Config, Durability, Engine, Error, ErrorKind};
use firndb_tests::ask::{ask, fail, user};
use firndb_tests::setting;

async fn open_with(dir: &Path, config: Config) -> Result<Engine, Error> {
    Engine::open(firndb_storage_native::open(dir, None)?, config).await
}

async fn open(dir: &Path) -> Result<Engine, Error> {
    open_with(dir, Config::default()).await
}

async fn fill(engine: &Engine) {
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t SELECT v, 'cold' FROM generate_series(1, 100) AS g(v)").await;
    ask(&mut user(engine, "alice").await, "INSERT INTO u VALUES (1, 'alice')").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 7").await;
    ask(&mut s, "UPDATE t SET v = 'changed' WHERE id <= 10").await;
    ask(&mut s, "DELETE FROM t WHERE id > 90").await;
    engine.flush_all().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_disk_is_there_after_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    for durability in [Durability::Strict, Durability::Relaxed] {
        let path = dir.path().join(format!("{durability:?}"));
        let config = setting::durability(durability);
        let engine = open_with(&path, config.clone()).await.unwrap();
        fill(&engine).await;
        ask(&mut engine.session(), "INSERT INTO t VALUES (500, 'hot', 1)").await;
        engine.close().await.unwrap();
        drop(engine);
        let engine = open_with(&path, config).await.unwrap();
        let mut s = engine.session();
        let found = ask(&mut s, "SELECT v, count(*), sum(extra) FROM t GROUP BY v ORDER BY v").await;
        assert_eq!(found, ["changed|10|70", "cold|80|560", "hot|1|1"]);
        assert_eq!(ask(&mut user(&engine, "alice").await, "SELECT * FROM u").await, ["1|alice"]);
        assert!(engine.check().await.unwrap().is_clean());
        drop(s);
        engine.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_part_deleted_store_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let engine = open(&path).await.unwrap();
    fill(&engine).await;
    let highest = ask(&mut engine.session(), "SELECT max(_seq) FROM t").await;
    let highest: i64 = highest[0].parse().unwrap();
    engine.close().await.unwrap();
    drop(engine);
    fs::remove_dir_all(path.join("kv")).unwrap();

    // Never silently: what was hot is lost, and somebody has to be told.
    let refused = open(&path).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("recover"), "{refused}");

    let stores = firndb_storage_native::open(&path, None).unwrap();
    let report = Engine::recover(stores, Config::default()).await.unwrap();
    println!("{report}");
    let engine = open(&path).await.unwrap();
    let mut s = engine.session();
    let found =
        ask(&mut s, "SELECT v, count(*), sum(extra), min(id), max(id) FROM t GROUP BY v ORDER BY v").await;
    assert_eq!(found, ["changed|10|70|1|10", "cold|80|560|11|90"]);
    assert_eq!(ask(&mut user(&engine, "alice").await, "SELECT * FROM u").await, ["1|alice"]);
    assert!(engine.check().await.unwrap().is_clean());

    // It goes on as a store like any other, with higher `_seq`s and free file names.
    ask(&mut s, "UPDATE t SET v = 'after' WHERE id IN (1, 50)").await;
    let seq: i64 = ask(&mut s, "SELECT _seq FROM t WHERE id = 1").await[0].parse().unwrap();
    assert!(seq > highest, "{seq} was handed out after {highest}");
    engine.flush_all().await.unwrap();
    ask(&mut s, "DELETE FROM t WHERE v = 'changed'").await;
    ask(&mut user(&engine, "alice").await, "INSERT INTO u VALUES (2, 'more')").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "CREATE SHARED TABLE another (id INTEGER PRIMARY KEY)").await;
    assert_eq!(ask(&mut s, "SELECT v, count(*) FROM t GROUP BY v ORDER BY v").await, ["after|2", "cold|79"]);
    drop(s);
    engine.close().await.unwrap();
    drop(engine);
    let engine = open(&path).await.unwrap();
    let found = ask(&mut engine.session(), "SELECT v, count(*) FROM t GROUP BY v ORDER BY v").await;
    assert_eq!(found, ["after|2", "cold|79"]);
    assert_eq!(ask(&mut user(&engine, "alice").await, "SELECT count(*) FROM u").await, ["2"]);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovering_a_whole_store_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let engine = open(&path).await.unwrap();
    fill(&engine).await;
    ask(&mut engine.session(), "INSERT INTO t VALUES (500, 'hot', 1)").await;
    engine.close().await.unwrap();
    drop(engine);
    let stores = firndb_storage_native::open(&path, None).unwrap();
    let refused = Engine::recover(stores, Config::default()).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
    let engine = open(&path).await.unwrap();
    assert_eq!(ask(&mut engine.session(), "SELECT count(*) FROM t").await, ["91"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_open_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await.unwrap();
    let second = open(dir.path()).await.map(drop).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Locked, "{second}");
    ask(&mut engine.session(), "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    engine.close().await.unwrap();
    drop(engine);
    let engine = open(dir.path()).await.unwrap();
    assert_eq!(ask(&mut engine.session(), "SELECT count(*) FROM t").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_no_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holiday");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("photo.jpg"), b"not a store").unwrap();
    let refused = open(&path).await.map(drop).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound), "{refused}");
    assert!(refused.to_string().contains("holiday"), "the directory is named: {refused}");
    let left: Vec<_> = fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["photo.jpg"]);

    let file = dir.path().join("file");
    fs::write(&file, b"a file").unwrap();
    let refused = open(&file).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("file"), "{refused}");

    for absent in [dir.path().join("absent"), path] {
        let refused = firndb_storage_native::open_existing(&absent, None).map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
        assert!(!dir.path().join("absent").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_another_stores_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    for path in [&a, &b] {
        let engine = open(path).await.unwrap();
        fill(&engine).await;
        engine.close().await.unwrap();
    }
    fs::remove_dir_all(a.join("blobs")).unwrap();
    fs::rename(b.join("blobs"), a.join("blobs")).unwrap();
    let refused = open(&a).await.map(drop).unwrap_err();
    assert!(!refused.to_string().is_empty());
    assert_ne!(refused.kind(), ErrorKind::Internal, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_store_answers_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path()).await.unwrap();
    fill(&engine).await;
    engine.close().await.unwrap();
    drop(engine);
    let stores = firndb_storage_native::open_read_only(dir.path(), None).unwrap();
    let engine = Engine::open(stores, setting::read_only()).await.unwrap();
    let mut s = engine.session();
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["90"]);
    for sql in ["INSERT INTO t VALUES (1000, 'x', 1)", "DROP TABLE t", "STORAGE FLUSH ALL"] {
        let refused = fail(&mut s, sql).await;
        assert!(
            matches!(refused.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported),
            "{sql}: {refused}"
        );
    }
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["90"]);
}
