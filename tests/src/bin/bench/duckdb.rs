//! DuckDB as a peer: its Python package in a child process that keeps its own time.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::Size;

/// The version that is installed where none is there.
const VERSION: &str = "2.0.0";

const SCRIPT: &str = r#"
import sys, time, duckdb
path, parquet = sys.argv[1], sys.argv[2]
connection = duckdb.connect(path)
connection.execute("SET enable_progress_bar = false")
connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, g INTEGER, a BIGINT, f DOUBLE, s VARCHAR)")
connection.execute("INSERT INTO t SELECT * FROM read_parquet(?)", [parquet])
connection.execute("CHECKPOINT")
print(duckdb.__version__, flush=True)
for line in sys.stdin:
    ids = [int(word) for word in line.split()]
    start = time.perf_counter()
    for i in ids:
        row = connection.execute("SELECT id, g, a, f, s FROM t WHERE id = $1", [i]).fetchone()
        assert row[0] == i
    print(time.perf_counter() - start, flush=True)
"#;

/// A running child with the table in a file of DuckDB.
pub struct DuckDb {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    version: String,
}

impl DuckDb {
    /// Starts it and loads the table; why not, if it cannot.
    pub fn start(file: &Path, size: &Size) -> Result<Self, String> {
        let python = python(size.tiny)?;
        let parquet = file.with_extension("parquet");
        write_parquet(&parquet, size.rows);
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .args([file, &parquet])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| e.to_string())?;
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped"));
        let mut peer = Self { child, to, from, version: String::new() };
        peer.version = peer.line()?;
        Ok(peer)
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The time it takes to look these keys up one by one.
    pub fn lookups(&mut self, ids: &[i64]) -> Duration {
        let line = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        writeln!(self.to, "{line}").expect("the child reads");
        let seconds = self.line().expect("the child answers");
        Duration::from_secs_f64(seconds.parse().expect("seconds"))
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.from.read_line(&mut line) {
            Ok(0) => Err("its process ended".to_owned()),
            Ok(_) => Ok(line.trim().to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A Python with the package: the one on the path, or one of our own in the user's cache.
fn python(tiny: bool) -> Result<PathBuf, String> {
    let has_it = |python: &Path| {
        let check = Command::new(python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
        check.is_ok_and(|s| s.success())
    };
    let system = PathBuf::from("python3");
    if has_it(&system) {
        return Ok(system);
    }
    let home = std::env::var_os("HOME").ok_or("no home directory")?;
    let environment = PathBuf::from(home).join(".cache/firndb/bench-python");
    let own = environment.join("bin/python");
    if has_it(&own) {
        return Ok(own);
    }
    if tiny {
        return Err("it is not installed, and a tiny run installs nothing".to_owned());
    }
    eprintln!("installing duckdb {VERSION} into {}", environment.display());
    let run = |command: &mut Command| match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(e) => Err(format!("{command:?}: {e}")),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    run(Command::new(&own).args(["-m", "pip", "install", "--quiet"]).arg(format!("duckdb=={VERSION}")))?;
    Ok(own)
}

fn write_parquet(path: &Path, rows: usize) {
    let file = std::fs::File::create(path).expect("a file");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, crate::data::schema(), None).expect("a writer");
    let ids: Vec<i64> = (0..rows as i64).collect();
    for chunk in ids.chunks(100_000) {
        writer.write(&crate::data::batch(chunk)).expect("rows");
    }
    writer.close().expect("an end");
}
