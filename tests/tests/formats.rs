//! Versions of what is at rest: a later one is refused and left as it is, an earlier one goes on being read.
//!
//! `tests/formats` has one store of every format there was; its README says how one is added.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use firndb_core::storage::{KeyRange, Keyspace, WriteBatch};
use firndb_core::{Config, Durability, Engine, Error, ErrorKind};
use firndb_tests::ask::{ask, fail, user};
use firndb_tests::lasting::Lasting;
use firndb_tests::setting;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

// ---- a later format ----

/// Everything in a store, to see that nothing changed.
#[derive(Debug, PartialEq, Eq)]
struct AtRest {
    pairs: BTreeMap<(Keyspace, Bytes), Bytes>,
    files: BTreeMap<Path, Bytes>,
}

impl AtRest {
    async fn of(lasting: &Lasting) -> Self {
        let kv = lasting.stores().kv;
        let mut pairs = BTreeMap::new();
        for space in Keyspace::ALL {
            let page = kv.page(space, KeyRange::all(), usize::MAX).await.unwrap();
            pairs.extend(page.into_iter().map(|(key, value)| ((space, key), value)));
        }
        let mut files = BTreeMap::new();
        let listed: Vec<_> = lasting.blobs().list(None).try_collect().await.unwrap();
        for object in listed {
            let bytes = lasting.blobs().get(&object.location).await.unwrap().bytes().await.unwrap();
            files.insert(object.location, bytes);
        }
        Self { pairs, files }
    }
}

/// Puts another value in the place of every one of `space` whose key, as text, has `part`.
async fn alter_pairs(lasting: &Lasting, space: Keyspace, part: &str, alter: impl Fn(&[u8]) -> Vec<u8>) {
    let kv = lasting.stores().kv;
    let mut batch = WriteBatch::new();
    for (key, value) in kv.page(space, KeyRange::all(), usize::MAX).await.unwrap() {
        if String::from_utf8_lossy(&key).contains(part) {
            batch.put(space, key, alter(&value));
        }
    }
    assert!(!batch.mutations.is_empty(), "no key of {} has {part:?}", space.name());
    kv.commit(batch, Durability::Strict).await.unwrap();
}

/// The same for the files whose path has `part`.
async fn alter_files(lasting: &Lasting, part: &str, alter: impl Fn(&[u8]) -> Vec<u8>) {
    let files = AtRest::of(lasting).await.files;
    let mut found = 0;
    for (path, bytes) in files.into_iter().filter(|(path, _)| path.as_ref().contains(part)) {
        lasting.blobs().put(&path, alter(&bytes).into()).await.unwrap();
        found += 1;
    }
    assert!(found > 0, "no file has {part:?}");
}

/// JSON with format 2.
fn json_of_two(bytes: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(bytes).unwrap();
    let later =
        text.replacen("\"format\": 1", "\"format\": 2", 1).replacen("\"format\":1", "\"format\":2", 1);
    assert_ne!(later, text);
    later.into_bytes()
}

/// Bytes with the next version, at `at`.
fn version_at(at: usize) -> impl Fn(&[u8]) -> Vec<u8> {
    move |bytes| {
        let mut later = bytes.to_vec();
        let version = later.get_mut(at).unwrap();
        assert!(matches!(*version, 1 | 2), "{version}");
        *version += 1;
        later
    }
}

/// A store with a batch file, a deletion vector, a hot block, and a view.
async fn small() -> Lasting {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY)")
        .await;
    ask(&mut s, "CREATE VIEW seen AS SELECT v FROM t").await;
    ask(&mut s, "INSERT INTO t SELECT n, 'cold' FROM generate_series(1, 20) AS g(n)").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "UPDATE t SET v = 'later' WHERE id = 5").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "INSERT INTO t VALUES (21, 'hot'); INSERT INTO u VALUES (1)").await;
    engine.close().await.unwrap();
    lasting
}

