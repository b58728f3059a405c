//! Statements that two databases are asked, and whether FirnDB answers as PostgreSQL does.
//!
//! A file of `tests/postgres` is SQL in which every statement ends with `;` at the end of a line. Comments in
//! front of a statement may say:
//!
//! - `-- differs: REASON`: FirnDB answers the next statement otherwise, and means to. If it does not differ any
//!   more, that is reported too.
//! - `-- later: TYPE`, anywhere: FirnDB does not have what the file is about yet. It is run and counted, and
//!   held to nothing.

use firndb_core::{Error, ErrorKind, Outcome};
use sqllogictest::ColumnType;

use crate::postgres::Answer;
use crate::render::{Cell, letters, rows};

/// One statement.
#[derive(Debug, Clone)]
pub struct Case {
    /// Where it begins, counted from 1.
    pub line: usize,
    /// Its text, without the semicolon.
    pub sql: String,
    /// Why FirnDB answers otherwise, if it is known to.
    pub differs: Option<String>,
}

/// The statements of one file.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// The statements.
    pub cases: Vec<Case>,
    /// What FirnDB does not have yet, if the file is about that.
    pub later: Option<String>,
}

impl Script {
    /// Reads the text of a file.
    ///
    /// # Panics
    /// When the last statement has no end, or a mark no statement.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (mut script, mut sql, mut start) = (Self::default(), String::new(), 0);
        let mut differs: Option<String> = None;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(comment) = line.strip_prefix("--").filter(|_| sql.is_empty()) {
                let comment = comment.trim();
                if let Some(reason) = comment.strip_prefix("differs:") {
                    differs = Some(reason.trim().to_owned());
                } else if let Some(what) = comment.strip_prefix("later:") {
                    script.later = Some(what.trim().to_owned());
                }
                continue;
            }
            if sql.is_empty() {
                start = number;
            } else {
                sql.push('\n');
            }
            sql.push_str(line.trim_end());
            if let Some(whole) = sql.strip_suffix(';') {
                let whole = whole.to_owned();
                script.cases.push(Case { line: start, sql: whole, differs: differs.take() });
                sql.clear();
            }
        }
        assert!(sql.trim().is_empty(), "line {start}: the statement has no end:\n{sql}");
        assert!(differs.is_none(), "a difference of no statement: {differs:?}");
        script
    }
}

/// How FirnDB's answer to `sql` differs from PostgreSQL's, if it does.
///
/// Rows are compared in their order only where the statement asks for one; numbers with a fraction by
/// value, since PostgreSQL's NUMERIC has digits that a float has not.
#[must_use]
pub fn difference(sql: &str, theirs: &Answer, ours: &Result<Outcome, Error>) -> Option<String> {
    match (theirs.failed(), ours) {
        (true, Err(e)) => {
            let kinds = kinds(&theirs.sqlstate);
            (!kinds.contains(&e.kind())).then(|| {
                format!(
                    "PostgreSQL failed with {}: {}\nFirnDB with {}: {e}",
                    theirs.sqlstate,
                    theirs.message,
                    e.kind()
                )
            })
        }
        (true, Ok(outcome)) => Some(format!(
            "PostgreSQL failed with {}: {}\nFirnDB answered {}",
            theirs.sqlstate,
            theirs.message,
            said(outcome)
        )),
        (false, Err(e)) => {
            Some(format!("PostgreSQL answered {}\nFirnDB failed with {}: {e}", told(theirs), e.kind()))
        }
        (false, Ok(outcome)) => (!agree(sql, theirs, outcome))
            .then(|| format!("PostgreSQL answered {}\nFirnDB answered {}", told(theirs), said(outcome))),
    }
}

fn agree(sql: &str, theirs: &Answer, ours: &Outcome) -> bool {
    let schema = match ours {
        Outcome::Rows { schema, .. } => schema,
        Outcome::Affected(n) => return theirs.types.is_empty() && theirs.count == *n,
        Outcome::Done(_) => return theirs.types.is_empty(),
    };
    let columns: Vec<char> = theirs.types.iter().map(|t| letter(t)).collect();
    if columns != letters(schema).iter().map(ColumnType::to_char).collect::<Vec<_>>() {
        return false;
    }
    let mut expected: Vec<Vec<Option<String>>> = theirs
        .rows
        .iter()
        .map(|row| {
            row.iter().zip(&columns).map(|(field, letter)| normal(field.as_deref(), *letter)).collect()
        })
        .collect();
    let mut found: Vec<Vec<Option<String>>> = rows(ours)
        .iter()
        .map(|row| {
            row.iter().zip(&columns).map(|(cell, letter)| normal(text(cell).as_deref(), *letter)).collect()
        })
        .collect();
    if !sql.to_ascii_lowercase().contains("order by") {
        expected.sort();
        found.sort();
    }
    expected == found
}

/// A value as both sides would write it.
fn normal(value: Option<&str>, letter: char) -> Option<String> {
    let value = value?;
    Some(match (letter, value) {
        ('B', "t") => "true".to_owned(),
        ('B', "f") => "false".to_owned(),
        // Twelve digits: an average is a NUMERIC there and a float here.
        ('R', number) => match number.parse::<f64>() {
            Ok(number) if number.is_finite() => format!("{:.12e}", number + 0.0),
            _ => number.to_owned(),
        },
        (_, text) => text.to_owned(),
    })
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(text.clone()),
        other => Some(other.text()),
    }
}

