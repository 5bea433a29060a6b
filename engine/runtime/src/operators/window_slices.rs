//! TUMBLE, HOP and CUMULATE, and windows that rows carry: rows are aggregated once per slice, and windows merge their slices
//! when they fire.
//!
//! ```text
//! row --time--> slice --key--> group --> accumulators      watermark --> windows, oldest first: merge slices, finish, emit
//! ```
//!
//! Windows fire at watermarks only, so once per batch. A row that came behind a watermark step which closed some of its
//! windows, but not all, must not count in the closed ones: it goes to another pane of its slice, which starts to count with
//! the first window that is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, SchemaRef};
use wasmill_plan::{AggregateCall, Error, Result, Schema, WindowAggregate, Windowing};

use super::window_aggregate::{RESULT_ROWS_MAX, WindowOutput, columns, times, types};
use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, RowKind, take_rows};
use crate::groups::Groups;
use crate::key_table::{Entry, KeyCodec, KeyTable, KeyView, StoredKeys, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows, key_group};
use crate::window::{LocalTime, Shape, Slice, check_time};

/// See the module.
pub struct SliceAggregateOperator {
    windows: Windows,
    keys: Vec<usize>,
    state: Slices,
    output: WindowOutput,
}

/// Where a row's slice comes from.
enum Windows {
    Assign { time_column: usize },
    Attached { start_column: Option<usize>, end_column: usize },
}

/// Group of a row that is not aggregated.
const SKIP: u32 = u32::MAX;

/// Rows of a slice that count in the same windows.
struct Pane {
    slice: Slice,
    /// End of the next window that the rows count in; `None` where all have fired and late rows are allowed.
    next_end: Option<i64>,
    /// What [`Pane::next_end`] was at first: tells the panes of a slice apart.
    rank: i64,
    table: KeyTable,
}

/// State table `slices`: `$key_group`, `$start`, `$end` (Int64, local ms), `$next` (Int64, end of the next window that the
/// rows count in, or NULL), `$fired` (Int64, the watermark up to which windows have fired), the key columns `k<i>`, then the
/// accumulators ([`Groups::state_fields`]). A row per pane and key.
struct Slices {
    /// `None` where rows carry their windows.
    shape: Option<Shape>,
    time: LocalTime,
    allowed_ms: i64,
    codec: KeyCodec,
    groups: Groups,
    panes: Vec<Pane>,
    free: Vec<usize>,
    /// By (end, start, rank).
    index: BTreeMap<(i64, i64, i64), usize>,
    /// The ends of windows that have to fire, with the number of their panes.
    due: BTreeMap<i64, usize>,
    /// All windows that close at or before this watermark have fired.
    fired: i64,
    /// Keys of a window of several slices, while it fires.
    merged: KeyTable,
}

/// The pane that the last row was in.
#[derive(Clone, Copy)]
struct Cursor {
    slice: Slice,
    pane: Option<usize>,
    /// Of the pane.
    next_end: Option<i64>,
    /// The watermark from which a row of the slice needs another look.
    due: i64,
    /// The watermark from which it is late for all.
    closes: i64,
}

/// The rows of one call, as they are assigned.
struct Assigned {
    groups: Vec<u32>,
    /// The row of the first of `groups`.
    from: usize,
    skipped: bool,
    late: Vec<u32>,
}

impl SliceAggregateOperator {
    /// For a node whose windows are no sessions.
    ///
    /// # Errors
    /// `Error::Query` for windows or aggregates that cannot be.
    pub fn new(node: &WindowAggregate, input: &Schema, output: &Schema, retracting: bool) -> Result<Self> {
        let (windows, shape, zone) = match &node.windowing {
            Windowing::Assign(spec) => {
                (Windows::Assign { time_column: spec.time_column }, Some(Shape::new(&spec.kind)?), &spec.time_zone)
            }
            Windowing::Attached { start_column, end_column, time_zone } => {
                (Windows::Attached { start_column: *start_column, end_column: *end_column }, None, time_zone)
            }
        };
        Ok(Self {
            windows,
            keys: node.keys.clone(),
            state: Slices::new(
                shape,
                LocalTime::new(zone.as_deref())?,
                node.lateness.allowed_ms,
                KeyCodec::new(types(input, &node.keys))?,
                &node.aggregates,
                retracting,
            )?,
            output: WindowOutput::new(output),
        })
    }

