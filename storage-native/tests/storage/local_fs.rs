//! The filesystem: the suite, and what happens in the directory.

use std::fs;
use std::path::Path as FsPath;

use firndb_core::storage::conformance::{blob, blob_suite};
use firndb_storage_native::LocalFs;
use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode};

const TEMP: &str = ".firndb-temp";

fn put(store: &LocalFs, path: &str, content: &str) -> object_store::Result<()> {
    block_on(store.put(&Path::from(path), content.to_owned().into())).map(drop)
}

fn read(store: &LocalFs, path: &str) -> object_store::Result<String> {
    let bytes = block_on(async { store.get(&Path::from(path)).await?.bytes().await })?;
    Ok(String::from_utf8(bytes.into()).unwrap())
}

fn list(store: &LocalFs) -> Vec<String> {
    let metas: Vec<_> = block_on(store.list(None).try_collect()).unwrap();
    metas.into_iter().map(|m| m.location.to_string()).collect()
}

fn temp_files(root: &FsPath) -> usize {
    fs::read_dir(root.join(TEMP)).unwrap().filter(|e| e.as_ref().unwrap().file_name() != "lock").count()
}

#[test]
fn keeps_the_promises() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    block_on(async {
        blob_suite(&store).await;
        blob::one_of_many_creators_wins(&store).await;
        blob::directories_are_not_blobs(&store).await;
    });
    assert_eq!(temp_files(dir.path()), 0, "no temporary file is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_promises_on_a_runtime_with_threads() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    tokio::spawn(async move { blob_suite(&store).await }).await.unwrap();
}

#[test]
fn of_creators_in_many_threads_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    // Two openings of one directory, as two processes have it.
    let stores = [LocalFs::open(dir.path()).unwrap(), LocalFs::open(dir.path()).unwrap()];
    for round in 0..20 {
        let path = Path::from(format!("deep/{round}/manifest-1.json"));
        let winners: Vec<String> = std::thread::scope(|scope| {
            let rivals = (0..8).map(|n| {
                let (store, path) = (&stores[n % 2], &path);
                scope.spawn(move || {
                    let content = format!("rival {n}");
                    let put = store.put_opts(path, content.clone().into(), PutMode::Create.into());
                    match block_on(put) {
                        Ok(_) => Some(content),
                        Err(Error::AlreadyExists { .. }) => None,
                        Err(e) => panic!("{e}"),
                    }
                })
            });
            let rivals: Vec<_> = rivals.collect();
            rivals.into_iter().filter_map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(winners, [read(&stores[0], path.as_ref()).unwrap()]);
    }
}

#[test]
fn readers_see_the_old_or_the_new_blob_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    let versions = ["a".repeat(300_000), "b".repeat(200_000)];
    put(&store, "manifest.json", &versions[0]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..60 {
                put(&store, "manifest.json", &versions[n % 2]).unwrap();
            }
        });
        while !writer.is_finished() {
            assert!(versions.contains(&read(&store, "manifest.json").unwrap()));
        }
    });
}

#[test]
fn leftovers_go_at_an_opening_that_is_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = LocalFs::open(dir.path()).unwrap();
    put(&first, "kept", "x").unwrap();
    let leftover = dir.path().join(TEMP).join("1-1");
    fs::write(&leftover, "half a blo").unwrap();
    assert_eq!(list(&first), ["kept"]);
    let second = LocalFs::open(dir.path()).unwrap();
    assert!(leftover.exists(), "it may be a blob that another writer is about to finish");
    drop((first, second));
    let third = LocalFs::open(dir.path()).unwrap();
    assert!(!leftover.exists());
    assert_eq!(list(&third), ["kept"]);
}

#[test]
fn no_name_leads_out_of_the_directory() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    fs::write(outer.path().join("secret"), "x").unwrap();
    let store = LocalFs::open(&root).unwrap();
    assert!(Path::parse("../secret").is_err(), "object_store has no such path");
    put(&store, "../secret", "encoded").unwrap();
    assert_eq!(read(&store, "../secret").unwrap(), "encoded");
    assert_eq!(fs::read_to_string(outer.path().join("secret")).unwrap(), "x");
    for hidden in [format!("{TEMP}/lock"), format!("{TEMP}/new"), String::new()] {
        let path = Path::parse(&hidden).unwrap();
        assert!(block_on(store.put(&path, "x".into())).is_err(), "'{hidden}' is no blob");
        assert!(block_on(store.get(&path)).is_err(), "'{hidden}' is no blob");
        assert!(block_on(store.delete(&path)).is_err(), "'{hidden}' is no blob");
    }
}

#[test]
fn a_name_below_a_blob_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    put(&store, "a", "blob").unwrap();
    assert!(put(&store, "a/b", "below").is_err());
    assert!(matches!(read(&store, "a/b").unwrap_err(), Error::NotFound { .. }));
    put(&store, "d/e", "blob").unwrap();
    assert!(put(&store, "d", "a directory is there").is_err());
    assert_eq!((list(&store), temp_files(dir.path())), (vec!["a".to_owned(), "d/e".to_owned()], 0));
}

#[test]
fn a_reader_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(LocalFs::open_read_only(&dir.path().join("none")), Err(Error::NotFound { .. })));
    fs::write(dir.path().join("blob"), "x").unwrap();
    let store = LocalFs::open_read_only(dir.path()).unwrap();
    assert_eq!(read(&store, "blob").unwrap(), "x");
    let path = Path::from("blob");
    let other = Path::from("dir/other");
    let refused = [
        put(&store, "dir/other", "x"),
        block_on(store.delete(&path)),
        block_on(store.copy(&path, &other)),
        block_on(store.rename(&path, &other)),
        block_on(store.put_multipart(&other)).map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::PermissionDenied { .. })), "{result:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn tags_tell_versions_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    let path = Path::from("manifest.json");
    let first = block_on(store.put(&path, "one".into())).unwrap().e_tag;
    assert_eq!(block_on(store.head(&path)).unwrap().e_tag, first);
    let again = GetOptions::new().with_if_none_match(first.clone());
    assert!(matches!(block_on(store.get_opts(&path, again)), Err(Error::NotModified { .. })));
    let second = block_on(store.put(&path, "two".into())).unwrap().e_tag;
    assert_ne!(first, second);
    let old = GetOptions::new().with_if_match(first);
    assert!(matches!(block_on(store.get_opts(&path, old)), Err(Error::Precondition { .. })));
}

#[test]
fn an_upload_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalFs::open(dir.path()).unwrap();
    let path = Path::from("big");
    block_on(async {
        let mut upload = store.put_multipart(&path).await.unwrap();
        upload.put_part("part".into()).await.unwrap();
        assert_eq!(temp_files(dir.path()), 1);
        drop(upload);
        assert_eq!(temp_files(dir.path()), 0);

        let mut upload = store.put_multipart(&path).await.unwrap();
        drop(upload.put_part("never written".into()));
        assert!(upload.complete().await.is_err(), "a part is missing");
        let mut upload = store.put_multipart(&path).await.unwrap();
        let (a, b) = (upload.put_part("first ".into()), upload.put_part("second".into()));
        b.await.unwrap();
        a.await.unwrap();
        upload.complete().await.unwrap();
    });
    assert_eq!(read(&store, "big").unwrap(), "first second");
}
