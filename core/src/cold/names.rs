//! The names of the files of one scope. One counter per scope numbers all of them, so no name is ever
//! used twice.

/// A batch of rows.
#[must_use]
pub fn batch(number: u64) -> String {
    format!("batch-{number}.parquet")
}

/// The checksums of a batch file's extents.
#[must_use]
pub fn sums(number: u64) -> String {
    format!("batch-{number}.sum")
}

/// Deletion vectors written by one flush.
#[must_use]
pub fn deletes(number: u64) -> String {
    format!("deletes-{number}.dv")
}

/// A manifest; the digits make the names sort by version.
#[must_use]
pub fn manifest(version: u64) -> String {
    format!("manifest-{version:020}.json")
}

/// The copy of the newest manifest.
pub const NEWEST_MANIFEST: &str = "manifest.json";

/// What a file of a scope's directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// `batch-{number}.parquet`
    Batch(u64),
    /// `batch-{number}.sum`
    Sums(u64),
    /// `deletes-{number}.dv`
    Deletes(u64),
    /// `manifest-{version}.json`
    Manifest(u64),
    /// `manifest.json`
    NewestManifest,
}

impl FileName {
    /// Reads a name back; `None` when it is not one of ours, to the letter.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let found = if name == NEWEST_MANIFEST {
            Self::NewestManifest
        } else if let Some(rest) = name.strip_prefix("batch-") {
            match rest.strip_suffix(".parquet") {
                Some(number) => Self::Batch(number.parse().ok()?),
                None => Self::Sums(rest.strip_suffix(".sum")?.parse().ok()?),
            }
        } else if let Some(rest) = name.strip_prefix("deletes-") {
            Self::Deletes(rest.strip_suffix(".dv")?.parse().ok()?)
        } else {
            Self::Manifest(name.strip_prefix("manifest-")?.strip_suffix(".json")?.parse().ok()?)
        };
        (found.text() == name).then_some(found)
    }

    /// The name.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Batch(number) => batch(number),
            Self::Sums(number) => sums(number),
            Self::Deletes(number) => deletes(number),
            Self::Manifest(version) => manifest(version),
            Self::NewestManifest => NEWEST_MANIFEST.to_owned(),
        }
    }

    /// The number that the scope's counter gave, if the name has one.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Batch(n) | Self::Sums(n) | Self::Deletes(n) | Self::Manifest(n) => Some(n),
            Self::NewestManifest => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_do_not() {
        for name in [
            FileName::Batch(0),
            FileName::Batch(9),
            FileName::Sums(12),
            FileName::Deletes(u64::MAX),
            FileName::Manifest(3),
            FileName::NewestManifest,
        ] {
            assert_eq!(FileName::parse(&name.text()), Some(name));
        }
        for other in
            ["batch-.parquet", "batch-07.parquet", "batch-1.txt", "manifest-3.json", "x", "batch-+1.sum"]
        {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
