//! Ids of users that look alike, climb out of directories, or are no text that anybody would write: each has rows of its
//! own, in files of its own, inside of the store, wherever that is kept.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use datafusion::scalar::ScalarValue;
use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Error, ErrorKind, Role, Session, UserId};
use firndb_tests::ask::{ask, expect_clean, lines, run};
use firndb_tests::lasting::Lasting;
use futures::TryStreamExt;
use object_store::ObjectStore;

#[path = "../../storage-native/tests/storage/s3_server.rs"]
mod s3_server;

fn ids() -> Vec<String> {
    let long = ["z".repeat(300), "z".repeat(301), "é".repeat(150), "x".repeat(64), "x".repeat(65)];
    let short = [
        "a",
        "ab",
        "a:b",
        "a/b",
        "a\\b",
        "a ",
        " a",
        "A",
        "..",
        ".",
        "../a",
        "/",
        "/etc/passwd",
        "é",
        "e\u{301}",
        "\0",
        "a\0",
        "a\0b",
        "😀",
        "",
        "\n",
        "%2e%2e%2f",
        "x-a",
        "u-a",
        "shared",
        "con",
        "NUL",
        "a.",
        "\u{202e}a",
        "ａ",
        "ß",
        "SS",
        "'; DROP TABLE m; --",
        "$1",
        "{}",
        "\u{10ffff}",
    ];
    short.iter().map(|id| (*id).to_owned()).chain(long).collect()
}

fn session(engine: &Engine, id: &str) -> Session {
    engine.session_as(UserId::new(id).unwrap(), Role::User)
}

/// Rows of every user: by itself and in its name, hot and cold, in tables of both kinds.
async fn fill(engine: &Engine) {
    run(
        engine,
        "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT, writer TEXT DEFAULT CURRENT_USER()); \
         CREATE STREAM TABLE s (id BIGINT PRIMARY KEY) WITH (TTL_SECONDS = 86400)",
    )
    .await;
    let mut desk = engine.session();
    for (at, id) in ids().iter().enumerate() {
        run(engine, &format!("CREATE USER '{}'", id.replace('\'', "''"))).await;
        ask(
            &mut session(engine, id),
            &format!("INSERT INTO m (id, body) VALUES (1, 'cold {at}'), (2, 'gone'), (3, 'old')"),
        )
        .await;
        let text = ScalarValue::Utf8(Some(id.clone()));
        let sql = format!("INSERT INTO m AS USER $1 (id, body) VALUES (4, 'in the name of {at}')");
        desk.query(&sql, &[text]).await.unwrap();
    }
    engine.flush_all().await.unwrap();
    for (at, id) in ids().iter().enumerate() {
        let sql = format!(
            "UPDATE m SET body = 'hot {at}' WHERE id = 3; DELETE FROM m WHERE id = 2; INSERT INTO s VALUES ({at})"
        );
        ask(&mut session(engine, id), &sql).await;
    }
}

/// Each sees what is its own, and nothing else.
async fn expect_disjoint(engine: &Engine, erased: &BTreeSet<usize>) {
    for (at, id) in ids().iter().enumerate().filter(|(at, _)| !erased.contains(at)) {
        let mut session = session(engine, id);
        let rows = ask(&mut session, "SELECT id, body FROM m ORDER BY id").await;
        assert_eq!(
            rows,
            [format!("1|cold {at}"), format!("3|hot {at}"), format!("4|in the name of {at}")],
            "{id:?}"
        );
        assert_eq!(
            ask(&mut session, "SELECT body FROM m WHERE id = 4").await,
            [format!("in the name of {at}")]
        );
        assert_eq!(ask(&mut session, "SELECT * FROM s").await, [at.to_string()], "{id:?}");
        let own = [ScalarValue::Utf8(Some(id.clone()))];
        let others = "SELECT count(*) FROM m WHERE writer <> $1 OR CURRENT_USER() <> $1";
        assert_eq!(lines(&session.query(others, &own).await.unwrap()), ["0"], "{id:?}");
    }
    let count = run(engine, "SELECT count(*) FROM system.users WHERE id <> 'root'").await;
    assert_eq!(count, [ids().len().to_string()]);
}

