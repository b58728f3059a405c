//! Answers as DataFusion's tests write them.
//!
//! The form is theirs (its documentation: the README of `datafusion-sqllogictest`): letters for the types,
//! fractions without trailing zeros and with at most twelve digits, a line for each line of the last column.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};
use firndb_core::Outcome;

/// How many digits of a fraction are written.
const DIGITS: usize = 12;

/// The letters of a schema's columns.
pub fn letters(schema: &Schema) -> String {
    schema.fields().iter().map(|field| letter(field.data_type())).collect()
}

fn letter(data_type: &DataType) -> char {
    match data_type {
        DataType::Boolean => 'B',
        t if t.is_integer() => 'I',
        t if t.is_numeric() => 'R',
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => 'T',
        DataType::Date32 | DataType::Date64 | DataType::Time32(_) | DataType::Time64(_) => 'D',
        DataType::Timestamp(..) => 'P',
        DataType::Dictionary(_, values) if letter(values) == 'T' => 'T',
        _ => '?',
    }
}

/// The lines of an answer.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let batches = match outcome {
        Outcome::Rows { batches, .. } => batches,
        Outcome::Affected(rows) => return vec![rows.to_string()],
        Outcome::Done(_) => return Vec::new(),
    };
    let rows = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).map(|row| batch.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>())
    });
    rows.flat_map(expanded).collect()
}

/// A row as a line, and one more for each further line of its last cell, whose leading blanks become dashes.
fn expanded(mut row: Vec<String>) -> Vec<String> {
    let last = row.pop().unwrap_or_default();
    if !last.contains('\n') {
        row.push(last);
        return vec![row.join(" ").trim_end().to_owned()];
    }
    let further = last.split('\n').map(|line| {
        let text = line.trim_start();
        format!("{}{text}", "-".repeat(line.len() - text.len())).trim_end().to_owned()
    });
    std::iter::once(row.join(" ").trim_end().to_owned()).chain(further).collect()
}

fn cell(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    if let DataType::Dictionary(_, values) = array.data_type() {
        return cell(&cast(array, values).expect("a dictionary can be unpacked"), row);
    }
    let options = FormatOptions::new().with_null("NULL").with_duration_format(DurationFormat::Pretty);
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options).expect("every type can be printed");
    let text = formatter.value(row).to_string();
    match array.data_type() {
        t if t.is_floating() => float(&text),
        t if t.is_numeric() && !t.is_integer() => rounded(&text),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if text.is_empty() => "(empty)".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            text.trim_end_matches('\n').replace('\0', "\\0")
        }
        _ => text,
    }
}

fn float(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if value.is_nan() => "NaN".to_owned(),
        Ok(value) if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Ok(value) => rounded(&value.to_string()),
        Err(_) => text.to_owned(),
    }
}

/// A decimal number with at most [`DIGITS`] digits of a fraction, none of them a trailing zero.
fn rounded(text: &str) -> String {
    let cut = match text.split_once('.') {
        None => text.to_owned(),
        Some((_, fraction)) if fraction.len() <= DIGITS => text.to_owned(),
        Some(_) => match text.parse::<f64>() {
            // A float has fewer digits than this writes: what it makes up, the comparison forgives.
            Ok(value) if value.is_finite() => format!("{value:.DIGITS$}"),
            _ => text.to_owned(),
        },
    };
    let short = if cut.contains('.') { cut.trim_end_matches('0').trim_end_matches('.') } else { &cut };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// The line with the times of day in it cut to microseconds, without zeros at their end.
pub fn in_microseconds(line: &str) -> String {
    let bytes = line.as_bytes();
    let mut text = String::with_capacity(line.len());
    let mut pieces = line.split('.');
    text.push_str(pieces.next().unwrap_or_default());
    let mut at = text.len();
    for piece in pieces {
        // Behind `12:34:56` a point begins the fraction of a second.
        let is_time = at >= 6 && bytes[at - 3] == b':' && bytes[at - 6] == b':';
        let digits = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        if is_time {
            let fraction = piece[..digits.min(6)].trim_end_matches('0');
            if !fraction.is_empty() {
                text.push('.');
                text.push_str(fraction);
            }
            text.push_str(&piece[digits..]);
        } else {
            text.push('.');
            text.push_str(piece);
        }
        at += 1 + piece.len();
    }
    text
}

/// Whether two lines say the same; fractions may differ in what rounding leaves.
pub fn same_line(expected: &str, found: &str) -> bool {
    if expected.trim_end() == found.trim_end() {
        return true;
    }
    let (mut left, mut right) = (expected.split_whitespace(), found.split_whitespace());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || same_fraction(a, b) => {}
            _ => return false,
        }
    }
}

fn same_fraction(a: &str, b: &str) -> bool {
    let is_fraction = |text: &str| text.contains(['.', 'e']);
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) if is_fraction(a) || is_fraction(b) => (x - y).abs() <= 1e-11 * x.abs().max(0.1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lose_what_says_nothing() {
        let cases = [
            ("1.500", "1.5"),
            ("2.0", "2"),
            ("-0.0", "0"),
            ("0.12345678901251", "0.123456789013"),
            ("10", "10"),
            ("-0", "0"),
        ];
        for (text, short) in cases {
            assert_eq!(rounded(text), short);
        }
    }

    #[test]
    fn lines_are_the_same_up_to_rounding_only() {
        assert!(same_line("a 0.333333333333", "a 0.3333333333333"));
        assert!(!same_line("a 0.3333", "a 0.3334"));
        assert!(!same_line("9007199254740993", "9007199254740992"));
        assert!(!same_line("a b", "a"));
    }

    #[test]
    fn seconds_are_cut_and_other_numbers_are_not() {
        let line = "2000-01-01T00:00:00.000000001Z 1.25 10:20:30.123456789, 10:20:30.100";
        assert_eq!(in_microseconds(line), "2000-01-01T00:00:00Z 1.25 10:20:30.123456, 10:20:30.1");
    }

    #[test]
    fn a_cell_of_several_lines_is_several_lines() {
        assert_eq!(expanded(vec!["plan".into(), "Sort\n  Scan".into()]), ["plan", "Sort", "--Scan"]);
        assert_eq!(expanded(vec!["a".into(), "b".into()]), ["a b"]);
    }
}
