//! The names of a result's columns.
//!
//! `SELECT a, b, a` is fine in SQL; DataFusion wants the names of a projection to differ. And what has no name
//! in the statement it calls by all of its text. So such columns get a name ([`label`]) with a marker and their
//! place behind it, which is taken off the result.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, visit_expressions_mut,
};
use hashbrown::{HashMap, HashSet};

use crate::plan::labels::label;
use crate::sql::ident_name;

/// No name that a statement can hold contains it: SQL text has no NUL.
const MARKER: char = '\0';

/// Names the columns of the outermost SELECT that have no name of their own, or one that comes again.
pub fn distinguish(query: &mut Query) {
    let Query { body, order_by, .. } = query;
    match body.as_mut() {
        SetExpr::Select(select) => distinguish_select(select, order_by.as_mut()),
        SetExpr::Query(inner) => distinguish(inner),
        // The columns are called as those of the first SELECT.
        SetExpr::SetOperation { left, .. } => distinguish_first(left),
        _ => {}
    }
}

fn distinguish_first(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => distinguish_select(select, None),
        SetExpr::Query(inner) => distinguish(inner),
        SetExpr::SetOperation { left, .. } => distinguish_first(left),
        _ => {}
    }
}

fn distinguish_select(select: &mut Select, order_by: Option<&mut OrderBy>) {
    // What `*` will show is not known here, so beside it every name of a column may come again.
    let starred = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let mut seen: HashSet<String> = HashSet::new();
    // Aliases that were changed, and names that were given: by the latter ORDER BY may call a column.
    let mut renamed: HashMap<String, Ident> = HashMap::new();
    let mut given: HashMap<String, Option<Ident>> = HashMap::new();
    // DISTINCT is ordered by what it selects, which DataFusion knows by its name.
    let mut marks: Vec<(Expr, Ident)> = Vec::new();
    for (place, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, is_named) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let name = column_name(expr);
                let is_named = name.is_some();
                (&*expr, name.unwrap_or_else(|| label(expr)), is_named)
            }
            SelectItem::ExprWithAlias { expr, alias } => (&*expr, ident_name(alias), true),
            _ => continue,
        };
        let again = !seen.insert(name.clone());
        let marked = Ident::with_quote('"', format!("{name}{MARKER}{place}"));
        given
            .entry(name.clone())
            .and_modify(|only| *only = None)
            .or_insert_with(|| (!is_named).then(|| marked.clone()));
        if is_named && !again && !starred {
            continue;
        }
        let expr = expr.clone();
        if !again && matches!(item, SelectItem::ExprWithAlias { .. }) {
            renamed.insert(name, marked.clone());
        }
        if select.distinct.is_some() {
            marks.push((expr.clone(), marked.clone()));
        }
        *item = SelectItem::ExprWithAlias { expr, alias: marked };
    }
    let rename = |expr: &mut Expr, given: &HashMap<String, Option<Ident>>| {
        if let Expr::Identifier(ident) = expr {
            let name = ident_name(ident);
            if let Some(alias) = renamed.get(&name).or_else(|| given.get(&name)?.as_ref()) {
                *ident = alias.clone();
            }
        }
    };
    // Where an alias is meant: anywhere in QUALIFY, in ORDER BY only alone.
    if let Some(OrderBy { kind: OrderByKind::Expressions(all), .. }) = order_by {
        for by in all.iter_mut() {
            match marks.iter().find(|(expr, _)| *expr == by.expr) {
                Some((_, mark)) => by.expr = Expr::Identifier(mark.clone()),
                None => rename(&mut by.expr, &given),
            }
        }
    }
    let none = HashMap::new();
    let _ = visit_expressions_mut(&mut select.qualify, |expr| {
        rename(expr, &none);
        ControlFlow::<()>::Continue(())
    });
}

/// What each of the `count` columns of `query` is called in its result, where the statement gives it no name and
/// no other column has that one.
pub fn labels(query: &Query, count: usize) -> Vec<Option<String>> {
    let SetExpr::Select(select) = query.body.as_ref() else { return vec![None; count] };
    let named: Option<Vec<(String, bool)>> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Some(match column_name(expr) {
                Some(name) => (name, true),
                None => (label(expr), false),
            }),
            SelectItem::ExprWithAlias { alias, .. } => Some((ident_name(alias), true)),
            _ => None,
        })
        .collect();
    let named = named.filter(|named| named.len() == count).unwrap_or_default();
    let is_only = |name: &str| named.iter().filter(|(other, _)| other == name).nth(1).is_none();
    let labels = named.iter().map(|(name, given)| (!given && is_only(name)).then(|| name.clone()));
    labels.chain(std::iter::repeat(None)).take(count).collect()
}

/// The name of the column that `expr` is.
fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => column_name(inner),
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
