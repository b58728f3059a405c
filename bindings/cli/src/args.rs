//! The command line: subcommands, options, and the examples in their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// FirnDB on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "firndb",
    version,
    about = "FirnDB: one table over a hot row store and cold Parquet files, in SQL.",
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, the shell: on the store in DIR, which must be there, or on a scratch store in memory.

Examples:
  firndb                                           the shell, in memory
  firndb notes                                     the shell, on the store in notes
  firndb demo                                      the whole story, in a minute
  firndb sql \"SELECT 1 + 1\"                        in memory, gone afterwards
  firndb sql -d notes \"CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, body TEXT)\"
  firndb import notes app.flights flights.parquet --create --key id
  firndb inspect notes

Exit status: 0 done; 1 `check` or `backup` found damage, or `recover` a problem; 2 the statement or the arguments must change; 3 conflict,
run it again; 4 a limit was met; 5 the store cannot be used now; 6 damaged data; 70 a defect;
130 interrupted."
)]
pub struct Cli {
    /// What to do; without one, the shell.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub shell: ShellArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// An interactive shell, in memory or on the store in DIR
    #[command(after_help = SHELL)]
    Shell(ShellArgs),
    /// Run SQL statements, from the command line, a file or standard input
    Sql(SqlArgs),
    /// Load Parquet, CSV or JSON files into a table
    Import(ImportArgs),
    /// Write a table to a Parquet, CSV or JSON file
    Export(ExportArgs),
    /// Show the tiers of a store: hot rows, batch files, statistics, deletion vectors
    Inspect(InspectArgs),
    /// Read everything and verify it; exit status 1 when there is damage
    Check(CheckArgs),
    /// Rebuild a lost key-value store from the blob store
    Recover(RecoverArgs),
    /// Copy a store while others write to it
    Backup(BackupArgs),
    /// Write a whole store into one archive
    Dump(DumpArgs),
    /// Make a store of an archive, from this program or from a browser
    Load(LoadArgs),
    /// Tell the whole story on real data: load, flush, update, delete, query across both tiers
    Demo(DemoArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// A store that a command works on.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Directory of the store
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Where the cold tier lives, if not in DIR/blobs: s3://bucket/prefix, gs://…, az://…, file://…
    #[arg(long, value_name = "URL")]
    pub blobs: Option<String>,
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// The settings of the engine.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// Give a setting a value; can be repeated. `SELECT * FROM system.settings` lists them
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// Read settings from this file, and not from DIR/firndb.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl SettingArgs {
    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.config.is_none()
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected SECTION.KEY=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Who a session acts as.
#[derive(Debug, Clone, Default, Args)]
pub struct Who {
    /// Act as this user: rows of USER tables are this user's [default: root]
    #[arg(short, long, value_name = "USER")]
    pub user: Option<String>,
    /// Act with no more than this role
    #[arg(short, long, value_name = "ROLE")]
    pub role: Option<RoleName>,
}

/// The roles, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Works on its own rows
    User,
    /// May act for users
    Service,
    /// Administers
    Dba,
    /// The owner of the store
    System,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A box for people
    #[default]
    Table,
    /// One JSON object a line
    Jsonl,
    /// One JSON array of objects for each result
    Json,
    /// A header line, then comma-separated values
    Csv,
}

/// The help of `firndb shell`. Its arguments are also those of the program without a command, whose help is
/// another.
const SHELL: &str = "\
Without DIR, a scratch store in memory. A DIR that does not exist is created. When standard input is not
a terminal, statements are read from it, as `firndb sql -` does.

Statements end with a semicolon; lines that start with a dot are commands of the shell, which .help lists.
Tab completes, Ctrl-R searches what was typed before, Ctrl-C cancels the statement that runs, Ctrl-D leaves.
What was typed is kept in $XDG_STATE_HOME/firndb/history; a line that starts with a space is not. Results that
are longer than the terminal go through $PAGER, or less; an empty $PAGER switches that off.

Examples:
  firndb shell
  firndb shell notes
  firndb shell notes -u alice
  firndb shell store --blobs s3://bucket/prefix";

/// `firndb shell`.
#[derive(Debug, Clone, Default, Args)]
pub struct ShellArgs {
    /// Directory of the store
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the cold tier lives, if not in DIR/blobs: s3://bucket/prefix, gs://…, az://…, file://…
    #[arg(long, value_name = "URL", requires = "dir")]
    pub blobs: Option<String>,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// `firndb sql`.
#[derive(Debug, Args)]
#[command(after_help = "Without -d, the statements run in memory. A DIR that does not exist is created.
Standard input is read when SQL is `-`, or is absent and standard input is not a terminal.

Examples:
  firndb sql \"SELECT 1 + 1 AS two\"
  firndb sql -d notes -f schema.sql
  firndb sql -d notes --format csv \"SELECT * FROM app.messages\" > messages.csv
  firndb sql -d notes --param 7 --param \"it's\" \"INSERT INTO app.t VALUES ($1, $2)\"
  firndb sql -d notes -u alice \"SELECT count(*) FROM app.messages\"
  firndb sql -d notes --set query.timeout_ms=5000 -f report.sql
  echo \"SELECT 1\" | firndb sql")]
