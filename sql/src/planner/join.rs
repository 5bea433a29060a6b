//! Joins: UNNEST, and tables held in memory.

use sqlparser::ast::{self, Join, JoinConstraint, JoinOperator, TableFactor, TableVersion, TableWithJoins};
use wasmill_expr::{Context, Evaluator, NoUserFunctions};
use wasmill_plan::{
    DataType, Expr, ExprKind, Input, JoinKind, LookupBuild, LookupJoin, NodeId, Operator, TypeKind, Unnest, Value,
};

use super::Planner;
use super::from::{aliased, last_name};
use super::relation::{Relation, pass_through};
use crate::binder::{Binder, Scope, ScopeColumn, TimeAttribute};
use crate::error::{QueryError, Span};

impl Planner<'_> {
    /// `FROM a, b`: b may be UNNEST of a's columns.
    pub(super) fn comma_join(&mut self, left: Relation, source: &TableWithJoins) -> Result<Relation, QueryError> {
        let join = Join {
            relation: source.relation.clone(),
            global: false,
            join_operator: JoinOperator::CrossJoin(JoinConstraint::None),
        };
        let mut relation = self.join(left, &join)?;
        for join in &source.joins {
            relation = self.join(relation, join)?;
        }
        Ok(relation)
    }

    pub(super) fn join(&mut self, left: Relation, join: &Join) -> Result<Relation, QueryError> {
        let (kind, constraint) = match &join.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) | JoinOperator::CrossJoin(c) => (JoinKind::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
            JoinOperator::AsOf { .. } => {
                return Err(QueryError::unsupported("ASOF JOIN", INSTEAD_OF_JOINS).with_span(Span::of(&join.relation)));
            }
            other => {
                let name = match other {
                    JoinOperator::Right(_) | JoinOperator::RightOuter(_) => "RIGHT JOIN",
                    JoinOperator::FullOuter(_) => "FULL JOIN",
                    _ => "this join",
                };
                return Err(QueryError::unsupported(name, INSTEAD_OF_JOINS).with_span(Span::of(&join.relation)));
            }
        };
        match &join.relation {
            TableFactor::UNNEST { .. } => self.unnest(left, &join.relation, kind, constraint),
            factor @ TableFactor::Function { .. } => self.lateral(left, factor, kind, constraint),
            TableFactor::Table { name, alias, version: Some(version), .. } => {
                self.system_time(&left, version, Span::of(&join.relation))?;
                let right = self.named(&last_name(name), Span::of(&join.relation))?;
                let right = aliased(right, alias.as_ref());
                let build = self.build_table(right.node).ok_or_else(|| {
                    QueryError::unsupported(
                        format!("a lookup of '{}'", last_name(name)),
                        "look up a table of CREATE TABLE, or a view that only filters and projects one",
                    )
                    .with_span(Span::of(&join.relation))
                })?;
                self.lookup(left, &right, build, kind, constraint)
            }
            factor => {
                let right = self.factor(factor)?;
                match self.build_values(right.node) {
                    Some(build) => self.lookup(left, &right, build, kind, constraint),
                    None => {
                        Err(QueryError::unsupported("a join of two streams", INSTEAD_OF_JOINS)
                            .with_span(Span::of(factor)))
                    }
                }
            }
        }
    }

    /// Checks the time of FOR SYSTEM_TIME AS OF: processing time means "the table as it is", which is held in memory.
    fn system_time(&self, left: &Relation, version: &TableVersion, span: Option<Span>) -> Result<(), QueryError> {
        let TableVersion::ForSystemTimeAsOf(time) = version else {
            return Err(QueryError::new(format!("{version} is not supported"))
                .with_span(span)
                .with_hint("use FOR SYSTEM_TIME AS OF"));
        };
        let bound = Binder::new(self.catalog, &left.scope, "FOR SYSTEM_TIME AS OF").bind(time)?;
        let proctime = match &bound.kind {
            ExprKind::Column(c) => left.scope.columns[*c].time == Some(TimeAttribute::Proctime),
            ExprKind::Call { function, .. } => function == "PROCTIME",
            _ => false,
        };
        if proctime {
            return Ok(());
        }
        Err(QueryError::unsupported(
            "a temporal join in event time",
            "for a table that does not change while the job runs, use FOR SYSTEM_TIME AS OF PROCTIME()",
        )
        .with_span(Span::of(time)))
    }

    /// A bounded table that is read whole: a source under filters and projections, without watermarks of its own.
    fn build_table(&self, node: NodeId) -> Option<LookupBuild> {
        let node = &self.plan.nodes[node];
        match &node.operator {
            Operator::Source(source) => {
                let types: Vec<DataType> = node.schema.fields.iter().map(|f| f.data_type.clone()).collect();
                let projection = types.iter().enumerate().map(|(i, t)| Expr::column(i, t.clone())).collect();
                Some(LookupBuild::Table { source: source.clone(), source_types: types, filter: None, projection })
            }
            Operator::Watermark { .. } => self.build_table(node.inputs[0].node),
            Operator::Calc { filter, projection } => match self.build_table(node.inputs[0].node)? {
                LookupBuild::Table { source, source_types, filter: inner, projection: below } => {
                    let lower = |e: &Expr| super::rewrite::substitute(e.clone(), &below);
                    let filter = match (inner, filter.as_ref().map(&lower)) {
                        (Some(a), Some(b)) => {
                            Some(Expr::call("AND", vec![a, b], DataType::nullable(TypeKind::Boolean)))
                        }
                        (a, b) => a.or(b),
                    };
                    let projection = projection.iter().map(lower).collect();
                    Some(LookupBuild::Table { source, source_types, filter, projection })
                }
                LookupBuild::Values { .. } => None,
            },
            _ => None,
        }
    }

    /// Constant rows.
    fn build_values(&self, node: NodeId) -> Option<LookupBuild> {
        let node = &self.plan.nodes[node];
        let Operator::Values { rows } = &node.operator else { return None };
        let values =
            rows.iter().map(|row| row.iter().map(constant).collect::<Option<Vec<_>>>()).collect::<Option<_>>()?;
        let types = node.schema.fields.iter().map(|f| f.data_type.clone()).collect();
        Some(LookupBuild::Values { rows: values, types })
    }

    fn lookup(
        &mut self,
        left: Relation,
        right: &Relation,
        build: LookupBuild,
        kind: JoinKind,
        constraint: &JoinConstraint,
    ) -> Result<Relation, QueryError> {
        let width = left.width();
        let mut scope = left.scope.clone();
        scope.columns.extend(right.scope.columns.iter().cloned().map(|mut c| {
            c.time = None;
            if kind == JoinKind::Left {
                c.data_type.nullable = true;
            }
            c
        }));
        let condition = self.join_condition(&scope, constraint)?;
        let mut build = build;
        let (mut left_keys, mut build_keys, mut residual) = (Vec::new(), Vec::new(), Vec::new());
        let mut build_width = right.width();
        for part in condition {
            match equality(&part, width) {
                Some((l, r)) => {
                    let r = r.map_columns(&|c| c - width);
                    let column = match (r.as_column(), &mut build) {
                        (Some(column), _) => column,
                        (None, LookupBuild::Table { projection, .. }) => {
                            let lowered = super::rewrite::substitute(r, projection);
                            projection.push(lowered);
                            build_width += 1;
                            build_width - 1
                        }
                        (None, LookupBuild::Values { .. }) => {
                            residual.push(part);
                            continue;
                        }
                    };
                    left_keys.push(l);
                    build_keys.push(column);
                }
                None => residual.push(part),
            }
        }
        let (wide, places) = self.with_columns(&left, &left_keys);
        let shift = wide.width() - width;
        let residual = residual
            .into_iter()
            .map(|e| e.map_columns(&|c| if c < width { c } else { c + shift }))
            .reduce(|a, b| Expr::call("AND", vec![a, b], DataType::nullable(TypeKind::Boolean)));
        // The build side's own columns, then the keys computed for it.
        let mut relation = wide.clone();
        relation.scope.columns.extend(scope.columns[width..].iter().cloned());
        for _ in right.width()..build_width {
            let LookupBuild::Table { projection, .. } = &build else { unreachable!("only tables get computed keys") };
            let extra = &projection[relation.width() - wide.width()];
            relation.scope.columns.push(ScopeColumn::new(None, "$key", extra.data_type.clone().with_nullable(true)));
        }
        let operator = Operator::LookupJoin(LookupJoin {
            build,
            kind,
            keys: places.into_iter().zip(build_keys).collect(),
            residual,
        });
        let schema = relation.schema();
        let changelog = self.changelog(wide.node);
        relation.node = self.add("lookup-join", operator, vec![Input::forward(wide.node)], schema, changelog);
        let all = pass_through(&relation);
        let kept = all
            .into_iter()
            .enumerate()
            .filter(|(i, _)| *i < width || (wide.width()..wide.width() + right.width()).contains(i));
        let items = kept.map(|(_, item)| item).collect();
        Ok(self.calc(&relation, None, items))
    }

    /// The conjuncts of ON or USING.
    fn join_condition(&self, scope: &Scope, constraint: &JoinConstraint) -> Result<Vec<Expr>, QueryError> {
        match constraint {
            JoinConstraint::None => Ok(Vec::new()),
            JoinConstraint::On(on) => {
                let bound = Binder::new(self.catalog, scope, "ON").bind_condition(on)?;
                Ok(conjuncts(bound).into_iter().filter(|c| c.as_literal() != Some(&Value::Boolean(true))).collect())
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                Err(QueryError::unsupported("USING and NATURAL", "write the condition: ON a.k = b.k"))
            }
        }
    }

    pub(super) fn unnest(
        &mut self,
        left: Relation,
        factor: &TableFactor,
        kind: JoinKind,
        constraint: &JoinConstraint,
    ) -> Result<Relation, QueryError> {
        let TableFactor::UNNEST { alias, array_exprs, with_ordinality, with_offset, .. } = factor else {
            unreachable!("called for UNNEST only")
        };
        let trivial = match constraint {
            JoinConstraint::None => true,
            JoinConstraint::On(ast::Expr::Value(v)) => v.value == ast::Value::Boolean(true),
            _ => false,
        };
        if !trivial {
            return Err(QueryError::at(factor, "a join with UNNEST takes only ON TRUE").with_hint("filter in WHERE"));
        }
        let ([array], false) = (array_exprs.as_slice(), *with_offset) else {
            return Err(QueryError::at(factor, "UNNEST takes one collection").with_hint("UNNEST(t.items) AS x (item)"));
        };
        let collection = Binder::new(self.catalog, &left.scope, "UNNEST").bind(array)?;
        let columns: Vec<(String, DataType)> = match &collection.data_type.kind {
            TypeKind::Array(item) | TypeKind::Multiset(item) => match &item.kind {
                TypeKind::Row(fields) => fields.iter().map(|f| (f.name.clone(), f.data_type.clone())).collect(),
                _ => vec![("EXPR$0".to_owned(), item.as_ref().clone())],
            },
            TypeKind::Map(key, value) => {
                vec![("KEY".to_owned(), key.as_ref().clone()), ("VALUE".to_owned(), value.as_ref().clone())]
            }
            _ => {
                return Err(QueryError::at(array, format!("cannot UNNEST a value of type {}", collection.data_type))
                    .with_hint("UNNEST takes an ARRAY, MAP or MULTISET"));
            }
        };
        let width = columns.len();
        let names: Vec<String> =
            alias.as_ref().map(|a| a.columns.iter().map(|c| c.name.value.clone()).collect()).unwrap_or_default();
        let qualifier = alias.as_ref().map(|a| a.name.value.clone());
        let mut relation = left.clone();
        let ordinality = ("ORDINALITY".to_owned(), DataType::not_null(TypeKind::Int));
        let outer = kind == JoinKind::Left;
        for (i, (name, data_type)) in columns.into_iter().chain(with_ordinality.then_some(ordinality)).enumerate() {
            let name = names.get(i).cloned().unwrap_or(name);
            let data_type = if outer { data_type.with_nullable(true) } else { data_type };
            relation.scope.columns.push(ScopeColumn::new(qualifier.clone(), &name, data_type));
        }
        let operator = Operator::Unnest(Unnest { collection, outer, ordinality: *with_ordinality, width });
        let schema = relation.schema();
        let changelog = self.changelog(left.node);
        relation.node = self.add("unnest", operator, vec![Input::forward(left.node)], schema, changelog);
        Ok(relation)
    }
}

