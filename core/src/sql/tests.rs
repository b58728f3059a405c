//! Statements, and what is refused.

use super::*;
use crate::catalog::{
    AlterAction, ColumnType, Compression, DefaultExpr, Element, FlushPolicy, Literal, NewColumn,
    OptionChanges, TableKind,
};
use crate::error::ErrorKind;

fn one(sql: &str) -> Statement {
    let mut all = parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0).statement
}

fn create(sql: &str) -> CreateTable {
    match one(sql) {
        Statement::CreateTable(create) => create,
        other => panic!("{sql}: {other:?}"),
    }
}

fn column(name: &str, ty: ColumnType, nullable: bool, default: Option<DefaultExpr>) -> NewColumn {
    NewColumn { name: name.to_owned(), ty, nullable, default }
}

/// Asserts that each statement fails with `kind` and a message that holds the text beside it.
fn refused(kind: ErrorKind, cases: &[(&str, &str)]) {
    for (sql, text) in cases {
        let e = match parse(sql) {
            Err(e) => e,
            Ok(parsed) => panic!("{sql}: {parsed:?}"),
        };
        assert_eq!(e.kind(), kind, "{sql}: {e}");
        assert!(e.to_string().contains(text), "{sql}: {e}");
    }
}

#[test]
fn a_table_is_read_with_all_its_clauses() {
    let read = create(
        "CREATE USER TABLE IF NOT EXISTS App.\"Messages\" (
           ID BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID(),
           \"Thread\" BIGINT NOT NULL,
           body TEXT DEFAULT 'it''s' NOT NULL,
           created_at TIMESTAMP DEFAULT NOW()
         ) WITH (FLUSH_POLICY = 'rows:100000,interval:60', bloom_filter = 'id,\"Thread\"', COMPRESSION = 'zstd')",
    );
    let expected = CreateTable {
        name: TableName::qualified("app", "Messages"),
        if_not_exists: true,
        kind: TableKind::User,
        columns: vec![
            column("id", ColumnType::BigInt, false, Some(DefaultExpr::SnowflakeId)),
            column("Thread", ColumnType::BigInt, false, None),
            column(
                "body",
                ColumnType::Text,
                false,
                Some(DefaultExpr::Literal(Literal::Text("it's".to_owned()))),
            ),
            column("created_at", ColumnType::Timestamp, true, Some(DefaultExpr::Now)),
        ],
        primary_key: vec!["id".to_owned()],
        options: OptionChanges {
            flush: Some(Some(FlushPolicy { rows: Some(100_000), bytes: None, interval_s: Some(60) })),
            bloom: Some(vec!["id".to_owned(), "Thread".to_owned()]),
            compression: Some(Compression::Zstd),
        },
    };
    assert_eq!(read, expected);
}

#[test]
fn the_kind_of_a_table_is_said_in_two_ways() {
    for (sql, kind) in [
        ("CREATE TABLE t (id INT PRIMARY KEY)", TableKind::Shared),
        ("create shared table t (id INT PRIMARY KEY)", TableKind::Shared),
        ("CREATE USER TABLE t (id INT PRIMARY KEY)", TableKind::User),
        ("CREATE TABLE t (id INT PRIMARY KEY) WITH (TYPE = 'USER')", TableKind::User),
        ("CREATE TABLE t (id INT PRIMARY KEY) WITH (type = shared)", TableKind::Shared),
        ("CREATE USER TABLE t (id INT PRIMARY KEY) WITH (TYPE = 'user')", TableKind::User),
    ] {
        assert_eq!(create(sql).kind, kind, "{sql}");
    }
}

