//! What the stores promise, seen in a real browser: the conformance suites of `core`, and what only a browser
//! can do to a store.

mod engine;
mod indexed_db;
mod measure;
mod opfs;

use std::fmt::Display;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The value, or a panic that says what was being done.
#[track_caller]
fn must<T, E: Display>(result: Result<T, E>, doing: &str) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{doing} failed: {e}"),
    }
}

/// Deletes what an earlier run may have left of the store `name`.
async fn fresh(name: &str) {
    must(crate::delete(name).await, "deleting the store of an earlier run");
}

/// What the JavaScript `body` of an async function comes to.
async fn javascript(body: &str) -> JsValue {
    let function = Function::new_no_args(&format!("return (async () => {{ {body} }})()"));
    let promise: Promise = function.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    match JsFuture::from(promise).await {
        Ok(value) => value,
        Err(e) => panic!("{body}: {e:?}"),
    }
}

async fn wait_ms(ms: u32) {
    javascript(&format!("await new Promise(done => setTimeout(done, {ms}))")).await;
}

/// Milliseconds, to measure with.
fn now_ms() -> f64 {
    let performance = Reflect::get(&js_sys::global(), &"performance".into()).unwrap();
    let now: Function = Reflect::get(&performance, &"now".into()).unwrap().unchecked_into();
    now.call0(&performance).unwrap().as_f64().unwrap()
}
