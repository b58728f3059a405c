//! The built binary, as people and scripts call it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod backup;
mod damage;
mod demo;
mod process;
mod round_trip;
mod settings;
#[cfg(unix)]
mod shell;
mod sql;
mod stores;
#[cfg(unix)]
mod terminal;
mod transfer;
