//! Stamps rows with the time at which they arrive, and gives watermarks by the same clock: what turns windows in processing
//! time into windows over a column.
//!
//! ```text
//! rows, their watermarks --> rows + the clock's time, watermark: one millisecond before that time     pause --> watermark
//! ```
//!
//! Event time ends here: watermarks from upstream are not passed, but for the last. So that time never runs backwards, not
//! even after a restore on a machine whose clock is behind, the highest time that was given is the operator's state.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMillisecondArray, UInt16Array};
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema, SchemaRef};
use wasmill_plan::{Error, Result, Schema};

use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, WatermarkStep};
use crate::clock::Clock;
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::{KEY_GROUP_COLUMN, Scope, StateTable, expect_columns};

/// See [`wasmill_plan::Operator::ProcessingTime`].
pub struct ProcessingTimeOperator {
    clock: Arc<dyn Clock>,
    output: SchemaRef,
    time: Reached,
}

/// State table `processing_time`: `$key_group`, `reached` (Int64, ms since the epoch). A row per instance; the highest counts.
struct Reached(i64);

impl ProcessingTimeOperator {
    /// With the job's clock.
    pub fn new(output: &Schema, context: &OperatorContext) -> Self {
        Self { clock: context.clock.clone(), output: output.to_arrow(), time: Reached(NO_WATERMARK) }
    }

    /// The clock's time, or the highest that it has shown.
    fn now(&mut self) -> i64 {
        self.time.0 = self.time.0.max(self.clock.now_ms());
        self.time.0
    }
}

impl Operator for ProcessingTimeOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let before = if self.time.0 == NO_WATERMARK { NO_WATERMARK } else { self.time.0 - 1 };
        let now = self.now();
        let zone = match self.output.fields().last().map(|f| f.data_type()) {
            Some(A::Timestamp(_, zone)) => zone.clone(),
            _ => return Err(Error::query("the time of arrival is appended as a timestamp")),
        };
        let times = TimestampMillisecondArray::from_value(now, batch.len()).with_timezone_opt(zone);
        let mut columns = batch.rows.columns().to_vec();
        columns.push(Arc::new(times));
        let rows = RecordBatch::try_new(self.output.clone(), columns)?;
        // All rows of the batch have the same time, so none is late for a watermark right before it.
        let steps = if now - 1 > before {
            vec![WatermarkStep { after_row: batch.len() as u32 - 1, watermark: now - 1 }]
        } else {
            Vec::new()
        };
        out.emit(Batch { rows, watermark: before, steps, ..batch });
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, _out: &mut dyn Output) -> Result<i64> {
        Ok(if watermark == MAX_WATERMARK { MAX_WATERMARK } else { NO_WATERMARK })
    }

    fn on_pause(&mut self, _out: &mut dyn Output) -> Result<Option<i64>> {
        Ok(Some(self.now() - 1))
    }

    fn needs_pauses(&self) -> bool {
        true
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.time]
    }
}

impl Reached {
    fn schema() -> SchemaRef {
        Arc::new(ArrowSchema::new(vec![
            Field::new(KEY_GROUP_COLUMN, A::UInt16, false),
            Field::new("reached", A::Int64, false),
        ]))
    }
}

impl StateTable for Reached {
    fn name(&self) -> &'static str {
        "processing_time"
    }
    fn scope(&self) -> Scope {
        Scope::Instance
    }
    fn save(&mut self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(UInt16Array::from(vec![0])), Arc::new(Int64Array::from(vec![self.0]))];
        Ok(RecordBatch::try_new(Self::schema(), columns)?)
    }
    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns(self.name(), &Self::schema(), &rows)?;
        self.0 = rows.column(1).as_primitive::<Int64Type>().values().iter().copied().max().unwrap_or(NO_WATERMARK);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasmill_plan::Operator as Node;

    use super::*;
    use crate::clock::ManualClock;
    use crate::harness::Harness;

    #[test]
    fn rows_carry_the_time_of_arrival_and_watermarks_follow_the_clock() {
        let mut harness = Harness::new(Node::ProcessingTime, &["v INT"], "v INT, at TIMESTAMP_LTZ(3)");
        harness.context.clock = Arc::new(ManualClock::at(61_000));
        harness.check(
            "1

             watermark 2024-01-01 00:00:00
             2
             end",
            "+I 1 | 00:01:01
             watermark 00:01:00.999
             +I 2 | 00:01:01
             watermark MAX",
        );
    }

    #[test]
    fn time_stands_still_where_the_clock_is_set_back() {
        let clock = Arc::new(ManualClock::at(5_000));
        let mut context = crate::testing::operator_context("p");
        context.clock = clock.clone();
        let schema = crate::testing::rows::schema("at TIMESTAMP_LTZ(3)");
        let mut operator = ProcessingTimeOperator::new(&schema, &context);
        assert_eq!(operator.now(), 5_000);
        let saved = operator.time.save().unwrap();
        clock.set(1_000);
        let mut restored = ProcessingTimeOperator::new(&schema, &context);
        restored.time.load(saved).unwrap();
        assert_eq!(restored.now(), 5_000);
        clock.set(7_000);
        assert_eq!(restored.now(), 7_000);
    }
}
