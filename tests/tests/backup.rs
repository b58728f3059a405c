//! Backups of a store that others write to: each opens, is sound, has every row that was acknowledged before
//! its start, and no half transaction.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use firndb_core::{BackupReport, Config, Engine, ErrorKind};
use firndb_storage_native::{backup, backup_engine};
use firndb_tests::ask::{ask, user};
use firndb_tests::lasting::Lasting;
use firndb_tests::yielding::Yields;

const WRITERS: u64 = 3;
/// How many of its newest rows a writer leaves.
const KEPT: u64 = 5;
/// Where a test that runs itself in another process has its store.
const STORE: &str = "FIRNDB_TEST_BACKUP_STORE";

async fn open(dir: &Path) -> Engine {
    Engine::open(firndb_storage_native::open(dir, None).unwrap(), Config::default()).await.unwrap()
}

fn nothing(_done: u64, _total: u64) {}

/// What each writer knows to be committed.
type Acknowledged = BTreeMap<u64, u64>;

async fn make_tables(engine: &Engine) {
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE a (w BIGINT, n BIGINT, v TEXT, PRIMARY KEY (w, n))").await;
    ask(&mut s, "CREATE USER TABLE b (n BIGINT PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "CREATE SHARED TABLE last (w BIGINT PRIMARY KEY, n BIGINT)").await;
    for w in 0..WRITERS {
        ask(&mut s, &format!("INSERT INTO last VALUES ({w}, 0)")).await;
    }
}

/// One transaction over three tables: an insert in two, an update, and deletes of older rows, hot or cold.
async fn write(engine: &Engine, w: u64, n: u64) {
    let mut s = user(engine, &format!("writer-{w}")).await;
    let gone = n.saturating_sub(KEPT);
    let statements = format!(
        "BEGIN; INSERT INTO a VALUES ({w}, {n}, 'row {n}'); INSERT INTO b VALUES ({n}, 'row {n}'); \
         UPDATE last SET n = {n} WHERE w = {w}; DELETE FROM a WHERE w = {w} AND n = {gone}; \
         DELETE FROM b WHERE n = {gone}; COMMIT"
    );
    ask(&mut s, &statements).await;
}

/// Tables come and go, and what is there is flushed.
async fn disturb(engine: &Engine, round: u64) {
    let mut s = engine.session();
    ask(&mut s, &format!("CREATE SHARED TABLE brief{round} (id BIGINT PRIMARY KEY)")).await;
    ask(&mut s, &format!("INSERT INTO brief{round} SELECT v FROM generate_series(1, 50) AS g(v)")).await;
    engine.flush_all().await.unwrap();
    let end = if round.is_multiple_of(2) { "DROP" } else { "TRUNCATE" };
    ask(&mut s, &format!("{end} TABLE brief{round}")).await;
    engine.step().await.unwrap();
}

/// Looks at a backup: what was acknowledged when it began is there, and transactions are whole.
async fn examine(copy: &Engine, before: &Acknowledged) {
    let report = copy.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    for (w, acknowledged) in before {
        let found = ask(&mut copy.session(), &format!("SELECT n FROM last WHERE w = {w}")).await;
        let last: u64 = found.first().unwrap().parse().unwrap();
        assert!(last >= *acknowledged, "writer {w}: {last}, but {acknowledged} was acknowledged");
        let rows = |n: u64| format!("{n}|row {n}");
        let expected: Vec<String> = ((last + 1).saturating_sub(KEPT).max(1)..=last).map(rows).collect();
        let a = ask(&mut copy.session(), &format!("SELECT n, v FROM a WHERE w = {w} ORDER BY n")).await;
        assert_eq!(a, expected, "writer {w}, in a");
        let b = ask(&mut user(copy, &format!("writer-{w}")).await, "SELECT n, v FROM b ORDER BY n").await;
        assert_eq!(b, expected, "writer {w}, in b");
    }
    // No table is there in part: one that was truncated is empty or full.
    for name in ask(&mut copy.session(), "SELECT table_name FROM information_schema.tables").await {
        if name.starts_with("brief") {
            let found = ask(&mut copy.session(), &format!("SELECT count(*) FROM {name}")).await;
            assert!(found == ["0"] || found == ["50"], "{name}: {found:?}");
        }
    }
    goes_on(copy).await;
}

/// The copy is written to as any store: under numbers that nothing in it has.
async fn goes_on(copy: &Engine) {
    for n in [1_000_000, 1_000_001] {
        for w in 0..WRITERS {
            write(copy, w, n).await;
        }
        copy.flush_all().await.unwrap();
    }
    assert!(copy.check().await.unwrap().is_clean());
}

/// Writes until it is told to stop, and says what is committed.
async fn keep_writing(engine: &Engine, w: u64, acknowledged: &AtomicU64, stop: &AtomicBool) {
    let mut n = 0;
    while !stop.load(Ordering::SeqCst) {
        n += 1;
        write(engine, w, n).await;
        acknowledged.store(n, Ordering::SeqCst);
    }
}

async fn keep_disturbing(engine: &Engine, stop: &AtomicBool) {
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        disturb(engine, round).await;
        round += 1;
    }
}

