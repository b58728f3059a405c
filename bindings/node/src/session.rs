//! A conversation with the engine.

use std::sync::Arc;

use async_lock::Mutex;
use firndb_core::storage::Pipe;
use firndb_core::{CancelToken, Error, PieceForm, Result, Rows, SeqId};
use futures::channel::oneshot;
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

use crate::load::Load;
use crate::params::{Param, values};
use crate::reply::{Reply, answers};
use crate::rows::RowStream;

/// A conversation with the engine. Its requests run one after the other, in the order in which they came.
#[napi]
pub struct Session {
    /// `None` once it is ended.
    shared: Arc<Mutex<Option<firndb_core::Session>>>,
    cancel: Arc<std::sync::Mutex<CancelToken>>,
    /// Why there is none.
    failure: Option<Error>,
}

impl Session {
    pub(crate) fn new(begun: Result<firndb_core::Session>) -> Self {
        let (session, failure) = match begun {
            Ok(session) => (Some(session), None),
            Err(failure) => (None, Some(failure)),
        };
        Self { shared: Arc::new(Mutex::new(session)), cancel: Arc::default(), failure }
    }
}

#[napi]
impl Session {
    /// The error for which there is no session, if there is one.
    #[napi]
    pub fn opened(&self) -> Reply {
        self.failure.as_ref().map_or_else(Reply::default, Reply::error)
    }

    /// Runs one statement with the values of `params`.
    #[napi]
    pub async fn query(&self, sql: String, params: Vec<Param>) -> Reply {
        let run = async |session: &mut firndb_core::Session| {
            let params = values(params)?;
            answers(&[session.query(&sql, &params).await?])
        };
        self.run(run).await
    }

    /// Runs the statements of `sql` one after the other.
    #[napi]
    pub async fn execute(&self, sql: String) -> Reply {
        self.run(async |session: &mut firndb_core::Session| answers(&session.execute(&sql).await?)).await
    }

    /// Runs one statement as [`Self::query`] does, and gives its rows as they are asked for: in pieces of one
    /// Arrow IPC stream, or as one stream for `each` of its batches. They do not need the session any more.
    #[napi]
    pub async fn stream(&self, sql: String, params: Vec<Param>, each: bool) -> RowStream {
        let form = if each { PieceForm::StreamEach } else { PieceForm::OneStream };
        let begin = async |session: &mut firndb_core::Session| session.stream(&sql, &values(params)?).await;
        self.rows(form, begin).await
    }

    /// Runs one query and stays with it: its rows come at once, and again whenever they are others, an Arrow IPC stream
    /// each, until the stream is freed. They do not need the session any more.
    #[napi]
    pub async fn live(&self, sql: String, params: Vec<Param>) -> RowStream {
        let begin = async |session: &mut firndb_core::Session| {
            Ok(session.subscribe(&sql, &values(params)?).await?.into_rows())
        };
        self.rows(PieceForm::StreamEach, begin).await
    }

    /// Follows the changes of `table`, named as in SQL, after the `_seq` `since`, as [`Self::live`] follows rows: its
    /// columns, `_seq` and `_deleted`.
    #[napi]
    pub async fn changes(&self, table: String, since: BigInt) -> RowStream {
        let begin = async |session: &mut firndb_core::Session| {
            let (since, true) = since.get_i64() else {
                return Err(Error::invalid("since does not fit the 64 bits of BIGINT"));
            };
            Ok(session.changes(&table, SeqId::from_i64(since)).await?.into_rows())
        };
        self.rows(PieceForm::StreamEach, begin).await
    }

    /// Runs a `COPY … TO STDOUT` with the values of `params`, and gives its bytes as they are asked for. They do not
    /// need the session any more.
    #[napi]
    pub async fn copy_to(&self, sql: String, params: Vec<Param>) -> RowStream {
        let mut guard = self.shared.lock().await;
        let Some(session) = guard.as_mut() else {
            return RowStream::of_copy(Err(over()), CancelToken::new());
        };
        let token = self.begin(session);
        let export = match values(params) {
            Ok(params) => session.copy_to(&sql, &params).await,
            Err(e) => Err(e),
        };
        RowStream::of_copy(export, token)
    }

    /// Begins a `COPY … FROM STDIN`, whose bytes the load is given; messages call them `name`.
    #[napi]
    pub fn load(&self, sql: String, name: String) -> Load {
        let (pipe, source) = Pipe::new(name);
        let (ends, ended) = oneshot::channel();
        let (shared, cancel) = (Arc::clone(&self.shared), Arc::clone(&self.cancel));
        napi::bindgen_prelude::spawn(async move {
            let mut guard = shared.lock().await;
            let result = match guard.as_mut() {
                Some(session) => {
                    begin(session, &cancel);
                    session.copy_from(&sql, source).await
                }
                None => Err(over()),
            };
            // Nobody asks any more where this fails.
            _ = ends.send(result);
        });
        Load::new(pipe, ended)
    }

    /// Takes back the statement that is running, if there is one.
    #[napi]
    pub fn cancel(&self) {
        if let Ok(token) = self.cancel.lock() {
            token.cancel();
        }
    }

    /// Whether a transaction is open; `false` also while a request is running.
    #[napi(getter)]
    pub fn in_transaction(&self) -> bool {
        self.shared.try_lock().is_some_and(|s| s.as_ref().is_some_and(firndb_core::Session::in_transaction))
    }

    /// Ends the session, after the requests that it still has: an open transaction is rolled back.
    #[napi]
    pub fn free(&self) {
        let shared = Arc::clone(&self.shared);
        napi::bindgen_prelude::spawn(async move { drop(shared.lock().await.take()) });
    }
}

impl Session {
    async fn run(&self, work: impl AsyncFnOnce(&mut firndb_core::Session) -> Result<Reply>) -> Reply {
        let mut guard = self.shared.lock().await;
        let Some(session) = guard.as_mut() else {
            return Reply::error(&over());
        };
        self.begin(session);
        Reply::of(work(session).await)
    }

    /// The rows that `begin` gives, or the error with which it ended.
    async fn rows(
        &self,
        form: PieceForm,
        begin: impl AsyncFnOnce(&mut firndb_core::Session) -> Result<Rows>,
    ) -> RowStream {
        let mut guard = self.shared.lock().await;
        let Some(session) = guard.as_mut() else {
            return RowStream::new(Err(over()), form, CancelToken::new());
        };
        let token = self.begin(session);
        RowStream::new(begin(session).await, form, token)
    }

    fn begin(&self, session: &mut firndb_core::Session) -> CancelToken {
        begin(session, &self.cancel)
    }
}

/// Gives `session` what its next statement is taken back with, and notes that in `current`.
fn begin(session: &mut firndb_core::Session, current: &std::sync::Mutex<CancelToken>) -> CancelToken {
    let token = CancelToken::new();
    session.set_cancel(token.clone());
    if let Ok(mut current) = current.lock() {
        *current = token.clone();
    }
    token
}

fn over() -> Error {
    Error::invalid("the session is over")
}
