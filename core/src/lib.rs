//! FirnDB's engine: SQL over row versions that are hot in a key-value store and cold in Parquet files.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")
)]

mod catalog;
mod error;
mod sql;
pub mod storage;
mod types;

pub use error::{Error, ErrorKind, Result};
pub use types::{ColumnId, Durability, Role, Scope, SeqId, TableId, UserId, path_part};
