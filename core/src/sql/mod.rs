//! Text into statements.
//!
//! The syntax is PostgreSQL's, read by sqlparser, and FirnDB's own: kinds of tables, namespaces,
//! `STORAGE …`, `SHOW …`. What FirnDB does not have is refused here, by name, and never passed over.

mod acting;
mod changes;
mod clause;
mod column;
mod copy;
mod depth;
mod dialect;
mod explain;
mod fingerprint;
mod index;
mod insert;
mod lists;
mod locate;
mod names;
mod options;
mod own;
mod prepared;
mod select;
mod system_columns;
mod table;
mod tokens;
mod user;
mod values;
mod windows;

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

pub use acting::{AsUser, Subject};
pub use column::column_type;
pub use copy::{Copy, CopyRows};
pub use explain::PlanFormat;
pub use fingerprint::fingerprint;
pub use insert::{Insert, Overriding};
pub use locate::locate;
pub use names::{ident_name, name_parts, table_name};
pub use prepared::Prepare;
pub use select::{from_table, select};
pub use system_columns::{SystemColumns, mentions, rewrite_expression, rewrite_system_columns};
pub use user::{AlterUser, CreateUser, DropUser, Password};

use crate::catalog::{AlterTable, CreateIndex, CreateTable, IfThere, TableName};
pub use crate::config::SqlLimits;
pub use crate::copy::{CopyOptions, Format, Header};
use crate::error::{Error, Position, Result};
use tokens::{Cursor, Piece, parse_statement, place};

/// One statement of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What it says.
    pub statement: Statement,
    /// Its own source, without the semicolon.
    pub text: String,
    /// Where in the whole text it starts.
    pub start: Position,
    /// The highest number among its parameters `$1`, `$2`, …
    pub parameters: usize,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `CREATE NAMESPACE`.
    CreateNamespace {
        /// The namespace.
        name: String,
        /// Whether one that is there makes the statement do nothing.
        if_not_exists: bool,
    },
    /// `DROP NAMESPACE`.
    DropNamespace {
        /// The namespace.
        name: String,
        /// Whether a missing one makes the statement do nothing.
        if_exists: bool,
        /// Whether its tables are dropped too.
        cascade: bool,
    },
    /// `CREATE USER`.
    CreateUser(CreateUser),
    /// `ALTER USER`.
    AlterUser(AlterUser),
    /// `DROP USER`.
    DropUser(DropUser),
    /// `CREATE TABLE`.
    CreateTable(CreateTable),
    /// `DROP TABLE`.
    DropTable {
        /// The tables.
        names: Vec<TableName>,
        /// Whether missing ones are passed over.
        if_exists: bool,
        /// Whether views that use them are dropped too.
        cascade: bool,
    },
    /// `CREATE VIEW`.
    CreateView(CreateView),
    /// `DROP VIEW`.
    DropView {
        /// The views.
        names: Vec<TableName>,
        /// Whether missing ones are passed over.
        if_exists: bool,
        /// Whether views that use them are dropped too.
        cascade: bool,
    },
    /// `ALTER TABLE`.
    AlterTable(AlterTable),
    /// `CREATE INDEX`.
    CreateIndex(CreateIndex),
    /// `DROP INDEX`.
    DropIndex {
        /// The indexes.
        names: Vec<TableName>,
        /// Whether missing ones are passed over.
        if_exists: bool,
    },
    /// `TRUNCATE`.
    Truncate {
        /// The tables.
        names: Vec<TableName>,
    },
    /// `INSERT`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<ast::Update>),
    /// `DELETE`.
    Delete(Box<ast::Delete>),
    /// `SELECT`, `VALUES` or `WITH`.
    Query(Box<ast::Query>),
    /// `EXPLAIN` of a query, an INSERT, an UPDATE or a DELETE.
    Explain {
        /// Whether the statement is run and measured.
        analyze: bool,
        /// Whether all there is to say is said.
        verbose: bool,
        /// What it answers with.
        format: PlanFormat,
        /// The statement.
        statement: Box<Statement>,
    },
    /// One of these in somebody's name.
    AsUser(AsUser),
    /// `COPY`.
    Copy(Box<Copy>),
    /// `BEGIN`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// `SAVEPOINT` with its name.
    Savepoint(String),
    /// `ROLLBACK TO` a savepoint.
    RollbackTo(String),
    /// `RELEASE` of a savepoint.
    Release(String),
    /// `STORAGE FLUSH`.
    Flush(StorageTarget),
    /// `STORAGE COMPACT`.
    Compact(StorageTarget),
    /// `STORAGE CHECK`.
    Check(StorageTarget),
    /// `KILL JOB` with its number.
    KillJob(u64),
    /// `SHOW MANIFEST`.
    ShowManifest(TableName),
    /// `SHOW NAMESPACES`.
    ShowNamespaces,
    /// `SHOW TABLES`.
    ShowTables {
        /// The namespace, or `None` for the session's own.
        namespace: Option<String>,
    },
    /// `PREPARE`.
    Prepare(Box<Prepare>),
    /// `EXECUTE` of a prepared statement.
    Execute {
        /// What it is called by.
        name: String,
        /// The values of its parameters.
        values: Vec<ast::Expr>,
    },
    /// `DEALLOCATE` of a prepared statement, or of all.
    Deallocate(Option<String>),
    /// `USE`.
    Use {
        /// The namespace of bare names from now on.
        namespace: String,
    },
}

