//! OVER with EMIT ON ARRIVAL, and OVER in processing time: each row is answered when it comes.
//!
//! ```text
//! row --late?--> forget old leaves of its key -> insert into the key's tree -> fold each frame -> row + results
//! ```
//! **A row at time t sees** the rows of its key that came before it and lie in its frame: `t − preceding ..= t` for RANGE, the
//! rows that stand before it in time order for ROWS and LAG; of rows of one time, those that came first. A row out of order
//! takes its place in time: rows that come later see it, rows already answered do not.
//!
//! **The watermark only bounds state.** Let K be the watermark in force before a row, less the longest bounded RANGE of the
//! operator (less nothing where there is none). A row with t < K is late. Rows before K are forgotten, but for as many as
//! ROWS and LAG may still reach, and unbounded frames keep their aggregate; a RANGE frame of a row behind the watermark
//! therefore begins at K at the earliest.
//!
//! **In processing time** nothing is late. A row's time only measures RANGE frames and bounds state: K is the row's own time,
//! less the longest RANGE. A time before that of the key's last row, from a clock that was set back, counts as that.
//!
//! The output has the input's rows in their order, with its watermark steps.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::SchemaRef;
use wasmill_expr::UserFunctions;
use wasmill_plan::{Error, Over, OverAnswer, Result, Schema};

use super::arguments::Values;
use super::functions::{Layout, Output as Column, Ranks};
use super::monoid::counts;
use super::partial::{Kind, Place};
use super::pending::times;
use super::results::{Numbers, Results};
use super::row_values::NONE;
use super::running::{KeyRows, Running};
use super::saved_trees::KeyedTrees;
use super::steps::Bounds;
use super::sums::Exact;
use super::tree::Part;
use crate::batch::{Batch, select, take_rows};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};

/// See the module.
pub(super) struct ArrivalOver {
    partition: Vec<usize>,
    time_column: usize,
    output: SchemaRef,
    keyed: KeyedTrees,
    /// Of each group, the tree's partial of each of its partials (LAG has none).
    indexes: Vec<Vec<usize>>,
    reach: Reach,
    wants_rank: bool,
    processing_time: bool,
    since_sweep: usize,
}

/// How far back frames reach.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// The longest bounded RANGE.
    range_ms: i64,
    /// The most rows of ROWS and LAG.
    rows: u64,
    /// Whether there is an unbounded frame with aggregates.
    pub(super) unbounded: bool,
    /// Whether positions count from the first row of a key.
    numbered: bool,
}

impl Reach {
    fn new(layout: &Layout) -> Self {
        let mut reach = Self { range_ms: 0, rows: layout.lag.unwrap_or(0), unbounded: false, numbered: false };
        for group in &layout.groups {
            match group.bounds {
                Bounds::Rows(Some(rows)) => reach.rows = reach.rows.max(rows),
                Bounds::Range(Some(ms)) => reach.range_ms = reach.range_ms.max(ms),
                _ => {
                    let aggregates = group.partials.iter().any(|p| !matches!(p.kind, Kind::Lag { .. }));
                    reach.unbounded |= aggregates || !group.accumulators.is_empty();
                }
            }
            reach.numbered |= group.outputs.iter().any(|o| matches!(o, Column::RowNumber | Column::Rank));
        }
        reach
    }
    /// K of the module's description.
    fn oldest(&self, watermark: i64) -> i64 {
        watermark.saturating_sub(self.range_ms)
    }
}

impl ArrivalOver {
    pub(super) fn new(plan: &Over, input: &Schema, output: &Schema, functions: &dyn UserFunctions) -> Result<Self> {
        let processing_time = plan.answer == OverAnswer::ProcessingTime;
        let ranks = if processing_time { Ranks::OfTime } else { Ranks::OfOrder };
        let mut layout = Layout::new(&plan.groups, input, ranks, functions)?;
        if layout.groups.iter().flat_map(|g| &g.outputs).any(|o| matches!(o, Column::DenseRank)) {
            return Err(Error::Query {
                message: "DENSE_RANK() cannot be given on arrival".to_owned(),
                hint: Some("use RANK(); or order by an event time and leave EMIT ON ARRIVAL out".to_owned()),
            });
        }
        for group in &mut layout.groups {
            let unbounded = matches!(group.bounds, Bounds::Rows(None) | Bounds::Range(None));
            for accumulators in &mut group.accumulators {
                accumulators.anew |= !unbounded && !accumulators.exact;
                accumulators.running = Running::new(unbounded, !processing_time);
            }
        }
        let mut partials: Vec<(Kind, usize)> = Vec::new();
        let mut width = 0;
        let mut index = |kind: Kind| -> usize {
            if matches!(kind, Kind::Lag { .. }) {
                return usize::MAX;
            }
            partials.iter().position(|p| p.0 == kind).unwrap_or_else(|| {
                partials.push((kind, width));
                width += kind.tree_width();
                partials.len() - 1
            })
        };
        let indexes = layout.groups.iter().map(|g| g.partials.iter().map(|p| index(p.kind)).collect()).collect();
        Ok(Self {
            partition: plan.partition.clone(),
            time_column: plan.time_column,
            output: output.to_arrow(),
            indexes,
            reach: Reach::new(&layout),
            wants_rank: layout.groups.iter().flat_map(|g| &g.outputs).any(|o| matches!(o, Column::Rank)),
            keyed: KeyedTrees::new(&plan.partition, layout, input, partials, width)?,
            processing_time,
            since_sweep: 0,
        })
    }

