//! SUM and AVG: one sum and one count of values per group.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float32Array, Float64Array, Int64Array, PrimitiveArray};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A, i256};
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::{Aggregate, primitive};

/// Makes the sums for an argument of that type.
pub(super) fn new(average: bool, argument: &DataType, result: &DataType) -> Result<Box<dyn Aggregate>> {
    let result = result.to_arrow();
    macro_rules! sum {
        ($t:ident, $sum:ty) => {
            Ok(Box::new(Sum::<t::$t, $sum>::new(average, argument, result)))
        };
    }
    match argument.kind {
        TypeKind::TinyInt => sum!(Int8Type, i64),
        TypeKind::SmallInt => sum!(Int16Type, i64),
        TypeKind::Int => sum!(Int32Type, i64),
        TypeKind::BigInt => sum!(Int64Type, i64),
        TypeKind::Float => sum!(Float32Type, f32),
        TypeKind::Double => sum!(Float64Type, f64),
        TypeKind::Decimal(..) => sum!(Decimal128Type, i128),
        _ => Err(Error::query(format!("SUM and AVG take numbers, not {argument}"))),
    }
}

/// A running sum as Flink's accumulators hold it.
trait Total: Copy + Default + Send + Sync + 'static {
    /// Of the saved column.
    type Saved: ArrowPrimitiveType<Native = Self>;
    /// `None` where the sum has no value any more: it starts again with the next value.
    fn plus(self, other: Self) -> Option<Self>;
    fn minus(self, other: Self) -> Option<Self>;
    /// The column of `SUM`s; whole numbers are reduced to the result's width, so that they wrap as in Java.
    fn sums(values: impl Iterator<Item = Option<Self>>, result: &A) -> ArrayRef;
    /// The column of averages of (sum, count). `scale` is that of the argument.
    fn averages(values: impl Iterator<Item = Option<(Self, i64)>>, scale: i8, result: &A) -> ArrayRef;
}

fn whole(values: impl Iterator<Item = Option<i64>>, result: &A) -> ArrayRef {
    fn narrow<T: ArrowPrimitiveType>(
        values: impl Iterator<Item = Option<i64>>,
        to: impl Fn(i64) -> T::Native,
    ) -> ArrayRef {
        Arc::new(values.map(|v| v.map(&to)).collect::<PrimitiveArray<T>>())
    }
    match result {
        A::Int8 => narrow::<t::Int8Type>(values, |v| v as i8),
        A::Int16 => narrow::<t::Int16Type>(values, |v| v as i16),
        A::Int32 => narrow::<t::Int32Type>(values, |v| v as i32),
        _ => Arc::new(values.collect::<Int64Array>()),
    }
}

impl Total for i64 {
    type Saved = t::Int64Type;
    #[inline]
    fn plus(self, other: Self) -> Option<Self> {
        Some(self.wrapping_add(other))
    }
    #[inline]
    fn minus(self, other: Self) -> Option<Self> {
        Some(self.wrapping_sub(other))
    }
    fn sums(values: impl Iterator<Item = Option<Self>>, result: &A) -> ArrayRef {
        whole(values, result)
    }
    fn averages(values: impl Iterator<Item = Option<(Self, i64)>>, _: i8, result: &A) -> ArrayRef {
        // Flink divides the sum as SUM gives it, wrapped.
        let wrap = |sum: i64| match result {
            A::Int8 => i64::from(sum as i8),
            A::Int16 => i64::from(sum as i16),
            A::Int32 => i64::from(sum as i32),
            _ => sum,
        };
        whole(values.map(|v| v.map(|(sum, count)| wrap(sum).wrapping_div(count))), result)
    }
}

impl Total for f32 {
    type Saved = t::Float32Type;
    #[inline]
    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }
    #[inline]
    fn minus(self, other: Self) -> Option<Self> {
        Some(self - other)
    }
    fn sums(values: impl Iterator<Item = Option<Self>>, _: &A) -> ArrayRef {
        Arc::new(values.collect::<Float32Array>())
    }
    fn averages(values: impl Iterator<Item = Option<(Self, i64)>>, _: i8, _: &A) -> ArrayRef {
        Arc::new(values.map(|v| v.map(|(sum, count)| sum / count as f32)).collect::<Float32Array>())
    }
}

impl Total for f64 {
    type Saved = t::Float64Type;
    #[inline]
    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }
    #[inline]
    fn minus(self, other: Self) -> Option<Self> {
        Some(self - other)
    }
    fn sums(values: impl Iterator<Item = Option<Self>>, _: &A) -> ArrayRef {
        Arc::new(values.collect::<Float64Array>())
    }
    fn averages(values: impl Iterator<Item = Option<(Self, i64)>>, _: i8, _: &A) -> ArrayRef {
        Arc::new(values.map(|v| v.map(|(sum, count)| sum / count as f64)).collect::<Float64Array>())
    }
}

/// 10^38: a DECIMAL is smaller.
const DECIMAL_END: i128 = 10i128.pow(38);

fn in_decimal(value: i128) -> Option<i128> {
    (value > -DECIMAL_END && value < DECIMAL_END).then_some(value)
}

