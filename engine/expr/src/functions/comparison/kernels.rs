//! Kernels of `=`, `<` and the like: Arrow's where the order is the same, own loops where it is not (floating point,
//! decimals of different scales, timestamps of different precisions, nested values).

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, Scalar};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{self as a, Decimal128Type, Float32Type, Float64Type, i256};
use wasmill_plan::{DataType, Error, Result, TypeKind};

use crate::vector::{booleans, int_reader, length, units_per_second};
use crate::{ColumnValue, Context, Kernel};

/// A way to compare two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// NULLs are equal to each other and the result is never NULL.
    Distinct,
    NotDistinct,
}

impl Comparison {
    /// Whether it holds for two values so ordered; `None` where they are unordered (NaN).
    fn holds(self, ordering: Option<Ordering>) -> bool {
        match self {
            Self::Equal | Self::NotDistinct => ordering == Some(Ordering::Equal),
            Self::NotEqual | Self::Distinct => ordering != Some(Ordering::Equal),
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
        }
    }

    fn sees_nulls(self) -> bool {
        matches!(self, Self::Distinct | Self::NotDistinct)
    }
}

/// Whether Arrow's kernels compare two columns of these types as Flink does.
fn is_native(a: &TypeKind, b: &TypeKind) -> bool {
    use TypeKind as K;
    match (a, b) {
        (K::Float | K::Double, _) | (K::Array(_) | K::Map(..) | K::Multiset(_) | K::Row(_) | K::Bitmap, _) => false,
        (K::Decimal(_, s1), K::Decimal(_, s2)) => s1 == s2,
        _ => a.to_arrow() == b.to_arrow(),
    }
}

/// The kernel that compares values of these types.
pub(crate) fn comparison_kernel(comparison: Comparison, a: &DataType, b: &DataType) -> Result<Box<dyn Kernel>> {
    if is_native(&a.kind, &b.kind) {
        return Ok(Box::new(move |args: &[ColumnValue], _: usize, _: &Context| native(comparison, args)));
    }
    let order = ordering(&a.kind, &b.kind)?;
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let (x, y) = (&args[0], &args[1]);
        if comparison.sees_nulls() {
            let (left, right) = (x.array(), y.array());
            let compare = order(left, right);
            let value = |row: usize| {
                let (i, j) = (x.index(row), y.index(row));
                match (left.is_null(i), right.is_null(j)) {
                    (false, false) => comparison.holds(compare(i, j)),
                    (true, true) => comparison == Comparison::NotDistinct,
                    _ => comparison == Comparison::Distinct,
                }
            };
            return Ok(Arc::new((0..length).map(|row| Some(value(row))).collect::<BooleanArray>()));
        }
        let (left, right) = (x.array(), y.array());
        let compare = order(left, right);
        Ok(booleans(&[x, y], length, |row| comparison.holds(compare(x.index(row), y.index(row)))))
    }))
}

fn native(comparison: Comparison, args: &[ColumnValue]) -> Result<ArrayRef> {
    let both = args[0].is_constant() && args[1].is_constant();
    let datum = |value: &ColumnValue| -> Box<dyn Datum> {
        match value {
            ColumnValue::Constant(array) if !both => Box::new(Scalar::new(array.clone())),
            other => Box::new(other.array().clone()),
        }
    };
    // Arrow compares decimals only of one precision; only the scale matters here.
    let (x, y) = (same_precision(&args[0], &args[1]), args[1].clone());
    let (x, y) = (datum(&x), datum(&y));
    let (x, y) = (x.as_ref(), y.as_ref());
    Ok(Arc::new(match comparison {
        Comparison::Equal => cmp::eq(x, y)?,
        Comparison::NotEqual => cmp::neq(x, y)?,
        Comparison::Less => cmp::lt(x, y)?,
        Comparison::LessOrEqual => cmp::lt_eq(x, y)?,
        Comparison::Greater => cmp::gt(x, y)?,
        Comparison::GreaterOrEqual => cmp::gt_eq(x, y)?,
        Comparison::Distinct => cmp::distinct(x, y)?,
        Comparison::NotDistinct => cmp::not_distinct(x, y)?,
    }))
}

fn same_precision(value: &ColumnValue, like: &ColumnValue) -> ColumnValue {
    if value.data_type() == like.data_type() || !matches!(value.data_type(), a::DataType::Decimal128(..)) {
        return value.clone();
    }
    let array: ArrayRef =
        Arc::new(value.array().as_primitive::<Decimal128Type>().clone().with_data_type(like.data_type().clone()));
    match value {
        ColumnValue::Column(_) => ColumnValue::Column(array),
        ColumnValue::Constant(_) => ColumnValue::Constant(array),
    }
}

/// Compares row `i` of one column with row `j` of another; neither is NULL.
type RowOrder<'a> = Box<dyn Fn(usize, usize) -> Option<Ordering> + 'a>;
/// Makes a [`RowOrder`] of two columns.
type OrderOf = Box<dyn for<'a> Fn(&'a ArrayRef, &'a ArrayRef) -> RowOrder<'a> + Send>;

