//! OVER in event time: a row is answered when the watermark passes it.
//!
//! ```text
//! batch --late?--> waits in `pending` --watermark--> rows in time order --Frames::run--> rows + results
//! ```
//! **Lateness** is Flink's. Where a frame is unbounded, a row at or before the watermark is late. Where all are bounded, the
//! key judges: a row is late at or before the last time that its key was answered for, so one behind the watermark still
//! counts while nothing newer of its key came out; it is answered with the next rise of the watermark. With RANGE, a key is
//! forgotten when the watermark passes its last frame by half the frame's length.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::datatypes::SchemaRef;
use wasmill_plan::{Over, Result, Schema};

use super::pending::{Due, Part, Pending, times};
use super::saved::Keyed;
use crate::batch::{Batch, NO_WATERMARK, take_rows};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};

/// Rows of an output batch.
const OUTPUT_ROWS: usize = 8192;

/// See the module.
pub(super) struct EventTimeOver {
    time_column: usize,
    output: SchemaRef,
    keyed: Keyed,
    pending: Pending,
    /// Everything up to this watermark has come out.
    fired: i64,
    /// Whether keys judge lateness.
    by_key: bool,
    /// The longest RANGE, where all frames are bounded RANGEs.
    range_ms: Option<i64>,
    /// Rows answered since expired keys were looked for.
    since_sweep: usize,
}

impl EventTimeOver {
    pub(super) fn new(plan: &Over, input: &Schema, output: &Schema) -> Result<Self> {
        let keyed = Keyed::new(&plan.partition, &plan.groups, input)?;
        Ok(Self {
            time_column: plan.time_column,
            output: output.to_arrow(),
            pending: Pending::new(input.to_arrow(), plan.partition.clone()),
            fired: NO_WATERMARK,
            by_key: keyed.frames.layout.all_bounded(),
            range_ms: keyed.frames.layout.longest_range_ms(),
            keyed,
            since_sweep: 0,
        })
    }

    /// Gives key ids to restored rows.
    fn settle(&mut self) -> Result<()> {
        for (rows, mark) in self.pending.take_loaded().into_iter().flatten() {
            let part = self.part(rows, None)?;
            match mark {
                None => self.pending.add(part),
                Some(mark) => self.pending.hold(part, mark),
            }
        }
        Ok(())
    }

    fn part(&mut self, rows: RecordBatch, hashes: Option<Vec<u64>>) -> Result<Part> {
        let columns = self.pending.key_columns(&rows);
        let hashes = hashes.unwrap_or_else(|| hash_rows(&columns, rows.num_rows()));
        let keys = self.keyed.keys.ids(&columns, &hashes)?;
        self.keyed.frames.resize(self.keyed.keys.capacity());
        Ok(Part::new(rows.clone(), times(&rows, self.time_column)?, keys))
    }

    /// Notes when the keys of accepted rows may be forgotten.
    fn note_expiry(&mut self, times: &[i64], keys: &[u32]) {
        let Some(range_ms) = self.range_ms else { return };
        for (&time, &key) in times.iter().zip(keys) {
            let head = &mut self.keyed.frames.store.heads[key as usize];
            let latest = time.saturating_add(range_ms).saturating_add(1);
            if head.expires == i64::MAX || head.expires < latest {
                head.expires = latest.saturating_add(range_ms / 2);
            }
        }
    }

    fn accept(&mut self, part: Part) {
        self.note_expiry(&part.times, &part.keys);
        self.pending.add(part);
    }

