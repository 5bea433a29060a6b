//! Cuts a source's batches smaller, so that a test can run the same input row by row.

use std::time::Duration;

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result};

use crate::source::{Source, SourceEvent};

/// Gives at most `rows_max` rows at a time. Position: that of the source before the batch that is being given, and how many
/// of the rows behind it have been given.
pub(crate) struct SlicingSource {
    inner: Box<dyn Source>,
    rows_max: usize,
    before: Json,
    given: usize,
    /// Rows still to be skipped after a seek.
    skip: usize,
    rest: Option<RecordBatch>,
}

impl SlicingSource {
    pub(crate) fn new(inner: Box<dyn Source>, rows_max: usize) -> Self {
        assert!(rows_max > 0);
        Self { before: inner.position(), inner, rows_max, given: 0, skip: 0, rest: None }
    }
}

impl Source for SlicingSource {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        loop {
            if let Some(rest) = self.rest.take() {
                let count = rest.num_rows().min(self.rows_max);
                let rows = rest.slice(0, count);
                if count < rest.num_rows() {
                    self.rest = Some(rest.slice(count, rest.num_rows() - count));
                }
                self.given += count;
                return Ok(SourceEvent::Rows(rows));
            }
            if self.skip == 0 {
                self.before = self.inner.position();
                self.given = 0;
            }
            match self.inner.poll(wait)? {
                SourceEvent::Rows(rows) => {
                    let skipped = self.skip.min(rows.num_rows());
                    self.skip -= skipped;
                    if skipped < rows.num_rows() {
                        self.rest = Some(rows.slice(skipped, rows.num_rows() - skipped));
                    }
                }
                other => return Ok(other),
            }
        }
    }
    fn position(&self) -> Json {
        match (&self.rest, self.skip) {
            (None, 0) => json!({ "before": self.inner.position(), "given": 0 }),
            _ => json!({ "before": self.before, "given": self.given }),
        }
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        let (Some(before), Some(given)) = (position.get("before"), position.get("given").and_then(Json::as_u64)) else {
            return Err(Error::Corrupt { message: format!("{position} is no position of a sliced source") });
        };
        self.inner.seek(before)?;
        self.before = before.clone();
        self.given = given as usize;
        self.skip = self.given;
        self.rest = None;
        Ok(())
    }
    /// Where no instance had given a part of a batch.
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        if positions.iter().any(|p| p["given"].as_u64() != Some(0)) {
            return Err(Error::query("a sliced source continues only at the parallelism it was started with"));
        }
        let inner: Vec<Json> = positions.iter().map(|p| p["before"].clone()).collect();
        self.inner.seek_all(&inner)?;
        self.before = self.inner.position();
        Ok(())
    }
    fn skipped(&self) -> u64 {
        self.inner.skipped()
    }
    fn progress(&self) -> Option<(u64, u64)> {
        self.inner.progress()
    }
}
