//! A process function over the rows of each key: state and timers are here, the function changes them.
//!
//! ```text
//! rows of one key    r1 r2 | r3 r4     ordered by time, or as they come
//! timers of it             ^ t         t fires before the first row that is later (its time, or the watermark before it)
//!
//! round: every key's rows up to its next timer --one call--> result rows, state, timers      kept of the keys without conflict
//!        every key's timer that is next        --one call--> the same
//! ```
//!
//! A key whose rows set a timer that should have fired between them is in conflict: what the call gave for it is dropped, and it is
//! called again with the rows before that timer. So keys are worked on in columns, and each sees the same calls whatever the batches.

mod kept;
mod lanes;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Int64Type, SchemaRef, TimestampMillisecondType};
use wasmill_expr::{Evaluator, KeyedRows, ProcessResult, TimerChange, TimerClock, UserProcess};
use wasmill_plan::{Error, Process, Result, Schema};

use self::kept::{Kept, Timer, change_timers};
use self::lanes::{Lane, lanes};
use super::evaluation::Evaluation;
use super::over::pending::{Part, Pending, times};
use super::over::ties::Ties;
use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, take_rows};
use crate::clock::Clock;
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::{StateTable, hash_rows};

/// Timers that fire in one call.
const TIMERS_A_CALL: usize = 8192;
/// Calls of timers for one rise of the watermark: a function that sets a timer a millisecond later again and again ends here.
const TIMER_ROUNDS_MAX: usize = 1 << 20;

/// See [`wasmill_plan::Operator::Process`].
pub(crate) struct ProcessOperator {
    plan: Process,
    function: Box<dyn UserProcess>,
    args: Vec<Evaluator>,
    evaluation: Evaluation,
    clock: Arc<dyn Clock>,
    schema: SchemaRef,
    kept: Kept,
    /// With ORDER BY: the rows that wait for the watermark.
    pending: Pending,
    ties: Option<Ties>,
    /// (due, key) of every timer there was.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    due_by_clock: BinaryHeap<Reverse<(i64, u32)>>,
    watermark: i64,
}

/// Rows that are next.
struct Feed {
    rows: RecordBatch,
    args: Vec<ArrayRef>,
    keys: Vec<u32>,
    times: Int64Array,
    /// Timers that are due before this fire before the row.
    limits: Vec<i64>,
}

/// Rows that are worked on, and the lanes of their keys.
struct Run<'a> {
    feed: &'a Feed,
    /// The rows of each key side by side.
    order: Vec<u32>,
    lanes: Vec<Lane>,
    /// Where each row stands in the call that is made.
    position: Vec<usize>,
}

/// The rows of a call, in their order, and the lanes that they are from.
#[derive(Default)]
struct Chosen {
    rows: Vec<u32>,
    lanes: Vec<usize>,
}

/// A timer that has been taken out, to be given to the function.
struct Firing {
    key: u32,
    timer: Timer,
    /// The watermark that makes it fire.
    reached: i64,
    /// When the input has ended: the last time at which a timer that it sets fires.
    last: i64,
}

/// When timers that a row or a timer sets fire first.
#[derive(Clone, Copy)]
struct Now {
    /// Not before this.
    earliest: i64,
    /// A time up to this is past, and the timer fires at `earliest`.
    passed: i64,
    /// Not if it is later: the end of the input has come, and only the rest of the key's rows comes behind it.
    last: i64,
}

impl Now {
    fn due(self, time: i64) -> Option<i64> {
        let due = if time <= self.passed { self.earliest } else { time };
        (due <= self.last).then_some(due)
    }
}

impl Feed {
    /// Arguments and times of those rows.
    fn pick(&self, rows: &[u32]) -> Result<(Vec<ArrayRef>, Int64Array)> {
        let count = self.keys.len();
        if rows.len() == count {
            return Ok((self.args.clone(), self.times.clone()));
        }
        let rows = UInt32Array::from(rows.to_vec());
        // A constant has one value for all rows.
        let pick = |arg: &ArrayRef| if arg.len() == count { take(arg, &rows, None) } else { Ok(arg.clone()) };
        let args = self.args.iter().map(pick).collect::<Result<_, _>>()?;
        Ok((args, take(&self.times, &rows, None)?.as_primitive::<Int64Type>().clone()))
    }
}

