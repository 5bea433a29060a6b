//! Dates and times as text: `2020-10-10`, `00:00:01.123`, `2020-10-10 00:00:01.123` (SQL), `2020-10-10T00:00:01.123Z` (ISO-8601).
//!
//! Everything is counted from 1970-01-01 in the proleptic Gregorian calendar, years 0000 to 9999, as in Flink.

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// How timestamps are written: `json.timestamp-format.standard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampFormat {
    /// `2020-10-10 00:00:01.123`, with a zone `…Z`.
    Sql,
    /// `2020-10-10T00:00:01.123`, with a zone `…Z`.
    Iso8601,
}

/// A local date and time: days since the epoch and nanoseconds of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) days: i64,
    pub(crate) nanos: i64,
}

impl DateTime {
    /// From a count of units since the epoch, the unit being that of `TIMESTAMP(precision)`.
    pub(crate) fn from_units(value: i64, precision: u8) -> Self {
        let per_day = 86_400 * units_per_second(precision);
        Self {
            days: value.div_euclid(per_day),
            nanos: value.rem_euclid(per_day) * (NANOS_PER_SECOND / units_per_second(precision)),
        }
    }
    /// The count in the unit of `TIMESTAMP(precision)`, digits beyond the precision cut off; `None` where it overflows.
    #[inline]
    pub(crate) fn to_units(self, precision: u8) -> Option<i64> {
        if precision == 3 {
            return Some(self.days * 86_400_000 + self.nanos / 1_000_000);
        }
        let digit = 10i64.pow(9 - u32::from(precision.min(9)));
        let nanos = self.nanos - self.nanos % digit;
        let units = units_per_second(precision);
        self.days.checked_mul(86_400 * units)?.checked_add(nanos / (NANOS_PER_SECOND / units))
    }
}

/// Units a second in the Arrow type that holds `TIMESTAMP(precision)`.
pub(crate) fn units_per_second(precision: u8) -> i64 {
    match precision {
        0..=3 => 1_000,
        4..=6 => 1_000_000,
        _ => NANOS_PER_SECOND,
    }
}

/// Days since the epoch of a civil date (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The civil date of a day: (year, month, day).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_index + 2) / 5 + 1)
}

fn digits<const N: usize>(text: &[u8], at: usize) -> Option<i64> {
    let bytes: &[u8; N] = text.get(at..at + N)?.try_into().ok()?;
    bytes.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// `YYYY-MM-DD` at the front: the days and the rest.
fn date_prefix(text: &[u8]) -> Option<(i64, &[u8])> {
    let (year, month, day) = (digits::<4>(text, 0)?, digits::<2>(text, 5)?, digits::<2>(text, 8)?);
    if text[4] != b'-' || text[7] != b'-' || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day <= days_in_month).then(|| (days_from_civil(year, month, day), &text[10..]))
}

