//! DataFusion's own SQL tests, through FirnDB's tables.
//!
//! They are the files `test_files/**/*.slt` of the crate `datafusion-sqllogictest`, read where cargo keeps what it
//! downloads. They know nothing of primary keys, so [`shown`] gives each table a hidden one.

pub mod excuses;
mod fetch;
mod plain;
mod run;
mod shown;

pub use fetch::{Suite, fetch};
pub use run::{FileReport, run_file};
