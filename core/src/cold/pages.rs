//! Which pages of a batch file can hold a key, from the page index in its footer.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::row::Rows;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::parquet_column;

use crate::cold::file::ColdFile;
use crate::cold::footers::{Footer, named};
use crate::cold::schema::field_id;
use crate::error::Result;
use crate::key::KeyEncoder;
use crate::types::ColumnId;

/// The pages of one key column in one row group.
#[derive(Debug)]
pub(super) struct PageBounds {
    /// The rows of each page, relative to the row group.
    pages: Vec<Range<u64>>,
    /// Lowest and highest value of each page as key bytes, where known.
    bounds: Option<Bounds>,
}

#[derive(Debug)]
struct Bounds {
    min: Rows,
    max: Rows,
    known: Vec<bool>,
}

impl PageBounds {
    /// Reads them for the key column `id` in row group `group` of `rows` rows.
    pub(super) fn read(
        file: &ColdFile,
        footer: &Footer,
        id: ColumnId,
        encoder: &KeyEncoder,
        group: usize,
        rows: u64,
    ) -> Result<Self> {
        let whole = Self { pages: std::iter::once(0..rows).collect(), bounds: None };
        let arrow = footer.reader().schema();
        let metadata = footer.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let field = arrow.fields().iter().find(|field| field_id(field) == Some(id));
        let leaf = field.and_then(|f| parquet_column(schema, arrow, f.name()));
        let Some((field, (leaf, _))) = field.zip(leaf) else {
            return Err(file.damaged(&format!("expected key column {id}, found none")));
        };
        let Some((columns, offsets)) = metadata.column_index().zip(metadata.offset_index()) else {
            return Ok(whole);
        };
        let Some(offset) = offsets.get(group).and_then(|columns| columns.get(leaf)) else {
            return Ok(whole);
        };
        let starts: Option<Vec<u64>> =
            offset.page_locations().iter().map(|p| u64::try_from(p.first_row_index).ok()).collect();
        let starts =
            starts.filter(|s| s.first() == Some(&0)).ok_or_else(|| file.damaged("a page without rows"))?;
        let ends = starts.iter().skip(1).copied().chain([rows]);
        let pages: Vec<Range<u64>> =
            starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect();
        let converter =
            StatisticsConverter::try_new(field.name(), arrow, schema).map_err(|e| named(file, e))?;
        let groups = [group];
        let min = converter.data_page_mins(columns, offsets, &groups).map_err(|e| named(file, e))?;
        let max = converter.data_page_maxes(columns, offsets, &groups).map_err(|e| named(file, e))?;
        Ok(Self { bounds: Bounds::new(encoder, &min, &max, pages.len())?, pages })
    }

    /// The rows of the pages that can hold `value`, as key bytes.
    pub(super) fn holding(&self, value: &[u8]) -> Vec<Range<u64>> {
        self.pages_where(|min, max| min <= value && value <= max)
    }

    /// The rows of the pages for whose lowest and highest value `may` holds, and of those without.
    pub(super) fn pages_where(&self, may: impl Fn(&[u8], &[u8]) -> bool) -> Vec<Range<u64>> {
        let Some(bounds) = &self.bounds else { return self.pages.clone() };
        let known = bounds.known.iter().zip(bounds.min.iter().zip(bounds.max.iter()));
        let kept = self
            .pages
            .iter()
            .zip(known)
            .filter(|(_, (known, (min, max)))| !**known || may(min.data(), max.data()));
        kept.map(|(page, _)| page.clone()).collect()
    }
}

impl Bounds {
    fn new(encoder: &KeyEncoder, min: &ArrayRef, max: &ArrayRef, pages: usize) -> Result<Option<Self>> {
        if min.len() != pages || max.len() != pages {
            return Ok(None);
        }
        let known = (0..pages).map(|i| min.is_valid(i) && max.is_valid(i)).collect();
        let encode = |column: &ArrayRef| encoder.encode(std::slice::from_ref(column));
        Ok(Some(Self { min: encode(min)?, max: encode(max)?, known }))
    }
}

/// Sorted, disjoint ranges that cover all of `ranges`.
pub(super) fn union(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|r| r.start);
    let mut out: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What two lists of sorted, disjoint ranges have in common.
pub(super) fn intersection(a: &[Range<u64>], b: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut out = Vec::new();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let (start, end) = (x.start.max(y.start), x.end.min(y.end));
        if start < end {
            out.push(start..end);
        }
        if x.end < y.end {
            a.next();
        } else {
            b.next();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_meet() {
        assert_eq!(union(vec![5..7, 0..2, 2..3, 6..9]), [0..3, 5..9]);
        assert_eq!(intersection(&[0..10, 20..30], &[5..25, 28..40]), [5..10, 20..25, 28..30]);
        assert!(intersection(&[0..5, 9..9], &[5..9, 9..10]).is_empty());
    }
}
