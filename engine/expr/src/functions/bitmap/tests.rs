//! Tests of the bitmap functions.

use std::sync::Arc;

use arrow::array::{AsArray, Int32Array, ListArray};
use arrow::datatypes::Int32Type;
use wasmill_plan::{DataType, TypeKind};

use crate::function::{Argument, CallSite, ColumnValue, Context};
use crate::functions::testing::{b, call};

/// The bytes that Flink gives for these members.
#[test]
fn serialised_form() {
    let function = crate::registry::find("BITMAP_BUILD").unwrap();
    let array = DataType::not_null(TypeKind::Array(Box::new(DataType::nullable(TypeKind::Int))));
    let signature = (function.infer)(&[Argument { data_type: &array, literal: None }]).unwrap();
    let members = Int32Array::from(vec![Some(i32::MIN), Some(-1), None, Some(1), Some(2), Some(3)]);
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(members.iter().collect::<Vec<_>>())]);
    let site = CallSite { args: signature.args, literals: vec![None], returns: signature.returns };
    let column = ColumnValue::Column(Arc::new(lists));
    let built = (function.kernel)(&site).unwrap().evaluate(&[column], 1, &Context::default()).unwrap();
    let hex: String = built.as_binary::<i32>().value(0).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "3a300000030000000000020000800000ffff00002000000026000000280000000100020003000000ffff");
}

#[test]
fn malformed_bytes_are_the_datas_fault() {
    let empty = [0x3a, 0x30, 0, 0, 0, 0, 0, 0];
    assert_eq!(call("BITMAP_FROM_BYTES", &[b(&empty)]).unwrap(), "3a30000000000000");
    assert!(call("BITMAP_FROM_BYTES", &[b(&[1, 2, 3])]).is_err());
}
