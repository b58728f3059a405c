//! Giving a value to a column: the casts an assignment may do, and what it refuses.
//!
//! As in PostgreSQL, a number is rounded to an integer column and must be in range, text is parsed, and
//! booleans and numbers do not mix.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::catalog::{ColumnDef, TableDef};
use crate::error::{Error, Result};

/// `values` as values of `column`.
///
/// # Errors
/// `InvalidInput` naming table, column and the value that does not fit.
pub fn assign(def: &TableDef, column: &ColumnDef, values: &ArrayRef) -> Result<ArrayRef> {
    let target = column.ty.arrow();
    let from = values.data_type();
    if *from == target {
        return Ok(Arc::clone(values));
    }
    if *from == DataType::Null {
        return Ok(arrow::array::new_null_array(&target, values.len()));
    }
    let wrong = |why: String| {
        Error::invalid(format!(
            "column {} of {} is {}: {why}",
            column.name,
            def.full_name(),
            column.ty.sql_name()
        ))
    };
    if matches!(from, DataType::Boolean) != matches!(target, DataType::Boolean)
        && !is_text(from)
        && !is_text(&target)
    {
        return Err(wrong(format!("a value of type {from} cannot be assigned to it; write a CAST")));
    }
    if target == DataType::Binary && is_text(from) {
        return parse_bytes(values).map_err(wrong);
    }
    let values = if target.is_integer() { round(values) } else { Arc::clone(values) };
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    match cast_with_options(&values, &target, &strict) {
        Ok(cast) => match first_infinite(&values, &cast) {
            None => Ok(cast),
            Some(value) => Err(wrong(format!("{value} is out of its range"))),
        },
        Err(_) => Err(wrong(first_misfit(&values, &target))),
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Rounds half to even, as PostgreSQL does when it casts a double to an integer.
fn round(values: &ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float64 => {
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        DataType::Float32 => {
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        _ => Arc::clone(values),
    }
}

/// Text as bytes: `\x` and hexadecimal digits, or the text's own bytes.
fn parse_bytes(values: &ArrayRef) -> std::result::Result<ArrayRef, String> {
    let texts = arrow::compute::cast(values, &DataType::Utf8).map_err(|e| e.to_string())?;
    let mut out = BinaryBuilder::new();
    for text in texts.as_string::<i32>() {
        match text {
            None => out.append_null(),
            Some(text) => match text.strip_prefix("\\x") {
                None => out.append_value(text.as_bytes()),
                Some(digits) => {
                    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
                    out.append_value(
                        bytes.map_err(|_| format!("'{text}' is not \\x and pairs of hexadecimal digits"))?,
                    );
                }
            },
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The first number that only a REAL is infinite for.
fn first_infinite(values: &ArrayRef, cast: &ArrayRef) -> Option<f64> {
    let (values, reals) =
        (values.as_primitive_opt::<Float64Type>()?, cast.as_primitive_opt::<Float32Type>()?);
    values.iter().zip(reals).find_map(|(value, real)| {
        value.filter(|value| value.is_finite() && real.is_some_and(f32::is_infinite))
    })
}

/// Which value it was that a cast refused.
fn first_misfit(values: &ArrayRef, target: &DataType) -> String {
    let safe = CastOptions { safe: true, format_options: FormatOptions::default() };
    let Ok(cast) = cast_with_options(values, target, &safe) else {
        return format!("a value of type {} cannot be assigned to it; write a CAST", values.data_type());
    };
    let misfit = (0..values.len()).find(|row| values.is_valid(*row) && cast.is_null(*row));
    let shown = misfit.and_then(|row| {
        let formatter = ArrayFormatter::try_new(values, &FormatOptions::default()).ok()?;
        Some(formatter.value(row).to_string())
    });
    match shown {
        Some(value) if is_text(values.data_type()) => format!("'{value}' is not a value of that type"),
        Some(value) => format!("{value} is out of its range"),
        None => "a value does not fit".to_owned(),
    }
}
