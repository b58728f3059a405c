//! The programs of `wasm-bindgen`, at exactly the version of the library they work on.

use std::path::PathBuf;

use crate::shell::{Result, Tool};
use crate::workspace::Workspace;

/// Makes the JavaScript that goes with a module.
pub const BINDGEN: &str = "wasm-bindgen";
/// Runs the tests in a module, here in a browser.
pub const TEST_RUNNER: &str = "wasm-bindgen-test-runner";

/// The program `name` of the two, both installed if one is not there: in FirnDB's own directory, since two
/// clones can need two versions.
pub fn installed(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let version = workspace.locked_version("wasm-bindgen")?;
    let root = workspace.cache("tools")?.join(format!("wasm-bindgen-{version}"));
    let program = |name: &str| root.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let programs = [BINDGEN, TEST_RUNNER];
    if programs.iter().all(|name| Tool::new(program(name)).arg("--version").succeeds()) {
        return Ok(program(name));
    }
    eprintln!("    installing {} {version}", programs.join(" and "));
    // At each use it parses a hundred megabytes. Optimising what does that gains as much as it costs at the
    // first use already; optimising everything never does.
    let optimised = ["walrus", "wasmparser", "wasm-encoder"];
    let optimised = optimised.map(|name| format!("profile.dev.package.{name}.opt-level=1"));
    workspace
        .clean_cargo("cargo")
        .args(["install", "--quiet", "--force", "wasm-bindgen-cli"])
        .args(programs.iter().flat_map(|name| ["--bin", name]))
        // Its defaults bring a TLS library for browsers on other machines, which takes longer to compile than
        // the rest.
        .args(["--no-default-features", "--version", &format!("={version}"), "--profile", "dev", "--root"])
        .arg(&root)
        .args(optimised.iter().flat_map(|setting| ["--config", setting]))
        .env("CARGO_TARGET_DIR", workspace.cache("target-tools")?)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .hint("is crates.io within reach?")
        .run()?;
    Ok(program(name))
}
