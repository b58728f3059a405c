//! Refuses window functions where rows are not in windows yet: they would be planned, and fail without a place.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, Expr, GroupByExpr, JoinConstraint, JoinOperator, Query, Select, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::Location;

use super::tokens::position;
use crate::error::{Error, Result};

/// Checks every SELECT in `node`.
///
/// # Errors
/// `InvalidInput`, with the place of the window function, for one in WHERE, GROUP BY, HAVING or ON.
pub(super) fn check(node: &impl Visit) -> Result<()> {
    let mut selects = Selects { wrong: None };
    let _ = node.visit(&mut selects);
    selects.wrong.map_or(Ok(()), Err)
}

/// Refuses window functions in `node`, which is a part of `clause`; those of subqueries in it are theirs.
///
/// # Errors
/// As [`check`].
pub(super) fn refuse(node: &impl Visit, clause: &str) -> Result<()> {
    let mut find = Find { depth: 0, found: None };
    let _ = node.visit(&mut find);
    match find.found {
        None => Ok(()),
        Some(place) => Err(Error::invalid(format!("window functions are not allowed in {clause}"))
            .at(position(place))
            .with_hint("compute it in a subquery in FROM, and use its column")),
    }
}

/// What is wrong is kept here: passed through the walk, it would make every frame of it larger.
struct Selects {
    wrong: Option<Error>,
}

impl Visitor for Selects {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match of_select(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                self.wrong = Some(e);
                ControlFlow::Break(())
            }
        }
    }
}

fn of_select(select: &Select) -> Result<()> {
    refuse(&select.selection, "WHERE")?;
    if let GroupByExpr::Expressions(groups, _) = &select.group_by {
        refuse(groups, "GROUP BY")?;
    }
    refuse(&select.having, "HAVING")?;
    let joins = select.from.iter().flat_map(|table| &table.joins);
    joins.filter_map(|join| condition(&join.join_operator)).try_for_each(|on| refuse(on, "JOIN conditions"))
}

fn condition(join: &JoinOperator) -> Option<&Expr> {
    use JoinOperator as J;
    let constraint = match join {
        J::Join(on) | J::Inner(on) | J::Left(on) | J::LeftOuter(on) | J::Right(on) | J::RightOuter(on) => on,
        J::FullOuter(on) | J::LeftSemi(on) | J::RightSemi(on) | J::LeftAnti(on) | J::RightAnti(on) => on,
        _ => return None,
    };
    match constraint {
        JoinConstraint::On(on) => Some(on),
        _ => None,
    }
}

/// Finds the first window function outside of subqueries.
struct Find {
    depth: usize,
    found: Option<Location>,
}

impl Visitor for Find {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let Expr::Function(ast::Function { name, over: Some(_), .. }) = expr else {
            return ControlFlow::Continue(());
        };
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let first = name.0.first().and_then(|part| part.as_ident());
        self.found = Some(first.map_or(Location { line: 0, column: 0 }, |ident| ident.span.start));
        ControlFlow::Break(())
    }
}
