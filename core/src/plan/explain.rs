//! `EXPLAIN` and `EXPLAIN ANALYZE`.
//!
//! The plan is drained here and its metrics rendered from the plan, because DataFusion's own operator for
//! it spawns tasks, which WebAssembly has not.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::displayable;
use datafusion::sql::sqlparser::ast;

use crate::error::Result;
use crate::plan::planner::Planner;
use crate::plan::statement::StatementContext;

/// The logical and the physical plan of `query`.
///
/// # Errors
/// What planning reports.
pub async fn explain(context: &StatementContext<'_>, query: ast::Query) -> Result<(SchemaRef, RecordBatch)> {
    let state = context.planner.state_at(context.now_micros);
    let logical = context.logical(&state, query, Vec::new()).await?;
    let optimized = state.optimize(&logical)?;
    let physical = state.create_physical_plan(&logical).await?;
    let mut rows = vec![
        ("logical_plan".to_owned(), optimized.display_indent().to_string()),
        ("physical_plan".to_owned(), displayable(physical.as_ref()).indent(false).to_string()),
    ];
    rows.extend(scans(context));
    table(rows)
}

/// Runs `query`, drops its rows, and tells what it took: the plan with its metrics, then per table what
/// was considered, left out and read.
///
/// # Errors
/// What planning and running it report.
pub async fn explain_analyze(
    context: &StatementContext<'_>,
    query: ast::Query,
) -> Result<(SchemaRef, RecordBatch)> {
    let (plan, state) = context.physical(query, Vec::new()).await?;
    let batches = Planner::collect(&state, Arc::clone(&plan)).await?;
    context.count(&context.reports);
    let produced: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let shown = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false).to_string();
    let mut rows = vec![("plan_with_metrics".to_owned(), shown)];
    rows.extend(scans(context));
    rows.push(("rows".to_owned(), produced.to_string()));
    table(rows)
}

fn scans(context: &StatementContext<'_>) -> Vec<(String, String)> {
    context.reports.all().iter().map(|r| (r.table.clone(), r.line())).collect()
}

fn table(rows: Vec<(String, String)>) -> Result<(SchemaRef, RecordBatch)> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("plan_type", DataType::Utf8, false),
        Field::new("plan", DataType::Utf8, false),
    ]));
    let (kinds, plans): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(kinds)), Arc::new(StringArray::from(plans))];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok((schema, batch))
}
