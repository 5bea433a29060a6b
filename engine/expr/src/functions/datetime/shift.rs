//! TIMESTAMPADD, TIMESTAMPDIFF, and FLOOR and CEIL to a unit.

use arrow::array::{Array, ArrayRef};
use chrono_tz::Tz;
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::{DAY_NS, Moment, as_given, is_time, unit, unit_of};
use crate::calendar::{add_months, civil, days_of, iso_weekday};
use crate::cast::temporal::as_integers;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::functions::math::round;
use crate::vector::{int_column, length};

pub(super) fn infer_round(args: &[Argument]) -> Result<Signature, String> {
    let [value, name] = args else { return round::infer_floor(args) };
    let kind = &value.data_type.kind;
    if !is_time(kind) && *kind != TypeKind::Null {
        return Err("a date or a time was expected before TO".to_owned());
    }
    let unit = unit(name)?;
    if nanos(&unit).is_none()
        && !matches!(unit.as_str(), "WEEK" | "MONTH" | "QUARTER" | "YEAR" | "DECADE" | "CENTURY" | "MILLENNIUM")
    {
        return Err(format!("there is no unit {unit}"));
    }
    Ok(as_given(args, kind.clone()))
}

pub(super) fn floor(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 1 { round::floor(site) } else { rounded(site, false) }
}

pub(super) fn ceil(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 1 { round::ceil(site) } else { rounded(site, true) }
}

fn rounded(site: &CallSite, up: bool) -> Result<Box<dyn Kernel>> {
    let (kind, unit) = (site.args[0].kind.clone(), unit_of(site, 1));
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let values = as_integers(args[0].array());
        let get = |row: usize| {
            let row = args[0].index(row);
            if values.is_null(row) {
                return None;
            }
            let moment = Moment::of(&kind, values.value(row), context.time_zone)?;
            let start = start_of(&unit, moment);
            let result = if up && start != moment { next(&unit, start) } else { start };
            result.to(&kind, context.time_zone)
        };
        Ok(int_column((0..rows).map(get), &kind))
    }))
}

/// The length of a unit of fixed length.
fn nanos(unit: &str) -> Option<i64> {
    Some(match unit {
        "DAY" => DAY_NS,
        "HOUR" => 3_600_000_000_000,
        "MINUTE" => 60_000_000_000,
        "SECOND" | "FRAC_SECOND" => 1_000_000_000,
        "MILLISECOND" => 1_000_000,
        "MICROSECOND" => 1_000,
        "NANOSECOND" => 1,
        _ => return None,
    })
}

/// The length of a unit of months.
fn months(unit: &str) -> Option<i64> {
    Some(match unit {
        "MONTH" => 1,
        "QUARTER" => 3,
        "YEAR" => 12,
        "DECADE" => 120,
        "CENTURY" => 1_200,
        "MILLENNIUM" => 12_000,
        _ => return None,
    })
}

fn start_of(unit: &str, moment: Moment) -> Moment {
    if let Some(ns) = nanos(unit) {
        return Moment { days: moment.days, ns: moment.ns - moment.ns % ns };
    }
    let (year, month, _) = civil(moment.days);
    let days = match unit {
        // Weeks begin on Sunday here.
        "WEEK" => moment.days - iso_weekday(moment.days) % 7,
        "MONTH" => days_of(year, month, 1),
        "QUARTER" => days_of(year, month - (month - 1) % 3, 1),
        "YEAR" => days_of(year, 1, 1),
        "DECADE" => days_of(year - year.rem_euclid(10), 1, 1),
        "CENTURY" => days_of(year - (year - 1).rem_euclid(100), 1, 1),
        _ => days_of(year - (year - 1).rem_euclid(1000), 1, 1),
    };
    Moment { days, ns: 0 }
}

fn next(unit: &str, start: Moment) -> Moment {
    if let Some(ns) = nanos(unit) {
        return plus_ns(start, ns.into());
    }
    match months(unit) {
        Some(months) => Moment { days: add_months(start.days, months), ns: 0 },
        None => Moment { days: start.days + 7, ns: 0 },
    }
}

fn plus_ns(moment: Moment, ns: i128) -> Moment {
    let total = i128::from(moment.ns) + ns;
    let day = i128::from(DAY_NS);
    Moment { days: moment.days + total.div_euclid(day) as i64, ns: total.rem_euclid(day) as i64 }
}

