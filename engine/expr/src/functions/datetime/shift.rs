//! TIMESTAMPADD, TIMESTAMPDIFF, and FLOOR and CEIL to a unit.

use arrow::array::{Array, ArrayRef};
use chrono_tz::Tz;
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::{DAY_NS, Moment, Unit, as_given, is_time};
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
    known(name)?;
    Ok(as_given(args, kind.clone()))
}

pub(super) fn floor(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 1 { round::floor(site) } else { rounded(site, false) }
}

pub(super) fn ceil(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 1 { round::ceil(site) } else { rounded(site, true) }
}

fn rounded(site: &CallSite, up: bool) -> Result<Box<dyn Kernel>> {
    let (kind, unit) = (site.args[0].kind.clone(), Unit::of_site(site, 1)?);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let values = as_integers(args[0].array());
        let get = |row: usize| {
            let row = args[0].index(row);
            if values.is_null(row) {
                return None;
            }
            let moment = Moment::of(&kind, values.value(row), context.time_zone)?;
            // Below milliseconds nothing is looked at, as in Flink.
            let mut moment = Moment { days: moment.days, ns: moment.ns - moment.ns % 1_000_000 };
            if unit.nanos().is_none() && moment.days < 0 && moment.ns > 0 {
                // Days are counted towards zero: before 1970 a day with a time is the next one, as in Flink.
                moment = Moment { days: moment.days + 1, ns: 0 };
            }
            let result = if up { end_of(unit, moment, kind == TypeKind::Date) } else { start_of(unit, moment) };
            result.to(&kind, context.time_zone)
        };
        Ok(int_column((0..rows).map(get), &kind))
    }))
}

fn start_of(unit: Unit, moment: Moment) -> Moment {
    if let Some(ns) = unit.nanos() {
        return Moment { days: moment.days, ns: moment.ns - moment.ns % ns };
    }
    let (year, month, _) = civil(moment.days);
    let days = match unit {
        // Weeks begin on Sunday here.
        Unit::Week => moment.days - iso_weekday(moment.days) % 7,
        Unit::Month => days_of(year, month, 1),
        Unit::Quarter => days_of(year, month - (month - 1) % 3, 1),
        Unit::Year => days_of(year, 1, 1),
        Unit::Decade => days_of(year - year.rem_euclid(10), 1, 1),
        Unit::Century => days_of(year - (year - 1).rem_euclid(100), 1, 1),
        _ => days_of(year - (year - 1).rem_euclid(1000), 1, 1),
    };
    Moment { days, ns: 0 }
}

/// CEIL as Flink computes it (`DateTimeUtils.julianDateFloor`): units of days and more look at the date alone, so the first
/// day of a month stays whatever the time; a DATE always goes on to the next day, decades and longer to the next one, and
/// quarters unless it is 1 January.
fn end_of(unit: Unit, moment: Moment, is_date: bool) -> Moment {
    if let Some(ns) = unit.nanos() {
        if is_date {
            return Moment { days: moment.days + i64::from(unit == Unit::Day), ns: 0 };
        }
        let over = moment.ns % ns;
        return if over == 0 { moment } else { plus_ns(moment, (ns - over).into()) };
    }
    let (_, month, day) = civil(moment.days);
    let start = start_of(unit, moment);
    let stays = match unit {
        Unit::Week | Unit::Month => start.days == moment.days,
        Unit::Quarter | Unit::Year => month == 1 && day == 1,
        _ => false,
    };
    match unit.months() {
        _ if stays => start,
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
    let unit = known(name)?;
    if !count.data_type.kind.is_integer() && count.data_type.kind != TypeKind::Null {
        return Err("the count must be an integer".to_owned());
    }
    let kind = &time.data_type.kind;
    if !is_time(kind) && *kind != TypeKind::Null {
        return Err("a date or a time was expected".to_owned());
    }
    let returns = if *kind == TypeKind::Date && unit.is_of_clock() { TypeKind::Timestamp(6) } else { kind.clone() };
    let mut signature = as_given(args, returns);
    signature.args[1] = DataType { kind: TypeKind::BigInt, nullable: count.data_type.nullable };
    Ok(signature)
}

/// A unit that times are moved by.
fn known(name: &Argument) -> Result<Unit, String> {
    let unit = Unit::of(name)?;
    if unit.nanos().is_some() || unit.months().is_some() || unit == Unit::Week {
        return Ok(unit);
    }
    Err("a unit from MILLENNIUM to NANOSECOND was expected".to_owned())
}

pub(super) fn add(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = Unit::of_site(site, 0)?;
    let (kind, returns) = (site.args[2].kind.clone(), site.returns.kind.clone());
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let (counts, times) = (as_integers(args[1].array()), as_integers(args[2].array()));
        let get = |row: usize| {
            let (c, t) = (args[1].index(row), args[2].index(row));
            if counts.is_null(c) || times.is_null(t) {
                return None;
            }
            shifted(unit, &kind, &returns, times.value(t), counts.value(c), context.time_zone)
        };
        Ok(int_column((0..rows).map(get), &returns))
    }))
}

