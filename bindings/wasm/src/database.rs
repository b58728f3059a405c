//! A store, open.

use std::io::BufReader;
use std::sync::Arc;

use firndb_core::storage::Stores;
use firndb_core::{Engine, Error, Result, Role, UserId};
use firndb_storage_browser::EventLoopTurn;
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::answer::object;
use crate::archive::{Parts, Source};
use crate::failure::thrown;
use crate::options::config;
use crate::session::Session;

/// How a name begins whose store is only in memory.
const MEMORY: &str = "memory:";
/// How much of an archive is read at a time.
const READ_BYTES: usize = 1 << 20;

/// A store, open.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Database {
    engine: Engine,
}

#[wasm_bindgen]
impl Database {
    /// Opens the store `name`, making it if it is not there; `memory://` is a store that nobody else sees and
    /// that ends with this object. `options` are those of `options::config`.
    ///
    /// Whoever had the store open before cannot commit any more.
    ///
    /// # Errors
    /// What `Engine::open` reports; `InvalidInput` for options that are none.
    pub async fn open(name: String, options: JsValue) -> Result<Database, JsValue> {
        open(&name, &options).await.map_err(|e| thrown(&e))
    }

    /// A session: of `root` or of `subject`, with what the store lets it do and `role` (`user`, `service`, `dba`,
    /// `system`) at most. With `acting` every statement is done in the name of that user.
    ///
    /// # Errors
    /// `InvalidInput` for a role that is none, or a user's id that is too long.
    pub fn session(
        &self,
        subject: Option<String>,
        role: Option<String>,
        acting: Option<String>,
    ) -> Result<Session, JsValue> {
        let begin = || -> Result<firndb_core::Session> {
            let role = role.as_deref().map_or(Ok(Role::System), self::role)?;
            let subject = subject.map_or_else(|| Ok(UserId::root()), UserId::new)?;
            let mut session = self.engine.session_as(subject, role);
            session.act_as(acting.map(UserId::new).transpose()?);
            Ok(session)
        };
        begin().map(Session::new).map_err(|e| thrown(&e))
    }

    /// How many parameters the one statement in `sql` has.
    ///
    /// # Errors
    /// `Syntax` for what is not SQL, `InvalidInput` for more or less than one statement.
    #[wasm_bindgen(js_name = countParameters)]
    pub fn count_parameters(&self, sql: &str) -> Result<u32, JsValue> {
        count_parameters(sql).map_err(|e| thrown(&e))
    }

    /// Does one unit of work that no statement waits for; whether there was any.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn step(&self) -> Promise {
        let engine = self.engine.clone();
        future_to_promise(async move { engine.step().await.map(JsValue::from).map_err(|e| thrown(&e)) })
    }

    /// What the engine did since it was opened, as an object of counts.
    #[wasm_bindgen(unchecked_return_type = "Record<string, number>")]
    pub fn stats(&self) -> Object {
        let stats = self.engine.stats();
        object(&[
            ("flushes", (stats.flushes as f64).into()),
            ("conflicts", (stats.conflicts as f64).into()),
            ("coldRowsUpdated", (stats.cold_rows_updated as f64).into()),
            ("filesOpened", (stats.files_opened as f64).into()),
            ("scopesEvicted", (stats.scopes_evicted as f64).into()),
        ])
    }

    /// Writes the whole store as one archive: `part` is called with each part of it, in order.
    /// `Database.load` makes a store of them.
    ///
    /// # Errors
    /// What the stores report; `Unavailable` when `part` throws.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn dump(&self, part: Function) -> Promise {
        let engine = self.engine.clone();
        future_to_promise(async move {
            engine.dump(&mut Parts::new(part)).await.map_err(|e| thrown(&e))?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Makes the store `name`, which must be empty, of an archive, and opens it. `read` is called with a number
    /// of bytes and gives so many of the archive, those after the last; fewer at its end.
    ///
    /// # Errors
    /// As `Engine::load`; `Unavailable` when `read` throws.
    pub async fn load(name: String, options: JsValue, read: Function) -> Result<Database, JsValue> {
        load(&name, &options, read).await.map_err(|e| thrown(&e))
    }

    /// Closes the stores. Sessions that are still there fail with `Unavailable`.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let engine = self.engine.clone();
        future_to_promise(
            async move { engine.close().await.map(|()| JsValue::UNDEFINED).map_err(|e| thrown(&e)) },
        )
    }
}

/// Deletes the store `name` with all that is in it. One that does not exist is no error, nor is one in memory,
/// which is gone with its owner anyway. Nobody should have it open: whoever has finds it `Unavailable`.
///
/// # Errors
/// What `firndb_storage_browser::delete` reports.
#[wasm_bindgen(js_name = deleteStore)]
pub async fn delete_store(name: String) -> Result<(), JsValue> {
    if name.starts_with(MEMORY) {
        return Ok(());
    }
    firndb_storage_browser::delete(&name).await.map_err(|e| thrown(&e))
}

async fn open(name: &str, options: &JsValue) -> Result<Database> {
    let config = config(options)?;
    let engine = Engine::open(stores(name).await?, config).await?;
    Ok(Database { engine })
}

async fn load(name: &str, options: &JsValue, read: Function) -> Result<Database> {
    let config = config(options)?;
    let mut archive = BufReader::with_capacity(READ_BYTES, Source::new(read));
    let engine = Engine::load(stores(name).await?, config, &mut archive).await?;
    Ok(Database { engine })
}

async fn stores(name: &str) -> Result<Stores> {
    if name.starts_with(MEMORY) {
        return Ok(Stores::memory().with_pause(Arc::new(EventLoopTurn)));
    }
    firndb_storage_browser::open(name).await
}

fn count_parameters(sql: &str) -> Result<u32> {
    let parsed = firndb_core::sql::parse(sql)?;
    let [statement] = parsed.as_slice() else {
        return Err(Error::invalid(format!("expected one statement, found {}", parsed.len())));
    };
    Ok(u32::try_from(statement.parameters).unwrap_or(u32::MAX))
}

fn role(name: &str) -> Result<Role> {
    Role::of_name(name)
        .ok_or_else(|| Error::invalid(format!("a role is user, service, dba or system, not `{name}`")))
}
