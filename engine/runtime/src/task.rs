//! One thread of a job: polls sources or channels, aligns barriers, takes snapshots.
//!
//! ```text
//! sources | channels ──> chain of operators ──> exchanges
//!       ▲ control: barrier, commit, stop, cancel        │ events: snapshot, finished, failed
//!       └───────────────── coordinator <────────────────┘
//! ```

mod barrier;
mod dead_letters;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError};
use wasmill_plan::{Error, Result};

use crate::batch::{Barrier, Batch, Message};
use crate::chain::Chain;
use crate::checkpoint::NodeSnapshot;
use crate::clock::Clock;
use crate::places::Places;
use crate::sink::SinkFactory;
use crate::source::{MAX_BATCH_ROWS, Source, SourceEvent};
use dead_letters::dead_letter_rows;
pub use dead_letters::dead_letter_schema;

/// How long a source is waited for before the task looks after barriers and stops.
const POLL_MS: u64 = 20;

/// What the coordinator says to a task.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// Sources end an epoch here. To tasks with sources only: the others get it through their channels.
    Barrier(Barrier),
    /// Whether the version that came with the last barrier is put in; tasks stand still until then.
    Decide(bool),
    /// The epoch is durable.
    Commit(u64),
    /// Sources end as if nothing more came.
    Stop,
    /// Everything is visible: close.
    Finish,
    /// Leave at once.
    Cancel,
}

/// What a task says to the coordinator.
#[derive(Debug)]
pub(crate) enum Report {
    /// Its part of a checkpoint.
    Snapshot {
        /// Which task.
        task: usize,
        /// Which checkpoint.
        epoch: u64,
        /// Its nodes; none where the job takes no checkpoints.
        nodes: Vec<NodeSnapshot>,
        /// Why it cannot take the version that came with the barrier.
        refusal: Option<Error>,
    },
    /// It has come to its end; this is its part of every later checkpoint.
    Finished {
        /// Which task.
        task: usize,
        /// Its nodes.
        nodes: Vec<NodeSnapshot>,
    },
    /// It failed.
    Failed(Error),
    /// Its thread ends.
    Exited {
        /// Which task.
        task: usize,
    },
}

/// See the module.
pub(crate) struct Task {
    pub(crate) index: usize,
    /// How many tasks the job has.
    pub(crate) count: usize,
    pub(crate) chain: Chain,
    /// Where its operators call users' functions.
    pub(crate) places: Arc<Places>,
    /// Makes the sinks of candidates that come with a barrier.
    pub(crate) sinks: Arc<dyn SinkFactory>,
    /// The barrier that some channels have brought.
    pub(crate) aligning: Option<Barrier>,
    pub(crate) sources: Vec<SourceInput>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) control: Receiver<Control>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watermark_interval_ms: i64,
    pub(crate) idle_timeout_ms: Option<i64>,
    /// Whether the job takes checkpoints: the end is then one, too.
    pub(crate) checkpointed: bool,
    /// The last epoch that this task has seen.
    pub(crate) epoch: u64,
}

/// A source of a task.
pub(crate) struct SourceInput {
    pub(crate) source: Box<dyn Source>,
    pub(crate) slot: usize,
    /// Slot of the sink for rows that could not be decoded.
    pub(crate) dead_letters: Option<usize>,
    pub(crate) open: bool,
    pub(crate) idle: bool,
    /// When rows came last, by the job's clock.
    pub(crate) rows_at_ms: i64,
}

/// An edge from a task of another stage.
pub(crate) struct Channel {
    pub(crate) receiver: Receiver<Message>,
    pub(crate) slot: usize,
    pub(crate) lane: usize,
    pub(crate) open: bool,
    /// It has brought the barrier that others have not brought yet.
    pub(crate) blocked: bool,
}
impl Task {
    /// Runs to the end, a stop, a cancel (`Error::Stopped`) or an error.
    pub(crate) fn run(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        self.chain.announce()?;
        if self.sources.is_empty() {
            self.run_channels(reports)?
        } else {
            self.run_sources(reports)?
        }
        self.finish(reports)
    }