    fn assign<V: KeyView>(&mut self, view: &V, batch: &Batch, out: &mut dyn Output) -> Result<()> {
        let rows = batch.len();
        let (starts, times) = match self.windows {
            Windows::Assign { time_column } => (None, times(&batch.rows, time_column, "the time attribute")?),
            Windows::Attached { start_column, end_column } => {
                let starts = start_column.map(|c| times(&batch.rows, c, "window_start")).transpose()?;
                (starts, times(&batch.rows, end_column, "window_end")?)
            }
        };
        if let (Some(&low), Some(&high)) = (times.iter().min(), times.iter().max()) {
            check_time(low)?;
            check_time(high)?;
        }
        let computed;
        let hashes = match &batch.hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&columns(&batch.rows, &self.keys), rows);
                &computed
            }
        };
        let marks = if batch.steps.is_empty() { Vec::new() } else { batch.row_watermarks() };
        let mut assigned = Assigned { groups: Vec::with_capacity(rows), from: 0, skipped: false, late: Vec::new() };
        let mut cursor: Option<Cursor> = None;
        for row in 0..rows {
            let watermark = if marks.is_empty() { batch.watermark } else { marks[row] };
            let mut at = match (self.state.shape, cursor) {
                (Some(shape), held) => {
                    let time = self.state.time.local(times[row]);
                    match held {
                        Some(c) if c.slice.start <= time && time < c.slice.end => c,
                        _ => self.state.cursor(shape.slice(time), watermark),
                    }
                }
                (None, held) => {
                    let (start, end) = (starts.as_ref().map_or(i64::MIN, |s| s[row]), times[row]);
                    match held {
                        Some(c) if c.slice.start == start && c.slice.end == end => c,
                        _ => {
                            let slice = Slice { start, end, first_window_end: end, last_window_end: end };
                            self.state.cursor(slice, watermark)
                        }
                    }
                }
            };
            if watermark >= at.due {
                if watermark >= at.closes {
                    // Late for all windows, or between the windows of a HOP with gaps.
                    if at.slice.first_window_end <= at.slice.last_window_end {
                        assigned.late.push(row as u32);
                    }
                    assigned.groups.push(SKIP);
                    assigned.skipped = true;
                    cursor = Some(at);
                    continue;
                }
                if self.state.allowed_ms > 0 {
                    self.flush(batch, &mut assigned, row)?;
                    self.correct(view, batch, hashes[row], row, watermark, at, out)?;
                    assigned.from = row + 1;
                    cursor = None;
                    continue;
                }
                at = self.state.cursor(at.slice, watermark);
            }
            let pane = match at.pane {
                Some(pane) => pane,
                None => {
                    let pane = self.state.new_pane(at.slice, at.next_end);
                    at.pane = Some(pane);
                    pane
                }
            };
            let state = &mut self.state;
            let (table, groups) = (&mut state.panes[pane].table, &mut state.groups);
            assigned.groups.push(table.find_or_insert(view, hashes[row], row, || groups.allocate()));
            cursor = Some(at);
        }
        self.flush(batch, &mut assigned, rows)?;
        if !assigned.late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(assigned.late)));
        }
        Ok(())
    }

    /// Aggregates the rows that are assigned, those before `to`.
    fn flush(&mut self, batch: &Batch, assigned: &mut Assigned, to: usize) -> Result<()> {
        let from = assigned.from;
        debug_assert_eq!(assigned.groups.len(), to - from);
        if assigned.skipped {
            let kept: Vec<u32> =
                (0..to - from).filter(|&i| assigned.groups[i] != SKIP).map(|i| (from + i) as u32).collect();
            assigned.groups.retain(|&g| g != SKIP);
            let kept = UInt32Array::from(kept);
            let kinds = batch.kinds.as_ref().map(|k| crate::batch::take_kinds(k, &kept));
            self.state.groups.update(&assigned.groups, &take_rows(&batch.rows, &kept), kinds.as_ref())?;
        } else if to == batch.len() && from == 0 {
            self.state.groups.update(&assigned.groups, &batch.rows, batch.kinds.as_ref())?;
        } else {
            let kinds = batch.kinds.as_ref().map(|k| k.slice(from, to - from));
            self.state.groups.update(&assigned.groups, &batch.rows.slice(from, to - from), kinds.as_ref())?;
        }
        assigned.groups.clear();
        assigned.from = to;
        assigned.skipped = false;
        Ok(())
    }

    /// Fires the windows that close at or before `watermark`, by their end.
    fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
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

    fn rows(&self, columns: Vec<ArrayRef>, rows: usize, start: i64, end: i64) -> Result<RecordBatch> {
        let start = (start != i64::MIN).then_some(start);
        self.output.rows(columns, vec![start; rows], vec![end; rows], &self.state.time)
    }

    /// Adds one row that is late for windows whose state is kept: they give a new result.
    #[allow(clippy::too_many_arguments)]
    fn correct<V: KeyView>(
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

impl Operator for SliceAggregateOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let keys = self.state.codec.view(&columns(&batch.rows, &self.keys))?;
        with_keys!(&keys, view => self.assign(view, &batch, out))
    }
    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.fire(watermark, out)?;
        Ok(watermark)
    }
    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.state]
    }
}

