//! Benchmarks against peers: `bench NAME [--tiny] [--rows N] [--statements N] [--json FILE]`.
//!
//! Machines differ and are noisy, so that every figure is a ratio against a peer in the same run: medians
//! of repetitions that take turns.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that meets the unexpected has to stop there and say so"
)]

mod copy;
mod data;
mod duckdb;
mod feed;
mod flush;
mod insert;
mod lookup;
mod prune;
mod report;
mod scan;
mod versions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::report::Report;

/// The benchmarks: name, number in the performance page, what it does.
const BENCHMARKS: [(&str, &str, &str); 9] = [
    (
        "overlay",
        "1",
        "scan and aggregate cold rows, 1 % updated since and still hot; peer: DataFusion on the same files",
    ),
    (
        "scan",
        "2",
        "scan and aggregate cold rows, 5 % behind deletion vectors; peer: DataFusion on the same files",
    ),
    ("lookup", "4", "primary-key lookup, warm, in 100 files; peers: SQLite and DuckDB files"),
    ("insert", "6", "single-row INSERT, strict and relaxed; peer: SQLite (WAL, synchronous FULL and OFF)"),
    (
        "flush",
        "8",
        "flush of fresh rows, and over all keys; peer: the same batch written as Parquet and synced",
    ),
    (
        "prune",
        "9",
        "leave out files by the manifest, of 10 to 100,000; peers: the same of fewer files, and 5 ms",
    ),
    ("feed", "10", "10 k changes after a _seq, half hot, half cold; peer: 50 ms"),
    ("versions", "11", "query by key, of keys with 1, 10 and 100 hot versions; peer: 1 version"),
    ("copy", "-", "COPY of ten million rows of CSV in scattered order: time and memory; no peer"),
];

/// How large and how often.
#[derive(Debug, Clone)]
pub struct Size {
    /// Rows of the table.
    pub rows: usize,
    /// Files that they lie in, for `lookup`.
    pub files: usize,
    /// Single statements of a repetition.
    pub statements: usize,
    /// Repetitions, of which the median counts.
    pub repetitions: usize,
    /// Only to see that it runs.
    pub tiny: bool,
}

#[derive(Parser)]
#[command(about = "Benchmarks of FirnDB against peers in the same run")]
struct Arguments {
    /// Which: overlay, scan, lookup, insert, flush, prune, feed, versions, copy, all; list names them
    name: String,
    /// A size that only shows that it runs; the figures mean nothing
    #[arg(long)]
    tiny: bool,
    /// Rows of the table
    #[arg(long)]
    rows: Option<usize>,
    /// Single statements of a repetition
    #[arg(long)]
    statements: Option<usize>,
    /// Where the results go as JSON, too
    #[arg(long)]
    json: Option<PathBuf>,
    /// Directory for the stores, on the disk to measure; a temporary one otherwise
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Arguments {
    fn size(&self, benchmark: &str) -> Size {
        let default = match benchmark {
            "flush" => 1_000_000,
            "copy" => 10_000_000,
            _ => 2_000_000,
        };
        if self.tiny {
            return Size { rows: 5_000, files: 5, statements: 5, repetitions: 1, tiny: true };
        }
        let rows = self.rows.unwrap_or(default);
        // A whole table goes into each repetition of a flush.
        let repetitions = if benchmark == "flush" { 3 } else { 7 };
        Size { rows, files: 100, statements: self.statements.unwrap_or(200), repetitions, tiny: false }
    }
}

async fn run(benchmark: &str, size: &Size, dir: &std::path::Path) -> Report {
    let mut report = Report::new(benchmark, size);
    match benchmark {
        "overlay" => scan::overlay(size, dir, &mut report).await,
        "feed" => feed::run(size, dir, &mut report).await,
        "versions" => versions::run(size, dir, &mut report).await,
        "scan" => scan::run(size, dir, &mut report).await,
        "lookup" => lookup::run(size, dir, &mut report).await,
        "copy" => copy::run(size, dir, &mut report).await,
        "prune" => prune::run(size, dir, &mut report).await,
        "insert" => insert::run(size, dir, &mut report).await,
        _ => flush::run(size, dir, &mut report).await,
    }
    report
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<&str> = BENCHMARKS
        .iter()
        .filter(|(name, row, _)| [*name, *row, "all"].contains(&arguments.name.as_str()))
        .map(|(name, ..)| *name)
        .collect();
    if chosen.is_empty() {
        for (name, row, what) in BENCHMARKS {
            println!("{name:8} row {row}: {what}");
        }
        return if arguments.name == "list" { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    let mut reports = Vec::new();
    for name in chosen {
        let temporary = match &arguments.dir {
            Some(dir) => tempfile::tempdir_in(dir).expect("a directory to work in"),
            None => tempfile::tempdir().expect("a directory to work in"),
        };
        let report = run(name, &arguments.size(name), temporary.path()).await;
        println!("{report}");
        reports.push(report.to_json());
    }
    if let Some(path) = arguments.json {
        let text = serde_json::to_string_pretty(&reports).expect("JSON");
        std::fs::write(&path, text + "\n").expect("the JSON file can be written");
    }
    ExitCode::SUCCESS
}
