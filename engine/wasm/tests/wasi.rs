//! Modules built for WASI: what they import is put into them, and gives no authority.

mod support;

use support::*;
use wasmill_plan::TypeKind::*;

const IMPORTS: &str = r#"
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#;

fn module(code: &str) -> String {
    format!(
        "(module {IMPORTS} (memory (export \"memory\") 1) (global (export \"g\") (mut i32) (i32.const 41))
          (data (i32.const 256) \"panic: it\\0abroke\")
          (func $add (param i32) (result i32) (i32.add (local.get 0) (global.get 0)))
          (func (export \"_initialize\") (global.set 0 (i32.const 42)))
          (func (export \"f\") (param $x i32) (result i32) {code}))"
    )
}

fn result(code: &str) -> i32 {
    let f = create(&module(code), spec(&[Int], Int, &[])).unwrap();
    let result = f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap();
    use arrow::array::AsArray;
    result.as_primitive::<arrow::datatypes::Int32Type>().value(0)
}

#[test]
fn indices_stay_as_they_were() {
    assert_eq!(result("(call $add (local.get $x))"), 43);
}

#[test]
fn there_is_nothing_outside() {
    assert_eq!(
        result(
            "(call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0))"
        ),
        76
    );
    assert_eq!(
        result(
            "(drop (call $environ (i32.const 0) (i32.const 4))) (i32.or (i32.load (i32.const 0)) (i32.load (i32.const 4)))"
        ),
        0
    );
    // Writing to another descriptor than the two outputs is an error, writing to these is not.
    assert_eq!(result("(call $write (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8))"), 8);
    let pieces = "(i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 15))";
    assert_eq!(
        result(&format!(
            "{pieces} (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (i32.load (i32.const 8))"
        )),
        15
    );
}

#[test]
fn clock_and_random_numbers_are_the_same_for_all() {
    let clock = "(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 0))) (i32.wrap_i64 (i64.div_u (i64.sub (i64.load (i32.const 0)) (i64.const 946684800000000000)) (i64.const 1000)))";
    assert_eq!(result(clock), 1, "a microsecond after the start");
    // Sleeping for a second moves it.
    let sleep = "(i64.store (i32.const 64) (i64.const 7)) (i64.store (i32.const 88) (i64.const 1000000000)) (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)))";
    assert_eq!(result(&format!("{sleep} {clock}")), 1_000_001);
    assert_eq!(
        result(&format!("{sleep} (i32.wrap_i64 (i64.load (i32.const 128)))")),
        7,
        "the event of the subscription"
    );
    let random = "(drop (call $random (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))";
    assert_eq!(result(random), result(random));
    assert_ne!(result(random), 0);
}

#[test]
fn what_it_wrote_is_in_the_message() {
    let pieces = "(i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 15))";
    let code = format!(
        "{pieces} (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) (call $exit (i32.const 2)) (i32.const 0)"
    );
    let f = create(&module(&code), spec(&[Int], Int, &[])).unwrap();
    let e = f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap_err().to_string();
    assert!(e.contains("it wrote: panic: it broke"), "{e}");
    // More than the log holds does no harm.
    let code = format!(
        "(i32.store (i32.const 0) (i32.const 256)) (i32.store (i32.const 4) (i32.const 60000))
         (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
         {pieces} (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))) (unreachable)"
    );
    let f = create(&module(&code), spec(&[Int], Int, &[])).unwrap();
    let e = f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap_err().to_string();
    assert!(e.contains("it wrote: panic: it broke"), "{e}");
    // A text that is not there traps like any other access.
    let code = "(i32.store (i32.const 0) (i32.const 65530)) (i32.store (i32.const 4) (i32.const 100)) (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8))";
    let f = create(&module(code), spec(&[Int], Int, &[])).unwrap();
    let e = f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap_err().to_string();
    assert!(e.contains("out of bounds"), "{e}");
}

#[test]
fn programs_are_refused() {
    let program = module("(i32.const 0)").replace("\"_initialize\"", "\"_start\"");
    let e = full_text(&create(&program, spec(&[Int], Int, &[])).err().unwrap());
    assert!(e.contains("a program that runs once") && e.contains("-buildmode=c-shared"), "{e}");
    let own = module("(i32.const 0)").replace("\"g\"", "\"wasmill:log\"");
    let e = full_text(&create(&own, spec(&[Int], Int, &[])).err().unwrap());
    assert!(e.contains("'wasmill:log', which is the engine's own"), "{e}");
}
