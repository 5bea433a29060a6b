//! STDDEV_POP, STDDEV_SAMP, VAR_POP and VAR_SAMP.
//!
//! Flink computes them in two ways, which give other last digits: in a GROUP BY by Welford's algorithm in DOUBLE, over an OVER
//! frame from the sums of values and of squares, in the type of the argument.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Float32Array, Float64Array, Int64Array, PrimitiveArray};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A};
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::sum::for_each_value;
use super::{Aggregate, primitive};

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

/// By Welford's algorithm.
pub(super) fn new(kind: Kind, argument: &DataType, result: &DataType) -> Result<Box<dyn Aggregate>> {
    let result = result.to_arrow();
    let scale = scale(argument);
    macro_rules! welford {
        ($t:ident) => {
            Ok(Box::new(Welford::<t::$t> { slots: Vec::new(), kind, scale, result, argument: PhantomData }))
        };
    }
    match argument.kind {
        TypeKind::TinyInt => welford!(Int8Type),
        TypeKind::SmallInt => welford!(Int16Type),
        TypeKind::Int => welford!(Int32Type),
        TypeKind::BigInt => welford!(Int64Type),
        TypeKind::Float => welford!(Float32Type),
        TypeKind::Double => welford!(Float64Type),
        TypeKind::Decimal(..) => welford!(Decimal128Type),
        _ => Err(not_a_number(argument)),
    }
}

fn not_a_number(argument: &DataType) -> Error {
    Error::query(format!("the variance functions take numbers, not {argument}"))
}

fn scale(argument: &DataType) -> u8 {
    if let TypeKind::Decimal(_, scale) = argument.kind { scale } else { 0 }
}

/// A number as DOUBLE.
trait AsDouble: Copy {
    fn double(self, scale: u8) -> f64;
}
macro_rules! as_double {
    ($($t:ty),*) => { $(impl AsDouble for $t {
        #[inline]
        fn double(self, _: u8) -> f64 {
            self as f64
        }
    })* };
}
as_double!(i8, i16, i32, i64, f32, f64);
impl AsDouble for i128 {
    fn double(self, scale: u8) -> f64 {
        decimal_to_double(self, scale)
    }
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

#[derive(Clone, Copy, Default)]
struct Moments {
    count: i64,
    mean: f64,
    squares: f64,
}

/// Count, mean and sum of squared distances from it (Welford 1962; merging by Chan, Golub, LeVeque 1979), in the order of
/// operations of Flink. State: `count` Int64, `mean` Float64, `squares` Float64.
struct Welford<T> {
    slots: Vec<Moments>,
    kind: Kind,
    scale: u8,
    result: A,
    argument: PhantomData<fn(T)>,
}

impl<T> Aggregate for Welford<T>
where
    T: ArrowPrimitiveType,
    T::Native: AsDouble,
{
    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups.max(self.slots.len()), Moments::default());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (slots, scale) = (&mut self.slots[..], self.scale);
        for_each_value::<T>(groups, &args[0], |g, v| {
            let m = &mut slots[g];
            m.count += 1;
            if m.count > 0 {
                let value = v.double(scale);
                let delta = value - m.mean;
                m.mean += delta / m.count as f64;
                m.squares += delta * (value - m.mean);
            }
        });
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (slots, scale) = (&mut self.slots[..], self.scale);
        for_each_value::<T>(groups, &args[0], |g, v| {
            let m = &mut slots[g];
            m.count -= 1;
            if m.count > 0 {
                let value = v.double(scale);
                let after = value - m.mean;
                m.mean -= after / m.count as f64;
                m.squares -= (value - m.mean) * after;
            } else if m.count == 0 {
                *m = Moments::default();
            }
        });
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let other = self.slots[from as usize];
            let m = &mut self.slots[into as usize];
            if other.count <= 0 {
                m.count += other.count;
            } else if m.count == 0 {
                *m = other;
            } else {
                let count = m.count + other.count;
                let delta = other.mean - m.mean;
                let weight = other.count as f64 / count as f64;
                let cross = m.count as f64 * other.count as f64 / count as f64;
                m.squares = m.squares + other.squares + cross * delta * delta;
                m.mean += weight * delta;
                m.count = count;
            }
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let slots = groups.iter().map(|&g| &self.slots[g as usize]);
        Ok(cast(slots.map(|m| self.kind.finish(m.squares, m.count)), &self.result))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.slots[g as usize] = Moments::default());
    }
    fn state_types(&self) -> Vec<A> {
        vec![A::Int64, A::Float64, A::Float64]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let slots = || groups.iter().map(|&g| &self.slots[g as usize]);
        Ok(vec![
            Arc::new(Int64Array::from_iter_values(slots().map(|m| m.count))),
            Arc::new(Float64Array::from_iter_values(slots().map(|m| m.mean))),
            Arc::new(Float64Array::from_iter_values(slots().map(|m| m.squares))),
        ])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let count = primitive::<t::Int64Type>(columns, 0, "a variance")?;
        let mean = primitive::<t::Float64Type>(columns, 1, "a variance")?;
        let squares = primitive::<t::Float64Type>(columns, 2, "a variance")?;
        for (row, &g) in groups.iter().enumerate() {
            self.slots[g as usize] =
                Moments { count: count.value(row), mean: mean.value(row), squares: squares.value(row) };
        }
        Ok(())
    }
}

/// From `SUM(x * x)`, `SUM(x)` and `COUNT(x)`, as OVER has it.
pub(super) fn new_from_sums(kind: Kind, argument: &DataType, result: &DataType) -> Result<Box<dyn Aggregate>> {
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
