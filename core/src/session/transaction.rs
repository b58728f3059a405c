//! The open transaction of a session, and its savepoints.

use std::sync::Arc;

use crate::access::audit::Draft;
use crate::catalog::{Catalog, nearest, quoted};
use crate::error::{Error, Result};
use crate::txn::snapshot::Snapshot;
use crate::txn::writes::{Mark, WriteSet};

/// A transaction that is open.
#[derive(Debug)]
pub struct Transaction {
    /// What its statements read; shared with a source that one of them waits for.
    pub snapshot: Arc<Snapshot>,
    /// The definitions when it began.
    pub pinned: Arc<Catalog>,
    /// What it has written.
    pub writes: WriteSet,
    /// What was done in somebody's name, to be told of with what it wrote.
    pub acts: Vec<Draft>,
    /// A statement failed: nothing but ROLLBACK is left, or ROLLBACK TO a savepoint.
    pub failed: bool,
    /// From the oldest to the newest; of two with one name the newer is meant.
    savepoints: Vec<(String, Mark, usize)>,
}

impl Transaction {
    /// One that has written nothing.
    pub fn new(snapshot: Snapshot, pinned: Arc<Catalog>) -> Self {
        Self {
            snapshot: Arc::new(snapshot),
            pinned,
            writes: WriteSet::default(),
            acts: Vec::new(),
            failed: false,
            savepoints: Vec::new(),
        }
    }

    /// `SAVEPOINT name`.
    pub fn save(&mut self, name: &str) {
        self.savepoints.push((name.to_owned(), self.writes.mark(), self.acts.len()));
    }

    /// `ROLLBACK TO name`: takes back what was written since; the savepoint stays.
    ///
    /// # Errors
    /// `NotFound`, and then the transaction is as if another statement had failed.
    pub fn roll_back_to(&mut self, name: &str) -> Result<()> {
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        if let Some((_, mark, acts)) = self.savepoints.last() {
            self.writes.roll_back_to(mark)?;
            self.acts.truncate(*acts);
        }
        self.failed = false;
        Ok(())
    }

    /// `RELEASE name`: forgets it and those set since; what was written stays.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn release(&mut self, name: &str) -> Result<()> {
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|(other, ..)| other == name).ok_or_else(|| {
            let names = self.savepoints.iter().map(|(other, ..)| other.as_str());
            let hint = nearest(name, names).map(|n| format!("; did you mean {}?", quoted(n)));
            Error::not_found(format!("there is no savepoint {}{}", quoted(name), hint.unwrap_or_default()))
        })
    }
}
