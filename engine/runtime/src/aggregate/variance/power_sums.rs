//! Variances from the sums of values and of squares, in the type of the argument: those of an OVER frame.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, PrimitiveArray};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A};
use wasmill_plan::{DataType, Result, TypeKind};

use super::{Kind, cast, decimal_to_double, not_a_number, scale};
use crate::aggregate::sum::for_each_value;
use crate::aggregate::{Aggregate, primitive};

/// From `SUM(x * x)`, `SUM(x)` and `COUNT(x)`, as OVER has it.
pub(in crate::aggregate) fn new(kind: Kind, argument: &DataType, result: &DataType) -> Result<Box<dyn Aggregate>> {
    let result = result.to_arrow();
    let bits = match argument.kind {
        TypeKind::TinyInt => 8,
        TypeKind::SmallInt => 16,
        TypeKind::Int => 32,
        _ => 64,
    };
    match argument.kind {
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int | TypeKind::BigInt => {
            Ok(Box::new(FromSums::<i64> { slots: Vec::new(), kind, bits, scale: 0, result }))
        }
        TypeKind::Float => Ok(Box::new(FromSums::<f32> { slots: Vec::new(), kind, bits, scale: 0, result })),
        TypeKind::Double => Ok(Box::new(FromSums::<f64> { slots: Vec::new(), kind, bits, scale: 0, result })),
        TypeKind::Decimal(..) => {
            Ok(Box::new(FromSums::<i128> { slots: Vec::new(), kind, bits, scale: scale(argument), result }))
        }
        _ => Err(not_a_number(argument)),
    }
}

/// Arithmetic in the type of the argument.
trait Square: Copy + Default + Send + Sync + 'static {
    type Saved: ArrowPrimitiveType<Native = Self>;
    fn values(groups: &[u32], array: &dyn Array, each: impl FnMut(usize, Self));
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// The variance in DOUBLE (whole numbers: cut to the argument's `bits` at each step), `by` values.
    fn variance(squares: Self, sum: Self, count: i64, by: i64, bits: u32, scale: u8) -> f64;
}

impl Square for i64 {
    type Saved = t::Int64Type;
    fn values(groups: &[u32], array: &dyn Array, mut each: impl FnMut(usize, Self)) {
        match array.data_type() {
            A::Int8 => for_each_value::<t::Int8Type>(groups, array, |g, v| each(g, i64::from(v))),
            A::Int16 => for_each_value::<t::Int16Type>(groups, array, |g, v| each(g, i64::from(v))),
            A::Int32 => for_each_value::<t::Int32Type>(groups, array, |g, v| each(g, i64::from(v))),
            _ => for_each_value::<t::Int64Type>(groups, array, each),
        }
    }
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
    fn variance(squares: Self, sum: Self, count: i64, by: i64, bits: u32, _: u8) -> f64 {
        // Wraps as Java's arithmetic of that width does.
        let cut = |v: i64| v << (64 - bits) >> (64 - bits);
        let square = cut(cut(sum).wrapping_mul(cut(sum)));
        cut(cut(squares).wrapping_sub(square.wrapping_div(count))).wrapping_div(by) as f64
    }
}

macro_rules! float_square {
    ($t:ty, $arrow:ident) => {
        impl Square for $t {
            type Saved = t::$arrow;
            fn values(groups: &[u32], array: &dyn Array, each: impl FnMut(usize, Self)) {
                for_each_value::<t::$arrow>(groups, array, each);
            }
            fn plus(self, other: Self) -> Self {
                self + other
            }
            fn minus(self, other: Self) -> Self {
                self - other
            }
            fn times(self, other: Self) -> Self {
                self * other
            }
            fn variance(squares: Self, sum: Self, count: i64, by: i64, _: u32, _: u8) -> f64 {
                f64::from((squares - sum * sum / count as $t) / by as $t)
            }
        }
    };
}
float_square!(f32, Float32Type);
float_square!(f64, Float64Type);

