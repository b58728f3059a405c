//! The rows of one statement, a batch at a time.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use futures::future::ready;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};

use super::{Outcome, Session};
use crate::access::Principal;
use crate::access::audit::Fate;
use crate::error::{Error, ErrorKind, Result};
use crate::pace::Pace;
use crate::plan::StatementContext;
use crate::scan::ScanReports;
use crate::sql::{self, AsUser, Parsed, Statement};
use crate::tiers::Tiers;
use crate::txn::snapshot::Snapshot;
use crate::txn::writes::WriteSet;
use crate::types::{Scope, TableId};

/// The rows of one statement, made as they are asked for.
///
/// They are those of the snapshot on which the statement began, whatever is committed meanwhile. A flush goes
/// no further than that snapshot while the rows are being read; rows that nobody asks for during
/// [`TransactionSettings::idle_ms`](crate::TransactionSettings) hold flushes back no longer, and end with `Conflict`.
pub struct Rows {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch>>,
    /// `None` when all rows are there already, or none are left.
    reading: Option<Reading>,
    /// What they are of.
    scopes: BTreeSet<(TableId, Scope)>,
}

/// What a query holds on to while it runs.
struct Reading {
    tiers: Arc<Tiers>,
    snapshot: Snapshot,
    reports: ScanReports,
    pace: Pace,
}

impl Rows {
    fn whole(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0);
        Self {
            schema,
            batches: stream::iter(batches.map(Ok)).boxed(),
            reading: None,
            scopes: BTreeSet::new(),
        }
    }

    /// Rows that come as something happens, also that there are none; they hold nothing while nobody asks.
    pub(super) fn live(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        Self { schema, batches: batches.boxed(), reading: None, scopes: BTreeSet::new() }
    }

    /// The scopes that the query was planned to read.
    pub(super) fn scopes(&self) -> &BTreeSet<(TableId, Scope)> {
        &self.scopes
    }

    /// The columns; none of a statement that has no rows.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows, at least one; `None` when there are no more.
    ///
    /// # Errors
    /// What running the statement reports; there are no more rows after it. `Conflict` when nobody asked for
    /// so long that the snapshot was given up.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(reading) = &self.reading
            && !reading.snapshot.resume()
        {
            let waited = reading.tiers.config.transaction.idle_ms / 1000;
            self.end();
            return Err(Error::conflict(format!(
                "nobody asked for the next rows for more than {waited} s, and a flush did not wait; run the query again"
            )));
        }
        if let Some(reading) = &self.reading {
            reading.pace.go_on();
        }
        // Also where whoever waits is gone before there are any.
        let resting = self.reading.as_ref().map(Resting);
        let next = self.batches.try_next().await;
        drop(resting);
        if !matches!(next, Ok(Some(_))) {
            self.end();
        }
        next
    }

    fn end(&mut self) {
        self.batches = stream::empty().boxed();
        self.reading = None;
    }
}

/// Lets the snapshot count as idle from the end of this on.
struct Resting<'a>(&'a Reading);

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.0.snapshot.rest(self.0.tiers.stores.clock.now_ms());
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.reports.count_in(&self.tiers.stats);
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Session {
    /// Runs one statement with the values of its parameters `$1…`, and gives the rows as they are asked for: a
    /// query is not run further than that. Any other statement has taken effect on return.
    ///
    /// In a transaction the rows are of its snapshot and of what it had written; they outlive it. An error
    /// that comes with later rows does not fail the transaction, of which a query changes nothing.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn stream(&mut self, sql: &str, params: &[ScalarValue]) -> Result<Rows> {
        let parsed = self.one_statement(sql, params)?;
        if !is_query(&parsed.statement) {
            return Ok(match self.run(&parsed, params).await? {
                Outcome::Rows { schema, batches } => Rows::whole(schema, batches),
                Outcome::Affected(_) | Outcome::Done(_) => Rows::whole(Arc::new(Schema::empty()), Vec::new()),
            });
        }
        self.resume()?;
        self.expect_usable()?;
        let rows = match self.cancel.check() {
            Ok(()) => self.rows_for(&parsed, params).await,
            Err(e) => Err(e),
        };
        self.engine.shared.tiers.enforce_budget();
        self.rest();
        self.noting_failure(rows).map_err(|e| sql::locate(e, &parsed))
    }

    /// The rows of a query for whom it is run; of one in somebody's name there is an entry before the first.
    async fn rows_for(&self, parsed: &Parsed, params: &[ScalarValue]) -> Result<Rows> {
        let (who, statement) = self.speaker(parsed, params).await?;
        let Statement::Query(query) = statement else {
            return Err(Error::internal("rows of what is no query"));
        };
        let rows = self.rows_of(&who, query, params).await;
        self.noted(&who, rows, |_| Some(Fate::Read), |_| None).await
    }

    pub(super) async fn rows_of(
        &self,
        who: &Principal,
        query: &ast::Query,
        params: &[ScalarValue],
    ) -> Result<Rows> {
        if let Some(transaction) = &self.transaction {
            return self
                .begin_rows(who, query, params, transaction.snapshot.again(), &transaction.writes)
                .await;
        }
        let none = WriteSet::default();
        let mut attempt = 0;
        loop {
            let snapshot = self.engine.shared.tiers.snapshots.acquire();
            match self.begin_rows(who, query, params, snapshot, &none).await {
                // An ALTER came between looking a table up and reading it.
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < self.retries() => attempt += 1,
                other => return other,
            }
        }
    }

    async fn begin_rows(
        &self,
        who: &Principal,
        query: &ast::Query,
        params: &[ScalarValue],
        snapshot: Snapshot,
        writes: &WriteSet,
    ) -> Result<Rows> {
        let context = self.context(who, snapshot.seq(), writes, params);
        let (schema, batches) = context.stream(query.clone(), Vec::new()).await?;
        let tiers = Arc::clone(context.tiers);
        snapshot.rest(tiers.stores.clock.now_ms());
        let scopes = std::mem::take(&mut *context.read_scopes.lock());
        let StatementContext { reports, pace, .. } = context;
        let batches = batches.try_filter(|batch| ready(batch.num_rows() > 0)).boxed();
        Ok(Rows { schema, batches, reading: Some(Reading { tiers, snapshot, reports, pace }), scopes })
    }
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Query(_) => true,
        Statement::AsUser(AsUser { statement, .. }) => is_query(statement),
        _ => false,
    }
}
