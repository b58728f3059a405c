//! Directories that are not stores, stores in use, and stores that come back.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command as Process;

use crate::process::{Place, command, firndb};

#[test]
fn a_directory_of_something_else_is_left_alone() {
    let place = Place::new();
    place.file("letter.txt", "dear");
    let dir = place.path("");
    firndb(&["sql", "-d", &dir, "SELECT 1"]).fails(2, &["store"]);
    for command in ["inspect", "check", "recover"] {
        firndb(&[command, &dir]).fails(2, &["store"]);
    }
    assert_eq!(place.names(), ["letter.txt"]);
}

#[test]
fn looking_at_a_store_that_is_not_there_makes_none() {
    let place = Place::new();
    let out = place.path("t.csv");
    firndb(&["inspect", &place.store()]).fails(2, &["store"]);
    firndb(&["check", &place.store()]).fails(2, &["store"]);
    firndb(&["recover", &place.store()]).fails(2, &["store"]);
    firndb(&["export", &place.store(), "t", &out]).fails(2, &["store"]);
    assert!(place.names().is_empty());
}

#[test]
fn a_store_in_use_is_locked() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app");
    let held = firndb_storage_native::open(Path::new(&place.store()), None).unwrap();
    place.try_sql("SELECT 1").fails(5, &["store", "hint"]);
    firndb(&["check", &place.store()]).fails(5, &[]);
    drop(held);
    place.sql("SELECT 1");
}

#[test]
fn inspect_shows_the_tiers() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, body TEXT)");
    place.set("[compaction]\nautomatic = false");
    place.sql("INSERT INTO app.t VALUES (1, 'a'), (2, 'b'), (3, NULL); STORAGE FLUSH TABLE app.t");
    place.sql("DELETE FROM app.t WHERE id = 1; STORAGE FLUSH TABLE app.t; INSERT INTO app.t VALUES (9, 'z')");
    let all = firndb(&["inspect", &place.store()]).ok().out;
    assert!(all.contains("app.t") && all.contains("SHARED"), "{all}");
    let one = firndb(&["inspect", &place.store(), "app.t"]).ok().out;
    assert!(one.contains("batch-1.parquet") && one.contains("body"), "{one}");
    firndb(&["inspect", &place.store(), "app.none"]).fails(2, &["none"]);
    place.sql("CREATE STREAM TABLE app.typing (event_id TEXT PRIMARY KEY) WITH (TTL_SECONDS = 30)");
    place.sql("INSERT INTO app.typing VALUES ('a')");
    let stream = firndb(&["inspect", &place.store(), "app.typing"]).ok().out;
    assert!(stream.contains("STREAM (30 s) table app.typing"), "{stream}");
    assert!(firndb(&["inspect", &place.store()]).ok().out.contains("STREAM (30 s)"));
    let json = firndb(&["inspect", &place.store(), "--format", "json"]).ok();
    let tables: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&tables[0]["ttl_seconds"], &tables[1]["ttl_seconds"]),
        (&serde_json::Value::Null, &30.into())
    );
    let scope = &tables[0]["scopes"][0];
    assert_eq!((&scope["hot_rows"], &scope["user"]), (&1.into(), &serde_json::Value::Null), "{tables}");
    let file = &scope["batches"][0];
    assert_eq!(
        (&file["rows"], &file["dead"], &file["columns"]["id"]["max"]),
        (&3.into(), &1.into(), &"3".into())
    );
}

#[test]
fn a_lost_key_value_store_is_rebuilt_from_the_blobs() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, n INTEGER)");
    place.sql("INSERT INTO app.t VALUES (1, 10), (2, 20), (3, 30); STORAGE FLUSH TABLE app.t");
    place.sql(
        "DELETE FROM app.t WHERE id = 2; UPDATE app.t SET n = 31 WHERE id = 3; STORAGE FLUSH TABLE app.t",
    );
    let before = place.sql("SELECT id, n FROM app.t ORDER BY id");
    fs::remove_dir_all(Path::new(&place.store()).join("kv")).unwrap();

    // Never silently: an empty store over these files would be a wrong answer.
    let run = place.try_sql("SELECT * FROM app.t");
    assert_ne!(run.status, 0, "{run:?}");
    assert!(run.err.contains("recover"), "{run:?}");

    let run = firndb(&["recover", &place.store()]).ok();
    assert!(run.out.contains("table"), "{run:?}");
    assert_eq!(place.sql("SELECT id, n FROM app.t ORDER BY id"), before);
    place.sql("INSERT INTO app.t VALUES (2, 22); STORAGE FLUSH TABLE app.t");
    assert_eq!(place.sql("SELECT id, n FROM app.t ORDER BY id"), "id,n\n1,10\n2,22\n3,31\n");
    firndb(&["check", &place.store()]).ok();
}

