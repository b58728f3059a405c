//! Tables without a primary key, for tests that know of none.
//!
//! `CREATE TABLE t (a INT)` makes `keyed.t`, which has a hidden key besides, and the view `t` of what was asked
//! for. Queries go to FirnDB as they are, and meet the view; what writes is pointed at the table. So `*`, joins
//! and everything else that is planned see no more than the test has created.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::sql::sqlparser::ast::{
    self, ColumnOption, CreateTable, FromTable, Ident, ObjectName, ObjectType, Statement, TableAlias,
    TableFactor, TableObject,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use firndb_core::{Engine, Error, Outcome, Session};

/// The hidden key.
const KEY: &str = "__row";

/// Where the tables are that have it.
const NAMESPACE: &str = "keyed";

/// Why a statement did not work.
#[derive(Debug)]
pub enum Trouble {
    /// FirnDB said so.
    Engine(Error),
    /// It was not put to FirnDB: there is no such table to create.
    Unlike(String),
}

impl From<Error> for Trouble {
    fn from(e: Error) -> Self {
        Self::Engine(e)
    }
}

/// A session that shows tables without their hidden keys.
pub struct Shown {
    session: Session,
    /// The columns of each table with a hidden key.
    tables: BTreeMap<String, Vec<String>>,
    /// How many tables were created.
    pub created: usize,
}

impl Shown {
    /// A session of `engine`, which has to be empty.
    pub async fn new(engine: &Engine) -> Self {
        let mut session = engine.session();
        session.execute(&format!("CREATE NAMESPACE {NAMESPACE}")).await.unwrap();
        Self { session, tables: BTreeMap::new(), created: 0 }
    }

    /// Runs one statement.
    pub async fn execute(&mut self, sql: &str) -> Result<Outcome, Trouble> {
        match first_word(sql).as_str() {
            "CREATE" | "DROP" | "INSERT" | "UPDATE" | "DELETE" => {}
            _ => return self.put(sql).await,
        }
        match parsed(sql) {
            Some(Statement::CreateTable(create)) if !create.external && !create.temporary => {
                self.create(create).await
            }
            Some(Statement::Drop { object_type: ObjectType::Table, names, if_exists, .. }) => {
                self.drop_tables(sql, &names, if_exists).await
            }
            Some(statement) => match self.redirected(statement) {
                Some(sql) => self.put(&sql).await,
                None => self.put(sql).await,
            },
            None => self.put(sql).await,
        }
    }

    async fn put(&mut self, sql: &str) -> Result<Outcome, Trouble> {
        let mut outcomes = self.session.execute(sql).await?;
        Ok(outcomes.pop().unwrap_or(Outcome::Affected(0)))
    }

    async fn create(&mut self, create: CreateTable) -> Result<Outcome, Trouble> {
        let name = bare(&create.name).ok_or_else(|| unlike(format!("table {} in a schema", create.name)))?;
        if create.or_replace && create.if_not_exists {
            return Err(unlike("OR REPLACE together with IF NOT EXISTS".to_owned()));
        }
        if self.tables.contains_key(&name) {
            if create.if_not_exists {
                return Ok(Outcome::Done("CREATE TABLE".to_owned()));
            }
            if create.or_replace {
                self.forget(&name).await?;
            }
        }
        let has_key = create.constraints.iter().any(|c| matches!(c, ast::TableConstraint::PrimaryKey(_)))
            || create
                .columns
                .iter()
                .any(|c| c.options.iter().any(|o| matches!(o.option, ColumnOption::PrimaryKey(_))));
        let rows = match &create.query {
            Some(query) => match self.put(&query.to_string()).await? {
                Outcome::Rows { schema, batches } => Some((schema, batches)),
                other => return Err(unlike(format!("a table of what answers {other:?}"))),
            },
            None => None,
        };
        let columns = match &rows {
            Some((schema, _)) if create.columns.is_empty() => columns_of(schema)?,
            _ => declared(&create)?,
        };
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let mut parts: Vec<String> =
            columns.iter().map(|(name, rest)| format!("{} {rest}", quoted(name))).collect();
        parts.extend(create.constraints.iter().map(ToString::to_string));
        if !has_key {
            parts.push(format!("{KEY} BIGINT PRIMARY KEY DEFAULT SNOWFLAKE_ID()"));
        }
        let table = if has_key { quoted(&name) } else { keyed(&name) };
        let if_not_exists = if create.if_not_exists { "IF NOT EXISTS " } else { "" };
        self.put(&format!("CREATE TABLE {if_not_exists}{table} ({})", parts.join(", "))).await?;
        if !has_key {
            if let Err(e) = self.put(&view(&name, &names)).await {
                self.put(&format!("DROP TABLE {table}")).await?;
                return Err(e);
            }
            self.tables.insert(name.clone(), names.clone());
        }
        self.created += 1;
        if let Some((_, batches)) = rows
            && let Err(e) = self.fill(&name, has_key, &names, batches).await
        {
            if has_key {
                self.put(&format!("DROP TABLE {table}")).await?;
            } else {
                self.forget(&name).await?;
            }
            self.created -= 1;
            return Err(e);
        }
        Ok(Outcome::Done("CREATE TABLE".to_owned()))
    }

