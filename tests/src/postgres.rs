//! PostgreSQL on this machine, for as long as a test needs one, and what it answers.
//!
//! It is Debian's package `postgresql`, driven by its own `psql`: a client library would turn on features of
//! crates that DataFusion shares, and so build all of that twice. The cluster lies in a temporary directory
//! and is not synced. PostgreSQL refuses to run as root, so then it runs as the user `postgres`.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where Debian puts the programs of each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// How long the server may take to accept connections.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `psql` puts between fields and between rows, and for NULL: nothing that a value holds.
const FIELD: char = '\u{1f}';
const ROW: char = '\u{1e}';
const NULL: &str = "\u{1a}";

/// What PostgreSQL answered to one statement.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `00000`, or the code of the error.
    pub sqlstate: String,
    /// The message of the error, empty without one.
    pub message: String,
    /// The type of each column as PostgreSQL names it; empty for a statement without rows.
    pub types: Vec<String>,
    /// The rows as text, `None` for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows were answered or written.
    pub count: u64,
}

impl Answer {
    /// Whether the statement failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.sqlstate != "00000"
    }
}

/// A running server with one empty database; dropping it ends it.
#[derive(Debug)]
pub struct Postgres {
    process: Child,
    programs: PathBuf,
    port: u16,
    _root: TempDir,
}

impl Postgres {
    /// The directory of the programs, the newest version's, if PostgreSQL is installed.
    #[must_use]
    pub fn installed() -> Option<PathBuf> {
        let has_all = |dir: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|p| dir.join(p).is_file());
        let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        let mut dirs: Vec<(u32, PathBuf)> = versions
            .filter_map(|entry| {
                let version = entry.file_name().to_string_lossy().parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        dirs.sort_by(|a, b| b.cmp(a));
        let path = std::env::var_os("PATH").unwrap_or_default();
        dirs.into_iter().map(|(_, dir)| dir).chain(std::env::split_paths(&path)).find(has_all)
    }

    /// Starts a server of `programs` on a free port.
    ///
    /// # Panics
    /// When it does not start; what it said is shown.
    #[must_use]
    pub fn start(programs: &Path) -> Self {
        let root = tempfile::tempdir().unwrap();
        let user = Owner::find();
        user.own(root.path());
        let mut initdb = user.command(&programs.join("initdb"), root.path());
        initdb.args(["-U", "firndb", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]);
        let made = initdb.arg(root.path().join("data")).output().expect("initdb starts");
        assert!(made.status.success(), "initdb failed:\n{}", String::from_utf8_lossy(&made.stderr));
        // Between finding a free port and listening there, somebody else may take it.
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(process) = launch(&user, programs, root.path(), port) {
                return Self { process, programs: programs.to_owned(), port, _root: root };
            }
        }
        let log = std::fs::read_to_string(root.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{log}");
    }

    /// What each of `statements` answers, one after the other in one session, in a database that is emptied
    /// first.
    ///
    /// # Panics
    /// When `psql` cannot be run or answers in an unknown form.
    #[must_use]
    pub fn answers(&self, statements: &[String]) -> Vec<Answer> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "firndb", "-d", "postgres"])
            .args(["-p", &self.port.to_string(), "-P", &format!("null={NULL}")])
            .args(["-F", &FIELD.to_string(), "-R", &ROW.to_string(), "-f", "-"])
            .env("PGCLIENTENCODING", "UTF8")
            .env_remove("PGOPTIONS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The errors are in the answers.
            .stderr(Stdio::null());
        let mut running = psql.spawn().expect("psql starts");
        let mut input = running.stdin.take().unwrap();
        let script = script(statements);
        // In a thread of its own, or both sides would wait once the pipes are full.
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = running.wait_with_output().expect("psql runs");
        writer.join().unwrap().expect("psql reads its script");
        let text = String::from_utf8(output.stdout).expect("psql answers in UTF-8");
        let answers: Vec<Answer> = text.split("@@types\n").skip(1).map(read_answer).collect();
        assert_eq!(answers.len(), statements.len(), "psql did not answer every statement:\n{text}");
        answers
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The signal on which it gives its shared memory back and ends without tidying up files.
        let asked = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        if !asked.is_ok_and(|status| status.success()) {
            _ = self.process.kill();
        }
        _ = self.process.wait();
    }
}

