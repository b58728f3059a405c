//! The manifest cache: what a restart finds, when the blob store is asked, and what is never believed.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{KeyRange, Keyspace, ManualClock, SeededRng, Stores, WriteBatch};
use firndb_core::{Config, Durability, Engine, ErrorKind, Session};
use firndb_tests::ask::{ask, user};
use firndb_tests::counted::Counted;
use firndb_tests::lasting::{Lasting, START_MS};
use object_store::ObjectStoreExt;
use object_store::path::Path;

/// A store that outlives engines, and what its blob store is asked for.
struct Watched {
    lasting: Lasting,
    blobs: Counted,
}

impl Watched {
    fn new() -> Self {
        Self::answering_in(Duration::ZERO)
    }

    fn answering_in(latency: Duration) -> Self {
        let lasting = Lasting::new(1);
        let blobs = Counted::new(lasting.stores().blobs, latency);
        Self { lasting, blobs }
    }

    fn stores(&self) -> Stores {
        Stores { blobs: Arc::new(self.blobs.clone()), ..self.lasting.stores() }
    }

    async fn open(&self, config: Config) -> Engine {
        Engine::open(self.stores(), config).await.unwrap()
    }

    /// The requests since this was last asked that are about manifests.
    fn manifests(&self) -> Vec<String> {
        let requests = self.blobs.take().into_iter();
        requests.filter(|r| r.contains("/manifest")).collect()
    }

    fn at(&self, seconds: i64) {
        self.lasting.clock().set_ms(START_MS + seconds * 1000);
    }

    /// The pairs in the keyspace of manifests; the cached ones follow their pointers.
    async fn pairs(&self) -> Vec<(Bytes, Bytes)> {
        self.stores().kv.page(Keyspace::Manifest, KeyRange::all(), usize::MAX).await.unwrap()
    }

    async fn put(&self, key: &Bytes, value: impl Into<Bytes>) {
        let mut batch = WriteBatch::new();
        batch.put(Keyspace::Manifest, key.clone(), value.into());
        self.stores().kv.commit(batch, Durability::Strict).await.unwrap();
    }
}

fn caching(ttl_seconds: u64, max_entries: usize, last_accessed_window_seconds: u64) -> Config {
    let mut config = Config::default();
    config.manifest_cache.ttl_seconds = ttl_seconds;
    config.manifest_cache.max_entries = max_entries;
    config.manifest_cache.last_accessed_window_seconds = last_accessed_window_seconds;
    config.manifest_cache.eviction_interval_seconds = 10;
    // A manifest that follows has nothing to say of the one before.
    config.compaction.automatic = false;
    config
}

/// A table with rows of two flushes, the second with a deletion.
async fn flushed_twice(engine: &Engine) -> Session {
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'one'), (2, 'two')").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "DELETE FROM t WHERE id = 1").await;
    ask(&mut s, "INSERT INTO t VALUES (3, 'three')").await;
    engine.flush_all().await.unwrap();
    s
}

async fn expect_rows(engine: &Engine, when: &str) {
    assert_eq!(
        ask(&mut engine.session(), "SELECT * FROM t ORDER BY id").await,
        ["2|two", "3|three"],
        "{when}"
    );
}

const SHOWN: &str =
    "SELECT source, sync_state, last_refreshed, last_accessed, ttl FROM system.manifest_cache";
const MANIFEST: &str = "main/t-00000001/shared/manifest-00000000000000000006.json";

