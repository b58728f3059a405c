//! The house rules that a program can check: sizes, names, forbidden words, and which module of `core` may use which.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use Line::{Apart, Together};

/// A line of [`DIRECTION`].
enum Line {
    /// These may use each other.
    Together(&'static [&'static str]),
    /// These may not.
    Apart(&'static [&'static str]),
}

/// Which module of `core` may use which: those on the lines below its own. A module inside another has its
/// own place where it is named here, else that of the module around it.
const DIRECTION: &[Line] = &[
    Together(&["engine", "session"]), // an engine opens sessions, a session's statements run on its engine
    Apart(&["jobs"]),
    Apart(&["compact"]), // writes files and manifests as a flush does
    Apart(&["flush"]),
    Apart(&["expiry"]), // takes out of the hot tier what a flush leaves alone
    Apart(&["dml"]),
    Apart(&["plan"]),
    Apart(&["sql", "scan", "changes"]),
    Together(&["txn", "tiers", "access"]), // a commit, with its audit entries, goes to the tiers, which hand out numbers
    Apart(&["hot"]), // a scope's memtables go with the cold state that they hide rows of
    Apart(&["cold"]),
    Apart(&["manifest"]),
    Apart(&["copy"]),  // files outside of the store, as the columns of a table
    Apart(&["users"]), // who is known to the store
    Apart(&["catalog"]),
    Together(&["cold::names", "cold::schema"]), // how batch files are called, and what columns they have
    Apart(&["jobs::record"]),                   // jobs as they are kept, which a system table shows
    Together(&["config", "error", "heap", "key", "pace", "stats", "storage", "types", "values"]), // leaves
];

/// Background work, and who may drive it besides itself.
const BACKGROUND: &[&str] = &["jobs", "flush", "expiry", "compact"];
const DRIVERS: &[&str] = &["engine", "session"];

/// Lines of code in a file, its test module not counted: where to think, and where it is too long.
const LONG: usize = 500;
const TOO_LONG: usize = 800;

/// Names that say nothing of what is in a file.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "base", "manager", "service", "misc"];

/// The directories of Rust sources.
const SOURCES: &[&str] = &["core/src", "storage-*/src", "bindings/*/src", "xtask/src", "tests"];

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for source in sources() {
        let lines = source.code().lines().count();
        if lines > TOO_LONG {
            findings.push(format!("{}: {lines} lines of code, at most {TOO_LONG}: split it", source.name));
        } else if lines > LONG {
            println!("{}: {lines} lines of code: think about splitting it", source.name);
        }
    }
    report(findings);
}

#[test]
fn files_are_named_for_what_is_in_them() {
    let names = sources().into_iter().map(|source| source.name);
    report(
        names
            .filter(|name| says_nothing(name))
            .map(|name| format!("{name}: says nothing of its content"))
            .collect(),
    );
}

#[test]
fn no_file_holds_what_does_not_belong_there() {
    let mut findings = Vec::new();
    for source in sources() {
        findings.extend(find_words(&source.name, &source.text));
    }
    for (name, text) in other_files() {
        findings.extend(find_machine_paths(&name, &text));
    }
    report(findings);
}

#[test]
fn core_is_used_in_one_direction() {
    let sources = core_sources();
    let lib =
        sources.iter().find(|source| source.name == "core/src/lib.rs").map_or("", |lib| lib.text.as_str());
    let exports = root_exports(lib);
    let findings = sources.iter().flat_map(|source| check_direction(&source.name, source.code(), &exports));
    report(findings.collect());
}

