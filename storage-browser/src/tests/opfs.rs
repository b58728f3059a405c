//! [`OpfsBlobs`] against its contract, and against writers that die.

use firndb_core::{Error, ErrorKind};
use futures::{TryStreamExt, join};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, RenameOptions, RenameTargetMode};
use wasm_bindgen_test::wasm_bindgen_test;

use firndb_core::storage::conformance;

use super::{fresh, javascript, must, wait_ms};
use crate::OpfsBlobs;

async fn open(name: &str) -> OpfsBlobs {
    must(OpfsBlobs::open(name).await, "opening")
}

async fn listed(store: &OpfsBlobs) -> Vec<String> {
    let all = must(store.list(None).try_collect::<Vec<_>>().await, "listing");
    all.into_iter().map(|meta| meta.location.to_string()).collect()
}

async fn content(store: &OpfsBlobs, path: &str) -> Vec<u8> {
    let found = must(store.get(&Path::from(path)).await, path);
    must(found.bytes().await, path).to_vec()
}

fn create() -> PutOptions {
    PutMode::Create.into()
}

/// The names of the temporary files of the store `name`, one a line.
async fn temporaries(name: &str) -> String {
    let script = format!(
        "let dir = await navigator.storage.getDirectory()
         for (const part of ['firndb', '{name}', '.firndb-temp']) dir = await dir.getDirectoryHandle(part)
         const names = []
         for await (const name of dir.keys()) names.push(name)
         return names.join('\\n')"
    );
    javascript(&script).await.as_string().unwrap()
}

#[wasm_bindgen_test]
async fn keeps_the_promises_of_a_blob_store() {
    fresh("blob-suite").await;
    let store = open("blob-suite").await;
    conformance::blob_suite(&store).await;
    conformance::blob::one_of_many_creators_wins(&store).await;
    conformance::blob::directories_are_not_blobs(&store).await;
    wait_ms(50).await;
    assert_eq!(temporaries("blob-suite").await, "", "no temporary file stays");
}

#[wasm_bindgen_test]
async fn blobs_survive_reopening() {
    fresh("reopen").await;
    let path = Path::from("a/b/c");
    must(open("reopen").await.put(&path, "content".into()).await, "a put");
    let store = open("reopen").await;
    assert_eq!(content(&store, "a/b/c").await, b"content");
    fresh("reopen").await;
    assert!(listed(&open("reopen").await).await.is_empty(), "a deleted store is empty");
}

#[wasm_bindgen_test]
async fn of_creators_in_two_contexts_one_wins() {
    fresh("contexts").await;
    let (a, b) = (open("contexts").await, open("contexts").await);
    for round in 0..8 {
        let path = Path::from(format!("rivals/{round}"));
        let (first, second) =
            join!(a.put_opts(&path, "a".into(), create()), b.put_opts(&path, "b".into(), create()));
        assert_ne!(first.is_ok(), second.is_ok(), "exactly one of two stores creates {path}");
        let winner = if first.is_ok() { b"a" } else { b"b" };
        assert_eq!(content(&b, path.as_ref()).await, winner, "the winner's content stays");
    }
}

#[wasm_bindgen_test]
async fn an_open_blob_can_be_replaced_renamed_and_deleted() {
    fresh("open-blobs").await;
    let store = open("open-blobs").await;
    let path = Path::from("dir/blob");
    let other = Path::from("dir/other");
    for round in 0..3_u8 {
        must(store.put(&path, vec![round; 100].into()).await, "a put over an open blob");
        let range = must(store.get_range(&path, 10..20).await, "a range");
        assert_eq!(range, vec![round; 10], "ranges are those of the last put");
    }
    must(store.rename(&path, &other).await, "renaming an open blob");
    assert_eq!(
        must(store.get_range(&other, 0..2).await, "a range"),
        vec![2; 2],
        "the other name has its content"
    );
    assert!(store.get_range(&path, 0..1).await.is_err(), "the old name has none");
    must(store.put(&path, "x".into()).await, "a put");
    let options = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
    assert!(
        store.rename_opts(&path, &other, options).await.is_err(),
        "a rename that creates replaces nothing"
    );
    must(store.rename(&path, &other).await, "renaming over an open blob");
    assert_eq!(content(&store, "dir/other").await, b"x");
    must(store.delete(&other).await, "deleting an open blob");
    assert!(store.get_range(&other, 0..1).await.is_err(), "a deleted blob is gone");
}

