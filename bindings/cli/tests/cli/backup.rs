//! `firndb backup`: what it says, and what it leaves when it is ended.

use std::fs;

use crate::process::{Place, command, firndb};

const ROWS: &str = "CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, body TEXT); \
                    INSERT INTO app.t SELECT v, 'row number ' || v FROM generate_series(1, 2000) AS g(v); \
                    STORAGE FLUSH TABLE app.t; DELETE FROM app.t WHERE id > 1990";

#[test]
fn a_backup_is_a_store() {
    let place = Place::new();
    place.sql(ROWS);
    let copy = place.path("copies/monday");
    let run = firndb(&["backup", &place.store(), &copy]).ok();
    assert!(run.out.is_empty() && run.err.contains("backup of") && run.err.contains("files"), "{run:?}");
    firndb(&["check", &copy]).ok();
    let rows = |dir: &str| {
        let sql = "SELECT count(*) AS n, max(body) AS last FROM app.t";
        firndb(&["sql", "-d", dir, "--format", "csv", sql]).ok().out
    };
    assert_eq!(rows(&copy), "n,last\n1990,row number 999\n");
    place.sql("DELETE FROM app.t");
    assert_eq!(rows(&copy), "n,last\n1990,row number 999\n");
    firndb(&["backup", &place.store(), &copy]).fails(2, &["copies/monday", "empty"]);
    firndb(&["backup", &place.path("none"), &place.path("copy")]).fails(2, &["none"]);
    assert_eq!(place.names(), ["copies", "store"]);
}

#[test]
fn a_backup_is_no_part_of_its_store() {
    let place = Place::new();
    place.sql(ROWS);
    let before = fs::read_dir(place.store()).unwrap().count();
    for inside in ["inner", "blobs/inner", "blobs/../new/inner"] {
        let target = format!("{}/{inside}", place.store());
        firndb(&["backup", &place.store(), &target]).fails(2, &["directory of the store", "outside"]);
    }
    #[cfg(unix)]
    {
        let link = place.path("link");
        std::os::unix::fs::symlink(format!("{}/blobs", place.store()), &link).unwrap();
        firndb(&["backup", &place.store(), &format!("{link}/inner")]).fails(2, &["directory of the store"]);
        firndb(&["backup", &link, &place.path("copy")]).fails(2, &["not a FirnDB store"]);
    }
    assert_eq!(fs::read_dir(place.store()).unwrap().count(), before);
    firndb(&["backup", &place.store(), &place.path("copy")]).ok();
}

#[test]
fn damage_is_told_and_copied() {
    let place = Place::new();
    place.sql(ROWS);
    let file =
        place.blobs("app", "t", "batch-").into_iter().find(|p| p.extension().is_some_and(|e| e == "parquet"));
    let file = file.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 4;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
    fs::write(&file, bytes).unwrap();
    let copy = place.path("copy");
    let run = firndb(&["backup", &place.store(), &copy]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.out.contains("batch-") && run.err.contains("1 finding"), "{run:?}");
    assert_eq!(firndb(&["check", &copy]).out, run.out);
}

#[cfg(unix)]
#[test]
fn one_that_is_interrupted_leaves_nothing_and_one_that_is_killed_nothing_of_the_name() {
    let place = Place::new();
    place.sql(ROWS);
    for n in 0..40 {
        place.sql(&format!("INSERT INTO app.t VALUES ({}, 'more'); STORAGE FLUSH TABLE app.t", 3000 + n));
    }
    for (signal, ms) in [("INT", 15), ("INT", 60), ("INT", 150), ("KILL", 30), ("KILL", 90), ("KILL", 150)] {
        let copy = place.path(&format!("copy-{signal}-{ms}"));
        let mut child = command(&["backup", &place.store(), &copy]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        let pid = child.id().to_string();
        _ = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        let status = child.wait().unwrap();
        if std::path::Path::new(&copy).exists() {
            // It was at its end before the signal came.
            firndb(&["check", &copy]).ok();
        } else if signal == "INT" {
            assert!(status.code().is_none_or(|code| code == 130), "{status:?}");
            assert!(!place.names().iter().any(|n| n.starts_with(".copy-INT")), "{:?}", place.names());
        }
    }
    for name in place.names().iter().filter(|n| n.starts_with('.')) {
        // Killed before it had begun, or when it was whole and had no name yet, it is not of no use.
        let run = firndb(&["sql", "-d", &place.path(name), "--format", "csv", "SELECT count(*) FROM app.t"]);
        match run.status {
            0 => assert!(run.out.contains("2030"), "{name}: {run:?}"),
            2 => drop(run.fails(2, &["app"])),
            _ => drop(run.fails(6, &["not to its end"])),
        }
    }
    firndb(&["check", &place.store()]).ok();
}
