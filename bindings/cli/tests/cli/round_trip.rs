//! TPC-H and the flights into a store and out of it again, with DuckDB as the judge of every row.
//!
//! `round_trip.py` does the work, in a Python that `cargo xtask setup` installs. At its full size, TPC-H at scale
//! factor 1 and three million flights, it takes minutes: `FIRNDB_ROUND_TRIP=full`.

use std::path::{Path, PathBuf};
use std::process::Command;

const SCRIPT: &str = include_str!("round_trip.py");

/// As `cargo xtask demo` fetches it.
const FLIGHTS: &str = "data/vega-datasets-3.2.1/package/data/flights-3m.parquet";

#[test]
fn tpch_and_flights_come_back_row_by_row() {
    let cache = cache();
    let (python, flights) = (cache.join("bench-python/bin/python"), cache.join(FLIGHTS));
    if let Some(missing) = missing(&python, &flights) {
        assert!(
            std::env::var_os("FIRNDB_REQUIRE_ORACLES").is_none(),
            "{missing}, and FIRNDB_REQUIRE_ORACLES is set: `cargo xtask setup` installs it"
        );
        println!("not compared with DuckDB: {missing}");
        return;
    }
    let full = std::env::var("FIRNDB_ROUND_TRIP").is_ok_and(|size| size == "full");
    let (scale, rows) = if full { ("1", "3000000") } else { ("0.01", "200000") };
    let place = tempfile::tempdir().unwrap();
    let judged = Command::new(python)
        .args(["-c", SCRIPT, env!("CARGO_BIN_EXE_firndb")])
        .arg(place.path())
        .arg(scale)
        .arg(flights)
        .arg(rows)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
    println!("{out}");
    assert!(judged.status.success(), "{err}");
    assert!(
        ["lineitem: ", "flights: ", "flights, compacted: "].iter().all(|part| out.contains(part)),
        "{out}"
    );
}

fn missing(python: &Path, flights: &Path) -> Option<String> {
    let has = Command::new(python).args(["-c", "import duckdb"]).output().is_ok_and(|o| o.status.success());
    let generator = python.with_file_name("tpchgen-cli");
    match (has, generator.is_file(), flights.is_file()) {
        (false, ..) => Some(format!("{} has no module duckdb", python.display())),
        (_, false, _) => Some(format!("{} is missing", generator.display())),
        (.., false) => Some(format!("{} is missing", flights.display())),
        _ => None,
    }
}

/// The user's directory for what can be made again.
fn cache() -> PathBuf {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_default().join("firndb")
}
