//! Comparing rows, as in `(a, b) = (1, 2)`.
//!
//! DataFusion compares them as structs, in which NULL is a value like others. In SQL the values are compared
//! one by one, and what is unknown of one may be unknown of all.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use crate::error::{Error, Result};
use crate::plan::repeats::{Copies, unrepeatable};
use crate::plan::spelling::arguments;

/// The most values of a row that is compared by order.
const MAX_ORDERED: usize = 64;

/// What `expr` is, value by value; `None` if it compares no rows.
///
/// # Errors
/// `InvalidInput` for rows of different lengths, `LimitExceeded` for rows past [`MAX_ORDERED`] values and for more
/// than `copies` has, `Unsupported` for values that would be computed several times and must not be.
pub fn compared(expr: &Expr, copies: &mut Copies) -> Result<Option<Expr>> {
    Ok(match expr {
        Expr::BinaryOp { left, op, right } => both(left, op, right, copies)?,
        Expr::IsDistinctFrom(left, right) => {
            pairs(left, right)?.map(|pairs| differs(&pairs, copies)).transpose()?
        }
        Expr::IsNotDistinctFrom(left, right) => {
            pairs(left, right)?.map(|pairs| differs(&pairs, copies).map(not)).transpose()?
        }
        Expr::IsNull(inner) => {
            let tests = values(inner).map(|row| row.into_iter().map(|v| Ok(Expr::IsNull(copies.of(v)?))));
            tests.map(|tests| tests.collect::<Result<_>>().map(every)).transpose()?
        }
        Expr::IsNotNull(inner) => {
            let tests = values(inner).map(|row| row.into_iter().map(|v| Ok(Expr::IsNotNull(copies.of(v)?))));
            tests.map(|tests| tests.collect::<Result<_>>().map(every)).transpose()?
        }
        Expr::InList { expr, list, negated } if values(expr).is_some() => {
            if list.len() > 1 && list.iter().all(|item| values(item).is_some()) {
                expect_repeatable(values(expr).into_iter().flatten())?;
            }
            let equals = list.iter();
            let equals = equals.map(|item| pairs(expr, item)?.map(|pairs| equal(&pairs, copies)).transpose());
            let equals: Option<Vec<Expr>> = equals.collect::<Result<_>>()?;
            equals.map(|all| if *negated { not(any(all)) } else { any(all) })
        }
        Expr::Between { expr, negated, low, high } => {
            if let (Some(row), Some(_), Some(_)) = (values(expr), values(low), values(high)) {
                expect_repeatable(row)?;
            }
            let low = both(expr, &BinaryOperator::GtEq, low, copies)?;
            match (low, both(expr, &BinaryOperator::LtEq, high, copies)?) {
                (Some(low), Some(high)) if *negated => Some(not(every(vec![low, high]))),
                (Some(low), Some(high)) => Some(every(vec![low, high])),
                _ => None,
            }
        }
        _ => None,
    })
}

/// Refuses values that must not be computed more than once.
fn expect_repeatable<'a>(values: impl IntoIterator<Item = &'a Expr>) -> Result<()> {
    match values.into_iter().find_map(unrepeatable) {
        None => Ok(()),
        Some(what) => Err(Error::unsupported(format!(
            "the order of rows, IN or BETWEEN with {what} among the values of a row, which would be computed \
             several times: compute it in a subquery in FROM, and compare its column"
        ))),
    }
}

type Pair<'a> = (&'a Expr, &'a Expr);

fn both(left: &Expr, op: &BinaryOperator, right: &Expr, copies: &mut Copies) -> Result<Option<Expr>> {
    use BinaryOperator as Op;
    let strict = match op {
        Op::Eq | Op::NotEq => None,
        Op::Lt | Op::LtEq => Some(Op::Lt),
        Op::Gt | Op::GtEq => Some(Op::Gt),
        _ => return Ok(None),
    };
    let Some(pairs) = pairs(left, right)? else { return Ok(None) };
    Ok(match (op, strict) {
        (Op::Eq, _) => Some(equal(&pairs, copies)?),
        (_, None) => Some(not(equal(&pairs, copies)?)),
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
        (_, Some(strict)) => {
            // Of the last pair there is one comparison, of the others there are several.
            let repeated = pairs.split_last().map_or([].as_slice(), |(_, before)| before);
            expect_repeatable(repeated.iter().flat_map(|(l, r)| [*l, *r]))?;
            Some(ordered(&pairs, &strict, op, copies)?)
        }
    })
}

