//! A short way for `INSERT … VALUES` with constants: thousands of rows without thousands of tokens.
//!
//! The tokenizer and the parser spend most of an INSERT on its rows, so rows of plain constants and
//! parameters are read straight from the text, into the same syntax tree. Whatever is not plain, and so
//! every mistake, is left to the parser.

use datafusion::sql::sqlparser::ast::{Expr, Parens, SetExpr, UnaryOperator, Value, ValueWithSpan};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::Statement;
use crate::error::{Error, Result};

/// The rows at the start of a text.
#[derive(Debug)]
pub(super) struct Rows {
    /// The bytes up to and with VALUES.
    pub(super) head: usize,
    /// The bytes up to and with the last row.
    pub(super) end: usize,
    pub(super) rows: Vec<Parens<Vec<Expr>>>,
    /// The highest number of a parameter.
    pub(super) parameters: usize,
}

/// Reads an INSERT at the start of `text`, if its rows are plain.
pub(super) fn scan(text: &str) -> Option<Rows> {
    let head = head(text)?;
    let mut scan = Scan { text, at: head, parameters: 0 };
    let mut rows: Vec<Parens<Vec<Expr>>> = Vec::new();
    loop {
        let width = rows.last().map_or(0, |row| row.content.len());
        rows.push(Parens::with_empty_span(scan.row(width)?));
        let end = scan.at;
        scan.spaces();
        if !scan.take(b',') {
            return Some(Rows { head, end, rows, parameters: scan.parameters });
        }
    }
}

/// Tokens of one row, for the parser to read in place of the rows.
pub(super) fn stand_in(at: Location) -> [TokenWithSpan; 3] {
    let span = Span { start: at, end: at };
    let row = [Token::LParen, Token::Placeholder(STAND_IN.to_owned()), Token::RParen];
    row.map(|token| TokenWithSpan { token, span })
}

/// Puts the rows where the parser read the one that stood for them.
///
/// # Errors
/// `Syntax` when it read it as something else, such as a list of columns.
pub(super) fn put(statement: &mut Statement, rows: Vec<Parens<Vec<Expr>>>) -> Result<()> {
    if let Statement::Insert(insert) = statement
        && let Some(source) = &mut insert.tree.source
        && let SetExpr::Values(values) = source.body.as_mut()
        && let [only] = values.rows.as_slice()
        && *only.content == [constant(Value::Placeholder(STAND_IN.to_owned()))]
    {
        values.rows = rows;
        return Ok(());
    }
    Err(Error::syntax("VALUES stands where a name was expected: quote it, or put it behind the columns"))
}

/// No parameter that a statement may have.
const STAND_IN: &str = "$0";

