//! The lowest `_seq` that the rows of a query can have, which is what the change feed asks by.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

use crate::catalog::SEQ_COLUMN;
use crate::types::SeqId;

/// The lowest `_seq` of a row for which all of `filters` can hold; [`SeqId::ZERO`] when they do not say.
#[must_use]
pub fn lowest_seq(filters: &[Expr]) -> SeqId {
    let bounds = filters.iter().flat_map(split_conjunction).filter_map(lower_bound);
    bounds.max().map_or(SeqId::ZERO, SeqId::from_i64)
}

fn lower_bound(filter: &Expr) -> Option<i64> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (op, value) = match (is_seq(left), is_seq(right)) {
                (true, _) => (*op, integer(right)?),
                (_, true) => (op.swap()?, integer(left)?),
                _ => return None,
            };
            match op {
                Operator::Gt => value.checked_add(1),
                Operator::GtEq | Operator::Eq => Some(value),
                _ => None,
            }
        }
        Expr::Between(Between { expr, negated: false, low, .. }) if is_seq(expr) => integer(low),
        _ => None,
    }
}

fn is_seq(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == SEQ_COLUMN)
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    #[test]
    fn every_form_of_a_lower_bound_is_one() {
        let seq = || col(SEQ_COLUMN);
        for (filter, lowest) in [
            (seq().gt(lit(5_i64)), 6),
            (seq().gt_eq(lit(5_i64)), 5),
            (lit(5_i64).lt(seq()), 6),
            (seq().eq(lit(5_i64)), 5),
            (seq().between(lit(5_i64), lit(9_i64)), 5),
            (seq().gt(lit(5_i64)).and(seq().gt(lit(7_i64))).and(seq().lt(lit(100_i64))), 8),
            (seq().lt(lit(5_i64)), 0),
            (seq().not_eq(lit(5_i64)), 0),
            (seq().not_between(lit(5_i64), lit(9_i64)), 0),
            (seq().gt(lit(5_i64)).or(seq().gt(lit(7_i64))), 0),
            (col("id").gt(lit(5_i64)), 0),
            (seq().gt(col("id")), 0),
            (seq().gt(lit(i64::MAX)), 0),
        ] {
            assert_eq!(lowest_seq(std::slice::from_ref(&filter)), SeqId::from_i64(lowest), "{filter}");
        }
        assert_eq!(lowest_seq(&[seq().gt(lit(5_i64)), seq().gt(lit(3_i64))]), SeqId::from_i64(6));
        assert_eq!(lowest_seq(&[]), SeqId::ZERO);
    }
}
