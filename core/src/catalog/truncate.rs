//! `TRUNCATE`: a table is dropped and an empty one of the same definition takes its name, in one commit.
//!
//! So it costs the same however many rows there are, and rows and files go as those of a dropped table do.

use std::sync::Arc;

use crate::catalog::{Catalog, TableDef, TableName};
use crate::error::Result;
use crate::types::{SeqId, TableId};

/// Puts an empty table in the place of each one named, all or none; `committed` is the last commit.
///
/// No deletion tells of the rows that went, so who followed the changes has to begin again: the floor of the feed is
/// above every `_seq` of theirs.
///
/// # Errors
/// `NotFound`; `LimitExceeded` when there is no table id left.
pub fn truncate_tables(
    catalog: &Catalog,
    names: &[TableName],
    current: &str,
    committed: SeqId,
) -> Result<Option<Catalog>> {
    let mut next = catalog.clone();
    for name in names {
        let table = catalog.resolve(name, current)?;
        // As in PostgreSQL, a table may be named twice.
        if next.table_by_id(table.id).is_some() {
            next.retire(&table)?;
            let id = next.take_table_id()?;
            let floor = SeqId::from_i64(committed.as_i64().saturating_add(1));
            next.insert(Arc::new(emptied(&table, id, floor)));
        }
    }
    Ok(Some(next))
}

/// The definition of `table` without its history: there is no row that an older version of it wrote.
fn emptied(table: &TableDef, id: TableId, floor: SeqId) -> TableDef {
    let mut empty = table.clone();
    empty.id = id;
    empty.schema_version = 1;
    empty.replaces = Some(table.id);
    empty.feed_floor = Some(floor);
    empty.dropped_columns.clear();
    empty.options.lapsed_through = None;
    for column in &mut empty.columns {
        column.added_in = 1;
        column.added_value = None;
    }
    empty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{alter, table_of};
    use crate::catalog::{decode_table, encode_table};

    #[test]
    fn the_empty_table_has_the_definition_and_no_history() {
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT, b TEXT)");
        let (catalog, old) = alter(&catalog, "ALTER TABLE t DROP COLUMN a, ADD COLUMN c BIGINT DEFAULT 5");
        let name = TableName::bare("t");
        let next =
            truncate_tables(&catalog, &[name.clone(), name.clone()], "main", SeqId::ZERO).unwrap().unwrap();
        let new = next.resolve(&name, "main").unwrap();
        assert_eq!((new.id, new.replaces, new.schema_version), (TableId(2), Some(old.id), 1));
        let names =
            |table: &TableDef| table.columns.iter().map(|c| (c.id, c.name.clone())).collect::<Vec<_>>();
        assert_eq!(names(&new), names(&old));
        assert!(new.dropped_columns.is_empty() && new.columns.iter().all(|c| c.added_value.is_none()));
        assert_eq!(new.columns[2].default, old.columns[2].default);
        assert_eq!(next.dropped().map(|t| t.id).collect::<Vec<_>>(), [old.id]);
        assert_eq!(decode_table(&encode_table(&new).unwrap(), "k").unwrap(), *new);
    }
}
