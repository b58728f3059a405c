//! The main job on in-memory stores: rows are written hot, flushed, changed over both tiers, and read back
//! as one table. The SQL corpus and the differential tests of the workspace go further.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use arrow::util::display::{ArrayFormatter, FormatOptions};
use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Outcome, Session};
use futures::executor::block_on;

async fn rows(session: &mut Session, sql: &str) -> Vec<String> {
    let Outcome::Rows { batches, .. } = session.execute(sql).await.unwrap().pop().unwrap() else {
        panic!("{sql} gave no rows");
    };
    let mut lines = Vec::new();
    for batch in &batches {
        let options = FormatOptions::default().with_null("NULL");
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    lines
}

#[test]
fn hot_and_cold_rows_are_one_table() {
    block_on(async {
        let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
        let mut s = engine.session();
        s.execute("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, body TEXT)")
            .await
            .unwrap();
        s.execute("INSERT INTO app.t VALUES (1, 'one'), (2, 'two'), (3, 'three')").await.unwrap();
        assert_eq!(rows(&mut s, "SELECT * FROM app.t ORDER BY id").await, ["1|one", "2|two", "3|three"]);
        let flushed = engine.flush_all().await.unwrap();
        assert_eq!((flushed.len(), flushed[0].rows), (1, 3));
        assert_eq!(rows(&mut s, "SELECT * FROM app.t ORDER BY id").await, ["1|one", "2|two", "3|three"]);
        s.execute("UPDATE app.t SET body = 'zwei' WHERE id = 2; DELETE FROM app.t WHERE body = 'one'")
            .await
            .unwrap();
        s.execute("INSERT INTO app.t VALUES (4, 'four')").await.unwrap();
        let expected = ["2|zwei", "3|three", "4|four"];
        assert_eq!(rows(&mut s, "SELECT * FROM app.t ORDER BY id").await, expected);
        assert_eq!(rows(&mut s, "SELECT body FROM app.t WHERE id = 3").await, ["three"]);
        let flushed = engine.flush_all().await.unwrap();
        assert_eq!((flushed[0].rows, flushed[0].tombstones, flushed[0].hidden), (2, 1, 2));
        assert_eq!(rows(&mut s, "SELECT * FROM app.t ORDER BY id").await, expected);
        assert_eq!(rows(&mut s, "SELECT id FROM app.t WHERE _deleted").await, ["1"]);
        assert!(engine.check().await.unwrap().is_clean());
    });
}

#[test]
fn a_reopened_store_has_its_rows() {
    block_on(async {
        let stores = Stores::memory();
        let engine = Engine::open(stores.clone(), Config::default()).await.unwrap();
        let mut s = engine.session();
        s.execute("CREATE USER TABLE t (a TEXT, b INTEGER, v DOUBLE PRECISION, PRIMARY KEY (a, b))")
            .await
            .unwrap();
        s.execute("INSERT INTO t VALUES ('x', 1, 1.5)").await.unwrap();
        engine.flush_all().await.unwrap();
        s.execute("INSERT INTO t VALUES ('x', 2, 2.5)").await.unwrap();
        // The first engine is fenced off by the second.
        let second = Engine::open(stores, Config::default()).await.unwrap();
        let mut t = second.session();
        assert_eq!(rows(&mut t, "SELECT * FROM t ORDER BY b").await, ["x|1|1.5", "x|2|2.5"]);
        assert!(s.execute("INSERT INTO t VALUES ('y', 1, 0)").await.is_err());
        let error = t.execute("INSERT INTO t VALUES ('x', 1, 0)").await.unwrap_err();
        assert!(error.to_string().contains("(a, b) = (x, 1)"), "{error}");
    });
}
