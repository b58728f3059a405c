//! FirnDB's engine: SQL over row versions that are hot in a key-value store and cold in Parquet files.
//!
//! An [`Engine`] is opened on [`storage::Stores`], the platform it runs on; a [`Session`] runs SQL.
//!
//! ```
//! use firndb_core::storage::Stores;
//! use firndb_core::{Config, Engine, Outcome};
//!
//! # futures::executor::block_on(async {
//! let engine = Engine::open(Stores::memory(), Config::default()).await?;
//! let mut session = engine.session();
//! session.execute("CREATE SHARED TABLE notes (id BIGINT PRIMARY KEY, body TEXT)").await?;
//! session.execute("INSERT INTO notes VALUES (1, 'snow'), (2, 'ice')").await?;
//! session.execute("STORAGE FLUSH ALL").await?; // both rows are Parquet now
//! session.execute("DELETE FROM notes WHERE body = 'snow'").await?;
//!
//! let Outcome::Rows { batches, .. } = session.query("SELECT id FROM notes", &[]).await? else {
//!     unreachable!("a query answers with rows");
//! };
//! assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 1);
//! # Ok::<(), firndb_core::Error>(())
//! # }).unwrap();
//! ```
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

mod access;
pub mod catalog;
mod cold;
mod compact;
mod config;
mod copy;
mod dml;
mod engine;
mod error;
mod expiry;
mod flush;
mod heap;
mod hot;
mod jobs;
mod key;
mod manifest;
mod pace;
mod plan;
mod scan;
mod session;
pub mod sql;
mod stats;
pub mod storage;
mod tiers;
mod txn;
mod types;
mod users;
mod values;

pub use compact::CompactReport;
pub use config::{
    AuditSettings, BatchFileSettings, CacheSettings, CompactionSettings, Config, ExecutionSettings,
    FeedSettings, FlushSettings, Given, HotSettings, JobSettings, LoadSettings, ManifestCacheSettings, Place,
    PruningSettings, QueryLimits, SettingRow, SqlLimits, StreamSettings, TransactionSettings, WriterSettings,
};
pub use copy::json_rows;
pub use engine::{
    BackupReport, BatchInspection, CheckReport, Engine, OnProgress, RecoveryReport, ScopeInspection,
    TableInspection,
};
pub use error::{Error, ErrorKind, Position, Result};
pub use flush::FlushReport;
pub use jobs::record::{
    CollectGarbageTask, CompactTask, EvictExpiredTask, EvictManifestsTask, ExpireAuditTask,
    ExpireTombstonesTask, FlushTask, Job, JobId, JobState, RebuildManifestTask, Task,
};
pub use pace::CancelToken;
pub use plan::{OwnTable, own_tables};
pub use session::{
    Change, ChangeFeed, Copied, Difference, Export, Outcome, PieceForm, Pieces, Prepared, Rows, Session,
    Subscription, ipc_stream,
};
pub use stats::EngineStats;
pub use txn::snapshot::FilePin;
pub use types::{ColumnId, Durability, Role, Scope, SeqId, TableId, UserId, path_part};
pub use values::array::write as array_text;
