//! Statements that begin with words sqlparser does not know, or that FirnDB reads in its own way.

use datafusion::sql::sqlparser::ast::{self, ObjectType};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::names::table_name;
use super::tokens::{Cursor, parse_statement};
use super::{CreateView, Statement, StorageTarget, acting, index, options, read_sql, table, user};
use crate::catalog::{IfThere, TableName};
use crate::error::{Error, Result};

/// Statements and objects that FirnDB does not have, by the words they begin with.
const UNSUPPORTED: [&str; 26] = [
    "ANALYZE",
    "ATTACH",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "COMMENT",
    "DECLARE",
    "DESC",
    "DESCRIBE",
    "DETACH",
    "DISCARD",
    "DO",
    "FETCH",
    "GRANT",
    "INSTALL",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "NOTIFY",
    "PRAGMA",
    "REINDEX",
    "RESET",
    "REVOKE",
    "UNLISTEN",
    "VACUUM",
];
const UNSUPPORTED_OBJECTS: [&str; 33] = [
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "DATABASE",
    "DOMAIN",
    "DYNAMIC",
    "EVENT",
    "EXTENSION",
    "EXTERNAL",
    "FOREIGN",
    "FUNCTION",
    "GLOBAL",
    "INDEX",
    "LANGUAGE",
    "LOCAL",
    "MACRO",
    "MATERIALIZED",
    "OPERATOR",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "RECURSIVE",
    "ROLE",
    "RULE",
    "SEQUENCE",
    "SERVER",
    "SUBSCRIPTION",
    "TEMP",
    "TEMPORARY",
    "TRIGGER",
    "TYPE",
    "UNIQUE",
    "UNLOGGED",
];

/// What SHOW MANIFEST CACHE is.
const SHOW_MANIFEST_CACHE: &str = "SELECT namespace, table_name AS \"table\", scope, etag, last_refreshed, \
    last_accessed, ttl, source, sync_state FROM system.manifest_cache ORDER BY namespace, table_name, scope";

/// Reads the tokens of one statement.
///
/// # Errors
/// As [`super::parse`].
pub(super) fn statement(tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    let Some(lead) = cursor.peek_word() else { return read_sql(tokens, end) };
    match lead.as_str() {
        "CREATE" => create(tokens, end),
        "DROP" => drop_object(tokens, end),
        "ALTER" => alter(tokens, end),
        "EXPLAIN" => super::explain::explain(tokens, end),
        "STORAGE" => storage(&mut cursor),
        "SHOW" => show(&mut cursor),
        "KILL" => kill(&mut cursor),
        "USE" | "SET" => use_namespace(&mut cursor),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" => transaction(&mut cursor),
        "SAVEPOINT" | "RELEASE" => savepoint(&mut cursor),
        "TRUNCATE" => truncate(&mut cursor),
        "COPY" => super::copy::copy(tokens, end),
        "PREPARE" => super::prepared::prepare(tokens, end),
        "EXECUTE" if acting::is_execute(&tokens) => acting::execute(&tokens, end),
        "EXECUTE" => super::prepared::execute(tokens, end),
        "DEALLOCATE" => super::prepared::deallocate(&mut cursor),
        word if UNSUPPORTED.contains(&word) => Err(Error::unsupported(format!("{word} is not supported"))),
        "INSERT" | "UPDATE" | "DELETE" => {
            let mut tokens = tokens;
            let subject = acting::take(&mut tokens)?;
            let statement = match lead.as_str() {
                "INSERT" => super::insert::statement(tokens, end)?,
                _ => read_sql(tokens, end)?,
            };
            Ok(acting::framed(subject, statement))
        }
        "SELECT" | "WITH" | "VALUES" => read_sql(tokens, end),
        _ => Err(cursor.expected("a statement such as SELECT, INSERT, UPDATE, DELETE or CREATE TABLE")),
    }
}

