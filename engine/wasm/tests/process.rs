//! Process functions: what a call takes and gives, rows that fail, and guests that break the contract.

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use support::*;
use wasmill_expr::{KeyedRows, ProcessResult, TimerChange, TimerClock, UserProcess};
use wasmill_plan::{DataType, StateField, TypeKind};
use wasmill_wasm::{Error, FunctionOptions, Kind, Module, ProcessFunction, ProcessSpec};

/// `f(INT)`, RETURNS (INT), STATE (n BIGINT): gives each row back, puts 42 into the state of key 0, and for row 0 sets the timer "t"
/// at 5. `before` runs first, `after` when the results stand; `$rows`, `$state` and `$timers` are the addresses of their first columns.
fn guest(before: &str, after: &str, options: &[(&str, &str)]) -> Result<ProcessFunction, Error> {
    let wat = format!(
        r#"(module {ABI}
        (data (i32.const 1024) "t")
        (func $column (param $c i32) (param $length i32) (param $data i32) (param $bytes i32)
          (i32.store offset=8 (local.get $c) (local.get $length))
          (i32.store offset=24 (local.get $c) (local.get $data))
          (i32.store offset=28 (local.get $c) (local.get $bytes)))
        (func (export "f__process") (param $in i32) (param $keys i32) (param $out i32) (result i32)
          (local $n i32) (local $i i32) (local $rows i32) (local $state i32) (local $timers i32) (local $p i32) (local $x i32)
          (local.set $n (i32.load (local.get $in)))
          (local.set $x (i32.load offset=152 (i32.load offset=8 (local.get $in))))
          (local.set $rows (i32.load (local.get $out)))
          (local.set $state (i32.load offset=32 (local.get $out)))
          (local.set $timers (i32.load offset=64 (local.get $out)))
          {before}
          (i32.store offset=8 (local.get $out) (local.get $n))
          (local.set $p (call $alloc (i32.mul (local.get $n) (i32.const 4)) (i32.const 8)))
          (call $column (local.get $rows) (local.get $n) (local.get $p) (i32.mul (local.get $n) (i32.const 4)))
          (block $done (loop $next (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (i32.store (i32.add (local.get $p) (i32.mul (local.get $i) (i32.const 4))) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next)))
          (call $column (i32.add (local.get $rows) (i32.const 64)) (local.get $n) (local.get $x) (i32.mul (local.get $n) (i32.const 4)))
          (i32.store offset=40 (local.get $out) (i32.const 1))
          (local.set $p (call $alloc (i32.const 64) (i32.const 8)))
          (i32.store (local.get $p) (i32.const 0))
          (i64.store offset=8 (local.get $p) (i64.const 1))
          (i64.store offset=16 (local.get $p) (i64.const 42))
          (i32.store offset=24 (local.get $p) (i32.const 0)) (i32.store offset=28 (local.get $p) (i32.const 1))
          (i64.store offset=32 (local.get $p) (i64.const 5))
          (call $column (local.get $state) (i32.const 1) (local.get $p) (i32.const 4))
          (call $column (i32.add (local.get $state) (i32.const 64)) (i32.const 1) (i32.add (local.get $p) (i32.const 8)) (i32.const 8))
          (call $column (i32.add (local.get $state) (i32.const 128)) (i32.const 1) (i32.add (local.get $p) (i32.const 16)) (i32.const 8))
          (i32.store offset=72 (local.get $out) (i32.const 1))
          (call $column (local.get $timers) (i32.const 1) (local.get $p) (i32.const 4))
          (call $column (i32.add (local.get $timers) (i32.const 64)) (i32.const 1) (i32.const 1024) (i32.const 1))
          (i32.store offset=84 (local.get $timers) (i32.add (local.get $p) (i32.const 24)))
          (call $column (i32.add (local.get $timers) (i32.const 128)) (i32.const 1) (i32.add (local.get $p) (i32.const 32)) (i32.const 8))
          (call $column (i32.add (local.get $timers) (i32.const 192)) (i32.const 1) (local.get $p) (i32.const 4))
          {after}
          (i32.const 0)))"#
    );
    create(&wat, options)
}

