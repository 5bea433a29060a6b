//! An aggregation right above a window function assigns the windows itself, so that no row is copied per window.
//!
//! ```text
//! WindowAggregate(Attached) <- [Expand] <- Calc* <- WindowTable <- x      becomes
//! WindowAggregate(Assign)   <- [Expand] <- Calc* <- x                     (Calc: window columns NULL, time column added)
//! ```
//!
//! With grouping sets, Flink finds the sessions of a SESSION function behind the expansion: a partition column that a set
//! leaves out is NULL in it, so that its rows are in one session, whatever the column's value. Then the function only moves:
//!
//! ```text
//! WindowAggregate(Attached) <- WindowTable <- Expand <- Calc* <- x
//! ```

use wasmill_plan::{
    AggregateCall, ChangelogMode, DataType, Expr, Field, Input, Node, NodeId, Operator, Plan, Port, TypeKind, Value,
    WindowAggregate, WindowKind, WindowSpec, WindowTable, Windowing,
};

use super::Rebuild;

pub(super) fn fuse_windows(plan: &Plan) -> Plan {
    let mut rebuilt = Rebuild::new(plan);
    // For a fused node: how the columns of its input moved, for readers of its late rows.
    let mut moved: Vec<Option<Vec<usize>>> = vec![None; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate() {
        if let Some(map) = fuse(plan, node, id, &mut rebuilt) {
            moved[id] = Some(map);
            continue;
        }
        let mut new = rebuilt.inputs_mapped(node);
        if let (Operator::Calc { projection, .. }, [Input { node, port: Port::Late, .. }]) =
            (&mut new.operator, node.inputs.as_slice())
        {
            if let Some(map) = &moved[*node] {
                for expr in projection {
                    *expr = expr.clone().map_columns(&|c| map[c]);
                }
            }
        }
        rebuilt.push(id, new);
    }
    rebuilt.plan
}

/// The columns of one level while the path is rebuilt upwards.
struct Level {
    node: NodeId,
    fields: Vec<Field>,
    /// Where each old column is now; `None` for a window column.
    columns: Vec<Option<usize>>,
    /// Where the time attribute, then the session's partition, are.
    carried: Vec<usize>,
    /// For each of them, the columns that are copies of it.
    copies: Vec<Vec<usize>>,
    changelog: ChangelogMode,
}

/// Adds the fused nodes in place of node `id`; gives the map of its input's columns.
fn fuse(plan: &Plan, node: &Node, id: NodeId, rebuilt: &mut Rebuild) -> Option<Vec<usize>> {
    let Operator::WindowAggregate(aggregate) = &node.operator else { return None };
    let Windowing::Attached { start_column: Some(start), end_column: end, .. } = &aggregate.windowing else {
        return None;
    };
    // Down to the window function.
    let mut path = Vec::new();
    let mut current = node.inputs[0].node;
    let (mut start, mut end) = (*start, *end);
    let spec = loop {
        let below = &plan.nodes[current];
        match &below.operator {
            Operator::WindowTable(table) => {
                let width = below.schema.len() - 3;
                if (start, end) != (width, width + 1) {
                    return None;
                }
                break &table.window;
            }
            Operator::Calc { projection, .. } => {
                (start, end) = (projection[start].as_column()?, projection[end].as_column()?);
            }
            Operator::Expand { .. } => {}
            _ => return None,
        }
        path.push(below);
        current = below.inputs[0].node;
    };
    // And up again without it.
    let base = plan.nodes[current].inputs[0].node;
    let fields = plan.nodes[base].schema.fields.clone();
    let mut columns: Vec<Option<usize>> = (0..fields.len()).map(Some).collect();
    columns.extend([None; 3]);
    let mut carried = vec![spec.time_column];
    if let WindowKind::Session { partition, .. } = &spec.kind {
        carried.extend(partition);
    }
    let copies = vec![Vec::new(); carried.len()];
    let changelog = plan.nodes[base].changelog;
    let mut level = Level { node: rebuilt.places[base], fields, columns, carried, copies, changelog };
    let mut added: Vec<Node> = Vec::new();
    let first = rebuilt.plan.nodes.len();
    for below in path.into_iter().rev() {
        let next = first + added.len();
        added.push(raise(below, &mut level)?);
        level.node = next;
    }
    let fused = match assign(aggregate, spec, &level) {
        Some(fused) => fused,
        None => {
            let (table, fused) = move_sessions(aggregate, spec, &level)?;
            added.push(table);
            level.node += 1;
            fused
        }
    };
    let exchange = Some(fused.keys.clone());
    let map: Vec<usize> = level.columns.iter().enumerate().map(|(i, c)| c.unwrap_or(i)).collect();
    for node in added {
        rebuilt.push_new(node);
    }
    rebuilt.push(
        id,
        Node {
            uid: node.uid.clone(),
            operator: Operator::WindowAggregate(fused),
            inputs: vec![Input { node: level.node, port: Port::Main, exchange }],
            schema: node.schema.clone(),
            changelog: node.changelog,
        },
    );
    Some(map)
}

/// The same operator one level up over columns that moved; window columns become NULL, and the carried columns are kept.
fn raise(node: &Node, level: &mut Level) -> Option<Node> {
    let moved = |expr: &Expr, level: &Level| {
        let mut lost = false;
        expr.visit_columns(&mut |c| lost |= level.columns[c].is_none());
        (!lost).then(|| expr.clone().map_columns(&|c| level.columns[c].expect("checked")))
    };
    let mut fields = node.schema.fields.clone();
    let inputs = vec![Input::forward(level.node)];
    let operator = match &node.operator {
        Operator::Calc { filter, projection } => {
            let filter = match filter {
                Some(filter) => Some(moved(filter, level)?),
                None => None,
            };
            let mut columns = Vec::new();
            let mut raised = Vec::new();
            for (i, expr) in projection.iter().enumerate() {
                if expr.as_column().is_some_and(|c| level.columns[c].is_none()) {
                    raised.push(Expr::literal(Value::Null, expr.data_type.clone().with_nullable(true)));
                    columns.push(None);
                } else {
                    raised.push(moved(expr, level)?);
                    columns.push(Some(i));
                }
            }
            let copies = |of: usize| {
                let is_copy = |e: &Expr| e.as_column().is_some_and(|c| level.columns[c] == Some(of));
                projection.iter().enumerate().filter(|(_, e)| is_copy(e)).map(|(i, _)| i).collect()
            };
            level.copies = level.carried.iter().map(|&c| copies(c)).collect();
            for carried in &mut level.carried {
                let field = level.fields[*carried].clone();
                raised.push(Expr::column(*carried, field.data_type.clone()));
                *carried = fields.len();
                fields.push(field);
            }
            level.columns = columns;
            Operator::Calc { filter, projection: raised }
        }
        Operator::Expand { columns, sets } => {
            let columns = columns.iter().map(|&c| level.columns[c]).collect::<Option<Vec<_>>>()?;
            for (carried, copies) in level.carried.iter_mut().zip(&level.copies).skip(1) {
                if let Some(copy) = copies.iter().find(|c| columns.contains(c)) {
                    *carried = *copy;
                }
            }
            // The carried columns lie between the old columns and `$e`.
            let e = fields.pop()?;
            let old_width = fields.len();
            fields.extend(level.fields[old_width..].iter().cloned());
            fields.push(e);
            level.columns.push(Some(fields.len() - 1));
            Operator::Expand { columns, sets: sets.clone() }
        }
        _ => return None,
    };
    level.fields.clone_from(&fields);
    Some(Node {
        uid: node.uid.clone(),
        operator,
        inputs,
        schema: wasmill_plan::Schema::new(fields),
        changelog: node.changelog,
    })
}

/// The aggregation that assigns the windows.
fn assign(aggregate: &WindowAggregate, spec: &WindowSpec, level: &Level) -> Option<WindowAggregate> {
    let (keys, aggregates) = moved_calls(aggregate, level)?;
    let mut window = WindowSpec { time_column: level.carried[0], ..spec.clone() };
    if let WindowKind::Session { partition, .. } = &mut window.kind {
        // Sessions are found per group; a grouping by anything but the partition must keep them apart itself.
        let carried = &level.carried[1..];
        let name = |c: usize| &level.fields[c].name;
        let mut wanted: Vec<&String> = carried.iter().map(|&c| name(c)).collect();
        let mut given: Vec<&String> = keys.iter().map(|&c| name(c)).collect();
        wanted.sort();
        given.sort();
        if wanted != given {
            return None;
        }
        partition.clone_from(&keys);
    }
    let windowing = Windowing::Assign(window);
    Some(WindowAggregate { windowing, keys, aggregates, lateness: aggregate.lateness.clone() })
}

/// A SESSION function behind the expansion of grouping sets, and the aggregation over it.
fn move_sessions(aggregate: &WindowAggregate, spec: &WindowSpec, level: &Level) -> Option<(Node, WindowAggregate)> {
    let WindowKind::Session { gap_ms, .. } = spec.kind else { return None };
    level.fields.last().filter(|f| f.name == "$e")?;
    let (keys, aggregates) = moved_calls(aggregate, level)?;
    let partition = level.carried[1..].to_vec();
    let width = level.fields.len();
    let mut fields = level.fields.clone();
    let timestamp = DataType::not_null(TypeKind::Timestamp(3));
    let time = level.fields[level.carried[0]].data_type.clone().with_nullable(false);
    fields.push(Field::new("window_start", timestamp.clone()));
    fields.push(Field::new("window_end", timestamp));
    fields.push(Field::new("window_time", time));
    let kind = WindowKind::Session { gap_ms, partition: partition.clone() };
    let window = WindowSpec { kind, time_column: level.carried[0], time_zone: spec.time_zone.clone() };
    let table = Node {
        uid: "window".to_owned(),
        operator: Operator::WindowTable(WindowTable { window }),
        inputs: vec![Input::by_key(level.node, partition)],
        schema: wasmill_plan::Schema::new(fields),
        changelog: level.changelog,
    };
    let windowing =
        Windowing::Attached { start_column: Some(width), end_column: width + 1, time_zone: spec.time_zone.clone() };
    Some((table, WindowAggregate { windowing, keys, aggregates, lateness: aggregate.lateness.clone() }))
}

/// The keys and calls of an aggregation over the columns of a level; `None` where one needs a window column.
fn moved_calls(aggregate: &WindowAggregate, level: &Level) -> Option<(Vec<usize>, Vec<AggregateCall>)> {
    let column = |c: usize| level.columns[c];
    let keys = aggregate.keys.iter().map(|&k| column(k)).collect::<Option<Vec<_>>>()?;
    let call = |a: &AggregateCall| {
        Some(AggregateCall {
            args: a.args.iter().map(|&c| column(c)).collect::<Option<_>>()?,
            filter: match a.filter {
                Some(f) => Some(column(f)?),
                None => None,
            },
            ..a.clone()
        })
    };
    Some((keys, aggregate.aggregates.iter().map(call).collect::<Option<_>>()?))
}
