//! Batch files that the newest manifest of their scope no longer has queries read, and who still may.

use std::collections::HashMap;

use super::Tiers;
use crate::cold::state::ColdState;
use crate::hot::scope::ScopeState;
use crate::txn::snapshot::{ReaderAge, Snapshots};
use crate::types::{Scope, TableId};

/// Past so many files those that nobody reads are forgotten first.
const ROOM: usize = 1024;

/// Batch files that this engine archived, with the youngest reader that may have begun before.
///
/// A file that is not here is read by nobody: it was archived before the engine was opened, or its readers
/// have ended.
#[derive(Debug, Default)]
pub struct ArchivedUnder {
    files: HashMap<(TableId, Scope, u64), ReaderAge>,
}

impl ArchivedUnder {
    fn insert(&mut self, scope: &ScopeState, numbers: impl Iterator<Item = u64>, snapshots: &Snapshots) {
        // Asked after the files were archived: who begins later does not come to read them.
        let age = snapshots.youngest();
        self.files.extend(numbers.map(|number| ((scope.table, scope.scope.clone(), number), age)));
        if self.files.len() > ROOM {
            self.files.retain(|_, age| snapshots.any_from(*age));
        }
    }
}

impl Tiers {
    /// Takes note of the files that are live in `before` and no longer in the cold state of `scope`, which has
    /// taken its place.
    pub fn note_archived(&self, scope: &ScopeState, before: &ColdState) {
        let now = scope.view().cold;
        let is_live = |number: u64| now.files.binary_search_by_key(&number, |f| f.entry().number).is_ok();
        let numbers = before.files.iter().map(|f| f.entry().number).filter(|number| !is_live(*number));
        self.archived_under.lock().insert(scope, numbers, &self.snapshots);
    }

    /// Whether somebody may still be reading a batch file that was archived.
    #[must_use]
    pub fn is_archived_read(&self, scope: &ScopeState, number: u64) -> bool {
        let key = (scope.table, scope.scope.clone(), number);
        self.archived_under.lock().files.get(&key).is_some_and(|age| self.snapshots.any_from(*age))
    }
}
