//! The cold tier: batch files, their checksums, deletion vectors and Bloom filters, and how rows are
//! found and read in them.
//!
//! Every byte of a batch file that is read is verified against the manifest. Columns are known by their
//! field ids, never by name.

pub mod adapter;
mod bloom;
mod checksums;
mod deletes;
mod file;
#[cfg(test)]
pub(crate) mod fixture;
mod footers;
pub mod locate;
mod lookup;
mod lru;
pub mod names;
pub mod notes;
mod outcomes;
mod pages;
mod probes;
pub mod rebuild;
pub(crate) mod rows;
pub mod schema;
mod selection;
mod source;
pub mod state;
#[cfg(test)]
mod tests;
mod writer;

pub use adapter::FieldIdAdapterFactory;
pub use bloom::BloomCache;
pub use deletes::DeletionVectors;
pub use file::ColdFile;
pub use footers::Footers;
pub use lookup::{FEW_KEYS, Keys, RuledOut, find_rows, may_hold};
pub use names::FileName;
pub use notes::CommitNote;
pub use outcomes::{FileOutcome, FileRecord};
pub use probes::{Left, Probes};
pub use rows::read_rows;
pub use schema::{FileColumn, FileSchema};
pub use selection::to_access_plan;
pub use source::{ColdReaderFactory, ReadCounters};
pub use writer::{BatchFileWriter, WrittenFile};

/// What is kept in memory of batch files, shared by every query of an engine.
#[derive(Debug)]
pub struct ColdCaches {
    /// Footers, page indexes and checksums.
    pub footers: Footers,
    /// Bloom filters.
    pub blooms: BloomCache,
}

impl ColdCaches {
    /// Caches that hold about this many bytes each.
    #[must_use]
    pub fn new(footer_bytes: usize, bloom_bytes: usize) -> Self {
        Self { footers: Footers::new(footer_bytes), blooms: BloomCache::new(bloom_bytes) }
    }

    /// Drops what is kept of a file that no longer exists.
    pub fn forget(&self, file: &object_store::path::Path) {
        self.footers.forget(file);
        self.blooms.forget(file);
    }
}
