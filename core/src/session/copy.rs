//! COPY: rows of files into tables, and of queries into files.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use bytes::Bytes;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::{Expr, Ident, SelectItem};
use futures::{StreamExt, stream};

use super::{Outcome, Rows, Session};
use crate::access::Principal;
use crate::access::audit::Fate;
use crate::catalog::{TableDef, TableName};
use crate::copy::{BadRow, CopyOptions, Reader, Writer, reject_header};
use crate::dml;
use crate::error::{Error, ErrorKind, Result};
use crate::flush::{Runs, load_runs};
use crate::pace::Pace;
use crate::plan::StatementContext;
use crate::sql::{self, AsUser, Copy, CopyRows, Parsed, Statement};
use crate::storage::{Clock, Files, Sink, Source};
use crate::tiers::Tiers;
use crate::txn::commit::commit;
use crate::txn::snapshot::Snapshot;
use crate::txn::writes::WriteSet;
use crate::types::{Role, SeqId};

/// Bytes that are handed on together when a file is written.
const PIECE_BYTES: usize = 256 << 10;

/// What a COPY FROM did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// How many rows went in.
    pub rows: u64,
    /// How many were left out because they are no rows of the table (`ON_ERROR skip`).
    pub rejected: u64,
}

/// The bytes of a COPY TO, made as they are asked for; [`Rows`] says of which moment they are.
pub struct Export {
    rows: Rows,
    writer: Writer,
    over: bool,
    count: u64,
}

impl Export {
    /// The next bytes, at least one; `None` when there are no more.
    ///
    /// # Errors
    /// As [`Rows::next`]; there are no more after it.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.over && self.writer.ready() < PIECE_BYTES {
            match self.rows.next().await? {
                Some(batch) => {
                    self.count += batch.num_rows() as u64;
                    self.writer.write(&batch)?;
                }
                None => {
                    self.over = true;
                    self.writer.finish()?;
                }
            }
        }
        Ok((self.writer.ready() > 0).then(|| self.writer.take()))
    }

    /// How many rows are in the bytes so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.count
    }
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("rows", &self.count).finish_non_exhaustive()
    }
}

/// The file that rejected rows go to; it is made with the first of them, and has its name only when all is done.
struct Rejects<'a> {
    to: Option<(&'a dyn Files, &'a str)>,
    sink: Option<Box<dyn Sink>>,
    count: u64,
}

impl Rejects<'_> {
    async fn add(&mut self, bad: &[BadRow]) -> Result<()> {
        self.count += bad.len() as u64;
        if bad.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        if self.sink.is_none()
            && let Some((files, path)) = self.to
        {
            self.sink = Some(files.create(path).await?);
            text.push_str(reject_header());
        }
        if let Some(sink) = &mut self.sink {
            text.extend(bad.iter().map(BadRow::csv));
            sink.write(text.into()).await?;
        }
        Ok(())
    }

    /// Gives the file its name; before rows are committed, so that none is left out and nobody told.
    async fn complete(&mut self) -> Result<()> {
        match self.sink.take() {
            Some(sink) => sink.complete().await,
            None => Ok(()),
        }
    }
}

impl Session {
    /// Runs `sql`, a `COPY … FROM STDIN`, with `source` as what it reads.
    ///
    /// # Errors
    /// As [`Session::query`]; `InvalidInput` or `Constraint` naming line and column for a row that is none, unless
    /// the statement skips those. Nothing is loaded then.
    pub async fn copy_from(&mut self, sql: &str, source: Source) -> Result<Copied> {
        let parsed = self.one_statement(sql, &[])?;
        let Some(copy) = copy_in(&parsed.statement) else {
            return Err(Error::invalid("expected COPY … FROM STDIN"));
        };
        if !copy.from || copy.path.is_some() {
            return Err(Error::invalid("expected COPY … FROM STDIN: what is read comes with the call"));
        }
        self.resume()?;
        self.expect_usable()?;
        let copied = match self.cancel.check() {
            Ok(()) => Box::pin(self.load_for(&parsed, copy, source)).await,
            Err(e) => Err(e),
        };
        self.engine.shared.tiers.enforce_budget();
        self.rest();
        self.noting_failure(copied).map_err(|e| sql::locate(e, &parsed))
    }

    /// Runs `sql`, a `COPY … TO STDOUT`, with the values of its parameters; gives the bytes as they are asked for.
    ///
    /// # Errors
    /// As [`Session::stream`].
    pub async fn copy_to(&mut self, sql: &str, params: &[ScalarValue]) -> Result<Export> {
        let parsed = self.one_statement(sql, params)?;
        let Some(copy) = copy_in(&parsed.statement) else {
            return Err(Error::invalid("expected COPY … TO STDOUT"));
        };
        if copy.from || copy.path.is_some() {
            return Err(Error::invalid("expected COPY … TO STDOUT: what is written goes to the caller"));
        }
        self.resume()?;
        self.expect_usable()?;
        let export = match self.cancel.check() {
            Ok(()) => self.export_for(&parsed, copy, params).await,
            Err(e) => Err(e),
        };
        self.rest();
        self.noting_failure(export).map_err(|e| sql::locate(e, &parsed))
    }

