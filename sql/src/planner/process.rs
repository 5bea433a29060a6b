//! Process functions in FROM.
//!
//! ```text
//! f(input => TABLE t PARTITION BY k ORDER BY ts, uid => 'f-1')      k, f's columns, rowtime: Process
//! f(TABLE t PARTITION BY k, on_time => DESCRIPTOR(ts), limit => 3)  the same, rows as they come; an argument that is no column
//! ```

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};
use wasmill_plan::{DataType, Expr, Input, Operator, Process, SortKey};

use super::Planner;
use super::functions::free_name;
use super::relation::Relation;
use super::window::require_time_attribute;
use crate::binder::{Binder, ScopeColumn, TimeAttribute};
use crate::catalog::UserFunction;
use crate::error::{QueryError, Span, nearest};

/// A call's arguments by their names.
#[derive(Default)]
struct Call<'e> {
    input: Option<&'e ast::Expr>,
    on_time: Option<&'e ast::Expr>,
    uid: Option<&'e ast::Expr>,
    /// Values of arguments that are no columns of the input.
    values: Vec<(String, &'e ast::Expr)>,
}

impl Planner<'_> {
    /// The call of a process function.
    pub(super) fn process(
        &mut self,
        function: &UserFunction,
        args: &[&FunctionArg],
        span: Option<Span>,
    ) -> Result<Relation, QueryError> {
        let usage = format!("usage: {}(input => TABLE t PARTITION BY k ORDER BY ts)", function.name);
        let call = call(function, args, span, &usage)?;
        let table = call.input.ok_or_else(|| {
            QueryError::new(format!("{} lacks its argument input", function.name)).with_span(span).with_hint(&usage)
        })?;
        let (input, partition) = self.table_argument(&function.name, table, &usage)?;
        self.require_append(&input, &format!("process function '{}'", function.name), Span::of(table))?;
        let order = self.order(&input, table)?;
        let time_column = match (&order, call.on_time) {
            (Some((time, _)), None) => Some(*time),
            (order, Some(on_time)) => {
                let time = self.on_time(&input, on_time, &usage)?;
                if order.as_ref().is_some_and(|(ordered, _)| *ordered != time) {
                    return Err(QueryError::at(on_time, "on_time is another column than that of ORDER BY")
                        .with_hint("leave on_time out: rows in an order have its time"));
                }
                Some(time)
            }
            (None, None) => None,
        };
        let exprs = self.process_args(function, &input, &call)?;
        let uid = match call.uid {
            Some(uid) => Some(self.uid(uid)?),
            None => None,
        };
        let mut relation = Relation { scope: Default::default(), window: None, ..input.clone() };
        for &column in &partition {
            let ScopeColumn { name, data_type, .. } = &input.scope.columns[column];
            relation.scope.columns.push(ScopeColumn::new(None, name, data_type.clone()));
        }
        for field in function.columns() {
            let name = free_name(&relation, &field.name);
            relation.scope.columns.push(ScopeColumn::new(None, &name, field.data_type.clone()));
        }
        if let Some(time) = time_column {
            let data_type = input.scope.columns[time].data_type.clone().with_nullable(false);
            let name = free_name(&relation, "rowtime");
            let mut column = ScopeColumn::new(None, &name, data_type);
            column.time = Some(TimeAttribute::Rowtime);
            relation.scope.columns.push(column);
        }
        let operator = Operator::Process(Process {
            function: function.name.clone(),
            uid,
            partition: partition.clone(),
            args: exprs,
            state: function.state.clone(),
            time_column,
            order: order.as_ref().map(|(_, keys)| keys.clone()),
            outputs: function.columns().iter().map(|f| f.data_type.clone()).collect(),
        });
        let (schema, changelog) = (relation.schema(), self.changelog(input.node));
        relation.node = self.add("process", operator, vec![Input::by_key(input.node, partition)], schema, changelog);
        if order.is_some() {
            self.late_sources.push((relation.node, input));
        }
        Ok(relation)
    }

    /// The time attribute and the other columns of ORDER BY.
    fn order(&self, input: &Relation, table: &ast::Expr) -> Result<Option<(usize, Vec<SortKey>)>, QueryError> {
        let ast::Expr::Function(ast::Function { args: ast::FunctionArguments::List(list), .. }) = table else {
            return Ok(None);
        };
        let keys = list.clauses.iter().find_map(|clause| match clause {
            ast::FunctionArgumentClause::OrderBy(keys) => Some(keys),
            _ => None,
        });
        let Some((first, rest)) = keys.and_then(|keys| keys.split_first()) else { return Ok(None) };
        let mut binder = Binder::new(self.catalog, &input.scope, "ORDER BY");
        let time = binder.bind(&first.expr)?;
        let (time, clock) = require_time_attribute(input, &time, &first.expr, "ORDER BY of a process function")?;
        if clock == TimeAttribute::Proctime {
            return Err(QueryError::at(&first.expr, "rows come in the order of processing time anyway")
                .with_hint("leave ORDER BY out"));
        }
        if first.options.asc == Some(false) {
            return Err(QueryError::at(&first.expr, "time is ordered ascending only"));
        }
        let mut others = Vec::new();
        for key in rest {
            let bound = binder.bind(&key.expr)?;
            let Some(column) = bound.as_column() else {
                return Err(
                    QueryError::at(&key.expr, "ORDER BY takes columns here").with_hint("compute it in a view first")
                );
            };
            let descending = key.options.asc == Some(false);
            others.push(SortKey { column, descending, nulls_first: key.options.nulls_first.unwrap_or(!descending) });
        }
        Ok(Some((time, others)))
    }

    /// The column of `DESCRIPTOR(ts)`.
    fn on_time(&self, input: &Relation, on_time: &ast::Expr, usage: &str) -> Result<usize, QueryError> {
        let column = match on_time {
            ast::Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") => {
                match crate::binder::table_call_args(f).as_slice() {
                    [ast::Expr::Identifier(column)] => Some(column),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(column) = column else {
            return Err(QueryError::at(on_time, "expected DESCRIPTOR(column)").with_hint(usage));
        };
        let bound = input.scope.resolve(std::slice::from_ref(column))?;
        let (time, clock) = require_time_attribute(input, &bound, on_time, "on_time")?;
        if clock == TimeAttribute::Proctime {
            return Err(QueryError::at(on_time, "on_time takes a time attribute of event time")
                .with_hint("leave it out: timers of processing time need none"));
        }
        Ok(time)
    }

    /// The function's arguments: a value that the call names, or the input's column of that name.
    fn process_args(&self, function: &UserFunction, input: &Relation, call: &Call) -> Result<Vec<Expr>, QueryError> {
        let mut binder = Binder::new(self.catalog, &input.scope, "the arguments of a process function");
        let mut exprs = Vec::new();
        for wanted in &function.args {
            let named = call.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(&wanted.name));
            let (bound, span) = match named {
                Some((_, value)) => (binder.bind(value)?, Span::of(*value)),
                None => {
                    let mut columns =
                        (0..input.width()).filter(|&c| input.scope.columns[c].name.eq_ignore_ascii_case(&wanted.name));
                    let exact = (0..input.width()).find(|&c| input.scope.columns[c].name == wanted.name);
                    let span = call.input.and_then(Span::of);
                    match exact.or_else(|| columns.next()) {
                        Some(column) => (input.column(column), span),
                        None => return Err(lacks(function, input, &wanted.name).with_span(span)),
                    }
                }
            };
            let fits = |wanted: &DataType| wasmill_expr::typing::can_cast_implicitly(&bound.data_type, wanted);
            if !fits(&wanted.data_type) {
                return Err(QueryError::new(format!(
                    "argument '{}' of {} is {}, not {}",
                    wanted.name, function.name, wanted.data_type.kind, bound.data_type
                ))
                .with_span(span)
                .with_hint(format!("write {} => CAST(… AS {})", wanted.name, wanted.data_type.kind)));
            }
            exprs.push(bound.cast_to(wanted.data_type.clone()));
        }
        Ok(exprs)
    }

    fn uid(&self, expr: &ast::Expr) -> Result<String, QueryError> {
        let wrong = |what: &str| {
            QueryError::at(expr, format!("uid {what}")).with_hint("letters, digits, '-' and '_': uid => 'quiet-cards'")
        };
        let uid = match expr {
            ast::Expr::Value(value) => value.clone().into_string(),
            _ => None,
        };
        let uid = uid.ok_or_else(|| wrong("takes a text"))?;
        if uid.is_empty() || !uid.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(wrong("has other characters than it may"));
        }
        let taken =
            |node: &wasmill_plan::Node| matches!(&node.operator, Operator::Process(p) if p.uid.as_ref() == Some(&uid));
        if self.plan.nodes.iter().any(taken) {
            return Err(QueryError::at(expr, format!("uid '{uid}' is used twice in this job"))
                .with_hint("each use of a process function has a state of its own: give it another uid"));
        }
        Ok(uid)
    }
}

