//! `firndb import`: files into a table by COPY, each whole or not at all.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use firndb_core::storage::{Ranged, Source};
use firndb_core::{CancelToken, Engine, Error, ErrorKind, Result, Session};
use firndb_storage_native::{LocalFile, LocalFiles};
use indicatif::ProgressBar;

use crate::args::ImportArgs;
use crate::failure;
use crate::progress::{Unit, bar};
use crate::render::{counted, duration};
use crate::source::{FileKind, text, typed_schema};
use crate::store;
use crate::target::{TableName, create_table};

/// Runs the command.
pub async fn run(args: ImportArgs) -> failure::Outcome {
    let input = Input::of(&args)?;
    let engine =
        store::open_or_create(&args.store.dir, args.store.blobs.as_deref(), &args.store.settings).await?;
    let done = import(&engine, &args, &input, CancelToken::new()).await;
    store::finish(&engine, done).await
}

/// As the command, into a store that is open; `cancel` takes it back.
///
/// # Errors
/// Those of the command.
pub async fn into(engine: &Engine, args: &ImportArgs, cancel: CancelToken) -> Result<()> {
    import(engine, args, &Input::of(args)?, cancel).await
}

/// What is to be loaded.
struct Input {
    table: TableName,
    files: Vec<(PathBuf, FileKind)>,
}

impl Input {
    /// All files are looked for before any is loaded.
    fn of(args: &ImportArgs) -> Result<Self> {
        if args.rejected.is_some() && args.files.len() > 1 {
            // Each file is loaded by itself, and its rejected rows would take the place of those before.
            return Err(Error::invalid("--rejected is for one file: it has the rejected rows of that only")
                .with_hint("import the files one by one, each with its own"));
        }
        let table = TableName::parse(&args.table)?;
        let files = args.files.iter().map(|path| {
            let kind = FileKind::of(path)?;
            LocalFiles::read(path)?;
            Ok((path.clone(), kind))
        });
        Ok(Self { table, files: files.collect::<Result<_>>()? })
    }
}

async fn import(engine: &Engine, args: &ImportArgs, input: &Input, cancel: CancelToken) -> Result<()> {
    let mut session = store::session(engine, &args.who)?;
    session.set_cancel(cancel);
    let table = &input.table;
    if args.create {
        let Some((path, kind)) = input.files.first() else { return Err(Error::invalid("no files")) };
        let columns = typed_schema(path, *kind, &args.csv.null)?;
        let definition = create_table(table, args.kind, args.ttl_seconds, columns.as_ref(), &args.key)?;
        if let Some(namespace) = table.namespace() {
            session.execute(&format!("CREATE NAMESPACE IF NOT EXISTS {namespace}")).await?;
        }
        session.execute(&definition).await?;
        eprintln!("created table {}", table.sql());
    }
    for (n, (path, kind)) in input.files.iter().enumerate() {
        let Err(e) = load(&mut session, args, table, path, *kind).await else { continue };
        if args.create && n == 0 && e.kind() != ErrorKind::Unavailable {
            // Nothing went in, so nothing that this command made stays.
            session.set_cancel(CancelToken::new());
            match session.execute(&format!("DROP TABLE {}", table.sql())).await {
                Ok(_) => eprintln!("dropped table {}, into which nothing went", table.sql()),
                Err(e) => eprintln!("warning: table {} is empty and could not be dropped: {e}", table.sql()),
            }
        }
        return Err(e);
    }
    Ok(())
}

/// Loads one file.
async fn load(
    session: &mut Session,
    args: &ImportArgs,
    table: &TableName,
    path: &Path,
    kind: FileKind,
) -> Result<()> {
    let started = Instant::now();
    let mut options = kind.options(&args.csv.null);
    if let Some(rejected) = &args.rejected {
        options.push_str(&format!(", ON_ERROR skip, REJECTED {}", text(&rejected.to_string_lossy())));
    }
    let file = LocalFiles::read(path)?;
    let bar = bar(file.size(), Unit::Bytes, name_of(path));
    let source = Watched { file, bar: bar.clone() };
    let source = Source::ranged(path.display().to_string(), Arc::new(source));
    let sql = format!("COPY {} FROM STDIN ({options})", table.sql());
    let copied = session.copy_from(&sql, source).await;
    bar.finish_and_clear();
    let copied = copied.map_err(|e| explained(e, path))?;
    let (rows, took) = (counted(copied.rows, "row", "rows"), duration(started.elapsed()));
    let (name, table) = (name_of(path), table.sql());
    match &args.rejected {
        Some(rejected) if copied.rejected > 0 => {
            let left_out = counted(copied.rejected, "row", "rows");
            eprintln!(
                "{name}: {rows} into {table} in {took}; {left_out} left out, see {}",
                rejected.display()
            );
        }
        _ => eprintln!("{name}: {rows} into {table} in {took}"),
    }
    Ok(())
}

/// The error with what it means for the table. The statement of the import is nobody's to mend: only what is wrong
/// with the file is said of it.
fn explained(e: Error, path: &Path) -> Error {
    let mut message = e.message().to_owned();
    let path = path.display().to_string();
    if !message.contains(&path) {
        message = format!("{path}: {message}");
    }
    let explained = failure::with_message(e, message);
    if explained.kind() == ErrorKind::Unavailable {
        explained
    } else {
        explained.context("nothing of the file went in")
    }
}

/// A file that shows how far it has been read.
#[derive(Debug)]
struct Watched {
    file: LocalFile,
    bar: ProgressBar,
}

#[async_trait]
impl Ranged for Watched {
    fn size(&self) -> u64 {
        self.file.size()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let bytes = self.file.read(range.clone()).await?;
        self.bar.set_position(range.end);
        Ok(bytes)
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}
