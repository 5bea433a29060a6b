//! ML_PREDICT by a model that learns from another stream: INSERT INTO MODEL.
//!
//! ```text
//! port 0: rows to predict  \ wait for the watermark --in the order of time--> predict --> input columns + predicted columns
//! port 1: rows with labels /                          (predictions first)      learn
//! ```
//!
//! One instance has both, so what is predicted depends on neither batches nor parallelism. A row behind the watermark is taken when it
//! comes. Without time attributes all rows are.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::datatypes::SchemaRef;
use wasmill_expr::Evaluator;
use wasmill_plan::{Error, Expr, Predict, Result, Schema};

use super::evaluation::Evaluation;
use super::over::pending::{Due, Part, Pending, times};
use super::predict::Learnt;
use crate::batch::{Batch, take_rows};
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::StateTable;

/// The names of the state tables of rows that wait, by port.
const WAITING: [&str; 2] = ["predictions", "labels"];

/// See [`wasmill_plan::Predict::feedback`]. State tables: `model` as that of a prediction, `predictions` and `labels`.
pub(crate) struct LearnOperator {
    model: Learnt,
    args: Vec<Evaluator>,
    /// Of the rows with labels: the INPUT columns, then the labels.
    feedback: Vec<Evaluator>,
    evaluation: Evaluation,
    schema: SchemaRef,
    time_columns: Option<[usize; 2]>,
    waiting: [Pending; 2],
}

impl LearnOperator {
    /// From the plan's node.
    ///
    /// # Errors
    /// `Error::Query` where there is no such model, or an argument cannot be prepared.
    pub(crate) fn new(node: &Predict, inputs: &[Schema], output: &Schema, context: &OperatorContext) -> Result<Self> {
        let functions = &*context.functions;
        let feedback = node.feedback.as_ref().expect("the builder asks");
        let evaluators =
            |exprs: &mut dyn Iterator<Item = &Expr>| exprs.map(|e| Evaluator::new(e, functions)).collect::<Result<_>>();
        let learnt = || feedback.args.iter().chain(&feedback.labels);
        Ok(Self {
            model: Learnt { name: node.model.clone(), model: functions.model(&node.model)?, has_learnt: false },
            args: evaluators(&mut node.args.iter())?,
            feedback: evaluators(&mut learnt())?,
            evaluation: Evaluation::new(context, node.args.iter().chain(learnt())),
            schema: output.to_arrow(),
            time_columns: feedback.time_columns.map(|(predictions, labels)| [predictions, labels]),
            waiting: [0, 1].map(|port| Pending::named(WAITING[port], inputs[port].to_arrow(), Vec::new())),
        })
    }

    /// Puts restored rows in their places.
    fn settle(&mut self) -> Result<()> {
        for port in [0, 1] {
            for (rows, _) in self.waiting[port].take_loaded().into_iter().flatten() {
                self.wait(port, rows)?;
            }
        }
        Ok(())
    }

    fn wait(&mut self, port: usize, rows: RecordBatch) -> Result<()> {
        let columns = self.time_columns.expect("rows wait where they have times");
        let times = times(&rows, columns[port])?;
        let keys = vec![0; times.len()];
        self.waiting[port].add(Part::new(rows, times, keys));
        Ok(())
    }

    /// Works on all that waits up to `watermark`, in the order of time.
    fn work_up_to(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        let [predictions, labels] = &mut self.waiting;
        let (predictions, labels) = (predictions.take_due(watermark)?, labels.take_due(watermark)?);
        let (mut predicted, mut learnt) = (0, 0);
        let times_of = |due: &Option<Due>| due.as_ref().map_or(Vec::new(), |due| due.times.clone());
        let (prediction_times, label_times) = (times_of(&predictions), times_of(&labels));
        while predicted < prediction_times.len() || learnt < label_times.len() {
            // Rows of one time are predicted first.
            let next_label = label_times.get(learnt).copied().unwrap_or(i64::MAX);
            let count = prediction_times[predicted..].partition_point(|&time| time <= next_label);
            if let Some(due) = predictions.as_ref().filter(|_| count > 0) {
                self.predict(due.rows.slice(predicted, count), out)?;
                predicted += count;
            }
            let next = prediction_times.get(predicted).copied().unwrap_or(i64::MAX);
            let count = label_times[learnt..].partition_point(|&time| time < next);
            if let Some(due) = labels.as_ref().filter(|_| count > 0) {
                self.learn(&due.rows.slice(learnt, count))?;
                learnt += count;
            }
        }
        Ok(())
    }

    fn take(&mut self, port: usize, rows: RecordBatch, out: &mut dyn Output) -> Result<()> {
        match port {
            0 => self.predict(rows, out),
            _ => self.learn(&rows),
        }
    }

    fn predict(&mut self, rows: RecordBatch, out: &mut dyn Output) -> Result<()> {
        let batch = Batch::append(rows);
        let context = self.evaluation.of(&batch);
        let args: Vec<ArrayRef> =
            self.args.iter_mut().map(|e| e.evaluate(&batch.rows, context)).collect::<Result<_>>()?;
        let count = batch.len();
        let predicted = self.model.model.predict(&args, count)?;
        let columns = batch.rows.columns().iter().cloned().chain(predicted).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|e| Error::query(format!("model '{}' gives other columns than planned: {e}", self.model.name)))?;
        out.emit(Batch::append(rows));
        Ok(())
    }

    fn learn(&mut self, rows: &RecordBatch) -> Result<()> {
        let batch = Batch::append(rows.clone());
        let context = self.evaluation.of(&batch);
        let columns: Vec<ArrayRef> =
            self.feedback.iter_mut().map(|e| e.evaluate(&batch.rows, context)).collect::<Result<_>>()?;
        let (args, labels) = columns.split_at(self.args.len());
        self.model.has_learnt = true;
        self.model.model.learn(args, labels, batch.len())
    }
}

impl Operator for LearnOperator {
    fn on_batch(&mut self, port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        self.settle()?;
        let Some(columns) = self.time_columns else { return self.take(port, batch.rows, out) };
        let (times, marks) = (times(&batch.rows, columns[port])?, batch.row_watermarks());
        let mut begin = 0;
        for row in (0..times.len()).filter(|&row| times[row] <= marks[row]) {
            // What waited for the watermark that it is behind comes before it.
            self.wait(port, batch.rows.slice(begin, row - begin))?;
            self.work_up_to(marks[row], out)?;
            self.take(port, take_rows(&batch.rows, &UInt32Array::from(vec![row as u32])), out)?;
            begin = row + 1;
        }
        self.wait(port, batch.rows.slice(begin, times.len() - begin))
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.settle()?;
        self.work_up_to(watermark, out)?;
        Ok(watermark)
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        let Self { model, waiting: [predictions, labels], .. } = self;
        vec![model, predictions, labels]
    }
}
