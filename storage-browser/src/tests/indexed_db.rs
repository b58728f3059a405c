//! [`IndexedDbKv`] against its contract, and against what can happen to a connection.

use std::sync::Arc;

use firndb_core::storage::{KeyRange, Keyspace, KvStore, WriteBatch, conformance};
use firndb_core::{Durability, ErrorKind};
use futures::join;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Event, EventTarget};

use super::{fresh, javascript, must};
use crate::IndexedDbKv;

const SPACE: Keyspace = Keyspace::Hot;

async fn open(name: &str) -> IndexedDbKv {
    must(IndexedDbKv::open(name).await, "opening")
}

fn one(key: &'static str, value: &'static str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(SPACE, key, value);
    batch
}

/// Every call of a store that has ended is `Unavailable`, and closing it is no error.
async fn assert_ended(store: &IndexedDbKv, why: &str) {
    let ended = |kind: Option<ErrorKind>, what: &str| {
        assert_eq!(kind, Some(ErrorKind::Unavailable), "{what} after {why}");
    };
    ended(store.get(SPACE, b"k").await.err().map(|e| e.kind()), "a get");
    ended(store.page(SPACE, KeyRange::all(), 1).await.err().map(|e| e.kind()), "a page");
    for durability in [Durability::Strict, Durability::Relaxed] {
        ended(store.commit(one("k", "late"), durability).await.err().map(|e| e.kind()), "a commit");
    }
    must(store.close().await, "closing what has ended");
}

#[wasm_bindgen_test]
async fn keeps_the_promises_of_a_key_value_store() {
    fresh("kv-suite").await;
    conformance::kv_suite(&open("kv-suite").await).await;
    let reopen = async || Arc::new(open("kv-suite").await) as Arc<dyn KvStore>;
    conformance::kv_reopen_suite(reopen).await;
}

#[wasm_bindgen_test]
async fn stores_are_apart() {
    let names = ["apart", "apart/x", "Apart", "\u{e9}", "e\u{301}", "😀"];
    for name in names {
        fresh(name).await;
        let mut batch = WriteBatch::new();
        batch.expect_absent(SPACE, "name").put(SPACE, "name", name);
        must(open(name).await.commit(batch, Durability::Strict).await, name);
    }
    for name in names {
        let found = must(open(name).await.get(SPACE, b"name").await, name);
        assert_eq!(found.as_deref(), Some(name.as_bytes()), "the store {name} has its own pair");
        fresh(name).await;
    }
    for name in ["", &"x".repeat(129)] {
        let refused = IndexedDbKv::open(name).await.err().map(|e| e.kind());
        assert_eq!(refused, Some(ErrorKind::InvalidInput), "a name of {} bytes", name.len());
    }
}

#[wasm_bindgen_test]
async fn connections_fence_each_other() {
    fresh("fence").await;
    let (old, new) = (open("fence").await, open("fence").await);
    let raise = |from: Option<&'static str>, to: &'static str| {
        let mut batch = WriteBatch::new();
        match from {
            Some(from) => batch.expect_value(Keyspace::Meta, "epoch", from),
            None => batch.expect_absent(Keyspace::Meta, "epoch"),
        };
        batch.put(Keyspace::Meta, "epoch", to);
        batch
    };
    must(old.commit(raise(None, "1"), Durability::Strict).await, "the first epoch");
    must(new.commit(raise(Some("1"), "2"), Durability::Strict).await, "the second epoch");
    let late = old.commit(raise(Some("1"), "1"), Durability::Strict).await;
    assert_eq!(late.err().map(|e| e.kind()), Some(ErrorKind::Conflict), "the commit of one that was fenced");
    for round in 0..16_u8 {
        let rival = |value: &'static str| {
            let mut batch = WriteBatch::new();
            batch.expect_absent(SPACE, vec![round]).put(SPACE, vec![round], value);
            batch
        };
        let (a, b) = join!(
            old.commit(rival("old"), Durability::Strict),
            new.commit(rival("new"), Durability::Relaxed)
        );
        assert_ne!(a.is_ok(), b.is_ok(), "exactly one of two connections commits");
    }
}

