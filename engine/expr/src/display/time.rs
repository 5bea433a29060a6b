//! Texts of dates, times, timestamps and intervals.

use std::fmt::Write;

use crate::calendar::{DAY_MS, civil};

/// `2021-09-24`.
pub(crate) fn write_date(days: i64, out: &mut String) {
    let (year, month, day) = civil(days);
    write_padded(year, 4, out);
    out.push('-');
    write_padded(month, 2, out);
    out.push('-');
    write_padded(day, 2, out);
}

/// `12:34:56.123` with `precision` digits after the point, at most three.
pub(crate) fn write_time(ms: i64, precision: u8, out: &mut String) {
    write_clock(ms / 1_000, out);
    write_fraction(ms % 1_000, 3, precision.min(3), out);
}

/// `2021-09-24 12:34:56.123` with `precision` digits after the point.
pub(crate) fn write_timestamp(value: i64, units_per_second: i64, precision: u8, out: &mut String) {
    let seconds = value.div_euclid(units_per_second);
    write_date(seconds.div_euclid(86_400), out);
    out.push(' ');
    write_clock(seconds.rem_euclid(86_400), out);
    let digits = match units_per_second {
        1_000 => 3,
        1_000_000 => 6,
        _ => 9,
    };
    write_fraction(value.rem_euclid(units_per_second), digits, precision, out);
}

/// `+10-03`: years and months.
pub(crate) fn write_months(months: i32, out: &mut String) {
    let magnitude = months.unsigned_abs();
    let sign = if months < 0 { '-' } else { '+' };
    let _ = write!(out, "{sign}{}-{:02}", magnitude / 12, magnitude % 12);
}

/// `+1 10:17:36.789`: days and time.
pub(crate) fn write_milliseconds(ms: i64, out: &mut String) {
    let magnitude = ms.unsigned_abs();
    let day = DAY_MS as u64;
    let sign = if ms < 0 { '-' } else { '+' };
    let _ = write!(out, "{sign}{} ", magnitude / day);
    let rest = (magnitude % day) as i64;
    write_clock(rest / 1_000, out);
    write_fraction(rest % 1_000, 3, 3, out);
}

fn write_clock(seconds: i64, out: &mut String) {
    write_padded(seconds / 3_600, 2, out);
    out.push(':');
    write_padded(seconds / 60 % 60, 2, out);
    out.push(':');
    write_padded(seconds % 60, 2, out);
}

/// The first `precision` of the `digits` digits of a fraction, with its point.
fn write_fraction(fraction: i64, digits: u8, precision: u8, out: &mut String) {
    if precision == 0 {
        return;
    }
    out.push('.');
    let kept = precision.min(digits);
    write_padded(fraction / 10i64.pow((digits - kept).into()), kept.into(), out);
    (kept..precision).for_each(|_| out.push('0'));
}

/// A number with leading zeros to `width` digits.
pub(crate) fn write_padded(value: i64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut rest = value.unsigned_abs();
    let mut at = digits.len();
    while rest > 0 || digits.len() - at < width.min(19) {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if value < 0 {
        out.push('-');
    }
    digits[at..].iter().for_each(|digit| out.push(char::from(*digit)));
}
