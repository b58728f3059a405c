//! Statements that need no planner: rows of one table, one by its primary key or several by an index.
//!
//! `SELECT items FROM table WHERE key = value [AND conditions]`, and so the UPDATE and DELETE that select
//! their rows that way, cost more to plan than to run. The shape is recognised on the syntax tree; names,
//! types and expressions are DataFusion's own, so both routes answer the same. Whatever is not understood
//! here, wrong statements included, is left to the planner, whose answer or error it then is.

mod expressions;
mod indexed;
mod shape;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem};

use crate::catalog::{SEQ_COLUMN, TableDef};
use crate::error::Result;
use crate::plan::literal::literal;
use crate::plan::statement::StatementContext;
use crate::scan::{consider_key, rows_by_key};
use crate::sql::ident_name;
use expressions::Expressions;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use indexed::IndexRead;
use shape::Shape;

/// A statement that goes round the planner.
pub enum Direct {
    /// At most one row, by its key.
    Key(DirectRead),
    /// Rows by an index.
    Index(IndexRead),
}

impl Direct {
    /// The direct plan of `query`; `None` when it has to be planned by DataFusion.
    #[must_use]
    pub fn of(context: &StatementContext<'_>, query: &Query) -> Option<Self> {
        let shape = Shape::of(query)?;
        let def = context.table(&shape.table).ok()?;
        let alias = shape.alias.clone().unwrap_or_else(|| def.name.clone());
        match shape.key(&def, &alias, context.params) {
            Some((key, rest)) => DirectRead::of(context, &shape, &def, &alias, key, rest).map(Self::Key),
            None => IndexRead::of(context, &shape, &def, &alias).map(Self::Index),
        }
    }

    /// The table that it reads.
    #[must_use]
    pub fn table(&self) -> &TableDef {
        match self {
            Self::Key(read) => &read.def,
            Self::Index(read) => read.table(),
        }
    }

    /// Its rows, as they are asked for.
    ///
    /// # Errors
    /// What reading either tier and evaluating expressions report.
    pub async fn stream(
        &self,
        context: &StatementContext<'_>,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        match self {
            Self::Key(read) => {
                let (schema, batches) = read.run(context).await?;
                Ok((schema, stream::iter(batches.into_iter().map(Ok)).boxed()))
            }
            Self::Index(read) => read.stream(context).await,
        }
    }

    /// Tells a report which files it would read.
    ///
    /// # Errors
    /// What reading hot rows, the manifest and filters reports.
    pub async fn consider(&self, context: &StatementContext<'_>) -> Result<()> {
        match self {
            Self::Key(read) => read.consider(context).await,
            Self::Index(read) => read.consider(context).await,
        }
    }

    /// One line that says what is done, for EXPLAIN.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Key(read) => read.describe(),
            Self::Index(read) => read.describe(),
        }
    }
}

/// A statement that reads at most one row, found by its key.
pub struct DirectRead {
    def: Arc<TableDef>,
    key: Vec<ArrayRef>,
    filters: Vec<Arc<dyn PhysicalExpr>>,
    items: Vec<Item>,
    schema: SchemaRef,
}

/// A column of the result.
enum Item {
    /// A column of the row versions, by place.
    Column(usize),
    Value(ScalarValue),
    Computed(Arc<dyn PhysicalExpr>),
}

/// The columns that a query of `shape` answers with, and their schema; `None` when the planner has to see to it.
fn items(
    context: &StatementContext<'_>,
    expressions: &mut Expressions<'_>,
    shape: &Shape<'_>,
    def: &TableDef,
    alias: &str,
) -> Option<(Vec<Item>, SchemaRef)> {
    let mut items = Vec::new();
    let mut fields: Vec<FieldRef> = Vec::new();
    for item in shape.items {
        let (expr, name) = match item {
            SelectItem::Wildcard(options) if *options == Default::default() => {
                for (place, field) in def.arrow_schema().fields().iter().enumerate() {
                    fields.push(Arc::clone(field));
                    // `_seq` and `_deleted` stand before the columns.
                    items.push(Item::Column(place + 2));
                }
                continue;
            }
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(ident_name(alias))),
            _ => return None,
        };
        let (item, field) = match column(def, alias, expr) {
            Some((place, field)) => (Item::Column(place), field),
            None => {
                // What DataFusion calls a column without a name is its own business.
                name.as_ref()?;
                computed(context, expressions, expr)?
            }
        };
        fields.push(Arc::new(match name {
            Some(name) => field.with_name(name),
            None => field,
        }));
        items.push(item);
    }
    Some((items, Arc::new(Schema::new(fields))))
}

