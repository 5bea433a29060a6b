//! A batch that failed, row by row in fresh instances, to find the rows that fail.

use std::time::Instant;

use arrow::array::{Array, ArrayRef};
use wasmill_plan::{Field, Result as PlanResult};

use crate::compiled::Compiled;
use crate::error::bytes_text;
use crate::instance::Failure;
use crate::options::FunctionOptions;
use crate::report::row_text;

/// So many rows of a batch may run into the time limit before the job fails even where rows may fail.
const TIMEOUTS_MAX: u32 = 3;
/// A replay may take so many times the limit of a batch.
const REPLAY_TIMEOUTS: u32 = 10;

/// What the rows of a batch have given one by one: no more than a batch could have given, which had to fit into the guest's memory.
pub(crate) struct Budget {
    bytes: u64,
    bytes_max: u64,
}

impl Budget {
    pub(crate) fn of(options: &FunctionOptions) -> Self {
        Self { bytes: 0, bytes_max: options.memory_bytes_max }
    }
    /// Counts what a row gave.
    ///
    /// # Errors
    /// Why it is too much.
    pub(crate) fn take<'a>(&mut self, columns: impl IntoIterator<Item = &'a ArrayRef>) -> Result<(), String> {
        // Of what an array holds, not of the array itself, which for one row is much more.
        let size = |column: &ArrayRef| column.to_data().get_slice_memory_size().map_or(0, |bytes| bytes as u64);
        self.bytes += columns.into_iter().map(size).sum::<u64>();
        if self.bytes <= self.bytes_max {
            return Ok(());
        }
        let allowed = bytes_text(self.bytes_max);
        Err(format!("one by one its rows give more than 'memory.max' = {allowed} allows a batch"))
    }
}

/// What each row gives alone; `None` where it fails and `may_fail`. After a failure `attempt` must begin with a fresh instance; `columns`
/// are those of what it gives.
///
/// # Errors
/// `Error::Function` naming the first row that fails, where none may; rows that take too long, or give too much, together.
pub(crate) fn one_by_one<T>(
    compiled: &Compiled,
    names: &[Field],
    args: &[ArrayRef],
    rows: usize,
    may_fail: bool,
    mut attempt: impl FnMut(&[ArrayRef]) -> Result<T, Failure>,
    columns: impl Fn(&T) -> &[ArrayRef],
) -> PlanResult<Vec<Option<T>>> {
    let started = Instant::now();
    let limit = compiled.options.timeout * REPLAY_TIMEOUTS;
    let mut timeouts = 0;
    let mut budget = Budget::of(&compiled.options);
    let mut given = Vec::with_capacity(rows);
    for row in 0..rows {
        let failed = |why: &str| compiled.failed(&format!("{}: {why}", row_text(row, rows, names, args)));
        let spent = started.elapsed();
        if spent > limit {
            return Err(failed(&format!("the rows of the batch took {} ms one by one", spent.as_millis())));
        }
        let one: Vec<ArrayRef> =
            args.iter().map(|a| if a.len() == rows { a.slice(row, 1) } else { a.clone() }).collect();
        match attempt(&one) {
            Ok(value) => {
                budget.take(columns(&value)).map_err(|why| failed(&why))?;
                given.push(Some(value));
            }
            Err(failure) => {
                timeouts += u32::from(failure.timed_out);
                if !may_fail || timeouts > TIMEOUTS_MAX {
                    return Err(failed(&failure.text()));
                }
                given.push(None);
            }
        }
    }
    Ok(given)
}
