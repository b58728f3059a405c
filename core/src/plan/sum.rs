//! `sum` that fails where it would wrap.
//!
//! DataFusion adds integers up in 64 bits, and decimals in 128, without looking: a total that does not fit
//! would be a wrong number. Here they are added up by DataFusion's own accumulators in twice the width,
//! where no number of rows overflows, and only the total is made narrow again. So a sum fails exactly when
//! its total does not fit, in whatever order rows come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type,
};
use arrow::util::display::FormatOptions;
use datafusion::common::Result;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity,
    Signature,
};
use datafusion::scalar::ScalarValue;

use crate::error::Error;

/// Decimals of so many digits at most are added up in their own 128 bits: it takes ten billion rows to pass
/// them.
const SHORT_DECIMAL: u8 = 28;

/// The aggregate function.
#[must_use]
pub fn checked_sum() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(CheckedSum { inner: sum_udaf() }))
}

/// The type that values of type `ty` are added up in, if it is another one.
fn wide(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Int64 | DataType::UInt64 => Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)),
        DataType::Decimal128(precision, scale) if *precision > SHORT_DECIMAL => {
            Some(DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale))
        }
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CheckedSum {
    inner: Arc<AggregateUDF>,
}

/// The arguments with another type in the place of the total's.
fn widened<'a>(args: &AccumulatorArgs<'a>, ty: DataType) -> AccumulatorArgs<'a> {
    AccumulatorArgs {
        return_field: field_like(&args.return_field, ty),
        schema: args.schema,
        ignore_nulls: args.ignore_nulls,
        order_bys: args.order_bys,
        is_reversed: args.is_reversed,
        name: args.name,
        is_distinct: args.is_distinct,
        exprs: args.exprs,
        expr_fields: args.expr_fields,
    }
}

fn field_like(field: &Field, ty: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(ty))
}

impl CheckedSum {
    /// The type that the values of the argument are added up in.
    fn wide_of(args: &AccumulatorArgs<'_>) -> Option<DataType> {
        args.expr_fields.first().and_then(|field| wide(field.data_type()))
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(wide) = Self::wide_of(&args) else { return self.inner.accumulator(args) };
        let inner = self.inner.accumulator(widened(&args, wide.clone()))?;
        Ok(Box::new(Narrowed { inner, wide, total: args.return_field.data_type().clone() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let Some(wide) = args.input_fields.first().and_then(|field| wide(field.data_type())) else {
            return self.inner.state_fields(args);
        };
        let return_field = field_like(&args.return_field, wide);
        self.inner.state_fields(StateFieldsArgs { return_field, ..args })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let total = args.return_field.data_type().clone();
        let wide = Self::wide_of(&args).unwrap_or_else(|| total.clone());
        let inner = self.inner.create_groups_accumulator(widened(&args, wide.clone()))?;
        Ok(Box::new(Narrowed { inner, wide, total }))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match Self::wide_of(&args) {
            // DataFusion has DISTINCT in a sliding frame for 64-bit integers only.
            Some(wide) if !args.is_distinct => {
                let inner = self.inner.create_sliding_accumulator(widened(&args, wide.clone()))?;
                Ok(Box::new(Narrowed { inner, wide, total: args.return_field.data_type().clone() }))
            }
            _ => self.inner.create_sliding_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }
}

/// An accumulator of `wide` numbers that gives a total of another type.
#[derive(Debug)]
struct Narrowed<A> {
    inner: A,
    wide: DataType,
    total: DataType,
}

impl<A> Narrowed<A> {
    fn widen(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let widen = |values: &ArrayRef| match values.data_type() {
            // The common case, without a look at each number.
            DataType::Int64 if matches!(self.wide, DataType::Decimal128(..)) => {
                let wide = values.as_primitive::<Int64Type>().unary::<_, Decimal128Type>(i128::from);
                Ok(Arc::new(wide.with_precision_and_scale(DECIMAL128_MAX_PRECISION, 0)?) as ArrayRef)
            }
            _ => cast(values, &self.wide),
        };
        values.iter().map(widen).collect()
    }

    fn narrow(&self, totals: &ArrayRef) -> Result<ArrayRef> {
        let narrow = if let (DataType::Decimal128(precision, scale), DataType::Decimal128(..)) =
            (&self.total, totals.data_type())
        {
            let totals = totals.as_primitive::<Decimal128Type>();
            totals
                .validate_decimal_precision(*precision)
                .and_then(|()| totals.clone().with_precision_and_scale(*precision, *scale))
                .map(|totals| Arc::new(totals) as ArrayRef)
                .map_err(Into::into)
        } else {
            cast(totals, &self.total)
        };
        narrow.map_err(|_| {
            let name = match self.total {
                DataType::Int64 => "bigint",
                DataType::UInt64 => "unsigned bigint",
                _ => "numeric",
            };
            Error::invalid(format!("{name} out of range: a sum does not fit")).into()
        })
    }
}

fn cast(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if values.data_type() == to {
        return Ok(Arc::clone(values));
    }
    let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
    Ok(cast_with_options(values, to, &strict)?)
}

impl Accumulator for Narrowed<Box<dyn Accumulator>> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = self.widen(values)?;
        self.inner.update_batch(&values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = self.inner.evaluate()?.to_array()?;
        ScalarValue::try_from_array(&self.narrow(&total)?, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = self.widen(values)?;
        self.inner.retract_batch(&values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

impl GroupsAccumulator for Narrowed<Box<dyn GroupsAccumulator>> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = self.widen(values)?;
        self.inner.update_batch(&values, group_indices, opt_filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = self.inner.evaluate(emit_to)?;
        self.narrow(&totals)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit_to)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.inner.merge_batch(values, group_indices, total_num_groups)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&self.widen(values)?, opt_filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
