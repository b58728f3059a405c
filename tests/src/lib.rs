//! What the cross-crate tests and benchmarks share: stores that outlive an engine, the runner of the
//! SQL corpus, and random histories with their oracle.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected has to stop there and say so"
)]

pub mod ask;
pub mod corpus;
pub mod counted;
pub mod duel;
pub mod history;
#[cfg(unix)]
pub mod judged;
pub mod lasting;
pub mod losses;
pub mod oracle;
#[cfg(unix)]
pub mod postgres;
pub mod render;
pub mod scanned;
pub mod seed;
pub mod setting;
pub mod streamed;
pub mod suite;
pub mod yielding;
