//! What a store is opened with.

use firndb_core::{Config, Durability, Error, Result};
use js_sys::Reflect;
use wasm_bindgen::prelude::*;

/// The settings in `options`, an object or `undefined`: `durability` (`'strict'` or `'relaxed'`) and `readOnly`.
///
/// # Errors
/// `InvalidInput` naming the option.
pub fn config(options: &JsValue) -> Result<Config> {
    let mut config = Config::default();
    config.durability = durability(&option(options, "durability")?)?;
    let read_only = option(options, "readOnly")?;
    if !read_only.is_undefined() {
        config.read_only =
            read_only.as_bool().ok_or_else(|| Error::invalid("the option readOnly is true or false"))?;
    }
    Ok(config)
}

fn durability(value: &JsValue) -> Result<Durability> {
    if value.is_undefined() {
        return Ok(Durability::default());
    }
    match value.as_string().as_deref() {
        Some("strict") => Ok(Durability::Strict),
        Some("relaxed") => Ok(Durability::Relaxed),
        _ => Err(Error::invalid("the option durability is 'strict' or 'relaxed'")),
    }
}

fn option(options: &JsValue, name: &str) -> Result<JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    Reflect::get(options, &name.into()).map_err(|_| Error::invalid("the options are not an object"))
}
