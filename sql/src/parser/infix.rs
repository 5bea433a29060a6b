//! Operators behind an expression, where Flink differs from sqlparser.

use sqlparser::ast::{BinaryOperator, Expr, Ident, ObjectName};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Parsed, fail_with, peek_words, prefix, take_words};

/// Parses the operator at the next token; `None` leaves it to sqlparser.
pub(crate) fn parse(parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Parsed<Expr>> {
    let token = parser.peek_token();
    match &token.token {
        Token::Word(word) if word.keyword == Keyword::IS => is(parser, left, precedence),
        Token::Word(word) if matches!(word.keyword, Keyword::NOT | Keyword::BETWEEN) => {
            between(parser, left, precedence)
        }
        Token::DoubleColon => Some(fail_with(&token, "'::' is not supported", "write CAST(… AS type)")),
        Token::DoubleEq => Some(fail_with(&token, "'==' is not supported", "write =")),
        Token::Colon => Some(fail_with(&token, "unexpected ':'", "a field of a row is written r.f")),
        _ => None,
    }
}

/// `IS [NOT] JSON …` and `IS [NOT] DISTINCT FROM`.
fn is(parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Parsed<Expr>> {
    let negated = peek_words(parser, &["IS", "NOT"]);
    let word = if negated { 2 } else { 1 };
    if super::peek_nth_word(parser, word, "JSON") {
        (0..=word).for_each(|_| parser.advance_token());
        let kind = ["VALUE", "OBJECT", "ARRAY", "SCALAR"].into_iter().find(|kind| take_words(parser, &[kind]));
        let name = format!("IS JSON {}", kind.unwrap_or("VALUE"));
        let call = prefix::function(ObjectName::from(vec![Ident::new(name)]), vec![left.clone()]);
        return Some(Ok(if negated { prefix::not(call) } else { call }));
    }
    if super::peek_nth_word(parser, word, "DISTINCT") && super::peek_nth_word(parser, word + 1, "FROM") {
        (0..=word + 1).for_each(|_| parser.advance_token());
        let left = Box::new(left.clone());
        return Some(parser.parse_subexpr(precedence).map(|right| match negated {
            true => Expr::IsNotDistinctFrom(left, Box::new(right)),
            false => Expr::IsDistinctFrom(left, Box::new(right)),
        }));
    }
    None
}

/// `[NOT] BETWEEN SYMMETRIC | ASYMMETRIC a AND b`.
fn between(parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Parsed<Expr>> {
    let negated = peek_words(parser, &["NOT", "BETWEEN"]);
    let word = if negated { 2 } else { 1 };
    let symmetric = super::peek_nth_word(parser, word, "SYMMETRIC");
    if !super::peek_nth_word(parser, word - 1, "BETWEEN")
        || !symmetric && !super::peek_nth_word(parser, word, "ASYMMETRIC")
    {
        return None;
    }
    (0..=word).for_each(|_| parser.advance_token());
    let mut bounds = || -> Parsed<(Expr, Expr)> {
        let low = parser.parse_subexpr(precedence)?;
        parser.expect_keyword_is(Keyword::AND)?;
        Ok((low, parser.parse_subexpr(precedence)?))
    };
    Some(bounds().map(|(low, high)| {
        let range = |low: &Expr, high: &Expr| Expr::Between {
            expr: Box::new(left.clone()),
            negated: false,
            low: Box::new(low.clone()),
            high: Box::new(high.clone()),
        };
        let mut found = range(&low, &high);
        if symmetric {
            let swapped = range(&high, &low);
            found = Expr::BinaryOp { left: Box::new(found), op: BinaryOperator::Or, right: Box::new(swapped) };
            found = Expr::Nested(Box::new(found));
        }
        if negated { prefix::not(found) } else { found }
    }))
}
