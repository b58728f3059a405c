//! The built binary, as people and scripts call it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod damage;
mod demo;
mod process;
mod sql;
mod stores;
mod transfer;
