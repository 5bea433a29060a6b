//! LIKE and SIMILAR TO; `NOT LIKE` is NOT of it. `ESCAPE` is the third argument; without it no character is special but `%`
//! and `_`.

use arrow::array::ArrayRef;
use memchr::memmem;
use wasmill_plan::{Error, Result, TypeKind, Value};

use super::arguments::{Param::Text, params, strict};
use super::columns::{kernel, text, try_booleans};
use super::regexp::Pattern;
use crate::Function;
use crate::function::{Argument, CallSite, ColumnValue, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "LIKE", aliases: &[], usage: "text LIKE pattern [ESCAPE character]", infer, kernel: like },
    Function {
        name: "SIMILAR TO",
        aliases: &["SIMILAR"],
        usage: "text SIMILAR TO pattern [ESCAPE character]",
        infer,
        kernel: similar,
    },
];

fn infer(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Text, Text], &[Text])?;
    if let Some(Value::Text(escape)) = args.get(2).and_then(|a| a.literal) {
        escape_character(escape)?;
    }
    strict(types, TypeKind::Boolean)
}

/// `ESCAPE ''` is none.
fn escape_character(escape: &str) -> Result<Option<char>, String> {
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (Some('\0'), _) | (Some(_), Some(_)) => Err(format!("invalid escape character '{escape}'")),
        (first, _) => Ok(first),
    }
}

fn like(site: &CallSite) -> Result<Box<dyn Kernel>> {
    matcher(site, Like::new, |like, s| Ok(like.matches(s)))
}

fn similar(site: &CallSite) -> Result<Box<dyn Kernel>> {
    matcher(site, similar_pattern, |pattern, s| pattern.is_match(s))
}

/// A kernel that compiles its pattern once where it is constant, else when it changes.
fn matcher<M: Send + 'static>(
    site: &CallSite,
    compile: fn(&str, Option<char>) -> Result<M, String>,
    matches: fn(&M, &str) -> Result<bool>,
) -> Result<Box<dyn Kernel>> {
    let compile = move |pattern: &str, escape: Option<&str>| -> Result<M> {
        let escape = escape.map(escape_character).transpose().map_err(Error::data)?.flatten();
        compile(pattern, escape).map_err(Error::data)
    };
    let escape = match site.literals.get(2) {
        None => Some(None),
        Some(Some(Value::Text(escape))) => Some(Some(escape.as_str())),
        _ => None,
    };
    let mut last = match (&site.literals[1], escape) {
        (Some(Value::Text(pattern)), Some(escape)) => {
            Some((pattern.clone(), escape.map(str::to_owned), compile(pattern, escape)?))
        }
        _ => None,
    };
    kernel(move |args: &[ColumnValue], rows| -> Result<ArrayRef> {
        let (s, pattern, escape) = (text(&args[0]), text(&args[1]), args.get(2).map(text));
        try_booleans(rows, |row| {
            let (Some(s), Some(pattern)) = (s.get(row), pattern.get(row)) else { return Ok(None) };
            let escape = match &escape {
                Some(escape) => match escape.get(row) {
                    Some(escape) => Some(escape),
                    None => return Ok(None),
                },
                None => None,
            };
            match &last {
                Some((p, e, compiled)) if p == pattern && e.as_deref() == escape => matches(compiled, s).map(Some),
                _ => {
                    let compiled = compile(pattern, escape)?;
                    let result = matches(&compiled, s).map(Some);
                    last = Some((pattern.to_owned(), escape.map(str::to_owned), compiled));
                    result
                }
            }
        })
    })
}

/// A compiled LIKE pattern: the stretches between the `%` signs.
struct Like {
    /// Anchored at the start; at the end too where there is no `%`.
    first: Stretch,
    /// Sought from left to right.
    middle: Vec<Stretch>,
    /// Anchored at the end; `None` where the pattern has no `%`.
    last: Option<Stretch>,
}

/// A part of a pattern without `%`.
enum Stretch {
    /// Only itself.
    Exact(String, Box<memmem::Finder<'static>>),
    /// `None` is `_`.
    Wild(Vec<Option<char>>),
}

impl Like {
    fn new(pattern: &str, escape: Option<char>) -> Result<Self, String> {
        let mut stretches = vec![Vec::new()];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let current = stretches.last_mut().expect("starts with one");
            if Some(c) == escape {
                match chars.next() {
                    Some(next) if next == '%' || next == '_' || Some(next) == escape => current.push(Some(next)),
                    _ => return Err(format!("invalid escape sequence in LIKE pattern '{pattern}'")),
                }
            } else if c == '%' {
                stretches.push(Vec::new());
            } else {
                current.push(if c == '_' { None } else { Some(c) });
            }
        }
        let mut stretches = stretches.into_iter().map(Stretch::new);
        let first = stretches.next().expect("starts with one");
        let last = stretches.next_back();
        Ok(Self { first, middle: stretches.filter(|s| !s.is_empty()).collect(), last })
    }

