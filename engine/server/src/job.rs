//! A planned job, and the same while it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmill_connectors::{Connectors, TableSinks, is_bounded};
use wasmill_plan::{ChangelogMode, Error, LookupBuild, LookupJoin, Operator, Plan, Result, Schema, Table};
use wasmill_runtime::batch::{MAX_WATERMARK, NO_WATERMARK};
use wasmill_runtime::checkpoint::MemoryStore;
use wasmill_runtime::job::{CheckpointOptions, Job as RuntimeJob, JobHandle, JobOptions, JobParts};
use wasmill_runtime::metrics::{NodeRole, WatermarkHolder};
use wasmill_sql::{Settings, explain};

use crate::dead_letters::DeadLetterTables;
use crate::error::SessionError;
use crate::functions::Functions;
use crate::rows::{JobSinks, RowWriter, SharedRows};

/// A planned job with the settings and functions of the moment it was planned.
pub struct Job {
    name: String,
    plan: Plan,
    options: JobOptions,
    functions: Functions,
    dead_letters: DeadLetterTables,
}

impl Job {
    pub(crate) fn new(
        name: String,
        plan: Plan,
        settings: &Settings,
        functions: Functions,
        dead_letters: DeadLetterTables,
    ) -> Self {
        let name = match settings.get("pipeline.name") {
            Some("") | None => name,
            Some(set) => set.to_owned(),
        };
        let checkpoints = settings.checkpoint_interval_ms().map(|ms| CheckpointOptions {
            interval: Some(Duration::from_millis(ms.unsigned_abs())),
            store: Arc::new(MemoryStore::default()),
        });
        let options = JobOptions {
            parallelism: settings.parallelism(),
            time_zone: settings.zone(),
            watermark_interval_ms: settings.watermark_interval_ms(),
            idle_timeout_ms: settings.idle_timeout_ms(),
            checkpoints,
            random_seed: seed(),
            ..JobOptions::default()
        };
        Self { name, plan, options, functions, dead_letters }
    }
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The plan as a tree.
    pub fn explain(&self) -> String {
        explain::plan(&self.plan)
    }
    /// The columns of the rows that come to the caller, and whether they are a changelog; `None` where all rows go to tables.
    pub fn output(&self) -> Option<(&Schema, ChangelogMode)> {
        let sink = self.plan.nodes.iter().find(|n| matches!(&n.operator, Operator::Sink(s) if s.table.is_none()))?;
        Some((&sink.schema, sink.changelog))
    }
    /// Whether its input comes to an end by itself.
    pub fn is_bounded(&self) -> bool {
        self.sources().all(is_bounded)
    }
    /// The table through which it reads standard input, if it does.
    pub fn reads_standard_input(&self) -> Option<&str> {
        self.sources().find(|t| t.option("connector") == Some("stdin")).map(|t| t.name.as_str())
    }
    /// Whether one of its tables writes to standard output.
    pub fn prints(&self) -> bool {
        let tables = self.plan.nodes.iter().filter_map(|n| match &n.operator {
            Operator::Sink(sink) => sink.table.as_ref(),
            _ => None,
        });
        tables.into_iter().any(|t| matches!(t.option("connector"), Some("print" | "stdout")))
    }
    fn sources(&self) -> impl Iterator<Item = &Table> {
        self.plan.nodes.iter().filter_map(|n| match &n.operator {
            Operator::Source(source) => Some(&*source.table),
            Operator::LookupJoin(LookupJoin { build: LookupBuild::Table { source, .. }, .. }) => Some(&*source.table),
            _ => None,
        })
    }
    /// Starts it. `rows` takes the rows of [`Job::output`].
    ///
    /// # Errors
    /// What its sources, sinks and operators fail with when they are made.
    ///
    /// # Panics
    /// If it gives rows and there is nobody to take them.
    pub fn start(self, rows: Option<Box<dyn RowWriter>>) -> Result<RunningJob, SessionError> {
        assert!(self.output().is_none() || rows.is_some(), "a query needs a writer for its rows");
        let rows: Option<SharedRows> = rows.map(|rows| Arc::new(Mutex::new(rows)));
        let parts = JobParts {
            sources: Arc::new(Connectors),
            sinks: Arc::new(JobSinks {
                tables: TableSinks::default(),
                dead_letters: self.dead_letters,
                rows: rows.clone(),
            }),
            functions: Arc::new(self.functions),
        };
        let handle = RuntimeJob::start(&self.plan, &self.options, &parts)?;
        Ok(RunningJob { name: self.name, handle, rows, started: Instant::now() })
    }
}

