//! What is left out of a read is not missed; and each level leaves out what it is for.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;

use datafusion::common::ScalarValue;
use firndb_core::{Engine, PruningSettings, Session};
use firndb_tests::ask::{affected, ask, lines};
use firndb_tests::lasting::Lasting;
use firndb_tests::scanned::Scanned;
use firndb_tests::{seed, setting};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

const TABLE: &str = "main.t";

async fn reader(stores: &Lasting, levels: PruningSettings) -> (Engine, Session) {
    let engine = Engine::open(stores.stores(), setting::pruning(levels)).await.unwrap();
    let session = engine.session();
    (engine, session)
}

#[tokio::test]
async fn a_look_up_in_a_hundred_overlapping_files_opens_the_right_one() {
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, thread BIGINT, body TEXT) WITH (BLOOM_FILTER = 'thread', \
                 BLOOM_FPP = 'thread:0.001')",
    )
    .await;
    // Every file has keys and threads from all over the range.
    for file in 0..100 {
        let insert = format!(
            "INSERT INTO t SELECT value * 100 + {file}, (value * 100 + {file}) * 7, 'body ' || value \
             FROM generate_series(1, 300) AS g(value)"
        );
        ask(&mut s, &insert).await;
        engine.flush_all().await.unwrap();
    }
    let mut rng = StdRng::seed_from_u64(seed::from_env());
    for (column, factor) in [("id", 1), ("thread", 7)] {
        let mut alone = 0;
        for _ in 0..100 {
            let value = rng.random_range(100..30_000) * factor;
            let sql = format!("SELECT body FROM t WHERE {column} = {value}");
            let scanned = Scanned::of(&mut s, TABLE, &sql, &[]).await;
            assert_eq!(ask(&mut s, &sql).await.len(), 1, "{sql}");
            assert_eq!(scanned.get("files_total"), 100);
            alone += usize::from(scanned.get("files_read") == 1);
        }
        assert!(alone >= 90, "{column}: only {alone} of 100 look-ups opened one file");
    }
    // The same where rows are changed, and one that is nowhere opens no file.
    for verb in ["DELETE FROM t", "UPDATE t SET body = 'x'"] {
        let scanned = Scanned::of(&mut s, TABLE, &format!("{verb} WHERE thread = 7777 * 7 "), &[]).await;
        assert!(scanned.get("files_pruned_bloom") >= 95, "{verb}: {scanned:?}");
        let scanned = Scanned::of(&mut s, TABLE, &format!("{verb} WHERE thread = 5004"), &[]).await;
        assert!(scanned.get("files_read") <= 1, "{verb}: {scanned:?}");
    }
}

