//! Sessions close when the watermark has passed their end, and are corrected by late rows that ALLOW LATENESS lets in.

use std::cmp::Reverse;

use arrow::array::{Array, AsArray};
use wasmill_plan::Result;

use super::super::window_aggregate::RESULT_ROWS_MAX;
use super::SessionOperator;
use super::pending::Pending;
use super::sessions::Closed;
use crate::batch::{Batch, RowKind};
use crate::key_table::Entry;
use crate::operator::Output;

impl SessionOperator {
    /// Gives the sessions that have closed, by their end, then by the arrival of their first row.
    pub(super) fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        let closed = self.state.close(watermark);
        for closed in closed.chunks(RESULT_ROWS_MAX) {
            self.give(closed, RowKind::Insert, out)?;
        }
        self.state.expire(watermark, &closed);
        self.state.fired = self.state.fired.max(watermark);
        Ok(())
    }

    fn give(&mut self, closed: &[Closed], kind: RowKind, out: &mut dyn Output) -> Result<()> {
        let state = &mut self.state;
        let present: Vec<&Closed> = closed.iter().filter(|c| !state.groups.is_empty(c.session.group)).collect();
        if present.is_empty() {
            return Ok(());
        }
        let groups: Vec<u32> = present.iter().map(|c| c.session.group).collect();
        let results = state.groups.finish(&groups)?;
        let starts = present.iter().map(|c| Some(c.session.start));
        let ends = present.iter().map(|c| c.session.end);
        let rows = if self.rows_of.is_some() {
            let lists = results[0].as_list::<i32>();
            let lengths: Vec<usize> = (0..lists.len()).map(|i| lists.value_length(i) as usize).collect();
            let columns = lists.values().as_struct().columns().to_vec();
            let starts = starts.zip(&lengths).flat_map(|(s, &n)| std::iter::repeat_n(s, n)).collect();
            let ends = ends.zip(&lengths).flat_map(|(e, &n)| std::iter::repeat_n(e, n)).collect();
            self.output.rows(columns, starts, ends, &state.time)?
        } else {
            let entries: Vec<Entry> = present.iter().map(|c| state.entry(c.key)).collect();
            let mut columns = state.codec.columns(&state.table, &entries)?;
            columns.extend(results);
            self.output.rows(columns, starts.collect(), ends.collect(), &state.time)?
        };
        out.emit(match kind {
            RowKind::Insert => Batch::append(rows),
            kind => {
                let kinds = vec![kind as u8; rows.num_rows()].into();
                Batch::changes(rows, kinds)
            }
        });
        Ok(())
    }

    /// Adds one row to sessions of which some have fired and are kept.
    pub(super) fn correct(
        &mut self,
        key: u32,
        time: i64,
        watermark: i64,
        row: usize,
        pending: &mut Pending,
        out: &mut dyn Output,
    ) -> Result<()> {
        let fired: Vec<Closed> = self
            .state
            .touching(key, time, watermark)
            .map(|i| Closed { session: self.state.by_key[key as usize][i], key })
            .filter(|c| c.session.fired)
            .collect();
        // What merges goes first: its groups are gone afterwards. A single one may stay as it is and only change.
        let (start, end) = self.state.merged(key, time, watermark);
        let stays = matches!(fired.as_slice(), [only] if (only.session.start, only.session.end) == (start, end));
        self.give(&fired, if stays { RowKind::UpdateBefore } else { RowKind::Delete }, out)?;
        let group = self.state.merge(key, time, watermark)?;
        pending.push(row, group);
        pending.flush(&mut self.state.groups)?;
        let Some(at) = self.state.by_key[key as usize].iter().position(|s| s.group == group) else { return Ok(()) };
        if self.state.time.closing(end) <= watermark {
            self.state.by_key[key as usize][at].fired = true;
            let session = self.state.by_key[key as usize][at];
            let kind = if stays { RowKind::UpdateAfter } else { RowKind::Insert };
            self.state.expiries.push(Reverse((session.end, session.order, key)));
            self.give(&[Closed { session, key }], kind, out)?;
        }
        Ok(())
    }
}
