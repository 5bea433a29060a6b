//! Reading arguments row by row and building result columns: what makes a kernel a few lines.
//!
//! ```text
//! kernel(|args, rows| {
//!     let s = text(&args[0]);
//!     numbers::<Int32Type>(rows, |row| Some(s.get(row)?.chars().count() as i32))
//! })
//! ```
//! `?` on an argument that is NULL makes the row's result NULL.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayAccessor, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, ListArray, MapArray,
    PrimitiveArray, StringArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Int32Type, Int64Type};
use wasmill_plan::{Error, Result};

use crate::function::{ColumnValue, Context, Kernel};

/// Boxes a kernel that needs nothing of its surroundings. Where every argument is constant it computes one row.
pub fn kernel(
    mut f: impl FnMut(&[ColumnValue], usize) -> Result<ArrayRef> + Send + 'static,
) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| {
        let constant = !args.is_empty() && args.iter().all(ColumnValue::is_constant);
        f(args, if constant { 1 } else { rows })
    }))
}

/// An argument, read by row.
pub struct Column<'a, A> {
    array: &'a A,
    constant: bool,
}

impl<'a, A> Column<'a, A>
where
    &'a A: ArrayAccessor,
{
    fn new(array: &'a A, value: &ColumnValue) -> Self {
        Self { array, constant: value.is_constant() }
    }
    /// The value of row `row`, `None` where it is NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item> {
        let index = self.index(row);
        if Array::is_null(&self.array, index) { None } else { Some(self.array.value(index)) }
    }
    /// Where row `row` lies in [`Self::array`].
    #[inline]
    pub fn index(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
    /// The array behind.
    pub fn array(&self) -> &'a A {
        self.array
    }
}

/// A CHAR or VARCHAR argument.
pub fn text(value: &ColumnValue) -> Column<'_, StringArray> {
    Column::new(value.array().as_string::<i32>(), value)
}

/// A BINARY or VARBINARY argument.
pub fn binary(value: &ColumnValue) -> Column<'_, BinaryArray> {
    Column::new(value.array().as_binary::<i32>(), value)
}

/// A BOOLEAN argument.
pub fn boolean(value: &ColumnValue) -> Column<'_, BooleanArray> {
    Column::new(value.array().as_boolean(), value)
}

/// An argument of a primitive Arrow type.
pub fn primitive<T: ArrowPrimitiveType>(value: &ColumnValue) -> Column<'_, PrimitiveArray<T>> {
    Column::new(value.array().as_primitive::<T>(), value)
}

/// An INT argument.
pub fn int(value: &ColumnValue) -> Column<'_, PrimitiveArray<Int32Type>> {
    primitive(value)
}

/// A BIGINT argument.
pub fn bigint(value: &ColumnValue) -> Column<'_, PrimitiveArray<Int64Type>> {
    primitive(value)
}

/// An ARRAY argument.
pub fn list(value: &ColumnValue) -> Column<'_, ListArray> {
    Column::new(value.array().as_list::<i32>(), value)
}

/// A MAP argument.
pub fn map(value: &ColumnValue) -> Column<'_, MapArray> {
    Column::new(value.array().as_map(), value)
}

/// A text or bytes argument as bytes (text in UTF-8).
pub enum Octets<'a> {
    /// CHAR or VARCHAR.
    Text(Column<'a, StringArray>),
    /// BINARY or VARBINARY.
    Bytes(Column<'a, BinaryArray>),
}

impl<'a> Octets<'a> {
    /// The bytes of row `row`, `None` where it is NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        match self {
            Self::Text(c) => c.get(row).map(str::as_bytes),
            Self::Bytes(c) => c.get(row),
        }
    }
}

/// A text or bytes argument.
pub fn octets(value: &ColumnValue) -> Octets<'_> {
    match value.data_type() {
        arrow::datatypes::DataType::Utf8 => Octets::Text(text(value)),
        _ => Octets::Bytes(binary(value)),
    }
}

/// A text column: `f` appends row `row`'s text to `out` (which holds the rows before it: only append), or gives `None`
/// for NULL, whatever it appended.
pub fn texts(rows: usize, mut f: impl FnMut(usize, &mut String) -> Option<()>) -> Result<ArrayRef> {
    try_texts(rows, |row, out| Ok(f(row, out)))
}

/// [`texts`] that may fail the job.
pub fn try_texts(rows: usize, mut f: impl FnMut(usize, &mut String) -> Result<Option<()>>) -> Result<ArrayRef> {
    let mut values = String::with_capacity(rows * 16);
    let (offsets, nulls) = variable_length(rows, |row| {
        let start = values.len();
        let some = f(row, &mut values)?.is_some();
        if !some {
            values.truncate(start);
        }
        Ok((values.len(), some))
    })?;
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from(values.into_bytes()), nulls)?))
}

/// A bytes column, in the manner of [`texts`].
pub fn binaries(rows: usize, mut f: impl FnMut(usize, &mut Vec<u8>) -> Option<()>) -> Result<ArrayRef> {
    try_binaries(rows, |row, out| Ok(f(row, out)))
}

/// [`binaries`] that may fail the job.
pub fn try_binaries(rows: usize, mut f: impl FnMut(usize, &mut Vec<u8>) -> Result<Option<()>>) -> Result<ArrayRef> {
    let mut values = Vec::with_capacity(rows * 16);
    let (offsets, nulls) = variable_length(rows, |row| {
        let start = values.len();
        let some = f(row, &mut values)?.is_some();
        if !some {
            values.truncate(start);
        }
        Ok((values.len(), some))
    })?;
    Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from(values), nulls)?))
}

/// Offsets and NULLs of a column whose row `row` ends at `f(row).0` and is NULL unless `f(row).1`.
pub fn variable_length(
    rows: usize,
    mut f: impl FnMut(usize) -> Result<(usize, bool)>,
) -> Result<(OffsetBuffer<i32>, Option<NullBuffer>)> {
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut valid = Vec::with_capacity(rows);
    offsets.push(0i32);
    for row in 0..rows {
        let (end, some) = f(row)?;
        let end = i32::try_from(end).map_err(|_| Error::data("the values of a batch exceed 2 GiB"))?;
        offsets.push(end);
        valid.push(some);
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    Ok((OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls))
}

/// A column of a primitive type.
pub fn numbers<T: ArrowPrimitiveType>(rows: usize, f: impl FnMut(usize) -> Option<T::Native>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<PrimitiveArray<T>>()))
}

/// [`numbers`] that may fail the job.
pub fn try_numbers<T: ArrowPrimitiveType>(
    rows: usize,
    f: impl FnMut(usize) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<Result<PrimitiveArray<T>>>()?))
}

/// A BOOLEAN column.
pub fn booleans(rows: usize, f: impl FnMut(usize) -> Option<bool>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<BooleanArray>()))
}

/// [`booleans`] that may fail the job.
pub fn try_booleans(rows: usize, f: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..rows).map(f).collect::<Result<BooleanArray>>()?))
}
