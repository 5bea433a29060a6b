//! Aggregate functions: the SDK's example in C against what it should give, failures row by row, and guests that break the
//! contract in every export.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::*;
use support::*;
use wasmill_expr::UserAggregate;
use wasmill_plan::{
    DataType,
    TypeKind::{self, *},
};
use wasmill_wasm::{AggregateFunction, AggregateSpec, Error, FunctionOptions, Kind, Module};

const STRING: TypeKind = Varchar(i32::MAX as u32);

fn aggregate_spec(name: &str, args: &[TypeKind], returns: TypeKind, options: &[(&str, &str)]) -> AggregateSpec {
    AggregateSpec {
        name: name.into(),
        export: name.into(),
        path: PathBuf::from("test.wasm"),
        args: fields(args),
        returns: DataType::nullable(returns),
        options: FunctionOptions::parse(Kind::Aggregate, options.iter().copied()).unwrap(),
    }
}

fn example(name: &str, args: &[TypeKind], returns: TypeKind, options: &[(&str, &str)]) -> AggregateFunction {
    let path = c_example("aggregates.wasm");
    AggregateFunction::create(AggregateSpec { path, ..aggregate_spec(name, args, returns, options) }).unwrap()
}

#[test]
fn total_is_sum() {
    let f = example("total", &[Double], Double, &[]);
    assert!(f.can_retract() && f.can_merge());
    let mut total = f.aggregate();
    total.resize(4);
    total.update(&[0, 1, 0, 2], &[doubles(&[Some(1.0), Some(2.5), Some(4.0), None])]).unwrap();
    let all = |total: &mut dyn UserAggregate| total.finish(&[0, 1, 2, 3]).unwrap();
    assert_eq!(all(&mut total).as_ref(), doubles(&[Some(5.0), Some(2.5), None, None]).as_ref());
    total.retract(&[0, 1], &[doubles(&[Some(4.0), Some(2.5)])]).unwrap();
    assert_eq!(all(&mut total).as_ref(), doubles(&[Some(1.0), None, None, None]).as_ref());
    total.merge(&[3, 3], &[0, 1]).unwrap();
    assert_eq!(all(&mut total).as_ref(), doubles(&[Some(1.0), None, None, Some(1.0)]).as_ref());
    // State goes from one instance to another, in other groups.
    let saved = total.save(&[3, 2]).unwrap();
    let mut other = f.aggregate();
    other.resize(2);
    other.load(&[1, 0], &saved).unwrap();
    other.update(&[1], &[doubles(&[Some(9.0)])]).unwrap();
    assert_eq!(other.finish(&[0, 1]).unwrap().as_ref(), doubles(&[None, Some(10.0)]).as_ref());
    // A group that is emptied and used again.
    total.clear(&[0, 3]);
    total.update(&[3], &[doubles(&[Some(7.0)])]).unwrap();
    assert_eq!(all(&mut total).as_ref(), doubles(&[None, None, None, Some(7.0)]).as_ref());
    // More groups than there was room for, in batches of other sizes.
    total.resize(50_000);
    let groups: Vec<u32> = (0..50_000).rev().collect();
    let values: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50_000).map(f64::from)));
    total.update(&groups, &[values]).unwrap();
    assert_eq!(
        total.finish(&[3, 0, 49_999]).unwrap().as_ref(),
        doubles(&[Some(50_003.0), Some(49_999.0), Some(0.0)]).as_ref()
    );
    let saved = total.save(&groups).unwrap();
    assert_eq!(saved.len(), 50_000);
    let mut other = f.aggregate();
    other.resize(50_000);
    other.load(&groups, &saved).unwrap();
    assert_eq!(other.finish(&groups).unwrap().as_ref(), total.finish(&groups).unwrap().as_ref());
}

