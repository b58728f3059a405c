//! What a statement that reads or writes does, given what it is run with.

use arrow::array::RecordBatch;
use datafusion::sql::sqlparser::ast;

use super::outcome::{Outcome, one_batch};
use crate::catalog::TableName;
use crate::dml::{self, Changes};
use crate::error::{Error, Result};
use crate::heap::on_heap;
use crate::plan::{StatementContext, explain, explain_analyze, explain_write};
use crate::sql::{Insert, PlanFormat, Statement};

/// A statement that reads.
pub enum Read<'a> {
    /// A query.
    Query(&'a ast::Query),
    /// EXPLAIN of a statement.
    Explain {
        /// The statement.
        statement: &'a Statement,
        /// Whether it is run.
        analyze: bool,
        /// What is answered.
        format: PlanFormat,
    },
    /// SHOW MANIFEST.
    Manifest(&'a TableName),
}

impl Read<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// The statement's.
    pub async fn run(&self, context: &StatementContext<'_>) -> Result<Outcome> {
        match self {
            Self::Query(query) => {
                let (schema, batches) = context.answer((*query).clone()).await?;
                Ok(Outcome::Rows { schema, batches })
            }
            Self::Explain { statement, analyze, format } => {
                explained(context, statement, *analyze, *format).await
            }
            Self::Manifest(name) => {
                let def = context.table(name)?;
                let reads = context.reads(&def).await?;
                one_batch(crate::engine::manifest_rows(&reads.scope.view().cold)?)
            }
        }
    }
}

/// The plan of a statement; of one that writes, the plan of the rows that it is about.
async fn explained(
    context: &StatementContext<'_>,
    statement: &Statement,
    analyze: bool,
    format: PlanFormat,
) -> Result<Outcome> {
    let (write, query) = match statement {
        Statement::Query(query) if analyze => {
            return one_batch(explain_analyze(context, format, (**query).clone()).await?);
        }
        Statement::Query(query) => (None, Some((**query).clone())),
        _ => {
            let (write, query) = written(context, statement)?;
            (Some(write), query)
        }
    };
    one_batch(explain(context, format, write, query).await?)
}

/// What a statement writes to, and the query of the rows that it is about, if there is one.
fn written(context: &StatementContext<'_>, statement: &Statement) -> Result<(String, Option<ast::Query>)> {
    let (verb, (def, query)) = match statement {
        Statement::Insert(insert) => ("Insert", dml::insert_query(context, insert)?),
        Statement::Update(update) => {
            let (def, query) = dml::update_query(context, update)?;
            ("Update", (def, Some(query)))
        }
        Statement::Delete(delete) => {
            let (def, query) = dml::delete_query(context, delete)?;
            ("Delete", (def, Some(query)))
        }
        _ => return Err(Error::unsupported("EXPLAIN of anything but SELECT, INSERT, UPDATE and DELETE")),
    };
    Ok((format!("{verb}: table={}", def.full_name()), query))
}

/// A statement that writes.
pub enum Write<'a> {
    /// INSERT.
    Insert(&'a Insert),
    /// UPDATE.
    Update(&'a ast::Update),
    /// DELETE.
    Delete(&'a ast::Delete),
    /// One of these, of which EXPLAIN ANALYZE tells what it took.
    Explained(&'a Statement, PlanFormat),
    /// Rows to insert into a table.
    Batch(&'a TableName, &'a RecordBatch),
}

impl Write<'_> {
    /// What it writes.
    ///
    /// # Errors
    /// The statement's.
    pub async fn changes(&self, context: &StatementContext<'_>) -> Result<Changes> {
        match self {
            Self::Insert(insert) => on_heap(|| dml::insert(context, insert)).await,
            Self::Update(update) => on_heap(|| dml::update(context, update)).await,
            Self::Delete(delete) => on_heap(|| dml::delete(context, delete)).await,
            Self::Explained(statement, format) => {
                if *format == PlanFormat::Json {
                    context.reports.by_file();
                }
                let mut changes = match statement {
                    Statement::Insert(insert) => on_heap(|| dml::insert(context, insert)).await?,
                    Statement::Update(update) => on_heap(|| dml::update(context, update)).await?,
                    Statement::Delete(delete) => on_heap(|| dml::delete(context, delete)).await?,
                    _ => return Err(Error::unsupported("EXPLAIN ANALYZE of this statement")),
                };
                let (write, query) = written(context, statement)?;
                let counts = [("rows", changes.affected), ("cold_rows", changes.cold_rows)];
                let (schema, batch) =
                    on_heap(|| explain_write(context, *format, write, query, &counts)).await?;
                changes.returned = Some((schema, vec![batch]));
                Ok(changes)
            }
            Self::Batch(name, batch) => {
                let def = context.written_table(name)?;
                on_heap(|| dml::insert_batch(context, &def, batch)).await
            }
        }
    }
}
