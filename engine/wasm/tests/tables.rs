//! Table functions: the SDK's example in C, and guests that break the contract.

mod support;

use std::path::{Path, PathBuf};

use arrow::array::Array as _;
use support::*;
use wasmill_expr::{Context, UserTable};
use wasmill_plan::{
    DataType, Field,
    TypeKind::{self, *},
};
use wasmill_wasm::{Error, FunctionOptions, Kind, Module, TableFunction, TableSpec};

const STRING: TypeKind = Varchar(i32::MAX as u32);

fn table_spec(args: &[TypeKind], returns: &[TypeKind], options: &[(&str, &str)]) -> TableSpec {
    TableSpec {
        name: "f".into(),
        export: "f".into(),
        path: PathBuf::from("test.wasm"),
        args: fields(args),
        returns: fields(returns),
        options: FunctionOptions::parse(Kind::Table, options.iter().copied()).unwrap(),
    }
}

#[test]
fn words() {
    let spec = TableSpec {
        export: "words".into(),
        path: c_example("tables.wasm"),
        ..table_spec(&[STRING], &[STRING, Int], &[])
    };
    let f = TableFunction::create(spec).unwrap();
    let mut table = f.table();
    for _ in 0..2 {
        let lines = texts(&[Some("to be  or not"), None, Some(""), Some(" déjà vu ")]);
        let (parents, columns) = table.call(&[lines], 4, &Context::default()).unwrap();
        assert_eq!(parents, [0, 0, 0, 0, 3, 3]);
        let words = ["to", "be", "or", "not", "déjà", "vu"].map(Some);
        assert_eq!(columns[0].as_ref(), texts(&words).as_ref());
        assert_eq!(columns[1].as_ref(), ints(&[1, 2, 3, 4, 1, 2].map(Some)).as_ref());
    }
    let (parents, columns) = table.call(&[texts(&[None])], 3, &Context::default()).unwrap();
    assert!(parents.is_empty() && columns.iter().all(|c| c.is_empty()));
    let (parents, _) = table.call(&[texts(&[Some("a b")])], 3, &Context::default()).unwrap();
    assert_eq!(parents, [0, 0, 1, 1, 2, 2], "a constant stands for all rows");
}

/// `f(INT)`: gives each row back once; `after` runs when the result stands, with $c the address of its first column.
fn once(after: &str, options: &[(&str, &str)]) -> Result<TableFunction, Error> {
    let wat = format!(
        r#"(module {ABI}
        (func (export "f__cols") (param $in i32) (param $out i32) (result i32) (local $c i32) (local $n i32) (local $i i32) (local $p i32)
          (local.set $n (i32.load (local.get $in)))
          (local.set $c (i32.load (local.get $out)))
          (i32.store offset=8 (local.get $out) (local.get $n))
          (local.set $p (call $alloc (i32.mul (i32.const 4) (local.get $n)) (i32.const 4)))
          (i32.store offset=8 (local.get $c) (local.get $n))
          (i32.store offset=24 (local.get $c) (local.get $p))
          (i32.store offset=28 (local.get $c) (i32.mul (i32.const 4) (local.get $n)))
          (memory.copy (i32.add (local.get $c) (i32.const 64)) (i32.load offset=8 (local.get $in)) (i32.const 64))
          (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
            (i32.store (i32.add (local.get $p) (i32.mul (i32.const 4) (local.get $i))) (local.get $i))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next)))
          {after} (i32.const 0)))"#
    );
    let spec = table_spec(&[Int], &[Int], options);
    let module = Module::from_bytes(Path::new("test.wasm"), wat::parse_str(&wat).unwrap(), &spec.options)?;
    TableFunction::from_module(spec, &module)
}

fn error(after: &str) -> String {
    let f = once(after, &[("timeout", "50 ms")]).unwrap();
    f.table().call(&[ints(&[Some(1), Some(2)])], 2, &Context::default()).unwrap_err().to_string()
}

