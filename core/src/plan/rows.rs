//! Comparing rows, as in `(a, b) = (1, 2)`.
//!
//! DataFusion compares them as structs, in which NULL is a value like others. In SQL the values are compared
//! one by one, and what is unknown of one may be unknown of all.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use crate::error::{Error, Result};
use crate::plan::spelling::arguments;

/// The most values of a row that is compared by order, each of which is one level deeper.
const MAX_ORDERED: usize = 64;

/// What `expr` is, value by value; `None` if it compares no rows.
///
/// # Errors
/// `InvalidInput` for rows of different lengths, `LimitExceeded` for rows past [`MAX_ORDERED`] values.
pub fn compared(expr: &Expr) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::BinaryOp { left, op, right } => both(left, op, right)?,
        Expr::IsDistinctFrom(left, right) => pairs(left, right)?.map(|pairs| differs(&pairs)).transpose()?,
        Expr::IsNotDistinctFrom(left, right) => {
            pairs(left, right)?.map(|pairs| differs(&pairs).map(not)).transpose()?
        }
        Expr::IsNull(inner) => {
            values(inner).map(|row| every(row.into_iter().map(|v| Expr::IsNull(boxed(v))).collect()))
        }
        Expr::IsNotNull(inner) => {
            values(inner).map(|row| every(row.into_iter().map(|v| Expr::IsNotNull(boxed(v))).collect()))
        }
        Expr::InList { expr, list, negated } if values(expr).is_some() => {
            let equals = list.iter().map(|item| pairs(expr, item)?.map(|pairs| equal(&pairs)).transpose());
            let equals: Option<Vec<Expr>> = equals.collect::<Result<_>>()?;
            equals.map(|all| if *negated { not(any(all)) } else { any(all) })
        }
        Expr::Between { expr, negated, low, high } => {
            match (both(expr, &BinaryOperator::GtEq, low)?, both(expr, &BinaryOperator::LtEq, high)?) {
                (Some(low), Some(high)) if *negated => Some(not(every(vec![low, high]))),
                (Some(low), Some(high)) => Some(every(vec![low, high])),
                _ => None,
            }
        }
        _ => None,
    })
}

type Pair<'a> = (&'a Expr, &'a Expr);

