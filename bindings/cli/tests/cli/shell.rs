//! The shell: typed into in a terminal, and given a script.

use crate::process::{Place, firndb, firndb_reading};
use crate::terminal::Terminal;

/// A terminal in which the shell waits, without a pager.
fn shell(columns: u16, rows: u16) -> Terminal {
    let terminal = Terminal::start(columns, rows, "shell", "PAGER=");
    terminal.wait_for_prompt("A scratch store in memory", "firn>");
    terminal
}

fn make_messages(terminal: &Terminal) {
    terminal.ask("CREATE SHARED TABLE messages (id BIGINT PRIMARY KEY, body TEXT);", "CREATE TABLE (");
    terminal.ask("INSERT INTO messages VALUES (1, 'snow'), (2, 'ice');", "2 rows affected (");
}

#[test]
fn statements_over_several_lines_and_what_is_completed() {
    let terminal = shell(100, 40);
    make_messages(&terminal);
    terminal.enter("SELECT body");
    terminal.enter("FROM messages");
    terminal.enter("WHERE id = 2");
    terminal.ask(";", "│ ice  │");
    // One candidate is taken, with a space; of several the common beginning, and with another Tab all are shown.
    terminal.write("SELECT id * 10 FROM mess");
    terminal.press(&["Tab"]);
    terminal.wait_for("10 FROM messages");
    terminal.write("WHERE bod");
    terminal.press(&["Tab"]);
    terminal.wait_for("10 FROM messages WHERE body");
    terminal.ask("= 'ice';", "20 │");
    terminal.write(".t");
    terminal.press(&["Tab", "Tab"]);
    terminal.wait_for(".timer");
    terminal.write("ab");
    terminal.press(&["Tab"]);
    terminal.ask("", "│ main.messages");
    terminal.ask("\\d messages", "CREATE SHARED TABLE main.messages (");
    terminal.leave_by_control_d();
}

#[test]
fn errors_show_the_place_and_the_conversation_goes_on() {
    let terminal = shell(100, 40);
    make_messages(&terminal);
    let screen = terminal.ask("SELECT 1; SELECT id, bodi FROM messages;", "did you mean body?");
    assert!(screen.contains("error: line 1, column 22: there is no column bodi"), "{screen}");
    let line = screen.lines().position(|l| l.starts_with("LINE 1: ")).expect("the line");
    let lines: Vec<&str> = screen.lines().collect();
    let caret = lines[line + 1].find('^').expect("a caret");
    assert_eq!(&lines[line][caret..caret + 4], "bodi", "{screen}");
    terminal.ask("SELEKT 1;", "did you mean SELECT instead of SELEKT?");
    terminal.ask(".tabels", "did you mean .tables?");
    terminal.ask("SELECT 'still here' AS t;", "│ still here │");
}

#[test]
fn the_prompt_tells_of_the_transaction() {
    let terminal = shell(100, 40);
    make_messages(&terminal);
    terminal.enter("BEGIN;");
    terminal.wait_for_prompt("BEGIN (", "firn*>");
    terminal.enter("DELETE FROM messages WHERE id = 1;");
    terminal.wait_for_prompt("1 row affected", "firn*>");
    terminal.enter("SELECT nothing FROM messages;");
    terminal.wait_for_prompt("there is no column nothing", "firn!>");
    terminal.ask("ROLLBACK;", "ROLLBACK (");
    terminal.ask("SELECT count(*) AS n FROM messages;", "│ 2 │");
    terminal.enter("BEGIN;");
    terminal.wait_for_prompt("BEGIN (", "firn*>");
    terminal.enter(".quit");
    terminal.wait_for("the open transaction is rolled back");
}

#[test]
fn control_c_cancels_the_statement_and_not_the_shell() {
    let terminal = shell(100, 24);
    terminal.enter("SELECT count(*) FROM generate_series(1, 100000000000);");
    // It says that something runs only after a while.
    terminal.wait_for("running, Ctrl-C cancels");
    terminal.press(&["C-c"]);
    let screen = terminal.wait_for_prompt("error: the statement was cancelled", "firn>");
    assert!(!screen.contains("running"), "{screen}");
    terminal.ask("SELECT 'alive' AS t;", "│ alive │");
    // What is being typed is thrown away.
    terminal.write("SELECT nonsense");
    terminal.wait_for("firn> SELECT nonsense");
    terminal.press(&["C-c"]);
    terminal.wait_for_prompt("firn> SELECT nonsense", "firn>");
    terminal.ask("SELECT 'again' AS t;", "│ again │");
}

