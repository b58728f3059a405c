//! Keys and values in RocksDB.

use std::fmt;
use std::fs;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{KeyRange, Keyspace, KvStore, Mutation, WriteBatch};
use firndb_core::{Durability, Error, Result};
use parking_lot::{Mutex, RwLock};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    LogLevel, Options, ReadOptions, WriteOptions,
};

use crate::blocking::blocking;

/// Up to so many keys a range is deleted key by key: a range tombstone slows every read that meets it down
/// until it is compacted away, and the engine deletes many small ranges.
const KEYS_DELETED_ONE_BY_ONE: usize = 64;

/// How long an opening for reading is tried, and the pause before it is tried again.
const PATIENCE: Duration = Duration::from_secs(10);
const BEFORE_AGAIN: Duration = Duration::from_millis(5);

/// A [`KvStore`] in a directory of its own, with one column family per keyspace.
///
/// A strict commit has its write-ahead log synced before it returns; a relaxed one has it written to the
/// system, so that it survives the process but not the machine. One process at a time has it open.
pub struct RocksKv {
    dir: PathBuf,
    db: RwLock<Option<DB>>,
    /// Held from the check of a batch's preconditions until it is written, so that nothing comes between.
    commits: Mutex<()>,
    /// A write or sync failed. What is on the disk is unknown, so nothing may be built upon it.
    failed: AtomicBool,
    read_only: bool,
}

