//! Column functions: the SDKs' examples in C and Rust, and guests that break the ABI in every way.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::*;
use support::*;
use wasmill_plan::TypeKind::{self, *};
use wasmill_wasm::Function;

fn sdk_example(file: &str, export: &str, args: &[TypeKind], returns: TypeKind) -> Function {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples").join(file);
    let mut spec = spec(args, returns, &[]);
    (spec.path, spec.export) = (PathBuf::from(path), export.into());
    Function::create(spec).unwrap()
}

const STRING: TypeKind = Varchar(i32::MAX as u32);

fn evaluate(f: &Function, args: &[ArrayRef], rows: usize) -> ArrayRef {
    f.scalar().evaluate(args, rows).unwrap()
}

#[test]
fn examples_in_c() {
    let f = sdk_example("c/text.wasm", "initials", &[STRING], STRING);
    let result = evaluate(&f, &[texts(&[Some("ada lovelace"), Some("42"), None, Some("Alan Mathison Turing")])], 4);
    assert_eq!(result.as_ref(), texts(&[Some("AL"), None, None, Some("AMT")]).as_ref());
    let f = sdk_example("c/text.wasm", "vowels", &[STRING], Int);
    assert_eq!(evaluate(&f, &[texts(&[Some("Education"), Some("")])], 2).as_ref(), ints(&[Some(5), Some(0)]).as_ref());
    let f = sdk_example("c/columns.wasm", "or_else", &[STRING, STRING], STRING);
    let result =
        evaluate(&f, &[texts(&[Some("a"), None, None, Some("dé")]), texts(&[Some("x"), Some("yy"), None, None])], 4);
    assert_eq!(result.as_ref(), texts(&[Some("a"), Some("yy"), None, Some("dé")]).as_ref());
    blend(&sdk_example("c/columns.wasm", "blend", &[Double, Double], Double), true);
}

#[test]
fn examples_in_rust() {
    let file = "rust/examples.wasm";
    let f = sdk_example(file, "domain", &[STRING], STRING);
    let result = evaluate(&f, &[texts(&[Some("Ada@Example.COM"), Some("nobody"), None])], 3);
    assert_eq!(result.as_ref(), texts(&[Some("example.com"), None, None]).as_ref());
    let f = sdk_example(file, "begins", &[STRING, STRING], Boolean);
    let result =
        evaluate(&f, &[texts(&[Some("abc"), Some("abc"), Some("")]), texts(&[Some("ab"), Some("b"), Some("")])], 3);
    assert_eq!(result.as_boolean(), &BooleanArray::from(vec![true, false, true]));
    let f = sdk_example(file, "half", &[Double], Double);
    assert_eq!(evaluate(&f, &[doubles(&[Some(3.0)])], 1).as_ref(), doubles(&[Some(1.5)]).as_ref());
    assert!(f.shape().is_some(), "numbers alone are a plain export");
    let f = sdk_example(file, "first_known", &[STRING, STRING], STRING);
    let result = evaluate(&f, &[texts(&[None, Some("b"), None]), texts(&[Some("x")])], 3);
    assert_eq!(result.as_ref(), texts(&[Some("x"), Some("b"), Some("x")]).as_ref());
    // The first NULL comes late, so that the bitmap is made in the middle of a byte.
    let many: Vec<Option<&str>> = (0..21).map(|i| (i % 11 != 10).then_some("v")).collect();
    assert_eq!(evaluate(&f, &[texts(&many), texts(&[None])], 21).as_ref(), texts(&many).as_ref());
    let f = sdk_example(file, "root", &[Double], Double);
    assert_eq!(evaluate(&f, &[doubles(&[Some(9.0), None])], 2).as_ref(), doubles(&[Some(3.0), None]).as_ref());
    let e = f.scalar().evaluate(&[doubles(&[Some(9.0), Some(-4.0)])], 2).unwrap_err().to_string();
    assert!(e.contains("row 1 of a batch of 2 with a0 = -4.0: it says: no root of -4"), "{e}");
    let f = sdk_example(file, "with_tax", &[Decimal(10, 2), Int], Decimal(12, 2));
    let decimals = |v: Vec<Option<i128>>, p| -> ArrayRef {
        Arc::new(Decimal128Array::from(v).with_precision_and_scale(p, 2).unwrap())
    };
    let result = evaluate(&f, &[decimals(vec![Some(10_000), None, Some(-1)], 10), ints(&[Some(19)])], 3);
    assert_eq!(result.as_ref(), decimals(vec![Some(11_900), None, Some(-1)], 12).as_ref());
    let f = sdk_example(file, "hour", &[Timestamp(3)], Timestamp(3));
    let stamps = |v: Vec<Option<i64>>| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(v)) };
    let result = evaluate(&f, &[stamps(vec![Some(7_200_001), None, Some(-1)])], 3);
    assert_eq!(result.as_ref(), stamps(vec![Some(7_200_000), None, Some(-3_600_000)]).as_ref());
    let f = sdk_example(file, "cents_up", &[BigInt, BigInt], BigInt);
    let longs = |v: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(v)) };
    assert_eq!(evaluate(&f, &[longs(vec![101, -101]), longs(vec![100])], 2).as_ref(), longs(vec![200, -100]).as_ref());
    blend(&sdk_example(file, "blend", &[Double, Double], Double), false);
}

