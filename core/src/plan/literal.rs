//! Values that stand in the text of a statement, or were given for its parameters.

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value};

use crate::error::{Error, Result};

/// The value of a literal or of a parameter among `params`; `None` for anything else.
///
/// # Errors
/// `InvalidInput` for a parameter without a value.
pub fn literal(params: &[ScalarValue], expr: &Expr) -> Result<Option<ScalarValue>> {
    Ok(match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => Some(ScalarValue::Null),
            Value::Boolean(b) => Some(ScalarValue::Boolean(Some(*b))),
            Value::Number(text, _) => number(text, false),
            Value::SingleQuotedString(s) | Value::EscapedStringLiteral(s) => {
                Some(ScalarValue::Utf8(Some(s.clone())))
            }
            Value::Placeholder(name) => Some(parameter(params, name)?),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) => number(text, true),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

fn number(text: &str, negative: bool) -> Option<ScalarValue> {
    let signed = if negative { format!("-{text}") } else { text.to_owned() };
    if let Ok(value) = signed.parse::<i64>() {
        return Some(ScalarValue::Int64(Some(value)));
    }
    signed.parse::<f64>().ok().map(|v| ScalarValue::Float64(Some(v)))
}

/// The value given for the parameter `name`, such as `$1`.
///
/// # Errors
/// `InvalidInput` when none was given.
pub fn parameter(params: &[ScalarValue], name: &str) -> Result<ScalarValue> {
    let number = name.trim_start_matches('$').parse::<usize>().ok().filter(|n| *n > 0);
    let value = number.and_then(|n| params.get(n - 1));
    value.cloned().ok_or_else(|| {
        Error::invalid(format!("no value was given for the parameter {name}; {} were given", params.len()))
    })
}
