//! The SQL/JSON functions, whose clauses become trailing text literals of a plain call, one per clause, as written:
//!
//! | SQL | arguments |
//! |---|---|
//! | `JSON_EXISTS(j, p UNKNOWN ON ERROR)` | `j, p, 'UNKNOWN ON ERROR'` |
//! | `JSON_VALUE(j, p RETURNING INT NULL ON EMPTY DEFAULT 1 ON ERROR)` | `j, p, 'RETURNING INT', 'NULL ON EMPTY', 'DEFAULT ON ERROR', 1` |
//! | `JSON_QUERY(j, p RETURNING ARRAY<STRING> WITH WRAPPER EMPTY ARRAY ON ERROR)` | `j, p, 'RETURNING ARRAY<STRING>', 'WITH UNCONDITIONAL WRAPPER', 'EMPTY ARRAY ON ERROR'` |
//! | `JSON_OBJECT(KEY k VALUE v, k2 VALUE JSON(t) ABSENT ON NULL)` | `k, v, k2, t, 'ABSENT ON NULL RAW 3'` |
//! | `JSON_ARRAY(a, JSON_OBJECT(…))` | `a, JSON_OBJECT(…), 'ABSENT ON NULL RAW 1'` |
//! | `JSON_OBJECTAGG(KEY k VALUE v)`, `JSON_ARRAYAGG(v)` | `k, v, FALSE`; `v, TRUE`: whether ABSENT ON NULL |
//!
//! Clauses that are not written are absent, but for the last argument of JSON_OBJECT (default `NULL ON NULL`) and
//! JSON_ARRAY (default `ABSENT ON NULL`). `RAW` lists the arguments, from 0, that are JSON text to be embedded as it is:
//! nested JSON_OBJECT and JSON_ARRAY calls, and `JSON(t)`, of which `t` is left.

use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::prefix::function;
use super::{Parsed, fail, take_words};
use crate::types;

/// JSON_EXISTS, JSON_VALUE and JSON_QUERY.
pub(super) fn query_call(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    open(parser)?;
    let mut args = parser.parse_comma_separated(Parser::parse_expr)?;
    while parser.peek_token_ref().token != Token::RParen {
        clause(parser, &mut args)?;
    }
    parser.expect_token(&Token::RParen)?;
    Ok(function(name, args))
}

/// One clause behind the path.
fn clause(parser: &mut Parser, args: &mut Vec<Expr>) -> Parsed<()> {
    if take_words(parser, &["RETURNING"]) {
        args.push(text(format!("RETURNING {}", types::parse(parser)?)));
        return Ok(());
    }
    if take_words(parser, &["WITHOUT"]) {
        take_words(parser, &["ARRAY"]);
        expect(parser, "WRAPPER")?;
        args.push(text("WITHOUT WRAPPER"));
        return Ok(());
    }
    if take_words(parser, &["WITH"]) {
        let conditional = take_words(parser, &["CONDITIONAL"]);
        if !conditional {
            take_words(parser, &["UNCONDITIONAL"]);
        }
        take_words(parser, &["ARRAY"]);
        expect(parser, "WRAPPER")?;
        args.push(text(if conditional { "WITH CONDITIONAL WRAPPER" } else { "WITH UNCONDITIONAL WRAPPER" }));
        return Ok(());
    }
    let (behaviour, value) = if take_words(parser, &["DEFAULT"]) {
        ("DEFAULT", Some(parser.parse_expr()?))
    } else if take_words(parser, &["EMPTY", "ARRAY"]) {
        ("EMPTY ARRAY", None)
    } else if take_words(parser, &["EMPTY", "OBJECT"]) {
        ("EMPTY OBJECT", None)
    } else {
        match ["NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN"].into_iter().find(|word| take_words(parser, &[word])) {
            Some(word) => (word, None),
            None => return parser.expected_ref("a clause such as NULL ON EMPTY or ')'", parser.peek_token_ref()),
        }
    };
    expect(parser, "ON")?;
    let when = match ["EMPTY", "ERROR"].into_iter().find(|word| take_words(parser, &[word])) {
        Some(when) => when,
        None => return parser.expected_ref("EMPTY or ERROR", parser.peek_token_ref()),
    };
    args.push(text(format!("{behaviour} ON {when}")));
    args.extend(value);
    Ok(())
}

