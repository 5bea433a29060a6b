//! Users' process functions: what a call takes and gives. The state and the timers are the operator's.
//!
//! ```text
//! rows (or timers) with the key of each + a state row a key ──> result rows, changes of the state, changes of timers
//! ```

use arrow::array::{ArrayRef, Int64Array, StringArray};
use wasmill_plan::Result;

/// Rows or timers of several keys.
#[derive(Debug)]
pub struct KeyedRows<'a> {
    /// The key of each row, below `keys`.
    pub key: &'a [u32],
    /// How many keys.
    pub keys: usize,
    /// The time of each, ms since the epoch; NULL where rows have none.
    pub times: &'a Int64Array,
    /// A column for each field of the state, `keys` long.
    pub state: &'a [ArrayRef],
}

/// What a call gives.
#[derive(Debug, Default)]
pub struct ProcessResult {
    /// The row, or timer, that each result row belongs to; rising.
    pub parents: Vec<u32>,
    /// The columns.
    pub columns: Vec<ArrayRef>,
    /// The keys whose state changes; rising strictly.
    pub changed: Vec<u32>,
    /// For each of them, a bit for each field that is written.
    pub fields: Vec<u64>,
    /// A column for each field of the state, as long as `changed`; what is not written does not count.
    pub state: Vec<ArrayRef>,
    /// In the order in which they were made.
    pub timers: Vec<TimerChange>,
}

/// A change of the timers of a row's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerChange {
    /// The row, or timer, that makes it; these do not fall.
    pub row: u32,
    /// The timer's name. One without has its time for a name.
    pub name: Option<String>,
    /// When it fires, ms since the epoch. A timer of that name is replaced. `None` clears it; without a name all timers of the key.
    pub time: Option<i64>,
    /// Whose time that is.
    pub clock: TimerClock,
}

/// What a timer waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimerClock {
    /// The watermark.
    #[default]
    EventTime,
    /// The job's clock.
    ProcessingTime,
}

/// One instance of a user's process function. A call depends on what it is given alone, so it may be made again.
pub trait UserProcess: Send {
    /// Takes rows: those of one key in their order. `args` are as long as there are rows, or of one value for all.
    fn process(&mut self, rows: &KeyedRows<'_>, args: &[ArrayRef]) -> Result<ProcessResult>;
    /// Takes timers that fire, at most one for each key.
    fn timer(&mut self, timers: &KeyedRows<'_>, names: &StringArray) -> Result<ProcessResult>;
}