fn known(counts: &[AtomicU64]) -> Acknowledged {
    (0..).zip(counts.iter().map(|n| n.load(Ordering::SeqCst))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_beside_writers_of_the_same_process() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let engine = open(&dir).await;
    make_tables(&engine).await;
    let counts: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for w in 0..WRITERS {
        let (engine, counts, stop) = (engine.clone(), Arc::clone(&counts), Arc::clone(&stop));
        let index = usize::try_from(w).unwrap();
        tasks.push(tokio::spawn(
            async move { keep_writing(&engine, w, counts.get(index).unwrap(), &stop).await },
        ));
    }
    let (disturbed, until) = (engine.clone(), Arc::clone(&stop));
    tasks.push(tokio::spawn(async move { keep_disturbing(&disturbed, &until).await }));
    for round in 0..8 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = known(&counts);
        let target = place.path().join(format!("copy-{round}"));
        let report = if round % 2 == 0 {
            let _files = engine.pin_files();
            backup(&dir, None, &target, &mut nothing).await.unwrap()
        } else {
            backup_engine(&engine, &target, &mut nothing).await.unwrap()
        };
        assert_eq!(report.damage, [""; 0]);
        let copy = open(&target).await;
        examine(&copy, &before).await;
        copy.close().await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(known(&counts).values().all(|n| *n > 10), "they did write: {counts:?}");
    assert!(engine.check().await.unwrap().is_clean());
    // What was dropped while a backup held its files is gone in the end.
    engine.step().await.unwrap();
    let left =
        fs::read_dir(dir.join("blobs/main")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let catalog = engine.catalog();
    let tables = catalog.tables().count();
    let left: Vec<String> = left.filter(|name| has_files(&dir.join("blobs/main").join(name))).collect();
    assert_eq!(left.len(), tables, "{left:?}");
    engine.close().await.unwrap();
}

fn has_files(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.is_file() || has_files(&path)
    })
}

#[test]
#[ignore = "run by a_backup_beside_a_writer_of_another_process"]
fn writes_in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = open(&dir).await;
        make_tables(&engine).await;
        let disturbed = engine.clone();
        tokio::spawn(async move { keep_disturbing(&disturbed, &AtomicBool::new(false)).await });
        for n in 1.. {
            for w in 0..WRITERS {
                write(&engine, w, n).await;
                println!("acknowledged {w} {n}");
            }
        }
    });
}

/// The writer, and what it has said so far.
struct Other {
    child: Child,
    said: Arc<Vec<AtomicU64>>,
}

