//! Columns that nobody reads are not computed, kept or even decoded.
//!
//! From the sinks up, every node learns which of its output columns are read; then the plan is written anew with the others
//! left out. Operators that append columns to their input's keep those they append.

use std::collections::BTreeSet;

use wasmill_plan::{
    AggregateCall, Expr, Feedback, Field, Input, LookupBuild, Node, NodeId, Operator, OverFunction, OverGroup, Plan,
    Port, Predict, Schema, SortKey, TableFunction, WindowKind, WindowSpec, Windowing,
};

use super::Rebuild;

/// For a node's output: the new index of each column that is kept.
type Kept = Vec<Option<usize>>;

pub(super) fn prune(plan: &Plan) -> Plan {
    let required = required(plan);
    let mut rebuilt = Rebuild::new(plan);
    let mut outputs: Vec<Kept> = Vec::with_capacity(plan.nodes.len());
    // What the late rows of a node look like: its input's columns.
    let mut inputs_of: Vec<Kept> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter().enumerate() {
        let kept: Vec<&Kept> = node
            .inputs
            .iter()
            .map(|i| if i.port == Port::Late { &inputs_of[i.node] } else { &outputs[i.node] })
            .collect();
        let first = kept.first().map_or_else(Vec::new, |k| (*k).clone());
        let mut new = rebuilt.inputs_mapped(node);
        for (input, kept) in new.inputs.iter_mut().zip(&kept) {
            if let Some(keys) = &mut input.exchange {
                keys.iter_mut().for_each(|k| *k = at(kept, *k));
            }
        }
        if matches!(new.operator, Operator::Union) {
            agree(&mut new, &kept, &required[id], &mut rebuilt);
        }
        let output = narrow(&mut new, &kept, &required[id]);
        let fields = std::mem::take(&mut new.schema.fields);
        let fields = fields.into_iter().zip(&output).filter(|(_, kept)| kept.is_some()).map(|(f, _)| f);
        new.schema = Schema::new(fields.collect());
        rebuilt.push(id, new);
        outputs.push(output);
        inputs_of.push(first);
    }
    rebuilt.plan
}

/// The inputs of a union keep the same columns: one that keeps more for another reader is projected.
fn agree(union: &mut Node, kept: &[&Kept], required: &BTreeSet<usize>, rebuilt: &mut Rebuild) {
    let wanted = chosen(union.schema.len(), required);
    for (input, kept) in union.inputs.iter_mut().zip(kept) {
        if **kept == wanted {
            continue;
        }
        let below = &rebuilt.plan.nodes[input.node];
        let columns: Vec<usize> = required.iter().map(|&c| at(kept, c)).collect();
        let fields: Vec<Field> = columns.iter().map(|&c| below.schema.fields[c].clone()).collect();
        let projection = columns.iter().zip(&fields).map(|(&c, f)| Expr::column(c, f.data_type.clone())).collect();
        input.node = rebuilt.push_new(Node {
            uid: "calc".to_owned(),
            operator: Operator::Calc { filter: None, projection },
            inputs: vec![Input::forward(input.node)],
            schema: Schema::new(fields),
            changelog: below.changelog,
        });
    }
}

fn at(kept: &Kept, column: usize) -> usize {
    kept[column].expect("a column that is read is kept")
}

/// Which output columns of each node are read.
fn required(plan: &Plan) -> Vec<BTreeSet<usize>> {
    let mut required: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); plan.nodes.len()];
    let mut late: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        // A batch has at least one column, whatever is read of it.
        if required[id].is_empty() && !node.schema.is_empty() {
            required[id].insert(0);
        }
        for (port, input) in node.inputs.iter().enumerate() {
            let width = input_width(plan, input.node, input.port);
            let mut reads = match &node.operator {
                Operator::Predict(Predict { feedback: Some(feedback), .. }) if port == 1 => fed(feedback),
                _ => reads(node, &required[id], width),
            };
            if let (Operator::Predict(Predict { feedback: Some(feedback), .. }), 0) = (&node.operator, port) {
                reads.extend(feedback.time_columns.map(|(time, _)| time));
            }
            if port == 0 {
                reads.extend(&late[id]);
            }
            reads.extend(input.exchange.iter().flatten());
            if input.port == Port::Late {
                late[input.node].extend(reads);
            } else {
                required[input.node].extend(reads);
            }
        }
    }
    required
}

