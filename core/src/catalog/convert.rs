//! Values of one type as values of a column's: what an assignment converts, and what it refuses.
//!
//! As in PostgreSQL a number is rounded to the digits a type has and must be in range, text is parsed, and
//! booleans and numbers do not mix.

use std::fmt::Display;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, Decimal128Array, ListArray, StringArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::catalog::{ColumnType, writes, written};
use crate::error::Error;
use crate::values::decimal::{self, MAX_PRECISION, NoDecimal};
use crate::values::{array as array_text, json, uuid};

/// Why a value is not one of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It is no value of the type, or out of its range.
    Value(String),
    /// It has more characters than the type allows.
    TooLong(String),
}

impl Misfit {
    /// The error, with what is said in front of the reason.
    #[must_use]
    pub fn error(self, of: &str) -> Error {
        match self {
            Self::Value(why) => Error::invalid(format!("{of}: {why}")),
            Self::TooLong(why) => Error::constraint(format!("{of}: {why}")),
        }
    }
}

fn misfit(why: impl Into<String>) -> Misfit {
    Misfit::Value(why.into())
}

/// `values` as an array of `ty`, every value checked.
///
/// # Errors
/// [`Misfit`], with the first value that does not fit.
pub fn convert(values: &ArrayRef, ty: ColumnType) -> Result<ArrayRef, Misfit> {
    let target = ty.arrow();
    let from = values.data_type();
    if *from == DataType::Null {
        return Ok(arrow::array::new_null_array(&target, values.len()));
    }
    match ty {
        ColumnType::Varchar(limit) => limited(&convert(values, ColumnType::Text)?, limit),
        ColumnType::Text if writes(from) => written(values),
        ColumnType::Uuid => uuids(values),
        ColumnType::Json => json_texts(values),
        ColumnType::Array(element) => lists(values, element.ty()),
        _ if *from == target => Ok(Arc::clone(values)),
        ColumnType::Bytea if is_text(from) => bytes(values),
        ColumnType::Decimal { precision, scale } if is_text(from) || from.is_floating() => {
            decimals(values, precision, scale)
        }
        _ => cast(values, ty),
    }
}

/// Whether arrays of a type hold text.
#[must_use]
pub fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn texts(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    arrow::compute::cast(values, &DataType::Utf8).map_err(|e| misfit(e.to_string()))
}

/// What Arrow converts, numbers rounded first.
fn cast(values: &ArrayRef, ty: ColumnType) -> Result<ArrayRef, Misfit> {
    let target = ty.arrow();
    let from = values.data_type();
    if from.is_nested() || (!is_text(from) && !is_text(&target) && !are_alike(from, &target)) {
        return Err(not_assignable(from));
    }
    let values = if target.is_integer() { rounded(values)? } else { Arc::clone(values) };
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    let cast = cast_with_options(&values, &target, &strict).map_err(|_| first_misfit(&values, &target))?;
    match first_infinite(&values, &cast) {
        // All digits of a large number would be hundreds.
        Some(value) => Err(misfit(format!("{value:?} is out of its range"))),
        None => Ok(cast),
    }
}

/// Whether values of one type are assigned to another: a number is no BOOLEAN and no DATE, a DATE has no time of
/// day.
fn are_alike(from: &DataType, target: &DataType) -> bool {
    use DataType as D;
    let kind = |ty: &DataType| match ty {
        D::Boolean => 0,
        D::Date32 | D::Date64 => 1,
        D::Timestamp(..) => 2,
        D::Time32(_) | D::Time64(_) => 3,
        D::Duration(_) | D::Interval(_) => 4,
        _ => 5,
    };
    matches!((kind(from), kind(target)), (1, 2) | (2, 1 | 3)) || kind(from) == kind(target)
}

/// The first number that only a REAL is infinite for.
fn first_infinite(values: &ArrayRef, cast: &ArrayRef) -> Option<f64> {
    let (values, reals) =
        (values.as_primitive_opt::<Float64Type>()?, cast.as_primitive_opt::<Float32Type>()?);
    values.iter().zip(reals).find_map(|(value, real)| {
        value.filter(|value| value.is_finite() && real.is_some_and(f32::is_infinite))
    })
}