#[tokio::test]
async fn a_restart_finds_manifests_as_old_as_they_are() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_twice(&engine).await;
    assert_eq!(engine.stats().manifests_from_blobs, 0);
    engine.close().await.unwrap();

    watched.at(600);
    let engine = watched.open(Config::default()).await;
    let mut s = engine.session();
    watched.blobs.forget();
    assert_eq!(ask(&mut s, SHOWN).await, ["kv|in_sync|2026-11-22T10:00:00.000Z|NULL|3000"]);
    expect_rows(&engine, "after a restart").await;
    assert_eq!(watched.manifests(), [""; 0]);
    let used = "memory|in_sync|2026-11-22T10:00:00.000Z|2026-11-22T10:10:00.000Z|3000";
    assert_eq!(ask(&mut s, SHOWN).await, [used]);
    let stats = engine.stats();
    assert_eq!((stats.manifests_from_kv, stats.manifests_from_blobs, stats.manifests_validated), (1, 0, 0));
    expect_rows(&engine, "in memory").await;
    assert!(engine.stats().manifests_from_memory > 0);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn the_blob_store_is_asked_once_the_time_is_over() {
    let watched = Watched::new();
    let engine = watched.open(caching(100, 100, 1_000_000)).await;
    let mut s = flushed_twice(&engine).await;
    watched.at(99);
    watched.blobs.forget();
    expect_rows(&engine, "before").await;
    assert_eq!(watched.manifests(), [""; 0]);
    watched.at(100);
    expect_rows(&engine, "after").await;
    expect_rows(&engine, "after, again").await;
    assert_eq!(watched.manifests(), [format!("get {MANIFEST}")]);
    assert_eq!(engine.stats().manifests_validated, 1);
    let shown = "memory|in_sync|2026-11-22T10:01:40.000Z|2026-11-22T10:01:40.000Z|100";
    assert_eq!(ask(&mut s, SHOWN).await, [shown]);
    engine.close().await.unwrap();

    // What was validated is as young after a restart, and ages while nobody has the store open.
    watched.at(199);
    let engine = watched.open(caching(100, 100, 1_000_000)).await;
    watched.blobs.forget();
    expect_rows(&engine, "reopened").await;
    assert_eq!(watched.manifests(), [""; 0]);
    engine.close().await.unwrap();
    watched.at(500);
    let engine = watched.open(caching(100, 100, 1_000_000)).await;
    watched.blobs.forget();
    expect_rows(&engine, "reopened late").await;
    assert_eq!(watched.manifests(), [format!("get {MANIFEST}")]);
    let stats = engine.stats();
    assert_eq!((stats.manifests_from_kv, stats.manifests_from_blobs, stats.manifests_validated), (1, 0, 1));
}

