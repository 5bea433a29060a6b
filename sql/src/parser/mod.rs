//! SQL text → [`ParsedStatement`]s.
//!
//! ```text
//! text --tokens::tokenize--> tokens --tokens::split--> one piece per statement
//!   --statement::parse--> Statement   (create, query, show: our own; queries and expressions: sqlparser with FlinkDialect)
//! ```
//!
//! Where sqlparser's syntax tree has a form, it is used. The others:
//!
//! | SQL | in the tree |
//! |---|---|
//! | `CAST(x AS t)`, `TRY_CAST` | `Expr::Cast` whose type is read by [`crate::types::data_type`] |
//! | `TABLE t PARTITION BY a, b ORDER BY c` | function `TABLE` with args `t, a, b` and an ORDER BY clause |
//! | `TABLE (SELECT …)` | function `TABLE` with a subquery as its first argument |
//! | `MAP[k, v]`, `ROW(a, b)` | functions `MAP`, `ROW`; `ARRAY[…]` is `Expr::Array`, `(a, b)` is `Expr::Tuple` |
//! | `x IS JSON`, `IS JSON OBJECT` | functions `IS JSON VALUE`, `IS JSON OBJECT`, …; under NOT where negated |
//! | `JSON_VALUE(j, p RETURNING INT DEFAULT 1 ON ERROR)` | function with its clauses as text, see [`json`] |
//! | `x BETWEEN SYMMETRIC a AND b` | an OR of two `Expr::Between` |
//! | `U&'…' UESCAPE '!'`, `_UTF16'…'` | a plain text literal |

mod alter;
mod create;
pub(crate) mod infix;
mod json;
pub(crate) mod prefix;
mod query;
mod show;
mod statement;
mod syntax_error;
mod tokens;

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::dialect::FlinkDialect;
use crate::error::{QueryError, Result, Span};
use crate::statement::{Name, ParsedStatement};

/// How deep expressions and queries may nest.
const DEPTH_MAX: usize = 200;

/// Parses every statement of a script.
///
/// # Errors
/// The first syntax error, at its place in `text`.
pub fn parse_script(text: &str) -> Result<Vec<ParsedStatement>> {
    let tokens = tokens::tokenize(text)?;
    tokens::split(&tokens).into_iter().map(|piece| parse_piece(text, piece)).collect()
}

/// Whether `text` does not end inside a statement: what a shell asks to know whether Enter continues or runs. Text that no
/// further line can make readable is complete: running it shows why.
pub fn is_complete(text: &str) -> bool {
    match tokens::tokenize(text) {
        Ok(tokens) => tokens::ends_complete(&tokens),
        Err(error) => !tokens::is_unclosed(&error),
    }
}

fn parse_piece(text: &str, piece: &[TokenWithSpan]) -> Result<ParsedStatement> {
    if let Some(token) = nested_too_deep(piece) {
        let span = Span::from_parser(token.span).map(|span| span.within(text));
        return Err(QueryError::new("the type nests too deep").with_span(span).with_hint("split it into columns"));
    }
    let dialect = FlinkDialect::default();
    let mut parser = parser(&dialect, piece.to_vec());
    let statement = statement::parse(&mut parser, text).map_err(|error| {
        let error = syntax_error::convert(error, dialect.furthest(), piece);
        QueryError { span: error.span.map(|span| span.within(text)), ..error }
    })?;
    let span = tokens::span_of(piece).expect("a statement has a token");
    Ok(ParsedStatement { statement, text: tokens::slice(text, span).to_owned(), span })
}

/// The `<` of a type that has too many open ones before it. sqlparser's limit counts expressions and queries, not our types.
fn nested_too_deep(piece: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let (mut depth, mut of_type) = (0usize, false);
    for token in piece {
        match &token.token {
            Token::Lt if of_type => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some(token);
                }
            }
            Token::Gt => depth = depth.saturating_sub(1),
            Token::ShiftRight => depth = depth.saturating_sub(2),
            _ => {}
        }
        let takes_types =
            |word: &Word| ["ARRAY", "MAP", "MULTISET", "ROW"].iter().any(|name| word.value.eq_ignore_ascii_case(name));
        of_type = bare_word(&token.token).is_some_and(takes_types);
    }
    None
}

