//! Kernels of times and intervals.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type};
use wasmill_plan::{Error, Result, TypeKind};

use super::{by_zero, is_interval};
use crate::calendar::{DAY_MS, add_months};
use crate::vector::{int_column, int_reader, length, units_per_second, valid_rows};
use crate::{CallSite, ColumnValue, Context, Kernel};

/// Applies `f` to two columns held as integers.
fn integers(returns: TypeKind, f: impl Fn(i64, i64) -> Option<i64> + Send + 'static) -> Box<dyn Kernel> {
    Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let nulls = valid_rows(&[&args[0], &args[1]], length);
        let (Some(a), Some(b)) = (int_reader(args[0].array()), int_reader(args[1].array())) else {
            return Err(Error::query("arithmetic of times over other columns"));
        };
        let mut overflow = false;
        let values = (0..length).map(|row| {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                return None;
            }
            let value = f(a(args[0].index(row)), b(args[1].index(row)));
            overflow |= value.is_none();
            value
        });
        let column = int_column(values, &returns);
        if overflow { Err(Error::data(format!("the result is out of the range of {returns}"))) } else { Ok(column) }
    })
}

/// `time ± interval`, in either order.
pub(super) fn shift(site: &CallSite, back: bool) -> Result<Box<dyn Kernel>> {
    let swapped = is_interval(&site.args[0].kind);
    let interval = if swapped { &site.args[0].kind } else { &site.args[1].kind };
    let months = *interval == TypeKind::IntervalYearMonth;
    let kind = site.returns.kind.clone();
    let sign = if back { -1 } else { 1 };
    let shifted = shifter(&kind, months);
    Ok(integers(kind, move |a, b| {
        let (time, interval) = if swapped { (b, a) } else { (a, b) };
        shifted(time, interval.checked_mul(sign)?)
    }))
}

/// A function that moves a value of `kind` by months, or by milliseconds; it gives `None` beyond 64 bits.
pub(crate) fn shifter(kind: &TypeKind, months: bool) -> fn(i64, i64) -> Option<i64> {
    match (kind, months) {
        (TypeKind::Date, true) => |days, months| Some(add_months(days, months)),
        (TypeKind::Date, false) => |days, ms| Some(days + ms.div_euclid(DAY_MS)),
        // Months do not move a time of day.
        (TypeKind::Time(_), true) => |time, _| Some(time),
        (TypeKind::Time(_), false) => |time, ms| Some((time + ms).rem_euclid(DAY_MS)),
        (_, true) => match units_per_second(kind) {
            1_000 => |time, months| months_later(time, months, DAY_MS),
            1_000_000 => |time, months| months_later(time, months, DAY_MS * 1_000),
            _ => |time, months| months_later(time, months, DAY_MS * 1_000_000),
        },
        (_, false) => match units_per_second(kind) {
            1_000 => i64::checked_add,
            1_000_000 => |time, ms| time.checked_add(ms.checked_mul(1_000)?),
            _ => |time, ms| time.checked_add(ms.checked_mul(1_000_000)?),
        },
    }
}

fn months_later(time: i64, months: i64, day: i64) -> Option<i64> {
    let days = add_months(time.div_euclid(day), months);
    days.checked_mul(day)?.checked_add(time.rem_euclid(day))
}

/// `time - time`, in milliseconds.
pub(super) fn distance(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let kind = &site.args[0].kind;
    let f: fn(i64, i64) -> Option<i64> = match (kind, units_per_second(kind)) {
        (TypeKind::Date, _) => |a, b| Some((a - b) * DAY_MS),
        (_, 1_000) => i64::checked_sub,
        (_, 1_000_000) => |a, b| Some(a.checked_sub(b)?.div_euclid(1_000)),
        _ => |a, b| Some(a.checked_sub(b)?.div_euclid(1_000_000)),
    };
    Ok(integers(TypeKind::IntervalDayTime, f))
}

/// `interval * number`, in either order, or `interval / number`.
pub(super) fn scale(site: &CallSite, divide: bool) -> Result<Box<dyn Kernel>> {
    let swapped = !is_interval(&site.args[0].kind);
    let factor = if swapped { site.args[0].kind.clone() } else { site.args[1].kind.clone() };
    let returns = site.returns.kind.clone();
    if factor.is_integer() {
        if divide {
            // A divisor of 0 is told apart from an overflow.
            let mut inner = integers(returns, |a, b| a.checked_div(b));
            return Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| {
                let divisor = args[1].array();
                let zero =
                    int_reader(divisor).is_some_and(|v| (0..divisor.len()).any(|r| divisor.is_valid(r) && v(r) == 0));
                if zero { Err(by_zero()) } else { inner.evaluate(args, rows, context) }
            }));
        }
        return Ok(integers(returns, i64::checked_mul));
    }
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let (interval, number) = if swapped { (&args[1], &args[0]) } else { (&args[0], &args[1]) };
        let length = length(args, rows);
        let nulls = valid_rows(&[interval, number], length);
        let Some(ms) = int_reader(interval.array()) else { return Err(Error::query("an interval was expected")) };
        let values = (0..length).map(|row| {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                return None;
            }
            let (ms, factor) = (ms(interval.index(row)) as f64, as_double(number.array(), number.index(row), &factor));
            Some(if divide { ms / factor } else { ms * factor } as i64)
        });
        Ok(int_column(values, &returns))
    }))
}

fn as_double(array: &ArrayRef, row: usize, kind: &TypeKind) -> f64 {
    match kind {
        TypeKind::Float => array.as_primitive::<Float32Type>().value(row).into(),
        TypeKind::Decimal(_, scale) => {
            array.as_primitive::<Decimal128Type>().value(row) as f64 / 10f64.powi((*scale).into())
        }
        _ => array.as_primitive::<Float64Type>().value(row),
    }
}
