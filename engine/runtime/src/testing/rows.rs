//! Rows as text: `a | 00:00:05 | 3` under a schema `k STRING, t TIMESTAMP(3), v INT`.
//!
//! A cell is `NULL`, a plain value, or JSON for ARRAY, MAP and ROW. Timestamps are `2020-01-31 10:00:00.5`, a time of day alone
//! (1 January 1970), or a plain number of ms; they print in the shortest of the first two forms.

use std::sync::Arc;

use arrow::array::{self, Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as A, TimeUnit};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use serde_json::Value as Json;
use wasmill_plan::{DataType, Field, MAX_LENGTH, Schema, TypeKind, Value};

/// Reads `name TYPE, …`.
///
/// # Panics
/// On text that is none: it is a mistake in a test.
pub fn schema(text: &str) -> Schema {
    Schema::new(split_top(text).into_iter().map(field).collect())
}

fn field(text: &str) -> Field {
    let (name, kind) = text.trim().split_once(' ').unwrap_or_else(|| panic!("a column is `name TYPE`, not '{text}'"));
    Field::new(name, data_type(kind))
}

/// Reads a type, with `NOT NULL` where it has it.
///
/// # Panics
/// As [`schema`].
pub fn data_type(text: &str) -> DataType {
    let text = text.trim();
    let (text, nullable) = text.strip_suffix("NOT NULL").map_or((text, true), |t| (t.trim(), false));
    let (name, args) = match text.find(['(', '<']) {
        Some(at) => (text[..at].trim(), &text[at + 1..text.len() - 1]),
        None => (text, ""),
    };
    let number = |default: u32| if args.is_empty() { default } else { args.trim().parse().expect("a number") };
    let kind = match name.to_ascii_uppercase().as_str() {
        "BOOLEAN" => TypeKind::Boolean,
        "TINYINT" => TypeKind::TinyInt,
        "SMALLINT" => TypeKind::SmallInt,
        "INT" => TypeKind::Int,
        "BIGINT" => TypeKind::BigInt,
        "FLOAT" => TypeKind::Float,
        "DOUBLE" => TypeKind::Double,
        "DECIMAL" => {
            let (p, s) = args.split_once(',').unwrap_or((args, "0"));
            TypeKind::Decimal(p.trim().parse().expect("a precision"), s.trim().parse().expect("a scale"))
        }
        "CHAR" => TypeKind::Char(number(1)),
        "STRING" => TypeKind::Varchar(MAX_LENGTH),
        "VARCHAR" => TypeKind::Varchar(number(MAX_LENGTH)),
        "BYTES" => TypeKind::Varbinary(MAX_LENGTH),
        "DATE" => TypeKind::Date,
        "TIME" => TypeKind::Time(0),
        "TIMESTAMP" => TypeKind::Timestamp(number(3) as u8),
        "TIMESTAMP_LTZ" => TypeKind::TimestampLtz(number(3) as u8),
        "ARRAY" => TypeKind::Array(Box::new(data_type(args))),
        "MULTISET" => TypeKind::Multiset(Box::new(data_type(args))),
        "MAP" => {
            let parts = split_top(args);
            TypeKind::Map(Box::new(data_type(parts[0])), Box::new(data_type(parts[1])))
        }
        "ROW" => TypeKind::Row(split_top(args).into_iter().map(field).collect()),
        other => panic!("no type '{other}'"),
    };
    DataType { kind, nullable }
}

/// Splits at commas outside brackets.
fn split_top(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(text[start..].trim());
    }
    parts
}

