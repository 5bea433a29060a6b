//! Cuts a plan into stages: what runs on one thread.
//!
//! ```text
//! [Source -> Calc -> Watermark] ==by key==> [WindowAggregate -> Calc -> Sink]      parallelism 3: two stages of 3 tasks
//! [Source -> Calc -> Watermark -> WindowAggregate -> Calc -> Sink]                 parallelism 1: one task
//! ```
//! Rows that lie on their instances by the same columns already are not exchanged again: an OVER behind an OVER of the same
//! partition stands in its stage, so that it hears the watermark with the rows, and not from all instances.

use wasmill_plan::{Input, Node, NodeId, Operator, Plan, Port};

/// Nodes that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// In topological order.
    pub(crate) nodes: Vec<NodeId>,
    /// How many tasks run it.
    pub(crate) parallelism: usize,
}

/// Which stage each node belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stages {
    /// The stages.
    pub(crate) stages: Vec<Stage>,
    /// Stage of each node.
    pub(crate) of: Vec<usize>,
}

/// How wide the stages are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Width {
    /// Of stages behind an exchange.
    pub(crate) parallelism: usize,
    /// Of stages that begin with sources.
    pub(crate) source_parallelism: usize,
    /// Cut at exchanges at parallelism 1 too, so that a job uses two cores. Only where every node has one input: with
    /// several, the order of rows would depend on the threads.
    pub(crate) pipelined: bool,
}

/// Cuts the plan. An edge with an exchange is cut where a stage beside it may have several tasks, or where `pipelined`; other edges
/// are cut only where their ends are in stages that cannot be one.
pub(crate) fn cut(plan: &Plan, width: Width) -> Stages {
    let keys = distribution(plan);
    let single_inputs = plan.nodes.iter().all(|n| n.inputs.len() <= 1);
    let wide = width.parallelism > 1 || width.source_parallelism > 1;
    let cuts = wide || (width.pipelined && single_inputs);
    let mut group: Vec<usize> = Vec::with_capacity(plan.nodes.len());
    let mut begins_with_sources: Vec<bool> = Vec::new();
    for node in &plan.nodes {
        let mut inputs: Vec<usize> = node.inputs.iter().map(|i| group[i.node]).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let moves = |i: &Input| i.exchange.is_some() && (i.port != Port::Main || i.exchange != keys[i.node]);
        let exchanged = cuts && node.inputs.iter().any(moves);
        let is_source = matches!(node.operator, Operator::Source(_) | Operator::Values { .. });
        let joins = match inputs.as_slice() {
            [] => None,
            _ if exchanged => None,
            [one] => Some(*one),
            // Sources that meet are polled in turn by one task: their order is then the same in every run.
            several if several.iter().all(|&g| begins_with_sources[g]) => {
                let first = several[0];
                group.iter_mut().filter(|g| several.contains(g)).for_each(|g| *g = first);
                Some(first)
            }
            _ => None,
        };
        group.push(joins.unwrap_or_else(|| {
            begins_with_sources.push(is_source);
            begins_with_sources.len() - 1
        }));
    }
    let mut numbers: Vec<usize> = group.clone();
    numbers.sort_unstable();
    numbers.dedup();
    let stage = |&number: &usize| Stage {
        nodes: (0..group.len()).filter(|&n| group[n] == number).collect(),
        parallelism: if begins_with_sources[number] { width.source_parallelism } else { width.parallelism },
    };
    let stages = numbers.iter().map(stage).collect();
    let of = group.iter().map(|g| numbers.binary_search(g).expect("a group")).collect();
    Stages { stages, of }
}

/// Of each node, the columns of its output whose hash decides which instance its rows are on.
fn distribution(plan: &Plan) -> Vec<Option<Vec<usize>>> {
    let mut known: Vec<Option<Vec<usize>>> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let own = match node.inputs.as_slice() {
            [Input { node: below, port: Port::Main, exchange }] => {
                let keys = exchange.as_ref().or(known[*below].as_ref());
                keys.and_then(|keys| keys.iter().map(|&key| passed(node, key)).collect())
            }
            _ => None,
        };
        known.push(own);
    }
    known
}

