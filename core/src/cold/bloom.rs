//! Bloom filters of batch files, read where the manifest says they lie: without opening the file.
//!
//! They are Parquet's split-block filters (parquet-format, `BloomFilter.md`), one per row group.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use bytes::Bytes;
use object_store::path::Path;
use parquet::bloom_filter::Sbbf;

use crate::cold::file::{ColdFile, VerifiedReader};
use crate::cold::footers::named;
use crate::cold::lru::Lru;
use crate::error::Result;
use crate::key::is_nan;
use crate::manifest::FilterRef;
use crate::types::ColumnId;

type FilterKey = (Path, ColumnId, u32);

/// Keeps Bloom filters under a budget of bytes, the least recently used dropped first.
#[derive(Debug)]
pub struct BloomCache {
    filters: Lru<FilterKey, Arc<Sbbf>>,
}

/// The bytes that a filter was fed for a value, and those for values that are equal in SQL. Empty when no
/// filter speaks of the value: NULL, NaN, or a type without filters.
#[must_use]
pub fn probe(column: &ArrayRef, row: usize) -> Vec<Vec<u8>> {
    if column.is_null(row) || is_nan(column, row) {
        return Vec::new();
    }
    let bytes = match column.data_type() {
        DataType::Int16 => i32::from(column.as_primitive::<Int16Type>().value(row)).to_le_bytes().to_vec(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_le_bytes().to_vec(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_le_bytes().to_vec(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_le_bytes().to_vec(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            column.as_primitive::<Time64MicrosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Decimal128(precision, _) => {
            decimal_bytes(column.as_primitive::<Decimal128Type>().value(row), *precision)
        }
        DataType::Float32 => match column.as_primitive::<Float32Type>().value(row) {
            0.0 => return vec![0f32.to_le_bytes().to_vec(), (-0f32).to_le_bytes().to_vec()],
            value => value.to_le_bytes().to_vec(),
        },
        DataType::Float64 => match column.as_primitive::<Float64Type>().value(row) {
            0.0 => return vec![0f64.to_le_bytes().to_vec(), (-0f64).to_le_bytes().to_vec()],
            value => value.to_le_bytes().to_vec(),
        },
        DataType::Utf8 => column.as_string::<i32>().value(row).as_bytes().to_vec(),
        DataType::Binary => column.as_binary::<i32>().value(row).to_vec(),
        _ => return Vec::new(),
    };
    vec![bytes]
}

/// A decimal as Parquet stores it: the smallest integer that holds the precision, or as many bytes as it
/// takes, the highest first.
fn decimal_bytes(value: i128, precision: u8) -> Vec<u8> {
    match precision {
        0..=9 => value.to_le_bytes().iter().take(4).copied().collect(),
        10..=18 => value.to_le_bytes().iter().take(8).copied().collect(),
        _ => {
            let limit = 10_u128.saturating_pow(u32::from(precision));
            // Bits of the largest number, and one for the sign.
            let bits = u128::BITS - (limit - 1).leading_zeros() + 1;
            let length = usize::try_from(bits.div_ceil(8)).unwrap_or(16);
            value.to_be_bytes().iter().skip(16_usize.saturating_sub(length)).copied().collect()
        }
    }
}

/// The filters of some columns and row groups of a file.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<(ColumnId, u32, Arc<Sbbf>)>);

impl Filters {
    /// Whether row group `group` may hold a value of column `id` with these probes.
    pub(super) fn may_contain(&self, id: ColumnId, group: u32, probes: &[Vec<u8>]) -> bool {
        let filter = self.0.iter().find(|(i, g, _)| *i == id && *g == group);
        match filter {
            Some((_, _, filter)) if !probes.is_empty() => probes.iter().any(|p| filter.check(p.as_slice())),
            _ => true,
        }
    }
}

impl BloomCache {
    /// An empty cache of about `budget` bytes.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { filters: Lru::new(budget) }
    }

    /// The filters that `file` has for `columns` in the row groups for which `wanted` holds; those not
    /// kept are read together.
    ///
    /// # Errors
    /// `Corrupt`, naming the file, when a filter's bytes are not as written.
    pub(super) async fn load(
        &self,
        file: &ColdFile,
        reader: &VerifiedReader,
        columns: &[ColumnId],
        wanted: impl Fn(u32) -> bool,
    ) -> Result<Filters> {
        let mut found = Vec::new();
        let mut absent: Vec<(ColumnId, FilterRef)> = Vec::new();
        for id in columns {
            for place in file.entry().filters.get(id).into_iter().flatten().filter(|f| wanted(f.row_group)) {
                match self.filters.get(&(file.path().clone(), *id, place.row_group)) {
                    Some(filter) => found.push((*id, place.row_group, filter)),
                    None => absent.push((*id, *place)),
                }
            }
        }
        let ranges: Vec<_> =
            absent.iter().map(|(_, f)| f.offset..f.offset.saturating_add(u64::from(f.length))).collect();
        let parts = reader.ranges(&ranges).await?;
        for ((id, place), bytes) in absent.into_iter().zip(parts) {
            let filter = Arc::new(Sbbf::from_bytes(&bytes).map_err(|e| named(file, e))?);
            let key = (file.path().clone(), id, place.row_group);
            self.filters.insert(key, Arc::clone(&filter), bytes.len() + 256);
            found.push((id, place.row_group, filter));
        }
        Ok(Filters(found))
    }

    /// The bytes of the filter that lies at `range` of `file`, as a reader finds them there; `None` when none
    /// does.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(super) async fn written(
        &self,
        file: &ColdFile,
        reader: &VerifiedReader,
        range: &Range<u64>,
    ) -> Result<Option<Bytes>> {
        let is_there = |f: &FilterRef| f.offset == range.start && f.offset + u64::from(f.length) == range.end;
        let places =
            file.entry().filters.iter().flat_map(|(id, of)| of.iter().map(move |place| (*id, *place)));
        let Some((id, place)) = places.into_iter().find(|(_, place)| is_there(place)) else {
            return Ok(None);
        };
        let found = self.load(file, reader, &[id], |group| group == place.row_group).await?;
        let Some((_, _, filter)) = found.0.first() else { return Ok(None) };
        let mut bytes = Vec::with_capacity(place.length as usize);
        filter.write(&mut bytes).map_err(|e| named(file, e))?;
        Ok(Some(bytes.into()))
    }

    /// Drops what is kept of a file.
    pub fn forget(&self, path: &Path) {
        self.filters.remove_if(|(p, _, _)| p == path);
    }
}