#[test]
fn types_have_the_names_they_have_in_postgresql() {
    use ColumnType as T;
    for (names, ty) in [
        (&["BOOLEAN", "bool"][..], T::Boolean),
        (&["SMALLINT", "INT2"], T::SmallInt),
        (&["INTEGER", "INT", "int4"], T::Integer),
        (&["BIGINT", "INT8"], T::BigInt),
        (&["REAL", "FLOAT4", "FLOAT(24)"], T::Real),
        (&["DOUBLE PRECISION", "DOUBLE", "FLOAT8", "FLOAT", "FLOAT(25)"], T::Double),
        (&["TEXT", "VARCHAR", "CHARACTER VARYING"], T::Text),
        (&["BYTEA"], T::Bytea),
        (&["DATE"], T::Date),
        (&["TIMESTAMP", "TIMESTAMP(6)", "TIMESTAMP WITHOUT TIME ZONE"], T::Timestamp),
        (&["TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ(6)"], T::TimestampTz),
        (&["TIME", "TIME(6)", "TIME WITHOUT TIME ZONE"], T::Time),
        (&["DECIMAL(10,2)", "NUMERIC(10, 2)", "dec(10,2)"], T::Decimal { precision: 10, scale: 2 }),
        (&["DECIMAL(38)", "NUMERIC(38,0)"], T::Decimal { precision: 38, scale: 0 }),
        (&["VARCHAR(10)", "CHARACTER VARYING(10)"], T::Varchar(10)),
        (&["UUID"], T::Uuid),
        (&["JSON"], T::Json),
        (&["INT[]", "INTEGER[]"], T::Array(Element::of(T::Integer).unwrap())),
        (&["VARCHAR(3)[]"], T::Array(Element::of(T::Varchar(3)).unwrap())),
    ] {
        for name in names {
            let read = create(&format!("CREATE TABLE t (id INT PRIMARY KEY, c {name})"));
            assert_eq!(read.columns[1].ty, ty, "{name}");
        }
    }
    for name in [
        "CHAR(3)",
        "TIMESTAMP(3)",
        "TIMESTAMPTZ(3)",
        "TIME(3)",
        "TIMETZ",
        "serial",
        "serial[]",
        "TINYINT",
        "UINT8",
        "my_type",
        "BIGINT(20)",
        "INTERVAL",
        "BIT(3)",
        "FLOAT(54)",
        "point",
        "XML",
    ] {
        let sql = format!("CREATE TABLE t (id INT PRIMARY KEY, c {name})");
        let e = parse(&sql).expect_err(name);
        assert_eq!(e.kind(), ErrorKind::Unsupported, "{name}: {e}");
        assert!(e.message().contains("BIGINT") && e.to_string().contains("column c"), "{name}: {e}");
    }
    for (name, word) in [
        ("NUMERIC", "DECIMAL(18,2)"),
        ("DECIMAL(39,2)", "1 to 38"),
        ("DECIMAL(5,6)", "behind the point"),
        ("DECIMAL(5,-1)", "behind the point"),
        ("JSONB", "JSON"),
        ("INT[][]", "one dimension"),
    ] {
        let e = parse(&format!("CREATE TABLE t (id INT PRIMARY KEY, c {name})")).expect_err(name);
        assert_eq!(e.kind(), ErrorKind::Unsupported, "{name}: {e}");
        assert!(e.message().contains(word), "{name}: {e}");
    }
    let e = parse("CREATE TABLE t (id INT PRIMARY KEY, c VARCHAR(0))").expect_err("no characters");
    assert_eq!(e.kind(), ErrorKind::InvalidInput);
}

