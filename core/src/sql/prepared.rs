//! PREPARE, EXECUTE and DEALLOCATE.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::tokens::{Cursor, keyword, parse_statement};
use super::{Parsed, Statement, column_type, count_parameters, own, tokens};
use crate::catalog::ColumnType;
use crate::error::{Error, Result};

/// `PREPARE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepare {
    /// What it is called by.
    pub name: String,
    /// The types of its parameters from `$1` on, as far as they are said.
    pub types: Vec<ColumnType>,
    /// The statement.
    pub parsed: Parsed,
}

/// Reads the tokens of one PREPARE; the statement in it has no text yet.
///
/// # Errors
/// As [`super::parse`]; `Unsupported` for a statement that is neither a query nor one that writes rows.
pub(super) fn prepare(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut depth = 0_usize;
    let behind = tokens.iter().position(|token| {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && keyword(&token.token) == Some(Keyword::AS)
    });
    let Some(behind) = behind.filter(|at| at + 1 < tokens.len()) else {
        let mut cursor = Cursor::new(&tokens, end);
        cursor.take("PREPARE");
        cursor.name("a name for the prepared statement")?;
        return Err(cursor.expected("AS and a statement"));
    };
    let inner = tokens.split_off(behind + 1);
    let (name, types) = head(tokens, end)?;
    let parameters = count_parameters(&inner, usize::MAX)?;
    let start =
        inner.first().map_or(crate::error::Position::START, |token| tokens::position(token.span.start));
    let lead = Cursor::new(&inner, end).peek_word().unwrap_or_default();
    let statement = own::statement(inner, end)?;
    if !matches!(
        statement,
        Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::AsUser(_)
    ) {
        return Err(Error::unsupported(format!(
            "PREPARE of {lead}; SELECT, INSERT, UPDATE and DELETE can be prepared"
        )));
    }
    let parsed = Parsed { statement, text: String::new(), start, parameters };
    Ok(Statement::Prepare(Box::new(Prepare { name, types, parsed })))
}

/// The name and the types of `PREPARE name (types) AS`.
fn head(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<(String, Vec<ColumnType>)> {
    let span = tokens.last().map_or(datafusion::sql::sqlparser::tokenizer::Span::empty(), |last| last.span);
    // A statement for sqlparser to read, so that it reads the types.
    tokens.extend([
        TokenWithSpan { token: Token::make_keyword("SELECT"), span },
        TokenWithSpan { token: Token::Number("1".to_owned(), false), span },
    ]);
    match parse_statement(tokens, end)? {
        ast::Statement::Prepare { name, data_types, statement: _ } => {
            let types = data_types.iter().map(column_type).collect::<Result<_>>()?;
            Ok((super::ident_name(&name), types))
        }
        _ => Err(Error::unsupported("this form of PREPARE is not supported")),
    }
}

/// Reads the tokens of one EXECUTE.
///
/// # Errors
/// As [`super::parse`]; `Unsupported` for the forms of other databases.
pub(super) fn execute(tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let refused = || Error::unsupported("EXECUTE is EXECUTE name (values) of a prepared statement");
    match parse_statement(tokens, end)? {
        ast::Statement::Execute {
            name: Some(name),
            parameters,
            has_parentheses,
            immediate: false,
            into,
            using,
            output: false,
            default: false,
        } if into.is_empty() && using.is_empty() && (has_parentheses || parameters.is_empty()) => {
            let [part] = name.0.as_slice() else { return Err(refused()) };
            let name = part.as_ident().map(super::ident_name).ok_or_else(refused)?;
            Ok(Statement::Execute { name, values: parameters })
        }
        _ => Err(refused()),
    }
}

/// Reads the tokens of one DEALLOCATE.
///
/// # Errors
/// `Syntax`.
pub(super) fn deallocate(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take("DEALLOCATE");
    cursor.take("PREPARE");
    let name = if cursor.take("ALL") { None } else { Some(cursor.name("the name of a prepared statement")?) };
    cursor.finish()?;
    Ok(Statement::Deallocate(name))
}
