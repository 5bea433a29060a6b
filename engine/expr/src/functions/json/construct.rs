//! JSON_OBJECT, JSON_ARRAY and JSON_STRING: SQL values as JSON.

use std::borrow::Cow;

use arrow::array::{Array, AsArray};
use arrow::datatypes as t;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wasmill_plan::{DataType, Error, Result, TypeKind, Value};

use super::node::Node;
use crate::function::{Argument, CallSite, ColumnValue, Kernel, Signature};
use crate::functions::arguments::{Param, string as string_kind, total, variadic};
use crate::functions::columns::{kernel, text, texts, try_texts};
use crate::number::{write_decimal, write_double};

/// What is said of a call of JSON that is no value of JSON_OBJECT or JSON_ARRAY.
pub(super) const JSON_MISPLACED: &str = "is only allowed as a value of JSON_OBJECT or JSON_ARRAY";

/// The last argument: what becomes of NULL, and which arguments are JSON text.
struct OnNull {
    absent: bool,
    raw: Vec<usize>,
    /// How many arguments stand before it.
    values: usize,
}

impl OnNull {
    /// `default_absent` counts where there is no clause.
    fn parse<'a>(literals: &[Option<&'a Value>], default_absent: bool) -> Self {
        if let Some(Some(Value::Text(clause))) = literals.last() {
            let (on_null, raw) = clause.split_once(" RAW ").unwrap_or((clause, ""));
            let absent = match on_null {
                "ABSENT ON NULL" => Some(true),
                "NULL ON NULL" => Some(false),
                _ => None,
            };
            if let Some(absent) = absent {
                let raw = raw.split(' ').filter_map(|index| index.parse().ok()).collect();
                return Self { absent, raw, values: literals.len() - 1 };
            }
        }
        Self { absent: default_absent, raw: Vec::new(), values: literals.len() }
    }
    fn of_site(site: &CallSite, default_absent: bool) -> Self {
        let literals: Vec<_> = site.literals.iter().map(Option::as_ref).collect();
        Self::parse(&literals, default_absent)
    }
}

pub(super) fn infer_object(args: &[Argument]) -> Result<Signature, String> {
    let types = variadic(args, &[], Param::Any)?;
    let values = OnNull::parse(&args.iter().map(|a| a.literal).collect::<Vec<_>>(), false).values;
    if values % 2 == 1 {
        return Err("takes keys and values in turn".to_owned());
    }
    for (i, key) in types[..values].iter().enumerate().step_by(2) {
        if !key.kind.is_text() {
            return Err(format!("argument {} must be a key, a text, not {}", i + 1, key.kind));
        }
    }
    total(types, string_kind())
}

pub(super) fn infer_array(args: &[Argument]) -> Result<Signature, String> {
    total(variadic(args, &[], Param::Any)?, string_kind())
}

pub(super) fn object(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (clause, types) = (OnNull::of_site(site, false), site.args.clone());
    kernel(move |args, rows| {
        try_texts(rows, |row, out| {
            let mut members: Vec<(Cow<str>, Node)> = Vec::with_capacity(clause.values / 2);
            for i in (0..clause.values).step_by(2) {
                let key = text(&args[i]).get(row).ok_or_else(|| Error::data("a key of JSON_OBJECT is NULL"))?;
                let value = argument(&args[i + 1], row, &types[i + 1], clause.raw.contains(&(i + 1)))?;
                if clause.absent && value == Node::Null {
                    continue;
                }
                match members.iter_mut().find(|(known, _)| known == key) {
                    Some(member) => member.1 = value,
                    None => members.push((key.into(), value)),
                }
            }
            Node::Object(members).write(out);
            Ok(Some(()))
        })
    })
}

pub(super) fn array(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (clause, types) = (OnNull::of_site(site, true), site.args.clone());
    kernel(move |args, rows| {
        try_texts(rows, |row, out| {
            let mut items = Vec::with_capacity(clause.values);
            for i in 0..clause.values {
                let value = argument(&args[i], row, &types[i], clause.raw.contains(&i))?;
                if !(clause.absent && value == Node::Null) {
                    items.push(value);
                }
            }
            Node::Array(items).write(out);
            Ok(Some(()))
        })
    })
}

/// A value of a row; JSON text is read, of which blank text is null.
fn argument<'a>(arg: &'a ColumnValue, row: usize, data_type: &DataType, raw: bool) -> Result<Node<'a>> {
    if !raw || !data_type.kind.is_text() {
        return Ok(node(arg.array(), arg.index(row), data_type));
    }
    match text(arg).get(row).map(str::trim) {
        None | Some("") => Ok(Node::Null),
        Some(json) => Node::parse(json).map_err(|e| Error::data(format!("JSON of malformed text '{json}': {e}"))),
    }
}

