//! Column builders that decoders and generators write rows into; a row that fails half-way is cut off again.

use std::sync::Arc;

use arrow::array::{self, Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes as t;
use wasmill_plan::{DataType, Result, TypeKind};

use crate::time::KnownDate;

/// Which values are NULL. Values come in runs of valid ones and of NULLs: only where a run ends are bits written.
#[derive(Debug)]
pub(crate) struct Validity {
    len: usize,
    /// So many of the last values are all valid, or all NULL, and not among the bits.
    run: usize,
    run_valid: bool,
    /// A byte for each eight values begun before the run; bits behind the last value are 1. `None` while all are valid.
    bits: Option<Vec<u8>>,
}

impl Default for Validity {
    fn default() -> Self {
        Self { len: 0, run: 0, run_valid: true, bits: None }
    }
}

impl Validity {
    #[inline]
    fn push(&mut self, valid: bool) {
        self.push_run(valid, 1);
    }
    #[inline]
    fn push_run(&mut self, valid: bool, count: usize) {
        if valid != self.run_valid {
            self.end_run();
            self.run_valid = valid;
        }
        self.run += count;
        self.len += count;
    }
    fn end_run(&mut self) {
        let begin = self.len - std::mem::take(&mut self.run);
        if self.run_valid && self.bits.is_none() {
            return;
        }
        let bits = self.bits.get_or_insert_with(|| vec![0xFF; begin.div_ceil(8)]);
        bits.resize(self.len.div_ceil(8), 0xFF);
        if !self.run_valid {
            let (first, last) = (begin / 8, self.len / 8);
            let (before, inside) = (!(0xFF << (begin % 8)), 0xFF << (self.len % 8));
            if first == last {
                if let Some(byte) = bits.get_mut(first) {
                    *byte &= before | inside;
                }
            } else {
                bits[first] &= before;
                bits[first + 1..last].fill(0);
                if let Some(byte) = bits.get_mut(last) {
                    *byte &= inside;
                }
            }
        }
    }
    fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.end_run();
        self.run_valid = true;
        self.len = len;
        if let Some(bits) = &mut self.bits {
            bits.truncate(len.div_ceil(8));
            if let (Some(last), true) = (bits.last_mut(), len % 8 > 0) {
                *last |= 0xFF << (len % 8);
            }
        }
    }
    fn finish(&mut self) -> Option<NullBuffer> {
        self.end_run();
        let Self { len, bits, .. } = std::mem::take(self);
        bits.map(|bits| NullBuffer::new(BooleanBuffer::new(bits.into(), 0, len)))
    }
}

/// Values of a fixed width.
#[derive(Debug)]
pub(crate) struct Fixed<T> {
    values: Vec<T>,
    validity: Validity,
}

impl<T> Default for Fixed<T> {
    fn default() -> Self {
        Self { values: Vec::new(), validity: Validity::default() }
    }
}

impl<T: Default> Fixed<T> {
    /// Appends a value.
    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
        self.validity.push(true);
    }
    fn push_nulls(&mut self, count: usize) {
        self.values.resize_with(self.values.len() + count, T::default);
        self.validity.push_run(false, count);
    }
    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.validity.truncate(len);
    }
}

impl<T: arrow::datatypes::ArrowNativeType> Fixed<T> {
    fn finish<P: ArrowPrimitiveType<Native = T>>(&mut self) -> PrimitiveArray<P> {
        PrimitiveArray::new(take(&mut self.values).into(), self.validity.finish())
    }
}

/// Takes the values of a batch; the next one is about as large.
fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

/// Takes the offsets of a batch.
fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let taken = take(offsets);
    offsets.push(0);
    OffsetBuffer::new(taken.into())
}

/// Text or bytes.
#[derive(Debug)]
pub(crate) struct Variable {
    offsets: Vec<i32>,
    /// The values one behind the other: a decoder may append to it and then call [`Variable::seal`].
    pub(crate) data: Vec<u8>,
    validity: Validity,
}

impl Default for Variable {
    fn default() -> Self {
        Self { offsets: vec![0], data: Vec::new(), validity: Validity::default() }
    }
}

impl Variable {
    /// Appends a value.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.seal();
    }
    /// Ends the value that was appended to [`Variable::data`].
    #[inline]
    pub(crate) fn seal(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.validity.push(true);
    }
    /// Drops what was appended to [`Variable::data`] since the last value.
    pub(crate) fn unseal(&mut self) {
        self.data.truncate(self.offsets[self.offsets.len() - 1] as usize);
    }
    fn push_nulls(&mut self, count: usize) {
        self.unseal();
        self.offsets.resize(self.offsets.len() + count, self.data.len() as i32);
        self.validity.push_run(false, count);
    }
    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.unseal();
        self.validity.truncate(len);
    }
    fn finish(&mut self) -> (OffsetBuffer<i32>, Vec<u8>, Option<NullBuffer>) {
        (take_offsets(&mut self.offsets), take(&mut self.data), self.validity.finish())
    }
}

