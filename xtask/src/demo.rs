//! `cargo xtask demo`: the main job on real data, from nothing.

use std::path::{Path, PathBuf};

use crate::phases::Phases;
use crate::setup;
use crate::shell::{Failure, Result, Tool, io_failure};
use crate::workspace::Workspace;

/// The npm package that carries the data, and the file in it.
const PACKAGE: &str = "vega-datasets";
const VERSION: &str = "3.2.1";
const FILE: &str = "package/data/flights-3m.parquet";
const SHA256: &str = "dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0";

/// `cargo xtask demo`: further arguments go to `firndb demo`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut phases = Phases::new();
    phases.run("set-up", || {
        setup::native()?;
        setup::node()
    })?;
    let flights = phases.run("flights", || fetch(workspace))?;
    let firndb = phases.run("build", || workspace.build_program("firndb", "debug", &[]))?;
    phases.run("demo", || Tool::new(firndb).args(["demo", "--flights"]).arg(&flights).args(arguments).run())
}

/// The path of the flights, fetched once and checked at every use.
pub fn fetch(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.cache("data")?.join(format!("{PACKAGE}-{VERSION}"));
    let file = dir.join(FILE);
    if file.is_file() && sha256(&file)? == SHA256 {
        eprintln!("    {}", file.display());
        return Ok(file);
    }
    std::fs::create_dir_all(&dir).map_err(|e| io_failure(format!("creating {}", dir.display()), &e))?;
    let package = format!("{PACKAGE}@{VERSION}");
    eprintln!("    npm pack {package}");
    Tool::new("npm")
        .args(["pack", "--silent", &package])
        .dir(&dir)
        .hint("is the npm registry within reach?")
        .run_unseen()?;
    let archive = dir.join(format!("{PACKAGE}-{VERSION}.tgz"));
    Tool::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&dir).arg(FILE).run_unseen()?;
    std::fs::remove_file(&archive).map_err(|e| io_failure(format!("removing {}", archive.display()), &e))?;
    let found = sha256(&file)?;
    if found != SHA256 {
        return Err(Failure::Failed(format!(
            "{}: expected SHA-256 {SHA256}, found {found}: it is not the file this demo was written for",
            file.display()
        )));
    }
    Ok(file)
}

/// The SHA-256 of a file, in hexadecimal. Node.js computes it, which npm has brought along.
fn sha256(file: &Path) -> Result<String> {
    let script = "const fs = require('fs'), crypto = require('crypto'); \
                  console.log(crypto.createHash('sha256').update(fs.readFileSync(process.argv[1])).digest('hex'))";
    Tool::new("node").args(["-e", script]).arg(file).run_unseen().map(|hex| hex.trim().to_owned())
}