impl Slices {
    fn new(
        shape: Option<Shape>,
        time: LocalTime,
        allowed_ms: i64,
        codec: KeyCodec,
        aggregates: &[AggregateCall],
        retracting: bool,
    ) -> Result<Self> {
        Ok(Self {
            shape,
            time,
            allowed_ms,
            codec,
            groups: Groups::new(aggregates, retracting)?,
            panes: Vec::new(),
            free: Vec::new(),
            index: BTreeMap::new(),
            due: BTreeMap::new(),
            fired: NO_WATERMARK,
            merged: KeyTable::default(),
        })
    }

    /// Finds the pane of a slice for rows that come at a watermark.
    fn cursor(&self, slice: Slice, watermark: i64) -> Cursor {
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
    fn next_end(&self, slice: &Slice, watermark: i64) -> Option<i64> {
        let mut end = slice.first_window_end;
        while end <= slice.last_window_end {
            if self.time.closing(end) > watermark {
                return Some(end);
            }
            end += self.shape.map_or(1, |s| s.period());
        }
        None
    }

    fn new_pane(&mut self, slice: Slice, next_end: Option<i64>) -> usize {
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

    fn set_next_end(&mut self, pane: usize, next_end: Option<i64>) {
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

    fn remove_pane(&mut self, pane: usize) {
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
    fn panes_of(&self, end: i64, pane: usize) -> Vec<usize> {
        match self.shape {
            None => vec![pane],
            Some(shape) => {
                let start = shape.window_start(end);
                let range = (start + 1, i64::MIN, i64::MIN)..=(end, i64::MAX, i64::MAX);
                self.index.range(range).map(|(_, &p)| p).collect()
            }
        }
    }

    fn window_start(&self, end: i64, pane: usize) -> i64 {
        self.shape.map_or(self.panes[pane].slice.start, |s| s.window_start(end))
    }

    /// Merges the panes of a CUMULATE window into the one that starts it, which then reaches to `end`.
    fn accumulate(&mut self, panes: Vec<usize>, end: i64) -> Result<usize> {
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
    fn merge(&mut self, panes: &[usize]) -> Result<()> {
        let mut merged = std::mem::take(&mut self.merged);
        let pairs: Vec<_> = panes.iter().map(|&from| self.pairs(&mut merged, from)).collect();
        self.merged = merged;
        // Flink merges the slices of HOP from the newest to the oldest.
        self.groups.merge(&pairs, true)
    }

    /// The groups of the keys of pane `from` in `table`, new ones where they are not there, beside their groups in the pane.
    fn pairs(&mut self, table: &mut KeyTable, from: usize) -> (Vec<u32>, Vec<u32>) {
        let groups = &mut self.groups;
        let own = &self.panes[from].table;
        let view = StoredKeys::of(own);
        let into = own.entries().iter().enumerate();
        let into = into.map(|(row, e)| table.find_or_insert(&view, e.hash, row, || groups.allocate())).collect();
        (into, own.groups())
    }

    /// The window that ends at `end` has fired.
    fn advance(&mut self, panes: &[usize], end: i64) {
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
    fn purge(&mut self, watermark: i64) {
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

    fn schema(&self) -> SchemaRef {
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        let whole = |name, nullable| Field::new(name, A::Int64, nullable);
        fields.extend([whole("$start", false), whole("$end", false), whole("$next", true), whole("$fired", false)]);
        let keys = self.codec.types().iter().enumerate();
        fields.extend(keys.map(|(i, data_type)| Field::new(format!("k{i}"), data_type.clone(), true)));
        fields.extend(self.groups.state_fields());
        Arc::new(arrow::datatypes::Schema::new(fields))
    }
}

impl StateTable for Slices {
    fn name(&self) -> &'static str {
        "slices"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let schema = self.schema();
        let mut parts = Vec::with_capacity(self.index.len());
        for &pane in self.index.values() {
            let Pane { slice, table, next_end, .. } = &self.panes[pane];
            let entries = table.entries();
            let constant = |v: i64| Arc::new(Int64Array::from_value(v, entries.len())) as ArrayRef;
            let mut columns: Vec<ArrayRef> =
                vec![Arc::new(UInt16Array::from_iter_values(entries.iter().map(|e| key_group(e.hash))))];
            let next: ArrayRef = Arc::new(Int64Array::from(vec![*next_end; entries.len()]));
            columns.extend([constant(slice.start), constant(slice.end), next, constant(self.fired)]);
            columns.extend(self.codec.columns(table, entries)?);
            columns.extend(self.groups.save(&table.groups())?);
            parts.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
        Ok(arrow::compute::concat_batches(&schema, &parts)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let schema = self.schema();
        let same = schema.fields().len() == rows.num_columns()
            && schema.fields().iter().zip(rows.columns()).all(|(f, c)| f.data_type() == c.data_type());
        if !same {
            return Err(Error::Corrupt {
                message: "the state table 'slices' does not have the columns it should have".into(),
            });
        }
        let all: Vec<usize> = self.index.values().copied().collect();
        all.into_iter().for_each(|p| self.remove_pane(p));
        let whole = |c: usize| -> ScalarBuffer<i64> { rows.column(c).as_primitive::<Int64Type>().values().clone() };
        let (starts, ends) = (whole(1), whole(2));
        let next_ends = rows.column(3).as_primitive::<Int64Type>();
        self.fired = whole(4).iter().copied().max().unwrap_or(NO_WATERMARK);
        let key_columns = &rows.columns()[5..5 + self.codec.types().len()];
        let hashes = hash_rows(key_columns, rows.num_rows());
        let keys = self.codec.view(key_columns)?;
        let mut groups = Vec::with_capacity(rows.num_rows());
        let mut merged = Vec::new();
        for row in 0..rows.num_rows() {
            let (start, end) = (starts[row], ends[row]);
            let next_end = next_ends.is_valid(row).then(|| next_ends.value(row));
            let held = self.index.range((end, start, i64::MIN)..=(end, start, i64::MAX));
            let held = held.map(|(_, &p)| p).find(|&p| self.panes[p].next_end == next_end);
            let pane = match held {
                Some(pane) => pane,
                None => {
                    let slice = match self.shape {
                        None => Slice { start, end, first_window_end: end, last_window_end: end },
                        // A CUMULATE pane may have grown over several slices.
                        Some(shape) => Slice { end, ..shape.slice(start) },
                    };
                    self.new_pane(slice, next_end)
                }
            };
            let (table, all) = (&mut self.panes[pane].table, &mut self.groups);
            let mut new = None;
            let group = with_keys!(&keys, view => table.find_or_insert(view, hashes[row], row, || {
                *new.insert(all.allocate())
            }));
            // Panes that count in the same windows by now are one.
            groups.push(new.unwrap_or_else(|| {
                let from = all.allocate();
                merged.push((vec![group], vec![from]));
                from
            }));
        }
        self.groups.load(&groups, &rows.columns()[5 + self.codec.types().len()..])?;
        self.groups.merge(&merged, false)?;
        merged.iter().for_each(|(_, from)| self.groups.release(from));
        Ok(())
    }
}
