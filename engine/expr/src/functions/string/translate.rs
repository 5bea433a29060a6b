//! REPLACE and TRANSLATE.

use std::collections::HashMap;

use wasmill_plan::{Result, Value};

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{kernel, text, texts};

/// An empty part is found before each character and at the end, as in Java.
pub(super) fn replace(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, part, replacement) = (text(&args[0]), text(&args[1]), text(&args[2]));
        texts(rows, |row, out| {
            let (s, part, replacement) = (s.get(row)?, part.get(row)?, replacement.get(row)?);
            let mut end = 0;
            for (at, _) in s.match_indices(part) {
                out.push_str(&s[end..at]);
                out.push_str(replacement);
                end = at + part.len();
            }
            out.push_str(&s[end..]);
            Some(())
        })
    })
}

/// What each character becomes; `None` where it is dropped.
type Dictionary = HashMap<char, Option<char>>;

/// `TRANSLATE(text, from, to)`: the first mapping of a character counts; those beyond the end of `to` are dropped. A NULL
/// `from` changes nothing, a NULL `to` is empty.
pub(super) fn translate(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let constant = match (&site.literals[1], &site.literals[2]) {
        (Some(Value::Text(from)), Some(Value::Text(to))) => Some(dictionary(from, to)),
        _ => None,
    };
    kernel(move |args, rows| {
        let (s, from, to) = (text(&args[0]), text(&args[1]), text(&args[2]));
        let mut last = (String::new(), String::new(), Dictionary::new());
        texts(rows, |row, out| {
            let s = s.get(row)?;
            let dictionary = match (&constant, from.get(row)) {
                (Some(dictionary), _) => dictionary,
                (None, Some(from)) => {
                    let to = to.get(row).unwrap_or("");
                    if last.0 != from || last.1 != to {
                        last = (from.to_owned(), to.to_owned(), dictionary(from, to));
                    }
                    &last.2
                }
                (None, None) => {
                    out.push_str(s);
                    return Some(());
                }
            };
            out.extend(s.chars().filter_map(|c| dictionary.get(&c).copied().unwrap_or(Some(c))));
            Some(())
        })
    })
}

fn dictionary(from: &str, to: &str) -> Dictionary {
    let mut dictionary = Dictionary::new();
    let mut to = to.chars();
    for c in from.chars() {
        let replacement = to.next();
        dictionary.entry(c).or_insert(replacement);
    }
    dictionary
}
