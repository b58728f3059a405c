//! CREATE TABLE and ALTER TABLE.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;
use datafusion::sql::sqlparser::ast::{
    AlterTableOperation as Operation, CreateTableOptions, Expr, IndexColumn, OrderByExpr, TableConstraint,
};

use super::names::{ident_name, name_parts, table_name};
use super::{column, options};
use crate::catalog::{AlterAction, AlterTable, CreateTable, NewColumn, OptionChanges, TableKind, quoted};
use crate::error::{Error, Result};

/// A CREATE TABLE whose kind, if a word in front of TABLE gave one, is `kind`.
///
/// # Errors
/// `Unsupported` for types, constraints and clauses that FirnDB does not have, each named;
/// `InvalidInput` for a table without primary key, with the fix, and for options that cannot be.
pub(super) fn create(statement: &ast::CreateTable, kind: Option<TableKind>) -> Result<CreateTable> {
    refuse_clauses(statement)?;
    let name = table_name(&statement.name)?;
    let (option_kind, options) = match &statement.table_options {
        CreateTableOptions::None => (None, OptionChanges::default()),
        CreateTableOptions::With(list) => options::read(list)?,
        other => return Err(Error::unsupported(format!("{other}: table options are given by WITH (…)"))),
    };
    let kind = match (kind, option_kind) {
        (Some(word), Some(option)) if word != option => {
            return Err(Error::invalid(format!(
                "CREATE {} TABLE and TYPE = '{}' contradict each other",
                word.sql_name(),
                option.sql_name()
            )));
        }
        (word, option) => word.or(option).unwrap_or(TableKind::Shared),
    };
    let mut columns = Vec::with_capacity(statement.columns.len());
    let mut keys: Vec<Vec<String>> = Vec::new();
    for definition in &statement.columns {
        let (column, is_key) = column::read(definition)?;
        if is_key {
            keys.push(vec![column.name.clone()]);
        }
        check_new_name(&columns, &column)?;
        columns.push(column);
    }
    for constraint in &statement.constraints {
        keys.push(key_of(constraint)?);
    }
    if keys.len() > 1 {
        return Err(Error::invalid(format!(
            "table {name} has more than one PRIMARY KEY; for a key of several columns, write PRIMARY KEY ({})",
            keys.concat().iter().map(|k| quoted(k)).collect::<Vec<_>>().join(", ")
        )));
    }
    let primary_key = keys.pop().ok_or_else(|| no_key(&name.to_string(), &columns))?;
    Ok(CreateTable { name, if_not_exists: statement.if_not_exists, kind, columns, primary_key, options })
}

/// An ALTER TABLE.
///
/// # Errors
/// `Unsupported` for what FirnDB cannot change, named; else as [`create`].
pub(super) fn alter(statement: &ast::AlterTable) -> Result<AlterTable> {
    let ast::AlterTable { name, if_exists, only, operations, location, on_cluster, table_type, end_token: _ } =
        statement;
    if *only || location.is_some() || on_cluster.is_some() || table_type.is_some() {
        return Err(Error::unsupported(format!("{statement}: FirnDB has ALTER TABLE [IF EXISTS] name")));
    }
    let mut actions = Vec::with_capacity(operations.len());
    for operation in operations {
        action(operation, &mut actions)?;
    }
    Ok(AlterTable { table: table_name(name)?, if_exists: *if_exists, actions })
}

fn action(operation: &Operation, actions: &mut Vec<AlterAction>) -> Result<()> {
    match operation {
        Operation::AddColumn { column_keyword: _, if_not_exists, column_def, column_position: None } => {
            let (column, is_key) = column::read(column_def)?;
            if is_key {
                return Err(Error::unsupported("ADD COLUMN … PRIMARY KEY: the key of a table cannot change"));
            }
            actions.push(AlterAction::AddColumn { column, if_not_exists: *if_not_exists });
        }
        Operation::DropColumn { has_column_keyword: _, column_names, if_exists, drop_behavior: _ } => {
            actions.extend(
                column_names
                    .iter()
                    .map(|name| AlterAction::DropColumn { name: ident_name(name), if_exists: *if_exists }),
            );
        }
        Operation::RenameColumn { old_column_name, new_column_name } => {
            actions.push(AlterAction::RenameColumn {
                from: ident_name(old_column_name),
                to: ident_name(new_column_name),
            })
        }
        Operation::SetOptionsParens { options } => {
            let (kind, changes) = options::read(options)?;
            if kind.is_some() {
                return Err(Error::unsupported("SET (TYPE = …): the kind of a table cannot change"));
            }
            actions.push(AlterAction::SetOptions(changes));
        }
        other => {
            return Err(Error::unsupported(format!(
                "ALTER TABLE … {other}: FirnDB has ADD COLUMN, DROP COLUMN, RENAME COLUMN and SET (…)"
            )));
        }
    }
    Ok(())
}

