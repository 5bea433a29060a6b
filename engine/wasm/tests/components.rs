//! Components: exports with types of their own, the world of udf-sdk/udf.wit, and those that are refused or misbehave.

mod support;

use std::path::Path;
use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::*;
use support::*;
use wasmill_expr::{Context, UserTable};
use wasmill_plan::TypeKind::{self, *};
use wasmill_plan::{DataType, Field};
use wasmill_wasm::{FunctionOptions, Kind, Module, TableFunction, TableSpec};

const STRING: TypeKind = Varchar(i32::MAX as u32);

/// A component with a core module `m` that has a memory and an allocator that gives memory from `end` on.
fn component(functions: &str, rest: &str) -> String {
    format!(
        "(component
          (core module $m
            (memory (export \"memory\") 4)
            (global $end (mut i32) (i32.const 131072))
            (func $alloc (export \"alloc\") (param i32 i32 i32 i32) (result i32) (local $at i32)
              (local.set $at (i32.and (i32.add (global.get $end) (i32.const 7)) (i32.const -8)))
              (global.set $end (i32.add (local.get $at) (local.get 3)))
              (local.get $at))
            (func (export \"clean\") (param i32) (global.set $end (i32.const 131072)))
            {functions})
          (core instance $i (instantiate $m))
          {rest})"
    )
}

/// Lifts `f` with the types given.
fn lifted(types: &str) -> String {
    format!(
        "(func (export \"f\") {types} (canon lift (core func $i \"f\") (memory (core memory $i \"memory\")) (realloc (core func $i \"alloc\"))))"
    )
}

#[test]
fn numbers_by_an_export_of_their_own_type() {
    let wat = component(
        "(func (export \"f\") (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1)))",
        "(func (export \"f\") (param \"a\" float64) (param \"b\" float64) (result float64) (canon lift (core func $i \"f\")))",
    );
    let f = create(&wat, spec(&[Double, Double], Double, &[])).unwrap();
    let args = [doubles(&[Some(6.0), None, Some(0.0)]), doubles(&[Some(2.0), Some(1.0), Some(0.0)])];
    let result = f.scalar().evaluate(&args, 3).unwrap();
    let result = result.as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!((result.value(0), result.is_null(1)), (3.0, true));
    assert_eq!(result.value(2).to_bits(), f64::NAN.to_bits(), "the one NaN");
    // A constant stands for all rows.
    let result = f.scalar().evaluate(&[doubles(&[Some(6.0), Some(9.0)]), doubles(&[Some(3.0)])], 2).unwrap();
    assert_eq!(result.as_ref(), doubles(&[Some(2.0), Some(3.0)]).as_ref());
    let e = full_text(&create(&wat, spec(&[Double], Double, &[])).err().unwrap());
    assert!(e.contains("1 arguments are declared, the export takes 2"), "{e}");
    let e = full_text(&create(&wat, spec(&[Double, STRING], Double, &[])).err().unwrap());
    assert!(e.contains("argument 'a1' is STRING, the export takes f64"), "{e}");
    let e = full_text(&create(&wat, spec(&[Double, Double], BigInt, &[])).err().unwrap());
    assert!(e.contains("the result is BIGINT, the export gives f64"), "{e}");
    let mut other = spec(&[Double, Double], Double, &[]);
    other.export = "g".into();
    let e = full_text(&create(&wat, other).err().unwrap());
    assert!(e.contains("does not export a function 'g'") && e.contains("it exports f"), "{e}");
    let module =
        Module::from_bytes(Path::new("c.wasm"), wat::parse_str(&wat).unwrap(), &FunctionOptions::default()).unwrap();
    let described = &module.descriptions()[0];
    assert_eq!((described.name.as_str(), described.kind), ("f", Kind::Scalar));
    assert_eq!(described.arguments.as_ref().unwrap()[1].type_text(), "DOUBLE");
}

#[test]
fn texts_options_and_messages() {
    // Gives the text back, NULL for an empty one, an error for one that begins with '!'.
    let wat = component(
        "(func (export \"f\") (param $some i32) (param $at i32) (param $bytes i32) (result i32)
           (i64.store (i32.const 64) (i64.const 0)) (i64.store (i32.const 72) (i64.const 0))
           (if (i32.eqz (local.get $some)) (then
             (i32.store8 (i32.const 68) (i32.const 1)) (i32.store (i32.const 72) (i32.const 16)) (i32.store (i32.const 76) (i32.const 4))
             (return (i32.const 64))))
           (if (i32.eqz (local.get $bytes)) (then (return (i32.const 64))))
           (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then
             (i32.store8 (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (local.get $at)) (i32.store (i32.const 72) (local.get $bytes))
             (return (i32.const 64))))
           (i32.store8 (i32.const 68) (i32.const 1)) (i32.store (i32.const 72) (local.get $at)) (i32.store (i32.const 76) (local.get $bytes))
           (i32.const 64))
         (data (i32.const 16) \"none\")",
        &lifted("(param \"a\" (option string)) (result (result (option string) (error string)))"),
    );
    let f = create(&wat, spec(&[STRING], STRING, &[])).unwrap();
    let result = f.scalar().evaluate(&[texts(&[Some("zażółć"), None, Some("")])], 3).unwrap();
    assert_eq!(result.as_ref(), texts(&[Some("zażółć"), Some("none"), None]).as_ref());
    let e = f.scalar().evaluate(&[texts(&[Some("a"), Some("!no")])], 2).unwrap_err().to_string();
    assert!(e.contains("row 1 of a batch of 2 with a0 = '!no': it says: !no"), "{e}");
    let f = create(&wat, spec(&[STRING], STRING, &[("on-error", "null")])).unwrap();
    let result = f.scalar().evaluate(&[texts(&[Some("a"), Some("!no"), Some("b")])], 3).unwrap();
    assert_eq!(result.as_ref(), texts(&[Some("a"), None, Some("b")]).as_ref());
    let result = f.scalar().evaluate(&[texts(&[Some("a")])], 1);
    assert_eq!(result.unwrap().len(), 1);
}

#[test]
fn every_type_crosses_a_typed_export() {
    let one = |core: &str, wit: &str, kind: TypeKind, column: ArrayRef| {
        let wat = component(
            &format!("(func (export \"f\") (param {core}) (result {core}) (local.get 0))"),
            &format!("(func (export \"f\") (param \"a\" {wit}) (result {wit}) (canon lift (core func $i \"f\")))"),
        );
        let f = create(&wat, spec(&[kind.clone()], kind, &[])).unwrap();
        let rows = column.len();
        assert_eq!(f.scalar().evaluate(&[column.clone()], rows).unwrap().as_ref(), column.as_ref(), "{wit}");
    };
    one("i32", "bool", Boolean, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])));
    one("i32", "s8", TinyInt, Arc::new(Int8Array::from(vec![Some(-1), None, Some(127)])));
    one("i32", "s16", SmallInt, Arc::new(Int16Array::from(vec![Some(-1), None, Some(300)])));
    one("i32", "s32", Int, ints(&[Some(-1), None, Some(7)]));
    one("i32", "s32", Date, Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])));
    one("i64", "s64", BigInt, Arc::new(Int64Array::from(vec![Some(-1), None, Some(i64::MAX)])));
    one("i64", "s64", Timestamp(3), Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None, Some(1)])));
    let decimals = Decimal128Array::from(vec![Some(-1), None, Some(99)]).with_precision_and_scale(18, 2).unwrap();
    one("i64", "s64", Decimal(18, 2), Arc::new(decimals));
    one("f32", "float32", Float, Arc::new(Float32Array::from(vec![Some(-1.5), None, Some(0.0)])));
    one("f64", "float64", Double, doubles(&[Some(-1.5), None, Some(0.0)]));
}

