//! `Send` futures from JavaScript's handles, which are not.
//!
//! The traits of storage ask for futures that may move between threads; promises and handles belong to the
//! thread that made them. A worker has one thread, so nothing ever moves, but the compiler has to be shown:
//! what holds handles runs as a task of the worker's own event loop, and only its answer, which holds none,
//! comes back over a channel.
//!
//! A task of its own is also what an IndexedDB transaction needs: it ends by itself as soon as the event loop
//! turns without a request under way, so its next step must not wait for a busy caller. And a step that was
//! begun is carried out when the caller loses interest.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

use firndb_core::Error;
use futures::FutureExt;
use futures::channel::oneshot;
use wasm_bindgen_futures::spawn_local;

/// Starts `work` on this thread's event loop and gives its outcome.
pub(crate) fn run<T, E, F>(work: F) -> impl Future<Output = Result<T, E>> + Send + 'static
where
    F: Future<Output = Result<T, E>> + 'static,
    T: Send + 'static,
    E: From<Ended> + Send + 'static,
{
    let (answer, outcome) = oneshot::channel();
    spawn_local(async move {
        // The caller may be gone.
        _ = answer.send(work.await);
    });
    outcome.map(|outcome| outcome.unwrap_or_else(|_| Err(Ended.into())))
}

/// The event loop ended before the task did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the worker's event loop ended before the operation did")
    }
}

impl StdError for Ended {}

impl From<Ended> for Error {
    fn from(e: Ended) -> Self {
        Self::unavailable(e.to_string())
    }
}

impl From<Ended> for object_store::Error {
    fn from(e: Ended) -> Self {
        Self::Generic { store: "OPFS", source: e.into() }
    }
}
