//! Regular expression functions, with Java's expressions: most run on `regex` in linear time, those with look-around, back
//! references or possessive quantifiers on `fancy-regex`.

mod java;
mod pattern;

use std::sync::Arc;

use arrow::datatypes::Int32Type;
use wasmill_plan::{DataType, Result, TypeKind, Value};

use super::arguments::{Param::*, nullable, params, strict, string};
use super::columns::{Column, kernel, text, try_booleans, try_numbers, try_texts};
use super::string::string_lists;
use crate::Function;
use crate::function::{CallSite, Kernel};

pub(crate) use pattern::Pattern;

/// This family's functions. An expression that does not compile gives NULL (FALSE for REGEXP), as in Flink.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "REGEXP",
        aliases: &["SIMILAR_REGEX", "RLIKE"],
        usage: "REGEXP(text, expression)",
        infer: |a| strict(params(a, &[Text, Text], &[])?, TypeKind::Boolean),
        kernel: regexp,
    },
    Function {
        name: "REGEXP_EXTRACT",
        aliases: &[],
        usage: "REGEXP_EXTRACT(text, expression [, group])",
        infer: |a| nullable(params(a, &[Text, Text], &[BigInt])?, string()),
        kernel: regexp_extract,
    },
    Function {
        name: "REGEXP_EXTRACT_ALL",
        aliases: &[],
        usage: "REGEXP_EXTRACT_ALL(text, expression [, group])",
        infer: |a| nullable(params(a, &[Text, Text], &[BigInt])?, TypeKind::Array(Box::new(DataType::string()))),
        kernel: regexp_extract_all,
    },
    Function {
        name: "REGEXP_REPLACE",
        aliases: &[],
        usage: "REGEXP_REPLACE(text, expression, replacement)",
        infer: |a| strict(params(a, &[Text, Text, Text], &[])?, string()),
        kernel: regexp_replace,
    },
    Function {
        name: "REGEXP_COUNT",
        aliases: &[],
        usage: "REGEXP_COUNT(text, expression)",
        infer: |a| nullable(params(a, &[Text, Text], &[])?, TypeKind::Int),
        kernel: regexp_count,
    },
    Function {
        name: "REGEXP_INSTR",
        aliases: &[],
        usage: "REGEXP_INSTR(text, expression)",
        infer: |a| nullable(params(a, &[Text, Text], &[])?, TypeKind::Int),
        kernel: regexp_instr,
    },
    Function {
        name: "REGEXP_SUBSTR",
        aliases: &[],
        usage: "REGEXP_SUBSTR(text, expression)",
        infer: |a| nullable(params(a, &[Text, Text], &[])?, string()),
        kernel: regexp_substr,
    },
    Function {
        name: "REGEXP_SPLIT",
        aliases: &[],
        usage: "REGEXP_SPLIT(text, expression)",
        infer: |a| nullable(params(a, &[Text, Text], &[])?, TypeKind::Array(Box::new(DataType::string()))),
        kernel: regexp_split,
    },
];

/// The expressions of one call, compiled once where they are constant, else kept while they repeat.
pub(super) struct Patterns {
    /// `None` where the text does not compile.
    last: Option<(String, Option<Pattern>)>,
}

impl Patterns {
    /// For the expression in argument `index`.
    pub(super) fn new(site: &CallSite, index: usize) -> Self {
        let mut patterns = Self { last: None };
        if let Some(Some(Value::Text(expression))) = site.literals.get(index) {
            patterns.get(expression);
        }
        patterns
    }
    /// The compiled expression, `None` where it does not compile.
    pub(super) fn get(&mut self, expression: &str) -> Option<&Pattern> {
        if self.last.as_ref().is_none_or(|(text, _)| text != expression) {
            self.last = Some((expression.to_owned(), Pattern::new(expression).ok()));
        }
        self.last.as_ref()?.1.as_ref()
    }
}

/// Whether the expression is found anywhere; an empty one is not.
fn regexp(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        try_booleans(rows, |row| {
            let (Some(s), Some(expression)) = (s.get(row), expression.get(row)) else { return Ok(None) };
            match patterns.get(expression) {
                Some(pattern) if !expression.is_empty() => pattern.is_match(s).map(Some),
                _ => Ok(Some(false)),
            }
        })
    })
}

