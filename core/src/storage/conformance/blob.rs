//! The promises of [`ObjectStore`] that the engine relies on.

use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::future::join_all;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::must;
use crate::storage::clock::{Rng, SeededRng};

async fn put(store: &dyn ObjectStore, path: &str, content: impl Into<Bytes>) {
    let content: Bytes = content.into();
    must(store.put(&Path::from(path), content.into()).await, &format!("putting {path}"));
}

async fn get(store: &dyn ObjectStore, path: &str) -> Bytes {
    let doing = format!("getting {path}");
    must(must(store.get(&Path::from(path)).await, &doing).bytes().await, &doing)
}

/// Every path under `prefix`, sorted.
async fn list(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let listed = store.list(Some(&Path::from(prefix))).try_collect::<Vec<_>>().await;
    let mut paths: Vec<String> =
        must(listed, &format!("listing {prefix}")).into_iter().map(|m| m.location.to_string()).collect();
    paths.sort();
    paths
}

/// Removes what an earlier run may have left under `prefix`.
async fn clear(store: &dyn ObjectStore, prefix: &str) {
    for path in list(store, prefix).await {
        must(store.delete(&Path::from(path.as_str())).await, &format!("deleting {path}"));
    }
}

/// Bytes that differ from place to place, so that a wrong offset shows.
fn noise(len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    SeededRng::new(len as u64).fill(&mut bytes);
    bytes.into()
}

fn create() -> PutOptions {
    PutMode::Create.into()
}

/// A blob is read as it was put, and its head says its size.
pub async fn blobs_come_back(store: &dyn ObjectStore) {
    for (path, len) in [("back/empty", 0), ("back/small", 5), ("back/large", 3 << 20)] {
        let content = noise(len);
        put(store, path, content.clone()).await;
        assert!(get(store, path).await == content, "{path} comes back as it was put");
        let head = must(store.head(&Path::from(path)).await, "a head");
        assert_eq!(head.size, len as u64, "the head of {path} says its size");
    }
}

/// Every shape of name that the engine gives to blobs.
pub async fn the_engines_names_work(store: &dyn ObjectStore) {
    let long =
        format!("app/messages-00000007/x-{}/batch-1.parquet", "0123456789abcdefghijklmnopqrstuv".repeat(3));
    let names = [
        "store.json",
        "app/messages-00000007/table-1.json",
        "app/messages-00000007/u-alice/batch-9.parquet",
        "app/messages-00000007/u-alice/batch-9.sum",
        "app/messages-00000007/u-alice/deletes-10.dv",
        "app/messages-00000007/u-alice/manifest-00000000000000000011.json",
        "app/messages-00000007/u-alice/manifest.json",
        "app/messages-00000007/u-alice-2_b/batch-1.parquet",
        "app/messages-00000007/shared/batch-18446744073709551615.parquet",
        "x-64p0/x-c5h0-0000000a/x-/batch-1.parquet",
        long.as_str(),
    ];
    for name in names {
        put(store, name, name.to_owned()).await;
    }
    for name in names {
        assert_eq!(get(store, name).await, name.as_bytes(), "the blob {name} has its own content");
    }
    let scope = list(store, "app/messages-00000007/u-alice").await;
    assert_eq!(scope, names[2..7], "the directory of one scope holds its blobs only");
    for name in names {
        must(store.delete(&Path::from(name)).await, &format!("deleting {name}"));
    }
}

/// Ranges by start and end, from an offset, and at the end; past the end they are cut, or refused when
/// nothing is left.
pub async fn ranges_come_back(store: &dyn ObjectStore) {
    let content = noise(100_000);
    put(store, "range/blob", content.clone()).await;
    let path = Path::from("range/blob");
    let cases = [
        (GetRange::Bounded(0..1), 0..1),
        (GetRange::Bounded(65_530..65_550), 65_530..65_550),
        (GetRange::Bounded(99_999..100_000), 99_999..100_000),
        (GetRange::Bounded(0..100_000), 0..100_000),
        (GetRange::Bounded(99_990..100_050), 99_990..100_000),
        (GetRange::Offset(99_000), 99_000..100_000),
        (GetRange::Suffix(8), 99_992..100_000),
    ];
    for (asked, expected) in cases {
        let options = GetOptions::new().with_range(Some(asked.clone()));
        let result = must(store.get_opts(&path, options).await, &format!("getting {asked:?}"));
        assert_eq!(result.meta.size, 100_000, "a range read says the size of the blob");
        assert_eq!(result.range, slice_range(&expected), "{asked:?} says which bytes it gives");
        let found = must(result.bytes().await, &format!("getting {asked:?}"));
        assert!(found == content.slice(expected), "{asked:?} gives the bytes at that place");
    }
    let past = store.get_range(&path, 100_000..100_001).await;
    assert!(past.is_err(), "a range that starts at the end of the blob is an error");
}

