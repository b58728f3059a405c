//! Errors as JavaScript sees them.

use firndb_core::Error;
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

/// `error` as a JavaScript `Error` with the property `code`, and `position` and `hint` if they are known.
pub fn thrown(error: &Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    set(&thrown, "code", &error.kind().name().into());
    if let Some(at) = error.position() {
        let position = js_sys::Object::new();
        set(&position, "line", &(at.line as f64).into());
        set(&position, "column", &(at.column as f64).into());
        set(&thrown, "position", &position);
    }
    if let Some(hint) = error.hint() {
        set(&thrown, "hint", &hint.into());
    }
    thrown.into()
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Setting a property of an object that was just made cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