impl ProcessOperator {
    /// From the plan's node.
    ///
    /// # Errors
    /// `Error::Query` where there is no such function, or columns cannot be a key or be sorted.
    pub(crate) fn new(plan: &Process, input: &Schema, output: &Schema, context: &OperatorContext) -> Result<Self> {
        let functions = &*context.functions;
        let key_types = plan.partition.iter().map(|&c| input.fields[c].data_type.to_arrow()).collect();
        Ok(Self {
            function: functions.process(&plan.function)?,
            args: plan.args.iter().map(|arg| Evaluator::new(arg, functions)).collect::<Result<_>>()?,
            evaluation: Evaluation::new(context, &plan.args),
            clock: context.clock.clone(),
            schema: output.to_arrow(),
            kept: Kept::new(key_types, &plan.state)?,
            pending: Pending::new(input.to_arrow(), plan.partition.clone()),
            ties: match &plan.order {
                Some(keys) => Ties::new(keys, input)?,
                None => None,
            },
            due: BinaryHeap::new(),
            due_by_clock: BinaryHeap::new(),
            watermark: NO_WATERMARK,
            plan: plan.clone(),
        })
    }

    /// Between calls: puts restored rows and timers in their places, and forgets what is over.
    fn settle(&mut self) -> Result<()> {
        self.kept.sweep_in_time(self.clock.now_ms())?;
        for (rows, _) in self.pending.take_loaded().into_iter().flatten() {
            self.wait(rows, None)?;
        }
        if std::mem::take(&mut self.kept.restored) {
            let all: Vec<(i64, u32, TimerClock)> = self
                .kept
                .with_timers()
                .flat_map(|(key, timers)| timers.iter().map(move |t| (t.due, key, t.clock)))
                .collect();
            all.into_iter().for_each(|(due, key, clock)| self.heap(clock).push(Reverse((due, key))));
        }
        Ok(())
    }

    fn heap(&mut self, clock: TimerClock) -> &mut BinaryHeap<Reverse<(i64, u32)>> {
        match clock {
            TimerClock::EventTime => &mut self.due,
            TimerClock::ProcessingTime => &mut self.due_by_clock,
        }
    }

    fn keys(&mut self, rows: &RecordBatch, hashes: Option<Vec<u64>>) -> Result<Vec<u32>> {
        let columns: Vec<ArrayRef> = self.plan.partition.iter().map(|&c| rows.column(c).clone()).collect();
        let hashes = hashes.unwrap_or_else(|| hash_rows(&columns, rows.num_rows()));
        self.kept.ids(&columns, &hashes)
    }

    /// Lets rows wait for the watermark.
    fn wait(&mut self, rows: RecordBatch, hashes: Option<Vec<u64>>) -> Result<()> {
        let keys = self.keys(&rows, hashes)?;
        self.kept.wait(&keys);
        let times = times(&rows, self.plan.time_column.expect("ORDER BY has a time attribute"))?;
        self.pending.add(Part::new(rows, times, keys));
        Ok(())
    }

    fn feed(&mut self, rows: RecordBatch, keys: Vec<u32>, limits: Vec<i64>) -> Result<Feed> {
        let whole = Batch::append(rows);
        let context = self.evaluation.of(&whole);
        let args = self.args.iter_mut().map(|arg| arg.evaluate(&whole.rows, context)).collect::<Result<_>>()?;
        let rows = whole.rows;
        let times = match self.plan.time_column {
            None => Int64Array::new_null(rows.num_rows()),
            Some(column) => times(&rows, column)?.into(),
        };
        Ok(Feed { rows, args, keys, times, limits })
    }

