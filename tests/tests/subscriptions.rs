//! Queries that stay, and changes that are followed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::RecordBatch;
use firndb_core::storage::Stores;
use firndb_core::{
    CancelToken, Change, ChangeFeed, Config, Engine, Error, ErrorKind, Outcome, Role, SeqId, Subscription,
    UserId,
};
use firndb_tests::ask::{ask, flushed, lines, run, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Long enough for whatever is to come; not waited for where anything does.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing is expected to come meanwhile; what does come fails the test in any case.
const MOMENT: Duration = Duration::from_millis(30);

async fn engine() -> Engine {
    let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    run(
        &engine,
        "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT, n BIGINT DEFAULT 0); \
         CREATE SHARED TABLE s (id BIGINT PRIMARY KEY, word TEXT); CREATE SHARED TABLE other (id INT PRIMARY KEY)",
    )
    .await;
    engine
}

fn shown(batch: &RecordBatch) -> Vec<String> {
    lines(&Outcome::Rows { schema: batch.schema(), batches: vec![batch.clone()] })
}

/// `+` came, `~` changed, `-` went.
fn marked(change: &Change) -> Vec<String> {
    let Change::Commit(_, change) = change else { return vec!["resync".to_owned()] };
    let parts = [("+", &change.inserted), ("~", &change.updated), ("-", &change.deleted)];
    parts
        .iter()
        .flat_map(|(mark, rows)| shown(rows).into_iter().map(move |row| format!("{mark}{row}")))
        .collect()
}

async fn next(subscription: &mut Subscription) -> Vec<String> {
    marked(&tokio::time::timeout(PATIENCE, subscription.next()).await.expect("a change").unwrap())
}

async fn failure(subscription: &mut Subscription) -> Error {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an end").unwrap_err()
}

async fn nothing_comes(subscription: &mut Subscription) {
    let come = tokio::time::timeout(MOMENT, subscription.next()).await;
    assert!(come.is_err(), "{come:?}");
}

#[tokio::test]
async fn each_commit_is_told_with_what_it_did_to_the_rows() {
    let engine = engine().await;
    let mut alice = user(&engine, "alice").await;
    ask(&mut alice, "INSERT INTO m VALUES (1, 'one'), (2, 'two')").await;
    let sql = "SELECT id, body FROM m WHERE id < 10 ORDER BY id";
    let mut subscription = alice.subscribe(sql, &[]).await.unwrap();
    assert_eq!(shown(subscription.rows()), ["1|one", "2|two"]);
    ask(&mut alice, "INSERT INTO m VALUES (3, 'three'); UPDATE m SET body = 'ONE' WHERE id = 1").await;
    ask(&mut alice, "BEGIN; DELETE FROM m WHERE id = 2; INSERT INTO m VALUES (4, 'four'); UPDATE m SET body = 'x' WHERE id = 3; COMMIT")
        .await;
    assert_eq!(next(&mut subscription).await, ["+3|three"]);
    assert_eq!(shown(subscription.rows()), ["1|one", "2|two", "3|three"]);
    assert_eq!(next(&mut subscription).await, ["~1|ONE"]);
    assert_eq!(next(&mut subscription).await, ["+4|four", "~3|x", "-2|two"]);
    // What the query does not show is no change, nor is what is rolled back or in another table.
    ask(&mut alice, "INSERT INTO m VALUES (50, 'fifty'); UPDATE m SET n = 7; INSERT INTO other VALUES (1)")
        .await;
    ask(&mut alice, "BEGIN; DELETE FROM m; ROLLBACK").await;
    nothing_comes(&mut subscription).await;
    // Who gave up waiting has missed nothing.
    ask(&mut alice, "DELETE FROM m WHERE id = 1").await;
    assert_eq!(next(&mut subscription).await, ["-1|ONE"]);
    engine.flush_all().await.unwrap();
    ask(&mut alice, "UPDATE m SET body = 'cold' WHERE id = 4").await;
    assert_eq!(next(&mut subscription).await, ["~4|cold"]);
}

#[tokio::test]
async fn a_subscription_is_of_its_subject() {
    let engine = engine().await;
    let (mut alice, mut bob) = (user(&engine, "alice").await, user(&engine, "bob").await);
    let mut desk = engine.session_as(UserId::root(), Role::System);
    desk.act_as(Some(UserId::new("alice").unwrap()));
    let mut own = alice.subscribe("SELECT id FROM m", &[]).await.unwrap();
    let mut acting = desk.subscribe("SELECT id, CURRENT_USER() FROM m", &[]).await.unwrap();
    ask(&mut bob, "INSERT INTO m VALUES (1, 'of bob')").await;
    nothing_comes(&mut own).await;
    nothing_comes(&mut acting).await;
    ask(&mut alice, "INSERT INTO m VALUES (2, 'of alice')").await;
    assert_eq!(next(&mut own).await, ["+2"]);
    assert_eq!(next(&mut acting).await, ["+2|alice"]);
    let log = "SELECT actor, subject, outcome, rows FROM system.audit_log ORDER BY number";
    assert_eq!(run(&engine, log).await, ["root|alice|read|0", "root|alice|read|1"]);
    run(&engine, "DROP USER alice").await;
    // The next thing it would be told is what it may not see any more.
    run(&engine, "ALTER TABLE m ADD COLUMN more TEXT").await;
    assert_eq!(failure(&mut own).await.kind(), ErrorKind::PermissionDenied);
    let refused = failure(&mut acting).await;
    assert_eq!(refused.to_string(), "Invalid user_id for AS USER operation");
    assert_eq!(run(&engine, log).await.last().unwrap(), "root|alice|refused|NULL");
}

#[tokio::test]
async fn who_is_too_slow_is_told_to_start_over_and_holds_nothing_back() {
    let mut config = Config::default();
    config.feed.backlog_commits = 3;
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), config).await.unwrap();
    run(&engine, "CREATE SHARED TABLE s (id BIGINT PRIMARY KEY)").await;
    let mut session = engine.session();
    let mut subscription = session.subscribe("SELECT id FROM s ORDER BY id", &[]).await.unwrap();
    for id in 0..3 {
        ask(&mut session, &format!("INSERT INTO s VALUES ({id})")).await;
    }
    // Three may wait, and hold a flush back where they wait.
    for id in 0..3 {
        assert_eq!(next(&mut subscription).await, [format!("+{id}")]);
    }
    for id in 3..9 {
        ask(&mut session, &format!("INSERT INTO s VALUES ({id})")).await;
    }
    engine.flush_all().await.unwrap();
    assert_eq!(lasting.hot_keys().await, 0);
    assert_eq!(next(&mut subscription).await, ["resync"]);
    assert_eq!(shown(subscription.rows()), (0..9).map(|id| id.to_string()).collect::<Vec<_>>());
    ask(&mut session, "DELETE FROM s WHERE id = 0").await;
    assert_eq!(next(&mut subscription).await, ["-0"]);
    // One that waits for longer than a transaction may idle is given up for a flush.
    ask(&mut session, "DELETE FROM s WHERE id = 1").await;
    ask(&mut session, "DELETE FROM s WHERE id = 2").await;
    lasting.clock().set_ms(START_MS + 3_600_000);
    engine.flush_all().await.unwrap();
    assert_eq!(lasting.hot_keys().await, 0);
    assert_eq!(next(&mut subscription).await, ["resync"]);
    assert_eq!(shown(subscription.rows()).first().unwrap(), "3");
}

