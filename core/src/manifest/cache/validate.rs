//! Holding a kept manifest against the blob store.

use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};

use super::value::CacheHeader;
use crate::error::{ErrorKind, Result};
use crate::manifest::codec;

/// What the blob store has under the name of a manifest that is kept.
#[derive(Debug, PartialEq, Eq)]
pub enum Held {
    /// The same; the store's name for this content.
    Same(Option<String>),
    /// Not what was committed; why.
    Altered(String),
}

/// Asks for the file at `path` unless it is what `header` has the tag of; what comes then is compared by its
/// checksum.
///
/// # Errors
/// What the blob store reports, but for a file that is not there.
pub async fn hold_against(blobs: &dyn ObjectStore, path: &Path, header: &CacheHeader) -> Result<Held> {
    let options = GetOptions { if_none_match: header.e_tag.clone(), ..GetOptions::default() };
    let found = match blobs.get_opts(path, options).await {
        Ok(found) => found,
        Err(object_store::Error::NotModified { .. }) => return Ok(Held::Same(header.e_tag.clone())),
        Err(object_store::Error::NotFound { .. }) => {
            return Ok(Held::Altered(format!("{path}: the manifest is missing")));
        }
        Err(e) => return Err(e.into()),
    };
    let e_tag = found.meta.e_tag.clone();
    let bytes = found.bytes().await?;
    match codec::decode(path.as_ref(), &bytes) {
        Ok((_, checksum)) if checksum == header.checksum => Ok(Held::Same(e_tag)),
        Ok((_, checksum)) => {
            Ok(Held::Altered(format!("{path}: checksum {checksum}, but {} was committed", header.checksum)))
        }
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported) => {
            Ok(Held::Altered(e.to_string()))
        }
        Err(e) => Err(e),
    }
}