#[tokio::test]
async fn each_kind_of_predicate_is_understood() {
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n INTEGER, name TEXT, at TIMESTAMP, price DECIMAL(10,2))",
    )
    .await;
    for file in 0..10 {
        let name = if file == 9 { "NULL".to_owned() } else { format!("'n{file}' || value") };
        let insert = format!(
            "INSERT INTO t SELECT value, value * 2, {name}, TIMESTAMP '2026-01-0{day} 00:00:00', value / 10.0 \
             FROM generate_series({from}, {to}) AS g(value)",
            day = 1 + file % 9,
            from = file * 100,
            to = file * 100 + 99,
        );
        ask(&mut s, &insert).await;
        engine.flush_all().await.unwrap();
    }
    let seq = ask(&mut s, "SELECT max(_seq) FROM t WHERE id < 500").await.concat();
    let long = |from: i64, step: i64, count: i64| -> String {
        let values: Vec<String> = (0..count).map(|i| (from + i * step).to_string()).collect();
        values.join(", ")
    };
    let cases: Vec<(String, u64)> = vec![
        ("n = 501".into(), 1),
        ("n > 1500".into(), 3),
        ("n BETWEEN 150 AND 410".into(), 3),
        ("n NOT BETWEEN 200 AND 3000".into(), 1),
        ("n IN (10, 20, 1990)".into(), 2),
        (format!("n IN ({})", long(0, 2, 90)), 1),
        (format!("n IN ({})", long(100, 1900, 2)), 1),
        (format!("id IN ({})", long(0, 1, 70)), 1),
        (format!("id IN ({})", long(950, 1, 1500)), 1),
        (format!("id IN ({}, {})", long(0, 1, 40), long(900, 1, 40)), 2),
        ("name IS NULL".into(), 1),
        ("name IS NOT NULL AND id > 800".into(), 1),
        ("name LIKE 'n3%'".into(), 1),
        ("name LIKE 'n3%' OR id = 5".into(), 2),
        ("NOT (n > 100)".into(), 1),
        ("n > 100 AND (id < 150 OR id > 990)".into(), 3),
        ("CAST(n AS BIGINT) > 1900".into(), 1),
        ("n > 1900.0".into(), 1),
        ("at = '2026-01-03 00:00:00'".into(), 1),
        ("price < 5".into(), 1),
        (format!("_seq > {seq}"), 5),
        (format!("_seq > {seq} AND _seq < {seq}"), 0),
    ];
    for (condition, files) in cases {
        let scanned = Scanned::of(&mut s, TABLE, &format!("SELECT name FROM t WHERE {condition}"), &[]).await;
        let start: String = condition.chars().take(80).collect();
        assert_eq!(scanned.get("files_read"), files, "{start}: {scanned:?}");
    }
    let numbers = [ScalarValue::Int64(Some(120)), ScalarValue::Int64(Some(210))];
    let texts = [ScalarValue::from("n3%"), ScalarValue::from("2026-01-03 00:00:00")];
    for (condition, params, files) in [
        ("id >= $1 AND id < $2", &numbers, 2),
        ("n BETWEEN $1 AND $2", &numbers, 2),
        ("n IN ($1, $2)", &numbers, 2),
        ("name LIKE $1 OR at = CAST($2 AS TIMESTAMP)", &texts, 2),
    ] {
        let sql = format!("SELECT name FROM t WHERE {condition}");
        let scanned = Scanned::of(&mut s, TABLE, &sql, params).await;
        assert_eq!(scanned.get("files_read"), files, "{condition}: {scanned:?}");
    }
}

#[tokio::test]
async fn filters_are_wrong_as_seldom_as_they_are_meant_to_be() {
    const ROWS: i64 = 20_000;
    const TRIES: i64 = 1_000;
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, thread BIGINT, body TEXT) WITH (BLOOM_FILTER = 'thread')",
    )
    .await;
    // Every other value is there, so that ranges rule none of the others out.
    let insert =
        format!("INSERT INTO t SELECT value * 2, value * 2, 'x' FROM generate_series(0, {ROWS}) AS g(value)");
    ask(&mut s, &insert).await;
    engine.flush_all().await.unwrap();
    // A share of 0.001 and of 0.01: what is asserted has room for chance, and none for a filter of the other kind.
    for (column, least, most) in [("id", 0, 5), ("thread", 1, 30)] {
        let mut wrong = 0;
        for n in 0..TRIES {
            let value = (n * 37 % ROWS) * 2 + 1;
            let sql = format!("SELECT body FROM t WHERE {column} = {value}");
            let scanned = Scanned::of(&mut s, TABLE, &sql, &[]).await;
            wrong += 1 - scanned.get("files_pruned_bloom");
        }
        println!("{column}: {wrong} wrong answers of {TRIES}");
        assert!((least..=most).contains(&wrong), "{column}: {wrong} wrong answers of {TRIES}");
    }
}

