//! Refuses clauses that the parser reads and that would otherwise be passed over in silence.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::{
    OnInsert, SetExpr, TableFactor, TableObject, UpdateTableFromKind, Visit, Visitor,
};

use super::windows;
use crate::error::{Error, Result};

/// Checks a query and everything in it.
///
/// # Errors
/// `Unsupported`, naming the clause.
pub(super) fn check_query(query: &ast::Query) -> Result<()> {
    visit(query)
}

/// Checks an INSERT and everything in it.
///
/// # Errors
/// `Unsupported`, naming the clause.
pub(super) fn check_insert(insert: &ast::Insert) -> Result<()> {
    let ast::Insert {
        insert_token: _,
        optimizer_hints: _,
        or,
        ignore,
        into: _,
        table,
        table_alias: _,
        columns: _,
        overwrite,
        source,
        assignments,
        partitioned,
        after_columns,
        has_table_keyword,
        on,
        returning: _,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause,
    } = insert;
    refuse(&[
        (or.is_some() || *replace_into, "INSERT OR …: write ON CONFLICT"),
        (*ignore, "INSERT IGNORE: write ON CONFLICT DO NOTHING"),
        (!matches!(table, TableObject::TableName(_)), "INSERT INTO what is no table name"),
        (*overwrite, "INSERT OVERWRITE"),
        (!assignments.is_empty(), "INSERT … SET: write VALUES"),
        (partitioned.is_some() || !after_columns.is_empty(), "INSERT … PARTITION"),
        (*has_table_keyword, "INSERT INTO TABLE: leave out TABLE"),
        (matches!(on, Some(OnInsert::DuplicateKeyUpdate(_))), "ON DUPLICATE KEY UPDATE: write ON CONFLICT"),
        (output.is_some(), "OUTPUT: write RETURNING"),
        (priority.is_some(), "the priority of an INSERT"),
        (insert_alias.is_some(), "an alias behind VALUES"),
        (settings.is_some() || format_clause.is_some(), "SETTINGS and FORMAT"),
        (
            multi_table_insert_type.is_some()
                || !multi_table_into_clauses.is_empty()
                || !multi_table_when_clauses.is_empty()
                || multi_table_else_clause.is_some(),
            "INSERT into several tables",
        ),
    ])?;
    if let Some(source) = source {
        visit(source.as_ref())?;
    }
    visit(&insert.on)?;
    visit(&insert.returning)
}

/// Checks an UPDATE and everything in it.
///
/// # Errors
/// `Unsupported`, naming the clause.
pub(super) fn check_update(update: &ast::Update) -> Result<()> {
    let ast::Update {
        update_token: _,
        optimizer_hints: _,
        table,
        assignments,
        from,
        selection,
        returning,
        output,
        or,
        order_by,
        limit,
    } = update;
    refuse(&[
        (!table.joins.is_empty(), "UPDATE of a join: write FROM behind SET"),
        (matches!(from, Some(UpdateTableFromKind::BeforeSet(_))), "FROM before SET"),
        (output.is_some(), "OUTPUT: write RETURNING"),
        (or.is_some(), "UPDATE OR …"),
        (!order_by.is_empty() || limit.is_some(), "ORDER BY and LIMIT of an UPDATE"),
    ])?;
    windows::refuse(assignments, "UPDATE")?;
    windows::refuse(selection, "WHERE")?;
    windows::refuse(returning, "RETURNING")?;
    visit(update)
}

/// Checks a DELETE and everything in it.
///
/// # Errors
/// `Unsupported`, naming the clause.
pub(super) fn check_delete(delete: &ast::Delete) -> Result<()> {
    let ast::Delete {
        delete_token: _,
        optimizer_hints: _,
        tables,
        from,
        using: _,
        selection,
        returning,
        output,
        order_by,
        limit,
    } = delete;
    let (ast::FromTable::WithFromKeyword(list) | ast::FromTable::WithoutKeyword(list)) = from;
    let one = matches!(list.as_slice(), [only] if only.joins.is_empty());
    refuse(&[
        (!tables.is_empty() || !one, "DELETE from several tables: write USING for the others"),
        (output.is_some(), "OUTPUT: write RETURNING"),
        (!order_by.is_empty() || limit.is_some(), "ORDER BY and LIMIT of a DELETE"),
    ])?;
    windows::refuse(selection, "WHERE")?;
    windows::refuse(returning, "RETURNING")?;
    visit(delete)
}

fn refuse(clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(present, _)| *present) {
        Some((_, what)) => Err(not_supported(what)),
        None => Ok(()),
    }
}

/// What is refused, and behind a colon what to do instead.
fn not_supported(what: &str) -> Error {
    match what.split_once(": ") {
        Some((clause, instead)) => Error::unsupported(format!("not supported: {clause}")).with_hint(instead),
        None => Error::unsupported(format!("not supported: {what}")),
    }
}

fn visit(node: &impl Visit) -> Result<()> {
    match node.visit(&mut Clauses) {
        ControlFlow::Break(what) => Err(not_supported(what)),
        ControlFlow::Continue(()) => windows::check(node),
    }
}

/// Stops at a clause that DataFusion's planner would not look at.
struct Clauses;

impl Visitor for Clauses {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Self::Break> {
        let ast::Query {
            with: _,
            body,
            order_by: _,
            limit_clause,
            fetch: _,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators: _,
        } = query;
        let limit_by = match limit_clause {
            Some(ast::LimitClause::LimitOffset { limit_by, .. }) => !limit_by.is_empty(),
            _ => false,
        };
        first(&[
            (
                !locks.is_empty(),
                "FOR UPDATE and FOR SHARE: a transaction that meets another's write fails with Conflict",
            ),
            (for_clause.is_some(), "FOR XML, JSON or BROWSE"),
            (settings.is_some() || format_clause.is_some(), "SETTINGS and FORMAT"),
            (limit_by, "LIMIT … BY"),
            (
                writes(body),
                "a statement that writes, inside of a query or behind WITH: in INSERT, put WITH before SELECT",
            ),
        ])
    }

    fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<Self::Break> {
        first(&[
            (select.into.is_some(), "SELECT INTO: create the table, then INSERT … SELECT"),
            (select.exclude.is_some(), "EXCLUDE"),
            (select.select_modifiers.is_some(), "modifiers of SELECT"),
            (select.value_table_mode.is_some(), "SELECT AS"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (select.prewhere.is_some(), "PREWHERE"),
        ])
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        match factor {
            TableFactor::Table {
                name: _,
                alias: _,
                args: _,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => first(&[
                (!with_hints.is_empty() || !index_hints.is_empty(), "hints behind a table's name"),
                (version.is_some(), "a version of a table"),
                (*with_ordinality, "WITH ORDINALITY"),
                (!partitions.is_empty(), "PARTITION"),
                (json_path.is_some(), "a JSON path behind a table's name"),
                (sample.is_some(), "TABLESAMPLE"),
            ]),
            TableFactor::Derived { sample, .. } => first(&[(sample.is_some(), "TABLESAMPLE")]),
            TableFactor::Function { with_ordinality, .. } => first(&[(*with_ordinality, "WITH ORDINALITY")]),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn first(clauses: &[(bool, &'static str)]) -> ControlFlow<&'static str> {
    match clauses.iter().find(|(present, _)| *present) {
        Some((_, what)) => ControlFlow::Break(what),
        None => ControlFlow::Continue(()),
    }
}

fn writes(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => true,
        SetExpr::SetOperation { left, right, .. } => writes(left) || writes(right),
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => false,
    }
}
