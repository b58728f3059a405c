//! What CREATE TABLE and ALTER TABLE read, and what they refuse.

use super::*;

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
            ..OptionChanges::default()
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
        ("CREATE STREAM TABLE t (id INT PRIMARY KEY) WITH (TTL_SECONDS = 30)", TableKind::Stream),
        ("CREATE TABLE t (id INT PRIMARY KEY) WITH (TTL_SECONDS = '30', TYPE = 'STREAM')", TableKind::Stream),
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
        ],
    );
}

#[test]
fn options_are_checked() {
    let with = |options: &str| format!("CREATE TABLE t (a INT PRIMARY KEY) WITH ({options})");
    for (options, text) in [
        ("COMPRESION = 'zstd'", "did you mean COMPRESSION?"),
        ("colour = 'red'", "there are TYPE, FLUSH_POLICY, BLOOM_FILTER, BLOOM_FPP, COMPRESSION"),
        ("TTL_SECONDS = 0", "from 1 to 31536000"),
        ("TTL_SECONDS = 31536001", "from 1 to 31536000"),
        ("TTL_SECONDS = 1.5", "whole number of seconds"),
        ("TTL_SECONDS = -30", "TTL_SECONDS"),
        ("TTL_SECOND = 30", "did you mean TTL_SECONDS?"),
        ("TYPE = 'STREAMS'", "'USER', 'SHARED' or 'STREAM'"),
        ("COMPRESSION = 'gzip'", "'zstd', 'snappy', 'lz4', 'none'"),
        ("COMPRESSION = 'zstd', compression = 'lz4'", "given twice"),
        ("FLUSH_POLICY = 'rows:0'", "positive"),
        ("FLUSH_POLICY = 'weekly'", "expected 'rows:100000'"),
        ("BLOOM_FILTER = upper('a')", "expected a string"),
        ("BLOOM_FPP = 'a:2'", "'2' is no such share"),
        ("TYPE = 'LOCAL'", "expected 'USER', 'SHARED' or 'STREAM'"),
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
            ("ALTER VIEW v AS SELECT 1", "ALTER VIEW"),
        ],
    );
}
