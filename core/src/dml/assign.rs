//! Giving a value to a column.

use arrow::array::ArrayRef;

use crate::catalog::{ColumnDef, TableDef, convert};
use crate::error::Result;

/// `values` as values of `column`.
///
/// # Errors
/// `InvalidInput` naming table, column and the value that does not fit; `Constraint` for text that is too
/// long.
pub fn assign(def: &TableDef, column: &ColumnDef, values: &ArrayRef) -> Result<ArrayRef> {
    convert(values, column.ty)
        .map_err(|why| why.error(&format!("column {} of {} is {}", column.name, def.full_name(), column.ty)))
}
