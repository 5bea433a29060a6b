//! Plans as text: a tree from the sinks down to the sources, and expressions near to SQL.
//!
//! ```text
//! Sink rows to the caller
//! └─ WindowAggregate TUMBLE(at, 10 s), by k: COUNT(*) AS n   [-> 1 instance each k]
//!    └─ Source bids (k, at)
//! ```

use std::collections::HashSet;
use std::fmt::Write;

use wasmill_plan::{
    AggregateCall, ChangelogMode, Expr, ExprKind, Input, JoinKind, LookupBuild, Node, NodeId, Operator, OverAnswer,
    OverFrame, OverFunction, OverGroup, Plan, Port, Schema, SortKey, TypeKind, Value, WindowKind, WindowSpec,
    Windowing,
};

/// The plan as a tree. A node that several others read is written once and named where it is read again.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let mut written = HashSet::new();
    let read: HashSet<NodeId> = plan.nodes.iter().flat_map(|n| n.inputs.iter().map(|i| i.node)).collect();
    for id in (0..plan.nodes.len()).filter(|id| !read.contains(id)) {
        node(plan, id, None, "", "", &mut written, &mut out);
    }
    out.truncate(out.trim_end().len());
    out
}

fn node(
    plan: &Plan,
    id: NodeId,
    input: Option<&Input>,
    first: &str,
    rest: &str,
    written: &mut HashSet<NodeId>,
    out: &mut String,
) {
    let node = &plan.nodes[id];
    let _ = write!(out, "{first}");
    if let Some(Input { port: Port::Late, .. }) = input {
        out.push_str("late rows of ");
    }
    if !written.insert(id) {
        let _ = writeln!(out, "{} (see above)", node.uid);
        return;
    }
    let inputs: Vec<&Schema> = node.inputs.iter().map(|i| &plan.nodes[i.node].schema).collect();
    let _ = write!(out, "{}", operator(node, &inputs));
    let mut notes = vec![node.uid.clone()];
    if node.changelog == ChangelogMode::Retract {
        notes.push("updates".to_owned());
    }
    if let Some(keys) = input.and_then(|i| i.exchange.as_ref()) {
        notes.push(match keys.as_slice() {
            [] => "sent to one instance".to_owned(),
            keys => format!("sent by {}", columns(keys, &node.schema)),
        });
    }
    let _ = writeln!(out, "  [{}]", notes.join(", "));
    for (i, input) in node.inputs.iter().enumerate() {
        let last = i + 1 == node.inputs.len();
        let branch = format!("{rest}{}", if last { "└─ " } else { "├─ " });
        let below = format!("{rest}{}", if last { "   " } else { "│  " });
        self::node(plan, input.node, Some(input), &branch, &below, written, out);
    }
}