/// RAND() differs from job to job.
fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

/// A job that was started. Dropping it ends it at once.
pub struct RunningJob {
    name: String,
    handle: JobHandle,
    rows: Option<SharedRows>,
    started: Instant,
}

/// The figures of a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Rows that all sources read.
    pub rows_in: u64,
    /// Rows that all sinks took.
    pub rows_out: u64,
    /// Rows that came too late, over all operators.
    pub late_rows: u64,
    /// Rows that could not be decoded.
    pub rejected: u64,
    /// The lowest watermark of the sources, ms since the epoch.
    pub watermark_ms: Option<i64>,
    /// Who holds the watermark back, where somebody is behind the others.
    pub watermark_holder: Option<WatermarkHolder>,
    /// How much of the input is read, from 0 to 1, where it is known.
    pub done: Option<f64>,
    /// Since the start.
    pub elapsed: Duration,
}

impl RunningJob {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The figures of this moment.
    pub fn progress(&self) -> Progress {
        let metrics = self.handle.metrics();
        let marks = metrics.nodes.iter().map(|n| n.watermark).filter(|w| !matches!(*w, NO_WATERMARK | MAX_WATERMARK));
        let (done, total) =
            metrics.nodes.iter().filter_map(|n| n.progress).fold((0, 0), |(d, t), (a, b)| (d + a, t + b));
        Progress {
            rows_in: metrics.rows_read(),
            rows_out: metrics.rows_written(),
            late_rows: metrics.late_rows(),
            rejected: metrics.nodes.iter().map(|n| n.rejected).sum(),
            watermark_ms: marks.min(),
            watermark_holder: metrics.watermark_holder.clone(),
            done: (total > 0).then(|| done as f64 / total as f64),
            elapsed: self.started.elapsed(),
        }
    }
    /// The tables that it writes and how many rows each got, in the order of the plan.
    pub fn rows_by_table(&self) -> Vec<(String, u64)> {
        let metrics = self.handle.metrics();
        let sinks = metrics.nodes.iter().filter(|n| n.role == NodeRole::Sink);
        sinks.filter_map(|n| Some((n.table.clone()?, n.rows_in))).collect()
    }
    /// Asks the sources to end where they are: the results so far come out, windows stay open.
    pub fn stop(&self) {
        self.handle.stop();
    }
    /// Ends it at once.
    pub fn cancel(&self) {
        self.handle.cancel();
    }
    /// Waits until it has ended, at most that long; whether it has.
    pub fn wait_for(&self, time: Duration) -> bool {
        // A short query must not wait for a long look: the looks get rarer.
        let until = Instant::now() + time;
        let mut pause = Duration::from_micros(200);
        while !self.handle.is_finished() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        true
    }
    /// Waits for the end; `true` where it was stopped before its input ended.
    ///
    /// # Errors
    /// What made it fail.
    pub fn finish(self) -> Result<bool, SessionError> {
        let report = self.handle.wait();
        let Some(rows) = self.rows else { return Ok(report?.stopped) };
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        match report {
            Ok(report) => {
                rows.finish()?;
                Ok(report.stopped)
            }
            Err(error) => {
                // The rows before a failure are results; it is the failure that is told.
                if !matches!(error, Error::BrokenPipe) {
                    let _ = rows.flush();
                }
                Err(error.into())
            }
        }
    }
}
