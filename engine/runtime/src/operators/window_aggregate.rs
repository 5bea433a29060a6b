//! Aggregates per window and key: TUMBLE, HOP and CUMULATE in slices ([`super::window_slices`]), SESSION by key
//! ([`super::window_sessions`]), and windows that rows carry already.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMillisecondArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use wasmill_expr::UserFunctions;
use wasmill_plan::{Error, Result, Schema, WindowAggregate, WindowKind, WindowSpec, Windowing};

use super::window_sessions::SessionOperator;
use super::window_slices::SliceAggregateOperator;
use crate::operator::Operator;
use crate::window::LocalTime;

/// How many rows a batch of results has at most.
pub(super) const RESULT_ROWS_MAX: usize = 8192;

/// Makes the operator of a node. `retracting`: the input is a changelog.
///
/// # Errors
/// `Error::Query` for windows or aggregates that cannot be.
pub fn new(
    node: &WindowAggregate,
    input: &Schema,
    output: &Schema,
    retracting: bool,
    functions: &dyn UserFunctions,
) -> Result<Box<dyn Operator>> {
    if let Windowing::Assign(WindowSpec { kind: WindowKind::Session { gap_ms, .. }, .. }) = &node.windowing {
        return Ok(Box::new(SessionOperator::aggregate(node, *gap_ms, input, output, retracting, functions)?));
    }
    Ok(Box::new(SliceAggregateOperator::new(node, input, output, retracting, functions)?))
}

/// A column of times in milliseconds without NULL.
pub(super) fn times(rows: &RecordBatch, column: usize, what: &str) -> Result<ScalarBuffer<i64>> {
    let array = rows.column(column);
    let Some(times) = array.as_primitive_opt::<TimestampMillisecondType>() else {
        return Err(Error::query(format!("{what} must have milliseconds, not the type {}", array.data_type())));
    };
    if times.null_count() > 0 {
        return Err(Error::data(format!("{what} is NULL: filter such rows out, or give them a time")));
    }
    Ok(times.values().clone())
}

/// Builds rows of results with their window columns.
pub(super) struct WindowOutput {
    schema: SchemaRef,
}

impl WindowOutput {
    pub(super) fn new(output: &Schema) -> Self {
        Self { schema: output.to_arrow() }
    }

    /// Rows of `columns` and window_start, window_end and window_time; `starts` and `ends` are local.
    ///
    /// # Errors
    /// `Error::Query` where the plan's output is of other types.
    pub(super) fn rows(
        &self,
        mut columns: Vec<ArrayRef>,
        starts: Vec<Option<i64>>,
        ends: Vec<i64>,
        time: &LocalTime,
    ) -> Result<RecordBatch> {
        let window_times = TimestampMillisecondArray::from_iter_values(ends.iter().map(|&end| time.instant(end - 1)));
        let time_type = self.schema.fields().last().map(|f| f.data_type().clone());
        columns.push(Arc::new(TimestampMillisecondArray::from(starts)));
        columns.push(Arc::new(TimestampMillisecondArray::from(ends)));
        columns.push(match time_type {
            Some(arrow::datatypes::DataType::Timestamp(_, zone)) => Arc::new(window_times.with_timezone_opt(zone)),
            _ => Arc::new(window_times),
        });
        RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|e| Error::query(format!("the columns of a window are not of the plan's types: {e}")))
    }
}

/// The columns of a batch at those places.
pub(super) fn columns(rows: &RecordBatch, indices: &[usize]) -> Vec<ArrayRef> {
    indices.iter().map(|&c| rows.column(c).clone()).collect()
}

/// Arrow types of the columns at those places.
pub(super) fn types(schema: &Schema, indices: &[usize]) -> Vec<arrow::datatypes::DataType> {
    indices.iter().map(|&c| schema.fields[c].data_type.to_arrow()).collect()
}

#[cfg(test)]
mod tests;
