//! OVER calls: the function, its partition, order and frame.

use sqlparser::ast::{self, WindowFrameBound, WindowFrameUnits, WindowType};
use wasmill_plan::{DataType, Expr, ExprKind, TypeKind, Value};

use super::expr::{Binder, Bound};
use super::{BoundAggregate, OVER_BASE};
use crate::catalog::FunctionKind;
use crate::error::{QueryError, Span};

/// `f(…) OVER (…)`; expressions are over the input and the aggregates of the same SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundOver {
    /// The function.
    pub function: BoundFunction,
    /// PARTITION BY.
    pub partition: Vec<Expr>,
    /// ORDER BY: expression, descending, NULLs first.
    pub order: Vec<(Expr, bool, bool)>,
    /// ROWS instead of RANGE.
    pub rows: bool,
    /// How far the frame goes back.
    pub preceding: OverBound,
    /// For messages.
    pub span: Option<Span>,
}

/// What is computed over the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum BoundFunction {
    /// An aggregate.
    Aggregate(BoundAggregate),
    /// ROW_NUMBER().
    RowNumber,
    /// RANK().
    Rank,
    /// DENSE_RANK().
    DenseRank,
    /// LAG(value, offset, default).
    Lag(Expr, u64, Option<Expr>),
}

/// The start of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OverBound {
    /// UNBOUNDED PRECEDING.
    Unbounded,
    /// So many rows, or milliseconds.
    Bounded(i64),
}

impl BoundOver {
    /// The type of its result.
    pub fn data_type(&self) -> DataType {
        match &self.function {
            BoundFunction::Aggregate(a) => a.data_type.clone(),
            BoundFunction::Lag(value, ..) => value.data_type.clone().with_nullable(true),
            _ => DataType::not_null(TypeKind::BigInt),
        }
    }
}

