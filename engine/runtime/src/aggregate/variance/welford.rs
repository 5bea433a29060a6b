//! Variances by Welford's algorithm, in DOUBLE: those of a GROUP BY.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A};
use wasmill_plan::{DataType, Result, TypeKind};

use super::{Kind, cast, decimal_to_double, not_a_number, scale};
use crate::aggregate::sum::for_each_value;
use crate::aggregate::{Aggregate, primitive};

/// Makes the accumulators.
pub(in crate::aggregate) fn new(kind: Kind, argument: &DataType, result: &DataType) -> Result<Box<dyn Aggregate>> {
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
