//! Which row groups of a batch file can hold a row that a predicate asks for by equality, by their Bloom
//! filters: without opening the file.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::row::Rows;

use crate::cold::ColdCaches;
use crate::cold::bloom::probe;
use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::pages::PageBounds;
use crate::cold::source::ReadCounters;
use crate::error::Result;
use crate::key::KeyEncoder;
use crate::manifest::{Values, Wanted, bounds};
use crate::types::ColumnId;

/// A filter is asked for so many values at most: each is another chance that it answers wrongly.
const MAX_VALUES: usize = 128;

/// Filters of so many bytes are always worth reading, larger ones only if they are a small part of the file.
const FEW_BYTES: u64 = 1 << 20;

/// Columns and the values of which a matching row has one.
#[derive(Debug)]
pub struct Probes(Vec<ProbedColumn>);

#[derive(Debug)]
struct ProbedColumn {
    id: ColumnId,
    encoder: KeyEncoder,
    /// The values, ascending.
    values: ArrayRef,
    rows: Rows,
    /// Per value the bytes that a filter is asked for.
    bytes: Vec<Vec<Vec<u8>>>,
}

/// What filters leave of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// All of it.
    All,
    /// Per row group, whether it can hold a matching row; some can, some cannot.
    Groups(Vec<bool>),
    /// Nothing.
    Nothing,
}

impl Probes {
    /// What `wanted` asks filters; `None` when that is nothing.
    #[must_use]
    pub fn of(wanted: &[Wanted]) -> Option<Self> {
        let columns: Vec<_> = wanted.iter().filter_map(ProbedColumn::of).collect();
        (!columns.is_empty()).then_some(Self(columns))
    }

    /// What is left of `file`.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when a filter's bytes are not as written.
    pub async fn left_of(
        &self,
        file: &ColdFile,
        caches: &Arc<ColdCaches>,
        counters: &Arc<ReadCounters>,
    ) -> Result<Left> {
        let entry = file.entry();
        let mut groups = vec![true; entry.row_groups.len()];
        for column in &self.0 {
            let Some(filters) = entry.filters.get(&column.id) else { continue };
            let Some(values) = column.in_range(file)? else { continue };
            if values.len() > MAX_VALUES {
                continue;
            }
            column.keep_paged(file, caches, &values, &mut groups)?;
            let asked = filters.iter().filter(|f| groups.get(f.row_group as usize) == Some(&true));
            let bytes: u64 = asked.map(|f| u64::from(f.length)).sum();
            if bytes > FEW_BYTES && bytes > entry.bytes / 4 {
                continue;
            }
            let reader = VerifiedReader::new(file.clone(), Arc::clone(caches), Arc::clone(counters));
            let wanted = |group: u32| groups.get(group as usize) == Some(&true);
            let filters = caches.blooms.load(file, &reader, &[column.id], wanted).await?;
            let probes = column.bytes.get(values).unwrap_or_default();
            for (group, left) in (0u32..).zip(&mut groups) {
                *left = *left && probes.iter().any(|probe| filters.may_contain(column.id, group, probe));
            }
        }
        Ok(match (groups.contains(&true), groups.contains(&false)) {
            (false, _) => Left::Nothing,
            (true, true) => Left::Groups(groups),
            (true, false) => Left::All,
        })
    }
}

impl ProbedColumn {
    fn of(wanted: &Wanted) -> Option<Self> {
        let Values::OneOf(values) = &wanted.values else { return None };
        let encoder = KeyEncoder::new(&[values.data_type().clone()]).ok()?;
        let unsorted = encoder.encode(std::slice::from_ref(values)).ok()?;
        let mut order: Vec<u32> = (0..u32::try_from(values.len()).ok()?).collect();
        order.sort_unstable_by(|a, b| unsorted.row(*a as usize).cmp(&unsorted.row(*b as usize)));
        let values = take(values, &UInt32Array::from(order), None).ok()?;
        let rows = encoder.encode(std::slice::from_ref(&values)).ok()?;
        let bytes: Vec<_> = (0..values.len()).map(|row| probe(&values, row)).collect();
        // No filter speaks of a value without probes.
        let speaks = bytes.iter().all(|probes| !probes.is_empty());
        speaks.then_some(Self { id: wanted.column, encoder, values, rows, bytes })
    }

    /// Which of the values lie in the range that the manifest knows; `None` when it knows none.
    fn in_range(&self, file: &ColdFile) -> Result<Option<std::ops::Range<usize>>> {
        let Some(stats) = file.entry().columns.get(&self.id) else { return Ok(None) };
        if stats.nans > 0 {
            return Ok(Some(0..self.values.len()));
        }
        let ends = bounds(self.values.data_type(), [stats.min.as_ref(), stats.max.as_ref()].into_iter());
        let Some(ends) = ends.filter(|ends| ends.null_count() == 0) else {
            return Ok(Some(0..self.values.len()));
        };
        let ends = self.encoder.encode(&[ends])?;
        let (min, max) = (ends.row(0), ends.row(1));
        let count = self.rows.num_rows();
        let low = (0..count).find(|i| self.rows.row(*i).data() >= min.data()).unwrap_or(count);
        let high = (low..count).find(|i| self.rows.row(*i).data() > max.data()).unwrap_or(count);
        Ok(Some(low..high))
    }

