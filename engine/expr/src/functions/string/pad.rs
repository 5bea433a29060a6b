//! LPAD, RPAD and REPEAT.

use wasmill_plan::{Error, Result};

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{int, kernel, text, try_texts};

/// The largest text that padding or repeating may make of one row.
const RESULT_BYTES_MAX: usize = 256 << 20;

pub(super) fn lpad(_: &CallSite) -> Result<Box<dyn Kernel>> {
    pad("LPAD", |out, s, padding, count| {
        out.extend(padding.chars().cycle().take(count));
        out.push_str(s);
    })
}

pub(super) fn rpad(_: &CallSite) -> Result<Box<dyn Kernel>> {
    pad("RPAD", |out, s, padding, count| {
        out.push_str(s);
        out.extend(padding.chars().cycle().take(count));
    })
}

/// `place(out, text, padding, count)` appends the text and `count` characters of the repeated padding. NULL for a negative
/// length or an empty padding; a text that is too long is cut.
fn pad(name: &'static str, place: fn(&mut String, &str, &str, usize)) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let (s, length, padding) = (text(&args[0]), int(&args[1]), text(&args[2]));
        try_texts(rows, |row, out| {
            let (Some(s), Some(length), Some(padding)) = (s.get(row), length.get(row), padding.get(row)) else {
                return Ok(None);
            };
            let Ok(length) = usize::try_from(length) else { return Ok(None) };
            if padding.is_empty() {
                return Ok(None);
            }
            match s.char_indices().nth(length) {
                Some((end, _)) => out.push_str(&s[..end]),
                None => {
                    let count = length - s.chars().count();
                    limit(name, s.len() + count * 4)?;
                    place(out, s, padding, count);
                }
            }
            Ok(Some(()))
        })
    })
}

pub(super) fn repeat(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, count) = (text(&args[0]), int(&args[1]));
        try_texts(rows, |row, out| {
            let (Some(s), Some(count)) = (s.get(row), count.get(row)) else { return Ok(None) };
            let count = usize::try_from(count).unwrap_or(0);
            limit("REPEAT", s.len().saturating_mul(count))?;
            for _ in 0..if s.is_empty() { 0 } else { count } {
                out.push_str(s);
            }
            Ok(Some(()))
        })
    })
}

fn limit(name: &str, bytes: usize) -> Result<()> {
    if bytes > RESULT_BYTES_MAX {
        return Err(Error::data(format!("{name} would make a text of more than {RESULT_BYTES_MAX} bytes")));
    }
    Ok(())
}
