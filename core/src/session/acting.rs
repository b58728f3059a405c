//! Statements in somebody's name: who may, and the entry that tells of each.

use std::sync::Arc;

use datafusion::scalar::ScalarValue;

use super::{Outcome, Session};
use crate::access::audit::{self, Act, Draft, Fate};
use crate::access::{ImpersonationContext, Principal, impersonate};
use crate::error::{Error, Result};
use crate::sql::{self, AsUser, Parsed, Statement, Subject};
use crate::types::{Scope, TableId, UserId};

impl Session {
    /// Does every statement from here on in the name of `subject`, as within EXECUTE AS USER; `None` ends that.
    ///
    /// Transactions, PREPARE, USE and SHOW stay the session's; definitions, upkeep and users are refused meanwhile.
    /// Whether this session may do so is asked with each statement.
    pub fn act_as(&mut self, subject: Option<UserId>) {
        self.acting = subject;
    }

    /// For whom `parsed` runs, and what it is without AS USER. A refusal is in the audit log on return.
    ///
    /// # Errors
    /// `PermissionDenied` for who may not; what writing the entry reports.
    pub(super) async fn speaker<'p>(
        &self,
        parsed: &'p Parsed,
        params: &[ScalarValue],
    ) -> Result<(Arc<Principal>, &'p Statement)> {
        let (subject, statement) = match (&parsed.statement, &self.acting) {
            (Statement::AsUser(_), Some(_)) => {
                return Err(Error::unsupported("AS USER does not nest: the session acts for a user already"));
            }
            (Statement::AsUser(AsUser { subject, statement }), None) => {
                (id_of(subject, params)?, statement.as_ref())
            }
            (statement, None) => return Ok((Arc::clone(&self.who), statement)),
            (statement, Some(_)) if is_of_session(statement) => {
                return Ok((Arc::clone(&self.who), statement));
            }
            (statement, Some(subject)) => {
                expect_done_in_name(statement)?;
                (subject.as_str().to_owned(), statement)
            }
        };
        let who = self.impersonated(&subject, sql::fingerprint(&parsed.text)).await?;
        Ok((Arc::new(who), statement))
    }

    /// For whom rows are inserted that come as batches.
    ///
    /// # Errors
    /// As [`Self::speaker`].
    pub(super) async fn speaker_of_batches(&self, table: &str) -> Result<Arc<Principal>> {
        match &self.acting {
            None => Ok(Arc::clone(&self.who)),
            Some(subject) => {
                let statement = sql::fingerprint(&format!("INSERT INTO {table}"));
                Ok(Arc::new(self.impersonated(subject.as_str(), statement).await?))
            }
        }
    }

    async fn impersonated(&self, subject: &str, statement: (String, String)) -> Result<Principal> {
        let actor = (self.who.subject(), self.who.role());
        let found = {
            let users = self.engine.shared.tiers.users.read();
            impersonate(&users, actor, subject, statement.clone())
        };
        match found {
            Ok(context) => Ok(Principal::acting(context)),
            Err(refusal) => {
                let error = Error::from(refusal);
                let act = Act::wanted(actor, subject, (&statement.0, &statement.1));
                let draft = Draft { error: Some(error.kind()), ..self.draft(act, Fate::Refused) };
                audit::record(&self.engine.shared.tiers, draft).await?;
                Err(error)
            }
        }
    }

    /// Writes the entry of a statement that was run for `who`, if it is not in the log with what the statement wrote:
    /// on return it is durable, whatever becomes of the transaction.
    ///
    /// # Errors
    /// The statement's; what writing the entry reports, and then nobody gets the rows.
    pub(super) async fn noted<T>(
        &self,
        who: &Principal,
        outcome: Result<T>,
        read: impl FnOnce(&T) -> Option<Fate>,
        rows: impl FnOnce(&T) -> Option<u64>,
    ) -> Result<T> {
        let Some(context) = who.impersonation() else { return outcome };
        let (fate, rows, error) = match &outcome {
            Ok(done) => match read(done) {
                Some(fate) => (fate, rows(done), None),
                None => return outcome,
            },
            Err(e) => (Fate::Failed, None, Some(e.kind())),
        };
        let draft = Draft { rows, error, ..self.draft(Act::of(context), fate) };
        match audit::record(&self.engine.shared.tiers, draft).await {
            Ok(()) => outcome,
            // Where the store is gone, why the statement failed says more.
            Err(e) => Err(outcome.err().unwrap_or(e)),
        }
    }

    /// Writes the entry of what a statement in a transaction answers, rows or only how many there are: that is read, also
    /// if what it writes is rolled back.
    ///
    /// # Errors
    /// What writing the entry reports, and then nobody gets the answer.
    pub(super) async fn note_answered(&self, who: &Principal, rows: u64) -> Result<()> {
        let Some(context) = who.impersonation() else { return Ok(()) };
        let draft = Draft { rows: Some(rows), ..self.draft(Act::of(context), Fate::Read) };
        audit::record(&self.engine.shared.tiers, draft).await
    }

    /// The entry of a statement that writes `rows` rows to a scope, to be committed with them; none where `who` speaks
    /// for itself.
    pub(super) fn written(
        &self,
        who: &Principal,
        rows: u64,
        wrote: Option<(TableId, Scope)>,
    ) -> Option<Draft> {
        let context: &ImpersonationContext = who.impersonation()?;
        Some(Draft { rows: Some(rows), wrote, ..self.draft(Act::of(context), Fate::Written) })
    }

    fn draft(&self, act: Act, fate: Fate) -> Draft {
        let time_micros = self.engine.shared.tiers.stores.clock.now_micros();
        Draft { time_micros, act, fate, error: None, rows: None, wrote: None }
    }
}

/// How many rows an answer has.
pub(super) fn rows_in(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Rows { batches, .. } => Some(batches.iter().map(|batch| batch.num_rows() as u64).sum()),
        Outcome::Affected(rows) => Some(*rows),
        Outcome::Done(_) => None,
    }
}

fn id_of(subject: &Subject, params: &[ScalarValue]) -> Result<String> {
    let number = match subject {
        Subject::Id(id) => return Ok(id.clone()),
        Subject::Parameter(number) => *number,
    };
    match number.checked_sub(1).and_then(|at| params.get(at)) {
        Some(
            ScalarValue::Utf8(Some(id)) | ScalarValue::LargeUtf8(Some(id)) | ScalarValue::Utf8View(Some(id)),
        ) => Ok(id.clone()),
        _ => Err(Error::invalid(format!("${number} is whom AS USER names: expected text"))),
    }
}

/// Whether a statement is about the session and nobody's rows; what EXECUTE runs is looked at by itself.
fn is_of_session(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Begin
            | Statement::Commit
            | Statement::Rollback
            | Statement::Savepoint(_)
            | Statement::RollbackTo(_)
            | Statement::Release(_)
            | Statement::Prepare(_)
            | Statement::Execute { .. }
            | Statement::Deallocate(_)
            | Statement::Use { .. }
            | Statement::ShowNamespaces
            | Statement::ShowTables { .. }
    )
}

/// Refuses what is not done in somebody's name.
fn expect_done_in_name(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Copy(_)
        | Statement::Explain { .. } => Ok(()),
        _ => Err(Error::unsupported(
            "a session that acts for a user does only what it may do in its name: SELECT, INSERT, UPDATE, DELETE, \
             COPY and EXPLAIN",
        )),
    }
}
