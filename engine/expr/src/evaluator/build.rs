//! Compiles an expression to its [`Node`] tree.

use wasmill_plan::{Error, Expr, ExprKind, Result, Value};

use super::UserFunctions;
use super::branch::{Case, Logic};
use super::node::{Frame, Node};
use super::traits::{is_foldable, is_total, reads_zone};
use crate::{CallSite, Context, cast, registry};

/// Compiles `expr`.
pub(super) fn node(expr: &Expr, functions: &dyn UserFunctions) -> Result<Node> {
    let result = expr.data_type.to_arrow();
    let built = match &expr.kind {
        ExprKind::Column(index) => return Ok(Node::Column(*index)),
        ExprKind::Literal(value) => return Ok(Node::Constant(value.to_array(&expr.data_type, 1))),
        ExprKind::CurrentWatermark => return Ok(Node::CurrentWatermark(result)),
        ExprKind::UserFunction { name, args } => {
            let function = functions.scalar(name)?;
            return Ok(Node::User { name: name.clone(), function, args: nodes(args, functions)?, result });
        }
        ExprKind::Case { branches, otherwise } => {
            let branches = branches
                .iter()
                .map(|(condition, result)| Ok((node(condition, functions)?, node(result, functions)?)))
                .collect::<Result<Vec<_>>>()?;
            let otherwise = match otherwise {
                Some(expr) => node(expr, functions)?,
                None => Node::Constant(Value::Null.to_array(&expr.data_type, 1)),
            };
            Node::Case(Box::new(Case { branches, otherwise, result }))
        }
        ExprKind::Cast { input, safe } => {
            let kernel = cast::kernel(&input.data_type, &expr.data_type, *safe)?;
            Node::Call { kernel, args: vec![node(input, functions)?], values: Vec::new(), result }
        }
        ExprKind::Call { function, args } => call(expr, function, args, functions)?,
    };
    Ok(if is_foldable(expr) { Node::Folded { node: Box::new(built), value: None } } else { built })
}

fn nodes(exprs: &[Expr], functions: &dyn UserFunctions) -> Result<Vec<Node>> {
    exprs.iter().map(|expr| node(expr, functions)).collect()
}

/// A call of a built-in; those that do not evaluate all their arguments have nodes of their own.
fn call(expr: &Expr, name: &str, args: &[Expr], functions: &dyn UserFunctions) -> Result<Node> {
    let result = expr.data_type.to_arrow();
    match (name, args) {
        ("AND" | "OR", [first, rest @ ..]) if !rest.is_empty() => {
            let mut left = node(first, functions)?;
            for right in rest {
                let lazy = !is_total(right);
                let right = Box::new(node(right, functions)?);
                left = Node::Logic(Logic { or: name == "OR", left: Box::new(left), right, lazy });
            }
            return Ok(left);
        }
        ("COALESCE" | "IFNULL", _) => return Ok(Node::Coalesce { args: nodes(args, functions)?, result }),
        ("IF", [condition, then, otherwise]) => {
            let branches = vec![(node(condition, functions)?, node(then, functions)?)];
            return Ok(Node::Case(Box::new(Case { branches, otherwise: node(otherwise, functions)?, result })));
        }
        _ => {}
    }
    let Some(function) = registry::find(name) else {
        let hint = registry::nearest(name).map(|near| format!("did you mean '{near}'?"));
        return Err(Error::Query { message: format!("there is no function '{name}'"), hint });
    };
    let args_built = nodes(args, functions)?;
    let site = CallSite {
        args: args.iter().map(|arg| arg.data_type.clone()).collect(),
        literals: args.iter().map(|arg| constant_value(arg, functions)).collect(),
        returns: expr.data_type.clone(),
    };
    let kernel = (function.kernel)(&site)?;
    Ok(Node::Call { kernel, args: args_built, values: Vec::new(), result })
}

/// The value of an argument that is the same whatever the time zone, so that kernels can compile it.
fn constant_value(expr: &Expr, functions: &dyn UserFunctions) -> Option<Value> {
    if let ExprKind::Literal(value) = &expr.kind {
        return Some(value.clone());
    }
    if !is_foldable(expr) || reads_zone(expr) {
        return None;
    }
    // A constant that fails does so when a row reaches it.
    let mut node = node(expr, functions).ok()?;
    let context = Context::default();
    let value = node.evaluate(&Frame::of_constants(&context)).ok()?;
    Value::from_array(value.array(), 0)
}
