//! INSERT, with what it says of columns that have an identity, which sqlparser does not read.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::tokens::{Cursor, unquoted};
use super::{Statement, read_sql};
use crate::error::Result;

/// `INSERT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// All that sqlparser reads of it.
    pub tree: ast::Insert,
    /// Which value a column with an identity gets, if the statement says that.
    pub overriding: Option<Overriding>,
}

/// Which value a column gets that is GENERATED AS IDENTITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    /// The given one: `OVERRIDING SYSTEM VALUE`.
    System,
    /// A new one, whatever is given: `OVERRIDING USER VALUE`.
    User,
}

/// Reads the tokens of one INSERT.
///
/// # Errors
/// As [`super::parse`].
pub(super) fn statement(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut depth = 0_usize;
    let place = tokens.iter().position(|token| {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && unquoted(&token.token).is_some_and(|word| word.eq_ignore_ascii_case("OVERRIDING"))
    });
    let Some(place) = place else { return read_sql(tokens, end) };
    let mut cursor = Cursor::new(tokens.get(place + 1..).unwrap_or_default(), end);
    let overriding = if cursor.take_all(&["SYSTEM", "VALUE"]) {
        Overriding::System
    } else if cursor.take_all(&["USER", "VALUE"]) {
        Overriding::User
    } else {
        return read_sql(tokens, end);
    };
    tokens.drain(place..place + 3);
    let mut statement = read_sql(tokens, end)?;
    if let Statement::Insert(insert) = &mut statement {
        insert.overriding = Some(overriding);
    }
    Ok(statement)
}
