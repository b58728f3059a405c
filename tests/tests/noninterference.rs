//! Whatever user B does, every answer, error, count and plan that user A can get is the same: one history of A beside a
//! B who does all he can, and once more beside one who does nothing.
//!
//! Numbers made of the order of commits, such as `_seq`, are replaced by their rank among those that A gets to see, and how
//! long operators took is left out; all else is compared byte for byte. The clock stands still.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;

use firndb_core::{Config, Engine, Role, Session, UserId};
use firndb_tests::ask::{lines, run};
use firndb_tests::lasting::Lasting;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

const SETUP: &str = "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT, made BIGINT DEFAULT SNOWFLAKE_ID()) \
                       WITH (BLOOM_FILTER = 'body'); \
                     CREATE USER TABLE n (id BIGINT PRIMARY KEY, m BIGINT); CREATE INDEX ON n (m); \
                     CREATE STREAM TABLE s (id BIGINT PRIMARY KEY, body TEXT) WITH (TTL_SECONDS = 100000); \
                     CREATE SHARED TABLE shared (id BIGINT PRIMARY KEY, word TEXT) WITH (WRITE_ACCESS_LEVEL = 'private'); \
                     CREATE SHARED TABLE hidden (id BIGINT PRIMARY KEY) WITH (ACCESS_LEVEL = 'private'); \
                     INSERT INTO shared VALUES (1, 'one'), (2, 'two'); \
                     CREATE VIEW v AS SELECT body, count(*) AS c FROM m GROUP BY body; \
                     CREATE USER a; CREATE USER b; CREATE USER desk ROLE service";

/// What A asks; what it answers must not depend on B.
const PROBES: [&str; 37] = [
    "SELECT * FROM m ORDER BY id",
    "SELECT id, body, _seq, _deleted FROM m WHERE _seq > 0 AND _deleted IN (true, false) ORDER BY _seq",
    "SELECT * FROM CHANGES('m')",
    "SELECT * FROM CHANGES('s', since => 1)",
    "SELECT count(*), min(id), max(made) FROM m",
    "SELECT * FROM m WHERE id = 3",
    "SELECT * FROM m WHERE body = 'of b'",
    "SELECT m.body, n.id FROM m JOIN n ON n.m = m.id ORDER BY n.id",
    "SELECT * FROM n WHERE m = 2 ORDER BY id",
    "SELECT * FROM v ORDER BY body",
    "SELECT * FROM s ORDER BY id",
    "SELECT shared.word, count(m.id) FROM shared LEFT JOIN m ON m.id = shared.id GROUP BY 1 ORDER BY 1",
    "EXPLAIN SELECT * FROM m WHERE id > 2",
    "EXPLAIN SELECT * FROM m WHERE id = 2",
    "EXPLAIN ANALYZE SELECT * FROM m WHERE body = 'of b'",
    "EXPLAIN ANALYZE SELECT count(*) FROM n WHERE m = 2",
    "EXPLAIN (FORMAT JSON) SELECT * FROM m WHERE id = 3",
    "EXPLAIN (ANALYZE, FORMAT JSON) SELECT body, count(*) FROM m WHERE id > 2 GROUP BY body ORDER BY body",
    "EXPLAIN UPDATE m SET body = 'x' WHERE id = 1",
    "SHOW MANIFEST m",
    "SHOW MANIFEST CACHE",
    "SELECT namespace, table_name, scope, version, flushed_through, files, rows, dead_rows, state FROM system.manifests \
     ORDER BY 1, 2, 3",
    "SELECT namespace, table_name, scope, number, rows, dead_rows, row_groups, min_seq, max_seq, min_key, max_key \
     FROM system.batches ORDER BY 1, 2, 3, 4",
    "SELECT namespace, table_name, scope, kind, hot_rows, hot_versions, hot_tombstones, hot_bytes, files, cold_rows, \
     dead_rows, manifest_version FROM system.scopes ORDER BY 1, 2, 3",
    "SELECT * FROM system.tables ORDER BY 1, 2",
    "SELECT * FROM system.columns ORDER BY 1, 2, 4",
    "SELECT * FROM system.users",
    "SELECT * FROM information_schema.tables ORDER BY 1, 2, 3",
    "SELECT * FROM system.jobs",
    "SELECT * FROM system.counters",
    "SELECT * FROM system.audit_log",
    "SELECT * FROM hidden",
    "EXECUTE AS USER 'b' (SELECT * FROM m)",
    "EXECUTE AS USER 'nobody' (SELECT * FROM m)",
    "STORAGE CHECK ALL",
    "COPY (SELECT * FROM m ORDER BY id) TO STDOUT",
    "INSERT INTO hidden VALUES (1)",
];

