//! `EXPLAIN (FORMAT JSON)` tells of each file what became of it, by whichever plan, and counts the same.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use firndb_core::{Engine, Outcome, Session};
use firndb_tests::ask::{ask, lines, run, session_of};
use firndb_tests::lasting::Lasting;
use firndb_tests::setting;
use serde_json::Value;

/// Three files whose ranges of `id` are apart, and whose ranges of `thread` are not, but whose threads are.
async fn three_files() -> (Engine, Session) {
    let engine = Engine::open(Lasting::new(1).stores(), setting::flush_by_command()).await.unwrap();
    run(
        &engine,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, thread BIGINT, body TEXT) \
         WITH (BLOOM_FILTER = 'thread', BLOOM_FPP = 'thread:0.0001')",
    )
    .await;
    for file in 0..3 {
        let rows = format!(
            "INSERT INTO t SELECT {file} * 100 + v, v * 3 + {file}, 'body ' || v FROM generate_series(0, 99) AS g(v)"
        );
        run(&engine, &rows).await;
        engine.flush_all().await.unwrap();
    }
    let session = engine.session();
    (engine, session)
}

async fn explained(session: &mut Session, sql: &str) -> Value {
    let outcome = session.query(sql, &[]).await.unwrap();
    let Outcome::Rows { schema, .. } = &outcome else { unreachable!("{sql}: {outcome:?}") };
    let field = schema.field(0);
    assert_eq!((schema.fields().len(), field.name().as_str()), (1, "plan"), "{sql}");
    assert_eq!(field.metadata().get("ARROW:extension:name").map(String::as_str), Some("arrow.json"), "{sql}");
    let lines = lines(&outcome);
    assert_eq!(lines.len(), 1, "{sql}");
    serde_json::from_str(&lines[0]).unwrap()
}

/// The outcomes of the files of the only scan, in the order of their numbers.
fn outcomes(plan: &Value) -> Vec<&str> {
    let scans = plan["scans"].as_array().unwrap();
    assert_eq!(scans.len(), 1, "{plan:#}");
    outcomes_of(&scans[0])
}

