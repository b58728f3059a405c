//! The `wasm-bindgen` program, at exactly the version of the library it works on.

use std::path::PathBuf;

use crate::shell::{Result, Tool};
use crate::workspace::Workspace;

/// The program, installed if it is not there: in FirnDB's own directory, since two clones can need two versions.
pub fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let root = workspace.cache("tools")?.join(format!("wasm-bindgen-{version}"));
    let program = root.join("bin").join(format!("wasm-bindgen{}", std::env::consts::EXE_SUFFIX));
    if Tool::new(&program).arg("--version").succeeds() {
        return Ok(program);
    }
    eprintln!("    installing wasm-bindgen {version}");
    // At each use it parses a hundred megabytes. Optimising what does that gains as much as it costs at the
    // first use already; optimising everything never does.
    let optimised = ["walrus", "wasmparser", "wasm-encoder"];
    let optimised = optimised.map(|name| format!("profile.dev.package.{name}.opt-level=1"));
    workspace
        .clean_cargo("cargo")
        .args(["install", "--quiet", "--force", "wasm-bindgen-cli", "--bin", "wasm-bindgen"])
        // Its defaults bring a TLS library for its test runner, which takes longer to compile than the rest.
        .args(["--no-default-features", "--version", &format!("={version}"), "--profile", "dev", "--root"])
        .arg(&root)
        .args(optimised.iter().flat_map(|setting| ["--config", setting]))
        .env("CARGO_TARGET_DIR", workspace.cache("target-tools")?)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .hint("is crates.io within reach?")
        .run()?;
    Ok(program)
}
