//! FirnDB's engine: SQL over row versions that are hot in a key-value store and cold in Parquet files.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    expect(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may stop at the first surprise"
    )
)]

pub mod catalog;
mod cold;
mod config;
mod dml;
mod engine;
mod error;
mod flush;
mod hot;
mod key;
mod manifest;
mod plan;
mod scan;
mod session;
pub mod sql;
mod stats;
pub mod storage;
mod tiers;
mod txn;
mod types;

pub use config::Config;
pub use engine::{BatchInspection, CheckReport, Engine, RecoveryReport, ScopeInspection, TableInspection};
pub use error::{Error, ErrorKind, Result};
pub use flush::FlushReport;
pub use session::{Outcome, Session};
pub use stats::EngineStats;
pub use types::{ColumnId, Durability, Role, Scope, SeqId, TableId, UserId, path_part};
