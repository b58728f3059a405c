//! The value ranges of many batch files, searched without looking at each.
//!
//! Ranges lie by ascending minimum; a tree over them knows the highest maximum of each half, quarter and so
//! on (an interval tree, as in Cormen et al., "Introduction to Algorithms", "Augmenting data structures").
//! A search costs as much as what it finds, and a little.

use arrow::array::{Array, ArrayRef};
use arrow::row::Rows;

use crate::error::Result;
use crate::key::KeyEncoder;

/// The ranges of one column in the files of a manifest, as key bytes. Files go by their position.
#[derive(Debug)]
pub struct Intervals {
    encoder: KeyEncoder,
    min: Rows,
    max: Rows,
    /// The positions of the files whose range is known, by ascending minimum.
    order: Vec<u32>,
    /// Leaves, in `order`, begin at half of its length; the node above two has the one of them whose
    /// maximum is the higher. Absent leaves are `NONE`.
    tree: Vec<u32>,
    /// The files whose range is not known.
    unknown: Vec<u32>,
}

/// What is sought in a column: every row that matters has one of these values.
#[derive(Debug)]
pub enum Sought<'a> {
    /// Any from the first to the second; an absent end is open.
    Within(Option<&'a [u8]>, Option<&'a [u8]>),
    /// One of these, which ascend.
    OneOf(&'a [&'a [u8]]),
}

const NONE: u32 = u32::MAX;

impl Intervals {
    /// The ranges from `min` to `max`, an element per file; NULL where an end is not known.
    ///
    /// # Errors
    /// `Unsupported` for a type without an order, `Internal` when there are too many.
    pub fn new(min: &ArrayRef, max: &ArrayRef) -> Result<Self> {
        let encoder = KeyEncoder::new(&[min.data_type().clone()])?;
        let count = u32::try_from(min.len().min(max.len())).unwrap_or(NONE - 1);
        let is_known = |at: &u32| min.is_valid(*at as usize) && max.is_valid(*at as usize);
        let (mut order, unknown): (Vec<u32>, Vec<u32>) = (0..count).partition(is_known);
        let (min, max) =
            (encoder.encode(std::slice::from_ref(min))?, encoder.encode(std::slice::from_ref(max))?);
        order.sort_unstable_by(|a, b| min.row(*a as usize).cmp(&min.row(*b as usize)));
        let leaves = order.len().next_power_of_two();
        let mut tree = vec![NONE; leaves];
        tree.extend(&order);
        tree.resize(leaves * 2, NONE);
        let mut intervals = Self { encoder, min, max, order, tree, unknown };
        for node in (1..leaves).rev() {
            let (left, right) = (intervals.node(node * 2), intervals.node(node * 2 + 1));
            let higher = if right == NONE || left != NONE && intervals.max(left) >= intervals.max(right) {
                left
            } else {
                right
            };
            if let Some(slot) = intervals.tree.get_mut(node) {
                *slot = higher;
            }
        }
        Ok(intervals)
    }

    /// Turns values of the column into the bytes that are sought.
    #[must_use]
    pub fn encoder(&self) -> &KeyEncoder {
        &self.encoder
    }