#[test]
fn defaults_are_constants_of_the_column() {
    use ColumnType as T;
    use DefaultExpr::{CurrentUser, Literal as L, Now, SnowflakeId, Ulid, UuidV7};
    let integers = T::Array(Element::of(T::Integer).unwrap());
    let integer_list = || L(Literal::Array(vec![Literal::Integer(1), Literal::Null]));
    for (clause, ty, expected) in [
        ("SMALLINT DEFAULT -7", T::SmallInt, L(Literal::Integer(-7))),
        ("BIGINT DEFAULT 9223372036854775807", T::BigInt, L(Literal::Integer(i64::MAX))),
        ("BIGINT DEFAULT -9223372036854775808", T::BigInt, L(Literal::Integer(i64::MIN))),
        ("INT DEFAULT '12'", T::Integer, L(Literal::Integer(12))),
        ("INT DEFAULT (+3)", T::Integer, L(Literal::Integer(3))),
        ("DOUBLE PRECISION DEFAULT 1e3", T::Double, L(Literal::Float(1000.0))),
        ("DOUBLE PRECISION DEFAULT 'NaN'", T::Double, L(Literal::Float(f64::NAN))),
        ("BOOLEAN DEFAULT true", T::Boolean, L(Literal::Boolean(true))),
        ("TEXT DEFAULT NULL", T::Text, L(Literal::Null)),
        ("TEXT DEFAULT 'a'::text", T::Text, L(Literal::Text("a".to_owned()))),
        ("TEXT DEFAULT E'a\\nb'", T::Text, L(Literal::Text("a\nb".to_owned()))),
        ("BYTEA DEFAULT '\\x00ff'", T::Bytea, L(Literal::Bytes(vec![0, 255]))),
        ("BYTEA DEFAULT X'00FF'", T::Bytea, L(Literal::Bytes(vec![0, 255]))),
        ("DATE DEFAULT '1970-01-02'", T::Date, L(Literal::Date(1))),
        ("DATE DEFAULT DATE '1970-01-02'", T::Date, L(Literal::Date(1))),
        ("TIMESTAMP DEFAULT '1970-01-01 00:00:01'", T::Timestamp, L(Literal::Timestamp(1_000_000))),
        ("TIMESTAMP DEFAULT CURRENT_TIMESTAMP", T::Timestamp, Now),
        ("TIMESTAMP DEFAULT now()", T::Timestamp, Now),
        ("TIMESTAMPTZ DEFAULT now()", T::TimestampTz, Now),
        ("BIGINT DEFAULT snowflake_id()", T::BigInt, SnowflakeId),
        ("UUID DEFAULT UUID_V7()", T::Uuid, UuidV7),
        ("TEXT DEFAULT ULID()", T::Text, Ulid),
        ("TEXT DEFAULT CURRENT_USER", T::Text, CurrentUser),
        ("VARCHAR(9) DEFAULT CURRENT_USER()", T::Varchar(9), CurrentUser),
        (
            "DECIMAL(5,2) DEFAULT -1.005",
            T::Decimal { precision: 5, scale: 2 },
            L(Literal::Decimal("-1.01".to_owned())),
        ),
        ("TIME DEFAULT TIME '01:00'", T::Time, L(Literal::Time(3_600_000_000))),
        ("TIMESTAMPTZ DEFAULT '1970-01-01 01:00:00+01'", T::TimestampTz, L(Literal::Timestamp(0))),
        ("JSON DEFAULT '{}'", T::Json, L(Literal::Text("{}".to_owned()))),
        ("INT[] DEFAULT '{1,NULL}'", integers, integer_list()),
        ("INT[] DEFAULT ARRAY[1, NULL]", integers, integer_list()),
    ] {
        let read = create(&format!("CREATE TABLE t (id INT PRIMARY KEY, c {clause})"));
        assert_eq!(read.columns[1], column("c", ty, true, Some(expected)), "{clause}");
    }
    let identity = create("CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    assert_eq!(identity.columns[0], column("id", ColumnType::BigInt, false, Some(DefaultExpr::Identity)));
    let bad = |clause: &str, kind| {
        let e = parse(&format!("CREATE TABLE t (id INT PRIMARY KEY, c {clause})")).expect_err(clause);
        assert_eq!(e.kind(), kind, "{clause}: {e}");
    };
    for clause in [
        "SMALLINT DEFAULT 32768",
        "INT DEFAULT 1.5",
        "INT DEFAULT 'x'",
        "INT DEFAULT true",
        "TEXT DEFAULT 5",
        "DATE DEFAULT '2024-02-30'",
        "DATE DEFAULT TIMESTAMP '2024-01-01'",
        "BYTEA DEFAULT '\\xZ'",
        "TEXT DEFAULT 'a' DEFAULT 'b'",
        "DECIMAL(5,2) DEFAULT 1000",
        "UUID DEFAULT 'x'",
        "JSON DEFAULT '{'",
        "TIME DEFAULT '25:00'",
        "INT[] DEFAULT '{1,x}'",
        "INT[] DEFAULT 5",
        "TEXT DEFAULT ARRAY[1]",
        "TEXT NULL NOT NULL",
        "INT GENERATED ALWAYS AS IDENTITY",
    ] {
        bad(clause, ErrorKind::InvalidInput);
    }
    for clause in ["INT DEFAULT 1 + 1", "TEXT DEFAULT upper('a')", "TEXT DEFAULT now(3)", "TEXT DEFAULT b"] {
        bad(clause, ErrorKind::Unsupported);
    }
}

#[test]
fn a_table_needs_exactly_one_key() {
    let key = |sql: &str| create(sql).primary_key;
    assert_eq!(key("CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (b, a))"), ["b", "a"]);
    assert_eq!(key("CREATE TABLE t (a INT, CONSTRAINT pk PRIMARY KEY (A))"), ["a"]);
    refused(
        ErrorKind::InvalidInput,
        &[
            ("CREATE TABLE app.t (id BIGINT, a TEXT)", "add PRIMARY KEY (id)"),
            ("CREATE TABLE t (a TEXT, id BIGINT)", "CREATE TABLE t (id BIGINT PRIMARY KEY, …)"),
            ("CREATE TABLE t (\"A\" TEXT)", "(\"A\" TEXT PRIMARY KEY, …)"),
            ("CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY)", "PRIMARY KEY (a, b)"),
            ("CREATE TABLE t (a INT PRIMARY KEY, PRIMARY KEY (a))", "more than one"),
            ("CREATE TABLE t (a INT NULL PRIMARY KEY)", "cannot be NULL"),
            ("CREATE TABLE t (a INT PRIMARY KEY, a TEXT)", "two columns named a"),
            ("CREATE TABLE t (a INT PRIMARY KEY, A TEXT)", "two columns named a"),
            ("CREATE TABLE t (_seq BIGINT PRIMARY KEY)", "_seq"),
            ("CREATE TABLE t (a INT PRIMARY KEY, \"_DELETED\" INT)", "_deleted"),
        ],
    );
}

#[test]
fn constraints_and_clauses_that_are_not_there_are_refused() {
    refused(
        ErrorKind::Unsupported,
        &[
            ("CREATE TABLE t (a INT PRIMARY KEY, b INT UNIQUE)", "UNIQUE"),
            ("CREATE TABLE t (a INT PRIMARY KEY, b INT REFERENCES u (a))", "REFERENCES"),
            ("CREATE TABLE t (a INT PRIMARY KEY, b INT CHECK (b > 0))", "CHECK"),
            ("CREATE TABLE t (a INT PRIMARY KEY, b TEXT COLLATE \"C\")", "COLLATE"),
            ("CREATE TABLE t (a INT PRIMARY KEY, b INT GENERATED ALWAYS AS (a + 1) STORED)", "GENERATED"),
            (
                "CREATE TABLE t (a BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY)",
                "GENERATED",
            ),
            ("CREATE TABLE t (a INT PRIMARY KEY DEFERRABLE)", "PRIMARY KEY"),
            ("CREATE TABLE t (a INT, b INT, PRIMARY KEY (a), UNIQUE (b))", "UNIQUE"),
            ("CREATE TABLE t (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES u (a))", "FOREIGN KEY"),
            ("CREATE TABLE t (a INT PRIMARY KEY, CHECK (a > 0))", "CHECK"),
            ("CREATE TABLE t (a INT, PRIMARY KEY (a DESC))", "PRIMARY KEY (a DESC)"),
            ("CREATE TABLE t (a INT, PRIMARY KEY (abs(a)))", "plain columns"),
            ("CREATE TEMP TABLE t (a INT PRIMARY KEY)", "TEMP"),
            ("CREATE TEMPORARY TABLE t (a INT PRIMARY KEY)", "TEMPORARY"),
            ("CREATE UNLOGGED TABLE t (a INT PRIMARY KEY)", "UNLOGGED"),
            ("CREATE EXTERNAL TABLE t (a INT PRIMARY KEY)", "EXTERNAL"),
            ("CREATE OR REPLACE TABLE t (a INT PRIMARY KEY)", "OR REPLACE"),
            ("CREATE TABLE t AS SELECT 1 AS a", "CREATE TABLE … AS"),
            ("CREATE TABLE t (a INT PRIMARY KEY) AS SELECT 1 AS a", "CREATE TABLE … AS"),
            ("CREATE TABLE t (LIKE u)", "LIKE"),
            ("CREATE TABLE t (a INT PRIMARY KEY) PARTITION BY RANGE (a)", "PARTITION"),
            ("CREATE TABLE t PARTITION OF u FOR VALUES FROM (1) TO (2)", "PARTITION"),
            ("CREATE TABLE t (a INT PRIMARY KEY) INHERITS (u)", "INHERITS"),
            ("CREATE TABLE t (a INT PRIMARY KEY) ON COMMIT DROP", "ON COMMIT"),
            ("CREATE TABLE t (a INT PRIMARY KEY) WITHOUT ROWID", "WITHOUT ROWID"),
            ("CREATE TABLE t (a INT PRIMARY KEY) STRICT", "STRICT"),
            ("CREATE TABLE t (a INT PRIMARY KEY) ENGINE = InnoDB", "WITH"),
            ("CREATE TABLE a.b.c (a INT PRIMARY KEY)", "catalog"),
            ("CREATE STREAM TABLE t (a INT PRIMARY KEY) WITH (TTL_SECONDS = 30)", "STREAM"),
            ("CREATE TABLE t (a INT PRIMARY KEY) WITH (TYPE = 'STREAM')", "STREAM"),
            ("CREATE TABLE t (a INT PRIMARY KEY) WITH (TTL_SECONDS = 30)", "TTL_SECONDS"),
        ],
    );
}

#[test]
fn options_are_checked() {
    let with = |options: &str| format!("CREATE TABLE t (a INT PRIMARY KEY) WITH ({options})");
    for (options, text) in [
        ("COMPRESION = 'zstd'", "did you mean COMPRESSION?"),
        ("colour = 'red'", "there are TYPE, FLUSH_POLICY, BLOOM_FILTER, COMPRESSION"),
        ("COMPRESSION = 'gzip'", "'zstd', 'snappy', 'lz4', 'none'"),
        ("COMPRESSION = 'zstd', compression = 'lz4'", "given twice"),
        ("FLUSH_POLICY = 'rows:0'", "positive"),
        ("FLUSH_POLICY = 'weekly'", "expected 'rows:100000'"),
        ("BLOOM_FILTER = upper('a')", "expected a string"),
        ("TYPE = 'LOCAL'", "expected 'USER' or 'SHARED'"),
    ] {
        refused(ErrorKind::InvalidInput, &[(&with(options), text)]);
    }
    refused(
        ErrorKind::InvalidInput,
        &[("CREATE USER TABLE t (a INT PRIMARY KEY) WITH (TYPE = 'SHARED')", "contradict")],
    );
}

#[test]
fn tables_are_altered_column_by_column() {
    let Statement::AlterTable(alter) =
        one("ALTER TABLE IF EXISTS app.t ADD COLUMN a TEXT NOT NULL DEFAULT 'x', ADD IF NOT EXISTS b INT,
         DROP COLUMN c, DROP IF EXISTS \"D\", RENAME COLUMN e TO F")
    else {
        panic!("no ALTER TABLE")
    };
    assert_eq!((alter.table.to_string(), alter.if_exists), ("app.t".to_owned(), true));
    let default = Some(DefaultExpr::Literal(Literal::Text("x".to_owned())));
    let expected = [
        AlterAction::AddColumn {
            column: column("a", ColumnType::Text, false, default),
            if_not_exists: false,
        },
        AlterAction::AddColumn { column: column("b", ColumnType::Integer, true, None), if_not_exists: true },
        AlterAction::DropColumn { name: "c".to_owned(), if_exists: false },
        AlterAction::DropColumn { name: "D".to_owned(), if_exists: true },
        AlterAction::RenameColumn { from: "e".to_owned(), to: "f".to_owned() },
    ];
    assert_eq!(alter.actions, expected);
    let Statement::AlterTable(alter) = one("ALTER TABLE t SET (COMPRESSION = 'none')") else {
        panic!("no ALTER")
    };
    let changes = OptionChanges { compression: Some(Compression::None), ..OptionChanges::default() };
    assert_eq!(alter.actions, [AlterAction::SetOptions(changes)]);
    refused(
        ErrorKind::Unsupported,
        &[
            ("ALTER TABLE t RENAME TO u", "RENAME TO"),
            ("ALTER TABLE t ALTER COLUMN a TYPE BIGINT", "ALTER COLUMN"),
            ("ALTER TABLE t ALTER COLUMN a SET DEFAULT 5", "ALTER COLUMN"),
            ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)", "UNIQUE"),
            ("ALTER TABLE t ADD COLUMN a INT PRIMARY KEY", "PRIMARY KEY"),
            ("ALTER TABLE t ADD COLUMN a INT CHECK (a > 0)", "CHECK"),
            ("ALTER TABLE t ADD COLUMN a XML", "XML"),
            ("ALTER TABLE ONLY t DROP COLUMN a", "ONLY"),
            ("ALTER TABLE t OWNER TO bob", "OWNER"),
            ("ALTER TABLE t SET (TYPE = 'USER')", "TYPE"),
            ("ALTER NAMESPACE a RENAME TO b", "ALTER NAMESPACE"),
            ("ALTER USER bob SET x = 1", "ALTER USER"),
            ("ALTER VIEW v AS SELECT 1", "ALTER VIEW"),
        ],
    );
}

