//! CSV into records (RFC 4180, and PostgreSQL's reading of it), a piece of bytes at a time.
//!
//! Libraries for CSV do not say which values were in quotes, and that is how an empty text differs from
//! NULL; nor which line a row is in once values have line ends in them.

use crate::copy::CopyOptions;
use crate::copy::window::Window;
use crate::error::{Error, Result};

/// A row may have so many bytes: it is in memory as a whole.
const MOST_BYTES: usize = 64 << 20;

/// So many values of a row are kept: a row of delimiters would take many times its bytes.
pub const MOST_VALUES: usize = 1 << 16;

/// A row as text.
#[derive(Debug, Default)]
pub struct Record {
    /// The line in which it starts, from 1.
    pub line: u64,
    /// The row as it stands in the file, without its line end.
    pub raw: Vec<u8>,
    text: Vec<u8>,
    /// Where in `text` each value ends, and whether it was in quotes.
    ends: Vec<(usize, bool)>,
    /// Values that are not kept because there are too many.
    more: usize,
}

impl Record {
    /// How many values it has; past [`MOST_VALUES`] they are counted only.
    pub fn len(&self) -> usize {
        self.ends.len() + self.more
    }

    fn end_value(&mut self, quoted: bool) {
        if self.ends.len() < MOST_VALUES {
            self.ends.push((self.text.len(), quoted));
        } else {
            self.more += 1;
        }
    }

    /// Whether it is an empty line.
    pub fn is_blank(&self) -> bool {
        self.raw.is_empty()
    }

    /// Its values, in order, and whether each was in quotes.
    ///
    /// # Errors
    /// What is wrong with it, when it is not UTF-8.
    pub fn values(&self) -> Result<impl Iterator<Item = (&str, bool)>, String> {
        let text = std::str::from_utf8(&self.text).map_err(|e| {
            let value = self.ends.iter().filter(|(end, _)| *end <= e.valid_up_to()).count() + 1;
            format!("value {value} is not valid UTF-8")
        })?;
        let mut start = 0;
        Ok(self.ends.iter().map(move |(end, quoted)| {
            // Delimiters and quotes are ASCII: they are between characters.
            let value = text.get(start..*end).unwrap_or_default();
            start = *end;
            (value, *quoted)
        }))
    }
}

/// Cuts bytes into records.
#[derive(Debug)]
pub struct Splitter {
    delimiter: u8,
    quote: u8,
    escape: u8,
    /// What there is of the file.
    pub window: Window,
    line: u64,
    begun: bool,
}

/// How the scan of a record ended.
enum Scan {
    /// At this offset behind the record's line end; this many lines on.
    Record(usize, u64),
    /// More bytes are needed.
    More,
}

impl Splitter {
    pub fn new(options: &CopyOptions) -> Self {
        Self {
            delimiter: options.delimiter(),
            quote: options.quote(),
            escape: options.escape(),
            window: Window::default(),
            line: 1,
            begun: false,
        }
    }

    /// Reads the next record into `record`; `false` when more bytes are needed, or none are left.
    ///
    /// # Errors
    /// `InvalidInput` for quotes without end, `LimitExceeded` for a row that is too large.
    pub fn next(&mut self, record: &mut Record) -> Result<bool> {
        if !self.begun {
            self.begun = self.window.begin();
            if !self.begun {
                return Ok(false);
            }
        }
        if self.window.waiting() == 0 || !self.window.is_due() {
            return Ok(false);
        }
        record.text.clear();
        record.ends.clear();
        record.more = 0;
        record.raw.clear();
        record.line = self.line;
        match self.scan(record)? {
            Scan::More => {
                let waited = self.window.wait_for_more(self.line, "a row", MOST_BYTES);
                waited.map(|()| false).map_err(|e| e.with_hint("is there a quote without its end?"))
            }
            Scan::Record(after, lines) => {
                let raw = self.window.bytes.get(self.window.start..after).unwrap_or_default();
                let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
                record.raw.extend_from_slice(raw.strip_suffix(b"\r").unwrap_or(raw));
                self.window.take_to(after);
                self.line += lines;
                Ok(true)
            }
        }
    }

    fn scan(&self, record: &mut Record) -> Result<Scan> {
        let byte = |at: usize| self.window.bytes.get(at).copied();
        let (mut at, mut lines, mut quoted) = (self.window.start, 0, false);
        loop {
            let plain = self.plain_until(at);
            record.text.extend_from_slice(self.window.bytes.get(at..plain).unwrap_or_default());
            at = plain;
            match byte(at) {
                None if !self.window.ended => return Ok(Scan::More),
                None => {
                    record.end_value(quoted);
                    return Ok(Scan::Record(at, lines));
                }
                Some(b) if b == self.quote => {
                    quoted = true;
                    match self.scan_quoted(at + 1, record, &mut lines)? {
                        Some(after) => at = after,
                        None => return Ok(Scan::More),
                    }
                }
                Some(b) if b == self.delimiter => {
                    record.end_value(quoted);
                    quoted = false;
                    at += 1;
                }
                Some(end) => {
                    if end == b'\r' && byte(at + 1).is_none() && !self.window.ended {
                        return Ok(Scan::More);
                    }
                    record.end_value(quoted);
                    let pair = end == b'\r' && byte(at + 1) == Some(b'\n');
                    return Ok(Scan::Record(at + 1 + usize::from(pair), lines + 1));
                }
            }
        }
    }

    /// The first place from `at` on that is not plain text, outside of quotes.
    fn plain_until(&self, at: usize) -> usize {
        let rest = self.window.bytes.get(at..).unwrap_or_default();
        let special = |b: &u8| *b == self.delimiter || *b == self.quote || *b == b'\n' || *b == b'\r';
        at + rest.iter().position(special).unwrap_or(rest.len())
    }

