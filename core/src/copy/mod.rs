//! What COPY reads and writes: CSV, JSON and Parquet, to and from the columns of a table.
//!
//! A [`Reader`] makes typed columns of a source, and says of every row that is none where it is and why. A
//! [`Writer`] makes bytes of rows. Neither knows of files, tables' rows or statements.
//!
//! Text becomes a value exactly as the same text in quotes does in an INSERT.

mod csv;
mod json;
mod options;
mod parquet;
mod reader;
mod rejects;
mod text;
mod window;
mod writer;

pub use options::{CopyOptions, Format, Header};
pub use reader::Reader;
pub use rejects::{BadRow, reject_header};
pub use writer::{Writer, json_rows};
