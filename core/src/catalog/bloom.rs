//! Which columns of a table have Bloom filters in batch files, and how often these may answer wrongly.

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use crate::catalog::{OptionChanges, TableDef, quoted};
use crate::error::{Error, Result};
use crate::types::ColumnId;

/// The lowest and the highest share of wrong answers that can be asked for, in parts per million.
pub const FPP_RANGE: std::ops::RangeInclusive<u32> = 100..=500_000;

/// Where nothing else is said, the share for a column of the key, and for another.
const KEY_FPP: u32 = 1_000;
const COLUMN_FPP: u32 = 10_000;

/// What a table says of the share of wrong answers, in parts per million.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FalsePositives {
    /// For the columns that are not named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub others: Option<u32>,
    /// By column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub columns: BTreeMap<ColumnId, u32>,
}

impl FalsePositives {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TableDef {
    /// The columns that get Bloom filters, with the share of wrong answers wanted.
    #[must_use]
    pub fn bloom_filters(&self) -> Vec<(ColumnId, f64)> {
        let said = &self.options.bloom_fpp;
        let share = |id: ColumnId| {
            let otherwise = if self.is_key(id) { KEY_FPP } else { COLUMN_FPP };
            f64::from(*said.columns.get(&id).or(said.others.as_ref()).unwrap_or(&otherwise)) / 1e6
        };
        let columns = self.columns.iter().map(|c| c.id).filter(|id| self.has_filter(*id));
        columns.map(|id| (id, share(id))).collect()
    }

    /// Whether a column gets Bloom filters.
    #[must_use]
    pub fn has_filter(&self, id: ColumnId) -> bool {
        let is_indexed = || self.indexes.iter().any(|index| index.columns.contains(&id));
        let can = || self.column_by_id(id).is_some_and(|column| can_have_filter(&column.ty.arrow()));
        let listed = self.is_key(id) || self.options.bloom.contains(&id);
        !self.options.no_bloom && (listed || is_indexed() && can())
    }
}

/// Takes over what a statement says of Bloom filters.
pub(super) fn set(table: &mut TableDef, changes: &OptionChanges) -> Result<()> {
    if let Some(names) = &changes.bloom {
        let mut seen = HashSet::new();
        let mut bloom = Vec::with_capacity(names.len());
        for name in names {
            let column = table.column(name).ok_or_else(|| table.no_column(name).context("BLOOM_FILTER"))?;
            if !can_have_filter(&column.ty.arrow()) {
                return Err(Error::invalid(format!(
                    "option BLOOM_FILTER: column {} of type {} cannot have one",
                    quoted(name),
                    column.ty
                )));
            }
            // The key's columns have filters anyway, and naming one is no mistake.
            if !table.is_key(column.id) && seen.insert(column.id) {
                bloom.push(column.id);
            }
        }
        table.options.bloom = bloom;
        table.options.no_bloom = changes.no_bloom;
    }
    if let Some(said) = &changes.bloom_fpp {
        let mut shares = FalsePositives { others: said.others, columns: BTreeMap::new() };
        for (name, share) in &said.columns {
            let column = table.column(name).ok_or_else(|| table.no_column(name).context("BLOOM_FPP"))?;
            if !table.has_filter(column.id) {
                return Err(Error::invalid(format!(
                    "option BLOOM_FPP: column {name} has no Bloom filter; BLOOM_FILTER = '{name}' gives it one",
                    name = quoted(name)
                )));
            }
            shares.columns.insert(column.id, *share);
        }
        table.options.bloom_fpp = shares;
    }
    forget_unused(table);
    Ok(())
}

/// Drops what is said of columns that have no filter.
pub(super) fn forget_unused(table: &mut TableDef) {
    let used: HashSet<ColumnId> = table.bloom_filters().into_iter().map(|(id, _)| id).collect();
    table.options.bloom_fpp.columns.retain(|id, _| used.contains(id));
}

/// Whether filters speak of a type's values: of arrays they do not, and BOOLEAN has too few.
pub(super) fn can_have_filter(data_type: &DataType) -> bool {
    !matches!(data_type, DataType::Boolean | DataType::List(_))
}

#[cfg(test)]
mod tests {
    use crate::catalog::tests::{alter, table_of};
    use crate::types::ColumnId;

    #[test]
    fn shares_are_those_said_or_the_usual() {
        let (catalog, table) = table_of(
            "CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT, b TEXT, c TEXT) WITH (BLOOM_FILTER = 'b,a')",
        );
        let filters = |t: &super::TableDef| -> Vec<(u32, f64)> {
            t.bloom_filters().into_iter().map(|(id, share)| (id.0, share)).collect()
        };
        assert_eq!(filters(&table), [(1, 0.001), (2, 0.01), (3, 0.01)]);
        let (catalog, table) = alter(&catalog, "ALTER TABLE t SET (BLOOM_FPP = '0.02, a:0.0005')");
        assert_eq!(filters(&table), [(1, 0.02), (2, 0.0005), (3, 0.02)]);
        let (catalog, table) = alter(&catalog, "ALTER TABLE t SET (BLOOM_FILTER = 'b')");
        assert_eq!(filters(&table), [(1, 0.02), (3, 0.02)]);
        assert!(table.options.bloom_fpp.columns.is_empty(), "a column without a filter has a share");
        let (catalog, table) =
            alter(&catalog, "ALTER TABLE t SET (BLOOM_FILTER = 'c', BLOOM_FPP = 'c:0.5,id:0.25')");
        assert_eq!(filters(&table), [(1, 0.25), (4, 0.5)]);
        let (catalog, table) = alter(&catalog, "ALTER TABLE t DROP COLUMN c");
        assert_eq!(table.options.bloom_fpp.columns.keys().collect::<Vec<_>>(), [&ColumnId(1)]);
        let (catalog, table) = alter(&catalog, "ALTER TABLE t SET (BLOOM_FILTER = 'none')");
        assert!(filters(&table).is_empty() && table.options.bloom_fpp.is_empty());
        let (_, table) =
            alter(&catalog, "ALTER TABLE t SET (BLOOM_FILTER = 'default', BLOOM_FPP = 'default')");
        assert_eq!(filters(&table), [(1, 0.001)]);
    }
}
