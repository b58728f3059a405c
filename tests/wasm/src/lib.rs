//! Runs FirnDB as WebAssembly on in-memory stores: built by `cargo xtask wasm`, called by `run.cjs` in Node.js,
//! which prints what [`run`] gives; `expected.txt` is what that must be.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

mod engine;
mod query_engine;

use std::error::Error;

use wasm_bindgen::prelude::*;

/// Runs every check and gives what they found, as text.
///
/// # Errors
/// The first check that fails, as a JavaScript `Error`.
#[wasm_bindgen]
pub async fn run() -> Result<String, JsValue> {
    // With `panic = "abort"` a panic is a bare `unreachable`: this prints its message first.
    console_error_panic_hook::set_once();
    report().await.map_err(|e| JsError::new(&e.to_string()).into())
}

async fn report() -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    section(&mut text, "query engine: group and aggregate", &query_engine::group_and_aggregate().await?);
    section(&mut text, "query engine: Parquet with zstd", &query_engine::parquet_with_zstd()?);
    section(&mut text, "engine: hot and cold rows", &engine::story().await?);
    Ok(text)
}

fn section(text: &mut String, title: &str, found: &str) {
    text.push_str(&format!("== {title}\n{}\n", found.trim_end()));
}
