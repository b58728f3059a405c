//! What the catalog defines, as rows: namespaces, tables, columns, views.

use super::{Cell, INFORMATION_SCHEMA, OWN_TABLES, SYSTEM};
use crate::access::Principal;
use crate::catalog::{Catalog, ColumnDef, DefaultExpr, FlushPolicy, IndexDef, TableDef, ViewDef};
use crate::plan::views;

/// The name of the database in `information_schema`; there is one.
const DATABASE: &str = "firndb";

/// `information_schema.schemata`.
pub(super) fn schemata(catalog: &Catalog) -> Vec<Vec<Cell>> {
    let all = catalog.namespaces().chain([INFORMATION_SCHEMA, SYSTEM]);
    all.map(|name| vec![DATABASE.into(), name.into(), "root".into()]).collect()
}

/// `information_schema.tables`.
pub(super) fn standard_tables(catalog: &Catalog) -> Vec<Vec<Cell>> {
    let row = |namespace: &str, name: &str, table: bool| {
        let (kind, writable) = if table { ("BASE TABLE", "YES") } else { ("VIEW", "NO") };
        vec![DATABASE.into(), namespace.into(), name.into(), kind.into(), writable.into()]
    };
    let mut rows: Vec<_> = catalog.tables().map(|t| row(&t.namespace, &t.name, true)).collect();
    rows.extend(catalog.views().map(|v| row(&v.namespace, &v.name, false)));
    rows.extend(OWN_TABLES.iter().map(|own| row(own.namespace, own.name, false)));
    rows
}

/// The query of `view`; what it compares with may be values of rows, so it is for those who may read these.
fn query_of(who: &Principal, catalog: &Catalog, view: &ViewDef) -> Option<String> {
    views::expect_may_read(who, catalog, view).is_ok().then(|| view.query.clone())
}

/// `information_schema.views`.
pub(super) fn standard_views(who: &Principal, catalog: &Catalog) -> Vec<Vec<Cell>> {
    let row = |view: &ViewDef| {
        vec![
            DATABASE.into(),
            view.namespace.as_str().into(),
            view.name.as_str().into(),
            query_of(who, catalog, view).into(),
            "NONE".into(),
            "NO".into(),
        ]
    };
    catalog.views().map(|view| row(view)).collect()
}

/// `system.tables`.
pub(super) fn tables(who: &Principal, catalog: &Catalog) -> Vec<Vec<Cell>> {
    let table = |table: &TableDef| {
        let has_files = table.kind.has_files();
        let compression = has_files.then(|| format!("{:?}", table.options.compression).to_lowercase());
        vec![
            table.namespace.as_str().into(),
            table.name.as_str().into(),
            table.kind.sql_name().into(),
            u64::from(table.id.0).into(),
            u64::from(table.schema_version).into(),
            table.columns.len().into(),
            key_names(table).join(", ").into(),
            table.options.flush.map(flush_policy).into(),
            table.options.deleted_retention.map(|retention| retention.to_string()).into(),
            table.options.ttl_seconds.into(),
            table.options.access_level.to_string().into(),
            table.options.write_access_level.unwrap_or(table.options.access_level).to_string().into(),
            compression.into(),
            Cell::Null,
        ]
    };
    let view = |view: &ViewDef| {
        vec![
            view.namespace.as_str().into(),
            view.name.as_str().into(),
            "VIEW".into(),
            Cell::Null,
            Cell::Null,
            view.columns.len().into(),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            query_of(who, catalog, view).into(),
        ]
    };
    catalog.tables().map(|t| table(t)).chain(catalog.views().map(|v| view(v))).collect()
}

/// `system.indexes`.
pub(super) fn indexes(catalog: &Catalog) -> Vec<Vec<Cell>> {
    let of_table = |table: &TableDef| -> Vec<Vec<Cell>> {
        let row = |index: &IndexDef| {
            let columns = index.columns.iter().filter_map(|id| table.column_by_id(*id));
            let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
            vec![
                table.namespace.as_str().into(),
                table.name.as_str().into(),
                index.name.as_str().into(),
                columns.join(", ").into(),
            ]
        };
        table.indexes.iter().map(row).collect()
    };
    catalog.tables().flat_map(|table| of_table(table)).collect()
}

fn key_names(table: &TableDef) -> Vec<&str> {
    let columns = table.key_columns().into_iter().filter_map(|at| table.columns.get(at));
    columns.map(|column| column.name.as_str()).collect()
}

fn flush_policy(policy: FlushPolicy) -> String {
    let parts = [("rows", policy.rows), ("bytes", policy.bytes), ("interval", policy.interval_s)];
    let parts = parts.iter().filter_map(|(name, value)| value.map(|value| format!("{name}:{value}")));
    let all: Vec<String> = parts.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(",") }
}

/// A column of anything that has columns.
struct Column<'a> {
    namespace: &'a str,
    table: &'a str,
    name: &'a str,
    position: usize,
    ty: String,
    nullable: bool,
    default: Option<String>,
    key_position: Option<usize>,
}

/// `system.columns`.
pub(super) fn columns(catalog: &Catalog) -> Vec<Vec<Cell>> {
    let row = |column: Column<'_>| {
        vec![
            column.namespace.into(),
            column.table.into(),
            column.name.into(),
            column.position.into(),
            column.ty.into(),
            Cell::Flag(column.nullable),
            column.default.into(),
            column.key_position.into(),
        ]
    };
    defined(catalog).map(row).collect()
}

