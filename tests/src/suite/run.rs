//! One file of the suite: every record put to FirnDB, and what it answered held against the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use firndb_core::{Config, Engine, ErrorKind, Outcome};
use sqllogictest::{ColumnType, Condition, QueryExpect, Record, SortMode, StatementExpect, parse_file};

use super::excuses::{Excuses, MADE_BY_THE_RUNNER, of_answer, of_error, of_statement};
use super::plain::{in_microseconds, letters, lines, same_line};
use super::shown::{Shown, Trouble, first_word};
use crate::lasting::Lasting;

/// How long a statement may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// By which name the files' conditions call DataFusion.
const LABEL: &str = "Datafusion";

/// What came of one file.
#[derive(Debug, Default)]
pub struct FileReport {
    /// Statements and queries.
    pub records: usize,
    /// Those that were answered as the file says.
    pub passed: usize,
    /// Those that were not, for a reason, and how many for each.
    pub excused: BTreeMap<String, usize>,
    /// Those that were not, for none.
    pub failures: Vec<String>,
    /// Listed differences of records that are answered as the file says.
    pub stale: Vec<String>,
    /// Tables that were created.
    pub tables: usize,
}

/// The letter of a column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(char);

impl ColumnType for Kind {
    fn from_char(value: char) -> Option<Self> {
        Some(Self(value))
    }

    fn to_char(&self) -> char {
        self.0
    }
}

/// What a record was held against, and what came.
enum Verdict {
    Passed,
    Excused(String),
    Failed(String),
}

/// Runs the file `name` in `dir` on an empty store.
///
/// # Panics
/// When it cannot be read, or an empty store not be opened.
pub async fn run_file(dir: &Path, name: &str, excuses: &Excuses) -> FileReport {
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let made =
        MADE_BY_THE_RUNNER.iter().map(|name| ((*name).to_owned(), "DataFusion's runner makes it".to_owned()));
    let mut run = Run { shown: Shown::new(&engine).await, missing: made.collect() };
    let mut report = FileReport::default();
    for record in parse_file::<Kind>(dir.join(name)).unwrap() {
        let (loc, conditions) = match &record {
            Record::Statement { loc, conditions, .. } | Record::Query { loc, conditions, .. } => {
                (loc, conditions)
            }
            Record::Halt { .. } => break,
            _ => continue,
        };
        if conditions.iter().any(is_for_others) {
            continue;
        }
        report.records += 1;
        let listed = excuses.of_record(name, loc.line());
        let (verdict, sql) = match &record {
            Record::Statement { sql, expected, .. } => (run.statement(sql, expected).await, sql),
            Record::Query { sql, expected, .. } => (run.query(sql, expected).await, sql),
            _ => continue,
        };
        match (verdict, listed) {
            (Verdict::Passed, None) => report.passed += 1,
            (Verdict::Passed, Some(reason)) => {
                report.passed += 1;
                report.stale.push(format!("{name} {}: {reason}", loc.line()));
            }
            (Verdict::Excused(reason), _) => *report.excused.entry(reason).or_default() += 1,
            (Verdict::Failed(_), Some(reason)) => {
                run.note(sql, reason);
                *report.excused.entry(reason.to_owned()).or_default() += 1;
            }
            (Verdict::Failed(how), None) => {
                run.note(sql, &format!("a surprise at line {}", loc.line()));
                report.failures.push(format!("{name} {}: {sql}\n{how}", loc.line()));
            }
        }
    }
    report.tables = run.shown.created;
    report
}

fn is_for_others(condition: &Condition) -> bool {
    match condition {
        Condition::OnlyIf { label } => label != LABEL,
        Condition::SkipIf { label } => label == LABEL,
    }
}

/// A file being run.
struct Run {
    shown: Shown,
    /// What the file made and FirnDB did not, or not with the same rows, and why.
    missing: BTreeMap<String, String>,
}

impl Run {
    async fn statement(&mut self, sql: &str, expected: &StatementExpect) -> Verdict {
        if let Some(reason) = of_statement(&first_word(sql)) {
            return Verdict::Excused(reason.to_owned());
        }
        match (self.put(sql).await, expected) {
            (Ok(outcome), StatementExpect::Count(count)) => match outcome {
                Outcome::Affected(found) if found == *count => Verdict::Passed,
                Outcome::Done(_) if *count == 0 => Verdict::Passed,
                other => Verdict::Failed(format!("expected {count} rows to be written, found {other:?}")),
            },
            (Ok(_), StatementExpect::Ok) => Verdict::Passed,
            (Ok(outcome), StatementExpect::Error(error)) => {
                self.excuse(sql, format!("expected the error {error}, found {outcome:?}"))
            }
            (Err(trouble), StatementExpect::Error(_)) => self.expected_error(sql, trouble),
            (Err(trouble), _) => self.unexpected_error(sql, trouble),
        }
    }

