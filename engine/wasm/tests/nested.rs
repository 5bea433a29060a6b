//! ARRAY, MAP, MULTISET and ROW in columns: there and back, and guests that give them broken.

mod support;

use std::sync::Arc;

use arrow::array::Array as _;
use arrow::array::builder::{Int32Builder, MapBuilder, MapFieldNames, StringBuilder};
use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as Arrow, Field as ArrowField, Int32Type};
use support::*;
use wasmill_plan::TypeKind::{self, *};
use wasmill_plan::{DataType, Field};

const STRING: TypeKind = Varchar(i32::MAX as u32);

/// Gives argument 0 back as it came, by copying its structure; then `after`, with $c its address and $child that of its first
/// child.
fn echo(after: &str) -> String {
    format!(
        "(module {ABI}
        (func (export \"f__cols\") (param $in i32) (param $out i32) (result i32) (local $c i32) (local $child i32)
          (local.set $c (i32.load (local.get $out)))
          (memory.copy (local.get $c) (i32.load offset=8 (local.get $in)) (i32.const 64))
          (local.set $child (i32.load offset=32 (local.get $c)))
          {after} (i32.const 0)))"
    )
}

fn array_of(kind: TypeKind) -> TypeKind {
    Array(Box::new(DataType::nullable(kind)))
}

fn row() -> TypeKind {
    Row(vec![Field::new("n", DataType::nullable(Int)), Field::new("tags", DataType::nullable(array_of(STRING)))])
}

fn lists() -> ArrayRef {
    let rows = [Some(vec![Some(1), None, Some(3)]), None, Some(vec![]), Some(vec![Some(4)])];
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows))
}

fn maps(counts: bool) -> ArrayRef {
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), Int32Builder::new());
    for (key, value) in [("a", Some(1)), ("b", if counts { Some(2) } else { None })] {
        builder.keys().append_value(key);
        builder.values().append_option(value);
    }
    builder.append(true).unwrap();
    builder.append(false).unwrap();
    builder.keys().append_value("ç");
    builder.values().append_value(7);
    builder.append(true).unwrap();
    Arc::new(builder.finish())
}

fn structs() -> ArrayRef {
    let texts = StringArray::from(vec![Some("x"), None, Some("zz"), Some("w")]);
    let item = Arc::new(ArrowField::new("item", Arrow::Utf8, true));
    let nulls = Some(NullBuffer::from(vec![true, false, true]));
    let tags = ListArray::new(item, OffsetBuffer::new(vec![0, 2, 2, 4].into()), Arc::new(texts), nulls);
    let fields = vec![
        Arc::new(ArrowField::new("n", Arrow::Int32, true)),
        Arc::new(ArrowField::new("tags", tags.data_type().clone(), true)),
    ];
    let nulls = Some(NullBuffer::from(vec![true, true, false]));
    Arc::new(StructArray::new(fields.into(), vec![ints(&[Some(1), None, Some(3)]), Arc::new(tags)], nulls))
}

#[test]
fn nested_types_cross() {
    let rows = structs();
    let item = Arc::new(ArrowField::new("item", rows.data_type().clone(), true));
    let of_rows: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::new(vec![0, 1, 3].into()), rows.clone(), None));
    let cases = [
        (array_of(Int), lists()),
        (Map(Box::new(DataType::nullable(STRING)), Box::new(DataType::nullable(Int))), maps(false)),
        (Multiset(Box::new(DataType::nullable(STRING))), maps(true)),
        (row(), rows),
        (array_of(row()), of_rows),
    ];
    for (kind, array) in cases {
        assert_eq!(array.data_type(), &kind.to_arrow(), "{kind}");
        let f = create(&echo(""), spec(&[kind.clone()], kind.clone(), &[])).unwrap();
        let mut scalar = f.scalar();
        for (from, rows) in [(0, array.len()), (1, array.len() - 1), (0, 2), (1, 1)] {
            let slice = array.slice(from, rows);
            let result = scalar.evaluate(&[slice.clone()], rows).unwrap();
            assert_eq!(result.to_data(), slice.to_data(), "{kind} from {from}");
        }
        let constant = scalar.evaluate(&[array.slice(0, 1)], 3).unwrap();
        assert_eq!((constant.len(), constant.slice(2, 1).to_data()), (3, array.slice(0, 1).to_data()), "{kind}");
    }
    let plain = "(module (memory 1) (func (export \"f\") (param i32) (result i32) (i32.const 0)))";
    let e = create(plain, spec(&[array_of(Int)], Int, &[])).err().unwrap();
    says(&full_text(&e), "which a plain export cannot take or give");
}