#[test]
fn states_with_other_memory_are_saved_by_the_guest() {
    let f = example("longest", &[STRING], STRING, &[]);
    assert!(!f.can_retract() && f.can_merge());
    let mut longest = f.aggregate();
    longest.resize(3);
    longest.update(&[0, 0, 1, 0], &[texts(&[Some("a"), Some("four"), None, Some("five")])]).unwrap();
    let all = |a: &mut dyn UserAggregate| a.finish(&[0, 1, 2]).unwrap();
    assert_eq!(all(&mut longest).as_ref(), texts(&[Some("four"), None, None]).as_ref());
    longest.merge(&[2, 2], &[1, 0]).unwrap();
    assert_eq!(all(&mut longest).as_ref(), texts(&[Some("four"), None, Some("four")]).as_ref());
    let saved = longest.save(&[0, 1, 2]).unwrap();
    let mut other = f.aggregate();
    other.resize(3);
    other.load(&[2, 1, 0], &saved).unwrap();
    other.update(&[0, 1], &[texts(&[Some("fifteen"), Some("")])]).unwrap();
    assert_eq!(all(&mut other).as_ref(), texts(&[Some("fifteen"), Some(""), Some("four")]).as_ref());
    // Memory comes back: a million texts in one group, cleared again and again.
    for round in 0..200 {
        other.clear(&[0]);
        let text = "x".repeat(100 + round * 10);
        let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 100]));
        other.update(&[0; 100], &[column]).unwrap();
    }
    assert!(f.usage().memory_bytes_max < 8 << 20, "{:?}", f.usage());
    let broken: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\x07"[..]]));
    other.clear(&[0]);
    says(&other.load(&[0], &broken).unwrap_err().to_string(), "a saved state is not one of longest");
}

#[test]
fn a_saved_state_of_another_size_is_corrupt() {
    let mut total = example("total", &[Double], Double, &[]).aggregate();
    total.resize(1);
    let saved: ArrayRef = Arc::new(BinaryArray::from(vec![&[0u8; 8][..]]));
    let e = total.load(&[0], &saved).unwrap_err();
    assert!(matches!(e, wasmill_plan::Error::Corrupt { .. }));
    says(&e.to_string(), "has 8 bytes, its module's states have 16");
}

#[test]
fn a_row_that_fails_is_named_or_left_out() {
    let args = [doubles(&[Some(1.0), Some(2.0), Some(3.0)]), doubles(&[Some(1.0), Some(-1.0), Some(1.0)])];
    let f = example("weighted_mean", &[Double, Double], Double, &[]);
    assert!(!f.can_retract() && !f.can_merge());
    let mut mean = f.aggregate();
    mean.resize(1);
    let e = mean.update(&[0, 0, 0], &args).unwrap_err().to_string();
    says(&e, "row 1 of a batch of 3 with a0 = 2.0, a1 = -1.0: it says: a weight is negative");
    says(&e, "export 'weighted_mean'");

    let f = example("weighted_mean", &[Double, Double], Double, &[("on-error", "skip")]);
    let mut mean = f.aggregate();
    mean.resize(2);
    mean.update(&[1, 1], &[doubles(&[Some(4.0), Some(8.0)]), doubles(&[Some(1.0), Some(1.0)])]).unwrap();
    mean.update(&[0, 1, 0], &args).unwrap();
    assert_eq!(mean.finish(&[0, 1]).unwrap().as_ref(), doubles(&[Some(2.0), Some(6.0)]).as_ref());
    assert_eq!((f.usage().rows_skipped, f.usage().failures), (1, 2));

    let spec = aggregate_spec("longest", &[STRING], STRING, &[("on-error", "skip")]);
    let e = AggregateFunction::create(AggregateSpec { path: c_example("aggregates.wasm"), ..spec }).err().unwrap();
    says(&full_text(&e), "needs states that are plain bytes");
}

