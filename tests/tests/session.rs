//! What a program that embeds the engine calls: parameters, bulk inserts, several statements at once, and
//! sessions on several threads.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use firndb_core::catalog::ColumnType;
use firndb_core::storage::Stores;
use firndb_core::{CancelToken, Config, Engine, ErrorKind, Outcome};
use firndb_tests::ask::{ask, fail, lines};
use firndb_tests::lasting::Lasting;

async fn with_table() -> Engine {
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let ddl = "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT, made TIMESTAMP)";
    ask(&mut engine.session(), ddl).await;
    engine
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

#[tokio::test]
async fn parameters_work_in_every_statement() {
    let engine = with_table().await;
    let mut s = engine.session();
    for cold in [false, true] {
        let insert = "INSERT INTO t (id, v) VALUES ($1, $2), ($3, $2)";
        let params = [ScalarValue::Int32(Some(1)), text("it's; DROP TABLE t"), ScalarValue::Int64(Some(2))];
        assert!(matches!(s.query(insert, &params).await.unwrap(), Outcome::Affected(2)));
        if cold {
            engine.flush_all().await.unwrap();
        }
        let select = "SELECT id FROM t WHERE v = $1 AND id > $2";
        let found =
            s.query(select, &[text("it's; DROP TABLE t"), ScalarValue::Int32(Some(1))]).await.unwrap();
        assert_eq!(lines(&found), ["2"]);

        // The same statement again, with other values.
        let found =
            s.query(select, &[text("it's; DROP TABLE t"), ScalarValue::Int32(Some(0))]).await.unwrap();
        assert_eq!(lines(&found).len(), 2);
        let found = s.query(select, &[text("nobody"), ScalarValue::Int32(Some(0))]).await.unwrap();
        assert!(lines(&found).is_empty());

        let update = "UPDATE t SET v = $2 WHERE id = $1";
        let updated = s.query(update, &[ScalarValue::Int64(Some(1)), ScalarValue::Utf8(None)]).await.unwrap();
        assert!(matches!(updated, Outcome::Affected(1)));
        assert_eq!(ask(&mut s, "SELECT v FROM t WHERE id = 1").await, ["NULL"]);

        // A date as text, as drivers send it.
        let update = "UPDATE t SET made = $1 WHERE id = 1 RETURNING made";
        let updated = s.query(update, &[text("2026-11-22 10:00:00.000001")]).await.unwrap();
        assert_eq!(lines(&updated), ["2026-11-22 10:00:00.000001"]);

        let delete = "DELETE FROM t WHERE id IN ($1, $2)";
        let ids = [ScalarValue::Int32(Some(1)), ScalarValue::Int32(Some(2))];
        assert!(matches!(s.query(delete, &ids).await.unwrap(), Outcome::Affected(2)));
        assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["0"]);
    }
}

