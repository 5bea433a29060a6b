//! Of a ROW column of which only single fields are read, only those travel.
//!
//! ```text
//! (Calc | Watermark)* over FIELD(bid, 0), FIELD(bid, 2) <- Source(bid)                                 becomes
//! (Calc | Watermark)* over plain columns <- Calc(FIELD(bid, 0), FIELD(bid, 2)) <- Source(bid: fields 0 and 2)
//! ```
//!
//! The source learns which fields are read, and filters and branches above copy no text that nobody wants.

use std::collections::BTreeMap;

use wasmill_plan::{Expr, ExprKind, Field, Input, Node, Operator, Plan, Port, Schema, TypeKind, Value};

use super::{Rebuild, is_main};

/// How an output column is read.
#[derive(Clone, Default)]
struct Reads {
    /// As a whole, or in a way that this pass does not follow.
    whole: bool,
    /// By these of its fields; the expression that reads each.
    fields: BTreeMap<usize, Expr>,
}

/// Where an old output column is in the new plan.
#[derive(Clone)]
enum Place {
    At(usize),
    /// Its fields that are read, as columns.
    Fields(BTreeMap<usize, usize>),
}

pub(super) fn shred(plan: &Plan) -> Plan {
    let reads = reads(plan);
    let mut rebuilt = Rebuild::new(plan);
    let mut places: Vec<Vec<Place>> = Vec::with_capacity(plan.nodes.len());
    for (id, node) in plan.nodes.iter().enumerate() {
        let mut new = rebuilt.inputs_mapped(node);
        let output = match &mut new.operator {
            Operator::Source(_) => {
                places.push(source(id, new, &reads[id], &mut rebuilt));
                continue;
            }
            Operator::Calc { filter, projection } if is_main(&node.inputs[0]) => {
                let input = &places[node.inputs[0].node];
                filter.iter_mut().for_each(|f| replace(f, input));
                let (columns, fields, output) = project(projection, &node.schema, input, &reads[id]);
                *projection = columns;
                new.schema = Schema::new(fields);
                output
            }
            Operator::Watermark { time_column, expr } => {
                let input = places[node.inputs[0].node].clone();
                let Place::At(time) = input[*time_column] else { unreachable!("the time is read as a whole") };
                *time_column = time;
                replace(expr, &input);
                new.schema = rebuilt.plan.nodes[new.inputs[0].node].schema.clone();
                input
            }
            _ => (0..node.schema.len()).map(Place::At).collect(),
        };
        places.push(output);
        rebuilt.push(id, new);
    }
    rebuilt.plan
}

/// How each output column of each node is read, from the sinks up.
fn reads(plan: &Plan) -> Vec<Vec<Reads>> {
    let mut reads: Vec<Vec<Reads>> = plan.nodes.iter().map(|n| vec![Reads::default(); n.schema.len()]).collect();
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        let above = reads[id].clone();
        for input in node.inputs.iter().filter(|i| i.port == Port::Main) {
            let below = &mut reads[input.node];
            match &node.operator {
                Operator::Calc { filter, projection } => {
                    filter.iter().for_each(|f| read(f, below));
                    for (expr, above) in projection.iter().zip(&above) {
                        match expr.as_column() {
                            Some(column) => pass(above, &mut below[column]),
                            None => read(expr, below),
                        }
                    }
                }
                Operator::Watermark { time_column, expr } => {
                    above.iter().zip(below.iter_mut()).for_each(|(above, below)| pass(above, below));
                    below[*time_column].whole = true;
                    read(expr, below);
                }
                _ => below.iter_mut().for_each(|r| r.whole = true),
            }
        }
    }
    reads
}

/// A column that is handed on is read as its readers do.
fn pass(above: &Reads, below: &mut Reads) {
    below.whole |= above.whole;
    below.fields.extend(above.fields.iter().map(|(f, e)| (*f, e.clone())));
}

fn read(expr: &Expr, columns: &mut [Reads]) {
    if let Some((column, field)) = field_of_column(expr) {
        columns[column].fields.entry(field).or_insert_with(|| expr.clone());
    } else if let Some(column) = expr.as_column() {
        columns[column].whole = true;
    } else {
        expr.children().into_iter().for_each(|child| read(child, columns));
    }
}

