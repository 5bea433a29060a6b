//! GROUPING SETS: each row once per set, with the columns outside the set as NULL.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::SchemaRef;
use wasmill_plan::{Result, Schema};

use crate::batch::{Batch, take_kinds};
use crate::operator::{Operator, OperatorContext, Output};

/// See [`wasmill_plan::Operator::Expand`].
pub struct ExpandOperator {
    /// Per input column: whether each set keeps it.
    keeps: Vec<Vec<bool>>,
    /// `$e` per set.
    ids: Vec<i64>,
    schema: SchemaRef,
}

impl ExpandOperator {
    /// From the plan's `columns` and `sets`.
    pub fn new(columns: &[usize], sets: &[Vec<usize>], input: &Schema, output: &Schema, _: &OperatorContext) -> Self {
        let keeps = |column| match columns.iter().position(|&c| c == column) {
            Some(place) => sets.iter().map(|set| set.contains(&place)).collect(),
            None => vec![true; sets.len()],
        };
        let id = |set: &Vec<usize>| (0..columns.len()).fold(0, |id, place| id << 1 | i64::from(!set.contains(&place)));
        Self {
            keeps: (0..input.len()).map(keeps).collect(),
            ids: sets.iter().map(id).collect(),
            schema: output.to_arrow(),
        }
    }
}

impl Operator for ExpandOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let sets = self.ids.len();
        if sets == 0 {
            return Ok(());
        }
        let rows = batch.len();
        let repeated = UInt32Array::from_iter_values((0..rows as u32).flat_map(|row| std::iter::repeat_n(row, sets)));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.keeps.len() + 1);
        for (column, keeps) in batch.rows.columns().iter().zip(&self.keeps) {
            columns.push(if keeps.iter().all(|&k| k) {
                arrow::compute::take(column, &repeated, None)?
            } else {
                let null = new_null_array(column.data_type(), 1);
                let cells: Vec<(usize, usize)> = (0..rows)
                    .flat_map(|row| keeps.iter().map(move |&keep| if keep { (0, row) } else { (1, 0) }))
                    .collect();
                interleave(&[column.as_ref(), null.as_ref()], &cells)?
            });
        }
        columns.push(Arc::new(Int64Array::from_iter_values(self.ids.iter().copied().cycle().take(rows * sets))));
        let options = RecordBatchOptions::new().with_row_count(Some(rows * sets));
        let (watermark, steps) = batch.map_steps(|row| ((row + 1) * sets) as u32);
        let kinds = batch.kinds.as_ref().map(|k| take_kinds(k, &repeated));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        out.emit(Batch { rows, kinds, watermark, steps, hashes: None });
        Ok(())
    }
}
