//! TYPEOF, random numbers, UUID and the names of the session.

mod random;

use wasmill_plan::{DataType, Result, TypeKind, Value};

use super::arguments::{Param, nullable, params, strict, string, total};
use crate::Function;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "TYPEOF", aliases: &[], usage: "TYPEOF(value [, TRUE])", infer: infer_type, kernel: type_name },
    Function {
        name: "RAND",
        aliases: &[],
        usage: "RAND([seed])",
        infer: |a| strict(params(a, &[], &[Param::Int])?, TypeKind::Double),
        kernel: random::double,
    },
    Function {
        name: "RAND_INTEGER",
        aliases: &[],
        usage: "RAND_INTEGER([seed,] bound)",
        infer: |a| strict(params(a, &[Param::Int], &[Param::Int])?, TypeKind::Int),
        kernel: random::integer,
    },
    Function {
        name: "UUID",
        aliases: &[],
        usage: "UUID()",
        infer: |a| total(params(a, &[], &[])?, TypeKind::Char(36)),
        kernel: |_| Ok(Box::new(random::uuid)),
    },
    Function {
        name: "CURRENT_DATABASE",
        aliases: &[],
        usage: "CURRENT_DATABASE()",
        infer: |a| total(params(a, &[], &[])?, string()),
        kernel: |_| text_for_all("default_database".to_owned()),
    },
];

fn infer_type(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Param::Any], &[Param::Boolean])?;
    if args.get(1).is_some_and(|force| !matches!(force.literal, Some(Value::Boolean(_)))) {
        return Err("the second argument must be TRUE or FALSE".to_owned());
    }
    nullable(types, string())
}

fn type_name(site: &CallSite) -> Result<Box<dyn Kernel>> {
    text_for_all(site.args[0].to_string())
}

/// The same text for every row.
fn text_for_all(text: String) -> Result<Box<dyn Kernel>> {
    let value = Value::Text(text);
    Ok(Box::new(move |_: &[ColumnValue], rows: usize, _: &Context| Ok(value.to_array(&DataType::string(), rows))))
}
