//! Where users are kept: in the key-value store by id, and a copy of each in the blob store, so that a recovery from
//! there alone brings nobody's rows to somebody else.

use bytes::Bytes;
use object_store::path::Path;

use crate::catalog::{decode, encode};
use crate::error::{Error, Result};
use crate::storage::keys::push_text;
use crate::storage::{KeyRange, Keyspace, KvStore};
use crate::types::{UserId, path_part};
use crate::users::UserDef;

/// The directory of the copies. No namespace has this name.
pub const DIRECTORY: &str = "system/users";
const PAGE: usize = 1024;

/// The key of a user.
#[must_use]
pub fn key(id: &UserId) -> Vec<u8> {
    let mut key = Vec::new();
    push_text(&mut key, id.as_str());
    key
}

/// Where the copy of a user lies.
#[must_use]
pub fn file(id: &UserId) -> Path {
    Path::from(format!("{DIRECTORY}/{}.json", path_part("u-", id.as_str())))
}

/// The bytes of a user, in either store.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub fn file_of(user: &UserDef) -> Result<Bytes> {
    Ok(encode(user)?.into())
}

/// The user in `bytes`, found under `origin`.
///
/// # Errors
/// `Corrupt`, naming `origin`; `Unsupported` for a format of a later release.
pub fn parse(bytes: &[u8], origin: &str) -> Result<UserDef> {
    decode(bytes, origin)
}

/// The users that a store holds.
///
/// # Errors
/// As [`parse`], and as [`KvStore::page`].
pub async fn load(kv: &dyn KvStore) -> Result<Vec<UserDef>> {
    let mut users = Vec::new();
    let mut range = KeyRange::all();
    loop {
        let page = kv.page(Keyspace::Users, range.clone(), PAGE).await?;
        for (found, value) in &page {
            let origin = format!("users key {found:02x?}");
            let user = parse(value, &origin)?;
            if key(&user.id) != found.as_ref() {
                return Err(Error::corrupt(format!("{origin} holds the user {}", user.id)));
            }
            users.push(user);
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
            _ => return Ok(users),
        }
    }
}
