//! Calls that are no plain functions: CURRENT_WATERMARK, GROUPING_ID, TUMBLE_START and their kin.

use sqlparser::ast;
use wasmill_plan::{DataType, Expr, ExprKind, TypeKind};

use super::expr::Binder;
use super::scope::TimeAttribute;
use super::{GROUPING, WINDOW_BASE};
use crate::error::QueryError;

/// The old group window of the SELECT being bound (`GROUP BY TUMBLE(ts, …)`).
#[derive(Clone, Debug)]
pub struct WindowFunctions {
    /// TUMBLE, HOP or SESSION.
    pub kind: &'static str,
    /// The type of the time attribute.
    pub time_type: DataType,
    /// What the time attribute is.
    pub clock: TimeAttribute,
}

impl Binder<'_> {
    /// Binds the call if it is one of these.
    pub(super) fn special_call(
        &mut self,
        whole: &ast::Expr,
        name: &str,
        call: &ast::Function,
    ) -> Result<Option<Expr>, QueryError> {
        match name {
            "CURRENT_WATERMARK" => self.current_watermark(whole, call).map(Some),
            "GROUPING" | "GROUPING_ID" | "GROUP_ID" => self.grouping(whole, name, call).map(Some),
            _ => self.window_function(whole, name),
        }
    }

    fn current_watermark(&mut self, whole: &ast::Expr, call: &ast::Function) -> Result<Expr, QueryError> {
        let args = super::call::argument_list(whole, "CURRENT_WATERMARK", call)?;
        let bound = match args.as_slice() {
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e))] => self.bind(e)?,
            _ => return Err(QueryError::at(whole, "CURRENT_WATERMARK takes one time attribute")),
        };
        let rowtime = bound
            .as_column()
            .is_some_and(|c| self.scope.columns.get(c).is_some_and(|c| c.time == Some(TimeAttribute::Rowtime)));
        if !rowtime {
            return Err(QueryError::at(whole, "CURRENT_WATERMARK needs a time attribute")
                .with_hint("give the column that WATERMARK FOR names"));
        }
        Ok(Expr { kind: ExprKind::CurrentWatermark, data_type: bound.data_type.with_nullable(true) })
    }

    fn grouping(&mut self, whole: &ast::Expr, name: &str, call: &ast::Function) -> Result<Expr, QueryError> {
        if self.aggregates.is_none() {
            return Err(QueryError::at(whole, format!("{name} is not allowed in {}", self.place()))
                .with_hint("use it in the SELECT list or HAVING of a query with GROUPING SETS, ROLLUP or CUBE"));
        }
        let mut args = Vec::new();
        for arg in super::call::argument_list(whole, name, call)? {
            match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => args.push(self.bind(e)?),
                other => return Err(QueryError::at(whole, format!("argument {other} of {name} is not supported"))),
            }
        }
        Ok(Expr::call(GROUPING, args, DataType::not_null(TypeKind::BigInt)))
    }

    /// `TUMBLE_START(ts, INTERVAL …)` and the like: the window is the one of GROUP BY, whose arguments they repeat.
    fn window_function(&mut self, whole: &ast::Expr, name: &str) -> Result<Option<Expr>, QueryError> {
        let Some((kind, part)) = name.split_once('_') else { return Ok(None) };
        let Some(kind) = ["TUMBLE", "HOP", "SESSION"].into_iter().find(|k| *k == kind) else { return Ok(None) };
        let timestamp = DataType::not_null(TypeKind::Timestamp(3));
        let window = self.window_functions.as_ref();
        let (offset, data_type) = match part {
            "START" => (0, timestamp),
            "END" => (1, timestamp),
            "ROWTIME" => (2, window.map_or(timestamp, |w| w.time_type.clone())),
            "PROCTIME" => (3, DataType::not_null(TypeKind::TimestampLtz(3))),
            _ => return Ok(None),
        };
        match window {
            // The time at which the row is worked on, which every operator behind the window may tell.
            Some(window) if window.kind == kind && part == "PROCTIME" => {
                Ok(Some(Expr::call("PROCTIME", Vec::new(), data_type)))
            }
            Some(window) if window.kind == kind && part == "ROWTIME" && window.clock == TimeAttribute::Proctime => {
                Err(QueryError::at(whole, format!("{name}: a window in processing time has no rowtime"))
                    .with_hint(format!("use {kind}_PROCTIME, or a window over the column that WATERMARK FOR names")))
            }
            Some(window) if window.kind == kind => Ok(Some(Expr::column(WINDOW_BASE + offset, data_type))),
            _ => Err(QueryError::at(whole, format!("{name} needs {kind}(…) in GROUP BY"))
                .with_hint("repeat the window's call in GROUP BY, or use TABLE(…) windows and window_start")),
        }
    }
}
