//! A whole store as one archive: out of a browser into a directory, and the other way.
//!
//! It is a tar file, so that anybody can look into it, with these entries in this order:
//!
//! ```text
//! firndb.json             { "archive": 1, "format": …, "store_id": "…" }
//! keys/{keyspace}-{n}     pairs: length of key, key, length of value, value; lengths of 4 bytes, big-endian
//! blobs/{path}            a file of the cold tier
//! end.json                { "entries": …, "crc32c": "…" }   of all entries before: names and contents, in order
//! ```
//!
//! Keys come first, because the files that they refer to stay where they are while new ones are added.

mod dump;
mod load;

use serde::{Deserialize, Serialize};

pub use dump::dump;
pub use load::load;

/// The version of the archive's layout.
const ARCHIVE: u32 = 1;
const HEAD: &str = "firndb.json";
const END: &str = "end.json";
const KEYS: &str = "keys/";
const BLOBS: &str = "blobs/";

/// The first entry.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    archive: u32,
    format: u32,
    store_id: String,
}

/// The last entry.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    entries: u64,
    crc32c: String,
}

/// What an archive holds so far.
#[derive(Debug, Default)]
struct Tally {
    entries: u64,
    crc: u32,
}

impl Tally {
    fn add(&mut self, name: &str, content: &[u8]) {
        self.entries += 1;
        self.crc = crc32c::crc32c_append(self.crc, name.as_bytes());
        self.crc = crc32c::crc32c_append(self.crc, content);
    }

    fn end(&self) -> End {
        End { entries: self.entries, crc32c: format!("{:08x}", self.crc) }
    }
}
