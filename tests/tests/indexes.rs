//! Indexes: they change no answer, whoever asks by whichever route; and they outlast what their store does.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use datafusion::common::ScalarValue;
use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Session};
use firndb_tests::ask::{affected, ask, lines};
use firndb_tests::lasting::Lasting;
use firndb_tests::scanned::Scanned;
use firndb_tests::{seed, setting};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

const COUNT: &str = "SELECT name, columns FROM system.indexes ORDER BY name";

async fn filled(stores: &Lasting) -> Engine {
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id BIGINT PRIMARY KEY, n INTEGER, name TEXT)").await;
    ask(&mut s, "CREATE INDEX ON t (n); CREATE INDEX \"By name\" ON t (name, n)").await;
    ask(&mut s, "INSERT INTO t SELECT v, v % 100, 'n' || v FROM generate_series(1, 1000) AS g(v)").await;
    engine
}

/// Whether both indexes are there and of use.
async fn check(engine: &Engine) {
    let mut s = engine.session();
    assert_eq!(ask(&mut s, COUNT).await, ["By name|name, n", "t_n_idx|n"]);
    let sql = "SELECT id FROM t WHERE n = 7";
    assert_eq!(ask(&mut s, sql).await.len(), 10);
    let plan = lines(&s.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap());
    assert_eq!(plan, ["direct_plan|IndexRead: table=main.t, index=t_n_idx, conditions=1"]);
}

#[tokio::test]
async fn an_index_outlasts_the_engine_and_goes_with_every_copy() {
    let stores = Lasting::new(1);
    let engine = filled(&stores).await;
    check(&engine).await;
    let mut archive = Vec::new();
    engine.dump(&mut archive).await.unwrap();
    let copy =
        Engine::load(Lasting::new(2).stores(), Config::default(), &mut archive.as_slice()).await.unwrap();
    check(&copy).await;
    let backup = Lasting::new(3);
    engine.backup(&backup.stores(), &mut |_, _| ()).await.unwrap();
    check(&Engine::open(backup.stores(), Config::default()).await.unwrap()).await;
    engine.close().await.unwrap();

    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    check(&engine).await;
    let scanned = Scanned::of(&mut engine.session(), "main.t", "SELECT id FROM t WHERE n = 7", &[]).await;
    assert_eq!(scanned.get("hot_rows"), 10, "{scanned:?}");
    engine.flush_all().await.unwrap();
    check(&engine).await;
    engine.close().await.unwrap();

    // The key-value store is lost.
    let fresh = Lasting::new(4);
    let lost = || Stores { kv: fresh.stores().kv, ..stores.stores() };
    Engine::recover(lost(), Config::default()).await.unwrap();
    check(&Engine::open(lost(), Config::default()).await.unwrap()).await;
}

#[tokio::test]
async fn files_that_are_written_later_have_filters_and_older_ones_are_read() {
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id BIGINT PRIMARY KEY, tag BIGINT)").await;
    // Tags from all over their range in each file.
    let insert = |file: i64| {
        format!(
            "INSERT INTO t SELECT v * 10 + {file}, (v * 10 + {file}) * 2 FROM generate_series(0, 199) AS g(v)"
        )
    };
    for file in 0..4 {
        if file == 2 {
            ask(&mut s, "CREATE INDEX ON t (tag)").await;
        }
        ask(&mut s, &insert(file)).await;
        engine.flush_all().await.unwrap();
    }
    let scanned = Scanned::of(&mut s, "main.t", "SELECT id FROM t WHERE tag = 1001", &[]).await;
    assert_eq!((scanned.get("files_pruned_bloom"), scanned.get("files_read")), (2, 2), "{scanned:?}");
    for id in [1000, 1001, 1002, 1003] {
        assert_eq!(ask(&mut s, &format!("SELECT id FROM t WHERE tag = {}", id * 2)).await, [id.to_string()]);
    }
    ask(&mut s, "DROP INDEX t_tag_idx").await;
    ask(&mut s, &insert(5)).await;
    engine.flush_all().await.unwrap();
    let scanned = Scanned::of(&mut s, "main.t", "SELECT id FROM t WHERE tag = 1001", &[]).await;
    assert_eq!((scanned.get("files_pruned_bloom"), scanned.get("files_read")), (2, 3), "{scanned:?}");
}

/// A random condition over the columns, some of which are indexed.
fn condition(rng: &mut StdRng) -> String {
    let a = rng.random_range(-3..25);
    let b = rng.random_range(0..60);
    match rng.random_range(0..10) {
        0 => format!("a = {a}"),
        1 => format!("a = {a} AND b > {b}"),
        2 => format!("a = {a} AND b = {b} AND id > {b}"),
        3 => format!("a IN ({a}, {}, {})", a + 2, a + 5),
        4 => format!("a BETWEEN {a} AND {}", a + 3),
        5 => format!("a < {a}"),
        6 => format!("a = {a} OR b = {b}"),
        7 => format!("name = 'n{b}'"),
        8 => format!("name >= 'n{b}' AND name < 'n{}'", b + 1),
        _ => format!("f = {}", f64::from(b) / 4.0),
    }
}

