//! Hostile modules of the kinds that take columns, and hostile modules as such: each is refused or stopped with the right words,
//! another function goes on, and memory comes back. Scalar functions have theirs in hostile.rs, process functions in process.rs.

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use support::*;
use wasmill_expr::{Context, UserAggregate, UserModel, UserTable};
use wasmill_plan::{
    DataType,
    TypeKind::{self, *},
};
use wasmill_wasm::{
    AggregateFunction, AggregateSpec, Error, FunctionOptions, Kind, ModelFunction, ModelSpec, Module, TableFunction,
    TableSpec,
};

const STRING: TypeKind = Varchar(i32::MAX as u32);
const LIMITS: &[(&str, &str)] = &[("timeout", "40 ms"), ("memory.max", "1MB")];

const LOOP: &str = "(loop $l (br $l))";
const TRAP: &str = "(unreachable)";
const DIG: &str = "(call $dig)";
const BOMB: &str = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)";
const FILL: &str = "(loop $l (memory.fill (i32.const 1048576) (i32.const 1) (i32.const 0))
    (memory.fill (i32.const 8192) (i32.const 1) (i32.const 57344)) (br $l))";
const CODE: &str = "(return (i32.const 9))";
/// A code whose text lies beyond the memory.
const CODE_BEYOND: &str = "(i32.store offset=12 (local.get $out) (i32.const -8)) (i32.store offset=16 (local.get $out) (i32.const 64)) (return (i32.const 9))";
/// A code whose text is no text.
const CODE_BYTES: &str =
    "(i32.store8 (i32.const 200) (i32.const 255)) (i32.store offset=12 (local.get $out) (i32.const 200))
     (i32.store offset=16 (local.get $out) (i32.const 1)) (return (i32.const 9))";

const RAN_LONGER: &str = "it ran longer than 'timeout' = '40 ms' allows a batch";
const GAVE_UP: &str = "the code gave up (wasm `unreachable`: a panic, a failed assertion or abort)";
const EXHAUSTED: &str = "call stack exhausted, in dig, called by dig";
const REFUSED_MEMORY: &str = "it was refused more memory: 1.1 MiB wanted, 'memory.max' is 1 MiB";

/// What all modules here have: the ABI, a number at 64, the offsets 0 and 8 at 96, and functions that give a constant column.
fn common() -> String {
    format!(
        r#"{ABI}
        (data (i32.const 64) "\07\00\00\00\00\00\00\00") (data (i32.const 96) "\00\00\00\00\08\00\00\00") (data (i32.const 112) "eightie!")
        (func $dig (call $dig) (call $dig))
        (func $constant (param $c i32) (param $data i32) (param $bytes i32)
          (i32.store offset=4 (local.get $c) (i32.const 1)) (i32.store offset=8 (local.get $c) (i32.const 1))
          (i32.store offset=20 (local.get $c) (i32.const 96))
          (i32.store offset=24 (local.get $c) (local.get $data)) (i32.store offset=28 (local.get $c) (local.get $bytes)))"#
    )
}

fn swapped(mut wat: String, swaps: &[(&str, &str)]) -> Vec<u8> {
    for (from, to) in swaps {
        assert!(wat.contains(from), "{from} is not in the module");
        wat = wat.replace(from, to);
    }
    wat::parse_str(&wat).expect("the test's own module")
}

fn module(wasm: Vec<u8>, options: &FunctionOptions) -> Result<Module, Error> {
    Module::from_bytes(Path::new("test.wasm"), wasm, options)
}

/// After whatever happened, functions of all kinds still answer.
fn engine_goes_on() {
    use_aggregate(&aggregate(&[], LIMITS).unwrap()).unwrap();
    assert_eq!(use_table(&table(&[], LIMITS).unwrap()).unwrap(), [0, 0]);
    use_model(&model(&[], LIMITS).unwrap()).unwrap();
}

/// Each case fails in time, with these words, and does no harm.
#[track_caller]
fn all_fail<'a>(cases: &[(&'a str, &'a str, &str)], run: impl Fn(&[(&str, &str)]) -> Option<String>) {
    for (marker, code, words) in cases {
        let started = Instant::now();
        let text = run(&[(*marker, *code)]).unwrap_or_else(|| panic!("{marker} {code} did no harm"));
        assert!(text.contains(words), "{marker} {code}: {words:?} is missing in: {text}");
        assert!(started.elapsed() < Duration::from_secs(5), "{marker} {code}");
        engine_goes_on();
    }
}

