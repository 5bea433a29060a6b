//! The expression binder: one `match` over the forms of the grammar.

use sqlparser::ast::{self, AccessExpr, BinaryOperator, CastKind, Subscript, UnaryOperator};
use wasmill_expr::typing;
use wasmill_plan::{DataType, Expr, ExprKind, TypeKind, Value};

use super::over::BoundOver;
use super::scope::{Scope, field};
use super::{BoundAggregate, literal};
use crate::catalog::Catalog;
use crate::error::{QueryError, Span};
use crate::types;

pub(super) type Bound = Result<Expr, QueryError>;

/// Binds the expressions of one SELECT against its scope.
pub struct Binder<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) scope: &'a Scope,
    /// What is being bound, for messages: `the WHERE clause`.
    place: &'a str,
    /// Aggregates met so far; `None` where they are not allowed.
    pub aggregates: Option<Vec<BoundAggregate>>,
    /// OVER calls met so far; `None` where they are not allowed.
    pub overs: Option<Vec<BoundOver>>,
    /// `WINDOW w AS (…)`.
    pub named_windows: &'a [ast::NamedWindowDefinition],
    /// Auxiliary functions of an old group window (TUMBLE_START, …) met so far: name, at which column they stand.
    pub window_functions: Option<super::special::WindowFunctions>,
    /// Whether the expression being bound is an argument of an aggregate.
    pub(super) inside_aggregate: bool,
}

impl<'a> Binder<'a> {
    /// A binder that allows neither aggregates nor OVER calls.
    pub fn new(catalog: &'a Catalog, scope: &'a Scope, place: &'a str) -> Self {
        Self {
            catalog,
            scope,
            place,
            aggregates: None,
            overs: None,
            named_windows: &[],
            window_functions: None,
            inside_aggregate: false,
        }
    }

    /// Names another clause for messages.
    pub fn at(&mut self, place: &'a str) {
        self.place = place;
    }

