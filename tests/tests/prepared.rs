//! Prepared statements, as a program that embeds the engine sees them: what is known before they run.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use datafusion::common::ScalarValue;
use firndb_core::catalog::ColumnType;
use firndb_core::{Config, Engine, ErrorKind, Outcome, Session};
use firndb_tests::ask::{ask, lines};
use firndb_tests::lasting::{Lasting, START_MS};

use ColumnType::{BigInt, Bytea, Integer, Text, Timestamp, Uuid};

const PRICE: ColumnType = ColumnType::Decimal { precision: 10, scale: 2 };

async fn with_table() -> Session {
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let mut session = engine.session();
    ask(
        &mut session,
        "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, price DECIMAL(10,2), at TIMESTAMP, key UUID, data BYTEA, \
         note TEXT)",
    )
    .await;
    session
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

#[tokio::test]
async fn parameters_have_the_types_of_what_they_meet() {
    let mut s = with_table().await;
    let cases: &[(&str, &[Option<ColumnType>])] = &[
        ("SELECT 1", &[]),
        ("SELECT * FROM t WHERE price > $1 AND key = $2", &[Some(PRICE), Some(Uuid)]),
        ("SELECT * FROM t WHERE $2 < at AND id IN (1, $1)", &[Some(Integer), Some(Timestamp)]),
        ("SELECT * FROM t WHERE data = $1 OR note LIKE $2", &[Some(Bytea), Some(Text)]),
        ("SELECT * FROM t WHERE at BETWEEN $1 AND $2", &[Some(Timestamp), Some(Timestamp)]),
        ("SELECT * FROM t WHERE id = (SELECT max(id) FROM t WHERE key = $1)", &[Some(Uuid)]),
        ("SELECT * FROM t WHERE (id, price) = ($1, $2)", &[Some(Integer), Some(PRICE)]),
        ("SELECT * FROM t ORDER BY id LIMIT $1 OFFSET $2", &[Some(BigInt), Some(BigInt)]),
        ("SELECT $1", &[None]),
        (
            "INSERT INTO t (key, id, at) VALUES ($1, $2, $3), ($1, 5, NULL)",
            &[Some(Uuid), Some(Integer), Some(Timestamp)],
        ),
        ("INSERT INTO t (id, price) SELECT id + 10, $1 FROM t WHERE key = $2", &[Some(PRICE), Some(Uuid)]),
        ("UPDATE t SET (price, at) = ($2, $1) WHERE id = $3", &[Some(Timestamp), Some(PRICE), Some(Integer)]),
        ("DELETE FROM t WHERE data = $1", &[Some(Bytea)]),
        (
            "INSERT INTO t (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET price = $2",
            &[Some(Integer), Some(PRICE)],
        ),
    ];
    for (sql, expected) in cases {
        let prepared = s.prepare(sql).await.unwrap();
        assert_eq!(prepared.parameters(), *expected, "{sql}");
    }
}

#[tokio::test]
async fn columns_are_known_before_there_are_rows() {
    let mut s = with_table().await;
    for (sql, expected) in [
        (
            "SELECT id, price * 2 AS twice, note || $1 FROM t",
            Some("id Int32, twice Decimal128(31, 2), ?column? Utf8"),
        ),
        (
            "SELECT count(*), max(id) + 1, note::text FROM t GROUP BY note",
            Some("count Int64, ?column? Int64, note Utf8"),
        ),
        ("INSERT INTO t (id) VALUES ($1)", None),
        ("INSERT INTO t (id) VALUES ($1) RETURNING id, _seq", Some("id Int32, _seq Int64")),
        ("UPDATE t SET note = $1 RETURNING upper(note) AS up", Some("up Utf8")),
        (
            "DELETE FROM t USING t AS u WHERE u.id = t.id RETURNING u.key, t.at",
            Some("key Utf8, at Timestamp(µs)"),
        ),
    ] {
        let prepared = s.prepare(sql).await.unwrap();
        let columns = prepared.columns().map(|schema| {
            let fields = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
            fields.collect::<Vec<_>>().join(", ")
        });
        assert_eq!(columns.as_deref(), expected, "{sql}");
    }
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["0"]);
}