// Aggregate functions.

/// `f(INT) RETURNS BIGINT` with all optional exports; always 7.
fn aggregate(swaps: &[(&str, &str)], options: &[(&str, &str)]) -> Result<AggregateFunction, Error> {
    let wat = format!(
        r#"(module {common}
        (func (export "f__state_size") (result i32) (;size;) (i32.const 8))
        (func (export "f__init") (param $s i32) (param $g i32) (param $n i32) (;init;))
        (func (export "f__acc") (param $s i32) (param $g i32) (param $in i32) (param $out i32) (result i32) (;acc;) (i32.const 0))
        (func (export "f__retract") (param $s i32) (param $g i32) (param $in i32) (param $out i32) (result i32) (;retract;) (i32.const 0))
        (func (export "f__merge") (param $s i32) (param $into i32) (param $from i32) (param $n i32) (param $out i32) (result i32)
          (;merge;) (i32.const 0))
        (func (export "f__clear") (param $s i32) (param $g i32) (param $n i32) (;clear;))
        (func (export "f__finish") (param $s i32) (param $g i32) (param $n i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (call $constant (local.get $c) (i32.const 64) (i32.const 8)) (;finish;) (i32.const 0))
        (func (export "f__save") (param $s i32) (param $g i32) (param $n i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (call $constant (local.get $c) (i32.const 112) (i32.const 8)) (;save;) (i32.const 0))
        (func (export "f__load") (param $s i32) (param $g i32) (param $in i32) (param $out i32) (result i32) (;load;) (i32.const 0)))"#,
        common = common()
    );
    let spec = AggregateSpec {
        name: "f".into(),
        export: "f".into(),
        path: PathBuf::from("test.wasm"),
        args: fields(&[Int]),
        returns: DataType::nullable(BigInt),
        options: FunctionOptions::parse(Kind::Aggregate, options.iter().copied()).unwrap(),
    };
    AggregateFunction::from_module(spec.clone(), &module(swapped(wat, swaps), &spec.options)?)
}

/// Every export, in the order of the statements.
fn use_aggregate(f: &AggregateFunction) -> wasmill_plan::Result<ArrayRef> {
    let (mut a, mut b) = (f.aggregate(), f.aggregate());
    a.resize(2);
    a.update(&[0, 1], &[ints(&[Some(1), Some(2)])])?;
    a.retract(&[0], &[ints(&[Some(1)])])?;
    a.clear(&[0]);
    a.merge(&[0], &[1])?;
    a.resize(1000);
    let saved = a.save(&[0, 1])?;
    b.resize(2);
    b.load(&[0, 1], &saved)?;
    b.finish(&[0, 1])
}

#[test]
fn aggregate_functions() {
    let column = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let null = format!("(i32.store8 (i32.const 200) (i32.const 0)) {}", column(16, 200));
    let falling = "(i32.store (i32.const 96) (i32.const 8)) (i32.store (i32.const 100) (i32.const 0))";
    let cases = [
        ("(;init;)", LOOP, "the states of 2 groups cannot be made: it ran longer than 'timeout' = '40 ms'"),
        ("(;init;)", DIG, EXHAUSTED),
        ("(;init;)", BOMB, REFUSED_MEMORY),
        ("(;acc;)", DIG, "row 0 of a batch of 2 with a0 = 1: call stack exhausted, in dig"),
        ("(;acc;)", BOMB, REFUSED_MEMORY),
        ("(;acc;)", FILL, "row 0 of a batch of 2 with a0 = 1: out of bounds memory access"),
        ("(;acc;)", CODE_BEYOND, "it returned the error code 9"),
        ("(;acc;)", CODE_BYTES, "it says: \u{fffd}"),
        ("(;retract;)", LOOP, "row 0 of a batch of 1 with a0 = 1: it ran longer"),
        ("(;retract;)", TRAP, "row 0 of a batch of 1 with a0 = 1: the code gave up"),
        ("(;merge;)", LOOP, "merging groups: it ran longer"),
        ("(;merge;)", CODE, "merging groups: it returned the error code 9"),
        ("(;clear;)", LOOP, "a state could not be emptied: it ran longer"),
        ("(;clear;)", TRAP, "a state could not be emptied: the code gave up"),
        ("(;save;)", LOOP, "saving states: it ran longer"),
        ("(;save;)", CODE, "saving states: it returned the error code 9"),
        ("(;save;)", &null, "saving states: it saved NULL as a state"),
        ("(;save;)", falling, "saving states: the offsets of its texts fall from 8 to 0, at row 0"),
        ("(;save;)", "(i32.store (i32.const 96) (i32.const -1))", "the first offset of its texts is -1"),
        ("(;save;)", "(i32.store (i32.const 100) (i32.const 4000))", "is 4000, there are 8 bytes"),
        ("(;save;)", &column(28, -1), "of 4294967295 bytes, beyond the end of its memory"),
        ("(;save;)", &column(20, -4), "the offsets of its texts at 4294967292 of 8 bytes, beyond the end"),
        ("(;load;)", LOOP, "loading saved states: it ran longer"),
        ("(;load;)", TRAP, "loading saved states: the code gave up"),
        ("(;finish;)", DIG, "the result of a group: call stack exhausted, in dig"),
        ("(;finish;)", &column(12, 5), "its result claims 5 NULLs, the bitmap has 0"),
        ("(;finish;)", &column(4, 3), "its result has the unknown flags 0x3"),
        ("(;finish;)", &column(8, 2), "its result has 2 values, 1 were asked for"),
        ("(;finish;)", &column(40, 7), "it changed the type of its result to code 5"),
        ("(;finish;)", &column(16, -1), "the validity bitmap at 4294967295 of 1 bytes, beyond the end"),
        ("(;finish;)", &column(24, 68), "the values at 68, which is not aligned to 8 bytes"),
        (
            "(;finish;)",
            "(i32.store (local.get $out) (i32.const 66))",
            "its result structure at 66, which is not aligned",
        ),
        ("(;size;)", "(return (i32.const -8))", "f__state_size gave 4294967288; a state has a multiple of 8 bytes"),
        ("(;size;)", LOOP, RAN_LONGER),
        (
            "(param i32 i32 i32))",
            "(param i32 i32 i32) (unreachable))",
            "the states of 1000 groups cannot be made: the code gave up",
        ),
        (
            "(local.get $at))\n    (func",
            "(i32.const 8))\n    (func",
            "gave 8, which is not aligned or ends beyond its memory",
        ),
        ("(local.get $at))\n    (func", "(loop $l (br $l)) (i32.const 64))\n    (func", "it ran longer"),
    ];
    all_fail(&cases, |swaps| match aggregate(swaps, LIMITS) {
        Ok(f) => use_aggregate(&f).err().map(|e| e.to_string()),
        Err(e) => Some(full_text(&e)),
    });
}

#[test]
fn an_allocator_that_gives_the_same_block_again_harms_its_own_module_only() {
    let same = [("(local.get $at))\n    (func", "(i32.const 65536))\n    (func")];
    let mut harmed = 0;
    harmed += u32::from(use_aggregate(&aggregate(&same, LIMITS).unwrap()).is_err());
    harmed += u32::from(use_table(&table(&same, LIMITS).unwrap()).is_err());
    harmed += u32::from(use_model(&model(&same, LIMITS).unwrap()).is_err());
    assert!(harmed <= 3);
    engine_goes_on();
}

// Table functions.

/// `f(INT) RETURNS TABLE (STRING)`: "eightie!" for the first row, twice.
fn table(swaps: &[(&str, &str)], options: &[(&str, &str)]) -> Result<TableFunction, Error> {
    let wat = format!(
        r#"(module {common}
        (func (export "f__cols") (param $in i32) (param $out i32) (result i32) (local $p i32) (local $c i32)
          (local.set $p (i32.load (local.get $out)))
          (local.set $c (i32.add (local.get $p) (i32.const 64)))
          (i32.store offset=8 (local.get $out) (i32.const 2))
          (call $constant (local.get $p) (i32.const 96) (i32.const 4))
          (call $constant (local.get $c) (i32.const 112) (i32.const 8)) (;cols;) (i32.const 0)))"#,
        common = common()
    );
    let spec = TableSpec {
        name: "f".into(),
        export: "f".into(),
        path: PathBuf::from("test.wasm"),
        args: fields(&[Int]),
        returns: fields(&[STRING]),
        options: FunctionOptions::parse(Kind::Table, options.iter().copied()).unwrap(),
    };
    TableFunction::from_module(spec.clone(), &module(swapped(wat, swaps), &spec.options)?)
}

