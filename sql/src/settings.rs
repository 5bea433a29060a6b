//! The session's settings: `SET 'key' = 'value'`, under Flink's keys where Flink has them.

use std::collections::BTreeMap;

use crate::error::{QueryError, Result};

/// The settings that were set; the others have their defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, String>,
}

/// A key that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As in SET.
    pub name: &'static str,
    /// The value where it is not set.
    pub default: &'static str,
    /// What it does, one line.
    pub help: &'static str,
    /// Checks a value and gives it in its normal spelling, or what a value must be.
    check: fn(&str) -> Result<String, &'static str>,
}

/// Every key, by name.
pub const KEYS: &[Key] = &[
    Key {
        name: "execution.checkpointing.interval",
        default: "0 ms",
        help: "time between checkpoints; 0: none",
        check: duration,
    },
    Key { name: "execution.runtime-mode", default: "streaming", help: "always streaming", check: streaming },
    Key { name: "parallelism.default", default: "1", help: "instances of each operator", check: parallelism },
    Key {
        name: "pipeline.auto-watermark-interval",
        default: "200 ms",
        help: "a watermark rises inside a batch as soon as it would rise by more than this",
        check: duration,
    },
    Key { name: "pipeline.name", default: "", help: "the job's name in messages", check: text },
    Key {
        name: "sql-client.execution.max-table-result.rows",
        default: "1000000",
        help: "rows that the shell keeps of a SELECT shown as a table",
        check: positive,
    },
    Key {
        name: "sql-client.execution.result-mode",
        default: "table",
        help: "how the shell shows a SELECT: 'table' updates in place, 'changelog' and 'tableau' show each change",
        check: result_mode,
    },
    Key {
        name: "table.dml-sync",
        default: "true",
        help: "'false': INSERT and STATEMENT SET run in the background; SHOW JOBS, STOP JOB",
        check: boolean,
    },
    Key {
        name: "table.exec.source.idle-timeout",
        default: "5 s",
        help: "an input that gives no row for so long no longer holds the watermark back; 0: never",
        check: duration,
    },
    Key {
        name: "table.local-time-zone",
        default: "UTC",
        help: "the zone in which TIMESTAMP_LTZ is shown and windows align",
        check: time_zone,
    },
];

/// Keys of Flink that change nothing about results here, and why; setting them is answered with the reason.
const NO_EFFECT: &[(&str, &str)] = &[
    ("execution.checkpointing.mode", "checkpoints are always exactly-once"),
    ("sql-client.verbose", "errors are always shown whole"),
    ("sql-client.execution.mode", "always streaming"),
    ("table.dynamic-table-options.enabled", "the OPTIONS hint is not supported"),
    ("table.exec.mini-batch.", "rows are always processed in batches, without added latency"),
    ("table.optimizer.", "the planner chooses by itself"),
    ("pipeline.object-reuse", "columns are always shared"),
    ("pipeline.operator-chaining", "operators are always chained"),
];

/// Keys of Flink that would change results or promises and cannot be kept, and what to use instead.
const REFUSED: &[(&str, &str)] = &[
    ("table.exec.state.ttl", "state of unbounded keys does not expire yet; use a window"),
    (
        "table.exec.sink.",
        "this check of rows before the sink is not built; state it in the query, for example with COALESCE",
    ),
    (
        "table.exec.window-",
        "early and late firing is written in the query: EMIT ON ARRIVAL, ALLOW LATENESS INTERVAL '…' MINUTE",
    ),
    (
        "table.exec.emit.",
        "early and late firing is written in the query: EMIT ON ARRIVAL, ALLOW LATENESS INTERVAL '…' MINUTE",
    ),
    ("table.sql-dialect", "the dialect is Flink's default dialect"),
    ("state.", "state is kept in memory"),
    ("restart-strategy", "a failed job is not restarted"),
    ("execution.savepoint.", "savepoints are not built yet"),
    ("python.", "functions are WebAssembly modules: CREATE FUNCTION … LANGUAGE WASM USING FILE 'f.wasm'"),
    ("pipeline.jars", "functions are WebAssembly modules: CREATE FUNCTION … LANGUAGE WASM USING FILE 'f.wasm'"),
    ("taskmanager.", "there is one process"),
    ("jobmanager.", "there is one process"),
    ("rest.", "there is one process"),
];

