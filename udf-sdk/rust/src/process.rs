//! Process functions: the rows and timers of many keys in a call, each with its key's state.

use crate::argument::FromColumn;
use crate::batch::{Batch, RawColumn, RawResult};
use crate::result::{Builder, Columns, IntoRow, Row, Status, Texts, fail, keep, point};
use crate::state::State;
use crate::table::Indexed;

/// What a row or a timer of a process function comes with, and where it gives rows of type `R` and sets timers.
///
/// Times are milliseconds since 1970-01-01 00:00 UTC (of a TIMESTAMP column as if in UTC).
#[derive(Debug)]
pub struct Context<R> {
    time: Option<i64>,
    rows: Vec<R>,
    timers: Vec<Timer>,
    renewed: bool,
}

/// A change of a key's timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its name; a timer without one has its time for a name.
    pub name: Option<String>,
    /// When it fires; `None` clears the timer of that name, and without a name all of the key.
    pub at: Option<i64>,
    /// What it waits for.
    pub clock: Clock,
}

/// What a timer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The watermark.
    Event = 0,
    /// The job's clock.
    Processing = 1,
}

impl<R> Context<R> {
    /// One of a row at that time, for tests.
    pub fn at(time: impl Into<Option<i64>>) -> Self {
        Self { time: time.into(), rows: Vec::new(), timers: Vec::new(), renewed: false }
    }
    /// The row's time, or the timer's; `None` where the query has neither ORDER BY nor on_time.
    pub fn time(&self) -> Option<i64> {
        self.time
    }
    /// Gives a row.
    pub fn emit(&mut self, row: R) {
        self.rows.push(row);
    }
    /// Sets a timer of event time, in the place of one of the same name. `None` for one without a name: its time is its name.
    pub fn set_timer<'n>(&mut self, name: impl Into<Option<&'n str>>, at: i64) {
        self.change_timer(name.into(), Some(at), Clock::Event);
    }
    /// The same of processing time.
    pub fn set_processing_timer<'n>(&mut self, name: impl Into<Option<&'n str>>, at: i64) {
        self.change_timer(name.into(), Some(at), Clock::Processing);
    }
    /// Clears the key's timer of that name.
    pub fn clear_timer(&mut self, name: &str) {
        self.change_timer(Some(name), None, Clock::Event);
    }
    /// Clears all timers of the key.
    pub fn clear_timers(&mut self) {
        self.change_timer(None, None, Clock::Event);
    }
    /// Writes all fields of the state, also those that stay as they are: their TTL begins anew.
    pub fn renew(&mut self) {
        self.renewed = true;
    }
    /// The rows given so far, for tests.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }
    /// The changes of timers so far, for tests.
    pub fn timers(&self) -> &[Timer] {
        &self.timers
    }

    fn change_timer(&mut self, name: Option<&str>, at: Option<i64>, clock: Clock) {
        self.timers.push(Timer { name: name.map(str::to_owned), at, clock });
    }
}

/// Which fields are written, and the fields.
#[derive(Default)]
struct Written<C> {
    fields: Builder<Vec<i64>>,
    own: C,
}

impl<C: Columns> Columns for Written<C> {
    fn give(&self, columns: &mut [RawColumn]) {
        let (first, own) = columns.split_first_mut().expect("the host gives a column for the fields written");
        self.fields.fill(first);
        self.own.give(own);
    }
}

/// The name, time and clock of timers.
type Timers = (Builder<Texts>, Builder<Vec<i64>>, Builder<Vec<i32>>);

/// Calls `function` for each row or timer, in order, with the state of its key; `None` for a row that it takes no notice of.
pub fn process<S: State, R: Row, T: Status>(
    batch: &Batch,
    state: &Batch,
    results: &mut [RawResult; 3],
    mut function: impl FnMut(&mut S, &mut Context<R>, usize) -> Option<T>,
) -> u32 {
    let (keys, times) = (batch.column(0), batch.column(1));
    // The keys' states, and whether they are written as they are.
    let mut states: Vec<Option<(S, bool)>> = (0..state.rows()).map(|_| None).collect();
    let mut given = Indexed::<R::Builders>::default();
    let mut timers = Indexed::<Timers>::default();
    let mut context = Context::at(None);
    for row in 0..batch.rows() {
        let key = keys.value::<i32>(row) as usize;
        let (of_key, renewed) = states[key].get_or_insert_with(|| (S::read(state, key), false));
        context.time = i64::from_column(times, row);
        if let Some(Err(why)) = function(of_key, &mut context, row).map(Status::status) {
            return fail(why, &mut results[0]);
        }
        *renewed |= std::mem::take(&mut context.renewed);
        for one in context.rows.drain(..) {
            one.put_row(given.add(row));
        }
        for timer in context.timers.drain(..) {
            (timer.name, timer.at, timer.clock as i32).put_row(timers.add(row));
        }
    }
    let mut written = Indexed::<Written<S::Columns>>::default();
    for (key, of_key) in states.into_iter().enumerate() {
        let Some((of_key, renewed)) = of_key else { continue };
        let fields = if renewed { S::ALL } else { of_key.changed(state, key) };
        if fields != 0 {
            let columns = written.add(key);
            (fields as i64).put(&mut columns.fields);
            of_key.write(fields, &mut columns.own);
        }
    }
    let kept = Box::new((given, written, timers));
    point(&mut results[0], &kept.0, kept.0.rows());
    point(&mut results[1], &kept.1, kept.1.rows());
    point(&mut results[2], &kept.2, kept.2.rows());
    keep(kept);
    0
}

/// How many bytes texts have together.
pub const fn bytes_of(texts: &[&str]) -> usize {
    let (mut bytes, mut i) = (0, 0);
    while i < texts.len() {
        bytes += texts[i].len();
        i += 1;
    }
    bytes
}

/// Texts as one: a line of the module's description.
pub const fn joined<const BYTES: usize>(texts: &[&str]) -> [u8; BYTES] {
    let (mut all, mut at, mut i) = ([0; BYTES], 0, 0);
    while i < texts.len() {
        let text = texts[i].as_bytes();
        let mut j = 0;
        while j < text.len() {
            all[at] = text[j];
            (at, j) = (at + 1, j + 1);
        }
        i += 1;
    }
    all
}
