//! Rows of one table by an index: hot rows by what it finds, cold ones by a scan of the files that are left.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, conjunction};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::expressions::Expressions;
use super::shape::Shape;
use super::{Item, items};
use crate::catalog::TableDef;
use crate::error::Result;
use crate::manifest::Wanted;
use crate::plan::paced::paced;
use crate::plan::statement::StatementContext;
use crate::scan::{FirnTable, Parts, Shown, search};
use crate::types::SeqId;

/// A statement that reads the rows of one table that an index narrows.
pub struct IndexRead {
    def: Arc<TableDef>,
    index: String,
    filters: Vec<Arc<dyn PhysicalExpr>>,
    items: Vec<Item>,
    schema: SchemaRef,
}

impl IndexRead {
    pub(super) fn table(&self) -> &TableDef {
        &self.def
    }

    /// The plan of a query of this shape; `None` when no index of the table helps, or the planner has to see to it.
    pub fn of(
        context: &StatementContext<'_>,
        shape: &Shape<'_>,
        def: &Arc<TableDef>,
        alias: &str,
    ) -> Option<Self> {
        if def.indexes.is_empty() {
            return None;
        }
        let mut expressions = Expressions::new(context, def, alias);
        let filters = shape.conditions().into_iter().map(|e| expressions.condition(e));
        let filters: Vec<Arc<dyn PhysicalExpr>> = filters.collect::<Option<_>>()?;
        let wanted = Wanted::of(&def.file_schema().ok()?, &conjunction(filters.clone()));
        let index = search(def, &wanted)?.name;
        let (items, schema) = items(context, &mut expressions, shape, def, alias)?;
        Some(Self { def: Arc::clone(def), index, filters, items, schema })
    }

    /// The rows, as they are asked for.
    ///
    /// # Errors
    /// What reading either tier and evaluating expressions report.
    pub async fn stream(
        &self,
        context: &StatementContext<'_>,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
        let columns = self.columns();
        let parts = self.parts(context, &columns).await?;
        let rows = Arc::new(self.on_columns(&columns)?);
        let (of_hot, of_cold) = (Arc::clone(&rows), rows);
        let hot = parts.hot.into_iter().map(move |batch| of_hot.of(&batch.project(&columns)?));
        let hot = stream::iter(hot);
        let Some(cold) = parts.cold else { return Ok((Arc::clone(&self.schema), hot.boxed())) };
        let cold = context.planner.execute(&context.state()?, paced(cold, &context.pace)?)?;
        let cold = cold.map_err(crate::error::Error::from);
        let cold = cold.map(move |batch| of_cold.of(&batch?));
        Ok((Arc::clone(&self.schema), hot.chain(cold).boxed()))
    }

    /// Tells a report which files it would read.
    ///
    /// # Errors
    /// What reading hot rows, the manifest and filters reports.
    pub async fn consider(&self, context: &StatementContext<'_>) -> Result<()> {
        self.parts(context, &self.columns()).await.map(drop)
    }

    async fn parts(&self, context: &StatementContext<'_>, columns: &Vec<usize>) -> Result<Parts> {
        let reads = context.reads(&self.def).await?;
        let report = context.reports.start(&reads);
        let with_seq = self.items.iter().any(|item| matches!(item, Item::Column(0)));
        let table = FirnTable::new(reads, Shown { seq: with_seq, deleted: false }, report);
        let predicate = conjunction(self.filters.clone());
        table.parts(Some(predicate), SeqId::ZERO, true, Some(columns), None).await
    }

    /// One line that says what is done, for EXPLAIN.
    #[must_use]
    pub fn describe(&self) -> String {
        let (table, conditions) = (self.def.full_name(), self.filters.len());
        format!("IndexRead: table={table}, index={}, conditions={conditions}", self.index)
    }

    /// The columns that are read, by their places in the table, where `_seq` is behind the last.
    fn columns(&self) -> Vec<usize> {
        let mut columns = BTreeSet::new();
        for item in &self.items {
            match item {
                Item::Column(place) => drop(columns.insert(self.in_table(*place))),
                Item::Computed(expr) => columns.extend(collect_columns(expr).iter().map(|c| c.index())),
                Item::Value(_) => {}
            }
        }
        columns.extend(self.filters.iter().flat_map(collect_columns).map(|c| c.index()));
        columns.into_iter().collect()
    }

    /// The place in the table of a column of the row versions.
    fn in_table(&self, place: usize) -> usize {
        place.checked_sub(2).unwrap_or(self.def.columns.len())
    }

    /// What makes rows of the answer of rows that have only `columns`.
    fn on_columns(&self, columns: &[usize]) -> Result<AnswerRows> {
        let own: Vec<usize> = columns.iter().copied().filter(|at| *at < self.def.columns.len()).collect();
        let schema = Arc::new(self.def.arrow_schema().project(&own)?);
        let moved = |expr: &Arc<dyn PhysicalExpr>| reassign_expr_columns(Arc::clone(expr), &schema);
        let filters = self.filters.iter().map(moved).collect::<datafusion::error::Result<_>>()?;
        let items = self.items.iter().map(|item| {
            Ok(match item {
                Item::Column(place) => {
                    Item::Column(columns.partition_point(|at| *at < self.in_table(*place)))
                }
                Item::Value(value) => Item::Value(value.clone()),
                Item::Computed(expr) => Item::Computed(moved(expr)?),
            })
        });
        let items = items.collect::<datafusion::error::Result<_>>()?;
        Ok(AnswerRows { filters, items, schema: Arc::clone(&self.schema) })
    }
}

/// Filters and items over the columns that are read.
struct AnswerRows {
    filters: Vec<Arc<dyn PhysicalExpr>>,
    items: Vec<Item>,
    schema: SchemaRef,
}

impl AnswerRows {
    fn of(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let mut rows = rows.clone();
        // One after the other on what is left, so that `b <> 0 AND a / b > 1` does not divide by zero.
        for filter in &self.filters {
            if rows.num_rows() == 0 {
                break;
            }
            let kept = filter.evaluate(&rows)?.into_array(rows.num_rows())?;
            rows = filter_record_batch(&rows, kept.as_boolean())?;
        }
        let columns = self.items.iter().map(|item| match item {
            Item::Column(at) => Ok(Arc::clone(rows.column(*at))),
            Item::Value(value) => Ok(value.to_array_of_size(rows.num_rows())?),
            Item::Computed(expr) => Ok(expr.evaluate(&rows)?.into_array(rows.num_rows())?),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