/// `a < x OR (a = x AND …)`, where the last pair is compared by `last`. Both halves of the row are compared so
/// in turn: one pair after the other would be as deep as there are pairs.
fn ordered(
    pairs: &[Pair<'_>],
    strict: &BinaryOperator,
    last: &BinaryOperator,
    copies: &mut Copies,
) -> Result<Expr> {
    if let [pair] = pairs {
        return compare(*pair, last, copies);
    }
    let (before, rest) = pairs.split_at(pairs.len() / 2);
    let less = ordered(before, strict, strict, copies)?;
    let alike = equal(before, copies)?;
    Ok(any(vec![less, every(vec![alike, ordered(rest, strict, last, copies)?])]))
}

fn equal(all: &[Pair<'_>], copies: &mut Copies) -> Result<Expr> {
    let parts = all.iter().map(|pair| match pairs(pair.0, pair.1)? {
        Some(inner) => equal(&inner, copies),
        None => compare(*pair, &BinaryOperator::Eq, copies),
    });
    Ok(every(parts.collect::<Result<_>>()?))
}

fn differs(all: &[Pair<'_>], copies: &mut Copies) -> Result<Expr> {
    let parts = all.iter().map(|(left, right)| match pairs(left, right)? {
        Some(inner) => differs(&inner, copies),
        None => Ok(Expr::IsDistinctFrom(copies.of(left)?, copies.of(right)?)),
    });
    Ok(any(parts.collect::<Result<_>>()?))
}

fn compare((left, right): Pair<'_>, op: &BinaryOperator, copies: &mut Copies) -> Result<Expr> {
    Ok(Expr::BinaryOp { left: copies.of(left)?, op: op.clone(), right: copies.of(right)? })
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

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }
}

fn every(parts: Vec<Expr>) -> Expr {
    joined(parts, &BinaryOperator::And)
}

fn any(parts: Vec<Expr>) -> Expr {
    joined(parts, &BinaryOperator::Or)
}

/// The parts as a balanced tree: a chain of a thousand would be a thousand levels deep. Without parentheses, which
/// a tree does not need: to plan them costs several times the stack that operators do.
fn joined(mut parts: Vec<Expr>, op: &BinaryOperator) -> Expr {
    while parts.len() > 1 {
        let mut halves = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            halves.push(match rest.next() {
                Some(right) => {
                    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
                }
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

    fn compared(expr: &Expr) -> Result<Option<Expr>> {
        super::compared(expr, &mut Copies::default())
    }

    /// `expr` with the parentheses that its tree stands for.
    fn shown(expr: &Expr) -> String {
        match expr {
            Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                format!("({} {op} {})", shown(left), shown(right))
            }
            Expr::UnaryOp { op, expr } => format!("{op} {}", shown(expr)),
            other => other.to_string(),
        }
    }

    #[test]
    fn rows_are_compared_value_by_value() {
        for (text, expected) in [
            ("(a, b) = (1, 2)", Some("(a = 1 AND b = 2)")),
            ("ROW(a, b) <> (1, 2)", Some("NOT (a = 1 AND b = 2)")),
            ("(a, b) < (1, 2)", Some("(a < 1 OR (a = 1 AND b < 2))")),
            ("(a, b, c) >= (1, 2, 3)", Some("(a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c >= 3))))")),
            (
                "(a, b, c, d) < (1, 2, 3, 4)",
                Some(
                    "((a < 1 OR (a = 1 AND b < 2)) OR ((a = 1 AND b = 2) AND (c < 3 OR (c = 3 AND d < 4))))",
                ),
            ),
            ("(a, b) IN ((1, 2), (3, 4))", Some("((a = 1 AND b = 2) OR (a = 3 AND b = 4))")),
            ("(a, b) IS NULL", Some("(a IS NULL AND b IS NULL)")),
            ("(a, b) IS DISTINCT FROM (1, 2)", Some("(a IS DISTINCT FROM 1 OR b IS DISTINCT FROM 2)")),
            ("((a, b), c) = ((1, 2), 3)", Some("((a = 1 AND b = 2) AND c = 3)")),
            ("a = 1", None),
            ("(a) = (1)", None),
            ("(a, b) = x", None),
        ] {
            let found = compared(&expr(text)).unwrap().map(|e| shown(&e));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(compared(&expr("(a, b) = (1, 2, 3)")).is_err());
        assert!(compared(&expr("((a, b), c) < ((1, 2), 3)")).is_err());
        let row = |n: usize| format!("({})", vec!["1"; n].join(","));
        assert!(compared(&expr(&format!("{} < {}", row(64), row(64)))).is_ok());
        assert!(compared(&expr(&format!("{} < {}", row(65), row(65)))).is_err());
        assert!(compared(&expr(&format!("{} = {}", row(65), row(65)))).is_ok());
    }

    #[test]
    fn what_changes_is_computed_once() {
        for text in [
            "(random(), 0) BETWEEN (0.4, 0) AND (0.6, 0)",
            "(0, random()) BETWEEN (0.4, 0) AND (0.6, 0)",
            "(random() + 1, 1) < (0.5, 2)",
            "(0.5, 2) >= (pg_catalog.RANDOM(), 2)",
            "(uuid(), 2) IN (('a', 2), ('b', 2))",
            "((SELECT 1), 2) < (2, 2)",
            "(1, 2) < (EXISTS (SELECT 1), 2)",
        ] {
            let e = compared(&expr(text)).expect_err(text);
            assert_eq!(e.kind(), crate::error::ErrorKind::Unsupported, "{text}: {e}");
        }
        for text in [
            "(random(), 1) = (0.5, 2)",
            "(1, random()) < (2, 0.5)",
            "(random(), 1) IN ((0.5, 1))",
            "((SELECT 1), 2) IS DISTINCT FROM (1, 2)",
            "(now(), 2) < (now(), 3)",
        ] {
            assert!(compared(&expr(text)).unwrap().is_some(), "{text}");
        }
    }
}
