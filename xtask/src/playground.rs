//! The playground: one page around the npm package, in `www`.

use std::path::PathBuf;

use crate::npm;
use crate::phases::Phases;
use crate::shell::{Failure, Result, Tool};
use crate::wasm::browser;
use crate::workspace::Workspace;

/// Where the pictures go that the tests take, below the page's directory.
const PICTURES: &str = "test-results";

fn page(workspace: &Workspace) -> PathBuf {
    workspace.root().join("www")
}

/// Builds the page around the package that is built.
pub fn build(workspace: &Workspace, phases: &mut Phases) -> Result<()> {
    let page = page(workspace);
    phases.run("playground: install", || npm::install(&page))?;
    phases.run("playground: build", || npm::script(&page, "build").run())
}

/// Builds the page and tests it: its parts, then all of it in Chromium.
pub fn check(workspace: &Workspace, phases: &mut Phases) -> Result<()> {
    build(workspace, phases)?;
    phases.run("playground: unit tests", || npm::script(&page(workspace), "unit").run())?;
    phases.run("playground: tests in Chromium", || test_in_chromium(workspace))
}

fn test_in_chromium(workspace: &Workspace) -> Result<()> {
    let chromium =
        browser::chromium().ok_or_else(|| Failure::Missing("Chromium is no longer where it was".into()))?;
    let page = page(workspace);
    let pictures = page.join(PICTURES);
    eprintln!("    pictures: {}", pictures.display());
    npm::script(&page, "test")
        .env("CHROMIUM", chromium)
        .env("SCREENSHOTS", pictures)
        .hint("in www, `node --test test/NAME.test.js` runs one file of the page that is built")
        .run()
}

/// Serves the page that is built, until it is interrupted; the address is printed.
pub fn serve(workspace: &Workspace) -> Result<()> {
    Tool::new("npm").args(["run", "--silent", "preview"]).dir(&page(workspace)).run()
}
