//! Partitions one after the other, for engines that have no threads.
//!
//! DataFusion's `CoalescePartitionsExec` spawns a task per partition, which panics where there is no
//! runtime, as in WebAssembly. With one target partition there is nothing to gain from it either.

use std::sync::Arc;
use std::task::Poll;

use arrow::array::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, EvaluationType, SchedulingType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Error;

/// Replaces what spawns a task per partition by [`SequentialExec`].
#[derive(Debug)]
pub struct RunSequentially;

impl PhysicalOptimizerRule for RunSequentially {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let sequential = node
                .downcast_ref::<CoalescePartitionsExec>()
                .map(|c| SequentialExec::new(Arc::clone(c.input()), c.fetch()));
            Ok(match sequential {
                Some(plan) => Transformed::yes(Arc::new(plan) as Arc<dyn ExecutionPlan>),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "run_sequentially"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The rows of every partition of its input; a partition is read ahead of an earlier one only while that
/// one waits.
#[derive(Debug, Clone)]
pub struct SequentialExec {
    input: Arc<dyn ExecutionPlan>,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl SequentialExec {
    /// Reads `input`, at most `fetch` rows of it.
    #[must_use]
    pub fn new(input: Arc<dyn ExecutionPlan>, fetch: Option<usize>) -> Self {
        let mut equivalences = input.equivalence_properties().clone();
        equivalences.clear_orderings();
        equivalences.clear_per_partition_constants();
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        )
        .with_evaluation_type(EvaluationType::Lazy)
        .with_scheduling_type(SchedulingType::NonCooperative);
        Self { input, fetch, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SequentialExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fetch {
            Some(fetch) => write!(f, "SequentialExec: fetch={fetch}"),
            None => f.write_str("SequentialExec"),
        }
    }
}

impl ExecutionPlan for SequentialExec {
    fn name(&self) -> &'static str {
        "SequentialExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        let input = children.pop().ok_or_else(|| Error::internal("SequentialExec has one input"))?;
        Ok(Arc::new(Self::new(input, self.fetch)))
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let partitions = self.input.output_partitioning().partition_count();
        let mut streams = (0..partitions)
            .map(|partition| self.input.execute(partition, Arc::clone(&context)))
            .collect::<Result<Vec<_>>>()?;
        // One after the other, but past one that waits: partitions of a hash join wait for each other
        // before the first of them yields anything.
        let all = stream::poll_fn(move |cx| {
            let mut at = 0;
            while let Some(partition) = streams.get_mut(at) {
                match partition.poll_next_unpin(cx) {
                    Poll::Ready(Some(batch)) => return Poll::Ready(Some(batch)),
                    Poll::Ready(None) => drop(streams.remove(at)),
                    Poll::Pending => at += 1,
                }
            }
            if streams.is_empty() { Poll::Ready(None) } else { Poll::Pending }
        });
        let mut left = self.fetch.unwrap_or(usize::MAX);
        let limited = all.try_filter_map(move |batch| {
            let taken: RecordBatch = batch.slice(0, batch.num_rows().min(left));
            left -= taken.num_rows();
            async move { Ok((taken.num_rows() > 0).then_some(taken)) }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), limited)))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// The rows of `plan`, its partitions one after the other.
///
/// # Errors
/// What starting the plan reports; with the rows, what running it reports.
pub fn execute_sequentially(
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    SequentialExec::new(plan, None).execute(0, context)
}
