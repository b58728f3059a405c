//! As many users as a large application has, each with a few rows, on one machine's memory.
//!
//! `FIRNDB_SCOPES=100000` (any number) asks for so many; without it there are fewer.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Instant;

use firndb_core::{Config, Durability, Engine, Session};
use firndb_tests::ask::{ask, user};

const ROWS: usize = 10;
const HOT_BYTES: usize = 16 << 20;
const OPEN_SCOPES: usize = 100;

fn scopes() -> usize {
    std::env::var("FIRNDB_SCOPES").ok().map_or(3000, |n| n.parse().unwrap())
}

fn config() -> Config {
    let mut config = Config::default();
    config.writer.durability = Durability::Relaxed;
    config.hot.bytes = HOT_BYTES;
    config.hot.scopes = OPEN_SCOPES;
    config.manifest_cache.max_entries = OPEN_SCOPES;
    config
}

async fn of(engine: &Engine, n: usize) -> Session {
    user(engine, &format!("user{n}")).await
}

/// What the process has in memory; `None` where that cannot be asked.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
}

async fn insert(engine: &Engine, n: usize) {
    let rows: Vec<String> = (0..ROWS).map(|row| format!("({row}, 'row {row} of user {n}')")).collect();
    ask(&mut of(engine, n).await, &format!("INSERT INTO u VALUES {}", rows.join(", "))).await;
}

/// 100,000 scopes of ten rows within the memory budget: written, left alone, and then one in a hundred used again,
/// read, changed, and flushed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_scopes_of_ten_rows_stay_within_the_budget() {
    let scopes = scopes();
    let dir = tempfile::tempdir().unwrap();
    let open =
        || async { Engine::open(firndb_storage_native::open(dir.path(), None).unwrap(), config()).await };
    let engine = open().await.unwrap();
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    let started = Instant::now();
    // The first ones pay for what every engine has in memory.
    let warm = scopes.min(2 * OPEN_SCOPES);
    for n in 0..warm {
        insert(&engine, n).await;
    }
    let before = resident_bytes();
    for n in warm..scopes {
        insert(&engine, n).await;
    }
    let written = started.elapsed();
    assert!(engine.stats().scopes_evicted >= (scopes - OPEN_SCOPES) as u64, "{:?}", engine.stats());
    let after_writing = resident_bytes();

    for n in (0..scopes).step_by(100) {
        let mut s = of(&engine, n).await;
        assert_eq!(ask(&mut s, "SELECT count(*), max(v) FROM u").await, [format!("10|row 9 of user {n}")]);
        ask(&mut s, "UPDATE u SET v = 'active' WHERE id < 5").await;
    }
    // Between its users, who have nothing to do with it, one is flushed.
    ask(&mut of(&engine, 0).await, "DELETE FROM u WHERE id = 9").await;
    engine.close().await.unwrap();
    drop(engine);
    let engine = open().await.unwrap();
    for n in (0..scopes).step_by(scopes / 100) {
        let expected = if n == 0 { "9" } else { "10" };
        assert_eq!(ask(&mut of(&engine, n).await, "SELECT count(*) FROM u").await, [expected], "user {n}");
    }
    let after_all = resident_bytes();
    let grown =
        |from: Option<usize>, to: Option<usize>| from.zip(to).map(|(from, to)| to.saturating_sub(from));
    let (writing, all) = (grown(before, after_writing), grown(before, after_all));
    println!("{scopes} scopes written in {written:?}; memory grew by {writing:?}, {all:?} in the end");
    // RocksDB has tables in memory besides, of a size that does not depend on how many scopes there are.
    let most = HOT_BYTES + (256 << 20);
    assert!(all.is_none_or(|bytes| bytes < most), "{all:?} of {most}");
    engine.close().await.unwrap();
}

/// Flushed, each scope has a file and a manifest: neither memory nor the next opening knows of those not in use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_flushed_scopes_stay_within_the_budget() {
    let scopes = scopes() / 10;
    let dir = tempfile::tempdir().unwrap();
    let open =
        || async { Engine::open(firndb_storage_native::open(dir.path(), None).unwrap(), config()).await };
    let engine = open().await.unwrap();
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for n in 0..scopes {
        insert(&engine, n).await;
    }
    engine.flush_all().await.unwrap();
    engine.close().await.unwrap();
    drop(engine);
    let engine = open().await.unwrap();
    for n in 0..scopes {
        assert_eq!(ask(&mut of(&engine, n).await, "SELECT v FROM u WHERE id = 99").await, [""; 0]);
    }
    let stats = engine.stats();
    assert_eq!((stats.manifests_from_kv, stats.manifests_from_blobs), (scopes as u64, 0));
    assert_eq!(stats.files_opened, 0);
    let kept = "SELECT count(*) FROM system.manifest_cache WHERE source = 'memory'";
    let kept = ask(&mut engine.session(), kept).await[0].parse::<usize>().unwrap();
    assert!(kept <= OPEN_SCOPES, "{kept} manifests in memory");
    assert_eq!(ask(&mut of(&engine, 7).await, "SELECT v FROM u WHERE id = 9").await, ["row 9 of user 7"]);
    engine.close().await.unwrap();
}
