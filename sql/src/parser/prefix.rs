//! What an expression can begin with, where Flink differs from sqlparser: every word is looked at here first, so that no
//! keyword is taken for a column and no column for the name of a type.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    self, CaseWhen, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, TrimWhereField, TypedString, UnaryOperator,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::{Parsed, fail, fail_with, json, peek_nth_word, take_words};
use crate::types;

/// Words that begin or separate clauses and are never a column.
const RESERVED: &[Keyword] = &[
    Keyword::AND,
    Keyword::AS,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::CREATE,
    Keyword::CROSS,
    Keyword::DISTINCT,
    Keyword::DROP,
    Keyword::ELSE,
    Keyword::END,
    Keyword::EXCEPT,
    Keyword::FETCH,
    Keyword::FROM,
    Keyword::FULL,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::IN,
    Keyword::INNER,
    Keyword::INSERT,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::IS,
    Keyword::JOIN,
    Keyword::LIKE,
    Keyword::NATURAL,
    Keyword::ON,
    Keyword::OR,
    Keyword::ORDER,
    Keyword::OVER,
    Keyword::PARTITION,
    Keyword::SELECT,
    Keyword::THEN,
    Keyword::UNION,
    Keyword::USING,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::WITH,
];

/// Parses what starts at the next token; `None` leaves it to sqlparser: numbers, text, signs and parentheses.
pub(crate) fn parse(parser: &mut Parser) -> Option<Parsed<Expr>> {
    let token = parser.peek_token();
    match &token.token {
        Token::Word(word) if word.quote_style.is_some() => Some(name(parser, word, &token)),
        Token::Word(word) => Some(self::word(parser, word, &token)),
        Token::LBracket => Some(fail_with(&token, "expected an expression, found '['", "write ARRAY[…]")),
        Token::UnicodeStringLiteral(_) => Some(unicode_literal(parser)),
        Token::RParen
        | Token::RBracket
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::EOF
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq => Some(parser.expected("an expression", token)),
        _ => None,
    }
}

/// A word without quotes: a literal, a special form, a call or a name.
fn word(parser: &mut Parser, word: &Word, token: &TokenWithSpan) -> Parsed<Expr> {
    let called = parser.peek_nth_token_ref(1).token == Token::LParen;
    let bracketed = parser.peek_nth_token_ref(1).token == Token::LBracket;
    let quoted = matches!(parser.peek_nth_token_ref(1).token, Token::SingleQuotedString(_));
    let ident = || ObjectName::from(vec![word.clone().into_ident(token.span)]);
    match word.keyword {
        Keyword::NULL | Keyword::TRUE | Keyword::FALSE => Ok(Expr::Value(parser.parse_value()?)),
        Keyword::UNKNOWN if !called => {
            parser.advance_token();
            Ok(Expr::Value(ast::Value::Null.with_span(token.span)))
        }
        Keyword::DATE | Keyword::TIME | Keyword::TIMESTAMP if quoted => {
            parser.advance_token();
            let data_type = match word.keyword {
                Keyword::DATE => ast::DataType::Date,
                Keyword::TIME => ast::DataType::Time(None, ast::TimezoneInfo::None),
                _ => ast::DataType::Timestamp(None, ast::TimezoneInfo::None),
            };
            Ok(Expr::TypedString(TypedString { data_type, value: parser.parse_value()?, uses_odbc_syntax: false }))
        }
        Keyword::INTERVAL => interval(parser),
        Keyword::CASE => case(parser),
        Keyword::NOT => {
            parser.advance_token();
            parser.parse_not()
        }
        Keyword::EXISTS if called => {
            parser.advance_token();
            parser.parse_exists_expr(false)
        }
        Keyword::CURRENT_DATE
        | Keyword::CURRENT_TIME
        | Keyword::CURRENT_TIMESTAMP
        | Keyword::LOCALTIME
        | Keyword::LOCALTIMESTAMP => {
            parser.advance_token();
            parser.parse_time_functions(ident())
        }
        Keyword::ARRAY if bracketed => {
            parser.advance_token();
            parser.advance_token();
            parser.parse_array_expr(true)
        }
        Keyword::MAP if bracketed => map(parser, ident()),
        Keyword::TABLE => table_argument(parser, ident()),
        Keyword::ROW if called => row(parser, ident()),
        _ if word.value.eq_ignore_ascii_case("MODEL") && is_model_argument(parser) => model_argument(parser, ident()),
        _ if called => call(parser, word, ident()),
        _ if quoted && word.value.starts_with('_') => {
            // `_UTF16'…'`: text is Unicode here whatever the character set says.
            parser.advance_token();
            Ok(Expr::Value(parser.parse_value()?))
        }
        keyword if RESERVED.contains(&keyword) => fail_with(
            token,
            format!("expected an expression, found '{word}'"),
            format!("'{0}' is a reserved word: a column of this name is written `{0}`", word.value),
        ),
        _ => name(parser, word, token),
    }
}

