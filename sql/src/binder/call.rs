//! Function calls: built-ins, user functions, aggregates.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};
use wasmill_expr::{Argument, aggregate, registry, typing};
use wasmill_plan::{DataType, Expr, ExprKind, TypeKind, Value};

use super::expr::{Binder, Bound};
use super::{AGGREGATE_BASE, BoundAggregate, literal};
use crate::catalog::{FunctionKind, UserFunction};
use crate::error::{QueryError, Span};

/// Functions whose first argument is a unit of time given as a bare word.
const UNIT_FUNCTIONS: [&str; 3] = ["TIMESTAMPADD", "TIMESTAMPDIFF", "EXTRACT"];

impl Binder<'_> {
    /// A call of a built-in with bound arguments: types are settled and casts inserted.
    pub(super) fn call(&mut self, whole: &ast::Expr, name: &str, args: Vec<Expr>) -> Bound {
        let Some(function) = registry::find(name) else {
            return Err(self.unknown_function(whole, name));
        };
        let arguments: Vec<Argument> =
            args.iter().map(|a| Argument { data_type: &a.data_type, literal: a.as_literal() }).collect();
        let signature = (function.infer)(&arguments).map_err(|why| {
            let types = args.iter().map(|a| a.data_type.to_string()).collect::<Vec<_>>().join(", ");
            QueryError::at(whole, format!("{}({types}): {why}", function.name))
                .with_hint(format!("usage: {}", function.usage))
        })?;
        debug_assert_eq!(signature.args.len(), args.len(), "signature of {name}");
        let args = args.into_iter().zip(signature.args).map(|(arg, wanted)| arg.cast_to(wanted)).collect();
        Ok(Expr::call(function.name, args, signature.returns))
    }

    fn unknown_function(&self, whole: &ast::Expr, name: &str) -> QueryError {
        let mut known: Vec<&str> = registry::all().map(|f| f.name).chain(aggregate::names()).collect();
        known.extend(self.catalog.functions().map(|f| f.name.as_str()));
        QueryError::unknown("function", name, known).with_span(Span::of(whole))
    }

    /// `f(…)` as written.
    pub(super) fn function(&mut self, whole: &ast::Expr, call: &ast::Function) -> Bound {
        let written = call.name.0.last().map(ToString::to_string).unwrap_or_default();
        let written = written.trim_matches('`');
        let name = written.to_uppercase();
        if call.over.is_some() {
            return self.over_call(whole, &name, call);
        }
        if let Some(bound) = self.special_call(whole, &name, call)? {
            return Ok(bound);
        }
        if let Some(user) = self.catalog.function(written).cloned() {
            return self.user_function(whole, &user, call);
        }
        if aggregate::names().any(|n| n == name) {
            let bound = self.aggregate_call(whole, &name, call)?;
            return self.register_aggregate(whole, &name, bound);
        }
        if call.filter.is_some() {
            return Err(QueryError::at(whole, format!("FILTER needs an aggregate function, and {name} is none")));
        }
        let args = self.scalar_args(whole, &name, call)?;
        if name == "PROCTIME" && !args.is_empty() {
            return Err(QueryError::at(whole, "PROCTIME() takes no argument"));
        }
        self.call(whole, &name, args)
    }

    fn user_function(&mut self, whole: &ast::Expr, user: &UserFunction, call: &ast::Function) -> Bound {
        match user.kind {
            FunctionKind::Scalar if call.filter.is_some() => {
                Err(QueryError::at(whole, format!("FILTER needs an aggregate function, and '{}' is none", user.name)))
            }
            FunctionKind::Scalar => {
                let args = self.scalar_args(whole, &user.name, call)?;
                let args = user_args(whole, user, args)?;
                let kind = ExprKind::UserFunction { name: user.name.clone(), args };
                Ok(Expr { kind, data_type: user.returns.clone() })
            }
            FunctionKind::Aggregate { .. } => {
                let bound = self.user_aggregate(whole, user, call)?;
                self.register_aggregate(whole, &user.name, bound)
            }
            FunctionKind::Process => {
                Err(QueryError::at(whole, format!("process function '{}' gives rows, not a value", user.name))
                    .with_hint(format!("use it in FROM: {}(input => TABLE t PARTITION BY k ORDER BY ts)", user.name)))
            }
            FunctionKind::Table => {
                Err(QueryError::at(whole, format!("table function '{}' gives rows, not a value", user.name))
                    .with_hint(format!("use it in FROM: … CROSS JOIN LATERAL TABLE({}(…)) AS t", user.name)))
            }
        }
    }

    /// A call of a user's aggregate function, without registering it (OVER uses it too).
    pub(super) fn user_aggregate(
        &mut self,
        whole: &ast::Expr,
        user: &UserFunction,
        call: &ast::Function,
    ) -> Result<BoundAggregate, QueryError> {
        let (distinct, args, filter) = self.aggregate_args(whole, &user.name, call)?;
        Ok(BoundAggregate {
            function: user.name.clone(),
            args: user_args(whole, user, args)?,
            constants: Vec::new(),
            distinct,
            filter,
            data_type: user.returns.clone(),
        })
    }

    /// The arguments of a scalar call, bound in order.
    fn scalar_args(&mut self, whole: &ast::Expr, name: &str, call: &ast::Function) -> Result<Vec<Expr>, QueryError> {
        let list = argument_list(whole, name, call)?;
        let mut bound = Vec::with_capacity(list.len());
        for (i, arg) in list.into_iter().enumerate() {
            let arg = match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => e,
                other => return Err(QueryError::at(whole, format!("argument {other} of {name} is not supported"))),
            };
            match arg {
                ast::Expr::Identifier(unit) if i == 0 && UNIT_FUNCTIONS.contains(&name) => {
                    bound.push(literal::text(&unit.value.to_uppercase()));
                }
                e => bound.push(self.bind(e)?),
            }
        }
        Ok(bound)
    }

    /// The parts of an aggregate call, without registering it (OVER uses it too).
    pub(super) fn aggregate_call(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        call: &ast::Function,
    ) -> Result<BoundAggregate, QueryError> {
        let (distinct, mut args, filter) = self.aggregate_args(whole, name, call)?;
        // `COUNT(1)` counts rows like `COUNT(*)`.
        if name == "COUNT"
            && !distinct
            && matches!(args.as_slice(), [one] if one.as_literal().is_some_and(|v| *v != Value::Null))
        {
            args.clear();
        }
        let types: Vec<DataType> = args.iter().map(|a| a.data_type.clone()).collect();
        let signature = aggregate::infer(name, &types).map_err(|why| {
            let types = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            QueryError::at(whole, format!("{name}({types}): {why}"))
        })?;
        // Constants (a separator, a percentage, a clause) are parameters, not columns.
        let (mut columns, mut constants) = (Vec::new(), Vec::new());
        for (position, (arg, wanted)) in args.into_iter().zip(signature.args).enumerate() {
            if !signature.constants.contains(&position) {
                columns.push(arg.cast_to(wanted));
                continue;
            }
            let Some(values) = constant_values(&arg) else {
                return Err(QueryError::at(whole, format!("argument {} of {name} must be a constant", position + 1)));
            };
            constants.extend(values);
        }
        let function = signature.function.to_owned();
        Ok(BoundAggregate { function, args: columns, constants, distinct, filter, data_type: signature.returns })
    }

    /// DISTINCT, the arguments as written, and the FILTER of an aggregate call.
    fn aggregate_args(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        call: &ast::Function,
    ) -> Result<(bool, Vec<Expr>, Option<Expr>), QueryError> {
        let (distinct, clauses) = match &call.args {
            FunctionArguments::List(list) => {
                (matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct)), list.clauses.as_slice())
            }
            _ => (false, [].as_slice()),
        };
        if let Some(clause) = clauses.first() {
            return Err(QueryError::at(whole, format!("{clause} inside {name} is not supported")));
        }
        if !call.within_group.is_empty() {
            return Err(QueryError::at(whole, format!("WITHIN GROUP of {name} is not supported")));
        }
        let mut args = Vec::new();
        // The argument of an OVER call may be an aggregate of the same SELECT.
        let outer = std::mem::replace(&mut self.inside_aggregate, call.over.is_none());
        for arg in argument_list(whole, name, call)? {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "COUNT" => {}
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => args.push(self.bind(e)?),
                other => return Err(QueryError::at(whole, format!("argument {other} of {name} is not supported"))),
            }
        }
        let filter = match &call.filter {
            Some(filter) => {
                let place = self.place();
                self.at("a FILTER condition");
                let bound = self.bind_condition(filter)?;
                self.at(place);
                Some(bound)
            }
            None => None,
        };
        self.inside_aggregate = outer;
        Ok((distinct, args, filter))
    }

    fn register_aggregate(&mut self, whole: &ast::Expr, name: &str, bound: BoundAggregate) -> Bound {
        let place = self.place();
        if self.inside_aggregate {
            return Err(QueryError::at(whole, format!("aggregate {name} stands inside another aggregate"))
                .with_hint("compute the inner one in a subquery or view"));
        }
        let Some(aggregates) = &mut self.aggregates else {
            let hint = if place == "WHERE" {
                "filter on aggregates with HAVING"
            } else {
                "use it in the SELECT list or in HAVING"
            };
            return Err(QueryError::at(whole, format!("aggregate {name} is not allowed in {place}")).with_hint(hint));
        };
        let data_type = bound.data_type.clone();
        let index = aggregates.iter().position(|a| *a == bound).unwrap_or_else(|| {
            aggregates.push(bound);
            aggregates.len() - 1
        });
        Ok(Expr::column(AGGREGATE_BASE + index, data_type))
    }
}

