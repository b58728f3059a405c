//! `firndb sql`: where statements come from, what formats look like, how failures end.

use std::io::Read;
use std::process::Stdio;

use crate::process::{Place, command, firndb, firndb_reading};

#[test]
fn the_help_has_examples_and_the_exit_statuses() {
    let run = firndb(&["--help"]).ok();
    assert!(run.out.contains("Exit status: 0 done;"), "{}", run.out);
    assert!(run.out.contains("Usage: firndb") && run.out.contains("Examples:"), "{}", run.out);
}

#[test]
fn wrong_arguments_end_with_2() {
    assert_eq!(firndb(&["nonsense"]).status, 2);
    assert_eq!(firndb(&["sql", "--format", "xml", "SELECT 1"]).status, 2);
    assert_eq!(firndb(&["import", "store", "t"]).status, 2);
}

#[test]
fn every_format_prints_the_same_rows() {
    let sql = "SELECT 1 AS n, 'a,b' AS t, NULL AS z UNION ALL SELECT 2, 'ü', NULL ORDER BY n";
    let cases = [
        ("csv", "n,t,z\n1,\"a,b\",\n2,ü,\n"),
        ("jsonl", "{\"n\":1,\"t\":\"a,b\",\"z\":null}\n{\"n\":2,\"t\":\"ü\",\"z\":null}\n"),
        ("json", "[{\"n\":1,\"t\":\"a,b\",\"z\":null},{\"n\":2,\"t\":\"ü\",\"z\":null}]\n"),
    ];
    for (format, expected) in cases {
        let run = firndb(&["sql", "--format", format, sql]).ok();
        assert_eq!(run.out, expected, "{format}");
        assert_eq!(run.err, "", "{format}");
    }
    let run = firndb(&["sql", sql]).ok();
    assert!(run.out.contains("│ 1 ┆ a,b ┆ NULL │"), "{}", run.out);
    assert!(run.err.starts_with("2 rows ("), "{}", run.err);
}

#[test]
fn no_rows_are_an_empty_result_in_every_format() {
    let sql = "SELECT 1 AS n WHERE false";
    for (format, expected) in [("csv", "n\n"), ("jsonl", ""), ("json", "[]\n")] {
        assert_eq!(firndb(&["sql", "--format", format, sql]).ok().out, expected, "{format}");
    }
}

#[test]
fn json_is_read_back_by_another_reader() {
    let sql = "SELECT 'quote \" and \\ and \u{1F600}' AS t, 9007199254740993 AS big";
    let run = firndb(&["sql", "--format", "json", sql]).ok();
    let rows: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(rows[0]["t"], "quote \" and \\ and \u{1F600}");
    assert_eq!(rows[0]["big"], 9_007_199_254_740_993_i64);
}

#[test]
fn statements_come_from_arguments_files_and_standard_input() {
    let place = Place::new();
    let file = place.file("q.sql", "SELECT 1 AS a;\n-- nothing here;\nSELECT 2 AS b;\n");
    assert_eq!(firndb(&["sql", "--format", "csv", "-f", &file]).ok().out, "a\n1\n\nb\n2\n");
    assert_eq!(firndb_reading(&["sql", "--format", "csv"], "SELECT ';' AS c").ok().out, "c\n;\n");
    assert_eq!(firndb_reading(&["sql", "--format", "csv", "-"], "SELECT 3 AS d").ok().out, "d\n3\n");
    firndb(&["sql", "-f", &place.path("none.sql")]).fails(2, &["none.sql"]);
    assert_eq!(firndb(&["sql", "-f", &file, "SELECT 1"]).status, 2);
}

#[test]
fn parameters_take_their_places() {
    let args = ["sql", "--format", "csv", "--param", "-7", "--param", "'8'", "--param", "null"];
    let run = firndb(&[&args[..], &["SELECT $1 + 1 AS a, $2 AS b, $3 AS c"]].concat()).ok();
    assert_eq!(run.out, "a,b,c\n-6,8,\n");
    firndb(&["sql", "--param", "1", "SELECT $1; SELECT 2"]).fails(2, &["one statement", "2"]);
}

#[test]
fn a_syntax_error_tells_line_and_column_in_the_script() {
    for (script, line, column) in [("SELECT 1 +\n  * 2;", 2, 3), ("SELECT 1;\nSELECT 2; SELEKT 3", 2, 11)] {
        let run = firndb(&["sql", script]);
        let told = run.err.to_lowercase().replace(':', "");
        assert_eq!(run.status, 2, "{run:?}");
        assert!(told.contains(&format!("line {line}, column {column}")), "{script}: {told}");
    }
}

#[test]
fn an_error_shows_the_line_and_what_mends_it() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.messages (id BIGINT PRIMARY KEY, body TEXT)");
    let cases = [
        (
            "SELECT 1;\nSELECT boddy\nFROM app.messages",
            "2, column 8",
            "LINE 2: SELECT boddy\n               ^",
            "body",
        ),
        (
            "SELECT 1; SELECT 2 FROM app.mesages",
            "1, column 25",
            "LINE 1: SELECT 2 FROM app.mesages\n",
            "app.messages",
        ),
        (
            "SELECT\n  cuont(*) FROM app.messages",
            "2, column 3",
            "LINE 2: cuont(*) FROM app.messages\n        ^",
            "count",
        ),
        ("INSERT INTO app.messages (id, text) VALUES (1, '')", "1, column 31", "LINE 1: INSERT", "id, body"),
        ("SELECT * FROM ap.messages", "1, column 15", "LINE 1: SELECT * FROM ap.messages\n", "app"),
        ("SELECT * FORM app.messages", "1, column 15", "LINE 1: SELECT * FORM app.messages\n", "FROM"),
        ("CREATE TABLE app.t (id BIGINT)", "", "", "PRIMARY KEY (id)"),
    ];
    for (script, at, excerpt, hint) in cases {
        let run = place.try_sql(script).fails(2, &[]);
        assert!(at.is_empty() || run.err.contains(&format!("error: line {at}: ")), "{run:#?}");
        assert!(run.err.contains(excerpt), "{run:#?}");
        let told = run.err.lines().find(|l| l.starts_with("  hint: ")).unwrap_or_default();
        assert!(told.contains(hint), "{run:#?}");
    }
}