impl DirectRead {
    /// The plan of a query of this shape, whose condition allows one `key` and has `rest` besides.
    fn of(
        context: &StatementContext<'_>,
        shape: &Shape<'_>,
        def: &Arc<TableDef>,
        alias: &str,
        key: Vec<ArrayRef>,
        rest: Vec<&Expr>,
    ) -> Option<Self> {
        let mut expressions = Expressions::new(context, def, alias);
        let filters = rest.into_iter().map(|e| expressions.condition(e)).collect::<Option<_>>()?;
        let (items, schema) = items(context, &mut expressions, shape, def, alias)?;
        Some(Self { def: Arc::clone(def), key, filters, items, schema })
    }

    /// Reads the row, if there is one.
    ///
    /// # Errors
    /// What reading the cold tier and evaluating expressions report.
    pub async fn run(&self, context: &StatementContext<'_>) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let reads = context.reads(&self.def).await?;
        let report = context.reports.start(&reads);
        let (mut rows, _) = rows_by_key(&reads, &self.key, false, Some(&report)).await?;
        // One after the other on what is left, so that `b <> 0 AND a / b > 1` does not divide by zero.
        for filter in &self.filters {
            if rows.num_rows() == 0 {
                break;
            }
            let kept = filter.evaluate(&table_rows(&self.def, &rows)?)?.into_array(rows.num_rows())?;
            rows = filter_record_batch(&rows, kept.as_boolean())?;
        }
        let table = table_rows(&self.def, &rows)?;
        let columns = self.items.iter().map(|item| match item {
            Item::Column(place) => Ok(Arc::clone(rows.column(*place))),
            Item::Value(value) => Ok(value.to_array_of_size(rows.num_rows())?),
            Item::Computed(expr) => Ok(expr.evaluate(&table)?.into_array(rows.num_rows())?),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        Ok((Arc::clone(&self.schema), vec![batch]))
    }

    async fn consider(&self, context: &StatementContext<'_>) -> Result<()> {
        let reads = context.reads(&self.def).await?;
        let report = context.reports.start(&reads);
        consider_key(&reads, &self.key, &report).await
    }

    /// One line that says what is done, for EXPLAIN.
    #[must_use]
    pub fn describe(&self) -> String {
        let names: Vec<&str> = self
            .def
            .key_columns()
            .into_iter()
            .filter_map(|i| self.def.columns.get(i))
            .map(|c| c.name.as_str())
            .collect();
        let conditions = match self.filters.len() {
            0 => String::new(),
            n => format!(", conditions={n}"),
        };
        format!("DirectRead: table={}, key=({}){conditions}", self.def.full_name(), names.join(", "))
    }
}

/// The column of the row versions that `expr` names, and its field in a result.
fn column(def: &TableDef, alias: &str, expr: &Expr) -> Option<(usize, Field)> {
    let name = shape::column_name(expr, alias)?;
    if name == SEQ_COLUMN {
        return Some((0, def.row_schema().field(0).clone()));
    }
    let place = def.index_of(&name)?;
    let schema = def.arrow_schema();
    Some((place + 2, schema.fields().get(place)?.as_ref().clone()))
}

fn computed(
    context: &StatementContext<'_>,
    expressions: &mut Expressions<'_>,
    expr: &Expr,
) -> Option<(Item, Field)> {
    if let Some(value) = literal(context.params, expr).ok()? {
        let nullable = value.is_null();
        let field = Field::new("", value.data_type(), nullable);
        return Some((Item::Value(value), field));
    }
    let (expr, field) = expressions.value(expr)?;
    Some((Item::Computed(expr), field.as_ref().clone()))
}

/// Row versions without their system columns: what expressions are evaluated on.
fn table_rows(def: &TableDef, rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().get(2..).unwrap_or_default().to_vec();
    Ok(RecordBatch::try_new(def.arrow_schema(), columns)?)
}
