//! Where the settings of an engine come from on servers: a file, the environment, options.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use firndb_core::{Config, Error, ErrorKind, Given, Result};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::dir;

/// The settings of an engine that has the machine to itself: what `file` says, or else `firndb.toml` in the
/// store's directory `dir` if that is there; then the environment, `FIRNDB__SECTION__KEY`; then `options`. What
/// comes later counts.
///
/// # Errors
/// `InvalidInput` for a name that is no setting, a value that it cannot have, and a file that is not TOML; the
/// message names the place. `NotFound` when there is no `file`, `PermissionDenied` or `Unavailable` when one
/// cannot be read.
pub fn config(
    dir: Option<&Path>,
    file: Option<&Path>,
    options: impl IntoIterator<Item = Given>,
) -> Result<Config> {
    let text = match (file, dir.map(|dir| dir.join(dir::SETTINGS))) {
        (Some(file), _) => Some((file.display().to_string(), read(file)?)),
        (None, Some(file)) => read_if_there(&file)?.map(|text| (file.display().to_string(), text)),
        (None, None) => None,
    };
    let mut given = text.map_or_else(|| Ok(Vec::new()), |(path, text)| of_text(&text, &path))?;
    given.extend(of_environment(env::vars_os())?);
    given.extend(options);
    let mut config =
        Config::for_machine(std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    config.apply(given)?;
    Ok(config)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|e| unreadable(file, &e))
}

fn read_if_there(file: &Path) -> Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(unreadable(file, &e)),
    }
}

fn unreadable(file: &Path, e: &io::Error) -> Error {
    let kind = match e.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidData => ErrorKind::InvalidInput,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("the settings in {} cannot be read: {e}", file.display()))
}

/// The settings among `variables`, by name.
fn of_environment(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Given>> {
    let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut named: Vec<(String, OsString)> =
        named.filter(|(name, _)| Given::of_variable(name, "").is_some()).collect();
    named.sort_unstable();
    let given = named.into_iter().filter_map(|(name, value)| match value.into_string() {
        Ok(value) => Given::of_variable(&name, value).map(Ok),
        Err(_) => Some(Err(Error::invalid(format!("{name}: the value is not UTF-8")))),
    });
    given.collect()
}

/// The settings in the TOML `text` of the file `path`, in the order in which they stand there.
fn of_text(text: &str, path: &str) -> Result<Vec<Given>> {
    let table = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line(text, span.start));
        Error::invalid(format!("{path}:{line}: {}", e.message()))
    })?;
    let mut found = Vec::new();
    collect(table.get_ref(), "", text, &mut found);
    found.sort_by_key(|found| found.at);
    let given = |found: Found| Given::in_file(found.name, found.value, path, line(text, found.at));
    Ok(found.into_iter().map(given).collect())
}

/// A key of a file.
struct Found {
    name: String,
    value: String,
    /// Where it begins in the text.
    at: usize,
}

/// Adds what is in `table`, whose name is `prefix`. TOML that is read has bounded depth.
fn collect(table: &DeTable<'_>, prefix: &str, text: &str, found: &mut Vec<Found>) {
    for (key, value) in table.iter() {
        let name = format!("{prefix}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => collect(table, &format!("{name}."), text, found),
            DeValue::Table(_) if Config::has_section(&name) => {}
            _ => found.push(Found { name, value: plain(value, text), at: key.span().start }),
        }
    }
}

/// The value as it is written without quotes; of what is no value of a setting, the text as it stands there.
fn plain(value: &Spanned<DeValue<'_>>, text: &str) -> String {
    let number = match value.get_ref() {
        DeValue::String(value) => return value.to_string(),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    let written = || text.get(value.span()).unwrap_or_default().to_owned();
    number.map_or_else(written, |number| number.to_string())
}

/// The line of the byte `at`, from 1 on.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# What is not given is the default.
writer.durability = 'relaxed'
[hot]

[flush]
rows = 1_000
bytes = 0x100

[query]
timeout_ms = \"5\"
";

    fn shown(config: &Config, name: &str) -> String {
        let found = config.settings().into_iter().find(|row| row.name == name).unwrap();
        format!("{} {} {}", found.value, found.source, found.place.unwrap_or_default())
    }

    fn applied(text: &str) -> Result<Config> {
        let mut config = Config::default();
        config.apply(of_text(text, "a/firndb.toml")?)?;
        Ok(config)
    }

    #[test]
    fn a_file_is_read_with_the_lines_of_its_settings() {
        let config = applied(TEXT).unwrap();
        for (name, expected) in [
            ("writer.durability", "relaxed file a/firndb.toml:2"),
            ("flush.rows", "1000 file a/firndb.toml:6"),
            ("flush.bytes", "256 file a/firndb.toml:7"),
            ("query.timeout_ms", "5 file a/firndb.toml:10"),
            ("flush.min_rows", "1000 default "),
        ] {
            assert_eq!(shown(&config, name), expected);
        }
    }

    #[test]
    fn what_cannot_be_in_a_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("\n[flush]\nrow = 1", "a/firndb.toml:3: there is no setting flush.row"),
            ("hot = 1", "a/firndb.toml:1: there is no setting hot"),
            ("[flsh]\n", "a/firndb.toml:1: there is no setting flsh"),
            ("[hot.x]\ny = 1", "a/firndb.toml:2: there is no setting hot.x.y"),
            ("[flush]\nrows = -1", "a/firndb.toml:2: flush.rows is a whole number from 1 on, not \"-1\""),
            ("[flush]\nrows = [1]", "a/firndb.toml:2: flush.rows is a whole number from 1 on, not \"[1]\""),
            ("[flush]\nrows = 1.0", "a/firndb.toml:2: flush.rows is a whole number from 1 on, not \"1.0\""),
            // The first in the file, not in the alphabet.
            ("[writer]\nnod = 1\n[cache]\nx = 1", "a/firndb.toml:2: there is no setting writer.nod"),
        ] {
            let error = applied(text).unwrap_err();
            assert_eq!((error.kind(), error.headline().as_str()), (ErrorKind::InvalidInput, expected));
        }
        for text in ["[flush\n", "\n[flush]\nrows = 1\nrows = 2", "\n\nrows"] {
            let error = applied(text).unwrap_err().to_string();
            let last = text.lines().count();
            assert!(error.starts_with(&format!("a/firndb.toml:{last}: ")), "{error}");
        }
    }

    #[test]
    fn only_variables_of_settings_are_read() {
        let set = [("FIRNDB__FLUSH__ROWS", "7"), ("FIRNDB_SUITE", "x"), ("HOME", "y")];
        let set = set.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let given = of_environment(set).unwrap();
        assert_eq!(given, [Given::of_variable("FIRNDB__FLUSH__ROWS", "7").unwrap()]);
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_takes_the_place_of_the_stores() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(shown(&config(Some(dir.path()), None, []).unwrap(), "flush.rows"), "500000 default ");
        fs::write(dir.path().join("firndb.toml"), "flush.rows = 1").unwrap();
        assert!(shown(&config(Some(dir.path()), None, []).unwrap(), "flush.rows").ends_with("firndb.toml:1"));
        let other = dir.path().join("other.toml");
        let missing = config(Some(dir.path()), Some(&other), []).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        fs::write(&other, "flush.bytes = 2").unwrap();
        let named = config(Some(dir.path()), Some(&other), []).unwrap();
        assert_eq!(shown(&named, "flush.rows"), "500000 default ");
        assert!(shown(&named, "flush.bytes").ends_with("other.toml:1"));
    }
}
