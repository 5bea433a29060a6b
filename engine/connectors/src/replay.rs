//! Gives the rows of another source at a multiple of the pace of their event time: `'replay.speed'`.

use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes as t;
use arrow::datatypes::{DataType as A, TimeUnit};
use serde_json::Value as Json;
use wasmill_expr::{Context, Evaluator, NoUserFunctions};
use wasmill_plan::{ColumnKind, DataType, Expr, Result, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{Source, SourceEvent};

use crate::filesystem::FileSource;
use crate::options::{OptionError, Reader, nearest};

/// What `'replay.speed'` and `'replay.time-column'` say.
#[derive(Clone, Debug)]
pub(crate) struct ReplayOptions {
    speed: f64,
    /// The event time, over the table's columns.
    time: Expr,
}

impl ReplayOptions {
    /// Of a table; `None` where it is not replayed.
    ///
    /// # Errors
    /// No column to go by.
    pub(crate) fn of(table: &Table) -> Result<Option<Self>, OptionError> {
        let options = Reader::of(table);
        let named = options.text("replay.time-column");
        let Some(speed) = options.number("replay.speed")? else {
            return match named {
                Some(_) => Err(OptionError::new("replay.time-column", "'replay.time-column' needs 'replay.speed'")
                    .hint("add 'replay.speed' = '1' for the pace at which the events happened")),
                None => Ok(None),
            };
        };
        if speed <= 0.0 {
            return Err(OptionError::new("replay.speed", "'replay.speed' must be above 0"));
        }
        let index = match (named, &table.watermark) {
            (Some(name), _) => table.columns.iter().position(|c| c.name == name).ok_or_else(|| {
                let error = OptionError::new("replay.time-column", format!("the table has no column '{name}'"));
                match nearest(name, table.columns.iter().map(|c| c.name.as_str())) {
                    Some(near) => error.hint(format!("did you mean '{near}'?")),
                    None => error,
                }
            })?,
            (None, Some(watermark)) => watermark.column,
            (None, None) => {
                return Err(OptionError::new("replay.speed", "'replay.speed' needs a column of event time")
                    .hint("name one with 'replay.time-column', or declare a WATERMARK"));
            }
        };
        let column = &table.columns[index];
        if !is_time(&column.data_type) {
            return Err(OptionError::new(
                "replay.time-column",
                format!("column '{}' of type {} is no time", column.name, column.data_type),
            )
            .hint("use a TIMESTAMP, a TIMESTAMP_LTZ, a BIGINT of milliseconds or a STRING like 2020-10-10 00:00:01"));
        }
        let time = match &column.kind {
            ColumnKind::Computed(expr) => expr.clone(),
            _ => Expr::column(index, column.data_type.clone()),
        };
        let mut readable = true;
        time.visit_columns(&mut |i| readable &= !matches!(table.columns[i].kind, ColumnKind::Computed(_)));
        if !readable {
            return Err(OptionError::new(
                "replay.speed",
                format!("column '{}' is computed from a computed column", column.name),
            )
            .hint("name a column of the files with 'replay.time-column'"));
        }
        Ok(Some(Self { speed, time }))
    }
}

fn is_time(data_type: &DataType) -> bool {
    let kind = &data_type.kind;
    kind.is_timestamp() || *kind == TypeKind::BigInt || kind.is_text()
}

/// Event times in ms; `None` where a row has none.
fn times(array: &ArrayRef) -> Vec<Option<i64>> {
    macro_rules! scaled {
        ($t:ident, $per_ms:expr) => {
            array.as_primitive::<t::$t>().iter().map(|v| v.map(|v| v.div_euclid($per_ms))).collect()
        };
    }
    match array.data_type() {
        A::Int64 => scaled!(Int64Type, 1),
        A::Timestamp(TimeUnit::Millisecond, _) => scaled!(TimestampMillisecondType, 1),
        A::Timestamp(TimeUnit::Microsecond, _) => scaled!(TimestampMicrosecondType, 1_000),
        A::Timestamp(TimeUnit::Nanosecond, _) => scaled!(TimestampNanosecondType, 1_000_000),
        A::Utf8 => array.as_string::<i32>().iter().map(|v| v.and_then(text_time)).collect(),
        _ => vec![None; array.len()],
    }
}

fn text_time(text: &str) -> Option<i64> {
    use crate::time::{TimestampFormat, parse_instant, parse_timestamp};
    let text = text.trim().as_bytes();
    let formats = [TimestampFormat::Sql, TimestampFormat::Iso8601];
    let parsed = formats.iter().find_map(|f| parse_timestamp(text, *f).or_else(|| parse_instant(text, *f)));
    parsed?.to_units(3)
}

/// Rows that wait for their time.
struct Waiting {
    batch: RecordBatch,
    times: Vec<Option<i64>>,
    at: usize,
}

/// A source behind a pace.
pub(crate) struct Replay {
    inner: FileSource,
    speed: f64,
    /// The event time, over the inner source's columns.
    time: Evaluator,
    /// How many of the inner source's columns are given; the others were read for the time.
    columns: usize,
    waiting: Option<Waiting>,
    /// Wall-clock and event time of the first row.
    started: Option<(Instant, i64)>,
}

impl Replay {
    /// The node that the inner source is made for: with the columns of the time, which the outer node may not read.
    pub(crate) fn inner_node(node: &SourceNode, options: &ReplayOptions) -> SourceNode {
        // The time may be in a field that the outer node does not read.
        let mut inner = SourceNode::new(node.table.clone(), node.projection.clone());
        options.time.visit_columns(&mut |index| {
            if !inner.projection.contains(&index) {
                inner.projection.push(index);
            }
        });
        inner
    }
    /// Paces `inner`, which was made for [`Replay::inner_node`].
    ///
    /// # Errors
    /// A time that cannot be computed here: one that calls a user's function.
    pub(crate) fn new(inner: FileSource, node: &SourceNode, options: &ReplayOptions) -> Result<Self> {
        let read = Self::inner_node(node, options).projection;
        let place = |index: usize| read.iter().position(|i| *i == index).unwrap_or_default();
        let time = Evaluator::new(&options.time.clone().map_columns(&place), &NoUserFunctions)?;
        Ok(Self { inner, speed: options.speed, time, columns: node.projection.len(), waiting: None, started: None })
    }

    /// Lets the rows of a batch wait for their times.
    fn wait_for(&mut self, batch: &RecordBatch) -> Result<()> {
        let times = times(&self.time.evaluate(batch, &Context::default())?);
        let columns: Vec<usize> = (0..self.columns).collect();
        let waiting = Waiting { batch: batch.project(&columns)?, times, at: 0 };
        self.waiting = Some(waiting).filter(|w| !w.times.is_empty());
        Ok(())
    }

    /// How long until a row of that time is due.
    fn until(&mut self, time: i64) -> Duration {
        let (started, first) = *self.started.get_or_insert_with(|| (Instant::now(), time));
        let due = Duration::from_secs_f64((time.saturating_sub(first).max(0) as f64 / 1000.0 / self.speed).min(1e9));
        due.saturating_sub(started.elapsed())
    }

    /// The waiting rows that are due, at least one; or how long the first is not.
    fn due(&mut self) -> std::result::Result<SourceEvent, Duration> {
        let Some(mut waiting) = self.waiting.take() else { return Err(Duration::ZERO) };
        let mut end = waiting.at;
        let mut left = Duration::ZERO;
        while end < waiting.times.len() {
            left = waiting.times[end].map_or(Duration::ZERO, |time| self.until(time));
            if !left.is_zero() {
                break;
            }
            end += 1;
        }
        if end == waiting.at {
            self.waiting = Some(waiting);
            return Err(left);
        }
        let rows = waiting.batch.slice(waiting.at, end - waiting.at);
        waiting.at = end;
        self.waiting = Some(waiting).filter(|w| w.at < w.times.len());
        Ok(SourceEvent::Rows(rows))
    }
}

impl Source for Replay {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        if self.waiting.is_none() {
            match self.inner.poll(wait)? {
                SourceEvent::Rows(batch) => self.wait_for(&batch)?,
                other => return Ok(other),
            }
        }
        match self.due() {
            Ok(rows) => Ok(rows),
            Err(left) => {
                std::thread::sleep(left.min(wait));
                Ok(self.due().unwrap_or(SourceEvent::Pending))
            }
        }
    }

    fn position(&self) -> Json {
        match &self.waiting {
            Some(waiting) => self.inner.position_within(waiting.at),
            None => self.inner.position(),
        }
    }

    fn seek(&mut self, position: &Json) -> Result<()> {
        self.inner.seek(position)
    }

    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        self.inner.seek_all(positions)
    }

    fn skipped(&self) -> u64 {
        self.inner.skipped()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.inner.progress()
    }
}
