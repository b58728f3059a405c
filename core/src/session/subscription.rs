//! Queries that stay: their rows, and what becomes of them with each commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::scalar::ScalarValue;
use futures::stream;

use super::difference::{Difference, difference};
use super::{Rows, Session};
use crate::access::Principal;
use crate::access::audit::Fate;
use crate::error::{Error, ErrorKind, Result};
use crate::pace::Pace;
use crate::sql::{Parsed, Statement};
use crate::txn::feed::{Follower, News};
use crate::txn::snapshot::Snapshot;
use crate::txn::writes::WriteSet;
use crate::types::{Scope, SeqId, TableId};

/// What becomes of the rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// What a commit did to them; its last `_seq`. A commit that does nothing to them is passed over.
    Commit(SeqId, Difference),
    /// Commits came faster than they were asked for, and which row became what with each is not known any more:
    /// [`Subscription::rows`] are all that there are, as of this `_seq`, and it goes on from there.
    Resync(SeqId),
}

/// A query that stays. Dropping it ends it.
///
/// It runs the query once more for each commit to what it reads, and compares: its cost is that of the query. Rows
/// are told apart by the primary key where the query has one table and all columns of its key, else by all values.
///
/// What was not asked for waits, up to `feed.backlog_commits`; each holds flushes back like a transaction that is
/// idle, and no longer than `transaction.idle_ms`.
#[derive(Debug)]
pub struct Subscription {
    session: Session,
    parsed: Parsed,
    params: Vec<ScalarValue>,
    follower: Arc<Follower>,
    /// What it was told and has not followed yet: whoever waits may be gone in between, and come back.
    untold: Option<News>,
    rows: RecordBatch,
    key: Option<Vec<usize>>,
    seq: SeqId,
}

/// The rows of a query at one moment.
struct Shown {
    rows: RecordBatch,
    scopes: BTreeSet<(TableId, Scope)>,
}

impl Session {
    /// Runs one query with the values of its parameters, and stays with it: what it is then told by
    /// [`Subscription::next`]. It has the session's subject and namespace, and needs the session no more.
    ///
    /// In somebody's name there is an entry in the audit log before the first rows, and before each change of them is
    /// told; whether the session may act so is asked again with each commit.
    ///
    /// # Errors
    /// As [`Session::query`]; `InvalidInput` for what is no query, and in a transaction.
    pub async fn subscribe(&mut self, sql: &str, params: &[ScalarValue]) -> Result<Subscription> {
        let parsed = self.one_statement(sql, params)?;
        if self.in_transaction() {
            return Err(Error::invalid("a transaction sees no commits of others: subscribe outside of it"));
        }
        self.resume()?;
        let (who, statement) = self.speaker(&parsed, params).await?;
        if !matches!(statement, Statement::Query(_)) {
            return Err(Error::invalid("expected a query to subscribe to"));
        }
        let tiers = &self.engine.shared.tiers;
        let follower = tiers.feed.follow(tiers.config.feed.backlog_commits);
        let snapshot = tiers.snapshots.acquire();
        let session = self.another();
        let shown = session.shown(&who, statement, params, &snapshot).await;
        let shown = self.noted(&who, shown, |_| Some(Fate::Read), |s| Some(s.rows.num_rows() as u64)).await;
        let Shown { rows, scopes } = shown.map_err(|e| crate::sql::locate(e, &parsed))?;
        let key = session.key_of(&scopes, &rows.schema());
        follower.narrow(scopes, snapshot.seq());
        let (seq, params) = (snapshot.seq(), params.to_vec());
        drop(snapshot);
        Ok(Subscription { session, parsed, params, follower, untold: None, rows, key, seq })
    }

    /// A session of the same subject, with the same namespace, in whose transaction nothing is.
    pub(super) fn another(&self) -> Self {
        let mut another = Self::new(self.engine.clone(), self.who.subject().clone(), self.most);
        another.namespace.clone_from(&self.namespace);
        another.acting.clone_from(&self.acting);
        another.cancel = self.cancel.clone();
        another
    }

    async fn shown(
        &self,
        who: &Principal,
        statement: &Statement,
        params: &[ScalarValue],
        snapshot: &Snapshot,
    ) -> Result<Shown> {
        let Statement::Query(query) = statement else {
            return Err(Error::internal("a subscription to what is no query"));
        };
        let none = WriteSet::default();
        let mut attempt = 0;
        loop {
            let context = self.context(who, snapshot.seq(), &none, params);
            match Box::pin(context.answer((**query).clone())).await {
                // An ALTER came between looking a table up and reading it.
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < self.retries() => attempt += 1,
                Err(e) => return Err(e),
                Ok((schema, batches)) => {
                    let rows = concat_batches(&schema, &batches)?;
                    let scopes = std::mem::take(&mut *context.read_scopes.lock());
                    return Ok(Shown { rows, scopes });
                }
            }
        }
    }

