//! Modules that do what they should not: each is refused or stopped with the right words, and the engine goes on.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::*;
use support::*;
use wasmill_plan::TypeKind;
use wasmill_wasm::{Function, FunctionOptions, Module};

fn int_to_int(body: &str) -> String {
    format!("(module (memory 1) (table 1 funcref) {body})")
}

fn create_int(wat: &str, options: &[(&str, &str)]) -> Result<Function, wasmill_wasm::Error> {
    create(wat, spec(&[TypeKind::Int], TypeKind::Int, options))
}

/// Evaluates over 1, 2, … 10 and gives the error's text.
fn fails(f: &Function) -> String {
    let values: Vec<Option<i32>> = (1..=10).map(Some).collect();
    let e = f.scalar().evaluate(&[ints(&values)], 10).unwrap_err();
    assert!(matches!(e, wasmill_plan::Error::Function { .. }));
    e.to_string()
}

/// After whatever happened, another function still answers.
fn engine_goes_on() {
    let f = create_int(
        "(module (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))",
        &[],
    )
    .unwrap();
    assert_eq!(f.scalar().evaluate(&[ints(&[Some(1)])], 1).unwrap().as_ref(), ints(&[Some(2)]).as_ref());
}

macro_rules! assert_says {
    ($text:expr, $($part:expr),+) => {{
        let text = $text.to_string();
        $(assert!(text.contains($part), "{:?} is missing in: {text}", $part);)+
    }};
}

#[test]
fn infinite_loop() {
    let f = create_int(
        &int_to_int(
            "(func $spin (export \"f\") (param i32) (result i32)
            (if (i32.eq (local.get 0) (i32.const 4)) (then (loop $l (br $l)))) (local.get 0))",
        ),
        &[("timeout", "50 ms")],
    )
    .unwrap();
    let start = Instant::now();
    assert_says!(
        fails(&f),
        "row 3 of a batch of 10 with a0 = 4",
        "longer than 'timeout' = '50 ms'",
        "module 'test.wasm', export 'f'"
    );
    assert!(start.elapsed() < Duration::from_secs(5));
    engine_goes_on();
}

#[test]
fn infinite_loop_becomes_null_for_its_row_only() {
    let wat = int_to_int(
        "(func (export \"f\") (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 2)) (then (loop $l (br $l)))) (local.get 0))",
    );
    let f = create_int(&wat, &[("timeout", "30 ms"), ("on-error", "null")]).unwrap();
    let result = f.scalar().evaluate(&[ints(&[Some(1), Some(2), Some(3)])], 3).unwrap();
    assert_eq!(result.as_ref(), ints(&[Some(1), None, Some(3)]).as_ref());
    // A function that always hangs must not cost the limit for each of many rows.
    let values = vec![Some(2); 5000];
    let start = Instant::now();
    assert_says!(f.scalar().evaluate(&[ints(&values)], 5000).unwrap_err(), "'timeout'");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn bulk_memory_loop() {
    let f = create_int(
        "(module (memory 512) (func (export \"f\") (param i32) (result i32)
            (loop $l (memory.fill (i32.const 0) (local.get 0) (i32.const 33554432)) (br $l)) (unreachable)))",
        &[("timeout", "50 ms")],
    )
    .unwrap();
    assert_says!(fails(&f), "'timeout'");
    engine_goes_on();
}

#[test]
fn memory_bomb() {
    let f = create_int(
        &int_to_int(
            "(func $hoard (export \"f\") (param i32) (result i32)
            (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable))",
        ),
        &[("memory.max", "8MB")],
    )
    .unwrap();
    assert_says!(fails(&f), "row 0", "refused more memory", "'memory.max' is 8 MiB", "hoard");
    assert!(f.usage().memory_bytes_max <= 8 << 20);
    engine_goes_on();
}

#[test]
fn memory_is_given_back_after_a_failure() {
    // Each instance takes 16 MiB; were they kept, 60 of them would take 960.
    let wat = "(module (memory 1) (func (export \"f\") (param i32) (result i32)
        (drop (memory.grow (i32.const 256))) (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (unreachable)))";
    let f = create_int(wat, &[("on-error", "null"), ("timeout", "30 s")]).unwrap();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
    };
    let before = resident();
    let result = f.scalar().evaluate(&[ints(&[Some(1); 60])], 60).unwrap();
    assert_eq!(result.null_count(), 60);
    assert!(resident() < before + (480 << 20), "{} MiB more", (resident() - before) >> 20);
}