#[test]
fn own_statements_are_read() {
    let table = TableName::qualified("app", "t");
    let all = |namespace: Option<&str>| StorageTarget::All { namespace: namespace.map(str::to_owned) };
    for (sql, expected) in [
        ("create namespace App", Statement::CreateNamespace { name: "app".to_owned(), if_not_exists: false }),
        (
            "CREATE SCHEMA IF NOT EXISTS \"App\"",
            Statement::CreateNamespace { name: "App".to_owned(), if_not_exists: true },
        ),
        (
            "DROP NAMESPACE IF EXISTS app CASCADE",
            Statement::DropNamespace { name: "app".to_owned(), if_exists: true, cascade: true },
        ),
        (
            "DROP SCHEMA app RESTRICT",
            Statement::DropNamespace { name: "app".to_owned(), if_exists: false, cascade: false },
        ),
        (
            "DROP TABLE IF EXISTS app.t, \"U\" CASCADE",
            Statement::DropTable {
                names: vec![table.clone(), TableName::bare("U")],
                if_exists: true,
                cascade: true,
            },
        ),
        ("TRUNCATE t", Statement::Truncate { names: vec![TableName::bare("t")] }),
        (
            "truncate table app.t, \"U\" CONTINUE IDENTITY CASCADE",
            Statement::Truncate { names: vec![table.clone(), TableName::bare("U")] },
        ),
        ("STORAGE FLUSH TABLE app . t", Statement::Flush(StorageTarget::Table(table.clone()))),
        ("storage flush all", Statement::Flush(all(None))),
        ("STORAGE FLUSH ALL IN App", Statement::Flush(all(Some("app")))),
        ("STORAGE CHECK", Statement::Check(all(None))),
        ("STORAGE CHECK TABLE t", Statement::Check(StorageTarget::Table(TableName::bare("t")))),
        ("SHOW MANIFEST app.t", Statement::ShowManifest(table)),
        ("SHOW TABLES", Statement::ShowTables { namespace: None }),
        ("SHOW TABLES IN app", Statement::ShowTables { namespace: Some("app".to_owned()) }),
        ("SHOW NAMESPACES", Statement::ShowNamespaces),
        ("USE app", Statement::Use { namespace: "app".to_owned() }),
        ("SET search_path TO app", Statement::Use { namespace: "app".to_owned() }),
        ("SET search_path = app", Statement::Use { namespace: "app".to_owned() }),
        ("BEGIN", Statement::Begin),
        ("BEGIN TRANSACTION", Statement::Begin),
        ("START TRANSACTION", Statement::Begin),
        ("COMMIT WORK", Statement::Commit),
        ("END", Statement::Commit),
        ("ROLLBACK", Statement::Rollback),
        ("ABORT", Statement::Rollback),
        ("SAVEPOINT One", Statement::Savepoint("one".to_owned())),
        ("RELEASE SAVEPOINT \"One\"", Statement::Release("One".to_owned())),
        ("release one", Statement::Release("one".to_owned())),
        ("ROLLBACK TO one", Statement::RollbackTo("one".to_owned())),
        ("ROLLBACK WORK TO SAVEPOINT one", Statement::RollbackTo("one".to_owned())),
    ] {
        assert_eq!(one(sql), expected, "{sql}");
    }
}

