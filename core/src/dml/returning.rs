//! RETURNING: a projection over the rows a statement wrote or removed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use crate::catalog::TableDef;
use crate::dml::query;
use crate::dml::selected::SourceRows;
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::sql::{ident_name, mentions};

/// The name under which the rows stand in the query.
const ROWS: &str = "$rows";
/// The column that ties them to the rows of the sources; no name that a statement can hold contains a NUL.
const ROW: &str = "\0row";

/// The rows of `items` over `rows`, whose columns are those of `def`; `alias` is what the statement calls
/// the table. Row by row beside them stand those of `sources`, whose columns may be named too.
///
/// # Errors
/// What planning and running the projection report.
pub async fn returning(
    context: &StatementContext<'_>,
    def: &TableDef,
    alias: &str,
    items: &[SelectItem],
    columns: Vec<ArrayRef>,
    sources: &[SourceRows],
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    if items.iter().any(mentions_system_column) {
        // What a statement wrote has its `_seq` only once it is committed.
        return Err(Error::unsupported("RETURNING of _seq or _deleted; SELECT them afterwards"));
    }
    if sources.is_empty() {
        let batch = RecordBatch::try_new(def.arrow_schema(), columns)?;
        let table = MemTable::try_new(def.arrow_schema(), vec![vec![batch]])?;
        let query = query::select(items.to_vec(), vec![query::table(ROWS, alias)], None)?;
        return context
            .rows(query, vec![(query::reference(ROWS), provider_as_source(Arc::new(table)))])
            .await;
    }
    let target = SourceRows { alias: alias.to_owned(), schema: def.arrow_schema(), columns };
    let all: Vec<&SourceRows> = std::iter::once(&target).chain(sources).collect();
    let mut tables = Vec::with_capacity(all.len());
    let mut from = Vec::with_capacity(all.len());
    let mut selection: Option<Expr> = None;
    for (number, rows) in all.iter().enumerate() {
        let name = format!("{ROWS}{number}");
        from.push(query::table(&name, &rows.alias));
        tables.push((query::reference(&name), provider_as_source(Arc::new(numbered(rows)?))));
        if number > 0 {
            let tie =
                both(query::column_of(alias, ROW), BinaryOperator::Eq, query::column_of(&rows.alias, ROW));
            selection = Some(match selection {
                None => tie,
                Some(before) => both(before, BinaryOperator::And, tie),
            });
        }
    }
    context.rows(query::select(listed(items, &all)?, from, selection)?, tables).await
}

fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// The rows with their numbers.
fn numbered(rows: &SourceRows) -> Result<MemTable> {
    let count = rows.columns.first().map_or(0, |c| c.len());
    let mut columns = rows.columns.clone();
    columns.push(Arc::new(Int64Array::from_iter_values((0..count).map(|row| row as i64))));
    let number = Arc::new(Field::new(ROW, DataType::Int64, false));
    let fields = rows.schema.fields().iter().cloned().chain([number]);
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(MemTable::try_new(schema, vec![vec![batch]])?)
}

/// `items` with the columns that wildcards stand for, which leaves the numbers of rows out.
fn listed(items: &[SelectItem], tables: &[&SourceRows]) -> Result<Vec<SelectItem>> {
    let mut listed = Vec::with_capacity(items.len());
    for item in items {
        let (options, of) = match item {
            SelectItem::Wildcard(options) => (options, None),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let last = name.0.last().and_then(|part| part.as_ident()).map(ident_name);
                (options, Some(last.unwrap_or_default()))
            }
            other => {
                listed.push(other.clone());
                continue;
            }
        };
        if *options != WildcardAdditionalOptions::default() {
            return Err(Error::unsupported("options behind * in RETURNING"));
        }
        let named = |table: &&&SourceRows| of.as_ref().is_none_or(|name| *name == table.alias);
        let mut found = tables.iter().filter(named).peekable();
        if found.peek().is_none() {
            return Err(Error::not_found(format!(
                "there is no table {} in the statement",
                of.unwrap_or_default()
            )));
        }
        for table in found {
            let columns = table.schema.fields().iter();
            listed.extend(columns.map(|f| SelectItem::UnnamedExpr(query::column_of(&table.alias, f.name()))));
        }
    }
    Ok(listed)
}

fn mentions_system_column(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => mentions(expr).any(),
        _ => false,
    }
}
