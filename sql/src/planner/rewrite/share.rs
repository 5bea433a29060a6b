//! What a projection and its filter compute more than once is computed once, by a projection below.
//!
//! ```text
//! Calc(f(x), f(x) + 1 where y)     becomes     Calc($s, $s + 1) <- Calc($s = f(x) where y)
//! Calc(f(x) where f(x) > 1)        becomes     Calc($s where $s > 1) <- Calc($s = f(x))
//! ```
//!
//! Only what one of its places evaluates for every row is moved: a branch of CASE may fail on rows that do not reach it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use wasmill_expr::evaluator::{eager_children, is_repeatable, is_slight};
use wasmill_plan::{Expr, ExprKind, Field, Input, Node, Operator, Plan, Schema};

use super::Rebuild;

pub(super) fn share(plan: &Plan) -> Plan {
    let mut rebuilt = Rebuild::new(plan);
    for (id, node) in plan.nodes.iter().enumerate() {
        let mut node = rebuilt.inputs_mapped(node);
        share_in(&mut rebuilt, &mut node);
        rebuilt.push(id, node);
    }
    rebuilt.plan
}

/// Puts what the node repeats into nodes below it.
fn share_in(rebuilt: &mut Rebuild, node: &mut Node) {
    while let Operator::Calc { filter, projection } = &node.operator {
        let in_filter = repeated(filter.iter(), projection.iter());
        let (shared, lower_filter) = match in_filter.is_empty() {
            false => (in_filter, None),
            true => (repeated(projection.iter(), [].iter()), filter.clone()),
        };
        if shared.is_empty() {
            return;
        }
        let upper_filter = if lower_filter.is_some() { None } else { filter.clone() };
        let (upper_filter, projection) = (upper_filter, projection.clone());
        *node = split(rebuilt, node, shared, lower_filter, upper_filter, projection);
    }
}

/// The node over one that computes `shared` behind the columns it reads itself.
fn split(
    rebuilt: &mut Rebuild,
    node: &Node,
    shared: Vec<Expr>,
    lower_filter: Option<Expr>,
    mut filter: Option<Expr>,
    mut projection: Vec<Expr>,
) -> Node {
    let input = &rebuilt.plan.nodes[node.inputs[0].node];
    let width = input.schema.len();
    // What is shared stands behind the input's columns for now; the largest expressions are met first, parts of them may be left.
    for expr in filter.iter_mut().chain(&mut projection) {
        replace(expr, &shared, width);
    }
    let mut read = vec![false; width + shared.len()];
    for expr in filter.iter().chain(&projection) {
        expr.visit_columns(&mut |c| read[c] = true);
    }
    let kept: Vec<usize> = (0..read.len()).filter(|&c| read[c]).collect();
    let place = |c: usize| kept.binary_search(&c).expect("a column that is read");
    let filter = filter.map(|e| e.map_columns(&place));
    let projection = projection.into_iter().map(|e| e.map_columns(&place)).collect();

    let mut fields = Vec::new();
    let mut lower = Vec::new();
    for &c in &kept {
        if c < width {
            let field = input.schema.fields[c].clone();
            lower.push(Expr::column(c, field.data_type.clone()));
            fields.push(field);
        } else {
            let expr = shared[c - width].clone();
            fields.push(Field::new(format!("$s{}", c - width), expr.data_type.clone()));
            lower.push(expr);
        }
    }
    let mut below = Node {
        uid: node.uid.clone(),
        operator: Operator::Calc { filter: lower_filter, projection: lower },
        inputs: node.inputs.clone(),
        schema: Schema::new(fields),
        changelog: input.changelog,
    };
    share_in(rebuilt, &mut below);
    let below = rebuilt.push_new(below);
    Node { operator: Operator::Calc { filter, projection }, inputs: vec![Input::forward(below)], ..node.clone() }
}

fn replace(expr: &mut Expr, shared: &[Expr], first: usize) {
    if let Some(at) = shared.iter().position(|s| s == expr) {
        *expr = Expr::column(first + at, expr.data_type.clone());
        return;
    }
    expr.children_mut().into_iter().for_each(|child| replace(child, shared, first));
}

/// An expression that is worth a column, and what is known of its places.
struct Found<'a> {
    expr: &'a Expr,
    times: usize,
    /// One of the places evaluates it for every row.
    eager: bool,
}

/// What stands more than once in `eager` and `others`, and is evaluated for every row that comes to `eager`.
fn repeated<'a>(eager: impl Iterator<Item = &'a Expr>, others: impl Iterator<Item = &'a Expr>) -> Vec<Expr> {
    let mut found = HashMap::new();
    eager.for_each(|expr| _ = visit(expr, true, &mut found));
    others.for_each(|expr| _ = visit(expr, false, &mut found));
    let mut repeated: Vec<Found> = found.into_values().flatten().filter(|f| f.times > 1 && f.eager).collect();
    repeated.retain(|f| is_repeatable(f.expr));
    // An order that does not depend on hashes.
    let mut texts: Vec<(String, Expr)> = repeated.iter().map(|f| (format!("{:?}", f.expr), f.expr.clone())).collect();
    texts.sort_by(|a, b| a.0.cmp(&b.0));
    texts.into_iter().map(|(_, expr)| expr).collect()
}

