//! The rows of an operator by slice: panes, which windows they count in next, and how they merge.
//!
//! ```text
//! index: (end, start, rank) --> pane = slice + key table --> groups      due: end of a window --> how many panes wait for it
//! ```

use std::collections::BTreeMap;

use wasmill_plan::Result;

use crate::batch::{MAX_WATERMARK, NO_WATERMARK};
use crate::groups::Groups;
use crate::key_table::{KeyCodec, KeyTable, StoredKeys};
use crate::window::{LocalTime, Shape, Slice};

/// Rows of a slice that count in the same windows.
pub(super) struct Pane {
    pub(super) slice: Slice,
    /// End of the next window that the rows count in; `None` where all have fired and late rows are allowed.
    pub(super) next_end: Option<i64>,
    /// What [`Pane::next_end`] was at first: tells the panes of a slice apart.
    pub(super) rank: i64,
    pub(super) table: KeyTable,
}

/// State table `slices`: `$key_group`, `$start`, `$end` (Int64, local ms), `$next` (Int64, end of the next window that the
/// rows count in, or NULL), `$fired` (Int64, the watermark up to which windows have fired), the key columns `k<i>`, then the
/// accumulators ([`Groups::state_fields`]). A row per pane and key.
pub(super) struct Slices {
    /// `None` where rows carry their windows.
    pub(super) shape: Option<Shape>,
    pub(super) time: LocalTime,
    pub(super) allowed_ms: i64,
    pub(super) codec: KeyCodec,
    pub(super) groups: Groups,
    pub(super) panes: Vec<Pane>,
    pub(super) free: Vec<usize>,
    /// By (end, start, rank).
    pub(super) index: BTreeMap<(i64, i64, i64), usize>,
    /// The ends of windows that have to fire, with the number of their panes.
    pub(super) due: BTreeMap<i64, usize>,
    /// All windows that close at or before this watermark have fired.
    pub(super) fired: i64,
    /// Keys of a window of several slices, while it fires.
    pub(super) merged: KeyTable,
}

/// The pane that the last row was in.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) slice: Slice,
    pub(super) pane: Option<usize>,
    /// Of the pane.
    pub(super) next_end: Option<i64>,
    /// The watermark from which a row of the slice needs another look.
    pub(super) due: i64,
    /// The watermark from which it is late for all.
    pub(super) closes: i64,
}

impl Slices {
    pub(super) fn new(shape: Option<Shape>, time: LocalTime, allowed_ms: i64, codec: KeyCodec, groups: Groups) -> Self {
        Self {
            shape,
            time,
            allowed_ms,
            codec,
            groups,
            panes: Vec::new(),
            free: Vec::new(),
            index: BTreeMap::new(),
            due: BTreeMap::new(),
            fired: NO_WATERMARK,
            merged: KeyTable::default(),
        }
    }

    /// Finds the pane of a slice for rows that come at a watermark.
    pub(super) fn cursor(&self, slice: Slice, watermark: i64) -> Cursor {
        let never = Cursor { slice, pane: None, next_end: None, due: i64::MIN, closes: i64::MIN };
        if slice.first_window_end > slice.last_window_end {
            return never;
        }
        let closes = self.time.closing(slice.last_window_end).saturating_add(self.allowed_ms);
        // Late rows that are allowed count in windows that have fired, too.
        let next_end = self.next_end(&slice, if self.allowed_ms > 0 { self.fired } else { watermark });
        let panes = self.index.range((slice.end, slice.start, i64::MIN)..=(slice.end, slice.start, i64::MAX));
        let pane = panes.map(|(_, &p)| p).find(|&p| self.panes[p].next_end == next_end);
        let due = match next_end {
            _ if self.allowed_ms > 0 && next_end == Some(slice.first_window_end) => closes,
            Some(end) if self.allowed_ms == 0 => self.time.closing(end),
            _ => i64::MIN,
        };
        Cursor { slice, pane, next_end, due, closes }
    }

    /// End of the first window of a slice that closes behind a watermark.
    pub(super) fn next_end(&self, slice: &Slice, watermark: i64) -> Option<i64> {
        let mut end = slice.first_window_end;
        while end <= slice.last_window_end {
            if self.time.closing(end) > watermark {
                return Some(end);
            }
            end += self.shape.map_or(1, |s| s.period());
        }
        None
    }

    pub(super) fn new_pane(&mut self, slice: Slice, next_end: Option<i64>) -> usize {
        let pane = match self.free.pop() {
            Some(pane) => pane,
            None => {
                self.panes.push(Pane { slice, next_end, rank: 0, table: KeyTable::default() });
                self.panes.len() - 1
            }
        };
        let held = &mut self.panes[pane];
        held.slice = slice;
        held.rank = next_end.unwrap_or(i64::MAX);
        self.index.insert((slice.end, slice.start, held.rank), pane);
        held.next_end = None;
        self.set_next_end(pane, next_end);
        pane
    }

