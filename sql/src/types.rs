//! Flink's types as written in SQL.

use sqlparser::ast::{self, Ident, ObjectName};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use wasmill_plan::{DataType, Field, MAX_LENGTH, MAX_PRECISION, TypeKind};

use crate::dialect::FlinkDialect;
use crate::error::{QueryError, Result, nearest};
use crate::parser::{self, Parsed, bare_word, fail, fail_with, take_words};

/// Names for suggestions.
const NAMES: &[&str] = &[
    "ARRAY",
    "BIGINT",
    "BINARY",
    "BITMAP",
    "BOOLEAN",
    "BYTES",
    "CHAR",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "INT",
    "INTEGER",
    "INTERVAL",
    "MAP",
    "MULTISET",
    "NUMERIC",
    "ROW",
    "SMALLINT",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TINYINT",
    "VARBINARY",
    "VARCHAR",
];

/// The type inside `CAST` or a typed literal of the syntax tree, nullable.
///
/// # Errors
/// It is none of Flink's types.
pub fn data_type(syntax: &ast::DataType) -> Result<DataType> {
    parse_text(&syntax.to_string())
}

/// A type from text, such as `ARRAY<INT NOT NULL>`.
///
/// # Errors
/// It is none of Flink's types.
pub fn parse_text(text: &str) -> Result<DataType> {
    let tokens = parser::tokenize(text)?;
    let dialect = FlinkDialect::default();
    let mut parser = parser::parser(&dialect, tokens);
    let invalid = |detail: String| QueryError::new(format!("'{text}' is no type")).with_detail(detail);
    let parsed = parse_nullable(&mut parser).map_err(|e| invalid(e.to_string()))?;
    match parser.peek_token().token {
        Token::EOF => Ok(parsed),
        other => Err(invalid(format!("unexpected '{other}'"))),
    }
}

/// The type in the syntax tree's form; [`data_type`] reads it back.
pub(crate) fn to_syntax(data_type: &DataType) -> ast::DataType {
    ast::DataType::Custom(ObjectName::from(vec![Ident::new(data_type.to_string())]), vec![])
}

/// A type and `NOT NULL` or `NULL` behind it.
pub(crate) fn parse_nullable(parser: &mut Parser) -> Parsed<DataType> {
    let parsed = parse(parser)?;
    if take_words(parser, &["NOT", "NULL"]) {
        return Ok(parsed.with_nullable(false));
    }
    take_words(parser, &["NULL"]);
    Ok(parsed)
}

/// A nullable type.
pub(crate) fn parse(parser: &mut Parser) -> Parsed<DataType> {
    let mut parsed = DataType::nullable(kind(parser)?);
    // `INT ARRAY`, `INT NOT NULL ARRAY`: the old forms.
    loop {
        let element_not_null = parser::peek_words(parser, &["NOT", "NULL", "ARRAY"])
            || parser::peek_words(parser, &["NOT", "NULL", "MULTISET"]);
        if element_not_null {
            take_words(parser, &["NOT", "NULL"]);
            parsed.nullable = false;
        }
        if take_words(parser, &["ARRAY"]) {
            parsed = DataType::nullable(TypeKind::Array(Box::new(parsed)));
        } else if take_words(parser, &["MULTISET"]) {
            parsed = DataType::nullable(TypeKind::Multiset(Box::new(parsed)));
        } else {
            return Ok(parsed);
        }
    }
}

