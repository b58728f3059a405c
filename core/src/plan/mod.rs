//! From a statement's tree to rows: names, snapshots, and DataFusion.

mod explain;
mod names;
mod overflow;
mod planner;
mod sequential;
mod statement;

pub use explain::{explain, explain_analyze};
pub use planner::Planner;
pub use statement::StatementContext;
