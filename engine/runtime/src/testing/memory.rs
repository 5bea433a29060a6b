//! Tables in memory: sources of given batches, and sinks that keep what was made visible.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result, Schema, SinkNode, SourceNode};

use super::rows;
use crate::batch::Batch;
use crate::sink::{Sink, SinkFactory};
use crate::source::{Source, SourceEvent, SourceFactory};

/// Name under which [`MemorySinks`] keeps the rows of a bare SELECT.
pub const RESULT: &str = "";

/// Tables by name; each batch is given as it is, in turn to the instances of a source.
#[derive(Clone, Default)]
pub struct MemorySources(BTreeMap<String, Arc<Vec<RecordBatch>>>);

impl MemorySources {
    /// With one more table, whose columns are those that the plan reads.
    #[must_use]
    pub fn with(mut self, table: &str, batches: Vec<RecordBatch>) -> Self {
        self.0.insert(table.to_owned(), Arc::new(batches));
        self
    }
}

impl SourceFactory for MemorySources {
    fn source(&self, node: &SourceNode, index: usize, parallelism: usize) -> Result<Box<dyn Source>> {
        let name = &node.table.name;
        let batches = self.0.get(name).ok_or_else(|| Error::query(format!("there is no table '{name}'")))?;
        let mine: Vec<RecordBatch> = batches.iter().skip(index).step_by(parallelism).cloned().collect();
        Ok(Box::new(MemorySource { batches: mine, given: 0 }))
    }
}

/// Position: the number of batches given.
struct MemorySource {
    batches: Vec<RecordBatch>,
    given: usize,
}

impl Source for MemorySource {
    fn poll(&mut self, _wait: Duration) -> Result<SourceEvent> {
        let Some(batch) = self.batches.get(self.given) else { return Ok(SourceEvent::End) };
        self.given += 1;
        Ok(SourceEvent::Rows(batch.clone()))
    }
    fn position(&self) -> Json {
        json!(self.given)
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        let given = position.as_u64().map(|p| p as usize).filter(|&p| p <= self.batches.len());
        self.given = given.ok_or_else(|| Error::Corrupt { message: format!("{position} is no position") })?;
        Ok(())
    }
}

/// Keeps what jobs write, as lines `+I a | 1`, by table. Rows become visible by a commit or at the end, as with a sink that
/// writes each row once; the tables outlive a job, so that the next one goes on from a checkpoint.
#[derive(Clone, Default)]
pub struct MemorySinks(Arc<Mutex<BTreeMap<String, Written>>>);

#[derive(Default)]
struct Written {
    visible: Vec<String>,
    /// By epoch and instance.
    prepared: BTreeMap<(u64, usize), Vec<String>>,
}

impl MemorySinks {
    /// The visible lines of each table, in the order in which they became so.
    pub fn visible(&self) -> BTreeMap<String, Vec<String>> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.iter().map(|(name, written)| (name.clone(), written.visible.clone())).collect()
    }

    fn open(&self, table: &str, instance: usize) -> Box<dyn Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(table.to_owned()).or_default();
        Box::new(MemorySink { tables: self.clone(), table: table.to_owned(), instance, open: Vec::new() })
    }
}

impl SinkFactory for MemorySinks {
    fn sink(&self, node: &SinkNode, _schema: &Schema, index: usize, _parallelism: usize) -> Result<Box<dyn Sink>> {
        Ok(self.open(node.table.as_ref().map_or(RESULT, |t| &t.name), index))
    }
    fn dead_letter_sink(&self, table: &str, index: usize, _parallelism: usize) -> Result<Box<dyn Sink>> {
        Ok(self.open(table, index))
    }
}

struct MemorySink {
    tables: MemorySinks,
    table: String,
    instance: usize,
    open: Vec<String>,
}

impl MemorySink {
    fn with(&self, f: impl FnOnce(&mut Written)) {
        f(self.tables.0.lock().unwrap_or_else(PoisonError::into_inner).entry(self.table.clone()).or_default());
    }
}

impl Sink for MemorySink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let lines = rows::lines(&batch.rows).into_iter().enumerate();
        self.open.extend(lines.map(|(row, line)| format!("{} {line}", batch.kind(row).symbol())));
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn prepare(&mut self, epoch: u64) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        self.with(|w| w.prepared.entry((epoch, self.instance)).or_default().extend(open));
        Ok(())
    }
    fn commit(&mut self, epoch: u64) -> Result<()> {
        self.with(|w| {
            let ready: Vec<_> = w.prepared.keys().copied().filter(|k| k.0 <= epoch && k.1 == self.instance).collect();
            ready.iter().for_each(|key| w.visible.extend(w.prepared.remove(key).unwrap_or_default()));
        });
        Ok(())
    }
    fn restore(&mut self, epoch: u64) -> Result<()> {
        // Also what instances prepared that are no more, at another parallelism.
        self.with(|w| {
            for (key, lines) in std::mem::take(&mut w.prepared) {
                if key.0 <= epoch {
                    w.visible.extend(lines);
                }
            }
        });
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        let open = std::mem::take(&mut self.open);
        self.with(|w| w.visible.extend(open));
        Ok(())
    }
}
