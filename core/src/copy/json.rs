//! JSON into objects, a piece of bytes at a time: an object a line, or one array of objects.

use crate::copy::window::Window;
use crate::error::{Error, Result};

/// An object may have so many bytes: it is in memory as a whole.
const MOST_BYTES: usize = 64 << 20;

/// Cuts bytes into the texts of objects.
#[derive(Debug, Default)]
pub struct Splitter {
    /// What there is of the file.
    pub window: Window,
    line: u64,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Form {
    /// Nothing but spaces has come.
    #[default]
    Unknown,
    /// A line is an object.
    Lines,
    /// Inside of the array.
    Array,
    /// Behind the array.
    Over,
}

impl Splitter {
    /// The next text that should be an object, with its line; `None` when more bytes are needed, or none
    /// are left.
    ///
    /// # Errors
    /// `InvalidInput` for an array that is none, `LimitExceeded` for an object that is too large.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.skip_spaces();
        if self.form == Form::Unknown {
            if self.line == 0 {
                if !self.window.begin() {
                    return Ok(None);
                }
                self.line = 1;
                self.skip_spaces();
            }
            match self.peek() {
                None => return Ok(None),
                Some(b'[') => {
                    self.form = Form::Array;
                    self.window.start += 1;
                    self.skip_spaces();
                }
                Some(_) => self.form = Form::Lines,
            }
        }
        if self.form != Form::Over && !self.window.is_due() {
            return Ok(None);
        }
        let (end, behind) = match self.form {
            Form::Array => match self.element()? {
                Some(end) => (end, end),
                None => return self.wait(),
            },
            Form::Over => {
                return match self.peek() {
                    None => Ok(None),
                    Some(_) => {
                        Err(Error::invalid(format!("line {}: there is more behind the array", self.line)))
                    }
                };
            }
            Form::Lines | Form::Unknown => {
                let rest = self.window.bytes.get(self.window.start..).unwrap_or_default();
                match rest.iter().position(|b| *b == b'\n') {
                    Some(length) => (self.window.start + length, self.window.start + length + 1),
                    None if self.window.ended && !rest.is_empty() => {
                        (self.window.bytes.len(), self.window.bytes.len())
                    }
                    None => return self.wait(),
                }
            }
        };
        let (from, line) = (self.window.start, self.line);
        self.window.take_to(behind);
        self.line +=
            self.window.bytes.get(from..behind).unwrap_or_default().iter().filter(|b| **b == b'\n').count()
                as u64;
        Ok(Some((line, self.window.bytes.get(from..end).unwrap_or_default().trim_ascii_end())))
    }

    fn wait(&mut self) -> Result<Option<(u64, &[u8])>> {
        self.window.wait_for_more(self.line, "an object", MOST_BYTES).map(|()| None)
    }

    fn peek(&self) -> Option<u8> {
        self.window.bytes.get(self.window.start).copied()
    }

    fn skip_spaces(&mut self) {
        while let Some(byte) = self.peek().filter(u8::is_ascii_whitespace) {
            self.line += u64::from(byte == b'\n');
            self.window.start += 1;
        }
    }

    /// Goes to the next element of the array and gives its end; `None` when it is not there as a whole.
    fn element(&mut self) -> Result<Option<usize>> {
        while self.peek() == Some(b',') {
            self.window.start += 1;
            self.skip_spaces();
        }
        match self.peek() {
            Some(b']') => {
                self.form = Form::Over;
                self.window.start += 1;
                self.skip_spaces();
                return Ok(None);
            }
            None if self.window.ended => {
                return Err(Error::invalid(format!("line {}: the array has no end", self.line)));
            }
            _ => {}
        }
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        let rest = self.window.bytes.get(self.window.start..).unwrap_or_default();
        for (offset, byte) in rest.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 1 => depth -= 1,
                b'}' | b']' if depth == 1 => return Ok(Some(self.window.start + offset + 1)),
                b',' | b']' if depth == 0 => return Ok(Some(self.window.start + offset)),
                _ => {}
            }
        }
        if self.window.ended {
            return Err(Error::invalid(format!("line {}: the array has no end", self.line)));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, piece: usize) -> Result<Vec<(u64, String)>> {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        let mut pieces = text.as_bytes().chunks(piece);
        loop {
            while let Some((line, object)) = splitter.next()? {
                found.push((line, String::from_utf8(object.to_vec()).unwrap()));
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

    #[test]
    fn lines_and_arrays_are_read_however_the_bytes_come() {
        let lines = "\u{feff}{\"a\": \"}\\n\"}\r\n\n {\"b\": [1]} \nnone\n{}";
        let array = " [ {\"a\":\n\"]\\\"}\"} , {\"b\": {\"c\": [1]}},3\n,{} ]\n ";
        for piece in [1, 2, 7, 100] {
            let found = split(lines, piece).unwrap();
            let expected = [(1, r#"{"a": "}\n"}"#), (3, r#"{"b": [1]}"#), (4, "none"), (5, "{}")];
            assert_eq!(found, expected.map(|(l, t)| (l, t.to_owned())), "{piece}");
            let found = split(array, piece).unwrap();
            let expected = [(1, "{\"a\":\n\"]\\\"}\"}"), (2, r#"{"b": {"c": [1]}}"#), (2, "3"), (3, "{}")];
            assert_eq!(found, expected.map(|(l, t)| (l, t.to_owned())), "{piece}");
        }
        assert_eq!(split("", 1).unwrap(), []);
        assert_eq!(split("[]", 1).unwrap(), []);
    }

    #[test]
    fn an_object_that_comes_in_many_pieces_is_looked_through_a_few_times() {
        for (start, end) in [("{\"a\": \"", "\"}\n"), ("[{\"a\": \"", "\"}]")] {
            let mut splitter = Splitter::default();
            splitter.window.feed(start.as_bytes());
            let mut scans = 0;
            for _ in 0..10_000 {
                splitter.window.feed(b"wxyz");
                let before = splitter.window.expected;
                assert!(splitter.next().unwrap().is_none());
                scans += usize::from(splitter.window.expected != before);
            }
            assert!((10..=20).contains(&scans), "{scans}");
            splitter.window.feed(end.as_bytes());
            splitter.window.end();
            assert_eq!(splitter.next().unwrap().unwrap().1.len(), 40_009);
        }
    }

    #[test]
    fn arrays_that_are_none_say_where() {
        for text in ["[{\"a\": 1}", "[\n", "[] x"] {
            assert!(split(text, 3).unwrap_err().to_string().contains("line "), "{text}");
        }
    }
}
