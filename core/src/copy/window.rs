//! The bytes of a file that have come and were not yet taken, where records are cut from.

use crate::error::{Error, Result};

/// Begins a text of UTF-8 where a program thought it useful.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes in the order of the file, from the next record on.
#[derive(Debug, Default)]
pub struct Window {
    /// What is there.
    pub bytes: Vec<u8>,
    /// Where in `bytes` the next record starts.
    pub start: usize,
    /// Whether no more bytes come.
    pub ended: bool,
    /// How many bytes have to wait before the end of the next record is looked for again.
    pub(super) expected: usize,
}

impl Window {
    /// Adds bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Says that no more bytes come.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Whether all has been taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended && self.waiting() == 0
    }

    /// How many bytes were not taken yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bytes.len().saturating_sub(self.start)
    }

    /// Whether it is worth looking for the end of the next record.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.ended || self.waiting() >= self.expected
    }

    /// At the start of the file, passes over a byte order mark; `false` when more bytes are needed to see one.
    #[must_use]
    pub fn begin(&mut self) -> bool {
        if self.bytes.len() < BYTE_ORDER_MARK.len() && !self.ended {
            return false;
        }
        if self.bytes.starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len();
        }
        true
    }

    /// Says that the next record, of which all bytes here are a part, needs more; it may have `most`. Looked
    /// through from its start after every piece, a long record would take quadratic time.
    ///
    /// # Errors
    /// `LimitExceeded`, with `line` and `what` it is, when there are more already.
    pub fn wait_for_more(&mut self, line: u64, what: &str, most: usize) -> Result<()> {
        let waiting = self.waiting();
        self.expected = (2 * waiting).min(most + 1);
        if waiting > most {
            return Err(Error::limit(format!("line {line}: {what} has more than {most} bytes")));
        }
        Ok(())
    }

    /// Takes the next record: the one after it starts at `start`.
    pub fn take_to(&mut self, start: usize) {
        self.expected = 0;
        self.start = start;
    }
}
