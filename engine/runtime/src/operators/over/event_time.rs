//! OVER in event time: a row is answered when the watermark passes it.
//!
//! ```text
//! batch --late?--> waits in `pending` --watermark--> rows in time order --Frames::run--> rows + results
//! ```
//! **Lateness** is Flink's. Where a frame is unbounded, a row at or before the watermark is late. Where all are bounded, the
//! key judges: a row is late at or before the last time that its key was answered for, so one behind the watermark still
//! counts while nothing newer of its key came out; it is answered with the next rise of the watermark. A time up to the epoch
//! is always late there. With RANGE, keys are forgotten by [`super::cleanup`].

use arrow::array::{RecordBatch, UInt32Array};
use arrow::datatypes::SchemaRef;
use wasmill_expr::UserFunctions;
use wasmill_plan::{Over, Result, Schema};

use super::pending::{Due, Part, Pending, times};
use super::saved::Keyed;
use super::ties::Ties;
use crate::batch::{Batch, NO_WATERMARK, take_rows};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};

/// Rows of an output batch.
const OUTPUT_ROWS: usize = 8192;
const EPOCH: i64 = 0;

/// See the module.
pub(super) struct EventTimeOver {
    time_column: usize,
    /// The order of rows of one time.
    ties: Option<Ties>,
    output: SchemaRef,
    keyed: Keyed,
    pending: Pending,
    /// Everything up to this watermark has come out.
    fired: i64,
    /// Whether keys judge lateness.
    by_key: bool,
    /// No time up to this is in time.
    floor: i64,
    /// Rows answered since expired keys were looked for.
    since_sweep: usize,
}

impl EventTimeOver {
    pub(super) fn new(plan: &Over, input: &Schema, output: &Schema, functions: &dyn UserFunctions) -> Result<Self> {
        let keyed = Keyed::new(&plan.partition, &plan.groups, input, functions)?;
        let by_key = keyed.frames.layout.all_bounded();
        Ok(Self {
            time_column: plan.time_column,
            ties: Ties::new(&plan.ties, input)?,
            output: output.to_arrow(),
            pending: Pending::new(input.to_arrow(), plan.partition.clone()),
            fired: NO_WATERMARK,
            by_key,
            // What Flink takes for the last answer of a new key; its sort takes none.
            floor: if by_key && !plan.groups.is_empty() { EPOCH } else { NO_WATERMARK },
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
                Some(mark) => {
                    self.fired = self.fired.max(mark);
                    self.pending.hold(part, mark);
                }
            }
        }
        Ok(())
    }

    fn part(&mut self, rows: RecordBatch, hashes: Option<Vec<u64>>) -> Result<Part> {
        let columns = self.pending.key_columns(&rows);
        let hashes = hashes.unwrap_or_else(|| hash_rows(&columns, rows.num_rows()));
        let keys = self.keyed.keys.ids(&columns, &hashes)?;
        self.keyed.resize();
        Ok(Part::new(rows.clone(), times(&rows, self.time_column)?, keys))
    }

    /// Lets rows wait that are all in time; `marks` are the watermarks before them.
    fn accept(&mut self, part: Part, marks: &[i64]) {
        if let Some(cleanup) = &mut self.keyed.cleanup {
            for ((&time, &key), &mark) in part.times.iter().zip(&part.keys).zip(marks) {
                cleanup.note(key, time, || mark);
            }
        }
        self.pending.add(part);
    }