fn both(left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Option<Expr>> {
    use BinaryOperator as Op;
    let strict = match op {
        Op::Eq | Op::NotEq => None,
        Op::Lt | Op::LtEq => Some(Op::Lt),
        Op::Gt | Op::GtEq => Some(Op::Gt),
        _ => return Ok(None),
    };
    let Some(pairs) = pairs(left, right)? else { return Ok(None) };
    Ok(match (op, strict) {
        (Op::Eq, _) => Some(equal(&pairs)?),
        (_, None) => Some(not(equal(&pairs)?)),
        // Each comparison holds its values twice, so that rows of rows would double at each level.
        _ if pairs.iter().any(|(l, r)| values(l).is_some() || values(r).is_some()) => {
            return Err(Error::unsupported("the order of rows that have rows in them"));
        }
        (_, Some(_)) if pairs.len() > MAX_ORDERED => {
            return Err(Error::limit(format!(
                "rows that are compared by their order have at most {MAX_ORDERED} values, found {}",
                pairs.len()
            )));
        }
        (_, Some(strict)) => ordered(&pairs, &strict, op),
    })
}

/// `a < x OR (a = x AND …)`, where the last pair is compared by `last`.
fn ordered(pairs: &[Pair<'_>], strict: &BinaryOperator, last: &BinaryOperator) -> Option<Expr> {
    let (pair, before) = pairs.split_last()?;
    Some(before.iter().rfold(compare(*pair, last), |rest, pair| {
        any(vec![compare(*pair, strict), every(vec![compare(*pair, &BinaryOperator::Eq), rest])])
    }))
}

fn equal(all: &[Pair<'_>]) -> Result<Expr> {
    let parts = all.iter().map(|pair| match pairs(pair.0, pair.1)? {
        Some(inner) => equal(&inner),
        None => Ok(compare(*pair, &BinaryOperator::Eq)),
    });
    Ok(every(parts.collect::<Result<_>>()?))
}

fn differs(all: &[Pair<'_>]) -> Result<Expr> {
    let parts = all.iter().map(|(left, right)| match pairs(left, right)? {
        Some(inner) => differs(&inner),
        None => Ok(Expr::IsDistinctFrom(boxed(left), boxed(right))),
    });
    Ok(any(parts.collect::<Result<_>>()?))
}

fn compare((left, right): Pair<'_>, op: &BinaryOperator) -> Expr {
    Expr::BinaryOp { left: boxed(left), op: op.clone(), right: boxed(right) }
}

/// The values of two rows side by side; `None` if one of the sides is no row.
fn pairs<'a>(left: &'a Expr, right: &'a Expr) -> Result<Option<Vec<Pair<'a>>>> {
    let (Some(left), Some(right)) = (values(left), values(right)) else { return Ok(None) };
    if left.len() != right.len() || left.is_empty() {
        return Err(Error::invalid(format!(
            "rows that are compared have as many values, found {} and {}",
            left.len(),
            right.len()
        )));
    }
    Ok(Some(left.into_iter().zip(right).collect()))
}

/// The values of `(a, b)` or `ROW(a, b)`.
pub fn values(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Tuple(values) => Some(values.iter().collect()),
        Expr::Nested(inner) => values(inner),
        Expr::Function(function) => arguments(function, "row"),
        _ => None,
    }
}

fn boxed(expr: &Expr) -> Box<Expr> {
    Box::new(expr.clone())
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }
}

fn every(parts: Vec<Expr>) -> Expr {
    joined(parts, &BinaryOperator::And)
}

fn any(parts: Vec<Expr>) -> Expr {
    joined(parts, &BinaryOperator::Or)
}

/// The parts as a balanced tree: a chain of a thousand would be a thousand levels deep.
fn joined(mut parts: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while parts.len() > 1 {
        let mut halves = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            halves.push(match rest.next() {
                Some(right) => Expr::Nested(Box::new(Expr::BinaryOp {
                    left: Box::new(left),
                    op: op.clone(),
                    right: Box::new(right),
                })),
                None => left,
            });
        }
        parts = halves;
    }
    parts.pop().unwrap_or(Expr::Tuple(Vec::new()))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn expr(text: &str) -> Expr {
        Parser::new(&PostgreSqlDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap()
    }

    #[test]
    fn rows_are_compared_value_by_value() {
        for (text, expected) in [
            ("(a, b) = (1, 2)", Some("(a = 1 AND b = 2)")),
            ("ROW(a, b) <> (1, 2)", Some("NOT (a = 1 AND b = 2)")),
            ("(a, b) < (1, 2)", Some("(a < 1 OR (a = 1 AND b < 2))")),
            ("(a, b, c) >= (1, 2, 3)", Some("(a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c >= 3))))")),
            ("(a, b) IN ((1, 2), (3, 4))", Some("((a = 1 AND b = 2) OR (a = 3 AND b = 4))")),
            ("(a, b) IS NULL", Some("(a IS NULL AND b IS NULL)")),
            ("(a, b) IS DISTINCT FROM (1, 2)", Some("(a IS DISTINCT FROM 1 OR b IS DISTINCT FROM 2)")),
            ("((a, b), c) = ((1, 2), 3)", Some("((a = 1 AND b = 2) AND c = 3)")),
            ("a = 1", None),
            ("(a) = (1)", None),
            ("(a, b) = x", None),
        ] {
            let found = compared(&expr(text)).unwrap().map(|e| e.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(compared(&expr("(a, b) = (1, 2, 3)")).is_err());
        assert!(compared(&expr("((a, b), c) < ((1, 2), 3)")).is_err());
        let row = |n: usize| format!("({})", vec!["1"; n].join(","));
        assert!(compared(&expr(&format!("{} < {}", row(64), row(64)))).is_ok());
        assert!(compared(&expr(&format!("{} < {}", row(65), row(65)))).is_err());
        assert!(compared(&expr(&format!("{} = {}", row(65), row(65)))).is_ok());
    }
}