#[tokio::test]
async fn row_groups_of_one_file_are_left_out() {
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT)").await;
    ask(&mut s, "INSERT INTO t SELECT value, value / 2 FROM generate_series(1, 300000) AS g(value)").await;
    engine.flush_all().await.unwrap();
    assert_eq!(ask(&mut s, "SELECT row_groups FROM system.batches").await, ["3"]);
    drop(s);
    let count = "SELECT count(*) FROM t WHERE n BETWEEN 1000 AND 1009";
    let (_none, mut plain) = reader(&stores, PruningSettings::NONE).await;
    let (_engine, mut s) = reader(&stores, only(2)).await;
    assert_eq!(ask(&mut s, count).await, ask(&mut plain, count).await);
    let scanned = Scanned::of(&mut s, TABLE, count, &[]).await;
    assert_eq!(scanned.get("row_groups_pruned"), 2, "{scanned:?}");
    let scanned = Scanned::of(&mut plain, TABLE, count, &[]).await;
    assert_eq!(scanned.get("row_groups_pruned"), 0, "{scanned:?}");
}

#[tokio::test]
async fn what_a_join_or_a_sort_needs_prunes_files_before_they_are_opened() {
    let stores = Lasting::new(1);
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, body TEXT); CREATE TABLE d (id BIGINT PRIMARY KEY, t BIGINT)",
    )
    .await;
    for file in 0..10 {
        let (from, to) = (file * 100, file * 100 + 99);
        ask(
            &mut s,
            &format!("INSERT INTO t SELECT value, 'b' FROM generate_series({from}, {to}) AS g(value)"),
        )
        .await;
        engine.flush_all().await.unwrap();
    }
    ask(&mut s, "INSERT INTO d VALUES (1, 250), (2, 260)").await;
    let join = "SELECT t.id, t.body FROM d JOIN t ON t.id = d.t";
    let scanned = Scanned::of(&mut s, TABLE, join, &[]).await;
    assert_eq!((scanned.get("files_pruned_dynamic"), scanned.get("files_read")), (9, 1), "{scanned:?}");
    // Hot versions of keys that the join does not ask for hide their rows all the same.
    assert_eq!(affected(&mut s, "UPDATE t SET body = 'hot' WHERE id IN (250, 999)").await, 2);
    assert_eq!(affected(&mut s, "DELETE FROM t WHERE id = 260").await, 1);
    assert_eq!(ask(&mut s, join).await, ["250|hot"]);
    let scanned = Scanned::of(&mut s, TABLE, join, &[]).await;
    assert!(scanned.get("files_pruned_dynamic") >= 8, "{scanned:?}");
    assert_eq!(ask(&mut s, "SELECT id FROM t ORDER BY id DESC LIMIT 2").await, ["999", "998"]);

    let off = PruningSettings { dynamic: false, ..PruningSettings::default() };
    let (_engine, mut off) = reader(&stores, off).await;
    let scanned = Scanned::of(&mut off, TABLE, join, &[]).await;
    assert_eq!((scanned.get("files_pruned_dynamic"), scanned.get("files_read")), (0, 10), "{scanned:?}");
    assert_eq!(ask(&mut off, join).await, ["250|hot"]);
}

// ---- random tables, random predicates ----

/// A row version as it went into the hot tier.
#[derive(Debug, Clone)]
struct Row {
    id: i64,
    k: i64,
    tag: i64,
}

/// What a table of the property test was made of.
struct Made {
    stores: Lasting,
    /// Per batch file the rows that were written to it.
    files: Vec<Vec<Row>>,
    keys: i64,
}

