//! One value as text, as Flink prints it in a result or casts it to STRING, and as JSON.

mod json;
pub(crate) mod time;

pub use json::write_json;

use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes as a;
use chrono_tz::Tz;
use wasmill_plan::{DataType, TypeKind};

use crate::calendar::to_local;
use crate::number::{write_decimal, write_double, write_float};
use crate::vector::units_per_second;

/// How values are written where the ways differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    /// `CAST(… AS STRING)`: TIMESTAMP_LTZ on this zone's clock, bytes as UTF-8.
    Cast(Tz),
    /// A result: TIMESTAMP_LTZ in UTC with `Z`, bytes as `x'0a'`.
    Result,
}

/// Appends row `row` of `array`, a value of `data_type`, as Flink prints it in a result; TIMESTAMP_LTZ in UTC with `Z`. NULL
/// is `NULL`.
pub fn write_text(array: &dyn Array, row: usize, data_type: &DataType, out: &mut Vec<u8>) {
    let mut text = String::new();
    write_value(array, row, &data_type.kind, Style::Result, &mut text);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a value in that style; NULL is `NULL`.
pub(crate) fn write_value(array: &dyn Array, row: usize, kind: &TypeKind, style: Style, out: &mut String) {
    if array.data_type() == &a::DataType::Null || array.is_null(row) {
        out.push_str("NULL");
        return;
    }
    macro_rules! number {
        ($t:ident) => {
            array.as_primitive::<a::$t>().value(row)
        };
    }
    match kind {
        TypeKind::Null => out.push_str("NULL"),
        TypeKind::Boolean => out.push_str(if array.as_boolean().value(row) { "TRUE" } else { "FALSE" }),
        TypeKind::TinyInt => drop(write!(out, "{}", number!(Int8Type))),
        TypeKind::SmallInt => drop(write!(out, "{}", number!(Int16Type))),
        TypeKind::Int => drop(write!(out, "{}", number!(Int32Type))),
        TypeKind::BigInt => drop(write!(out, "{}", number!(Int64Type))),
        TypeKind::Float => write_float(number!(Float32Type), out),
        TypeKind::Double => write_double(number!(Float64Type), out),
        TypeKind::Decimal(_, scale) => write_decimal(number!(Decimal128Type), *scale, out),
        TypeKind::Char(_) | TypeKind::Varchar(_) => out.push_str(array.as_string::<i32>().value(row)),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) => write_bytes(array.as_binary::<i32>().value(row), style, out),
        TypeKind::Bitmap => write_bitmap(array.as_binary::<i32>().value(row), out),
        TypeKind::Date => time::write_date(number!(Date32Type).into(), out),
        TypeKind::Time(precision) => time::write_time(number!(Time32MillisecondType).into(), *precision, out),
        TypeKind::Timestamp(precision) => {
            time::write_timestamp(timestamp(array, row), units_per_second(kind), *precision, out);
        }
        TypeKind::TimestampLtz(precision) => {
            let (value, units) = (timestamp(array, row), units_per_second(kind));
            match style {
                Style::Cast(zone) => {
                    let ms = value.div_euclid(units / 1_000);
                    let local = value + (to_local(zone, ms) - ms) * (units / 1_000);
                    time::write_timestamp(local, units, *precision, out);
                }
                Style::Result => {
                    time::write_timestamp(value, units, *precision, out);
                    out.push('Z');
                }
            }
        }
        TypeKind::IntervalYearMonth => time::write_months(number!(IntervalYearMonthType), out),
        TypeKind::IntervalDayTime => time::write_milliseconds(number!(DurationMillisecondType), out),
        TypeKind::Array(item) => {
            let items = array.as_list::<i32>().value(row);
            out.push('[');
            for i in 0..items.len() {
                separate(i, out);
                write_value(&items, i, &item.kind, style, out);
            }
            out.push(']');
        }
        TypeKind::Map(key, value) => write_entries(array, row, &key.kind, &value.kind, style, out),
        TypeKind::Multiset(item) => write_entries(array, row, &item.kind, &TypeKind::Int, style, out),
        TypeKind::Row(fields) => {
            let columns = array.as_struct();
            out.push('(');
            for (i, field) in fields.iter().enumerate() {
                separate(i, out);
                write_value(columns.column(i), row, &field.data_type.kind, style, out);
            }
            out.push(')');
        }
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push_str(", ");
    }
}

fn write_entries(array: &dyn Array, row: usize, key: &TypeKind, value: &TypeKind, style: Style, out: &mut String) {
    let entries = array.as_map().value(row);
    out.push('{');
    for i in 0..entries.len() {
        separate(i, out);
        write_value(entries.column(0), i, key, style, out);
        out.push('=');
        write_value(entries.column(1), i, value, style, out);
    }
    out.push('}');
}

fn write_bytes(bytes: &[u8], style: Style, out: &mut String) {
    match style {
        Style::Cast(_) => out.push_str(&String::from_utf8_lossy(bytes)),
        Style::Result => {
            out.push_str("x'");
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
            out.push('\'');
        }
    }
}

/// `{1,2,3}`, in order; bytes that are no bitmap as a question mark.
fn write_bitmap(bytes: &[u8], out: &mut String) {
    match roaring::RoaringBitmap::deserialize_from(bytes) {
        Ok(bitmap) => {
            out.push('{');
            for (i, value) in bitmap.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{value}");
            }
            out.push('}');
        }
        Err(_) => out.push('?'),
    }
}

/// The value of a timestamp, in the unit of its Arrow type.
pub(crate) fn timestamp(array: &dyn Array, row: usize) -> i64 {
    use a::{DataType as D, TimeUnit};
    match array.data_type() {
        D::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<a::TimestampMicrosecondType>().value(row),
        D::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive::<a::TimestampNanosecondType>().value(row),
        _ => array.as_primitive::<a::TimestampMillisecondType>().value(row),
    }
}
