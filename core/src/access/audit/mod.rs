//! The audit log: what was done in whose name, and what was refused.
//!
//! An entry is written in the same batch as the effect it tells of. Each holds the hash of the one before, so that
//! a missing or changed one shows; the head, of the same batch, tells where the log begins and ends. Whoever changes
//! the log holds the lock of commits.
//!
//! ```text
//! keyspace audit
//! 00                 head: JSON {first, anchor, next, last}
//! 01 ‖ u64 number    entry: JSON, with the SHA-256 of the entry before
//! ```

mod entry;
mod log;
mod read;
mod retention;

pub use entry::{Act, Draft, Fate};
pub use log::{Head, load, record, write};
pub use read::{check, entries};
pub use retention::{expire, has_expired};
