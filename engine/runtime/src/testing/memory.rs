//! Tables in memory: sources of given batches, and sinks that keep what was made visible.

use std::collections::{BTreeMap, VecDeque};
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
        let left = (index..batches.len()).step_by(parallelism).collect();
        Ok(Box::new(MemorySource { batches: batches.clone(), left, share: (index, parallelism) }))
    }
}

/// Position: the batches that are left, by index.
struct MemorySource {
    batches: Arc<Vec<RecordBatch>>,
    left: VecDeque<usize>,
    share: (usize, usize),
}

impl Source for MemorySource {
    fn poll(&mut self, _wait: Duration) -> Result<SourceEvent> {
        let Some(index) = self.left.pop_front() else { return Ok(SourceEvent::End) };
        Ok(SourceEvent::Rows(self.batches[index].clone()))
    }
    fn position(&self) -> Json {
        json!(self.left)
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        self.left = self.indices(position)?.into();
        Ok(())
    }
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        let mut left = Vec::new();
        for position in positions {
            left.extend(self.indices(position)?);
        }
        left.sort_unstable();
        let (index, parallelism) = self.share;
        self.left = left.into_iter().skip(index).step_by(parallelism).collect();
        Ok(())
    }
}

impl MemorySource {
    fn indices(&self, position: &Json) -> Result<Vec<usize>> {
        let corrupt = || Error::Corrupt { message: format!("{position} is no position") };
        let index = |json: &Json| json.as_u64().map(|i| i as usize).filter(|&i| i < self.batches.len());
        let all = position.as_array().ok_or_else(corrupt)?;
        all.iter().map(|json| index(json).ok_or_else(corrupt)).collect()
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