#[test]
fn the_checks_find_what_they_look_for() {
    assert!(says_nothing("core/src/hot/utils.rs") && says_nothing("core/src/common/mod.rs"));
    assert!(!says_nothing("core/src/hot/block.rs"));

    let bad = ["let x = to", "do!();\n#[al", "low(dead_code)]\nlet p = \"/ro", "ot/x\";\n"].concat();
    assert_eq!(find_words("a.rs", &bad).len(), 3, "{bad}");
    assert_eq!(find_words("a.rs", "#[expect(dead_code, reason = \"…\")]\nlet p = \"/usr/bin/x\";"), [""; 0]);

    let exports =
        root_exports("mod engine;\npub use engine::{Engine, Report as Other};\npub use error::Result;\n");
    let check =
        |name: &str, code: &str| check_direction(&format!("core/src/{name}.rs"), code, &exports).len();
    assert_eq!(check("scan/mod", "use crate::hot::Memtable;\nuse crate::{Result, catalog::Table};"), 0);
    assert_eq!(check("hot/mod", "use crate::scan::Scan;"), 1);
    assert_eq!(
        check("hot/block", "use crate::{\n    error::Error,\n    plan::{self, Plan},\n    scan,\n};"),
        2
    );
    assert_eq!(
        check("manifest/model", "use crate::cold::names;\nuse crate::cold::schema::{self, Column};"),
        0
    );
    assert_eq!(check("manifest/model", "use crate::cold::{names, writer};"), 1);
    assert_eq!(check("cold/schema", "use crate::manifest::Manifest;"), 1);
    assert_eq!(check("catalog/tests", "use crate::sql::parse;"), 0);
    assert_eq!(check("hot/block", "let e: crate::Engine;"), 1);
    assert_eq!(check("hot/block", "let e: crate::Other;"), 1);
    assert_eq!(check("hot/block", "// crate::plan is above\nuse super::memtable::Chunk;"), 0);
    assert_eq!(check("hot/block", "use super::super::plan::Plan;"), 1);
    assert_eq!(check("plan/mod", "use crate::flush::flush;"), 1);
    assert_eq!(check("jobs/mod", "use crate::flush::flush;"), 0);
    assert_eq!(check("attic", "use crate::error::Error;"), 1, "a module that is not in the table");
}

// ---- what is looked at ----

/// A Rust file: its path from the root of the workspace, and what is in it.
struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The text without the module of tests at its end.
    fn code(&self) -> &str {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        &self.text[..end]
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace").to_owned()
}

fn sources() -> Vec<Source> {
    let files = SOURCES.iter().flat_map(|pattern| directories(pattern)).flat_map(|dir| files_under(&dir));
    let rust = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let found: Vec<Source> = rust.map(|file| Source { name: name_of(&file), text: read(&file) }).collect();
    assert!(found.len() > 10, "only {} sources were found", found.len());
    found
}

fn core_sources() -> Vec<Source> {
    sources().into_iter().filter(|source| source.name.starts_with("core/src/")).collect()
}

/// What is committed besides Rust, and may hold a path of somebody's machine too.
fn other_files() -> Vec<(String, String)> {
    let top = fs::read_dir(root()).expect("the root can be read").flatten().map(|entry| entry.path());
    let files = top.filter(|path| path.is_file()).chain(
        [".ci", ".cargo", "core", "bindings", "www", "tests"]
            .iter()
            .flat_map(|dir| files_under(&root().join(dir))),
    );
    let kinds = ["md", "toml", "slt", "json", "cjs", "ts", "txt", "html"];
    let is_text = |path: &PathBuf| match path.extension() {
        Some(extension) => kinds.iter().any(|kind| extension == *kind),
        None => path.ends_with(".ci/run"),
    };
    files.filter(is_text).map(|path| (name_of(&path), read(&path))).collect()
}

/// The directories that a pattern of [`SOURCES`] names; `*` stands for any end of a name.
fn directories(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root()];
    for part in pattern.split('/') {
        let next = found.iter().flat_map(|dir| match part.strip_suffix('*') {
            None => vec![dir.join(part)],
            Some(start) => {
                let entries = fs::read_dir(dir).into_iter().flatten().flatten();
                let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
                named.map(|entry| entry.path()).collect()
            }
        });
        found = next.filter(|dir| dir.is_dir()).collect();
    }
    found
}

fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("target" | "node_modules" | "pkg" | "dist") => {}
            _ if path.is_dir() => files.extend(files_under(&path)),
            _ => files.push(path),
        }
    }
    files.sort();
    files
}

fn name_of(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
        .into_owned()
}

fn report(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

// ---- names and words ----

fn says_nothing(name: &str) -> bool {
    let parts = name.trim_end_matches(".rs").split('/');
    parts.into_iter().any(|part| EMPTY_NAMES.contains(&part))
}

/// Unfinished code, silenced lints without a reason, paths of somebody's machine. The patterns are put
/// together here, since this file is searched too.
fn find_words(name: &str, text: &str) -> Vec<String> {
    let unfinished = [concat!("to", "do!("), concat!("unimple", "mented!(")];
    let silenced = [concat!("#[al", "low("), concat!("#![al", "low(")];
    let mut findings = find_machine_paths(name, text);
    for (number, line) in (1..).zip(text.lines()) {
        if unfinished.iter().any(|word| line.contains(word)) {
            findings.push(format!("{name}:{number}: unfinished: {}", line.trim()));
        }
        if silenced.iter().any(|word| line.contains(word)) {
            findings.push(format!("{name}:{number}: use #[expect(lint, reason = \"…\")]: {}", line.trim()));
        }
    }
    findings
}

fn find_machine_paths(name: &str, text: &str) -> Vec<String> {
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];
    let is_machine_path = |line: &str| {
        homes.iter().any(|home| {
            // Part of a longer path or an address it is something else.
            line.match_indices(home)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c)))
        })
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| is_machine_path(line));
    lines.map(|(number, line)| format!("{name}:{number}: a path of one machine: {}", line.trim())).collect()
}

