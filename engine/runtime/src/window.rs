//! Arithmetic of windows: which slices and windows a time belongs to, and when a window closes.
//!
//! Times are milliseconds. For TIMESTAMP_LTZ all windows are computed in the session zone's local time, as in Flink: `local`
//! times are what a clock on the wall shows, written as if it were UTC.
//!
//! ```text
//! HOP(slide 4, size 6): |--------- window [0, 6) ---------|
//!                                     |--------- window [4, 10) --------|
//!                slices |-----2-----|-----2-----|-----2-----|-----2-----|   each row is aggregated once, in its slice
//! ```

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;
use wasmill_plan::{Error, Result, WindowKind};

/// The largest time that windows are computed for: beyond it, sums of times and lengths could overflow.
const TIME_MAX_MS: i64 = i64::MAX / 8;

/// Checks that a row's time can be in a window.
///
/// # Errors
/// `Error::Data` where it is beyond all calendars.
pub(crate) fn check_time(time_ms: i64) -> Result<()> {
    if (-TIME_MAX_MS..=TIME_MAX_MS).contains(&time_ms) {
        return Ok(());
    }
    Err(Error::data(format!("the time attribute {time_ms} ms is out of range")))
}

/// The largest `k * size + offset` that is not above `time`.
fn floor(time: i64, size: i64, offset: i64) -> i64 {
    time - (time - offset).rem_euclid(size)
}

/// TUMBLE, HOP and CUMULATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Tumble { size: i64, offset: i64 },
    Hop { slide: i64, size: i64, slice: i64, offset: i64 },
    Cumulate { step: i64, max_size: i64, offset: i64 },
}

/// A range of time whose rows are in the same windows; times are local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// End of the first window that holds it; they follow each other by [`Shape::period`].
    pub(crate) first_window_end: i64,
    /// End of the last one; before the first where no window holds it (HOP with gaps).
    pub(crate) last_window_end: i64,
}

impl Shape {
    /// Of a window that is not a SESSION.
    ///
    /// # Errors
    /// `Error::Query` for SESSION, and for lengths that are not positive.
    pub(crate) fn new(kind: &WindowKind) -> Result<Self> {
        let shape = match *kind {
            WindowKind::Tumble { size_ms: size, offset_ms: offset } => Self::Tumble { size, offset },
            WindowKind::Hop { slide_ms: slide, size_ms: size, offset_ms: offset } => {
                Self::Hop { slide, size, slice: gcd(slide, size), offset }
            }
            WindowKind::Cumulate { step_ms: step, max_size_ms: max_size, offset_ms: offset } => {
                Self::Cumulate { step, max_size, offset }
            }
            WindowKind::Session { .. } => return Err(Error::query("a session is not made of slices")),
        };
        let lengths = match shape {
            Self::Tumble { size, .. } => [size, size],
            Self::Hop { slide, size, .. } => [slide, size],
            Self::Cumulate { step, max_size, .. } => [step, max_size],
        };
        if lengths.iter().any(|l| !(1..=TIME_MAX_MS).contains(l)) {
            return Err(Error::query("the lengths of a window must be positive"));
        }
        match shape {
            Self::Cumulate { step, max_size, .. } if max_size % step != 0 => {
                Err(Error::query("the largest size of CUMULATE must be a multiple of its step"))
            }
            _ => Ok(shape),
        }
    }

    /// The slice of a time.
    pub(crate) fn slice(&self, time: i64) -> Slice {
        match *self {
            Self::Tumble { size, offset } => {
                let start = floor(time, size, offset);
                Slice { start, end: start + size, first_window_end: start + size, last_window_end: start + size }
            }
            Self::Hop { slide, size, slice, offset } => {
                let start = floor(time, slice, offset);
                let end = start + slice;
                // The first window starts after `end - size - 1`, the last one at or before `start`.
                let first = floor(end - size - 1, slide, offset) + slide;
                let last = floor(start, slide, offset);
                Slice { start, end, first_window_end: first + size, last_window_end: last + size }
            }
            Self::Cumulate { step, max_size, offset } => {
                let base = floor(time, max_size, offset);
                let end = floor(time, step, base) + step;
                Slice { start: end - step, end, first_window_end: end, last_window_end: base + max_size }
            }
        }
    }

