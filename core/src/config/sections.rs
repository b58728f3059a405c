//! The sections of the settings, each a struct with its defaults.

use crate::types::Durability;

/// Who writes, and how durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WriterSettings {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// Distinguishes engines that write to the same history, 0 to 1023.
    pub node: u16,
    /// Opens for reading only: no epoch is raised, every write fails.
    pub read_only: bool,
}

/// Transactions, and statements outside of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionSettings {
    /// How often a statement outside a transaction is run again when it meets a conflict.
    pub conflict_retries: u32,
    /// A transaction that has done nothing for so many milliseconds is rolled back when a flush would have to
    /// wait for it.
    pub idle_ms: u64,
}

impl Default for TransactionSettings {
    fn default() -> Self {
        Self { conflict_retries: 10, idle_ms: 300_000 }
    }
}

/// What of the hot tier stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HotSettings {
    /// How many bytes of hot versions may stay in memory; least recently used scopes leave first and are
    /// read back from the key-value store when they are needed.
    pub bytes: usize,
    /// How many scopes may stay in memory, hot or not: each keeps its manifest and deletion vectors. The
    /// least recently used leave first.
    pub scopes: usize,
}

impl Default for HotSettings {
    fn default() -> Self {
        Self { bytes: 256 << 20, scopes: 4096 }
    }
}

/// When a scope is flushed, unless its table says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushSettings {
    /// A scope is flushed once it holds so many versions.
    pub rows: u64,
    /// A scope is flushed once its versions take so many bytes of memory.
    pub bytes: u64,
    /// A flush by policy leaves scopes with fewer versions than this alone, so that many small users do
    /// not become many small files. A flush by command takes any.
    pub min_rows: u64,
}

impl Default for FlushSettings {
    fn default() -> Self {
        Self { rows: 500_000, bytes: 64 << 20, min_rows: 1_000 }
    }
}

/// How large a batch file becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchFileSettings {
    /// How many rows a batch file holds at most.
    pub rows: usize,
    /// How many bytes of rows in memory a batch file is made of at most; a larger row has a file of its own.
    pub bytes: usize,
}

impl Default for BatchFileSettings {
    fn default() -> Self {
        Self { rows: 1 << 20, bytes: 512 << 20 }
    }
}

/// When batch files are merged and rewritten, and when the files that they replace go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactionSettings {
    /// Whether [`Engine::step`](crate::Engine::step) compacts and collects garbage. STORAGE COMPACT always does.
    pub automatic: bool,
    /// So many files of about one size are merged into one.
    pub fan_in: usize,
    /// How many files are merged at a time at most; at least `fan_in`.
    pub most_files: usize,
    /// How many bytes the files have together that are merged at a time, at most.
    pub run_bytes: u64,
    /// In the key ranges of so many full files a key may be before they are merged.
    pub overlapping_files: usize,
    /// A file is rewritten once more than so many of a hundred of its rows are dead.
    pub dead_percent: u32,
    /// How long a file that was replaced stays, in milliseconds, for those who read it from another process.
    /// Who reads it in this one is known, and waited for.
    pub grace_ms: u64,
    /// How many manifests are kept before the one that counts.
    pub kept_manifests: usize,
    /// Once a scope has used so many numbers of files, what is left of older ones is looked for.
    pub sweep_numbers: u64,
}

impl Default for CompactionSettings {
    fn default() -> Self {
        // In a browser no other process reads the files.
        let (run_bytes, grace_ms) =
            if cfg!(target_family = "wasm") { (128 << 20, 60_000) } else { (1 << 30, 600_000) };
        Self {
            automatic: true,
            fan_in: 4,
            most_files: 8,
            run_bytes,
            overlapping_files: 8,
            dead_percent: 30,
            grace_ms,
            kept_manifests: 8,
            sweep_numbers: 64,
        }
    }
}

/// When a COPY writes batch files at once, and not hot rows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadSettings {
    /// A COPY of more rows than this does.
    pub rows: usize,
    /// A COPY of more bytes of rows in memory than this does; it holds about three times as many.
    pub bytes: usize,
}

impl Default for LoadSettings {
    fn default() -> Self {
        Self { rows: 500_000, bytes: 64 << 20 }
    }
}

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
        Self {
            text_bytes: 16 << 20,
            tokens: 500_000,
            depth: MOST_LEVELS,
            in_items: 50_000,
            parameters: 65_535,
        }
    }
}

/// Each level costs planning several stack frames: this many fit the 2 MiB of a thread, or the 4 MiB of
/// WebAssembly (`bindings/wasm/build.rs`).
pub(super) const MOST_LEVELS: usize = if cfg!(target_family = "wasm") { 128 } else { 256 };

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
pub struct PruningSettings {
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

impl Default for PruningSettings {
    fn default() -> Self {
        Self { manifest: true, bloom: true, row_groups: true, pages: true, late: true, dynamic: true }
    }
}

impl PruningSettings {
    /// No level at all.
    pub const NONE: Self =
        Self { manifest: false, bloom: false, row_groups: false, pages: false, late: false, dynamic: false };
}

/// What all statements together run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionSettings {
    /// How many partitions a query runs in; 1 in WebAssembly.
    pub partitions: usize,
    /// Bytes that all statements together may hold for sorting, grouping and joining.
    pub memory_bytes: usize,
}

impl Default for ExecutionSettings {
    fn default() -> Self {
        Self { partitions: 1, memory_bytes: usize::try_from(4_u64 << 30).unwrap_or(1 << 30) }
    }
}

/// What the feed of changes knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedSettings {
    /// How many commits wait for a subscription that is slow before it is told to start over.
    pub backlog_commits: usize,
    /// For how many hours tombstones are retained after they were written, unless their table says otherwise.
    pub deleted_retention_hours: u64,
    /// How often tombstones that are older are looked for, in seconds.
    pub expiry_interval_seconds: u64,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self { backlog_commits: 64, deleted_retention_hours: 168, expiry_interval_seconds: 3_600 }
    }
}

/// What was done in somebody's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditSettings {
    /// For how many days entries of the audit log are retained; 0 is for ever.
    pub retention_days: u64,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self { retention_days: 365 }
    }
}

/// When expired rows of STREAM tables are evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamSettings {
    /// Of so many commits expired rows are evicted at a time; who writes to a scope evicts some once it has so many
    /// expired rows.
    pub eviction_commits: usize,
    /// How often expired rows are looked for, in seconds, and how long they stay at least where there are few.
    pub eviction_interval_seconds: u64,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { eviction_commits: 256, eviction_interval_seconds: 60 }
    }
}

/// How many jobs that are over are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobSettings {
    /// So many of the newest.
    pub history_rows: usize,
    /// For so many hours.
    pub history_hours: u64,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { history_rows: 1_000, history_hours: 168 }
    }
}

/// What is remembered of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheSettings {
    /// How many bytes of Parquet footers stay in memory.
    pub footer_bytes: usize,
    /// How many bytes of Bloom filters stay in memory.
    pub bloom_bytes: usize,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { footer_bytes: 64 << 20, bloom_bytes: 64 << 20 }
    }
}
