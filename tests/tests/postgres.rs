//! PostgreSQL as the judge: the files of `postgres/` are run there and here, with rows hot and with rows cold,
//! and have to be answered the same but for the differences that the files themselves give a reason for.
//!
//! `FIRNDB_POSTGRES=casts` runs only the files with that in their name. Without PostgreSQL on the machine the
//! test says so and passes, unless `FIRNDB_REQUIRE_ORACLES` is set.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::path::{Path, PathBuf};

use firndb_core::{Config, Engine, Error, Outcome, Session};
use firndb_tests::judged::{Case, Script, difference};
use firndb_tests::lasting::Lasting;
use firndb_tests::postgres::{Answer, Postgres};

/// What came of one file.
#[derive(Default)]
struct Tally {
    agreed: usize,
    differ: usize,
    surprises: Vec<String>,
}

#[tokio::test]
async fn statements_are_answered_as_postgresql_does() {
    let Some(programs) = Postgres::installed() else {
        let what = "PostgreSQL is not installed (Debian: postgresql), so nothing was compared with it";
        assert!(std::env::var_os("FIRNDB_REQUIRE_ORACLES").is_none(), "{what}");
        eprintln!("{what}");
        return;
    };
    let server = Postgres::start(&programs);
    let (mut statements, mut agreed, mut differ, mut surprises) = (0, 0, 0, Vec::new());
    let files = files();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let script = Script::read(&std::fs::read_to_string(file).unwrap());
        let texts: Vec<String> = script.cases.iter().map(|case| case.sql.clone()).collect();
        let answers = server.answers(&texts);
        for is_cold in [false, true] {
            let tally = compare(&name, &script.cases, &answers, is_cold).await;
            if let Some(what) = &script.later {
                println!("{name}: {} of {} agree; later: {what}", tally.agreed, script.cases.len());
                continue;
            }
            statements += script.cases.len();
            agreed += tally.agreed;
            differ += tally.differ;
            surprises.extend(tally.surprises);
        }
    }
    println!(
        "{} files, hot and cold: {statements} statements, {agreed} answered the same, {differ} differ for a \
         reason, {} otherwise",
        files.len(),
        surprises.len()
    );
    assert!(surprises.is_empty(), "{} surprises:\n\n{}", surprises.len(), surprises.join("\n\n"));
}

#[test]
fn a_postgresql_that_disagrees_is_heard() {
    let Some(programs) = Postgres::installed() else { return };
    let server = Postgres::start(&programs);
    let texts = ["SELECT 1 AS a, NULL::text", "SELECT 1 / 0", "SELECT 'a' || chr(10) || 'b' WHERE true"];
    let answers = server.answers(&texts.map(str::to_owned));
    let [one, failed, lines] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(
        (one.types.as_slice(), one.rows.len()),
        (["integer", "text"].map(str::to_owned).as_slice(), 1)
    );
    assert_eq!((failed.sqlstate.as_str(), failed.message.as_str()), ("22012", "division by zero"));
    assert_eq!(lines.rows, [[Some("a\nb".to_owned())]]);
    assert!(difference(texts[0], one, &Ok(Outcome::Affected(1))).is_some());
}

/// The files, sorted by name.
fn files() -> Vec<PathBuf> {
    let only = std::env::var("FIRNDB_POSTGRES").unwrap_or_default();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres");
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.file_name().unwrap().to_string_lossy().contains(&only)).collect();
    files.sort();
    assert!(!files.is_empty(), "there is no file of statements");
    files
}

/// Runs the statements on a store of their own.
async fn compare(name: &str, cases: &[Case], answers: &[Answer], is_cold: bool) -> Tally {
    let engine = Engine::open(Lasting::new(1).stores(), Config::default()).await.unwrap();
    let mut session = engine.session();
    let tier = if is_cold { "cold" } else { "hot" };
    let mut tally = Tally::default();
    for (case, theirs) in cases.iter().zip(answers) {
        let ours = run(&mut session, &case.sql, is_cold).await;
        let place = format!("{name}:{} [{tier}]: {}", case.line, case.sql);
        match (difference(&case.sql, theirs, &ours), &case.differs) {
            (None, None) => tally.agreed += 1,
            (Some(_), Some(_)) => tally.differ += 1,
            (Some(how), None) => tally.surprises.push(format!("{place}\n{how}")),
            (None, Some(reason)) => tally
                .surprises
                .push(format!("{place}\nis answered the same, so take the mark away: differs: {reason}")),
        }
    }
    tally
}

async fn run(session: &mut Session, sql: &str, is_cold: bool) -> Result<Outcome, Error> {
    let outcome = session.execute(sql).await.map(|mut outcomes| outcomes.pop())?;
    if is_cold && !session.in_transaction() {
        session.execute("STORAGE FLUSH ALL").await.unwrap();
    }
    Ok(outcome.unwrap_or(Outcome::Affected(0)))
}
