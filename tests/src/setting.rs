//! Settings of an engine, other than the default in one respect.

use firndb_core::{Config, Durability, PruningSettings};

/// Settings with this budget of memory for hot versions.
#[must_use]
pub fn hot_bytes(bytes: usize) -> Config {
    let mut config = Config::default();
    config.hot.bytes = bytes;
    config
}

/// Settings with this durability.
#[must_use]
pub fn durability(durability: Durability) -> Config {
    let mut config = Config::default();
    config.writer.durability = durability;
    config
}

/// Settings for reading only.
#[must_use]
pub fn read_only() -> Config {
    let mut config = Config::default();
    config.writer.read_only = true;
    config
}

/// Settings other than `config`, which keep no manifest: each opening of a scope reads it from the blob store.
#[must_use]
pub fn without_manifest_cache(mut config: Config) -> Config {
    config.manifest_cache.max_entries = 0;
    config
}

/// Settings under which nothing is flushed but by command, and everything hot stays in memory.
#[must_use]
pub fn flush_by_command() -> Config {
    let mut config = Config::default();
    config.flush.rows = u64::MAX;
    config.flush.bytes = u64::MAX;
    config.hot.bytes = 8 << 30;
    config
}

/// `config` with files that are removed as soon as no reader of the engine needs them.
#[must_use]
pub fn without_grace(mut config: Config) -> Config {
    config.compaction.grace_ms = 0;
    config.compaction.kept_manifests = 2;
    config.compaction.sweep_numbers = 8;
    config
}

/// Settings for reading only, with these levels of pruning.
#[must_use]
pub fn pruning(levels: PruningSettings) -> Config {
    let mut config = read_only();
    config.pruning = levels;
    config
}
