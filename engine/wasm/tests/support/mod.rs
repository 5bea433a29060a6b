//! What the tests of this crate share: a function from WebAssembly text in one line.
#![allow(dead_code, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_wasm::{Error, Function, FunctionOptions, FunctionSpec, Module};

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
        options: FunctionOptions::parse(options.iter().copied()).unwrap(),
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
