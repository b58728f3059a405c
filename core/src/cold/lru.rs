//! A map bounded by bytes, which drops what was used least recently.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;
use parking_lot::Mutex;

/// Values that are cheap to clone, each with a size; for many readers at once.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    budget: usize,
    state: Mutex<State<K, V>>,
}

#[derive(Debug)]
struct State<K, V> {
    entries: HashMap<K, Slot<V>>,
    by_use: BTreeMap<u64, K>,
    tick: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Lru<K, V> {
    pub(super) fn new(budget: usize) -> Self {
        let state = State { entries: HashMap::new(), by_use: BTreeMap::new(), tick: 0, bytes: 0 };
        Self { budget, state: Mutex::new(state) }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let state = &mut *self.state.lock();
        let slot = state.entries.get_mut(key)?;
        state.tick += 1;
        if let Some(key) = state.by_use.remove(&slot.used) {
            state.by_use.insert(state.tick, key);
        }
        slot.used = state.tick;
        Some(slot.value.clone())
    }

    /// Keeps `value`, unless it alone is over the budget.
    pub(super) fn insert(&self, key: K, value: V, bytes: usize) {
        let state = &mut *self.state.lock();
        state.remove(&key);
        if bytes > self.budget {
            return;
        }
        state.tick += 1;
        let used = state.tick;
        state.by_use.insert(used, key.clone());
        state.entries.insert(key, Slot { value, bytes, used });
        state.bytes += bytes;
        while state.bytes > self.budget {
            let Some((_, oldest)) = state.by_use.pop_first() else { break };
            state.remove(&oldest);
        }
    }

    pub(super) fn remove_if(&self, doomed: impl Fn(&K) -> bool) {
        let state = &mut *self.state.lock();
        let keys: Vec<K> = state.entries.keys().filter(|k| doomed(k)).cloned().collect();
        keys.iter().for_each(|k| state.remove(k));
    }
}

impl<K: Hash + Eq, V> State<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some(slot) = self.entries.remove(key) {
            self.by_use.remove(&slot.used);
            self.bytes -= slot.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let lru = Lru::new(10);
        lru.insert("a", 1, 4);
        lru.insert("b", 2, 4);
        assert_eq!(lru.get(&"a"), Some(1));
        lru.insert("c", 3, 4);
        assert_eq!((lru.get(&"a"), lru.get(&"b"), lru.get(&"c")), (Some(1), None, Some(3)));
        lru.insert("d", 4, 11);
        assert_eq!(lru.get(&"d"), None);
        lru.insert("a", 5, 9);
        assert_eq!((lru.get(&"a"), lru.get(&"c")), (Some(5), None));
        lru.remove_if(|k| *k == "a");
        assert_eq!((lru.get(&"a"), lru.state.lock().bytes), (None, 0));
    }
}