    /// Works on rows, each behind the timers that are due before it.
    fn run(&mut self, feed: &Feed, out: &mut dyn Output) -> Result<()> {
        let (order, lanes) = lanes(&feed.keys);
        let mut run = Run { feed, order, lanes, position: vec![0; feed.keys.len()] };
        while !run.lanes.is_empty() {
            let (chosen, firing) = self.choose(&mut run);
            for part in firing.chunks(TIMERS_A_CALL) {
                self.fire(part, out)?;
            }
            if !chosen.rows.is_empty() {
                self.call(&mut run, &chosen, out)?;
                run.lanes.retain(|lane| lane.begin < lane.end);
            }
        }
        self.kept.tidy(&feed.keys);
        Ok(())
    }

    /// Of each key its timer where that is next, or else its rows up to the next timer.
    fn choose(&mut self, run: &mut Run) -> (Chosen, Vec<Firing>) {
        let (mut chosen, mut firing) = (Chosen::default(), Vec::new());
        for (i, lane) in run.lanes.iter_mut().enumerate() {
            let limits = &run.feed.limits;
            let passed = limits[run.order[lane.begin] as usize].saturating_sub(1);
            if let Some(timer) = self.kept.take_timer(lane.key, TimerClock::EventTime, passed) {
                let last = lane.last_limit(&run.order, limits);
                firing.push(Firing { key: lane.key, timer, reached: self.watermark.max(passed), last });
                continue;
            }
            let due = next_due(self.kept.timers(lane.key));
            let rows = run.order[lane.begin..lane.end].iter().take(lane.window);
            lane.taken = rows.take_while(|&&row| due.is_none_or(|due| due >= limits[row as usize])).count();
            chosen.rows.extend_from_slice(lane.rows(&run.order));
            chosen.lanes.push(i);
        }
        chosen.rows.sort_unstable();
        chosen.rows.iter().enumerate().for_each(|(at, &row)| run.position[row as usize] = at);
        (chosen, firing)
    }

    /// One call with the chosen rows.
    fn call(&mut self, run: &mut Run, chosen: &Chosen, out: &mut dyn Output) -> Result<()> {
        let feed = run.feed;
        let (args, times) = feed.pick(&chosen.rows)?;
        // Keys in the order of their lanes.
        let ids: Vec<u32> = chosen.lanes.iter().map(|&lane| run.lanes[lane].key).collect();
        let mut key = vec![0; chosen.rows.len()];
        for (at, &lane) in chosen.lanes.iter().enumerate() {
            let rows = run.lanes[lane].rows(&run.order);
            rows.iter().for_each(|&row| key[run.position[row as usize]] = at as u32);
        }
        let now_ms = self.clock.now_ms();
        let state = self.kept.state(&ids, now_ms)?;
        let rows = KeyedRows { key: &key, keys: ids.len(), times: &times, state: &state };
        let mut result = self.function.process(&rows, &args)?;
        self.check(&result, chosen.rows.len(), ids.len())?;
        let conflict = self.accept_timers(run, chosen, &result.timers);
        self.write(&ids, &mut result, &conflict, now_ms)?;
        self.give(feed, chosen, &key, &conflict, result, out)
    }

    /// Takes the timers that rows set, and moves their lanes on; tells which keys are in conflict and must be called again.
    fn accept_timers(&mut self, run: &mut Run, chosen: &Chosen, set: &[TimerChange]) -> Vec<bool> {
        let changes = changes_by_row(set, chosen.rows.len());
        let mut conflict = vec![false; chosen.lanes.len()];
        for (at, &index) in chosen.lanes.iter().enumerate() {
            let lane = &mut run.lanes[index];
            let mut timers = None;
            for (n, &row) in lane.rows(&run.order).iter().enumerate() {
                let limit = run.feed.limits[row as usize];
                if n > 0 && timers.as_deref().and_then(next_due).is_some_and(|due| due < limit) {
                    conflict[at] = true;
                    lane.window = n;
                    break;
                }
                let position = run.position[row as usize];
                for change in &set[changes[position]..changes[position + 1]] {
                    let timers = timers.get_or_insert_with(|| self.kept.timers(lane.key).to_vec());
                    // With ORDER BY the limit is the row's time: behind all rows of that time. Else one above the watermark.
                    let now = Now { earliest: limit, passed: limit - 1, last: i64::MAX };
                    change_timers(timers, change, |time| match change.clock {
                        TimerClock::EventTime => now.due(time),
                        TimerClock::ProcessingTime => Some(time),
                    });
                }
            }
            if conflict[at] {
                continue;
            }
            lane.advance();
            if let Some(timers) = timers {
                self.set_timers(lane.key, timers);
            }
        }
        conflict
    }

