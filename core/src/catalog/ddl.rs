//! What DDL statements ask for, and what they make of a catalog: pure functions from value to value.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::index::drop_indexes_of;
use crate::catalog::name::{
    MAIN_NAMESPACE, RESERVED_NAMESPACES, TableName, check_column_name, check_name, check_table_name, quoted,
};
use crate::catalog::options::OptionChanges;
use crate::catalog::table::SchemaCache;
use crate::catalog::{
    Catalog, ColumnDef, ColumnType, DefaultExpr, DroppedColumn, Literal, RelationName, TableDef, TableKind,
    TableOptions, access,
};
use crate::catalog::{bloom, lifetime};
use crate::error::{Error, Result};
use crate::types::{ColumnId, TableId};

/// The most columns a table has in its life; each schema version is read with all of them in view.
pub const MAX_COLUMNS: usize = 1600;

/// A column as a statement describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub ty: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What an INSERT that leaves it out gives it.
    pub default: Option<DefaultExpr>,
}

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    /// The table.
    pub name: TableName,
    /// Whether a table of the name makes the statement do nothing.
    pub if_not_exists: bool,
    /// Whom its rows belong to.
    pub kind: TableKind,
    /// Its columns.
    pub columns: Vec<NewColumn>,
    /// The columns of the key, in key order.
    pub primary_key: Vec<String>,
    /// What `WITH` says.
    pub options: OptionChanges,
}

/// `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterTable {
    /// The table.
    pub table: TableName,
    /// Whether a missing table makes the statement do nothing.
    pub if_exists: bool,
    /// What changes, in order.
    pub actions: Vec<AlterAction>,
}

/// One change of an `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterAction {
    /// `ADD COLUMN`.
    AddColumn {
        /// The column.
        column: NewColumn,
        /// Whether a column of the name makes the action do nothing.
        if_not_exists: bool,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// The column.
        name: String,
        /// Whether a missing column makes the action do nothing.
        if_exists: bool,
    },
    /// `RENAME COLUMN`.
    RenameColumn {
        /// The column.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// `SET (…)`.
    SetOptions(OptionChanges),
}

/// Adds a namespace. `None` when it is there and `if_not_exists`.
///
/// # Errors
/// `AlreadyExists`; `InvalidInput` for a name that cannot be or is reserved.
pub fn create_namespace(catalog: &Catalog, name: &str, if_not_exists: bool) -> Result<Option<Catalog>> {
    check_name("namespace", name)?;
    if catalog.has_namespace(name) {
        if if_not_exists {
            return Ok(None);
        }
        return Err(Error::already_exists(format!("namespace {} already exists", quoted(name))));
    }
    check_not_reserved(name)?;
    let mut next = catalog.clone();
    next.namespaces.insert(name.to_owned());
    Ok(Some(next))
}

