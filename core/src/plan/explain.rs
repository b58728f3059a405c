//! `EXPLAIN` and `EXPLAIN ANALYZE`, as rows of text or, by [`plan_tree`], as one object.
//!
//! The plan is drained here and its metrics rendered from the plan, because DataFusion's own operator for
//! it spawns tasks, which WebAssembly has not.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::sql::sqlparser::ast;
use futures::TryStreamExt;

use crate::error::Result;
use crate::plan::direct::Direct;
use crate::plan::statement::StatementContext;
use crate::plan::{names, plan_tree};
use crate::sql::PlanFormat;

/// What is written, if anything, then the logical and the physical plan of `query`, or the direct plan it is
/// run by.
///
/// # Errors
/// What planning reports.
pub async fn explain(
    context: &StatementContext<'_>,
    format: PlanFormat,
    write: Option<String>,
    query: Option<ast::Query>,
) -> Result<(SchemaRef, RecordBatch)> {
    if format == PlanFormat::Json {
        return plan_tree::explain(context, write, query).await;
    }
    let mut rows: Vec<(String, String)> = write.into_iter().map(|what| ("write".to_owned(), what)).collect();
    let Some(mut query) = query else { return table(rows) };
    if let Some(direct) = Direct::of(context, &query) {
        context.who.expect_may_read(direct.table())?;
        rows.push(("direct_plan".to_owned(), direct.describe()));
        return table(rows);
    }
    names::distinguish(&mut query);
    let state = context.state()?;
    let logical = context.logical(&state, query, Vec::new()).await?;
    let optimized = state.optimize(&logical)?;
    let physical = state.create_physical_plan(&logical).await?;
    rows.push(("logical_plan".to_owned(), names::show(&optimized.display_indent().to_string())));
    rows.push((
        "physical_plan".to_owned(),
        names::show(&displayable(physical.as_ref()).indent(false).to_string()),
    ));
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
    format: PlanFormat,
    query: ast::Query,
) -> Result<(SchemaRef, RecordBatch)> {
    if format == PlanFormat::Json {
        context.reports.by_file();
    }
    let (ran, produced) = run(context, query).await?;
    if format == PlanFormat::Json {
        return plan_tree::explain_analyze(context, &ran, produced);
    }
    let (kind, plan) = match ran {
        Ran::Direct(direct) => ("direct_plan", direct),
        Ran::Planned(plan) => {
            let metrics = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false).to_string();
            ("plan_with_metrics", names::show(&metrics))
        }
    };
    let mut rows = vec![(kind.to_owned(), plan)];
    rows.extend(scans(context));
    rows.push(("rows".to_owned(), produced.to_string()));
    table(rows)
}

/// By what a query was run.
pub(super) enum Ran {
    /// A direct plan, as it says what it does.
    Direct(String),
    /// A plan of DataFusion's, with its metrics.
    Planned(Arc<dyn ExecutionPlan>),
}

/// Runs `query`, and counts its rows.
async fn run(context: &StatementContext<'_>, mut query: ast::Query) -> Result<(Ran, usize)> {
    let mut produced = 0;
    let ran = match Direct::of(context, &query) {
        Some(direct) => {
            let (_, mut batches) = direct.stream(context).await?;
            while let Some(batch) = batches.try_next().await? {
                produced += batch.num_rows();
            }
            Ran::Direct(direct.describe())
        }
        None => {
            names::distinguish(&mut query);
            let (plan, state) = context.physical(query, Vec::new()).await?;
            let mut batches = context.planner.execute(&state, Arc::clone(&plan))?;
            while let Some(batch) = batches.try_next().await? {
                produced += batch.num_rows();
            }
            Ran::Planned(plan)
        }
    };
    context.reports.count_in(&context.tiers.stats);
    Ok((ran, produced))
}

/// What a statement that was run wrote to and read, by which plan, and `counts` of it.
///
/// # Errors
/// What planning reports.
pub async fn explain_write(
    context: &StatementContext<'_>,
    format: PlanFormat,
    write: String,
    query: Option<ast::Query>,
    counts: &[(&'static str, u64)],
) -> Result<(SchemaRef, RecordBatch)> {
    if format == PlanFormat::Json {
        let direct = query.as_ref().and_then(|query| Direct::of(context, query));
        return plan_tree::explain_write(context, write, direct.map(|direct| direct.describe()), counts);
    }
    // Planning again would count what it looks at to what the statement read.
    let scans = scans(context);
    let mut rows = vec![("write".to_owned(), write)];
    if let Some(mut query) = query {
        if let Some(direct) = Direct::of(context, &query) {
            rows.push(("direct_plan".to_owned(), direct.describe()));
        } else {
            names::distinguish(&mut query);
            let state = context.state()?;
            let logical = state.optimize(&context.logical(&state, query, Vec::new()).await?)?;
            rows.push(("logical_plan".to_owned(), names::show(&logical.display_indent().to_string())));
        }
    }
    rows.extend(scans);
    rows.extend(counts.iter().map(|(what, count)| ((*what).to_owned(), count.to_string())));
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
