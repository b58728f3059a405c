//! Settings: from the store's file, the environment and the command line, in that order.

use std::fs;

use crate::process::{Place, Run, firndb, firndb_with};

const CHANGED: &str =
    "SELECT name, value, source, place FROM system.settings WHERE source <> 'default' ORDER BY name";

/// What is not the default in the store, with these arguments and variables.
fn changed(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let store = place.store();
    let fixed = ["sql", "-d", &store, "--format", "csv", "--quiet", CHANGED];
    firndb_with(&[&fixed[..], arguments].concat(), variables)
}

/// A place with a store whose file says so.
fn with_file(text: &str) -> Place {
    let place = Place::new();
    fs::create_dir(place.store()).expect("a directory");
    place.file("store/firndb.toml", text);
    place
}

#[test]
fn a_store_reads_its_file_and_is_made_around_it() {
    let place = with_file("[flush]\nrows = 7\n\n[writer]\ndurability = \"relaxed\"\n");
    let file = place.path("store/firndb.toml");
    let expected = format!(
        "name,value,source,place\nflush.rows,7,file,{file}:2\nwriter.durability,relaxed,file,{file}:5\n"
    );
    assert_eq!(changed(&place, &[], &[]).ok().out, expected);
    // The store is one by now.
    assert_eq!(changed(&place, &[], &[]).ok().out, expected);
    firndb(&["check", &place.store()]).ok();
}

#[test]
fn the_environment_is_over_the_file_and_the_command_line_over_both() {
    let place = with_file("flush.rows = 1\nflush.bytes = 2\nload.rows = 3\n");
    let file = place.path("store/firndb.toml");
    let variables = [("FIRNDB__FLUSH__BYTES", "20"), ("FIRNDB__LOAD__ROWS", "30"), ("FIRNDB_OTHER", "x")];
    let out = changed(&place, &["--set", "load.rows=300"], &variables).ok().out;
    let expected = format!(
        "name,value,source,place\nflush.bytes,20,environment,FIRNDB__FLUSH__BYTES\n\
         flush.rows,1,file,{file}:1\nload.rows,300,option,--set load.rows\n"
    );
    assert_eq!(out, expected);
    // The last of two.
    let out = changed(&place, &["--set", "load.rows=300", "--set", "load.rows = 400"], &[]).ok().out;
    assert!(out.contains("load.rows,400,option"), "{out}");
}

#[test]
fn a_file_that_is_named_takes_the_place_of_the_stores() {
    let place = with_file("flush.rows = 1");
    let other = place.file("other.toml", "[load]\nrows = 5");
    let out = changed(&place, &["--config", &other], &[]).ok().out;
    assert_eq!(out, format!("name,value,source,place\nload.rows,5,file,{other}:2\n"));
    changed(&place, &["--config", &place.path("none.toml")], &[]).fails(2, &["none.toml"]);
    // In memory there is no other file than one that is named.
    let memory = ["sql", "--format", "csv", "--quiet", "--config", &other, CHANGED];
    assert_eq!(firndb(&memory).ok().out, out);
}

#[test]
fn what_is_no_setting_is_refused_with_its_place() {
    let place = with_file("[flush]\nrow = 1\n");
    let file = place.path("store/firndb.toml");
    changed(&place, &[], &[])
        .fails(2, &[&format!("{file}:2: there is no setting flush.row"), "did you mean flush.rows?"]);
    // Nothing was made.
    assert_eq!(fs::read_dir(place.store()).expect("a directory").count(), 1);
    let place = with_file("[flush]\nrows = \"many\"\n");
    changed(&place, &[], &[]).fails(2, &["store/firndb.toml:2: flush.rows is a whole number from 1 on"]);
    let place = with_file("[flush]\nrows = 1\nrows = 2\n");
    changed(&place, &[], &[]).fails(2, &["store/firndb.toml:3: "]);
    let place = Place::new();
    changed(&place, &[], &[("FIRNDB__FLUSH__ROW", "1")])
        .fails(2, &["FIRNDB__FLUSH__ROW: there is no setting", "did you mean FIRNDB__FLUSH__ROWS?"]);
    changed(&place, &[], &[("FIRNDB__WRITER__NODE", "1024")])
        .fails(2, &["FIRNDB__WRITER__NODE: writer.node is a whole number from 0 to 1023"]);
    changed(&place, &["--set", "sql.dept=1"], &[]).fails(2, &["--set sql.dept: there", "mean sql.depth?"]);
    changed(&place, &["--set", "writer.durability=high"], &[]).fails(2, &["is strict or relaxed"]);
    let run = changed(&place, &["--set", "flush.rows"], &[]);
    assert!(run.status == 2 && run.err.contains("SECTION.KEY=VALUE"), "{run:#?}");
}

#[test]
fn a_store_can_be_opened_for_reading_only() {
    let place = Place::new();
    place.sql("CREATE SHARED TABLE t (id BIGINT PRIMARY KEY); INSERT INTO t VALUES (1)");
    let held = firndb_storage_native::open(std::path::Path::new(&place.store()), None).unwrap();
    let store = place.store();
    let reading = |sql| firndb(&["sql", "-d", &store, "--set", "writer.read_only=true", sql]);
    reading("SELECT * FROM t").ok();
    reading("INSERT INTO t VALUES (2)").fails(2, &["for reading only"]);
    drop(held);
    let recovering = ["recover", &store, "--set", "writer.read_only=true"];
    firndb(&recovering).fails(2, &["writer.read_only"]);
}