fn check_new_name(columns: &[NewColumn], column: &NewColumn) -> Result<()> {
    crate::catalog::check_column_name(&column.name)?;
    if columns.iter().any(|c| c.name == column.name) {
        return Err(Error::invalid(format!("there are two columns named {}", quoted(&column.name))));
    }
    Ok(())
}

/// The error for a table without key, with a statement that would have one.
fn no_key(table: &str, columns: &[NewColumn]) -> Error {
    let candidate = columns.iter().find(|c| c.name == "id").or_else(|| columns.first());
    let (list, example) = match candidate {
        Some(column) => (quoted(&column.name), format!("{} {} PRIMARY KEY", quoted(&column.name), column.ty)),
        None => ("id".to_owned(), "id BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID()".to_owned()),
    };
    Error::invalid(format!("table {table} has no primary key, and every table needs one"))
        .with_hint(format!("add PRIMARY KEY ({list}), for example CREATE TABLE {table} ({example}, …)"))
}

/// The columns of a table's PRIMARY KEY clause.
fn key_of(constraint: &TableConstraint) -> Result<Vec<String>> {
    let key = match constraint {
        TableConstraint::PrimaryKey(key) => key,
        TableConstraint::Unique(_) => {
            return Err(Error::unsupported(format!("{constraint}: only the primary key is unique"))
                .about(None, "unique"));
        }
        TableConstraint::ForeignKey(_) => {
            return Err(Error::unsupported(format!("{constraint}: FirnDB has no foreign keys"))
                .about(None, "foreign"));
        }
        TableConstraint::Check(_) => {
            return Err(Error::unsupported(format!("{constraint}: FirnDB has no CHECK constraints"))
                .about(None, "check"));
        }
        other => return Err(Error::unsupported(format!("{other}: FirnDB does not have it"))),
    };
    if !column::has_no_clauses(key) {
        return Err(Error::unsupported(format!("{constraint}: a PRIMARY KEY has no further clauses")));
    }
    let columns = key.columns.iter().map(|column| match column {
        IndexColumn {
            column: OrderByExpr { expr: Expr::Identifier(ident), options, with_fill: None },
            operator_class: None,
        } if *options == ast::OrderByOptions::default() => Ok(ident_name(ident)),
        other => Err(Error::unsupported(format!("PRIMARY KEY ({other}): a key is made of plain columns"))),
    });
    columns.collect()
}

/// Refuses every clause that is not read: the statement must equal one made of what is.
fn refuse_clauses(statement: &ast::CreateTable) -> Result<()> {
    let read = CreateTableBuilder::new(statement.name.clone())
        .if_not_exists(statement.if_not_exists)
        .columns(statement.columns.clone())
        .constraints(statement.constraints.clone())
        .table_options(statement.table_options.clone())
        .hive_formats(statement.hive_formats.clone().filter(|f| *f == ast::HiveFormat::default()))
        .build();
    if read == *statement {
        return Ok(());
    }
    let name = name_parts(&statement.name)?.join(".");
    if statement.query.is_some() {
        return Err(Error::unsupported("CREATE TABLE … AS is not supported").with_hint(format!(
            "create the table with its columns and a PRIMARY KEY, then INSERT INTO {name} SELECT …"
        )));
    }
    let clauses = [
        (statement.or_replace, "OR REPLACE"),
        (statement.temporary, "TEMPORARY tables"),
        (statement.external, "EXTERNAL tables"),
        (statement.like.is_some(), "LIKE"),
        (statement.inherits.is_some(), "INHERITS"),
        (statement.partition_by.is_some() || statement.partition_of.is_some(), "PARTITION"),
        (statement.without_rowid, "WITHOUT ROWID"),
        (statement.strict, "STRICT"),
        (statement.on_commit.is_some(), "ON COMMIT"),
    ];
    let clause = clauses.iter().find(|(present, _)| *present);
    let clause = clause.map_or("it has a clause that FirnDB does not have", |(_, clause)| *clause);
    Err(Error::unsupported(format!("CREATE TABLE {name}: not supported: {clause}")))
}
