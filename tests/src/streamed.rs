//! A STREAM table on storage whose clock a test moves, in memory and in a directory.

use std::sync::Arc;

use firndb_core::storage::{KeyRange, Keyspace, KvStore, ManualClock, Stores};
use firndb_core::{Config, Engine};

use crate::lasting::{Lasting, START_MS};

/// How long its rows live.
pub const TTL_MS: i64 = 30_000;
/// Makes it.
pub const CREATE: &str =
    "CREATE STREAM TABLE typing (id INTEGER PRIMARY KEY, who TEXT) WITH (TTL_SECONDS = 30)";
/// Its rows.
pub const ALL: &str = "SELECT id, who FROM typing ORDER BY id";
/// None of them.
pub const NONE: [&str; 0] = [];

/// Storage that outlives the engine on it, with a clock.
pub enum Place {
    /// In memory.
    Memory(Lasting),
    /// In a directory.
    Directory(tempfile::TempDir, Arc<ManualClock>),
}

impl Place {
    /// One of each kind, empty.
    ///
    /// # Panics
    /// When there is no room for a directory.
    #[must_use]
    pub fn each() -> [Self; 2] {
        let directory = tempfile::tempdir().unwrap();
        [Self::Memory(Lasting::new(1)), Self::Directory(directory, Arc::new(ManualClock::at_ms(START_MS)))]
    }

    /// Stores for one opening of an engine.
    ///
    /// # Panics
    /// When the directory cannot be opened.
    #[must_use]
    pub fn stores(&self) -> Stores {
        match self {
            Self::Memory(lasting) => lasting.stores(),
            Self::Directory(dir, clock) => {
                let stores = firndb_storage_native::open(dir.path(), None).unwrap();
                Stores { clock: Arc::clone(clock) as _, ..stores }
            }
        }
    }

    /// Sets the clock to so many milliseconds after its start.
    pub fn set_ms(&self, after_start: i64) {
        match self {
            Self::Memory(lasting) => lasting.clock().set_ms(START_MS + after_start),
            Self::Directory(_, clock) => clock.set_ms(START_MS + after_start),
        }
    }

    /// An engine, and the stores that it works on.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(&self, config: Config) -> (Engine, Stores) {
        let stores = self.stores();
        (Engine::open(stores.clone(), config).await.unwrap(), stores)
    }
}

/// How many blocks of versions there are, of all tables.
///
/// # Panics
/// When they cannot be read.
pub async fn blocks(kv: &dyn KvStore) -> usize {
    kv.page(Keyspace::Hot, KeyRange::all(), usize::MAX).await.unwrap().len()
}