#[test]
fn long_results_go_through_a_pager() {
    let terminal = Terminal::start(80, 24, "shell", "PAGER='tail -n 2; echo THAT WAS ALL'");
    terminal.wait_for_prompt("scratch store", "firn>");
    let screen = terminal.ask("SELECT value FROM generate_series(1, 500);", "THAT WAS ALL");
    assert!(screen.contains("│   500 │") && !screen.contains("│   400 │"), "{screen}");
    terminal.ask("SELECT 7 AS short;", "│     7 │");
    terminal.ask(".pager off", "the pager is off");
    let screen = terminal.ask("SELECT value FROM generate_series(1, 400);", "400 rows");
    assert!(screen.contains("│   390 │"), "{screen}");
}

#[test]
fn less_shows_the_beginning_first() {
    let terminal = Terminal::start(80, 24, "shell", "");
    terminal.wait_for_prompt("scratch store", "firn>");
    terminal.enter("SELECT value FROM generate_series(1, 500);");
    let screen = terminal.wait("the first page", |s| s.contains("│    20 │") && s.trim_end().ends_with(':'));
    assert!(screen.contains("│ value │") && !screen.contains("500"), "{screen}");
    terminal.write("G");
    terminal.wait_for("│   500 │");
    terminal.write("q");
    terminal.wait_for_prompt("500 rows", "firn>");
    terminal.ask("SELECT 'alive' AS t;", "│ alive │");
}

#[test]
fn narrow_terminals_and_wide_values() {
    let terminal = shell(60, 40);
    let screen = terminal.ask("SELECT 1 AS id, repeat('long ', 40) AS body;", "1 row (");
    let row = screen.lines().find(|l| l.starts_with("│  1 ┆ long")).expect("the row");
    assert!(row.ends_with("… │") && row.chars().count() <= 60, "{screen}");
    // Nine columns have no room in sixty: each row gets lines of its own.
    let sql = "SELECT 1 AS a,2 AS b,3 AS c,4 AS d,5 AS e,6 AS f,7 AS g,8 AS h,9 AS i;";
    let screen = terminal.ask(sql, "── row 1 ──");
    assert!(screen.contains("i │ 9"), "{screen}");
    terminal.ask("\\x", "the mode is line");
    terminal.ask("SELECT 1 AS id;", "id │ 1");
    terminal.ask("\\x", "the mode is box");
    terminal.ask(".mode csv", "firn> .mode csv");
    terminal.ask("SELECT 1 AS id, repeat('x', 70) AS body;", "id,body");
    terminal.ask(".mode markdown", "firn> .mode markdown");
    terminal.ask("SELECT 1 AS id;", "|----:|");
}

#[test]
fn what_was_typed_is_remembered_and_files_are_read() {
    let place = Place::new();
    let csv = place.file("rows.csv", "id,body\n1,snow\n2,ice\n");
    let script = place.file(
        "script.sql",
        "-- a comment\n.mode csv\nSELECT body FROM app.things\nWHERE id = 2;\n.mode box\nSELECT nope;\nSELECT 'not run';\n",
    );
    let terminal = Terminal::start(100, 40, "shell store", "PAGER=");
    terminal.wait_for_prompt("Store: store", "firn>");
    terminal.ask(&format!(".import '{csv}' app.things --create --key id"), "2 rows into app.things");
    terminal.ask(".inspect app.things", "SHARED table app.things");
    terminal.ask(&format!(".read '{script}'"), "there is no column nope");
    let screen = terminal.screen();
    assert!(screen.contains("body\nice\n") && screen.contains("script.sql"), "{screen}");
    assert!(screen.contains("line 6, column 8") && !screen.contains("not run"), "{screen}");
    terminal.ask("SELECT 'unforgotten' AS t;", "│ unforgotten │");
    terminal.leave_by_control_d();
    let terminal = Terminal::start_in(terminal.leave(), 100, 40, "store", "PAGER=");
    terminal.wait_for_prompt("Store: store", "firn>");
    terminal.press(&["Up"]);
    terminal.wait_for("firn> SELECT 'unforgotten' AS t;");
    terminal.press(&["Enter"]);
    terminal.wait_for_prompt("│ unforgotten │", "firn>");
    assert!(terminal.dir().join("state/firndb/history").is_file());
}

#[test]
fn a_script_on_standard_input_is_run_as_by_sql() {
    let place = Place::new();
    let store = place.store();
    let run =
        firndb_reading(&["shell", &store], "CREATE TABLE t (id INT PRIMARY KEY); SELECT 7 AS seven").ok();
    assert!(run.out.contains("│ seven │") && run.err.contains("CREATE TABLE"), "{run:?}");
    let run = firndb_reading(&[&store], "SELECT count(*) AS n FROM t").ok();
    assert!(run.out.contains("│ 0 │"), "{run:?}");
    firndb_reading(&["shell"], "SELECT * FROM nothing").fails(2, &["nothing"]);
    assert_eq!(firndb(&[]).ok().out, "");
}

#[test]
fn a_word_that_is_nothing_makes_no_store() {
    let place = Place::new();
    firndb(&[&place.store()]).fails(2, &["no command and no directory", "firndb shell"]);
    assert!(place.names().is_empty());
}
