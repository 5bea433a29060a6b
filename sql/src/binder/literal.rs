//! Literals: numbers, text, dates and intervals, with Flink's types.

use sqlparser::ast::{self, DateTimeField, Interval, Spanned};
use sqlparser::tokenizer::Span as TokenSpan;
use wasmill_plan::{DataType, Expr, MAX_PRECISION, TypeKind, Value};

use crate::error::{QueryError, Span};

type Bound = Result<Expr, QueryError>;

/// A literal of the grammar.
pub(super) fn value(value: &ast::ValueWithSpan) -> Bound {
    use ast::Value as V;
    match &value.value {
        V::Number(text, _) => number(text, value.span),
        V::SingleQuotedString(s)
        | V::NationalStringLiteral(s)
        | V::UnicodeStringLiteral(s)
        | V::EscapedStringLiteral(s) => Ok(text(s)),
        V::HexStringLiteral(hex) => bytes(hex, value.span),
        V::Boolean(b) => Ok(Expr::literal(Value::Boolean(*b), DataType::not_null(TypeKind::Boolean))),
        V::Null => Ok(Expr::literal(Value::Null, DataType::nullable(TypeKind::Null))),
        other => Err(QueryError::new(format!("literal {other} is not supported"))
            .with_span(Span::from_parser(value.span))
            .with_hint("write text in single quotes and names in backticks")),
    }
}

/// A CHAR(n) literal.
pub(super) fn text(s: &str) -> Expr {
    Expr::literal(Value::Text(s.to_owned()), DataType::not_null(TypeKind::Char(s.chars().count() as u32)))
}

fn number(text: &str, span: TokenSpan) -> Bound {
    let literal = |value, kind| Ok(Expr::literal(value, DataType::not_null(kind)));
    let invalid = |why: &str| Err(QueryError::new(format!("number {text} {why}")).with_span(Span::from_parser(span)));
    if text.contains(['e', 'E']) {
        return match text.parse::<f64>() {
            Ok(v) if v.is_finite() => literal(Value::Float(v), TypeKind::Double),
            _ => invalid("is out of the range of DOUBLE"),
        };
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let scale = text.find('.').map_or(0, |dot| text.len() - dot - 1);
    if scale == 0 {
        if let Ok(v) = digits.parse::<i64>() {
            let kind = if i32::try_from(v).is_ok() { TypeKind::Int } else { TypeKind::BigInt };
            return literal(Value::Int(v), kind);
        }
    }
    // Leading zeros count as digits of the literal, as in Calcite: `0.5` is DECIMAL(2, 1).
    if digits.len() > MAX_PRECISION as usize {
        return invalid("has more than the 38 digits of a DECIMAL");
    }
    match digits.parse::<i128>() {
        Ok(v) => literal(Value::Decimal(v), TypeKind::Decimal(digits.len().max(1) as u8, scale as u8)),
        Err(_) => invalid("cannot be read"),
    }
}

fn bytes(hex: &str, span: TokenSpan) -> Bound {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let decoded: Option<Vec<u8>> =
        hex.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect();
    let Some(decoded) = decoded else {
        return Err(QueryError::new("a binary literal needs an even number of hexadecimal digits")
            .with_span(Span::from_parser(span)));
    };
    let kind = TypeKind::Binary(decoded.len() as u32);
    Ok(Expr::literal(Value::Bytes(decoded), DataType::not_null(kind)))
}

/// `DATE '…'`, `TIME '…'`, `TIMESTAMP '…'`.
pub(super) fn typed(typed: &ast::TypedString) -> Bound {
    let span = typed.value.span;
    let ast::Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(QueryError::new("expected text in single quotes").with_span(Span::from_parser(span)));
    };
    let name = typed.data_type.to_string().to_uppercase();
    let parsed = match name.split(['(', ' ']).next().unwrap_or_default() {
        "DATE" => date(text).map(|days| (days, TypeKind::Date)),
        "TIME" => time(text).map(|(ns, digits)| (ns / 1_000_000, TypeKind::Time(digits))),
        "TIMESTAMP" | "DATETIME" => timestamp(text),
        other => {
            return Err(QueryError::new(format!("literals of type {other} are not supported"))
                .with_span(Span::from_parser(span))
                .with_hint(format!("write CAST('{text}' AS {other})")));
        }
    };
    let Some((value, kind)) = parsed else {
        let form = match name.as_str() {
            "DATE" => "DATE 'yyyy-MM-dd'",
            "TIME" => "TIME 'HH:mm:ss'",
            _ => "TIMESTAMP 'yyyy-MM-dd HH:mm:ss[.fraction]'",
        };
        return Err(QueryError::new(format!("'{text}' is no valid {name} literal"))
            .with_span(Span::from_parser(span))
            .with_hint(format!("write {form}")));
    };
    Ok(Expr::literal(Value::Int(value), DataType::not_null(kind)))
}

fn timestamp(text: &str) -> Option<(i64, TypeKind)> {
    let (day, clock) = text.trim().split_once(' ')?;
    let days = date(day)?;
    let (ns, digits) = time(clock.trim())?;
    let value = match digits {
        0..=3 => days * 86_400_000 + ns / 1_000_000,
        4..=6 => days * 86_400_000_000 + ns / 1_000,
        _ => days.checked_mul(86_400_000_000_000)?.checked_add(ns)?,
    };
    Some((value, TypeKind::Timestamp(digits)))
}

