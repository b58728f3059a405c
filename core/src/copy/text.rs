//! Rows of text on their way to typed columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringArray, StringBuilder};
use arrow::compute::filter;

use crate::catalog::{ColumnDef, ColumnType, Misfit, convert};
use crate::copy::rejects::BadRow;
use crate::error::{Error, ErrorKind, Result};

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// Text.
    Text(&'a str),
    /// The row does not say: the column's default.
    Default,
}

/// Rows as text, column by column.
#[derive(Debug)]
pub struct TextRows {
    columns: Vec<TextColumn>,
    lines: Vec<u64>,
    /// The rows as they stand in the file, where they may be asked for.
    raws: Option<Vec<String>>,
    raw_bytes: usize,
}

#[derive(Debug)]
struct TextColumn {
    def: ColumnDef,
    /// The how-manieth value of a row it is, if that is always the same.
    place: Option<usize>,
    values: StringBuilder,
    /// Rows that say nothing of it, ascending.
    defaults: Vec<usize>,
}

/// Typed columns.
#[derive(Debug, Default)]
pub struct Typed {
    /// The values, one array per column.
    pub columns: Vec<ArrayRef>,
    /// Per column which rows say what it is; `None` where all do.
    pub given: Vec<Option<BooleanArray>>,
    /// How many rows there are.
    pub rows: usize,
    /// The rows that were left out.
    pub bad: Vec<BadRow>,
}

impl TextRows {
    /// No rows of these columns, each with its place in a row if that is fixed.
    pub fn new(columns: impl IntoIterator<Item = (ColumnDef, Option<usize>)>, keep_raw: bool) -> Self {
        let columns = columns.into_iter().map(|(def, place)| TextColumn {
            def,
            place,
            values: StringBuilder::new(),
            defaults: Vec::new(),
        });
        Self { columns: columns.collect(), lines: Vec::new(), raws: keep_raw.then(Vec::new), raw_bytes: 0 }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Bytes of text.
    pub fn bytes(&self) -> usize {
        self.raw_bytes + self.columns.iter().map(|c| c.values.values_slice().len()).sum::<usize>()
    }

    /// Adds a row, whose values are of the columns in order.
    pub fn push<'a>(
        &mut self,
        line: u64,
        raw: impl FnOnce() -> String,
        cells: impl Iterator<Item = Cell<'a>>,
    ) {
        let row = self.lines.len();
        self.lines.push(line);
        if let Some(raws) = &mut self.raws {
            let raw = raw();
            self.raw_bytes += raw.len();
            raws.push(raw);
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match cell {
                Cell::Text(text) => column.values.append_value(text),
                Cell::Null => column.values.append_null(),
                Cell::Default => {
                    column.values.append_null();
                    column.defaults.push(row);
                }
            }
        }
    }

    /// The rows as typed columns, none left here. Rows that are none are in [`Typed::bad`], in order.
    ///
    /// # Errors
    /// `Internal` when columns have not as many values as there are rows.
    pub fn take(&mut self) -> Result<Typed> {
        let lines = std::mem::take(&mut self.lines);
        let raws = self.raws.as_mut().map(std::mem::take);
        self.raw_bytes = 0;
        let texts: Vec<ArrayRef> =
            self.columns.iter_mut().map(|c| Arc::new(c.values.finish()) as ArrayRef).collect();
        let defaults: Vec<Vec<usize>> =
            self.columns.iter_mut().map(|c| std::mem::take(&mut c.defaults)).collect();
        let mut typed = Vec::with_capacity(texts.len());
        let mut bad: Vec<Option<BadRow>> = Vec::new();
        for ((column, values), defaults) in self.columns.iter().zip(&texts).zip(&defaults) {
            if values.len() != lines.len() {
                return Err(Error::internal("a row lacks values"));
            }
            let mut found = Found { lines: &lines, raws: raws.as_deref(), bad: &mut bad };
            typed.push(column.convert(values, defaults, &mut found));
        }
        let given = defaults.iter().map(|rows| given(rows, lines.len())).collect();
        if bad.iter().all(Option::is_none) {
            let columns: Option<Vec<ArrayRef>> = typed.into_iter().collect();
            let columns =
                columns.ok_or_else(|| Error::internal("a value does not fit, and no row says so"))?;
            return Ok(Typed { columns, given, rows: lines.len(), bad: Vec::new() });
        }
        self.without_bad(&texts, given, bad, lines.len())
    }

    /// The rows that are not bad.
    fn without_bad(
        &self,
        texts: &[ArrayRef],
        given: Vec<Option<BooleanArray>>,
        mut bad: Vec<Option<BadRow>>,
        rows: usize,
    ) -> Result<Typed> {
        bad.resize(rows, None);
        let good: BooleanArray = bad.iter().map(|b| Some(b.is_none())).collect();
        let mut columns = Vec::with_capacity(texts.len());
        for (column, values) in self.columns.iter().zip(texts) {
            let values = convert(&filter(values, &good)?, column.def.ty);
            columns
                .push(values.map_err(|_| Error::internal("a value does not fit, and its row is not bad"))?);
        }
        let given = given.into_iter().map(|mask| {
            let Some(mask) = mask else { return Ok(None) };
            let kept = filter(&mask, &good)?;
            Ok(kept.as_any().downcast_ref::<BooleanArray>().cloned())
        });
        let given = given.collect::<Result<_>>()?;
        Ok(Typed { columns, given, rows: good.true_count(), bad: bad.into_iter().flatten().collect() })
    }
}

