//! The manifest and its parts, as values; `codec` has their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cold::names::{self, FileName};
use crate::error::{Error, Result};
use crate::manifest::value::StatValue;
use crate::types::{ColumnId, Scope, SeqId, TableId, UserId};

/// The cold state of one scope of one table, as of one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest format.
    pub format: u32,
    /// The namespace's name.
    pub namespace: String,
    /// The table's name.
    pub table: String,
    /// The table.
    pub table_id: TableId,
    /// The directory name of the scope.
    pub scope: String,
    /// The user whose scope it is; a long id cannot be read back from the directory name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The number the scope's counter gave to this manifest.
    pub version: u64,
    /// The version that this one follows, if any.
    pub previous: Option<u64>,
    /// The epoch of the writer.
    pub epoch: u64,
    /// When it was written, RFC 3339 in UTC with milliseconds.
    pub generated_at: String,
    /// The highest batch number ever listed, so that a recovered counter starts past it.
    pub max_batch: u64,
    /// Every commit up to here is in the files.
    pub flushed_through: SeqId,
    /// The table's schema version when it was written.
    pub schema_version: u32,
    /// Why it was made from the files, if it was: what became of the manifest before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuilt: Option<String>,
    /// Where the note is that tells the same of the files; none in a manifest of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted: Option<Noted>,
    /// The newest file of deletion vectors when files last left the manifest: the next one names it, although
    /// no batch file may refer to it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deletes: Option<u64>,
    /// The batch files, by number.
    pub batches: Vec<BatchEntry>,
}

/// Which commit note tells what rows there are, and in which file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// The version of the commit that wrote the note. A later one that changed no row may have none.
    pub version: u64,
    /// The name of the file.
    pub file: String,
}

impl Noted {
    /// The number of the file, if its name has one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        FileName::parse(&self.file).and_then(FileName::number)
    }
}

/// One batch file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchEntry {
    /// The number the scope's counter gave to the file.
    pub number: u64,
    /// The file's name in the scope's directory.
    pub path: String,
    /// The checksum of the file that holds the checksums of its extents.
    pub sum: Checksum,
    /// What it is used for.
    pub status: BatchStatus,
    /// Rows in it, dead ones included.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The checksum of the whole file.
    pub checksum: Checksum,
    /// The schema version it was written with.
    pub schema_version: u32,
    /// The lowest `_seq` in it.
    pub min_seq: SeqId,
    /// The highest `_seq` in it.
    pub max_seq: SeqId,
    /// Rows of each row group: which rows to read can be planned without opening the file.
    pub row_groups: Vec<u32>,
    /// Statistics of exactly the columns that the file has; a column that is not here is younger.
    pub columns: BTreeMap<ColumnId, ColumnStats>,
    /// Where its Bloom filters lie.
    #[serde(default)]
    pub filters: BTreeMap<ColumnId, Vec<FilterRef>>,
    /// Its dead rows, if it has any.
    #[serde(default)]
    pub deletes: Option<DeletesRef>,
    /// The numbers of the batch files whose rows it took over.
    #[serde(default)]
    pub replaces: Vec<u64>,
    /// Whether it ends because a file holds no more: merged with others it would give as many files again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub full: bool,
    /// Since when queries no longer read it, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at_ms: Option<i64>,
}

/// What a batch file is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchStatus {
    /// Queries read it.
    Active,
    /// Queries read it, and a compaction does too.
    Compacting,
    /// Queries no longer read it; it waits to be collected.
    Archived,
}

impl BatchStatus {
    /// Whether its rows are part of the table.
    #[must_use]
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Archived)
    }
}

/// What is known of a column of a batch file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ColumnStats {
    /// No value is lower; absent when nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<StatValue>,
    /// No value is higher; absent when nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<StatValue>,
    /// NULLs.
    pub nulls: u64,
    /// NaNs, which `min` and `max` leave out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nans: u64,
    /// Whether `min` is a value of the column, not only a bound.
    #[serde(default)]
    pub min_exact: bool,
    /// Whether `max` is a value of the column, not only a bound.
    #[serde(default)]
    pub max_exact: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Where the Bloom filter of one column in one row group lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRef {
    /// The row group.
    pub row_group: u32,
    /// The filter's header starts here in the file.
    pub offset: u64,
    /// Header and bits, in bytes.
    pub length: u32,
}