/// The column and the field of `FIELD(column, field)`.
fn field_of_column(expr: &Expr) -> Option<(usize, usize)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    match (function.as_str(), args.as_slice()) {
        ("FIELD", [row, field]) => match field.as_literal()? {
            Value::Int(field) => Some((row.as_column()?, usize::try_from(*field).ok()?)),
            _ => None,
        },
        _ => None,
    }
}

/// Adds the source, and above it a projection that takes its rows apart, where there is anything to take apart.
fn source(id: usize, mut node: Node, reads: &[Reads], rebuilt: &mut Rebuild) -> Vec<Place> {
    let is_shredded = |column: usize| {
        let reads = &reads[column];
        matches!(node.schema.fields[column].data_type.kind, TypeKind::Row(_))
            && !reads.whole
            && !reads.fields.is_empty()
    };
    let shredded: Vec<bool> = (0..reads.len()).map(is_shredded).collect();
    if !shredded.contains(&true) {
        rebuilt.push(id, node);
        return (0..reads.len()).map(Place::At).collect();
    }
    let (mut projection, mut fields, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for (column, field) in node.schema.fields.iter().enumerate() {
        if shredded[column] {
            let taken = reads[column].fields.iter().map(|(&index, expr)| {
                projection.push(expr.clone().map_columns(&|_| column));
                fields.push(Field::new(field_name(field, index), expr.data_type.clone()));
                (index, projection.len() - 1)
            });
            places.push(Place::Fields(taken.collect()));
        } else {
            places.push(Place::At(projection.len()));
            projection.push(Expr::column(column, field.data_type.clone()));
            fields.push(field.clone());
        }
    }
    if let Operator::Source(source) = &mut node.operator {
        let read = |c: usize| shredded[c].then(|| reads[c].fields.keys().copied().collect());
        source.row_fields = (0..reads.len()).map(read).collect();
    }
    let changelog = node.changelog;
    let below = rebuilt.push_new(node);
    let operator = Operator::Calc { filter: None, projection };
    let inputs = vec![Input::forward(below)];
    rebuilt.push(id, Node { uid: "calc".to_owned(), operator, inputs, schema: Schema::new(fields), changelog });
    places
}

fn field_name(row: &Field, index: usize) -> String {
    match &row.data_type.kind {
        TypeKind::Row(fields) => format!("{}.{}", row.name, fields[index].name),
        _ => row.name.clone(),
    }
}

/// The projection over the new columns of its input: a row that was taken apart and is handed on becomes the columns that are read
/// of it above.
fn project(
    projection: &[Expr],
    schema: &Schema,
    input: &[Place],
    reads: &[Reads],
) -> (Vec<Expr>, Vec<Field>, Vec<Place>) {
    let (mut columns, mut fields, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for ((expr, field), reads) in projection.iter().zip(&schema.fields).zip(reads) {
        if let Some(Place::Fields(taken)) = expr.as_column().map(|c| &input[c]) {
            let handed_on = reads.fields.iter().map(|(&index, read)| {
                columns.push(Expr::column(taken[&index], read.data_type.clone()));
                fields.push(Field::new(field_name(field, index), read.data_type.clone()));
                (index, columns.len() - 1)
            });
            places.push(Place::Fields(handed_on.collect()));
            continue;
        }
        let mut expr = expr.clone();
        replace(&mut expr, input);
        places.push(Place::At(columns.len()));
        columns.push(expr);
        fields.push(field.clone());
    }
    (columns, fields, places)
}

/// The expression over the new columns.
fn replace(expr: &mut Expr, input: &[Place]) {
    if let Some((column, field)) = field_of_column(expr)
        && let Place::Fields(taken) = &input[column]
    {
        *expr = Expr::column(taken[&field], expr.data_type.clone());
    } else if let ExprKind::Column(column) = &mut expr.kind {
        let Place::At(new) = input[*column] else { unreachable!("a row that is read as a whole is not taken apart") };
        *column = new;
    } else {
        expr.children_mut().into_iter().for_each(|child| replace(child, input));
    }
}
