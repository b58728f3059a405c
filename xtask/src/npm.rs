//! The npm package: WebAssembly with its JavaScript, the addon for Node.js, the package around them, its checks, and
//! its tests and examples in Node.js and in Chromium.

use std::path::{Path, PathBuf};

use crate::no_arguments;
use crate::phases::Phases;
use crate::shell::{Failure, Result, Tool, io_failure};
use crate::wasm::{self, PROFILE, TARGET, bindgen, browser, toolchain};
use crate::workspace::{NATIVE, Workspace};
use crate::{addon, setup};

/// The package that is the module.
pub const PACKAGE: &str = "firndb-wasm";

/// The examples, each of which has dependencies of its own.
const EXAMPLES: [&str; 5] = ["esbuild", "html", "node", "react", "webpack"];

/// What the package calls the module.
const MODULE: &str = "engine";

/// `cargo xtask npm`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    no_arguments("npm", arguments)?;
    let mut phases = Phases::new();
    phases.run("set-up, native", setup::native)?;
    let toolchain = phases.run("set-up, WebAssembly", || toolchain::set_up(workspace))?;
    phases.run("build", || workspace.cargo()?.arg("build").args(NATIVE).run())?;
    phases.run("wasm: build", || wasm::build(workspace, &toolchain))?;
    check(workspace, &mut phases)?;
    phases.summarize();
    Ok(())
}

/// Builds the package, from WebAssembly, an addon and a program `firndb` that are built, and tests it.
pub fn check(workspace: &Workspace, phases: &mut Phases) -> Result<()> {
    let package = package(workspace);
    let node_tests = workspace.root().join("tests").join("node");
    phases.run("npm: JavaScript bindings", || bind(workspace, &package, PROFILE))?;
    let has_addon = phases.run("npm: addon", || addon::place(workspace, &package))?;
    build_package(workspace, &package, phases)?;
    phases.run("npm: unit tests", || script(&package, "test").run())?;
    if has_addon {
        phases.run("npm: tests in Node.js", || {
            let hint = "in tests/node, `FIRNDB=… node --test test/stores.test.js` runs one file";
            script(&node_tests, "test").env("FIRNDB", workspace.built("firndb")).hint(hint).run()
        })?;
    }
    phases.run("npm: tests in Chromium", || test_in_chromium(workspace))
}

/// The directory of the package.
pub fn package(workspace: &Workspace) -> PathBuf {
    workspace.root().join("bindings").join("npm")
}

/// Builds the package in `package` and the examples' surroundings, and checks what would be published.
pub fn build_package(workspace: &Workspace, package: &Path, phases: &mut Phases) -> Result<()> {
    phases.run("npm: install", || install(package).and_then(|()| install(&browser_tests(workspace))))?;
    phases.run("npm: install for the examples", || {
        EXAMPLES.iter().try_for_each(|name| install(&workspace.root().join("examples").join(name)))
    })?;
    phases.run("npm: build the package", || script(package, "build").run())?;
    phases.run("npm: check the package", || script(package, "check").run())
}

/// Tests the package that is built in Chromium.
pub fn test_in_chromium(workspace: &Workspace) -> Result<()> {
    let chromium =
        browser::chromium().ok_or_else(|| Failure::Missing("Chromium is no longer where it was".into()))?;
    script(&browser_tests(workspace), "test")
        .env("CHROMIUM", chromium)
        .env("FIRNDB", workspace.built("firndb"))
        .hint("in tests/browser, `SHOW_CONSOLE=1 npm test` shows what the pages print")
        .run()
}

fn browser_tests(workspace: &Workspace) -> PathBuf {
    workspace.root().join("tests").join("browser")
}

/// Puts the module that `profile` built and its JavaScript where the package is built from; nothing if they are
/// there.
pub fn bind(workspace: &Workspace, package: &Path, profile: &str) -> Result<()> {
    let tool = bindgen::installed(workspace, bindgen::BINDGEN)?;
    let built = workspace.wasm_target().join(TARGET).join(profile).join(PACKAGE.replace('-', "_"));
    let built = built.with_extension("wasm");
    let out = package.join("pkg");
    // Which profile the module there is of.
    let mark = out.join("profile");
    let same = std::fs::read_to_string(&mark).is_ok_and(|found| found == profile);
    if same && is_newer(&out.join(format!("{MODULE}_bg.wasm")), &[&built, &tool]) {
        return Ok(());
    }
    // Written at the end: what is cut short is of no profile.
    let _ = std::fs::remove_file(&mark);
    Tool::new(tool)
        // The names of functions are half of a module that is not optimised, and a browser reads it at each start.
        .args(["--target", "web", "--omit-default-module-path", "--remove-name-section"])
        .args(["--remove-producers-section", "--out-name", MODULE, "--out-dir"])
        .arg(&out)
        .arg(&built)
        .hint("`wasm-bindgen` in Cargo.lock and the tool must have the same version")
        .run()?;
    std::fs::write(&mark, profile).map_err(|e| io_failure(format!("writing {}", mark.display()), &e))
}

/// The module as `bind` leaves it.
pub fn module(package: &Path) -> PathBuf {
    package.join("pkg").join(format!("{MODULE}_bg.wasm"))
}

/// What the lock file of the npm package at `dir` says; nothing if it is there.
pub fn install(dir: &Path) -> Result<()> {
    let installed = dir.join("node_modules").join(".package-lock.json");
    if is_newer(&installed, &[&dir.join("package-lock.json")]) {
        return Ok(());
    }
    let npm = Tool::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.dir(dir).hint("is the npm registry within reach?").run()?;
    // npm takes the times of a cache for some files: what is compared must be of this run.
    let touched = std::fs::File::options().append(true).open(&installed);
    touched
        .and_then(|file| file.set_modified(std::time::SystemTime::now()))
        .map_err(|e| io_failure(format!("{}", installed.display()), &e))
}

/// The script `name` of the npm package in `dir`.
pub fn script(dir: &Path, name: &str) -> Tool {
    Tool::new("npm").args(["run", "--silent", name]).dir(dir)
}

/// Whether `made` is there and younger than all of `from`.
fn is_newer(made: &Path, from: &[&Path]) -> bool {
    let time = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let Some(made) = time(made) else { return false };
    from.iter().all(|path| time(path).is_some_and(|time| time < made))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_newer() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(!is_newer(Path::new("no such file"), &[&here]));
        assert!(!is_newer(&here, &[Path::new("no such file")]));
        assert!(!is_newer(&here, &[&here]));
    }
}
