//! ABS, SIGN, ROUND and TRUNCATE, which keep the type of their argument (but the scale of a DECIMAL), and FLOOR and CEIL of
//! numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use wasmill_plan::{DataType, Error, Result, TypeKind, Value};

use crate::function::{Argument, CallSite, Kernel, Signature};
use crate::functions::arguments::{Param, nullable, params, strict};
use crate::functions::columns::{Column, int, kernel, primitive};
use crate::functions::round_text;
use crate::typing::round_decimal;

/// The type of the argument.
pub(super) fn infer_same(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Param::Number], &[])?;
    let returns = args[0].kind.clone();
    strict(args, returns)
}

/// Of a DECIMAL, as many places as the call names where it names them literally.
pub(super) fn infer_places(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Param::Number], &[Param::Int])?;
    let places = match args.get(1) {
        None => Some(0),
        Some(Argument { literal: Some(Value::Int(places)), .. }) => Some(*places as i32),
        _ => None,
    };
    let returns = match (&types[0].kind, places) {
        (TypeKind::Decimal(p, s), Some(places)) => round_decimal((*p, *s), places),
        (kind, _) => kind.clone(),
    };
    strict(types, returns)
}

/// FLOOR and CEIL of a number: a DECIMAL loses its fraction, other types stay.
pub(crate) fn infer_floor(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Param::Number], &[])?;
    let returns = match types[0].kind {
        TypeKind::Decimal(p, _) => TypeKind::Decimal(p, 0),
        ref kind => kind.clone(),
    };
    match types[0].kind {
        // A bare NULL is no number with a fraction.
        TypeKind::Null => nullable(types, returns),
        _ => strict(types, returns),
    }
}

/// Maps a primitive column, keeping its Arrow type.
fn map<T: ArrowPrimitiveType>(array: &ArrayRef, f: impl Fn(T::Native) -> T::Native) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary::<_, T>(f).with_data_type(array.data_type().clone()))
}

fn unexpected(data_type: &DataType) -> Error {
    Error::query(format!("a number is wanted, not {}", data_type.kind))
}

pub(super) fn abs(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let of = site.args[0].clone();
    kernel(move |args, _| {
        let x = args[0].array();
        Ok(match of.kind {
            TypeKind::TinyInt => map::<Int8Type>(x, i8::wrapping_abs),
            TypeKind::SmallInt => map::<Int16Type>(x, i16::wrapping_abs),
            TypeKind::Int => map::<Int32Type>(x, i32::wrapping_abs),
            TypeKind::BigInt => map::<Int64Type>(x, i64::wrapping_abs),
            TypeKind::Float => map::<Float32Type>(x, f32::abs),
            TypeKind::Double => map::<Float64Type>(x, f64::abs),
            TypeKind::Decimal(..) => map::<Decimal128Type>(x, i128::wrapping_abs),
            _ => return Err(unexpected(&of)),
        })
    })
}

/// -1, 0 or 1 in the type of the argument; NaN of NaN, and a zero keeps its sign.
pub(super) fn sign(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let of = site.args[0].clone();
    kernel(move |args, _| {
        let x = args[0].array();
        Ok(match of.kind {
            TypeKind::TinyInt => map::<Int8Type>(x, i8::signum),
            TypeKind::SmallInt => map::<Int16Type>(x, i16::signum),
            TypeKind::Int => map::<Int32Type>(x, i32::signum),
            TypeKind::BigInt => map::<Int64Type>(x, i64::signum),
            TypeKind::Float => map::<Float32Type>(x, |v| if v == 0.0 { v } else { v.signum() }),
            TypeKind::Double => map::<Float64Type>(x, |v| if v == 0.0 { v } else { v.signum() }),
            TypeKind::Decimal(_, scale) => {
                let one = 10i128.pow(scale.into());
                map::<Decimal128Type>(x, |v| v.signum() * one)
            }
            _ => return Err(unexpected(&of)),
        })
    })
}

/// How digits are dropped.
#[derive(Clone, Copy, PartialEq)]
enum Rounding {
    /// A half goes away from zero.
    HalfUp,
    Down,
    Floor,
    Ceiling,
}

impl Rounding {
    /// `value / divisor`, rounded; the divisor is positive.
    fn divide(self, value: i128, divisor: i128) -> i128 {
        let (quotient, remainder) = (value / divisor, value % divisor);
        let step = match self {
            Self::HalfUp if remainder.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) => value.signum(),
            Self::Floor if remainder < 0 => -1,
            Self::Ceiling if remainder > 0 => 1,
            _ => 0,
        };
        quotient + step
    }

    /// `value` with the last `digits` decimal digits zero; beyond 38 digits nothing is left.
    fn drop_digits(self, value: i128, digits: u32) -> Option<i128> {
        match 10i128.checked_pow(digits) {
            Some(unit) => self.divide(value, unit).checked_mul(unit),
            None => Some(0),
        }
    }
}

