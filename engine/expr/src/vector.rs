//! Loops over argument columns that kernels share: constants are not spread, NULL in gives NULL out.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use wasmill_plan::{Result, TypeKind};

use crate::ColumnValue;

/// How long a kernel's result is: 1 where all arguments are constants, `rows` otherwise.
pub(crate) fn length(args: &[ColumnValue], rows: usize) -> usize {
    if !args.is_empty() && args.iter().all(ColumnValue::is_constant) { 1 } else { rows }
}

/// The rows, of `length`, at which none of the arguments is NULL; `None` where that is all.
pub(crate) fn valid_rows(args: &[&ColumnValue], length: usize) -> Option<NullBuffer> {
    let mut result: Option<NullBuffer> = None;
    for arg in args {
        let nulls = match arg {
            ColumnValue::Column(array) => array.logical_nulls(),
            ColumnValue::Constant(array) if array.logical_null_count() == 1 => Some(NullBuffer::new_null(length)),
            ColumnValue::Constant(_) => None,
        };
        result = NullBuffer::union(result.as_ref(), nulls.as_ref());
    }
    result.filter(|nulls| nulls.null_count() > 0)
}

/// `f` over one primitive argument; rows that are NULL may be computed too, so `f` must not fail on any value.
pub(crate) fn unary<I, O>(arg: &ColumnValue, f: impl Fn(I::Native) -> O::Native) -> PrimitiveArray<O>
where
    I: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
{
    arg.array().as_primitive::<I>().unary(f)
}

/// `f` over two primitive arguments; rows that are NULL may be computed too, so `f` must not fail on any value.
pub(crate) fn binary<A, B, O>(
    args: &[ColumnValue],
    rows: usize,
    f: impl Fn(A::Native, B::Native) -> O::Native,
) -> PrimitiveArray<O>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
{
    let length = length(args, rows);
    let (a, b) = (&args[0], &args[1]);
    let nulls = valid_rows(&[a, b], length);
    let (x, y) = (a.array().as_primitive::<A>().values(), b.array().as_primitive::<B>().values());
    let values: Vec<O::Native> = match (a, b) {
        (ColumnValue::Column(_), ColumnValue::Constant(_)) => {
            let y = y[0];
            x.iter().map(|x| f(*x, y)).collect()
        }
        (ColumnValue::Constant(_), ColumnValue::Column(_)) => {
            let x = x[0];
            y.iter().map(|y| f(x, *y)).collect()
        }
        _ => x.iter().zip(y.iter()).map(|(x, y)| f(*x, *y)).collect(),
    };
    PrimitiveArray::new(values.into(), nulls)
}

/// `f` over the rows at which both arguments have a value; it may give NULL or fail.
pub(crate) fn try_binary<A, B, O>(
    args: &[ColumnValue],
    rows: usize,
    mut f: impl FnMut(A::Native, B::Native) -> Result<Option<O::Native>>,
) -> Result<PrimitiveArray<O>>
where
    A: ArrowPrimitiveType,
    B: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
{
    let length = length(args, rows);
    let (a, b) = (&args[0], &args[1]);
    let nulls = valid_rows(&[a, b], length);
    let (x, y) = (a.array().as_primitive::<A>().values(), b.array().as_primitive::<B>().values());
    let mut result = PrimitiveArray::<O>::builder(length);
    for row in 0..length {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            result.append_null();
        } else {
            result.append_option(f(x[a.index(row)], y[b.index(row)])?);
        }
    }
    Ok(result.finish())
}

/// A BOOLEAN per row at which all of `args` have a value, NULL elsewhere.
pub(crate) fn booleans(args: &[&ColumnValue], length: usize, mut f: impl FnMut(usize) -> bool) -> ArrayRef {
    let nulls = valid_rows(args, length);
    let values = match &nulls {
        None => BooleanBuffer::collect_bool(length, f),
        Some(nulls) => BooleanBuffer::collect_bool(length, |row| nulls.is_valid(row) && f(row)),
    };
    std::sync::Arc::new(BooleanArray::new(values, nulls))
}