pub struct SqlArgs {
    /// Directory of the store; created when it does not exist
    #[arg(short = 'd', long = "dir", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where the cold tier lives, if not in DIR/blobs: s3://bucket/prefix, gs://…, az://…, file://…
    #[arg(long, value_name = "URL", requires = "dir")]
    pub blobs: Option<String>,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// How to print rows; everything else goes to standard error
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// A value for $1, $2, … in order: a number, true, false, null, or text; '…' is always text
    #[arg(long = "param", value_name = "V", allow_hyphen_values = true)]
    pub params: Vec<String>,
    /// Read the statements from this file
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "sql")]
    pub file: Option<PathBuf>,
    /// Do not say what each statement did
    #[arg(short, long)]
    pub quiet: bool,
    /// The statements, separated by semicolons
    #[arg(value_name = "SQL")]
    pub sql: Option<String>,
}

/// How a CSV file spells NULL.
#[derive(Debug, Clone, Default, Args)]
pub struct CsvArgs {
    /// The text that stands for NULL in CSV; an empty field by default
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub null: String,
}

/// The kinds of table that `import --create` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TableKind {
    /// Rows belong to everyone
    #[default]
    Shared,
    /// Rows belong to the user who writes them
    User,
    /// Rows belong to the user who writes them, and are gone after --ttl-seconds
    Stream,
}

/// `firndb import`.
#[derive(Debug, Args)]
#[command(
    after_help = "The format goes by the extension: .parquet, .csv and .tsv (with a header line), .json, .jsonl and
.ndjson (an object a line, or an array of them). Columns are matched by name. Each file goes in entirely
or not at all, in bounded memory; COPY in SQL does the same, with more options.

Examples:
  firndb import store app.flights flights.parquet --create --key id
  firndb import store app.people a.csv b.csv --create --key country,number
  firndb import store app.people people.jsonl --rejected bad.csv"
)]
pub struct ImportArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The table, as in SQL: namespace.table
    pub table: String,
    /// Parquet, CSV or JSON files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub who: Who,
    /// Create the table (and its namespace) with the columns of the first file
    #[arg(long, requires = "key")]
    pub create: bool,
    /// The primary key of the table to create
    #[arg(long, value_name = "COL[,COL]", value_delimiter = ',', requires = "create")]
    pub key: Vec<String>,
    /// Whose rows the table to create holds
    #[arg(long, value_enum, default_value_t, requires = "create", value_name = "KIND")]
    pub kind: TableKind,
    /// How long the rows of a STREAM table to create live
    #[arg(long, requires = "create", required_if_eq("kind", "stream"), value_name = "SECONDS")]
    pub ttl_seconds: Option<u64>,
    /// Leave out rows that are none of the table, and write them to this file with the reason; CSV. For one file
    /// at a time
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// `firndb export`.
#[derive(Debug, Args)]
#[command(
    after_help = "The format goes by the extension: .parquet, .csv, .tsv, .json, .jsonl, .ndjson. The file appears only
when it is complete; one that exists is replaced.

Examples:
  firndb export store app.flights flights.parquet
  firndb export store app.messages alice.csv -u alice
  firndb export store app.people people.csv --null '\\N'"
)]
pub struct ExportArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The table, as in SQL: namespace.table
    pub table: String,
    /// The file to write
    pub file: PathBuf,
    #[command(flatten)]
    pub who: Who,
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// `firndb inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  firndb inspect store
  firndb inspect store app.flights
  firndb inspect store --format json | jq '.[].scopes[].batches | length'")]
