//! The hot tier: blocks in the key-value store, and their versions in memory.

pub mod block;
pub mod memtable;
pub mod ordered;
pub mod scope;
