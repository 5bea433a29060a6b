//! Rows that come too late for the sessions below a query's window are late rows of the query.
//!
//! ```text
//! calc <-late- A <- Calc* <- WindowTable(SESSION)          becomes
//! union <- calc  <-late- A
//!       <- calc' <-late- WindowTable(SESSION)              (window columns NULL, filters of what lies between)
//! ```
//! Other window functions have no late rows, and a SESSION function that became part of the aggregation above has none either.

use wasmill_plan::{DataType, Expr, Input, Node, Operator, Plan, Port, TypeKind, Value, WindowKind};

use super::{Rebuild, is_main, substitute};

pub(super) fn late_sessions(plan: &Plan) -> Plan {
    let mut rebuilt = Rebuild::new(plan);
    for (id, node) in plan.nodes.iter().enumerate() {
        let new = rebuilt.inputs_mapped(node);
        rebuilt.push(id, new);
        let Some(below) = late_for_sessions(plan, node) else { continue };
        let below = rebuilt.inputs_mapped(&below);
        let inputs = vec![Input::forward(rebuilt.places[id]), Input::forward(rebuilt.push_new(below))];
        let union = Node {
            uid: "late-rows".to_owned(),
            operator: Operator::Union,
            inputs,
            schema: node.schema.clone(),
            changelog: node.changelog,
        };
        rebuilt.push(id, union);
    }
    rebuilt.plan
}

/// The columns that `reader` makes of late rows, made of those of a SESSION function further down.
fn late_for_sessions(plan: &Plan, reader: &Node) -> Option<Node> {
    let (Operator::Calc { projection, .. }, [Input { node, port: Port::Late, .. }]) =
        (&reader.operator, reader.inputs.as_slice())
    else {
        return None;
    };
    let (mut projection, mut filters) = (projection.clone(), Vec::<Expr>::new());
    let mut current = plan.nodes[*node].inputs.first().filter(|i| is_main(i))?.node;
    loop {
        let below = &plan.nodes[current];
        let mut through = |columns: &[Expr]| {
            projection.iter_mut().chain(&mut filters).for_each(|e| *e = substitute(e.clone(), columns));
        };
        match &below.operator {
            Operator::Calc { filter, projection } => {
                through(projection);
                filters.extend(filter.clone());
            }
            Operator::WindowTable(table) if matches!(table.window.kind, WindowKind::Session { .. }) => {
                let width = below.schema.len() - 3;
                let of_window = |e: &Expr| {
                    let mut found = false;
                    e.visit_columns(&mut |c| found |= c >= width);
                    found
                };
                filters.retain(|f| !of_window(f));
                let column = |(i, field): (usize, &wasmill_plan::Field)| match i < width {
                    true => Expr::column(i, field.data_type.clone()),
                    false => Expr::literal(Value::Null, field.data_type.clone().with_nullable(true)),
                };
                let columns: Vec<Expr> = below.schema.fields.iter().enumerate().map(column).collect();
                projection.iter_mut().for_each(|e| *e = substitute(e.clone(), &columns));
                break;
            }
            _ => return None,
        }
        current = below.inputs.first().filter(|i| is_main(i))?.node;
    }
    let and = |a, b| Expr::call("AND", vec![a, b], DataType::nullable(TypeKind::Boolean));
    Some(Node {
        uid: "late-rows".to_owned(),
        operator: Operator::Calc { filter: filters.into_iter().reduce(and), projection },
        inputs: vec![Input { node: current, port: Port::Late, exchange: None }],
        schema: reader.schema.clone(),
        changelog: reader.changelog,
    })
}
