//! Gives the rows of another source at a multiple of the pace of their event time: `'replay.speed'`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes as t;
use arrow::datatypes::{DataType as A, TimeUnit};
use serde_json::Value as Json;
use wasmill_plan::{ColumnKind, DataType, Error, Result, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{Source, SourceEvent};

use crate::options::{OptionError, Reader, nearest};

/// What `'replay.speed'` and `'replay.time-column'` say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplayOptions {
    speed: f64,
    /// Of the table's columns.
    time_column: usize,
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
        let read: Vec<usize> = (0..table.columns.len()).filter(|i| table.columns[*i].kind == ColumnKind::Physical).collect();
        let time_column = match (named, &table.watermark) {
            (Some(name), _) => read.iter().copied().find(|i| table.columns[*i].name == name).ok_or_else(|| {
                let names = read.iter().map(|i| table.columns[*i].name.as_str());
                let error = OptionError::new("replay.time-column", format!("there is no column '{name}' in the files"));
                match nearest(name, names) {
                    Some(near) => error.hint(format!("did you mean '{near}'?")),
                    None => error,
                }
            })?,
            (None, Some(watermark)) if read.contains(&watermark.column) => watermark.column,
            (None, _) => {
                return Err(OptionError::new("replay.speed", "'replay.speed' needs a column of event time that the files hold")
                    .hint("name one with 'replay.time-column'"));
            }
        };
        let data_type = &table.columns[time_column].data_type;
        if !is_time(data_type) {
            return Err(OptionError::new(
                "replay.time-column",
                format!("column '{}' of type {data_type} is no time", table.columns[time_column].name),
            )
            .hint("use a TIMESTAMP, a TIMESTAMP_LTZ, a BIGINT of milliseconds or a STRING like 2020-10-10 00:00:01"));
        }
        Ok(Some(Self { speed, time_column }))
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
    inner: Box<dyn Source>,
    speed: f64,
    /// Column of the inner source's batches; the last one is dropped where the node does not want it.
    time_index: usize,
    drop_last: bool,
    waiting: Option<Waiting>,
    later: VecDeque<SourceEvent>,
    /// Wall-clock and event time of the first row.
    started: Option<(Instant, i64)>,
    /// The position before the waiting rows, and how many of them were given.
    base: Json,
}

impl Replay {
    /// The node that the inner source is made for: with the time column, which the outer node may not read.
    pub(crate) fn inner_node(node: &SourceNode, options: ReplayOptions) -> SourceNode {
        let mut inner = node.clone();
        if !inner.projection.contains(&options.time_column) {
            inner.projection.push(options.time_column);
        }
        inner
    }
    /// Paces `inner`, which was made for [`Replay::inner_node`].
    pub(crate) fn new(inner: Box<dyn Source>, node: &SourceNode, options: ReplayOptions) -> Self {
        let found = node.projection.iter().position(|i| *i == options.time_column);
        let base = inner.position();
        Self {
            inner,
            speed: options.speed,
            time_index: found.unwrap_or(node.projection.len()),
            drop_last: found.is_none(),
            waiting: None,
            later: VecDeque::new(),
            started: None,
            base,
        }
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
        if let Some(event) = self.later.pop_front() {
            return Ok(event);
        }
        if self.waiting.is_none() {
            let base = self.inner.position();
            match self.inner.poll(wait)? {
                SourceEvent::Rows(batch) => {
                    let times = times(batch.column(self.time_index));
                    let columns: Vec<usize> = (0..batch.num_columns() - usize::from(self.drop_last)).collect();
                    self.base = base;
                    self.waiting = Some(Waiting { batch: batch.project(&columns)?, times, at: 0 });
                }
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
            Some(waiting) => serde_json::json!({"inner": self.base, "given": waiting.at}),
            None => serde_json::json!({"inner": self.inner.position(), "given": 0}),
        }
    }

    /// The rows already given of the batch that was waiting are read again and left out: the source gives the same batches
    /// from the same position.
    fn seek(&mut self, position: &Json) -> Result<()> {
        let (inner, given) = match position {
            Json::Array(all) => (Json::Array(all.iter().map(|p| p["inner"].clone()).collect()), &Json::Null),
            one => (one["inner"].clone(), &one["given"]),
        };
        if matches!(position, Json::Array(all) if all.iter().any(|p| p["given"].as_u64().unwrap_or(0) > 0)) {
            return Err(Error::external("a replayed table continues only at the parallelism it was started with"));
        }
        self.inner.seek(&inner)?;
        self.base = inner;
        let mut given = given.as_u64().unwrap_or(0) as usize;
        while given > 0 && self.waiting.is_none() {
            match self.inner.poll(Duration::from_secs(1))? {
                SourceEvent::Rows(batch) => {
                    let times = times(batch.column(self.time_index));
                    let columns: Vec<usize> = (0..batch.num_columns() - usize::from(self.drop_last)).collect();
                    let at = given.min(times.len());
                    let waiting = Waiting { batch: batch.project(&columns)?, times, at };
                    self.waiting = Some(waiting).filter(|w| w.at < w.times.len());
                    given = 0;
                }
                SourceEvent::DeadLetters(letters) => self.later.push_back(SourceEvent::DeadLetters(letters)),
                SourceEvent::Pending => {}
                SourceEvent::End => break,
            }
        }
        Ok(())
    }

    fn skipped(&self) -> u64 {
        self.inner.skipped()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.inner.progress()
    }
}