/// Lists of items: ARRAY, and the entries of MAP and MULTISET.
#[derive(Debug)]
pub(crate) struct Lists {
    offsets: Vec<i32>,
    validity: Validity,
}

impl Default for Lists {
    fn default() -> Self {
        Self { offsets: vec![0], validity: Validity::default() }
    }
}

impl Lists {
    /// Ends a list whose items reach up to `items`.
    pub(crate) fn seal(&mut self, items: usize) {
        self.offsets.push(items as i32);
        self.validity.push(true);
    }
    fn push_nulls(&mut self, count: usize) {
        self.offsets.resize(self.offsets.len() + count, self.last());
        self.validity.push_run(false, count);
    }
    fn last(&self) -> i32 {
        self.offsets[self.offsets.len() - 1]
    }
    /// Keeps `len` lists; gives the number of items to keep.
    fn truncate(&mut self, len: usize) -> usize {
        self.offsets.truncate(len + 1);
        self.validity.truncate(len);
        self.last() as usize
    }
    fn finish(&mut self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        (take_offsets(&mut self.offsets), self.validity.finish())
    }
}

/// ROW values: a validity and a builder per field.
#[derive(Debug)]
pub(crate) struct Rows {
    validity: Validity,
    /// The last rows are NULL, and so many NULLs are not appended to the fields yet.
    owed: usize,
    fields: Vec<ColumnBuilder>,
}

impl Rows {
    /// The builders of the fields: a decoder appends one value to each, then calls [`Rows::seal`].
    #[inline]
    pub(crate) fn fields(&mut self) -> &mut [ColumnBuilder] {
        if self.owed > 0 {
            self.pay();
        }
        &mut self.fields
    }
    fn pay(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        self.fields.iter_mut().for_each(|field| field.push_nulls(owed));
    }
    /// Ends a row.
    pub(crate) fn seal(&mut self) {
        self.validity.push(true);
    }
}

/// A builder for a column of one Flink type; one variant per way of decoding.
#[derive(Debug)]
pub(crate) enum ColumnBuilder {
    Null(usize),
    Boolean { values: Fixed<bool> },
    TinyInt(Fixed<i8>),
    SmallInt(Fixed<i16>),
    Int(Fixed<i32>),
    BigInt(Fixed<i64>),
    Float(Fixed<f32>),
    Double(Fixed<f64>),
    Decimal { values: Fixed<i128>, precision: u8, scale: u8 },
    Text(Variable),
    Bytes(Variable),
    Date(Fixed<i32>),
    Time { values: Fixed<i32>, precision: u8 },
    Timestamp { values: Fixed<i64>, precision: u8, with_zone: bool, date: KnownDate },
    Months(Fixed<i32>),
    Millis(Fixed<i64>),
    Array { lists: Lists, items: Box<ColumnBuilder> },
    Map { lists: Lists, keys: Box<ColumnBuilder>, values: Box<ColumnBuilder> },
    Row(Rows),
}

impl ColumnBuilder {
    /// For that type.
    pub(crate) fn new(kind: &TypeKind) -> Self {
        let boxed = |d: &DataType| Box::new(Self::new(&d.kind));
        match kind {
            TypeKind::Null => Self::Null(0),
            TypeKind::Boolean => Self::Boolean { values: Fixed::default() },
            TypeKind::TinyInt => Self::TinyInt(Fixed::default()),
            TypeKind::SmallInt => Self::SmallInt(Fixed::default()),
            TypeKind::Int => Self::Int(Fixed::default()),
            TypeKind::BigInt => Self::BigInt(Fixed::default()),
            TypeKind::Float => Self::Float(Fixed::default()),
            TypeKind::Double => Self::Double(Fixed::default()),
            TypeKind::Decimal(p, s) => Self::Decimal { values: Fixed::default(), precision: *p, scale: *s },
            TypeKind::Char(_) | TypeKind::Varchar(_) => Self::Text(Variable::default()),
            TypeKind::Binary(_) | TypeKind::Varbinary(_) | TypeKind::Bitmap => Self::Bytes(Variable::default()),
            TypeKind::Date => Self::Date(Fixed::default()),
            TypeKind::Time(p) => Self::Time { values: Fixed::default(), precision: *p },
            TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => {
                let with_zone = matches!(kind, TypeKind::TimestampLtz(_));
                Self::Timestamp { values: Fixed::default(), precision: *p, with_zone, date: KnownDate::default() }
            }
            TypeKind::IntervalYearMonth => Self::Months(Fixed::default()),
            TypeKind::IntervalDayTime => Self::Millis(Fixed::default()),
            TypeKind::Array(item) => Self::Array { lists: Lists::default(), items: boxed(item) },
            TypeKind::Map(k, v) => Self::Map { lists: Lists::default(), keys: boxed(k), values: boxed(v) },
            TypeKind::Multiset(item) => {
                Self::Map { lists: Lists::default(), keys: boxed(item), values: Box::new(Self::Int(Fixed::default())) }
            }
            TypeKind::Row(fields) => Self::Row(Rows {
                validity: Validity::default(),
                owed: 0,
                fields: fields.iter().map(|f| Self::new(&f.data_type.kind)).collect(),
            }),
        }
    }

