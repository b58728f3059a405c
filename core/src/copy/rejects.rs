//! Rows that are none: where each is, and why.

use crate::error::{Error, ErrorKind};

/// A row that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where it is: the number of its line, or of its row in Parquet, from 1.
    pub line: u64,
    /// The column, and the how-manieth value of the row it is where that is known.
    pub column: Option<(String, Option<usize>)>,
    /// What is wrong.
    pub reason: String,
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// The row as it stands in the file; of Parquet a JSON object.
    pub raw: String,
}

impl BadRow {
    /// The error that it is where it ends the statement. `unit` is what [`Self::line`] counts.
    #[must_use]
    pub fn error(&self, file: &str, unit: &str) -> Error {
        let column = match &self.column {
            None => String::new(),
            Some((name, None)) => format!(", column \"{name}\""),
            Some((name, Some(place))) => format!(", column \"{name}\" ({})", ordinal(*place)),
        };
        Error::new(self.kind, format!("{file}, {unit} {}{column}: {}", self.line, self.reason))
    }

    /// Its line in the file of rejected rows, whose columns are those of [`reject_header`].
    #[must_use]
    pub fn csv(&self) -> String {
        let column = self.column.as_ref().map_or("", |(name, _)| name);
        format!("{},{},{},{}\n", self.line, quoted(column), quoted(&self.reason), quoted(&self.raw))
    }
}

/// The first line of a file of rejected rows.
#[must_use]
pub fn reject_header() -> &'static str {
    "line,column,reason,row\n"
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// `3rd` of 3.
fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_and_why() {
        let row = BadRow {
            line: 17,
            column: Some(("age".to_owned(), Some(3))),
            reason: "\"abc\" is not an INTEGER".to_owned(),
            kind: ErrorKind::InvalidInput,
            raw: "1,\"x\",abc".to_owned(),
        };
        let expected = "file.csv, line 17, column \"age\" (3rd): \"abc\" is not an INTEGER";
        assert_eq!(row.error("file.csv", "line").to_string(), expected);
        assert_eq!(row.csv(), "17,\"age\",\"\"\"abc\"\" is not an INTEGER\",\"1,\"\"x\"\",abc\"\n");
        assert_eq!([1, 2, 11, 13, 21, 112].map(ordinal), ["1st", "2nd", "11th", "13th", "21st", "112th"]);
    }
}
