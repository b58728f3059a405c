//! Settings of the manifest cache.

/// How long manifests are believed without asking the blob store, and how many stay in memory.
///
/// The key-value store keeps one manifest of each scope besides; it goes with its scope only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestCacheSettings {
    /// A manifest that was held against the blob store so long ago is held against it again when it is next
    /// used.
    pub ttl_seconds: u64,
    /// How often manifests that were not used for long are looked for, by [`Engine::step`](crate::Engine::step).
    pub eviction_interval_seconds: u64,
    /// How many manifests may stay in memory; 0 keeps none, neither there nor in the key-value store.
    pub max_entries: usize,
    /// A manifest that was not used for so long leaves memory.
    pub last_accessed_window_seconds: u64,
}

impl Default for ManifestCacheSettings {
    fn default() -> Self {
        Self {
            ttl_seconds: 3600,
            eviction_interval_seconds: 60,
            max_entries: 4096,
            last_accessed_window_seconds: 3600,
        }
    }
}

impl ManifestCacheSettings {
    /// `ttl_seconds` in milliseconds.
    #[must_use]
    pub fn ttl_ms(&self) -> i64 {
        millis(self.ttl_seconds)
    }

    /// `eviction_interval_seconds` in milliseconds.
    #[must_use]
    pub fn eviction_interval_ms(&self) -> i64 {
        millis(self.eviction_interval_seconds)
    }

    /// `last_accessed_window_seconds` in milliseconds.
    #[must_use]
    pub fn last_accessed_window_ms(&self) -> i64 {
        millis(self.last_accessed_window_seconds)
    }
}

fn millis(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}
