//! Aggregation: windowed, or per key with updates.

use wasmill_plan::{
    AggregateCall, ChangelogMode, DataType, Expr, ExprKind, Input, Lateness, NodeId, Operator, TypeKind, Value,
    WindowAggregate, WindowKind, Windowing,
};

use super::Planner;
use super::grouping::Grouping;
use super::relation::{Item, Relation, WindowColumns, pass_through};
use crate::binder::{
    AGGREGATE_BASE, BoundAggregate, GROUPING, OVER_BASE, Scope, ScopeColumn, TimeAttribute, WINDOW_BASE,
};
use crate::catalog::FunctionKind;
use crate::error::{QueryError, Span};

/// An aggregation that was planned, and where its parts are.
pub(super) struct Grouped {
    pub relation: Relation,
    /// Names of the input's columns, for messages.
    input: Scope,
    keys: Vec<Expr>,
    /// Output column of the `i`-th key.
    key_columns: Vec<usize>,
    first_aggregate: usize,
    /// Output columns of window start, end and time.
    window: Option<[usize; 3]>,
    /// The input's window columns, which now are the output's.
    input_window: Option<WindowColumns>,
    /// With several grouping sets: the column of `$e`, and for each set which keys are in it.
    sets: Option<(usize, Vec<Vec<usize>>, Vec<usize>)>,
}

