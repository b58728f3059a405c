//! The rows of a query, as they are asked for.

use std::rc::Rc;

use async_lock::Mutex;
use firndb_core::{Export, PieceForm, Pieces, Result, Rows};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::failure::thrown;

/// Where bytes come from.
#[derive(Debug)]
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

/// The rows of a query as bytes, made as they are asked for. `free` gives up what has not been.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RowStream {
    pieces: Rc<Mutex<Made>>,
}

impl RowStream {
    pub(crate) fn new(rows: Rows, form: PieceForm) -> Self {
        Self { pieces: Rc::new(Mutex::new(Made::Rows(Pieces::of(rows, form)))) }
    }

    /// The bytes of a COPY.
    pub(crate) fn of_copy(export: Export) -> Self {
        Self { pieces: Rc::new(Mutex::new(Made::Copy(export))) }
    }
}

#[wasm_bindgen]
impl RowStream {
    /// The next piece, an Arrow IPC stream or a part of one, or of a COPY's file; `null` when there are no more.
    ///
    /// # Errors
    /// What running the query reports; `Conflict` when nobody asked for too long; `Cancelled`.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array | null>")]
    pub fn next(&self) -> Promise {
        let pieces = Rc::clone(&self.pieces);
        future_to_promise(async move {
            let piece = pieces.lock().await.next().await.map_err(|e| thrown(&e))?;
            Ok(piece.map_or(JsValue::NULL, |piece| Uint8Array::from(piece.as_slice()).into()))
        })
    }
}