#[test]
fn a_recovery_with_problems_says_so_in_its_exit_status() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)");
    place.set("[compaction]\nautomatic = false");
    place.sql("INSERT INTO app.t VALUES (1), (2); STORAGE FLUSH TABLE app.t");
    place.sql("DELETE FROM app.t WHERE id = 2; STORAGE FLUSH TABLE app.t");
    let manifests = place.blobs("app", "t", "manifest");
    // The copy sorts behind the numbered ones.
    let [.., newest, copy] = manifests.as_slice() else {
        panic!("two manifests and a copy in {manifests:?}")
    };
    fs::write(newest, b"damaged").unwrap();
    fs::remove_file(copy).unwrap();
    let lose = || fs::remove_dir_all(Path::new(&place.store()).join("kv")).unwrap();

    // What the flush noted in its deletion vectors is as good as its manifest; without either it is not known.
    lose();
    let run = firndb(&["recover", &place.store()]).ok();
    assert!(run.out.contains("made again from the files: 1") && run.out.contains("deletes-"), "{run:?}");
    assert_eq!(place.sql("SELECT id FROM app.t ORDER BY id"), "id\n1\n");
    let run = firndb(&["check", "--verbose", &place.store()]).ok();
    assert!(run.err.contains("batch-1.parquet: 2 rows"), "{run:?}");
    place.sql("DELETE FROM app.t WHERE id = 1; STORAGE FLUSH TABLE app.t");
    for manifest in place.blobs("app", "t", "manifest").iter().skip(1) {
        fs::write(manifest, b"damaged").unwrap();
    }
    for vectors in place.blobs("app", "t", "deletes") {
        fs::remove_file(vectors).unwrap();
    }

    lose();
    let run = firndb(&["recover", &place.store()]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.out.contains("--force") && run.err.contains("problem"), "{run:?}");
    place.try_sql("SELECT * FROM app.t").fails(6, &["manifest-"]);

    lose();
    let run = firndb(&["recover", "--force", &place.store()]);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(place.sql("SELECT id FROM app.t ORDER BY id"), "id\n1\n2\n");
}

#[test]
fn a_store_goes_through_an_archive() {
    let place = Place::new();
    place.sql(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'cold'), (2, 'gone')",
    );
    place.sql("STORAGE FLUSH ALL; UPDATE t SET v = 'hot' WHERE id = 1; DELETE FROM t WHERE id = 2");
    let (archive, copy) = (place.path("store.tar"), place.path("copy"));
    firndb(&["dump", &place.store(), &archive]).ok();
    firndb(&["load", &copy, &archive]).ok();
    let rows = firndb(&["sql", "-d", &copy, "--format", "csv", "SELECT * FROM t"]).ok();
    assert_eq!(rows.out.trim(), "id,v\n1,hot");
    firndb(&["check", &copy]).ok();
    // Where there is a store, nothing is loaded.
    firndb(&["load", &copy, &archive]).fails(2, &["empty"]);
    assert_eq!(
        firndb(&["sql", "-d", &copy, "--format", "csv", "SELECT * FROM t"]).ok().out.trim(),
        "id,v\n1,hot"
    );
    // Half an archive makes no store, and leaves room for a whole one.
    let half = place.path("half.tar");
    let bytes = fs::read(&archive).unwrap();
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    firndb(&["load", &place.path("other"), &half]).fails(6, &["half.tar"]);
    firndb(&["load", &place.path("other"), &archive]).ok();
    firndb(&["check", &place.path("other")]).ok();
}

#[test]
fn an_archive_that_cannot_be_loaded_leaves_nothing() {
    let place = Place::new();
    place.sql("CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'); STORAGE FLUSH TABLE t");
    let archive = place.path("s.tar");
    firndb(&["dump", &place.store(), &archive]).ok();
    let whole = fs::read(&archive).unwrap();
    let cut = place.file("cut.tar", &whole[..3000]);
    let short = place.file("short.tar", &whole[..209]);
    let empty = place.file("empty.tar", "");
    let before = place.names();
    for (file, words) in [
        (&cut, ["cut.tar", "cut short"]),
        (&short, ["no archive", "firndb dump"]),
        (&empty, ["no archive", "empty"]),
    ] {
        firndb(&["load", &place.path("new"), file]).fails(6, &words);
        assert_eq!(place.names(), before, "{file}");
    }
    firndb(&["check", &place.path("new")]).fails(2, &["does not exist"]);
    firndb(&["load", &place.path("new"), &archive]).ok();
}

#[cfg(unix)]
#[test]
fn a_load_that_is_killed_leaves_nothing_of_the_name() {
    let place = Place::new();
    place.sql("CREATE SHARED TABLE t (id BIGINT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'); STORAGE FLUSH TABLE t");
    let archive = place.path("s.tar");
    firndb(&["dump", &place.store(), &archive]).ok();
    // A pipe that gives the first half of the archive and then nothing more.
    let pipe = place.path("pipe.tar");
    assert!(Process::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = command(&["load", &place.path("new"), &pipe]).spawn().unwrap();
    let whole = fs::read(&archive).unwrap();
    let mut end = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    end.write_all(&whole[..whole.len() / 2]).unwrap();
    let begun = || place.names().iter().any(|name| name.starts_with(".new.load-"));
    for _ in 0..1000 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(begun(), "{:?}", place.names());
    child.kill().unwrap();
    child.wait().unwrap();
    drop(end);
    assert!(!Path::new(&place.path("new")).exists());
    firndb(&["check", &place.path("new")]).fails(2, &["does not exist"]);
    firndb(&["load", &place.path("new"), &archive]).ok();
}