fn kind(parser: &mut Parser) -> Parsed<TypeKind> {
    let token = parser.next_token();
    let Some(word) = bare_word(&token.token) else { return parser.expected("a type", token) };
    let name = word.value.to_ascii_uppercase();
    Ok(match name.as_str() {
        "BOOLEAN" => TypeKind::Boolean,
        "TINYINT" => TypeKind::TinyInt,
        "SMALLINT" => TypeKind::SmallInt,
        "INT" | "INTEGER" => TypeKind::Int,
        "BIGINT" => TypeKind::BigInt,
        "FLOAT" | "REAL" => TypeKind::Float,
        "DOUBLE" => {
            take_words(parser, &["PRECISION"]);
            TypeKind::Double
        }
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(parser)?,
        "CHAR" | "CHARACTER" if take_words(parser, &["VARYING"]) => TypeKind::Varchar(length(parser, MAX_LENGTH)?),
        "CHAR" | "CHARACTER" => TypeKind::Char(length(parser, 1)?),
        "VARCHAR" => TypeKind::Varchar(length(parser, MAX_LENGTH)?),
        "STRING" => TypeKind::Varchar(MAX_LENGTH),
        "BINARY" if take_words(parser, &["VARYING"]) => TypeKind::Varbinary(length(parser, MAX_LENGTH)?),
        "BINARY" => TypeKind::Binary(length(parser, 1)?),
        "VARBINARY" => TypeKind::Varbinary(length(parser, MAX_LENGTH)?),
        "BYTES" => TypeKind::Varbinary(MAX_LENGTH),
        "DATE" => TypeKind::Date,
        "TIME" => {
            let precision = precision(parser, 0, 9)?;
            take_words(parser, &["WITHOUT", "TIME", "ZONE"]);
            TypeKind::Time(precision)
        }
        "TIMESTAMP" => timestamp(parser)?,
        "TIMESTAMP_LTZ" => TypeKind::TimestampLtz(precision(parser, 6, 9)?),
        "INTERVAL" => interval(parser)?,
        "ARRAY" => {
            let [item] = angle(parser, [parse_nullable])?;
            TypeKind::Array(Box::new(item))
        }
        "MULTISET" => {
            let [item] = angle(parser, [parse_nullable])?;
            TypeKind::Multiset(Box::new(item))
        }
        "MAP" => {
            let [key, value] = angle(parser, [parse_nullable, parse_nullable])?;
            TypeKind::Map(Box::new(key), Box::new(value))
        }
        "ROW" => row(parser)?,
        "BITMAP" => TypeKind::Bitmap,
        "NULL" => TypeKind::Null,
        "TIMESTAMP_TZ" => {
            return fail_with(&token, format!("type {name} is not supported"), "use TIMESTAMP_LTZ(3), an instant");
        }
        "VARIANT" | "RAW" | "STRUCTURED" | "OBJECT" => {
            return fail_with(
                &token,
                format!("type {name} is not supported"),
                "use ROW, MAP, or STRING with the JSON functions",
            );
        }
        _ => {
            let message = format!("unknown type '{}'", word.value);
            let other = match name.as_str() {
                "TEXT" | "NVARCHAR" | "UUID" | "JSON" => Some("STRING"),
                "INT8" | "LONG" | "INT64" => Some("BIGINT"),
                "INT4" | "INT32" => Some("INT"),
                "FLOAT8" | "FLOAT64" => Some("DOUBLE"),
                "BOOL" => Some("BOOLEAN"),
                "BLOB" | "BYTEA" => Some("BYTES"),
                "DATETIME" => Some("TIMESTAMP(3)"),
                "TIMESTAMPTZ" => Some("TIMESTAMP_LTZ(3)"),
                "STRUCT" => Some("ROW<…>"),
                _ => nearest(&name, NAMES.iter().copied()),
            };
            return match other {
                Some(other) => fail_with(&token, message, format!("did you mean {other}?")),
                None => fail(&token, message),
            };
        }
    })
}

/// `(n)` between 1 and the largest length.
fn length(parser: &mut Parser, default: u32) -> Parsed<u32> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let token = parser.peek_token();
    let length = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    match u32::try_from(length) {
        Ok(length @ 1..=MAX_LENGTH) => Ok(length),
        _ => fail(&token, format!("a length must be between 1 and {MAX_LENGTH}")),
    }
}

/// `(p)`, at most `max`.
fn precision(parser: &mut Parser, default: u8, max: u8) -> Parsed<u8> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let token = parser.peek_token();
    let precision = parser.parse_literal_uint()?;
    parser.expect_token(&Token::RParen)?;
    match u8::try_from(precision) {
        Ok(precision) if precision <= max => Ok(precision),
        _ => fail(&token, format!("a precision must be between 0 and {max}")),
    }
}