impl Square for i128 {
    type Saved = t::Decimal128Type;
    fn values(groups: &[u32], array: &dyn Array, each: impl FnMut(usize, Self)) {
        for_each_value::<t::Decimal128Type>(groups, array, each);
    }
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    fn times(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
    fn variance(squares: Self, sum: Self, count: i64, by: i64, _: u32, scale: u8) -> f64 {
        // Flink's quotients of DECIMALs have six digits, rounded half up; where squares have more, one rounding at the end.
        let (count, by) = (i128::from(count), i128::from(by));
        if let Some(up) = 6u32.checked_sub(2 * u32::from(scale)).map(|digits| 10i128.pow(digits))
            && let Some((a, b)) = squares.checked_mul(up).zip(sum.checked_mul(sum).and_then(|s| s.checked_mul(up)))
        {
            return decimal_to_double(half_up(a - half_up(b, count), by), 6);
        }
        // count * squares - sum^2 is exact.
        match count.checked_mul(squares).zip(sum.checked_mul(sum)) {
            Some((a, b)) => decimal_to_double(a - b, 2 * scale) / count as f64 / by as f64,
            None => {
                let (squares, sum) = (decimal_to_double(squares, 2 * scale), decimal_to_double(sum, scale));
                (squares - sum * sum / count as f64) / by as f64
            }
        }
    }
}

/// A quotient rounded half away from zero; `by` is positive.
fn half_up(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    quotient + if rest.abs() >= by - rest.abs() { value.signum() } else { 0 }
}

#[derive(Clone, Copy, Default)]
struct Sums<S> {
    squares: S,
    sum: S,
    count: i64,
}

/// State: `squares` and `sum` (Int64, Float32, Float64 or DECIMAL(38, 0) of unscaled values), `count` Int64.
struct FromSums<S> {
    slots: Vec<Sums<S>>,
    kind: Kind,
    bits: u32,
    scale: u8,
    result: A,
}

impl<S: Square> FromSums<S> {
    fn saved_type() -> A {
        match S::Saved::DATA_TYPE {
            A::Decimal128(..) => A::Decimal128(38, 0),
            other => other,
        }
    }
}

impl<S: Square> Aggregate for FromSums<S> {
    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups.max(self.slots.len()), Sums::default());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let slots = &mut self.slots[..];
        S::values(groups, &args[0], |g, v| {
            let s = &mut slots[g];
            *s = Sums { squares: s.squares.plus(v.times(v)), sum: s.sum.plus(v), count: s.count + 1 };
        });
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let slots = &mut self.slots[..];
        S::values(groups, &args[0], |g, v| {
            let s = &mut slots[g];
            *s = match s.count {
                1 => Sums::default(),
                count => Sums { squares: s.squares.minus(v.times(v)), sum: s.sum.minus(v), count: count - 1 },
            };
        });
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let from = self.slots[from as usize];
            let s = &mut self.slots[into as usize];
            *s = Sums { squares: s.squares.plus(from.squares), sum: s.sum.plus(from.sum), count: s.count + from.count };
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let value = |&g: &u32| {
            let s = &self.slots[g as usize];
            let by = if self.kind.sample { s.count - 1 } else { s.count };
            if by <= 0 {
                return None;
            }
            let variance = S::variance(s.squares, s.sum, s.count, by, self.bits, self.scale);
            Some(if self.kind.root { variance.powf(0.5) } else { variance })
        };
        Ok(cast(groups.iter().map(value), &self.result))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.slots[g as usize] = Sums::default());
    }
    fn state_types(&self) -> Vec<A> {
        vec![Self::saved_type(), Self::saved_type(), A::Int64]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let slots = || groups.iter().map(|&g| &self.slots[g as usize]);
        let column = |values: PrimitiveArray<S::Saved>| Arc::new(values.with_data_type(Self::saved_type())) as ArrayRef;
        Ok(vec![
            column(PrimitiveArray::from_iter_values(slots().map(|s| s.squares))),
            column(PrimitiveArray::from_iter_values(slots().map(|s| s.sum))),
            Arc::new(Int64Array::from_iter_values(slots().map(|s| s.count))),
        ])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let squares = primitive::<S::Saved>(columns, 0, "a variance")?;
        let sum = primitive::<S::Saved>(columns, 1, "a variance")?;
        let count = primitive::<t::Int64Type>(columns, 2, "a variance")?;
        for (row, &g) in groups.iter().enumerate() {
            self.slots[g as usize] = Sums { squares: squares.value(row), sum: sum.value(row), count: count.value(row) };
        }
        Ok(())
    }
}
