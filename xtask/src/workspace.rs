//! Where the sources, the build output and the downloads lie.

use std::path::{Path, PathBuf};

use crate::claim::claim;
use crate::shell::{Failure, Result, Tool, io_failure};

/// The packages of native builds, the same for every verb: with another selection cargo would choose other
/// features for the dependencies, and build them again.
pub const NATIVE: [&str; 3] = ["--workspace", "--exclude", "firndb-tests-wasm"];

/// The clone that xtask was started in, and the directories that it fills outside of it.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    cache: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace of the running `cargo xtask`.
    pub fn find() -> Result<Self> {
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = manifest_dir.as_deref().and_then(Path::parent).ok_or_else(|| {
            Failure::Usage("the directory of the sources is not known: start me as `cargo xtask`".into())
        })?;
        let cache = cache_dir()?.join("firndb");
        // Outside the clone, so that a second clone starts from the dependencies of the first.
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => root.join(dir),
            None => cache.join("target"),
        };
        Ok(Self { root: root.to_owned(), cache, target })
    }

    /// The directory of the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Build output of native targets.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Build output of WebAssembly: its own directory, so that neither build waits for the other's lock.
    pub fn wasm_target(&self) -> PathBuf {
        let mut name = self.target.file_name().unwrap_or_default().to_owned();
        name.push("-wasm");
        self.target.with_file_name(name)
    }

    /// `name` in the directory for downloads and tools, created with its parents.
    pub fn cache(&self, name: &str) -> Result<PathBuf> {
        let dir = self.cache.join(name);
        std::fs::create_dir_all(&dir).map_err(|e| io_failure(format!("creating {}", dir.display()), &e))?;
        Ok(dir)
    }

    /// Cargo for native targets, at the root of the workspace.
    pub fn cargo(&self) -> Result<Tool> {
        self.cargo_into("cargo", &self.target)
    }

    /// Builds the program `name` of the workspace, with `options` of cargo, and gives its path in the output of
    /// `profile`. It is started from there, since `cargo run` takes no selection of packages.
    pub fn build_program(&self, name: &str, profile: &str, options: &[&str]) -> Result<PathBuf> {
        self.cargo()?.arg("build").args(NATIVE).args(["--bin", name]).args(options).run()?;
        Ok(self.target.join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
    }

    /// The program `name` of the workspace, as the build of the default profile leaves it.
    pub fn built(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The cargo `program`, building into `target`.
    pub fn cargo_into(&self, program: &str, target: &Path) -> Result<Tool> {
        claim(target, &self.root)?;
        Ok(self.clean_cargo(program).env("CARGO_TARGET_DIR", target))
    }

    /// The cargo `program` without what `cargo run` says of xtask itself: build scripts that watch such a
    /// variable (that of `ring` does) would run again, and much with them, at each change between
    /// `cargo xtask` and plain cargo.
    pub fn clean_cargo(&self, program: &str) -> Tool {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names
            .filter(|name| is_of_cargo_run(name))
            .fold(Tool::new(program).dir(&self.root), |tool, name| tool.env_remove(name))
    }

    /// The version of `package` in `Cargo.lock`.
    pub fn locked_version(&self, package: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path)
            .map_err(|e| io_failure(format!("reading {}", path.display()), &e))?;
        version_in_lock(&lock, package)
            .ok_or_else(|| Failure::Failed(format!("no package `{package}` in {}", path.display())))
    }
}

/// Whether `cargo run` sets the variable for the program that it starts.
fn is_of_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || matches!(name, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE")
}

/// The user's directory for what can be made again (XDG Base Directory Specification).
fn cache_dir() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .filter(|dir| dir.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .or_else(|| set("LOCALAPPDATA"))
        .ok_or_else(|| Failure::Missing("neither XDG_CACHE_HOME nor HOME is set: set one".into()))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock.lines();
    lines.find(|line| *line == format!("name = \"{package}\""))?;
    let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_package_with_exactly_the_name() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.1\"\n";
        assert_eq!(version_in_lock(lock, "a").as_deref(), Some("2.0.1"));
        assert_eq!(version_in_lock(lock, "b"), None);
    }

    #[test]
    fn only_what_cargo_run_says_of_xtask_is_taken_away() {
        assert!(is_of_cargo_run("CARGO_PKG_NAME") && is_of_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_of_cargo_run("CARGO_HOME") && !is_of_cargo_run("CARGO_TARGET_DIR"));
    }
}
