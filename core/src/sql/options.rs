//! `WITH (…)` and `SET (…)`: options of tables.

use datafusion::sql::sqlparser::ast::{Expr, SqlOption, Value};

use super::names::ident_name;
use crate::catalog::{
    AccessLevel, Compression, FPP_RANGE, FlushPolicy, NamedShares, OptionChanges, Retention, TTL_RANGE,
    TableKind, nearest,
};
use crate::error::{Error, Result};

const KNOWN: [&str; 9] = [
    "TYPE",
    "FLUSH_POLICY",
    "BLOOM_FILTER",
    "BLOOM_FPP",
    "COMPRESSION",
    "DELETED_RETENTION_HOURS",
    "ACCESS_LEVEL",
    "WRITE_ACCESS_LEVEL",
    "TTL_SECONDS",
];

/// What a list of options says; the kind only where `TYPE` is among them.
///
/// # Errors
/// `InvalidInput` for an option that there is not, is given twice or has a value it cannot have.
pub(super) fn read(options: &[SqlOption]) -> Result<(Option<TableKind>, OptionChanges)> {
    let mut kind = None;
    let mut changes = OptionChanges::default();
    let mut seen: Vec<String> = Vec::new();
    for option in options {
        let SqlOption::KeyValue { key, value } = option else {
            return Err(Error::invalid(format!("option {option}: expected NAME = 'value'")));
        };
        let name = ident_name(key).to_ascii_uppercase();
        let value = text(&name, value)?;
        match name.as_str() {
            _ if seen.contains(&name) => return Err(Error::invalid(format!("option {name} is given twice"))),
            "TYPE" => kind = Some(table_kind(&value)?),
            "FLUSH_POLICY" => changes.flush = Some(flush_policy(&value)?),
            "BLOOM_FILTER" => {
                changes.no_bloom = value.trim().eq_ignore_ascii_case("none");
                let usual = changes.no_bloom || value.trim().eq_ignore_ascii_case("default");
                changes.bloom = Some(if usual { Vec::new() } else { column_names(&value)? });
            }
            "BLOOM_FPP" => changes.bloom_fpp = Some(shares(&value)?),
            "COMPRESSION" => changes.compression = Some(compression(&value)?),
            "DELETED_RETENTION_HOURS" => changes.deleted_retention = Some(retention(&value)?),
            "ACCESS_LEVEL" => changes.access_level = Some(access_level(&name, &value)?),
            "WRITE_ACCESS_LEVEL" => {
                let is_default = value.trim().eq_ignore_ascii_case("default");
                changes.write_access_level =
                    Some(if is_default { None } else { Some(access_level(&name, &value)?) });
            }
            "TTL_SECONDS" => changes.ttl_seconds = Some(ttl_seconds(&value)?),
            _ => return Err(unknown(&name)),
        }
        seen.push(name);
    }
    Ok((kind, changes))
}

/// The kind of table that a word names.
///
/// # Errors
/// `InvalidInput` for a word that names none.
pub(super) fn table_kind(word: &str) -> Result<TableKind> {
    match word.to_ascii_uppercase().as_str() {
        "USER" => Ok(TableKind::User),
        "SHARED" => Ok(TableKind::Shared),
        "STREAM" => Ok(TableKind::Stream),
        _ => Err(Error::invalid(format!("option TYPE = '{word}': expected 'USER', 'SHARED' or 'STREAM'"))),
    }
}

fn unknown(name: &str) -> Error {
    let hint = nearest(name, KNOWN).map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
    Error::invalid(format!("there is no table option {name}{hint}; there are {}", KNOWN.join(", ")))
}

/// The text of an option's value: a string, a number or a word.
fn text(name: &str, value: &Expr) -> Result<String> {
    let found = match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => Some(text.clone()),
            Value::DollarQuotedString(text) => Some(text.value.clone()),
            _ => None,
        },
        Expr::Identifier(ident) => Some(ident_name(ident)),
        _ => None,
    };
    found.ok_or_else(|| Error::invalid(format!("option {name} = {value}: expected a string")))
}

