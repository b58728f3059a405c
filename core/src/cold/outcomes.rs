//! What became of each batch file that a statement considered, where somebody asks.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// How far a batch file came, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileOutcome {
    /// The manifest's statistics exclude the predicate.
    PrunedByStatistics,
    /// Bloom filters exclude the predicate.
    PrunedByBloom,
    /// Nothing of it was needed: what is sought was in others, or all its rows are hidden.
    NotNeeded,
    /// Neither of these, so that it is for the scan to read.
    Kept,
    /// The scan came to it.
    Reached,
    /// It was opened.
    Read,
}

/// The outcome per batch file, by number.
#[derive(Debug, Default)]
pub struct FileRecord(Mutex<BTreeMap<u64, FileOutcome>>);

impl FileRecord {
    /// Notes how far the file came; of several notes the furthest counts, so that a table that a statement reads twice
    /// has each file once.
    pub fn note(&self, number: u64, outcome: FileOutcome) {
        self.0.lock().entry(number).and_modify(|known| *known = outcome.max(*known)).or_insert(outcome);
    }

    /// Every file by number.
    #[must_use]
    pub fn all(&self) -> Vec<(u64, FileOutcome)> {
        self.0.lock().iter().map(|(number, outcome)| (*number, *outcome)).collect()
    }
}