/// The letter of a type by PostgreSQL's name, as [`letters`] gives ours.
fn letter(name: &str) -> char {
    match name.split('(').next().unwrap_or_default() {
        "smallint" | "integer" | "bigint" => 'I',
        "real" | "double precision" | "numeric" => 'R',
        "text" | "character varying" | "character" | "name" | "unknown" | "json" | "uuid" => 'T',
        "boolean" => 'B',
        "date" => 'D',
        "timestamp without time zone" | "timestamp with time zone" => 'P',
        "bytea" => 'X',
        _ => '?',
    }
}

/// The kinds of error that an SQLSTATE may be here (PostgreSQL's documentation, appendix A).
fn kinds(sqlstate: &str) -> &'static [ErrorKind] {
    use ErrorKind as K;
    match sqlstate {
        "42P01" | "42703" | "3F000" | "3D000" | "3B001" => &[K::NotFound],
        // No such function with these arguments: the name or the types.
        "42883" => &[K::NotFound, K::InvalidInput],
        "42P07" | "42P06" => &[K::AlreadyExists],
        // A column named twice: in the table already, or in the statement itself.
        "42701" => &[K::AlreadyExists, K::InvalidInput],
        // A type that there is not, here often one that PostgreSQL has.
        "42704" => &[K::NotFound, K::Unsupported],
        // A row that ON CONFLICT DO UPDATE would change twice.
        "21000" => &[K::InvalidInput, K::Constraint],
        // What the grammar does not say, it may still refuse by name.
        "42601" => &[K::Syntax, K::Unsupported, K::InvalidInput],
        "40001" => &[K::Conflict],
        "54000" | "54001" | "54011" => &[K::LimitExceeded],
        other => match other.get(..2) {
            Some("0A") => &[K::Unsupported],
            _ if other == "22001" => &[K::Constraint],
            Some("23") => &[K::Constraint],
            _ => &[K::InvalidInput],
        },
    }
}

fn told(answer: &Answer) -> String {
    if answer.types.is_empty() {
        return format!("{} rows written", answer.count);
    }
    let rows = answer
        .rows
        .iter()
        .map(|row| row.iter().map(|field| field.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|"));
    listed(&answer.types.join(", "), rows)
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Affected(n) => format!("{n} rows written"),
        Outcome::Done(verb) => verb.clone(),
        Outcome::Rows { schema, .. } => {
            let types: Vec<String> = schema.fields().iter().map(|f| f.data_type().to_string()).collect();
            let rows = rows(outcome);
            let rows = rows.iter().map(|row| row.iter().map(Cell::text).collect::<Vec<_>>().join("|"));
            listed(&types.join(", "), rows)
        }
    }
}

fn listed(types: &str, rows: impl Iterator<Item = String>) -> String {
    rows.fold(format!("({types})"), |text, row| format!("{text}\n    {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(types: &[&str], rows: &[&[Option<&str>]]) -> Answer {
        Answer {
            sqlstate: "00000".to_owned(),
            message: String::new(),
            types: types.iter().map(|t| (*t).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(|f| f.map(str::to_owned)).collect()).collect(),
            count: 0,
        }
    }

    #[test]
    fn marks_belong_to_the_statement_behind_them() {
        let script = Script::read("-- a word\nSELECT 1;\n\n-- differs: because\nSELECT\n  2;\nSELECT 3;\n");
        let seen: Vec<_> =
            script.cases.iter().map(|c| (c.line, c.sql.trim(), c.differs.as_deref())).collect();
        assert_eq!(seen, [(2, "SELECT 1", None), (5, "SELECT\n  2", Some("because")), (7, "SELECT 3", None)]);
        assert_eq!(Script::read("-- later: UUID\nSELECT 1;").later.as_deref(), Some("UUID"));
    }

    #[test]
    fn what_is_not_the_same_is_seen() {
        let error = |kind| Err(Error::new(kind, "no"));
        let failed = Answer { sqlstate: "22012".to_owned(), ..answer(&[], &[]) };
        assert_eq!(difference("SELECT 1/0", &failed, &error(ErrorKind::InvalidInput)), None);
        assert!(difference("SELECT 1/0", &failed, &error(ErrorKind::Internal)).is_some());
        assert!(difference("SELECT 1/0", &failed, &Ok(Outcome::Affected(0))).is_some());
        assert!(
            difference("SELECT 1", &answer(&["integer"], &[&[Some("1")]]), &error(ErrorKind::Syntax))
                .is_some()
        );
        let written = Answer { count: 2, ..answer(&[], &[]) };
        assert_eq!(difference("DELETE", &written, &Ok(Outcome::Affected(2))), None);
        assert!(difference("DELETE", &written, &Ok(Outcome::Affected(3))).is_some());
    }

    #[test]
    fn values_are_compared_as_what_they_mean() {
        assert_eq!(normal(Some("2.5000000000000000"), 'R'), normal(Some("2.5"), 'R'));
        assert_ne!(normal(Some("2.5"), 'R'), normal(Some("2.6"), 'R'));
        assert_eq!(normal(Some("-0"), 'R'), normal(Some("0"), 'R'));
        assert_eq!(normal(Some("t"), 'B'), normal(Some("true"), 'B'));
        assert_eq!(normal(Some("t"), 'T').as_deref(), Some("t"));
        assert_eq!(normal(None, 'R'), None);
    }
}
