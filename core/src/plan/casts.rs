//! Casts of floating point numbers as PostgreSQL does them: to integers they round, half to even, and what
//! is out of range is an error. DataFusion cuts the fraction off, and makes a large number infinite.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};
use arrow::util::display::FormatOptions;
use datafusion::common::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::scalar::ScalarValue;

use crate::error::Error;
use crate::plan::checked::type_name;

/// Whether a cast between these types is done here.
#[must_use]
pub fn is_checked(from: &DataType, to: &DataType) -> bool {
    from.is_floating() && to.is_integer() || *from == DataType::Float64 && *to == DataType::Float32
}

/// The call that a cast becomes.
#[must_use]
pub fn checked(cast: Cast) -> Expr {
    let to = cast.field.data_type().clone();
    let function = CheckedCast { to, signature: Signature::any(1, Volatility::Immutable) };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), vec![*cast.expr]))
}

/// A cast to one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedCast {
    to: DataType,
    signature: Signature,
}

fn argument<T>(args: &[T]) -> Result<&T> {
    args.first().ok_or_else(|| Error::internal("a cast has one argument").into())
}

impl ScalarUDFImpl for CheckedCast {
    fn name(&self) -> &str {
        "checked_cast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(format!("CAST({} AS {})", argument(args)?, self.to))
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(argument(args)?.schema_name().to_string())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = argument(args.arg_fields)?.is_nullable();
        Ok(Arc::new(Field::new(self.name(), self.to.clone(), nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = argument(&args.args)?;
        let values = ColumnarValue::values_to_arrays(std::slice::from_ref(value))?;
        let cast = cast_floats(argument(&values)?, &self.to)?;
        Ok(match value {
            ColumnarValue::Scalar(_) => ColumnarValue::Scalar(ScalarValue::try_from_array(&cast, 0)?),
            ColumnarValue::Array(_) => ColumnarValue::Array(cast),
        })
    }
}

fn cast_floats(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let doubles = cast(values, &DataType::Float64)?;
    let doubles = doubles.as_primitive::<Float64Type>();
    if *to == DataType::Float32 {
        let reals = doubles.unary::<_, Float32Type>(|v| v as f32);
        let misfit = reals.iter().zip(doubles.iter()).find_map(|(real, double)| {
            double.filter(|double| double.is_finite() && real.is_some_and(f32::is_infinite))
        });
        return match misfit {
            Some(value) => Err(out_of_range(value, to)),
            None => Ok(Arc::new(reals)),
        };
    }
    let rounded: ArrayRef = Arc::new(doubles.unary::<_, Float64Type>(f64::round_ties_even));
    let options = |safe| CastOptions { safe, format_options: FormatOptions::default() };
    cast_with_options(&rounded, to, &options(false)).map_err(|e| {
        let Ok(fitting) = cast_with_options(&rounded, to, &options(true)) else { return e.into() };
        let misfit = (0..doubles.len()).find(|row| doubles.is_valid(*row) && fitting.is_null(*row));
        misfit.map_or_else(|| e.into(), |row| out_of_range(doubles.value(row), to))
    })
}

fn out_of_range(value: f64, to: &DataType) -> datafusion::error::DataFusionError {
    Error::invalid(format!("{} out of range: {value}", type_name(to))).into()
}
