//! OVER calls of a SELECT: one operator per partition and order, several frames in it.

use wasmill_plan::{
    AggregateCall, ChangelogMode, Expr, Input, Operator, Over, OverAnswer, OverByColumn, OverFrame, OverFunction,
    OverGroup, SortKey,
};

use super::Planner;
use super::relation::Relation;
use crate::binder::{BoundFunction, BoundOver, OVER_BASE, OverBound, ScopeColumn, TimeAttribute};
use crate::catalog::FunctionKind;
use crate::error::{QueryError, Span};

impl BoundOver {
    /// Every expression of the call.
    pub(super) fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let mut exprs: Vec<&mut Expr> =
            self.partition.iter_mut().chain(self.order.iter_mut().map(|(e, ..)| e)).collect();
        match &mut self.function {
            BoundFunction::Aggregate(a) => {
                exprs.extend(a.args.iter_mut());
                exprs.extend(a.filter.iter_mut());
            }
            BoundFunction::Lag(value, _, default) => {
                exprs.push(value);
                exprs.extend(default.iter_mut());
            }
            _ => {}
        }
        exprs
    }

    fn exprs(&self) -> Vec<Expr> {
        self.clone().exprs_mut().into_iter().map(|e| e.clone()).collect()
    }
}

impl Planner<'_> {
    /// Plans the calls; gives the relation with a column for each behind its own, and those columns in order of the calls.
    pub(super) fn overs(
        &mut self,
        input: &Relation,
        overs: Vec<BoundOver>,
    ) -> Result<(Relation, Vec<usize>), QueryError> {
        let exprs: Vec<Expr> = overs.iter().flat_map(BoundOver::exprs).collect();
        debug_assert!(exprs.iter().all(|e| e.as_column().is_none_or(|c| c < OVER_BASE)));
        let (mut relation, places) = self.with_columns(input, &exprs);
        let mut places = places.into_iter();
        // Each call with its expressions replaced by columns.
        let calls: Vec<(BoundOver, Vec<usize>)> = overs
            .into_iter()
            .map(|mut over| {
                let n = over.exprs_mut().len();
                let columns = places.by_ref().take(n).collect();
                (over, columns)
            })
            .collect();
        let mut columns = vec![usize::MAX; calls.len()];
        let mut done = vec![false; calls.len()];
        while let Some(first) = done.iter().position(|d| !d) {
            let same = |c: &BoundOver| c.partition == calls[first].0.partition && c.order == calls[first].0.order;
            let members: Vec<usize> = (first..calls.len()).filter(|&i| !done[i] && same(&calls[i].0)).collect();
            members.iter().for_each(|&i| done[i] = true);
            self.over_operator(&mut relation, &calls, &members, &mut columns)?;
        }
        Ok((relation, columns))
    }

    fn over_operator(
        &mut self,
        relation: &mut Relation,
        calls: &[(BoundOver, Vec<usize>)],
        members: &[usize],
        columns: &mut [usize],
    ) -> Result<(), QueryError> {
        let (first, first_columns) = &calls[members[0]];
        let partition: Vec<usize> = first_columns[..first.partition.len()].to_vec();
        let order: Vec<SortKey> = first_columns[first.partition.len()..]
            .iter()
            .zip(&first.order)
            .map(|(&column, (_, descending, nulls_first))| SortKey {
                column,
                descending: *descending,
                nulls_first: *nulls_first,
            })
            .collect();
        let by_time = match order.as_slice() {
            [key] => relation.scope.columns[key.column].time,
            _ => None,
        };
        let by_time = by_time.filter(|_| !order[0].descending);

        // Calls with the same frame make a group; output columns go group by group.
        let mut groups: Vec<(OverGroup, Vec<usize>)> = Vec::new();
        for &member in members {
            let (call, places) = &calls[member];
            let frame = frame(call, by_time.is_some())?;
            let function = function(call, &places[call.partition.len() + call.order.len()..]);
            match groups.iter_mut().find(|(g, _)| g.frame == frame) {
                Some((group, of)) => {
                    group.functions.push(function);
                    of.push(member);
                }
                None => groups.push((OverGroup { frame, functions: vec![function] }, vec![member])),
            }
        }
        let input = relation.clone();
        for (_, of) in &groups {
            for &member in of {
                columns[member] = relation.width();
                let name = format!("$w{}", relation.width());
                relation.scope.columns.push(ScopeColumn::new(None, &name, calls[member].0.data_type()));
            }
        }
        let groups: Vec<OverGroup> = groups.into_iter().map(|(g, _)| g).collect();
        let inputs = vec![Input::by_key(input.node, partition.clone())];
        let schema = relation.schema();
        if let Some(time) = by_time {
            self.require_append(&input, "OVER in the order of a time attribute", first.span)?;
            let answer = match time {
                TimeAttribute::Proctime => OverAnswer::ProcessingTime,
                TimeAttribute::Rowtime if self.clauses.on_arrival => OverAnswer::OnArrival,
                TimeAttribute::Rowtime => OverAnswer::AtWatermark,
            };
            if answer == OverAnswer::OnArrival {
                self.check_on_arrival(&groups, first.span)?;
            }
            self.clauses.on_arrival_used |= answer == OverAnswer::OnArrival;
            let over = Over { partition, time_column: order[0].column, groups, answer, ties: vec![] };
            relation.node = self.add("over", Operator::Over(over), inputs, schema, ChangelogMode::Append);
            if time == TimeAttribute::Rowtime {
                self.late_sources.push((relation.node, input.clone()));
            }
        } else {
            let operator = Operator::OverByColumn(OverByColumn { partition, order, groups });
            relation.node = self.add("over-by-column", operator, inputs, schema, ChangelogMode::Retract);
            relation.scope.columns.iter_mut().for_each(|c| c.time = None);
        }
        self.over_windows.insert(relation.node, input.window);
        Ok(())
    }
}