    async fn load_for(&mut self, parsed: &Parsed, copy: &Copy, source: Source) -> Result<Copied> {
        let (who, _) = self.speaker(parsed, &[]).await?;
        let copied = self.load(&who, copy, source).await;
        self.noted(&who, copied, |_| None, |_| None).await
    }

    async fn export_for(&self, parsed: &Parsed, copy: &Copy, params: &[ScalarValue]) -> Result<Export> {
        let (who, _) = self.speaker(parsed, params).await?;
        let export = self.export(&who, copy, params).await;
        self.noted(&who, export, |_| Some(Fate::Read), |_| None).await
    }

    /// A COPY with a file.
    pub(super) async fn copy(
        &mut self,
        who: &Principal,
        copy: &Copy,
        params: &[ScalarValue],
    ) -> Result<Outcome> {
        let stream = if copy.from { "FROM STDIN" } else { "TO STDOUT" };
        let path = copy.path.as_deref().ok_or_else(|| {
            Error::unsupported(format!("COPY … {stream} has no stream here")).with_hint(
                "copyFrom and copyTo in JavaScript, Session::copy_from and copy_to in Rust have one",
            )
        })?;
        let files = self.files(who)?;
        if copy.from {
            let copied = self.load(who, copy, files.open(path).await?).await?;
            return if copy.options.skip_bad {
                super::outcome::copied(copied)
            } else {
                Ok(Outcome::Affected(copied.rows))
            };
        }
        // Before there is a file.
        let export = self.export(who, copy, params).await;
        let mut export = self.noted(who, export, |_| Some(Fate::Read), |_| None).await?;
        let mut sink = files.create(path).await?;
        while let Some(bytes) = export.next().await? {
            sink.write(bytes).await?;
        }
        sink.complete().await?;
        Ok(Outcome::Affected(export.rows()))
    }

    /// The files that statements of this session may name.
    fn files(&self, who: &Principal) -> Result<Arc<dyn Files>> {
        if who.role() == Role::User {
            return Err(Error::denied(
                "COPY with a file is not for the role user, but for service, dba and system",
            ));
        }
        self.engine.shared.tiers.stores.files.clone().ok_or_else(|| {
            Error::unsupported(
                "COPY reads and writes files only where the engine runs beside them, and statements may name them; \
                 here they may not",
            )
            .with_hint("use copyFrom and copyTo, which take and give streams")
        })
    }

    async fn export(&self, who: &Principal, copy: &Copy, params: &[ScalarValue]) -> Result<Export> {
        let query = match &copy.rows {
            CopyRows::Query(query) => query.as_ref().clone(),
            CopyRows::Table(name, columns) => select_from(name, columns)?,
        };
        let options = copy.options.resolved(copy.path.as_deref())?;
        let rows = self.rows_of(who, &query, params).await?;
        let writer = Writer::new(Arc::clone(rows.schema()), &options)?;
        Ok(Export { rows, writer, over: false, count: 0 })
    }

    async fn load(&mut self, who: &Principal, copy: &Copy, source: Source) -> Result<Copied> {
        let CopyRows::Table(name, columns) = &copy.rows else {
            return Err(Error::internal("a query takes no rows"));
        };
        self.engine.shared.tiers.check_writable()?;
        // A stream has a format by its name where that has an ending.
        let options = copy.options.resolved(copy.path.as_deref().or(Some(source.name())))?;
        let files = match &options.rejected {
            Some(rejected) => {
                let files = self.files(who)?;
                // What is read on the command line is a stream that is called as its file.
                let read = copy.path.as_deref().unwrap_or(source.name());
                if files.is_same(read, rejected).await {
                    return Err(Error::invalid(format!(
                        "rejected rows cannot go to {rejected}: it is the file that is read, and would be replaced"
                    )));
                }
                Some(files)
            }
            None => None,
        };
        let to = files.as_deref().zip(options.rejected.as_deref());
        let mut rejects = Rejects { to, sink: None, count: 0 };
        let rows = if self.transaction.is_some() {
            let loaded =
                self.load_into_transaction(who, (name, columns), source, &options, &mut rejects).await;
            if loaded.is_err() {
                // It may have waited for its source for too long, and then there is no transaction any more.
                self.resume()?;
            }
            loaded?
        } else {
            self.load_committed(who, (name, columns), source, &options, &mut rejects).await?
        };
        Ok(Copied { rows, rejected: rejects.count })
    }

