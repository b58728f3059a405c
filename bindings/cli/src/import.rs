//! `firndb import`: files into a table, each whole or in pieces that are accounted for.

use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use firndb_core::{Engine, Error, ErrorKind, Result, Session};

use crate::args::ImportArgs;
use crate::failure;
use crate::progress::{bar, spinner};
use crate::render::{counted, duration};
use crate::source::Source;
use crate::store;
use crate::target::{Fit, TableName, columns_of, create_table};

/// Runs the command.
pub async fn run(args: ImportArgs) -> failure::Outcome {
    let (table, sources) = inputs(&args)?;
    let engine = store::open_or_create(&args.store.dir, args.store.blobs.as_deref()).await?;
    let done = import(&engine, &args, &table, &sources).await;
    store::finish(&engine, done).await
}

/// As the command, into a store that is open.
///
/// # Errors
/// Those of the command.
pub async fn into(engine: &Engine, args: &ImportArgs) -> Result<()> {
    let (table, sources) = inputs(args)?;
    import(engine, args, &table, &sources).await
}

fn inputs(args: &ImportArgs) -> Result<(TableName, Vec<Source>)> {
    let table = TableName::parse(&args.table)?;
    let sources = args.files.iter().map(|f| Source::open(f, &args.csv.null)).collect::<Result<Vec<_>>>()?;
    if args.skip_rows > 0 && sources.len() > 1 {
        return Err(Error::invalid("--skip-rows goes with one file"));
    }
    Ok((table, sources))
}

async fn import(engine: &Engine, args: &ImportArgs, table: &TableName, sources: &[Source]) -> Result<()> {
    let mut session = store::session(engine, &args.who)?;
    if args.create {
        let Some(first) = sources.first() else { return Err(Error::invalid("no files")) };
        let definition = create_table(table, args.kind, first.typed_schema()?.as_ref(), &args.key)?;
        if let Some(namespace) = table.namespace() {
            session.execute(&format!("CREATE NAMESPACE IF NOT EXISTS {namespace}")).await?;
        }
        session.execute(&definition).await?;
        eprintln!("created table {}", table.sql());
    }
    let loaded = load_all(&mut session, args, table, sources).await;
    if let (true, Err((_, 0))) = (args.create, &loaded) {
        // Nothing went in, so nothing that this command made stays.
        match session.execute(&format!("DROP TABLE {}", table.sql())).await {
            Ok(_) => eprintln!("dropped table {}, into which nothing went", table.sql()),
            Err(e) => eprintln!("warning: table {} is empty and could not be dropped: {e}", table.sql()),
        }
    }
    loaded.map_err(|(e, _)| e)
}

/// Loads every file; an error comes with how many rows of all files are in the table.
async fn load_all(
    session: &mut Session,
    args: &ImportArgs,
    table: &TableName,
    sources: &[Source],
) -> Result<(), (Error, u64)> {
    let target = columns_of(session, table).await.map_err(|e| (e, 0))?;
    // Every file is matched before any is loaded.
    let fits = sources.iter().map(|s| Fit::of(s, table, &target)).collect::<Result<Vec<_>>>();
    let fits = fits.map_err(|e| (e, 0))?;
    let mut before = 0;
    for (source, fit) in sources.iter().zip(&fits) {
        let mut tally = Tally::new(source.path(), table, args.skip_rows);
        let load = Load { table, source, fit, skip: args.skip_rows };
        let loaded = match args.flush_rows {
            Some(piece) => load.in_pieces(session, piece, &mut tally).await,
            None => load.whole(session, &mut tally).await,
        };
        before += tally.committed;
        match loaded {
            Ok(()) => tally.complete(),
            Err(e) => return Err((tally.explain(e, args.flush_rows.is_some()), before)),
        }
    }
    Ok(())
}

/// One file on its way into one table.
struct Load<'a> {
    table: &'a TableName,
    source: &'a Source,
    fit: &'a Fit,
    skip: u64,
}

