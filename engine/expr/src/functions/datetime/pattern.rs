//! Java's date patterns: `yyyy-MM-dd HH:mm:ss.SSS`, for writing and reading.

use std::fmt::Write;

use super::Moment;
use crate::calendar::{DAY_MS, civil, days_in_month, days_of, iso_weekday};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// A letter and how often it stands.
    Field(char, usize),
    Text(String),
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Pattern {
    /// `None` for a letter that has no meaning here.
    pub fn new(text: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    let mut quoted = String::new();
                    loop {
                        match chars.next() {
                            Some('\'') if chars.peek() == Some(&'\'') => {
                                chars.next();
                                quoted.push('\'');
                            }
                            Some('\'') => break,
                            Some(other) => quoted.push(other),
                            None => return None,
                        }
                    }
                    parts.push(Part::Text(if quoted.is_empty() { "'".to_owned() } else { quoted }));
                }
                'y' | 'u' | 'M' | 'L' | 'd' | 'H' | 'h' | 'm' | 's' | 'S' | 'a' | 'E' | 'D' | 'k' => {
                    let mut count = 1;
                    while chars.peek() == Some(&c) {
                        chars.next();
                        count += 1;
                    }
                    parts.push(Part::Field(c, count));
                }
                c if c.is_ascii_alphabetic() => return None,
                c => parts.push(Part::Text(c.to_string())),
            }
        }
        Some(Self(parts))
    }

    /// Writes a moment.
    pub fn write(&self, moment: Moment, out: &mut String) {
        let (year, month, day) = civil(moment.days);
        let seconds = moment.ns / 1_000_000_000;
        let hour = seconds / 3600;
        for part in &self.0 {
            let (letter, count) = match part {
                Part::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::Field(letter, count) => (*letter, *count),
            };
            let number = match letter {
                'y' | 'u' if count == 2 => year.rem_euclid(100),
                'y' | 'u' => year,
                'M' | 'L' if count >= 3 => {
                    let name = MONTHS[month as usize - 1];
                    out.push_str(if count == 3 { &name[..3] } else { name });
                    continue;
                }
                'M' | 'L' => month,
                'd' => day,
                'D' => moment.days - days_of(year, 1, 1) + 1,
                'H' => hour,
                'k' => {
                    if hour == 0 {
                        24
                    } else {
                        hour
                    }
                }
                'h' => (hour + 11) % 12 + 1,
                'm' => seconds / 60 % 60,
                's' => seconds % 60,
                'S' => {
                    let digits = format!("{:09}", moment.ns % 1_000_000_000);
                    out.push_str(&digits[..count.min(9)]);
                    continue;
                }
                'a' => {
                    out.push_str(if hour < 12 { "AM" } else { "PM" });
                    continue;
                }
                _ => {
                    let name = DAYS[iso_weekday(moment.days) as usize - 1];
                    out.push_str(if count <= 3 { &name[..3] } else { name });
                    continue;
                }
            };
            // Writing to a String cannot fail.
            let _ = write!(out, "{number:0count$}");
        }
    }

    /// Reads a text wholly; `None` where it does not fit (Java's `DateTimeFormatter`; a day that its month does not have is its
    /// last one).
    pub fn read(&self, text: &str) -> Option<Moment> {
        let (f, rest) = self.fields(text)?;
        let legal = rest.is_empty()
            && (0..=9999).contains(&f.year)
            && (1..=12).contains(&f.month)
            && (1..=31).contains(&f.day)
            && f.hour < 24
            && f.minute < 60
            && f.second < 60;
        legal.then(|| Moment {
            days: days_of(f.year, f.month, f.day.min(days_in_month(f.year, f.month))),
            ns: ((f.hour * 60 + f.minute) * 60 + f.second) * 1_000_000_000 + f.fraction_ns(),
        })
    }

    /// Reads what stands at the beginning of a text; what is too large goes over into the next field (Java's
    /// `SimpleDateFormat`, which UNIX_TIMESTAMP, CONVERT_TZ and DATE_FORMAT of a text use).
    pub fn read_leniently(&self, text: &str) -> Option<Moment> {
        let (f, _) = self.fields(text)?;
        let months = f.year * 12 + f.month - 1;
        let day = days_of(months.div_euclid(12), months.rem_euclid(12) + 1, 1) + f.day - 1;
        // Its fraction is a count of milliseconds.
        let ms = ((f.hour * 60 + f.minute) * 60 + f.second) * 1_000 + f.fraction.parse::<i64>().unwrap_or(0);
        Some(Moment { days: day + ms.div_euclid(DAY_MS), ns: ms.rem_euclid(DAY_MS) * 1_000_000 })
    }

    /// The numbers of a text, and what is left of it.
    fn fields<'t>(&self, text: &'t str) -> Option<(Fields<'t>, &'t str)> {
        let mut f = Fields { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, fraction: "" };
        let (mut afternoon, mut half) = (None, false);
        let mut rest = text;
        for (at, part) in self.0.iter().enumerate() {
            let (letter, count) = match part {
                Part::Text(expected) => {
                    rest = rest.strip_prefix(expected.as_str())?;
                    continue;
                }
                Part::Field(letter, count) => (*letter, *count),
            };
            match letter {
                'a' => {
                    afternoon = Some(rest.get(..2)?.eq_ignore_ascii_case("PM"));
                    rest = &rest[2..];
                    continue;
                }
                'M' | 'L' if count >= 3 => {
                    let found = MONTHS.iter().position(|m| rest.starts_with(if count == 3 { &m[..3] } else { m }))?;
                    rest = &rest[if count == 3 { 3 } else { MONTHS[found].len() }..];
                    f.month = found as i64 + 1;
                    continue;
                }
                'E' | 'D' | 'k' => return None,
                _ => {}
            }
            // A number runs over as many digits as there are, but for another number right behind it.
            let adjacent = matches!(self.0.get(at + 1), Some(Part::Field(..)));
            let most = if adjacent { count } else { usize::MAX };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count().min(most);
            let (number, tail) = (rest.get(..digits)?, &rest[digits..]);
            rest = tail;
            if letter == 'S' {
                f.fraction = Some(number).filter(|number| !number.is_empty())?;
                continue;
            }
            let value: i64 = number.parse().ok().filter(|value| *value <= i64::from(i32::MAX))?;
            match letter {
                'y' | 'u' => f.year = if count == 2 && digits == 2 { 2000 + value } else { value },
                'M' | 'L' => f.month = value,
                'd' => f.day = value,
                'H' => f.hour = value,
                'h' => (f.hour, half) = (value % 12, true),
                'm' => f.minute = value,
                _ => f.second = value,
            }
        }
        if half && afternoon == Some(true) {
            f.hour += 12;
        }
        Some((f, rest))
    }
}

/// What a text says, field by field.
struct Fields<'t> {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    /// The digits of the second's fraction.
    fraction: &'t str,
}

impl Fields<'_> {
    fn fraction_ns(&self) -> i64 {
        let digits = self.fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
        digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
    }
}
