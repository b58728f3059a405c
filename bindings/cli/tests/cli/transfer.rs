//! `firndb import` and `firndb export`: round trips, and inputs that do not fit.

use std::fmt::Write as _;
use std::fs;

use crate::process::{Place, firndb};

const PEOPLE: &str = "id,name,born,score,member,seen\n\
    1,Ada,1815-12-10,1.5,true,2001-01-01T00:01:00\n\
    2,\"Grace, \"\"Amazing\"\"\",1906-12-09,-2.25,false,\n\
    3,,,,,2001-02-03T04:05:06.789\n";

#[track_caller]
fn import(place: &Place, args: &[&str]) {
    firndb(&[&["import", &place.store(), "app.people"][..], args].concat()).ok();
}

#[test]
fn csv_to_parquet_to_csv_is_the_same() {
    let place = Place::new();
    let csv = place.file("people.csv", PEOPLE);
    let (parquet, back) = (place.path("people.parquet"), place.path("back.csv"));
    import(&place, &[&csv, "--create", "--key", "id"]);
    firndb(&["export", &place.store(), "app.people", &parquet]).ok();
    let other = place.path("other");
    firndb(&["import", &other, "app.people", &parquet, "--create", "--key", "id"]).ok();
    firndb(&["export", &other, "app.people", &back]).ok();
    assert_eq!(fs::read_to_string(&back).unwrap(), PEOPLE);
    assert!(!place.names().iter().any(|n| n.starts_with('.')), "{:?}", place.names());
}

#[test]
fn every_type_survives_both_formats() {
    let place = Place::new();
    let columns = "id BIGINT PRIMARY KEY, a BOOLEAN, b SMALLINT, c INTEGER, d REAL, e DOUBLE PRECISION, f TEXT, \
                   g BYTEA, h DATE, i TIMESTAMP, j DECIMAL(38,10), k VARCHAR(5), l TIME, m TIMESTAMPTZ, n UUID, \
                   o JSON, p TEXT[], q DECIMAL(5,2)[]";
    let rows = "(1, true, -32768, 2147483647, 0.5, 1e300, 'é\"\n,', '\\x00ff', DATE '1969-12-31', \
                TIMESTAMP '1969-12-31 23:59:59.999999', -1234567890123456789012345678.0123456789, 'éèêëē', \
                '23:59:59.999999', '2026-11-22 12:00:00.5+02', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', \
                '{\"b\": 1.50, \"a\": null}', '{\"a,b\",NULL,\"NULL\",\"q\\\"\",\"\"}', ARRAY[1.5, NULL]), \
                (-9223372036854775808, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
                NULL, NULL, '{}', NULL)";
    place.sql(&format!(
        "CREATE NAMESPACE app; CREATE SHARED TABLE app.t ({columns}); INSERT INTO app.t VALUES {rows}"
    ));
    let expected = place.sql("SELECT * FROM app.t ORDER BY id");
    for (table, file) in [("u", "t.parquet"), ("v", "t.csv"), ("w", "t.tsv"), ("x", "t.jsonl")] {
        let file = place.path(file);
        firndb(&["export", &place.store(), "app.t", &file]).ok();
        place.sql(&format!("CREATE SHARED TABLE app.{table} ({columns})"));
        firndb(&["import", &place.store(), &format!("app.{table}"), &file]).ok();
        assert_eq!(place.sql(&format!("SELECT * FROM app.{table} ORDER BY id")), expected, "{file}");
    }
}

#[test]
fn null_and_empty_text_are_told_apart_when_asked() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, body TEXT)");
    place.sql("INSERT INTO app.t VALUES (1, ''), (2, NULL); CREATE SHARED TABLE app.u (id BIGINT PRIMARY KEY, body TEXT)");
    let file = place.path("t.csv");
    firndb(&["export", &place.store(), "app.t", &file, "--null", "\\N"]).ok();
    firndb(&["import", &place.store(), "app.u", &file, "--null", "\\N"]).ok();
    assert_eq!(place.sql("SELECT id FROM app.u WHERE body IS NULL"), "id\n2\n");
}

#[test]
fn a_created_table_goes_with_a_load_that_fails() {
    let place = Place::new();
    let good = place.file("good.csv", "id,n\n1,1\n");
    let bad = place.file("bad.csv", "id,n\n2,many\n");
    let args = ["import", &place.store(), "app.t", &bad, &good, "--create", "--key", "nope"];
    firndb(&args).fails(2, &["nope", "id, n"]);
    let twice = place.file("twice.csv", "id,n\n1,1\n1,2\n");
    firndb(&["import", &place.store(), "app.t", &twice, "--create", "--key", "id"])
        .fails(2, &["twice.csv", "1"]);
    firndb(&["import", &place.store(), "app.t", &good, "--create", "--key", "id"]).ok();
    firndb(&["import", &place.store(), "app.t", &bad]).fails(2, &["bad.csv", "many", "nothing of the file"]);
    assert_eq!(place.sql("SELECT * FROM app.t"), "id,n\n1,1\n");
}

