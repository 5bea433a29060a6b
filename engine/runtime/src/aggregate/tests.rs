//! Every function against a naive model, in every way rows can come: added, retracted, merged, saved and loaded.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use wasmill_plan::{AggregateCall, DataType, TypeKind, Value};

use super::*;

fn call(function: &str, arg: TypeKind) -> AggregateCall {
    let arg = DataType::nullable(arg);
    let signature = wasmill_expr::aggregate::infer(
        function,
        &match function {
            "PERCENTILE" => vec![arg.clone(), DataType::not_null(TypeKind::Double)],
            "JSON_OBJECTAGG" => vec![DataType::string(), arg.clone()],
            _ => vec![arg.clone()],
        },
    );
    let signature = signature.expect("types that fit");
    AggregateCall {
        function: signature.function.to_owned(),
        args: vec![0],
        constants: if function == "PERCENTILE" { vec![Value::Float(0.5)] } else { Vec::new() },
        distinct: false,
        filter: None,
        arg_types: vec![signature.args[0].clone()],
        data_type: signature.returns,
    }
}

fn show(column: &ArrayRef) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let formatter = ArrayFormatter::try_new(column, &options).unwrap();
    (0..column.len()).map(|row| formatter.value(row).to_string()).collect()
}

fn ints(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn one(call: &AggregateCall, values: ArrayRef) -> String {
    let mut aggregate = new_aggregate(call, false, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(1);
    aggregate.update(&vec![0; values.len()], &[values]).unwrap();
    show(&aggregate.finish(&[0]).unwrap()).remove(0)
}

#[test]
fn results_are_flinks() {
    let some = |v: &[i32]| ints(&v.iter().map(|&v| Some(v)).collect::<Vec<_>>());
    let max = i32::MAX;
    // As Flink 2.3 gives them.
    for (function, values, expected) in [
        ("SUM", vec![max, max], "-2"),
        ("AVG", vec![max, max, 5, 7, 6], "3"),
        ("AVG", vec![max, max], "-1"),
        ("STDDEV_POP", vec![1, 2, 4], "1"),
        ("STDDEV_SAMP", vec![1, 2], "0"),
        ("STDDEV_SAMP", vec![1], "NULL"),
        ("VAR_SAMP", vec![1, 2, 4], "2"),
        ("VAR_POP", vec![1, 2, 4], "1"),
        ("PERCENTILE", vec![1, 2, 4, 4], "3.0"),
    ] {
        let mut aggregated = call(function, TypeKind::Int);
        let values = if function == "PERCENTILE" {
            aggregated.arg_types = vec![DataType::nullable(TypeKind::Double)];
            Arc::new(Float64Array::from_iter_values(values.iter().map(|&v| f64::from(v))))
        } else {
            some(&values)
        };
        assert_eq!(one(&aggregated, values), expected, "{function}");
    }
    let double: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 4.0]));
    assert_eq!(one(&call("VAR_POP", TypeKind::Double), double.clone()), "1.5555555555555554");
    assert_eq!(one(&call("VAR_SAMP", TypeKind::Double), double), "2.333333333333333");
    let decimals: ArrayRef =
        Arc::new(arrow::array::Decimal128Array::from(vec![111i128, 222]).with_precision_and_scale(7, 2).unwrap());
    let decimal = TypeKind::Decimal(7, 2);
    assert_eq!(one(&call("AVG", decimal.clone()), decimals.clone()), "1.665000");
    assert_eq!(one(&call("STDDEV_SAMP", decimal.clone()), decimals.clone()), "0.784889");
    assert_eq!(one(&call("SUM", decimal), decimals), "3.33");
}

