//! A source as typed columns of a table, some rows at a time.

use arrow::array::{ArrayRef, BooleanArray};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::catalog::{ColumnDef, ColumnType, TableDef, quoted};
use crate::copy::csv::{self, MOST_VALUES, Record};
use crate::copy::json;
use crate::copy::options::{CopyOptions, Format, Header};
use crate::copy::parquet::{ParquetFile, ParquetRows};
use crate::copy::rejects::BadRow;
use crate::copy::text::{Cell, TextRows, Typed, shown};
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::pace::Pace;
use crate::storage::Source;
use crate::values::{array, json as json_text};

/// Rows that are made into columns at a time, and bytes of their text.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 4 << 20;

/// Rows that are read between two looks at the clock.
const PACE_ROWS: u32 = 256;

/// Rows of a table.
#[derive(Debug)]
pub struct Chunk {
    /// The values, one array per place of [`Reader::places`].
    pub columns: Vec<ArrayRef>,
    /// Per column which rows say what it is, the others having its default; `None` where all do.
    pub given: Vec<Option<BooleanArray>>,
    /// How many rows there are.
    pub rows: usize,
    /// The rows that were left out, in the order of the source.
    pub bad: Vec<BadRow>,
}

/// Reads rows.
pub struct Reader {
    name: String,
    /// What the place of a bad row counts.
    unit: &'static str,
    skip_bad: bool,
    places: Vec<usize>,
    input: Input,
}

enum Input {
    Csv(Box<CsvRows>),
    Json(Box<JsonRows>),
    Parquet(Box<ParquetRows>),
}

impl Reader {
    /// A reader of `source` for `def`, or for those of its columns that are `listed`. The options have a format.
    /// `most_bytes` bounds what is held of a source that is to be read anywhere and comes as a stream, and a row group
    /// of Parquet. Waiting for
    /// the source is no work to `pace`.
    ///
    /// # Errors
    /// `NotFound` for columns that the table does not have, `InvalidInput` when the source is not of the format.
    pub async fn open(
        source: Source,
        def: &TableDef,
        listed: &[String],
        options: &CopyOptions,
        most_bytes: usize,
        pace: &Pace,
    ) -> Result<Self> {
        let name = source.name().to_owned();
        let listed = listed.iter().map(|name| place(def, name)).collect::<Result<Vec<_>>>()?;
        if let Some(twice) = repeated(&listed) {
            return Err(Error::invalid(format!("column {} is named twice", column_name(def, twice))));
        }
        let keep_raw = options.skip_bad && options.rejected.is_some();
        let (input, places, unit) = match options.format {
            Some(Format::Csv) => {
                let (rows, places) = CsvRows::open(source, def, listed, options, keep_raw, pace).await?;
                (Input::Csv(Box::new(rows)), places, "line")
            }
            Some(Format::Json) => {
                let places = if listed.is_empty() { (0..def.columns.len()).collect() } else { listed };
                let rows = JsonRows::new(source, def, &places, options.skip_bad, keep_raw, pace);
                (Input::Json(Box::new(rows)), places, "line")
            }
            Some(Format::Parquet) => {
                let file =
                    ParquetFile::open(&name, source.into_ranged(most_bytes).await?, most_bytes).await?;
                let places = named_places(&name, def, &listed, &file.names())?;
                let rows = file.rows(columns_at(def, &places), BATCH_ROWS, keep_raw)?;
                (Input::Parquet(Box::new(rows)), places, "row")
            }
            None => return Err(Error::internal("a COPY without a format")),
        };
        Ok(Self { name, unit, skip_bad: options.skip_bad, places, input })
    }

    /// The places in the table of the columns that it gives.
    #[must_use]
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// The next rows; `None` after the last. A chunk may have none, and bad ones only.
    ///
    /// # Errors
    /// `InvalidInput` or `Constraint` at the first bad row, unless those are skipped; what reading reports.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        let typed = match &mut self.input {
            Input::Csv(rows) => rows.next().await,
            Input::Json(rows) => rows.next().await,
            Input::Parquet(rows) => rows.next().await,
        };
        let Some(Typed { columns, given, rows, mut bad }) = typed.map_err(|e| in_file(e, &self.name))? else {
            return Ok(None);
        };
        bad.sort_by_key(|bad| bad.line);
        if let (false, Some(first)) = (self.skip_bad, bad.first()) {
            return Err(first.error(&self.name, self.unit));
        }
        Ok(Some(Chunk { columns, given, rows, bad }))
    }
}

