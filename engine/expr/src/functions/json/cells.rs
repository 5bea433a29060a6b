//! Columns of the types that RETURNING may name, filled from JSON values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float32Builder, Float64Builder, Int8Builder, Int16Builder,
    Int32Builder, Int64Builder, StringBuilder,
};
use wasmill_plan::{Error, Result, TypeKind};

use super::node::{Node, write_number};

/// A column that grows by JSON values.
pub(super) enum Cells {
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    TinyInt(Int8Builder),
    SmallInt(Int16Builder),
    Int(Int32Builder),
    BigInt(Int64Builder),
    Float(Float32Builder),
    Double(Float64Builder),
    Decimal { builder: Decimal128Builder, precision: u8, scale: u8 },
}

/// Whether a column of that type can be filled.
pub(super) fn supports(kind: &TypeKind) -> bool {
    Cells::new(kind, 0).is_ok()
}

impl Cells {
    pub(super) fn new(kind: &TypeKind, rows: usize) -> Result<Self> {
        Ok(match kind {
            kind if kind.is_text() => Self::Text(StringBuilder::with_capacity(rows, rows * 16)),
            TypeKind::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            TypeKind::TinyInt => Self::TinyInt(Int8Builder::with_capacity(rows)),
            TypeKind::SmallInt => Self::SmallInt(Int16Builder::with_capacity(rows)),
            TypeKind::Int => Self::Int(Int32Builder::with_capacity(rows)),
            TypeKind::BigInt => Self::BigInt(Int64Builder::with_capacity(rows)),
            TypeKind::Float => Self::Float(Float32Builder::with_capacity(rows)),
            TypeKind::Double => Self::Double(Float64Builder::with_capacity(rows)),
            TypeKind::Decimal(precision, scale) => Self::Decimal {
                builder: Decimal128Builder::with_capacity(rows).with_precision_and_scale(*precision, *scale as i8)?,
                precision: *precision,
                scale: *scale,
            },
            kind => return Err(Error::query(format!("JSON gives no {kind}"))),
        })
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Text(b) => b.append_null(),
            Self::Boolean(b) => b.append_null(),
            Self::TinyInt(b) => b.append_null(),
            Self::SmallInt(b) => b.append_null(),
            Self::Int(b) => b.append_null(),
            Self::BigInt(b) => b.append_null(),
            Self::Float(b) => b.append_null(),
            Self::Double(b) => b.append_null(),
            Self::Decimal { builder, .. } => builder.append_null(),
        }
    }

    /// Appends a value, NULL for a JSON null. False, and nothing appended, where it does not convert.
    pub(super) fn push(&mut self, node: &Node) -> bool {
        if *node == Node::Null {
            self.push_null();
            return true;
        }
        self.try_push(node).is_some()
    }

    fn try_push(&mut self, node: &Node) -> Option<()> {
        match self {
            Self::Text(b) => match node {
                Node::Text(text) => b.append_value(text),
                node => {
                    let mut text = String::new();
                    node.write(&mut text);
                    b.append_value(text);
                }
            },
            Self::Boolean(b) => b.append_value(match node {
                Node::Boolean(v) => *v,
                Node::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                    "true" | "t" | "yes" | "1" => true,
                    "false" | "f" | "no" | "0" => false,
                    _ => return None,
                },
                _ => return None,
            }),
            Self::TinyInt(b) => b.append_value(integer(node)?.try_into().ok()?),
            Self::SmallInt(b) => b.append_value(integer(node)?.try_into().ok()?),
            Self::Int(b) => b.append_value(integer(node)?.try_into().ok()?),
            Self::BigInt(b) => b.append_value(integer(node)?.try_into().ok()?),
            Self::Float(b) => b.append_value(number(node)?.parse().ok().filter(|v: &f32| v.is_finite())?),
            Self::Double(b) => b.append_value(number(node)?.parse().ok().filter(|v: &f64| v.is_finite())?),
            Self::Decimal { builder, precision, scale } => {
                let unscaled = unscaled(number(node)?, (*scale).into())?;
                if unscaled.unsigned_abs() >= 10u128.pow((*precision).into()) {
                    return None;
                }
                builder.append_value(unscaled);
            }
        }
        Some(())
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut b) => Arc::new(b.finish()),
            Self::Boolean(mut b) => Arc::new(b.finish()),
            Self::TinyInt(mut b) => Arc::new(b.finish()),
            Self::SmallInt(mut b) => Arc::new(b.finish()),
            Self::Int(mut b) => Arc::new(b.finish()),
            Self::BigInt(mut b) => Arc::new(b.finish()),
            Self::Float(mut b) => Arc::new(b.finish()),
            Self::Double(mut b) => Arc::new(b.finish()),
            Self::Decimal { mut builder, .. } => Arc::new(builder.finish()),
        }
    }
}

/// The text of a number, or of a string that holds one.
fn number<'n>(node: &'n Node) -> Option<&'n str> {
    match node {
        Node::Number(text) => Some(text),
        Node::Text(text) if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            Some(text)
        }
        _ => None,
    }
}

/// The whole part of a number.
fn integer(node: &Node) -> Option<i128> {
    let text = number(node)?;
    if let Ok(integer) = text.parse() {
        return Some(integer);
    }
    let mut plain = String::new();
    write_number(text, &mut plain);
    match plain.split_once('.') {
        Some((whole, fraction)) if !fraction.contains('E') => match whole {
            "" | "-" | "+" => Some(0),
            whole => whole.parse().ok(),
        },
        _ => plain.parse::<f64>().ok().filter(|v| v.abs() < 1e30).map(|v| v as i128),
    }
}

/// `number * 10^scale`, a half rounded away from zero.
fn unscaled(text: &str, scale: i64) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = scale + exponent - fraction.len() as i64;
    if digits == 0 || shift < -38 {
        return Some(0);
    }
    let power = 10i128.checked_pow(u32::try_from(shift.abs()).ok()?)?;
    if shift >= 0 {
        return digits.checked_mul(power);
    }
    let (quotient, remainder) = (digits / power, digits % power);
    let up = remainder.unsigned_abs() >= power.unsigned_abs().div_ceil(2);
    Some(quotient + if up { digits.signum() } else { 0 })
}
