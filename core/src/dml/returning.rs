//! RETURNING: a projection over the rows a statement wrote or removed.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use crate::catalog::{SEQ_COLUMN, TableDef};
use crate::dml::query;
use crate::dml::selected::SourceRows;
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::sql::{ident_name, mentions};
use crate::types::SeqId;

/// The name under which the rows stand in the query.
const ROWS: &str = "$rows";
/// The column that ties them to the rows of the sources; no name that a statement can hold contains a NUL.
const ROW: &str = "\0row";
/// The metadata key that tells places of rows, which become numbers, from other columns.
const PLACE_KEY: &str = "firndb.place";

/// The rows of RETURNING.
pub type Returned = (SchemaRef, Vec<RecordBatch>);

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
) -> Result<Returned> {
    let items = &with_numbers(context, alias, items)?;
    if sources.is_empty() && !items.iter().any(is_number) {
        let batch = RecordBatch::try_new(def.arrow_schema(), columns)?;
        let table = MemTable::try_new(def.arrow_schema(), vec![vec![batch]])?;
        let query = query::select(items.clone(), vec![query::table(ROWS, alias)], None)?;
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
    let metadata = HashMap::from([(PLACE_KEY.to_owned(), String::new())]);
    let number = Arc::new(Field::new(ROW, DataType::Int64, false).with_metadata(metadata));
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

/// `items` with the numbers of the rows in place of `_seq`: what a statement wrote has its `_seq` only once it is
/// committed, and then [`stamped`] puts it there.
fn with_numbers(
    context: &StatementContext<'_>,
    alias: &str,
    items: &[SelectItem],
) -> Result<Vec<SelectItem>> {
    let number = |item: &SelectItem| {
        let (expr, name) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(ident_name(alias))),
            _ => return Ok(item.clone()),
        };
        let found = mentions(expr);
        if !found.any() {
            return Ok(item.clone());
        }
        let is_seq = match expr {
            Expr::Identifier(ident) => ident_name(ident) == SEQ_COLUMN,
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => ident_name(table) == alias && ident_name(column) == SEQ_COLUMN,
                _ => false,
            },
            _ => false,
        };
        if !is_seq {
            return Err(Error::unsupported(
                "RETURNING of _deleted, and of _seq within an expression or of another table: SELECT them afterwards",
            ));
        }
        if context.pinned.is_some() {
            return Err(Error::unsupported(
                "RETURNING _seq in a transaction, whose rows have no _seq before COMMIT: SELECT it afterwards",
            ));
        }
        Ok(query::named(query::column_of(alias, ROW), name.as_deref().unwrap_or(SEQ_COLUMN)))
    };
    items.iter().map(number).collect()
}

/// Whether an item is one that [`with_numbers`] made.
fn is_number(item: &SelectItem) -> bool {
    match item {
        SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(parts), .. } => {
            parts.last().is_some_and(|column| column.value == ROW)
        }
        _ => false,
    }
}

/// `answer` with the numbers that the rows were committed under in place of their places.
///
/// # Errors
/// `Internal` when there is no number for a row.
pub fn stamped(answer: Returned, seqs: &[SeqId]) -> Result<Returned> {
    let (schema, batches) = answer;
    let is_place = |field: &Field| field.metadata().contains_key(PLACE_KEY);
    if !schema.fields().iter().any(|field| is_place(field)) {
        return Ok((schema, batches));
    }
    let fields = schema.fields().iter().map(|field| match is_place(field) {
        true => Arc::new(Field::new(field.name(), DataType::Int64, false)),
        false => Arc::clone(field),
    });
    let stamped = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let lost = || Error::internal("RETURNING lost the places of its rows");
    let numbered = batches.iter().map(|batch| {
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
            if !is_place(field) {
                return Ok(Arc::clone(column));
            }
            let places = column.as_any().downcast_ref::<Int64Array>().ok_or_else(lost)?;
            let seq = |place: &i64| usize::try_from(*place).ok().and_then(|place| seqs.get(place));
            let found =
                places.values().iter().map(|place| seq(place).map(|seq| seq.as_i64()).ok_or_else(lost));
            Ok(Arc::new(Int64Array::from(found.collect::<Result<Vec<i64>>>()?)) as ArrayRef)
        });
        Ok(RecordBatch::try_new(Arc::clone(&stamped), columns.collect::<Result<_>>()?)?)
    });
    let batches = numbered.collect::<Result<_>>()?;
    Ok((stamped, batches))
}
