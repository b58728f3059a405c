//! The licences of what the engine's WebAssembly is made of, as one file of the npm package.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::npm;
use crate::shell::{Failure, Result, io_failure};
use crate::wasm::TARGET;
use crate::workspace::Workspace;

/// The file, in the package's directory.
const FILE: &str = "THIRD-PARTY-WASM.md";

/// How the names of files begin that hold a licence, or what one asks to be repeated.
const TEXTS: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];

/// A crate that is compiled into the module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    licence: String,
}

/// Writes the file into `package`: every crate with its licence, and each text once.
pub fn collect(workspace: &Workspace, package: &Path) -> Result<()> {
    let tree = workspace
        .clean_cargo("cargo")
        .args(["tree", "--locked", "--package", npm::PACKAGE, "--target", TARGET])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}|{l}"])
        .run_unseen()?;
    let crates = crates_of(&tree)?;
    let sources = registry_sources()?;
    let mut texts: BTreeMap<String, Vec<&Crate>> = BTreeMap::new();
    for each in &crates {
        for text in texts_of(&sources, each)? {
            let holders = texts.entry(text).or_default();
            if holders.last() != Some(&each) {
                holders.push(each);
            }
        }
    }
    let file = package.join(FILE);
    std::fs::write(&file, written(&crates, &texts))
        .map_err(|e| io_failure(format!("writing {}", file.display()), &e))?;
    eprintln!("    {} crates, {} texts in {}", crates.len(), texts.len(), file.display());
    Ok(())
}

/// What `cargo tree` printed, each crate once, without those of this workspace.
fn crates_of(tree: &str) -> Result<Vec<Crate>> {
    let mut crates = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let unknown =
            || Failure::Failed(format!("`cargo tree` printed '{line}', expected a crate and its licence"));
        let (package, licence) = line.split_once('|').ok_or_else(unknown)?;
        let mut words = package.split(' ');
        let name = words.next().ok_or_else(unknown)?;
        let version = words.next().and_then(|word| word.strip_prefix('v')).ok_or_else(unknown)?;
        // A path behind the version is that of our own packages.
        if words.next().is_some_and(|word| word.starts_with("(/") || word.contains(":\\")) {
            continue;
        }
        let licence = licence.trim_end_matches(" (*)");
        if licence.is_empty() {
            return Err(Failure::Failed(format!("{name} {version} does not say what its licence is")));
        }
        crates.push(Crate { name: name.into(), version: version.into(), licence: licence.into() });
    }
    crates.sort();
    crates.dedup();
    Ok(crates)
}

/// Where cargo unpacks what it downloads.
fn registry_sources() -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    let home = home.ok_or_else(|| Failure::Missing("neither CARGO_HOME nor HOME is set: set one".into()))?;
    let dir = home.join("registry").join("src");
    let entries = dir.read_dir().map_err(|e| io_failure(format!("looking into {}", dir.display()), &e))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// The texts that the registry's copy of `each` has; none where its author has left them out.
fn texts_of(sources: &[PathBuf], each: &Crate) -> Result<Vec<String>> {
    let name = format!("{}-{}", each.name, each.version);
    let dir = sources.iter().map(|source| source.join(&name)).find(|dir| dir.is_dir());
    let dir = dir.ok_or_else(|| Failure::Failed(format!("cargo has not unpacked {name}")))?;
    let entries = dir.read_dir().map_err(|e| io_failure(format!("looking into {}", dir.display()), &e))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        path.is_file() && TEXTS.iter().any(|start| name.starts_with(start))
    });
    files.sort();
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
            .map_err(|e| io_failure(format!("reading {}", path.display()), &e))
    };
    files.iter().map(read).collect()
}

fn written(crates: &[Crate], texts: &BTreeMap<String, Vec<&Crate>>) -> String {
    let mut out = String::from(
        "# What the engine's WebAssembly is made of\n\n`dist/engine_bg.wasm` has code of these Rust crates, which \
         https://crates.io has, each under the licence named. Their texts follow, as far as the crates have them.\n\n",
    );
    for Crate { name, version, licence } in crates {
        let _ = writeln!(out, "- {name} {version}: {licence}");
    }
    for (text, holders) in texts {
        let names: Vec<String> =
            holders.iter().map(|each| format!("{} {}", each.name, each.version)).collect();
        let _ = write!(out, "\n## {}\n\n~~~text\n{text}\n~~~\n", names.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Crate {
        Crate { name: name.into(), version: "1.0.0".into(), licence: "MIT".into() }
    }

    #[test]
    fn each_crate_of_others_is_listed_once() {
        let tree = "ours v0.1.0 (/a/b)|Apache-2.0\nb v1.0.0|MIT\na v1.0.0|MIT\n\nb v1.0.0|MIT (*)\n";
        assert_eq!(crates_of(tree).unwrap(), [of("a"), of("b")]);
        assert!(crates_of("a v1.0.0|\n").is_err() && crates_of("a|MIT").is_err());
    }

    #[test]
    fn a_text_is_written_once_with_all_that_have_it() {
        let (a, b) = (of("a"), of("b"));
        let texts = BTreeMap::from([("the text".to_owned(), vec![&a, &b])]);
        let out = written(&[a.clone(), b.clone()], &texts);
        assert!(out.contains("- a 1.0.0: MIT\n- b 1.0.0: MIT\n"));
        assert!(out.ends_with("## a 1.0.0, b 1.0.0\n\n~~~text\nthe text\n~~~\n"), "{out}");
    }
}