#[tokio::test]
async fn fields_of_results_say_the_types_that_arrow_has_not() {
    use ColumnType::{Json, Text, TimestampTz, Uuid, Varchar};
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE SHARED TABLE kinds (id UUID PRIMARY KEY, doc JSON, v VARCHAR(3), z TIMESTAMPTZ)")
        .await;
    let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    ask(&mut s, &format!("INSERT INTO kinds VALUES ('{id}', '{{\"a\": [1]}}', 'abc', NOW())")).await;
    let items = "id, doc, v, z, doc -> 'a' AS a, doc ->> 'a' AS t, CAST(doc AS TEXT) AS w, CAST('{}' AS JSON) AS j, \
                 CAST(v AS UUID) AS u";
    let expected = [Uuid, Json, Varchar(3), TimestampTz, Json, Text, Text, Json, Uuid].map(Some);
    for cold in [false, true] {
        if cold {
            engine.flush_all().await.unwrap();
        }
        // By the key, without the planner, and by a scan; the cast of 'abc' is of no row.
        for condition in [&format!("id = '{id}' AND v <> 'abc'"), "doc IS NOT NULL AND v <> 'abc'"] {
            let Outcome::Rows { schema, .. } =
                s.query(&format!("SELECT {items} FROM kinds WHERE {condition}"), &[]).await.unwrap()
            else {
                unreachable!()
            };
            let types: Vec<_> = schema.fields().iter().map(|f| ColumnType::of_field(f)).collect();
            assert_eq!(types, expected, "cold: {cold}, {condition}");
        }
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    let engine = with_table().await;
    let mut s = engine.session();
    let insert = "INSERT INTO t (id, v) VALUES ($1, $2)";
    for (params, what) in [
        (vec![ScalarValue::Int32(Some(1))], "one is missing"),
        (vec![], "all are missing"),
        (vec![text("not a number"), text("x")], "of another type"),
        (vec![ScalarValue::Int64(Some(i64::MAX)), text("x")], "out of range"),
    ] {
        let error = s.query(insert, &params).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what}: {error}");
    }
    let error = s.query(insert, &[ScalarValue::Int32(None), text("x")]).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint, "{error}");
    let error = s.query("SELECT 1; SELECT 2", &[]).await.map(drop).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Syntax), "{error}");
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["0"]);
}

#[tokio::test]
async fn a_text_of_several_statements_answers_each() {
    let engine = with_table().await;
    let sql = "INSERT INTO t (id, v) VALUES (1, 'a;b'); -- a comment; with a semicolon\n\
               UPDATE t SET v = 'c' WHERE id = 2;; SELECT id, v FROM t; DROP TABLE t";
    let outcomes = engine.session().execute(sql).await.unwrap();
    let kinds: Vec<String> = outcomes
        .iter()
        .map(|o| match o {
            Outcome::Rows { .. } => lines(o).join(","),
            Outcome::Affected(n) => format!("{n} affected"),
            Outcome::Done(what) => what.clone(),
        })
        .collect();
    assert_eq!(kinds, ["1 affected", "0 affected", "1|a;b", "DROP TABLE"]);
    assert!(engine.session().execute("").await.unwrap().is_empty());
    assert!(engine.session().execute(" ; -- nothing").await.unwrap().is_empty());
}

fn batch(ids: Vec<i32>, values: Vec<Option<&str>>) -> RecordBatch {
    let schema = Schema::new(vec![
        // In another order than the table's.
        Field::new("v", DataType::Utf8, true),
        Field::new("id", DataType::Int32, false),
    ]);
    let columns = vec![Arc::new(StringArray::from(values)) as _, Arc::new(Int32Array::from(ids)) as _];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[tokio::test]
async fn a_batch_goes_in_by_column_name_and_whole_or_not_at_all() {
    let engine = with_table().await;
    let mut s = engine.session();
    let batches = vec![batch(vec![1, 2], vec![Some("one"), None]), batch(vec![3], vec![Some("three")])];
    assert_eq!(s.insert_batches("t", batches).await.unwrap(), 3);
    let rows = ["1|one|NULL", "2|NULL|NULL", "3|three|NULL"];
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, rows);
    engine.flush_all().await.unwrap();

    let duplicate = vec![batch(vec![4, 2], vec![None, None])];
    let error = s.insert_batches("t", duplicate).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint, "{error}");
    let error = s.insert_batches("t", vec![batch(vec![5, 5], vec![None, None])]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Constraint, "{error}");
    let error = s.insert_batches("missing", vec![batch(vec![4], vec![None])]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(ask(&mut s, "SELECT * FROM t ORDER BY id").await, rows);
}