pub(super) fn round(site: &CallSite) -> Result<Box<dyn Kernel>> {
    to_places(site, Rounding::HalfUp, round_text::round_half_up)
}

pub(super) fn truncate(site: &CallSite) -> Result<Box<dyn Kernel>> {
    to_places(site, Rounding::Down, round_text::truncate)
}

fn to_places(site: &CallSite, rounding: Rounding, of_double: fn(f64, i32) -> f64) -> Result<Box<dyn Kernel>> {
    let (of, returns) = (site.args[0].clone(), site.returns.clone());
    kernel(move |args, rows| {
        let places = args.get(1).map(int);
        let places = |row| match &places {
            Some(places) => places.get(row),
            None => Some(0),
        };
        /// An integer type keeps its low bits where rounding up overflows it, as in Java.
        macro_rules! integers {
            ($type:ty) => {{
                let x = primitive::<$type>(&args[0]);
                let f = |row| {
                    let (x, places) = (x.get(row)?, places(row)?);
                    let dropped = places.min(0).unsigned_abs();
                    Some(rounding.drop_digits(x.into(), dropped)? as <$type as ArrowPrimitiveType>::Native)
                };
                Arc::new((0..rows).map(f).collect::<PrimitiveArray<$type>>()) as ArrayRef
            }};
        }
        Ok(match (&of.kind, &returns.kind) {
            (TypeKind::TinyInt, _) => integers!(Int8Type),
            (TypeKind::SmallInt, _) => integers!(Int16Type),
            (TypeKind::Int, _) => integers!(Int32Type),
            (TypeKind::BigInt, _) => integers!(Int64Type),
            (TypeKind::Float, _) => {
                let x: Column<_> = primitive::<Float32Type>(&args[0]);
                let f = |row| Some(of_double(x.get(row)?.into(), places(row)?) as f32);
                Arc::new((0..rows).map(f).collect::<PrimitiveArray<Float32Type>>())
            }
            (TypeKind::Double, _) => {
                let x = primitive::<Float64Type>(&args[0]);
                let f = |row| Some(of_double(x.get(row)?, places(row)?));
                Arc::new((0..rows).map(f).collect::<PrimitiveArray<Float64Type>>())
            }
            (TypeKind::Decimal(_, scale), TypeKind::Decimal(precision, scale_out)) => {
                let x = primitive::<Decimal128Type>(&args[0]);
                let f = |row| {
                    let (x, places) = (x.get(row)?, places(row)?);
                    let dropped = u32::try_from(i64::from(*scale) - i64::from(places)).unwrap_or(0);
                    let rounded = rounding.drop_digits(x, dropped)? / 10i128.pow(u32::from(*scale - *scale_out));
                    (rounded.unsigned_abs() < 10u128.pow(u32::from(*precision))).then_some(rounded)
                };
                decimals((0..rows).map(f).collect(), *precision, *scale_out)?
            }
            _ => return Err(unexpected(&of)),
        })
    })
}

fn decimals(values: Decimal128Array, precision: u8, scale: u8) -> Result<ArrayRef> {
    Ok(Arc::new(values.with_precision_and_scale(precision, scale as i8)?))
}

/// FLOOR of a number, after [`infer_floor`].
pub(crate) fn floor(site: &CallSite) -> Result<Box<dyn Kernel>> {
    whole(site, Rounding::Floor, f64::floor)
}

/// CEIL of a number, after [`infer_floor`].
pub(crate) fn ceil(site: &CallSite) -> Result<Box<dyn Kernel>> {
    whole(site, Rounding::Ceiling, f64::ceil)
}

fn whole(site: &CallSite, rounding: Rounding, of_double: fn(f64) -> f64) -> Result<Box<dyn Kernel>> {
    let (of, returns) = (site.args[0].clone(), site.returns.clone());
    kernel(move |args, _| {
        let x = args[0].array();
        Ok(match (&of.kind, &returns.kind) {
            (kind, _) if kind.is_integer() => x.clone(),
            (TypeKind::Float, _) => map::<Float32Type>(x, |v| of_double(v.into()) as f32),
            (TypeKind::Double, _) => map::<Float64Type>(x, of_double),
            (TypeKind::Decimal(_, scale), TypeKind::Decimal(precision, _)) => {
                let unit = 10i128.pow(u32::from(*scale));
                let whole: Decimal128Array = x.as_primitive::<Decimal128Type>().unary(|v| rounding.divide(v, unit));
                decimals(whole, *precision, 0)?
            }
            _ => return Err(unexpected(&of)),
        })
    })
}
