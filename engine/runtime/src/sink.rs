//! The contract of a sink: what connectors and the caller of a bare SELECT implement.

use wasmill_plan::{Error, Result, Schema, SinkNode};

use crate::batch::Batch;

/// One instance of a sink, owned by one task.
///
/// Rows of epoch n come before `prepare(n)`. After a crash the job restores the last completed epoch n; a sink that wrote
/// more must not show it twice: `commit(n)` is called once epoch n is durable, and again after a restore of n (so it must be
/// idempotent); what was prepared for later epochs is discarded by [`Sink::restore`].
pub trait Sink: Send {
    /// Takes rows. They need not be visible before a commit or [`Sink::flush`].
    ///
    /// # Errors
    /// A row that cannot be written, `Error::External` where writing fails, `Error::BrokenPipe`.
    fn write(&mut self, batch: &Batch) -> Result<()>;
    /// Makes what was written visible where the sink gives no promise beyond at-least-once (print, stdout); called when the
    /// input pauses, so that latency does not depend on batches.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn flush(&mut self) -> Result<()>;
    /// Everything so far belongs to `epoch`: make it durable, not visible.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn prepare(&mut self, epoch: u64) -> Result<()> {
        let _ = epoch;
        self.flush()
    }
    /// `epoch` is complete: make what was prepared for it and before visible.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn commit(&mut self, epoch: u64) -> Result<()> {
        let _ = epoch;
        Ok(())
    }
    /// The job restarts from `epoch`: discard what was prepared after it.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn restore(&mut self, epoch: u64) -> Result<()> {
        let _ = epoch;
        Ok(())
    }
    /// The input has ended: make all of it visible, and close. Without checkpoints this is the only commit.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(&mut self) -> Result<()>;
}

/// Makes sinks: implemented once, over all connectors, and by whoever takes the rows of a bare SELECT (`node.table` is None).
pub trait SinkFactory: Send + Sync {
    /// Instance `index` of `parallelism`. `schema` is what the rows have; for a table, its sink columns in order.
    ///
    /// # Errors
    /// Wrong options (`Error::Query`), a place that cannot be written (`Error::External`).
    fn sink(&self, node: &SinkNode, schema: &Schema, index: usize, parallelism: usize) -> Result<Box<dyn Sink>>;
    /// A sink for rows that a source could not decode: the table that `'on-error' = 'dead-letter:table'` names, which must
    /// have the columns of [`crate::dead_letter_schema`].
    ///
    /// # Errors
    /// As [`SinkFactory::sink`]; `Error::Query` where there is no such table.
    fn dead_letter_sink(&self, table: &str, index: usize, parallelism: usize) -> Result<Box<dyn Sink>> {
        let _ = (index, parallelism);
        Err(Error::Query {
            message: format!("there is no table '{table}' for rows that cannot be decoded"),
            hint: Some("create it with columns (source STRING, place STRING, reason STRING, raw BYTES)".into()),
        })
    }
}
