//! Reads values from text as Flink's casts do. `None` where the text is none of the type.

use crate::calendar::{days_in_month, days_of};
use crate::number;

/// `t`, `true`, `y`, `yes`, `1` and their opposites, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// An integer, of which a fractional part is cut; blanks around it are ignored. `None` beyond the bounds.
pub(crate) fn integer(text: &str, min: i64, max: i64) -> Option<i64> {
    let text = trim(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if !fraction.bytes().all(|c| c.is_ascii_digit()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    if digits.is_empty() {
        return (!fraction.is_empty()).then_some(0);
    }
    let value: i64 = whole.parse().ok()?;
    (min..=max).contains(&value).then_some(value)
}

/// A DOUBLE as Java reads it: `1.5`, `-1e10`, `NaN`, `Infinity`, also with a suffix `d` or `f`.
pub(crate) fn double(text: &str) -> Option<f64> {
    let text = java_float(text)?;
    text.parse().ok()
}

/// A FLOAT as Java reads it.
pub(crate) fn float(text: &str) -> Option<f32> {
    let text = java_float(text)?;
    text.parse().ok()
}

/// The text in Rust's syntax, where it is a number in Java's.
fn java_float(text: &str) -> Option<&str> {
    let text = trim(text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, "NaN" | "Infinity") {
        return Some(text);
    }
    let text = text.strip_suffix(['d', 'f', 'D', 'F']).unwrap_or(text);
    // Rust also takes `inf` and `nan` in any case.
    text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')).then_some(text)
}

/// A DECIMAL's unscaled value, rounded half up.
pub(crate) fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    number::parse_decimal(trim(text), (precision, scale))
}

/// Days since the epoch of `2021-09-24`, `2021-9`, `2021`, also with a time behind a blank, which is ignored.
pub(crate) fn date(text: &str) -> Option<i64> {
    let text = match text.find(' ') {
        Some(at) if at > 0 => &text[..at],
        _ => text,
    };
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>| part.map_or(Some(1), |part| small(part.trim()));
    let year = small(parts.next()?.trim())?;
    let (month, day) = (number(parts.next())?, number(parts.next())?);
    let legal =
        (0..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    legal.then(|| days_of(year, month, day))
}

/// Milliseconds of the day of `12:34:56.789`, `12:34` or `12`.
pub(crate) fn time(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, ':');
    let hour = two_digits(parts.next()?)?;
    let minute = parts.next().map_or(Some(0), two_digits)?;
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(rest) => {
            let (second, fraction) = match rest.split_once('.') {
                Some((second, fraction)) => (second, fraction),
                None => (rest, ""),
            };
            (two_digits(second)?, nanos(fraction)? / 1_000_000)
        }
    };
    (hour < 24 && minute < 60 && second < 60).then(|| ((hour * 60 + minute) * 60 + second) * 1_000 + ms)
}

/// Days since the epoch and nanoseconds of the day of `2021-9-24[ 12:34:56[.123456789]]`; a day that its month does not have
/// is its last one (Java's smart resolution).
pub(crate) fn timestamp(text: &str) -> Option<(i64, i64)> {
    let (date, clock) = match text.split_once(' ') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (year, month, day) = (small(year)?, two_digits(month)?, two_digits(day)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_of(year, month, day.min(days_in_month(year, month)));
    let Some(clock) = clock else { return Some((days, 0)) };
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?);
    let rest = parts.next()?;
    let (second, fraction) = match rest.split_once('.') {
        Some((second, fraction)) if fraction.len() <= 9 => (second, fraction),
        Some(_) => return None,
        None => (rest, ""),
    };
    let second = two_digits(second)?;
    let legal = hour < 24 && minute < 60 && second < 60;
    legal.then_some(())?;
    Some((days, ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos(fraction)?))
}

/// A fraction's digits as nanoseconds; those beyond the ninth are cut.
fn nanos(fraction: &str) -> Option<i64> {
    let mut value = 0;
    for (at, digit) in fraction.bytes().enumerate() {
        if !digit.is_ascii_digit() {
            return None;
        }
        if at < 9 {
            value += i64::from(digit - b'0') * 10i64.pow(8 - at as u32);
        }
    }
    Some(value)
}

/// One or two digits.
fn two_digits(text: &str) -> Option<i64> {
    (text.len() <= 2).then(|| small(text)).flatten()
}

/// A few digits, no sign.
fn small(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

/// Java's `trim`: blanks and control characters.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}