    fn matches(&self, s: &str) -> bool {
        let Some(last) = &self.last else {
            return self.first.prefix(s).is_some_and(|length| length == s.len());
        };
        let Some(start) = self.first.prefix(s) else { return false };
        let Some(end) = last.suffix(&s[start..]).map(|at| start + at) else { return false };
        let mut rest = &s[start..end];
        for stretch in &self.middle {
            match stretch.find(rest) {
                Some(after) => rest = &rest[after..],
                None => return false,
            }
        }
        true
    }
}

impl Stretch {
    fn new(chars: Vec<Option<char>>) -> Self {
        match chars.iter().copied().collect::<Option<String>>() {
            Some(text) => {
                let finder = memmem::Finder::new(text.as_bytes()).into_owned();
                Self::Exact(text, Box::new(finder))
            }
            None => Self::Wild(chars),
        }
    }
    fn is_empty(&self) -> bool {
        matches!(self, Self::Exact(text, _) if text.is_empty())
    }
    /// The length in bytes of the match at the start of `s`.
    fn prefix(&self, s: &str) -> Option<usize> {
        match self {
            Self::Exact(text, _) => s.starts_with(text.as_str()).then_some(text.len()),
            Self::Wild(chars) => {
                let mut rest = s.chars();
                chars
                    .iter()
                    .all(|want| rest.next().is_some_and(|c| want.is_none_or(|w| w == c)))
                    .then(|| s.len() - rest.as_str().len())
            }
        }
    }
    /// Where the match at the end of `s` starts.
    fn suffix(&self, s: &str) -> Option<usize> {
        match self {
            Self::Exact(text, _) => s.ends_with(text.as_str()).then(|| s.len() - text.len()),
            Self::Wild(chars) => {
                let (at, _) = s.char_indices().nth_back(chars.len() - 1)?;
                self.prefix(&s[at..]).map(|_| at)
            }
        }
    }
    /// Where the leftmost match in `s` ends.
    fn find(&self, s: &str) -> Option<usize> {
        match self {
            Self::Exact(text, finder) => finder.find(s.as_bytes()).map(|at| at + text.len()),
            Self::Wild(_) => s.char_indices().find_map(|(at, _)| self.prefix(&s[at..]).map(|length| at + length)),
        }
    }
}

/// The regular expression of a SIMILAR TO pattern, for the whole text: `%` and `_` as in LIKE, the rest as in a regular
/// expression, `.` included (which the standard would take literally, but Flink does not).
fn similar_pattern(pattern: &str, escape: Option<char>) -> Result<Pattern, String> {
    let invalid = || format!("invalid SIMILAR TO pattern '{pattern}'");
    let mut java = String::from("(?s)\\A(?:");
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => {
                let next = chars.next().ok_or_else(invalid)?;
                if next.is_alphanumeric() && Some(next) != escape {
                    return Err(format!("invalid escape sequence in SIMILAR TO pattern '{pattern}'"));
                }
                push_literal(next, &mut java);
            }
            '\\' => java.push_str("\\\\"),
            '[' if !in_class => {
                in_class = true;
                java.push('[');
            }
            '[' => match named_class(chars.as_str()) {
                Some((name, rest)) => {
                    java.push_str(name);
                    chars = rest.chars();
                }
                None => java.push(c),
            },
            ']' => {
                in_class = false;
                java.push(']');
            }
            '_' if !in_class => java.push('.'),
            '%' if !in_class => java.push_str(".*"),
            '^' | '$' if !in_class => push_literal(c, &mut java),
            c => java.push(c),
        }
    }
    java.push_str(")\\z");
    Pattern::new(&java).map_err(|e| format!("{}: {e}", invalid()))
}

/// `:ALPHA:]` and the like, behind the bracket: the class in Java's words, and the rest.
fn named_class(text: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = text.strip_prefix(':')?.split_once(":]")?;
    let class = match name.to_ascii_uppercase().as_str() {
        "ALPHA" => r"\p{Alpha}",
        "UPPER" => r"\p{Upper}",
        "LOWER" => r"\p{Lower}",
        "DIGIT" => r"\p{Digit}",
        "ALNUM" => r"\p{Alnum}",
        "SPACE" | "WHITESPACE" => r"\p{Space}",
        _ => return None,
    };
    Some((class, rest))
}

fn push_literal(c: char, java: &mut String) {
    if c.is_ascii_punctuation() {
        java.push('\\');
    }
    java.push(c);
}

#[cfg(test)]
mod tests;
