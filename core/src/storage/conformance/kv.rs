//! The promises of [`KvStore`].

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::{must, must_fail};
use crate::error::ErrorKind;
use crate::storage::clock::{Rng, SeededRng};
use crate::storage::kv::{KeyRange, Keyspace, KvStore, WriteBatch};
use crate::types::Durability;

const SPACE: Keyspace = Keyspace::Hot;

type Pair = (Bytes, Bytes);
/// Where a range starts and ends, and the keys that are expected of it.
type RangeCase = (Bound<Bytes>, Bound<Bytes>, &'static [&'static [u8]]);

/// Commits what `fill` puts into a batch, strictly.
async fn commit(store: &dyn KvStore, fill: impl FnOnce(&mut WriteBatch)) {
    let mut batch = WriteBatch::new();
    fill(&mut batch);
    must(store.commit(batch, Durability::Strict).await, "a commit");
}

async fn clear(store: &dyn KvStore) {
    commit(store, |b| {
        for space in Keyspace::ALL {
            b.delete_range(space, KeyRange::all());
        }
    })
    .await;
    for space in Keyspace::ALL {
        assert_eq!(all(store, space).await, [], "deleting every key of {} leaves none", space.name());
    }
}

async fn get(store: &dyn KvStore, space: Keyspace, key: &[u8]) -> Option<Bytes> {
    must(store.get(space, key).await, "a get")
}

async fn range(store: &dyn KvStore, range: KeyRange) -> Vec<Pair> {
    must(store.page(SPACE, range, 1_000_000).await, "a page")
}

async fn all(store: &dyn KvStore, space: Keyspace) -> Vec<Pair> {
    must(store.page(space, KeyRange::all(), 1_000_000).await, "a page")
}

fn keys(pairs: &[Pair]) -> Vec<&[u8]> {
    pairs.iter().map(|(k, _)| k.as_ref()).collect()
}

