//! EXPLAIN, with PostgreSQL's options before the statement or in parentheses.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::tokens::{Cursor, unquoted};
use super::{AsUser, Statement, acting, own};
use crate::error::{Error, Result};

/// What EXPLAIN answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlanFormat {
    /// Rows of text.
    #[default]
    Text,
    /// One row with an object.
    Json,
}

/// What is said between EXPLAIN and the statement.
#[derive(Debug, Default)]
struct Options {
    analyze: bool,
    verbose: bool,
    format: PlanFormat,
}

/// Reads the tokens of an EXPLAIN.
///
/// # Errors
/// As [`super::parse`]; `Unsupported` for options that there are not.
pub(super) fn explain(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    cursor.take("EXPLAIN");
    let options = if has_list(&tokens) { list(&mut cursor)? } else { words(&mut cursor) };
    let lead = cursor.peek_word().unwrap_or_default();
    if cursor.peek().is_none() {
        return Err(cursor.expected("a statement to explain"));
    }
    if ["EXPLAIN", "CREATE", "DROP", "ALTER", "STORAGE", "SHOW", "USE", "SET"].contains(&lead.as_str()) {
        return Err(Error::unsupported(format!("EXPLAIN {lead} is not supported")));
    }
    let rest = tokens.split_off(cursor.position());
    let (subject, statement) = match own::statement(rest, end)? {
        Statement::AsUser(AsUser { subject, statement }) => (Some(subject), statement),
        statement => (None, Box::new(statement)),
    };
    match statement.as_ref() {
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            let Options { analyze, verbose, format } = options;
            Ok(acting::framed(subject, Statement::Explain { analyze, verbose, format, statement }))
        }
        _ => Err(Error::unsupported(format!("EXPLAIN {lead} is not supported"))),
    }
}

/// Whether options in parentheses follow EXPLAIN, and not a query.
fn has_list(tokens: &[TokenWithSpan]) -> bool {
    let word = tokens.get(2).and_then(|token| unquoted(&token.token));
    tokens.get(1).is_some_and(|token| token.token == Token::LParen)
        && word.is_some_and(|word| !["SELECT", "VALUES", "WITH"].iter().any(|w| word.eq_ignore_ascii_case(w)))
}

fn words(cursor: &mut Cursor<'_>) -> Options {
    let analyze = cursor.take("ANALYZE");
    let verbose = cursor.take("VERBOSE");
    Options { analyze, verbose, format: PlanFormat::Text }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Options> {
    let mut options = Options::default();
    cursor.take_token(&Token::LParen);
    loop {
        match cursor.peek_word().as_deref() {
            Some("ANALYZE") => options.analyze = flag(cursor)?,
            Some("VERBOSE") => options.verbose = flag(cursor)?,
            Some("FORMAT") => options.format = format(cursor)?,
            Some(other) => {
                return Err(Error::unsupported(format!(
                    "EXPLAIN has no option {other}: ANALYZE, VERBOSE and FORMAT are supported"
                )));
            }
            None => return Err(cursor.expected("ANALYZE, VERBOSE or FORMAT")),
        }
        if cursor.take_token(&Token::RParen) {
            return Ok(options);
        }
        if !cursor.take_token(&Token::Comma) {
            return Err(cursor.expected("a comma or a closing parenthesis"));
        }
    }
}

/// Whether the option that the cursor is at is on: it is unless something else is said.
fn flag(cursor: &mut Cursor<'_>) -> Result<bool> {
    cursor.advance();
    let said = match cursor.peek() {
        Some(Token::Comma | Token::RParen) => return Ok(true),
        Some(Token::Number(number, false)) => number.clone(),
        _ => cursor.peek_word().unwrap_or_default(),
    };
    let is_on = match said.as_str() {
        "TRUE" | "ON" | "1" => true,
        "FALSE" | "OFF" | "0" => false,
        _ => return Err(cursor.expected("TRUE or FALSE")),
    };
    cursor.advance();
    Ok(is_on)
}

fn format(cursor: &mut Cursor<'_>) -> Result<PlanFormat> {
    cursor.advance();
    let format = match cursor.peek_word().as_deref() {
        Some("TEXT") => PlanFormat::Text,
        Some("JSON") => PlanFormat::Json,
        Some(other) => {
            return Err(Error::unsupported(format!(
                "EXPLAIN has no format {other}: TEXT and JSON are supported"
            )));
        }
        None => return Err(cursor.expected("TEXT or JSON")),
    };
    cursor.advance();
    Ok(format)
}
