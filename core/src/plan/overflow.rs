//! Integer arithmetic that fails where it would wrap.
//!
//! DataFusion's default is to wrap: `SET balance = balance * 2` would store a wrong number without a word.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// Makes the arithmetic of projections, so also of SET, fail on overflow. It runs before projections are
/// pushed into scans.
#[derive(Debug)]
pub struct FailOnOverflow;

impl PhysicalOptimizerRule for FailOnOverflow {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(projection) = node.downcast_ref::<ProjectionExec>() else {
                return Ok(Transformed::no(node));
            };
            let mut changed = false;
            let mut exprs = Vec::with_capacity(projection.expr().len());
            for item in projection.expr() {
                let checked = checked(Arc::clone(&item.expr))?;
                changed |= checked.transformed;
                exprs.push(ProjectionExpr { expr: checked.data, alias: item.alias.clone() });
            }
            if !changed {
                return Ok(Transformed::no(node));
            }
            let input = Arc::clone(projection.input());
            Ok(Transformed::yes(Arc::new(ProjectionExec::try_new(exprs, input)?) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "fail_on_overflow"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// `expr` with integer arithmetic that fails on overflow.
pub fn checked(expr: Arc<dyn PhysicalExpr>) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
    expr.transform_up(|node| {
        let Some(binary) = node.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(node)) };
        let failing = binary.clone().with_fail_on_overflow(true);
        Ok(Transformed::yes(Arc::new(failing) as Arc<dyn PhysicalExpr>))
    })
}