/// An error of the text itself, which says the line, with the file in front.
fn in_file(e: Error, name: &str) -> Error {
    if e.message().starts_with("line ") {
        return Error::new(e.kind(), format!("{name}, {}", e.message()));
    }
    e
}

/// The place of a column: of that name, or without regard to case where only one fits.
fn place(def: &TableDef, name: &str) -> Result<usize> {
    if let Some(at) = def.index_of(name) {
        return Ok(at);
    }
    let mut folded =
        def.columns.iter().enumerate().filter(|(_, column)| column.name.eq_ignore_ascii_case(name));
    match (folded.next(), folded.next()) {
        (Some((at, _)), None) => Ok(at),
        _ if name == "_seq" || name == "_deleted" => {
            Err(Error::invalid(format!("column {name} is set by the engine and cannot be written")))
        }
        _ => Err(def.no_column(name)),
    }
}

fn columns_at(def: &TableDef, places: &[usize]) -> Vec<ColumnDef> {
    places.iter().filter_map(|at| def.columns.get(*at).cloned()).collect()
}

fn column_name(def: &TableDef, at: usize) -> String {
    def.columns.get(at).map_or_else(String::new, |column| quoted(&column.name))
}

fn repeated(places: &[usize]) -> Option<usize> {
    places
        .iter()
        .enumerate()
        .find(|(n, at)| places.iter().take(*n).any(|before| before == *at))
        .map(|(_, at)| *at)
}

/// Where the columns that a file names go. With a list of columns they are that list's, in its order.
fn named_places(file: &str, def: &TableDef, listed: &[usize], names: &[String]) -> Result<Vec<usize>> {
    if !listed.is_empty() {
        if listed.len() != names.len() {
            return Err(Error::invalid(format!(
                "{file} has {} columns, and the statement lists {}",
                names.len(),
                listed.len()
            )));
        }
        return Ok(listed.to_vec());
    }
    if names.iter().all(String::is_empty) {
        return Err(Error::invalid(format!("{file} has no columns")));
    }
    let places = names.iter().map(|name| {
        place(def, name).map_err(|e| {
            let message = format!("{file} has a column {name:?}: {}", e.message());
            let hint = match e.hint() {
                Some(hint) if hint.starts_with("did") => hint.to_owned(),
                _ => format!(
                    "list the columns, COPY {} (…), if the file's are the same by other names",
                    def.full_name()
                ),
            };
            Error::new(e.kind(), message).with_hint(hint)
        })
    });
    let places = places.collect::<Result<Vec<_>>>()?;
    match repeated(&places) {
        Some(at) => {
            Err(Error::invalid(format!("{file} has two columns that go into {}", column_name(def, at))))
        }
        None => Ok(places),
    }
}

/// The bytes of a source, and the pace at which their rows are read.
struct Pieces {
    stream: BoxStream<'static, Result<Bytes>>,
    pace: Pace,
    rows: u32,
}

impl Pieces {
    fn of(source: Source, pace: &Pace) -> Self {
        Self { stream: source.into_pieces(), pace: pace.clone(), rows: 0 }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.pace.step().await?;
        let piece = self.stream.next().await;
        // Waiting for the source is no work.
        self.pace.go_on();
        piece.transpose()
    }

    /// Counts a row: also those that are left out, which may be many, must not keep the thread.
    async fn count_row(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows >= PACE_ROWS {
            self.rows = 0;
            self.pace.step().await?;
        }
        Ok(())
    }
}

/// Rows that are none, and how much memory they take.
#[derive(Default)]
struct Bad {
    rows: Vec<BadRow>,
    bytes: usize,
    keep_raw: bool,
}

impl Bad {
    /// Adds one; `raw` is what it is in the source.
    fn push(&mut self, line: u64, column: Option<String>, reason: String, raw: &[u8]) {
        let raw = if self.keep_raw { String::from_utf8_lossy(raw).into_owned() } else { String::new() };
        self.bytes += raw.len() + reason.len();
        let column = column.map(|name| (name, None));
        self.rows.push(BadRow { line, column, reason, kind: ErrorKind::InvalidInput, raw });
    }