/// `f`: counts rows in an i64; `swap` replaces parts of the module.
fn count(swap: &[(&str, &str)], options: &[(&str, &str)]) -> Result<AggregateFunction, Error> {
    let mut wat = format!(
        r#"(module {ABI}
        (func (export "f__state_size") (result i32) (i32.const 8))
        (func (export "f__init") (param $s i32) (param $g i32) (param $n i32) (local $i i32)
          (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (i64.store (call $at (local.get $s) (local.get $g) (local.get $i)) (i64.const 0)) (;init;)
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (func $at (param $s i32) (param $g i32) (param $i i32) (result i32)
          (i32.add (local.get $s) (i32.mul (i32.const 8)
            (i32.load (i32.add (local.get $g) (i32.mul (i32.const 4) (local.get $i)))))))
        (func (export "f__acc") (param $s i32) (param $g i32) (param $in i32) (param $out i32) (result i32) (local $i i32) (local $p i32)
          (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $i) (i32.load (local.get $in))))
            (local.set $p (call $at (local.get $s) (local.get $g) (local.get $i)))
            (i64.store (local.get $p) (i64.add (i64.load (local.get $p)) (i64.const 1)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next)))
          (;acc;) (i32.const 0))
        (func (export "f__merge") (param $s i32) (param $into i32) (param $from i32) (param $n i32) (param $out i32) (result i32)
          (;merge;) (i32.const 0))
        (func (export "f__finish") (param $s i32) (param $g i32) (param $n i32) (param $out i32) (result i32) (local $i i32) (local $p i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (local.set $p (call $alloc (i32.mul (i32.const 8) (local.get $n)) (i32.const 8)))
          (i32.store offset=24 (local.get $c) (local.get $p))
          (i32.store offset=28 (local.get $c) (i32.mul (i32.const 8) (local.get $n)))
          (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (i64.store (i32.add (local.get $p) (i32.mul (i32.const 8) (local.get $i)))
              (i64.load (call $at (local.get $s) (local.get $g) (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next)))
          (;finish;) (i32.const 0)))"#
    );
    for (from, to) in swap {
        assert!(wat.contains(from), "{from} is not in the module");
        wat = wat.replace(from, to);
    }
    let wasm = wat::parse_str(&wat).expect("the test's own module");
    let spec = aggregate_spec("f", &[Int], BigInt, options);
    let module = Module::from_bytes(Path::new("test.wasm"), wasm, &spec.options)?;
    AggregateFunction::from_module(spec, &module)
}

fn refused(swap: &[(&str, &str)]) -> String {
    full_text(&count(swap, &[]).err().expect("it should be refused"))
}

#[test]
fn the_module_in_text_counts() {
    let mut f = count(&[], &[]).unwrap().aggregate();
    f.resize(2);
    f.update(&[0, 1, 1], &[ints(&[Some(1), None, Some(2)])]).unwrap();
    let wanted: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    assert_eq!(f.finish(&[0, 1]).unwrap().as_ref(), wanted.as_ref());
}

#[test]
fn broken_modules_are_refused_at_create() {
    says(&refused(&[("f__state_size", "f__size")]), "does not export a function 'f__state_size'");
    says(&refused(&[("f__init", "f__begin")]), "does not export a function 'f__init'");
    says(&refused(&[("f__finish", "f__end")]), "does not export a function 'f__finish'");
    says(
        &refused(&[("\"f__state_size\") (result i32) (i32.const 8)", "\"f__state_size\") (result i64) (i64.const 8)")]),
        "export 'f__state_size' of 'test.wasm' is () -> i64 | it should be () -> i32",
    );
    for size in ["0", "12", "-8", "65544"] {
        let with = format!("(result i32) (i32.const {size}))\n        (func (export \"f__init\")");
        let e = refused(&[("(result i32) (i32.const 8))\n        (func (export \"f__init\")", &with)]);
        says(&e, "a state has a multiple of 8 bytes, from 8 to 65536");
    }
    says(
        &refused(&[(
            "(i32.const 8))\n        (func (export \"f__init\")",
            "(unreachable))\n        (func (export \"f__init\")",
        )]),
        "the code gave up",
    );
    says(
        &refused(&[("\"f__merge\"", "\"f__save\"")]),
        "export 'f__save' of 'test.wasm' is (i32, i32, i32, i32, i32) -> i32",
    );
    says(&refused(&[("\"wm_free\"", "\"wm_fre\"")]), "has the aggregate function 'f' but does not export 'wm_free'");
    let load = r#"(func (export "f__load") (param i32 i32 i32 i32) (result i32) (i32.const 0)) (func (export "f__state_size")"#;
    says(&refused(&[("(func (export \"f__state_size\")", load)]), "exports 'f__load' but not 'f__save'");
    let custom = |json: &str| {
        format!("(@custom \"wasmill.udf\" \"{}\") (func (export \"f__state_size\")", json.replace('"', "\\22"))
    };
    let described = |json: &str| refused(&[("(func (export \"f__state_size\")", &custom(json))]);
    says(&described(r#"{"name": "f"}"#), "'f' is a scalar function, not an aggregate function");
    says(
        &described(r#"{"name": "f", "kind": "aggregate", "arguments": ["STRING"]}"#),
        "argument 'a0' is declared as INT",
    );
    says(
        &described(r#"{"name": "f", "kind": "aggregate", "returns": "DOUBLE"}"#),
        "returns DOUBLE, declared is BIGINT",
    );
    says(&described(r#"{"name": "f", "kind": "sorcery"}"#), "its own description");
    let options = [("timeout", "50 ms")];
    let hangs = count(
        &[(
            "(i32.const 8))\n        (func (export \"f__init\")",
            "(loop $l (br $l)) (i32.const 8))\n        (func (export \"f__init\")",
        )],
        &options,
    );
    says(&full_text(&hangs.err().unwrap()), "longer than 'timeout' = '50 ms'");
}

/// The error of adding three rows to group 0, then merging and asking for its result.
fn run(swap: &[(&str, &str)]) -> String {
    let f = count(swap, &[("timeout", "50 ms"), ("memory.max", "1 MB")]).unwrap();
    let mut aggregate = f.aggregate();
    aggregate.resize(2);
    let done = aggregate
        .update(&[0, 0, 1], &[ints(&[Some(1), Some(2), Some(3)])])
        .and_then(|()| aggregate.merge(&[0], &[1]))
        .and_then(|()| aggregate.finish(&[0, 1]));
    done.expect_err("it should fail").to_string()
}

#[test]
fn guests_that_fail_in_each_export() {
    says(&run(&[("(;init;)", "(unreachable)")]), "the states of 2 groups cannot be made: the code gave up");
    let e = run(&[("(;acc;)", "(unreachable)")]);
    says(&e, "row 0 of a batch of 3 with a0 = 1: the code gave up");
    says(&run(&[("(;acc;)", "(return (i32.const 9))")]), "it returned the error code 9");
    says(&run(&[("(;acc;)", "(loop $l (br $l))")]), "'timeout' = '50 ms'");
    // Fails with the state, not with a row by itself.
    let third = "(if (i64.ge_u (i64.load (local.get $s)) (i64.const 2)) (then (unreachable)))";
    says(&run(&[("(;acc;)", third)]), "adding a batch of 3 rows: the code gave up");
    says(&run(&[("(;merge;)", "(unreachable)")]), "merging groups: the code gave up");
    says(
        &run(&[("(;finish;)", "(i32.store offset=28 (local.get $c) (i32.const 7))")]),
        "7 bytes of values, 16 are needed for 2 rows",
    );
    says(
        &run(&[("(;finish;)", "(i32.store offset=24 (local.get $c) (i32.const -64))")]),
        "beyond the end of its memory",
    );
    says(&run(&[("(;finish;)", "(i32.store offset=8 (local.get $c) (i32.const 1))")]), "1 values, 2 were asked for");
    says(
        &run(&[("(;finish;)", "(i32.store (local.get $c) (i32.const 7))")]),
        "changed the type of its result to code 7",
    );
    says(&run(&[("(;finish;)", "(i32.store offset=8 (local.get $out) (i32.const 3))")]), "1 columns of 3 rows");
    says(&run(&[("(;finish;)", "(loop $l (br $l))")]), "'timeout' = '50 ms'");
    says(
        &run(&[("(local.get $at))\n    (func (export \"wm_free\")", "(i32.const 0))\n    (func (export \"wm_free\")")]),
        "wm_alloc could not give",
    );
    says(
        &run(&[(
            "(local.get $at))\n    (func (export \"wm_free\")",
            "(i32.const -64))\n    (func (export \"wm_free\")",
        )]),
        "ends beyond its memory",
    );
}

#[test]
fn states_do_not_outgrow_the_limit() {
    let f = count(&[], &[("memory.max", "1 MB")]).unwrap();
    let mut aggregate = f.aggregate();
    aggregate.resize(1 << 20);
    let e = aggregate.update(&[0], &[ints(&[Some(1)])]).unwrap_err().to_string();
    says(&e, "the states of 1048576 groups cannot be made");
    says(&e, "'memory.max' is 1 MiB");
    // A fresh instance works as before.
    let mut aggregate = f.aggregate();
    aggregate.resize(1);
    aggregate.update(&[0], &[ints(&[Some(1)])]).unwrap();
}

#[test]
fn rows_that_fail_again_and_again_are_left_out() {
    // Traps where the batch's first value is odd.
    let odd = "(if (i32.and (i32.load (i32.load offset=24 (i32.load offset=8 (local.get $in)))) (i32.const 1)) (then (unreachable)))";
    let f = count(&[("(;acc;)", odd)], &[("on-error", "skip")]).unwrap();
    let mut aggregate = f.aggregate();
    aggregate.resize(3);
    aggregate.update(&[2, 2], &[ints(&[Some(0), Some(2)])]).unwrap();
    aggregate.update(&[0, 1, 0, 2, 0], &[ints(&[Some(1), Some(2), Some(4), Some(5), Some(7)])]).unwrap();
    let wanted: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 2]));
    assert_eq!(aggregate.finish(&[0, 1, 2]).unwrap().as_ref(), wanted.as_ref());
    assert_eq!(f.usage().rows_skipped, 3);
    let f = count(&[("(;acc;)", "(loop $l (br $l))")], &[("on-error", "skip"), ("timeout", "20 ms")]).unwrap();
    let mut aggregate = f.aggregate();
    aggregate.resize(1);
    let e = aggregate.update(&[0; 6], &[ints(&[Some(1); 6])]).unwrap_err().to_string();
    says(&e, "row 3 of a batch of 6 with a0 = 1: it ran longer");
}