#[track_caller]
fn names_both(e: &Error, what: &str) {
    assert_eq!(e.kind(), ErrorKind::Unsupported, "{what}: {e}");
    let told = e.to_string();
    assert!(told.contains('2') && told.contains('1') && told.contains(what), "{what}: {told}");
}

/// What a later version of one thing does: opening is refused, by whatever way, and nothing changes.
async fn is_not_opened(lasting: &Lasting, what: &str) {
    let before = AtRest::of(lasting).await;
    for config in [Config::default(), setting::read_only()] {
        let refused = Engine::open(lasting.stores(), config).await.map(drop).unwrap_err();
        names_both(&refused, what);
    }
    assert!(AtRest::of(lasting).await == before, "{what}: the store was changed");
}

#[tokio::test]
async fn a_store_of_a_later_format_is_not_opened() {
    let lasting = small().await;
    alter_files(&lasting, "store.json", |_| br#"{ "format": 2, "stores": ["another form"] }"#.to_vec()).await;
    is_not_opened(&lasting, "the store has format version 2").await;

    let lasting = small().await;
    alter_pairs(&lasting, Keyspace::Meta, "format", |_| 2_u32.to_be_bytes().to_vec()).await;
    is_not_opened(&lasting, "the store has format version 2").await;
}

#[tokio::test]
async fn a_definition_of_a_later_format_is_not_read() {
    for part in ["\u{3}", "seen"] {
        let lasting = small().await;
        let is_view = part == "seen";
        let every = if is_view { part } else { "" };
        let alter = |bytes: &[u8]| {
            let is_definition = bytes.starts_with(b"{") && bytes.windows(10).any(|w| w == b"next_colum");
            if is_view || is_definition { json_of_two(bytes) } else { bytes.to_vec() }
        };
        alter_pairs(&lasting, Keyspace::Catalog, every, alter).await;
        is_not_opened(&lasting, "format 2").await;
    }
}

#[tokio::test]
async fn a_store_with_files_of_a_later_format_is_not_recovered() {
    for (part, what) in [("store.json", "format version 2"), ("/manifest", "format 2")] {
        let lasting = small().await;
        alter_files(&lasting, part, json_of_two).await;
        let kv = lasting.stores().kv;
        let mut batch = WriteBatch::new();
        for space in Keyspace::ALL {
            batch.delete_range(space, KeyRange::all());
        }
        kv.commit(batch, Durability::Strict).await.unwrap();
        let before = AtRest::of(&lasting).await;
        let refused = Engine::recover(lasting.stores(), Config::default()).await.map(drop).unwrap_err();
        names_both(&refused, what);
        assert!(AtRest::of(&lasting).await == before, "{part}: the store was changed");
    }
}

#[tokio::test]
async fn rows_of_a_later_format_are_not_read_and_other_tables_are() {
    let blocks = small().await;
    alter_pairs(&blocks, Keyspace::Hot, "\0\0\0\u{1}\u{1}", version_at(4)).await;
    let cases = [
        ("hot block", blocks),
        ("manifest", small().await),
        ("deletes-", small().await),
        ("batch-", small().await),
    ];
    for (what, lasting) in cases {
        match what {
            "manifest" => alter_files(&lasting, "/manifest-", json_of_two).await,
            "deletes-" => alter_files(&lasting, "deletes-", version_at(4)).await,
            "batch-" => alter_files(&lasting, ".sum", version_at(4)).await,
            _ => {}
        }
        let before = AtRest::of(&lasting).await;
        let uncached = setting::without_manifest_cache;
        let reader = Engine::open(lasting.stores(), uncached(setting::read_only())).await.unwrap();
        let engine = Engine::open(lasting.stores(), uncached(Config::default())).await.unwrap();
        for engine in [&reader, &engine] {
            let mut s = engine.session();
            names_both(&fail(&mut s, "SELECT v FROM t ORDER BY id").await, what);
            assert_eq!(ask(&mut s, "SELECT id FROM u").await, ["1"]);
        }
        for change in ["UPDATE t SET v = 'x' WHERE id < 10", "DELETE FROM t", "STORAGE FLUSH TABLE t"] {
            if what == "batch-" && change.starts_with("STORAGE") {
                // It needs no file whose keys are not among those that are flushed.
                continue;
            }
            let refused = fail(&mut engine.session(), change).await;
            names_both(&refused, what);
        }
        let after = AtRest::of(&lasting).await;
        assert!(after.files == before.files, "{what}: files were changed");
        let others = |pairs: BTreeMap<(Keyspace, Bytes), Bytes>| -> Vec<_> {
            pairs.into_iter().filter(|((space, _), _)| *space != Keyspace::Meta).collect()
        };
        assert!(others(after.pairs) == others(before.pairs), "{what}: keys were changed");
    }
}

#[tokio::test]
async fn an_archive_of_a_later_format_is_not_loaded() {
    let engine = Engine::open(small().await.stores(), Config::default()).await.unwrap();
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    for (old, new) in [(&b"\"archive\":1"[..], &b"\"archive\":2"[..]), (b"\"format\":1", b"\"format\":2")] {
        let at = archive.windows(old.len()).position(|w| w == old).unwrap();
        let mut later = archive.clone();
        later.splice(at..at + old.len(), new.iter().copied());
        let empty = Lasting::new(2);
        let refused = Engine::load(empty.stores(), Config::default(), &mut later.as_slice()).await;
        names_both(&refused.map(drop).unwrap_err(), "version");
        let left = AtRest::of(&empty).await;
        assert!(left.pairs.is_empty() && left.files.is_empty(), "{left:?}");
    }
}

// ---- an earlier format ----

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("formats")
}