#[test]
fn a_view_keeps_the_text_of_its_query() {
    for (sql, columns, text) in [
        (
            "CREATE VIEW v AS SELECT 'it''s', $$x$$ AS y -- all\n FROM t ;",
            &[][..],
            "SELECT 'it''s', $$x$$ AS y -- all\n FROM t",
        ),
        (
            " CREATE OR REPLACE VIEW App.\"V\" (A, \"as\")\nAS\n  (SELECT 1 AS é, 2); SELECT 2",
            &["a", "as"],
            "(SELECT 1 AS é, 2)",
        ),
        (
            "CREATE VIEW IF NOT EXISTS v AS WITH x AS (SELECT 1) SELECT * FROM x",
            &[],
            "WITH x AS (SELECT 1) SELECT * FROM x",
        ),
        ("CREATE VIEW v AS VALUES (1)", &[], "VALUES (1)"),
    ] {
        let Statement::CreateView(view) = parse(sql).unwrap().remove(0).statement else { panic!("{sql}") };
        assert_eq!(
            (view.columns.as_slice(), view.text.as_str()),
            (columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>().as_slice(), text),
            "{sql}"
        );
        assert_eq!(Statement::Query(view.query), one(text), "{sql}");
    }
    refused(ErrorKind::InvalidInput, &[("CREATE VIEW v AS SELECT $1", "no parameters")]);
}

