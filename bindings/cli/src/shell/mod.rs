//! `firndb [shell] [DIR]`: an interactive shell.

mod command;
mod complete;
mod definition;
mod highlight;
mod interrupt;
mod keywords;
mod lines;
mod names;
mod pager;
mod typing;
mod view;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use clap::Parser;
use firndb_core::catalog::{Catalog, MAIN_NAMESPACE, TableDef};
use firndb_core::{CancelToken, Engine, Error, Outcome, Result, Session};

use crate::args::{self, Cli, Format, ShellArgs, SqlArgs};
use crate::failure::{self, Failure};
use crate::grid::{Column, boxed};
use crate::render::{counted, duration, grouped, terminal_width};
use crate::script::{Entry, Statement, entries, is_courtesy};
use crate::shell::command::Command;
use crate::shell::interrupt::Interrupts;
use crate::shell::lines::{Input, Lines, locked};
use crate::shell::names::Names;
use crate::shell::view::Mode;
use crate::target::TableName;
use crate::{import, inspect, sql, store};

/// Rows of a result that are shown unless told otherwise.
const ROWS_SHOWN: usize = 10_000;

/// How deep files that read files may go.
const READING_DEPTH: usize = 8;

/// Whether there is somebody to talk to, and not a script on standard input.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// Runs the command; `bare` is without the word `shell`, when a DIR must be there.
pub async fn run(args: ShellArgs, bare: bool) -> failure::Outcome {
    if let Some(dir) = args.dir.as_deref().filter(|dir| bare && !dir.exists()) {
        return Err(no_such_word(dir).into());
    }
    if !is_interactive() {
        return sql::run(SqlArgs {
            dir: args.dir,
            blobs: args.blobs,
            who: args.who,
            settings: args.settings,
            format: Format::default(),
            params: Vec::new(),
            file: None,
            quiet: false,
            sql: Some("-".to_owned()),
        })
        .await;
    }
    let engine = match &args.dir {
        Some(dir) => store::open_or_create(dir, args.blobs.as_deref(), &args.settings).await?,
        None => store::memory(&args.settings).await?,
    };
    let session = store::session(&engine, &args.who)?;
    greet(args.dir.as_deref());
    let mut shell = Shell::new(engine.clone(), session, args.who)?;
    let done = shell.converse().await;
    if shell.session.in_transaction() {
        eprintln!("the open transaction is rolled back");
    }
    drop(shell);
    store::finish(&engine, done).await
}

/// A word that is no command of the program and no directory.
fn no_such_word(word: &Path) -> Error {
    let shown = word.display();
    Error::invalid(format!("there is no command and no directory {shown}"))
        .with_hint(format!("`firndb help` lists the commands; `firndb shell {shown}` makes a store there"))
}

fn greet(dir: Option<&Path>) {
    println!("FirnDB {}: .help for help, .quit to leave", env!("CARGO_PKG_VERSION"));
    match dir {
        Some(dir) => println!("Store: {}", dir.display()),
        None => println!("A scratch store in memory; `firndb shell DIR` keeps one"),
    }
}

/// What goes on after an input.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Next, Failure>> + Send + 'a>>;

/// A conversation.
struct Shell {
    engine: Engine,
    session: Session,
    who: args::Who,
    interrupts: Interrupts,
    names: Arc<Mutex<Names>>,
    /// The definitions that `names` are of.
    known: Option<Arc<Catalog>>,
    mode: Mode,
    /// The mode to which `\x` goes back.
    mode_before: Mode,
    rows: usize,
    timed: bool,
    paged: bool,
    /// A statement of the open transaction failed.
    failed: bool,
}

impl Shell {
    fn new(engine: Engine, session: Session, who: args::Who) -> Result<Self> {
        Ok(Self {
            engine,
            session,
            who,
            interrupts: Interrupts::listen()?,
            names: Arc::default(),
            known: None,
            mode: Mode::default(),
            mode_before: Mode::default(),
            rows: ROWS_SHOWN,
            timed: true,
            paged: true,
            failed: false,
        })
    }

    /// Reads and runs until the end.
    async fn converse(&mut self) -> Result<(), Failure> {
        self.learn_names();
        let mut lines = Lines::start(Arc::clone(&self.names))?;
        loop {
            match lines.next(self.prompt()).await {
                Input::Text(text) => match self.run(&text, 0).await {
                    Ok(Next::GoOn) => {}
                    Ok(Next::Leave) => return Ok(()),
                    Err(failure) => {
                        if let Some(report) = failure.report() {
                            eprintln!("{report}");
                        }
                    }
                },
                Input::Dropped => {}
                Input::End => return Ok(()),
                Input::Failed(why) => {
                    return Err(Error::unavailable(format!("cannot read from the terminal: {why}")).into());
                }
            }
            self.learn_names();
        }
    }