/// Drops a namespace, and with `cascade` its tables and views, and views that use them. `None` when it is
/// not there and `if_exists`.
///
/// # Errors
/// `NotFound`; `InvalidInput` when it holds tables or views and not `cascade`, or must always be there.
pub fn drop_namespace(
    catalog: &Catalog,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<Option<Catalog>> {
    check_not_reserved(name)?;
    if name == MAIN_NAMESPACE {
        return Err(Error::invalid(format!(
            "namespace {MAIN_NAMESPACE} is always there: it cannot be dropped"
        )));
    }
    if !catalog.has_namespace(name) {
        return if if_exists { Ok(None) } else { Err(catalog.no_namespace(name)) };
    }
    let tables: Vec<Arc<TableDef>> = catalog.tables_in(name).cloned().collect();
    let held: BTreeSet<RelationName> =
        catalog.relations_in(name).map(|r| (name.to_owned(), r.to_owned())).collect();
    if let (Some((_, first)), false) = (held.first(), cascade) {
        return Err(Error::invalid(format!(
            "namespace {} holds {} table(s) and view(s), {} among them: drop them first, or write DROP NAMESPACE {} CASCADE",
            quoted(name),
            held.len(),
            TableName::qualified(name, first),
            quoted(name)
        )));
    }
    let mut next = catalog.clone();
    for table in &tables {
        next.retire(table)?;
    }
    next.views.retain(|(namespace, _), _| namespace != name);
    next.drop_users_of(held, cascade)?;
    next.namespaces.remove(name);
    Ok(Some(next))
}

/// Adds a table, of the `current` namespace when its name is bare. `None` when it is there and the
/// statement allows that.
///
/// # Errors
/// `AlreadyExists`; `NotFound` for a namespace or a column that is not there; `InvalidInput` for names,
/// keys and options that cannot be; `LimitExceeded` for too many columns.
pub fn create_table(
    catalog: &Catalog,
    request: &CreateTable,
    current: &str,
) -> Result<Option<(Catalog, Arc<TableDef>)>> {
    let namespace = request.name.namespace.as_deref().unwrap_or(current);
    check_not_reserved(namespace)?;
    if !catalog.has_namespace(namespace) {
        return Err(catalog.no_namespace(namespace));
    }
    check_table_name(&request.name.name)?;
    if let Some(existing) = catalog.table(namespace, &request.name.name) {
        if request.if_not_exists {
            return Ok(None);
        }
        return Err(Error::already_exists(format!("table {} already exists", existing.full_name())));
    }
    if let Some(view) = catalog.view(namespace, &request.name.name) {
        if request.if_not_exists {
            return Ok(None);
        }
        return Err(Error::already_exists(format!("view {} already exists", view.full_name())));
    }
    catalog.check_no_index(namespace, &request.name.name)?;
    let mut next = catalog.clone();
    let id = next.take_table_id()?;
    let table = new_table(request, namespace, id).map_err(|e| {
        e.context(format!("CREATE TABLE {}", TableName::qualified(namespace, &request.name.name)))
    })?;
    let table = Arc::new(table);
    next.insert(Arc::clone(&table));
    Ok(Some((next, table)))
}

/// Changes a table. `None` when there is nothing to change and the statement allows that. Whatever the
/// number of actions, the schema version is raised once. A default that depends on the time is evaluated
/// at `now_micros`, for all rows that are there.
///
/// # Errors
/// `NotFound` for tables and columns that are not there; `AlreadyExists` for a column that is;
/// `InvalidInput` for a change that cannot be; `Unsupported` for a default that differs per row.
pub fn alter_table(
    catalog: &Catalog,
    request: &AlterTable,
    current: &str,
    now_micros: i64,
) -> Result<Option<(Catalog, Arc<TableDef>)>> {
    let old = match catalog.resolve(&request.table, current) {
        Err(e) if request.if_exists && e.kind() == crate::error::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let mut table = TableDef::clone(&old);
    table.schema_version = next_version(&old)?;
    let mut changed = false;
    for action in &request.actions {
        changed |= apply(&mut table, action, now_micros)
            .map_err(|e| e.context(format!("ALTER TABLE {}", old.full_name())))?;
    }
    if !changed {
        return Ok(None);
    }
    let table = Arc::new(table);
    let mut next = catalog.clone();
    next.insert(Arc::clone(&table));
    Ok(Some((next, table)))
}

/// Drops tables, all or none, and with `cascade` the views that use them. Their definitions stay among
/// [`Catalog::dropped`] until their rows and files are gone. `None` when none is there and `if_exists`.
///
/// # Errors
/// `NotFound`; `InvalidInput` when a table is named twice, and without `cascade` when a view uses one.
pub fn drop_tables(
    catalog: &Catalog,
    names: &[TableName],
    if_exists: bool,
    cascade: bool,
    current: &str,
) -> Result<Option<Catalog>> {
    let mut next = catalog.clone();
    let mut gone = BTreeSet::new();
    for name in names {
        match catalog.resolve(name, current) {
            Err(e) if if_exists && e.kind() == crate::error::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
            Ok(table) if next.table_by_id(table.id).is_none() => {
                return Err(Error::invalid(format!("DROP TABLE names {} twice", table.full_name())));
            }
            Ok(table) => {
                next.retire(&table)?;
                gone.insert((table.namespace.clone(), table.name.clone()));
            }
        }
    }
    if gone.is_empty() {
        return Ok(None);
    }
    next.drop_users_of(gone, cascade)?;
    Ok(Some(next))
}

/// The version after `table`'s own.
pub(super) fn next_version(table: &TableDef) -> Result<u32> {
    let next = table.schema_version.checked_add(1);
    next.ok_or_else(|| Error::limit(format!("table {} has no schema version left", table.full_name())))
}

/// Checks that the namespace is not the engine's own.
///
/// # Errors
/// `InvalidInput`.
pub(crate) fn check_not_reserved(namespace: &str) -> Result<()> {
    if RESERVED_NAMESPACES.contains(&namespace) {
        return Err(Error::invalid(format!(
            "namespace {namespace} is the engine's own: it cannot be changed"
        )));
    }
    Ok(())
}

fn new_table(request: &CreateTable, namespace: &str, id: TableId) -> Result<TableDef> {
    if request.primary_key.is_empty() {
        return Err(Error::invalid("the table has no primary key"));
    }
    let mut table = TableDef {
        namespace: namespace.to_owned(),
        name: request.name.name.clone(),
        id,
        kind: request.kind,
        schema_version: 1,
        next_column_id: 1,
        columns: Vec::with_capacity(request.columns.len()),
        dropped_columns: Vec::new(),
        primary_key: Vec::with_capacity(request.primary_key.len()),
        options: TableOptions::default(),
        indexes: Vec::new(),
        replaces: None,
        feed_floor: None,
        dropped: false,
        schemas: SchemaCache::default(),
    };
    for column in &request.columns {
        push_column(&mut table, column, None)?;
    }
    for name in &request.primary_key {
        let column = table.columns.iter_mut().find(|c| c.name == *name).ok_or_else(|| {
            Error::not_found(format!("the primary key names {}, which is no column", quoted(name)))
        })?;
        column.nullable = false;
        if !column.ty.can_be_key() {
            return Err(Error::unsupported(format!(
                "column {} of type {} in a primary key: it has no order",
                quoted(name),
                column.ty
            )));
        }
        if table.primary_key.contains(&column.id) {
            return Err(Error::invalid(format!("the primary key names column {} twice", quoted(name))));
        }
        table.primary_key.push(column.id);
    }
    set_options(&mut table, &request.options, 0)?;
    Ok(table)
}

/// Appends a column with the next id. The caller has raised the schema version.
fn push_column(table: &mut TableDef, column: &NewColumn, added_value: Option<Literal>) -> Result<()> {
    check_column_name(&column.name)?;
    if table.column(&column.name).is_some() {
        return Err(Error::invalid(format!("there are two columns named {}", quoted(&column.name))));
    }
    if table.columns.len() + table.dropped_columns.len() >= MAX_COLUMNS {
        return Err(Error::limit(format!(
            "a table has at most {MAX_COLUMNS} columns, dropped ones included"
        )));
    }
    check_default(column)?;
    let id = ColumnId(table.next_column_id);
    table.next_column_id += 1;
    table.columns.push(ColumnDef {
        id,
        name: column.name.clone(),
        ty: column.ty,
        nullable: column.nullable,
        default: column.default.clone(),
        added_in: table.schema_version,
        added_value,
    });
    Ok(())
}

/// Checks that the default is of the column's type.
fn check_default(column: &NewColumn) -> Result<()> {
    use ColumnType as T;
    let (what, needed, fits) = match &column.default {
        None => return Ok(()),
        Some(DefaultExpr::Literal(literal)) => return literal.to_scalar(column.ty).map(|_| ()),
        Some(DefaultExpr::Now) => {
            ("NOW()", "TIMESTAMP", matches!(column.ty, T::Timestamp | T::TimestampTz | T::Date | T::Time))
        }
        Some(DefaultExpr::SnowflakeId | DefaultExpr::Identity) => {
            ("SNOWFLAKE_ID()", "BIGINT", column.ty == T::BigInt)
        }
        Some(DefaultExpr::UuidV7) => {
            ("UUID_V7()", "UUID", matches!(column.ty, T::Uuid) || holds(column.ty, 36))
        }
        Some(DefaultExpr::Ulid) => ("ULID()", "TEXT", holds(column.ty, 26)),
        Some(DefaultExpr::CurrentUser) => ("CURRENT_USER", "TEXT", holds(column.ty, 1)),
    };
    if fits {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} is of type {needed}, but column {} is {}",
        quoted(&column.name),
        column.ty
    )))
}

