//! Tables and views as relations.

use wasmill_plan::{ChangelogMode, ColumnKind, Expr, Field, Input, Operator, Schema, SourceNode, Table};

use super::Planner;
use super::relation::{Item, Relation};
use crate::binder::{Scope, ScopeColumn, TimeAttribute};
use crate::catalog;
use crate::error::{QueryError, Span};
use crate::statement::Name;

impl Planner<'_> {
    /// A common table expression, view or table of that name, under its own name as qualifier.
    pub(super) fn named(&mut self, name: &str, span: Option<Span>) -> Result<Relation, QueryError> {
        if let Some(relation) = self.ctes.iter().rev().find_map(|scope| scope.get(name)) {
            return Ok(relation.clone().renamed(Some(name), &[]));
        }
        match self.catalog.relation(name) {
            Some(catalog::Relation::Table(table)) => Ok(self.table(&table.clone())),
            Some(catalog::Relation::View(view)) => self.view(&view.clone(), span),
            None => Err(self.catalog.unknown_relation(&Name { text: name.to_owned(), span })),
        }
    }

    fn view(&mut self, view: &catalog::View, span: Option<Span>) -> Result<Relation, QueryError> {
        if let Some(relation) = self.views.get(&view.name) {
            return Ok(relation.clone());
        }
        if self.open_views.contains(&view.name) {
            return Err(QueryError::new(format!("view '{}' contains itself", view.name)).with_span(span));
        }
        self.open_views.push(view.name.clone());
        // A view sees the catalog only, not the WITH of the query that uses it.
        let ctes = std::mem::take(&mut self.ctes);
        let planned = self.statement(&view.query);
        self.ctes = ctes;
        self.open_views.pop();
        let relation = planned
            .map_err(|e| {
                let detail = format!("inside view '{}': {}", view.name, e.message);
                QueryError { message: detail, span, detail: e.detail, hint: e.hint }
            })?
            .renamed(Some(&view.name), &view.columns);
        self.views.insert(view.name.clone(), relation.clone());
        Ok(relation)
    }

    /// Source, then computed columns, then watermarks.
    fn table(&mut self, table: &Table) -> Relation {
        let read = table.source_columns();
        let source_schema = Schema::new(
            read.iter().map(|&c| Field::new(&table.columns[c].name, table.columns[c].data_type.clone())).collect(),
        );
        let source = Operator::Source(SourceNode::new(Box::new(table.clone()), read.clone()));
        let node = self.add("source", source, vec![], source_schema.clone(), ChangelogMode::Append);
        let raw =
            source_schema.fields.into_iter().map(|f| ScopeColumn::new(Some(table.name.clone()), &f.name, f.data_type));
        let source = Relation { node, scope: Scope::new(raw.collect()), window: None };

        let place =
            |column: usize| read.iter().position(|&c| c == column).expect("computed columns read source columns");
        let mut items: Vec<Item> = Vec::with_capacity(table.columns.len());
        for (index, column) in table.columns.iter().enumerate() {
            let expr = match &column.kind {
                ColumnKind::Computed(expr) => inline_computed(table, expr.clone()).map_columns(&place),
                _ => Expr::column(place(index), column.data_type.clone()),
            };
            items.push(Item { name: column.name.clone(), qualifier: Some(table.name.clone()), expr });
        }
        let mut relation = self.calc(&source, None, items);
        if let Some(watermark) = &table.watermark {
            let operator = Operator::Watermark { time_column: watermark.column, expr: watermark.expr.clone() };
            let schema = relation.schema();
            relation.node =
                self.add("watermark", operator, vec![Input::forward(relation.node)], schema, ChangelogMode::Append);
            relation.scope.columns[watermark.column].time = Some(TimeAttribute::Rowtime);
        }
        relation
    }
}

/// The expression with references to other computed columns replaced by what they compute.
fn inline_computed(table: &Table, mut expr: Expr) -> Expr {
    if let Some(index) = expr.as_column() {
        if let ColumnKind::Computed(inner) = &table.columns[index].kind {
            return inline_computed(table, inner.clone());
        }
        return expr;
    }
    for child in expr.children_mut() {
        *child = inline_computed(table, child.clone());
    }
    expr
}
