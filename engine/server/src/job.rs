//! A planned job, and the same while it runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmill_connectors::{self as connectors, Connectors, TableSinks, is_bounded};
use wasmill_expr::{UserFunctions, UserName};
use wasmill_plan::{
    ChangelogMode, Error, LookupBuild, LookupJoin, Node, Operator, Plan, Result, Schema, SinkNode, SortKey, Table,
};
use wasmill_runtime::batch::{MAX_WATERMARK, NO_WATERMARK};
use wasmill_runtime::checkpoint::MemoryStore;
use wasmill_runtime::job::{CheckpointOptions, Job as RuntimeJob, JobHandle, JobOptions, JobParts};
use wasmill_runtime::metrics::{NodeRole, WatermarkHolder};
use wasmill_runtime::{PendingSwap, Swap};
use wasmill_sql::{QueryError, Settings, explain};

use crate::dead_letters::DeadLetterTables;
use crate::error::SessionError;
use crate::functions::{About, Functions};
use crate::rows::{JobSinks, RowWriter, SharedRows};

/// A planned job with the settings and functions of the moment it was planned.
pub struct Job {
    name: String,
    plan: Plan,
    options: JobOptions,
    functions: Functions,
    dead_letters: DeadLetterTables,
    in_background: bool,
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
        let shows_rows = |n: &Node| matches!(&n.operator, Operator::Sink(SinkNode { table: None }));
        let in_background = !settings.dml_sync() && !plan.nodes.iter().any(shows_rows);
        Self { name, plan, options, functions, dead_letters, in_background }
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
    /// What the rows that come to the caller are ordered by (ORDER BY … LIMIT), as far as it is among their columns. The rows come as
    /// changes: it is for who shows them to put them in this order.
    pub fn order(&self) -> Vec<SortKey> {
        let is_output = |n: &&Node| matches!(&n.operator, Operator::Sink(s) if s.table.is_none());
        let Some(sink) = self.plan.nodes.iter().find(is_output) else { return vec![] };
        // Where each column of the output is in the node looked at.
        let mut columns: Vec<Option<usize>> = (0..sink.schema.len()).map(Some).collect();
        let mut node = &self.plan.nodes[sink.inputs[0].node];
        while let Operator::Calc { projection, .. } = &node.operator {
            columns.iter_mut().for_each(|c| *c = c.and_then(|c| projection[c].as_column()));
            node = &self.plan.nodes[node.inputs[0].node];
        }
        let Operator::Rank(rank) = &node.operator else { return vec![] };
        if !rank.partition.is_empty() {
            return vec![];
        }
        let place =
            |key: &SortKey| Some(SortKey { column: columns.iter().position(|c| *c == Some(key.column))?, ..*key });
        rank.order.iter().map_while(place).collect()
    }
    /// Whether it writes tables and was asked to run in the background: [`crate::Session::run_in_background`].
    pub fn is_in_background(&self) -> bool {
        self.in_background
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
        let functions = Arc::new(self.functions);
        let parts = JobParts {
            sources: Arc::new(Connectors),
            sinks: Arc::new(JobSinks {
                tables: TableSinks::default(),
                dead_letters: self.dead_letters,
                rows: rows.clone(),
            }),
            functions: functions.clone(),
        };
        let handle = RuntimeJob::start(&self.plan, &self.options, &parts)?;
        let plan = self.plan;
        Ok(RunningJob { name: self.name, plan, functions, handle, rows, started: Instant::now() })
    }
}

/// Whether the tables of the plan, and those that are written beside it, leave each other alone.
///
/// # Errors
/// As [`connectors::validate_together`].
pub(crate) fn tables_together<'a>(plan: &'a Plan, beside: impl Iterator<Item = &'a Table>) -> Result<(), QueryError> {
    let (mut sources, mut sinks) = (Vec::new(), Vec::new());
    for node in &plan.nodes {
        match &node.operator {
            Operator::Source(source) => sources.push(&*source.table),
            Operator::Sink(SinkNode { table: Some(table) }) => sinks.push(&**table),
            _ => {}
        }
    }
    sinks.extend(beside);
    connectors::validate_together(&sources, &sinks)
        .map_err(|error| QueryError { hint: error.hint, ..QueryError::new(error.message) })
}

/// RAND() differs from job to job.
fn seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

/// A job that was started. Dropping it ends it at once.
pub struct RunningJob {
    name: String,
    plan: Plan,
    /// As they were when it was planned.
    functions: Arc<Functions>,
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
    /// Whether it calls the function or asks the model.
    pub(crate) fn uses(&self, name: &UserName) -> bool {
        self.handle.uses(name)
    }
    /// Whether it can take the version of `name` that `functions` has, as far as that is known before the barrier.
    ///
    /// # Errors
    /// It was planned with another signature; the table of a candidate gets in the way of its own tables.
    pub(crate) fn takes(&self, name: &UserName, functions: &Functions) -> Result<(), QueryError> {
        if let (Some(planned), Some(new)) = (self.functions.about(name), functions.about(name))
            && (planned.kind != new.kind || !new.signature.starts_with(&planned.signature))
        {
            let of = |about: &About| format!("{} {}", about.kind.text(), about.signature);
            return Err(QueryError::new(format!("it runs another {name}")).with_detail(format!(
                "{}; the new version is {}",
                of(planned),
                of(new)
            )));
        }
        let Some(table) = functions.shadow_table(name) else { return Ok(()) };
        tables_together(&self.plan, std::iter::once(&table))
    }
    /// Asks for another version of a function or model.
    pub(crate) fn swap(&self, swap: Swap) -> PendingSwap {
        self.handle.swap(swap)
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