#[test]
fn broken_nested_results() {
    let error = |kind: TypeKind, array: ArrayRef, after: &str| {
        let f = create(&echo(after), spec(&[kind.clone()], kind, &[])).unwrap();
        f.scalar().evaluate(&[array.clone()], array.len()).unwrap_err().to_string()
    };
    let child = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $child) (i32.const {value}))");
    let own = |offset: u32, value: i64| format!("(i32.store offset={offset} (local.get $c) (i32.const {value}))");
    let list = |after: &str| error(array_of(Int), lists().slice(0, 1), after);
    says(&list(&child(8, 2)), "12 bytes of values, 8 are needed for 2 rows");
    says(&list(&(child(8, 2) + &child(28, 8))), "the last offset of its lists is 3, there are 2 elements");
    says(&list(&child(8, -1)), "of 536870912 bytes, beyond the end of its memory");
    says(&list(&child(4, 1)), "a child of its result is constant");
    says(&list(&child(0, 9)), "changed the type of its result to code 9");
    says(&list(&own(36, 0)), "its result has 0 children, 1 are needed");
    says(&list(&own(32, -8)), "its result structure at");
    says(
        &list("(i32.store (i32.load offset=20 (local.get $c)) (i32.const -1))"),
        "the first offset of its lists is -1",
    );
    says(
        &list("(i32.store (i32.load offset=20 (local.get $c)) (i32.const 9))"),
        "the offsets of its lists fall from 9 to 3",
    );
    let map = Map(Box::new(DataType::nullable(STRING)), Box::new(DataType::nullable(Int)));
    let of_map = |after: &str| error(map.clone(), maps(false).slice(0, 1), after);
    // The values' child lies behind the keys'.
    says(
        &of_map(&(child(64 + 8, 1) + &child(64 + 28, 4) + &child(64 + 16, 0) + &child(64 + 12, 0))),
        "its maps have 2 keys and 1 values",
    );
    let null_key = "(i32.store8 (i32.const 8) (i32.const 2)) (i32.store offset=16 (local.get $child) (i32.const 8)) (i32.store offset=12 (local.get $child) (i32.const 1))";
    says(&of_map(null_key), "a map with a NULL key");
    let bag = Multiset(Box::new(DataType::nullable(STRING)));
    let zero = "(i32.store (i32.load offset=88 (local.get $child)) (i32.const 0))";
    says(&error(bag, maps(true).slice(0, 1), zero), "a MULTISET with 0 of an element");
    let of_row = |after: &str| error(row(), structs().slice(0, 1), after);
    says(&of_row(&child(8, 0)), "a field of its rows has 0 values for 1 rows");
    // A DATE inside an ARRAY is held to its range.
    let dates: ArrayRef = {
        let item = Arc::new(ArrowField::new("item", Arrow::Date32, true));
        let values = Arc::new(Date32Array::from(vec![1]));
        Arc::new(ListArray::new(item, OffsetBuffer::new(vec![0, 1].into()), values, None))
    };
    let late = "(i32.store (i32.load offset=24 (local.get $child)) (i32.const 9999999))";
    says(&error(array_of(Date), dates, late), "day 9999999 since 1970, which is outside DATE");
}