impl Planner<'_> {
    /// Plans the aggregation of one SELECT.
    pub(super) fn aggregate(
        &mut self,
        input: &Relation,
        grouping: Grouping,
        aggregates: Vec<BoundAggregate>,
        span: Option<Span>,
    ) -> Result<Grouped, QueryError> {
        let Grouping { keys, sets, window: group_window, .. } = grouping;
        let sets = if sets.is_empty() { vec![(0..keys.len()).collect()] } else { sets };
        let attached = if group_window.is_none() { attached_window(input, &keys, &sets) } else { None };
        let windowed = group_window.is_some() || attached.is_some();
        let parts = match &group_window {
            Some(window) => !matches!(window.spec.kind, WindowKind::Tumble { .. }),
            None => attached.is_some() && self.window_of_parts(input.node),
        };
        self.check_user_aggregates(input, &aggregates, windowed, parts, span)?;
        // The window's columns are no keys of the operator.
        let is_window_column = |key: &Expr| {
            attached.as_ref().is_some_and(|w| {
                let column = key.as_column();
                column.is_some() && (column == w.start || column == w.end || column == w.time)
            })
        };
        let plain: Vec<usize> = (0..keys.len()).filter(|&k| !is_window_column(&keys[k])).collect();
        let sets: Vec<Vec<usize>> =
            sets.into_iter().map(|s| s.into_iter().filter(|k| plain.contains(k)).collect()).collect();
        let multiple = sets.len() > 1;

        // Everything the operator reads is a column: keys, arguments, filters. With grouping sets, keys are copies, since an
        // aggregate over a key's column sees its value even where the set leaves the key out.
        let mut exprs: Vec<Expr> = Vec::new();
        if !multiple {
            exprs.extend(plain.iter().map(|&k| keys[k].clone()));
        }
        for aggregate in &aggregates {
            exprs.extend(aggregate.args.iter().cloned());
            exprs.extend(aggregate.filter.clone());
        }
        let (mut wide, places) = self.with_columns(input, &exprs);
        let mut places = places.into_iter();
        let mut key_inputs: Vec<usize> =
            if multiple { Vec::new() } else { places.by_ref().take(plain.len()).collect() };
        let calls: Vec<AggregateCall> = aggregates
            .iter()
            .map(|a| AggregateCall {
                function: a.function.clone(),
                arg_types: a.args.iter().map(|e| e.data_type.clone()).collect(),
                args: places.by_ref().take(a.args.len()).collect(),
                constants: a.constants.clone(),
                distinct: a.distinct,
                filter: a.filter.as_ref().and_then(|_| places.next()),
                data_type: a.data_type.clone(),
            })
            .collect();
        let mut key_types: Vec<DataType> = plain.iter().map(|&k| keys[k].data_type.clone()).collect();
        if multiple {
            let (expanded, columns) = self.expand(&wide, &keys, &plain, &sets);
            wide = expanded;
            key_inputs = columns;
            for (position, k) in plain.iter().enumerate() {
                if !sets.iter().all(|s| s.contains(k)) {
                    key_types[position].nullable = true;
                }
            }
            key_types.push(DataType::not_null(TypeKind::BigInt));
        }

        let clock = match (&group_window, &attached) {
            (Some(window), _) => window.clock,
            (None, Some(window)) => window.clock,
            (None, None) => TimeAttribute::Rowtime,
        };
        let windowing = match (group_window, &attached) {
            (Some(window), _) => {
                let mut spec = window.spec;
                if clock == TimeAttribute::Proctime {
                    (wide, spec.time_column) = self.processing_time(&wide);
                }
                if let WindowKind::Session { partition, .. } = &mut spec.kind {
                    partition.clone_from(&key_inputs);
                }
                Some(Windowing::Assign(spec))
            }
            (None, Some(window)) => Some(Windowing::Attached {
                start_column: window.start,
                end_column: window.end.expect("an attached window has its end"),
                time_zone: window.time_zone.clone(),
            }),
            (None, None) => None,
        };
        let mut scope = Scope::default();
        for (i, data_type) in key_types.iter().enumerate() {
            scope.columns.push(ScopeColumn::new(None, &format!("$k{i}"), data_type.clone()));
        }
        let first_aggregate = scope.columns.len();
        for (i, call) in calls.iter().enumerate() {
            scope.columns.push(ScopeColumn::new(None, &format!("$a{i}"), call.data_type.clone()));
        }
        let mut relation = Relation { node: wide.node, scope, window: None };
        let mut window = None;
        match windowing {
            Some(windowing) => {
                let first = relation.width();
                window = Some([first, first + 1, first + 2]);
                relation.window = Some(WindowColumns {
                    start: Some(first),
                    end: Some(first + 1),
                    time: Some(first + 2),
                    time_zone: windowing.time_zone().map(str::to_owned),
                    clock,
                });
                self.window_aggregate(&wide, &mut relation, windowing, key_inputs, calls, input);
            }
            None => {
                let inputs = vec![Input::by_key(wide.node, key_inputs.clone())];
                let operator = Operator::GroupAggregate { keys: key_inputs, aggregates: calls };
                let schema = relation.schema();
                relation.node = self.add("group-aggregate", operator, inputs, schema, ChangelogMode::Retract);
            }
        }
        let key_columns = (0..keys.len()).map(|k| plain.iter().position(|&p| p == k).unwrap_or(usize::MAX)).collect();
        Ok(Grouped {
            sets: multiple.then(|| (plain.len(), sets, plain.clone())),
            relation,
            input: input.scope.clone(),
            keys,
            key_columns,
            first_aggregate,
            window,
            input_window: attached,
        })
    }

    /// Refuses users' aggregate functions that cannot do what the query needs. `parts`: windows are merged from parts.
    fn check_user_aggregates(
        &self,
        input: &Relation,
        aggregates: &[BoundAggregate],
        windowed: bool,
        parts: bool,
        span: Option<Span>,
    ) -> Result<(), QueryError> {
        for aggregate in aggregates {
            let user = self.catalog.function(&aggregate.function).filter(|f| f.name == aggregate.function);
            let Some(FunctionKind::Aggregate { retracts, merges }) = user.map(|f| f.kind) else { continue };
            let name = &aggregate.function;
            if self.changelog(input.node) == ChangelogMode::Retract && !retracts {
                return Err(QueryError::new(format!(
                    "aggregate function '{name}' cannot take rows back, and its input updates rows that it gave before"
                ))
                .with_span(span)
                .with_hint(format!(
                    "export '{name}__retract' from its module, or aggregate rows that are only added"
                )));
            }
            if windowed && !merges && (parts || self.clauses.lateness_ms > 0) {
                let why = if parts { "these windows are put together from parts" } else { "late rows are allowed" };
                return Err(QueryError::new(format!("aggregate function '{name}' cannot merge groups, and {why}"))
                    .with_span(span)
                    .with_hint(format!("export '{name}__merge' from its module, or use TUMBLE windows")));
            }
        }
        Ok(())
    }

    /// Whether the windows that rows carry come from HOP, CUMULATE or SESSION, which aggregate their rows in parts.
    fn window_of_parts(&self, node: NodeId) -> bool {
        let node = &self.plan.nodes[node];
        match &node.operator {
            Operator::WindowTable(table) => !matches!(table.window.kind, WindowKind::Tumble { .. }),
            Operator::WindowAggregate(_) => false,
            _ => node.inputs.iter().any(|input| self.window_of_parts(input.node)),
        }
    }

    fn window_aggregate(
        &mut self,
        wide: &Relation,
        relation: &mut Relation,
        windowing: Windowing,
        keys: Vec<usize>,
        aggregates: Vec<AggregateCall>,
        input: &Relation,
    ) {
        let window = relation.window.clone().expect("set with the windowing");
        let timestamp = DataType::not_null(TypeKind::Timestamp(3));
        let time_type =
            if window.time_zone.is_some() { DataType::not_null(TypeKind::TimestampLtz(3)) } else { timestamp.clone() };
        for (name, data_type) in
            [("window_start", timestamp.clone()), ("window_end", timestamp), ("window_time", time_type)]
        {
            relation.scope.columns.push(ScopeColumn::new(None, name, data_type));
        }
        relation.scope.columns.last_mut().expect("window_time").time = Some(window.clock);
        // No row is late in processing time.
        let in_event_time = window.clock == TimeAttribute::Rowtime;
        let lateness = Lateness { allowed_ms: if in_event_time { self.clauses.lateness_ms } else { 0 } };
        self.clauses.lateness_used |= in_event_time;
        let mode = if lateness.allowed_ms > 0 { ChangelogMode::Retract } else { ChangelogMode::Append };
        let inputs = vec![Input::by_key(wide.node, keys.clone())];
        let operator = Operator::WindowAggregate(WindowAggregate { windowing, keys, aggregates, lateness });
        let schema = relation.schema();
        relation.node = self.add("window-aggregate", operator, inputs, schema, mode);
        if in_event_time {
            self.late_sources.push((relation.node, input.clone()));
        }
    }

    /// Rows once per grouping set, with copies of the keys; gives the copies' columns and `$e`.
    fn expand(
        &mut self,
        wide: &Relation,
        keys: &[Expr],
        plain: &[usize],
        sets: &[Vec<usize>],
    ) -> (Relation, Vec<usize>) {
        let mut items = pass_through(wide);
        let mut columns = Vec::new();
        for &k in plain {
            columns.push(items.len());
            items.push(Item::new(format!("$k{k}"), keys[k].clone()));
        }
        let copied = self.calc(wide, None, items);
        let positions = |set: &Vec<usize>| {
            plain.iter().enumerate().filter(|(_, k)| set.contains(k)).map(|(position, _)| position).collect()
        };
        let operator = Operator::Expand { columns: columns.clone(), sets: sets.iter().map(positions).collect() };
        let mut expanded = copied.clone();
        for &column in &columns {
            expanded.scope.columns[column].data_type.nullable = true;
        }
        columns.push(expanded.width());
        expanded.scope.columns.push(ScopeColumn::new(None, "$e", DataType::not_null(TypeKind::BigInt)));
        let schema = expanded.schema();
        let changelog = self.changelog(copied.node);
        let node: NodeId = self.add("expand", operator, vec![Input::forward(copied.node)], schema, changelog);
        expanded.node = node;
        (expanded, columns)
    }
}

