//! Any bytes as a module: refused, or a function whose added loop gives what calls one by one give.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array};
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_wasm::{Effort, Function, FunctionOptions, FunctionSpec, Kind, Module};

/// Signatures that are tried for the export `f`.
fn signatures() -> Vec<(Vec<TypeKind>, TypeKind)> {
    use TypeKind::{BigInt, Double, Float, Int};
    vec![
        (vec![Double], Double),
        (vec![Double, Double], Double),
        (vec![Int], Int),
        (vec![BigInt, Int], BigInt),
        (vec![Float, Double], Float),
        (vec![], Int),
    ]
}

fn column(kind: &TypeKind) -> ArrayRef {
    match kind {
        TypeKind::Int => {
            Arc::new(Int32Array::from(vec![Some(0), Some(-7), None, Some(i32::MAX), Some(1), Some(12), Some(3)]))
        }
        TypeKind::BigInt => {
            Arc::new(Int64Array::from(vec![Some(0), None, Some(i64::MIN), Some(5), Some(-1), Some(1 << 40), Some(2)]))
        }
        TypeKind::Float => Arc::new(Float32Array::from(vec![0.0, -0.0, 1.5, f32::INFINITY, f32::NAN, -3.0, 1e30])),
        _ => Arc::new(Float64Array::from(vec![0.0, -0.0, 2.5, f64::NEG_INFINITY, f64::NAN, -1e-300, 7.0])),
    }
}

/// Rows of every column.
const ROWS: usize = 7;

/// Loads the module and runs its export `f`, in full and as plain calls.
///
/// # Panics
/// Where loading or running panics, or the two ways differ.
pub fn any_module(bytes: &[u8]) {
    let options = || {
        let options = [("memory.max", "2MB"), ("timeout", "100 ms"), ("on-error", "null")];
        FunctionOptions::parse(Kind::Scalar, options).expect("options of the target")
    };
    let Ok(module) = Module::from_bytes(Path::new("fuzz.wasm"), bytes.to_vec(), &options()) else { return };
    for (args, returns) in signatures() {
        let spec = || FunctionSpec {
            name: "f".into(),
            export: "f".into(),
            path: "fuzz.wasm".into(),
            args: args.iter().map(|kind| Field::new("x", DataType::nullable(kind.clone()))).collect(),
            returns: DataType::nullable(returns.clone()),
            options: options(),
        };
        let columns: Vec<ArrayRef> = args.iter().map(column).collect();
        let run = |effort| {
            let function = Function::with_effort(spec(), &module, effort).ok()?;
            function.scalar().evaluate(&columns, ROWS).ok()
        };
        let started = Instant::now();
        let (full, call) = (run(Effort::Full), run(Effort::Call));
        // A module that writes to a memory, global or table of its own may answer otherwise the second time, and one that
        // runs into its deadline may do so at another row.
        let writes = |byte: &u8| matches!(byte, 0x24 | 0x26 | 0x36..=0x40 | 0xFC | 0xFD);
        if !bytes.iter().any(writes) && started.elapsed() < Duration::from_millis(20) {
            assert_eq!(full, call, "{args:?} -> {returns:?}");
        }
    }
}
