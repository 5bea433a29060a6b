//! The options of CREATE FUNCTION … WITH (…): limits, deadline, what happens on an error, the pinned module.

use std::time::Duration;

use crate::error::{Error, Result, bytes_text, nearest};

/// The names that are known, for messages and completion.
pub const OPTION_NAMES: [&str; 4] = ["memory.max", "timeout", "on-error", "sha256"];

const MEMORY_BYTES_MAX_DEFAULT: u64 = 64 << 20;
/// What 32-bit addresses reach.
const MEMORY_BYTES_CEILING: u64 = 4 << 30;
const WASM_PAGE_BYTES: u64 = 64 << 10;
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);
const TIMEOUT_CEILING: Duration = Duration::from_secs(3600);

/// The settings of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionOptions {
    /// `'memory.max'`: what the guest's memories may take together, by instance; 64 MiB.
    pub memory_bytes_max: u64,
    /// `'timeout'`: how long one batch may take; 1 s. Ends within 10 ms more.
    pub timeout: Duration,
    /// `'on-error'`: what a row that traps or gives a wrong value becomes.
    pub on_error: OnError,
    /// `'sha256'`: the module's digest; another file is refused.
    pub sha256: Option<[u8; 32]>,
}

/// What happens to a row on which the function fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The job fails; the error names the row and its values.
    Fail,
    /// That row's result is NULL; the other rows of the batch keep theirs.
    Null,
}

impl Default for FunctionOptions {
    fn default() -> Self {
        Self {
            memory_bytes_max: MEMORY_BYTES_MAX_DEFAULT,
            timeout: TIMEOUT_DEFAULT,
            on_error: OnError::Fail,
            sha256: None,
        }
    }
}

impl FunctionOptions {
    /// Reads the WITH clause.
    ///
    /// # Errors
    /// An unknown option (with the nearest known one) or a value that does not fit; nothing is ignored.
    pub fn parse<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut parsed = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in options {
            if seen.contains(&key) {
                return Err(Error::new(format!("option '{key}' is given twice")));
            }
            seen.push(key);
            match key {
                "memory.max" => parsed.memory_bytes_max = memory(value)?,
                "timeout" => parsed.timeout = timeout(value)?,
                "on-error" => parsed.on_error = on_error(value)?,
                "sha256" => parsed.sha256 = Some(sha256(value)?),
                _ => {
                    let e = Error::new(format!("unknown option '{key}' of a Wasm function"));
                    return Err(match nearest(key, OPTION_NAMES) {
                        Some(known) => e.hint(format!("did you mean '{known}'?")),
                        None => e.hint(format!("the options are '{}'", OPTION_NAMES.join("', '"))),
                    });
                }
            }
        }
        Ok(parsed)
    }

    /// The settings as a WITH clause would write them, for SHOW FUNCTIONS.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("memory.max", bytes_text(self.memory_bytes_max)),
            ("timeout", format!("{} ms", self.timeout.as_millis())),
            (
                "on-error",
                match self.on_error {
                    OnError::Fail => "fail".to_owned(),
                    OnError::Null => "null".to_owned(),
                },
            ),
        ];
        if let Some(digest) = self.sha256 {
            all.push(("sha256", hex(&digest)));
        }
        all
    }
}

fn memory(value: &str) -> Result<u64> {
    let wrong = || {
        Error::new(format!("option 'memory.max' is '{value}', which is not a size"))
            .hint("write a whole number with a unit, such as '64MB'")
    };
    let (number, unit) = split_unit(value).ok_or_else(wrong)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1u64 << 30,
        _ => return Err(wrong()),
    };
    let bytes = number.checked_mul(factor).unwrap_or(u64::MAX);
    if !(WASM_PAGE_BYTES..=MEMORY_BYTES_CEILING).contains(&bytes) {
        return Err(Error::new(format!("option 'memory.max' is '{value}', outside 64 KB to 4 GB"))
            .detail("a Wasm memory has pages of 64 KB and 32-bit addresses"));
    }
    Ok(bytes)
}

