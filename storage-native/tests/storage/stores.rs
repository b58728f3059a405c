//! Directories that are stores, and those that are not.

use std::fs;
use std::path::Path as FsPath;

use firndb_core::storage::{KeyRange, Keyspace, Rng, Stores, WriteBatch};
use firndb_core::{Durability, ErrorKind};
use firndb_storage_native::{OsRng, blob_store, open, open_existing, open_read_only};
use futures::executor::block_on;
use object_store::ObjectStoreExt;
use object_store::path::Path;

fn fill(stores: &Stores) {
    let mut batch = WriteBatch::new();
    batch.put(Keyspace::Meta, "k", "v");
    block_on(stores.kv.commit(batch, Durability::Strict)).unwrap();
    block_on(stores.blobs.put(&Path::from("store.json"), "{}".into())).unwrap();
}

fn is_filled(stores: &Stores) -> bool {
    let key = block_on(stores.kv.get(Keyspace::Meta, b"k")).unwrap();
    key.is_some() && block_on(stores.blobs.head(&Path::from("store.json"))).is_ok()
}

fn entries(dir: &FsPath) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn an_absent_or_empty_directory_becomes_a_store() {
    let outer = tempfile::tempdir().unwrap();
    for dir in [outer.path().join("a/b/c"), tempfile::tempdir_in(outer.path()).unwrap().keep()] {
        assert_eq!(open_existing(&dir, None).unwrap_err().kind(), ErrorKind::NotFound);
        let stores = open(&dir, None).unwrap();
        fill(&stores);
        block_on(stores.kv.close()).unwrap();
        assert_eq!(entries(&dir), ["blobs", "firndb-store", "kv"]);
        for reopen in [open, open_existing, open_read_only] {
            let reopened = reopen(&dir, None).unwrap();
            assert!(is_filled(&reopened));
            block_on(reopened.kv.close()).unwrap();
        }
    }
}

#[test]
fn another_directory_is_refused_and_left_alone() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("photo.jpg"), "x").unwrap();
    let file = outer.path().join("photo.jpg");
    for dir in [outer.path(), &file] {
        let refused = open(dir, None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(refused.message().contains(dir.to_str().unwrap()), "{refused}");
        assert_eq!(open_existing(dir, None).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(open_read_only(dir, None).unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(entries(outer.path()), ["photo.jpg"]);
    let absent = outer.path().join("absent");
    assert_eq!(open_existing(&absent, None).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!absent.exists());
}

#[test]
fn a_store_of_another_layout_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("firndb-store"), "FirnDB store, layout 2\n").unwrap();
    assert_eq!(open(dir.path(), None).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_making_that_was_cut_short_is_taken_up() {
    for written in ["", "FirnDB st"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("firndb-store"), written).unwrap();
        assert_eq!(open_existing(dir.path(), None).unwrap_err().kind(), ErrorKind::NotFound);
        fill(&open(dir.path(), None).unwrap());
        assert!(is_filled(&open_existing(dir.path(), None).unwrap()));
    }
}

#[test]
fn an_open_store_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open(dir.path(), None).unwrap();
    fill(&stores);
    for again in [open(dir.path(), None), open_existing(dir.path(), None)] {
        let again = again.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Locked);
        assert!(again.message().contains(dir.path().to_str().unwrap()), "{again}");
    }
    assert!(is_filled(&open_read_only(dir.path(), None).unwrap()));
}

#[test]
fn a_lost_kv_part_opens_empty() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open(dir.path(), None).unwrap();
    fill(&stores);
    drop(stores);
    for lost in ["kv", "firndb-store"] {
        fs::remove_dir_all(dir.path().join("kv")).unwrap();
        _ = fs::remove_file(dir.path().join(lost));
        let stores = open_existing(dir.path(), None).unwrap();
        let keys = block_on(stores.kv.page(Keyspace::Meta, KeyRange::all(), 9)).unwrap();
        assert_eq!(keys, [], "the blobs alone are left");
        block_on(stores.blobs.head(&Path::from("store.json"))).unwrap();
    }
}

#[test]
fn blobs_can_be_at_a_url() {
    let outer = tempfile::tempdir().unwrap();
    let (dir, blobs) = (outer.path().join("store"), outer.path().join("elsewhere"));
    let url = url::Url::from_directory_path(&blobs).unwrap();
    fill(&open(&dir, Some(url.as_str())).unwrap());
    assert_eq!(entries(&dir), ["firndb-store", "kv"]);
    assert!(blobs.join("store.json").is_file());
    assert!(is_filled(&open_existing(&dir, Some(url.as_str())).unwrap()));
}

#[test]
fn what_is_no_url_of_a_blob_store_is_refused() {
    for url in ["", "blobs", "/var/blobs", "ftp://host/x", "https://example.com/x", "file://host/x", "s3://"]
    {
        let refused = blob_store(url).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{url}: {refused}");
        assert!(refused.message().contains("s3://bucket/prefix"), "the message says what is expected");
    }
    blob_store("memory:///").unwrap();
}

#[test]
fn random_bytes_differ() {
    let mut draws = [[0_u8; 16]; 2];
    draws.iter_mut().for_each(|draw| OsRng.fill(draw));
    assert_ne!(draws[0], draws[1]);
}
