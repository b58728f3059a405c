//! Pauses in a physical plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, replace_children_if_necessary};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use crate::error::Error;
use crate::pace::Pace;
use crate::plan::pieces::pieces;

/// `plan` with a pause after each batch of what produces rows: leaves, and joins, which can make many rows
/// of few.
///
/// # Errors
/// What DataFusion says of the changed plan.
pub fn paced(plan: Arc<dyn ExecutionPlan>, pace: &Pace) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if !node.children().is_empty() && !node.name().ends_with("JoinExec") {
            return Ok(Transformed::no(node));
        }
        let paced = PacedExec { input: probed_in_pieces(node, pace)?, pace: pace.clone(), in_pieces: false };
        Ok(Transformed::yes(Arc::new(paced) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

/// What `plan` is but for pauses.
pub fn unpaced(mut plan: &Arc<dyn ExecutionPlan>) -> &Arc<dyn ExecutionPlan> {
    while plan.is::<PacedExec>()
        && let Some(input) = plan.children().into_iter().next()
    {
        plan = input;
    }
    plan
}

/// `join` with its probe side in pieces, if it is a join that probes.
fn probed_in_pieces(join: Arc<dyn ExecutionPlan>, pace: &Pace) -> Result<Arc<dyn ExecutionPlan>> {
    if !join.is::<NestedLoopJoinExec>() && !join.is::<HashJoinExec>() {
        return Ok(join);
    }
    let mut children: Vec<_> = join.children().into_iter().cloned().collect();
    // The right side of both is the one that is streamed.
    if let Some(input) = children.pop() {
        children.push(Arc::new(PacedExec { input, pace: pace.clone(), in_pieces: true }));
    }
    replace_children_if_necessary(join, children)
}

/// The rows of its input, with pauses.
#[derive(Debug)]
struct PacedExec {
    input: Arc<dyn ExecutionPlan>,
    pace: Pace,
    /// In batches that fit a slice of the pace.
    in_pieces: bool,
}

impl DisplayAs for PacedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PacedExec")
    }
}

impl ExecutionPlan for PacedExec {
    fn name(&self) -> &'static str {
        "PacedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| Error::internal("PacedExec has one input"))?;
        Ok(Arc::new(Self { input, pace: self.pace.clone(), in_pieces: self.in_pieces }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, context)?;
        let pace = self.pace.clone();
        if self.in_pieces {
            return Ok(pieces(rows, pace));
        }
        let paced = rows.then(move |batch: Result<RecordBatch>| {
            let pace = pace.clone();
            async move {
                let batch = batch?;
                pace.step().await?;
                Ok(batch)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), paced)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}