/// The arguments of a user's function, as many as declared and cast to their types.
pub(crate) fn user_args(whole: &ast::Expr, user: &UserFunction, args: Vec<Expr>) -> Result<Vec<Expr>, QueryError> {
    if args.len() != user.args.len() {
        let usage = user.args.iter().map(|f| format!("{} {}", f.name, f.data_type.kind)).collect::<Vec<_>>().join(", ");
        return Err(QueryError::at(
            whole,
            format!("function '{}' takes {} arguments, not {}", user.name, user.args.len(), args.len()),
        )
        .with_hint(format!("usage: {}({usage})", user.name)));
    }
    let cast = |(arg, wanted): (Expr, &wasmill_plan::Field)| {
        if !typing::can_cast_implicitly(&arg.data_type, &wanted.data_type) {
            return Err(QueryError::at(
                whole,
                format!(
                    "argument '{}' of function '{}' is {}, and {} was given",
                    wanted.name, user.name, wanted.data_type.kind, arg.data_type
                ),
            )
            .with_hint(format!("write CAST(… AS {})", wanted.data_type.kind)));
        }
        Ok(arg.cast_to(wanted.data_type.clone()))
    };
    args.into_iter().zip(&user.args).map(cast).collect()
}

/// The value of a literal, or the values of an ARRAY of literals; a DECIMAL as a DOUBLE.
fn constant_values(arg: &Expr) -> Option<Vec<Value>> {
    match (&arg.kind, &arg.data_type.kind) {
        (ExprKind::Literal(Value::Decimal(unscaled)), TypeKind::Decimal(_, scale)) => {
            format!("{unscaled}e-{scale}").parse().ok().map(|v| vec![Value::Float(v)])
        }
        (ExprKind::Literal(value), _) => Some(vec![value.clone()]),
        (ExprKind::Cast { input, .. }, _) => constant_values(input),
        (ExprKind::Call { args, .. }, TypeKind::Array(_)) => {
            Some(args.iter().map(constant_values).collect::<Option<Vec<_>>>()?.concat())
        }
        _ => None,
    }
}

/// The arguments as written.
pub(super) fn argument_list<'e>(
    whole: &ast::Expr,
    name: &str,
    call: &'e ast::Function,
) -> Result<Vec<&'e FunctionArg>, QueryError> {
    match &call.args {
        FunctionArguments::None => Ok(Vec::new()),
        FunctionArguments::List(list) => Ok(list.args.iter().collect()),
        FunctionArguments::Subquery(_) => {
            Err(QueryError::at(whole, format!("a subquery as argument of {name} is not supported")))
        }
    }
}
