//! What the tests of this crate share: a function from WebAssembly text in one line.
#![allow(dead_code, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_wasm::{Error, Function, FunctionOptions, FunctionSpec, Kind, Module};

/// `f(a0, a1, …)` of that module.
pub fn spec(args: &[TypeKind], returns: TypeKind, options: &[(&str, &str)]) -> FunctionSpec {
    FunctionSpec {
        name: "f".into(),
        export: "f".into(),
        path: PathBuf::from("test.wasm"),
        args: args
            .iter()
            .enumerate()
            .map(|(i, kind)| Field::new(format!("a{i}"), DataType::nullable(kind.clone())))
            .collect(),
        returns: DataType::nullable(returns),
        options: FunctionOptions::parse(Kind::Scalar, options.iter().copied()).unwrap(),
    }
}

/// CREATE FUNCTION over a module in text form.
pub fn create(wat: &str, spec: FunctionSpec) -> Result<Function, Error> {
    from_bytes(wat::parse_str(wat).expect("the test's own module"), spec)
}

pub fn from_bytes(wasm: Vec<u8>, spec: FunctionSpec) -> Result<Function, Error> {
    let module = Module::from_bytes(Path::new("test.wasm"), wasm, &spec.options)?;
    Function::from_module(spec, &module)
}

pub fn doubles(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}
pub fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}
pub fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Primary line, detail and hint as one text.
pub fn full_text(e: &Error) -> String {
    format!("{e} | {} | {}", e.detail.as_deref().unwrap_or(""), e.hint.as_deref().unwrap_or(""))
}

/// The ABI's exports with an allocator that never frees, in WebAssembly text.
pub const ABI: &str = r#"(memory (export "memory") 2 256) (global $end (mut i32) (i32.const 65536))
    (func (export "wm_abi") (result i32) (i32.const 1))
    (func $alloc (export "wm_alloc") (param $n i32) (param $a i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $end) (i32.const 63)) (i32.const -64)))
      (global.set $end (i32.add (local.get $at) (local.get $n)))
      (block $done (loop $grow
        (br_if $done (i32.le_u (global.get $end) (i32.shl (memory.size) (i32.const 16))))
        (br_if $done (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
        (br $grow)))
      (if (i32.gt_u (global.get $end) (i32.shl (memory.size) (i32.const 16)))
        (then (global.set $end (local.get $at)) (return (i32.const 0))))
      (local.get $at))
    (func (export "wm_free") (param i32 i32 i32))"#;

/// A module of the SDK's examples in C.
pub fn c_example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c").join(file)
}

pub fn fields(kinds: &[TypeKind]) -> Vec<Field> {
    kinds.iter().enumerate().map(|(i, kind)| Field::new(format!("a{i}"), DataType::nullable(kind.clone()))).collect()
}

#[track_caller]
pub fn says(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is missing in: {text}");
}
