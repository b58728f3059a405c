//! What SQL says and DataFusion does not plan, in words that it plans.
//!
//! The tree is changed before it is planned: `FETCH FIRST` is a LIMIT, `~a` is `a # -1`, `mod(a, b)` is `a % b`,
//! CURRENT_TIME has microseconds, SIMILAR TO is a regular expression, and rows are compared value by value ([`super::rows`]).

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Fetch, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, LimitClause, ObjectName, Query, TimezoneInfo,
    UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use crate::error::{Error, Result};
use crate::plan::literal::exact_number;
use crate::plan::patterns::{LIKE_ESCAPE, SIMILAR_TO_ESCAPE};
use crate::plan::rows;

/// Changes all of `tree` that is to be changed.
///
/// # Errors
/// `InvalidInput` for rows that cannot be compared, `LimitExceeded` for ones with too many values, `Unsupported`
/// for forms of FETCH that are no LIMIT.
pub fn respell<T: VisitMut>(tree: &mut T) -> Result<()> {
    let mut respelling = Respelling { wrong: None };
    let _ = tree.visit(&mut respelling);
    respelling.wrong.map_or(Ok(()), Err)
}

/// What is wrong is kept here: passed through the walk, it would make every frame of it larger.
struct Respelling {
    wrong: Option<Error>,
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

impl VisitorMut for Respelling {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let done = query.fetch.take().map_or(Ok(()), |fetch| limit(fetch, query));
        self.noting(done)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let done = respelled(expr).map(|new| new.into_iter().for_each(|new| *expr = new));
        self.noting(done)
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
fn respelled(expr: &mut Expr) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => exact_number(text),
            Value::UnicodeStringLiteral(text) => {
                Some(Expr::Value(Value::SingleQuotedString(text.clone()).into()))
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr } => {
            Some(nested(*expr.clone(), BinaryOperator::PGBitwiseXor, number("-1")))
        }
        Expr::Function(function) if is_current_time(function) => Some(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::Function(function.clone())),
            data_type: DataType::Time(None, TimezoneInfo::None),
            array: false,
            format: None,
        }),
        Expr::Function(function) => remainder(function),
        Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
            if let Some(escape) = escape_char.take_if(|escape| !is_backslash(escape)) {
                **pattern = call(LIKE_ESCAPE, vec![*pattern.clone(), Expr::Value(escape)]);
            }
            None
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let escape = Expr::Value(escape_char.take().unwrap_or_else(backslash));
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            Some(nested(*expr.clone(), op, call(SIMILAR_TO_ESCAPE, vec![*pattern.clone(), escape])))
        }
        other => rows::compared(other)?,
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
fn remainder(function: &Function) -> Option<Expr> {
    let sides = arguments(function, "mod")?;
    let [left, right] = sides.as_slice() else { return None };
    let [left, right] = [*left, *right].map(|side| Box::new(Expr::Nested(Box::new(side.clone()))));
    Some(Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Modulo, right })))
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

fn nested(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }))
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
