//! STDDEV_POP, STDDEV_SAMP, VAR_POP and VAR_SAMP.
//!
//! Flink computes them in two ways, which give other last digits: in a GROUP BY by Welford's algorithm in DOUBLE, over an OVER
//! frame from the sums of values and of squares, in the type of the argument.

mod power_sums;
mod welford;

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float32Array, Float64Array, PrimitiveArray};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A};
use wasmill_plan::{DataType, Error, TypeKind};

pub(super) use power_sums::new as new_from_sums;
pub(super) use welford::new;

/// Which of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    sample: bool,
    root: bool,
}

impl Kind {
    /// Of a canonical function name.
    pub(super) fn of(function: &str) -> Option<Self> {
        let (sample, root) = match function {
            "STDDEV_POP" => (false, true),
            "STDDEV_SAMP" => (true, true),
            "VAR_POP" => (false, false),
            "VAR_SAMP" => (true, false),
            _ => return None,
        };
        Some(Self { sample, root })
    }
    fn finish(self, squares: f64, count: i64) -> Option<f64> {
        let by = if self.sample { count - 1 } else { count };
        if by <= 0 || squares < 0.0 {
            return None;
        }
        let variance = squares / by as f64;
        Some(if self.root { variance.powf(0.5) } else { variance })
    }
}

fn not_a_number(argument: &DataType) -> Error {
    Error::query(format!("the variance functions take numbers, not {argument}"))
}

fn scale(argument: &DataType) -> u8 {
    if let TypeKind::Decimal(_, scale) = argument.kind { scale } else { 0 }
}

/// The DOUBLE nearest to a DECIMAL.
pub(super) fn decimal_to_double(unscaled: i128, scale: u8) -> f64 {
    if unscaled.unsigned_abs() < 1 << 53 && scale <= 22 {
        // Both are exact, so the quotient is rounded once.
        return unscaled as f64 / 10f64.powi(i32::from(scale));
    }
    format!("{unscaled}e-{scale}").parse().expect("digits and an exponent")
}

/// DOUBLEs in the result's type, as CAST does it.
fn cast(values: impl Iterator<Item = Option<f64>>, result: &A) -> ArrayRef {
    fn whole<T: ArrowPrimitiveType>(
        values: impl Iterator<Item = Option<f64>>,
        to: impl Fn(f64) -> T::Native,
    ) -> ArrayRef {
        Arc::new(values.map(|v| v.map(&to)).collect::<PrimitiveArray<T>>())
    }
    match result {
        // Java narrows a double to int first, then cuts off.
        A::Int8 => whole::<t::Int8Type>(values, |v| v as i32 as i8),
        A::Int16 => whole::<t::Int16Type>(values, |v| v as i32 as i16),
        A::Int32 => whole::<t::Int32Type>(values, |v| v as i32),
        A::Int64 => whole::<t::Int64Type>(values, |v| v as i64),
        A::Float32 => Arc::new(values.map(|v| v.map(|v| v as f32)).collect::<Float32Array>()),
        A::Decimal128(_, scale) => {
            let to = |v: f64| double_to_decimal(v, *scale as u32);
            Arc::new(values.map(|v| v.and_then(to)).collect::<Decimal128Array>().with_data_type(result.clone()))
        }
        _ => Arc::new(values.collect::<Float64Array>()),
    }
}

/// The shortest decimal that names `value`, rounded half up to `scale` digits.
fn double_to_decimal(value: f64, scale: u32) -> Option<i128> {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e')?;
    let exponent: i64 = exponent.parse().ok()?;
    let fraction = digits.split_once('.').map_or(0, |(_, f)| f.len() as i64);
    let unscaled: i128 = digits.replace('.', "").parse().ok()?;
    let shift = exponent - fraction + i64::from(scale);
    if shift >= 0 {
        let up = 10i128.checked_pow(u32::try_from(shift).ok()?)?;
        return unscaled.checked_mul(up);
    }
    let Some(by) = u32::try_from(-shift).ok().and_then(|s| 10i128.checked_pow(s)) else { return Some(0) };
    let half = by / 2 * unscaled.signum();
    Some((unscaled + half) / by)
}
