//! `cargo xtask bench NAME`: one benchmark of `tests`, against its peers.

use crate::phases::Phases;
use crate::setup;
use crate::shell::{Failure, Result};
use crate::workspace::Workspace;

/// `cargo xtask bench NAME [--tiny] [ARGS…]`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    if arguments.first().is_none_or(|name| name.starts_with('-')) {
        return Err(Failure::Usage("which benchmark? `cargo xtask bench NAME`; `list` names them".into()));
    }
    // At the tiny size nothing is measured, so nothing has to be built a second time.
    let profile: &[&str] = if arguments.iter().any(|word| word == "--tiny") { &[] } else { &["--release"] };
    let mut phases = Phases::new();
    phases.run("set-up", setup::native)?;
    phases.run("build", || workspace.cargo()?.args(["build", "--bin", "bench"]).args(profile).run())?;
    phases.run("bench", || {
        workspace
            .cargo()?
            .args(["run", "--quiet", "--bin", "bench"])
            .args(profile)
            .arg("--")
            .args(arguments)
            .run()
    })
}
