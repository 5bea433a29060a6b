//! Casts from CHAR and VARCHAR.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{self as a, ArrowPrimitiveType};
use wasmill_plan::{Error, Result, TypeKind};

use super::{Convert, Failures, parse, temporal, to_text};
use crate::calendar::{DAY_MS, to_instant};
use crate::vector::{int_column, units_per_second};

/// The conversion of text to `to`.
pub(super) fn convert(to: &TypeKind) -> Result<Convert> {
    macro_rules! integers {
        ($t:ident, $native:ty) => {
            numbers::<a::$t>(to, |text| {
                parse::integer(text, <$native>::MIN as i64, <$native>::MAX as i64).map(|v| v as $native)
            })
        };
    }
    Ok(match to {
        TypeKind::Boolean => Box::new(|array, _, failures| {
            let parsed = parsed(array, failures, "BOOLEAN", parse::boolean)?;
            Ok(Arc::new(parsed.into_iter().collect::<BooleanArray>()))
        }),
        TypeKind::TinyInt => integers!(Int8Type, i8),
        TypeKind::SmallInt => integers!(Int16Type, i16),
        TypeKind::Int => integers!(Int32Type, i32),
        TypeKind::BigInt => integers!(Int64Type, i64),
        TypeKind::Float => numbers::<a::Float32Type>(to, parse::float),
        TypeKind::Double => numbers::<a::Float64Type>(to, parse::double),
        TypeKind::Decimal(p, s) => {
            let (p, s) = (*p, *s);
            numbers::<a::Decimal128Type>(to, move |text| parse::decimal(text, p, s))
        }
        TypeKind::Binary(_) | TypeKind::Varbinary(_) => to_text::fit_bytes(to),
        TypeKind::Date => times(to, |text, _| parse::date(text)),
        TypeKind::Time(precision) => {
            let unit = 10i64.pow(u32::from(3 - (*precision).min(3)));
            times(to, move |text, _| parse::time(text).map(|ms| ms - ms % unit))
        }
        TypeKind::Timestamp(precision) => {
            let (units, precision) = (units_per_second(to), *precision);
            times(to, move |text, _| {
                let (days, nanos) = parse::timestamp(text)?;
                in_units(days * DAY_MS, nanos, units, precision)
            })
        }
        TypeKind::TimestampLtz(precision) => {
            let (units, precision) = (units_per_second(to), *precision);
            times(to, move |text, zone| {
                let (days, nanos) = parse::timestamp(text)?;
                let ms = days * DAY_MS + nanos / 1_000_000;
                in_units(to_instant(zone, ms), nanos % 1_000_000, units, precision)
            })
        }
        other => return Err(Error::query(format!("cannot cast text to {other}"))),
    })
}

/// Milliseconds and further nanoseconds as a timestamp of that unit and precision.
fn in_units(ms: i64, nanos: i64, units: i64, precision: u8) -> Option<i64> {
    let value = ms.checked_mul(units / 1_000)?.checked_add(nanos / (1_000_000_000 / units))?;
    temporal::at_precision(value, units, units, precision)
}

/// Each text as `f` reads it, NULL where there is none or, in a safe cast, where it cannot be read.
fn parsed<T>(
    array: &ArrayRef,
    failures: &mut Failures,
    target: &str,
    f: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let texts = array.as_string::<i32>();
    let mut result = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            result.push(None);
            continue;
        };
        let value = f(text);
        if value.is_none() {
            failures.at(row, || format!("cannot cast '{text}' to {target}"))?;
        }
        result.push(value);
    }
    Ok(result)
}

fn numbers<T: ArrowPrimitiveType>(to: &TypeKind, f: impl Fn(&str) -> Option<T::Native> + Send + 'static) -> Convert {
    let (arrow, name) = (to.to_arrow(), to.to_string());
    Box::new(move |array, _, failures| {
        let parsed = parsed(array, failures, &name, &f)?;
        Ok(Arc::new(parsed.into_iter().collect::<PrimitiveArray<T>>().with_data_type(arrow.clone())))
    })
}

fn times(to: &TypeKind, f: impl Fn(&str, chrono_tz::Tz) -> Option<i64> + Send + 'static) -> Convert {
    let (to, name) = (to.clone(), to.to_string());
    Box::new(move |array, context, failures| {
        let parsed = parsed(array, failures, &name, |text| f(text, context.time_zone))?;
        Ok(int_column(parsed.into_iter(), &to))
    })
}