fn shifted(unit: Unit, kind: &TypeKind, returns: &TypeKind, time: i64, count: i64, zone: Tz) -> Option<i64> {
    // An instant moves by elapsed time for units of fixed length below a day's, and on the local clock otherwise.
    let fixed = unit.nanos().is_some() || unit == Unit::Week;
    let zone = if fixed { chrono_tz::UTC } else { zone };
    let moment = Moment::of(kind, time, zone)?;
    let moved = match unit.months() {
        Some(months) => Moment { days: add_months(moment.days, count.checked_mul(months)?), ns: moment.ns },
        None => plus_ns(moment, i128::from(unit.nanos().unwrap_or(7 * DAY_NS)) * i128::from(count)),
    };
    moved.to(returns, zone)
}

pub(super) fn infer_diff(args: &[Argument]) -> Result<Signature, String> {
    let [name, a, b] = args else { return Err("three arguments were expected".to_owned()) };
    known(name)?;
    for side in [a, b] {
        let kind = &side.data_type.kind;
        if !is_time(kind) && *kind != TypeKind::Null {
            return Err("a date or a time was expected".to_owned());
        }
    }
    let (x, y) = (&a.data_type.kind, &b.data_type.kind);
    let instant = |kind: &TypeKind| matches!(kind, TypeKind::TimestampLtz(_));
    if instant(x) != instant(y) && *x != TypeKind::Null && *y != TypeKind::Null {
        return Err("a TIMESTAMP_LTZ has a distance only from another one".to_owned());
    }
    Ok(as_given(args, TypeKind::Int))
}

pub(super) fn diff(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = Unit::of_site(site, 0)?;
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
            let value = match unit.months() {
                Some(length) => whole_months(from, to) / length,
                None => {
                    let ns = i128::from(to.days - from.days) * i128::from(DAY_NS) + i128::from(to.ns - from.ns);
                    (ns / i128::from(unit.nanos().unwrap_or(7 * DAY_NS))) as i64
                }
            };
            Some(i64::from(value as i32))
        };
        let column = int_column((0..rows).map(get), &TypeKind::Int);
        if column.len() == rows { Ok(column) } else { Err(Error::data("rows were lost")) }
    }))
}

/// Months between two moments as Calcite counts them (`DateTimeUtils.subtractMonths`): whole ones between the days, in the
/// direction of time, and one less where `to` falls on the last of them at an earlier time of day.
fn whole_months(from: Moment, to: Moment) -> i64 {
    let count = if to.days < from.days { -months_later(to.days, from.days) } else { months_later(from.days, to.days) };
    let early = add_months(from.days, count) == to.days && to.ns < from.ns;
    count - i64::from(early)
}

/// The most months that a day can be moved without passing a later one.
fn months_later(day: i64, later: i64) -> i64 {
    let (a, b) = (civil(day), civil(later));
    let months = (b.0 - a.0) * 12 + b.1 - a.1;
    months - i64::from(add_months(day, months) > later)
}
