//! DDL over whole catalogs, written as SQL.

use super::*;
use crate::error::ErrorKind;
use crate::sql::{Statement, parse};
use crate::types::ColumnId;

const NOW: i64 = 1_700_000_000_000_000;

fn statement(sql: &str) -> Statement {
    let mut parsed = parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(parsed.len(), 1, "{sql}");
    parsed.remove(0).statement
}

fn run(catalog: &Catalog, sql: &str) -> Result<Option<Catalog>> {
    match statement(sql) {
        Statement::CreateTable(request) => Ok(create_table(catalog, &request, "main")?.map(|(c, _)| c)),
        Statement::AlterTable(request) => Ok(alter_table(catalog, &request, "main", NOW)?.map(|(c, _)| c)),
        Statement::DropTable { names, if_exists, cascade } => {
            drop_tables(catalog, &names, if_exists, cascade, "main")
        }
        Statement::CreateNamespace { name, if_not_exists } => create_namespace(catalog, &name, if_not_exists),
        Statement::DropNamespace { name, if_exists, cascade } => {
            drop_namespace(catalog, &name, if_exists, cascade)
        }
        other => panic!("no DDL: {other:?}"),
    }
}

pub(super) fn create_in(catalog: &Catalog, sql: &str) -> (Catalog, Arc<TableDef>) {
    let Statement::CreateTable(request) = statement(sql) else { panic!("{sql}") };
    create_table(catalog, &request, "main").unwrap_or_else(|e| panic!("{sql}: {e}")).unwrap()
}

pub(super) fn table_of(sql: &str) -> (Catalog, Arc<TableDef>) {
    create_in(&Catalog::default(), sql)
}

pub(super) fn create(sql: &str) -> Arc<TableDef> {
    table_of(sql).1
}

pub(super) fn alter(catalog: &Catalog, sql: &str) -> (Catalog, Arc<TableDef>) {
    let Statement::AlterTable(request) = statement(sql) else { panic!("{sql}") };
    alter_table(catalog, &request, "main", NOW).unwrap_or_else(|e| panic!("{sql}: {e}")).unwrap()
}

pub(super) fn drop_table(catalog: &Catalog, name: &str) -> Catalog {
    drop_tables(catalog, &[TableName::bare(name)], false, false, "main").unwrap().unwrap()
}

/// Runs statements up to the last, which must fail with `kind` and a message that holds `text`.
fn refused(script: &[&str], kind: ErrorKind, text: &str) {
    let mut catalog = Catalog::default();
    let (last, before) = script.split_last().unwrap();
    for sql in before {
        catalog = run(&catalog, sql).unwrap_or_else(|e| panic!("{sql}: {e}")).unwrap_or(catalog);
    }
    let e = run(&catalog, last).expect_err(last);
    assert_eq!(e.kind(), kind, "{last}: {e}");
    assert!(e.to_string().contains(text), "{last}: {e}");
}

const T: &str = "CREATE TABLE t (id BIGINT PRIMARY KEY, a TEXT)";

