//! FirnDB against its oracle: several sessions, interleaved on one thread, with flushes, reopenings and
//! transactions between their statements.
//!
//! What a transaction should see is a copy of the oracle as of its BEGIN that its own statements were
//! applied to. What it wrote, the difference of that copy's end and start, goes to the oracle when it
//! commits. Whether it may commit is known too: it has to fail if someone else changed a row that it
//! changed, and must not if nobody else wrote a key that it wrote.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use firndb_core::storage::{ManualClock, Stores};
use firndb_core::{Config, Engine, EngineStats, Error, ErrorKind, Outcome, Role, Session};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::ask::{lines, session_of};
use crate::history::{Answer, Generator, Statement, Table, tables};
use crate::lasting::START_MS;
use crate::oracle::{Oracle, Rows, key_text};
use crate::render::{Cell, rows};
use crate::yielding::Yields;

/// Who takes part; two sessions are of one subject.
const SESSIONS: [(&str, Role); 4] =
    [("root", Role::System), ("alice", Role::User), ("bob", Role::User), ("alice", Role::Service)];
const SUBJECTS: [&str; 3] = ["root", "alice", "bob"];
/// How often everything is compared, in statements.
const COMPARE_EVERY: u64 = 100;
/// How often it is reopened at least, in statements.
const REOPEN_EVERY: u64 = 700;
/// How many statements a failure shows.
const SHOWN: usize = 25;

/// A key of a table as the oracle calls it.
type Key = (String, String);

/// Gives the stores of every opening.
pub type Reopen = Box<dyn Fn() -> BoxFuture<'static, Stores> + Send>;

/// How often the interesting things happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Statements, flushes and reopenings.
    pub steps: u64,
    /// Rows of batch files that an update or delete hit.
    pub cold_rows_updated: u64,
    /// Rows of batch files that a deletion vector kept from a reader.
    pub deletion_vector_rows_hidden: u64,
    /// Transactions that lost to another.
    pub conflicts: u64,
    /// Flushes of a table while a transaction was open.
    pub flushes_under_snapshot: u64,
    /// Flushes that wrote a file.
    pub flushes: u64,
    /// Statements that ended between the start and the end of a flush that had something to do.
    pub statements_during_flushes: u64,
    /// Transactions that committed.
    pub commits: u64,
    /// Statements that both refused.
    pub refused: u64,
    /// Closings and openings.
    pub reopenings: u64,
    /// Compactions.
    pub compactions: u64,
    /// Files that nothing needed any more.
    pub files_collected: u64,
}

impl Counts {
    fn add(&mut self, stats: &EngineStats) {
        self.cold_rows_updated += stats.cold_rows_updated;
        self.deletion_vector_rows_hidden += stats.deletion_vector_rows_hidden;
        self.flushes += stats.flushes;
        self.compactions += stats.compactions;
        self.files_collected += stats.files_collected;
        self.flushes_under_snapshot += stats.flushes_under_snapshot;
    }
}

struct Client {
    subject: &'static str,
    session: Session,
    transaction: Option<Transaction>,
}

struct Transaction {
    view: Oracle,
    start: BTreeMap<String, Rows>,
    began: u64,
    touched: HashSet<Key>,
}

/// One history, and where it has got to.
pub struct Duel {
    reopen: Reopen,
    yields: Yields,
    config: Config,
    clock: std::sync::Arc<ManualClock>,
    engine: Engine,
    clients: Vec<Client>,
    tables: Vec<Table>,
    oracle: Oracle,
    generator: Generator,
    counts: Counts,
    commit: u64,
    last_touch: HashMap<Key, u64>,
    last_change: HashMap<Key, u64>,
    log: VecDeque<String>,
}

type Verdict = Result<(), String>;

impl Duel {
    /// Opens empty stores and makes the tables.
    ///
    /// # Panics
    /// When that fails.
    pub async fn new(seed: u64, config: Config, clock: std::sync::Arc<ManualClock>, reopen: Reopen) -> Self {
        let yields = Yields::new(seed);
        let engine = Engine::open(yields.wrap(reopen().await), config.clone()).await.unwrap();
        let (tables, oracle) = (tables(), Oracle::new());
        for table in &tables {
            engine.session().execute(&table.engine_ddl()).await.unwrap();
            for physical in physicals(table) {
                oracle.create(table, &physical);
            }
        }
        let clients = clients(&engine).await;
        Self {
            reopen,
            yields,
            config,
            clock,
            engine,
            clients,
            tables,
            oracle,
            generator: Generator::new(seed),
            counts: Counts::default(),
            commit: 0,
            last_touch: HashMap::new(),
            last_change: HashMap::new(),
            log: VecDeque::new(),
        }
    }