#[tokio::test]
async fn definitions_that_change_are_followed_or_end_it() {
    let engine = engine().await;
    let mut session = engine.session();
    flushed(&engine, "INSERT INTO s VALUES (1, 'one')").await;
    let mut narrow = session.subscribe("SELECT id FROM s", &[]).await.unwrap();
    let mut wide = session.subscribe("SELECT * FROM s", &[]).await.unwrap();
    run(&engine, "ALTER TABLE s ADD COLUMN more TEXT").await;
    nothing_comes(&mut narrow).await;
    let e = failure(&mut wide).await;
    assert_eq!((e.kind(), e.to_string().contains("subscribe again")), (ErrorKind::Conflict, true));
    run(&engine, "TRUNCATE s").await;
    assert_eq!(next(&mut narrow).await, ["-1"]);
    run(&engine, "INSERT INTO s (id) VALUES (2)").await;
    assert_eq!(next(&mut narrow).await, ["+2"]);
    run(&engine, "DROP TABLE s").await;
    assert_eq!(failure(&mut narrow).await.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_no_query_cannot_be_followed_and_what_waits_can_be_ended() {
    let engine = engine().await;
    let mut session = engine.session();
    for sql in ["DELETE FROM s", "STORAGE FLUSH ALL", "SELECT 1; SELECT 2"] {
        assert_eq!(session.subscribe(sql, &[]).await.unwrap_err().kind(), ErrorKind::InvalidInput, "{sql}");
    }
    ask(&mut session, "BEGIN").await;
    assert_eq!(session.subscribe("SELECT 1", &[]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(session.changes("s", SeqId::ZERO).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    ask(&mut session, "ROLLBACK").await;
    let token = CancelToken::new();
    session.set_cancel(token.clone());
    let mut cancelled = session.subscribe("SELECT * FROM s", &[]).await.unwrap();
    let waiting = tokio::spawn(async move { cancelled.next().await.unwrap_err().kind() });
    token.cancel();
    assert_eq!(waiting.await.unwrap(), ErrorKind::Cancelled);
    session.set_cancel(CancelToken::new());
    let mut closed = session.subscribe("SELECT * FROM s", &[]).await.unwrap();
    let waiting = tokio::spawn(async move { closed.next().await.unwrap_err().kind() });
    tokio::task::yield_now().await;
    engine.close().await.unwrap();
    assert_eq!(waiting.await.unwrap(), ErrorKind::Unavailable);
}

/// A mirror of a query that has only been told what changed.
fn apply(mirror: &mut BTreeMap<String, String>, subscription: &Subscription, change: &Change) {
    let key = |row: &String| row.split('|').next().unwrap().to_owned();
    match change {
        Change::Resync(_) => {
            *mirror = shown(subscription.rows()).iter().map(|row| (key(row), row.clone())).collect();
        }
        Change::Commit(_, change) => {
            for row in shown(&change.deleted) {
                assert_eq!(mirror.remove(&key(&row)), Some(row));
            }
            for row in shown(&change.inserted) {
                assert_eq!(mirror.insert(key(&row), row.clone()), None, "{row} was there");
            }
            for row in shown(&change.updated) {
                assert_ne!(mirror.insert(key(&row), row.clone()), Some(row));
            }
        }
    }
}

async fn history(seed: u64, sql: &str) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut config = Config::default();
    config.feed.backlog_commits = 6;
    let engine = Engine::open(Stores::memory(), config).await.unwrap();
    run(
        &engine,
        "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, g BIGINT, v BIGINT); CREATE SHARED TABLE u (g BIGINT PRIMARY KEY)",
    )
    .await;
    let mut writer = engine.session();
    let mut subscription = engine.session().subscribe(sql, &[]).await.unwrap();
    let mut mirror = BTreeMap::new();
    let mut by_commit: Vec<Vec<String>> = Vec::new();
    for _ in 0..60 {
        for _ in 0..rng.random_range(0..9) {
            let (id, g, v) = (rng.random_range(0..20), rng.random_range(0..4), rng.random_range(0..100));
            let written = match rng.random_range(0..10) {
                0..=5 => format!(
                    "INSERT INTO t VALUES ({id}, {g}, {v}) ON CONFLICT (id) DO UPDATE SET g = excluded.g, v = excluded.v"
                ),
                6..=7 => format!("DELETE FROM t WHERE id = {id}"),
                8 => format!("UPDATE t SET v = v + 1 WHERE g = {g}"),
                _ => format!(
                    "INSERT INTO u VALUES ({g}) ON CONFLICT DO NOTHING; DELETE FROM u WHERE g = {v} % 4"
                ),
            };
            let written = if rng.random_bool(0.3) { format!("BEGIN; {written}; COMMIT") } else { written };
            ask(&mut writer, &written).await;
            by_commit.push(ask(&mut writer, sql).await);
        }
        if rng.random_bool(0.3) {
            engine.flush_all().await.unwrap();
        }
        while let Ok(change) = tokio::time::timeout(MOMENT / 6, subscription.next()).await {
            apply(&mut mirror, &subscription, &change.unwrap());
            assert_eq!(mirror.values().cloned().collect::<Vec<_>>(), sorted(shown(subscription.rows())));
        }
    }
    // Once there is no more to be told, all of it was.
    while subscription_is_behind(&mut subscription, &mut mirror, by_commit.last().unwrap()).await {}
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_by_key(|row| row.split('|').next().unwrap().to_owned());
    rows
}

async fn subscription_is_behind(
    subscription: &mut Subscription,
    mirror: &mut BTreeMap<String, String>,
    last: &[String],
) -> bool {
    if shown(subscription.rows()) == last {
        return false;
    }
    let change = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("what is missing").unwrap();
    apply(mirror, subscription, &change);
    true
}

#[tokio::test]
async fn whoever_is_told_only_changes_has_the_rows() {
    for (seed, sql) in (0..).zip([
        "SELECT id, g, v FROM t ORDER BY id",
        "SELECT id, v FROM t WHERE g = 1 AND v > 20 ORDER BY id",
        "SELECT t.id, t.v, u.g FROM t JOIN u ON t.g = u.g ORDER BY t.id",
        "SELECT g, count(*), sum(v) FROM t GROUP BY g ORDER BY g",
    ]) {
        history(seed, sql).await;
    }
}

async fn told(feed: &mut ChangeFeed) -> Vec<String> {
    shown(&tokio::time::timeout(PATIENCE, feed.next()).await.expect("changes").unwrap())
        .iter()
        // All but the `_seq`, which is not the same in every run.
        .map(|row| {
            let mut cells: Vec<&str> = row.split('|').collect();
            cells.remove(cells.len() - 2);
            cells.join("|")
        })
        .collect()
}

#[tokio::test]
async fn changes_are_followed_over_flushes_and_openings() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    run(&engine, "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT); CREATE USER alice").await;
    let as_alice = |engine: &Engine| engine.session_as(UserId::new("alice").unwrap(), Role::User);
    let mut alice = as_alice(&engine);
    ask(&mut alice, "INSERT INTO m VALUES (1, 'one'), (2, 'two')").await;
    let mut feed = alice.changes("m", SeqId::ZERO).await.unwrap();
    assert_eq!(told(&mut feed).await, ["1|one|false", "2|two|false"]);
    assert!(tokio::time::timeout(MOMENT, feed.next()).await.is_err());
    run(&engine, "INSERT INTO m VALUES (1, 'of root')").await;
    assert!(tokio::time::timeout(MOMENT, feed.next()).await.is_err());
    ask(&mut alice, "DELETE FROM m WHERE id = 1").await;
    assert_eq!(told(&mut feed).await, ["1|NULL|true"]);
    // Who asks late is told the latest of each.
    ask(&mut alice, "UPDATE m SET body = 'TWO'; UPDATE m SET body = '2'; INSERT INTO m VALUES (3, 'three')")
        .await;
    engine.flush_all().await.unwrap();
    engine.compact_all().await.unwrap();
    assert_eq!(told(&mut feed).await, ["2|2|false", "3|three|false"]);
    let since = feed.since();
    drop(feed);
    ask(&mut alice, "DELETE FROM m WHERE id = 3").await;
    engine.flush_all().await.unwrap();
    engine.close().await.unwrap();
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let mut alice = as_alice(&engine);
    let mut feed = alice.changes("m", since).await.unwrap();
    assert_eq!(told(&mut feed).await, ["3|NULL|true"]);
    // Rows that go untold end it: their copy is to be made anew.
    run(&engine, "TRUNCATE m").await;
    let e = tokio::time::timeout(PATIENCE, feed.next()).await.expect("an end").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidInput, "{e}");
    let mut feed = alice.changes("m", SeqId::ZERO).await.unwrap();
    ask(&mut alice, "INSERT INTO m VALUES (9, 'nine')").await;
    assert_eq!(told(&mut feed).await, ["9|nine|false"]);
    assert_eq!(alice.changes("nothing", SeqId::ZERO).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(alice.changes("it's", SeqId::ZERO).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn live_rows_come_whole_and_pass_over_what_is_between() {
    let engine = engine().await;
    let mut session = engine.session();
    let mut rows = session.subscribe("SELECT id FROM s ORDER BY id DESC", &[]).await.unwrap().into_rows();
    assert!(shown(&rows.next().await.unwrap().unwrap()).is_empty());
    for id in 0..100 {
        ask(&mut session, &format!("INSERT INTO s (id) VALUES ({id})")).await;
    }
    assert_eq!(shown(&rows.next().await.unwrap().unwrap()).len(), 100);
    ask(&mut session, "DELETE FROM s").await;
    assert!(shown(&rows.next().await.unwrap().unwrap()).is_empty());
}

#[tokio::test]
async fn a_wait_that_is_given_up_in_the_middle_holds_no_flush_back() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    run(&engine, "CREATE SHARED TABLE s (id BIGINT PRIMARY KEY)").await;
    let mut session = engine.session();
    let mut subscription = session.subscribe("SELECT id FROM s ORDER BY id", &[]).await.unwrap();
    ask(&mut session, "INSERT INTO s VALUES (1)").await;
    {
        // Taken, begun, and dropped before it has run.
        let mut waiting = std::pin::pin!(subscription.next());
        for _ in 0..2 {
            if futures::poll!(&mut waiting).is_ready() {
                break;
            }
        }
    }
    ask(&mut session, "INSERT INTO s VALUES (2)").await;
    lasting.clock().set_ms(START_MS + 3_600_000);
    engine.flush_all().await.unwrap();
    assert_eq!(lasting.hot_keys().await, 0);
    // And nothing of it is lost.
    while shown(subscription.rows()) != ["1", "2"] {
        next(&mut subscription).await;
    }
}

#[tokio::test]
async fn rows_that_expire_are_told_of_when_they_are_evicted() {
    let lasting = Lasting::new(1);
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    run(&engine, "CREATE STREAM TABLE typing (who TEXT PRIMARY KEY) WITH (TTL_SECONDS = 30)").await;
    let mut alice = user(&engine, "alice").await;
    let mut subscription = alice.subscribe("SELECT who FROM typing", &[]).await.unwrap();
    ask(&mut alice, "INSERT INTO typing VALUES ('bob')").await;
    assert_eq!(next(&mut subscription).await, ["+bob"]);
    lasting.clock().set_ms(START_MS + 29_000);
    settle(&engine).await;
    nothing_comes(&mut subscription).await;
    lasting.clock().set_ms(START_MS + 300_000);
    settle(&engine).await;
    assert_eq!(next(&mut subscription).await, ["-bob"]);
}
