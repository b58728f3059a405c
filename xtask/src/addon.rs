//! The addon for Node.js, in the package of the platform that it is built for.

use std::env::consts::{ARCH, DLL_PREFIX, DLL_SUFFIX, OS};
use std::fs;
use std::path::Path;

use crate::shell::{Result, io_failure};
use crate::workspace::Workspace;

/// The package that is the addon.
const PACKAGE: &str = "firndb-node";

/// Puts the addon that is built into the directory of its platform in `npm`; whether there is one for this platform.
pub fn place(workspace: &Workspace, npm: &Path) -> Result<bool> {
    let Some(platform) = platform(OS, ARCH) else { return Ok(skip(&format!("{OS} on {ARCH}"))) };
    let package = npm.join("platforms").join(platform);
    if !package.is_dir() {
        return Ok(skip(platform));
    }
    let library = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", PACKAGE.replace('-', "_"));
    let built = workspace.target().join("debug").join(library);
    let placed = package.join(format!("firndb.{platform}.node"));
    let fresh = placed.with_extension("node.part");
    // Not written over: a process that has the old one loaded would see its code change.
    fs::copy(&built, &fresh)
        .and_then(|_| fs::rename(&fresh, &placed))
        .map_err(|e| io_failure(format!("copying {} to {}", built.display(), placed.display()), &e))?;
    Ok(true)
}

fn skip(platform: &str) -> bool {
    eprintln!("    no package for {platform} in bindings/npm/platforms: no addon, and no tests in Node.js");
    false
}

/// The name that packages of napi-rs give a platform.
fn platform(os: &str, arch: &str) -> Option<&'static str> {
    Some(match (os, arch) {
        ("linux", "x86_64") => of_libc("linux-x64-gnu", "linux-x64-musl"),
        ("linux", "aarch64") => of_libc("linux-arm64-gnu", "linux-arm64-musl"),
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        ("windows", "x86_64") => "win32-x64-msvc",
        _ => return None,
    })
}

fn of_libc(gnu: &'static str, musl: &'static str) -> &'static str {
    if cfg!(target_env = "musl") { musl } else { gnu }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_the_names_that_the_package_looks_for() {
        assert_eq!(platform("macos", "aarch64"), Some("darwin-arm64"));
        assert_eq!(platform("linux", "riscv64"), None);
        if cfg!(target_env = "gnu") {
            assert_eq!(platform("linux", "x86_64"), Some("linux-x64-gnu"));
        }
    }
}