    fn take(&mut self) -> Vec<BadRow> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

/// Whether there is room for more before columns are made of what there is.
fn has_room(rows: &TextRows, bad: &Bad) -> bool {
    rows.len() < BATCH_ROWS && bad.rows.len() < BATCH_ROWS && rows.bytes() + bad.bytes < BATCH_BYTES
}

/// Rows of CSV.
struct CsvRows {
    pieces: Pieces,
    splitter: csv::Splitter,
    record: Record,
    rows: TextRows,
    bad: Bad,
    width: usize,
    null: String,
    skip_bad: bool,
}

impl CsvRows {
    async fn open(
        source: Source,
        def: &TableDef,
        listed: Vec<usize>,
        options: &CopyOptions,
        keep_raw: bool,
        pace: &Pace,
    ) -> Result<(Self, Vec<usize>)> {
        let name = source.name().to_owned();
        let mut rows = Self {
            pieces: Pieces::of(source, pace),
            splitter: csv::Splitter::new(options),
            record: Record::default(),
            rows: TextRows::new([], keep_raw),
            bad: Bad { keep_raw, ..Bad::default() },
            width: 0,
            null: options.null().to_owned(),
            skip_bad: options.skip_bad,
        };
        let places = match options.header {
            Header::Absent if listed.is_empty() => (0..def.columns.len()).collect(),
            Header::Absent => listed,
            Header::Names | Header::Match => {
                let names = rows.header().await.map_err(|e| in_file(e, &name))?;
                let names = names.ok_or_else(|| {
                    Error::invalid(format!("{name} has no columns: its first line should name them"))
                })?;
                let places = named_places(&name, def, &listed, &names)?;
                let all = if listed.is_empty() { (0..def.columns.len()).collect() } else { listed };
                if options.header == Header::Match && !matches(def, &all, &names) {
                    return Err(Error::invalid(format!(
                        "{name}, line 1: the header is not that of the columns in order: {}",
                        all.iter().map(|at| column_name(def, *at)).collect::<Vec<_>>().join(", ")
                    )));
                }
                places
            }
        };
        rows.width = places.len();
        rows.rows = TextRows::new(columns_at(def, &places).into_iter().zip((1..).map(Some)), keep_raw);
        Ok((rows, places))
    }

    /// The values of the first line, unless the file is empty.
    async fn header(&mut self) -> Result<Option<Vec<String>>> {
        if !self.record().await? {
            return Ok(None);
        }
        if self.record.len() > MOST_VALUES {
            return Err(Error::limit(format!("line 1: a row has more than {MOST_VALUES} values")));
        }
        let values = self.record.values().map_err(|why| Error::invalid(format!("line 1: {why}")))?;
        Ok(Some(values.map(|(value, _)| value.trim().to_owned()).collect()))
    }

    /// Reads the next record; `false` after the last.
    async fn record(&mut self) -> Result<bool> {
        while !self.splitter.next(&mut self.record)? {
            if self.splitter.window.is_over() {
                return Ok(false);
            }
            match self.pieces.next().await? {
                Some(piece) => self.splitter.window.feed(&piece),
                None => self.splitter.window.end(),
            }
        }
        Ok(true)
    }

    async fn next(&mut self) -> Result<Option<Typed>> {
        let mut more = true;
        while has_room(&self.rows, &self.bad) {
            more = self.record().await?;
            if !more {
                break;
            }
            self.pieces.count_row().await?;
            if self.record.is_blank() && self.width != 1 {
                continue;
            }
            self.add();
            if !self.skip_bad && !self.bad.rows.is_empty() {
                break;
            }
        }
        if !more && self.rows.len() == 0 && self.bad.rows.is_empty() {
            return Ok(None);
        }
        let mut typed = self.rows.take()?;
        typed.bad.append(&mut self.bad.take());
        Ok(Some(typed))
    }

    fn add(&mut self) {
        let raw = || String::from_utf8_lossy(&self.record.raw).into_owned();
        let line = self.record.line;
        let found = self.record.len();
        let why = match self.record.values() {
            Ok(values) if found == self.width && found <= MOST_VALUES => {
                let null = self.null.as_str();
                let cells = values.map(|(value, in_quotes)| match value {
                    value if !in_quotes && value == null => Cell::Null,
                    value => Cell::Text(value),
                });
                self.rows.push(line, raw, cells);
                return;
            }
            Ok(_) => format!("expected {} values, found {found}", self.width),
            Err(why) => why,
        };
        self.bad.push(line, None, why, &self.record.raw);
    }
}

fn matches(def: &TableDef, places: &[usize], names: &[String]) -> bool {
    let expected = places.iter().filter_map(|at| def.columns.get(*at)).map(|column| &column.name);
    places.len() == names.len() && expected.zip(names).all(|(a, b)| a == b)
}

/// Rows of JSON.
struct JsonRows {
    pieces: Pieces,
    splitter: json::Splitter,
    columns: Vec<ColumnDef>,
    rows: TextRows,
    bad: Bad,
    skip_bad: bool,
}

impl JsonRows {
    fn new(
        source: Source,
        def: &TableDef,
        places: &[usize],
        skip_bad: bool,
        keep_raw: bool,
        pace: &Pace,
    ) -> Self {
        let columns = columns_at(def, places);
        Self {
            pieces: Pieces::of(source, pace),
            splitter: json::Splitter::default(),
            rows: TextRows::new(columns.iter().map(|column| (column.clone(), None)), keep_raw),
            columns,
            bad: Bad { keep_raw, ..Bad::default() },
            skip_bad,
        }
    }