/// What was asked when a fixture was made, by whom; the answers are beside it.
const QUESTIONS: [(&str, &str); 12] = [
    (
        "root",
        "SELECT table_schema, table_name, table_type FROM information_schema.tables \
              WHERE table_schema IN ('app', 'main') ORDER BY 1, 2",
    ),
    ("root", "SELECT * FROM app.every ORDER BY id"),
    ("root", "SELECT id, _deleted FROM app.every WHERE _deleted IN (true, false) ORDER BY id"),
    ("root", "SELECT * FROM app.altered ORDER BY id"),
    ("root", "SELECT * FROM app.pairs ORDER BY a, b"),
    ("root", "SELECT count(*), min(day), max(day), sum(n) FROM app.many"),
    ("root", "SELECT day, n, label FROM app.many WHERE id IN (1, 500, 1000, 1001, 1500) ORDER BY id"),
    ("root", "SELECT * FROM app.counted ORDER BY label"),
    ("alice", "SELECT * FROM app.notes ORDER BY id"),
    ("Bob/../x", "SELECT * FROM app.notes ORDER BY id"),
    ("root", "SELECT count(*) FROM app.emptied"),
    ("root", "SELECT max(_seq) > 0 FROM app.many"),
];

async fn answers(engine: &Engine) -> String {
    let mut text = String::new();
    for (who, sql) in QUESTIONS {
        let mut session = if who == "root" { engine.session() } else { user(engine, who).await };
        writeln!(text, "{who}: {sql}").unwrap();
        for row in ask(&mut session, sql).await {
            writeln!(text, "    {row}").unwrap();
        }
    }
    text
}

