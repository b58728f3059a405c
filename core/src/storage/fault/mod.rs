//! Stores that break on demand, and know what was synced when they did.
//!
//! A key-value store and a blob store share one count of the operations that change something. A test
//! runs a workload once to learn how many there are, then once for each of them with
//! [`FaultStores::crash_after`], and reopens [`FaultStores::survivors`]: what a disk would hold after the
//! power went out at that operation.
//!
//! What counts as synced: a strict commit with every commit before it (a write-ahead log is synced up to
//! its end), a clean close, and every blob operation that returned `Ok`.

mod blob;
mod kv;

use std::sync::Arc;

use futures::channel::oneshot;
use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::storage::kv::WriteBatch;
use crate::storage::memory::{Map, apply};
use crate::storage::{Clock, Rng, Stores};

/// Whether the operation at which a crash comes still took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashMode {
    /// The power went out before the operation reached the disk.
    BeforeEffect,
    /// The operation is on the disk; only its answer was lost.
    AfterEffect,
}

/// A key-value store and a blob store in memory that can be made to fail. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct FaultStores {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// What readers see: `synced` with `unsynced` applied.
    live: Map,
    synced: Map,
    unsynced: Vec<WriteBatch>,
    blobs: InMemory,
    operations: u64,
    log: Vec<String>,
    crash: Option<(u64, CrashMode)>,
    crashed: bool,
    fail_next_sync: bool,
    pauses: Vec<Pause>,
}

#[derive(Debug)]
struct Pause {
    substring: String,
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Proceeds,
    TakesEffectUnanswered,
}

impl FaultStores {
    /// Empty stores that work until told otherwise.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A fresh handle on the stores, as a process that opens them gets. What an earlier handle committed
    /// is there, synced or not: the death of a process alone loses nothing that the system has.
    #[must_use]
    pub fn stores(&self, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Stores {
        let kv = Arc::new(kv::FaultKv::new(self.clone()));
        Stores::new(kv, Arc::new(blob::FaultBlobs::new(self.clone())), clock, rng)
    }

    /// Makes the `n`-th changing operation from here on, and everything after it, fail with `Unavailable`;
    /// 1 is the next one, 0 fails at once.
    pub fn crash_after(&self, n: u64, mode: CrashMode) {
        let mut state = self.state.lock();
        state.crashed |= n == 0;
        state.crash = Some((state.operations + n, mode));
    }

    /// Whether the crash has come.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.state.lock().crashed
    }