#[test]
fn what_must_change_ends_with_2_and_says_what() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY, n INTEGER NOT NULL)");
    place.sql("INSERT INTO app.t VALUES (1, 10)");
    place.try_sql("SELECT * FROM app.nothing").fails(2, &["nothing"]);
    place.try_sql("SELECT nope FROM app.t").fails(2, &["nope"]);
    place.try_sql("INSERT INTO app.t VALUES (1, 20)").fails(2, &["app.t", "1"]);
    place.try_sql("INSERT INTO app.t VALUES (2, NULL)").fails(2, &["n"]);
    place.try_sql("INSERT INTO app.t VALUES (2, 'many')").fails(2, &["many"]);
    place.try_sql("CREATE SHARED TABLE app.u (id BIGINT)").fails(2, &["primary key"]);
    place.try_sql("CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)").fails(2, &["app.t"]);
    assert_eq!(place.sql("SELECT * FROM app.t"), "id,n\n1,10\n");
}

#[test]
fn statements_before_the_failing_one_stay_done() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)");
    let script = "INSERT INTO app.t VALUES (1);\nINSERT INTO app.t VALUES (1);\nINSERT INTO app.t VALUES (2)";
    place.try_sql(script).fails(2, &["statement 2, line 2"]);
    assert_eq!(place.sql("SELECT * FROM app.t"), "id\n1\n");
}

#[test]
fn a_transaction_left_open_is_rolled_back_and_said_so() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE SHARED TABLE app.t (id BIGINT PRIMARY KEY)");
    let run = place.try_sql("BEGIN; INSERT INTO app.t VALUES (1)").ok();
    assert!(run.err.contains("rolled back"), "{}", run.err);
    assert_eq!(place.sql("SELECT count(*) AS n FROM app.t"), "n\n0\n");
}

#[test]
fn users_see_their_own_rows_and_roles_cannot_be_raised() {
    let place = Place::new();
    place.sql("CREATE NAMESPACE app; CREATE USER TABLE app.notes (id BIGINT PRIMARY KEY, body TEXT)");
    let store = place.store();
    let sql = "SELECT 1";
    firndb(&["sql", "-d", &store, "-u", "alice", sql]).fails(2, &["there is no user alice", "CREATE USER"]);
    for user in ["alice", "bob"] {
        place.sql(&format!("CREATE USER {user}"));
        let sql = format!("INSERT INTO app.notes VALUES (1, 'of {user}')");
        firndb(&["sql", "-d", &store, "-u", user, &sql]).ok();
    }
    let sql = "SELECT body FROM app.notes";
    let run = firndb(&["sql", "-d", &store, "-u", "alice", "--format", "csv", sql]).ok();
    assert_eq!(run.out, "body\nof alice\n");
    assert_eq!(place.sql(sql), "body\n");
    firndb(&["sql", "-d", &store, "-u", "alice", "-r", "dba", sql]).fails(2, &["alice", "dba"]);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let sql = "SELECT 'x' AS t UNION ALL SELECT 'y'";
    let mut child = command(&["sql", "--format", "csv", sql]).stdin(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(firndb(&["completions", shell]).ok().out.contains("recover"), "{shell}");
    }
}

#[test]
fn json_is_what_copy_writes() {
    let place = Place::new();
    let file = place.path("out.json");
    let query = "SELECT 1 AS id, '{\"a\": [1, 2]}'::json AS j, 'NaN'::double precision AS f, ARRAY[1, NULL] AS a, \
                 1.5::decimal(5,2) AS d, TIMESTAMP '2024-02-29 12:00:00' AS t, '\\x00ff'::bytea AS b, NULL AS z";
    place.sql(&format!("COPY ({query}) TO '{file}'"));
    let copied = std::fs::read_to_string(&file).unwrap();
    assert!(copied.starts_with("{\"id\":1,\"j\":{\"a\": [1, 2]},\"f\":\"NaN\",\"a\":[1,null],"), "{copied}");
    assert_eq!(firndb(&["sql", "--format", "jsonl", query]).ok().out, copied);
    let array = firndb(&["sql", "--format", "json", query]).ok().out;
    assert_eq!(array, format!("[{}]\n", copied.trim_end()));
    let _: serde_json::Value = serde_json::from_str(&array).unwrap();
}

#[test]
fn the_caret_has_room_in_eighty_columns() {
    let long = format!(
        "SELECT {}, boddy, {} FROM (SELECT 1 AS body) t",
        "1 AS one, ".repeat(20) + "2",
        "3 AS three, ".repeat(20) + "4"
    );
    let run = firndb(&["sql", &long]).fails(2, &["boddy", "did you mean body"]);
    let lines: Vec<&str> = run.err.lines().collect();
    let line = lines.iter().position(|l| l.starts_with("LINE 1: ")).expect("the line");
    let (shown, caret) = (lines[line], lines[line + 1]);
    assert!(shown.chars().count() <= 80 && caret.chars().count() <= 80, "{}", run.err);
    let place = caret.find('^').expect("a caret");
    assert!(shown.chars().skip(place).collect::<String>().starts_with("boddy"), "{}", run.err);
}
