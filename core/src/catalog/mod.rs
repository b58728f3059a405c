//! Namespaces, tables and columns: what they are, how DDL changes them, how they are kept.
//!
//! A [`Catalog`] is a value. DDL makes another one of it ([`create_table`], [`alter_table`], …) and
//! [`store`] writes the difference, so a statement that fails, or whose commit does, has changed nothing.

mod access;
mod bloom;
mod codec;
mod column_type;
mod convert;
mod ddl;
mod index;
mod lifetime;
mod literal;
mod name;
mod options;
mod rows;
pub mod store;
mod table;
mod truncate;
mod view;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use access::AccessLevel;
pub use bloom::{FPP_RANGE, FalsePositives};
pub(crate) use codec::{decode, encode};
pub use codec::{decode_table, encode_table};
pub use column_type::{ColumnType, Element, MAX_VARCHAR};
pub use convert::{Misfit, convert, is_text};
pub(crate) use ddl::check_not_reserved;
pub use ddl::{
    AlterAction, AlterTable, CreateTable, MAX_COLUMNS, NewColumn, alter_table, create_namespace,
    create_table, drop_namespace, drop_tables,
};
pub use index::{CreateIndex, IndexDef, MAX_INDEX_COLUMNS, create_index, drop_indexes};
pub use lifetime::TTL_RANGE;
pub use literal::Literal;
pub use name::{
    DELETED_COLUMN, DELETED_SUFFIX, MAIN_NAMESPACE, RESERVED_NAMESPACES, SEQ_COLUMN, SEQ_SUFFIX, TableName,
    quoted,
};
pub(crate) use name::{check_column_name, nearest};
pub use options::{Compression, FlushPolicy, NamedShares, OptionChanges, Retention, TableOptions};
pub use store::{VIEWS, decode_view, view_dir, view_file, write_difference};
pub use table::{ColumnDef, DefaultExpr, DroppedColumn, FIELD_ID_KEY, TableDef, TableKind};
pub use truncate::truncate_tables;
pub use view::{IfThere, MAX_VIEW_DEPTH, RelationName, ViewColumn, ViewDef, create_view, drop_views};
pub use written::{writes, written};

use crate::error::{Error, Result};
use crate::types::TableId;

/// All namespaces and tables of a store at one moment. Copies share the definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    namespaces: BTreeSet<String>,
    tables: BTreeMap<TableId, Arc<TableDef>>,
    /// Namespace, then name, to the tables of it.
    names: BTreeMap<String, BTreeMap<String, TableId>>,
    dropped: BTreeMap<TableId, Arc<TableDef>>,
    views: BTreeMap<RelationName, Arc<ViewDef>>,
    next_table_id: u32,
}

/// The catalog of a fresh store: the namespace [`MAIN_NAMESPACE`] and nothing in it.
impl Default for Catalog {
    fn default() -> Self {
        Self {
            namespaces: BTreeSet::from([MAIN_NAMESPACE.to_owned()]),
            tables: BTreeMap::new(),
            names: BTreeMap::new(),
            dropped: BTreeMap::new(),
            views: BTreeMap::new(),
            next_table_id: 1,
        }
    }
}

impl Catalog {
    /// A catalog of these parts, as read from a store or found by a recovery. Namespaces of tables are
    /// added, dropped definitions are kept apart, and the next id is past every one given.
    ///
    /// # Errors
    /// `Corrupt` when two tables have one id, or two that are not dropped have one name.
    pub fn from_parts(
        namespaces: impl IntoIterator<Item = String>,
        tables: impl IntoIterator<Item = TableDef>,
        next_table_id: u32,
    ) -> Result<Self> {
        let mut catalog = Self::default();
        catalog.namespaces.extend(namespaces);
        catalog.next_table_id = catalog.next_table_id.max(next_table_id);
        for table in tables {
            let clash = |other: &TableDef| {
                Error::corrupt(format!(
                    "two tables clash: {} with id {} and {} with id {}",
                    other.full_name(),
                    other.id,
                    table.full_name(),
                    table.id
                ))
            };
            if let Some(other) = catalog.tables.get(&table.id).or_else(|| catalog.dropped.get(&table.id)) {
                return Err(clash(other));
            }
            catalog.next_table_id = catalog.next_table_id.max(table.id.0.saturating_add(1));
            if table.dropped {
                catalog.dropped.insert(table.id, Arc::new(table));
                continue;
            }
            if let Some(other) = catalog.table(&table.namespace, &table.name) {
                return Err(clash(other));
            }
            catalog.namespaces.insert(table.namespace.clone());
            catalog.insert(Arc::new(table));
        }
        Ok(catalog)
    }