/// Rows of every type, hot and cold, updated, deleted, in tables that were altered, truncated and dropped.
async fn fill(engine: &Engine) {
    let mut s = engine.session();
    ask(&mut s, "CREATE NAMESPACE app").await;
    let columns = "id BIGINT PRIMARY KEY, a BOOLEAN, b SMALLINT, c INTEGER, d REAL, e DOUBLE PRECISION, f TEXT, \
                   g BYTEA, h DATE, i TIMESTAMP, j DECIMAL(38,10), k VARCHAR(5), l TIME, m TIMESTAMPTZ, n UUID, \
                   o JSON, p TEXT[], q DECIMAL(5,2)[]";
    let full = |id: i64| {
        format!(
            "({id}, true, -32768, 2147483647, 0.5, 1e300, 'é\"\n,', '\\x00ff', DATE '1969-12-31', \
             TIMESTAMP '1969-12-31 23:59:59.999999', -1234567890123456789012345678.0123456789, 'éèêëē', \
             '23:59:59.999999', '2026-11-22 12:00:00.5+02', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', \
             '{{\"b\": 1.50, \"a\": null}}', '{{\"a,b\",NULL,\"NULL\",\"\"}}', ARRAY[1.5, NULL])"
        )
    };
    ask(&mut s, &format!("CREATE SHARED TABLE app.every ({columns})")).await;
    ask(&mut s, &format!("INSERT INTO app.every VALUES {}, {}, {}", full(-1), full(1), full(2))).await;
    ask(&mut s, "INSERT INTO app.every (id) VALUES (3), (9223372036854775807)").await;
    ask(&mut s, "CREATE SHARED TABLE app.altered (id INTEGER PRIMARY KEY, gone TEXT, v TEXT)").await;
    ask(&mut s, "INSERT INTO app.altered VALUES (1, 'x', 'old'), (2, 'y', 'old')").await;
    ask(&mut s, "CREATE SHARED TABLE app.pairs (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b))").await;
    ask(&mut s, "INSERT INTO app.pairs VALUES ('', 1, 'x'), ('a', -1, 'y'), ('a', 2, 'z'), ('ä', 0, '')")
        .await;
    ask(
        &mut s,
        "CREATE SHARED TABLE app.many (id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(), day DATE, n DECIMAL(15,2), \
         label VARCHAR(20)) WITH (BLOOM_FILTER = 'id,label', COMPRESSION = 'zstd', FLUSH_POLICY = 'rows:100000')",
    )
    .await;
    ask(
        &mut s,
        "INSERT INTO app.many SELECT v, DATE '2026-01-01', v, 'label ' || (v % 7) FROM generate_series(1, 1500) AS g(v)",
    )
    .await;
    ask(
        &mut s,
        "CREATE SHARED TABLE app.emptied (id INTEGER PRIMARY KEY); INSERT INTO app.emptied VALUES (1)",
    )
    .await;
    ask(
        &mut s,
        "CREATE SHARED TABLE app.dropped (id INTEGER PRIMARY KEY); INSERT INTO app.dropped VALUES (1)",
    )
    .await;
    ask(&mut s, "CREATE USER TABLE app.notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL)").await;
    for name in ["alice", "Bob/../x"] {
        ask(
            &mut user(engine, name).await,
            &format!("INSERT INTO app.notes VALUES (1, 'of {name}'), (2, 'two')"),
        )
        .await;
    }
    engine.flush_all().await.unwrap();
    change(engine, &full(4)).await;
}

/// What comes after the first flush: it ends with rows in both tiers.
async fn change(engine: &Engine, full: &str) {
    let mut s = engine.session();
    ask(
        &mut s,
        "ALTER TABLE app.altered DROP COLUMN gone; ALTER TABLE app.altered ADD COLUMN n INTEGER DEFAULT 7",
    )
    .await;
    ask(
        &mut s,
        "ALTER TABLE app.altered RENAME COLUMN v TO w; INSERT INTO app.altered VALUES (3, 'new', NULL)",
    )
    .await;
    ask(&mut s, "UPDATE app.many SET n = n + 0.25, day = DATE '2026-02-01' WHERE id % 100 = 0").await;
    ask(&mut s, "DELETE FROM app.many WHERE id > 1400; DELETE FROM app.every WHERE id = 2").await;
    ask(&mut s, "TRUNCATE app.emptied; DROP TABLE app.dropped").await;
    ask(&mut s, "CREATE VIEW app.counted AS SELECT label, count(*) AS n FROM app.many GROUP BY label").await;
    ask(&mut user(engine, "alice").await, "UPDATE app.notes SET body = 'changed' WHERE id = 2").await;
    engine.flush_all().await.unwrap();
    ask(&mut s, &format!("INSERT INTO app.every VALUES {full}")).await;
    ask(&mut s, "UPDATE app.every SET f = 'hot' WHERE id = 1; DELETE FROM app.every WHERE id = 3").await;
    ask(&mut s, "INSERT INTO app.many VALUES (1001, DATE '2026-03-01', -1, NULL) ON CONFLICT DO NOTHING")
        .await;
    ask(&mut s, "UPDATE app.many SET label = 'hot' WHERE id IN (1, 500)").await;
    ask(
        &mut s,
        "DELETE FROM app.pairs WHERE a = 'a' AND b = 2; UPDATE app.altered SET w = 'hot' WHERE id = 1",
    )
    .await;
    ask(&mut user(engine, "Bob/../x").await, "DELETE FROM app.notes WHERE id = 1").await;
}

