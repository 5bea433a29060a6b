//! TRIM, BTRIM, LTRIM and RTRIM: take away the characters of a set (the space by default) at the ends.

use wasmill_plan::Result;

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{kernel, text, texts};

pub(super) fn both(_: &CallSite) -> Result<Box<dyn Kernel>> {
    trim(|s, set| trim_right(trim_left(s, set), set))
}

pub(super) fn left(_: &CallSite) -> Result<Box<dyn Kernel>> {
    trim(trim_left)
}

pub(super) fn right(_: &CallSite) -> Result<Box<dyn Kernel>> {
    trim(trim_right)
}

fn trim(trim: for<'a> fn(&'a str, &str) -> &'a str) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let (s, set) = (text(&args[0]), args.get(1).map(text));
        texts(rows, |row, out| {
            let s = s.get(row)?;
            let set = match &set {
                Some(set) => set.get(row)?,
                None => " ",
            };
            out.push_str(trim(s, set));
            Some(())
        })
    })
}

fn trim_left<'a>(s: &'a str, set: &str) -> &'a str {
    if set == " " { s.trim_start_matches(' ') } else { s.trim_start_matches(|c| set.contains(c)) }
}

fn trim_right<'a>(s: &'a str, set: &str) -> &'a str {
    if set == " " { s.trim_end_matches(' ') } else { s.trim_end_matches(|c| set.contains(c)) }
}
