//! Filter and projection.
//!
//! ```text
//! batch --filter over all columns--> selection --only the columns that are needed--> projection --> batch
//! ```

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow::compute::FilterBuilder;
use arrow::datatypes::SchemaRef;
use wasmill_expr::{Evaluator, Predicate, Selection};
use wasmill_plan::{Error, Expr, Result, Schema};

use super::evaluation::Evaluation;
use crate::batch::Batch;
use crate::operator::{Operator, OperatorContext, Output};

/// Filters, then projects.
pub struct CalcOperator {
    uid: String,
    filter: Option<Predicate>,
    /// Columns of the input that the projection reads, rising.
    needed: Vec<usize>,
    columns: Vec<Column>,
    schema: SchemaRef,
    evaluation: Evaluation,
}

/// An output column, over the needed columns.
enum Column {
    Input(usize),
    Computed(Evaluator),
}

impl CalcOperator {
    /// See [`wasmill_plan::Operator::Calc`].
    ///
    /// # Errors
    /// `Error::Query` where an expression cannot be prepared.
    pub fn new(
        filter: Option<&Expr>,
        projection: &[Expr],
        _input: &Schema,
        output: &Schema,
        context: &OperatorContext,
    ) -> Result<Self> {
        let mut needed = Vec::new();
        projection.iter().for_each(|e| e.visit_columns(&mut |c| needed.push(c)));
        needed.sort_unstable();
        needed.dedup();
        let place = |column: usize| needed.binary_search(&column).expect("a column that was visited");
        let functions = &*context.functions;
        let column = |expr: &Expr| {
            Ok(match expr.as_column() {
                Some(column) => Column::Input(place(column)),
                None => Column::Computed(Evaluator::new(&expr.clone().map_columns(&place), functions)?),
            })
        };
        Ok(Self {
            uid: context.uid.clone(),
            filter: filter.map(|f| Predicate::new(f, functions)).transpose()?,
            columns: projection.iter().map(column).collect::<Result<_>>()?,
            schema: output.to_arrow(),
            evaluation: Evaluation::new(context, projection.iter().chain(filter)),
            needed,
        })
    }
}

impl Operator for CalcOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let context = self.evaluation.of(&batch);
        let selection = match &mut self.filter {
            Some(filter) => filter.select(&batch.rows, context)?,
            None => Selection::All,
        };
        let mut columns: Vec<ArrayRef> = self.needed.iter().map(|&c| batch.rows.column(c).clone()).collect();
        let Batch { rows, mut kinds, mut watermark, mut steps, .. } = batch;
        let mut count = rows.num_rows();
        match selection {
            Selection::None => return Ok(()),
            Selection::All => {}
            Selection::Some(mask) => {
                let filter = FilterBuilder::new(&mask);
                let filter = if columns.len() > 1 { filter.optimize().build() } else { filter.build() };
                for column in &mut columns {
                    *column = filter.filter(column)?;
                }
                count = mask.true_count();
                self.evaluation.narrowed(&mask);
                if !steps.is_empty() {
                    let whole = Batch { rows: rows.clone(), kinds: None, watermark, steps, hashes: None };
                    (watermark, steps) = whole.filter_steps(|row| mask.value(row));
                }
                if let Some(all) = kinds {
                    kinds = Some(UInt8Array::from(filter.filter(&all)?.to_data()));
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let fields: Vec<_> = self.needed.iter().map(|&c| rows.schema_ref().fields()[c].clone()).collect();
        let needed = arrow::datatypes::Schema::new(fields);
        let rows = RecordBatch::try_new_with_options(needed.into(), columns, &options)?;
        let context = self.evaluation.current();
        let mut result = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            result.push(match column {
                Column::Input(index) => rows.column(*index).clone(),
                Column::Computed(evaluator) => evaluator.evaluate(&rows, context)?,
            });
        }
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), result, &options)
            .map_err(|e| Error::query(format!("operator '{}' gives other columns than planned: {e}", self.uid)))?;
        // The columns are other ones now, so are the keys: the hashes end here.
        out.emit(Batch { rows, kinds, watermark, steps, hashes: None });
        Ok(())
    }
}
