//! Comparison operators, `IN` and `OVERLAPS`.

mod kernels;
mod membership;
mod overlaps;

pub(crate) use kernels::{Comparison, compare_rows, comparison_kernel};

use wasmill_plan::{DataType, Result, TypeKind};

use crate::typing::{as_decimal, comparison_kind, is_orderable};
use crate::{Argument, CallSite, Function, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "=",
        aliases: &["=="],
        usage: "a = b",
        infer: infer_equal,
        kernel: |s| kernel(s, Comparison::Equal),
    },
    Function {
        name: "<>",
        aliases: &["!="],
        usage: "a <> b",
        infer: infer_unequal,
        kernel: |s| kernel(s, Comparison::NotEqual),
    },
    Function { name: "<", aliases: &[], usage: "a < b", infer: infer_less, kernel: |s| kernel(s, Comparison::Less) },
    Function {
        name: "<=",
        aliases: &[],
        usage: "a <= b",
        infer: infer_less_equal,
        kernel: |s| kernel(s, Comparison::LessOrEqual),
    },
    Function {
        name: ">",
        aliases: &[],
        usage: "a > b",
        infer: infer_greater,
        kernel: |s| kernel(s, Comparison::Greater),
    },
    Function {
        name: ">=",
        aliases: &[],
        usage: "a >= b",
        infer: infer_greater_equal,
        kernel: |s| kernel(s, Comparison::GreaterOrEqual),
    },
    Function {
        name: "IS DISTINCT FROM",
        aliases: &[],
        usage: "a IS DISTINCT FROM b",
        infer: infer_distinct,
        kernel: |s| kernel(s, Comparison::Distinct),
    },
    Function {
        name: "IS NOT DISTINCT FROM",
        aliases: &[],
        usage: "a IS NOT DISTINCT FROM b",
        infer: infer_distinct,
        kernel: |s| kernel(s, Comparison::NotDistinct),
    },
    Function { name: "IN", aliases: &[], usage: "a IN (b, …)", infer: infer_in, kernel: membership::kernel },
    Function {
        name: "OVERLAPS",
        aliases: &[],
        usage: "(start, end) OVERLAPS (start, end); an end may be an interval",
        infer: overlaps::infer,
        kernel: overlaps::kernel,
    },
];

fn kernel(site: &CallSite, comparison: Comparison) -> Result<Box<dyn Kernel>> {
    comparison_kernel(comparison, &site.args[0], &site.args[1])
}

fn infer_equal(args: &[Argument]) -> Result<Signature, String> {
    infer("=", args, false)
}
fn infer_unequal(args: &[Argument]) -> Result<Signature, String> {
    infer("<>", args, false)
}
fn infer_less(args: &[Argument]) -> Result<Signature, String> {
    infer("<", args, true)
}
fn infer_less_equal(args: &[Argument]) -> Result<Signature, String> {
    infer("<=", args, true)
}
fn infer_greater(args: &[Argument]) -> Result<Signature, String> {
    infer(">", args, true)
}
fn infer_greater_equal(args: &[Argument]) -> Result<Signature, String> {
    infer(">=", args, true)
}

fn infer(sign: &str, args: &[Argument], ordered: bool) -> Result<Signature, String> {
    let [a, b] = args else { return Err("takes two arguments".into()) };
    let (x, y) = compared_as(a.data_type, b.data_type)
        .ok_or_else(|| format!("cannot apply '{sign}' to {} and {}", a.data_type.kind, b.data_type.kind))?;
    if ordered && !is_orderable(&x.kind) {
        return Err(format!("cannot apply '{sign}' to {}: its values have no order", x.kind));
    }
    let nullable = x.nullable || y.nullable;
    Ok(Signature { args: vec![x, y], returns: DataType { kind: TypeKind::Boolean, nullable } })
}

fn infer_distinct(args: &[Argument]) -> Result<Signature, String> {
    let mut signature = infer("IS DISTINCT FROM", args, false)?;
    signature.returns.nullable = false;
    Ok(signature)
}

/// The types that two values are given to be compared. Decimals, and timestamps of one kind, stay as they are: the kernels
/// compare across scales and precisions exactly.
pub(crate) fn compared_as(a: &DataType, b: &DataType) -> Option<(DataType, DataType)> {
    use TypeKind as K;
    let with = |kind: K, of: &DataType| DataType { kind, nullable: of.nullable || of.kind == K::Null };
    let decimals = matches!(a.kind, K::Decimal(..)) || matches!(b.kind, K::Decimal(..));
    if let (true, Some((p1, s1)), Some((p2, s2))) = (decimals, as_decimal(&a.kind), as_decimal(&b.kind)) {
        return Some((with(K::Decimal(p1, s1), a), with(K::Decimal(p2, s2), b)));
    }
    match (&a.kind, &b.kind) {
        (K::Timestamp(_), K::Timestamp(_))
        | (K::TimestampLtz(_), K::TimestampLtz(_))
        | (K::Char(_) | K::Varchar(_), K::Char(_) | K::Varchar(_))
        | (K::Binary(_) | K::Varbinary(_), K::Binary(_) | K::Varbinary(_)) => return Some((a.clone(), b.clone())),
        (K::Timestamp(p), K::TimestampLtz(_)) => return Some((with(K::TimestampLtz(*p), a), b.clone())),
        (K::TimestampLtz(_), K::Timestamp(p)) => return Some((a.clone(), with(K::TimestampLtz(*p), b))),
        (K::Null, K::Null) => return Some((with(K::Boolean, a), with(K::Boolean, b))),
        _ => {}
    }
    let common = comparison_kind(&a.kind, &b.kind)?;
    Some((with(common.clone(), a), with(common, b)))
}

fn infer_in(args: &[Argument]) -> Result<Signature, String> {
    let [value, list @ ..] = args else { return Err("takes a value and a list".into()) };
    if list.is_empty() {
        return Err("takes a value and a list of at least one".into());
    }
    let mut common = value.data_type.kind.clone();
    for item in list {
        common = comparison_kind(&common, &item.data_type.kind)
            .ok_or_else(|| format!("cannot compare {} with {} in IN", value.data_type.kind, item.data_type.kind))?;
    }
    if common == TypeKind::Null {
        common = TypeKind::Boolean;
    }
    let is_nullable = |arg: &Argument| arg.data_type.nullable || arg.data_type.kind == TypeKind::Null;
    let nullable = args.iter().any(is_nullable);
    Ok(Signature {
        args: args.iter().map(|arg| DataType { kind: common.clone(), nullable: is_nullable(arg) }).collect(),
        returns: DataType { kind: TypeKind::Boolean, nullable },
    })
}
