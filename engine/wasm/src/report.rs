//! Rows as error messages show them.

use arrow::array::{Array, ArrayRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use wasmill_plan::Field;

/// What an error shows of one value.
const VALUE_CHARS_MAX: usize = 80;

/// `row 3 of a batch of 8192 with amount = -4.0`.
pub(crate) fn row_text(row: usize, rows: usize, names: &[Field], args: &[ArrayRef]) -> String {
    let value = |(field, array): (&Field, &ArrayRef)| {
        format!("{} = {}", field.name, value_text(array, if array.len() == rows { row } else { 0 }))
    };
    let values: Vec<String> = names.iter().zip(args).map(value).collect();
    let with = if values.is_empty() { "" } else { " with " };
    format!("row {row} of a batch of {rows}{with}{}", values.join(", "))
}

fn value_text(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    let options = FormatOptions::default();
    let text = match ArrayFormatter::try_new(array, &options) {
        Ok(formatter) => formatter.value(row).try_to_string().unwrap_or_else(|e| format!("<{e}>")),
        Err(e) => format!("<{e}>"),
    };
    let quoted = matches!(array.data_type(), arrow::datatypes::DataType::Utf8);
    let mut shown: String = text.chars().take(VALUE_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(VALUE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    if quoted { format!("'{shown}'") } else { shown }
}
