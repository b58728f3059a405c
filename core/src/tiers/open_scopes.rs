//! The scopes in memory, and which of them leave it.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::hot::scope::ScopeState;
use crate::types::{Scope, TableId};

type Key = (TableId, Scope);

/// When a limit is met, so much of it is made free, one part in this many, that not every statement has to.
const ROOM: usize = 8;

/// Scopes in memory, with a running total of the bytes of their hot versions.
///
/// **Invariant**: a scope whose bytes may have grown since they were measured is in `handed_out`. It grows
/// only in the hands of whoever got it here, and stays there until nobody has it.
#[derive(Debug, Default)]
pub struct OpenScopes {
    open: HashMap<Key, Open>,
    handed_out: HashSet<Key>,
    hot_bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Open {
    state: Arc<ScopeState>,
    measured: usize,
}

impl OpenScopes {
    /// The scope, if it is in memory.
    pub fn get(&mut self, table: TableId, scope: &Scope) -> Option<Arc<ScopeState>> {
        let key = (table, scope.clone());
        let state = Arc::clone(&self.open.get(&key)?.state);
        self.uses += 1;
        state.touch(self.uses);
        self.handed_out.insert(key);
        Some(state)
    }

    /// The scope, if it is in memory; to look at and to make smaller, not to append to.
    pub fn peek(&self, table: TableId, scope: &Scope) -> Option<Arc<ScopeState>> {
        self.open.get(&(table, scope.clone())).map(|open| Arc::clone(&open.state))
    }

    /// Takes a scope in that was just read.
    pub fn insert(&mut self, state: Arc<ScopeState>) {
        let key = (state.table, state.scope.clone());
        self.uses += 1;
        state.touch(self.uses);
        self.handed_out.insert(key.clone());
        if let Some(before) = self.open.insert(key, Open { state, measured: 0 }) {
            self.hot_bytes = self.hot_bytes.saturating_sub(before.measured);
        }
    }

    /// Every scope; to look at and to flush, not to append to.
    pub fn all(&self) -> Vec<Arc<ScopeState>> {
        self.open.values().map(|open| Arc::clone(&open.state)).collect()
    }

    /// Drops the scopes of `table`.
    pub fn forget_table(&mut self, table: TableId) {
        self.open.retain(|(t, _), _| *t != table);
        self.handed_out.retain(|(t, _)| *t != table);
        self.measure_all();
    }

    /// Drops the scope.
    pub fn forget(&mut self, table: TableId, scope: &Scope) {
        let key = (table, scope.clone());
        if let Some(gone) = self.open.remove(&key) {
            self.hot_bytes = self.hot_bytes.saturating_sub(gone.measured);
        }
        self.handed_out.remove(&key);
    }

    /// Drops the scope, if nobody holds it and it has no hot versions; whether it is not in memory any more.
    pub fn drop_unused(&mut self, table: TableId, scope: &Scope) -> bool {
        let key = (table, scope.clone());
        let Some(open) = self.open.get(&key) else { return true };
        if Arc::strong_count(&open.state) > 1 || open.state.hot_rows() > 0 {
            return false;
        }
        self.forget(table, scope);
        true
    }

    /// Drops the least recently used scopes that nobody holds, until the rest fits: in bytes of hot versions,
    /// and in number. How many left.
    pub fn enforce(&mut self, most_hot_bytes: usize, most_scopes: usize) -> u64 {
        self.measure_handed_out();
        if self.hot_bytes > most_hot_bytes {
            // A flush has perhaps made some smaller.
            self.measure_all();
        }
        let room = |most: usize, exceeded: bool| if exceeded { most - most / ROOM } else { most };
        let bytes = room(most_hot_bytes, self.hot_bytes > most_hot_bytes);
        let number = room(most_scopes, self.open.len() > most_scopes);
        if self.hot_bytes <= bytes && self.open.len() <= number {
            return 0;
        }
        let mut by_age: Vec<_> = self.open.iter().map(|(k, o)| (o.state.last_used(), k.clone())).collect();
        by_age.sort_unstable_by_key(|(used, _)| *used);
        let mut evicted = 0;
        for (_, key) in by_age {
            let (too_large, too_many) = (self.hot_bytes > bytes, self.open.len() > number);
            if !too_large && !too_many {
                break;
            }
            // A scope is handed out under the lock of this only: a count of one means that nobody has it.
            let idle = self.open.get(&key).filter(|open| Arc::strong_count(&open.state) == 1);
            let Some(measured) = idle.map(|open| open.measured) else { continue };
            if too_many || measured > 0 {
                self.open.remove(&key);
                self.handed_out.remove(&key);
                self.hot_bytes = self.hot_bytes.saturating_sub(measured);
                evicted += 1;
            }
        }
        evicted
    }

