//! INSERT INTO MODEL: rows that a model learns from, beside those that it predicts in the same job.
//!
//! ```text
//! INSERT INTO MODEL m SELECT x, y, truth FROM labels     a lesson, planned first
//! … ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x, y))       Predict with the lesson as its second input
//! ```

use wasmill_expr::typing::can_cast_implicitly;
use wasmill_plan::{self as plan, Expr, Feedback, Field, Input, NodeId, Operator, Schema};

use super::Planner;
use super::relation::Relation;
use crate::binder::TimeAttribute;
use crate::catalog::Model;
use crate::error::{QueryError, Span};
use crate::statement::{InsertStatement, Name};

/// What a model learns from.
pub(super) struct Lesson {
    model: Name,
    /// The rows, and their time attribute.
    rows: NodeId,
    time: Option<usize>,
    args: Vec<Expr>,
    labels: Vec<Expr>,
    /// The node that predicts.
    predicts: Option<NodeId>,
}

impl Planner<'_> {
    /// Plans the rows of an INSERT INTO MODEL.
    pub(super) fn learn(&mut self, insert: &InsertStatement) -> Result<(), QueryError> {
        let name = &insert.table;
        let model = self.catalog.model(&name.text).cloned().ok_or_else(|| self.catalog.unknown_model(name))?;
        self.may_learn(&model, name.span)?;
        if self.lessons.iter().any(|lesson| lesson.model.text == model.name) {
            return Err(QueryError::new(format!("model '{}' learns from two inserts in this job", model.name))
                .with_span(name.span)
                .with_hint("put their rows together: INSERT INTO MODEL m SELECT … UNION ALL SELECT …"));
        }
        let rows = self.statement(&insert.query)?;
        self.require_append(&rows, "a model that learns", insert.span)?;
        let asked = |node: &plan::Node| matches!(&node.operator, Operator::Predict(p) if p.model == model.name);
        if self.plan.nodes.iter().any(asked) {
            return Err(QueryError::new(format!(
                "what model '{}' learns from depends on its own predictions",
                model.name
            ))
            .with_span(insert.span)
            .with_hint("a label that comes with its row is learnt by ML_PREDICT(…, LABELS => DESCRIPTOR(label))"));
        }
        let wanted: Vec<_> = model.input.iter().chain(&model.labels).collect();
        let list = || wanted.iter().map(|f| format!("{} {}", f.name, f.data_type.kind)).collect::<Vec<_>>().join(", ");
        if rows.width() != wanted.len() {
            let given: Vec<&str> = rows.scope.columns.iter().map(|c| c.name.as_str()).collect();
            return Err(QueryError::new(format!(
                "the query gives {} columns, and model '{}' learns from {}",
                rows.width(),
                model.name,
                wanted.len()
            ))
            .with_span(insert.span)
            .with_detail(format!("the query gives ({}), the model takes ({})", given.join(", "), list()))
            .with_hint("its INPUT, then its LABEL"));
        }
        let mut exprs = Vec::new();
        for (position, wanted) in wanted.iter().enumerate() {
            let column = match insert.columns.is_empty() {
                true => position,
                false => self.named_column(insert, &model, &wanted.name)?,
            };
            let given = rows.column(column);
            if !can_cast_implicitly(&given.data_type, &wanted.data_type) {
                return Err(QueryError::new(format!(
                    "column '{}' of model '{}' is {}, and the query gives {} ('{}')",
                    wanted.name, model.name, wanted.data_type.kind, given.data_type, rows.scope.columns[column].name
                ))
                .with_span(insert.span)
                .with_hint(format!("write CAST(… AS {}) in the SELECT list", wanted.data_type.kind)));
            }
            exprs.push(given.cast_to(wanted.data_type.clone()));
        }
        let labels = exprs.split_off(model.input.len());
        // Few will select the time: it is found below.
        let (node, time) = self.with_time(rows.node).map_or((rows.node, None), |(node, time)| (node, Some(time)));
        self.lessons.push(Lesson { model: name.clone(), rows: node, time, args: exprs, labels, predicts: None });
        Ok(())
    }

    /// A node that gives what `node` gives, and behind it the time attribute of its rows, where they have one; and its column.
    fn with_time(&mut self, node: NodeId) -> Option<(NodeId, usize)> {
        let width = self.plan.nodes[node].schema.len();
        if let Some(column) = (0..width).find(|&column| self.is_rowtime(node, column)) {
            return Some((node, column));
        }
        let plan::Node { operator, inputs, mut schema, changelog, .. } = self.plan.nodes[node].clone();
        match operator {
            Operator::Calc { filter, mut projection } => {
                let (below, time) = self.with_time(inputs[0].node)?;
                let field = self.plan.nodes[below].schema.fields[time].clone();
                projection.push(Expr::column(time, field.data_type.clone()));
                schema.fields.push(Field::new("$time", field.data_type));
                let calc = Operator::Calc { filter, projection };
                Some((self.add("calc", calc, vec![Input::forward(below)], schema, changelog), width))
            }
            Operator::Union => {
                let mut timed = Vec::new();
                for input in &inputs {
                    let (below, time) = self.with_time(input.node)?;
                    let field = self.plan.nodes[below].schema.fields[time].clone();
                    let columns = schema.fields.iter().enumerate().map(|(i, f)| Expr::column(i, f.data_type.clone()));
                    let projection = columns.chain([Expr::column(time, field.data_type.clone())]).collect();
                    let mut fields = schema.fields.clone();
                    fields.push(Field::new("$time", field.data_type));
                    let calc = Operator::Calc { filter: None, projection };
                    let schema = Schema::new(fields);
                    timed.push(self.add("calc", calc, vec![Input::forward(below)], schema, changelog));
                }
                let schema = self.plan.nodes[timed[0]].schema.clone();
                let inputs = timed.into_iter().map(Input::forward).collect();
                Some((self.add("union", Operator::Union, inputs, schema, changelog), width))
            }
            _ => None,
        }
    }

    /// Where a column of the model stands among those that the INSERT names.
    fn named_column(&self, insert: &InsertStatement, model: &Model, wanted: &str) -> Result<usize, QueryError> {
        let known = || model.input.iter().chain(&model.labels).map(|f| f.name.as_str());
        if let Some(unknown) = insert.columns.iter().find(|c| known().all(|name| name != c.value)) {
            return Err(
                QueryError::unknown("column", &unknown.value, known()).with_span(Span::from_parser(unknown.span))
            );
        }
        let found = insert.columns.iter().position(|c| c.value == wanted);
        found.ok_or_else(|| {
            QueryError::new(format!("model '{}' cannot learn without its column '{wanted}'", model.name))
                .with_span(insert.span)
        })
    }

    /// Refuses a model that cannot learn.
    pub(super) fn may_learn(&self, model: &Model, span: Option<Span>) -> Result<(), QueryError> {
        if model.labels.is_empty() {
            return Err(QueryError::new(format!("model '{}' does not learn", model.name))
                .with_span(span)
                .with_hint(format!("its module does not export '{}__learn'", model.export)));
        }
        if model.options.get("on-error").is_some_and(|v| !v.eq_ignore_ascii_case("fail")) {
            return Err(QueryError::new(format!("model '{}' learns, and cannot go on after a failure", model.name))
                .with_span(span)
                .with_detail("what it had learnt goes with the instance that fails")
                .with_hint("create it with 'on-error' = 'fail': the job then goes on from its last checkpoint"));
        }
        Ok(())
    }

    /// What `model` learns from while it predicts the rows of `input`, and the node that gives it.
    pub(super) fn lesson(
        &mut self,
        model: &Model,
        input: &Relation,
        has_labels: bool,
        span: Option<Span>,
    ) -> Result<Option<(NodeId, Feedback)>, QueryError> {
        let Some(lesson) = self.lessons.iter().find(|lesson| lesson.model.text == model.name) else { return Ok(None) };
        if has_labels {
            return Err(QueryError::new(format!("model '{}' learns in two ways in this job", model.name))
                .with_span(span)
                .with_detail("from the LABELS of ML_PREDICT, and from INSERT INTO MODEL")
                .with_hint("leave one out"));
        }
        let time = input.scope.columns.iter().position(|column| column.time == Some(TimeAttribute::Rowtime));
        let mut time_columns = time.zip(lesson.time);
        let feedback =
            |time_columns| Feedback { args: lesson.args.clone(), labels: lesson.labels.clone(), time_columns };
        if time_columns.is_some() && self.clauses.on_arrival {
            self.clauses.on_arrival_used = true;
            time_columns = None;
        }
        Ok(Some((lesson.rows, feedback(time_columns))))
    }

    /// The model is asked by that node, and by no other.
    pub(super) fn taught(&mut self, model: &Model, node: NodeId, span: Option<Span>) -> Result<(), QueryError> {
        let lesson = self.lessons.iter_mut().find(|lesson| lesson.model.text == model.name);
        let Some(lesson) = lesson else { return Ok(()) };
        match lesson.predicts.replace(node) {
            Some(other) if other != node => {
                Err(QueryError::new(format!("model '{}' learns, and predicts in two places of this job", model.name))
                    .with_span(span)
                    .with_hint("predict once, in a view that both queries read"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a model that learns and is never asked.
    pub(super) fn learnt(&self) -> Result<(), QueryError> {
        match self.lessons.iter().find(|lesson| lesson.predicts.is_none()) {
            None => Ok(()),
            Some(Lesson { model, .. }) => {
                Err(QueryError::new(format!("nothing in this job predicts by model '{}'", model.text))
                    .with_span(model.span)
                    .with_detail("what a model learns belongs to the job that it predicts in")
                    .with_hint(
                        "put both into one job: EXECUTE STATEMENT SET BEGIN INSERT INTO MODEL m …; INSERT INTO t SELECT … FROM ML_PREDICT(…); END",
                    ))
            }
        }
    }
}