/// Starts the server on `port`; `None` if it ends instead of accepting connections.
fn launch(user: &Owner, programs: &Path, root: &Path, port: u16) -> Option<Child> {
    let log = std::fs::File::create(root.join("log")).unwrap();
    let mut server = user.command(&programs.join("postgres"), root);
    server.arg("-D").arg(root.join("data")).args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "timezone=UTC",
        "datestyle=ISO, YMD",
        "intervalstyle=postgres",
        "lc_messages=C",
        "client_min_messages=warning",
    ] {
        server.args(["-c", setting]);
    }
    let mut process = server.stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts");
    let start = Instant::now();
    let mut asks = Command::new(programs.join("pg_isready"));
    asks.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    while start.elapsed() < PATIENCE {
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        if asks.status().is_ok_and(|status| status.success()) {
            return Some(process);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    _ = process.kill();
    _ = process.wait();
    None
}

/// As whom the server runs: as whoever asks, unless that is root.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Self {
        if id(&["-u"]) != Some(0) {
            return Self(None);
        }
        let ids = id(&["-u", "postgres"]).zip(id(&["-g", "postgres"]));
        Self(Some(ids.expect("there is a user postgres, whom Debian's package makes")))
    }

    fn own(&self, dir: &Path) {
        if let Self(Some((uid, gid))) = self {
            chown(dir, Some(*uid), Some(*gid)).unwrap();
        }
    }

    fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).env("LC_ALL", "C");
        if let Self(Some((uid, gid))) = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// What makes `psql` say of each statement: its columns, its rows, and how it ended.
fn script(statements: &[String]) -> String {
    let mut text = "DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n".to_owned();
    for statement in statements {
        text.push_str(&format!(
            "\\echo @@types\n{statement} \\gdesc\n\\echo @@described :SQLSTATE\n{statement};\n\
             \\echo @@done :SQLSTATE :ROW_COUNT :LAST_ERROR_MESSAGE\n"
        ));
    }
    text
}

/// One answer of the form that [`script`] asks for.
fn read_answer(text: &str) -> Answer {
    let (types, rest) = text.split_once("@@described ").expect("the columns come first");
    let (described, rest) = rest.split_once('\n').expect("then whether they are known");
    let (rows, end) = rest.rsplit_once("@@done ").expect("then the rows");
    let mut end = end.trim_end().splitn(3, ' ');
    let sqlstate = end.next().unwrap_or_default();
    // In a transaction the description fails for the reason, and the statement for being in a failed one.
    let sqlstate = if described == "00000" { sqlstate } else { described }.to_owned();
    let count = end.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let message = if sqlstate == "00000" { "" } else { end.next().unwrap_or_default() }.to_owned();
    let types: Vec<String> =
        table(types).iter().filter_map(|row| row.get(1)).map(|t| t.clone().unwrap_or_default()).collect();
    let rows = if types.is_empty() || sqlstate != "00000" { Vec::new() } else { table(rows) };
    Answer { sqlstate, message, types, rows, count }
}

/// Rows and fields; the last row ends with a line's end.
fn table(text: &str) -> Vec<Vec<Option<String>>> {
    let Some(text) = text.strip_suffix('\n') else { return Vec::new() };
    let field = |f: &str| if f == NULL { None } else { Some(f.to_owned()) };
    text.split(ROW).map(|row| row.split(FIELD).map(field).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_from_what_psql_says() {
        let rows = read_answer(
            "a\u{1f}integer\u{1e}b\u{1f}text\n@@described 00000\n1\u{1f}\u{1a}\u{1e}2\u{1f}\n@@done 00000 2 \n",
        );
        assert_eq!(rows.types, ["integer", "text"]);
        assert_eq!(rows.rows, [[Some("1".to_owned()), None], [Some("2".to_owned()), Some(String::new())]]);
        assert_eq!((rows.count, rows.failed()), (2, false));

        let none = read_answer("a\u{1f}integer\n@@described 00000\n@@done 00000 0 an older error\n");
        assert_eq!((none.types.len(), none.rows.len(), none.message.as_str()), (1, 0, ""));

        let failed = read_answer("@@described 42703\n@@done 25P02 0 current transaction is aborted\n");
        assert_eq!((failed.sqlstate.as_str(), failed.types.len()), ("42703", 0));

        let written = read_answer(
            "The command has no result, or the result has no columns.\n@@described 00000\n@@done 00000 3 \n",
        );
        assert_eq!((written.types.len(), written.rows.len(), written.count), (0, 0, 3));
    }
}
