//! Counters of what an engine did.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counters of a running engine.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[$doc])* pub $name: Counter,)*
        }

        /// What an engine did since it was opened.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct EngineStats {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// The counts as they are.
            #[must_use]
            pub fn read(&self) -> EngineStats {
                EngineStats { $($name: self.$name.get(),)* }
            }
        }

        impl EngineStats {
            /// Each count with its name.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Flushes that published a manifest.
    flushes,
    /// Of these, flushes while a snapshot older than the last commit was alive.
    flushes_under_snapshot,
    /// Row versions written by UPDATE, DELETE or ON CONFLICT over a row that was cold.
    cold_rows_updated,
    /// Cold rows that scans left out because a deletion vector hides them.
    deletion_vector_rows_hidden,
    /// Commits refused because another was first.
    conflicts,
    /// Scopes dropped from memory to keep within limits of bytes and number.
    scopes_evicted,
    /// Batch files opened by scans and lookups.
    files_opened,
    /// Compactions that published a manifest.
    compactions,
    /// Files removed because nothing needed them any more.
    files_collected,
    /// Manifests that were in memory when a scope was used.
    manifests_from_memory,
    /// Manifests read from the key-value store.
    manifests_from_kv,
    /// Manifests read from the blob store.
    manifests_from_blobs,
    /// Manifests held against the blob store again because they had been kept for long.
    manifests_validated,
    /// Manifests that left memory, by number or because nobody used them.
    manifests_evicted,
    /// Blocks of flushed tombstones that queries of `_deleted` read.
    tombstone_blocks_read,
    /// Blocks of STREAM tables that were evicted with the expired rows in them.
    blocks_expired,
}