#[test]
fn explain_has_options_and_a_statement() {
    for (sql, analyze, verbose) in [
        ("EXPLAIN SELECT 1", false, false),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", true, false),
        ("EXPLAIN ANALYZE VERBOSE UPDATE t SET a = 1", true, true),
        ("EXPLAIN VERBOSE DELETE FROM t", false, true),
        ("EXPLAIN (VERBOSE, ANALYZE) SELECT 1", true, true),
        ("EXPLAIN (SELECT 1)", false, false),
    ] {
        match one(sql) {
            Statement::Explain { analyze: a, verbose: v, .. } => {
                assert_eq!((a, v), (analyze, verbose), "{sql}")
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
    refused(
        ErrorKind::Unsupported,
        &[
            ("EXPLAIN EXPLAIN SELECT 1", "EXPLAIN EXPLAIN"),
            ("EXPLAIN CREATE TABLE t (a INT PRIMARY KEY)", "EXPLAIN CREATE"),
            ("EXPLAIN BEGIN", "EXPLAIN BEGIN"),
        ],
    );
    refused(
        ErrorKind::Syntax,
        &[("EXPLAIN", "a statement to explain"), ("EXPLAIN (COSTS) SELECT 1", "ANALYZE or VERBOSE")],
    );
}

#[test]
fn what_other_databases_have_is_named() {
    let cases: Vec<(String, String)> = [
        "TRUNCATE t RESTART IDENTITY",
        "TRUNCATE ONLY t",
        "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
        "COPY t FROM 'f'",
        "GRANT SELECT ON t TO u",
        "VACUUM",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DESCRIBE t",
        "PRAGMA x",
        "ANALYZE t",
    ]
    .iter()
    .map(|sql| ((*sql).to_owned(), sql.split(' ').next().unwrap().to_owned()))
    .chain(
        [
            "INDEX ON t (a)",
            "MATERIALIZED VIEW v AS SELECT 1",
            "USER bob",
            "ROLE r",
            "FUNCTION f",
            "SEQUENCE s",
            "DATABASE d",
        ]
        .iter()
        .map(|what| (format!("CREATE {what}"), format!("CREATE {}", what.split(' ').next().unwrap()))),
    )
    .chain([
        ("DROP INDEX i".to_owned(), "DROP INDEX".to_owned()),
        ("CREATE VIEW v WITH (x) AS SELECT 1".to_owned(), "options of a view".to_owned()),
        ("CREATE TEMP VIEW v AS SELECT 1".to_owned(), "CREATE TEMP".to_owned()),
        ("CREATE VIEW v AS INSERT INTO t VALUES (1)".to_owned(), "CREATE VIEW".to_owned()),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE".to_owned(), "snapshot isolation".to_owned()),
        ("COMMIT AND CHAIN".to_owned(), "COMMIT".to_owned()),
        ("STORAGE COMPACT TABLE t".to_owned(), "STORAGE COMPACT".to_owned()),
        ("SHOW MANIFEST CACHE".to_owned(), "SHOW MANIFEST CACHE".to_owned()),
        ("SET timezone = 'UTC'".to_owned(), "SET".to_owned()),
        ("INSERT INTO t AS USER 'bob' VALUES (1)".to_owned(), "AS USER".to_owned()),
        ("UPDATE t AS USER 'bob' SET a = 1".to_owned(), "AS USER".to_owned()),
        ("DELETE FROM t AS USER 'bob'".to_owned(), "AS USER".to_owned()),
        ("EXECUTE AS USER 'bob' (SELECT 1)".to_owned(), "AS USER".to_owned()),
        ("SELECT * FROM t FOR UPDATE".to_owned(), "FOR UPDATE".to_owned()),
        ("SELECT * FROM (SELECT * FROM t FOR SHARE) x".to_owned(), "FOR UPDATE".to_owned()),
        ("SELECT * INTO u FROM t".to_owned(), "SELECT INTO".to_owned()),
        ("SELECT * FROM t TABLESAMPLE SYSTEM (10)".to_owned(), "TABLESAMPLE".to_owned()),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x".to_owned(), "writes".to_owned()),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x".to_owned(), "WITH before SELECT".to_owned()),
        ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1".to_owned(), "ON CONFLICT".to_owned()),
        ("DELETE FROM t, u".to_owned(), "several tables".to_owned()),
    ])
    .collect();
    for (sql, text) in &cases {
        refused(ErrorKind::Unsupported, &[(sql, text)]);
    }
}

#[test]
fn syntax_errors_say_where_and_what() {
    refused(
        ErrorKind::Syntax,
        &[
            ("SELECT 1;\n  SELEC 2", "line 2, column 3: expected a statement"),
            ("SELECT * FROM", "line 1, column 14: expected identifier, found the end of the statement"),
            ("SELECT a b c FROM t", "line 1, column 12: expected the end of the statement, found c"),
            ("SELECT (1", "line 1, column 10: expected"),
            ("SELECT 1)", "line 1, column 9: expected the end of the statement, found )"),
            ("INSERT INTO t VALUES (1,)", "line 1, column 25: expected"),
            ("UPDATE t a = 1", "expected SET"),
            (
                "CREATE TABEL t (a INT)",
                "line 1, column 8: expected TABLE, USER TABLE, SHARED TABLE, VIEW or NAMESPACE",
            ),
            ("CREATE NAMESPACE", "line 1, column 17: expected a name for the namespace"),
            ("CREATE NAMESPACE a b", "line 1, column 20: expected the end of the statement, found b"),
            ("DROP t", "expected TABLE, VIEW or NAMESPACE, found t"),
            ("CREATE VIEW v SELECT 1", "expected AS and a query, found SELECT"),
            ("CREATE VIEW v (a b) AS SELECT 1", "expected a comma or a closing parenthesis, found b"),
            ("CREATE VIEW v AS", "line 1, column 17: expected"),
            ("CREATE OR REPLACE VIEW IF NOT EXISTS v AS SELECT 1", "contradict"),
            ("STORAGE", "expected FLUSH or CHECK"),
            ("STORAGE FLUSH t", "line 1, column 15: expected TABLE or ALL, found t"),
            ("SHOW t", "expected TABLES, NAMESPACES or MANIFEST"),
            ("USE", "the name of a namespace"),
            ("42", "line 1, column 1"),
            ("SELECT $0", "line 1, column 8: expected a parameter $1, $2, …, found $0"),
            ("SELECT $name", "found $name"),
            ("é ; SELECT 'é', ; SELECT 1", "line 1, column 1"),
            ("SELECT 'é', FROM", "line 1"),
        ],
    );
}

#[test]
fn several_statements_keep_their_text_and_parameters() {
    let all = parse("SELECT $2 ; ; INSERT INTO t VALUES ($1, $10);\n-- the end\n").unwrap();
    let found: Vec<_> = all.iter().map(|p| (p.text.as_str(), p.parameters)).collect();
    assert_eq!(found, [("SELECT $2", 2), ("INSERT INTO t VALUES ($1, $10)", 10)]);
    assert!(parse(" ; -- nothing").unwrap().is_empty());
    assert!(parse("").unwrap().is_empty());
    for sql in [
        "SELECT 1 UNION SELECT 2",
        "VALUES (1), (2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1)",
        "SELECT a AS user FROM t",
        "SELECT 'AS USER', x AS USER FROM t",
    ] {
        assert!(matches!(one(sql), Statement::Query(_)), "{sql}");
    }
    for sql in [
        "INSERT INTO t (a, b) VALUES (1, DEFAULT) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING a",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t AS x SELECT * FROM u",
        "INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x",
    ] {
        assert!(matches!(one(sql), Statement::Insert(_)), "{sql}");
    }
    assert!(matches!(
        one("UPDATE t AS x SET a = u.b FROM u WHERE x.id = u.id RETURNING *"),
        Statement::Update(_)
    ));
    assert!(matches!(one("DELETE FROM t USING u WHERE t.id = u.id RETURNING t.id"), Statement::Delete(_)));
}

/// sqlparser backtracks: without a bound on its work, some of these would take minutes at 25 levels.
#[test]
fn nesting_never_takes_exponential_time() {
    for n in [5, 10, 20, 25, 30, 40, 60, 100, 250] {
        for sql in deep(n) {
            if let Err(e) = parse(&sql) {
                let known = [ErrorKind::LimitExceeded, ErrorKind::Syntax, ErrorKind::Unsupported];
                assert!(known.contains(&e.kind()), "{}…: {e}", &sql[..40.min(sql.len())]);
            }
        }
    }
    assert!(parse(&format!("SELECT {}1{}", "abs(".repeat(20), ")".repeat(20))).is_ok());
}

/// Statements that nest `n` deep, each in its own way.
fn deep(n: usize) -> Vec<String> {
    vec![
        format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT 1{}", " + 1".repeat(n)),
        format!("SELECT {}1", "NOT ".repeat(n)),
        format!("SELECT {}1", "- ".repeat(n)),
        format!("SELECT * FROM {}t{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "(SELECT ".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "abs(".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(n), " END".repeat(n)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(n)),
        format!("SELECT * FROM t{}", " CROSS JOIN t".repeat(n)),
        format!("SELECT {}1{}", "[".repeat(n), "]".repeat(n)),
        format!("SELECT a{}", "[1]".repeat(n)),
        format!("SELECT 1 WHERE {}a", "a OR ".repeat(n)),
        format!("CREATE TABLE t (a INT PRIMARY KEY, b {}INT{})", "ARRAY<".repeat(n), ">".repeat(n)),
        format!("CREATE TABLE t (a INT PRIMARY KEY DEFAULT {}1{})", "(".repeat(n), ")".repeat(n)),
        format!("{}SELECT 1", "WITH a AS (".repeat(n)),
        format!("SELECT {}1", "CAST(".repeat(n)),
        format!("SELECT {}1", "NOT (".repeat(n)),
        format!("SELECT {}1", "abs(".repeat(n)),
        format!("SELECT {}1{}", "substring(".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "extract(a ".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "CASE WHEN ".repeat(n), " END".repeat(n)),
        format!("SELECT {}1{}", "position((".repeat(n), "))".repeat(n)),
        format!("SELECT * FROM {}SELECT 1{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT * FROM {}t CROSS JOIN t{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT * FROM {}t{}", "(".repeat(n), " CROSS JOIN t)".repeat(n)),
        format!("SELECT * FROM {}t{}", "(SELECT * FROM ".repeat(n), ") AS x".repeat(n)),
        format!("SELECT * FROM t WHERE {}1{}", "a IN (".repeat(n), ")".repeat(n)),
        format!("SELECT * FROM t WHERE {}1{}", "EXISTS (SELECT ".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "ARRAY[".repeat(n), "]".repeat(n)),
        format!("SELECT {}1{}", "ROW(".repeat(n), ")".repeat(n)),
        format!("SELECT {}'1 day'", "INTERVAL ".repeat(n)),
        format!("VALUES {}1{}", "(".repeat(n), ")".repeat(n)),
    ]
}

#[test]
fn limits_hold_without_exhausting_the_stack() {
    for n in [2000, 50_000] {
        for sql in deep(n) {
            let e = parse(&sql).expect_err("too deep");
            assert_eq!(e.kind(), ErrorKind::LimitExceeded, "{}…: {e}", &sql[..40]);
        }
    }
    let limits = SqlLimits { text_bytes: 100, parameters: 3, ..SqlLimits::default() };
    let kind = |sql: &str| parse_within(sql, &limits).expect_err("too much").kind();
    assert_eq!(kind(&format!("SELECT '{}'", "x".repeat(100))), ErrorKind::LimitExceeded);
    assert_eq!(kind("SELECT $4"), ErrorKind::LimitExceeded);
    assert_eq!(kind("SELECT $99999999999999999999"), ErrorKind::Syntax);
    assert!(parse_within("SELECT $3", &limits).is_ok());
    assert!(parse(&format!("SELECT * FROM t WHERE {}", vec!["a = 1 AND b = 2"; 200].join(" OR "))).is_ok());
}

/// The same statement read by sqlparser alone.
fn by_the_parser(sql: &str) -> Result<Statement> {
    // A comment in front of VALUES is nothing that the short way would pass over.
    let at = sql.to_ascii_uppercase().find("VALUES").unwrap();
    let (head, rows) = sql.split_at(at);
    parse(&format!("{head}/**/{rows}")).map(|mut all| all.remove(0).statement)
}

#[test]
fn rows_read_the_short_way_are_those_the_parser_reads() {
    for sql in [
        "INSERT INTO t VALUES (1)",
        " insert into \"a b\".t(a, _c1)\nvalues\t( 1 , -2.5e-3 ) ,\n('it''s é''', null),(TRUE,$2), (false, 1.), (1E5, 0.0)",
        "INSERT INTO t AS x (a) VALUES (''), ('a\\b'), ('\r\n;--$$')  ON CONFLICT (a) DO UPDATE SET a = excluded.a RETURNING a",
        "INSERT INTO t VALUES (99999999999999999999), (-0)",
    ] {
        let short = one(sql);
        assert!(matches!(short, Statement::Insert(_)));
        assert_eq!(short, by_the_parser(sql).unwrap(), "{sql}");
    }
    for sql in [
        "INSERT INTO t (a VALUES (1)",
        "INSERT t t t VALUES (1)",
        "INSERT INTO t VALUES (1) (2)",
        "INSERT INTO VALUES (1)",
    ] {
        let e = parse(sql).expect_err(sql);
        assert_eq!(e.kind(), ErrorKind::Syntax, "{e}");
        assert!(e.to_string().starts_with("line 1, column "), "{e}");
        assert!(by_the_parser(sql).is_err(), "{sql}");
    }
    assert_eq!(
        parse("INSERT INTO values (null) VALUES (1)").expect_err("no names").kind(),
        ErrorKind::Syntax
    );
    let limits = SqlLimits { parameters: 3, ..SqlLimits::default() };
    let e = parse_within("INSERT INTO t VALUES ($3), ($4)", &limits).expect_err("four");
    assert_eq!(e.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn statements_around_an_insert_keep_their_place() {
    let text = "BEGIN;\nINSERT INTO t VALUES ('é;', $3) ; \n INSERT INTO t VALUES (1)\nRETURNING a; -- ;\n SELECT '1;' ;\nCOMMIT; x";
    let e = parse(text).expect_err("x");
    assert!(e.to_string().starts_with("line 6, column 9: expected a statement"), "{e}");
    let all = parse(text.strip_suffix(" x").unwrap()).unwrap();
    let found: Vec<_> = all.iter().map(|p| (p.text.as_str(), p.parameters)).collect();
    let expected = [
        ("BEGIN", 0),
        ("INSERT INTO t VALUES ('é;', $3)", 3),
        ("INSERT INTO t VALUES (1)\nRETURNING a", 0),
        ("SELECT '1;'", 0),
        ("COMMIT", 0),
    ];
    assert_eq!(found, expected);
    let e = parse("INSERT INTO t VALUES ('é\n', 1) RETURNING a b c").expect_err("c");
    assert!(e.to_string().starts_with("line 2, column 21: expected the end"), "{e}");
    let e = parse("SELECT 1;\nINSERT INTO t VALUES (1) ON").expect_err("cut short");
    assert!(e.to_string().starts_with("line 2, column 28: expected"), "{e}");
}

#[test]
#[ignore = "prints how long it takes"]
fn many_rows() {
    let rows: Vec<_> =
        (0..25_000).map(|i| format!("({i}, -{i}, 'some text number {i}', 1.5, NULL)")).collect();
    let sql = format!("INSERT INTO t (a, b, c, d, e) VALUES {}", rows.join(", "));
    for (way, sql) in [("short", sql.clone()), ("parser", sql.replace("VALUES", "/**/VALUES"))] {
        let start = std::time::Instant::now();
        let parsed = parse(&sql).unwrap();
        println!("{way}: {:?} a row, {} bytes", start.elapsed() / 25_000, sql.len());
        drop(parsed);
    }
}
