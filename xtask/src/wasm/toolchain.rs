//! A Rust and a C compiler that make WebAssembly, wherever this machine has or can get them.

use std::path::{Path, PathBuf};

use super::{TARGET, bindgen, browser};
use crate::debian::Apt;
use crate::setup::{self, Missing};
use crate::shell::{Failure, Result, Tool, which};
use crate::workspace::Workspace;

/// Compilers for `wasm32-unknown-unknown`.
#[derive(Debug)]
pub struct Toolchain {
    rust: Rust,
    c: C,
}

/// Where the Rust standard library for WebAssembly comes from.
#[derive(Debug)]
enum Rust {
    /// The toolchain in use has it.
    Installed,
    /// Debian's compiler builds it from its source.
    Debian { linker: PathBuf },
}

/// A clang with the WebAssembly back end (for zstd), and the archiver that goes with it.
#[derive(Debug)]
struct C {
    clang: PathBuf,
    archiver: PathBuf,
}

/// Finds or installs all that a WebAssembly build and its runs in Node.js and Chromium need.
pub fn set_up(workspace: &Workspace) -> Result<Toolchain> {
    setup::ensure(|| {
        let mut missing = setup::node_missing();
        missing.extend(c_missing());
        missing.extend(browser::missing());
        missing
    })?;
    let (Some(clang), Some(archiver)) = (clang(), archiver()) else {
        return Err(Failure::Missing("clang for WebAssembly is no longer where it was".into()));
    };
    let toolchain = Toolchain { rust: rust()?, c: C { clang, archiver } };
    bindgen::installed(workspace, bindgen::BINDGEN)?;
    Ok(toolchain)
}

impl Toolchain {
    /// Cargo, with all that makes it build for WebAssembly; the caller adds the target.
    pub fn cargo(&self, workspace: &Workspace) -> Result<Tool> {
        let target = workspace.wasm_target();
        let tool = match &self.rust {
            Rust::Installed => workspace.cargo_into("cargo", &target)?,
            Rust::Debian { linker } => workspace
                .cargo_into("/usr/bin/cargo", &target)?
                .arg(BUILD_STD)
                .env("RUSTC", "/usr/bin/rustc")
                // The standard library is built from source with features that only it may use.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker),
        };
        Ok(tool
            .env("CC_wasm32_unknown_unknown", &self.c.clang)
            .env("AR_wasm32_unknown_unknown", &self.c.archiver))
    }
    /// As [`Self::cargo`], with the standard library built for size where its source is to be had.
    pub fn cargo_for_size(&self, workspace: &Workspace) -> Result<Tool> {
        let cargo = self.cargo(workspace)?;
        let features = "-Zbuild-std-features=optimize_for_size";
        match &self.rust {
            Rust::Debian { .. } => Ok(cargo.arg(features)),
            Rust::Installed if has_source() => {
                Ok(cargo.arg(BUILD_STD).arg(features).env("RUSTC_BOOTSTRAP", "1"))
            }
            Rust::Installed => {
                eprintln!(
                    "    the source of Rust's library is not there, so the module gets 0.3 MB (gzip) larger: \
                     `rustup component add rust-src`"
                );
                Ok(cargo)
            }
        }
    }
}

/// Builds the standard library too; rustup's own compiler takes it only as its own bootstrap.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";

/// Whether the compiler in use has the source of its library, which is asked of rustup if not.
fn has_source() -> bool {
    let there = || {
        let root = Tool::new("rustc").args(["--print", "sysroot"]).run_unseen();
        root.is_ok_and(|root| Path::new(root.trim()).join("lib/rustlib/src/rust/library").is_dir())
    };
    there()
        || (which(&["rustup"]).is_some()
            && Tool::new("rustup").args(["component", "add", "rust-src"]).run_unseen().is_ok()
            && there())
}

fn c_missing() -> Vec<Missing> {
    let mut missing = Vec::new();
    if clang().is_none() {
        let what = "clang with the WebAssembly back end, for zstd";
        missing.push(Missing { what, debian: &["clang-19", "clang"] });
    }
    if archiver().is_none() {
        missing.push(Missing { what: "llvm-ar, for zstd in WebAssembly", debian: &["llvm-19", "llvm"] });
    }
    missing
}

fn clang() -> Option<PathBuf> {
    let names = ["clang-19", "clang-20", "clang-21", "clang-22", "clang", "clang-18", "clang-17", "clang-16"];
    names.iter().filter_map(|name| which(&[name])).find(|clang| {
        let targets = Tool::new(clang).arg("--print-targets").run_unseen();
        targets.is_ok_and(|text| text.contains("wasm32"))
    })
}

fn archiver() -> Option<PathBuf> {
    which(&["llvm-ar-19", "llvm-ar-20", "llvm-ar-21", "llvm-ar-22", "llvm-ar", "llvm-ar-18", "llvm-ar-17"])
}

/// The first that there is: the target installed, the target added by rustup, Debian's compiler.
fn rust() -> Result<Rust> {
    if has_target() {
        eprintln!("    Rust for WebAssembly: installed");
        return Ok(Rust::Installed);
    }
    if which(&["rustup"]).is_some() {
        eprintln!("    rustup target add {TARGET}");
        let added = Tool::new("rustup").args(["target", "add", TARGET]).run_unseen();
        if added.is_ok() && has_target() {
            eprintln!("    Rust for WebAssembly: added by rustup");
            return Ok(Rust::Installed);
        }
        eprintln!("    rustup could not add it");
    }
    debian()
}

fn has_target() -> bool {
    let libraries = Tool::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).run_unseen();
    let Ok(dir) = libraries.map(|dir| PathBuf::from(dir.trim())) else { return false };
    dir.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

fn debian() -> Result<Rust> {
    let lacking = || {
        let there = Path::new("/usr/bin/cargo").exists() && Path::new("/usr/lib/rustlib/src").exists();
        if there {
            return Vec::new();
        }
        ["rustc-web", "cargo-web", "rust-web-src"].map(DEBIAN_PACKAGE).into()
    };
    if Apt::find().is_none() && !lacking().is_empty() {
        return Err(Failure::Missing(format!(
            "Rust's library for WebAssembly is not installed: run `rustup target add {TARGET}`, then me again"
        )));
    }
    setup::ensure(lacking)?;
    let linker = linker()?;
    eprintln!("    Rust for WebAssembly: Debian's rustc-web, with its library built from source");
    Ok(Rust::Debian { linker })
}

const DEBIAN_PACKAGE: fn(&'static str) -> Missing = |name| Missing {
    what: "a Rust compiler with the source of its library, for WebAssembly",
    debian: match name {
        "rustc-web" => &["rustc-web"],
        "cargo-web" => &["cargo-web"],
        _ => &["rust-web-src"],
    },
};

/// A linker for WebAssembly: rustc's own, or LLVM's.
fn linker() -> Result<PathBuf> {
    let libraries = Tool::new("rustc").args(["--print", "target-libdir"]).run_unseen()?;
    let beside = PathBuf::from(libraries.trim()).with_file_name("bin").join("rust-lld");
    if beside.is_file() {
        return Ok(beside);
    }
    which(&["rust-lld", "wasm-ld-19", "wasm-ld"]).ok_or_else(|| {
        Failure::Missing("no linker for WebAssembly: install lld-19 (Debian), then run me again".into())
    })
}