#[test]
fn a_whole_file_goes_in_or_nothing_of_it() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)");
    place.sql("INSERT INTO app.t VALUES (150000)");
    let mut text = "id\n".to_owned();
    for id in 0..200_000 {
        let _ = writeln!(text, "{id}");
    }
    let file = place.file("ids.csv", text);
    firndb(&["import", &place.store(), "app.t", &file]).fails(2, &["150000", "nothing of the file"]);
    assert_eq!(place.sql("SELECT count(*) AS n FROM app.t"), "n\n1\n");
}

#[test]
fn bad_rows_are_left_out_and_told_of_on_request() {
    let place = Place::new();
    let file = place.file("people.csv", "id,age\n1,5\nx,6\n3,7\n");
    let (store, rejected) = (place.store(), place.path("rejected.csv"));
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.people (id BIGINT PRIMARY KEY, age INTEGER)");
    let place_of_it = "line 3, column \"id\" (1st): \"x\" is not a BIGINT";
    firndb(&["import", &store, "app.people", &file]).fails(2, &["people.csv", place_of_it]);
    firndb(&["import", &store, "app.people", &file, "--rejected", &rejected]).ok();
    assert_eq!(place.sql("SELECT * FROM app.people ORDER BY id"), "id,age\n1,5\n3,7\n");
    let told = fs::read_to_string(&rejected).unwrap();
    assert_eq!(told, "line,column,reason,row\n3,\"id\",\"\"\"x\"\" is not a BIGINT\",\"x,6\"\n");
    // Rejected rows never take the place of others', nor of what is read.
    let more = place.file("more.csv", "id,age\n4,y\n");
    let import = |file: &str, onto: &str, also: &[&str]| {
        let args = ["import", &store, "app.people", file, "--rejected", onto];
        firndb(&[args.as_slice(), also].concat())
    };
    import(&more, &rejected, &[&file]).fails(2, &["--rejected is for one file", "one by one"]);
    import(&more, &more, &[]).fails(2, &["more.csv", "it is the file that is read"]);
    assert_eq!(fs::read_to_string(&rejected).unwrap(), told);
    assert_eq!(fs::read_to_string(&more).unwrap(), "id,age\n4,y\n");
}

#[test]
fn json_makes_a_table_and_comes_back() {
    let place = Place::new();
    let file = place.file("people.jsonl", "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":null}\n");
    let (store, back) = (place.store(), place.path("back.json"));
    firndb(&["import", &store, "app.people", &file, "--create", "--key", "id"]).ok();
    firndb(&["export", &store, "app.people", &back]).ok();
    assert_eq!(fs::read_to_string(&back).unwrap(), fs::read_to_string(&file).unwrap());
}

#[test]
fn copy_in_sql_reads_and_writes_files() {
    let place = Place::new();
    let file = place.file("t.csv", "id\n1\n2\n");
    let out = place.path("out.json");
    place.sql(&format!(
        "CREATE SHARED TABLE t (id BIGINT PRIMARY KEY); COPY t FROM '{file}' CSV HEADER; \
         COPY (SELECT id + 1 AS next FROM t ORDER BY id) TO '{out}'"
    ));
    assert_eq!(fs::read_to_string(&out).unwrap(), "{\"next\":2}\n{\"next\":3}\n");
    let inside = format!("COPY t TO '{}/blobs/out.csv'", place.store());
    firndb(&["sql", "-d", &place.store(), &inside]).fails(2, &["directory of the store"]);
}

#[test]
fn files_that_do_not_fit_are_refused_before_anything_is_loaded() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, n INTEGER)");
    let store = place.store();
    let good = place.file("good.csv", "id,n\n1,1\n");
    let cases = [
        (place.file("extra.csv", "id,other\n2,2\n"), "other"),
        (place.file("empty.csv", ""), "no columns"),
        (place.file("twins.csv", "id,id\n2,2\n"), "two columns"),
        (place.file("ragged.csv", "id,n\n2\n"), "ragged.csv"),
        (place.file("fake.parquet", "this is text"), "fake.parquet"),
        (place.file("table.xlsx", "PK"), "extension"),
        (place.path("none.csv"), "none.csv"),
    ];
    for (file, word) in &cases {
        firndb(&["import", &store, "app.t", file]).fails(2, &[word]);
    }
    for (file, word) in cases.iter().filter(|(_, word)| ["extension", "none.csv"].contains(word)) {
        firndb(&["import", &store, "app.t", &good, file]).fails(2, &[word]);
    }
    firndb(&["import", &store, "app.none", &good]).fails(2, &["none"]);
    firndb(&["import", &store, "app.t; DROP TABLE app.t", &good]).fails(2, &["name of a table"]);
    assert_eq!(place.sql("SELECT count(*) AS n FROM app.t"), "n\n0\n");
}

