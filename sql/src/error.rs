//! Errors in the user's SQL: what is wrong, where in the user's own text, why, and what to write instead.

use std::fmt::{self, Write};

use sqlparser::ast::Spanned;
use sqlparser::tokenizer;
use unicode_width::UnicodeWidthChar;

/// A result of this crate.
pub type Result<T, E = QueryError> = std::result::Result<T, E>;

/// A place in the user's text: lines and columns (in characters) from 1, the end behind the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column behind the last character.
    pub end_column: u32,
}

/// Why a statement is refused. `message` is lower case, has no full stop and says what was attempted; it renders as
///
/// ```text
/// error: window size must be positive
///   3 | FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '0' SECOND))
///     |                                               ^^^^^^^^^^^^^^^^^^^
/// hint: use an interval of at least INTERVAL '1' MILLISECOND
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong.
    pub message: String,
    /// Where, in the text of the script or statement that was parsed.
    pub span: Option<Span>,
    /// Why: types, what was found.
    pub detail: Option<String>,
    /// What to do instead.
    pub hint: Option<String>,
}

/// The widest piece of a source line that is shown around an error, in columns.
const EXCERPT_COLUMNS_MAX: usize = 120;

impl Span {
    /// Where a node of the syntax tree stands; `None` where the parser kept no position.
    pub fn of(node: &impl Spanned) -> Option<Self> {
        Self::from_parser(node.span())
    }
    /// From the parser's span; `None` for its empty span.
    pub fn from_parser(span: tokenizer::Span) -> Option<Self> {
        if span.start.line == 0 {
            return None;
        }
        let end = if span.end.line == 0 { span.start } else { span.end };
        Some(Self {
            line: span.start.line as u32,
            column: span.start.column as u32,
            end_line: end.line as u32,
            end_column: end.column as u32,
        })
    }
    /// The part of it that lies in `text`; where none does, the place behind the last character of its line.
    pub(crate) fn within(self, text: &str) -> Self {
        let place = |line: u32, column: u32| {
            let lines = text.split('\n').count() as u32;
            let (line, column) = if line > lines { (lines, u32::MAX) } else { (line.max(1), column) };
            let width = text.split('\n').nth(line as usize - 1).map_or(0, |l| l.chars().count() as u32);
            (line, column.clamp(1, width + 1))
        };
        let (line, column) = place(self.line, self.column);
        let (end_line, end_column) = place(self.end_line, self.end_column).max((line, column));
        Self { line, column, end_line, end_column }
    }
    /// The smallest span around both.
    pub fn to(self, other: Self) -> Self {
        let start = (self.line, self.column).min((other.line, other.column));
        let end = (self.end_line, self.end_column).max((other.end_line, other.end_column));
        Self { line: start.0, column: start.1, end_line: end.0, end_column: end.1 }
    }
}

impl QueryError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, detail: None, hint: None }
    }
    /// An error at a node of the syntax tree.
    pub fn at(node: &impl Spanned, message: impl Into<String>) -> Self {
        Self::new(message).or_span(Span::of(node))
    }
    /// Something that SQL or Flink has and wasmill does not (yet): `what` names it, `instead` says what to use.
    pub fn unsupported(what: impl fmt::Display, instead: impl Into<String>) -> Self {
        Self::new(format!("{what} is not supported")).with_hint(instead)
    }
    /// `kind` `name` does not exist; suggests the nearest of `known`.
    pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let error = Self::new(format!("unknown {kind} '{name}'"));
        match nearest(name, known) {
            Some(near) => error.with_hint(format!("did you mean '{near}'?")),
            None => error,
        }
    }
    /// The same at that place.
    pub fn with_span(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }
    /// The same at that place, unless it has one.
    pub fn or_span(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = self.span.or(span.into());
        self
    }
    /// The same with a reason.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// The same with advice.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// The same with advice, unless it has some.
    pub fn or_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }
    /// The error under the user's own `text`, several lines without a last line break.
    pub fn render(&self, text: &str) -> String {
        let mut out = format!("error: {}", self.message);
        if let Some(span) = self.span
            && let Some(line) = text.split('\n').nth(span.line as usize - 1)
        {
            let (excerpt, marks) = excerpt(line.trim_end_matches('\r'), span);
            let number = span.line.to_string();
            let pad = " ".repeat(number.len());
            let _ = write!(out, "\n  {number} | {excerpt}\n  {pad} | {marks}");
        }
        for (label, part) in [("detail", &self.detail), ("hint", &self.hint)] {
            if let Some(part) = part {
                let _ = write!(out, "\n{label}: {part}");
            }
        }
        out
    }
}

