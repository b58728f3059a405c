//! FirnDB's storage in browsers: the key-value trait of `firndb-core` over IndexedDB, blobs over the Origin
//! Private File System, and one writer per store through Web Locks.
//!
//! The crate is empty: it holds the place. What it will have to do, and no other crate:
//!
//! - **Strict commits.** One IndexedDB transaction per commit, its `durability` said explicitly, because
//!   browsers default to `relaxed`.
//! - **Files that are synced.** Synchronous access handles, read and written inside the worker. The file
//!   system cannot sync a directory, so a name can be lost where a file's bytes are not: blocks in the
//!   key-value store go only after the files that replace them have been read back.
//! - **`Send` futures from JavaScript handles that are not.** The traits ask for `Send` on every target,
//!   as DataFusion's do. Local futures run on the worker's own event loop and answer over a channel, in
//!   one file.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
