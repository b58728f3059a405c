//! What a statement answers, as JavaScript sees it.

use firndb_core::{Outcome, Result, ipc_stream};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** What one statement answered; `ipc` is an Arrow IPC stream. */
export type Answer =
  | { kind: 'rows'; ipc: Uint8Array }
  | { kind: 'affected'; rows: number }
  | { kind: 'done'; verb: string };
";

/// `{ kind: 'rows', ipc }`, `{ kind: 'affected', rows }` or `{ kind: 'done', verb }`.
///
/// # Errors
/// `Internal` when Arrow cannot write the rows.
pub fn answer(outcome: &Outcome) -> Result<JsValue> {
    let entries: [(&str, JsValue); 2] = match outcome {
        Outcome::Rows { schema, batches } => {
            let ipc = ipc_stream(schema, batches)?;
            [("kind", "rows".into()), ("ipc", Uint8Array::from(ipc.as_slice()).into())]
        }
        // A count of rows is far below 2^53.
        Outcome::Affected(rows) => [("kind", "affected".into()), ("rows", (*rows as f64).into())],
        Outcome::Done(verb) => [("kind", "done".into()), ("verb", verb.into())],
    };
    Ok(object(&entries).into())
}

/// The answers of several statements, in order.
///
/// # Errors
/// As [`answer`].
pub fn answers(outcomes: &[Outcome]) -> Result<JsValue> {
    Ok(outcomes.iter().map(answer).collect::<Result<Array>>()?.into())
}

/// An object with these properties.
pub fn object(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in entries {
        // Setting a property of an object that was just made cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}
