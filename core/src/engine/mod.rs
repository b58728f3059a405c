//! The engine: owns the stores, opens and closes them, and does the work that no statement waits for.

mod archive;
mod backup;
mod check;
mod compact;
mod contents;
mod create;
mod ddl;
mod erase;
mod flush;
mod inspect;
mod jobs;
mod open;
mod recover;
mod users;
mod view_files;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

pub use backup::{BackupReport, OnProgress};
pub use check::CheckReport;
pub(crate) use check::check as check_tables;
pub(crate) use inspect::manifest_rows;
pub use inspect::{BatchInspection, ScopeInspection, TableInspection};
pub use recover::RecoveryReport;

use crate::catalog::{Catalog, TableDef, TableName};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::pace::{CancelToken, Pace};
use crate::plan::Planner;
use crate::session::Session;
use crate::stats::EngineStats;
use crate::storage::Stores;
use crate::tiers::Tiers;
use crate::txn::snapshot::FilePin;
use crate::types::{Role, UserId};
use crate::values::ids::IdSource;

/// A store, open. Clones share it.
///
/// Nothing runs by itself: an application that wants flush policies by time, jobs done, and dropped tables
/// cleared away, calls [`Engine::step`] now and then.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What an engine and its sessions share.
#[derive(Debug)]
pub struct Shared {
    /// The tiers of every table.
    pub tiers: Arc<Tiers>,
    /// DataFusion.
    pub planner: Planner,
    /// What its steps have begun.
    pub jobs: Jobs,
    /// How many of the last steps were flushes by policy.
    pub flushes_in_a_row: AtomicU32,
}

impl Engine {
    /// Opens `stores`, making them a store if they are empty. Whoever had the store open before cannot
    /// commit any more.
    ///
    /// # Errors
    /// `Corrupt` when the key-value store and the blob store are not of one store or damaged, `Locked` when
    /// another engine opens the store at the same moment, `Unsupported` for another format version,
    /// `InvalidInput` for settings that cannot work.
    pub async fn open(stores: Stores, config: Config) -> Result<Self> {
        let ids = Arc::new(IdSource::new(Arc::clone(&stores.clock), Arc::clone(&stores.rng)));
        let planner = Planner::new(&config, &stores.blobs, &ids)?;
        let tiers = Arc::new(open::open(stores, config).await?);
        crate::jobs::open(&tiers).await?;
        let engine = Self {
            shared: Arc::new(Shared {
                tiers,
                planner,
                jobs: Jobs::default(),
                flushes_in_a_row: AtomicU32::new(0),
            }),
        };
        if let Err(error) = engine.erase_users().await {
            tracing::warn!(%error, "the rows of a user that was dropped could not be removed yet");
        }
        if let Err(error) = engine.clear_dropped().await {
            // A file that cannot be removed harms nobody; an engine that cannot write is of no use.
            engine.shared.tiers.fence.check()?;
            tracing::warn!(%error, "the remains of a dropped table could not be removed yet");
        }
        if !engine.shared.tiers.config.writer.read_only
            && let Err(error) = crate::flush::remove_leftovers(&engine.shared.tiers).await
        {
            engine.shared.tiers.fence.check()?;
            tracing::warn!(%error, "what a load left that was cut short could not be removed yet");
        }
        if !engine.shared.tiers.config.writer.read_only
            && let Err(error) = view_files::settle(&engine.shared.tiers).await
        {
            engine.shared.tiers.fence.check()?;
            tracing::warn!(%error, "a recovery would not bring back every view as it is");
        }
        Ok(engine)
    }

    /// Rebuilds a lost key-value store from the blob store: catalog, pointers and counters. Rows that were
    /// only hot are lost with it. What cannot be read is in the report's problems: a scope whose newest
    /// manifest is missing or damaged is rebuilt as damaged, and reading it is `Corrupt`.
    ///
    /// # Errors
    /// `AlreadyExists` when the key-value store is not empty, `NotFound` when the blob store holds no store,
    /// `Corrupt` when it cannot be told whose a damaged scope is.
    pub async fn recover(stores: Stores, config: Config) -> Result<RecoveryReport> {
        recover::recover(&stores, &config, false).await
    }

    /// As [`Engine::recover`], but a scope whose newest manifest is missing or damaged goes back to the newest
    /// that can be read, or to no rows: what was deleted since is there again, what was flushed since is not.
    ///
    /// # Errors
    /// `AlreadyExists` when the key-value store is not empty, `NotFound` when the blob store holds no store.
    pub async fn recover_with_older_manifests(stores: Stores, config: Config) -> Result<RecoveryReport> {
        recover::recover(&stores, &config, true).await
    }

