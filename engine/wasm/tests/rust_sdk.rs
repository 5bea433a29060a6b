//! The Rust SDK's table, aggregate, process and model functions, from the committed example module, through the engine.

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array, ListArray, MapArray, StringArray, new_null_array,
};
use arrow::datatypes::{Float64Type, Int64Type};
use support::*;
use wasmill_expr::{Context, KeyedRows, TimerChange, TimerClock, UserAggregate, UserModel, UserProcess, UserTable};
use wasmill_plan::TypeKind::{self, *};
use wasmill_plan::{DataType, Error, StateField};
use wasmill_wasm::{
    AggregateFunction, AggregateSpec, FunctionOptions, Kind, ModelFunction, ModelSpec, ProcessFunction, ProcessSpec,
    TableFunction, TableSpec,
};

const STRING: TypeKind = Varchar(i32::MAX as u32);

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/rust/examples.wasm")
}

fn table(export: &str, returns: &[TypeKind], options: &[(&str, &str)]) -> TableFunction {
    TableFunction::create(TableSpec {
        name: export.into(),
        export: export.into(),
        path: example(),
        args: fields(&[STRING]),
        returns: fields(returns),
        options: FunctionOptions::parse(Kind::Table, options.iter().copied()).unwrap(),
    })
    .unwrap()
}

fn aggregate(export: &str, arg: TypeKind, returns: TypeKind) -> AggregateFunction {
    AggregateFunction::create(AggregateSpec {
        name: export.into(),
        export: export.into(),
        path: example(),
        args: fields(&[arg]),
        returns: DataType::nullable(returns),
        options: FunctionOptions::parse(Kind::Aggregate, []).unwrap(),
    })
    .unwrap()
}

#[test]
fn an_iterator_of_rows() {
    let f = table("words", &[STRING, Int], &[]);
    let mut words = f.table();
    for _ in 0..2 {
        let lines = texts(&[Some("to be"), None, Some(""), Some(" déjà vu ")]);
        let (parents, columns) = words.call(&[lines], 4, &Context::default()).unwrap();
        assert_eq!(parents, [0, 0, 3, 3]);
        assert_eq!(columns[0].as_ref(), texts(&[Some("to"), Some("be"), Some("déjà"), Some("vu")]).as_ref());
        assert_eq!(columns[1].as_ref(), ints(&[1, 2, 1, 2].map(Some)).as_ref());
    }
}

#[test]
fn rows_or_an_error() {
    let settings = table("settings", &[STRING, STRING], &[]);
    let good = texts(&[Some("a=1; b="), Some("")]);
    let (parents, columns) = settings.table().call(&[good], 2, &Context::default()).unwrap();
    assert_eq!(parents, [0, 0]);
    assert_eq!(columns[1].as_ref(), texts(&[Some("1"), None]).as_ref());
    let bad = texts(&[Some("a=1"), Some("b")]);
    let e = settings.table().call(&[bad.clone()], 2, &Context::default()).unwrap_err().to_string();
    says(&e, "row 1 of a batch of 2 with a0 = 'b': it says: 'b' has no value");
    let skipping = table("settings", &[STRING, STRING], &[("on-error", "skip")]);
    assert_eq!(skipping.table().call(&[bad], 2, &Context::default()).unwrap().0, [0]);
}

#[test]
fn a_state_of_plain_bytes() {
    let f = aggregate("geo_mean", Double, Double);
    assert!(f.can_retract() && f.can_merge());
    let near = |column: ArrayRef, wanted: &[Option<f64>]| {
        let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&column).clone();
        let got: Vec<Option<f64>> = column.iter().collect();
        assert_eq!(got.len(), wanted.len());
        for (got, wanted) in got.iter().zip(wanted) {
            assert!(got.is_some() == wanted.is_some() && (got.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-12);
        }
    };
    let mut mean = f.aggregate();
    mean.resize(3);
    mean.update(&[0, 1, 0, 0], &[doubles(&[Some(2.0), Some(5.0), Some(8.0), None])]).unwrap();
    near(mean.finish(&[0, 1, 2]).unwrap(), &[Some(4.0), Some(5.0), None]);
    mean.retract(&[0], &[doubles(&[Some(2.0)])]).unwrap();
    mean.merge(&[2, 2], &[0, 1]).unwrap();
    near(mean.finish(&[0, 2]).unwrap(), &[Some(8.0), Some(40f64.sqrt())]);
    let saved = mean.save(&[2]).unwrap();
    let mut other = f.aggregate();
    other.resize(1);
    other.load(&[0], &saved).unwrap();
    near(other.finish(&[0]).unwrap(), &[Some(40f64.sqrt())]);
    let e = mean.update(&[0], &[doubles(&[Some(-1.0)])]).unwrap_err();
    assert!(matches!(e, Error::Function { .. }));
    says(&e.to_string(), "no geometric mean of -1");
}