/// Reads one row per line.
///
/// # Panics
/// As [`schema`].
pub fn batch(schema: &Schema, lines: &[&str]) -> RecordBatch {
    let mut columns: Vec<Vec<Json>> = vec![Vec::new(); schema.len()];
    for line in lines {
        let cells: Vec<&str> = if schema.is_empty() { Vec::new() } else { line.split('|').map(str::trim).collect() };
        assert_eq!(cells.len(), schema.len(), "cells of '{line}'");
        for ((cell, field), column) in cells.iter().zip(&schema.fields).zip(&mut columns) {
            let nested = matches!(
                field.data_type.kind,
                TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Row(_)
            );
            column.push(match *cell {
                "NULL" => Json::Null,
                cell if nested => serde_json::from_str(cell).unwrap_or_else(|e| panic!("'{cell}' is not JSON: {e}")),
                cell => Json::String(cell.to_owned()),
            });
        }
    }
    let arrays = columns.iter().zip(&schema.fields).map(|(c, f)| build(&f.data_type, c)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(lines.len()));
    RecordBatch::try_new_with_options(schema.to_arrow(), arrays, &options).expect("columns of the schema")
}

fn build(data_type: &DataType, cells: &[Json]) -> ArrayRef {
    let nulls = || NullBuffer::from_iter(cells.iter().map(|c| !c.is_null()));
    let arrow = data_type.to_arrow();
    match (&data_type.kind, &arrow) {
        (TypeKind::Array(item), A::List(field)) => {
            let lists: Vec<&[Json]> = cells.iter().map(|c| c.as_array().map_or(&[][..], Vec::as_slice)).collect();
            let offsets = OffsetBuffer::from_lengths(lists.iter().map(|l| l.len()));
            Arc::new(array::ListArray::new(field.clone(), offsets, build(item, &lists.concat()), Some(nulls())))
        }
        (TypeKind::Map(..) | TypeKind::Multiset(_), A::Map(entries, _)) => {
            let int = DataType::nullable(TypeKind::Int);
            let (key, value) = match &data_type.kind {
                TypeKind::Map(key, value) => (&**key, &**value),
                TypeKind::Multiset(item) => (&**item, &int),
                _ => unreachable!(),
            };
            let (mut keys, mut values, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
            for cell in cells {
                let object = cell.as_object();
                lengths.push(object.map_or(0, serde_json::Map::len));
                for (k, v) in object.into_iter().flatten() {
                    keys.push(Json::String(k.clone()));
                    values.push(v.clone());
                }
            }
            let A::Struct(fields) = entries.data_type() else { unreachable!() };
            let pairs = array::StructArray::new(fields.clone(), vec![build(key, &keys), build(value, &values)], None);
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(array::MapArray::new(entries.clone(), offsets, pairs, Some(nulls()), false))
        }
        (TypeKind::Row(fields), A::Struct(arrow)) => {
            let columns = fields
                .iter()
                .map(|f| {
                    let cells: Vec<Json> =
                        cells.iter().map(|c| c.get(&f.name).cloned().unwrap_or(Json::Null)).collect();
                    build(&f.data_type, &cells)
                })
                .collect();
            Arc::new(array::StructArray::new(arrow.clone(), columns, Some(nulls())))
        }
        _ => {
            if cells.is_empty() {
                return array::new_empty_array(&arrow);
            }
            let one: Vec<ArrayRef> = cells.iter().map(|c| scalar(data_type, c).to_array(data_type, 1)).collect();
            arrow::compute::concat(&one.iter().map(AsRef::as_ref).collect::<Vec<_>>()).expect("arrays of one type")
        }
    }
}

fn scalar(data_type: &DataType, cell: &Json) -> Value {
    let text = match cell {
        Json::Null => return Value::Null,
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let bad = || -> ! { panic!("'{text}' is not a {data_type}") };
    match &data_type.kind {
        TypeKind::Boolean => Value::Boolean(text.parse().unwrap_or_else(|_| bad())),
        TypeKind::Float | TypeKind::Double => Value::Float(text.parse().unwrap_or_else(|_| bad())),
        TypeKind::Decimal(_, scale) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let digits = format!("{whole}{fraction:0<width$}", width = *scale as usize);
            Value::Decimal(digits.parse().unwrap_or_else(|_| bad()))
        }
        TypeKind::Char(_) | TypeKind::Varchar(_) => Value::Text(text),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) | TypeKind::Bitmap => Value::Bytes(text.into_bytes()),
        TypeKind::Date if text.contains('-') => {
            let date: NaiveDate = text.parse().unwrap_or_else(|_| bad());
            Value::Int((date - NaiveDate::default()).num_days())
        }
        TypeKind::Time(_) if text.contains(':') => {
            let time: NaiveTime = text.parse().unwrap_or_else(|_| bad());
            Value::Int(i64::from(time.num_seconds_from_midnight()) * 1000 + i64::from(time.nanosecond() / 1_000_000))
        }
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => {
            let ns = timestamp_ns(&text).unwrap_or_else(|| bad());
            Value::Int(match p {
                0..=3 => ns / 1_000_000,
                4..=6 => ns / 1_000,
                _ => ns,
            })
        }
        _ => Value::Int(text.parse().unwrap_or_else(|_| bad())),
    }
}

