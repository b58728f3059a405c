//! A scope, drawn: how much of it is hot, its files by size, and where their keys lie.

use console::{measure_text_width, truncate_str};
use firndb_core::{BatchInspection, ScopeInspection, TableInspection};

use super::axis::{Line, Scale, cell};
use super::bars::{aligned, bar, per_cent, range, strip};
use crate::grid::{Column, adapted};
use crate::render::{counted, grouped, size};

/// Up to so many files are shown one by one.
const FILES_SHOWN: usize = 20;
/// How wide a drawing is at most, and at least.
const WIDEST: usize = 100;
const NARROWEST: usize = 24;
/// A bar is no longer than this.
const BAR: usize = 32;
/// Below so many columns less is shown.
const NARROW: usize = 72;

/// The lines of a scope, in `width` columns; without a width in those that a drawing takes at most.
pub fn draw(table: &TableInspection, scope: &ScopeInspection, width: Option<usize>) -> Vec<String> {
    let columns = width.unwrap_or(WIDEST).clamp(NARROWEST, WIDEST);
    let of = scope.user.as_ref().map(|u| format!(" of user {u}")).unwrap_or_default();
    let mut lines = vec![String::new(), format!("scope {}{of}", scope.scope)];
    lines.extend(tiers(scope, columns));
    match scope.manifest {
        None => lines.push("  never flushed".to_owned()),
        Some(version) => {
            let separator = if columns < NARROW { ",\n  flushed" } else { ", flushed" };
            lines.push(format!("  manifest {version}{separator} through _seq {}", scope.flushed_through));
        }
    }
    if scope.batches.len() > FILES_SHOWN {
        lines.extend(by_size(&scope.batches, columns));
    } else if !scope.batches.is_empty() {
        lines.push(one_by_one(&scope.batches, width));
    }
    lines.extend(key_ranges(table, &scope.batches, columns));
    lines.extend(statistics(table, &scope.batches, width));
    lines.iter().flat_map(|text| text.lines().map(|line| cut(line, width)).chain(empty(text))).collect()
}

/// A line without text is one too.
fn empty(text: &str) -> Option<String> {
    text.is_empty().then(String::new)
}

fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => truncate_str(line, width, "…").into_owned(),
        None => line.to_owned(),
    }
}

/// Hot versions, cold rows and rows that are hidden, beside each other.
fn tiers(scope: &ScopeInspection, columns: usize) -> Vec<String> {
    let (rows, dead, bytes) =
        scope.batches.iter().fold((0, 0, 0), |(r, d, b), f| (r + f.rows, d + f.dead, b + f.bytes));
    let cold = rows.saturating_sub(dead);
    let files = counted(scope.batches.len() as u64, "file", "files");
    let hot = counted(scope.hot_rows, "version", "versions");
    let parts = [
        ("hot", scope.hot_rows, format!("{hot} in {}", size(scope.hot_bytes))),
        ("cold", cold, format!("{} in {files}, {}", counted(cold, "row", "rows"), size(bytes))),
        ("hidden", dead, format!("{} of {} in files", per_cent(dead, rows), counted(rows, "row", "rows"))),
    ];
    let most = parts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let text = parts.iter().map(|(.., text)| measure_text_width(text)).max().unwrap_or(0);
    let length = columns.saturating_sub(text + 10).min(BAR);
    let lines = parts.iter().map(|(name, count, text)| match length {
        0..4 => format!("  {name:6} {text}"),
        _ => format!("  {name:6} {} {text}", bar(*count, most, length)),
    });
    lines.collect()
}

/// A line for each file; in a narrow terminal without groups and `_seq`.
fn one_by_one(batches: &[BatchInspection], width: Option<usize>) -> String {
    let mut columns = vec![
        Column::text("file"),
        Column::number("rows"),
        Column::number("hidden"),
        Column::number("size"),
        Column::number("groups"),
        Column::number("min _seq"),
        Column::number("max _seq"),
    ];
    let row = |batch: &BatchInspection| {
        vec![
            batch.file.clone(),
            grouped(batch.rows),
            grouped(batch.dead),
            size(batch.bytes),
            batch.row_groups.to_string(),
            batch.min_seq.to_string(),
            batch.max_seq.to_string(),
        ]
    };
    let mut rows: Vec<Vec<String>> = batches.iter().map(row).collect();
    if width.is_some_and(|width| width < NARROW) {
        columns.truncate(4);
        for (row, batch) in rows.iter_mut().zip(batches) {
            row.truncate(4);
            row.splice(..1, [short(&batch.file).to_owned()]);
        }
    }
    adapted(&columns, rows, width)
}