/// `CREATE VIEW`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// The view.
    pub name: TableName,
    /// What happens when there is something of the name.
    pub if_there: IfThere,
    /// Names for its columns, from the first on; the others keep theirs.
    pub columns: Vec<String>,
    /// The query.
    pub query: Box<ast::Query>,
    /// The query as it was written.
    pub text: String,
}

/// What a STORAGE statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageTarget {
    /// One table.
    Table(TableName),
    /// Every table.
    All {
        /// Only those of this namespace.
        namespace: Option<String>,
    },
}

/// The statements of `text`, which semicolons separate. Empty ones are left out.
///
/// # Errors
/// `Syntax`, with line and column, for what is not SQL that FirnDB reads; `Unsupported` for what it does
/// not have; `InvalidInput` for what cannot be; `LimitExceeded` past the default [`SqlLimits`].
pub fn parse(text: &str) -> Result<Vec<Parsed>> {
    parse_within(text, &SqlLimits::default())
}

/// As [`parse`], within `limits`.
///
/// # Errors
/// As [`parse`].
pub fn parse_within(text: &str, limits: &SqlLimits) -> Result<Vec<Parsed>> {
    if text.len() > limits.text_bytes {
        return Err(Error::limit(format!(
            "a text of SQL has at most {} bytes, this one has {}",
            limits.text_bytes,
            text.len()
        )));
    }
    let pieces = tokens::split(text);
    let parsed = pieces.and_then(|all| all.into_iter().map(|piece| parse_piece(piece, limits)).collect());
    parsed.map_err(|e| locate::explain(e, text))
}

fn parse_piece(piece: Piece, limits: &SqlLimits) -> Result<Parsed> {
    let Piece { mut tokens, rows, text, end } = piece;
    if let Some(past) = tokens.get(limits.tokens) {
        return Err(Error::limit(format!(
            "{}: a statement has at most {} words, values and signs",
            place(past.span.start),
            limits.tokens
        )));
    }
    let start = tokens.first().map_or(Position::START, |token| tokens::position(token.span.start));
    depth::check(&tokens, limits.depth)?;
    lists::check(&tokens, limits.in_items)?;
    let mut parameters = count_parameters(&tokens, limits.parameters)?;
    let Some((place, rows)) = rows else {
        let starts = view_starts(&tokens);
        let mut statement = own::statement(tokens, end).map_err(|e| locate::placed(e, &text, start))?;
        if let (Statement::Prepare(prepare), Some((start, inner))) = (&mut statement, starts) {
            parameters = 0;
            prepare.parsed.text = tokens::text_from(&text, start, inner);
        }
        if let (Statement::CreateView(view), Some((start, query))) = (&mut statement, starts) {
            if parameters > 0 {
                return Err(Error::invalid("a view has no parameters: its query must be whole"));
            }
            view.text = tokens::text_from(&text, start, query);
        }
        return Ok(Parsed { statement, text, start, parameters });
    };
    parameters = parameters.max(rows.parameters);
    if parameters > limits.parameters {
        return Err(Error::limit(format!("parameters end at ${}, found ${parameters}", limits.parameters)));
    }
    tokens.splice(place..place, values::stand_in(end));
    let mut statement = own::statement(tokens, end)?;
    values::put(&mut statement, rows.rows)?;
    Ok(Parsed { statement, text, start, parameters })
}

/// Where a CREATE VIEW or PREPARE starts, and where the query in it does: behind the first AS outside of parentheses.
fn view_starts(tokens: &[TokenWithSpan]) -> Option<(Location, Location)> {
    let mut depth = 0_usize;
    let behind = tokens.iter().position(|token| {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && tokens::keyword(&token.token) == Some(Keyword::AS)
    })? + 1;
    Some((tokens.first()?.span.start, tokens.get(behind)?.span.start))
}

/// The highest number of a parameter.
fn count_parameters(tokens: &[TokenWithSpan], limit: usize) -> Result<usize> {
    let mut highest = 0;
    for token in tokens {
        let Token::Placeholder(name) = &token.token else { continue };
        let at = token.span.start;
        let number = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        match number {
            Some(number) if number > limit => {
                return Err(Error::limit(format!("{}: parameters end at ${limit}, found {name}", place(at))));
            }
            Some(number) => highest = highest.max(number),
            None => return Err(tokens::syntax(at, format!("expected a parameter $1, $2, …, found {name}"))),
        }
    }
    Ok(highest)
}

/// A statement that sqlparser knows.
fn read_sql(tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    acting::refuse(&tokens)?;
    let lead = Cursor::new(&tokens, end).peek_word().unwrap_or_default();
    let has_changes = changes::may_hold(&tokens);
    let mut statement = parse_statement(tokens, end)?;
    if has_changes {
        changes::expand(&mut statement)?;
    }
    match statement {
        ast::Statement::Query(query) => {
            clause::check_query(&query)?;
            Ok(Statement::Query(query))
        }
        ast::Statement::Insert(insert) => {
            clause::check_insert(&insert)?;
            Ok(Statement::Insert(Box::new(Insert { tree: insert, overriding: None })))
        }
        ast::Statement::Update(update) => {
            clause::check_update(&update)?;
            Ok(Statement::Update(Box::new(update)))
        }
        ast::Statement::Delete(delete) => {
            clause::check_delete(&delete)?;
            Ok(Statement::Delete(Box::new(delete)))
        }
        ast::Statement::AlterTable(alter) => table::alter(&alter).map(Statement::AlterTable),
        ast::Statement::CreateTable(create) => table::create(&create, None).map(Statement::CreateTable),
        _ => Err(Error::unsupported(format!("{lead} is not supported"))),
    }
}

#[cfg(test)]
mod tests;