/// The columns of what a model learns from.
fn fed(feedback: &Feedback) -> BTreeSet<usize> {
    let mut reads: BTreeSet<usize> = feedback.time_columns.iter().map(|(_, time)| *time).collect();
    for expr in feedback.args.iter().chain(&feedback.labels) {
        expr.visit_columns(&mut |c| {
            reads.insert(c);
        });
    }
    reads
}

fn input_width(plan: &Plan, node: NodeId, port: Port) -> usize {
    match port {
        Port::Main => plan.nodes[node].schema.len(),
        Port::Late => plan.nodes[plan.nodes[node].inputs[0].node].schema.len(),
    }
}

/// The columns of its input that a node reads, to give `output`.
fn reads(node: &Node, output: &BTreeSet<usize>, width: usize) -> BTreeSet<usize> {
    let mut reads: BTreeSet<usize> = BTreeSet::new();
    let exprs = |reads: &mut BTreeSet<usize>, expr: &Expr| {
        expr.visit_columns(&mut |c| {
            reads.insert(c);
        });
    };
    let passed = || output.iter().copied().filter(|&c| c < width);
    match &node.operator {
        Operator::Source(_) | Operator::Values { .. } => {}
        Operator::Calc { filter, projection } => {
            filter.iter().for_each(|f| exprs(&mut reads, f));
            output.iter().for_each(|&c| exprs(&mut reads, &projection[c]));
        }
        Operator::Watermark { time_column, expr } => {
            reads.extend(passed());
            reads.insert(*time_column);
            exprs(&mut reads, expr);
        }
        Operator::Union | Operator::ProcessingTime => reads.extend(passed()),
        Operator::Sink(_) => reads.extend(0..width),
        Operator::Expand { columns, .. } => {
            reads.extend(passed());
            reads.extend(columns);
        }
        Operator::Unnest(unnest) => {
            reads.extend(passed());
            exprs(&mut reads, &unnest.collection);
        }
        Operator::TableFunction(TableFunction { args, .. }) => {
            reads.extend(passed());
            args.iter().for_each(|arg| exprs(&mut reads, arg));
        }
        Operator::Predict(Predict { args, labels, .. }) => {
            reads.extend(passed());
            args.iter().chain(labels).for_each(|arg| exprs(&mut reads, arg));
        }
        Operator::Process(process) => {
            reads.extend(&process.partition);
            reads.extend(process.time_column);
            reads.extend(process.order.iter().flatten().map(|key| key.column));
            process.args.iter().for_each(|arg| exprs(&mut reads, arg));
        }
        Operator::WindowTable(table) => {
            reads.extend(passed());
            spec_columns(&table.window, &mut reads);
        }
        Operator::WindowAggregate(aggregate) => {
            windowing_columns(&aggregate.windowing, &mut reads);
            reads.extend(&aggregate.keys);
            aggregate.aggregates.iter().for_each(|a| call_columns(a, &mut reads));
        }
        Operator::GroupAggregate { keys, aggregates } => {
            reads.extend(keys);
            aggregates.iter().for_each(|a| call_columns(a, &mut reads));
        }
        Operator::Over(over) => {
            reads.extend(passed());
            reads.extend(&over.partition);
            reads.insert(over.time_column);
            reads.extend(over.ties.iter().map(|k| k.column));
            group_columns(&over.groups, &mut reads);
        }
        Operator::OverByColumn(over) => {
            reads.extend(passed());
            reads.extend(&over.partition);
            reads.extend(over.order.iter().map(|k| k.column));
            group_columns(&over.groups, &mut reads);
        }
        Operator::WindowRank(rank) => {
            reads.extend(passed());
            windowing_columns(&rank.windowing, &mut reads);
            reads.extend(&rank.partition);
            reads.extend(rank.order.iter().map(|k| k.column));
        }
        Operator::Rank(rank) => {
            reads.extend(passed());
            reads.extend(&rank.partition);
            reads.extend(rank.order.iter().map(|k| k.column));
        }
        Operator::Deduplicate(dedup) => {
            reads.extend(passed());
            reads.extend(&dedup.partition);
            reads.insert(dedup.time_column);
        }
        Operator::LookupJoin(join) => {
            reads.extend(passed());
            reads.extend(join.keys.iter().map(|(left, _)| *left));
            let mut all = BTreeSet::new();
            join.residual.iter().for_each(|r| exprs(&mut all, r));
            reads.extend(all.into_iter().filter(|&c| c < width));
        }
    }
    reads
}

fn spec_columns(spec: &WindowSpec, reads: &mut BTreeSet<usize>) {
    reads.insert(spec.time_column);
    if let WindowKind::Session { partition, .. } = &spec.kind {
        reads.extend(partition);
    }
}

