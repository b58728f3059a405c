//! A conversation with the engine.

use std::rc::Rc;

use async_lock::Mutex;
use datafusion::scalar::ScalarValue;
use firndb_core::storage::Pipe;
use firndb_core::{CancelToken, PieceForm, Result, SeqId};
use futures::channel::oneshot;
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{future_to_promise, spawn_local};

use crate::answer::{answer, answers};
use crate::failure::thrown;
use crate::load::Load;
use crate::params::values;
use crate::rows::RowStream;

/// A conversation with the engine. Its requests run one after the other, in the order in which they came.
///
/// `free` ends it, after the requests that it still has: an open transaction is rolled back.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Session {
    shared: Rc<Mutex<firndb_core::Session>>,
}

impl Session {
    pub(crate) fn new(session: firndb_core::Session) -> Self {
        Self { shared: Rc::new(Mutex::new(session)) }
    }

    /// Runs `run` with the values of `params` when it is its turn, so that `cancel` takes it back.
    fn request<F>(&self, params: &Array, cancel: &Cancel, run: F) -> Promise
    where
        F: AsyncFnOnce(&mut firndb_core::Session, Vec<ScalarValue>) -> Result<JsValue> + 'static,
    {
        let shared = Rc::clone(&self.shared);
        let token = cancel.token.clone();
        // Read before the promise is returned: the caller may change the array afterwards.
        let params = values(params);
        future_to_promise(async move {
            let done = async {
                let params = params?;
                let mut session = shared.lock().await;
                session.set_cancel(token);
                run(&mut session, params).await
            };
            done.await.map_err(|e| thrown(&e))
        })
    }
}

/// Takes the statements back that run with it, and those that will.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Cancel {
    token: CancelToken,
}

#[wasm_bindgen]
impl Cancel {
    /// One that nobody has used.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends its statements with `Cancelled`; one that is already being committed is not held up.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

#[wasm_bindgen]
impl Session {
    /// Runs one statement with the values of `params`; gives its answer.
    ///
    /// # Errors
    /// The statement's; `InvalidInput` for a parameter that is no value of SQL; `Cancelled`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Answer>")]
    pub fn query(&self, sql: String, params: &Array, cancel: &Cancel) -> Promise {
        self.request(params, cancel, async move |session, params| {
            answer(&session.query(&sql, &params).await?)
        })
    }

    /// Runs one statement as [`Self::query`] does, and gives its rows as they are asked for: in pieces of one
    /// Arrow IPC stream, or as one stream for `each` of its batches. They are taken back by `cancel` too, and
    /// do not need the session any more.
    ///
    /// # Errors
    /// As [`Self::query`].
    #[wasm_bindgen(unchecked_return_type = "Promise<RowStream>")]
    pub fn stream(&self, sql: String, params: &Array, each: bool, cancel: &Cancel) -> Promise {
        let form = if each { PieceForm::StreamEach } else { PieceForm::OneStream };
        self.request(params, cancel, async move |session, params| {
            Ok(RowStream::new(session.stream(&sql, &params).await?, form).into())
        })
    }

    /// Runs one query and stays with it: its rows come at once, and again whenever they are others, an Arrow IPC stream
    /// each, until the stream is freed. They do not need the session any more.
    ///
    /// # Errors
    /// As [`Self::query`]; `InvalidInput` for what is no query, and in a transaction.
    #[wasm_bindgen(unchecked_return_type = "Promise<RowStream>")]
    pub fn live(&self, sql: String, params: &Array, cancel: &Cancel) -> Promise {
        self.request(params, cancel, async move |session, params| {
            let rows = session.subscribe(&sql, &params).await?.into_rows();
            Ok(RowStream::new(rows, PieceForm::StreamEach).into())
        })
    }

    /// Follows the changes of `table`, named as in SQL, after the `_seq` `since`, as [`Self::live`] follows rows: its
    /// columns, `_seq` and `_deleted`.
    ///
    /// # Errors
    /// As [`Self::query`]; `InvalidInput` in a transaction.
    #[wasm_bindgen(unchecked_return_type = "Promise<RowStream>")]
    pub fn changes(&self, table: String, since: i64, cancel: &Cancel) -> Promise {
        self.request(&Array::new(), cancel, async move |session, _| {
            let rows = session.changes(&table, SeqId::from_i64(since)).await?.into_rows();
            Ok(RowStream::new(rows, PieceForm::StreamEach).into())
        })
    }

    /// Runs a `COPY … TO STDOUT` with the values of `params`, and gives its bytes as they are asked for. They are
    /// taken back by `cancel` too, and do not need the session any more.
    ///
    /// # Errors
    /// As [`Self::query`].
    #[wasm_bindgen(js_name = copyTo, unchecked_return_type = "Promise<RowStream>")]
    pub fn copy_to(&self, sql: String, params: &Array, cancel: &Cancel) -> Promise {
        self.request(params, cancel, async move |session, params| {
            Ok(RowStream::of_copy(session.copy_to(&sql, &params).await?).into())
        })
    }

    /// Begins a `COPY … FROM STDIN`, whose bytes the load is given; messages call them `name`. The session does
    /// nothing else until it ends.
    pub fn load(&self, sql: String, name: String, cancel: &Cancel) -> Load {
        let (pipe, source) = Pipe::new(name);
        let (gives_result, result) = oneshot::channel();
        let (ends, ended) = oneshot::channel();
        let shared = Rc::clone(&self.shared);
        let token = cancel.token.clone();
        spawn_local(async move {
            let copied = {
                let mut session = shared.lock().await;
                session.set_cancel(token);
                session.copy_from(&sql, source).await
            };
            // Nobody asks any more where these fail.
            _ = gives_result.send(copied);
            _ = ends.send(());
        });
        Load::new(pipe, result, ended)
    }

    /// Runs the statements of `sql` one after the other; gives their answers.
    ///
    /// # Errors
    /// The first statement's that fails, or `Cancelled`; those before it have taken effect.
    #[wasm_bindgen(unchecked_return_type = "Promise<Answer[]>")]
    pub fn execute(&self, sql: String, cancel: &Cancel) -> Promise {
        self.request(&Array::new(), cancel, async move |session, _| answers(&session.execute(&sql).await?))
    }

    /// Whether a transaction is open; `false` also while a request is running.
    #[wasm_bindgen(getter, js_name = inTransaction)]
    pub fn in_transaction(&self) -> bool {
        self.shared.try_lock().is_some_and(|session| session.in_transaction())
    }
}
