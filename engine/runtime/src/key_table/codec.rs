//! Keys of a batch's columns as a [`KeyTable`] looks them up, and a table's keys as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, PrimitiveArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{self as t, ArrowPrimitiveType, DataType as A, IntervalUnit, TimeUnit};
use arrow::row::{RowConverter, Rows, SortField};
use wasmill_plan::{Error, Result};

use super::{Entry, KeyTable, KeyView, NULL, append, stored};

/// No key column: all rows are one key.
pub(crate) struct UnitKeys;

impl KeyView for UnitKeys {
    fn is(&self, _: usize, _: &Entry, _: &[u8]) -> bool {
        true
    }
    fn store(&self, _: usize, _: &mut Vec<u8>) -> (u64, u32) {
        (0, 0)
    }
}

/// One column of at most 8 bytes.
pub(crate) struct FixedKeys {
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
}

impl KeyView for FixedKeys {
    #[inline]
    fn is(&self, row: usize, entry: &Entry, _: &[u8]) -> bool {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => entry.length == NULL,
            _ => entry.length == 0 && entry.word == self.values[row] as u64,
        }
    }
    #[inline]
    fn store(&self, row: usize, _: &mut Vec<u8>) -> (u64, u32) {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => (0, NULL),
            _ => (self.values[row] as u64, 0),
        }
    }
}

/// One column of text or bytes.
pub(crate) struct BytesKeys {
    array: BinaryArray,
}

impl KeyView for BytesKeys {
    #[inline]
    fn is(&self, row: usize, entry: &Entry, bytes: &[u8]) -> bool {
        if self.array.is_null(row) {
            return entry.length == NULL;
        }
        let value = self.array.value(row);
        entry.length as usize == value.len() && stored(entry, bytes) == value
    }
    fn store(&self, row: usize, bytes: &mut Vec<u8>) -> (u64, u32) {
        if self.array.is_null(row) {
            return (0, NULL);
        }
        append(bytes, self.array.value(row))
    }
}

/// Any columns, in Arrow's row encoding.
pub(crate) struct RowKeys {
    rows: Rows,
}

impl KeyView for RowKeys {
    #[inline]
    fn is(&self, row: usize, entry: &Entry, bytes: &[u8]) -> bool {
        stored(entry, bytes) == self.rows.row(row).as_ref()
    }
    fn store(&self, row: usize, bytes: &mut Vec<u8>) -> (u64, u32) {
        append(bytes, self.rows.row(row).as_ref())
    }
}

/// The keys of a batch, in the form of their columns. Loops over rows are made once per form, by [`with_keys!`].
pub(crate) enum Keys {
    Unit(UnitKeys),
    Fixed(FixedKeys),
    Bytes(BytesKeys),
    Rows(RowKeys),
}

/// Runs the same expression with `$view` bound to the [`KeyView`] inside a [`Keys`].
macro_rules! with_keys {
    ($keys:expr, $view:ident => $body:expr) => {
        match $keys {
            $crate::key_table::Keys::Unit($view) => $body,
            $crate::key_table::Keys::Fixed($view) => $body,
            $crate::key_table::Keys::Bytes($view) => $body,
            $crate::key_table::Keys::Rows($view) => $body,
        }
    };
}
pub(crate) use with_keys;

/// Turns key columns of fixed types into [`Keys`], and a table's keys into columns.
pub(crate) struct KeyCodec {
    types: Vec<A>,
    form: Form,
}

enum Form {
    Unit,
    Fixed,
    Bytes,
    Rows(RowConverter),
}

fn is_fixed(data_type: &A) -> bool {
    matches!(
        data_type,
        A::Int8
            | A::Int16
            | A::Int32
            | A::Int64
            | A::Float32
            | A::Float64
            | A::Date32
            | A::Time32(TimeUnit::Millisecond)
            | A::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
            | A::Interval(IntervalUnit::YearMonth)
            | A::Duration(TimeUnit::Millisecond)
    )
}

impl KeyCodec {
    pub(crate) fn new(types: Vec<A>) -> Result<Self> {
        let form = match types.as_slice() {
            [] => Form::Unit,
            [only] if is_fixed(only) => Form::Fixed,
            [A::Utf8 | A::Binary] => Form::Bytes,
            _ => {
                let fields = types.iter().cloned().map(SortField::new).collect();
                Form::Rows(RowConverter::new(fields).map_err(|e| Error::query(format!("a key of these types: {e}")))?)
            }
        };
        Ok(Self { types, form })
    }
    pub(crate) fn types(&self) -> &[A] {
        &self.types
    }

