//! What SQL says and DataFusion does not plan, in words that it plans.
//!
//! The tree is changed before it is planned: `FETCH FIRST` is a LIMIT, `~a` is `a # -1`, `mod(a, b)` is `a % b`,
//! CURRENT_TIME has microseconds, SIMILAR TO is a regular expression, and rows are compared value by value ([`super::rows`]).

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Fetch, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, LimitClause, ObjectName, Query, Select, SelectItem,
    SetExpr, TableAlias, TableFactor, TableWithJoins, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
    VisitMut, VisitorMut,
};

use crate::config::SqlLimits;
use crate::error::{Error, Result};
use crate::plan::literal::exact_number;
use crate::plan::patterns::{LIKE_ESCAPE, SIMILAR_TO_ESCAPE};
use crate::plan::repeats::{Copies, depth, levels};
use crate::plan::rows;
use crate::sql::ident_name;

/// Changes all of `tree` that is to be changed.
///
/// # Errors
/// `InvalidInput` for rows that cannot be compared, `LimitExceeded` for ones with too many values and for changes
/// that make the tree too large or too deep, `Unsupported` for forms of FETCH that are no LIMIT.
pub fn respell<T: VisitMut>(tree: &mut T) -> Result<()> {
    let mut respelling = Respelling { wrong: None, copies: Copies::default(), depth: 0, unnamed: 0 };
    let _ = tree.visit(&mut respelling);
    respelling.wrong.map_or(Ok(()), Err)
}

/// What is wrong is kept here: passed through the walk, it would make every frame of it larger.
struct Respelling {
    wrong: Option<Error>,
    copies: Copies,
    /// How many levels what is visited lies under.
    depth: usize,
    /// How many subqueries in FROM had no name.
    unnamed: usize,
}

impl Respelling {
    fn noting(&mut self, done: Result<()>) -> ControlFlow<()> {
        match done {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                self.wrong = Some(e);
                ControlFlow::Break(())
            }
        }
    }
}

impl Respelling {
    fn replace(&mut self, expr: &mut Expr) -> Result<()> {
        let Some(new) = respelled(expr, &mut self.copies)? else { return Ok(()) };
        // What was bounded is the depth of the text, in which a comparison of rows is one level.
        let most = SqlLimits::default().depth;
        if self.depth + depth(&new) > most {
            return Err(Error::limit(format!(
                "an expression nests deeper than {most} levels once its rows are compared value by value and its \
                 functions are written as operators: nest fewer of them in each other"
            )));
        }
        *expr = new;
        Ok(())
    }
}

impl VisitorMut for Respelling {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.depth += levels(query);
        let done = query.fetch.take().map_or(Ok(()), |fetch| limit(fetch, query));
        self.noting(done)
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(levels(query));
        ControlFlow::Continue(())
    }

    /// Names a subquery without a name that makes columns of the same names as the query around it does. Where both
    /// make them by the same words, as in `SELECT n + 1 AS n FROM (SELECT n + 1 AS n FROM …)`, DataFusion takes the
    /// two for one (a fast path of `merge_consecutive_projections` in its `optimize_projections`), but for a name
    /// that stands between.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some(made) = names_made(&select.projection) else { return ControlFlow::Continue(()) };
        for table in select.from.iter_mut().flat_map(tables_of) {
            if let TableFactor::Derived { alias: alias @ None, subquery, .. } = table
                && makes(&subquery.body, &made)
            {
                self.unnamed += 1;
                let name = Ident::with_quote('"', format!("unnamed_subquery_{}", self.unnamed));
                *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(1);
        let done = self.replace(expr);
        self.noting(done)
    }
}

fn tables_of(from: &mut TableWithJoins) -> impl Iterator<Item = &mut TableFactor> {
    let TableWithJoins { relation, joins } = from;
    std::iter::once(relation).chain(joins.iter_mut().map(|join| &mut join.relation))
}