#[test]
fn the_rust_attributes_describe_the_module() {
    let mut wrong = spec(&[STRING], Int, &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/rust/examples.wasm");
    (wrong.path, wrong.export) = (path, "domain".into());
    let e = full_text(&Function::create(wrong.clone()).err().unwrap());
    assert!(e.contains("'domain' returns STRING, declared is INT"), "{e}");
    (wrong.args, wrong.export) = (spec(&[STRING], Int, &[]).args, "words".into());
    let e = full_text(&Function::create(wrong).err().unwrap());
    assert!(e.contains("'words' is a table function, not a scalar function"), "{e}");
}

fn blend(f: &Function, with_nulls: bool) {
    let expected = |a: f64, b: f64| 0.7 * a + b / (1.0 + a.abs()) + 0.25 * b.max(0.0);
    let values = |f: fn(f64) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..3000).map(|i| f(f64::from(i)))))
    };
    let (a, b) = (values(|i| i * 0.5 - 700.0), values(|i| 900.0 - i));
    let wanted: ArrayRef = Arc::new(Float64Array::from_iter_values(
        a.as_primitive::<arrow::datatypes::Float64Type>()
            .values()
            .iter()
            .zip(b.as_primitive::<arrow::datatypes::Float64Type>().values())
            .map(|(a, b)| expected(*a, *b)),
    ));
    let mut scalar = f.scalar();
    for (from, rows) in [(0, 3000), (5, 1), (17, 900)] {
        let result = scalar.evaluate(&[a.slice(from, rows), b.slice(from, rows)], rows).unwrap();
        assert_eq!(result.as_ref(), wanted.slice(from, rows).as_ref());
    }
    if with_nulls {
        let result = scalar.evaluate(&[doubles(&[Some(1.0), None, Some(2.0)]), doubles(&[Some(3.0)])], 3).unwrap();
        assert_eq!(result.as_ref(), doubles(&[Some(expected(1.0, 3.0)), None, Some(expected(2.0, 3.0))]).as_ref());
    }
}