    /// Forgets what nothing in the tree of a key can reach any more.
    fn forget(&mut self, key: u32, oldest: i64) -> Result<()> {
        loop {
            let (root, trees) = (self.keyed.roots[key as usize], &self.keyed.trees);
            if root.rows == 0 {
                return Ok(());
            }
            let (rows, last) = trees.first_leaf(&root);
            let spare = |rows: u64| self.reach.rows == 0 || trees.rows_before(&root, oldest) >= rows + self.reach.rows;
            if last < oldest && spare(rows) {
                self.keyed.retire(key, rows, self.reach.unbounded)?;
                self.keyed.trees.drop_first_leaf(&mut self.keyed.roots[key as usize]);
                continue;
            }
            if trees.is_full_leaf(&root) {
                let gone = trees.rows_before(&root, oldest).saturating_sub(self.reach.rows);
                if gone > 0 {
                    self.keyed.retire(key, gone, self.reach.unbounded)?;
                    self.keyed.trees.drop_first_rows(&mut self.keyed.roots[key as usize], gone);
                }
            }
            return Ok(());
        }
    }

    /// The results of a row that stands at `position` of its tree.
    fn answer(
        &mut self,
        key: u32,
        time: i64,
        position: u64,
        oldest: i64,
        parts: &mut Vec<Part>,
        results: &mut [Results],
    ) -> Result<()> {
        let keyed = &mut self.keyed;
        let (root, trees) = (keyed.roots[key as usize], &keyed.trees);
        let mut scratch = Vec::with_capacity(3);
        for ((group, indexes), results) in keyed.layout.groups.iter_mut().zip(&self.indexes).zip(results) {
            let (from, unbounded) = match group.bounds {
                Bounds::Rows(None) | Bounds::Range(None) => (0, true),
                Bounds::Rows(Some(rows)) => (position.saturating_sub(rows), false),
                Bounds::Range(Some(ms)) => (trees.rows_before(&root, time.saturating_sub(ms).max(oldest)), false),
            };
            parts.clear();
            if !group.partials.is_empty() {
                trees.range(&root, from, position + 1, parts);
            }
            for ((partial, &index), out) in group.partials.iter().zip(indexes).zip(&mut results.words) {
                if let Kind::Lag { bit, value, offset, default } = partial.kind {
                    let present = |at: u64, bit: usize, value: Place| {
                        let record = trees.row(&root, at);
                        if counts(record, bit) { value.take(record) } else { NONE }
                    };
                    out.extend(match (position.checked_sub(offset), default) {
                        (Some(before), _) => present(before, bit, value),
                        (None, Some((bit, value))) => present(position, bit, value),
                        (None, None) => NONE,
                    });
                    continue;
                }
                scratch.clear();
                trees.fold(index, parts, &mut scratch);
                if unbounded {
                    let offset = trees.partials[index].1;
                    let base = &keyed.base[key as usize * trees.width..][..trees.width];
                    trees.join(index, &base[offset..], &mut scratch);
                }
                match partial.kind {
                    Kind::SumFloat { .. } => out.push(Exact::total(&scratch).to_bits()),
                    Kind::SumSingle { .. } => out.push(f64::from(Exact::total(&scratch) as f32).to_bits()),
                    _ => out.extend_from_slice(&scratch),
                }
            }
            let rows = KeyRows { key, root, trees, arguments: &keyed.layout.arguments.list };
            for (accumulators, out) in group.accumulators.iter_mut().zip(&mut results.accumulated) {
                out.push(accumulators.answer(&rows, from, position)?);
            }
        }
        Ok(())
    }

