//! What is written out more than once: how often it may be, and whether it may be at all.
//!
//! The limits on the text of a statement hold before its tree is changed. A change that copies parts of the
//! tree could make any number of them, one within the other, so that copies are counted.

use std::fmt::{self, Write as _};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Distinct, Expr, Function, Query, Select, SetExpr, Visit, Visitor};

use crate::error::{Error, Result};

/// What the copies of a statement may cost. Fifty thousand rows of four strings behind IN fit, with what is
/// compared with each; what any statement makes of it fits into memory.
const MOST: usize = 3_000_000;

/// What a copy costs however small it is: the node, and the comparison that it is for.
const EACH: usize = 3;

/// How many bytes of a name or a text cost as much as a sign.
const BYTES: usize = 16;

/// From which cost on an expression counts as [`WEIGHT`] of them.
const LARGE: usize = 100;
const WEIGHT: usize = 8;

/// Copies of parts of one statement.
#[derive(Debug)]
pub struct Copies {
    left: usize,
}

impl Default for Copies {
    fn default() -> Self {
        Self { left: MOST }
    }
}

impl Copies {
    /// A copy of `expr`.
    ///
    /// # Errors
    /// `LimitExceeded`, before anything is copied, if all of the statement's were too many.
    pub fn of(&mut self, mut expr: &Expr) -> Result<Box<Expr>> {
        // In a tree nothing hangs on parentheses, and to plan them takes much stack.
        while let Expr::Nested(inner) = expr {
            expr = inner;
        }
        let mut meter = Meter { left: self.left };
        let read = write!(meter, "{expr}");
        let cost = EACH + self.left - meter.left;
        // To plan many copies of what is nested takes longer than to plan as many names and values.
        let weight = if cost > LARGE && !matches!(expr, Expr::Value(_)) { WEIGHT } else { 1 };
        match self.left.checked_sub(cost.saturating_mul(weight)) {
            Some(left) if read.is_ok() => self.left = left,
            _ => {
                return Err(Error::limit(
                    "comparing rows value by value repeats so much of the statement that it would be too large: \
                     compare fewer rows, or give what is compared with them a name in a subquery",
                ));
            }
        }
        Ok(Box::new(expr.clone()))
    }
}

/// Counts what is written, and keeps nothing of it.
struct Meter {
    left: usize,
}

impl fmt::Write for Meter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.left = self.left.checked_sub(1 + text.len() / BYTES).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// How many levels of expressions and queries there are in `tree`.
pub fn depth(tree: &Expr) -> usize {
    let mut depth = Depth::default();
    let _ = tree.visit(&mut depth);
    depth.most
}

/// The levels that `query` has by itself: the chain of its set operations, and that of the first one's joins.
pub fn levels(query: &Query) -> usize {
    let (mut body, mut levels) = (query.body.as_ref(), 1);
    while let SetExpr::SetOperation { left, .. } = body {
        (body, levels) = (left.as_ref(), levels + 1);
    }
    match body {
        SetExpr::Select(select) => {
            levels + select.from.iter().map(|table| table.joins.len()).max().unwrap_or(0)
        }
        _ => levels,
    }
}

#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl Depth {
    fn enter(&mut self, levels: usize) -> ControlFlow<()> {
        self.now += levels;
        self.most = self.most.max(self.now);
        ControlFlow::Continue(())
    }

    fn leave(&mut self, levels: usize) -> ControlFlow<()> {
        self.now = self.now.saturating_sub(levels);
        ControlFlow::Continue(())
    }
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.enter(levels(query))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.leave(levels(query))
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.enter(1)
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.leave(1)
    }
}

/// What in `expr` must not be evaluated more than once: a subquery, which costs as much each time, or a function
/// that gives another value each time.
pub fn unrepeatable(expr: &Expr) -> Option<String> {
    expr.visit(&mut Finding { subqueries: true }).break_value()
}

/// Whether there is a subquery in `expr`.
pub fn holds_subquery(expr: &Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Queries).is_break()
}

/// What in `query` may choose other rows each time it runs.
pub fn choice(query: &Query) -> Option<String> {
    query.visit(&mut Finding { subqueries: false }).break_value()
}

/// Functions with another value at each call.
const VOLATILE: [&str; 5] = ["gen_random_uuid", "random", "ulid", "uuid", "uuid_v7"];

/// Functions whose value is of any one row among several.
const CHOOSING: [&str; 4] = ["any_value", "first_value", "last_value", "nth_value"];

struct Finding {
    /// Whether it is subqueries that are looked for, or what in them chooses rows.
    subqueries: bool,
}

impl Finding {
    fn is_found(&self, function: &Function, name: &str) -> bool {
        let chooses = || function.over.is_some() || CHOOSING.contains(&name);
        VOLATILE.contains(&name) || (!self.subqueries && chooses())
    }
}

impl Visitor for Finding {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        match (self.subqueries, &query.limit_clause, &query.fetch) {
            (true, ..) => ControlFlow::Break("a subquery".to_owned()),
            (_, Some(_), _) => ControlFlow::Break("LIMIT or OFFSET".to_owned()),
            (_, _, Some(_)) => ControlFlow::Break("FETCH".to_owned()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        match select.distinct {
            Some(Distinct::On(_)) => ControlFlow::Break("DISTINCT ON".to_owned()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.0.last().and_then(|part| part.as_ident());
        let name = name.map(|ident| ident.value.to_ascii_lowercase()).unwrap_or_default();
        match self.is_found(function, &name) {
            true => ControlFlow::Break(format!("{name}()")),
            false => ControlFlow::Continue(()),
        }
    }
}