/// Whether a column holds text of `length` characters.
fn holds(ty: ColumnType, length: u32) -> bool {
    match ty {
        ColumnType::Text => true,
        ColumnType::Varchar(limit) => limit >= length,
        _ => false,
    }
}

/// Applies one action; whether it changed anything.
fn apply(table: &mut TableDef, action: &AlterAction, now_micros: i64) -> Result<bool> {
    match action {
        AlterAction::AddColumn { column, if_not_exists } => {
            if table.column(&column.name).is_some() {
                if *if_not_exists {
                    return Ok(false);
                }
                return Err(Error::already_exists(format!("column {} already exists", quoted(&column.name))));
            }
            let value = value_of_old_rows(column, now_micros)?;
            push_column(table, column, value)?;
        }
        AlterAction::DropColumn { name, if_exists } => {
            if *if_exists && table.column(name).is_none() {
                return Ok(false);
            }
            drop_column(table, name)?;
        }
        AlterAction::RenameColumn { from, to } => rename_column(table, from, to)?,
        AlterAction::SetOptions(changes) => {
            let before = table.options.clone();
            set_options(table, changes, now_micros)?;
            return Ok(table.options != before);
        }
    }
    Ok(true)
}

/// What an added column is in the rows that are there.
fn value_of_old_rows(column: &NewColumn, now_micros: i64) -> Result<Option<Literal>> {
    let differs = |default: &str, what: &str| {
        Error::unsupported(format!(
            "ADD COLUMN {} with DEFAULT {default}: each row already there would need its own {what}",
            quoted(&column.name)
        ))
    };
    let value = match &column.default {
        None => None,
        Some(DefaultExpr::Literal(literal)) => Some(literal.clone()).filter(|l| !l.is_null()),
        Some(DefaultExpr::Now) => Some(Literal::of_time(now_micros, column.ty)),
        Some(DefaultExpr::SnowflakeId | DefaultExpr::Identity) => {
            return Err(differs("SNOWFLAKE_ID()", "id"));
        }
        Some(DefaultExpr::UuidV7) => return Err(differs("UUID_V7()", "id")),
        Some(DefaultExpr::Ulid) => return Err(differs("ULID()", "id")),
        Some(DefaultExpr::CurrentUser) => return Err(differs("CURRENT_USER", "user")),
    };
    if value.is_none() && !column.nullable {
        return Err(Error::invalid(format!(
            "column {name} is NOT NULL, but rows already there would be NULL: \
             give it a default, as in ADD COLUMN {name} {ty} NOT NULL DEFAULT …",
            name = quoted(&column.name),
            ty = column.ty
        )));
    }
    Ok(value)
}

