//! Values that a guest gave: inside the range of their SQL type, or refused.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType as A, Date32Type, Decimal128Type, Int32Type, Time32MillisecondType, TimeUnit};
use wasmill_plan::{DataType, TypeKind};

use crate::instance::Failure;

/// 0001-01-01 and 9999-12-31, in days since 1970.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;
const DAY_MS: i64 = 86_400_000;

/// Refuses NULLs where `returns` has none, and DATE, TIME, TIMESTAMP and DECIMAL values that SQL cannot hold.
pub(crate) fn result(array: &ArrayRef, returns: &DataType, args_have_nulls: bool) -> Result<(), Failure> {
    if !returns.nullable && array.null_count() > 0 && !args_have_nulls {
        return Err(Failure::wrong("it gave NULL, but is declared to return NOT NULL"));
    }
    values(array, returns)
}

/// The same for the values alone, those inside ARRAY, MAP and ROW too.
fn values(array: &ArrayRef, returns: &DataType) -> Result<(), Failure> {
    match &returns.kind {
        TypeKind::Array(item) => return values(array.as_list::<i32>().values(), item),
        TypeKind::Map(key, value) => {
            values(array.as_map().keys(), key)?;
            return values(array.as_map().values(), value);
        }
        TypeKind::Multiset(item) => {
            let counts = array.as_map().values().as_primitive::<Int32Type>();
            if let Some(count) = counts.iter().find(|count| count.is_none_or(|count| count < 1)) {
                let count = count.map_or("NULL".to_owned(), |count| count.to_string());
                return Err(Failure::wrong(format!("it gave a MULTISET with {count} of an element")));
            }
            return values(array.as_map().keys(), item);
        }
        TypeKind::Row(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            return columns.into_iter().try_for_each(|(column, field)| values(column, &field.data_type));
        }
        _ => {}
    }
    let outside = |what: String| Err(Failure::wrong(format!("it gave {what}, which is outside {}", returns.kind)));
    match (&returns.kind, array.data_type()) {
        (TypeKind::Date, _) => match find(array.as_primitive::<Date32Type>(), |v| !DAYS.contains(&i64::from(v))) {
            Some(days) => outside(format!("day {days} since 1970")),
            None => Ok(()),
        },
        (TypeKind::Time(_), _) => {
            match find(array.as_primitive::<Time32MillisecondType>(), |v| !(0..DAY_MS).contains(&i64::from(v))) {
                Some(ms) => outside(format!("{ms} ms since midnight")),
                None => Ok(()),
            }
        }
        (_, A::Timestamp(unit, _)) => {
            let (per_ms_divisor, name) = match unit {
                TimeUnit::Microsecond => (1_000, "µs"),
                TimeUnit::Nanosecond => (1_000_000, "ns"),
                _ => (1, "ms"),
            };
            let ms = DAYS.start() * DAY_MS..(DAYS.end() + 1) * DAY_MS;
            let data = array.to_data();
            let values = &data.buffers()[0].typed_data::<i64>()[data.offset()..data.offset() + data.len()];
            let wrong = values
                .iter()
                .enumerate()
                .find(|(row, v)| array.is_valid(*row) && !ms.contains(&v.div_euclid(per_ms_divisor)));
            match wrong {
                Some((_, value)) => outside(format!("{value} {name} since 1970")),
                None => Ok(()),
            }
        }
        (TypeKind::Decimal(precision, _), _) => {
            let limit = 10i128.pow(u32::from(*precision));
            match find(array.as_primitive::<Decimal128Type>(), |v| v >= limit || v <= -limit) {
                Some(value) => outside(format!("the unscaled value {value}")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The first value, of those that are not NULL, that is wrong.
fn find<T: arrow::datatypes::ArrowPrimitiveType>(
    array: &arrow::array::PrimitiveArray<T>,
    wrong: impl Fn(T::Native) -> bool,
) -> Option<T::Native> {
    let candidate = array.values().iter().enumerate().find(|(row, v)| wrong(**v) && array.is_valid(*row));
    candidate.map(|(_, v)| *v)
}