pub(super) fn string(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let data_type = site.args[0].clone();
    kernel(move |args, rows| {
        texts(rows, |row, out| match node(args[0].array(), args[0].index(row), &data_type) {
            Node::Null => None,
            node => {
                node.write(out);
                Some(())
            }
        })
    })
}

/// A SQL value as JSON: bytes in base64, dates and times in ISO 8601, ROW and MAP as objects.
fn node<'a>(array: &'a dyn Array, row: usize, data_type: &DataType) -> Node<'a> {
    if array.is_null(row) || data_type.kind == TypeKind::Null {
        return Node::Null;
    }
    let number = |text: String| Node::Number(text.into());
    let written = |write: &dyn Fn(&mut String)| {
        let mut text = String::new();
        write(&mut text);
        text
    };
    match &data_type.kind {
        TypeKind::Boolean => Node::Boolean(array.as_boolean().value(row)),
        TypeKind::TinyInt => number(array.as_primitive::<t::Int8Type>().value(row).to_string()),
        TypeKind::SmallInt => number(array.as_primitive::<t::Int16Type>().value(row).to_string()),
        TypeKind::Int => number(array.as_primitive::<t::Int32Type>().value(row).to_string()),
        TypeKind::BigInt => number(array.as_primitive::<t::Int64Type>().value(row).to_string()),
        TypeKind::Float => {
            // With all the digits of the DOUBLE, as in Flink.
            let value = f64::from(array.as_primitive::<t::Float32Type>().value(row));
            let text = written(&|out| write_double(value, out));
            if value.is_finite() { number(text) } else { Node::Text(text.into()) }
        }
        TypeKind::Double => {
            let value = array.as_primitive::<t::Float64Type>().value(row);
            let text = written(&|out| write_double(value, out));
            if value.is_finite() { number(text) } else { Node::Text(text.into()) }
        }
        TypeKind::Decimal(_, scale) => {
            number(written(&|out| write_decimal(array.as_primitive::<t::Decimal128Type>().value(row), *scale, out)))
        }
        TypeKind::Char(_) | TypeKind::Varchar(_) => Node::Text(array.as_string::<i32>().value(row).into()),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) => {
            Node::Text(STANDARD.encode(array.as_binary::<i32>().value(row)).into())
        }
        TypeKind::Timestamp(_) => Node::Text(iso(array, row, data_type, false).into()),
        TypeKind::TimestampLtz(_) => Node::Text(iso(array, row, data_type, true).into()),
        TypeKind::Array(item) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            Node::Array(range.map(|i| node(list.values(), i, item)).collect())
        }
        TypeKind::Map(key, value) => entries(array, row, key, value),
        TypeKind::Multiset(item) => entries(array, row, item, &DataType::not_null(TypeKind::Int)),
        TypeKind::Row(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().zip(columns);
            Node::Object(members.map(|(f, c)| (f.name.clone().into(), node(c, row, &f.data_type))).collect())
        }
        _ => Node::Text(plain(array, row, data_type).into()),
    }
}

fn entries<'a>(array: &'a dyn Array, row: usize, key: &DataType, value: &DataType) -> Node<'a> {
    let map = array.as_map();
    let offsets = map.value_offsets();
    let range = offsets[row] as usize..offsets[row + 1] as usize;
    let name = |i| match key.kind.is_text() {
        true => map.keys().as_string::<i32>().value(i).into(),
        false => plain(map.keys(), i, key).into(),
    };
    Node::Object(range.map(|i| (name(i), node(map.values(), i, value))).collect())
}

fn plain(array: &dyn Array, row: usize, data_type: &DataType) -> String {
    let mut out = Vec::new();
    crate::display::write_text(array, row, data_type, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// `2020-01-31T10:00:00.123`, with the digits that are not zero in groups of three, and `Z` for an instant.
fn iso(array: &dyn Array, row: usize, data_type: &DataType, instant: bool) -> String {
    let ns = match Value::from_array(array, row) {
        Some(Value::Int(units)) => {
            i128::from(units)
                * match data_type.kind {
                    TypeKind::Timestamp(0..=3) | TypeKind::TimestampLtz(0..=3) => 1_000_000,
                    TypeKind::Timestamp(4..=6) | TypeKind::TimestampLtz(4..=6) => 1_000,
                    _ => 1,
                }
        }
        _ => 0,
    };
    let (seconds, nanos) = (ns.div_euclid(1_000_000_000) as i64, ns.rem_euclid(1_000_000_000) as u32);
    let text = chrono::DateTime::from_timestamp(seconds, nanos).map(|t| t.format("%Y-%m-%dT%H:%M:%S%.f").to_string());
    text.unwrap_or_default() + if instant { "Z" } else { "" }
}
