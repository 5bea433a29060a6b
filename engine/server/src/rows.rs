//! The rows of a bare SELECT, on their way to whoever asked for them.

use std::sync::{Arc, Mutex, PoisonError};

use wasmill_connectors::TableSinks;
use wasmill_plan::{Result, Schema, SinkNode};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::{Sink, SinkFactory};

use crate::dead_letters::DeadLetterTables;

/// Takes the rows of a bare SELECT, from one thread at a time.
pub trait RowWriter: Send {
    /// Takes rows; they may be held back until [`RowWriter::flush`].
    ///
    /// # Errors
    /// `Error::BrokenPipe` where nobody reads any more, `Error::External` where writing fails.
    fn write(&mut self, batch: &Batch) -> Result<()>;
    /// Shows what was written; called when the input pauses.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    fn flush(&mut self) -> Result<()>;
    /// The job has ended well.
    ///
    /// # Errors
    /// As [`RowWriter::write`].
    fn finish(&mut self) -> Result<()>;
}

/// A writer that the instances of a sink share.
pub(crate) type SharedRows = Arc<Mutex<Box<dyn RowWriter>>>;

/// The sinks of one start of a job: tables by their connector, and the caller's rows.
pub(crate) struct JobSinks {
    pub tables: TableSinks,
    pub dead_letters: DeadLetterTables,
    pub rows: Option<SharedRows>,
}

impl SinkFactory for JobSinks {
    fn sink(&self, node: &SinkNode, schema: &Schema, index: usize, parallelism: usize) -> Result<Box<dyn Sink>> {
        match (&node.table, &self.rows) {
            (Some(_), _) => self.tables.sink(node, schema, index, parallelism),
            (None, Some(rows)) => Ok(Box::new(CallerSink { rows: rows.clone() })),
            (None, None) => unreachable!("a query is started with a writer for its rows"),
        }
    }
    fn dead_letter_sink(&self, table: &str, index: usize, parallelism: usize) -> Result<Box<dyn Sink>> {
        self.dead_letters.sink(table, &self.tables, index, parallelism)
    }
}

struct CallerSink {
    rows: SharedRows,
}

impl CallerSink {
    fn with(&self, f: impl FnOnce(&mut dyn RowWriter) -> Result<()>) -> Result<()> {
        f(self.rows.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }
}

impl Sink for CallerSink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.with(|rows| rows.write(batch))
    }
    fn flush(&mut self) -> Result<()> {
        self.with(|rows| rows.flush())
    }
    fn finish(&mut self) -> Result<()> {
        // The writer's own end comes once, when all instances are done: see `RunningJob::wait`.
        self.flush()
    }
}
