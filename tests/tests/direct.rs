//! Direct plans answer what the planner answers: the same columns, rows and errors by both routes.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use arrow::compute::concat_batches;
use datafusion::common::ScalarValue;
use firndb_core::{Config, Engine, Outcome, Session};
use firndb_tests::ask::{ask, lines, user};
use firndb_tests::lasting::Lasting;

const SCHEMA: &str = "CREATE TABLE t (id BIGINT PRIMARY KEY, n INTEGER, s SMALLINT NOT NULL, f DOUBLE PRECISION, \
     b BOOLEAN, body TEXT, raw BYTEA, day DATE, at TIMESTAMP)";
const ROWS: &str = "INSERT INTO t VALUES \
     (1, 10, 1, 1.5, true, 'one', '\\x01', '2026-01-01', '2026-01-01 10:00:00'), \
     (2, NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL), \
     (3, 2147483647, 3, 'NaN', false, '', '\\x', '1969-12-31', '1969-12-31 23:59:59.999999')";

/// Whether EXPLAIN says that `sql` goes round the planner.
async fn is_direct(session: &mut Session, sql: &str, params: &[ScalarValue]) -> bool {
    let plan = session.query(&format!("EXPLAIN {sql}"), params).await.unwrap();
    lines(&plan).iter().any(|line| line.contains("DirectRead"))
}

/// The answer as one batch; or the error's kind, since the planner's own words differ.
async fn answer(session: &mut Session, sql: &str, params: &[ScalarValue]) -> Result<String, String> {
    match session.query(sql, params).await {
        Ok(Outcome::Rows { schema, batches }) => {
            let fields: Vec<_> =
                schema.fields().iter().map(|f| (f.name(), f.data_type(), f.is_nullable())).collect();
            Ok(format!("{fields:?}\n{:?}", concat_batches(&schema, &batches).unwrap().columns()))
        }
        Ok(other) => Ok(format!("{other:?}")),
        Err(e) => Err(e.kind().to_string()),
    }
}

#[tokio::test]
async fn both_routes_answer_the_same() {
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, SCHEMA).await;
    ask(&mut s, ROWS).await;
    let items = [
        "*",
        "id, body",
        "n, n, n AS id",
        "\"body\" AS \"Body\", BODY AS b2",
        "t.raw, t.at AS \"when\"",
        "_seq > 0 AS stamped",
        "n + 1 AS next",
        "s + s AS twice, s * 1000000 AS much",
        "n / 0 AS none",
        "f * 2 AS double, -f AS less",
        "upper(body) AS up, coalesce(body, '-') AS c, length(body) AS len",
        "CASE WHEN b THEN 'yes' ELSE 'no' END AS said",
        "CAST(n AS TEXT) AS shown, CAST(day AS TIMESTAMP) AS midnight",
        "1 AS one, 'x' AS x, NULL AS nothing, 1.5 AS half, true AS yes",
        "count(*) AS c",
        "(SELECT max(id) FROM t) AS top",
        "nobody",
        "now() > at AS past",
        "upper(n, n) AS wrong",
    ];
    let conditions = [
        "id = 1",
        "2 = t.id",
        "(id = 3) AND (true)",
        "id = 1 AND n > 5",
        "id = 2 AND n > 5",
        "id = 1 AND id = 2",
        "id = 4",
        "id = 1 AND n <> 10 AND 1 / (n - 10) > 0",
        "id = 1 AND (body LIKE 'o%' OR body IS NULL)",
        "id = 3000000000",
        "id = '1'",
        "id = 1.0",
        "id = NULL",
        "id = 1 OR id = 2",
        "id = 1 AND nobody = 1",
        "id = 1 AND n",
        "id = 1 AND n IN (10, 20)",
        "id = 1 AND id IN (SELECT id FROM t)",
    ];
    let mut direct = 0;
    for cold in [false, true] {
        if cold {
            engine.flush_all().await.unwrap();
        }
        for items in items {
            for condition in conditions {
                let sql = format!("SELECT {items} FROM t WHERE {condition}");
                let planned = format!("{sql} LIMIT 9");
                let expected = answer(&mut s, &planned, &[]).await;
                assert_eq!(answer(&mut s, &sql, &[]).await, expected, "{sql}");
                if expected.is_ok() {
                    direct += usize::from(is_direct(&mut s, &sql, &[]).await);
                    assert!(!is_direct(&mut s, &planned, &[]).await, "{planned}");
                }
            }
        }
    }
    assert!(direct > 250, "only {direct} statements had a direct plan");
}