/// One operator on one line.
fn operator(node: &Node, inputs: &[&Schema]) -> String {
    let empty = Schema::default();
    let input = inputs.first().copied().unwrap_or(&empty);
    match &node.operator {
        Operator::Source(source) => {
            let mut columns: Vec<String> = names(&node.schema).into_iter().map(str::to_owned).collect();
            for (column, (field, read)) in columns.iter_mut().zip(node.schema.fields.iter().zip(&source.row_fields)) {
                if let (TypeKind::Row(fields), Some(read)) = (&field.data_type.kind, read) {
                    let read: Vec<&str> = read.iter().map(|&f| fields[f].name.as_str()).collect();
                    let _ = write!(column, "[{}]", read.join(", "));
                }
            }
            format!("Source {} ({})", source.table.name, columns.join(", "))
        }
        Operator::Values { rows } => format!("Values {} rows", rows.len()),
        Operator::Calc { filter, projection } => {
            let mut line = format!("Calc {}", projected(projection, &node.schema, input));
            if let Some(filter) = filter {
                let _ = write!(line, " WHERE {}", expr(filter, input));
            }
            line
        }
        Operator::Watermark { time_column, expr: e } => {
            format!("Watermark FOR {} AS {}", name(*time_column, input), expr(e, input))
        }
        Operator::ProcessingTime => "ProcessingTime".to_owned(),
        Operator::Union => "Union".to_owned(),
        Operator::Expand { columns: all, sets } => {
            let set = |set: &Vec<usize>| {
                let kept: Vec<usize> = set.iter().filter_map(|&i| all.get(i).copied()).collect();
                format!("({})", columns(&kept, input))
            };
            format!("Expand GROUPING SETS ({})", sets.iter().map(set).collect::<Vec<_>>().join(", "))
        }
        Operator::Unnest(unnest) => {
            let outer = if unnest.outer { " keeping empty ones" } else { "" };
            format!("Unnest {}{outer}", expr(&unnest.collection, input))
        }
        Operator::TableFunction(call) => {
            let args: Vec<String> = call.args.iter().map(|arg| expr(arg, input)).collect();
            let outer = if call.outer { " keeping rows without results" } else { "" };
            format!("TableFunction {}({}){outer}", call.function, args.join(", "))
        }
        Operator::Predict(predict) => {
            let list = |exprs: &[Expr]| exprs.iter().map(|e| expr(e, input)).collect::<Vec<_>>().join(", ");
            let mut line = format!("Predict {}({})", predict.model, list(&predict.args));
            if !predict.labels.is_empty() {
                let _ = write!(line, ", then learn ({})", list(&predict.labels));
            }
            if let Some(feedback) = &predict.feedback {
                line.push_str(match feedback.time_columns {
                    Some(_) => ", learns from its second input in the order of time",
                    None => ", learns from its second input as rows arrive",
                });
            }
            line
        }
        Operator::Process(process) => {
            let args: Vec<String> = process.args.iter().map(|arg| expr(arg, input)).collect();
            let mut line =
                format!("Process {}({}){}", process.function, args.join(", "), by(&process.partition, input));
            match (&process.order, process.time_column) {
                (Some(keys), Some(time)) => {
                    let _ = write!(line, " in the order of {}", columns(&[time], input));
                    if !keys.is_empty() {
                        let _ = write!(line, ", {}", order(keys, input));
                    }
                }
                (_, Some(time)) => {
                    let _ = write!(line, " as they come, on the time {}", columns(&[time], input));
                }
                _ => line.push_str(" as they come"),
            }
            if !process.state.is_empty() {
                let state = process.state.iter().map(|f| format!("{} {}", f.name, f.data_type.kind));
                let _ = write!(line, ", state ({})", state.collect::<Vec<_>>().join(", "));
            }
            line
        }
        Operator::WindowTable(table) => format!("WindowTable {}", window(&table.window, input)),
        Operator::WindowAggregate(aggregate) => {
            let mut line =
                format!("WindowAggregate {}{}", windowing(&aggregate.windowing, input), by(&aggregate.keys, input));
            let _ = write!(line, ": {}", aggregates(&aggregate.aggregates, input));
            if aggregate.lateness.allowed_ms > 0 {
                let _ = write!(line, ", lateness {} allowed", duration(aggregate.lateness.allowed_ms));
            }
            line
        }
        Operator::GroupAggregate { keys, aggregates: calls } => {
            format!("GroupAggregate{}: {}", by(keys, input), aggregates(calls, input))
        }
        Operator::Over(over) => {
            let on_arrival = match over.answer {
                OverAnswer::AtWatermark => "",
                OverAnswer::OnArrival => ", on arrival",
                OverAnswer::ProcessingTime => ", in processing time",
            };
            let mut order = name(over.time_column, input);
            over.ties.iter().for_each(|key| {
                let _ = write!(order, ", {}", self::order(std::slice::from_ref(key), input));
            });
            format!(
                "Over{} in order of {order}: {}{on_arrival}",
                by(&over.partition, input),
                groups(&over.groups, input)
            )
        }
        Operator::OverByColumn(over) => {
            format!(
                "Over{} in order of {}: {}",
                by(&over.partition, input),
                order(&over.order, input),
                groups(&over.groups, input)
            )
        }
        Operator::WindowRank(rank) => format!(
            "WindowRank {}{} in order of {}: {} to {}",
            windowing(&rank.windowing, input),
            by(&rank.partition, input),
            order(&rank.order, input),
            rank.from,
            rank.to
        ),
        Operator::Rank(rank) => format!(
            "Rank{} in order of {}: {} to {}",
            by(&rank.partition, input),
            order(&rank.order, input),
            rank.from,
            rank.to
        ),
        Operator::Deduplicate(dedup) => {
            let which = if dedup.keep_last { "last" } else { "first" };
            format!("Deduplicate{}: {which} by {}", by(&dedup.partition, input), name(dedup.time_column, input))
        }
        Operator::LookupJoin(join) => {
            let build = match &join.build {
                LookupBuild::Table { source, .. } => format!("{} in memory", source.table.name),
                LookupBuild::Values { rows, .. } => format!("{} constant rows", rows.len()),
            };
            // The output is the input's columns, then the table's.
            let right = |column: usize| name(input.fields.len() + column, &node.schema);
            let keys: Vec<String> =
                join.keys.iter().map(|(left, column)| format!("{} = {}", name(*left, input), right(*column))).collect();
            let kind = match join.kind {
                JoinKind::Inner => "",
                JoinKind::Left => " keeping rows without a match",
            };
            let residual = join.residual.as_ref().map(|e| format!(" AND {}", expr(e, &node.schema)));
            format!("LookupJoin with {build} ON {}{}{kind}", keys.join(" AND "), residual.unwrap_or_default())
        }
        Operator::Sink(sink) => match &sink.table {
            Some(table) => format!("Sink {}", table.name),
            None => "Sink rows to the caller".to_owned(),
        },
    }
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.fields.iter().map(|f| f.name.as_str()).collect()
}

