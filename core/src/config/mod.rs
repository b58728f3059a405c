//! Every setting of an engine, and where its value came from.
//!
//! [`Config`] has a struct for each section, for the engine to read. The table in `table.rs` has a line for
//! each setting, by which it is found under its name `section.key`, read from text, checked and shown.

mod given;
mod manifest_cache;
mod sections;
mod table;

use std::collections::BTreeMap;

pub use given::{Given, Place};
pub use manifest_cache::ManifestCacheSettings;
pub use sections::{
    AuditSettings, BatchFileSettings, CacheSettings, CompactionSettings, ExecutionSettings, FeedSettings,
    FlushSettings, HotSettings, JobSettings, LoadSettings, PruningSettings, QueryLimits, SqlLimits,
    StreamSettings, TransactionSettings, WriterSettings,
};
use table::{SETTINGS, Setting};

use crate::error::{Error, Result};

/// How an engine works. `Config::default()` is what an application should start from.
///
/// A program sets the fields. What people write, in a file, in the environment, as an option, comes as
/// [`Given`] through [`Config::apply`], which remembers where it came from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Config {
    /// Who writes, and how durably.
    pub writer: WriterSettings,
    /// Transactions, and statements outside of one.
    pub transaction: TransactionSettings,
    /// What of the hot tier stays in memory.
    pub hot: HotSettings,
    /// When a scope is flushed.
    pub flush: FlushSettings,
    /// How large a batch file becomes.
    pub batch_file: BatchFileSettings,
    /// When batch files are merged and rewritten, and when the files that they replace go.
    pub compaction: CompactionSettings,
    /// When a COPY writes batch files at once.
    pub load: LoadSettings,
    /// What a text of SQL may hold at most.
    pub sql: SqlLimits,
    /// What one statement may take at most.
    pub query: QueryLimits,
    /// Which levels leave out what a predicate rules out.
    pub pruning: PruningSettings,
    /// What all statements together run with.
    pub execution: ExecutionSettings,
    /// What the feed of changes knows.
    pub feed: FeedSettings,
    /// What was done in somebody's name.
    pub audit: AuditSettings,
    /// When expired rows of STREAM tables are evicted.
    pub stream: StreamSettings,
    /// How many jobs that are over are remembered.
    pub jobs: JobSettings,
    /// What is remembered of files.
    pub cache: CacheSettings,
    /// Which manifests are kept, and for how long.
    pub manifest_cache: ManifestCacheSettings,
    /// Where the values of settings were given, by name.
    places: BTreeMap<&'static str, Place>,
    /// How many partitions are the default on this machine, if not 1.
    machine_partitions: Option<usize>,
}

/// A setting with its value, as `system.settings` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// `section.key`; a unit is the end of it.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What it is if nobody sets it.
    pub default_value: String,
    /// `default`, `file`, `environment` or `option`.
    pub source: &'static str,
    /// The line of the file, the variable or the option; `None` for a default, or a value that the program set.
    pub place: Option<String>,
    /// What it is for.
    pub description: &'static str,
}

impl Config {
    /// The defaults of an engine that has a machine of so many processors to itself.
    #[must_use]
    pub fn for_machine(processors: usize) -> Self {
        let mut config = Self { machine_partitions: Some(processors), ..Self::default() };
        config.execution.partitions = processors;
        config
    }

    /// Takes what was given, in this order: what comes later counts.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is no setting, with the nearest that is, and for a value that the setting
    /// cannot have; it names the place.
    pub fn apply(&mut self, given: impl IntoIterator<Item = Given>) -> Result<()> {
        for Given { name, value, place } in given {
            let Some(setting) = table::find(&name) else {
                let near = table::near(&name);
                return Err(Error::invalid(format!("{place}: there is no setting {name}"))
                    .with_hint_if(near.map(|near| format!("did you mean {}?", place.spell(near)))));
            };
            setting.read(self, &value).map_err(|expected| {
                Error::invalid(format!("{place}: {name} is {expected}, not {value:?}"))
            })?;
            self.places.insert(setting.name, place);
        }
        Ok(())
    }

    /// Whether settings begin with `section.`.
    #[must_use]
    pub fn has_section(section: &str) -> bool {
        SETTINGS.iter().any(|setting| setting.name.split_once('.').is_some_and(|(first, _)| first == section))
    }

    /// Refuses values that cannot work.
    ///
    /// # Errors
    /// `InvalidInput` naming the setting, and the place if it is known.
    pub fn validate(&self) -> Result<()> {
        let mut config = self.clone();
        for setting in SETTINGS {
            let value = setting.value(&mut config);
            if let Err(expected) = setting.read(&mut config, &value) {
                let place = self.places.get(setting.name).map(|place| format!("{place}: "));
                let place = place.unwrap_or_default();
                return Err(Error::invalid(format!("{place}{} is {expected}, not {value}", setting.name)));
            }
        }
        let CompactionSettings { fan_in, most_files, .. } = self.compaction;
        if most_files < fan_in {
            return Err(Error::invalid(format!(
                "compaction.most_files is at least compaction.fan_in, which is {fan_in}, not {most_files}"
            )));
        }
        Ok(())
    }

