//! The rows that an UPDATE or DELETE is about: a query of their keys and of what becomes of them.
//!
//! With FROM or USING a row may come up several times, once per row that it is joined to. As in PostgreSQL
//! it is written once, and by which of them is not said: the first that the query gives.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, ObjectNamePart, Query, SelectItem, SelectItemQualifiedWildcardKind, TableFactor,
    TableWithJoins, WildcardAdditionalOptions,
};
use hashbrown::HashSet;

use crate::catalog::{SEQ_COLUMN, TableDef};
use crate::dml::query;
use crate::error::{Error, Result};
use crate::plan::StatementContext;
use crate::scan::TableReads;
use crate::sql::{ident_name, mentions, table_name};
use crate::types::SeqId;

/// The table of an UPDATE or DELETE, and what it is joined to.
pub struct Target<'a> {
    /// The table.
    pub def: Arc<TableDef>,
    /// What the statement calls it.
    pub alias: String,
    table: &'a TableWithJoins,
    sources: &'a [TableWithJoins],
    selection: Option<&'a Expr>,
}

/// The rows that a WHERE selects, each once.
pub struct Selected {
    /// The values asked for.
    pub items: Vec<ArrayRef>,
    /// The key columns as they were, in key order.
    pub keys: Vec<ArrayRef>,
    /// The rows that each was joined to, for RETURNING.
    pub sources: Vec<SourceRows>,
    seqs: Int64Array,
}

/// The columns of one table of FROM or USING, row by row beside the rows of the target.
pub struct SourceRows {
    /// What the statement calls it.
    pub alias: String,
    /// Its columns.
    pub schema: SchemaRef,
    /// Their values.
    pub columns: Vec<ArrayRef>,
}

impl<'a> Target<'a> {
    /// The target of a statement that begins with `verb`.
    ///
    /// # Errors
    /// `NotFound` for an unknown table, `Unsupported` for anything but one, `InvalidInput` for a condition
    /// on tombstones: only rows can be written.
    pub fn new(
        context: &StatementContext<'_>,
        verb: &str,
        table: &'a TableWithJoins,
        sources: &'a [TableWithJoins],
        selection: Option<&'a Expr>,
    ) -> Result<Self> {
        let (name, alias) = match &table.relation {
            TableFactor::Table { name, alias, .. } if table.joins.is_empty() => (name, alias),
            _ => return Err(Error::unsupported(format!("{verb} of anything but one table"))),
        };
        let def = context.written_table(&table_name(name)?)?;
        if selection.is_some_and(|s| mentions(s).deleted) {
            return Err(Error::invalid(
                "UPDATE and DELETE work on rows, not on tombstones: _deleted cannot be used here",
            ));
        }
        let alias = alias.as_ref().map_or_else(|| def.name.clone(), |a| ident_name(&a.name));
        Ok(Self { def, alias, table, sources, selection })
    }

