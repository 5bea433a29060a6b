//! EXTRACT and its short forms.

use arrow::array::{Array, ArrayRef};
use wasmill_plan::{Error, Result, TypeKind};

use super::{DAY_NS, Moment, as_given, is_time, unit, unit_of};
use crate::calendar::{civil, days_of, iso_week, iso_weekday};
use crate::cast::temporal::as_integers;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::vector::int_column;

const UNITS: [&str; 19] = [
    "MILLENNIUM",
    "CENTURY",
    "DECADE",
    "YEAR",
    "ISOYEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DOY",
    "DOW",
    "ISODOW",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
    "NANOSECOND",
    "EPOCH",
];

pub(super) fn infer_extract(args: &[Argument]) -> Result<Signature, String> {
    let [name, value] = args else { return Err("two arguments were expected".to_owned()) };
    let unit = unit(name)?;
    if !UNITS.contains(&unit.as_str()) {
        return Err(format!("there is no unit {unit}"));
    }
    check(value, &unit)?;
    Ok(as_given(args, TypeKind::BigInt))
}

pub(super) fn infer_field(args: &[Argument]) -> Result<Signature, String> {
    let [value] = args else { return Err("one argument was expected".to_owned()) };
    check(value, "")?;
    Ok(as_given(args, TypeKind::BigInt))
}

fn check(value: &Argument, unit: &str) -> Result<(), String> {
    let kind = &value.data_type.kind;
    let interval = matches!(kind, TypeKind::IntervalDayTime | TypeKind::IntervalYearMonth);
    let clock = matches!(unit, "HOUR" | "MINUTE" | "SECOND" | "MILLISECOND" | "MICROSECOND" | "NANOSECOND");
    match kind {
        TypeKind::Time(_) if !clock && !unit.is_empty() => Err(format!("a TIME has no {unit}")),
        kind if is_time(kind) || interval || *kind == TypeKind::Null => Ok(()),
        _ => Err("a date, a time or an interval was expected".to_owned()),
    }
}

pub(super) fn extract(site: &CallSite) -> Result<Box<dyn Kernel>> {
    make(unit_of(site, 0), site.args[1].kind.clone(), 1)
}

pub(super) fn field(name: &str, site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = match name {
        "DAYOFYEAR" => "DOY",
        "DAYOFMONTH" => "DAY",
        "DAYOFWEEK" => "DOW",
        other => other,
    };
    make(unit.to_owned(), site.args[0].kind.clone(), 0)
}

fn make(unit: String, kind: TypeKind, at: usize) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let value = &args[at];
        let values = as_integers(value.array());
        let zone = context.time_zone;
        let rows = if value.is_constant() { 1 } else { rows };
        let get = |row: usize| {
            let row = value.index(row);
            if values.is_null(row) {
                return None;
            }
            let v = values.value(row);
            match kind {
                TypeKind::IntervalYearMonth => of_months(&unit, v),
                TypeKind::IntervalDayTime => of_interval(&unit, v),
                _ if unit == "EPOCH" => {
                    let utc = Moment::of(&kind, v, chrono_tz::UTC)?;
                    Some(utc.days * 86_400 + utc.ns / 1_000_000_000)
                }
                _ => Some(of_moment(&unit, Moment::of(&kind, v, zone)?)),
            }
        };
        let column = int_column((0..rows).map(get), &TypeKind::BigInt);
        if column.len() != rows { Err(Error::data("rows were lost")) } else { Ok(column) }
    }))
}

fn of_months(unit: &str, months: i64) -> Option<i64> {
    Some(match unit {
        "YEAR" => months / 12,
        "QUARTER" => months % 12 / 3 + 1,
        "MONTH" => months % 12,
        "DECADE" => months / 120,
        "CENTURY" => months / 1200,
        "MILLENNIUM" => months / 12_000,
        _ => 0,
    })
}

fn of_interval(unit: &str, ms: i64) -> Option<i64> {
    Some(match unit {
        "DAY" => ms / 86_400_000,
        "HOUR" => ms / 3_600_000 % 24,
        "MINUTE" => ms / 60_000 % 60,
        "SECOND" => ms / 1_000 % 60,
        "MILLISECOND" => ms % 1_000,
        "MICROSECOND" => ms % 1_000 * 1_000,
        "NANOSECOND" => ms % 1_000 * 1_000_000,
        "EPOCH" => ms / 1_000,
        _ => 0,
    })
}

/// A field of a moment (units as Flink counts them: weeks are ISO, DOW begins with Sunday as 1).
fn of_moment(unit: &str, moment: Moment) -> i64 {
    debug_assert!((0..DAY_NS).contains(&moment.ns));
    let (year, month, day) = civil(moment.days);
    let seconds = moment.ns / 1_000_000_000;
    let fraction = moment.ns % 1_000_000_000;
    match unit {
        "MILLENNIUM" => (year + 999).div_euclid(1000),
        "CENTURY" => (year + 99).div_euclid(100),
        "DECADE" => year.div_euclid(10),
        "YEAR" => year,
        "ISOYEAR" => iso_week(moment.days).0,
        "QUARTER" => (month + 2) / 3,
        "MONTH" => month,
        "WEEK" => iso_week(moment.days).1,
        "DAY" => day,
        "DOY" => moment.days - days_of(year, 1, 1) + 1,
        "DOW" => iso_weekday(moment.days) % 7 + 1,
        "ISODOW" => iso_weekday(moment.days),
        "HOUR" => seconds / 3600,
        "MINUTE" => seconds / 60 % 60,
        "SECOND" => seconds % 60,
        "MILLISECOND" => fraction / 1_000_000,
        "MICROSECOND" => fraction / 1_000,
        _ => fraction,
    }
}