#[tokio::test]
async fn another_tag_is_looked_into() {
    let watched = Watched::new();
    let engine = watched.open(caching(100, 100, 1_000_000)).await;
    let mut s = flushed_twice(&engine).await;
    let path = Path::from(MANIFEST);
    let blobs = watched.lasting.blobs();
    let committed = blobs.get(&path).await.unwrap().bytes().await.unwrap();
    let tag = "SELECT etag FROM system.manifest_cache";
    let before = ask(&mut s, tag).await;
    blobs.put(&path, committed.clone().into()).await.unwrap();
    watched.at(100);
    expect_rows(&engine, "the same under another tag").await;
    assert_ne!(ask(&mut s, tag).await, before);
    let state = "SELECT sync_state FROM system.manifest_cache";
    assert_eq!(ask(&mut s, state).await, ["in_sync"]);

    // The pointer says what was committed: it is read on, and told.
    blobs.put(&path, Bytes::from_static(b"{}").into()).await.unwrap();
    watched.at(200);
    expect_rows(&engine, "altered").await;
    assert_eq!(ask(&mut s, state).await, ["altered"]);
    assert!(!engine.check().await.unwrap().is_clean());
    engine.close().await.unwrap();
    let engine = watched.open(caching(100, 100, 1_000_000)).await;
    expect_rows(&engine, "altered, and reopened").await;
    assert_eq!(ask(&mut engine.session(), state).await, ["altered"]);
    engine.close().await.unwrap();

    // Put back, it is found at the next opening, and the copy looked after.
    blobs.put(&path, committed.into()).await.unwrap();
    for state_after in ["pending", "in_sync"] {
        let engine = watched.open(caching(100, 100, 1_000_000)).await;
        expect_rows(&engine, "put back").await;
        assert_eq!(ask(&mut engine.session(), state).await, [state_after]);
        engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_manifest_that_was_altered_is_written_again() {
    for in_memory in [true, false] {
        let watched = Watched::new();
        let engine = watched.open(caching(100, 100, 1_000_000)).await;
        let mut s = flushed_twice(&engine).await;
        let path = Path::from(MANIFEST);
        watched.lasting.blobs().put(&path, Bytes::from_static(b"{}").into()).await.unwrap();
        let engine = match in_memory {
            true => engine,
            false => {
                drop(s);
                engine.close().await.unwrap();
                watched.at(50);
                let engine = watched.open(caching(100, 100, 1_000_000)).await;
                s = engine.session();
                engine
            }
        };
        watched.at(100);
        expect_rows(&engine, "altered").await;
        let states = "SELECT state, reason LIKE '%manifest%' FROM system.manifests";
        assert_eq!(ask(&mut s, states).await, ["rebuilding|true"], "in memory {in_memory}");
        while engine.step().await.unwrap() {}
        assert_eq!(ask(&mut s, states).await, ["rebuilt|true"], "in memory {in_memory}");
        assert_eq!(ask(&mut s, "SELECT sync_state FROM system.manifest_cache").await, ["in_sync"]);
        assert!(engine.check().await.unwrap().is_clean());
        expect_rows(&engine, "written again").await;
    }
}

#[tokio::test]
async fn a_blob_store_that_does_not_answer_keeps_nobody_from_reading() {
    let faults = FaultStores::new();
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let stores = faults.stores(Arc::clone(&clock) as _, Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores, caching(100, 100, 1_000_000)).await.unwrap();
    let mut s = flushed_twice(&engine).await;
    ask(&mut s, "SELECT * FROM t").await;
    clock.set_ms(START_MS + 100_000);
    faults.crash_after(0, firndb_core::storage::fault::CrashMode::BeforeEffect);
    assert_eq!(ask(&mut s, "SELECT * FROM t WHERE id = 99").await, [""; 0]);
    assert_eq!(engine.stats().manifests_validated, 0);
}

/// Whatever the cached value is, the rows are right, and the next restart finds a good one.
#[tokio::test]
async fn a_damaged_cached_manifest_is_left_aside() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_twice(&engine).await;
    engine.close().await.unwrap();
    let (key, good) = watched.pairs().await.pop().unwrap();
    assert!(good.starts_with(b"FMAN"));
    let mut damaged: Vec<Bytes> = vec![Bytes::new(), Bytes::from_static(b"FMAN")];
    for at in (0..good.len()).step_by(37).chain([4, 6, 9, good.len() - 1]) {
        let mut bad = good.to_vec();
        bad[at] ^= 1;
        damaged.push(bad.into());
        damaged.push(good.slice(..at));
    }
    for bad in damaged {
        watched.put(&key, bad.clone()).await;
        for from_blobs in [1, 0] {
            let engine = watched.open(Config::default()).await;
            expect_rows(&engine, "damaged").await;
            assert_eq!(engine.stats().manifests_from_blobs, from_blobs, "{bad:?}");
            engine.close().await.unwrap();
        }
    }
    assert_eq!(watched.pairs().await.pop().unwrap().0, key);
}

/// The value of an earlier manifest, whole, and with the header of the newest.
#[tokio::test]
async fn a_cached_manifest_that_is_not_the_pointers_is_not_believed() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t VALUES (1, 'deleted'), (2, 'two'), (3, 'three')").await;
    engine.flush_all().await.unwrap();
    let (key, old) = watched.pairs().await.pop().unwrap();
    ask(&mut s, "DELETE FROM t WHERE id = 1").await;
    engine.flush_all().await.unwrap();
    drop(s);
    engine.close().await.unwrap();
    let new = watched.pairs().await.pop().unwrap().1;

    let header = |value: &Bytes| 10 + u32::from_le_bytes(value[6..10].try_into().unwrap()) as usize;
    let body = old.slice(header(&old)..old.len() - 4);
    let mut forged = [&new[..header(&new)], &body].concat();
    forged.extend_from_slice(&crc32c(&forged).to_le_bytes());
    for value in [old, forged.into()] {
        watched.put(&key, value).await;
        let engine = watched.open(Config::default()).await;
        expect_rows(&engine, "an older manifest").await;
        assert_eq!(engine.stats().manifests_from_blobs, 1);
        engine.close().await.unwrap();
    }
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// `users` scopes of `u`, each with a file.
async fn flushed_users(engine: &Engine, users: usize) {
    ask(&mut engine.session(), "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for n in 0..users {
        ask(&mut user(engine, &format!("user{n}")).await, &format!("INSERT INTO u VALUES (1, 'of {n}')"))
            .await;
    }
    engine.flush_all().await.unwrap();
}

#[tokio::test]
async fn memory_keeps_so_many_manifests_and_those_that_are_used() {
    let watched = Watched::new();
    let engine = watched.open(caching(1_000_000, 16, 100)).await;
    flushed_users(&engine, 40).await;
    let kept = "SELECT count(*) FROM system.manifest_cache WHERE source = 'memory'";
    let count = ask(&mut engine.session(), kept).await[0].parse::<usize>().unwrap();
    assert!((10..=16).contains(&count), "{count} in memory");
    assert!(engine.stats().manifests_evicted >= 24);
    // One that is used stays; the others leave with the window.
    watched.at(60);
    assert_eq!(ask(&mut user(&engine, "user0").await, "SELECT v FROM u").await, ["of 0"]);
    watched.at(101);
    assert!(!engine.step().await.unwrap());
    assert_eq!(ask(&mut engine.session(), kept).await, ["1"]);
    // So does one with hot versions, which would have to be read again too.
    ask(&mut user(&engine, "user1").await, "INSERT INTO u VALUES (2, 'hot')").await;
    watched.at(300);
    engine.step().await.unwrap();
    let scopes = "SELECT scope FROM system.manifest_cache WHERE source = 'memory'";
    assert_eq!(ask(&mut engine.session(), scopes).await, ["u-user1"]);
    watched.blobs.forget();
    assert_eq!(ask(&mut user(&engine, "user5").await, "SELECT v FROM u").await, ["of 5"]);
    assert_eq!(watched.manifests(), [""; 0], "the key-value store has it");
}

#[tokio::test]
async fn a_thousand_scopes_open_after_a_restart_without_a_manifest_from_the_blob_store() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_users(&engine, 1000).await;
    engine.close().await.unwrap();
    let engine = watched.open(Config::default()).await;
    watched.blobs.forget();
    for n in 0..1000 {
        let mut s = user(&engine, &format!("user{n}")).await;
        // No file has the key, as manifests alone tell.
        assert_eq!(ask(&mut s, "SELECT v FROM u WHERE id = 2").await, [""; 0]);
    }
    assert_eq!(watched.blobs.take(), [""; 0]);
    assert_eq!(engine.stats().manifests_from_kv, 1000);
}

