//! `firndb inspect`: what lies in which tier.

mod axis;
mod bars;
mod document;
mod scope;

use std::io::{self, Write};
use std::process::ExitCode;

use firndb_core::TableInspection;

use crate::args::{InspectArgs, InspectFormat};
use crate::failure::{self, output};
use crate::grid::{Column, adapted};
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
    let text = match args.format {
        InspectFormat::Table => describe(&inspected, args.table.is_some()),
        InspectFormat::Json => format!("{:#}\n", document::document(&inspected)),
    };
    io::stdout().write_all(text.as_bytes()).map_err(output)?;
    if args.table.is_none() && args.format == InspectFormat::Table {
        let tables = counted(inspected.len() as u64, "table", "tables");
        eprintln!("{tables}; `firndb inspect DIR TABLE` shows one in detail");
    }
    Ok(ExitCode::SUCCESS)
}

/// What there is to say of `tables`: each in detail, or all in lines.
pub fn describe(tables: &[TableInspection], detailed: bool) -> String {
    let mut out = String::new();
    if detailed {
        tables.iter().for_each(|table| detail(&mut out, table));
    } else {
        overview(&mut out, tables);
    }
    out
}

fn overview(out: &mut String, tables: &[TableInspection]) {
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
            kind(t),
            grouped(t.scopes.len() as u64),
            grouped(tiers.hot),
            grouped(tiers.cold),
            grouped(tiers.hidden),
            grouped(tiers.files),
            size(tiers.bytes),
        ]
    });
    show(out, &columns, rows.collect());
}

fn detail(out: &mut String, table: &TableInspection) {
    match table.ttl_seconds {
        Some(_) => say(out, &format!("{} table {}, definition in {}/", kind(table), table.table, table.dir)),
        None => say(out, &format!("{} table {}, files in {}/", kind(table), table.table, table.dir)),
    }
    say(out, &format!("  columns: {}", table.columns.join(", ")));
    say(out, &format!("  key:     {}", table.primary_key.join(", ")));
    for shown in table.scopes.iter().take(SCOPES_SHOWN) {
        scope::draw(table, shown, terminal_width()).iter().for_each(|line| say(out, line));
    }
    let more = table.scopes.len().saturating_sub(SCOPES_SHOWN);
    if more > 0 {
        say(out, &format!("\nand {} more", counted(more as u64, "scope", "scopes")));
    }
}

/// The kind of a table, and how long its rows live if that is part of it.
fn kind(table: &TableInspection) -> String {
    match table.ttl_seconds {
        Some(seconds) => format!("{} ({seconds} s)", table.kind),
        None => table.kind.clone(),
    }
}

fn show(out: &mut String, columns: &[Column], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        say(out, &adapted(columns, rows, terminal_width()));
    }
}

fn say(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
