//! Queries with wasmill's trailing clauses, and INSERT.

use sqlparser::ast::{self, Expr};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Parsed, fail, fail_with, peek_words, take_words};
use crate::error::Span;
use crate::statement::{InsertStatement, QueryStatement};

/// `query [EMIT ON ARRIVAL] [ALLOW LATENESS INTERVAL '…' UNIT] [LATE ROWS INTO t]`, in parentheses or not.
pub(super) fn statement(parser: &mut Parser) -> Parsed<QueryStatement> {
    if encloses_all(parser) {
        parser.advance_token();
        let mut inner = statement(parser)?;
        parser.expect_token(&Token::RParen)?;
        clauses(parser, &mut inner)?;
        return Ok(inner);
    }
    refuse_within(parser)?;
    let mut query = QueryStatement::plain(parser.parse_query()?);
    clauses(parser, &mut query)?;
    Ok(query)
}

/// Whether the next token opens a parenthesis that closes only before the end of the statement or a trailing clause.
fn encloses_all(parser: &Parser) -> bool {
    if parser.peek_token_ref().token != Token::LParen {
        return false;
    }
    let mut depth = 0;
    let mut tokens = rest(parser);
    while let Some(token) = tokens.next() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return tokens.next().is_none_or(|next| match &next.token {
                Token::SemiColon | Token::RParen => true,
                other => ["EMIT", "ALLOW", "LATE"].iter().any(|word| is_word(other, word)),
            });
        }
    }
    false
}

/// The tokens from the next one to the end of the script, without white space. `Parser::peek_nth_token` counts from the
/// start each time, which makes a look over all tokens quadratic.
fn rest<'a>(parser: &'a Parser) -> impl Iterator<Item = &'a TokenWithSpan> {
    let next = parser.peek_token_ref();
    (parser.get_current_index()..)
        .map(|index| parser.token_at(index))
        .skip_while(move |token| !std::ptr::eq(*token, next) && token.token != Token::EOF)
        .take_while(|token| token.token != Token::EOF)
        .filter(|token| !matches!(token.token, Token::Whitespace(_)))
}

fn is_word(token: &Token, word: &str) -> bool {
    super::bare_word(token).is_some_and(|w| w.value.eq_ignore_ascii_case(word))
}

/// `PATTERN (…) WITHIN INTERVAL '…'` is Flink's own and unknown to sqlparser; MATCH_RECOGNIZE is refused here by name.
fn refuse_within(parser: &Parser) -> Parsed<()> {
    let mut inside = None;
    let mut tokens = rest(parser).take_while(|t| t.token != Token::SemiColon).peekable();
    while let Some(token) = tokens.next() {
        if is_word(&token.token, "MATCH_RECOGNIZE") {
            inside = Some(token);
        } else if is_word(&token.token, "WITHIN") && tokens.peek().is_some_and(|t| is_word(&t.token, "INTERVAL")) {
            if let Some(start) = inside {
                return fail_with(
                    start,
                    "MATCH_RECOGNIZE is not supported",
                    "for simple sequences, LAG(…) OVER (PARTITION BY … ORDER BY ts) sees the rows before",
                );
            }
        }
    }
    Ok(())
}

fn clauses(parser: &mut Parser, query: &mut QueryStatement) -> Parsed<()> {
    loop {
        let first = parser.peek_token();
        if take_words(parser, &["EMIT", "ON", "ARRIVAL"]) {
            once(&first, query.emit_on_arrival.is_some(), "EMIT ON ARRIVAL")?;
            query.emit_on_arrival = span(parser, &first);
        } else if take_words(parser, &["ALLOW", "LATENESS"]) {
            once(&first, query.allow_lateness_ms.is_some(), "ALLOW LATENESS")?;
            let ms = lateness_ms(parser)?;
            query.allow_lateness_ms = span(parser, &first).map(|span| (ms, span));
        } else if take_words(parser, &["LATE", "ROWS", "INTO"]) {
            once(&first, query.late_rows_into.is_some(), "LATE ROWS INTO")?;
            let table = super::table_name(parser)?;
            query.late_rows_into = span(parser, &first).map(|span| (table.text, span));
        } else if peek_words(parser, &["EMIT"]) {
            return fail_with(&first, "unexpected 'EMIT'", "the clause is EMIT ON ARRIVAL");
        } else if peek_words(parser, &["ALLOW"]) {
            return fail_with(&first, "unexpected 'ALLOW'", "the clause is ALLOW LATENESS INTERVAL '1' MINUTE");
        } else if peek_words(parser, &["LATE"]) {
            return fail_with(&first, "unexpected 'LATE'", "the clause is LATE ROWS INTO t");
        } else {
            return Ok(());
        }
    }
}