#[test]
fn a_state_with_memory_of_its_own() {
    let f = aggregate("all_of", STRING, STRING);
    assert!(!f.can_retract() && f.can_merge());
    let mut all = f.aggregate();
    all.resize(3);
    all.update(&[0, 0, 1, 0], &[texts(&[Some("b"), Some("a"), None, Some("b")])]).unwrap();
    assert_eq!(all.finish(&[0, 1, 2]).unwrap().as_ref(), texts(&[Some("a,b"), Some(""), Some("")]).as_ref());
    all.update(&[1], &[texts(&[Some("c")])]).unwrap();
    all.merge(&[2, 2], &[1, 0]).unwrap();
    let saved = all.save(&[0, 2]).unwrap();
    let mut other = f.aggregate();
    other.resize(2);
    other.load(&[1, 0], &saved).unwrap();
    assert_eq!(other.finish(&[0, 1]).unwrap().as_ref(), texts(&[Some("a,b,c"), Some("a,b")]).as_ref());
    let broken: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\xff"[..]]));
    other.clear(&[0]);
    says(&other.load(&[0], &broken).unwrap_err().to_string(), "invalid utf-8");
    // What a cleared state held comes back.
    for round in 0..300 {
        other.clear(&[1]);
        let texts: Vec<String> = (0..100).map(|i| format!("{round}-{i}-{}", "x".repeat(300))).collect();
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        other.update(&[1; 100], &[column]).unwrap();
    }
    assert!(f.usage().memory_bytes_max < 4 << 20, "{:?}", f.usage());
}

#[test]
fn a_model_with_its_artifact() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let create = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        let mut options = FunctionOptions::parse(Kind::Model, []).unwrap();
        options.artifact = Some(file.path().to_owned());
        ModelFunction::create(ModelSpec {
            name: "line".into(),
            export: "line".into(),
            path: example(),
            input: fields(&[Double]),
            output: fields(&[Double]),
            labels: None,
            options,
        })
    };
    let columns = create("3\n").unwrap().model().predict(&[doubles(&[Some(2.0), None])], 2).unwrap();
    assert_eq!(columns[0].as_ref(), doubles(&[Some(6.0), None]).as_ref());
    // Each row is predicted, then learnt; what was learnt goes to another instance.
    let f = create("1").unwrap();
    let mut model = f.model();
    let (xs, ys) = ([doubles(&[Some(2.0), Some(2.0)])], [doubles(&[Some(6.0), Some(4.0)])]);
    let columns = model.predict_then_learn(&xs, &ys, 2).unwrap();
    assert_eq!(columns[0].as_ref(), doubles(&[Some(2.0), Some(4.0)]).as_ref());
    let snapshot = model.save().unwrap();
    assert_eq!((snapshot.len(), snapshot[0]), (17, 1));
    let mut other = f.model();
    other.load(&snapshot).unwrap();
    let again = other.predict_then_learn(&xs, &ys, 2).unwrap();
    let original = model.predict_then_learn(&xs, &ys, 2).unwrap();
    assert_eq!(again[0].as_ref(), original[0].as_ref());
    says(&other.load(b"abc").unwrap_err().to_string(), "this is no snapshot of version 1");
    says(&full_text(&create("steep").err().unwrap()), "is no slope");
}

