//! What it costs to ask for the changes since a `_seq`, in a table whose history is long: files and tombstones from
//! before are not read.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use firndb_core::storage::Stores;
use firndb_core::{Config, Engine, Session};
use firndb_tests::ask::ask;
use firndb_tests::counted::Counted;
use firndb_tests::lasting::{Lasting, START_MS};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Days that the table has been there, each with a flush of new rows and one of deletions.
const DAYS: i64 = 60;
const ROWS_A_DAY: i64 = 200;
/// Changes since the client was there last: half of them flushed, half hot.
const CHANGES: i64 = 10_000;

struct Table {
    lasting: Lasting,
    blobs: Counted,
    engine: Engine,
    session: Session,
}

impl Table {
    async fn new() -> Self {
        let lasting = Lasting::new(1);
        let blobs = Counted::new(lasting.stores().blobs, Duration::ZERO);
        let stores = Stores { blobs: Arc::new(blobs.clone()), ..lasting.stores() };
        let engine = Engine::open(stores, Config::default()).await.unwrap();
        let session = engine.session();
        Self { lasting, blobs, engine, session }
    }

    async fn run(&mut self, sql: &str) -> Vec<String> {
        ask(&mut self.session, sql).await
    }

    /// A table whose rows of each day are flushed on that day, and ten of them deleted on the next.
    async fn with_history(&mut self) {
        self.run("CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, v TEXT)").await;
        for day in 0..DAYS {
            self.lasting.clock().set_ms(START_MS + day * DAY_MS);
            let (first, last) = (day * ROWS_A_DAY, (day + 1) * ROWS_A_DAY - 1);
            self.run(&format!(
                "INSERT INTO t SELECT g, 'day {day}' FROM generate_series({first}, {last}) AS x(g)"
            ))
            .await;
            self.engine.flush_all().await.unwrap();
            if day > 0 {
                let before = first - ROWS_A_DAY;
                self.run(&format!("DELETE FROM t WHERE id BETWEEN {before} AND {}", before + 9)).await;
                self.engine.flush_all().await.unwrap();
            }
        }
        self.lasting.clock().set_ms(START_MS + DAYS * DAY_MS);
    }

    /// The rows that `query` gives, how many files it opened and tombstone blocks it read.
    async fn cost(&mut self, query: &str) -> (usize, u64, u64) {
        let before = self.engine.stats();
        self.blobs.forget();
        let started = Instant::now();
        let rows = self.run(query).await.len();
        println!("{rows} rows in {:?}: {query}", started.elapsed());
        let after = self.engine.stats();
        let opened = after.files_opened - before.files_opened;
        (rows, opened, after.tombstone_blocks_read - before.tombstone_blocks_read)
    }
}

#[tokio::test]
async fn changes_since_a_seq_cost_what_has_changed() {
    let mut t = Table::new().await;
    t.with_history().await;
    let since = t.run("SELECT max(_seq) FROM t").await.remove(0);
    // New rows in five files, and old rows changed that are still hot.
    for part in 0..5 {
        let first = 1_000_000 + part * CHANGES / 10;
        let last = first + CHANGES / 10 - 1;
        t.run(&format!("INSERT INTO t SELECT g, 'new' FROM generate_series({first}, {last}) AS x(g)")).await;
        t.engine.flush_all().await.unwrap();
    }
    let changed = t.run("SELECT id FROM t ORDER BY id LIMIT 1 OFFSET 4999").await.remove(0);
    t.run(&format!("UPDATE t SET v = 'hot' WHERE id <= {changed}")).await;
    let changes = usize::try_from(CHANGES).unwrap();

    let feed = format!("SELECT id, v, _seq FROM t WHERE _seq > {since}");
    assert_eq!(t.cost(&feed).await, (changes, 5, 0));
    let feed = format!("SELECT *, _seq, _deleted FROM t WHERE _seq > {since} AND _deleted IN (true, false)");
    // The last deletions came after the last rows of the history. None is younger than that day.
    let (rows, opened, blocks) = t.cost(&feed).await;
    assert_eq!((rows, opened), (changes + 10, 5));
    assert!((1..=2).contains(&blocks), "{blocks} of {DAYS} blocks");
    // The rows are what a query without any short cut gives.
    let mut found = t.run(&feed).await;
    let mut all = t.run("SELECT *, _seq, _deleted FROM t WHERE _deleted IN (true, false)").await;
    let since: i64 = since.parse().unwrap();
    all.retain(|row| row.split('|').nth(2).unwrap().parse::<i64>().unwrap() > since);
    found.sort();
    all.sort();
    assert!(found == all);

    // Nothing since: nothing is opened.
    let now = t.run("SELECT max(_seq) FROM t").await.remove(0);
    assert_eq!(
        t.cost(&format!("SELECT *, _seq, _deleted FROM t WHERE _seq > {now} AND _deleted IN (true, false)"))
            .await
            .1,
        0
    );
}

/// Every position of the history, so that every way to find the first block is gone.
#[tokio::test]
async fn no_deletion_is_left_out_wherever_a_client_was() {
    let mut t = Table::new().await;
    t.with_history().await;
    let all = t.run("SELECT _seq, id, _deleted FROM t WHERE _deleted IN (true, false) ORDER BY _seq").await;
    assert_eq!(all.iter().filter(|row| row.ends_with("true")).count() as i64, (DAYS - 1) * 10);
    for at in (0..all.len()).step_by(97).chain([all.len() - 1]) {
        let since = all[at].split('|').next().unwrap();
        let feed = format!(
            "SELECT _seq, id, _deleted FROM t WHERE _seq > {since} AND _deleted IN (true, false) ORDER BY _seq"
        );
        assert!(t.run(&feed).await == all[at + 1..], "since {since}");
    }
    // Late in the history few blocks are read.
    let late = all[all.len() - 5].split('|').next().unwrap().to_owned();
    let feed = format!("SELECT id, _deleted FROM t WHERE _seq > {late} AND _deleted IN (true, false)");
    let (rows, _, blocks) = t.cost(&feed).await;
    assert_eq!(rows, 4);
    assert!(blocks <= 2, "{blocks} of {DAYS} blocks");
}