    async fn query(&mut self, sql: &str, expected: &QueryExpect<Kind>) -> Verdict {
        if let Some(reason) = of_statement(&first_word(sql)) {
            return Verdict::Excused(reason.to_owned());
        }
        match (self.put(sql).await, expected) {
            (Ok(outcome), QueryExpect::Results { types, sort_mode, results, .. }) => {
                let found = lines(&outcome);
                let has_types = same_types(types, &outcome);
                if has_types && same_rows(sql, *sort_mode, results, &found) {
                    return Verdict::Passed;
                }
                if results.len() == 1 && results.iter().any(|line| line.contains(" values hashing to ")) {
                    return Verdict::Excused("the file has a hash of the answer only".to_owned());
                }
                let expected: Vec<String> = results.iter().map(|line| in_microseconds(line)).collect();
                let found_short: Vec<String> = found.iter().map(|line| in_microseconds(line)).collect();
                if has_types && same_rows(sql, *sort_mode, &expected, &found_short) {
                    return Verdict::Excused("timestamps have microseconds".to_owned());
                }
                self.excuse(sql, differing(types, results, &found, &outcome))
            }
            (Ok(outcome), QueryExpect::Error(error)) => {
                self.excuse(sql, format!("expected the error {error}, found\n{}", lines(&outcome).join("\n")))
            }
            (Err(trouble), QueryExpect::Error(_)) => self.expected_error(sql, trouble),
            (Err(trouble), QueryExpect::Results { .. }) => self.unexpected_error(sql, trouble),
        }
    }

    async fn put(&mut self, sql: &str) -> Result<Outcome, Trouble> {
        match tokio::time::timeout(PATIENCE, self.shown.execute(sql)).await {
            Ok(answer) => {
                if answer.is_ok()
                    && matches!(first_word(sql).as_str(), "CREATE" | "DROP")
                    && let Some(name) = object_of(sql)
                {
                    self.missing.remove(&name);
                }
                answer
            }
            Err(_) => Err(Trouble::Unlike(format!("no answer in {} s", PATIENCE.as_secs()))),
        }
    }

    /// It fails, as the file says. Whether for the same reason is only clear where FirnDB knows the words.
    fn expected_error(&mut self, sql: &str, trouble: Trouble) -> Verdict {
        match trouble {
            Trouble::Engine(e) if !matches!(e.kind(), ErrorKind::Unsupported | ErrorKind::Internal) => {
                match self.missing_in(sql) {
                    None => Verdict::Passed,
                    Some(reason) => Verdict::Excused(reason),
                }
            }
            other => match self.reason_for(sql, &other) {
                Some(reason) => Verdict::Excused(format!("{reason} (and the file expects an error)")),
                None => Verdict::Failed(said(&other)),
            },
        }
    }

    fn unexpected_error(&mut self, sql: &str, trouble: Trouble) -> Verdict {
        match self.reason_for(sql, &trouble) {
            Some(reason) => {
                self.note(sql, &reason);
                Verdict::Excused(reason)
            }
            None => Verdict::Failed(said(&trouble)),
        }
    }

    /// Why it may fail.
    fn reason_for(&self, sql: &str, trouble: &Trouble) -> Option<String> {
        match trouble {
            Trouble::Unlike(what) => Some(format!("FirnDB has no {what}")),
            Trouble::Engine(e) => self.missing_in(sql).or_else(|| match e.kind() {
                ErrorKind::Unsupported => Some(format!("refused by name: {}", brief(e.message()))),
                ErrorKind::Syntax if Parser::parse_sql(&PostgreSqlDialect {}, sql).is_err() => {
                    Some("not in PostgreSQL's dialect".to_owned())
                }
                _ => of_error(sql, e).map(str::to_owned),
            }),
        }
    }

    fn excuse(&self, sql: &str, how: String) -> Verdict {
        match self.missing_in(sql).or_else(|| of_answer(sql).map(str::to_owned)) {
            Some(reason) => Verdict::Excused(reason),
            None => Verdict::Failed(how),
        }
    }

    /// Remembers what a statement that did not work would have made or changed.
    fn note(&mut self, sql: &str, reason: &str) {
        if first_word(sql) == "DROP" {
            return;
        }
        if let Some(name) = object_of(sql) {
            let root = reason.rsplit("not there: ").next().unwrap_or(reason).to_owned();
            self.missing.insert(name, root);
        }
    }

    /// Why something that the statement names is not as the file has it.
    fn missing_in(&self, sql: &str) -> Option<String> {
        let words: Vec<String> = words(sql);
        let (_, reason) = self.missing.iter().find(|(name, _)| words.contains(name))?;
        Some(format!("what it names is not there: {reason}"))
    }
}

fn said(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Engine(e) => format!("failed with {}: {e}", e.kind()),
        Trouble::Unlike(what) => format!("FirnDB has no {what}"),
    }
}

