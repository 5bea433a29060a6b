//! Arithmetic operators: `+`, `-`, `*`, `/`, `%` over numbers, and over times and intervals.

mod decimal;
mod number;
mod time;

pub(crate) use time::shifter;

use arrow::array::ArrayRef;
use wasmill_plan::{DataType, Error, Result, TypeKind};

use crate::typing::{
    addition_decimal, as_decimal, common_kind, division_decimal, modulo_decimal, multiplication_decimal,
};
use crate::{Argument, CallSite, ColumnValue, Context, Function, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "+", aliases: &[], usage: "a + b", infer: infer_plus, kernel: plus },
    Function { name: "-", aliases: &[], usage: "a - b or -a", infer: infer_minus, kernel: minus },
    Function { name: "*", aliases: &[], usage: "a * b", infer: infer_times, kernel: times },
    Function { name: "/", aliases: &["DIVIDE"], usage: "a / b", infer: infer_divide, kernel: divide },
    Function { name: "%", aliases: &["MOD"], usage: "a % b or MOD(a, b)", infer: infer_modulo, kernel: modulo },
];

/// The four operations and the remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operation {
    fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

fn is_interval(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::IntervalYearMonth | TypeKind::IntervalDayTime)
}

fn is_time(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Date | TypeKind::Time(_)) || kind.is_timestamp()
}

fn refuse(operation: Operation, args: &[Argument]) -> String {
    let types: Vec<String> = args.iter().map(|a| a.data_type.kind.to_string()).collect();
    format!("cannot apply '{}' to {}", operation.sign(), types.join(" and "))
}

/// A signature whose result is nullable if an argument is.
fn signature(kinds: &[&TypeKind], returns: TypeKind, args: &[Argument]) -> Signature {
    let nullable = args.iter().any(|a| a.data_type.nullable || a.data_type.kind == TypeKind::Null);
    Signature {
        args: kinds
            .iter()
            .zip(args)
            .map(|(kind, arg)| DataType { kind: (*kind).clone(), nullable: arg.data_type.nullable })
            .collect(),
        returns: DataType { kind: returns, nullable },
    }
}

fn infer_plus(args: &[Argument]) -> Result<Signature, String> {
    let [a, b] = args else { return Err("takes two arguments".into()) };
    match (&a.data_type.kind, &b.data_type.kind) {
        (time, interval) if is_time(time) && is_interval(interval) => {
            Ok(signature(&[time, interval], time.clone(), args))
        }
        (interval, time) if is_time(time) && is_interval(interval) => {
            Ok(signature(&[interval, time], time.clone(), args))
        }
        _ => infer_numbers(Operation::Add, args),
    }
}

fn infer_minus(args: &[Argument]) -> Result<Signature, String> {
    if let [a] = args {
        let kind = &a.data_type.kind;
        return if kind.is_numeric() || is_interval(kind) || *kind == TypeKind::Null {
            Ok(signature(&[kind], kind.clone(), args))
        } else {
            Err(refuse(Operation::Subtract, args))
        };
    }
    let [a, b] = args else { return Err("takes one or two arguments".into()) };
    match (&a.data_type.kind, &b.data_type.kind) {
        (time, interval) if is_time(time) && is_interval(interval) => {
            Ok(signature(&[time, interval], time.clone(), args))
        }
        (x, y) if is_time(x) && is_time(y) => {
            let common = common_kind(x, y).ok_or_else(|| refuse(Operation::Subtract, args))?;
            Ok(signature(&[&common, &common], TypeKind::IntervalDayTime, args))
        }
        _ => infer_numbers(Operation::Subtract, args),
    }
}

fn infer_times(args: &[Argument]) -> Result<Signature, String> {
    if let [a, b] = args {
        let (x, y) = (&a.data_type.kind, &b.data_type.kind);
        let factor = |kind: &TypeKind| if kind.is_integer() { TypeKind::BigInt } else { kind.clone() };
        if is_interval(x) && y.is_numeric() {
            return Ok(signature(&[x, &factor(y)], x.clone(), args));
        }
        if is_interval(y) && x.is_numeric() {
            return Ok(signature(&[&factor(x), y], y.clone(), args));
        }
    }
    infer_numbers(Operation::Multiply, args)
}

