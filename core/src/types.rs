//! Identities and small values that every module speaks of.

use std::fmt;

use data_encoding::BASE32HEX_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A position in the history of the store: a Snowflake id of 41 bits of milliseconds since
/// 2025-01-01T00:00:00Z, 10 bits of node and 12 bits of counter. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SeqId(i64);

impl SeqId {
    /// Before every version.
    pub const ZERO: Self = Self(0);
    /// After every version; one below `i64::MAX`, which means that a version is not superseded.
    pub const MAX: Self = Self(i64::MAX - 1);
    /// 2025-01-01T00:00:00Z in Unix milliseconds.
    pub const EPOCH_UNIX_MS: i64 = 1_735_689_600_000;
    const NODE_BITS: u32 = 10;
    const COUNTER_BITS: u32 = 12;

    /// The id with this number, as read from a column or a file.
    #[must_use]
    pub fn from_i64(value: i64) -> Self {
        Self(value)
    }

    /// The number, as `_seq` shows it.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// The first id of `node` in the millisecond `unix_ms`; times before the epoch count as the epoch.
    #[must_use]
    pub fn at(unix_ms: i64, node: u16) -> Self {
        let ms = unix_ms.saturating_sub(Self::EPOCH_UNIX_MS).clamp(0, (1 << 41) - 1);
        let node = i64::from(node) & ((1 << Self::NODE_BITS) - 1);
        Self((ms << (Self::NODE_BITS + Self::COUNTER_BITS)) | (node << Self::COUNTER_BITS))
    }

    /// The last id before the millisecond `unix_ms`, whatever its node; [`Self::ZERO`] when there is none.
    #[must_use]
    pub fn before_ms(unix_ms: i64) -> Self {
        Self(Self::at(unix_ms, 0).0.saturating_sub(1)).max(Self::ZERO)
    }

    /// The id after this one for `node`: the next counter, or the next millisecond when it is full.
    #[must_use]
    pub fn next(self, node: u16) -> Self {
        let full = (1 << Self::COUNTER_BITS) - 1;
        let same_node = (self.0 >> Self::COUNTER_BITS) & ((1 << Self::NODE_BITS) - 1) == i64::from(node);
        if same_node && self.0 & full < full {
            return Self(self.0 + 1);
        }
        Self::at(self.unix_ms() + 1, node)
    }

    /// The id's time in Unix milliseconds.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        (self.0 >> (Self::NODE_BITS + Self::COUNTER_BITS)) + Self::EPOCH_UNIX_MS
    }
}

impl fmt::Display for SeqId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// JSON numbers lose precision past 2^53, so a `_seq` is written as a string.
impl Serialize for SeqId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SeqId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names a table for ever; never given out twice in a store.
    TableId
}
id! {
    /// Names a column of a table for ever; it is the Parquet field id of the column.
    ColumnId
}

/// Who rows belong to. Any text; compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserId(String);

impl UserId {
    /// Longest id accepted, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// An id of `text`.
    ///
    /// # Errors
    /// `InvalidInput` when it is longer than [`Self::MAX_BYTES`].
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.len() > Self::MAX_BYTES {
            let found = text.len();
            return Err(Error::invalid(format!(
                "a user id has at most {} bytes, this one has {found}",
                Self::MAX_BYTES
            )));
        }
        Ok(Self(text))
    }

    /// The user every fresh store has.
    #[must_use]
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The part of a table that commits, flushes and is stored together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The one scope of a SHARED table.
    Shared,
    /// One user's rows of a USER table.
    User(UserId),
}

impl Scope {
    /// The directory name of the scope: `shared`, `u-{id}` for plain ids, `x-{base32hex}` for others
    /// (of their SHA-256 past 64 bytes). No two scopes share a name, also where a file system folds
    /// case or Unicode, and none climbs out of its directory.
    #[must_use]
    pub fn dir(&self) -> String {
        match self {
            Self::Shared => "shared".to_owned(),
            Self::User(id) => path_part("u-", id.as_str()),
        }
    }