async fn make(rng: &mut StdRng) -> Made {
    let stores = Lasting::new(rng.random());
    let engine = Engine::open(stores.stores(), setting::flush_by_command()).await.unwrap();
    let mut s = engine.session();
    ask(
        &mut s,
        "CREATE TABLE t (id BIGINT PRIMARY KEY, k INTEGER, tag TEXT, f DOUBLE PRECISION, price DECIMAL(10,2), \
                 day DATE, at TIMESTAMPTZ, body TEXT) WITH (BLOOM_FILTER = 'tag, price')",
    )
    .await;
    ask(&mut s, "CREATE TABLE d (id BIGINT PRIMARY KEY)").await;
    let mut made = Made { stores, files: Vec::new(), keys: 0 };
    let flushes = rng.random_range(4..8);
    let large = rng.random_range(0..flushes);
    for flush in 0..=flushes {
        let count = if flush == large { 9000 } else { rng.random_range(20..200) };
        let mut ids: Vec<i64> = (made.keys..made.keys + count).collect();
        made.keys += count;
        ids.shuffle(rng);
        // Some of the old ones change.
        if made.keys > count {
            ids.extend((0..rng.random_range(0..15)).map(|_| rng.random_range(0..made.keys - count)));
            ids.sort_unstable();
            ids.dedup();
        }
        let rows: Vec<Row> = ids
            .into_iter()
            .map(|id| Row { id, k: id / 10 + rng.random_range(0..5), tag: rng.random_range(0..5000) })
            .collect();
        insert(&mut s, rng, &rows).await;
        if flush == 2 {
            ask(&mut s, "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 7, ADD COLUMN late TEXT").await;
        }
        if rng.random_bool(0.5) {
            let (from, count) = (rng.random_range(0..made.keys), rng.random_range(1..20));
            ask(&mut s, &format!("DELETE FROM t WHERE id >= {from} AND id < {}", from + count)).await;
        }
        if flush < flushes {
            engine.flush_all().await.unwrap();
            made.files.push(rows);
        }
    }
    let wanted: Vec<String> = (0..3).map(|_| format!("({})", rng.random_range(0..made.keys))).collect();
    ask(&mut s, &format!("INSERT INTO d VALUES {} ON CONFLICT DO NOTHING", wanted.join(", "))).await;
    made
}

/// What `sql` finds with these parameters.
async fn given(s: &mut Session, sql: &str, params: &[ScalarValue]) -> Vec<String> {
    lines(&s.query(sql, params).await.map_err(|e| format!("{sql} {params:?}: {e}")).unwrap())
}

async fn insert(s: &mut Session, rng: &mut StdRng, rows: &[Row]) {
    for rows in rows.chunks(1000) {
        let mut sql = "INSERT INTO t (id, k, tag, f, price, day, at, body) VALUES ".to_owned();
        for (at, row) in rows.iter().enumerate() {
            let f = match rng.random_range(0..8) {
                0 => "NULL".to_owned(),
                1 => "'NaN'".to_owned(),
                2 => "-0.0".to_owned(),
                _ => format!("{}", row.k as f64 / 4.0),
            };
            let Row { id, k, tag } = row;
            let comma = if at > 0 { ", " } else { "" };
            let price =
                if rng.random_bool(0.1) { "NULL".to_owned() } else { format!("{}.{}5", k / 10, k % 10) };
            let (day, at) = (day(*k), moment(*k));
            write!(sql, "{comma}({id}, {k}, 't{tag}', {f}, {price}, '{day}', '{at}', 'body of {id}')")
                .unwrap();
        }
        sql.push_str(
            " ON CONFLICT (id) DO UPDATE SET k = excluded.k, tag = excluded.tag, f = excluded.f, \
             price = excluded.price, day = excluded.day, at = excluded.at, body = excluded.body",
        );
        ask(s, &sql).await;
    }
}

/// Of a row with this `k`.
fn day(k: i64) -> String {
    format!("{}-{:02}-{:02}", 2000 + k / 336, 1 + k / 28 % 12, 1 + k % 28)
}

/// Of a row with this `k`, in one of two zones.
fn moment(k: i64) -> String {
    format!("{} 12:00:00{}", day(k), if k % 2 == 0 { "Z" } else { "+05:30" })
}

/// A number as text, or as a parameter of its own.
fn number(rng: &mut StdRng, params: &mut Vec<ScalarValue>, value: i64) -> String {
    if rng.random_bool(0.7) {
        return value.to_string();
    }
    params.push(ScalarValue::Int64(Some(value)));
    format!("${}", params.len())
}