impl fmt::Debug for RocksKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksKv").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl RocksKv {
    /// Opens the store in `dir`, which is made if it is absent.
    ///
    /// # Errors
    /// `Locked` when it is open elsewhere, `Corrupt` when RocksDB finds damage, also in the middle of its
    /// log, `Unavailable` when the disk fails.
    pub fn open(dir: &Path) -> Result<Self> {
        let mut options = database_options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let db = DB::open_cf_descriptors(&options, dir, column_families());
        Self::opened(dir, db, false)
    }

    /// Opens the store in `dir` to read what it holds at this moment: every commit that was acknowledged
    /// before the call, and of later ones the first few or none. Takes no lock, so another process may have
    /// it open; what that one commits later is not seen. Commits fail with `PermissionDenied`.
    ///
    /// # Errors
    /// `Corrupt` when RocksDB finds damage, `Unavailable` when there is no store, when the disk fails, and
    /// when the store is changed again and again while it is opened.
    pub fn open_read_only(dir: &Path) -> Result<Self> {
        let until = Instant::now() + PATIENCE;
        loop {
            let before = versions_file(dir);
            let db = DB::open_cf_descriptors_read_only(&database_options(), dir, column_families(), false);
            if versions_file(dir) == before {
                return Self::opened(dir, db, true);
            }
            drop(db);
            if Instant::now() >= until {
                return Err(Error::unavailable(format!(
                    "the store in {} changes faster than it can be read; try again",
                    dir.display()
                )));
            }
            thread::sleep(BEFORE_AGAIN);
        }
    }

    fn opened(dir: &Path, db: Result<DB, rocksdb::Error>, read_only: bool) -> Result<Self> {
        let db = db.map_err(|e| {
            let message: &str = e.as_ref();
            // RocksDB has no code of its own for this: the one it holds itself, and the one others hold.
            if message.contains("lock hold by current process") || message.contains("While lock file") {
                return Error::locked(format!("the store in {} is open elsewhere", dir.display()))
                    .with_source(e);
            }
            failure(dir, "opening", e)
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            db: RwLock::new(Some(db)),
            commits: Mutex::new(()),
            failed: AtomicBool::new(false),
            read_only,
        })
    }

    fn with_db<T>(&self, work: impl FnOnce(&DB) -> Result<T>) -> Result<T> {
        let db = self.db.read();
        let closed = || Error::unavailable(format!("the store in {} is closed", self.dir.display()));
        work(db.as_ref().ok_or_else(closed)?)
    }

    fn commit_now(&self, batch: &WriteBatch, durability: Durability) -> Result<()> {
        self.with_db(|db| {
            let _alone = self.commits.lock();
            if self.read_only {
                let dir = self.dir.display();
                return Err(Error::denied(format!("the store in {dir} is open for reading only")));
            }
            if self.failed.load(Ordering::SeqCst) {
                let dir = self.dir.display();
                return Err(Error::unavailable(format!(
                    "an earlier write to the store in {dir} failed; open it again"
                )));
            }
            self.check(db, batch)?;
            let writes = self.translate(db, batch)?;
            let strict = durability == Durability::Strict;
            let written = if writes.is_empty() && strict {
                db.flush_wal(true)
            } else {
                let mut options = WriteOptions::default();
                options.set_sync(strict);
                db.write_opt(writes, &options)
            };
            written.map_err(|e| {
                self.failed.store(true, Ordering::SeqCst);
                failure(&self.dir, "writing", e)
            })
        })
    }

    fn check(&self, db: &DB, batch: &WriteBatch) -> Result<()> {
        for expected in &batch.preconditions {
            let found = db.get_pinned_cf(family(db, expected.space)?, &expected.key);
            let found = found.map_err(|e| failure(&self.dir, "reading", e))?;
            if found.as_deref() != expected.value.as_deref() {
                let space = expected.space.name();
                return Err(Error::conflict(format!(
                    "a key of {space} is not as expected: another writer was here"
                )));
            }
        }
        Ok(())
    }

    fn translate(&self, db: &DB, batch: &WriteBatch) -> Result<rocksdb::WriteBatch> {
        let mut writes = rocksdb::WriteBatch::default();
        for (at, mutation) in batch.mutations.iter().enumerate() {
            match mutation {
                Mutation::Put(space, key, value) => writes.put_cf(family(db, *space)?, key, value),
                Mutation::Delete(space, key) => writes.delete_cf(family(db, *space)?, key),
                Mutation::DeleteRange(_, range) if range.is_empty() => {}
                Mutation::DeleteRange(space, range) => {
                    let before = batch.mutations.get(..at).unwrap_or_default();
                    let put_before = before.iter().filter_map(|m| match m {
                        Mutation::Put(s, key, _) if s == space && contains(range, key) => Some(key.as_ref()),
                        _ => None,
                    });
                    self.delete_range(db, &mut writes, *space, range, put_before)?;
                }
            }
        }
        Ok(writes)
    }

    /// Adds the deletion of `range`. `put_before` are the keys of it that the same batch put earlier, which
    /// an iterator over the database does not see.
    fn delete_range<'a>(
        &self,
        db: &DB,
        writes: &mut rocksdb::WriteBatch,
        space: Keyspace,
        range: &KeyRange,
        put_before: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<()> {
        let family = family(db, space)?;
        let few = KEYS_DELETED_ONE_BY_ONE;
        let stored = self.scan(db, space, range, few + 1, |key, _| Bytes::copy_from_slice(key))?;
        if stored.len() <= few {
            stored.iter().for_each(|key| writes.delete_cf(family, key));
            put_before.for_each(|key| writes.delete_cf(family, key));
            return Ok(());
        }
        let end = match end_of(range) {
            Some(end) => end,
            // RocksDB's range deletions need an end: just after the last key there is.
            None => {
                let mut last = db.raw_iterator_cf(family);
                last.seek_to_last();
                let last_key = last.key().unwrap_or_default().to_vec();
                last.status().map_err(|e| failure(&self.dir, "reading", e))?;
                after(put_before.max().unwrap_or_default().max(last_key.as_slice()))
            }
        };
        writes.delete_range_cf(family, start_of(range), end);
        Ok(())
    }

    /// The first `limit` pairs of `range`, as `take` makes of them.
    fn scan<T>(
        &self,
        db: &DB,
        space: Keyspace,
        range: &KeyRange,
        limit: usize,
        take: impl Fn(&[u8], &[u8]) -> T,
    ) -> Result<Vec<T>> {
        let mut options = ReadOptions::default();
        if let Some(end) = end_of(range) {
            options.set_iterate_upper_bound(end);
        }
        let mut at = db.raw_iterator_cf_opt(family(db, space)?, options);
        let mut found = Vec::new();
        at.seek(start_of(range));
        while found.len() < limit {
            let Some((key, value)) = at.item() else { break };
            found.push(take(key, value));
            at.next();
        }
        at.status().map_err(|e| failure(&self.dir, "reading", e))?;
        Ok(found)
    }

    fn close_now(&self) -> Result<()> {
        let Some(db) = self.db.write().take() else { return Ok(()) };
        let synced = if self.read_only { Ok(()) } else { db.flush_wal(true) };
        db.cancel_all_background_work(true);
        drop(db);
        synced.map_err(|e| failure(&self.dir, "closing", e))
    }
}

