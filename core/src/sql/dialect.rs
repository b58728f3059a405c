//! PostgreSQL's dialect, with a bound on the work of reading one statement.

use std::any::TypeId;
use std::cell::Cell;

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArguments, Ident, ObjectName};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// PostgreSQL's dialect, except that arguments of functions are not named by expressions: sqlparser reads
/// each argument twice to find out, so nested calls would take time exponential in their depth.
///
/// It backtracks elsewhere too, so the operands it starts to read are counted. When they are too many,
/// reading ends with the one error that sqlparser does not backtrack from.
#[derive(Debug)]
pub(super) struct Metered {
    operands_left: Cell<usize>,
}

impl Metered {
    /// A dialect that lets up to `operands` be read, those read again included.
    pub(super) fn new(operands: usize) -> Self {
        Self { operands_left: Cell::new(operands) }
    }

    /// Whether reading ended because there were too many.
    pub(super) fn is_exhausted(&self) -> bool {
        self.operands_left.get() == 0
    }
}

/// `CURRENT_USER()`: a call, where sqlparser knows the word alone.
fn called_user(parser: &mut Parser<'_>) -> Option<Expr> {
    let Token::Word(word) = &parser.peek_nth_token_ref(0).token else { return None };
    let called = word.keyword == Keyword::CURRENT_USER
        && parser.peek_nth_token_ref(1).token == Token::LParen
        && parser.peek_nth_token_ref(2).token == Token::RParen;
    if !called {
        return None;
    }
    let name = Ident::new(word.value.clone());
    (0..3).for_each(|_| parser.advance_token());
    Some(Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// Answers as PostgreSQL's dialect does.
macro_rules! as_postgres {
    ($($name:ident),* $(,)?) => {
        $(fn $name(&self) -> bool {
            POSTGRES.$name()
        })*
    };
}

impl Dialect for Metered {
    // sqlparser asks for this very type in places.
    fn dialect(&self) -> TypeId {
        POSTGRES.dialect()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let left = self.operands_left.get().saturating_sub(1);
        self.operands_left.set(left);
        if left == 0 {
            return Some(Err(ParserError::RecursionLimitExceeded));
        }
        called_user(parser).map(Ok).or_else(|| POSTGRES.parse_prefix(parser))
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRES.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        POSTGRES.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        POSTGRES.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        POSTGRES.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        POSTGRES.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        POSTGRES.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRES.prec_value(precedence)
    }

    as_postgres! {
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_set_names,
        supports_alter_column_type_using,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
    }
}
