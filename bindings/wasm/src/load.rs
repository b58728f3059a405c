//! A COPY that JavaScript feeds.

use std::rc::Rc;

use async_lock::Mutex;
use bytes::Bytes;
use firndb_core::storage::Pipe;
use firndb_core::{Copied, Error, Result};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::answer::object;
use crate::failure::thrown;

/// A COPY that is fed piece by piece. `free` gives it up unless it is finished: then nothing of it goes in.
#[wasm_bindgen]
pub struct Load {
    pipe: Rc<Pipe>,
    result: Rc<Mutex<Option<oneshot::Receiver<Result<Copied>>>>>,
    ended: Shared<oneshot::Receiver<()>>,
}

impl Load {
    /// What writes into `pipe`; how it ends comes through `result`, and that it has through `ended`.
    pub(crate) fn new(
        pipe: Pipe,
        result: oneshot::Receiver<Result<Copied>>,
        ended: oneshot::Receiver<()>,
    ) -> Self {
        Self { pipe: Rc::new(pipe), result: Rc::new(Mutex::new(Some(result))), ended: ended.shared() }
    }
}

#[wasm_bindgen]
impl Load {
    /// Takes more bytes, once there is room; whether they are still wanted.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn feed(&self, bytes: &Uint8Array) -> Promise {
        let pipe = Rc::clone(&self.pipe);
        let bytes = Bytes::from(bytes.to_vec());
        future_to_promise(async move { Ok(pipe.write(bytes).await.into()) })
    }

    /// Says that there are no more bytes; gives the counts `rows` and `rejected`. To be asked once.
    ///
    /// # Errors
    /// The statement's, also when it came before.
    #[wasm_bindgen(unchecked_return_type = "Promise<{ rows: number; rejected: number }>")]
    pub fn finish(&self) -> Promise {
        let (pipe, result) = (Rc::clone(&self.pipe), Rc::clone(&self.result));
        future_to_promise(async move {
            pipe.finish().await;
            let over = || Err(Error::internal("a load ended without a result"));
            let copied = match result.lock().await.take() {
                Some(result) => result.await.unwrap_or_else(|_| over()),
                None => over(),
            };
            let copied = copied.map_err(|e| thrown(&e))?;
            // Counts of rows are far below 2^53.
            let counts = [("rows", copied.rows), ("rejected", copied.rejected)];
            Ok(object(&counts.map(|(name, count)| (name, (count as f64).into()))).into())
        })
    }

    /// Resolves when it is over, either way.
    #[wasm_bindgen(getter, unchecked_return_type = "Promise<void>")]
    pub fn ended(&self) -> Promise {
        let ended = self.ended.clone();
        future_to_promise(async move {
            _ = ended.await;
            Ok(JsValue::UNDEFINED)
        })
    }
}
