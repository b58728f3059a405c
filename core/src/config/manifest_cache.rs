//! Settings of the manifest cache.

use crate::error::{Error, Result};

/// How long manifests are believed without asking the blob store, and how many stay in memory.
///
/// The key-value store keeps one manifest of each scope besides; it goes with its scope only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestCacheConfig {
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

impl Default for ManifestCacheConfig {
    fn default() -> Self {
        Self {
            ttl_seconds: 3600,
            eviction_interval_seconds: 60,
            max_entries: 4096,
            last_accessed_window_seconds: 3600,
        }
    }
}

impl ManifestCacheConfig {
    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting.
    pub fn validate(&self) -> Result<()> {
        let seconds = [
            ("ttl_seconds", self.ttl_seconds),
            ("eviction_interval_seconds", self.eviction_interval_seconds),
            ("last_accessed_window_seconds", self.last_accessed_window_seconds),
        ];
        // So that a time and as many milliseconds are always numbers.
        let most = u64::from(u32::MAX);
        match seconds.into_iter().find(|(_, value)| *value == 0 || *value > most) {
            Some((name, value)) => {
                Err(Error::invalid(format!("manifest_cache.{name} is from 1 to {most}, not {value}")))
            }
            None => Ok(()),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_nothing_and_of_ages_are_refused_by_name() {
        let good = ManifestCacheConfig::default();
        assert!(good.validate().is_ok());
        assert!(ManifestCacheConfig { max_entries: 0, ..good }.validate().is_ok());
        let bad = [
            ("ttl_seconds", ManifestCacheConfig { ttl_seconds: 0, ..good }),
            ("eviction_interval_seconds", ManifestCacheConfig { eviction_interval_seconds: 0, ..good }),
            (
                "last_accessed_window_seconds",
                ManifestCacheConfig { last_accessed_window_seconds: u64::MAX, ..good },
            ),
        ];
        for (name, config) in bad {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(&format!("manifest_cache.{name}")), "{error}");
        }
    }
}
