//! Casts between numbers and BOOLEAN: integers wrap around, floating point is cut and stops at INT's and BIGINT's bounds
//! (as in Java), what exceeds a DECIMAL is NULL.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array};
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use wasmill_plan::{Error, Result, TypeKind};

use super::Convert;
use crate::number::{decimal_of_double, decimal_to_double, pow10, rescale};

macro_rules! mapped {
    ($from:ty, $to:ty, $f:expr) => {{
        let f = $f;
        Box::new(move |array: &ArrayRef, _: &_, _: &mut _| {
            Ok(Arc::new(array.as_primitive::<$from>().unary::<_, $to>(&f)) as ArrayRef)
        })
    }};
}

macro_rules! to_boolean {
    ($from:ty, $zero:expr) => {
        Box::new(move |array: &ArrayRef, _: &_, _: &mut _| {
            let array = array.as_primitive::<$from>();
            Ok(Arc::new(BooleanArray::from_unary(array, |v| v != $zero)) as ArrayRef)
        })
    };
}

macro_rules! to_decimal {
    ($from:ty, $arrow:expr, $f:expr) => {{
        let (arrow, f) = ($arrow, $f);
        Box::new(move |array: &ArrayRef, _: &_, _: &mut _| {
            let decimals = array.as_primitive::<$from>().unary_opt::<_, Decimal128Type>(&f);
            Ok(Arc::new(decimals.with_data_type(arrow.clone())) as ArrayRef)
        })
    }};
}

macro_rules! from_integer {
    ($from:ty, $to:expr) => {
        match $to {
            TypeKind::Boolean => to_boolean!($from, 0),
            TypeKind::TinyInt => mapped!($from, Int8Type, |v| v as i8),
            TypeKind::SmallInt => mapped!($from, Int16Type, |v| v as i16),
            TypeKind::Int => mapped!($from, Int32Type, |v| v as i32),
            TypeKind::BigInt => mapped!($from, Int64Type, |v| v as i64),
            TypeKind::Float => mapped!($from, Float32Type, |v| v as f32),
            TypeKind::Double => mapped!($from, Float64Type, |v| v as f64),
            TypeKind::Decimal(p, s) => {
                let (p, s) = (*p, *s);
                to_decimal!($from, $to.to_arrow(), move |v| rescale(v as i128, 0, (p, s)))
            }
            other => return Err(Error::query(format!("cannot cast a number to {other}"))),
        }
    };
}

macro_rules! from_float {
    ($from:ty, $to:expr) => {
        match $to {
            TypeKind::Boolean => to_boolean!($from, 0.0),
            TypeKind::TinyInt => mapped!($from, Int8Type, |v| v as i32 as i8),
            TypeKind::SmallInt => mapped!($from, Int16Type, |v| v as i32 as i16),
            TypeKind::Int => mapped!($from, Int32Type, |v| v as i32),
            TypeKind::BigInt => mapped!($from, Int64Type, |v| v as i64),
            TypeKind::Float => mapped!($from, Float32Type, |v| v as f32),
            TypeKind::Double => mapped!($from, Float64Type, |v| v as f64),
            TypeKind::Decimal(p, s) => {
                let (p, s) = (*p, *s);
                to_decimal!($from, $to.to_arrow(), move |v| decimal_of_double(v as f64, (p, s)))
            }
            other => return Err(Error::query(format!("cannot cast a number to {other}"))),
        }
    };
}

/// The conversion between two kinds that are numbers or BOOLEAN.
pub(super) fn convert(from: &TypeKind, to: &TypeKind) -> Result<Convert> {
    Ok(match from {
        TypeKind::Boolean => {
            let mut rest: Convert = match to {
                TypeKind::Int => Box::new(|array, _, _| Ok(array.clone())),
                _ => from_integer!(Int32Type, to),
            };
            Box::new(move |array, context, failures| {
                let ones: Int32Array = array.as_boolean().iter().map(|v| v.map(i32::from)).collect();
                rest(&(Arc::new(ones) as ArrayRef), context, failures)
            })
        }
        TypeKind::TinyInt => from_integer!(Int8Type, to),
        TypeKind::SmallInt => from_integer!(Int16Type, to),
        TypeKind::Int => from_integer!(Int32Type, to),
        TypeKind::BigInt => from_integer!(Int64Type, to),
        TypeKind::Float => from_float!(Float32Type, to),
        TypeKind::Double => from_float!(Float64Type, to),
        TypeKind::Decimal(_, scale) => from_decimal(*scale, to)?,
        other => return Err(Error::query(format!("cannot cast {other} to {to}"))),
    })
}

fn from_decimal(scale: u8, to: &TypeKind) -> Result<Convert> {
    let unit = pow10(scale).unwrap_or(1);
    Ok(match to {
        TypeKind::Boolean => to_boolean!(Decimal128Type, 0),
        TypeKind::TinyInt => mapped!(Decimal128Type, Int8Type, move |v| (v / unit) as i8),
        TypeKind::SmallInt => mapped!(Decimal128Type, Int16Type, move |v| (v / unit) as i16),
        TypeKind::Int => mapped!(Decimal128Type, Int32Type, move |v| (v / unit) as i32),
        TypeKind::BigInt => mapped!(Decimal128Type, Int64Type, move |v| (v / unit) as i64),
        TypeKind::Float => mapped!(Decimal128Type, Float32Type, move |v| decimal_to_double(v, scale) as f32),
        TypeKind::Double => mapped!(Decimal128Type, Float64Type, move |v| decimal_to_double(v, scale)),
        TypeKind::Decimal(p, s) => {
            let (p, s) = (*p, *s);
            to_decimal!(Decimal128Type, to.to_arrow(), move |v| rescale(v, scale, (p, s)))
        }
        other => return Err(Error::query(format!("cannot cast a DECIMAL to {other}"))),
    })
}