fn slice_range(range: &Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

/// Many ranges of one blob come back in the order asked for, overlapping or not.
pub async fn many_ranges_come_back_in_order(store: &dyn ObjectStore) {
    let content = noise(3 << 20);
    put(store, "ranges/blob", content.clone()).await;
    let path = Path::from("ranges/blob");
    let asked = [2_500_000..2_500_100, 0..10, 5..20, 1_000_000..2_200_000, 0..10, (3 << 20) - 1..3 << 20];
    let ranges: Vec<Range<u64>> = asked.iter().map(slice_range).collect();
    let found = must(store.get_ranges(&path, &ranges).await, "getting ranges");
    assert_eq!(found.len(), asked.len(), "as many pieces as ranges");
    for (piece, range) in found.iter().zip(asked) {
        assert!(*piece == content.slice(range.clone()), "the piece of {range:?} is in its place");
    }
    let none = must(store.get_ranges(&path, &[]).await, "getting no ranges");
    assert!(none.is_empty(), "no ranges give no pieces");
}

/// What is not there is `NotFound`, however it is asked for, and lists as nothing.
pub async fn missing_blobs_are_not_found(store: &dyn ObjectStore) {
    put(store, "missing/there/blob", "x").await;
    for name in ["missing/none", "missing/there/blob-2", "missing/none/deeper"] {
        let path = Path::from(name);
        let not_found = |e: Error| matches!(e, Error::NotFound { .. });
        assert!(store.get(&path).await.is_err_and(not_found), "getting {name} is NotFound");
        assert!(store.head(&path).await.is_err_and(not_found), "the head of {name} is NotFound");
        assert!(store.get_range(&path, 0..1).await.is_err_and(not_found), "a range of {name} is NotFound");
        let one: Range<u64> = 0..1;
        let ranges = store.get_ranges(&path, &[one]).await;
        assert!(ranges.is_err_and(not_found), "ranges of {name} are NotFound");
    }
    assert_eq!(list(store, "missing/none").await, [""; 0], "a prefix that is not there lists nothing");
    let target = Path::from("missing/copy");
    let copied = store.copy(&Path::from("missing/none"), &target).await;
    assert!(
        copied.is_err_and(|e| matches!(e, Error::NotFound { .. })),
        "copying what is missing is NotFound"
    );
    assert!(store.head(&target).await.is_err(), "a failed copy leaves nothing");
}

/// What is only the beginning of other names is no blob. Apart from [`super::blob_suite`], because small S3
/// servers for tests keep blobs as files, and show their directories.
pub async fn directories_are_not_blobs(store: &dyn ObjectStore) {
    put(store, "directory/there/blob", "x").await;
    for name in ["directory", "directory/there"] {
        let path = Path::from(name);
        let not_found = |e: Error| matches!(e, Error::NotFound { .. });
        assert!(store.get(&path).await.is_err_and(not_found), "getting {name} is NotFound");
        assert!(store.head(&path).await.is_err_and(not_found), "the head of {name} is NotFound");
        assert!(store.get_range(&path, 0..1).await.is_err_and(not_found), "a range of {name} is NotFound");
    }
}

/// `PutMode::Create` puts what is not there and refuses what is, leaving it as it was.
pub async fn create_never_overwrites(store: &dyn ObjectStore) {
    clear(store, "create").await;
    let path = Path::from("create/manifest-1.json");
    must(store.put_opts(&path, "first".into(), create()).await, "creating");
    for content in ["second, which is longer", "2", "first", ""] {
        let again = store.put_opts(&path, content.into(), create()).await;
        let refused = again.is_err_and(|e| matches!(e, Error::AlreadyExists { .. }));
        assert!(refused, "creating what is there is AlreadyExists");
        assert_eq!(get(store, path.as_ref()).await, "first", "a refused create changes nothing");
    }
    assert_eq!(list(store, "create").await, [path.as_ref()], "a refused create leaves nothing else behind");
    must(store.delete(&path).await, "deleting");
    must(store.put_opts(&path, "third".into(), create()).await, "creating what was deleted");
    assert_eq!(get(store, path.as_ref()).await, "third", "a deleted name is free");
}

/// Of many creators of one name one wins, and its content stays. Apart from [`super::blob_suite`], because
/// small S3 servers for tests look before they write instead of deciding at once.
pub async fn one_of_many_creators_wins(store: &dyn ObjectStore) {
    clear(store, "rivals").await;
    for round in 0..8 {
        let path = Path::from(format!("rivals/{round}"));
        let rivals = (0..8).map(|n| {
            let path = path.clone();
            async move { (n, store.put_opts(&path, format!("rival {n}").into(), create()).await) }
        });
        let winners: Vec<i32> =
            join_all(rivals).await.into_iter().filter(|(_, r)| r.is_ok()).map(|(n, _)| n).collect();
        assert_eq!(winners.len(), 1, "one of the creators wins");
        let content = get(store, path.as_ref()).await;
        assert_eq!(content, format!("rival {}", winners[0]), "the winner's content stays");
    }
}

/// A plain put replaces what is there, also by something shorter.
pub async fn overwrite_replaces(store: &dyn ObjectStore) {
    for content in ["a longer first version", "second", "", "third"] {
        put(store, "overwrite/manifest.json", content).await;
        assert_eq!(get(store, "overwrite/manifest.json").await, content, "the last put stands");
    }
    assert_eq!(list(store, "overwrite").await, ["overwrite/manifest.json"], "replacing adds no blob");
}

/// A deleted blob is gone; deleting what is not there succeeds or is `NotFound`.
pub async fn deleted_blobs_are_gone(store: &dyn ObjectStore) {
    put(store, "delete/a", "a").await;
    put(store, "delete/b", "b").await;
    let path = Path::from("delete/a");
    must(store.delete(&path).await, "deleting");
    let gone = store.get(&path).await.is_err_and(|e| matches!(e, Error::NotFound { .. }));
    assert!(gone, "a deleted blob is NotFound");
    assert_eq!(list(store, "delete").await, ["delete/b"], "a deleted blob is not listed, its neighbour is");
    if let Err(e) = store.delete(&path).await {
        assert!(matches!(e, Error::NotFound { .. }), "deleting what is not there failed with {e}");
    }
}

/// A stream of paths is deleted and answered in its order.
pub async fn many_blobs_are_deleted(store: &dyn ObjectStore) {
    let paths: Vec<Path> = (0..70).map(|n| Path::from(format!("many/{}/{n:02}", n % 3))).collect();
    for path in &paths {
        put(store, path.as_ref(), "x").await;
    }
    put(store, "many/0/kept", "x").await;
    let doomed = futures::stream::iter(paths.clone().into_iter().map(Ok));
    let deleted = store.delete_stream(Box::pin(doomed)).try_collect::<Vec<_>>().await;
    assert_eq!(must(deleted, "deleting a stream"), paths, "each path is answered, in order");
    assert_eq!(list(store, "many").await, ["many/0/kept"], "what was in the stream is gone, and no more");
}

/// A prefix stands for whole path parts, at any depth, and not for itself.
pub async fn lists_go_by_whole_path_parts(store: &dyn ObjectStore) {
    clear(store, "list").await;
    for name in ["a/u-al/1", "a/u-alice/1", "a/u-alice/2", "a/u-alice/deep/er/3", "a/u-alice2/1", "b"] {
        put(store, &format!("list/{name}"), name.to_owned()).await;
    }
    let found = list(store, "list/a/u-alice").await;
    let expected = ["list/a/u-alice/1", "list/a/u-alice/2", "list/a/u-alice/deep/er/3"];
    assert_eq!(found, expected, "one directory, with what is below it, and none that starts like it");
    assert_eq!(list(store, "list/b").await, [""; 0], "a blob is not under itself");
    assert_eq!(list(store, "list").await.len(), 6, "the directory above holds all");
    let all = must(store.list(None).try_collect::<Vec<_>>().await, "listing everything");
    let listed = all.iter().find(|m| m.location.as_ref() == "list/a/u-alice2/1");
    assert_eq!(listed.map(|m| m.size), Some(12), "listing everything gives paths and sizes");
}

/// A list can start after a path.
pub async fn lists_start_after_an_offset(store: &dyn ObjectStore) {
    clear(store, "offset").await;
    for n in 1..=4 {
        put(store, &format!("offset/{n}"), "x").await;
    }
    let after = Path::from("offset/2");
    let listed = store.list_with_offset(Some(&Path::from("offset")), &after).try_collect::<Vec<_>>().await;
    let mut paths: Vec<Path> =
        must(listed, "listing from an offset").into_iter().map(|m| m.location).collect();
    paths.sort();
    assert_eq!(paths, [Path::from("offset/3"), Path::from("offset/4")], "those after the offset");
}

/// One level of a directory: its blobs, and the directories in it.
pub async fn lists_one_level(store: &dyn ObjectStore) {
    clear(store, "level").await;
    for name in ["x", "y", "d/1", "d/e/2", "f/3"] {
        put(store, &format!("level/{name}"), "x").await;
    }
    let found = must(store.list_with_delimiter(Some(&Path::from("level"))).await, "listing one level");
    let mut blobs: Vec<Path> = found.objects.into_iter().map(|m| m.location).collect();
    let mut dirs = found.common_prefixes;
    blobs.sort();
    dirs.sort();
    assert_eq!(blobs, [Path::from("level/x"), Path::from("level/y")], "the blobs of the level");
    assert_eq!(dirs, [Path::from("level/d"), Path::from("level/f")], "the directories of the level");
}

/// A multipart upload is not seen until it is complete, and then holds its parts in their order.
pub async fn multipart_uploads_appear_whole(store: &dyn ObjectStore) {
    clear(store, "multipart").await;
    // S3 takes no part under 5 MiB but the last.
    let parts = [noise(5 << 20), noise((5 << 20) + 1).slice(..5 << 20), noise(1000)];
    for path in [Path::from("multipart/new"), Path::from("multipart/new")] {
        let mut upload = must(store.put_multipart(&path).await, "starting an upload");
        let pending: Vec<_> = parts.iter().map(|p| upload.put_part(p.clone().into())).collect();
        for part in join_all(pending).await {
            must(part, "uploading a part");
        }
        must(upload.complete().await, "completing an upload");
        let content = get(store, path.as_ref()).await;
        assert!(content == parts.concat(), "an upload holds its parts in order");
    }
    let path = Path::from("multipart/pending");
    let mut upload = must(store.put_multipart(&path).await, "starting an upload");
    must(upload.put_part(parts[0].clone().into()).await, "uploading a part");
    assert!(store.head(&path).await.is_err(), "an upload is not seen before it is complete");
    assert_eq!(list(store, "multipart").await, ["multipart/new"], "nor is it listed");
    must(upload.complete().await, "completing an upload");
    assert_eq!(list(store, "multipart").await, ["multipart/new", "multipart/pending"], "then it is listed");
}

/// An aborted upload leaves neither a blob nor a trace in lists.
pub async fn aborted_uploads_leave_nothing(store: &dyn ObjectStore) {
    clear(store, "aborted").await;
    let path = Path::from("aborted/blob");
    let mut upload = must(store.put_multipart(&path).await, "starting an upload");
    must(upload.put_part(noise(5 << 20).into()).await, "uploading a part");
    must(upload.abort().await, "aborting an upload");
    assert!(store.head(&path).await.is_err(), "an aborted upload makes no blob");
    assert_eq!(list(store, "aborted").await, [""; 0], "an aborted upload lists nothing");
}

/// Copies and renames keep the content; those that must not overwrite do not, or are not offered.
pub async fn copies_and_renames(store: &dyn ObjectStore) {
    clear(store, "copy").await;
    let [a, b, c] = ["copy/a", "copy/b", "copy/dir/c"].map(Path::from);
    put(store, "copy/a", "a").await;
    must(store.copy(&a, &b).await, "copying");
    must(store.rename(&b, &c).await, "renaming");
    assert_eq!(list(store, "copy").await, ["copy/a", "copy/dir/c"], "a copy adds, a rename moves");
    assert_eq!(get(store, "copy/dir/c").await, "a", "the content goes with it");

    put(store, "copy/b", "b").await;
    for (what, result) in [
        ("a copy", store.copy_if_not_exists(&b, &a).await),
        ("a rename", store.rename_if_not_exists(&b, &a).await),
    ] {
        let refused = result.is_err_and(|e| {
            matches!(
                e,
                Error::AlreadyExists { .. } | Error::NotSupported { .. } | Error::NotImplemented { .. }
            )
        });
        assert!(refused, "{what} that must not overwrite does not");
        assert_eq!(get(store, "copy/a").await, "a", "{what} that was refused leaves the target");
        assert_eq!(get(store, "copy/b").await, "b", "{what} that was refused leaves the source");
    }
    put(store, "copy/longer", "something longer").await;
    must(store.rename(&a, &Path::from("copy/longer")).await, "renaming over a blob");
    assert_eq!(get(store, "copy/longer").await, "a", "a plain rename replaces its target");
}
