//! What the engine asks of a platform: keys and values ([`KvStore`]), blobs
//! ([`object_store::ObjectStore`]), a [`Clock`] and randomness ([`Rng`]).

mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "conformance"))]
pub mod fault;
pub mod keys;
mod kv;
mod memory;

use std::sync::Arc;

pub use clock::{Clock, ManualClock, Rng, SeededRng, SystemClock};
pub use kv::{KeyRange, Keyspace, KvStore, Mutation, Precondition, WriteBatch};
pub use memory::MemoryKv;
use object_store::ObjectStore;

/// The four things a platform provides.
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
}

impl Stores {
    /// Stores that live in this process's memory and are gone with it (`memory://`).
    #[must_use]
    pub fn memory() -> Self {
        Self {
            kv: Arc::new(MemoryKv::new()),
            blobs: Arc::new(object_store::memory::InMemory::new()),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SeededRng::from_time(&SystemClock)),
        }
    }
}