    /// A session of `root`, with every right.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session_as(UserId::root(), Role::System)
    }

    /// A session that reads and writes USER tables as `subject`, with what the store lets it do and `role` at most. Whom the
    /// store does not know is refused with the first statement.
    #[must_use]
    pub fn session_as(&self, subject: UserId, role: Role) -> Session {
        Session::new(self.clone(), subject, role)
    }

    /// Reads everything and verifies it: checksums, statistics, Bloom filters, the order of keys and that each is visible
    /// once, deletion vectors, and which files nothing refers to.
    ///
    /// # Errors
    /// Only what prevents looking; damage is in the report.
    pub async fn check(&self) -> Result<CheckReport> {
        self.check_with(&CancelToken::new(), &mut |_, _| ()).await
    }

    /// As [`Engine::check`]: `cancel` ends it, and `progress` is told how many bytes of batch files were read, and how
    /// many are known to be there.
    ///
    /// # Errors
    /// As [`Engine::check`]; `Cancelled`.
    pub async fn check_with(&self, cancel: &CancelToken, progress: OnProgress<'_>) -> Result<CheckReport> {
        let tiers = &self.shared.tiers;
        let _files = tiers.snapshots.pin_files();
        let tables: Vec<Arc<TableDef>> = tiers.catalog().tables().cloned().collect();
        let stores = &tiers.stores;
        let pace = Pace::new(cancel.clone(), Arc::clone(&stores.clock), Arc::clone(&stores.pause));
        check::check(tiers, &tables, &pace, progress).await
    }

    /// What lies in which tier, of one table or of all.
    ///
    /// # Errors
    /// `NotFound` for an unknown table; what reading reports.
    pub async fn inspect(&self, table: Option<&str>) -> Result<Vec<TableInspection>> {
        let tiers = &self.shared.tiers;
        inspect::inspect(tiers, &self.tables(table)?).await
    }

    /// The table of this name, or all.
    fn tables(&self, name: Option<&str>) -> Result<Vec<Arc<TableDef>>> {
        let catalog = self.shared.tiers.catalog();
        Ok(match name {
            Some(name) => vec![catalog.resolve(&parse_name(name), crate::catalog::MAIN_NAMESPACE)?],
            None => catalog.tables().cloned().collect(),
        })
    }

    /// The definitions of all namespaces and tables as they are now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.tiers.catalog()
    }

    /// What the engine did since it was opened.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        self.shared.tiers.stats.read()
    }

    /// Writes the whole store to `out` as one archive, as of one moment; `engine/archive` describes it.
    /// Commits wait while the hot tier is read, not while files are. The files of tables that are dropped
    /// meanwhile go afterwards.
    ///
    /// # Errors
    /// What the stores report; `Unavailable` when `out` fails. What was written is then no archive.
    pub async fn dump(&self, out: &mut (dyn std::io::Write + Send)) -> Result<()> {
        let dumped = archive::dump(&self.shared.tiers, out).await;
        self.clear_what_was_held().await;
        dumped
    }

    /// Makes a copy of the whole store, as of one moment, in `target`, which must be empty: a store like any
    /// other, with an id of its own, that nothing of this one is needed for. It has every statement that was
    /// acknowledged before this was called; one that comes later is in it entirely or not at all. Commits
    /// wait while the hot tier is copied, not while files are; on an engine that only reads there are none to
    /// wait. Files of tables that are dropped meanwhile go afterwards.
    ///
    /// Every batch file is read again in the copy and compared with its checksums. Damage is copied as it is,
    /// and is in the report.
    ///
    /// # Errors
    /// `AlreadyExists` when `target` is not empty; what the stores report. `target` is empty again after an
    /// error; where that fails too, or the process ends in the middle, opening it says that it is of no use.
    pub async fn backup(&self, target: &Stores, progress: OnProgress<'_>) -> Result<BackupReport> {
        let copied = backup::backup(&self.shared.tiers, target, progress).await;
        self.clear_what_was_held().await;
        copied
    }

    /// Keeps every file of the store from being removed, as a DROP TABLE would, for as long as the answer
    /// lives. What should have been removed goes by [`Engine::step`] afterwards, or when the store is opened.
    #[must_use]
    pub fn pin_files(&self) -> FilePin {
        self.shared.tiers.snapshots.pin_files()
    }

    /// Makes the store of the archive in `input` of `stores`, which must be empty, and opens it.
    ///
    /// # Errors
    /// `AlreadyExists` when the stores are not empty, `Corrupt` when the archive is cut short or altered,
    /// `Unsupported` for one of another version. The stores are empty again after an error; where that fails
    /// too, or the process ends in the middle, opening them says that they are of no use.
    pub async fn load(
        stores: Stores,
        config: Config,
        input: &mut (dyn std::io::Read + Send),
    ) -> Result<Self> {
        config.validate()?;
        if config.writer.read_only {
            return Err(Error::invalid("an archive cannot be loaded into a store that is only read"));
        }
        archive::load(&stores, input).await?;
        Self::open(stores, config).await
    }

    /// Removes what was dropped while a copy held the files; where that fails the next opening does.
    async fn clear_what_was_held(&self) {
        if let Err(error) = self.clear_dropped().await {
            tracing::warn!(%error, "the remains of a dropped table could not be removed yet");
        }
    }

    /// Closes the stores. Sessions that are still there fail with `Unavailable`.
    ///
    /// # Errors
    /// What the key-value store reports.
    pub async fn close(&self) -> Result<()> {
        self.shared.tiers.feed.close();
        self.shared.tiers.stores.kv.close().await
    }
}

/// `namespace.table` or `table`, as a caller of the API writes it.
pub(crate) fn parse_name(text: &str) -> TableName {
    match text.split_once('.') {
        Some((namespace, name)) => TableName::qualified(namespace, name),
        None => TableName::bare(text),
    }
}