fn condition(rng: &mut StdRng, made: &Made, depth: u32, params: &mut Vec<ScalarValue>) -> String {
    if depth > 0 && rng.random_bool(0.4) {
        let word = *["AND", "OR"].choose(rng).unwrap();
        let left = condition(rng, made, depth - 1, params);
        return format!("({left} {word} {})", condition(rng, made, depth - 1, params));
    }
    if depth > 0 && rng.random_bool(0.1) {
        return format!("NOT {}", condition(rng, made, depth - 1, params));
    }
    let at = rng.random_range(-10..made.keys + 10);
    let id = number(rng, params, at);
    let k = at.max(0) / 10;
    let op = *["=", "<>", "<", "<=", ">", ">="].choose(rng).unwrap();
    let list = |rng: &mut StdRng, count: usize| -> String {
        let values: Vec<String> = (0..count).map(|_| rng.random_range(0..made.keys).to_string()).collect();
        values.join(", ")
    };
    match rng.random_range(0..19) {
        0 => format!("id {op} {id}"),
        1 => format!("id BETWEEN {id} AND {}", number(rng, params, at + 50)),
        2 => format!("k {op} {}", number(rng, params, k)),
        3 => format!("tag = 't{}'", rng.random_range(0..5000)),
        4 => format!("tag LIKE 't{}%'", rng.random_range(0..500)),
        5 => format!("f {op} {}", *["0.0", "-0.0", "12.5", "'NaN'", "200"].choose(rng).unwrap()),
        6 => "f IS NULL".to_owned(),
        7 => format!("extra {op} {}", rng.random_range(6..9)),
        8 => "late IS NOT NULL".to_owned(),
        9 => {
            let count = *[2, 30, 90, 1100].choose(rng).unwrap();
            format!("id IN ({})", list(rng, count))
        }
        10 => {
            let count = *[3, 70].choose(rng).unwrap();
            format!("k NOT IN ({})", list(rng, count))
        }
        11 => format!("CAST(k AS BIGINT) {op} {}", number(rng, params, k)),
        12 => format!("CAST(id AS TEXT) = '{at}'"),
        13 => format!("_seq {op} (SELECT max(_seq) FROM t WHERE id = {id})"),
        14 => format!("k + 0 = {}", number(rng, params, k)),
        15 => {
            // Scales other than the column's, and values that it cannot have.
            let cents = ["", ".5", ".25", ".250", ".255"].choose(rng).unwrap();
            format!("price {op} {}{cents}", k / 10)
        }
        16 => format!("day {op} '{}'", day(k)),
        17 => format!("at {op} '{}'", moment(k)),
        _ => "id IN (SELECT id FROM d)".to_owned(),
    }
}

const NAMES: [&str; 6] = ["manifest", "bloom", "row_groups", "pages", "late", "dynamic"];

fn only(level: usize) -> PruningSettings {
    let on = |at| at == level;
    PruningSettings {
        manifest: on(0),
        bloom: on(1),
        row_groups: on(2),
        pages: on(3),
        late: on(4),
        dynamic: on(5),
    }
}

