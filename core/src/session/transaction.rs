//! The open transaction of a session.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::txn::snapshot::Snapshot;
use crate::txn::writes::WriteSet;

/// A transaction that is open.
#[derive(Debug)]
pub struct Transaction {
    /// What its statements read.
    pub snapshot: Snapshot,
    /// The definitions when it began.
    pub pinned: Arc<Catalog>,
    /// What it has written.
    pub writes: WriteSet,
    /// A statement failed: nothing but ROLLBACK is left.
    pub failed: bool,
}

impl Transaction {
    /// One that has written nothing.
    pub fn new(snapshot: Snapshot, pinned: Arc<Catalog>) -> Self {
        Self { snapshot, pinned, writes: WriteSet::default(), failed: false }
    }
}