/// Reads a timestamp in any of the forms of this module, in ms since the epoch.
pub fn timestamp_ms(text: &str) -> Option<i64> {
    timestamp_ns(text).map(|ns| ns / 1_000_000)
}

fn timestamp_ns(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return ms.checked_mul(1_000_000);
    }
    let time = match text.parse::<NaiveTime>() {
        Ok(time) => NaiveDate::default().and_time(time),
        Err(_) => text.replace(' ', "T").parse::<NaiveDateTime>().ok()?,
    };
    time.and_utc().timestamp_nanos_opt()
}

/// Prints a timestamp in ms: the time of day alone on 1 January 1970.
pub fn format_ms(ms: i64) -> String {
    let Some(time) = DateTime::from_timestamp_millis(ms) else { return ms.to_string() };
    format_time(time.naive_utc())
}

fn format_time(time: NaiveDateTime) -> String {
    if time.date() == NaiveDate::default() { time.time().to_string() } else { time.to_string() }
}

/// Prints each row.
pub fn lines(rows: &RecordBatch) -> Vec<String> {
    let line = |row| rows.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join(" | ");
    (0..rows.num_rows()).map(line).collect()
}

/// Prints one value.
pub fn cell(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    match array.data_type() {
        A::Timestamp(unit, _) => {
            let Some(Value::Int(v)) = Value::from_array(array, row) else { unreachable!() };
            let time = match unit {
                TimeUnit::Second => DateTime::from_timestamp(v, 0),
                TimeUnit::Millisecond => DateTime::from_timestamp_millis(v),
                TimeUnit::Microsecond => DateTime::from_timestamp_micros(v),
                TimeUnit::Nanosecond => Some(DateTime::from_timestamp_nanos(v)),
            };
            time.map_or_else(|| v.to_string(), |t| format_time(t.naive_utc()))
        }
        A::Date32 => {
            let Some(Value::Int(v)) = Value::from_array(array, row) else { unreachable!() };
            (NaiveDate::default() + chrono::Duration::days(v)).to_string()
        }
        A::Decimal128(_, scale) => {
            array
                .as_primitive::<arrow::datatypes::Decimal128Type>()
                .value_as_string(row)
                .trim_end_matches('.')
                .to_owned()
                + if *scale < 0 { "?" } else { "" }
        }
        A::List(_) => {
            let items = array.as_list::<i32>().value(row);
            format!("[{}]", (0..items.len()).map(|i| cell(&items, i)).collect::<Vec<_>>().join(", "))
        }
        A::Map(..) => {
            let entries = array.as_map().value(row);
            let pair = |i| format!("{}={}", cell(entries.column(0), i), cell(entries.column(1), i));
            format!("{{{}}}", (0..entries.len()).map(pair).collect::<Vec<_>>().join(", "))
        }
        A::Struct(_) => {
            let fields = array.as_struct().columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>();
            format!("({})", fields.join(", "))
        }
        _ => match Value::from_array(array, row) {
            Some(Value::Text(text)) => text,
            Some(Value::Bytes(bytes)) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
            Some(Value::Float(v)) => v.to_string(),
            Some(Value::Int(v)) => v.to_string(),
            Some(Value::Boolean(v)) => v.to_string(),
            other => format!("{other:?}"),
        },
    }
}