impl Load<'_> {
    /// All rows in one transaction.
    async fn whole(&self, session: &mut Session, tally: &mut Tally<'_>) -> Result<()> {
        session.execute("BEGIN").await?;
        let loaded = self.each(session, None, &mut Tally::quiet(tally)).await;
        match loaded {
            Ok(rows) => {
                commit(session, tally).await?;
                tally.committed = rows;
                Ok(())
            }
            Err(e) => {
                if session.in_transaction() {
                    session.execute("ROLLBACK").await?;
                }
                Err(e)
            }
        }
    }

    /// Rows in pieces of `piece`, each committed and flushed.
    async fn in_pieces(&self, session: &mut Session, piece: u64, tally: &mut Tally<'_>) -> Result<()> {
        let loaded = self.each(session, Some(piece), tally).await.map(|_| ());
        if session.in_transaction() {
            session.execute("ROLLBACK").await?;
        }
        loaded
    }

    /// Inserts the rows, in pieces if there is a limit; returns how many there were.
    async fn each(&self, session: &mut Session, piece: Option<u64>, tally: &mut Tally<'_>) -> Result<u64> {
        let (total, unit) = self.source.total();
        let bar = bar(total, unit, name_of(self.source.path()));
        let mut skip = self.skip;
        let mut rows = 0;
        let mut waiting = Waiting::default();
        for batch in self.source.read(&self.fit.columns, &self.fit.types())? {
            let (batch, at) = batch?;
            let left_out = skip.min(batch.num_rows() as u64);
            skip -= left_out;
            let batch = batch.slice(as_usize(left_out), batch.num_rows() - as_usize(left_out));
            let mut batch = self.fit.cast(&batch)?;
            while batch.num_rows() > 0 {
                let room = piece.map_or(u64::MAX, |p| p - waiting.rows);
                let taken = batch.num_rows().min(as_usize(room));
                waiting.push(batch.slice(0, taken));
                batch = batch.slice(taken, batch.num_rows() - taken);
                if piece.is_none_or(|p| waiting.rows == p) {
                    rows += self.insert(session, &mut waiting, piece.is_some(), tally).await?;
                }
            }
            bar.set_position(at);
            // Who interrupts the import need not wait for its end.
            tokio::task::yield_now().await;
        }
        if waiting.rows > 0 {
            rows += self.insert(session, &mut waiting, piece.is_some(), tally).await?;
        }
        bar.finish_and_clear();
        Ok(rows)
    }

    async fn insert(
        &self,
        session: &mut Session,
        waiting: &mut Waiting,
        flush: bool,
        tally: &mut Tally<'_>,
    ) -> Result<u64> {
        let batches = std::mem::take(waiting).batches;
        // A piece is one transaction of its own; without pieces the whole file already is one.
        if flush {
            session.execute("BEGIN").await?;
        }
        let rows = session.insert_batches(&self.table.plain(), batches).await?;
        if flush {
            commit(session, tally).await?;
        }
        tally.committed += rows;
        if flush {
            session.execute(&format!("STORAGE FLUSH TABLE {}", self.table.sql())).await?;
        }
        Ok(rows)
    }
}

/// Commits; while it is on its way the tally knows that the outcome is not known.
async fn commit(session: &mut Session, tally: &mut Tally<'_>) -> Result<()> {
    tally.deciding = true;
    let working = spinner("committing");
    let verdict = session.execute("COMMIT").await;
    working.finish_and_clear();
    tally.deciding = false;
    verdict.map(|_| ())
}

/// Rows that go in together.
#[derive(Default)]
struct Waiting {
    rows: u64,
    batches: Vec<RecordBatch>,
}

impl Waiting {
    fn push(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows() as u64;
        self.batches.push(batch);
    }
}

/// What of a file is in the table, told when the load stops, also when it is interrupted.
struct Tally<'a> {
    path: &'a Path,
    table: &'a TableName,
    skipped: u64,
    committed: u64,
    started: Instant,
    /// A commit is on its way and its outcome not known.
    deciding: bool,
    told: bool,
}

impl<'a> Tally<'a> {
    fn new(path: &'a Path, table: &'a TableName, skipped: u64) -> Self {
        Self { path, table, skipped, committed: 0, started: Instant::now(), deciding: false, told: false }
    }

    /// A tally for rows of a transaction, which count only when it commits.
    fn quiet<'b>(of: &'b Tally<'a>) -> Tally<'b> {
        let mut quiet = Tally::new(of.path, of.table, of.skipped);
        quiet.told = true;
        quiet
    }

    fn complete(&mut self) {
        self.told = true;
        let (rows, took) = (counted(self.committed, "row", "rows"), duration(self.started.elapsed()));
        eprintln!("{}: {rows} into {} in {took}", name_of(self.path), self.table.sql());
    }

    /// The error with what it means for the table.
    fn explain(&mut self, e: Error, in_pieces: bool) -> Error {
        self.told = true;
        let e = e.context(format!("importing {}", self.path.display()));
        let e = match self.state() {
            Some(state) => e.context(state),
            None => e.context("nothing of the file went in"),
        };
        if e.kind() == ErrorKind::LimitExceeded && !in_pieces {
            return e.with_hint("--flush-rows N loads a file in pieces");
        }
        e
    }

    fn state(&self) -> Option<String> {
        let last = self.skipped + self.committed;
        (self.committed > 0).then(|| {
            format!(
                "rows {} to {last} of the file are in the table, the others are not; --skip-rows {last} goes on",
                self.skipped + 1,
            )
        })
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let state = self.state().unwrap_or_else(|| "nothing of the file went in".to_owned());
        let unsure = if self.deciding { "; whether the rows being committed are is not known" } else { "" };
        eprintln!("stopped in {}: {state}{unsure}", self.path.display());
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