impl Other {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writes_in_a_process_of_its_own", "--ignored", "--nocapture"])
            .env(STORE, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
        let (heard, out) = (Arc::clone(&said), BufReader::new(child.stdout.take().unwrap()));
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                if let ["acknowledged", w, n] = words.as_slice() {
                    let w: usize = w.parse().unwrap();
                    heard.get(w).unwrap().store(n.parse().unwrap(), Ordering::SeqCst);
                }
            }
        });
        Self { child, said }
    }

    /// Waits until everybody has written so much.
    fn wait_for(&self, count: u64) {
        for _ in 0..1200 {
            if known(&self.said).values().all(|n| *n >= count) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the writer does not write: {:?}", self.said);
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_beside_a_writer_of_another_process() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let other = Other::start(&dir);
    other.wait_for(3);
    for round in 0..6 {
        let before = known(&other.said);
        let target = place.path().join(format!("copy-{round}"));
        let report: BackupReport = backup(&dir, None, &target, &mut nothing).await.unwrap();
        assert_eq!(report.damage, [""; 0]);
        let copy = open(&target).await;
        examine(&copy, &before).await;
        copy.close().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let written = known(&other.said);
    drop(other);
    let engine = open(&dir).await;
    examine(&engine, &written).await;
}

#[tokio::test]
async fn a_backup_in_memory_while_others_run_on_the_same_thread() {
    for seed in 0..8 {
        let lasting = Lasting::new(seed);
        let engine = Engine::open(Yields::new(seed).wrap(lasting.stores()), Config::default()).await.unwrap();
        make_tables(&engine).await;
        let counts: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
        let stop = AtomicBool::new(false);
        let copies = async {
            for _ in 0..4 {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                let before = known(&counts);
                let target = Lasting::new(seed + 100);
                let report = engine.backup(&target.stores(), &mut nothing).await.unwrap();
                assert_eq!(report.damage, [""; 0], "seed {seed}");
                let copy = Engine::open(target.stores(), Config::default()).await.unwrap();
                examine(&copy, &before).await;
            }
            stop.store(true, Ordering::SeqCst);
        };
        let writers = counts.iter().zip(0..).map(|(count, w)| keep_writing(&engine, w, count, &stop));
        futures::join!(copies, futures::future::join_all(writers), keep_disturbing(&engine, &stop));
        assert!(engine.check().await.unwrap().is_clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_given_up_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (dir, targets) = (place.path().join("store"), place.path().join("copies"));
    let engine = open(&dir).await;
    make_tables(&engine).await;
    for n in 0..30 {
        write(&engine, 0, n).await;
        engine.flush_all().await.unwrap();
    }
    fs::create_dir(&targets).unwrap();
    let mut given_up = 0;
    for ms in [0, 5, 10, 20, 40, 80, 160, 320] {
        let target = targets.join(format!("after-{ms}"));
        let made =
            tokio::time::timeout(Duration::from_millis(ms), backup(&dir, None, &target, &mut nothing)).await;
        match made {
            Ok(report) => {
                report.unwrap();
                open(&target).await.close().await.unwrap();
                fs::remove_dir_all(&target).unwrap();
            }
            Err(_) => given_up += 1,
        }
        let left: Vec<_> = fs::read_dir(&targets).unwrap().collect();
        assert!(left.is_empty(), "after {ms} ms: {left:?}");
    }
    assert!(given_up > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_something_is_no_backup_is_made() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let engine = open(&dir).await;
    make_tables(&engine).await;
    write(&engine, 1, 1).await;
    engine.close().await.unwrap();
    let full = place.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("letter"), "dear").unwrap();
    for (taken, kind) in [
        (&full, ErrorKind::AlreadyExists),
        (&full.join("letter"), ErrorKind::AlreadyExists),
        (&dir, ErrorKind::InvalidInput),
        (&dir.join("blobs").join("inner"), ErrorKind::InvalidInput),
    ] {
        let refused = backup(&dir, None, taken, &mut nothing).await.unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        assert!(refused.message().contains(taken.to_str().unwrap()), "{refused}");
    }
    for no_store in [full.clone(), place.path().join("none")] {
        let target = place.path().join("target");
        let refused = backup(&no_store, None, &target, &mut nothing).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
        assert!(!target.exists());
    }
    let root = backup(&dir, None, Path::new("/"), &mut nothing).await.unwrap_err();
    assert!(matches!(root.kind(), ErrorKind::AlreadyExists | ErrorKind::InvalidInput), "{root}");
    // An empty directory is taken; so is one that is not there, with those that lead to it.
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for target in [empty, place.path().join("a/b/c")] {
        backup(&dir, None, &target, &mut nothing).await.unwrap();
        examine(&open(&target).await, &[(1, 1)].into()).await;
    }
    // The copy has an id of its own: over the files of the original it does not open.
    let copy = place.path().join("other");
    backup(&dir, None, &copy, &mut nothing).await.unwrap();
    let blobs = format!("file://{}", dir.join("blobs").display());
    let refused = firndb_storage_native::open(&copy, Some(&blobs)).unwrap();
    let refused = Engine::open(refused, Config::default()).await.map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_elsewhere_are_in_the_backup_and_damage_is_told() {
    let place = tempfile::tempdir().unwrap();
    let (dir, blobs) = (place.path().join("store"), place.path().join("blobs"));
    let url = format!("file://{}", blobs.display());
    let stores = firndb_storage_native::open(&dir, Some(&url)).unwrap();
    let engine = Engine::open(stores, Config::default()).await.unwrap();
    make_tables(&engine).await;
    write(&engine, 1, 1).await;
    engine.flush_all().await.unwrap();
    write(&engine, 1, 2).await;
    let copy = place.path().join("copy");
    let mut seen = Vec::new();
    let report = backup(&dir, Some(&url), &copy, &mut |done, total| seen.push((done, total))).await.unwrap();
    assert!(report.damage.is_empty() && report.files > 3 && report.bytes > 1000, "{report:?}");
    let (done, total) = seen.last().unwrap();
    assert!(*total > 0 && done == total && seen.is_sorted(), "{seen:?}");
    examine(&open(&copy).await, &[(1, 2)].into()).await;

    let batch = batch_files(&blobs).into_iter().next().unwrap();
    let mut bytes = fs::read(&batch).unwrap();
    let middle = bytes.len() / 3;
    *bytes.get_mut(middle).unwrap() ^= 1;
    fs::write(&batch, &bytes).unwrap();
    let name = batch.file_name().unwrap().to_str().unwrap();
    for (copy, word) in [("altered", "checksum"), ("missing", "found none")] {
        let copy = place.path().join(copy);
        let report = backup(&dir, Some(&url), &copy, &mut nothing).await.unwrap();
        let [told] = report.damage.as_slice() else { panic!("one finding: {report:?}") };
        assert!(told.contains(name) && told.contains(word), "{told}");
        let copy = open(&copy).await;
        assert_eq!(copy.check().await.unwrap().findings, report.damage);
        _ = fs::remove_file(&batch);
    }
}

fn batch_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(batch_files(&path));
        } else if path.extension().is_some_and(|e| e == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}