fn timeout(value: &str) -> Result<Duration> {
    let wrong = || {
        Error::new(format!("option 'timeout' is '{value}', which is not a duration"))
            .hint("write a whole number with a unit, such as '500 ms', '1 s' or '1 min'")
    };
    let (number, unit) = split_unit(value).ok_or_else(wrong)?;
    let millis = match unit.to_ascii_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        _ => return Err(wrong()),
    };
    let timeout = Duration::from_millis(number.checked_mul(millis).unwrap_or(u64::MAX));
    if timeout.is_zero() || timeout > TIMEOUT_CEILING {
        return Err(Error::new(format!("option 'timeout' is '{value}', outside 1 ms to 1 h")));
    }
    Ok(timeout)
}

fn on_error(value: &str) -> Result<OnError> {
    match value.to_ascii_lowercase().as_str() {
        "fail" => Ok(OnError::Fail),
        "null" => Ok(OnError::Null),
        "skip" => Err(Error::new("option 'on-error' of a scalar function cannot be 'skip'")
            .detail("a scalar function gives one value for each row and cannot drop the row that it is called in")
            .hint("use 'on-error' = 'null', and drop the rows with WHERE f(…) IS NOT NULL")),
        other if other == "dead-letter" || other.starts_with("dead-letter:") => {
            Err(Error::new("option 'on-error' of a scalar function cannot be 'dead-letter'")
                .detail("a scalar function sees its arguments, not the row that would have to be kept")
                .hint("use 'on-error' = 'null', and INSERT the rows WHERE f(…) IS NULL into a table of their own"))
        }
        _ => {
            let e = Error::new(format!("option 'on-error' cannot be '{value}'"));
            Err(match nearest(value, ["fail", "null"]) {
                Some(known) => e.hint(format!("did you mean '{known}'?")),
                None => e.hint("it is 'fail' (the default) or 'null'"),
            })
        }
    }
}

fn sha256(value: &str) -> Result<[u8; 32]> {
    let wrong = || {
        Error::new(format!("option 'sha256' is '{value}', which is not a SHA-256 digest"))
            .hint("it is 64 hexadecimal digits, as sha256sum prints them")
    };
    let digits = value.as_bytes();
    if digits.len() != 64 {
        return Err(wrong());
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |d: u8| (d as char).to_digit(16).map(|d| d as u8);
        *byte = digit(pair[0]).zip(digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or_else(wrong)?;
    }
    Ok(digest)
}

/// `"64 MB"` → `(64, "MB")`.
fn split_unit(value: &str) -> Option<(u64, &str)> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    Some((number.parse().ok()?, unit.trim()))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> Result<FunctionOptions> {
        FunctionOptions::parse([(key, value)])
    }

    #[test]
    fn values() {
        assert_eq!(parse("memory.max", "16 MB").unwrap().memory_bytes_max, 16 << 20);
        assert_eq!(parse("timeout", "250ms").unwrap().timeout, Duration::from_millis(250));
        assert_eq!(parse("timeout", "2 min").unwrap().timeout, Duration::from_secs(120));
        assert_eq!(parse("on-error", "NULL").unwrap().on_error, OnError::Null);
        assert_eq!(parse("sha256", &"0f".repeat(32)).unwrap().sha256, Some([15; 32]));
    }

    #[test]
    fn refusals() {
        for (key, value, says) in [
            ("memory.max", "lots", "not a size"),
            ("memory.max", "1 KB", "outside 64 KB"),
            ("memory.max", "99999999999999999 GB", "outside"),
            ("timeout", "0", "outside"),
            ("timeout", "-1 s", "not a duration"),
            ("timeout", "5 fortnights", "not a duration"),
            ("on-error", "skip", "cannot be 'skip'"),
            ("on-error", "dead-letter:t", "cannot be 'dead-letter'"),
            ("on-error", "explode", "cannot be 'explode'"),
            ("sha256", "xyz", "not a SHA-256"),
            ("memory_max", "1MB", "unknown option 'memory_max'"),
        ] {
            let e = parse(key, value).unwrap_err();
            assert!(e.message.contains(says), "{key} = {value}: {e}");
        }
        assert_eq!(parse("memorymax", "1MB").unwrap_err().hint.unwrap(), "did you mean 'memory.max'?");
        assert!(FunctionOptions::parse([("timeout", "1s"), ("timeout", "2s")]).is_err());
    }
}
