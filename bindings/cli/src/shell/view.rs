//! Rows as text, in the mode that was chosen.

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::datatypes::SchemaRef;
use firndb_core::{Error, Result};

use crate::grid::{self, Style};
use crate::render::{cells, columns_of, csv, is_plan, json, jsonl, plan};

/// How rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// A box drawn with lines; each row on lines of its own where a box would not fit the terminal.
    #[default]
    Box,
    /// A box of plain characters.
    Table,
    /// Each row on lines of its own.
    Line,
    /// A table in Markdown.
    Markdown,
    /// Comma-separated values under a line of names.
    Csv,
    /// One array of objects.
    Json,
    /// An object a line.
    Jsonl,
}

impl Mode {
    /// Its name.
    pub fn name(self) -> &'static str {
        let known = super::command::MODES.iter().find(|(_, mode)| *mode == self);
        known.map_or("", |(name, _)| name)
    }

    /// Whether it is read by programs, so that nothing may be left out of values.
    pub fn is_for_programs(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Jsonl)
    }
}

/// The rows of one result as text that ends with a line break. Values are cut to `width` columns where
/// people read it.
///
/// # Errors
/// `InvalidInput` for a value that has no form in the mode.
pub fn show(mode: Mode, schema: &SchemaRef, batches: &[RecordBatch], width: Option<usize>) -> Result<String> {
    if is_plan(schema) && !mode.is_for_programs() {
        return Ok(plan(batches)? + "\n");
    }
    let columns = columns_of(schema);
    let style = match mode {
        Mode::Box => return Ok(grid::adapted(&columns, cells(batches)?, width) + "\n"),
        Mode::Table => Style::Ascii,
        Mode::Markdown => return Ok(grid::markdown(&columns, &cells(batches)?) + "\n"),
        Mode::Line => return Ok(grid::blocks(&columns, cells(batches)?, width) + "\n"),
        Mode::Csv => return bytes(|out| csv(out, schema, batches, CsvBuilder::new())),
        Mode::Json => return bytes(|out| json(out, schema, batches)),
        Mode::Jsonl => return bytes(|out| jsonl(out, schema, batches)),
    };
    Ok(grid::styled(style, &columns, cells(batches)?, width) + "\n")
}

fn bytes(write: impl FnOnce(&mut Vec<u8>) -> Result<(), arrow::error::ArrowError>) -> Result<String> {
    let mut out = Vec::new();
    write(&mut out)?;
    String::from_utf8(out).map_err(|_| Error::internal("rows were written as something else than UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use console::measure_text_width;

    use super::*;

    fn sample() -> (SchemaRef, Vec<RecordBatch>) {
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(vec![1, 20])) as arrow::array::ArrayRef),
            ("body", Arc::new(StringArray::from(vec![Some("a|b, with many words in it"), None]))),
        ]);
        let batch = batch.expect("columns of one length");
        (batch.schema(), vec![batch])
    }

    fn shown(mode: Mode, width: Option<usize>) -> String {
        let (schema, batches) = sample();
        show(mode, &schema, &batches, width).expect("text")
    }

    #[test]
    fn every_mode_shows_the_rows() {
        let box_ = shown(Mode::Box, Some(80));
        assert!(box_.starts_with('┌') && box_.contains("│ 20 ┆ NULL"), "{box_}");
        let table = shown(Mode::Table, None);
        assert!(table.starts_with("+-") && table.contains("| 20 |") && table.is_ascii(), "{table}");
        let markdown = shown(Mode::Markdown, Some(20));
        assert!(markdown.contains("a\\|b, with many words in it") && markdown.contains("|--"), "{markdown}");
        assert_eq!(shown(Mode::Csv, Some(9)), "id,body\n1,\"a|b, with many words in it\"\n20,\n");
        assert!(shown(Mode::Json, None).starts_with("[{\"id\":1,"));
        assert_eq!(shown(Mode::Jsonl, None).lines().count(), 2);
    }

    #[test]
    fn lines_and_boxes_are_cut_to_the_width() {
        for mode in [Mode::Box, Mode::Line, Mode::Table] {
            let text = shown(mode, Some(24));
            assert!(text.lines().all(|l| measure_text_width(l) <= 24) && text.contains('…'), "{text}");
        }
        let line = shown(Mode::Line, Some(24));
        assert!(line.starts_with("── row 1 ───") && line.contains("\nid   │ 1\n"), "{line}");
        // Two columns do not fit ten: each row has lines of its own.
        assert!(shown(Mode::Box, Some(10)).starts_with("── row 1 "));
    }

    #[test]
    fn no_rows_are_said_in_every_mode() {
        let (schema, _) = sample();
        let none = |mode| show(mode, &schema, &[], None).expect("text");
        assert_eq!(none(Mode::Line), "(no rows)\n");
        assert_eq!(none(Mode::Csv), "id,body\n");
        assert!(none(Mode::Box).contains("id") && none(Mode::Markdown).contains("|  id |"));
    }
}