fn create(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    cursor.take("CREATE");
    let or_replace = cursor.take_all(&["OR", "REPLACE"]);
    if cursor.take("VIEW") {
        let (mut view, query) = create_view(&mut cursor, or_replace)?;
        match read_sql(tokens.split_off(query), end)? {
            Statement::Query(query) => view.query = query,
            _ => return Err(Error::unsupported("CREATE VIEW of anything but a query")),
        }
        return Ok(Statement::CreateView(view));
    }
    if !or_replace && cursor.take("INDEX") {
        return index::create(&mut cursor);
    }
    if or_replace {
        return Err(Error::unsupported(
            "CREATE OR REPLACE is not supported, but of views: drop the old one first",
        ));
    }
    if cursor.take("NAMESPACE") || cursor.take("SCHEMA") {
        let if_not_exists = cursor.take_all(&["IF", "NOT", "EXISTS"]);
        let name = cursor.name("a name for the namespace")?;
        cursor.finish()?;
        if name.starts_with("pg_") {
            let e =
                Error::invalid(format!("namespace {name}: names that begin with pg_ are PostgreSQL's own"));
            return Err(e.about(None, &name).with_hint("choose another name"));
        }
        return Ok(Statement::CreateNamespace { name, if_not_exists });
    }
    let at = cursor.position();
    let word = cursor.peek_word().unwrap_or_default();
    // sqlparser would read CREATE USER TABLE as the creation of a user named TABLE: here such an id is quoted.
    let mut rest = Cursor::new(tokens.get(at..).unwrap_or_default(), end);
    if word == "USER" && !rest.take_all(&["USER", "TABLE"]) {
        rest.take("USER");
        return user::create(&mut rest);
    }
    let kind = match word.as_str() {
        "USER" | "SHARED" | "STREAM" if cursor.take_all(&[&word, "TABLE"]) => {
            let kind = options::table_kind(&word)?;
            tokens.remove(at);
            Some(kind)
        }
        "TABLE" => None,
        _ => {
            return Err(no_such_object(
                &cursor,
                "CREATE",
                "TABLE, USER TABLE, SHARED TABLE, VIEW, INDEX, USER or NAMESPACE",
            ));
        }
    };
    match parse_statement(tokens, end)? {
        ast::Statement::CreateTable(create) => table::create(&create, kind).map(Statement::CreateTable),
        _ => Err(Error::unsupported("this form of CREATE TABLE is not supported")),
    }
}

