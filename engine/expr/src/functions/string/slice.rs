//! Parts of a text: SUBSTRING, LEFT, RIGHT, OVERLAY, SPLIT, SPLIT_INDEX, SUBSTRING_INDEX, REVERSE.

use std::sync::Arc;

use arrow::array::{ListBuilder, StringBuilder};
use wasmill_plan::{DataType, Result, TypeKind};

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{bigint, int, kernel, text, texts};

/// `SUBSTRING(text, start [, length])`: a negative start counts from the end, 0 is as 1; NULL for a negative length.
pub(super) fn substring(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, start, length) = (text(&args[0]), bigint(&args[1]), args.get(2).map(bigint));
        texts(rows, |row, out| {
            let (s, start) = (s.get(row)?, start.get(row)?);
            let length = match &length {
                Some(length) => length.get(row)?,
                None => i64::from(i32::MAX),
            };
            let (length, start) = (usize::try_from(length).ok()?, i32::try_from(start).ok()?);
            i32::try_from(length).ok()?;
            let skip = match start {
                1.. => start as usize - 1,
                0 => 0,
                _ => match char_count(s).checked_sub(start.unsigned_abs() as usize) {
                    Some(skip) => skip,
                    None => return Some(()),
                },
            };
            out.push_str(chars(s, skip, length));
            Some(())
        })
    })
}

pub(super) fn left(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, length) = (text(&args[0]), int(&args[1]));
        texts(rows, |row, out| {
            let (s, length) = (s.get(row)?, length.get(row)?);
            out.push_str(chars(s, 0, usize::try_from(length).unwrap_or(0)));
            Some(())
        })
    })
}

pub(super) fn right(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, length) = (text(&args[0]), int(&args[1]));
        texts(rows, |row, out| {
            let (s, length) = (s.get(row)?, length.get(row)?);
            let length = usize::try_from(length).unwrap_or(0);
            out.push_str(chars(s, char_count(s).saturating_sub(length), length));
            Some(())
        })
    })
}

/// `OVERLAY(text, replacement, start [, length])`: the text itself where start lies outside of it; a length below 1 or
/// beyond the end replaces all the rest.
pub(super) fn overlay(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, replacement) = (text(&args[0]), text(&args[1]));
        let (start, length) = (bigint(&args[2]), args.get(3).map(bigint));
        texts(rows, |row, out| {
            let (s, replacement, start) = (s.get(row)?, replacement.get(row)?, start.get(row)?);
            let length = match &length {
                Some(length) => length.get(row)?,
                None => char_count(replacement) as i64,
            };
            let count = char_count(s) as i64;
            if start <= 0 || start > count {
                out.push_str(s);
                return Some(());
            }
            out.push_str(chars(s, 0, start as usize - 1));
            out.push_str(replacement);
            if length > 0 && length <= count - start {
                out.push_str(chars(s, (start - 1 + length) as usize, usize::MAX));
            }
            Some(())
        })
    })
}

/// `SPLIT_INDEX(text, separator, index)`: the part with that index from 0, or NULL. The separator is a text, of which an
/// empty one means white space, or the code (1 to 255) of a character.
pub(super) fn split_index(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let by_code = site.args[1].kind == TypeKind::Int;
    kernel(move |args, rows| {
        let (s, index) = (text(&args[0]), int(&args[2]));
        let mut code = String::new();
        texts(rows, |row, out| {
            let (separator, s) = if by_code {
                let separator = int(&args[1]).get(row)?;
                let s = s.get(row)?;
                code.clear();
                code.push(char::from(u8::try_from(separator).ok().filter(|c| *c > 0)?));
                (code.as_str(), s)
            } else {
                (text(&args[1]).get(row)?, s.get(row)?)
            };
            let index = usize::try_from(index.get(row)?).ok()?;
            if s.is_empty() {
                return None;
            }
            let part = match separator {
                "" => s.split(char::is_whitespace).nth(index)?,
                _ if separator.len() == 1 => nth_part(s, separator.as_bytes()[0], index)?,
                _ => s.split(separator).nth(index)?,
            };
            out.push_str(part);
            Some(())
        })
    })
}

/// The part with that index between the places of one ASCII character, which are found faster than those of a text.
fn nth_part(s: &str, separator: u8, index: usize) -> Option<&str> {
    let mut places = memchr::memchr_iter(separator, s.as_bytes());
    let start = match index.checked_sub(1) {
        None => 0,
        Some(before) => places.nth(before)? + 1,
    };
    Some(&s[start..places.next().unwrap_or(s.len())])
}

/// `SPLIT(text, delimiter)`: all parts, empty ones too, but none of the empty text; the characters where the delimiter is
/// empty.
pub(super) fn split(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, delimiter) = (text(&args[0]), text(&args[1]));
        let mut lists = string_lists(rows);
        for row in 0..rows {
            let (Some(s), Some(delimiter)) = (s.get(row), delimiter.get(row)) else {
                lists.append_null();
                continue;
            };
            if s.is_empty() {
                // No parts, as in Flink.
            } else if delimiter.is_empty() {
                s.char_indices().for_each(|(i, c)| lists.values().append_value(&s[i..i + c.len_utf8()]));
            } else {
                s.split(delimiter).for_each(|part| lists.values().append_value(part));
            }
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    })
}

/// A builder of `ARRAY<STRING>`.
pub(crate) fn string_lists(rows: usize) -> ListBuilder<StringBuilder> {
    let item = arrow::datatypes::Field::new("item", DataType::string().to_arrow(), true);
    ListBuilder::with_capacity(StringBuilder::new(), rows).with_field(item)
}

/// `SUBSTRING_INDEX(text, delimiter, count)`: what stands before the `count`-th delimiter, or after the `-count`-th from
/// the right.
pub(super) fn substring_index(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, delimiter, count) = (text(&args[0]), text(&args[1]), bigint(&args[2]));
        texts(rows, |row, out| {
            let (s, delimiter, count) = (s.get(row)?, delimiter.get(row)?, count.get(row)?);
            if delimiter.is_empty() || count == 0 {
                return Some(());
            }
            let nth = count.unsigned_abs() as usize - 1;
            out.push_str(if count > 0 {
                s.match_indices(delimiter).nth(nth).map_or(s, |(at, _)| &s[..at])
            } else {
                s.rmatch_indices(delimiter).nth(nth).map_or(s, |(at, _)| &s[at + delimiter.len()..])
            });
            Some(())
        })
    })
}

pub(super) fn reverse(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            out.extend(s.get(row)?.chars().rev());
            Some(())
        })
    })
}

/// Up to `length` characters of `s` after the first `skip`.
fn chars(s: &str, skip: usize, length: usize) -> &str {
    if s.is_ascii() {
        let start = skip.min(s.len());
        return &s[start..start.saturating_add(length).min(s.len())];
    }
    let start = s.char_indices().nth(skip).map_or(s.len(), |(at, _)| at);
    let rest = &s[start..];
    &rest[..rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at)]
}

/// How many characters `s` has.
pub(super) fn char_count(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { s.chars().count() }
}
