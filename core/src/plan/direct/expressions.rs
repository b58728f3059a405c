//! Expressions over one row of one table, planned by DataFusion one at a time.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use crate::catalog::TableDef;
use crate::plan::literal::parameter;
use crate::plan::planner::Planner;
use crate::plan::statement::StatementContext;

/// Plans expressions over the columns of a table. What it answers `None` to needs more than a row: an
/// aggregate, a subquery; or it is wrong, and the planner says how.
pub struct Expressions<'a> {
    planner: &'a Planner,
    params: &'a [ScalarValue],
    now_micros: i64,
    schema: Option<DFSchema>,
}

impl<'a> Expressions<'a> {
    pub fn new(context: &StatementContext<'a>, def: &TableDef, alias: &str) -> Self {
        let schema = DFSchema::try_from_qualified_schema(TableReference::bare(alias), &def.arrow_schema());
        Self {
            planner: context.planner,
            params: context.params,
            now_micros: context.now_micros,
            schema: schema.ok(),
        }
    }

    /// A condition, of type BOOLEAN.
    pub fn condition(&mut self, expr: &ast::Expr) -> Option<Arc<dyn PhysicalExpr>> {
        let schema = self.schema.as_ref()?;
        let expr = self.physical(expr)?;
        (expr.data_type(schema.as_arrow()).ok()? == DataType::Boolean).then_some(expr)
    }

    /// A value with its type, and whether it may be NULL; arithmetic in it fails on overflow.
    pub fn value(&mut self, expr: &ast::Expr) -> Option<(Arc<dyn PhysicalExpr>, FieldRef)> {
        let schema = self.schema.as_ref()?.as_arrow();
        let expr = self.physical(expr)?;
        let field = expr.return_field(schema).ok()?;
        Some((expr, field))
    }

    fn physical(&self, expr: &ast::Expr) -> Option<Arc<dyn PhysicalExpr>> {
        let schema = self.schema.as_ref()?;
        let expr = self.planner.expression(expr, schema).ok()?;
        let expr = bind(expr, self.params)?;
        if expr.exists(|e| Ok(!is_of_the_row(e))).ok()? {
            return None;
        }
        let expr = self.planner.simplified(expr, schema, self.now_micros).ok()?;
        // The time is a constant by now; what is drawn anew for each row is the planner's.
        if expr.exists(|e| Ok(!is_immutable(e))).ok()? {
            return None;
        }
        self.planner.physical_expression(expr, schema).ok()
    }
}

fn bind(expr: Expr, params: &[ScalarValue]) -> Option<Expr> {
    let mut complete = true;
    let bound = expr.transform_up(|e| {
        let Expr::Placeholder(placeholder) = &e else { return Ok(Transformed::no(e)) };
        match parameter(params, &placeholder.id) {
            Ok(value) => Ok(Transformed::yes(Expr::Literal(value, None))),
            Err(_) => {
                complete = false;
                Ok(Transformed::no(e))
            }
        }
    });
    bound.data().ok().filter(|_| complete)
}

/// Whether the node needs nothing but the row's columns.
fn is_of_the_row(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::ScalarFunction(_)
            | Expr::Alias(_)
            | Expr::Column(_)
            | Expr::Literal(..)
            | Expr::BinaryExpr(_)
            | Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::Not(_)
            | Expr::IsNotNull(_)
            | Expr::IsNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Negative(_)
            | Expr::Between(_)
            | Expr::Case(_)
            | Expr::Cast(_)
            | Expr::TryCast(_)
            | Expr::InList(_)
    )
}

fn is_immutable(expr: &Expr) -> bool {
    match expr {
        Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Immutable,
        _ => true,
    }
}