    /// Leaves out the row groups of which no page can hold a value, if the footer is in memory: their filters
    /// need not be read.
    fn keep_paged(
        &self,
        file: &ColdFile,
        caches: &ColdCaches,
        values: &std::ops::Range<usize>,
        groups: &mut [bool],
    ) -> Result<()> {
        let Some(footer) = caches.footers.kept(file) else { return Ok(()) };
        for ((group, left), rows) in groups.iter_mut().enumerate().zip(&file.entry().row_groups) {
            if *left {
                let pages = PageBounds::read(file, &footer, self.id, &self.encoder, group, u64::from(*rows))?;
                let holds = |min: &[u8], max: &[u8]| {
                    values.clone().any(|i| (min..=max).contains(&self.rows.row(i).data()))
                };
                *left = !pages.pages_where(holds).is_empty();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::DataType;
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::PhysicalExpr;
    use datafusion::physical_expr::expressions::{col, in_list, lit};
    use futures::executor::block_on;

    use super::*;
    use crate::cold::fixture::{Blobs, column, compare, rows, table, write};
    use crate::cold::schema::FileSchema;
    use crate::cold::writer::ROW_GROUP_ROWS;

    fn schema() -> FileSchema {
        let columns = vec![column(1, "id", DataType::Int64), column(2, "name", DataType::Utf8)];
        let mut schema = table(columns, &[1]);
        schema.bloom.push((ColumnId(2), 0.01));
        schema
    }

    fn left(blobs: &Blobs, schema: &FileSchema, file: &ColdFile, predicate: &Arc<dyn PhysicalExpr>) -> Left {
        let probes = Probes::of(&Wanted::of(schema, predicate)).unwrap();
        block_on(probes.left_of(file, &blobs.caches, &Arc::default())).unwrap()
    }

    #[test]
    fn filters_rule_out_files_and_row_groups_without_opening_them() {
        let (blobs, s) = (Blobs::new(), schema());
        // Every other number; names repeat, so that their filter is small.
        let count = ROW_GROUP_ROWS as i64 + 1000;
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..count).map(|i| i * 2)));
        let name = |i: i64| if i < ROW_GROUP_ROWS as i64 { format!("a{}", i % 50) } else { "z9".to_owned() };
        let names: ArrayRef = Arc::new((0..count).map(|i| Some(name(i))).collect::<StringArray>());
        let file = blobs.store(write(&s, 1, &[rows(&s, vec![ids, names])]));
        let id = |v: i64| compare(&s, "id", Operator::Eq, v);

        let wrong = (0..300).filter(|i| left(&blobs, &s, &file, &id(i * 702 + 1)) != Left::Nothing).count();
        assert!(wrong <= 6, "{wrong} of 300 absent keys were not ruled out");
        assert_eq!(left(&blobs, &s, &file, &id(4)), Left::Groups(vec![true, false]));
        assert_eq!(
            left(&blobs, &s, &file, &compare(&s, "name", Operator::Eq, "a7")),
            Left::Groups(vec![true, false])
        );
        assert_eq!(
            left(&blobs, &s, &file, &compare(&s, "name", Operator::Eq, "z9")),
            Left::Groups(vec![false, true])
        );
        assert_eq!(left(&blobs, &s, &file, &compare(&s, "name", Operator::Eq, "ax")), Left::Nothing);
        assert!(blobs.caches.footers.kept(&file).is_none(), "the file was opened");

        let list = |values: Vec<i64>| {
            in_list(col("id", &s.arrow()).unwrap(), values.into_iter().map(lit).collect(), &false, &s.arrow())
                .unwrap()
        };
        // Those outside of the file's range are not asked for, and so many inside say nothing.
        assert_eq!(
            left(&blobs, &s, &file, &list((1_000_000..1_010_000).chain([1]).collect())),
            Left::Nothing
        );
        assert_eq!(left(&blobs, &s, &file, &list((0..200).map(|i| i * 2 + 1).collect())), Left::All);
    }

    #[test]
    fn a_filter_is_as_large_as_its_values_are_many() {
        let (blobs, s) = (Blobs::new(), schema());
        let count = 20_000;
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        let names: ArrayRef =
            Arc::new((0..count).map(|i| Some(format!("n{}", i % 20))).collect::<StringArray>());
        let file = blobs.store(write(&s, 1, &[rows(&s, vec![ids, names])]));
        let length = |id: u32| file.entry().filters[&ColumnId(id)][0].length;
        assert!(length(2) < 200, "{} bytes for twenty names", length(2));
        assert!(length(1) > 20_000 && length(1) < 70_000, "{} bytes for twenty thousand keys", length(1));
    }

    #[test]
    fn only_lists_and_columns_with_filters_are_asked_for() {
        let (blobs, mut s) = (Blobs::new(), schema());
        s.bloom.clear();
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 3]));
        let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "c"]));
        let file = blobs.store(write(&s, 1, &[rows(&s, vec![ids, names])]));
        assert_eq!(left(&blobs, &s, &file, &compare(&s, "id", Operator::Eq, 2i64)), Left::All);
        assert!(Probes::of(&Wanted::of(&s, &compare(&s, "id", Operator::Lt, 2i64))).is_none());
    }
}
