//! Errors as JavaScript sees them.

use firndb_core::Error;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

/// `error` as a JavaScript `Error` with the property `code`.
pub fn thrown(error: &Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    // Setting a property of an object that was just made cannot fail.
    let _ = Reflect::set(&thrown, &"code".into(), &error.kind().name().into());
    thrown.into()
}
