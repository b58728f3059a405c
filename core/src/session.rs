//! A session: who is asking, where names are looked up, and the open transaction.

mod acting;
mod changes;
mod copy;
mod definitions;
mod difference;
mod ipc;
mod outcome;
mod prepared;
mod rows;
mod statements;
mod subscription;
mod transaction;
mod upkeep;
mod users;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use datafusion::scalar::ScalarValue;
use parking_lot::Mutex;

use acting::rows_in;
pub use changes::ChangeFeed;
pub use copy::{Copied, Export};
pub use difference::Difference;
pub use ipc::{PieceForm, Pieces, ipc_stream};
pub use outcome::Outcome;
use outcome::{answer, done, names};
pub use prepared::Prepared;
pub use rows::Rows;
use statements::{Read, Write};
pub use subscription::{Change, Subscription};
use transaction::Transaction;

use crate::access::Principal;
use crate::access::audit::Fate;
use crate::catalog::{ColumnType, MAIN_NAMESPACE};
use crate::engine::{Engine, parse_name};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::evict_if_due;
use crate::flush::{flush_scope, is_due};
use crate::jobs::record::JobId;
use crate::pace::{CancelToken, Pace};
use crate::plan::{StatementContext, own_tables};
use crate::scan::ScanReports;
use crate::sql::{self, Parsed, Statement};
use crate::txn::commit::commit;
use crate::txn::writes::WriteSet;
use crate::types::{Role, SeqId, UserId};

/// A conversation with an engine. Dropping it rolls back its open transaction.
#[derive(Debug)]
pub struct Session {
    engine: Engine,
    /// For whom it speaks, and what that one may do as of the statement that runs.
    who: Arc<Principal>,
    /// The most that it may do, whatever its subject may.
    most: Role,
    /// In whose name every statement is done.
    acting: Option<UserId>,
    namespace: String,
    transaction: Option<Transaction>,
    /// What PREPARE made, with the types it said.
    prepared: BTreeMap<String, (Prepared, Vec<ColumnType>)>,
    cancel: CancelToken,
}

impl Session {
    pub(crate) fn new(engine: Engine, subject: UserId, role: Role) -> Self {
        Self {
            engine,
            who: Arc::new(Principal::itself(subject, role)),
            most: role,
            acting: None,
            namespace: MAIN_NAMESPACE.to_owned(),
            transaction: None,
            prepared: BTreeMap::new(),
            cancel: CancelToken::new(),
        }
    }

    /// Whose rows USER tables show.
    #[must_use]
    pub fn subject(&self) -> &UserId {
        self.who.subject()
    }

    /// What the session may do.
    #[must_use]
    pub fn role(&self) -> Role {
        self.who.role()
    }

    /// Makes `token` cancel the statements from here on. One that is cancelled fails with `Cancelled` and
    /// has no effect; the session can be used again once it has another token.
    pub fn set_cancel(&mut self, token: CancelToken) {
        self.cancel = token;
    }

    /// Whether a transaction is open.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Runs the statements of `sql`, which semicolons separate, one after the other.
    ///
    /// # Errors
    /// The first statement's that fails; those before it have taken effect, those after it are not run.
    /// A syntax error anywhere is reported before anything is run.
    pub async fn execute(&mut self, sql: &str) -> Result<Vec<Outcome>> {
        let parsed = sql::parse_within(sql, &self.engine.shared.tiers.config.sql)?;
        let mut outcomes = Vec::with_capacity(parsed.len());
        for statement in &parsed {
            outcomes.push(self.run(statement, &[]).await?);
        }
        Ok(outcomes)
    }

    /// Runs one statement with the values of its parameters `$1…`.
    ///
    /// # Errors
    /// The statement's; `InvalidInput` when `sql` is not one statement or a parameter has no value.
    pub async fn query(&mut self, sql: &str, params: &[ScalarValue]) -> Result<Outcome> {
        let statement = self.one_statement(sql, params)?;
        self.run(&statement, params).await
    }

