//! MIN, MAX, FIRST_VALUE and LAST_VALUE over rows that are only added: one value per group.

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, PrimitiveArray, StringArray};
use arrow::datatypes::{self as t, ArrowNativeTypeOp, ArrowPrimitiveType, DataType as A, IntervalUnit, TimeUnit};
use wasmill_plan::{DataType, Error, Result};

use super::row_values::RowValues;
use super::sum::for_each_value;
use super::{Aggregate, corrupt, primitive};

/// Which of two values stays.
pub(super) trait Pick: Send + 'static {
    /// Whether rows must come in their order.
    const IN_ORDER: bool;
    /// Whether a later value replaces the one held. `order` compares the later with the held one.
    fn replaces(order: impl FnOnce() -> Ordering) -> bool;
}

pub(super) struct Min;
pub(super) struct Max;
pub(super) struct First;
pub(super) struct Last;

impl Pick for Min {
    const IN_ORDER: bool = false;
    #[inline]
    fn replaces(order: impl FnOnce() -> Ordering) -> bool {
        order() == Ordering::Less
    }
}
impl Pick for Max {
    const IN_ORDER: bool = false;
    #[inline]
    fn replaces(order: impl FnOnce() -> Ordering) -> bool {
        order() == Ordering::Greater
    }
}
impl Pick for First {
    const IN_ORDER: bool = true;
    #[inline]
    fn replaces(_: impl FnOnce() -> Ordering) -> bool {
        false
    }
}
impl Pick for Last {
    const IN_ORDER: bool = true;
    #[inline]
    fn replaces(_: impl FnOnce() -> Ordering) -> bool {
        true
    }
}

/// Makes the accumulators for values of that type; NULLs do not count.
pub(super) fn new<P: Pick>(argument: &DataType) -> Result<Box<dyn Aggregate>> {
    let data_type = argument.to_arrow();
    macro_rules! fixed {
        ($t:ident) => {
            Ok(Box::new(FixedExtremum::<t::$t, P> { slots: Vec::new(), data_type, pick: PhantomData }))
        };
    }
    match &data_type {
        A::Int8 => fixed!(Int8Type),
        A::Int16 => fixed!(Int16Type),
        A::Int32 => fixed!(Int32Type),
        A::Int64 => fixed!(Int64Type),
        A::Float32 => fixed!(Float32Type),
        A::Float64 => fixed!(Float64Type),
        A::Decimal128(..) => fixed!(Decimal128Type),
        A::Date32 => fixed!(Date32Type),
        A::Time32(TimeUnit::Millisecond) => fixed!(Time32MillisecondType),
        A::Timestamp(TimeUnit::Millisecond, _) => fixed!(TimestampMillisecondType),
        A::Timestamp(TimeUnit::Microsecond, _) => fixed!(TimestampMicrosecondType),
        A::Timestamp(TimeUnit::Nanosecond, _) => fixed!(TimestampNanosecondType),
        A::Interval(IntervalUnit::YearMonth) => fixed!(IntervalYearMonthType),
        A::Duration(TimeUnit::Millisecond) => fixed!(DurationMillisecondType),
        _ => Ok(Box::new(BytesExtremum::<P> {
            slots: Vec::new(),
            codec: RowValues::new(std::slice::from_ref(argument))?,
            data_type,
            pick: PhantomData,
        })),
    }
}

#[derive(Clone, Copy)]
struct Slot<V> {
    value: V,
    set: bool,
}

/// Values of fixed width. State: `value`, NULL where none was seen.
struct FixedExtremum<T: ArrowPrimitiveType, P> {
    slots: Vec<Slot<T::Native>>,
    data_type: A,
    pick: PhantomData<fn(P)>,
}

