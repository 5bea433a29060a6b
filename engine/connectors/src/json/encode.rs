//! Writes rows as JSON objects, one a line.

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes as t;
use arrow::datatypes::DataType as A;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::text::{date_time, write_decimal, write_double, write_scientific_decimal, write_single};
use crate::time::{TimeStyle, TimestampFormat, write_date, write_date_time, write_time};

/// The encoding options of the `json` format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonEncodeOptions {
    /// `json.timestamp-format.standard`.
    pub(crate) timestamp_format: TimestampFormat,
    /// `json.encode.decimal-as-plain-number`.
    pub(crate) plain_decimals: bool,
    /// `json.encode.ignore-null-fields`.
    pub(crate) ignore_null_fields: bool,
}

/// Encodes rows.
#[derive(Debug)]
pub(crate) struct JsonEncoder {
    options: JsonEncodeOptions,
    /// `"name":` of each column.
    keys: Vec<Vec<u8>>,
}

impl JsonEncoder {
    pub(crate) fn new(options: JsonEncodeOptions, names: &[String]) -> Self {
        Self { options, keys: names.iter().map(|n| key(n)).collect() }
    }
    /// Appends a line per row.
    pub(crate) fn encode(&self, rows: &RecordBatch, out: &mut Vec<u8>) {
        debug_assert_eq!(self.keys.len(), rows.num_columns());
        for row in 0..rows.num_rows() {
            let fields = self.keys.iter().map(Vec::as_slice).zip(rows.columns().iter().map(AsRef::as_ref));
            write_object(&self.options, out, fields, row);
            out.push(b'\n');
        }
    }
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    write_json_string(&mut key, name.as_bytes());
    key.push(b':');
    key
}

fn write_object<'a>(
    options: &JsonEncodeOptions,
    out: &mut Vec<u8>,
    fields: impl Iterator<Item = (&'a [u8], &'a dyn Array)>,
    row: usize,
) {
    out.push(b'{');
    let mut first = true;
    for (key, column) in fields {
        if options.ignore_null_fields && column.is_null(row) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(key);
        write_value(options, out, column, row);
    }
    out.push(b'}');
}

fn write_value(options: &JsonEncodeOptions, out: &mut Vec<u8>, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    match array.data_type() {
        A::Float32 => {
            let value = array.as_primitive::<t::Float32Type>().value(row);
            quoted_unless(value.is_finite(), out, |out| write_single(out, value));
        }
        A::Float64 => {
            let value = array.as_primitive::<t::Float64Type>().value(row);
            quoted_unless(value.is_finite(), out, |out| write_double(out, value));
        }
        A::Decimal128(_, scale) => {
            let (value, scale) = (array.as_primitive::<t::Decimal128Type>().value(row), (*scale).max(0) as usize);
            if options.plain_decimals {
                write_decimal(out, value, scale);
            } else {
                write_scientific_decimal(out, value, scale);
            }
        }
        A::Utf8 => write_json_string(out, array.as_string::<i32>().value(row).as_bytes()),
        A::Binary => {
            let text = STANDARD.encode(array.as_binary::<i32>().value(row));
            quoted_unless(false, out, |out| out.extend_from_slice(text.as_bytes()));
        }
        A::Date32 => {
            let days = i64::from(array.as_primitive::<t::Date32Type>().value(row));
            quoted_unless(false, out, |out| write_date(out, days));
        }
        A::Time32(_) => {
            let ms = i64::from(array.as_primitive::<t::Time32MillisecondType>().value(row));
            quoted_unless(false, out, |out| write_time(out, ms * 1_000_000, TimeStyle::Seconds));
        }
        A::Timestamp(_, zone) => {
            let separator = if options.timestamp_format == TimestampFormat::Sql { b' ' } else { b'T' };
            quoted_unless(false, out, |out| {
                write_date_time(out, date_time(array, row), separator, TimeStyle::Seconds);
                if zone.is_some() {
                    out.push(b'Z');
                }
            });
        }
        A::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push(b'[');
            for index in 0..items.len() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(options, out, &items, index);
            }
            out.push(b']');
        }
        A::Map(..) => {
            let entries = array.as_map().value(row);
            out.push(b'{');
            for index in 0..entries.len() {
                if index > 0 {
                    out.push(b',');
                }
                write_json_string(out, entries.column(0).as_string::<i32>().value(index).as_bytes());
                out.push(b':');
                write_value(options, out, entries.column(1), index);
            }
            out.push(b'}');
        }
        A::Struct(fields) => {
            let keys: Vec<Vec<u8>> = fields.iter().map(|f| key(f.name())).collect();
            let columns = array.as_struct().columns().iter().map(AsRef::as_ref);
            write_object(options, out, keys.iter().map(Vec::as_slice).zip(columns), row);
        }
        // Booleans, integers and intervals are as in Java.
        _ => crate::text::write_value(out, array, row),
    }
}

fn quoted_unless(bare: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if bare {
        return write(out);
    }
    out.push(b'"');
    write(out);
    out.push(b'"');
}

/// Writes a string with its quotes; only what must be escaped is.
pub(crate) fn write_json_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            8 => b"\\b",
            12 => b"\\f",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[start..at]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04X}");
        } else {
            out.extend_from_slice(escape);
        }
        start = at + 1;
    }
    out.extend_from_slice(&text[start..]);
    out.push(b'"');
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