/// A parser over tokens.
pub(crate) fn parser(dialect: &FlinkDialect, tokens: Vec<TokenWithSpan>) -> Parser<'_> {
    Parser::new(dialect).with_recursion_limit(DEPTH_MAX).with_tokens_with_locations(tokens)
}

/// Tokens of `text` where it is not a whole script, such as a type.
pub(crate) fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    tokens::tokenize(text)
}

/// What sqlparser's own functions and ours give.
pub(crate) type Parsed<T> = Result<T, ParserError>;

/// Splits what an error of ours carries: the hint stands behind this character.
const HINT: char = '\u{1}';

/// An error of ours at a token, in sqlparser's form.
pub(crate) fn fail<T>(at: &TokenWithSpan, message: impl std::fmt::Display) -> Parsed<T> {
    Err(ParserError::ParserError(format!("{message}{}", at.span.start)))
}

/// The same with advice.
pub(crate) fn fail_with<T>(
    at: &TokenWithSpan,
    message: impl std::fmt::Display,
    hint: impl std::fmt::Display,
) -> Parsed<T> {
    fail(at, format!("{message}{HINT}{hint}"))
}

/// The word at `token`, if it is one without quotes.
pub(crate) fn bare_word(token: &Token) -> Option<&Word> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word),
        _ => None,
    }
}

/// Whether the `n`th token from here is that word (in upper case), without quotes.
pub(crate) fn peek_nth_word(parser: &Parser, n: usize, word: &str) -> bool {
    bare_word(&parser.peek_nth_token_ref(n).token).is_some_and(|w| w.value.eq_ignore_ascii_case(word))
}

/// Whether these words come next.
pub(crate) fn peek_words(parser: &Parser, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(n, word)| peek_nth_word(parser, n, word))
}

/// Takes these words if all of them come next.
pub(crate) fn take_words(parser: &mut Parser, words: &[&str]) -> bool {
    let found = peek_words(parser, words);
    if found {
        words.iter().for_each(|_| parser.advance_token());
    }
    found
}

/// Takes these words, or fails.
pub(crate) fn expect_words(parser: &mut Parser, words: &[&str]) -> Parsed<()> {
    for word in words {
        if !take_words(parser, &[word]) {
            return parser.expected_ref(word, parser.peek_token_ref());
        }
    }
    Ok(())
}

/// A name, or the last part of `default_catalog.default_database.name`.
pub(crate) fn table_name(parser: &mut Parser) -> Parsed<Name> {
    let first = parser.peek_token();
    let mut parts = vec![parser.parse_identifier()?];
    while parser.consume_token(&Token::Period) {
        parts.push(parser.parse_identifier()?);
    }
    let qualifiers: Vec<&str> = parts[..parts.len() - 1].iter().map(|p| p.value.as_str()).collect();
    match qualifiers.as_slice() {
        [] | ["default_database"] | ["default_catalog", "default_database"] => {
            Ok(Name::from_ident(parts.last().expect("at least one")))
        }
        _ => fail_with(
            &first,
            format!("unknown catalog or database '{}'", qualifiers.join(".")),
            "there is one catalog, default_catalog, with one database, default_database: leave them out",
        ),
    }
}

/// Text in single quotes and where it stands.
pub(crate) fn text_literal(parser: &mut Parser, what: &str) -> Parsed<Name> {
    let token = parser.next_token();
    match token.token {
        Token::SingleQuotedString(text) => Ok(Name { text, span: Span::from_parser(token.span) }),
        _ => parser.expected(&format!("{what} in single quotes"), token),
    }
}

#[cfg(test)]
mod tests;
