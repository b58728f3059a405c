//! Choosing an index for hot rows: what of a predicate an index can search, and as which bytes.

use arrow::array::{Array, ArrayRef};
use datafusion::scalar::ScalarValue;

use crate::catalog::{IndexDef, TableDef};
use crate::error::Result;
use crate::hot::ordered::{ByteRange, IndexSearch};
use crate::key::KeyEncoder;
use crate::manifest::{Values, Wanted};
use crate::types::ColumnId;

/// A search looks at so many ranges at most.
const MAX_RANGES: usize = 256;

/// The first byte of the encoding of any value but NULL, see `arrow::row`.
const NOT_NULL: u8 = 1;

/// How to search the best index of `def` for what `wanted` demands; `None` when none helps.
#[must_use]
pub fn search(def: &TableDef, wanted: &[Wanted]) -> Option<IndexSearch> {
    let searches = def.indexes.iter().filter_map(|index| of_index(def, index, wanted).ok().flatten());
    // The most columns by equality, then a range besides.
    searches.max_by_key(|(columns, _)| *columns).map(|(_, search)| search)
}

/// How many columns it narrows, a range counting half, and how.
fn of_index(def: &TableDef, index: &IndexDef, wanted: &[Wanted]) -> Result<Option<(usize, IndexSearch)>> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut ranges: Option<Vec<ByteRange>> = None;
    let mut narrowed = 0;
    for id in &index.columns {
        match values_of(*id, wanted) {
            Some(Values::OneOf(values)) if prefixes.len() * values.len() <= MAX_RANGES => {
                let parts = encode(values)?;
                let longer = |prefix: &Vec<u8>| -> Vec<Vec<u8>> {
                    parts.iter().map(|part| [prefix.as_slice(), part].concat()).collect()
                };
                prefixes = prefixes.iter().flat_map(longer).collect();
                narrowed += 2;
            }
            Some(Values::Within(low, high)) if has_ranges(def, *id) => {
                let end = |end: &Option<ScalarValue>| -> Result<Option<Vec<u8>>> {
                    let Some(end) = end else { return Ok(None) };
                    Ok(encode(&end.to_array()?)?.pop())
                };
                let low = end(low)?.unwrap_or_else(|| vec![NOT_NULL]);
                let high = end(high)?.unwrap_or_default();
                let between = |prefix: &Vec<u8>| {
                    ByteRange::between(
                        [prefix.as_slice(), &low].concat(),
                        [prefix.as_slice(), &high].concat(),
                    )
                };
                ranges = Some(prefixes.iter().map(between).collect());
                narrowed += 1;
                break;
            }
            _ => break,
        }
    }
    if narrowed == 0 {
        return Ok(None);
    }
    let ranges = ranges.unwrap_or_else(|| {
        prefixes.into_iter().map(|prefix| ByteRange::between(prefix.clone(), prefix)).collect()
    });
    let search = IndexSearch { name: index.name.clone(), columns: index.columns.clone(), ranges };
    Ok(Some((narrowed, search)))
}

/// What a column has to be, equality before ranges.
fn values_of(id: ColumnId, wanted: &[Wanted]) -> Option<&Values> {
    let of_column = || wanted.iter().filter(|w| w.column == id).map(|w| &w.values);
    let lists = of_column().find(|values| matches!(values, Values::OneOf(list) if !list.is_empty()));
    lists.or_else(|| of_column().find(|values| matches!(values, Values::Within(..))))
}

/// Whether the order of a column's bytes is that in which it is compared: a NaN with a sign is not where the bytes
/// have every NaN.
fn has_ranges(def: &TableDef, id: ColumnId) -> bool {
    def.column_by_id(id).is_some_and(|column| !column.ty.arrow().is_floating())
}

/// The bytes of each value.
fn encode(values: &ArrayRef) -> Result<Vec<Vec<u8>>> {
    let rows = KeyEncoder::new(&[values.data_type().clone()])?.encode(std::slice::from_ref(values))?;
    Ok(rows.iter().map(|row| row.data().to_vec()).collect())
}
