//! Arithmetic of floating point numbers that fails as PostgreSQL's does: a division by zero, and a result
//! that is infinite, or zero, only because it has no other place in the type.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Operator};

use crate::error::Error;

/// Checks `result`, of `op` on two numbers of which one at least is floating.
///
/// # Errors
/// `InvalidInput` for a division by zero, and for what is out of range.
pub fn check(op: Operator, operands: &[ColumnarValue], result: &ColumnarValue) -> Result<()> {
    let result = as_doubles(std::slice::from_ref(result))?;
    let Some(result) = result.first() else { return Ok(()) };
    let result = result.as_primitive::<Float64Type>();
    let zeros = matches!(op, Operator::Multiply | Operator::Divide);
    // Nearly always nothing is to be seen, and the operands need not be looked at.
    if result.values().iter().all(|v| v.is_finite() && !(zeros && *v == 0.0)) {
        return Ok(());
    }
    let operands = as_doubles(operands)?;
    let [left, right] = operands.as_slice() else {
        return Err(Error::internal("arithmetic has two operands").into());
    };
    let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
    for row in (0..result.len()).filter(|row| result.is_valid(*row)) {
        let at = |values: &arrow::array::Float64Array| values.value(if values.len() == 1 { 0 } else { row });
        if let Some(what) = wrong(op, at(left), at(right), result.value(row)) {
            return Err(Error::invalid(what).into());
        }
    }
    Ok(())
}

fn as_doubles(values: &[ColumnarValue]) -> Result<Vec<ArrayRef>> {
    let arrays = values.iter().map(|value| {
        let array = match value {
            ColumnarValue::Array(array) => array.clone(),
            ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        };
        Ok(cast(&array, &DataType::Float64)?)
    });
    arrays.collect()
}

/// What is wrong with `left op right = result`.
fn wrong(op: Operator, left: f64, right: f64, result: f64) -> Option<&'static str> {
    let divides = matches!(op, Operator::Divide | Operator::Modulo);
    if divides && right == 0.0 && !left.is_nan() {
        return Some("division by zero");
    }
    let infinite = left.is_infinite() || (!divides && right.is_infinite());
    if result.is_infinite() && !infinite {
        return Some("value out of range: overflow");
    }
    let vanishes = match op {
        Operator::Multiply => left != 0.0 && right != 0.0,
        Operator::Divide => left != 0.0 && !right.is_infinite(),
        _ => false,
    };
    (result == 0.0 && vanishes).then_some("value out of range: underflow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_operands_do_not_explain_is_wrong() {
        use Operator::{Divide, Minus, Modulo, Multiply, Plus};
        let infinity = f64::INFINITY;
        for (op, left, right, expected) in [
            (Plus, 1e308, 1e308, Some("overflow")),
            (Plus, infinity, 1.0, None),
            (Minus, -1e308, 1e308, Some("overflow")),
            (Minus, infinity, infinity, None),
            (Multiply, 1e200, 1e200, Some("overflow")),
            (Multiply, 1e-200, 1e-200, Some("underflow")),
            (Multiply, 0.0, 1e-200, None),
            (Multiply, infinity, -2.0, None),
            (Divide, 1.0, 0.0, Some("division by zero")),
            (Divide, 0.0, 0.0, Some("division by zero")),
            (Divide, infinity, 0.0, Some("division by zero")),
            (Divide, f64::NAN, 0.0, None),
            (Divide, 1e300, 1e-300, Some("overflow")),
            (Divide, 1e-300, 1e300, Some("underflow")),
            (Divide, 1.0, infinity, None),
            (Divide, 0.0, 5.0, None),
            (Modulo, 1.0, 0.0, Some("division by zero")),
            (Modulo, 6.0, 3.0, None),
        ] {
            let result = match op {
                Plus => left + right,
                Minus => left - right,
                Multiply => left * right,
                Divide => left / right,
                _ => left % right,
            };
            let found = wrong(op, left, right, result);
            match expected {
                None => assert_eq!(found, None, "{left} {op} {right}"),
                Some(text) => {
                    assert!(found.is_some_and(|f| f.contains(text)), "{left} {op} {right}: {found:?}")
                }
            }
        }
    }
}