    /// Hands on what a call gave for the keys without a conflict.
    fn give(
        &self,
        feed: &Feed,
        chosen: &Chosen,
        key: &[u32],
        conflict: &[bool],
        mut result: ProcessResult,
        out: &mut dyn Output,
    ) -> Result<()> {
        if conflict.contains(&true) {
            let is_kept = |i: &u32| !conflict[key[result.parents[*i as usize] as usize] as usize];
            let kept: Vec<u32> = (0..result.parents.len() as u32).filter(is_kept).collect();
            result.parents = kept.iter().map(|&i| result.parents[i as usize]).collect();
            let kept = UInt32Array::from(kept);
            result.columns = result.columns.iter().map(|column| take(column, &kept, None)).collect::<Result<_, _>>()?;
        }
        if result.parents.is_empty() {
            return Ok(());
        }
        let parents: UInt32Array = result.parents.iter().map(|&row| chosen.rows[row as usize]).collect();
        let partition = self.plan.partition.iter().map(|&c| take(feed.rows.column(c), &parents, None));
        let mut columns: Vec<ArrayRef> = partition.collect::<Result<_, _>>()?;
        columns.append(&mut result.columns);
        if let Some(column) = self.plan.time_column {
            columns.push(take(feed.rows.column(column), &parents, None)?);
        }
        self.emit(columns, parents.len(), out)
    }

    /// One call with timers of different keys.
    fn fire(&mut self, timers: &[Firing], out: &mut dyn Output) -> Result<()> {
        let ids: Vec<u32> = timers.iter().map(|firing| firing.key).collect();
        let key: Vec<u32> = (0..ids.len() as u32).collect();
        let times: Int64Array = timers.iter().map(|firing| Some(firing.timer.time)).collect();
        let names: StringArray = timers.iter().map(|firing| firing.timer.name.as_deref()).collect();
        let now_ms = self.clock.now_ms();
        let state = self.kept.state(&ids, now_ms)?;
        let rows = KeyedRows { key: &key, keys: ids.len(), times: &times, state: &state };
        let mut result = self.function.timer(&rows, &names)?;
        self.check(&result, ids.len(), ids.len())?;
        let changes = changes_by_row(&result.timers, ids.len());
        let ended = self.watermark == MAX_WATERMARK;
        for (row, Firing { key, timer, reached, last }) in timers.iter().enumerate() {
            let changed = &result.timers[changes[row]..changes[row + 1]];
            if changed.is_empty() {
                continue;
            }
            let mut own = self.kept.timers(*key).to_vec();
            for change in changed {
                let passed = match timer.clock {
                    TimerClock::EventTime => timer.due,
                    TimerClock::ProcessingTime => *reached,
                };
                // What is past fires with the next watermark.
                let earliest = reached.saturating_add(1);
                let now = Now { earliest, passed, last: if ended { *last } else { i64::MAX } };
                change_timers(&mut own, change, |time| match change.clock {
                    TimerClock::EventTime => now.due(time),
                    TimerClock::ProcessingTime => Some(time.max(now_ms + 1)),
                });
            }
            self.set_timers(*key, own);
        }
        self.write(&ids, &mut result, &vec![false; ids.len()], now_ms)?;
        if !result.parents.is_empty() {
            let parents = UInt32Array::from(std::mem::take(&mut result.parents));
            let key_columns = self.kept.key_columns(&ids)?;
            let mut columns: Vec<ArrayRef> =
                key_columns.iter().map(|column| take(column, &parents, None)).collect::<Result<_, _>>()?;
            columns.append(&mut result.columns);
            if self.plan.time_column.is_some() {
                let times = times.reinterpret_cast::<TimestampMillisecondType>();
                let times = take(&times, &parents, None)?;
                let field = self.schema.fields().last().expect("the time is its last column");
                let zoned =
                    times.as_primitive::<TimestampMillisecondType>().clone().with_data_type(field.data_type().clone());
                columns.push(Arc::new(zoned));
            }
            self.emit(columns, parents.len(), out)?;
        }
        Ok(())
    }

