//! Queries put together from the parts of other statements.

use std::sync::OnceLock;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins,
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
    let mut query = frame()?;
    let SetExpr::Select(inner) = query.body.as_mut() else {
        return Err(Error::internal("the frame of a query is no SELECT"));
    };
    inner.projection = projection;
    inner.from = from;
    inner.selection = selection;
    Ok(query)
}

/// The table `name` in a FROM.
#[must_use]
pub fn from_table(name: ObjectName, alias: Option<TableAlias>) -> TableWithJoins {
    TableWithJoins {
        relation: TableFactor::Table {
            name,
            alias,
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

/// A SELECT as the parser makes it: its many fields are the parser's to know.
fn frame() -> Result<Query> {
    static FRAME: OnceLock<Result<Query, String>> = OnceLock::new();
    let parsed = FRAME.get_or_init(|| {
        let dialect = PostgreSqlDialect {};
        let parsed = Parser::new(&dialect).try_with_sql("SELECT 1").and_then(|mut p| p.parse_query());
        parsed.map(|q| *q).map_err(|e| e.to_string())
    });
    parsed.clone().map_err(|e| Error::internal(format!("frame of a query: {e}")))
}