fn session(engine: &Engine, id: &str) -> Session {
    engine.session_as(UserId::new(id).unwrap(), Role::System)
}

/// A statement that writes, of keys that both have.
fn written(rng: &mut StdRng, who: &str) -> String {
    let (id, other) = (rng.random_range(0..12), rng.random_range(0..12));
    match rng.random_range(0..10) {
        0..=2 => format!("INSERT INTO m (id, body) VALUES ({id}, 'of {who}')"),
        3 => format!(
            "INSERT INTO m (id, body) VALUES ({id}, 'x') ON CONFLICT (id) DO UPDATE SET body = 'again {who}'"
        ),
        4 => format!("UPDATE m SET body = body || '.' WHERE id >= {id} RETURNING id, body"),
        5 => format!("DELETE FROM m WHERE id = {id} RETURNING *"),
        6 => format!("UPDATE m SET id = {other} WHERE id = {id}"),
        7 => format!("INSERT INTO n VALUES ({id}, {other}) ON CONFLICT DO NOTHING"),
        8 => format!("INSERT INTO s VALUES ({id}, '{who}')"),
        _ => format!("BEGIN; INSERT INTO n VALUES ({id}, 2); DELETE FROM m WHERE id = {other}; COMMIT"),
    }
}

/// Whatever B can think of.
async fn interfere(engine: &Engine, rng: &mut StdRng, open: &mut Session) {
    let mut b = session(engine, "b");
    for _ in 0..rng.random_range(1..6) {
        let sql = match rng.random_range(0..14) {
            0..=5 => written(rng, "b"),
            6 => "INSERT INTO m (id, body) SELECT v, repeat('of b', 50) FROM generate_series(1000, 1400) AS g(v) ON CONFLICT DO NOTHING".to_owned(),
            7 => "DELETE FROM m WHERE id >= 0".to_owned(),
            8 => (*PROBES.choose(rng).unwrap()).to_owned(),
            9 => "EXECUTE AS USER 'a' (DELETE FROM m)".to_owned(),
            10 => "UPDATE m AS USER 'a' SET body = 'of b'".to_owned(),
            11 => "PREPARE p AS SELECT * FROM m; EXECUTE p; DEALLOCATE p".to_owned(),
            12 => "DROP TABLE m; INSERT INTO shared VALUES (9, 'nine')".to_owned(),
            _ => "INSERT INTO m (id, body) VALUES (NULL, 1, 2".to_owned(),
        };
        _ = b.execute(&sql).await;
    }
    // Another of his sessions, in the middle of something.
    let sql = if open.in_transaction() && rng.random_bool(0.4) { "COMMIT" } else { "BEGIN" };
    _ = open.execute(sql).await;
    _ = open.execute(&written(rng, "b in between")).await;
}