/// The deletion vector of a batch file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletesRef {
    /// The name of the file that holds it.
    pub path: String,
    /// How many rows are dead.
    pub count: u64,
}

/// A CRC-32C (Castagnoli, RFC 3720), written `crc32c:` and eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum(pub u32);

impl Checksum {
    /// The checksum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc32c::crc32c(bytes))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crc32c:{:08x}", self.0)
    }
}

impl std::str::FromStr for Checksum {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.strip_prefix("crc32c:").filter(|d| {
            d.len() == 8 && !d.contains(|c: char| !c.is_ascii_hexdigit() || c.is_ascii_uppercase())
        });
        let value = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        value
            .map(Self)
            .ok_or_else(|| format!("a checksum is crc32c: and 8 hexadecimal digits, found {text:?}"))
    }
}

impl Serialize for Checksum {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Manifest {
    /// The scope it describes.
    ///
    /// # Errors
    /// `Corrupt` when user and directory name do not belong together.
    pub fn scope(&self) -> Result<Scope> {
        let scope = match &self.user {
            Some(user) => Scope::User(user.clone()),
            None => Scope::Shared,
        };
        if scope.dir() != self.scope {
            return Err(Error::corrupt(format!(
                "the manifest's user belongs to the directory {}, it names {}",
                scope.dir(),
                self.scope
            )));
        }
        Ok(scope)
    }

    /// The entry of this batch file.
    #[cfg(test)]
    #[must_use]
    pub fn batch(&self, number: u64) -> Option<&BatchEntry> {
        let at = self.batches.binary_search_by_key(&number, |b| b.number).ok()?;
        self.batches.get(at)
    }

    /// The files whose rows are part of the table.
    pub fn live(&self) -> impl Iterator<Item = &BatchEntry> {
        self.batches.iter().filter(|b| b.status.is_live())
    }

    /// What must hold in every manifest.
    ///
    /// # Errors
    /// The first broken rule, as text; the caller knows whether it is a defect or damage.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.previous.is_some_and(|p| p >= self.version) {
            return Err(format!("version {} follows {:?}", self.version, self.previous));
        }
        let mut last = None;
        let mut gone: BTreeSet<u64> = BTreeSet::new();
        for batch in &self.batches {
            if last.is_some_and(|n| n >= batch.number) {
                return Err(format!("batch {} is out of order or listed twice", batch.number));
            }
            last = Some(batch.number);
            batch.check()?;
            if batch.status.is_live() {
                gone.extend(&batch.replaces);
            }
        }
        if last.is_some_and(|n| n > self.max_batch) {
            return Err(format!("max_batch is {}, batch {last:?} is listed", self.max_batch));
        }
        match self.live().find(|b| gone.contains(&b.number)) {
            Some(batch) => Err(format!("batch {} is read although another replaces it", batch.number)),
            None => Ok(()),
        }
    }
}

impl BatchEntry {
    /// Rows that no deletion vector hides.
    #[must_use]
    pub fn live_rows(&self) -> u64 {
        self.rows.saturating_sub(self.deletes.as_ref().map_or(0, |d| d.count))
    }

