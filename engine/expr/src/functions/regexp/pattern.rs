//! A compiled expression, and how Java walks over its matches.

use std::cell::RefCell;
use std::ops::Range;

use regex::CaptureLocations;
use wasmill_plan::{Error, Result};

use super::java;

/// A compiled expression.
pub(crate) struct Pattern {
    engine: Engine,
    groups: usize,
}

enum Engine {
    /// With the places of the groups of a match, whose memory is used again.
    Linear(regex::Regex, RefCell<CaptureLocations>),
    Backtracking(Box<fancy_regex::Regex>),
}

/// A match, in bytes.
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The group that was asked for, `None` where it took no part.
    pub(crate) group: Option<Range<usize>>,
}

impl Pattern {
    /// Compiles an expression of Java's `java.util.regex.Pattern`.
    pub(crate) fn new(expression: &str) -> Result<Self, String> {
        let translated = java::translate(expression)?;
        if !translated.backtracking
            && let Ok(regex) = regex::Regex::new(&translated.text)
        {
            let places = RefCell::new(regex.capture_locations());
            return Ok(Self { groups: regex.captures_len(), engine: Engine::Linear(regex, places) });
        }
        let regex = fancy_regex::Regex::new(&translated.text).map_err(|e| e.to_string())?;
        Ok(Self { groups: regex.captures_len(), engine: Engine::Backtracking(Box::new(regex)) })
    }
    /// How many groups it has; group 0, the whole match, counts.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }
    /// Whether it is found anywhere in `s`.
    pub(crate) fn is_match(&self, s: &str) -> Result<bool> {
        match &self.engine {
            Engine::Linear(regex, _) => Ok(regex.is_match(s)),
            Engine::Backtracking(regex) => regex.is_match(s).map_err(too_hard),
        }
    }
    /// The first match at or after byte `from`, with that group.
    pub(crate) fn find(&self, s: &str, from: usize, group: usize) -> Result<Option<Found>> {
        match &self.engine {
            Engine::Linear(regex, _) if group == 0 => Ok(regex.find_at(s, from).map(|m| Found::whole(m.range()))),
            Engine::Linear(regex, places) => {
                let mut places = places.borrow_mut();
                Ok(regex.captures_read_at(&mut places, s, from).map(|whole| Found {
                    group: places.get(group).map(|(start, end)| start..end),
                    ..Found::whole(whole.range())
                }))
            }
            Engine::Backtracking(regex) if group == 0 => {
                Ok(regex.find_from_pos(s, from).map_err(too_hard)?.map(|m| Found::whole(m.start()..m.end())))
            }
            Engine::Backtracking(regex) => {
                Ok(regex.captures_from_pos(s, from).map_err(too_hard)?.and_then(|captures| {
                    let whole = captures.get(0)?;
                    let group = captures.get(group).map(|m| m.start()..m.end());
                    Some(Found { group, ..Found::whole(whole.start()..whole.end()) })
                }))
            }
        }
    }
    /// Calls `f` on each match from left to right. As in Java, an empty match may follow directly on a match.
    pub(crate) fn for_each(&self, s: &str, group: usize, mut f: impl FnMut(Found)) -> Result<()> {
        let mut from = 0;
        while from <= s.len()
            && let Some(found) = self.find(s, from, group)?
        {
            from = match found.end {
                end if end > found.start => end,
                end => end + s[end..].chars().next().map_or(1, char::len_utf8),
            };
            f(found);
        }
        Ok(())
    }
}

impl Found {
    fn whole(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end, group: Some(range) }
    }
}

/// The backtracking engine gave up.
fn too_hard(e: fancy_regex::Error) -> Error {
    Error::data(format!("a regular expression with look-around or back references took too long: {e}"))
}
