//! What `WITH (…)` says about a table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::{AccessLevel, FalsePositives};
use crate::types::{ColumnId, SeqId};

/// How batch files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Zstandard.
    #[default]
    Zstd,
    /// Snappy.
    Snappy,
    /// LZ4, raw blocks.
    Lz4,
    /// None.
    None,
}

impl Compression {
    /// Every way, with its name in SQL.
    pub const ALL: [(&'static str, Self); 4] =
        [("zstd", Self::Zstd), ("snappy", Self::Snappy), ("lz4", Self::Lz4), ("none", Self::None)];
}

/// When a scope is flushed without being told to: as soon as one of these is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlushPolicy {
    /// Row versions in the hot tier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
    /// Bytes in the hot tier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// Seconds since the oldest of them was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval_s: Option<u64>,
}

/// How long tombstones are retained for those who ask for deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// So many hours after they were written.
    Hours(u64),
    /// As long as the table is there.
    Forever,
}

impl fmt::Display for Retention {
    /// As in SQL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) => hours.fmt(f),
            Self::Forever => f.write_str("forever"),
        }
    }
}

/// A table's options.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableOptions {
    /// The table's own flush policy; `None` leaves it to the engine's configuration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flush: Option<FlushPolicy>,
    /// Columns that get Bloom filters besides those of the primary key, which always do.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub bloom: Vec<ColumnId>,
    /// Whether no column gets one, those of the primary key neither.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub no_bloom: bool,
    /// How often Bloom filters may answer wrongly.
    #[serde(skip_serializing_if = "FalsePositives::is_empty", default)]
    pub bloom_fpp: FalsePositives,
    /// The compression of batch files.
    #[serde(default)]
    pub compression: Compression,
    /// How long tombstones are retained; `None` leaves it to the engine's configuration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_retention: Option<Retention>,
    /// Who may read the table; of SHARED tables only.
    #[serde(skip_serializing_if = "is_public", default)]
    pub access_level: AccessLevel,
    /// Who may write it; `None` for whoever may read it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub write_access_level: Option<AccessLevel>,
    /// How many seconds rows live after they were committed, in [`TTL_RANGE`](crate::catalog::TTL_RANGE); of STREAM tables
    /// only, which all have it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ttl_seconds: Option<u64>,
    /// The last `_seq` that was expired when rows were given a longer life.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lapsed_through: Option<SeqId>,
}

fn is_public(level: &AccessLevel) -> bool {
    *level == AccessLevel::Public
}

/// Shares in parts per million; columns by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedShares {
    /// For the columns that are not named.
    pub others: Option<u32>,
    /// By column.
    pub columns: Vec<(String, u32)>,
}

/// The options a statement names; columns by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OptionChanges {
    /// `FLUSH_POLICY`; `Some(None)` for `'default'`.
    pub flush: Option<Option<FlushPolicy>>,
    /// `BLOOM_FILTER`: the columns besides those of the key.
    pub bloom: Option<Vec<String>>,
    /// Whether that was `'none'`.
    pub no_bloom: bool,
    /// `BLOOM_FPP`.
    pub bloom_fpp: Option<NamedShares>,
    /// `COMPRESSION`.
    pub compression: Option<Compression>,
    /// `DELETED_RETENTION_HOURS`; `Some(None)` for `'default'`.
    pub deleted_retention: Option<Option<Retention>>,
    /// `ACCESS_LEVEL`.
    pub access_level: Option<AccessLevel>,
    /// `WRITE_ACCESS_LEVEL`; `Some(None)` for `'default'`.
    pub write_access_level: Option<Option<AccessLevel>>,
    /// `TTL_SECONDS`.
    pub ttl_seconds: Option<u64>,
}
