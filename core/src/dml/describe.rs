//! What a statement is before it runs: the types of its parameters, and the columns of its rows.
//!
//! A parameter that is a value for a column has the column's type; of all others the plan of the statement's
//! queries says what they are compared or computed with.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr as Planned, LogicalPlan};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectName, ObjectNamePart, OnConflictAction, OnInsert, SelectItem, TableFactor,
    TableWithJoins, Value,
};

use crate::catalog::{ColumnType, TableDef};
use crate::dml::assign::assignments;
use crate::dml::insert::{table as inserted_table, targets, values_of};
use crate::dml::{delete_query, query, update_query};
use crate::error::Result;
use crate::plan::StatementContext;
use crate::sql::{AsUser, Insert, Statement, Subject, ident_name};

/// What is known of a statement.
#[derive(Debug, Default)]
pub struct Description {
    /// The types of parameters by their number, where they are known.
    pub parameters: BTreeMap<usize, ColumnType>,
    /// The columns of its rows; `None` if it answers none.
    pub columns: Option<SchemaRef>,
}

/// Describes `statement`.
///
/// # Errors
/// What planning it reports.
pub async fn describe(context: &StatementContext<'_>, statement: &Statement) -> Result<Description> {
    let mut found = Description::default();
    match statement {
        Statement::Query(query) => {
            let columns = found.of_query(context, query.as_ref().clone()).await?;
            found.columns = Some(columns);
        }
        Statement::Insert(insert) => found.of_insert(context, insert).await?,
        Statement::Update(update) => {
            let (def, query) = update_query(context, update)?;
            found.of_set(&def, &update.assignments)?;
            found.of_query(context, query).await?;
            let sources = match &update.from {
                Some(ast::UpdateTableFromKind::AfterSet(sources)) => sources.as_slice(),
                _ => &[],
            };
            let from = std::iter::once(&update.table).chain(sources).cloned().collect();
            found.of_returning(context, update.returning.as_deref(), from).await?;
        }
        Statement::Delete(delete) => {
            let (_, query) = delete_query(context, delete)?;
            found.of_query(context, query).await?;
            let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) = &delete.from;
            let from = from.iter().chain(delete.using.iter().flatten()).cloned().collect();
            found.of_returning(context, delete.returning.as_deref(), from).await?;
        }
        Statement::AsUser(AsUser { subject, statement }) => {
            found = Box::pin(describe(context, statement)).await?;
            if let Subject::Parameter(number) = subject {
                found.note(*number, ColumnType::Text);
            }
        }
        _ => {}
    }
    Ok(found)
}

impl Description {
    async fn of_insert(&mut self, context: &StatementContext<'_>, insert: &Insert) -> Result<()> {
        let tree = &insert.tree;
        let def = inserted_table(context, tree)?;
        let places = targets(&def, &tree.columns)?;
        let types: Vec<ColumnType> =
            places.iter().filter_map(|at| def.columns.get(*at)).map(|c| c.ty).collect();
        match tree.source.as_deref().map(|source| (source, values_of(source))) {
            None => {}
            Some((_, Some(rows))) => {
                let mut computed = Vec::new();
                for (expr, ty) in rows.iter().flat_map(|row| row.iter().zip(&types)) {
                    match parameter_number(expr) {
                        Some(number) => self.note(number, *ty),
                        None if holds_parameter(expr) => computed.push(expr.clone()),
                        None => {}
                    }
                }
                if !computed.is_empty() {
                    let items = computed.into_iter().enumerate();
                    let items = items.map(|(at, expr)| query::named(expr, &format!("c{at}"))).collect();
                    self.of_query(context, query::select(items, Vec::new(), None)?).await?;
                }
            }
            Some((source, None)) => {
                if let ast::SetExpr::Select(select) = source.body.as_ref() {
                    for (item, ty) in select.projection.iter().zip(&types) {
                        if let SelectItem::UnnamedExpr(expr) = item
                            && let Some(number) = parameter_number(expr)
                        {
                            self.note(number, *ty);
                        }
                    }
                }
                self.of_query(context, query::with_names(source.clone())).await?;
            }
        }
        if let Some(OnInsert::OnConflict(on)) = &tree.on
            && let OnConflictAction::DoUpdate(update) = &on.action
        {
            self.of_set(&def, &update.assignments)?;
        }
        let alias = tree.table_alias.as_ref().map_or(def.name.clone(), |a| ident_name(&a.alias));
        self.of_returning(context, tree.returning.as_deref(), vec![named_table(&def, &alias)]).await
    }

