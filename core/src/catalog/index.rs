//! `CREATE INDEX` and `DROP INDEX`: what they make of a catalog.
//!
//! An index is part of its table's definition. Its rows that are hot are kept in order in memory, which needs no
//! more than the definition; batch files written from then on have Bloom filters of its columns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::ddl::{check_not_reserved, next_version};
use crate::catalog::name::{check_name, nearest, quoted};
use crate::catalog::{Catalog, TableDef, TableName, bloom, lifetime};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ColumnId;

/// The most columns of an index, as in PostgreSQL.
pub const MAX_INDEX_COLUMNS: usize = 32;

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDef {
    /// Its name, which no other index, table or view of the namespace has.
    pub name: String,
    /// The columns that it is ordered by.
    pub columns: Vec<ColumnId>,
}

/// `CREATE INDEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIndex {
    /// Its name; without one it gets a name of the table's and its columns'.
    pub name: Option<String>,
    /// Whether something of the name makes the statement do nothing.
    pub if_not_exists: bool,
    /// The table.
    pub table: TableName,
    /// The columns, in order.
    pub columns: Vec<String>,
}

impl Catalog {
    /// The index `name` of `namespace`, and its table.
    #[must_use]
    pub fn index(&self, namespace: &str, name: &str) -> Option<(&Arc<TableDef>, &IndexDef)> {
        let mut tables = self.tables_in(namespace);
        tables.find_map(|table| table.indexes.iter().find(|i| i.name == name).map(|index| (table, index)))
    }

    /// Checks that no index has the name of a table or view to be made.
    ///
    /// # Errors
    /// `AlreadyExists`.
    pub(super) fn check_no_index(&self, namespace: &str, name: &str) -> Result<()> {
        match self.index(namespace, name) {
            Some(_) => Err(already_there("index", namespace, name)),
            None => Ok(()),
        }
    }

    /// What is called `name` in `namespace`: a table, a view or an index.
    fn relation(&self, namespace: &str, name: &str) -> Option<&'static str> {
        if self.index(namespace, name).is_some() {
            return Some("index");
        }
        if self.view(namespace, name).is_some() {
            return Some("view");
        }
        self.table(namespace, name).map(|_| "table")
    }

    /// A name for an index of these columns that nothing has, as PostgreSQL makes it.
    fn name_for_index(&self, table: &TableDef, columns: &[String]) -> String {
        let base = format!("{}_{}_idx", table.name, columns.join("_"));
        let numbered = (1..).map(|n| format!("{base}{n}"));
        let free = |name: &String| self.relation(&table.namespace, name).is_none();
        std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or_default()
    }
}

/// Adds an index. `None` when there is something of its name and `if_not_exists`.
///
/// # Errors
/// `NotFound` for a table or column that is not there; `AlreadyExists`; `InvalidInput` for a name that cannot
/// be; `Unsupported` for columns that have no order, and for a STREAM table; `LimitExceeded` for too many.
pub fn create_index(catalog: &Catalog, request: &CreateIndex, current: &str) -> Result<Option<Catalog>> {
    let old = catalog.resolve(&request.table, current)?;
    check_not_reserved(&old.namespace)?;
    lifetime::refuse_index(&old)?;
    if let Some(name) = &request.name
        && let Some(what) = catalog.relation(&old.namespace, name)
    {
        return if request.if_not_exists { Ok(None) } else { Err(already_there(what, &old.namespace, name)) };
    }
    if request.columns.len() > MAX_INDEX_COLUMNS {
        return Err(Error::limit(format!("an index has at most {MAX_INDEX_COLUMNS} columns")));
    }
    let mut columns = Vec::with_capacity(request.columns.len());
    for name in &request.columns {
        let column = old.column(name).ok_or_else(|| old.no_column(name))?;
        if !column.ty.can_be_key() {
            return Err(Error::unsupported(format!(
                "an index on column {} of type {}: it has no order",
                quoted(name),
                column.ty
            )));
        }
        if columns.contains(&column.id) {
            return Err(Error::invalid(format!("the index names column {} twice", quoted(name))));
        }
        columns.push(column.id);
    }
    let name = request.name.clone().unwrap_or_else(|| catalog.name_for_index(&old, &request.columns));
    check_name("index", &name)?;
    let mut table = TableDef::clone(&old);
    table.schema_version = next_version(&old)?;
    table.indexes.push(IndexDef { name, columns });
    let mut next = catalog.clone();
    next.insert(Arc::new(table));
    Ok(Some(next))
}

/// Drops indexes, all or none. `None` when none is there and `if_exists`.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a table or a view.
pub fn drop_indexes(
    catalog: &Catalog,
    names: &[TableName],
    if_exists: bool,
    current: &str,
) -> Result<Option<Catalog>> {
    let mut next = catalog.clone();
    let mut changed: Vec<Arc<TableDef>> = Vec::new();
    for name in names {
        let namespace = name.namespace.as_deref().unwrap_or(current);
        let Some((table, _)) = next.index(namespace, &name.name) else {
            match missing(catalog, namespace, &name.name) {
                e if if_exists && e.kind() == ErrorKind::NotFound => continue,
                e => return Err(e),
            }
        };
        let mut table = TableDef::clone(table);
        // Whatever the number of indexes, the schema version is raised once.
        if !changed.iter().any(|t| t.id == table.id) {
            table.schema_version = next_version(&table)?;
        }
        table.indexes.retain(|index| index.name != name.name);
        bloom::forget_unused(&mut table);
        let table = Arc::new(table);
        changed.push(Arc::clone(&table));
        next.insert(table);
    }
    Ok((!changed.is_empty()).then_some(next))
}