impl Total for i128 {
    type Saved = t::Decimal128Type;
    #[inline]
    fn plus(self, other: Self) -> Option<Self> {
        in_decimal(self.checked_add(other)?)
    }
    #[inline]
    fn minus(self, other: Self) -> Option<Self> {
        in_decimal(self.checked_sub(other)?)
    }
    fn sums(values: impl Iterator<Item = Option<Self>>, result: &A) -> ArrayRef {
        Arc::new(values.collect::<Decimal128Array>().with_data_type(result.clone()))
    }
    fn averages(values: impl Iterator<Item = Option<(Self, i64)>>, scale: i8, result: &A) -> ArrayRef {
        let A::Decimal128(_, result_scale) = result else { unreachable!("AVG of a DECIMAL is one") };
        let up = i256::from_i128(10i128.pow((result_scale - scale).max(0) as u32));
        let average = |(sum, count): (i128, i64)| {
            let scaled = i256::from_i128(sum).wrapping_mul(up);
            let count = i256::from_i128(i128::from(count));
            in_decimal(round_half_up(scaled, count).to_i128()?)
        };
        Arc::new(values.map(|v| v.and_then(average)).collect::<Decimal128Array>().with_data_type(result.clone()))
    }
}

/// `value / by`, halves away from zero; `by` is positive.
pub(super) fn round_half_up(value: i256, by: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(by), value.wrapping_rem(by));
    let twice = rest.wrapping_abs().wrapping_add(rest.wrapping_abs());
    if twice < by {
        quotient
    } else if value < i256::ZERO {
        quotient.wrapping_sub(i256::ONE)
    } else {
        quotient.wrapping_add(i256::ONE)
    }
}

#[derive(Clone, Copy, Default)]
struct Slot<S> {
    sum: S,
    /// Of values; 0 where the sum is NULL.
    count: i64,
}

/// State: `sum` (NULL where no value was seen), `count` Int64.
struct Sum<T, S> {
    slots: Vec<Slot<S>>,
    average: bool,
    scale: i8,
    result: A,
    argument: PhantomData<fn(T)>,
}

impl<T, S> Sum<T, S> {
    fn new(average: bool, argument: &DataType, result: A) -> Self {
        let scale = if let TypeKind::Decimal(_, scale) = argument.kind { scale as i8 } else { 0 };
        Self { slots: Vec::new(), average, scale, result, argument: PhantomData }
    }
    fn saved_type(&self) -> A
    where
        S: Total,
    {
        match S::Saved::DATA_TYPE {
            A::Decimal128(..) => A::Decimal128(38, self.scale),
            other => other,
        }
    }
}

/// Calls `each` with the group and the value of every row that is not NULL.
#[inline]
pub(super) fn for_each_value<T: ArrowPrimitiveType>(
    groups: &[u32],
    array: &dyn Array,
    mut each: impl FnMut(usize, T::Native),
) {
    let array = array.as_primitive::<T>();
    let values = &array.values()[..groups.len()];
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => {
            for (&g, &v) in groups.iter().zip(values) {
                each(g as usize, v);
            }
        }
        Some(nulls) => {
            for row in nulls.valid_indices() {
                each(groups[row] as usize, values[row]);
            }
        }
    }
}

impl<T, S> Aggregate for Sum<T, S>
where
    T: ArrowPrimitiveType,
    T::Native: num_into::Into<S>,
    S: Total,
{
    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups.max(self.slots.len()), Slot::default());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        use num_into::Into as _;
        let slots = &mut self.slots[..];
        for_each_value::<T>(groups, &args[0], |g, v| {
            let slot = &mut slots[g];
            match slot.sum.plus(v.total()) {
                Some(sum) => *slot = Slot { sum, count: slot.count + 1 },
                None => *slot = Slot::default(),
            }
        });
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        use num_into::Into as _;
        let slots = &mut self.slots[..];
        for_each_value::<T>(groups, &args[0], |g, v| {
            let slot = &mut slots[g];
            let count = slot.count - 1;
            match slot.sum.minus(v.total()) {
                // An exact zero again, whatever rounding the additions left.
                _ if count == 0 => *slot = Slot::default(),
                Some(sum) => *slot = Slot { sum, count },
                None => *slot = Slot::default(),
            }
        });
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let from = self.slots[from as usize];
            let slot = &mut self.slots[into as usize];
            if from.count != 0 {
                match slot.sum.plus(from.sum) {
                    Some(sum) => *slot = Slot { sum, count: slot.count + from.count },
                    None => *slot = Slot::default(),
                }
            }
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let slots = groups.iter().map(|&g| &self.slots[g as usize]);
        Ok(if self.average {
            S::averages(slots.map(|s| (s.count != 0).then_some((s.sum, s.count))), self.scale, &self.result)
        } else {
            S::sums(slots.map(|s| (s.count != 0).then_some(s.sum)), &self.result)
        })
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.slots[g as usize] = Slot::default());
    }
    fn state_types(&self) -> Vec<A> {
        vec![self.saved_type(), A::Int64]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let slots = || groups.iter().map(|&g| &self.slots[g as usize]);
        let sums = slots().map(|s| (s.count != 0).then_some(s.sum)).collect::<PrimitiveArray<S::Saved>>();
        let counts = Int64Array::from_iter_values(slots().map(|s| s.count));
        Ok(vec![Arc::new(sums.with_data_type(self.saved_type())), Arc::new(counts)])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let sums = primitive::<S::Saved>(columns, 0, "SUM")?;
        let counts = primitive::<t::Int64Type>(columns, 1, "SUM")?;
        for (row, &g) in groups.iter().enumerate() {
            let sum = if sums.is_null(row) { S::default() } else { sums.value(row) };
            self.slots[g as usize] = Slot { sum, count: counts.value(row) };
        }
        Ok(())
    }
}

/// The value of an argument as a summand.
mod num_into {
    pub(super) trait Into<S> {
        fn total(self) -> S;
    }
    macro_rules! into {
        ($($from:ty => $to:ty),*) => {
            $(impl Into<$to> for $from {
                #[inline]
                fn total(self) -> $to {
                    self as $to
                }
            })*
        };
    }
    into!(i8 => i64, i16 => i64, i32 => i64, i64 => i64, f32 => f32, f64 => f64, i128 => i128);
}
