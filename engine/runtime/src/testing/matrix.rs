//! Runs a plan in every way in which its result must be the same.
//!
//! Sources have one instance unless the options say otherwise, so that which rows are late is settled.
//!
//! | run | what it shows |
//! |---|---|
//! | straight | the result, in order |
//! | batches of one row | nothing depends on how rows are batched |
//! | parallelism 3 | nothing depends on which rows share an instance |
//! | a crash at every batch | checkpoints, restores and sinks lose and repeat nothing |
//! | a crash at every batch, from 3 to 2 to 1 instances | state moves between instances by key group |
//! | the same with the sources, where no row is late | what a source has left is shared anew |

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmill_plan::{Error, Operator, Plan, Result};

use super::memory::MemorySinks;
use super::turnstile::{Standing, Turnstile};
use crate::checkpoint::{CheckpointStore, MemoryStore};
use crate::job::{CheckpointOptions, Job, JobOptions, JobParts};
use crate::metrics::Metrics;
use crate::operators::evaluation::reads_watermark;

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Lines `+I a | 1` by sink table, [`super::memory::RESULT`] for a bare SELECT.
    pub tables: BTreeMap<String, Vec<String>>,
    /// The figures at the end (of the last run, after crashes).
    pub metrics: Metrics,
}

impl Outcome {
    /// The rows left after applying the kinds, sorted, by table: `2 x a | 1`.
    pub fn compacted(&self) -> BTreeMap<String, Vec<String>> {
        self.tables.iter().map(|(table, lines)| (table.clone(), compact(lines))).collect()
    }
}

/// The rows left after applying the kinds of lines `+I a | 1`, sorted, with how many there are of each.
pub fn compact(lines: &[String]) -> Vec<String> {
    let mut counts = BTreeMap::<&str, i64>::new();
    for line in lines {
        let (kind, row) = line.split_at_checked(3).unwrap_or((line, ""));
        *counts.entry(row).or_default() += if kind.starts_with('+') { 1 } else { -1 };
    }
    counts.into_iter().filter(|(_, n)| *n != 0).map(|(row, n)| format!("{n} x {row}")).collect()
}

/// Runs the plan once, into memory; `parts.sinks` is not used.
///
/// # Errors
/// What the job fails with.
pub fn run(plan: &Plan, options: &JobOptions, parts: &JobParts) -> Result<Outcome> {
    let sinks = MemorySinks::default();
    let parts = JobParts { sinks: Arc::new(sinks.clone()), ..parts.clone() };
    let report = Job::start(plan, options, &parts)?.wait()?;
    Ok(Outcome { tables: sinks.visible(), metrics: report.metrics })
}

/// Runs the plan with a crash at every batch: lets each source give one batch, takes a checkpoint, lets them give one more,
/// ends the job at once, and goes on from the checkpoint with the next of `parallelisms`.
///
/// # Errors
/// What the job fails with by itself.
pub fn run_crashing(plan: &Plan, options: &JobOptions, parts: &JobParts, parallelisms: &[usize]) -> Result<Outcome> {
    let sinks = MemorySinks::default();
    let parts = JobParts { sinks: Arc::new(sinks.clone()), ..parts.clone() };
    let store = Arc::new(MemoryStore::default());
    let mut parallelisms = parallelisms.iter().copied().cycle();
    loop {
        let turnstile = Arc::new(Turnstile::default());
        turnstile.allow(1);
        let passing = turnstile.clone();
        let options = JobOptions {
            parallelism: parallelisms.next().unwrap_or(options.parallelism),
            checkpoints: Some(CheckpointOptions { interval: None, store: store.clone() }),
            restore: store.latest()?,
            source_wrapper: Some(Arc::new(move |source| passing.wrap(source))),
            ..options.clone()
        };
        let job = Job::start(plan, &options, &parts)?;
        let mut standing = turnstile.settle(|| job.is_finished());
        if standing == Standing::Held {
            job.trigger_checkpoint()?;
            turnstile.allow(2);
            standing = turnstile.settle(|| job.is_finished());
        }
        if standing == Standing::Held {
            job.cancel();
            match job.wait() {
                Err(Error::Stopped) => continue,
                Err(error) => return Err(error),
                Ok(_) => return Err(Error::query("a job whose sources are held has ended")),
            }
        }
        let report = job.wait()?;
        return Ok(Outcome { tables: sinks.visible(), metrics: report.metrics });
    }
}

/// A run of [`run_all`] that came out otherwise.
#[derive(Debug)]
pub struct Difference {
    /// Which run.
    pub run: &'static str,
    /// What it gave, compacted, or its error.
    pub got: Result<BTreeMap<String, Vec<String>>>,
    /// What the straight run gave, compacted.
    pub expected: BTreeMap<String, Vec<String>>,
}

/// Runs the plan in every way, and gives the straight run and what differs from it.
///
/// # Errors
/// What the straight run fails with.
pub fn run_all(plan: &Plan, options: &JobOptions, parts: &JobParts) -> Result<(Outcome, Vec<Difference>)> {
    let options = &JobOptions { source_parallelism: options.source_parallelism.or(Some(1)), ..options.clone() };
    let straight = run(plan, options, parts)?;
    let expected = straight.compacted();
    let one_row = JobOptions { batch_rows_max: Some(1), ..options.clone() };
    let mut runs: Vec<(&'static str, Result<Outcome>)> = vec![
        ("batches of one row", run(plan, &one_row, parts)),
        ("parallelism 3", run(plan, &JobOptions { parallelism: 3, ..options.clone() }, parts)),
        ("a crash at every batch", run_crashing(plan, options, parts, &[1])),
        ("a crash at every row", run_crashing(plan, &one_row, parts, &[1])),
        ("crashes between parallelism 3, 2 and 1", run_crashing(plan, options, parts, &[3, 2, 1])),
    ];
    // Which rows are late depends on when the other instances of a source have found that there is nothing for them.
    if straight.metrics.late_rows() == 0 && !reads_watermarks(plan) {
        let of_sources = JobOptions { source_parallelism: None, ..options.clone() };
        let outcome = run_crashing(plan, &of_sources, parts, &[3, 2, 1]);
        runs.push(("crashes between 3, 2 and 1 instances of sources", outcome));
    }
    let mut differences = Vec::new();
    for (run, outcome) in runs {
        let got = outcome.map(|o| o.compacted());
        if got.as_ref().ok() != Some(&expected) {
            differences.push(Difference { run, got, expected: expected.clone() });
        }
    }
    Ok((straight, differences))
}

/// Whether the plan gives watermarks as values.
fn reads_watermarks(plan: &Plan) -> bool {
    plan.nodes.iter().any(|node| match &node.operator {
        Operator::Calc { filter, projection } => filter.iter().chain(projection).any(reads_watermark),
        _ => false,
    })
}