impl Planner<'_> {
    /// Where rows of event time are answered on arrival, an unbounded frame keeps what it forgot of a key in a group of its own, and
    /// merges it in for rows out of order.
    fn check_on_arrival(&self, groups: &[OverGroup], span: Option<Span>) -> Result<(), QueryError> {
        for group in groups {
            if !matches!(group.frame, OverFrame::Rows { preceding: None } | OverFrame::Range { preceding_ms: None }) {
                continue;
            }
            for function in &group.functions {
                let OverFunction::Aggregate(call) = function else { continue };
                let user = self.catalog.function(&call.function).filter(|f| f.name == call.function);
                if matches!(user.map(|f| f.kind), Some(FunctionKind::Aggregate { merges: false, .. })) {
                    let name = &call.function;
                    return Err(QueryError::new(format!(
                        "aggregate function '{name}' cannot merge groups, which an unbounded frame that is answered on arrival needs"
                    ))
                    .with_span(span)
                    .with_hint(format!("export '{name}__merge' from its module, or bound the frame")));
                }
            }
        }
        Ok(())
    }
}

fn frame(call: &BoundOver, by_time: bool) -> Result<OverFrame, QueryError> {
    match (call.preceding, call.rows) {
        (OverBound::Unbounded, true) => Ok(OverFrame::Rows { preceding: None }),
        (OverBound::Unbounded, false) => Ok(OverFrame::Range { preceding_ms: None }),
        (OverBound::Bounded(_), _) if !by_time => Err(QueryError::unsupported(
            "a bounded frame over an order that is no time attribute",
            "start it UNBOUNDED PRECEDING, or order by the column that WATERMARK FOR names",
        )
        .with_span(call.span)),
        (OverBound::Bounded(n), true) => Ok(OverFrame::Rows { preceding: Some(n as u64) }),
        (OverBound::Bounded(ms), false) => Ok(OverFrame::Range { preceding_ms: Some(ms) }),
    }
}

/// The call with its expressions at `places`, in the order of [`BoundOver::exprs_mut`].
fn function(call: &BoundOver, places: &[usize]) -> OverFunction {
    match &call.function {
        BoundFunction::RowNumber => OverFunction::RowNumber,
        BoundFunction::Rank => OverFunction::Rank,
        BoundFunction::DenseRank => OverFunction::DenseRank,
        BoundFunction::Lag(value, offset, _) => OverFunction::Lag {
            column: places[0],
            offset: *offset,
            default: places.get(1).copied(),
            data_type: value.data_type.clone().with_nullable(true),
        },
        BoundFunction::Aggregate(a) => OverFunction::Aggregate(AggregateCall {
            function: a.function.clone(),
            args: places[..a.args.len()].to_vec(),
            constants: a.constants.clone(),
            distinct: a.distinct,
            filter: a.filter.as_ref().map(|_| places[a.args.len()]),
            arg_types: a.args.iter().map(|e| e.data_type.clone()).collect(),
            data_type: a.data_type.clone(),
        }),
    }
}
