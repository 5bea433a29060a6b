//! TUMBLE, HOP, CUMULATE and SESSION in FROM.

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr};
use wasmill_plan::{DataType, Expr, ExprKind, Input, Operator, TypeKind, Value, WindowKind, WindowSpec, WindowTable};

use super::Planner;
use super::relation::{Relation, WindowColumns, is_time_type, pass_through};
use crate::binder::{Binder, Scope, ScopeColumn, TimeAttribute};
use crate::error::{QueryError, Span};

/// The arguments of a window function under their names.
struct Arguments<'e> {
    function: &'static str,
    names: &'static [&'static str],
    values: Vec<Option<&'e ast::Expr>>,
    span: Option<Span>,
}

const SIGNATURES: [(&str, &[&str], usize, &str); 4] = [
    ("TUMBLE", &["DATA", "TIMECOL", "SIZE", "OFFSET"], 3, "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' MINUTE)"),
    (
        "HOP",
        &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
        4,
        "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)",
    ),
    (
        "CUMULATE",
        &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
        4,
        "CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY)",
    ),
    ("SESSION", &["DATA", "TIMECOL", "GAP"], 3, "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE)"),
];

impl Planner<'_> {
    pub(super) fn window_function(
        &mut self,
        name: &str,
        args: &[&FunctionArg],
        span: Option<Span>,
    ) -> Result<Relation, QueryError> {
        let args = Arguments::new(name, args, span)?;
        let (input, partition) = self.table_argument(args.function, args.required("DATA")?, &args.usage())?;
        let (time_column, clock) = args.descriptor(&input)?;
        let kind = match args.function {
            "TUMBLE" => WindowKind::Tumble { size_ms: self.length(&args, "SIZE")?, offset_ms: self.offset(&args)? },
            "HOP" => WindowKind::Hop {
                slide_ms: self.length(&args, "SLIDE")?,
                size_ms: self.length(&args, "SIZE")?,
                offset_ms: self.offset(&args)?,
            },
            "CUMULATE" => {
                let (step_ms, max_size_ms) = (self.length(&args, "STEP")?, self.length(&args, "SIZE")?);
                if max_size_ms % step_ms != 0 {
                    return Err(QueryError::new("the size of CUMULATE must be a multiple of its step")
                        .with_span(args.get("SIZE").and_then(Span::of).or(span)));
                }
                WindowKind::Cumulate { step_ms, max_size_ms, offset_ms: self.offset(&args)? }
            }
            _ => WindowKind::Session { gap_ms: self.length(&args, "GAP")?, partition: partition.clone() },
        };
        if args.function != "SESSION" && !partition.is_empty() {
            return Err(QueryError::new(format!("PARTITION BY has no meaning for {}", args.function))
                .with_span(span)
                .with_hint("put the key in GROUP BY; only SESSION windows depend on it"));
        }
        if clock == TimeAttribute::Rowtime {
            return Ok(self.windowed(&input, kind, time_column, clock));
        }
        let (stamped, arrival) = self.processing_time(&input);
        let windowed = self.windowed(&stamped, kind, arrival, clock);
        // The column of arrival is ours.
        let items =
            pass_through(&windowed).into_iter().enumerate().filter(|(i, _)| *i != arrival).map(|(_, item)| item);
        Ok(self.calc(&windowed, None, items.collect()))
    }

    /// Appends the time at which each row arrives, for a window in processing time; gives its column.
    pub(super) fn processing_time(&mut self, input: &Relation) -> (Relation, usize) {
        let mut relation = input.clone();
        let instant = DataType::not_null(TypeKind::TimestampLtz(3));
        relation.scope.columns.push(ScopeColumn::new(None, "$arrival", instant));
        let (schema, changelog) = (relation.schema(), self.changelog(input.node));
        relation.node =
            self.add("processing-time", Operator::ProcessingTime, vec![Input::forward(input.node)], schema, changelog);
        (relation, input.width())
    }

    /// Appends the window's columns.
    fn windowed(&mut self, input: &Relation, kind: WindowKind, time_column: usize, clock: TimeAttribute) -> Relation {
        let spec = self.window_spec(input, kind, time_column);
        let time_type = input.scope.columns[time_column].data_type.clone().with_nullable(false);
        let mut relation = input.clone();
        let width = input.width();
        let timestamp = DataType::not_null(TypeKind::Timestamp(3));
        for (name, data_type) in
            [("window_start", timestamp.clone()), ("window_end", timestamp), ("window_time", time_type)]
        {
            relation.scope.columns.push(ScopeColumn::new(None, name, data_type));
        }
        relation.scope.columns[width + 2].time = Some(clock);
        relation.window = Some(WindowColumns {
            start: Some(width),
            end: Some(width + 1),
            time: Some(width + 2),
            time_zone: spec.time_zone.clone(),
            clock,
        });
        let has_late_rows = matches!(spec.kind, WindowKind::Session { .. }) && clock == TimeAttribute::Rowtime;
        let exchange = match &spec.kind {
            WindowKind::Session { partition, .. } => Input::by_key(input.node, partition.clone()),
            _ => Input::forward(input.node),
        };
        let schema = relation.schema();
        let changelog = self.changelog(input.node);
        relation.node =
            self.add("window", Operator::WindowTable(WindowTable { window: spec }), vec![exchange], schema, changelog);
        if has_late_rows {
            self.late_sources.push((relation.node, input.clone()));
        }
        relation
    }

    /// The window with its session zone, if its time is an instant.
    pub(super) fn window_spec(&self, input: &Relation, kind: WindowKind, time_column: usize) -> WindowSpec {
        let instant = matches!(input.scope.columns[time_column].data_type.kind, TypeKind::TimestampLtz(_));
        WindowSpec { kind, time_column, time_zone: instant.then(|| self.time_zone()) }
    }

    /// `TABLE t [PARTITION BY k]` or a subquery, and the partition's columns.
    pub(super) fn table_argument(
        &mut self,
        function: &str,
        data: &ast::Expr,
        usage: &str,
    ) -> Result<(Relation, Vec<usize>), QueryError> {
        match data {
            ast::Expr::Subquery(query) => Ok((self.query(query)?, Vec::new())),
            ast::Expr::Function(call) if call.name.to_string().eq_ignore_ascii_case("TABLE") => {
                let parts = crate::binder::table_call_args(call);
                let Some((table, keys)) = parts.split_first() else {
                    return Err(QueryError::at(data, "expected a table").with_hint(usage));
                };
                let name = match table {
                    ast::Expr::Identifier(name) => name.value.clone(),
                    ast::Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()).unwrap_or_default(),
                    ast::Expr::Subquery(query) => {
                        let relation = self.query(query)?;
                        let keys = self.partition(&relation, keys)?;
                        return Ok((relation, keys));
                    }
                    other => return Err(QueryError::at(*other, "expected the name of a table").with_hint(usage)),
                };
                let relation = self.named(&name, Span::of(*table))?;
                let keys = self.partition(&relation, keys)?;
                Ok((relation, keys))
            }
            other => Err(QueryError::at(other, format!("{function} needs a table as its first argument"))
                .with_hint(format!("write TABLE before its name: {usage}"))),
        }
    }

    fn partition(&self, relation: &Relation, keys: &[&ast::Expr]) -> Result<Vec<usize>, QueryError> {
        let mut binder = Binder::new(self.catalog, &relation.scope, "PARTITION BY");
        keys.iter()
            .map(|key| {
                binder.bind(key)?.as_column().ok_or_else(|| {
                    QueryError::at(*key, "PARTITION BY takes columns").with_hint("compute the key in a view first")
                })
            })
            .collect()
    }

    fn length(&self, args: &Arguments, name: &str) -> Result<i64, QueryError> {
        let expr = args.required(name)?;
        let ms = interval_ms(self, expr)?;
        if ms <= 0 {
            return Err(QueryError::at(expr, format!("window {} must be positive", name.to_lowercase()))
                .with_hint("use an interval of at least INTERVAL '0.001' SECOND"));
        }
        Ok(ms)
    }

    fn offset(&self, args: &Arguments) -> Result<i64, QueryError> {
        args.get("OFFSET").map_or(Ok(0), |expr| interval_ms(self, expr))
    }
}

