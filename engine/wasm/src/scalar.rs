//! The evaluator of one function at one place of a query: batches in, a column out, and what happens when a row fails.
//!
//! ```text
//! batch ──ok──> column
//!   └─fails──> instance thrown away; the rows again, one by one, in fresh instances
//!                'fail': the first that fails is the error        'null': those that fail are NULL
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{concat, take};
use wasmill_expr::{Context, UserScalar};

use crate::check;
use crate::function::{Inner, Running};
use crate::instance::Failure;
use crate::options::OnError;
use crate::replay::Budget;
use crate::report::row_text;

/// So many rows of a batch may run into the time limit before the job fails even with `'on-error' = 'null'`.
const TIMEOUTS_MAX: u32 = 3;
/// A replay row by row may take so many times the limit of a batch.
const REPLAY_TIMEOUTS: u32 = 10;

/// An evaluator; owns an instance of the module from its first batch on.
pub struct WasmScalar {
    function: Arc<Inner>,
    running: Option<Running>,
}

impl WasmScalar {
    pub(crate) fn new(function: Arc<Inner>) -> Self {
        Self { function, running: None }
    }

    /// The function's value for each of `rows` rows. Each argument is a column of the declared type, `rows` long, or of
    /// one value that stands for all rows.
    ///
    /// # Errors
    /// `Error::Function` naming row, values and trap, where a row fails and `'on-error'` is `fail`.
    pub fn evaluate(&mut self, args: &[ArrayRef], rows: usize) -> wasmill_plan::Result<ArrayRef> {
        assert_eq!(args.len(), self.function.arg_types.len(), "the planner settled the arguments");
        let started = Instant::now();
        if rows == 0 {
            return Ok(arrow::array::new_empty_array(&self.function.spec.returns.to_arrow()));
        }
        let result = match self.attempt(args, rows, None) {
            Ok(column) => Ok(column),
            Err(failure) => self.replay(args, rows, failure),
        };
        self.function.usage.batch(rows, started.elapsed());
        result
    }

    /// One try at a batch; the instance is gone if it fails.
    fn attempt(&mut self, args: &[ArrayRef], rows: usize, timeout: Option<Duration>) -> Result<ArrayRef, Failure> {
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(self.function.take_or_start()?),
        };
        let function = &*self.function;
        let returns = &function.spec.returns;
        let result = match running {
            Running::Plain(instance) => {
                instance.guest.arm(timeout);
                let full: Vec<ArrayRef> = args.iter().map(|a| repeated(a, rows)).collect();
                let call = function.plain_call().expect("a plain instance is of a plain function");
                instance.batch(&call, &full, rows)
            }
            Running::Columns(instance) => {
                instance.guest.instance.arm(timeout);
                instance.batch(args, rows, returns, &function.arg_types)
            }
            Running::Component(instance) => {
                instance.arm(timeout);
                instance.batch(args, rows, returns, &function.arg_types)
            }
        };
        let strict = function.is_strict();
        let result = result.and_then(|column| {
            let args_have_nulls = strict && args.iter().any(|a| a.null_count() > 0);
            check::result(&column, returns, args_have_nulls)?;
            Ok(column)
        });
        if result.is_err() {
            self.running = None;
            self.function.usage.failed();
        }
        result
    }

    /// Finds the rows that fail.
    fn replay(&mut self, args: &[ArrayRef], rows: usize, batch_failure: Failure) -> wasmill_plan::Result<ArrayRef> {
        let function = self.function.clone();
        let (on_error, limit) = (function.spec.options.on_error, function.spec.options.timeout);
        let started = Instant::now();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(rows);
        let mut timeouts = 0;
        let mut budget = Budget::of(&function.spec.options);
        for row in 0..rows {
            let spent = started.elapsed();
            let allowed = match on_error {
                // The time of the batch ran out in whichever row is at work when it has run out again.
                OnError::Fail => limit.saturating_sub(spent),
                OnError::Null | OnError::Skip if spent > limit * REPLAY_TIMEOUTS => {
                    let why = format!("its rows took {} ms one by one, {}", spent.as_millis(), batch_failure.text());
                    return Err(self.error(&why, Some((row, args, rows))));
                }
                OnError::Null | OnError::Skip => limit,
            };
            let one: Vec<ArrayRef> =
                args.iter().map(|a| if a.len() == rows { a.slice(row, 1) } else { a.clone() }).collect();
            match self.attempt(&one, 1, Some(allowed)) {
                Ok(_) if on_error == OnError::Fail => {}
                Ok(column) => {
                    budget.take([&column]).map_err(|why| self.error(&why, Some((row, args, rows))))?;
                    columns.push(column);
                }
                Err(failure) => {
                    timeouts += u32::from(failure.timed_out);
                    if on_error == OnError::Fail || timeouts > TIMEOUTS_MAX {
                        let explained = self.explain(&one, failure);
                        return Err(self.error(&explained.text(), Some((row, args, rows))));
                    }
                    function.usage.nulled();
                    columns.push(arrow::array::new_null_array(&function.spec.returns.to_arrow(), 1));
                }
            }
        }
        if on_error == OnError::Fail {
            // No row fails by itself: the function keeps something from row to row, which a scalar function must not.
            let why = format!("{}; none of the {rows} rows of the batch fails by itself", batch_failure.text());
            return Err(self.error(&why, None));
        }
        let parts: Vec<&dyn Array> = columns.iter().map(|c| &**c).collect();
        Ok(concat(&parts)?)
    }

    /// The same failure with all of the guest's functions: an inlined body is no frame, a call of the export itself is.
    fn explain(&self, row: &[ArrayRef], failure: Failure) -> Failure {
        let Some(call) = self.function.plain_call() else { return failure };
        if row.iter().any(|a| a.null_count() > 0) {
            return failure;
        }
        match self.function.start() {
            Ok(Running::Plain(mut instance)) => {
                // A row that hangs has already cost its time: a tenth shows as well where it is.
                instance.guest.arm(failure.timed_out.then(|| self.function.spec.options.timeout / 10));
                match instance.directly(&call, row, 0) {
                    Err(direct) if direct.timed_out == failure.timed_out => {
                        Failure { reason: failure.reason, ..direct }
                    }
                    _ => failure,
                }
            }
            _ => failure,
        }
    }

    fn error(&self, why: &str, row: Option<(usize, &[ArrayRef], usize)>) -> wasmill_plan::Error {
        let spec = &self.function.spec;
        let place = match row {
            None => String::new(),
            Some((row, args, rows)) => format!("{}: ", row_text(row, rows, &spec.args, args)),
        };
        wasmill_plan::Error::Function {
            function: spec.name.clone(),
            message: format!("{place}{why} (module '{}', export '{}')", spec.path.display(), spec.export),
        }
    }
}

impl UserScalar for WasmScalar {
    fn call(&mut self, args: &[ArrayRef], rows: usize, _context: &Context) -> wasmill_plan::Result<ArrayRef> {
        self.evaluate(args, rows)
    }
}

/// A column of `rows` rows; a column of one value stands for a constant.
fn repeated(array: &ArrayRef, rows: usize) -> ArrayRef {
    if array.len() == rows {
        return array.clone();
    }
    assert_eq!(array.len(), 1, "an argument has a value a row, or one for all");
    take(array, &UInt32Array::from(vec![0; rows]), None).expect("index 0 of an array of length 1")
}
