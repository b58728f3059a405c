//! Views in a statement: the plan of a view's query takes the place of its name.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Column;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableSource};
use datafusion::sql::parser;
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::access::Principal;
use crate::catalog::{Catalog, ColumnType, RESERVED_NAMESPACES, RelationName, ViewColumn, ViewDef, quoted};
use crate::error::{Error, Result};
use crate::plan::statement::StatementContext;
use crate::plan::{names, system};
use crate::sql::{Statement, parse};

/// How many operators the plan of a view may have: views that join views may double it with each level.
const MAX_NODES: usize = 10_000;

/// What a query would be as a view.
#[derive(Debug)]
pub struct ViewShape {
    /// Its columns, under the names that they have in the result of the query, where those differ.
    pub columns: Vec<ViewColumn>,
    /// The tables and views that it names, tables of the engine's own among them.
    pub uses: BTreeSet<RelationName>,
}

/// Refuses `view` to who may not read all that it reads.
///
/// # Errors
/// `PermissionDenied`.
pub fn expect_may_read(who: &Principal, catalog: &Catalog, view: &ViewDef) -> Result<()> {
    for (namespace, name) in catalog.relations_under(view) {
        match catalog.table(namespace, name) {
            Some(table) => who.expect_may_read(table)?,
            None => system::expect_may_read(who, namespace, name)?,
        }
    }
    Ok(())
}

impl StatementContext<'_> {
    /// What `query` would be as a view.
    ///
    /// # Errors
    /// What planning it reports.
    pub async fn view_shape(&self, query: &ast::Query) -> Result<ViewShape> {
        let state = self.state()?;
        let plan = self.logical(&state, query.clone(), Vec::new()).await?;
        let labels = names::labels(query, plan.schema().fields().len());
        let columns = plan.schema().fields().iter().zip(labels).map(|(field, label)| ViewColumn {
            name: label.unwrap_or_else(|| field.name().clone()),
            source: field.name().clone(),
            ty: type_name(field.data_type()),
        });
        let statement =
            parser::Statement::Statement(Box::new(ast::Statement::Query(Box::new(query.clone()))));
        let (references, _) = resolve_table_references(&statement, true)?;
        let uses = references.into_iter().filter_map(|reference| {
            let namespace = reference.schema().unwrap_or(self.namespace).to_owned();
            let name = reference.table().to_owned();
            let there = RESERVED_NAMESPACES.contains(&namespace.as_str())
                || self.catalog.table(&namespace, &name).is_some()
                || self.catalog.view(&namespace, &name).is_some();
            there.then_some((namespace, name))
        });
        Ok(ViewShape { columns: columns.collect(), uses: uses.collect() })
    }

    /// The columns of `view`.
    ///
    /// # Errors
    /// What planning its query reports.
    pub async fn view_schema(&self, view: &ViewDef) -> Result<SchemaRef> {
        let state = self.state()?;
        let plan = self.view_plan(&state, view).await?;
        Ok(Arc::clone(plan.schema().inner()))
    }

    /// `view` as a table of a query.
    ///
    /// # Errors
    /// What planning its query reports.
    pub(super) async fn view_source(
        &self,
        state: &SessionState,
        view: &ViewDef,
    ) -> Result<Arc<dyn TableSource>> {
        let plan = self.view_plan(state, view).await?;
        Ok(provider_as_source(Arc::new(ViewTable::new(plan, Some(view.query.clone())))))
    }

    fn view_plan<'b>(
        &'b self,
        state: &'b SessionState,
        view: &'b ViewDef,
    ) -> BoxFuture<'b, Result<LogicalPlan>> {
        let plan = async move {
            let plan = self.logical_in(state, query_of(view)?, Vec::new(), &view.search).await?;
            check_size(&plan)?;
            with_columns(plan, view)
        };
        plan.map(|plan| plan.map_err(|e: Error| e.context(format!("in view {}", view.full_name())))).boxed()
    }
}

/// The name of a type: in SQL if a table could have it, else Arrow's.
fn type_name(ty: &DataType) -> String {
    ColumnType::from_arrow(ty).map_or_else(|| ty.to_string(), |ty| ty.to_string())
}

fn query_of(view: &ViewDef) -> Result<ast::Query> {
    match parse(&view.query)?.pop().map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(*query),
        _ => Err(Error::corrupt("the view holds no query")),
    }
}

fn check_size(plan: &LogicalPlan) -> Result<()> {
    let mut nodes = 0_usize;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > MAX_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if nodes > MAX_NODES {
        return Err(Error::limit(format!("the plan has more than {MAX_NODES} operators")));
    }
    Ok(())
}

/// The columns that the view had when it was made, under the names that it gives them.
fn with_columns(plan: LogicalPlan, view: &ViewDef) -> Result<LogicalPlan> {
    let mut items = Vec::with_capacity(view.columns.len());
    for column in &view.columns {
        let mut found = plan.schema().iter().filter(|(_, field)| *field.name() == column.source);
        match (found.next(), found.next()) {
            (Some((table, field)), None) => {
                let source = Expr::Column(Column::new(table.cloned(), field.name()));
                items.push(source.alias(&column.name));
            }
            (None, _) => {
                return Err(Error::not_found(format!("there is no column {}", quoted(&column.source))));
            }
            _ => {
                return Err(Error::invalid(format!("there are two columns {}", quoted(&column.source))));
            }
        }
    }
    Ok(LogicalPlanBuilder::from(plan).project(items)?.build()?)
}
