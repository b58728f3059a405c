//! The table of settings: a line for each, with what there is to say of it.

use super::Config;
use super::sections::MOST_LEVELS;
use crate::error::nearest;
use crate::types::Durability;

/// A setting.
pub struct Setting {
    /// `section.key`; a unit is the end of it.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The values of a number that can work, from the first to the last.
    range: (u64, u64),
    slot: fn(&mut Config) -> &mut dyn Value,
}

/// What cannot have too high a value.
const ANY: u64 = u64::MAX;
/// So that a time and as many milliseconds are always numbers.
const MOST_SECONDS: u64 = u32::MAX as u64;
/// Nothing can run beside it in WebAssembly.
const MOST_PARTITIONS: u64 = if cfg!(target_family = "wasm") { 1 } else { ANY };

/// Every setting, by name.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "audit.retention_days",
        description: "days that entries of the audit log are retained, 0 for ever",
        range: (0, ANY),
        slot: |config| &mut config.audit.retention_days,
    },
    Setting {
        name: "batch_file.bytes",
        description: "bytes of rows in memory that a batch file is made of",
        range: (1, ANY),
        slot: |config| &mut config.batch_file.bytes,
    },
    Setting {
        name: "batch_file.rows",
        description: "rows of a batch file",
        range: (1, ANY),
        slot: |config| &mut config.batch_file.rows,
    },
    Setting {
        name: "cache.bloom_bytes",
        description: "bytes of Bloom filters in memory",
        range: (0, ANY),
        slot: |config| &mut config.cache.bloom_bytes,
    },
    Setting {
        name: "cache.footer_bytes",
        description: "bytes of Parquet footers in memory",
        range: (0, ANY),
        slot: |config| &mut config.cache.footer_bytes,
    },
    Setting {
        name: "compaction.automatic",
        description: "whether files are compacted and removed without a command",
        range: (0, ANY),
        slot: |config| &mut config.compaction.automatic,
    },
    Setting {
        name: "compaction.dead_percent",
        description: "percent of dead rows past which a file is rewritten",
        range: (1, 100),
        slot: |config| &mut config.compaction.dead_percent,
    },
    Setting {
        name: "compaction.fan_in",
        description: "files of about one size that are merged",
        range: (2, ANY),
        slot: |config| &mut config.compaction.fan_in,
    },
    Setting {
        name: "compaction.grace_ms",
        description: "milliseconds that a file which was replaced stays, for readers in other processes",
        range: (0, ANY),
        slot: |config| &mut config.compaction.grace_ms,
    },
    Setting {
        name: "compaction.kept_manifests",
        description: "older manifests that stay",
        range: (1, ANY),
        slot: |config| &mut config.compaction.kept_manifests,
    },
    Setting {
        name: "compaction.most_files",
        description: "files that are merged at a time at most",
        range: (2, ANY),
        slot: |config| &mut config.compaction.most_files,
    },
    Setting {
        name: "compaction.overlapping_files",
        description: "full files whose key ranges may have a key in common",
        range: (1, ANY),
        slot: |config| &mut config.compaction.overlapping_files,
    },
    Setting {
        name: "compaction.run_bytes",
        description: "bytes of files that are merged at a time at most",
        range: (1, ANY),
        slot: |config| &mut config.compaction.run_bytes,
    },
    Setting {
        name: "compaction.sweep_numbers",
        description: "numbers of files after which remains of older ones are looked for",
        range: (1, ANY),
        slot: |config| &mut config.compaction.sweep_numbers,
    },
    Setting {
        name: "execution.memory_bytes",
        description: "bytes that all statements together sort, group and join in",
        range: (0, ANY),
        slot: |config| &mut config.execution.memory_bytes,
    },
    Setting {
        name: "execution.partitions",
        description: "partitions that a query runs in",
        range: (1, MOST_PARTITIONS),
        slot: |config| &mut config.execution.partitions,
    },
    Setting {
        name: "feed.backlog_commits",
        description: "commits that wait for a slow subscription before it is told to start over",
        range: (1, ANY),
        slot: |config| &mut config.feed.backlog_commits,
    },
    Setting {
        name: "feed.deleted_retention_hours",
        description: "hours that tombstones are retained for queries with _deleted, unless DELETED_RETENTION_HOURS of the table says otherwise",
        range: (0, ANY),
        slot: |config| &mut config.feed.deleted_retention_hours,
    },
    Setting {
        name: "feed.expiry_interval_seconds",
        description: "how often tombstones that are older are looked for",
        range: (1, ANY),
        slot: |config| &mut config.feed.expiry_interval_seconds,
    },
    Setting {
        name: "flush.bytes",
        description: "bytes of hot versions at which a scope is flushed",
        range: (1, ANY),
        slot: |config| &mut config.flush.bytes,
    },
    Setting {
        name: "flush.min_rows",
        description: "hot versions below which no policy flushes a scope",
        range: (0, ANY),
        slot: |config| &mut config.flush.min_rows,
    },
    Setting {
        name: "flush.rows",
        description: "hot versions at which a scope is flushed",
        range: (1, ANY),
        slot: |config| &mut config.flush.rows,
    },
    Setting {
        name: "hot.bytes",
        description: "bytes of hot versions in memory",
        range: (0, ANY),
        slot: |config| &mut config.hot.bytes,
    },
    Setting {
        name: "hot.scopes",
        description: "scopes in memory",
        range: (1, ANY),
        slot: |config| &mut config.hot.scopes,
    },
    Setting {
        name: "jobs.history_hours",
        description: "hours that a job which is over stays in system.jobs",
        range: (0, ANY),
        slot: |config| &mut config.jobs.history_hours,
    },
    Setting {
        name: "jobs.history_rows",
        description: "jobs that are over which stay in system.jobs",
        range: (1, ANY),
        slot: |config| &mut config.jobs.history_rows,
    },
    Setting {
        name: "load.bytes",
        description: "bytes of rows in memory past which a COPY writes batch files",
        range: (1, ANY),
        slot: |config| &mut config.load.bytes,
    },
    Setting {
        name: "load.rows",
        description: "rows past which a COPY writes batch files",
        range: (1, ANY),
        slot: |config| &mut config.load.rows,
    },
    Setting {
        name: "manifest_cache.eviction_interval_seconds",
        description: "how often manifests that nobody uses are looked for, in seconds",
        range: (1, MOST_SECONDS),
        slot: |config| &mut config.manifest_cache.eviction_interval_seconds,
    },
    Setting {
        name: "manifest_cache.last_accessed_window_seconds",
        description: "seconds that a manifest which nobody uses stays in memory",
        range: (1, MOST_SECONDS),
        slot: |config| &mut config.manifest_cache.last_accessed_window_seconds,
    },
    Setting {
        name: "manifest_cache.max_entries",
        description: "manifests in memory; 0: none is cached",
        range: (0, ANY),
        slot: |config| &mut config.manifest_cache.max_entries,
    },
    Setting {
        name: "manifest_cache.ttl_seconds",
        description: "seconds that a cached manifest is used before it is held against the blob store",
        range: (1, MOST_SECONDS),
        slot: |config| &mut config.manifest_cache.ttl_seconds,
    },
    Setting {
        name: "pruning.bloom",
        description: "whether Bloom filters leave out files and row groups that a predicate rules out",
        range: (0, ANY),
        slot: |config| &mut config.pruning.bloom,
    },
    Setting {
        name: "pruning.dynamic",
        description: "whether the values that a join, a sort or an aggregate turns out to need leave out what has none of them",
        range: (0, ANY),
        slot: |config| &mut config.pruning.dynamic,
    },
    Setting {
        name: "pruning.late",
        description: "whether wide columns are read only for rows that match, where that pays",
        range: (0, ANY),
        slot: |config| &mut config.pruning.late,
    },
    Setting {
        name: "pruning.manifest",
        description: "whether the ranges and NULL counts of the manifest leave out files",
        range: (0, ANY),
        slot: |config| &mut config.pruning.manifest,
    },
    Setting {
        name: "pruning.pages",
        description: "whether the page index leaves out pages",
        range: (0, ANY),
        slot: |config| &mut config.pruning.pages,
    },
    Setting {
        name: "pruning.row_groups",
        description: "whether the statistics of the footer leave out row groups",
        range: (0, ANY),
        slot: |config| &mut config.pruning.row_groups,
    },
    Setting {
        name: "query.memory_bytes",
        description: "bytes that one statement sorts, groups and joins in",
        range: (0, ANY),
        slot: |config| &mut config.query.memory_bytes,
    },
    Setting {
        name: "query.result_bytes",
        description: "bytes of rows that are answered at once",
        range: (0, ANY),
        slot: |config| &mut config.query.result_bytes,
    },
    Setting {
        name: "query.result_rows",
        description: "rows that are answered at once",
        range: (0, ANY),
        slot: |config| &mut config.query.result_rows,
    },
    Setting {
        name: "query.timeout_ms",
        description: "milliseconds that one statement may work; 0: any time",
        range: (0, ANY),
        slot: |config| &mut config.query.timeout_ms,
    },
    Setting {
        name: "sql.depth",
        description: "levels of an expression or query",
        range: (1, MOST_LEVELS as u64),
        slot: |config| &mut config.sql.depth,
    },
    Setting {
        name: "sql.in_items",
        description: "items of a list behind IN",
        range: (1, ANY),
        slot: |config| &mut config.sql.in_items,
    },
    Setting {
        name: "sql.parameters",
        description: "the highest number of a parameter",
        range: (0, ANY),
        slot: |config| &mut config.sql.parameters,
    },
    Setting {
        name: "sql.text_bytes",
        description: "bytes of a text of SQL",
        range: (1, ANY),
        slot: |config| &mut config.sql.text_bytes,
    },
    Setting {
        name: "sql.tokens",
        description: "words, values and signs of a statement",
        range: (1, ANY),
        slot: |config| &mut config.sql.tokens,
    },
    Setting {
        name: "stream.eviction_commits",
        description: "commits whose expired rows are evicted at a time",
        range: (1, ANY),
        slot: |config| &mut config.stream.eviction_commits,
    },
    Setting {
        name: "stream.eviction_interval_seconds",
        description: "how often expired rows of STREAM tables are looked for",
        range: (1, ANY),
        slot: |config| &mut config.stream.eviction_interval_seconds,
    },
    Setting {
        name: "transaction.conflict_retries",
        description: "how often a single statement is run again after a conflict",
        range: (0, ANY),
        slot: |config| &mut config.transaction.conflict_retries,
    },
    Setting {
        name: "transaction.idle_ms",
        description: "milliseconds that a transaction may idle when a flush waits",
        range: (0, ANY),
        slot: |config| &mut config.transaction.idle_ms,
    },
    Setting {
        name: "writer.durability",
        description: "what an acknowledged write survives: strict also a loss of power, relaxed may lose the last moments",
        range: (0, ANY),
        slot: |config| &mut config.writer.durability,
    },
    Setting {
        name: "writer.node",
        description: "distinguishes engines of one history",
        range: (0, 1023),
        slot: |config| &mut config.writer.node,
    },
    Setting {
        name: "writer.read_only",
        description: "whether nothing can be written",
        range: (0, ANY),
        slot: |config| &mut config.writer.read_only,
    },
];

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The name that `wrong` is most likely meant to be: one that looks like it, or is it but for the section.
pub fn near(wrong: &str) -> Option<&'static str> {
    let key = |name: &'static str| name.rsplit('.').next();
    let names = || SETTINGS.iter().map(|setting| setting.name);
    let without_section = wrong.rsplit('.').next();
    nearest(wrong, names()).or_else(|| names().find(|name| key(name) == without_section))
}