/// A component of the world whose `call` runs this code, with the batch's address and length in locals 2 and 3. `$give` takes an
/// address and a length of result bytes.
fn world(version: &str, describe: &str, call: &str) -> String {
    let json = describe.replace('"', "\\22");
    let bytes = describe.len();
    component(
        &format!(
            "(func $give (param i32 i32) (result i32)
               (i32.store8 (i32.const 64) (i32.const 0)) (i32.store (i32.const 68) (local.get 0)) (i32.store (i32.const 72) (local.get 1))
               (i32.const 64))
             (func $fail (param i32 i32) (result i32) (drop (call $give (local.get 0) (local.get 1)))
               (i32.store8 (i32.const 64) (i32.const 1)) (i32.const 64))
             (func (export \"describe\") (result i32)
               (i32.store (i32.const 32) (i32.const 1024)) (i32.store (i32.const 36) (i32.const {bytes})) (i32.const 32))
             (func (export \"call\") (param i32 i32 i32 i32) (result i32) (local $out i32) (local $i i32) {call})
             (data (i32.const 1024) \"{json}\")"
        ),
        &format!(
            "(func $describe (result string) (canon lift (core func $i \"describe\") (memory (core memory $i \"memory\"))))
             (func $call (param \"name\" string) (param \"batch\" (list u8)) (result (result (list u8) (error string)))
               (canon lift (core func $i \"call\") (memory (core memory $i \"memory\")) (realloc (core func $i \"alloc\")) (post-return (core func $i \"clean\"))))
             (instance $functions (export \"describe\" (func $describe)) (export \"call\" (func $call)))
             (export \"wasmill:udf/functions@{version}\" (instance $functions))"
        ),
    )
}

const DESCRIBED: &str = r#"{"name": "f", "arguments": ["INT"], "returns": "INT"}"#;
/// Gives the argument back: its `wm_column` at 16 of the batch, its values, with addresses moved to follow 96 bytes of structures.
const ECHO: &str = "
    (local.set $out (i32.const 65536))
    (memory.fill (local.get $out) (i32.const 0) (i32.const 96))
    (i32.store (local.get $out) (i32.const 32))
    (i32.store offset=4 (local.get $out) (i32.const 1))
    (i32.store offset=8 (local.get $out) (i32.load (local.get 2)))
    (memory.copy (i32.add (local.get $out) (i32.const 32)) (i32.add (local.get 2) (i32.const 16)) (i32.const 64))
    (i32.store offset=56 (local.get $out) (i32.const 96))
    (memory.copy (i32.add (local.get $out) (i32.const 96)) (i32.add (local.get 2) (i32.load offset=40 (local.get 2))) (i32.load offset=44 (local.get 2)))
    ";

#[test]
fn the_world_takes_whole_batches() {
    let give = "(call $give (local.get $out) (i32.add (i32.const 96) (i32.load offset=44 (local.get 2))))";
    let f = create(&world("1.0.0", DESCRIBED, &format!("{ECHO} {give}")), spec(&[Int], Int, &[])).unwrap();
    let column = ints(&(0..5000).map(Some).collect::<Vec<_>>());
    let mut scalar = f.scalar();
    for _ in 0..3 {
        assert_eq!(scalar.evaluate(&[column.clone()], 5000).unwrap().as_ref(), column.as_ref());
    }
    let e = full_text(&create(&world("1.0.0", DESCRIBED, "(unreachable)"), spec(&[Double], Int, &[])).err().unwrap());
    assert!(e.contains("'f' takes (INT), argument 'a0' is declared as DOUBLE"), "{e}");
    let mut other = spec(&[Int], Int, &[]);
    other.export = "g".into();
    let e = full_text(&create(&world("1.0.0", DESCRIBED, "(unreachable)"), other).err().unwrap());
    assert!(e.contains("has no function 'g'") && e.contains("it has f"), "{e}");
}

#[test]
fn a_world_that_misbehaves() {
    let error = |call: &str, options: &[(&str, &str)]| {
        let f = create(&world("1.0.0", DESCRIBED, call), spec(&[Int], Int, options)).unwrap();
        f.scalar().evaluate(&[ints(&[Some(1), Some(2)])], 2).unwrap_err().to_string()
    };
    let says = |text: String, part: &str| assert!(text.contains(part), "{part:?} is missing in: {text}");
    let whole = "(call $give (local.get $out) (i32.const 104))";
    says(error("(call $fail (i32.const 1024) (i32.const 7))", &[]), "it says: {\\\"name\\\"");
    says(
        error("(call $give (i32.const 0) (i32.const 0))", &[]),
        "its result structure at 0 of 32 bytes, beyond the end",
    );
    says(
        error(&format!("{ECHO} (i32.store (local.get $out) (i32.const 4096)) {whole}"), &[]),
        "beyond the end of its memory",
    );
    says(
        error(&format!("{ECHO} (i32.store offset=56 (local.get $out) (i32.const 100000)) {whole}"), &[]),
        "beyond the end",
    );
    says(
        error(&format!("{ECHO} (i32.store offset=8 (local.get $out) (i32.const 9)) {whole}"), &[]),
        "1 columns of 9 rows",
    );
    says(
        error(&format!("{ECHO} (i32.store offset=32 (local.get $out) (i32.const 9)) {whole}"), &[]),
        "changed the type",
    );
    says(error("(call $give (i32.const -8) (i32.const 64))", &[]), "out of bounds");
    says(error("(loop $l (br $l)) (unreachable)", &[("timeout", "50 ms")]), "'timeout' = '50 ms'");
    says(error("(unreachable)", &[]), "the code gave up");
    says(
        error("(drop (memory.grow (i32.const 1000))) (unreachable)", &[("memory.max", "1MB")]),
        "it was refused more memory",
    );
}

#[test]
fn components_that_are_refused() {
    let refused = |wat: &str| full_text(&create(wat, spec(&[Int], Int, &[])).err().unwrap());
    let says = |text: String, parts: &[&str]| {
        parts.iter().for_each(|part| assert!(text.contains(part), "{part:?} is missing in: {text}"));
    };
    says(
        refused(&world("2.1.0", DESCRIBED, "(unreachable)")),
        &["built for version 2.1.0", "this is 1.0.0", "udf.wit"],
    );
    says(refused(&world("1.0.0", "{\"nam\": 1}", "(unreachable)")), &["its own description ('describe') is wrong"]);
    says(
        refused("(component (import \"wasi:cli/exit@0.2.0\" (instance)))"),
        &["imports 'wasi:cli/exit@0.2.0'", "without WASI", "--stub-wasi"],
    );
    says(refused("(component (import \"log\" (func)))"), &["imports 'log'", "without imports"]);
    says(refused("(component)"), &["it exports no function by itself"]);
    let mut cut = wat::parse_str(world("1.0.0", DESCRIBED, "(unreachable)")).unwrap();
    cut.truncate(cut.len() - 40);
    says(full_text(&from_bytes(cut, spec(&[Int], Int, &[])).err().unwrap()), &["cannot be compiled"]);
    // Pinned to another file.
    let digest = "0".repeat(64);
    let pinned = spec(&[Int], Int, &[("sha256", &digest)]);
    says(full_text(&create("(component)", pinned).err().unwrap()), &["is not the one that 'sha256' names"]);
    // Other kinds of functions are core modules.
    let module = Module::from_bytes(
        Path::new("c.wasm"),
        wat::parse_str(world("1.0.0", DESCRIBED, "(unreachable)")).unwrap(),
        &FunctionOptions::default(),
    );
    assert!(module.unwrap().is_component());
}

#[test]
fn table_functions_of_the_world() {
    // Gives the argument as parent-row index and as its one column.
    const TWICE: &str = "
        (local.set $out (i32.const 65536))
        (memory.fill (local.get $out) (i32.const 0) (i32.const 160))
        (i32.store (local.get $out) (i32.const 32))
        (i32.store offset=4 (local.get $out) (i32.const 2))
        (i32.store offset=8 (local.get $out) (i32.load (local.get 2)))
        (memory.copy (i32.add (local.get $out) (i32.const 32)) (i32.add (local.get 2) (i32.const 16)) (i32.const 64))
        (i32.store offset=56 (local.get $out) (i32.const 160))
        (memory.copy (i32.add (local.get $out) (i32.const 96)) (i32.add (local.get $out) (i32.const 32)) (i32.const 64))
        (memory.copy (i32.add (local.get $out) (i32.const 160)) (i32.add (local.get 2) (i32.load offset=40 (local.get 2))) (i32.load offset=44 (local.get 2)))
        ";
    let give = "(call $give (local.get $out) (i32.add (i32.const 160) (i32.load offset=44 (local.get 2))))";
    let described =
        r#"{"name": "f", "kind": "table", "arguments": ["INT"], "returns": [{"name": "x", "type": "INT"}]}"#;
    let int = || DataType::nullable(Int);
    let table = |call: &str, options: &[(&str, &str)]| {
        let wat = world("1.0.0", described, call);
        let options = FunctionOptions::parse(Kind::Table, options.iter().copied()).unwrap();
        let module = Module::from_bytes(Path::new("c.wasm"), wat::parse_str(wat).unwrap(), &options).unwrap();
        let (args, returns) = (vec![Field::new("n", int())], vec![Field::new("x", int())]);
        let spec = TableSpec { name: "f".into(), export: "f".into(), path: "c.wasm".into(), args, returns, options };
        TableFunction::from_module(spec, &module).unwrap().table()
    };
    let column = ints(&[Some(0), Some(1), Some(1)]);
    let mut given = table(&format!("{TWICE} {give}"), &[]);
    for _ in 0..2 {
        let (parents, columns) = given.call(&[column.clone()], 3, &Context::default()).unwrap();
        assert_eq!((parents, columns.len()), (vec![0, 1, 1], 1));
        assert_eq!(columns[0].as_ref(), column.as_ref());
    }
    let error = |call: &str, column: ArrayRef| {
        let rows = column.len();
        table(call, &[]).call(&[column], rows, &Context::default()).unwrap_err().to_string()
    };
    let e = error(&format!("{TWICE} {give}"), ints(&[Some(7)]));
    assert!(e.contains("its parent-row index names row 7 of 1"), "{e}");
    let e = error(&format!("{TWICE} (i32.store offset=4 (local.get $out) (i32.const 1)) {give}"), ints(&[Some(0)]));
    assert!(e.contains("it gave 1 columns for 2"), "{e}");
    let many = "(i32.store offset=8 (local.get $out) (i32.const 0x7fffffff))";
    let e = error(&format!("{TWICE} {many} {give}"), ints(&[Some(0)]));
    assert!(e.contains("4194304 are allowed"), "{e}");
    let e = error("(call $fail (i32.const 1024) (i32.const 7))", ints(&[Some(0)]));
    assert!(e.contains("it says: {\\\"name\\\""), "{e}");
    // A bad row is left out.
    let bad = "(if (i32.eq (i32.load (i32.add (local.get 2) (i32.load offset=40 (local.get 2)))) (i32.const 5)) (then (unreachable)))";
    let mut skips = table(&format!("{bad} {TWICE} {give}"), &[("on-error", "skip")]);
    let (parents, _) = skips.call(&[ints(&[Some(5), Some(0)])], 2, &Context::default()).unwrap();
    assert_eq!(parents, [1]);
    // The function must be declared as what it is.
    let e = full_text(&create(&world("1.0.0", described, "(unreachable)"), spec(&[Int], Int, &[])).err().unwrap());
    assert!(e.contains("'f' is a table function"), "{e}");
}