#[test]
fn ddl_that_cannot_be_is_refused() {
    use ErrorKind::{AlreadyExists, InvalidInput, NotFound, Unsupported};
    let cases: [(&[&str], ErrorKind, &str); 31] = [
        (&[T, T], AlreadyExists, "table main.t already exists"),
        (&["CREATE TABLE no.t (id BIGINT PRIMARY KEY)"], NotFound, "no namespace no"),
        (
            &["CREATE NAMESPACE app", "CREATE TABLE apps.t (id BIGINT PRIMARY KEY)"],
            NotFound,
            "did you mean app?",
        ),
        (&["CREATE TABLE system.t (id BIGINT PRIMARY KEY)"], InvalidInput, "engine's own"),
        (&["CREATE TABLE \"t$seq\" (id BIGINT PRIMARY KEY)"], InvalidInput, "$seq are reserved"),
        (
            &["CREATE TABLE t (id BIGINT PRIMARY KEY, b TEXT) WITH (BLOOM_FILTER = 'c')"],
            NotFound,
            "no column c",
        ),
        (&[T, "ALTER TABLE t SET (BLOOM_FPP = 'b:0.1')"], NotFound, "no column b"),
        (&[T, "ALTER TABLE t SET (BLOOM_FPP = 'a:0.1')"], InvalidInput, "BLOOM_FILTER = 'a' gives it one"),
        (
            &["CREATE TABLE t (id BIGINT PRIMARY KEY, b BOOLEAN) WITH (BLOOM_FILTER = 'b')"],
            InvalidInput,
            "column b of type BOOLEAN cannot",
        ),
        (&["CREATE NAMESPACE main"], AlreadyExists, "main"),
        (&["CREATE NAMESPACE system"], AlreadyExists, "system"),
        (&["DROP NAMESPACE main"], InvalidInput, "always there"),
        (&["DROP NAMESPACE information_schema"], InvalidInput, "engine's own"),
        (&["DROP NAMESPACE ap"], NotFound, "no namespace ap"),
        (
            &["CREATE NAMESPACE app", "CREATE TABLE app.t (id BIGINT PRIMARY KEY)", "DROP NAMESPACE app"],
            InvalidInput,
            "CASCADE",
        ),
        (&[T, "DROP TABLE tt"], NotFound, "did you mean main.t?"),
        (&[T, "DROP TABLE t, t"], InvalidInput, "twice"),
        (&[T, "ALTER TABLE u ADD COLUMN b TEXT"], NotFound, "no table main.u"),
        (&[T, "ALTER TABLE t ADD COLUMN a REAL"], AlreadyExists, "column a already exists"),
        (&[T, "ALTER TABLE t ADD COLUMN b TEXT NOT NULL"], InvalidInput, "NOT NULL DEFAULT"),
        (&[T, "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT NULL"], InvalidInput, "NOT NULL DEFAULT"),
        (&[T, "ALTER TABLE t ADD COLUMN b BIGINT DEFAULT SNOWFLAKE_ID()"], Unsupported, "SNOWFLAKE_ID"),
        (&[T, "ALTER TABLE t DROP COLUMN id"], InvalidInput, "primary key"),
        (&[T, "ALTER TABLE t DROP COLUMN b"], NotFound, "no column b"),
        (&[T, "ALTER TABLE t RENAME COLUMN aa TO b"], NotFound, "did you mean a?"),
        (&[T, "ALTER TABLE t RENAME COLUMN a TO id"], AlreadyExists, "column id already exists"),
        (&[T, "ALTER TABLE t RENAME COLUMN a TO _seq"], InvalidInput, "_seq"),
        (&[T, "ALTER TABLE t SET (BLOOM_FILTER = 'b')"], NotFound, "no column b"),
        (&[T, "DROP TABLE t", "ALTER TABLE t DROP COLUMN a"], NotFound, "no table main.t"),
        (
            &["CREATE NAMESPACE app", "CREATE TABLE app.t (id BIGINT PRIMARY KEY)", "DROP TABLE t"],
            NotFound,
            "app.t",
        ),
        (&["CREATE NAMESPACE \"\""], InvalidInput, "empty"),
    ];
    for (script, kind, text) in cases {
        refused(script, kind, text);
    }
}

#[test]
fn statements_that_allow_it_do_nothing() {
    let (catalog, _) = table_of(T);
    for sql in [
        "CREATE TABLE IF NOT EXISTS t (other TEXT PRIMARY KEY)",
        "CREATE NAMESPACE IF NOT EXISTS main",
        "DROP NAMESPACE IF EXISTS app",
        "DROP TABLE IF EXISTS u, app.t",
        "ALTER TABLE IF EXISTS u ADD COLUMN a TEXT",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a REAL",
        "ALTER TABLE t DROP COLUMN IF EXISTS b",
        "ALTER TABLE t SET (COMPRESSION = 'zstd')",
    ] {
        assert!(run(&catalog, sql).unwrap().is_none(), "{sql}");
    }
}

#[test]
fn ids_of_tables_and_columns_are_never_given_out_again() {
    let (catalog, first) = table_of(T);
    let (catalog, second) = create_in(&drop_table(&catalog, "t"), T);
    assert_eq!((first.id, second.id), (TableId(1), TableId(2)));

    let (catalog, _) = alter(&catalog, "ALTER TABLE t ADD COLUMN b TEXT");
    let (catalog, _) = alter(&catalog, "ALTER TABLE t DROP COLUMN b");
    let (_, table) = alter(&catalog, "ALTER TABLE t ADD COLUMN b TEXT");
    assert_eq!(table.column("b").unwrap().id, ColumnId(4));
    assert_eq!(table.schema_version, 4);
    assert_eq!(table.dropped_columns.len(), 1);
}