/// The length of `INSERT INTO … VALUES`, when there are only names, dots and commas in it.
fn head(text: &str) -> Option<usize> {
    let mut scan = Scan { text, at: 0, parameters: 0 };
    scan.spaces();
    if !scan.word().eq_ignore_ascii_case("INSERT") {
        return None;
    }
    let mut depth = 0_usize;
    loop {
        scan.spaces();
        match scan.peek()? {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b',' | b'.' => {}
            b'"' => {
                scan.at += 1 + scan.rest().get(1..)?.find('"')?;
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let word = scan.word();
                if depth == 0 && word.eq_ignore_ascii_case("VALUES") {
                    return Some(scan.at);
                }
                if word.eq_ignore_ascii_case("SELECT") {
                    return None;
                }
                continue;
            }
            _ => return None,
        }
        scan.at += 1;
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    parameters: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The bytes from here on that are `of`.
    fn run(&mut self, of: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&of) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn word(&mut self) -> &'a str {
        self.run(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'$')
    }

    /// A row in parentheses; `width` is how many values it likely has.
    fn row(&mut self, width: usize) -> Option<Vec<Expr>> {
        self.spaces();
        if !self.take(b'(') {
            return None;
        }
        let mut row = Vec::with_capacity(width);
        loop {
            self.spaces();
            row.push(self.value()?);
            self.spaces();
            if self.take(b')') {
                return Some(row);
            }
            // Anything but a comma makes the value a part of something else.
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn value(&mut self) -> Option<Expr> {
        match self.peek()? {
            b'0'..=b'9' => self.number().map(constant),
            b'-' => {
                self.at += 1;
                let number = constant(self.number()?);
                Some(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) })
            }
            b'\'' => self.string().map(constant),
            b'$' => self.parameter().map(constant),
            b'a'..=b'z' | b'A'..=b'Z' => {
                let word = self.word();
                let value =
                    [("NULL", Value::Null), ("TRUE", Value::Boolean(true)), ("FALSE", Value::Boolean(false))]
                        .into_iter()
                        .find(|(name, _)| word.eq_ignore_ascii_case(name));
                value.map(|(_, value)| constant(value))
            }
            _ => None,
        }
    }

    /// Digits with perhaps a point and an exponent; other ways to write a number are the parser's.
    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        if self.run(|b| b.is_ascii_digit()).is_empty() {
            return None;
        }
        if self.take(b'.') {
            self.run(|b| b.is_ascii_digit());
        }
        if self.peek().is_some_and(|b| b == b'e' || b == b'E') {
            self.at += 1;
            let _ = self.take(b'-') || self.take(b'+');
            if self.run(|b| b.is_ascii_digit()).is_empty() {
                return None;
            }
        }
        let digits = self.text.get(start..self.at)?;
        match self.peek()? {
            b',' | b')' | b' ' | b'\t' | b'\n' | b'\r' => Some(Value::Number(digits.to_owned(), false)),
            _ => None,
        }
    }

    fn string(&mut self) -> Option<Value> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let quote = rest.find('\'')?;
            text.push_str(rest.get(..quote)?);
            self.at += quote + 1;
            // Two quotes stand for one.
            if !self.take(b'\'') {
                return Some(Value::SingleQuotedString(text));
            }
            text.push('\'');
        }
    }

    fn parameter(&mut self) -> Option<Value> {
        let start = self.at;
        self.at += 1;
        let number: usize = self.run(|b| b.is_ascii_digit()).parse().ok().filter(|n| *n > 0)?;
        self.parameters = self.parameters.max(number);
        let name = self.text.get(start..self.at)?.to_owned();
        // A letter behind it would make it another parameter, or the start of a quotation.
        matches!(self.peek()?, b',' | b')' | b' ' | b'\t' | b'\n' | b'\r').then_some(Value::Placeholder(name))
    }
}

fn constant(value: Value) -> Expr {
    Expr::Value(ValueWithSpan { value, span: Span::empty() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_rows_are_scanned() {
        for text in [
            "INSERT INTO t VALUES (1)",
            " insert into \"a b\".t(a, \"values\", _c1)\nvalues\t( 1 , -2.5e-3 ) ,\n('it''s é', null),(TRUE,$2);",
            "INSERT INTO t (values) VALUES ('')  ON CONFLICT DO NOTHING",
        ] {
            assert!(scan(text).is_some(), "{text}");
        }
        for text in [
            "INSERT INTO t SELECT 1",
            "INSERT INTO t (SELECT 1) VALUES (1)",
            "INSERT INTO t DEFAULT VALUES",
            "INSERT INTO t VALUES ()",
            "INSERT INTO t VALUES (1",
            "INSERT INTO t VALUES (1,)",
            "INSERT INTO t VALUES (1 2)",
            "INSERT INTO t VALUES (1 + 1)",
            "INSERT INTO t VALUES ('a' || 'b')",
            "INSERT INTO t VALUES ('a'::text)",
            "INSERT INTO t VALUES ('a' 'b')",
            "INSERT INTO t VALUES ('a",
            "INSERT INTO t VALUES (now())",
            "INSERT INTO t VALUES (DEFAULT)",
            "INSERT INTO t VALUES (.5)",
            "INSERT INTO t VALUES (1_000)",
            "INSERT INTO t VALUES (0x1F)",
            "INSERT INTO t VALUES (1a)",
            "INSERT INTO t VALUES (1e)",
            "INSERT INTO t VALUES (- 1)",
            "INSERT INTO t VALUES (--1\n1)",
            "INSERT INTO t VALUES (1 /* one */)",
            "INSERT INTO t VALUES ($0)",
            "INSERT INTO t VALUES ($a)",
            "INSERT INTO t VALUES ($1$)",
            "INSERT INTO t VALUES ($1a)",
            "INSERT INTO t VALUES (e'a')",
            "INSERT INTO t VALUES (nullx)",
            "INSERT INTO t VALUES (1),",
            "INSERT INTO t /* x */ VALUES (1)",
            "SELECT 1",
            "INSERT",
            "",
            "inserts t values (1)",
            "INSERT INTO t AS USER 'x' VALUES (1)",
            "INSERT INTO t VALUES (\"a\")",
            "INSERT INTO é VALUES (1)",
        ] {
            assert!(scan(text).is_none(), "{text}");
        }
    }
}
