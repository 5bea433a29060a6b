//! The contract of an operator.

use std::sync::Arc;

use arrow::array::RecordBatch;
use wasmill_expr::UserFunctions;
use wasmill_plan::Result;

use crate::batch::Batch;
use crate::clock::Clock;
use crate::source::SourceFactory;
use crate::state::StateTable;

/// What an operator may know of its surroundings when it is made.
#[derive(Clone)]
pub struct OperatorContext {
    /// The node's stable name.
    pub uid: String,
    /// Which instance of the operator this is.
    pub instance: usize,
    /// How many instances there are.
    pub parallelism: usize,
    /// Whether an input carries row kinds (its node's `changelog` is `Retract`).
    pub retracting: bool,
    /// `table.local-time-zone`.
    pub time_zone: chrono_tz::Tz,
    /// The job's clock, for what Flink defines by processing time (NOW(), PROCTIME()); never for results in event time.
    pub clock: Arc<dyn Clock>,
    /// `pipeline.auto-watermark-interval`.
    pub watermark_interval_ms: i64,
    /// Seed of RAND() and its kin.
    pub random_seed: u64,
    /// Reads the tables that an operator holds in memory.
    pub sources: Arc<dyn SourceFactory>,
    /// The user's functions.
    pub functions: Arc<dyn UserFunctions + Send + Sync>,
}

/// A step of the pipeline: synchronous and deterministic, without clock, randomness, threads or I/O.
///
/// The task that owns it merges the watermarks of its inputs, aligns barriers, takes snapshots and forwards messages; an
/// operator does none of that. Calls come one at a time. After an `Err` the operator is dropped.
pub trait Operator: Send {
    /// Takes rows of input `port` and gives results to `out`. `batch` is never empty; its watermark and steps are already
    /// merged over all inputs.
    ///
    /// # Errors
    /// Whatever a value, a function or a limit makes impossible; the job fails.
    fn on_batch(&mut self, port: usize, batch: Batch, out: &mut dyn Output) -> Result<()>;

    /// The merged watermark rose to `watermark` (strictly; [`crate::batch::MAX_WATERMARK`] at the end of the input). Gives
    /// what is now complete, and returns the watermark for downstream, which must not be above `watermark` nor fall.
    ///
    /// # Errors
    /// As [`Operator::on_batch`].
    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        let _ = out;
        Ok(watermark)
    }

    /// Nothing has come for `pipeline.auto-watermark-interval`: the watermark that the operator held back only in order to
    /// give it less often, or one that follows the clock; else `None`. Gives what the clock makes due. Not called in event-time
    /// tests; only operators that make watermarks or follow the clock implement it.
    ///
    /// # Errors
    /// As [`Operator::on_batch`].
    fn on_pause(&mut self, out: &mut dyn Output) -> Result<Option<i64>> {
        let _ = out;
        Ok(None)
    }

    /// Whether the operator must hear of pauses wherever it stands, not only in a task that reads sources: its watermarks
    /// follow the clock.
    fn needs_pauses(&self) -> bool {
        false
    }

    /// The operator's state, to be saved at a barrier or filled at a start. Always the same tables in the same order.
    /// Stateless operators keep the default.
    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        Vec::new()
    }
}

/// Where an operator's results go: the next operator of the chain, or an exchange.
pub trait Output {
    /// Hands on rows, in order. Empty batches are dropped. The receiver sets the batch's watermark; an operator that
    /// passes its input's rows through (filter, project) keeps watermark and steps, all others leave them as
    /// [`Batch::append`] makes them.
    fn emit(&mut self, batch: Batch);

    /// Rows of the input that came too late: counted per operator, shown to the user, and sent on where the plan reads
    /// `Port::Late`.
    fn late(&mut self, rows: RecordBatch);
}
