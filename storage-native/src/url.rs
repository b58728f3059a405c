//! Blob stores by URL.

use std::env;
use std::sync::Arc;

use firndb_core::{Error, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts};
use url::Url;

use crate::local_fs::LocalFs;

/// The blob store that `url` names, at the prefix that its path is:
///
/// | URL | store | configured by |
/// |---|---|---|
/// | `s3://bucket/prefix` | Amazon S3 and what speaks its protocol | `AWS_…` |
/// | `gs://bucket/prefix` | Google Cloud Storage | `GOOGLE_…` |
/// | `az://container/prefix` | Azure Blob Storage | `AZURE_…` |
/// | `file:///directory` | [`LocalFs`] | |
/// | `memory:///` | this process, until it ends | |
///
/// The environment variables are those of the builders of `object_store`, for example
/// `AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT` with `AWS_ALLOW_HTTP`. Nothing is sent yet: a store
/// that cannot be reached shows at its first use, which must be on a tokio runtime. The store must honour
/// conditional puts (S3's `If-None-Match`), as the four above do.
///
/// # Errors
/// `InvalidInput` for what is no URL of this kind or is configured wrongly.
pub fn blob_store(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let variables = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let ours = ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        Some((ours.then_some(name)?, value.into_string().ok()?))
    });
    blob_store_with(url, variables)
}

/// [`blob_store`] configured by `options` instead of the environment, under the same names.
///
/// # Errors
/// As [`blob_store`].
pub fn blob_store_with(
    url: &str,
    options: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn ObjectStore>> {
    let parsed = Url::parse(url).map_err(|e| not_understood(url, &e.to_string()))?;
    let (scheme, _) = ObjectStoreScheme::parse(&parsed).map_err(|e| not_understood(url, &e.to_string()))?;
    match scheme {
        ObjectStoreScheme::Local => {
            let dir = parsed.to_file_path().map_err(|()| not_understood(url, "it names no directory"))?;
            return Ok(Arc::new(LocalFs::open(&dir)?));
        }
        ObjectStoreScheme::Memory => return Ok(Arc::new(InMemory::new())),
        ObjectStoreScheme::AmazonS3
        | ObjectStoreScheme::GoogleCloudStorage
        | ObjectStoreScheme::MicrosoftAzure => {}
        _ => return Err(not_understood(url, "blobs cannot be kept there")),
    }
    let (store, prefix) =
        parse_url_opts(&parsed, options).map_err(|e| not_understood(url, &e.to_string()).with_source(e))?;
    Ok(at_prefix(store.into(), prefix))
}

fn at_prefix(store: Arc<dyn ObjectStore>, prefix: Path) -> Arc<dyn ObjectStore> {
    if prefix.is_root() { store } else { Arc::new(PrefixStore::new(store, prefix)) }
}

fn not_understood(url: &str, why: &str) -> Error {
    Error::invalid(format!(
        "expected the URL of a blob store, such as s3://bucket/prefix, gs://…, az://… or \
         file:///directory, found '{url}': {why}"
    ))
}