#[tokio::test]
async fn a_far_blob_store_is_not_waited_for() {
    let watched = Watched::answering_in(Duration::from_millis(30));
    let engine = watched.open(Config::default()).await;
    flushed_users(&engine, 12).await;
    engine.close().await.unwrap();
    let engine = watched.open(Config::default()).await;
    watched.blobs.forget();
    let started = Instant::now();
    for n in 0..12 {
        ask(&mut user(&engine, &format!("user{n}")).await, "SELECT v FROM u WHERE id = 2").await;
    }
    let cached = started.elapsed();
    assert_eq!(watched.blobs.take(), [""; 0]);
    engine.close().await.unwrap();
    // Without a cache each opening waits for the manifest and its copy.
    let engine = watched.open(caching(100, 0, 100)).await;
    let started = Instant::now();
    for n in 0..12 {
        ask(&mut user(&engine, &format!("user{n}")).await, "SELECT v FROM u WHERE id = 2").await;
    }
    let uncached = started.elapsed();
    assert_eq!(watched.manifests().len(), 24);
    assert!(uncached >= Duration::from_millis(24 * 30) && uncached > cached, "{uncached:?}, {cached:?}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_fails_no_flush() {
    let faults = FaultStores::new();
    let stores = || faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores(), Config::default()).await.unwrap();
    faults.refuse("kv commit relaxed: put manifest", ErrorKind::LimitExceeded);
    flushed_twice(&engine).await;
    expect_rows(&engine, "unwritten").await;
    engine.close().await.unwrap();
    let engine = Engine::open(stores(), Config::default()).await.unwrap();
    expect_rows(&engine, "from the blob store").await;
    assert_eq!((engine.stats().manifests_from_kv, engine.stats().manifests_from_blobs), (0, 1));
    engine.close().await.unwrap();
    faults.refuse_nothing();

    // A copy for people that could not be replaced is seen to by the next opening.
    let engine = Engine::open(stores(), Config::default()).await.unwrap();
    faults.refuse("/manifest.json", ErrorKind::Unavailable);
    ask(&mut engine.session(), "UPDATE t SET v = 'changed' WHERE id = 2").await;
    engine.flush_all().await.unwrap();
    let state = "SELECT sync_state FROM system.manifest_cache";
    assert_eq!(ask(&mut engine.session(), state).await, ["pending"]);
    engine.close().await.unwrap();
    faults.refuse_nothing();
    let engine = Engine::open(stores(), Config::default()).await.unwrap();
    assert_eq!(ask(&mut engine.session(), "SELECT v FROM t WHERE id = 2").await, ["changed"]);
    assert_eq!(ask(&mut engine.session(), state).await, ["in_sync"]);
    let report = engine.check().await.unwrap();
    assert!(report.is_clean() && !report.notes.iter().any(|n| n.contains("manifest.json")), "{report:?}");
}