    fn run(&mut self, batch: &Batch, times: &[i64], keys: &[u32], marks: &[i64]) -> Result<Vec<ArrayRef>> {
        let arguments = &self.keyed.layout.arguments;
        let values = arguments.list.iter().map(|x| x.values(&batch.rows)).collect::<Result<Vec<Values>>>()?;
        let (bits, width) = (arguments.bits(&batch.rows), arguments.bit_words());
        let mut numbers = Numbers::default();
        let mut results: Vec<Results> = self
            .keyed
            .layout
            .groups
            .iter()
            .map(|g| Results::new(g.partials.iter().map(|p| &p.kind), g.accumulators.len(), times.len()))
            .collect();
        let (mut record, mut parts) = (Vec::new(), Vec::new());
        for (row, (&time, &key)) in times.iter().zip(keys).enumerate() {
            let time = match self.keyed.trees.last_time(&self.keyed.roots[key as usize]) {
                Some(last) if self.processing_time => time.max(last),
                _ => time,
            };
            let oldest = self.reach.oldest(if self.processing_time { time } else { marks[row] });
            self.forget(key, oldest)?;
            record.clear();
            record.push(time as u64);
            record.extend_from_slice(&bits[row * width..(row + 1) * width]);
            for values in &values {
                match values {
                    Values::Words(words) => record.push(words[row]),
                    Values::Wide(wide) => record.extend([wide[row] as u64, (wide[row] >> 64) as u64]),
                    Values::Bytes { .. } => record.push(self.keyed.trees.slab.add(values.bytes(row))),
                }
            }
            let root = &mut self.keyed.roots[key as usize];
            let position = self.keyed.trees.insert(root, &record);
            let gone = self.keyed.gone[key as usize];
            numbers.row.push((gone + position) as i64 + 1);
            if self.wants_rank {
                let root = &self.keyed.roots[key as usize];
                numbers.rank.push((gone + self.keyed.trees.rows_before(root, time)) as i64 + 1);
            }
            self.answer(key, time, position, oldest, &mut parts, &mut results)?;
        }
        let mut columns = Vec::new();
        for (group, results) in self.keyed.layout.groups.iter().zip(&mut results) {
            results.resolve(group.partials.iter().map(|p| &p.kind), &self.keyed.trees.slab, times.len());
            for output in &group.outputs {
                columns.push(output.finish(results, &numbers, &self.keyed.layout.arguments)?);
            }
        }
        self.keyed.trees.slab.flush();
        Ok(columns)
    }

    /// Forgets keys of which nothing is needed any more, when about as many rows came as there are keys.
    fn sweep(&mut self, now: i64) {
        let keeps = self.reach.unbounded || self.reach.rows > 0 || self.reach.numbered;
        if keeps || self.since_sweep < self.keyed.keys.len() {
            return;
        }
        self.since_sweep = 0;
        let oldest = self.reach.oldest(now);
        for key in 0..self.keyed.keys.capacity() as u32 {
            let last = self.keyed.trees.last_time(&self.keyed.roots[key as usize]);
            if self.keyed.keys.is_live(key) && last.is_none_or(|last| last < oldest) {
                self.keyed.remove(key);
            }
        }
        self.keyed.trees.slab.flush();
    }
}

impl Operator for ArrivalOver {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        debug_assert!(batch.kinds.is_none(), "OVER in event time takes rows that only add");
        let mut batch = batch;
        let mut row_times = times(&batch.rows, self.time_column)?;
        let mut marks = batch.row_watermarks();
        let in_time = |row: usize| self.processing_time || row_times[row] >= self.reach.oldest(marks[row]);
        let late: Vec<u32> = (0..batch.len()).filter(|&row| !in_time(row)).map(|row| row as u32).collect();
        if !late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
            let kept: Vec<usize> = (0..batch.len()).filter(|&row| in_time(row)).collect();
            batch = select(&batch, None, in_time);
            marks = kept.iter().map(|&row| marks[row]).collect();
            row_times = kept.iter().map(|&row| row_times[row]).collect();
            if batch.is_empty() {
                return Ok(());
            }
        }
        let columns: Vec<ArrayRef> = self.partition.iter().map(|&c| batch.rows.column(c).clone()).collect();
        let hashes = batch.hashes.take().unwrap_or_else(|| hash_rows(&columns, batch.len()));
        let keys = self.keyed.keys.ids(&columns, &hashes)?;
        self.keyed.resize();
        self.since_sweep += keys.len();
        let results = self.run(&batch, &row_times, &keys, &marks)?;
        let columns = batch.rows.columns().iter().cloned().chain(results).collect();
        let rows = RecordBatch::try_new(self.output.clone(), columns)?;
        if let (true, Some(&now)) = (self.processing_time, row_times.iter().max()) {
            self.sweep(now);
        }
        out.emit(Batch { rows, kinds: None, watermark: batch.watermark, steps: batch.steps, hashes: None });
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, _out: &mut dyn Output) -> Result<i64> {
        if !self.processing_time {
            self.sweep(watermark);
        }
        Ok(watermark)
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.keyed]
    }
}
