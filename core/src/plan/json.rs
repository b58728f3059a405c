//! PostgreSQL's operators on JSON: `->` and `->>` by name or index, `#>` and `#>>` by path.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::catalog::{ColumnType, is_text};
use crate::error::Error;
use crate::plan::functions::on_arrays;
use crate::values::{array as array_text, json};

/// Plans the operators as functions.
#[derive(Debug)]
pub struct JsonOperators;

impl ExprPlanner for JsonOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let access = match expr.op {
            BinaryOperator::Arrow => Access::new("->", false, ColumnType::Json),
            BinaryOperator::LongArrow => Access::new("->>", false, ColumnType::Text),
            BinaryOperator::HashArrow => Access::new("#>", true, ColumnType::Json),
            BinaryOperator::HashLongArrow => Access::new("#>>", true, ColumnType::Text),
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let function = Arc::new(ScalarUDF::from(access));
        let call = ScalarFunction::new_udf(function, vec![expr.left, expr.right]);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}

/// One of the operators.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Access {
    operator: &'static str,
    /// Whether what is on the right is a path, and not one step of it.
    by_path: bool,
    /// JSON, or TEXT.
    answer: ColumnType,
    signature: Signature,
}

impl Access {
    fn new(operator: &'static str, by_path: bool, answer: ColumnType) -> Self {
        Self { operator, by_path, answer, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn wrong(&self, types: &[DataType]) -> Error {
        let right = if self.by_path { "a path, as in '{a,0}'" } else { "a name or an index" };
        let found: Vec<String> = types.iter().map(ToString::to_string).collect();
        Error::invalid(format!(
            "JSON {} {right} was expected, found {}",
            self.operator,
            found.join(&format!(" {} ", self.operator))
        ))
    }

    /// What is found in `text`, before it becomes the answer.
    fn found<'a>(
        &self,
        text: &'a str,
        right: &ArrayRef,
        row: usize,
    ) -> crate::error::Result<Option<&'a str>> {
        Ok(match right.data_type() {
            DataType::Int64 => json::element(text, right.as_primitive::<Int64Type>().value(row)),
            DataType::List(_) => {
                let steps = right.as_list::<i32>().value(row);
                let steps: Vec<Option<String>> =
                    steps.as_string::<i32>().iter().map(|step| step.map(str::to_owned)).collect();
                json::path(text, &steps)
            }
            _ if self.by_path => {
                let path = right.as_string::<i32>().value(row);
                let steps = array_text::elements(path).map_err(|why| {
                    Error::invalid(format!("'{path}' is not a path, as in '{{a,0}}': {why}"))
                })?;
                json::path(text, &steps)
            }
            _ => json::member(text, right.as_string::<i32>().value(row)),
        })
    }
}

impl ScalarUDFImpl for Access {
    fn name(&self) -> &str {
        self.operator
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// As an expression looks in a plan.
    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(args.join(&format!(" {} ", self.operator)))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|a| a.schema_name().to_string()).collect();
        Ok(args.join(&format!(" {} ", self.operator)))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.answer.arrow())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.answer.field(self.operator, true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = types else { return Err(self.wrong(types).into()) };
        let unknown = |t: &DataType| is_text(t) || *t == DataType::Null;
        if !unknown(left) {
            return Err(self.wrong(types).into());
        }
        let right = match right {
            t if unknown(t) => DataType::Utf8,
            t if t.is_integer() && !self.by_path => DataType::Int64,
            DataType::List(field) if self.by_path && unknown(field.data_type()) => {
                DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)))
            }
            _ => return Err(self.wrong(types).into()),
        };
        Ok(vec![DataType::Utf8, right])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // A JSON was checked when it was written or cast.
        let checked =
            args.arg_fields.first().is_some_and(|f| ColumnType::of_field(f) == Some(ColumnType::Json));
        on_arrays(&args, |arrays| {
            let [left, right] = arrays else { return Err(Error::internal("an operator has two sides")) };
            let texts = left.as_string::<i32>();
            let mut answers: Vec<Option<String>> = Vec::with_capacity(texts.len());
            for (row, text) in texts.iter().enumerate() {
                let Some(text) = text.filter(|_| right.is_valid(row)) else {
                    answers.push(None);
                    continue;
                };
                if !checked {
                    json::check(text)
                        .map_err(|why| Error::invalid(format!("'{text}' is not JSON: {why}")))?;
                }
                let found = self.found(text, right, row)?;
                answers.push(match self.answer {
                    ColumnType::Text => found.and_then(json::text_of),
                    _ => found.map(str::to_owned),
                });
            }
            Ok(Arc::new(StringArray::from(answers)))
        })
    }
}