#[test]
fn over_variance_is_computed_from_sums() {
    let mut aggregate =
        new_over_aggregate(&call("STDDEV_SAMP", TypeKind::Int), true, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(1);
    aggregate.update(&[0, 0], &[ints(&[Some(1), Some(2)])]).unwrap();
    assert_eq!(show(&aggregate.finish(&[0]).unwrap()), ["1"]);
    aggregate.retract(&[0], &[ints(&[Some(1)])]).unwrap();
    assert_eq!(show(&aggregate.finish(&[0]).unwrap()), ["NULL"]);
}

/// A small generator of pseudo-random numbers (splitmix64).
struct Random(u64);
impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// The result over the rows that are there, by definition.
fn model(function: &str, distinct: bool, rows: &[Option<i32>]) -> String {
    let mut values: Vec<i64> = rows.iter().flatten().map(|&v| i64::from(v)).collect();
    if distinct {
        let mut seen = std::collections::HashSet::new();
        values.retain(|v| seen.insert(*v));
    }
    let optional = |v: Option<i64>| v.map_or("NULL".to_owned(), |v| v.to_string());
    match function {
        "COUNT" => values.len().to_string(),
        "SUM" => optional((!values.is_empty()).then(|| values.iter().sum())),
        "AVG" => optional((!values.is_empty()).then(|| values.iter().sum::<i64>() / values.len() as i64)),
        "MIN" => optional(values.iter().min().copied()),
        "MAX" => optional(values.iter().max().copied()),
        "FIRST_VALUE" => optional(values.first().copied()),
        "LAST_VALUE" => optional(values.last().copied()),
        "LISTAGG" => {
            if values.is_empty() {
                return "NULL".to_owned();
            }
            values.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
        }
        "COLLECT" => {
            let mut counts = std::collections::BTreeMap::<i64, i32>::new();
            values.iter().for_each(|v| *counts.entry(*v).or_default() += 1);
            let entries: Vec<_> = counts.iter().map(|(v, n)| format!("{v}: {n}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
        "BITMAP_BUILD_CARDINALITY_AGG" => {
            let members: std::collections::HashSet<_> = values.iter().collect();
            optional((!members.is_empty()).then_some(members.len() as i64))
        }
        other => panic!("{other}"),
    }
}

const MODELLED: [&str; 10] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "FIRST_VALUE",
    "LAST_VALUE",
    "LISTAGG",
    "COLLECT",
    "BITMAP_BUILD_CARDINALITY_AGG",
];

fn column(function: &str, rows: &[Option<i32>]) -> ArrayRef {
    if function == "LISTAGG" {
        return Arc::new(rows.iter().map(|v| v.map(|v| v.to_string())).collect::<StringArray>());
    }
    ints(rows)
}

fn modelled(function: &str, distinct: bool) -> AggregateCall {
    let kind = if function == "LISTAGG" { DataType::string().kind } else { TypeKind::Int };
    AggregateCall { distinct, ..call(function, kind) }
}

fn save_and_load(
    call: &AggregateCall,
    needs_retract: bool,
    aggregate: &dyn Aggregate,
    groups: usize,
) -> Box<dyn Aggregate> {
    let all: Vec<u32> = (0..groups as u32).collect();
    let saved = aggregate.save(&all).unwrap();
    let types: Vec<_> = saved.iter().map(|c| c.data_type().clone()).collect();
    assert_eq!(types, aggregate.state_types(), "{}", call.function);
    let mut loaded = new_aggregate(call, needs_retract, &wasmill_expr::NoUserFunctions).unwrap();
    loaded.resize(groups);
    loaded.load(&all, &saved).unwrap();
    loaded
}

#[test]
fn adding_retracting_saving_and_loading_agree_with_the_model() {
    let mut random = Random(7);
    for function in MODELLED {
        for distinct in [false, true] {
            let call = modelled(function, distinct);
            let mut aggregate = new_aggregate(&call, true, &wasmill_expr::NoUserFunctions).unwrap();
            let mut rows: Vec<Vec<Option<i32>>> = vec![Vec::new(); 5];
            aggregate.resize(5);
            for round in 0..60 {
                let n = random.below(6) as usize;
                let groups: Vec<u32> = (0..n).map(|_| random.below(5) as u32).collect();
                let values: Vec<Option<i32>> =
                    (0..n).map(|_| (random.below(5) > 0).then(|| random.below(9) as i32 - 4)).collect();
                groups.iter().zip(&values).for_each(|(&g, v)| rows[g as usize].push(*v));
                aggregate.update(&groups, &[column(function, &values)]).unwrap();
                // FIRST and LAST of values that come again after a retraction follow other rules with DISTINCT.
                let ordered = matches!(function, "FIRST_VALUE" | "LAST_VALUE" | "LISTAGG");
                let g = random.below(5) as usize;
                if !rows[g].is_empty() && !(distinct && ordered) {
                    let value = rows[g][random.below(rows[g].len() as u64) as usize];
                    let first = rows[g].iter().position(|v| *v == value).unwrap();
                    rows[g].remove(first);
                    aggregate.retract(&[g as u32], &[column(function, &[value])]).unwrap();
                }
                if round % 10 == 9 {
                    aggregate = save_and_load(&call, true, &*aggregate, 5);
                    let g = random.below(5) as usize;
                    aggregate.clear(&[g as u32]);
                    rows[g].clear();
                }
                let expected: Vec<_> = rows.iter().map(|r| model(function, distinct, r)).collect();
                assert_eq!(
                    show(&aggregate.finish(&[0, 1, 2, 3, 4]).unwrap()),
                    expected,
                    "{function} {distinct} {round}"
                );
            }
        }
    }
}

#[test]
fn merging_parts_agrees_with_the_model() {
    let mut random = Random(11);
    for function in MODELLED {
        for (distinct, needs_retract) in [(false, false), (true, false), (false, true), (true, true)] {
            let call = modelled(function, distinct);
            for _ in 0..30 {
                let mut aggregate = new_aggregate(&call, needs_retract, &wasmill_expr::NoUserFunctions).unwrap();
                aggregate.resize(4);
                let mut all = Vec::new();
                for part in 0..3 {
                    let n = random.below(4) as usize;
                    let values: Vec<Option<i32>> =
                        (0..n).map(|_| (random.below(4) > 0).then(|| random.below(6) as i32)).collect();
                    aggregate.update(&vec![part; n], &[column(function, &values)]).unwrap();
                    all.extend(values);
                }
                aggregate.merge(&[3, 3, 3], &[0, 1, 2]).unwrap();
                let mut aggregate = save_and_load(&call, needs_retract, &*aggregate, 4);
                assert_eq!(show(&aggregate.finish(&[3]).unwrap()), [model(function, distinct, &all)], "{function}");
                // The parts are as they were: a second window merges them again.
                aggregate.clear(&[3]);
                aggregate.merge(&[3, 3, 3], &[0, 1, 2]).unwrap();
                assert_eq!(show(&aggregate.finish(&[3]).unwrap()), [model(function, distinct, &all)], "{function}");
            }
        }
    }
}

#[test]
fn a_filter_lets_only_true_pass() {
    let mut call = call("SUM", TypeKind::Int);
    call.filter = Some(1);
    let mut aggregate = new_aggregate(&call, false, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(2);
    let filter: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]));
    aggregate.update(&[0, 0, 1, 0], &[ints(&[Some(1), Some(2), Some(4), Some(8)]), filter]).unwrap();
    assert_eq!(show(&aggregate.finish(&[0, 1]).unwrap()), ["9", "NULL"]);
}

#[test]
fn json_aggregates_give_json() {
    let text = |v: &[Option<&str>]| Arc::new(StringArray::from(v.to_vec())) as ArrayRef;
    let whole = |v: &[Option<i32>]| ints(v);
    let mut object = call("JSON_OBJECTAGG", TypeKind::Int);
    object.arg_types = vec![DataType::string(), DataType::nullable(TypeKind::Int)];
    let mut aggregate = new_aggregate(&object, true, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(1);
    let args = [text(&[Some("x"), Some("z\""), Some("w")]), whole(&[Some(1), None, Some(4)])];
    aggregate.update(&[0, 0, 0], &args).unwrap();
    assert_eq!(show(&aggregate.finish(&[0]).unwrap()), [r#"{"w":4,"x":1,"z\"":null}"#]);
    assert!(aggregate.update(&[0], &[text(&[None]), whole(&[None])]).is_err());

    let mut array = call("JSON_ARRAYAGG", DataType::string().kind);
    assert_eq!(one(&array, text(&[Some("a\""), None, Some("b")])), r#"["a\"","b"]"#);
    array.constants = vec![Value::Boolean(false)];
    assert_eq!(one(&array, text(&[Some("a"), None])), r#"["a",null]"#);
    assert_eq!(one(&call("JSON_ARRAYAGG", TypeKind::Int), whole(&[Some(1), None, Some(4)])), "[1,4]");
}

#[test]
fn a_second_row_has_no_single_value() {
    let single = call("SINGLE_VALUE", TypeKind::Int);
    assert_eq!(one(&single, ints(&[None])), "NULL");
    let mut aggregate = new_aggregate(&single, false, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(1);
    aggregate.update(&[0, 0], &[ints(&[Some(1), Some(1)])]).unwrap();
    assert!(aggregate.finish(&[0]).is_err());
}

/// A column of bitmaps.
fn bitmaps(sets: &[Option<&[u32]>]) -> ArrayRef {
    let write = |set: &&[u32]| {
        let mut bytes = Vec::new();
        set.iter().copied().collect::<roaring::RoaringBitmap>().serialize_into(&mut bytes).unwrap();
        bytes
    };
    Arc::new(arrow::array::BinaryArray::from_iter(sets.iter().map(|set| set.as_ref().map(write))))
}

#[test]
fn bitmaps_are_combined_taken_back_and_merged() {
    let rows: [Option<&[u32]>; 4] = [Some(&[1, 2, 3]), None, Some(&[2, 3, u32::MAX]), Some(&[3])];
    for (name, all, without_the_first) in [("AND", "1", "1"), ("OR", "4", "3"), ("XOR", "3", "2")] {
        let function = format!("BITMAP_{name}_CARDINALITY_AGG");
        let call = call(&function, TypeKind::Bitmap);
        assert_eq!(one(&call, bitmaps(&rows)), all, "{function}");
        for needs_retract in [false, true] {
            let mut aggregate = new_aggregate(&call, needs_retract, &wasmill_expr::NoUserFunctions).unwrap();
            aggregate.resize(3);
            aggregate.update(&[0, 0, 1, 1], &[bitmaps(&rows)]).unwrap();
            aggregate.merge(&[2, 2], &[0, 1]).unwrap();
            let mut aggregate = save_and_load(&call, needs_retract, &*aggregate, 3);
            assert_eq!(show(&aggregate.finish(&[2]).unwrap()), [all], "{function}");
            if needs_retract {
                aggregate.retract(&[2], &[bitmaps(&rows[..1])]).unwrap();
                assert_eq!(show(&aggregate.finish(&[2]).unwrap()), [without_the_first], "{function}");
            }
        }
    }
    let set = call("BITMAP_XOR_AGG", TypeKind::Bitmap);
    let mut aggregate = new_aggregate(&set, false, &wasmill_expr::NoUserFunctions).unwrap();
    aggregate.resize(1);
    assert_eq!(aggregate.finish(&[0]).unwrap().null_count(), 1);
    aggregate.update(&[0, 0], &[bitmaps(&[Some(&[1, 2]), Some(&[2])])]).unwrap();
    assert_eq!(&aggregate.finish(&[0]).unwrap(), &bitmaps(&[Some(&[1])]));
}