fn infer_divide(args: &[Argument]) -> Result<Signature, String> {
    if let [a, b] = args {
        let (x, y) = (&a.data_type.kind, &b.data_type.kind);
        if is_interval(x) && y.is_numeric() {
            let divisor = if y.is_integer() { TypeKind::BigInt } else { y.clone() };
            return Ok(signature(&[x, &divisor], x.clone(), args));
        }
    }
    infer_numbers(Operation::Divide, args)
}

/// Of whole numbers, the remainder has the divisor's type, as in Flink.
fn infer_modulo(args: &[Argument]) -> Result<Signature, String> {
    let mut signature = infer_numbers(Operation::Modulo, args)?;
    let divisor = &args[1].data_type.kind;
    if signature.returns.kind.is_integer() && divisor.is_integer() {
        signature.returns.kind = divisor.clone();
    }
    Ok(signature)
}

/// Both sides numbers, or both intervals of one kind; a bare NULL takes the other's type.
fn infer_numbers(operation: Operation, args: &[Argument]) -> Result<Signature, String> {
    use TypeKind as K;
    let [a, b] = args else { return Err("takes two arguments".into()) };
    let (x, y) = match (&a.data_type.kind, &b.data_type.kind) {
        (K::Null, K::Null) => (&K::Int, &K::Int),
        (K::Null, y) => (y, y),
        (x, K::Null) => (x, x),
        both => both,
    };
    if x == y && is_interval(x) && matches!(operation, Operation::Add | Operation::Subtract) {
        return Ok(signature(&[x, x], x.clone(), args));
    }
    if !x.is_numeric() || !y.is_numeric() {
        return Err(refuse(operation, args));
    }
    let is_decimal = matches!(x, K::Decimal(..)) || matches!(y, K::Decimal(..));
    if let (true, Some(p), Some(q)) = (is_decimal, as_decimal(x), as_decimal(y)) {
        let returns = match operation {
            Operation::Add | Operation::Subtract => addition_decimal(p, q),
            Operation::Multiply => multiplication_decimal(p, q),
            Operation::Divide => division_decimal(p, q),
            Operation::Modulo => modulo_decimal(p, q),
        };
        return Ok(signature(&[&K::Decimal(p.0, p.1), &K::Decimal(q.0, q.1)], returns, args));
    }
    let common = common_kind(x, y).ok_or_else(|| refuse(operation, args))?;
    Ok(signature(&[&common, &common], common.clone(), args))
}

fn plus(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if is_time(&site.returns.kind) {
        return time::shift(site, false);
    }
    kernel(Operation::Add, site)
}

fn minus(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 1 {
        return number::negate(&site.returns.kind);
    }
    match (&site.args[0].kind, &site.args[1].kind) {
        (time, interval) if is_time(time) && is_interval(interval) => time::shift(site, true),
        (time, _) if is_time(time) => time::distance(site),
        _ => kernel(Operation::Subtract, site),
    }
}

fn times(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if is_interval(&site.returns.kind) { time::scale(site, false) } else { kernel(Operation::Multiply, site) }
}

fn divide(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if is_interval(&site.returns.kind) { time::scale(site, true) } else { kernel(Operation::Divide, site) }
}

fn modulo(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (common, returns) = (&site.args[0].kind, &site.returns.kind);
    if common == returns || !common.is_integer() {
        return kernel(Operation::Modulo, site);
    }
    let mut wide = number::kernel(Operation::Modulo, common)?;
    let returns = site.returns.to_arrow();
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        Ok(arrow::compute::cast(&wide.evaluate(args, rows, context)?, &returns)?)
    }))
}

fn kernel(operation: Operation, site: &CallSite) -> Result<Box<dyn Kernel>> {
    match (&site.args[0].kind, &site.args[1].kind, &site.returns.kind) {
        (TypeKind::Decimal(_, s1), TypeKind::Decimal(_, s2), TypeKind::Decimal(p, s)) => {
            Ok(decimal::kernel(operation, (*s1, *s2), (*p, *s)))
        }
        _ => number::kernel(operation, &site.returns.kind),
    }
}

fn by_zero() -> Error {
    Error::data("division by zero")
}