#[test]
fn a_failed_export_leaves_nothing_and_a_good_one_replaces() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)");
    let file = place.path("t.csv");
    firndb(&["export", &place.store(), "app.none", &file]).fails(2, &["none"]);
    firndb(&["export", &place.store(), "app.t", &place.path("t.txt")]).fails(2, &["extension"]);
    firndb(&["export", &place.store(), "app.t", &place.path("nowhere/t.csv")]).fails(2, &["nowhere"]);
    assert_eq!(place.names(), ["store"]);
    place.file("t.csv", "old");
    firndb(&["export", &place.store(), "app.t", &file]).ok();
    assert_eq!(fs::read_to_string(&file).unwrap(), "id\n");
}

#[test]
fn a_user_table_takes_rows_for_the_user() {
    let place = Place::new();
    let file = place.file("notes.csv", "id,body\n1,mine\n");
    let store = place.store();
    firndb(&["import", &store, "app.notes", &file, "--create", "--key", "id", "--kind", "user"]).ok();
    place.sql("CREATE USER alice; CREATE USER bob");
    firndb(&["import", &store, "app.notes", &file, "-u", "alice"]).ok();
    let out = place.path("out.csv");
    firndb(&["export", &store, "app.notes", &out, "-u", "bob"]).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), "id,body\n");
    firndb(&["export", &store, "app.notes", &out, "-u", "alice"]).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), "id,body\n1,mine\n");
}

#[test]
fn a_stream_table_takes_rows_that_live_for_a_time() {
    let place = Place::new();
    let file = place.file("typing.csv", "id,who\n1,ann\n");
    let import =
        ["import", &place.store(), "app.typing", &file, "--create", "--key", "id", "--kind", "stream"];
    firndb(&import).fails(2, &["--ttl-seconds"]);
    firndb(&[&import[..], &["--ttl-seconds", "3600"]].concat()).ok();
    let made = place.sql("SELECT kind, ttl_seconds, (SELECT count(*) FROM app.typing) FROM system.tables");
    assert!(["STREAM", "3600", "1"].iter().all(|word| made.contains(word)), "{made}");
    // The engine says that the rows of other tables have no such time.
    let file = place.file("people.csv", PEOPLE);
    let import =
        ["import", &place.store(), "app.people", &file, "--create", "--key", "id", "--ttl-seconds", "5"];
    firndb(&import).fails(2, &["TTL_SECONDS"]);
}

#[test]
fn an_error_is_told_once_and_without_a_statement_that_nobody_typed() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.people (id BIGINT PRIMARY KEY, name TEXT)");
    let file = place.file("people.csv", "id,nam\n1,Ada\n");
    for (args, hint) in [
        (["import", &place.store(), "app.peopel", &file], "did you mean app.people?"),
        (["import", &place.store(), "app.people", &file], "did you mean name?"),
        (["export", &place.store(), "app.peopel", &place.path("out.csv")], "did you mean app.people?"),
    ] {
        let run = firndb(&args).fails(2, &[hint]);
        assert_eq!(run.err.matches("hint:").count(), 1, "{run:#?}");
        assert!(!run.err.contains("caused by") && !run.err.contains("COPY"), "{run:#?}");
    }
}

#[test]
fn a_table_is_made_of_the_rows_that_are_whole() {
    let place = Place::new();
    let (store, rejected) = (place.store(), place.path("bad.csv"));
    for (file, text, lines) in [
        ("a.csv", "id,name\n1,Ada\n2\n3,Grace,extra\n4,Alan\n", 2),
        ("b.jsonl", "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\n{\"id\":4,\"name\":\"Alan\"}\n", 1),
    ] {
        let path = place.file(file, text);
        let table = format!("app.{}", &file[..1]);
        let args = ["import", &store, &table, &path, "--create", "--key", "id"];
        // Without --rejected COPY says what is wrong, and nothing stays.
        let run = firndb(&args).fails(2, &[file, "line", "nothing of the file went in"]);
        assert!(run.err.contains("dropped table") && !run.err.contains("unequal"), "{run:#?}");
        let run = firndb(&[&args[..], &["--rejected", &rejected]].concat()).ok();
        assert!(run.err.contains("2 rows into") && run.err.contains("left out"), "{run:#?}");
        assert_eq!(
            place.sql(&format!("SELECT id, name FROM {table} ORDER BY id")),
            "id,name\n1,Ada\n4,Alan\n"
        );
        assert_eq!(fs::read_to_string(&rejected).unwrap().lines().count(), lines + 1);
    }
}
