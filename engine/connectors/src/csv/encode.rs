//! Writes rows as CSV records.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes as t;
use arrow::datatypes::DataType as A;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::CsvOptions;
use crate::text::{date_time, write_decimal, write_double, write_scientific_decimal, write_single};
use crate::time::{TimeStyle, write_date, write_date_time, write_time};

/// Encodes rows; NULL is the null literal, or nothing where there is none.
#[derive(Debug)]
pub(crate) struct CsvEncoder {
    options: CsvOptions,
    field: Vec<u8>,
}

impl CsvEncoder {
    pub(crate) fn new(options: CsvOptions) -> Self {
        Self { options, field: Vec::new() }
    }
    /// The line of column names, where `csv.header` asks for it.
    pub(crate) fn header(&mut self, names: &[String], out: &mut Vec<u8>) {
        if !self.options.header {
            return;
        }
        for (index, name) in names.iter().enumerate() {
            if index > 0 {
                out.push(self.options.delimiter);
            }
            self.field.clear();
            self.field.extend_from_slice(name.as_bytes());
            self.push_field(out);
        }
        out.push(b'\n');
    }
    /// Appends a line per row.
    pub(crate) fn encode(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) {
        for row in 0..rows.num_rows() {
            for (index, column) in rows.columns().iter().enumerate() {
                if index > 0 {
                    out.push(self.options.delimiter);
                }
                self.field.clear();
                if column.is_null(row) {
                    out.extend_from_slice(self.options.null_literal.as_deref().unwrap_or_default().as_bytes());
                } else {
                    write_field(&self.options, &mut self.field, column, row);
                    self.push_field(out);
                }
            }
            out.push(b'\n');
        }
    }
    /// Appends the field with the quotes or escapes it needs.
    fn push_field(&self, out: &mut Vec<u8>) {
        let special = |b: u8| b == self.options.delimiter || matches!(b, b'\n' | b'\r');
        let mark = |b: u8| Some(b) == self.options.quote || Some(b) == self.options.escape;
        // What reads as a comment is quoted. Text that is the null literal is NULL when it is read, quoted or not, as in Flink.
        let like_comment = self.options.allow_comments && self.field.first() == Some(&b'#');
        let blanks = self.field.first() == Some(&b' ') || self.field.last() == Some(&b' ');
        let wants_quotes = like_comment || blanks || self.field.iter().any(|b| special(*b) || mark(*b));
        let Some(quote) = self.options.quote.filter(|_| wants_quotes) else {
            for byte in &self.field {
                if let Some(escape) = self.options.escape
                    && (special(*byte) || mark(*byte))
                {
                    out.push(escape);
                    out.push(match byte {
                        b'\n' => b'n',
                        b'\r' => b'r',
                        other => *other,
                    });
                } else {
                    out.push(*byte);
                }
            }
            return;
        };
        out.push(quote);
        for byte in &self.field {
            match self.options.escape {
                Some(escape) if mark(*byte) => out.extend([escape, *byte]),
                None if *byte == quote => out.extend([quote, quote]),
                _ => out.push(*byte),
            }
        }
        out.push(quote);
    }
}

fn write_field(options: &CsvOptions, out: &mut Vec<u8>, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        out.extend_from_slice(options.null_literal.as_deref().unwrap_or_default().as_bytes());
        return;
    }
    match array.data_type() {
        A::Float32 => write_single(out, array.as_primitive::<t::Float32Type>().value(row)),
        A::Float64 => write_double(out, array.as_primitive::<t::Float64Type>().value(row)),
        A::Decimal128(_, scale) => {
            let (value, scale) = (array.as_primitive::<t::Decimal128Type>().value(row), (*scale).max(0) as usize);
            if options.scientific_decimals {
                write_scientific_decimal(out, value, scale);
            } else {
                write_decimal(out, value, scale);
            }
        }
        A::Binary => out.extend_from_slice(STANDARD.encode(array.as_binary::<i32>().value(row)).as_bytes()),
        A::Date32 => write_date(out, i64::from(array.as_primitive::<t::Date32Type>().value(row))),
        A::Time32(_) => {
            let ms = i64::from(array.as_primitive::<t::Time32MillisecondType>().value(row));
            write_time(out, ms * 1_000_000, TimeStyle::Seconds);
        }
        A::Timestamp(_, zone) => {
            write_date_time(out, date_time(array, row), b' ', TimeStyle::Seconds);
            if zone.is_some() {
                out.push(b'Z');
            }
        }
        A::List(_) => {
            let items = array.as_list::<i32>().value(row);
            for index in 0..items.len() {
                if index > 0 {
                    out.extend_from_slice(options.array_delimiter.as_bytes());
                }
                write_field(options, out, &items, index);
            }
        }
        A::Struct(_) => {
            for (index, column) in array.as_struct().columns().iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(options.array_delimiter.as_bytes());
                }
                write_field(options, out, column, row);
            }
        }
        _ => crate::text::write_value(out, array, row),
    }
}
