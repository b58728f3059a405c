//! Queries built from the parts of other statements.

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor,
    TableWithJoins,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::{Error, Result};

/// `SELECT projection FROM from WHERE selection`.
///
/// # Errors
/// `Internal` when the frame of a query cannot be made.
pub fn select(
    projection: Vec<SelectItem>,
    from: Vec<TableWithJoins>,
    selection: Option<Expr>,
) -> Result<Query> {
    let mut query = frame("SELECT 1")?;
    let SetExpr::Select(inner) = query.body.as_mut() else {
        return Err(Error::internal("the frame of a query is no SELECT"));
    };
    let inner: &mut Select = inner;
    inner.projection = projection;
    inner.from = from;
    inner.selection = selection;
    Ok(query)
}

/// Parses SQL that this crate wrote.
fn frame(sql: &str) -> Result<Query> {
    let dialect = PostgreSqlDialect {};
    let parsed = Parser::new(&dialect).try_with_sql(sql).and_then(|mut p| p.parse_query());
    parsed.map(|q| *q).map_err(|e| Error::internal(format!("frame of a query: {e}")))
}

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
    TableWithJoins {
        relation: TableFactor::Table {
            name,
            alias: Some(alias),
            args: None,
            with_hints: Vec::new(),
            version: None,
            with_ordinality: false,
            partitions: Vec::new(),
            json_path: None,
            sample: None,
            index_hints: Vec::new(),
        },
        joins: Vec::new(),
    }
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
