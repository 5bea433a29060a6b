//! The operators of one task, called one after the other on the task's thread.
//!
//! ```text
//! channel or source --deliver--> slot [gate | operator] --outbox--> next slot of the chain, or exchange to the next stage
//! ```
//! A slot's results are passed on when its call has returned, depth first, so the order of rows is a function of the input's.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use arrow::array::RecordBatch;
use wasmill_expr::UserName;
use wasmill_plan::{Port, Result};

use crate::batch::{Barrier, Batch, Message, NO_WATERMARK};
use crate::checkpoint::{self, Checkpoint, NodeSnapshot};
use crate::exchange::Exchange;
use crate::gate::{Change, Gate};
use crate::metrics::{NodeCounters, row_bytes};
use crate::operator::{Operator, Output};
use crate::places::ShadowRows;
use crate::sink::Sink;

/// The slots of a task, in topological order.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) slots: Vec<Slot>,
    pub(crate) exchanges: Vec<Exchange>,
    /// What candidates beside functions gave, and the slots of the sinks that take it.
    shadows: Arc<ShadowRows>,
    shadow_slots: Vec<(UserName, usize)>,
    /// The slot that was called last: whom to name after a panic.
    current: usize,
}

/// One instance of a node in its task.
pub(crate) struct Slot {
    counters: Arc<NodeCounters>,
    parallelism: usize,
    body: Body,
    gate: Gate,
    /// The operator's port of each lane of the gate.
    ports: Vec<usize>,
    main: Vec<Target>,
    late: Vec<Target>,
    outbox: Outbox,
    /// The watermark given downstream.
    given: i64,
    /// Epochs prepared by a sink and not committed yet.
    prepared: Vec<u64>,
    /// A sink has taken rows since it was flushed.
    dirty: bool,
}

/// What a slot does with its input.
pub(crate) enum Body {
    /// Passes on what the task polled.
    Source,
    /// Calls an operator.
    Operator(Box<dyn Operator>),
    /// Writes to a sink.
    Sink(Box<dyn Sink>),
}

/// Where an edge leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A lane of another slot of this chain.
    Lane {
        /// Index of the slot.
        slot: usize,
        /// Lane of its gate.
        lane: usize,
    },
    /// An exchange of this chain.
    Exchange(usize),
}

#[derive(Default)]
struct Outbox(Vec<Emitted>);

enum Emitted {
    Rows(Batch),
    Late(RecordBatch),
}

impl Output for Outbox {
    fn emit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.0.push(Emitted::Rows(batch));
        }
    }
    fn late(&mut self, rows: RecordBatch) {
        if rows.num_rows() > 0 {
            self.0.push(Emitted::Late(rows));
        }
    }
}

impl Slot {
    pub(crate) fn new(counters: Arc<NodeCounters>, parallelism: usize, body: Body, ports: Vec<usize>) -> Self {
        Self {
            counters,
            parallelism,
            body,
            gate: Gate::new(ports.len()),
            ports,
            main: Vec::new(),
            late: Vec::new(),
            outbox: Outbox::default(),
            given: NO_WATERMARK,
            prepared: Vec::new(),
            dirty: false,
        }
    }
    pub(crate) fn connect(&mut self, port: Port, target: Target) {
        match port {
            Port::Main => self.main.push(target),
            Port::Late => self.late.push(target),
        }
    }
    pub(crate) fn counters(&self) -> &NodeCounters {
        &self.counters
    }
    /// How many instances the node has.
    pub(crate) fn parallelism(&self) -> usize {
        self.parallelism
    }
    pub(crate) fn is_sink(&self) -> bool {
        matches!(self.body, Body::Sink(_))
    }
}

impl Chain {
    /// Without slots.
    pub(crate) fn new(shadows: Arc<ShadowRows>) -> Self {
        Self { shadows, ..Self::default() }
    }
    /// The uid of the slot that was called last.
    pub(crate) fn current_uid(&self) -> &str {
        self.slots.get(self.current).map_or("", |s| &s.counters.uid)
    }

    /// Takes a message for a lane of a slot, through all that follows. Barriers are the task's ([`Chain::snapshot`]).
    pub(crate) fn deliver(&mut self, slot: usize, lane: usize, message: Message) -> Result<()> {
        let gate = &mut self.slots[slot].gate;
        let change = match message {
            Message::Batch(batch) => return self.rows(slot, lane, batch),
            Message::Watermark(watermark) => gate.on_watermark(lane, watermark),
            Message::Idle => gate.on_idle(lane),
            Message::End => gate.on_end(lane),
            Message::Stopped => gate.on_stopped(lane),
            Message::Barrier(_) => unreachable!("the task aligns barriers"),
        };
        let closes = matches!(message, Message::End | Message::Stopped) && gate.is_closed();
        self.change(slot, change)?;
        if closes {
            let slot_state = &self.slots[slot];
            slot_state.counters.closed.store(true, Relaxed);
            let last = if slot_state.gate.is_stopped() { Message::Stopped } else { Message::End };
            self.tell(slot, &last)?;
        }
        Ok(())
    }

