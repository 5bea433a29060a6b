//! Makes a job's tasks: operators into chains, edges between stages into channels.

use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded, unbounded};
use wasmill_expr::{ModuleVersion, UserName};
use wasmill_plan::{ChangelogMode, Node, NodeId, Operator as Plain, Plan, Port, Result, Schema};

use crate::batch::Message;
use crate::build;
use crate::chain::{Body, Chain, Slot, Target};
use crate::coordinator::TaskHandle;
use crate::exchange::{CHANNEL_MESSAGES_MAX, Exchange};
use crate::job::{JobOptions, JobParts};
use crate::metrics::{NodeCounters, NodeRole};
use crate::operator::OperatorContext;
use crate::operators::values::ValuesSource;
use crate::places::Places;
use crate::slicing::SlicingSource;
use crate::source::Source;
use crate::stage::{Stages, Width, cut};
use crate::task::{Channel, SourceInput, Task};

/// Tasks that can be started.
pub(crate) struct Assembled {
    pub(crate) tasks: Vec<Task>,
    pub(crate) handles: Vec<TaskHandle>,
    pub(crate) counters: Vec<Arc<NodeCounters>>,
    /// The modules of the users' functions that operators call.
    pub(crate) modules: Vec<ModuleVersion>,
}

struct Assembler<'a> {
    plan: &'a Plan,
    options: &'a JobOptions,
    parts: &'a JobParts,
    stages: Stages,
    tasks: Vec<Task>,
    handles: Vec<TaskHandle>,
    counters: Vec<Arc<NodeCounters>>,
    /// First task of each stage.
    first: Vec<usize>,
    /// Per node: the sending ends of each of its output edges that is cut, filled by the readers that come behind.
    lanes: Vec<Vec<Lane>>,
}

/// An edge into a lane of a node's gate, as seen from one instance of the reader.
struct Lane {
    port: usize,
    /// Producer and its task, with the channel where the edge is cut.
    from: (NodeId, usize),
    output: Port,
    channel: bool,
}

/// Makes tasks, restored where the options say so.
pub(crate) fn assemble(plan: &Plan, options: &JobOptions, parts: &JobParts) -> Result<Assembled> {
    let parallelism = options.parallelism.max(1);
    let stages = cut(
        plan,
        Width {
            parallelism,
            source_parallelism: options.source_parallelism.unwrap_or(parallelism).max(1),
            pipelined: options.pipelined,
        },
    );
    let mut first = Vec::new();
    let mut count = 0;
    for stage in &stages.stages {
        first.push(count);
        count += stage.parallelism;
    }
    let mut assembler = Assembler {
        plan,
        options,
        parts,
        stages,
        tasks: Vec::new(),
        handles: Vec::new(),
        counters: Vec::new(),
        first,
        lanes: Vec::new(),
    };
    assembler.make_tasks();
    for node in 0..plan.nodes.len() {
        assembler.make_node(node)?;
    }
    assembler.connect();
    assembler.add_shadows()?;
    assembler.restore()?;
    for (task, handle) in assembler.tasks.iter().zip(&mut assembler.handles) {
        handle.has_sources = !task.sources.is_empty();
    }
    let mut names: Vec<UserName> = assembler.tasks.iter().flat_map(|t| t.places.names()).collect();
    names.sort();
    names.dedup();
    let modules = names.iter().filter_map(|name| parts.functions.version(name)).collect();
    Ok(Assembled { tasks: assembler.tasks, handles: assembler.handles, counters: assembler.counters, modules })
}