#[tokio::test]
async fn text_is_read_as_the_type_of_its_parameter() {
    let mut s = with_table().await;
    let insert =
        s.prepare("INSERT INTO t (id, price, at, key, data) VALUES ($1, $2, $3, $4, $5)").await.unwrap();
    let values =
        ["1", "9.5", "2024-02-29 12:00:00", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "\\xdead"].map(text);
    assert!(matches!(s.query_prepared(&insert, &values).await.unwrap(), Outcome::Affected(1)));
    let find =
        s.prepare("SELECT id FROM t WHERE price = $1 AND at = $2 AND key = $3 AND data = $4").await.unwrap();
    let found = s.query_prepared(&find, &values[1..]).await.unwrap();
    assert_eq!(lines(&found), ["1"]);
    // No digit is rounded away, so that this is another price.
    let other = [text("9.501"), values[2].clone(), values[3].clone(), values[4].clone()];
    assert!(lines(&s.query_prepared(&find, &other).await.unwrap()).is_empty());

    for (at, wrong, expected) in [
        (0, "one", "parameter $1 is INTEGER"),
        (1, "dear", "parameter $2 is DECIMAL(10,2)"),
        (2, "noon", "parameter $3 is TIMESTAMP"),
        (3, "key", "parameter $4 is UUID"),
        (4, "\\xzz", "parameter $5 is BYTEA"),
    ] {
        let mut values = values.clone();
        values[at] = text(wrong);
        let e = s.query_prepared(&insert, &values).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e}");
        assert!(e.to_string().contains(expected), "{e}");
    }
    let e = s.query_prepared(&insert, &values[1..]).await.unwrap_err();
    assert!(e.to_string().contains("5 parameters, 4 values"), "{e}");

    // A column of another type since is seen, and one that is gone.
    ask(&mut s, "ALTER TABLE t DROP COLUMN price").await;
    ask(&mut s, "ALTER TABLE t ADD COLUMN price TEXT").await;
    let mut values = values;
    (values[0], values[1]) = (text("2"), text("dear"));
    assert!(matches!(s.query_prepared(&insert, &values).await.unwrap(), Outcome::Affected(1)));
    ask(&mut s, "ALTER TABLE t DROP COLUMN price").await;
    assert_eq!(s.query_prepared(&insert, &values).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_fails_before_it_runs_fails_the_transaction_too() {
    let mut s = with_table().await;
    let insert = s.prepare("INSERT INTO t (id) VALUES ($1)").await.unwrap();
    let rollback = s.prepare("ROLLBACK").await.unwrap();
    let failed = |e: firndb_core::Error| e.to_string().contains("a statement of this transaction failed");

    // A value that does not fit.
    ask(&mut s, "BEGIN").await;
    s.query_prepared(&insert, &[text("1")]).await.unwrap();
    assert_eq!(s.query_prepared(&insert, &[text("one")]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(failed(s.query("SELECT 1", &[]).await.unwrap_err()));
    // The failure of the transaction comes first, whatever else is wrong.
    assert!(failed(s.query_prepared(&insert, &[text("two")]).await.unwrap_err()));
    assert!(failed(s.prepare("SELECT * FROM missing").await.unwrap_err()));
    let rollback_again = s.prepare("ROLLBACK").await.unwrap();
    s.query_prepared(&rollback, &[]).await.unwrap();

    // What cannot be prepared.
    ask(&mut s, "BEGIN").await;
    assert_eq!(s.prepare("SELECT * FROM missing").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(failed(s.query("SELECT 1", &[]).await.unwrap_err()));
    s.query_prepared(&rollback_again, &[]).await.unwrap();

    // What cannot be prepared again.
    let find = s.prepare("SELECT note FROM t").await.unwrap();
    ask(&mut s, "ALTER TABLE t DROP COLUMN note").await;
    ask(&mut s, "BEGIN").await;
    assert_eq!(s.query_prepared(&find, &[]).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(failed(s.query("SELECT 1", &[]).await.unwrap_err()));
    s.query_prepared(&rollback, &[]).await.unwrap();
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["0"]);
}

#[tokio::test]
async fn a_transaction_that_was_idle_for_too_long_is_told_of_first() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let (mut s, mut other) = (engine.session(), engine.session());
    ask(&mut s, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, note TEXT)").await;
    let find = s.prepare("SELECT note FROM t").await.unwrap();
    ask(&mut s, "BEGIN").await;
    ask(&mut s, "SELECT count(*) FROM t").await;
    ask(&mut other, "INSERT INTO t VALUES (1, 'one')").await;
    lasting.clock().set_ms(START_MS + 6 * 60_000);
    assert_eq!(engine.flush_all().await.unwrap().len(), 1);
    ask(&mut other, "ALTER TABLE t DROP COLUMN note").await;
    assert_eq!(s.query_prepared(&find, &[]).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(!s.in_transaction());
}
