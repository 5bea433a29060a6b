//! Models: the SDK's example in C with good and bad artifacts, and guests that break the contract.

mod support;

use std::path::{Path, PathBuf};

use arrow::array::*;
use support::*;
use wasmill_expr::UserModel;
use wasmill_plan::TypeKind::{self, *};
use wasmill_wasm::{Error, FunctionOptions, Kind, ModelFunction, ModelSpec, Module};

fn model_spec(input: &[TypeKind], output: &[TypeKind], options: &[(&str, &str)]) -> ModelSpec {
    ModelSpec {
        name: "m".into(),
        export: "m".into(),
        path: PathBuf::from("test.wasm"),
        input: fields(input),
        output: fields(output),
        labels: None,
        options: FunctionOptions::parse(Kind::Model, options.iter().copied()).unwrap(),
    }
}

fn artifact(text: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn linear(artifact: Option<&Path>) -> Result<ModelFunction, Error> {
    let mut spec = model_spec(&[Double, Double], &[Double, Boolean], &[]);
    (spec.export, spec.path) = ("linear".into(), c_example("model.wasm"));
    spec.options.artifact = artifact.map(Path::to_owned);
    ModelFunction::create(spec)
}

#[test]
fn predicts_by_its_artifact() {
    let file = artifact(b"-1.5 2 0.25\n");
    let model = linear(Some(file.path())).unwrap();
    // The artifact was read at CREATE, and is not read again.
    drop(file);
    let args = [doubles(&[Some(1.0), Some(0.0), None]), doubles(&[Some(2.0), Some(4.0), Some(1.0)])];
    for _ in 0..2 {
        let columns = model.model().predict(&args, 3).unwrap();
        assert_eq!(columns[0].as_ref(), doubles(&[Some(1.0), Some(-0.5), None]).as_ref());
        assert_eq!(columns[1].as_boolean(), &BooleanArray::from(vec![Some(true), Some(false), None]));
    }
}

#[test]
fn bad_artifacts_are_refused_at_create() {
    let refused = |bytes: &[u8]| full_text(&linear(Some(artifact(bytes).path())).err().unwrap());
    says(&refused(b"1 2 oops"), "it says: the artifact is not a list of numbers");
    says(&refused(b""), "the artifact has no weights");
    says(&refused(b"1 2"), "another number of weights than INPUT has columns");
    says(&refused("1 ".repeat(100).as_bytes()), "more than 64 weights");
    says(&full_text(&linear(None).err().unwrap()), "model 'm' needs an artifact");
    let missing = full_text(&linear(Some(Path::new("/nowhere/weights.txt"))).err().unwrap());
    says(&missing, "cannot read the artifact '/nowhere/weights.txt'");
    says(&full_text(&linear(Some(Path::new("/"))).err().unwrap()), "it is not a regular file");
    let e = FunctionOptions::parse(Kind::Scalar, [("artifact", "a")]).unwrap_err();
    says(&full_text(&e), "option 'artifact' is for models");
}

/// `m(INT) -> INT`: gives its input back; parts may be swapped.
fn echo(swap: &[(&str, &str)], options: &[(&str, &str)]) -> Result<ModelFunction, Error> {
    let mut wat = format!(
        r#"(module {ABI}
        (func (export "m__predict__cols") (param $in i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (memory.copy (local.get $c) (i32.load offset=8 (local.get $in)) (i32.const 64))
          (;predict;) (i32.const 0))
        (func (export "m__load") (param $at i32) (param $bytes i32) (param $out i32) (result i32)
          (;load;) (i32.const 0)))"#
    );
    for (from, to) in swap {
        assert!(wat.contains(from), "{from} is not in the module");
        wat = wat.replace(from, to);
    }
    let file = artifact(b"weights");
    let mut spec = model_spec(&[Int], &[Int], options);
    spec.options.artifact = wat.contains("m__load").then(|| file.path().to_owned());
    let module = Module::from_bytes(Path::new("test.wasm"), wat::parse_str(&wat).unwrap(), &spec.options)?;
    ModelFunction::from_module(spec, &module)
}

#[test]
fn broken_modules_are_refused_at_create() {
    let refused = |swap: &[(&str, &str)]| full_text(&echo(swap, &[("timeout", "20 ms")]).err().expect("refused"));
    assert!(echo(&[], &[]).is_ok());
    says(&refused(&[("m__predict__cols", "m__forecast")]), "does not export a function 'm__predict__cols'");
    says(&refused(&[("(param $at i32) (param $bytes i32)", "(param $at i32)")]), "it should be (i32, i32, i32) -> i32");
    says(&refused(&[("(;load;)", "(unreachable)")]), "cannot be made of the artifact");
    says(&refused(&[("(;load;)", "(return (i32.const 3))")]), "the error code 3");
    says(&refused(&[("(;load;)", "(loop $l (br $l))")]), "it ran longer than");
    says(&refused(&[("(;predict;)", "(unreachable)")]), "cannot predict a batch of no rows | the code gave up");
    let two_rows = "(i32.store offset=8 (local.get $c) (i32.const 2))";
    says(&refused(&[("(;predict;)", two_rows)]), "2 values, 0 were asked for");
}

#[test]
fn failures_row_by_row() {
    let odd = "(if (i32.and (i32.load (i32.load offset=24 (i32.load offset=8 (local.get $in)))) (i32.and (i32.const 1) (i32.load (local.get $in)))) (then (unreachable)))
        (if (i32.gt_u (i32.load (local.get $in)) (i32.const 1)) (then (unreachable)))";
    let rows = [ints(&[Some(2), Some(3), Some(4)])];
    let e = echo(&[("(;predict;)", odd)], &[]).unwrap().model().predict(&rows, 3).unwrap_err().to_string();
    says(&e, "row 1 of a batch of 3 with a0 = 3: the code gave up");
    let model = echo(&[("(;predict;)", odd)], &[("on-error", "null")]).unwrap();
    let columns = model.model().predict(&rows, 3).unwrap();
    assert_eq!(columns[0].as_ref(), ints(&[Some(2), None, Some(4)]).as_ref());
    assert_eq!(model.usage().rows_nulled, 1);
    let batch = "(if (i32.gt_u (i32.load (local.get $in)) (i32.const 1)) (then (unreachable)))";
    let e = echo(&[("(;predict;)", batch)], &[]).unwrap().model().predict(&rows, 3).unwrap_err().to_string();
    says(&e, "none of the 3 rows of the batch fails by itself");
}

/// `m(INT) -> INT` that learns: what it learns last is what it predicts; parts may be swapped.
fn last(swap: &[(&str, &str)]) -> Result<ModelFunction, Error> {
    let mut wat = format!(
        r#"(module {ABI} (global $last (mut i32) (i32.const 0))
        (func (export "m__predict__cols") (param $in i32) (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (i32.store (i32.const 128) (global.get $last))
          (i32.store offset=4 (local.get $c) (i32.const 1))
          (i32.store offset=8 (local.get $c) (i32.const 1))
          (i32.store offset=24 (local.get $c) (i32.const 128))
          (i32.store offset=28 (local.get $c) (i32.const 4))
          (i32.const 0))
        (func (export "m__learn") (param $in i32) (param $out i32) (result i32)
          (global.set $last (i32.load (i32.load offset=88 (i32.load offset=8 (local.get $in)))))
          (;learn;) (i32.const 0))
        (func (export "m__snapshot") (param $out i32) (result i32) (local $c i32)
          (local.set $c (i32.load (local.get $out)))
          (i32.store (i32.const 128) (i32.const 0)) (i32.store (i32.const 132) (i32.const 4))
          (i32.store (i32.const 136) (global.get $last))
          (i32.store offset=20 (local.get $c) (i32.const 128))
          (i32.store offset=24 (local.get $c) (i32.const 136))
          (i32.store offset=28 (local.get $c) (i32.const 4))
          (;snapshot;) (i32.const 0))
        (func (export "m__restore") (param $at i32) (param $bytes i32) (param $out i32) (result i32)
          (if (i32.ne (local.get $bytes) (i32.const 4)) (then (return (i32.const 2))))
          (global.set $last (i32.load (local.get $at)))
          (;restore;) (i32.const 0)))"#
    );
    for (from, to) in swap {
        assert!(wat.contains(from), "{from} is not in the module");
        wat = wat.replace(from, to);
    }
    let spec = model_spec(&[Int], &[Int], &[("timeout", "20 ms")]);
    let module = Module::from_bytes(Path::new("test.wasm"), wat::parse_str(&wat).unwrap(), &spec.options)?;
    ModelFunction::from_module(spec, &module)
}

#[test]
fn learns_and_is_saved() {
    let f = last(&[]).unwrap();
    assert_eq!(f.labels().len(), 1);
    let mut model = f.model();
    let (args, labels) = ([ints(&[Some(0); 4])], [ints(&[Some(7), None, Some(9), Some(5)])]);
    let columns = model.predict_then_learn(&args, &labels, 4).unwrap();
    assert_eq!(columns[0].as_ref(), ints(&[Some(0), Some(7), Some(7), Some(9)]).as_ref());
    let snapshot = model.save().unwrap();
    assert_eq!(snapshot, 5i32.to_le_bytes());
    let mut other = f.model();
    other.load(&snapshot).unwrap();
    assert_eq!(other.predict(&[ints(&[None])], 1).unwrap()[0].as_ref(), ints(&[Some(5)]).as_ref());
    says(&other.load(b"abc").unwrap_err().to_string(), "restoring its snapshot: it returned the error code 2");
}

#[test]
fn learners_that_break_the_contract() {
    let refused = |swap: &[(&str, &str)]| full_text(&last(swap).err().expect("refused"));
    says(&refused(&[("m__snapshot", "m__snap")]), "does not export a function 'm__snapshot'");
    says(&refused(&[("m__restore", "m__rest")]), "does not export a function 'm__restore'");
    says(
        &refused(&[("(param $at i32) (param $bytes i32) (param $out i32)", "(param $at i32) (param $bytes i32)")]),
        "it should be (i32, i32, i32) -> i32",
    );
    let args = [ints(&[Some(1), Some(2)])];
    let learn = |after: &str| {
        let f = last(&[("(;learn;)", after)]).unwrap();
        f.model().predict_then_learn(&args, &args, 2).unwrap_err().to_string()
    };
    says(&learn("(unreachable)"), "predicting and learning a batch of 2 rows: the code gave up");
    says(&learn("(loop $l (br $l))"), "it ran longer than");
    says(&learn("(return (i32.const 4))"), "the error code 4");
    let save = |after: &str| last(&[("(;snapshot;)", after)]).unwrap().model().save().unwrap_err().to_string();
    says(
        &save("(i32.store8 (i32.const 64) (i32.const 0)) (i32.store offset=16 (local.get $c) (i32.const 64))"),
        "gave NULL as its snapshot",
    );
    says(&save("(i32.store offset=24 (local.get $c) (i32.const -4))"), "beyond the end of its memory");
    says(&save("(unreachable)"), "giving its snapshot: the code gave up");
    let f = last(&[("(;restore;)", "(unreachable)")]).unwrap();
    says(&f.model().load(&[0; 4]).unwrap_err().to_string(), "restoring its snapshot: the code gave up");
}
