//! JavaScript: what it throws, what it promises, and the calls that `web-sys` does not have.

use std::error::Error as StdError;
use std::fmt;

use firndb_core::{Error, ErrorKind};
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, IdbTransaction, WorkerGlobalScope};

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase`, with a durability for its transactions.
    pub(crate) type Database;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn transaction(
        this: &Database,
        spaces: &Array,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;

    /// `IDBTransaction`, with the commit that `web-sys` calls deprecated and the specification does not.
    pub(crate) type Transaction;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn commit(this: &Transaction) -> Result<(), JsValue>;

    /// `FileSystemFileHandle`, with modes of access and with moves.
    pub(crate) type FileHandle;

    #[wasm_bindgen(method, catch, js_name = createSyncAccessHandle)]
    pub(crate) fn create_sync_access_handle(this: &FileHandle, options: &JsValue)
    -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = move)]
    pub(crate) fn move_to(
        this: &FileHandle,
        directory: &FileSystemDirectoryHandle,
        name: &str,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: u32) -> JsValue;

    /// `LockManager`: the Web Locks of the origin.
    pub(crate) type Locks;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn request(this: &Locks, name: &str, callback: &Function) -> Result<Promise, JsValue>;
}

/// Something that was thrown: its name and message, which may leave the thread.
#[derive(Debug, Clone)]
pub(crate) struct Thrown {
    name: String,
    message: String,
}

impl Thrown {
    pub(crate) fn new(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), message: message.into() }
    }

    /// The name of the exception, by which the specifications tell failures apart.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the origin may store no more.
    pub(crate) fn is_quota(&self) -> bool {
        self.name == "QuotaExceededError"
    }

    /// The error of FirnDB that stands for it: a limit when the quota is used up, else `otherwise`.
    pub(crate) fn into_error(self, otherwise: ErrorKind, doing: &str) -> Error {
        if self.is_quota() {
            let message = format!("{doing}: the browser lets this origin store no more ({self})");
            return Error::limit(message).with_source(self);
        }
        Error::new(otherwise, format!("{doing}: {self}")).with_source(self)
    }
}

impl From<JsValue> for Thrown {
    fn from(value: JsValue) -> Self {
        let text = |key| Reflect::get(&value, &JsValue::from_str(key)).ok().and_then(|v| v.as_string());
        match (text("name"), text("message")) {
            (Some(name), message) => Self { name, message: message.unwrap_or_default() },
            _ => Self::new("Error", format!("{value:?}")),
        }
    }
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            return f.write_str(&self.name);
        }
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl StdError for Thrown {}

/// What a promise comes to, as a `T`.
pub(crate) async fn settled<T: JsCast>(promise: Promise) -> Result<T, Thrown> {
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

/// Returns after `ms` milliseconds, or a little later.
pub(crate) async fn wait_ms(ms: u32) {
    let elapsed = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // It is only ever fulfilled.
    _ = JsFuture::from(elapsed).await;
}

/// `{ key: value }`.
pub(crate) fn options(key: &str, value: &str) -> JsValue {
    let options = js_sys::Object::new();
    // A new object takes any property.
    _ = Reflect::set(&options, &JsValue::from_str(key), &JsValue::from_str(value));
    options.into()
}

/// Whether `object` has a method `name`.
pub(crate) fn has_method(object: &JsValue, name: &str) -> bool {
    Reflect::get(object, &JsValue::from_str(name)).is_ok_and(|method| method.is_function())
}

/// The global object of the worker.
///
/// # Errors
/// `Unsupported` outside of workers.
pub(crate) fn worker() -> Result<WorkerGlobalScope, Error> {
    js_sys::global()
        .dyn_into::<WorkerGlobalScope>()
        .map_err(|_| Error::unsupported("FirnDB's storage works in a dedicated worker, and this is none"))
}

/// The Web Locks of the origin.
///
/// # Errors
/// `Unsupported` outside of workers and of secure contexts.
pub(crate) fn locks() -> Result<Locks, Error> {
    let locks = Reflect::get(&worker()?.navigator(), &JsValue::from_str("locks")).unwrap_or_default();
    if locks.is_undefined() {
        return Err(Error::unsupported("no Web Locks: the page is not in a secure context (HTTPS)"));
    }
    Ok(locks.unchecked_into())
}