fn process(export: &str, args: &[TypeKind], returns: &[TypeKind], state: &[(&str, TypeKind)]) -> ProcessFunction {
    let field = |(name, ty): &(&str, TypeKind)| {
        let data_type = DataType::nullable(ty.clone());
        StateField { name: (*name).into(), data_type, ttl_ms: None }
    };
    ProcessFunction::create(ProcessSpec {
        name: export.into(),
        export: export.into(),
        path: example(),
        args: fields(args),
        returns: fields(returns),
        state: state.iter().map(field).collect(),
        options: FunctionOptions::parse(Kind::Process, []).unwrap(),
    })
    .unwrap()
}

fn longs(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn lists(values: &[Option<Vec<f64>>]) -> ArrayRef {
    let values = values.iter().map(|list| list.as_ref().map(|list| list.iter().copied().map(Some)));
    Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(values))
}

fn list(column: &ArrayRef, row: usize) -> Option<Vec<f64>> {
    let lists = column.as_list::<i32>();
    lists.is_valid(row).then(|| lists.value(row).as_primitive::<Float64Type>().values().to_vec())
}

#[test]
fn values_of_a_state_are_written_where_they_change() {
    let f = process("quiet", &[Double], &[BigInt, Double], &[("payments", BigInt), ("total", Double)]);
    let mut quiet = f.process();
    let times = Int64Array::from(vec![1, 2, 3]);
    // A NULL amount changes the number only; another amount of 0 leaves the total as it is.
    let state = [longs(&[Some(4), None]), doubles(&[Some(1.5), None])];
    let rows = KeyedRows { key: &[1, 0, 1], keys: 2, times: &times, state: &state };
    let result = quiet.process(&rows, &[doubles(&[Some(0.0), Some(2.0), None])]).unwrap();
    assert_eq!((&result.changed[..], &result.fields[..]), (&[0, 1][..], &[3, 1][..]));
    assert_eq!(result.state[0].as_primitive::<Int64Type>().values(), &[5, 2]);
    assert_eq!(result.state[1].as_primitive::<Float64Type>().value(0), 3.5);
    let timer =
        |row, time| TimerChange { row, name: Some("quiet".into()), time: Some(time), clock: TimerClock::EventTime };
    assert_eq!(result.timers, [timer(0, 600_001), timer(1, 600_002), timer(2, 600_003)]);
    // What begins anew is NULL, so that the engine forgets the key.
    let names = StringArray::from(vec!["quiet"]);
    let timers =
        KeyedRows { key: &[0], keys: 1, times: &times.slice(0, 1), state: &[longs(&[Some(4)]), doubles(&[None])] };
    let result = quiet.timer(&timers, &names).unwrap();
    assert_eq!((result.parents, result.changed, result.fields), (vec![0], vec![0], vec![1]));
    assert_eq!(result.columns[0].as_primitive::<Int64Type>().values(), &[4]);
    assert!(result.state[0].is_null(0));
    // Without a time there is no timer.
    let rows = KeyedRows { key: &[0], keys: 1, times: &Int64Array::from(vec![None]), state: &state };
    assert_eq!(quiet.process(&rows, &[doubles(&[None])]).unwrap().timers, []);
}

#[test]
fn a_list_in_a_state_and_fields_that_are_renewed() {
    let f = process(
        "top",
        &[Double],
        &[Array(Box::new(DataType::nullable(Double))), BigInt],
        &[("largest", Array(Box::new(DataType::nullable(Double)))), ("changed", BigInt)],
    );
    let mut top = f.process();
    let times = Int64Array::from(vec![10, 20, 30, 40, 50]);
    let state = [lists(&[None, Some(vec![9.0, 8.0, 7.0])]), longs(&[None, Some(5)])];
    let rows = KeyedRows { key: &[0, 1, 0, 1, 0], keys: 2, times: &times, state: &state };
    // Key 1: 1 is too small, and a NULL is no row.
    let result = top.process(&rows, &[doubles(&[Some(2.0), Some(1.0), Some(3.0), None, Some(2.5)])]).unwrap();
    assert_eq!(result.parents, [0, 2, 4]);
    let given: Vec<_> = (0..3).map(|row| list(&result.columns[0], row).unwrap()).collect();
    assert_eq!(given, [vec![2.0], vec![3.0, 2.0], vec![3.0, 2.5, 2.0]]);
    assert_eq!(result.columns[1].as_ref(), longs(&[None, Some(20), Some(20)]).as_ref());
    // Key 1 is as it was, and is written all the same.
    assert_eq!((result.changed, result.fields), (vec![0, 1], vec![3, 3]));
    assert_eq!(list(&result.state[0], 0), Some(vec![3.0, 2.5, 2.0]));
    assert_eq!(list(&result.state[0], 1), Some(vec![9.0, 8.0, 7.0]));
    assert_eq!(result.state[1].as_ref(), longs(&[Some(50), Some(5)]).as_ref());
    let rows = KeyedRows { key: &[0, 0], keys: 1, times: &times.slice(0, 2), state: &state };
    let failed = top.process(&rows, &[doubles(&[Some(1.0), Some(f64::NAN)])]).unwrap_err().to_string();
    says(&failed, "row 1 of a batch of 2");
    says(&failed, "it says: NaN is neither large nor small");
}

