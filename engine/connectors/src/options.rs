//! What options exist, and typed access to the ones a table has.

use std::time::Duration;

use wasmill_plan::{Error, Options, Table};

/// Something wrong with one option of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OptionError {
    /// The option's key, as the user wrote it; `connector` where the table as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl OptionError {
    pub(crate) fn new(key: &str, message: impl Into<String>) -> Self {
        Self { key: key.to_owned(), message: message.into(), hint: None }
    }
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<OptionError> for Error {
    fn from(e: OptionError) -> Self {
        Self::Query { message: e.message, hint: e.hint }
    }
}

/// What an option's value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptionKind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number, at least the given one.
    Integer(i64),
    /// A number, at least the given one.
    Number(f64),
    /// A length of time such as `500 ms`, `1 s`, `10 min`, `2 h`, `7 d`.
    Duration,
    /// A size such as `64 kb`, `16 mb`, `1 gb`.
    Size,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One character; `\t` and `\uXXXX` are understood.
    Character,
    /// `fail`, `skip` or `dead-letter:TABLE`.
    OnError,
}

/// An option that a connector or format has.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its key; `#` stands for a column's name.
    pub key: &'static str,
    /// What its value must be.
    pub kind: OptionKind,
    /// Whether it must be given.
    pub required: bool,
    /// What holds where it is not given.
    pub default: Option<&'static str>,
    /// One line of help.
    pub description: &'static str,
}

impl OptionSpec {
    pub(crate) const fn new(key: &'static str, kind: OptionKind, description: &'static str) -> Self {
        Self { key, kind, required: false, default: None, description }
    }
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    pub(crate) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }
    /// Whether a key is this option.
    pub fn matches(&self, key: &str) -> bool {
        match self.key.split_once('#') {
            None => self.key == key,
            Some((before, after)) => {
                key.len() > before.len() + after.len() && key.starts_with(before) && key.ends_with(after)
            }
        }
    }
    /// Checks a value.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check(&self, key: &str, value: &str) -> Result<(), OptionError> {
        let wrong = |allowed: String| {
            Err(OptionError::new(key, format!("'{value}' is not a value of option '{key}'")).hint(allowed))
        };
        match self.kind {
            OptionKind::Text => Ok(()),
            OptionKind::Boolean => match parse_boolean(value) {
                Some(_) => Ok(()),
                None => wrong("use 'true' or 'false'".into()),
            },
            OptionKind::Integer(min) => match value.trim().parse::<i64>() {
                Ok(n) if n >= min => Ok(()),
                _ => wrong(format!("use a whole number, at least {min}")),
            },
            OptionKind::Number(min) => match value.trim().parse::<f64>() {
                Ok(n) if n >= min && n.is_finite() => Ok(()),
                _ => wrong(format!("use a number, at least {min}")),
            },
            OptionKind::Duration => match parse_duration(value) {
                Some(_) => Ok(()),
                None => wrong("use a length of time such as '500 ms', '1 s', '10 min', '2 h' or '7 d'".into()),
            },
            OptionKind::Size => match parse_size(value) {
                Some(_) => Ok(()),
                None => wrong("use a size such as '64 kb', '16 mb' or '1 gb'".into()),
            },
            OptionKind::Choice(words) => match choice(words, value) {
                Some(_) => Ok(()),
                None => wrong(format!("use {}", list(words))),
            },
            OptionKind::Character => match parse_character(value) {
                Some(_) => Ok(()),
                None => wrong("use one character of ASCII".into()),
            },
            OptionKind::OnError => match value {
                "fail" | "skip" => Ok(()),
                _ if value.strip_prefix("dead-letter:").is_some_and(|t| !t.trim().is_empty()) => Ok(()),
                _ => wrong("use 'fail', 'skip' or 'dead-letter:TABLE'".into()),
            },
        }
    }
}

/// Typed access to a table's options, after they were checked; a missing one gives the default.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Options);

