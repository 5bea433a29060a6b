//! COALESCE, IF, IFNULL, NULLIF, GREATEST and LEAST. CASE is a form of its own ([`wasmill_plan::ExprKind::Case`]).

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{interleave, nullif};
use wasmill_plan::{DataType, Result, TypeKind};

use super::comparison::{Comparison, compare_rows, compared_as, comparison_kernel};
use crate::typing::{is_orderable, least_restrictive};
use crate::vector::length;
use crate::{Argument, CallSite, ColumnValue, Context, Function, Kernel, Signature};

/// This family's functions. The evaluator does not evaluate more arguments of COALESCE, IF and IFNULL than a row needs.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "COALESCE",
        aliases: &[],
        usage: "COALESCE(value, …)",
        infer: infer_coalesce,
        kernel: |_| Ok(Box::new(first_value)),
    },
    Function {
        name: "IFNULL",
        aliases: &[],
        usage: "IFNULL(value, otherwise)",
        infer: infer_ifnull,
        kernel: |_| Ok(Box::new(first_value)),
    },
    Function {
        name: "IF",
        aliases: &[],
        usage: "IF(condition, then, otherwise)",
        infer: infer_if,
        kernel: |_| Ok(Box::new(choose)),
    },
    Function {
        name: "NULLIF",
        aliases: &[],
        usage: "NULLIF(value, null_value)",
        infer: infer_nullif,
        kernel: nullif_kernel,
    },
    Function {
        name: "GREATEST",
        aliases: &[],
        usage: "GREATEST(value, …)",
        infer: infer_extreme,
        kernel: |_| extreme(Ordering::Greater),
    },
    Function {
        name: "LEAST",
        aliases: &[],
        usage: "LEAST(value, …)",
        infer: infer_extreme,
        kernel: |_| extreme(Ordering::Less),
    },
];

fn common(args: &[Argument]) -> Result<DataType, String> {
    let types: Vec<DataType> = args.iter().map(|a| a.data_type.clone()).collect();
    least_restrictive(&types).ok_or_else(|| {
        let names: Vec<String> = types.iter().map(|t| t.kind.to_string()).collect();
        format!("arguments have no common type: {}", names.join(", "))
    })
}

fn is_nullable(arg: &Argument) -> bool {
    arg.data_type.nullable || arg.data_type.kind == TypeKind::Null
}

/// Every argument of that kind, with its own nullability.
fn all_of(kind: &TypeKind, args: &[Argument]) -> Vec<DataType> {
    args.iter().map(|a| DataType { kind: kind.clone(), nullable: is_nullable(a) }).collect()
}

fn infer_coalesce(args: &[Argument]) -> Result<Signature, String> {
    if args.is_empty() {
        return Err("takes at least one argument".into());
    }
    let kind = common(args)?.kind;
    let nullable = args.iter().all(is_nullable);
    Ok(Signature { args: all_of(&kind, args), returns: DataType { kind, nullable } })
}

fn infer_ifnull(args: &[Argument]) -> Result<Signature, String> {
    if args.len() != 2 {
        return Err("takes two arguments".into());
    }
    let mut signature = infer_coalesce(args)?;
    if !is_nullable(&args[0]) {
        // What is never NULL keeps its own type.
        signature.args[0] = args[0].data_type.clone();
        signature.args[1].kind = args[0].data_type.kind.clone();
        signature.returns = args[0].data_type.clone();
    }
    Ok(signature)
}

fn infer_if(args: &[Argument]) -> Result<Signature, String> {
    let [condition, branches @ ..] = args else { return Err("takes three arguments".into()) };
    if branches.len() != 2 {
        return Err("takes three arguments".into());
    }
    if !matches!(condition.data_type.kind, TypeKind::Boolean | TypeKind::Null) {
        return Err(format!("the condition must be BOOLEAN, not {}", condition.data_type.kind));
    }
    let returns = common(branches)?;
    let mut types = vec![DataType { kind: TypeKind::Boolean, nullable: is_nullable(condition) }];
    types.extend(all_of(&returns.kind, branches));
    Ok(Signature { args: types, returns })
}

