//! The contract of a source: what connectors implement.

use std::time::Duration;

use arrow::array::RecordBatch;
use serde_json::Value as Json;
use wasmill_plan::{Error, Result, SourceNode};

/// What a source has at this moment.
#[derive(Debug)]
pub enum SourceEvent {
    /// Rows, about [`MAX_BATCH_ROWS`] at most (the task cuts what is more); columns as the node's projection says.
    Rows(RecordBatch),
    /// Rows that could not be decoded, for the dead-letter table of `'on-error' = 'dead-letter:t'`.
    DeadLetters(Vec<DeadLetter>),
    /// Nothing came within the time given.
    Pending,
    /// It has ended and will give nothing more.
    End,
}

/// A row that could not be decoded or written. As a table: `(source STRING, place STRING, reason STRING, raw BYTES)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The table's name.
    pub source: String,
    /// `file:line` or `partition:offset`.
    pub place: String,
    /// Why.
    pub reason: String,
    /// As it came.
    pub raw: Vec<u8>,
}

/// The most rows in one batch from a source.
pub const MAX_BATCH_ROWS: usize = 8192;

/// One instance of a source, owned by one task.
pub trait Source: Send {
    /// Gives what has arrived. Blocks at most `wait` where nothing has; never waits to fill a batch.
    ///
    /// # Errors
    /// `Error::Data` for a row under `'on-error' = 'fail'`, `Error::External` where reading fails.
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent>;
    /// The position behind the last rows given: what a checkpoint stores.
    fn position(&self) -> Json;
    /// Continues at a position that [`Source::position`] gave, before the first poll.
    ///
    /// # Errors
    /// `Error::Corrupt` where it is not one, `Error::External` where the input is no longer there.
    fn seek(&mut self, position: &Json) -> Result<()>;
    /// Continues after a change of the number of instances, before the first poll: `positions` are those of all instances
    /// before, in their order, and each instance of now gets all of them.
    ///
    /// # Errors
    /// As [`Source::seek`]; `Error::Query` where the source cannot be shared anew.
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        Err(Error::Query {
            message: "a source of this kind continues only at the parallelism it was started with".into(),
            hint: Some(format!("SET 'parallelism.default' = '{}'", positions.len())),
        })
    }
    /// How many rows `'on-error'` has left out or sent to the dead-letter table so far, for progress and the summary.
    fn skipped(&self) -> u64 {
        0
    }
    /// For progress: bytes or rows done of the total, where known.
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }
}

/// Makes sources: implemented once, over all connectors.
pub trait SourceFactory: Send + Sync {
    /// Instance `index` of `parallelism` of that table. Instances share the input among them (files, generators' rows);
    /// where an input cannot be shared, instance 0 reads it and the others end at once.
    ///
    /// # Errors
    /// Wrong options (`Error::Query`), a missing file (`Error::External`).
    fn source(&self, node: &SourceNode, index: usize, parallelism: usize) -> Result<Box<dyn Source>>;
}
