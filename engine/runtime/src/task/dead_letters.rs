//! Rows that could not be decoded, as rows of a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use wasmill_plan::{DataType, Field, Result, Schema};

use crate::source::DeadLetter;

/// The columns of a dead-letter table.
pub fn dead_letter_schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::string());
    Schema::new(vec![text("source"), text("place"), text("reason"), Field::new("raw", DataType::bytes())])
}

pub(super) fn dead_letter_rows(letters: &[DeadLetter]) -> Result<RecordBatch> {
    let text =
        |f: fn(&DeadLetter) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(letters.iter().map(f))) };
    let raw: ArrayRef = Arc::new(BinaryArray::from_iter_values(letters.iter().map(|l| &l.raw)));
    let columns = vec![text(|l| &l.source), text(|l| &l.place), text(|l| &l.reason), raw];
    Ok(RecordBatch::try_new(dead_letter_schema().to_arrow(), columns)?)
}