fn create(wat: &str, options: &[(&str, &str)]) -> Result<ProcessFunction, Error> {
    let options = FunctionOptions::parse(Kind::Process, options.iter().copied()).unwrap();
    let path = PathBuf::from("test.wasm");
    let module = Module::from_bytes(&path, wat::parse_str(wat).unwrap(), &options)?;
    let data_type = DataType::nullable(TypeKind::BigInt);
    let spec = ProcessSpec {
        name: "f".into(),
        export: "f".into(),
        path,
        args: fields(&[TypeKind::Int]),
        returns: fields(&[TypeKind::Int]),
        state: vec![StateField { name: "n".into(), data_type, ttl_ms: None }],
        options,
    };
    ProcessFunction::from_module(spec, &module)
}

/// Calls with rows of the keys 0, 1, 0, whose values are 7, 8 and 9.
fn call(f: &ProcessFunction) -> wasmill_plan::Result<ProcessResult> {
    let state: Vec<ArrayRef> = vec![std::sync::Arc::new(Int64Array::from(vec![Some(1), None]))];
    let times = Int64Array::from(vec![10, 20, 30]);
    let rows = KeyedRows { key: &[0, 1, 0], keys: 2, times: &times, state: &state };
    f.process().process(&rows, &[ints(&[Some(7), Some(8), Some(9)])])
}

#[test]
fn rows_state_and_timers_come_back() {
    let result = call(&guest("", "", &[]).unwrap()).unwrap();
    assert_eq!(result.parents, [0, 1, 2]);
    assert_eq!(result.columns[0].as_primitive::<Int32Type>().values(), &[7, 8, 9]);
    assert_eq!((result.changed, result.fields), (vec![0], vec![1]));
    assert_eq!(result.state[0].as_primitive::<Int64Type>().value(0), 42);
    let timer = TimerChange { row: 0, name: Some("t".into()), time: Some(5), clock: TimerClock::EventTime };
    assert_eq!(result.timers, [timer]);
}