impl Setting {
    /// Its value in `config`, as [`Self::read`] takes it.
    pub fn value(&self, config: &mut Config) -> String {
        (self.slot)(config).text()
    }

    /// Gives it the value that `text` stands for; the error says what was expected.
    pub fn read(&self, config: &mut Config, text: &str) -> Result<(), String> {
        (self.slot)(config).read(text, self.range)
    }
}

/// A value of a setting, as text.
trait Value {
    fn text(&self) -> String;

    /// Takes the value of `text`; the error says what was expected.
    fn read(&mut self, text: &str, range: (u64, u64)) -> Result<(), String>;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Value for $number {
            fn text(&self) -> String {
                self.to_string()
            }

            fn read(&mut self, text: &str, (from, to): (u64, u64)) -> Result<(), String> {
                let number = text.parse().ok().filter(|number| (from..=to).contains(number));
                // What has no room is past the end.
                *self = number.and_then(|number| number.try_into().ok()).ok_or_else(|| {
                    let most = u64::try_from(<$number>::MAX).unwrap_or(u64::MAX);
                    whole_number(from, to.min(most))
                })?;
                Ok(())
            }
        })*
    };
}

numbers!(u16, u32, u64, usize);

fn whole_number(from: u64, to: u64) -> String {
    match (from, to) {
        (_, u64::MAX) => format!("a whole number from {from} on"),
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("a whole number from {from} to {to}"),
    }
}

