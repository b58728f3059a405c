//! Limits of statements, each at its edge and one step past it, and that nothing but the statement ends there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Error, ErrorKind, Outcome, Session};
use firndb_tests::ask::ask;

async fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::default();
    set(&mut config);
    let engine = Engine::open(Stores::memory(), config).await.unwrap();
    ask(&mut engine.session(), "CREATE TABLE t (id BIGINT PRIMARY KEY, v TEXT)").await;
    engine
}

async fn run(s: &mut Session, sql: &str) -> Result<u64, Error> {
    Ok(match s.execute(sql).await?.pop() {
        Some(Outcome::Rows { batches, .. }) => batches.iter().map(|b| b.num_rows() as u64).sum(),
        Some(Outcome::Affected(rows)) => rows,
        _ => 0,
    })
}

/// Runs `sql`, which must end with `LimitExceeded` and say `what`.
async fn refused(s: &mut Session, sql: &str, what: &str) {
    match run(s, sql).await {
        Ok(_) => panic!("no limit was met; expected: {what}"),
        Err(e) => {
            assert!(e.kind() == ErrorKind::LimitExceeded && e.to_string().contains(what), "{}: {e}", e.kind())
        }
    }
    ask(s, "SELECT count(*) FROM t").await;
}

fn many(count: usize, item: &str, between: &str) -> String {
    vec![item; count].join(between)
}

#[tokio::test]
async fn a_text_has_so_many_bytes() {
    let engine = engine(|config| config.sql.text_bytes = 100).await;
    let mut s = engine.session();
    let text = format!("{:<100}", "SELECT 1");
    run(&mut s, &text).await.unwrap();
    refused(&mut s, &format!("{text} "), "at most 100 bytes").await;
}

#[tokio::test]
async fn a_statement_has_so_many_tokens_whatever_its_rows_are() {
    let engine = engine(|config| config.sql.tokens = 200).await;
    let mut s = engine.session();
    // SELECT, the items, and the commas between.
    run(&mut s, &format!("SELECT {}; SELECT 1", many(100, "1", ", "))).await.unwrap();
    refused(&mut s, &format!("SELECT {}", many(101, "1", ", ")), "at most 200").await;
    let mut rows = String::from("INSERT INTO t VALUES (0, 'a')");
    for id in 1..500 {
        write!(rows, ", ({id}, 'a')").unwrap();
    }
    assert_eq!(run(&mut s, &rows).await.unwrap(), 500);
}

#[tokio::test]
async fn a_list_behind_in_has_so_many_items() {
    let engine = engine(|config| config.sql.in_items = 1_000).await;
    let mut s = engine.session();
    run(&mut s, &format!("SELECT * FROM t WHERE id IN ({})", many(1_000, "1", ","))).await.unwrap();
    refused(
        &mut s,
        &format!("SELECT * FROM t WHERE id IN ({})", many(1_001, "1", ",")),
        "at most 1000 items",
    )
    .await;
}

#[tokio::test]
async fn the_defaults_stop_what_is_out_of_all_proportion() {
    let engine = engine(|_| {}).await;
    let mut s = engine.session();
    refused(&mut s, &format!("SELECT {}", many(2_000, "1", " + ")), "nests deeper").await;
    refused(&mut s, &format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)), "nests deeper").await;
    refused(&mut s, &format!("SELECT * FROM t WHERE id IN ({})", many(1_000_000, "1", ",")), "at most").await;
    refused(&mut s, "SELECT $65536", "parameters end at $65535").await;
}