    /// The positions, ascending, of the files that may hold what is sought.
    #[must_use]
    pub fn holding(&self, sought: &Sought<'_>) -> Vec<u32> {
        let mut found = self.unknown.clone();
        match sought {
            Sought::Within(low, high) => self.collect(*low, *high, &mut found),
            // One search a value, or one look at each file: what is less.
            Sought::OneOf(values) if values.len() * 8 < self.order.len() => {
                values.iter().for_each(|value| self.collect(Some(value), Some(value), &mut found));
            }
            Sought::OneOf(values) => found.extend(self.order.iter().filter(|at| {
                let first = values.partition_point(|value| *value < self.min(**at));
                values.get(first).is_some_and(|value| *value <= self.max(**at))
            })),
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn collect(&self, low: Option<&[u8]>, high: Option<&[u8]>, found: &mut Vec<u32>) {
        let end = match high {
            Some(high) => self.order.partition_point(|at| self.min(*at) <= high),
            None => self.order.len(),
        };
        let Some(low) = low else {
            found.extend(self.order.iter().take(end));
            return;
        };
        let leaves = self.tree.len() / 2;
        let mut pending = vec![(1, 0, leaves)];
        while let Some((node, first, width)) = pending.pop() {
            let highest = self.node(node);
            if first >= end || highest == NONE || self.max(highest) < low {
                continue;
            }
            if width == 1 {
                found.push(highest);
            } else {
                pending.push((node * 2, first, width / 2));
                pending.push((node * 2 + 1, first + width / 2, width / 2));
            }
        }
    }

    fn node(&self, at: usize) -> u32 {
        self.tree.get(at).copied().unwrap_or(NONE)
    }

    fn min(&self, at: u32) -> &[u8] {
        self.min.row(at as usize).data()
    }

    fn max(&self, at: u32) -> &[u8] {
        self.max.row(at as usize).data()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;
    use crate::storage::{Rng, SeededRng};

    fn below(rng: &SeededRng, n: u64) -> i64 {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes);
        (u64::from_le_bytes(bytes) % n) as i64
    }

    fn bytes(intervals: &Intervals, values: &[i64]) -> Vec<Vec<u8>> {
        let rows = intervals.encoder().encode(&[Arc::new(Int64Array::from(values.to_vec())) as ArrayRef]);
        rows.unwrap().iter().map(|row| row.data().to_vec()).collect()
    }

    #[test]
    fn a_search_finds_what_looking_at_each_finds() {
        let rng = SeededRng::new(7);
        for files in [0, 1, 2, 3, 5, 64, 65, 500] {
            let ranges: Vec<Option<(i64, i64)>> = (0..files)
                .map(|_| {
                    let low = below(&rng, 1000);
                    (below(&rng, 20) > 0).then(|| (low, low + below(&rng, 30)))
                })
                .collect();
            let side = |end: fn((i64, i64)) -> i64| -> ArrayRef {
                Arc::new(ranges.iter().map(|r| r.map(end)).collect::<Int64Array>())
            };
            let intervals = Intervals::new(&side(|r| r.0), &side(|r| r.1)).unwrap();
            let expected = |may: &dyn Fn(i64, i64) -> bool| -> Vec<u32> {
                (0u32..)
                    .zip(&ranges)
                    .filter(|(_, r)| r.is_none_or(|(l, h)| may(l, h)))
                    .map(|(i, _)| i)
                    .collect()
            };
            for _ in 0..50 {
                let (low, high) = (below(&rng, 1000), below(&rng, 1000));
                let ends = bytes(&intervals, &[low, high]);
                let found = intervals.holding(&Sought::Within(Some(&ends[0]), Some(&ends[1])));
                assert_eq!(found, expected(&|l, h| l <= high && h >= low));
                let found = intervals.holding(&Sought::Within(None, Some(&ends[1])));
                assert_eq!(found, expected(&|l, _| l <= high));
                let found = intervals.holding(&Sought::Within(Some(&ends[0]), None));
                assert_eq!(found, expected(&|_, h| h >= low));
            }
            for count in [0, 1, 3, 40, 200] {
                let mut values: Vec<i64> = (0..count).map(|_| below(&rng, 1100)).collect();
                values.sort_unstable();
                let encoded = bytes(&intervals, &values);
                let encoded: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
                let found = intervals.holding(&Sought::OneOf(&encoded));
                assert_eq!(found, expected(&|l, h| values.iter().any(|v| l <= *v && *v <= h)), "{values:?}");
            }
        }
    }

    #[test]
    fn text_has_ranges_and_lists_have_none() {
        let side = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let intervals = Intervals::new(&side(vec!["a", "m", ""]), &side(vec!["b", "z", "zz"])).unwrap();
        let rows = intervals.encoder().encode(&[side(vec!["bb"])]).unwrap();
        let sought = rows.row(0).data();
        assert_eq!(intervals.holding(&Sought::OneOf(&[sought])), [2]);
        assert_eq!(intervals.holding(&Sought::Within(Some(sought), None)), [1, 2]);
    }
}
