//! Java's date patterns: `yyyy-MM-dd HH:mm:ss.SSS`, for writing and reading.

use std::fmt::Write;

use super::Moment;
use crate::calendar::{civil, days_in_month, days_of, iso_weekday};

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

    /// Reads a text wholly; `None` where it does not fit.
    pub fn read(&self, text: &str) -> Option<Moment> {
        let (mut year, mut month, mut day, mut hour, mut minute, mut second, mut ns) = (1970, 1, 1, 0, 0, 0, 0);
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
                    month = found as i64 + 1;
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
                ns = format!("{number:0<9}").get(..9)?.parse().ok()?;
                continue;
            }
            let value: i64 = number.parse().ok()?;
            match letter {
                'y' | 'u' => year = if count == 2 && digits == 2 { 2000 + value } else { value },
                'M' | 'L' => month = value,
                'd' => day = value,
                'H' => hour = value,
                'h' => (hour, half) = (value % 12, true),
                'm' => minute = value,
                _ => second = value,
            }
        }
        if half && afternoon == Some(true) {
            hour += 12;
        }
        let legal = rest.is_empty()
            && (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        legal.then(|| Moment {
            days: days_of(year, month, day.min(days_in_month(year, month))),
            ns: ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + ns,
        })
    }
}