/// The input's window, if every grouping set has both its start and its end among the keys.
fn attached_window(input: &Relation, keys: &[Expr], sets: &[Vec<usize>]) -> Option<WindowColumns> {
    let window = input.window.as_ref()?;
    let in_all = |column: usize| sets.iter().all(|s| s.iter().any(|&k| keys[k].as_column() == Some(column)));
    (in_all(window.start?) && in_all(window.end?)).then(|| window.clone())
}

impl Grouped {
    /// Turns an expression over the input (and its aggregates) into one over the output.
    pub fn rewrite(&self, expr: &mut Expr, span: Option<Span>) -> Result<(), QueryError> {
        if let Some(k) = self.keys.iter().position(|k| k == expr) {
            if self.key_columns[k] != usize::MAX {
                *expr = self.relation.column(self.key_columns[k]);
                return Ok(());
            }
        }
        match &mut expr.kind {
            // An OVER call over the aggregated rows: resolved later, its place is its number.
            ExprKind::Column(index) if (OVER_BASE..WINDOW_BASE).contains(index) => return Ok(()),
            ExprKind::Call { function, args } if function == GROUPING => {
                let args = std::mem::take(args);
                *expr = self.grouping_id(&args, span)?;
                return Ok(());
            }
            ExprKind::Column(index) => {
                let index = *index;
                *expr = self.column(index, span)?;
                return Ok(());
            }
            _ => {}
        }
        for child in expr.children_mut() {
            self.rewrite(child, span)?;
        }
        Ok(())
    }