impl Binder<'_> {
    pub(super) fn over_call(&mut self, whole: &ast::Expr, name: &str, call: &ast::Function) -> Bound {
        if self.overs.is_none() || self.inside_aggregate {
            return Err(QueryError::at(whole, format!("{name} OVER is not allowed in {}", self.place()))
                .with_hint("compute it in the SELECT list of a subquery and refer to the result"));
        }
        let spec = self.window_spec(whole, call.over.as_ref())?;
        // What stands inside an OVER call is no OVER call itself.
        let outer = self.overs.take();
        let bound = self.over_parts(whole, name, call, &spec);
        self.overs = outer;
        let bound = bound?;
        let data_type = bound.data_type();
        let overs = self.overs.as_mut().expect("checked above");
        let index = overs.iter().position(|o| o.same(&bound)).unwrap_or_else(|| {
            overs.push(bound);
            overs.len() - 1
        });
        Ok(Expr::column(OVER_BASE + index, data_type))
    }

    fn window_spec(&self, whole: &ast::Expr, over: Option<&WindowType>) -> Result<ast::WindowSpec, QueryError> {
        let (name, inline) = match over {
            Some(WindowType::WindowSpec(spec)) => match &spec.window_name {
                None => return Ok(spec.clone()),
                Some(name) => (name, Some(spec)),
            },
            Some(WindowType::NamedWindow(name)) => (name, None),
            None => return Err(QueryError::at(whole, "expected OVER")),
        };
        let named = self.named_windows.iter().find(|w| w.0.value == name.value);
        let Some(ast::NamedWindowDefinition(_, ast::NamedWindowExpr::WindowSpec(spec))) = named else {
            let known = self.named_windows.iter().map(|w| w.0.value.as_str());
            return Err(QueryError::unknown("window", &name.value, known)
                .with_span(Span::from_parser(name.span))
                .with_hint("declare it: WINDOW w AS (PARTITION BY … ORDER BY …)"));
        };
        let mut spec = spec.clone();
        if let Some(inline) = inline {
            if !inline.order_by.is_empty() {
                spec.order_by.clone_from(&inline.order_by);
            }
            if inline.window_frame.is_some() {
                spec.window_frame.clone_from(&inline.window_frame);
            }
        }
        Ok(spec)
    }

    fn over_parts(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        call: &ast::Function,
        spec: &ast::WindowSpec,
    ) -> Result<BoundOver, QueryError> {
        let place = self.place();
        self.at("an OVER clause");
        let partition = spec.partition_by.iter().map(|e| self.bind(e)).collect::<Result<Vec<_>, _>>()?;
        let mut order = Vec::new();
        for key in &spec.order_by {
            let descending = key.options.asc == Some(false);
            // NULLs are lowest in Flink.
            order.push((self.bind(&key.expr)?, descending, key.options.nulls_first.unwrap_or(!descending)));
        }
        let function = self.over_function(whole, name, call)?;
        self.at(place);
        let ranked = matches!(function, BoundFunction::RowNumber | BoundFunction::Rank | BoundFunction::DenseRank);
        let (rows, preceding) = match &spec.window_frame {
            Some(frame) if !ranked => self.frame(whole, frame)?,
            // LAG counts back from the last row of the same time, as in Flink.
            _ => (matches!(function, BoundFunction::RowNumber), OverBound::Unbounded),
        };
        if order.is_empty() {
            return Err(QueryError::at(whole, format!("{name} OVER needs ORDER BY"))
                .with_hint("order by the time attribute: OVER (PARTITION BY … ORDER BY ts …)"));
        }
        Ok(BoundOver { function, partition, order, rows, preceding, span: Span::of(whole) })
    }

    fn over_function(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        call: &ast::Function,
    ) -> Result<BoundFunction, QueryError> {
        match name {
            "ROW_NUMBER" => Ok(BoundFunction::RowNumber),
            "RANK" => Ok(BoundFunction::Rank),
            "DENSE_RANK" => Ok(BoundFunction::DenseRank),
            "LAG" => self.lag(whole, call),
            "LEAD" | "NTILE" | "PERCENT_RANK" | "CUME_DIST" | "NTH_VALUE" => Err(QueryError::unsupported(
                format!("{name} OVER"),
                "it needs rows of the future; LAG and the aggregates look back",
            )
            .with_span(Span::of(whole))),
            _ if wasmill_expr::aggregate::names().any(|n| n == name) => {
                self.aggregate_call(whole, name, call).map(BoundFunction::Aggregate)
            }
            _ => match self.catalog.function(name).cloned() {
                Some(user) if matches!(user.kind, FunctionKind::Aggregate { .. }) => {
                    self.user_aggregate(whole, &user, call).map(BoundFunction::Aggregate)
                }
                Some(user) => Err(QueryError::at(whole, format!("'{}' is no aggregate function", user.name))
                    .with_hint("only aggregate functions can stand before OVER: CREATE AGGREGATE FUNCTION")),
                None => {
                    let mut known: Vec<&str> = wasmill_expr::aggregate::names().collect();
                    known.extend(["ROW_NUMBER", "RANK", "DENSE_RANK", "LAG"]);
                    known.extend(self.catalog.functions().map(|f| f.name.as_str()));
                    Err(QueryError::unknown("aggregate function", name, known).with_span(Span::of(whole)))
                }
            },
        }
    }

    fn lag(&mut self, whole: &ast::Expr, call: &ast::Function) -> Result<BoundFunction, QueryError> {
        let mut args = Vec::new();
        for arg in super::call::argument_list(whole, "LAG", call)? {
            match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => args.push(self.bind(e)?),
                other => return Err(QueryError::at(whole, format!("argument {other} of LAG is not supported"))),
            }
        }
        let mut args = args.into_iter();
        let Some(value) = args.next() else {
            return Err(
                QueryError::at(whole, "LAG needs a value").with_hint("usage: LAG(value [, offset [, default]])")
            );
        };
        let offset = match args.next().map(|o| o.kind) {
            None => 1,
            Some(ExprKind::Literal(Value::Int(n))) if n >= 0 => n as u64,
            Some(_) => {
                return Err(QueryError::at(whole, "the offset of LAG must be a constant number of rows, 0 or more"));
            }
        };
        let default = args.next().map(|d| d.cast_to(value.data_type.clone()));
        if args.next().is_some() {
            return Err(QueryError::at(whole, "LAG takes at most three arguments"));
        }
        Ok(BoundFunction::Lag(value, offset, default))
    }

    fn frame(&mut self, whole: &ast::Expr, frame: &ast::WindowFrame) -> Result<(bool, OverBound), QueryError> {
        let rows = match frame.units {
            WindowFrameUnits::Rows => true,
            WindowFrameUnits::Range => false,
            WindowFrameUnits::Groups => {
                return Err(QueryError::unsupported("a GROUPS frame", "use ROWS or RANGE").with_span(Span::of(whole)));
            }
        };
        if !matches!(frame.end_bound, None | Some(WindowFrameBound::CurrentRow)) {
            return Err(QueryError::at(whole, "a frame must end at CURRENT ROW")
                .with_hint("rows of the future are not known in a stream: BETWEEN … PRECEDING AND CURRENT ROW"));
        }
        let preceding = match &frame.start_bound {
            WindowFrameBound::Preceding(None) => OverBound::Unbounded,
            WindowFrameBound::CurrentRow => OverBound::Bounded(0),
            WindowFrameBound::Preceding(Some(length)) => {
                let bound = self.bind(length)?;
                match (&bound.kind, &bound.data_type.kind) {
                    (ExprKind::Literal(Value::Int(n)), kind) if *n >= 0 && rows && kind.is_integer() => {
                        OverBound::Bounded(*n)
                    }
                    (ExprKind::Literal(Value::Int(n)), TypeKind::IntervalDayTime) if *n >= 0 && !rows => {
                        OverBound::Bounded(*n)
                    }
                    _ => {
                        let hint = if rows {
                            "write ROWS BETWEEN 10 PRECEDING AND CURRENT ROW"
                        } else {
                            "write RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW"
                        };
                        return Err(QueryError::at(length.as_ref(), "this is no length of a frame").with_hint(hint));
                    }
                }
            }
            WindowFrameBound::Following(_) => return Err(QueryError::at(whole, "a frame cannot start in the future")),
        };
        Ok((rows, preceding))
    }
}

impl BoundOver {
    /// The same call written twice.
    fn same(&self, other: &Self) -> bool {
        Self { span: None, ..self.clone() } == Self { span: None, ..other.clone() }
    }
}
