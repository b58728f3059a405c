//! RocksDB: the suite, and what becomes of commits when the process or the disk does not play along.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::Bytes;
use firndb_core::storage::conformance::{kv_reopen_suite, kv_suite};
use firndb_core::storage::{KeyRange, Keyspace, KvStore, WriteBatch};
use firndb_core::{Durability, ErrorKind, Result};
use firndb_storage_native::RocksKv;
use futures::executor::block_on;

use crate::processes;

const SPACE: Keyspace = Keyspace::Hot;

fn put(kv: &RocksKv, key: &[u8], value: &[u8], durability: Durability) -> Result<()> {
    let mut batch = WriteBatch::new();
    batch.put(SPACE, key.to_vec(), value.to_vec());
    block_on(kv.commit(batch, durability))
}

fn all(kv: &RocksKv) -> Vec<(Bytes, Bytes)> {
    block_on(kv.page(SPACE, KeyRange::all(), 100_000)).unwrap()
}

#[test]
fn keeps_the_promises() {
    let dir = tempfile::tempdir().unwrap();
    block_on(kv_suite(&RocksKv::open(dir.path()).unwrap()));
    block_on(kv_reopen_suite(async || Arc::new(RocksKv::open(dir.path()).unwrap()) as Arc<dyn KvStore>));
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_on_a_runtime_with_threads() {
    let dir = tempfile::tempdir().unwrap();
    let kv = RocksKv::open(dir.path()).unwrap();
    tokio::spawn(async move { kv_suite(&kv).await }).await.unwrap();
}

#[test]
fn preconditions_hold_between_threads() {
    let dir = tempfile::tempdir().unwrap();
    let kv = RocksKv::open(dir.path()).unwrap();
    put(&kv, b"counter", b"0", Durability::Relaxed).unwrap();
    let conflicts: usize = std::thread::scope(|scope| {
        let count = || {
            let mut conflicts = 0;
            for _ in 0..200 {
                loop {
                    let old = block_on(kv.get(SPACE, b"counter")).unwrap().unwrap();
                    let number: u32 = std::str::from_utf8(&old).unwrap().parse().unwrap();
                    let mut batch = WriteBatch::new();
                    batch.expect_value(SPACE, "counter", old);
                    batch.put(SPACE, "counter", (number + 1).to_string());
                    match block_on(kv.commit(batch, Durability::Relaxed)) {
                        Ok(()) => break,
                        Err(e) => assert_eq!(e.kind(), ErrorKind::Conflict),
                    }
                    conflicts += 1;
                }
            }
            conflicts
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let counter = block_on(kv.get(SPACE, b"counter")).unwrap().unwrap();
    assert_eq!(counter, "800", "no increment is lost ({conflicts} conflicts)");
}

#[test]
fn a_store_is_open_in_one_place() {
    let dir = tempfile::tempdir().unwrap();
    let kv = RocksKv::open(dir.path()).unwrap();
    put(&kv, b"k", b"v", Durability::Strict).unwrap();
    let here = RocksKv::open(dir.path()).unwrap_err();
    assert_eq!(here.kind(), ErrorKind::Locked);
    assert!(here.message().contains(dir.path().to_str().unwrap()), "the message names the directory: {here}");
    let elsewhere = processes::run_ignored("rocks::finds_the_store_locked", dir.path()).output().unwrap();
    assert!(elsewhere.status.success(), "another process must find the store locked: {elsewhere:?}");
    block_on(kv.close()).unwrap();
    RocksKv::open(dir.path()).unwrap();
}

#[test]
#[ignore = "run by a_store_is_open_in_one_place"]
fn finds_the_store_locked() {
    let Some(dir) = processes::dir() else { return };
    assert_eq!(RocksKv::open(&dir).unwrap_err().kind(), ErrorKind::Locked);
}

#[test]
fn commits_survive_an_abort() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = processes::run_ignored("rocks::commits_and_aborts", dir.path());
    let ended = child.output().unwrap();
    assert!(!ended.status.success(), "the process must not end well");
    let kv = RocksKv::open(dir.path()).unwrap();
    let found = all(&kv);
    assert_eq!(found.len(), 300, "every acknowledged commit is there");
    assert!(found.iter().all(|(k, v)| v.starts_with(k)), "with its value");
}

#[test]
#[ignore = "run by commits_survive_an_abort"]
fn commits_and_aborts() {
    let Some(dir) = processes::dir() else { return };
    let kv = RocksKv::open(&dir).unwrap();
    for n in 0..300_u32 {
        let durability = if n % 2 == 0 { Durability::Strict } else { Durability::Relaxed };
        put(&kv, &n.to_be_bytes(), &n.to_be_bytes().repeat(500), durability).unwrap();
    }
    std::process::abort();
}

/// The write-ahead log that holds the latest commits.
fn log_of(dir: &Path) -> PathBuf {
    let logs = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let logs = logs.filter(|p| p.extension().is_some_and(|e| e == "log"));
    logs.max_by_key(|p| fs::metadata(p).unwrap().len()).expect("RocksDB has a write-ahead log")
}

#[test]
fn damage_in_the_middle_of_the_log_is_reported_not_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let kv = RocksKv::open(dir.path()).unwrap();
    for n in 0..100_u8 {
        put(&kv, &[n], &[n; 1000], Durability::Strict).unwrap();
    }
    block_on(kv.close()).unwrap();
    let log = log_of(dir.path());
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    let refused = RocksKv::open(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
}

#[test]
fn a_commit_cut_short_at_the_end_of_the_log_is_dropped_alone() {
    let dir = tempfile::tempdir().unwrap();
    let kv = RocksKv::open(dir.path()).unwrap();
    for n in 0..100_u8 {
        put(&kv, &[n], &[n; 1000], Durability::Relaxed).unwrap();
    }
    drop(kv);
    let log = fs::OpenOptions::new().write(true).open(log_of(dir.path())).unwrap();
    log.set_len(log.metadata().unwrap().len() - 300).unwrap();
    assert_eq!(all(&RocksKv::open(dir.path()).unwrap()).len(), 99);
}

#[test]
#[cfg(target_os = "linux")]
fn after_a_failed_write_nothing_more_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let again = processes::run_ignored("rocks::meets_a_full_disk", dir.path());
    // A limit on the size of files stands for a full disk; without the trap it would end the process.
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap '' XFSZ; ulimit -f 512; exec "$0" "$@""#]).arg(again.get_program());
    limited.args(again.get_args()).envs(again.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let committed = fs::read_to_string(dir.path().join("committed")).unwrap().parse::<usize>().unwrap();
    let kv = RocksKv::open(&dir.path().join("kv")).unwrap();
    let found = all(&kv).len();
    assert!(found >= committed, "{found} of {committed} acknowledged commits are there");
    put(&kv, b"later", b"works", Durability::Strict).unwrap();
}

#[test]
#[ignore = "run by after_a_failed_write_nothing_more_is_committed"]
fn meets_a_full_disk() {
    let Some(dir) = processes::dir() else { return };
    let kv = RocksKv::open(&dir.join("kv")).unwrap();
    let noise =
        |n: u32| (0..20_000_u32).flat_map(|i| (i.wrapping_mul(n + 7)).to_le_bytes()).collect::<Vec<_>>();
    let failed = (0..100_u32)
        .find_map(|n| Some((n, put(&kv, &n.to_be_bytes(), &noise(n), Durability::Strict).err()?)));
    let (committed, failure) = failed.expect("the limit is met");
    assert_eq!(failure.kind(), ErrorKind::Unavailable, "{failure}");
    for durability in [Durability::Strict, Durability::Relaxed] {
        let refused = put(&kv, b"small", b"", durability).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        assert!(refused.message().contains("earlier write"), "{refused}");
    }
    assert!(all(&kv).len() >= committed as usize, "reads go on");
    fs::write(dir.join("committed"), committed.to_string()).unwrap();
}

#[test]
fn a_reader_sees_what_is_committed_and_commits_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(RocksKv::open_read_only(&dir.path().join("none")).is_err());
    let writer = RocksKv::open(dir.path()).unwrap();
    put(&writer, b"k", b"v", Durability::Strict).unwrap();
    let reader = RocksKv::open_read_only(dir.path()).unwrap();
    assert_eq!(all(&reader).len(), 1);
    let refused = put(&reader, b"l", b"v", Durability::Strict).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    put(&writer, b"l", b"v", Durability::Strict).unwrap();
    block_on(reader.close()).unwrap();
}

#[test]
fn a_reader_has_every_acknowledged_commit_while_logs_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let (acknowledged, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    put(&RocksKv::open(dir.path()).unwrap(), &0_u32.to_be_bytes(), b"v", Durability::Relaxed).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u32;
            while !stop.load(Ordering::SeqCst) {
                // An opening brings the log of the one before into tables, and removes it.
                let kv = RocksKv::open(dir.path()).unwrap();
                for _ in 0..200 {
                    put(&kv, &n.to_be_bytes(), b"v", Durability::Relaxed).unwrap();
                    n += 1;
                    acknowledged.store(n, Ordering::SeqCst);
                }
                block_on(kv.close()).unwrap();
            }
        });
        for _ in 0..100 {
            let before = acknowledged.load(Ordering::SeqCst);
            let found = all(&RocksKv::open_read_only(dir.path()).unwrap()).len();
            let expected = usize::try_from(before).unwrap().min(100_000);
            if found < expected {
                stop.store(true, Ordering::SeqCst);
                panic!("{found} commits, {before} were acknowledged before");
            }
        }
        stop.store(true, Ordering::SeqCst);
    });
}
