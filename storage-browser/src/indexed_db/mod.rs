//! Keys and values in IndexedDB.
//!
//! `web-sys` is used directly: of the crates over it, none sets the durability of a transaction and tells of
//! a connection that was closed by the browser, and what they add is little for keys and values that are
//! bytes.

mod connection;
mod transaction;

use std::fmt;
use std::future::Future;
use std::rc::Rc;

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{KeyRange, Keyspace, KvStore, WriteBatch};
use firndb_core::{Durability, Result};
use send_wrapper::SendWrapper;

use crate::{bridge, check_name};
pub(crate) use connection::Connection;

/// A [`KvStore`] in a database of IndexedDB, with one object store per keyspace and binary keys, which
/// IndexedDB orders bytewise.
///
/// A commit is one read-write transaction, in which the preconditions are checked and the mutations applied,
/// so that of two contexts neither comes between the other's. It returns when the transaction is complete. A
/// strict one is then on the disk, a relaxed one with the system, and closing the store brings it to rest.
///
/// A commit beyond the origin's quota fails with `LimitExceeded`; nothing of it is applied, and the store
/// stays usable. When another context deletes or upgrades the database, or the browser takes it away, the
/// store gives way: every later call fails with `Unavailable`.
pub struct IndexedDbKv {
    name: String,
    connection: SendWrapper<Rc<Connection>>,
}

impl fmt::Debug for IndexedDbKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedDbKv").field("name", &self.name).finish_non_exhaustive()
    }
}

impl IndexedDbKv {
    /// Opens the database of the store `name`, or makes it.
    ///
    /// # Errors
    /// `InvalidInput` for a name that no store can have, `Unsupported` when a later version of FirnDB made
    /// it, `Locked` when another context holds on to an older version, `Corrupt` when it lacks an object
    /// store, `LimitExceeded` when the quota is used up, else `Unavailable`.
    pub async fn open(name: &str) -> Result<Self> {
        check_name(name)?;
        let opening = name.to_owned();
        let opened: Result<_> =
            bridge::run(async move { Ok(SendWrapper::new(Rc::new(Connection::open(&opening).await?))) })
                .await;
        Ok(Self { name: name.to_owned(), connection: opened? })
    }

    /// Deletes the database of the store `name`, if there is one. FirnDB's own connections to it give way.
    ///
    /// # Errors
    /// `Locked` when another context holds on to it: the browser deletes it when that one lets go. Else
    /// `Unavailable`.
    pub async fn delete(name: &str) -> Result<()> {
        check_name(name)?;
        let name = name.to_owned();
        bridge::run(async move { connection::delete(&name).await }).await
    }

    fn run<T, F>(&self, work: impl FnOnce(Rc<Connection>) -> F) -> impl Future<Output = Result<T>> + Send
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + 'static,
    {
        bridge::run(work(Rc::clone(&self.connection)))
    }

    /// Has `at_end` called once, when the store is closed, gives way, or is taken away.
    pub(crate) fn at_end(&self, at_end: impl FnOnce() + 'static) {
        self.connection.at_end(at_end);
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

#[async_trait]
impl KvStore for IndexedDbKv {
    async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        let key = key.to_vec();
        self.run(|connection| async move { connection.get(space, &key).await }).await
    }

    async fn page(&self, space: Keyspace, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>> {
        self.run(|connection| async move { connection.page(space, &range, limit).await }).await
    }

    async fn commit(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        self.run(|connection| async move { connection.commit(&batch, durability).await }).await
    }

    async fn close(&self) -> Result<()> {
        self.run(|connection| async move { connection.close().await }).await
    }
}
