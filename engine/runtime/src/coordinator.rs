//! Watches over a job's tasks: injects barriers, completes checkpoints, stops everything at the first error.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use wasmill_expr::ModuleVersion;
use wasmill_plan::{Error, Result};

use crate::batch::Barrier;
use crate::checkpoint::{Checkpoint, CheckpointStore, NodeSnapshot};
use crate::swap::{Decision, Swap, SwapRequest};
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
    /// From the job's owner, who waits for the vote, and then decides.
    Swap(SwapRequest),
    /// From the job's owner, on the swap that was voted on.
    Decide(Decision),
}

/// See the module.
pub(crate) struct Coordinator {
    pub(crate) events: Receiver<Event>,
    pub(crate) tasks: Vec<TaskHandle>,
    pub(crate) store: Option<Arc<dyn CheckpointStore>>,
    pub(crate) interval: Option<Duration>,
    pub(crate) state: State,
}

/// A task, seen from outside.
pub(crate) struct TaskHandle {
    pub(crate) control: Sender<Control>,
    pub(crate) has_sources: bool,
    pub(crate) last: Option<Vec<NodeSnapshot>>,
    pub(crate) has_exited: bool,
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
    /// Swaps behind the barrier that is under way.
    pub(crate) swaps: VecDeque<SwapRequest>,
    /// The modules in force, as checkpoints record them.
    pub(crate) modules: Vec<ModuleVersion>,
    pub(crate) error: Option<Error>,
    pub(crate) leaving: bool,
    pub(crate) stopped: bool,
}

/// A barrier that not every task has passed.
pub(crate) struct Pending {
    parts: Vec<Option<Vec<NodeSnapshot>>>,
    replies: Vec<Sender<Result<u64>>>,
    swap: Option<PendingSwap>,
}

/// The swap of a barrier: tasks stand still from their part to the decision.
struct PendingSwap {
    request: SwapRequest,
    refusal: Option<Error>,
    /// The owner knows, and decides.
    voted: bool,
}

