//! sqlparser's errors in our form: at the token that is wrong, with what was meant.

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{HINT, bare_word};
use crate::dialect::Furthest;
use crate::error::{QueryError, Span};

/// Words that a misspelt word is compared with.
const WORDS: &[&str] = &[
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CREATE",
    "CROSS",
    "CUBE",
    "DESCRIBE",
    "DESCRIPTOR",
    "DISTINCT",
    "DROP",
    "ELSE",
    "EMIT",
    "END",
    "ENFORCED",
    "EXECUTE",
    "EXISTS",
    "EXPLAIN",
    "FILTER",
    "FOR",
    "FROM",
    "FUNCTION",
    "GROUP",
    "GROUPING",
    "HAVING",
    "INNER",
    "INSERT",
    "INTERVAL",
    "INTO",
    "JOIN",
    "LANGUAGE",
    "LATENESS",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "METADATA",
    "NULL",
    "ORDER",
    "OVER",
    "PARTITION",
    "PRECEDING",
    "PRIMARY",
    "RANGE",
    "RESET",
    "RETURNS",
    "ROLLUP",
    "ROWS",
    "SELECT",
    "SETS",
    "SHOW",
    "STATEMENT",
    "TABLE",
    "TEMPORARY",
    "THEN",
    "UNION",
    "UNNEST",
    "USING",
    "VALUES",
    "VIEW",
    "VIRTUAL",
    "WATERMARK",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// The error of a statement whose tokens are `piece`.
pub(super) fn convert(error: ParserError, furthest: Furthest, piece: &[TokenWithSpan]) -> QueryError {
    let (text, place) = match error {
        ParserError::RecursionLimitExceeded => {
            return QueryError::new("the statement nests too deep")
                .with_hint("split it into views")
                .with_span(super::tokens::span_of(piece));
        }
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => split_place(text),
    };
    let index = place.and_then(|(line, column)| {
        piece.iter().position(|t| (t.span.start.line, t.span.start.column) == (line, column))
    });
    let here = index.unwrap_or(piece.len());
    // sqlparser gave up an alternative that had come further: the mistake is there.
    if furthest.token > here && text.starts_with("Expected: ") {
        return match furthest.error {
            Some(error) => convert(error, Furthest::default(), piece),
            None => unexpected(piece, furthest.token),
        };
    }
    let (message, hint) = match text.split_once(HINT) {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    };
    let message = match message.strip_prefix("Expected: ") {
        Some(rest) => {
            let expected = rest.rsplit_once(", found: ").map_or(rest, |(expected, _)| expected);
            format!("expected {}, found {}", expected.trim_start_matches("end of statement or "), found(piece, here))
        }
        None => lower_first(&message),
    };
    let error = QueryError { hint, ..QueryError::new(message).with_span(span(piece, here)) };
    suggest(error, piece, here)
}

/// A token that fits nowhere.
fn unexpected(piece: &[TokenWithSpan], index: usize) -> QueryError {
    let error = QueryError::new(format!("unexpected {}", found(piece, index))).with_span(span(piece, index));
    suggest(error, piece, index)
}

/// ` at Line: 1, Column: 5` at the end of sqlparser's texts.
fn split_place(text: String) -> (String, Option<(u64, u64)>) {
    let parse = |text: &str| {
        let (message, place) = text.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        Some((message.to_owned(), (line.parse().ok()?, column.trim().parse().ok()?)))
    };
    match parse(&text) {
        Some((message, place)) => (message, Some(place)),
        None => (text, None),
    }
}

fn found(piece: &[TokenWithSpan], index: usize) -> String {
    match piece.get(index).map(|t| &t.token) {
        None | Some(Token::EOF) => "the end of the statement".to_owned(),
        Some(Token::SingleQuotedString(_)) => piece[index].token.to_string(),
        Some(token) => format!("'{token}'"),
    }
}

/// The token's place, or the one behind the last token.
fn span(piece: &[TokenWithSpan], index: usize) -> Option<Span> {
    match piece.get(index) {
        Some(token) if token.token != Token::EOF => Span::from_parser(token.span),
        _ => {
            let end = super::tokens::span_of(piece)?;
            Some(Span {
                line: end.end_line,
                column: end.end_column,
                end_line: end.end_line,
                end_column: end.end_column + 1,
            })
        }
    }
}

/// Adds what a misspelt word here or just before probably was meant to be.
fn suggest(error: QueryError, piece: &[TokenWithSpan], index: usize) -> QueryError {
    if error.hint.is_some() {
        return error;
    }
    if let Some(Token::DoubleQuotedString(name)) = piece.get(index).map(|t| &t.token) {
        return error.with_hint(format!("write names as `{name}` and text as '{name}'"));
    }
    for at in [index, index.wrapping_sub(1)] {
        let Some(word) = piece.get(at).and_then(|t| bare_word(&t.token)) else { continue };
        let upper = word.value.to_ascii_uppercase();
        if WORDS.contains(&upper.as_str()) {
            continue;
        }
        // Of equally near words the one of the same length: FORM is FROM rather than FOR.
        let scored = WORDS.iter().filter_map(|known| {
            let distance = strsim::damerau_levenshtein(&upper, known);
            let close = upper.len() >= 3 && distance <= 1 + upper.len() / 6;
            close.then_some((distance, upper.len().abs_diff(known.len()), known))
        });
        if let Some((_, _, known)) = scored.min() {
            return error.with_hint(format!("did you mean {known} instead of '{}'?", word.value));
        }
    }
    let reserved = piece
        .get(index)
        .and_then(|t| bare_word(&t.token))
        .filter(|w| error.message.contains("identifier") && w.keyword != sqlparser::keywords::Keyword::NoKeyword);
    match reserved {
        Some(word) => {
            let hint = format!("'{0}' is a reserved word: write a name as `{0}`", word.value);
            error.with_hint(hint)
        }
        None => error,
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        // `SELECT` and other words in capitals stay.
        Some(first) if !chars.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
