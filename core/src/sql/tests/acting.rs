//! AS USER, as a clause and as a frame.

use super::*;

fn acting(sql: &str) -> (Subject, Statement) {
    match one(sql) {
        Statement::AsUser(AsUser { subject, statement }) => (subject, *statement),
        other => panic!("{sql}: {other:?}"),
    }
}

/// The statement without the clause, which must be what is left of one with it.
const PLAIN: [&str; 10] = [
    "INSERT INTO app.t {} VALUES (1, 2)",
    "INSERT INTO t {} (a, b) SELECT a, b FROM u WHERE a > 1 RETURNING a AS user",
    "INSERT INTO t {} AS x (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = x.a",
    "INSERT INTO t {} DEFAULT VALUES",
    "INSERT INTO t {} (a) OVERRIDING SYSTEM VALUE VALUES (1)",
    "UPDATE t {} SET a = 1, b = (SELECT max(b) AS user FROM u) WHERE a = 2",
    "UPDATE \"AS\".\"USER\" {} AS x SET a = 1 FROM u WHERE x.a = u.a RETURNING *",
    "DELETE FROM t {}",
    "DELETE FROM t {} USING u WHERE t.a = u.a RETURNING t.a",
    "DELETE FROM t AS x {} WHERE x.a = 1",
];

#[test]
fn the_clause_leaves_the_statement_as_it_is() {
    for template in PLAIN {
        let plain = one(&template.replace("{}", ""));
        let id = |id: &str| Subject::Id(id.to_owned());
        for (clause, subject) in [
            ("AS USER 'x'", id("x")),
            ("as /* whom */ user -- 'y'\n 'x''y'", id("x'y")),
            ("As User E'a\\nb'", id("a\nb")),
            ("AS USER $$a'b$$", id("a'b")),
            ("AS USER ''", id("")),
            ("AS USER $7", Subject::Parameter(7)),
        ] {
            let sql = template.replace("{}", clause);
            assert_eq!(acting(&sql), (subject, plain.clone()), "{sql}");
        }
    }
}

#[test]
fn the_frame_leaves_the_statement_as_it_is() {
    for inner in [
        "SELECT a AS user FROM t WHERE b IN (SELECT ')' FROM u)",
        "VALUES (1), (2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "INSERT INTO t VALUES (1) RETURNING a",
        "UPDATE t SET a = (1 + 2) * 3",
        "DELETE FROM t AS user",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN (VERBOSE) DELETE FROM t",
        "COPY t TO STDOUT WITH (FORMAT csv)",
    ] {
        let plain = one(inner);
        for (before, after) in [
            ("EXECUTE AS USER 'x' (", ")"),
            ("execute as user -- whom\n $1(", "\n)"),
            ("EXECUTE AS USER 'x'((", "))"),
        ] {
            // Only a query may stand in more parentheses than one pair.
            if before.ends_with("((") && !matches!(plain, Statement::Query(_)) {
                continue;
            }
            let (_, found) = acting(&format!("{before}{inner}{after}"));
            if before.ends_with("((") {
                assert!(matches!(found, Statement::Query(_)));
            } else {
                assert_eq!(found, plain, "{inner}");
            }
        }
    }
}

#[test]
fn explain_and_prepare_take_it_in() {
    for sql in ["EXPLAIN UPDATE t AS USER 'x' SET a = 1", "EXPLAIN EXECUTE AS USER 'x' (UPDATE t SET a = 1)"]
    {
        let expected = one("EXPLAIN UPDATE t SET a = 1");
        assert_eq!(acting(sql), (Subject::Id("x".to_owned()), expected), "{sql}");
    }
    let Statement::Prepare(prepare) = one("PREPARE p AS DELETE FROM t AS USER $2 WHERE a = $1") else {
        panic!("no PREPARE");
    };
    assert!(matches!(prepare.parsed.statement, Statement::AsUser(_)));
    assert_eq!(prepare.parsed.parameters, 2);
}

#[test]
fn an_alias_called_user_is_an_alias() {
    for sql in [
        "UPDATE t AS user SET a = 1",
        "DELETE FROM t AS user WHERE \"user\".a = 1",
        "INSERT INTO t AS user (a) VALUES (1)",
        "SELECT a AS user FROM t AS user",
    ] {
        assert!(!matches!(one(sql), Statement::AsUser(_)), "{sql}");
    }
}

#[test]
fn it_stands_once_and_names_one() {
    refused(
        ErrorKind::Syntax,
        &[
            ("UPDATE t AS USER alice SET a = 1", "the id of a user in quotes behind AS USER, found alice"),
            ("UPDATE t AS USER \"alice\" SET a = 1", "the id of a user in quotes"),
            ("UPDATE t AS USER 1 SET a = 1", "the id of a user in quotes"),
            ("UPDATE t AS USER 'a' AS USER 'b' SET a = 1", "AS USER stands once"),
            ("UPDATE t SET a = 1 AS USER 'a'", "AS USER stands once"),
            ("INSERT INTO t (a) AS USER 'a' VALUES (1)", "AS USER stands once"),
            ("SELECT * FROM t AS USER 'a'", "AS USER stands once"),
            ("SELECT * FROM t AS USER $1", "AS USER stands once"),
            ("EXECUTE AS USER alice (SELECT 1)", "the id of a user in quotes, or a parameter"),
            ("EXECUTE AS USER 'a' SELECT 1", "a statement in parentheses"),
            ("EXECUTE AS USER 'a' (SELECT 1", "a closing parenthesis"),
            ("EXECUTE AS USER 'a' (SELECT 1) x", "the end of the statement"),
            ("EXECUTE AS USER 'a' ()", "a statement"),
            ("EXECUTE AS USER 'a'", "a statement in parentheses"),
            ("EXECUTE AS USER", "the id of a user"),
        ],
    );
    refused(
        ErrorKind::Unsupported,
        &[
            ("EXECUTE AS USER 'a' (EXECUTE AS USER 'b' (SELECT 1))", "does not nest"),
            ("EXECUTE AS USER 'a' (DELETE FROM t AS USER 'b')", "does not nest"),
            ("EXECUTE AS USER 'a' (DROP TABLE t)", "DROP is not done in somebody's name"),
            ("EXECUTE AS USER 'a' (COMMIT)", "COMMIT is not done in somebody's name"),
            ("EXECUTE AS USER 'a' (CREATE USER b)", "CREATE is not done in somebody's name"),
            ("EXECUTE AS USER 'a' (STORAGE FLUSH ALL)", "STORAGE is not done in somebody's name"),
        ],
    );
}