#[wasm_bindgen_test]
async fn many_blobs_are_read_with_few_handles() {
    fresh("handles").await;
    let store = open("handles").await;
    for n in 0..300_u32 {
        must(store.put(&Path::from(format!("many/{n}")), n.to_le_bytes().to_vec().into()).await, "a put");
    }
    for round in 0..2 {
        for n in 0..300_u32 {
            let found = must(store.get_range(&Path::from(format!("many/{n}")), 0..4).await, "a range");
            assert_eq!(found, n.to_le_bytes().to_vec(), "blob {n} in round {round}");
        }
    }
}

#[wasm_bindgen_test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    fresh("dropped").await;
    let store = open("dropped").await;
    let path = Path::from("dropped");
    let mut upload = must(store.put_multipart(&path).await, "starting an upload");
    must(upload.put_part(vec![1; 1000].into()).await, "a part");
    assert!(listed(&store).await.is_empty(), "an upload is not listed");
    drop(upload);
    wait_ms(50).await;
    assert_eq!(temporaries("dropped").await, "", "a dropped upload leaves no file");
}

/// A worker that is killed between writing a file and naming it.
#[wasm_bindgen_test]
async fn what_a_killed_writer_leaves_is_removed() {
    fresh("killed").await;
    let store = open("killed").await;
    must(store.put(&Path::from("a"), "a".into()).await, "a put");
    drop(store);
    javascript(
        "const source = `(async () => {
             let dir = await navigator.storage.getDirectory()
             for (const part of ['firndb', 'killed', '.firndb-temp']) dir = await dir.getDirectoryHandle(part)
             const file = await dir.getFileHandle('0000000000000001-0', { create: true })
             const access = await file.createSyncAccessHandle()
             access.write(new Uint8Array(1000), { at: 0 })
             access.flush()
             postMessage('written')
         })()`
         const worker = new Worker(URL.createObjectURL(new Blob([source])))
         await new Promise((yes, no) => { worker.onmessage = yes; worker.onerror = no })
         globalThis.writer = worker",
    )
    .await;
    let store = open("killed").await;
    assert_ne!(temporaries("killed").await, "", "a writer that lives keeps its file");
    assert_eq!(listed(&store).await, ["a"], "a file on its way is not listed");
    assert!(store.get(&Path::from(".firndb-temp/0000000000000001-0")).await.is_err(), "nor read");
    drop(store);
    javascript("globalThis.writer.terminate()").await;
    for _ in 0..100 {
        wait_ms(20).await;
        drop(open("killed").await);
        if temporaries("killed").await.is_empty() {
            assert_eq!(listed(&open("killed").await).await, ["a"], "blobs stay");
            return;
        }
    }
    panic!("the file of a killed writer stays");
}

#[wasm_bindgen_test]
async fn a_store_with_an_open_file_is_not_deleted() {
    fresh("held").await;
    let store = open("held").await;
    must(store.put(&Path::from("a"), "a".into()).await, "a put");
    must(store.get_range(&Path::from("a"), 0..1).await, "a range");
    let refused = OpfsBlobs::delete("held").await.err().map(|e| e.kind());
    assert_eq!(refused, Some(ErrorKind::Locked), "deleting what is open");
    drop(store);
    must(OpfsBlobs::delete("held").await, "deleting what is not");
    must(OpfsBlobs::delete("held").await, "deleting what is not there");
}

#[wasm_bindgen_test]
async fn names_that_no_blob_can_have_are_refused() {
    fresh("names").await;
    let store = open("names").await;
    for name in ["", ".firndb-temp", ".firndb-temp/x"] {
        assert!(store.put(&Path::from(name), "x".into()).await.is_err(), "a blob '{name}'");
    }
    must(store.put(&Path::from("dir/.firndb-temp"), "x".into()).await, "the name deeper down");
    must(store.put(&Path::from("plain"), "x".into()).await, "a put");
    let below = store.put(&Path::from("plain/below"), "x".into()).await;
    assert!(below.is_err(), "a blob below a blob");
    let above = store.put(&Path::from("dir"), "x".into()).await;
    assert!(above.is_err(), "a blob in the place of a directory");
    assert_eq!(listed(&store).await, ["dir/.firndb-temp", "plain"]);
}

#[wasm_bindgen_test]
async fn quota_becomes_a_limit() {
    let thrown = crate::js::Thrown::new("QuotaExceededError", "full");
    let error: Error = crate::opfs::failure(&Path::from("a/b"), thrown).into();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    let thrown = crate::js::Thrown::new("NoModificationAllowedError", "locked");
    let error: Error = crate::opfs::failure(&Path::from("a/b"), thrown).into();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
