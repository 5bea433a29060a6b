//! Users' table functions and models in FROM.
//!
//! ```text
//! t CROSS JOIN LATERAL TABLE(f(x)) AS r (a, b)             t's columns, then f's: TableFunction
//! ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x, y))           t's columns, then m's: Predict
//! ```

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, JoinConstraint, TableAlias};
use wasmill_plan::{DataType, Expr, Field, Input, JoinKind, Operator, Predict, TableFunction, TypeKind, Value};

use super::Planner;
use super::from::last_name;
use super::relation::Relation;
use crate::binder::{Binder, ScopeColumn, user_args};
use crate::catalog::{FunctionKind, Model, UserFunction};
use crate::error::{QueryError, Span};
use crate::statement::Name;

/// The arguments of ML_PREDICT under Flink's names, and LABELS, which is given by name only.
const PREDICT_ARGS: [&str; 5] = ["INPUT", "MODEL", "ARGS", "CONFIG", "LABELS"];
const PREDICT_USAGE: &str = "usage: ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(x, y))";

impl Planner<'_> {
    /// `LATERAL TABLE(f(x)) AS alias` behind `left`; `args` are those of TABLE.
    pub(super) fn lateral(
        &mut self,
        left: Relation,
        factor: &ast::TableFactor,
        kind: JoinKind,
        constraint: &JoinConstraint,
    ) -> Result<Relation, QueryError> {
        let ast::TableFactor::Function { args, alias, name, .. } = factor else {
            unreachable!("called for functions in FROM only")
        };
        let trivial = match constraint {
            JoinConstraint::None => true,
            JoinConstraint::On(ast::Expr::Value(v)) => v.value == ast::Value::Boolean(true),
            _ => false,
        };
        if !trivial {
            return Err(QueryError::at(factor, "a join with a table function takes only ON TRUE")
                .with_hint("filter in WHERE, or in a query around it"));
        }
        let usage = "write LATERAL TABLE(f(x)) AS t (a, b)";
        let call = match args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(call @ ast::Expr::Function(function)))]
                if last_name(name).eq_ignore_ascii_case("TABLE") =>
            {
                (call, function)
            }
            _ => return Err(QueryError::at(factor, "expected the call of a table function").with_hint(usage)),
        };
        self.table_call(left, call.0, call.1, kind == JoinKind::Left, alias.as_ref())
    }

    /// A table function of constants, `TABLE(f('a b'))`: its rows alone.
    pub(super) fn table_of_constants(
        &mut self,
        whole: &ast::Expr,
        call: &ast::Function,
        alias: Option<&TableAlias>,
    ) -> Result<Relation, QueryError> {
        let zero = Expr::literal(Value::Int(0), DataType::not_null(TypeKind::Int));
        let column = ScopeColumn::new(None, "", zero.data_type.clone());
        let one_row = self.constant_rows(vec![vec![zero]], vec![column]);
        let relation = self.table_call(one_row, whole, call, false, alias)?;
        let items = super::relation::pass_through(&relation).split_off(1);
        Ok(self.calc(&relation, None, items))
    }

    fn table_call(
        &mut self,
        left: Relation,
        whole: &ast::Expr,
        call: &ast::Function,
        outer: bool,
        alias: Option<&TableAlias>,
    ) -> Result<Relation, QueryError> {
        let name = last_name(&call.name);
        let function = self.require_table_function(&name, Span::of(whole))?;
        let mut binder = Binder::new(self.catalog, &left.scope, "the arguments of a table function");
        let mut args = Vec::new();
        let ast::FunctionArguments::List(list) = &call.args else {
            return Err(QueryError::at(whole, format!("expected the arguments of '{name}'")));
        };
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => args.push(binder.bind(e)?),
                other => return Err(QueryError::at(other, format!("argument {other} of {name} is not supported"))),
            }
        }
        let args = user_args(whole, &function, args)?;
        let columns = function.columns();
        let names: Vec<String> =
            alias.map(|a| a.columns.iter().map(|c| c.name.value.clone()).collect()).unwrap_or_default();
        if !names.is_empty() && names.len() != columns.len() {
            let given = columns.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(QueryError::at(
                whole,
                format!("'{name}' gives {} columns, and {} names are given", columns.len(), names.len()),
            )
            .with_hint(format!("its columns are {given}")));
        }
        let qualifier = alias.map(|a| a.name.value.clone());
        let mut relation = left.clone();
        for (i, field) in columns.iter().enumerate() {
            let data_type = if outer { field.data_type.clone().with_nullable(true) } else { field.data_type.clone() };
            let name = names.get(i).unwrap_or(&field.name);
            relation.scope.columns.push(ScopeColumn::new(qualifier.clone(), name, data_type));
        }
        let operator = Operator::TableFunction(TableFunction {
            function: function.name.clone(),
            args,
            outer,
            width: columns.len(),
        });
        let (schema, changelog) = (relation.schema(), self.changelog(left.node));
        relation.node = self.add("table-function", operator, vec![Input::forward(left.node)], schema, changelog);
        Ok(relation)
    }

    fn require_table_function(&self, name: &str, span: Option<Span>) -> Result<UserFunction, QueryError> {
        let all = || self.catalog.functions().filter(|f| f.kind == FunctionKind::Table);
        match self.catalog.function(name) {
            Some(function) if function.kind == FunctionKind::Table => Ok(function.clone()),
            Some(function) => Err(QueryError::new(format!("'{}' is no table function", function.name))
                .with_span(span)
                .with_hint("table functions are made by CREATE TABLE FUNCTION")),
            None => Err(QueryError::unknown("table function", name, all().map(|f| f.name.as_str())).with_span(span)),
        }
    }

    /// `ML_PREDICT(…)`.
    pub(super) fn predict(&mut self, args: &[&FunctionArg], span: Option<Span>) -> Result<Relation, QueryError> {
        let args = predict_args(args, span)?;
        let [input, model, features, config, labels] = args;
        let missing = |what: &str| {
            QueryError::new(format!("ML_PREDICT lacks its argument {what}")).with_span(span).with_hint(PREDICT_USAGE)
        };
        if let Some(config) = config {
            return Err(QueryError::at(config, "CONFIG of ML_PREDICT is not supported")
                .with_hint("it configures calls to another server; a model in Wasm runs in the job itself"));
        }
        let model = self.model_argument(model.ok_or_else(|| missing("MODEL"))?)?;
        let features = features.ok_or_else(|| missing("ARGS"))?;
        let (input, _) = self.table_argument("ML_PREDICT", input.ok_or_else(|| missing("INPUT"))?, PREDICT_USAGE)?;
        let exprs = columns(&input, features, "INPUT", &model.input, &model)?;
        let labels = match labels {
            Some(labels) => self.labels(&input, labels, &model)?,
            None => Vec::new(),
        };
        let mut relation = input.clone();
        for field in &model.output {
            let name = free_name(&relation, &field.name);
            relation.scope.columns.push(ScopeColumn::new(None, &name, field.data_type.clone()));
        }
        let outputs = model.output.iter().map(|f| f.data_type.clone()).collect();
        let lesson = self.lesson(&model, &input, !labels.is_empty(), span)?;
        // A model that learns is one, and sees all rows.
        let learns = !labels.is_empty() || lesson.is_some();
        let from = if learns { Input::by_key(input.node, Vec::new()) } else { Input::forward(input.node) };
        let mut inputs = vec![from];
        let mut feedback = None;
        if let Some((rows, lesson)) = lesson {
            inputs.push(Input::by_key(rows, Vec::new()));
            feedback = Some(lesson);
        }
        let name = if feedback.is_some() { "learn" } else { "predict" };
        let operator = Operator::Predict(Predict { model: model.name.clone(), args: exprs, outputs, labels, feedback });
        let (schema, changelog) = (relation.schema(), self.changelog(input.node));
        relation.node = self.add(name, operator, inputs, schema, changelog);
        self.taught(&model, relation.node, span)?;
        relation.scope.columns.iter_mut().for_each(|c| c.qualifier = None);
        Ok(relation)
    }

    /// The columns that the model learns from.
    fn labels(&self, input: &Relation, labels: &ast::Expr, model: &Model) -> Result<Vec<Expr>, QueryError> {
        self.require_append(input, "a model that learns", Span::of(labels))?;
        self.may_learn(model, Span::of(labels))?;
        columns(input, labels, "LABEL", &model.labels, model)
    }

    /// `MODEL m`.
    fn model_argument(&self, expr: &ast::Expr) -> Result<Model, QueryError> {
        let name = match expr {
            ast::Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("MODEL") => {
                crate::binder::table_call_args(f).first().copied()
            }
            _ => None,
        };
        let Some(ast::Expr::Identifier(name)) = name else {
            return Err(QueryError::at(expr, "ML_PREDICT needs a model as its second argument")
                .with_hint(format!("write MODEL before its name; {PREDICT_USAGE}")));
        };
        let name = Name::from_ident(name);
        self.catalog.model(&name.text).cloned().ok_or_else(|| self.catalog.unknown_model(&name))
    }
}

