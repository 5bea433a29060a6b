//! AND, OR, NOT and the tests of truth and NULL, in three-valued logic.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute;
use wasmill_plan::{DataType, Result, TypeKind};

use crate::vector::length;
use crate::{Argument, CallSite, ColumnValue, Context, Function, Kernel, Signature};

/// This family's functions. The evaluator has its own AND and OR, which do not evaluate more of the right side than needed.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "AND", aliases: &[], usage: "a AND b", infer: infer_booleans, kernel: |s| connective(s, false) },
    Function { name: "OR", aliases: &[], usage: "a OR b", infer: infer_booleans, kernel: |s| connective(s, true) },
    Function { name: "NOT", aliases: &[], usage: "NOT a", infer: infer_not, kernel: not },
    Function { name: "IS NULL", aliases: &[], usage: "a IS NULL", infer: infer_null_test, kernel: |_| null_test(true) },
    Function {
        name: "IS NOT NULL",
        aliases: &[],
        usage: "a IS NOT NULL",
        infer: infer_null_test,
        kernel: |_| null_test(false),
    },
    Function {
        name: "IS TRUE",
        aliases: &[],
        usage: "a IS TRUE",
        infer: infer_test,
        kernel: |_| test(Some(true), true),
    },
    Function {
        name: "IS NOT TRUE",
        aliases: &[],
        usage: "a IS NOT TRUE",
        infer: infer_test,
        kernel: |_| test(Some(true), false),
    },
    Function {
        name: "IS FALSE",
        aliases: &[],
        usage: "a IS FALSE",
        infer: infer_test,
        kernel: |_| test(Some(false), true),
    },
    Function {
        name: "IS NOT FALSE",
        aliases: &[],
        usage: "a IS NOT FALSE",
        infer: infer_test,
        kernel: |_| test(Some(false), false),
    },
    Function {
        name: "IS UNKNOWN",
        aliases: &[],
        usage: "a IS UNKNOWN",
        infer: infer_test,
        kernel: |_| test(None, true),
    },
    Function {
        name: "IS NOT UNKNOWN",
        aliases: &[],
        usage: "a IS NOT UNKNOWN",
        infer: infer_test,
        kernel: |_| test(None, false),
    },
];

fn boolean(nullable: bool) -> DataType {
    DataType { kind: TypeKind::Boolean, nullable }
}

fn check_booleans(args: &[Argument]) -> Result<(), String> {
    for arg in args {
        if !matches!(arg.data_type.kind, TypeKind::Boolean | TypeKind::Null) {
            return Err(format!("takes BOOLEAN, not {}", arg.data_type.kind));
        }
    }
    Ok(())
}

fn is_nullable(arg: &Argument) -> bool {
    arg.data_type.nullable || arg.data_type.kind == TypeKind::Null
}

fn infer_booleans(args: &[Argument]) -> Result<Signature, String> {
    if args.len() < 2 {
        return Err("takes two arguments".into());
    }
    check_booleans(args)?;
    let nullable = args.iter().any(is_nullable);
    Ok(Signature { args: args.iter().map(|a| boolean(is_nullable(a))).collect(), returns: boolean(nullable) })
}

fn infer_not(args: &[Argument]) -> Result<Signature, String> {
    let [arg] = args else { return Err("takes one argument".into()) };
    check_booleans(args)?;
    Ok(Signature { args: vec![boolean(is_nullable(arg))], returns: boolean(is_nullable(arg)) })
}

fn infer_test(args: &[Argument]) -> Result<Signature, String> {
    let mut signature = infer_not(args)?;
    signature.returns.nullable = false;
    Ok(signature)
}

fn infer_null_test(args: &[Argument]) -> Result<Signature, String> {
    let [arg] = args else { return Err("takes one argument".into()) };
    Ok(Signature { args: vec![arg.data_type.clone()], returns: boolean(false) })
}

fn connective(_: &CallSite, or: bool) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let mut result = args[0].to_array(length).as_boolean().clone();
        for arg in &args[1..] {
            let right = arg.to_array(length);
            let right = right.as_boolean();
            result = if or { compute::or_kleene(&result, right)? } else { compute::and_kleene(&result, right)? };
        }
        Ok(Arc::new(result))
    }))
}

fn not(_: &CallSite) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|args: &[ColumnValue], _: usize, _: &Context| -> Result<ArrayRef> {
        Ok(Arc::new(compute::not(args[0].array().as_boolean())?))
    }))
}

fn null_test(null: bool) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], _: usize, _: &Context| -> Result<ArrayRef> {
        let array = args[0].array();
        Ok(Arc::new(if null { compute::is_null(array)? } else { compute::is_not_null(array)? }))
    }))
}

/// Whether the value is (or is not) `wanted`; `None` is NULL.
fn test(wanted: Option<bool>, is: bool) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |args: &[ColumnValue], _: usize, _: &Context| -> Result<ArrayRef> {
        let array = args[0].array().as_boolean();
        let valid = array.nulls().map(|nulls| nulls.inner().clone());
        let bits = match (wanted, valid) {
            (None, None) => arrow::buffer::BooleanBuffer::new_unset(array.len()),
            (None, Some(valid)) => !&valid,
            (Some(true), None) => array.values().clone(),
            (Some(false), None) => !array.values(),
            (Some(true), Some(valid)) => array.values() & &valid,
            (Some(false), Some(valid)) => &!array.values() & &valid,
        };
        Ok(Arc::new(BooleanArray::new(if is { bits } else { !&bits }, None)))
    }))
}
