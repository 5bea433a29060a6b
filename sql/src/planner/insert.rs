//! Sinks: the rows of a bare SELECT, INSERT INTO, and late rows.

use std::collections::HashSet;

use wasmill_expr::typing;
use wasmill_plan::{ChangelogMode, Expr, Field, Input, Operator, Port, Schema, SinkNode, Table, Value};

use super::Planner;
use super::relation::{Item, Relation};
use crate::catalog;
use crate::error::{QueryError, Span};
use crate::statement::{InsertStatement, Name};

impl Planner<'_> {
    /// Ends a bare SELECT. Equal column names get a number, as in Flink: `a`, `a0`.
    pub(super) fn collect(&mut self, relation: &Relation) {
        let mut seen = HashSet::new();
        let mut schema = relation.schema();
        for field in &mut schema.fields {
            let base = field.name.clone();
            let mut number = 0;
            while !seen.insert(field.name.clone()) {
                field.name = format!("{base}{number}");
                number += 1;
            }
        }
        let mode = self.changelog(relation.node);
        self.add("sink", Operator::Sink(SinkNode { table: None }), vec![Input::forward(relation.node)], schema, mode);
    }

    pub(super) fn insert(&mut self, insert: &InsertStatement) -> Result<(), QueryError> {
        let table = self.target(&insert.table)?;
        let relation = self.statement(&insert.query)?;
        let writable = table.sink_columns();
        let targets: Vec<usize> = if insert.columns.is_empty() {
            writable.clone()
        } else {
            let mut targets = Vec::new();
            for name in &insert.columns {
                let found = writable.iter().copied().find(|&c| table.columns[c].name == name.value);
                let known = writable.iter().map(|&c| table.columns[c].name.as_str());
                targets.push(found.ok_or_else(|| {
                    QueryError::unknown("column", &name.value, known).with_span(Span::from_parser(name.span))
                })?);
            }
            targets
        };
        if targets.len() != relation.width() {
            let list = |names: Vec<&str>| names.join(", ");
            return Err(QueryError::new(format!(
                "the query gives {} columns, and '{}' takes {}",
                relation.width(),
                table.name,
                targets.len()
            ))
            .with_span(insert.span)
            .with_detail(format!(
                "the query gives ({}), the table takes ({})",
                list(relation.scope.columns.iter().map(|c| c.name.as_str()).collect()),
                list(targets.iter().map(|&c| table.columns[c].name.as_str()).collect()),
            )));
        }
        let mut items = Vec::new();
        for &column in &writable {
            let target = &table.columns[column];
            let expr = match targets.iter().position(|&t| t == column) {
                None => Expr::literal(Value::Null, target.data_type.clone().with_nullable(true)),
                Some(from) => {
                    let given = relation.column(from);
                    if !typing::can_cast_implicitly(&given.data_type, &target.data_type) {
                        let message = format!(
                            "column '{}' of '{}' is {}, and the query gives {} ('{}')",
                            target.name,
                            table.name,
                            target.data_type,
                            given.data_type,
                            relation.scope.columns[from].name
                        );
                        return Err(QueryError::new(message)
                            .with_span(insert.span)
                            .with_hint(format!("write CAST(… AS {}) in the SELECT list", target.data_type.kind)));
                    }
                    given.cast_to(target.data_type.clone())
                }
            };
            items.push(Item::new(target.name.clone(), expr));
        }
        let rows = self.calc(&relation, None, items);
        self.sink(&table, &rows, insert.span)
    }

    /// The table to write, by name.
    fn target(&self, name: &Name) -> Result<Table, QueryError> {
        match self.catalog.relation(&name.text) {
            Some(catalog::Relation::Table(table)) => Ok(table.clone()),
            Some(catalog::Relation::View(_)) => {
                Err(QueryError::new(format!("'{}' is a view and cannot be written", name.text)).with_span(name.span))
            }
            None => Err(self.catalog.unknown_relation(name)),
        }
    }

    fn sink(&mut self, table: &Table, rows: &Relation, span: Option<Span>) -> Result<(), QueryError> {
        let mode = self.changelog(rows.node);
        let connector = table.option("connector").unwrap_or_default();
        if mode == ChangelogMode::Retract && !matches!(connector, "print" | "stdout" | "blackhole") {
            return Err(QueryError::new(format!(
                "table '{}' ({connector}) can only be appended to, and the query updates its rows",
                table.name
            ))
            .with_span(span)
            .with_hint(
                "aggregate over a window, which gives each row once, or write to a 'print' table to see the changes",
            ));
        }
        let schema = rows.schema();
        let sink = Operator::Sink(SinkNode { table: Some(Box::new(table.clone())) });
        self.add("sink", sink, vec![Input::forward(rows.node)], schema, mode);
        Ok(())
    }

    /// `LATE ROWS INTO t`: t's columns are found by name among those of the windowed query's input.
    pub(super) fn late_sinks(&mut self) -> Result<(), QueryError> {
        let mut done: Vec<(usize, String)> = Vec::new();
        for (node, input, name, span) in std::mem::take(&mut self.late_into) {
            if done.contains(&(node, name.clone())) {
                continue;
            }
            done.push((node, name.clone()));
            let table = self.target(&Name { text: name, span: Some(span) })?;
            let mut projection = Vec::new();
            let mut fields = Vec::new();
            for column in table.sink_columns() {
                let target = &table.columns[column];
                let from = input.scope.columns.iter().position(|c| c.name == target.name);
                let Some(from) = from else {
                    let known: Vec<&str> = input.scope.columns.iter().map(|c| c.name.as_str()).collect();
                    return Err(QueryError::new(format!("late rows have no column '{}'", target.name))
                        .with_span(span)
                        .with_hint(format!(
                            "table '{}' takes columns of the window's input: {}",
                            table.name,
                            known.join(", ")
                        )));
                };
                let given = input.column(from);
                if !typing::can_cast_implicitly(&given.data_type, &target.data_type) {
                    return Err(QueryError::new(format!(
                        "column '{}' of '{}' is {}, and late rows have {}",
                        target.name, table.name, target.data_type, given.data_type
                    ))
                    .with_span(span));
                }
                projection.push(given.cast_to(target.data_type.clone()));
                fields.push(Field::new(&target.name, target.data_type.clone()));
            }
            let schema = Schema::new(fields);
            let late = Input { node, port: Port::Late, exchange: None };
            let calc = Operator::Calc { filter: None, projection };
            let calc = self.add("late-rows", calc, vec![late], schema.clone(), ChangelogMode::Append);
            let sink = Operator::Sink(SinkNode { table: Some(Box::new(table)) });
            self.add("sink", sink, vec![Input::forward(calc)], schema, ChangelogMode::Append);
        }
        Ok(())
    }
}
