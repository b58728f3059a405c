//! `cargo xtask fuzz [SECONDS]`: makes up texts of SQL, from the statements of the corpus on, until one breaks what must
//! hold of any.

use std::fs;
use std::path::{Path, PathBuf};

use crate::phases::Phases;
use crate::setup;
use crate::shell::{Failure, Result, Tool, io_failure};
use crate::workspace::Workspace;

const TARGET: &str = "dialect";
const TOOL: &str = "cargo-fuzz";
const TOOL_VERSION: &str = "0.13.2";
const SECONDS: u32 = 60;

/// `cargo xtask fuzz [SECONDS]`.
pub fn verb(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let seconds = match arguments {
        [] => SECONDS,
        [seconds] => seconds.parse().map_err(|_| {
            Failure::Usage(format!("for how many seconds? `cargo xtask fuzz 600`, found `{seconds}`"))
        })?,
        _ => return Err(Failure::Usage("`cargo xtask fuzz [SECONDS]` takes one number".into())),
    };
    let mut phases = Phases::new();
    phases.run("set-up", setup::native)?;
    let tool = phases.run("cargo-fuzz", || installed(workspace))?;
    let seeds = workspace.cache("fuzz/seeds")?;
    let corpus = workspace.cache("fuzz/corpus")?;
    phases.run("seeds", || write_seeds(&workspace.root().join("tests/slt"), &seeds))?;
    phases.run("fuzz", || {
        workspace
            .clean_cargo(&tool.to_string_lossy())
            // Without a sanitizer: the engine has no unsafe code, and is built twice as fast.
            .args(["fuzz", "run", "--dev", "--sanitizer", "none", TARGET])
            .args([&corpus, &seeds])
            .args(["--", "-timeout=10", "-max_len=8192", "-rss_limit_mb=4096", "-print_final_stats=1"])
            .arg(format!("-max_total_time={seconds}"))
            .env("CARGO_TARGET_DIR", fuzz_target(workspace))
            .env("RUSTUP_TOOLCHAIN", "nightly")
            .hint(format!(
                "a nightly toolchain is needed, and a quarter of an hour or two to build with it; a text that broke something is \
                 in fuzz/artifacts/{TARGET}: once mended, it belongs to fuzz/found/{TARGET}"
            ))
            .run()
    })
}

/// Build output of the fuzzer: other flags than everything else's.
fn fuzz_target(workspace: &Workspace) -> PathBuf {
    let mut name = workspace.target().file_name().unwrap_or_default().to_owned();
    name.push("-fuzz");
    workspace.target().with_file_name(name)
}

/// The program of cargo-fuzz.
fn installed(workspace: &Workspace) -> Result<PathBuf> {
    let root = workspace.cache("tools")?.join(format!("{TOOL}-{TOOL_VERSION}"));
    let program = root.join("bin").join(format!("{TOOL}{}", std::env::consts::EXE_SUFFIX));
    if !Tool::new(&program).arg("--version").succeeds() {
        workspace
            .clean_cargo("cargo")
            .args([
                "install",
                "--quiet",
                "--force",
                "--locked",
                TOOL,
                "--version",
                &format!("={TOOL_VERSION}"),
                "--root",
            ])
            .arg(&root)
            .env("CARGO_TARGET_DIR", workspace.cache("target-tools")?)
            .hint("is crates.io within reach?")
            .run()?;
    }
    Ok(program)
}

/// A file for each statement of the corpus in `slt`.
fn write_seeds(slt: &Path, seeds: &Path) -> Result<()> {
    let reading = |path: &Path| format!("reading {}", path.display());
    let mut number = 0;
    for entry in fs::read_dir(slt).map_err(|e| io_failure(reading(slt), &e))? {
        let path = entry.map_err(|e| io_failure(reading(slt), &e))?.path();
        if path.extension().is_none_or(|extension| extension != "slt") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|e| io_failure(reading(&path), &e))?;
        for statement in statements(&text) {
            let seed = seeds.join(format!("seed-{number:05}.sql"));
            fs::write(&seed, statement).map_err(|e| io_failure(format!("writing {}", seed.display()), &e))?;
            number += 1;
        }
    }
    Ok(())
}

/// The statements of one file of the corpus: what follows a line that says what to do with it, up to an empty line or
/// the answer.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().chain([""]) {
        match &mut open {
            None if line.starts_with("statement ") || line.starts_with("query ") => {
                open = Some(String::new())
            }
            None => {}
            Some(_) if line.is_empty() || line == "----" => found.extend(open.take()),
            Some(statement) => {
                if !statement.is_empty() {
                    statement.push('\n');
                }
                statement.push_str(line);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_what_stands_between_the_records_words() {
        let text = "# a comment\n\nstatement ok\nCREATE TABLE t\n  (a INT)\n\nquery I\nSELECT 1\n----\n1\n\nstatement error x\nDROP";
        assert_eq!(statements(text), ["CREATE TABLE t\n  (a INT)", "SELECT 1", "DROP"]);
    }
}