/// The values of a column that is held as integers (numbers, dates, times, timestamps, intervals), by row; NULL rows give
/// anything.
pub(crate) fn int_reader(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> i64 + '_>> {
    use arrow::datatypes::{self as a, DataType as D, IntervalUnit, TimeUnit};
    macro_rules! reader {
        ($t:ident) => {{
            let values = array.as_primitive::<a::$t>().values();
            Some(Box::new(move |row: usize| values[row] as i64))
        }};
    }
    match array.data_type() {
        D::Int8 => reader!(Int8Type),
        D::Int16 => reader!(Int16Type),
        D::Int32 => reader!(Int32Type),
        D::Int64 => reader!(Int64Type),
        D::Date32 => reader!(Date32Type),
        D::Time32(TimeUnit::Millisecond) => reader!(Time32MillisecondType),
        D::Timestamp(TimeUnit::Millisecond, _) => reader!(TimestampMillisecondType),
        D::Timestamp(TimeUnit::Microsecond, _) => reader!(TimestampMicrosecondType),
        D::Timestamp(TimeUnit::Nanosecond, _) => reader!(TimestampNanosecondType),
        D::Interval(IntervalUnit::YearMonth) => reader!(IntervalYearMonthType),
        D::Duration(TimeUnit::Millisecond) => reader!(DurationMillisecondType),
        _ => None,
    }
}

/// How many units of a timestamp's Arrow type are a second: 1,000, 1,000,000 or 1,000,000,000.
pub(crate) fn units_per_second(kind: &TypeKind) -> i64 {
    match kind {
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => match p {
            0..=3 => 1_000,
            4..=6 => 1_000_000,
            _ => 1_000_000_000,
        },
        _ => 1_000,
    }
}

/// A column of the integers in the Arrow type of `kind`: numbers, dates, times, timestamps, intervals. Values out of the
/// type's range wrap.
pub(crate) fn int_column(values: impl Iterator<Item = Option<i64>>, kind: &TypeKind) -> ArrayRef {
    use arrow::datatypes::{self as a, DataType as D, IntervalUnit, TimeUnit};
    use std::sync::Arc;
    let arrow = kind.to_arrow();
    macro_rules! column {
        ($t:ident) => {
            Arc::new(values.map(|v| v.map(|v| v as _)).collect::<PrimitiveArray<a::$t>>().with_data_type(arrow))
        };
    }
    match &arrow {
        D::Int8 => column!(Int8Type),
        D::Int16 => column!(Int16Type),
        D::Int32 => column!(Int32Type),
        D::Date32 => column!(Date32Type),
        D::Time32(TimeUnit::Millisecond) => column!(Time32MillisecondType),
        D::Timestamp(TimeUnit::Millisecond, _) => column!(TimestampMillisecondType),
        D::Timestamp(TimeUnit::Microsecond, _) => column!(TimestampMicrosecondType),
        D::Timestamp(TimeUnit::Nanosecond, _) => column!(TimestampNanosecondType),
        D::Interval(IntervalUnit::YearMonth) => column!(IntervalYearMonthType),
        D::Duration(TimeUnit::Millisecond) => column!(DurationMillisecondType),
        _ => Arc::new(values.collect::<PrimitiveArray<a::Int64Type>>()),
    }
}

/// The column with some value where it was NULL.
pub(crate) fn without_nulls(array: &ArrayRef) -> ArrayRef {
    use arrow::array::{MutableArrayData, make_array};
    let data = array.to_data().into_builder().nulls(None).null_count(0);
    match data.build() {
        Ok(data) => make_array(data),
        Err(_) => {
            let data = array.to_data();
            make_array(MutableArrayData::new(vec![&data], false, 0).freeze())
        }
    }
}