#[test]
fn a_map_in_a_state() {
    let map = Map(Box::new(DataType::nullable(STRING)), Box::new(DataType::nullable(BigInt)));
    let empty = new_null_array(&map.to_arrow(), 2);
    let f = process("merchants", &[STRING], &[STRING, BigInt], &[("seen", map)]);
    let mut merchants = f.process();
    let times = Int64Array::from(vec![1, 2, 3, 4]);
    let call = |merchants: &mut wasmill_wasm::WasmProcess, state: &ArrayRef, names: &[Option<&str>]| {
        let rows = KeyedRows { key: &[0, 1, 0, 0], keys: 2, times: &times, state: std::slice::from_ref(state) };
        merchants.process(&rows, &[texts(names)]).unwrap()
    };
    let result = call(&mut merchants, &empty, &[Some("shop"), None, Some("bar"), Some("shop")]);
    assert_eq!(result.columns[0].as_ref(), texts(&[Some("shop"), Some("bar")]).as_ref());
    assert_eq!((&result.changed[..], &result.fields[..]), (&[0][..], &[1][..]));
    let seen: &MapArray = result.state[0].as_map();
    assert_eq!(seen.value(0).column(0).as_ref(), texts(&[Some("bar"), Some("shop")]).as_ref());
    assert_eq!(seen.value(0).column(1).as_ref(), longs(&[Some(2), Some(1)]).as_ref());
    // Nothing new: nothing is given or written.
    let again = arrow::compute::concat(&[&result.state[0], &result.state[0]]).unwrap();
    let result = call(&mut merchants, &again, &[Some("shop"), Some("bar"), None, Some("bar")]);
    assert_eq!((result.parents.len(), result.changed.len()), (0, 0));
}

#[test]
fn every_change_of_timers() {
    let f = process("alarms", &[STRING, BigInt, Boolean], &[STRING, BigInt], &[]);
    let mut alarms = f.process();
    let rows = KeyedRows { key: &[0; 5], keys: 1, times: &Int64Array::from(vec![7; 5]), state: &[] };
    let names = texts(&[Some("a"), None, Some("a"), None, Some("b")]);
    let dues = longs(&[Some(1), Some(2), None, None, Some(3)]);
    let by_clock: ArrayRef = Arc::new(BooleanArray::from(vec![false, false, true, false, true]));
    let result = alarms.process(&rows, &[names, dues, by_clock]).unwrap();
    let change = |row, name: Option<&str>, time, clock| TimerChange { row, name: name.map(str::to_owned), time, clock };
    let (event, processing) = (TimerClock::EventTime, TimerClock::ProcessingTime);
    let expected = [
        change(0, Some("a"), Some(1), event),
        change(1, None, Some(2), event),
        change(2, Some("a"), None, event),
        change(3, None, None, event),
        change(4, Some("b"), Some(3), processing),
    ];
    assert_eq!(result.timers, expected);
    let timers = KeyedRows { key: &[1, 0], keys: 2, times: &Int64Array::from(vec![3, 4]), state: &[] };
    let result = alarms.timer(&timers, &StringArray::from(vec![Some("b"), None])).unwrap();
    assert_eq!(result.columns[0].as_ref(), texts(&[Some("b"), None]).as_ref());
    assert_eq!(result.columns[1].as_ref(), longs(&[Some(3), Some(4)]).as_ref());
    assert!(result.changed.is_empty());
}
