//! The main job on stores in memory: a table, hot and cold rows, changes to both, and queries over them.

use std::error::Error;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Outcome, Session};

/// What is done, in order. Each statement is chosen for what has failed or could fail without a platform:
/// operators that spawn tasks, temporary files, clocks, random numbers.
const STORY: &[&str] = &[
    "CREATE TABLE visits (id BIGINT PRIMARY KEY, city TEXT NOT NULL, n INTEGER, at TIMESTAMP DEFAULT NOW())",
    "INSERT INTO visits (id, city, n) VALUES (1, 'Oslo', 10), (2, 'Bern', 20), (3, 'Oslo', 30), (4, 'Rome', 40)",
    "STORAGE FLUSH TABLE visits",
    "UPDATE visits SET n = n + 1 WHERE city = 'Oslo'",
    "DELETE FROM visits WHERE id = 4",
    "INSERT INTO visits (id, city, n) VALUES (5, 'Bern', 50)",
    "SELECT id, city, n FROM visits ORDER BY id",
    "STORAGE FLUSH TABLE visits",
    "UPDATE visits SET n = 0 WHERE id IN (SELECT min(id) FROM visits)",
    "SELECT city, count(*) AS rows, sum(n) AS total FROM visits GROUP BY city ORDER BY city",
    "SELECT a.id, b.id AS other FROM visits a JOIN visits b ON a.city = b.city AND a.id < b.id ORDER BY a.id",
    "SELECT id FROM visits WHERE city = 'Oslo' UNION ALL SELECT id + 100 FROM visits WHERE city = 'Bern' ORDER BY 1",
    "SELECT count(*) AS stamped FROM visits WHERE at > TIMESTAMP '2020-01-01 00:00:00'",
    "BEGIN",
    "DELETE FROM visits",
    "ROLLBACK",
    "SELECT count(*) AS rows FROM visits",
];

/// Runs the story, and gives what each statement answered.
pub async fn story() -> Result<String, Box<dyn Error>> {
    let engine = Engine::open(Stores::memory(), Config::default()).await?;
    let mut session = engine.session();
    let mut text = String::new();
    for statement in STORY {
        text.push_str(&answers(&mut session, statement).await?);
    }
    let report = engine.check().await?;
    text.push_str(if report.is_clean() { "the store is sound\n" } else { "the store is DAMAGED\n" });
    engine.close().await?;
    Ok(text)
}

async fn answers(session: &mut Session, statement: &str) -> Result<String, Box<dyn Error>> {
    let outcomes = session.execute(statement).await.map_err(|e| format!("{statement}: {}: {e}", e.kind()))?;
    let mut text = format!("> {statement}\n");
    // The table that STORAGE FLUSH answers holds sizes in bytes, which are not the same for ever.
    let shown = if statement.starts_with("STORAGE") { Vec::new() } else { outcomes };
    for outcome in shown {
        text.push_str(&match outcome {
            Outcome::Rows { batches, .. } => table(&batches)?,
            Outcome::Affected(rows) => format!("{rows} rows\n"),
            Outcome::Done(name) => format!("{name}\n"),
        });
    }
    Ok(text)
}

fn table(batches: &[RecordBatch]) -> Result<String, Box<dyn Error>> {
    Ok(format!("{}\n", pretty_format_batches(batches)?))
}