    /// Fires what is due at `until` by that clock, a timer of each key in a round.
    fn fire_due(&mut self, clock: TimerClock, until: i64, out: &mut dyn Output) -> Result<()> {
        for _ in 0..TIMER_ROUNDS_MAX {
            let (mut firing, mut keys, mut later) = (Vec::new(), HashSet::new(), Vec::new());
            while firing.len() < TIMERS_A_CALL
                && let Some(&Reverse((due, key))) = self.heap(clock).peek()
                && due <= until
            {
                self.heap(clock).pop();
                if keys.contains(&key) {
                    later.push((due, key));
                    continue;
                }
                // The entry may be of a timer that was replaced, or of a key that is gone.
                if next_due_of(self.kept.timers(key), clock) != Some(due) {
                    continue;
                }
                let timer = self.kept.take_timer(key, clock, due).expect("the key has a timer that is due then");
                keys.insert(key);
                later.extend(next_due_of(self.kept.timers(key), clock).map(|due| (due, key)));
                firing.push(Firing { key, timer, reached: self.watermark, last: i64::MIN });
            }
            later.into_iter().for_each(|entry| self.heap(clock).push(Reverse(entry)));
            if firing.is_empty() {
                return Ok(());
            }
            self.fire(&firing, out)?;
            let ids: Vec<u32> = firing.iter().map(|firing| firing.key).collect();
            self.kept.tidy(&ids);
        }
        Err(self.error(format!("set timers that were due at once, again and again: {TIMER_ROUNDS_MAX} times")))
    }

    fn set_timers(&mut self, key: u32, timers: Vec<Timer>) {
        for clock in [TimerClock::EventTime, TimerClock::ProcessingTime] {
            if let Some(due) = next_due_of(&timers, clock) {
                self.heap(clock).push(Reverse((due, key)));
            }
        }
        self.kept.set_timers(key, timers);
    }

    /// Writes the state of the keys without a conflict.
    fn write(&mut self, ids: &[u32], result: &mut ProcessResult, conflict: &[bool], now_ms: i64) -> Result<()> {
        self.kept.now_ms = now_ms;
        let kept: Vec<u32> =
            (0..result.changed.len() as u32).filter(|&i| !conflict[result.changed[i as usize] as usize]).collect();
        let changed: Vec<u32> = kept.iter().map(|&i| ids[result.changed[i as usize] as usize]).collect();
        let fields: Vec<u64> = kept.iter().map(|&i| result.fields[i as usize]).collect();
        if kept.len() == result.changed.len() {
            return self.kept.write(&changed, &fields, &result.state, now_ms);
        }
        let kept = UInt32Array::from(kept);
        let values: Vec<ArrayRef> =
            result.state.iter().map(|column| take(column, &kept, None)).collect::<Result<_, _>>()?;
        self.kept.write(&changed, &fields, &values, now_ms)
    }