    /// Rows into the open transaction, as so many INSERTs.
    async fn load_into_transaction(
        &mut self,
        who: &Principal,
        (name, columns): (&TableName, &[String]),
        source: Source,
        options: &CopyOptions,
        rejects: &mut Rejects<'_>,
    ) -> Result<u64> {
        let none = WriteSet::default();
        let source = match &self.transaction {
            Some(transaction) => {
                let clock = Arc::clone(&self.engine.shared.tiers.stores.clock);
                resting(source, &transaction.snapshot, &clock)
            }
            None => source,
        };
        let context = self.context(who, SeqId::ZERO, &none, &[]);
        let (def, pace) = (context.written_table(name)?, context.pace.clone());
        let mut input = self.input(source, &def, columns, options, &pace).await?;
        let mut rows = 0;
        loop {
            let Some(transaction) = &self.transaction else {
                return Err(Error::internal("a transaction went while rows were loaded into it"));
            };
            let context = self.context(who, transaction.snapshot.seq(), &transaction.writes, &[]);
            let Some(values) = input.next(&context, &def, rejects).await? else { break };
            let changes = dml::insert_columns(&context, &def, values).await?;
            rows += changes.affected;
            if let Some(transaction) = &mut self.transaction {
                transaction.writes.push(&changes.def, &changes.scope, &changes.versions)?;
            }
        }
        rejects.complete().await?;
        self.note_answered(who, rows).await?;
        let act = self.written(who, rows, (rows > 0).then(|| (def.id, who.scope_of(&def))));
        if let Some(transaction) = &mut self.transaction {
            transaction.acts.extend(act);
        }
        Ok(rows)
    }

    /// Rows that are committed by the statement itself, all at once.
    async fn load_committed(
        &mut self,
        who: &Principal,
        (name, columns): (&TableName, &[String]),
        source: Source,
        options: &CopyOptions,
        rejects: &mut Rejects<'_>,
    ) -> Result<u64> {
        let none = WriteSet::default();
        // Nothing is read with it but the table's definition.
        let context = self.context(who, SeqId::ZERO, &none, &[]);
        let def = context.written_table(name)?;
        let mut input = self.input(source, &def, columns, options, &context.pace).await?;
        let mut loading = Loading { waiting: Vec::new(), rows: 0, bytes: 0, runs: None };
        // The files it sorts are rows of the table that no snapshot tells of.
        let _runs = self.engine.shared.tiers.snapshots.read_batches();
        let loaded = self.load_all(&context, &def, &mut input, rejects, &mut loading).await;
        if let Some(runs) = loading.runs {
            runs.remove(context.tiers).await;
        }
        loaded
    }

    async fn load_all(
        &self,
        context: &StatementContext<'_>,
        def: &Arc<TableDef>,
        input: &mut Input,
        rejects: &mut Rejects<'_>,
        loading: &mut Loading,
    ) -> Result<u64> {
        while let Some(values) = input.next(context, def, rejects).await? {
            loading.add(context.tiers, def, values).await?;
        }
        rejects.complete().await?;
        if let Some(runs) = &mut loading.runs {
            runs.add(context.tiers, &std::mem::take(&mut loading.waiting)).await?;
            let scope = context.who.scope_of(def);
            let act = self.written(context.who, runs.rows() as u64, Some((def.id, scope.clone())));
            let scope = context.tiers.scope(def, &scope).await?;
            load_runs(context.tiers, def, &scope, runs, &context.pace, act.as_slice()).await?;
            return Ok(runs.rows() as u64);
        }
        let rows = concat_batches(&def.row_schema(), &std::mem::take(&mut loading.waiting))?;
        if rows.num_rows() == 0 && context.who.impersonation().is_none() {
            return Ok(0);
        }
        let mut attempt = 0;
        loop {
            match self.insert_once(context.who, def, &rows).await {
                Err(e) if e.kind() == ErrorKind::Conflict && attempt < self.retries() => attempt += 1,
                Err(e) => return Err(e),
                Ok(()) => return Ok(rows.num_rows() as u64),
            }
        }
    }

    async fn insert_once(&self, who: &Principal, def: &Arc<TableDef>, rows: &RecordBatch) -> Result<()> {
        let tiers = &self.engine.shared.tiers;
        let snapshot = tiers.snapshots.acquire();
        let none = WriteSet::default();
        let context = self.context(who, snapshot.seq(), &none, &[]);
        let changes =
            dml::insert_columns(&context, def, rows.columns().get(2..).unwrap_or_default().to_vec()).await?;
        let mut writes = WriteSet::default();
        writes.push(&changes.def, &changes.scope, &changes.versions)?;
        let act = self.written(who, changes.affected, changes.place());
        commit(tiers, &writes, snapshot.seq(), act.as_slice()).await?;
        drop(snapshot);
        self.relieve(&writes).await;
        Ok(())
    }