#[wasm_bindgen_test]
async fn gives_way_to_a_deletion() {
    fresh("gives-way").await;
    let store = open("gives-way").await;
    must(store.commit(one("k", "v"), Durability::Strict).await, "a commit");
    // Commits under way when the database is deleted end before it is.
    let (committed, deleted) =
        join!(store.commit(one("k", "w"), Durability::Strict), crate::delete("gives-way"));
    must(committed, "a commit under way");
    must(deleted, "deleting");
    assert_ended(&store, "the deletion of its database").await;
    let again = open("gives-way").await;
    assert_eq!(must(again.get(SPACE, b"k").await, "a get"), None, "a deleted store is empty");
}

#[wasm_bindgen_test]
async fn gives_way_to_a_later_version() {
    fresh("upgraded").await;
    let store = open("upgraded").await;
    must(store.commit(one("k", "v"), Durability::Relaxed).await, "a commit");
    javascript(
        "const request = indexedDB.open('firndb/upgraded', 2)
         const db = await new Promise((yes, no) => { request.onsuccess = () => yes(request.result); request.onerror = no })
         db.close()",
    )
    .await;
    assert_ended(&store, "an upgrade").await;
    let refused = IndexedDbKv::open("upgraded").await.err().map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::Unsupported), "opening what a later version made");
    fresh("upgraded").await;
}

#[wasm_bindgen_test]
async fn ends_when_the_browser_takes_it_away() {
    fresh("taken-away").await;
    let store = open("taken-away").await;
    must(store.commit(one("k", "v"), Durability::Strict).await, "a commit");
    // Browsers send this when the user clears the site's data. They have closed the connection by then.
    let database = store.connection().database();
    database.close();
    must(
        database
            .unchecked_ref::<EventTarget>()
            .dispatch_event(&Event::new("close").unwrap())
            .map_err(|e| format!("{e:?}")),
        "sending the event",
    );
    assert_ended(&store, "the browser closed it").await;
    let again = open("taken-away").await;
    assert!(must(again.get(SPACE, b"k").await, "a get").is_some(), "what was committed is still there");
}

#[wasm_bindgen_test]
async fn a_failed_transaction_ends_the_commits() {
    fresh("failed").await;
    let store = open("failed").await;
    must(store.commit(one("k", "v"), Durability::Strict).await, "a commit");
    // As if the connection had broken under a commit: no event has said so.
    store.connection().database().close();
    let refused = store.commit(one("k", "w"), Durability::Strict).await.err().map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::Unavailable), "a commit on a broken connection");
    let refused = store.get(SPACE, b"k").await.err().map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::Unavailable), "a get on a broken connection");
}

#[wasm_bindgen_test]
async fn a_deletion_that_somebody_blocks_is_locked() {
    fresh("blocked").await;
    drop(open("blocked").await);
    javascript(
        "const request = indexedDB.open('firndb/blocked')
         globalThis.holder = await new Promise(yes => { request.onsuccess = () => yes(request.result) })",
    )
    .await;
    let refused = crate::delete("blocked").await.err().map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::Locked), "deleting what another holds");
    javascript("globalThis.holder.close()").await;
    fresh("blocked").await;
}

#[wasm_bindgen_test]
async fn a_value_that_is_no_bytes_is_corrupt() {
    fresh("corrupt").await;
    let store = open("corrupt").await;
    javascript(
        "const request = indexedDB.open('firndb/corrupt')
         const db = await new Promise(yes => { request.onsuccess = () => yes(request.result) })
         const tx = db.transaction('hot', 'readwrite')
         tx.objectStore('hot').put('text', new Uint8Array([107]))
         await new Promise(yes => { tx.oncomplete = yes })
         db.close()",
    )
    .await;
    let corrupt = Some(ErrorKind::Corrupt);
    assert_eq!(store.get(SPACE, b"k").await.err().map(|e| e.kind()), corrupt, "a get");
    assert_eq!(store.page(SPACE, KeyRange::all(), 9).await.err().map(|e| e.kind()), corrupt, "a page");
}
