//! Top-N: the rows of each partition whose ROW_NUMBER lies in a range, kept right as rows come and go.
//!
//! ```text
//! change --Ordered: insert or remove--> first `to` rows before and after --difference--> -U/+U, -D, +I
//! ```

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;
use wasmill_plan::{Rank, Result, Schema};

use super::ordered::{Located, Ordered};
use crate::batch::{Batch, RowKind};
use crate::operator::{Operator, Output};
use crate::state::StateTable;

/// See the module. Where rows may be taken back, every row of a partition is kept, since any of them may come into the
/// range; else only the first `to`.
pub(crate) struct RankOperator {
    plan: Rank,
    output: SchemaRef,
    ordered: Ordered,
    retracting: bool,
    /// The ids of the first `to` rows of each partition.
    top: Vec<Vec<u32>>,
}

/// What comes out of a batch: row, rank and kind.
#[derive(Default)]
struct Changes {
    ids: Vec<u32>,
    ranks: Vec<i64>,
    kinds: Vec<u8>,
}

impl Changes {
    fn push(&mut self, kind: RowKind, id: u32, rank: usize) {
        self.ids.push(id);
        self.ranks.push(rank as i64);
        self.kinds.push(kind as u8);
    }
}

impl RankOperator {
    /// For input of that schema; `retracting`: it takes rows back.
    ///
    /// # Errors
    /// `Error::Query` for columns that cannot be a key or have no order.
    pub(crate) fn new(plan: &Rank, input: &Schema, output: &Schema, retracting: bool) -> Result<Self> {
        let ordered = Ordered::new(&plan.partition, &plan.order, input, input.to_arrow())?;
        Ok(Self { plan: plan.clone(), output: output.to_arrow(), ordered, retracting, top: Vec::new() })
    }

    /// The ids of the first rows of a partition now.
    fn first(&self, partition: usize) -> Vec<u32> {
        let to = usize::try_from(self.plan.to).unwrap_or(usize::MAX);
        self.ordered.partitions[partition].values().take(to).copied().collect()
    }

    fn settle(&mut self) {
        if std::mem::take(&mut self.ordered.restored) {
            self.top = (0..self.ordered.partitions.len()).map(|p| self.first(p)).collect();
        }
    }

    /// Whether a row with this place can be among the first.
    fn matters(&self, located: &Located, row: usize) -> bool {
        let partition = located.partitions[row] as usize;
        let full = self.top[partition].len() as u64 >= self.plan.to;
        !full || {
            let last = self.ordered.partitions[partition].iter().nth(self.top[partition].len() - 1);
            last.is_none_or(|((key, _), _)| located.sort_keys.row(row).as_ref() < &**key)
        }
    }

    fn difference(&self, old: &[u32], new: &[u32], changes: &mut Changes) {
        let range = |ids: &[u32]| -> Vec<u32> {
            let from = (self.plan.from.saturating_sub(1) as usize).min(ids.len());
            ids[from..].to_vec()
        };
        let (old, new) = (range(old), range(new));
        let first = self.plan.from.max(1) as usize;
        if !self.plan.with_rank {
            old.iter().filter(|id| !new.contains(id)).for_each(|&id| changes.push(RowKind::Delete, id, 0));
            new.iter().filter(|id| !old.contains(id)).for_each(|&id| changes.push(RowKind::Insert, id, 0));
            return;
        }
        for at in 0..old.len().max(new.len()) {
            match (old.get(at), new.get(at)) {
                (Some(a), Some(b)) if a == b => {}
                (Some(&a), Some(&b)) => {
                    changes.push(RowKind::UpdateBefore, a, first + at);
                    changes.push(RowKind::UpdateAfter, b, first + at);
                }
                (Some(&a), None) => changes.push(RowKind::Delete, a, first + at),
                (None, Some(&b)) => changes.push(RowKind::Insert, b, first + at),
                (None, None) => {}
            }
        }
    }
}

