//! Watches over a job's tasks: injects barriers, completes checkpoints, stops everything at the first error.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use wasmill_plan::{Error, Result};

use crate::checkpoint::{Checkpoint, CheckpointStore, NodeSnapshot};
use crate::task::{Control, Report};

/// What reaches the coordinator.
pub(crate) enum Event {
    /// From a task.
    Report(Report),
    /// From the job's owner.
    Stop,
    /// From the job's owner.
    Cancel,
    /// From the job's owner, who waits for the epoch.
    Trigger(Sender<Result<u64>>),
}

/// See the module.
pub(crate) struct Coordinator {
    pub(crate) events: Receiver<Event>,
    pub(crate) tasks: Vec<TaskHandle>,
    pub(crate) store: Option<std::sync::Arc<dyn CheckpointStore>>,
    pub(crate) interval: Option<Duration>,
    pub(crate) state: State,
}

/// A task, seen from outside.
pub(crate) struct TaskHandle {
    pub(crate) control: Sender<Control>,
    pub(crate) has_sources: bool,
    pub(crate) last: Option<Vec<NodeSnapshot>>,
}

/// How far the job has come.
#[derive(Default)]
pub(crate) struct State {
    /// The last epoch begun.
    pub(crate) epoch: u64,
    /// The last epoch that is durable.
    pub(crate) durable: Option<u64>,
    pub(crate) pending: Option<Pending>,
    pub(crate) waiting: Vec<Sender<Result<u64>>>,
    pub(crate) error: Option<Error>,
    pub(crate) leaving: bool,
    pub(crate) stopped: bool,
}

/// A checkpoint that is not complete.
pub(crate) struct Pending {
    parts: Vec<Option<Vec<NodeSnapshot>>>,
    replies: Vec<Sender<Result<u64>>>,
}

impl Coordinator {
    /// Runs until every task has exited.
    pub(crate) fn run(&mut self) {
        let mut live = self.tasks.len();
        let mut due = self.interval.map(|i| Instant::now() + i);
        while live > 0 {
            match self.next(due) {
                Some(Event::Report(Report::Exited)) => live -= 1,
                Some(event) => self.event(event),
                None => {
                    due = self.interval.map(|i| Instant::now() + i);
                    self.begin(Vec::new());
                }
            }
        }
        self.refuse();
    }

    fn next(&self, due: Option<Instant>) -> Option<Event> {
        let gone = "the job's owner and its tasks hold the sender";
        match due {
            None => Some(self.events.recv().expect(gone)),
            Some(due) => match self.events.recv_deadline(due) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => panic!("{gone}"),
            },
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Stop => {
                self.state.stopped = true;
                self.tell(&Control::Stop);
            }
            Event::Cancel => self.fail(Error::Stopped),
            Event::Trigger(reply) if self.store.is_none() => {
                let _ = reply.send(Err(Error::query("the job takes no checkpoints")));
            }
            Event::Trigger(reply) => {
                if self.state.pending.is_some() {
                    self.state.waiting.push(reply);
                } else {
                    self.begin(vec![reply]);
                }
            }
            Event::Report(Report::Snapshot { task, epoch, nodes }) => {
                debug_assert_eq!(epoch, self.state.epoch);
                if let Some(pending) = &mut self.state.pending {
                    pending.parts[task] = Some(nodes);
                }
                self.complete();
            }
            Event::Report(Report::Finished { task, nodes }) => {
                self.tasks[task].last = Some(nodes);
                self.complete();
                self.finish();
            }
            Event::Report(Report::Failed(error)) => self.fail(error),
            Event::Report(Report::Exited) => {}
        }
    }

    fn tell(&self, control: &Control) {
        for task in &self.tasks {
            // A task that has exited needs no word.
            let _ = task.control.send(control.clone());
        }
    }

    fn fail(&mut self, error: Error) {
        match (&self.state.error, error) {
            (Some(Error::Stopped) | None, error) if !self.state.leaving => self.state.error = Some(error),
            // A task that was cut off by another one's failure stops; the failure may come behind it.
            (Some(Error::Stopped), error) if !matches!(error, Error::Stopped) => self.state.error = Some(error),
            _ => {}
        }
        self.state.leaving = true;
        self.refuse();
        self.tell(&Control::Cancel);
    }

    fn refuse(&mut self) {
        let pending = self.state.pending.take().map(|p| p.replies).unwrap_or_default();
        for reply in pending.into_iter().chain(self.state.waiting.drain(..)) {
            let _ = reply.send(Err(Error::Stopped));
        }
    }

    fn begin(&mut self, replies: Vec<Sender<Result<u64>>>) {
        if self.store.is_none() || self.state.leaving || self.state.pending.is_some() {
            for reply in replies {
                let _ = reply.send(Err(Error::Stopped));
            }
            return;
        }
        self.state.epoch += 1;
        self.state.pending = Some(Pending { parts: vec![None; self.tasks.len()], replies });
        for task in self.tasks.iter().filter(|t| t.has_sources) {
            let _ = task.control.send(Control::Barrier(self.state.epoch));
        }
        self.complete();
    }

    /// Makes the pending checkpoint durable once every task has given its part.
    fn complete(&mut self) {
        let Some(pending) = &self.state.pending else { return };
        let has_part = |(part, task): (&Option<_>, &TaskHandle)| part.is_some() || task.last.is_some();
        if !pending.parts.iter().zip(&self.tasks).all(has_part) {
            return;
        }
        let Some(Pending { parts, replies }) = self.state.pending.take() else { return };
        let parts = parts.into_iter().zip(&self.tasks);
        let nodes = parts.flat_map(|(part, task)| part.or_else(|| task.last.clone()).unwrap_or_default()).collect();
        let result = self.keep(nodes);
        for reply in replies {
            let _ = reply.send(result.as_ref().copied().map_err(|_| Error::Stopped));
        }
        match result {
            Err(error) => self.fail(error),
            Ok(_) if !self.state.waiting.is_empty() => {
                let waiting = std::mem::take(&mut self.state.waiting);
                self.begin(waiting);
            }
            Ok(_) => {}
        }
    }

    fn keep(&mut self, nodes: Vec<NodeSnapshot>) -> Result<u64> {
        let epoch = self.state.epoch;
        if let Some(store) = &self.store {
            store.save(Checkpoint { epoch, nodes })?;
        }
        self.state.durable = Some(epoch);
        self.tell(&Control::Commit(epoch));
        Ok(epoch)
    }

    /// Once every task has come to its end, the last checkpoint holds it, and sinks may close.
    fn finish(&mut self) {
        if self.state.leaving || self.state.pending.is_some() || self.tasks.iter().any(|t| t.last.is_none()) {
            return;
        }
        self.state.epoch += 1;
        let nodes = self.tasks.iter().flat_map(|t| t.last.clone().unwrap_or_default()).collect();
        match self.keep(nodes) {
            Ok(_) => self.tell(&Control::Finish),
            Err(error) => self.fail(error),
        }
    }
}