    /// Polls the sources in turn. Where nothing comes, sinks are flushed at once, and then the sources waited for.
    fn run_sources(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        let mut next = 0;
        let mut pending = 0;
        let mut paused_at_ms = self.clock.now_ms();
        loop {
            self.take_control(reports)?;
            let open = self.sources.iter().filter(|s| s.open).count();
            if open == 0 {
                return Ok(());
            }
            next = (next..next + self.sources.len())
                .map(|i| i % self.sources.len())
                .find(|&i| self.sources[i].open)
                .expect("one is open");
            let wait = if pending >= open { Duration::from_millis(POLL_MS) / open as u32 } else { Duration::ZERO };
            let event = self.sources[next].source.poll(wait)?;
            if matches!(event, SourceEvent::Pending) {
                pending += 1;
                if pending == open {
                    self.chain.flush()?;
                }
                self.pending(next, &mut paused_at_ms)?;
            } else {
                pending = 0;
                self.source_event(next, event)?;
            }
            next += 1;
        }
    }

    fn source_event(&mut self, index: usize, event: SourceEvent) -> Result<()> {
        let input = &mut self.sources[index];
        input.idle = false;
        input.rows_at_ms = self.clock.now_ms();
        let counters = self.chain.slots[input.slot].counters();
        counters.rejected.store(input.source.skipped(), Relaxed);
        if let Some((done, total)) = input.source.progress() {
            counters.done.store(done, Relaxed);
            counters.total.store(total, Relaxed);
        }
        match event {
            SourceEvent::Rows(rows) => {
                // A record may hold any number of rows.
                let slot = input.slot;
                for start in (0..rows.num_rows()).step_by(MAX_BATCH_ROWS) {
                    let rows = rows.slice(start, MAX_BATCH_ROWS.min(rows.num_rows() - start));
                    self.chain.deliver(slot, 0, Message::Batch(Batch::append(rows)))?;
                }
                Ok(())
            }
            SourceEvent::DeadLetters(letters) => match input.dead_letters {
                Some(slot) => self.chain.deliver(slot, 0, Message::Batch(Batch::append(dead_letter_rows(&letters)?))),
                None => Ok(()),
            },
            SourceEvent::End => self.close(index, Message::End),
            SourceEvent::Pending => Ok(()),
        }
    }

    fn close(&mut self, index: usize, last: Message) -> Result<()> {
        let input = &mut self.sources[index];
        input.open = false;
        if let Some(slot) = input.dead_letters {
            self.chain.deliver(slot, 0, last.clone())?;
        }
        self.chain.deliver(self.sources[index].slot, 0, last)
    }

    /// Nothing came: gives held back watermarks as often as Flink's timer does, and marks a silent source idle.
    fn pending(&mut self, index: usize, paused_at_ms: &mut i64) -> Result<()> {
        let now_ms = self.clock.now_ms();
        if now_ms - *paused_at_ms >= self.watermark_interval_ms {
            *paused_at_ms = now_ms;
            self.chain.pause()?;
        }
        let input = &mut self.sources[index];
        if let Some(timeout_ms) = self.idle_timeout_ms
            && !input.idle
            && now_ms - input.rows_at_ms >= timeout_ms
        {
            input.idle = true;
            self.chain.pause()?;
            self.chain.deliver(self.sources[index].slot, 0, Message::Idle)?;
        }
        Ok(())
    }

    fn run_channels(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        let mut next = 0;
        let mut paused_at_ms = self.clock.now_ms();
        // Only where watermarks follow the clock: all others come through the channels.
        let pauses = self.chain.needs_pauses();
        while self.channels.iter().any(|c| c.open) {
            self.take_control(reports)?;
            if pauses && self.clock.now_ms() - paused_at_ms >= self.watermark_interval_ms {
                paused_at_ms = self.clock.now_ms();
                self.chain.pause()?;
            }
            match self.next_message(&mut next)? {
                Some((channel, message)) => self.message(channel, message, reports)?,
                None => {
                    self.chain.flush()?;
                    self.wait(pauses.then(|| Duration::from_millis(POLL_MS)));
                }
            }
        }
        Ok(())
    }

