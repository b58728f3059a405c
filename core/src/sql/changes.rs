//! `CHANGES('namespace.table', since => seq)`: what became of every key since a moment.
//!
//! It is short for a query of the table, which is put in its place: the latest version of each key above the moment,
//! tombstones too, in the order of `_seq`.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArgOperator, Ident, Query,
    TableAlias, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::names::ident_name;
use super::tokens::{Cursor, parse_statement, tokenize, unquoted};
use crate::catalog::{DELETED_COLUMN, SEQ_COLUMN, TableName};
use crate::error::{Error, Result};

const NAME: &str = "changes";

/// Whether CHANGES may be among the tokens.
pub(super) fn may_hold(tokens: &[TokenWithSpan]) -> bool {
    tokens.iter().any(|token| unquoted(&token.token).is_some_and(|word| word.eq_ignore_ascii_case(NAME)))
}

/// Puts the query in the place of each CHANGES in `tree`.
///
/// # Errors
/// `InvalidInput` for arguments that it does not take.
pub(super) fn expand<T: VisitMut>(tree: &mut T) -> Result<()> {
    match tree.visit(&mut Expand) {
        ControlFlow::Break(e) => Err(e),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Expand;

impl VisitorMut for Expand {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match expanded(factor) {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(query)) => {
                *factor = query;
                ControlFlow::Continue(())
            }
            Err(e) => ControlFlow::Break(e),
        }
    }
}

fn expanded(factor: &TableFactor) -> Result<Option<TableFactor>> {
    let TableFactor::Table { name, args: Some(args), alias, .. } = factor else { return Ok(None) };
    let [part] = name.0.as_slice() else { return Ok(None) };
    if part.as_ident().is_none_or(|ident| ident_name(ident) != NAME) {
        return Ok(None);
    }
    let (table, since) = arguments(&args.args)?;
    let alias = alias.clone().unwrap_or_else(|| TableAlias {
        explicit: false,
        name: Ident::new(NAME),
        columns: Vec::new(),
        at: None,
    });
    Ok(Some(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query(&table, &since)?),
        alias: Some(alias),
        sample: None,
    }))
}

/// The table, and the moment after which the changes are.
fn arguments(args: &[FunctionArg]) -> Result<(TableName, Expr)> {
    let wrong = || {
        Error::invalid("CHANGES takes a table and a _seq: CHANGES('namespace.table', since => 123)")
            .with_hint("since => 0 is from the beginning")
    };
    let (first, second) = match args {
        [first] => (first, None),
        [first, second] => (first, Some(second)),
        _ => return Err(wrong()),
    };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = first else { return Err(wrong()) };
    let Value::SingleQuotedString(text) = &value.value else { return Err(wrong()) };
    let since = match second {
        None => Expr::value(Value::Number("0".to_owned(), false)),
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(since))) => since.clone(),
        Some(FunctionArg::Named {
            name,
            arg: FunctionArgExpr::Expr(since),
            operator: FunctionArgOperator::RightArrow,
        }) if ident_name(name) == "since" => since.clone(),
        Some(_) => return Err(wrong()),
    };
    if !is_number(&since) {
        return Err(Error::invalid(format!("since => {since}: expected a number or a parameter")));
    }
    Ok((table_of(text)?, since))
}

/// Whether `expr` is made of numbers and parameters alone. Nothing else is taken, since the text of the query is put
/// together from it.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(&value.value, Value::Number(..) | Value::Placeholder(_)),
        Expr::Nested(inner) => is_number(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => is_number(expr),
        Expr::BinaryOp { left, op: BinaryOperator::Plus | BinaryOperator::Minus, right } => {
            is_number(left) && is_number(right)
        }
        Expr::Cast { kind: _, expr, data_type: DataType::BigInt(None) | DataType::Int8(None), .. } => {
            is_number(expr)
        }
        _ => false,
    }
}

/// The table that a text names as SQL does.
fn table_of(text: &str) -> Result<TableName> {
    let tokens = tokenize(text, Location { line: 1, column: 1 }).unwrap_or_default();
    let mut cursor = Cursor::new(&tokens, Location { line: 1, column: 1 });
    let wrong = || Error::invalid(format!("CHANGES('{text}'): expected the name of a table"));
    let first = cursor.name("a table").map_err(|_| wrong())?;
    let name = if cursor.take_token(&Token::Period) {
        TableName::qualified(&first, &cursor.name("a table").map_err(|_| wrong())?)
    } else {
        TableName::bare(first)
    };
    cursor.finish().map_err(|_| wrong())?;
    Ok(name)
}

fn query(table: &TableName, since: &Expr) -> Result<Query> {
    let start = Location { line: 1, column: 1 };
    let text = format!(
        "SELECT *, {SEQ_COLUMN}, {DELETED_COLUMN} FROM {table} \
         WHERE {SEQ_COLUMN} > ({since}) AND {DELETED_COLUMN} IN (false, true) ORDER BY {SEQ_COLUMN}"
    );
    let mut tokens = tokenize(&text, start)?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    match parse_statement(tokens, start)? {
        ast::Statement::Query(query) => Ok(*query),
        _ => Err(Error::internal("the query of CHANGES is none")),
    }
}