fn not_assignable(from: &DataType) -> Misfit {
    misfit(format!("a value of type {from} cannot be assigned to it; write a CAST"))
}

/// Floats to the nearest even, decimals away from zero, as PostgreSQL rounds them to integers.
fn rounded(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    Ok(match values.data_type() {
        DataType::Float64 => {
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        DataType::Float32 => {
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Decimal128(_, scale) if *scale > 0 => {
            let whole = DataType::Decimal128(MAX_PRECISION, 0);
            arrow::compute::cast(values, &whole).map_err(|e| misfit(e.to_string()))?
        }
        _ => Arc::clone(values),
    })
}

/// Text of at most `limit` characters; spaces past it are cut off, as the SQL standard has it.
fn limited(values: &ArrayRef, limit: u32) -> Result<ArrayRef, Misfit> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let texts = values.as_string::<i32>();
    // No text has more characters than bytes.
    if (0..texts.len()).all(|row| texts.is_null(row) || texts.value(row).len() <= limit) {
        return Ok(Arc::clone(values));
    }
    let cut = texts.iter().map(|text| {
        let Some(text) = text else { return Ok(None) };
        let Some((end, _)) = text.char_indices().nth(limit) else { return Ok(Some(text)) };
        let (kept, rest) = text.split_at(end);
        if rest.bytes().all(|b| b == b' ') {
            return Ok(Some(kept));
        }
        let length = text.chars().count();
        Err(Misfit::TooLong(format!("value too long, {length} characters: {}", shortened(text))))
    });
    Ok(Arc::new(cut.collect::<Result<StringArray, Misfit>>()?))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("'{}…'", text.get(..end).unwrap_or_default()),
        None => format!("'{text}'"),
    }
}

fn uuids(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    let found: StringArray = match values.data_type() {
        DataType::FixedSizeBinary(16) => {
            values.as_fixed_size_binary().iter().map(|bytes| bytes.and_then(uuid::of_bytes)).collect()
        }
        from if is_text(from) => {
            let texts = texts(values)?;
            let parsed = texts.as_string::<i32>().iter().map(|text| match text {
                None => Ok(None),
                Some(text) => match uuid::canonical(text) {
                    Some(id) => Ok(Some(id)),
                    None => Err(not_of_type(&shortened(text))),
                },
            });
            parsed.collect::<Result<_, _>>()?
        }
        from => return Err(not_assignable(from)),
    };
    Ok(Arc::new(found))
}

fn json_texts(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    if !is_text(values.data_type()) {
        return Err(not_assignable(values.data_type()));
    }
    let texts = texts(values)?;
    for text in texts.as_string::<i32>().iter().flatten() {
        json::check(text).map_err(|why| misfit(format!("{} is not JSON: {why}", shortened(text))))?;
    }
    Ok(texts)
}

/// Text as bytes: `\x` and hexadecimal digits, or the text's own bytes.
fn bytes(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    let texts = texts(values)?;
    let mut out = BinaryBuilder::new();
    for text in texts.as_string::<i32>() {
        match text {
            None => out.append_null(),
            Some(text) => match text.strip_prefix("\\x") {
                None => out.append_value(text.as_bytes()),
                Some(digits) => {
                    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
                    out.append_value(bytes.map_err(|_| {
                        misfit(format!("'{text}' is not \\x and pairs of hexadecimal digits"))
                    })?);
                }
            },
        }
    }
    Ok(Arc::new(out.finish()))
}

/// Text and floats as decimals. A float is the shortest number that reads back as it.
fn decimals(values: &ArrayRef, precision: u8, scale: u8) -> Result<ArrayRef, Misfit> {
    let read = |shown: String| {
        decimal::parse(shown.trim(), precision, scale).map_err(|why| match why {
            NoDecimal::NotANumber => not_of_type(&shortened(&shown)),
            NoDecimal::OutOfRange => out_of_range(&shortened(&shown)),
        })
    };
    let found: Decimal128Array = match values.data_type() {
        DataType::Float64 => each(values.as_primitive::<Float64Type>().iter(), read)?,
        DataType::Float32 => each(values.as_primitive::<Float32Type>().iter(), read)?,
        DataType::Float16 => return decimals(&cast(values, ColumnType::Double)?, precision, scale),
        _ => each(texts(values)?.as_string::<i32>().iter(), read)?,
    };
    let found = found.with_precision_and_scale(precision, scale.cast_signed());
    Ok(Arc::new(found.map_err(|e| misfit(e.to_string()))?))
}

