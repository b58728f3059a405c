//! `firndb inspect`: what lies in which tier.

use std::io::{self, Write};
use std::process::ExitCode;

use firndb_core::{BatchInspection, ScopeInspection, TableInspection};

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
            t.table.clone(),
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
    eprintln!(
        "{}; `firndb inspect DIR TABLE` shows one in detail",
        counted(tables.len() as u64, "table", "tables")
    );
    Ok(())
}

fn detail(table: &TableInspection) -> Result<(), Failure> {
    say(&format!("{} table {}, files in {}/", table.kind, table.table, table.dir))?;
    say(&format!("  columns: {}", table.columns.join(", ")))?;
    say(&format!("  key:     {}", table.primary_key.join(", ")))?;
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
    let of = scope.user.as_ref().map(|u| format!(" of user {u}")).unwrap_or_default();
    say(&format!("\nscope {}{of}", scope.scope))?;
    say(&format!("  hot:  {} in {}", counted(scope.hot_rows, "version", "versions"), size(scope.hot_bytes)))?;
    let Some(version) = scope.manifest else {
        return say("  cold: nothing, it was never flushed");
    };
    let (rows, dead) = scope.batches.iter().fold((0, 0), |(r, d), b| (r + b.rows, d + b.dead));
    say(&format!(
        "  cold: {} in {}, {} more hidden by deletion vectors",
        counted(rows.saturating_sub(dead), "row", "rows"),
        counted(scope.batches.len() as u64, "file", "files"),
        grouped(dead)
    ))?;
    say(&format!("  manifest {version}, flushed through _seq {}", scope.flushed_through))?;
    let columns = [
        Column::text("file"),
        Column::number("rows"),
        Column::number("hidden"),
        Column::number("size"),
        Column::number("groups"),
        Column::number("min _seq"),
        Column::number("max _seq"),
    ];
    show(&columns, scope.batches.iter().map(file).collect())?;
    let columns = [
        Column::text("file"),
        Column::text("column"),
        Column::text("min"),
        Column::text("max"),
        Column::number("nulls"),
    ];
    show(&columns, scope.batches.iter().flat_map(statistics).collect())
}

fn file(batch: &BatchInspection) -> Vec<String> {
    vec![
        batch.file.clone(),
        grouped(batch.rows),
        grouped(batch.dead),
        size(batch.bytes),
        batch.row_groups.to_string(),
        batch.min_seq.to_string(),
        batch.max_seq.to_string(),
    ]
}

fn statistics(batch: &BatchInspection) -> impl Iterator<Item = Vec<String>> {
    batch.columns.iter().map(|(name, min, max, nulls)| {
        vec![batch.file.clone(), name.clone(), plain(min), plain(max), grouped(*nulls)]
    })
}

/// A bound without the quotes of JSON, where they tell nothing.
fn plain(json: &str) -> String {
    let inner = json.strip_prefix('"').and_then(|j| j.strip_suffix('"'));
    inner.filter(|i| !i.contains('\\')).unwrap_or(json).to_owned()
}

fn show(columns: &[Column], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    if rows.is_empty() { Ok(()) } else { say(&boxed(columns, rows, terminal_width())) }
}

fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(output)
}