/// All that A gets to see.
async fn history(seed: u64, is_b_there: bool, speaks_for_itself: bool) -> Vec<String> {
    let engine = Engine::open(Lasting::new(seed).stores(), Config::default()).await.unwrap();
    run(&engine, SETUP).await;
    let (mut rng, mut of_b) = (StdRng::seed_from_u64(seed), StdRng::seed_from_u64(seed + 1000));
    let mut open = session(&engine, "b");
    let mut a = session(&engine, if speaks_for_itself { "a" } else { "desk" });
    a.act_as((!speaks_for_itself).then(|| UserId::new("a").unwrap()));
    let mut seen = Vec::new();
    for step in 0..60 {
        if is_b_there {
            interfere(&engine, &mut of_b, &mut open).await;
        }
        let sql = if rng.random_bool(0.5) {
            written(&mut rng, "a")
        } else {
            (*PROBES.choose(&mut rng).unwrap()).to_owned()
        };
        put(&mut a, &sql, &mut seen).await;
        if a.in_transaction() {
            put(&mut a, "ROLLBACK", &mut seen).await;
        }
        match step % 20 {
            // A flush goes no further than the oldest transaction: when A's rows become files, B can put off.
            9 => {
                open = session(&engine, "b");
                engine.flush_all().await.unwrap();
            }
            19 => {
                open = session(&engine, "b");
                engine.compact_all().await.unwrap();
            }
            _ => {}
        }
    }
    for sql in PROBES {
        put(&mut a, sql, &mut seen).await;
    }
    seen
}

async fn put(session: &mut Session, sql: &str, seen: &mut Vec<String>) {
    seen.push(match session.execute(sql).await {
        Ok(outcomes) => {
            let answers = outcomes.iter().map(|outcome| match outcome {
                firndb_core::Outcome::Rows { schema, .. } => {
                    let names: Vec<&str> =
                        schema.fields().iter().map(|field| field.name().as_str()).collect();
                    format!("{}\n{}", names.join("|"), lines(outcome).join("\n"))
                }
                other => format!("{other:?}"),
            });
            format!("{sql}\n{}", answers.collect::<Vec<_>>().join("\n"))
        }
        Err(e) => format!("{sql}\n{}: {e} {:?} {:?}", e.kind(), e.position(), e.hint()),
    });
}

/// Numbers as their rank, durations as nothing.
fn ranked(seen: Vec<String>) -> Vec<String> {
    let number = regex::Regex::new(r"\b\d{15,19}\b").unwrap();
    // How long a file is, and how much of it is read, depends on how `_seq` numbers are packed there.
    let took = regex::Regex::new(
        r#"=\d+(\.\d+)?(ns|µs|ms|s)\b|bytes_scanned=[0-9.]+( [KMG])?|"(\w+_ms|bytes_scanned)":[0-9.e-]+"#,
    );
    let took = took.unwrap();
    let size = regex::Regex::new(r"(?m)^(\d+\|batch-\d+\.parquet\|[a-z]+\|\d+\|\d+\|)\d+").unwrap();
    let all: BTreeSet<String> =
        seen.iter().flat_map(|text| number.find_iter(text)).map(|found| found.as_str().to_owned()).collect();
    // Of one length each, so that their order as text is theirs.
    let rank = |text: &str| all.iter().position(|other| other == text).unwrap();
    let ranked = seen.iter().map(|text| {
        let text = number.replace_all(text, |found: &regex::Captures<'_>| format!("#{}", rank(&found[0])));
        let text = size.replace_all(&text, "$1…");
        took.replace_all(&text, "=…").into_owned()
    });
    ranked.collect()
}

#[tokio::test]
async fn nothing_that_b_does_shows_to_a() {
    for seed in 0..20 {
        // Nor to who acts for A, though it may do more itself.
        let speaks_for_itself = seed % 4 != 3;
        let beside = ranked(history(seed, true, speaks_for_itself).await);
        let alone = ranked(history(seed, false, speaks_for_itself).await);
        for (beside, alone) in beside.iter().zip(&alone) {
            let differs = beside.lines().zip(alone.lines()).find(|(beside, alone)| beside != alone);
            assert_eq!(differs, None, "seed {seed}: {beside}");
            assert_eq!(beside, alone, "seed {seed}");
        }
        assert_eq!(beside.len(), alone.len());
        // The test would see nothing where A sees nothing.
        assert!(alone.iter().any(|text| text.contains("of a")), "seed {seed}");
    }
}