    /// Reads what is in quotes from `at` on; gives the place behind them, or `None` when more is needed.
    fn scan_quoted(&self, mut at: usize, record: &mut Record, lines: &mut u64) -> Result<Option<usize>> {
        loop {
            let rest = self.window.bytes.get(at..).unwrap_or_default();
            let special = |b: &u8| *b == self.quote || *b == self.escape;
            let plain = rest.iter().position(special).unwrap_or(rest.len());
            let text = rest.get(..plain).unwrap_or_default();
            *lines += text.iter().filter(|b| **b == b'\n').count() as u64;
            record.text.extend_from_slice(text);
            at += plain;
            let Some(found) = self.window.bytes.get(at).copied() else {
                if self.window.ended {
                    return Err(Error::invalid(format!("line {}: a quote has no end", self.line)));
                }
                return Ok(None);
            };
            let next = self.window.bytes.get(at + 1).copied();
            if next.is_none() && !self.window.ended {
                return Ok(None);
            }
            match next.filter(|next| *next == self.quote || *next == self.escape) {
                Some(next) if found == self.escape => {
                    record.text.push(next);
                    at += 2;
                }
                _ if found == self.quote => return Ok(Some(at + 1)),
                _ => {
                    record.text.push(found);
                    at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::Format;

    type Row = (u64, Vec<(String, bool)>, String);

    fn split(options: &CopyOptions, text: &str, piece: usize) -> Result<Vec<Row>> {
        let mut splitter = Splitter::new(options);
        let (mut found, mut record) = (Vec::new(), Record::default());
        let mut pieces = text.as_bytes().chunks(piece);
        loop {
            while splitter.next(&mut record)? {
                let values = record.values().unwrap().map(|(v, q)| (v.to_owned(), q)).collect();
                found.push((record.line, values, String::from_utf8(record.raw.clone()).unwrap()));
            }
            if splitter.window.is_over() {
                return Ok(found);
            }
            match pieces.next() {
                Some(piece) => splitter.window.feed(piece),
                None => splitter.window.end(),
            }
        }
    }

    fn shown(rows: &[Row]) -> Vec<String> {
        rows.iter()
            .map(|(line, values, _)| {
                let values =
                    values.iter().map(|(v, quoted)| if *quoted { format!("<{v}>") } else { v.clone() });
                format!("{line}:{}", values.collect::<Vec<_>>().join("|"))
            })
            .collect()
    }

    #[test]
    fn rows_are_the_same_however_the_bytes_come() {
        let options = CopyOptions { format: Some(Format::Csv), ..CopyOptions::default() };
        let text = "\u{feff}a,\"\",é\r\n1,\"x,\n\"\"y\"\"\",\n\nab\"c,d\"e,,\r\"\"\"\"\n,\nlast";
        let expected = ["1:a|<>|é", "2:1|<x,\n\"y\">|", "4:", "5:<abc,de>||", "6:<\">", "7:|", "8:last"];
        for piece in [1, 2, 3, 5, 100] {
            let rows = split(&options, text, piece).unwrap();
            assert_eq!(shown(&rows), expected, "{piece}");
            assert_eq!(rows[1].2, "1,\"x,\n\"\"y\"\"\",");
        }
    }

    #[test]
    fn signs_can_be_others() {
        let options = CopyOptions {
            delimiter: Some(b'\t'),
            quote: Some(b'\''),
            escape: Some(b'\\'),
            ..CopyOptions::default()
        };
        let rows = split(&options, "a\t'it\\'s \\x \\\\'\tb,\"\n", 4).unwrap();
        assert_eq!(shown(&rows), ["1:a|<it's \\x \\>|b,\""]);
    }

    #[test]
    fn a_row_that_comes_in_many_pieces_is_looked_through_a_few_times() {
        let options = CopyOptions::default();
        let mut splitter = Splitter::new(&options);
        let mut record = Record::default();
        splitter.window.feed(b"\"abc");
        let mut scans = 0;
        for _ in 0..10_000 {
            splitter.window.feed(b"x,y\n");
            let before = splitter.window.expected;
            assert!(!splitter.next(&mut record).unwrap());
            scans += usize::from(splitter.window.expected != before);
        }
        assert!((10..=20).contains(&scans), "{scans}");
        splitter.window.feed(b"\"\nlast");
        splitter.window.end();
        assert!(splitter.next(&mut record).unwrap() && record.len() == 1 && record.line == 1);
        assert!(splitter.next(&mut record).unwrap() && record.raw == b"last" && record.line == 10_002);
    }

    #[test]
    fn more_values_than_a_table_has_columns_are_counted_only() {
        let text = ",".repeat(MOST_VALUES + 9);
        let mut splitter = Splitter::new(&CopyOptions::default());
        splitter.window.feed(text.as_bytes());
        splitter.window.end();
        let mut record = Record::default();
        assert!(splitter.next(&mut record).unwrap());
        assert_eq!((record.len(), record.ends.len()), (MOST_VALUES + 10, MOST_VALUES));
    }

    #[test]
    fn what_is_no_csv_says_where() {
        let options = CopyOptions::default();
        let error = split(&options, "a\nb,\"c\nd\n", 3).unwrap_err();
        assert!(error.to_string().contains("line 2: a quote has no end"), "{error}");
        let mut splitter = Splitter::new(&options);
        splitter.window.feed(b"ab,\xff\n");
        let mut record = Record::default();
        assert!(splitter.next(&mut record).unwrap());
        assert_eq!(record.values().err().unwrap(), "value 2 is not valid UTF-8");
    }
}
