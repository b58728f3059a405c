//! Compaction and the collection of what it replaces, beside statements, streams, flushes and other changes.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng, Source, Stores};
use firndb_core::{CancelToken, CompactReport, Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, expect_clean, fail, flushed, run, settle, user};
use firndb_tests::lasting::{Lasting, START_MS, files};
use firndb_tests::yielding::Yields;
use firndb_tests::{seed, setting};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const TABLE: &str = "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, v BIGINT)";
const SUM: &str = "SELECT count(*), sum(id), sum(v) FROM t";

fn stores(faults: &FaultStores) -> Stores {
    faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)))
}

#[tokio::test]
async fn forty_flushes_end_as_few_files_with_the_same_rows() {
    let lasting = Lasting::new(1);
    let mut config = setting::without_grace(Config::default());
    config.batch_file.rows = 1_500;
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..40 {
        // Every file has keys from all over.
        let insert = "INSERT INTO t SELECT x * 40 + $n, $n FROM generate_series(1, 100) AS g(x)";
        flushed(&engine, &insert.replace("$n", &n.to_string())).await;
        settle(&engine).await;
    }
    let expected = run(&engine, SUM).await;
    assert_eq!(expected, ["4000|8158000|78000"]);
    let live = || async { run(&engine, "SELECT count(*) FROM system.batches WHERE status = 'active'").await };
    let by_policy: usize = live().await.first().unwrap().parse().unwrap();
    assert!(by_policy <= 8, "{by_policy} files");
    let reports = engine.compact_all().await.unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(live().await, ["3"]);
    assert_eq!(run(&engine, SUM).await, expected);
    assert_eq!(engine.compact_all().await.unwrap(), []);
    let left = files(lasting.blobs(), ".parquet").await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        files(lasting.blobs(), "manifest-").await.len() <= 3,
        "{:?}",
        files(lasting.blobs(), "mani").await
    );
    expect_clean(&engine).await;
    engine.close().await.unwrap();
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    assert_eq!(run(&engine, SUM).await, expected);
}

#[tokio::test]
async fn every_scope_has_its_own_files() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), setting::without_grace(Config::default())).await.unwrap();
    run(&engine, "CREATE USER TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for n in 0..3 {
        for name in ["alice", "bob"] {
            ask(&mut user(&engine, name).await, &format!("INSERT INTO u VALUES ({n}, '{name}')")).await;
        }
        engine.flush_all().await.unwrap();
    }
    let mut reports = engine.compact_all().await.unwrap();
    reports.sort_by_key(|report| report.scope.clone());
    let scopes: Vec<_> = reports.iter().map(|r| (r.scope.as_str(), r.replaced.len(), r.rows)).collect();
    assert_eq!(scopes, [("u-alice", 3, 3), ("u-bob", 3, 3)]);
    for name in ["alice", "bob"] {
        let found = ask(&mut user(&engine, name).await, "SELECT v, count(*) FROM u GROUP BY v").await;
        assert_eq!(found, [format!("{name}|3")]);
    }
    let denied = fail(&mut user(&engine, "alice").await, "STORAGE COMPACT ALL").await;
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied, "{denied}");
}

/// A table of five files, and a compaction that is held when it is about to write its first file.
async fn held_compaction(faults: &FaultStores) -> Engine {
    let engine = Engine::open(stores(faults), setting::without_grace(Config::default())).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..5 {
        flushed(&engine, &format!("INSERT INTO t SELECT x * 5 + {n}, 0 FROM generate_series(0, 19) AS g(x)"))
            .await;
    }
    flushed(&engine, "DELETE FROM t WHERE id < 10").await;
    assert_eq!(run(&engine, SUM).await, ["90|4905|0"]);
    engine
}

