//! FirnDB's storage in browsers: the key-value trait of `firndb-core` over IndexedDB, and blobs over the
//! Origin Private File System (OPFS).
//!
//! ```text
//! IndexedDB   firndb/{name}                     one database per store, one object store per keyspace
//! OPFS        /firndb/{name, encoded}/          one directory per store, blobs under their paths
//!             /firndb/{name, encoded}/.firndb-temp/   blobs on their way
//! ```
//!
//! It works in a dedicated worker, where files can be read and written synchronously, and in a secure
//! context, without which browsers have neither OPFS nor Web Locks. Who writes to a store is decided above
//! this crate; two that do so at once harm nothing: a commit is one IndexedDB transaction, a blob appears
//! whole or not at all, and one that is created never takes the place of another.
//!
//! - **Strict commits.** Each IndexedDB transaction says its `durability`, because browsers default to
//!   `relaxed`.
//! - **Files that are synced.** A blob is flushed before it gets its name. The file system cannot sync a
//!   directory, so after a power failure a name can be missing whose file was complete. Whoever deletes what
//!   a blob replaces can be sure of it only once the blob was read back at a later opening.
//! - **`Send` futures from JavaScript handles that are not.** The traits ask for `Send` on every target, as
//!   DataFusion's do. `bridge.rs` runs local futures on the worker's own event loop and answers over a
//!   channel.
//!
//! On other targets than `wasm32-unknown-unknown` the crate is empty.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(
    test,
    expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")
)]

mod bridge;
mod indexed_db;
mod js;
mod opfs;
mod random;
#[cfg(test)]
mod tests;
mod turn;

use std::sync::Arc;

use firndb_core::storage::{Stores, SystemClock};
use firndb_core::{Error, Result};

pub use indexed_db::IndexedDbKv;
pub use opfs::OpfsBlobs;
pub use random::CryptoRng;
pub use turn::EventLoopTurn;

/// A name may have so many bytes.
const NAME_BYTES: usize = 128;

/// Opens the store `name` of this origin, or makes it if there is none. Closing the key-value store releases
/// the files too.
///
/// # Errors
/// `InvalidInput` when `name` is empty or longer than 128 bytes, `Unsupported` when the browser lacks what
/// the store needs, or a later version of FirnDB made it, `Locked` when another context holds on to an older
/// version of it, `LimitExceeded` when the origin's quota is used up, else `Unavailable`.
pub async fn open(name: &str) -> Result<Stores> {
    let rng = CryptoRng::new()?;
    let kv = IndexedDbKv::open(name).await?;
    let blobs = OpfsBlobs::open(name).await?;
    // A blob that is open for reading cannot be deleted, nor in some browsers replaced, by a successor.
    kv.at_end(blobs.release());
    let stores = Stores::new(Arc::new(kv), Arc::new(blobs), Arc::new(SystemClock), Arc::new(rng));
    Ok(stores.with_unsynced_names().with_pause(Arc::new(EventLoopTurn)))
}

/// Deletes the store `name` with all that is in it. One that does not exist is no error. Whoever has it open
/// in FirnDB finds it `Unavailable`.
///
/// # Errors
/// `InvalidInput` as [`open`]. `Locked` when another context does not let go of it: what is left is deleted
/// by another call. Else `Unavailable`.
pub async fn delete(name: &str) -> Result<()> {
    // The keys first: files without keys can be recovered, keys without files are damage.
    IndexedDbKv::delete(name).await?;
    OpfsBlobs::delete(name).await
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES {
        let found = name.len();
        return Err(Error::invalid(format!(
            "the name of a store has 1 to {NAME_BYTES} bytes of UTF-8, found {found}"
        )));
    }
    Ok(())
}