    /// Every setting with its value, by name.
    #[must_use]
    pub fn settings(&self) -> Vec<SettingRow> {
        let mut config = self.clone();
        let mut defaults = self.machine_partitions.map_or_else(Self::default, Self::for_machine);
        let row = |setting: &Setting| {
            let (value, default_value) = (setting.value(&mut config), setting.value(&mut defaults));
            let place = self.places.get(setting.name);
            let source = match place {
                Some(place) => place.source(),
                None if value == default_value => "default",
                None => "option",
            };
            let place = place.map(Place::to_string);
            SettingRow {
                name: setting.name,
                value,
                default_value,
                source,
                place,
                description: setting.description,
            }
        };
        SETTINGS.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::types::Durability;

    fn given(name: &str, value: &str) -> Given {
        Given::option(name, value, format!("--set {name}"))
    }

    fn row(config: &Config, name: &str) -> SettingRow {
        config.settings().into_iter().find(|row| row.name == name).unwrap()
    }

    #[test]
    fn the_last_that_was_given_counts() {
        let mut config = Config::default();
        let file = Given::in_file("flush.rows", "7", "notes/firndb.toml", 3);
        let variable = Given::of_variable("FIRNDB__FLUSH__ROWS", "8").unwrap();
        config.apply([file.clone(), variable.clone(), given("flush.rows", "9")]).unwrap();
        assert_eq!(config.flush.rows, 9);
        let mut config = Config::default();
        config.apply([file, variable]).unwrap();
        let found = row(&config, "flush.rows");
        assert_eq!((found.value.as_str(), found.default_value.as_str()), ("8", "500000"));
        assert_eq!((found.source, found.place.as_deref()), ("environment", Some("FIRNDB__FLUSH__ROWS")));
    }

    #[test]
    fn a_value_that_the_program_set_is_an_option() {
        let mut config = Config::default();
        assert_eq!(row(&config, "writer.durability").source, "default");
        config.writer.durability = Durability::Relaxed;
        let found = row(&config, "writer.durability");
        assert_eq!((found.value.as_str(), found.source, found.place.as_deref()), ("relaxed", "option", None));
    }

    #[test]
    fn what_a_machine_has_is_a_default() {
        let found = row(&Config::for_machine(6), "execution.partitions");
        assert_eq!((found.value.as_str(), found.default_value.as_str(), found.source), ("6", "6", "default"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let file = |name, value| Given::in_file(name, value, "firndb.toml", 12);
        let variable = |name, value| Given::of_variable(name, value).unwrap();
        for (given, message, hint) in [
            (
                file("flush.row", "1"),
                "firndb.toml:12: there is no setting flush.row",
                Some("did you mean flush.rows?"),
            ),
            (
                variable("FIRNDB__FLUSH__ROW", "1"),
                "FIRNDB__FLUSH__ROW: there is no setting flush.row",
                Some("did you mean FIRNDB__FLUSH__ROWS?"),
            ),
            (variable("FIRNDB__QX", "1"), "FIRNDB__QX: there is no setting qx", None),
            (
                given("durability", "strict"),
                "--set durability: there is no setting durability",
                Some("did you mean writer.durability?"),
            ),
            (
                file("flush.rows", "many"),
                "firndb.toml:12: flush.rows is a whole number from 1 on, not \"many\"",
                None,
            ),
            (
                given("flush.rows", "0"),
                "--set flush.rows: flush.rows is a whole number from 1 on, not \"0\"",
                None,
            ),
            (
                given("writer.node", "1024"),
                "--set writer.node: writer.node is a whole number from 0 to 1023, not \"1024\"",
                None,
            ),
            (
                given("writer.node", "70000"),
                "--set writer.node: writer.node is a whole number from 0 to 1023, not \"70000\"",
                None,
            ),
            (
                given("writer.durability", "high"),
                "--set writer.durability: writer.durability is strict or relaxed, not \"high\"",
                None,
            ),
            (
                given("writer.read_only", "yes"),
                "--set writer.read_only: writer.read_only is true or false, not \"yes\"",
                None,
            ),
        ] {
            let error = Config::default().apply([given]).unwrap_err();
            assert_eq!((error.kind(), error.headline().as_str()), (ErrorKind::InvalidInput, message));
            assert_eq!(error.hint(), hint, "{message}");
        }
    }

    #[test]
    fn what_a_program_sets_is_checked_too() {
        Config::default().validate().unwrap();
        let mut config = Config::default();
        config.execution.partitions = 0;
        let error = config.validate().unwrap_err();
        let expected = "execution.partitions is a whole number from 1 on, not 0";
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidInput, expected));
    }
}
