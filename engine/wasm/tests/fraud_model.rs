//! The fraud example's module: the committed file gives the scores of the model that was fitted, and its source still
//! builds to the same behaviour.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_wasm::{Function, FunctionOptions, FunctionSpec};

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fraud/model")
}

fn function(path: &Path, export: &str, args: usize) -> Function {
    let double = DataType::nullable(TypeKind::Double);
    Function::create(FunctionSpec {
        name: export.into(),
        export: export.into(),
        path: path.into(),
        args: (0..args).map(|i| Field::new(format!("x{i}"), double.clone())).collect(),
        returns: double,
        options: FunctionOptions::default(),
    })
    .unwrap()
}

/// The features of `expected.csv`, a column each, and the scores that scikit-learn gives.
fn expected() -> (Vec<ArrayRef>, Vec<f64>) {
    let text = std::fs::read_to_string(model().join("expected.csv")).unwrap();
    let mut columns = vec![Vec::new(); 9];
    for line in text.lines().skip(1) {
        for (column, value) in columns.iter_mut().zip(line.split(',')) {
            column.push(value.parse::<f64>().unwrap());
        }
    }
    let scores = columns.pop().unwrap();
    assert!(scores.len() > 500);
    (columns.into_iter().map(|c| Arc::new(Float64Array::from(c)) as ArrayRef).collect(), scores)
}

fn check(path: &Path) {
    let (features, scores) = expected();
    let result = function(path, "fraud_score", 8).scalar().evaluate(&features, scores.len()).unwrap();
    for (row, (got, wanted)) in result.as_primitive::<Float64Type>().values().iter().zip(&scores).enumerate() {
        assert!((got - wanted).abs() < 1e-12, "row {row}: {got}, not {wanted}");
    }
    let degrees =
        [(0.0, 0.0, 0.0, 0.0), (33.4, -82.1, 42.3, -83.2), (89.9, 10.0, -89.9, -170.0), (-33.9, 151.2, 51.5, -0.1)];
    let column = |f: fn(&(f64, f64, f64, f64)) -> f64| -> ArrayRef {
        Arc::new(degrees.iter().map(|d| Some(f(d))).collect::<Float64Array>())
    };
    let args = [column(|d| d.0), column(|d| d.1), column(|d| d.2), column(|d| d.3)];
    let result = function(path, "haversine_km", 4).scalar().evaluate(&args, degrees.len()).unwrap();
    for (got, (lat1, lon1, lat2, lon2)) in result.as_primitive::<Float64Type>().values().iter().zip(degrees) {
        let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
        let a = half(lat1, lat2) + lat1.to_radians().cos() * lat2.to_radians().cos() * half(lon1, lon2);
        let wanted = 2.0 * 6371.0088 * a.sqrt().min(1.0).asin();
        // At opposite points the last place of the sine alone is 20 cm.
        assert!((got - wanted).abs() < 1e-3, "{got} km, not {wanted}");
    }
}

#[test]
fn the_committed_module_gives_the_scores() {
    check(&model().join("fraud.wasm"));
}

#[test]
fn the_source_still_builds_to_the_same() {
    let out = std::env::temp_dir().join(format!("wasmill-fraud-{}.wasm", std::process::id()));
    let build = Command::new(model().join("build.sh")).arg(&out).output().unwrap();
    if !build.status.success() {
        let why = String::from_utf8_lossy(&build.stderr);
        // A source that does not compile is a failure; a toolchain that cannot be had is a reason to skip.
        assert!(!why.contains("fraud.c:"), "{why}");
        eprintln!("skipped: no C compiler for Wasm could be had: {why}");
        return;
    }
    check(&out);
    std::fs::remove_file(out).unwrap();
}
