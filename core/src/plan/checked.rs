//! Arithmetic that fails where it would wrap, or leave the numbers.
//!
//! DataFusion's own wraps: `SET balance = balance * 2` would store a wrong number without a word, and
//! `DELETE … WHERE n + 1 < 0` would remove the row with the greatest. So `+`, `-` and `*` on integers, the
//! sign, and all of it on floating point numbers are functions here, put in before anything is computed; and
//! so are the casts and literals that [`converted`] is about.

use std::sync::Arc;

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::concat_elements::concat_elements_dyn;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use datafusion::scalar::ScalarValue;

use crate::error::Error;
use crate::plan::conversions::converted;
use crate::plan::functions::on_arrays;
use crate::plan::{floats, growth};

/// Puts checked functions in the place of integer arithmetic.
#[derive(Debug)]
pub struct CheckArithmetic {
    add: Arc<ScalarUDF>,
    subtract: Arc<ScalarUDF>,
    multiply: Arc<ScalarUDF>,
    divide: Arc<ScalarUDF>,
    modulo: Arc<ScalarUDF>,
    concat: Arc<ScalarUDF>,
}

impl CheckArithmetic {
    /// Checks for statements that may hold `memory_bytes`.
    #[must_use]
    pub fn new(memory_bytes: usize) -> Self {
        let most = growth::most(memory_bytes);
        let of = |op, name| Arc::new(ScalarUDF::from(Checked::new(op, name, most)));
        Self {
            add: of(Operator::Plus, "checked_add"),
            subtract: of(Operator::Minus, "checked_subtract"),
            multiply: of(Operator::Multiply, "checked_multiply"),
            divide: of(Operator::Divide, "checked_divide"),
            modulo: of(Operator::Modulo, "checked_modulo"),
            concat: of(Operator::StringConcat, "checked_concat"),
        }
    }

    /// `expr` over the columns of `schema` with its arithmetic checked.
    ///
    /// # Errors
    /// What DataFusion says of the changed expression.
    pub fn applied_to(&self, expr: Expr, schema: &DFSchema) -> Result<Expr> {
        expr.transform_up(|e| Ok(self.node(converted(e, schema)?, schema))).data()
    }

    fn node(&self, expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
        let is_integer = |e: &Expr| e.get_type(schema).is_ok_and(|t| t.is_integer());
        let call = |function: &Arc<ScalarUDF>, args| {
            Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args)))
        };
        let of_floats = |left: &Expr, right: &Expr| match (left.get_type(schema), right.get_type(schema)) {
            (Ok(l), Ok(r)) => l.is_numeric() && r.is_numeric() && (l.is_floating() || r.is_floating()),
            _ => false,
        };
        let of_texts = |left: &Expr, right: &Expr| {
            let is_text = |e: &Expr| e.get_type(schema).is_ok_and(|t| t.is_string());
            is_text(left) || is_text(right)
        };
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let integers = is_integer(&left) && is_integer(&right);
                let floats = !integers && of_floats(&left, &right);
                let function = match op {
                    Operator::Plus if integers || floats => &self.add,
                    Operator::Minus if integers || floats => &self.subtract,
                    Operator::Multiply if integers || floats => &self.multiply,
                    // Of integers they are checked by DataFusion.
                    Operator::Divide if floats => &self.divide,
                    Operator::Modulo if floats => &self.modulo,
                    Operator::StringConcat if of_texts(&left, &right) => &self.concat,
                    _ => return Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
                };
                call(function, vec![*left, *right])
            }
            Expr::Negative(inner) => match inner.get_type(schema).map(|t| ScalarValue::new_zero(&t)) {
                Ok(Ok(zero)) if is_integer(&inner) => {
                    call(&self.subtract, vec![Expr::Literal(zero, None), *inner])
                }
                _ => Transformed::no(Expr::Negative(inner)),
            },
            other => Transformed::no(other),
        }
    }
}

impl FunctionRewrite for CheckArithmetic {
    fn name(&self) -> &str {
        "check_arithmetic"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        Ok(Transformed::yes(self.node(converted(expr, schema)?, schema).data))
    }
}

/// One operator on two numbers or texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    op: Operator,
    name: &'static str,
    /// How many bytes of text it may make at a time.
    most: usize,
    signature: Signature,
}

impl Checked {
    fn new(op: Operator, name: &'static str, most: usize) -> Self {
        Self { op, name, most, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn operands<'a, T>(&self, args: &'a [T]) -> Result<(&'a T, &'a T)> {
        match args {
            [left, right] => Ok((left, right)),
            _ => Err(Error::internal(format!("{} has two arguments", self.name)).into()),
        }
    }
}

impl Checked {
    fn concat(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        growth::check_sum("||", &args.args, rows, self.most)?;
        on_arrays(args, |arrays| {
            let (left, right) = self.operands(arrays)?;
            Ok(concat_elements_dyn(left, right)?)
        })
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// As an expression looks in a plan.
    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let (left, right) = self.operands(args)?;
        Ok(format!("{left} {} {right}", self.op))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let (left, right) = self.operands(args)?;
        Ok(format!("{} {} {}", left.schema_name(), self.op, right.schema_name()))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let (left, right) = self.operands(types)?;
        BinaryTypeCoercer::new(left, &self.op, right).get_result_type()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|f| f.is_nullable());
        Ok(Arc::new(Field::new(self.name, self.return_type(&types)?, nullable)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (left, right) = self.operands(types)?;
        let (left, right) = BinaryTypeCoercer::new(left, &self.op, right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (left, right) = self.operands(&args.args)?;
        if self.op == Operator::StringConcat {
            return self.concat(&args);
        }
        let kernel: fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> = match self.op {
            Operator::Plus => numeric::add,
            Operator::Minus => numeric::sub,
            Operator::Multiply => numeric::mul,
            Operator::Divide => numeric::div,
            _ => numeric::rem,
        };
        let result =
            apply(left, right, kernel).map_err(|e| out_of_range(e, args.return_field.data_type()))?;
        if result.data_type().is_floating() {
            floats::check(self.op, &args.args, &result)?;
        }
        Ok(result)
    }
}

/// The name of a type of numbers, as PostgreSQL writes it in messages.
pub(super) fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        _ => "bigint",
    }
}

/// As PostgreSQL says it: the two numbers are somewhere in the rows.
fn out_of_range(error: DataFusionError, data_type: &DataType) -> DataFusionError {
    match &error {
        DataFusionError::ArrowError(inner, _) if matches!(**inner, ArrowError::ArithmeticOverflow(_)) => {
            let what = inner.to_string();
            let what = what.rsplit("happened on: ").next().unwrap_or_default();
            Error::invalid(format!("{} out of range: {what}", type_name(data_type))).into()
        }
        _ => error,
    }
}
