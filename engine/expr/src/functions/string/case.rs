//! UPPER, LOWER and INITCAP.

use wasmill_plan::Result;

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{kernel, text, texts};

pub(super) fn upper(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            let s = s.get(row)?;
            if s.is_ascii() {
                let start = out.len();
                out.push_str(s);
                out[start..].make_ascii_uppercase();
            } else {
                out.push_str(&s.to_uppercase());
            }
            Some(())
        })
    })
}

pub(super) fn lower(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            let s = s.get(row)?;
            if s.is_ascii() {
                let start = out.len();
                out.push_str(s);
                out[start..].make_ascii_lowercase();
            } else {
                out.push_str(&s.to_lowercase());
            }
            Some(())
        })
    })
}

/// A word is a run of ASCII letters and digits; other letters are left alone, as in Flink.
pub(super) fn initcap(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            let mut inside = false;
            out.extend(s.get(row)?.chars().map(|c| {
                let cased = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
                inside = c.is_ascii_alphanumeric();
                cased
            }));
            Some(())
        })
    })
}