#[tokio::test]
async fn marks_that_a_flush_makes_meanwhile_are_carried_into_the_output() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    let number = |path: &String| path.contains(".parquet");
    let before = faults.blob_paths().into_iter().filter(number).count();
    let mut pause = faults.pause_at(".parquet");
    let compacting = engine.compact_all();
    let meanwhile = async {
        pause.reached().await;
        assert_eq!(
            run(&engine, "SELECT status, count(*) FROM system.batches GROUP BY status").await,
            ["compacting|5"]
        );
        // Dead in the inputs, whose new file is not there yet; and changed twice.
        run(&engine, "DELETE FROM t WHERE id BETWEEN 20 AND 29").await;
        flushed_beside(&engine, "UPDATE t SET v = 1 WHERE id BETWEEN 30 AND 39").await;
        flushed_beside(&engine, "UPDATE t SET v = 2 WHERE id BETWEEN 35 AND 44").await;
        flushed_beside(&engine, "INSERT INTO t VALUES (20, 3)").await;
        // And what is hot when it ends.
        run(&engine, "DELETE FROM t WHERE id = 99").await;
        pause.release();
    };
    let (reports, ()) = futures::join!(compacting, meanwhile);
    let [report]: [CompactReport; 1] = reports.unwrap().try_into().unwrap();
    assert!(report.rows >= 90 && report.replaced.len() >= 5, "{report:?}");
    let expected = ["0|64|4006", "1|5|160", "2|10|395", "3|1|20"];
    let grouped = "SELECT v, count(*), sum(id) FROM t GROUP BY v ORDER BY v";
    assert_eq!(run(&engine, grouped).await, expected);
    for id in [20, 25, 30, 35, 44, 99] {
        let found = run(&engine, &format!("SELECT v FROM t WHERE id = {id}")).await;
        let expected: Vec<String> = match id {
            20 => vec!["3".to_owned()],
            25 | 99 => vec![],
            30 => vec!["1".to_owned()],
            _ => vec!["2".to_owned()],
        };
        assert_eq!(found, expected, "id {id}");
    }
    expect_clean(&engine).await;
    drop(engine);
    let rest = faults.survivors();
    let engine = Engine::open(stores(&rest), setting::without_grace(Config::default())).await.unwrap();
    assert_eq!(run(&engine, grouped).await, expected);
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, grouped).await, expected);
    assert_eq!(rest.blob_paths().into_iter().filter(number).count(), 1, "of {before} and more");
}

/// While `pause_at` holds one batch file, later ones of the same kind go through.
async fn flushed_beside(engine: &Engine, sql: &str) {
    run(engine, sql).await;
    let reports = engine.flush_all().await.unwrap();
    assert_eq!(reports.len(), 1, "{sql}");
}

#[tokio::test]
async fn all_rows_of_the_output_may_die_meanwhile() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    let mut pause = faults.pause_at(".parquet");
    let meanwhile = async {
        pause.reached().await;
        run(&engine, "DELETE FROM t").await;
        engine.flush_all().await.unwrap();
        pause.release();
    };
    let (reports, ()) = futures::join!(engine.compact_all(), meanwhile);
    reports.unwrap();
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, ["0"]);
    run(&engine, "INSERT INTO t VALUES (1, 1)").await;
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, SUM).await, ["1|1|1"]);
    expect_clean(&engine).await;
    let left: Vec<String> = faults.blob_paths().into_iter().filter(|p| p.ends_with(".parquet")).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn a_table_that_is_dropped_and_made_again_meanwhile_is_the_new_one() {
    for change in ["DROP TABLE t", "TRUNCATE TABLE t"] {
        let faults = FaultStores::new();
        let engine = held_compaction(&faults).await;
        let mut pause = faults.pause_at(".parquet");
        let meanwhile = async {
            pause.reached().await;
            run(&engine, change).await;
            if change.starts_with("DROP") {
                run(&engine, TABLE).await;
            }
            run(&engine, "INSERT INTO t VALUES (1, 1), (2, 2)").await;
            engine.flush_all().await.unwrap();
            pause.release();
        };
        let (reports, ()) = futures::join!(engine.compact_all(), meanwhile);
        assert_eq!(reports.unwrap(), [], "{change}");
        assert_eq!(run(&engine, SUM).await, ["2|3|3"], "{change}");
        settle(&engine).await;
        let left = faults.blob_paths();
        assert!(!left.iter().any(|path| path.contains("t-00000001")), "{change}: {left:?}");
        expect_clean(&engine).await;
        drop(engine);
        let engine = Engine::open(stores(&faults.survivors()), Config::default()).await.unwrap();
        assert_eq!(run(&engine, SUM).await, ["2|3|3"], "{change}");
    }
}

