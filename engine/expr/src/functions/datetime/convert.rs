//! TO_DATE, TO_TIMESTAMP and the like: text and numbers to times, and back.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type};
use wasmill_plan::{DataType, Result, TypeKind, Value};

use super::Moment;
use super::format::{Patterns, STANDARD};
use crate::calendar;
use crate::cast::parse;
use crate::cast::temporal::as_integers;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::functions::arguments::{Param, nullable, params, strict, string};
use crate::functions::columns::{bigint, text, texts};
use crate::vector::{int_column, length};

pub(super) fn infer_to_date(args: &[Argument]) -> Result<Signature, String> {
    nullable(params(args, &[Param::Text], &[Param::Text])?, TypeKind::Date)
}

pub(super) fn infer_to_timestamp(args: &[Argument]) -> Result<Signature, String> {
    nullable(params(args, &[Param::Text], &[Param::Text])?, TypeKind::Timestamp(3))
}

/// The moment that a text says, by the pattern of the second argument, or in SQL's form.
fn moment(args: &[ColumnValue], row: usize, patterns: &Patterns) -> Option<Moment> {
    let value = text(&args[0]);
    let value = value.get(row)?;
    if args.len() == 1 {
        let (days, ns) = parse::timestamp(value)?;
        return Some(Moment { days, ns });
    }
    patterns.with(args, 1, row, |p| p.read(value))
}

pub(super) fn to_date(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, 1, STANDARD);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let get = |row| {
            if args.len() == 1 {
                parse::date(text(&args[0]).get(row)?)
            } else {
                Some(moment(args, row, &patterns)?.days)
            }
        };
        Ok(int_column((0..length(args, rows)).map(get), &TypeKind::Date))
    }))
}

pub(super) fn to_timestamp(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, 1, STANDARD);
    let returns = site.returns.kind.clone();
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let get = |row| moment(args, row, &patterns)?.to(&returns, chrono_tz::UTC);
        Ok(int_column((0..length(args, rows)).map(get), &returns))
    }))
}

pub(super) fn infer_ltz(args: &[Argument]) -> Result<Signature, String> {
    let first = args.first().ok_or("one to three arguments were expected")?;
    if first.data_type.kind.is_text() {
        if let Some(Some(Value::Text(name))) = args.get(2).map(|zone| zone.literal)
            && calendar::zone(name).is_none()
        {
            return Err(format!("there is no time zone '{name}'"));
        }
        let returns = TypeKind::TimestampLtz(fraction_digits(args.get(1)));
        return nullable(params(args, &[Param::Text], &[Param::Text, Param::Text])?, returns);
    }
    let returns = TypeKind::TimestampLtz(3);
    match args.get(1).map(|p| p.literal) {
        None | Some(Some(Value::Null | Value::Int(0..=9))) => {}
        Some(Some(Value::Int(p))) => return Err(format!("the precision must be from 0 to 9, not {p}")),
        Some(_) => {}
    }
    nullable(params(args, &[Param::Number], &[Param::Int])?, returns)
}

/// How many digits of a second a constant pattern reads, at least three.
fn fraction_digits(pattern: Option<&Argument>) -> u8 {
    let Some(Some(Value::Text(pattern))) = pattern.map(|pattern| pattern.literal) else { return 3 };
    // What stands in quotes is text.
    let digits: usize = pattern.split('\'').step_by(2).map(|part| part.matches('S').count()).sum();
    digits.clamp(3, 9) as u8
}

