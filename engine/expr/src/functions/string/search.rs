//! Lengths and positions: CHAR_LENGTH, OCTET_LENGTH, POSITION, LOCATE, INSTR.

use arrow::datatypes::Int32Type;
use wasmill_plan::{Error, Result};

use super::slice::char_count;
use crate::function::{CallSite, Kernel};
use crate::functions::columns::{int, kernel, numbers, octets, text, try_numbers};

pub(super) fn char_length(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        numbers::<Int32Type>(rows, |row| Some(char_count(s.get(row)?) as i32))
    })
}

pub(super) fn octet_length(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = octets(&args[0]);
        numbers::<Int32Type>(rows, |row| Some(s.get(row)?.len() as i32))
    })
}

/// `POSITION(part, text)` and `LOCATE(part, text [, start])`: 0 where there is none.
pub(super) fn position(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (part, s, start) = (text(&args[0]), text(&args[1]), args.get(2).map(int));
        numbers::<Int32Type>(rows, |row| {
            let (part, s) = (part.get(row)?, s.get(row)?);
            let start = match &start {
                Some(start) => start.get(row)?,
                None => 1,
            };
            Some(find(s, part, start))
        })
    })
}

/// `INSTR(text, part [, start [, occurrence]])`: a negative start searches from the end.
pub(super) fn instr(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, part) = (text(&args[0]), text(&args[1]));
        let (start, occurrence) = (args.get(2).map(int), args.get(3).map(int));
        try_numbers::<Int32Type>(rows, |row| {
            let or_one = |column: &Option<_>| match column {
                Some(column) => crate::functions::columns::Column::get(column, row),
                None => Some(1),
            };
            let (Some(s), Some(part), Some(start), Some(occurrence)) =
                (s.get(row), part.get(row), or_one(&start), or_one(&occurrence))
            else {
                return Ok(None);
            };
            if occurrence <= 0 {
                return Err(Error::data(format!("the occurrence that INSTR seeks must be positive, not {occurrence}")));
            }
            Ok(Some(match start {
                0 => 0,
                1.. => find_nth(s, part, start, occurrence),
                _ => {
                    let reversed = |s: &str| s.chars().rev().collect::<String>();
                    let (back, part_back) = (reversed(s), reversed(part));
                    match find_nth(&back, &part_back, start.saturating_neg(), occurrence) {
                        0 => 0,
                        at => char_count(s) as i32 + 2 - at - char_count(part) as i32,
                    }
                }
            }))
        })
    })
}

/// The position of the `occurrence`-th `part` (they may overlap) at or after `start`, from 1; 0 where there is none.
fn find_nth(s: &str, part: &str, start: i32, occurrence: i32) -> i32 {
    let (mut at, mut start) = (0, start);
    for _ in 0..occurrence {
        at = find(s, part, start);
        if at == 0 || part.is_empty() {
            break;
        }
        start = at + 1;
    }
    at
}

/// The position of `part` at or after `start`, from 1; 0 where there is none.
fn find(s: &str, part: &str, start: i32) -> i32 {
    if part.is_empty() {
        return 1;
    }
    let skip = usize::try_from(start - 1).unwrap_or(0);
    let from = if s.is_ascii() { skip.min(s.len()) } else { s.char_indices().nth(skip).map_or(s.len(), |(at, _)| at) };
    s[from..].find(part).map_or(0, |at| char_count(&s[..from + at]) as i32 + 1)
}
