//! What a query may grow into when it is planned.
//!
//! The limits on the text of a statement bound the tree that it is. A plan can be far larger: the query of a WITH
//! stands again wherever its name does, so that a chain of names nests and one that doubles has 2ⁿ tables; and
//! CUBE groups by each of the 2ⁿ sets of its parts. Both are counted before anything is planned.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, GroupByWithModifier, ObjectName, Query, Select, Visit, Visitor,
};

use crate::config::SqlLimits;
use crate::error::{Error, Result};
use crate::plan::repeats::levels;

/// So many tables one query may read, each as often as it does.
const MAX_TABLES: usize = 1_000;

/// So many sets one GROUP BY may group by, as in PostgreSQL.
const MAX_GROUPING_SETS: usize = 4_096;

/// Checks that `query` stays within bounds once the names of its WITH are the queries behind them.
///
/// # Errors
/// `LimitExceeded`, saying which bound.
pub fn check(query: &Query) -> Result<()> {
    let mut growth = Growth { now: 0, open: Vec::new(), named: HashMap::new(), names: HashMap::new() };
    match query.visit(&mut growth) {
        ControlFlow::Break(over) => Err(over.error()),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Over {
    Depth,
    Tables,
    GroupingSets,
}

impl Over {
    fn error(self) -> Error {
        Error::limit(match self {
            Self::Depth => format!(
                "the queries of WITH nest deeper than {} levels, each as deep as those that it reads: keep what \
                 one of them finds in a table",
                SqlLimits::default().depth
            ),
            Self::Tables => format!(
                "the query reads more than {MAX_TABLES} tables, those in a query of WITH as often as its name \
                 stands: keep what one of them finds in a table"
            ),
            Self::GroupingSets => format!(
                "GROUP BY has more than {MAX_GROUPING_SETS} sets: CUBE (a, b, …) makes two to the power of its \
                 parts"
            ),
        })
    }
}

/// How large something is once it is planned.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    depth: usize,
    tables: usize,
}

/// A query that is being walked through.
struct Open {
    /// The levels above it.
    above: usize,
    size: Size,
}

struct Growth {
    /// The levels of queries and expressions above what is visited.
    now: usize,
    open: Vec<Open>,
    /// The names of queries of WITH that were not visited yet, by where they are in memory.
    named: HashMap<*const Query, String>,
    names: HashMap<String, Size>,
}

impl Growth {
    /// Adds something of `size` where the walk is.
    fn add(&mut self, size: Size) -> ControlFlow<Over> {
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        let depth = self.now.saturating_sub(open.above).saturating_add(size.depth);
        open.size.depth = open.size.depth.max(depth);
        open.size.tables = open.size.tables.saturating_add(size.tables);
        if open.above.saturating_add(depth) > SqlLimits::default().depth {
            return ControlFlow::Break(Over::Depth);
        }
        if open.size.tables > MAX_TABLES {
            return ControlFlow::Break(Over::Tables);
        }
        ControlFlow::Continue(())
    }

    fn enter(&mut self, levels: usize) -> ControlFlow<Over> {
        self.now += levels;
        ControlFlow::Continue(())
    }

    fn leave(&mut self, levels: usize) -> ControlFlow<Over> {
        self.now = self.now.saturating_sub(levels);
        ControlFlow::Continue(())
    }
}

impl Visitor for Growth {
    type Break = Over;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Over> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(std::ptr::from_ref(cte.query.as_ref()), cte.alias.name.value.to_lowercase());
        }
        self.open.push(Open { above: self.now, size: Size::default() });
        self.enter(levels(query))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Over> {
        self.leave(levels(query))?;
        let Some(Open { size, .. }) = self.open.pop() else { return ControlFlow::Continue(()) };
        match self.named.remove(&std::ptr::from_ref(query)) {
            Some(name) => {
                // Without tables it is one: what stands for its name.
                let size = Size { depth: size.depth + 1, tables: size.tables.max(1) };
                self.names.insert(name, size);
                ControlFlow::Continue(())
            }
            None => self.add(size),
        }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Over> {
        let name = match relation.0.as_slice() {
            [only] => only.as_ident().map(|ident| ident.value.to_lowercase()),
            _ => None,
        };
        let named = name.and_then(|name| self.names.get(&name).copied());
        self.add(named.unwrap_or(Size { depth: 0, tables: 1 }))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Over> {
        match grouping_sets(&select.group_by) {
            sets if sets > MAX_GROUPING_SETS => ControlFlow::Break(Over::GroupingSets),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<Over> {
        self.enter(1)
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<Over> {
        self.leave(1)
    }
}

/// By how many sets of expressions `group_by` groups: those of its parts with each other.
fn grouping_sets(group_by: &GroupByExpr) -> usize {
    let power =
        |parts: usize| 2_usize.checked_pow(u32::try_from(parts).unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
    let of_part = |expr: &Expr| match expr {
        Expr::Cube(parts) => power(parts.len()),
        Expr::Rollup(parts) => parts.len() + 1,
        Expr::GroupingSets(sets) => sets.len(),
        _ => 1,
    };
    let GroupByExpr::Expressions(exprs, modifiers) = group_by else { return 1 };
    let of_modifier = |modifier: &GroupByWithModifier| match modifier {
        GroupByWithModifier::Cube => power(exprs.len()),
        GroupByWithModifier::Rollup => exprs.len() + 1,
        GroupByWithModifier::GroupingSets(expr) => of_part(expr),
        GroupByWithModifier::Totals => 1,
    };
    let parts = exprs.iter().map(of_part).chain(modifiers.iter().map(of_modifier));
    parts.fold(1, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::error::ErrorKind;
    use crate::sql::{Statement, parse};

    fn checked(text: &str) -> Result<()> {
        match parse(text).unwrap().pop().unwrap().statement {
            Statement::Query(query) => check(&query),
            other => panic!("{other:?}"),
        }
    }

    /// WITH of `n` queries, each of which reads the one before it as `from` says.
    fn chain(n: usize, from: impl Fn(usize) -> String) -> String {
        let mut text = "WITH c0 AS (SELECT 1 AS a)".to_owned();
        for i in 1..n {
            let _ = write!(text, ", c{i} AS (SELECT * FROM {})", from(i - 1));
        }
        let _ = write!(text, " SELECT * FROM c{}", n - 1);
        text
    }

    fn refused(text: &str, word: &str) {
        let found = checked(text).unwrap_err();
        assert_eq!(found.kind(), ErrorKind::LimitExceeded);
        assert!(found.to_string().contains(word), "{found}");
    }

    #[test]
    fn chains_of_names_nest() {
        let levels = SqlLimits::default().depth;
        let single = |i: usize| format!("c{i}");
        let longest = (2..levels).rev().find(|n| checked(&chain(*n, single)).is_ok()).unwrap();
        assert!(longest > levels / 4 && longest < levels, "{longest}");
        refused(&chain(longest + 1, single), "nest deeper");
        refused(&chain(2_000, single), "nest deeper");
        // As deep in a subquery, and with other letters.
        refused(
            &format!("SELECT (SELECT count(*) FROM ({}) AS s)", chain(2_000, |i| format!("C{i}"))),
            "nest",
        );
        // Side by side they do not nest, however many there are.
        let beside: Vec<String> = (1..500).map(|i| format!("d{i} AS (SELECT {i} AS a)")).collect();
        assert!(checked(&format!("WITH {} SELECT * FROM d1, d499", beside.join(", "))).is_ok());
        assert!(
            checked("WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r) SELECT * FROM r")
                .is_ok()
        );
    }

    #[test]
    fn names_that_stand_twice_double() {
        let double = |i: usize| format!("c{i} AS x, c{i} AS y");
        assert!(checked(&chain(9, double)).is_ok());
        refused(&chain(12, double), "tables");
        refused(&chain(60, double), "tables");
    }

    #[test]
    fn grouping_sets_multiply() {
        for (group_by, sets) in [
            ("a, b", 1),
            ("CUBE(a, b, c)", 8),
            ("ROLLUP(a, b, c)", 4),
            ("GROUPING SETS ((a), (b), ())", 3),
            ("CUBE(a, b), ROLLUP(c)", 8),
        ] {
            let text = format!("SELECT 1 FROM t GROUP BY {group_by}");
            let Statement::Query(query) = parse(&text).unwrap().pop().unwrap().statement else { panic!() };
            assert_eq!(grouping_sets(&query.body.as_select().unwrap().group_by), sets, "{group_by}");
        }
        let cube = |n: usize| {
            let parts: Vec<String> = (0..n).map(|i| format!("a + {i}")).collect();
            format!("SELECT 1 FROM t GROUP BY CUBE({})", parts.join(", "))
        };
        assert!(checked(&cube(12)).is_ok());
        refused(&cube(13), "two to the power");
        refused(&cube(200), "two to the power");
    }
}