/// Whether the word MODEL here is followed by a name and stands right inside the call of an `ML_…` function.
fn is_model_argument(parser: &mut Parser) -> bool {
    if !matches!(parser.peek_nth_token_ref(1).token, Token::Word(_)) {
        return false;
    }
    let (mut steps, mut depth) = (0, 0);
    let mut inside = false;
    while parser.index() > 0 {
        parser.prev_token();
        steps += 1;
        match parser.peek_token_ref().token {
            Token::RParen => depth += 1,
            Token::LParen if depth > 0 => depth -= 1,
            Token::LParen => {
                if parser.index() > 0 {
                    parser.prev_token();
                    steps += 1;
                    let ml = |w: &Word| w.quote_style.is_none() && w.value.to_ascii_uppercase().starts_with("ML_");
                    inside = matches!(&parser.peek_token_ref().token, Token::Word(w) if ml(w));
                }
                break;
            }
            _ => {}
        }
    }
    (0..steps).for_each(|_| parser.advance_token());
    inside
}

/// `MODEL m`, as a call of MODEL.
fn model_argument(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    let mut model = parser.parse_identifier()?;
    while parser.consume_token(&Token::Period) {
        model = parser.parse_identifier()?;
    }
    let arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(model)));
    let list = FunctionArgumentList { duplicate_treatment: None, args: vec![arg], clauses: Vec::new() };
    Ok(Expr::Function(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }))
}

/// A column, or a call of a function whose name is quoted.
fn name(parser: &mut Parser, word: &Word, token: &TokenWithSpan) -> Parsed<Expr> {
    parser.advance_token();
    let ident = word.clone().into_ident(token.span);
    if parser.peek_token_ref().token == Token::LParen {
        return parser.parse_function(ObjectName::from(vec![ident]));
    }
    Ok(Expr::Identifier(ident))
}

/// `name(…)`, of which some have words between their arguments.
fn call(parser: &mut Parser, word: &Word, name: ObjectName) -> Parsed<Expr> {
    match word.value.to_ascii_uppercase().as_str() {
        "CAST" => cast(parser, CastKind::Cast),
        "TRY_CAST" => cast(parser, CastKind::TryCast),
        "EXTRACT" => {
            parser.advance_token();
            parser.parse_extract_expr()
        }
        "CEIL" | "CEILING" => {
            parser.advance_token();
            parser.parse_ceil_floor_expr(true)
        }
        "FLOOR" => {
            parser.advance_token();
            parser.parse_ceil_floor_expr(false)
        }
        "POSITION" => position(parser, name),
        "SUBSTRING" | "SUBSTR" => substring(parser, name),
        "OVERLAY" => {
            parser.advance_token();
            parser.parse_overlay_expr()
        }
        "TRIM" => trim(parser),
        "JSON_EXISTS" | "JSON_VALUE" | "JSON_QUERY" => json::query_call(parser, name),
        "JSON_OBJECT" => json::object(parser, name),
        "JSON_ARRAY" => json::array(parser, name),
        "JSON_OBJECTAGG" => json::object_aggregate(parser, name),
        "JSON_ARRAYAGG" => json::array_aggregate(parser, name),
        // A keyword before a parenthesis may belong to the clause around: `WHERE x IN (…)`, `… AND (…)`.
        _ if RESERVED.contains(&word.keyword) => {
            let token = parser.peek_token();
            fail(&token, format!("expected an expression, found '{word}'"))
        }
        _ => {
            parser.advance_token();
            parser.parse_function(name)
        }
    }
}

/// `CAST(x AS t)`; the type travels as text, see [`types::data_type`].
fn cast(parser: &mut Parser, kind: CastKind) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let expr = Box::new(parser.parse_expr()?);
    parser.expect_keyword_is(Keyword::AS)?;
    let data_type = types::to_syntax(&types::parse(parser)?);
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Cast { kind, expr, data_type, array: false, format: None })
}