fn infer_nullif(args: &[Argument]) -> Result<Signature, String> {
    let [a, b] = args else { return Err("takes two arguments".into()) };
    if a.data_type.kind == TypeKind::Null {
        return Ok(Signature { args: vec![a.data_type.clone(), b.data_type.clone()], returns: a.data_type.clone() });
    }
    compared_as(a.data_type, b.data_type)
        .ok_or_else(|| format!("cannot compare {} with {}", a.data_type.kind, b.data_type.kind))?;
    // The result keeps the first argument's type, so only the second is converted here; the kernel converts for comparison.
    Ok(Signature {
        args: vec![a.data_type.clone(), b.data_type.clone()],
        returns: a.data_type.clone().with_nullable(true),
    })
}

fn infer_extreme(args: &[Argument]) -> Result<Signature, String> {
    if args.is_empty() {
        return Err("takes at least one argument".into());
    }
    let returns = common(args)?;
    if !is_orderable(&returns.kind) {
        return Err(format!("values of type {} have no order", returns.kind));
    }
    Ok(Signature { args: all_of(&returns.kind, args), returns })
}

/// `COALESCE` with all arguments evaluated.
fn first_value(args: &[ColumnValue], rows: usize, _: &Context) -> Result<ArrayRef> {
    let length = length(args, rows);
    let arrays: Vec<&dyn Array> = args.iter().map(|a| a.array().as_ref()).collect();
    let nulls: Vec<_> = arrays.iter().map(|a| a.logical_nulls()).collect();
    let last = args.len() - 1;
    let indices: Vec<(usize, usize)> = (0..length)
        .map(|row| {
            let is_there = |i: usize| nulls[i].as_ref().is_none_or(|nulls| nulls.is_valid(args[i].index(row)));
            let i = (0..last).find(|i| is_there(*i)).unwrap_or(last);
            (i, args[i].index(row))
        })
        .collect();
    Ok(interleave(&arrays, &indices)?)
}

/// `IF` with all arguments evaluated.
fn choose(args: &[ColumnValue], rows: usize, _: &Context) -> Result<ArrayRef> {
    let length = length(args, rows);
    let condition = args[0].array().as_boolean();
    let arrays: Vec<&dyn Array> = args[1..].iter().map(|a| a.array().as_ref()).collect();
    let indices: Vec<(usize, usize)> = (0..length)
        .map(|row| {
            let at = args[0].index(row);
            let i = usize::from(!(condition.is_valid(at) && condition.value(at)));
            (i, args[i + 1].index(row))
        })
        .collect();
    Ok(interleave(&arrays, &indices)?)
}

fn nullif_kernel(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (a, b) = (&site.args[0], &site.args[1]);
    if a.kind == TypeKind::Null {
        return Ok(Box::new(|args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
            Ok(args[0].to_array(length(args, rows)))
        }));
    }
    let (x, y) = compared_as(a, b)
        .ok_or_else(|| wasmill_plan::Error::query(format!("cannot compare {} with {}", a.kind, b.kind)))?;
    let mut casts = [(a, &x), (b, &y)]
        .into_iter()
        .map(|(from, to)| if from.kind == to.kind { Ok(None) } else { crate::cast::kernel(from, to, false).map(Some) })
        .collect::<Result<Vec<_>>>()?;
    let mut equal = comparison_kernel(Comparison::Equal, &x, &y)?;
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let mut compared = Vec::with_capacity(2);
        for (arg, cast) in args.iter().zip(&mut casts) {
            compared.push(match cast {
                None => arg.clone(),
                Some(cast) => {
                    let array = cast.evaluate(std::slice::from_ref(arg), rows, context)?;
                    if arg.is_constant() { ColumnValue::Constant(array) } else { ColumnValue::Column(array) }
                }
            });
        }
        let equal = ColumnValue::Column(equal.evaluate(&compared, rows, context)?);
        let equal = if equal.array().len() == length {
            equal.array().clone()
        } else {
            ColumnValue::Constant(equal.array().clone()).to_array(length)
        };
        Ok(nullif(&args[0].to_array(length), equal.as_boolean())?)
    }))
}

fn extreme(wanted: Ordering) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let arrays: Vec<&dyn Array> = args.iter().map(|a| a.array().as_ref()).collect();
        let mut indices = Vec::with_capacity(length);
        for row in 0..length {
            let mut best = (0, args[0].index(row));
            for (i, arg) in args.iter().enumerate() {
                let at = arg.index(row);
                if arrays[i].is_null(at) {
                    best = (i, at);
                    break;
                }
                if compare_rows(arrays[i], at, arrays[best.0], best.1) == Some(wanted) {
                    best = (i, at);
                }
            }
            indices.push(best);
        }
        Ok(interleave(&arrays, &indices)?)
    }))
}
