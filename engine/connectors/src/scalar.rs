//! Text into columns of scalar types, as Flink's formats convert it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::column::{ColumnBuilder, Fixed};
use crate::json::{parse_decimal, parse_double, parse_integer};
use crate::time::{TimestampFormat, parse_date, parse_time};

/// How much of a value an error shows, bytes.
const SHOWN_BYTES: usize = 80;

/// Appends the value that `text` stands for. `text` is UTF-8.
///
/// # Errors
/// It is none of the column's type; the column is as before.
pub(crate) fn push_text(column: &mut ColumnBuilder, text: &[u8], format: TimestampFormat) -> Result<(), String> {
    match column {
        ColumnBuilder::Text(values) => values.push(text),
        ColumnBuilder::BigInt(values) | ColumnBuilder::Millis(values) => {
            values.push(parse_integer(text).ok_or_else(|| mismatch(text, "a BIGINT"))?);
        }
        ColumnBuilder::Int(values) | ColumnBuilder::Months(values) => narrow(values, text, "an INT")?,
        ColumnBuilder::SmallInt(values) => narrow(values, text, "a SMALLINT")?,
        ColumnBuilder::TinyInt(values) => narrow(values, text, "a TINYINT")?,
        ColumnBuilder::Double(values) => values.push(parse_double(text).ok_or_else(|| mismatch(text, "a DOUBLE"))?),
        ColumnBuilder::Float(values) => {
            values.push(parse_double(text).ok_or_else(|| mismatch(text, "a FLOAT"))? as f32);
        }
        ColumnBuilder::Boolean { values } => values.push(text.eq_ignore_ascii_case(b"true")),
        ColumnBuilder::Decimal { values, precision, scale } => match parse_decimal(text, *precision, *scale) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => column.push_null(),
            Err(()) => return Err(mismatch(text, "a DECIMAL")),
        },
        ColumnBuilder::Date(values) => {
            values.push(parse_date(text).ok_or_else(|| mismatch(text, "a DATE like 2020-10-10"))?);
        }
        ColumnBuilder::Time { values, precision } => {
            values.push(parse_time(text, *precision).ok_or_else(|| mismatch(text, "a TIME like 12:00:01"))?);
        }
        ColumnBuilder::Timestamp { values, precision, with_zone, date } => {
            let parsed = if *with_zone { date.instant(text, format) } else { date.timestamp(text, format) };
            match parsed.and_then(|date_time| date_time.to_units(*precision)) {
                Some(value) => values.push(value),
                None if parsed.is_none() => return Err(mismatch(text, timestamp_form(*with_zone, format))),
                None => {
                    let range = "in the range of the column's timestamps (precision 9: years 1677 to 2262)";
                    return Err(mismatch(text, range));
                }
            }
        }
        ColumnBuilder::Bytes(values) => {
            values.push(&STANDARD.decode(text).map_err(|_| mismatch(text, "base64"))?);
        }
        ColumnBuilder::Null(_) => return Err(mismatch(text, "NULL")),
        ColumnBuilder::Array { .. } => return Err(mismatch(text, "an ARRAY")),
        ColumnBuilder::Map { .. } => return Err(mismatch(text, "a MAP")),
        ColumnBuilder::Row(_) => return Err(mismatch(text, "a ROW")),
    }
    Ok(())
}

fn narrow<T: TryFrom<i64> + Default>(values: &mut Fixed<T>, text: &[u8], expected: &str) -> Result<(), String> {
    let value = parse_integer(text).ok_or_else(|| mismatch(text, expected))?;
    values.push(T::try_from(value).map_err(|_| mismatch(text, expected) + ": it is out of its range")?);
    Ok(())
}

/// `'abc' is not a DOUBLE`.
pub(crate) fn mismatch(text: &[u8], expected: &str) -> String {
    let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN_BYTES)]);
    let dots = if text.len() > SHOWN_BYTES { "…" } else { "" };
    format!("'{shown}{dots}' is not {expected}")
}

fn timestamp_form(with_zone: bool, format: TimestampFormat) -> &'static str {
    match (format, with_zone) {
        (TimestampFormat::Sql, false) => "a TIMESTAMP like 2020-10-10 00:00:01.123",
        (TimestampFormat::Sql, true) => "a TIMESTAMP_LTZ like 2020-10-10 00:00:01.123Z",
        (TimestampFormat::Iso8601, false) => "a TIMESTAMP like 2020-10-10T00:00:01.123",
        (TimestampFormat::Iso8601, true) => "a TIMESTAMP_LTZ like 2020-10-10T00:00:01.123Z",
    }
}
