//! What CREATE FUNCTION refuses: a primary line, then detail and hint, in SQL terms.

use std::fmt;

/// Why a module or a function is refused. The planner adds the place in the user's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The primary line: lower case, no full stop.
    pub message: String,
    /// What was found, where that helps.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// A result of this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error without detail and hint.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), detail: None, hint: None }
    }
    /// The same with a detail line.
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
    /// The same with a hint line.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl From<Error> for wasmill_plan::Error {
    fn from(e: Error) -> Self {
        let message = match e.detail {
            Some(detail) => format!("{}: {detail}", e.message),
            None => e.message,
        };
        Self::Query { message, hint: e.hint }
    }
}

/// The name among `known` that `name` was probably meant to be: at most a third of its letters differ.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (edit_distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + wanted.len().min(candidate.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters; names are short, and a longer one is cut.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

/// `12 bytes`, `64 KiB`, `1.5 MiB`.
pub fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value.fract() == 0.0 { format!("{value} {}", UNITS[unit]) } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name() {
        assert_eq!(nearest("memory_max", ["memory.max", "timeout"]), Some("memory.max"));
        assert_eq!(nearest("frobnicate", ["memory.max", "timeout"]), None);
        assert_eq!(nearest("riks", ["risk", "memory"]), Some("risk"));
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes_text(12), "12 bytes");
        assert_eq!(bytes_text(64 << 20), "64 MiB");
        assert_eq!(bytes_text(3 << 19), "1.5 MiB");
    }
}
