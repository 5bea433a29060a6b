//! OVER in the order of plain columns: a row that comes or goes changes the results of the rows behind it.
//!
//! ```text
//! batch --Ordered: all changes--> each partition touched, once: rows in order --Frames--> results --difference--> changelog
//! ```
//! A batch costs time in proportion to the rows of the partitions that it touches, and gives only what differs between its
//! begin and its end.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt8Array};
use arrow::datatypes::SchemaRef;
use wasmill_expr::UserFunctions;
use wasmill_plan::{OverByColumn, Result, Schema};

use super::ordered::Ordered;
use super::over::frames::Frames;
use crate::batch::{Batch, RowKind};
use crate::operator::{Operator, Output};
use crate::state::StateTable;

/// See the module. Its state is the table of [`Ordered`], whose rows are the operator's output as it was last given.
pub(crate) struct OverByColumnOperator {
    output: SchemaRef,
    input_columns: usize,
    ordered: Ordered,
    frames: Frames,
}

/// The changes to one partition in a batch.
#[derive(Default)]
struct Touched {
    /// Rows that went, and had been given.
    gone: Vec<u32>,
}

impl OverByColumnOperator {
    /// For input of that schema.
    ///
    /// # Errors
    /// `Error::Query` for columns that cannot be a key or have no order, or a function that is not known.
    pub(crate) fn new(
        plan: &OverByColumn,
        input: &Schema,
        output: &Schema,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        Ok(Self {
            output: output.to_arrow(),
            input_columns: input.fields.len(),
            ordered: Ordered::new(&plan.partition, &plan.order, input, output.to_arrow())?,
            frames: Frames::new(&plan.groups, input, functions)?,
        })
    }

    /// The rows of a partition with their results as they are now.
    fn results(&mut self, partition: u32) -> Result<RecordBatch> {
        let entries = &self.ordered.partitions[partition as usize];
        let ids: Vec<u32> = entries.values().copied().collect();
        // Rows of one sort key are one time.
        let mut times = Vec::with_capacity(ids.len());
        let mut last: Option<&[u8]> = None;
        for (sort_key, _) in entries.keys() {
            let step = i64::from(last.is_some_and(|l| l != &**sort_key));
            times.push(times.last().map_or(0, |t| t + step));
            last = Some(sort_key);
        }
        let rows = self.ordered.rows.gather(&ids)?;
        let input = rows.project(&(0..self.input_columns).collect::<Vec<_>>())?;
        self.frames.resize(1);
        let results = self.frames.run(&input, &times, &vec![0; ids.len()]);
        self.frames.clear(0);
        let columns = input.columns().iter().cloned().chain(results?).collect();
        Ok(RecordBatch::try_new(self.output.clone(), columns)?)
    }
}

/// Rows whose results differ between two batches of the same rows.
fn differing(old: &RecordBatch, new: &RecordBatch, from_column: usize) -> Vec<bool> {
    let mut differ = vec![false; old.num_rows()];
    for (a, b) in old.columns().iter().zip(new.columns()).skip(from_column) {
        if a.to_data() == b.to_data() {
            continue;
        }
        let flat = !a.data_type().is_nested();
        match if flat { arrow::compute::kernels::cmp::distinct(a, b).ok() } else { None } {
            Some(distinct) => differ.iter_mut().enumerate().for_each(|(row, d)| *d |= distinct.value(row)),
            None => {
                for (row, d) in differ.iter_mut().enumerate() {
                    *d |= a.slice(row, 1).to_data() != b.slice(row, 1).to_data();
                }
            }
        }
    }
    differ
}

