//! From a statement's tree to rows: names, snapshots, and DataFusion.

mod bounds;
mod checked;
mod conversions;
mod direct;
mod explain;
mod floats;
mod functions;
mod growth;
mod json;
mod labels;
mod literal;
mod math;
mod memory;
mod names;
mod paced;
mod panics;
mod patterns;
mod pieces;
mod plan_tree;
mod planner;
mod repeats;
mod rows;
mod sequential;
mod spelling;
mod statement;
mod sum;
mod system;
mod types;
mod views;

pub use explain::{explain, explain_analyze, explain_write};
pub use literal::{literal, number};
pub use planner::Planner;
pub use repeats::{choice, holds_subquery};
pub use statement::StatementContext;
pub use system::{OwnTable, own_tables};
pub use views::expect_may_read as expect_may_read_view;
