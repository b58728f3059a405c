//! Queries built from the parts of other statements.

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, TableAlias, TableWithJoins,
};

use crate::sql::from_table;
pub use crate::sql::select;

/// `expr AS "name"`.
#[must_use]
pub fn named(expr: Expr, name: &str) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) }
}

/// The column `name` of `table`, both quoted.
#[must_use]
pub fn column_of(table: &str, name: &str) -> Expr {
    Expr::CompoundIdentifier(vec![Ident::with_quote('"', table), Ident::with_quote('"', name)])
}

/// The table `name`, quoted, as `alias`.
#[must_use]
pub fn table(name: &str, alias: &str) -> TableWithJoins {
    let name = ObjectName(vec![ObjectNamePart::Identifier(Ident::with_quote('"', name))]);
    let alias =
        TableAlias { explicit: true, name: Ident::with_quote('"', alias), columns: Vec::new(), at: None };
    from_table(name, Some(alias))
}

/// How a query refers to a table made by [`table`].
#[must_use]
pub fn reference(name: &str) -> TableReference {
    TableReference::bare(name)
}

/// Whether `expr` is the word DEFAULT.
#[must_use]
pub fn is_default(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(ident) => ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"),
        _ => false,
    }
}

/// `query` with a name for every column that has none: INSERT takes columns by place, but DataFusion wants
/// names that differ, also in `SELECT v, 0, 'x', 0`.
#[must_use]
pub fn with_names(mut query: Query) -> Query {
    if let SetExpr::Select(select) = query.body.as_mut() {
        for (place, item) in select.projection.iter_mut().enumerate() {
            if let SelectItem::UnnamedExpr(expr) = item
                && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                *item = named(expr.clone(), &format!("column {place}"));
            }
        }
    }
    query
}
