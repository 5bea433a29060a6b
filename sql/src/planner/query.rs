//! Queries: WITH, UNION, VALUES, ORDER BY and LIMIT.

use std::collections::HashMap;

use sqlparser::ast::{self, LimitClause, OrderByKind, SetExpr, SetOperator, SetQuantifier, Spanned};
use wasmill_expr::typing;
use wasmill_plan::{
    ChangelogMode, DataType, Expr, ExprKind, Input, Operator, Over, OverAnswer, Rank, SortKey, TypeKind, Value,
};

use super::Planner;
use super::relation::{Item, Relation, pass_through};
use crate::binder::{Binder, Scope, ScopeColumn, TimeAttribute};
use crate::error::{QueryError, Span};

impl Planner<'_> {
    /// A query with its WITH, ORDER BY and LIMIT.
    pub(super) fn query(&mut self, query: &ast::Query) -> Result<Relation, QueryError> {
        self.ctes.push(HashMap::new());
        let planned = self.query_in_scope(query);
        self.ctes.pop();
        planned
    }

    fn query_in_scope(&mut self, query: &ast::Query) -> Result<Relation, QueryError> {
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(QueryError::unsupported("WITH RECURSIVE", "a stream has no fixed point to reach")
                    .with_span(Span::of(with.cte_tables[0].query.as_ref())));
            }
            for cte in &with.cte_tables {
                let columns: Vec<String> = cte.alias.columns.iter().map(|c| c.name.value.clone()).collect();
                let relation = self.query(&cte.query)?.renamed(Some(&cte.alias.name.value), &columns);
                self.ctes.last_mut().expect("pushed by query").insert(cte.alias.name.value.clone(), relation);
            }
        }
        let relation = self.set_expr(&query.body)?;
        self.order_and_limit(query, relation)
    }

    fn set_expr(&mut self, body: &SetExpr) -> Result<Relation, QueryError> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::Table(table) => {
                let name = table.table_name.clone().unwrap_or_default();
                self.named(&name, None)
            }
            SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } => {
                let union = self.union(left, right)?;
                match set_quantifier {
                    SetQuantifier::All => Ok(union),
                    SetQuantifier::None | SetQuantifier::Distinct => Ok(self.distinct(&union)),
                    other => Err(QueryError::at(body, format!("UNION {other} is not supported"))),
                }
            }
            SetExpr::SetOperation { op, .. } => Err(QueryError::unsupported(
                format!("{op}"),
                "UNION ALL and UNION work; write the others as a filter where you can",
            )
            .with_span(Span::of(body))),
            other => Err(QueryError::at(other, "expected SELECT or VALUES")),
        }
    }

    fn union(&mut self, left: &SetExpr, right: &SetExpr) -> Result<Relation, QueryError> {
        let mut sides = Vec::new();
        self.union_sides(left, &mut sides)?;
        sides.push((self.set_expr(right)?, Span::of(right)));
        let width = sides[0].0.width();
        if let Some((other, span)) = sides.iter().find(|(s, _)| s.width() != width) {
            return Err(QueryError::new(format!("the sides of UNION have {width} and {} columns", other.width()))
                .with_span(*span));
        }
        let mut types = Vec::new();
        for column in 0..width {
            let all: Vec<DataType> = sides.iter().map(|(s, _)| s.scope.columns[column].data_type.clone()).collect();
            match typing::least_restrictive(&all) {
                Some(common) => types.push(common),
                None => {
                    let name = &sides[0].0.scope.columns[column].name;
                    let list = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                    return Err(QueryError::new(format!("column '{name}' of UNION has no common type: {list}"))
                        .with_span(sides[1].1)
                        .with_hint("cast both sides to one type"));
                }
            }
        }
        let cast: Vec<Relation> = sides
            .iter()
            .map(|(side, _)| {
                let items = pass_through(side).into_iter().zip(&types).map(|(item, wanted)| Item {
                    qualifier: None,
                    expr: item.expr.cast_to(wanted.clone()),
                    name: item.name,
                });
                self.calc(side, None, items.collect())
            })
            .collect();
        let retracting = cast.iter().any(|r| self.changelog(r.node) == ChangelogMode::Retract);
        let mut first = cast[0].clone();
        for (column, data_type) in first.scope.columns.iter_mut().zip(types) {
            column.data_type = data_type;
            column.qualifier = None;
        }
        for (index, column) in first.scope.columns.iter_mut().enumerate() {
            if !cast.iter().all(|r| r.scope.columns[index].time == column.time) {
                column.time = None;
            }
        }
        if !cast.iter().all(|r| r.window == first.window) {
            first.window = None;
        }
        let inputs = cast.iter().map(|r| Input::forward(r.node)).collect();
        let mode = if retracting { ChangelogMode::Retract } else { ChangelogMode::Append };
        let schema = first.schema();
        first.node = self.add("union", Operator::Union, inputs, schema, mode);
        Ok(first)
    }

    /// `a UNION ALL b UNION ALL c` as one union of three.
    fn union_sides(&mut self, side: &SetExpr, sides: &mut Vec<(Relation, Option<Span>)>) -> Result<(), QueryError> {
        match side {
            SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier: SetQuantifier::All, right } => {
                self.union_sides(left, sides)?;
                sides.push((self.set_expr(right)?, Span::of(right.as_ref())));
            }
            _ => sides.push((self.set_expr(side)?, Span::of(side))),
        }
        Ok(())
    }

    /// Each row once: a grouping by all columns without aggregates.
    pub(super) fn distinct(&mut self, input: &Relation) -> Relation {
        let keys: Vec<usize> = (0..input.width()).collect();
        let operator = Operator::GroupAggregate { keys: keys.clone(), aggregates: Vec::new() };
        let mut relation = input.clone();
        relation.window = None;
        relation.scope.columns.iter_mut().for_each(|c| c.time = None);
        let schema = relation.schema();
        // Without retractions a new value is given once and never taken back.
        let mode = self.changelog(input.node);
        relation.node = self.add("distinct", operator, vec![Input::by_key(input.node, keys)], schema, mode);
        relation
    }

    fn values(&mut self, values: &ast::Values) -> Result<Relation, QueryError> {
        let scope = Scope::default();
        let mut rows: Vec<Vec<Expr>> = Vec::new();
        for row in &values.rows {
            let mut binder = Binder::new(self.catalog, &scope, "VALUES");
            let bound = row.content.iter().map(|e| binder.bind(e)).collect::<Result<Vec<_>, _>>()?;
            if rows.first().is_some_and(|first| first.len() != bound.len()) {
                let message = format!("rows of VALUES have {} and {} columns", rows[0].len(), bound.len());
                return Err(QueryError::new(message).with_span(row.content.first().and_then(|e| Span::of(e))));
            }
            rows.push(bound);
        }
        let mut columns = Vec::new();
        for column in 0..rows.first().map_or(0, Vec::len) {
            let types: Vec<DataType> = rows.iter().map(|r| r[column].data_type.clone()).collect();
            let Some(common) = typing::least_restrictive(&types) else {
                let list = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return Err(QueryError::new(format!("column {} of VALUES has no common type: {list}", column + 1))
                    .with_span(Span::of(&values.rows[0].content[column])));
            };
            for row in &mut rows {
                row[column] = row[column].clone().cast_to(common.clone());
            }
            columns.push(ScopeColumn::new(None, &format!("EXPR${column}"), common));
        }
        Ok(self.constant_rows(rows, columns))
    }

    /// Fixed rows.
    pub(super) fn constant_rows(&mut self, rows: Vec<Vec<Expr>>, columns: Vec<ScopeColumn>) -> Relation {
        let mut relation = Relation { node: 0, scope: Scope::new(columns), window: None };
        let schema = relation.schema();
        relation.node = self.add("values", Operator::Values { rows }, vec![], schema, ChangelogMode::Append);
        relation
    }

    fn order_and_limit(&mut self, query: &ast::Query, mut relation: Relation) -> Result<Relation, QueryError> {
        let order = match &query.order_by {
            None => Vec::new(),
            Some(order_by) => match &order_by.kind {
                OrderByKind::Expressions(keys) => keys.clone(),
                OrderByKind::All(_) => return Err(QueryError::at(order_by, "ORDER BY ALL is not supported")),
            },
        };
        let (limit, offset) = self.limit(query)?;
        if order.is_empty() && limit.is_none() && offset == 0 {
            return Ok(relation);
        }
        let width = relation.width();
        let mut exprs = Vec::new();
        let mut flags = Vec::new();
        let mut hidden = Vec::new();
        for key in &order {
            exprs.push(match self.order_key(&key.expr, &relation) {
                Ok(expr) => expr,
                Err(why) => {
                    hidden.push(key.expr.clone());
                    relation = self.with_hidden(&query.body, &hidden).map_err(|_| why)?;
                    relation.column(relation.width() - 1)
                }
            });
            let descending = key.options.asc == Some(false);
            flags.push((descending, key.options.nulls_first.unwrap_or(!descending)));
        }
        let span = order.first().and_then(|k| Span::of(&k.expr));
        let (wide, places) = self.with_columns(&relation, &exprs);
        let keys: Vec<SortKey> = places
            .iter()
            .zip(flags)
            .map(|(&column, (descending, nulls_first))| SortKey { column, descending, nulls_first })
            .collect();
        let sorted = match limit {
            Some(limit) => self.limited(&wide, keys, offset, limit),
            None if offset > 0 => {
                return Err(
                    QueryError::unsupported("OFFSET without LIMIT on a stream", "add LIMIT").with_span(Span::of(query))
                );
            }
            None => self.temporal_sort(&wide, &keys, span)?,
        };
        if sorted.width() == width {
            return Ok(sorted);
        }
        let items = pass_through(&sorted).into_iter().take(width).collect();
        Ok(self.calc(&sorted, None, items))
    }

    /// A SELECT with further columns, which its ORDER BY reads from what it selects from.
    fn with_hidden(&mut self, body: &SetExpr, exprs: &[ast::Expr]) -> Result<Relation, QueryError> {
        let SetExpr::Select(select) = body else { return Err(QueryError::new("ORDER BY needs a SELECT")) };
        if select.distinct.is_some() {
            return Err(QueryError::at(select.as_ref(), "ORDER BY of SELECT DISTINCT takes selected columns only"));
        }
        let mut wider = select.as_ref().clone();
        wider.projection.extend(exprs.iter().enumerate().map(|(i, expr)| ast::SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: ast::Ident::new(format!("$order{i}")),
        }));
        self.select(&wider)
    }

    /// ORDER BY a name or position of the SELECT list, or an expression over its columns.
    fn order_key(&mut self, expr: &ast::Expr, relation: &Relation) -> Result<Expr, QueryError> {
        let bound = Binder::new(self.catalog, &relation.scope, "ORDER BY").bind(expr)?;
        match (&bound.kind, &bound.data_type.kind) {
            (ExprKind::Literal(Value::Int(n)), TypeKind::Int) if *n >= 1 && *n as usize <= relation.width() => {
                Ok(relation.column(*n as usize - 1))
            }
            (ExprKind::Literal(Value::Int(n)), TypeKind::Int) => {
                Err(QueryError::at(expr, format!("ORDER BY {n}: the query has {} columns", relation.width())))
            }
            _ => Ok(bound),
        }
    }

    fn limited(&mut self, input: &Relation, order: Vec<SortKey>, offset: u64, limit: u64) -> Relation {
        let rank = Rank { partition: vec![], order, from: offset + 1, to: offset + limit, with_rank: false };
        let mut relation = input.clone();
        relation.scope.columns.iter_mut().for_each(|c| c.time = None);
        relation.window = None;
        let schema = relation.schema();
        let append = rank.order.is_empty() && self.changelog(input.node) == ChangelogMode::Append;
        let mode = if append { ChangelogMode::Append } else { ChangelogMode::Retract };
        relation.node = self.add("limit", Operator::Rank(rank), vec![Input::by_key(input.node, vec![])], schema, mode);
        relation
    }

    /// ORDER BY a time attribute, and other columns behind it: rows are held until the watermark passes them. This is OVER
    /// without functions. In processing time, rows are in order when they come.
    fn temporal_sort(
        &mut self,
        input: &Relation,
        keys: &[SortKey],
        span: Option<Span>,
    ) -> Result<Relation, QueryError> {
        let time = keys.first().filter(|k| !k.descending).and_then(|k| input.scope.columns[k.column].time);
        match (time, keys) {
            (Some(TimeAttribute::Rowtime), _) => {}
            (Some(TimeAttribute::Proctime), [_]) => return Ok(input.clone()),
            _ => {
                return Err(QueryError::unsupported(
                    "ORDER BY on a stream that does not begin with an ascending time attribute",
                    "add LIMIT for a Top-N, or order by the column that WATERMARK FOR names first",
                )
                .with_span(span));
            }
        }
        self.require_append(input, "ORDER BY a time attribute", span)?;
        let over = Over {
            partition: vec![],
            time_column: keys[0].column,
            groups: vec![],
            answer: OverAnswer::AtWatermark,
            ties: keys[1..].to_vec(),
        };
        let mut relation = input.clone();
        let schema = relation.schema();
        let inputs = vec![Input::by_key(input.node, vec![])];
        relation.node = self.add("sort", Operator::Over(over), inputs, schema, ChangelogMode::Append);
        self.late_sources.push((relation.node, input.clone()));
        Ok(relation)
    }

    /// LIMIT (or FETCH FIRST) and OFFSET.
    fn limit(&mut self, query: &ast::Query) -> Result<(Option<u64>, u64), QueryError> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if let Some(by) = limit_by.first() {
                    return Err(QueryError::at(by, "LIMIT BY is not supported")
                        .with_hint("use ROW_NUMBER() OVER (PARTITION BY …)"));
                }
                (limit.as_ref(), offset.as_ref().map(|o| &o.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        let fetch = match &query.fetch {
            None => None,
            Some(fetch) if fetch.with_ties || fetch.percent => {
                return Err(QueryError::new("FETCH WITH TIES and PERCENT are not supported").with_span(Span::of(query)));
            }
            Some(fetch) => Some(fetch.quantity.as_ref().map_or(Ok(1), count)?),
        };
        let limit = limit.map(count).transpose()?.or(fetch);
        Ok((limit, offset.map(count).transpose()?.unwrap_or(0)))
    }
}

/// A constant number of rows.
fn count(expr: &ast::Expr) -> Result<u64, QueryError> {
    if let ast::Expr::Value(value) = expr {
        if let ast::Value::Number(text, _) = &value.value {
            if let Ok(n) = text.parse() {
                return Ok(n);
            }
        }
    }
    Err(QueryError::new("expected a number of rows").with_span(Span::from_parser(expr.span())))
}
