//! `firndb sql`: statements in, rows out.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::time::Instant;

use datafusion::scalar::ScalarValue;
use firndb_core::sql::parse;
use firndb_core::{Engine, Error, Result, Session};

use crate::args::SqlArgs;
use crate::failure::{self, Failure};
use crate::render::Printer;
use crate::script::{Statement, statements};
use crate::store;

/// Runs the command.
pub async fn run(args: SqlArgs) -> failure::Outcome {
    let script = text(&args)?;
    let params: Vec<_> = args.params.iter().map(|p| parameter(p)).collect();
    let engine = match &args.dir {
        Some(dir) => store::open_or_create(dir, args.blobs.as_deref(), &args.settings).await?,
        None => store::memory(&args.settings).await?,
    };
    let mut session = store::session(&engine, &args.who)?;
    let mut printer = Printer::new(args.format, args.quiet);
    let done = carry_out(&engine, &mut session, &script, &params, &mut printer).await;
    if session.in_transaction() {
        eprintln!("warning: the script ended inside a transaction, which is rolled back");
    }
    drop(session);
    store::finish(&engine, done).await
}

/// The statements, from wherever the arguments say.
fn text(args: &SqlArgs) -> Result<String> {
    match (&args.file, args.sql.as_deref()) {
        (Some(path), _) => fs::read_to_string(path).map_err(|e| failure::file("read", path, &e)),
        (None, Some("-")) => stdin(),
        (None, Some(sql)) => Ok(sql.to_owned()),
        (None, None) if io::stdin().is_terminal() => {
            Err(Error::invalid("no SQL: give it as an argument, with -f FILE, or on standard input"))
        }
        (None, None) => stdin(),
    }
}

fn stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| Error::invalid(format!("cannot read SQL from standard input: {e}")))?;
    Ok(text)
}

async fn carry_out(
    engine: &Engine,
    session: &mut Session,
    script: &str,
    params: &[ScalarValue],
    printer: &mut Printer,
) -> Result<(), Failure> {
    let all = statements(script);
    if !params.is_empty() && all.len() != 1 {
        let found = all.len();
        return Err(Error::invalid(format!("--param goes with one statement, this text has {found}")).into());
    }
    all.iter().try_for_each(check_syntax)?;
    for (at, statement) in all.iter().enumerate() {
        let started = Instant::now();
        let outcomes = one(session, statement, params).await.map_err(|e| {
            // An error with a place says where by itself.
            if all.len() > 1 && e.position().is_none() {
                return e.context(format!("statement {}, line {}", at + 1, statement.line));
            }
            e.within(statement.start)
        })?;
        for outcome in &outcomes {
            printer.print(outcome, started)?;
        }
        if !session.in_transaction() {
            store::settle(engine).await;
        }
    }
    Ok(())
}

/// Refuses a statement that cannot be read before any is run, by its position in the script.
fn check_syntax(statement: &Statement<'_>) -> Result<()> {
    let read = parse(statement.text).map(|_| ());
    read.map_err(|e| match e.position() {
        Some(_) => e.within(statement.start),
        None => e.context(format!("line {}", statement.line)),
    })
}

async fn one(
    session: &mut Session,
    statement: &Statement<'_>,
    params: &[ScalarValue],
) -> Result<Vec<firndb_core::Outcome>> {
    if params.is_empty() {
        return session.execute(statement.text).await;
    }
    session.query(statement.text, params).await.map(|o| vec![o])
}

/// The value that the text of a `--param` stands for.
fn parameter(text: &str) -> ScalarValue {
    let quoted = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    if let Some(inner) = quoted {
        return ScalarValue::Utf8(Some(inner.replace("''", "'")));
    }
    if text.eq_ignore_ascii_case("null") {
        return ScalarValue::Null;
    }
    if let Ok(flag) = text.to_ascii_lowercase().parse::<bool>() {
        return ScalarValue::Boolean(Some(flag));
    }
    if let Ok(n) = text.parse::<i64>() {
        return ScalarValue::Int64(Some(n));
    }
    // `inf`, `nan` and the like are words first.
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match text.parse::<f64>() {
        Ok(x) if numeric && x.is_finite() => ScalarValue::Float64(Some(x)),
        _ => ScalarValue::Utf8(Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_typed_by_how_they_look() {
        let text = |s: &str| ScalarValue::Utf8(Some(s.to_owned()));
        let cases = [
            ("7", ScalarValue::Int64(Some(7))),
            ("-7", ScalarValue::Int64(Some(-7))),
            ("1.5", ScalarValue::Float64(Some(1.5))),
            ("1e3", ScalarValue::Float64(Some(1000.0))),
            ("TRUE", ScalarValue::Boolean(Some(true))),
            ("null", ScalarValue::Null),
            ("'7'", text("7")),
            ("'it''s'", text("it's")),
            ("it's", text("it's")),
            ("nan", text("nan")),
            ("2001-01-01", text("2001-01-01")),
            ("", text("")),
            ("'", text("'")),
        ];
        for (given, expected) in cases {
            assert_eq!(parameter(given), expected, "{given}");
        }
    }
}
