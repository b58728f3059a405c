//! What may come next: keywords, tables, columns, functions, and the shell's own commands.

use std::fs;
use std::path::Path;

use firndb_core::catalog::quoted;

use crate::lexemes::{Kind, Lexeme, Lexemes};
use crate::shell::command::{ARGUMENTS, Argument, MODES};
use crate::shell::keywords::{FIRST, OTHER, is_keyword};
use crate::shell::names::{Names, Table, functions};

/// Words behind which a table is named.
const BEFORE_TABLES: &[&str] = &["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "MANIFEST"];

/// What can be put in place of a part of the line that ends at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which that part starts.
    pub start: usize,
    /// What can be put there, sorted, each once.
    pub candidates: Vec<String>,
}

/// What can be put before the cursor, which is at byte `at` of `line`.
pub fn complete(line: &str, at: usize, names: &Names) -> Completion {
    let before = line.get(..at).unwrap_or(line);
    let trimmed = before.trim_start();
    let mut completion = if crate::script::is_command(trimmed) {
        of_command(before, before.len() - trimmed.len(), names)
    } else {
        of_statement(line, before, names)
    };
    completion.candidates.sort();
    completion.candidates.dedup();
    completion
}

fn of_statement(line: &str, before: &str, names: &Names) -> Completion {
    let nothing = Completion { start: before.len(), candidates: Vec::new() };
    let mut read: Vec<Lexeme<'_>> = Lexemes::of(before).collect();
    if let [rest @ .., path] = read.as_slice()
        && path.open
        && path.text.starts_with('\'')
        && names_file(rest)
    {
        return quoted_file(path.text.get(1..).unwrap_or_default(), path.at + 1);
    }
    let inside = read.last().is_some_and(|l| l.open && l.kind != Kind::Quoted);
    if inside || read.last().is_some_and(|l| matches!(l.kind, Kind::Number | Kind::Comment)) {
        return nothing;
    }
    let typed = read.pop_if(|l| l.kind == Kind::Word || (l.kind == Kind::Quoted && l.open));
    let start = typed.map_or(before.len(), |l| l.at);
    let prefix = typed.map_or("", |l| l.text);
    read.retain(|l| !l.is_blank());
    let from = read.iter().rposition(|l| l.text == ";").map_or(0, |at| at + 1);
    let read = read.get(from..).unwrap_or_default();
    let used = tables_of(line, before.len(), names);
    let found = match read {
        [.., qualifier, dot] if dot.text == "." => qualified(qualifier, read, &used, names),
        [] => keywords(prefix, FIRST),
        [.., last] if names_tables(read, last) => tables(names),
        _ => anything(prefix, &used, names),
    };
    let candidates = found.into_iter().filter(|name| starts_with(name, prefix)).collect();
    Completion { start, candidates }
}

