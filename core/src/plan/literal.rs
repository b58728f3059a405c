//! Values that stand in the text of a statement, or were given for its parameters.

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, UnaryOperator, Value};

use crate::error::{Error, Result};
use crate::values::decimal;

/// The value of a literal or of a parameter among `params`; `None` for anything else.
///
/// # Errors
/// `InvalidInput` for a parameter without a value.
pub fn literal(params: &[ScalarValue], expr: &Expr) -> Result<Option<ScalarValue>> {
    Ok(match expr {
        Expr::Value(value) => match &value.value {
            Value::Null => Some(ScalarValue::Null),
            Value::Boolean(b) => Some(ScalarValue::Boolean(Some(*b))),
            Value::Number(text, _) => parsed(text, false),
            Value::SingleQuotedString(s) | Value::EscapedStringLiteral(s) => {
                Some(ScalarValue::Utf8(Some(s.clone())))
            }
            Value::Placeholder(name) => Some(parameter(params, name)?),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) => parsed(text, true),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// The digits of a literal that is a number, with its sign.
#[must_use]
pub fn number(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(value) => match &value.value {
                Value::Number(text, _) => Some(format!("-{text}")),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// A number with more digits than a DOUBLE PRECISION holds as a decimal, which holds them; `None` for others.
pub fn exact_number(text: &str) -> Option<Expr> {
    if text.parse::<u64>().is_ok() {
        return None;
    }
    let (_, precision, scale) = beyond_double(text)?;
    let digits = Value::SingleQuotedString(without_marks(text));
    Some(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Value(digits.into())),
        data_type: DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision.into(), scale.into())),
        array: false,
        format: None,
    })
}

/// The value, precision and scale of a number that no DOUBLE PRECISION is, if a decimal is.
fn beyond_double(text: &str) -> Option<(i128, u8, u8)> {
    let digits = without_marks(text);
    if digits.len() <= 15 {
        return None;
    }
    let exact = decimal::parse_exact(&digits)?;
    let double = decimal::parse_exact(&digits.parse::<f64>().ok()?.to_string());
    (double != Some(exact)).then_some(exact)
}

/// `1_000` is 1000.
fn without_marks(text: &str) -> String {
    text.chars().filter(|c| *c != '_').collect()
}

fn parsed(text: &str, negative: bool) -> Option<ScalarValue> {
    let signed = if negative { format!("-{text}") } else { text.to_owned() };
    if let Ok(value) = signed.parse::<i64>() {
        return Some(ScalarValue::Int64(Some(value)));
    }
    if let Some((value, precision, scale)) = beyond_double(&signed) {
        return Some(ScalarValue::Decimal128(Some(value), precision, scale.cast_signed()));
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
