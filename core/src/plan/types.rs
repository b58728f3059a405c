//! What the names of types mean in an expression, where DataFusion takes them otherwise.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast;

/// TIMESTAMP has microseconds, as in PostgreSQL and in the tables; DataFusion's has nanoseconds.
#[derive(Debug)]
pub struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>, DataFusionError> {
        let without_zone = matches!(
            sql_type,
            ast::DataType::Timestamp(None, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone)
        );
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        Ok(without_zone.then(|| Arc::new(Field::new("", micros, true))))
    }
}
