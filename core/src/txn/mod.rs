//! Order: sequence numbers, snapshots, and the commit that makes versions visible.

pub mod commit;
pub mod feed;
pub mod fence;
pub mod seq;
pub mod snapshot;
pub mod statement_times;
pub mod writes;