/// The files in classes of size, each ten times that of the one before.
fn by_size(batches: &[BatchInspection], columns: usize) -> Vec<String> {
    let mut classes: Vec<(u64, [u64; 4])> = Vec::new();
    for batch in batches {
        let top = (4..18).map(|zeros| 10_u64.pow(zeros)).find(|top| batch.bytes <= *top);
        let top = top.unwrap_or(u64::MAX);
        let at = classes.partition_point(|(class, _)| *class < top);
        if classes.get(at).is_none_or(|(class, _)| *class != top) {
            classes.insert(at, (top, [0; 4]));
        }
        if let Some((_, sums)) = classes.get_mut(at) {
            for (sum, more) in sums.iter_mut().zip([1, batch.rows, batch.dead, batch.bytes]) {
                *sum += more;
            }
        }
    }
    let most = classes.iter().map(|(_, [files, ..])| *files).max().unwrap_or(0);
    let is_narrow = columns < NARROW;
    let row = |(top, [files, rows, dead, bytes]): &(u64, [u64; 4]), length: usize| {
        let mut cells = vec![
            format!("    to {}", size(*top).replace(".0", "")),
            bar(*files, most, length),
            counted(*files, "file", "files"),
            size(*bytes),
            per_cent(*dead, *rows),
        ];
        if !is_narrow {
            cells.insert(3, counted(*rows, "row", "rows"));
        }
        cells
    };
    let right = [false, false, true, true, true, true];
    let lines = |length: usize| aligned(&classes.iter().map(|c| row(c, length)).collect::<Vec<_>>(), &right);
    let text = lines(0).iter().map(|line| measure_text_width(line)).max().unwrap_or(0);
    let mut all = vec!["  files by size, and how much of them is hidden".to_owned()];
    all.extend(lines(columns.saturating_sub(text).clamp(2, BAR)));
    all
}

/// Where the ranges of the first key column lie, and how many files have a key in theirs.
fn key_ranges(table: &TableInspection, batches: &[BatchInspection], columns: usize) -> Vec<String> {
    let Some(key) = table.primary_key.first() else { return Vec::new() };
    let scale = scale_of(table, key);
    let bounds: Vec<(&BatchInspection, (String, String))> = batches
        .iter()
        .filter_map(|batch| {
            let (_, min, max, _) = batch.columns.iter().find(|(name, ..)| name == key)?;
            (!min.is_empty() && !max.is_empty()).then(|| (batch, (plain(min), plain(max))))
        })
        .collect();
    let texts: Vec<(&str, &str)> = bounds.iter().map(|(_, (a, b))| (a.as_str(), b.as_str())).collect();
    let low = texts.iter().map(|(low, _)| *low).min_by(|a, b| scale.compare(a, b));
    let high = texts.iter().map(|(_, high)| *high).max_by(|a, b| scale.compare(a, b));
    let (Some(low), Some(high)) = (low, high) else { return Vec::new() };
    let line = Line::of(scale, &texts);
    let mut lines = vec![format!("  ranges of the key {key}, from {} to {}", shown(low), shown(high))];
    if bounds.len() <= FILES_SHOWN {
        let name = bounds.iter().map(|(b, _)| short(&b.file).chars().count()).max().unwrap_or(0).max(7);
        let length = columns.saturating_sub(name + 6).max(4);
        for ((batch, _), ends) in bounds.iter().zip(&line.ranges) {
            let drawn = ends.map(|(a, b)| range(cell(a, length), cell(b, length), length));
            lines.push(format!("    {:name$}  {}", short(&batch.file), drawn.unwrap_or_default()));
        }
        lines.push(format!("    {:name$}  {}", "overlap", strip(&line.depths(length))));
    } else {
        let length = columns.saturating_sub(4).max(4);
        lines.push(format!("    {}", strip(&line.depths(length))));
    }
    let deepest = line.depths(1).into_iter().max().unwrap_or(0);
    lines.push(match deepest {
        0 | 1 => "    no two files can share a key".to_owned(),
        most => format!("    ▁ one file, █ {} that may share a key", grouped(most as u64)),
    });
    lines
}

/// Per column what all files say of it.
fn statistics(table: &TableInspection, batches: &[BatchInspection], width: Option<usize>) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for (name, ..) in batches.iter().flat_map(|batch| &batch.columns) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let rows = names.iter().map(|name| {
        let scale = scale_of(table, name);
        let known = || batches.iter().flat_map(|b| &b.columns).filter(|(n, ..)| n == name);
        let low = known().map(|(_, min, ..)| plain(min)).filter(|min| !min.is_empty());
        let high = known().map(|(_, _, max, _)| plain(max)).filter(|max| !max.is_empty());
        vec![
            (*name).to_owned(),
            low.min_by(|a, b| scale.compare(a, b)).unwrap_or_default(),
            high.max_by(|a, b| scale.compare(a, b)).unwrap_or_default(),
            grouped(known().map(|(.., nulls)| nulls).sum()),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let columns = [Column::text("column"), Column::text("min"), Column::text("max"), Column::number("nulls")];
    (!rows.is_empty()).then(|| adapted(&columns, rows, width))
}

/// Whether `column`, a name and a type, is that of this name.
fn column_is(column: &str, name: &str) -> bool {
    column.strip_prefix(name).is_some_and(|rest| rest.starts_with(' '))
}

fn scale_of(table: &TableInspection, name: &str) -> Scale {
    let column = table.columns.iter().find(|column| column_is(column, name));
    let sql_type = column.and_then(|column| column.get(name.len() + 1..)).unwrap_or_default();
    Scale::of(sql_type)
}

fn short(file: &str) -> &str {
    file.strip_suffix(".parquet").unwrap_or(file)
}

/// A bound without the quotes of JSON, where they tell nothing.
fn plain(json: &str) -> String {
    let inner = json.strip_prefix('"').and_then(|j| j.strip_suffix('"'));
    inner.filter(|i| !i.contains('\\')).unwrap_or(json).to_owned()
}

/// A bound within a sentence.
fn shown(bound: &str) -> String {
    truncate_str(bound, 24, "…").into_owned()
}

#[cfg(test)]
mod tests;
