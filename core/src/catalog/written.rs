//! Values as text, as PostgreSQL writes them where Arrow would write them otherwise.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Datelike, NaiveTime, Timelike};

use crate::catalog::Misfit;
use crate::values::array as array_text;

/// Whether values of a type are written by [`written`], and not by a cast of Arrow's.
#[must_use]
pub fn writes(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(..) | DataType::Time64(_) | DataType::Time32(_) => true,
        DataType::List(element) => !element.data_type().is_nested(),
        _ => false,
    }
}

/// `values` as text: `2024-02-29 12:00:00.5`, with `+00` behind an instant; `12:00:00.5`; `{1,NULL,"a b"}`. Other
/// values are what Arrow writes.
///
/// # Errors
/// [`Misfit`] for values that cannot be written, such as a time out of its range.
pub fn written(values: &ArrayRef) -> Result<ArrayRef, Misfit> {
    let failed = |e: arrow::error::ArrowError| Misfit::Value(e.to_string());
    // What is out of range must not become NULL.
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    let texts: StringArray = match values.data_type() {
        DataType::Timestamp(_, zone) => {
            let target = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            let micros = cast_with_options(values, &target, &strict);
            let micros = micros.map_err(failed)?;
            let suffix = if zone.is_some() { "+00" } else { "" };
            let times = micros.as_primitive::<TimestampMicrosecondType>().iter();
            times
                .map(|time| time.map(|micros| timestamp(micros, suffix)).transpose())
                .collect::<Result<_, _>>()?
        }
        DataType::Time64(_) | DataType::Time32(_) => {
            let micros = cast_with_options(values, &DataType::Time64(TimeUnit::Microsecond), &strict);
            let micros = micros.map_err(failed)?;
            let times = micros.as_primitive::<Time64MicrosecondType>().iter();
            times.map(|time| time.map(time_of_day).transpose()).collect::<Result<_, _>>()?
        }
        from if writes(from) => {
            let lists = values.as_list::<i32>();
            lists.iter().map(|list| list.map(|list| of_list(&list)).transpose()).collect::<Result<_, _>>()?
        }
        _ => return cast(values, &DataType::Utf8).map_err(failed),
    };
    Ok(Arc::new(texts))
}

fn of_list(list: &ArrayRef) -> Result<String, Misfit> {
    if writes(list.data_type()) {
        let texts = written(list)?;
        let texts = texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned));
        return Ok(array_text::write(&texts.collect::<Vec<_>>()));
    }
    let shown = ArrayFormatter::try_new(list.as_ref(), &FormatOptions::default());
    let shown = shown.map_err(|e| Misfit::Value(e.to_string()))?;
    let elements = (0..list.len()).map(|at| list.is_valid(at).then(|| shown.value(at).to_string()));
    Ok(array_text::write(&elements.collect::<Vec<_>>()))
}

fn timestamp(micros: i64, suffix: &str) -> Result<String, Misfit> {
    let out = || Misfit::Value(format!("{micros} microseconds since 1970 are out of the range of dates"));
    let at = DateTime::from_timestamp_micros(micros).ok_or_else(out)?.naive_utc();
    // The year before 1 is 1 BC.
    let (year, era) = if at.year() > 0 { (at.year(), "") } else { (1 - at.year(), " BC") };
    let mut text = format!("{year:04}-{:02}-{:02} ", at.month(), at.day());
    push_time(&mut text, at.time());
    Ok(text + suffix + era)
}

fn time_of_day(micros: i64) -> Result<String, Misfit> {
    let out = || Misfit::Value(format!("{micros} microseconds are no time of day"));
    let seconds = u32::try_from(micros.div_euclid(1_000_000)).map_err(|_| out())?;
    let nanos = u32::try_from(micros.rem_euclid(1_000_000) * 1000).map_err(|_| out())?;
    let mut text = String::new();
    push_time(&mut text, NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).ok_or_else(out)?);
    Ok(text)
}

/// The time with as many digits behind the point as it needs.
fn push_time(text: &mut String, time: NaiveTime) {
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    // Writing to a string does not fail.
    let _ = write!(text, "{hour:02}:{minute:02}:{second:02}");
    let micros = time.nanosecond() / 1000;
    if micros > 0 {
        let digits = format!("{micros:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Int32Array, ListArray, Time64MicrosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    fn texts(values: ArrayRef) -> Vec<Option<String>> {
        let written = written(&values).unwrap();
        written.as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect()
    }

    #[test]
    fn values_are_written_as_postgresql_does() {
        let times = TimestampMicrosecondArray::from(vec![
            Some(1_709_210_096_500_000),
            None,
            Some(0),
            Some(-62_167_219_200_000_001),
        ]);
        let expected = ["2024-02-29 12:34:56.5", "1970-01-01 00:00:00", "0002-12-31 23:59:59.999999 BC"];
        let found = texts(Arc::new(times.clone()));
        assert_eq!(found.iter().flatten().collect::<Vec<_>>(), expected);
        assert_eq!(found[1], None);
        let beyond: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![i64::MAX]));
        assert!(written(&beyond).is_err());
        assert_eq!(
            texts(Arc::new(times.with_timezone("UTC")))[0].as_deref(),
            Some("2024-02-29 12:34:56.5+00")
        );
        let of_day = Time64MicrosecondArray::from(vec![45_296_000_000, 1]);
        assert_eq!(
            texts(Arc::new(of_day)),
            [Some("12:34:56".to_owned()), Some("00:00:00.000001".to_owned())]
        );
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None]);
        assert_eq!(texts(Arc::new(lists)), [Some("{1,NULL}".to_owned()), None]);
        assert_eq!(texts(Arc::new(Int32Array::from(vec![7]))), [Some("7".to_owned())]);
        assert!(written(&(Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX])) as ArrayRef)).is_err());
    }
}