    pub(super) fn place(&self) -> &'a str {
        self.place
    }

    /// Binds a condition: BOOLEAN, or an error that says so.
    pub fn bind_condition(&mut self, expr: &ast::Expr) -> Bound {
        let bound = self.bind(expr)?;
        match bound.data_type.kind {
            TypeKind::Boolean => Ok(bound),
            TypeKind::Null => Ok(bound.cast_to(DataType::nullable(TypeKind::Boolean))),
            _ => Err(QueryError::at(expr, format!("{} must be BOOLEAN, not {}", self.place, bound.data_type))
                .with_hint("compare it with something, e.g. `… = 1`")),
        }
    }

    /// Binds an expression.
    pub fn bind(&mut self, expr: &ast::Expr) -> Bound {
        use ast::Expr as E;
        match expr {
            E::Identifier(name) => self.name(std::slice::from_ref(name)),
            E::CompoundIdentifier(parts) => self.scope.resolve(parts),
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            E::Nested(inner) => self.bind(inner),
            E::Value(value) => literal::value(value),
            E::TypedString(typed) => literal::typed(typed),
            E::Interval(interval) => self.interval(interval),
            E::Prefixed { prefix, value } if prefix.value.starts_with('_') => self.bind(value),
            E::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            E::UnaryOp { op, expr: inner } => self.unary(expr, op, inner),
            E::IsNull(e) => self.operator("IS NULL", expr, &[e]),
            E::IsNotNull(e) => self.operator("IS NOT NULL", expr, &[e]),
            E::IsTrue(e) => self.operator("IS TRUE", expr, &[e]),
            E::IsNotTrue(e) => self.operator("IS NOT TRUE", expr, &[e]),
            E::IsFalse(e) => self.operator("IS FALSE", expr, &[e]),
            E::IsNotFalse(e) => self.operator("IS NOT FALSE", expr, &[e]),
            E::IsUnknown(e) => self.operator("IS UNKNOWN", expr, &[e]),
            E::IsNotUnknown(e) => self.operator("IS NOT UNKNOWN", expr, &[e]),
            E::IsDistinctFrom(a, b) => self.operator("IS DISTINCT FROM", expr, &[a, b]),
            E::IsNotDistinctFrom(a, b) => self.operator("IS NOT DISTINCT FROM", expr, &[a, b]),
            E::Between { expr: e, negated, low, high } => self.between(expr, e, *negated, low, high),
            E::InList { expr: e, list, negated } => self.in_list(expr, e, list, *negated),
            E::Like { negated, any: false, expr: e, pattern, escape_char } => {
                self.like("LIKE", expr, e, pattern, escape_char.as_ref(), *negated)
            }
            E::SimilarTo { negated, expr: e, pattern, escape_char } => {
                self.like("SIMILAR TO", expr, e, pattern, escape_char.as_ref(), *negated)
            }
            E::Cast { kind, expr: e, data_type, .. } => self.cast(expr, kind, e, data_type),
            E::Case { operand, conditions, else_result, .. } => {
                self.case(expr, operand.as_deref(), conditions, else_result.as_deref())
            }
            E::Extract { field, expr: e, .. } => self.with_unit("EXTRACT", expr, &field.to_string(), e, true),
            E::Ceil { expr: e, field } => self.rounded("CEIL", expr, e, field),
            E::Floor { expr: e, field } => self.rounded("FLOOR", expr, e, field),
            E::Position { expr: e, r#in } => self.operator("POSITION", expr, &[e, r#in]),
            E::Substring { expr: e, substring_from, substring_for, .. } => {
                let parts: Vec<&ast::Expr> = [Some(e), substring_from.as_ref(), substring_for.as_ref()]
                    .into_iter()
                    .flatten()
                    .map(|b| &**b)
                    .collect();
                self.operator("SUBSTRING", expr, &parts)
            }
            E::Overlay { expr: e, overlay_what, overlay_from, overlay_for } => {
                let mut parts: Vec<&ast::Expr> = vec![e, overlay_what, overlay_from];
                parts.extend(overlay_for.as_deref());
                self.operator("OVERLAY", expr, &parts)
            }
            E::Trim { trim_where, trim_what, expr: e, .. } => {
                self.trim(expr, trim_where.as_ref(), trim_what.as_deref(), e)
            }
            E::Function(function) => self.function(expr, function),
            E::Array(array) => self.collection("ARRAY", expr, array.elem.iter()),
            E::Tuple(items) => self.collection("ROW", expr, items.iter()),
            E::Struct { values, fields } if fields.is_empty() => self.collection("ROW", expr, values.iter()),
            E::Subquery(_) | E::InSubquery { .. } | E::Exists { .. } => Err(QueryError::unsupported(
                "a subquery in an expression",
                "join the table instead, or compute the value in a view and look it up",
            )
            .with_span(Span::of(expr))),
            other => Err(QueryError::at(other, format!("expression {other} is not supported"))),
        }
    }

    /// A bare name: a column, or one of the functions that are called without parentheses.
    fn name(&mut self, name: &[ast::Ident]) -> Bound {
        const BARE: [&str; 7] = [
            "CURRENT_DATE",
            "CURRENT_TIME",
            "CURRENT_TIMESTAMP",
            "LOCALTIME",
            "LOCALTIMESTAMP",
            "CURRENT_ROW_TIMESTAMP",
            "CURRENT_DATABASE",
        ];
        let upper = name[0].value.to_uppercase();
        let known = self.scope.columns.iter().any(|c| c.name == name[0].value);
        if !known && name[0].quote_style.is_none() && BARE.contains(&upper.as_str()) {
            return self.call(&ast::Expr::Identifier(name[0].clone()), &upper, Vec::new());
        }
        self.scope.resolve(name)
    }

    fn access(&mut self, root: &ast::Expr, chain: &[AccessExpr]) -> Bound {
        // `t.r.x[1]` comes as root `t` and accesses `.r`, `.x`, `[1]`: the leading names resolve together.
        let mut rest = chain;
        let mut value = if let ast::Expr::Identifier(first) = root {
            let mut parts = vec![first.clone()];
            while let [AccessExpr::Dot(ast::Expr::Identifier(part)), tail @ ..] = rest {
                parts.push(part.clone());
                rest = tail;
            }
            self.scope.resolve(&parts)?
        } else {
            self.bind(root)?
        };
        for access in rest {
            value = match access {
                AccessExpr::Dot(ast::Expr::Identifier(name)) => field(value, name)?,
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let index = self.bind(index)?;
                    self.call(root, "ITEM", vec![value, index])?
                }
                other => return Err(QueryError::at(root, format!("access {other} is not supported"))),
            };
        }
        Ok(value)
    }

    fn interval(&mut self, interval: &ast::Interval) -> Bound {
        literal::interval(interval)
    }

    fn binary(&mut self, whole: &ast::Expr, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Bound {
        use BinaryOperator as B;
        let name = match op {
            B::Plus => "+",
            B::Minus => "-",
            B::Multiply => "*",
            B::Divide => "/",
            B::Modulo => "%",
            B::StringConcat => "||",
            B::Eq => "=",
            B::NotEq => "<>",
            B::Lt => "<",
            B::LtEq => "<=",
            B::Gt => ">",
            B::GtEq => ">=",
            B::And => "AND",
            B::Or => "OR",
            B::Overlaps => "OVERLAPS",
            other => return Err(QueryError::at(whole, format!("operator {other} is not supported"))),
        };
        // The pairs of OVERLAPS are no rows: an end may be an interval.
        if let (B::Overlaps, ast::Expr::Tuple(first), ast::Expr::Tuple(second)) = (op, left, right) {
            let points: Vec<&ast::Expr> = first.iter().chain(second).collect();
            return self.operator(name, whole, &points);
        }
        self.operator(name, whole, &[left, right])
    }

    fn unary(&mut self, whole: &ast::Expr, op: &UnaryOperator, inner: &ast::Expr) -> Bound {
        match op {
            UnaryOperator::Not => self.operator("NOT", whole, &[inner]),
            UnaryOperator::Plus => self.bind(inner),
            UnaryOperator::Minus => {
                let bound = self.bind(inner)?;
                let negative = match (&bound.kind, &bound.data_type.kind) {
                    (ExprKind::Literal(Value::Int(v)), TypeKind::BigInt) if *v == -i64::from(i32::MIN) => {
                        Some((Value::Int(-v), TypeKind::Int))
                    }
                    (ExprKind::Literal(Value::Int(v)), kind) => Some((Value::Int(v.wrapping_neg()), kind.clone())),
                    (ExprKind::Literal(Value::Float(v)), kind) => Some((Value::Float(-v), kind.clone())),
                    (ExprKind::Literal(Value::Decimal(9_223_372_036_854_775_808)), TypeKind::Decimal(_, 0)) => {
                        Some((Value::Int(i64::MIN), TypeKind::BigInt))
                    }
                    (ExprKind::Literal(Value::Decimal(v)), kind) => Some((Value::Decimal(-v), kind.clone())),
                    _ => None,
                };
                match negative {
                    Some((value, kind)) => Ok(Expr::literal(value, DataType::not_null(kind))),
                    None => self.call(whole, "-", vec![bound]),
                }
            }
            other => Err(QueryError::at(whole, format!("operator {other} is not supported"))),
        }
    }

    /// A call of a built-in whose arguments are bound one by one.
    pub(super) fn operator(&mut self, name: &str, whole: &ast::Expr, args: &[&ast::Expr]) -> Bound {
        let args = args.iter().map(|a| self.bind(a)).collect::<Result<Vec<_>, _>>()?;
        self.call(whole, name, args)
    }

    fn collection<'e>(&mut self, name: &str, whole: &ast::Expr, items: impl Iterator<Item = &'e ast::Expr>) -> Bound {
        let items = items.map(|e| self.bind(e)).collect::<Result<Vec<_>, _>>()?;
        self.call(whole, name, items)
    }

    fn negate(&mut self, whole: &ast::Expr, negated: bool, bound: Expr) -> Bound {
        if negated { self.call(whole, "NOT", vec![bound]) } else { Ok(bound) }
    }

    fn between(&mut self, whole: &ast::Expr, e: &ast::Expr, negated: bool, low: &ast::Expr, high: &ast::Expr) -> Bound {
        let value = self.bind(e)?;
        let low = self.bind(low)?;
        let high = self.bind(high)?;
        let above = self.call(whole, ">=", vec![value.clone(), low])?;
        let below = self.call(whole, "<=", vec![value, high])?;
        let both = self.call(whole, "AND", vec![above, below])?;
        self.negate(whole, negated, both)
    }

    fn in_list(&mut self, whole: &ast::Expr, e: &ast::Expr, list: &[ast::Expr], negated: bool) -> Bound {
        let mut args = vec![self.bind(e)?];
        for item in list {
            args.push(self.bind(item)?);
        }
        let found = self.call(whole, "IN", args)?;
        self.negate(whole, negated, found)
    }

    fn like(
        &mut self,
        name: &str,
        whole: &ast::Expr,
        e: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
        negated: bool,
    ) -> Bound {
        let mut args = vec![self.bind(e)?, self.bind(pattern)?];
        if let Some(escape) = escape {
            args.push(literal::value(escape)?);
        }
        let matched = self.call(whole, name, args)?;
        self.negate(whole, negated, matched)
    }

    fn cast(&mut self, whole: &ast::Expr, kind: &CastKind, e: &ast::Expr, target: &ast::DataType) -> Bound {
        let target = types::data_type(target).map_err(|error| error.or_span(Span::of(whole)))?;
        let safe = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
        let input = self.bind(e)?;
        if !typing::can_cast(&input.data_type, &target) {
            return Err(QueryError::at(whole, format!("cannot cast {} to {target}", input.data_type)));
        }
        let nullable = input.data_type.nullable || safe || input.data_type.kind == TypeKind::Null;
        let target = target.with_nullable(nullable);
        if input.data_type.kind == target.kind || input.as_literal() == Some(&Value::Null) {
            return Ok(Expr { kind: input.kind, data_type: target });
        }
        Ok(Expr { kind: ExprKind::Cast { input: Box::new(input), safe }, data_type: target })
    }

    fn case(
        &mut self,
        whole: &ast::Expr,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
    ) -> Bound {
        let operand = operand.map(|o| self.bind(o)).transpose()?;
        let mut branches = Vec::new();
        for when in conditions {
            let condition = match &operand {
                Some(operand) => {
                    let value = self.bind(&when.condition)?;
                    self.call(&when.condition, "=", vec![operand.clone(), value])?
                }
                None => {
                    let place = std::mem::replace(&mut self.place, "a WHEN condition");
                    let condition = self.bind_condition(&when.condition);
                    self.place = place;
                    condition?
                }
            };
            branches.push((condition, self.bind(&when.result)?));
        }
        let otherwise = otherwise.map(|o| self.bind(o)).transpose()?;
        let mut results: Vec<DataType> = branches.iter().map(|(_, r)| r.data_type.clone()).collect();
        results.push(otherwise.as_ref().map_or(DataType::nullable(TypeKind::Null), |o| o.data_type.clone()));
        let Some(common) = typing::least_restrictive(&results) else {
            let list = results.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(QueryError::at(whole, format!("the results of CASE have no common type: {list}"))
                .with_hint("cast them to one type"));
        };
        let branches = branches.into_iter().map(|(c, r)| (c, r.cast_to(common.clone()))).collect();
        let otherwise = otherwise.map(|o| Box::new(o.cast_to(common.clone())));
        Ok(Expr { kind: ExprKind::Case { branches, otherwise }, data_type: common })
    }

    fn trim(
        &mut self,
        whole: &ast::Expr,
        side: Option<&ast::TrimWhereField>,
        what: Option<&ast::Expr>,
        e: &ast::Expr,
    ) -> Bound {
        let name = match side {
            None | Some(ast::TrimWhereField::Both) => "TRIM",
            Some(ast::TrimWhereField::Leading) => "LTRIM",
            Some(ast::TrimWhereField::Trailing) => "RTRIM",
        };
        let mut args = vec![self.bind(e)?];
        if let Some(what) = what {
            args.push(self.bind(what)?);
        }
        self.call(whole, name, args)
    }

    fn rounded(&mut self, name: &str, whole: &ast::Expr, e: &ast::Expr, field: &ast::CeilFloorKind) -> Bound {
        match field {
            ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) => self.operator(name, whole, &[e]),
            ast::CeilFloorKind::DateTimeField(unit) => self.with_unit(name, whole, &unit.to_string(), e, false),
            ast::CeilFloorKind::Scale(scale) => {
                let args = vec![self.bind(e)?, literal::value(scale)?];
                self.call(whole, name, args)
            }
        }
    }

    /// A function with a unit of time: the unit is a text literal argument, first or last.
    fn with_unit(&mut self, name: &str, whole: &ast::Expr, unit: &str, e: &ast::Expr, unit_first: bool) -> Bound {
        let unit = literal::text(&unit.to_uppercase());
        let value = self.bind(e)?;
        let args = if unit_first { vec![unit, value] } else { vec![value, unit] };
        self.call(whole, name, args)
    }
}