/// The arguments in the order of [`PREDICT_ARGS`].
fn predict_args<'e>(args: &[&'e FunctionArg], span: Option<Span>) -> Result<[Option<&'e ast::Expr>; 5], QueryError> {
    let mut values = [None; 5];
    for (position, arg) in args.iter().enumerate() {
        let place = |name: &str| PREDICT_ARGS.iter().position(|n| n.eq_ignore_ascii_case(name.trim_matches('`')));
        let (slot, value) = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(position).filter(|p| *p < 4), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => (place(&name.value), value),
            FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => (place(&name.to_string()), value),
            other => return Err(QueryError::at(*other, format!("argument {other} of ML_PREDICT is not supported"))),
        };
        match slot.and_then(|slot| values.get_mut(slot)) {
            Some(slot) if slot.is_none() => *slot = Some(value),
            Some(_) => return Err(QueryError::at(*arg, "an argument of ML_PREDICT is given twice")),
            None => {
                return Err(QueryError::new("ML_PREDICT has no such argument")
                    .with_span(Span::of(*arg).or(span))
                    .with_hint(format!("{PREDICT_USAGE}; names: {}", PREDICT_ARGS.join(", "))));
            }
        }
    }
    Ok(values)
}

/// The names in DESCRIPTOR(…).
fn descriptor(expr: &ast::Expr) -> Result<Vec<&ast::Ident>, QueryError> {
    let wrong = |at: &ast::Expr| QueryError::at(at, "expected DESCRIPTOR(column, …)").with_hint(PREDICT_USAGE);
    let ast::Expr::Function(f) = expr else { return Err(wrong(expr)) };
    if !f.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") {
        return Err(wrong(expr));
    }
    let column = |arg: &'_ ast::Expr| match arg {
        ast::Expr::Identifier(_) => Ok(()),
        other => Err(wrong(other)),
    };
    let args = crate::binder::table_call_args(f);
    args.iter().try_for_each(|arg| column(arg))?;
    Ok(args
        .into_iter()
        .filter_map(|arg| match arg {
            ast::Expr::Identifier(name) => Some(name),
            _ => None,
        })
        .collect())
}

