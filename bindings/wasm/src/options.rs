//! What a store is opened with.

use firndb_core::{Config, Durability, Error, Result};
use js_sys::{Number, Reflect};
use wasm_bindgen::prelude::*;

/// The settings in `options`, an object or `undefined`: `durability` (`'strict'` or `'relaxed'`), `readOnly` and
/// `limits`, an object of `resultRows`, `resultBytes`, `memoryBytes` and `timeoutMs`.
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
    let limits = option(options, "limits")?;
    let query = &mut config.query;
    for (name, limit) in [
        ("resultRows", &mut query.result_rows),
        ("resultBytes", &mut query.result_bytes),
        ("timeoutMs", &mut query.timeout_ms),
    ] {
        if let Some(given) = count(&limits, name)? {
            *limit = given;
        }
    }
    if let Some(given) = count(&limits, "memoryBytes")? {
        query.memory_bytes = usize::try_from(given).unwrap_or(usize::MAX);
    }
    Ok(config)
}

/// The limit `name`, if there is one.
fn count(limits: &JsValue, name: &str) -> Result<Option<u64>> {
    let value = option(limits, name)?;
    if value.is_undefined() {
        return Ok(None);
    }
    match value.as_f64() {
        // Not negative, and with no fraction: the cast loses nothing.
        Some(count) if Number::is_safe_integer(&value) && count >= 0.0 => Ok(Some(count as u64)),
        _ => Err(Error::invalid(format!("the limit {name} is an integer from 0 on"))),
    }
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