fn use_table(f: &TableFunction) -> wasmill_plan::Result<Vec<u32>> {
    let (parents, columns) = f.table().call(&[ints(&[Some(4), Some(5)])], 2, &Context::default())?;
    assert_eq!(columns[0].as_ref(), texts(&vec![Some("eightie!"); parents.len()]).as_ref());
    Ok(parents)
}

#[test]
fn table_functions() {
    let column = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let rows = |n: u32| format!("(i32.store offset=8 (local.get $out) (i32.const {n}))");
    let long = format!("{} (i32.store (i32.const 100) (i32.const 100000)) {}", rows(4_194_304), column(28, 100_000));
    let cases = [
        ("(;cols;)", LOOP, RAN_LONGER),
        ("(;cols;)", DIG, EXHAUSTED),
        ("(;cols;)", BOMB, REFUSED_MEMORY),
        ("(;cols;)", FILL, "out of bounds memory access"),
        ("(;cols;)", CODE_BEYOND, "it returned the error code 9"),
        ("(;cols;)", CODE_BYTES, "it says: \u{fffd}"),
        ("(;cols;)", &rows(4_194_305), "it gave 4194305 rows in one call, 4194304 are allowed"),
        ("(;cols;)", &long, "more than 'memory.max' = 1 MiB"),
        ("(;cols;)", "(i32.store8 (i32.const 113) (i32.const 255))", "it gave a text that is not valid UTF-8"),
        ("(;cols;)", "(i32.store (i32.const 96) (i32.const 7))", "its parent-row index names row 7 of 1"),
        (
            "(;cols;)",
            "(i32.store (i32.const 100) (i32.const 9))",
            "the last offset of its texts is 9, there are 8 bytes",
        ),
        ("(;cols;)", &column(8, 2), "its result has 2 values, 1 were asked for"),
        ("(;cols;)", &column(4, 0), "its result has 1 values, 2 were asked for"),
        ("(;cols;)", &column(0, 10), "it changed the type of its result to code 10"),
        (
            "(;cols;)",
            "(i32.store (local.get $out) (i32.const -64))",
            "at 4294967232 of 64 bytes, beyond the end of its memory",
        ),
        ("(;cols;)", "(i32.store offset=4 (local.get $out) (i32.const -1))", "it gave 4294967295 columns for 2"),
        ("(param i32 i32 i32))", "(param i32 i32 i32)) (start $begin) (func $begin (loop $l (br $l)))", RAN_LONGER),
        ("(param i32 i32 i32))", "(param i32 i32 i32)) (start $begin) (func $begin (unreachable))", "gave up"),
    ];
    all_fail(&cases, |swaps| match table(swaps, LIMITS) {
        Ok(f) => use_table(&f).err().map(|e| {
            let text = e.to_string();
            says(&text, "row 0 of a batch of 2 with a0 = 4: ");
            text
        }),
        Err(e) => Some(full_text(&e)),
    });
}

