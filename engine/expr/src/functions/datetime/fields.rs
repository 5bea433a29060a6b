//! EXTRACT and its short forms.

use arrow::array::{Array, ArrayRef};
use wasmill_plan::{Error, Result, TypeKind};

use super::{DAY_NS, Moment, Unit, as_given, is_time};
use crate::calendar::{DAY_MS, civil, days_of, iso_week, iso_weekday};
use crate::cast::temporal::as_integers;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::vector::int_column;

pub(super) fn infer_extract(args: &[Argument]) -> Result<Signature, String> {
    let [name, value] = args else { return Err("two arguments were expected".to_owned()) };
    check(value, Some(Unit::of(name)?))?;
    Ok(as_given(args, TypeKind::BigInt))
}

pub(super) fn infer_field(args: &[Argument]) -> Result<Signature, String> {
    let [value] = args else { return Err("one argument was expected".to_owned()) };
    check(value, None)?;
    Ok(as_given(args, TypeKind::BigInt))
}

fn check(value: &Argument, unit: Option<Unit>) -> Result<(), String> {
    let kind = &value.data_type.kind;
    let interval = matches!(kind, TypeKind::IntervalDayTime | TypeKind::IntervalYearMonth);
    match kind {
        TypeKind::Time(_) if unit.is_some_and(|unit| !unit.is_of_clock()) => {
            Err("a TIME has hours and smaller units only".to_owned())
        }
        kind if is_time(kind) || interval || *kind == TypeKind::Null => Ok(()),
        _ => Err("a date, a time or an interval was expected".to_owned()),
    }
}

pub(super) fn extract(site: &CallSite) -> Result<Box<dyn Kernel>> {
    make(Unit::of_site(site, 0)?, site.args[1].kind.clone(), 1)
}

pub(super) fn field(name: &str, site: &CallSite) -> Result<Box<dyn Kernel>> {
    let unit = match name {
        "YEAR" => Unit::Year,
        "QUARTER" => Unit::Quarter,
        "MONTH" => Unit::Month,
        "WEEK" => Unit::Week,
        "DAYOFYEAR" => Unit::DayOfYear,
        "DAYOFMONTH" => Unit::Day,
        "DAYOFWEEK" => Unit::DayOfWeek,
        "HOUR" => Unit::Hour,
        "MINUTE" => Unit::Minute,
        _ => Unit::Second,
    };
    make(unit, site.args[0].kind.clone(), 0)
}

fn make(unit: Unit, kind: TypeKind, at: usize) -> Result<Box<dyn Kernel>> {
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
                TypeKind::IntervalYearMonth => of_months(unit, v),
                TypeKind::IntervalDayTime => of_interval(unit, v),
                _ if unit == Unit::Epoch => {
                    let utc = Split::of(Moment::of(&kind, v, chrono_tz::UTC)?);
                    Some(utc.days * 86_400 + utc.ms / 1_000)
                }
                _ => Some(of_moment(unit, Split::of(Moment::of(&kind, v, zone)?))),
            }
        };
        let column = int_column((0..rows).map(get), &TypeKind::BigInt);
        if column.len() != rows { Err(Error::data("rows were lost")) } else { Ok(column) }
    }))
}

fn of_months(unit: Unit, months: i64) -> Option<i64> {
    Some(match unit {
        Unit::Year => months / 12,
        Unit::Quarter => months % 12 / 3 + 1,
        Unit::Month => months % 12,
        Unit::Decade => months / 120,
        Unit::Century => months / 1200,
        Unit::Millennium => months / 12_000,
        _ => 0,
    })
}

fn of_interval(unit: Unit, ms: i64) -> Option<i64> {
    Some(match unit {
        Unit::Day => ms / 86_400_000,
        Unit::Hour => ms / 3_600_000 % 24,
        Unit::Minute => ms / 60_000 % 60,
        Unit::Second => ms / 1_000 % 60,
        Unit::Millisecond => ms % 1_000,
        Unit::Microsecond => ms % 1_000 * 1_000,
        Unit::Nanosecond => ms % 1_000 * 1_000_000,
        Unit::Epoch => ms / 1_000,
        _ => 0,
    })
}

/// A moment as Flink's `extractFromTimestamp` takes it apart: milliseconds are divided towards zero, so that the last hours
/// before 1970 count as its first day, with a negative time.
struct Split {
    days: i64,
    /// Of the day; negative before 1970.
    ms: i64,
    /// Of the millisecond, never negative.
    ns: i64,
}

impl Split {
    fn of(moment: Moment) -> Self {
        debug_assert!((0..DAY_NS).contains(&moment.ns));
        let ms = moment.days * DAY_MS + moment.ns / 1_000_000;
        Self { days: ms / DAY_MS, ms: ms % DAY_MS, ns: moment.ns % 1_000_000 }
    }
}

/// A field of a moment (units as Flink counts them: weeks are ISO, DOW begins with Sunday as 1).
fn of_moment(unit: Unit, moment: Split) -> i64 {
    let (year, month, day) = civil(moment.days);
    let seconds = moment.ms / 1_000;
    match unit {
        Unit::Millennium => (year + 999).div_euclid(1000),
        Unit::Century => (year + 99).div_euclid(100),
        Unit::Decade => year.div_euclid(10),
        Unit::Year => year,
        Unit::IsoYear => iso_week(moment.days).0,
        Unit::Quarter => (month + 2) / 3,
        Unit::Month => month,
        Unit::Week => iso_week(moment.days).1,
        Unit::Day => day,
        Unit::DayOfYear => moment.days - days_of(year, 1, 1) + 1,
        Unit::DayOfWeek => iso_weekday(moment.days) % 7 + 1,
        Unit::IsoDayOfWeek => iso_weekday(moment.days),
        Unit::Hour => seconds / 3600,
        Unit::Minute => seconds / 60 % 60,
        Unit::Second => seconds % 60,
        Unit::Millisecond => moment.ms % 1_000,
        Unit::Microsecond => moment.ms % 1_000 * 1_000 + moment.ns / 1_000,
        _ => moment.ms % 1_000 * 1_000_000 + moment.ns,
    }
}
