//! Drawings, compared character by character.

use firndb_core::SeqId;

use super::*;

fn table(sql_type: &str, key: &str) -> TableInspection {
    TableInspection {
        table: "app.t".into(),
        kind: "SHARED".into(),
        ttl_seconds: None,
        columns: vec![format!("{key} {sql_type}"), "v TEXT".into()],
        primary_key: vec![key.into()],
        dir: "app/t-00000001".into(),
        scopes: Vec::new(),
    }
}

fn scope(hot_rows: u64, batches: Vec<BatchInspection>) -> ScopeInspection {
    ScopeInspection {
        scope: "shared".into(),
        user: None,
        hot_rows,
        hot_bytes: hot_rows * 80,
        manifest: (!batches.is_empty()).then_some(42),
        flushed_through: SeqId::from_i64(7_264_502_391_808_000_000),
        batches,
    }
}

/// A file of keys `from..=to`, as many rows, 40 bytes each.
fn file(number: u64, from: u64, to: u64, dead: u64) -> BatchInspection {
    let rows = to - from + 1;
    BatchInspection {
        file: format!("batch-{number}.parquet"),
        rows,
        dead,
        bytes: rows * 40,
        row_groups: 1,
        min_seq: SeqId::from_i64(1000 * number.cast_signed()),
        max_seq: SeqId::from_i64(1000 * number.cast_signed() + 999),
        columns: vec![
            ("id".into(), format!("\"{from}\""), format!("\"{to}\""), 0),
            ("v".into(), "\"apple\"".into(), format!("\"zebra {number}\""), 1),
        ],
    }
}

fn drawn(scope: &ScopeInspection, width: Option<usize>) -> String {
    draw(&table("BIGINT", "id"), scope, width).join("\n")
}

#[track_caller]
fn compare(found: &str, expected: &str) {
    assert!(found.trim_start() == expected.trim_end(), "found:\n{found}\n\nexpected:\n{expected}");
}

/// Ten files: six side by side, two later ones over a part of those, one over all, one of changed rows.
fn ten() -> ScopeInspection {
    let mut files: Vec<_> = (0..6).map(|n| file(n + 1, n * 1000 + 1, n * 1000 + 1000, n * 100)).collect();
    files.extend([
        file(9, 1500, 3499, 0),
        file(12, 5500, 7999, 0),
        file(15, 1, 8000, 40),
        file(17, 4000, 4100, 0),
    ]);
    scope(1500, files)
}

/// Ten thousand files: most of a load, side by side; small ones of later flushes, in one half of the keys.
fn ten_thousand() -> ScopeInspection {
    let mut files: Vec<_> = (0..9000).map(|n| file(n + 1, n * 1000 + 1, n * 1000 + 1000, 10)).collect();
    files.extend((0..1000).map(|n| file(n + 20_000, 4_500_000 + n * 2000, 4_500_000 + n * 2000 + 50_000, 0)));
    scope(120, files)
}

#[test]
fn a_scope_without_files() {
    compare(&drawn(&scope(3, Vec::new()), Some(80)), include_str!("tests/none.txt"));
}

#[test]
fn a_scope_of_one_file() {
    compare(&drawn(&scope(0, vec![file(1, 1, 3, 1)]), Some(80)), include_str!("tests/one.txt"));
}

#[test]
fn a_scope_of_ten_files() {
    compare(&drawn(&ten(), Some(100)), include_str!("tests/ten.txt"));
}

#[test]
fn a_scope_of_ten_files_in_a_narrow_terminal() {
    compare(&drawn(&ten(), Some(40)), include_str!("tests/ten_narrow.txt"));
}

#[test]
fn a_scope_of_ten_thousand_files() {
    compare(&drawn(&ten_thousand(), None), include_str!("tests/ten_thousand.txt"));
}

#[test]
fn a_scope_of_ten_thousand_files_in_a_narrow_terminal() {
    compare(&drawn(&ten_thousand(), Some(50)), include_str!("tests/ten_thousand_narrow.txt"));
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    for width in [24, 31, 60, 79, 100, 200] {
        for scope in [&ten(), &ten_thousand()] {
            let text = drawn(scope, Some(width));
            let widest = text.lines().map(console::measure_text_width).max().unwrap_or(0);
            assert!(widest <= width, "{widest} of {width}:\n{text}");
        }
    }
}

#[test]
fn keys_that_are_text_lie_in_their_order() {
    let mut file = file(1, 1, 2, 0);
    file.columns = vec![("name".into(), "\"ann\"".into(), "\"bob\"".into(), 0)];
    let mut other = file.clone();
    other.file = "batch-2.parquet".into();
    other.columns = vec![("name".into(), "\"carol\"".into(), "\"dave\"".into(), 0)];
    let lines = draw(&table("TEXT", "name"), &scope(0, vec![file, other]), Some(33));
    let from = lines.iter().position(|l| l.contains("ranges of the key")).unwrap_or(0);
    let expected = [
        "  ranges of the key name, from a…",
        "    batch-1  ███████·············",
        "    batch-2  ·············███████",
        "    overlap  ▁▁▁▁▁▁▁······▁▁▁▁▁▁▁",
    ];
    assert_eq!(lines[from..from + 4], expected);
}
