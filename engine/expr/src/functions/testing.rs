//! Calls of functions for tests: each runs on constants and on columns of three rows, which must agree.

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use wasmill_plan::{DataType, Error, Result, TypeKind, Value};

use crate::function::{Argument, CallSite, ColumnValue, Context};
use crate::registry::find;

/// A value and its type.
pub(crate) type Given = (DataType, Value);

/// A STRING.
pub(crate) fn t(text: &str) -> Given {
    (DataType::string(), Value::Text(text.to_owned()))
}

/// An INT.
pub(crate) fn i(number: i64) -> Given {
    (DataType::not_null(TypeKind::Int), Value::Int(number))
}

/// A DOUBLE.
pub(crate) fn d(number: f64) -> Given {
    (DataType::not_null(TypeKind::Double), Value::Float(number))
}

/// A DECIMAL.
pub(crate) fn dec(unscaled: i128, precision: u8, scale: u8) -> Given {
    (DataType::not_null(TypeKind::Decimal(precision, scale)), Value::Decimal(unscaled))
}

/// BYTES.
pub(crate) fn b(bytes: &[u8]) -> Given {
    (DataType::bytes(), Value::Bytes(bytes.to_vec()))
}

/// A NULL of type STRING.
pub(crate) fn null() -> Given {
    (DataType::string(), Value::Null)
}

/// The result as Arrow prints it, `NULL` for NULL; what `infer` says where it refuses.
pub(crate) fn call(name: &str, given: &[Given]) -> Result<String> {
    let function = find(name).unwrap_or_else(|| panic!("no function {name}"));
    let arguments: Vec<_> =
        given.iter().map(|(data_type, value)| Argument { data_type, literal: Some(value) }).collect();
    let signature = (function.infer)(&arguments).map_err(Error::query)?;
    let constants: Vec<ColumnValue> = given
        .iter()
        .zip(&signature.args)
        .map(|((_, value), data_type)| {
            let value = match (value, &data_type.kind) {
                (Value::Int(v), TypeKind::Double) => Value::Float(*v as f64),
                _ => value.clone(),
            };
            ColumnValue::Constant(value.to_array(data_type, 1))
        })
        .collect();
    let columns: Vec<_> = constants.iter().map(|c| ColumnValue::Column(c.to_array(3))).collect();
    let mut site = CallSite {
        args: signature.args.clone(),
        literals: given.iter().map(|(_, value)| Some(value.clone())).collect(),
        returns: signature.returns.clone(),
    };
    let context = Context::default();
    let constant = (function.kernel)(&site)?.evaluate(&constants, 3, &context)?;
    // Clauses stay literals: a planner has no others.
    if !name.starts_with("JSON_") {
        site.literals.iter_mut().for_each(|literal| *literal = None);
    }
    let column = (function.kernel)(&site)?.evaluate(&columns, 3, &context)?;
    assert_eq!(column.len(), 3, "{name}");
    let shown: Vec<String> = [(&constant, 0), (&column, 0), (&column, 2)]
        .into_iter()
        .map(|(array, row)| {
            assert_eq!(array.data_type(), &signature.returns.to_arrow(), "{name}");
            if array.is_null(row) { Ok("NULL".to_owned()) } else { array_value_to_string(array, row) }
        })
        .collect::<Result<_, _>>()?;
    assert!(shown.iter().all(|s| *s == shown[0]), "{name}: {shown:?}");
    Ok(shown[0].clone())
}

/// The result of a call that works.
pub(crate) fn ok(name: &str, given: &[Given]) -> String {
    call(name, given).unwrap_or_else(|e| panic!("{name}{given:?}: {e}"))
}