/// `information_schema.columns`.
pub(super) fn standard_columns(catalog: &Catalog) -> Vec<Vec<Cell>> {
    let own = OWN_TABLES.iter().flat_map(|table| {
        table.columns.iter().enumerate().map(move |(at, (name, ty))| Column {
            namespace: table.namespace,
            table: table.name,
            name,
            position: at + 1,
            ty: ty.to_string(),
            nullable: true,
            default: None,
            key_position: None,
        })
    });
    defined(catalog).chain(own).map(standard_row).collect()
}

fn standard_row(column: Column<'_>) -> Vec<Cell> {
    let ty = standard_type(&column.ty);
    let nullable = if column.nullable { "YES" } else { "NO" };
    vec![
        DATABASE.into(),
        column.namespace.into(),
        column.table.into(),
        column.name.into(),
        column.position.into(),
        column.default.into(),
        nullable.into(),
        ty.name.into(),
        ty.length.into(),
        ty.precision.into(),
        ty.scale.into(),
        ty.time_precision.into(),
    ]
}

/// The columns of tables and views.
fn defined(catalog: &Catalog) -> impl Iterator<Item = Column<'_>> {
    let tables = catalog.tables().flat_map(|table| {
        table.columns.iter().enumerate().map(move |(at, column)| Column {
            namespace: &table.namespace,
            table: &table.name,
            name: &column.name,
            position: at + 1,
            ty: column.ty.to_string(),
            nullable: column.nullable,
            default: default_text(column),
            key_position: table.primary_key.iter().position(|id| *id == column.id).map(|at| at + 1),
        })
    });
    let views = catalog.views().flat_map(|view| {
        view.columns.iter().enumerate().map(move |(at, column)| Column {
            namespace: &view.namespace,
            table: &view.name,
            name: &column.name,
            position: at + 1,
            ty: column.ty.clone(),
            nullable: true,
            default: None,
            key_position: None,
        })
    });
    tables.chain(views)
}

/// A default as it could be written.
fn default_text(column: &ColumnDef) -> Option<String> {
    match column.default.as_ref()? {
        // As PostgreSQL has it, an identity is no default.
        DefaultExpr::Identity => None,
        DefaultExpr::SnowflakeId => Some("snowflake_id()".to_owned()),
        DefaultExpr::Literal(_) if column.ty.arrow().is_numeric() => {
            column.default_expr().ok().map(|e| e.to_string().trim_matches('\'').to_owned())
        }
        _ => column.default_expr().ok().map(|e| e.to_string()),
    }
}

/// A type as the SQL standard describes it.
#[derive(Debug, Default, PartialEq)]
struct StandardType {
    name: String,
    length: Option<u64>,
    precision: Option<u64>,
    scale: Option<u64>,
    time_precision: Option<u64>,
}

/// What PostgreSQL's `information_schema` says of a type of this name.
fn standard_type(ty: &str) -> StandardType {
    let (name, arguments) = match ty.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end_matches(')')),
        None => (ty, ""),
    };
    let mut arguments = arguments.split(',').map(|n| n.trim().parse::<u64>().ok());
    let (first, second) = (arguments.next().flatten(), arguments.next().flatten());
    let named = |name: &str| StandardType { name: name.to_owned(), ..StandardType::default() };
    let whole = |name, bits| StandardType { precision: Some(bits), scale: Some(0), ..named(name) };
    let time = |name| StandardType { time_precision: Some(6), ..named(name) };
    match name {
        _ if ty.ends_with("[]") => named("ARRAY"),
        "SMALLINT" => whole("smallint", 16),
        "INTEGER" => whole("integer", 32),
        "BIGINT" => whole("bigint", 64),
        "REAL" => StandardType { precision: Some(24), ..named("real") },
        "DOUBLE PRECISION" => StandardType { precision: Some(53), ..named("double precision") },
        "DECIMAL" | "NUMERIC" => {
            StandardType { precision: first, scale: second.or(first.map(|_| 0)), ..named("numeric") }
        }
        "VARCHAR" => StandardType { length: first, ..named("character varying") },
        "DATE" => StandardType { time_precision: Some(0), ..named("date") },
        "TIME" => time("time without time zone"),
        "TIMESTAMP" => time("timestamp without time zone"),
        "TIMESTAMPTZ" => time("timestamp with time zone"),
        other => named(&other.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_described_as_in_postgresql() {
        for (ty, name, numbers) in [
            ("BIGINT", "bigint", [None, Some(64), Some(0), None]),
            ("DOUBLE PRECISION", "double precision", [None, Some(53), None, None]),
            ("DECIMAL(10, 2)", "numeric", [None, Some(10), Some(2), None]),
            ("VARCHAR(20)", "character varying", [Some(20), None, None, None]),
            ("TIMESTAMP", "timestamp without time zone", [None, None, None, Some(6)]),
            ("BIGINT[]", "ARRAY", [None; 4]),
            ("TEXT", "text", [None; 4]),
        ] {
            let found = standard_type(ty);
            assert_eq!(found.name, name, "{ty}");
            let of = [found.length, found.precision, found.scale, found.time_precision];
            assert_eq!(of, numbers, "{ty}");
        }
    }
}
