//! Plain exports: every type, NULLs, every way that the rewrite has, all with the same results.

mod support;

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use support::*;
use wasmill_plan::TypeKind;
use wasmill_wasm::{Effort, Function, Module, Shape};

const RISK: &str = "(module (func (export \"f\") (param $a f64) (param $b f64) (result f64)
    (f64.add
      (f64.add (f64.mul (f64.const 0.7) (local.get $a))
               (f64.div (local.get $b) (f64.add (f64.const 1) (f64.abs (local.get $a)))))
      (f64.mul (f64.const 0.25)
               (select (local.get $b) (f64.const 0) (f64.gt (local.get $b) (f64.const 0)))))))";

fn risk(a: f64, b: f64) -> f64 {
    0.7 * a + b / (1.0 + a.abs()) + 0.25 * if b > 0.0 { b } else { 0.0 }
}

/// Bodies over two DOUBLEs with control flow of all forms, each with the same in Rust.
type Case = (&'static str, fn(f64, f64) -> f64);
const BODIES: &[Case] = &[
    ("(if (result f64) (f64.lt (local.get 0) (local.get 1)) (then (f64.const 1)) (else (local.get 0)))", |a, b| {
        if a < b { 1.0 } else { a }
    }),
    // Early returns.
    (
        "(if (f64.lt (local.get 0) (f64.const 0)) (then (return (f64.const -1))))
      (if (f64.gt (local.get 1) (f64.const 5)) (then (return (f64.mul (local.get 1) (f64.const 2)))))
      (f64.add (local.get 0) (local.get 1))",
        |a, b| {
            if a < 0.0 {
                -1.0
            } else if b > 5.0 {
                b * 2.0
            } else {
                a + b
            }
        },
    ),
    // Assignments under conditions, nested.
    (
        "(local $x f64)
      (if (f64.gt (local.get 0) (f64.const 0))
        (then (local.set $x (f64.const 10))
              (if (f64.gt (local.get 1) (f64.const 0)) (then (local.set $x (f64.add (local.get $x) (local.get 1))))
                                                        (else (local.set $x (f64.neg (local.get $x))))))
        (else (local.set 1 (f64.sqrt (f64.abs (local.get 1))))))
      (f64.add (local.get $x) (local.get 1))",
        |a, b| {
            let (mut x, mut b) = (0.0, b);
            if a > 0.0 {
                x = 10.0;
                if b > 0.0 { x += b } else { x = -x }
            } else {
                b = b.abs().sqrt()
            }
            x + b
        },
    ),
    // Branches out of blocks, with values.
    (
        "(block $out (result f64)
        (block $low
          (br_if $low (f64.lt (local.get 0) (f64.const 1)))
          (drop (br_if $out (f64.const 42) (f64.gt (local.get 1) (f64.const 3))))
          (br $out (f64.const 7)))
        (f64.floor (local.get 0)))",
        |a, b| {
            if a < 1.0 {
                a.floor()
            } else if b > 3.0 {
                42.0
            } else {
                7.0
            }
        },
    ),
    // A mask in a local, combined.
    (
        "(local $m i32)
      (local.set $m (i32.or (f64.ge (local.get 0) (f64.const 2)) (i32.eqz (f64.ne (local.get 1) (f64.const 0)))))
      (f64.max (select (local.get 0) (local.get 1) (local.get $m)) (f64.min (local.get 1) (f64.const 1)))",
        |a, b| {
            let x = if a >= 2.0 || b == 0.0 { a } else { b };
            let max = |x: f64, y: f64| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) };
            let min = |x: f64, y: f64| if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) };
            max(x, min(b, 1.0))
        },
    ),
    // A local that must be zero again for every row.
    (
        "(local $x f64)
      (if (f64.gt (local.get 0) (f64.const 3)) (then (local.set $x (local.get 0))))
      (f64.add (local.get $x) (f64.mul (local.get 1) (f64.const 0.5)))",
        |a, b| (if a > 3.0 { a } else { 0.0 }) + b * 0.5,
    ),
    // Both arms return, the rest is dead.
    (
        "(if (f64.lt (local.get 0) (local.get 1)) (then (return (f64.const 1))) (else (return (f64.const 2)))) (f64.const 3)",
        |a, b| if a < b { 1.0 } else { 2.0 },
    ),
    (
        "(block $a (block $b (br_if $b (f64.lt (local.get 0) (f64.const 0))) (br $a)) (return (f64.const -5))) (local.get 1)",
        |a, b| if a < 0.0 { -5.0 } else { b },
    ),
];

