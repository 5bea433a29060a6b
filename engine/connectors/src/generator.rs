//! The source around a generator: which rows an instance makes, how fast, and from where it continues.

use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result, SourceNode};
use wasmill_runtime::source::{MAX_BATCH_ROWS, Source, SourceEvent};

use crate::column::ColumnBuilder;
use crate::projection::{MetadataValue, Projection};

/// Makes rows by their number.
pub(crate) trait Generator: Send {
    /// Appends row `row` to the columns that the source was made for.
    fn push(&mut self, row: u64, columns: &mut [ColumnBuilder]);
}

/// Rows `index`, `index + parallelism`, … of a generator.
pub(crate) struct GeneratorSource<G> {
    generator: G,
    projection: Projection,
    columns: Vec<ColumnBuilder>,
    index: u64,
    parallelism: u64,
    /// The next row, of all instances' rows.
    next: u64,
    rows_total: Option<u64>,
    rows_per_second: Option<f64>,
    /// When, and from which row on, this source counts its pace.
    started: Option<(Instant, u64)>,
}

impl<G: Generator> GeneratorSource<G> {
    /// Instance `index` of `parallelism`; `rows_total` and `rows_per_second` are those of all instances together.
    pub(crate) fn new(
        generator: G,
        node: &SourceNode,
        (index, parallelism): (usize, usize),
        rows_total: Option<u64>,
        rows_per_second: Option<f64>,
    ) -> Self {
        let projection = Projection::of(node);
        let columns = projection.fields.iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect();
        let (index, parallelism) = (index as u64, parallelism as u64);
        Self {
            generator,
            projection,
            columns,
            index,
            parallelism,
            next: index,
            rows_total,
            rows_per_second,
            started: None,
        }
    }

    /// How many of the own rows are due by now, or how long it takes until the next one is.
    fn due(&mut self) -> std::result::Result<u64, Duration> {
        let Some(rate) = self.rows_per_second else { return Ok(MAX_BATCH_ROWS as u64) };
        let (started, first) = *self.started.get_or_insert_with(|| (Instant::now(), self.next));
        let elapsed = started.elapsed().as_secs_f64();
        let due_before = first + (elapsed * rate) as u64 + 1;
        if due_before > self.next {
            return Ok((due_before - self.next).div_ceil(self.parallelism).min(MAX_BATCH_ROWS as u64));
        }
        Err(Duration::from_secs_f64(((self.next - first) as f64 / rate - elapsed).max(1e-6)))
    }
}

impl<G: Generator> Source for GeneratorSource<G> {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        let left = self.rows_total.map_or(u64::MAX, |total| total.saturating_sub(self.next).div_ceil(self.parallelism));
        if left == 0 {
            return Ok(SourceEvent::End);
        }
        let due = match self.due() {
            Ok(due) => due,
            Err(until) => {
                std::thread::sleep(until.min(wait));
                match self.due() {
                    Ok(due) if until <= wait => due,
                    _ => return Ok(SourceEvent::Pending),
                }
            }
        };
        let rows = due.min(left);
        for _ in 0..rows {
            self.generator.push(self.next, &mut self.columns);
            self.next += self.parallelism;
        }
        let columns = self.columns.iter_mut().zip(&self.projection.fields).map(|(c, f)| c.finish(&f.data_type.kind));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        Ok(SourceEvent::Rows(self.projection.batch(columns, rows as usize, |_| MetadataValue::Null)?))
    }

    fn position(&self) -> Json {
        json!({"next": self.next, "parallelism": self.parallelism})
    }

    /// Also takes the positions of all instances, where their number has not changed.
    fn seek(&mut self, position: &Json) -> Result<()> {
        let own = match position {
            Json::Array(all) => all
                .iter()
                .find(|p| p["next"].as_u64().is_some_and(|next| next % self.parallelism == self.index))
                .unwrap_or(&Json::Null),
            one => one,
        };
        if own["parallelism"].as_u64().is_some_and(|before| before != self.parallelism) {
            return Err(Error::Query {
                message: "a generated table continues only at the parallelism it was started with".into(),
                hint: own["parallelism"].as_u64().map(|before| format!("use parallelism {before}")),
            });
        }
        match own["next"].as_u64() {
            Some(next) if next % self.parallelism == self.index => {
                self.next = next;
                Ok(())
            }
            _ => Err(Error::Corrupt { message: format!("not a position of a generated table: {position}") }),
        }
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.rows_total.map(|total| (self.next.min(total) / self.parallelism, total / self.parallelism))
    }
}
