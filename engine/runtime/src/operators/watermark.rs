//! Gives watermarks as Flink's assigner does
//! (<https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/table/sql/create/#watermark>).
//!
//! After each row the expression may raise the current watermark. It is given at once where it has risen by more than
//! `pipeline.auto-watermark-interval` since the last one given; what is held back comes with the next rise, when the source
//! pauses, or at the end. Both start at the epoch, so that a watermark before 1970 is never given.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt16Array};
use arrow::datatypes::{self as arrow_types, DataType as A, TimeUnit};
use wasmill_expr::Evaluator;
use wasmill_plan::{Error, Expr, Result, Schema};

use super::evaluation::Evaluation;
use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, WatermarkStep};
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::{KEY_GROUP_COLUMN, Scope, StateTable};

/// Passes rows and raises the watermark behind them; watermarks from upstream end here, but for the last.
pub struct WatermarkOperator {
    time_column: usize,
    time_name: String,
    evaluator: Evaluator,
    evaluation: Evaluation,
    interval_ms: i64,
    progress: Progress,
}

/// State `watermark`: columns current BIGINT, given BIGINT; one row per instance. Loading several takes the lowest.
struct Progress {
    /// The highest value of the expression.
    current: i64,
    /// The last watermark given.
    given: i64,
}

impl Progress {
    fn start() -> Self {
        Self { current: 0, given: NO_WATERMARK }
    }
}

impl WatermarkOperator {
    /// See [`wasmill_plan::Operator::Watermark`].
    ///
    /// # Errors
    /// `Error::Query` where the expression cannot be prepared, or is no timestamp.
    pub fn new(
        time_column: usize,
        expr: &Expr,
        input: &Schema,
        _output: &Schema,
        context: &OperatorContext,
    ) -> Result<Self> {
        if !expr.data_type.kind.is_timestamp() {
            return Err(Error::query(format!("a watermark is a TIMESTAMP or TIMESTAMP_LTZ, not {}", expr.data_type)));
        }
        Ok(Self {
            time_column,
            time_name: input.fields[time_column].name.clone(),
            evaluator: Evaluator::new(expr, &*context.functions)?,
            evaluation: Evaluation::new(context, [expr]),
            interval_ms: context.watermark_interval_ms,
            progress: Progress::start(),
        })
    }
}

impl Operator for WatermarkOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        if batch.rows.column(self.time_column).null_count() > 0 {
            return Err(Error::data(format!(
                "rowtime is NULL: column '{}' is the time attribute and every row needs its time; filter such rows out \
                 before, or give them a time with COALESCE in a computed column",
                self.time_name
            )));
        }
        let marks = self.evaluator.evaluate(&batch.rows, self.evaluation.of(&batch))?;
        let marks = milliseconds(&marks)?;
        let watermark = self.progress.given;
        let mut steps = Vec::new();
        let mut current = self.progress.current;
        let mut given = self.progress.given.max(0);
        for (row, &mark) in marks.values().iter().enumerate() {
            if mark > current && marks.is_valid(row) {
                current = mark;
                if current.saturating_sub(given) > self.interval_ms {
                    given = current;
                    steps.push(WatermarkStep { after_row: row as u32, watermark: current });
                }
            }
        }
        self.progress.current = current;
        self.progress.given = steps.last().map_or(watermark, |s| s.watermark);
        out.emit(Batch { watermark, steps, ..batch });
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, _out: &mut dyn Output) -> Result<i64> {
        if watermark == MAX_WATERMARK {
            self.progress.given = MAX_WATERMARK;
        }
        Ok(self.progress.given)
    }

    fn on_pause(&mut self, _out: &mut dyn Output) -> Result<Option<i64>> {
        let rises = self.progress.current > self.progress.given.max(0);
        Ok(rises.then(|| {
            self.progress.given = self.progress.current;
            self.progress.given
        }))
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.progress]
    }
}

/// A column of timestamps in ms, rounded down.
fn milliseconds(array: &ArrayRef) -> Result<Int64Array> {
    let scaled = |array: Int64Array, per_ms: i64| array.unary::<_, arrow_types::Int64Type>(|v| v.div_euclid(per_ms));
    Ok(match array.data_type() {
        A::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<arrow_types::TimestampMillisecondType>().reinterpret_cast()
        }
        A::Timestamp(TimeUnit::Microsecond, _) => {
            scaled(array.as_primitive::<arrow_types::TimestampMicrosecondType>().reinterpret_cast(), 1_000)
        }
        A::Timestamp(TimeUnit::Nanosecond, _) => {
            scaled(array.as_primitive::<arrow_types::TimestampNanosecondType>().reinterpret_cast(), 1_000_000)
        }
        other => return Err(Error::query(format!("a watermark is a timestamp, not {other}"))),
    })
}

impl StateTable for Progress {
    fn name(&self) -> &'static str {
        "watermark"
    }
    fn scope(&self) -> Scope {
        Scope::Instance
    }
    fn save(&mut self) -> Result<RecordBatch> {
        Ok(RecordBatch::try_from_iter([
            (KEY_GROUP_COLUMN, Arc::new(UInt16Array::from(vec![0])) as ArrayRef),
            ("current", Arc::new(Int64Array::from(vec![self.current])) as ArrayRef),
            ("given", Arc::new(Int64Array::from(vec![self.given])) as ArrayRef),
        ])?)
    }
    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        *self = Self::start();
        let lowest = |column: usize| {
            let values = rows.columns().get(column).and_then(|c| c.as_primitive_opt::<arrow_types::Int64Type>());
            let values = values.ok_or_else(|| Error::Corrupt { message: "state 'watermark' is no BIGINT".into() })?;
            Ok::<_, Error>(values.values().iter().copied().min())
        };
        if let (Some(current), Some(given)) = (lowest(1)?, lowest(2)?) {
            *self = Self { current, given };
        }
        Ok(())
    }
}
