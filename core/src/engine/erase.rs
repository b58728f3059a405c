//! Removing the rows of users that were dropped with ERASE.
//!
//! First the user's record says so, in both stores; from then on nothing is written for it. Then, table by table, what the
//! key-value store has of its scope goes in one commit, and the files once nobody reads them. Each step can be done
//! again: an erasure that was cut short is gone on with by the next opening, and by [`Engine::step`].

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::catalog::{TableDef, TableKind};
use crate::engine::Engine;
use crate::engine::ddl::remove_files;
use crate::error::Result;
use crate::storage::keys::scope_key;
use crate::storage::{KeyRange, Keyspace};
use crate::tiers::Tiers;
use crate::types::{Durability, Scope, UserId};
use crate::users::{self, UserDef};

/// Where rows and what is known of them lie.
const SPACES: [Keyspace; 3] = [Keyspace::Hot, Keyspace::Manifest, Keyspace::Tombstones];

impl Engine {
    /// Removes the rows of every user that is to be erased; whether there was any. Files that somebody reads stay until
    /// a later step.
    ///
    /// # Errors
    /// What the stores report; what was removed is.
    pub(crate) async fn erase_users(&self) -> Result<bool> {
        let tiers = &self.shared.tiers;
        if tiers.config.writer.read_only {
            return Ok(false);
        }
        let is_due = |user: &&Arc<UserDef>| user.erase_micros.is_some() && user.erased_micros.is_none();
        let due: Vec<UserId> = tiers.users.read().iter().filter(is_due).map(|user| user.id.clone()).collect();
        let (mut any, mut failed) = (false, None);
        for id in due {
            match self.erase_user(&id).await {
                Ok(erased) => any |= erased,
                // Nobody else's rows stay for it.
                Err(e) => failed = failed.or(Some(e.context(format!("erasing the user {id}")))),
            }
        }
        failed.map_or(Ok(any), Err)
    }

    /// Removes the rows of one user, and says so in its record; whether nothing is left.
    async fn erase_user(&self, id: &UserId) -> Result<bool> {
        let tiers = &self.shared.tiers;
        let user = tiers.users.read().get(id).cloned();
        let Some(user) = user else { return Ok(false) };
        // The copy of before may not say that rows go: it is there before the commit that asks for it.
        let bytes = users::file_of(&user)?;
        tiers.stores.blobs.put(&users::file(id), PutPayload::from_bytes(bytes)).await?;
        if !erase(tiers, id).await? {
            return Ok(false);
        }
        let now = tiers.stores.clock.now_micros();
        self.change_user(|users| {
            let user = users.get(id).map(|user| user.as_ref().clone());
            Ok(user.map(|user| UserDef { erased_micros: Some(now), ..user }))
        })
        .await
    }
}

/// Removes the rows of one user; whether nothing is left.
async fn erase(tiers: &Tiers, id: &UserId) -> Result<bool> {
    let scope = Scope::User(id.clone());
    // Whoever is opening a scope of the user has begun before its record said so; nobody begins any more.
    drop(tiers.opening().await);
    let catalog = tiers.catalog();
    let tables = catalog.tables().chain(catalog.dropped());
    let tables: Vec<Arc<TableDef>> =
        tables.filter(|table| table.kind != TableKind::Shared).cloned().collect();
    for table in &tables {
        remove_rows(tiers, table, &scope).await?;
    }
    tiers.end_idle_snapshots();
    let age = tiers.erased_under(id);
    if tiers.snapshots.any_from(age) {
        return Ok(false);
    }
    for table in &tables {
        let dir = Path::from(table.dir()).join(scope.dir());
        let files = tiers.stores.blobs.list(Some(&dir)).map_ok(|file| file.location);
        remove_files(tiers, files.try_collect().await?).await?;
    }
    // What somebody remembered of a manifest meanwhile.
    for table in &tables {
        remove_rows(tiers, table, &scope).await?;
    }
    tiers.erased(id);
    Ok(true)
}

/// Removes what the key-value store has of `scope`, in one synced commit.
async fn remove_rows(tiers: &Tiers, table: &TableDef, scope: &Scope) -> Result<()> {
    let range = || KeyRange::prefix(scope_key(table.id, scope));
    let state = tiers.scope_in_memory(table.id, scope);
    let publishing = match &state {
        Some(state) => Some(state.publish.lock().await),
        None => None,
    };
    let order = tiers.commit_order.lock().await;
    let mut batch = tiers.fenced_batch();
    let mut any = false;
    for space in SPACES {
        if !tiers.stores.kv.page(space, range(), 1).await?.is_empty() {
            batch.delete_range(space, range());
            any = true;
        }
    }
    if any {
        tiers.commit(batch, Durability::Strict).await?;
    }
    tiers.forget_scope(table.id, scope);
    drop(order);
    drop(publishing);
    Ok(())
}
