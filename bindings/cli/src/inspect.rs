//! `firndb inspect`: what lies in which tier.

use std::io::{self, Write};
use std::process::ExitCode;

use firndb_core::{BatchInspection, ScopeInspection, TableInspection};

use crate::args::InspectArgs;
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
    let text = describe(&inspected, args.table.is_some());
    io::stdout().write_all(text.as_bytes()).map_err(output)?;
    if args.table.is_none() {
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
            t.kind.clone(),
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
    say(out, &format!("{} table {}, files in {}/", table.kind, table.table, table.dir));
    say(out, &format!("  columns: {}", table.columns.join(", ")));
    say(out, &format!("  key:     {}", table.primary_key.join(", ")));
    for scope in table.scopes.iter().take(SCOPES_SHOWN) {
        one_scope(out, scope);
    }
    let more = table.scopes.len().saturating_sub(SCOPES_SHOWN);
    if more > 0 {
        say(out, &format!("\nand {} more", counted(more as u64, "scope", "scopes")));
    }
}

fn one_scope(out: &mut String, scope: &ScopeInspection) {
    let of = scope.user.as_ref().map(|u| format!(" of user {u}")).unwrap_or_default();
    let hot = counted(scope.hot_rows, "version", "versions");
    say(out, &format!("\nscope {}{of}", scope.scope));
    say(out, &format!("  hot:  {hot} in {}", size(scope.hot_bytes)));
    let Some(version) = scope.manifest else {
        return say(out, "  cold: nothing, it was never flushed");
    };
    let (rows, dead) = scope.batches.iter().fold((0, 0), |(r, d), b| (r + b.rows, d + b.dead));
    let visible = counted(rows.saturating_sub(dead), "row", "rows");
    let files = counted(scope.batches.len() as u64, "file", "files");
    say(out, &format!("  cold: {visible} in {files}, {} more hidden by deletion vectors", grouped(dead)));
    say(out, &format!("  manifest {version}, flushed through _seq {}", scope.flushed_through));
    let columns = [
        Column::text("file"),
        Column::number("rows"),
        Column::number("hidden"),
        Column::number("size"),
        Column::number("groups"),
        Column::number("min _seq"),
        Column::number("max _seq"),
    ];
    show(out, &columns, scope.batches.iter().map(file).collect());
    let columns = [
        Column::text("file"),
        Column::text("column"),
        Column::text("min"),
        Column::text("max"),
        Column::number("nulls"),
    ];
    show(out, &columns, scope.batches.iter().flat_map(statistics).collect());
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

fn show(out: &mut String, columns: &[Column], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        say(out, &adapted(columns, rows, terminal_width()));
    }
}

fn say(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