    fn of_set(&mut self, def: &TableDef, set: &[ast::Assignment]) -> Result<()> {
        for (at, expr) in assignments(def, set)? {
            if let (Some(number), Some(column)) = (parameter_number(&expr), def.columns.get(at)) {
                self.note(number, column.ty);
            }
        }
        Ok(())
    }

    async fn of_returning(
        &mut self,
        context: &StatementContext<'_>,
        items: Option<&[SelectItem]>,
        from: Vec<TableWithJoins>,
    ) -> Result<()> {
        if let Some(items) = items {
            let columns = self.of_query(context, query::select(items.to_vec(), from, None)?).await?;
            self.columns = Some(columns);
        }
        Ok(())
    }

    /// Notes the types of the parameters in a query; its columns.
    async fn of_query(&mut self, context: &StatementContext<'_>, query: ast::Query) -> Result<SchemaRef> {
        let (state, plan) = context.unbound(query).await?;
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::Limit(limit) = node {
                for rows in [&limit.skip, &limit.fetch].into_iter().flatten() {
                    self.note_if_parameter(rows, Some(ColumnType::BigInt));
                }
            }
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    self.note_if_parameter(expr, None);
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        Ok(context.columns(&state, &plan, ParamValues::from(self.stand_ins()?)))
    }

    fn note_if_parameter(&mut self, expr: &Planned, ty: Option<ColumnType>) {
        if let Planned::Placeholder(placeholder) = expr {
            let ty = ty.or_else(|| placeholder.field.as_ref().and_then(|field| ColumnType::of_field(field)));
            if let (Some(number), Some(ty)) = (number_of(&placeholder.id), ty) {
                self.note(number, ty);
            }
        }
    }

    /// The first place says what a parameter is.
    fn note(&mut self, number: usize, ty: ColumnType) {
        self.parameters.entry(number).or_insert(ty);
    }

    /// NULLs of the types of the parameters.
    fn stand_ins(&self) -> Result<Vec<ScalarValue>> {
        let last = self.parameters.keys().next_back().copied().unwrap_or(0);
        let nulls = (1..=last).map(|number| match self.parameters.get(&number) {
            Some(ty) => Ok(ScalarValue::try_from(&ty.arrow())?),
            None => Ok(ScalarValue::Null),
        });
        nulls.collect()
    }
}

fn number_of(id: &str) -> Option<usize> {
    id.strip_prefix('$').and_then(|number| number.parse().ok())
}

/// The number of the parameter that `expr` is.
fn parameter_number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Nested(inner) => parameter_number(inner),
        Expr::Value(value) => match &value.value {
            Value::Placeholder(id) => number_of(id),
            _ => None,
        },
        _ => None,
    }
}

fn holds_parameter(expr: &Expr) -> bool {
    let mut expr = expr.clone();
    datafusion::sql::sqlparser::ast::visit_expressions_mut(&mut expr, |e| match parameter_number(e) {
        Some(_) => std::ops::ControlFlow::Break(()),
        None => std::ops::ControlFlow::Continue(()),
    })
    .is_break()
}

/// The table in FROM, by its whole name.
fn named_table(def: &TableDef, alias: &str) -> TableWithJoins {
    let mut table = query::table(&def.name, alias);
    if let TableFactor::Table { name, .. } = &mut table.relation {
        let part = |text: &str| ObjectNamePart::Identifier(Ident::with_quote('"', text));
        *name = ObjectName(vec![part(&def.namespace), part(&def.name)]);
    }
    table
}
