//! Prepared statements: read and typed once, run with other values each time.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::SchemaRef;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast;

use super::outcome::{Outcome, done};
use super::{Session, WriteSet, ends_failure, expect_values};
use crate::catalog::{Catalog, ColumnType, convert};
use crate::dml;
use crate::error::{Error, Result};
use crate::plan::holds_subquery;
use crate::sql::{self, Parsed, Prepare, Statement};
use crate::values::decimal;

/// A statement that was read and typed.
///
/// The types are those of the tables when it was prepared; it runs on the tables as they are.
#[derive(Debug, Clone)]
pub struct Prepared {
    parsed: Arc<Parsed>,
    parameters: Vec<Option<ColumnType>>,
    /// How many of the first parameters have the type that PREPARE said.
    declared: usize,
    columns: Option<SchemaRef>,
    catalog: Arc<Catalog>,
}

impl Prepared {
    /// The types of the parameters from `$1` on: of the column that one is compared with or given to, or of what
    /// it is computed with. `None` where nothing says it, and any value will do.
    #[must_use]
    pub fn parameters(&self) -> &[Option<ColumnType>] {
        &self.parameters
    }

    /// The columns of the rows it answers; `None` if it answers no rows.
    #[must_use]
    pub fn columns(&self) -> Option<&SchemaRef> {
        self.columns.as_ref()
    }

    /// `values` as values of the parameters: text is read as a literal would be, NULL gets its type. Of a type that
    /// was declared every value is made one; of one that was found, another may do as well.
    fn bound(&self, values: &[ScalarValue]) -> Result<Vec<ScalarValue>> {
        if values.len() != self.parameters.len() {
            return Err(Error::invalid(format!(
                "the prepared statement has {} parameters, {} values were given",
                self.parameters.len(),
                values.len()
            )));
        }
        let bound = values.iter().zip(&self.parameters).enumerate().map(|(at, (value, ty))| match ty {
            Some(ty) => as_parameter(value, *ty, at + 1, at < self.declared),
            None => Ok(value.clone()),
        });
        bound.collect()
    }
}

fn as_parameter(value: &ScalarValue, ty: ColumnType, number: usize, declared: bool) -> Result<ScalarValue> {
    if value.is_null() {
        return Ok(ScalarValue::try_from(&ty.arrow())?);
    }
    let text = match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(text),
        _ if !declared => return Ok(value.clone()),
        _ => None,
    };
    let ty = match (ty, text) {
        // How long a text may be says the column that it is written to.
        (ColumnType::Text | ColumnType::Varchar(_), Some(text)) => {
            return Ok(ScalarValue::Utf8(Some(text.clone())));
        }
        (ColumnType::Varchar(_), None) => ColumnType::Text,
        // All digits count: 1.005 is not 1.01, also beside a DECIMAL(10,2).
        (ColumnType::Decimal { .. }, _) if matches!(value, ScalarValue::Decimal128(..)) => {
            return Ok(value.clone());
        }
        (ColumnType::Decimal { .. }, _) => {
            let shown = text.cloned().unwrap_or_else(|| value.to_string());
            if let Some((value, precision, scale)) = decimal::parse_exact(shown.trim()) {
                return Ok(ScalarValue::Decimal128(Some(value), precision, scale.cast_signed()));
            }
            ty
        }
        (ty, _) => ty,
    };
    let given: ArrayRef = match text {
        Some(text) => Arc::new(StringArray::from(vec![text.as_str()])),
        None => value.to_array()?,
    };
    let values = convert(&given, ty).map_err(|why| why.error(&format!("parameter ${number} is {ty}")))?;
    Ok(ScalarValue::try_from_array(&values, 0)?)
}

impl Session {
    /// Reads and types one statement, which [`Session::query_prepared`] runs. Nothing is read or written.
    ///
    /// # Errors
    /// Those that running it would report before it reads a row; `InvalidInput` when `sql` is not one statement.
    pub async fn prepare(&mut self, sql: &str) -> Result<Prepared> {
        let parsed = self.only_statement(sql)?;
        self.resume()?;
        let prepared = self.prepare_awake(Arc::new(parsed)).await;
        self.rest();
        self.noting_failure(prepared)
    }

    async fn prepare_awake(&self, parsed: Arc<Parsed>) -> Result<Prepared> {
        if !ends_failure(&parsed.statement) {
            self.expect_usable()?;
        }
        self.describe(parsed, &[]).await
    }