/// `HH:MM:SS` with up to nine digits of fraction at the front: nanoseconds of the day and the rest.
fn time_prefix(text: &[u8], seconds_required: bool) -> Option<(i64, &[u8])> {
    let (hour, minute) = (digits::<2>(text, 0)?, digits::<2>(text, 3)?);
    if text[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let minutes = (hour * 60 + minute) * 60 * NANOS_PER_SECOND;
    if text.get(5) != Some(&b':') {
        return (!seconds_required).then_some((minutes, &text[5..]));
    }
    let second = digits::<2>(text, 6)?;
    if second > 59 {
        return None;
    }
    let (fraction, rest) = fraction_prefix(&text[8..])?;
    Some((minutes + second * NANOS_PER_SECOND + fraction, rest))
}

/// `.` and up to nine digits at the front, or nothing: nanoseconds and the rest.
fn fraction_prefix(text: &[u8]) -> Option<(i64, &[u8])> {
    match text {
        [b'.', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let millis = i64::from(a - b'0') * 100 + i64::from(b - b'0') * 10 + i64::from(c - b'0');
            return Some((millis * 1_000_000, &[]));
        }
        [b'.', ..] => {}
        _ => return Some((0, text)),
    }
    let count = text[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if count > 9 {
        return None;
    }
    const UNITS: [i64; 10] = [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let fraction = text[1..=count].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some((fraction * UNITS[count], &text[1 + count..]))
}

/// `HH:MM:SS`, checked in one word: seconds of the day.
#[inline]
fn seconds_of_day(text: [u8; 8]) -> Option<i64> {
    const FORM: u64 = u64::from_le_bytes(*b"00:00:00");
    // Added to a byte, the high bit is set where a digit's place holds more than 9, a colon's place more than 0.
    const OVER: u64 = u64::from_le_bytes([0x76, 0x76, 0x7F, 0x76, 0x76, 0x7F, 0x76, 0x76]);
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let places = u64::from_le_bytes(text) ^ FORM;
    // High bits are looked at apart, so that no sum carries into the next byte.
    if (((places & !HIGH) + OVER) | places) & HIGH != 0 {
        return None;
    }
    let two = |at: u32| ((places >> (8 * at)) as i64 & 0xF) * 10 + ((places >> (8 * at + 8)) as i64 & 0xF);
    let (hour, minute, second) = (two(0), two(3), two(6));
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

/// A DATE: days since the epoch.
pub(crate) fn parse_date(text: &[u8]) -> Option<i32> {
    let (days, rest) = date_prefix(text)?;
    rest.is_empty().then(|| i32::try_from(days).ok())?
}

/// A TIME: milliseconds of the day, digits beyond the precision cut off.
pub(crate) fn parse_time(text: &[u8], precision: u8) -> Option<i32> {
    let (nanos, rest) = time_prefix(text, true)?;
    if !matches!(rest, b"" | b"Z") {
        return None;
    }
    let digit = 10i64.pow(9 - u32::from(precision.min(3)));
    i32::try_from((nanos - nanos % digit) / 1_000_000).ok()
}

/// The date that a column's last timestamp had: most have the same as the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KnownDate {
    /// `YYYY-MM-DD`; zeros, which are no date, before the first.
    text: [u8; 10],
    days: i64,
}

impl KnownDate {
    /// A TIMESTAMP, without a zone.
    #[inline]
    pub(crate) fn timestamp(&mut self, text: &[u8], format: TimestampFormat) -> Option<DateTime> {
        let (date_time, rest) = self.date_time_prefix(text, format)?;
        rest.is_empty().then_some(date_time)
    }

    /// A TIMESTAMP_LTZ: an instant, as its date and time in UTC. ISO-8601 may have an offset in place of the `Z`.
    pub(crate) fn instant(&mut self, text: &[u8], format: TimestampFormat) -> Option<DateTime> {
        let (local, rest) = self.date_time_prefix(text, format)?;
        if rest == b"Z" {
            return Some(local);
        }
        let sign = match rest.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        if format == TimestampFormat::Sql || rest.len() != 6 || rest[3] != b':' {
            return None;
        }
        let offset = sign * (digits::<2>(rest, 1)? * 60 + digits::<2>(rest, 4)?) * 60 * NANOS_PER_SECOND;
        let nanos = local.nanos - offset;
        Some(DateTime { days: local.days + nanos.div_euclid(NANOS_PER_DAY), nanos: nanos.rem_euclid(NANOS_PER_DAY) })
    }

    #[inline]
    fn date_time_prefix<'a>(&mut self, text: &'a [u8], format: TimestampFormat) -> Option<(DateTime, &'a [u8])> {
        let separator = if format == TimestampFormat::Sql { b' ' } else { b'T' };
        if let Some((head, rest)) = text.split_first_chunk::<11>()
            && let Some((time, rest)) = rest.split_first_chunk::<8>()
            && head[10] == separator
            && head[..10] == self.text
            && let Some(seconds) = seconds_of_day(*time)
        {
            let (fraction, rest) = fraction_prefix(rest)?;
            return Some((DateTime { days: self.days, nanos: seconds * NANOS_PER_SECOND + fraction }, rest));
        }
        let (days, rest) = date_prefix(text)?;
        self.text.copy_from_slice(&text[..10]);
        self.days = days;
        let (nanos, rest) = time_prefix(rest.strip_prefix(&[separator])?, format == TimestampFormat::Sql)?;
        Some((DateTime { days, nanos }, rest))
    }
}

/// A TIMESTAMP, without a zone.
pub(crate) fn parse_timestamp(text: &[u8], format: TimestampFormat) -> Option<DateTime> {
    KnownDate::default().timestamp(text, format)
}

/// A TIMESTAMP_LTZ, see [`KnownDate::instant`].
pub(crate) fn parse_instant(text: &[u8], format: TimestampFormat) -> Option<DateTime> {
    KnownDate::default().instant(text, format)
}

fn push_padded(out: &mut Vec<u8>, value: i64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    while rest > 0 || buffer.len() - at < width {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&buffer[at..]);
}

/// Writes a DATE.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_from_days(days);
    push_padded(out, year, 4);
    out.push(b'-');
    push_padded(out, month, 2);
    out.push(b'-');
    push_padded(out, day, 2);
}

/// How a time of day is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeStyle {
    /// Seconds always, as many digits of fraction as needed (Flink's formats).
    Seconds,
    /// As Java's `LocalTime.toString`: no seconds where they are zero, the fraction in threes.
    Java,
}

/// Writes a time of day in nanoseconds.
pub(crate) fn write_time(out: &mut Vec<u8>, nanos: i64, style: TimeStyle) {
    let seconds = nanos / NANOS_PER_SECOND;
    push_padded(out, seconds / 3_600, 2);
    out.push(b':');
    push_padded(out, seconds / 60 % 60, 2);
    let fraction = nanos % NANOS_PER_SECOND;
    if style == TimeStyle::Java && seconds % 60 == 0 && fraction == 0 {
        return;
    }
    out.push(b':');
    push_padded(out, seconds % 60, 2);
    if fraction == 0 {
        return;
    }
    let (mut value, mut width) = (fraction, 9);
    let group = if style == TimeStyle::Java { 1_000 } else { 10 };
    while value % group == 0 {
        value /= group;
        width -= if style == TimeStyle::Java { 3 } else { 1 };
    }
    out.push(b'.');
    push_padded(out, value, width);
}