fn each<T: Display>(
    values: impl Iterator<Item = Option<T>>,
    read: impl Fn(String) -> Result<i128, Misfit>,
) -> Result<Decimal128Array, Misfit> {
    values.map(|value| value.map(|v| read(v.to_string())).transpose()).collect()
}

fn lists(values: &ArrayRef, element: ColumnType) -> Result<ArrayRef, Misfit> {
    let (lengths, nulls, children): (Vec<usize>, Option<NullBuffer>, ArrayRef) = match values.data_type() {
        DataType::List(_) => {
            let lists = values.as_list::<i32>();
            let (first, last) = match (lists.offsets().first(), lists.offsets().last()) {
                (Some(first), Some(last)) => (*first, *last),
                _ => (0, 0),
            };
            let place = |offset: i32| usize::try_from(offset).unwrap_or_default();
            let children = lists.values().slice(place(first), place(last - first));
            (lists.offsets().lengths().collect(), lists.nulls().cloned(), children)
        }
        DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            let plain = DataType::List(Arc::clone(field));
            let cast = arrow::compute::cast(values, &plain).map_err(|e| misfit(e.to_string()))?;
            return lists(&cast, element);
        }
        from if is_text(from) => {
            let texts = texts(values)?;
            let mut lengths = Vec::with_capacity(texts.len());
            let mut children = Vec::new();
            for text in texts.as_string::<i32>() {
                let elements = text.map(array_text::elements).transpose();
                let elements = elements.map_err(|why| {
                    misfit(format!("{} is no array: {why}", shortened(text.unwrap_or_default())))
                })?;
                let elements = elements.unwrap_or_default();
                lengths.push(elements.len());
                children.extend(elements);
            }
            (lengths, texts.nulls().cloned(), Arc::new(StringArray::from(children)))
        }
        from => return Err(not_assignable(from)),
    };
    let children = convert(&children, element)?;
    let field = Arc::new(Field::new_list_field(element.arrow(), true));
    let lists = ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), children, nulls);
    Ok(Arc::new(lists.map_err(|e| misfit(e.to_string()))?))
}

fn not_of_type(shown: &str) -> Misfit {
    misfit(format!("{shown} is not a value of that type"))
}

fn out_of_range(shown: &str) -> Misfit {
    misfit(format!("{shown} is out of its range"))
}

