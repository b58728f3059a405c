//! Checks on the rows a statement is about to write: NOT NULL, and one row per key.

use arrow::array::{Array, ArrayRef};
use arrow::row::Rows;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hashbrown::HashMap;

use crate::catalog::TableDef;
use crate::error::{Error, Result};
use crate::scan::TableReads;

/// Refuses NULL in columns that may not be NULL. `columns` are the table's, in order.
///
/// # Errors
/// `Constraint` naming table and column.
pub fn check_not_null(def: &TableDef, columns: &[ArrayRef]) -> Result<()> {
    for (column, values) in def.columns.iter().zip(columns) {
        if !column.nullable && values.null_count() > 0 {
            return Err(Error::constraint(format!(
                "column {} of {} may not be NULL",
                column.name,
                def.full_name()
            )));
        }
    }
    Ok(())
}

/// The key columns among the columns of `def`, in key order.
#[must_use]
pub fn key_arrays(def: &TableDef, columns: &[ArrayRef]) -> Vec<ArrayRef> {
    def.key_columns().into_iter().filter_map(|i| columns.get(i).cloned()).collect()
}

/// The first row whose key an earlier row of the same rows has.
#[must_use]
pub fn first_repeat(keys: &Rows) -> Option<usize> {
    let mut seen = HashMap::with_capacity(keys.num_rows());
    keys.iter().enumerate().find_map(|(row, key)| seen.insert(key.data(), row).is_some().then_some(row))
}

/// Whether each key has a row that the statement sees: `Some(cold)` if so.
///
/// # Errors
/// What reading the cold tier reports.
pub async fn existing(reads: &TableReads, keys: &Rows, columns: &[ArrayRef]) -> Result<Vec<Option<bool>>> {
    let (versions, cold) = reads.versions_of(keys)?;
    let mut found = vec![None; keys.num_rows()];
    let mut unknown = Vec::new();
    for (row, version) in versions.into_iter().enumerate() {
        match version {
            Some(version) if !version.is_deleted() => {
                if let Some(slot) = found.get_mut(row) {
                    *slot = Some(false);
                }
            }
            Some(_) => {}
            None => unknown.push(row),
        }
    }
    if unknown.is_empty() || cold.is_empty() {
        return Ok(found);
    }
    let all = unknown.len() == keys.num_rows();
    let sought: Vec<ArrayRef> = if all {
        columns.to_vec()
    } else {
        let indices = arrow::array::UInt64Array::from_iter_values(unknown.iter().map(|r| *r as u64));
        columns.iter().map(|c| arrow::compute::take(c, &indices, None)).collect::<Result<_, _>>()?
    };
    let located = reads.find_cold(&cold, &sought).await?;
    for (row, position) in unknown.into_iter().zip(located.positions) {
        if let (Some(slot), Some(_)) = (found.get_mut(row), position) {
            *slot = Some(true);
        }
    }
    Ok(found)
}

/// The error of a row whose key is in the table, naming the key's columns and values.
#[must_use]
pub fn duplicate(def: &TableDef, key_columns: &[ArrayRef], row: usize) -> Error {
    let key = shown_key(def, key_columns, row);
    Error::constraint(format!("a row with the primary key {key} is already in {}", def.full_name()))
}

/// The error of a row whose key an earlier row of the same statement has.
#[must_use]
pub fn repeated(def: &TableDef, key_columns: &[ArrayRef], row: usize) -> Error {
    let key = shown_key(def, key_columns, row);
    Error::constraint(format!(
        "two rows of the statement have the primary key {key}, of which {} can have one",
        def.full_name()
    ))
}

/// `(columns) = (values)` of a key.
fn shown_key(def: &TableDef, key_columns: &[ArrayRef], row: usize) -> String {
    let columns = def.columns.iter();
    let names: Vec<&str> = def
        .primary_key
        .iter()
        .filter_map(|id| columns.clone().find(|c| c.id == *id))
        .map(|c| c.name.as_str())
        .collect();
    let values: Vec<String> = key_columns.iter().map(|c| show(c, row)).collect();
    format!("({}) = ({})", names.join(", "), values.join(", "))
}

fn show(column: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options);
    formatter.map_or_else(|_| "?".to_owned(), |f| f.value(row).to_string())
}