impl Value for bool {
    fn text(&self) -> String {
        self.to_string()
    }

    fn read(&mut self, text: &str, _: (u64, u64)) -> Result<(), String> {
        *self = text.parse().map_err(|_| "true or false")?;
        Ok(())
    }
}

impl Value for Durability {
    fn text(&self) -> String {
        match self {
            Self::Strict => "strict".to_owned(),
            Self::Relaxed => "relaxed".to_owned(),
        }
    }

    fn read(&mut self, text: &str, _: (u64, u64)) -> Result<(), String> {
        *self = match text {
            "strict" => Self::Strict,
            "relaxed" => Self::Relaxed,
            _ => return Err("strict or relaxed".to_owned()),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_each_setting_has_a_place_of_its_own() {
        for pair in SETTINGS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for setting in SETTINGS {
            let section_and_key = setting.name.split('.').count();
            assert_eq!(section_and_key, 2, "{}", setting.name);
            let mut config = Config::default();
            let before: Vec<String> = SETTINGS.iter().map(|setting| setting.value(&mut config)).collect();
            let other = match setting.value(&mut config).as_str() {
                "strict" => "relaxed".to_owned(),
                "false" => "true".to_owned(),
                "true" => "false".to_owned(),
                "0" => "1".to_owned(),
                "1" => "2".to_owned(),
                number => (number.parse::<u64>().unwrap() - 1).to_string(),
            };
            setting.read(&mut config, &other).unwrap();
            let after = SETTINGS.iter().map(|setting| setting.value(&mut config));
            let changed: Vec<&str> = SETTINGS
                .iter()
                .zip(before.iter().zip(after))
                .filter(|(_, (before, after))| *before != after)
                .map(|(setting, _)| setting.name)
                .collect();
            assert_eq!(changed, [setting.name]);
        }
    }
}
