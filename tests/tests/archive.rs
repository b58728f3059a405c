//! A store as one archive: what is in it, on which stores it can be loaded, and what damage does to it.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firndb_core::{Config, Engine, ErrorKind, Session};
use firndb_tests::ask::{ask, user};
use firndb_tests::lasting::Lasting;
use firndb_tests::yielding::Yields;
use futures::TryStreamExt;
use object_store::ObjectStore;

/// A name that passes what a tar header holds.
fn long() -> String {
    format!("\"{}\"", "Größe".repeat(12))
}

async fn filled(lasting: &Lasting) -> Engine {
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, &format!("CREATE NAMESPACE {}", long())).await;
    ask(&mut s, &format!("CREATE USER TABLE {}.u (id INTEGER PRIMARY KEY, v TEXT)", long())).await;
    ask(&mut s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, raw BYTEA)").await;
    ask(&mut s, "INSERT INTO t SELECT v, 'cold', '\\x00ff' FROM generate_series(1, 1000) AS g(v)").await;
    for name in ["alice", "Ü/../x", ""] {
        let insert = format!("INSERT INTO {}.u VALUES (1, 'of one')", long());
        ask(&mut user(&engine, name).await, &insert).await;
    }
    engine.flush_all().await.unwrap();
    ask(&mut s, "UPDATE t SET v = 'hot' WHERE id % 10 = 0").await;
    ask(&mut s, "DELETE FROM t WHERE id > 900").await;
    engine
}

async fn content(engine: &Engine) -> Vec<String> {
    let mut all = ask(&mut engine.session(), "SELECT * FROM t ORDER BY id").await;
    for name in ["alice", "Ü/../x", "", "nobody"] {
        all.extend(ask(&mut user(engine, name).await, &format!("SELECT id, v FROM {}.u", long())).await);
    }
    let sync = "SELECT id, _seq, _deleted FROM t WHERE _deleted IN (true, false) ORDER BY _seq";
    all.extend(ask(&mut engine.session(), sync).await);
    all
}

async fn goes_on(engine: &Engine, s: &mut Session) {
    ask(s, "INSERT INTO t (id, v) VALUES (5000, 'after')").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(s, "SELECT v FROM t WHERE id = 5000").await, ["after"]);
    assert!(engine.check().await.unwrap().is_clean());
}

#[tokio::test]
async fn a_store_moves_whole_between_memory_and_a_directory() {
    let lasting = Lasting::new(1);
    let engine = filled(&lasting).await;
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    let expected = content(&engine).await;

    let dir = tempfile::tempdir().unwrap();
    let stores = firndb_storage_native::open(dir.path(), None).unwrap();
    let native = Engine::load(stores, Config::default(), &mut archive.as_slice()).await.unwrap();
    assert_eq!(content(&native).await, expected);
    goes_on(&native, &mut native.session()).await;
    let mut back = Vec::new();
    native.dump(&mut back).await.unwrap();
    let expected = content(&native).await;
    native.close().await.unwrap();

    let memory = Lasting::new(2);
    let engine = Engine::load(memory.stores(), Config::default(), &mut back.as_slice()).await.unwrap();
    assert_eq!(content(&engine).await, expected);
    goes_on_again(&engine).await;
    a_tar_program_reads(&back, dir.path());
}

async fn goes_on_again(engine: &Engine) {
    let mut s = engine.session();
    ask(&mut s, "DELETE FROM t WHERE id = 5000").await;
    goes_on(engine, &mut s).await;
}

/// What other people's programs make of it.
fn a_tar_program_reads(archive: &[u8], dir: &Path) {
    let file = dir.join("store.tar");
    std::fs::write(&file, archive).unwrap();
    let listed = std::process::Command::new("tar").arg("-tf").arg(&file).output().unwrap();
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.status.success() && names.starts_with("firndb.json\n") && names.ends_with("end.json\n"),
        "{names}"
    );
    assert!(names.contains("keys/meta-0") && names.contains("blobs/store.json"), "{names}");
}

#[tokio::test]
async fn a_dump_while_others_write_and_flush_is_of_one_moment() {
    let lasting = Lasting::new(1);
    let engine = filled(&lasting).await;
    for round in 0..10 {
        let mut archive = Vec::new();
        let writes = async {
            let mut s = engine.session();
            ask(&mut s, &format!("UPDATE t SET v = 'round {round}' WHERE id <= 5")).await;
            engine.flush_all().await.unwrap();
            ask(&mut s, &format!("UPDATE t SET v = 'again {round}' WHERE id <= 5")).await;
        };
        let (dumped, ()) = futures::join!(engine.dump(&mut archive), writes);
        dumped.unwrap();
        let copy = Lasting::new(2);
        let loaded = Engine::load(copy.stores(), Config::default(), &mut archive.as_slice()).await.unwrap();
        let found =
            ask(&mut loaded.session(), "SELECT count(*), count(DISTINCT v) FROM t WHERE id <= 5").await;
        assert_eq!(found, ["5|1"], "the rows of one statement are of one moment");
        assert!(loaded.check().await.unwrap().is_clean());
    }
}