/// Where a column of its input is in a node's output.
fn passed(node: &Node, column: usize) -> Option<usize> {
    match &node.operator {
        Operator::Calc { projection, .. } => projection.iter().position(|e| e.as_column() == Some(column)),
        Operator::WindowAggregate(aggregate) => aggregate.keys.iter().position(|&k| k == column),
        Operator::GroupAggregate { keys, .. } => keys.iter().position(|&k| k == column),
        Operator::Process(process) => process.partition.iter().position(|&k| k == column),
        Operator::Watermark { .. }
        | Operator::ProcessingTime
        | Operator::Unnest(_)
        | Operator::TableFunction(_)
        | Operator::Predict(_)
        | Operator::WindowTable(_)
        | Operator::Over(_)
        | Operator::OverByColumn(_)
        | Operator::WindowRank(_)
        | Operator::Rank(_)
        | Operator::Deduplicate(_)
        | Operator::LookupJoin(_) => Some(column),
        // Expand changes the columns of grouping sets.
        Operator::Source(_)
        | Operator::Values { .. }
        | Operator::Union
        | Operator::Expand { .. }
        | Operator::Sink(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plan::{ChangelogMode, DataType, Expr, Over, OverAnswer, Schema, TypeKind};

    fn plan(nodes: &[(&str, &[(usize, bool)])]) -> Plan {
        let mut plan = Plan::default();
        for (name, inputs) in nodes {
            let operator = if *name == "source" { Operator::Values { rows: vec![] } } else { Operator::Union };
            let inputs = inputs
                .iter()
                .map(|&(node, keyed)| if keyed { Input::by_key(node, vec![0]) } else { Input::forward(node) })
                .collect();
            plan.add(name, operator, inputs, Schema::default(), ChangelogMode::Append);
        }
        plan
    }

    fn stages(plan: &Plan, parallelism: usize, source_parallelism: usize, pipelined: bool) -> Vec<(Vec<usize>, usize)> {
        let cut = cut(plan, Width { parallelism, source_parallelism, pipelined });
        cut.stages.into_iter().map(|s| (s.nodes, s.parallelism)).collect()
    }

    #[test]
    fn an_exchange_cuts_where_it_matters() {
        let plan = plan(&[("source", &[]), ("a", &[(0, false)]), ("b", &[(1, true)]), ("sink", &[(2, false)])]);
        assert_eq!(stages(&plan, 1, 1, false), [(vec![0, 1, 2, 3], 1)]);
        assert_eq!(stages(&plan, 1, 1, true), [(vec![0, 1], 1), (vec![2, 3], 1)]);
        assert_eq!(stages(&plan, 3, 3, false), [(vec![0, 1], 3), (vec![2, 3], 3)]);
        assert_eq!(stages(&plan, 1, 3, false), [(vec![0, 1], 3), (vec![2, 3], 1)]);
    }

    #[test]
    fn rows_are_exchanged_once_for_the_same_columns() {
        let mut plan = plan(&[("source", &[])]);
        let over = |partition: Vec<usize>| {
            let over =
                Over { partition, time_column: 0, groups: vec![], answer: OverAnswer::AtWatermark, ties: vec![] };
            Operator::Over(over)
        };
        let column = |i| Expr::column(i, DataType::nullable(TypeKind::Int));
        let swap = Operator::Calc { filter: None, projection: vec![column(1), column(0)] };
        let mut node = |operator, input| plan.add("x", operator, vec![input], Schema::default(), ChangelogMode::Append);
        node(over(vec![1]), Input::by_key(0, vec![1]));
        node(swap, Input::forward(1));
        node(over(vec![0]), Input::by_key(2, vec![0]));
        node(over(vec![1]), Input::by_key(3, vec![1]));
        assert_eq!(stages(&plan, 3, 1, false), [(vec![0], 1), (vec![1, 2, 3], 3), (vec![4], 3)]);
    }

    #[test]
    fn sources_that_meet_are_one_stage() {
        let plan =
            plan(&[("source", &[]), ("source", &[]), ("union", &[(0, false), (1, false)]), ("sink", &[(2, false)])]);
        assert_eq!(stages(&plan, 1, 1, true), [(vec![0, 1, 2, 3], 1)]);
        assert_eq!(stages(&plan, 2, 2, false), [(vec![0, 1, 2, 3], 2)]);
    }

    #[test]
    fn a_keyed_stage_and_a_source_meet_in_a_stage_of_their_own() {
        let plan = plan(&[("source", &[]), ("agg", &[(0, true)]), ("union", &[(0, false), (1, false)])]);
        assert_eq!(stages(&plan, 1, 1, false), [(vec![0, 1, 2], 1)]);
        assert_eq!(stages(&plan, 2, 2, false), [(vec![0], 2), (vec![1], 2), (vec![2], 2)]);
    }

    #[test]
    fn separate_queries_of_a_statement_set_are_separate_stages() {
        let plan = plan(&[("source", &[]), ("source", &[]), ("sink", &[(0, false)]), ("sink", &[(1, false)])]);
        assert_eq!(stages(&plan, 1, 1, false), [(vec![0, 2], 1), (vec![1, 3], 1)]);
    }
}
