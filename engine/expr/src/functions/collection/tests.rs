//! Tests of the functions on arrays and maps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StringArray};
use arrow::datatypes::Int32Type;
use arrow::util::display::array_value_to_string;
use wasmill_plan::{DataType, Error, Result, TypeKind, Value};

use crate::function::{Argument, CallSite, ColumnValue, Context};
use crate::functions::testing::{ok, t};

fn ints(items: &[Option<i32>]) -> (DataType, ArrayRef) {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(items.to_vec())]);
    (DataType::nullable(TypeKind::Array(Box::new(DataType::nullable(TypeKind::Int)))), Arc::new(list))
}

fn given(kind: TypeKind, value: Value) -> (DataType, ArrayRef) {
    let data_type = DataType::nullable(kind);
    let array = value.to_array(&data_type, 1);
    (data_type, array)
}

fn int(value: i64) -> (DataType, ArrayRef) {
    given(TypeKind::Int, Value::Int(value))
}

/// A call on a column of one row; the arguments are of the types that the function wants.
fn call(name: &str, args: &[(DataType, ArrayRef)]) -> Result<String> {
    let function = crate::registry::find(name).unwrap();
    let arguments: Vec<_> = args.iter().map(|(data_type, _)| Argument { data_type, literal: None }).collect();
    let signature = (function.infer)(&arguments).map_err(Error::query)?;
    let columns: Vec<_> = args.iter().map(|(_, array)| ColumnValue::Column(array.clone())).collect();
    let site = CallSite { args: signature.args, literals: vec![None; args.len()], returns: signature.returns };
    let result = (function.kernel)(&site)?.evaluate(&columns, 1, &Context::default())?;
    assert_eq!(result.data_type(), &site.returns.to_arrow(), "{name}");
    Ok(if result.is_null(0) { "NULL".into() } else { array_value_to_string(&result, 0)? })
}

