//! What stays in memory, and for how long.

use super::*;
use crate::manifest::model::Checksum;
use crate::types::UserId;

const TABLE: TableId = TableId(1);

fn config() -> ManifestCacheSettings {
    ManifestCacheSettings {
        ttl_seconds: 100,
        eviction_interval_seconds: 10,
        max_entries: 8,
        last_accessed_window_seconds: 50,
    }
}

fn scope(n: usize) -> Scope {
    Scope::User(UserId::new(format!("user{n}")).unwrap())
}

fn header(refreshed_ms: i64) -> CacheHeader {
    let checksum = Checksum(7);
    CacheHeader { version: 3, checksum, refreshed_ms, e_tag: None, sync_state: SyncState::InSync }
}

fn of(n: usize, now_ms: i64, cache: &ManifestCache<usize>) {
    cache.insert(TABLE, scope(n), Arc::new(n), header(now_ms), now_ms);
}

fn kept(cache: &ManifestCache<usize>) -> Vec<usize> {
    (0..40).filter(|n| cache.look(TABLE, &scope(*n)).is_some()).collect()
}

#[test]
fn the_least_recently_used_go_when_there_are_too_many() {
    let cache = ManifestCache::new(config(), 0);
    (0..8).for_each(|n| of(n, 1000 + n as i64, &cache));
    assert!(!cache.is_full());
    of(8, 1008, &cache);
    assert!(cache.is_full());
    cache.touch(TABLE, &scope(0), 1009).unwrap();
    assert_eq!(cache.evict(1010, |_, _| true), 2);
    assert_eq!(kept(&cache), [0, 3, 4, 5, 6, 7, 8]);
    // What is in use stays, and the next has to go.
    (9..11).for_each(|n| of(n, 1011, &cache));
    assert_eq!(cache.evict(1012, |_, s| *s != scope(3)), 2);
    assert_eq!(kept(&cache), [0, 3, 6, 7, 8, 9, 10]);
}

#[test]
fn what_may_not_go_is_not_looked_at_again_and_again() {
    let cache = ManifestCache::new(config(), 0);
    (0..12).for_each(|n| of(n, 1000, &cache));
    assert!(cache.is_full());
    assert_eq!(cache.evict(1001, |_, _| false), 0);
    assert!(!cache.is_full());
    (12..14).for_each(|n| of(n, 1002, &cache));
    assert!(cache.is_full(), "more have come");
    assert_eq!(cache.evict(1003, |_, _| true), 7);
    (14..15).for_each(|n| of(n, 1004, &cache));
    assert!(!cache.is_full());
    (15..16).for_each(|n| of(n, 1004, &cache));
    assert!(cache.is_full());
}

#[test]
fn what_is_outside_of_the_window_goes() {
    let cache = ManifestCache::new(config(), 0);
    (0..4).for_each(|n| of(n, 0, &cache));
    cache.touch(TABLE, &scope(2), 1).unwrap();
    assert_eq!(cache.evict(49_999, |_, _| true), 0);
    assert_eq!(cache.evict(50_000, |_, _| true), 3);
    assert_eq!(kept(&cache), [2]);
}

#[test]
fn evictions_come_at_an_interval() {
    let cache: ManifestCache<()> = ManifestCache::new(config(), 5000);
    assert!(!cache.is_eviction_due(14_999));
    assert!(cache.is_eviction_due(15_000) && !cache.is_eviction_due(24_999) && cache.is_eviction_due(25_000));
    assert!(cache.is_eviction_due(20_000), "the clock was set back");
}

#[test]
fn an_expired_manifest_is_one_callers_to_look_after() {
    let cache = ManifestCache::new(config(), 0);
    of(0, 0, &cache);
    assert!(!cache.touch(TABLE, &scope(0), 99_999).unwrap());
    assert!(cache.touch(TABLE, &scope(0), 100_000).unwrap());
    assert!(!cache.touch(TABLE, &scope(0), 100_001).unwrap());
    assert!(cache.touch(TABLE, &scope(0), 160_000).unwrap(), "the store had no answer: again");
    cache.update(TABLE, &scope(0), &CacheHeader { version: 2, ..header(160_000) });
    assert_eq!(cache.look(TABLE, &scope(0)).unwrap().0.refreshed_ms, 0, "that was of another manifest");
    cache.update(TABLE, &scope(0), &header(160_000));
    assert!(!cache.touch(TABLE, &scope(0), 259_999).unwrap());
    assert!(is_expired(&header(10), 9, &config()), "from the future");
}

#[test]
fn another_manifest_than_the_pointers_is_none() {
    let cache = ManifestCache::new(config(), 0);
    of(0, 0, &cache);
    let pointer = Pointer { version: 3, checksum: Some(Checksum(7)), ..Pointer::default() };
    assert!(cache.get(TABLE, &scope(0), &pointer, 1).is_some());
    assert!(cache.get(TABLE, &scope(1), &pointer, 1).is_none());
    assert!(cache.get(TABLE, &scope(0), &Pointer { version: 4, ..pointer.clone() }, 1).is_none());
    cache.forget_table(TABLE);
    assert!(cache.get(TABLE, &scope(0), &pointer, 1).is_none());
    assert_eq!(cache.state.lock().count, 0);
}

#[test]
fn a_cache_without_entries_keeps_nothing() {
    let cache = ManifestCache::new(ManifestCacheSettings { max_entries: 0, ..config() }, 0);
    of(0, 0, &cache);
    assert!(!cache.is_on() && cache.touch(TABLE, &scope(0), 0).is_none());
}