/// A constant day-time interval.
pub(super) fn interval_ms(planner: &Planner, expr: &ast::Expr) -> Result<i64, QueryError> {
    let scope = Scope::default();
    let bound = Binder::new(planner.catalog, &scope, "the length of a window").bind(expr)?;
    match (&bound.kind, &bound.data_type.kind) {
        (ExprKind::Literal(Value::Int(ms)), TypeKind::IntervalDayTime) => Ok(*ms),
        (_, TypeKind::IntervalYearMonth) => Err(QueryError::at(expr, "a window cannot be months or years long")
            .with_hint("their lengths differ: use days, e.g. INTERVAL '30' DAY")),
        _ => Err(QueryError::at(expr, "expected an interval").with_hint("write INTERVAL '5' MINUTE")),
    }
}

/// The column of a window's time attribute and which clock it follows, or what to do.
pub(super) fn require_time_attribute(
    relation: &Relation,
    expr: &Expr,
    at: &ast::Expr,
    what: &str,
) -> Result<(usize, TimeAttribute), QueryError> {
    let column = expr.as_column();
    match column.map(|c| &relation.scope.columns[c]) {
        Some(ScopeColumn { time: Some(clock), .. }) => Ok((column.expect("matched"), *clock)),
        Some(c) => {
            let hint = if is_time_type(&c.data_type.kind) {
                format!("declare it in CREATE TABLE: WATERMARK FOR `{0}` AS `{0}` - INTERVAL '5' SECOND", c.name)
            } else {
                format!(
                    "'{}' is {}; a time attribute is TIMESTAMP(3) or TIMESTAMP_LTZ(3) with a WATERMARK",
                    c.name, c.data_type
                )
            };
            Err(QueryError::at(at, format!("{what} needs a time attribute, and '{}' has no watermark", c.name))
                .with_hint(hint))
        }
        None => Err(QueryError::at(at, format!("{what} needs a time attribute"))
            .with_hint("name the column that WATERMARK FOR declares, or a column AS PROCTIME()")),
    }
}