pub struct InspectArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only this table, in detail
    pub table: Option<String>,
    /// A drawing for people, or everything as JSON
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: InspectFormat,
}

/// How an inspection is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum InspectFormat {
    /// A drawing for people
    #[default]
    Table,
    /// Every scope, file and column, as one JSON array of tables
    Json,
}

/// `firndb check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every file is read, every checksum verified, and what is known of the rows held against them. The findings go
to standard output, one a line. Files that nothing refers to are told, and are no damage.

Examples:
  firndb check store && echo sound
  firndb check store --blobs s3://bucket/prefix"
)]
pub struct CheckArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Say of each file what is in it, on standard error
    #[arg(long, short)]
    pub verbose: bool,
}

/// `firndb recover`.
#[derive(Debug, Args)]
#[command(
    after_help = "For a store whose DIR/kv is gone. Rows that were hot, in the key-value store only, are lost with it;
everything that was flushed comes back, of lost manifests what the files tell. What is missing or damaged is told, a line each, and the exit status
is 1; rows that cannot be vouched for are damaged afterwards, never silently older ones or none.

Examples:
  firndb recover store
  firndb recover store --blobs s3://bucket/prefix
  rm -r store/kv && firndb recover store --force"
)]
pub struct RecoverArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Where it cannot be told what was committed last of a user's or table's rows, go back to what can:
    /// rows deleted since are there again, rows flushed since are not; files that are lost are left out
    #[arg(long)]
    pub force: bool,
}

/// `firndb backup`.
#[derive(Debug, Args)]
#[command(
    after_help = "The copy is a store like any other, which needs nothing of the first: what was at a URL is in it too.
It has every statement that was acknowledged before the start, and one that came later entirely or not at all.
DIR is only read; whoever has it open goes on. TARGET appears when it is whole. Batch files are read again
and compared with their checksums: damage is copied as it is, told, a line each, and the exit status is 1.

Examples:
  firndb backup store backups/monday
  firndb backup store backups/monday --blobs s3://bucket/prefix
  firndb check backups/monday"
)]
pub struct BackupArgs {
    /// Directory of the store
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Where the cold tier lives, if not in DIR/blobs: s3://bucket/prefix, gs://…, az://…, file://…
    #[arg(long, value_name = "URL")]
    pub blobs: Option<String>,
    /// The directory to make; it must be absent or empty
    #[arg(value_name = "TARGET")]
    pub target: PathBuf,
}

/// `firndb dump`.
#[derive(Debug, Args)]
#[command(
    after_help = "The archive is a tar file with everything in it, hot and cold; `firndb load` makes a store of it, and so
does FirnDB.load() in JavaScript.

Examples:
  firndb dump store store.tar
  firndb dump store store.tar --blobs s3://bucket/prefix"
)]
pub struct DumpArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The archive; one that is there is replaced once the new one is whole
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `firndb load`.
#[derive(Debug, Args)]
#[command(
    after_help = "DIR must be absent or empty. It appears when all is loaded: a load that fails or is cut short leaves nothing there.

Examples:
  firndb load copy store.tar
  firndb sql -d copy 'SHOW TABLES'"
)]
pub struct LoadArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The archive
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `firndb demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "The flights are flights-3m.parquet of the npm package vega-datasets: `npm pack vega-datasets`, then
`tar xzf vega-datasets-*.tgz package/data/flights-3m.parquet`.

Examples:
  firndb demo
  firndb demo --flights package/data/flights-3m.parquet
  firndb demo --flights package/data/flights-3m.parquet --rows 500000 -d demo-store"
)]
pub struct DemoArgs {
    /// The flights, a Parquet file; without it, a small set is generated
    #[arg(long, value_name = "FILE")]
    pub flights: Option<PathBuf>,
    /// Load only this many flights
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
    pub rows: Option<u64>,
    /// Directory for the store, kept afterwards; a temporary one by default
    #[arg(short = 'd', long = "dir", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Keep the temporary directory
    #[arg(long)]
    pub keep: bool,
}

/// `firndb completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  firndb completions bash > /etc/bash_completion.d/firndb
  firndb completions zsh > ~/.zfunc/_firndb")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "{} has no examples", command.get_name());
        }
    }
}