/// `INTERVAL [-]'…' UNIT [(p)] [TO UNIT [(p)]]`, or a column of this name.
fn interval(parser: &mut Parser) -> Parsed<Expr> {
    let token = parser.peek_token();
    let sign = matches!(parser.peek_nth_token_ref(1).token, Token::Minus | Token::Plus);
    let quoted = |n| matches!(parser.peek_nth_token_ref(n).token, Token::SingleQuotedString(_));
    if !quoted(1) && !(sign && quoted(2)) {
        return fail_with(&token, "an interval needs its length in single quotes", "write INTERVAL '5' MINUTE");
    }
    parser.advance_token();
    let negative = sign && parser.next_token().token == Token::Minus;
    let mut expr = parser.parse_interval()?;
    let Expr::Interval(interval) = &mut expr else { return Ok(expr) };
    if interval.leading_field.is_none() {
        return fail_with(&token, "an interval needs a unit", format!("write INTERVAL {} MINUTE", interval.value));
    }
    if negative
        && let Expr::Value(value) = interval.value.as_mut()
        && let ast::Value::SingleQuotedString(text) = &mut value.value
    {
        *text = match text.strip_prefix('-') {
            Some(positive) => positive.to_owned(),
            None => format!("-{text}"),
        };
    }
    Ok(expr)
}

/// `CASE [x] WHEN a [, b] THEN r … [ELSE r] END`; `WHEN a, b` is two branches.
fn case(parser: &mut Parser) -> Parsed<Expr> {
    let case_token = AttachedToken(parser.next_token());
    let operand = match parser.peek_nth_token_ref(0).token {
        Token::Word(ref w) if w.keyword == Keyword::WHEN => None,
        _ => Some(Box::new(parser.parse_expr()?)),
    };
    let mut conditions = Vec::new();
    while parser.parse_keyword(Keyword::WHEN) {
        let values = match operand {
            Some(_) => parser.parse_comma_separated(Parser::parse_expr)?,
            None => vec![parser.parse_expr()?],
        };
        parser.expect_keyword_is(Keyword::THEN)?;
        let result = parser.parse_expr()?;
        conditions.extend(values.into_iter().map(|condition| CaseWhen { condition, result: result.clone() }));
    }
    if conditions.is_empty() {
        return parser.expected_ref("WHEN", parser.peek_token_ref());
    }
    let else_result = match parser.parse_keyword(Keyword::ELSE) {
        true => Some(Box::new(parser.parse_expr()?)),
        false => None,
    };
    let end_token = AttachedToken(parser.expect_keyword(Keyword::END)?);
    Ok(Expr::Case { case_token, end_token, operand, conditions, else_result })
}

/// `MAP[k, v, …]`.
fn map(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    parser.advance_token();
    let items = parser.parse_comma_separated0(Parser::parse_expr, Token::RBracket)?;
    parser.expect_token(&Token::RBracket)?;
    Ok(function(name, items))
}

/// `ROW(a, b)`.
fn row(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    parser.advance_token();
    let items = parser.parse_comma_separated0(Parser::parse_expr, Token::RParen)?;
    parser.expect_token(&Token::RParen)?;
    Ok(function(name, items))
}

/// `TABLE t [PARTITION BY a, (b)] [ORDER BY c]`, `TABLE (SELECT …)`: an argument of a table function.
fn table_argument(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    let nested = parser.consume_token(&Token::LParen);
    let table = if nested && (peek_nth_word(parser, 0, "SELECT") || peek_nth_word(parser, 0, "WITH")) {
        Expr::Subquery(parser.parse_query()?)
    } else {
        let mut parts: Vec<Ident> = vec![parser.parse_identifier()?];
        while parser.consume_token(&Token::Period) {
            parts.push(parser.parse_identifier()?);
        }
        match parts.len() {
            1 => Expr::Identifier(parts.remove(0)),
            _ => Expr::CompoundIdentifier(parts),
        }
    };
    if nested {
        parser.expect_token(&Token::RParen)?;
    }
    let mut args = vec![table];
    if take_words(parser, &["PARTITION", "BY"]) {
        // Without parentheses one column: the next comma begins the next argument of the function around.
        if parser.consume_token(&Token::LParen) {
            args.extend(parser.parse_comma_separated(Parser::parse_expr)?);
            parser.expect_token(&Token::RParen)?;
        } else {
            args.push(parser.parse_expr()?);
            while parser.peek_token_ref().token == Token::Comma && another_key(parser) {
                parser.advance_token();
                args.push(parser.parse_expr()?);
            }
        }
    }
    let mut call = function(name, args);
    if take_words(parser, &["ORDER", "BY"]) {
        let keys = if parser.consume_token(&Token::LParen) {
            let keys = parser.parse_comma_separated(Parser::parse_order_by_expr)?;
            parser.expect_token(&Token::RParen)?;
            keys
        } else {
            vec![parser.parse_order_by_expr()?]
        };
        if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut call {
            list.clauses.push(FunctionArgumentClause::OrderBy(keys));
        }
    }
    Ok(call)
}

