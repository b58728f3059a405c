//! `cargo xtask bench NAME`: one benchmark of `tests`, against its peers.

use crate::phases::Phases;
use crate::setup;
use crate::shell::{Failure, Result, Tool};
use crate::workspace::Workspace;

/// `cargo xtask bench NAME [--tiny] [ARGS…]`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    if arguments.first().is_none_or(|name| name.starts_with('-')) {
        return Err(Failure::Usage("which benchmark? `cargo xtask bench NAME`; `list` names them".into()));
    }
    // At the tiny size nothing is measured, so nothing has to be built a second time.
    let tiny = arguments.iter().any(|word| word == "--tiny");
    let (profile, options): (_, &[&str]) = if tiny { ("debug", &[]) } else { ("release", &["--release"]) };
    let mut phases = Phases::new();
    phases.run("set-up", setup::native)?;
    let bench = phases.run("build", || workspace.build_program("bench", profile, options))?;
    phases.run("bench", || Tool::new(bench).args(arguments).dir(workspace.root()).run())
}
