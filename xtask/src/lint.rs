//! What is checked without running anything: the formatting, and clippy's opinion.

use crate::phases::Phases;
use crate::shell::Result;
use crate::workspace::{NATIVE, Workspace};
use crate::{no_arguments, setup};

/// `cargo xtask lint`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    no_arguments("lint", arguments)?;
    let mut phases = Phases::new();
    phases.run("set-up", setup::native)?;
    phases.run("format", || format(workspace))?;
    phases.run("clippy", || clippy(workspace))?;
    phases.summarize();
    Ok(())
}

pub fn format(workspace: &Workspace) -> Result<()> {
    workspace.cargo()?.args(["fmt", "--all", "--check"]).hint("run `cargo fmt --all`").run()
}

pub fn clippy(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo()?
        .arg("clippy")
        .args(NATIVE)
        .args(["--all-targets", "--", "-D", "warnings"])
        .hint("a lint that is wrong here is silenced by `#[expect(lint, reason = \"…\")]`")
        .run()
}
