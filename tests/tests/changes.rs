//! The feed of changes against a model, at consumers that follow it now and then, over random histories of writes,
//! flushes, compactions, openings and forgotten tombstones.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use firndb_core::{Config, Engine, ErrorKind, Role, Session, UserId};
use firndb_tests::ask::{ask, expect_clean, lines, run, settle};
use firndb_tests::lasting::{Lasting, START_MS};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const HOUR_MS: i64 = 3_600_000;
const KEYS: i64 = 40;

/// What there is of a key: its row, or none where it is deleted, as of a `_seq`.
type Latest = BTreeMap<i64, (i64, Option<String>)>;

/// Somebody who has a copy of the rows, and asks for what came after.
#[derive(Default)]
struct Consumer {
    rows: BTreeMap<i64, String>,
    since: i64,
    resyncs: usize,
}

impl Consumer {
    /// Takes the changes in, each of which has to be one of `latest` above the last; all of them have to come.
    async fn follow(&mut self, session: &mut Session, latest: &Latest) {
        let sql = format!("SELECT _seq, id, body, _deleted FROM CHANGES('t', since => {})", self.since);
        let found = match session.execute(&sql).await {
            Ok(outcomes) => lines(&outcomes[0]),
            Err(e) => {
                // What was deleted since cannot be told any more: all over again, and nothing is missed.
                assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e}");
                assert!(e.to_string().contains("read the whole table again"), "{e}");
                self.resyncs += 1;
                self.rows.clear();
                self.since = 0;
                ask(session, "SELECT _seq, id, body, _deleted FROM CHANGES('t', since => 0)").await
            }
        };
        let mut expected: Vec<(i64, i64, Option<&String>)> = latest
            .iter()
            .map(|(id, (seq, body))| (*seq, *id, body.as_ref()))
            .filter(|(seq, ..)| *seq > self.since)
            .collect();
        expected.sort_unstable();
        let expected = expected.into_iter().map(|(seq, id, body)| match body {
            Some(body) => format!("{seq}|{id}|{body}|false"),
            None => format!("{seq}|{id}|NULL|true"),
        });
        if self.since > 0 {
            assert_eq!(found, expected.collect::<Vec<_>>(), "changes since {}", self.since);
        } else {
            // From the beginning, tombstones that are forgotten are missed by nobody.
            let live =
                |all: Vec<String>| all.into_iter().filter(|l| l.ends_with("false")).collect::<Vec<_>>();
            assert_eq!(live(found.clone()), live(expected.collect()), "all");
        }
        for line in &found {
            let parts: Vec<&str> = line.split('|').collect();
            let (seq, id): (i64, i64) = (parts[0].parse().unwrap(), parts[1].parse().unwrap());
            assert!(seq > self.since, "in the order of _seq: {line}");
            self.since = seq;
            match parts[3] {
                "true" => self.rows.remove(&id),
                _ => self.rows.insert(id, parts[2].to_owned()),
            };
        }
    }
}

async fn history(seed: u64) -> (usize, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let lasting = Lasting::new(seed);
    let mut config = Config::default();
    config.batch_file.rows = 16;
    let mut engine = Engine::open(lasting.stores(), config.clone()).await.unwrap();
    let kind = if seed.is_multiple_of(2) { "USER" } else { "SHARED" };
    run(
        &engine,
        &format!(
            "CREATE {kind} TABLE t (id BIGINT PRIMARY KEY, body TEXT) WITH (DELETED_RETENTION_HOURS = 24); \
             CREATE USER alice; CREATE USER bob"
        ),
    )
    .await;
    let as_alice = |engine: &Engine| engine.session_as(UserId::new("alice").unwrap(), Role::User);
    let mut latest = Latest::new();
    let mut consumers: Vec<Consumer> = (0..3).map(|_| Consumer::default()).collect();
    let mut now = START_MS;
    let mut followed = 0;
    for step in 0..160 {
        let mut session = as_alice(&engine);
        match rng.random_range(0..100) {
            0..=59 => write(&mut session, &mut rng, &mut latest, step).await,
            60..=74 => {
                let at = rng.random_range(0..consumers.len());
                consumers[at].follow(&mut session, &latest).await;
                followed += 1;
            }
            75..=84 => {
                engine.flush_all().await.unwrap();
            }
            85..=89 => {
                engine.compact_all().await.unwrap();
            }
            90..=93 => {
                engine.close().await.unwrap();
                engine = Engine::open(lasting.stores(), config.clone()).await.unwrap();
            }
            94..=96 => {
                now += HOUR_MS * rng.random_range(1..60);
                lasting.clock().set_ms(now);
            }
            _ => settle(&engine).await,
        }
    }
    let mut session = as_alice(&engine);
    let rows = ask(&mut session, "SELECT id, body FROM t ORDER BY id").await;
    for consumer in &mut consumers {
        consumer.follow(&mut session, &latest).await;
        let copy: Vec<String> = consumer.rows.iter().map(|(id, body)| format!("{id}|{body}")).collect();
        assert_eq!(copy, rows);
    }
    if kind == "USER" {
        let mut bob = engine.session_as(UserId::new("bob").unwrap(), Role::User);
        assert_eq!(ask(&mut bob, "SELECT count(*) FROM CHANGES('t')").await, ["0"]);
    }
    expect_clean(&engine).await;
    (followed, consumers.iter().map(|c| c.resyncs).sum())
}

/// One to three statements, in a transaction or each by itself.
async fn write(session: &mut Session, rng: &mut StdRng, latest: &mut Latest, step: i64) {
    let statements: Vec<(i64, Option<String>)> = (0..rng.random_range(1..4))
        .map(|n| {
            let id = rng.random_range(0..KEYS);
            (id, rng.random_bool(0.65).then(|| format!("v{step}.{n}")))
        })
        .collect();
    let sql: Vec<String> = statements
        .iter()
        .map(|(id, body)| match body {
            Some(body) => format!(
                "INSERT INTO t VALUES ({id}, '{body}') ON CONFLICT (id) DO UPDATE SET body = excluded.body"
            ),
            None => format!("DELETE FROM t WHERE id = {id}"),
        })
        .collect();
    let sql = sql.join("; ");
    ask(session, &if rng.random_bool(0.5) { sql } else { format!("BEGIN; {sql}; COMMIT") }).await;
    // What the store says of the keys is the model's `_seq`; the rest the model knows by itself.
    for (id, body) in statements {
        let seq =
            ask(session, &format!("SELECT _seq FROM t WHERE id = {id} AND _deleted IN (true, false)")).await;
        match (seq.first(), body) {
            (Some(seq), body) => latest.insert(id, (seq.parse().unwrap(), body)),
            (None, None) => None,
            (None, Some(body)) => panic!("{id} with {body} is not there"),
        };
    }
}

#[tokio::test]
async fn consumers_that_follow_the_feed_have_the_rows() {
    let (mut followed, mut resyncs) = (0, 0);
    for seed in 0..12 {
        let (f, r) = history(seed).await;
        followed += f;
        resyncs += r;
    }
    assert!(followed > 200 && resyncs > 3, "followed {followed} times, {resyncs} times from the beginning");
}