fn outcomes_of(scan: &Value) -> Vec<&str> {
    let files = scan["files"].as_array().unwrap();
    let numbers: Vec<u64> = files.iter().map(|file| file["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    files.iter().map(|file| file["outcome"].as_str().unwrap()).collect()
}

const STATS: &str = "pruned_by_statistics";
const BLOOM: &str = "pruned_by_bloom";
const DYNAMIC: &str = "pruned_dynamically";
const IDLE: &str = "not_needed";
const READ: &str = "read";
const KEPT: &str = "kept";

#[tokio::test]
async fn each_file_has_its_outcome() {
    let (_engine, mut s) = three_files().await;
    let cases = [
        ("SELECT body FROM t WHERE id BETWEEN 120 AND 150", [STATS, READ, STATS]),
        ("SELECT body FROM t WHERE id >= 150", [STATS, READ, READ]),
        ("SELECT body FROM t WHERE id = 250", [STATS, STATS, READ]),
        ("SELECT body FROM t WHERE id = 1000", [STATS, STATS, STATS]),
        ("SELECT body FROM t WHERE id IN (5, 105)", [READ, READ, STATS]),
        ("SELECT body FROM t WHERE thread = 151", [BLOOM, READ, BLOOM]),
        ("SELECT body FROM t WHERE thread = 151 AND id > 100", [STATS, READ, BLOOM]),
        ("SELECT sum(thread) FROM t", [READ, READ, READ]),
        ("SELECT body FROM t ORDER BY id LIMIT 1", [READ, DYNAMIC, DYNAMIC]),
        ("SELECT body FROM t LIMIT 1", [READ, IDLE, IDLE]),
    ];
    for (sql, expected) in cases {
        let plan = explained(&mut s, &format!("EXPLAIN (ANALYZE, FORMAT JSON) {sql}")).await;
        assert_eq!(outcomes(&plan), expected, "{sql}: {plan:#}");
        let scan = &plan["scans"][0];
        assert_eq!(
            (scan["table"].as_str(), scan["scope"].as_str()),
            (Some("main.t"), Some("shared")),
            "{sql}"
        );
        let count = |outcome: &str| expected.iter().filter(|o| **o == outcome).count();
        for (name, outcome) in [
            ("files_pruned_stats", STATS),
            ("files_pruned_bloom", BLOOM),
            ("files_pruned_dynamic", DYNAMIC),
            ("files_read", READ),
        ] {
            assert_eq!(scan["counts"][name], count(outcome), "{sql}: {name} of {plan:#}");
        }
        assert_eq!(scan["counts"]["files_total"], 3, "{sql}");
        assert!(plan["elapsed_ms"].is_f64() && plan["plan"]["elapsed_ms"].is_number(), "{sql}: {plan:#}");
        let rows = ask(&mut s, sql).await.len();
        assert_eq!((&plan["rows"], &plan["plan"]["rows"]), (&rows.into(), &rows.into()), "{sql}: {plan:#}");

        // Without ANALYZE nothing is read, and what would be is left.
        let plan = explained(&mut s, &format!("EXPLAIN (FORMAT JSON) {sql}")).await;
        let left = expected.map(|o| if [STATS, BLOOM].contains(&o) { o } else { KEPT });
        assert_eq!(outcomes(&plan), left, "{sql}: {plan:#}");
        assert!(plan["rows"].is_null() && plan["elapsed_ms"].is_null(), "{sql}: {plan:#}");
        assert!(plan["plan"]["metrics"].is_null() && plan["plan"]["rows"].is_null(), "{sql}: {plan:#}");
    }
}

#[tokio::test]
async fn the_plan_is_a_tree() {
    let (engine, mut s) = three_files().await;
    let plan = explained(&mut s, "EXPLAIN (ANALYZE, FORMAT JSON) SELECT body FROM t WHERE id = 250").await;
    let node = &plan["plan"];
    assert_eq!(
        (&node["operator"], &node["detail"]),
        (&"DirectRead".into(), &"table=main.t, key=(id)".into())
    );
    assert_eq!((&node["children"], &node["rows"]), (&Value::Array(Vec::new()), &1.into()));

    let sorted = "SELECT body FROM t WHERE thread > 5 ORDER BY body";
    let plan = explained(&mut s, &format!("EXPLAIN (FORMAT JSON, ANALYZE TRUE) {sorted}")).await;
    let text = ask(&mut s, &format!("EXPLAIN ANALYZE {sorted}")).await.join("\n");
    let (mut node, mut operators) = (&plan["plan"], Vec::new());
    loop {
        operators.push(node["operator"].as_str().unwrap());
        let detail = node["detail"].as_str().unwrap();
        assert!(node["metrics"].is_object() && !detail.contains("metrics="), "{node:#}");
        let expressions = detail.split(", metrics").next().unwrap();
        assert!(text.contains(expressions) || detail.contains("file_groups"), "{expressions} in {text}");
        match node["children"].as_array().unwrap().first() {
            Some(child) => node = child,
            None => break,
        }
    }
    assert!(operators.contains(&"SortExec") && operators.last() == Some(&"DataSourceExec"), "{operators:?}");
    assert!(!operators.contains(&"PacedExec"), "{operators:?}");
    assert!(node["metrics"]["bytes_scanned"].as_u64() > Some(0), "{node:#}");
    assert!(node["metrics"]["row_groups_pruned_statistics"]["matched"].is_number(), "{node:#}");

    run(&engine, "CREATE INDEX by_thread ON t (thread)").await;
    for options in ["FORMAT JSON", "ANALYZE, FORMAT JSON"] {
        let sql = format!("EXPLAIN ({options}) SELECT body FROM t WHERE thread = 151");
        let plan = explained(&mut s, &sql).await;
        assert_eq!(plan["plan"]["operator"], "IndexRead");
        let read = if options.starts_with('A') { READ } else { KEPT };
        assert_eq!(
            (outcomes(&plan), &plan["scans"][0]["index"]),
            (vec![BLOOM, read, BLOOM], &"by_thread".into())
        );
    }

    // A table that is read twice has each file once, and what came of it at last.
    let joined = "SELECT count(*) FROM t AS a JOIN t AS b ON b.body = a.body WHERE a.id < 50 AND b.id < 150";
    let plan = explained(&mut s, &format!("EXPLAIN (ANALYZE, FORMAT JSON) {joined}")).await;
    assert_eq!(outcomes(&plan), [READ, READ, STATS], "{plan:#}");
}

#[tokio::test]
async fn hot_rows_hide_cold_ones() {
    let (engine, mut s) = three_files().await;
    run(&engine, "UPDATE t SET body = 'hot' WHERE id = 250").await;
    for options in ["FORMAT JSON", "ANALYZE, FORMAT JSON"] {
        // What is hot is not sought in files.
        let plan = explained(&mut s, &format!("EXPLAIN ({options}) SELECT body FROM t WHERE id = 250")).await;
        assert_eq!(outcomes(&plan), Vec::<&str>::new(), "{plan:#}");
    }
    let plan = explained(&mut s, "EXPLAIN (ANALYZE, FORMAT JSON) SELECT body FROM t").await;
    let scan = &plan["scans"][0];
    assert_eq!((&scan["hot_rows"], &scan["rows_hidden"], &plan["rows"]), (&1.into(), &1.into(), &300.into()));
    run(&engine, "DELETE FROM t WHERE id < 100").await;
    let plan = explained(&mut s, "EXPLAIN (ANALYZE, FORMAT JSON) SELECT body FROM t").await;
    assert_eq!(outcomes(&plan), [IDLE, READ, READ], "all rows of the first file are hidden");
}

#[tokio::test]
async fn writes_are_explained_too() {
    let (engine, mut s) = three_files().await;
    let update = "UPDATE t SET body = 'x' WHERE thread = 151";
    let plan = explained(&mut s, &format!("EXPLAIN (FORMAT JSON) {update}")).await;
    assert_eq!((&plan["write"], outcomes(&plan)), (&"Update: table=main.t".into(), vec![BLOOM, KEPT, BLOOM]));
    assert_eq!(run(&engine, "SELECT count(*) FROM t WHERE body = 'x'").await, ["0"]);
    let plan = explained(&mut s, &format!("EXPLAIN (ANALYZE, FORMAT JSON) {update}")).await;
    assert_eq!((&plan["rows"], &plan["cold_rows"]), (&1.into(), &1.into()), "{plan:#}");
    let scan = &plan["scans"][0];
    assert_eq!(outcomes_of(scan), [BLOOM, READ, BLOOM], "{plan:#}");
    assert_eq!(run(&engine, "SELECT count(*) FROM t WHERE body = 'x'").await, ["1"]);
    let insert = "INSERT INTO t VALUES (900, 0, 'new')";
    let plan = explained(&mut s, &format!("EXPLAIN (ANALYZE, FORMAT JSON) {insert}")).await;
    assert_eq!((&plan["write"], &plan["rows"]), (&"Insert: table=main.t".into(), &1.into()), "{plan:#}");
}

#[tokio::test]
async fn a_scan_is_of_the_scope_of_whom_it_is_run_for() {
    let (engine, _) = three_files().await;
    run(&engine, "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT)").await;
    for (who, role) in [("alice", firndb_core::Role::User), ("desk", firndb_core::Role::Service)] {
        let mut session = session_of(&engine, who, role).await;
        ask(&mut session, &format!("INSERT INTO m VALUES (1, 'of {who}')")).await;
    }
    engine.flush_all().await.unwrap();
    let mut desk = session_of(&engine, "desk", firndb_core::Role::Service).await;
    let sql = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT body FROM m WHERE id < 5";
    let own = explained(&mut desk, sql).await;
    assert_eq!((&own["scans"][0]["scope"], outcomes(&own)), (&"u-desk".into(), vec![READ]));
    let before = run(&engine, "SELECT count(*) FROM system.audit_log").await;
    let other = explained(&mut desk, &format!("EXECUTE AS USER 'alice' ({sql})")).await;
    assert_eq!((&other["scans"][0]["scope"], outcomes(&other)), (&"u-alice".into(), vec![READ]));
    assert_ne!(run(&engine, "SELECT count(*) FROM system.audit_log").await, before, "it is in the audit log");
}
