//! What the engine can run: types, expressions, tables and the graph of operators. Data only, no behaviour beyond it.
//!
//! `wasmill-sql` makes a [`Plan`] from SQL text; `wasmill-runtime` turns it into tasks. Neither knows the other.
//!
//! ```text
//! SQL text --wasmill-sql--> Plan { nodes: [Source, Calc, Watermark, WindowAggregate, Sink, ...] } --wasmill-runtime--> tasks
//! ```

mod aggregate;
mod error;
mod expr;
mod graph;
mod table;
mod types;
mod value;
mod window;

pub use aggregate::{AggregateCall, OverFrame, OverFunction, OverGroup, SortKey};
pub use error::{Error, Result};
pub use expr::{Expr, ExprKind};
pub use graph::{
    ChangelogMode, Deduplicate, Feedback, Input, JoinKind, Lateness, LookupBuild, LookupJoin, Node, NodeId, Operator,
    Over, OverAnswer, OverByColumn, Plan, Port, Predict, Process, Rank, SinkNode, SourceNode, StateField,
    TableFunction, Unnest, WindowAggregate, WindowRank, WindowTable,
};
pub use table::{Column, ColumnKind, Options, Table, Watermark};
pub use types::{DataType, Field, MAX_LENGTH, MAX_PRECISION, Schema, TypeKind};
pub use value::Value;
pub use window::{WindowKind, WindowSpec, Windowing};
