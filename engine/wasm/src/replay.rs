//! A batch that failed, row by row in fresh instances, to find the rows that fail.

use std::time::Instant;

use arrow::array::ArrayRef;
use wasmill_plan::{Field, Result as PlanResult};

use crate::compiled::Compiled;
use crate::instance::Failure;
use crate::report::row_text;

/// So many rows of a batch may run into the time limit before the job fails even where rows may fail.
const TIMEOUTS_MAX: u32 = 3;
/// A replay may take so many times the limit of a batch.
const REPLAY_TIMEOUTS: u32 = 10;

/// What each row gives alone; `None` where it fails and `may_fail`. After a failure `attempt` must begin with a fresh instance.
///
/// # Errors
/// `Error::Function` naming the first row that fails, where none may; rows that take too long together.
pub(crate) fn one_by_one<T>(
    compiled: &Compiled,
    names: &[Field],
    args: &[ArrayRef],
    rows: usize,
    may_fail: bool,
    mut attempt: impl FnMut(&[ArrayRef]) -> Result<T, Failure>,
) -> PlanResult<Vec<Option<T>>> {
    let started = Instant::now();
    let limit = compiled.options.timeout * REPLAY_TIMEOUTS;
    let mut timeouts = 0;
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
            Ok(value) => given.push(Some(value)),
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