impl Operator for RankOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        self.settle();
        let located = self.ordered.locate(&batch.rows, batch.hashes.as_deref())?;
        self.top.resize(self.ordered.partitions.len(), Vec::new());
        let ids = self.ordered.rows.add(batch.rows.clone())?;
        let (mut changes, mut dead) = (Changes::default(), Vec::new());
        for (row, &id) in ids.iter().enumerate() {
            let partition = located.partitions[row] as usize;
            if batch.kind(row).adds() {
                let matters = self.matters(&located, row);
                if matters || self.retracting {
                    self.ordered.insert(&located, row, id);
                } else {
                    dead.push(id);
                }
                if !matters {
                    continue;
                }
                if !self.retracting && self.ordered.partitions[partition].len() as u64 > self.plan.to {
                    dead.extend(self.ordered.partitions[partition].pop_last().map(|(_, id)| id));
                }
            } else {
                dead.push(id);
                // A row that never came cannot be taken back.
                let Some(place) = self.ordered.find(&located, row, batch.rows.columns()) else { continue };
                let gone = self.ordered.partitions[partition].remove(&place).expect("it was found");
                dead.push(gone);
                if !self.top[partition].contains(&gone) {
                    continue;
                }
            }
            let new = self.first(partition);
            self.difference(&self.top[partition], &new, &mut changes);
            self.top[partition] = new;
        }
        if !changes.ids.is_empty() {
            let rows = self.ordered.rows.gather(&changes.ids)?;
            let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
            if self.plan.with_rank {
                columns.push(Arc::new(Int64Array::from(changes.ranks)));
            }
            let rows = RecordBatch::try_new(self.output.clone(), columns)?;
            out.emit(Batch::changes(rows, UInt8Array::from(changes.kinds)));
        }
        dead.into_iter().for_each(|id| self.ordered.rows.remove(id));
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
    use wasmill_plan::{Operator as Node, SortKey};

    fn harness(from: u64, to: u64, with_rank: bool, retracting: bool) -> Harness {
        let schema = "c STRING, id INT, n INT";
        let order = vec![SortKey { column: 2, descending: true, nulls_first: false }];
        let output = if with_rank { format!("{schema}, r BIGINT") } else { schema.to_owned() };
        let plan = Rank { partition: vec![0], order, from, to, with_rank };
        let mut harness = Harness::new(Node::Rank(plan), &[schema], &output).keyed(&[0]);
        harness.context.retracting = retracting;
        harness
    }

    #[test]
    fn the_first_two_with_their_number() {
        // Flink's RankITCase.testTopN, case topn-2.
        harness(1, 2, true, false).check(
            "book | 1 | 12
             book | 2 | 19
             book | 4 | 11
             fruit | 4 | 33

             fruit | 3 | 44
             fruit | 5 | NULL",
            "+I book | 1 | 12 | 1
             -U book | 1 | 12 | 1
             +U book | 2 | 19 | 1
             +I book | 1 | 12 | 2
             +I fruit | 4 | 33 | 1
             -U fruit | 4 | 33 | 1
             +U fruit | 3 | 44 | 1
             +I fruit | 4 | 33 | 2",
        );
    }

    #[test]
    fn ties_keep_the_first_and_deletions_bring_rows_back() {
        harness(1, 2, false, true).check(
            "a | 1 | 5
             a | 2 | 5
             a | 3 | 5
             a | 4 | 7

             -D a | 4 | 7
             -D a | 9 | 9
             -D a | 3 | 5
             -U a | 1 | 5
             +U a | 1 | 6",
            "+I a | 1 | 5
             +I a | 2 | 5
             -D a | 2 | 5
             +I a | 4 | 7
             -D a | 4 | 7
             +I a | 2 | 5
             -D a | 1 | 5
             +I a | 1 | 6",
        );
    }

    #[test]
    fn the_second_alone() {
        harness(2, 2, true, true).check(
            "a | 1 | 5
             a | 2 | 4
             a | 3 | 9
             -D a | 3 | 9
             -D a | 2 | 4",
            "+I a | 2 | 4 | 2
             -U a | 2 | 4 | 2
             +U a | 1 | 5 | 2
             -U a | 1 | 5 | 2
             +U a | 2 | 4 | 2
             -D a | 2 | 4 | 2",
        );
    }
}