#[tokio::test]
async fn a_column_may_be_added_and_dropped_meanwhile() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    let mut pause = faults.pause_at(".parquet");
    let meanwhile = async {
        pause.reached().await;
        run(&engine, "ALTER TABLE t ADD COLUMN w BIGINT DEFAULT 7").await;
        run(&engine, "ALTER TABLE t DROP COLUMN v").await;
        run(&engine, "ALTER TABLE t ADD COLUMN v TEXT DEFAULT 'new'").await;
        pause.release();
    };
    let (reports, ()) = futures::join!(engine.compact_all(), meanwhile);
    assert_eq!(reports.unwrap().len(), 1);
    let grouped = "SELECT w, v, count(*), sum(id) FROM t GROUP BY w, v";
    assert_eq!(run(&engine, grouped).await, ["7|new|90|4905"]);
    run(&engine, "UPDATE t SET w = 8 WHERE id < 20").await;
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    let mut found = run(&engine, grouped).await;
    found.sort();
    assert_eq!(found, ["7|new|80|4760", "8|new|10|145"]);
}

#[tokio::test]
async fn a_reader_outlives_a_compaction_and_a_collection() {
    const ROWS: i64 = 40_000;
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), setting::without_grace(Config::default())).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..4 {
        let (from, to) = (n * ROWS / 4 + 1, (n + 1) * ROWS / 4);
        flushed(&engine, &format!("INSERT INTO t SELECT x, x FROM generate_series({from}, {to}) AS g(x)"))
            .await;
    }
    let old = files(lasting.blobs(), ".parquet").await;
    assert_eq!(old.len(), 4);
    let mut reader = engine.session();
    let mut rows = reader.stream("SELECT v FROM t", &[]).await.unwrap();
    let sum = |batch: &arrow::array::RecordBatch| {
        batch.column(0).as_primitive::<Int64Type>().iter().flatten().sum::<i64>()
    };
    let first = rows.next().await.unwrap().unwrap();
    let (mut count, mut total) = (first.num_rows(), sum(&first));
    run(&engine, "DELETE FROM t WHERE id % 2 = 0").await;
    engine.compact_all().await.unwrap();
    settle(&engine).await;
    engine.compact_all().await.unwrap();
    let now = files(lasting.blobs(), ".parquet").await;
    assert!(old.iter().all(|file| now.contains(file)), "{old:?} are read, {now:?} are there");
    while let Some(batch) = rows.next().await.unwrap() {
        count += batch.num_rows();
        total += sum(&batch);
    }
    assert_eq!((count, total), (usize::try_from(ROWS).unwrap(), ROWS * (ROWS + 1) / 2));
    drop(rows);
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    let now = files(lasting.blobs(), ".parquet").await;
    assert!(!old.iter().any(|file| now.contains(file)), "{now:?}");
    assert_eq!(run(&engine, "SELECT count(*) FROM t").await, [(ROWS / 2).to_string()]);
}