fn sample(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e-308];
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let pick = (state >> 33) as usize;
        if pick % 9 == 0 { special[pick / 9 % special.len()] } else { (pick % 2000) as f64 / 100.0 - 8.0 }
    };
    (0..rows).map(|_| (next(), next())).unzip()
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn every_way_gives_the_same() {
    let (a, b) = sample(5003);
    let args: Vec<ArrayRef> = vec![Arc::new(Float64Array::from(a.clone())), Arc::new(Float64Array::from(b.clone()))];
    let module = |body: &str| format!("(module (func (export \"f\") (param f64 f64) (result f64) {body}))");
    let all =
        BODIES.iter().map(|(body, rust)| (module(body), *rust)).chain([(RISK.to_owned(), risk as fn(f64, f64) -> f64)]);
    for (wat, rust) in all {
        for effort in [Effort::Call, Effort::Inline, Effort::Full] {
            let spec = spec(&[TypeKind::Double, TypeKind::Double], TypeKind::Double, &[]);
            let bytes = wat::parse_str(&wat).unwrap();
            let module = Module::from_bytes(Path::new("test.wasm"), bytes, &spec.options).unwrap();
            let f = Function::with_effort(spec, &module, effort).unwrap();
            match effort {
                Effort::Call => assert_eq!(f.shape(), Some(Shape::Call)),
                Effort::Inline => assert_eq!(f.shape(), Some(Shape::Inline(8)), "{wat}"),
                Effort::Full => assert_eq!(f.shape(), Some(Shape::Vector(4)), "{wat}"),
            }
            let result = f.scalar().evaluate(&args, a.len()).unwrap();
            for (row, got) in result.as_primitive::<arrow::datatypes::Float64Type>().values().iter().enumerate() {
                let expected = rust(a[row], b[row]);
                assert!(same(*got, expected), "{wat}\n{effort:?} f({}, {}) = {got}, not {expected}", a[row], b[row]);
                assert!(!got.is_nan() || got.to_bits() == f64::NAN.to_bits(), "NaN must be canonical");
            }
        }
    }
}

#[test]
fn nulls_are_strict() {
    let f = create(RISK, spec(&[TypeKind::Double, TypeKind::Double], TypeKind::Double, &[])).unwrap();
    let result = f
        .scalar()
        .evaluate(&[doubles(&[Some(1.0), None, Some(2.0), None]), doubles(&[Some(1.0), Some(2.0), None, None])], 4)
        .unwrap();
    assert_eq!(result.as_ref(), doubles(&[Some(risk(1.0, 1.0)), None, None, None]).as_ref());
    let none = f.scalar().evaluate(&[doubles(&[None, None]), doubles(&[Some(1.0), None])], 2).unwrap();
    assert_eq!(none.null_count(), 2);
}

#[test]
fn a_function_that_may_trap_never_sees_rows_with_null() {
    let wat = "(module (func (export \"f\") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))";
    let f = create(wat, spec(&[TypeKind::Int, TypeKind::Int], TypeKind::Int, &[])).unwrap();
    // Under the NULLs lie zeros.
    let args = [ints(&[Some(6), None, Some(9), Some(8)]), ints(&[Some(2), Some(0), None, Some(4)])];
    let result = f.scalar().evaluate(&args, 4).unwrap();
    assert_eq!(result.as_ref(), ints(&[Some(3), None, None, Some(2)]).as_ref());
}

