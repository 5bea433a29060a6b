//! ML_PREDICT: the output columns of a model beside its input; the model may learn from the rows as they pass.
//!
//! ```text
//! batch --arguments--> predict --------------------------> input columns + predicted columns
//!       --labels-----> learn from each row behind its own prediction, in order of arrival
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch, RecordBatchOptions, UInt16Array};
use arrow::datatypes::{DataType as A, Field, Schema as ArrowSchema, SchemaRef};
use wasmill_expr::{Evaluator, UserModel};
use wasmill_plan::{Error, Expr, Predict, Result, Schema};

use super::evaluation::Evaluation;
use crate::batch::Batch;
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::{KEY_GROUP_COLUMN, StateTable};

/// See [`wasmill_plan::Operator::Predict`].
pub struct PredictOperator {
    model: Learnt,
    args: Vec<Evaluator>,
    labels: Vec<Evaluator>,
    evaluation: Evaluation,
    schema: SchemaRef,
}

/// State table `model`, of a model that learns: `$key_group` (0) and `snapshot` (Binary, as the model itself gives it). One row,
/// from the instance that all rows go to; none from those that saw nothing.
pub(super) struct Learnt {
    pub(super) name: String,
    pub(super) model: Box<dyn UserModel>,
    pub(super) has_learnt: bool,
}

impl PredictOperator {
    /// From the plan's node.
    ///
    /// # Errors
    /// `Error::Query` where there is no such model, or an argument cannot be prepared.
    pub fn new(node: &Predict, output: &Schema, context: &OperatorContext) -> Result<Self> {
        let functions = &*context.functions;
        let evaluators =
            |exprs: &[Expr]| -> Result<Vec<Evaluator>> { exprs.iter().map(|e| Evaluator::new(e, functions)).collect() };
        Ok(Self {
            model: Learnt { name: node.model.clone(), model: functions.model(&node.model)?, has_learnt: false },
            args: evaluators(&node.args)?,
            labels: evaluators(&node.labels)?,
            evaluation: Evaluation::new(context, node.args.iter().chain(&node.labels)),
            schema: output.to_arrow(),
        })
    }
}

impl Operator for PredictOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let count = batch.len();
        let context = self.evaluation.of(&batch);
        let columns = |evaluators: &mut Vec<Evaluator>| -> Result<Vec<ArrayRef>> {
            evaluators.iter_mut().map(|e| e.evaluate(&batch.rows, context)).collect()
        };
        let (args, labels) = (columns(&mut self.args)?, columns(&mut self.labels)?);
        let Learnt { name, model, has_learnt } = &mut self.model;
        let predicted = match labels.as_slice() {
            [] => model.predict(&args, count)?,
            labels => {
                *has_learnt = true;
                model.predict_then_learn(&args, labels, count)?
            }
        };
        let columns = batch.rows.columns().iter().cloned().chain(predicted).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|e| Error::query(format!("model '{name}' gives other columns than planned: {e}")))?;
        out.emit(Batch { rows, hashes: None, ..batch });
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        if self.labels.is_empty() { Vec::new() } else { vec![&mut self.model] }
    }
}

impl StateTable for Learnt {
    fn name(&self) -> &'static str {
        "model"
    }
    fn save(&mut self) -> Result<RecordBatch> {
        let snapshot = if self.has_learnt { Some(self.model.save()?) } else { None };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt16Array::from_iter_values(snapshot.iter().map(|_| 0))),
            Arc::new(BinaryArray::from_iter_values(&snapshot)),
        ];
        let fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false), Field::new("snapshot", A::Binary, false)];
        Ok(RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?)
    }
    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let corrupt =
            |what: &str| Error::Corrupt { message: format!("the saved state of model '{}' {what}", self.name) };
        let column = rows.columns().get(1).and_then(|c| c.as_binary_opt::<i32>());
        let column = column.ok_or_else(|| corrupt("does not have the columns it should have"))?;
        match column.len() {
            // Another instance has it, or none has learnt yet.
            0 => Ok(()),
            1 => {
                self.has_learnt = true;
                self.model.load(column.value(0))
            }
            n => Err(corrupt(&format!("has {n} snapshots for one model"))),
        }
    }
}
