//! Flink's own output for the same rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, StringArray};

use super::*;

#[test]
fn values_are_written_as_flink_writes_them() {
    let options =
        JsonEncodeOptions { timestamp_format: TimestampFormat::Sql, plain_decimals: false, ignore_null_fields: false };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("b", Arc::new(StringArray::from(vec![Some("a,b\"c/é\u{1}"), None]))),
        ("c", Arc::new(Float64Array::from(vec![1e10, f64::NAN]))),
        ("i", Arc::new(Decimal128Array::from(vec![1, 1]).with_precision_and_scale(10, 8).unwrap())),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let names = ["b", "c", "i"].map(String::from);
    let mut out = Vec::new();
    JsonEncoder::new(options, &names).encode(&rows, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"b\":\"a,b\\\"c/é\\u0001\",\"c\":1.0E10,\"i\":1E-8}\n{\"b\":null,\"c\":\"NaN\",\"i\":1E-8}\n"
    );
    let mut out = Vec::new();
    let options = JsonEncodeOptions { plain_decimals: true, ignore_null_fields: true, ..options };
    JsonEncoder::new(options, &names).encode(&rows.slice(1, 1), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "{\"c\":\"NaN\",\"i\":0.00000001}\n");
}