fn windowing_columns(windowing: &Windowing, reads: &mut BTreeSet<usize>) {
    match windowing {
        Windowing::Assign(spec) => spec_columns(spec, reads),
        Windowing::Attached { start_column, end_column, .. } => {
            reads.extend(start_column);
            reads.insert(*end_column);
        }
    }
}

fn call_columns(call: &AggregateCall, reads: &mut BTreeSet<usize>) {
    reads.extend(&call.args);
    reads.extend(call.filter);
}

fn group_columns(groups: &[OverGroup], reads: &mut BTreeSet<usize>) {
    for function in groups.iter().flat_map(|g| &g.functions) {
        match function {
            OverFunction::Aggregate(call) => call_columns(call, reads),
            OverFunction::Lag { column, default, .. } => {
                reads.insert(*column);
                reads.extend(default);
            }
            OverFunction::RowNumber | OverFunction::Rank | OverFunction::DenseRank => {}
        }
    }
}

/// Rewrites the node over narrower inputs; gives where each of its output columns went.
fn narrow(node: &mut Node, inputs: &[&Kept], required: &BTreeSet<usize>) -> Kept {
    let width = node.schema.len();
    let empty = Vec::new();
    let kept: &Kept = inputs.first().copied().unwrap_or(&empty);
    let expr = |e: &mut Expr| *e = e.clone().map_columns(&|c| at(kept, c));
    let column = |c: &mut usize| *c = at(kept, *c);
    match &mut node.operator {
        Operator::Source(source) => {
            source.projection = required.iter().map(|&c| source.projection[c]).collect();
            chosen(width, required)
        }
        Operator::Values { rows } => {
            for row in rows {
                *row = required.iter().map(|&c| row[c].clone()).collect();
            }
            chosen(width, required)
        }
        Operator::Calc { filter, projection } => {
            filter.iter_mut().for_each(expr);
            *projection = required.iter().map(|&c| projection[c].clone().map_columns(&|c| at(kept, c))).collect();
            chosen(width, required)
        }
        Operator::Watermark { time_column, expr: watermark } => {
            column(time_column);
            expr(watermark);
            kept.clone()
        }
        Operator::Union => chosen(width, required),
        Operator::Sink(_) => kept.clone(),
        Operator::ProcessingTime => appended(kept, width),
        Operator::Expand { columns, .. } => {
            columns.iter_mut().for_each(column);
            appended(kept, width)
        }
        Operator::Unnest(unnest) => {
            expr(&mut unnest.collection);
            appended(kept, width)
        }
        Operator::TableFunction(TableFunction { args, .. }) => {
            args.iter_mut().for_each(expr);
            appended(kept, width)
        }
        Operator::Predict(Predict { args, labels, feedback, .. }) => {
            args.iter_mut().chain(labels).for_each(expr);
            if let Some(feedback) = feedback {
                let fed = inputs[1];
                let over = |e: &mut Expr| *e = e.clone().map_columns(&|c| at(fed, c));
                feedback.args.iter_mut().chain(&mut feedback.labels).for_each(over);
                feedback.time_columns = feedback.time_columns.map(|(time, label)| (at(kept, time), at(fed, label)));
            }
            appended(kept, width)
        }
        Operator::Process(process) => {
            process.args.iter_mut().for_each(expr);
            process.partition.iter_mut().for_each(column);
            process.time_column.iter_mut().for_each(column);
            process.order.iter_mut().flatten().for_each(|key| column(&mut key.column));
            (0..width).map(Some).collect()
        }
        Operator::WindowTable(table) => {
            map_spec(&mut table.window, kept);
            appended(kept, width)
        }
        Operator::WindowAggregate(aggregate) => {
            map_windowing(&mut aggregate.windowing, kept);
            aggregate.keys.iter_mut().for_each(column);
            aggregate.aggregates.iter_mut().for_each(|a| map_call(a, kept));
            (0..width).map(Some).collect()
        }
        Operator::GroupAggregate { keys, aggregates } => {
            keys.iter_mut().for_each(column);
            aggregates.iter_mut().for_each(|a| map_call(a, kept));
            (0..width).map(Some).collect()
        }
        Operator::Over(over) => {
            over.partition.iter_mut().for_each(column);
            column(&mut over.time_column);
            map_order(&mut over.ties, kept);
            map_groups(&mut over.groups, kept);
            appended(kept, width)
        }
        Operator::OverByColumn(over) => {
            over.partition.iter_mut().for_each(column);
            map_order(&mut over.order, kept);
            map_groups(&mut over.groups, kept);
            appended(kept, width)
        }
        Operator::WindowRank(rank) => {
            map_windowing(&mut rank.windowing, kept);
            rank.partition.iter_mut().for_each(column);
            map_order(&mut rank.order, kept);
            // The rank itself is dropped where nobody reads it.
            rank.with_rank = rank.with_rank && required.contains(&(width - 1));
            ranked(kept, width, rank.with_rank)
        }
        Operator::Rank(rank) => {
            rank.partition.iter_mut().for_each(column);
            map_order(&mut rank.order, kept);
            rank.with_rank = rank.with_rank && required.contains(&(width - 1));
            ranked(kept, width, rank.with_rank)
        }
        Operator::Deduplicate(dedup) => {
            dedup.partition.iter_mut().for_each(column);
            column(&mut dedup.time_column);
            kept.clone()
        }
        Operator::LookupJoin(join) => {
            let left = kept.len();
            let mut build: BTreeSet<usize> = required.iter().filter(|&&c| c >= left).map(|c| c - left).collect();
            build.extend(join.keys.iter().map(|(_, right)| *right));
            if let Some(residual) = &join.residual {
                residual.visit_columns(&mut |c| {
                    if c >= left {
                        build.insert(c - left);
                    }
                });
            }
            let chosen = chosen(width - left, &build);
            match &mut join.build {
                LookupBuild::Table { projection, .. } => {
                    *projection = build.iter().map(|&c| projection[c].clone()).collect();
                }
                LookupBuild::Values { rows, types } => {
                    rows.iter_mut().for_each(|row| *row = build.iter().map(|&c| row[c].clone()).collect());
                    *types = build.iter().map(|&c| types[c].clone()).collect();
                }
            }
            for (l, r) in &mut join.keys {
                *l = at(kept, *l);
                *r = at(&chosen, *r);
            }
            let new_left = kept.iter().flatten().count();
            let place = |c: usize| if c < left { at(kept, c) } else { new_left + at(&chosen, c - left) };
            if let Some(residual) = &mut join.residual {
                *residual = residual.clone().map_columns(&place);
            }
            kept.iter().copied().chain(chosen.iter().map(|c| c.map(|c| new_left + c))).collect()
        }
    }
}

