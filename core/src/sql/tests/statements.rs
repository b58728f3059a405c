//! The other statements, and what is said of those that are not there.

use super::*;

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
        ("STORAGE COMPACT TABLE app.t", Statement::Compact(StorageTarget::Table(table.clone()))),
        ("STORAGE COMPACT ALL IN app", Statement::Compact(all(Some("app")))),
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
        ("EXPLAIN (ANALYZE TRUE, VERBOSE OFF, FORMAT TEXT) SELECT 1", true, false),
        ("EXPLAIN (analyze false, verbose) (SELECT 1)", false, true),
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
            ("EXPLAIN (COSTS) SELECT 1", "no option COSTS"),
            ("EXPLAIN (ANALYZE, BUFFERS) SELECT 1", "no option BUFFERS"),
            ("EXPLAIN (FORMAT YAML) SELECT 1", "no format YAML"),
            ("EXPLAIN (FORMAT JSON) SHOW TABLES", "EXPLAIN SHOW"),
        ],
    );
    refused(
        ErrorKind::Syntax,
        &[
            ("EXPLAIN", "a statement to explain"),
            ("EXPLAIN (FORMAT JSON)", "a statement to explain"),
            ("EXPLAIN (ANALYZE, 1) SELECT 1", "ANALYZE, VERBOSE or FORMAT"),
            ("EXPLAIN (ANALYZE maybe) SELECT 1", "TRUE or FALSE"),
            ("EXPLAIN (FORMAT) SELECT 1", "TEXT or JSON"),
            ("EXPLAIN (ANALYZE VERBOSE) SELECT 1", "TRUE or FALSE"),
            ("EXPLAIN (ANALYZE SELECT 1", "TRUE or FALSE"),
        ],
    );
    for sql in [
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "EXPLAIN (ANALYZE, FORMAT json) DELETE FROM t",
        "EXPLAIN (FORMAT TEXT, FORMAT JSON, VERBOSE) VALUES (1)",
    ] {
        assert!(matches!(one(sql), Statement::Explain { format: PlanFormat::Json, .. }), "{sql}");
    }
}

#[test]
fn what_other_databases_have_is_named() {
    let cases: Vec<(String, String)> = [
        "TRUNCATE t RESTART IDENTITY",
        "TRUNCATE ONLY t",
        "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
        "GRANT SELECT ON t TO u",
        "VACUUM",
        "DESCRIBE t",
        "PRAGMA x",
        "ANALYZE t",
    ]
    .iter()
    .map(|sql| ((*sql).to_owned(), sql.split(' ').next().unwrap().to_owned()))
    .chain(
        [
            "UNIQUE INDEX ON t (a)",
            "MATERIALIZED VIEW v AS SELECT 1",
            "ROLE r",
            "FUNCTION f",
            "SEQUENCE s",
            "DATABASE d",
        ]
        .iter()
        .map(|what| (format!("CREATE {what}"), format!("CREATE {}", what.split(' ').next().unwrap()))),
    )
    .chain([
        ("CREATE INDEX CONCURRENTLY i ON t (a)".to_owned(), "CONCURRENTLY".to_owned()),
        ("CREATE INDEX ON t USING hash (a)".to_owned(), "USING hash".to_owned()),
        ("CREATE INDEX ON t (lower(a))".to_owned(), "expression".to_owned()),
        ("CREATE INDEX ON t ((a + 1))".to_owned(), "expression".to_owned()),
        ("CREATE INDEX ON t (a DESC)".to_owned(), "DESC".to_owned()),
        ("CREATE INDEX ON t (a text_pattern_ops)".to_owned(), "operator classes".to_owned()),
        ("CREATE INDEX ON t (a) WHERE a > 1".to_owned(), "WHERE".to_owned()),
        ("CREATE INDEX ON t (a) INCLUDE (b)".to_owned(), "INCLUDE".to_owned()),
        ("CREATE INDEX ON ONLY t (a)".to_owned(), "ONLY".to_owned()),
        ("CREATE VIEW v WITH (x) AS SELECT 1".to_owned(), "options of a view".to_owned()),
        ("CREATE TEMP VIEW v AS SELECT 1".to_owned(), "CREATE TEMP".to_owned()),
        ("CREATE VIEW v AS INSERT INTO t VALUES (1)".to_owned(), "CREATE VIEW".to_owned()),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE".to_owned(), "snapshot isolation".to_owned()),
        ("COMMIT AND CHAIN".to_owned(), "COMMIT".to_owned()),
        ("SET timezone = 'UTC'".to_owned(), "SET".to_owned()),
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
                "line 1, column 8: expected TABLE, USER TABLE, SHARED TABLE, VIEW, INDEX, USER or NAMESPACE",
            ),
            ("CREATE NAMESPACE", "line 1, column 17: expected a name for the namespace"),
            ("CREATE NAMESPACE a b", "line 1, column 20: expected the end of the statement, found b"),
            ("DROP t", "expected TABLE, VIEW, INDEX, USER or NAMESPACE, found t"),
            ("CREATE VIEW v SELECT 1", "expected AS and a query, found SELECT"),
            ("CREATE VIEW v (a b) AS SELECT 1", "expected a comma or a closing parenthesis, found b"),
            ("CREATE VIEW v AS", "line 1, column 17: expected"),
            ("CREATE OR REPLACE VIEW IF NOT EXISTS v AS SELECT 1", "contradict"),
            ("STORAGE", "expected FLUSH, COMPACT or CHECK"),
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
fn prepared_statements_are_read() {
    let Statement::Prepare(prepare) = one("PREPARE p (int, DECIMAL(10,2)) AS  SELECT $1 + $3 -- why") else {
        panic!("no PREPARE")
    };
    assert_eq!((prepare.name.as_str(), prepare.parsed.parameters), ("p", 3));
    assert_eq!(prepare.types, [ColumnType::Integer, ColumnType::Decimal { precision: 10, scale: 2 }]);
    assert_eq!(prepare.parsed.text, "SELECT $1 + $3");
    let all = parse("PREPARE p AS INSERT INTO t VALUES ($1); EXECUTE p(1, 'x'); EXECUTE P").unwrap();
    assert_eq!(all.iter().map(|parsed| parsed.parameters).collect::<Vec<_>>(), [0, 0, 0]);
    assert!(
        matches!(&all[1].statement, Statement::Execute { name, values } if name == "p" && values.len() == 2)
    );
    assert!(
        matches!(&all[2].statement, Statement::Execute { name, values } if name == "p" && values.is_empty())
    );
    assert_eq!(one("DEALLOCATE PREPARE p"), Statement::Deallocate(Some("p".to_owned())));
    assert_eq!(one("DEALLOCATE ALL"), Statement::Deallocate(None));
    refused(
        ErrorKind::Unsupported,
        &[("PREPARE p AS DROP TABLE t", "PREPARE of DROP"), ("EXECUTE IMMEDIATE 'x'", "EXECUTE name")],
    );
    refused(ErrorKind::Syntax, &[("PREPARE p AS", "AS and a statement"), ("PREPARE", "a name")]);
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