fn ordering(a: &TypeKind, b: &TypeKind) -> Result<OrderOf> {
    use TypeKind as K;
    Ok(match (a, b) {
        (K::Float, K::Float) => Box::new(|x, y| {
            let (x, y) = (x.as_primitive::<Float32Type>().values(), y.as_primitive::<Float32Type>().values());
            Box::new(move |i, j| x[i].partial_cmp(&y[j]))
        }),
        (K::Double, K::Double) => Box::new(|x, y| {
            let (x, y) = (x.as_primitive::<Float64Type>().values(), y.as_primitive::<Float64Type>().values());
            Box::new(move |i, j| x[i].partial_cmp(&y[j]))
        }),
        (K::Decimal(_, s1), K::Decimal(_, s2)) => {
            let power = |n: u8| i256::from_i128(10).checked_pow(n.into()).unwrap_or(i256::ONE);
            let (up1, up2) = (power(s2.saturating_sub(*s1)), power(s1.saturating_sub(*s2)));
            Box::new(move |x, y| {
                let (x, y) = (x.as_primitive::<Decimal128Type>().values(), y.as_primitive::<Decimal128Type>().values());
                Box::new(move |i, j| {
                    let (x, y) = (i256::from_i128(x[i]).wrapping_mul(up1), i256::from_i128(y[j]).wrapping_mul(up2));
                    Some(x.cmp(&y))
                })
            })
        }
        (x, y) if x.is_timestamp() && y.is_timestamp() => {
            let (one, other) = (i128::from(units_per_second(x)), i128::from(units_per_second(y)));
            Box::new(move |x, y| match (int_reader(x), int_reader(y)) {
                (Some(x), Some(y)) => {
                    Box::new(move |i, j| Some((i128::from(x(i)) * other).cmp(&(i128::from(y(j)) * one))))
                }
                _ => Box::new(|_, _| None),
            })
        }
        (K::Array(_) | K::Map(..) | K::Multiset(_) | K::Row(_) | K::Bitmap, _) => {
            Box::new(|x, y| Box::new(move |i, j| values_equal(x, i, y, j).then_some(Ordering::Equal)))
        }
        _ => return Err(Error::query(format!("cannot compare {a} with {b}"))),
    })
}

/// Whether row `i` of one column equals row `j` of another of the same Arrow type, deeply; NULL equals NULL.
pub(crate) fn values_equal(x: &dyn Array, i: usize, y: &dyn Array, j: usize) -> bool {
    match (x.is_null(i), y.is_null(j)) {
        (true, true) => return true,
        (false, false) => {}
        _ => return false,
    }
    match x.data_type() {
        a::DataType::List(_) => {
            let (x, y) = (x.as_list::<i32>().value(i), y.as_list::<i32>().value(j));
            x.len() == y.len() && (0..x.len()).all(|k| values_equal(&x, k, &y, k))
        }
        a::DataType::Struct(_) => {
            let (x, y) = (x.as_struct(), y.as_struct());
            x.columns().iter().zip(y.columns()).all(|(x, y)| values_equal(x, i, y, j))
        }
        a::DataType::Map(..) => {
            let (x, y) = (x.as_map().value(i), y.as_map().value(j));
            x.len() == y.len()
                && (0..x.len()).all(|k| {
                    (0..y.len()).any(|l| {
                        values_equal(x.column(0), k, y.column(0), l) && values_equal(x.column(1), k, y.column(1), l)
                    })
                })
        }
        _ => compare_rows(x, i, y, j) == Some(Ordering::Equal),
    }
}

/// The order of two values of the same Arrow type that are not NULL and not nested; `None` where they have none.
pub(crate) fn compare_rows(x: &dyn Array, i: usize, y: &dyn Array, j: usize) -> Option<Ordering> {
    if let (Some(x), Some(y)) = (int_reader(x), int_reader(y)) {
        return Some(x(i).cmp(&y(j)));
    }
    match (x.data_type(), y.data_type()) {
        (a::DataType::Utf8, a::DataType::Utf8) => {
            Some(x.as_string::<i32>().value(i).cmp(y.as_string::<i32>().value(j)))
        }
        (a::DataType::Binary, a::DataType::Binary) => {
            Some(x.as_binary::<i32>().value(i).cmp(y.as_binary::<i32>().value(j)))
        }
        (a::DataType::Boolean, a::DataType::Boolean) => Some(x.as_boolean().value(i).cmp(&y.as_boolean().value(j))),
        (a::DataType::Float32, a::DataType::Float32) => {
            x.as_primitive::<Float32Type>().value(i).partial_cmp(&y.as_primitive::<Float32Type>().value(j))
        }
        (a::DataType::Float64, a::DataType::Float64) => {
            x.as_primitive::<Float64Type>().value(i).partial_cmp(&y.as_primitive::<Float64Type>().value(j))
        }
        (a::DataType::Decimal128(_, s1), a::DataType::Decimal128(_, s2)) if s1 == s2 => {
            Some(x.as_primitive::<Decimal128Type>().value(i).cmp(&y.as_primitive::<Decimal128Type>().value(j)))
        }
        _ => None,
    }
}
