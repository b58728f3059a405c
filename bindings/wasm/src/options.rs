//! What a store is opened with.

use firndb_core::{Config, Error, Given, Result};
use js_sys::{Array, Number, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The settings in `options`, an object or `undefined`: `durability` (`'strict'` or `'relaxed'`), `readOnly`,
/// `limits`, an object of `resultRows`, `resultBytes`, `memoryBytes` and `timeoutMs`, and `settings`, an object of
/// texts by the names of settings.
///
/// # Errors
/// `InvalidInput` naming the option.
pub fn config(options: &JsValue) -> Result<Config> {
    let mut given = Vec::new();
    let durability = option(options, "durability")?;
    if !durability.is_undefined() {
        let named = durability.as_string().filter(|name| matches!(name.as_str(), "strict" | "relaxed"));
        let named = named.ok_or_else(|| Error::invalid("the option durability is 'strict' or 'relaxed'"))?;
        given.push(Given::option("writer.durability", named, "durability"));
    }
    let read_only = option(options, "readOnly")?;
    if !read_only.is_undefined() {
        let read_only =
            read_only.as_bool().ok_or_else(|| Error::invalid("the option readOnly is true or false"))?;
        given.push(Given::option("writer.read_only", read_only.to_string(), "readOnly"));
    }
    let limits = option(options, "limits")?;
    for (name, limit, most) in [
        ("query.result_rows", "resultRows", u64::MAX),
        ("query.result_bytes", "resultBytes", u64::MAX),
        ("query.memory_bytes", "memoryBytes", usize::MAX as u64),
        ("query.timeout_ms", "timeoutMs", u64::MAX),
    ] {
        if let Some(count) = count(&limits, limit)? {
            given.push(Given::option(name, count.min(most).to_string(), format!("limits.{limit}")));
        }
    }
    given.extend(settings(&option(options, "settings")?)?);
    let mut config = Config::default();
    config.apply(given)?;
    Ok(config)
}

/// Settings by name, as text.
fn settings(settings: &JsValue) -> Result<Vec<Given>> {
    if settings.is_undefined() {
        return Ok(Vec::new());
    }
    let none = || Error::invalid("the option settings is an object of texts by the names of settings");
    let settings = settings.dyn_ref::<Object>().ok_or_else(none)?;
    let given = Object::entries(settings).into_iter().map(|entry| {
        let entry = Array::from(&entry);
        let (name, value) = entry.get(0).as_string().zip(entry.get(1).as_string()).ok_or_else(none)?;
        let option = format!("settings['{name}']");
        Ok(Given::option(name, value, option))
    });
    given.collect()
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

fn option(options: &JsValue, name: &str) -> Result<JsValue> {
    if options.is_undefined() || options.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    Reflect::get(options, &name.into()).map_err(|_| Error::invalid("the options are not an object"))
}
