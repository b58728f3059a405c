//! Texts that are large or deep, and rows that are read without the parser.

use super::*;

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