    async fn input(
        &self,
        source: Source,
        def: &TableDef,
        columns: &[String],
        options: &CopyOptions,
        pace: &Pace,
    ) -> Result<Input> {
        let most = self.engine.shared.tiers.config.query.memory_bytes;
        Ok(Input { reader: Reader::open(source, def, columns, options, most, pace).await? })
    }
}

/// Rows that are to be committed: in memory, or once they are too many in sorted runs.
struct Loading {
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    runs: Option<Runs>,
}

impl Loading {
    async fn add(&mut self, tiers: &Tiers, def: &Arc<TableDef>, values: Vec<ArrayRef>) -> Result<()> {
        let rows = dml::versions(def, values, false)?;
        self.rows += rows.num_rows();
        self.bytes += rows.get_array_memory_size();
        self.waiting.push(rows);
        let most = &tiers.config;
        // Files whose names may be lost in a power cut can only be copies of what is in the key-value store.
        let too_many = self.rows > most.load.rows || self.bytes > most.load.bytes;
        let can_be_files = tiers.stores.names_are_synced && def.kind.has_files();
        if !can_be_files && self.bytes > most.query.memory_bytes {
            let place = if def.kind.has_files() { "on this storage" } else { "in a STREAM table" };
            return Err(Error::limit(format!(
                "rows of more than {} bytes (query.memory_bytes) cannot be committed at once {place}",
                most.query.memory_bytes
            ))
            .with_hint("load them in parts"));
        }
        if too_many && can_be_files {
            let runs = match &mut self.runs {
                Some(runs) => runs,
                none => none.insert(Runs::new(def)?),
            };
            runs.add(tiers, &std::mem::take(&mut self.waiting)).await?;
            (self.rows, self.bytes) = (0, 0);
        }
        Ok(())
    }
}

/// The rows that are loaded, with all columns of the table.
struct Input {
    reader: Reader,
}

impl Input {
    /// The columns of the next rows, at least one; `None` after the last.
    async fn next(
        &mut self,
        context: &StatementContext<'_>,
        def: &TableDef,
        rejects: &mut Rejects<'_>,
    ) -> Result<Option<Vec<ArrayRef>>> {
        loop {
            context.pace.step().await?;
            let chunk = self.reader.next().await?;
            // Waiting for the source is no work.
            context.pace.go_on();
            let Some(chunk) = chunk else { return Ok(None) };
            rejects.add(&chunk.bad).await?;
            if chunk.rows > 0 {
                let given = chunk.columns.into_iter().zip(chunk.given).collect();
                return dml::load_columns(context, def, self.reader.places(), given, chunk.rows)
                    .await
                    .map(Some);
            }
        }
    }
}

/// The COPY that a statement is, in whosever name.
fn copy_in(statement: &Statement) -> Option<&Copy> {
    match statement {
        Statement::Copy(copy) => Some(copy),
        Statement::AsUser(AsUser { statement, .. }) => copy_in(statement),
        _ => None,
    }
}

/// The source, waiting for which the transaction on `snapshot` counts as idle.
fn resting(source: Source, snapshot: &Arc<Snapshot>, clock: &Arc<dyn Clock>) -> Source {
    let (snapshot, clock) = (Arc::clone(snapshot), Arc::clone(clock));
    source.with_stream(|pieces| {
        stream::unfold(Some(pieces), move |pieces| {
            let (snapshot, clock) = (Arc::clone(&snapshot), Arc::clone(&clock));
            async move {
                let mut pieces = pieces?;
                snapshot.rest(clock.now_ms());
                let piece = pieces.next().await;
                if snapshot.resume() {
                    return Some((piece?, Some(pieces)));
                }
                Some((Err(Error::conflict("the transaction waited for what it reads for too long")), None))
            }
        })
        .boxed()
    })
}

/// `SELECT columns FROM name`, all columns when none is listed.
fn select_from(name: &TableName, columns: &[String]) -> Result<ast::Query> {
    let quoted = |name: &str| Ident::with_quote('"', name);
    let mut parts: Vec<Ident> = name.namespace.iter().map(|n| quoted(n)).collect();
    parts.push(quoted(&name.name));
    let items = if columns.is_empty() {
        vec![SelectItem::Wildcard(ast::WildcardAdditionalOptions::default())]
    } else {
        columns.iter().map(|c| SelectItem::UnnamedExpr(Expr::Identifier(quoted(c)))).collect()
    };
    let table = sql::from_table(ast::ObjectName::from(parts), None);
    sql::select(items, vec![table], None)
}
