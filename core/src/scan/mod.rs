//! Reading one table: hot versions over cold rows, as one DataFusion table.
//!
//! **Invariant**: a row that a snapshot sees is produced once. Cold rows whose key has any hot version up
//! to the snapshot, tombstones included, are taken out of the cold read by position, before any predicate
//! looks at them; so predicates and limits may go below that point.

mod cold_files;
mod cold_read;
mod floor;
mod hidden;
mod hot_read;
mod indexed;
mod keyed;
mod late;
mod provider;
mod report;
mod since;
mod tombstones;

pub use indexed::search;
pub use keyed::{consider_key, rows_by_key};
pub use provider::{BLOBS_URL, FirnTable, Parts, Shown, TableReads};
pub use report::ScanReports;