    /// From the end of a window that holds a slice to the end of the next one.
    pub(crate) fn period(&self) -> i64 {
        match *self {
            Self::Tumble { size, .. } => size,
            Self::Hop { slide, .. } => slide,
            Self::Cumulate { step, .. } => step,
        }
    }

    /// The start of the window that ends at `end`.
    pub(crate) fn window_start(&self, end: i64) -> i64 {
        match *self {
            Self::Tumble { size, .. } | Self::Hop { size, .. } => end - size,
            Self::Cumulate { max_size, offset, .. } => floor(end - 1, max_size, offset),
        }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

/// How long the offset of a zone is looked up for at once: no zone changes twice in it.
const BUCKET_MS: i64 = 15 * 60 * 1000;

/// Instants to local times of a zone, and back; `None` is UTC.
pub(crate) struct LocalTime {
    zone: Option<Tz>,
    /// The bucket looked up last, and its offset.
    bucket: Option<(i64, i64)>,
}

impl LocalTime {
    /// Of an IANA name.
    ///
    /// # Errors
    /// `Error::Query` where there is no such zone.
    pub(crate) fn new(zone: Option<&str>) -> Result<Self> {
        let zone = match zone {
            None => None,
            Some(name) => match name.parse::<Tz>() {
                Ok(Tz::UTC) => None,
                Ok(zone) => Some(zone),
                Err(_) => return Err(Error::query(format!("there is no time zone '{name}'"))),
            },
        };
        Ok(Self { zone, bucket: None })
    }

    /// The local time of an instant.
    #[inline]
    pub(crate) fn local(&mut self, instant: i64) -> i64 {
        match self.zone {
            None => instant,
            Some(zone) => self.local_in(zone, instant),
        }
    }

    fn local_in(&mut self, zone: Tz, instant: i64) -> i64 {
        let bucket = instant.div_euclid(BUCKET_MS);
        if let Some((of, offset)) = self.bucket
            && of == bucket
        {
            return instant + offset;
        }
        let offset = offset_at(zone, instant);
        let (first, last) = (offset_at(zone, bucket * BUCKET_MS), offset_at(zone, (bucket + 1) * BUCKET_MS - 1));
        self.bucket = (first == last).then_some((bucket, offset));
        instant + offset
    }

    /// The instant of a local time, as Java's `LocalDateTime.atZone`: of two the earlier one; a local time that is skipped is
    /// as much later as the clock was put forward.
    pub(crate) fn instant(&self, local: i64) -> i64 {
        let Some(zone) = self.zone else { return local };
        let Some(naive) = naive(local) else { return local };
        match zone.offset_from_local_datetime(&naive) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
                local - i64::from(offset.fix().local_minus_utc()) * 1000
            }
            MappedLocalTime::None => {
                const FOUR_HOURS_MS: i64 = 4 * 3_600_000;
                self.instant(local - FOUR_HOURS_MS) + FOUR_HOURS_MS
            }
        }
    }

    /// The watermark at which a window that ends at the local time `end` is complete: the instant of its last millisecond.
    /// Of two such instants the later one; where the hour is skipped, the instant at which it is.
    pub(crate) fn closing(&self, end: i64) -> i64 {
        const HOUR_MS: i64 = 3_600_000;
        let last = end - 1;
        if self.zone.is_none() {
            return last;
        }
        let (at, hour_later) = (self.instant(last), self.instant(last + HOUR_MS));
        if hour_later - at > HOUR_MS {
            at + HOUR_MS
        } else if hour_later == at {
            at - at.rem_euclid(HOUR_MS)
        } else {
            at
        }
    }
}

fn naive(ms: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp_millis(ms).map(|t| t.naive_utc())
}

