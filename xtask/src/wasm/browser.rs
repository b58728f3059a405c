//! The storage of browsers, tested in a real one: headless Chromium, driven by its WebDriver.

use std::path::PathBuf;

use super::{PROFILE, TARGET, bindgen, toolchain::Toolchain};
use crate::setup::Missing;
use crate::shell::{Failure, Result, which};
use crate::workspace::Workspace;

/// The package whose tests run in the browser. How that is started, its `webdriver.json` says.
pub const PACKAGE: &str = "firndb-storage-browser";

/// The tests take seconds; a machine that does other things too can take minutes.
const TIMEOUT_SECONDS: &str = "600";

/// What the tests lack on this machine.
pub fn missing() -> Vec<Missing> {
    let mut missing = Vec::new();
    if chromium().is_none() {
        missing.push(Missing { what: "Chromium, to test in", debian: &["chromium"] });
    }
    if driver().is_none() {
        missing.push(Missing { what: "chromedriver, which starts Chromium", debian: &["chromium-driver"] });
    }
    missing
}

/// The browser, where it is installed.
pub fn chromium() -> Option<PathBuf> {
    which(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
}

fn driver() -> Option<PathBuf> {
    which(&["chromedriver"])
}

/// Runs the tests, which are built if they are not.
pub fn test(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    let runner = bindgen::installed(workspace, bindgen::TEST_RUNNER)?;
    let driver = driver().ok_or_else(|| Failure::Missing("chromedriver is no longer where it was".into()))?;
    toolchain
        .cargo(workspace)?
        .args(["test", "--lib", "--target", TARGET, "--profile", PROFILE, "--package", PACKAGE])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CHROMEDRIVER", driver)
        .env("WASM_BINDGEN_TEST_TIMEOUT", TIMEOUT_SECONDS)
        .hint("what a failed test printed is above; the tests are in storage-browser/src/tests")
        .run()
}