/// Whether `name` goes on from what is typed, whatever its case.
fn starts_with(name: &str, typed: &str) -> bool {
    name.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

/// Whether a table is named next: behind FROM and its like, and behind a comma in their list.
fn names_tables(read: &[Lexeme<'_>], last: &Lexeme<'_>) -> bool {
    if BEFORE_TABLES.iter().any(|word| last.is_word(word)) {
        return true;
    }
    // Of the keywords before it the nearest one decides: `FROM a, …` but not `SELECT a, …`.
    let clause =
        || read.iter().rev().find(|l| l.kind == Kind::Word && is_keyword(l.text) && !l.is_word("AS"));
    last.text == "," && clause().is_some_and(|l| l.is_word("FROM") || l.is_word("JOIN"))
}

/// Behind `qualifier.`: the columns of a table or its alias, or the tables of a namespace.
fn qualified(qualifier: &Lexeme<'_>, read: &[Lexeme<'_>], used: &[Used<'_>], names: &Names) -> Vec<String> {
    let Some(name) = qualifier.name() else { return Vec::new() };
    let columns = |table: &Table| table.columns.iter().map(|c| quoted(c)).collect();
    if let [.., namespace, dot, _, _] = read
        && dot.text == "."
    {
        let namespace = namespace.name();
        return names.table(namespace.as_deref(), &name).map(columns).unwrap_or_default();
    }
    if let Some(used) = used.iter().find(|used| used.alias == name) {
        return columns(used.table);
    }
    if names.namespaces.contains(&name) {
        return names.tables.iter().filter(|t| t.namespace == name).map(|t| quoted(&t.name)).collect();
    }
    names.table(None, &name).map(columns).unwrap_or_default()
}

fn tables(names: &Names) -> Vec<String> {
    let namespaces = names.namespaces.iter().map(|n| format!("{}.", quoted(n)));
    names.tables.iter().map(Table::sql).chain(namespaces).collect()
}

/// Columns first of all; without a letter of it typed, nothing else.
fn anything(prefix: &str, used: &[Used<'_>], names: &Names) -> Vec<String> {
    let mut found: Vec<String> = used
        .iter()
        .flat_map(|used| used.table.columns.iter().map(|c| quoted(c)).chain([quoted(&used.alias)]))
        .collect();
    if prefix.is_empty() {
        return found;
    }
    if used.is_empty() {
        found.extend(names.tables.iter().flat_map(|t| t.columns.iter().map(|c| quoted(c))));
        found.extend(names.tables.iter().map(Table::sql));
    }
    found.extend(functions().iter().map(|name| format!("{name}(")));
    found.extend(keywords(prefix, OTHER));
    found.extend(keywords(prefix, FIRST));
    found
}

/// The words, in the case in which the first letter is typed.
fn keywords(prefix: &str, words: &[&str]) -> Vec<String> {
    let lower = prefix.starts_with(|c: char| c.is_lowercase());
    words.iter().map(|word| if lower { word.to_lowercase() } else { (*word).to_owned() }).collect()
}

/// A table that the statement names, and what it calls it.
struct Used<'a> {
    table: &'a Table,
    alias: String,
}

/// The tables of the statement around the cursor, before it and behind it.
fn tables_of<'a>(line: &str, cursor: usize, names: &'a Names) -> Vec<Used<'a>> {
    let all: Vec<Lexeme<'_>> = Lexemes::of(line).filter(|l| !l.is_blank()).collect();
    let statement = all
        .split(|l| l.text == ";")
        .find(|statement| statement.last().is_some_and(|l| l.end() >= cursor))
        .or_else(|| all.rsplit(|l| l.text == ";").next())
        .unwrap_or_default();
    let mut used = Vec::new();
    for (at, lexeme) in statement.iter().enumerate() {
        let listed = at
            .checked_sub(1)
            .and_then(|before| statement.get(before))
            .is_some_and(|before| names_tables(statement.get(..at).unwrap_or_default(), before));
        let Some(first) = lexeme.name().filter(|_| listed) else { continue };
        let rest = statement.get(at + 1..).unwrap_or_default();
        let (table, rest) = match rest {
            [dot, second, rest @ ..] if dot.text == "." => {
                (second.name().and_then(|second| names.table(Some(&first), &second)), rest)
            }
            _ => (names.table(None, &first), rest),
        };
        let Some(table) = table else { continue };
        let named = match rest {
            [r#as, alias, ..] if r#as.is_word("AS") => Some(alias),
            [alias, ..] if !is_keyword(alias.text) => Some(alias),
            _ => None,
        };
        // What is being typed is no name yet.
        let named = named.filter(|alias| alias.end() != cursor);
        let alias = named.and_then(Lexeme::name).unwrap_or_else(|| table.name.clone());
        used.push(Used { table, alias });
    }
    used
}

fn of_command(before: &str, from: usize, names: &Names) -> Completion {
    let typed = before.get(from..).unwrap_or_default();
    let start = typed.rfind(char::is_whitespace).map_or(from, |at| from + at + 1);
    let word = before.get(start..).unwrap_or_default();
    let place = typed.split_whitespace().count() - usize::from(!word.is_empty());
    if place == 0 {
        let commands = ARGUMENTS.iter().map(|(name, _)| (*name).to_owned());
        return Completion { start, candidates: commands.filter(|name| name.starts_with(word)).collect() };
    }
    let command = typed.split_whitespace().next().unwrap_or_default();
    let arguments = ARGUMENTS.iter().find(|(name, _)| *name == command).map(|(_, arguments)| *arguments);
    let words = |all: &[&str]| -> Vec<String> { all.iter().map(|word| (*word).to_owned()).collect() };
    let found = match arguments.and_then(|arguments| arguments.get(place - 1)) {
        Some(Argument::Table) => names.tables.iter().map(Table::sql).collect(),
        Some(Argument::File) => return file(word, start),
        Some(Argument::Switch) => words(&["on", "off"]),
        Some(Argument::Mode) => MODES.iter().map(|(name, _)| (*name).to_owned()).collect(),
        None => Vec::new(),
    };
    Completion { start, candidates: found.into_iter().filter(|name| starts_with(name, word)).collect() }
}

/// Whether a path is named next: in COPY behind FROM, TO and REJECTED.
fn names_file(read: &[Lexeme<'_>]) -> bool {
    let from = read.iter().rposition(|l| l.text == ";").map_or(0, |at| at + 1);
    let mut read = read.iter().skip(from).filter(|l| !l.is_blank());
    let is_copy = read.next().is_some_and(|first| first.is_word("COPY"));
    is_copy && read.next_back().is_some_and(|last| ["FROM", "TO", "REJECTED"].iter().any(|w| last.is_word(w)))
}

/// As [`file`], within quotes: behind a file they end.
fn quoted_file(path: &str, start: usize) -> Completion {
    let mut completion = file(path, start);
    for candidate in &mut completion.candidates {
        *candidate = candidate.replace('\'', "''");
        if !candidate.ends_with('/') {
            candidate.push('\'');
        }
    }
    completion
}

/// Files and directories whose path starts with `word`.
fn file(word: &str, start: usize) -> Completion {
    let (dir, name) = word.rsplit_once('/').map_or(("", word), |(dir, name)| (dir, name));
    let listed = match (dir, word.starts_with('/')) {
        ("", true) => Path::new("/"),
        ("", false) => Path::new("."),
        (dir, _) => Path::new(dir),
    };
    let entries = fs::read_dir(listed).into_iter().flatten().flatten();
    let head = word.strip_suffix(name).unwrap_or_default();
    let candidates = entries.filter_map(|entry| {
        let found = entry.file_name().into_string().ok()?;
        let hidden = found.starts_with('.') && !name.starts_with('.');
        if hidden || !found.starts_with(name) || found.contains(char::is_whitespace) {
            return None;
        }
        let slash = if entry.path().is_dir() { "/" } else { "" };
        Some(format!("{head}{found}{slash}"))
    });
    Completion { start, candidates: candidates.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |namespace: &str, name: &str, columns: &[&str]| Table {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        Names {
            namespaces: vec!["app".into(), "main".into()],
            tables: vec![
                table("app", "messages", &["id", "thread_id", "Body"]),
                table("main", "settings", &["key", "value"]),
            ],
        }
    }

    /// The candidates where `|` is.
    fn at(text: &str) -> Vec<String> {
        let cursor = text.find('|').expect("a cursor");
        complete(&text.replace('|', ""), cursor, &names()).candidates
    }

    #[test]
    fn keywords_come_in_the_case_that_is_typed() {
        assert_eq!(at("SEL|"), ["SELECT"]);
        assert_eq!(at("sel|"), ["select"]);
        assert_eq!(at("SELECT 1; del|"), ["delete"]);
        assert_eq!(at("SELECT * FROM settings WHE|"), ["WHEN", "WHERE"]);
        assert!(at("|").contains(&"SELECT".to_owned()));
    }

    #[test]
    fn tables_come_where_tables_are_named() {
        assert_eq!(at("SELECT * FROM |"), ["app.", "app.messages", "main.", "settings"]);
        assert_eq!(at("SELECT * FROM se|"), ["settings"]);
        assert_eq!(at("SELECT * FROM app.|"), ["messages"]);
        assert_eq!(at("INSERT INTO app.me|"), ["messages"]);
        assert_eq!(at("SELECT * FROM settings s, ap|"), ["app.", "app.messages"]);
        assert_eq!(at("STORAGE FLUSH TABLE s|"), ["settings"]);
    }

    #[test]
    fn columns_are_those_of_the_tables_of_the_statement() {
        assert_eq!(at("SELECT | FROM settings"), ["key", "settings", "value"]);
        assert_eq!(at("SELECT thr| FROM app.messages"), ["thread_id"]);
        assert_eq!(at("SELECT m.| FROM app.messages AS m"), ["\"Body\"", "id", "thread_id"]);
        assert_eq!(at("SELECT settings.k| FROM settings"), ["key"]);
        assert_eq!(at("SELECT app.messages.t|"), ["thread_id"]);
        assert_eq!(at("SELECT key, v| FROM settings").first().map(String::as_str), Some("value"));
        assert_eq!(at("SELECT zz.|"), [""; 0]);
        assert!(at("UPDATE settings SET va|").contains(&"value".to_owned()));
    }

    #[test]
    fn functions_come_with_a_parenthesis() {
        assert_eq!(at("SELECT coun|"), ["count("]);
        assert_eq!(at("SELECT lengt|"), ["length("]);
        assert_eq!(at("SELECT uuid_v|"), ["uuid_v7("]);
        assert!(at("SELECT date_tr|").contains(&"date_trunc(".to_owned()));
    }

    #[test]
    fn nothing_comes_inside_strings_numbers_and_comments() {
        for text in ["SELECT 'sel|", "SELECT -- sel|", "SELECT /* sel|", "SELECT 12|"] {
            assert_eq!(at(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn paths_come_within_the_quotes_of_copy() {
        assert_eq!(at("COPY t FROM 'Cargo.to|"), ["Cargo.toml'"]);
        assert_eq!(at("copy (SELECT 1) to 'src/shel|"), ["src/shell/"]);
        assert_eq!(at("COPY t FROM 'a.csv' (ON_ERROR skip, REJECTED 'src/args|"), ["src/args.rs'"]);
        assert_eq!(complete("COPY t FROM 'Car", 16, &names()).start, 13);
        for text in ["SELECT 'Cargo.to|", "COPY t FROM 'a.csv' (NULL 'Cargo.to|", "COPY t; SELECT 'Cargo|"] {
            assert_eq!(at(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_tables_of_the_engine_come_too() {
        let names = Names::of(&firndb_core::catalog::Catalog::default());
        let at = |text: &str| complete(text, text.len(), &names).candidates;
        assert!(at("SELECT * FROM system.").contains(&"tables".to_owned()));
        assert_eq!(at("SELECT * FROM information_schema.sch"), ["schemata"]);
        assert_eq!(at("SELECT 1 FROM system.batches b WHERE b.row_g"), ["row_groups"]);
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(at(".t|"), [".tables", ".timer"]);
        assert_eq!(at(".timer |"), ["off", "on"]);
        assert_eq!(at(".mode js|"), ["json", "jsonl"]);
        assert_eq!(at(".schema app|"), ["app.messages"]);
        assert_eq!(at("\\d se|"), ["settings"]);
        assert_eq!(at(".quit |"), [""; 0]);
        assert_eq!(complete(".timer o", 8, &names()).start, 7);
        assert_eq!(at(".read Cargo.to|"), ["Cargo.toml"]);
        assert_eq!(at(".import src/args|"), ["src/args.rs"]);
    }
}