    /// Puts the rows of a query into the table that was made for them.
    async fn fill(
        &mut self,
        name: &str,
        has_key: bool,
        names: &[String],
        batches: Vec<RecordBatch>,
    ) -> Result<(), Trouble> {
        let table = if has_key { name.to_owned() } else { format!("{NAMESPACE}.{name}") };
        let wanted = match self.put(&format!("SELECT * FROM {} LIMIT 0", quoted(name))).await? {
            Outcome::Rows { schema, .. } => schema,
            other => return Err(unlike(format!("a table that answers {other:?}"))),
        };
        if wanted.fields().len() != names.len() {
            return Err(unlike(format!("{} columns for {} values", names.len(), wanted.fields().len())));
        }
        for batch in batches.into_iter().filter(|batch| batch.num_rows() > 0) {
            let columns: Vec<ArrayRef> = batch
                .columns()
                .iter()
                .zip(wanted.fields())
                .map(|(column, field)| converted(column, field.data_type()))
                .collect::<Result<_, _>>()?;
            let batch =
                RecordBatch::try_new(nullable(&wanted), columns).map_err(|e| unlike(e.to_string()))?;
            self.session.insert_batches(&table, vec![batch]).await?;
        }
        Ok(())
    }

    async fn drop_tables(
        &mut self,
        sql: &str,
        names: &[ObjectName],
        if_exists: bool,
    ) -> Result<Outcome, Trouble> {
        let [name] = names else { return self.put(sql).await };
        match bare(name) {
            Some(name) if self.tables.contains_key(&name) => {
                self.forget(&name).await?;
                Ok(Outcome::Done("DROP TABLE".to_owned()))
            }
            // A table of which only the view is left is none.
            Some(name) if if_exists => self.put(&format!("DROP TABLE IF EXISTS {}", quoted(&name))).await,
            _ => self.put(sql).await,
        }
    }

    async fn forget(&mut self, name: &str) -> Result<(), Trouble> {
        // With the views on it: DataFusion keeps those, as names of nothing.
        self.put(&format!("DROP VIEW {} CASCADE", quoted(name))).await?;
        self.put(&format!("DROP TABLE {}", keyed(name))).await?;
        self.tables.remove(name);
        Ok(())
    }

    /// A statement that writes, on the table behind a view, if it is on one.
    fn redirected(&self, statement: Statement) -> Option<String> {
        let statement = match statement {
            Statement::Insert(insert) => Statement::Insert(self.redirected_insert(insert)?),
            Statement::Update(mut update) => {
                self.redirect(&mut update.table.relation)?;
                Statement::Update(update)
            }
            Statement::Delete(mut delete) => {
                let (FromTable::WithFromKeyword(list) | FromTable::WithoutKeyword(list)) = &mut delete.from;
                self.redirect(&mut list.first_mut()?.relation)?;
                Statement::Delete(delete)
            }
            _ => return None,
        };
        Some(statement.to_string())
    }

    fn redirected_insert(&self, mut insert: ast::Insert) -> Option<ast::Insert> {
        let TableObject::TableName(name) = &insert.table else { return None };
        let name = bare(name)?;
        let columns = self.tables.get(&name)?;
        if insert.columns.is_empty() {
            insert.columns = columns.iter().map(|c| ObjectName::from(Ident::with_quote('"', c))).collect();
        }
        insert.table = TableObject::TableName(keyed_name(&name));
        insert.has_table_keyword = false;
        Some(insert)
    }

    /// Points the target of an UPDATE or DELETE at the table behind a view, if it is one.
    fn redirect(&self, factor: &mut TableFactor) -> Option<()> {
        let TableFactor::Table { name, alias, .. } = factor else { return None };
        let bare = bare(name).filter(|bare| self.tables.contains_key(bare))?;
        if alias.is_none() {
            let name = Ident::with_quote('"', &bare);
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
        *name = keyed_name(&bare);
        Some(())
    }
}

/// The first word of a statement, in capitals, behind comments and parentheses.
pub fn first_word(sql: &str) -> String {
    let mut text = sql.trim_start();
    loop {
        let behind = match (text.strip_prefix("--"), text.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n'),
            (_, Some(comment)) => comment.split_once("*/"),
            _ => break,
        };
        text = behind.map_or("", |(_, rest)| rest.trim_start());
    }
    text.trim_start_matches('(')
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase()
}

/// The statement as DataFusion's own dialect reads it.
fn parsed(sql: &str) -> Option<Statement> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, sql).ok()?;
    if statements.len() == 1 { statements.pop() } else { None }
}

/// The name of a table that is in no schema.
fn bare(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(folded),
        _ => None,
    }
}

fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn keyed(name: &str) -> String {
    format!("{NAMESPACE}.{}", quoted(name))
}

fn keyed_name(name: &str) -> ObjectName {
    ObjectName::from(vec![Ident::new(NAMESPACE), Ident::with_quote('"', name)])
}