/// Writes a date and time with `separator` between the two.
pub(crate) fn write_date_time(out: &mut Vec<u8>, value: DateTime, separator: u8, style: TimeStyle) {
    write_date(out, value.days);
    out.push(separator);
    write_time(out, value.nanos, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: DateTime, style: TimeStyle) -> String {
        let mut out = Vec::new();
        write_date_time(&mut out, value, b' ', style);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn civil_dates_round_trip() {
        for days in (-719_528..2_932_896).step_by(97) {
            let mut text = Vec::new();
            write_date(&mut text, days);
            assert_eq!(parse_date(&text), Some(days as i32), "{}", String::from_utf8_lossy(&text));
        }
        assert_eq!(parse_date(b"1970-01-01"), Some(0));
        assert_eq!(parse_date(b"2020-02-29"), Some(18_321));
        for bad in
            ["2021-02-29", "2021-13-01", "2021-00-01", "2021-01-00", "2021-1-1", "20210-01-01", "2021-01-01 ", ""]
        {
            assert_eq!(parse_date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_known_date_changes_nothing() {
        for good in
            ["2024-02-28T23:59:58", "2024-02-28T23:59:58.5", "2024-02-28T23:59:58.512", "2024-02-28T23:59:58.5123"]
        {
            let mut known = KnownDate::default();
            assert!(known.timestamp(good.as_bytes(), TimestampFormat::Iso8601).is_some());
            for at in 0..good.len() {
                for byte in 0..=255 {
                    let mut text = good.as_bytes().to_vec();
                    text[at] = byte;
                    let parts = date_prefix(&text).and_then(|(days, rest)| {
                        let (nanos, rest) = time_prefix(rest.strip_prefix(b"T")?, false)?;
                        Some((DateTime { days, nanos }, rest))
                    });
                    assert_eq!(known.clone().date_time_prefix(&text, TimestampFormat::Iso8601), parts, "{text:?}");
                }
            }
            let other = known.timestamp(b"2024-02-29T00:00:00", TimestampFormat::Iso8601);
            assert_eq!(other, parse_timestamp(b"2024-02-29T00:00:00", TimestampFormat::Iso8601));
        }
    }

    #[test]
    fn timestamps_round_trip_at_every_precision() {
        for (precision, value) in
            [(3, 1_577_836_800_123), (6, -1), (9, 1_577_836_800_123_456_789), (3, -62_167_219_200_000)]
        {
            let text = shown(DateTime::from_units(value, precision), TimeStyle::Seconds);
            let back = parse_timestamp(text.as_bytes(), TimestampFormat::Sql).unwrap();
            assert_eq!(back.to_units(precision), Some(value), "{text}");
        }
        let cut = parse_timestamp(b"2020-01-01 00:00:00.987654321", TimestampFormat::Sql).unwrap();
        assert_eq!(cut.to_units(0), Some(1_577_836_800_000));
        assert_eq!(cut.to_units(2), Some(1_577_836_800_980));
        assert_eq!(parse_timestamp(b"9999-01-01 00:00:00", TimestampFormat::Sql).unwrap().to_units(9), None);
    }

    #[test]
    fn formats_differ_as_in_flink() {
        let sql = TimestampFormat::Sql;
        let iso = TimestampFormat::Iso8601;
        assert!(parse_timestamp(b"2020-01-01T00:00:00", sql).is_none());
        assert!(parse_timestamp(b"2020-01-01 00:00", sql).is_none());
        assert!(parse_timestamp(b"2020-01-01T00:00", iso).is_some());
        assert!(parse_timestamp(b"2020-01-01 00:00:00", iso).is_none());
        assert!(parse_timestamp(b"2020-01-01 24:00:00", sql).is_none());
        assert!(parse_instant(b"2020-01-01 00:00:00", sql).is_none());
        assert!(parse_instant(b"2020-01-01 00:00:00.5Z", sql).is_some());
        assert_eq!(parse_instant(b"2020-01-01T00:30:00+01:00", iso), parse_instant(b"2019-12-31T23:30:00Z", iso));
    }

    #[test]
    fn java_style_drops_what_java_drops() {
        let at = |text: &str| parse_timestamp(text.as_bytes(), TimestampFormat::Sql).unwrap();
        assert_eq!(shown(at("2020-01-01 10:00:00"), TimeStyle::Java), "2020-01-01 10:00");
        assert_eq!(shown(at("2020-01-01 10:00:00.1"), TimeStyle::Java), "2020-01-01 10:00:00.100");
        assert_eq!(shown(at("2020-01-01 10:00:00.0001"), TimeStyle::Java), "2020-01-01 10:00:00.000100");
        assert_eq!(shown(at("2020-01-01 10:00:00.1"), TimeStyle::Seconds), "2020-01-01 10:00:00.1");
    }
}
