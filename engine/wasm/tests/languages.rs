//! The SDKs' examples in other languages, as they lie in the repository: the same functions from Zig and AssemblyScript.
//! scripts/udf-examples.sh builds them, and those in Go, Python and JavaScript, from source.

mod support;

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use support::*;
use wasmill_plan::TypeKind::{self, *};
use wasmill_wasm::{Function, FunctionOptions, Module};

const STRING: TypeKind = Varchar(i32::MAX as u32);

fn example(file: &str, export: &str, args: &[TypeKind], returns: TypeKind) -> Function {
    let mut spec = spec(args, returns, &[]);
    spec.path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples").join(file);
    spec.export = export.into();
    Function::create(spec).unwrap()
}

fn evaluate(f: &Function, args: &[ArrayRef], rows: usize) -> ArrayRef {
    f.scalar().evaluate(args, rows).unwrap()
}

fn functions_of(file: &str) {
    let risk = example(file, "risk", &[Double, Double], Double);
    assert!(risk.shape().is_some(), "numbers alone are a plain export");
    let args = [doubles(&[Some(10.0), None]), doubles(&[Some(-3.0), Some(1.0)])];
    assert_eq!(evaluate(&risk, &args, 2).as_ref(), doubles(&[Some(2.5), None]).as_ref());
    let initials = example(file, "initials", &[STRING], STRING);
    let names = texts(&[Some("ada lovelace"), Some("42"), None, Some("Alan Mathison Turing")]);
    assert_eq!(evaluate(&initials, &[names], 4).as_ref(), texts(&[Some("AL"), None, None, Some("AMT")]).as_ref());
    let first = example(file, "first_known", &[STRING, STRING], STRING);
    let result = evaluate(&first, &[texts(&[None, Some("b"), None]), texts(&[Some("zażółć")])], 3);
    assert_eq!(result.as_ref(), texts(&[Some("zażółć"), Some("b"), Some("zażółć")]).as_ref());
    // More than one batch, NULLs at the ends of bytes.
    let many: Vec<Option<&str>> = (0..9000).map(|i| (i % 8 != 7).then_some("v")).collect();
    let mut scalar = first.scalar();
    for _ in 0..3 {
        let result = scalar.evaluate(&[texts(&many), texts(&[None])], many.len()).unwrap();
        assert_eq!(result.as_ref(), texts(&many).as_ref());
    }
    let root = example(file, "root", &[Double], Double);
    let result = evaluate(&root, &[doubles(&[Some(9.0), None])], 2);
    assert_eq!(result.as_ref(), doubles(&[Some(3.0), None]).as_ref());
    assert!(root.scalar().evaluate(&[doubles(&[Some(-4.0)])], 1).unwrap_err().to_string().contains("it says: "));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples").join(file);
    let module = Module::load(&path, &FunctionOptions::default()).unwrap();
    let described = module.description("first_known").unwrap();
    assert_eq!(described.arguments.as_ref().unwrap().len(), 2);
}

#[test]
fn zig() {
    let file = "zig/functions.wasm";
    functions_of(file);
    let begins = example(file, "begins", &[STRING, STRING], Boolean);
    let result = evaluate(&begins, &[texts(&[Some("abc"), Some("b")]), texts(&[Some("ab")])], 2);
    assert_eq!(result.as_boolean(), &BooleanArray::from(vec![true, false]));
    let with_tax = example(file, "with_tax", &[Decimal(10, 2), Int], Decimal(12, 2));
    let decimals = |v: Vec<Option<i128>>, p| -> ArrayRef {
        Arc::new(Decimal128Array::from(v).with_precision_and_scale(p, 2).unwrap())
    };
    let result = evaluate(&with_tax, &[decimals(vec![Some(10_000), None], 10), ints(&[Some(19)])], 2);
    assert_eq!(result.as_ref(), decimals(vec![Some(11_900), None], 12).as_ref());
}

#[test]
fn assemblyscript() {
    let file = "assemblyscript/functions.wasm";
    functions_of(file);
    let weekend = example(file, "is_weekend", &[Date], Boolean);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(20_785), None, Some(-1)]));
    let result = evaluate(&weekend, &[days], 3);
    assert_eq!(result.as_boolean(), &BooleanArray::from(vec![Some(true), None, Some(false)]));
}
