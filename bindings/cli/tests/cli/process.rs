//! Running the binary and looking at what came out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().expect("no signal ended it"),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// The run, which must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    /// The run, which must have failed with this status and told each of `words`, in any case.
    #[track_caller]
    pub fn fails(self, status: i32, words: &[&str]) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        assert!(self.err.starts_with("error: ") || self.err.contains("\nerror: "), "{self:#?}");
        let told = self.err.to_lowercase();
        for word in words {
            assert!(told.contains(&word.to_lowercase()), "no {word:?} in {self:#?}");
        }
        self
    }
}

/// The binary with arguments.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firndb"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary with nothing on standard input.
pub fn firndb(args: &[&str]) -> Run {
    Run::of(command(args).output().expect("the binary starts"))
}

/// Runs the binary with these variables of the environment besides its own.
pub fn firndb_with(args: &[&str], variables: &[(&str, &str)]) -> Run {
    Run::of(command(args).envs(variables.iter().copied()).output().expect("the binary starts"))
}

/// Runs the binary with `input` on standard input.
pub fn firndb_reading(args: &[&str], input: &str) -> Run {
    let mut child = command(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    Run::of(child.wait_with_output().expect("it ends"))
}

/// A directory for stores and files, gone after the test.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// A path in it, as text.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file in it and returns its path.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The names of what is in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("a directory");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The store in it.
    pub fn store(&self) -> String {
        self.path("store")
    }

    /// Runs SQL on the store, which must succeed; its rows as CSV.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        firndb(&["sql", "-d", &self.store(), "--format", "csv", sql]).ok().out
    }

    /// Runs SQL on the store.
    pub fn try_sql(&self, sql: &str) -> Run {
        firndb(&["sql", "-d", &self.store(), "--format", "csv", sql])
    }

    /// Writes the settings of the store.
    pub fn set(&self, settings: &str) {
        std::fs::write(PathBuf::from(self.store()).join("firndb.toml"), settings)
            .expect("the store is there");
    }

    /// The files of a table of the store whose names start so.
    pub fn blobs(&self, namespace: &str, table: &str, start: &str) -> Vec<PathBuf> {
        let root = PathBuf::from(self.store()).join("blobs").join(namespace);
        let mut found = Vec::new();
        collect(&root, &mut found);
        found.retain(|p| {
            let below = p.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
            let name = p.file_name().expect("a name").to_string_lossy().into_owned();
            below.starts_with(&format!("{table}-")) && name.starts_with(start)
        });
        found.sort();
        found
    }
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}
