//! JSON_QUOTE and JSON_UNQUOTE.

use std::fmt::Write;

use wasmill_plan::Result;

use super::node::Node;
use crate::function::{CallSite, Kernel};
use crate::functions::columns::{kernel, text, texts};

/// The text as a JSON string; `/` and what is not ASCII is escaped too, in UTF-16 units.
pub(super) fn quote(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            out.push('"');
            for c in s.get(row)?.chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '/' => out.push_str("\\/"),
                    '\u{8}' => out.push_str("\\b"),
                    '\u{c}' => out.push_str("\\f"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    c if c <= '\u{7f}' => out.push(c),
                    c => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}")).ok()?,
                }
            }
            out.push('"');
            Some(())
        })
    })
}

/// What a JSON string holds. A text that does not begin and end with quotes, or that does not begin with a JSON string, is
/// left as it is.
pub(super) fn unquote(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            let s = s.get(row)?;
            let start = out.len();
            let quoted = s.len() > 1 && s.starts_with('"') && s.ends_with('"') && Node::parse(s).is_ok();
            if !quoted || unescape(&s[1..s.len() - 1], out).is_none() {
                out.truncate(start);
                out.push_str(s);
            }
            Some(())
        })
    })
}

/// Resolves escapes; `None` for one that JSON does not know.
fn unescape(s: &str, out: &mut String) -> Option<()> {
    let mut units: Vec<u16> = Vec::new();
    let mut chars = s.chars();
    let flush = |units: &mut Vec<u16>, out: &mut String| {
        out.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or('\u{fffd}')));
    };
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => match chars.next()? {
                c @ ('"' | '\\' | '/') => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let mut unit = 0;
                    for _ in 0..4 {
                        unit = unit << 4 | chars.next()?.to_digit(16)?;
                    }
                    units.push(unit as u16);
                    continue;
                }
                _ => return None,
            },
            c => c,
        };
        flush(&mut units, out);
        out.push(plain);
    }
    flush(&mut units, out);
    Some(())
}