/// Counts the expression and its parts; gives its hash, and whether it reads a column (constants are computed once as it is).
fn visit<'a>(expr: &'a Expr, eager: bool, found: &mut HashMap<u64, Vec<Found<'a>>>) -> (u64, bool) {
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(&expr.kind).hash(&mut hasher);
    let mut reads_column = false;
    match &expr.kind {
        ExprKind::Column(column) => {
            column.hash(&mut hasher);
            reads_column = true;
        }
        ExprKind::Literal(value) => format!("{value:?}").hash(&mut hasher),
        ExprKind::Call { function: name, .. } | ExprKind::UserFunction { name, .. } => name.hash(&mut hasher),
        _ => {}
    }
    let eager_parts = if eager { eager_children(expr).len() } else { 0 };
    for (i, child) in expr.children().into_iter().enumerate() {
        let (hash, reads) = visit(child, i < eager_parts, found);
        hash.hash(&mut hasher);
        reads_column |= reads;
    }
    let hash = hasher.finish();
    // What is slight costs no more than passing a column on.
    if reads_column && !is_slight(expr) {
        let same = found.entry(hash).or_default();
        match same.iter_mut().find(|f| f.expr == expr) {
            Some(known) => {
                known.times += 1;
                known.eager |= eager;
            }
            None => same.push(Found { expr, times: 1, eager }),
        }
    }
    (hash, reads_column)
}

#[cfg(test)]
mod tests {
    use wasmill_plan::{ChangelogMode, DataType, TypeKind};

    use super::*;

    fn bigint() -> DataType {
        DataType::nullable(TypeKind::BigInt)
    }
    fn column() -> Expr {
        Expr::column(0, bigint())
    }
    fn call(function: &str, args: Vec<Expr>) -> Expr {
        Expr::call(function, args, bigint())
    }
    fn case(condition: Expr, then: Expr) -> Expr {
        Expr { kind: ExprKind::Case { branches: vec![(condition, then)], otherwise: None }, data_type: bigint() }
    }

    /// The Calcs that one becomes, from the lowest.
    fn shared(filter: Option<Expr>, projection: Vec<Expr>) -> Vec<(Option<Expr>, Vec<Expr>)> {
        let mut plan = Plan::default();
        let schema = Schema::new(vec![Field::new("x", bigint())]);
        let values =
            plan.add("values", Operator::Values { rows: vec![] }, vec![], schema.clone(), ChangelogMode::Append);
        let calc = Operator::Calc { filter, projection };
        plan.add("calc", calc, vec![Input::forward(values)], schema, ChangelogMode::Append);
        let calcs = share(&plan).nodes.into_iter().skip(1).map(|node| match node.operator {
            Operator::Calc { filter, projection } => (filter, projection),
            other => panic!("{other:?}"),
        });
        calcs.collect()
    }

    #[test]
    fn what_is_repeated_is_computed_below() {
        let abs = call("ABS", vec![column()]);
        let both = call("POWER", vec![abs.clone(), abs.clone()]);
        let plan = shared(None, vec![both.clone(), call("+", vec![both.clone(), abs.clone()])]);
        // ABS first, then POWER of it, then the sum.
        assert_eq!(plan.len(), 3);
        assert_eq!(plan[0].1, [abs.clone()]);
        assert!(plan[1].1.contains(&call("POWER", vec![column(), column()])));
        // What the filter evaluates for every row stands before it; what only rows behind it see, behind it.
        let filter = call(">", vec![abs.clone(), column()]);
        let plan = shared(Some(filter), vec![abs.clone()]);
        assert_eq!((plan.len(), plan[0].0.is_none(), plan[1].0.is_some()), (2, true, true));
        let filter = call("IS NOT NULL", vec![column()]);
        let plan = shared(Some(filter), vec![abs.clone(), abs.clone()]);
        assert_eq!((plan.len(), plan[0].0.is_some(), plan[1].0.is_none()), (2, true, true));
    }

    #[test]
    fn what_some_rows_only_reach_or_what_differs_each_time_stays() {
        let dear = call("LN", vec![column()]);
        let condition = call("IS NOT NULL", vec![column()]);
        let double = call("+", vec![dear.clone(), dear.clone()]);
        assert_eq!(shared(None, vec![case(condition.clone(), dear.clone()), case(condition, double)]).len(), 1);
        let random = call("RAND_INTEGER", vec![column()]);
        assert_eq!(shared(None, vec![random.clone(), random]).len(), 1);
        let slight = call("+", vec![column(), column()]);
        assert_eq!(shared(None, vec![slight.clone(), slight]).len(), 1);
        // Taken as soon as one place is reached by every row.
        assert_eq!(shared(None, vec![dear.clone(), case(column(), dear)]).len(), 2);
    }
}