/// A batch fails, its rows do not.
#[test]
fn rows_one_by_one_give_no_more_than_a_batch() {
    let alone = "(if (i32.gt_u (i32.load (local.get $in)) (i32.const 1)) (then (unreachable)))";
    let f = table(&[("(;cols;)", alone)], &[("on-error", "skip"), ("memory.max", "128 KB")]).unwrap();
    // A row gives two values of eight bytes with their offsets.
    let call = |rows: usize| f.table().call(&[ints(&vec![Some(5); rows])], rows, &Context::default());
    assert_eq!(call(1_000).unwrap().0.len(), 2_000);
    let text = call(10_000).unwrap_err().to_string();
    says(&text, "one by one its rows give more than 'memory.max' = 128 KiB allows a batch");
    engine_goes_on();
}

// Models.

/// `m(INT) -> BIGINT` that learns; always 7, and so is its snapshot.
fn model(swaps: &[(&str, &str)], options: &[(&str, &str)]) -> Result<ModelFunction, Error> {
    let wat = format!(
        r#"(module {common}
        (func (export "m__load") (param $at i32) (param $bytes i32) (param $out i32) (result i32) (;load;) (i32.const 0))
        (func (export "m__predict__cols") (param $in i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (call $constant (local.get $c) (i32.const 64) (i32.const 8)) (;predict;) (i32.const 0))
        (func (export "m__learn") (param $in i32) (param $out i32) (result i32) (;learn;) (i32.const 0))
        (;together;)
        (func (export "m__snapshot") (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (call $constant (local.get $c) (i32.const 112) (i32.const 8)) (;snapshot;) (i32.const 0))
        (func (export "m__restore") (param $at i32) (param $bytes i32) (param $out i32) (result i32) (;restore;) (i32.const 0)))"#,
        common = common()
    );
    let artifact = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(artifact.path(), b"weights").unwrap();
    let mut spec = ModelSpec {
        name: "m".into(),
        export: "m".into(),
        path: PathBuf::from("test.wasm"),
        input: fields(&[Int]),
        output: fields(&[BigInt]),
        labels: None,
        options: FunctionOptions::parse(Kind::Model, options.iter().copied()).unwrap(),
    };
    spec.options.artifact = Some(artifact.path().to_owned());
    ModelFunction::from_module(spec.clone(), &module(swapped(wat, swaps), &spec.options)?)
}

/// Predicts, learns, is saved, and goes on in another instance.
fn use_model(f: &ModelFunction) -> wasmill_plan::Result<()> {
    let (rows, labels) = ([ints(&[Some(4), Some(5)])], [longs(&[Some(1), None])]);
    let (mut a, mut b) = (f.model(), f.model());
    a.predict(&rows, 2)?;
    assert_eq!(a.predict_then_learn(&rows, &labels, 2)?[0].as_ref(), longs(&[Some(7), Some(7)]).as_ref());
    b.load(&a.save()?)?;
    b.predict(&rows, 2)?;
    Ok(())
}

fn longs(values: &[Option<i64>]) -> ArrayRef {
    std::sync::Arc::new(arrow::array::Int64Array::from(values.to_vec()))
}

#[test]
fn models() {
    // CREATE predicts a batch of no rows: what is tried here waits for rows.
    let later = |code: &str| format!("(if (i32.load (local.get $in)) (then {code}))");
    let column = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let (dig, bomb, fill, beyond) = (later(DIG), later(BOMB), later(FILL), later(CODE_BEYOND));
    let together = |code: &str| {
        format!(
            r#"(func (export "m__predict_learn__cols") (param $in i32) (param $out i32) (result i32) (local $c i32)
            (local.set $c (i32.load (local.get $out))) {code} (i32.const 0))"#
        )
    };
    let (together_loops, together_gives_nothing) = (together(LOOP), together(&column(24, 0)));
    let null = format!("(i32.store8 (i32.const 200) (i32.const 0)) {}", column(16, 200));
    let null = null.as_str();
    let cases = [
        ("(;load;)", LOOP, "it ran longer than"),
        ("(;load;)", TRAP, "model 'm' cannot be made of the artifact"),
        ("(;load;)", DIG, EXHAUSTED),
        ("(;load;)", BOMB, REFUSED_MEMORY),
        ("(;load;)", CODE_BYTES, "it says: \u{fffd}"),
        ("(;predict;)", LOOP, "model 'm' cannot predict a batch of no rows | it ran longer"),
        ("(;predict;)", &dig, "row 0 of a batch of 2 with a0 = 4: call stack exhausted, in dig"),
        ("(;predict;)", &bomb, REFUSED_MEMORY),
        ("(;predict;)", &fill, "row 0 of a batch of 2 with a0 = 4: out of bounds memory access"),
        ("(;predict;)", &beyond, "row 0 of a batch of 2 with a0 = 4: it returned the error code 9"),
        ("(;learn;)", LOOP, "predicting and learning a batch of 2 rows: it ran longer"),
        ("(;learn;)", DIG, "predicting and learning a batch of 2 rows: call stack exhausted, in dig"),
        ("(;learn;)", BOMB, REFUSED_MEMORY),
        ("(;learn;)", CODE_BEYOND, "it returned the error code 9"),
        ("(;learn;)", FILL, "predicting and learning a batch of 2 rows: out of bounds memory access"),
        ("(;together;)", &together_loops, "predicting and learning a batch of 2 rows: it ran longer"),
        ("(;together;)", &together_gives_nothing, "its result has 0 bytes of values, 16 are needed for 2 rows"),
        ("(;snapshot;)", LOOP, "giving its snapshot: it ran longer"),
        ("(;snapshot;)", DIG, "giving its snapshot: call stack exhausted"),
        ("(;snapshot;)", CODE, "giving its snapshot: it returned the error code 9"),
        ("(;snapshot;)", null, "it gave NULL as its snapshot"),
        ("(;snapshot;)", "(i32.store (i32.const 100) (i32.const 2147483647))", "is 2147483647, there are 8 bytes"),
        ("(;snapshot;)", "(i32.store (i32.const 100) (i32.const -8))", "fall from 0 to -8, at row 0"),
        (
            "(;snapshot;)",
            "(i32.store offset=8 (local.get $out) (i32.const 2))",
            "it gave 1 columns of 2 rows for 1 column of 1 rows",
        ),
        ("(;restore;)", LOOP, "restoring its snapshot: it ran longer"),
        ("(;restore;)", TRAP, "restoring its snapshot: the code gave up"),
        ("(;restore;)", CODE, "restoring its snapshot: it returned the error code 9"),
        ("(param i32 i32 i32))", "(param i32 i32 i32) (unreachable))", "model 'm' cannot be made of the artifact"),
    ];
    all_fail(&cases, |swaps| match model(swaps, LIMITS) {
        Ok(f) => use_model(&f).err().map(|e| e.to_string()),
        Err(e) => Some(full_text(&e)),
    });
}