/// The same under another name.
const ALIASES: &[(&str, &str)] = &[("table.exec.resource.default-parallelism", "parallelism.default")];

impl Settings {
    /// Sets `key`; gives a note for the user where the key has no effect here.
    ///
    /// # Errors
    /// An unknown key, with the nearest known one; a value that is not one of the key's; a key whose promise cannot be kept.
    pub fn set(&mut self, key: &str, value: &str) -> Result<Option<String>> {
        let name = canonical(key);
        if let Some(known) = KEYS.iter().find(|k| k.name == name) {
            let value = (known.check)(value.trim())
                .map_err(|expected| QueryError::new(format!("'{key}' cannot be '{value}'")).with_hint(expected))?;
            self.values.insert(known.name, value);
            return Ok(None);
        }
        if let Some((_, why)) = NO_EFFECT.iter().find(|(k, _)| matches(k, key)) {
            return Ok(Some(format!("'{key}' has no effect here: {why}")));
        }
        if let Some((_, why)) = REFUSED.iter().find(|(k, _)| matches(k, key)) {
            return Err(QueryError::new(format!("'{key}' is not supported")).with_hint(*why));
        }
        Err(unknown(key))
    }
    /// Sets `key` back to its default.
    ///
    /// # Errors
    /// An unknown key, with the nearest known one.
    pub fn reset(&mut self, key: &str) -> Result<()> {
        let name = canonical(key);
        if !KEYS.iter().any(|k| k.name == name) {
            return Err(unknown(key));
        }
        self.values.remove(name);
        Ok(())
    }
    /// Sets everything back to its default.
    pub fn reset_all(&mut self) {
        self.values.clear();
    }
    /// The value of a known key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let known = KEYS.iter().find(|k| k.name == canonical(key))?;
        Some(self.values.get(known.name).map_or(known.default, String::as_str))
    }
    /// The settings that differ from the defaults.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(k, v)| (*k, v.as_str()))
    }
    /// `table.local-time-zone`: an IANA name.
    pub fn time_zone(&self) -> &str {
        self.known("table.local-time-zone")
    }
    /// The same, ready for use.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone().parse().unwrap_or(chrono_tz::UTC)
    }
    /// `parallelism.default`, at least 1.
    pub fn parallelism(&self) -> usize {
        self.known("parallelism.default").parse().unwrap_or(1)
    }
    /// `pipeline.auto-watermark-interval`.
    pub fn watermark_interval_ms(&self) -> i64 {
        parse_duration_ms(self.known("pipeline.auto-watermark-interval")).unwrap_or(200)
    }
    /// `table.exec.source.idle-timeout`; `None`: never.
    pub fn idle_timeout_ms(&self) -> Option<i64> {
        parse_duration_ms(self.known("table.exec.source.idle-timeout")).filter(|ms| *ms > 0)
    }
    /// `execution.checkpointing.interval`; `None`: no checkpoints.
    pub fn checkpoint_interval_ms(&self) -> Option<i64> {
        parse_duration_ms(self.known("execution.checkpointing.interval")).filter(|ms| *ms > 0)
    }
    /// `table.dml-sync`: whether a statement that writes waits for its job.
    pub fn dml_sync(&self) -> bool {
        self.known("table.dml-sync") == "true"
    }
    fn known(&self, key: &'static str) -> &str {
        self.get(key).expect("a key of KEYS")
    }
}

fn canonical(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| *name)
}

/// A pattern that ends in a dot or a dash stands for all keys that begin so.
fn matches(pattern: &str, key: &str) -> bool {
    let open = pattern.ends_with(['.', '-']) || pattern == "restart-strategy";
    pattern == key || open && key.starts_with(pattern)
}

fn unknown(key: &str) -> QueryError {
    let known = QueryError::unknown("setting", key, KEYS.iter().map(|k| k.name));
    known.or_hint("SET without arguments shows all settings")
}

/// `200 ms`, `5 s`, `1 min`, `2 h`, `1 d`, as in Flink; a bare number is milliseconds.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(scale)
}

fn duration(value: &str) -> Result<String, &'static str> {
    match parse_duration_ms(value) {
        Some(_) => Ok(value.to_owned()),
        None => Err("write a duration such as '200 ms', '5 s' or '1 min'"),
    }
}

