//! A COPY that JavaScript feeds.

use std::sync::Arc;

use async_lock::Mutex;
use bytes::Bytes;
use firndb_core::storage::Pipe;
use firndb_core::{Copied, Error, Result};
use futures::channel::oneshot;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::reply::{Loaded, Reply};

/// A COPY that is fed piece by piece.
#[napi]
pub struct Load {
    /// `None` once it is given up.
    pipe: Arc<Mutex<Option<Pipe>>>,
    ended: Arc<Mutex<Option<oneshot::Receiver<Result<Copied>>>>>,
}

impl Load {
    /// What writes into `pipe`; how it ends comes through `ended`.
    pub(crate) fn new(pipe: Pipe, ended: oneshot::Receiver<Result<Copied>>) -> Self {
        Self { pipe: Arc::new(Mutex::new(Some(pipe))), ended: Arc::new(Mutex::new(Some(ended))) }
    }
}

#[napi]
impl Load {
    /// Takes more bytes, once there is room; whether they are still wanted.
    #[napi]
    pub async fn feed(&self, bytes: Buffer) -> Reply {
        let bytes = Bytes::copy_from_slice(&bytes);
        let wanted = match self.pipe.lock().await.as_ref() {
            Some(pipe) => pipe.write(bytes).await,
            None => false,
        };
        Reply { yes: Some(wanted), ..Reply::default() }
    }

    /// Says that there are no more bytes, after those that are on their way.
    #[napi]
    pub fn finish(&self) {
        let pipe = Arc::clone(&self.pipe);
        napi::bindgen_prelude::spawn(async move {
            if let Some(pipe) = pipe.lock().await.as_ref() {
                pipe.finish().await;
            }
        });
    }

    /// How it ended, once it has; to be asked once.
    #[napi]
    pub async fn ended(&self) -> Reply {
        let ended = self.ended.lock().await.take();
        let over = || Err(Error::internal("a load ended without a result"));
        let result = match ended {
            Some(ended) => ended.await.unwrap_or_else(|_| over()),
            None => over(),
        };
        // Counts of rows are far below 2^53.
        Reply::of(result.map(|copied| {
            let loaded = Loaded { rows: copied.rows as f64, rejected: copied.rejected as f64 };
            Reply { copied: Some(loaded), ..Reply::default() }
        }))
    }

    /// Gives it up, unless it is finished: nothing of it goes in.
    #[napi]
    pub fn free(&self) {
        let pipe = Arc::clone(&self.pipe);
        napi::bindgen_prelude::spawn(async move { *pipe.lock().await = None });
    }
}
