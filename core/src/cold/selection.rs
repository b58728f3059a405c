//! Row numbers of a file as selections for the Parquet reader.

use std::ops::Range;

use arrow::array::BooleanBufferBuilder;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use roaring::RoaringBitmap;

/// A selector takes 16 bytes and a row of a mask one bit: past one dead row in this many the mask is the smaller
/// one, unless they lie together, and quicker to make.
const ROWS_PER_DEAD: usize = 128;

/// A plan that reads the rows that are not `dead`, of a file with these rows per row group.
#[must_use]
pub fn to_access_plan(dead: &RoaringBitmap, row_group_rows: &[u32]) -> ParquetAccessPlan {
    let mut start = 0u32;
    let mut groups = Vec::with_capacity(row_group_rows.len());
    for rows in row_group_rows {
        let end = start.saturating_add(*rows);
        groups.push(access(dead, start..end));
        start = end;
    }
    ParquetAccessPlan::new(groups)
}

/// How to read the row group of these rows.
fn access(dead: &RoaringBitmap, group: Range<u32>) -> RowGroupAccess {
    let rows = group.len();
    let within = dead.range(group.clone()).map(|row| (row - group.start) as usize);
    match usize::try_from(dead.range_cardinality(group.clone())).unwrap_or(usize::MAX) {
        0 => RowGroupAccess::Scan,
        all if all == rows => RowGroupAccess::Skip,
        count if count > rows / ROWS_PER_DEAD => {
            let mut mask = BooleanBufferBuilder::new(rows);
            mask.append_n(rows, true);
            within.for_each(|row| mask.set_bit(row, false));
            RowGroupAccess::Selection(RowSelection::from_boolean_buffer(mask.finish()))
        }
        count => {
            let mut selectors = Vec::with_capacity(count * 2 + 1);
            let mut at = 0;
            // A run of dead rows comes as several selectors here, and as one out of the conversion.
            for row in within {
                selectors.extend([RowSelector::select(row - at), RowSelector::skip(1)]);
                at = row + 1;
            }
            selectors.push(RowSelector::select(rows - at));
            RowGroupAccess::Selection(RowSelection::from_iter(selectors))
        }
    }
}

/// Rows of a file to read: whole row groups, and of those some rows, as row numbers of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RowPick {
    /// The row groups to read.
    pub(super) groups: Vec<usize>,
    /// The rows of these row groups to read, ascending and disjoint.
    pub(super) rows: Vec<Range<u64>>,
    /// The rows of all `groups` together.
    total: u64,
    /// For each range of `rows`, where it starts among the rows of `groups`.
    starts: Vec<u64>,
}

impl RowPick {
    /// Adds rows of row group `group`, which starts at row `base` and has `rows` rows. `picked` are
    /// relative to it, ascending and disjoint; nothing picked leaves the row group out.
    pub(super) fn push(&mut self, group: usize, base: u64, rows: u64, picked: &[Range<u64>]) {
        let picked: Vec<&Range<u64>> = picked.iter().filter(|r| !r.is_empty()).collect();
        if picked.is_empty() {
            return;
        }
        self.groups.push(group);
        for range in picked {
            self.starts.push(self.total + range.start);
            self.rows.push(base + range.start..base + range.end);
        }
        self.total += rows;
    }

    /// The selection for a reader that reads `groups`.
    pub(super) fn selection(&self) -> RowSelection {
        let ranges = self.starts.iter().zip(&self.rows);
        let ranges = ranges.map(|(start, rows)| {
            let start = *start as usize;
            start..start + (rows.end - rows.start) as usize
        });
        RowSelection::from_consecutive_ranges(ranges, self.total as usize)
    }

    /// Numbers the rows as they come out of the reader.
    pub(super) fn numbering(&self) -> Numbering<'_> {
        Numbering { ranges: &self.rows, before: 0 }
    }
}

/// Turns positions in a reader's output into row numbers; positions must ascend.
pub(super) struct Numbering<'a> {
    ranges: &'a [Range<u64>],
    /// Positions before the first of `ranges`.
    before: u64,
}

impl Numbering<'_> {
    pub(super) fn row(&mut self, position: u64) -> Option<u64> {
        loop {
            let (first, rest) = self.ranges.split_first()?;
            let length = first.end - first.start;
            if position < self.before + length {
                return Some(first.start + position.checked_sub(self.before)?);
            }
            self.before += length;
            self.ranges = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_of(plan: &ParquetAccessPlan, groups: &[u32]) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut base = 0;
        for (access, count) in plan.inner().iter().zip(groups) {
            match access {
                RowGroupAccess::Skip => {}
                RowGroupAccess::Scan => rows.extend(base..base + count),
                RowGroupAccess::Selection(selection) => {
                    let mut at = base;
                    for selector in selection.iter() {
                        let next = at + selector.row_count as u32;
                        if !selector.skip {
                            rows.extend(at..next);
                        }
                        at = next;
                    }
                    assert_eq!(at, base + count);
                }
            }
            base += count;
        }
        rows
    }

    #[test]
    fn plans_read_exactly_the_living_rows() {
        let groups = [100_000u32, 1, 50_000, 70_000];
        let total: u32 = groups.iter().sum();
        let cases: Vec<RoaringBitmap> = vec![
            RoaringBitmap::new(),
            (0..total).collect(),
            (99_990..100_020).collect(),
            (100_000..100_001).collect(),
            (0..total).filter(|i| i % 2 == 0).collect(),
            (0..total).filter(|i| i % 1000 < 3).collect(),
            [0, total - 1].into_iter().collect(),
            (65_000..66_000).collect(),
        ];
        for mut dead in cases {
            for _ in 0..2 {
                let living: Vec<u32> = (0..total).filter(|r| !dead.contains(*r)).collect();
                assert_eq!(rows_of(&to_access_plan(&dead, &groups), &groups), living);
                dead.optimize();
            }
        }
    }

    #[test]
    fn whole_row_groups_are_scanned_or_skipped() {
        let dead: RoaringBitmap = (10..20).collect();
        let plan = to_access_plan(&dead, &[10, 10, 10]);
        assert_eq!(plan.inner(), &[RowGroupAccess::Scan, RowGroupAccess::Skip, RowGroupAccess::Scan]);
    }

    #[test]
    fn fragmented_vectors_become_masks() {
        let dead: RoaringBitmap = (0..100).filter(|i| i % 3 == 0).collect();
        let plan = to_access_plan(&dead, &[100]);
        let RowGroupAccess::Selection(selection) = &plan.inner()[0] else {
            panic!("expected a selection");
        };
        assert!(selection.as_mask().is_some());
    }

    #[test]
    fn picks_number_their_rows() {
        let mut pick = RowPick::default();
        pick.push(0, 0, 100, &[10..12, 50..51]);
        pick.push(1, 100, 100, &[]);
        pick.push(2, 200, 50, &[0..2, 49..50]);
        assert_eq!(pick.groups, [0, 2]);
        let selection = pick.selection();
        assert_eq!(selection.row_count(), 6);
        assert_eq!(selection.row_count() + selection.skipped_row_count(), 150);
        let mut numbering = pick.numbering();
        let rows: Vec<_> = (0..7).map(|i| numbering.row(i)).collect();
        assert_eq!(rows, [Some(10), Some(11), Some(50), Some(200), Some(201), Some(249), None]);
        let mut numbering = pick.numbering();
        assert_eq!((numbering.row(2), numbering.row(2), numbering.row(5)), (Some(50), Some(50), Some(249)));
    }
}