#[test]
fn deep_recursion() {
    let f = create_int(
        &int_to_int(
            "(func $dig (export \"f\") (param i32) (result i32)
            (i32.add (i32.const 1) (call $dig (i32.add (local.get 0) (i32.const 1)))))",
        ),
        &[],
    )
    .unwrap();
    assert_says!(fails(&f), "call stack exhausted", "dig", "more");
    engine_goes_on();
}

#[test]
fn trap_at_one_row_names_it() {
    let wat = int_to_int(
        "(func $divide (param i32) (result i32) (i32.div_s (i32.const 100) (i32.sub (local.get 0) (i32.const 7))))
        (func $outer (export \"f\") (param i32) (result i32) (call $divide (local.get 0)))",
    );
    let f = create_int(&wat, &[]).unwrap();
    assert_says!(
        fails(&f),
        "function 'f': row 6 of a batch of 10 with a0 = 7: integer division by zero, in divide, called by outer"
    );
    let f = create_int(&wat, &[("on-error", "null")]).unwrap();
    let result = f.scalar().evaluate(&[ints(&[Some(6), Some(7), Some(8), Some(7)])], 4).unwrap();
    assert_eq!(result.as_ref(), ints(&[Some(-100), None, Some(100), None]).as_ref());
    assert_eq!(f.usage().rows_nulled, 2);
}

#[test]
fn an_inlined_trap_names_the_guest_function() {
    let wat = int_to_int(
        "(func $inlined (export \"f\") (param i32) (result i32) (i32.rem_u (i32.const 5) (i32.sub (local.get 0) (i32.const 10))))",
    );
    assert_says!(fails(&create_int(&wat, &[]).unwrap()), "row 9", "division by zero, in inlined (module");
}

#[test]
fn out_of_bounds_access() {
    let wat = int_to_int(
        "(func $peek (export \"f\") (param i32) (result i32) (i32.load (i32.mul (local.get 0) (i32.const 9000))))",
    );
    assert_says!(fails(&create_int(&wat, &[]).unwrap()), "row 7", "out of bounds memory access", "peek");
}

#[test]
fn the_arena_is_out_of_reach() {
    // A guest without memory of its own cannot be given the engine's by naming memory 0 or 1.
    for memory in [0, 1] {
        let wat = format!("(module (func (export \"f\") (param i32) (result i32) (i32.load {memory} (local.get 0))))");
        let Ok(wasm) = wat::parse_str(&wat) else { continue };
        let e = from_bytes(wasm, spec(&[TypeKind::Int], TypeKind::Int, &[])).err().expect("invalid");
        assert_says!(full_text(&e), "not valid WebAssembly", "unknown memory");
    }
    for name in ["wasmill:loop", "wasmill:arena"] {
        let wat = format!("(module (func (export \"f\") (export \"{name}\") (param i32) (result i32) (local.get 0)))");
        assert_says!(full_text(&create_int(&wat, &[]).err().unwrap()), name, "the engine's own");
    }
}

#[test]
fn wrong_small_integers() {
    let wat = "(module (func (export \"f\") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 50))))";
    let f = create(wat, spec(&[TypeKind::Int], TypeKind::TinyInt, &[])).unwrap();
    assert_says!(fails(&f), "row 2", "150, which is outside TINYINT");
    let f = create(wat, spec(&[TypeKind::Int], TypeKind::TinyInt, &[("on-error", "null")])).unwrap();
    let result = f.scalar().evaluate(&[ints(&[Some(2), Some(3), Some(-1)])], 3).unwrap();
    assert_eq!(result.as_primitive::<arrow::datatypes::Int8Type>(), &Int8Array::from(vec![Some(100), None, Some(-50)]));
    for (kind, says) in [(TypeKind::Date, "outside DATE"), (TypeKind::Time(3), "outside TIME(3)")] {
        let wat =
            "(module (func (export \"f\") (param i32) (result i32) (i32.sub (i32.const -2000000000) (local.get 0))))";
        assert_says!(fails(&create(wat, spec(&[TypeKind::Int], kind, &[])).unwrap()), "row 0", says);
    }
    for (kind, says) in
        [(TypeKind::Decimal(4, 1), "outside DECIMAL(4, 1)"), (TypeKind::Timestamp(3), "outside TIMESTAMP(3)")]
    {
        let wat = "(module (func (export \"f\") (param i32) (result i64) (i64.const 9000000000000000000)))";
        assert_says!(fails(&create(wat, spec(&[TypeKind::Int], kind, &[])).unwrap()), "row 0", says);
    }
}

#[test]
fn wrong_texts() {
    let text = |address: i64, length: i64| {
        let packed = length << 32 | address;
        let wat = format!(
            "(module (memory 1) (data (i32.const 8) \"\\ff\\fe ok\")
            (func (export \"f\") (param i32) (result i64) (i64.const {packed})))"
        );
        fails(&create(&wat, spec(&[TypeKind::Int], TypeKind::Varchar(9), &[])).unwrap())
    };
    assert_says!(text(8, 5), "row 0", "not valid UTF-8");
    assert_says!(text(65_530, 100), "row 0", "out of bounds");
    assert_says!(text(8, 0x7fff_ffff), "row 0", "beyond the end of its memory");
    assert_says!(text(0xffff_fff0, 8), "row 0", "out of bounds");
}

#[test]
fn wrong_allocators() {
    let with_alloc = |body: &str| {
        let wat = format!(
            "(module (memory 1) (func (export \"wm_alloc\") (param i32 i32) (result i32) {body})
            (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
        );
        let f = create(&wat, spec(&[TypeKind::Varchar(9)], TypeKind::Int, &[("timeout", "50 ms")])).unwrap();
        f.scalar().evaluate(&[texts(&[Some("abc")])], 1).unwrap_err().to_string()
    };
    assert_says!(with_alloc("(i32.const 0)"), "could not be had");
    assert_says!(with_alloc("(i32.const -16)"), "ends beyond the guest's memory");
    assert_says!(with_alloc("(unreachable)"), "the code gave up");
    assert_says!(with_alloc("(loop $l (br $l)) (i32.const 8)"), "'timeout'");
    // No allocator, and a memory that cannot grow.
    let wat = "(module (memory 1 1) (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))";
    let f = create(wat, spec(&[TypeKind::Varchar(9)], TypeKind::Int, &[])).unwrap();
    assert_says!(f.scalar().evaluate(&[texts(&[Some("abc")])], 1).unwrap_err(), "could not be had");
}

#[test]
fn start_functions() {
    let wat = "(module (func $begin (unreachable)) (start $begin) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[]).err().unwrap()), "does not start", "gave up", "begin");
    let wat = "(module (func $begin (loop $l (br $l))) (start $begin) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[("timeout", "30 ms")]).err().unwrap()), "does not start", "'timeout'");
    let wat =
        "(module (global $g (mut i32) (i32.const 0)) (func (export \"_initialize\") (global.set $g (i32.const 7)))
        (func (export \"f\") (param i32) (result i32) (global.get $g)))";
    let f = create_int(wat, &[]).unwrap();
    assert_eq!(f.scalar().evaluate(&[ints(&[Some(0)])], 1).unwrap().as_ref(), ints(&[Some(7)]).as_ref());
}

#[test]
fn data_beyond_the_memory() {
    let wat = "(module (memory 1) (data (i32.const 65536) \"x\") (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[]).err().unwrap()), "does not start", "out of bounds");
}

#[test]
fn huge_tables_and_memories() {
    let wat = "(module (table 9000000 funcref) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[]).err().unwrap()), "9000000 elements");
    let wat = "(module (table $t 1 funcref) (func (export \"f\") (param i32) (result i32)
        (loop $l (br_if $l (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)))) (unreachable)))";
    assert_says!(fails(&create_int(wat, &[]).unwrap()), "refused a larger table");
    let wat = "(module (memory 2000) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(
        full_text(&create_int(wat, &[]).err().unwrap()),
        "starts with 125 MiB",
        "'memory.max' is 64 MiB",
        "'memory.max' = '125MB'"
    );
    let wat = "(module (memory 65536) (memory 65536) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[("memory.max", "4GB")]).err().unwrap()), "starts with 8 GiB");
}

#[test]
fn imports() {
    let import = |module: &str, name: &str| {
        let wat = format!(
            "(module (import \"{module}\" \"{name}\" (func)) (func (export \"f\") (param i32) (result i32) (local.get 0)))"
        );
        full_text(&create_int(&wat, &[]).err().unwrap())
    };
    assert_says!(import("env", "sin"), "imports 'env.sin'", "link what defines them");
    assert_says!(import("wasi_snapshot_preview1", "fd_write"), "'wasi_snapshot_preview1.fd_write'", "built for WASI");
    assert_says!(import("__wbindgen_placeholder__", "__wbg_x"), "wasm-bindgen");
    let wat =
        "(module (import \"env\" \"memory\" (memory 1)) (func (export \"f\") (param i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create_int(wat, &[]).err().unwrap()), "imports 'env.memory'");
}

#[test]
fn files_that_are_no_modules() {
    let refused = |bytes: &[u8]| full_text(&from_bytes(bytes.to_vec(), spec(&[], TypeKind::Int, &[])).err().unwrap());
    assert_says!(refused(b""), "not a WebAssembly module", "empty");
    assert_says!(refused(b"hello"), "does not begin with");
    assert_says!(refused(b"(module)"), "WebAssembly text", "wat2wasm");
    assert_says!(refused(b"\x7fELF........."), "machine code");
    assert_says!(refused(b"\0asm"), "cut off");
    assert_says!(refused(b"\0asm\x0d\0\x01\0"), "does not export a function 'f'", "it exports no function by itself");
    assert_says!(refused(b"\0asm\x02\0\0\0"), "version 2");
    assert_says!(refused(b"\0asm\x01\0\0\0\xff\xff\xff\xff\x0f"), "not valid WebAssembly");
}

#[test]
fn every_truncation_is_refused_in_words() {
    let wasm = wat::parse_str(int_to_int(
        "(data (i32.const 0) \"abc\") (func (export \"f\") (param i32) (result i32) (local.get 0))",
    ))
    .unwrap();
    for cut in 0..wasm.len() {
        // A cut between two sections may leave a valid module: then the export is missing, or only names are.
        match from_bytes(wasm[..cut].to_vec(), spec(&[TypeKind::Int], TypeKind::Int, &[])) {
            Ok(f) => {
                assert_eq!(f.scalar().evaluate(&[ints(&[Some(3)])], 1).unwrap().as_ref(), ints(&[Some(3)]).as_ref())
            }
            Err(e) => assert!(
                full_text(&e).contains("not valid")
                    || full_text(&e).contains("cut off")
                    || full_text(&e).contains("export")
                    || full_text(&e).contains("empty")
                    || full_text(&e).contains("begin"),
                "{e}"
            ),
        }
    }
}

#[test]
fn every_flipped_byte_is_refused_or_runs() {
    let wasm = wat::parse_str(int_to_int(
        "(global (mut i32) (i32.const 1)) (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.const 3)))
        (func (export \"f\") (param i32) (result i32) (call $g (local.get 0)))",
    ))
    .unwrap();
    for at in 0..wasm.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = wasm.clone();
            changed[at] ^= flip;
            if let Ok(f) = from_bytes(changed, spec(&[TypeKind::Int], TypeKind::Int, &[("timeout", "20 ms")])) {
                let _ = f.scalar().evaluate(&[ints(&[Some(1), None])], 2);
            }
        }
    }
    engine_goes_on();
}

#[test]
fn lying_descriptions() {
    let with_section = |text: &str| {
        let wat = format!(
            "(module (@custom \"wasmill.udf\" \"{}\") (func (export \"f\") (param i32) (result i32) (local.get 0)))",
            text.replace('"', "\\22")
        );
        full_text(&create_int(&wat, &[]).err().unwrap())
    };
    assert_says!(with_section("{\"name\": \"f\", "), "custom section 'wasmill.udf'", "JSON");
    assert_says!(
        with_section("{\"name\": \"f\", \"arguments\": [\"DOUBLE\"]}"),
        "declared otherwise",
        "'f' takes (DOUBLE)",
        "'a0' is declared as INT"
    );
    assert_says!(with_section("{\"name\": \"f\", \"arguments\": []}"), "1 are declared");
    assert_says!(with_section("{\"name\": \"f\", \"returns\": \"STRING\"}"), "returns STRING, declared is INT");
    assert_says!(
        with_section("{\"name\": \"f\", \"kind\": \"aggregate\"}"),
        "'f' is an aggregate function, not a scalar function"
    );
    // It describes what is not there: the declaration is still checked against the export itself.
    assert_says!(with_section("{\"name\": \"f\", \"arguments\": [\"INT\"], \"returns\": \"INT\"}{}"), "missing field");
}

#[test]
fn declarations_that_do_not_fit() {
    let wat =
        "(module (memory (export \"memory\") 1) (func (export \"risk\") (param f64 i32) (result f64) (local.get 0))
        (func (export \"f\") (param f64 i32) (result f64) (local.get 0)) (func (export \"nothing\")))";
    let with = |args: &[TypeKind], returns: TypeKind, export: &str| {
        let mut spec = spec(args, returns, &[]);
        spec.export = export.into();
        full_text(&create(wat, spec).err().unwrap())
    };
    use TypeKind::*;
    assert_says!(
        with(&[Double, Double], Double, "f"),
        "is (f64, i32) -> f64",
        "f(DOUBLE, DOUBLE) RETURNS DOUBLE",
        "argument 'a1' is DOUBLE, passed as f64, but the export takes i32",
        "it would fit (DOUBLE, INT (or"
    );
    assert_says!(with(&[Double], Double, "f"), "takes more parameters");
    assert_says!(with(&[Double, Int, Int], Double, "f"), "takes no further parameter");
    assert_says!(with(&[Double, Int], BigInt, "f"), "BIGINT is returned as i64, but the export returns f64");
    assert_says!(
        with(&[Decimal(38, 2), Int], Double, "f"),
        "DECIMAL(38, 2), which a plain export cannot take",
        "f__cols"
    );
    assert_says!(
        with(&[Double, Int], Double, "rsik"),
        "does not export a function 'rsik'",
        "it exports risk, f, nothing",
        "AS 'risk'"
    );
    assert_says!(with(&[Double, Int], Double, "memory"), "is a memory, not a function");
    assert_says!(with(&[], Int, "nothing"), "returns nothing");
    let wat = "(module (func (export \"f\") (param i32 i32) (result i32) (local.get 0)))";
    assert_says!(full_text(&create(wat, spec(&[Varchar(9)], Int, &[])).err().unwrap()), "has no memory");
    assert_says!(full_text(&create("(module)", spec(&[], Int, &[])).err().unwrap()), "exports no function");
}

#[test]
fn files() {
    let folder = std::env::temp_dir().join(format!("wasmill-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let wasm = wat::parse_str("(module (func (export \"f\") (param i32) (result i32) (local.get 0)))").unwrap();
    std::fs::write(folder.join("fraud.wasm"), &wasm).unwrap();
    let load = |name: &str, options: &FunctionOptions| Module::load(&folder.join(name), options);
    let default = FunctionOptions::default();
    assert_says!(full_text(&load("fruad.wasm", &default).err().unwrap()), "there is no such file", "fraud.wasm'?");
    assert_says!(full_text(&load("", &default).err().unwrap()), "is a directory");
    assert_says!(
        full_text(&Module::load(std::path::Path::new("/dev/zero"), &default).err().unwrap()),
        "not a regular file"
    );
    let module = load("fraud.wasm", &default).unwrap();
    let right = FunctionOptions { sha256: Some(module.sha256()), ..default.clone() };
    assert!(load("fraud.wasm", &right).is_ok());
    let wrong = FunctionOptions { sha256: Some([7; 32]), ..default.clone() };
    assert_says!(full_text(&load("fraud.wasm", &wrong).err().unwrap()), "not the one that 'sha256' names", "0707");
    let large = std::fs::File::create(folder.join("large.wasm")).unwrap();
    large.set_len(65 << 20).unwrap();
    assert_says!(full_text(&load("large.wasm", &default).err().unwrap()), "too large", "65 MiB");
    assert_says!(module.describe(), "f (i32) -> i32 plain", "sha256");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn state_that_breaks_later_is_said_to_be_that() {
    // Fails at every 8th call in one instance, whatever the row: no row is to blame.
    let wat = "(module (global $n (mut i32) (i32.const 0)) (func (export \"f\") (param i32) (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (if (i32.gt_u (global.get $n) (i32.const 17)) (then (unreachable))) (local.get 0)))";
    let f = create_int(wat, &[]).unwrap();
    let mut scalar = f.scalar();
    let ten: ArrayRef = Arc::new(Int32Array::from((0..10).collect::<Vec<_>>()));
    scalar.evaluate(std::slice::from_ref(&ten), 10).unwrap();
    assert_says!(
        scalar.evaluate(std::slice::from_ref(&ten), 10).unwrap_err(),
        "none of the 10 rows of the batch fails by itself"
    );
}

#[test]
fn many_instances_at_once() {
    let wat = "(module (memory 1) (func (export \"f\") (param i32) (result i32) (i32.add (local.get 0) (i32.load (i32.const 0)))))";
    let f = create_int(wat, &[]).unwrap();
    let mut scalars: Vec<_> = (0..100).map(|_| f.scalar()).collect();
    for scalar in &mut scalars {
        assert_eq!(scalar.evaluate(&[ints(&[Some(3)])], 1).unwrap().as_ref(), ints(&[Some(3)]).as_ref());
    }
}
