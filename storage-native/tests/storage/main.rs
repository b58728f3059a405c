//! The promises of `firndb-core`'s conformance suite, kept by every native store, and what only these have.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise"
)]

mod local_fs;
mod processes;
mod rocks;
mod s3;
mod s3_server;
mod stores;
