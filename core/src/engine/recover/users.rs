//! The users that a recovery brings back: those whose copies are there.

use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::engine::recover::RecoveryReport;
use crate::error::Result;
use crate::storage::{Keyspace, Stores, WriteBatch};
use crate::users;

/// Adds the users whose records are in `files` to `batch`.
///
/// # Errors
/// What the blob store reports.
pub async fn add(
    stores: &Stores,
    files: &[Path],
    batch: &mut WriteBatch,
    report: &mut RecoveryReport,
) -> Result<()> {
    for path in files {
        let bytes = stores.blobs.get(path).await?.bytes().await?;
        match users::parse(&bytes, path.as_ref()) {
            Ok(user) if users::file(&user.id) == *path => {
                batch.put(Keyspace::Users, users::key(&user.id), bytes);
                report.users += 1;
            }
            Ok(user) => report.problems.push(format!("{path}: holds the user {}; it is left out", user.id)),
            Err(e) => report.problems.push(format!("{e}; its user is unknown to the store from here on")),
        }
    }
    Ok(())
}
