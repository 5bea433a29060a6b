//! Values as JSON.

use std::io::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes as a;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wasmill_plan::{DataType, TypeKind};

use super::{Style, write_value};

/// Appends row `row` of `array`, a value of `data_type`, as a JSON value: DECIMAL as a number with its digits, TIMESTAMP as
/// `"2020-01-31 10:00:00.500"`, TIMESTAMP_LTZ in UTC with `Z`, intervals as numbers (of months, of ms), bytes as base64, ROW
/// and MAP as objects, NaN and infinities as strings.
pub fn write_json(array: &dyn Array, row: usize, data_type: &DataType, out: &mut Vec<u8>) {
    let kind = &data_type.kind;
    if array.data_type() == &a::DataType::Null || array.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match kind {
        TypeKind::Boolean => {
            out.extend_from_slice(if array.as_boolean().value(row) { b"true".as_slice() } else { b"false" });
        }
        TypeKind::Int => drop(write!(out, "{}", array.as_primitive::<a::Int32Type>().value(row))),
        TypeKind::BigInt => drop(write!(out, "{}", array.as_primitive::<a::Int64Type>().value(row))),
        TypeKind::IntervalYearMonth => {
            drop(write!(out, "{}", array.as_primitive::<a::IntervalYearMonthType>().value(row)));
        }
        TypeKind::IntervalDayTime => {
            drop(write!(out, "{}", array.as_primitive::<a::DurationMillisecondType>().value(row)));
        }
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Decimal(..) | TypeKind::Float | TypeKind::Double => {
            let text = text(array, row, kind);
            if text.ends_with(['N', 'y']) { write_string(&text, out) } else { out.extend_from_slice(text.as_bytes()) }
        }
        TypeKind::Char(_) | TypeKind::Varchar(_) => write_string(array.as_string::<i32>().value(row), out),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) | TypeKind::Bitmap => {
            write_string(&STANDARD.encode(array.as_binary::<i32>().value(row)), out);
        }
        TypeKind::Array(item) => {
            let items = array.as_list::<i32>().value(row);
            out.push(b'[');
            for i in 0..items.len() {
                separate(i, out);
                write_json(&items, i, item, out);
            }
            out.push(b']');
        }
        TypeKind::Map(key, value) => write_entries(array, row, key, value, out),
        TypeKind::Multiset(item) => write_entries(array, row, item, &DataType::not_null(TypeKind::Int), out),
        TypeKind::Row(fields) => {
            let columns = array.as_struct();
            out.push(b'{');
            for (i, field) in fields.iter().enumerate() {
                separate(i, out);
                write_string(&field.name, out);
                out.push(b':');
                write_json(columns.column(i), row, &field.data_type, out);
            }
            out.push(b'}');
        }
        TypeKind::Null | TypeKind::Date | TypeKind::Time(_) | TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => {
            write_string(&text(array, row, kind), out);
        }
    }
}

fn text(array: &dyn Array, row: usize, kind: &TypeKind) -> String {
    let mut text = String::new();
    write_value(array, row, kind, Style::Result, &mut text);
    text
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

/// Keys that are no strings are written as their text.
fn write_entries(array: &dyn Array, row: usize, key: &DataType, value: &DataType, out: &mut Vec<u8>) {
    let entries = array.as_map().value(row);
    out.push(b'{');
    for i in 0..entries.len() {
        separate(i, out);
        match key.kind {
            TypeKind::Boolean => {
                out.push(b'"');
                write_json(entries.column(0), i, key, out);
                out.push(b'"');
            }
            _ => write_string(&text(entries.column(0), i, &key.kind), out),
        }
        out.push(b':');
        write_json(entries.column(1), i, value, out);
    }
    out.push(b'}');
}

/// A JSON string; what needs no escape is copied in runs.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        if short.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.extend_from_slice(short);
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}