fn streaming(value: &str) -> Result<String, &'static str> {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "streaming" => Ok(value),
        _ => Err("wasmill runs every query as a stream; a bounded input ends by itself, so leave this at 'streaming'"),
    }
}

fn parallelism(value: &str) -> Result<String, &'static str> {
    match value.parse::<usize>() {
        Ok(1..=128) => Ok(value.to_owned()),
        _ => Err("write a number from 1 to 128"),
    }
}

fn positive(value: &str) -> Result<String, &'static str> {
    match value.parse::<u32>() {
        Ok(1..) => Ok(value.to_owned()),
        _ => Err("write a positive number"),
    }
}

fn result_mode(value: &str) -> Result<String, &'static str> {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "table" | "changelog" | "tableau" => Ok(value),
        _ => Err("write 'table', 'changelog' or 'tableau'"),
    }
}

fn boolean(value: &str) -> Result<String, &'static str> {
    let value = value.to_ascii_lowercase();
    match value.as_str() {
        "true" | "false" => Ok(value),
        _ => Err("write 'true' or 'false'"),
    }
}

fn text(value: &str) -> Result<String, &'static str> {
    Ok(value.to_owned())
}

/// IANA names; `GMT+08:00` and its kin where the offset is whole hours, as their `Etc/GMT-8`.
fn time_zone(value: &str) -> Result<String, &'static str> {
    let expected = "write a zone such as 'Europe/Berlin', 'UTC' or 'GMT+08:00'";
    if let Ok(zone) = value.parse::<chrono_tz::Tz>() {
        return Ok(zone.name().to_owned());
    }
    let offset = value.strip_prefix("GMT").or_else(|| value.strip_prefix("UTC")).unwrap_or(value);
    let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
    let hours: i32 = hours.parse().map_err(|_| expected)?;
    if minutes != "00" || !offset.starts_with(['+', '-']) {
        return Err("an offset must be whole hours; write the name of a zone, such as 'Asia/Kolkata'");
    }
    let zone = if hours == 0 { "UTC".to_owned() } else { format!("Etc/GMT{:+}", -hours) };
    zone.parse::<chrono_tz::Tz>().map(|z| z.name().to_owned()).map_err(|_| expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_checked() {
        let mut settings = Settings::default();
        assert_eq!(settings.time_zone(), "UTC");
        assert_eq!(settings.set("table.local-time-zone", "Asia/Shanghai").unwrap(), None);
        assert_eq!(settings.time_zone(), "Asia/Shanghai");
        settings.set("table.local-time-zone", "GMT+08:00").unwrap();
        assert_eq!(settings.time_zone(), "Etc/GMT-8");
        assert!(settings.set("table.local-time-zone", "Asia/Shangai").is_err());
        settings.set("table.exec.resource.default-parallelism", "3").unwrap();
        assert_eq!(settings.parallelism(), 3);
        assert!(settings.set("parallelism.default", "0").is_err());
        settings.reset("parallelism.default").unwrap();
        assert_eq!(settings.parallelism(), 1);
        settings.set("table.exec.source.idle-timeout", "1 min").unwrap();
        assert_eq!(settings.idle_timeout_ms(), Some(60_000));
        assert_eq!(settings.watermark_interval_ms(), 200);
    }

    #[test]
    fn other_keys_are_answered() {
        let mut settings = Settings::default();
        let hint = settings.set("table.local-timezone", "UTC").unwrap_err().hint.unwrap();
        assert!(hint.contains("table.local-time-zone"), "{hint}");
        assert!(settings.set("table.exec.mini-batch.enabled", "true").unwrap().unwrap().contains("no effect"));
        assert!(settings.set("execution.runtime-mode", "batch").is_err());
        assert!(settings.set("table.exec.state.ttl", "1 h").unwrap_err().hint.is_some());
        assert!(settings.set("nonsense", "1").is_err());
    }

    #[test]
    fn keys_are_sorted_and_their_defaults_valid() {
        assert!(KEYS.is_sorted_by_key(|k| k.name));
        for key in KEYS {
            assert!((key.check)(key.default).is_ok(), "{}", key.name);
        }
    }
}
