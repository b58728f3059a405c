//! Casts and literals that DataFusion would take otherwise than the tables do.
//!
//! A UUID, a JSON and a VARCHAR(n) are text to DataFusion, so casting to one would check nothing; casting to
//! an integer would cut the digits behind the point off. And a literal beside a column is of the column's
//! type: `amount = 0.1` compares decimals, `id = 'A0EE…'` UUIDs, however they are written.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::catalog::{ColumnType, convert, is_text, writes};
use crate::error::Error;
use crate::plan::functions::on_arrays;
use crate::values::decimal;

/// `expr` with what is said above put in; its operands are done already.
///
/// # Errors
/// `InvalidInput` for a literal that is no value of the type it is compared with, `Unsupported` for TRY_CAST
/// to a type that is checked here.
pub fn converted(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(match expr {
        Expr::Cast(Cast { expr, field }) => match converts(&expr, &field, schema) {
            Some(ty) => Expr::ScalarFunction(ScalarFunction::new_udf(Convert::function(ty), vec![*expr])),
            None => Expr::Cast(Cast { expr, field }),
        },
        Expr::TryCast(TryCast { expr, field }) => {
            if let Some(ty) = converts(&expr, &field, schema) {
                return Err(Error::unsupported(format!("TRY_CAST to {ty}; write CAST")).into());
            }
            Expr::TryCast(TryCast { expr, field })
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let is_literal = |side: &Expr| matches!(side, Expr::Literal(..));
            let (left, right) = match (is_literal(&left), is_literal(&right)) {
                (true, false) => (Box::new(beside(*left, op, &right, schema)?), right),
                (false, true) => {
                    let fitted = beside(*right, op, &left, schema)?;
                    (left, Box::new(fitted))
                }
                _ => (left, right),
            };
            let (left, right) = match op {
                Operator::StringConcat => (as_text(left, schema), as_text(right, schema)),
                _ => (left, right),
            };
            Expr::BinaryExpr(BinaryExpr { left, op, right })
        }
        Expr::InList(InList { expr, list, negated }) => {
            let list = list.into_iter().map(|item| beside(item, Operator::Eq, &expr, schema));
            let list = list.collect::<Result<_>>()?;
            Expr::InList(InList { expr, list, negated })
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let low = Box::new(beside(*low, Operator::GtEq, &expr, schema)?);
            let high = Box::new(beside(*high, Operator::LtEq, &expr, schema)?);
            Expr::Between(Between { expr, negated, low, high })
        }
        // The branches of one answer have one type.
        Expr::Case(mut case) => {
            let mut branches: Vec<&mut Expr> =
                case.when_then_expr.iter_mut().map(|(_, then)| then.as_mut()).collect();
            branches.extend(case.else_expr.iter_mut().map(|e| e.as_mut()));
            align(branches, schema);
            Expr::Case(case)
        }
        Expr::ScalarFunction(mut call)
            if matches!(call.func.name(), "coalesce" | "nullif" | "greatest" | "least") =>
        {
            align(call.args.iter_mut().collect(), schema);
            Expr::ScalarFunction(call)
        }
        Expr::ScalarFunction(mut call) if matches!(call.func.name(), "concat" | "concat_ws") => {
            call.args = call.args.into_iter().map(|arg| *as_text(Box::new(arg), schema)).collect();
            Expr::ScalarFunction(call)
        }
        // In nanoseconds a comparison with the year 9999 would be out of range.
        Expr::ScalarFunction(call) if call.func.name() == "now" => {
            let now = Expr::ScalarFunction(call);
            match now.get_type(schema)? {
                DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
                    Expr::Cast(Cast::new(Box::new(now), DataType::Timestamp(TimeUnit::Microsecond, zone)))
                }
                _ => now,
            }
        }
        other => other,
    })
}

/// A time as text, where it becomes text without a cast.
fn as_text(expr: Box<Expr>, schema: &DFSchema) -> Box<Expr> {
    match expr.get_type(schema) {
        Ok(from) if writes(&from) && !from.is_nested() => Box::new(Expr::ScalarFunction(
            ScalarFunction::new_udf(Convert::function(ColumnType::Text), vec![*expr]),
        )),
        _ => expr,
    }
}

