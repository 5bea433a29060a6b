//! What a task does at a barrier and at its end: snapshots, other versions of functions, the last commit.

use wasmill_expr::{UserFunctions, UserName};
use wasmill_plan::{Error, Field, Result, Schema, SinkNode};

use super::{Control, Report, Task};
use crate::batch::Barrier;
use crate::chain::{Body, Slot};
use crate::checkpoint::NodeSnapshot;
use crate::metrics::{NodeCounters, NodeRole};
use crate::places::Change;
use crate::swap::Swap;

/// A version beside the one of now.
struct Ready {
    changes: Vec<Change>,
    shadow: Option<Slot>,
}

impl Task {
    pub(super) fn barrier(&mut self, barrier: &Barrier, reports: &dyn Fn(Report)) -> Result<()> {
        let epoch = barrier.epoch;
        let nodes = if self.checkpointed { self.snapshot(epoch)? } else { Vec::new() };
        self.epoch = epoch;
        let ready = barrier.swap.as_ref().map(|swap| self.ready(swap));
        self.chain.send_barrier(barrier)?;
        let (ready, refusal) = match ready {
            None => (None, None),
            Some(Ok(ready)) => (Some(ready), None),
            Some(Err(error)) => (None, Some(error)),
        };
        reports(Report::Snapshot { task: self.index, epoch, nodes, refusal });
        match &barrier.swap {
            Some(swap) => self.await_decision(&swap.name, ready),
            None => Ok(()),
        }
    }

    /// Makes the version of a swap ready beside the one of now.
    fn ready(&self, swap: &Swap) -> Result<Ready> {
        let changes = self.places.prepare(swap)?;
        let shadow = if changes.is_empty() { None } else { self.shadow_slot(&swap.name, &*swap.functions)? };
        Ok(Ready { changes, shadow })
    }

    /// The sink for what a candidate of `name` gives, where there is one.
    pub(crate) fn shadow_slot(&self, name: &UserName, functions: &dyn UserFunctions) -> Result<Option<Slot>> {
        let Some(table) = functions.shadow_table(name) else { return Ok(None) };
        let columns = table.sink_columns().into_iter().map(|c| &table.columns[c]);
        let schema = Schema::new(columns.map(|c| Field::new(&c.name, c.data_type.clone())).collect());
        let counters =
            NodeCounters::new(&format!("shadow of {name}"), Some(table.name.clone()), self.index, NodeRole::Sink);
        let node = SinkNode { table: Some(Box::new(table)) };
        let sink = self.sinks.sink(&node, &schema, self.index, self.count)?;
        Ok(Some(Slot::new(counters, self.count, Body::Sink(sink), vec![0])))
    }

    /// Stands still until it is decided whether the new version is put in.
    fn await_decision(&mut self, name: &UserName, ready: Option<Ready>) -> Result<()> {
        let mut stop = false;
        loop {
            match self.control.recv() {
                Ok(Control::Decide(accept)) => {
                    if let Some(ready) = ready.filter(|_| accept) {
                        ready.changes.into_iter().for_each(|change| change());
                        ready.shadow.into_iter().for_each(|slot| self.chain.add_shadow(name, slot));
                    }
                    break;
                }
                Ok(Control::Commit(epoch)) => self.chain.commit(epoch)?,
                Ok(Control::Stop) => stop = true,
                Ok(Control::Barrier(_)) => unreachable!("one barrier at a time"),
                Ok(Control::Finish) => {}
                Ok(Control::Cancel) | Err(_) => return Err(Error::Stopped),
            }
        }
        if stop { self.stop() } else { Ok(()) }
    }

    pub(super) fn snapshot(&mut self, epoch: u64) -> Result<Vec<NodeSnapshot>> {
        let mut nodes = self.chain.snapshot(epoch)?;
        for input in &self.sources {
            nodes[input.slot].position = Some(input.source.position());
        }
        Ok(nodes)
    }

    /// With checkpoints, what came since the last one becomes visible with the last one, which holds the end of all tasks.
    pub(super) fn finish(&mut self, reports: &dyn Fn(Report)) -> Result<()> {
        if self.checkpointed {
            let nodes = self.snapshot(self.epoch + 1)?;
            reports(Report::Finished { task: self.index, nodes });
            if !self.chain.slots.iter().any(crate::chain::Slot::is_sink) {
                return Ok(());
            }
            loop {
                match self.control.recv() {
                    Ok(Control::Commit(epoch)) => self.chain.commit(epoch)?,
                    Ok(Control::Finish) => break,
                    // This task has ended: its last snapshot counts for the checkpoint.
                    Ok(Control::Barrier(_) | Control::Decide(_) | Control::Stop) => {}
                    Ok(Control::Cancel) | Err(_) => return Err(Error::Stopped),
                }
            }
        }
        self.chain.finish()
    }
}