// ---- direction ----

/// What `lib.rs` re-exports: the name at the root, and the module that it comes from.
fn root_exports(lib: &str) -> BTreeMap<String, String> {
    let code = without_comments(lib);
    let statements = code.split(';').filter_map(|statement| statement.trim().strip_prefix("pub use "));
    let paths = statements.flat_map(|tree| expand(tree.trim_start_matches("crate::")));
    paths
        .filter_map(|path| {
            let (path, alias) =
                path.split_once(" as ").map_or((path.as_str(), None), |(path, alias)| (path, Some(alias)));
            let name = alias.or(path.rsplit("::").next())?;
            Some((name.to_owned(), path.to_owned()))
        })
        .collect()
}

/// The uses in `code`, of the file `name` in `core/src`, that go against [`DIRECTION`].
fn check_direction(name: &str, code: &str, exports: &BTreeMap<String, String>) -> Vec<String> {
    let path = name.trim_start_matches("core/src/").trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" || path.ends_with("/tests") {
        return Vec::new();
    }
    let Some(module) = placed(&path.replace('/', "::")) else {
        return vec![format!("{name}: `{path}` has no place in DIRECTION: give it one")];
    };
    let used = used_paths(&without_comments(code), path.split('/').count());
    let used = used.iter().filter_map(|used| placed(exports.get(used).unwrap_or(used)));
    let mut findings: Vec<String> = used
        .filter(|used| !may_use(&module, used))
        .map(|used| format!("{name}: `{module}` may not use `{used}`"))
        .collect();
    findings.sort();
    findings.dedup();
    findings
}

fn may_use(user: &str, used: &str) -> bool {
    if user == used {
        return true;
    }
    if BACKGROUND.contains(&used) && !BACKGROUND.contains(&user) && !DRIVERS.contains(&user) {
        return false;
    }
    match (line_of(user), line_of(used)) {
        (Some(above), Some(below)) if above == below => matches!(DIRECTION[above], Together(_)),
        (Some(above), Some(below)) => above < below,
        _ => false,
    }
}

fn line_of(module: &str) -> Option<usize> {
    DIRECTION.iter().position(|(Together(names) | Apart(names))| names.contains(&module))
}

/// The longest beginning of the path `module::inner::…` that has a place in [`DIRECTION`].
fn placed(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split("::").collect();
    (1..=parts.len()).rev().map(|length| parts[..length].join("::")).find(|start| line_of(start).is_some())
}

/// The paths that follow `crate::` in the code, or as many `super::` as lead to the root from a module
/// `depth` levels below it.
fn used_paths(code: &str, depth: usize) -> Vec<String> {
    let to_root = "super::".repeat(depth);
    let starts = |prefix: &str| {
        let ends = code.match_indices(prefix).filter(|(at, _)| {
            !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$')
        });
        ends.map(|(at, prefix)| at + prefix.len()).collect::<Vec<_>>()
    };
    let after = starts("crate::").into_iter().chain(starts(&to_root));
    let paths = after.flat_map(|at| expand(code[at..].split(';').next().unwrap_or_default()));
    paths.filter_map(|path| path.split(' ').next().map(str::to_owned)).collect()
}

/// The paths that a use tree stands for: `a::{b, c::D}` is `a::b` and `a::c::D`. Of an expression, the path
/// that it begins with.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let prefix = &tree[..tree.find(|c: char| !in_path(c)).unwrap_or(tree.len())];
    let rest = &tree[prefix.len()..];
    let Some(group) = rest.strip_prefix('{') else {
        let alias =
            rest.strip_prefix(" as ").map(|rest| &rest[..rest.find(|c| !in_path(c)).unwrap_or(rest.len())]);
        return vec![alias.map_or_else(|| prefix.to_owned(), |alias| format!("{prefix} as {alias}"))];
    };
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let members = expand(&group[start..at]).into_iter().filter(|member| !member.is_empty());
                paths.extend(members.map(|member| format!("{prefix}{member}")));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    paths
}

fn without_comments(code: &str) -> String {
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}