#[test]
fn every_type_crosses() {
    let id = |wasm: &str| format!("(module (func (export \"f\") (param {wasm}) (result {wasm}) (local.get 0)))");
    let long = |array: ArrayRef| (array.clone(), array.len());
    let cases: Vec<(TypeKind, &str, ArrayRef)> = vec![
        (TypeKind::Boolean, "i32", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        (TypeKind::TinyInt, "i32", Arc::new(Int8Array::from(vec![Some(-128), Some(127), None]))),
        (TypeKind::SmallInt, "i32", Arc::new(Int16Array::from(vec![Some(-32768), Some(32767), None]))),
        (TypeKind::Int, "i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), Some(i32::MAX), None]))),
        (TypeKind::Date, "i32", Arc::new(Date32Array::from(vec![Some(-1), Some(18_000), None]))),
        (TypeKind::Time(3), "i32", Arc::new(Time32MillisecondArray::from(vec![Some(0), Some(86_399_999), None]))),
        (TypeKind::BigInt, "i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]))),
        (TypeKind::Timestamp(3), "i64", Arc::new(TimestampMillisecondArray::from(vec![Some(-5), Some(1 << 40), None]))),
        (
            TypeKind::TimestampLtz(6),
            "i64",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(-5), None]).with_timezone("+00:00")),
        ),
        (TypeKind::IntervalDayTime, "i64", Arc::new(DurationMillisecondArray::from(vec![Some(-5), None]))),
        (TypeKind::IntervalYearMonth, "i32", Arc::new(IntervalYearMonthArray::from(vec![Some(-5), None]))),
        (
            TypeKind::Decimal(18, 2),
            "i64",
            Arc::new(
                Decimal128Array::from(vec![Some(999_999_999_999_999_999), Some(-1), None])
                    .with_precision_and_scale(18, 2)
                    .unwrap(),
            ),
        ),
        (TypeKind::Float, "f32", Arc::new(Float32Array::from(vec![Some(1.5), Some(f32::INFINITY), None]))),
        (TypeKind::Double, "f64", Arc::new(Float64Array::from(vec![Some(1.5), Some(-0.0), None]))),
    ];
    for (kind, wasm, array) in cases {
        let f = create(&id(wasm), spec(&[kind.clone()], kind.clone(), &[])).unwrap();
        let (array, rows) = long(array);
        assert_eq!(f.scalar().evaluate(std::slice::from_ref(&array), rows).unwrap().as_ref(), array.as_ref(), "{kind}");
        // A slice, so that no buffer begins at its beginning.
        let slice = array.slice(1, rows - 1);
        assert_eq!(
            f.scalar().evaluate(std::slice::from_ref(&slice), rows - 1).unwrap().as_ref(),
            slice.as_ref(),
            "{kind}"
        );
    }
}

/// Gives its argument back, from one buffer that every call writes anew.
const ECHO: &str = "(module (memory (export \"memory\") 4)
  (func (export \"f\") (param $p i32) (param $n i32) (result i64)
    (memory.copy (i32.const 16) (local.get $p) (local.get $n))
    (i64.or (i64.const 16) (i64.shl (i64.extend_i32_u (local.get $n)) (i64.const 32)))))";

#[test]
fn texts_cross_by_address_and_length() {
    let f = create(ECHO, spec(&[TypeKind::Varchar(99)], TypeKind::Varchar(99), &[])).unwrap();
    let array = texts(&[Some("one"), None, Some(""), Some("déjà vu"), Some("four")]);
    let result = f.scalar().evaluate(std::slice::from_ref(&array), 5).unwrap();
    assert_eq!(result.as_ref(), array.as_ref());
    let many: ArrayRef = Arc::new(StringArray::from_iter_values((0..20_000).map(|i| format!("text {i}"))));
    let mut scalar = f.scalar();
    for _ in 0..2 {
        assert_eq!(scalar.evaluate(std::slice::from_ref(&many), 20_000).unwrap().as_ref(), many.as_ref());
    }
}

