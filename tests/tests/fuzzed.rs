//! What the fuzzer checks of texts that it makes up, of those that once broke it, and of the corpus.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::Path;

#[path = "../../fuzz/src/dialect.rs"]
mod dialect;

fn texts_in(dir: &str, extension: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn texts_that_once_broke_something() {
    let found = texts_in("../fuzz/found/dialect", "sql");
    assert!(!found.is_empty());
    found.iter().for_each(|text| dialect::check(text));
}

#[test]
fn statements_of_the_corpus_cut_and_doubled_anywhere() {
    let corpus = texts_in("slt", "slt");
    let statements: Vec<&str> = corpus.iter().flat_map(|text| text.split("\n\n")).collect();
    assert!(statements.len() > 1000);
    for (at, record) in statements.iter().enumerate() {
        let Some((_, statement)) = record.split_once('\n') else { continue };
        dialect::check(statement);
        // Somewhere else in each.
        let cuts: Vec<usize> = statement.char_indices().map(|(at, _)| at).collect();
        let cut = cuts.get(at * 31 % cuts.len().max(1)).copied().unwrap_or_default();
        let (start, end) = statement.split_at(cut);
        dialect::check(start);
        dialect::check(end);
        dialect::check(&format!("{start}{statement}{end}"));
    }
}