/// Which value it was that a cast refused.
fn first_misfit(values: &ArrayRef, target: &DataType) -> Misfit {
    let safe = CastOptions { safe: true, format_options: FormatOptions::default() };
    let Ok(cast) = cast_with_options(values, target, &safe) else {
        return not_assignable(values.data_type());
    };
    let first = (0..values.len()).find(|row| values.is_valid(*row) && cast.is_null(*row));
    let shown = first.and_then(|row| {
        let formatter = ArrayFormatter::try_new(values, &FormatOptions::default()).ok()?;
        Some(formatter.value(row).to_string())
    });
    match shown {
        Some(value) if is_text(values.data_type()) => not_of_type(&shortened(&value)),
        Some(value) => out_of_range(&value),
        None => misfit("a value does not fit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, FixedSizeBinaryArray, Float64Array, Int64Array};
    use arrow::util::display::array_value_to_string;

    use crate::catalog::Element;

    const MONEY: ColumnType = ColumnType::Decimal { precision: 5, scale: 2 };

    fn array_of(ty: ColumnType) -> ColumnType {
        ColumnType::Array(Element::of(ty).unwrap())
    }

    fn text(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn shown(values: &ArrayRef, ty: ColumnType) -> Vec<String> {
        let found = convert(values, ty).unwrap();
        assert_eq!(*found.data_type(), ty.arrow(), "{ty}");
        (0..found.len()).map(|row| array_value_to_string(&found, row).unwrap()).collect()
    }

    #[test]
    fn numbers_are_rounded_to_the_digits_there_are() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.005, -2.675, 0.1]));
        assert_eq!(shown(&floats, MONEY), ["1.01", "-2.68", "0.10"]);
        assert_eq!(shown(&text(&["1.005", "-2.675", "1e2"]), MONEY), ["1.01", "-2.68", "100.00"]);
        let halves: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, -2.5]));
        assert_eq!(shown(&halves, ColumnType::Integer), ["0", "2", "-2"]);
        let decimals = convert(&text(&["0.5", "1.5", "-2.5", "2.49"]), MONEY).unwrap();
        assert_eq!(shown(&decimals, ColumnType::BigInt), ["1", "2", "-3", "2"]);
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![999, -7]));
        assert_eq!(shown(&ints, MONEY), ["999.00", "-7.00"]);
    }

    #[test]
    fn arrays_come_from_text_and_from_other_arrays() {
        let texts = text(&["{1,2,NULL}", "{}", "[3]"]);
        let lists = convert(&texts, array_of(ColumnType::BigInt)).unwrap();
        assert_eq!(shown(&lists, array_of(ColumnType::SmallInt)), ["[1, 2, ]", "[]", "[3]"]);
        // Of a slice only its own elements are looked at.
        let wide = convert(&text(&["{99999}", "{5}"]), array_of(ColumnType::BigInt)).unwrap().slice(1, 1);
        assert_eq!(shown(&wide, array_of(ColumnType::SmallInt)), ["[5]"]);
        assert_eq!(shown(&text(&["{a,\"b c\"}"]), array_of(ColumnType::Text)), ["[a, b c]"]);
    }

    #[test]
    fn limits_count_characters_and_forgive_spaces() {
        let limit = ColumnType::Varchar(3);
        assert_eq!(shown(&text(&["", "éèê", "abc   "]), limit), ["", "éèê", "abc"]);
        assert!(
            matches!(convert(&text(&["ab", "abcd"]), limit), Err(Misfit::TooLong(why)) if why.contains("'abcd'"))
        );
        assert!(matches!(convert(&text(&["{abcd}"]), array_of(limit)), Err(Misfit::TooLong(_))));
    }

    #[test]
    fn uuids_have_one_form() {
        let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        assert_eq!(shown(&text(&["{A0EEBC99-9C0B4EF8BB6D6BB9BD380A11}"]), ColumnType::Uuid), [id]);
        let bytes = FixedSizeBinaryArray::try_from_iter([[0_u8; 16]].into_iter()).unwrap();
        let bytes: ArrayRef = Arc::new(bytes);
        assert_eq!(shown(&bytes, ColumnType::Uuid), ["00000000-0000-0000-0000-000000000000"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![1, 1000]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        let cases = [
            (text(&["1", "1000"]), MONEY, "'1000'"),
            (text(&["one"]), MONEY, "'one'"),
            (ints.clone(), MONEY, "1000"),
            (floats, MONEY, "'NaN'"),
            (flags, MONEY, "CAST"),
            (text(&["x"]), ColumnType::Uuid, "'x'"),
            (ints.clone(), ColumnType::Uuid, "CAST"),
            (text(&["{"]), ColumnType::Json, "'{'"),
            (ints.clone(), ColumnType::Json, "CAST"),
            (text(&["25:00"]), ColumnType::Time, "'25:00'"),
            (text(&["{1,x}"]), array_of(ColumnType::Integer), "'x'"),
            (text(&["1,2"]), array_of(ColumnType::Integer), "'1,2'"),
            (ints, array_of(ColumnType::Integer), "CAST"),
        ];
        for (values, ty, word) in cases {
            match convert(&values, ty) {
                Err(Misfit::Value(why)) => assert!(why.contains(word), "{ty}: {why}"),
                other => panic!("{ty}: {other:?}"),
            }
        }
    }
}