#[tokio::test]
async fn keys_of_every_type_are_found_by_both_routes() {
    let engine = Engine::open(Lasting::new(2).stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    let text = |v: &str| ScalarValue::Utf8(Some(v.to_owned()));
    for (ty, literal, value, direct) in [
        ("BOOLEAN", "true", ScalarValue::Boolean(Some(true)), true),
        ("SMALLINT", "-7", ScalarValue::Int64(Some(-7)), true),
        ("INTEGER", "7", ScalarValue::Int32(Some(7)), true),
        ("BIGINT", "9223372036854775807", ScalarValue::Int64(Some(i64::MAX)), true),
        ("TEXT", "'it''s'", text("it's"), true),
        ("BYTEA", "'\\x00ff'", ScalarValue::Binary(Some(vec![0, 255])), true),
        ("DATE", "'2026-11-22'", ScalarValue::Date32(Some(20_779)), true),
        ("DOUBLE PRECISION", "-0.0", ScalarValue::Float64(Some(0.0)), false),
    ] {
        ask(&mut s, &format!("CREATE TABLE k (a {ty}, b TEXT, v INTEGER, PRIMARY KEY (a, b))")).await;
        ask(&mut s, &format!("INSERT INTO k VALUES ({literal}, 'x', 1), ({literal}, 'y', 2)")).await;
        for cold in [false, true] {
            if cold {
                engine.flush_all().await.unwrap();
            }
            let sql = "SELECT v FROM k WHERE b = $2 AND a = $1";
            let params = [value.clone(), text("y")];
            assert_eq!(lines(&s.query(sql, &params).await.unwrap()), ["2"], "{ty}, cold: {cold}");
            assert_eq!(lines(&s.query(&format!("{sql} LIMIT 1"), &params).await.unwrap()), ["2"], "{ty}");
            assert_eq!(is_direct(&mut s, sql, &params).await, direct, "{ty}");
        }
        ask(&mut s, "DROP TABLE k").await;
    }
}

#[tokio::test]
async fn changes_by_key_see_and_leave_what_they_should() {
    let engine = Engine::open(Lasting::new(3).stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, SCHEMA).await;
    ask(&mut s, ROWS).await;
    for cold in [false, true] {
        if cold {
            engine.flush_all().await.unwrap();
        }
        ask(&mut s, "BEGIN").await;
        ask(&mut s, "UPDATE t SET s = s + 1, body = 'mine' WHERE id = 1").await;
        assert_eq!(ask(&mut s, "SELECT s, body FROM t WHERE id = 1").await, ["2|mine"]);
        ask(&mut s, "DELETE FROM t WHERE id = 1 AND body = 'other'").await;
        assert_eq!(ask(&mut s, "SELECT s FROM t WHERE id = 1").await, ["2"]);
        ask(&mut s, "DELETE FROM t WHERE id = 1 AND body = 'mine'").await;
        assert!(ask(&mut s, "SELECT s FROM t WHERE id = 1").await.is_empty());
        ask(&mut s, "ROLLBACK").await;
        assert_eq!(ask(&mut s, "SELECT s, body FROM t WHERE id = 1").await, ["1|one"]);
        // As in PostgreSQL, arithmetic fails where it would wrap.
        assert!(s.execute("UPDATE t SET n = n + 1 WHERE id = 3").await.is_err());
        assert_eq!(ask(&mut s, "SELECT n FROM t WHERE id = 3").await, ["2147483647"]);
    }
    // Rows of another user are not there, also by key.
    ask(&mut s, "CREATE USER TABLE own (id BIGINT PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO own VALUES (1, 'root')").await;
    let mut other = user(&engine, "alice").await;
    assert!(ask(&mut other, "SELECT v FROM own WHERE id = 1").await.is_empty());
    ask(&mut other, "DELETE FROM own WHERE id = 1").await;
    assert_eq!(ask(&mut s, "SELECT v FROM own WHERE id = 1").await, ["root"]);
}