impl Coordinator {
    /// Runs until every task has exited.
    pub(crate) fn run(&mut self) {
        let mut live = self.tasks.len();
        let mut due = self.interval.map(|i| Instant::now() + i);
        while live > 0 {
            match self.next(due) {
                Some(Event::Report(Report::Exited { task })) => {
                    live -= 1;
                    self.tasks[task].has_exited = true;
                    self.complete();
                }
                Some(event) => self.event(event),
                None => {
                    due = self.interval.map(|i| Instant::now() + i);
                    self.begin(Vec::new(), None);
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
                    self.begin(vec![reply], None);
                }
            }
            Event::Swap(request) if self.state.pending.is_some() => self.state.swaps.push_back(request),
            Event::Swap(request) => self.begin(Vec::new(), Some(request)),
            Event::Decide(decision) => self.decide(decision),
            Event::Report(Report::Snapshot { task, epoch, nodes, refusal }) => {
                debug_assert_eq!(epoch, self.state.epoch);
                if let Some(pending) = &mut self.state.pending {
                    pending.parts[task] = Some(nodes);
                    if let (Some(swap), Some(refusal)) = (&mut pending.swap, refusal) {
                        swap.refusal.get_or_insert(refusal);
                    }
                }
                self.complete();
            }
            Event::Report(Report::Finished { task, nodes }) => {
                self.tasks[task].last = Some(nodes);
                self.complete();
                self.finish();
            }
            Event::Report(Report::Failed(error)) => self.fail(error),
            Event::Report(Report::Exited { .. }) => unreachable!("counted by the loop"),
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
        // Whoever waits for a vote learns by the sender's end.
        self.state.swaps.clear();
    }

    fn begin(&mut self, replies: Vec<Sender<Result<u64>>>, swap: Option<SwapRequest>) {
        if self.store.is_none() && swap.is_none() || self.state.leaving || self.state.pending.is_some() {
            for reply in replies {
                let _ = reply.send(Err(Error::Stopped));
            }
            return;
        }
        self.state.epoch += 1;
        let barrier = Barrier { epoch: self.state.epoch, swap: swap.as_ref().map(|s| s.swap.clone()) };
        let swap = swap.map(|request| PendingSwap { request, refusal: None, voted: false });
        self.state.pending = Some(Pending { parts: vec![None; self.tasks.len()], replies, swap });
        for task in self.tasks.iter().filter(|t| t.has_sources) {
            let _ = task.control.send(Control::Barrier(barrier.clone()));
        }
        self.complete();
    }

    /// Makes the pending checkpoint durable once every task has given its part, and a swap is decided.
    fn complete(&mut self) {
        let Some(pending) = &mut self.state.pending else { return };
        let has_part =
            |(part, task): (&Option<_>, &TaskHandle)| part.is_some() || task.last.is_some() || task.has_exited;
        if !pending.parts.iter().zip(&self.tasks).all(has_part) {
            return;
        }
        match &mut pending.swap {
            None => self.end_epoch(),
            Some(swap) if !swap.voted => {
                swap.voted = true;
                let vote = swap.refusal.take().map_or(Ok(()), Err);
                if swap.request.vote.send(vote).is_err() {
                    // Its owner has called it off.
                    self.end_swap(false);
                }
            }
            Some(_) => {}
        }
    }

    /// The owner has decided on the swap that was voted on.
    fn decide(&mut self, decision: Decision) {
        let pending = self.state.pending.as_mut();
        let voted =
            |p: &&mut Pending| p.swap.as_ref().is_some_and(|s| s.voted && Arc::ptr_eq(&s.request.swap, &decision.swap));
        match pending.filter(voted) {
            Some(pending) => {
                pending.replies.push(decision.reply);
                self.end_swap(decision.accept);
            }
            // Called off before its turn, which its vote will find out; or the job ends.
            None => drop(decision.reply.send(Err(Error::Stopped))),
        }
    }

    /// All tasks put in the version of the pending barrier, or none, and go on.
    fn end_swap(&mut self, accept: bool) {
        let Some(swap) = self.state.pending.as_ref().and_then(|p| p.swap.as_ref()) else { return };
        let Swap { name, functions } = &*swap.request.swap;
        if let (true, Some(version)) = (accept, functions.version(name)) {
            self.state.modules.iter_mut().filter(|m| m.name == *name).for_each(|m| *m = version.clone());
        }
        self.end_epoch();
        self.tell(&Control::Decide(accept));
        self.next_barrier();
        self.finish();
    }

    /// All parts of the pending barrier are there, and what is in force behind it is settled.
    fn end_epoch(&mut self) {
        let Some(Pending { parts, replies, swap }) = self.state.pending.take() else { return };
        let parts = parts.into_iter().zip(&self.tasks);
        let nodes = parts.flat_map(|(part, task)| part.or_else(|| task.last.clone()).unwrap_or_default()).collect();
        let result = self.keep(nodes);
        for reply in replies {
            let _ = reply.send(result.as_ref().copied().map_err(|_| Error::Stopped));
        }
        match result {
            Err(error) => self.fail(error),
            // The tasks still wait for the decision.
            Ok(_) if swap.is_some() => {}
            Ok(_) => self.next_barrier(),
        }
    }

    fn next_barrier(&mut self) {
        let swap = self.state.swaps.pop_front();
        if swap.is_some() || !self.state.waiting.is_empty() {
            let waiting = if self.store.is_some() { std::mem::take(&mut self.state.waiting) } else { Vec::new() };
            self.begin(waiting, swap);
        }
    }

    fn keep(&mut self, nodes: Vec<NodeSnapshot>) -> Result<u64> {
        let epoch = self.state.epoch;
        if let Some(store) = &self.store {
            store.save(Checkpoint { epoch, nodes, modules: self.state.modules.clone() })?;
            self.state.durable = Some(epoch);
            self.tell(&Control::Commit(epoch));
        }
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