async fn put_keys(store: &dyn KvStore, keys: &[&'static [u8]]) {
    commit(store, |b| {
        for key in keys {
            b.put(SPACE, *key, *key);
        }
    })
    .await;
}

/// A value can be set, read, replaced and removed.
pub async fn values_come_back(store: &dyn KvStore) {
    clear(store).await;
    assert_eq!(get(store, SPACE, b"k").await, None, "an absent key has no value");
    commit(store, |b| _ = b.put(SPACE, "k", "one")).await;
    assert_eq!(get(store, SPACE, b"k").await.as_deref(), Some(&b"one"[..]), "a put is read");
    commit(store, |b| _ = b.put(SPACE, "k", "two")).await;
    assert_eq!(get(store, SPACE, b"k").await.as_deref(), Some(&b"two"[..]), "a put replaces");
    commit(store, |b| _ = b.delete(SPACE, "k")).await;
    assert_eq!(get(store, SPACE, b"k").await, None, "a deleted key has no value");
    commit(store, |b| _ = b.delete(SPACE, "k")).await;
    assert_eq!(all(store, SPACE).await, [], "deleting an absent key does nothing");
}

/// Keys and values are any bytes, also none at all.
pub async fn keys_and_values_are_any_bytes(store: &dyn KvStore) {
    clear(store).await;
    let keys: [&'static [u8]; 9] =
        [b"", b"\0", b"\0\0", b"\0\xFF", b"a\0b", b"\x7F", b"\x80", b"\xFF", b"\xFF\xFF\0"];
    put_keys(store, &keys).await;
    commit(store, |b| _ = b.put(SPACE, "empty", "")).await;
    for key in keys {
        assert_eq!(get(store, SPACE, key).await.as_deref(), Some(key), "the key {key:02x?} has its value");
    }
    let empty = get(store, SPACE, b"empty").await;
    assert_eq!(empty, Some(Bytes::new()), "an empty value is a value, not an absent key");
    commit(store, |b| _ = b.delete(SPACE, "\0")).await;
    assert_eq!(get(store, SPACE, b"\0").await, None, "a key that is a NUL can be deleted");
    assert!(get(store, SPACE, b"\0\0").await.is_some(), "deleting a key leaves those it is a prefix of");
}

/// The same key in two keyspaces is two keys.
pub async fn keyspaces_are_disjoint(store: &dyn KvStore) {
    clear(store).await;
    commit(store, |b| {
        for space in Keyspace::ALL {
            b.put(space, "key", space.name());
        }
    })
    .await;
    for space in Keyspace::ALL {
        let found = all(store, space).await;
        let expected = [(Bytes::from("key"), Bytes::from(space.name()))];
        assert_eq!(found, expected, "{} holds its own pair only", space.name());
    }
    commit(store, |b| _ = b.delete_range(SPACE, KeyRange::all())).await;
    for space in Keyspace::ALL {
        let there = get(store, space, b"key").await.is_some();
        assert_eq!(there, space != SPACE, "deleting all of {} touches no other keyspace", SPACE.name());
    }
}

/// Pages come in byte order, whatever the order of the puts.
pub async fn keys_come_in_byte_order(store: &dyn KvStore) {
    clear(store).await;
    let shuffled: [&'static [u8]; 8] = [b"b", b"\xFF", b"a\xFF", b"", b"a", b"\0", b"a\0", b"aa"];
    for key in shuffled {
        put_keys(store, &[key]).await;
    }
    let mut sorted = shuffled;
    sorted.sort_unstable();
    assert_eq!(keys(&all(store, SPACE).await), sorted, "keys are in byte order");
}

/// A page holds at most its limit; the next starts after its last key; a short page is the last.
pub async fn pages_follow_one_another(store: &dyn KvStore) {
    clear(store).await;
    let expected: Vec<Pair> = (0..25_u8).map(|n| (vec![n].into(), vec![n, n].into())).collect();
    commit(store, |b| {
        for (key, value) in &expected {
            b.put(SPACE, key.clone(), value.clone());
        }
    })
    .await;
    for limit in [1, 7, 24, 25, 26] {
        let mut found = Vec::new();
        let mut rest = KeyRange::all();
        loop {
            let page = must(store.page(SPACE, rest.clone(), limit).await, "a page");
            assert!(page.len() <= limit, "a page of {limit} holds no more");
            let Some((last, _)) = page.last().cloned() else { break };
            let short = page.len() < limit;
            found.extend(page);
            if short {
                break;
            }
            rest = rest.after(last);
        }
        assert_eq!(found, expected, "pages of {limit} together hold every pair once");
    }
}

/// Ranges include and exclude their ends as they say; empty ones hold nothing.
pub async fn ranges_hold_their_bounds(store: &dyn KvStore) {
    use Bound::{Excluded, Included, Unbounded};
    clear(store).await;
    put_keys(store, &[b"a", b"b", b"b\0", b"c", b"d"]).await;
    let b = || Bytes::from("b");
    let d = || Bytes::from("d");
    let cases: [RangeCase; 11] = [
        (Unbounded, Unbounded, &[b"a", b"b", b"b\0", b"c", b"d"]),
        (Included(b()), Excluded(d()), &[b"b", b"b\0", b"c"]),
        (Included(b()), Included(d()), &[b"b", b"b\0", b"c", b"d"]),
        (Excluded(b()), Included(d()), &[b"b\0", b"c", b"d"]),
        (Excluded(b()), Excluded(d()), &[b"b\0", b"c"]),
        (Unbounded, Excluded(b()), &[b"a"]),
        (Unbounded, Included(b()), &[b"a", b"b"]),
        (Excluded(d()), Unbounded, &[]),
        (Included(b()), Included(b()), &[b"b"]),
        (Included(b()), Excluded(b()), &[]),
        (Included(d()), Excluded(b()), &[]),
    ];
    for (start, end, expected) in cases {
        let asked = KeyRange { start, end };
        let found = range(store, asked.clone()).await;
        assert_eq!(keys(&found), expected, "the pairs of {asked:?}");
    }
}

/// A prefix is the range of the keys that start with it, also when nothing can follow it.
pub async fn prefixes_are_ranges(store: &dyn KvStore) {
    clear(store).await;
    put_keys(store, &[b"a", b"a\0", b"a\xFF", b"a\xFF\xFF", b"b", b"\xFF", b"\xFF\xFF\x01"]).await;
    let cases: [(&'static [u8], &[&[u8]]); 5] = [
        (b"a", &[b"a", b"a\0", b"a\xFF", b"a\xFF\xFF"]),
        (b"a\xFF", &[b"a\xFF", b"a\xFF\xFF"]),
        (b"\xFF", &[b"\xFF", b"\xFF\xFF\x01"]),
        (b"\xFF\xFF", &[b"\xFF\xFF\x01"]),
        (b"c", &[]),
    ];
    for (prefix, expected) in cases {
        let found = range(store, KeyRange::prefix(prefix)).await;
        assert_eq!(keys(&found), expected, "the keys that start with {prefix:02x?}");
    }
}

/// A range deletion takes what is in the range, and nothing else.
pub async fn delete_range_removes_the_range_only(store: &dyn KvStore) {
    use Bound::{Excluded, Included, Unbounded};
    let b = || Bytes::from("b");
    let d = || Bytes::from("d");
    let cases: [RangeCase; 9] = [
        (Included(b()), Excluded(d()), &[b"a", b"d", b"\xFF"]),
        (Excluded(b()), Excluded(d()), &[b"a", b"b", b"d", b"\xFF"]),
        (Included(b()), Included(d()), &[b"a", b"\xFF"]),
        (Unbounded, Excluded(b()), &[b"b", b"b\0", b"c", b"d", b"\xFF"]),
        (Unbounded, Included(b()), &[b"b\0", b"c", b"d", b"\xFF"]),
        (Excluded(d()), Unbounded, &[b"a", b"b", b"b\0", b"c", b"d"]),
        (Unbounded, Unbounded, &[]),
        (Included(d()), Excluded(b()), &[b"a", b"b", b"b\0", b"c", b"d", b"\xFF"]),
        (Excluded(b()), Excluded(b()), &[b"a", b"b", b"b\0", b"c", b"d", b"\xFF"]),
    ];
    for (start, end, expected) in cases {
        clear(store).await;
        put_keys(store, &[b"a", b"b", b"b\0", b"c", b"d", b"\xFF"]).await;
        let doomed = KeyRange { start, end };
        commit(store, |batch| _ = batch.delete_range(SPACE, doomed.clone())).await;
        assert_eq!(keys(&all(store, SPACE).await), expected, "what is left after deleting {doomed:?}");
    }
    clear(store).await;
    commit(store, |batch| {
        for n in 0..2000_u16 {
            batch.put(SPACE, n.to_be_bytes().to_vec(), "v");
        }
    })
    .await;
    let middle = KeyRange::half_open(10_u16.to_be_bytes().to_vec(), 1990_u16.to_be_bytes().to_vec());
    commit(store, |batch| _ = batch.delete_range(SPACE, middle)).await;
    assert_eq!(all(store, SPACE).await.len(), 20, "a deletion of many keys leaves those outside");
}

/// A batch changes several keyspaces at once.
pub async fn batches_span_keyspaces(store: &dyn KvStore) {
    clear(store).await;
    commit(store, |b| _ = b.put(Keyspace::Hot, "block", "rows")).await;
    commit(store, |b| {
        b.put(Keyspace::Manifest, "scope", "pointer");
        b.delete_range(Keyspace::Hot, KeyRange::all());
        b.put(Keyspace::Audit, "entry", "flushed");
    })
    .await;
    assert!(get(store, Keyspace::Manifest, b"scope").await.is_some(), "the put of one keyspace applied");
    assert!(get(store, Keyspace::Audit, b"entry").await.is_some(), "the put of another applied");
    assert_eq!(all(store, Keyspace::Hot).await, [], "the deletion in a third applied");
}

/// Within a batch the later mutation of a key wins.
pub async fn mutations_apply_in_order(store: &dyn KvStore) {
    clear(store).await;
    put_keys(store, &[b"old"]).await;
    commit(store, |b| {
        b.put(SPACE, "twice", "first").put(SPACE, "twice", "second");
        b.put(SPACE, "gone", "x").delete(SPACE, "gone");
        b.delete(SPACE, "back").put(SPACE, "back", "x");
        b.put(SPACE, "swept-1", "x").delete_range(SPACE, KeyRange::prefix("swept"));
        b.put(SPACE, "swept-2", "x");
    })
    .await;
    let found = all(store, SPACE).await;
    assert_eq!(keys(&found), [&b"back"[..], b"old", b"swept-2", b"twice"], "mutations apply in their order");
    assert_eq!(get(store, SPACE, b"twice").await.as_deref(), Some(&b"second"[..]), "the later put wins");
    commit(store, |b| {
        b.put(SPACE, "\u{7f}", "x").delete_range(SPACE, KeyRange::all()).put(SPACE, "new", "x");
    })
    .await;
    let found = all(store, SPACE).await;
    assert_eq!(keys(&found), [b"new"], "an unbounded deletion takes keys put before it in its batch too");
}

/// A failed precondition is a `Conflict` and leaves everything as it was; those that hold let it pass.
pub async fn preconditions_guard_the_whole_batch(store: &dyn KvStore) {
    clear(store).await;
    commit(store, |b| {
        b.put(Keyspace::Meta, "epoch", "3").put(Keyspace::Meta, "empty", "");
    })
    .await;
    type Fill = fn(&mut WriteBatch);
    let failing: [(&str, Fill); 5] = [
        ("another value", |b| _ = b.expect_value(Keyspace::Meta, "epoch", "2")),
        ("a value where the key is absent", |b| _ = b.expect_value(Keyspace::Meta, "none", "2")),
        ("absence where the key is there", |b| _ = b.expect_absent(Keyspace::Meta, "epoch")),
        ("absence where the value is empty", |b| _ = b.expect_absent(Keyspace::Meta, "empty")),
        ("one that holds and one that does not", |b| {
            b.expect_value(Keyspace::Meta, "epoch", "3").expect_value(Keyspace::Catalog, "epoch", "3");
        }),
    ];
    for durability in [Durability::Strict, Durability::Relaxed] {
        for (what, fill) in failing {
            let mut batch = WriteBatch::new();
            batch.put(SPACE, "k", "v").delete(Keyspace::Meta, "epoch");
            batch.delete_range(Keyspace::Meta, KeyRange::all());
            fill(&mut batch);
            let doing = format!("a commit that expects {what}");
            must_fail(store.commit(batch, durability).await, ErrorKind::Conflict, &doing);
            assert_eq!(all(store, SPACE).await, [], "{doing} puts nothing");
            assert_eq!(all(store, Keyspace::Meta).await.len(), 2, "{doing} deletes nothing");
        }
    }
    commit(store, |b| {
        b.expect_value(Keyspace::Meta, "epoch", "3").expect_value(Keyspace::Meta, "empty", "");
        b.expect_absent(SPACE, "k").put(SPACE, "k", "v");
    })
    .await;
    assert!(get(store, SPACE, b"k").await.is_some(), "a batch whose preconditions hold applies");
    commit(store, |b| _ = b.expect_value(SPACE, "k", "v")).await;
}

/// Preconditions speak of the state before the batch, not of what the batch itself puts.
pub async fn preconditions_see_the_state_before_the_batch(store: &dyn KvStore) {
    clear(store).await;
    commit(store, |b| {
        b.put(SPACE, "k", "v").expect_absent(SPACE, "k");
    })
    .await;
    let mut batch = WriteBatch::new();
    batch.put(SPACE, "k", "w").expect_value(SPACE, "k", "w");
    let result = store.commit(batch, Durability::Strict).await;
    must_fail(result, ErrorKind::Conflict, "a commit that expects the value it puts");
}

/// Of two commits that each require the state before the other, one wins.
pub async fn one_of_two_rivals_wins(store: &dyn KvStore) {
    clear(store).await;
    for round in 0..16_u8 {
        let rival = |name: &'static str| {
            let mut batch = WriteBatch::new();
            batch.expect_absent(SPACE, vec![round]).put(SPACE, vec![round], name);
            store.commit(batch, Durability::Relaxed)
        };
        let (a, b) = futures::join!(rival("a"), rival("b"));
        assert_ne!(a.is_ok(), b.is_ok(), "exactly one of two rivals commits");
        let winner = if a.is_ok() { "a" } else { "b" };
        must_fail(a.and(b), ErrorKind::Conflict, "the rival's commit");
        let found = get(store, SPACE, &[round]).await;
        assert_eq!(found.as_deref(), Some(winner.as_bytes()), "the winner's value stays");
    }
}

/// Values of a mebibyte come back byte for byte, alone and in pages.
pub async fn large_values_come_back_whole(store: &dyn KvStore) {
    clear(store).await;
    let rng = SeededRng::new(11);
    let values: Vec<Bytes> = (0..4)
        .map(|_| {
            let mut value = vec![0; 1 << 20];
            rng.fill(&mut value);
            value.into()
        })
        .collect();
    commit(store, |b| {
        for (n, value) in values.iter().enumerate() {
            b.put(SPACE, format!("large-{n}"), value.clone());
        }
    })
    .await;
    for (n, value) in values.iter().enumerate() {
        let found = get(store, SPACE, format!("large-{n}").as_bytes()).await;
        assert!(found.as_ref() == Some(value), "a value of 1 MiB comes back as it was");
    }
    let paged: Vec<Bytes> = all(store, SPACE).await.into_iter().map(|(_, v)| v).collect();
    assert!(paged == values, "a page of large values holds them as they were");
}

/// A relaxed commit is visible at once.
pub async fn relaxed_commits_are_visible(store: &dyn KvStore) {
    clear(store).await;
    let mut batch = WriteBatch::new();
    batch.put(SPACE, "k", "v");
    must(store.commit(batch, Durability::Relaxed).await, "a relaxed commit");
    assert_eq!(get(store, SPACE, b"k").await.as_deref(), Some(&b"v"[..]), "a relaxed commit is read");
    let empty = store.commit(WriteBatch::new(), Durability::Relaxed).await;
    must(empty, "a commit of nothing");
}

/// A random history leaves what it leaves in a sorted map. Prints nothing; the same `seed` repeats it.
pub async fn agrees_with_a_sorted_map(store: &dyn KvStore, seed: u64) {
    clear(store).await;
    let rng = SeededRng::new(seed);
    let byte = |below: u8| {
        let mut one = [0];
        rng.fill(&mut one);
        one[0] % below
    };
    let key = || vec![byte(4); usize::from(byte(3))].into_iter().chain([byte(16)]).collect::<Vec<u8>>();
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for round in 0..150 {
        let mut batch = WriteBatch::new();
        for _ in 0..=byte(6) {
            match byte(8) {
                0..=4 => {
                    let (k, v) = (key(), vec![byte(255); usize::from(byte(20))]);
                    batch.put(SPACE, k.clone(), v.clone());
                    model.insert(k, v);
                }
                5 | 6 => {
                    let k = key();
                    batch.delete(SPACE, k.clone());
                    model.remove(&k);
                }
                _ => {
                    let (start, end) = (key(), key());
                    batch.delete_range(SPACE, KeyRange::half_open(start.clone(), end.clone()));
                    model.retain(|k, _| *k < start || *k >= end);
                }
            }
        }
        let durability = if byte(4) == 0 { Durability::Strict } else { Durability::Relaxed };
        must(store.commit(batch, durability).await, "a commit");
        let found = all(store, SPACE).await;
        let expected: Vec<Pair> = model.iter().map(|(k, v)| (k.clone().into(), v.clone().into())).collect();
        assert_eq!(found, expected, "round {round} of seed {seed} leaves what a sorted map has");
    }
}

/// A closed store answers `Unavailable`; closing it again is no error.
pub async fn closed_is_unavailable(store: &dyn KvStore) {
    must(store.close().await, "closing");
    must(store.close().await, "closing twice");
    let mut batch = WriteBatch::new();
    batch.put(SPACE, "k", "v");
    let closed = ErrorKind::Unavailable;
    must_fail(store.commit(batch, Durability::Strict).await, closed, "a commit to a closed store");
    must_fail(store.get(SPACE, b"k").await, closed, "a get from a closed store");
    must_fail(store.page(SPACE, KeyRange::all(), 1).await, closed, "a page from a closed store");
}

/// What was committed, strictly or not, is there after closing and reopening.
pub async fn commits_survive_reopening(reopen: &impl AsyncFn() -> Arc<dyn KvStore>) {
    let store = reopen().await;
    clear(&*store).await;
    let mut expected = Vec::new();
    for n in 0..40_u8 {
        let durability = if n % 3 == 0 { Durability::Strict } else { Durability::Relaxed };
        let mut batch = WriteBatch::new();
        batch.put(SPACE, vec![n], vec![n; 3000]);
        must(store.commit(batch, durability).await, "a commit");
        expected.push((Bytes::from(vec![n]), Bytes::from(vec![n; 3000])));
    }
    must(store.close().await, "closing");
    let store = reopen().await;
    assert!(all(&*store, SPACE).await == expected, "every commit survives closing and reopening");
    must(store.close().await, "closing");
}

/// What was deleted stays away after closing and reopening.
pub async fn deletions_survive_reopening(reopen: &impl AsyncFn() -> Arc<dyn KvStore>) {
    let store = reopen().await;
    clear(&*store).await;
    put_keys(&*store, &[b"a", b"b", b"c", b"d", b"e"]).await;
    must(store.close().await, "closing");
    let store = reopen().await;
    commit(&*store, |b| {
        b.delete(SPACE, "a").delete_range(SPACE, KeyRange::half_open("b", "d"));
    })
    .await;
    must(store.close().await, "closing");
    let store = reopen().await;
    assert_eq!(keys(&all(&*store, SPACE).await), [b"d", b"e"], "deletions survive closing and reopening");
    must(store.close().await, "closing");
}

/// A reopened store checks preconditions against what was committed before.
pub async fn preconditions_hold_after_reopening(reopen: &impl AsyncFn() -> Arc<dyn KvStore>) {
    let store = reopen().await;
    clear(&*store).await;
    commit(&*store, |b| _ = b.put(Keyspace::Meta, "epoch", "3")).await;
    must(store.close().await, "closing");
    let store = reopen().await;
    let mut batch = WriteBatch::new();
    batch.expect_value(Keyspace::Meta, "epoch", "2").put(SPACE, "k", "late");
    let result = store.commit(batch, Durability::Strict).await;
    must_fail(result, ErrorKind::Conflict, "a fenced writer's commit");
    commit(&*store, |b| _ = b.expect_value(Keyspace::Meta, "epoch", "3").put(SPACE, "k", "v")).await;
    must(store.close().await, "closing");
}
