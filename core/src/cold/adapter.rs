//! Columns by field id: what lets a table rename, drop and add columns over files that stay as they are.
//!
//! DataFusion resolves the columns of a file by name. Between ALTERs a name may mean another column
//! (dropped and added again), and a column may go by another name; only the field id tells. A column
//! that the file does not have reads as its missing value, a default included.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use datafusion::scalar::ScalarValue;

use crate::cold::schema::{FileSchema, SEQ_COLUMN, SEQ_ID, positions};
use crate::error::Error;
use crate::types::ColumnId;

/// Makes adapters for the files of one table, as one schema version sees them.
#[derive(Debug, Clone)]
pub struct FieldIdAdapterFactory {
    columns: Arc<Columns>,
}

/// What the names of a scan mean, and what the columns are in files that do not have them.
#[derive(Debug)]
struct Columns {
    ids: HashMap<String, ColumnId>,
    missing: HashMap<ColumnId, ScalarValue>,
}

impl FieldIdAdapterFactory {
    /// A factory for scans whose columns have the names that they have in `schema`. The fields of a scan need
    /// no ids: in a query they would be in the way wherever fields are compared.
    #[must_use]
    pub fn new(schema: &FileSchema) -> Self {
        let named = schema.columns.iter().map(|c| (c.name.clone(), c.id));
        let ids = named.chain([(SEQ_COLUMN.to_owned(), SEQ_ID)]).collect();
        let missing = schema.columns.iter().map(|c| (c.id, c.missing.clone())).collect();
        Self { columns: Arc::new(Columns { ids, missing }) }
    }
}

impl PhysicalExprAdapterFactory for FieldIdAdapterFactory {
    fn create(
        &self,
        logical: SchemaRef,
        physical: SchemaRef,
    ) -> DataFusionResult<Arc<dyn PhysicalExprAdapter>> {
        let positions = positions(&physical);
        Ok(Arc::new(FieldIdAdapter { logical, physical, positions, columns: Arc::clone(&self.columns) }))
    }
}

#[derive(Debug)]
struct FieldIdAdapter {
    logical: SchemaRef,
    physical: SchemaRef,
    positions: HashMap<ColumnId, usize>,
    columns: Arc<Columns>,
}

impl PhysicalExprAdapter for FieldIdAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        expr.transform(|node| match node.downcast_ref::<Column>() {
            Some(column) => self.column(column).map(Transformed::yes),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }
}

impl FieldIdAdapter {
    fn column(&self, column: &Column) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        let unknown = || -> DataFusionError {
            Error::internal(format!("column {} is scanned, but the table has none", column.name())).into()
        };
        // Names, not positions: an expression may have been numbered for a projection.
        let (_, logical) = self.logical.fields().find(column.name()).ok_or_else(unknown)?;
        let id = *self.columns.ids.get(column.name()).ok_or_else(unknown)?;
        match self.positions.get(&id).and_then(|at| self.physical.fields().get(*at).map(|f| (*at, f))) {
            Some((at, physical)) => Ok(self.stored(logical, at, physical)),
            None => {
                let value = self.columns.missing.get(&id).ok_or_else(unknown)?;
                let metadata = Some(FieldMetadata::from(logical.as_ref()));
                Ok(Arc::new(Literal::new_with_metadata(value.cast_to(logical.data_type())?, metadata)))
            }
        }
    }

    fn stored(&self, logical: &FieldRef, at: usize, physical: &FieldRef) -> Arc<dyn PhysicalExpr> {
        let column = Arc::new(Column::new(physical.name(), at));
        if logical.data_type() == physical.data_type() {
            return column;
        }
        Arc::new(CastExpr::new_with_target_field(column, Arc::clone(logical), None))
    }
}