#[async_trait]
impl KvStore for RocksKv {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        self.with_db(|db| {
            let found = db.get_pinned_cf(family(db, space)?, key);
            let found = found.map_err(|e| failure(&self.dir, "reading", e))?;
            Ok(found.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        self.with_db(|db| {
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let copy =
                |key: &[u8], value: &[u8]| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            self.scan(db, space, &range, limit, copy)
        })
    }

    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        match durability {
            Durability::Strict => blocking(|| self.commit_now(&batch, durability)),
            Durability::Relaxed => self.commit_now(&batch, durability),
        }
    }

    async fn close(&self) -> Result<()> {
        blocking(|| self.close_now())
    }
}

fn database_options() -> Options {
    let mut options = Options::default();
    // The default mode ends the log at the first damaged record and drops the acknowledged commits behind
    // it without a word. This one forgives only a record that a crash cut short at the end.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_db_write_buffer_size(128 << 20);
    options.set_max_total_wal_size(256 << 20);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    options
}

/// Which of RocksDB's files says what files count, and how long it is; `None` when it cannot be told.
///
/// A reader takes that file first and the write-ahead logs after it. A writer may in between have brought the
/// contents of a log into tables, written that down here, and removed the log: the reader would have neither.
/// While this stays the same, no log goes that the reader needs.
fn versions_file(dir: &Path) -> Option<(String, u64)> {
    let name = fs::read_to_string(dir.join("CURRENT")).ok()?;
    let length = fs::metadata(dir.join(name.trim_end())).ok()?.len();
    Some((name, length))
}

fn column_families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(64 << 20);
    let describe = |space: Keyspace| {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&cache);
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_compression_type(DBCompressionType::Lz4);
        ColumnFamilyDescriptor::new(space.name(), options)
    };
    Keyspace::ALL.into_iter().map(describe).collect()
}

fn family(db: &DB, space: Keyspace) -> Result<&ColumnFamily> {
    let missing = || Error::corrupt(format!("{} has no column family {}", db.path().display(), space.name()));
    db.cf_handle(space.name()).ok_or_else(missing)
}

fn failure(dir: &Path, doing: &str, e: rocksdb::Error) -> Error {
    let message = format!("{doing} the store in {}: {e}", dir.display());
    match e.kind() {
        rocksdb::ErrorKind::Corruption => Error::corrupt(message),
        _ => Error::unavailable(message),
    }
    .with_source(e)
}

fn contains(range: &KeyRange, key: &Bytes) -> bool {
    RangeBounds::<Bytes>::contains(&(range.start.as_ref(), range.end.as_ref()), key)
}

/// The smallest key of `range`, if it were there.
fn start_of(range: &KeyRange) -> Vec<u8> {
    match &range.start {
        Bound::Included(key) => key.to_vec(),
        Bound::Excluded(key) => after(key),
        Bound::Unbounded => Vec::new(),
    }
}

/// The smallest key past `range`.
fn end_of(range: &KeyRange) -> Option<Vec<u8>> {
    match &range.end {
        Bound::Included(key) => Some(after(key)),
        Bound::Excluded(key) => Some(key.to_vec()),
        Bound::Unbounded => None,
    }
}

/// The next key in byte order.
fn after(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    next.push(0);
    next
}