    fn measure_handed_out(&mut self) {
        let (open, hot_bytes) = (&mut self.open, &mut self.hot_bytes);
        self.handed_out.retain(|key| {
            let Some(open) = open.get_mut(key) else { return false };
            // Asked first: whoever lets go of it in between has grown it before.
            let held = Arc::strong_count(&open.state) > 1;
            let before = std::mem::replace(&mut open.measured, open.state.hot_bytes());
            *hot_bytes = (*hot_bytes + open.measured).saturating_sub(before);
            held
        });
    }

    fn measure_all(&mut self) {
        self.hot_bytes = 0;
        for open in self.open.values_mut() {
            open.measured = open.state.hot_bytes();
            self.hot_bytes += open.measured;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{BooleanArray, Int32Array, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use object_store::ObjectStore;
    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::cold::state::ColdState;
    use crate::key::KeyEncoder;
    use crate::manifest::store::Pointer;
    use crate::types::UserId;

    const TABLE: TableId = TableId(1);
    const NO_LIMIT: usize = usize::MAX;

    fn scope(n: usize) -> Scope {
        Scope::User(UserId::new(format!("user{n}")).unwrap())
    }

    fn open(scopes: &mut OpenScopes, n: usize) -> Arc<ScopeState> {
        let blobs: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let cold = ColdState::new(&blobs, Path::from("dir"), Pointer::default(), None, BTreeMap::new());
        let encoder = Arc::new(KeyEncoder::new(&[DataType::Int32]).unwrap());
        let state = Arc::new(ScopeState::new(TABLE, scope(n), encoder, Arc::new(cold)));
        scopes.insert(Arc::clone(&state));
        state
    }

    fn append(state: &ScopeState, seq: i64) {
        let schema = Schema::new(vec![
            Field::new("_seq", DataType::Int64, false),
            Field::new("_deleted", DataType::Boolean, false),
            Field::new("id", DataType::Int32, true),
        ]);
        let rows = RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Int64Array::from(vec![seq])),
                Arc::new(BooleanArray::from(vec![false])),
                Arc::new(Int32Array::from(vec![1])),
            ],
        );
        state.append(rows.unwrap(), 1, Arc::from([2])).unwrap();
    }

    #[test]
    fn scopes_without_hot_versions_leave_when_there_are_too_many() {
        let mut scopes = OpenScopes::default();
        for n in 0..20 {
            open(&mut scopes, n);
        }
        let held = scopes.get(TABLE, &scope(0)).unwrap();
        scopes.get(TABLE, &scope(1)).unwrap();
        assert_eq!(scopes.enforce(NO_LIMIT, 20), 0);
        assert_eq!(scopes.enforce(NO_LIMIT, 8), 13);
        // The one that is held, and those used last.
        assert!(scopes.get(TABLE, &scope(0)).is_some_and(|s| Arc::ptr_eq(&s, &held)));
        assert!(scopes.get(TABLE, &scope(1)).is_some() && scopes.get(TABLE, &scope(19)).is_some());
        assert!(scopes.get(TABLE, &scope(2)).is_none());
    }

    #[test]
    fn what_grows_long_after_it_was_handed_out_counts() {
        let mut scopes = OpenScopes::default();
        let held = open(&mut scopes, 0);
        assert_eq!(scopes.enforce(0, NO_LIMIT), 0);
        append(&held, 1);
        let one = held.hot_bytes();
        drop(held);
        assert_eq!(scopes.enforce(one, NO_LIMIT), 0);
        assert_eq!(scopes.hot_bytes, one);
        assert_eq!(scopes.enforce(one - 1, NO_LIMIT), 1);
        assert_eq!((scopes.hot_bytes, scopes.open.len()), (0, 0));
    }

    #[test]
    fn bytes_take_only_scopes_that_have_some() {
        let mut scopes = OpenScopes::default();
        for n in 0..4 {
            let state = open(&mut scopes, n);
            if n % 2 == 1 {
                append(&state, 1);
            }
        }
        assert_eq!(scopes.enforce(0, NO_LIMIT), 2);
        assert!(scopes.get(TABLE, &scope(0)).is_some() && scopes.get(TABLE, &scope(1)).is_none());
        scopes.forget_table(TABLE);
        assert_eq!((scopes.hot_bytes, scopes.open.len(), scopes.handed_out.len()), (0, 0, 0));
    }
}