    /// `SELECT items, key columns, _seq, columns of the sources FROM table, sources WHERE selection`; the
    /// columns of the sources only when asked for.
    ///
    /// # Errors
    /// `Unsupported` for a source whose columns have no name in front.
    pub fn query(&self, items: Vec<Expr>, with_sources: bool) -> Result<Query> {
        let items = items.into_iter().enumerate().map(|(at, expr)| query::named(expr, &format!("c{at}")));
        let mut items: Vec<SelectItem> = items.collect();
        for (place, at) in self.def.key_columns().into_iter().enumerate() {
            if let Some(column) = self.def.columns.get(at) {
                items.push(query::named(query::column_of(&self.alias, &column.name), &format!("k{place}")));
            }
        }
        items.push(query::named(query::column_of(&self.alias, SEQ_COLUMN), "s"));
        if with_sources {
            let mut labels = Vec::new();
            for source in self.sources {
                labels_of(source, &mut labels)?;
            }
            items.extend(labels.into_iter().map(|label| {
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(label),
                    WildcardAdditionalOptions::default(),
                )
            }));
        }
        let from = std::iter::once(self.table).chain(self.sources).cloned().collect();
        query::select(items, from, self.selection.cloned())
    }

    /// Runs [`Self::query`].
    ///
    /// # Errors
    /// What planning and running it report.
    pub async fn select(
        &self,
        context: &StatementContext<'_>,
        reads: &TableReads,
        items: Vec<Expr>,
        with_sources: bool,
    ) -> Result<Selected> {
        let width = items.len();
        let query = self.query(items, with_sources)?;
        if self.sources.is_empty() {
            let (schema, batches) = context.rows(query, Vec::new()).await?;
            return self.divide(concat_batches(&schema, &batches)?, width, &[]);
        }
        let (tables, schema, batches) = Box::pin(context.qualified_rows(query)).await?;
        let rows = concat_batches(&schema, &batches)?;
        let key_columns = rows.columns().iter().skip(width).take(self.def.primary_key.len());
        let keys = reads.scope.encoder.encode(&key_columns.cloned().collect::<Vec<_>>())?;
        let mut seen = HashSet::with_capacity(keys.num_rows());
        let first: Vec<u64> = keys
            .iter()
            .enumerate()
            .filter(|(_, key)| seen.insert(key.data()))
            .map(|(row, _)| row as u64)
            .collect();
        if first.len() == rows.num_rows() {
            return self.divide(rows, width, &tables);
        }
        let first = UInt64Array::from(first);
        let columns = rows.columns().iter().map(|c| take(c, &first, None)).collect::<Result<_, _>>()?;
        self.divide(RecordBatch::try_new(schema, columns)?, width, &tables)
    }

    /// The parts of a row of [`Self::query`]; `tables` is what each column is of.
    fn divide(&self, rows: RecordBatch, width: usize, tables: &[Option<TableReference>]) -> Result<Selected> {
        let lost = || Error::internal("a selection lost its columns");
        let key = width + self.def.primary_key.len();
        let columns = rows.columns();
        let seqs = columns.get(key).and_then(|c| c.as_any().downcast_ref::<Int64Array>().cloned());
        let mut sources: Vec<(TableReference, Vec<usize>)> = Vec::new();
        for at in key + 1..columns.len() {
            let table = tables.get(at).cloned().flatten().ok_or_else(lost)?;
            match sources.last_mut() {
                Some((last, places)) if *last == table => places.push(at),
                _ => sources.push((table, vec![at])),
            }
        }
        let sources = sources.into_iter().map(|(table, places)| {
            let part = rows.project(&places)?;
            let schema = Arc::new(Schema::new(part.schema().fields().clone()));
            Ok(SourceRows { alias: table.table().to_owned(), schema, columns: part.columns().to_vec() })
        });
        Ok(Selected {
            items: columns.get(..width).ok_or_else(lost)?.to_vec(),
            keys: columns.get(width..key).ok_or_else(lost)?.to_vec(),
            sources: sources.collect::<Result<_>>()?,
            seqs: seqs.ok_or_else(lost)?,
        })
    }
}

impl Selected {
    /// How many of the rows were cold.
    pub fn cold(&self, reads: &TableReads) -> u64 {
        let through = reads.scope.view().cold.pointer.flushed_through;
        self.seqs.values().iter().filter(|s| SeqId::from_i64(**s) <= through).count() as u64
    }
}

/// What the columns of each table in `source` may be qualified with.
fn labels_of(source: &TableWithJoins, labels: &mut Vec<ObjectName>) -> Result<()> {
    for factor in std::iter::once(&source.relation).chain(source.joins.iter().map(|join| &join.relation)) {
        let alias = match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                labels_of(table_with_joins, labels)?;
                continue;
            }
            TableFactor::Table { name, alias: None, args: None, .. } => {
                labels.push(name.clone());
                continue;
            }
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
            _ => None,
        };
        let alias = alias.ok_or_else(|| {
            Error::unsupported("RETURNING beside a subquery or function without alias: give it one")
        })?;
        labels.push(ObjectName(vec![ObjectNamePart::Identifier(alias.name.clone())]));
    }
    Ok(())
}
