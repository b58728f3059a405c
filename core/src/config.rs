//! Every setting of an engine.

use std::fmt;

use crate::error::{Error, Result};
use crate::types::Durability;

/// What a text of SQL may hold at most; past it is `LimitExceeded`, before anything is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlLimits {
    /// Bytes of a text, all its statements together.
    pub text_bytes: usize,
    /// Words, values and signs of one statement, which bound the nodes of its tree; the rows of an
    /// INSERT … VALUES do not count.
    pub tokens: usize,
    /// Levels of an expression or query: parentheses, subqueries and chains of operators.
    pub depth: usize,
    /// Items of one list behind IN.
    pub in_items: usize,
    /// The highest number of a parameter.
    pub parameters: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        // Each level costs planning several stack frames: this many fit the 2 MiB of a thread, or the
        // 4 MiB of WebAssembly (`bindings/wasm/build.rs`).
        let depth = if cfg!(target_family = "wasm") { 128 } else { 256 };
        Self { text_bytes: 16 << 20, tokens: 500_000, depth, in_items: 50_000, parameters: 65_535 }
    }
}

/// What one statement may take at most; past it is `LimitExceeded`, and it has had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// Rows that are answered at once; [`Session::stream`](crate::Session::stream) gives any number.
    pub result_rows: u64,
    /// Bytes of memory of the rows that are answered at once.
    pub result_bytes: u64,
    /// Bytes that sorting, grouping and joining may hold at a time. Natively they then go on with files,
    /// where they can.
    pub memory_bytes: usize,
    /// Milliseconds of work, not counting what the caller does between rows of a stream; 0 for any number.
    /// A statement that is already being committed is not held up.
    pub timeout_ms: u64,
}

impl Default for QueryLimits {
    fn default() -> Self {
        let (result_bytes, memory_bytes) =
            if cfg!(target_family = "wasm") { (512 << 20, 512 << 20) } else { (2 << 30, 2 << 30) };
        Self { result_rows: u64::MAX, result_bytes, memory_bytes, timeout_ms: 0 }
    }
}

/// Which levels leave out what a predicate rules out. Results are the same without any; they are switched off to
/// compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruning {
    /// Files, by the ranges and NULL counts of the manifest.
    pub manifest: bool,
    /// Files and row groups, by their Bloom filters.
    pub bloom: bool,
    /// Row groups, by the statistics of the footer.
    pub row_groups: bool,
    /// Pages, by the page index.
    pub pages: bool,
    /// Rows, by reading the columns of the predicate first, where that pays.
    pub late: bool,
    /// By the values that a join, a sort or an aggregate turns out to need, whatever level they fit.
    pub dynamic: bool,
}

impl Default for Pruning {
    fn default() -> Self {
        Self { manifest: true, bloom: true, row_groups: true, pages: true, late: true, dynamic: true }
    }
}

impl Pruning {
    /// No level at all.
    pub const NONE: Self =
        Self { manifest: false, bloom: false, row_groups: false, pages: false, late: false, dynamic: false };
}

impl fmt::Display for Pruning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels = [
            ("manifest", self.manifest),
            ("bloom", self.bloom),
            ("row_groups", self.row_groups),
            ("pages", self.pages),
            ("late", self.late),
            ("dynamic", self.dynamic),
        ];
        let on: Vec<&str> = levels.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        f.write_str(if on.is_empty() { "none" } else { "" })?;
        f.write_str(&on.join(","))
    }
}

/// How an engine works. `Config::default()` is what an application should start from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// How many bytes of hot versions may stay in memory; least recently used scopes leave first and are
    /// read back from the key-value store when they are needed.
    pub hot_bytes: usize,
    /// How many scopes may stay in memory, hot or not: each keeps its manifest and deletion vectors. The
    /// least recently used leave first.
    pub open_scopes: usize,
    /// A scope is flushed once it holds so many versions, unless its table says otherwise.
    pub flush_rows: u64,
    /// A scope is flushed once its versions take so many bytes of memory, unless its table says otherwise.
    pub flush_bytes: u64,
    /// A flush by policy leaves scopes with fewer versions than this alone, so that many small users do
    /// not become many small files. A flush by command takes any.
    pub min_flush_rows: u64,
    /// How many rows a batch file holds at most.
    pub batch_file_rows: usize,
    /// How many bytes of rows in memory a batch file is made of at most; a larger row has a file of its own.
    pub batch_file_bytes: usize,
    /// A COPY of more rows than this is written as batch files at once, and not hot first.
    pub load_rows: usize,
    /// A COPY of more bytes of rows in memory than this is written as batch files at once; it holds about three
    /// times as many.
    pub load_bytes: usize,
    /// How many partitions a query runs in; 1 in WebAssembly.
    pub target_partitions: usize,
    /// Opens for reading only: no epoch is raised, every write fails.
    pub read_only: bool,
    /// Distinguishes engines that write to the same history, 0 to 1023.
    pub node: u16,
    /// How often a statement outside a transaction is run again when it meets a conflict.
    pub conflict_retries: u32,
    /// A transaction that has done nothing for so many milliseconds is rolled back when a flush would have to
    /// wait for it.
    pub idle_transaction_ms: u64,
    /// What a text of SQL may hold at most.
    pub sql: SqlLimits,
    /// What one statement may take at most.
    pub query: QueryLimits,
    /// Which levels of pruning work.
    pub pruning: Pruning,
    /// Bytes that all statements together may hold for sorting, grouping and joining.
    pub query_memory_bytes: usize,
    /// How many bytes of Parquet footers stay in memory.
    pub footer_cache_bytes: usize,
    /// How many bytes of Bloom filters stay in memory.
    pub bloom_cache_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            durability: Durability::Strict,
            hot_bytes: 256 << 20,
            open_scopes: 4096,
            flush_rows: 500_000,
            flush_bytes: 64 << 20,
            min_flush_rows: 1_000,
            batch_file_rows: 1 << 20,
            batch_file_bytes: 512 << 20,
            load_rows: 500_000,
            load_bytes: 64 << 20,
            target_partitions: 1,
            read_only: false,
            node: 0,
            conflict_retries: 10,
            idle_transaction_ms: 300_000,
            sql: SqlLimits::default(),
            query: QueryLimits::default(),
            pruning: Pruning::default(),
            query_memory_bytes: usize::try_from(4_u64 << 30).unwrap_or(1 << 30),
            footer_cache_bytes: 64 << 20,
            bloom_cache_bytes: 64 << 20,
        }
    }
}

impl Config {
    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting.
    pub fn validate(&self) -> Result<()> {
        if self.node > 1023 {
            return Err(Error::invalid(format!("node is at most 1023, not {}", self.node)));
        }
        if self.target_partitions == 0 {
            return Err(Error::invalid("target_partitions is at least 1"));
        }
        if self.load_rows == 0 {
            return Err(Error::invalid("load_rows is at least 1"));
        }
        if self.batch_file_rows == 0 {
            return Err(Error::invalid("batch_file_rows is at least 1"));
        }
        Ok(())
    }
}