#[tokio::test]
async fn a_result_has_so_many_rows_and_a_stream_any_number() {
    let engine = engine(|config| config.query.result_rows = 10_000).await;
    let mut s = engine.session();
    assert_eq!(run(&mut s, "SELECT * FROM generate_series(1, 10000)").await.unwrap(), 10_000);
    refused(&mut s, "SELECT * FROM generate_series(1, 10001)", "query.result_rows").await;
    let mut rows = s.stream("SELECT * FROM generate_series(1, 50000)", &[]).await.unwrap();
    let mut count = 0;
    while let Some(batch) = rows.next().await.unwrap() {
        count += batch.num_rows();
    }
    assert_eq!(count, 50_000);
    // What a statement writes is not its result.
    assert_eq!(
        run(&mut s, "INSERT INTO t SELECT v, 'x' FROM generate_series(1, 20000) AS g(v)").await.unwrap(),
        20_000
    );
    assert_eq!(run(&mut s, "UPDATE t SET v = 'y'").await.unwrap(), 20_000);
}

#[tokio::test]
async fn a_result_has_so_many_bytes() {
    let engine = engine(|config| config.query.result_bytes = 1 << 20).await;
    let mut s = engine.session();
    let rows = |count: usize| format!("SELECT repeat('x', 1000) FROM generate_series(1, {count})");
    assert_eq!(run(&mut s, &rows(900)).await.unwrap(), 900);
    refused(&mut s, &rows(5_000), "query.result_bytes").await;
    refused(
        &mut s,
        "SELECT a.v FROM generate_series(1, 1000000) a(v), generate_series(1, 1000000) b(v)",
        "result_bytes",
    )
    .await;
}

#[tokio::test]
async fn rows_that_share_memory_are_counted_once() {
    let engine = engine(|config| config.query.result_bytes = 12 << 20).await;
    let mut s = engine.session();
    // Written at once, they lie in memory together, and a query answers with parts of that.
    let rows = "INSERT INTO t SELECT v, repeat('x', 100) FROM generate_series(1, 60000) AS g(v)";
    assert_eq!(run(&mut s, rows).await.unwrap(), 60_000);
    assert_eq!(run(&mut s, "SELECT * FROM t").await.unwrap(), 60_000);
    ask(&mut s, "CREATE TABLE lists (id BIGINT PRIMARY KEY, v BIGINT[])").await;
    let lists = "INSERT INTO lists SELECT v, make_array(v, v, v, v, v, v, v, v) FROM generate_series(1, 60000) AS g(v)";
    assert_eq!(run(&mut s, lists).await.unwrap(), 60_000);
    assert_eq!(run(&mut s, "SELECT * FROM lists").await.unwrap(), 60_000);
    refused(&mut s, "SELECT a.*, b.v FROM t a JOIN t b ON a.id = b.id", "query.result_bytes").await;
}

#[tokio::test]
async fn one_statement_and_all_together_hold_so_much_memory() {
    let group =
        "SELECT count(*) FROM (SELECT v, count(*) FROM generate_series(1, 300000) AS g(v) GROUP BY v)";
    let join = "SELECT count(*) FROM generate_series(1, 300000) a(v) JOIN generate_series(1, 300000) b(v) ON a.v = b.v";
    let engine_of = async |statement: usize, all: usize| {
        engine(|config| {
            config.query.memory_bytes = statement;
            config.execution.memory_bytes = all;
        })
        .await
    };
    let roomy = engine_of(256 << 20, 256 << 20).await;
    for sql in [group, join] {
        assert_eq!(ask(&mut roomy.session(), sql).await, ["300000"]);
    }
    let one = engine_of(1 << 20, 256 << 20).await;
    refused(&mut one.session(), join, "(query.memory_bytes)").await;
    let all = engine_of(256 << 20, 1 << 20).await;
    refused(&mut all.session(), join, "(execution.memory_bytes)").await;
    // What the refused ones held is given back: of a MiB, thirty that keep a little would leave no room for this.
    let distinct = |rows: u32| {
        format!(
            "SELECT count(*) FROM (SELECT DISTINCT v * 7 % 1000003 FROM generate_series(1, {rows}) AS g(v))"
        )
    };
    for _ in 0..30 {
        refused(&mut all.session(), join, "(execution.memory_bytes)").await;
    }
    assert_eq!(ask(&mut all.session(), &distinct(30_000)).await, ["30000"]);
    refused(&mut all.session(), &distinct(200_000), "(execution.memory_bytes)").await;
}