fn name(column: usize, schema: &Schema) -> String {
    schema.fields.get(column).map_or_else(|| format!("#{column}"), |f| f.name.clone())
}

fn columns(columns: &[usize], schema: &Schema) -> String {
    columns.iter().map(|&c| name(c, schema)).collect::<Vec<_>>().join(", ")
}

fn by(keys: &[usize], schema: &Schema) -> String {
    if keys.is_empty() { String::new() } else { format!(" by {}", columns(keys, schema)) }
}

fn order(keys: &[SortKey], schema: &Schema) -> String {
    let key = |k: &SortKey| format!("{}{}", name(k.column, schema), if k.descending { " DESC" } else { "" });
    keys.iter().map(key).collect::<Vec<_>>().join(", ")
}

fn projected(projection: &[Expr], output: &Schema, input: &Schema) -> String {
    let item = |(i, e): (usize, &Expr)| {
        let (shown, name) = (expr(e, input), name(i, output));
        if shown == name { shown } else { format!("{shown} AS {name}") }
    };
    projection.iter().enumerate().map(item).collect::<Vec<_>>().join(", ")
}

fn aggregates(calls: &[AggregateCall], schema: &Schema) -> String {
    calls.iter().map(|call| aggregate(call, schema)).collect::<Vec<_>>().join(", ")
}

fn aggregate(call: &AggregateCall, schema: &Schema) -> String {
    let mut args: Vec<String> = call.args.iter().map(|&c| name(c, schema)).collect();
    args.extend(call.constants.iter().map(|v| value(v, None)));
    let args = if args.is_empty() { "*".to_owned() } else { args.join(", ") };
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let filter = call.filter.map_or_else(String::new, |c| format!(" FILTER (WHERE {})", name(c, schema)));
    format!("{}({distinct}{args}){filter}", call.function)
}

fn groups(groups: &[OverGroup], schema: &Schema) -> String {
    let group = |group: &OverGroup| {
        let functions: Vec<String> = group.functions.iter().map(|f| function(f, schema)).collect();
        let frame = match group.frame {
            OverFrame::Rows { preceding: Some(rows) } => format!("last {rows} rows"),
            OverFrame::Range { preceding_ms: Some(ms) } => format!("last {}", duration(ms)),
            OverFrame::Rows { preceding: None } | OverFrame::Range { preceding_ms: None } => "all before".to_owned(),
        };
        format!("{} over {frame}", functions.join(", "))
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

fn function(function: &OverFunction, schema: &Schema) -> String {
    match function {
        OverFunction::Aggregate(call) => aggregate(call, schema),
        OverFunction::RowNumber => "ROW_NUMBER()".to_owned(),
        OverFunction::Rank => "RANK()".to_owned(),
        OverFunction::DenseRank => "DENSE_RANK()".to_owned(),
        OverFunction::Lag { column, offset, .. } => format!("LAG({}, {offset})", name(*column, schema)),
    }
}

fn windowing(windowing: &Windowing, schema: &Schema) -> String {
    match windowing {
        Windowing::Assign(spec) => window(spec, schema),
        Windowing::Attached { end_column, .. } => format!("of {}", name(*end_column, schema)),
    }
}

fn window(spec: &WindowSpec, schema: &Schema) -> String {
    let time = name(spec.time_column, schema);
    let offset = |ms: i64| if ms == 0 { String::new() } else { format!(", offset {}", duration(ms)) };
    match &spec.kind {
        WindowKind::Tumble { size_ms, offset_ms } => {
            format!("TUMBLE({time}, {}{})", duration(*size_ms), offset(*offset_ms))
        }
        WindowKind::Hop { slide_ms, size_ms, offset_ms } => {
            format!("HOP({time}, {}, {}{})", duration(*slide_ms), duration(*size_ms), offset(*offset_ms))
        }
        WindowKind::Cumulate { step_ms, max_size_ms, offset_ms } => {
            format!("CUMULATE({time}, {}, {}{})", duration(*step_ms), duration(*max_size_ms), offset(*offset_ms))
        }
        WindowKind::Session { gap_ms, partition } => {
            format!("SESSION({time}, {}{})", duration(*gap_ms), by(partition, schema))
        }
    }
}

/// Milliseconds in the largest unit that divides them: `10 s`.
fn duration(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)];
    match units.into_iter().find(|(_, size)| ms != 0 && ms % size == 0) {
        Some((unit, size)) => format!("{} {unit}", ms / size),
        None => format!("{ms} ms"),
    }
}