/// Gives argument 0 back as it came, by copying its structure.
fn echo(after: &str) -> String {
    format!(
        "(module (memory (export \"memory\") 16 256) (global $end (mut i32) (i32.const 65536))
        (func (export \"wm_abi\") (result i32) (i32.const 1))
        (func (export \"wm_alloc\") (param $n i32) (param $a i32) (result i32) (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $end) (i32.const 63)) (i32.const -64)))
          (global.set $end (i32.add (local.get $at) (local.get $n)))
          (block $done (loop $grow
            (br_if $done (i32.le_u (global.get $end) (i32.shl (memory.size) (i32.const 16))))
            (br_if $done (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
            (br $grow)))
          (local.get $at))
        (func (export \"wm_free\") (param i32 i32 i32))
        (func (export \"f__cols\") (param $in i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (memory.copy (local.get $c) (i32.load offset=8 (local.get $in)) (i32.const 64))
          {after} (i32.const 0)))"
    )
}

#[test]
fn every_type_crosses() {
    let cases: Vec<(TypeKind, ArrayRef)> = vec![
        (Boolean, Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        (TinyInt, Arc::new(Int8Array::from(vec![Some(-128), Some(127), None]))),
        (SmallInt, Arc::new(Int16Array::from(vec![Some(-32768), None]))),
        (Int, Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(7)]))),
        (BigInt, Arc::new(Int64Array::from(vec![None, Some(i64::MAX)]))),
        (Float, Arc::new(Float32Array::from(vec![Some(1.5), None]))),
        (Double, Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-0.0)]))),
        (
            Decimal(38, 5),
            Arc::new(
                Decimal128Array::from(vec![Some(i128::pow(10, 38) - 1), None]).with_precision_and_scale(38, 5).unwrap(),
            ),
        ),
        (STRING, texts(&[Some("déjà"), None, Some(""), Some("vu")])),
        (Varbinary(99), Arc::new(BinaryArray::from(vec![Some(&b"\xff\0"[..]), None, Some(b"")]))),
        (Date, Arc::new(Date32Array::from(vec![Some(-1), None]))),
        (Time(0), Arc::new(Time32MillisecondArray::from(vec![Some(86_399_000), None]))),
        (Timestamp(3), Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None]))),
        (Timestamp(9), Arc::new(TimestampNanosecondArray::from(vec![Some(-1), None]))),
        (TimestampLtz(6), Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None]).with_timezone("+00:00"))),
        (IntervalYearMonth, Arc::new(IntervalYearMonthArray::from(vec![Some(-1), None]))),
        (IntervalDayTime, Arc::new(DurationMillisecondArray::from(vec![Some(-1), None]))),
    ];
    for (kind, array) in cases {
        let f = create(&echo(""), spec(&[kind.clone()], kind.clone(), &[])).unwrap();
        let rows = array.len();
        assert_eq!(evaluate(&f, &[array.clone()], rows).as_ref(), array.as_ref(), "{kind}");
        let slice = array.slice(1, rows - 1);
        assert_eq!(evaluate(&f, &[slice.clone()], rows - 1).as_ref(), slice.as_ref(), "{kind}");
        // A constant comes back as one, and is written out.
        let result = evaluate(&f, &[array.slice(0, 1)], 5);
        assert_eq!(result.len(), 5);
        assert_eq!(result.slice(4, 1).as_ref(), array.slice(0, 1).as_ref(), "{kind}");
    }
    let nested = Array(Box::new(wasmill_plan::DataType::nullable(Bitmap)));
    let e = create(&echo(""), spec(&[nested], Int, &[])).err().unwrap();
    assert!(full_text(&e).contains("ARRAY<BITMAP>") && full_text(&e).contains("BITMAP does not"), "{}", full_text(&e));
}

#[test]
fn batches_grow() {
    let f = create(&echo(""), spec(&[STRING], STRING, &[])).unwrap();
    let mut scalar = f.scalar();
    for rows in [1, 10, 5000, 100, 20_000] {
        let array: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|i| "x".repeat(i % 40))));
        assert_eq!(scalar.evaluate(&[array.clone()], rows).unwrap().as_ref(), array.as_ref());
    }
}

/// The error of `f` over four texts (or ints), after `after` has run in the guest.
fn text_error(after: &str) -> String {
    let f = create(&echo(after), spec(&[STRING], STRING, &[])).unwrap();
    let rows = texts(&[Some("one"), Some("two"), Some("three"), Some("four")]);
    f.scalar().evaluate(&[rows], 4).unwrap_err().to_string()
}

fn int_error(after: &str) -> String {
    let f = create(&echo(after), spec(&[Int], Int, &[("timeout", "50 ms")])).unwrap();
    f.scalar().evaluate(&[ints(&[Some(1), Some(2), None, Some(4)])], 4).unwrap_err().to_string()
}

