//! The records of a file that are whole, as a file of their own: what columns it has can be told from them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use arrow::json::reader::infer_json_schema;

/// Bytes of a record that are looked at; one that is longer is left out.
const MOST_BYTES: usize = 16 << 20;

/// Reads the records of a file that are whole.
pub struct Records {
    file: BufReader<File>,
    shape: Shape,
    /// The record that is being given away, and how much of it has been.
    record: Vec<u8>,
    given: usize,
}

enum Shape {
    /// Values between these, as many as in the first record.
    Csv { delimiter: u8, width: Option<usize> },
    /// An object a line.
    Json,
}

impl Records {
    /// The records of a CSV file that have as many values as its first.
    pub fn of_csv(file: File, delimiter: u8) -> Self {
        Self::of(file, Shape::Csv { delimiter, width: None })
    }

    /// The lines of a file that are JSON objects.
    pub fn of_json(file: File) -> Self {
        Self::of(file, Shape::Json)
    }

    fn of(file: File, shape: Shape) -> Self {
        Self { file: BufReader::new(file), shape, record: Vec::new(), given: 0 }
    }

    /// Reads the next record that is whole; `false` at the end of the file.
    fn next(&mut self) -> io::Result<bool> {
        self.given = 0;
        loop {
            self.record.clear();
            let (mut length, mut quoted) = (0, false);
            loop {
                let start = self.record.len();
                let read = self.file.read_until(b'\n', &mut self.record)?;
                let line = self.record.get(start..).unwrap_or_default();
                quoted ^= line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
                length += read;
                if length > MOST_BYTES {
                    self.record.truncate(start);
                }
                if read == 0 || !quoted || matches!(self.shape, Shape::Json) {
                    break;
                }
            }
            if length == 0 {
                return Ok(false);
            }
            if length <= MOST_BYTES && self.is_whole() {
                return Ok(true);
            }
        }
    }

    fn is_whole(&mut self) -> bool {
        if std::str::from_utf8(&self.record).is_err() {
            return false;
        }
        match &mut self.shape {
            Shape::Json => infer_json_schema(Cursor::new(&self.record), Some(1)).is_ok(),
            Shape::Csv { delimiter, width } => {
                let mut quoted = false;
                let delimiters = self.record.iter().filter(|byte| {
                    quoted ^= **byte == b'"';
                    !quoted && **byte == *delimiter
                });
                let found = delimiters.count();
                *width.get_or_insert(found) == found && !quoted
            }
        }
    }
}

impl Read for Records {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.record.len() && !self.next()? {
            return Ok(0);
        }
        let mut rest = self.record.get(self.given..).unwrap_or_default();
        let read = rest.read(into)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn kept(text: &[u8], records: fn(File) -> Records) -> String {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("its text");
        let mut kept = String::new();
        let mut read = records(file.reopen().expect("the file"));
        read.read_to_string(&mut kept).expect("UTF-8");
        kept
    }

    #[test]
    fn records_that_are_not_whole_are_left_out() {
        let csv = |file| Records::of_csv(file, b',');
        let text = b"a,b\n1,2\n3\n4,5,6\n\"7,\n\"\"x\",8\n\xff,9\n10,11";
        assert_eq!(kept(text, csv), "a,b\n1,2\n\"7,\n\"\"x\",8\n10,11");
        let text = b"{\"a\":1}\n{\"a\":\n[1]\n{\"a\":2}";
        assert_eq!(kept(text, Records::of_json), "{\"a\":1}\n{\"a\":2}");
        assert_eq!(kept(b"", csv), "");
    }
}