#[test]
fn a_column_that_comes_and_goes_in_one_statement_was_never_there() {
    let (catalog, _) = table_of(T);
    let (_, table) = alter(&catalog, "ALTER TABLE t ADD COLUMN b TEXT, DROP COLUMN b, ADD COLUMN b REAL");
    assert!(table.dropped_columns.is_empty());
    assert_eq!(table.schema_version, 2);
    assert_eq!(table.column("b").unwrap().id, ColumnId(4));
}

#[test]
fn an_added_default_is_what_older_rows_have() {
    use datafusion::common::ScalarValue;
    let (catalog, before) = table_of(T);
    let (_, table) = alter(
        &catalog,
        "ALTER TABLE t ADD COLUMN n SMALLINT NOT NULL DEFAULT -7, ADD at TIMESTAMP DEFAULT NOW(), ADD d DATE",
    );
    let missing = |name: &str| table.missing_value(table.column(name).unwrap()).unwrap();
    assert_eq!(missing("n"), ScalarValue::Int16(Some(-7)));
    assert_eq!(missing("at"), ScalarValue::TimestampMicrosecond(Some(NOW), None));
    assert_eq!(missing("d"), ScalarValue::Date32(None));
    assert_eq!(missing("a"), ScalarValue::Utf8(None));
    assert_eq!(table.column("at").unwrap().default, Some(DefaultExpr::Now));
    assert_eq!(before.columns.len(), 2, "the definition before is untouched");
    assert_eq!(catalog.table("main", "t").unwrap().schema_version, 1);
}

#[test]
fn options_change_as_they_are_set() {
    let (catalog, table) = table_of(
        "CREATE USER TABLE t (id BIGINT PRIMARY KEY, a TEXT, b TEXT)
         WITH (FLUSH_POLICY = 'rows:10', BLOOM_FILTER = 'id, a', COMPRESSION = 'snappy')",
    );
    assert_eq!(table.kind, TableKind::User);
    assert_eq!(table.options.bloom, [ColumnId(2)], "the key has filters anyway");
    let (catalog, table) = alter(&catalog, "ALTER TABLE t SET (FLUSH_POLICY = 'interval:5m')");
    assert_eq!(
        table.options,
        TableOptions {
            flush: Some(FlushPolicy { rows: None, bytes: None, interval_s: Some(300) }),
            bloom: vec![ColumnId(2)],
            compression: Compression::Snappy,
            ..TableOptions::default()
        }
    );
    let (catalog, table) =
        alter(&catalog, "ALTER TABLE t SET (FLUSH_POLICY = 'default', BLOOM_FILTER = 'b,a')");
    assert_eq!(table.options.flush, None);
    assert_eq!(table.options.bloom, [ColumnId(3), ColumnId(2)]);
    let (_, table) = alter(&catalog, "ALTER TABLE t DROP COLUMN b");
    assert_eq!(table.options.bloom, [ColumnId(2)]);
}

#[test]
fn names_resolve_in_their_namespace() {
    let catalog = create_namespace(&Catalog::default(), "app", false).unwrap().unwrap();
    let (catalog, app) = create_in(&catalog, "CREATE TABLE app.t (id BIGINT PRIMARY KEY)");
    let (catalog, main) = create_in(&catalog, "CREATE TABLE t (id BIGINT PRIMARY KEY)");
    let resolve = |name: &TableName, current: &str| catalog.resolve(name, current).map(|t| t.id);
    assert_eq!(resolve(&TableName::bare("t"), "main").unwrap(), main.id);
    assert_eq!(resolve(&TableName::bare("t"), "app").unwrap(), app.id);
    assert_eq!(resolve(&TableName::qualified("app", "t"), "main").unwrap(), app.id);
    let e = resolve(&TableName::qualified("ap", "t"), "main").expect_err("no namespace");
    assert!(e.to_string().contains("did you mean app?"), "{e}");
    let e = resolve(&TableName::bare("T"), "main").expect_err("names are exact");
    assert!(e.to_string().contains("did you mean main.t?"), "{e}");
    let names: Vec<_> = catalog.tables().map(|t| t.full_name().to_string()).collect();
    assert_eq!(names, ["app.t", "main.t"]);
    assert_eq!(catalog.tables_in("app").count(), 1);
    assert!(catalog.expect_namespace("system").is_ok());
    assert!(catalog.expect_namespace("sys").is_err());
}

