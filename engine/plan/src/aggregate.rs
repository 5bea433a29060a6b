//! Aggregate and OVER calls; arguments are columns of the input (the planner projects expressions first).

use serde::{Deserialize, Serialize};

use crate::{DataType, Value};

/// One aggregate of a SELECT, e.g. `COUNT(DISTINCT c) FILTER (WHERE f)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregateCall {
    /// Canonical upper-case name of a built-in (COUNT, SUM, MIN, LISTAGG, …), or the name of a user's aggregate function,
    /// which is never that of a built-in.
    pub function: String,
    /// Argument columns of the input; empty for `COUNT(*)`.
    pub args: Vec<usize>,
    /// Constant arguments behind the columns, such as LISTAGG's separator.
    pub constants: Vec<Value>,
    /// Only distinct arguments count.
    pub distinct: bool,
    /// A BOOLEAN column; only rows where it is TRUE count.
    pub filter: Option<usize>,
    /// Types of the argument columns.
    pub arg_types: Vec<DataType>,
    /// The result's type.
    pub data_type: DataType,
}

/// A sort column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// Column of the input.
    pub column: usize,
    /// `DESC`.
    pub descending: bool,
    /// NULLs first; the default is Flink's: NULLs are lowest (first where ascending, last where descending).
    pub nulls_first: bool,
}

/// The rows around the current one that an OVER function sees.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OverFrame {
    /// `ROWS BETWEEN n PRECEDING AND CURRENT ROW`; unbounded where `None`.
    Rows {
        /// How many rows before the current one.
        preceding: Option<u64>,
    },
    /// `RANGE BETWEEN INTERVAL … PRECEDING AND CURRENT ROW`, in ms; unbounded where `None`. Rows of the same time as the
    /// current one are inside.
    Range {
        /// How far back, inclusive.
        preceding_ms: Option<i64>,
    },
}

/// One function over a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OverFunction {
    /// An aggregate.
    Aggregate(AggregateCall),
    /// `ROW_NUMBER()`, BIGINT.
    RowNumber,
    /// `RANK()`, BIGINT.
    Rank,
    /// `DENSE_RANK()`, BIGINT.
    DenseRank,
    /// `LAG(column, offset, default)`; the frame is ignored. With RANGE ordering, rows of the same time all see the same
    /// (Flink: ties are one step; see `shared/data/README.md`).
    Lag {
        /// The column.
        column: usize,
        /// How many rows back.
        offset: u64,
        /// A column with the value where there is no such row; NULL where `None`.
        default: Option<usize>,
        /// The result's type.
        data_type: DataType,
    },
}

/// The functions of one frame; several groups share a partition's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverGroup {
    /// The frame.
    pub frame: OverFrame,
    /// Each adds one output column, in order.
    pub functions: Vec<OverFunction>,
}