#[tokio::test]
async fn a_statement_works_for_so_long() {
    let engine = engine(|config| config.query.timeout_ms = 200).await;
    let mut s = engine.session();
    let endless = "SELECT sum(a.v % 7 + b.v % 5) FROM generate_series(1, 1000000) a(v), generate_series(1, 1000000) b(v)";
    refused(&mut s, endless, "query.timeout_ms").await;
    refused(&mut s, &format!("INSERT INTO t SELECT n, 'x' FROM ({}) AS q(n)", endless), "query.timeout_ms")
        .await;
    assert_eq!(ask(&mut s, "SELECT count(*) FROM t").await, ["0"]);
    // Time that the reader of a stream takes does not count.
    let mut rows = s.stream("SELECT v FROM generate_series(1, 100000) AS g(v)", &[]).await.unwrap();
    while let Some(_rows) = rows.next().await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn rows_that_are_compared_grow_a_statement_only_so_far() {
    let engine = engine(|_| {}).await;
    let mut s = engine.session();
    let too_large = "repeats so much of the statement";
    let nested = |times: usize, row: &dyn Fn(&str) -> String| {
        (0..times).fold("(1, 1) < (2, 1)".to_owned(), |inner, _| row(&inner))
    };
    // Each would be twice, or four times, as large as the one within it.
    let doubled = nested(18, &|inner| format!("({inner}, 1) < (true, 1)"));
    refused(&mut s, &format!("SELECT {doubled}"), too_large).await;
    let fourfold = nested(12, &|inner| format!("({inner}, 1) BETWEEN (true, 1) AND (true, 2)"));
    refused(&mut s, &format!("SELECT {fourfold}"), too_large).await;
    // One value for each of many rows.
    let rows = many(3_000, "(1, '1')", ", ");
    for large in [format!("coalesce({})", many(3_000, "1", ", ")), format!("'{}'", "x".repeat(1 << 20))] {
        refused(&mut s, &format!("SELECT ({large}, 1) IN ({rows})"), too_large).await;
    }
    // Within the last value nothing is repeated, but each row has levels of its own.
    let ones = |count: usize| many(count, "1", ", ");
    let last = |count: usize, times: usize| {
        nested(times, &|inner| format!("({}, {inner}) < ({}, true)", ones(count), ones(count)))
    };
    refused(&mut s, &format!("SELECT {}", last(15, 32)), "nests deeper than").await;

    // What is let through fits the stack.
    ask(&mut s, &format!("SELECT {}", last(15, 20))).await;
    ask(&mut s, &format!("SELECT {}", last(63, 8))).await;
    let unequal = format!("SELECT {}true{}", "(1, true) <> (1, (".repeat(15), "))".repeat(15));
    assert_eq!(ask(&mut s, &unequal).await, ["false"]);
    let row = ones(63);
    assert_eq!(ask(&mut s, &format!("SELECT ({row}, 1) < ({row}, 2)")).await, ["true"]);
    assert_eq!(ask(&mut s, &format!("SELECT count(*) FROM t WHERE (id, v) IN ({rows})")).await, ["0"]);
    let twice = nested(4, &|inner| format!("({inner}, 1) < (true, 1)"));
    ask(&mut s, &format!("SELECT {twice}")).await;
}

/// A chain of names nests as its text does not, and one that doubles has 2ⁿ tables.
#[tokio::test]
async fn the_queries_of_with_nest_so_deep_and_read_so_many_tables() {
    let engine = engine(|_| {}).await;
    let mut s = engine.session();
    let chain = |n: usize, from: &dyn Fn(usize) -> String| {
        let mut text = "WITH c0 AS (SELECT 1 AS a)".to_owned();
        for i in 1..n {
            write!(text, ", c{i} AS (SELECT x.a + 1 AS a FROM {})", from(i - 1)).unwrap();
        }
        text + &format!(" SELECT a FROM c{}", n - 1)
    };
    let single = |i: usize| format!("c{i} AS x");
    let mut longest = 0;
    for n in [16, 32, 64] {
        run(&mut s, &chain(n, &single)).await.unwrap();
        longest = n;
    }
    assert_eq!(longest, 64);
    refused(&mut s, &chain(300, &single), "nest deeper").await;
    refused(&mut s, &chain(2_000, &single), "nest deeper").await;
    let double = |i: usize| format!("c{i} AS x, c{i} AS y");
    assert_eq!(run(&mut s, &chain(5, &double)).await.unwrap(), 1);
    refused(&mut s, &chain(30, &double), "more than 1000 tables").await;
    let parts: Vec<String> = (0..30).map(|i| format!("id + {i}")).collect();
    let cube = |n: usize| format!("SELECT count(*) FROM t GROUP BY CUBE({})", parts[..n].join(", "));
    assert_eq!(run(&mut s, &cube(4)).await.unwrap(), 1);
    refused(&mut s, &cube(13), "4096 sets").await;
    refused(&mut s, &cube(30), "4096 sets").await;
}

/// What a function makes of little counts, before it is made.
#[tokio::test]
async fn a_function_makes_half_of_what_a_statement_may_hold() {
    let engine = engine(|config| config.query.memory_bytes = 2_000_000).await;
    let mut s = engine.session();
    ask(&mut s, "INSERT INTO t VALUES (1, 'ab'), (2, NULL), (3, 'abc')").await;
    for (edge, past) in [
        ("length(repeat('ab', 500000))", "length(repeat('ab', 500001))"),
        ("length(lpad('', 1000000, 'x'))", "length(lpad('', 1000001, 'x'))"),
        (
            "length(repeat('a', 600000) || repeat('b', 400000))",
            "length(repeat('a', 600000) || repeat('b', 400001))",
        ),
        (
            "length(concat(repeat('a', 600000), repeat('b', 400000)))",
            "length(concat(repeat('a', 600000), repeat('b', 400001)))",
        ),
        (
            "length(replace(repeat('a', 1000), 'a', repeat('b', 1000)))",
            "length(replace(repeat('a', 1001), 'a', repeat('b', 1000)))",
        ),
        ("array_length(range(124999))", "array_length(generate_series(1, 1000000))"),
        ("length(repeat('a', 300000))", "length(repeat('a', 2000000000))"),
    ] {
        run(&mut s, &format!("SELECT {edge}")).await.unwrap();
        refused(&mut s, &format!("SELECT {past}"), "would make").await;
    }
    assert_eq!(run(&mut s, "SELECT repeat(v, 200000) FROM t").await.unwrap(), 3);
    refused(&mut s, "SELECT repeat(v, 200001) FROM t", "repeat would make 1000005 bytes").await;
    refused(&mut s, "SELECT array_repeat(v, 2000000000) FROM t", "array_repeat would make").await;
    refused(&mut s, "UPDATE t SET v = lpad(v, 2000000)", "lpad would make").await;
    refused(
        &mut s,
        "SELECT range(TIMESTAMP '2020-01-01', TIMESTAMP '2021-01-01', INTERVAL '1 second')",
        "range would",
    )
    .await;
    // By doubling too.
    let mut doubled = "repeat('x', 1000)".to_owned();
    for _ in 0..3 {
        doubled = format!("concat({doubled}, {doubled})");
    }
    run(&mut s, &format!("SELECT {doubled}")).await.unwrap();
    let mut query = "SELECT repeat('x', 1000) AS s".to_owned();
    for _ in 0..12 {
        query = format!("SELECT s || s AS s FROM ({query})");
    }
    refused(&mut s, &query, "|| would make").await;
}
