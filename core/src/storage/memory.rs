//! A key-value store in this process's memory, for unit tests and `memory://`.
use crate::storage::{KeyRange, Keyspace, KvStore, WriteBatch};
