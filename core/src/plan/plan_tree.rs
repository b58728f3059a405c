//! `EXPLAIN (FORMAT JSON)`: the plan, what it took, and what became of each file, as one object.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::sql::sqlparser::ast;
use serde_json::{Map, Value, json};

use crate::catalog::ColumnType;
use crate::error::{Error, Result};
use crate::plan::direct::Direct;
use crate::plan::explain::Ran;
use crate::plan::names;
use crate::plan::paced::unpaced;
use crate::plan::statement::StatementContext;

/// What is written, if anything, the plan of `query`, and which files it would read.
///
/// # Errors
/// What planning reports.
pub(super) async fn explain(
    context: &StatementContext<'_>,
    write: Option<String>,
    query: Option<ast::Query>,
) -> Result<(SchemaRef, RecordBatch)> {
    context.reports.by_file();
    let mut told = Map::new();
    if let Some(write) = write {
        told.insert("write".to_owned(), write.into());
    }
    if let Some(mut query) = query {
        let plan = if let Some(direct) = Direct::of(context, &query) {
            direct.consider(context).await?;
            node(&direct.describe())
        } else {
            names::distinguish(&mut query);
            let state = context.state()?;
            let logical = context.logical(&state, query, Vec::new()).await?;
            tree(&state.create_physical_plan(&logical).await?, false)
        };
        told.insert("plan".to_owned(), plan.into());
    }
    told.insert("scans".to_owned(), scans(context, false));
    answer(told)
}

/// What a query that was run by `ran` took.
///
/// # Errors
/// `Internal`.
pub(super) fn explain_analyze(
    context: &StatementContext<'_>,
    ran: &Ran,
    rows: usize,
) -> Result<(SchemaRef, RecordBatch)> {
    let elapsed_ms = elapsed_ms(context);
    let plan = match ran {
        Ran::Planned(plan) => tree(plan, true),
        Ran::Direct(direct) => {
            let mut node = node(direct);
            node.insert("rows".to_owned(), rows.into());
            node.insert("elapsed_ms".to_owned(), elapsed_ms.into());
            node.insert("metrics".to_owned(), json!({}));
            node
        }
    };
    let told = [
        ("plan", plan.into()),
        ("scans", scans(context, true)),
        ("rows", rows.into()),
        ("elapsed_ms", elapsed_ms.into()),
    ];
    answer(told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What a statement that wrote took, and the direct plan that found its rows, if it was one.
///
/// # Errors
/// `Internal`.
pub(super) fn explain_write(
    context: &StatementContext<'_>,
    write: String,
    direct: Option<String>,
    counts: &[(&'static str, u64)],
) -> Result<(SchemaRef, RecordBatch)> {
    let told = [
        ("write", write.into()),
        ("scans", scans(context, true)),
        ("elapsed_ms", elapsed_ms(context).into()),
    ];
    let plan = direct.map(|direct| ("plan", node(&direct).into()));
    let counts = counts.iter().map(|(name, count)| (*name, Value::from(*count)));
    let told = told.into_iter().chain(plan).chain(counts);
    answer(told.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn answer(told: Map<String, Value>) -> Result<(SchemaRef, RecordBatch)> {
    let schema = Arc::new(Schema::new(vec![ColumnType::Json.field("plan", false)]));
    let text =
        serde_json::to_string(&told).map_err(|e| Error::internal("a plan is no JSON").with_source(e))?;
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column])?;
    Ok((schema, batch))
}

/// Since the statement began, in milliseconds.
fn elapsed_ms(context: &StatementContext<'_>) -> f64 {
    let micros = context.pace.now_micros().saturating_sub(context.now_micros).max(0);
    #[expect(clippy::cast_precision_loss, reason = "microseconds of centuries are exact")]
    let micros = micros as f64;
    micros / 1000.0
}

/// One operator of its line `operator: detail`.
fn node(line: &str) -> Map<String, Value> {
    let line = names::show(line.trim());
    let (operator, detail) = line.split_once(": ").unwrap_or((&line, ""));
    let parts = [("operator", operator.into()), ("detail", detail.into()), ("children", json!([]))];
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// An operator and those below it.
fn tree(plan: &Arc<dyn ExecutionPlan>, measured: bool) -> Map<String, Value> {
    let plan = unpaced(plan);
    let mut node = node(&displayable(plan.as_ref()).one_line().to_string());
    // What is in front of a colon need not be the name.
    if node.get("operator").is_none_or(|operator| operator != plan.name()) {
        let line = names::show(displayable(plan.as_ref()).one_line().to_string().trim());
        let detail = line.strip_prefix(plan.name()).unwrap_or(&line).trim_start().to_owned();
        node.insert("detail".to_owned(), detail.into());
        node.insert("operator".to_owned(), plan.name().into());
    }
    if measured {
        measure(plan.as_ref(), &mut node);
    }
    let children = plan.children().into_iter().map(|child| Value::from(tree(child, measured)));
    node.insert("children".to_owned(), children.collect());
    node
}

/// Adds what `plan` took to its node. A time is in milliseconds, and its name says so.
fn measure(plan: &dyn ExecutionPlan, node: &mut Map<String, Value>) {
    let mut metrics = Map::new();
    let found = plan.metrics().map(|found| found.aggregate_by_name().timestamps_removed());
    for metric in found.iter().flat_map(|found| found.iter()) {
        let (name, count) = (metric.value().name().to_owned(), metric.value().as_usize());
        match metric.value() {
            MetricValue::OutputRows(_) => node.insert("rows".to_owned(), count.into()),
            MetricValue::ElapsedCompute(_) => node.insert("elapsed_ms".to_owned(), ms(count).into()),
            MetricValue::Time { .. } => metrics.insert(format!("{name}_ms"), ms(count).into()),
            MetricValue::PruningMetrics { pruning_metrics: of, .. } => {
                metrics.insert(name, json!({ "pruned": of.pruned(), "matched": of.matched() }))
            }
            MetricValue::Ratio { ratio_metrics: of, .. } => {
                metrics.insert(name, json!({ "part": of.part(), "total": of.total() }))
            }
            _ => metrics.insert(name, count.into()),
        };
    }
    node.insert("metrics".to_owned(), metrics.into());
}

fn ms(nanos: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "so long no statement runs")]
    let nanos = nanos as f64;
    nanos / 1_000_000.0
}

/// What was considered, left out and read of each table.
fn scans(context: &StatementContext<'_>, was_run: bool) -> Value {
    let scans = context.reports.all().into_iter().map(|report| {
        let counts = report.counts();
        let count = |name: &str| counts.iter().find(|(of, _)| *of == name).map_or(0, |(_, count)| *count);
        let files = report.outcomes(was_run).into_iter();
        let files = files.map(|(number, outcome)| json!({ "number": number, "outcome": outcome }));
        let mut scan = Map::new();
        scan.insert("table".to_owned(), report.table.as_str().into());
        scan.insert("scope".to_owned(), report.scope().into());
        scan.insert("hot_rows".to_owned(), count("hot_rows").into());
        scan.insert("rows_hidden".to_owned(), count("rows_hidden").into());
        scan.insert("files".to_owned(), files.collect());
        if let Some(index) = report.index() {
            scan.insert("index".to_owned(), index.into());
        }
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), Value::from(*count)));
        scan.insert("counts".to_owned(), counts.collect::<Map<_, _>>().into());
        Value::from(scan)
    });
    scans.collect()
}