/// `(p [, s])`; (10, 0) by default.
fn decimal(parser: &mut Parser) -> Parsed<TypeKind> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(TypeKind::Decimal(10, 0));
    }
    let token = parser.peek_token();
    let precision = parser.parse_literal_uint()?;
    let scale = if parser.consume_token(&Token::Comma) { parser.parse_literal_uint()? } else { 0 };
    parser.expect_token(&Token::RParen)?;
    if !(1..=u64::from(MAX_PRECISION)).contains(&precision) || scale > precision {
        return fail(
            &token,
            format!("DECIMAL has a precision of 1 to {MAX_PRECISION} and a scale of 0 to the precision"),
        );
    }
    Ok(TypeKind::Decimal(precision as u8, scale as u8))
}

/// Behind `TIMESTAMP`.
fn timestamp(parser: &mut Parser) -> Parsed<TypeKind> {
    let precision = precision(parser, 6, 9)?;
    let token = parser.peek_token();
    if take_words(parser, &["WITH", "LOCAL", "TIME", "ZONE"]) {
        return Ok(TypeKind::TimestampLtz(precision));
    }
    if take_words(parser, &["WITH", "TIME", "ZONE"]) {
        return fail_with(&token, "type TIMESTAMP WITH TIME ZONE is not supported", "use TIMESTAMP_LTZ(3), an instant");
    }
    take_words(parser, &["WITHOUT", "TIME", "ZONE"]);
    Ok(TypeKind::Timestamp(precision))
}

/// Behind `INTERVAL`: `YEAR TO MONTH`, `DAY(3) TO SECOND(3)` and their parts.
fn interval(parser: &mut Parser) -> Parsed<TypeKind> {
    const UNITS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
    let unit = |parser: &mut Parser| -> Parsed<usize> {
        let Some(unit) = UNITS.iter().position(|unit| take_words(parser, &[unit])) else {
            return parser.expected_ref("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND", parser.peek_token_ref());
        };
        parser.parse_optional_precision_scale()?;
        Ok(unit)
    };
    let token = parser.peek_token();
    let first = unit(parser)?;
    let last = if take_words(parser, &["TO"]) { unit(parser)? } else { first };
    match (first <= 1, last <= 1) {
        (true, true) if first <= last => Ok(TypeKind::IntervalYearMonth),
        (false, false) if first <= last => Ok(TypeKind::IntervalDayTime),
        _ => fail(&token, format!("there is no interval {} TO {}", UNITS[first], UNITS[last])),
    }
}

/// `<a, b>`.
fn angle<const N: usize>(
    parser: &mut Parser,
    parts: [fn(&mut Parser) -> Parsed<DataType>; N],
) -> Parsed<[DataType; N]> {
    parser.expect_token(&Token::Lt)?;
    let mut types = Vec::with_capacity(N);
    for part in parts {
        if !types.is_empty() {
            parser.expect_token(&Token::Comma)?;
        }
        types.push(part(parser)?);
    }
    parser.expect_token(&Token::Gt)?;
    Ok(types.try_into().expect("one type per part"))
}

/// `ROW<name type ['comment'], …>` or `ROW(…)`.
fn row(parser: &mut Parser) -> Parsed<TypeKind> {
    let close = match parser.next_token() {
        token if token.token == Token::Lt => Token::Gt,
        token if token.token == Token::LParen => Token::RParen,
        token => return parser.expected("'<' and the fields of the ROW", token),
    };
    let fields = parser.parse_comma_separated0(
        |parser| {
            let name = parser.parse_identifier()?.value;
            let data_type = parse_nullable(parser)?;
            if matches!(parser.peek_token_ref().token, Token::SingleQuotedString(_)) {
                parser.advance_token();
            }
            Ok(Field::new(name, data_type))
        },
        close.clone(),
    )?;
    parser.expect_token(&close)?;
    Ok(TypeKind::Row(fields))
}
