//! The rows of a query, as they are asked for.

use std::rc::Rc;

use async_lock::Mutex;
use firndb_core::{PieceForm, Pieces, Rows};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::failure::thrown;

/// The rows of a query as bytes, made as they are asked for. `free` gives up what has not been.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RowStream {
    pieces: Rc<Mutex<Pieces>>,
}

impl RowStream {
    pub(crate) fn new(rows: Rows, form: PieceForm) -> Self {
        Self { pieces: Rc::new(Mutex::new(Pieces::of(rows, form))) }
    }
}

#[wasm_bindgen]
impl RowStream {
    /// The next piece, an Arrow IPC stream or a part of one; `null` when there are no more.
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
