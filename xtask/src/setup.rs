//! What must be on the machine before anything is built, and how to get it there.

use std::path::{Path, PathBuf};

use crate::debian::Apt;
use crate::shell::{Failure, Result, Tool, which};
use crate::workspace::Workspace;
use crate::{demo, no_arguments, phases::Phases, wasm};

/// Something the machine lacks.
#[derive(Debug)]
pub struct Missing {
    /// What it is, and what it is for.
    pub what: &'static str,
    /// The Debian package that has it: of several, the first that the release knows.
    pub debian: &'static [&'static str],
}

/// `cargo xtask setup`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    no_arguments("setup", arguments)?;
    let mut phases = Phases::new();
    phases.run("set-up, native", native)?;
    phases.run("set-up, PostgreSQL", postgres)?;
    phases.run("set-up, DuckDB", || duckdb(workspace))?;
    phases.run("set-up, WebAssembly", || wasm::toolchain::set_up(workspace).map(|_| ()))?;
    phases.summarize();
    Ok(())
}

/// Makes sure that native builds have what they need.
pub fn native() -> Result<()> {
    ensure(native_missing)
}

/// Makes sure that the demo has what fetches its data.
pub fn node() -> Result<()> {
    ensure(node_missing)
}

/// The variable that makes the absence of an oracle a failure. CI sets it.
const REQUIRE_ORACLES: &str = "FIRNDB_REQUIRE_ORACLES";

/// Sees to it that the tests have PostgreSQL to be compared with. Where it cannot be installed they do without,
/// unless [`REQUIRE_ORACLES`] is set.
pub fn postgres() -> Result<()> {
    unless_required("PostgreSQL", ensure(postgres_missing))
}

/// What DuckDB is and compares: the database as a Python package, and a generator of TPC-H.
const JUDGE: [&str; 2] = ["duckdb==2.0.0", "tpchgen-cli==4.0.0"];

/// Sees to it that the tests have DuckDB to be compared with, and the data, as [`postgres`] does.
pub fn duckdb(workspace: &Workspace) -> Result<()> {
    let installed = || {
        install_duckdb(&workspace.cache("bench-python")?)?;
        ensure(node_missing)?;
        demo::fetch(workspace).map(|_| ())
    };
    unless_required("DuckDB", installed())
}

/// Installs [`JUDGE`] in the virtual environment `environment`; nothing if it is there.
fn install_duckdb(environment: &Path) -> Result<()> {
    let python = environment.join("bin").join("python");
    let check = "import sys, importlib.metadata as m; sys.exit(any(m.version(n) != v for n, v in (w.split('==') for w in sys.argv[1:])))";
    if python.is_file() && Tool::new(&python).args(["-c", check]).args(JUDGE).succeeds() {
        return Ok(());
    }
    ensure(python_missing)?;
    eprintln!("    {} into {}", JUDGE.join(" and "), environment.display());
    Tool::new("python3").args(["-m", "venv"]).arg(environment).run_unseen()?;
    let pip = Tool::new(&python).args(["-m", "pip", "install", "--quiet"]).args(JUDGE);
    pip.hint("is the Python package index within reach?").run_unseen().map(|_| ())
}

/// Takes a failure to get the judge `name` for a warning, unless [`REQUIRE_ORACLES`] is set.
fn unless_required(name: &str, found: Result<()>) -> Result<()> {
    match found {
        Err(failure) if std::env::var_os(REQUIRE_ORACLES).is_none() => {
            eprintln!("    {failure}\n    without it, nothing is compared with {name}");
            Ok(())
        }
        other => other,
    }
}

/// Installs what `find` misses where that can be done, and fails with what to install where it cannot.
pub fn ensure(find: impl Fn() -> Vec<Missing>) -> Result<()> {
    let missing = find();
    if missing.is_empty() {
        return Ok(());
    }
    for item in &missing {
        eprintln!("    missing: {}", item.what);
    }
    let Some(apt) = Apt::find() else { return Err(by_hand(&missing)) };
    apt.update()?;
    let packages: Vec<&str> = missing.iter().filter_map(|item| Apt::first_of(item.debian)).collect();
    apt.install(&packages)?;
    let still = find();
    if still.is_empty() { Ok(()) } else { Err(by_hand(&still)) }
}