#[tokio::test]
async fn what_was_loaded_above_a_living_snapshot_is_not_merged_with_what_it_sees() {
    let lasting = Lasting::new(1);
    let mut config = setting::without_grace(Config::default());
    config.load.rows = 10;
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    run(&engine, TABLE).await;
    for n in 0..3 {
        flushed(&engine, &format!("INSERT INTO t VALUES ({n}, 1)")).await;
    }
    let mut reader = engine.session();
    ask(&mut reader, "BEGIN").await;
    assert_eq!(ask(&mut reader, SUM).await, ["3|3|3"]);
    let csv: String = (100..200).map(|n| format!("{n},2\n")).collect();
    let source = Source::ranged("rows.csv", Arc::new(Bytes::from(csv)));
    engine.session().copy_from("COPY t FROM STDIN", source).await.unwrap();
    let report = engine.compact_all().await.unwrap();
    assert_eq!(report[0].replaced.len(), 3, "{report:?}");
    assert_eq!(ask(&mut reader, SUM).await, ["3|3|3"]);
    assert_eq!(run(&engine, SUM).await, ["103|14953|203"]);
    ask(&mut reader, "ROLLBACK").await;
    engine.compact_all().await.unwrap();
    assert_eq!(run(&engine, SUM).await, ["103|14953|203"]);
    assert_eq!(files(lasting.blobs(), ".parquet").await.len(), 1);
}

#[tokio::test]
async fn a_cancelled_compaction_leaves_nothing() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    let before = faults.blob_paths();
    let mut pause = faults.pause_at(".parquet");
    let token = CancelToken::new();
    let mut session = engine.session();
    session.set_cancel(token.clone());
    let meanwhile = async {
        pause.reached().await;
        token.cancel();
        pause.release();
    };
    let (refused, ()) = futures::join!(session.execute("STORAGE COMPACT ALL"), meanwhile);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Cancelled);
    let batches = |paths: Vec<String>| -> Vec<String> {
        paths.into_iter().filter(|path| path.contains("batch-")).collect()
    };
    assert_eq!(batches(faults.blob_paths()), batches(before));
    assert_eq!(run(&engine, SUM).await, ["90|4905|0"]);
    // The claim means nothing, and is taken back by the next.
    let statuses = "SELECT status, count(*) FROM system.batches GROUP BY status ORDER BY status";
    assert_eq!(run(&engine, statuses).await, ["compacting|5"]);
    run(&engine, "STORAGE COMPACT ALL").await;
    assert_eq!(run(&engine, statuses).await, ["active|1"]);
    assert_eq!(run(&engine, SUM).await, ["90|4905|0"]);
}

#[tokio::test]
async fn damage_is_told_and_other_scopes_are_compacted() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    run(&engine, "CREATE SHARED TABLE o (id INTEGER PRIMARY KEY)").await;
    flushed(&engine, "INSERT INTO o VALUES (1)").await;
    flushed(&engine, "INSERT INTO o VALUES (2)").await;
    drop(engine);
    let damaged =
        faults.blob_paths().into_iter().find(|path| path.contains("/t-") && path.ends_with(".parquet"));
    faults.corrupt_blob(&damaged.unwrap(), 100).unwrap();
    let engine = Engine::open(stores(&faults), setting::without_grace(Config::default())).await.unwrap();
    let error = engine.compact_all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let batches = "SELECT table_name, count(*) FROM system.batches WHERE status <> 'archived' \
                   GROUP BY table_name ORDER BY table_name";
    assert_eq!(run(&engine, batches).await, ["o|1", "t|5"]);
    // It is not tried again and again.
    while matches!(engine.step().await, Ok(true)) {}
    let before = faults.operations();
    while matches!(engine.step().await, Ok(true)) {}
    assert_eq!(faults.operations(), before, "{:?}", faults.log());
}

#[tokio::test]
async fn without_the_key_value_store_everything_compacted_comes_back() {
    let faults = FaultStores::new();
    let engine = held_compaction(&faults).await;
    engine.compact_all().await.unwrap();
    flushed(&engine, "UPDATE t SET v = 1 WHERE id < 50").await;
    engine.compact_all().await.unwrap();
    let expected = run(&engine, SUM).await;
    drop(engine);
    let rest = faults.survivors_without_kv();
    let report = Engine::recover(stores(&rest), Config::default()).await.unwrap();
    assert_eq!(report.problems, [""; 0]);
    let engine = Engine::open(stores(&rest), Config::default()).await.unwrap();
    assert_eq!(run(&engine, SUM).await, expected);
    expect_clean(&engine).await;
}

/// What a table holds: `v` by `id`.
type Model = BTreeMap<i64, i64>;