/// Every scope of `m` has a directory of its own, with files in it; how many there are.
async fn directories(blobs: &dyn ObjectStore) -> BTreeMap<String, usize> {
    let files: Vec<_> = blobs.list(None).try_collect().await.unwrap();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let path = file.location.to_string();
        assert!(!path.contains("..") && path.bytes().all(|b| b.is_ascii_graphic()), "{path}");
        let parts: Vec<&str> = path.split('/').collect();
        if let ["main", table, scope, _] = parts.as_slice()
            && table.starts_with("m-")
        {
            *found.entry((*scope).to_owned()).or_default() += 1;
        }
    }
    found
}

/// Opens the stores as often as is asked.
async fn endure(mut open: impl AsyncFnMut() -> Result<Stores, Error>) {
    let stores = open().await.unwrap();
    let blobs = std::sync::Arc::clone(&stores.blobs);
    let engine = Engine::open(stores, Config::default()).await.unwrap();
    fill(&engine).await;
    expect_disjoint(&engine, &BTreeSet::new()).await;
    assert_eq!(directories(blobs.as_ref()).await.len(), ids().len());
    engine.close().await.unwrap();
    drop(engine);
    let engine = Engine::open(open().await.unwrap(), Config::default()).await.unwrap();
    expect_disjoint(&engine, &BTreeSet::new()).await;
    run(&engine, "STORAGE FLUSH TABLE m; STORAGE COMPACT TABLE m").await;
    expect_disjoint(&engine, &BTreeSet::new()).await;
    expect_clean(&engine).await;
    // What is one's goes, and nothing of whoever looks like it.
    let erased: BTreeSet<usize> = (0..ids().len()).step_by(2).collect();
    for (at, id) in ids().iter().enumerate().filter(|(at, _)| erased.contains(at)) {
        run(&engine, &format!("DROP USER '{}' ERASE", id.replace('\'', "''"))).await;
        let e = session(&engine, id).execute("SELECT 1").await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{at}");
    }
    expect_disjoint(&engine, &erased).await;
    assert_eq!(directories(blobs.as_ref()).await.len(), ids().len() - erased.len());
    expect_clean(&engine).await;
    engine.close().await.unwrap();
}

#[tokio::test]
async fn in_memory() {
    let lasting = Lasting::new(1);
    endure(async || Ok(lasting.stores())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_rocksdb_and_files() {
    let around = tempfile::tempdir().unwrap();
    let dir = around.path().join("store");
    endure(async || firndb_storage_native::open(&dir, None)).await;
    let beside: Vec<_> =
        std::fs::read_dir(around.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["store"], "nothing is outside of the store");
    // From the files alone they come back as they were.
    std::fs::remove_dir_all(dir.join("kv")).unwrap();
    let stores = firndb_storage_native::open(&dir, None).unwrap();
    let report = Engine::recover(stores, Config::default()).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    let engine =
        Engine::open(firndb_storage_native::open(&dir, None).unwrap(), Config::default()).await.unwrap();
    for (at, id) in ids().iter().enumerate().filter(|(at, _)| at % 2 == 1) {
        let rows = ask(&mut session(&engine, id), "SELECT id, body FROM m ORDER BY id").await;
        assert_eq!(
            rows,
            [format!("1|cold {at}"), format!("3|hot {at}"), format!("4|in the name of {at}")],
            "{id:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_rocksdb_and_s3() {
    let dir = tempfile::tempdir().unwrap();
    let server = s3_server::S3Server::start();
    let hot = dir.path().join("hot");
    endure(async || {
        let url = format!("s3://{}/ids", s3_server::S3Server::BUCKET);
        let mut stores = firndb_storage_native::open(&hot, None)?;
        stores.blobs = firndb_storage_native::blob_store_with(&url, server.options())?;
        Ok(stores)
    })
    .await;
}