/// The type to which a cast of `expr` is done here.
fn converts(expr: &Expr, field: &Field, schema: &DFSchema) -> Option<ColumnType> {
    let ty = ColumnType::of_field(field)?;
    let from = expr.get_type(schema).ok()?;
    let here = match ty {
        ColumnType::Uuid | ColumnType::Json | ColumnType::Varchar(_) => true,
        ColumnType::Decimal { .. } => is_text(&from) || from.is_floating(),
        ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => {
            from.is_floating() || from.is_decimal()
        }
        ColumnType::Real => from == DataType::Float64,
        ColumnType::Bytea | ColumnType::Array(_) => is_text(&from),
        ColumnType::Text => writes(&from),
        _ => false,
    };
    here.then_some(ty)
}

/// `expr`, if it is a literal, as a value of the type of `other`.
fn beside(expr: Expr, op: Operator, other: &Expr, schema: &DFSchema) -> Result<Expr> {
    let Expr::Literal(value, metadata) = expr else { return Ok(expr) };
    let compares = matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    );
    if !compares && !op.is_numerical_operators() {
        return Ok(Expr::Literal(value, metadata));
    }
    let Ok((_, field)) = other.to_field(schema) else { return Ok(Expr::Literal(value, metadata)) };
    let fitted = match (&value, field.data_type()) {
        (ScalarValue::Float64(Some(float)), DataType::Decimal128(..)) => exact(&float.to_string()),
        (ScalarValue::Utf8(Some(text)), _) if compares => of_type(text, &field)?,
        _ => None,
    };
    Ok(match fitted {
        Some(fitted) => Expr::Literal(fitted, None),
        None => Expr::Literal(value, metadata),
    })
}

/// Makes literals among `exprs` decimals, if another of them is one.
fn align(exprs: Vec<&mut Expr>, schema: &DFSchema) {
    let is_decimal = |e: &Expr| matches!(e.get_type(schema), Ok(DataType::Decimal128(..)));
    if !exprs.iter().any(|e| is_decimal(e)) {
        return;
    }
    for expr in exprs {
        if let Expr::Literal(ScalarValue::Float64(Some(float)), _) = expr
            && let Some(decimal) = exact(&float.to_string())
        {
            *expr = Expr::Literal(decimal, None);
        }
    }
}

/// The decimal that `text` is, with all its digits.
fn exact(text: &str) -> Option<ScalarValue> {
    let (value, precision, scale) = decimal::parse_exact(text)?;
    Some(ScalarValue::Decimal128(Some(value), precision, scale.cast_signed()))
}

fn of_type(text: &str, field: &Field) -> Result<Option<ScalarValue>> {
    let Some(ty) = ColumnType::of_field(field) else { return Ok(None) };
    match ty {
        // All digits count: 1.005 is not 1.01.
        ColumnType::Decimal { .. } if exact(text.trim()).is_some() => Ok(exact(text.trim())),
        ColumnType::Decimal { .. }
        | ColumnType::Time
        | ColumnType::Timestamp
        | ColumnType::TimestampTz
        | ColumnType::Uuid
        | ColumnType::Array(_) => {
            let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
            let values = convert(&texts, ty).map_err(|why| why.error(&format!("type {ty}")))?;
            Ok(Some(ScalarValue::try_from_array(&values, 0)?))
        }
        _ => Ok(None),
    }
}

/// A cast to one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Convert {
    ty: ColumnType,
    signature: Signature,
}

impl Convert {
    fn function(ty: ColumnType) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(Self { ty, signature: Signature::any(1, Volatility::Immutable) }))
    }
}

impl ScalarUDFImpl for Convert {
    fn name(&self) -> &str {
        "cast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Ok(format!("CAST({} AS {})", args.join(", "), self.ty))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|a| a.schema_name().to_string()).collect();
        Ok(format!("CAST({} AS {})", args.join(", "), self.ty))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.ty.arrow())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|f| f.is_nullable());
        Ok(Arc::new(self.ty.field(self.name(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let [values] = arrays else { return Err(Error::internal("a cast has one argument")) };
            let wrong = |why: crate::catalog::Misfit| why.error(&format!("CAST to {}", self.ty));
            match self.ty {
                // As the standard has it, a cast cuts off what an assignment refuses.
                ColumnType::Varchar(limit) => {
                    Ok(first_characters(&convert(values, ColumnType::Text).map_err(wrong)?, limit))
                }
                ty => convert(values, ty).map_err(wrong),
            }
        })
    }
}

fn first_characters(values: &ArrayRef, limit: u32) -> ArrayRef {
    use arrow::array::AsArray;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let cut = values.as_string::<i32>().iter().map(|text| {
        let text = text?;
        let end = text.char_indices().nth(limit).map_or(text.len(), |(end, _)| end);
        text.get(..end)
    });
    Arc::new(cut.collect::<StringArray>())
}