    /// The scope whose directory name is `dir`; `None` for other names, and for those of ids over 64 bytes,
    /// which cannot be read back.
    #[must_use]
    pub fn from_dir(dir: &str) -> Option<Self> {
        let scope = if dir == "shared" {
            Self::Shared
        } else if let Some(id) = dir.strip_prefix("u-") {
            Self::User(UserId::new(id).ok()?)
        } else {
            let bytes =
                BASE32HEX_NOPAD.decode(dir.strip_prefix("x-")?.to_ascii_uppercase().as_bytes()).ok()?;
            Self::User(UserId::new(String::from_utf8(bytes).ok()?).ok()?)
        };
        (scope.dir() == dir).then_some(scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dir())
    }
}

/// `name` as one part of a blob path: itself behind `plain` when it is `[a-z0-9][a-z0-9_-]{0,62}`,
/// else `x-` and base32hex in lower case.
#[must_use]
pub fn path_part(plain: &str, name: &str) -> String {
    let bytes = name.as_bytes();
    let first_ok = bytes.first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest_ok =
        bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    // A plain name that starts like an encoded one is encoded too, so that the two never meet.
    let clear = !plain.is_empty() || !name.starts_with("x-");
    if first_ok && rest_ok && bytes.len() <= 63 && clear {
        return format!("{plain}{name}");
    }
    let encoded = if bytes.len() > 64 {
        BASE32HEX_NOPAD.encode(&Sha256::digest(bytes))
    } else {
        BASE32HEX_NOPAD.encode(bytes)
    };
    format!("x-{}", encoded.to_ascii_lowercase())
}

/// What a session may do; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works on its own rows.
    User,
    /// May act for users.
    Service,
    /// Administers.
    Dba,
    /// The store's owner.
    System,
}

impl Role {
    /// The role of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::User, Self::Service, Self::Dba, Self::System].into_iter().find(|role| role.name() == name)
    }

    /// Its name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Dba => "dba",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// A crash of the process and a loss of power: synced before it is acknowledged.
    #[default]
    Strict,
    /// Consistency only: the last moments may be lost.
    Relaxed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seq_counts_within_a_millisecond_then_moves_to_the_next() {
        let first = SeqId::at(SeqId::EPOCH_UNIX_MS + 5, 3);
        let mut seq = first;
        for _ in 0..4095 {
            let next = seq.next(3);
            assert_eq!(next.as_i64(), seq.as_i64() + 1);
            assert_eq!(next.unix_ms(), first.unix_ms());
            seq = next;
        }
        assert_eq!(seq.next(3), SeqId::at(SeqId::EPOCH_UNIX_MS + 6, 3));
    }

    #[test]
    fn seq_of_another_node_still_grows() {
        let seq = SeqId::at(SeqId::EPOCH_UNIX_MS + 5, 9);
        assert!(seq.next(1) > seq);
    }

    #[test]
    fn scopes_have_distinct_safe_directories() {
        let ids = ["a", "ab", "a:b", "a/b", "..", "A", "", "\0", "x-a", "shared", "é", "e\u{301}", "😀"];
        let long = "z".repeat(300);
        let mut dirs: Vec<String> = ids
            .iter()
            .copied()
            .chain([long.as_str()])
            .map(|id| Scope::User(UserId::new(id).unwrap()).dir())
            .chain([Scope::Shared.dir()])
            .collect();
        assert!(dirs.iter().all(|d| {
            d.len() <= 110
                && d.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        }));
        for dir in &dirs {
            let back = Scope::from_dir(dir).map(|s| s.dir());
            assert_eq!(
                back.as_ref(),
                (*dir != Scope::User(UserId::new(long.as_str()).unwrap()).dir()).then_some(dir)
            );
        }
        let count = dirs.len();
        dirs.sort();
        dirs.dedup();
        assert_eq!(dirs.len(), count);
    }
}