/// An archive that tells when its first file was written.
struct Watched {
    archive: Vec<u8>,
    files_begun: Arc<AtomicBool>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.starts_with(b"blobs/") {
            self.files_begun.store(true, Ordering::SeqCst);
        }
        self.archive.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_dropped_and_truncated_during_a_dump_is_in_it() {
    for seed in 0..10 {
        let lasting = Lasting::new(1);
        let engine = filled(&lasting).await;
        let mut s = engine.session();
        ask(&mut s, "CREATE NAMESPACE zz").await;
        for table in ["zz.d", "zz.t"] {
            ask(&mut s, &format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY)")).await;
            ask(&mut s, &format!("INSERT INTO {table} SELECT v FROM generate_series(1, 500) AS g(v)")).await;
        }
        // Files are read by their names: of these so many that the tables are gone before theirs are read.
        for n in 0..100 {
            let insert = format!("INSERT INTO {}.u VALUES (1, 'of one')", long());
            ask(&mut user(&engine, &format!("user {n}")).await, &insert).await;
        }
        engine.flush_all().await.unwrap();
        let expected = content(&engine).await;
        drop(s);
        engine.close().await.unwrap();
        // Only here the two futures overlap.
        let engine = Engine::open(Yields::new(seed).wrap(lasting.stores()), Config::default()).await.unwrap();
        let files_begun = Arc::new(AtomicBool::new(false));
        let mut out = Watched { archive: Vec::new(), files_begun: Arc::clone(&files_begun) };
        let drops = async {
            while !files_begun.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            let mut s = engine.session();
            ask(&mut s, "DROP TABLE zz.d").await;
            ask(&mut s, "TRUNCATE TABLE zz.t").await;
        };
        let (dumped, ()) = futures::join!(engine.dump(&mut out), drops);
        dumped.unwrap();
        let copy = Lasting::new(2);
        let loaded =
            Engine::load(copy.stores(), Config::default(), &mut out.archive.as_slice()).await.unwrap();
        assert!(content(&loaded).await == expected, "seed {seed}: it holds other rows");
        for table in ["zz.d", "zz.t"] {
            assert_eq!(ask(&mut loaded.session(), &format!("SELECT count(*) FROM {table}")).await, ["500"]);
        }
        assert!(loaded.check().await.unwrap().is_clean());
        // The store itself keeps nothing of them.
        while engine.step().await.unwrap() {}
        let d = engine.inspect(None).await.unwrap();
        assert!(d.iter().all(|table| table.table != "zz.d"), "{d:?}");
        assert_eq!(lasting.files("zz/d-").await + lasting.files("zz/t-").await, 1);
    }
}

#[tokio::test]
async fn a_dump_has_nothing_of_what_others_do_meanwhile_and_lacks_nothing() {
    for seed in 0..30 {
        let lasting = Lasting::new(1);
        filled(&lasting).await;
        let stores = Yields::new(seed).wrap(lasting.stores());
        let engine = Engine::open(stores, Config::default()).await.unwrap();
        let mut archive = Vec::new();
        let others = async {
            let mut s = engine.session();
            ask(&mut s, "UPDATE t SET v = 'meanwhile' WHERE id > 800").await;
            engine.flush_all().await.unwrap();
            ask(&mut s, "DROP TABLE t").await;
            ask(&mut s, &format!("TRUNCATE {}.u", long())).await;
            engine.step().await.unwrap();
        };
        let (dumped, ()) = futures::join!(engine.dump(&mut archive), others);
        dumped.unwrap();
        let copy = Lasting::new(2);
        let loaded = Engine::load(copy.stores(), Config::default(), &mut archive.as_slice()).await.unwrap();
        assert!(loaded.check().await.unwrap().is_clean(), "seed {seed}");
        // It goes on under names that are free.
        let mut s = loaded.session();
        for round in 0..2 {
            if loaded.catalog().table("main", "t").is_some() {
                ask(&mut s, &format!("UPDATE t SET v = 'later {round}' WHERE id <= 900")).await;
            }
            loaded.flush_all().await.unwrap();
        }
        assert!(loaded.check().await.unwrap().is_clean(), "seed {seed}");
        // What was dropped is gone, once nobody copies it any more.
        engine.step().await.unwrap();
        let left: Vec<_> = lasting.blobs().list(None).try_collect().await.unwrap();
        assert!(left.iter().all(|o| !o.location.as_ref().starts_with("main/t-")), "seed {seed}: {left:?}");
    }
}

/// After an archive that was refused, a whole one is loaded into the same stores.
async fn again(copy: &Lasting, archive: &[u8]) {
    let mut whole = archive;
    Engine::load(copy.stores(), Config::default(), &mut whole).await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_whole_archive_is_refused_and_leaves_nothing() {
    let lasting = Lasting::new(1);
    let engine = filled(&lasting).await;
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    let expected = content(&engine).await;
    let step = archive.len() / 97;
    let mut refused = 0;
    for at in (0..archive.len() - 1024 - 512).step_by(step) {
        for cut in [true, false] {
            let mut bad = archive.clone();
            if cut {
                bad.truncate(at);
            } else {
                bad[at] ^= 0x10;
            }
            let copy = Lasting::new(2);
            let stores = copy.stores();
            match Engine::load(stores, Config::default(), &mut bad.as_slice()).await {
                // The bytes that fill up a block, and what a header says besides, mean nothing.
                Ok(loaded) => {
                    assert!(!cut, "cut at {at}");
                    assert_eq!(content(&loaded).await, expected, "at {at}");
                }
                Err(e) => {
                    let expected = [ErrorKind::Corrupt, ErrorKind::Unsupported];
                    assert!(expected.contains(&e.kind()), "cut: {cut}, at {at}: {}: {e}", e.kind());
                    refused += 1;
                    again(&copy, &archive).await;
                }
            }
        }
    }
    assert!(refused > 150, "{refused}");
    let error = Engine::load(lasting.stores(), Config::default(), &mut archive.as_slice()).await.map(drop);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AlreadyExists);
}