const INSTEAD_OF_JOINS: &str = "for a table that fits in memory and does not change, \
    use JOIN t FOR SYSTEM_TIME AS OF PROCTIME() AS t ON …";

/// The parts of a conjunction.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr.kind {
        ExprKind::Call { function, args } if function == "AND" => args.into_iter().flat_map(conjuncts).collect(),
        kind => vec![Expr { kind, data_type: expr.data_type }],
    }
}

/// `left = right` where one side reads only the left columns (below `width`) and the other only the right ones.
fn equality(expr: &Expr, width: usize) -> Option<(Expr, Expr)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let ([a, b], "=") = (args.as_slice(), function.as_str()) else { return None };
    let side = |e: &Expr| {
        let (mut left, mut right) = (false, false);
        e.visit_columns(&mut |c| if c < width { left = true } else { right = true });
        (left, right)
    };
    match (side(a), side(b)) {
        ((true, false), (false, true)) => Some((a.clone(), b.clone())),
        ((false, true), (true, false)) => Some((b.clone(), a.clone())),
        _ => None,
    }
}

/// The value of a constant expression, where its type has literals.
pub(super) fn constant(expr: &Expr) -> Option<Value> {
    if let Some(value) = expr.as_literal() {
        return Some(value.clone());
    }
    let mut reads = false;
    expr.visit_columns(&mut |_| reads = true);
    if reads {
        return None;
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(1));
    let schema = std::sync::Arc::new(arrow::datatypes::Schema::empty());
    let one_row = arrow::array::RecordBatch::try_new_with_options(schema, vec![], &options).ok()?;
    let array = Evaluator::new(expr, &NoUserFunctions).ok()?.evaluate(&one_row, &Context::default()).ok()?;
    Value::from_array(&array, 0)
}
