//! Tokens of a script, and the pieces between semicolons.

use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError, Whitespace};

use super::bare_word;
use crate::dialect::FlinkDialect;
use crate::error::{QueryError, Result, Span};

/// The tokens of `text`, with what Flink reads differently put right.
pub(super) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    let dialect = FlinkDialect::default();
    let raw = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(|error| unreadable(&error, text))?;
    let mut tokens: Vec<TokenWithSpan> = Vec::with_capacity(raw.len());
    for token in raw {
        match &token.token {
            // `ARRAY<ARRAY<INT>>` ends in two brackets; Flink has no shift operator.
            Token::ShiftRight => {
                let mut middle = token.span.start;
                middle.column += 1;
                tokens.push(TokenWithSpan::at(Token::Gt, token.span.start, middle));
                tokens.push(TokenWithSpan::at(Token::Gt, middle, token.span.end));
            }
            Token::Whitespace(Whitespace::MultiLineComment(comment)) if comment.starts_with('+') => {
                return Err(QueryError::unsupported(
                    "a hint",
                    "set options in CREATE TABLE, or in CREATE TABLE … LIKE",
                )
                .with_span(Span::from_parser(token.span)));
            }
            Token::Whitespace(_) => {}
            _ => tokens.push(token),
        }
    }
    Ok(tokens)
}

/// What the tokenizer could not read, in the user's words.
fn unreadable(error: &TokenizerError, text: &str) -> QueryError {
    let message = match error.message.as_str() {
        m if m.contains("Unterminated string literal") => "text in single quotes is not closed".to_owned(),
        m if m.contains("Unexpected EOF while in a multi-line comment") => "the comment is not closed".to_owned(),
        m if m.contains("close delimiter") => "a name in backticks is not closed".to_owned(),
        m if m.contains("UTF-16") || m.contains("nicode") => {
            format!("unreadable Unicode literal: {}", m.to_lowercase())
        }
        m => {
            let mut chars = m.chars();
            chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    };
    let (line, column) = (error.location.line as u32, error.location.column as u32);
    QueryError::new(message).with_span(Span { line, column, end_line: line, end_column: column + 1 }.within(text))
}

/// Whether the text is only not closed: quotes or a comment.
pub(super) fn is_unclosed(error: &QueryError) -> bool {
    error.message.ends_with("not closed")
}

/// One piece per statement, without its semicolon. `EXECUTE STATEMENT SET BEGIN … END` is one statement.
pub(super) fn split(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut set = SetState::default();
    for (i, token) in tokens.iter().enumerate() {
        if token.token == Token::SemiColon {
            if !set.is_open() {
                pieces.push(&tokens[start..i]);
                start = i + 1;
                set = SetState::default();
            }
        } else {
            set.see(token);
        }
    }
    pieces.push(&tokens[start..]);
    pieces.retain(|piece| piece.iter().any(|t| t.token != Token::EOF));
    pieces
}

/// Whether the last statement has its semicolon.
pub(super) fn ends_complete(tokens: &[TokenWithSpan]) -> bool {
    let mut set = SetState::default();
    let mut complete = true;
    for token in tokens.iter().filter(|t| t.token != Token::EOF) {
        complete = token.token == Token::SemiColon && !set.is_open();
        if complete {
            set = SetState::default();
        } else {
            set.see(token);
        }
    }
    complete
}

/// Whether a semicolon stands inside a statement set.
#[derive(Default)]
struct SetState {
    words: usize,
    begun: bool,
    ended: bool,
    case_depth: usize,
    previous_statement: bool,
}

impl SetState {
    fn is_open(&self) -> bool {
        self.begun && !self.ended
    }
    fn see(&mut self, token: &TokenWithSpan) {
        let Some(word) = bare_word(&token.token) else {
            self.words += 1;
            return;
        };
        let word = word.value.to_ascii_uppercase();
        self.words += 1;
        if self.previous_statement && word == "SET" && self.words <= 5 {
            self.begun = true;
        }
        self.previous_statement = word == "STATEMENT";
        match word.as_str() {
            "CASE" => self.case_depth += 1,
            "END" if self.case_depth > 0 => self.case_depth -= 1,
            "END" if self.begun => self.ended = true,
            _ => {}
        }
    }
}

/// From the first token to the last.
pub(super) fn span_of(piece: &[TokenWithSpan]) -> Option<Span> {
    let mut spans = piece.iter().filter_map(|t| Span::from_parser(t.span));
    let first = spans.next()?;
    Some(spans.fold(first, Span::to))
}

/// The part of `text` that a span covers.
pub(super) fn slice(text: &str, span: Span) -> &str {
    let start = offset(text, span.line, span.column);
    let end = offset(text, span.end_line, span.end_column);
    &text[start..end.max(start)]
}

/// The byte at a line and column; the end of the text where it has no such place.
fn offset(text: &str, line: u32, column: u32) -> usize {
    let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column as usize - 1).map_or(rest.len(), |(at, _)| at)
}
