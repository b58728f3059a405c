//! Why a file, a kind of statement or a record of the suite is not answered as DataFusion does.
//!
//! `datafusion/skipped.txt` has a file and its reason on each line, `datafusion/differences.txt` a file, the lines
//! of its records and their reason. Both are read, never written: a reason is given by a person.

use std::collections::BTreeMap;
use std::path::Path;

use firndb_core::{Error, ErrorKind};

/// The lists.
#[derive(Debug, Clone, Default)]
pub struct Excuses {
    files: Vec<(String, String)>,
    records: BTreeMap<(String, u32), String>,
}

impl Excuses {
    /// Reads the lists in `dir`.
    ///
    /// # Panics
    /// When they are not there, or a line is not of their form.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let text = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
        Self::parse(&text("skipped.txt"), &text("differences.txt"))
    }

    fn parse(skipped: &str, differences: &str) -> Self {
        let mut excuses = Self::default();
        for line in said(skipped) {
            let (file, reason) =
                line.split_once(": ").unwrap_or_else(|| panic!("expected FILE: REASON, found {line}"));
            excuses.files.push((file.to_owned(), reason.to_owned()));
        }
        for line in said(differences) {
            let parts = line.split_once(": ").and_then(|(place, reason)| {
                let (file, lines) = place.split_once(' ')?;
                let lines = lines.split(' ').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
                Some((file, lines, reason))
            });
            let (file, lines, reason) =
                parts.unwrap_or_else(|| panic!("expected FILE LINE LINE …: REASON, found {line}"));
            for line in lines {
                excuses.records.insert((file.to_owned(), line), reason.to_owned());
            }
        }
        excuses
    }

    /// Why the file is not run. A name that ends with `/` stands for all files below it.
    #[must_use]
    pub fn of_file(&self, name: &str) -> Option<&str> {
        let is_meant = |listed: &str| listed == name || (listed.ends_with('/') && name.starts_with(listed));
        self.files.iter().find(|(listed, _)| is_meant(listed)).map(|(_, reason)| reason.as_str())
    }

    /// The listed names that are of no file.
    #[must_use]
    pub fn of_nothing(&self, files: &[String]) -> Vec<String> {
        let is_file = |listed: &str| {
            files.iter().any(|file| file == listed || (listed.ends_with('/') && file.starts_with(listed)))
        };
        let names = self.files.iter().map(|(name, _)| name).chain(self.records.keys().map(|(name, _)| name));
        let mut unknown: Vec<String> = names.filter(|name| !is_file(name)).cloned().collect();
        unknown.dedup();
        unknown
    }

    /// Why the record at `line` of `file` is answered otherwise.
    #[must_use]
    pub fn of_record(&self, file: &str, line: u32) -> Option<&str> {
        self.records.get(&(file.to_owned(), line)).map(String::as_str)
    }
}

/// The lines that are no comment.
fn said(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Tables and functions that DataFusion's runner makes in Rust for some files, and the views of its settings.
pub const MADE_BY_THE_RUNNER: &[&str] = &[
    "alltypes_plain_multi_files",
    "approx_distinct_union_test",
    "async_abs",
    "df_settings",
    "dict_struct_nullable",
    "dict_struct_table",
    "example",
    "orders",
    "parameters",
    "range_partitioned",
    "routines",
    "table_with_many_types",
    "table_with_map",
    "table_with_metadata",
    "temp",
    "test_partition_table",
    "unbounded_range_like",
    "union_table",
];

/// Why statements that begin with `word` are not put to FirnDB.
pub fn of_statement(word: &str) -> Option<&'static str> {
    match word {
        "EXPLAIN" => Some("plans: those of FirnDB's tables are its own"),
        "SET" | "RESET" | "SHOW" => Some("settings of DataFusion"),
        _ => None,
    }
}

/// Why FirnDB fails where DataFusion does not.
pub fn of_error(sql: &str, error: &Error) -> Option<&'static str> {
    let (sql, message) = (sql.to_ascii_lowercase(), error.message());
    match error.kind() {
        ErrorKind::InvalidInput if message.contains("out of range") => {
            Some("arithmetic and casts fail instead of wrapping, as in PostgreSQL")
        }
        ErrorKind::InvalidInput if message.contains("division by zero") => {
            Some("division by zero fails for fractions too, as in PostgreSQL")
        }
        ErrorKind::NotFound | ErrorKind::InvalidInput
            if sql.contains("->")
                && (message.starts_with("there is no column") || message.contains("expected a lambda")) =>
        {
            Some("no lambdas: -> is an operator of PostgreSQL's")
        }
        ErrorKind::NotFound if sql.contains("from values") => {
            Some("VALUES in FROM needs parentheses, as in PostgreSQL")
        }
        ErrorKind::NotFound if message.contains("namespace public") => {
            Some("DataFusion's schema `public` is the namespace `main`")
        }
        ErrorKind::NotFound if sql.contains("order by all") => {
            Some("ALL is no word of ORDER BY in PostgreSQL's dialect")
        }
        _ => None,
    }
}

/// Why FirnDB answers otherwise than DataFusion.
pub fn of_answer(sql: &str) -> Option<&'static str> {
    sql.to_ascii_lowercase().contains("arrow_typeof").then_some("names of Arrow types: FirnDB's differ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_of_files_directories_and_records() {
        let excuses =
            Excuses::parse("# why\na.slt: one\nspark/: other functions\n", "b.slt 3 9: rounding: half up\n");
        assert_eq!(excuses.of_file("a.slt"), Some("one"));
        assert_eq!(excuses.of_file("spark/x/y.slt"), Some("other functions"));
        assert_eq!(excuses.of_file("b.slt"), None);
        assert_eq!(excuses.of_record("b.slt", 9), Some("rounding: half up"));
        assert_eq!(excuses.of_record("b.slt", 4), None);
        assert_eq!(excuses.of_nothing(&["a.slt".to_owned(), "spark/x.slt".to_owned()]), ["b.slt"]);
    }
}
