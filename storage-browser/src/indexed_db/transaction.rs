//! Transactions: reads, and batches that apply whole or not at all.
//!
//! A transaction ends by itself once the event loop turns without a request under way in it. So requests that
//! do not depend on each other are made together, and between an answer and the requests that depend on it
//! nothing else is awaited.

use std::ops::Bound;

use bytes::Bytes;
use firndb_core::storage::{KeyRange, Keyspace, Mutation, WriteBatch};
use firndb_core::{Durability, Error, ErrorKind, Result};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction};

use super::connection::{Connection, SYNC_STORE, thrown};
use crate::js::{self, Database, Thrown, Transaction};

impl Connection {
    pub(super) async fn get(&self, space: Keyspace, key: &[u8]) -> Result<Option<Bytes>> {
        self.check_open()?;
        let answer = self.read(space, |store| Ok([store.get(&binary(key))?])).await?;
        let [value] = answer;
        optional(&value).map_err(|e| self.reading(space, e))
    }

    pub(super) async fn page(
        &self,
        space: Keyspace,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        self.check_open()?;
        // IndexedDB takes a limit of 0 for none.
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        if limit == 0 || range.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.read(space, |store| {
            let range = key_range(range)?;
            Ok([
                store.get_all_keys_with_key_and_limit(&range, limit)?,
                store.get_all_with_key_and_limit(&range, limit)?,
            ])
        });
        let [keys, values] = answer.await?;
        let (keys, values): (Array, Array) = (keys.unchecked_into(), values.unchecked_into());
        let pairs = keys.iter().zip(values.iter()).map(|(key, value)| {
            // A key comes as an ArrayBuffer.
            Ok((Uint8Array::new(&key).to_vec().into(), bytes(&value)?))
        });
        pairs.collect::<Result<_, Thrown>>().map_err(|e| self.reading(space, e))
    }

    pub(super) async fn commit(&self, batch: &WriteBatch, durability: Durability) -> Result<()> {
        self.check_open()?;
        if self.failed.get() {
            let name = &self.name;
            return Err(Error::unavailable(format!(
                "an earlier commit to the store '{name}' failed; open it again"
            )));
        }
        let Some(spaces) = keyspaces(batch) else { return Ok(()) };
        let transaction = self.begin(&spaces, durability).map_err(|e| self.writing(e))?;
        let end = end(&transaction);
        if let Err(e) = self.carry_out(&transaction, batch).await {
            // It fails only when the transaction has been aborted already.
            _ = transaction.abort();
            _ = end.await;
            return Err(e);
        }
        self.await_end(&transaction, end).await?;
        self.unsynced.set(durability == Durability::Relaxed);
        Ok(())
    }

    /// Brings relaxed commits to rest.
    pub(super) async fn sync(&self) -> Result<()> {
        let spaces = Array::of1(&SYNC_STORE.into());
        let transaction = self.begin(&spaces, Durability::Strict).map_err(|e| self.writing(e))?;
        let end = end(&transaction);
        let written = || {
            let store = transaction.object_store(SYNC_STORE)?;
            store.put_with_key(&JsValue::TRUE, &JsValue::from(0))?;
            ask_for_commit(&transaction)
        };
        written().map_err(|e| self.writing(e.into()))?;
        self.await_end(&transaction, end).await
    }

    fn begin(&self, spaces: &Array, durability: Durability) -> Result<IdbTransaction, Thrown> {
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        let database: &Database = self.database.unchecked_ref();
        Ok(database.transaction(spaces, "readwrite", &js::options("durability", durability))?)
    }

    /// Makes the requests of `make` in a transaction that reads `space`, and gives their results.
    async fn read<const N: usize>(
        &self,
        space: Keyspace,
        make: impl FnOnce(&IdbObjectStore) -> Result<[IdbRequest; N], JsValue>,
    ) -> Result<[JsValue; N]> {
        let requests = || {
            let transaction = self.database.transaction_with_str(space.name())?;
            make(&transaction.object_store(space.name())?)
        };
        let requests = requests().map_err(|e| self.reading(space, e.into()))?;
        let pending = requests.map(Pending::of);
        let mut results = [const { JsValue::UNDEFINED }; N];
        for (result, pending) in results.iter_mut().zip(pending) {
            *result = pending.result().await.map_err(|e| self.reading(space, e))?;
        }
        Ok(results)
    }

    /// Checks the preconditions, makes the requests of the mutations, and asks for the commit.
    async fn carry_out(&self, transaction: &IdbTransaction, batch: &WriteBatch) -> Result<()> {
        let look = |space: Keyspace, key: &[u8]| {
            Ok(Pending::of(transaction.object_store(space.name())?.get(&binary(key))?))
        };
        let found = batch.preconditions.iter().map(|expected| look(expected.space, &expected.key));
        let found = found.collect::<Result<Vec<_>, JsValue>>().map_err(|e| self.writing(e.into()))?;
        for (expected, found) in batch.preconditions.iter().zip(found) {
            let found = found.result().await.and_then(|value| optional(&value));
            if found.map_err(|e| self.reading(expected.space, e))? != expected.value {
                let space = expected.space.name();
                return Err(Error::conflict(format!(
                    "a key of {space} is not as expected: another writer was here"
                )));
            }
        }
        let applied = batch.mutations.iter().try_for_each(|mutation| apply(transaction, mutation));
        applied.and_then(|()| ask_for_commit(transaction)).map_err(|e| self.writing(e.into()))
    }