// Modules as such.

#[test]
fn modules() {
    let section = |json: &str| format!("(@custom \"wasmill.udf\" \"{}\")", json.replace('"', "\\22"));
    let described = |of: &str| format!("(func (export \"wm_describe\") (result i64) {of})");
    let memories = "(memory 1)".repeat(10);
    let tables = "(table 1 funcref)".repeat(9);
    let deep = format!("(func (export \"wm_describe\") (result i64) {} (i64.const 0))", DIG);
    let cases = [
        (
            "(start $begin) (func $begin (loop $l (br $l)))".to_owned(),
            "the module 'test.wasm' does not start | it ran longer",
        ),
        ("(start $begin) (func $begin (call $dig))".to_owned(), "does not start | call stack exhausted, in dig"),
        ("(func (export \"_initialize\") (loop $l (br $l)))".to_owned(), "does not start | it ran longer"),
        ("(func (export \"_initialize\") (unreachable))".to_owned(), "does not start | the code gave up"),
        (format!("(start $begin) (func $begin {BOMB})"), REFUSED_MEMORY),
        ("(table 1048577 funcref)".to_owned(), "its tables have 1048577 elements"),
        ("(table 600000 funcref) (table 600000 funcref)".to_owned(), "its tables have 1200000 elements"),
        (
            "(table 2 funcref) (elem (i32.const 1) $dig $dig)".to_owned(),
            "does not start | undefined element: out of bounds table access",
        ),
        ("(data (i32.const 131070) \"abc\")".to_owned(), "does not start | out of bounds memory access"),
        ("(memory 16)".to_owned(), "starts with 1.1 MiB of memory, above 'memory.max'"),
        (memories, "does not start | resource limit exceeded: memory count too high at 11"),
        (tables, "does not start | resource limit exceeded: table count too high at 9"),
        ("(import \"env\" \"steal\" (func))".to_owned(), "imports 'env.steal'"),
        (section("{\"name\": \"f\", \"kind\": \"scalar\"}"), "'f' is a scalar function, not a table function"),
        (
            section("{\"name\": \"f\", \"kind\": \"table\", \"arguments\": [\"INT\", \"INT\"]}"),
            "'f' takes (INT, INT), 1 are declared",
        ),
        (
            section("{\"name\": \"f\", \"kind\": \"table\", \"arguments\": [\"BIGINT\"]}"),
            "argument 'a0' is declared as INT",
        ),
        (
            section("{\"name\": \"f\", \"kind\": \"table\", \"returns\": [\"INT\"]}"),
            "gives (INT), declared is (STRING)",
        ),
        (section("{\"name\": \"f\"} {\"name\": \"f\"}"), "object 2 describes 'f' again"),
        (section(&"[".repeat(100_000)), "its own description (custom section 'wasmill.udf') is wrong"),
        (section(&format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20))), "it has 1048588 bytes, more than 1048576"),
        ("(@custom \"wasmill.udf\" \"\\ff\\fe\")".to_owned(), "it is not UTF-8 text"),
        (
            described("(loop $l (br $l)) (i64.const 0)"),
            "its own description (export 'wm_describe') is wrong: it ran longer",
        ),
        (described("(unreachable)"), "its own description (export 'wm_describe') is wrong: the code gave up"),
        (described("(i64.const 0x10fffffff0)"), "gave a text beyond the end of its memory"),
        (described("(i64.const 0x7fffffff00000000)"), "gave 2147483647 bytes, more than 1048576"),
        (described("(i64.const 0x0000000800000070)"), "it is not one JSON object a line"),
        (deep, EXHAUSTED),
        (
            "(func (export \"wm_describe\") (result i32) (i32.const 0))".to_owned(),
            "is () -> i32, it should be () -> i64",
        ),
        ("(func (export \"wasmill:loop\"))".to_owned(), "names that begin with 'wasmill:' are the engine's own"),
    ];
    // Imports come first in a module.
    for (added, words) in &cases {
        let started = Instant::now();
        let swap = match added.starts_with("(import") {
            true => ("(memory (export \"memory\") 2 256)", format!("{added} (memory (export \"memory\") 2 256)")),
            false => ("(param i32 i32 i32))", format!("(param i32 i32 i32)) {added}")),
        };
        let shown: String = added.chars().take(100).collect();
        let e = table(&[(swap.0, &swap.1)], LIMITS).err().unwrap_or_else(|| panic!("{shown} did no harm"));
        let text: String = full_text(&e).chars().take(500).collect();
        assert!(text.contains(words), "{shown}: {words:?} is missing in: {text}");
        assert!(started.elapsed() < Duration::from_secs(5), "{shown}");
        engine_goes_on();
    }
    let refused = |from: &str, to: &str| full_text(&table(&[(from, to)], LIMITS).err().unwrap());
    let abi = "(func (export \"wm_abi\") (result i32) (i32.const 1))";
    for (from, to, words) in [
        (
            abi,
            "(func (export \"wm_abi\") (result i32) (i32.const 2))",
            "it was built for version 2 of the ABI, this is 1",
        ),
        (abi, "(func (export \"wm_abi\") (result i32) (loop $l (br $l)) (i32.const 1))", RAN_LONGER),
        (abi, "(func (export \"wm_abi\") (result i32) (unreachable))", GAVE_UP),
        (abi, "(func (export \"wm_abi\") (result i64) (i64.const 1))", "its export 'wm_abi' is not () -> i32"),
        (abi, "(global (export \"wm_abi\") i32 (i32.const 1))", "does not export 'wm_abi'"),
        ("(export \"memory\")", "(export \"memory0\")", "does not export its memory as 'memory'"),
    ] {
        says(&refused(from, to), words);
        engine_goes_on();
    }
}

#[test]
fn memory_comes_back_from_every_kind() {
    // Each instance takes 16 MiB before it fails: kept, those of each kind would take 640.
    let take = "(drop (memory.grow (i32.const 250))) (memory.fill (i32.const 131072) (i32.const 1) (i32.const 16384000)) (unreachable)";
    let roomy = [("timeout", "30 s")];
    let skip = [("timeout", "30 s"), ("on-error", "skip")];
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    };
    let before = resident();
    let rows = [ints(&[Some(1); 40])];
    let f = table(&[("(;cols;)", take)], &skip).unwrap();
    assert!(f.table().call(&rows, 40, &Context::default()).unwrap().0.is_empty());
    assert_eq!(f.usage().rows_skipped, 40);
    let f = aggregate(&[("(;finish;)", take)], &roomy).unwrap();
    let m = model(&[("(;learn;)", take)], &roomy).unwrap();
    for _ in 0..40 {
        use_aggregate(&f).unwrap_err();
        use_model(&m).unwrap_err();
    }
    assert!(resident() < before + (320 << 20), "{} MiB more", (resident() - before) >> 20);
}
