//! `firndb inspect`: what lies in which tier.

use std::io::{self, Write};
use std::process::ExitCode;

use firndb_core::{FileInspection, ScopeInspection, TableInspection};

use crate::args::InspectArgs;
use crate::failure::{self, Failure, output};
use crate::grid::{Column, boxed};
use crate::render::{counted, grouped, size, terminal_width};
use crate::store;
use crate::tiers::Tiers;

/// Scopes that the view of one table shows; a USER table can have one for every user.
const SCOPES_SHOWN: usize = 20;

/// Runs the command: every table in a line, or one in detail.
pub async fn run(args: InspectArgs) -> failure::Outcome {
    let engine = store::open_existing(&args.store).await?;
    let inspected = engine.inspect(args.table.as_deref()).await;
    let closed = engine.close().await;
    let inspected = inspected?;
    closed?;
    if args.table.is_some() {
        inspected.iter().try_for_each(detail)?;
    } else {
        overview(&inspected)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn overview(tables: &[TableInspection]) -> Result<(), Failure> {
    let columns = [
        Column::text("table"),
        Column::text("kind"),
        Column::number("scopes"),
        Column::number("hot versions"),
        Column::number("cold rows"),
        Column::number("hidden"),
        Column::number("files"),
        Column::number("size"),
    ];
    let rows = tables.iter().map(|t| {
        let tiers = Tiers::of(std::slice::from_ref(t));
        vec![
            t.name.clone(),
            t.kind.clone(),
            grouped(t.scopes.len() as u64),
            grouped(tiers.hot),
            grouped(tiers.cold),
            grouped(tiers.hidden),
            grouped(tiers.files),
            size(tiers.bytes),
        ]
    });
    show(&columns, rows.collect())?;
    eprintln!("{}; `firndb inspect DIR TABLE` shows one in detail", counted(tables.len() as u64, "table", "tables"));
    Ok(())
}

fn detail(table: &TableInspection) -> Result<(), Failure> {
    say(&format!("{} table {}, id {}, schema version {}", table.kind, table.name, table.id, table.schema_version))?;
    let columns = [
        Column::number("id"),
        Column::text("column"),
        Column::text("type"),
        Column::text("null"),
        Column::text("key"),
    ];
    let rows = table.columns.iter().map(|c| {
        let null = if c.not_null { "no" } else { "yes" };
        let key = c.key_position.map(|p| p.to_string()).unwrap_or_default();
        vec![c.id.to_string(), c.name.clone(), c.sql_type.clone(), null.to_owned(), key]
    });
    show(&columns, rows.collect())?;
    for scope in table.scopes.iter().take(SCOPES_SHOWN) {
        one_scope(scope)?;
    }
    let more = table.scopes.len().saturating_sub(SCOPES_SHOWN);
    if more > 0 {
        say(&format!("\nand {} more", counted(more as u64, "scope", "scopes")))?;
    }
    Ok(())
}

fn one_scope(scope: &ScopeInspection) -> Result<(), Failure> {
    say(&format!("\nscope {}", scope.scope))?;
    say(&format!(
        "  hot:  {} ({} of them tombstones) in {}",
        counted(scope.hot_versions, "version", "versions"),
        grouped(scope.hot_tombstones),
        size(scope.hot_bytes)
    ))?;
    let Some(version) = scope.manifest_version else {
        return say("  cold: nothing, it was never flushed");
    };
    let (cold, hidden) = scope.files.iter().fold((0, 0), |(r, h), f| (r + f.rows - f.hidden, h + f.hidden));
    say(&format!(
        "  cold: {} in {}, {} hidden by deletion vectors; manifest {version}, flushed through _seq {}",
        counted(cold, "row", "rows"),
        counted(scope.files.len() as u64, "file", "files"),
        grouped(hidden),
        scope.flushed_through
    ))?;
    show(
        &[
            Column::text("file"),
            Column::text("status"),
            Column::number("rows"),
            Column::number("hidden"),
            Column::number("size"),
            Column::number("row groups"),
            Column::text("first _seq"),
            Column::text("last _seq"),
        ],
        scope.files.iter().map(file).collect(),
    )?;
    statistics(&scope.files)
}

fn file(f: &FileInspection) -> Vec<String> {
    vec![
        f.path.clone(),
        f.status.clone(),
        grouped(f.rows),
        grouped(f.hidden),
        size(f.bytes),
        f.row_groups.to_string(),
        f.min_seq.to_string(),
        f.max_seq.to_string(),
    ]
}

fn statistics(files: &[FileInspection]) -> Result<(), Failure> {
    let columns = [
        Column::text("file"),
        Column::text("column"),
        Column::text("min"),
        Column::text("max"),
        Column::number("nulls"),
        Column::text("Bloom"),
    ];
    let rows = files.iter().flat_map(|f| {
        f.columns.iter().map(|c| {
            let bound = |b: &Option<String>| b.clone().unwrap_or_default();
            let filter = if c.has_filter { "yes" } else { "" };
            vec![f.path.clone(), c.name.clone(), bound(&c.min), bound(&c.max), grouped(c.nulls), filter.to_owned()]
        })
    });
    show(&columns, rows.collect())
}

fn show(columns: &[Column], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() { Ok(()) } else { say(&boxed(columns, rows, terminal_width())) }
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(output)
}
