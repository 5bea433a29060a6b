//! A running plan: starts its tasks, and is the handle by which they are stopped, checkpointed and waited for.
//!
//! ```text
//! Plan --stage::cut--> stages --assemble--> tasks --start--> threads <──> coordinator <── JobHandle
//! ```

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};
use wasmill_expr::{ModuleVersion, UserFunctions, UserName};
use wasmill_plan::{Error, Plan, Result};

use crate::assemble::assemble;
use crate::checkpoint::{Checkpoint, CheckpointStore};
use crate::clock::{Clock, SystemClock};
use crate::coordinator::{Coordinator, Event, State};
use crate::metrics::{Metrics, NodeCounters};
use crate::sink::SinkFactory;
use crate::source::{Source, SourceFactory};
use crate::swap::{PendingSwap, Swap};

/// Stack of a task's thread. A long chain of ORs is a deep expression; the stack is only touched as far as it is used.
const STACK_BYTES: usize = 256 << 20;

/// How a job runs.
#[derive(Clone)]
pub struct JobOptions {
    /// `parallelism.default`: instances of each keyed stage.
    pub parallelism: usize,
    /// Instances of each stage that begins with sources; [`JobOptions::parallelism`] where `None`.
    pub source_parallelism: Option<usize>,
    /// At parallelism 1, run what is behind an exchange on a second thread.
    pub pipelined: bool,
    /// Processing time.
    pub clock: Arc<dyn Clock>,
    /// `table.local-time-zone`.
    pub time_zone: chrono_tz::Tz,
    /// `pipeline.auto-watermark-interval`.
    pub watermark_interval_ms: i64,
    /// `table.exec.source.idle-timeout`: a source that gives nothing for that long holds back no watermark. `None`: never.
    pub idle_timeout_ms: Option<i64>,
    /// Checkpoints, where the job takes any.
    pub checkpoints: Option<CheckpointOptions>,
    /// Where the job goes on from.
    pub restore: Option<Arc<Checkpoint>>,
    /// Cuts the batches of sources, for tests: 1 gives one-row batches.
    pub batch_rows_max: Option<usize>,
    /// Put around every source of the job, for tests that hold or count what it reads.
    pub source_wrapper: Option<SourceWrapper>,
    /// Seed of RAND() and its kin.
    pub random_seed: u64,
}

/// Makes a source of a source.
pub type SourceWrapper = Arc<dyn Fn(Box<dyn Source>) -> Box<dyn Source> + Send + Sync>;

/// How a job takes checkpoints.
#[derive(Clone)]
pub struct CheckpointOptions {
    /// `execution.checkpointing.interval`; without it only [`JobHandle::trigger_checkpoint`] and the end take one.
    pub interval: Option<Duration>,
    /// Where they are kept.
    pub store: Arc<dyn CheckpointStore>,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self {
            parallelism: 1,
            source_parallelism: None,
            pipelined: false,
            clock: Arc::new(SystemClock),
            time_zone: chrono_tz::UTC,
            watermark_interval_ms: 200,
            idle_timeout_ms: Some(10_000),
            checkpoints: None,
            restore: None,
            batch_rows_max: None,
            source_wrapper: None,
            random_seed: 0,
        }
    }
}

/// What a job needs from outside.
#[derive(Clone)]
pub struct JobParts {
    /// Makes its sources, and the tables it holds in memory.
    pub sources: Arc<dyn SourceFactory>,
    /// Makes its sinks.
    pub sinks: Arc<dyn SinkFactory>,
    /// The user's functions.
    pub functions: Arc<dyn UserFunctions + Send + Sync>,
}

/// A job that has come to its end.
#[derive(Clone, Debug)]
pub struct JobReport {
    /// Its last figures.
    pub metrics: Metrics,
    /// Whether it was stopped rather than coming to the end of its input.
    pub stopped: bool,
    /// The last durable epoch.
    pub epoch: Option<u64>,
}

/// A job.
pub struct Job;