/// Makes `tests/formats/format-1.tar` and the answers beside it. See `tests/formats/README.md`.
#[tokio::test]
#[ignore = "makes the fixture of the format of today; the others test it"]
async fn make_the_fixture() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    fill(&engine).await;
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    fs::write(directory().join("format-1.tar"), archive).unwrap();
    fs::write(directory().join("format-1.txt"), answers(&engine).await).unwrap();
}

#[tokio::test]
async fn stores_of_every_format_are_read_and_written() {
    let mut archives: Vec<PathBuf> = fs::read_dir(directory()).unwrap().map(|e| e.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|e| e == "tar"));
    assert!(!archives.is_empty());
    for path in archives {
        let archive = fs::read(&path).unwrap();
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        let lasting = Lasting::new(3);
        let loaded =
            Engine::load(lasting.stores(), Config::default(), &mut archive.as_slice()).await.unwrap();
        reads_and_writes(&loaded, &expected).await;
        loaded.close().await.unwrap();
        // Once more, after another opening, and on a disk.
        let again = Engine::open(lasting.stores(), Config::default()).await.unwrap();
        assert!(again.check().await.unwrap().is_clean());
        let dir = tempfile::tempdir().unwrap();
        let stores = firndb_storage_native::open(dir.path(), None).unwrap();
        let loaded = Engine::load(stores, Config::default(), &mut archive.as_slice()).await.unwrap();
        reads_and_writes(&loaded, &expected).await;
        loaded.close().await.unwrap();
    }
}

async fn reads_and_writes(engine: &Engine, expected: &str) {
    assert_eq!(answers(engine).await, expected);
    assert!(engine.check().await.unwrap().is_clean());
    engine.flush_all().await.unwrap();
    assert_eq!(answers(engine).await, expected, "all of it cold");
    let mut s = engine.session();
    ask(&mut s, "UPDATE app.every SET f = 'later' WHERE f IS NULL; DELETE FROM app.many WHERE id <= 1000")
        .await;
    ask(&mut s, "INSERT INTO app.many (day, n, label) VALUES (DATE '2027-01-01', 1, 'late')").await;
    ask(&mut s, "ALTER TABLE app.altered ADD COLUMN z TEXT DEFAULT 'z'; INSERT INTO app.altered VALUES (4, 'w', 1, 'y')").await;
    ask(&mut user(engine, "alice").await, "INSERT INTO app.notes VALUES (3, 'three')").await;
    for _ in 0..2 {
        let found = ask(&mut s, "SELECT count(*), max(day) FROM app.many WHERE label <> 'hot'").await;
        assert_eq!(found, ["401|2027-01-01"]);
        let found = ask(&mut s, "SELECT id, w, n, z FROM app.altered ORDER BY id").await;
        assert_eq!(found, ["1|hot|7|z", "2|old|7|z", "3|new|NULL|z", "4|w|1|y"]);
        assert_eq!(ask(&mut s, "SELECT count(*) FROM app.every WHERE f = 'later'").await, ["1"]);
        assert_eq!(ask(&mut user(engine, "alice").await, "SELECT count(*) FROM app.notes").await, ["3"]);
        engine.flush_all().await.unwrap();
    }
    assert!(engine.check().await.unwrap().is_clean());
}
