//! The main job on a store of the browser: rows that are hot and cold, changed, and read after reopening.

use arrow::util::pretty::pretty_format_batches;
use firndb_core::{Config, Engine, ErrorKind, Outcome};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{fresh, must};

const NAME: &str = "engine-story";

async fn open() -> Engine {
    let stores = must(crate::open(NAME).await, "opening the stores");
    must(Engine::open(stores, Config::default()).await, "opening the engine")
}

/// Runs `statements` in a session of their own, and gives the rows of the last.
async fn run(engine: &Engine, statements: &[&str]) -> String {
    let mut session = engine.session();
    let mut last = String::new();
    for statement in statements {
        for outcome in must(session.execute(statement).await, statement) {
            last = match outcome {
                Outcome::Rows { batches, .. } => pretty_format_batches(&batches).unwrap().to_string(),
                Outcome::Affected(rows) => format!("{rows} rows"),
                Outcome::Done(name) => name.to_string(),
            };
        }
    }
    last
}

#[wasm_bindgen_test]
async fn rows_survive_reopening_hot_and_cold() {
    fresh(NAME).await;
    let engine = open().await;
    run(
        &engine,
        &[
            "CREATE TABLE visits (id BIGINT PRIMARY KEY, city TEXT NOT NULL, n INTEGER)",
            "INSERT INTO visits VALUES (1, 'Oslo', 10), (2, 'Bern', 20), (3, 'Oslo', 30), (4, 'Rome', 40)",
            "STORAGE FLUSH TABLE visits",
            "UPDATE visits SET n = n + 1 WHERE city = 'Oslo'",
            "DELETE FROM visits WHERE id = 4",
            "INSERT INTO visits VALUES (5, 'Bern', 50)",
        ],
    )
    .await;
    must(engine.close().await, "closing");
    drop(engine);

    let engine = open().await;
    let query = "SELECT city, count(*) AS rows, sum(n) AS total FROM visits GROUP BY city ORDER BY city";
    let found = run(&engine, &[query]).await;
    assert_eq!(
        found,
        "+------+------+-------+\n\
         | city | rows | total |\n\
         +------+------+-------+\n\
         | Bern | 2    | 70    |\n\
         | Oslo | 2    | 42    |\n\
         +------+------+-------+"
    );
    run(&engine, &["STORAGE FLUSH TABLE visits", "UPDATE visits SET n = 0 WHERE id = 1"]).await;
    let report = must(engine.check().await, "a check");
    assert!(report.is_clean(), "the store is sound");

    // Another engine takes the store over; the one before cannot commit any more.
    let successor = open().await;
    let refused = engine.session().execute("UPDATE visits SET n = 99 WHERE id = 1").await;
    assert!(refused.is_err(), "the commit of an engine that lost its store");
    let found = run(&successor, &["SELECT n FROM visits WHERE id = 1"]).await;
    assert!(found.contains("| 0 |"), "{found}");

    must(crate::delete(NAME).await, "deleting the store under an engine");
    let refused = successor.session().execute("INSERT INTO visits VALUES (6, 'Oslo', 1)").await;
    let kind = refused.err().map(|e| e.kind());
    assert_eq!(kind, Some(ErrorKind::Unavailable), "a commit to a store that was deleted");
}