fn shown(name: &str, args: &[(DataType, ArrayRef)]) -> String {
    call(name, args).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn extending_and_combining() {
    let a = ints(&[Some(1), Some(2), Some(2), None]);
    let b = ints(&[Some(4), None, Some(2)]);
    assert_eq!(shown("ARRAY_APPEND", &[a.clone(), int(7)]), "[1, 2, 2, , 7]");
    assert_eq!(shown("ARRAY_PREPEND", &[a.clone(), int(7)]), "[7, 1, 2, 2, ]");
    assert_eq!(shown("ARRAY_CONCAT", &[a.clone(), b.clone()]), "[1, 2, 2, , 4, , 2]");
    assert_eq!(shown("ARRAY_UNION", &[a.clone(), b.clone()]), "[1, 2, , 4]");
    assert_eq!(shown("ARRAY_EXCEPT", &[a.clone(), b.clone()]), "[1]");
    assert_eq!(shown("ARRAY_INTERSECT", &[a.clone(), b.clone()]), "[2, ]");
    assert_eq!(shown("ARRAY_DISTINCT", &[a.clone()]), "[1, 2, ]");
    assert_eq!(shown("ARRAY_REVERSE", &[a.clone()]), "[, 2, 2, 1]");
    assert!(call("ARRAY_UNION", &[a, int(1)]).is_err());
}

#[test]
fn searching() {
    let a = ints(&[Some(1), None, Some(2)]);
    let null = || given(TypeKind::Int, Value::Null);
    assert_eq!(shown("ARRAY_CONTAINS", &[a.clone(), int(2)]), "true");
    assert_eq!(shown("ARRAY_CONTAINS", &[a.clone(), null()]), "true");
    assert_eq!(shown("ARRAY_POSITION", &[a.clone(), int(2)]), "3");
    assert_eq!(shown("ARRAY_POSITION", &[a.clone(), null()]), "NULL");
    assert_eq!(shown("ARRAY_REMOVE", &[a.clone(), null()]), "[1, 2]");
    let text = given(TypeKind::Varchar(9), Value::Text("x".into()));
    assert!(call("ARRAY_CONTAINS", &[a, text]).is_err());
}

#[test]
fn slices_and_order() {
    let a = ints(&[Some(3), None, Some(1), Some(2)]);
    let flag = |b| given(TypeKind::Boolean, Value::Boolean(b));
    for (start, end, want) in [(2, 3, "[, 1]"), (-2, -1, "[1, 2]"), (0, 0, "[3]"), (3, 99, "[1, 2]"), (4, 1, "[]")] {
        assert_eq!(shown("ARRAY_SLICE", &[a.clone(), int(start), int(end)]), want, "{start} {end}");
    }
    assert_eq!(shown("ARRAY_SORT", &[a.clone()]), "[, 1, 2, 3]");
    assert_eq!(shown("ARRAY_SORT", &[a.clone(), flag(false)]), "[3, 2, 1, ]");
    assert_eq!(shown("ARRAY_SORT", &[a.clone(), flag(false), flag(true)]), "[, 3, 2, 1]");
    assert_eq!(shown("ARRAY_MAX", &[a.clone()]), "3");
    assert_eq!(shown("ARRAY_MIN", &[a]), "1");
    assert_eq!(shown("ARRAY_MIN", &[ints(&[None])]), "NULL");
}

#[test]
fn maps() {
    let (keys, values) = (ints(&[Some(2), Some(1), Some(2)]), ints(&[Some(20), None, Some(21)]));
    assert_eq!(shown("MAP_FROM_ARRAYS", &[keys.clone(), values.clone()]), "{1: , 2: 21}");
    assert!(call("MAP_FROM_ARRAYS", &[keys, ints(&[None])]).is_err());
    assert_eq!(ok("STR_TO_MAP", &[t("b=1,a,b=2,,")]), "{a: , b: 2}");
    assert_eq!(ok("STR_TO_MAP", &[t("k1:v1;k2:v:2"), t(";"), t(":")]), "{k1: v1, k2: v:2}");
    assert_eq!(ok("STR_TO_MAP", &[t("")]), "{}");
}

#[test]
fn joining_leaves_nulls_out() {
    let list = ListArray::new(
        Arc::new(arrow::datatypes::Field::new("item", arrow::datatypes::DataType::Utf8, true)),
        arrow::buffer::OffsetBuffer::from_lengths([3]),
        Arc::new(StringArray::from(vec![None, Some("b"), Some("c")])),
        None,
    );
    let array = (DataType::nullable(TypeKind::Array(Box::new(DataType::string()))), Arc::new(list) as ArrayRef);
    let text = |s: &str| given(TypeKind::Varchar(9), Value::Text(s.into()));
    assert_eq!(shown("ARRAY_JOIN", &[array.clone(), text("+")]), "b+c");
    assert_eq!(shown("ARRAY_JOIN", &[array, text("+"), text("")]), "+b+c");
}

#[test]
fn construction_and_access() {
    let a = shown("ARRAY", &[int(3), given(TypeKind::Int, Value::Null)]);
    assert_eq!(a, "[3, ]");
    assert_eq!(shown("MAP", &[int(2), int(20), int(1), int(10), int(2), int(21)]), "{1: 10, 2: 21}");
    assert!(call("MAP", &[int(2)]).is_err());
    assert!(call("ARRAY", &[]).is_err());
    let items = ints(&[Some(7), None]);
    assert_eq!(shown("ITEM", &[items.clone(), given(TypeKind::BigInt, Value::Int(1))]), "7");
    assert_eq!(shown("ITEM", &[items.clone(), given(TypeKind::BigInt, Value::Int(3))]), "NULL");
    assert_eq!(shown("CARDINALITY", &[items.clone()]), "2");
    assert!(call("ELEMENT", &[items]).is_err());
    assert_eq!(shown("ELEMENT", &[ints(&[Some(5)])]), "5");
    assert_eq!(shown("ELEMENT", &[ints(&[])]), "NULL");
}
