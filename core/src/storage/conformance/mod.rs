//! What every store must do, as functions over any store: one function per promise of [`KvStore`] and of
//! the parts of [`ObjectStore`] the engine relies on.
//!
//! Each function panics with the promise that was broken. Each works on a store that may hold leftovers of
//! the others, so that they can be run one by one or, through the suites, all on one store. They name no
//! runtime: a back end calls them from whatever test harness its platform has.

pub mod blob;
pub mod kv;

use std::fmt::Display;
use std::sync::Arc;

use object_store::ObjectStore;

use crate::error::{Error, ErrorKind};
use crate::storage::kv::KvStore;

/// Every promise of [`KvStore`] on one open store, which is closed at the end.
pub async fn kv_suite(store: &dyn KvStore) {
    kv::values_come_back(store).await;
    kv::keys_and_values_are_any_bytes(store).await;
    kv::keyspaces_are_disjoint(store).await;
    kv::keys_come_in_byte_order(store).await;
    kv::pages_follow_one_another(store).await;
    kv::ranges_hold_their_bounds(store).await;
    kv::prefixes_are_ranges(store).await;
    kv::delete_range_removes_the_range_only(store).await;
    kv::batches_span_keyspaces(store).await;
    kv::mutations_apply_in_order(store).await;
    kv::preconditions_guard_the_whole_batch(store).await;
    kv::preconditions_see_the_state_before_the_batch(store).await;
    kv::one_of_two_rivals_wins(store).await;
    kv::large_values_come_back_whole(store).await;
    kv::relaxed_commits_are_visible(store).await;
    kv::agrees_with_a_sorted_map(store, 7).await;
    kv::closed_is_unavailable(store).await;
}

/// The promises that need a second opening. `reopen` opens the same store each time, at first as it is;
/// the store before is closed by then.
pub async fn kv_reopen_suite(reopen: impl AsyncFn() -> Arc<dyn KvStore>) {
    kv::commits_survive_reopening(&reopen).await;
    kv::deletions_survive_reopening(&reopen).await;
    kv::preconditions_hold_after_reopening(&reopen).await;
}

/// Every promise of a blob store that a server across a network can keep too.
pub async fn blob_suite(store: &dyn ObjectStore) {
    blob::blobs_come_back(store).await;
    blob::the_engines_names_work(store).await;
    blob::ranges_come_back(store).await;
    blob::many_ranges_come_back_in_order(store).await;
    blob::missing_blobs_are_not_found(store).await;
    blob::create_never_overwrites(store).await;
    blob::overwrite_replaces(store).await;
    blob::deleted_blobs_are_gone(store).await;
    blob::many_blobs_are_deleted(store).await;
    blob::lists_go_by_whole_path_parts(store).await;
    blob::lists_start_after_an_offset(store).await;
    blob::lists_one_level(store).await;
    blob::multipart_uploads_appear_whole(store).await;
    blob::aborted_uploads_leave_nothing(store).await;
    blob::copies_and_renames(store).await;
}

/// The value, or a panic that says what was being done.
#[track_caller]
#[expect(clippy::panic, reason = "a broken promise fails the test that runs the suite")]
fn must<T, E: Display>(result: Result<T, E>, doing: &str) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{doing} failed: {e}"),
    }
}

/// Panics unless `result` is an error of `kind`.
#[track_caller]
#[expect(clippy::panic, reason = "a broken promise fails the test that runs the suite")]
fn must_fail<T>(result: Result<T, Error>, kind: ErrorKind, doing: &str) {
    match result {
        Ok(_) => panic!("{doing} must fail with {kind}, but succeeded"),
        Err(e) => assert_eq!(e.kind(), kind, "{doing} must fail with {kind}, but failed with: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::MemoryKv;

    #[test]
    fn memory_kv_keeps_the_promises() {
        futures::executor::block_on(kv_suite(&MemoryKv::new()));
    }

    #[test]
    fn in_memory_blobs_keep_the_promises() {
        let store = object_store::memory::InMemory::new();
        futures::executor::block_on(async {
            blob_suite(&store).await;
            blob::one_of_many_creators_wins(&store).await;
            blob::directories_are_not_blobs(&store).await;
        });
    }

    #[test]
    #[should_panic(expected = "must fail with Conflict")]
    fn a_suite_can_fail() {
        must_fail(Ok(()), ErrorKind::Conflict, "this");
    }
}
