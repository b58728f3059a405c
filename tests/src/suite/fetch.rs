//! Where the suite is, and how it gets there.
//!
//! No dependency on the crate: that would build DataFusion a second time, with every feature there is. `cargo
//! info` downloads and unpacks a single crate, and is as good as any other command of cargo's that does.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The crate.
const NAME: &str = "datafusion-sqllogictest";

/// The unpacked tests.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The version of the crate, which is that of DataFusion in `Cargo.lock`.
    pub version: String,
    /// The directory of the files.
    pub dir: PathBuf,
}

impl Suite {
    /// The names of the files, relative to the directory, sorted.
    ///
    /// # Panics
    /// When a directory cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let (mut found, mut pending) = (Vec::new(), vec![self.dir.clone()]);
        while let Some(dir) = pending.pop() {
            for path in std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    pending.push(path);
                } else if path.extension().is_some_and(|extension| extension == "slt") {
                    let name = path.strip_prefix(&self.dir).unwrap();
                    found.push(name.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }
}

/// The suite of the DataFusion that this workspace uses, downloaded if it is not there.
///
/// # Errors
/// What cargo says when it cannot be downloaded.
///
/// # Panics
/// When the workspace has no `Cargo.lock` with DataFusion in it.
pub fn fetch() -> Result<Suite, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let version = locked_version(&lock, "datafusion").unwrap();
    if let Some(dir) = unpacked(&version) {
        return Ok(Suite { version, dir });
    }
    eprintln!("downloading {NAME} {version}, DataFusion's own tests; this happens once");
    let mut info = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    info.args(["info", "--quiet", "--registry", "crates-io", &format!("{NAME}@{version}")]);
    let output = info.current_dir(root).output().map_err(|e| format!("cargo does not start: {e}"))?;
    match unpacked(&version) {
        Some(dir) => Ok(Suite { version, dir }),
        None => Err(format!(
            "{NAME} {version} is not on this machine, and `{info:?}` did not bring it:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// The directory of the tests in what cargo has unpacked, of any registry that mirrors crates.io.
fn unpacked(version: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry").join("src")).ok()?;
    let dirs =
        registries.flatten().map(|entry| entry.path().join(format!("{NAME}-{version}")).join("test_files"));
    dirs.into_iter().find(|dir| dir.is_dir())
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}