    /// What the caller of a guest has checked already; another implementation is held to it too.
    fn check(&self, result: &ProcessResult, rows: usize, keys: usize) -> Result<()> {
        let rows_are =
            |list: &[u32]| list.windows(2).all(|w| w[0] <= w[1]) && list.iter().all(|&row| (row as usize) < rows);
        let changed = result.changed.windows(2).all(|w| w[0] < w[1])
            && result.changed.iter().all(|&key| (key as usize) < keys)
            && result.fields.len() == result.changed.len()
            && result.state.len() == self.plan.state.len()
            && result.state.iter().all(|column| column.len() == result.changed.len());
        let given = rows_are(&result.parents)
            && result.columns.len() == self.plan.outputs.len()
            && result.columns.iter().all(|column| column.len() == result.parents.len());
        let timers = result.timers.windows(2).all(|w| w[0].row <= w[1].row)
            && result.timers.iter().all(|change| (change.row as usize) < rows);
        if !given || !(changed || result.changed.is_empty()) || !timers {
            return Err(self.error("gave rows, state or timers that belong to no row or key of the call".to_owned()));
        }
        let by_time = |change: &TimerChange| change.time.is_some() && change.clock == TimerClock::EventTime;
        if self.plan.time_column.is_none() && result.timers.iter().any(by_time) {
            return Err(self.error(
                "set a timer of event time, but its call has no time: add ORDER BY, or on_time => DESCRIPTOR(ts)"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn error(&self, message: String) -> Error {
        Error::Function { function: self.plan.function.clone(), message }
    }

    fn emit(&self, columns: Vec<ArrayRef>, rows: usize, out: &mut dyn Output) -> Result<()> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|e| Error::query(format!("'{}' gives other columns than planned: {e}", self.plan.function)))?;
        out.emit(Batch::append(rows));
        Ok(())
    }
}

/// Where the changes of each row begin, and the end.
fn changes_by_row(changes: &[TimerChange], rows: usize) -> Vec<usize> {
    let mut starts = Vec::with_capacity(rows + 1);
    let mut next = 0;
    for row in 0..rows as u32 {
        starts.push(next);
        while changes.get(next).is_some_and(|change| change.row == row) {
            next += 1;
        }
    }
    starts.push(next);
    starts
}

fn next_due(timers: &[Timer]) -> Option<i64> {
    next_due_of(timers, TimerClock::EventTime)
}

fn next_due_of(timers: &[Timer], clock: TimerClock) -> Option<i64> {
    timers.iter().filter(|timer| timer.clock == clock).map(|timer| timer.due).min()
}

impl Operator for ProcessOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        self.settle()?;
        debug_assert!(batch.kinds.is_none(), "process functions take rows that only add");
        self.fire_due(TimerClock::ProcessingTime, self.clock.now_ms(), out)?;
        let marks = batch.row_watermarks();
        if self.plan.order.is_none() {
            let keys = self.keys(&batch.rows, batch.hashes)?;
            let limits = marks.iter().map(|mark| mark.saturating_add(1)).collect();
            let feed = self.feed(batch.rows, keys, limits)?;
            return self.run(&feed, out);
        }
        let times = times(&batch.rows, self.plan.time_column.expect("ORDER BY has a time attribute"))?;
        let (in_time, late): (Vec<u32>, Vec<u32>) =
            (0..times.len() as u32).partition(|&row| times[row as usize] > marks[row as usize]);
        if late.is_empty() {
            return self.wait(batch.rows, batch.hashes);
        }
        out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
        self.wait(take_rows(&batch.rows, &UInt32Array::from(in_time)), None)
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.settle()?;
        self.watermark = watermark;
        if let Some(mut due) = self.pending.take_due(watermark)? {
            if let Some(ties) = &self.ties {
                ties.sort(&mut due)?;
            }
            self.kept.go(&due.keys);
            let feed = self.feed(due.rows, due.keys, due.times)?;
            self.run(&feed, out)?;
        }
        self.fire_due(TimerClock::EventTime, watermark, out)?;
        Ok(watermark)
    }

    fn on_pause(&mut self, out: &mut dyn Output) -> Result<Option<i64>> {
        self.settle()?;
        self.fire_due(TimerClock::ProcessingTime, self.clock.now_ms(), out)?;
        Ok(None)
    }

    fn needs_pauses(&self) -> bool {
        true
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.kept, &mut self.pending]
    }
}