/// The names of the columns that a SELECT makes; `None` where `*` stands for some of them.
fn names_made(projection: &[SelectItem]) -> Option<Vec<String>> {
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(ident_name(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(ident_name(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(ident_name),
        SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
        _ => None,
    };
    projection.iter().map(name).collect()
}

/// Whether the SELECT that `body` is makes columns of these names.
fn makes(body: &SetExpr, names: &[String]) -> bool {
    match body {
        SetExpr::Select(select) => names_made(&select.projection).is_some_and(|made| made == names),
        SetExpr::Query(query) => makes(&query.body, names),
        _ => false,
    }
}

/// Gives `query` the LIMIT that `fetch` is.
fn limit(fetch: Fetch, query: &mut Query) -> Result<()> {
    let Fetch { with_ties, percent, quantity } = fetch;
    if with_ties || percent {
        return Err(Error::unsupported("FETCH … WITH TIES and PERCENT; write FETCH FIRST n ROWS ONLY"));
    }
    let rows = quantity.unwrap_or_else(|| number("1"));
    match &mut query.limit_clause {
        none @ None => {
            *none = Some(LimitClause::LimitOffset { limit: Some(rows), offset: None, limit_by: Vec::new() });
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = Some(rows),
        Some(_) => return Err(Error::syntax("LIMIT and FETCH say the same thing: write one of them")),
    }
    Ok(())
}

/// What stands in place of `expr`, whose operands are done already; `None` if it stays.
fn respelled(expr: &mut Expr, copies: &mut Copies) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => match exact_number(text) {
                None if text.parse().is_ok_and(f64::is_infinite) => {
                    return Err(Error::invalid(format!("{text} is out of range for type double precision"))
                        .about_value(text));
                }
                exact => exact,
            },
            Value::UnicodeStringLiteral(text) => {
                Some(Expr::Value(Value::SingleQuotedString(text.clone()).into()))
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr } => {
            Some(binary(*copies.of(expr)?, BinaryOperator::PGBitwiseXor, number("-1")))
        }
        Expr::Function(function) if is_current_time(function) => Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::Function(function.clone())),
            data_type: DataType::Time(None, TimezoneInfo::None),
            array: false,
            format: None,
        }),
        Expr::Function(function) => remainder(function, copies)?,
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take_if(|escape| !is_backslash(escape)) {
                **pattern = call(LIKE_ESCAPE, vec![*pattern.clone(), Expr::Value(escape)]);
            }
            None
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let escape = Expr::Value(escape_char.take().unwrap_or_else(backslash));
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            let pattern = call(SIMILAR_TO_ESCAPE, vec![*copies.of(pattern)?, escape]);
            Some(binary(*copies.of(expr)?, op, pattern))
        }
        other => rows::compared(other, copies)?,
    })
}

/// Whether it is CURRENT_TIME: with nanoseconds, as DataFusion has it, it is not compared with a TIME.
fn is_current_time(function: &Function) -> bool {
    let empty = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    empty && function.name.to_string().eq_ignore_ascii_case("current_time")
}

/// `mod(a, b)`.
fn remainder(function: &Function, copies: &mut Copies) -> Result<Option<Expr>> {
    let sides = arguments(function, "mod").unwrap_or_default();
    let [left, right] = sides.as_slice() else { return Ok(None) };
    Ok(Some(binary(*copies.of(left)?, BinaryOperator::Modulo, *copies.of(right)?)))
}

/// The arguments of a plain call of the function `name`.
pub fn arguments<'a>(function: &'a Function, name: &str) -> Option<Vec<&'a Expr>> {
    let [part] = function.name.0.as_slice() else { return None };
    let plain = function.filter.is_none() && function.over.is_none() && function.null_treatment.is_none();
    let named = part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(name));
    let FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses }) =
        &function.args
    else {
        return None;
    };
    if !plain || !named || !clauses.is_empty() {
        return None;
    }
    let value = |arg: &'a FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    };
    args.iter().map(value).collect()
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn number(text: &str) -> Expr {
    Expr::Value(Value::Number(text.to_owned(), false).into())
}

fn backslash() -> ValueWithSpan {
    Value::SingleQuotedString("\\".to_owned()).into()
}

fn is_backslash(escape: &ValueWithSpan) -> bool {
    matches!(&escape.value, Value::SingleQuotedString(text) if text == "\\")
}
