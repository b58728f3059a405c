//! AS USER: a clause of INSERT, UPDATE and DELETE, and a frame around a statement.
//!
//! ```text
//! INSERT INTO t AS USER 'x' (…) …    UPDATE t AS USER 'x' SET …    DELETE FROM t AS USER $1 WHERE …
//! EXECUTE AS USER 'x' (statement)
//! ```
//!
//! sqlparser knows neither. The words are taken out of the statement's tokens, so that it reads the rest as ever; since
//! USER is a fine name for an alias, only a string or a parameter behind them makes them this clause.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::tokens::{Cursor, place, syntax, unquoted};
use super::{Statement, own};
use crate::error::{Error, Result};

/// A statement in somebody's name.
#[derive(Debug, Clone, PartialEq)]
pub struct AsUser {
    /// Whose.
    pub subject: Subject,
    /// The statement.
    pub statement: Box<Statement>,
}

/// Whom AS USER names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The user of this id, if there is one.
    Id(String),
    /// The user whose id is the value of the parameter of this number.
    Parameter(usize),
}

/// Words that end what may stand before the clause: the name of the table, and another name for it.
const BEHIND: [&str; 10] =
    ["SET", "WHERE", "USING", "FROM", "VALUES", "SELECT", "DEFAULT", "ON", "RETURNING", "OVERRIDING"];

/// Reads the tokens of one EXECUTE AS USER.
///
/// # Errors
/// As [`super::parse`]; `Unsupported` for a statement that is not done in somebody's name.
pub(super) fn execute(tokens: &[TokenWithSpan], end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(tokens, end);
    cursor.take_all(&["EXECUTE", "AS", "USER"]);
    let subject = match cursor.peek().map(subject) {
        Some(Some(subject)) => subject?,
        _ => return Err(cursor.expected("the id of a user in quotes, or a parameter")),
    };
    cursor.advance();
    if cursor.peek() != Some(&Token::LParen) {
        return Err(cursor.expected("a statement in parentheses"));
    }
    let from = cursor.position() + 1;
    let close = closing(tokens, cursor.position());
    let Some(close) = close else {
        return Err(syntax(end, "expected a closing parenthesis, found the end of the statement"));
    };
    if let Some(more) = tokens.get(close + 1) {
        return Err(syntax(
            more.span.start,
            format!("expected the end of the statement, found {}", more.token),
        ));
    }
    let inner = tokens.get(from..close).unwrap_or_default().to_vec();
    let at = tokens.get(close).map_or(end, |token| token.span.start);
    let Some(first) = inner.first().map(|token| token.token.to_string().to_ascii_uppercase()) else {
        return Err(syntax(at, "expected a statement, found )"));
    };
    let statement = match own::statement(inner, at)? {
        Statement::AsUser(_) => return Err(nested()),
        statement @ (Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Copy(_)
        | Statement::Explain { .. }) => statement,
        _ => {
            return Err(Error::unsupported(format!(
                "{first} is not done in somebody's name: SELECT, INSERT, UPDATE, DELETE, COPY and EXPLAIN are"
            )));
        }
    };
    Ok(Statement::AsUser(AsUser { subject, statement: Box::new(statement) }))
}

/// Whether these are the tokens of an EXECUTE AS USER.
pub(super) fn is_execute(tokens: &[TokenWithSpan]) -> bool {
    ["EXECUTE", "AS", "USER"].iter().enumerate().all(|(at, word)| is(tokens.get(at), word))
}

/// The error that one statement is in two names.
pub(super) fn nested() -> Error {
    Error::unsupported("AS USER does not nest: a statement is done in one name")
}

/// Takes the clause out of the tokens of an INSERT, an UPDATE or a DELETE; whom it names, if it is there.
///
/// # Errors
/// `Syntax` for what is not the id of a user.
pub(super) fn take(tokens: &mut Vec<TokenWithSpan>) -> Result<Option<Subject>> {
    let head = tokens.iter().enumerate().skip(2).find(|(_, token)| {
        token.token == Token::LParen
            || unquoted(&token.token).is_some_and(|word| BEHIND.iter().any(|b| word.eq_ignore_ascii_case(b)))
    });
    let head = head.map_or(tokens.len(), |(at, _)| at);
    let found = (1..head).find(|at| is(tokens.get(*at), "AS") && is(tokens.get(at + 1), "USER"));
    let Some(at) = found else { return Ok(None) };
    let Some(named) = tokens.get(at + 2).filter(|_| at + 2 < head) else { return Ok(None) };
    let Some(subject) = subject(&named.token) else {
        return Err(syntax(
            named.span.start,
            format!("expected the id of a user in quotes behind AS USER, found {}", named.token),
        ));
    };
    let subject = subject?;
    tokens.drain(at..at + 3);
    Ok(Some(subject))
}

/// `statement` in the name of `subject`; of an EXPLAIN it is what is explained that is in it.
pub(super) fn framed(subject: Option<Subject>, statement: Statement) -> Statement {
    match subject {
        Some(subject) => Statement::AsUser(AsUser { subject, statement: Box::new(statement) }),
        None => statement,
    }
}

/// Refuses the clause where sqlparser would take it for something else.
///
/// # Errors
/// `Syntax`.
pub(super) fn refuse(tokens: &[TokenWithSpan]) -> Result<()> {
    for (at, token) in tokens.iter().enumerate() {
        if is(Some(token), "AS")
            && is(tokens.get(at + 1), "USER")
            && tokens.get(at + 2).is_some_and(|named| subject(&named.token).is_some())
        {
            return Err(Error::syntax(format!(
                "{}: AS USER stands once, behind the table of an INSERT, UPDATE or DELETE",
                place(token.span.start)
            ))
            .with_hint("EXECUTE AS USER 'id' (statement) does any statement in somebody's name"));
        }
    }
    Ok(())
}

/// Whom a token names, if it is one that may.
fn subject(token: &Token) -> Option<Result<Subject>> {
    match token {
        Token::SingleQuotedString(id) | Token::EscapedStringLiteral(id) | Token::UnicodeStringLiteral(id) => {
            Some(Ok(Subject::Id(id.clone())))
        }
        Token::DollarQuotedString(quoted) => Some(Ok(Subject::Id(quoted.value.clone()))),
        Token::Placeholder(name) => {
            let number = name.strip_prefix('$').and_then(|number| number.parse().ok());
            Some(
                number
                    .map(Subject::Parameter)
                    .ok_or_else(|| Error::syntax(format!("{name} is no parameter"))),
            )
        }
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, word: &str) -> bool {
    token.and_then(|token| unquoted(&token.token)).is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// Where the parenthesis that opens at `open` is closed.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().skip(open).find_map(|(at, token)| {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}