/// A CREATE VIEW but for its query, and which token that starts at.
fn create_view(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<(CreateView, usize)> {
    let if_there = match (or_replace, cursor.take_all(&["IF", "NOT", "EXISTS"])) {
        (true, true) => return Err(Error::syntax("OR REPLACE and IF NOT EXISTS contradict each other")),
        (true, false) => IfThere::Replace,
        (false, true) => IfThere::Keep,
        (false, false) => IfThere::Fail,
    };
    let name = read_table(cursor)?;
    let mut columns = Vec::new();
    if cursor.take_token(&Token::LParen) {
        loop {
            columns.push(cursor.name("the name of a column")?);
            if cursor.take_token(&Token::RParen) {
                break;
            }
            if !cursor.take_token(&Token::Comma) {
                return Err(cursor.expected("a comma or a closing parenthesis"));
            }
        }
    }
    if cursor.peek_word().as_deref() == Some("WITH") {
        return Err(Error::unsupported("options of a view are not supported"));
    }
    if !cursor.take("AS") {
        return Err(cursor.expected("AS and a query"));
    }
    let query = Box::new(super::select::select(Vec::new(), Vec::new(), None)?);
    let view = CreateView { name, if_there, columns, query, text: String::new() };
    Ok((view, cursor.position()))
}

fn drop_object(tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    cursor.take("DROP");
    if cursor.take("NAMESPACE") || cursor.take("SCHEMA") {
        let if_exists = cursor.take_all(&["IF", "EXISTS"]);
        let name = cursor.name("the name of a namespace")?;
        let cascade = cursor.take("CASCADE");
        if !cascade {
            cursor.take("RESTRICT");
        }
        cursor.finish()?;
        return Ok(Statement::DropNamespace { name, if_exists, cascade });
    }
    if cursor.take("VIEW") {
        let if_exists = cursor.take_all(&["IF", "EXISTS"]);
        let mut names = vec![read_table(&mut cursor)?];
        while cursor.take_token(&Token::Comma) {
            names.push(read_table(&mut cursor)?);
        }
        let cascade = cursor.take("CASCADE");
        if !cascade {
            cursor.take("RESTRICT");
        }
        cursor.finish()?;
        return Ok(Statement::DropView { names, if_exists, cascade });
    }
    if cursor.take("INDEX") {
        return index::drop(&mut cursor);
    }
    if cursor.take("USER") {
        return user::drop(&mut cursor);
    }
    if cursor.peek_word().as_deref() != Some("TABLE") {
        return Err(no_such_object(&cursor, "DROP", "TABLE, VIEW, INDEX, USER or NAMESPACE"));
    }
    match parse_statement(tokens, end)? {
        ast::Statement::Drop {
            object_type: ObjectType::Table,
            if_exists,
            names,
            cascade,
            restrict: _,
            purge: false,
            temporary: false,
            table: None,
        } => {
            let names = names.iter().map(table_name).collect::<Result<_>>()?;
            Ok(Statement::DropTable { names, if_exists, cascade })
        }
        _ => Err(Error::unsupported("this form of DROP TABLE is not supported")),
    }
}

fn alter(tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    cursor.take("ALTER");
    match cursor.peek_word().as_deref() {
        Some("TABLE") => read_sql(tokens, end),
        Some("USER") => {
            cursor.take("USER");
            user::alter(&mut cursor)
        }
        Some("NAMESPACE" | "SCHEMA") => Err(Error::unsupported("ALTER NAMESPACE is not supported")),
        _ => Err(no_such_object(&cursor, "ALTER", "TABLE or USER")),
    }
}

/// `Unsupported` for an object that other databases have, `Syntax` for any other word.
fn no_such_object(cursor: &Cursor<'_>, verb: &str, expected: &str) -> Error {
    match cursor.peek_word() {
        Some(word) if UNSUPPORTED_OBJECTS.contains(&word.as_str()) || word == "VIEW" => {
            Error::unsupported(format!("{verb} {word} is not supported"))
        }
        _ => cursor.expected(expected),
    }
}

fn storage(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take("STORAGE");
    let checks = cursor.take("CHECK");
    let compacts = !checks && cursor.take("COMPACT");
    if !checks && !compacts && !cursor.take("FLUSH") {
        return Err(cursor.expected("FLUSH, COMPACT or CHECK"));
    }
    let target = if cursor.take("TABLE") {
        StorageTarget::Table(read_table(cursor)?)
    } else if cursor.take("ALL") {
        let namespace = if cursor.take("IN") { Some(cursor.name("the name of a namespace")?) } else { None };
        StorageTarget::All { namespace }
    } else if checks && cursor.peek().is_none() {
        StorageTarget::All { namespace: None }
    } else {
        return Err(cursor.expected("TABLE or ALL"));
    };
    cursor.finish()?;
    Ok(match (checks, compacts) {
        (true, _) => Statement::Check(target),
        (_, true) => Statement::Compact(target),
        _ => Statement::Flush(target),
    })
}

fn kill(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take("KILL");
    if !cursor.take("JOB") {
        return Err(Error::unsupported("KILL is not supported, except KILL JOB with the number of a job"));
    }
    let id = match cursor.peek() {
        Some(Token::Number(number, false)) => number.parse().ok(),
        _ => None,
    };
    let Some(id) = id else { return Err(cursor.expected("the number of a job")) };
    cursor.advance();
    cursor.finish()?;
    Ok(Statement::KillJob(id))
}

fn show(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take("SHOW");
    let statement = if cursor.take("TABLES") {
        let named = cursor.take("IN") || cursor.take("FROM");
        let namespace = if named { Some(cursor.name("the name of a namespace")?) } else { None };
        Statement::ShowTables { namespace }
    } else if cursor.take("NAMESPACES") || cursor.take("SCHEMAS") {
        Statement::ShowNamespaces
    } else if cursor.take("MANIFEST") {
        let name = read_table(cursor)?;
        if name == TableName::bare("cache") {
            cursor.finish()?;
            return own_query(SHOW_MANIFEST_CACHE);
        }
        Statement::ShowManifest(name)
    } else {
        return Err(cursor.expected("TABLES, NAMESPACES or MANIFEST"));
    };
    cursor.finish()?;
    Ok(statement)
}

/// The query that `text`, which is written here, stands for.
fn own_query(text: &str) -> Result<Statement> {
    match super::parse(text)?.pop() {
        Some(parsed) => Ok(parsed.statement),
        None => Err(Error::internal("a query of the engine's own is empty")),
    }
}

fn use_namespace(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if !cursor.take("USE") {
        cursor.take("SET");
        let assigned = cursor.take("search_path") && (cursor.take("TO") || cursor.take_token(&Token::Eq));
        if !assigned {
            return Err(Error::unsupported("SET is not supported, except SET search_path TO a namespace"));
        }
    }
    let namespace = cursor.name("the name of a namespace")?;
    cursor.finish()?;
    Ok(Statement::Use { namespace })
}

fn transaction(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let statement = if cursor.take("BEGIN") {
        Statement::Begin
    } else if cursor.take("START") {
        if cursor.peek_word().as_deref() != Some("TRANSACTION") {
            return Err(cursor.expected("TRANSACTION"));
        }
        Statement::Begin
    } else if cursor.take("COMMIT") || cursor.take("END") {
        Statement::Commit
    } else {
        let _ = cursor.take("ROLLBACK") || cursor.take("ABORT");
        Statement::Rollback
    };
    let _ = cursor.take("TRANSACTION") || cursor.take("WORK");
    match cursor.peek_word().as_deref() {
        Some("TO") if statement == Statement::Rollback => {
            cursor.take("TO");
            cursor.take("SAVEPOINT");
            let name = cursor.name("the name of a savepoint")?;
            cursor.finish()?;
            Ok(Statement::RollbackTo(name))
        }
        Some("ISOLATION" | "READ" | "NOT" | "DEFERRABLE") if statement == Statement::Begin => Err(
            Error::unsupported("modes of BEGIN are not supported: every transaction has snapshot isolation"),
        ),
        Some("AND" | "PREPARED") => Err(Error::unsupported("only plain COMMIT and ROLLBACK are supported")),
        _ => {
            cursor.finish()?;
            Ok(statement)
        }
    }
}

fn truncate(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.take("TRUNCATE");
    cursor.take("TABLE");
    if cursor.take("ONLY") {
        return Err(Error::unsupported("TRUNCATE ONLY is not supported: no table inherits from another"));
    }
    let mut names = vec![read_table(cursor)?];
    while cursor.take_token(&Token::Comma) {
        names.push(read_table(cursor)?);
    }
    if cursor.take_all(&["RESTART", "IDENTITY"]) {
        return Err(Error::unsupported(
            "TRUNCATE … RESTART IDENTITY is not supported: an id that was given out is never given out again",
        ));
    }
    cursor.take_all(&["CONTINUE", "IDENTITY"]);
    // There are no foreign keys, so CASCADE and RESTRICT come to the same.
    let _ = cursor.take("CASCADE") || cursor.take("RESTRICT");
    cursor.finish()?;
    Ok(Statement::Truncate { names })
}

fn savepoint(cursor: &mut Cursor<'_>) -> Result<Statement> {
    let release = cursor.take("RELEASE");
    cursor.take("SAVEPOINT");
    let name = cursor.name("the name of a savepoint")?;
    cursor.finish()?;
    Ok(if release { Statement::Release(name) } else { Statement::Savepoint(name) })
}

/// Reads a table's name with or without a namespace.
pub(super) fn read_table(cursor: &mut Cursor<'_>) -> Result<TableName> {
    let first = cursor.name("the name of a table")?;
    if !cursor.take_token(&Token::Period) {
        return Ok(TableName::bare(first));
    }
    Ok(TableName::qualified(first, cursor.name("the name of a table")?))
}