#[tokio::test]
async fn nothing_that_is_pruned_is_missed() {
    let seed = seed::from_env();
    let mut rng = StdRng::seed_from_u64(seed);
    // Meant and done, by level.
    let mut counts = [(0u64, 0u64); 6];
    let mut seen = 0;
    for _ in 0..4 {
        let made = make(&mut rng).await;
        let (_plain, mut plain) = reader(&made.stores, PruningSettings::NONE).await;
        let (_all, mut all) = reader(&made.stores, PruningSettings::default()).await;
        let mut single = Vec::new();
        for level in 0..NAMES.len() {
            single.push(reader(&made.stores, only(level)).await);
        }
        for _ in 0..60 {
            let mut params = Vec::new();
            let condition = condition(&mut rng, &made, 2, &mut params);
            let sql = format!("SELECT * FROM t WHERE {condition} ORDER BY id");
            let expected = given(&mut plain, &sql, &params).await;
            assert_eq!(
                given(&mut all, &sql, &params).await,
                expected,
                "FIRNDB_SEED={seed}: {sql} {params:?}"
            );
            let level = rng.random_range(0..NAMES.len());
            let found = given(&mut single[level].1, &sql, &params).await;
            assert_eq!(found, expected, "FIRNDB_SEED={seed}: {} alone: {sql} {params:?}", NAMES[level]);
            seen += usize::from(!expected.is_empty());
        }
        let join = "SELECT t.id, t.body FROM d JOIN t ON t.id = d.id ORDER BY t.id";
        assert_eq!(ask(&mut all, join).await, ask(&mut plain, join).await, "FIRNDB_SEED={seed}");
        for (level, (_, session)) in single.iter_mut().enumerate() {
            for _ in 0..15 {
                let (meant, done) = targeted(&mut rng, &made, level, session).await;
                counts[level].0 += meant;
                counts[level].1 += done;
            }
        }
    }
    println!("{seen} of 240 conditions hold for a row");
    println!("meant and done by level: {NAMES:?} {counts:?}");
    for (name, (meant, done)) in NAMES.iter().zip(counts) {
        assert!(meant > 0, "nothing was meant for {name}");
        assert!(done * 10 >= meant * 3, "FIRNDB_SEED={seed}: {name} left out {done} of {meant}");
    }
}

/// A predicate that the level is for: how much it could leave out, and how much it did.
async fn targeted(rng: &mut StdRng, made: &Made, level: usize, session: &mut Session) -> (u64, u64) {
    let from = rng.random_range(0..made.keys);
    let to = from + rng.random_range(1..100);
    let within = |row: &Row| (from..=to).contains(&row.id);
    let range = format!("SELECT body FROM t WHERE id >= {from} AND id <= {to}");
    let count = |matches: &dyn Fn(&Row) -> bool| {
        made.files.iter().filter(|file| !file.iter().any(matches)).count() as u64
    };
    match NAMES[level] {
        "manifest" => {
            let scanned = Scanned::of(session, TABLE, &range, &[]).await;
            (count(&within), scanned.get("files_pruned_stats"))
        }
        "bloom" => {
            let tag = rng.random_range(0..5000);
            let sql = format!("SELECT body FROM t WHERE tag = 't{tag}'");
            let scanned = Scanned::of(session, TABLE, &sql, &[]).await;
            (count(&|row: &Row| row.tag == tag), scanned.get("files_pruned_bloom"))
        }
        "row_groups" => {
            let scanned = Scanned::of(session, TABLE, &range, &[]).await;
            // Files here have one row group.
            (count(&within), scanned.get("row_groups_pruned"))
        }
        "pages" => {
            let pages = made.files.iter().flat_map(|file| {
                let mut ids: Vec<i64> = file.iter().map(|row| row.id).collect();
                ids.sort_unstable();
                ids.chunks(4096).map(<[i64]>::to_vec).collect::<Vec<_>>()
            });
            let meant = pages.filter(|page| !page.iter().any(|id| (from..=to).contains(id))).count();
            let scanned = Scanned::of(session, TABLE, &range, &[]).await;
            (meant as u64, scanned.get("pages_pruned"))
        }
        "late" => {
            let rows = made.files.iter().flatten().filter(|row| !within(row)).count();
            let scanned = Scanned::of(session, TABLE, &range, &[]).await;
            (rows as u64, scanned.get("rows_pruned_late"))
        }
        _ => {
            let wanted: Vec<i64> = lines(&session.query("SELECT id FROM d", &[]).await.unwrap())
                .iter()
                .map(|id| id.parse().unwrap())
                .collect();
            let join = "SELECT t.body FROM d JOIN t ON t.id = d.id";
            let scanned = Scanned::of(session, TABLE, join, &[]).await;
            (count(&|row: &Row| wanted.contains(&row.id)), scanned.get("files_pruned_dynamic"))
        }
    }
}
