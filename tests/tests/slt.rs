//! The SQL corpus, three ways from the same files: `slt/**/*.slt` with every row hot, with every row
//! cold, and mixed at random.
//!
//! `FIRNDB_SLT=insert` runs only the files with that in their path; `FIRNDB_SEED` reseeds the mix.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::Path;

use firndb_tests::corpus::{Mode, files, run_file};
use firndb_tests::seed;

async fn run_all(mode: Mode) {
    let paths = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("slt"));
    assert!(!paths.is_empty(), "the corpus is empty");
    let (mut records, mut flushes, mut failed) = (0, 0, Vec::new());
    let count = paths.len();
    for path in paths {
        let name = path.display().to_string();
        // A task of its own, so that a panic fails the file and not the run.
        match tokio::spawn(run_file(path, mode)).await {
            Ok(report) => {
                records += report.records;
                flushes += report.flushes;
                failed.extend(report.failures.into_iter().map(|f| format!("[{mode}] {f}")));
            }
            Err(panic) => failed.push(format!("[{mode}] {name}: {panic}")),
        }
    }
    println!("{mode}: {count} files, {records} statements and queries, {flushes} flushes");
    assert!(failed.is_empty(), "{} failures:\n\n{}", failed.len(), failed.join("\n"));
    assert!(mode == Mode::Hot || flushes > 0, "nothing was flushed: the run tested one tier only");
}

#[test]
fn every_file_is_in_the_table_of_promises() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let table = std::fs::read_to_string(dir.join("README.md")).unwrap();
    let names = files(&dir).into_iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let missing: Vec<String> = names.filter(|name| !table.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in tests/slt/README.md: {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_with_every_row_hot() {
    run_all(Mode::Hot).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_with_every_row_cold() {
    run_all(Mode::Cold).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_with_random_flushes() {
    run_all(Mode::Mixed(seed::from_env())).await;
}