fn drop_column(table: &mut TableDef, name: &str) -> Result<()> {
    let at = table.index_of(name).ok_or_else(|| table.no_column(name))?;
    if let Some(column) = table.columns.get(at)
        && table.is_key(column.id)
    {
        return Err(Error::invalid(format!(
            "column {} is of the primary key: it cannot be dropped",
            quoted(name)
        )));
    }
    let column = table.columns.remove(at);
    table.options.bloom.retain(|id| *id != column.id);
    drop_indexes_of(table, column.id);
    bloom::forget_unused(table);
    // A column that came and went in one statement was in no row.
    if column.added_in < table.schema_version {
        table.dropped_columns.push(DroppedColumn {
            id: column.id,
            name: column.name,
            ty: column.ty,
            added_in: column.added_in,
            dropped_in: table.schema_version,
        });
    }
    Ok(())
}

fn rename_column(table: &mut TableDef, from: &str, to: &str) -> Result<()> {
    check_column_name(to)?;
    let at = table.index_of(from).ok_or_else(|| table.no_column(from))?;
    if table.column(to).is_some() {
        return Err(Error::already_exists(format!("column {} already exists", quoted(to))));
    }
    if let Some(column) = table.columns.get_mut(at) {
        to.clone_into(&mut column.name);
    }
    Ok(())
}

fn set_options(table: &mut TableDef, changes: &OptionChanges, now_micros: i64) -> Result<()> {
    lifetime::set(table, changes, now_micros)?;
    access::set(table, changes)?;
    if let Some(flush) = changes.flush {
        table.options.flush = flush;
    }
    if let Some(retention) = changes.deleted_retention {
        table.options.deleted_retention = retention;
    }
    if let Some(compression) = changes.compression {
        table.options.compression = compression;
    }
    bloom::set(table, changes)
}