pub(super) fn infer_add(args: &[Argument]) -> Result<Signature, String> {
    let [name, count, time] = args else { return Err("three arguments were expected".to_owned()) };
    let unit = unit(name)?;
    known(&unit)?;
    if !count.data_type.kind.is_integer() && count.data_type.kind != TypeKind::Null {
        return Err("the count must be an integer".to_owned());
    }
    let kind = &time.data_type.kind;
    if !is_time(kind) && *kind != TypeKind::Null {
        return Err("a date or a time was expected".to_owned());
    }
    let clock = nanos(&unit).is_some_and(|ns| ns < DAY_NS);
    let returns = if *kind == TypeKind::Date && clock { TypeKind::Timestamp(0) } else { kind.clone() };
    let mut signature = as_given(args, returns);
    signature.args[1] = DataType { kind: TypeKind::BigInt, nullable: count.data_type.nullable };
    Ok(signature)
}

fn known(unit: &str) -> Result<(), String> {
    if nanos(unit).is_some() || months(unit).is_some() || unit == "WEEK" {
        Ok(())
    } else {
        Err(format!("there is no unit {unit}"))
    }
}

pub(super) fn add(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = unit_of(site, 0);
    let (kind, returns) = (site.args[2].kind.clone(), site.returns.kind.clone());
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let (counts, times) = (as_integers(args[1].array()), as_integers(args[2].array()));
        let get = |row: usize| {
            let (c, t) = (args[1].index(row), args[2].index(row));
            if counts.is_null(c) || times.is_null(t) {
                return None;
            }
            shifted(&unit, &kind, &returns, times.value(t), counts.value(c), context.time_zone)
        };
        Ok(int_column((0..rows).map(get), &returns))
    }))
}

fn shifted(unit: &str, kind: &TypeKind, returns: &TypeKind, time: i64, count: i64, zone: Tz) -> Option<i64> {
    // An instant moves by elapsed time for units of fixed length below a day's, and on the local clock otherwise.
    let fixed = nanos(unit).is_some() || unit == "WEEK";
    let zone = if fixed { chrono_tz::UTC } else { zone };
    let moment = Moment::of(kind, time, zone)?;
    let moved = match months(unit) {
        Some(months) => Moment { days: add_months(moment.days, count.checked_mul(months)?), ns: moment.ns },
        None => plus_ns(moment, i128::from(nanos(unit).unwrap_or(7 * DAY_NS)) * i128::from(count)),
    };
    moved.to(returns, zone)
}

pub(super) fn infer_diff(args: &[Argument]) -> Result<Signature, String> {
    let [name, a, b] = args else { return Err("three arguments were expected".to_owned()) };
    known(&unit(name)?)?;
    for side in [a, b] {
        let kind = &side.data_type.kind;
        if !is_time(kind) && *kind != TypeKind::Null {
            return Err("a date or a time was expected".to_owned());
        }
    }
    Ok(as_given(args, TypeKind::Int))
}

pub(super) fn diff(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = unit_of(site, 0);
    let (first, second) = (site.args[1].kind.clone(), site.args[2].kind.clone());
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let (a, b) = (as_integers(args[1].array()), as_integers(args[2].array()));
        let zone = context.time_zone;
        let get = |row: usize| {
            let (i, j) = (args[1].index(row), args[2].index(row));
            if a.is_null(i) || b.is_null(j) {
                return None;
            }
            let (from, to) = (Moment::of(&first, a.value(i), zone)?, Moment::of(&second, b.value(j), zone)?);
            let value = match months(&unit) {
                Some(length) => whole_months(from, to) / length,
                None => {
                    let ns = i128::from(to.days - from.days) * i128::from(DAY_NS) + i128::from(to.ns - from.ns);
                    (ns / i128::from(nanos(&unit).unwrap_or(7 * DAY_NS))) as i64
                }
            };
            Some(i64::from(value as i32))
        };
        let column = int_column((0..rows).map(get), &TypeKind::Int);
        if column.len() == rows { Ok(column) } else { Err(Error::data("rows were lost")) }
    }))
}

/// Complete months between two moments.
fn whole_months(from: Moment, to: Moment) -> i64 {
    let (a, b) = (civil(from.days), civil(to.days));
    let months = (b.0 - a.0) * 12 + b.1 - a.1;
    let (early, late) = ((a.2, from.ns), (b.2, to.ns));
    if months > 0 && late < early {
        months - 1
    } else if months < 0 && late > early {
        months + 1
    } else {
        months
    }
}
