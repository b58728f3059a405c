//! Decimals: from text to integers that count units of the last digit.

/// Why a text is not a decimal of some precision and scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDecimal {
    /// It is not a number.
    NotANumber,
    /// It has more digits before the point than there is room for.
    OutOfRange,
}

/// The most digits a decimal has.
pub const MAX_PRECISION: u8 = 38;

/// The number that `text` is, in units of 10^-scale. Digits past the scale are rounded, half away from
/// zero, as PostgreSQL does.
///
/// # Errors
/// [`NoDecimal`] when it is no number or takes more than `precision` digits.
pub fn parse(text: &str, precision: u8, scale: u8) -> Result<i128, NoDecimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| NoDecimal::NotANumber)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b.wrapping_sub(b'0')).collect();
    if digits.is_empty() || digits.iter().any(|digit| *digit > 9) {
        return Err(NoDecimal::NotANumber);
    }
    let Some(first) = digits.iter().position(|digit| *digit != 0) else { return Ok(0) };
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    // How many of the digits are kept, zeros behind them included.
    let kept = point.saturating_add(i64::from(scale));
    let leading = i64::try_from(first).unwrap_or(i64::MAX);
    if kept.saturating_sub(leading) > i64::from(MAX_PRECISION) + 1 {
        return Err(NoDecimal::OutOfRange);
    }
    let digit = |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut value: i128 = 0;
    for at in leading..kept {
        let next = value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit(at))));
        value = next.ok_or(NoDecimal::OutOfRange)?;
    }
    if kept >= 0 && digit(kept) >= 5 {
        value += 1;
    }
    match 10_i128.checked_pow(u32::from(precision)) {
        Some(limit) if value >= limit => Err(NoDecimal::OutOfRange),
        _ => Ok(if negative { -value } else { value }),
    }
}

/// The least precision and scale that hold the number `text`, and its value; `None` past 38 digits.
#[must_use]
pub fn parse_exact(text: &str) -> Option<(i128, u8, u8)> {
    let unsigned = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    let scale = u8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from(whole.len() + fraction.len()).ok()?.max(1);
    if precision > MAX_PRECISION {
        return None;
    }
    parse(text, precision, scale).ok().map(|value| (value, precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_at_the_scale_and_rounded_away_from_zero() {
        let cases = [
            ("12.34", 10, 2, 1234),
            ("-12.345", 10, 2, -1235),
            ("12.344999", 10, 2, 1234),
            ("0.005", 10, 2, 1),
            ("-0.004", 10, 2, 0),
            (".5", 10, 2, 50),
            ("5.", 10, 2, 500),
            ("+7", 10, 0, 7),
            ("1e3", 10, 2, 100_000),
            ("1.5E-1", 10, 2, 15),
            ("0e999999999", 10, 2, 0),
            ("1e-999999999", 10, 2, 0),
            ("000123.40", 5, 2, 12340),
            ("99999999999999999999999999999999999999", 38, 0, 10_i128.pow(38) - 1),
            ("0.00000000000000000000000000000000000001", 38, 38, 1),
        ];
        for (text, precision, scale, expected) in cases {
            assert_eq!(parse(text, precision, scale), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_great_is_refused() {
        for text in ["", "-", ".", "1.2.3", "1e", "one", "1 ", "NaN", "Infinity", "--1", "1e+-2", "é"] {
            assert_eq!(parse(text, 10, 2), Err(NoDecimal::NotANumber), "{text}");
        }
        for text in ["100000000", "99999999.995", "1e999999999", "-1e8", "1e40"] {
            assert_eq!(parse(text, 10, 2), Err(NoDecimal::OutOfRange), "{text}");
        }
        assert_eq!(parse("1", 38, 38), Err(NoDecimal::OutOfRange));
    }

    #[test]
    fn a_number_has_the_least_type_that_holds_it() {
        assert_eq!(parse_exact("12.340"), Some((1234, 4, 2)));
        assert_eq!(parse_exact("-0.001"), Some((-1, 3, 3)));
        assert_eq!(parse_exact("0"), Some((0, 1, 0)));
        assert_eq!(parse_exact("100"), Some((100, 3, 0)));
        assert_eq!(parse_exact(&"9".repeat(39)), None);
        assert_eq!(parse_exact("inf"), None);
    }
}
