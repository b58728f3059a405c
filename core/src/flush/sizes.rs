//! How many bytes each row of a batch has, to cut blocks and files where rows differ in size.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::{ArrowNativeType, DataType};

/// Bytes of a value whose type says none, and of what goes with one: its offset, its bit of NULL.
const OTHER_BYTES: usize = 8;

/// The bytes of each row, about as many as they take in memory.
#[must_use]
pub fn row_sizes(batch: &RecordBatch) -> Vec<usize> {
    let mut sizes = vec![0; batch.num_rows()];
    for column in batch.columns() {
        for (total, size) in sizes.iter_mut().zip(value_sizes(column)) {
            *total += size;
        }
    }
    sizes
}

fn value_sizes(values: &ArrayRef) -> Vec<usize> {
    match values.data_type() {
        DataType::Utf8 => lengths(values.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => lengths(values.as_string::<i64>().value_offsets()),
        DataType::Binary => lengths(values.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => lengths(values.as_binary::<i64>().value_offsets()),
        DataType::List(_) => {
            let lists = values.as_list::<i32>();
            let elements = value_sizes(lists.values());
            let of = |ends: &[i32]| match ends {
                [start, end] => {
                    elements.get(start.as_usize()..end.as_usize()).unwrap_or_default().iter().sum::<usize>()
                        + OTHER_BYTES
                }
                _ => OTHER_BYTES,
            };
            lists.value_offsets().windows(2).map(of).collect()
        }
        other => {
            let width = match other {
                DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
                other => other.primitive_width(),
            };
            vec![width.unwrap_or(OTHER_BYTES); values.len()]
        }
    }
}

fn lengths<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<usize> {
    let of = |ends: &[O]| match ends {
        [start, end] => (*end - *start).as_usize() + OTHER_BYTES,
        _ => OTHER_BYTES,
    };
    offsets.windows(2).map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListArray, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn a_row_has_what_its_values_have() {
        let lists = vec![Some(vec![Some(1), Some(2)]), None, Some(vec![])];
        let columns: [(&str, ArrayRef); 3] = [
            ("a", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("b", Arc::new(StringArray::from(vec![Some("x"), None, Some(&"y".repeat(1000))]))),
            ("c", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap();
        assert_eq!(row_sizes(&batch), [8 + 9 + 16, 8 + 8 + 8, 8 + 1008 + 8]);
        assert_eq!(row_sizes(&batch.slice(1, 2)), [24, 1024]);
    }
}
