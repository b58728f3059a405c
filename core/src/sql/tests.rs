//! Statements, and what is refused.

use super::*;
use crate::catalog::{
    AlterAction, ColumnType, Compression, DefaultExpr, Element, FlushPolicy, Literal, NewColumn,
    OptionChanges, TableKind,
};
use crate::error::ErrorKind;

fn one(sql: &str) -> Statement {
    let mut all = parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0).statement
}

fn create(sql: &str) -> CreateTable {
    match one(sql) {
        Statement::CreateTable(create) => create,
        other => panic!("{sql}: {other:?}"),
    }
}

fn column(name: &str, ty: ColumnType, nullable: bool, default: Option<DefaultExpr>) -> NewColumn {
    NewColumn { name: name.to_owned(), ty, nullable, default }
}

/// Asserts that each statement fails with `kind` and a message that holds the text beside it.
fn refused(kind: ErrorKind, cases: &[(&str, &str)]) {
    for (sql, text) in cases {
        let e = match parse(sql) {
            Err(e) => e,
            Ok(parsed) => panic!("{sql}: {parsed:?}"),
        };
        assert_eq!(e.kind(), kind, "{sql}: {e}");
        assert!(e.to_string().contains(text), "{sql}: {e}");
    }
}

mod acting;
mod limits;
mod statements;
mod tables;