    /// The keys of a batch.
    ///
    /// # Errors
    /// Where the columns are not of the types.
    pub(crate) fn view(&self, columns: &[ArrayRef]) -> Result<Keys> {
        if columns.len() != self.types.len() || columns.iter().zip(&self.types).any(|(c, t)| c.data_type() != t) {
            return Err(Error::query("the key columns are not of the types of the plan"));
        }
        Ok(match &self.form {
            Form::Unit => Keys::Unit(UnitKeys),
            Form::Fixed => Keys::Fixed(FixedKeys { values: bits(&columns[0]), nulls: columns[0].nulls().cloned() }),
            Form::Bytes => Keys::Bytes(BytesKeys {
                array: match columns[0].data_type() {
                    A::Utf8 => BinaryArray::from(columns[0].as_string::<i32>().clone()),
                    _ => columns[0].as_binary::<i32>().clone(),
                },
            }),
            Form::Rows(converter) => {
                let columns: Vec<ArrayRef> = columns.iter().map(canonical).collect();
                Keys::Rows(RowKeys { rows: converter.convert_columns(&columns)? })
            }
        })
    }

    /// The columns of some of a table's keys.
    ///
    /// # Errors
    /// None for entries of a table of this codec.
    pub(crate) fn columns(&self, table: &KeyTable, entries: &[Entry]) -> Result<Vec<ArrayRef>> {
        Ok(match &self.form {
            Form::Unit => Vec::new(),
            Form::Fixed => vec![from_bits(entries, &self.types[0])],
            Form::Bytes => vec![bytes_column(table, entries, &self.types[0])?],
            Form::Rows(converter) => {
                let parser = converter.parser();
                converter.convert_rows(entries.iter().map(|e| parser.parse(stored(e, &table.bytes))))?
            }
        })
    }
}

fn bytes_column(table: &KeyTable, entries: &[Entry], data_type: &A) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(entries.iter().map(|e| stored(e, &table.bytes).len()));
    let mut values = Vec::with_capacity(*offsets.last().expect("offsets start with 0") as usize);
    entries.iter().for_each(|e| values.extend_from_slice(stored(e, &table.bytes)));
    let nulls = entries.iter().any(|e| e.length == NULL).then(|| entries.iter().map(|e| e.length != NULL).collect());
    let values = Buffer::from_vec(values);
    Ok(match data_type {
        A::Utf8 => Arc::new(StringArray::try_new(offsets, values, nulls)?),
        _ => Arc::new(BinaryArray::try_new(offsets, values, nulls)?),
    })
}

/// -0.0 and 0.0 are one key, as are all NaNs.
fn canonical(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        A::Float32 => Arc::new(column.as_primitive::<t::Float32Type>().unary::<_, t::Float32Type>(canonical_f32)),
        A::Float64 => Arc::new(column.as_primitive::<t::Float64Type>().unary::<_, t::Float64Type>(canonical_f64)),
        _ => column.clone(),
    }
}
fn canonical_f32(v: f32) -> f32 {
    if v.is_nan() { f32::NAN } else { v + 0.0 }
}
fn canonical_f64(v: f64) -> f64 {
    if v.is_nan() { f64::NAN } else { v + 0.0 }
}

/// A fixed column as 8 bytes a row.
fn bits(column: &ArrayRef) -> ScalarBuffer<i64> {
    macro_rules! wide {
        ($t:ident) => {
            column.as_primitive::<t::$t>().values().clone()
        };
    }
    macro_rules! narrow {
        ($t:ident) => {
            column.as_primitive::<t::$t>().values().iter().map(|&v| i64::from(v)).collect::<Vec<_>>().into()
        };
    }
    match column.data_type() {
        A::Int64 => wide!(Int64Type),
        A::Timestamp(TimeUnit::Millisecond, _) => wide!(TimestampMillisecondType),
        A::Timestamp(TimeUnit::Microsecond, _) => wide!(TimestampMicrosecondType),
        A::Timestamp(_, _) => wide!(TimestampNanosecondType),
        A::Duration(_) => wide!(DurationMillisecondType),
        A::Int8 => narrow!(Int8Type),
        A::Int16 => narrow!(Int16Type),
        A::Int32 => narrow!(Int32Type),
        A::Date32 => narrow!(Date32Type),
        A::Time32(_) => narrow!(Time32MillisecondType),
        A::Interval(_) => narrow!(IntervalYearMonthType),
        A::Float32 => {
            let values = column.as_primitive::<t::Float32Type>().values().iter();
            values.map(|&v| i64::from(canonical_f32(v).to_bits())).collect::<Vec<_>>().into()
        }
        A::Float64 => {
            let values = column.as_primitive::<t::Float64Type>().values().iter();
            values.map(|&v| canonical_f64(v).to_bits() as i64).collect::<Vec<_>>().into()
        }
        other => unreachable!("a fixed key of type {other}"),
    }
}