fn by_hand(missing: &[Missing]) -> Failure {
    let mut text = String::from("install these, then run me again:");
    for item in missing {
        text.push_str(&format!("\n  {} (Debian: {})", item.what, item.debian.join(" or ")));
    }
    let all: Vec<&str> = missing.iter().filter_map(|item| item.debian.first().copied()).collect();
    if which(&["apt-get"]).is_some() {
        text.push_str(&format!(
            "\nthat is: sudo apt-get install -y --no-install-recommends {}",
            all.join(" ")
        ));
    }
    Failure::Missing(text)
}

fn native_missing() -> Vec<Missing> {
    let mut missing = Vec::new();
    if std::env::var_os("CC").is_none() && which(&["cc"]).is_none() {
        missing.push(Missing { what: "a C compiler", debian: &["gcc"] });
    }
    if std::env::var_os("CXX").is_none() && which(&["c++", "g++", "clang++"]).is_none() {
        missing.push(Missing { what: "a C++ compiler, for RocksDB", debian: &["g++"] });
    }
    if find_libclang().is_none() {
        let what = "libclang, which reads RocksDB's header files";
        missing.push(Missing { what, debian: &["libclang-19-dev", "libclang-dev"] });
    }
    if cfg!(unix) && which(&["tmux"]).is_none() {
        missing.push(Missing { what: "tmux, in which tests type into the shell", debian: &["tmux"] });
    }
    if cfg!(unix) && which(&["less"]).is_none() {
        missing.push(Missing { what: "less, which pages what the shell prints", debian: &["less"] });
    }
    missing
}

fn postgres_missing() -> Vec<Missing> {
    // Debian keeps the server's programs off the PATH, by version.
    let debian = subdirs(Path::new("/usr/lib/postgresql"));
    if which(&["initdb"]).is_some() || debian.iter().any(|version| version.join("bin/initdb").is_file()) {
        return Vec::new();
    }
    vec![Missing { what: "PostgreSQL, whose answers the tests compare with", debian: &["postgresql"] }]
}

fn python_missing() -> Vec<Missing> {
    let has_venv = Tool::new("python3").args(["-c", "import venv, ensurepip"]).succeeds();
    if has_venv {
        return Vec::new();
    }
    vec![Missing { what: "Python with venv, for DuckDB", debian: &["python3-venv"] }]
}

/// What Node.js is needed for: to run WebAssembly, and to fetch the demo's data.
pub fn node_missing() -> Vec<Missing> {
    let mut missing = Vec::new();
    if which(&["node"]).is_none() {
        missing.push(Missing { what: "Node.js", debian: &["nodejs"] });
    }
    if which(&["npm"]).is_none() {
        missing.push(Missing { what: "npm", debian: &["npm"] });
    }
    missing
}

/// Where libclang is: a directory in which bindgen looks by itself, or the one that `LIBCLANG_PATH` names.
///
/// The variable is never set here. RocksDB's build script watches it, so builds with and without it would
/// compile RocksDB again and again.
fn find_libclang() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from) {
        return Some(named).filter(|path| path.is_file() || has_libclang(path));
    }
    if cfg!(target_os = "macos") {
        // With Xcode's command line tools, which cargo cannot link without.
        return which(&["clang"]);
    }
    if let Some(prefix) = which(&["llvm-config"])
        .and_then(|config| Tool::new(config).arg("--libdir").run_unseen().ok())
        .map(|dir| PathBuf::from(dir.trim()))
        .filter(|dir| has_libclang(dir))
    {
        return Some(prefix);
    }
    let library_dirs = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib32"].map(PathBuf::from);
    let nested = library_dirs.iter().flat_map(|dir| subdirs(dir));
    let nested: Vec<PathBuf> = nested.flat_map(|dir| [dir.join("lib"), dir]).collect();
    library_dirs.into_iter().chain(nested).find(|dir| has_libclang(dir))
}

/// Whether `dir` has a shared libclang; `libclang-cpp` is another library.
fn has_libclang(dir: &Path) -> bool {
    let Ok(entries) = dir.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !name.starts_with("libclang-cpp")
            && (name.starts_with("libclang.so") || name.starts_with("libclang-"))
            && name.contains(".so")
    })
}

fn subdirs(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = dir.read_dir() else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_installed_is_named_with_its_package() {
        let missing = [Missing { what: "a C++ compiler, for RocksDB", debian: &["g++"] }];
        let failure = by_hand(&missing);
        assert!(failure.to_string().contains("a C++ compiler, for RocksDB (Debian: g++)"), "{failure}");
        assert_eq!(failure.exit_status(), 2);
    }

    #[test]
    fn nothing_missing_is_silent_and_well() {
        assert!(ensure(Vec::new).is_ok());
    }
}