/// The line, cut to what fits around the span, and the carets below it.
fn excerpt(line: &str, span: Span) -> (String, String) {
    let end = if span.end_line == span.line { span.end_column } else { u32::MAX };
    let (mut shown, mut marks) = (String::new(), String::new());
    let (mut columns_before, mut cut) = (0, false);
    let is_long = line.chars().map(|c| c.width().unwrap_or(1)).sum::<usize>() > EXCERPT_COLUMNS_MAX;
    for (c, column) in line.chars().zip(1u32..) {
        // A tab is shown as four spaces, so that the carets stand right on every terminal.
        let (text, width) = match c {
            '\t' => ("    ".to_owned(), 4),
            c if c.is_control() => ("\u{fffd}".to_owned(), 1),
            c => (c.to_string(), c.width().unwrap_or(0)),
        };
        if column < span.column {
            columns_before += width;
        } else if marks.chars().count() > EXCERPT_COLUMNS_MAX
            || (columns_before < EXCERPT_COLUMNS_MAX * 2 / 3 && shown.chars().count() > EXCERPT_COLUMNS_MAX)
        {
            cut = true;
            break;
        }
        shown.push_str(&text);
        let mark = if column >= span.column && column < end { "^" } else { " " };
        marks.push_str(&mark.repeat(width));
        while is_long && column < span.column && columns_before >= EXCERPT_COLUMNS_MAX * 2 / 3 && !shown.is_empty() {
            let first = shown.remove(0);
            let width = first.width().unwrap_or(0);
            columns_before -= width;
            marks.drain(..width);
        }
    }
    let mut marks = marks.trim_end().to_owned();
    if marks.is_empty() {
        // The end of the line or of the text: one caret behind the last character.
        marks = format!("{}^", " ".repeat(columns_before));
    }
    if cut {
        shown.push('…');
    }
    (shown.trim_end().to_owned(), marks)
}

/// The error on one line: `line 3, column 12: message (hint)`.
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = self.span {
            write!(f, "line {}, column {}: ", span.line, span.column)?;
        }
        f.write_str(&self.message)?;
        for part in [&self.detail, &self.hint].into_iter().flatten() {
            write!(f, "; {part}")?;
        }
        Ok(())
    }
}

impl std::error::Error for QueryError {}

/// The candidate that `name` was probably meant to be: at most a third of it differs, or one begins with the other.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let scored = candidates.into_iter().filter_map(|candidate| {
        let other = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&wanted, &other);
        let close = distance <= (wanted.chars().count().max(other.chars().count()) / 3).max(1);
        let begins =
            wanted.len() >= 3 && (other.starts_with(&wanted) || wanted.starts_with(&other) && other.len() >= 3);
        (close || begins).then_some((distance, candidate))
    });
    scored.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(line: u32, column: u32, end_column: u32) -> Span {
        Span { line, column, end_line: line, end_column }
    }

    #[test]
    fn renders_under_the_users_text() {
        let text = "SELECT *\nFROM\tt\nWHERE 天 = naem";
        let error = QueryError::unknown("column", "naem", ["id", "name"]).with_span(span(3, 11, 15));
        assert_eq!(
            error.render(text),
            "error: unknown column 'naem'\n  3 | WHERE 天 = naem\n    |            ^^^^\nhint: did you mean 'name'?"
        );
        let tab = QueryError::new("unknown table 't'").with_span(span(2, 6, 7));
        assert_eq!(tab.render(text), "error: unknown table 't'\n  2 | FROM    t\n    |         ^");
        let end = QueryError::new("expected an expression").with_span(span(2, 7, 8));
        assert!(end.render(text).ends_with("  2 | FROM    t\n    |          ^"), "{}", end.render(text));
        assert_eq!(error.to_string(), "line 3, column 11: unknown column 'naem'; did you mean 'name'?");
    }

    #[test]
    fn lines_that_fit_are_not_cut() {
        let text = format!("SELECT {}bad", "a, ".repeat(30));
        let shown = QueryError::new("x").with_span(span(1, 98, 101)).render(&text);
        assert!(shown.contains(&text) && shown.ends_with(&format!("    | {}^^^", " ".repeat(97))), "{shown}");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("SELECT {}bad{}", "a, ".repeat(1000), ", b".repeat(1000));
        let shown = QueryError::new("x").with_span(span(1, 3008, 3011)).render(&text);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].chars().count() < 250 && lines[1].contains("bad"), "{shown}");
        let column = lines[2].find('^').unwrap();
        assert_eq!(lines[1].chars().skip(column).take(3).collect::<String>(), "bad");
        assert_eq!(lines[2].matches('^').count(), 3);
    }

    #[test]
    fn nearest_names() {
        assert_eq!(nearest("amuont", ["account", "amount"]), Some("amount"));
        assert_eq!(nearest("conector", ["connector", "format"]), Some("connector"));
        assert_eq!(nearest("xyz", ["connector", "format"]), None);
        assert_eq!(nearest("UPPERCASE", ["UPPER", "LOWER"]), Some("UPPER"));
    }
}