    /// The statement in `sql`, for which there are enough values.
    fn one_statement(&self, sql: &str, params: &[ScalarValue]) -> Result<Parsed> {
        let statement = self.only_statement(sql)?;
        expect_values(&statement, params)?;
        Ok(statement)
    }

    fn only_statement(&self, sql: &str) -> Result<Parsed> {
        let mut parsed = sql::parse_within(sql, &self.engine.shared.tiers.config.sql)?;
        let (Some(statement), true) = (parsed.pop(), parsed.is_empty()) else {
            return Err(Error::invalid(format!("expected one statement, found {}", parsed.len())));
        };
        Ok(statement)
    }

    /// Inserts `batches` into `table` (`namespace.table` or `table`) as one statement each; columns by name,
    /// missing ones get their default. Returns how many rows went in.
    ///
    /// # Errors
    /// As INSERT. Outside a transaction the batches before the failing one stay.
    pub async fn insert_batches(&mut self, table: &str, batches: Vec<RecordBatch>) -> Result<u64> {
        self.resume()?;
        let inserted = self.insert_awake(table, batches).await;
        self.rest();
        inserted
    }

    async fn insert_awake(&mut self, table: &str, batches: Vec<RecordBatch>) -> Result<u64> {
        let name = parse_name(table);
        let mut rows = 0;
        for batch in batches {
            let who = self.speaker_of_batches(table).await;
            let outcome = match who {
                Ok(who) => {
                    let outcome = self.write(&who, &[], Write::Batch(&name, &batch)).await;
                    self.noted(&who, outcome, |_| None, rows_in).await
                }
                Err(e) => Err(e),
            };
            match self.noting_failure(outcome)? {
                Outcome::Affected(n) => rows += n,
                _ => return Err(Error::internal("an insert answered with rows")),
            }
        }
        Ok(rows)
    }

    /// Starts a statement: looks up what the session may do.
    ///
    /// Rolls the transaction back if it was idle for so long that a flush did not wait for it.
    fn resume(&mut self) -> Result<()> {
        // What a session may do is asked of the store each time: it may have been changed, or its user dropped.
        let role = self.engine.role(self.who.subject())?.min(self.most);
        if role != self.who.role() {
            self.who = Arc::new(Principal::itself(self.who.subject().clone(), role));
        }
        if self.transaction.as_ref().is_none_or(|t| t.snapshot.resume()) {
            return Ok(());
        }
        self.transaction = None;
        Err(Error::conflict(format!(
            "the transaction did nothing for more than {} s and was rolled back, so that rows could be flushed; \
             run it again",
            self.engine.shared.tiers.config.transaction.idle_ms / 1000
        )))
    }

    /// Lets the transaction count as idle from here on; after an error too, or a client that gives up after
    /// one would hold flushes for ever.
    fn rest(&self) {
        if let Some(transaction) = &self.transaction {
            transaction.snapshot.rest(self.engine.shared.tiers.stores.clock.now_ms());
        }
    }

    async fn run(&mut self, parsed: &Parsed, params: &[ScalarValue]) -> Result<Outcome> {
        match self.resume() {
            Err(_) if matches!(parsed.statement, Statement::Rollback) => return Ok(done("ROLLBACK")),
            other => other?,
        }
        let outcome = self.run_awake(parsed, params).await;
        self.rest();
        outcome.map_err(|e| sql::locate(e, parsed))
    }

    async fn run_awake(&mut self, parsed: &Parsed, params: &[ScalarValue]) -> Result<Outcome> {
        if !ends_failure(&parsed.statement) {
            self.expect_usable()?;
        }
        expect_values(parsed, params)?;
        let outcome = match (self.cancel.check(), &parsed.statement) {
            (Err(e), statement) if !matches!(statement, Statement::Rollback) => Err(e),
            // What a statement awaits is large, and callers hold it within what they await themselves: on the
            // heap it costs nobody's stack.
            _ => Box::pin(self.dispatch(parsed, params)).await,
        };
        self.engine.shared.tiers.enforce_budget();
        self.noting_failure(outcome)
    }

