//! S3, as a real server speaks it.

use firndb_core::storage::conformance::blob_suite;
use firndb_storage_native::blob_store_with;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};

use crate::s3_server::S3Server;

#[tokio::test]
async fn keeps_the_promises() {
    let server = S3Server::start();
    let url = format!("s3://{}/a/prefix", S3Server::BUCKET);
    let store = blob_store_with(&url, server.options()).unwrap();
    blob_suite(&*store).await;
}

#[tokio::test]
async fn prefixes_of_one_bucket_are_two_stores() {
    let server = S3Server::start();
    let open =
        |path: &str| blob_store_with(&format!("s3://{}{path}", S3Server::BUCKET), server.options()).unwrap();
    let (bucket, one, two) = (open(""), open("/one"), open("/two/deep"));
    let path = Path::from("store.json");
    for store in [&one, &two] {
        store.put_opts(&path, "{}".into(), PutMode::Create.into()).await.unwrap();
    }
    let again = one.put_opts(&path, "{}".into(), PutMode::Create.into()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    let mut all: Vec<String> =
        bucket.list(None).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    all.sort();
    assert_eq!(all, ["one/store.json", "two/deep/store.json"]);
    let own: Vec<String> = two.list(None).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    assert_eq!(own, ["store.json"]);
    one.delete(&path).await.unwrap();
    two.head(&path).await.unwrap();
}
