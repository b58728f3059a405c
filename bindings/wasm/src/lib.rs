//! FirnDB as WebAssembly: a thin surface over `firndb-core` that the npm package calls from a worker.
//!
//! Nothing here decides anything. [`Database`] opens stores and makes sessions, [`delete_store`] deletes stores,
//! [`Session`] runs SQL, [`RowStream`] gives rows as they are asked for, [`Load`] takes rows, `params` reads JavaScript values,
//! `answer` writes results as Arrow IPC streams, `archive` passes whole stores, and an error reaches JavaScript
//! as an `Error` whose `code` is the name of its kind.
//!
//! A panic ends the module: WebAssembly is built with `panic = "abort"`. What [`on_panic`] was given is called
//! with its message first, since no promise that is open will ever be settled after it.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod answer;
mod archive;
mod database;
mod failure;
mod load;
mod options;
mod panic;
mod params;
mod rows;
mod session;

pub use database::{Database, delete_store};
pub use load::Load;
pub use panic::on_panic;
pub use rows::RowStream;
pub use session::{Cancel, Session};