#[tokio::test]
async fn a_failed_statement_names_what_it_needs() {
    let engine = with_table().await;
    let mut s = engine.session();
    let error = fail(&mut s, "CREATE SHARED TABLE k (name TEXT, v TEXT)").await;
    assert!(error.to_string().contains("PRIMARY KEY"), "the fix is shown: {error}");
    let error = fail(&mut s, "SELECT *\nFROM t\nWHERE id = = 1").await;
    assert_eq!(error.kind(), ErrorKind::Syntax);
    assert!(error.to_string().to_lowercase().contains("line"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_on_several_threads_lose_no_update() {
    const TASKS: i64 = 8;
    const ROUNDS: i64 = 25;
    let engine = with_table().await;
    ask(&mut engine.session(), "CREATE SHARED TABLE n (id INTEGER PRIMARY KEY, n BIGINT)").await;
    ask(&mut engine.session(), "INSERT INTO n VALUES (1, 0), (2, 0)").await;
    let transactions = Arc::new(AtomicI64::new(0));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let (engine, transactions) = (engine.clone(), Arc::clone(&transactions));
        tasks.push(tokio::spawn(async move {
            let mut s = engine.session();
            let mut done = 0;
            while done < ROUNDS {
                // A statement alone is retried by the engine, a bounded number of times.
                match s.execute("UPDATE n SET n = n + 1 WHERE id = 1").await {
                    Ok(_) => done += 1,
                    Err(e) => assert_eq!(e.kind(), ErrorKind::Conflict, "{e}"),
                }
                let sql = format!("BEGIN; UPDATE n SET n = n + 1 WHERE id = 2; COMMIT -- {task}");
                match s.execute(&sql).await {
                    Ok(_) => {
                        transactions.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(e) => {
                        assert_eq!(e.kind(), ErrorKind::Conflict, "{e}");
                        assert!(!s.in_transaction());
                    }
                }
                if done % 5 == 0 {
                    engine.flush_all().await.unwrap();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let found = ask(&mut engine.session(), "SELECT n FROM n ORDER BY id").await;
    assert_eq!(found, [(TASKS * ROUNDS).to_string(), transactions.load(Ordering::SeqCst).to_string()]);
    println!("{} conflicts", engine.stats().conflicts);
}

#[tokio::test]
async fn a_cancelled_statement_ends_soon_and_leaves_nothing() {
    // A clock that goes: pauses are by time.
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    ask(&mut s, "INSERT INTO t (id) SELECT value FROM generate_series(1, 1000)").await;
    let endless = [
        "SELECT sum(a.value + b.value) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b",
        "SELECT max(a.id * b.id - c.id * d.id) FROM t a, t b, t c, t d",
        "UPDATE t SET v = 'x' WHERE id <= (SELECT sum(value) FROM generate_series(1, 100000000000))",
        // Joins that try pairs and keep none.
        "SELECT count(*) FROM generate_series(1, 300000) a, generate_series(1, 300000) b WHERE a.value + b.value < 0",
        "SELECT count(*) FROM generate_series(1, 300000) a JOIN generate_series(1, 300000) b \
         ON a.value % 1 = b.value % 1 AND a.value + b.value < 0",
        "SELECT count(*) FROM generate_series(1, 300000) a LEFT JOIN generate_series(1, 300000) b ON a.value + b.value < 0",
    ];
    for sql in endless {
        let token = CancelToken::new();
        s.set_cancel(token.clone());
        let started = std::time::Instant::now();
        let canceller = async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            token.cancel();
        };
        let (outcome, ()) = futures::join!(s.execute(sql), canceller);
        let error = outcome.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{sql}: {error}");
        assert!(started.elapsed().as_millis() < 2_000, "{sql} took {:?}", started.elapsed());
        s.set_cancel(CancelToken::new());
        assert_eq!(ask(&mut s, "SELECT count(*) FROM t WHERE v IS NULL").await, ["1000"]);
    }
    // In a transaction, ROLLBACK is what is left.
    ask(&mut s, "BEGIN").await;
    let token = CancelToken::new();
    token.cancel();
    s.set_cancel(token);
    assert_eq!(fail(&mut s, "DELETE FROM t").await.kind(), ErrorKind::Cancelled);
    ask(&mut s, "ROLLBACK").await;
    s.set_cancel(CancelToken::new());
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["1000"]);
}

#[tokio::test]
async fn columns_without_a_name_are_called_as_in_postgresql() {
    let engine = with_table().await;
    let mut s = engine.session();
    ask(&mut s, "INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')").await;
    let names = |schema: &Schema| {
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        names.join(" ")
    };
    for (sql, expected) in [
        ("SELECT 1 + 1, 2, 'x'", "?column? ?column? ?column?"),
        ("SELECT id, id + 1, id FROM t", "id ?column? id"),
        ("SELECT count(*), max(id), sum(id) AS total FROM t", "count max total"),
        ("SELECT v::text, 1::int, DATE '2024-01-01', INTERVAL '1 day' FROM t", "v int4 date interval"),
        ("SELECT 3 > ALL (ARRAY[1, 2]), (SELECT max(id) FROM t)", "?column? max"),
        ("SELECT CASE WHEN id = 1 THEN 'x' END, coalesce(v, 'y'), ARRAY[1] FROM t", "case coalesce array"),
        ("SELECT *, upper(v) FROM t", "id v made upper"),
        ("SELECT t.*, t.v, lower(t.v), lower(t.v) FROM t", "id v made v lower lower"),
        ("SELECT upper(v) FROM t UNION SELECT 'z' ORDER BY 1", "upper"),
        ("(SELECT upper(v) FROM t)", "upper"),
        ("SELECT DISTINCT upper(v) FROM t ORDER BY upper(v)", "upper"),
        ("SELECT id % 2, count(*) FROM t GROUP BY id % 2 ORDER BY id % 2, count(*)", "?column? count"),
        ("SELECT id % 2 FROM t GROUP BY 1 HAVING count(*) > 0 ORDER BY 1", "?column?"),
        ("SELECT rank() OVER (ORDER BY id) FROM t QUALIFY rank() OVER (ORDER BY id) = 1", "rank"),
        ("SELECT count(*) FROM t GROUP BY v ORDER BY count", "count"),
        ("SELECT n.* FROM (SELECT id + 1 AS next FROM t) n", "next"),
        ("SELECT upper(v) FROM t WHERE id = 1", "upper"),
        ("UPDATE t SET v = v WHERE id = 1 RETURNING id * 10, upper(v), _seq", "?column? upper _seq"),
        ("INSERT INTO t (id) VALUES (3) RETURNING id + 1", "?column?"),
        ("VALUES (1, 2)", "column1 column2"),
    ] {
        let prepared = s.prepare(sql).await.unwrap();
        assert_eq!(prepared.columns().map(|schema| names(schema)).as_deref(), Some(expected), "{sql}");
        let rows = s.stream(sql, &[]).await.unwrap();
        assert_eq!(names(rows.schema()), expected, "{sql}");
        drop(rows);
        if sql.starts_with("INSERT") {
            continue;
        }
        let Outcome::Rows { schema, batches } = s.query(sql, &[]).await.unwrap() else { panic!("{sql}") };
        assert_eq!(names(&schema), expected, "{sql}");
        assert!(batches.iter().all(|batch| names(&batch.schema()) == expected), "{sql}");
    }
    let cast = "SELECT id::text FROM t ORDER BY id DESC";
    ask(&mut s, "INSERT INTO t (id) VALUES (10)").await;
    assert_eq!(ask(&mut s, cast).await.len(), 4);
    ask(&mut s, "CREATE VIEW named AS SELECT count(*), v, max(id), max(id) + 1, 1 + 1 FROM t GROUP BY v")
        .await;
    assert_eq!(ask(&mut s, "SELECT sum(count), max(max) FROM named").await, ["4|10"]);
    ask(&mut s, "INSERT INTO t (id, v) SELECT id + 100, upper(v) FROM t WHERE id < 3").await;
    assert_eq!(ask(&mut s, "SELECT v FROM t WHERE id > 100 ORDER BY 1").await, ["A", "B"]);
}