fn call<'e>(
    function: &UserFunction,
    args: &[&'e FunctionArg],
    span: Option<Span>,
    usage: &str,
) -> Result<Call<'e>, QueryError> {
    let mut call = Call::default();
    for (position, arg) in args.iter().enumerate() {
        let (name, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) if position == 0 => ("input".to_owned(), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (name.value.clone(), value),
            FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => {
                (name.to_string().trim_matches('`').to_owned(), value)
            }
            other => {
                return Err(QueryError::at(
                    *other,
                    format!("the arguments of {} behind its table have names", function.name),
                )
                .with_hint(usage));
            }
        };
        let twice = || QueryError::at(*arg, format!("argument {name} is given twice"));
        let own = function.args.iter().any(|f| f.name.eq_ignore_ascii_case(&name));
        let slot = match name.to_ascii_lowercase().as_str() {
            // The table is given by whatever name the function has for it.
            _ if is_table(value) => &mut call.input,
            "input" if !own => &mut call.input,
            "on_time" if !own => &mut call.on_time,
            "uid" if !own => &mut call.uid,
            lower if own => {
                if call.values.iter().any(|(known, _)| known.eq_ignore_ascii_case(lower)) {
                    return Err(twice());
                }
                call.values.push((name.clone(), value));
                continue;
            }
            _ => {
                let known = function.args.iter().map(|f| f.name.as_str()).chain(["input", "on_time", "uid"]);
                let error = QueryError::new(format!("{} has no argument '{name}'", function.name))
                    .with_span(Span::of(*arg).or(span));
                return Err(match nearest(&name, known) {
                    Some(near) => error.with_hint(format!("did you mean '{near}'?")),
                    None => error.with_hint(usage),
                });
            }
        };
        if slot.replace(value).is_some() {
            return Err(twice());
        }
    }
    Ok(call)
}

fn is_table(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("TABLE"))
}

fn lacks(function: &UserFunction, input: &Relation, name: &str) -> QueryError {
    let columns = input.scope.columns.iter().map(|c| c.name.as_str());
    let error = QueryError::new(format!("the input of {} has no column '{name}'", function.name))
        .with_detail("arguments of a process function are the input's columns of their names");
    error.with_hint(match nearest(name, columns) {
        Some(near) => format!("did you mean {name} => {near}?"),
        None => format!("give it by its name: {name} => …"),
    })
}
