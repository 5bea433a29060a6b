//! Windows fire, by their end, when the watermark has passed them.

use arrow::array::{ArrayRef, RecordBatch};
use wasmill_plan::Result;

use super::super::window_aggregate::RESULT_ROWS_MAX;
use super::SliceAggregateOperator;
use crate::batch::Batch;
use crate::key_table::{Entry, KeyTable};
use crate::operator::Output;
use crate::window::Shape;

impl SliceAggregateOperator {
    /// Fires the windows that close at or before `watermark`, by their end.
    pub(super) fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        while let Some((&end, _)) = self.state.due.first_key_value() {
            if self.state.time.closing(end) > watermark {
                break;
            }
            if self.state.shape.is_some() {
                let panes = self.state.panes_of(end, 0).into_iter();
                let panes = panes.filter(|&p| self.state.panes[p].next_end == Some(end)).collect();
                self.fire_window(panes, end, out)?;
            } else {
                // Windows that rows carry may end together, and start at different times.
                let panes = self.state.index.range((end, i64::MIN, i64::MIN)..=(end, i64::MAX, i64::MAX));
                for pane in panes.map(|(_, &p)| p).collect::<Vec<_>>() {
                    self.fire_window(vec![pane], end, out)?;
                }
            }
        }
        self.state.fired = self.state.fired.max(watermark);
        self.state.purge(watermark);
        Ok(())
    }

    fn fire_window(&mut self, panes: Vec<usize>, end: i64, out: &mut dyn Output) -> Result<()> {
        let state = &mut self.state;
        let start = state.window_start(end, panes[0]);
        let panes = if state.allowed_ms == 0 && matches!(state.shape, Some(Shape::Cumulate { .. })) {
            vec![state.accumulate(panes, end)?]
        } else {
            panes
        };
        match panes.as_slice() {
            [only] => {
                let table = std::mem::take(&mut self.state.panes[*only].table);
                let given = self.give(&table, start, end, out);
                self.state.panes[*only].table = table;
                given?;
            }
            several => {
                self.state.merge(several)?;
                let mut merged = std::mem::take(&mut self.state.merged);
                let given = self.give(&merged, start, end, out);
                self.state.groups.release(&merged.groups());
                merged.clear();
                self.state.merged = merged;
                given?;
            }
        }
        self.state.advance(&panes, end);
        Ok(())
    }

    /// The results of a window.
    fn give(&mut self, table: &KeyTable, start: i64, end: i64, out: &mut dyn Output) -> Result<()> {
        let entries = table.entries();
        let present: Vec<Entry>;
        let entries = if entries.iter().any(|e| self.state.groups.is_empty(e.group)) {
            present = entries.iter().filter(|e| !self.state.groups.is_empty(e.group)).copied().collect();
            &present
        } else {
            entries
        };
        for entries in entries.chunks(RESULT_ROWS_MAX) {
            let groups: Vec<u32> = entries.iter().map(|e| e.group).collect();
            let mut columns = self.state.codec.columns(table, entries)?;
            columns.extend(self.state.groups.finish(&groups)?);
            out.emit(Batch::append(self.rows(columns, groups.len(), start, end)?));
        }
        Ok(())
    }

    pub(super) fn rows(&self, columns: Vec<ArrayRef>, rows: usize, start: i64, end: i64) -> Result<RecordBatch> {
        let start = (start != i64::MIN).then_some(start);
        self.output.rows(columns, vec![start; rows], vec![end; rows], &self.state.time)
    }
}