/// Days since the epoch.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-');
    let mut next =
        || parts.next().filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))?.parse::<i64>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(0..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Days from civil: <https://howardhinnant.github.io/date_algorithms.html>.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Nanoseconds of the day and the digits of the fraction.
fn time(text: &str) -> Option<(i64, u8)> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.splitn(3, ':');
    let mut next = || parts.next().filter(|p| (1..=2).contains(&p.len()))?.parse::<i64>().ok();
    let (h, m, s) = (next()?, next()?, next()?);
    if h > 23 || m > 59 || s > 59 || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ns = format!("{fraction:0<9}").parse::<i64>().ok()?;
    Some(((h * 3600 + m * 60 + s) * 1_000_000_000 + ns, fraction.len() as u8))
}

/// `INTERVAL '…' UNIT [TO UNIT]`.
pub(super) fn interval(interval: &Interval) -> Bound {
    let span = interval.value.span();
    let text = match interval.value.as_ref() {
        ast::Expr::Value(v) => match &v.value {
            ast::Value::SingleQuotedString(s) => Some(s.trim().to_owned()),
            _ => None,
        },
        _ => None,
    };
    let Some(text) = text else {
        return Err(QueryError::new("an interval needs its length in single quotes")
            .with_span(Span::from_parser(span))
            .with_hint("write INTERVAL '5' SECOND"));
    };
    let Some(first) = &interval.leading_field else {
        return Err(QueryError::new("an interval needs a unit")
            .with_span(Span::from_parser(span))
            .with_hint(format!("write INTERVAL '{text}' SECOND")));
    };
    let last = interval.last_field.as_ref().unwrap_or(first);
    let (Some(first_rank), Some(last_rank)) = (rank(first), rank(last)) else {
        return Err(QueryError::new(format!("interval unit {first} is not supported"))
            .with_span(Span::from_parser(span))
            .with_hint("use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND"));
    };
    let parsed =
        if first_rank <= MONTH { months(&text, first_rank, last_rank) } else { millis(&text, first_rank, last_rank) };
    let Some(value) = parsed else {
        return Err(QueryError::new(format!(
            "'{text}' is no interval of {}",
            units(first, interval.last_field.as_ref())
        ))
        .with_span(Span::from_parser(span))
        .with_hint(
            "for example INTERVAL '5' MINUTE, INTERVAL '1 02:03:04.5' DAY TO SECOND or INTERVAL '1-6' YEAR TO MONTH",
        ));
    };
    let kind = if first_rank <= MONTH { TypeKind::IntervalYearMonth } else { TypeKind::IntervalDayTime };
    Ok(Expr::literal(Value::Int(value), DataType::not_null(kind)))
}

fn units(first: &DateTimeField, last: Option<&DateTimeField>) -> String {
    last.map_or_else(|| first.to_string(), |last| format!("{first} TO {last}"))
}

const YEAR: u8 = 0;
const QUARTER: u8 = 1;
const MONTH: u8 = 2;
const WEEK: u8 = 3;
const DAY: u8 = 4;
const HOUR: u8 = 5;
const MINUTE: u8 = 6;
const SECOND: u8 = 7;

fn rank(field: &DateTimeField) -> Option<u8> {
    use DateTimeField as F;
    Some(match field {
        F::Year | F::Years => YEAR,
        F::Quarter => QUARTER,
        F::Month | F::Months => MONTH,
        F::Week(_) | F::Weeks => WEEK,
        F::Day | F::Days => DAY,
        F::Hour | F::Hours => HOUR,
        F::Minute | F::Minutes => MINUTE,
        F::Second | F::Seconds => SECOND,
        _ => return None,
    })
}

fn signed(text: &str) -> (i64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn months(text: &str, first: u8, last: u8) -> Option<i64> {
    let (sign, text) = signed(text);
    if (first, last) == (YEAR, MONTH) {
        let (years, months) = text.split_once('-')?;
        let months: i64 = months.parse().ok().filter(|m| *m < 12)?;
        return Some(sign * (years.parse::<i64>().ok()? * 12 + months));
    }
    let factor = [12, 3, 1].get(first as usize)?;
    (first == last).then_some(sign * text.parse::<i64>().ok()?.checked_mul(*factor)?)
}

fn millis(text: &str, first: u8, last: u8) -> Option<i64> {
    let (sign, text) = signed(text);
    if last < first || (first == WEEK && last != WEEK) {
        return None;
    }
    let (days, clock) = match (first, last) {
        (DAY, HOUR..) => text.split_once(' ').map(|(d, c)| (Some(d), c))?,
        _ => (None, text),
    };
    let mut total = days.map_or(Some(0), |d| d.parse::<i64>().ok()?.checked_mul(86_400_000))?;
    let start = if days.is_some() { HOUR } else { first };
    let pieces: Vec<&str> = clock.split(':').collect();
    if pieces.len() != (last - start) as usize + 1 {
        return None;
    }
    for (unit, piece) in (start..=last).zip(pieces) {
        let factor = match unit {
            WEEK => 7 * 86_400_000,
            DAY => 86_400_000,
            HOUR => 3_600_000,
            MINUTE => 60_000,
            _ => 1_000,
        };
        let (whole, fraction) = if unit == SECOND { piece.split_once('.').unwrap_or((piece, "")) } else { (piece, "") };
        let valid = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !valid(whole) || !valid(fraction) || fraction.len() > 9 {
            return None;
        }
        let thousandths = format!("{:0<3}", fraction).get(..3)?.parse::<i64>().ok()?;
        total = total.checked_add(whole.parse::<i64>().ok()?.checked_mul(factor)?)?.checked_add(thousandths)?;
    }
    Some(sign * total)
}
