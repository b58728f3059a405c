//! Manifests: which files make up the cold tier of a scope, and what is known of each without opening it.

pub mod cache;
mod codec;
mod entries;
mod intervals;
mod model;
mod prune;
mod statistics;
pub mod store;
mod value;
mod wanted;

pub use codec::{FORMAT, decode, encode};
pub use entries::{ColumnBounds, Entries};
pub use intervals::Sought;
pub use model::{BatchEntry, BatchStatus, Checksum, ColumnStats, DeletesRef, FilterRef, Manifest, Noted};
pub use prune::prune;
pub use statistics::{StatisticsBuilder, bounds};
pub use value::StatValue;
pub use wanted::{Values, Wanted};