/// The object that a statement makes, drops or writes to.
fn object_of(sql: &str) -> Option<String> {
    let words = words(sql);
    let after = |word: &str| {
        let at = words.iter().position(|w| w == word)?;
        let rest = words.get(at + 1..)?;
        rest.iter().find(|w| !matches!(w.as_str(), "if" | "not" | "exists" | "table" | "into")).cloned()
    };
    match first_word(sql).as_str() {
        "CREATE" | "DROP" => after("table").or_else(|| after("view")).or_else(|| after("function")),
        "INSERT" | "SELECT" | "WITH" => after("into"),
        "UPDATE" => after("update"),
        "DELETE" => after("from"),
        _ => None,
    }
}

/// Words in lower case, a dotted name as its last part.
fn words(sql: &str) -> Vec<String> {
    let parts = sql.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
}

/// The beginning of a message, without what differs from statement to statement.
fn brief(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line
        .split_once(": ")
        .map_or(line, |(start, rest)| if start.starts_with("line ") { rest } else { line });
    line.split([':', '(']).next().unwrap_or(line).chars().take(60).collect::<String>().trim().to_owned()
}

/// Whether the rows are the expected ones; in their order only where the statement asks for one.
fn same_rows(sql: &str, mode: Option<SortMode>, expected: &[String], found: &[String]) -> bool {
    const ANY: &str = "<slt:ignore>";
    if expected.iter().any(|line| line.contains(ANY)) {
        return in_order(&found.join("\n"), &expected.join("\n"), ANY);
    }
    let mut expected: Vec<&str> = expected.iter().map(|line| line.trim_end()).collect();
    let mut found: Vec<&str> = found.iter().map(|line| line.trim_end()).collect();
    if mode == Some(SortMode::ValueSort) {
        expected = expected.iter().flat_map(|line| line.split(' ')).collect();
        found = found.iter().flat_map(|line| line.split(' ')).collect();
    }
    let is_ordered = sql.to_ascii_lowercase().contains("order by");
    if !is_ordered || mode.is_some_and(|mode| mode != SortMode::NoSort) {
        expected.sort_unstable();
        found.sort_unstable();
    }
    expected.len() == found.len() && expected.iter().zip(&found).all(|(e, f)| same_line(e, f))
}

/// Whether the pieces of `pattern` between `any` come in `text`, one behind the other.
fn in_order(text: &str, pattern: &str, any: &str) -> bool {
    let mut rest = text;
    pattern.split(any).all(|piece| match rest.split_once(piece) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

/// Whether the columns are of the expected types, as far as letters tell; a count of rows written has none.
fn same_types(expected: &[Kind], outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rows { schema, .. } => {
            let found = letters(schema);
            expected.len() == found.len() && expected.iter().zip(found.chars()).all(|(e, f)| e.0 == f)
        }
        _ => true,
    }
}

fn differing(types: &[Kind], expected: &[String], found: &[String], outcome: &Outcome) -> String {
    let wanted: String = types.iter().map(ColumnType::to_char).collect();
    let given = match outcome {
        Outcome::Rows { schema, .. } => letters(schema),
        _ => String::new(),
    };
    let shown =
        |lines: &[String]| lines.iter().take(12).map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n");
    format!(
        "expected {wanted}, {} lines\n{}\nfound {given}, {} lines\n{}",
        expected.len(),
        shown(expected),
        found.len(),
        shown(found)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_an_order_only_where_it_is_asked_for() {
        let (ab, ba) = (["a".to_owned(), "b".to_owned()], ["b".to_owned(), "a".to_owned()]);
        assert!(same_rows("SELECT x FROM t", None, &ab, &ba));
        assert!(!same_rows("SELECT x FROM t ORDER BY x", None, &ab, &ba));
        assert!(same_rows("SELECT x FROM t ORDER BY x", Some(SortMode::RowSort), &ab, &ba));
        assert!(!same_rows("SELECT x FROM t", None, &ab, &["a".to_owned(), "a".to_owned()]));
        assert!(!same_rows("SELECT x FROM t", None, &ab, &ab[..1]));
        assert!(same_rows("SELECT x", None, &["a <slt:ignore> c".to_owned()], &["a b c".to_owned()]));
        assert!(!same_rows("SELECT x", None, &["a <slt:ignore> c".to_owned()], &["a b d".to_owned()]));
    }

    #[test]
    fn what_a_statement_makes_is_known() {
        assert_eq!(object_of("CREATE EXTERNAL TABLE IF NOT EXISTS T (a INT)").as_deref(), Some("t"));
        assert_eq!(object_of("create or replace view v as select 1").as_deref(), Some("v"));
        assert_eq!(object_of("INSERT INTO x VALUES (1)").as_deref(), Some("x"));
        assert_eq!(object_of("SELECT 1"), None);
    }
}