    /// Runs `steps` steps and compares everything at the end.
    ///
    /// # Errors
    /// What differed, the number of the step, and the last statements.
    pub async fn run(&mut self, steps: u64) -> Result<Counts, String> {
        while self.counts.steps < steps {
            self.counts.steps += 1;
            self.clock.set_ms(START_MS + i64::try_from(self.counts.steps).unwrap() * 3);
            let step = async {
                Box::pin(self.step()).await?;
                if self.counts.steps.is_multiple_of(COMPARE_EVERY) {
                    self.compare_all().await?;
                }
                Ok(())
            };
            // A panic of the engine is a finding like any other.
            let verdict: Verdict = match std::panic::AssertUnwindSafe(step).catch_unwind().await {
                Ok(verdict) => verdict,
                Err(panic) => Err(format!("panicked: {}", panic_text(&*panic))),
            };
            if let Err(difference) = verdict {
                let whole = self.compare_all().await;
                let whole = whole.err().unwrap_or_else(|| "every table read whole is as expected".to_owned());
                return Err(self.report(&format!("{difference}\n{whole}")));
            }
        }
        self.end_all().await;
        self.compare_all().await.map_err(|difference| self.report(&difference))?;
        self.check().await.map_err(|difference| self.report(&difference))?;
        let mut counts = self.counts;
        counts.add(&self.engine.stats());
        self.engine.close().await.map_err(|e| self.report(&e.to_string()))?;
        Ok(counts)
    }

    fn report(&self, difference: &str) -> String {
        let mut text = format!("step {}: {difference}\nthe last steps were:\n", self.counts.steps);
        for line in &self.log {
            _ = writeln!(text, "  {line}");
        }
        text
    }

    fn note(&mut self, line: String) {
        if self.log.len() == SHOWN {
            self.log.pop_front();
        }
        self.log.push_back(format!("{}: {line}", self.counts.steps));
    }

    /// Futures are boxed on the way: unoptimised, a future inside another takes its stack several times.
    async fn step(&mut self) -> Verdict {
        let open = self.clients.iter().any(|c| c.transaction.is_some());
        if self.generator.chance(0.05) {
            return Box::pin(self.flush()).await;
        }
        if self.generator.chance(0.002) || self.counts.steps.is_multiple_of(REOPEN_EVERY) {
            return self.reopen().await;
        }
        if !open && self.generator.chance(0.01) {
            return self.alter().await;
        }
        if self.generator.chance(0.01) {
            self.note("background step".to_owned());
            return self.engine.step().await.map(|_| ()).map_err(|e| unexpected("a background step", &e));
        }
        let who = self.generator.below(self.clients.len());
        if self.clients[who].transaction.is_none() {
            if self.generator.chance(0.25) {
                return self.begin(who).await;
            }
        } else if self.generator.chance(0.08) {
            return self.commit(who).await;
        } else if self.generator.chance(0.03) {
            return self.rollback(who).await;
        }
        let inside = self.clients[who].transaction.is_some();
        let statement = if inside && self.generator.chance(0.25) {
            self.generator.contended_write(&self.tables)
        } else if self.generator.chance(0.6) {
            self.generator.write(&self.tables)
        } else {
            self.generator.read(&self.tables)
        };
        Box::pin(self.statement(who, &statement)).await
    }

    async fn flush(&mut self) -> Verdict {
        let sql = match self.generator.below(8) {
            1 => "STORAGE COMPACT ALL".to_owned(),
            0 => {
                let at = self.generator.below(self.tables.len());
                format!("STORAGE FLUSH TABLE {}", self.tables[at].name)
            }
            _ => "STORAGE FLUSH ALL".to_owned(),
        };
        if !self.generator.chance(0.5) {
            self.note(sql.clone());
            return self.engine.session().execute(&sql).await.map(|_| ()).map_err(|e| unexpected(&sql, &e));
        }
        // Both at once: the statement must not notice.
        let statement = self.generator.write(&self.tables);
        let who = self.generator.below(self.clients.len());
        self.note(format!("{sql}, and at the same time:"));
        let mut session = self.engine.session();
        let running = AtomicBool::new(false);
        let flush = async {
            running.store(true, Ordering::SeqCst);
            let flushed = Box::pin(session.execute(&sql)).await;
            running.store(false, Ordering::SeqCst);
            flushed
        };
        let meanwhile = async {
            let verdict = Box::pin(self.statement(who, &statement)).await;
            (verdict, running.load(Ordering::SeqCst))
        };
        let (flushed, (verdict, overlapped)) = futures::join!(flush, meanwhile);
        let flushed = flushed.map_err(|e| unexpected(&sql, &e))?;
        let wrote = flushed.iter().any(|outcome| !rows(outcome).is_empty());
        self.counts.statements_during_flushes += u64::from(overlapped && wrote);
        verdict
    }

