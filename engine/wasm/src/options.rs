//! The options of CREATE FUNCTION … WITH (…): limits, deadline, what happens on an error, the pinned module.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result, bytes_text, nearest};
use crate::signature::Kind;

/// The names that are known, for messages and completion.
pub const OPTION_NAMES: [&str; 5] = ["memory.max", "timeout", "on-error", "sha256", "artifact"];

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
    /// `'artifact'`, of models only: the file that the model is loaded from.
    pub artifact: Option<PathBuf>,
    /// `'state.<field>.ttl'`, of process functions only: how long a field is kept after it was written last.
    pub state_ttls: Vec<(String, Duration)>,
}

/// What happens to a row on which the function fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The job fails; the error names the row and its values.
    Fail,
    /// That row's result is NULL; the other rows of the batch keep theirs.
    Null,
    /// That row is left out: of the group, or of a table function's rows.
    Skip,
}

impl Default for FunctionOptions {
    fn default() -> Self {
        Self {
            memory_bytes_max: MEMORY_BYTES_MAX_DEFAULT,
            timeout: TIMEOUT_DEFAULT,
            on_error: OnError::Fail,
            sha256: None,
            artifact: None,
            state_ttls: Vec::new(),
        }
    }
}

impl FunctionOptions {
    /// Reads the WITH clause.
    ///
    /// # Errors
    /// An unknown option (with the nearest known one) or a value that does not fit; nothing is ignored.
    pub fn parse<'a>(kind: Kind, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut parsed = Self::default();
        let what = if kind == Kind::Model { "model" } else { "function" };
        let known = if kind == Kind::Model { &OPTION_NAMES[..] } else { &OPTION_NAMES[..4] };
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in options {
            if seen.contains(&key) {
                return Err(Error::new(format!("option '{key}' is given twice")));
            }
            seen.push(key);
            match key {
                "memory.max" => parsed.memory_bytes_max = memory(value)?,
                "timeout" => parsed.timeout = timeout(value)?,
                "on-error" => parsed.on_error = on_error(kind, value)?,
                "sha256" => parsed.sha256 = Some(sha256(value)?),
                "artifact" if kind == Kind::Model => parsed.artifact = Some(PathBuf::from(value)),
                "artifact" => {
                    return Err(Error::new(format!("option 'artifact' is for models, not for {}", kind.text()))
                        .hint("CREATE MODEL m INPUT (…) OUTPUT (…) LANGUAGE WASM USING FILE … WITH ('artifact' = …)"));
                }
                _ if kind == Kind::Process && state_field(key).is_some() => {
                    let field = state_field(key).expect("asked before").to_owned();
                    let ttl = duration(key, value)?;
                    if ttl.is_zero() || i64::try_from(ttl.as_millis()).is_err() {
                        return Err(Error::new(format!("option '{key}' is '{value}', not a time from 1 ms on")));
                    }
                    parsed.state_ttls.push((field, ttl));
                }
                _ => {
                    let e = Error::new(format!("unknown option '{key}' of a Wasm {what}"));
                    return Err(match nearest(key, known.iter().copied()) {
                        Some(known) => e.hint(format!("did you mean '{known}'?")),
                        None => e.hint(format!("the options are '{}'", known.join("', '"))),
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
                    OnError::Skip => "skip".to_owned(),
                },
            ),
        ];
        if let Some(artifact) = &self.artifact {
            all.push(("artifact", artifact.display().to_string()));
        }
        if !self.state_ttls.is_empty() {
            let ttls = self.state_ttls.iter().map(|(field, ttl)| format!("{field} {} ms", ttl.as_millis()));
            all.push(("state.ttl", ttls.collect::<Vec<_>>().join(", ")));
        }
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

/// The field whose time to live an option gives: `state.<field>.ttl`.
fn state_field(key: &str) -> Option<&str> {
    key.strip_prefix("state.")?.strip_suffix(".ttl").filter(|field| !field.is_empty())
}

fn timeout(value: &str) -> Result<Duration> {
    let timeout = duration("timeout", value)?;
    if timeout.is_zero() || timeout > TIMEOUT_CEILING {
        return Err(Error::new(format!("option 'timeout' is '{value}', outside 1 ms to 1 h")));
    }
    Ok(timeout)
}

fn duration(key: &str, value: &str) -> Result<Duration> {
    let wrong = || {
        Error::new(format!("option '{key}' is '{value}', which is not a duration"))
            .hint("write a whole number with a unit, such as '500 ms', '1 s' or '1 min'")
    };
    let (number, unit) = split_unit(value).ok_or_else(wrong)?;
    let millis = match unit.to_ascii_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(number.checked_mul(millis).unwrap_or(u64::MAX)))
}

fn on_error(kind: Kind, value: &str) -> Result<OnError> {
    let lower = value.to_ascii_lowercase();
    let one_value = matches!(kind, Kind::Scalar | Kind::Model);
    match lower.as_str() {
        "fail" => return Ok(OnError::Fail),
        "null" if one_value => return Ok(OnError::Null),
        "skip" if !one_value => return Ok(OnError::Skip),
        _ => {}
    }
    let cannot = |value: &str| Error::new(format!("option 'on-error' of {} cannot be '{value}'", kind.text()));
    let (skip, dead_letter) = (lower == "skip", lower == "dead-letter" || lower.starts_with("dead-letter:"));
    match (one_value, skip, dead_letter) {
        (true, true, _) => Err(cannot("skip")
            .detail(format!(
                "{} gives one value for each row and cannot drop the row that it is called in",
                kind.text()
            ))
            .hint("use 'on-error' = 'null', and drop the rows with WHERE … IS NOT NULL")),
        (true, _, true) => Err(cannot("dead-letter")
            .detail(format!("{} sees its arguments, not the row that would have to be kept", kind.text()))
            .hint("use 'on-error' = 'null', and INSERT the rows WHERE … IS NULL into a table of their own")),
        (false, _, true) => Err(cannot("dead-letter").hint("use 'fail' or 'skip'; rows left out are counted")),
        (false, ..) if lower == "null" => Err(cannot("null").hint("use 'skip', which leaves the row out")),
        _ => {
            let known = if one_value { ["fail", "null"] } else { ["fail", "skip"] };
            let e = Error::new(format!("option 'on-error' cannot be '{value}'"));
            Err(match nearest(value, known) {
                Some(known) => e.hint(format!("did you mean '{known}'?")),
                None => e.hint(format!("it is 'fail' (the default) or '{}'", known[1])),
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
pub fn hex(bytes: &[u8]) -> String {
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
        FunctionOptions::parse(Kind::Scalar, [(key, value)])
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
        assert!(FunctionOptions::parse(Kind::Scalar, [("timeout", "1s"), ("timeout", "2s")]).is_err());
    }
}