    fn column(&self, index: usize, span: Option<Span>) -> Result<Expr, QueryError> {
        if let (Some(window), true) = (self.window, index >= WINDOW_BASE) {
            return Ok(self.relation.column(window[index - WINDOW_BASE]));
        }
        if index >= AGGREGATE_BASE {
            return Ok(self.relation.column(self.first_aggregate + index - AGGREGATE_BASE));
        }
        if let (Some(input), Some(output)) = (&self.input_window, self.window) {
            for (column, output) in [input.start, input.end, input.time].into_iter().zip(output) {
                if column == Some(index) {
                    return Ok(self.relation.column(output));
                }
            }
        }
        let name = &self.input.columns[index].name;
        Err(QueryError::new(format!("column '{name}' is neither in GROUP BY nor inside an aggregate"))
            .with_span(span)
            .with_hint(format!("add it to GROUP BY, or take one of its values: MAX(`{name}`)")))
    }

    /// GROUPING_ID: a bit per argument, 1 where the row's set leaves the key out; the first argument is the highest bit.
    fn grouping_id(&self, args: &[Expr], span: Option<Span>) -> Result<Expr, QueryError> {
        let bigint = DataType::not_null(TypeKind::BigInt);
        let mut keys = Vec::new();
        for arg in args {
            match self.keys.iter().position(|k| k == arg) {
                Some(k) => keys.push(k),
                None => return Err(QueryError::new("GROUPING takes expressions of GROUP BY").with_span(span)),
            }
        }
        let id = |set: &Vec<usize>| keys.iter().fold(0i64, |id, k| id << 1 | i64::from(!set.contains(k)));
        let Some((column, sets, plain)) = &self.sets else {
            return Ok(Expr::literal(Value::Int(0), bigint));
        };
        let literal = |v: i64| Expr::literal(Value::Int(v), bigint.clone());
        let branch = |set: &Vec<usize>| {
            let e = plain.iter().fold(0i64, |e, k| e << 1 | i64::from(!set.contains(k)));
            let is_set =
                Expr::call("=", vec![self.relation.column(*column), literal(e)], DataType::not_null(TypeKind::Boolean));
            (is_set, literal(id(set)))
        };
        let branches = sets.iter().map(branch).collect();
        let kind = ExprKind::Case { branches, otherwise: Some(Box::new(literal(0))) };
        Ok(Expr { kind, data_type: bigint })
    }
}