/// `JSON_OBJECT([KEY] k VALUE v, … [NULL | ABSENT ON NULL])`.
pub(super) fn object(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    open(parser)?;
    let mut args = Vec::new();
    let mut raw = Vec::new();
    while parser.peek_token_ref().token != Token::RParen && !on_null_next(parser) {
        args.push(key(parser)?);
        value(parser, &mut args, &mut raw)?;
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    finish(parser, name, args, &raw, "NULL ON NULL")
}

/// `JSON_ARRAY(v, … [NULL | ABSENT ON NULL])`.
pub(super) fn array(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    open(parser)?;
    let mut args = Vec::new();
    let mut raw = Vec::new();
    while parser.peek_token_ref().token != Token::RParen && !on_null_next(parser) {
        value(parser, &mut args, &mut raw)?;
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    finish(parser, name, args, &raw, "ABSENT ON NULL")
}

/// `JSON_OBJECTAGG([KEY] k VALUE v [NULL | ABSENT ON NULL])`.
pub(super) fn object_aggregate(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    open(parser)?;
    let args = vec![key(parser)?, parser.parse_expr()?];
    aggregate(parser, name, args, false)
}

/// `JSON_ARRAYAGG(v [NULL | ABSENT ON NULL])`.
pub(super) fn array_aggregate(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    open(parser)?;
    let args = vec![parser.parse_expr()?];
    aggregate(parser, name, args, true)
}

/// The end of an aggregate, whose FILTER sqlparser reads with a plain call.
fn aggregate(parser: &mut Parser, name: ObjectName, mut args: Vec<Expr>, absent: bool) -> Parsed<Expr> {
    let absent = on_null(parser)?.map_or(absent, |clause| clause.starts_with("ABSENT"));
    parser.expect_token(&Token::RParen)?;
    args.push(Expr::value(ast::Value::Boolean(absent)));
    let mut call = function(name, args);
    if let Expr::Function(call) = &mut call
        && take_words(parser, &["FILTER"])
    {
        parser.expect_token(&Token::LParen)?;
        parser.expect_keyword_is(Keyword::WHERE)?;
        call.filter = Some(Box::new(parser.parse_expr()?));
        parser.expect_token(&Token::RParen)?;
    }
    Ok(call)
}

/// `[KEY] k VALUE` or `k :`.
fn key(parser: &mut Parser) -> Parsed<Expr> {
    take_words(parser, &["KEY"]);
    let key = parser.parse_expr()?;
    if !take_words(parser, &["VALUE"]) {
        return parser.expected_ref("VALUE", parser.peek_token_ref());
    }
    Ok(key)
}

/// A value; JSON text is noted in `raw`.
fn value(parser: &mut Parser, args: &mut Vec<Expr>, raw: &mut Vec<usize>) -> Parsed<()> {
    let token = parser.peek_token();
    let value = parser.parse_expr()?;
    let name = match &value {
        Expr::Function(call) => call.name.to_string().to_ascii_uppercase(),
        _ => String::new(),
    };
    match (name.as_str(), value) {
        ("JSON_OBJECT" | "JSON_ARRAY", value) => {
            raw.push(args.len());
            args.push(value);
        }
        ("JSON", Expr::Function(call)) => {
            let FunctionArguments::List(list) = call.args else { return fail(&token, "JSON takes one text") };
            match <[FunctionArg; 1]>::try_from(list.args) {
                Ok([FunctionArg::Unnamed(FunctionArgExpr::Expr(text))]) => {
                    raw.push(args.len());
                    args.push(text);
                }
                _ => return fail(&token, "JSON takes one text"),
            }
        }
        (_, value) => args.push(value),
    }
    Ok(())
}

fn finish(parser: &mut Parser, name: ObjectName, mut args: Vec<Expr>, raw: &[usize], default: &str) -> Parsed<Expr> {
    let mut clause = on_null(parser)?.unwrap_or(default).to_owned();
    parser.expect_token(&Token::RParen)?;
    if !raw.is_empty() {
        clause.push_str(" RAW");
        raw.iter().for_each(|index| clause.push_str(&format!(" {index}")));
    }
    args.push(text(clause));
    Ok(function(name, args))
}

fn on_null_next(parser: &Parser) -> bool {
    ["NULL", "ABSENT"].iter().any(|word| super::peek_words(parser, &[word, "ON", "NULL"]))
}

fn on_null(parser: &mut Parser) -> Parsed<Option<&'static str>> {
    if take_words(parser, &["NULL", "ON", "NULL"]) {
        return Ok(Some("NULL ON NULL"));
    }
    Ok(take_words(parser, &["ABSENT", "ON", "NULL"]).then_some("ABSENT ON NULL"))
}

fn open(parser: &mut Parser) -> Parsed<()> {
    parser.advance_token();
    parser.expect_token(&Token::LParen).map(drop)
}

fn expect(parser: &mut Parser, word: &str) -> Parsed<()> {
    super::expect_words(parser, &[word])
}

fn text(text: impl Into<String>) -> Expr {
    Expr::value(ast::Value::SingleQuotedString(text.into()))
}
