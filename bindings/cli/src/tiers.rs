//! How many rows of a table lie in which tier.

use std::fmt;

use firndb_core::TableInspection;

use crate::render::{counted, grouped, size};

/// Sums over tables and scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tiers {
    /// Versions in the key-value store, tombstones included.
    pub hot: u64,
    /// Rows of batch files that deletion vectors do not hide.
    pub cold: u64,
    /// Rows of batch files that they do.
    pub hidden: u64,
    /// Live batch files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tiers {
    /// The sums over all of `inspected`.
    pub fn of(inspected: &[TableInspection]) -> Self {
        inspected.iter().flat_map(|t| &t.scopes).fold(Self::default(), |sums, scope| Self {
            hot: sums.hot + scope.hot_rows,
            cold: sums.cold + scope.batches.iter().map(|f| f.rows.saturating_sub(f.dead)).sum::<u64>(),
            hidden: sums.hidden + scope.batches.iter().map(|f| f.dead).sum::<u64>(),
            files: sums.files + scope.batches.len() as u64,
            bytes: sums.bytes + scope.batches.iter().map(|f| f.bytes).sum::<u64>(),
        })
    }
}

impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.files, "file", "files");
        write!(
            f,
            "tiers: {} hot | {} cold in {files} | {} hidden",
            grouped(self.hot),
            grouped(self.cold),
            grouped(self.hidden)
        )
    }
}

/// The live batch files as rows of text, under titles.
pub fn files(inspected: &[TableInspection]) -> Vec<Vec<String>> {
    let titles = ["file", "rows", "hidden", "size"].map(str::to_owned).to_vec();
    let files = inspected.iter().flat_map(|t| &t.scopes).flat_map(|s| &s.batches);
    let rows = files.map(|f| vec![f.file.clone(), grouped(f.rows), grouped(f.dead), size(f.bytes)]);
    std::iter::once(titles).chain(rows).collect()
}