impl Operator for OverByColumnOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        self.ordered.restored = false;
        let located = self.ordered.locate(&batch.rows, batch.hashes.as_deref())?;
        // Rows are kept with their results; new ones have none yet.
        let none = |field: &arrow::datatypes::FieldRef| arrow::array::new_null_array(field.data_type(), batch.len());
        let results = self.output.fields()[self.input_columns..].iter().map(none);
        let columns: Vec<ArrayRef> = batch.rows.columns().iter().cloned().chain(results).collect();
        let ids = self.ordered.rows.add(RecordBatch::try_new(self.output.clone(), columns)?)?;
        let mut touched = std::collections::BTreeMap::<u32, Touched>::new();
        // Ids are not given again before the end of the batch, so these are the rows that were not given before.
        let mut fresh: std::collections::HashSet<u32> = ids.iter().copied().collect();
        for (row, &id) in ids.iter().enumerate() {
            let partition = located.partitions[row];
            if batch.kind(row).adds() {
                self.ordered.insert(&located, row, id);
                touched.entry(partition).or_default();
                continue;
            }
            fresh.remove(&id);
            self.ordered.rows.remove(id);
            // A row that never came cannot be taken back.
            let Some(place) = self.ordered.find(&located, row, batch.rows.columns()) else { continue };
            let gone = self.ordered.partitions[partition as usize].remove(&place).expect("it was found");
            let touched = touched.entry(partition).or_default();
            if fresh.remove(&gone) {
                self.ordered.rows.remove(gone);
            } else {
                touched.gone.push(gone);
            }
        }
        for (partition, Touched { gone }) in touched {
            let places: Vec<_> =
                self.ordered.partitions[partition as usize].iter().map(|(p, id)| (p.clone(), *id)).collect();
            let old_ids: Vec<u32> = places.iter().map(|(_, id)| *id).collect();
            let old = self.ordered.rows.gather(&old_ids)?;
            let new = if places.is_empty() { old.clone() } else { self.results(partition)? };
            let differ = differing(&old, &new, self.input_columns);
            let deleted = self.ordered.rows.gather(&gone)?;
            // Deletions, then pairs or insertions in order: rows of [deleted, old, new].
            let (mut picks, mut kinds) = (Vec::new(), Vec::new());
            let mut pick = |from: usize, row: usize, kind: RowKind| {
                picks.push((from, row));
                kinds.push(kind as u8);
            };
            (0..gone.len()).for_each(|row| pick(0, row, RowKind::Delete));
            let mut changed = Vec::new();
            for (row, id) in old_ids.iter().enumerate() {
                let is_new = fresh.contains(id);
                match (is_new, differ[row]) {
                    (true, _) => pick(2, row, RowKind::Insert),
                    (false, true) => {
                        pick(1, row, RowKind::UpdateBefore);
                        pick(2, row, RowKind::UpdateAfter);
                    }
                    (false, false) => continue,
                }
                changed.push(row as u32);
            }
            if !picks.is_empty() {
                let rows = arrow::compute::interleave_record_batch(&[&deleted, &old, &new], &picks)?;
                out.emit(Batch::changes(rows, UInt8Array::from(kinds)));
            }
            // The rows that changed are kept as they were given.
            let replacement = crate::batch::take_rows(&new, &changed.clone().into());
            let new_ids = self.ordered.rows.add(replacement)?;
            for (&row, new_id) in changed.iter().zip(new_ids) {
                let (place, old_id) = &places[row as usize];
                self.ordered.partitions[partition as usize].insert(place.clone(), new_id);
                self.ordered.rows.remove(*old_id);
            }
            gone.into_iter().for_each(|id| self.ordered.rows.remove(id));
        }
        Ok(())
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.ordered]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Harness;
    use wasmill_plan::{
        AggregateCall, DataType, Operator as Node, OverFrame, OverFunction, OverGroup, SortKey, TypeKind,
    };

    const INPUT: &str = "k STRING, v INT, t BIGINT";

    fn harness(order: usize, frame: OverFrame) -> Harness {
        let sum = AggregateCall {
            function: "SUM".to_owned(),
            args: vec![1],
            constants: vec![],
            distinct: false,
            filter: None,
            arg_types: vec![DataType::nullable(TypeKind::Int)],
            data_type: DataType::nullable(TypeKind::Int),
        };
        let functions = vec![OverFunction::Aggregate(sum), OverFunction::RowNumber];
        let order = vec![SortKey { column: order, descending: false, nulls_first: true }];
        let plan = OverByColumn { partition: vec![0], order, groups: vec![OverGroup { frame, functions }] };
        Harness::new(Node::OverByColumn(plan), &[INPUT], &format!("{INPUT}, s INT, n BIGINT")).keyed(&[0])
    }

    #[test]
    fn later_rows_are_updated() {
        // Flink's OverWindowTestPrograms, case over-nontime-sum.
        harness(1, OverFrame::Range { preceding_ms: None }).check(
            "a | 1 | 100
             a | 5 | 500
             a | 6 | 600
             b | 1 | 100

             a | 4 | 400

             a | 5 | 700",
            "+I a | 1 | 100 | 1 | 1
             +I a | 5 | 500 | 6 | 2
             +I a | 6 | 600 | 12 | 3
             +I b | 1 | 100 | 1 | 1
             +I a | 4 | 400 | 5 | 2
             -U a | 5 | 500 | 6 | 2
             +U a | 5 | 500 | 10 | 3
             -U a | 6 | 600 | 12 | 3
             +U a | 6 | 600 | 16 | 4
             -U a | 5 | 500 | 10 | 3
             +U a | 5 | 500 | 15 | 3
             +I a | 5 | 700 | 15 | 4
             -U a | 6 | 600 | 16 | 4
             +U a | 6 | 600 | 21 | 5",
        );
    }

    #[test]
    fn rows_go_again() {
        harness(2, OverFrame::Rows { preceding: Some(1) }).check(
            "a | 1 | 100
             a | 2 | 200
             a | NULL | NULL
             a | 4 | 400

             -U a | 2 | 200
             +U a | 7 | 200
             -D a | 9 | 200
             +I a | 3 | 250
             -D a | 3 | 250

             -D a | 1 | 100",
            "+I a | NULL | NULL | NULL | 1
             +I a | 1 | 100 | 1 | 2
             +I a | 2 | 200 | 3 | 3
             +I a | 4 | 400 | 6 | 4
             -D a | 2 | 200 | 3 | 3
             +I a | 7 | 200 | 8 | 3
             -U a | 4 | 400 | 6 | 4
             +U a | 4 | 400 | 11 | 4
             -D a | 1 | 100 | 1 | 2
             -U a | 7 | 200 | 8 | 3
             +U a | 7 | 200 | 7 | 2
             -U a | 4 | 400 | 11 | 4
             +U a | 4 | 400 | 11 | 3",
        );
    }
}
