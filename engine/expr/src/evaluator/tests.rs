//! Expressions over small batches: laziness, folding and filters.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use wasmill_plan::{DataType, Expr, ExprKind, TypeKind, Value};

use super::{Evaluator, NoUserFunctions, Predicate, Selection};
use crate::{Argument, Context, registry};

fn int() -> DataType {
    DataType::nullable(TypeKind::Int)
}

fn number(value: i64) -> Expr {
    Expr::literal(Value::Int(value), DataType::not_null(TypeKind::Int))
}

/// A call with its types settled as the planner does.
fn call(name: &str, args: Vec<Expr>) -> Expr {
    let function = registry::find(name).unwrap();
    let arguments: Vec<Argument> =
        args.iter().map(|a| Argument { data_type: &a.data_type, literal: a.as_literal() }).collect();
    let signature = (function.infer)(&arguments).unwrap();
    let args = args.into_iter().zip(signature.args).map(|(arg, to)| arg.cast_to(to)).collect();
    Expr::call(function.name, args, signature.returns)
}

fn batch() -> RecordBatch {
    let a: ArrayRef = Arc::new(Int32Array::from(vec![Some(10), Some(0), None, Some(5)]));
    let t: ArrayRef = Arc::new(StringArray::from(vec![Some("1"), Some("x"), Some("3"), None]));
    RecordBatch::try_from_iter([("a", a), ("t", t)]).unwrap()
}

fn evaluate(expr: &Expr) -> Result<Vec<Option<i32>>, String> {
    let mut evaluator = Evaluator::new(expr, &NoUserFunctions).unwrap();
    let array = evaluator.evaluate(&batch(), &Context::default()).map_err(|e| e.to_string())?;
    Ok(array.as_primitive::<Int32Type>().iter().collect())
}

#[test]
fn arithmetic_gives_null_for_null_and_fails_by_zero() {
    let a = || Expr::column(0, int());
    assert_eq!(evaluate(&call("+", vec![a(), number(1)])), Ok(vec![Some(11), Some(1), None, Some(6)]));
    assert_eq!(evaluate(&call("/", vec![number(10), a()])), Err("division by zero".into()));
}

#[test]
fn a_branch_sees_only_the_rows_that_reach_it() {
    let a = || Expr::column(0, int());
    let condition = call("<>", vec![a(), number(0)]);
    let quotient = call("/", vec![number(10), a()]);
    let case = Expr {
        kind: ExprKind::Case {
            branches: vec![(condition.clone(), quotient.clone())],
            otherwise: Some(Box::new(number(-1))),
        },
        data_type: int(),
    };
    assert_eq!(evaluate(&case), Ok(vec![Some(1), Some(-1), Some(-1), Some(2)]));
    let filter = call("AND", vec![condition, call(">", vec![quotient, number(1)])]);
    let mut predicate = Predicate::new(&filter, &NoUserFunctions).unwrap();
    let selection = predicate.select(&batch(), &Context::default()).unwrap();
    assert_eq!(selection, Selection::Some(BooleanArray::from(vec![false, false, false, true])));
}

#[test]
fn coalesce_merges_in_order() {
    let a = Expr::column(0, int());
    assert_eq!(evaluate(&call("COALESCE", vec![a, number(7)])), Ok(vec![Some(10), Some(0), Some(7), Some(5)]));
    let text = Expr {
        kind: ExprKind::Cast { input: Box::new(Expr::column(1, DataType::string())), safe: true },
        data_type: int(),
    };
    assert_eq!(evaluate(&call("COALESCE", vec![text, number(7)])), Ok(vec![Some(1), Some(7), Some(3), Some(7)]));
}

#[test]
fn constants_are_folded_and_an_empty_batch_evaluates_nothing() {
    let failing = call("/", vec![number(1), number(0)]);
    let mut evaluator = Evaluator::new(&failing, &NoUserFunctions).unwrap();
    let empty = batch().slice(0, 0);
    assert_eq!(evaluator.evaluate(&empty, &Context::default()).unwrap().len(), 0);
    assert!(evaluator.evaluate(&batch(), &Context::default()).is_err());
    let sum = call("+", vec![number(1), number(2)]);
    let mut evaluator = Evaluator::new(&sum, &NoUserFunctions).unwrap();
    assert!(evaluator.evaluate_value(&batch(), &Context::default()).unwrap().is_constant());
}

#[test]
fn decimals_follow_flink() {
    let decimal = |v: i128, p, s| Expr::literal(Value::Decimal(v), DataType::not_null(TypeKind::Decimal(p, s)));
    let quotient = call("/", vec![decimal(100, 20, 2), decimal(3000, 4, 3)]);
    assert_eq!(quotient.data_type.kind, TypeKind::Decimal(28, 7));
    let mut evaluator = Evaluator::new(&quotient, &NoUserFunctions).unwrap();
    let array = evaluator.evaluate(&batch().slice(0, 1), &Context::default()).unwrap();
    assert_eq!(array.as_primitive::<arrow::datatypes::Decimal128Type>().value(0), 3_333_333);
}
