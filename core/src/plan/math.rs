//! Functions of floating point numbers that fail where PostgreSQL's do.
//!
//! DataFusion's answer infinity for `exp(1000)` and `ln(0)`, and NaN for `ln(-1)`: values that no later step
//! takes for a mistake. The same functions are registered again, which look at what came out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::error::Error;

/// The functions that are checked.
const CHECKED: &[&str] = &[
    "acos", "acosh", "asin", "atanh", "cosh", "cot", "exp", "ln", "log", "log10", "log2", "power", "sinh",
    "sqrt",
];

/// Those of `functions` that are to be registered in place of themselves.
pub fn checked<'a>(functions: impl IntoIterator<Item = &'a Arc<ScalarUDF>>) -> Vec<ScalarUDF> {
    let found = functions.into_iter().filter(|f| CHECKED.contains(&f.name()));
    found.map(|inner| ScalarUDF::from(Checked { inner: Arc::clone(inner) })).collect()
}

/// A function whose results are looked at.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (given, rows) = (args.args.clone(), args.number_rows);
        let result = self.inner.invoke_with_args(args)?;
        if !result.data_type().is_floating() {
            return Ok(result);
        }
        let found = doubles(&result, 1)?;
        let found = found.as_primitive::<Float64Type>();
        let suspect = |value: f64| !value.is_finite() || value == 0.0;
        // Nearly always nothing is to be seen, and the arguments need not be looked at.
        if !found.values().iter().any(|value| suspect(*value)) {
            return Ok(result);
        }
        let given = given.iter().map(|value| doubles(value, rows)).collect::<Result<Vec<_>>>()?;
        for row in (0..found.len()).filter(|row| found.is_valid(*row) && suspect(found.value(*row))) {
            let at = |values: &ArrayRef| {
                let values = values.as_primitive::<Float64Type>();
                let row = if values.len() == 1 { 0 } else { row };
                values.is_valid(row).then(|| values.value(row))
            };
            let Some(arguments) = given.iter().map(at).collect::<Option<Vec<f64>>>() else { continue };
            if let Some(what) = wrong(self.name(), &arguments, found.value(row)) {
                return Err(Error::invalid(what).about_function(self.name()).into());
            }
        }
        Ok(result)
    }
}

/// `value` as doubles; `rows` of them if it is one for all rows and others are not.
fn doubles(value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    let array = match value {
        ColumnarValue::Array(array) => Arc::clone(array),
        ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(rows.min(1))?,
    };
    Ok(cast(&array, &DataType::Float64)?)
}

/// What is wrong with `result`, of the function `name` with these arguments.
fn wrong(name: &str, arguments: &[f64], result: f64) -> Option<&'static str> {
    if arguments.iter().any(|argument| !argument.is_finite()) {
        return None;
    }
    let last = arguments.last().copied().unwrap_or_default();
    if result == 0.0 {
        // What cannot be zero was too small for a number.
        let vanished = match name {
            "exp" => true,
            "power" => arguments.first().is_some_and(|base| *base != 0.0),
            _ => false,
        };
        return vanished.then_some("value out of range: underflow");
    }
    match name {
        "ln" | "log" | "log10" | "log2" => {
            let any = |wrong: fn(&f64) -> bool| arguments.iter().any(wrong);
            if any(|x| *x == 0.0) {
                return Some("cannot take logarithm of zero");
            }
            if any(|x| *x < 0.0) {
                return Some("cannot take logarithm of a negative number");
            }
            // The logarithm to the base 1.
            Some("division by zero")
        }
        "sqrt" => Some("cannot take square root of a negative number"),
        "power" if result.is_nan() => {
            Some("a negative number raised to a non-integer power yields a complex result")
        }
        "power" if arguments.first() == Some(&0.0) && last < 0.0 => {
            Some("zero raised to a negative power is undefined")
        }
        _ if result.is_nan() => Some("input is out of range"),
        "acos" | "asin" | "acosh" | "atanh" => Some("input is out of range"),
        // As in PostgreSQL, which has it for an angle.
        "cot" => None,
        _ => Some("value out of range: overflow"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_numbers_is_told_as_in_postgresql() {
        for (name, arguments, result, expected) in [
            ("exp", &[1000.0][..], f64::INFINITY, Some("overflow")),
            ("exp", &[-1000.0], 0.0, Some("underflow")),
            ("exp", &[f64::INFINITY], f64::INFINITY, None),
            ("ln", &[0.0], f64::NEG_INFINITY, Some("logarithm of zero")),
            ("ln", &[1.0], 0.0, None),
            ("log", &[-1.0], f64::NAN, Some("logarithm of a negative")),
            ("log", &[1.0, 5.0], f64::INFINITY, Some("division by zero")),
            ("power", &[10.0, 400.0], f64::INFINITY, Some("overflow")),
            ("power", &[10.0, -400.0], 0.0, Some("underflow")),
            ("power", &[0.0, 2.0], 0.0, None),
            ("power", &[0.0, -1.0], f64::INFINITY, Some("zero raised")),
            ("power", &[-1.0, 0.5], f64::NAN, Some("complex")),
            ("power", &[f64::NAN, 2.0], f64::NAN, None),
            ("acos", &[2.0], f64::NAN, Some("out of range")),
            ("sqrt", &[-1.0], f64::NAN, Some("square root")),
        ] {
            let found = wrong(name, arguments, result);
            match expected {
                None => assert_eq!(found, None, "{name} {arguments:?}"),
                Some(text) => {
                    assert!(found.is_some_and(|f| f.contains(text)), "{name} {arguments:?}: {found:?}")
                }
            }
        }
    }
}
