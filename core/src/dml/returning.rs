//! RETURNING: a projection over the rows a statement wrote or removed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::sql::sqlparser::ast::SelectItem;

use crate::catalog::TableDef;
use crate::dml::query;
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::sql::mentions;

/// The name under which the rows stand in the query.
const ROWS: &str = "$rows";

/// The rows of `items` over `rows`, whose columns are those of `def`; `alias` is what the statement calls
/// the table.
///
/// # Errors
/// What planning and running the projection report.
pub async fn returning(
    context: &StatementContext<'_>,
    def: &TableDef,
    alias: &str,
    items: &[SelectItem],
    columns: Vec<arrow::array::ArrayRef>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    if items.iter().any(mentions_system_column) {
        // What a statement wrote has its `_seq` only once it is committed.
        return Err(Error::unsupported("RETURNING of _seq or _deleted; SELECT them afterwards"));
    }
    let batch = RecordBatch::try_new(def.arrow_schema(), columns)?;
    let table = MemTable::try_new(def.arrow_schema(), vec![vec![batch]])?;
    let query = query::select(items.to_vec(), vec![query::table(ROWS, alias)], None)?;
    context.rows(query, vec![(query::reference(ROWS), provider_as_source(Arc::new(table)))]).await
}

fn mentions_system_column(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => mentions(expr).any(),
        _ => false,
    }
}