    fn prompt(&self) -> String {
        let mark = match (self.session.in_transaction(), self.failed) {
            (false, _) => "",
            (true, false) => "*",
            (true, true) => "!",
        };
        format!("firn{mark}> ")
    }

    fn learn_names(&mut self) {
        let catalog = self.engine.catalog();
        if self.known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &catalog)) {
            *locked(&self.names) = Names::of(&catalog);
            self.known = Some(catalog);
        }
    }

    /// Runs the commands and statements of `text`, up to the first that fails.
    async fn run(&mut self, text: &str, depth: usize) -> Result<Next, Failure> {
        // Of the first statement, what comes before it is read counts too.
        let mut started = Some(Instant::now());
        if is_courtesy(text) {
            return self.command(text.trim(), depth).await;
        }
        for entry in entries(text) {
            match entry {
                Entry::Command { text, line } => {
                    let done = self.command(text, depth).await;
                    if self.placed(done, text, line, depth)? == Next::Leave {
                        return Ok(Next::Leave);
                    }
                }
                Entry::Statement(statement) => {
                    let started = started.take().unwrap_or_else(Instant::now);
                    self.statement(&statement, started).await?;
                }
            }
        }
        Ok(Next::GoOn)
    }

    /// In a file it is said which of its commands failed.
    fn placed(
        &self,
        done: Result<Next, Failure>,
        command: &str,
        line: u64,
        depth: usize,
    ) -> Result<Next, Failure> {
        match done {
            Err(Failure::Engine(e)) if depth > 0 && e.position().is_none() => {
                Err(e.context(format!("{command}, line {line}")).into())
            }
            other => other,
        }
    }

    async fn statement(&mut self, statement: &Statement<'_>, started: Instant) -> Result<(), Failure> {
        let token = CancelToken::new();
        self.session.set_cancel(token.clone());
        let watch = self.interrupts.watch(token);
        let outcomes = self.session.execute(statement.text).await;
        drop(watch);
        self.failed = self.session.in_transaction() && (self.failed || outcomes.is_err());
        let outcomes = outcomes.map_err(|e| e.within(statement.start))?;
        for outcome in &outcomes {
            self.show(outcome, started)?;
        }
        if !self.session.in_transaction() {
            store::settle(&self.engine).await;
        }
        Ok(())
    }

    /// Shows what a statement answered that began at `started`: until it is drawn it takes time.
    fn show(&self, outcome: &Outcome, started: Instant) -> Result<(), Failure> {
        let mut took = None;
        let said = match outcome {
            Outcome::Rows { schema, batches } => {
                let all: usize = batches.iter().map(|b| b.num_rows()).sum();
                let shown = if self.rows == 0 { all } else { all.min(self.rows) };
                let mut left = shown;
                let mut first = Vec::new();
                for batch in batches {
                    let taken = batch.num_rows().min(left);
                    left -= taken;
                    first.push(batch.slice(0, taken));
                }
                let text = view::show(self.mode, schema, &first, terminal_width())?;
                // How long somebody reads in the pager is theirs.
                took = Some(started.elapsed());
                self.print(&text)?;
                let rows = counted(all as u64, "row", "rows");
                if shown < all {
                    format!("{rows}, the first {} shown; .rows 0 shows all", grouped(shown as u64))
                } else {
                    rows
                }
            }
            Outcome::Affected(rows) => format!("{} affected", counted(*rows, "row", "rows")),
            Outcome::Done(what) => what.clone(),
        };
        if self.timed {
            eprintln!("{said} ({})", duration(took.unwrap_or_else(|| started.elapsed())));
        } else {
            eprintln!("{said}");
        }
        Ok(())
    }

    /// Prints on standard output, through the pager where that is wanted and a person reads.
    fn print(&self, text: &str) -> Result<(), Failure> {
        tokio::task::block_in_place(|| pager::print(text, self.paged))
    }

    async fn command(&mut self, text: &str, depth: usize) -> Result<Next, Failure> {
        match command::parse(text)? {
            Command::Help => self.print(&format!("{}\n", command::help(terminal_width())))?,
            Command::Tables => self.tables()?,
            Command::Schema(table) => self.schema(table.as_deref())?,
            Command::Inspect(table) => {
                let table = table.as_deref().map(TableName::parse).transpose()?;
                let inspected = self.engine.inspect(table.as_ref().map(TableName::plain).as_deref()).await?;
                let text = inspect::describe(&inspected, table.is_some());
                self.print(&text)?;
            }
            Command::Mode(None) => println!("the mode is {}", self.mode.name()),
            Command::Mode(Some(mode)) => (self.mode, self.mode_before) = (mode, self.mode),
            Command::Expanded => {
                let other = if self.mode == Mode::Line { self.mode_before } else { Mode::Line };
                (self.mode, self.mode_before) = (other, self.mode);
                println!("the mode is {}", self.mode.name());
            }
            Command::Timer(on) => {
                self.timed = on.unwrap_or(!self.timed);
                println!("the timer is {}", on_or_off(self.timed));
            }
            Command::Pager(on) => {
                self.paged = on.unwrap_or(!self.paged);
                println!("the pager is {}", on_or_off(self.paged));
            }
            Command::Rows(rows) => {
                self.rows = rows.unwrap_or(self.rows);
                match self.rows {
                    0 => println!("all rows are shown"),
                    rows => println!("at most {} shown", counted(rows as u64, "row is", "rows are")),
                }
            }
            Command::Import(arguments) => self.import(&arguments).await?,
            Command::Read(path) => return self.read(&path, depth).await,
            Command::Quit => return Ok(Next::Leave),
        }
        Ok(Next::GoOn)
    }

    fn tables(&self) -> Result<(), Failure> {
        let catalog = self.engine.catalog();
        let mut tables: Vec<&Arc<TableDef>> = catalog.tables().collect();
        if tables.is_empty() {
            println!("there are no tables; CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, …) makes one");
            return Ok(());
        }
        tables.sort_by_key(|table| (table.namespace != MAIN_NAMESPACE, table.full_name()));
        let columns =
            [Column::text("table"), Column::text("kind"), Column::text("key"), Column::number("columns")];
        let rows = tables.iter().map(|table| {
            let key: Vec<&str> = table
                .primary_key
                .iter()
                .filter_map(|id| table.column_by_id(*id).map(|c| c.name.as_str()))
                .collect();
            let kind = match table.options.ttl_seconds {
                Some(seconds) => format!("{} ({seconds} s)", table.kind.sql_name()),
                None => table.kind.sql_name().to_owned(),
            };
            vec![table.full_name().to_string(), kind, key.join(", "), table.columns.len().to_string()]
        });
        self.print(&format!("{}\n", boxed(&columns, rows.collect(), terminal_width())))
    }

    fn schema(&self, table: Option<&str>) -> Result<(), Failure> {
        let catalog = self.engine.catalog();
        let definitions: Vec<String> = match table {
            Some(name) => {
                let name = TableName::parse(name)?;
                vec![definition::definition(catalog.resolve(&name.name(), MAIN_NAMESPACE)?.as_ref())]
            }
            None => catalog.tables().map(|table| definition::definition(table)).collect(),
        };
        if definitions.is_empty() {
            println!("there are no tables");
            return Ok(());
        }
        self.print(&format!("{}\n", definitions.join("\n")))
    }

    /// `firndb import` on the open store.
    async fn import(&mut self, arguments: &[String]) -> Result<(), Failure> {
        if self.session.in_transaction() {
            let e = Error::invalid(".import has transactions of its own, and one is open");
            return Err(e.with_hint("COMMIT or ROLLBACK it first").into());
        }
        let [file, table, options @ ..] = arguments else {
            return Err(Error::invalid(".import takes a file and a table").into());
        };
        let words = ["firndb", "import", "the open store", table.as_str(), file.as_str()];
        let words = words.into_iter().map(str::to_owned);
        let parsed = Cli::try_parse_from(words.chain(options.iter().cloned()));
        let mut parsed = match parsed.map(|cli| cli.command) {
            Ok(Some(args::Command::Import(parsed))) => parsed,
            Ok(_) => return Err(Error::internal("import was read as another command").into()),
            Err(e) => {
                // Also what --help says comes this way.
                eprint!("{e}");
                return Ok(());
            }
        };
        if !parsed.store.settings.is_empty() {
            return Err(Error::invalid("settings are given when the store is opened, not to .import").into());
        }
        if parsed.who.user.is_none() && parsed.who.role.is_none() {
            parsed.who = self.who.clone();
        }
        let engine = self.engine.clone();
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let mut work = tokio::spawn(async move { import::into(&engine, &parsed, token).await });
        tokio::select! {
            done = &mut work => {
                done.map_err(|e| Error::internal(format!("the import stopped: {e}")))??;
            }
            () = self.interrupts.pressed() => {
                cancel.cancel();
                // Nothing of the file goes in, and what it took is cleared away.
                let _ = work.await;
                eprintln!("interrupted");
            }
        }
        store::settle(&self.engine).await;
        Ok(())
    }

    async fn read(&mut self, path: &Path, depth: usize) -> Result<Next, Failure> {
        if depth >= READING_DEPTH {
            let shown = path.display();
            let e =
                Error::limit(format!("{shown}: files read each other {READING_DEPTH} deep, and no deeper"));
            return Err(e.into());
        }
        let text = std::fs::read_to_string(path).map_err(|e| failure::file("read", path, &e))?;
        match self.run_file(&text, depth + 1).await {
            Err(Failure::Engine(e)) => Err(e.context(format!("in {}", path.display())).into()),
            other => other,
        }
    }

    /// As [`Self::run`], which runs what reads files: a future without an end to its type, were it not boxed.
    fn run_file<'a>(&'a mut self, text: &'a str, depth: usize) -> Running<'a> {
        Box::pin(self.run(text, depth))
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
