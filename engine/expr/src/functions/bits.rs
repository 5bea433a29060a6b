//! Bit functions of integers.

use arrow::array::ArrayRef;
use arrow::datatypes::{ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type};
use wasmill_plan::{Error, Result, TypeKind};

use super::arguments::{Param::Number, params, strict};
use super::columns::{kernel, numbers, primitive};
use crate::Function;
use crate::function::{Argument, CallSite, ColumnValue, Kernel, Signature};
use crate::typing::{common_kind, integer_rank};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "BITAND",
        aliases: &[],
        usage: "BITAND(integer, integer)",
        infer: infer_two,
        kernel: |site| two(site, |a, b| a & b),
    },
    Function {
        name: "BITOR",
        aliases: &[],
        usage: "BITOR(integer, integer)",
        infer: infer_two,
        kernel: |site| two(site, |a, b| a | b),
    },
    Function {
        name: "BITXOR",
        aliases: &[],
        usage: "BITXOR(integer, integer)",
        infer: infer_two,
        kernel: |site| two(site, |a, b| a ^ b),
    },
    Function {
        name: "BITNOT",
        aliases: &[],
        usage: "BITNOT(integer)",
        infer: infer_one,
        kernel: |site| two(site, |a, _| !a),
    },
];

fn infer_one(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Number], &[])?;
    let kind = types[0].kind.clone();
    integer(&kind)?;
    strict(types, kind)
}

fn infer_two(args: &[Argument]) -> Result<Signature, String> {
    let mut types = params(args, &[Number, Number], &[])?;
    let kind = common_kind(&types[0].kind, &types[1].kind).ok_or("both arguments must be integers")?;
    integer(&kind)?;
    types.iter_mut().for_each(|t| t.kind = kind.clone());
    strict(types, kind)
}

fn integer(kind: &TypeKind) -> Result<(), String> {
    if integer_rank(kind) == 0 { Err(format!("arguments must be integers, not {kind}")) } else { Ok(()) }
}

/// `f` of the bits, sign extended, of one or two integers of one type (the last is given for both where there is one).
fn two(site: &CallSite, f: fn(i64, i64) -> i64) -> Result<Box<dyn Kernel>> {
    let kind = site.returns.kind.clone();
    kernel(move |args, rows| match kind {
        TypeKind::TinyInt => bits::<Int8Type>(args, rows, |a, b| f(a.into(), b.into()) as i8),
        TypeKind::SmallInt => bits::<Int16Type>(args, rows, |a, b| f(a.into(), b.into()) as i16),
        TypeKind::Int => bits::<Int32Type>(args, rows, |a, b| f(a.into(), b.into()) as i32),
        TypeKind::BigInt => bits::<Int64Type>(args, rows, f),
        _ => Err(Error::query(format!("an integer is wanted, not {kind}"))),
    })
}

fn bits<T: ArrowPrimitiveType>(
    args: &[ColumnValue],
    rows: usize,
    f: impl Fn(T::Native, T::Native) -> T::Native,
) -> Result<ArrayRef> {
    let (a, b) = (primitive::<T>(&args[0]), primitive::<T>(&args[args.len() - 1]));
    numbers::<T>(rows, |row| Some(f(a.get(row)?, b.get(row)?)))
}