    /// How many changing operations were asked for.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// The changing operations, in order: `kv commit strict: put hot`, `blob put app/… (120 bytes)`.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.state.lock().log.clone()
    }

    /// Fresh, working stores that hold what was synced so far, and nothing else.
    #[must_use]
    pub fn survivors(&self) -> Self {
        let state = self.state.lock();
        let (live, synced) = (state.synced.clone(), state.synced.clone());
        let rest = State { live, synced, blobs: state.blobs.fork(), ..State::default() };
        Self { state: Arc::new(Mutex::new(rest)) }
    }

    /// [`FaultStores::survivors`] after the loss of every key and value.
    #[must_use]
    pub fn survivors_without_kv(&self) -> Self {
        let rest = State { blobs: self.state.lock().blobs.fork(), ..State::default() };
        Self { state: Arc::new(Mutex::new(rest)) }
    }

    /// Makes the sync of the next strict commit fail: it is read until the handle is dropped, but does not
    /// survive, and the handle commits nothing more.
    pub fn fail_sync_once(&self) {
        self.state.lock().fail_next_sync = true;
    }

    /// Holds the next operation whose description contains `substring` until the handle releases it.
    /// Descriptions are those of [`FaultStores::log`], and for reads `kv get hot`, `kv page hot`,
    /// `blob get PATH`, `blob list PREFIX`.
    #[must_use]
    pub fn pause_at(&self, substring: &str) -> PauseHandle {
        let (reached, on_reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let pause = Pause { substring: substring.to_owned(), reached, released };
        self.state.lock().pauses.push(pause);
        PauseHandle { reached: on_reached, _release: release }
    }

    /// The paths of all blobs, sorted.
    #[must_use]
    pub fn blob_paths(&self) -> Vec<String> {
        let blobs = self.state.lock().blobs.clone();
        let listed = blobs.list(None).try_collect::<Vec<_>>().now_or_never();
        let metas = listed.and_then(object_store::Result::ok).unwrap_or_default();
        metas.into_iter().map(|m| m.location.to_string()).collect()
    }

    /// Flips a bit of the byte at `offset` of a blob.
    ///
    /// # Errors
    /// `NotFound` without such a blob, `InvalidInput` when it is shorter.
    pub fn corrupt_blob(&self, path: &str, offset: usize) -> Result<()> {
        self.edit_blob(path, |content| {
            let len = content.len();
            let past = || Error::invalid(format!("{path} has {len} bytes, none at {offset}"));
            *content.get_mut(offset).ok_or_else(past)? ^= 0x10;
            Ok(())
        })
    }

    /// Cuts a blob to its first `len` bytes.
    ///
    /// # Errors
    /// `NotFound` without such a blob.
    pub fn truncate_blob(&self, path: &str, len: usize) -> Result<()> {
        self.edit_blob(path, |content| {
            content.truncate(len);
            Ok(())
        })
    }

    /// Removes a blob behind the engine's back.
    ///
    /// # Errors
    /// `NotFound` without such a blob.
    pub fn delete_blob(&self, path: &str) -> Result<()> {
        let state = self.state.lock();
        let path = Path::from(path);
        at_once(state.blobs.head(&path))?;
        Ok(at_once(state.blobs.delete(&path))?)
    }

    fn edit_blob(&self, path: &str, edit: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let state = self.state.lock();
        let path = Path::from(path);
        let old = at_once(async { state.blobs.get(&path).await?.bytes().await })?;
        let mut content = Vec::from(old);
        edit(&mut content)?;
        at_once(state.blobs.put(&path, content.into()))?;
        Ok(())
    }

    /// Waits as long as a pause holds operations of this description.
    async fn pass(&self, what: &str) {
        loop {
            let pause = {
                let mut state = self.state.lock();
                match state.pauses.iter().position(|p| what.contains(&p.substring)) {
                    Some(at) => state.pauses.remove(at),
                    None => return,
                }
            };
            // Either end may be gone: a handle that was dropped releases what it holds.
            _ = pause.reached.send(());
            _ = pause.released.await;
        }
    }
}

impl State {
    /// Counts and logs a changing operation and decides what becomes of it.
    fn begin(&mut self, what: String) -> Result<Fate> {
        self.check()?;
        self.operations += 1;
        let fate = match self.crash {
            Some((at, mode)) if self.operations >= at => {
                self.crashed = true;
                Some(mode)
            }
            _ => None,
        };
        let (note, result) = match fate {
            None => ("", Ok(Fate::Proceeds)),
            Some(CrashMode::BeforeEffect) => (" [crash before]", Err(crashed())),
            Some(CrashMode::AfterEffect) => (" [crash after]", Ok(Fate::TakesEffectUnanswered)),
        };
        self.log.push(what + note);
        result
    }

    fn check(&self) -> Result<()> {
        if self.crashed { Err(crashed()) } else { Ok(()) }
    }

    /// Brings every commit so far to rest.
    fn sync(&mut self) -> Result<()> {
        for mut batch in std::mem::take(&mut self.unsynced) {
            // They held when the batch was committed.
            batch.preconditions.clear();
            apply(&mut self.synced, &batch)?;
        }
        Ok(())
    }
}

fn crashed() -> Error {
    Error::unavailable("the power is out (an injected fault)")
}

/// The result of a future of [`InMemory`], which never waits.
fn at_once<T>(future: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
    future.now_or_never().unwrap_or_else(|| {
        let source = "the in-memory store did not answer at once".into();
        Err(object_store::Error::Generic { store: "FaultStores", source })
    })
}

/// Holds an operation; dropping it releases the operation, or takes the pause away.
#[derive(Debug)]
pub struct PauseHandle {
    reached: oneshot::Receiver<()>,
    _release: oneshot::Sender<()>,
}

impl PauseHandle {
    /// Returns once an operation is held.
    pub async fn reached(&mut self) {
        _ = (&mut self.reached).await;
    }

    /// Lets the operation go on.
    pub fn release(self) {}
}

#[cfg(test)]
mod tests;