fn view(name: &str, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|c| quoted(c)).collect();
    format!("CREATE VIEW {} AS SELECT {} FROM {}", quoted(name), columns.join(", "), keyed(name))
}

fn unlike(what: String) -> Trouble {
    Trouble::Unlike(what)
}

/// The columns that a CREATE TABLE declares: each name, and its type and clauses.
fn declared(create: &CreateTable) -> Result<Vec<(String, String)>, Trouble> {
    let columns = create.columns.iter().map(|column| {
        let clauses: String = column.options.iter().map(|option| format!(" {option}")).collect();
        Ok((folded(&column.name), format!("{}{clauses}", sql_type(&column.data_type)?)))
    });
    columns.collect()
}

/// The columns of a query's result, of types that hold its values.
fn columns_of(schema: &SchemaRef) -> Result<Vec<(String, String)>, Trouble> {
    schema.fields().iter().map(|field| Ok((field.name().clone(), type_of(field.data_type())?))).collect()
}

/// FirnDB's type for one that DataFusion reads. Where both know the name and mean different types, it is
/// DataFusion's meaning: FLOAT has 32 bits, VARCHAR(n) has no limit.
fn sql_type(ty: &ast::DataType) -> Result<String, Trouble> {
    use ast::DataType as T;
    Ok(match ty {
        T::TinyInt(_) => "SMALLINT".to_owned(),
        T::Float(_) => "REAL".to_owned(),
        T::Double(_) | T::DoublePrecision => "DOUBLE PRECISION".to_owned(),
        T::Varchar(_) | T::Char(_) | T::Character(_) | T::CharacterVarying(_) | T::String(_) | T::Text => {
            "TEXT".to_owned()
        }
        T::Timestamp(_, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            "TIMESTAMP".to_owned()
        }
        T::Decimal(ast::ExactNumberInfo::None) | T::Numeric(ast::ExactNumberInfo::None) => {
            "DECIMAL(38, 10)".to_owned()
        }
        T::TinyIntUnsigned(_) => "SMALLINT".to_owned(),
        T::SmallIntUnsigned(_) => "INTEGER".to_owned(),
        T::IntUnsigned(_) | T::IntegerUnsigned(_) => "BIGINT".to_owned(),
        T::BigIntUnsigned(_) => return Err(unlike(format!("type {ty}: integers have a sign"))),
        other => other.to_string(),
    })
}

/// The type that holds what an array of `ty` does.
fn type_of(ty: &DataType) -> Result<String, Trouble> {
    Ok(match ty {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "SMALLINT".to_owned(),
        DataType::Int32 | DataType::UInt16 => "INTEGER".to_owned(),
        // Values past BIGINT are found when they are put in.
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "BIGINT".to_owned(),
        DataType::Float16 | DataType::Float32 => "REAL".to_owned(),
        DataType::Float64 => "DOUBLE PRECISION".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => "TEXT".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BYTEA".to_owned()
        }
        DataType::Date32 | DataType::Date64 => "DATE".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP".to_owned(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".to_owned(),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            format!("DECIMAL({p}, {s})")
        }
        DataType::Dictionary(_, values) => type_of(values)?,
        // However its lengths are kept, an array is an array.
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            format!("{}[]", type_of(field.data_type())?)
        }
        other => return Err(unlike(format!("type {other}"))),
    })
}

/// The values of `column` as `ty`, all of them and nothing lost.
fn converted(column: &ArrayRef, ty: &DataType) -> Result<ArrayRef, Trouble> {
    if column.data_type() == ty {
        return Ok(Arc::clone(column));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |column: &ArrayRef, ty: &DataType| {
        cast_with_options(column, ty, &options).map_err(|e| unlike(format!("values of another type: {e}")))
    };
    let converted = cast(column, ty)?;
    let is_finer =
        matches!(column.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Date64);
    if is_finer && cast(&converted, column.data_type())?.as_ref() != column.as_ref() {
        return Err(unlike(format!("{} to hold them: the values are finer than {ty}", column.data_type())));
    }
    Ok(converted)
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_behind_comments() {
        assert_eq!(first_word("-- why\n  select 1"), "SELECT");
        assert_eq!(first_word("/*DML*/CREATE TABLE"), "CREATE");
        assert_eq!(first_word("(SELECT 1)"), "SELECT");
        assert_eq!(first_word("create TABLE t"), "CREATE");
    }

    #[test]
    fn types_keep_what_datafusion_means_by_them() {
        let column = |sql: &str| match parsed(&format!("CREATE TABLE t (a {sql})")) {
            Some(Statement::CreateTable(create)) => {
                declared(&create).ok().and_then(|mut c| c.pop()).map(|c| c.1)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(column("FLOAT NOT NULL").as_deref(), Some("REAL NOT NULL"));
        assert_eq!(column("VARCHAR(3)").as_deref(), Some("TEXT"));
        assert_eq!(column("INT UNSIGNED").as_deref(), Some("BIGINT"));
        assert_eq!(column("BIGINT UNSIGNED"), None);
        assert_eq!(column("DECIMAL(5, 2)").as_deref(), Some("DECIMAL(5,2)"));
    }
}
