//! JavaScript values as values of SQL parameters.

use datafusion::scalar::ScalarValue;
use firndb_core::{Error, Result};
use js_sys::{Array, BigInt, Date, Number, Uint8Array};
use wasm_bindgen::prelude::*;

/// The values of `params`, in order: the first is `$1`.
///
/// | JavaScript | SQL |
/// |---|---|
/// | `null`, `undefined` | NULL |
/// | boolean | BOOLEAN |
/// | number that is an integer of at most 2^53 - 1 | BIGINT |
/// | any other number, and -0 | DOUBLE PRECISION |
/// | bigint | BIGINT |
/// | string | TEXT |
/// | `Uint8Array` | BYTEA |
/// | `Date` | TIMESTAMP |
///
/// # Errors
/// `InvalidInput` naming the parameter: any other value, a bigint past 64 bits, an invalid `Date`, text with
/// half of a surrogate pair.
pub fn values(params: &Array) -> Result<Vec<ScalarValue>> {
    let numbered = params.iter().zip(1..);
    numbered.map(|(value, number)| scalar(&value).map_err(|e| refused(number, &e))).collect()
}

fn refused(number: u32, why: &str) -> Error {
    Error::invalid(format!("parameter ${number}: {why}"))
}

fn scalar(value: &JsValue) -> Result<ScalarValue, String> {
    if value.is_null() || value.is_undefined() {
        return Ok(ScalarValue::Null);
    }
    if let Some(value) = value.as_bool() {
        return Ok(ScalarValue::Boolean(Some(value)));
    }
    if let Some(number) = value.as_f64() {
        return Ok(numeric(value, number));
    }
    if value.is_string() {
        return text(value);
    }
    if value.is_bigint() {
        return wide(value);
    }
    if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        return Ok(ScalarValue::Binary(Some(bytes.to_vec())));
    }
    if let Some(date) = value.dyn_ref::<Date>() {
        return timestamp(date);
    }
    Err(format!(
        "expected null, a boolean, number, bigint, string, Uint8Array or Date, found {}",
        described(value)
    ))
}

fn numeric(value: &JsValue, number: f64) -> ScalarValue {
    let negative_zero = number == 0.0 && number.is_sign_negative();
    if Number::is_safe_integer(value) && !negative_zero {
        let integer = number as i64;
        return ScalarValue::Int64(Some(integer));
    }
    ScalarValue::Float64(Some(number))
}

fn text(value: &JsValue) -> Result<ScalarValue, String> {
    let lone = || "the text holds half of a surrogate pair, so it is not Unicode".to_owned();
    let string: &js_sys::JsString = value.dyn_ref().ok_or_else(lone)?;
    if !string.is_valid_utf16() {
        return Err(lone());
    }
    Ok(ScalarValue::Utf8(Some(String::from(string))))
}

fn wide(value: &JsValue) -> Result<ScalarValue, String> {
    match i64::try_from(value.clone()) {
        Ok(value) => Ok(ScalarValue::Int64(Some(value))),
        Err(_) => {
            let digits = value.dyn_ref::<BigInt>().and_then(|n| n.to_string(10).ok()).map(String::from);
            Err(format!("{} does not fit the 64 bits of BIGINT", digits.unwrap_or_default()))
        }
    }
}

fn timestamp(date: &Date) -> Result<ScalarValue, String> {
    let ms = date.get_time();
    if !ms.is_finite() {
        return Err("the Date is invalid".to_owned());
    }
    // A Date is at most 8.64e15 milliseconds from 1970: microseconds of it fit 64 bits.
    let micros = ms as i64 * 1000;
    Ok(ScalarValue::TimestampMicrosecond(Some(micros), None))
}

fn described(value: &JsValue) -> String {
    if Array::is_array(value) {
        return "an array".to_owned();
    }
    let kind = value.js_typeof().as_string().unwrap_or_default();
    match value.dyn_ref::<js_sys::Object>() {
        Some(object) if kind == "object" => String::from(object.constructor().name()),
        _ => kind,
    }
}