    fn check(&self) -> std::result::Result<(), String> {
        let number = self.number;
        if self.path != names::batch(number) {
            return Err(format!("batch {number} has the path {}", self.path));
        }
        let grouped: u64 = self.row_groups.iter().map(|rows| u64::from(*rows)).sum();
        if grouped != self.rows {
            return Err(format!("batch {number} has {} rows, its row groups {grouped}", self.rows));
        }
        if self.rows > u64::from(u32::MAX) {
            return Err(format!("batch {number} has {} rows, more than fit a row number", self.rows));
        }
        if self.min_seq > self.max_seq {
            return Err(format!("batch {number} has _seq from {} to {}", self.min_seq, self.max_seq));
        }
        if let Some(deletes) = &self.deletes
            && (deletes.count == 0 || deletes.count > self.rows)
        {
            return Err(format!("batch {number} has {} rows, {} dead", self.rows, deletes.count));
        }
        if let Some((id, stats)) = self.columns.iter().find(|(_, s)| s.nulls + s.nans > self.rows) {
            return Err(format!("column {id} of batch {number} counts {} NULLs", stats.nulls));
        }
        let groups = u32::try_from(self.row_groups.len()).unwrap_or(u32::MAX);
        let outside = |f: &FilterRef| {
            f.row_group >= groups || f.offset.saturating_add(u64::from(f.length)) > self.bytes
        };
        if self.filters.values().flatten().any(outside) {
            return Err(format!("a Bloom filter of batch {number} lies outside the file"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> BatchEntry {
        BatchEntry {
            number,
            path: names::batch(number),
            sum: Checksum(1),
            status: BatchStatus::Active,
            rows: 10,
            bytes: 100,
            checksum: Checksum(2),
            schema_version: 1,
            min_seq: SeqId::from_i64(1),
            max_seq: SeqId::from_i64(2),
            row_groups: vec![7, 3],
            columns: BTreeMap::from([(ColumnId(1), ColumnStats { nulls: 1, ..Default::default() })]),
            filters: BTreeMap::new(),
            deletes: Some(DeletesRef { path: names::deletes(5), count: 10 }),
            replaces: vec![],
            full: false,
            archived_at_ms: None,
        }
    }

    fn manifest(batches: Vec<BatchEntry>) -> Manifest {
        Manifest {
            format: 1,
            namespace: "app".into(),
            table: "t".into(),
            table_id: TableId(7),
            scope: "u-alice".into(),
            user: Some(UserId::new("alice").unwrap()),
            version: 12,
            previous: Some(11),
            epoch: 1,
            generated_at: "2026-11-22T10:00:00.000Z".into(),
            max_batch: 9,
            flushed_through: SeqId::from_i64(5),
            schema_version: 1,
            rebuilt: None,
            noted: None,
            last_deletes: None,
            batches,
        }
    }

    #[test]
    fn a_sound_manifest_passes() {
        let sound = manifest(vec![entry(3), entry(9)]);
        assert_eq!(sound.check(), Ok(()));
        assert_eq!(sound.batch(9).map(|b| b.number), Some(9));
        assert_eq!(sound.batch(4), None);
        assert!(sound.scope().is_ok());
    }

    #[test]
    fn every_broken_rule_is_named() {
        let broken = |change: &dyn Fn(&mut Manifest), word: &str| {
            let mut m = manifest(vec![entry(3), entry(9)]);
            change(&mut m);
            let found = m.check().unwrap_err();
            assert!(found.contains(word), "{found} should contain {word}");
        };
        broken(&|m| m.previous = Some(12), "follows");
        broken(&|m| m.batches.swap(0, 1), "out of order");
        broken(&|m| m.batches[1] = entry(3), "twice");
        broken(&|m| m.batches[0].path = "x".into(), "path");
        broken(&|m| m.batches[0].row_groups = vec![7], "row groups");
        broken(&|m| m.batches[0].min_seq = SeqId::MAX, "_seq");
        broken(&|m| m.batches[0].deletes = Some(DeletesRef { path: "d".into(), count: 11 }), "dead");
        broken(&|m| m.batches[0].deletes = Some(DeletesRef { path: "d".into(), count: 0 }), "dead");
        broken(&|m| m.max_batch = 8, "max_batch");
        broken(&|m| m.batches[1].replaces = vec![3], "replaces");
        broken(&|m| m.batches[0].columns.values_mut().for_each(|s| s.nulls = 11), "NULLs");
        let filter = FilterRef { row_group: 2, offset: 0, length: 1 };
        broken(&|m| m.batches[0].filters = BTreeMap::from([(ColumnId(1), vec![filter])]), "Bloom");
    }

    #[test]
    fn a_user_and_a_directory_must_agree() {
        let mut m = manifest(vec![]);
        m.user = None;
        assert!(m.scope().is_err());
    }

    #[test]
    fn checksums_read_back() {
        assert_eq!(Checksum(0xAB).to_string(), "crc32c:000000ab");
        assert_eq!("crc32c:000000ab".parse(), Ok(Checksum(0xAB)));
        for bad in
            ["", "crc32c:ab", "crc32:000000ab", "crc32c:0000000g", "crc32c:0000000A", "crc32c:+000000a"]
        {
            assert!(bad.parse::<Checksum>().is_err());
        }
    }
}
