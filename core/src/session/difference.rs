//! What is another in two results of one query.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::row::{Row, RowConverter, Rows, SortField};

use crate::error::Result;

/// Which rows came, changed and went; of one result after another. Of a row that changed it is what it is after.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Rows that were not there.
    pub inserted: RecordBatch,
    /// Rows whose key was there, with other values.
    pub updated: RecordBatch,
    /// Rows that are not there any more.
    pub deleted: RecordBatch,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.inserted, &self.updated, &self.deleted].iter().all(|rows| rows.num_rows() == 0)
    }
}

/// What is another in `after` than in `before`. Rows are told apart by the columns at `key`, if those tell every row
/// of a result from the others; else by all of their values, and then none is updated.
///
/// # Errors
/// `Internal` for types that have no order.
pub fn difference(before: &RecordBatch, after: &RecordBatch, key: Option<&[usize]>) -> Result<Difference> {
    let old = rows(before, None)?;
    let new = rows(after, None)?;
    let mut places = [Vec::new(), Vec::new(), Vec::new()];
    let keys = match key {
        Some(key) => Some((rows(before, Some(key))?, rows(after, Some(key))?)),
        None => None,
    };
    let by_key = keys.as_ref().and_then(|(old_keys, new_keys)| Some((unique(old_keys)?, unique(new_keys)?)));
    let [inserted, updated, deleted] = &mut places;
    match (by_key, &keys) {
        (Some((old_by_key, new_by_key)), Some((old_keys, new_keys))) => {
            for (at, key) in new_keys.iter().enumerate() {
                match old_by_key.get(&key) {
                    None => inserted.push(at),
                    Some(was) if old.row(*was) != new.row(at) => updated.push(at),
                    Some(_) => {}
                }
            }
            deleted.extend(
                old_keys
                    .iter()
                    .enumerate()
                    .filter(|(_, key)| !new_by_key.contains_key(key))
                    .map(|(at, _)| at),
            );
        }
        _ => {
            let mut counts: HashMap<Row<'_>, usize> = HashMap::new();
            for row in &old {
                *counts.entry(row).or_default() += 1;
            }
            for (at, row) in new.iter().enumerate() {
                match counts.get_mut(&row).filter(|count| **count > 0) {
                    Some(count) => *count -= 1,
                    None => inserted.push(at),
                }
            }
            for (at, row) in old.iter().enumerate() {
                if let Some(count) = counts.get_mut(&row).filter(|count| **count > 0) {
                    *count -= 1;
                    deleted.push(at);
                }
            }
        }
    }
    let [inserted, updated, deleted] = places;
    Ok(Difference {
        inserted: taken(after, inserted)?,
        updated: taken(after, updated)?,
        deleted: taken(before, deleted)?,
    })
}

fn rows(batch: &RecordBatch, columns: Option<&[usize]>) -> Result<Rows> {
    let columns: Vec<_> = match columns {
        Some(places) => places.iter().filter_map(|at| batch.columns().get(*at).cloned()).collect(),
        None => batch.columns().to_vec(),
    };
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    if columns.is_empty() {
        return Ok(converter.empty_rows(0, 0));
    }
    Ok(converter.convert_columns(&columns)?)
}

/// Where each row is; `None` when two are the same.
fn unique(rows: &Rows) -> Option<HashMap<Row<'_>, usize>> {
    let places: HashMap<Row<'_>, usize> = rows.iter().enumerate().map(|(at, row)| (row, at)).collect();
    (places.len() == rows.num_rows()).then_some(places)
}

fn taken(batch: &RecordBatch, places: Vec<usize>) -> Result<RecordBatch> {
    let places = places.into_iter().map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    Ok(take_record_batch(batch, &UInt32Array::from_iter_values(places))?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn batch(rows: &[(i64, &str)]) -> RecordBatch {
        let ids = Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id));
        let texts = StringArray::from_iter_values(rows.iter().map(|(_, text)| *text));
        RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("text", Arc::new(texts) as _)]).unwrap()
    }

    fn ids(batch: &RecordBatch) -> Vec<i64> {
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    fn found(before: &[(i64, &str)], after: &[(i64, &str)], key: Option<&[usize]>) -> [Vec<i64>; 3] {
        let difference = difference(&batch(before), &batch(after), key).unwrap();
        assert_eq!(
            difference.is_empty(),
            before == after || ids(&batch(before)).is_empty() && after.is_empty()
        );
        [ids(&difference.inserted), ids(&difference.updated), ids(&difference.deleted)]
    }

    #[test]
    fn rows_are_known_by_their_key() {
        let before = [(1, "a"), (2, "b"), (3, "c")];
        let after = [(4, "d"), (3, "c"), (2, "B")];
        assert_eq!(found(&before, &after, Some(&[0])), [vec![4], vec![2], vec![1]]);
        assert_eq!(found(&before, &before, Some(&[0])), [(); 3].map(|()| Vec::<i64>::new()));
        assert_eq!(found(&before, &[], Some(&[0])), [vec![], vec![], vec![1, 2, 3]]);
        assert_eq!(found(&[], &after, Some(&[0])), [vec![4, 3, 2], vec![], vec![]]);
    }

    #[test]
    fn without_a_key_equal_rows_are_counted() {
        let before = [(1, "a"), (1, "a"), (2, "b")];
        let after = [(1, "a"), (2, "c"), (2, "b"), (2, "b")];
        for key in [None, Some([0].as_slice())] {
            assert_eq!(found(&before, &after, key), [vec![2, 2], vec![], vec![1]], "{key:?}");
        }
    }
}