    /// What has arrived, from the channels in turn.
    fn next_message(&self, next: &mut usize) -> Result<Option<(usize, Message)>> {
        let count = self.channels.len();
        for offset in 0..count {
            let index = (*next + offset) % count;
            let channel = &self.channels[index];
            if !channel.open || channel.blocked {
                continue;
            }
            match channel.receiver.try_recv() {
                Ok(message) => {
                    *next = index + 1;
                    return Ok(Some((index, message)));
                }
                Err(TryRecvError::Empty) => {}
                // The sender left without its last message: it has failed, and has told the coordinator why.
                Err(TryRecvError::Disconnected) => return Err(Error::Stopped),
            }
        }
        Ok(None)
    }

    /// Until something has come, or for that long.
    fn wait(&self, for_at_most: Option<Duration>) {
        let mut select = Select::new();
        select.recv(&self.control);
        for channel in self.channels.iter().filter(|c| c.open && !c.blocked) {
            select.recv(&channel.receiver);
        }
        match for_at_most {
            None => drop(select.ready()),
            Some(time) => drop(select.ready_timeout(time)),
        }
    }

    fn message(&mut self, index: usize, message: Message, reports: &dyn Fn(Report)) -> Result<()> {
        let channel = &mut self.channels[index];
        let (slot, lane) = (channel.slot, channel.lane);
        match message {
            Message::Barrier(barrier) => {
                debug_assert_eq!(barrier.epoch, self.epoch + 1, "one barrier at a time");
                channel.blocked = true;
                self.aligning = Some(barrier);
                return self.align(reports);
            }
            Message::End | Message::Stopped => channel.open = false,
            _ => {}
        }
        let closed = !channel.open;
        self.chain.deliver(slot, lane, message)?;
        if closed { self.align(reports) } else { Ok(()) }
    }

    /// Passes the barrier once every open channel has brought it.
    fn align(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        let mut open = self.channels.iter().filter(|c| c.open).peekable();
        if open.peek().is_none() || !open.all(|c| c.blocked) {
            return Ok(());
        }
        // A commit of the epoch before was sent earlier, but over another channel.
        self.take_control(reports)?;
        if let Some(barrier) = self.aligning.take() {
            self.barrier(&barrier, reports)?;
        }
        self.channels.iter_mut().for_each(|c| c.blocked = false);
        Ok(())
    }

    fn take_control(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        loop {
            match self.control.try_recv() {
                // Behind the end there is no barrier: the last snapshot counts, and the tasks that follow may have gone.
                Ok(Control::Barrier(_)) if self.has_ended() => {}
                Ok(Control::Barrier(barrier)) => self.barrier(&barrier, reports)?,
                Ok(Control::Commit(epoch)) => self.chain.commit(epoch)?,
                Ok(Control::Stop) => self.stop()?,
                // The decision was awaited where the barrier was passed.
                Ok(Control::Finish | Control::Decide(_)) => {}
                Ok(Control::Cancel) | Err(TryRecvError::Disconnected) => return Err(Error::Stopped),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// Whether it has sources, and all of them are at their end.
    fn has_ended(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(|s| !s.open)
    }

    fn stop(&mut self) -> Result<()> {
        for index in 0..self.sources.len() {
            if self.sources[index].open {
                self.close(index, Message::Stopped)?;
            }
        }
        Ok(())
    }
}

/// Runs a task on its thread; an error or a panic is told with the operator's name.
pub(crate) fn run(mut task: Task, reports: &Sender<crate::coordinator::Event>) {
    let report = |report| {
        // The coordinator lives until every task has exited.
        let _ = reports.send(crate::coordinator::Event::Report(report));
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.run(&report)));
    let error = match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Some(Error::Query {
                message: format!("operator '{}' panicked: {text}", task.chain.current_uid()),
                hint: Some("this is a mistake in wasmill, not in the query; please report it".into()),
            })
        }
    };
    if let Some(error) = error {
        // What sinks have accepted is shown, whatever came behind it; the first error is the one that counts.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.chain.flush()));
        report(Report::Failed(error));
    }
    let index = task.index;
    drop(task);
    report(Report::Exited { task: index });
}
