//! Values of SQL parameters, as the package hands them over.

use datafusion::scalar::ScalarValue;
use firndb_core::{Error, Result};
use napi::bindgen_prelude::{BigInt, Buffer};
use napi_derive::napi;

/// One value: the property that is there says its type; none is NULL.
#[napi(object, object_to_js = false)]
pub struct Param {
    /// A BOOLEAN.
    pub boolean: Option<bool>,
    /// A BIGINT.
    pub integer: Option<BigInt>,
    /// A DOUBLE PRECISION.
    pub double: Option<f64>,
    /// A TEXT.
    pub text: Option<String>,
    /// A BYTEA.
    pub bytes: Option<Buffer>,
    /// A TIMESTAMP: milliseconds since 1970.
    pub date_ms: Option<f64>,
}

/// The values of `params`, in order: the first is `$1`.
///
/// # Errors
/// `InvalidInput` naming the parameter for a bigint past 64 bits.
pub fn values(params: Vec<Param>) -> Result<Vec<ScalarValue>> {
    params.into_iter().zip(1..).map(|(param, number)| scalar(param, number)).collect()
}

fn scalar(param: Param, number: usize) -> Result<ScalarValue> {
    let Param { boolean, integer, double, text, bytes, date_ms } = param;
    if let Some(integer) = integer {
        let (value, lossless) = integer.get_i64();
        if !lossless {
            return Err(Error::invalid(format!(
                "parameter ${number}: the bigint does not fit the 64 bits of BIGINT"
            )));
        }
        return Ok(ScalarValue::Int64(Some(value)));
    }
    Ok(match (boolean, double, text, bytes, date_ms) {
        (Some(value), ..) => ScalarValue::Boolean(Some(value)),
        (_, Some(value), ..) => ScalarValue::Float64(Some(value)),
        (_, _, Some(value), ..) => ScalarValue::Utf8(Some(value)),
        (_, _, _, Some(value), _) => ScalarValue::Binary(Some(value.to_vec())),
        // A Date is at most 8.64e15 milliseconds from 1970: microseconds of it fit 64 bits.
        (.., Some(ms)) => ScalarValue::TimestampMicrosecond(Some(ms as i64 * 1000), None),
        _ => ScalarValue::Null,
    })
}