    /// Refuses to go on in a transaction of which a statement failed.
    fn expect_usable(&self) -> Result<()> {
        if self.transaction.as_ref().is_some_and(|t| t.failed) {
            return Err(Error::invalid(
                "a statement of this transaction failed, so nothing more can be done in it; ROLLBACK first, \
                 or ROLLBACK TO a savepoint",
            ));
        }
        Ok(())
    }

    /// As in PostgreSQL, an error inside a transaction leaves only ROLLBACK, whole or to a savepoint.
    fn noting_failure<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if let (Err(_), Some(transaction)) = (&outcome, &mut self.transaction) {
            transaction.failed = true;
        }
        outcome
    }

    /// Runs a statement for whom it is to be run, and writes down what was done in somebody's name.
    async fn dispatch(&mut self, parsed: &Parsed, params: &[ScalarValue]) -> Result<Outcome> {
        let (who, statement) = self.speaker(parsed, params).await?;
        let outcome = match statement {
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Explain { .. }
            | Statement::Copy(_) => self.dispatch_rows(&who, statement, params).await,
            other => return self.dispatch_other(other, params).await,
        };
        let is_told = writes(statement) || matches!(statement, Statement::Copy(_));
        let fate = if is_told { None } else { Some(Fate::Read) };
        self.noted(&who, outcome, |_| fate, rows_in).await
    }

    /// Runs a statement about rows for `who`.
    async fn dispatch_rows(
        &mut self,
        who: &Principal,
        statement: &Statement,
        params: &[ScalarValue],
    ) -> Result<Outcome> {
        match statement {
            Statement::Query(query) => self.read(who, params, Read::Query(query)).await,
            Statement::Explain { analyze: true, statement, format, .. } if writes(statement) => {
                self.write(who, params, Write::Explained(statement, *format)).await
            }
            Statement::Explain { analyze, statement, format, .. } => {
                let read = Read::Explain { statement, analyze: *analyze, format: *format };
                Box::pin(self.read(who, params, read)).await
            }
            Statement::Insert(insert) => self.write(who, params, Write::Insert(insert)).await,
            Statement::Update(update) => self.write(who, params, Write::Update(update)).await,
            Statement::Delete(delete) => self.write(who, params, Write::Delete(delete)).await,
            Statement::Copy(copy) => Box::pin(self.copy(who, copy, params)).await,
            _ => Err(Error::internal("a statement about no rows")),
        }
    }

    async fn dispatch_other(&mut self, statement: &Statement, params: &[ScalarValue]) -> Result<Outcome> {
        match statement {
            Statement::Begin => self.begin(),
            Statement::Commit => self.commit().await,
            Statement::Rollback => {
                if self.transaction.take().is_none() {
                    return Err(Error::invalid("there is no transaction to roll back"));
                }
                Ok(done("ROLLBACK"))
            }
            Statement::Savepoint(name) => self.within("SAVEPOINT", |t| {
                t.save(name);
                Ok(())
            }),
            Statement::RollbackTo(name) => self.within("ROLLBACK", |t| t.roll_back_to(name)),
            Statement::Release(name) => self.within("RELEASE", |t| t.release(name)),
            Statement::Prepare(prepare) => Box::pin(self.prepare_named(prepare)).await,
            Statement::Execute { name, values } => Box::pin(self.execute_named(name, values, params)).await,
            Statement::Deallocate(name) => self.deallocate(name.as_deref()),
            Statement::Use { namespace } => {
                self.engine.shared.tiers.catalog().expect_namespace(namespace)?;
                self.namespace.clone_from(namespace);
                Ok(done("USE"))
            }
            Statement::ShowNamespaces => {
                let catalog = self.engine.shared.tiers.catalog();
                names("namespace", catalog.namespaces().map(str::to_owned).collect())
            }
            Statement::ShowTables { namespace } => {
                let catalog = self.engine.shared.tiers.catalog();
                let namespace = namespace.as_deref().unwrap_or(&self.namespace);
                catalog.expect_namespace(namespace)?;
                let own = own_tables(namespace).map(|table| table.name);
                names("table", catalog.relations_in(namespace).chain(own).map(str::to_owned).collect())
            }
            Statement::Flush(target) => self.flush(target).await,
            Statement::Compact(target) => Box::pin(self.compact(target)).await,
            Statement::Check(target) => self.check(target).await,
            Statement::KillJob(id) => {
                self.refuse_users("KILL JOB")?;
                self.engine.kill_job(JobId(*id)).await?;
                Ok(done("KILL JOB"))
            }
            Statement::ShowManifest(name) => self.read(&self.who, params, Read::Manifest(name)).await,
            Statement::CreateUser(_) | Statement::AlterUser(_) | Statement::DropUser(_) => {
                Box::pin(self.change_users(statement)).await
            }
            // Seldom run, and large: the future of every other statement need not have room for it.
            ddl => Box::pin(self.define(ddl)).await,
        }
    }

    fn begin(&mut self) -> Result<Outcome> {
        if self.transaction.is_some() {
            return Err(Error::invalid("a transaction is open already; COMMIT or ROLLBACK it first"));
        }
        let tiers = &self.engine.shared.tiers;
        self.transaction = Some(Transaction::new(tiers.snapshots.acquire(), tiers.catalog()));
        Ok(done("BEGIN"))
    }

    /// Does something to the open transaction.
    fn within(&mut self, verb: &str, act: impl FnOnce(&mut Transaction) -> Result<()>) -> Result<Outcome> {
        let Some(transaction) = &mut self.transaction else {
            return Err(Error::invalid("savepoints are of a transaction, and none is open: BEGIN one first"));
        };
        act(transaction)?;
        Ok(done(verb))
    }

    async fn commit(&mut self) -> Result<Outcome> {
        let Some(transaction) = self.transaction.take() else {
            return Err(Error::invalid("there is no transaction to commit"));
        };
        if transaction.failed {
            // As PostgreSQL answers it: no error, but the answer says what happened.
            return Ok(done("ROLLBACK"));
        }
        self.expect_still_may(&transaction)?;
        let tiers = &self.engine.shared.tiers;
        commit(tiers, &transaction.writes, transaction.snapshot.seq(), &transaction.acts).await?;
        let Transaction { snapshot, writes, .. } = transaction;
        drop(snapshot);
        self.relieve(&writes).await;
        Ok(done("COMMIT"))
    }

    /// Refuses to commit what the session may not do any more.
    fn expect_still_may(&self, transaction: &Transaction) -> Result<()> {
        for scope in transaction.writes.scopes() {
            self.who.expect_may_write(&scope.def)?;
        }
        if transaction.acts.iter().any(|act| act.act.role > self.who.role()) {
            return Err(Error::denied(
                "what was done in somebody's name took a role that this session has no more",
            ));
        }
        Ok(())
    }

    /// What a statement is run with, on a snapshot at `seq`.
    fn context<'a>(
        &'a self,
        who: &'a Principal,
        seq: SeqId,
        writes: &'a WriteSet,
        params: &'a [ScalarValue],
    ) -> StatementContext<'a> {
        let tiers = &self.engine.shared.tiers;
        StatementContext {
            tiers,
            planner: &self.engine.shared.planner,
            catalog: tiers.catalog(),
            pinned: self.transaction.as_ref().map(|t| t.pinned.as_ref()),
            namespace: &self.namespace,
            who,
            seq,
            writes,
            params,
            now_micros: tiers.stores.clock.now_micros(),
            time: OnceLock::new(),
            pace: Pace::new(
                self.cancel.clone(),
                Arc::clone(&tiers.stores.clock),
                Arc::clone(&tiers.stores.pause),
            )
            .within(tiers.config.query.timeout_ms),
            reports: ScanReports::default(),
            read_scopes: Mutex::default(),
        }
    }

    /// Runs a statement that reads, on the transaction's snapshot or on one of its own.
    async fn read(&self, who: &Principal, params: &[ScalarValue], read: Read<'_>) -> Result<Outcome> {
        if let Some(transaction) = &self.transaction {
            return Box::pin(read.run(&self.context(
                who,
                transaction.snapshot.seq(),
                &transaction.writes,
                params,
            )))
            .await;
        }
        let none = WriteSet::default();
        let mut attempt = 0;
        loop {
            let snapshot = self.engine.shared.tiers.snapshots.acquire();
            match Box::pin(read.run(&self.context(who, snapshot.seq(), &none, params))).await {
                // An ALTER came between looking a table up and reading it.
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < self.retries() => attempt += 1,
                other => return other,
            }
        }
    }

    fn retries(&self) -> u32 {
        self.engine.shared.tiers.config.transaction.conflict_retries
    }

    /// Runs a statement that writes: into the open transaction, or committed by itself.
    async fn write(&mut self, who: &Principal, params: &[ScalarValue], write: Write<'_>) -> Result<Outcome> {
        self.engine.shared.tiers.check_writable()?;
        if let Some(transaction) = &self.transaction {
            let context = self.context(who, transaction.snapshot.seq(), &transaction.writes, params);
            let changes = Box::pin(write.changes(&context)).await?;
            self.note_answered(who, changes.affected).await?;
            let act = self.written(who, changes.affected, changes.place());
            if let Some(transaction) = &mut self.transaction {
                transaction.writes.push(&changes.def, &changes.scope, &changes.versions)?;
                transaction.acts.extend(act);
            }
            self.engine.shared.tiers.stats.cold_rows_updated.add(changes.cold_rows);
            return Ok(answer(changes));
        }
        let mut attempt = 0;
        loop {
            match self.write_once(who, params, &write).await {
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < self.retries() => attempt += 1,
                other => return other,
            }
        }
    }

    async fn write_once(
        &self,
        who: &Principal,
        params: &[ScalarValue],
        write: &Write<'_>,
    ) -> Result<Outcome> {
        let tiers = &self.engine.shared.tiers;
        let snapshot = tiers.snapshots.acquire();
        let none = WriteSet::default();
        let context = self.context(who, snapshot.seq(), &none, params);
        let mut changes = Box::pin(write.changes(&context)).await?;
        let mut writes = WriteSet::default();
        if changes.versions.num_rows() > 0 {
            writes.push(&changes.def, &changes.scope, &changes.versions)?;
        }
        let act = self.written(who, changes.affected, changes.place());
        let seqs = commit(tiers, &writes, snapshot.seq(), act.as_slice()).await?;
        drop(snapshot);
        changes.stamp(&seqs)?;
        tiers.stats.cold_rows_updated.add(changes.cold_rows);
        self.relieve(&writes).await;
        Ok(answer(changes))
    }

    /// Flushes the scopes just written to if their policy says so, and evicts what has expired: the hot tier stays
    /// bounded also where nobody calls [`Engine::step`]. What was written is committed, so that a flush that fails does
    /// not fail the statement: the rows stay hot, and the next flush meets the same trouble and reports it.
    async fn relieve(&self, writes: &WriteSet) {
        let tiers = &self.engine.shared.tiers;
        for scope in writes.scopes() {
            if is_due(tiers, &scope.state)
                && let Err(error) = flush_scope(tiers, &scope.state).await
            {
                tracing::warn!(%error, "a flush by policy failed");
            }
            if let Err(error) = evict_if_due(tiers, &scope.state).await {
                tracing::warn!(%error, "an eviction of expired rows failed");
            }
        }
    }
}

/// Whether the statement may be run in a transaction of which another failed.
fn ends_failure(statement: &Statement) -> bool {
    matches!(statement, Statement::Rollback | Statement::RollbackTo(_) | Statement::Commit)
}

/// Whether a statement is one that writes rows when it is run, and its entry in the audit log comes with them.
fn writes(statement: &Statement) -> bool {
    match statement {
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => true,
        Statement::Copy(copy) => copy.from,
        Statement::Explain { analyze, statement, .. } => *analyze && writes(statement),
        _ => false,
    }
}

/// Refuses `parsed` when it has parameters past the values in `params`.
fn expect_values(parsed: &Parsed, params: &[ScalarValue]) -> Result<()> {
    if parsed.parameters > params.len() {
        return Err(Error::invalid(format!(
            "the statement has parameters up to ${}, {} values were given",
            parsed.parameters,
            params.len()
        )));
    }
    Ok(())
}
