//! Binding: names to columns, operators and functions to typed expressions.
//!
//! ```text
//! ast::Expr + Scope --Binder::bind--> wasmill_plan::Expr (+ the aggregates and OVER calls met on the way)
//! ```

mod call;
mod expr;
mod literal;
mod over;
mod scope;
mod special;

use sqlparser::ast;
use wasmill_plan::{DataType, Expr};

pub(crate) use call::user_args;
pub use expr::Binder;
pub use over::{BoundFunction, BoundOver, OverBound};
pub use scope::{Scope, ScopeColumn, TimeAttribute};
pub(crate) use special::WindowFunctions;

use crate::catalog::Catalog;
use crate::error::QueryError;

/// Columns with an index from here on stand for the aggregates of the SELECT being bound, in order of appearance.
pub(crate) const AGGREGATE_BASE: usize = 1 << 24;
/// Columns with an index from here on stand for its OVER calls.
pub(crate) const OVER_BASE: usize = 1 << 25;
/// From here on: window start, window end and rowtime of an old group window (`TUMBLE_START(…)`).
pub(crate) const WINDOW_BASE: usize = 1 << 26;
/// A call under this name stands for `GROUPING_ID(args)` until the grouping sets are planned.
pub(crate) const GROUPING: &str = "$GROUPING";

/// An aggregate call met while binding; its arguments are expressions over the input of the aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundAggregate {
    /// Canonical name.
    pub function: String,
    /// Arguments that are columns or expressions, already cast.
    pub args: Vec<Expr>,
    /// Constant arguments behind them.
    pub constants: Vec<wasmill_plan::Value>,
    /// DISTINCT.
    pub distinct: bool,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// The result's type.
    pub data_type: DataType,
}

/// Binds an expression of CREATE TABLE (a computed column, a watermark) over the table's columns.
///
/// # Errors
/// What is wrong with it, at its place.
pub fn bind_table_expr(
    expr: &ast::Expr,
    columns: &[(String, DataType)],
    catalog: &Catalog,
) -> Result<Expr, QueryError> {
    let scope =
        Scope::new(columns.iter().map(|(name, data_type)| ScopeColumn::new(None, name, data_type.clone())).collect());
    Binder::new(catalog, &scope, "a column of a table").bind(expr)
}

/// The expressions among the arguments of `TABLE(…)`, `DESCRIPTOR(…)` and old group windows.
pub(crate) fn table_call_args(function: &ast::Function) -> Vec<&ast::Expr> {
    let ast::FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|arg| match arg {
            ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(e)) => Some(e),
            _ => None,
        })
        .collect()
}
