//! ROW_NUMBER under a filter: Top-N and deduplication, per window or over the whole stream.

use wasmill_plan::{
    ChangelogMode, Deduplicate, Expr, ExprKind, Input, NodeId, Operator, Over, OverAnswer, OverFrame, OverFunction,
    OverGroup, Rank, SortKey, Value, WindowRank, Windowing,
};

use super::Planner;
use super::join::{conjuncts, constant};
use super::relation::{Item, Relation};
use crate::binder::{ScopeColumn, TimeAttribute};
use crate::error::{QueryError, Span};
use wasmill_plan::{DataType, TypeKind};

/// ROW_NUMBER as it was planned before its filter was seen.
struct RowNumber {
    /// The OVER node.
    node: NodeId,
    partition: Vec<usize>,
    order: Vec<SortKey>,
    by: Order,
}

/// What a ROW_NUMBER counts in the order of.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    /// The event time, ascending.
    EventTime,
    /// Processing time, ascending: the numbers are final.
    Arrival,
    /// Plain columns.
    Columns,
}

impl Planner<'_> {
    /// Applies WHERE: where it bounds a ROW_NUMBER column of a subquery, that becomes a Top-N.
    ///
    /// # Errors
    /// Where a Top-N per window would have to take rows back; `span` is the condition's place.
    pub(super) fn filter_or_rank(
        &mut self,
        input: &Relation,
        predicate: Expr,
        span: Option<Span>,
    ) -> Result<Relation, QueryError> {
        let Some((row_number, projection)) = self.row_number(input.node) else {
            return Ok(self.filtered(input, predicate));
        };
        if row_number.by == Order::Arrival {
            return Ok(self.filtered(input, predicate));
        }
        let number = self.plan.nodes[row_number.node].schema.len() - 1;
        let Some(output) = projection.iter().position(|e| e.as_column() == Some(number)) else {
            return Ok(self.filtered(input, predicate));
        };
        let (mut from, mut to, mut rest) = (1u64, u64::MAX, Vec::new());
        for part in conjuncts(predicate.clone()) {
            match bound(&part, output) {
                Some((low, high)) => {
                    from = from.max(low);
                    to = to.min(high);
                }
                None => rest.push(part),
            }
        }
        if to == u64::MAX || to < from {
            return Ok(self.filtered(input, predicate));
        }
        let below = self.plan.nodes[row_number.node].inputs[0].node;
        let times: Vec<_> = projection
            .iter()
            .map(|e| e.as_column().filter(|&c| self.is_rowtime(below, c)).map(|_| TimeAttribute::Rowtime))
            .collect();
        let ranked = self.rank(row_number, from, to, span)?;
        let items = projection
            .into_iter()
            .zip(&input.scope.columns)
            .map(|(expr, c)| Item { name: c.name.clone(), qualifier: c.qualifier.clone(), expr })
            .collect();
        let mut relation = self.calc(&ranked, None, items);
        // What the outer query knew of the columns still holds for those that come from the input.
        relation.window = input.window.clone();
        // An OVER by plain columns had no event time; of the rows that are left it is again what it was below.
        for ((column, known), below) in relation.scope.columns.iter_mut().zip(&input.scope.columns).zip(times) {
            column.time = known.time.or(below);
        }
        let and = |a, b| Expr::call("AND", vec![a, b], DataType::nullable(TypeKind::Boolean));
        Ok(match rest.into_iter().reduce(and) {
            Some(rest) => self.filtered(&relation, rest),
            None => relation,
        })
    }

    /// A projection (or none) over an OVER node that computes nothing but one ROW_NUMBER.
    fn row_number(&self, node: NodeId) -> Option<(RowNumber, Vec<Expr>)> {
        let top = &self.plan.nodes[node];
        let (node, projection) = match &top.operator {
            Operator::Calc { filter: None, projection } => (top.inputs[0].node, projection.clone()),
            _ => {
                let all = top.schema.fields.iter().enumerate().map(|(i, f)| Expr::column(i, f.data_type.clone()));
                (node, all.collect())
            }
        };
        let only = |groups: &[OverGroup]| matches!(groups, [g] if g.functions == [OverFunction::RowNumber]);
        let row_number = match &self.plan.nodes[node].operator {
            Operator::Over(over) if only(&over.groups) && over.answer != OverAnswer::OnArrival => RowNumber {
                node,
                partition: over.partition.clone(),
                order: vec![SortKey { column: over.time_column, descending: false, nulls_first: true }],
                by: if over.answer == OverAnswer::ProcessingTime { Order::Arrival } else { Order::EventTime },
            },
            Operator::OverByColumn(over) if only(&over.groups) => {
                RowNumber { node, partition: over.partition.clone(), order: over.order.clone(), by: Order::Columns }
            }
            _ => return None,
        };
        Some((row_number, projection))
    }

    fn rank(&mut self, row_number: RowNumber, from: u64, to: u64, span: Option<Span>) -> Result<Relation, QueryError> {
        let RowNumber { node, partition, order, by } = row_number;
        let input = self.plan.nodes[node].inputs[0].node;
        let schema = self.plan.nodes[node].schema.clone();
        let window = self.over_windows.get(&node).cloned().flatten();
        let columns = schema.fields.iter().map(|f| ScopeColumn::new(None, &f.name, f.data_type.clone()));
        let mut relation =
            Relation { node, scope: crate::binder::Scope::new(columns.collect()), window: window.clone() };

        let in_partition = |c: Option<usize>| c.is_some_and(|c| partition.contains(&c));
        if let Some(w) = window.filter(|w| in_partition(w.start) && in_partition(w.end)) {
            if self.changelog(input) == ChangelogMode::Retract {
                return Err(QueryError::unsupported(
                    "ROW_NUMBER per window over a query that updates its rows",
                    "use windows without ALLOW LATENESS over appended rows, or leave the window out of PARTITION BY",
                )
                .with_span(span));
            }
            let keys: Vec<usize> = partition
                .iter()
                .copied()
                .filter(|&c| Some(c) != w.start && Some(c) != w.end && Some(c) != w.time)
                .collect();
            // The last row by time, where Flink lets an equal time replace.
            let last_of_ties = matches!(order.as_slice(), [key] if key.descending && self.is_rowtime(input, key.column))
                && (from, to) == (1, 1);
            let rank = WindowRank {
                windowing: Windowing::Attached {
                    start_column: w.start,
                    end_column: w.end.expect("in the partition"),
                    time_zone: w.time_zone,
                },
                partition: keys.clone(),
                order,
                last_of_ties,
                from,
                to,
                with_rank: true,
            };
            let inputs = vec![Input::by_key(input, keys)];
            relation.node =
                self.add("window-rank", Operator::WindowRank(rank), inputs, schema.clone(), ChangelogMode::Append);
            // Late rows come in the shape of the rank's input.
            if w.clock == TimeAttribute::Rowtime {
                let mut late = relation.clone();
                late.scope.columns.truncate(self.plan.nodes[input].schema.len());
                self.late_sources.push((relation.node, late));
            }
            return Ok(relation);
        }
        // Keep-first: the row with the smallest time, known once the watermark has passed it.
        if by == Order::EventTime && (from, to) == (1, 1) {
            let dedup = Deduplicate {
                partition: partition.clone(),
                time_column: order[0].column,
                keep_last: false,
                processing_time: false,
            };
            return Ok(self.deduplicated(dedup, input, relation, ChangelogMode::Append));
        }
        if let ([key], (1, 1)) = (order.as_slice(), (from, to)) {
            let processing_time = self.is_proctime(input, key.column);
            let by_time = processing_time || self.is_rowtime(input, key.column);
            if key.descending && by_time && self.changelog(input) == ChangelogMode::Append {
                let dedup = Deduplicate {
                    partition: partition.clone(),
                    time_column: key.column,
                    keep_last: true,
                    processing_time,
                };
                return Ok(self.deduplicated(dedup, input, relation, ChangelogMode::Retract));
            }
        }
        if let [key] = order.as_slice()
            && key.descending
            && self.is_proctime(input, key.column)
            && self.changelog(input) == ChangelogMode::Append
        {
            return Ok(self.newest(input, &partition, key.column, (from, to), relation));
        }
        let rank = Rank { partition: partition.clone(), order, from, to, with_rank: true };
        let inputs = vec![Input::by_key(input, partition)];
        relation.node = self.add("rank", Operator::Rank(rank), inputs, schema, ChangelogMode::Retract);
        Ok(relation)
    }

    /// The rows of each key that came last. Rows of one instant are told apart by their number, counted as they come.
    fn newest(
        &mut self,
        input: NodeId,
        partition: &[usize],
        time_column: usize,
        (from, to): (u64, u64),
        mut relation: Relation,
    ) -> Relation {
        let width = relation.width() - 1;
        let number = relation.scope.columns.pop().expect("the rank");
        let inputs = |node| vec![Input::by_key(node, partition.to_vec())];
        let over = Over {
            partition: partition.to_vec(),
            time_column,
            groups: vec![OverGroup {
                frame: OverFrame::Rows { preceding: None },
                functions: vec![OverFunction::RowNumber],
            }],
            answer: OverAnswer::ProcessingTime,
            ties: vec![],
        };
        relation.scope.columns.push(ScopeColumn::new(None, "$arrival", number.data_type.clone()));
        let schema = relation.schema();
        let numbered = self.add("over", Operator::Over(over), inputs(input), schema, ChangelogMode::Append);
        relation.scope.columns.push(number);
        let order = vec![SortKey { column: width, descending: true, nulls_first: false }];
        let rank = Rank { partition: partition.to_vec(), order, from, to, with_rank: true };
        let schema = relation.schema();
        relation.node = self.add("rank", Operator::Rank(rank), inputs(numbered), schema, ChangelogMode::Retract);
        let mut items = super::relation::pass_through(&relation);
        items.remove(width);
        self.calc(&relation, None, items)
    }

    /// First or last row per key; the rank, which is 1, is appended.
    fn deduplicated(
        &mut self,
        dedup: Deduplicate,
        input: NodeId,
        mut relation: Relation,
        mode: ChangelogMode,
    ) -> Relation {
        let inputs = vec![Input::by_key(input, dedup.partition.clone())];
        let schema = self.plan.nodes[input].schema.clone();
        let width = schema.len();
        relation.node = self.add("deduplicate", Operator::Deduplicate(dedup), inputs, schema, mode);
        let mut bare = relation.clone();
        bare.scope.columns.truncate(width);
        self.late_sources.push((bare.node, bare.clone()));
        let mut items = super::relation::pass_through(&bare);
        let one = Expr::literal(Value::Int(1), DataType::not_null(TypeKind::BigInt));
        items.push(Item::new(relation.scope.columns[width].name.clone(), one));
        self.calc(&bare, None, items)
    }

    /// Whether a column of a node is PROCTIME() of a projection below, carried through unchanged.
    fn is_proctime(&self, node: NodeId, column: usize) -> bool {
        let node = &self.plan.nodes[node];
        match &node.operator {
            Operator::Calc { projection, .. } => match &projection[column].kind {
                ExprKind::Call { function, .. } => function == "PROCTIME",
                ExprKind::Column(column) => self.is_proctime(node.inputs[0].node, *column),
                _ => false,
            },
            Operator::Watermark { .. } | Operator::Over(_) | Operator::Unnest(_) | Operator::LookupJoin(_) => {
                let input = node.inputs[0].node;
                column < self.plan.nodes[input].schema.len() && self.is_proctime(input, column)
            }
            Operator::Union => node.inputs.iter().all(|i| self.is_proctime(i.node, column)),
            _ => false,
        }
    }

    /// Whether a column of a node is the time attribute of a watermark below, carried through unchanged.
    pub(super) fn is_rowtime(&self, node: NodeId, column: usize) -> bool {
        let node = &self.plan.nodes[node];
        if column >= node.schema.len() {
            return false;
        }
        match &node.operator {
            Operator::Watermark { time_column, .. } => *time_column == column,
            Operator::Calc { projection, .. } => {
                projection[column].as_column().is_some_and(|c| self.is_rowtime(node.inputs[0].node, c))
            }
            Operator::Over(_)
            | Operator::Unnest(_)
            | Operator::TableFunction(_)
            | Operator::Predict(_)
            | Operator::LookupJoin(_) => {
                let input = node.inputs[0].node;
                column < self.plan.nodes[input].schema.len() && self.is_rowtime(input, column)
            }
            Operator::Union => node.inputs.iter().all(|i| self.is_rowtime(i.node, column)),
            Operator::Process(process) => process.time_column.is_some() && column + 1 == node.schema.len(),
            Operator::WindowAggregate(_) => column + 1 == node.schema.len(),
            Operator::WindowTable(_) => {
                let width = node.schema.len() - 3;
                column == width + 2 || (column < width && self.is_rowtime(node.inputs[0].node, column))
            }
            _ => false,
        }
    }
}

/// `column <= 3` and the like as the ranks they let through.
fn bound(expr: &Expr, column: usize) -> Option<(u64, u64)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let [a, b] = args.as_slice() else { return None };
    let (sign, value) = match (strip(a).as_column(), strip(b).as_column()) {
        (Some(c), None) if c == column => (function.as_str(), constant(b)?),
        (None, Some(c)) if c == column => (mirrored(function)?, constant(a)?),
        _ => return None,
    };
    let Value::Int(n) = value else { return None };
    let n = u64::try_from(n).ok()?;
    match sign {
        "=" => Some((n, n)),
        "<=" => Some((1, n)),
        "<" => Some((1, n.checked_sub(1)?)),
        ">=" => Some((n, u64::MAX)),
        ">" => Some((n + 1, u64::MAX)),
        _ => None,
    }
}

fn strip(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Cast { input, .. } if input.data_type.kind.is_integer() => strip(input),
        _ => expr,
    }
}

fn mirrored(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "=" => "=",
        "<=" => ">=",
        "<" => ">",
        ">=" => "<=",
        ">" => "<",
        _ => return None,
    })
}
