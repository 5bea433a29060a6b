//! Adjacent filters and projections become one.

use wasmill_plan::{DataType, Expr, ExprKind, Operator, Plan, TypeKind};

use super::{Rebuild, is_main, substitute};

/// Merges a projection into the one above it where nothing is computed twice: the lower one has no other reader, and each of
/// its computed columns is used at most once.
pub(super) fn merge_calcs(plan: &Plan) -> Plan {
    let mut readers = vec![0usize; plan.nodes.len()];
    plan.nodes.iter().flat_map(|n| &n.inputs).for_each(|i| readers[i.node] += 1);
    let mut rebuilt = Rebuild::new(plan);
    // How often each new node is read, by the old plan's count.
    let mut new_readers: Vec<usize> = Vec::new();
    for (id, node) in plan.nodes.iter().enumerate() {
        let mut node = rebuilt.inputs_mapped(node);
        while let Operator::Calc { filter, projection } = &node.operator {
            let input = &node.inputs[0];
            let below = &rebuilt.plan.nodes[input.node];
            let Operator::Calc { filter: lower_filter, projection: lower } = &below.operator else { break };
            let plain = lower_filter.is_none() && lower.iter().all(|e| e.as_column().is_some());
            if !is_main(input) || !(plain || new_readers[input.node] == 1) || !once(filter.as_ref(), projection, lower)
            {
                break;
            }
            let above = filter.clone().map(|f| substitute(f, lower));
            let filter = match (lower_filter.clone(), above) {
                (Some(a), Some(b)) => Some(Expr::call("AND", vec![a, b], DataType::nullable(TypeKind::Boolean))),
                (a, b) => a.or(b),
            };
            let projection = projection.iter().map(|e| substitute(e.clone(), lower)).collect();
            let inputs = below.inputs.clone();
            node.operator = Operator::Calc { filter, projection };
            node.inputs = inputs;
        }
        rebuilt.push(id, node);
        new_readers.push(readers[id]);
    }
    rebuilt.plan
}

/// Whether each computed column of `lower` is used at most once above.
fn once(filter: Option<&Expr>, projection: &[Expr], lower: &[Expr]) -> bool {
    let mut uses = vec![0usize; lower.len()];
    for expr in filter.into_iter().chain(projection) {
        expr.visit_columns(&mut |c| uses[c] += 1);
    }
    lower.iter().zip(uses).all(|(expr, uses)| uses <= 1 || cheap(expr))
}

/// A column, a constant, or a field of a column.
fn cheap(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) => true,
        ExprKind::Call { function, args } => function == "FIELD" && args.iter().all(cheap),
        _ => false,
    }
}