/// Only the required columns, in order.
fn chosen(width: usize, required: &BTreeSet<usize>) -> Kept {
    let mut kept = vec![None; width];
    for (new, &old) in required.iter().enumerate() {
        kept[old] = Some(new);
    }
    kept
}

/// What the input keeps, then all that the operator appends.
fn appended(input: &Kept, width: usize) -> Kept {
    let first = input.iter().flatten().count();
    input.iter().copied().chain((0..width - input.len()).map(|i| Some(first + i))).collect()
}

fn ranked(input: &Kept, width: usize, with_rank: bool) -> Kept {
    let mut kept = appended(input, width);
    if !with_rank && width > input.len() {
        kept[width - 1] = None;
    }
    kept
}

fn map_spec(spec: &mut WindowSpec, kept: &Kept) {
    spec.time_column = at(kept, spec.time_column);
    if let WindowKind::Session { partition, .. } = &mut spec.kind {
        partition.iter_mut().for_each(|c| *c = at(kept, *c));
    }
}

fn map_windowing(windowing: &mut Windowing, kept: &Kept) {
    match windowing {
        Windowing::Assign(spec) => map_spec(spec, kept),
        Windowing::Attached { start_column, end_column, .. } => {
            start_column.iter_mut().for_each(|c| *c = at(kept, *c));
            *end_column = at(kept, *end_column);
        }
    }
}

fn map_call(call: &mut AggregateCall, kept: &Kept) {
    call.args.iter_mut().chain(call.filter.iter_mut()).for_each(|c| *c = at(kept, *c));
}

fn map_order(order: &mut [SortKey], kept: &Kept) {
    order.iter_mut().for_each(|k| k.column = at(kept, k.column));
}

fn map_groups(groups: &mut [OverGroup], kept: &Kept) {
    for function in groups.iter_mut().flat_map(|g| &mut g.functions) {
        match function {
            OverFunction::Aggregate(call) => map_call(call, kept),
            OverFunction::Lag { column, default, .. } => {
                *column = at(kept, *column);
                default.iter_mut().for_each(|c| *c = at(kept, *c));
            }
            OverFunction::RowNumber | OverFunction::Rank | OverFunction::DenseRank => {}
        }
    }
}