/// `rows:N,bytes:N,interval:N`, each at most once; `none`; or `default`, the engine's policy.
fn flush_policy(value: &str) -> Result<Option<FlushPolicy>> {
    let bad = |why: &str| {
        Error::invalid(format!(
            "option FLUSH_POLICY = '{value}': {why}; expected 'rows:100000', 'bytes:64mb', 'interval:60' or \
             several of them with commas, 'none' or 'default'"
        ))
    };
    let mut policy = FlushPolicy::default();
    match value.trim().to_ascii_lowercase().as_str() {
        "default" => return Ok(None),
        "none" => return Ok(Some(policy)),
        _ => {}
    }
    for part in value.split(',') {
        let (what, amount) =
            part.split_once(':').ok_or_else(|| bad(&format!("'{}' has no colon", part.trim())))?;
        let (slot, units) = match what.trim().to_ascii_lowercase().as_str() {
            "rows" => (&mut policy.rows, ROWS),
            "bytes" => (&mut policy.bytes, BYTES),
            "interval" => (&mut policy.interval_s, SECONDS),
            other => return Err(bad(&format!("there is no '{other}'"))),
        };
        if slot.is_some() {
            return Err(bad(&format!("'{}' is given twice", what.trim())));
        }
        let amount = quantity(amount, units).ok_or_else(|| {
            let units: Vec<_> = units.iter().map(|(unit, _)| *unit).filter(|unit| !unit.is_empty()).collect();
            bad(&format!(
                "'{}' is not a positive whole number with a unit of {}",
                amount.trim(),
                units.join(", ")
            ))
        })?;
        *slot = Some(amount);
    }
    Ok(Some(policy))
}

fn access_level(name: &str, value: &str) -> Result<AccessLevel> {
    AccessLevel::of_name(value.trim()).ok_or_else(|| {
        Error::invalid(format!("option {name} = '{value}': expected 'public', 'restricted' or 'private'"))
    })
}

/// A number of hours; `forever`; or `default`, the engine's.
fn retention(value: &str) -> Result<Option<Retention>> {
    match value.trim().to_ascii_lowercase().as_str() {
        "default" => Ok(None),
        "forever" => Ok(Some(Retention::Forever)),
        hours => match hours.parse() {
            Ok(hours) => Ok(Some(Retention::Hours(hours))),
            Err(_) => Err(Error::invalid(format!(
                "option DELETED_RETENTION_HOURS = '{value}': expected a whole number of hours, 'forever' or 'default'"
            ))),
        },
    }
}

/// A number of seconds that rows can live.
fn ttl_seconds(value: &str) -> Result<u64> {
    value.trim().parse().ok().filter(|seconds| TTL_RANGE.contains(seconds)).ok_or_else(|| {
        Error::invalid(format!(
            "option TTL_SECONDS = {value}: expected a whole number of seconds from {} to {}, a year",
            TTL_RANGE.start(),
            TTL_RANGE.end()
        ))
    })
}

type Units = &'static [(&'static str, u64)];
const ROWS: Units = &[("", 1), ("k", 1000), ("m", 1_000_000)];
// As PostgreSQL counts in its settings: kB is 1024 bytes.
const BYTES: Units = &[
    ("", 1),
    ("b", 1),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
];
const SECONDS: Units = &[("", 1), ("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("d", 86_400)];

/// A positive whole number and its unit.
fn quantity(text: &str, units: Units) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|n| *n > 0)
}

/// Names with commas between: quoted ones as they are, others in lower case.
fn column_names(value: &str) -> Result<Vec<String>> {
    if value.trim().is_empty() {
        return Ok(Vec::new());
    }
    let empty = || Error::invalid(format!("option BLOOM_FILTER = '{value}': a column name is empty"));
    value.split(',').map(|part| column_name(part).ok_or_else(empty)).collect()
}

/// A quoted name as it is, another in lower case; `None` for an empty one.
fn column_name(text: &str) -> Option<String> {
    let text = text.trim();
    match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace("\"\"", "\"")),
        None => (!text.is_empty()).then(|| text.to_ascii_lowercase()),
    }
}

