//! DataFusion's own SQL tests, through FirnDB's tables: every file of `datafusion-sqllogictest` that
//! `datafusion/skipped.txt` does not name, each on a store of its own. Tables without a key get a hidden one
//! behind a view.
//!
//! `FIRNDB_SUITE=window` runs only the files with that in their path. Where the crate can neither be found
//! nor downloaded, the test says so and passes, unless `FIRNDB_REQUIRE_ORACLES` is set.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use firndb_tests::suite::excuses::Excuses;
use firndb_tests::suite::{FileReport, fetch, run_file};

/// How many files with tables have to be run, if all are.
const FILES_WITH_TABLES: usize = 100;

/// Plans of generated SQL are deep, and the stack frames of an unoptimised build large.
const STACK: usize = 64 << 20;

#[test]
fn datafusion_answers_the_same_through_firndb_tables() {
    let suite = match fetch() {
        Ok(suite) => suite,
        Err(why) => {
            assert!(std::env::var_os("FIRNDB_REQUIRE_ORACLES").is_none(), "{why}");
            eprintln!("DataFusion's own tests were not run: {why}");
            return;
        }
    };
    let excuses = Arc::new(Excuses::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("datafusion")));
    let all = suite.files();
    assert!(excuses.of_nothing(&all).is_empty(), "listed, but no file: {:?}", excuses.of_nothing(&all));
    let only = std::env::var("FIRNDB_SUITE").unwrap_or_default();
    let (skipped, run): (Vec<String>, Vec<String>) =
        all.into_iter().filter(|name| name.contains(&only)).partition(|name| excuses.of_file(name).is_some());
    let reports = run_all(&suite.dir, Arc::new(run), &excuses);
    summarize(&suite.version, &skipped, &excuses, &reports);
    let failures: Vec<&String> = reports.values().flat_map(|report| &report.failures).collect();
    let shown: Vec<String> = failures.iter().map(|failure| (*failure).clone()).collect();
    assert!(failures.is_empty(), "{} surprises:\n\n{}", failures.len(), shown.join("\n\n"));
    let with_tables = reports.values().filter(|report| report.tables > 0).count();
    assert!(
        !only.is_empty() || with_tables >= FILES_WITH_TABLES,
        "{with_tables} files create tables, expected at least {FILES_WITH_TABLES}"
    );
}

/// Runs the files on as many threads as there are processors.
fn run_all(dir: &Path, files: Arc<Vec<String>>, excuses: &Arc<Excuses>) -> BTreeMap<String, FileReport> {
    let next = Arc::new(AtomicUsize::new(0));
    let reports = Arc::new(Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (files, next, reports) = (Arc::clone(&files), Arc::clone(&next), Arc::clone(&reports));
            let (excuses, dir) = (Arc::clone(excuses), dir.to_owned());
            let work = move || {
                while let Some(name) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = run_guarded(&dir, name, &excuses);
                    reports.lock().unwrap().insert(name.clone(), report);
                }
            };
            std::thread::Builder::new().stack_size(STACK).spawn(work).unwrap()
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    std::mem::take(&mut *reports.lock().unwrap())
}

/// A panic fails the file and not the run.
fn run_guarded(dir: &Path, name: &str, excuses: &Excuses) -> FileReport {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run_file(dir, name, excuses))
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        FileReport {
            failures: vec![format!("{name}: {}", what.unwrap_or_default())],
            ..FileReport::default()
        }
    })
}

fn summarize(version: &str, skipped: &[String], excuses: &Excuses, reports: &BTreeMap<String, FileReport>) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, report) in reports {
        let excused: usize = report.excused.values().sum();
        println!(
            "{name}: {} records, {} passed, {excused} excused, {} surprises, {} tables",
            report.records,
            report.passed,
            report.failures.len(),
            report.tables
        );
        for (reason, count) in &report.excused {
            *reasons.entry(reason).or_default() += count;
        }
        report
            .stale
            .iter()
            .for_each(|entry| println!("    answered as it says, take it off the list: {entry}"));
    }
    println!("\nnot run:");
    skipped.iter().for_each(|name| println!("{name}: {}", excuses.of_file(name).unwrap_or_default()));
    println!("\nexcused:");
    reasons.iter().for_each(|(reason, count)| println!("{count:>6} {reason}"));
    let sum = |count: fn(&FileReport) -> usize| reports.values().map(count).sum::<usize>();
    println!(
        "\nDataFusion {version}: {} files run, {} of them create tables, {} skipped; {} records, {} passed, {} excused, \
         {} surprises",
        reports.len(),
        reports.values().filter(|report| report.tables > 0).count(),
        skipped.len(),
        sum(|r| r.records),
        sum(|r| r.passed),
        sum(|r| r.excused.values().sum()),
        sum(|r| r.failures.len()),
    );
}
