//! FirnDB as an addon for Node.js: the same surface as `firndb-wasm`, over RocksDB, files and object stores.
//!
//! Nothing here decides anything. [`Database`] opens stores and makes sessions, `Session` runs SQL, [`RowStream`]
//! gives rows as they are asked for, [`Load`] takes rows, `params` reads what the package made of JavaScript values, `reply` writes
//! results as Arrow IPC streams. Every call answers with a [`Reply`]: an error is a part of it, because its kind has to reach JavaScript as
//! `code`. The work is done on threads of the addon's own; the thread of JavaScript is never held.
#![deny(missing_docs)]

mod database;
mod load;
mod params;
mod reply;
mod rows;
mod runtime;
mod session;

pub use database::{Database, OpenOptions};
pub use load::Load;
pub use params::Param;
pub use reply::{Answer, Reply};
pub use rows::RowStream;
pub use session::Session;