/// Random statements, flushes, compactions and collections, several at once, against a map.
#[tokio::test]
async fn whatever_happens_at_once_rows_are_as_in_a_map() {
    let first = seed::from_env();
    let rounds = seed::number("FIRNDB_ROUNDS", 6);
    let mut compactions = 0;
    for seed in first..first + rounds {
        println!("FIRNDB_SEED={seed}");
        let lasting = Lasting::new(seed);
        let yields = Yields::new(seed);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut config = setting::without_grace(Config::default());
        config.batch_file.rows = [50, 200, 1 << 20][rng.random_range(0..3)];
        let mut engine = Engine::open(yields.wrap(lasting.stores()), config.clone()).await.unwrap();
        run(&engine, TABLE).await;
        let mut model = Model::new();
        for step in 0..60 {
            let when = format!("seed {seed}, step {step}");
            at_once(&engine, &mut rng, &mut model, &when).await;
            if rng.random_bool(0.05) {
                compactions += engine.stats().compactions;
                engine.close().await.unwrap();
                engine = Engine::open(yields.wrap(lasting.stores()), config.clone()).await.unwrap();
            }
        }
        engine.flush_all().await.unwrap();
        engine.compact_all().await.unwrap();
        compare(&engine, &model, &format!("seed {seed}, in the end")).await;
        expect_clean(&engine).await;
        // All but one are at least half full.
        let most = 1 + 2 * model.len() / config.batch_file.rows;
        let left = files(lasting.blobs(), ".parquet").await.len();
        assert!(left <= most, "seed {seed}: {left} files of {} rows", model.len());
        compactions += engine.stats().compactions;
    }
    assert!(compactions > 5 * rounds, "{compactions} in {rounds} rounds");
}

/// Statements beside flushes and compactions; then all rows are looked at.
async fn at_once(engine: &Engine, rng: &mut StdRng, model: &mut Model, when: &str) {
    let (flushes, compacts, by_step) = (rng.random_bool(0.7), rng.random_bool(0.5), rng.random_bool(0.5));
    let mut statements = Vec::new();
    for _ in 0..rng.random_range(1..5) {
        statements.push(statement(rng, model));
    }
    let writing = async {
        let mut session = engine.session();
        for sql in &statements {
            ask(&mut session, sql).await;
            if flushes {
                engine.flush_all().await.unwrap();
            }
        }
    };
    let compacting = async {
        if compacts && by_step {
            settle(engine).await;
        } else if compacts {
            engine.compact_all().await.unwrap();
        }
    };
    futures::join!(writing, compacting);
    compare(engine, model, when).await;
}

fn statement(rng: &mut StdRng, model: &mut Model) -> String {
    let (from, v) = (rng.random_range(0..300), rng.random_range(0..1000));
    let to = from + rng.random_range(0..60);
    match rng.random_range(0..4) {
        0 => {
            model.retain(|id, _| !(from..=to).contains(id));
            format!("DELETE FROM t WHERE id BETWEEN {from} AND {to}")
        }
        1 => {
            model.range_mut(from..=to).for_each(|(_, old)| *old = v);
            format!("UPDATE t SET v = {v} WHERE id BETWEEN {from} AND {to}")
        }
        _ => {
            model.extend((from..=to).map(|id| (id, v)));
            format!(
                "INSERT INTO t SELECT x, {v} FROM generate_series({from}, {to}) AS g(x) \
                 ON CONFLICT (id) DO UPDATE SET v = excluded.v"
            )
        }
    }
}

async fn compare(engine: &Engine, model: &Model, when: &str) {
    let found = run(engine, "SELECT id, v FROM t ORDER BY id").await;
    let expected: Vec<String> = model.iter().map(|(id, v)| format!("{id}|{v}")).collect();
    assert_eq!(found, expected, "{when}");
    if let Some((id, v)) = model.iter().nth(model.len() / 2) {
        let found = run(engine, &format!("SELECT v FROM t WHERE id = {id}")).await;
        assert_eq!(found, [v.to_string()], "{when}");
    }
}
