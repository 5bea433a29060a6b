//! Between collections and text: ARRAY_JOIN and STR_TO_MAP.

use std::sync::Arc;

use arrow::array::{AsArray, MapBuilder, MapFieldNames, StringBuilder};
use arrow::datatypes::{DataType, Field};
use wasmill_plan::{Error, Result, Value};

use super::elements::range;
use crate::function::{CallSite, Kernel};
use crate::functions::columns::{kernel, list, text, texts};
use crate::functions::regexp::Pattern;

/// `ARRAY_JOIN(array, delimiter [, replacement])`: NULL elements are left out, or replaced where there is a replacement.
pub(super) fn array_join(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (arrays, delimiter, replacement) = (list(&args[0]), text(&args[1]), args.get(2).map(text));
        let elements = arrays.array().values().as_string::<i32>();
        texts(rows, |row, out| {
            let (range, delimiter) = (range(&arrays, row)?, delimiter.get(row)?);
            let replacement = match &replacement {
                Some(replacement) => Some(replacement.get(row)?),
                None => None,
            };
            let mut first = true;
            for i in range {
                let element =
                    if arrow::array::Array::is_null(elements, i) { replacement } else { Some(elements.value(i)) };
                let Some(element) = element else { continue };
                if !std::mem::take(&mut first) {
                    out.push_str(delimiter);
                }
                out.push_str(element);
            }
            Some(())
        })
    })
}

/// How a text is cut: the delimiters are regular expressions.
enum Delimiter {
    Literal(String),
    Expression(Pattern),
}

impl Delimiter {
    fn new(expression: &str) -> Result<Self> {
        if !expression.is_empty() && !expression.contains(|c: char| "\\.[]{}()<>*+-=!?^$|".contains(c)) {
            return Ok(Self::Literal(expression.to_owned()));
        }
        Pattern::new(expression)
            .map(Self::Expression)
            .map_err(|e| Error::data(format!("invalid delimiter '{expression}' of STR_TO_MAP: {e}")))
    }
    /// The first match in `s` at or after `from`, but not an empty one at the start.
    fn find(&self, s: &str, from: usize) -> Result<Option<(usize, usize)>> {
        match self {
            Self::Literal(text) => Ok(s[from..].find(text.as_str()).map(|at| (from + at, from + at + text.len()))),
            Self::Expression(pattern) => {
                let mut from = from;
                while let Some(found) = pattern.find(s, from, 0)? {
                    if found.end > 0 && found.end > found.start || found.start > from && found.start < s.len() {
                        return Ok(Some((found.start, found.end)));
                    }
                    match s[from..].chars().next() {
                        Some(c) => from += c.len_utf8(),
                        None => break,
                    }
                }
                Ok(None)
            }
        }
    }
}

/// `STR_TO_MAP(text [, pair delimiter, key delimiter])`: `,` and `=` by default. A pair without the key delimiter is a key
/// with NULL; the last value of a key counts, keys come in ascending order; empty pairs at the end are dropped, as by Java's `String.split`.
pub(super) fn str_to_map(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let constant = |index: usize| match site.literals.get(index) {
        Some(Some(Value::Text(expression))) => Delimiter::new(expression).map(Some),
        _ => Ok(None),
    };
    let (pairs, values) = match site.args.len() {
        1 => (Some(Delimiter::Literal(",".into())), Some(Delimiter::Literal("=".into()))),
        _ => (constant(1)?, constant(2)?),
    };
    kernel(move |args, rows| {
        let s = text(&args[0]);
        let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
        let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
            .with_keys_field(Arc::new(Field::new("key", DataType::Utf8, false)))
            .with_values_field(Arc::new(Field::new("value", DataType::Utf8, true)));
        for row in 0..rows {
            let Some(s) = s.get(row) else {
                maps.append(false)?;
                continue;
            };
            let (pair_here, value_here);
            let pairs = match &pairs {
                Some(delimiter) => delimiter,
                None => {
                    let Some(expression) = text(&args[1]).get(row) else {
                        maps.append(false)?;
                        continue;
                    };
                    pair_here = Delimiter::new(expression)?;
                    &pair_here
                }
            };
            let values = match &values {
                Some(delimiter) => delimiter,
                None => {
                    let Some(expression) = text(&args[2]).get(row) else {
                        maps.append(false)?;
                        continue;
                    };
                    value_here = Delimiter::new(expression)?;
                    &value_here
                }
            };
            for (key, value) in entries(s, pairs, values)? {
                maps.keys().append_value(key);
                maps.values().append_option(value);
            }
            maps.append(true)?;
        }
        Ok(Arc::new(maps.finish()))
    })
}

fn entries<'a>(s: &'a str, pairs: &Delimiter, values: &Delimiter) -> Result<Vec<(&'a str, Option<&'a str>)>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some((at, end)) = pairs.find(s, start)? {
        parts.push(&s[start..at]);
        start = end;
    }
    parts.push(&s[start..]);
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let mut entries: Vec<(&str, Option<&str>)> = Vec::with_capacity(parts.len());
    for part in parts {
        let (key, value) = match values.find(part, 0)? {
            Some((at, end)) => (&part[..at], Some(&part[end..])),
            None => (part, None),
        };
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        }
    }
    entries.sort_by_key(|(key, _)| *key);
    Ok(entries)
}
