//! A node of the plan with what its columns mean.

use wasmill_plan::{Expr, ExprKind, Field, Input, NodeId, Operator, Schema, TypeKind};

use super::Planner;
use crate::binder::{Scope, ScopeColumn, TimeAttribute};

/// A node and the names, time attributes and window columns of its output.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub node: NodeId,
    pub scope: Scope,
    /// Where its rows carry their window.
    pub window: Option<WindowColumns>,
}

/// The columns of a window that came with the rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WindowColumns {
    pub start: Option<usize>,
    pub end: Option<usize>,
    pub time: Option<usize>,
    /// Of a window over TIMESTAMP_LTZ.
    pub time_zone: Option<String>,
    /// What the window's time is.
    pub clock: TimeAttribute,
}

impl WindowColumns {
    /// The same window after a projection: where `f` says each column went.
    pub fn map(&self, f: impl Fn(usize) -> Option<usize>) -> Option<Self> {
        let mapped = Self {
            start: self.start.and_then(&f),
            end: self.end.and_then(&f),
            time: self.time.and_then(&f),
            time_zone: self.time_zone.clone(),
            clock: self.clock,
        };
        (mapped.start.is_some() || mapped.end.is_some() || mapped.time.is_some()).then_some(mapped)
    }
}

impl Relation {
    /// The names and types of the columns.
    pub fn schema(&self) -> Schema {
        Schema::new(self.scope.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone())).collect())
    }

    /// How many columns.
    pub fn width(&self) -> usize {
        self.scope.columns.len()
    }

    /// Column `index` as an expression.
    pub fn column(&self, index: usize) -> Expr {
        Expr::column(index, self.scope.columns[index].data_type.clone())
    }

    /// All columns under another table name, and other column names where given.
    pub fn renamed(mut self, qualifier: Option<&str>, columns: &[String]) -> Self {
        for (i, column) in self.scope.columns.iter_mut().enumerate() {
            if qualifier.is_some() {
                column.qualifier = qualifier.map(str::to_owned);
            }
            if let Some(name) = columns.get(i) {
                column.name.clone_from(name);
            }
        }
        self
    }
}

/// An output column of a projection.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: String,
    pub qualifier: Option<String>,
    pub expr: Expr,
}

impl Item {
    /// Without a table name.
    pub fn new(name: impl Into<String>, expr: Expr) -> Self {
        Self { name: name.into(), qualifier: None, expr }
    }
}

impl Planner<'_> {
    /// A projection of `input` behind a filter; names, time attributes and windows follow plain columns. A projection that
    /// changes nothing adds no node.
    pub(super) fn calc(&mut self, input: &Relation, filter: Option<Expr>, items: Vec<Item>) -> Relation {
        let columns = items
            .iter()
            .map(|item| ScopeColumn {
                qualifier: item.qualifier.clone(),
                name: item.name.clone(),
                data_type: item.expr.data_type.clone(),
                time: time_attribute(&input.scope, &item.expr),
            })
            .collect();
        let place = |column: usize| items.iter().position(|i| i.expr.as_column() == Some(column));
        let window = input.window.as_ref().and_then(|w| w.map(place));
        let same =
            items.len() == input.width() && items.iter().enumerate().all(|(i, item)| item.expr.as_column() == Some(i));
        let mut relation = Relation { node: input.node, scope: Scope::new(columns), window };
        if !same || filter.is_some() {
            let projection = items.into_iter().map(|i| i.expr).collect();
            let changelog = self.changelog(input.node);
            let schema = relation.schema();
            let calc = Operator::Calc { filter, projection };
            relation.node = self.add("calc", calc, vec![Input::forward(input.node)], schema, changelog);
        }
        relation
    }

    /// All columns of `input` that pass `filter`.
    pub(super) fn filtered(&mut self, input: &Relation, filter: Expr) -> Relation {
        let items = pass_through(input);
        self.calc(input, Some(filter), items)
    }

    /// All columns of `input`, and behind them those of `exprs` that are not plain columns; gives each one's column.
    pub(super) fn with_columns(&mut self, input: &Relation, exprs: &[Expr]) -> (Relation, Vec<usize>) {
        let mut items = pass_through(input);
        let places = exprs
            .iter()
            .map(|expr| match expr.as_column() {
                Some(column) => column,
                None => items[input.width()..].iter().position(|i| i.expr == *expr).map_or_else(
                    || {
                        items.push(Item::new(format!("$f{}", items.len()), expr.clone()));
                        items.len() - 1
                    },
                    |found| found + input.width(),
                ),
            })
            .collect();
        (self.calc(input, None, items), places)
    }
}

/// Every column of the input as it is.
pub(super) fn pass_through(input: &Relation) -> Vec<Item> {
    let item = |(i, c): (usize, &ScopeColumn)| Item {
        name: c.name.clone(),
        qualifier: c.qualifier.clone(),
        expr: Expr::column(i, c.data_type.clone()),
    };
    input.scope.columns.iter().enumerate().map(item).collect()
}

fn time_attribute(scope: &Scope, expr: &Expr) -> Option<TimeAttribute> {
    match &expr.kind {
        ExprKind::Column(index) => scope.columns.get(*index)?.time,
        ExprKind::Call { function, .. } if function == "PROCTIME" => Some(TimeAttribute::Proctime),
        // Nullability and length of the type change nothing in the values: a cast between equal precisions keeps the time.
        ExprKind::Cast { input, .. } if input.data_type.kind == expr.data_type.kind => time_attribute(scope, input),
        _ => None,
    }
}

/// Whether a type can be a time attribute: milliseconds.
pub(super) fn is_time_type(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Timestamp(0..=3) | TypeKind::TimestampLtz(0..=3))
}