/// The columns that a DESCRIPTOR names, as many and of the types as the model has them.
fn columns(
    input: &Relation,
    written: &ast::Expr,
    clause: &str,
    wanted: &[Field],
    model: &Model,
) -> Result<Vec<Expr>, QueryError> {
    let columns = descriptor(written)?;
    if columns.len() != wanted.len() {
        let names = wanted.iter().map(|f| format!("{} {}", f.name, f.data_type.kind)).collect::<Vec<_>>();
        return Err(QueryError::at(
            written,
            format!("model '{}' takes {} columns, not {}", model.name, wanted.len(), columns.len()),
        )
        .with_hint(format!("its {clause} is ({})", names.join(", "))));
    }
    columns.iter().zip(wanted).map(|(column, wanted)| feature(input, column, wanted, model)).collect()
}

/// A column of the input as the model takes it.
fn feature(input: &Relation, name: &ast::Ident, wanted: &Field, model: &Model) -> Result<Expr, QueryError> {
    let bound = input.scope.resolve(std::slice::from_ref(name))?;
    if !wasmill_expr::typing::can_cast_implicitly(&bound.data_type, &wanted.data_type) {
        return Err(QueryError::new(format!(
            "column '{}' is {}, and '{}' of model '{}' is {}",
            name.value, bound.data_type, wanted.name, model.name, wanted.data_type.kind
        ))
        .with_span(Span::from_parser(name.span))
        .with_hint(format!("CAST it to {} in a view or subquery", wanted.data_type.kind)));
    }
    Ok(bound.cast_to(wanted.data_type.clone()))
}

/// `name`, or `name0`, `name1`, … where a column has that name already, as in Flink.
pub(super) fn free_name(relation: &Relation, name: &str) -> String {
    let taken = |name: &str| relation.scope.columns.iter().any(|c| c.name == name);
    if !taken(name) {
        return name.to_owned();
    }
    (0..).map(|i| format!("{name}{i}")).find(|name| !taken(name)).expect("numbers do not end")
}
