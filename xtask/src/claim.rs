//! One target directory for several clones, without one clone being given what another has built.
//!
//! Cargo tells the workspace's own packages apart by their paths relative to the workspace, and takes a build
//! for fresh when no source file is younger than it. In a target directory that two clones share, a build of
//! clone A therefore passes for one of clone B whenever B's files are older: B would test A's code. So the
//! directory carries the name of the clone that used it last, and what another one has built of our own
//! packages is forgotten first. The dependencies stay, and they are what takes the time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{Result, io_failure};

/// The file that names the clone.
const OWNER: &str = ".firndb-clone";

/// Where cargo keeps what it knows of each build in a directory of output, and its lock there.
const RECORDS: &str = ".fingerprint";
const LOCK: &str = ".cargo-lock";

/// How the names of the workspace's packages begin.
const OURS: [&str; 2] = ["firndb-", "xtask-"];

/// Makes the target directory `target` that of the clone at `root`.
pub fn claim(target: &Path, root: &Path) -> Result<()> {
    let owner = target.join(OWNER);
    let name = root.to_string_lossy();
    if fs::read_to_string(&owner).is_ok_and(|found| found == name) {
        return Ok(());
    }
    for profile in profiles(target) {
        forget_our_builds(&profile).map_err(|e| io_failure(format!("cleaning {}", profile.display()), &e))?;
    }
    fs::create_dir_all(target)
        .and_then(|()| fs::write(&owner, name.as_bytes()))
        .map_err(|e| io_failure(format!("writing {}", owner.display()), &e))
}

/// The directories of build output, one for each profile and target.
fn profiles(target: &Path) -> Vec<PathBuf> {
    let outer = entries(target);
    let inner: Vec<PathBuf> = outer.iter().flat_map(|dir| entries(dir)).collect();
    outer.into_iter().chain(inner).filter(|dir| dir.join(RECORDS).is_dir()).collect()
}

fn forget_our_builds(profile: &Path) -> std::io::Result<()> {
    // Cargo's own lock: a build of the other clone that is under way ends first.
    let lock = fs::OpenOptions::new().write(true).create(true).truncate(false).open(profile.join(LOCK))?;
    lock.lock()?;
    entries(&profile.join(RECORDS)).iter().filter(|build| is_ours(build)).try_for_each(fs::remove_dir_all)
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn is_ours(build: &Path) -> bool {
    let name = build.file_name().unwrap_or_default().to_string_lossy();
    OURS.iter().any(|ours| name.starts_with(ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clone_finds_the_dependencies_but_not_our_packages() {
        let target = std::env::temp_dir().join(format!("firndb-claim-{}", std::process::id()));
        let dir = |name: &str| target.join(name);
        let builds = ["debug/.fingerprint/firndb-core-1", "wasm32/dev/.fingerprint/firndb-core-1"];
        let dependency = "debug/.fingerprint/arrow-1";
        let build_all =
            || builds.iter().chain([&dependency]).try_for_each(|name| fs::create_dir_all(dir(name)));

        build_all().unwrap();
        claim(&target, Path::new("/one")).unwrap();
        assert!(builds.iter().all(|name| !dir(name).exists()), "nobody's builds were kept");
        build_all().unwrap();
        claim(&target, Path::new("/one")).unwrap();
        assert!(builds.iter().all(|name| dir(name).exists()), "its own builds were not kept");
        claim(&target, Path::new("/two")).unwrap();
        assert!(builds.iter().all(|name| !dir(name).exists()), "another clone's builds were kept");
        assert!(dir(dependency).exists(), "a dependency was not kept");
        fs::remove_dir_all(&target).unwrap();
    }
}
