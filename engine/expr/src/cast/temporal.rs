//! Casts between DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ and intervals. TIMESTAMP_LTZ goes by the session's clock.

use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{self as a, DataType as D, TimeUnit};
use chrono_tz::Tz;
use wasmill_plan::{Result, TypeKind};

use super::Convert;
use crate::calendar::{DAY_MS, to_instant, to_local};
use crate::vector::{int_column, units_per_second};

/// The integers that a column is held as.
pub(crate) fn as_integers(array: &dyn Array) -> Int64Array {
    match array.data_type() {
        D::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<a::TimestampMillisecondType>().reinterpret_cast()
        }
        D::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<a::TimestampMicrosecondType>().reinterpret_cast()
        }
        D::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive::<a::TimestampNanosecondType>().reinterpret_cast(),
        D::Duration(_) => array.as_primitive::<a::DurationMillisecondType>().reinterpret_cast(),
        D::Date32 => array.as_primitive::<a::Date32Type>().unary(i64::from),
        D::Time32(_) => array.as_primitive::<a::Time32MillisecondType>().unary(i64::from),
        D::Interval(_) => array.as_primitive::<a::IntervalYearMonthType>().unary(i64::from),
        D::Int8 => array.as_primitive::<a::Int8Type>().unary(i64::from),
        D::Int16 => array.as_primitive::<a::Int16Type>().unary(i64::from),
        D::Int32 => array.as_primitive::<a::Int32Type>().unary(i64::from),
        D::Int64 => array.as_primitive::<a::Int64Type>().clone(),
        _ => Int64Array::new_null(array.len()),
    }
}

/// The conversion between two kinds that are held as integers.
pub(super) fn convert(from: &TypeKind, to: &TypeKind) -> Result<Convert> {
    use TypeKind as K;
    let (from, to) = (from.clone(), to.clone());
    let zoned = matches!(from, K::TimestampLtz(_)) != matches!(to, K::TimestampLtz(_));
    let is_time = |kind: &K| matches!(kind, K::Date | K::Time(_)) || kind.is_timestamp();
    if !is_time(&from) || !is_time(&to) {
        // Intervals and integers: the count of months or milliseconds.
        return Ok(Box::new(move |array, _, _| Ok(int_column(as_integers(array.as_ref()).iter(), &to))));
    }
    Ok(Box::new(move |array, context, failures| {
        let zone = if zoned { context.time_zone } else { chrono_tz::UTC };
        let mut failed = None;
        let integers = as_integers(array.as_ref());
        let values = integers.iter().enumerate().map(|(row, value)| {
            let converted = value.and_then(|value| between(value, &from, &to, zone));
            if value.is_some() && converted.is_none() {
                failed.get_or_insert_with(Vec::new).push(row);
            }
            converted
        });
        let column = int_column(values, &to);
        for row in failed.into_iter().flatten() {
            failures.at(row, || format!("a value of type {from} is out of the range of {to}"))?;
        }
        Ok(column)
    }))
}

/// One value; `None` where the target cannot hold it.
fn between(value: i64, from: &TypeKind, to: &TypeKind, zone: Tz) -> Option<i64> {
    use TypeKind as K;
    // As a local time first: units since the epoch, and how many units a second has.
    let (local, units) = match from {
        K::Date => (value.checked_mul(DAY_MS)?, 1_000),
        K::Time(_) => (value, 1_000),
        K::TimestampLtz(_) => {
            let units = units_per_second(from);
            (shift(value, units, |ms| to_local(zone, ms))?, units)
        }
        _ => (value, units_per_second(from)),
    };
    match to {
        K::Date => Some(local.div_euclid(units * 86_400)),
        K::Time(precision) => {
            let ms = local.rem_euclid(units * 86_400) / (units / 1_000);
            Some(truncated(ms, 3, *precision))
        }
        K::Timestamp(precision) => at_precision(local, units, units_per_second(to), *precision),
        K::TimestampLtz(precision) => {
            let instant = match from {
                K::TimestampLtz(_) => local,
                _ => shift(local, units, |ms| to_instant(zone, ms))?,
            };
            at_precision(instant, units, units_per_second(to), *precision)
        }
        _ => None,
    }
}

/// Moves a value of that unit as `f` moves its milliseconds.
fn shift(value: i64, units: i64, f: impl Fn(i64) -> i64) -> Option<i64> {
    let per_ms = units / 1_000;
    let ms = value.div_euclid(per_ms);
    value.checked_add((f(ms) - ms).checked_mul(per_ms)?)
}

/// A timestamp in another unit, cut to `precision` digits.
pub(crate) fn at_precision(value: i64, from_units: i64, to_units: i64, precision: u8) -> Option<i64> {
    let value = if to_units >= from_units {
        value.checked_mul(to_units / from_units)?
    } else {
        value.div_euclid(from_units / to_units)
    };
    let digits = match to_units {
        1_000 => 3,
        1_000_000 => 6,
        _ => 9,
    };
    Some(truncated(value, digits, precision))
}

/// A count of units of which a second has 10^`digits`, cut to `precision` digits after the second.
fn truncated(value: i64, digits: u8, precision: u8) -> i64 {
    if precision >= digits {
        return value;
    }
    let unit = 10i64.pow((digits - precision).into());
    value - value.rem_euclid(unit)
}