    /// How many values.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null(len) => *len,
            Self::Boolean { values } => values.validity.len,
            Self::TinyInt(v) => v.validity.len,
            Self::SmallInt(v) => v.validity.len,
            Self::Int(v) | Self::Date(v) | Self::Months(v) | Self::Time { values: v, .. } => v.validity.len,
            Self::BigInt(v) | Self::Millis(v) | Self::Timestamp { values: v, .. } => v.validity.len,
            Self::Float(v) => v.validity.len,
            Self::Double(v) => v.validity.len,
            Self::Decimal { values, .. } => values.validity.len,
            Self::Text(v) | Self::Bytes(v) => v.validity.len,
            Self::Array { lists, .. } | Self::Map { lists, .. } => lists.validity.len,
            Self::Row(rows) => rows.validity.len,
        }
    }

    /// Appends NULL.
    pub(crate) fn push_null(&mut self) {
        self.push_nulls(1);
    }

    fn push_nulls(&mut self, count: usize) {
        match self {
            Self::Null(len) => *len += count,
            Self::Boolean { values } => values.push_nulls(count),
            Self::TinyInt(v) => v.push_nulls(count),
            Self::SmallInt(v) => v.push_nulls(count),
            Self::Int(v) | Self::Date(v) | Self::Months(v) | Self::Time { values: v, .. } => v.push_nulls(count),
            Self::BigInt(v) | Self::Millis(v) | Self::Timestamp { values: v, .. } => v.push_nulls(count),
            Self::Float(v) => v.push_nulls(count),
            Self::Double(v) => v.push_nulls(count),
            Self::Decimal { values, .. } => values.push_nulls(count),
            Self::Text(v) | Self::Bytes(v) => v.push_nulls(count),
            Self::Array { lists, .. } | Self::Map { lists, .. } => lists.push_nulls(count),
            Self::Row(rows) => {
                rows.owed += count;
                rows.validity.push_run(false, count);
            }
        }
    }

    /// Keeps the first `len` values; also drops what was begun and not ended.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Null(n) => *n = len.min(*n),
            Self::Boolean { values } => values.truncate(len),
            Self::TinyInt(v) => v.truncate(len),
            Self::SmallInt(v) => v.truncate(len),
            Self::Int(v) | Self::Date(v) | Self::Months(v) | Self::Time { values: v, .. } => v.truncate(len),
            Self::BigInt(v) | Self::Millis(v) | Self::Timestamp { values: v, .. } => v.truncate(len),
            Self::Float(v) => v.truncate(len),
            Self::Double(v) => v.truncate(len),
            Self::Decimal { values, .. } => values.truncate(len),
            Self::Text(v) | Self::Bytes(v) => v.truncate(len),
            Self::Array { lists, items } => items.truncate(lists.truncate(len)),
            Self::Map { lists, keys, values } => {
                let entries = lists.truncate(len);
                keys.truncate(entries);
                values.truncate(entries);
            }
            Self::Row(rows) => {
                rows.fields().iter_mut().for_each(|f| f.truncate(len));
                rows.validity.truncate(len);
            }
        }
    }

    /// The column, of the Arrow type that holds `kind` (the one the builder was made for); the builder is empty afterwards.
    ///
    /// # Errors
    /// Text that is not UTF-8: decoders check it before.
    pub(crate) fn finish(&mut self, kind: &TypeKind) -> Result<ArrayRef> {
        Ok(match self {
            Self::Null(len) => Arc::new(array::NullArray::new(std::mem::take(len))),
            Self::Boolean { values } => {
                let nulls = values.validity.finish();
                Arc::new(array::BooleanArray::new(std::mem::take(&mut values.values).into(), nulls))
            }
            Self::TinyInt(v) => Arc::new(v.finish::<t::Int8Type>()),
            Self::SmallInt(v) => Arc::new(v.finish::<t::Int16Type>()),
            Self::Int(v) => Arc::new(v.finish::<t::Int32Type>()),
            Self::BigInt(v) => Arc::new(v.finish::<t::Int64Type>()),
            Self::Float(v) => Arc::new(v.finish::<t::Float32Type>()),
            Self::Double(v) => Arc::new(v.finish::<t::Float64Type>()),
            Self::Decimal { values, .. } => {
                Arc::new(values.finish::<t::Decimal128Type>().with_data_type(kind.to_arrow()))
            }
            Self::Text(v) => {
                let (offsets, data, nulls) = v.finish();
                Arc::new(array::StringArray::try_new(offsets, data.into(), nulls)?)
            }
            Self::Bytes(v) => {
                let (offsets, data, nulls) = v.finish();
                Arc::new(array::BinaryArray::try_new(offsets, data.into(), nulls)?)
            }
            Self::Date(v) => Arc::new(v.finish::<t::Date32Type>()),
            Self::Time { values, .. } => Arc::new(values.finish::<t::Time32MillisecondType>()),
            Self::Timestamp { values, precision, with_zone, .. } => {
                let zone = with_zone.then(|| Arc::from("+00:00"));
                match precision {
                    0..=3 => Arc::new(values.finish::<t::TimestampMillisecondType>().with_timezone_opt(zone)),
                    4..=6 => Arc::new(values.finish::<t::TimestampMicrosecondType>().with_timezone_opt(zone)),
                    _ => Arc::new(values.finish::<t::TimestampNanosecondType>().with_timezone_opt(zone)),
                }
            }
            Self::Months(v) => Arc::new(v.finish::<t::IntervalYearMonthType>()),
            Self::Millis(v) => Arc::new(v.finish::<t::DurationMillisecondType>()),
            Self::Array { lists, items } => {
                let TypeKind::Array(item) = kind else { unreachable!("the builder of an ARRAY") };
                let t::DataType::List(field) = kind.to_arrow() else { unreachable!("the type of an ARRAY") };
                let (offsets, nulls) = lists.finish();
                Arc::new(array::ListArray::try_new(field, offsets, items.finish(&item.kind)?, nulls)?)
            }
            Self::Map { lists, keys, values } => {
                let (key_kind, value_kind) = match kind {
                    TypeKind::Map(k, v) => (&k.kind, &v.kind),
                    TypeKind::Multiset(item) => (&item.kind, &TypeKind::Int),
                    _ => unreachable!("the builder of a MAP"),
                };
                let t::DataType::Map(entries_field, sorted) = kind.to_arrow() else {
                    unreachable!("the type of a MAP")
                };
                let t::DataType::Struct(fields) = entries_field.data_type() else { unreachable!("a MAP's entries") };
                let columns = vec![keys.finish(key_kind)?, values.finish(value_kind)?];
                let entries = array::StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = lists.finish();
                Arc::new(array::MapArray::try_new(entries_field, offsets, entries, nulls, sorted)?)
            }
            Self::Row(rows) => {
                let TypeKind::Row(declared) = kind else { unreachable!("the builder of a ROW") };
                let t::DataType::Struct(fields) = kind.to_arrow() else { unreachable!("the type of a ROW") };
                let len = rows.validity.len;
                let nulls = rows.validity.finish();
                let columns: Result<Vec<_>> =
                    rows.fields().iter_mut().zip(declared).map(|(f, d)| f.finish(&d.data_type.kind)).collect();
                let columns = columns?;
                debug_assert!(columns.iter().all(|c| c.len() == len));
                Arc::new(array::StructArray::try_new_with_length(fields, columns, nulls, len)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_were_cut_off_leave_no_trace() {
        // Every pattern of 9 values, cut at every length, then continued.
        for pattern in 0..1u32 << 9 {
            for kept in 0..=9 {
                let mut validity = Validity::default();
                (0..9).for_each(|i| validity.push(pattern >> i & 1 == 1));
                validity.truncate(kept);
                (0..9).for_each(|i| validity.push(i % 3 != 1));
                let expected: Vec<bool> =
                    (0..kept).map(|i| pattern >> i & 1 == 1).chain((0..9).map(|i| i % 3 != 1)).collect();
                let nulls = validity.finish().expect("some are NULL");
                assert_eq!(nulls.iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}