impl<T: ArrowPrimitiveType, P: Pick> Aggregate for FixedExtremum<T, P> {
    fn resize(&mut self, groups: usize) {
        let empty = Slot { value: T::default_value(), set: false };
        self.slots.resize(groups.max(self.slots.len()), empty);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let slots = &mut self.slots[..];
        for_each_value::<T>(groups, &args[0], |g, value| {
            let slot = &mut slots[g];
            if !slot.set || P::replaces(|| value.compare(slot.value)) {
                *slot = Slot { value, set: true };
            }
        });
        Ok(())
    }
    fn retract(&mut self, _: &[u32], _: &[ArrayRef]) -> Result<()> {
        Err(no_retraction())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let from = self.slots[from as usize];
            let slot = &mut self.slots[into as usize];
            if from.set && (!slot.set || P::replaces(|| from.value.compare(slot.value))) {
                *slot = from;
            }
        }
        Ok(())
    }
    fn merges_in_order(&self) -> bool {
        P::IN_ORDER
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let slots = groups.iter().map(|&g| &self.slots[g as usize]);
        let values = slots.map(|s| s.set.then_some(s.value)).collect::<PrimitiveArray<T>>();
        Ok(Arc::new(values.with_data_type(self.data_type.clone())))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.slots[g as usize].set = false);
    }
    fn state_types(&self) -> Vec<A> {
        vec![self.data_type.clone()]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(groups)?])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let values = primitive::<T>(columns, 0, "a value aggregate")?;
        for (row, &g) in groups.iter().enumerate() {
            self.slots[g as usize] = Slot { value: values.value(row), set: values.is_valid(row) };
        }
        Ok(())
    }
}

fn no_retraction() -> Error {
    Error::query("an aggregate that was made for rows that are only added was given a retraction")
}

/// All other values, as bytes in their order: text and binary as they are, the rest in Arrow's row encoding. State: `value`,
/// NULL where none was seen.
struct BytesExtremum<P> {
    slots: Vec<Option<Vec<u8>>>,
    codec: RowValues,
    data_type: A,
    pick: PhantomData<fn(P)>,
}

impl<P: Pick> BytesExtremum<P> {
    fn take(slot: &mut Option<Vec<u8>>, value: &[u8]) {
        match slot {
            None => *slot = Some(value.to_vec()),
            Some(held) => {
                if P::replaces(|| value.cmp(held.as_slice())) {
                    held.clear();
                    held.extend_from_slice(value);
                }
            }
        }
    }
}

impl<P: Pick> Aggregate for BytesExtremum<P> {
    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups.max(self.slots.len()), None);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let array = &args[0];
        macro_rules! raw {
            ($array:expr, $as:ident) => {{
                let array = $array;
                for (row, &g) in groups.iter().enumerate() {
                    if array.is_valid(row) {
                        Self::take(&mut self.slots[g as usize], array.value(row).$as());
                    }
                }
            }};
        }
        match array.data_type() {
            A::Utf8 => raw!(array.as_string::<i32>(), as_bytes),
            A::Binary => raw!(array.as_binary::<i32>(), as_ref),
            _ => {
                let rows = self.codec.encode(std::slice::from_ref(array))?;
                for (row, &g) in groups.iter().enumerate() {
                    if array.is_valid(row) {
                        Self::take(&mut self.slots[g as usize], rows.row(row).as_ref());
                    }
                }
            }
        }
        Ok(())
    }
    fn retract(&mut self, _: &[u32], _: &[ArrayRef]) -> Result<()> {
        Err(no_retraction())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            if let Some(value) = self.slots[from as usize].clone() {
                Self::take(&mut self.slots[into as usize], &value);
            }
        }
        Ok(())
    }
    fn merges_in_order(&self) -> bool {
        P::IN_ORDER
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let slots = groups.iter().map(|&g| self.slots[g as usize].as_deref());
        let text = |v: &'_ [u8]| String::from_utf8(v.to_vec()).expect("bytes of a text column");
        Ok(match &self.data_type {
            A::Utf8 => Arc::new(slots.map(|s| s.map(text)).collect::<StringArray>()),
            A::Binary => Arc::new(slots.collect::<BinaryArray>()),
            _ => {
                // NULL has an encoding of its own.
                let null = arrow::array::new_null_array(&self.data_type, 1);
                let null = self.codec.encode(&[null])?;
                let null = null.row(0);
                self.codec.decode(slots.map(|s| s.unwrap_or(null.as_ref())))?.swap_remove(0)
            }
        })
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.slots[g as usize] = None);
    }
    fn state_types(&self) -> Vec<A> {
        vec![self.data_type.clone()]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(groups)?])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        match columns.first() {
            Some(values) if *values.data_type() == self.data_type => self.update(groups, columns),
            _ => Err(corrupt("a value aggregate")),
        }
    }
}