    /// Every namespace, in name order; never those of [`RESERVED_NAMESPACES`].
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    /// Whether there is a namespace of this name; those of [`RESERVED_NAMESPACES`] always are.
    #[must_use]
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name) || RESERVED_NAMESPACES.contains(&name)
    }

    /// Checks that there is a namespace of this name, as `USE` does.
    ///
    /// # Errors
    /// `NotFound`, with the nearest name there is.
    pub fn expect_namespace(&self, name: &str) -> Result<()> {
        if self.has_namespace(name) { Ok(()) } else { Err(self.no_namespace(name)) }
    }

    /// Every table, in the order they were created.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.values()
    }

    /// The tables of a namespace, in name order.
    pub fn tables_in(&self, namespace: &str) -> impl Iterator<Item = &Arc<TableDef>> {
        self.names.get(namespace).into_iter().flat_map(BTreeMap::values).filter_map(|id| self.tables.get(id))
    }

    /// The names of the tables and views of a namespace, in order.
    pub fn relations_in(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let tables = self.tables_in(namespace).map(|t| t.name.as_str());
        let views = self.views().filter(move |v| v.namespace == namespace).map(|v| v.name.as_str());
        tables.chain(views).collect::<BTreeSet<_>>().into_iter()
    }

    /// Tables that are dropped and whose rows and files are still to be removed.
    pub fn dropped(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.dropped.values()
    }

    /// The table of this id, unless it is dropped.
    #[must_use]
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableDef>> {
        self.tables.get(&id)
    }

    /// The table `name` of `namespace`.
    #[must_use]
    pub fn table(&self, namespace: &str, name: &str) -> Option<&Arc<TableDef>> {
        self.tables.get(self.names.get(namespace)?.get(name)?)
    }

    /// The table a statement names, where a bare name is of the namespace `current`.
    ///
    /// # Errors
    /// `NotFound`, with the nearest name there is; `InvalidInput` for a view.
    pub fn resolve(&self, name: &TableName, current: &str) -> Result<Arc<TableDef>> {
        let namespace = name.namespace.as_deref().unwrap_or(current);
        if let Some(table) = self.table(namespace, &name.name) {
            return Ok(Arc::clone(table));
        }
        if !self.has_namespace(namespace) {
            return Err(self.no_namespace(namespace));
        }
        if let Some(view) = self.view(namespace, &name.name) {
            return Err(Error::invalid(format!(
                "{} is a view: it can be read by SELECT, but has no rows of its own to change",
                view.full_name()
            )));
        }
        if RESERVED_NAMESPACES.contains(&namespace) {
            return Err(Error::invalid(format!(
                "the tables of namespace {namespace} are the engine's own: they can be read by SELECT only"
            )));
        }
        Err(self.no_table(namespace, &name.name))
    }

    /// The id the next table gets; ids below it have been given out.
    #[must_use]
    pub fn next_table_id(&self) -> u32 {
        self.next_table_id
    }

    /// This catalog without the remains of a dropped table: its rows and files are gone.
    #[must_use]
    pub fn forget_dropped(&self, id: TableId) -> Self {
        let mut next = self.clone();
        next.dropped.remove(&id);
        next
    }

    fn no_namespace(&self, name: &str) -> Error {
        let hint = match nearest(name, self.namespaces()) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None if name.starts_with("pg_") => {
                "what there is stands in information_schema and in system".to_owned()
            }
            None => format!("CREATE NAMESPACE {} makes it", quoted(name)),
        };
        Error::not_found(format!("there is no namespace {}", quoted(name))).about(None, name).with_hint(hint)
    }

    fn no_table(&self, namespace: &str, name: &str) -> Error {
        let missing = TableName::qualified(namespace, name);
        let views = self.views().filter(|v| v.namespace == namespace).map(|v| v.name.as_str());
        let same_namespace = self.tables_in(namespace).map(|t| t.name.as_str()).chain(views);
        let elsewhere = || self.tables.values().find(|t| t.name == name).map(|t| t.full_name());
        let hint = elsewhere()
            .or_else(|| nearest(name, same_namespace).map(|n| TableName::qualified(namespace, n)))
            .map(|n| format!("did you mean {n}?"));
        Error::not_found(format!("there is no table {missing}")).about_table(name).with_hint_if(hint)
    }

    fn take_table_id(&mut self) -> Result<TableId> {
        let id = self.next_table_id;
        let next = id.checked_add(1).ok_or_else(|| Error::limit("the store has no table id left"))?;
        self.next_table_id = next;
        Ok(TableId(id))
    }

    /// Puts a definition in, in place of an older one of the same table.
    fn insert(&mut self, table: Arc<TableDef>) {
        self.names.entry(table.namespace.clone()).or_default().insert(table.name.clone(), table.id);
        self.tables.insert(table.id, table);
    }

    /// Moves a table to the dropped ones, as the next version of its definition.
    fn retire(&mut self, table: &TableDef) -> Result<()> {
        let mut last = table.clone();
        last.schema_version = ddl::next_version(table)?;
        last.dropped = true;
        self.tables.remove(&table.id);
        if let Some(names) = self.names.get_mut(&table.namespace) {
            names.remove(&table.name);
            if names.is_empty() {
                self.names.remove(&table.namespace);
            }
        }
        self.dropped.insert(table.id, Arc::new(last));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
