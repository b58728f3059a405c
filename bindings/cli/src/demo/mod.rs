//! `firndb demo`: what the engine does, told step by step on real data.

mod cold;
mod flights;
mod sessions;
mod stage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use firndb_core::{Engine, Error, Outcome, Result, Session};
use tempfile::TempDir;

use self::flights::Flights;
use self::stage::Stage;
use crate::args::DemoArgs;
use crate::failure::{self, Failure};
use crate::render::{cells, counted, grouped};
use crate::store;
use crate::tiers::Tiers;

/// The table that the demo is about.
const TABLE: &str = "demo.flights";

/// Runs the command.
pub async fn run(args: DemoArgs) -> failure::Outcome {
    let flights = Flights::open(args.flights.as_deref(), args.rows)?;
    let place = Place::of(&args)?;
    let engine = store::open_without_policies(place.dir()).await?;
    let session = engine.session();
    let stage = Stage::default();
    stage.line(format!("FirnDB: {} {}", grouped(flights.total), flights.title()))?;
    stage.line(format!(
        "Store: {} (hot rows in RocksDB, cold ones in Parquet files)",
        place.dir().display()
    ))?;
    let mut demo = Demo { dir: place.dir().to_owned(), engine, session, stage, answer: Vec::new() };
    demo.cold_rows(&flights).await?;
    demo.isolation().await?;
    demo.conflict().await?;
    demo.reopen().await?;
    demo.compact().await?;
    demo.summary().await?;
    drop(demo.session);
    demo.engine.close().await?;
    demo.stage.line(place.farewell())?;
    Ok(ExitCode::SUCCESS)
}

/// Where the store of the demo lies, and whether it stays.
enum Place {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Place {
    fn of(args: &DemoArgs) -> Result<Self> {
        if let Some(dir) = &args.dir {
            return Ok(Self::Kept(dir.clone()));
        }
        let made = tempfile::Builder::new().prefix("firndb-demo-").tempdir();
        let dir = made.map_err(|e| failure::file("create", &std::env::temp_dir(), &e))?;
        Ok(if args.keep { Self::Kept(dir.keep()) } else { Self::Temporary(dir) })
    }

    fn dir(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }

    /// Where to look further.
    fn farewell(&self) -> String {
        let (dir, fate) = match self {
            Self::Temporary(_) => ("DIR".to_owned(), "The store goes away now; `-d DIR` keeps it."),
            Self::Kept(dir) => (dir.display().to_string(), "The store stays."),
        };
        format!(
            "\n{fate} To look further:\n\
             \x20 firndb inspect {dir} {TABLE}\n\
             \x20 firndb sql -d {dir} \"SELECT * FROM {TABLE} LIMIT 5\"\n\
             \x20 duckdb -c \"SELECT count(*) FROM '{dir}/blobs/demo/flights-*/shared/*.parquet'\"\n\
             (Any Parquet reader will do. After more changes it sees the older versions too,\n\
             \x20until the next compaction.)"
        )
    }
}

/// The demo under way.
struct Demo {
    dir: PathBuf,
    engine: Engine,
    session: Session,
    stage: Stage,
    /// The latest answer to [`Demo::QUESTION`].
    answer: Vec<Vec<String>>,
}

impl Demo {
    /// What is asked again and again.
    const QUESTION: &str = "SELECT origin, count(*) AS flights, round(avg(delay), 2) AS avg_delay \
        FROM demo.flights GROUP BY origin ORDER BY flights DESC, origin LIMIT 5";

    /// Shows and runs a statement; its rows as text, or how many it changed.
    async fn run(&mut self, sql: &str) -> Result<Done, Failure> {
        self.stage.sql(sql)?;
        Ok(quietly(&mut self.session, sql).await?)
    }

    /// Asks the question and keeps the answer.
    async fn ask(&mut self) -> Result<Duration> {
        let done = quietly(&mut self.session, Self::QUESTION).await?;
        self.answer = done.rows;
        Ok(done.took)
    }

    /// Asks again and holds the answer against the one before.
    async fn ask_again(&mut self) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.answer);
        let took = self.ask().await?;
        if self.answer != before {
            return Err(Error::internal("the same question has got another answer").into());
        }
        self.stage.timed("The same question, the same answer.", took)
    }

    /// How many rows of the table lie where.
    async fn tiers(&self) -> Result<Tiers> {
        Ok(Tiers::of(&self.engine.inspect(Some(TABLE)).await?))
    }

    /// Shows the answer: text as it is, numbers as people write them.
    fn show_answer(&self) -> Result<(), Failure> {
        let rows = self.answer.iter().map(|row| {
            let cells = row.iter().map(|cell| match (cell.parse::<u64>(), cell.parse::<f64>()) {
                (Ok(n), _) => grouped(n),
                (_, Ok(x)) => format!("{x:.2}"),
                _ => cell.clone(),
            });
            cells.collect()
        });
        self.stage.columns(&rows.collect::<Vec<_>>())
    }

    async fn show_tiers(&self) -> Result<(), Failure> {
        self.stage.note(self.tiers().await?.to_string())
    }

    async fn summary(&mut self) -> Result<(), Failure> {
        self.stage.step("What is on disk")?;
        let inspected = self.engine.inspect(Some(TABLE)).await?;
        self.stage.columns(&crate::tiers::files(&inspected))
    }
}

/// What a statement did.
struct Done {
    rows: Vec<Vec<String>>,
    affected: u64,
    took: Duration,
}

impl Done {
    /// The first value of the first row.
    fn first(&self) -> String {
        self.rows.first().and_then(|r| r.first()).cloned().unwrap_or_default()
    }

    fn changed(&self) -> String {
        counted(self.affected, "row", "rows")
    }
}

/// Runs one statement without showing it.
async fn quietly(session: &mut Session, sql: &str) -> Result<Done> {
    let started = Instant::now();
    let outcome = session.query(sql, &[]).await?;
    let took = started.elapsed();
    Ok(match outcome {
        Outcome::Rows { batches, .. } => Done { rows: cells(&batches)?, affected: 0, took },
        Outcome::Affected(affected) => Done { rows: Vec::new(), affected, took },
        Outcome::Done(_) => Done { rows: Vec::new(), affected: 0, took },
    })
}