    fn rows(&mut self, index: usize, lane: usize, mut batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.current = index;
        let slot = &mut self.slots[index];
        slot.gate.on_batch(lane, &mut batch);
        slot.counters.rows_in.fetch_add(batch.len() as u64, Relaxed);
        slot.counters.idle.store(false, Relaxed);
        match &mut slot.body {
            Body::Source => {
                slot.counters.bytes.fetch_add(row_bytes(&batch.rows), Relaxed);
                slot.outbox.emit(batch);
            }
            Body::Operator(operator) => operator.on_batch(slot.ports[lane], batch, &mut slot.outbox)?,
            Body::Sink(sink) => {
                slot.counters.bytes.fetch_add(row_bytes(&batch.rows), Relaxed);
                slot.dirty = true;
                return sink.write(&batch);
            }
        }
        self.forward(index)
    }

    fn change(&mut self, index: usize, change: Change) -> Result<()> {
        if let Some(watermark) = change.watermark {
            self.current = index;
            let slot = &mut self.slots[index];
            let given = match &mut slot.body {
                Body::Operator(operator) => operator.on_watermark(watermark, &mut slot.outbox)?,
                Body::Source | Body::Sink(_) => watermark,
            };
            assert!(given <= watermark, "operator '{}' gives a watermark above its input's", slot.counters.uid);
            self.forward(index)?;
            self.raise(index, given)?;
        }
        if change.idle {
            self.slots[index].counters.idle.store(true, Relaxed);
            self.tell(index, &Message::Idle)?;
        }
        Ok(())
    }

    /// Passes on what a call has left in the outbox.
    fn forward(&mut self, from: usize) -> Result<()> {
        if !self.shadow_slots.is_empty() {
            self.write_shadows()?;
        }
        let mut emitted = std::mem::take(&mut self.slots[from].outbox.0);
        for one in emitted.drain(..) {
            let slot = &self.slots[from];
            match one {
                Emitted::Rows(batch) => {
                    slot.counters.rows_out.fetch_add(batch.len() as u64, Relaxed);
                    let last = batch.last_watermark();
                    self.send(from, Port::Main, Message::Batch(batch))?;
                    self.raise(from, last)?;
                }
                Emitted::Late(rows) => {
                    slot.counters.late_rows.fetch_add(rows.num_rows() as u64, Relaxed);
                    self.send(from, Port::Late, Message::Batch(Batch::append(rows)))?;
                }
            }
        }
        // The empty vector goes back, so that its memory is used again.
        self.slots[from].outbox.0 = emitted;
        Ok(())
    }

    /// The sink of what a candidate of `name` gives from now on; the sink before it keeps its prepared epochs.
    pub(crate) fn add_shadow(&mut self, name: &UserName, slot: Slot) {
        self.shadow_slots.retain(|(known, _)| known != name);
        self.shadow_slots.push((name.clone(), self.slots.len()));
        self.slots.push(slot);
    }

    fn write_shadows(&mut self) -> Result<()> {
        for (name, rows) in self.shadows.take() {
            let slot = self.shadow_slots.iter().find(|(known, _)| *known == name);
            if let Some(&(_, slot)) = slot {
                self.rows(slot, 0, Batch::append(rows))?;
            }
        }
        Ok(())
    }

    fn raise(&mut self, from: usize, watermark: i64) -> Result<()> {
        let slot = &mut self.slots[from];
        if watermark <= slot.given {
            return Ok(());
        }
        slot.given = watermark;
        slot.counters.watermark.store(watermark, Relaxed);
        self.tell(from, &Message::Watermark(watermark))
    }

    /// To every reader of any output.
    fn tell(&mut self, from: usize, message: &Message) -> Result<()> {
        self.send(from, Port::Main, message.clone())?;
        self.send(from, Port::Late, message.clone())
    }

    fn send(&mut self, from: usize, port: Port, message: Message) -> Result<()> {
        let targets = |slot: &Slot| if port == Port::Main { slot.main.len() } else { slot.late.len() };
        let count = targets(&self.slots[from]);
        let mut message = Some(message);
        for index in 0..count {
            let slot = &self.slots[from];
            let target = if port == Port::Main { slot.main[index] } else { slot.late[index] };
            let one = if index + 1 == count { message.take() } else { message.clone() };
            let Some(one) = one else { break };
            match target {
                Target::Lane { slot, lane } => self.deliver(slot, lane, one)?,
                Target::Exchange(exchange) => self.exchanges[exchange].send(one)?,
            }
        }
        Ok(())
    }