/// The group of each row: of argument 2, else `default`. `None` where NULL; a negative one no pattern has.
fn group(column: &Option<Column<arrow::array::Int64Array>>, row: usize, default: usize) -> Option<usize> {
    match column {
        Some(column) => Some(usize::try_from(column.get(row)?).unwrap_or(usize::MAX)),
        None => Some(default),
    }
}

fn regexp_extract(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        let groups = args.get(2).map(super::columns::bigint);
        try_texts(rows, |row, out| {
            let (Some(s), Some(expression), Some(group)) = (s.get(row), expression.get(row), group(&groups, row, 0))
            else {
                return Ok(None);
            };
            let Some(pattern) = patterns.get(expression) else { return Ok(None) };
            if group >= pattern.groups() {
                return Ok(None);
            }
            let Some(found) = pattern.find(s, 0, group)? else { return Ok(None) };
            Ok(found.group.map(|range| out.push_str(&s[range])))
        })
    })
}

fn regexp_extract_all(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        let groups = args.get(2).map(super::columns::bigint);
        let mut lists = string_lists(rows);
        for row in 0..rows {
            let pattern = expression.get(row).and_then(|e| patterns.get(e));
            let (Some(s), Some(pattern), Some(group)) = (s.get(row), pattern, group(&groups, row, 1)) else {
                lists.append_null();
                continue;
            };
            if group >= pattern.groups() {
                lists.append_null();
                continue;
            }
            pattern.for_each(s, group, |found| lists.values().append_option(found.group.map(|range| &s[range])))?;
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    })
}

/// Every match gives way to the replacement, in which no character is special.
fn regexp_replace(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression, replacement) = (text(&args[0]), text(&args[1]), text(&args[2]));
        try_texts(rows, |row, out| {
            let (Some(s), Some(expression), Some(replacement)) =
                (s.get(row), expression.get(row), replacement.get(row))
            else {
                return Ok(None);
            };
            let Some(pattern) = patterns.get(expression) else { return Ok(None) };
            let mut end = 0;
            pattern.for_each(s, 0, |found| {
                out.push_str(&s[end..found.start]);
                out.push_str(replacement);
                end = found.end;
            })?;
            out.push_str(&s[end..]);
            Ok(Some(()))
        })
    })
}

fn regexp_count(site: &CallSite) -> Result<Box<dyn Kernel>> {
    of_text_and_pattern(site, |s, pattern| {
        let mut count = 0;
        pattern.for_each(s, 0, |_| count += 1)?;
        Ok(count)
    })
}

/// The position of the first match from 1; 0 where there is none.
fn regexp_instr(site: &CallSite) -> Result<Box<dyn Kernel>> {
    of_text_and_pattern(site, |s, pattern| {
        Ok(pattern.find(s, 0, 0)?.map_or(0, |found| s[..found.start].chars().count() as i32 + 1))
    })
}

/// An INT of a text and a compiled expression.
fn of_text_and_pattern(site: &CallSite, f: fn(&str, &Pattern) -> Result<i32>) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        try_numbers::<Int32Type>(rows, |row| {
            let pattern = expression.get(row).and_then(|e| patterns.get(e));
            let (Some(s), Some(pattern)) = (s.get(row), pattern) else { return Ok(None) };
            f(s, pattern).map(Some)
        })
    })
}

fn regexp_substr(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        try_texts(rows, |row, out| {
            let pattern = expression.get(row).and_then(|e| patterns.get(e));
            let (Some(s), Some(pattern)) = (s.get(row), pattern) else { return Ok(None) };
            Ok(pattern.find(s, 0, 0)?.map(|found| out.push_str(&s[found.start..found.end])))
        })
    })
}

fn regexp_split(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut patterns = Patterns::new(site, 1);
    kernel(move |args, rows| {
        let (s, expression) = (text(&args[0]), text(&args[1]));
        let mut lists = string_lists(rows);
        for row in 0..rows {
            let pattern = expression.get(row).and_then(|e| patterns.get(e));
            let (Some(s), Some(pattern)) = (s.get(row), pattern) else {
                lists.append_null();
                continue;
            };
            let mut end = 0;
            pattern.for_each(s, 0, |found| {
                if found.end > 0 && found.start < s.len() {
                    lists.values().append_value(&s[end..found.start]);
                    end = found.end;
                }
            })?;
            lists.values().append_value(&s[end..]);
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    })
}

#[cfg(test)]
mod tests;
