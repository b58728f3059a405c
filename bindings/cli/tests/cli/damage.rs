//! Stores with damaged files: the error names the file, other tables work, `check` finds it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Place, firndb};

/// A store with two flushed tables, of which one is about to be damaged.
fn two_tables() -> (Place, PathBuf) {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app");
    for table in ["good", "bad"] {
        place.sql(&format!("CREATE SHARED TABLE app.{table} (id BIGINT PRIMARY KEY, body TEXT)"));
        let rows: Vec<_> = (0..500).map(|n| format!("({n}, 'row number {n}')")).collect();
        place.sql(&format!(
            "INSERT INTO app.{table} VALUES {}; STORAGE FLUSH TABLE app.{table}",
            rows.join(", ")
        ));
    }
    firndb(&["check", &place.store()]).ok();
    let files: Vec<_> = place
        .blobs("app", "bad", "batch-")
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "parquet"))
        .collect();
    let [file] = files.as_slice() else { panic!("one batch file, not {files:?}") };
    let file = file.clone();
    (place, file)
}

#[track_caller]
fn is_found_and_contained(place: &Place, file: &Path) {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    place.try_sql("SELECT count(*), max(body) FROM app.bad").fails(6, &[&name]);
    assert_eq!(place.sql("SELECT count(*) AS n FROM app.good"), "n\n500\n");
    place.sql("INSERT INTO app.good VALUES (1000, 'still works')");
    let run = firndb(&["check", &place.store()]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.out.contains(&name), "{run:?}");
}

#[test]
fn a_truncated_batch_file() {
    let (place, file) = two_tables();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    is_found_and_contained(&place, &file);
}

#[test]
fn an_altered_batch_file() {
    let (place, file) = two_tables();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 4;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
    fs::write(&file, bytes).unwrap();
    is_found_and_contained(&place, &file);
}

#[test]
fn a_missing_batch_file() {
    let (place, file) = two_tables();
    fs::remove_file(&file).unwrap();
    is_found_and_contained(&place, &file);
}