    /// The input pauses: watermarks that were held back are given.
    pub(crate) fn pause(&mut self) -> Result<()> {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let Body::Operator(operator) = &mut slot.body else { continue };
            self.current = index;
            let watermark = operator.on_pause(&mut slot.outbox)?;
            self.forward(index)?;
            if let Some(watermark) = watermark {
                self.raise(index, watermark)?;
            }
        }
        Ok(())
    }

    /// Whether an operator's watermarks follow the clock, so that it has to hear of pauses.
    pub(crate) fn needs_pauses(&self) -> bool {
        self.slots.iter().any(|slot| matches!(&slot.body, Body::Operator(operator) if operator.needs_pauses()))
    }

    /// Makes what sinks have taken visible, as far as they promise no more than at-least-once.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.sinks(|slot, sink| if std::mem::take(slot.dirty) { sink.flush() } else { Ok(()) })
    }

    /// Saves every slot's state at barrier `epoch`, and has sinks prepare it. Positions of sources are the task's to add.
    pub(crate) fn snapshot(&mut self, epoch: u64) -> Result<Vec<NodeSnapshot>> {
        let mut nodes = Vec::with_capacity(self.slots.len());
        for index in 0..self.slots.len() {
            self.current = index;
            let slot = &mut self.slots[index];
            let mut tables = Vec::new();
            match &mut slot.body {
                Body::Source => {}
                Body::Operator(operator) => tables = checkpoint::save(&mut **operator)?,
                Body::Sink(sink) => {
                    sink.prepare(epoch)?;
                    slot.prepared.push(epoch);
                }
            }
            nodes.push(NodeSnapshot {
                uid: slot.counters.uid.clone(),
                instance: slot.counters.instance,
                parallelism: slot.parallelism,
                input_watermark: slot.gate.watermark(),
                watermark: slot.given,
                position: None,
                tables,
            });
        }
        Ok(nodes)
    }

    /// A barrier for the next stages.
    pub(crate) fn send_barrier(&self, barrier: &Barrier) -> Result<()> {
        self.exchanges.iter().try_for_each(|e| e.send(Message::Barrier(barrier.clone())))
    }

    /// Epoch `epoch` is durable: sinks make visible what they prepared for it and before.
    pub(crate) fn commit(&mut self, epoch: u64) -> Result<()> {
        self.sinks(|slot, sink| {
            let ready: Vec<u64> = slot.prepared.iter().copied().filter(|&p| p <= epoch).collect();
            slot.prepared.retain(|&p| p > epoch);
            ready.into_iter().try_for_each(|p| sink.commit(p))
        })
    }

    /// Sinks close.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.sinks(|_, sink| sink.finish())
    }

    fn sinks(&mut self, mut f: impl FnMut(&mut SinkState<'_>, &mut dyn Sink) -> Result<()>) -> Result<()> {
        for index in 0..self.slots.len() {
            let Slot { body, prepared, dirty, .. } = &mut self.slots[index];
            if let Body::Sink(sink) = body {
                self.current = index;
                f(&mut SinkState { prepared, dirty }, &mut **sink)?;
            }
        }
        Ok(())
    }

    /// Fills every slot from a checkpoint, before the first message.
    pub(crate) fn restore(&mut self, from: &Checkpoint) -> Result<()> {
        for slot in &mut self.slots {
            let (instance, parallelism) = (slot.counters.instance, slot.parallelism);
            match &mut slot.body {
                Body::Sink(sink) => {
                    sink.restore(from.epoch)?;
                    sink.commit(from.epoch)?;
                    continue;
                }
                Body::Operator(operator) => {
                    let nodes = from.node(&slot.counters.uid)?;
                    from.load(&nodes, &mut **operator, instance, parallelism)?;
                }
                Body::Source => {}
            }
            let (input, given) = Checkpoint::watermarks(&from.node(&slot.counters.uid)?, instance, parallelism);
            slot.gate.go_on_from(input);
            slot.given = given;
            slot.counters.watermark.store(slot.given, Relaxed);
        }
        Ok(())
    }

    /// Tells the watermarks of the checkpoint to all operators and readers, before the first rows: otherwise rows that were late
    /// before a crash would be on time after it. A reader behind several channels may get rows from one before the others have
    /// told theirs, so each operator hears its own from here. A slot that no producer reaches ends here.
    pub(crate) fn announce(&mut self) -> Result<()> {
        for index in 0..self.slots.len() {
            if self.slots[index].ports.is_empty() {
                self.tell(index, &Message::End)?;
                continue;
            }
            let change = self.slots[index].gate.untold();
            self.change(index, change)?;
            let given = self.slots[index].given;
            if given > NO_WATERMARK {
                self.tell(index, &Message::Watermark(given))?;
            }
        }
        Ok(())
    }
}

/// What the chain keeps about a sink.
struct SinkState<'a> {
    prepared: &'a mut Vec<u64>,
    dirty: &'a mut bool,
}
