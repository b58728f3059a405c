//! What the names of types mean in an expression: what they mean in a table.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast;

use crate::sql::column_type;

/// The types of columns, where DataFusion takes their names otherwise or does not know them: TIMESTAMP has
/// microseconds, FLOAT is DOUBLE PRECISION, UUID and JSON are there.
#[derive(Debug)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>, DataFusionError> {
        use ast::DataType as T;
        match (column_type(sql_type), sql_type) {
            (Ok(ty), _) => Ok(Some(Arc::new(ty.field("", true)))),
            // DataFusion would take these for something else, or say nothing of what there is.
            (Err(e), T::Varchar(_) | T::Numeric(_) | T::Decimal(_) | T::Dec(_) | T::JSONB) => Err(e.into()),
            // An expression may have types that no column has.
            (Err(_), _) => Ok(None),
        }
    }
}