pub(super) fn to_ltz(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let kind = site.args[0].kind.clone();
    let returns = site.returns.kind.clone();
    if kind.is_text() {
        let patterns = Patterns::new(site, 1, STANDARD);
        return Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
            let get = |row| {
                let moment = moment(args, row, &patterns)?;
                match args.get(2) {
                    // Not the session's zone: as in Flink.
                    None => moment.to(&returns, chrono_tz::UTC),
                    Some(zone) => {
                        let zone = calendar::zone(text(zone).get(row)?)?;
                        moment.to(&returns, zone)
                    }
                }
            };
            Ok(int_column((0..length(args, rows)).map(get), &returns))
        }));
    }
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let value = &args[0];
        let precision = args.get(1).map(|p| as_integers(p.array()));
        let get = |row: usize| {
            let at = value.index(row);
            if value.array().is_null(at) {
                return None;
            }
            let precision = match (&precision, args.get(1)) {
                (Some(p), Some(arg)) if p.is_valid(arg.index(row)) => p.value(arg.index(row)),
                (Some(_), _) => return None,
                (None, _) => 3,
            };
            let to_ms = 10f64.powi(3 - precision as i32);
            let ms = match kind {
                TypeKind::Float => {
                    Some((f64::from(value.array().as_primitive::<Float32Type>().value(at)) * to_ms) as i64)
                }
                TypeKind::Double => Some((value.array().as_primitive::<Float64Type>().value(at) * to_ms) as i64),
                TypeKind::Decimal(_, scale) => {
                    let unscaled = value.array().as_primitive::<Decimal128Type>().value(at) as f64;
                    Some((unscaled / 10f64.powi(scale.into()) * to_ms) as i64)
                }
                _ => {
                    let v = as_integers(value.array()).value(at);
                    if precision <= 3 {
                        v.checked_mul(10i64.pow(3 - precision as u32))
                    } else {
                        Some(v.div_euclid(10i64.pow(precision as u32 - 3)))
                    }
                }
            };
            // Beyond the years 0 to 9999 there is no timestamp.
            ms.filter(|ms| (calendar::TIMESTAMP_MS_MIN..=calendar::TIMESTAMP_MS_MAX).contains(ms))
        };
        Ok(int_column((0..length(args, rows)).map(get), &returns))
    }))
}

pub(super) fn infer_from_unix(args: &[Argument]) -> Result<Signature, String> {
    nullable(params(args, &[Param::BigInt], &[Param::Text])?, string())
}

pub(super) fn from_unix(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, 1, STANDARD);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let seconds = bigint(&args[0]);
        texts(length(args, rows), |row, out| {
            let ms = seconds.get(row)?.checked_mul(1_000)?;
            let moment = Moment::of(&TypeKind::TimestampLtz(3), ms, context.time_zone)?;
            patterns.with(args, 1, row, |p| Some(p.write(moment, out)))
        })
    }))
}

pub(super) fn infer_unix(args: &[Argument]) -> Result<Signature, String> {
    strict(params(args, &[], &[Param::Text, Param::Text])?, TypeKind::BigInt)
}

pub(super) fn unix(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, 1, STANDARD);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        if args.is_empty() {
            return Ok(
                Value::Int(context.now_ms.div_euclid(1_000)).to_array(&DataType::not_null(TypeKind::BigInt), rows)
            );
        }
        let get = |row| {
            let value = text(&args[0]).get(row)?;
            // A text that is no time gives the smallest number, as in Flink.
            let parsed = patterns.with(args, 1, row, |p| p.read_leniently(value));
            let parsed = parsed.and_then(|m| m.to(&TypeKind::TimestampLtz(3), context.time_zone));
            Some(parsed.map_or(i64::MIN, |ms| ms.div_euclid(1_000)))
        };
        Ok(int_column((0..length(args, rows)).map(get), &TypeKind::BigInt))
    }))
}

pub(super) fn infer_zone(args: &[Argument]) -> Result<Signature, String> {
    nullable(params(args, &[Param::Text, Param::Text, Param::Text], &[])?, string())
}

pub(super) fn zone(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, site.args.len(), STANDARD);
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        texts(length(args, rows), |row, out| {
            let value = text(&args[0]).get(row)?;
            let local = patterns.with(args, args.len(), row, |p| p.read_leniently(value))?;
            let local = local.to(&TypeKind::Timestamp(3), chrono_tz::UTC)?;
            let from = calendar::zone(text(&args[1]).get(row)?)?;
            let to = calendar::zone(text(&args[2]).get(row)?)?;
            let there = to.to_local(from.to_instant(local));
            let moment = Moment::of(&TypeKind::Timestamp(3), there, chrono_tz::UTC)?;
            patterns.with(args, args.len(), row, |p| Some(p.write(moment, out)))
        })
    }))
}
