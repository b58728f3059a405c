//! The package as it is shipped, its WebAssembly small and within the budget, and the playground around it.
//!
//! It takes some half an hour, so CI tests what the cheapest profile builds instead.

use std::path::{Path, PathBuf};

use crate::licences;
use crate::npm;
use crate::phases::Phases;
use crate::playground;
use crate::setup;
use crate::shell::{Failure, Result, Tool, io_failure, which};
use crate::wasm::{TARGET, toolchain};
use crate::workspace::{NATIVE, Workspace};

/// The profile of Cargo.toml that is shipped.
const PROFILE: &str = "wasm-release";

/// Binaryen, of which `wasm-opt` is a program, in the npm registry.
const BINARYEN: &str = "132.0.0";

/// What Rust's target has on, and every browser with the storage that the package needs.
const FEATURES: [&str; 7] = [
    "bulk-memory",
    "bulk-memory-opt",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];

/// `cargo xtask web [--test]`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let test = match arguments {
        [] => false,
        [only] if only == "--test" => true,
        _ => {
            let found = arguments.join(" ");
            return Err(Failure::Usage(format!(
                "`cargo xtask web` takes --test or nothing, found `{found}`"
            )));
        }
    };
    let mut phases = Phases::new();
    phases.run("set-up, native", setup::native)?;
    let toolchain = phases.run("set-up, WebAssembly", || toolchain::set_up(workspace))?;
    phases.run("build: WebAssembly, optimised", || {
        let cargo =
            toolchain.cargo_for_size(workspace)?.args(["build", "--target", TARGET, "--profile", PROFILE]);
        cargo.args(["--package", npm::PACKAGE]).run()
    })?;
    let package = npm::package(workspace);
    phases.run("JavaScript bindings", || npm::bind(workspace, &package, PROFILE))?;
    phases.run("wasm-opt", || shrink(workspace, &npm::module(&package)))?;
    phases.run("licences", || licences::collect(workspace, &package))?;
    npm::build_package(workspace, &package, &mut phases)?;
    phases.run("size", || {
        npm::script(&package, "size").hint("bindings/npm/size-budget.json says how much").run()
    })?;
    if !test {
        playground::build(workspace, &mut phases)?;
        phases.summarize();
        return playground::serve(workspace);
    }
    phases.run("build: the program firndb", || {
        workspace.cargo()?.arg("build").args(NATIVE).args(["--bin", "firndb"]).run()
    })?;
    phases.run("tests in Chromium", || npm::test_in_chromium(workspace))?;
    playground::check(workspace, &mut phases)?;
    phases.summarize();
    Ok(())
}

/// Optimises `module` for size, once.
fn shrink(workspace: &Workspace, module: &Path) -> Result<()> {
    let mark = module.with_extension("optimised");
    let time = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if time(&mark).zip(time(module)).is_some_and(|(mark, module)| mark >= module) {
        return Ok(());
    }
    let small = module.with_extension("small");
    let program = wasm_opt(workspace)?;
    Tool::new("node")
        .arg(program)
        .args(["-Oz", "--strip-debug", "--strip-producers", "--strip-target-features"])
        .args(FEATURES.map(|feature| format!("--enable-{feature}")))
        .arg("-o")
        .arg(&small)
        .arg(module)
        .run()?;
    let renamed = std::fs::rename(&small, module).and_then(|()| std::fs::write(&mark, ""));
    renamed.map_err(|e| io_failure(format!("replacing {}", module.display()), &e))
}

/// `wasm-opt` of the npm registry, installed if it is not there.
fn wasm_opt(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.cache("tools")?.join(format!("binaryen-{BINARYEN}"));
    let program = dir.join("node_modules").join("binaryen").join("bin").join("wasm-opt");
    if program.is_file() {
        return Ok(program);
    }
    if which(&["npm"]).is_none() {
        return Err(Failure::Missing("npm is no longer where it was".into()));
    }
    std::fs::create_dir_all(&dir).map_err(|e| io_failure(format!("creating {}", dir.display()), &e))?;
    Tool::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", "--prefix"])
        .arg(&dir)
        .arg(format!("binaryen@{BINARYEN}"))
        .hint("is the npm registry within reach?")
        .run()?;
    Ok(program)
}