#[test]
fn broken_results() {
    let set = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let rows = |n: i64| format!("(i32.store offset=8 (local.get $out) (i32.const {n}))");
    let parent = |row: u32, value: i64| format!("(i32.store offset={} (local.get $p) (i32.const {value}))", 4 * row);
    assert!(once("", &[]).unwrap().table().call(&[ints(&[Some(1)])], 1, &Context::default()).is_ok());
    for (after, part) in [
        (parent(0, 5), "its parent-row index names row 5 of 1"),
        (parent(0, -1), "its parent-row index names row -1 of 1"),
        (rows(-1), "it gave 4294967295 rows in one call, 4194304 are allowed"),
        (rows(5), "1 values, 5 were asked for"),
        (set(8, 9), "9 values, 1 were asked for"),
        (set(0, 5), "changed the type of its result"),
        (
            format!("(i32.store8 (i32.const 0) (i32.const 0)) {}", set(16, 8)),
            "its parent-row index, column 0, has a NULL",
        ),
        (set(64 + 24, -4), "beyond the end of its memory"),
        ("(i32.store (local.get $out) (i32.const -64))".to_owned(), "its result structure at"),
        ("(i32.store offset=4 (local.get $out) (i32.const 1))".to_owned(), "it gave 1 columns for 2"),
        ("(unreachable)".to_owned(), "the code gave up"),
        ("(return (i32.const 5))".to_owned(), "the error code 5"),
        ("(loop $l (br $l))".to_owned(), "'timeout' = '50 ms'"),
    ] {
        let e = error(&after);
        says(&e, part);
        says(&e, "row 0 of a batch of 2 with a0 = 1: ");
    }
    // Only the batch is wrong: falls from row 1 to row 0.
    let falls = format!("(if (i32.gt_u (local.get $n) (i32.const 1)) (then {} {}))", parent(0, 1), parent(1, 0));
    let f = once(&falls, &[]).unwrap();
    assert_eq!(f.table().call(&[ints(&[Some(1), Some(2)])], 2, &Context::default()).unwrap().0, [0, 1]);
    assert_eq!(f.usage().failures, 1);
}

#[test]
fn a_bad_row_is_left_out() {
    let even = "(if (i32.eqz (i32.and (i32.load (i32.load offset=24 (i32.load offset=8 (local.get $in)))) (i32.const 1))) (then (unreachable)))
        (if (i32.gt_u (local.get $n) (i32.const 1)) (then (unreachable)))";
    let f = once(even, &[("on-error", "skip")]).unwrap();
    let rows = [ints(&[Some(1), Some(2), Some(3)])];
    let (parents, columns) = f.table().call(&rows, 3, &Context::default()).unwrap();
    assert_eq!((parents.as_slice(), f.usage().rows_skipped), (&[0, 2][..], 1));
    assert_eq!(columns[0].as_ref(), ints(&[Some(1), Some(3)]).as_ref());
    let (parents, columns) = f.table().call(&[ints(&[Some(2), Some(4)])], 2, &Context::default()).unwrap();
    assert!(parents.is_empty() && columns[0].is_empty());
}

#[test]
fn refused_at_create() {
    let path = c_example("tables.wasm");
    let e = TableFunction::create(TableSpec { path: path.clone(), ..table_spec(&[STRING], &[STRING], &[]) });
    says(&full_text(&e.err().unwrap()), "does not export a function 'f__cols'");
    let bitmap = Field::new("b", DataType::nullable(Bitmap));
    let spec = TableSpec { returns: vec![bitmap], export: "words".into(), path, ..table_spec(&[STRING], &[], &[]) };
    says(&full_text(&TableFunction::create(spec).err().unwrap()), "BITMAP does not cross");
    let e = FunctionOptions::parse(Kind::Table, [("on-error", "null")]).unwrap_err();
    says(&full_text(&e), "use 'skip'");
}