fn offset_at(zone: Tz, instant: i64) -> i64 {
    naive(instant).map_or(0, |t| i64::from(zone.offset_from_utc_datetime(&t).fix().local_minus_utc()) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: WindowKind) -> Shape {
        Shape::new(&kind).unwrap()
    }

    /// All windows of the shape that hold `time`, by definition: starts are tried one by one.
    fn windows_by_definition(kind: &WindowKind, time: i64) -> Vec<(i64, i64)> {
        let mut windows = Vec::new();
        match *kind {
            WindowKind::Tumble { size_ms, offset_ms } => {
                for k in -100..100 {
                    windows.push((k * size_ms + offset_ms, (k + 1) * size_ms + offset_ms));
                }
            }
            WindowKind::Hop { slide_ms, size_ms, offset_ms } => {
                for k in -100..100 {
                    windows.push((k * slide_ms + offset_ms, k * slide_ms + offset_ms + size_ms));
                }
            }
            WindowKind::Cumulate { step_ms, max_size_ms, offset_ms } => {
                for k in -100..100 {
                    let start = k * max_size_ms + offset_ms;
                    windows.extend((1..=max_size_ms / step_ms).map(|n| (start, start + n * step_ms)));
                }
            }
            WindowKind::Session { .. } => unreachable!(),
        }
        windows.retain(|(start, end)| *start <= time && time < *end);
        windows
    }

    #[test]
    fn slices_lead_to_the_windows_of_the_definition() {
        for kind in [
            WindowKind::Tumble { size_ms: 5, offset_ms: 0 },
            WindowKind::Tumble { size_ms: 5, offset_ms: -7 },
            WindowKind::Hop { slide_ms: 4, size_ms: 6, offset_ms: 1 },
            WindowKind::Hop { slide_ms: 3, size_ms: 9, offset_ms: -2 },
            WindowKind::Hop { slide_ms: 5, size_ms: 3, offset_ms: 0 },
            WindowKind::Hop { slide_ms: 5, size_ms: 7, offset_ms: 2 },
            WindowKind::Cumulate { step_ms: 2, max_size_ms: 8, offset_ms: 3 },
            WindowKind::Cumulate { step_ms: 3, max_size_ms: 3, offset_ms: 0 },
        ] {
            let shape = shape(kind.clone());
            for time in -60..60 {
                let slice = shape.slice(time);
                assert!(slice.start <= time && time < slice.end, "{kind:?} {time}");
                let mut windows = Vec::new();
                let mut end = slice.first_window_end;
                while end <= slice.last_window_end {
                    windows.push((shape.window_start(end), end));
                    end += shape.period();
                }
                assert_eq!(windows, windows_by_definition(&kind, time), "{kind:?} {time}");
                // A whole slice is in the same windows.
                assert_eq!(shape.slice(slice.start), slice);
                assert_eq!(shape.slice(slice.end - 1), slice);
            }
        }
    }

    #[test]
    fn lengths_are_checked() {
        assert!(Shape::new(&WindowKind::Tumble { size_ms: 0, offset_ms: 0 }).is_err());
        assert!(Shape::new(&WindowKind::Cumulate { step_ms: 3, max_size_ms: 10, offset_ms: 0 }).is_err());
    }

    fn ms(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp_millis()
    }

    #[test]
    fn local_times_follow_the_zone() {
        let mut berlin = LocalTime::new(Some("Europe/Berlin")).unwrap();
        assert_eq!(berlin.local(ms("2024-07-01 10:00:00")), ms("2024-07-01 12:00:00"));
        assert_eq!(berlin.local(ms("2024-03-31 00:59:59")), ms("2024-03-31 01:59:59"));
        assert_eq!(berlin.local(ms("2024-03-31 01:00:00")), ms("2024-03-31 03:00:00"));
        assert_eq!(berlin.local(ms("2024-03-31 00:59:59")), ms("2024-03-31 01:59:59"));
        // Skipped: 02:30 is 03:30. Twice there: the first.
        assert_eq!(berlin.instant(ms("2024-03-31 02:30:00")), ms("2024-03-31 01:30:00"));
        assert_eq!(berlin.instant(ms("2024-10-27 02:30:00")), ms("2024-10-27 00:30:00"));
        assert_eq!(LocalTime::new(None).unwrap().local(5), 5);
        assert!(LocalTime::new(Some("Mars/Olympus")).is_err());
    }

    #[test]
    fn windows_close_at_the_later_of_two_instants() {
        let berlin = LocalTime::new(Some("Europe/Berlin")).unwrap();
        assert_eq!(berlin.closing(ms("2024-07-01 12:00:00")), ms("2024-07-01 10:00:00") - 1);
        assert_eq!(berlin.closing(ms("2024-10-27 03:00:00")), ms("2024-10-27 02:00:00") - 1);
        // The hour [02:00, 03:00) is skipped.
        assert_eq!(berlin.closing(ms("2024-03-31 03:00:00")), ms("2024-03-31 01:00:00"));
    }
}