    /// Answers all that is due at `watermark`.
    fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        // What comes out now comes before the watermark does: rows that were held are late for what follows.
        let before = self.fired;
        self.fired = self.fired.max(watermark);
        let Some(mut due) = self.pending.take_due(watermark)? else { return Ok(()) };
        if let Some(ties) = &self.ties {
            ties.sort(&mut due)?;
        }
        let Due { rows, times, keys } = due;
        self.since_sweep += keys.len();
        let results = self.keyed.frames.run(&rows, &times, &keys)?;
        let columns = rows.columns().iter().cloned().chain(results).collect();
        let result = RecordBatch::try_new(self.output.clone(), columns)?;
        let mut start = 0;
        while start < result.num_rows() {
            let count = OUTPUT_ROWS.min(result.num_rows() - start);
            out.emit(Batch { watermark: before, ..Batch::append(result.slice(start, count)) });
            start += count;
        }
        Ok(())
    }

    /// Whether its key takes in a row behind the watermark `mark`.
    fn is_late_for_key(&mut self, key: u32, time: i64, mark: i64) -> bool {
        let frames = &mut self.keyed.frames;
        let mut last = self.floor;
        if let Some(cleanup) = &mut self.keyed.cleanup {
            let found = cleanup.find(key, mark);
            if frames.store.heads[key as usize].time <= found.forgotten {
                frames.clear(key);
            }
            last = last.max(found.fired);
        }
        time <= last.max(frames.store.heads[key as usize].time)
    }

    /// Takes a batch in which rows came behind the watermark, key by key as in Flink.
    fn judge_by_key(&mut self, rows: &RecordBatch, part: Part, marks: &[i64], out: &mut dyn Output) -> Result<()> {
        let mut late: Vec<u32> = Vec::new();
        // Rows that are in time, and rows behind the watermark that their keys take in, since rows were answered last.
        let (mut accepted, mut held): (Vec<u32>, Vec<u32>) = Default::default();
        for (row, &mark) in marks.iter().enumerate() {
            let (time, key) = (part.times[row], part.keys[row]);
            let in_time = time > mark.max(self.floor);
            if !in_time && mark > self.fired {
                // What came until now is answered first, as far as the watermark allows.
                self.take_in(rows, &part, &mut accepted, &mut held);
                self.fire(mark, out)?;
            }
            if !in_time && self.is_late_for_key(key, time, mark) {
                late.push(row as u32);
                continue;
            }
            if let Some(cleanup) = &mut self.keyed.cleanup {
                cleanup.note(key, time, || mark);
            }
            if in_time { &mut accepted } else { &mut held }.push(row as u32);
        }
        self.take_in(rows, &part, &mut accepted, &mut held);
        if !late.is_empty() {
            out.late(take_rows(rows, &UInt32Array::from(late)));
        }
        Ok(())
    }

    /// Lets rows of a batch wait; the watermark had passed those of `held` when they came.
    fn take_in(&mut self, rows: &RecordBatch, part: &Part, accepted: &mut Vec<u32>, held: &mut Vec<u32>) {
        let pick = |chosen: &mut Vec<u32>| -> Part {
            let (times, keys) = chosen.iter().map(|&r| (part.times[r as usize], part.keys[r as usize])).unzip();
            Part::new(take_rows(rows, &UInt32Array::from(std::mem::take(chosen))), times, keys)
        };
        if !accepted.is_empty() {
            self.pending.add(pick(accepted));
        }
        if !held.is_empty() {
            self.pending.hold(pick(held), self.fired);
        }
    }

    /// Forgets keys whose rows have left every frame, when about as many rows came as there are keys.
    fn sweep(&mut self, watermark: i64) {
        let Some(cleanup) = &mut self.keyed.cleanup else { return };
        if self.since_sweep < self.keyed.keys.len() {
            return;
        }
        self.since_sweep = 0;
        for key in 0..self.keyed.keys.capacity() as u32 {
            if self.keyed.keys.is_live(key) && cleanup.is_over(key, watermark) {
                self.keyed.frames.clear(key);
                cleanup.clear(key);
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
        let (marks, floor) = (batch.row_watermarks(), self.floor);
        let in_time = |row: usize| times[row] > marks[row].max(floor);
        if (0..times.len()).all(in_time) {
            let part = self.part(batch.rows, batch.hashes)?;
            self.accept(part, &marks);
        } else if self.by_key {
            let part = self.part(batch.rows.clone(), batch.hashes)?;
            self.judge_by_key(&batch.rows, part, &marks, out)?;
        } else {
            let (kept, late): (Vec<u32>, Vec<u32>) = (0..times.len() as u32).partition(|&r| in_time(r as usize));
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
            let part = self.part(take_rows(&batch.rows, &UInt32Array::from(kept)), None)?;
            self.pending.add(part);
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