impl<'e> Arguments<'e> {
    fn new(name: &str, args: &[&'e FunctionArg], span: Option<Span>) -> Result<Self, QueryError> {
        let (function, names, required, usage) =
            SIGNATURES.into_iter().find(|(n, ..)| *n == name).expect("a window function");
        let mut values: Vec<Option<&ast::Expr>> = vec![None; names.len()];
        for (i, arg) in args.iter().enumerate() {
            let (slot, value) = match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(i), value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    (names.iter().position(|n| n.eq_ignore_ascii_case(&name.value)), value)
                }
                FunctionArg::ExprNamed { name, arg: FunctionArgExpr::Expr(value), .. } => {
                    let name = name.to_string();
                    (names.iter().position(|n| n.eq_ignore_ascii_case(name.trim_matches('`'))), value)
                }
                other => {
                    return Err(QueryError::at(*other, format!("argument {other} of {function} is not supported")));
                }
            };
            match slot.and_then(|s| values.get_mut(s)) {
                Some(slot) => *slot = Some(value),
                None => {
                    return Err(QueryError::at(*arg, format!("{function} has no such argument"))
                        .with_hint(format!("usage: {usage}; names: {}", names.join(", "))));
                }
            }
        }
        if values[..required].iter().any(Option::is_none) {
            let missing = names[values.iter().position(Option::is_none).unwrap_or(0)];
            return Err(QueryError::new(format!("{function} lacks its argument {missing}"))
                .with_span(span)
                .with_hint(format!("usage: {usage}")));
        }
        Ok(Self { function, names, values, span })
    }

    fn usage(&self) -> String {
        let usage = SIGNATURES.iter().find(|(n, ..)| *n == self.function).map_or("", |(.., usage)| usage);
        format!("usage: {usage}")
    }

    fn get(&self, name: &str) -> Option<&'e ast::Expr> {
        self.names.iter().position(|n| *n == name).and_then(|i| self.values[i])
    }

    fn required(&self, name: &str) -> Result<&'e ast::Expr, QueryError> {
        self.get(name).ok_or_else(|| {
            QueryError::new(format!("{} lacks its argument {name}", self.function))
                .with_span(self.span)
                .with_hint(self.usage())
        })
    }

    /// The column of DESCRIPTOR(…).
    fn descriptor(&self, input: &Relation) -> Result<(usize, TimeAttribute), QueryError> {
        let expr = self.required("TIMECOL")?;
        let column = match expr {
            ast::Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("DESCRIPTOR") => {
                crate::binder::table_call_args(f).first().copied()
            }
            _ => None,
        };
        let Some(ast::Expr::Identifier(column)) = column else {
            return Err(QueryError::at(expr, "expected DESCRIPTOR(column)").with_hint(self.usage()));
        };
        let bound = input.scope.resolve(std::slice::from_ref(column))?;
        require_time_attribute(input, &bound, &ast::Expr::Identifier(column.clone()), self.function)
    }
}