/// A random change.
fn change(rng: &mut StdRng) -> String {
    let id = rng.random_range(0..400);
    let text = |n: i32| if n == 0 { "NULL".to_owned() } else { n.to_string() };
    let a = text(rng.random_range(0..20));
    let b = text(rng.random_range(0..50));
    match rng.random_range(0..8) {
        0..4 => format!(
            "INSERT INTO t (id, a, b, name, f) VALUES ({id}, {a}, {b}, 'n' || {b}, {b} / 4.0), ({}, {b}, {a}, NULL, -0.0) \
             ON CONFLICT (id) DO UPDATE SET a = excluded.a, b = excluded.b, name = excluded.name",
            id + 1
        ),
        4 => format!("UPDATE t SET a = {a} WHERE b = {b}"),
        5 => format!("UPDATE t SET b = {b}, name = 'n{id}' WHERE a = {a} AND id < {id}"),
        6 => format!("DELETE FROM t WHERE a = {a} AND id > {id}"),
        _ => format!("UPDATE t SET id = id + 1000 WHERE id = {id}"),
    }
}

#[tokio::test]
async fn an_index_changes_no_answer() {
    let seed = seed::from_env();
    let mut rng = StdRng::seed_from_u64(seed);
    for round in 0..6 {
        let (with, without) = (Lasting::new(round), Lasting::new(round));
        let with = Engine::open(with.stores(), setting::flush_by_command()).await.unwrap();
        let without = Engine::open(without.stores(), setting::flush_by_command()).await.unwrap();
        let (mut s, mut plain) = (with.session(), without.session());
        for session in [&mut s, &mut plain] {
            ask(
                session,
                "CREATE TABLE t (id BIGINT PRIMARY KEY, a INTEGER, b INTEGER, name TEXT, f DOUBLE PRECISION)",
            )
            .await;
        }
        ask(&mut s, "CREATE INDEX ON t (a, b); CREATE INDEX ON t (name)").await;
        let mut in_transaction = false;
        for step in 0..80 {
            match rng.random_range(0..20) {
                0 if !in_transaction => {
                    with.flush_all().await.unwrap();
                    without.flush_all().await.unwrap();
                }
                1 if !in_transaction && step > 20 => {
                    let sql = *[
                        "CREATE INDEX ON t (f)",
                        "DROP INDEX IF EXISTS t_name_idx",
                        "CREATE INDEX ON t (b)",
                    ]
                    .choose(&mut rng)
                    .unwrap();
                    ask(&mut s, sql).await;
                }
                2 => {
                    let word = if in_transaction {
                        *["COMMIT", "ROLLBACK"].choose(&mut rng).unwrap()
                    } else {
                        "BEGIN"
                    };
                    in_transaction = !in_transaction;
                    ask(&mut s, word).await;
                    ask(&mut plain, word).await;
                }
                3 if step > 20 => {
                    let column =
                        format!("ALTER TABLE t ADD COLUMN IF NOT EXISTS c{round} INTEGER DEFAULT {step}");
                    if !in_transaction {
                        ask(&mut s, &column).await;
                        ask(&mut plain, &column).await;
                        ask(&mut s, &format!("CREATE INDEX IF NOT EXISTS late ON t (c{round}, a)")).await;
                    }
                }
                _ => {
                    let change = change(&mut rng);
                    let (done, expected) = (s.execute(&change).await, plain.execute(&change).await);
                    let counts =
                        |r: Result<_, firndb_core::Error>| r.map(|o| format!("{o:?}")).map_err(|e| e.kind());
                    let (done, expected) = (counts(done), counts(expected));
                    assert_eq!(done, expected, "FIRNDB_SEED={seed}: {change}");
                    if done.is_err() && in_transaction {
                        in_transaction = false;
                        ask(&mut s, "ROLLBACK").await;
                        ask(&mut plain, "ROLLBACK").await;
                    }
                }
            }
            let condition = condition(&mut rng);
            compare(&mut s, &mut plain, &condition, &format!("FIRNDB_SEED={seed}, step {step}")).await;
        }
    }
}

/// The same answer with and without indexes, by the direct route and the planner's.
async fn compare(s: &mut Session, plain: &mut Session, condition: &str, place: &str) {
    let direct = format!("SELECT id, a, b, name, f, _seq > 0 AS stamped FROM t WHERE {condition}");
    let mut expected = ask(plain, &direct).await;
    let mut found = ask(s, &direct).await;
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{place}: {direct}");
    let planned = format!("SELECT count(*), min(id), max(name), sum(b) FROM t WHERE {condition}");
    assert_eq!(ask(s, &planned).await, ask(plain, &planned).await, "{place}: {planned}");
}

#[tokio::test]
async fn parameters_and_joins_use_an_index_and_many_rows_do_not() {
    let stores = Lasting::new(1);
    let engine = filled(&stores).await;
    let mut s = engine.session();
    let params = [ScalarValue::Int64(Some(7))];
    let scanned = Scanned::of(&mut s, "main.t", "SELECT id FROM t WHERE n = $1", &params).await;
    assert_eq!(scanned.get("hot_rows"), 10);
    let scanned =
        Scanned::of(&mut s, "main.t", "SELECT sum(id) FROM t WHERE n = 7 AND name > 'n5'", &[]).await;
    assert_eq!(scanned.get("hot_rows"), 10);
    let scanned = Scanned::of(&mut s, "main.t", "SELECT sum(id) FROM t WHERE n >= 50", &[]).await;
    assert_eq!(scanned.get("hot_rows"), 1000, "half of the rows are not fetched one by one");
    assert_eq!(affected(&mut s, "UPDATE t SET n = 1 WHERE n = 7").await, 10);
    let scanned = Scanned::of(&mut s, "main.t", "SELECT id FROM t WHERE n = 1", &[]).await;
    assert_eq!(scanned.get("hot_rows"), 20, "versions that are no more are not looked at");
}
