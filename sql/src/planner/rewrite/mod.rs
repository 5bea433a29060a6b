//! Rewrites of a finished plan, each a pass over its nodes in order.

mod fuse_windows;
mod late_sessions;
mod merge_calcs;
mod prune;
mod share;
mod shred;

use wasmill_plan::{Expr, ExprKind, Input, Node, NodeId, Plan};

/// All passes.
pub(super) fn rewrite(plan: Plan) -> Plan {
    let plan = fuse_windows::fuse_windows(&live(&plan));
    let plan = late_sessions::late_sessions(&live(&plan));
    let plan = merge_calcs::merge_calcs(&live(&plan));
    let plan = prune::prune(&live(&plan));
    let plan = shred::shred(&live(&plan));
    share::share(&live(&plan))
}

/// The plan without nodes that lead to no sink; uids number what is left.
fn live(plan: &Plan) -> Plan {
    let mut used = vec![false; plan.nodes.len()];
    for (id, node) in plan.nodes.iter().enumerate().rev() {
        used[id] |= matches!(node.operator, wasmill_plan::Operator::Sink(_));
        if used[id] {
            node.inputs.iter().for_each(|i| used[i.node] = true);
        }
    }
    let mut rebuilt = Rebuild::new(plan);
    for (id, node) in plan.nodes.iter().enumerate().filter(|(id, _)| used[*id]) {
        let node = rebuilt.inputs_mapped(node);
        rebuilt.push(id, node);
    }
    rebuilt.plan
}

/// A plan being written anew, with where each old node went.
struct Rebuild {
    plan: Plan,
    places: Vec<NodeId>,
}

impl Rebuild {
    fn new(old: &Plan) -> Self {
        Self { plan: Plan::default(), places: vec![NodeId::MAX; old.nodes.len()] }
    }

    /// The node with its inputs at their new places.
    fn inputs_mapped(&self, node: &Node) -> Node {
        let mut node = node.clone();
        for input in &mut node.inputs {
            input.node = self.places[input.node];
        }
        node
    }

    /// Adds the node that stands for the old node `id`.
    fn push(&mut self, id: NodeId, node: Node) {
        self.places[id] = self.push_new(node);
    }

    /// Adds a node that had none before.
    fn push_new(&mut self, node: Node) -> NodeId {
        let stem = node.uid.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-').to_owned();
        let named = match &node.operator {
            wasmill_plan::Operator::Process(process) => process.uid.clone(),
            _ => None,
        };
        let id = self.plan.add(&stem, node.operator, node.inputs, node.schema, node.changelog);
        if let Some(uid) = named {
            // No name that is given by itself has a colon.
            self.plan.nodes[id].uid = format!("process:{uid}");
        }
        id
    }
}

/// The expression with each column replaced by what the projection below computes for it.
pub(in crate::planner) fn substitute(mut expr: Expr, projection: &[Expr]) -> Expr {
    if let ExprKind::Column(index) = expr.kind {
        return projection[index].clone();
    }
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::literal(wasmill_plan::Value::Null, child.data_type.clone()));
        *child = substitute(taken, projection);
    }
    expr
}

/// Whether an input reads rows in their main order.
fn is_main(input: &Input) -> bool {
    input.port == wasmill_plan::Port::Main
}