#[test]
fn a_row_that_fails_gives_and_changes_nothing() {
    // Traps at the value 8, which is key 1's; alone every row is of key row 0.
    let trap = "(if (i32.eq (i32.load (local.get $x)) (i32.const 8)) (then unreachable))
                (if (i32.gt_u (local.get $n) (i32.const 1)) (then unreachable))";
    let failed = call(&guest(trap, "", &[]).unwrap()).unwrap_err().to_string();
    says(&failed, "row 1 of a batch of 3 with key = 1, time = 1970-01-01T00:00:00.020Z, a0 = 8");
    let result = call(&guest(trap, "", &[("on-error", "skip")]).unwrap()).unwrap();
    assert_eq!(result.parents, [0, 2]);
    assert_eq!(result.columns[0].as_primitive::<Int32Type>().values(), &[7, 9]);
    assert_eq!((result.changed, result.fields), (vec![0], vec![1]), "key 1 keeps its state");
    assert_eq!(result.timers.iter().map(|t| t.row).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn a_timer_needs_its_export() {
    let f = guest("", "", &[]).unwrap();
    let state: Vec<ArrayRef> = vec![std::sync::Arc::new(Int64Array::from(vec![1]))];
    let times = Int64Array::from(vec![10]);
    let timers = KeyedRows { key: &[0], keys: 1, times: &times, state: &state };
    let failed = f.process().timer(&timers, &StringArray::from(vec![Some("t")])).unwrap_err().to_string();
    says(&failed, "a timer fires, and it does not export 'f__timer'");
    says(&failed, "name = 't'");
}

#[test]
fn guests_that_break_the_contract_are_stopped() {
    // What the whole call breaks each row breaks alone, which is what the error tells of.
    let first = "(i32.load offset=24 (local.get $rows))";
    for (before, after, says_this) in [
        ("", format!("(i32.store {first} (i32.const 3))"), "its parent-row index names row 3 of 1"),
        ("", format!("(i32.store {first} (i32.const -1))"), "its parent-row index names row -1 of 1"),
        ("", "(i32.store offset=8 (local.get $out) (i32.const 2))".into(), "its result has 1 values, 2 were asked for"),
        ("", "(i32.store offset=8 (local.get $out) (i32.const 5000000))".into(), "it gave 5000000 rows in one call"),
        ("", "(i32.store offset=4 (local.get $out) (i32.const 1))".into(), "it gave 1 columns for 2"),
        ("", "(i32.store (local.get $out) (i32.const -64))".into(), "memory"),
        ("", "(i32.store offset=24 (local.get $rows) (i32.const 2147483640))".into(), "memory"),
        ("", "(i32.store offset=40 (local.get $out) (i32.const 3))".into(), "it gave 3 rows in one call, 1 are allowed"),
        ("", "(i32.store (local.get $p) (i32.const 2))".into(), "its key-row index of the state names row 2 of 1"),
        ("", "(i64.store offset=8 (local.get $p) (i64.const 2))".into(), "it writes the fields 0b10 of a state that has 1"),
        ("", "(i32.store offset=72 (local.get $out) (i32.const 2))".into(), "its result has 1 values, 2 were asked for"),
        (
            "",
            "(i32.store (i32.load offset=24 (i32.add (local.get $timers) (i32.const 192))) (i32.const 0))
             (i32.store offset=24 (i32.add (local.get $timers) (i32.const 192)) (i32.add (local.get $p) (i32.const 16)))"
                .into(),
            "it gave a timer the clock 42; there are 0 and 1",
        ),
        ("", "(i32.store offset=28 (local.get $p) (i32.const -5))".into(), "offset"),
        ("", "(i32.store8 (i32.const 1024) (i32.const 255))".into(), "UTF-8"),
        ("", "(return (i32.const 9))".into(), "it returned the error code 9"),
        ("(unreachable)", String::new(), "the code gave up"),
        ("(loop $l (br $l))", String::new(), "longer than 'timeout' = '40 ms'"),
        ("(loop $l (drop (memory.grow (i32.const 100))) (br $l))", String::new(), "'timeout'"),
    ] {
        let started = Instant::now();
        let f = guest(before, &after, &[("timeout", "40 ms"), ("memory.max", "1MB")]).unwrap();
        let failed = call(&f).unwrap_err().to_string();
        says(&failed, says_this);
        says(&failed, "row 0 of a batch of 3");
        assert!(started.elapsed() < Duration::from_secs(5), "{before}{after}");
        // The engine goes on.
        assert_eq!(call(&guest("", "", &[]).unwrap()).unwrap().parents.len(), 3);
    }
}

#[test]
fn what_does_not_fit_is_refused_at_create() {
    let of = |export: &str| create(&format!("(module {ABI} {export})"), &[]).map(|_| ()).unwrap_err();
    let error = of("(func (export \"f\") (param i32) (result i32) (i32.const 0))");
    says(&full_text(&error), "does not export a function 'f__process'");
    let error = of("(func (export \"f__process\") (param i32 i32) (result i32) (i32.const 0))");
    says(&full_text(&error), "it should be (i32, i32, i32) -> i32");
    let error = of("(func (export \"f__process\") (param i32 i32 i32) (result i32) (i32.const 0))
                    (func (export \"f__timer\") (param i32) (result i32) (i32.const 0))");
    says(&full_text(&error), "export 'f__timer'");
    let error = create("(module (func (export \"f__process\") (param i32 i32 i32) (result i32) (i32.const 0)))", &[]);
    says(&full_text(&error.map(|_| ()).unwrap_err()), "does not export 'wm_abi'");
}