    /// Answers all that is due at `watermark`.
    fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        self.fired = self.fired.max(watermark);
        let Some(Due { rows, times, keys }) = self.pending.take_due(watermark)? else { return Ok(()) };
        self.since_sweep += keys.len();
        let results = self.keyed.frames.run(&rows, &times, &keys)?;
        let columns = rows.columns().iter().cloned().chain(results).collect();
        let result = RecordBatch::try_new(self.output.clone(), columns)?;
        let mut start = 0;
        while start < result.num_rows() {
            let count = OUTPUT_ROWS.min(result.num_rows() - start);
            out.emit(Batch::append(result.slice(start, count)));
            start += count;
        }
        Ok(())
    }

    /// Takes a batch in which rows came behind the watermark, key by key as in Flink.
    fn judge_by_key(&mut self, rows: &RecordBatch, part: Part, marks: &[i64], out: &mut dyn Output) -> Result<()> {
        let (mut accepted, mut held, mut late): (Vec<u32>, Vec<u32>, Vec<u32>) = Default::default();
        let mut held_mark = NO_WATERMARK;
        let pick = |chosen: &mut Vec<u32>| -> Part {
            let at = |row: &u32| *row as usize;
            let (times, keys) = chosen.iter().map(|r| (part.times[at(r)], part.keys[at(r)])).unzip();
            Part::new(take_rows(rows, &UInt32Array::from(std::mem::take(chosen))), times, keys)
        };
        for (row, &mark) in marks.iter().enumerate() {
            let (time, key) = (part.times[row], part.keys[row]);
            if time > mark {
                accepted.push(row as u32);
                continue;
            }
            if mark > self.fired {
                // What came until now is answered first, as far as the watermark allows.
                if !accepted.is_empty() {
                    self.accept(pick(&mut accepted));
                }
                if !held.is_empty() {
                    let held = pick(&mut held);
                    self.note_expiry(&held.times, &held.keys);
                    self.pending.hold(held, held_mark);
                }
                self.fire(mark, out)?;
            }
            let head = &self.keyed.frames.store.heads[key as usize];
            if head.expires <= mark {
                self.keyed.frames.clear(key);
            }
            if self.keyed.frames.store.heads[key as usize].time < time {
                held.push(row as u32);
                held_mark = mark;
            } else {
                late.push(row as u32);
            }
        }
        if !accepted.is_empty() {
            self.accept(pick(&mut accepted));
        }
        if !held.is_empty() {
            let held = pick(&mut held);
            self.note_expiry(&held.times, &held.keys);
            self.pending.hold(held, held_mark);
        }
        if !late.is_empty() {
            out.late(take_rows(rows, &UInt32Array::from(late)));
        }
        Ok(())
    }

    /// Forgets keys whose rows have left every frame, when about as many rows came as there are keys.
    fn sweep(&mut self, watermark: i64) {
        if self.range_ms.is_none() || self.since_sweep < self.keyed.keys.len() {
            return;
        }
        self.since_sweep = 0;
        for key in 0..self.keyed.keys.capacity() as u32 {
            if self.keyed.keys.is_live(key) && self.keyed.frames.store.heads[key as usize].expires <= watermark {
                self.keyed.frames.clear(key);
                self.keyed.keys.remove(key);
            }
        }
    }
}

impl Operator for EventTimeOver {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        self.settle()?;
        debug_assert!(batch.kinds.is_none(), "OVER in event time takes rows that only add");
        let times = times(&batch.rows, self.time_column)?;
        let highest = batch.last_watermark();
        if times.iter().all(|&t| t > highest) {
            let part = self.part(batch.rows, batch.hashes)?;
            self.accept(part);
            return Ok(());
        }
        let marks = batch.row_watermarks();
        let in_time = |row: usize| times[row] > marks[row];
        if (0..times.len()).all(in_time) {
            let part = self.part(batch.rows, batch.hashes)?;
            self.accept(part);
        } else if self.by_key {
            let part = self.part(batch.rows.clone(), batch.hashes)?;
            self.judge_by_key(&batch.rows, part, &marks, out)?;
        } else {
            let (kept, late): (Vec<u32>, Vec<u32>) = (0..times.len() as u32).partition(|&r| in_time(r as usize));
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
            let part = self.part(take_rows(&batch.rows, &UInt32Array::from(kept)), None)?;
            self.accept(part);
        }
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.settle()?;
        self.fire(watermark, out)?;
        self.sweep(watermark);
        Ok(watermark)
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        let Self { pending, keyed, .. } = self;
        vec![pending, keyed]
    }
}
