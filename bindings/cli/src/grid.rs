//! Boxed tables of text.

use comfy_table::presets::{ASCII_FULL_CONDENSED, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};
use console::{measure_text_width, truncate_str};

/// The narrowest a column can usefully be, with its borders.
const NARROWEST: usize = 8;

/// One column of a grid.
#[derive(Debug, Clone)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Whether its cells are aligned to the right, as numbers are.
    pub right: bool,
}

impl Column {
    /// A column of text.
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: true }
    }
}

/// How far a value of Markdown is filled up with spaces, so that columns are to be seen in the text too.
const PADDED: usize = 40;

/// What a grid is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The characters for lines.
    Lines,
    /// `+`, `-` and `|`.
    Ascii,
}

/// A box with one line for each row. Line breaks and control characters are shown escaped. Values too long
/// for `width` columns are cut with `…`; without a width nothing is cut.
pub fn boxed(columns: &[Column], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    styled(Style::Lines, columns, rows, width)
}

/// As [`boxed`], but each row in a block of its own where the columns have no room in `width`.
pub fn adapted(columns: &[Column], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    if fits(columns, width) { boxed(columns, rows, width) } else { blocks(columns, rows, width) }
}

/// Each row as a block: a rule with its number, then a line for each column.
pub fn blocks(columns: &[Column], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let names: Vec<String> = columns.iter().map(|c| printable(&c.title)).collect();
    let widest = names.iter().map(|name| measure_text_width(name)).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let rule = format!("── row {number} ");
        let rest = width.unwrap_or(40).min(60).saturating_sub(measure_text_width(&rule));
        lines.push(format!("{rule}{}", "─".repeat(rest)));
        for (name, value) in names.iter().zip(row) {
            let pad = " ".repeat(widest - measure_text_width(name));
            let line = format!("{name}{pad} │ {}", printable(&value));
            lines.push(match width {
                Some(width) => truncate_str(&line, width, "…").into_owned(),
                None => line,
            });
        }
    }
    if lines.is_empty() { "(no rows)".to_owned() } else { lines.join("\n") }
}

/// Whether columns have room in `width`, so that each shows something.
fn fits(columns: &[Column], width: Option<usize>) -> bool {
    width.is_none_or(|width| columns.len() * NARROWEST <= width)
}

/// As [`boxed`], drawn otherwise.
pub fn styled(style: Style, columns: &[Column], rows: Vec<Vec<String>>, width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_preset(match style {
        Style::Lines => UTF8_FULL_CONDENSED,
        Style::Ascii => ASCII_FULL_CONDENSED,
    });
    table.set_truncation_indicator("…");
    // With so many columns every one would be cut to nothing; let the terminal wrap instead.
    let width = width.filter(|w| fits(columns, Some(*w))).and_then(|w| u16::try_from(w).ok());
    if let Some(width) = width {
        // A character that no value holds (they are printable), so that cutting ignores word boundaries.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width).set_delimiter('\0');
    }
    table.set_header(line(columns.iter().map(|c| c.title.as_str())));
    for row in &rows {
        table.add_row(line(row.iter().map(String::as_str)));
    }
    for (at, column) in columns.iter().enumerate() {
        if let (true, Some(c)) = (column.right, table.column_mut(at)) {
            c.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> Row {
    let mut row = Row::from(cells.map(|text| Cell::new(printable(text))).collect::<Vec<_>>());
    row.max_height(1);
    row
}

/// A table in Markdown. Values are whole; only short ones are filled up to the width of their column, so that one
/// long value does not make every row as long.
pub fn markdown(columns: &[Column], rows: &[Vec<String>]) -> String {
    let shown = |text: &str| printable(text).replace('|', "\\|");
    let titles: Vec<String> = columns.iter().map(|column| shown(&column.title)).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|text| shown(text)).collect()).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let cells = std::iter::once(&titles).chain(&rows).filter_map(|row| row.get(at));
            let widths = cells.map(|text| measure_text_width(text)).filter(|width| *width <= PADDED);
            widths.max().unwrap_or(0).max(3)
        })
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).zip(columns).map(|((text, width), column)| {
            let pad = " ".repeat(width.saturating_sub(measure_text_width(text)));
            if column.right { format!(" {pad}{text} |") } else { format!(" {text}{pad} |") }
        });
        format!("|{}", cells.collect::<String>())
    };
    let rule = widths.iter().zip(columns).map(|(width, column)| {
        let end = if column.right { ':' } else { '-' };
        format!("{}{end}|", "-".repeat(width + 1))
    });
    let mut lines = vec![line(&titles), format!("|{}", rule.collect::<String>())];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// `text` on one line and without control characters, which could move the cursor or hide text.
fn printable(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_to_the_width_and_numbers_stand_right() {
        let columns = [Column::number("id"), Column::text("body")];
        let rows = vec![
            vec!["1".into(), "a rather long text with words in it".into()],
            vec!["20".into(), "b".into()],
        ];
        let cut = boxed(&columns, rows.clone(), Some(30));
        assert!(cut.lines().all(|l| l.chars().count() <= 30), "{cut}");
        assert!(cut.contains('…') && cut.contains("│  1 ┆") && cut.contains("│ 20 ┆"), "{cut}");
        assert!(boxed(&columns, rows, None).contains("with words in it"));
    }

    #[test]
    fn markdown_is_filled_up_to_a_limit() {
        let columns = [Column::number("id"), Column::text("body")];
        let long = "x".repeat(500);
        let rows = [
            vec!["1".into(), "a|b".into()],
            vec!["20".into(), long.clone()],
            vec!["3".into(), "abcdef".into()],
        ];
        let text = markdown(&columns, &rows);
        let expected = format!(
            "|  id | body   |\n|----:|--------|\n|   1 | a\\|b   |\n|  20 | {long} |\n|   3 | abcdef |"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn control_characters_are_shown_not_sent() {
        let text = boxed(&[Column::text("t")], vec![vec!["a\nb\u{1b}[2J".into()]], None);
        assert!(text.contains("a\\nb\\u{1b}[2J"), "{text}");
    }
}
