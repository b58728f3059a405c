//! Runs the SQL corpus: every `.slt` file on a store of its own, hot, cold or mixed.
//!
//! A file says only what PostgreSQL would answer; the mode decides in which tier the rows lie.
//! `connection` names choose who is asking: `user_alice`, `service_alice` and `dba_alice` are sessions
//! of alice in that role, any other name is the owner of the store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use firndb_core::{Config, Engine, Error, Outcome, Role, Session};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqllogictest::{AsyncDB, Connection, DBOutput, Record, Runner, strict_column_validator};

use crate::ask::session_of;
use crate::lasting::Lasting;
use crate::render::{Letter, letters, rows};

/// How long a statement may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// In which tier the rows of a run lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No flush but those in the file.
    Hot,
    /// A flush of everything after every write.
    Cold,
    /// A flush of everything after a write now and then, decided by this seed.
    Mixed(u64),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hot => f.write_str("hot"),
            Self::Cold => f.write_str("cold"),
            Self::Mixed(seed) => write!(f, "mixed, seed {seed}"),
        }
    }
}

/// What became of one file.
#[derive(Debug)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Statements and queries in it.
    pub records: usize,
    /// Flushes that wrote a file while it ran.
    pub flushes: u64,
    /// What was not as it says, with lines.
    pub failures: Vec<String>,
}

/// The files of the corpus under `dir`, sorted; only those whose path contains `FIRNDB_SLT`, if set.
///
/// # Panics
/// When `dir` cannot be listed.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let only = std::env::var("FIRNDB_SLT").unwrap_or_default();
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "slt") && path.to_string_lossy().contains(&only) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Runs one file to its end, going on after a failure.
///
/// # Panics
/// When the file cannot be read or an empty store not be opened.
pub async fn run_file(path: PathBuf, mode: Mode) -> FileReport {
    let mut failures = Vec::new();
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let name = Arc::new(Mutex::new(Connection::Default));
    let dice = match mode {
        Mode::Mixed(seed) => seed,
        Mode::Hot | Mode::Cold => 0,
    };
    let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(dice)));
    let mut runner = Runner::new({
        let (engine, name) = (engine.clone(), Arc::clone(&name));
        move || {
            let (engine, name, dice) = (engine.clone(), name.lock().unwrap().clone(), Arc::clone(&dice));
            async move {
                let session = session_named(&engine, &name).await;
                Ok(Client { session, engine, mode, dice })
            }
        }
    });
    runner.with_column_validator(strict_column_validator);
    let mut records = 0;
    for record in sqllogictest::parse_file::<Letter>(&path).unwrap() {
        match &record {
            Record::Statement { connection, .. } | Record::Query { connection, .. } => {
                records += 1;
                *name.lock().unwrap() = connection.clone();
            }
            Record::Let { connection, .. } => *name.lock().unwrap() = connection.clone(),
            Record::Halt { .. } => break,
            _ => {}
        }
        if let Err(e) = runner.run_async(record).await {
            failures.push(e.display(false).to_string());
        }
    }
    FileReport { path, records, flushes: engine.stats().flushes, failures }
}

async fn session_named(engine: &Engine, name: &Connection) -> Session {
    let Connection::Named(name) = name else { return engine.session() };
    let role = match name.split_once('_') {
        Some(("user", _)) => Role::User,
        Some(("service", _)) => Role::Service,
        Some(("dba", _)) => Role::Dba,
        _ => return engine.session(),
    };
    let (_, subject) = name.split_once('_').unwrap();
    session_of(engine, subject, role).await
}

/// One session, flushing as its mode says.
struct Client {
    session: Session,
    engine: Engine,
    mode: Mode,
    dice: Arc<Mutex<StdRng>>,
}

/// An error as the corpus matches it: the kind, then the message.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self(format!("{}: {e}", e.kind()))
    }
}

impl Client {
    fn flushes_now(&self) -> bool {
        match self.mode {
            Mode::Hot => false,
            Mode::Cold => true,
            Mode::Mixed(_) => self.dice.lock().unwrap().random_bool(0.4),
        }
    }

    async fn flush_after(&self, sql: &str) -> Result<(), Failure> {
        if self.session.in_transaction() || !writes(sql) || !self.flushes_now() {
            return Ok(());
        }
        let flushed = self.engine.session().execute("STORAGE FLUSH ALL").await;
        flushed.map(|_| ()).map_err(|e| Failure(format!("the flush after it failed: {}: {e}", e.kind())))
    }
}

/// Whether `sql` may leave rows in the hot tier.
fn writes(sql: &str) -> bool {
    let first: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let reads = ["SELECT", "WITH", "VALUES", "SHOW", "EXPLAIN", "STORAGE", "BEGIN", "ROLLBACK"];
    !reads.iter().any(|r| first.eq_ignore_ascii_case(r))
}

#[async_trait]
impl AsyncDB for Client {
    type Error = Failure;
    type ColumnType = Letter;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, Failure> {
        let stuck = |_| Failure(format!("no answer in {} s", PATIENCE.as_secs()));
        let mut outcomes =
            tokio::time::timeout(PATIENCE, self.session.execute(sql)).await.map_err(stuck)??;
        tokio::time::timeout(PATIENCE, self.flush_after(sql)).await.map_err(stuck)??;
        Ok(match outcomes.pop() {
            Some(outcome @ Outcome::Rows { .. }) => {
                let rows = rows(&outcome);
                let Outcome::Rows { schema, .. } = outcome else { unreachable!() };
                let texts = rows.iter().map(|row| row.iter().map(crate::render::Cell::text).collect());
                DBOutput::Rows { types: letters(&schema), rows: texts.collect() }
            }
            Some(Outcome::Affected(count)) => DBOutput::StatementComplete(count),
            Some(Outcome::Done(_)) | None => DBOutput::StatementComplete(0),
        })
    }

    async fn shutdown(&mut self) {}
}
