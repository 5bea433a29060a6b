//! The proleptic Gregorian calendar and time zones, on plain integers: days since 1970-01-01, milliseconds of a day.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// `0000-01-01 00:00:00`, the first timestamp that functions give.
pub const TIMESTAMP_MS_MIN: i64 = -62_167_219_200_000;
/// `9999-12-31 23:59:59.999`, the last one.
pub const TIMESTAMP_MS_MAX: i64 = 253_402_300_799_999;

/// Year, month and day of a day since the epoch (Howard Hinnant's algorithm).
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since the epoch of a year, month (1 to 12) and day.
pub fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let m = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Whether the year has a 29 February.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days the month (1 to 12) has.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day `months` later, at the same day of month or the last one there is.
pub fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil(days);
    let total = year * 12 + (month - 1) + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    days_of(year, month, day.min(days_in_month(year, month)))
}

/// Day of the week, Monday 1 to Sunday 7.
pub fn iso_weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// ISO year and week.
pub fn iso_week(days: i64) -> (i64, i64) {
    let thursday = days - iso_weekday(days) + 4;
    let (year, _, _) = civil(thursday);
    (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
}

/// How far the zone's clock is ahead of UTC at an instant, in ms.
pub fn offset_ms(zone: Tz, instant_ms: i64) -> i64 {
    if zone == chrono_tz::UTC {
        return 0;
    }
    match DateTime::from_timestamp_millis(instant_ms) {
        Some(at) => i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) * 1_000,
        None => 0,
    }
}

/// The zone's clock at an instant, as ms since the local epoch.
pub fn to_local(zone: Tz, instant_ms: i64) -> i64 {
    instant_ms + offset_ms(zone, instant_ms)
}

/// The instant at which the zone's clock shows `local_ms`. As Java: the earlier of two; in a gap, the time moves forward by
/// the gap's length.
pub fn to_instant(zone: Tz, local_ms: i64) -> i64 {
    if zone == chrono_tz::UTC {
        return local_ms;
    }
    let Some(local) = naive(local_ms) else { return local_ms };
    match zone.offset_from_local_datetime(&local).earliest() {
        Some(offset) => local_ms - i64::from(offset.fix().local_minus_utc()) * 1_000,
        // In a gap the offset before it holds, which moves the clock forward by the gap. No zone changes twice in a day.
        None => local_ms - offset_ms(zone, local_ms - offset_ms(zone, local_ms) - DAY_MS),
    }
}

fn naive(local_ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(local_ms).map(|at| at.naive_utc())
}

/// A zone by IANA name, offset (`+08:00`, `GMT+8`, `UTC-05:30`) or one of Java's short names.
pub fn zone(name: &str) -> Option<ZoneOrOffset> {
    let name = name.trim();
    let short = match name {
        "Z" => "UTC",
        "PST" => "America/Los_Angeles",
        "CST" => "America/Chicago",
        "IST" => "Asia/Kolkata",
        "JST" => "Asia/Tokyo",
        "CTT" => "Asia/Shanghai",
        "ECT" => "Europe/Paris",
        "BST" => "Asia/Dhaka",
        "AET" => "Australia/Sydney",
        other => other,
    };
    if let Ok(zone) = short.parse::<Tz>() {
        return Some(ZoneOrOffset::Zone(zone));
    }
    let rest = ["GMT", "UTC", "UT"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let (sign, rest) = match rest.as_bytes().first()? {
        b'+' => (1, &rest[1..]),
        b'-' => (-1, &rest[1..]),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "0"),
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(ZoneOrOffset::OffsetMs(sign * (hours * 60 + minutes) * 60_000))
}

/// A time zone with its rules, or a fixed distance from UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ZoneOrOffset {
    /// A zone of the IANA database.
    Zone(Tz),
    /// So many ms ahead of UTC.
    OffsetMs(i64),
}

impl From<Tz> for ZoneOrOffset {
    fn from(zone: Tz) -> Self {
        Self::Zone(zone)
    }
}

impl ZoneOrOffset {
    /// As [`to_local`].
    pub fn to_local(self, instant_ms: i64) -> i64 {
        match self {
            Self::Zone(zone) => to_local(zone, instant_ms),
            Self::OffsetMs(offset) => instant_ms + offset,
        }
    }
    /// As [`to_instant`].
    pub fn to_instant(self, local_ms: i64) -> i64 {
        match self {
            Self::Zone(zone) => to_instant(zone, local_ms),
            Self::OffsetMs(offset) => local_ms - offset,
        }
    }
}
