//! Random histories against SQLite: what is affected, answered and kept has to be the same, whatever
//! tier the rows lie in and whoever else is at work.
//!
//! `FIRNDB_SEED` is the seed, `FIRNDB_STATEMENTS` the number of statements (a fifth of them on RocksDB and
//! files). A run that did not meet the interesting cases often enough proves little, and fails.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use firndb_core::Config;
use firndb_core::storage::{ManualClock, SeededRng, Stores};
use firndb_tests::duel::{Counts, Duel, Reopen};
use firndb_tests::lasting::{Lasting, START_MS};
use firndb_tests::{seed, setting};

/// The share of the statements that runs on disk.
const ON_DISK: u64 = 5;

fn statements() -> u64 {
    seed::number("FIRNDB_STATEMENTS", 10_000)
}

async fn run(name: &str, seed: u64, steps: u64, config: Config, clock: Arc<ManualClock>, reopen: Reopen) {
    println!("{name}: seed {seed}, {steps} statements");
    let mut duel = Duel::new(seed, config, clock, reopen).await;
    match duel.run(steps).await {
        Ok(counts) => judge(name, seed, &counts),
        Err(difference) => panic!("{name}, FIRNDB_SEED={seed}, {difference}"),
    }
}

fn judge(name: &str, seed: u64, counts: &Counts) {
    println!("{name}: {counts:#?}");
    let least = |what: &str, found: u64, one_in: u64| {
        let wanted = counts.steps / one_in;
        assert!(found >= wanted, "{name}, FIRNDB_SEED={seed}: {what} {found}, expected at least {wanted}");
    };
    least("cold rows updated", counts.cold_rows_updated, 10);
    least("rows hidden by deletion vectors", counts.deletion_vector_rows_hidden, 4);
    least("conflicts", counts.conflicts, 500);
    least("flushes during an open snapshot", counts.flushes_under_snapshot, 100);
    least("statements during a flush", counts.statements_during_flushes, 400);
    least("commits", counts.commits, 100);
    least("reopenings", counts.reopenings, 1000);
    least("compactions", counts.compactions, 200);
    least("files collected", counts.files_collected, 20);
}

#[tokio::test]
async fn differential_in_memory() {
    let (seed, steps) = (seed::from_env(), statements() - statements() / ON_DISK);
    let lasting = Lasting::new(seed);
    let clock = Arc::clone(lasting.clock());
    let reopen: Reopen = Box::new(move || {
        let stores = lasting.stores();
        Box::pin(async move { stores })
    });
    // Small enough that scopes are put out of memory on the way.
    let config = setting::without_grace(setting::hot_bytes(256 * 1024));
    run("in memory", seed, steps, config, clock, reopen).await;
}

#[tokio::test]
async fn differential_on_rocksdb_and_files() {
    let (seed, steps) = (seed::from_env().wrapping_add(1), statements() / ON_DISK);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let clock = Arc::new(ManualClock::at_ms(START_MS));
    let rng = Arc::new(SeededRng::new(seed));
    let reopen: Reopen = {
        let clock = Arc::clone(&clock);
        Box::new(move || {
            let (path, clock, rng) = (path.clone(), Arc::clone(&clock), Arc::clone(&rng));
            Box::pin(async move {
                let opened = firndb_storage_native::open(&path, None).unwrap();
                Stores { clock, rng, ..opened }
            })
        })
    };
    run("on RocksDB and files", seed, steps, setting::without_grace(Config::default()), clock, reopen).await;
}