fn from_bits(entries: &[Entry], data_type: &A) -> ArrayRef {
    fn column<T: ArrowPrimitiveType>(entries: &[Entry], data_type: &A, from: impl Fn(u64) -> T::Native) -> ArrayRef {
        let values = ScalarBuffer::from(entries.iter().map(|e| from(e.word)).collect::<Vec<_>>());
        let nulls =
            entries.iter().any(|e| e.length == NULL).then(|| entries.iter().map(|e| e.length != NULL).collect());
        Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(data_type.clone()))
    }
    macro_rules! whole {
        ($t:ident) => {
            column::<t::$t>(entries, data_type, |w| w as _)
        };
    }
    match data_type {
        A::Int8 => whole!(Int8Type),
        A::Int16 => whole!(Int16Type),
        A::Int32 => whole!(Int32Type),
        A::Int64 => whole!(Int64Type),
        A::Date32 => whole!(Date32Type),
        A::Time32(_) => whole!(Time32MillisecondType),
        A::Interval(_) => whole!(IntervalYearMonthType),
        A::Duration(_) => whole!(DurationMillisecondType),
        A::Timestamp(TimeUnit::Millisecond, _) => whole!(TimestampMillisecondType),
        A::Timestamp(TimeUnit::Microsecond, _) => whole!(TimestampMicrosecondType),
        A::Timestamp(_, _) => whole!(TimestampNanosecondType),
        A::Float32 => column::<t::Float32Type>(entries, data_type, |w| f32::from_bits(w as u32)),
        A::Float64 => column::<t::Float64Type>(entries, data_type, f64::from_bits),
        other => unreachable!("a fixed key of type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_table::StoredKeys;
    use arrow::array::{Float64Array, Int32Array};

    /// Groups of rows by the table, and the key columns that it gives back.
    fn group(columns: &[ArrayRef]) -> (Vec<u32>, Vec<ArrayRef>) {
        let codec = KeyCodec::new(columns.iter().map(|c| c.data_type().clone()).collect()).unwrap();
        let rows = columns.first().map_or(3, |c| c.len());
        let hashes = crate::state::hash_rows(columns, rows);
        let mut table = KeyTable::default();
        let mut next = 0;
        let keys = codec.view(columns).unwrap();
        let groups = with_keys!(&keys, view => (0..rows).map(|row| table.find_or_insert(view, hashes[row], row, || {
            next += 1;
            next - 1
        })).collect());
        // A copy of the table holds the same keys.
        let mut copy = KeyTable::default();
        let stored = StoredKeys::of(&table);
        for _ in 0..2 {
            for (row, entry) in table.entries().iter().enumerate() {
                assert_eq!(copy.find_or_insert(&stored, entry.hash, row, || entry.group), entry.group);
            }
        }
        assert_eq!(copy.entries().len(), table.entries().len());
        let given = codec.columns(&copy, copy.entries()).unwrap();
        (groups, given)
    }

    #[test]
    fn equal_keys_share_a_group_whatever_their_type() {
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(-1), None, Some(0), Some(-1), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("a"), None]));
        for columns in [vec![ints.clone()], vec![texts.clone()], vec![ints.clone(), texts.clone()]] {
            let (groups, given) = group(&columns);
            assert_eq!(groups, [0, 1, 2, 0, 1]);
            for (given, column) in given.iter().zip(&columns) {
                assert_eq!(given, &column.slice(0, 3));
            }
        }
        assert_eq!(group(&[]).0, [0, 0, 0]);
    }

    #[test]
    fn zeros_and_nans_are_one_key_each() {
        let other_nan = f64::from_bits(f64::NAN.to_bits() | 1);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, other_nan]));
        assert_eq!(group(&[floats.clone()]).0, [0, 0, 1, 1]);
        assert_eq!(group(&[floats.clone(), floats]).0, [0, 0, 1, 1]);
    }

    #[test]
    fn empty_text_is_not_null_and_removed_keys_come_anew() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some(""), None, Some("b")]));
        let codec = KeyCodec::new(vec![A::Utf8]).unwrap();
        let hashes = crate::state::hash_rows(&[texts.clone()], 3);
        let mut table = KeyTable::default();
        let keys = codec.view(&[texts]).unwrap();
        let Keys::Bytes(view) = &keys else { panic!("text keys are bytes") };
        for row in 0..3 {
            table.find_or_insert(view, hashes[row], row, || row as u32);
        }
        table.retain(|group| group != 1);
        assert_eq!(table.groups(), [0, 2]);
        assert_eq!(table.find(view, hashes[1], 1), None);
        assert_eq!(table.find(view, hashes[2], 2), Some(1));
    }
}