impl<'a> Reader<'a> {
    pub(crate) fn of(table: &'a Table) -> Self {
        Self(&table.options)
    }
    pub(crate) fn text(self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(String::as_str)
    }
    fn parsed<T>(self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, OptionError> {
        let Some(value) = self.text(key) else { return Ok(None) };
        match parse(value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(OptionError::new(key, format!("'{value}' is not a value of option '{key}'"))),
        }
    }
    pub(crate) fn boolean(self, key: &str, default: bool) -> Result<bool, OptionError> {
        Ok(self.parsed(key, parse_boolean)?.unwrap_or(default))
    }
    pub(crate) fn integer(self, key: &str) -> Result<Option<i64>, OptionError> {
        self.parsed(key, |v| v.trim().parse().ok())
    }
    pub(crate) fn number(self, key: &str) -> Result<Option<f64>, OptionError> {
        self.parsed(key, |v| v.trim().parse().ok())
    }
    pub(crate) fn duration(self, key: &str) -> Result<Option<Duration>, OptionError> {
        self.parsed(key, parse_duration)
    }
    pub(crate) fn size(self, key: &str) -> Result<Option<u64>, OptionError> {
        self.parsed(key, parse_size)
    }
    pub(crate) fn character(self, key: &str) -> Result<Option<u8>, OptionError> {
        self.parsed(key, parse_character)
    }
    pub(crate) fn choice(self, key: &str, words: &'static [&'static str]) -> Result<Option<&'static str>, OptionError> {
        self.parsed(key, |v| choice(words, v))
    }
}

fn choice(words: &'static [&'static str], value: &str) -> Option<&'static str> {
    words.iter().find(|w| w.eq_ignore_ascii_case(value.trim())).copied()
}

fn parse_boolean(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// A number and its unit.
fn with_unit(value: &str) -> Option<(u64, String)> {
    let value = value.trim();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    Some((value[..digits].parse().ok()?, value[digits..].trim().to_ascii_lowercase()))
}

/// As Flink's `TimeUtils`: milliseconds where there is no unit.
pub(crate) fn parse_duration(value: &str) -> Option<Duration> {
    let (number, unit) = with_unit(value)?;
    let nanos: u64 = match unit.as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1_000,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    };
    Some(Duration::from_nanos(number.checked_mul(nanos)?))
}

/// As Flink's `MemorySize`: bytes where there is no unit.
fn parse_size(value: &str) -> Option<u64> {
    let (number, unit) = with_unit(value)?;
    let shift = match unit.as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kib" | "kibibytes" => 10,
        "m" | "mb" | "mib" | "mebibytes" => 20,
        "g" | "gb" | "gib" | "gibibytes" => 30,
        "t" | "tb" | "tib" | "tebibytes" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

fn parse_character(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [byte] if byte.is_ascii() => Some(*byte),
        b"\\t" => Some(b'\t'),
        [b'\\', b'u' | b'U', digits @ ..] if digits.len() == 4 => {
            u8::from_str_radix(std::str::from_utf8(&digits[2..]).ok()?, 16)
                .ok()
                .filter(|b| b.is_ascii() && &digits[..2] == b"00")
        }
        _ => None,
    }
}

/// `'a', 'b' or 'c'`.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("'{w}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// The candidate that is most like `name`, if one is near.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (edit_distance(&lower, &c.to_lowercase()), c))
        // A name of one letter is near to none of another letter.
        .filter(|(distance, c)| *distance < c.chars().count().max(name.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, c)| *distance <= ((c.len().max(name.len()) + 1) / 3).max(1))
        .map(|(_, c)| c)
}

/// Insertions, deletions, replacements and swaps of neighbours that make `a` of `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_flink_reads_them() {
        assert_eq!(parse_duration("1 s"), Some(Duration::from_secs(1)));
        assert_eq!(parse_duration("10min"), Some(Duration::from_secs(600)));
        assert_eq!(parse_duration("250"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("soon"), None);
        assert_eq!(parse_size("64 mb"), Some(64 << 20));
        assert_eq!(parse_size("12 parsecs"), None);
        assert_eq!(parse_character("\\t"), Some(b'\t'));
        assert_eq!(parse_character("\\u0001"), Some(1));
        assert_eq!(parse_character("ab"), None);
    }

    #[test]
    fn a_wrong_value_says_what_is_allowed() {
        let spec = OptionSpec::new("a", OptionKind::Choice(&["x", "y", "z"]), "");
        let error = spec.check("a", "w").unwrap_err();
        assert_eq!(error.message, "'w' is not a value of option 'a'");
        assert_eq!(error.hint.unwrap(), "use 'x', 'y' or 'z'");
        assert!(OptionSpec::new("e", OptionKind::OnError, "").check("e", "dead-letter:").is_err());
    }

    #[test]
    fn patterns_need_a_name() {
        let spec = OptionSpec::new("fields.#.kind", OptionKind::Text, "");
        assert!(spec.matches("fields.a.kind") && spec.matches("fields.a.b.kind"));
        assert!(!spec.matches("fields..kind") && !spec.matches("fields.kind"));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("formt", ["format", "path"]), Some("format"));
        assert_eq!(nearest("pahts", ["format", "path"]), Some("path"));
        assert_eq!(nearest("zzzzzz", ["format", "path"]), None);
        assert_eq!(nearest("a", ["b", "aa"]), Some("aa"));
    }
}
