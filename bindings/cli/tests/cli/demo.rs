//! `firndb demo`: it runs to its end, reads well, and cleans up.

use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::process::{Place, command, firndb};

#[test]
fn it_tells_the_whole_story_in_a_page() {
    let run = firndb(&["demo", "--rows", "12000"]).ok();
    let lines: Vec<_> = run.out.lines().collect();
    assert!(lines.len() < 100, "{} lines", lines.len());
    let wide: Vec<_> =
        lines.iter().filter(|l| l.chars().count() > 80 && !l.contains("firndb-demo-")).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    assert!(!run.out.contains('\u{1b}'), "colour where there is no terminal");
    for word in ["Conflict", "hidden", "alice sees: a note by alice", "the same answer"] {
        assert!(run.out.contains(word), "no {word:?} in\n{}", run.out);
    }
    assert!(!run.out.contains('?'), "{}", run.out);
    assert!(!Path::new(store_of(&run.out)).exists());
}

#[test]
fn a_kept_store_is_one_that_other_commands_read() {
    let place = Place::new();
    firndb(&["demo", "--rows", "3000", "-d", &place.store()]).ok();
    assert!(place.sql("SELECT count(*) AS n FROM demo.flights").starts_with("n\n2"));
    firndb(&["check", &place.store()]).ok();
}

#[test]
fn flights_that_are_none_are_refused() {
    let place = Place::new();
    firndb(&["demo", "--flights", &place.path("none.parquet")]).fails(2, &["none.parquet"]);
    let csv = place.file("people.csv", "id,name\n1,Ada\n");
    firndb(&["demo", "--flights", &csv]).fails(2, &["people.csv", "Parquet"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_130_and_cleans_up() {
    let mut child = command(&["demo"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told: Vec<_> = lines.by_ref().take(2).map(Result::unwrap).collect();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let rest = lines.count();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest} more lines");
    assert!(!Path::new(store_of(&told.join("\n"))).exists());
}

fn store_of(told: &str) -> &str {
    let line = told.lines().find_map(|l| l.strip_prefix("Store: ")).unwrap();
    line.split(" (").next().unwrap()
}