    async fn await_end(&self, transaction: &IdbTransaction, end: JsFuture) -> Result<()> {
        if end.await.is_ok() {
            return Ok(());
        }
        let why = thrown(transaction.error());
        // Beyond the quota the browser is well and has undone the transaction. Anything else can be a
        // browser that ended between writing the transaction and saying so.
        if !why.is_quota() {
            self.failed.set(true);
        }
        Err(self.writing(why))
    }

    fn writing(&self, e: Thrown) -> Error {
        e.into_error(ErrorKind::Unavailable, &format!("writing keys of the store '{}'", self.name))
    }

    fn reading(&self, space: Keyspace, e: Thrown) -> Error {
        let kind = match e.name() {
            // The browser's own record of a value, or the file that it keeps a large one in, is damaged.
            "DataError" | "NotReadableError" | "DataCloneError" => ErrorKind::Corrupt,
            _ => ErrorKind::Unavailable,
        };
        e.into_error(kind, &format!("reading keys of {} of the store '{}'", space.name(), self.name))
    }
}

/// A request whose events somebody listens for.
struct Pending {
    request: IdbRequest,
    event: JsFuture,
}

impl Pending {
    fn of(request: IdbRequest) -> Self {
        let event = Promise::new(&mut |resolve, reject| {
            request.set_onsuccess(Some(&resolve));
            request.set_onerror(Some(&reject));
        });
        Self { event: event.into(), request }
    }

    async fn result(self) -> Result<JsValue, Thrown> {
        match self.event.await {
            Ok(_) => Ok(self.request.result()?),
            Err(_) => Err(thrown(self.request.error().ok().flatten())),
        }
    }
}

/// Fulfilled when the transaction is complete, rejected when it is aborted.
fn end(transaction: &IdbTransaction) -> JsFuture {
    let end = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    end.into()
}

/// Commits without waiting for the events of the requests in it: half of the time of a small commit.
fn ask_for_commit(transaction: &IdbTransaction) -> Result<(), JsValue> {
    transaction.unchecked_ref::<Transaction>().commit()
}

fn apply(transaction: &IdbTransaction, mutation: &Mutation) -> Result<(), JsValue> {
    match mutation {
        Mutation::Put(space, key, value) => {
            transaction.object_store(space.name())?.put_with_key(&binary(value), &binary(key))?;
        }
        Mutation::Delete(space, key) => {
            transaction.object_store(space.name())?.delete(&binary(key))?;
        }
        Mutation::DeleteRange(_, range) if range.is_empty() => {}
        Mutation::DeleteRange(space, range) => {
            let store = transaction.object_store(space.name())?;
            let range = key_range(range)?;
            // IndexedDB takes no range for everything.
            if range.is_undefined() {
                store.clear()?
            } else {
                store.delete(&range)?
            };
        }
    }
    Ok(())
}

/// The names of the keyspaces that `batch` is about, each once, or `None` for an empty batch.
fn keyspaces(batch: &WriteBatch) -> Option<Array> {
    let expected = batch.preconditions.iter().map(|expected| expected.space);
    let changed = batch.mutations.iter().map(|mutation| match mutation {
        Mutation::Put(space, ..) | Mutation::Delete(space, _) | Mutation::DeleteRange(space, _) => *space,
    });
    let mut spaces: Vec<Keyspace> = expected.chain(changed).collect();
    spaces.sort_unstable();
    spaces.dedup();
    let names = spaces.iter().map(|space| JsValue::from_str(space.name()));
    (!spaces.is_empty()).then(|| names.collect())
}

/// A copy outside of this module's memory: of a view into it, IndexedDB would store all the memory.
fn binary(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

fn bytes(value: &JsValue) -> Result<Bytes, Thrown> {
    let array = value.dyn_ref::<Uint8Array>();
    let array =
        array.ok_or_else(|| Thrown::new("DataError", "expected bytes, found another type of value"))?;
    Ok(array.to_vec().into())
}

fn optional(value: &JsValue) -> Result<Option<Bytes>, Thrown> {
    if value.is_undefined() { Ok(None) } else { bytes(value).map(Some) }
}

/// The range as IndexedDB has it, `undefined` when it holds every key. It must not be empty.
fn key_range(range: &KeyRange) -> Result<JsValue, JsValue> {
    let ends = |bound: &Bound<Bytes>| match bound {
        Bound::Included(key) => Some((binary(key), false)),
        Bound::Excluded(key) => Some((binary(key), true)),
        Bound::Unbounded => None,
    };
    let found = match (ends(&range.start), ends(&range.end)) {
        (None, None) => return Ok(JsValue::UNDEFINED),
        (Some((start, open)), None) => IdbKeyRange::lower_bound_with_open(&start, open)?,
        (None, Some((end, open))) => IdbKeyRange::upper_bound_with_open(&end, open)?,
        (Some((start, start_open)), Some((end, end_open))) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(&start, &end, start_open, end_open)?
        }
    };
    Ok(found.into())
}