    pub(super) fn set_next_end(&mut self, pane: usize, next_end: Option<i64>) {
        let before = std::mem::replace(&mut self.panes[pane].next_end, next_end);
        if let Some(end) = before
            && let Some(panes) = self.due.get_mut(&end)
        {
            *panes -= 1;
            if *panes == 0 {
                self.due.remove(&end);
            }
        }
        if let Some(end) = next_end {
            *self.due.entry(end).or_default() += 1;
        }
    }

    pub(super) fn remove_pane(&mut self, pane: usize) {
        self.set_next_end(pane, None);
        let held = &mut self.panes[pane];
        self.index.remove(&(held.slice.end, held.slice.start, held.rank));
        self.groups.release(&held.table.groups());
        // The memory of a small table is used again.
        const ENTRIES_KEPT_MAX: usize = 1 << 16;
        if held.table.entries().len() > ENTRIES_KEPT_MAX {
            held.table = KeyTable::default();
        }
        held.table.clear();
        self.free.push(pane);
    }

    /// The panes of the window that ends at `end` and holds `pane`, oldest first.
    pub(super) fn panes_of(&self, end: i64, pane: usize) -> Vec<usize> {
        match self.shape {
            None => vec![pane],
            Some(shape) => {
                let start = shape.window_start(end);
                let range = (start + 1, i64::MIN, i64::MIN)..=(end, i64::MAX, i64::MAX);
                self.index.range(range).map(|(_, &p)| p).collect()
            }
        }
    }

    pub(super) fn window_start(&self, end: i64, pane: usize) -> i64 {
        self.shape.map_or(self.panes[pane].slice.start, |s| s.window_start(end))
    }

    /// Merges the panes of a CUMULATE window into the one that starts it, which then reaches to `end`.
    pub(super) fn accumulate(&mut self, panes: Vec<usize>, end: i64) -> Result<usize> {
        let &into = panes
            .iter()
            .min_by_key(|&&p| (self.panes[p].slice.start, std::cmp::Reverse(self.panes[p].slice.end)))
            .expect("a window that fires has a pane");
        for &from in panes.iter().filter(|&&p| p != into) {
            let mut table = std::mem::take(&mut self.panes[into].table);
            let pairs = self.pairs(&mut table, from);
            self.panes[into].table = table;
            self.groups.merge(&[pairs], false)?;
            self.remove_pane(from);
        }
        let Pane { slice, rank, .. } = &mut self.panes[into];
        self.index.remove(&(slice.end, slice.start, *rank));
        slice.end = end;
        // No other pane has the same end and rank: each was merged into this one.
        *rank = end;
        self.index.insert((slice.end, slice.start, *rank), into);
        Ok(into)
    }

    /// Merges panes into fresh groups of [`Slices::merged`].
    pub(super) fn merge(&mut self, panes: &[usize]) -> Result<()> {
        let mut merged = std::mem::take(&mut self.merged);
        let pairs: Vec<_> = panes.iter().map(|&from| self.pairs(&mut merged, from)).collect();
        self.merged = merged;
        // Flink merges the slices of HOP from the newest to the oldest.
        self.groups.merge(&pairs, true)
    }

    /// The groups of the keys of pane `from` in `table`, new ones where they are not there, beside their groups in the pane.
    pub(super) fn pairs(&mut self, table: &mut KeyTable, from: usize) -> (Vec<u32>, Vec<u32>) {
        let groups = &mut self.groups;
        let own = &self.panes[from].table;
        let view = StoredKeys::of(own);
        let into = own.entries().iter().enumerate();
        let into = into.map(|(row, e)| table.find_or_insert(&view, e.hash, row, || groups.allocate())).collect();
        (into, own.groups())
    }

    /// The window that ends at `end` has fired.
    pub(super) fn advance(&mut self, panes: &[usize], end: i64) {
        let period = self.shape.map_or(1, |s| s.period());
        for &pane in panes {
            let next = end + period;
            let next = (next <= self.panes[pane].slice.last_window_end).then_some(next);
            self.set_next_end(pane, next);
            if next.is_none() && self.allowed_ms == 0 {
                self.remove_pane(pane);
            }
        }
    }

    /// Drops the panes whose windows take no late rows any more.
    pub(super) fn purge(&mut self, watermark: i64) {
        if self.allowed_ms == 0 {
            return;
        }
        let gone: Vec<usize> = self
            .index
            .values()
            .copied()
            .filter(|&p| {
                let closes = self.time.closing(self.panes[p].slice.last_window_end).saturating_add(self.allowed_ms);
                closes <= watermark || watermark == MAX_WATERMARK
            })
            .collect();
        gone.into_iter().for_each(|p| self.remove_pane(p));
    }
}
