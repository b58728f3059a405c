//! The engine as WebAssembly, built with the cheapest profile: run in Node.js and compared with what it must
//! print, and its storage tested in a browser.

pub mod bindgen;
pub mod browser;
pub mod toolchain;

use std::path::{Path, PathBuf};

use crate::no_arguments;
use crate::npm;
use crate::phases::Phases;
use crate::shell::{Failure, Result, Tool, io_failure};
use crate::workspace::Workspace;
use toolchain::Toolchain;

pub const TARGET: &str = "wasm32-unknown-unknown";
pub const PROFILE: &str = "wasm-dev";
const PACKAGE: &str = "firndb-tests-wasm";

/// `cargo xtask wasm`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    no_arguments("wasm", arguments)?;
    let mut phases = Phases::new();
    let toolchain = phases.run("set-up, WebAssembly", || toolchain::set_up(workspace))?;
    check(workspace, &toolchain, &mut phases)?;
    phases.summarize();
    Ok(())
}

/// Builds, binds and runs `tests/wasm`, and tests the storage of browsers in one.
pub fn check(workspace: &Workspace, toolchain: &Toolchain, phases: &mut Phases) -> Result<()> {
    phases.run("wasm: build", || build(workspace, toolchain))?;
    let module = phases.run("wasm: JavaScript bindings", || bind(workspace))?;
    phases.run("wasm: run in Node.js", || run(workspace, &module))?;
    phases.run("wasm: storage in Chromium", || browser::test(workspace, toolchain))
}

/// Builds all that there is of WebAssembly.
pub fn build(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    toolchain
        .cargo(workspace)?
        // All at once, tests included: each on its own would have other features of what they share, and build
        // that again.
        .args(["build", "--all-targets", "--target", TARGET, "--profile", PROFILE])
        .args([PACKAGE, browser::PACKAGE, npm::PACKAGE].iter().flat_map(|name| ["--package", *name]))
        .hint("`core` compiles without a platform: no threads, no files, no clock of the system, no tokio")
        .run()
}

/// The directory of the JavaScript module made from the build.
fn bind(workspace: &Workspace) -> Result<PathBuf> {
    let tool = bindgen::installed(workspace, bindgen::BINDGEN)?;
    let target = workspace.wasm_target();
    let built = target.join(TARGET).join(PROFILE).join(PACKAGE.replace('-', "_")).with_extension("wasm");
    let out = target.join("node");
    Tool::new(tool)
        .args(["--target", "nodejs", "--out-dir"])
        .arg(&out)
        .arg(&built)
        .hint("`wasm-bindgen` in Cargo.lock and the tool must have the same version")
        .run()?;
    let size = built.metadata().map_err(|e| io_failure(built.display(), &e))?.len();
    eprintln!("    {} MB before optimisation, {PROFILE} profile", size / 1_000_000);
    Ok(out)
}

fn run(workspace: &Workspace, module: &Path) -> Result<()> {
    let dir = workspace.root().join("tests").join("wasm");
    let path = dir.join("expected.txt");
    let expected =
        std::fs::read_to_string(&path).map_err(|e| io_failure(format!("reading {}", path.display()), &e))?;
    let printed = Tool::new("node")
        .arg(dir.join("run.cjs"))
        .arg(module.join(PACKAGE.replace('-', "_")).with_extension("js"))
        .hint("a bare `unreachable` is a panic; its message is above it")
        .read()?;
    eprint!("{printed}");
    if printed == expected {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "the WebAssembly build did not print what {} says, but the above; expected:\n{expected}",
        path.display()
    )))
}