    async fn reopen(&mut self) -> Verdict {
        self.end_all().await;
        self.note("close and open".to_owned());
        self.counts.reopenings += 1;
        self.counts.add(&self.engine.stats());
        self.clients.clear();
        self.engine.close().await.map_err(|e| unexpected("closing", &e))?;
        let stores = self.yields.wrap((self.reopen)().await);
        self.engine =
            Engine::open(stores, self.config.clone()).await.map_err(|e| unexpected("opening", &e))?;
        self.clients = clients(&self.engine).await;
        self.compare_all().await
    }

    async fn alter(&mut self) -> Verdict {
        let at = self.generator.below(self.tables.len());
        let (sql, sqlite) = self.generator.alter(&mut self.tables[at]);
        let ours = sql.replace(['{', '}'], "");
        self.note(ours.clone());
        self.engine.session().execute(&ours).await.map_err(|e| unexpected(&ours, &e))?;
        let table = &self.tables[at];
        for physical in physicals(table) {
            self.oracle.execute(&sqlite.replace(&format!("{{{}}}", table.name), &physical)).unwrap();
        }
        Ok(())
    }

    async fn begin(&mut self, who: usize) -> Verdict {
        self.note(format!("[{who}] BEGIN"));
        let client = &mut self.clients[who];
        client.session.execute("BEGIN").await.map_err(|e| unexpected("BEGIN", &e))?;
        let (view, mut start) = (Oracle::new(), BTreeMap::new());
        for table in &self.tables {
            let physical = table.physical(client.subject);
            let rows = self.oracle.rows(table, &physical);
            view.create(table, &physical);
            view.put(&physical, rows.values());
            start.insert(physical, rows);
        }
        client.transaction = Some(Transaction { view, start, began: self.commit, touched: HashSet::new() });
        Ok(())
    }

    async fn rollback(&mut self, who: usize) -> Verdict {
        self.note(format!("[{who}] ROLLBACK"));
        let client = &mut self.clients[who];
        client.transaction = None;
        client.session.execute("ROLLBACK").await.map(|_| ()).map_err(|e| unexpected("ROLLBACK", &e))
    }