impl Assembler<'_> {
    fn make_tasks(&mut self) {
        let count = self.stages.stages.iter().map(|s| s.parallelism).sum();
        for index in 0..count {
            let (sender, control) = unbounded();
            let places = Arc::new(Places::new(self.parts.functions.clone()));
            self.handles.push(TaskHandle { control: sender, has_sources: false, last: None, has_exited: false });
            self.tasks.push(Task {
                index,
                count,
                chain: Chain::new(places.shadows()),
                places,
                sinks: self.parts.sinks.clone(),
                aligning: None,
                sources: Vec::new(),
                channels: Vec::new(),
                control,
                clock: self.options.clock.clone(),
                watermark_interval_ms: self.options.watermark_interval_ms,
                idle_timeout_ms: self.options.idle_timeout_ms,
                checkpointed: self.options.checkpoints.is_some(),
                epoch: self.options.restore.as_ref().map_or(0, |c| c.epoch),
            });
        }
    }

    /// The tasks of the node's stage.
    fn tasks_of(&self, node: NodeId) -> std::ops::Range<usize> {
        let stage = self.stages.of[node];
        self.first[stage]..self.first[stage] + self.stages.stages[stage].parallelism
    }

    /// Index of the node's slot in the chains of its stage.
    fn slot_of(&self, node: NodeId) -> usize {
        let stage = &self.stages.stages[self.stages.of[node]];
        let nodes = stage.nodes.iter().take_while(|&&n| n != node);
        // A source with a dead-letter table takes two slots.
        nodes.map(|&n| 1 + usize::from(self.dead_letter_table(n).is_some())).sum()
    }

    fn dead_letter_table(&self, node: NodeId) -> Option<&str> {
        let Plain::Source(source) = &self.plan.nodes[node].operator else { return None };
        source.table.option("on-error")?.strip_prefix("dead-letter:").map(str::trim)
    }

    fn make_node(&mut self, id: NodeId) -> Result<()> {
        let node = &self.plan.nodes[id];
        let tasks = self.tasks_of(id);
        let parallelism = tasks.len();
        for (instance, task) in tasks.enumerate() {
            let lanes = self.lanes_into(id, instance);
            let (role, table) = match &node.operator {
                Plain::Source(source) => (NodeRole::Source, Some(source.table.name.clone())),
                Plain::Values { .. } => (NodeRole::Source, None),
                Plain::Sink(sink) => (NodeRole::Sink, sink.table.as_ref().map(|t| t.name.clone())),
                Plain::Watermark { .. } => (NodeRole::Watermark, self.table_of(id)),
                _ => (NodeRole::Operator, None),
            };
            let counters = NodeCounters::new(&node.uid, table, instance, role);
            self.counters.push(counters.clone());
            let context = self.context(node, instance, parallelism, task);
            let mut source: Option<Box<dyn Source>> = None;
            let body = match &node.operator {
                Plain::Source(table) => {
                    source = Some(self.parts.sources.source(table, instance, parallelism)?);
                    Body::Source
                }
                Plain::Values { rows } => {
                    source = Some(Box::new(ValuesSource::new(rows, &node.schema, &context)?));
                    Body::Source
                }
                // The sink's own names: those of its table, whatever the query calls its columns.
                Plain::Sink(sink) => Body::Sink(self.parts.sinks.sink(sink, &node.schema, instance, parallelism)?),
                operator => {
                    let inputs: Vec<Schema> = node.inputs.iter().map(|i| self.input_schema(i)).collect();
                    Body::Operator(build::operator(operator, &inputs, &node.schema, &context)?)
                }
            };
            let ports = if source.is_some() { vec![0] } else { lanes.iter().map(|l| l.port).collect() };
            let slot = self.tasks[task].chain.slots.len();
            self.tasks[task].chain.slots.push(Slot::new(counters, parallelism, body, ports));
            self.lanes.push(lanes);
            if let Some(source) = source {
                self.add_source(id, source, slot, task, instance, parallelism)?;
            }
        }
        Ok(())
    }

    /// The table whose rows reach a node by operators of one input.
    fn table_of(&self, mut node: NodeId) -> Option<String> {
        loop {
            match (&self.plan.nodes[node].operator, &self.plan.nodes[node].inputs[..]) {
                (Plain::Source(source), _) => return Some(source.table.name.clone()),
                (_, [only]) => node = only.node,
                _ => return None,
            }
        }
    }

    /// What the reader of that edge gets: late rows have the schema of the producer's first input.
    fn input_schema(&self, input: &wasmill_plan::Input) -> Schema {
        let producer = &self.plan.nodes[input.node];
        match (input.port, producer.inputs.first()) {
            (Port::Late, Some(first)) => self.input_schema(first),
            _ => producer.schema.clone(),
        }
    }

    fn context(&self, node: &Node, instance: usize, parallelism: usize, task: usize) -> OperatorContext {
        let retracts = |input: &wasmill_plan::Input| {
            input.port == Port::Main && self.plan.nodes[input.node].changelog == ChangelogMode::Retract
        };
        OperatorContext {
            uid: node.uid.clone(),
            instance,
            parallelism,
            retracting: node.inputs.iter().any(retracts),
            time_zone: self.options.time_zone,
            clock: self.options.clock.clone(),
            watermark_interval_ms: self.options.watermark_interval_ms,
            random_seed: self.options.random_seed,
            sources: self.parts.sources.clone(),
            functions: self.tasks[task].places.clone(),
        }
    }

    fn add_source(
        &mut self,
        node: NodeId,
        mut source: Box<dyn Source>,
        slot: usize,
        task: usize,
        instance: usize,
        parallelism: usize,
    ) -> Result<()> {
        if let Some(rows_max) = self.options.batch_rows_max {
            source = Box::new(SlicingSource::new(source, rows_max.max(1)));
        }
        if let Some(wrap) = &self.options.source_wrapper {
            source = wrap(source);
        }
        let mut dead_letters = None;
        if let Some(table) = self.dead_letter_table(node) {
            let uid = format!("{}-dead-letters", self.plan.nodes[node].uid);
            let counters = NodeCounters::new(&uid, Some(table.to_owned()), instance, NodeRole::Sink);
            let sink = self.parts.sinks.dead_letter_sink(table, instance, parallelism)?;
            self.counters.push(counters.clone());
            dead_letters = Some(self.tasks[task].chain.slots.len());
            self.tasks[task].chain.slots.push(Slot::new(counters, parallelism, Body::Sink(sink), vec![0]));
        }
        let rows_at_ms = self.options.clock.now_ms();
        let input = SourceInput { source, slot, dead_letters, open: true, idle: false, rows_at_ms };
        self.tasks[task].sources.push(input);
        Ok(())
    }

    /// The lanes into instance `instance` of a node, in the order of its inputs.
    fn lanes_into(&self, id: NodeId, instance: usize) -> Vec<Lane> {
        let parallelism = self.tasks_of(id).len();
        let mut lanes = Vec::new();
        for (port, input) in self.plan.nodes[id].inputs.iter().enumerate() {
            let same = self.stages.of[input.node] == self.stages.of[id];
            for (sender, task) in self.tasks_of(input.node).enumerate() {
                let reaches = match (same, &input.exchange) {
                    (true, _) => sender == instance,
                    (false, Some(_)) => true,
                    (false, None) => sender % parallelism == instance,
                };
                if reaches {
                    lanes.push(Lane { port, from: (input.node, task), output: input.port, channel: !same });
                }
            }
        }
        lanes
    }

    fn connect(&mut self) {
        let mut lanes = std::mem::take(&mut self.lanes).into_iter();
        for id in 0..self.plan.nodes.len() {
            let tasks = self.tasks_of(id);
            let slot = self.slot_of(id);
            // Per sending task and port: the receivers' ends, by instance of the reader.
            let mut edges: Vec<((NodeId, usize), usize, Port, Vec<crossbeam_channel::Sender<Message>>)> = Vec::new();
            for task in tasks {
                let into = lanes.next().expect("lanes of every instance");
                for (lane, Lane { port, from, output, channel }) in into.into_iter().enumerate() {
                    if !channel {
                        let from_slot = self.slot_of(from.0);
                        self.tasks[from.1].chain.slots[from_slot].connect(output, Target::Lane { slot, lane });
                        continue;
                    }
                    let (sender, receiver) = bounded(CHANNEL_MESSAGES_MAX);
                    self.add_channel(task, receiver, slot, lane);
                    match edges.iter_mut().find(|e| e.0 == from && e.1 == port) {
                        Some(edge) => edge.3.push(sender),
                        None => edges.push((from, port, output, vec![sender])),
                    }
                }
            }
            for ((node, task), port, output, senders) in edges {
                let keys = self.plan.nodes[id].inputs[port].exchange.clone();
                let from_slot = self.slot_of(node);
                let chain = &mut self.tasks[task].chain;
                chain.exchanges.push(Exchange::new(keys, senders));
                let target = Target::Exchange(chain.exchanges.len() - 1);
                chain.slots[from_slot].connect(output, target);
            }
        }
    }

    fn add_channel(&mut self, task: usize, receiver: Receiver<Message>, slot: usize, lane: usize) {
        self.tasks[task].channels.push(Channel { receiver, slot, lane, open: true, blocked: false });
    }

    /// The sinks of what candidates beside functions give, behind all other slots.
    fn add_shadows(&mut self) -> Result<()> {
        for task in &mut self.tasks {
            for name in task.places.names() {
                if let Some(slot) = task.shadow_slot(&name, &*self.parts.functions)? {
                    task.chain.add_shadow(&name, slot);
                }
            }
        }
        Ok(())
    }

    fn restore(&mut self) -> Result<()> {
        let Some(checkpoint) = &self.options.restore else { return Ok(()) };
        checkpoint.check_modules(&*self.parts.functions)?;
        for task in &mut self.tasks {
            task.chain.restore(checkpoint)?;
            for input in &mut task.sources {
                let counters = task.chain.slots[input.slot].counters();
                let saved = checkpoint.node(&counters.uid)?;
                let parallelism = task.chain.slots[input.slot].parallelism();
                let positions: Vec<_> = saved.iter().filter_map(|n| n.position.clone()).collect();
                match positions.get(counters.instance) {
                    Some(position) if positions.len() == parallelism => input.source.seek(position)?,
                    _ => input.source.seek_all(&positions)?,
                }
            }
        }
        Ok(())
    }
}
