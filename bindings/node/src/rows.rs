//! The rows of a query, as they are asked for.

use std::sync::Arc;

use async_lock::Mutex;
use firndb_core::{CancelToken, Export, PieceForm, Pieces, Result, Rows};
use napi_derive::napi;

use crate::reply::Reply;

/// Where bytes come from.
enum Made {
    Rows(Pieces),
    Copy(Export),
}

impl Made {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Rows(pieces) => pieces.next().await,
            Self::Copy(export) => Ok(export.next().await?.map(Into::into)),
        }
    }
}

/// The rows of a query as bytes, made as they are asked for.
#[napi]
pub struct RowStream {
    /// `None` once it is given up.
    pieces: Arc<Mutex<Option<Result<Made>>>>,
    cancel: CancelToken,
}

impl RowStream {
    /// The rows of a query that `cancel` takes back, or the error with which it ended.
    pub(crate) fn new(rows: Result<Rows>, form: PieceForm, cancel: CancelToken) -> Self {
        Self::of(rows.map(|rows| Made::Rows(Pieces::of(rows, form))), cancel)
    }

    /// As [`Self::new`], of a COPY.
    pub(crate) fn of_copy(export: Result<Export>, cancel: CancelToken) -> Self {
        Self::of(export.map(Made::Copy), cancel)
    }

    fn of(made: Result<Made>, cancel: CancelToken) -> Self {
        Self { pieces: Arc::new(Mutex::new(Some(made))), cancel }
    }
}

#[napi]
impl RowStream {
    /// Whether there are rows, or an error instead.
    #[napi]
    pub async fn opened(&self) -> Reply {
        match self.pieces.lock().await.as_ref() {
            Some(Err(e)) => Reply::error(e),
            _ => Reply::default(),
        }
    }

    /// The next piece, an Arrow IPC stream or a part of one, or of a COPY's file; none when there are no more.
    #[napi]
    pub async fn next(&self) -> Reply {
        let mut pieces = self.pieces.lock().await;
        let Some(Ok(pieces)) = pieces.as_mut() else { return Reply::default() };
        Reply::of(pieces.next().await.map(|piece| Reply { bytes: piece.map(Into::into), ..Reply::default() }))
    }

    /// Takes back what runs, and gives up what has not been asked for.
    #[napi]
    pub fn free(&self) {
        self.cancel.cancel();
        let pieces = Arc::clone(&self.pieces);
        napi::bindgen_prelude::spawn(async move { *pieces.lock().await = None });
    }
}
