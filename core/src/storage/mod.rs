//! What the engine asks of a platform: keys and values ([`KvStore`]), blobs
//! ([`object_store::ObjectStore`]), a [`Clock`], randomness ([`Rng`]) and a [`Pause`]; and, where there are
//! any, [`Files`] outside of the store.

mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "conformance"))]
pub mod fault;
mod files;
pub mod keys;
mod kv;
mod memory;

use std::sync::Arc;

pub use clock::{Clock, GiveWay, ManualClock, Pause, Rng, SeededRng, SystemClock};
pub use files::{Files, Pipe, Ranged, Sink, Source};
pub use kv::{KeyRange, Keyspace, KvStore, Mutation, Precondition, WriteBatch};
pub use memory::MemoryKv;
use object_store::ObjectStore;

/// What a platform provides.
#[derive(Debug, Clone)]
pub struct Stores {
    /// Hot blocks, catalog, pointers.
    pub kv: Arc<dyn KvStore>,
    /// Batch files, deletion vectors, manifests.
    pub blobs: Arc<dyn ObjectStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub rng: Arc<dyn Rng>,
    /// How a statement that runs long lets others have the thread.
    pub pause: Arc<dyn Pause>,
    /// Whether a blob that was put keeps its name through a power failure, as its bytes do. Where it may
    /// not, what a flush made cold stays in the key-value store until a later opening has found the files.
    pub names_are_synced: bool,
    /// The files that COPY reads and writes; `None` where a statement cannot name any.
    pub files: Option<Arc<dyn Files>>,
}

impl Stores {
    /// Stores that live in this process's memory and are gone with it (`memory://`).
    #[must_use]
    pub fn memory() -> Self {
        Self::new(
            Arc::new(MemoryKv::new()),
            Arc::new(object_store::memory::InMemory::new()),
            Arc::new(SystemClock),
            Arc::new(SeededRng::from_time(&SystemClock)),
        )
    }

    /// Stores on a platform whose executor shares the thread fairly.
    #[must_use]
    pub fn new(
        kv: Arc<dyn KvStore>,
        blobs: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { kv, blobs, clock, rng, pause: Arc::new(GiveWay), names_are_synced: true, files: None }
    }

    /// The same stores, where the names of blobs cannot be synced.
    #[must_use]
    pub fn with_unsynced_names(self) -> Self {
        Self { names_are_synced: false, ..self }
    }

    /// The same stores, where COPY reads and writes `files`.
    #[must_use]
    pub fn with_files(self, files: Arc<dyn Files>) -> Self {
        Self { files: Some(files), ..self }
    }

    /// The same stores with another way to pause.
    #[must_use]
    pub fn with_pause(self, pause: Arc<dyn Pause>) -> Self {
        Self { pause, ..self }
    }
}
