//! Settings of an engine, other than the default in one respect.

use firndb_core::{Config, Durability, Pruning};

/// Settings with this budget of memory for hot versions.
#[must_use]
pub fn hot_bytes(bytes: usize) -> Config {
    let mut config = Config::default();
    config.hot_bytes = bytes;
    config
}

/// Settings with this durability.
#[must_use]
pub fn durability(durability: Durability) -> Config {
    let mut config = Config::default();
    config.durability = durability;
    config
}

/// Settings for reading only.
#[must_use]
pub fn read_only() -> Config {
    let mut config = Config::default();
    config.read_only = true;
    config
}

/// Settings under which nothing is flushed but by command, and everything hot stays in memory.
#[must_use]
pub fn flush_by_command() -> Config {
    let mut config = Config::default();
    config.flush_rows = u64::MAX;
    config.flush_bytes = u64::MAX;
    config.hot_bytes = 8 << 30;
    config
}

/// Settings for reading only, with these levels of pruning.
#[must_use]
pub fn pruning(levels: Pruning) -> Config {
    let mut config = read_only();
    config.pruning = levels;
    config
}
