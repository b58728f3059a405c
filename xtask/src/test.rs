//! `cargo xtask test`: all that must hold before a change lands.

use crate::phases::Phases;
use crate::shell::Result;
use crate::workspace::{NATIVE, Workspace};
use crate::{lint, no_arguments, npm, playground, setup, wasm};

/// `cargo xtask test`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    no_arguments("test", arguments)?;
    let mut phases = Phases::new();
    phases.run("set-up, native", setup::native)?;
    phases.run("set-up, PostgreSQL", setup::postgres)?;
    phases.run("set-up, DuckDB", || setup::duckdb(workspace))?;
    let toolchain = phases.run("set-up, WebAssembly", || wasm::toolchain::set_up(workspace))?;
    phases.run("format", || lint::format(workspace))?;
    eprintln!("    build output: {}", workspace.target().display());
    phases.run("build", || build(workspace))?;
    phases.run("clippy", || lint::clippy(workspace))?;
    phases.run("tests", || run_tests(workspace))?;
    wasm::check(workspace, &toolchain, &mut phases)?;
    npm::check(workspace, &mut phases)?;
    playground::check(workspace, &mut phases)?;
    phases.summarize();
    Ok(())
}

fn build(workspace: &Workspace) -> Result<()> {
    workspace.cargo()?.args(["build", "--all-targets"]).args(NATIVE).run()
}

fn run_tests(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo()?
        .args(["test", "--no-fail-fast"])
        .args(NATIVE)
        .hint("CONTRIBUTING.md says how to run one of them")
        .run()
}