fn once(first: &TokenWithSpan, is_there: bool, clause: &str) -> Parsed<()> {
    if is_there { fail(first, format!("{clause} stands there twice")) } else { Ok(()) }
}

/// From `first` to the token just read.
fn span(parser: &Parser, first: &TokenWithSpan) -> Option<Span> {
    let start = Span::from_parser(first.span)?;
    Some(Span::from_parser(parser.get_current_token().span).map_or(start, |end| start.to(end)))
}

/// `INTERVAL '…' UNIT [TO UNIT]`, not negative.
fn lateness_ms(parser: &mut Parser) -> Parsed<i64> {
    let token = parser.peek_token();
    let hint = "write ALLOW LATENESS INTERVAL '1' MINUTE";
    if !super::peek_nth_word(parser, 0, "INTERVAL") {
        return parser.expected("an interval", token);
    }
    let expr = parser.parse_prefix()?;
    match interval_ms(&expr) {
        Some(ms) if ms >= 0 => Ok(ms),
        Some(_) => fail_with(&token, "the allowed lateness cannot be negative", hint),
        None => fail_with(&token, "the allowed lateness must be a constant interval of days or less", hint),
    }
}

/// The length of a constant day-time interval.
fn interval_ms(expr: &Expr) -> Option<i64> {
    let Expr::Interval(interval) = expr else { return None };
    let Expr::Value(value) = interval.value.as_ref() else { return None };
    let ast::Value::SingleQuotedString(text) = &value.value else { return None };
    let rank = |field: &ast::DateTimeField| -> Option<usize> {
        let name = field.to_string();
        ["WEEK", "DAY", "HOUR", "MINUTE", "SECOND"].iter().position(|unit| name.trim_end_matches('S') == *unit)
    };
    let first = rank(interval.leading_field.as_ref()?)?;
    let last = interval.last_field.as_ref().map_or(Some(first), rank)?;
    let (sign, text) = match text.trim().strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.trim()),
    };
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    if last < first || parts.len() != last - first + 1 {
        return None;
    }
    const UNIT_MS: [i64; 5] = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000];
    let mut total = 0i64;
    for (unit, part) in (first..=last).zip(parts) {
        let (whole, fraction) = if unit == 4 { part.split_once('.').unwrap_or((part, "")) } else { (part, "") };
        let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        total = total.checked_add(whole.parse::<i64>().ok()?.checked_mul(UNIT_MS[unit])?)?.checked_add(ms)?;
    }
    Some(sign * total)
}

/// `INSERT INTO [TABLE | MODEL] t [(columns)] query`.
pub(super) fn insert(parser: &mut Parser) -> Parsed<InsertStatement> {
    let first = parser.next_token();
    let token = parser.peek_token();
    if take_words(parser, &["OVERWRITE"]) {
        return fail_with(
            &token,
            "INSERT OVERWRITE is not supported",
            "INSERT INTO appends; remove old files before the job",
        );
    }
    super::expect_words(parser, &["INTO"])?;
    // A table may be called `model` as well.
    let begins_query = |parser: &mut Parser, at| {
        ["SELECT", "WITH", "VALUES", "PARTITION"].iter().any(|word| super::peek_nth_word(parser, at, word))
    };
    let is_model = super::peek_nth_word(parser, 0, "MODEL")
        && matches!(parser.peek_nth_token_ref(1).token, Token::Word(_))
        && !begins_query(parser, 1);
    let into_model = is_model && take_words(parser, &["MODEL"]);
    if !into_model {
        take_words(parser, &["TABLE"]);
    }
    let table = super::table_name(parser)?;
    let token = parser.peek_token();
    if take_words(parser, &["PARTITION"]) {
        return fail_with(&token, "INSERT INTO … PARTITION is not supported", "give the column's value in the SELECT");
    }
    let mut columns = Vec::new();
    let names = parser.peek_token_ref().token == Token::LParen
        && !["SELECT", "WITH", "VALUES"].iter().any(|word| super::peek_nth_word(parser, 1, word))
        && parser.peek_nth_token_ref(1).token != Token::LParen;
    if names {
        parser.advance_token();
        columns = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
    }
    if !["SELECT", "WITH", "VALUES"].iter().any(|word| super::peek_nth_word(parser, 0, word))
        && parser.peek_token_ref().token != Token::LParen
    {
        return parser.expected_ref("SELECT or VALUES", parser.peek_token_ref());
    }
    let query = statement(parser)?;
    Ok(InsertStatement { table, into_model, columns, query, span: span(parser, &first) })
}