#[tokio::test]
async fn a_user_sees_its_own_scopes_and_those_of_all() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_twice(&engine).await;
    flushed_users(&engine, 3).await;
    for table in ["manifest_cache", "manifests", "batches"] {
        let show = format!("SELECT DISTINCT table_name, scope FROM system.{table} ORDER BY 1, 2");
        assert_eq!(ask(&mut user(&engine, "user1").await, &show).await, ["t|shared", "u|u-user1"], "{table}");
        let all = ["t|shared", "u|u-user0", "u|u-user1", "u|u-user2"];
        assert_eq!(ask(&mut engine.session(), &show).await, all, "{table}");
    }
    assert_eq!(ask(&mut user(&engine, "user1").await, "SHOW MANIFEST CACHE").await.len(), 2);
}

#[tokio::test]
async fn a_reader_uses_the_cache_and_leaves_it() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_twice(&engine).await;
    engine.close().await.unwrap();
    let before = watched.pairs().await;
    watched.at(1_000_000);
    let mut config = Config::default();
    config.writer.read_only = true;
    let reader = watched.open(config).await;
    expect_rows(&reader, "read only").await;
    assert_eq!((reader.stats().manifests_from_kv, reader.stats().manifests_validated), (1, 1));
    assert!(watched.pairs().await == before, "a reader wrote");
}

#[tokio::test]
async fn a_copy_of_the_store_has_no_cache_and_makes_its_own() {
    let watched = Watched::new();
    let engine = watched.open(Config::default()).await;
    flushed_twice(&engine).await;
    assert_eq!(watched.pairs().await.len(), 2);
    let copy = Watched::new();
    let report = engine.backup(&copy.stores(), &mut |_, _| {}).await.unwrap();
    assert!(report.damage.is_empty());
    assert_eq!(copy.pairs().await.len(), 1);
    for from_blobs in [1, 0] {
        let engine = copy.open(Config::default()).await;
        expect_rows(&engine, "copied").await;
        assert_eq!(engine.stats().manifests_from_blobs, from_blobs);
        engine.close().await.unwrap();
    }
}