#[test]
fn parts_that_clash_are_corrupt() {
    let table = TableDef::clone(&create(T));
    let mut same_name = table.clone();
    same_name.id = TableId(9);
    let e = Catalog::from_parts([], [table.clone(), table.clone()], 1).expect_err("one id");
    assert_eq!(e.kind(), ErrorKind::Corrupt);
    let e = Catalog::from_parts([], [table.clone(), same_name.clone()], 1).expect_err("one name");
    assert_eq!(e.kind(), ErrorKind::Corrupt);
    same_name.dropped = true;
    let catalog = Catalog::from_parts(["app".to_owned()], [table, same_name], 3).unwrap();
    assert_eq!(catalog.next_table_id(), 10);
    assert_eq!(catalog.tables().count() + catalog.dropped().count(), 2);
    assert_eq!(catalog.namespaces().collect::<Vec<_>>(), ["app", "main"]);
}

#[test]
fn columns_are_limited_in_number() {
    let columns: Vec<String> = (0..MAX_COLUMNS).map(|n| format!("c{n} TEXT")).collect();
    let sql = format!("CREATE TABLE t (id BIGINT PRIMARY KEY, {})", columns.join(", "));
    refused(&[&sql], ErrorKind::LimitExceeded, "1600 columns");
}

#[test]
fn a_stream_table_says_how_long_rows_live_and_has_nothing_of_files() {
    use ErrorKind::{InvalidInput, Unsupported};
    let with = |options: &str| format!("CREATE STREAM TABLE t (id BIGINT PRIMARY KEY){options}");
    refused(&[&with("")], InvalidInput, "needs TTL_SECONDS");
    for options in [
        "FLUSH_POLICY = 'rows:10'",
        "FLUSH_POLICY = 'default'",
        "BLOOM_FILTER = 'id'",
        "BLOOM_FPP = '0.1'",
        "COMPRESSION = 'zstd'",
    ] {
        let name = options.split(' ').next().unwrap();
        let text = format!("option {name}: a STREAM table has no files");
        refused(&[&with(&format!(" WITH (TTL_SECONDS = 30, {options})"))], Unsupported, &text);
        let stream = with(" WITH (TTL_SECONDS = 30)");
        refused(&[&stream, &format!("ALTER TABLE t SET ({options})")], Unsupported, &text);
    }
    let retention = with(" WITH (TTL_SECONDS = 30, DELETED_RETENTION_HOURS = 1)");
    refused(&[&retention], Unsupported, "known for its TTL_SECONDS");
    for kind in ["USER", "SHARED"] {
        let table = format!("CREATE {kind} TABLE t (id BIGINT PRIMARY KEY)");
        refused(&[&format!("{table} WITH (TTL_SECONDS = 30)")], InvalidInput, "live until they are deleted");
        refused(&[&table, "ALTER TABLE t SET (TTL_SECONDS = 30)"], InvalidInput, &format!("a {kind} table"));
    }
    let (catalog, table) = table_of(&with(" WITH (TTL_SECONDS = 30)"));
    assert_eq!((table.kind, table.options.ttl_seconds), (TableKind::Stream, Some(30)));
    let (_, table) = alter(&catalog, "ALTER TABLE t SET (TTL_SECONDS = 31536000)");
    assert_eq!((table.schema_version, table.options.ttl_seconds), (2, Some(31_536_000)));
    let index = crate::catalog::CreateIndex {
        name: None,
        if_not_exists: false,
        table: TableName::bare("t"),
        columns: vec!["id".to_owned()],
    };
    let e = create_index(&catalog, &index, "main").unwrap_err();
    assert_eq!(e.kind(), Unsupported);
    assert!(e.message().contains("an index of main.t"), "{e}");
}
