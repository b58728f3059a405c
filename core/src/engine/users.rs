//! Changing who is known to the store.

use std::sync::Arc;

use object_store::{ObjectStoreExt, PutPayload};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::session::Session;
use crate::storage::Keyspace;
use crate::tiers::Tiers;
use crate::types::{Durability, Role, UserId};
use crate::users::{self, UserDef, Users};

impl Engine {
    /// Commits the record that `change` makes of one user; `None` means that there is nothing to change.
    ///
    /// Its copy is in the blob store, synced, before the commit that refers to it.
    pub(crate) async fn change_user(
        &self,
        change: impl Fn(&Users) -> Result<Option<UserDef>>,
    ) -> Result<bool> {
        let tiers = &self.shared.tiers;
        tiers.check_writable()?;
        let order = tiers.commit_order.lock().await;
        let made = change(&tiers.users.read())?;
        let Some(user) = made else { return Ok(false) };
        let before = tiers.users.read().get(&user.id).cloned();
        let mut batch = tiers.fenced_batch();
        batch.put(Keyspace::Users, users::key(&user.id), users::file_of(&user)?);
        // A recovery believes the copy, also of a commit that never was: that rows are to go it says afterwards.
        let erase_micros = before.as_ref().and_then(|before| before.erase_micros);
        let bytes = users::file_of(&UserDef { erase_micros, ..user.clone() })?;
        let path = users::file(&user.id);
        if let Err(e) = tiers.stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await {
            take_back(tiers, &user, before.as_ref()).await;
            return Err(e.into());
        }
        if let Err(e) = tiers.commit(batch, Durability::Strict).await {
            // After any other failure the commit may be there.
            if e.kind() == ErrorKind::LimitExceeded {
                take_back(tiers, &user, before.as_ref()).await;
            }
            return Err(e);
        }
        tiers.users.write().put(user);
        drop(order);
        Ok(true)
    }

    /// What `subject` may do at this moment; a session of it may do less.
    ///
    /// # Errors
    /// `PermissionDenied` for whom the store does not know, or no more.
    pub fn role(&self, subject: &UserId) -> Result<Role> {
        let role = self.shared.tiers.users.read().role_of(subject);
        role.ok_or_else(|| {
            Error::denied(format!("there is no user {subject} in this store"))
                .with_hint("CREATE USER makes one; root, whom every store has, may do so")
        })
    }

    /// A session of whoever proves to be `user`. Takes as long whether or not there is such a user.
    ///
    /// # Errors
    /// `PermissionDenied`, the same whether the user or the password is wrong.
    pub fn log_in(&self, user: &str, password: &str) -> Result<Session> {
        let refused = || Error::denied("user or password is wrong");
        let id = UserId::new(user).map_err(|_| refused())?;
        let known = self.shared.tiers.users.read().get(&id).cloned();
        let known = known.filter(|user| user.dropped_micros.is_none());
        let hash = match known.as_ref().and_then(|user| user.password.clone()) {
            Some(hash) => Some(hash),
            // So that it cannot be told by the time who has a password.
            None => {
                let _ = users::PasswordHash::of("nobody", self.shared.tiers.stores.rng.as_ref())?;
                None
            }
        };
        match (known, hash) {
            (Some(user), Some(hash)) if hash.matches(password)? => Ok(self.session_as(id, user.role)),
            _ => Err(refused()),
        }
    }
}

/// Makes the copy what it was before, as far as possible: a recovery would believe what was not committed.
async fn take_back(tiers: &Tiers, user: &UserDef, before: Option<&Arc<UserDef>>) {
    // Another engine's files of the same names are not ours to change.
    if !tiers.fence.is_held().await.unwrap_or(false) {
        return;
    }
    let path = users::file(&user.id);
    // Root's first copy is that of its first change.
    let before = before.filter(|before| before.created_micros > 0).map(|before| users::file_of(before));
    let taken = match before {
        Some(Ok(bytes)) => tiers.stores.blobs.put(&path, PutPayload::from_bytes(bytes)).await.map(|_| ()),
        _ => tiers.stores.blobs.delete(&path).await,
    };
    match taken {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => tracing::warn!(%error, %path, "a user that was not committed could not be taken back"),
    }
}
