//! Literal values.

use std::sync::Arc;

use arrow::array::{self, Array, ArrayRef};
use arrow::datatypes::{DataType as A, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::DataType;

/// A literal; its meaning comes with the [`DataType`] beside it. ARRAY, MAP and ROW literals are calls, not values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// NULL of any type.
    Null,
    /// A BOOLEAN.
    Boolean(bool),
    /// Integers; DATE in days, TIME and day-time intervals in ms, year-month intervals in months; timestamps in the unit of
    /// their Arrow type, since the epoch.
    Int(i64),
    /// FLOAT and DOUBLE.
    Float(f64),
    /// The unscaled value of a DECIMAL.
    Decimal(i128),
    /// CHAR and VARCHAR.
    Text(String),
    /// BINARY, VARBINARY and BITMAP.
    Bytes(Vec<u8>),
}

impl Value {
    /// A column of `rows` times this value.
    ///
    /// # Panics
    /// If the value is not one of `data_type`: the planner made a wrong literal.
    pub fn to_array(&self, data_type: &DataType, rows: usize) -> ArrayRef {
        let arrow = data_type.to_arrow();
        macro_rules! ints {
            ($array:ident, $v:expr) => {
                Arc::new(array::$array::from_value($v as _, rows))
            };
        }
        match (self, &arrow) {
            (Self::Null, _) => array::new_null_array(&arrow, rows),
            (Self::Boolean(v), A::Boolean) => Arc::new(array::BooleanArray::from(vec![*v; rows])),
            (Self::Int(v), A::Int8) => ints!(Int8Array, *v),
            (Self::Int(v), A::Int16) => ints!(Int16Array, *v),
            (Self::Int(v), A::Int32) => ints!(Int32Array, *v),
            (Self::Int(v), A::Int64) => ints!(Int64Array, *v),
            (Self::Int(v), A::Date32) => ints!(Date32Array, *v),
            (Self::Int(v), A::Time32(TimeUnit::Millisecond)) => ints!(Time32MillisecondArray, *v),
            (Self::Int(v), A::Interval(_)) => ints!(IntervalYearMonthArray, *v),
            (Self::Int(v), A::Duration(TimeUnit::Millisecond)) => {
                ints!(DurationMillisecondArray, *v)
            }
            (Self::Int(v), A::Timestamp(unit, zone)) => {
                let zone = zone.clone();
                match unit {
                    TimeUnit::Millisecond => {
                        Arc::new(array::TimestampMillisecondArray::from_value(*v, rows).with_timezone_opt(zone))
                    }
                    TimeUnit::Microsecond => {
                        Arc::new(array::TimestampMicrosecondArray::from_value(*v, rows).with_timezone_opt(zone))
                    }
                    _ => Arc::new(array::TimestampNanosecondArray::from_value(*v, rows).with_timezone_opt(zone)),
                }
            }
            (Self::Float(v), A::Float32) => ints!(Float32Array, *v),
            (Self::Float(v), A::Float64) => ints!(Float64Array, *v),
            (Self::Decimal(v), A::Decimal128(..)) => {
                Arc::new(array::Decimal128Array::from_value(*v, rows).with_data_type(arrow.clone()))
            }
            (Self::Text(v), A::Utf8) => Arc::new(array::StringArray::from_iter_values(std::iter::repeat_n(v, rows))),
            (Self::Bytes(v), A::Binary) => Arc::new(array::BinaryArray::from_iter_values(std::iter::repeat_n(v, rows))),
            (value, arrow) => panic!("a literal {value:?} of type {arrow}"),
        }
    }

    /// Row `row` of a column, where its type has literals (everything but ARRAY, MAP, MULTISET and ROW).
    pub fn from_array(array: &dyn Array, row: usize) -> Option<Self> {
        use arrow::array::AsArray;
        use arrow::datatypes as t;
        if array.is_null(row) {
            return Some(Self::Null);
        }
        macro_rules! int {
            ($t:ident) => {
                Self::Int(array.as_primitive::<t::$t>().value(row) as i64)
            };
        }
        Some(match array.data_type() {
            A::Null => Self::Null,
            A::Boolean => Self::Boolean(array.as_boolean().value(row)),
            A::Int8 => int!(Int8Type),
            A::Int16 => int!(Int16Type),
            A::Int32 => int!(Int32Type),
            A::Int64 => int!(Int64Type),
            A::Date32 => int!(Date32Type),
            A::Time32(TimeUnit::Millisecond) => int!(Time32MillisecondType),
            A::Interval(_) => int!(IntervalYearMonthType),
            A::Duration(TimeUnit::Millisecond) => int!(DurationMillisecondType),
            A::Timestamp(TimeUnit::Millisecond, _) => int!(TimestampMillisecondType),
            A::Timestamp(TimeUnit::Microsecond, _) => int!(TimestampMicrosecondType),
            A::Timestamp(TimeUnit::Nanosecond, _) => int!(TimestampNanosecondType),
            A::Float32 => Self::Float(array.as_primitive::<t::Float32Type>().value(row) as f64),
            A::Float64 => Self::Float(array.as_primitive::<t::Float64Type>().value(row)),
            A::Decimal128(..) => Self::Decimal(array.as_primitive::<t::Decimal128Type>().value(row)),
            A::Utf8 => Self::Text(array.as_string::<i32>().value(row).to_owned()),
            A::Binary => Self::Bytes(array.as_binary::<i32>().value(row).to_owned()),
            _ => return None,
        })
    }
}