fn missing(catalog: &Catalog, namespace: &str, name: &str) -> Error {
    let full = TableName::qualified(namespace, name);
    if let Some(what) = catalog.relation(namespace, name).filter(|what| *what != "index") {
        return Error::invalid(format!("{full} is a {what}, not an index: use DROP {}", what.to_uppercase()));
    }
    let names = catalog.tables_in(namespace).flat_map(|table| table.indexes.iter().map(|i| i.name.as_str()));
    let hint =
        nearest(name, names).map(|near| format!("did you mean {}?", TableName::qualified(namespace, near)));
    Error::not_found(format!("there is no index {full}")).about(None, name).with_hint_if(hint)
}

fn already_there(what: &str, namespace: &str, name: &str) -> Error {
    Error::already_exists(format!("{what} {} already exists", TableName::qualified(namespace, name)))
}

/// Takes the column out of what the table's indexes are of: they go with it, as in PostgreSQL.
pub(super) fn drop_indexes_of(table: &mut TableDef, column: ColumnId) {
    table.indexes.retain(|index| !index.columns.contains(&column));
}

/// What is wrong with the indexes of a definition that was read.
pub(super) fn check(table: &TableDef) -> Result<(), String> {
    let mut names = std::collections::HashSet::new();
    for index in &table.indexes {
        if !names.insert(index.name.as_str()) {
            return Err(format!("two indexes are named {}", index.name));
        }
        if index.columns.is_empty() || index.columns.iter().any(|id| table.column_by_id(*id).is_none()) {
            return Err(format!("index {} is of columns {:?}", index.name, index.columns));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::{alter, table_of};
    use crate::catalog::{decode_table, encode_table, truncate_tables};

    fn request(name: Option<&str>, columns: &[&str]) -> CreateIndex {
        CreateIndex {
            name: name.map(str::to_owned),
            if_not_exists: false,
            table: TableName::bare("t"),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    fn made(catalog: &Catalog, name: Option<&str>, columns: &[&str]) -> Catalog {
        create_index(catalog, &request(name, columns), "main").unwrap().unwrap()
    }

    fn names(catalog: &Catalog) -> Vec<String> {
        catalog.table("main", "t").unwrap().indexes.iter().map(|i| i.name.clone()).collect()
    }

    #[test]
    fn indexes_come_and_go_with_their_columns() {
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT, b TEXT, c BIGINT)");
        let catalog = made(&catalog, Some("one"), &["a"]);
        let catalog = made(&catalog, None, &["a"]);
        let catalog = made(&catalog, None, &["a"]);
        let catalog = made(&catalog, None, &["b", "c"]);
        assert_eq!(names(&catalog), ["one", "t_a_idx", "t_a_idx1", "t_b_c_idx"]);
        let table = catalog.table("main", "t").unwrap();
        assert_eq!(table.schema_version, 5);
        let filters: Vec<u32> = table.bloom_filters().iter().map(|(id, _)| id.0).collect();
        assert_eq!(filters, [1, 2, 3, 4], "indexed columns have Bloom filters");
        assert_eq!(decode_table(&encode_table(table).unwrap(), "k").unwrap(), **table);

        let e = create_index(&catalog, &request(Some("one"), &["b"]), "main").expect_err("twice");
        assert!(e.to_string().contains("index main.one already exists"), "{e}");
        let e = create_index(&catalog, &request(Some("t"), &["b"]), "main").expect_err("a table");
        assert!(e.to_string().contains("table main.t already exists"), "{e}");
        let e = create_index(&catalog, &request(None, &["b", "b"]), "main").expect_err("a column twice");
        assert_eq!(e.kind(), ErrorKind::InvalidInput);

        let (after, _) = alter(&catalog, "ALTER TABLE t RENAME COLUMN a TO d, DROP COLUMN c");
        assert_eq!(names(&after), ["one", "t_a_idx", "t_a_idx1"]);
        let truncated = truncate_tables(&catalog, &[TableName::bare("t")], "main", crate::types::SeqId::ZERO)
            .unwrap()
            .unwrap();
        assert_eq!(names(&truncated), names(&catalog));
    }

    #[test]
    fn several_are_dropped_at_once_or_none() {
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT)");
        let catalog = made(&made(&catalog, Some("one"), &["a"]), Some("two"), &["id"]);
        let drop = |names: &[&str], if_exists| {
            let names: Vec<TableName> = names.iter().map(|n| TableName::bare(*n)).collect();
            drop_indexes(&catalog, &names, if_exists, "main")
        };
        let e = drop(&["one", "onee"], false).expect_err("no such index");
        assert!(
            e.to_string().contains("no index main.onee") && e.hint().unwrap().contains("main.one?"),
            "{e}"
        );
        assert_eq!(drop(&["t"], true).expect_err("a table").kind(), ErrorKind::InvalidInput);
        assert!(drop(&["three"], true).unwrap().is_none());
        let left = drop(&["one", "three"], true).unwrap().unwrap();
        assert_eq!(names(&left), ["two"]);
        let left = drop(&["one", "two"], false).unwrap().unwrap();
        let table = left.table("main", "t").unwrap();
        assert!(table.indexes.is_empty() && table.schema_version == 4);
    }
}
