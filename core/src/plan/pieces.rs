//! Joins that come back soon.
//!
//! A join asks for the next batch of its probe side when it has gone through the last with every row of its
//! build side, and makes no pause in between unless it has rows to give. Where its filter keeps none, as in
//! `FROM a, b WHERE a.x + b.x < 0`, that is a batch times a whole table. So a probe side is given to it in
//! pieces that it is done with in one slice of [`Pace`].

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, replace_children_if_necessary};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, stream};

use crate::error::Error;
use crate::pace::{Pace, SLICE_MICROS};

/// Rows of the first piece: a join may well have a million rows on its other side.
const FIRST: usize = 16;
/// A piece is at most so many times the one before.
const GROWTH: usize = 4;

/// `join` with its probe side in pieces, if it is a join that probes.
///
/// # Errors
/// What DataFusion says of the changed plan.
pub fn probed_in_pieces(join: Arc<dyn ExecutionPlan>, pace: &Pace) -> Result<Arc<dyn ExecutionPlan>> {
    if !join.is::<NestedLoopJoinExec>() && !join.is::<HashJoinExec>() {
        return Ok(join);
    }
    let mut children: Vec<_> = join.children().into_iter().cloned().collect();
    // The right side of both is the one that is streamed.
    if let Some(probe) = children.pop() {
        children.push(Arc::new(PiecesExec { input: probe, pace: pace.clone() }));
    }
    replace_children_if_necessary(join, children)
}

/// The rows of its input, in batches as large as whoever asks for them is quick.
#[derive(Debug)]
struct PiecesExec {
    input: Arc<dyn ExecutionPlan>,
    pace: Pace,
}

impl DisplayAs for PiecesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PiecesExec")
    }
}

impl ExecutionPlan for PiecesExec {
    fn name(&self) -> &'static str {
        "PiecesExec"
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
        let input = children.pop().ok_or_else(|| Error::internal("PiecesExec has one input"))?;
        Ok(Arc::new(Self { input, pace: self.pace.clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let state = Pieces { input, rest: None, size: Size(FIRST), given_at: None, pace: self.pace.clone() };
        let pieces = stream::try_unfold(state, |mut state| async {
            Ok::<_, DataFusionError>(state.next().await?.map(|piece| (piece, state)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), pieces)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

struct Pieces {
    input: SendableRecordBatchStream,
    rest: Option<RecordBatch>,
    size: Size,
    /// When the last piece was given, microseconds.
    given_at: Option<i64>,
    pace: Pace,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(given_at) = self.given_at.take() {
            self.size.learn(self.pace.now_micros() - given_at);
            self.pace.step().await?;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.input.next().await.transpose()? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        let rows = self.size.0.min(batch.num_rows());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        self.given_at = Some(self.pace.now_micros());
        Ok(Some(batch.slice(0, rows)))
    }
}

/// Rows of the next piece.
struct Size(usize);

impl Size {
    /// Fits the next piece to how long the last one took.
    fn learn(&mut self, took_micros: i64) {
        let took = usize::try_from(took_micros).unwrap_or(0).max(1);
        let slice = usize::try_from(SLICE_MICROS).unwrap_or(usize::MAX);
        let fitting = self.0.saturating_mul(slice) / took;
        self.0 = fitting.clamp(1, self.0.saturating_mul(GROWTH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_as_large_as_fits_a_slice() {
        let mut size = Size(FIRST);
        let mut after = |took_micros| {
            size.learn(took_micros);
            size.0
        };
        assert_eq!(after(0), 64, "never more than four times the last");
        assert_eq!(after(SLICE_MICROS / 2), 128);
        assert_eq!(after(SLICE_MICROS * 4), 32);
        assert_eq!(after(SLICE_MICROS * 1000), 1, "and never nothing");
        assert_eq!(after(-5), 4, "a clock that was set back says nothing");
    }
}