#[test]
fn a_text_may_be_longer_than_a_round() {
    let wat = ECHO.replace("\"memory\") 4", "\"memory\") 64");
    let f = create(&wat, spec(&[TypeKind::Varchar(99)], TypeKind::Varchar(99), &[])).unwrap();
    let long = "x".repeat(3 << 20);
    let array = texts(&[Some("a"), Some(&long), Some("b")]);
    assert_eq!(f.scalar().evaluate(std::slice::from_ref(&array), 3).unwrap().as_ref(), array.as_ref());
}

#[test]
fn all_ones_is_a_null_text_and_two_results_will_do() {
    let wat = "(module (memory (export \"memory\") 1) (data (i32.const 8) \"yes\")
      (func (export \"f\") (param i32) (result i32 i32)
        (if (result i32 i32) (local.get 0) (then (i32.const 8) (i32.const 3)) (else (i32.const -1) (i32.const -1)))))";
    let f = create(wat, spec(&[TypeKind::Int], TypeKind::Varchar(9), &[])).unwrap();
    let result = f.scalar().evaluate(&[ints(&[Some(1), Some(0), Some(2), None])], 4).unwrap();
    assert_eq!(result.as_ref(), texts(&[Some("yes"), None, Some("yes"), None]).as_ref());
}

#[test]
fn a_constant_is_one_value() {
    let f = create(RISK, spec(&[TypeKind::Double, TypeKind::Double], TypeKind::Double, &[])).unwrap();
    let result = f.scalar().evaluate(&[doubles(&[Some(1.0), Some(2.0)]), doubles(&[Some(3.0)])], 2).unwrap();
    assert_eq!(result.as_ref(), doubles(&[Some(risk(1.0, 3.0)), Some(risk(2.0, 3.0))]).as_ref());
}

#[test]
fn memory_loops_calls_and_recursion_work_in_the_loop() {
    let wat = "(module (memory 1) (global $g (mut i32) (i32.const 5))
      (func $fib (param $n i32) (result i32)
        (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n))
          (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
      (func (export \"f\") (param $n i32) (result i32) (local $i i32) (local $sum i32)
        (loop $again
          (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (local.get $i)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.le_s (local.get $i) (local.get $n))))
        (local.set $sum (i32.load (i32.const 64)))
        (i32.store (i32.const 64) (i32.const 0))
        (if (i32.eq (local.get $n) (i32.const 3)) (then (return (i32.const -3))))
        (i32.add (local.get $sum) (call $fib (local.get $n))))
      (func (export \"rec\") (param $n i32) (result i32)
        (call $fib (local.get $n))))";
    let f = create(wat, spec(&[TypeKind::Int], TypeKind::Int, &[])).unwrap();
    assert!(matches!(f.shape(), Some(Shape::Inline(_))), "{:?}", f.shape());
    let n: Vec<Option<i32>> = (0..20).map(Some).collect();
    let fib = |n: i32| (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0;
    let expected: Vec<Option<i32>> =
        (0..20).map(|n| Some(if n == 3 { -3 } else { n * (n + 1) / 2 + fib(n) })).collect();
    assert_eq!(f.scalar().evaluate(&[ints(&n)], 20).unwrap().as_ref(), ints(&expected).as_ref());
}

#[test]
fn usage_counts() {
    let f = create(RISK, spec(&[TypeKind::Double, TypeKind::Double], TypeKind::Double, &[])).unwrap();
    let mut scalar = f.scalar();
    for _ in 0..3 {
        scalar.evaluate(&[doubles(&[Some(1.0), Some(2.0)]), doubles(&[Some(3.0), None])], 2).unwrap();
    }
    let usage = f.usage();
    assert_eq!((usage.batches, usage.rows, usage.failures), (3, 6, 0));
}
