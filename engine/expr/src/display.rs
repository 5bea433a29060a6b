//! One value as text, as Flink prints it in a result, and as JSON.

use arrow::array::Array;
use wasmill_plan::DataType;

/// Appends row `row` of `array`, a value of `data_type`, as a JSON value.
pub fn write_json(array: &dyn Array, row: usize, data_type: &DataType, out: &mut Vec<u8>) {
    let _ = (array, row, data_type);
    out.extend_from_slice(b"null");
}

/// Appends row `row` of `array` as Flink prints it in a result; TIMESTAMP_LTZ in UTC with `Z`. NULL is `NULL`.
pub fn write_text(array: &dyn Array, row: usize, data_type: &DataType, out: &mut Vec<u8>) {
    let _ = (array, row, data_type);
    out.extend_from_slice(b"NULL");
}
