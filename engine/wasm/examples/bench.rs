//! What a row costs in each way to call a function, in ns, copies and deadlines included.
//!
//!     cargo run --release -p wasmill-wasm --example bench
//!
//! The function is `0.7a + b/(1+|a|) + 0.25·max(b, 0)` over batches of 8,192 rows; the best of many rounds counts.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_wasm::{Effort, Function, FunctionOptions, FunctionSpec, Module};

const ROWS: usize = 8192;
const ROUNDS: usize = 2000;

const PLAIN: &str = "(module (func (export \"f\") (param $a f64) (param $b f64) (result f64)
    (f64.add
      (f64.add (f64.mul (f64.const 0.7) (local.get $a))
               (f64.div (local.get $b) (f64.add (f64.const 1) (f64.abs (local.get $a)))))
      (f64.mul (f64.const 0.25) (select (local.get $b) (f64.const 0) (f64.gt (local.get $b) (f64.const 0)))))))";

fn native(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| 0.7 * a + b / (1.0 + a.abs()) + 0.25 * if *b > 0.0 { *b } else { 0.0 }).collect()
}

fn spec(args: usize) -> FunctionSpec {
    let double = DataType::nullable(TypeKind::Double);
    FunctionSpec {
        name: "f".into(),
        export: "f".into(),
        path: PathBuf::from("bench.wasm"),
        args: (0..args).map(|i| Field::new(format!("a{i}"), double.clone())).collect(),
        returns: double,
        options: FunctionOptions::default(),
    }
}

/// The best time a row of many rounds.
fn best_ns(mut round: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_nanos() as f64 / ROWS as f64);
    }
    best
}

fn show(name: &str, ns: f64, native_ns: f64) {
    println!("{name:44} {ns:8.2} {:8.2}", ns / native_ns);
}

fn main() {
    let column = |scale: f64| Float64Array::from_iter_values((0..ROWS).map(|i| (i as f64 * 0.37).sin() * scale));
    let (a, b) = (column(50.0), column(20.0));
    let args: Vec<ArrayRef> = vec![Arc::new(a.clone()), Arc::new(b.clone())];
    println!("{:44} {:>8} {:>8}", "", "ns a row", "x native");
    let native_ns = best_ns(|| {
        black_box(native(black_box(a.values()), black_box(b.values())));
    });
    show("native Rust (as this build: SSE)", native_ns, native_ns);
    let bytes = wat::parse_str(PLAIN).expect("the bench's own module");
    let module =
        Module::from_bytes(Path::new("bench.wasm"), bytes.clone(), &FunctionOptions::default()).expect("loads");
    for (name, effort) in [
        ("plain export, vectorised", Effort::Full),
        ("plain export, inlined", Effort::Inline),
        ("plain export, a call a row in the loop", Effort::Call),
    ] {
        let function = Function::with_effort(spec(2), &module, effort).expect("fits");
        let mut scalar = function.scalar();
        let result = scalar.evaluate(&args, ROWS).expect("runs");
        assert_eq!(result.as_primitive::<Float64Type>().values()[..], native(a.values(), b.values())[..]);
        let ns = best_ns(|| {
            black_box(scalar.evaluate(black_box(&args), ROWS).expect("runs"));
        });
        show(&format!("{name} ({:?})", function.shape().expect("plain")), ns, native_ns);
    }
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    let engine = wasmtime::Engine::new(&config).expect("default settings");
    let mut store = wasmtime::Store::new(&engine, ());
    store.set_epoch_deadline(1_000_000);
    let module = wasmtime::Module::new(&engine, &bytes).expect("compiles");
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).expect("starts");
    let f = instance.get_typed_func::<(f64, f64), f64>(&mut store, "f").expect("exported");
    let ns = best_ns(|| {
        let values: Vec<f64> =
            a.values().iter().zip(b.values()).map(|(a, b)| f.call(&mut store, (*a, *b)).expect("runs")).collect();
        black_box(values);
    });
    show("plain export, a host call a row", ns, native_ns);
    for (name, path, args_count) in [
        ("column function in C", "udf-sdk/examples/c/columns.wasm", 2),
        ("column function in Rust", "udf-sdk/examples/rust/examples.wasm", 2),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        let function = Function::create(FunctionSpec { path, export: "blend".into(), ..spec(args_count) })
            .expect("the SDK's example");
        let mut scalar = function.scalar();
        let result = scalar.evaluate(&args, ROWS).expect("runs");
        assert_eq!(result.as_primitive::<Float64Type>().values()[..], native(a.values(), b.values())[..]);
        let ns = best_ns(|| {
            black_box(scalar.evaluate(black_box(&args), ROWS).expect("runs"));
        });
        show(name, ns, native_ns);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fraud/model/fraud.wasm");
    let features: Vec<ArrayRef> = (0..8).map(|i| Arc::new(column(10.0 * f64::from(i))) as ArrayRef).collect();
    let function =
        Function::create(FunctionSpec { path, export: "fraud_score".into(), ..spec(8) }).expect("the example");
    let mut scalar = function.scalar();
    let ns = best_ns(|| {
        black_box(scalar.evaluate(black_box(&features), ROWS).expect("runs"));
    });
    show(&format!("fraud_score, 60 trees ({:?})", function.shape().expect("plain")), ns, native_ns);
}
