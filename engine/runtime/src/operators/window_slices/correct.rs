//! Rows that are late for windows whose state ALLOW LATENESS keeps: each gives the windows' new results at once.

use arrow::array::ArrayRef;
use wasmill_plan::Result;

use super::SliceAggregateOperator;
use super::panes::Cursor;
use crate::batch::{Batch, RowKind};
use crate::key_table::KeyView;
use crate::operator::Output;

impl SliceAggregateOperator {
    /// Adds one row that is late for windows whose state is kept: they give a new result.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn correct<V: KeyView>(
        &mut self,
        view: &V,
        batch: &Batch,
        hash: u64,
        row: usize,
        watermark: i64,
        at: Cursor,
        out: &mut dyn Output,
    ) -> Result<()> {
        let pane = at.pane.unwrap_or_else(|| self.state.new_pane(at.slice, at.next_end));
        let mut ends = Vec::new();
        let mut end = at.slice.first_window_end;
        while end <= at.slice.last_window_end && self.state.time.closing(end) <= self.state.fired {
            if self.state.time.closing(end).saturating_add(self.state.allowed_ms) > watermark {
                ends.push(end);
            }
            end += self.state.shape.map_or(1, |s| s.period());
        }
        let before = self.results(&ends, pane, view, hash, row)?;
        let state = &mut self.state;
        let (table, groups) = (&mut state.panes[pane].table, &mut state.groups);
        let group = table.find_or_insert(view, hash, row, || groups.allocate());
        let kinds = batch.kinds.as_ref().map(|k| k.slice(row, 1));
        groups.update(&[group], &batch.rows.slice(row, 1), kinds.as_ref())?;
        let after = self.results(&ends, pane, view, hash, row)?;
        let key: Vec<ArrayRef> = self.keys.iter().map(|&c| batch.rows.column(c).slice(row, 1)).collect();
        for ((end, before), after) in ends.into_iter().zip(before).zip(after) {
            if before == after {
                continue;
            }
            let start = self.state.window_start(end, pane);
            let (gone, come) = match (&before, &after) {
                (Some(_), Some(_)) => (RowKind::UpdateBefore, RowKind::UpdateAfter),
                _ => (RowKind::Delete, RowKind::Insert),
            };
            for (values, kind) in [(before, gone), (after, come)] {
                let Some(values) = values else { continue };
                let rows = self.rows(key.iter().cloned().chain(values).collect(), 1, start, end)?;
                out.emit(Batch::changes(rows, vec![kind as u8].into()));
            }
        }
        Ok(())
    }

    /// What windows give for the key of a row; `None` where it has no rows there.
    fn results<V: KeyView>(
        &mut self,
        ends: &[i64],
        pane: usize,
        view: &V,
        hash: u64,
        row: usize,
    ) -> Result<Vec<Option<Vec<ArrayRef>>>> {
        let state = &mut self.state;
        let mut results = Vec::with_capacity(ends.len());
        for &end in ends {
            let slices: Vec<u32> = state
                .panes_of(end, pane)
                .into_iter()
                .filter_map(|p| {
                    let table = &state.panes[p].table;
                    table.find(view, hash, row).map(|i| table.entries()[i].group)
                })
                .collect();
            if slices.is_empty() {
                results.push(None);
                continue;
            }
            let group = state.groups.allocate();
            let pairs: Vec<_> = slices.into_iter().map(|from| (vec![group], vec![from])).collect();
            state.groups.merge(&pairs, true)?;
            let result = if state.groups.is_empty(group) { None } else { Some(state.groups.finish(&[group])?) };
            state.groups.release(&[group]);
            results.push(result);
        }
        Ok(results)
    }
}