#[test]
fn broken_results() {
    let set = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let checks = [
        (int_error(&set(0, 5)), "changed the type of its result"),
        (int_error(&set(4, 8)), "unknown flags 0x8"),
        (int_error(&set(8, 3)), "3 values"),
        (int_error(&set(8, -1)), "4294967295 values"),
        (int_error(&set(12, 2)), "claims 2 NULLs, the bitmap has"),
        (int_error(&set(16, 0x7fff_ffff)), "the validity bitmap at 2147483647"),
        (int_error(&set(24, -4)), "beyond the end of its memory"),
        (int_error(&set(24, 65_537)), "not aligned to 4"),
        (int_error(&set(28, 12)), "12 bytes of values"),
        (int_error(&set(28, -1)), "4294967295 bytes of values"),
        (text_error(&set(20, -8)), "beyond the end of its memory"),
        (text_error(&set(20, 65_538)), "not aligned to 4"),
        (text_error(&set(28, 2)), "the last offset of its texts is"),
        (
            text_error("(i32.store (i32.load offset=20 (local.get $c)) (i32.const -1))"),
            "the first offset of its texts is -1",
        ),
        (
            text_error("(i32.store (i32.load offset=20 (local.get $c)) (i32.const 100))"),
            "the offsets of its texts fall from 100",
        ),
        (text_error("(i32.store8 (i32.load offset=24 (local.get $c)) (i32.const 255))"), "not valid UTF-8"),
        (int_error("(i32.store (local.get $out) (i32.const -64))"), "its result structure at"),
        (int_error("(i32.store (local.get $out) (i32.const 3))"), "its result structure at 3, which is not aligned"),
        (int_error("(i32.store offset=4 (local.get $out) (i32.const 2))"), "2 columns of"),
        (int_error("(i32.store offset=8 (local.get $out) (i32.const 9))"), "1 columns of 9 rows"),
        (int_error("(return (i32.const 77))"), "the error code 77"),
        (
            int_error(
                "(i32.store offset=12 (local.get $out) (i32.const -8)) (i32.store offset=16 (local.get $out) (i32.const 50)) (return (i32.const 3))",
            ),
            "the error code 3",
        ),
        (int_error("(loop $l (br $l))"), "'timeout' = '50 ms'"),
        (int_error("(unreachable)"), "the code gave up"),
    ];
    for (error, says) in checks {
        assert!(
            error.contains(says) && error.contains("row 0 of a batch of 4 with a0 = "),
            "{says:?} is missing in: {error}"
        );
    }
}

#[test]
fn one_bad_row_is_one_null() {
    // Traps where a batch holds the value 2.
    let after = "(if (i32.eq (i32.load (i32.load offset=24 (local.get $c))) (i32.const 2)) (then (unreachable)))
        (if (i32.gt_u (i32.load (local.get $in)) (i32.const 1)) (then (unreachable)))";
    let f = create(&echo(after), spec(&[Int], Int, &[("on-error", "null")])).unwrap();
    let result = evaluate(&f, &[ints(&[Some(1), Some(2), None, Some(4)])], 4);
    assert_eq!(result.as_ref(), ints(&[Some(1), None, None, Some(4)]).as_ref());
    assert_eq!(f.usage().rows_nulled, 1);
}

#[test]
fn not_null_is_checked() {
    let mut spec = spec(&[Int], Int, &[]);
    spec.returns.nullable = false;
    let f = create(&echo(""), spec).unwrap();
    let e = f.scalar().evaluate(&[ints(&[Some(1), None])], 2).unwrap_err().to_string();
    assert!(
        e.contains("row 1 of a batch of 2 with a0 = NULL: it gave NULL, but is declared to return NOT NULL"),
        "{e}"
    );
}

#[test]
fn broken_modules() {
    let refused = |from: &str, to: &str| {
        let wat = echo("");
        assert!(wat.contains(from));
        full_text(&create(&wat.replace(from, to), spec(&[Int], Int, &[])).err().unwrap())
    };
    let says = |text: String, part: &str| assert!(text.contains(part), "{part:?} is missing in: {text}");
    says(refused("(result i32) (i32.const 1))", "(result i32) (i32.const 9))"), "built for version 9 of the ABI");
    says(refused("\"wm_free\"", "\"wm_fre\""), "does not export 'wm_free'");
    says(refused("(export \"memory\")", ""), "does not export its memory");
    says(refused("\"wm_free\") (param i32 i32 i32)", "\"wm_free\") (param i32)"), "'wm_free' is not (i32, i32, i32)");
    says(
        refused(
            "(param $in i32) (param $out i32) (result i32)",
            "(param $in i32) (param $out i32) (param i32) (result i32)",
        ),
        "it should be (i32, i32) -> i32",
    );
    // The allocator fails, lies, or hands out crooked blocks.
    for (result, part) in [
        ("(i32.const 0)", "could not give"),
        ("(i32.const -64)", "ends beyond its memory"),
        ("(i32.const 65537)", "not aligned"),
    ] {
        let wat = echo("").replace(
            "(local.get $at))\n        (func (export \"wm_free\")",
            &format!("{result})\n        (func (export \"wm_free\")"),
        );
        let f = create(&wat, spec(&[Int], Int, &[])).unwrap();
        says(f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap_err().to_string(), part);
    }
}
