//! A user's table function beside its input: LATERAL TABLE(f(x)).
//!
//! ```text
//! batch --arguments--> function --parents, columns--> input rows once per result row + columns
//! ```

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use wasmill_expr::{Evaluator, UserTable};
use wasmill_plan::{Error, Result, Schema, TableFunction};

use super::evaluation::Evaluation;
use crate::batch::{Batch, take_kinds};
use crate::operator::{Operator, OperatorContext, Output};

/// See [`wasmill_plan::Operator::TableFunction`]. The function depends on its arguments alone, so a row that is taken back takes
/// back the rows that it gave.
pub struct TableFunctionOperator {
    name: String,
    function: Box<dyn UserTable>,
    args: Vec<Evaluator>,
    evaluation: Evaluation,
    outer: bool,
    schema: SchemaRef,
}

impl TableFunctionOperator {
    /// From the plan's node.
    ///
    /// # Errors
    /// `Error::Query` where there is no such function, or an argument cannot be prepared.
    pub fn new(node: &TableFunction, output: &Schema, context: &OperatorContext) -> Result<Self> {
        let functions = &*context.functions;
        Ok(Self {
            name: node.function.clone(),
            function: functions.table(&node.function)?,
            args: node.args.iter().map(|arg| Evaluator::new(arg, functions)).collect::<Result<_>>()?,
            evaluation: Evaluation::new(context, &node.args),
            outer: node.outer,
            schema: output.to_arrow(),
        })
    }
}

/// Where each output row comes from: its input row, and its row of the function's where it has one.
struct Pairs {
    rows: UInt32Array,
    results: UInt32Array,
    /// Output rows through each input row.
    ends: Vec<u32>,
}

/// `parents` are rising.
fn pairs(parents: &[u32], rows: usize, outer: bool) -> Pairs {
    let (mut of, mut results, mut ends) = (Vec::new(), Vec::new(), Vec::with_capacity(rows));
    let mut next = 0;
    for row in 0..rows as u32 {
        let first = next;
        while parents.get(next) == Some(&row) {
            of.push(row);
            results.push(Some(next as u32));
            next += 1;
        }
        if outer && next == first {
            of.push(row);
            results.push(None);
        }
        ends.push(of.len() as u32);
    }
    Pairs { rows: of.into(), results: results.into(), ends }
}

impl Operator for TableFunctionOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let rows = batch.len();
        let context = self.evaluation.of(&batch);
        let args = self.args.iter_mut().map(|arg| arg.evaluate(&batch.rows, context));
        let args: Vec<ArrayRef> = args.collect::<Result<_>>()?;
        let (parents, columns) = self.function.call(&args, rows, context)?;
        let in_order = parents.windows(2).all(|w| w[0] <= w[1]) && parents.iter().all(|&p| (p as usize) < rows);
        if !in_order || columns.iter().any(|c| c.len() != parents.len()) {
            let message = "gave rows that belong to no row of its input".to_owned();
            return Err(Error::Function { function: self.name.clone(), message });
        }
        let pairs = pairs(&parents, rows, self.outer);
        if pairs.rows.is_empty() {
            return Ok(());
        }
        let mut all: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for column in batch.rows.columns() {
            all.push(take(column, &pairs.rows, None)?);
        }
        let width = self.schema.fields().len() - all.len();
        for (column, field) in columns.iter().zip(&self.schema.fields()[self.schema.fields().len() - width..]) {
            all.push(match column.is_empty() {
                true => new_null_array(field.data_type(), pairs.rows.len()),
                false => take(column, &pairs.results, None)?,
            });
        }
        let (watermark, steps) = batch.map_steps(|row| pairs.ends[row]);
        let options = RecordBatchOptions::new().with_row_count(Some(pairs.rows.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), all, &options)
            .map_err(|e| Error::query(format!("'{}' gives other columns than planned: {e}", self.name)))?;
        let kinds = batch.kinds.as_ref().map(|k| take_kinds(k, &pairs.rows));
        out.emit(Batch { rows, kinds, watermark, steps, hashes: None });
        Ok(())
    }
}