/// Whether the comma is followed by a plain column, and not by the next argument: `DESCRIPTOR(…)`, an interval, `name => …`.
fn another_key(parser: &Parser) -> bool {
    let plain = matches!(&parser.peek_nth_token_ref(1).token, Token::Word(w) if !matches!(w.keyword, Keyword::INTERVAL | Keyword::TABLE));
    plain && matches!(parser.peek_nth_token_ref(2).token, Token::Comma | Token::RParen | Token::Period)
}

/// `POSITION(a IN b)`.
fn position(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    match name.0.first().and_then(|part| part.as_ident()) {
        Some(ident) => parser.parse_position_expr(ident.clone()),
        None => parser.parse_function(name),
    }
}

/// `SUBSTRING(s FROM a [FOR b])`, or a plain call.
fn substring(parser: &mut Parser, name: ObjectName) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let mut args = vec![parser.parse_expr()?];
    if parser.parse_keyword(Keyword::FROM) {
        args.push(parser.parse_expr()?);
        if parser.parse_keyword(Keyword::FOR) {
            args.push(parser.parse_expr()?);
        }
    } else {
        while parser.consume_token(&Token::Comma) {
            args.push(parser.parse_expr()?);
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(function(name, args))
}

/// `TRIM([[BOTH | LEADING | TRAILING] [what] FROM] s)`.
fn trim(parser: &mut Parser) -> Parsed<Expr> {
    parser.advance_token();
    parser.expect_token(&Token::LParen)?;
    let side = match parser.parse_one_of_keywords(&[Keyword::BOTH, Keyword::LEADING, Keyword::TRAILING]) {
        Some(Keyword::BOTH) => Some(TrimWhereField::Both),
        Some(Keyword::LEADING) => Some(TrimWhereField::Leading),
        Some(_) => Some(TrimWhereField::Trailing),
        None => None,
    };
    let mut what = None;
    let mut expr = None;
    if !parser.parse_keyword(Keyword::FROM) {
        expr = Some(parser.parse_expr()?);
        if parser.parse_keyword(Keyword::FROM) {
            what = expr.take().map(Box::new);
        }
    }
    let expr = Box::new(match expr {
        Some(expr) => expr,
        None => parser.parse_expr()?,
    });
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::Trim { expr, trim_where: side, trim_what: what, trim_characters: None })
}

/// `U&'…' [UESCAPE '!']`: with another escape character the tokenizer has kept it as it is.
fn unicode_literal(parser: &mut Parser) -> Parsed<Expr> {
    let value = parser.parse_value()?;
    let span = value.span;
    let ast::Value::UnicodeStringLiteral(text) = value.value else { return Ok(Expr::Value(value)) };
    let at = parser.peek_token();
    if !take_words(parser, &["UESCAPE"]) {
        return Ok(Expr::Value(ast::Value::SingleQuotedString(text).with_span(span)));
    }
    let escape = super::text_literal(parser, "the escape character")?.text;
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (Some(escape), None) => match unescape(&text, escape) {
            Some(text) => Ok(Expr::Value(ast::Value::SingleQuotedString(text).with_span(span))),
            None => fail(&at, "the text has an incomplete Unicode escape"),
        },
        _ => fail(&at, "UESCAPE takes one character"),
    }
}

fn unescape(text: &str, escape: char) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != escape {
            out.push(c);
        } else if chars.peek() == Some(&escape) {
            out.push(escape);
            chars.next();
        } else {
            let digits = if chars.peek() == Some(&'+') { chars.next().map(|_| 6)? } else { 4 };
            let hex: String = chars.by_ref().take(digits).collect();
            out.push(u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits).and_then(char::from_u32)?);
        }
    }
    Some(out)
}

/// A plain call.
pub(super) fn function(name: ObjectName, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect(),
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// `NOT x`.
pub(super) fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) }
}