fn given(defaults: &[usize], rows: usize) -> Option<BooleanArray> {
    if defaults.is_empty() {
        return None;
    }
    let mut mask = vec![true; rows];
    for row in defaults {
        if let Some(slot) = mask.get_mut(*row) {
            *slot = false;
        }
    }
    Some(mask.into())
}

/// The bad rows of a batch, by row: of each the first thing that is wrong.
struct Found<'a> {
    lines: &'a [u64],
    raws: Option<&'a [String]>,
    bad: &'a mut Vec<Option<BadRow>>,
}

impl Found<'_> {
    fn add(&mut self, row: usize, column: &TextColumn, reason: String, kind: ErrorKind) {
        if self.bad.len() <= row {
            self.bad.resize(row + 1, None);
        }
        if let Some(slot) = self.bad.get_mut(row).filter(|slot| slot.is_none()) {
            *slot = Some(BadRow {
                line: self.lines.get(row).copied().unwrap_or_default(),
                column: Some((column.def.name.clone(), column.place)),
                reason,
                kind,
                raw: self.raws.and_then(|raws| raws.get(row)).cloned().unwrap_or_default(),
            });
        }
    }
}

impl TextColumn {
    /// The values, typed, or `None` when there are some that do not fit.
    fn convert(&self, values: &ArrayRef, defaults: &[usize], found: &mut Found<'_>) -> Option<ArrayRef> {
        if !self.def.nullable && values.null_count() > 0 {
            let absent = self.def.default.is_none();
            for row in (0..values.len()).filter(|row| values.is_null(*row)) {
                if absent || defaults.binary_search(&row).is_err() {
                    found.add(row, self, "it may not be NULL".to_owned(), ErrorKind::Constraint);
                }
            }
        }
        if let Ok(typed) = convert(values, self.def.ty) {
            return Some(typed);
        }
        let texts = values.as_any().downcast_ref::<StringArray>();
        for row in 0..values.len() {
            let Err(misfit) = convert(&values.slice(row, 1), self.def.ty) else { continue };
            let text = texts.map_or("", |texts| texts.value(row));
            let (reason, kind) = reason(text, self.def.ty, misfit);
            found.add(row, self, reason, kind);
        }
        None
    }
}

/// Why `text` is no value of `ty`.
fn reason(text: &str, ty: ColumnType, misfit: Misfit) -> (String, ErrorKind) {
    let name = ty.to_string();
    let article = if name.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
    let shown = shown(text);
    match misfit {
        Misfit::TooLong(why) => {
            let why = why.split(':').next().unwrap_or_default().to_owned();
            (format!("{shown} is not {article} {name}: {why}"), ErrorKind::Constraint)
        }
        Misfit::Value(why) if why.ends_with("is not a value of that type") => {
            (format!("{shown} is not {article} {name}"), ErrorKind::InvalidInput)
        }
        Misfit::Value(why) => {
            // What is said in front of the reason is the value again.
            let why = why.split_once("' ").map_or(why.as_str(), |(_, why)| why);
            (format!("{shown} is not {article} {name}: {why}"), ErrorKind::InvalidInput)
        }
    }
}

/// A value as messages show it: in quotes, its beginning when it is long.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}…\"", text.get(..end).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::types::ColumnId;

    fn column(name: &str, ty: ColumnType, nullable: bool) -> ColumnDef {
        ColumnDef {
            id: ColumnId(1),
            name: name.to_owned(),
            ty,
            nullable,
            default: None,
            added_in: 1,
            added_value: None,
        }
    }

    fn rows(lines: &[(&str, Option<&str>)]) -> TextRows {
        let columns = [
            (column("age", ColumnType::Integer, true), Some(1)),
            (column("name", ColumnType::Varchar(3), false), Some(2)),
        ];
        let mut rows = TextRows::new(columns, true);
        for (line, (age, name)) in (2..).zip(lines) {
            let name = name.map_or(Cell::Null, Cell::Text);
            rows.push(line, || format!("{age},…"), [Cell::Text(age), name].into_iter());
        }
        rows
    }

    #[test]
    fn text_becomes_typed_columns() {
        let typed = rows(&[("1", Some("a")), (" 2 ", Some("b"))]).take();
        let typed = typed.unwrap();
        assert_eq!((typed.rows, typed.bad.len()), (2, 0));
        assert_eq!(typed.columns[0].as_primitive::<Int32Type>().values(), &[1, 2]);
    }

    #[test]
    fn bad_rows_are_taken_out_and_say_why() {
        let mut rows = rows(&[
            ("x", None),
            ("1", Some("a")),
            ("2", None),
            ("99999999999", Some("abcd")),
            ("3", Some("abcd")),
        ]);
        let typed = rows.take().unwrap();
        assert_eq!((typed.rows, rows.len()), (1, 0));
        assert_eq!(typed.columns[0].as_primitive::<Int32Type>().values(), &[1]);
        let shown: Vec<String> = typed.bad.iter().map(|b| b.error("f", "line").to_string()).collect();
        assert_eq!(
            shown,
            [
                "f, line 2, column \"age\" (1st): \"x\" is not an INTEGER",
                "f, line 4, column \"name\" (2nd): it may not be NULL",
                "f, line 5, column \"age\" (1st): \"99999999999\" is not an INTEGER",
                "f, line 6, column \"name\" (2nd): \"abcd\" is not a VARCHAR(3): value too long, 4 characters",
            ]
        );
        assert_eq!(typed.bad[0].raw, "x,…");
        assert_eq!(typed.bad[1].kind, ErrorKind::Constraint);
    }
}