/// An expression near to SQL, with the column names of `schema`.
pub fn expr(e: &Expr, schema: &Schema) -> String {
    match &e.kind {
        ExprKind::Column(column) => name(*column, schema),
        ExprKind::Literal(v) => value(v, Some(&e.data_type.kind)),
        ExprKind::Call { function, args } => call(function, args, schema),
        ExprKind::UserFunction { name, args } => format!("{name}({})", list(args, schema)),
        ExprKind::Cast { input, safe } => {
            let word = if *safe { "TRY_CAST" } else { "CAST" };
            format!("{word}({} AS {})", expr(input, schema), e.data_type.kind)
        }
        ExprKind::Case { branches, otherwise } => {
            let mut out = "CASE".to_owned();
            for (condition, result) in branches {
                let _ = write!(out, " WHEN {} THEN {}", expr(condition, schema), expr(result, schema));
            }
            if let Some(otherwise) = otherwise {
                let _ = write!(out, " ELSE {}", expr(otherwise, schema));
            }
            out + " END"
        }
        ExprKind::CurrentWatermark => "CURRENT_WATERMARK()".to_owned(),
    }
}

/// Operators stand between their arguments, `IS NULL` and its kin behind, functions before.
fn call(function: &str, args: &[Expr], schema: &Schema) -> String {
    let part = |e: &Expr| {
        let shown = expr(e, schema);
        let inner = matches!(&e.kind, ExprKind::Call { function, .. } if is_operator(function));
        if inner { format!("({shown})") } else { shown }
    };
    match args {
        [left, right] if is_operator(function) => format!("{} {function} {}", part(left), part(right)),
        [only] if function.starts_with("IS ") => format!("{} {function}", part(only)),
        [only] if function == "NOT" => format!("NOT {}", part(only)),
        [only] if function == "NEGATE" => format!("-{}", part(only)),
        _ => format!("{function}({})", list(args, schema)),
    }
}

fn is_operator(function: &str) -> bool {
    function.starts_with(|c: char| !c.is_alphanumeric()) || matches!(function, "AND" | "OR" | "LIKE" | "SIMILAR TO")
}

fn list(args: &[Expr], schema: &Schema) -> String {
    args.iter().map(|e| expr(e, schema)).collect::<Vec<_>>().join(", ")
}

fn value(value: &Value, kind: Option<&TypeKind>) -> String {
    match (value, kind) {
        (Value::Null, _) => "NULL".to_owned(),
        (Value::Boolean(v), _) => v.to_string().to_uppercase(),
        (Value::Int(ms), Some(TypeKind::IntervalDayTime)) => format!("INTERVAL {}", duration(*ms)),
        (Value::Int(months), Some(TypeKind::IntervalYearMonth)) => format!("INTERVAL {months} months"),
        (Value::Int(v), Some(kind)) if !kind.is_integer() => format!("{kind} {v}"),
        (Value::Int(v), _) => v.to_string(),
        (Value::Float(v), _) => v.to_string(),
        (Value::Decimal(v), Some(TypeKind::Decimal(_, scale))) => decimal(*v, usize::from(*scale)),
        (Value::Decimal(v), _) => v.to_string(),
        (Value::Text(v), _) => format!("'{}'", v.replace('\'', "''")),
        (Value::Bytes(v), _) => {
            let mut out = "x'".to_owned();
            v.iter().for_each(|byte| {
                let _ = write!(out, "{byte:02x}");
            });
            out + "'"
        }
    }
}

fn decimal(unscaled: i128, scale: usize) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}
