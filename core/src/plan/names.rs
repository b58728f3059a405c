//! Columns of one name twice in a result.
//!
//! `SELECT a, b, a` is fine in SQL; DataFusion wants the names of a projection to differ. So a name that
//! comes again gets a marker behind it, which is taken off the result.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByKind, Query, SelectItem, SetExpr, Visit, Visitor, visit_expressions_mut,
};
use hashbrown::HashSet;

use crate::error::Error;
use crate::sql::ident_name;

/// No name that a statement can hold contains it: SQL text has no NUL.
const MARKER: char = '\0';

/// What DataFusion calls a column that is a subquery.
const SUBQUERY: &str = "(<subquery>)";

/// Marks names of the outermost SELECT that come again.
pub fn distinguish(query: &mut Query) {
    let Query { body, order_by, .. } = query;
    let SetExpr::Select(select) = body.as_mut() else { return };
    // What `*` will show is not known here, so beside it every name of a column may come again.
    let starred = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let mut seen: HashSet<String> = HashSet::new();
    // DataFusion calls all subqueries by one name.
    let mut subqueried = false;
    let mut renamed: Vec<(String, Ident)> = Vec::new();
    for (place, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, column) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let column = column_name(expr);
                let named = column.is_some();
                let name = match expr {
                    Expr::Subquery(_) => SUBQUERY.to_owned(),
                    _ => column.unwrap_or_else(|| uncast(expr).to_string()),
                };
                (expr.clone(), name, named)
            }
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), ident_name(alias), true),
            _ => continue,
        };
        let aliased = matches!(&*item, SelectItem::ExprWithAlias { .. });
        let queries = matches!(&*item, SelectItem::UnnamedExpr(expr) if holds_query(expr));
        let again = !seen.insert(name.clone()) | (queries && std::mem::replace(&mut subqueried, true));
        if again || (starred && column) {
            let alias = Ident::with_quote('"', format!("{name}{MARKER}{place}"));
            if aliased && !again {
                renamed.push((name, alias.clone()));
            }
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
    let rename = |expr: &mut Expr| {
        if let Expr::Identifier(ident) = expr
            && let Some((_, alias)) = renamed.iter().find(|(name, _)| *name == ident_name(ident))
        {
            *ident = alias.clone();
        }
    };
    // Where an alias is meant: anywhere in QUALIFY, in ORDER BY only alone.
    if let Some(OrderBy { kind: OrderByKind::Expressions(all), .. }) = order_by {
        all.iter_mut().for_each(|by| rename(&mut by.expr));
    }
    let _ = visit_expressions_mut(&mut select.qualify, |expr| {
        rename(expr);
        ControlFlow::<()>::Continue(())
    });
}

/// Whether columns of the outermost SELECT may be planned as the same expression, though they are written
/// otherwise: `substring(a, 2)` and `substring(a FROM 2)`.
pub fn may_collide(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    select.projection.iter().filter(|item| is_unnamed(item)).nth(1).is_some()
}

/// Whether planning failed for two columns of one name.
#[must_use]
pub fn is_collision(e: &Error) -> bool {
    e.message().contains("require unique expression names")
}

/// Gives every column of the outermost SELECT that has no name its text for one.
pub fn name_all(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    for (place, item) in select.projection.iter_mut().enumerate().filter(|(_, item)| is_unnamed(item)) {
        if let SelectItem::UnnamedExpr(expr) = item {
            let alias = Ident::with_quote('"', format!("{expr}{MARKER}{place}"));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

fn is_unnamed(item: &SelectItem) -> bool {
    matches!(item, SelectItem::UnnamedExpr(expr) if column_name(expr).is_none())
}

fn holds_query(expr: &Expr) -> bool {
    struct Find;
    impl Visitor for Find {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Find).is_break()
}

/// What a cast is of, which it is called after.
fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => uncast(expr),
        other => other,
    }
}

fn column_name(expr: &Expr) -> Option<String> {
    match uncast(expr) {
        Expr::Identifier(ident) => Some(ident_name(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(ident_name),
        _ => None,
    }
}

/// A plan as text, with something to see in place of the markers.
#[must_use]
pub fn show(plan: &str) -> String {
    plan.replace(MARKER, "#")
}

/// `schema` without the markers; `None` if there are none.
pub fn restored(schema: &SchemaRef) -> Option<SchemaRef> {
    if !schema.fields().iter().any(|f| f.name().contains(MARKER)) {
        return None;
    }
    let fields = schema.fields().iter().map(|f| {
        let name = f.name().split(MARKER).next().unwrap_or_default();
        f.as_ref().clone().with_name(name)
    });
    Some(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}
