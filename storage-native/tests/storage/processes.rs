//! Tests that need a process of their own: this program again, running one ignored test.

use std::path::{Path, PathBuf};
use std::process::Command;

const DIR: &str = "FIRNDB_TEST_DIR";

/// A command that runs the ignored test `name` of this program with `dir`.
pub fn run_ignored(name: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture"]).env(DIR, dir);
    command
}

/// The directory that [`run_ignored`] was given. `None` when somebody runs all ignored tests.
pub fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}