    async fn next(&mut self) -> Result<Option<Typed>> {
        while has_room(&self.rows, &self.bad) {
            if let Some((line, object)) = self.splitter.next()? {
                self.pieces.count_row().await?;
                if let Err((column, reason)) = add_object(&self.columns, &mut self.rows, line, object) {
                    self.bad.push(line, column, reason, object);
                    if !self.skip_bad {
                        break;
                    }
                }
                continue;
            }
            if self.splitter.window.is_over() {
                break;
            }
            match self.pieces.next().await? {
                Some(piece) => self.splitter.window.feed(&piece),
                None => self.splitter.window.end(),
            }
        }
        if self.splitter.window.is_over() && self.rows.len() == 0 && self.bad.rows.is_empty() {
            return Ok(None);
        }
        let mut typed = self.rows.take()?;
        typed.bad.append(&mut self.bad.take());
        Ok(Some(typed))
    }
}

/// Adds an object as a row; or says of which column what is wrong.
fn add_object(
    columns: &[ColumnDef],
    rows: &mut TextRows,
    line: u64,
    object: &[u8],
) -> Result<(), (Option<String>, String)> {
    let text = std::str::from_utf8(object).map_err(|_| (None, "it is not valid UTF-8".to_owned()))?;
    json_text::check(text).map_err(|why| (None, format!("{} is not JSON: {why}", shown(text))))?;
    let mut values: Vec<Option<Option<String>>> = vec![None; columns.len()];
    let mut unknown = None;
    let whole = json_text::each_member(text, |name, value| {
        let exact = columns.iter().position(|c| c.name == name);
        let at = exact.or_else(|| columns.iter().position(|c| c.name.eq_ignore_ascii_case(&name)));
        match at.and_then(|at| Some((values.get_mut(at)?, columns.get(at)?))) {
            Some((slot, column)) => *slot = Some(text_of(value, column.ty)),
            None => unknown = Some(name),
        }
        unknown.is_none()
    });
    if let Some(name) = unknown {
        let near = nearest(&name, columns.iter().map(|c| c.name.as_str()));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean {}?", quoted(near)));
        return Err((Some(name), format!("there is no such column{hint}")));
    }
    if !whole {
        return Err((None, format!("expected an object, found {}", shown(text))));
    }
    let cells = values.iter().map(|value| match value {
        None => Cell::Default,
        Some(None) => Cell::Null,
        Some(Some(text)) => Cell::Text(text),
    });
    rows.push(line, || text.to_owned(), cells);
    Ok(())
}

/// A JSON value as the text that is converted to `ty`.
fn text_of(value: &str, ty: ColumnType) -> Option<String> {
    match ty {
        ColumnType::Json => (value != "null").then(|| value.to_owned()),
        ColumnType::Array(_) if value.starts_with('[') => {
            let elements = json_text::elements(value).unwrap_or_default();
            if elements.iter().any(|e| e.starts_with(['[', '{'])) {
                return Some(value.to_owned());
            }
            let elements: Vec<_> = elements.into_iter().map(json_text::text_of).collect();
            Some(array::write(&elements))
        }
        _ => json_text::text_of(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_none_count_as_memory_and_are_kept_only_where_they_are_asked_for() {
        let rows = TextRows::new([], true);
        for keep_raw in [false, true] {
            let mut bad = Bad { keep_raw, ..Bad::default() };
            for line in 1..=2 {
                assert!(has_room(&rows, &bad));
                bad.push(line, None, "no row".to_owned(), &[b'x'; BATCH_BYTES / 2]);
            }
            assert_eq!(has_room(&rows, &bad), !keep_raw);
            assert!(bad.take().iter().all(|bad| bad.raw.is_empty() != keep_raw));
            assert!(has_room(&rows, &bad));
        }
    }
}
