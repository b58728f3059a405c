//! Following the changes of a table.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::scalar::ScalarValue;
use futures::stream;

use super::{Rows, Session};
use crate::catalog::SEQ_COLUMN;
use crate::error::{Error, ErrorKind, Result};
use crate::txn::feed::Follower;
use crate::types::SeqId;

/// The changes of a table from a moment on, as they come. Dropping it ends it.
///
/// It keeps nothing but where it is: who asks late is told the latest version of every key that changed since, as
/// `CHANGES` tells it, so that being slow costs versions in between and nothing else.
#[derive(Debug)]
pub struct ChangeFeed {
    session: Session,
    sql: String,
    follower: Arc<Follower>,
    /// The rows that are being read, up to their end.
    reading: Option<Rows>,
    /// There was a commit that is not read yet.
    is_due: bool,
    schema: SchemaRef,
    since: SeqId,
}

impl Session {
    /// Follows the changes of `table`, named as in SQL, after `since`, [`SeqId::ZERO`] for all rows first.
    ///
    /// # Errors
    /// As [`Session::query`] of `CHANGES`; `InvalidInput` in a transaction.
    pub async fn changes(&mut self, table: &str, since: SeqId) -> Result<ChangeFeed> {
        if self.in_transaction() {
            return Err(Error::invalid(
                "a transaction sees no commits of others: follow changes outside of it",
            ));
        }
        let tiers = &self.engine.shared.tiers;
        // Nothing but that there was one is asked.
        let follower = tiers.feed.follow(1);
        let sql = format!("SELECT * FROM CHANGES('{}', since => $1)", table.replace('\'', "''"));
        let mut session = self.another();
        let rows = session.stream(&sql, &[number(since)]).await?;
        follower.narrow(rows.scopes().clone(), SeqId::ZERO);
        let schema = Arc::clone(rows.schema());
        Ok(ChangeFeed { session, sql, follower, reading: Some(rows), is_due: false, schema, since })
    }
}

impl ChangeFeed {
    /// The table's columns, `_seq` and `_deleted`.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The `_seq` of the last change that was told: where another feed goes on.
    #[must_use]
    pub fn since(&self) -> SeqId {
        self.since
    }

    /// Waits for changes; the next of them, at least one, in the order of `_seq`.
    ///
    /// # Errors
    /// `InvalidInput` when deletions since are not known any more: all has to be read again. `Conflict` when the table
    /// has other columns. What reading reports; `Unavailable` once the store is closed; `Cancelled`.
    pub async fn next(&mut self) -> Result<RecordBatch> {
        loop {
            let Some(rows) = &mut self.reading else {
                if !self.is_due {
                    self.follower.next(&self.session.waiting()).await?;
                }
                self.is_due = true;
                // First, so that what comes while the rows are opened is told of again.
                self.follower.drain()?;
                let rows = self.session.stream(&self.sql, &[number(self.since)]).await?;
                if *rows.schema() != self.schema {
                    return Err(Error::conflict("the table has other columns than before: follow it again"));
                }
                self.follower.narrow(rows.scopes().clone(), SeqId::ZERO);
                (self.reading, self.is_due) = (Some(rows), false);
                continue;
            };
            match rows.next().await {
                Ok(Some(batch)) => {
                    let seqs = batch.column_by_name(SEQ_COLUMN);
                    let last = seqs.and_then(|seqs| seqs.as_primitive_opt::<Int64Type>()?.values().last());
                    let last = last.ok_or_else(|| Error::internal("changes without _seq"))?;
                    self.since = SeqId::from_i64(*last);
                    return Ok(batch);
                }
                Ok(None) => self.reading = None,
                // Nobody asked for so long that the snapshot is gone: on from here, as of now.
                Err(e) if e.kind() == ErrorKind::Conflict => {
                    (self.reading, self.is_due) = (None, true);
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// The same as rows, which do not end by themselves.
    #[must_use]
    pub fn into_rows(self) -> Rows {
        let schema = Arc::clone(&self.schema);
        let batches = stream::unfold(Some(self), |feed| async move {
            let mut feed = feed?;
            match feed.next().await {
                Ok(rows) => Some((Ok(rows), Some(feed))),
                Err(e) => Some((Err(e), None)),
            }
        });
        Rows::live(schema, batches)
    }
}

fn number(seq: SeqId) -> ScalarValue {
    ScalarValue::Int64(Some(seq.as_i64()))
}