    /// Where in the rows the key of the table is that they are of, if they are one's.
    fn key_of(&self, scopes: &BTreeSet<(TableId, Scope)>, schema: &SchemaRef) -> Option<Vec<usize>> {
        let mut scopes = scopes.iter();
        let (table, _) = scopes.next().filter(|_| scopes.next().is_none())?;
        let catalog = self.engine.shared.tiers.catalog();
        let def = catalog.table_by_id(*table)?;
        let columns = def.key_columns().into_iter();
        columns.map(|at| schema.index_of(&def.columns.get(at)?.name).ok()).collect()
    }
}

impl Subscription {
    /// All rows of the query as they were with the last change, in its order.
    #[must_use]
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The `_seq` of the moment that [`Self::rows`] are of.
    #[must_use]
    pub fn seq(&self) -> SeqId {
        self.seq
    }

    /// Waits for the next change of the rows.
    ///
    /// # Errors
    /// What running the query reports, such as `NotFound` when its table was dropped; `Conflict` when its columns are
    /// others than before; `PermissionDenied` when its subject may not any more; `Unavailable` once the store is closed;
    /// `Cancelled`. There is nothing after it.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            let now_ms = self.session.engine.shared.tiers.stores.clock.now_ms();
            let (snapshot, was_missed) = match self.news().await? {
                News::Commit(snapshot) if snapshot.resume() => {
                    let again = snapshot.again();
                    // Whoever waits may be gone before it has run, and never come back.
                    snapshot.rest(now_ms);
                    (again, false)
                }
                // The snapshot of a commit that waited for too long is gone, and so is what it showed.
                _ => (self.session.engine.shared.tiers.snapshots.acquire(), true),
            };
            let before = self.rows.clone();
            self.run(&snapshot).await?;
            self.untold = None;
            if was_missed {
                return Ok(Change::Resync(self.seq));
            }
            let change = difference(&before, &self.rows, self.key.as_deref())?;
            if !change.is_empty() {
                return Ok(Change::Commit(self.seq, change));
            }
        }
    }

    /// Waits until the rows are others, and passes over what they were between two calls.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_rows(&mut self) -> Result<&RecordBatch> {
        loop {
            self.news().await?;
            // First, so that what comes meanwhile is told of again.
            self.follower.drain()?;
            let snapshot = self.session.engine.shared.tiers.snapshots.acquire();
            let before = self.rows.clone();
            self.run(&snapshot).await?;
            self.untold = None;
            // Another order of the same rows is another answer.
            if before != self.rows {
                return Ok(&self.rows);
            }
        }
    }

    /// The same as rows: all of the query's as they are, and again whenever they are others, in a batch each, also where
    /// there are none.
    #[must_use]
    pub fn into_rows(self) -> Rows {
        let schema = self.rows.schema();
        let batches = stream::unfold((Some(self), true), |(subscription, is_first)| async move {
            let mut subscription = subscription?;
            if is_first {
                return Some((Ok(subscription.rows.clone()), (Some(subscription), false)));
            }
            match subscription.next_rows().await.cloned() {
                Ok(rows) => Some((Ok(rows), (Some(subscription), false))),
                Err(e) => Some((Err(e), (None, false))),
            }
        });
        Rows::live(schema, batches)
    }

    /// What there is to follow.
    async fn news(&mut self) -> Result<&News> {
        let news = match self.untold.take() {
            Some(news) => news,
            None => self.follower.next(&self.session.waiting()).await?,
        };
        Ok(self.untold.insert(news))
    }

    async fn run(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.session.resume()?;
        let (who, statement) = self.session.speaker(&self.parsed, &self.params).await?;
        let shown = self.session.shown(&who, statement, &self.params, snapshot).await;
        // What is as it was is not told.
        let news = |shown: &Shown| (shown.rows != self.rows).then_some(Fate::Read);
        let Shown { rows, scopes } =
            self.session.noted(&who, shown, news, |shown| Some(shown.rows.num_rows() as u64)).await?;
        if rows.schema() != self.rows.schema() {
            return Err(Error::conflict("the query has other columns than before: subscribe again"));
        }
        self.follower.narrow(scopes, snapshot.seq());
        (self.rows, self.seq) = (rows, snapshot.seq());
        Ok(())
    }
}

impl Session {
    /// The pace of waiting for commits.
    pub(super) fn waiting(&self) -> Pace {
        let stores = &self.engine.shared.tiers.stores;
        Pace::new(self.cancel.clone(), Arc::clone(&stores.clock), Arc::clone(&stores.pause))
    }
}
