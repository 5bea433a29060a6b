//! GROUP BY: keys, grouping sets and old group windows.

use sqlparser::ast::{self, GroupByExpr};
use wasmill_plan::{Expr, WindowKind, WindowSpec};

use super::Planner;
use super::relation::Relation;
use super::window::{interval_ms, require_time_attribute};
use crate::binder::{Binder, TimeAttribute};
use crate::error::{QueryError, Span};

/// A GROUP BY clause.
#[derive(Default)]
pub(super) struct Grouping {
    /// Distinct key expressions over the input, in order of appearance.
    pub keys: Vec<Expr>,
    /// Positions into `keys`, per grouping set. One set holding all keys for a plain GROUP BY.
    pub sets: Vec<Vec<usize>>,
    /// `GROUP BY TUMBLE(ts, …)`.
    pub window: Option<GroupWindow>,
    /// Whether there was a GROUP BY at all (`GROUP BY ()` has no key).
    pub written: bool,
}

/// An old group window.
pub(super) struct GroupWindow {
    pub name: &'static str,
    pub spec: WindowSpec,
    /// What its time attribute is; the plan's column of it is made with the aggregation where it is processing time.
    pub clock: TimeAttribute,
}

impl Grouping {
    pub fn is_empty(&self) -> bool {
        !self.written
    }

    fn key(&mut self, expr: Expr) -> usize {
        self.keys.iter().position(|k| *k == expr).unwrap_or_else(|| {
            self.keys.push(expr);
            self.keys.len() - 1
        })
    }
}

impl Planner<'_> {
    pub(super) fn grouping(&self, select: &ast::Select, input: &Relation) -> Result<Grouping, QueryError> {
        let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
            return Err(QueryError::unsupported("GROUP BY ALL", "name the columns").with_span(Span::of(select)));
        };
        if let Some(modifier) = modifiers.first() {
            return Err(QueryError::unsupported(
                format!("GROUP BY … {modifier}"),
                "write ROLLUP(…), CUBE(…) or GROUPING SETS(…)",
            )
            .with_span(exprs.first().and_then(Span::of)));
        }
        let mut grouping = Grouping { sets: vec![vec![]], written: !exprs.is_empty(), ..Grouping::default() };
        let mut binder = Binder::new(self.catalog, &input.scope, "GROUP BY");
        for expr in exprs {
            if let Some(window) = self.group_window(expr, input, &mut binder)? {
                if grouping.window.replace(window).is_some() {
                    return Err(QueryError::at(expr, "GROUP BY has two windows"));
                }
                continue;
            }
            let alternatives = self.alternatives(expr, &mut binder, &mut grouping)?;
            // Every set so far with every alternative of this element.
            grouping.sets = grouping
                .sets
                .iter()
                .flat_map(|set| alternatives.iter().map(move |more| set.iter().chain(more).copied().collect()))
                .collect();
        }
        for set in &mut grouping.sets {
            set.sort_unstable();
            set.dedup();
        }
        Ok(grouping)
    }

    /// The sets that one element of GROUP BY stands for.
    fn alternatives(
        &self,
        expr: &ast::Expr,
        binder: &mut Binder,
        grouping: &mut Grouping,
    ) -> Result<Vec<Vec<usize>>, QueryError> {
        let mut bind_all = |exprs: &[ast::Expr], grouping: &mut Grouping| {
            exprs.iter().map(|e| Ok(grouping.key(binder.bind(e)?))).collect::<Result<Vec<usize>, QueryError>>()
        };
        match expr {
            ast::Expr::GroupingSets(sets) => sets.iter().map(|set| bind_all(set, grouping)).collect(),
            ast::Expr::Rollup(parts) => {
                let parts = parts.iter().map(|p| bind_all(p, grouping)).collect::<Result<Vec<_>, _>>()?;
                Ok((0..=parts.len()).rev().map(|n| parts[..n].concat()).collect())
            }
            ast::Expr::Cube(parts) => {
                let parts = parts.iter().map(|p| bind_all(p, grouping)).collect::<Result<Vec<_>, _>>()?;
                if parts.len() > 12 {
                    return Err(QueryError::at(expr, format!("CUBE of {} columns makes too many sets", parts.len())));
                }
                let chosen = |mask: usize| {
                    let kept = parts.iter().enumerate().filter(move |(i, _)| mask & (1 << i) == 0);
                    kept.flat_map(|(_, p)| p.iter().copied()).collect()
                };
                Ok((0..1 << parts.len()).map(chosen).collect())
            }
            ast::Expr::Tuple(parts) => Ok(vec![bind_all(parts, grouping)?]),
            ast::Expr::Nested(inner) => Ok(vec![bind_all(std::slice::from_ref(inner), grouping)?]),
            other => Ok(vec![bind_all(std::slice::from_ref(other), grouping)?]),
        }
    }

    /// `TUMBLE(ts, size)`, `HOP(ts, slide, size)`, `SESSION(ts, gap)` as a key.
    fn group_window(
        &self,
        expr: &ast::Expr,
        input: &Relation,
        binder: &mut Binder,
    ) -> Result<Option<GroupWindow>, QueryError> {
        let ast::Expr::Function(function) = expr else { return Ok(None) };
        let name = function.name.to_string().to_uppercase();
        let Some((name, lengths, usage)) = [
            ("TUMBLE", 1, "TUMBLE(ts, INTERVAL '5' MINUTE)"),
            ("HOP", 2, "HOP(ts, INTERVAL '1' MINUTE, INTERVAL '5' MINUTE)"),
            ("SESSION", 1, "SESSION(ts, INTERVAL '5' MINUTE)"),
        ]
        .into_iter()
        .find(|(n, ..)| *n == name) else {
            return Ok(None);
        };
        let args = crate::binder::table_call_args(function);
        if args.len() != lengths + 1 {
            return Err(QueryError::at(expr, format!("{name} in GROUP BY takes {} arguments", lengths + 1))
                .with_hint(format!("usage: {usage}")));
        }
        let time = binder.bind(args[0])?;
        let (time_column, clock) = require_time_attribute(input, &time, args[0], name)?;
        let mut ms = Vec::new();
        for arg in &args[1..] {
            let length = interval_ms(self, arg)?;
            if length <= 0 {
                return Err(QueryError::at(*arg, "window size must be positive")
                    .with_hint("use an interval of at least INTERVAL '0.001' SECOND"));
            }
            ms.push(length);
        }
        let kind = match name {
            "TUMBLE" => WindowKind::Tumble { size_ms: ms[0], offset_ms: 0 },
            "HOP" => WindowKind::Hop { slide_ms: ms[0], size_ms: ms[1], offset_ms: 0 },
            _ => WindowKind::Session { gap_ms: ms[0], partition: vec![] },
        };
        Ok(Some(GroupWindow { name, spec: self.window_spec(input, kind, time_column), clock }))
    }
}
