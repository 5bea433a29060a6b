//! Casts over single values, by text.

use arrow::array::{Array, ArrayRef, StringArray};
use wasmill_plan::{DataType, TypeKind as K};

use super::kernel;
use crate::display::write_text;
use crate::{ColumnValue, Context};

fn cast(values: ArrayRef, from: &DataType, to: &DataType, safe: bool) -> Result<String, String> {
    let args = [ColumnValue::Column(values)];
    let mut kernel = kernel(from, to, safe).map_err(|e| e.to_string())?;
    let array = kernel.evaluate(&args, 1, &Context::default()).map_err(|e| e.to_string())?;
    assert_eq!(array.data_type(), &to.to_arrow());
    let mut out = Vec::new();
    write_text(&array, 0, to, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

/// Casts a text through the types in turn.
fn through(text: &str, kinds: &[K]) -> Result<String, String> {
    let mut array: ArrayRef = std::sync::Arc::new(StringArray::from(vec![text]));
    let mut from = DataType::string();
    for kind in kinds {
        let to = DataType::nullable(kind.clone());
        let args = [ColumnValue::Column(array)];
        let mut kernel = kernel(&from, &to, false).map_err(|e| e.to_string())?;
        array = kernel.evaluate(&args, 1, &Context::default()).map_err(|e| e.to_string())?;
        from = to;
    }
    let mut out = Vec::new();
    write_text(&array, 0, &from, &mut out);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn as_flink() {
    let text = K::Varchar(wasmill_plan::MAX_LENGTH);
    let cases: Vec<(&str, Vec<K>, &str)> = vec![
        ("1.234", vec![K::TinyInt], "1"),
        ("-12345678901", vec![K::BigInt, K::TinyInt], "-53"),
        ("123456.789", vec![K::Double, K::SmallInt], "-7616"),
        ("9.23456789112345E9", vec![K::Double, K::Int], "2147483647"),
        ("91235.87", vec![K::Decimal(10, 3), K::SmallInt], "25699"),
        ("1.2392345678911235E12", vec![K::Double, K::Float], "1.23923451E12"),
        ("3276913443134.87", vec![K::Decimal(20, 3), K::Double], "3.27691344313487E12"),
        ("3.123456", vec![K::Double, K::Decimal(8, 4)], "3.1235"),
        ("12345.678912", vec![K::Float, K::Decimal(8, 4)], "NULL"),
        ("-1.7976931348623157E308", vec![K::Double, K::Float], "-Infinity"),
        ("foo", vec![K::Char(5), text.clone()], "foo  "),
        ("FC", vec![K::Binary(3)], "x'464300'"),
        ("2021-09-24 12:34:56.1234567", vec![K::Timestamp(4), text.clone()], "2021-09-24 12:34:56.1234"),
        ("2021-09-24 12:34:56.1", vec![K::TimestampLtz(3)], "2021-09-24 12:34:56.100Z"),
        ("1500-04-30 12:00:00.123456789", vec![K::Timestamp(6)], "1500-04-30 12:00:00.123456"),
        ("23", vec![K::Time(0), K::Timestamp(0)], "1970-01-01 23:00:00"),
        ("2021-09", vec![K::Date], "2021-09-01"),
        ("1e-4", vec![K::Double, text.clone()], "1.0E-4"),
        ("yes", vec![K::Boolean, K::Decimal(5, 3)], "1.000"),
    ];
    for (input, kinds, expected) in cases {
        assert_eq!(through(input, &kinds).as_deref(), Ok(expected), "{input} through {kinds:?}");
    }
}

#[test]
fn what_cannot_be_cast_is_quoted_or_null() {
    let values: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["foo"]));
    for kind in [K::Int, K::Double, K::Decimal(5, 3), K::Date, K::Time(0), K::Timestamp(9), K::Boolean] {
        let to = DataType::nullable(kind);
        let error = cast(values.clone(), &DataType::string(), &to, false).unwrap_err();
        assert!(error.contains("'foo'"), "{error}");
        assert_eq!(cast(values.clone(), &DataType::string(), &to, true).as_deref(), Ok("NULL"));
    }
    let refused = kernel(&DataType::nullable(K::Timestamp(3)), &DataType::nullable(K::Int), false);
    assert!(refused.is_err());
}