impl Job {
    /// Starts the plan's tasks.
    ///
    /// # Errors
    /// What the plan's sources, sinks and operators fail with when they are made; `Error::Corrupt` where the checkpoint to be
    /// restored is of another plan.
    pub fn start(plan: &Plan, options: &JobOptions, parts: &JobParts) -> Result<JobHandle> {
        let (events, incoming) = unbounded();
        let assembled = assemble(plan, options, parts)?;
        let counters = assembled.counters;
        let mut threads = Vec::new();
        for task in assembled.tasks {
            let reports = events.clone();
            let name = task.chain.slots.first().map_or_else(String::new, |s| s.counters().uid.clone());
            let thread = std::thread::Builder::new()
                .name(name)
                .stack_size(STACK_BYTES)
                .spawn(move || crate::task::run(task, &reports));
            match thread {
                Ok(thread) => threads.push(thread),
                // The tasks that run leave when their control channels go with this function.
                Err(e) => return Err(Error::external(format!("cannot start a thread: {e}"))),
            }
        }
        let epoch = options.restore.as_ref().map_or(0, |c| c.epoch);
        let mut coordinator = Coordinator {
            events: incoming,
            tasks: assembled.handles,
            store: options.checkpoints.as_ref().map(|c| c.store.clone()),
            interval: options.checkpoints.as_ref().and_then(|c| c.interval),
            state: State {
                epoch,
                durable: (epoch > 0).then_some(epoch),
                modules: assembled.modules.clone(),
                ..State::default()
            },
        };
        let counted = counters.clone();
        let watch = move || {
            coordinator.run();
            for thread in threads {
                // A panic inside has become a report; one outside would be a bug of the task itself.
                let _ = thread.join();
            }
            let State { error, durable, stopped, .. } = coordinator.state;
            match error {
                Some(error) => Err(error),
                None => Ok(JobReport { metrics: Metrics::of(&counted), stopped, epoch: durable }),
            }
        };
        let thread = std::thread::Builder::new().name("coordinator".into()).spawn(watch);
        let thread = thread.map_err(|e| Error::external(format!("cannot start a thread: {e}")))?;
        Ok(JobHandle { events, counters, modules: assembled.modules, thread: Some(thread) })
    }
}

/// The owner's handle. Dropping it cancels the job.
pub struct JobHandle {
    events: Sender<Event>,
    counters: Vec<Arc<NodeCounters>>,
    modules: Vec<ModuleVersion>,
    thread: Option<JoinHandle<Result<JobReport>>>,
}

/// Stops a job from elsewhere, such as a signal handler.
#[derive(Clone)]
pub struct Stopper(Sender<Event>);

impl Stopper {
    /// As [`JobHandle::stop`].
    pub fn stop(&self) {
        let _ = self.0.send(Event::Stop);
    }
}

impl JobHandle {
    /// Asks the sources to end where they are. All results so far come out; the watermark does not rise, so open windows stay
    /// open (in the last checkpoint, where the job takes any).
    pub fn stop(&self) {
        let _ = self.events.send(Event::Stop);
    }
    /// A way to stop it from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.events.clone())
    }
    /// Ends all tasks at once, as a crash would: [`JobHandle::wait`] then gives `Error::Stopped`.
    pub fn cancel(&self) {
        let _ = self.events.send(Event::Cancel);
    }
    /// The figures of this moment.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.counters)
    }
    /// Takes a checkpoint and waits until it is durable; gives its epoch.
    ///
    /// # Errors
    /// `Error::Query` where the job takes none, `Error::Stopped` where it ends before.
    pub fn trigger_checkpoint(&self) -> Result<u64> {
        let (reply, answer) = bounded(1);
        self.events.send(Event::Trigger(reply)).map_err(|_| Error::Stopped)?;
        answer.recv().map_err(|_| Error::Stopped)?
    }
    /// Whether its operators call the function or ask the model.
    pub fn uses(&self, name: &UserName) -> bool {
        self.modules.iter().any(|m| m.name == *name)
    }
    /// Asks for another version of a function or model, at one barrier for all tasks.
    pub fn swap(&self, swap: Swap) -> PendingSwap {
        PendingSwap::begin(&self.events, swap)
    }
    /// Whether all tasks have ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
    /// Waits for the end.
    ///
    /// # Errors
    /// The first error of a task; `Error::Stopped` after a cancel.
    pub fn wait(mut self) -> Result<JobReport> {
        self.join()
    }

    fn join(&mut self) -> Result<JobReport> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::query("the coordinator of the job panicked; please report it")),
            None => Err(Error::Stopped),
        }
    }
}

impl Drop for JobHandle {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.cancel();
            let _ = self.join();
        }
    }
}

#[cfg(test)]
#[path = "job/tests.rs"]
mod tests;