    /// Runs a prepared statement with the values of its parameters `$1…`.
    ///
    /// # Errors
    /// As [`Session::query`]; `InvalidInput`, naming the parameter, for text that is no value of its type.
    pub async fn query_prepared(&mut self, prepared: &Prepared, params: &[ScalarValue]) -> Result<Outcome> {
        match self.resume() {
            Err(_) if matches!(prepared.parsed.statement, Statement::Rollback) => {
                return Ok(done("ROLLBACK"));
            }
            other => other?,
        }
        let values = self.values_for(prepared, params).await;
        self.rest();
        let values = self.noting_failure(values)?;
        self.run(&prepared.parsed, &values).await
    }

    /// `params` as what the statement takes now: columns may have other types since it was prepared.
    async fn values_for(&self, prepared: &Prepared, params: &[ScalarValue]) -> Result<Vec<ScalarValue>> {
        if ends_failure(&prepared.parsed.statement) {
            return prepared.bound(params);
        }
        self.expect_usable()?;
        if Arc::ptr_eq(&prepared.catalog, &self.engine.shared.tiers.catalog()) {
            return prepared.bound(params);
        }
        self.describe(Arc::clone(&prepared.parsed), &[]).await?.bound(params)
    }

    async fn describe(&self, parsed: Arc<Parsed>, declared: &[ColumnType]) -> Result<Prepared> {
        let none = WriteSet::default();
        let tiers = &self.engine.shared.tiers;
        let snapshot = match &self.transaction {
            Some(transaction) => transaction.snapshot.again(),
            None => tiers.snapshots.acquire(),
        };
        let context = self.context(&self.who, snapshot.seq(), &none, &[]);
        let found = Box::pin(dml::describe(&context, &parsed.statement)).await;
        let found = found.map_err(|e| sql::locate(e, &parsed))?;
        let count = parsed.parameters.max(declared.len());
        let parameters = (0..count)
            .map(|at| declared.get(at).copied().or_else(|| found.parameters.get(&(at + 1)).copied()));
        Ok(Prepared {
            parameters: parameters.collect(),
            declared: declared.len(),
            columns: found.columns,
            catalog: Arc::clone(&context.catalog),
            parsed,
        })
    }

    /// `PREPARE`.
    pub(super) async fn prepare_named(&mut self, prepare: &Prepare) -> Result<Outcome> {
        if self.prepared.contains_key(&prepare.name) {
            return Err(Error::already_exists(format!(
                "there is a prepared statement {} already; DEALLOCATE it first",
                prepare.name
            )));
        }
        let prepared = self.describe(Arc::new(prepare.parsed.clone()), &prepare.types).await?;
        self.prepared.insert(prepare.name.clone(), (prepared, prepare.types.clone()));
        Ok(done("PREPARE"))
    }

    /// `EXECUTE`.
    pub(super) async fn execute_named(
        &mut self,
        name: &str,
        values: &[ast::Expr],
        params: &[ScalarValue],
    ) -> Result<Outcome> {
        if values.iter().any(holds_subquery) {
            return Err(Error::unsupported(
                "a subquery among the values of EXECUTE: run it first and give what it found",
            ));
        }
        let (mut prepared, types) = self.prepared.get(name).cloned().ok_or_else(|| none_named(name))?;
        if !Arc::ptr_eq(&prepared.catalog, &self.engine.shared.tiers.catalog()) {
            prepared = self.describe(Arc::clone(&prepared.parsed), &types).await?;
            self.prepared.insert(name.to_owned(), (prepared.clone(), types));
        }
        let given = {
            let none = WriteSet::default();
            let snapshot = self.engine.shared.tiers.snapshots.acquire();
            let context = self.context(&self.who, snapshot.seq(), &none, params);
            dml::constants(&context, values).await?
        };
        let values = prepared.bound(&given)?;
        expect_values(&prepared.parsed, &values)?;
        let outcome = Box::pin(self.dispatch(&prepared.parsed, &values)).await;
        outcome.map_err(|e| sql::locate(e, &prepared.parsed))
    }

    /// `DEALLOCATE`.
    pub(super) fn deallocate(&mut self, name: Option<&str>) -> Result<Outcome> {
        match name {
            None => self.prepared.clear(),
            Some(name) => {
                self.prepared.remove(name).ok_or_else(|| none_named(name))?;
            }
        }
        Ok(done("DEALLOCATE"))
    }
}

fn none_named(name: &str) -> Error {
    Error::not_found(format!("there is no prepared statement {name}"))
}
