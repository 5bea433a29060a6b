//! Functions of date, time, timestamps and intervals.
//!
//! Values are split into days and nanoseconds of the day on the local clock ([`Moment`]); TIMESTAMP_LTZ goes by the session zone.

mod convert;
mod fields;
mod format;
mod now;
mod pattern;
mod shift;
mod unit;

use chrono_tz::Tz;
use wasmill_plan::{DataType, TypeKind};

use crate::Function;
use crate::calendar::{DAY_MS, ZoneOrOffset, to_local};
use crate::function::{Argument, Signature};
use crate::vector::units_per_second;
use unit::Unit;

const DAY_NS: i64 = DAY_MS * 1_000_000;

macro_rules! field {
    ($name:literal) => {
        Function {
            name: $name,
            aliases: &[],
            usage: concat!($name, "(time)"),
            infer: fields::infer_field,
            kernel: |site| fields::field($name, site),
        }
    };
}

macro_rules! now {
    ($name:literal, $infer:ident) => {
        Function { name: $name, aliases: &[], usage: $name, infer: now::$infer, kernel: now::kernel }
    };
}

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "EXTRACT",
        aliases: &[],
        usage: "EXTRACT(unit FROM time)",
        infer: fields::infer_extract,
        kernel: fields::extract,
    },
    field!("YEAR"),
    field!("QUARTER"),
    field!("MONTH"),
    field!("WEEK"),
    field!("DAYOFYEAR"),
    field!("DAYOFMONTH"),
    field!("DAYOFWEEK"),
    field!("HOUR"),
    field!("MINUTE"),
    field!("SECOND"),
    Function {
        name: "FLOOR",
        aliases: &[],
        usage: "FLOOR(number) or FLOOR(time TO unit)",
        infer: shift::infer_round,
        kernel: shift::floor,
    },
    Function {
        name: "CEIL",
        aliases: &["CEILING"],
        usage: "CEIL(number) or CEIL(time TO unit)",
        infer: shift::infer_round,
        kernel: shift::ceil,
    },
    Function {
        name: "TIMESTAMPADD",
        aliases: &[],
        usage: "TIMESTAMPADD(unit, count, time)",
        infer: shift::infer_add,
        kernel: shift::add,
    },
    Function {
        name: "TIMESTAMPDIFF",
        aliases: &[],
        usage: "TIMESTAMPDIFF(unit, from, to)",
        infer: shift::infer_diff,
        kernel: shift::diff,
    },
    Function {
        name: "DATE_FORMAT",
        aliases: &[],
        usage: "DATE_FORMAT(time, pattern)",
        infer: format::infer_format,
        kernel: format::format,
    },
    Function {
        name: "TO_DATE",
        aliases: &[],
        usage: "TO_DATE(text [, pattern])",
        infer: convert::infer_to_date,
        kernel: convert::to_date,
    },
    Function {
        name: "TO_TIMESTAMP",
        aliases: &[],
        usage: "TO_TIMESTAMP(text [, pattern])",
        infer: convert::infer_to_timestamp,
        kernel: convert::to_timestamp,
    },
    Function {
        name: "TO_TIMESTAMP_LTZ",
        aliases: &[],
        usage: "TO_TIMESTAMP_LTZ(number [, precision]) or TO_TIMESTAMP_LTZ(text [, pattern [, zone]])",
        infer: convert::infer_ltz,
        kernel: convert::to_ltz,
    },
    Function {
        name: "FROM_UNIXTIME",
        aliases: &[],
        usage: "FROM_UNIXTIME(seconds [, pattern])",
        infer: convert::infer_from_unix,
        kernel: convert::from_unix,
    },
    Function {
        name: "UNIX_TIMESTAMP",
        aliases: &[],
        usage: "UNIX_TIMESTAMP([text [, pattern]])",
        infer: convert::infer_unix,
        kernel: convert::unix,
    },
    Function {
        name: "CONVERT_TZ",
        aliases: &[],
        usage: "CONVERT_TZ(text, from_zone, to_zone)",
        infer: convert::infer_zone,
        kernel: convert::zone,
    },
    now!("CURRENT_TIMESTAMP", infer_instant),
    now!("CURRENT_ROW_TIMESTAMP", infer_instant),
    now!("NOW", infer_instant),
    now!("PROCTIME", infer_instant),
    now!("LOCALTIMESTAMP", infer_local),
    now!("LOCALTIME", infer_time),
    now!("CURRENT_TIME", infer_time),
    now!("CURRENT_DATE", infer_date),
];

/// A point on the local clock: days since the epoch and nanoseconds of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    days: i64,
    ns: i64,
}

impl Moment {
    /// Of a value held as an integer; `None` where the kind is no date or time.
    fn of(kind: &TypeKind, value: i64, zone: Tz) -> Option<Self> {
        match kind {
            TypeKind::Date => Some(Self { days: value, ns: 0 }),
            TypeKind::Time(_) => Some(Self { days: 0, ns: value * 1_000_000 }),
            TypeKind::Timestamp(_) => Some(Self::split(value, units_per_second(kind))),
            TypeKind::TimestampLtz(_) => {
                let per_second = units_per_second(kind);
                let per_ms = per_second / 1_000;
                let local = to_local(zone, value.div_euclid(per_ms));
                Some(Self::split(local * per_ms + value.rem_euclid(per_ms), per_second))
            }
            _ => None,
        }
    }

    fn split(value: i64, per_second: i64) -> Self {
        let per_day = per_second * 86_400;
        Self { days: value.div_euclid(per_day), ns: value.rem_euclid(per_day) * (1_000_000_000 / per_second) }
    }

    /// The integer that a kind holds it as; `None` where it is out of range.
    fn to(self, kind: &TypeKind, zone: impl Into<ZoneOrOffset>) -> Option<i64> {
        match kind {
            TypeKind::Date => Some(self.days),
            TypeKind::Time(_) => Some(self.ns / 1_000_000),
            _ => {
                let per_second = units_per_second(kind);
                let local =
                    self.days.checked_mul(86_400 * per_second)?.checked_add(self.ns / (1_000_000_000 / per_second))?;
                if !matches!(kind, TypeKind::TimestampLtz(_)) {
                    return Some(local);
                }
                let per_ms = per_second / 1_000;
                let instant = zone.into().to_instant(local.div_euclid(per_ms));
                Some(instant.checked_mul(per_ms)? + local.rem_euclid(per_ms))
            }
        }
    }
}

fn is_time(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Date | TypeKind::Time(_)) || kind.is_timestamp()
}

/// The call as it stands, with a result that is NULL where an argument is.
fn as_given(args: &[Argument], returns: TypeKind) -> Signature {
    let nullable = args.iter().any(|a| a.data_type.nullable);
    Signature {
        args: args.iter().map(|a| a.data_type.clone()).collect(),
        returns: DataType { kind: returns, nullable },
    }
}