/// A share for all Bloom filters, `column:share` for one, several of them with commas, or `default`.
fn shares(value: &str) -> Result<NamedShares> {
    let bad = |why: String| {
        let [least, most] = [FPP_RANGE.start(), FPP_RANGE.end()].map(|ppm| f64::from(*ppm) / 1e6);
        Error::invalid(format!(
            "option BLOOM_FPP = '{value}': {why}; expected a share of wrong answers from {least} to {most} as in \
             '0.01', one for a column as in 'id:0.001', several with commas, or 'default'"
        ))
    };
    let mut found = NamedShares::default();
    if value.trim().eq_ignore_ascii_case("default") {
        return Ok(found);
    }
    for part in value.split(',') {
        let (name, number) = match part.rsplit_once(':') {
            Some((name, number)) => (Some(name), number.trim()),
            None => (None, part.trim()),
        };
        // Parts per million: what is finer makes no other filter.
        let share = number.parse::<f64>().ok().map(|share| (share * 1e6).round());
        let share =
            share.filter(|ppm| (f64::from(*FPP_RANGE.start())..=f64::from(*FPP_RANGE.end())).contains(ppm));
        let share = share.ok_or_else(|| bad(format!("'{number}' is no such share")))? as u32;
        let twice = match name {
            None => found.others.replace(share).is_some(),
            Some(name) => {
                let name = column_name(name).ok_or_else(|| bad("a column name is empty".to_owned()))?;
                let twice = found.columns.iter().any(|(other, _)| *other == name);
                found.columns.push((name, share));
                twice
            }
        };
        if twice {
            return Err(bad(format!("{} is given twice", name.map_or("the share of all", str::trim))));
        }
    }
    Ok(found)
}

fn compression(value: &str) -> Result<Compression> {
    let wanted = value.trim().to_ascii_lowercase();
    Compression::ALL.iter().find(|(name, _)| *name == wanted).map(|(_, way)| *way).ok_or_else(|| {
        let names: Vec<_> = Compression::ALL.iter().map(|(name, _)| format!("'{name}'")).collect();
        Error::invalid(format!("option COMPRESSION = '{value}': expected {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flush_policies_have_units() {
        let policy = |rows, bytes, interval_s| Some(FlushPolicy { rows, bytes, interval_s });
        for (text, expected) in [
            ("rows:100000,interval:60", policy(Some(100_000), None, Some(60))),
            (" Rows : 10k , Bytes : 64 MB ", policy(Some(10_000), Some(64 << 20), None)),
            ("bytes:1gib,interval:2h", policy(None, Some(1 << 30), Some(7200))),
            ("rows:2m,interval:1d", policy(Some(2_000_000), None, Some(86_400))),
            ("none", policy(None, None, None)),
            ("DEFAULT", None),
        ] {
            assert_eq!(flush_policy(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "rows",
            "rows:",
            "rows:0",
            "rows:-1",
            "rows:1.5",
            "rows:10mb",
            "rows:1,rows:2",
            "size:3",
            "rows:1,",
            "bytes:99999999999gb",
            "interval:5w",
            "rows:٣",
        ] {
            let e = flush_policy(text).expect_err(text);
            assert!(e.message().contains("'rows:100000'"), "{e}");
        }
    }

    #[test]
    fn column_lists_fold_as_identifiers_do() {
        assert_eq!(column_names("Id, \"Id\",\"a\"\"b\"").unwrap(), ["id", "Id", "a\"b"]);
        assert!(column_names(" ").unwrap().is_empty());
        assert!(column_names("a,,b").is_err());
    }

    #[test]
    fn shares_are_for_all_or_for_columns() {
        let of = |others, columns: &[(&str, u32)]| NamedShares {
            others,
            columns: columns.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect(),
        };
        for (text, expected) in [
            ("0.01", of(Some(10_000), &[])),
            (" Id : 0.001 ", of(None, &[("id", 1_000)])),
            ("0.5,\"a:B\":1e-4,c:0.25", of(Some(500_000), &[("a:B", 100), ("c", 250_000)])),
            ("DEFAULT", of(None, &[])),
        ] {
            assert_eq!(shares(text).unwrap(), expected, "{text}");
        }
        for text in [
            "",
            "0",
            "1",
            "0.6",
            "0.00001",
            "-0.1",
            "NaN",
            "id",
            "id:",
            ":0.1",
            "0.1,0.2",
            "a:0.1,A:0.1",
            "1%",
        ] {
            let e = shares(text).expect_err(text);
            assert!(e.message().contains("from 0.0001 to 0.5"), "{e}");
        }
    }
}