    async fn commit(&mut self, who: usize) -> Verdict {
        self.note(format!("[{who}] COMMIT"));
        let client = &mut self.clients[who];
        let transaction = client.transaction.take().expect("a transaction to commit");
        let result = client.session.execute("COMMIT").await;
        let mut changes = Vec::new();
        for table in &self.tables {
            let physical = table.physical(client.subject);
            let end = transaction.view.rows(table, &physical);
            changes.extend(differences(table, &physical, &transaction.start[&physical], end));
        }
        let since = |at: &HashMap<Key, u64>, key: &Key| at.get(key).is_some_and(|c| *c > transaction.began);
        let must = changes.iter().find(|c| since(&self.last_change, &c.key));
        let may = transaction.touched.iter().find(|key| since(&self.last_touch, key));
        match result {
            Ok(_) if must.is_some() => {
                Err(format!("COMMIT went through over another's change of {:?}", must.map(|c| &c.key)))
            }
            Ok(_) => {
                self.counts.commits += 1;
                self.apply(&changes, transaction.touched);
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::Conflict && (may.is_some() || must.is_some()) => {
                self.counts.conflicts += 1;
                Ok(())
            }
            Err(e) => Err(unexpected("COMMIT of keys nobody else wrote", &e)),
        }
    }

    fn apply(&mut self, changes: &[Change], touched: HashSet<Key>) {
        self.commit += 1;
        for change in changes {
            let table = self.tables.iter().find(|t| t.name == change.table).expect("a table of ours");
            match &change.after {
                Some(row) => self.oracle.put(&change.key.0, [row]),
                None => {
                    self.oracle.remove(table, &change.key.0, change.before.as_ref().expect("a row before"))
                }
            }
        }
        self.last_change.extend(changes.iter().map(|c| (c.key.clone(), self.commit)));
        self.last_touch.extend(changes.iter().map(|c| (c.key.clone(), self.commit)));
        self.last_touch.extend(touched.into_iter().map(|key| (key, self.commit)));
    }

    async fn statement(&mut self, who: usize, statement: &Statement) -> Verdict {
        let ours = statement.sql.replace(['{', '}'], "");
        self.note(format!("[{who}] {ours}"));
        let client = &mut self.clients[who];
        let theirs = |sql: &str| {
            self.tables.iter().fold(sql.to_owned(), |sql, t| {
                sql.replace(&format!("{{{}}}", t.name), &t.physical(client.subject))
            })
        };
        let view = client.transaction.as_ref().map_or(&self.oracle, |t| &t.view);
        let mut touched = HashSet::new();
        let mut before = None;
        if let Some((table, keys)) = &statement.writes {
            let table = &self.tables[*table];
            let physical = table.physical(client.subject);
            let keys = view.query(&theirs(keys)).unwrap();
            touched.extend(keys.iter().map(|key| (physical.clone(), key_text(key.iter()))));
            before = client.transaction.is_none().then(|| view.rows(table, &physical));
        }
        let expected = match statement.answer {
            Answer::Count => view.execute(&theirs(&statement.sql)).map(Expected::Count),
            Answer::Ordered | Answer::Unordered => view.query(&theirs(&statement.sql)).map(Expected::Rows),
        };
        let got = client.session.execute(&ours).await;
        if let Err(mut difference) = compare(&ours, statement.answer, &expected, &got) {
            if statement.writes.is_none() {
                let again = client.session.execute(&ours).await;
                let again = compare("again", statement.answer, &expected, &again);
                _ = writeln!(difference, "asked again: {}", again.err().unwrap_or("as expected".to_owned()));
                let plan = client.session.execute(&format!("EXPLAIN ANALYZE {ours}")).await;
                let plan = plan.map(|p| p.iter().flat_map(lines).collect::<Vec<_>>().join("\n"));
                _ = writeln!(difference, "{}", plan.unwrap_or_default().replace("\\n", "\n"));
            }
            return Err(difference);
        }
        if got.is_err() {
            self.counts.refused += 1;
            if client.transaction.is_some() {
                return self.rollback(who).await;
            }
            return Ok(());
        }
        if let Some(transaction) = &mut client.transaction {
            transaction.touched.extend(touched);
        } else if let (Some((table, _)), Some(before)) = (&statement.writes, before) {
            let table = &self.tables[*table];
            let physical = table.physical(client.subject);
            let changes = differences(table, &physical, &before, self.oracle.rows(table, &physical));
            self.commit += 1;
            self.last_change.extend(changes.iter().map(|c| (c.key.clone(), self.commit)));
            self.last_touch.extend(changes.into_iter().map(|c| (c.key, self.commit)));
            self.last_touch.extend(touched.into_iter().map(|key| (key, self.commit)));
        }
        Ok(())
    }

    /// Rolls back every transaction by dropping its session.
    async fn end_all(&mut self) {
        self.clients = clients(&self.engine).await;
    }

    /// Everything, as every session sees it, inside its transaction or not.
    async fn compare_all(&mut self) -> Verdict {
        for (who, client) in self.clients.iter_mut().enumerate() {
            for table in &self.tables {
                let sql = format!("SELECT * FROM {} ORDER BY {}", table.name, table.key_list());
                let view = client.transaction.as_ref().map_or(&self.oracle, |t| &t.view);
                let physical = table.physical(client.subject);
                let expected = view.query(&sql.replace(table.name, &physical)).map(Expected::Rows);
                let got = client.session.execute(&sql).await;
                compare(&format!("[{who}] {sql}"), Answer::Ordered, &expected, &got)?;
            }
        }
        Ok(())
    }

    async fn check(&mut self) -> Verdict {
        let report = self.engine.check().await.map_err(|e| unexpected("a check", &e))?;
        if report.is_clean() { Ok(()) } else { Err(format!("a check found {:?}", report.findings)) }
    }
}

async fn clients(engine: &Engine) -> Vec<Client> {
    let mut clients = Vec::with_capacity(SESSIONS.len());
    for (subject, role) in SESSIONS {
        let session = session_of(engine, subject, role).await;
        clients.push(Client { subject, session, transaction: None });
    }
    clients
}

/// The names of a table in SQLite.
fn physicals(table: &Table) -> Vec<String> {
    let mut names: Vec<String> = SUBJECTS.iter().map(|s| table.physical(s)).collect();
    names.dedup();
    names
}

/// A row that a transaction or statement left otherwise than it found it.
struct Change {
    table: &'static str,
    key: Key,
    before: Option<Vec<Cell>>,
    after: Option<Vec<Cell>>,
}

fn differences(table: &Table, physical: &str, start: &Rows, mut end: Rows) -> Vec<Change> {
    let mut changes = Vec::new();
    let change = |key: &String, before: Option<&Vec<Cell>>, after| Change {
        table: table.name,
        key: (physical.to_owned(), key.clone()),
        before: before.cloned(),
        after,
    };
    for (key, before) in start {
        match end.remove(key) {
            Some(after) if after == *before => {}
            after => changes.push(change(key, Some(before), after)),
        }
    }
    changes.extend(end.into_iter().map(|(key, after)| change(&key, None, Some(after))));
    changes
}

enum Expected {
    Rows(Vec<Vec<Cell>>),
    Count(u64),
}

fn compare(
    sql: &str,
    answer: Answer,
    expected: &rusqlite::Result<Expected>,
    got: &Result<Vec<Outcome>, Error>,
) -> Verdict {
    match (expected, got) {
        (Err(_), Err(e)) if e.kind() == ErrorKind::Constraint => Ok(()),
        (Err(theirs), Err(e)) => Err(format!("{sql}\nSQLite: {theirs}\nFirnDB: {}", unexpected("", e))),
        (Ok(_), Err(e)) => Err(unexpected(sql, e)),
        (Err(theirs), Ok(got)) => Err(format!("{sql}\nSQLite refuses: {theirs}\nFirnDB: {got:?}")),
        (Ok(Expected::Count(count)), Ok(got)) => match got.as_slice() {
            [Outcome::Affected(n)] if n == count => Ok(()),
            _ => Err(format!("{sql}\nexpected {count} rows affected, got {got:?}")),
        },
        (Ok(Expected::Rows(wanted)), Ok(got)) => {
            let [outcome] = got.as_slice() else {
                return Err(format!("{sql}\nexpected one answer, got {got:?}"));
            };
            compare_rows(sql, answer, wanted.clone(), rows(outcome))
        }
    }
}

fn compare_rows(sql: &str, answer: Answer, mut wanted: Vec<Vec<Cell>>, mut got: Vec<Vec<Cell>>) -> Verdict {
    if answer == Answer::Unordered {
        let text = |row: &Vec<Cell>| row.iter().map(Cell::text).collect::<Vec<_>>();
        wanted.sort_by_key(text);
        got.sort_by_key(text);
    }
    let same_row = |(a, b): (&Vec<Cell>, &Vec<Cell>)| a.len() == b.len() && a.iter().zip(b).all(same_cell);
    if wanted.len() == got.len() && wanted.iter().zip(&got).all(same_row) {
        return Ok(());
    }
    let mut text = format!("{sql}\nexpected {} rows, got {}; where they differ:\n", wanted.len(), got.len());
    let line = |rows: &[Vec<Cell>], at: usize| {
        rows.get(at).map_or("-".to_owned(), |r| r.iter().map(Cell::text).collect::<Vec<_>>().join(" | "))
    };
    let differs =
        |at: &usize| !matches!((wanted.get(*at), got.get(*at)), (Some(a), Some(b)) if same_row((a, b)));
    for at in (0..wanted.len().max(got.len())).filter(differs).take(8) {
        _ = writeln!(
            text,
            "  row {at}: expected {}\n{:>width$}got {}",
            line(&wanted, at),
            "",
            line(&got, at),
            width = 14
        );
    }
    Err(text)
}

fn same_cell((a, b): (&Cell, &Cell)) -> bool {
    match (a, b) {
        // The two may add up floats in different orders.
        (Cell::Real(a), Cell::Real(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        _ => a == b,
    }
}

fn unexpected(what: &str, e: &Error) -> String {
    let mut text = format!("{what}\nfailed with {}: {e}", e.kind());
    let mut cause = std::error::Error::source(e);
    while let Some(source) = cause {
        _ = write!(text, "\n  because {source}");
        cause = source.source();
    }
    text
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with no message")
}
